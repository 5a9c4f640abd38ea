//! The rows of a result in another order, or fewer of them, without asking the server again: a permutation of row numbers,
//! four bytes a row, made on whatever thread calls. Memory beside it is bounded whatever the result's size: rows are read
//! page by page, and keys are sorted in runs of which all but one are in an unlinked file. It must not know who shows them.

mod filter;
pub mod find;
mod fuzzy;
mod key;
mod runs;

pub use filter::{Filter, Unclear};

use super::result_set::Snapshot;
use fuzzy::Judge;
use key::Kind;
use runs::Runs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows that can be arranged at most: with four bytes a row 200 MB of memory.
pub const MOST_ROWS: u64 = 50_000_000;

/// Progress is told every so many rows.
const STEP: u64 = 8192;

/// One column that rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    /// Which, from 0.
    pub column: usize,
    /// From the greatest down. NULLs are last either way.
    pub descending: bool,
}

/// How rows are arranged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrangement {
    /// The first matters most; rows that are equal in all stay in the order they came. With none, rows whose letters a
    /// filter looks for come in the order of how well they fit.
    pub by: Vec<By>,
    /// Which rows.
    pub filter: Option<Filter>,
}

impl Arrangement {
    /// Whether rows stay as they came.
    pub fn is_plain(&self) -> bool {
        self.by.is_empty() && self.filter.is_none()
    }

    /// Whether the rows that fit the filter best come first.
    pub fn is_by_fit(&self) -> bool {
        self.by.is_empty() && self.filter.as_ref().is_some_and(Filter::ranks)
    }
}

/// Why rows were not arranged or found.
#[derive(Debug, thiserror::Error)]
pub enum Undone {
    /// It was stopped.
    #[error("stopped")]
    Stopped,
    /// More than [`MOST_ROWS`].
    #[error("{0} rows are too many to sort or filter here (at most {MOST_ROWS}): let the server do it")]
    TooMany(u64),
    /// The temporary file cannot be read or written.
    #[error("the temporary file cannot be used: {0}")]
    Disk(#[from] io::Error),
}

/// The numbers of the rows, in their new order. `progress` hears how many rows are done of how many.
pub fn arrange(
    rows: &Snapshot,
    arrangement: &Arrangement,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<u32>, Undone> {
    let total = rows.rows();
    if total > MOST_ROWS {
        return Err(Undone::TooMany(total));
    }
    let kinds: Vec<(By, Kind)> =
        arrangement.by.iter().map(|by| (*by, Kind::of(rows.columns()[by.column].oid))).collect();
    let by_fit = arrangement.is_by_fit();
    let mut judge = Judge::default();
    let mut order: Vec<u32> = Vec::new();
    let mut runs = Runs::default();
    let mut key = Vec::new();
    for number in 0..rows.pages() {
        let (first, piece) = rows.page(number)?;
        for at in piece.rows {
            let row = first + at as u64;
            if row.is_multiple_of(STEP) {
                stopped(stop)?;
                progress(row, total);
            }
            let fit = match &arrangement.filter {
                Some(filter) => filter.fit(&piece.page, at, &mut judge),
                None => Some(0),
            };
            let Some(fit) = fit else { continue };
            if by_fit {
                runs.add(&(!fit).to_be_bytes(), row as u32)?;
                continue;
            }
            if kinds.is_empty() {
                order.push(row as u32);
                continue;
            }
            key.clear();
            for (by, kind) in &kinds {
                let start = key.len();
                match piece.page.cell(at, by.column) {
                    // Above every other first byte, and never turned over.
                    None => key.push(u8::MAX),
                    Some(text) => {
                        key.push(0);
                        key::put(&mut key, *kind, text);
                        if by.descending {
                            key[start + 1..].iter_mut().for_each(|byte| *byte = !*byte);
                        }
                    }
                }
            }
            runs.add(&key, row as u32)?;
        }
    }
    if by_fit || !kinds.is_empty() {
        order = runs.merge(stop)?;
    }
    progress(total, total);
    order.shrink_to_fit();
    Ok(order)
}

fn stopped(stop: &AtomicBool) -> Result<(), Undone> {
    if stop.load(Ordering::Relaxed) { Err(Undone::Stopped) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
