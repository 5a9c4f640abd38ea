//! Looking into a database's catalogue: sizes and row estimates, the parts of a relation, the DDL of an object, psql's
//! `\d+`. Each question has a short session of its own, over the route that is open already where there is one, so that
//! the session that runs people's statements is never waited for. It must not know where the answers are shown.

mod definition;
mod objects;
mod parts;
mod relation;

use super::describe::describe;
use super::{Access, Session, Wish};
use crate::model::completion::literal;
use crate::model::{Diagnosis, Happening, Kind};
use std::time::Duration;

/// How long the server may take for one question.
const PATIENCE: Duration = Duration::from_secs(60);

/// Something in a schema.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Named {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
}

/// What a definition is wanted of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A table, partitioned or foreign table, view, materialized view, sequence or index.
    Relation(Named),
    /// A function, procedure or aggregate, with its arguments as `pg_get_function_arguments` writes them.
    Function(Named, String),
    /// An enum, domain, composite or range type.
    Type(Named),
    /// A schema.
    Schema(String),
    /// An extension.
    Extension(String),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Sizes and row estimates of all relations, and whose partitions they are.
    Measures,
    /// Columns, indexes, constraints and triggers of one relation.
    Parts(Named),
    /// Statements that make the object again.
    Definition(Thing),
    /// What psql's `\d+` prints of it.
    Description(Named),
}

/// Size and rows of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Which.
    pub of: Named,
    /// Bytes with indexes and TOAST (`pg_total_relation_size`); `None` when it could not be had.
    pub bytes: Option<u64>,
    /// The planner's estimate (`pg_class.reltuples`); `None` before the first ANALYZE or VACUUM.
    pub rows: Option<u64>,
    /// The table it is a partition of.
    pub parent: Option<Named>,
}

/// One part of a relation: its name, and what it is in the server's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Name.
    pub name: String,
    /// A column's type and constraints, the definition of an index, constraint or trigger.
    pub about: String,
}

/// The parts of a relation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// In their order.
    pub columns: Vec<Part>,
    /// By name.
    pub indexes: Vec<Part>,
    /// By name.
    pub constraints: Vec<Part>,
    /// By name.
    pub triggers: Vec<Part>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Of [`Question::Measures`].
    Measures(Vec<Measure>),
    /// Of [`Question::Parts`].
    Parts(Parts),
    /// Of [`Question::Definition`] and [`Question::Description`].
    Text(String),
}

/// Rows of an answer.
type Rows = Vec<Vec<Option<String>>>;

impl Access {
    /// Answers a question about the wish's database, as its role sees it.
    pub async fn explore(&self, wish: &Wish, question: &Question) -> Result<Finding, Diagnosis> {
        let wish = Wish { read_only: true, ..wish.clone() };
        let mut session = self.connect(&wish, None).await?;
        let found = Box::pin(answer(&mut session, question, &self.settings().os_user)).await;
        session.close().await;
        found
    }
}

async fn answer(session: &mut Session, question: &Question, os_user: &str) -> Result<Finding, Diagnosis> {
    let name = literal(&format!("gatepost catalogue ({os_user})"));
    let patience = PATIENCE.as_millis();
    let settings =
        format!("set application_name = {name}; set statement_timeout = {patience}; set lock_timeout = 1000");
    ask(session, &settings).await?;
    match question {
        Question::Measures => parts::measures(session).await.map(Finding::Measures),
        Question::Parts(of) => parts::of(session, of).await.map(Finding::Parts),
        Question::Definition(thing) => {
            // With nothing on the path the server qualifies every name it writes.
            ask(session, "set search_path = ''").await?;
            definition::of(session, thing).await.map(Finding::Text)
        }
        Question::Description(of) => {
            let pattern = format!("{}.{}", pattern(&of.schema), pattern(&of.name));
            let pieces = describe(session, "d+", &pattern)
                .await
                .map_err(|refused| Diagnosis::new(Kind::Sql, refused.to_string()))?;
            Ok(Finding::Text(pieces.iter().map(|piece| piece.aligned()).collect::<Vec<_>>().join("\n")))
        }
    }
}

/// A name as one word of psql: quoted, so that nothing in it is a pattern.
fn pattern(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Runs statements, and gives the rows of all of them.
async fn ask(session: &mut Session, sql: &str) -> Result<Rows, Diagnosis> {
    let mut rows = Vec::new();
    let mut running = session.run(sql);
    while let Some(happening) = running.next().await {
        if let Happening::Rows(page) = happening? {
            rows.extend((0..page.rows()).map(|row| page.row(row).map(|cell| cell.map(str::to_owned)).collect()));
        }
    }
    Ok(rows)
}

/// A cell; empty where it is NULL or not there.
fn cell(row: &[Option<String>], column: usize) -> &str {
    row.get(column).and_then(Option::as_deref).unwrap_or_default()
}

/// A cell of a truth value.
fn is(row: &[Option<String>], column: usize) -> bool {
    cell(row, column) == "t"
}

/// There is no such thing any more.
fn gone(what: &str) -> Diagnosis {
    Diagnosis::new(Kind::Sql, format!("{what} is not there any more, or not to be seen by this role"))
}
