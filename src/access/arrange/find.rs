//! Looks for a text in cells: ignoring case unless it has capitals, the next one forward or backward, around the end. It
//! must not know what is on screen.

use super::{STEP, Undone, stopped};
use crate::access::result_set::{Piece, Snapshot};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needle {
    text: String,
    /// Capitals count.
    exact: bool,
}

impl Needle {
    /// `text`; case matters if it has capitals.
    pub fn new(text: &str) -> Needle {
        Needle { text: text.to_owned(), exact: text.chars().any(char::is_uppercase) }
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is in `cell`.
    pub fn is_in(&self, cell: &str) -> bool {
        self.first(cell).is_some()
    }

    /// Where it is first in `cell`, in bytes.
    pub fn first(&self, cell: &str) -> Option<Range<usize>> {
        if self.text.is_empty() {
            return None;
        }
        if self.exact {
            return cell.find(&self.text).map(|at| at..at + self.text.len());
        }
        if self.text.is_ascii() {
            let (cell, needle) = (cell.as_bytes(), self.text.as_bytes());
            let last = cell.len().checked_sub(needle.len())?;
            let (low, high) = (needle[0], needle[0].to_ascii_uppercase());
            let at = (0..=last).find(|at| {
                (cell[*at] == low || cell[*at] == high) && cell[*at..*at + needle.len()].eq_ignore_ascii_case(needle)
            })?;
            return Some(at..at + needle.len());
        }
        // Lower case may have another length: characters are compared one by one.
        let needle: Vec<char> = self.text.chars().flat_map(char::to_lowercase).collect();
        cell.char_indices().find_map(|(start, _)| {
            let mut left = needle.iter();
            let mut end = start;
            for c in cell[start..].chars() {
                if left.len() == 0 {
                    break;
                }
                if !c.to_lowercase().all(|c| left.next() == Some(&c)) {
                    return None;
                }
                end += c.len_utf8();
            }
            (left.len() == 0).then_some(start..end)
        })
    }
}

/// Where a search begins, and which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct From {
    /// Row as it is shown, from 0.
    pub row: u64,
    /// Column.
    pub column: usize,
    /// Down and to the right.
    pub forward: bool,
}

/// The next cell (row as shown, column) with `needle` after the one where the search begins, or that one itself when there
/// is no other; and whether the end was passed. `order` is the permutation in which rows are shown.
pub fn find(
    rows: &Snapshot,
    order: Option<&[u32]>,
    needle: &Needle,
    from: From,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Option<(u64, usize, bool)>, Undone> {
    let total = order.map_or(rows.rows(), |order| order.len() as u64);
    if total == 0 {
        return Ok(None);
    }
    let mut held: Option<(u64, Piece)> = None;
    let mut row = from.row.min(total - 1);
    for step in 0..=total {
        if step.is_multiple_of(STEP) {
            stopped(stop)?;
            progress(step, total);
        }
        let (piece, at) = match order {
            Some(order) => {
                let piece = rows.row(order[row as usize].into())?;
                let at = piece.rows.start;
                (Cow::Owned(piece), at)
            }
            None => {
                if held.as_ref().is_none_or(|(first, piece)| !(*first..*first + piece.rows.len() as u64).contains(&row))
                {
                    held = Some(rows.page(rows.page_of(row))?);
                }
                match &held {
                    Some((first, piece)) => (Cow::Borrowed(piece), (row - first) as usize),
                    None => return Ok(None),
                }
            }
        };
        let within = |column: &usize| piece.page.cell(at, *column).is_some_and(|cell| needle.is_in(cell));
        let columns = rows.columns().len();
        let found = match (step == 0, step == total, from.forward) {
            (true, _, true) => (from.column + 1..columns).find(within),
            (true, _, false) => (0..from.column.min(columns)).rev().find(within),
            (_, true, true) => (0..(from.column + 1).min(columns)).find(within),
            (_, true, false) => (from.column.min(columns)..columns).rev().find(within),
            (_, _, true) => (0..columns).find(within),
            (_, _, false) => (0..columns).rev().find(within),
        };
        if let Some(column) = found {
            let around = step > 0 && if from.forward { row <= from.row } else { row >= from.row };
            return Ok(Some((row, column, around)));
        }
        row = match from.forward {
            true => (row + 1) % total,
            false => row.checked_sub(1).unwrap_or(total - 1),
        };
    }
    Ok(None)
}
