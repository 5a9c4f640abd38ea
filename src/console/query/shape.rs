//! What the pane asks of a result's rows beyond running and scrolling, and what it is told: sorting, filtering, searching,
//! copying, exporting. Plain data; it must not know who carries it out (`desk`) nor what it looks like.

use super::order::ResultId;
pub use crate::access::arrange::find::{From, Needle};
pub use crate::access::arrange::{Arrangement, By, Filter};
pub use crate::access::export::{Part, Plan};
pub use crate::access::format::Format;
use crate::model::Diagnosis;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Names a piece of work among those of one pane; counts up.
pub type Ticket = u64;

/// Work on the rows that were fetched. One piece at a time: a new one stops the one before.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Show rows in another order, or fewer. Plain is at once, all else works in the background.
    Arrange {
        /// Which result.
        result: ResultId,
        /// How.
        arrangement: Arrangement,
    },
    /// Look for a text.
    Find {
        /// Which result.
        result: ResultId,
        /// What.
        needle: Needle,
        /// From where.
        from: From,
    },
    /// Rows as text.
    Copy {
        /// Which result.
        result: ResultId,
        /// Which rows, as shown.
        rows: Range<u64>,
        /// Which columns; `None` for all.
        columns: Option<Arc<[usize]>>,
        /// How.
        format: Format,
        /// Without a header.
        bare: bool,
        /// What INSERT statements name.
        table: Option<String>,
    },
    /// All rows, as shown, to a file.
    Export {
        /// Which result.
        result: ResultId,
        /// Where and how.
        plan: Plan,
        /// What to go on from.
        resume: Option<Part>,
    },
}

impl Shape {
    /// The result it is about.
    pub fn result(&self) -> ResultId {
        match self {
            Shape::Arrange { result, .. }
            | Shape::Find { result, .. }
            | Shape::Copy { result, .. }
            | Shape::Export { result, .. } => *result,
        }
    }

    /// What it does, for who waits.
    pub fn doing(&self) -> &'static str {
        match self {
            Shape::Arrange { arrangement, .. } if arrangement.by.is_empty() => "filtering",
            Shape::Arrange { .. } => "sorting",
            Shape::Find { .. } => "searching",
            Shape::Copy { .. } => "copying",
            Shape::Export { .. } => "exporting",
        }
    }
}

/// What is told of a piece of work.
#[derive(Clone, Debug, PartialEq)]
pub enum Shaped {
    /// So many rows of so many. At a bounded rate.
    Progress {
        /// Done.
        done: u64,
        /// Of so many.
        total: u64,
    },
    /// Rows are shown so from now on: every window after this is in the new order.
    Arranged {
        /// Which result.
        result: ResultId,
        /// How.
        arrangement: Arrangement,
        /// Rows shown.
        rows: u64,
        /// Rows there were when it began.
        of: u64,
    },
    /// Row and column found, and whether the end was passed; `None` for nothing.
    Found(Option<(u64, usize, bool)>),
    /// Rows as text, for the clipboard.
    Copied {
        /// The text.
        text: String,
        /// How many rows.
        rows: u64,
    },
    /// More than a clipboard is given.
    TooBig,
    /// The file is whole.
    Written {
        /// Its name.
        path: PathBuf,
        /// Rows.
        rows: u64,
        /// Bytes.
        bytes: u64,
        /// Its permission bits.
        mode: u32,
    },
    /// It was stopped; of an export, what is in the file.
    Stopped(Option<Part>),
    /// Something of that name is there.
    Exists(PathBuf),
    /// It failed; of an export, what is in the file.
    Failed {
        /// In words.
        diagnosis: Diagnosis,
        /// What is in the file.
        part: Option<Part>,
    },
}
