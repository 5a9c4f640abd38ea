//! Building a catalogue, name by name. It must not know where the names come from.

use super::{Catalogue, Column, ForeignKey, Function, Letters, Name, Relation, RelationKind, Setting, Type};
use std::collections::HashMap;

/// A catalogue that is being made.
#[derive(Debug, Default)]
pub struct Builder {
    made: Catalogue,
    known: HashMap<Box<str>, Name>,
    /// Relations and types by the identifier they were given, for what refers to them.
    relations: HashMap<u32, usize>,
}

impl Builder {
    /// The number of a text.
    pub fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.known.get(text) {
            return *name;
        }
        // Four GiB of names are more than a server could list; the rest would have no name.
        let (Ok(number), Ok(end)) =
            (u32::try_from(self.made.ends.len()), u32::try_from(self.made.text.len() + text.len()))
        else {
            return Name::default();
        };
        self.made.text.push_str(text);
        self.made.ends.push(end);
        self.known.insert(text.into(), Name(number));
        Name(number)
    }

    /// A schema.
    pub fn schema(&mut self, name: &str) {
        let name = self.name(name);
        self.made.schemas.push(name);
    }

    /// A relation with its columns, each with its type; the number it has.
    pub fn relation<'a>(
        &mut self,
        schema: &str,
        name: &str,
        kind: RelationKind,
        columns: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> usize {
        let at = self.made.relations.len();
        let relation = Relation {
            schema: self.name(schema),
            name: self.name(name),
            kind,
            letters: Letters::of(name),
            first: u32::try_from(self.made.columns.len()).unwrap_or(u32::MAX),
            count: 0,
        };
        self.made.relations.push(relation);
        for (name, of_type) in columns {
            self.column(at, name, of_type);
        }
        at
    }

    /// One more column of the relation made or named last; those of one relation must come together.
    pub fn column(&mut self, relation: usize, name: &str, of_type: &str) {
        let column = Column { name: self.name(name), of_type: self.name(of_type) };
        let next = u32::try_from(self.made.columns.len()).unwrap_or(u32::MAX);
        let Some(relation) = self.made.relations.get_mut(relation) else { return };
        if relation.count == 0 {
            relation.first = next;
        }
        if relation.first + relation.count == next {
            relation.count += 1;
            self.made.columns.push(column);
        }
    }

    /// The relation of that number is known elsewhere by that identifier (`pg_class.oid`).
    pub fn identify(&mut self, oid: u32, relation: usize) {
        self.relations.insert(oid, relation);
    }

    /// The relation of that identifier.
    pub fn identified(&self, oid: u32) -> Option<usize> {
        self.relations.get(&oid).copied()
    }

    /// A function.
    pub fn function(&mut self, schema: &str, name: &str, arguments: &str, result: &str, is_procedure: bool) {
        let function = Function {
            schema: self.name(schema),
            name: self.name(name),
            arguments: self.name(arguments),
            result: self.name(result),
            is_procedure,
            letters: Letters::of(name),
        };
        self.made.functions.push(function);
    }

    /// A type, with its labels where it is an enum.
    pub fn of_type<'a>(&mut self, schema: &str, name: &str, spelled: &str, labels: impl IntoIterator<Item = &'a str>) {
        let first = self.made.labels.len();
        for label in labels {
            let label = self.name(label);
            self.made.labels.push(label);
        }
        let count = self.made.labels.len() - first;
        let made = Type {
            schema: self.name(schema),
            name: self.name(name),
            spelled: self.name(spelled),
            first: u32::try_from(first).unwrap_or(u32::MAX),
            count: u32::try_from(count).unwrap_or(0),
        };
        self.made.types.push(made);
    }

    /// A foreign key; `columns` in pairs (referring, referred).
    pub fn key<'a>(&mut self, from: usize, to: usize, columns: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let columns = columns.into_iter().map(|(from, to)| (self.name(from), self.name(to))).collect();
        self.made.keys.push(ForeignKey { from, to, columns });
    }

    /// A parameter.
    pub fn setting<'a>(&mut self, name: &str, value: &str, values: impl IntoIterator<Item = &'a str>, about: &str) {
        let values = values.into_iter().map(|value| self.name(value)).collect();
        let setting = Setting { name: self.name(name), value: self.name(value), values, about: self.name(about) };
        self.made.settings.push(setting);
    }

    /// A role.
    pub fn role(&mut self, name: &str) {
        let name = self.name(name);
        self.made.roles.push(name);
    }

    /// A database.
    pub fn database(&mut self, name: &str) {
        let name = self.name(name);
        self.made.databases.push(name);
    }

    /// An extension.
    pub fn extension(&mut self, name: &str) {
        let name = self.name(name);
        self.made.extensions.push(name);
    }

    /// One more schema at the end of the search path.
    pub fn on_path(&mut self, schema: &str) {
        self.made.search_path.push(schema.to_owned());
    }

    /// The catalogue.
    pub fn finish(self) -> Catalogue {
        let mut made = self.made;
        let mut by_name: Vec<u32> = (0..u32::try_from(made.relations.len()).unwrap_or(u32::MAX)).collect();
        by_name.sort_by_key(|at| made.text(made.relations[*at as usize].name));
        made.by_name = by_name;
        let mut by_name: Vec<u32> = (0..u32::try_from(made.functions.len()).unwrap_or(u32::MAX)).collect();
        by_name.sort_by_key(|at| made.text(made.functions[*at as usize].name));
        made.functions_by_name = by_name;
        made.text.shrink_to_fit();
        made.ends.shrink_to_fit();
        made.relations.shrink_to_fit();
        made.columns.shrink_to_fit();
        made
    }
}
