//! How a name is put into a statement: quoted where it must be, with its schema where the search path does not lead to it,
//! a call with its parentheses. It must not know how names were chosen.

use super::candidate::{Candidate, Mark};
use super::ranking::Item;
use crate::model::catalogue::{Catalogue, RelationKind};
use crate::model::completion::{Expected, Want, identifier, literal};

/// Writes candidates out.
pub(super) struct Writer<'a> {
    pub expected: &'a Expected,
    pub names: &'a Catalogue,
    pub path: &'a [String],
}

impl Writer<'_> {
    pub fn write(&self, item: Item<'_>) -> Candidate {
        let names = self.names;
        let plain = |mark, label: String, detail: String, insert: String| Candidate {
            mark,
            label,
            detail,
            insert,
            back: 0,
            goes_on: false,
        };
        match item {
            Item::Relation(at) => {
                let relation = &names.relations()[at];
                let (schema, name) = (names.text(relation.schema), names.text(relation.name));
                let given = self.expected.wants.iter().any(|want| matches!(want, Want::Relations(_, Some(_))));
                let visible = given || names.find(None, name, self.path) == Some(at);
                let mark = match relation.kind {
                    RelationKind::Table | RelationKind::Partitioned | RelationKind::ForeignTable => Mark::Table,
                    RelationKind::View | RelationKind::MaterializedView => Mark::View,
                    RelationKind::Sequence | RelationKind::Index => Mark::Other,
                };
                let detail = match visible {
                    true => relation.kind.word().to_owned(),
                    false => format!("{} in {schema}", relation.kind.word()),
                };
                let insert = self.of_schema(schema, name, visible);
                plain(mark, name.to_owned(), detail, insert)
            }
            Item::Function(at) => {
                let function = &names.functions()[at];
                let (schema, name) = (names.text(function.schema), names.text(function.name));
                let arguments = names.text(function.arguments);
                let given = self
                    .expected
                    .wants
                    .iter()
                    .any(|want| matches!(want, Want::Functions(Some(_)) | Want::Procedures(Some(_))));
                let visible = given || self.path.iter().any(|on| on == schema);
                let mut insert = self.of_schema(schema, name, visible);
                let called =
                    self.expected.called || self.expected.wants.iter().any(|want| matches!(want, Want::Commands));
                let mut back = 0;
                // After a backslash word a function is named, not called.
                if !called && self.calls() {
                    insert.push_str("()");
                    back = usize::from(!arguments.is_empty());
                }
                let result = match names.text(function.result) {
                    "" => "procedure".to_owned(),
                    result => format!("→ {result}"),
                };
                let label = format!("{name}({arguments})");
                Candidate { mark: Mark::Function, label, detail: result, insert, back, goes_on: false }
            }
            Item::Type(at, shown) => {
                let of = &names.types()[at];
                let (schema, name) = (names.text(of.schema), names.text(of.name));
                let given = self.expected.wants.iter().any(|want| matches!(want, Want::Types(Some(_))));
                let insert = match schema {
                    // What the language spells in words of its own needs no quotation marks: `double precision`.
                    "pg_catalog" if shown != name => shown.to_owned(),
                    _ => self.of_schema(schema, name, given || self.path.iter().any(|on| on == schema)),
                };
                let detail = if names.labels(of).is_empty() { "type" } else { "enum" };
                plain(Mark::Type, shown.to_owned(), detail.to_owned(), insert)
            }
            Item::Column { name, of_type, of, qualified } => {
                let detail = match of_type.as_deref() {
                    Some(of_type) if !of_type.is_empty() => format!("{of_type} · {of}"),
                    _ => of.clone(),
                };
                let insert = self.name(&name);
                let insert = if qualified && !of.is_empty() { format!("{}.{insert}", identifier(&of)) } else { insert };
                let label = if qualified && !of.is_empty() { format!("{of}.{name}") } else { name };
                plain(Mark::Column, label, detail, insert)
            }
            Item::Schema(name, goes_on) => {
                let insert = if goes_on { format!("{}.", self.name(name)) } else { self.name(name) };
                Candidate { goes_on, ..plain(Mark::Schema, name.to_owned(), "schema".to_owned(), insert) }
            }
            Item::Alias(name, of) => match name.strip_suffix('\0') {
                Some(name) => {
                    let insert = format!("{}.", self.name(name));
                    Candidate { goes_on: true, ..plain(Mark::Alias, name.to_owned(), of, insert) }
                }
                None => {
                    let insert = self.name(&name);
                    plain(Mark::Alias, name, of, insert)
                }
            },
            Item::Join { insert, detail } => plain(Mark::Join, insert.clone(), detail, insert),
            Item::Setting(at) => {
                let setting = &names.settings()[at];
                let name = names.text(setting.name);
                plain(Mark::Setting, name.to_owned(), names.text(setting.value).to_owned(), name.to_owned())
            }
            Item::Plain(mark, name, about) => {
                let insert = match mark {
                    Mark::Value if self.expected.literal => literal(&name),
                    Mark::Value => value(&name),
                    _ => self.name(&name),
                };
                plain(mark, name, about.to_owned(), insert)
            }
            Item::Literal(value, about) => {
                let insert = literal(&value);
                plain(Mark::Value, value, about, insert)
            }
            Item::Keyword(word) => {
                let word = if self.expected.capitals { word.to_uppercase() } else { word.to_owned() };
                plain(Mark::Keyword, word.clone(), String::new(), word)
            }
            Item::Command(word, about) => plain(Mark::Command, word.to_owned(), about.to_owned(), word.to_owned()),
        }
    }

    /// Whether a function named here is called.
    fn calls(&self) -> bool {
        self.expected.wants.iter().any(|want| {
            matches!(want, Want::Columns | Want::TargetColumns(_) | Want::Ctes | Want::ColumnsOf(_))
                || matches!(want, Want::Keywords(words) if words.contains(&"default") || words.contains(&"case"))
        }) || matches!(self.expected.wants.as_slice(), [Want::Procedures(_), ..])
            || matches!(self.expected.wants.as_slice(), [Want::Relations(..), Want::Functions(_)])
    }

    /// A name, quoted where it must be, or where the writer has begun to.
    fn name(&self, name: &str) -> String {
        match self.expected.quoted {
            true => format!("\"{}\"", name.replace('"', "\"\"")),
            false => identifier(name),
        }
    }

    fn of_schema(&self, schema: &str, name: &str, visible: bool) -> String {
        match visible {
            true => self.name(name),
            false => format!("{}.{}", identifier(schema), self.name(name)),
        }
    }
}

/// A value of a parameter: a word where the language takes it as one.
fn value(value: &str) -> String {
    let plain = value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit());
    let word = plain && value.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if word || value.bytes().all(|byte| byte.is_ascii_digit()) { value.to_owned() } else { literal(value) }
}
