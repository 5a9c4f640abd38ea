//! From what belongs at the cursor to candidates, the best first: names are matched, the best of them kept as they come,
//! and only those are written out. 50,000 relations cost a few milliseconds at most: of each, its letters are looked at
//! first, and once enough are kept, one that cannot be among them is let go before anything is made of it. It must not know
//! the popup, nor the editor.

use super::candidate::{Candidate, Fit, Mark, Needle};
use super::writing::Writer;
use crate::model::catalogue::{Catalogue, Letters, Name, RelationKind};
use crate::model::completion::{Expected, Relations, Source, Want};
use crate::model::psql;
use std::cmp::Ordering;

/// Candidates that are kept: nobody looks further before typing another letter.
const MOST: usize = 100;
/// So many are gathered before the worse of them are let go.
const GATHERED: usize = 8 * MOST;

/// A name that fits, before it is written out.
pub(super) enum Item<'a> {
    Relation(usize),
    Function(usize),
    Type(usize, &'a str),
    Column { name: String, of_type: Option<String>, of: String, qualified: bool },
    Schema(&'a str, bool),
    Alias(String, String),
    Join { insert: String, detail: String },
    Setting(usize),
    Plain(Mark, String, &'static str),
    Literal(String, String),
    Keyword(&'static str),
    Command(&'static str, &'static str),
}

struct Entry<'a> {
    fit: Fit,
    rank: u8,
    extra: u8,
    name: &'a str,
    order: u32,
    item: Item<'a>,
}

/// What entries are ordered by, before their names.
type Order = (Fit, u8, u8, u32, usize);

impl Entry<'_> {
    fn key(&self) -> Order {
        (self.fit, self.rank, self.extra, self.order, self.name.len())
    }

    fn against(&self, other: &Entry<'_>) -> Ordering {
        self.key().cmp(&other.key()).then_with(|| self.name.cmp(other.name))
    }
}

/// What can be put at the cursor, the best first.
pub(super) fn candidates(expected: &Expected, names: &Catalogue, path: &[String]) -> Vec<Candidate> {
    let mut ranking = Ranking {
        needle: Needle::new(&expected.typed),
        letters: Letters::of(&expected.typed),
        expected,
        names,
        path,
        distances: distances(names, path),
        found: Vec::new(),
        worst: None,
    };
    for (rank, want) in expected.wants.iter().enumerate() {
        ranking.want(u8::try_from(rank).unwrap_or(u8::MAX), want);
    }
    ranking.keep_best();
    let mut found = ranking.found;
    found.sort_by(Entry::against);
    let writer = Writer { expected, names, path };
    let mut written: Vec<Candidate> = Vec::with_capacity(found.len());
    for entry in found {
        let candidate = writer.write(entry.item);
        let twice = |other: &Candidate| other.insert == candidate.insert && other.detail == candidate.detail;
        if !written.iter().any(twice) {
            written.push(candidate);
        }
    }
    written
}

struct Ranking<'a> {
    needle: Needle,
    letters: Letters,
    expected: &'a Expected,
    names: &'a Catalogue,
    path: &'a [String],
    /// Of every schema, in the order of their numbers.
    distances: Vec<(Name, u8)>,
    found: Vec<Entry<'a>>,
    /// What comes after this is not among the best.
    worst: Option<Order>,
}

/// How far from the reader's own names schemas are: on the path, elsewhere, the system's.
fn distances(names: &Catalogue, path: &[String]) -> Vec<(Name, u8)> {
    let distance = |schema: &Name| match names.text(*schema) {
        "pg_catalog" | "information_schema" => 2,
        text => u8::from(!path.iter().any(|on| on == text)),
    };
    let mut all: Vec<(Name, u8)> = names.schemas().iter().map(|schema| (*schema, distance(schema))).collect();
    all.sort_unstable();
    all
}

impl<'a> Ranking<'a> {
    fn add(&mut self, rank: u8, extra: u8, order: u32, name: &'a str, item: impl FnOnce() -> Item<'a>) {
        if let Some(fit) = self.fit(rank, extra, order, name, name.len()) {
            self.put(Entry { fit, rank, extra, name, order, item: item() });
        }
    }

    /// As [`Ranking::add`], for a name that lives no longer than this.
    fn add_owned(&mut self, rank: u8, extra: u8, order: u32, name: &str, item: impl FnOnce() -> Item<'a>) {
        if let Some(fit) = self.fit(rank, extra, order, name, 0) {
            self.put(Entry { fit, rank, extra, name: "", order, item: item() });
        }
    }

    /// How well a name fits, if it may be among the best.
    fn fit(&mut self, rank: u8, extra: u8, order: u32, name: &str, length: usize) -> Option<Fit> {
        let close = self.worst.is_some_and(|(fit, ..)| fit.is_close());
        let fit = self.needle.fit(name, close)?;
        self.worst.is_none_or(|worst| (fit, rank, extra, order, length) <= worst).then_some(fit)
    }

    fn put(&mut self, entry: Entry<'a>) {
        self.found.push(entry);
        if self.found.len() >= GATHERED {
            self.keep_best();
        }
    }

    /// Lets go of all but the best.
    fn keep_best(&mut self) {
        if self.found.len() > MOST {
            let (_, last, _) = self.found.select_nth_unstable_by(MOST - 1, Entry::against);
            self.worst = Some(last.key());
            self.found.truncate(MOST);
        }
    }

    /// How far from the reader's own names a schema is.
    fn distance(&self, schema: Name) -> u8 {
        let at = self.distances.binary_search_by_key(&schema, |(name, _)| *name);
        at.map_or(1, |at| self.distances[at].1)
    }

    /// The schema that names must be of, where one is wanted: `Err` if there is none of that name.
    fn wanted(&self, schema: Option<&str>) -> Result<Option<Name>, ()> {
        let Some(schema) = schema else { return Ok(None) };
        let found = self.names.schemas().iter().find(|name| self.names.text(**name) == schema);
        found.map(|name| Some(*name)).ok_or(())
    }

    fn want(&mut self, rank: u8, want: &'a Want) {
        match want {
            Want::Relations(kinds, schema) => self.relations(rank, *kinds, schema.as_deref()),
            Want::Ctes => {
                for cte in self.expected.scope.ctes() {
                    self.add(rank, 0, 0, cte, || Item::Alias(cte.to_owned(), "with".to_owned()));
                }
            }
            Want::Columns => {
                let sources: Vec<&'a Source> = self.expected.scope.sources().collect();
                self.columns(rank, &sources);
            }
            Want::ColumnsOf(written) => {
                let sources = self.expected.scope.sources().filter(|source| {
                    source.label() == Some(&written.name)
                        && written.schema.as_ref().is_none_or(|schema| {
                            matches!(&source.of, crate::model::completion::Of::Relation(of) if of.schema.as_ref() == Some(schema))
                        })
                });
                let sources: Vec<&'a Source> = sources.take(1).collect();
                if sources.is_empty() {
                    self.target(rank, written.schema.as_deref(), &written.name);
                } else {
                    self.columns(rank, &sources);
                }
            }
            Want::TargetColumns(written) => self.target(rank, written.schema.as_deref(), &written.name),
            Want::Outputs => {
                for output in self.expected.scope.outputs() {
                    let item = || Item::Alias(output.to_owned(), "selected".to_owned());
                    self.add(rank, 0, 0, output, item);
                }
            }
            Want::Sources => {
                for source in self.expected.scope.sources() {
                    let Some(label) = source.label() else { continue };
                    let of = match &source.of {
                        crate::model::completion::Of::Relation(written) => written.name.clone(),
                        crate::model::completion::Of::Query(_) => "query".to_owned(),
                        crate::model::completion::Of::Function(written) => format!("{}()", written.name),
                    };
                    self.add(rank, 0, 0, label, || Item::Alias(format!("{label}\0"), of));
                }
            }
            Want::Joins | Want::Conditions => {
                let joins = matches!(want, Want::Joins);
                for (order, (name, insert, detail)) in
                    super::joins::suggest(self.expected, self.names, self.path, joins).into_iter().enumerate()
                {
                    let order = u32::try_from(order).unwrap_or(u32::MAX);
                    self.add_owned(rank, 0, order, &name, || Item::Join { insert, detail });
                }
            }
            Want::Functions(schema) => self.functions(rank, schema.as_deref(), false),
            Want::Procedures(schema) => self.functions(rank, schema.as_deref(), true),
            Want::Types(schema) => self.types(rank, schema.as_deref()),
            Want::Schemas(goes_on) => {
                let names = self.names;
                for schema in names.schemas() {
                    let extra = self.distance(*schema).saturating_sub(1);
                    let schema = names.text(*schema);
                    self.add(rank, extra, 0, schema, || Item::Schema(schema, *goes_on));
                }
            }
            Want::Settings => {
                let names = self.names;
                for (at, setting) in names.settings().iter().enumerate() {
                    self.add(rank, 0, 0, names.text(setting.name), || Item::Setting(at));
                }
            }
            Want::Values(of) => self.values(rank, of),
            Want::Labels(qualifier, column) => self.labels(rank, qualifier.as_deref(), column),
            Want::Roles => self.plain(rank, Mark::Role, self.names.roles(), "role"),
            Want::Databases => self.plain(rank, Mark::Schema, self.names.databases(), "database"),
            Want::Extensions => self.plain(rank, Mark::Other, self.names.extensions(), "extension"),
            Want::Keywords(words) => {
                // With nothing typed, words of the language are no news.
                if !self.needle.is_empty() {
                    for word in *words {
                        self.add(rank, 0, 0, word, || Item::Keyword(word));
                    }
                }
            }
            Want::Commands => {
                let had = psql::COMMANDS.iter().filter(|command| command.works != psql::Works::Nowhere);
                for (order, command) in had.enumerate() {
                    let order = u32::try_from(order).unwrap_or(u32::MAX);
                    self.add(rank, 0, order, command.name, || Item::Command(command.name, command.help));
                }
            }
        }
    }

    fn plain(&mut self, rank: u8, mark: Mark, list: &'a [crate::model::catalogue::Name], about: &'static str) {
        let names = self.names;
        for (order, name) in list.iter().enumerate() {
            let name = names.text(*name);
            let order = u32::try_from(order).unwrap_or(u32::MAX);
            self.add(rank, 0, order, name, || Item::Plain(mark, name.to_owned(), about));
        }
    }

    fn relations(&mut self, rank: u8, kinds: Relations, schema: Option<&str>) {
        let names = self.names;
        let Ok(schema) = self.wanted(schema) else { return };
        for (at, relation) in names.relations().iter().enumerate() {
            let of = relation.schema;
            if !relation.letters.has(self.letters)
                || !means(kinds, relation.kind)
                || schema.is_some_and(|schema| schema != of)
            {
                continue;
            }
            let extra = if schema.is_some() { 0 } else { self.distance(of) };
            self.add(rank, extra, 0, names.text(relation.name), || Item::Relation(at));
        }
    }

    fn functions(&mut self, rank: u8, schema: Option<&str>, procedures: bool) {
        if self.needle.is_empty() && schema.is_none() && !procedures {
            return;
        }
        let names = self.names;
        let Ok(schema) = self.wanted(schema) else { return };
        for (at, function) in names.functions().iter().enumerate() {
            let of = function.schema;
            if function.is_procedure != procedures
                || !function.letters.has(self.letters)
                || schema.is_some_and(|schema| schema != of)
            {
                continue;
            }
            let extra = if schema.is_some() { 0 } else { self.distance(of) };
            self.add(rank, extra, 0, names.text(function.name), || Item::Function(at));
        }
    }

    fn types(&mut self, rank: u8, schema: Option<&str>) {
        let names = self.names;
        let Ok(schema) = self.wanted(schema) else { return };
        for (at, of) in names.types().iter().enumerate() {
            if schema.is_some_and(|schema| schema != of.schema) {
                continue;
            }
            let (within, name, spelled) = (names.text(of.schema), names.text(of.name), names.text(of.spelled));
            let system =
                u8::from(self.distance(of.schema) == 2 && !spelled.chars().all(|c| c.is_ascii_lowercase() || c == ' '));
            self.add(rank, system, 0, name, || Item::Type(at, name));
            if within == "pg_catalog" && schema.is_none() && spelled != name {
                self.add(rank, system, 0, spelled, || Item::Type(at, spelled));
            }
        }
    }

    fn columns(&mut self, rank: u8, sources: &[&'a Source]) {
        let all: Vec<_> =
            sources.iter().map(|source| self.expected.scope.columns(source, self.names, self.path)).collect();
        let several = matches!(self.expected.wants[usize::from(rank)], Want::Columns);
        let mut counts = std::collections::HashMap::new();
        if several {
            for column in all.iter().flatten() {
                *counts.entry(column.name.clone()).or_insert(0usize) += 1;
            }
        }
        let mut order = 0;
        for (source, columns) in sources.iter().zip(&all) {
            let label = source.label().unwrap_or_default();
            for column in columns {
                let qualified = counts.get(&column.name).is_some_and(|count| *count > 1);
                // Written out only where it is among the best: a table may have 1,600 columns, and a statement several.
                let item = || {
                    let (of_type, of) = (column.of_type.map(str::to_owned), label.to_owned());
                    Item::Column { name: column.name.to_string(), of_type, of, qualified }
                };
                self.add_owned(rank, 0, order, &column.name, item);
                order += 1;
            }
        }
    }

    fn target(&mut self, rank: u8, schema: Option<&str>, name: &str) {
        let names = self.names;
        let Some(found) = names.find(schema, name, self.path) else { return };
        let relation = &names.relations()[found];
        for (order, column) in names.columns(relation).iter().enumerate() {
            let order = u32::try_from(order).unwrap_or(u32::MAX);
            let (name, of_type) = (names.text(column.name), names.text(column.of_type));
            let item = || Item::Column {
                name: name.to_owned(),
                of_type: Some(of_type.to_owned()),
                of: names.text(relation.name).to_owned(),
                qualified: false,
            };
            self.add(rank, 0, order, name, item);
        }
    }

    fn values(&mut self, rank: u8, of: &str) {
        let names = self.names;
        let Some(setting) = names.settings().iter().find(|setting| names.text(setting.name).eq_ignore_ascii_case(of))
        else {
            return;
        };
        let now = names.text(setting.value);
        for value in &setting.values {
            let value = names.text(*value);
            let about = if value == now { "as it is now" } else { "" };
            self.add(rank, 0, 0, value, || Item::Plain(Mark::Value, value.to_owned(), about));
        }
        if setting.values.is_empty() && !now.is_empty() {
            self.add(rank, 0, 0, now, || Item::Literal(now.replace(' ', ""), "as it is now".to_owned()));
        }
    }

    fn labels(&mut self, rank: u8, qualifier: Option<&str>, column: &str) {
        let names = self.names;
        let scope = &self.expected.scope;
        let sources = scope.sources().filter(|source| qualifier.is_none() || source.label() == qualifier);
        let of_type = sources
            .filter_map(|source| {
                let columns = scope.columns(source, names, self.path);
                columns.into_iter().find(|found| found.name == column).and_then(|found| found.of_type)
            })
            .next();
        let Some(of) = of_type.and_then(|spelled| names.find_type(spelled)) else { return };
        let about = names.text(of.spelled);
        for (order, label) in names.labels(of).iter().enumerate() {
            let label = names.text(*label);
            let order = u32::try_from(order).unwrap_or(u32::MAX);
            self.add(rank, 0, order, label, || Item::Literal(label.to_owned(), about.to_owned()));
        }
    }
}

fn means(kinds: Relations, kind: RelationKind) -> bool {
    use RelationKind as Kind;
    match kinds {
        Relations::Rows => kind.has_rows(),
        Relations::Tables => matches!(kind, Kind::Table | Kind::Partitioned | Kind::ForeignTable | Kind::View),
        Relations::Views => kind == Kind::View,
        Relations::Materialized => kind == Kind::MaterializedView,
        Relations::Sequences => kind == Kind::Sequence,
        Relations::Indexes => kind == Kind::Index,
        Relations::All => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalogue::Builder;
    use crate::model::completion::expect;

    /// 60,000 tables, the best of them last.
    fn many() -> Catalogue {
        let mut builder = Builder::default();
        for schema in ["public", "pg_catalog", "other"] {
            builder.schema(schema);
        }
        builder.on_path("public");
        for at in 0..20_000 {
            for schema in ["pg_catalog", "other", "public"] {
                builder.relation(schema, &format!("a_long_{at}_order"), RelationKind::Table, [("id", "integer")]);
            }
        }
        for name in ["orders", "order_items", "o_r_d_e_r"] {
            builder.relation("public", name, RelationKind::Table, [("id", "integer")]);
        }
        builder.finish()
    }

    fn offered(names: &Catalogue, text: &str) -> Vec<String> {
        let expected = expect(text, text.len()).expect("something is expected");
        candidates(&expected, names, names.search_path()).into_iter().map(|candidate| candidate.label).collect()
    }

    #[test]
    fn the_best_of_many_are_kept_whenever_they_come() {
        let names = many();
        for (text, first) in [
            ("select * from orde", ["orders", "order_items"]),
            ("select * from ", ["orders", "o_r_d_e_r"]),
            ("select * from public.orde", ["orders", "order_items"]),
            ("select * from oitms", ["order_items", ""]),
        ] {
            let found = offered(&names, text);
            let relations: Vec<&str> = found
                .iter()
                .map(String::as_str)
                .filter(|name| names.find(None, name, names.search_path()).is_some())
                .collect();
            assert_eq!(relations[0], first[0], "{text}: {relations:?}");
            assert!(first[1].is_empty() || relations[1] == first[1], "{text}: {relations:?}");
            assert!(found.len() <= MOST, "{text}: {}", found.len());
        }
        assert!(offered(&names, "select * from nowhere.orde").is_empty());
    }

    #[test]
    fn names_on_the_path_come_before_others_and_the_systems_last() {
        let names = many();
        let expected = expect("select * from a_long_7_", 23).expect("something is expected");
        let found = candidates(&expected, &names, names.search_path());
        let inserts: Vec<&str> = found.iter().take(3).map(|candidate| candidate.insert.as_str()).collect();
        assert_eq!(inserts, ["a_long_7_order", "other.a_long_7_order", "pg_catalog.a_long_7_order"]);
    }
}
