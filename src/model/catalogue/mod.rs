//! The names that a database knows, as plain data: schemas, relations with their columns, functions, types, foreign keys,
//! settings, roles, databases. Kept so that 50,000 relations with half a million columns take some 10 MB: every distinct
//! text is kept once and named by a number. It must not know how it was loaded, nor what it is used for.

mod build;

pub use build::Builder;

use std::ops::Range;

/// A text of a [`Catalogue`]: equal texts have equal numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

/// Which letters a text holds, for leaving out at once what cannot match: a bit for each of `a` to `z` (in any case),
/// each digit and `_`, and one for everything else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Letters(u64);

impl Letters {
    /// Of a text.
    pub fn of(text: &str) -> Letters {
        Letters(text.bytes().fold(0, |bits, byte| {
            bits | 1
                << match byte.to_ascii_lowercase() {
                    letter @ b'a'..=b'z' => letter - b'a',
                    digit @ b'0'..=b'9' => 26 + digit - b'0',
                    b'_' => 36,
                    _ => 37,
                }
        }))
    }

    /// Whether every letter of `needle` is among these.
    pub fn has(self, needle: Letters) -> bool {
        self.0 & needle.0 == needle.0
    }
}

/// What a relation is (`pg_class.relkind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// `r`.
    Table,
    /// `p`.
    Partitioned,
    /// `v`.
    View,
    /// `m`.
    MaterializedView,
    /// `f`.
    ForeignTable,
    /// `S`.
    Sequence,
    /// `i`, `I`.
    Index,
}

impl RelationKind {
    /// From `pg_class.relkind`; `None` for what nobody names in a statement (`t`, `c`).
    pub fn parse(relkind: &str) -> Option<RelationKind> {
        Some(match relkind {
            "r" => RelationKind::Table,
            "p" => RelationKind::Partitioned,
            "v" => RelationKind::View,
            "m" => RelationKind::MaterializedView,
            "f" => RelationKind::ForeignTable,
            "S" => RelationKind::Sequence,
            "i" | "I" => RelationKind::Index,
            _ => return None,
        })
    }

    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            RelationKind::Table => "table",
            RelationKind::Partitioned => "partitioned",
            RelationKind::View => "view",
            RelationKind::MaterializedView => "materialized",
            RelationKind::ForeignTable => "foreign table",
            RelationKind::Sequence => "sequence",
            RelationKind::Index => "index",
        }
    }

    /// Whether it has rows to select.
    pub fn has_rows(self) -> bool {
        !matches!(self, RelationKind::Sequence | RelationKind::Index)
    }
}

/// A table, view, index, …
#[derive(Clone, Copy, Debug)]
pub struct Relation {
    /// Its schema.
    pub schema: Name,
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: RelationKind,
    /// Letters of its name.
    pub letters: Letters,
    first: u32,
    count: u32,
}

/// A column of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: Name,
    /// Its type as `format_type` says, without what is in parentheses.
    pub of_type: Name,
}

/// A function, aggregate, window function or procedure.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its schema.
    pub schema: Name,
    /// Its name.
    pub name: Name,
    /// `pg_get_function_arguments`.
    pub arguments: Name,
    /// `pg_get_function_result`; empty for a procedure.
    pub result: Name,
    /// `pg_proc.prokind = 'p'`.
    pub is_procedure: bool,
    /// Letters of its name.
    pub letters: Letters,
}

/// A type or domain.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    /// Its schema.
    pub schema: Name,
    /// Its name.
    pub name: Name,
    /// As `format_type` says: `integer` for `int4`, with its schema where that is not on the loader's search path.
    pub spelled: Name,
    first: u32,
    count: u32,
}

/// A foreign key.
#[derive(Clone, Debug)]
pub struct ForeignKey {
    /// The relation that refers: its number among [`Catalogue::relations`].
    pub from: usize,
    /// The relation referred to.
    pub to: usize,
    /// Its columns there and here, in pairs (referring, referred).
    pub columns: Vec<(Name, Name)>,
}

/// A parameter of the server (`pg_settings`).
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name.
    pub name: Name,
    /// The value it has in a fresh session.
    pub value: Name,
    /// The values it can have, where they are counted; `on` and `off` for a Boolean.
    pub values: Vec<Name>,
    /// What it does, in the server's words.
    pub about: Name,
}

/// The names of one database, as one role sees them.
#[derive(Clone, Default)]
pub struct Catalogue {
    text: String,
    ends: Vec<u32>,
    schemas: Vec<Name>,
    relations: Vec<Relation>,
    /// Numbers of relations in the order of their names.
    by_name: Vec<u32>,
    columns: Vec<Column>,
    functions: Vec<Function>,
    /// Numbers of functions in the order of their names.
    functions_by_name: Vec<u32>,
    types: Vec<Type>,
    labels: Vec<Name>,
    keys: Vec<ForeignKey>,
    settings: Vec<Setting>,
    roles: Vec<Name>,
    databases: Vec<Name>,
    extensions: Vec<Name>,
    search_path: Vec<String>,
}

impl Catalogue {
    /// The text of a name. It must be of this catalogue.
    pub fn text(&self, name: Name) -> &str {
        let at = name.0 as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.text[start..self.ends[at] as usize]
    }

    /// All schemas.
    pub fn schemas(&self) -> &[Name] {
        &self.schemas
    }

    /// All relations.
    pub fn relations(&self) -> &[Relation] {
        &self.relations
    }

    /// The columns of a relation, in their order.
    pub fn columns(&self, relation: &Relation) -> &[Column] {
        &self.columns[range(relation.first, relation.count)]
    }

    /// All functions.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The functions and procedures of that name, in any schema; found without looking at the others.
    pub fn functions_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Function> {
        let of = |at: &u32| self.text(self.functions[*at as usize].name);
        let from = self.functions_by_name.partition_point(|at| of(at) < name);
        let named = self.functions_by_name[from..].iter().take_while(move |at| of(at) == name);
        named.map(|at| &self.functions[*at as usize])
    }

    /// All types.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    /// The labels of an enum, in their order; empty for other types.
    pub fn labels(&self, of: &Type) -> &[Name] {
        &self.labels[range(of.first, of.count)]
    }

    /// All foreign keys.
    pub fn keys(&self) -> &[ForeignKey] {
        &self.keys
    }

    /// All parameters.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// All roles.
    pub fn roles(&self) -> &[Name] {
        &self.roles
    }

    /// All databases that take sessions.
    pub fn databases(&self) -> &[Name] {
        &self.databases
    }

    /// Extensions that are there.
    pub fn extensions(&self) -> &[Name] {
        &self.extensions
    }

    /// The schemas a fresh session looks names up in, in order, with the implicit ones (`current_schemas(true)`).
    pub fn search_path(&self) -> &[String] {
        &self.search_path
    }

    /// The number of a relation: in `schema`, or the first on `path` (and on `pg_catalog` before all, as the server does).
    pub fn find(&self, schema: Option<&str>, name: &str, path: &[String]) -> Option<usize> {
        let from = self.by_name.partition_point(|at| self.text(self.relations[*at as usize].name) < name);
        let named = self.by_name[from..]
            .iter()
            .map(|at| *at as usize)
            .take_while(|at| self.text(self.relations[*at].name) == name);
        let rank = |at: &usize| {
            let of = self.text(self.relations[*at].schema);
            match schema {
                Some(schema) => (of == schema).then_some(0),
                None => path.iter().position(|schema| schema == of),
            }
        };
        named.filter_map(|at| rank(&at).map(|rank| (rank, at))).min().map(|(_, at)| at)
    }

    /// The enum or other type of that spelling, as [`Column::of_type`] has it.
    pub fn find_type(&self, spelled: &str) -> Option<&Type> {
        self.types.iter().find(|of| self.text(of.spelled) == spelled)
    }

    /// Bytes it takes in memory, about.
    pub fn memory(&self) -> usize {
        fn of<T>(list: &[T]) -> usize {
            std::mem::size_of_val(list)
        }
        self.text.len()
            + of(&self.ends)
            + of(&self.relations)
            + of(&self.by_name)
            + of(&self.columns)
            + of(&self.functions)
            + of(&self.functions_by_name)
            + of(&self.types)
            + of(&self.labels)
            + of(&self.keys)
            + self.keys.iter().map(|key| of(&key.columns)).sum::<usize>()
            + of(&self.settings)
    }
}

impl std::fmt::Debug for Catalogue {
    /// How much of it there is; nobody reads half a million names.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (relations, columns) = (self.relations.len(), self.columns.len());
        f.debug_struct("Catalogue").field("relations", &relations).field("columns", &columns).finish_non_exhaustive()
    }
}

fn range(first: u32, count: u32) -> Range<usize> {
    first as usize..(first + count) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_found_by_schema_or_along_the_path() {
        let mut builder = Builder::default();
        for (schema, name) in [("b", "t"), ("a", "t"), ("a", "Odd name"), ("c", "u")] {
            builder.relation(schema, name, RelationKind::Table, [("id", "integer")]);
        }
        let catalogue = builder.finish();
        let path = ["a".to_owned(), "b".to_owned()];
        let found = |schema, name| {
            catalogue.find(schema, name, &path).map(|at| catalogue.text(catalogue.relations()[at].schema))
        };
        assert_eq!(found(None, "t"), Some("a"));
        assert_eq!(found(Some("b"), "t"), Some("b"));
        assert_eq!(found(None, "Odd name"), Some("a"));
        assert_eq!(found(None, "u"), None, "not on the path");
        assert_eq!(found(Some("c"), "u"), Some("c"));
        assert_eq!(found(None, "nothing"), None);
    }

    #[test]
    fn functions_of_a_name_are_found_in_every_schema() {
        let mut builder = Builder::default();
        for (schema, name, arguments) in [("b", "g", ""), ("b", "f", "integer"), ("a", "h", ""), ("a", "f", "text")] {
            builder.function(schema, name, arguments, "integer", false);
        }
        let catalogue = builder.finish();
        let found = |name| {
            let found = catalogue.functions_named(name);
            found.map(|of| (catalogue.text(of.schema), catalogue.text(of.arguments))).collect::<Vec<_>>()
        };
        assert_eq!(found("f"), [("b", "integer"), ("a", "text")]);
        assert_eq!(found("h"), [("a", "")]);
        assert!(found("e").is_empty() && found("z").is_empty());
    }

    #[test]
    fn equal_texts_are_kept_once() {
        let mut builder = Builder::default();
        for at in 0..1000 {
            builder.relation("public", &format!("t{at}"), RelationKind::Table, [("id", "integer"), ("name", "text")]);
        }
        let catalogue = builder.finish();
        assert_eq!(catalogue.columns(&catalogue.relations()[999]).len(), 2);
        assert!(catalogue.memory() < 100 << 10, "{}", catalogue.memory());
    }

    #[test]
    fn letters_leave_out_only_what_cannot_match() {
        assert!(Letters::of("Customer_Orders").has(Letters::of("co_")));
        assert!(!Letters::of("customer").has(Letters::of("customer_")));
        assert!(Letters::of("größe").has(Letters::of("ö")));
    }
}
