//! The catalogue as a foldable tree: schemas, relations with their parts and partitions, functions, sequences, types,
//! extensions. State only: rows are a flat list of what is unfolded, made anew when something folds, and only those in
//! sight are drawn. What it does not know yet it asks for by [`Question`]. It must not know how that is answered.

mod index;
mod keys;
mod press;
mod sift;
pub(super) mod view;

pub use keys::{BRANCH, Branch, SIFT, Sift};
pub(super) use press::{hear, key, mouse, open, paste, refresh};

use crate::access::explore::{Measure, Named, Parts, Question, Thing};
use crate::model::catalogue::Catalogue;
use index::Index;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What hangs below a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Group {
    Sequences,
    Functions,
    Types,
}

/// What hangs below a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Limb {
    Columns,
    Indexes,
    Constraints,
    Triggers,
    Partitions,
}

/// One thing of the tree, by numbers of the catalogue it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// By its place in the order.
    Schema(u32),
    Relation(u32),
    Group(u32, Group),
    Limb(u32, Limb),
    /// A part of a relation.
    Part(u32, Limb, u32),
    Function(u32),
    Type(u32),
    Extensions,
    Extension(u32),
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub node: Node,
    pub depth: u16,
}

/// The tree of one tab.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    /// Whether it is on screen.
    pub shown: bool,
    /// Whether keys go to it.
    pub focused: bool,
    pub at: usize,
    pub top: usize,
    /// Letters of the names that are shown; empty shows all.
    pub filter: String,
    /// Whether the filter is being typed.
    pub sifting: bool,
    rows: Vec<Row>,
    index: Index,
    open: HashSet<Node>,
    parts: HashMap<u32, Known>,
    measures: Vec<Measure>,
    /// Whether sizes are on their way.
    measuring: bool,
    /// Why there are no sizes.
    pub unmeasured: Option<String>,
    /// What is awaited as a text to read.
    awaited: Option<(String, Question)>,
    height: usize,
}

/// What is known of the parts of a relation.
#[derive(Clone, Debug)]
enum Known {
    Asked,
    There(Arc<Parts>),
    Failed(String),
}

impl Tree {
    /// The rows there are, of which some are in sight.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Takes a catalogue; what was unfolded stays so, as far as it is still there.
    fn take(&mut self, catalogue: &Arc<Catalogue>) {
        if Arc::ptr_eq(catalogue, &self.index.catalogue) {
            return;
        }
        let before = std::mem::take(&mut self.index);
        self.index = Index::new(catalogue, &self.measures);
        self.parts.clear();
        let first = before.schemas.is_empty();
        let open = std::mem::take(&mut self.open);
        self.open = open.into_iter().filter_map(|node| self.moved(node, &before)).collect();
        let selected = self.rows.get(self.at).and_then(|row| self.moved(row.node, &before));
        if first {
            // Who opens it wants to see tables, not schemas.
            let path = catalogue.search_path();
            let own = |at: &usize| {
                let schema = &self.index.schemas[*at];
                let name = catalogue.text(schema.name);
                !name.starts_with("pg_") && path.iter().any(|on| on == name)
            };
            let opened: Vec<Node> =
                (0..self.index.schemas.len()).filter(own).map(|at| Node::Schema(at as u32)).collect();
            self.open.extend(opened);
        }
        self.rows = self.flatten();
        self.at = selected.and_then(|node| self.rows.iter().position(|row| row.node == node)).unwrap_or(self.at);
        self.settle();
    }

    /// What `node` of another catalogue is in this one.
    fn moved(&self, node: Node, before: &Index) -> Option<Node> {
        let old = &before.catalogue;
        let schema = |at: u32| {
            let name = old.text(before.schemas.get(at as usize)?.name);
            let here = |schema: &index::Schema| self.index.catalogue.text(schema.name) == name;
            self.index.schemas.iter().position(here).map(|at| at as u32)
        };
        let relation = |at: u32| {
            let relation = old.relations().get(at as usize)?;
            self.index.catalogue.find(Some(old.text(relation.schema)), old.text(relation.name), &[]).map(|at| at as u32)
        };
        Some(match node {
            Node::Schema(at) => Node::Schema(schema(at)?),
            Node::Group(at, group) => Node::Group(schema(at)?, group),
            Node::Relation(at) => Node::Relation(relation(at)?),
            Node::Limb(at, limb) => Node::Limb(relation(at)?, limb),
            Node::Extensions => Node::Extensions,
            Node::Part(..) | Node::Function(_) | Node::Type(_) | Node::Extension(_) => return None,
        })
    }

    fn measured(&mut self, measures: Vec<Measure>) {
        self.measures = measures;
        self.measuring = false;
        self.unmeasured = None;
        let catalogue = Arc::clone(&self.index.catalogue);
        self.index = Index::new(&catalogue, &self.measures);
        let selected = self.rows.get(self.at).map(|row| row.node);
        self.rows = self.flatten();
        self.at = selected.and_then(|node| self.rows.iter().position(|row| row.node == node)).unwrap_or(self.at);
        self.settle();
    }

    fn settle(&mut self) {
        self.at = self.at.min(self.rows.len().saturating_sub(1));
        let height = self.height.max(1);
        self.top = self.top.clamp((self.at + 1).saturating_sub(height), self.at);
        self.top = self.top.min(self.rows.len().saturating_sub(height));
    }

    /// Scrolls what is selected into sight of so many rows.
    pub fn fit(&mut self, height: usize) {
        self.height = height;
        self.settle();
    }

    /// Whether the filter has a line.
    pub fn filters(&self) -> bool {
        self.sifting || !self.filter.is_empty()
    }

    fn selected(&self) -> Option<Row> {
        self.rows.get(self.at).copied()
    }

    /// Whether something can be unfolded below it.
    pub fn folds(node: Node) -> bool {
        matches!(node, Node::Schema(_) | Node::Relation(_) | Node::Group(..) | Node::Limb(..) | Node::Extensions)
    }

    /// Whether it is unfolded; a filter unfolds what leads to what it found.
    pub fn is_open(&self, node: Node) -> bool {
        self.open.contains(&node) || (!self.filter.is_empty() && matches!(node, Node::Schema(_) | Node::Group(..)))
    }

    fn toggle(&mut self, node: Node) {
        if !self.open.remove(&node) {
            self.open.insert(node);
            if let Node::Relation(at) = node {
                self.open.insert(Node::Limb(at, Limb::Columns));
            }
        }
        self.rows = self.flatten();
        self.settle();
    }

    /// The rows of what is unfolded.
    fn flatten(&self) -> Vec<Row> {
        if !self.filter.is_empty() {
            return self.sifted();
        }
        let mut rows = Vec::new();
        for (at, schema) in self.index.schemas.iter().enumerate() {
            let node = Node::Schema(at as u32);
            rows.push(Row { node, depth: 0 });
            if !self.open.contains(&node) {
                continue;
            }
            schema.relations.iter().for_each(|relation| self.grow(*relation, 1, &mut rows));
            let groups = [
                (Group::Sequences, &schema.sequences),
                (Group::Functions, &schema.functions),
                (Group::Types, &schema.types),
            ];
            for (group, members) in groups.into_iter().filter(|(_, members)| !members.is_empty()) {
                let node = Node::Group(at as u32, group);
                rows.push(Row { node, depth: 1 });
                if self.open.contains(&node) {
                    rows.extend(members.iter().map(|at| Row { node: Self::member(group, *at), depth: 2 }));
                }
            }
        }
        let extensions = self.index.catalogue.extensions().len();
        if extensions > 0 {
            rows.push(Row { node: Node::Extensions, depth: 0 });
            if self.open.contains(&Node::Extensions) {
                rows.extend((0..extensions).map(|at| Row { node: Node::Extension(at as u32), depth: 1 }));
            }
        }
        rows
    }

    fn member(group: Group, at: u32) -> Node {
        match group {
            Group::Sequences => Node::Relation(at),
            Group::Functions => Node::Function(at),
            Group::Types => Node::Type(at),
        }
    }

    /// A relation, and what of it is unfolded.
    fn grow(&self, at: u32, depth: u16, rows: &mut Vec<Row>) {
        rows.push(Row { node: Node::Relation(at), depth });
        if !self.open.contains(&Node::Relation(at)) {
            return;
        }
        for limb in [Limb::Columns, Limb::Indexes, Limb::Constraints, Limb::Triggers, Limb::Partitions] {
            let count = self.count(at, limb);
            // What is not known yet is shown as such; what is known to be empty is not.
            if count == Some(0) {
                continue;
            }
            let node = Node::Limb(at, limb);
            rows.push(Row { node, depth: depth + 1 });
            if !self.open.contains(&node) {
                continue;
            }
            match (limb, self.index.partitions.get(&at)) {
                (Limb::Partitions, Some(parts)) => parts.iter().for_each(|part| self.grow(*part, depth + 2, rows)),
                (Limb::Partitions, None) => {}
                _ => rows.extend(
                    (0..count.unwrap_or(0))
                        .map(|part| Row { node: Node::Part(at, limb, part as u32), depth: depth + 2 }),
                ),
            }
        }
    }

    /// How many there are of something; `None` while that is not known.
    pub fn count(&self, at: u32, limb: Limb) -> Option<usize> {
        let parts = match self.parts.get(&at) {
            Some(Known::There(parts)) => Some(parts),
            _ => None,
        };
        match limb {
            Limb::Partitions => Some(self.index.partitions.get(&at).map_or(0, Vec::len)),
            Limb::Columns => Some(parts.map_or_else(
                || self.index.catalogue.columns(&self.index.catalogue.relations()[at as usize]).len(),
                |parts| parts.columns.len(),
            )),
            Limb::Indexes => parts.map(|parts| parts.indexes.len()),
            Limb::Constraints => parts.map(|parts| parts.constraints.len()),
            Limb::Triggers => parts.map(|parts| parts.triggers.len()),
        }
    }

    /// Name and description of a part.
    pub fn part(&self, at: u32, limb: Limb, part: u32) -> Option<(&str, &str)> {
        let part = part as usize;
        let catalogue = &self.index.catalogue;
        if let Some(Known::There(parts)) = self.parts.get(&at) {
            let list = match limb {
                Limb::Columns => &parts.columns,
                Limb::Indexes => &parts.indexes,
                Limb::Constraints => &parts.constraints,
                Limb::Triggers => &parts.triggers,
                Limb::Partitions => return None,
            };
            return list.get(part).map(|part| (part.name.as_str(), part.about.as_str()));
        }
        let column = catalogue.columns(catalogue.relations().get(at as usize)?).get(part)?;
        Some((catalogue.text(column.name), catalogue.text(column.of_type)))
    }

    /// Schema and name of a relation.
    fn named(&self, at: u32) -> Option<Named> {
        let catalogue = &self.index.catalogue;
        let relation = catalogue.relations().get(at as usize)?;
        Some(Named {
            schema: catalogue.text(relation.schema).to_owned(),
            name: catalogue.text(relation.name).to_owned(),
        })
    }

    /// What has a definition.
    fn thing(&self, node: Node) -> Option<Thing> {
        let catalogue = &self.index.catalogue;
        let text = |name| catalogue.text(name).to_owned();
        Some(match node {
            Node::Schema(at) => Thing::Schema(text(self.index.schemas.get(at as usize)?.name)),
            Node::Part(at, Limb::Indexes, part) => {
                let schema = self.named(at)?.schema;
                Thing::Relation(Named { schema, name: self.part(at, Limb::Indexes, part)?.0.to_owned() })
            }
            Node::Relation(at) | Node::Limb(at, _) | Node::Part(at, ..) => Thing::Relation(self.named(at)?),
            Node::Function(at) => {
                let function = catalogue.functions().get(at as usize)?;
                let named = Named { schema: text(function.schema), name: text(function.name) };
                Thing::Function(named, text(function.arguments))
            }
            Node::Type(at) => {
                let of_type = catalogue.types().get(at as usize)?;
                Thing::Type(Named { schema: text(of_type.schema), name: text(of_type.name) })
            }
            Node::Extension(at) => Thing::Extension(text(*catalogue.extensions().get(at as usize)?)),
            Node::Extensions | Node::Group(..) => return None,
        })
    }
}
