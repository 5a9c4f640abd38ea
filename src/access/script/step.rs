//! What a script wants done, and what became of it. Plain data; it must not know how it is found out.

use super::display::Display;
use crate::model::sql::Query;
use crate::model::{Column, Diagnosis};
use std::path::PathBuf;
use std::time::Duration;

/// Where in a script something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file, or `stdin`; `None` for what was typed.
    pub file: Option<String>,
    /// Line, counted from 1.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}:{}", crate::model::visible(file), self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

/// The next thing to do.
#[derive(Debug)]
pub enum Step {
    /// Run a statement; then call [`super::Script::ran`].
    Run(Box<Run>),
    /// Find out what columns a statement would give, without running it; then call [`super::Script::described`].
    Columns {
        /// The statement.
        sql: String,
        /// Where.
        place: Place,
    },
    /// A line for stdout (`\echo`).
    Say(String),
    /// A line for where results go (`\qecho`).
    Tell(String),
    /// A line for stderr (`\warn`).
    Warn(String),
    /// A remark that nobody must read (a setting was changed).
    Note(String),
    /// Results go to this file from now on; `None`: where they went at first.
    Output(Option<PathBuf>),
    /// A table that a command made of rows.
    Table(Box<Table>),
    /// The catalogue is asked: psql's `\d` family, `\l`, `\sf`, …; then call [`super::Script::looked`].
    Look {
        /// The word, without the backslash.
        word: String,
        /// What stands behind it.
        arguments: String,
    },
    /// Another session; then call [`super::Script::connected`].
    Connect(Connect),
    /// `\conninfo`.
    Where,
    /// Wait, unless somebody wants it to end.
    Pause(Duration),
    /// Something failed before the server was asked.
    Fault(Fault),
    /// A file is about to be read and run; then call [`super::Script::allowed`].
    Include(PathBuf),
}

/// A statement to run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The statement.
    pub query: Query,
    /// The file it stands in.
    pub file: Option<String>,
    /// Rows are kept and given back rather than shown.
    pub keep: bool,
    /// Nobody asked for it: its tag is not told, and it is not counted.
    pub own: bool,
    /// How its rows are shown.
    pub display: Display,
    /// Where its rows go instead.
    pub to: Option<PathBuf>,
    /// It came to be in the script (a variable, `\gexec`): whoever looked at the text has not seen it.
    pub unseen: bool,
}

impl Run {
    /// Where a character (counted from 0) of it stands, or its beginning.
    pub fn place(&self, at: Option<usize>) -> Option<Place> {
        let sql = &self.query.sql;
        let line = match at {
            Some(at) => {
                let byte = sql.char_indices().nth(at).map_or(sql.len(), |(byte, _)| byte);
                self.query.line_at(byte)
            }
            None => self.query.line(),
        };
        Some(Place { file: self.file.clone(), line: line? })
    }
}

/// What became of a statement.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// The columns of its last result.
    pub columns: Vec<Column>,
    /// Its rows, if they were to be kept.
    pub rows: Vec<Vec<Option<String>>>,
    /// The number its tag tells.
    pub count: u64,
    /// Why it failed.
    pub error: Option<Diagnosis>,
}

/// A table that was made here.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows.
    pub rows: Vec<Vec<Option<String>>>,
    /// How it is shown.
    pub display: Display,
}

/// Whom to be and where, for `\connect`; `None` means as now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connect {
    /// Database.
    pub database: Option<String>,
    /// Role.
    pub user: Option<String>,
    /// Host; nothing but the present one can be had.
    pub host: Option<String>,
    /// Port; nothing but the present one can be had.
    pub port: Option<String>,
}

/// Something that failed before the server was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What.
    pub words: String,
}
