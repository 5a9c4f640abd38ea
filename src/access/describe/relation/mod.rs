//! `\d NAME`: a relation's columns and everything that hangs on it. It must not know sessions.
//!
//! Two round trips for a relation: which there are, then all about one of them at once. What only some kinds have is not
//! asked of the others.

mod children;
mod columns;
mod constraints;
mod indexes;
mod outside;
mod rules;
mod sequence;
mod triggers;

use super::answer::Answer;
use super::pattern::Columns;
use super::relations;
use super::server::{Server, filter};
use super::word::Word;
use super::{Printed, Refused};

/// A relation, before its details are asked for.
pub struct Relation {
    /// `pg_class.oid`, in digits.
    pub oid: String,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `pg_class.relkind`.
    pub kind: char,
    /// With `+`.
    pub more: bool,
    /// The server's major version.
    pub major: u32,
    /// What else was asked of it, in the order of [`Fact`].
    facts: Vec<Option<String>>,
}

/// Columns of the query for relations.
#[derive(Clone, Copy)]
enum Fact {
    Checks = 4,
    HasIndex,
    HasRules,
    HasTriggers,
    RowSecurity,
    ForcedRowSecurity,
    IsPartition,
    Options,
    Tablespace,
    OfType,
    Persistence,
    ReplicaIdentity,
    AccessMethod,
    HasOids,
}

impl Relation {
    fn fact(&self, fact: Fact) -> Option<&str> {
        self.facts.get(fact as usize)?.as_deref()
    }

    fn has(&self, fact: Fact) -> bool {
        self.fact(fact) == Some("t")
    }

    fn is(&self, kinds: &str) -> bool {
        kinds.contains(self.kind)
    }

    /// Whether psql tells of it what it tells of tables.
    fn is_table(&self) -> bool {
        self.is("rmfpt")
    }

    fn title(&self) -> String {
        let unlogged = self.fact(Fact::Persistence) == Some("u");
        let kind = match (self.kind, unlogged) {
            ('r', false) => "Table",
            ('r', true) => "Unlogged table",
            ('v', _) => "View",
            ('m', false) => "Materialized view",
            ('m', true) => "Unlogged materialized view",
            ('i', false) => "Index",
            ('i', true) => "Unlogged index",
            ('I', false) => "Partitioned index",
            ('I', true) => "Unlogged partitioned index",
            ('S', false) => "Sequence",
            ('S', true) => "Unlogged sequence",
            ('t', _) => "TOAST table",
            ('c', _) => "Composite type",
            ('f', _) => "Foreign table",
            ('p', false) => "Partitioned table",
            ('p', true) => "Unlogged partitioned table",
            (kind, _) => return format!("?{kind}? \"{}.{}\"", self.schema, self.name),
        };
        format!("{kind} \"{}.{}\"", self.schema, self.name)
    }
}

/// The lines that an answer makes of a relation.
type Lines = dyn Fn(&Relation, &Answer) -> Vec<String> + Send;

/// One thing below the table: what to ask, and the lines that the answer makes.
struct Footer {
    query: String,
    lines: Box<Lines>,
}

impl Footer {
    fn new(query: String, lines: impl Fn(&Relation, &Answer) -> Vec<String> + Send + 'static) -> Footer {
        Footer { query, lines: Box::new(lines) }
    }

    /// Lines that are known without asking.
    fn known(lines: Vec<String>) -> Footer {
        Footer::new("select null where false".to_owned(), move |_, _| lines.clone())
    }
}

/// `\d`, with a name or a pattern.
pub async fn answer(server: &mut Server<'_>, word: &Word, pattern: Option<&str>) -> Result<Vec<Printed>, Refused> {
    let Some(pattern) = pattern else { return relations::answer(server, word, relations::ALL, None).await };
    let conditions = server.within(
        Some(pattern),
        Columns {
            schema: "n.nspname",
            name: "c.relname",
            other: None,
            visible: Some("pg_catalog.pg_table_is_visible(c.oid)"),
        },
    )?;
    let oids = if server.major < 12 { "c.relhasoids" } else { "false" };
    let found = server
        .ask(&format!(
            "select c.oid, n.nspname, c.relname, c.relkind, c.relchecks, c.relhasindex, c.relhasrules, c.relhastriggers, \
             c.relrowsecurity, c.relforcerowsecurity, c.relispartition, \
             pg_catalog.array_to_string(c.reloptions || array(select 'toast.' || x from pg_catalog.unnest(t.reloptions) x), ', '), \
             s.spcname, case when c.reloftype = 0 then null else c.reloftype::pg_catalog.regtype::pg_catalog.text end, \
             c.relpersistence, c.relreplident, a.amname, {oids} from pg_catalog.pg_class c \
             left join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             left join pg_catalog.pg_class t on t.oid = c.reltoastrelid \
             left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace \
             left join pg_catalog.pg_am a on a.oid = c.relam{} order by 2, 3",
            filter(&conditions)
        ))
        .await?;
    if found.rows.is_empty() {
        return Err(Refused::NothingFound(format!("Did not find any relation named \"{pattern}\".")));
    }
    let mut all = Vec::new();
    for row in 0..found.rows.len() {
        let relation = Relation {
            oid: found.text(row, 0).to_owned(),
            schema: found.text(row, 1).to_owned(),
            name: found.text(row, 2).to_owned(),
            kind: found.text(row, 3).chars().next().unwrap_or('?'),
            more: word.more,
            major: server.major,
            facts: found.rows[row].clone(),
        };
        all.push(one(server, &relation).await?);
    }
    Ok(all)
}

async fn one(server: &mut Server<'_>, relation: &Relation) -> Result<Printed, Refused> {
    if relation.kind == 'S' {
        let sequence = sequence::print(server, relation).await?;
        return Ok(Printed { stays_upright: true, ..sequence });
    }
    let footers = footers(relation);
    let mut queries = vec![columns::query(relation)];
    queries.extend(footers.iter().map(|footer| footer.query.clone()));
    let answers = server.ask_all(&queries).await?;
    let mut answers = answers.iter();
    let mut table = match answers.next() {
        Some(answer) => columns::table(relation, answer),
        None => Printed::default(),
    };
    for (footer, answer) in footers.iter().zip(answers) {
        table.footers.extend((footer.lines)(relation, answer));
    }
    table.stays_upright = true;
    Ok(table)
}

/// Everything below the table, in psql's order.
fn footers(relation: &Relation) -> Vec<Footer> {
    let mut all = Vec::new();
    if relation.has(Fact::IsPartition) {
        all.push(children::partition_of(relation));
    }
    if relation.kind == 'p' {
        all.push(children::partition_key(relation));
    }
    if relation.kind == 't' {
        all.push(outside::owning_table(relation));
    }
    if relation.is("iI") {
        all.push(indexes::index(relation));
        if relation.kind == 'i' {
            all.push(tablespace(relation));
        }
    } else if relation.is_table() {
        if relation.has(Fact::HasIndex) {
            all.push(indexes::indexes(relation));
        }
        if relation.fact(Fact::Checks) != Some("0") {
            all.push(constraints::checks(relation));
        }
        // A foreign key that is not enforced (18) has no trigger.
        if relation.has(Fact::HasTriggers) || relation.kind == 'p' || relation.major >= 18 {
            all.push(constraints::foreign_keys(relation));
            all.push(constraints::references(relation));
        }
        all.push(rules::policies(relation));
        all.push(rules::statistics(relation));
        if relation.has(Fact::HasRules) && relation.kind != 'm' {
            all.push(rules::rules(relation));
        }
        all.push(outside::publications(relation));
        if relation.more && relation.major >= 18 {
            all.push(constraints::not_null(relation));
        }
    }
    if relation.is("vm") && relation.more {
        all.push(rules::view_definition(relation));
        // Only with its definition are a view's other rules told.
        if relation.has(Fact::HasRules) {
            all.push(rules::view_rules(relation));
        }
    }
    if relation.has(Fact::HasTriggers) {
        all.push(triggers::triggers(relation));
    }
    if relation.is("rmfpIt") {
        if relation.kind == 'f' {
            all.push(outside::foreign_server(relation));
        }
        all.push(children::inherits(relation));
        all.push(children::children(relation));
        all.push(Footer::known(told_at_the_end(relation)));
        all.push(tablespace(relation));
        if relation.more
            && let Some(method) = relation.fact(Fact::AccessMethod)
        {
            all.push(Footer::known(vec![format!("Access method: {method}")]));
        }
    }
    if relation.more
        && let Some(options) = relation.fact(Fact::Options).filter(|options| !options.is_empty())
    {
        all.push(Footer::known(vec![format!("Options: {options}")]));
    }
    all
}

fn told_at_the_end(relation: &Relation) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(of) = relation.fact(Fact::OfType) {
        lines.push(format!("Typed table of type: {of}"));
    }
    if relation.more && relation.is("rm") {
        // The system's own have none, others the default; an index is told among the indexes.
        let usual = if relation.schema == "pg_catalog" { "n" } else { "d" };
        match relation.fact(Fact::ReplicaIdentity) {
            Some(identity) if identity == usual || identity == "i" => {}
            Some("f") => lines.push("Replica Identity: FULL".to_owned()),
            Some("n") => lines.push("Replica Identity: NOTHING".to_owned()),
            _ => lines.push("Replica Identity: ???".to_owned()),
        }
    }
    if relation.more && relation.has(Fact::HasOids) {
        lines.push("Has OIDs: yes".to_owned());
    }
    lines
}

/// The tablespace, unless it is the database's own.
fn tablespace(relation: &Relation) -> Footer {
    let line = relation.fact(Fact::Tablespace).map(|name| format!("Tablespace: \"{name}\""));
    Footer::known(line.into_iter().collect())
}
