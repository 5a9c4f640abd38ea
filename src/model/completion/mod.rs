//! What could be written at a place in a statement: [`expect`] reads the text around the cursor and tells what kinds of
//! names belong there, and of which tables; [`Scope`] gives their columns from a catalogue. [`filled`] tells which argument
//! of which call is being written, and [`best`] which of the functions of that name is meant. Half-typed text is the usual
//! case. It must not know how candidates are matched, ordered or shown.

mod call;
mod columns;
mod expect;
mod keywords;
mod psql;
mod quote;
mod scope;
mod signature;
mod utility;
mod words;

pub use call::{Argument, Call, Filled, filled};
pub use columns::Found;
pub use expect::expect;
pub use quote::{identifier, literal, quoted};
pub use scope::{Of, Scope, Source};
pub use signature::{Given, Signature, best};

use std::ops::Range;

/// A relation as it is written: both parts as the server understands them (folded, or as quoted).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Schema, where one is written.
    pub schema: Option<String>,
    /// Name.
    pub name: String,
}

/// Which relations are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relations {
    /// What has rows to select.
    Rows,
    /// What can be written to or altered as a table.
    Tables,
    /// Views.
    Views,
    /// Materialized views.
    Materialized,
    /// Sequences.
    Sequences,
    /// Indexes.
    Indexes,
    /// All of them.
    All,
}

/// A kind of names that belongs at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// Relations, of one schema where it is given.
    Relations(Relations, Option<String>),
    /// WITH queries that can be seen.
    Ctes,
    /// Columns of all sources in scope, unqualified where that is enough.
    Columns,
    /// The columns of the sources of that name (alias or table, with its schema where that is given).
    ColumnsOf(Written),
    /// The columns of one relation, whatever is in scope.
    TargetColumns(Written),
    /// Names that the select list gives its columns.
    Outputs,
    /// Aliases, or names, of the sources in scope, for a full stop to follow.
    Sources,
    /// Joins by foreign key with what is in scope: `orders o ON o.customer_id = c.id`.
    Joins,
    /// Conditions by foreign key between the source joined last and the others.
    Conditions,
    /// Functions, of one schema where it is given.
    Functions(Option<String>),
    /// Procedures, of one schema where it is given.
    Procedures(Option<String>),
    /// Types, of one schema where it is given.
    Types(Option<String>),
    /// Schemas; `true`: for a name of theirs to follow.
    Schemas(bool),
    /// Parameters of the server.
    Settings,
    /// Values of a parameter.
    Values(String),
    /// The labels of the enum that a column is of (its table or alias, where that is written).
    Labels(Option<String>, String),
    /// Roles.
    Roles,
    /// Databases.
    Databases,
    /// Extensions that are there.
    Extensions,
    /// Words of the language.
    Keywords(&'static [&'static str]),
    /// psql's words, after the backslash.
    Commands,
}

/// What belongs at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Bytes of the text that a candidate replaces: what has been typed of it.
    pub range: Range<usize>,
    /// What has been typed, without an opening quotation mark.
    pub typed: String,
    /// Whether it was begun with a quotation mark.
    pub quoted: bool,
    /// The cursor is in a string: what is put there is the rest of a literal.
    pub literal: bool,
    /// What belongs here; the likeliest first.
    pub wants: Vec<Want>,
    /// Worth showing before a letter is typed: after a full stop, and where foreign keys tell.
    pub eager: bool,
    /// Whether words of the language are written in capitals here.
    pub capitals: bool,
    /// Whether they were so far, whatever is being typed.
    pub shouted: bool,
    /// Whether an opening parenthesis follows the cursor already.
    pub called: bool,
    /// What the statement reads and writes.
    pub scope: Scope,
}

#[cfg(test)]
mod tests;
