//! A catalogue ordered as a tree: what is in each schema, whose partitions are whose, and how large it is. Made once for a
//! catalogue; numbers, no texts, so that 50,000 relations take little. It must not know what is folded.

use crate::access::explore::Measure;
use crate::model::catalogue::{Catalogue, Name, RelationKind};
use std::collections::HashMap;
use std::sync::Arc;

/// What is in one schema; numbers of the catalogue's lists, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    pub name: Name,
    /// Tables, views and their like, but no partitions.
    pub relations: Vec<u32>,
    /// Partitions of any table.
    pub partitions: Vec<u32>,
    pub sequences: Vec<u32>,
    pub functions: Vec<u32>,
    pub types: Vec<u32>,
}

/// Size and rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub bytes: Option<u64>,
    pub rows: Option<u64>,
}

/// The order.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    pub catalogue: Arc<Catalogue>,
    pub schemas: Vec<Schema>,
    /// Partitions of a relation, by name.
    pub partitions: HashMap<u32, Vec<u32>>,
    pub extents: HashMap<u32, Extent>,
}

impl Index {
    /// Orders a catalogue; sizes and partitions as far as they are known.
    pub fn new(catalogue: &Arc<Catalogue>, measures: &[Measure]) -> Index {
        let mut index = Index { catalogue: Arc::clone(catalogue), ..Index::default() };
        let mut is_partition = vec![false; catalogue.relations().len()];
        let find = |schema: &str, name: &str| catalogue.find(Some(schema), name, &[]);
        for measure in measures {
            let Some(at) = find(&measure.of.schema, &measure.of.name) else { continue };
            let extent = Extent { bytes: measure.bytes, rows: measure.rows };
            if extent != Extent::default() {
                index.extents.insert(at as u32, extent);
            }
            let parent = measure.parent.as_ref().and_then(|parent| find(&parent.schema, &parent.name));
            if let Some(parent) = parent {
                is_partition[at] = true;
                index.partitions.entry(parent as u32).or_default().push(at as u32);
            }
        }
        index.sum();
        let mut by_name: HashMap<Name, usize> = HashMap::new();
        for name in catalogue.schemas() {
            by_name.insert(*name, index.schemas.len());
            index.schemas.push(Schema { name: *name, ..Schema::default() });
        }
        for (at, relation) in catalogue.relations().iter().enumerate() {
            let Some(schema) = by_name.get(&relation.schema).map(|at| &mut index.schemas[*at]) else { continue };
            match relation.kind {
                RelationKind::Index => {}
                RelationKind::Sequence => schema.sequences.push(at as u32),
                _ if is_partition[at] => schema.partitions.push(at as u32),
                _ => schema.relations.push(at as u32),
            }
        }
        for (at, function) in catalogue.functions().iter().enumerate() {
            if let Some(schema) = by_name.get(&function.schema) {
                index.schemas[*schema].functions.push(at as u32);
            }
        }
        for (at, of_type) in catalogue.types().iter().enumerate() {
            if let Some(schema) = by_name.get(&of_type.schema) {
                index.schemas[*schema].types.push(at as u32);
            }
        }
        index.sort();
        index
    }

    /// A partitioned table is as large as its partitions.
    fn sum(&mut self) {
        fn of(index: &Index, at: u32, depth: usize) -> Extent {
            let own = index.extents.get(&at).copied().unwrap_or_default();
            let Some(parts) = index.partitions.get(&at).filter(|_| depth < 32) else { return own };
            let add = |a: Option<u64>, b: Option<u64>| match (a, b) {
                (Some(a), Some(b)) => Some(a.saturating_add(b)),
                (a, b) => a.or(b),
            };
            let all = parts.iter().map(|part| of(index, *part, depth + 1));
            // Its own estimate counts its partitions' rows already, where it was analysed.
            let summed = all.fold(Extent { rows: None, bytes: own.bytes }, |sum, part| Extent {
                bytes: add(sum.bytes, part.bytes),
                rows: add(sum.rows, part.rows),
            });
            Extent { rows: own.rows.or(summed.rows), ..summed }
        }
        let summed: Vec<(u32, Extent)> = self.partitions.keys().map(|at| (*at, of(self, *at, 0))).collect();
        self.extents.extend(summed);
    }

    fn sort(&mut self) {
        let catalogue = Arc::clone(&self.catalogue);
        let relation = |at: &u32| catalogue.text(catalogue.relations()[*at as usize].name);
        for schema in &mut self.schemas {
            schema.relations.sort_by(|a, b| relation(a).cmp(relation(b)));
            schema.partitions.sort_by(|a, b| relation(a).cmp(relation(b)));
            schema.sequences.sort_by(|a, b| relation(a).cmp(relation(b)));
            schema.functions.sort_by_key(|at| catalogue.text(catalogue.functions()[*at as usize].name));
            schema.types.sort_by_key(|at| catalogue.text(catalogue.types()[*at as usize].name));
        }
        for parts in self.partitions.values_mut() {
            parts.sort_by(|a, b| relation(a).cmp(relation(b)));
        }
        // What people made comes before what the server brought.
        let system = |name: Name| {
            let name = catalogue.text(name);
            name.starts_with("pg_") || name == "information_schema"
        };
        self.schemas
            .sort_by(|a, b| (system(a.name), catalogue.text(a.name)).cmp(&(system(b.name), catalogue.text(b.name))));
    }
}
