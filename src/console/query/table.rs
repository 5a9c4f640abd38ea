//! One result set as far as the screen has it: how many rows there are, a window of them, where the cursor is, how wide
//! columns are. It asks for windows around what is shown; it must not know who brings them.

use super::columns::{Columns, WIDEST};
pub use super::columns::{GAP, Slot};
use super::order::{ResultId, Window};
use super::shape::Arrangement;
use super::text;
use crate::model::{Column, Page};
use std::ops::Range;
use std::sync::Arc;

/// Cells measured of a window at most, so that 1,600 columns do not cost a frame.
const MEASURED: usize = 40_000;

/// One result set.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub id: ResultId,
    /// Its columns.
    pub columns: Arc<[Column]>,
    /// Rows to be shown: those kept so far, or those of the arrangement.
    pub rows: u64,
    /// Rows kept so far.
    pub fetched: u64,
    /// How rows are arranged.
    pub arrangement: Arrangement,
    /// Of how many rows the arrangement is; `None` while rows are shown as they came.
    pub arranged: Option<u64>,
    /// What is marked reaches from here to the cursor.
    pub mark: Option<Mark>,
    /// Which columns are shown, and how wide.
    pub shape: Columns,
    /// Bytes kept so far.
    pub bytes: u64,
    /// Why it was cut short.
    pub short: Option<String>,
    /// The row of the cursor.
    pub row: u64,
    /// The column of the cursor.
    pub column: usize,
    /// First row shown.
    pub top: u64,
    /// First column shown.
    pub left: usize,
    window: Window,
    /// What was asked for last, when there were so many rows; kept when it was answered, or an answer cut short by its
    /// bytes would be asked for again and again.
    asked: Option<(u64, u64, u64)>,
    waiting: bool,
    /// Rows so large that a window holds few of them: only what is in sight is asked for.
    tight: bool,
    height: u64,
}

/// Where marking began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The row.
    pub row: u64,
    /// The column; `None` marks whole rows.
    pub column: Option<usize>,
}

impl Table {
    /// A result that begins.
    pub fn new(id: ResultId, columns: Arc<[Column]>) -> Table {
        Table {
            id,
            shape: Columns::new(&columns),
            columns,
            rows: 0,
            fetched: 0,
            arrangement: Arrangement::default(),
            arranged: None,
            mark: None,
            bytes: 0,
            short: None,
            row: 0,
            column: 0,
            top: 0,
            left: 0,
            window: Window { first: 0, pieces: Vec::new() },
            asked: None,
            waiting: false,
            tight: false,
            height: 0,
        }
    }

    /// The page and the row in it; `None` when it is not there yet.
    pub fn find(&self, row: u64) -> Option<(&Page, usize)> {
        let mut at = usize::try_from(row.checked_sub(self.window.first)?).ok()?;
        for piece in &self.window.pieces {
            if at < piece.rows.len() {
                return Some((&piece.page, piece.rows.start + at));
            }
            at -= piece.rows.len();
        }
        None
    }

    /// So much is kept by now.
    pub fn keeps(&mut self, rows: u64, bytes: u64) {
        (self.fetched, self.bytes) = (rows, bytes);
        if self.arranged.is_none() {
            self.rows = rows;
        }
    }

    /// Rows are shown so from now on: `rows` of the `of` there were.
    pub fn arrange(&mut self, arrangement: Arrangement, rows: u64, of: u64) {
        self.arranged = (!arrangement.is_plain()).then_some(of);
        self.arrangement = arrangement;
        self.fetched = self.fetched.max(of);
        self.rows = if self.arranged.is_some() { rows } else { self.fetched };
        self.window = Window { first: 0, pieces: Vec::new() };
        (self.asked, self.waiting, self.tight) = (None, false, false);
        self.mark = None;
        self.row = self.row.min(self.rows.saturating_sub(1));
        self.top = self.top.min(self.row);
    }

    /// Whether more rows came since they were arranged.
    pub fn is_stale(&self) -> bool {
        self.arranged.is_some_and(|of| of < self.fetched)
    }

    /// What is marked: rows, and columns as they are shown.
    pub fn marked(&self) -> Option<(Range<u64>, Option<Vec<usize>>)> {
        let mark = self.mark?;
        let rows = mark.row.min(self.row)..mark.row.max(self.row).saturating_add(1).min(self.rows);
        let columns = mark.column.map(|column| {
            let (from, to) =
                (self.shape.position(column.min(self.column)), self.shape.position(column.max(self.column)));
            self.shape.shown()[from..=to].to_vec()
        });
        Some((rows, columns))
    }

    /// A window came.
    pub fn take(&mut self, window: Window) {
        self.waiting = false;
        let columns = self.columns.len();
        self.shape.measure(|widths| {
            let mut left = MEASURED;
            for piece in &window.pieces {
                for row in piece.rows.clone() {
                    if left == 0 {
                        return;
                    }
                    left = left.saturating_sub(columns);
                    for (cell, widest) in piece.page.row(row).zip(widths.iter_mut()) {
                        *widest = (*widest).max(cell.map_or(1, |cell| text::width(cell, WIDEST)));
                    }
                }
            }
        });
        let kept = Window { first: window.first, pieces: window.pieces };
        let end = kept.first + len(&kept);
        let asked = self.asked.filter(|(first, ..)| *first == kept.first);
        self.tight |= asked.is_some_and(|(first, count, rows)| end < rows.min(first + count));
        if self.arranged.is_none() {
            self.rows = self.rows.max(end);
            self.fetched = self.fetched.max(end);
        }
        self.window = kept;
    }

    /// The rows to ask for, when what is shown, or a screen around it, is not there and was not asked for yet.
    pub fn wants(&mut self) -> Option<(u64, u64)> {
        let height = self.height.max(1);
        let around = if self.tight { 0 } else { height };
        let from = self.top.saturating_sub(around);
        let to = (self.top + height + around).min(self.rows);
        let there = self.window.first..self.window.first + len(&self.window);
        if self.waiting || from >= to || (there.start <= from && to <= there.end) {
            return None;
        }
        let (first, count) = match self.tight {
            true if there.contains(&self.top) && !there.contains(&self.row) => (self.row, height),
            true if there.contains(&self.row) => return None,
            true => (self.top, height),
            false => (self.top.saturating_sub(3 * height), 7 * height),
        };
        if self.asked == Some((first, count, self.rows)) {
            return None;
        }
        self.asked = Some((first, count, self.rows));
        self.waiting = true;
        Some((first, count))
    }

    /// Moves the cursor by rows.
    pub fn step(&mut self, rows: i64) {
        self.row = self.row.saturating_add_signed(rows).min(self.rows.saturating_sub(1));
    }

    /// Moves the cursor by screens.
    pub fn page(&mut self, pages: i64) {
        let by = pages * self.height.saturating_sub(1).max(1) as i64;
        self.top = self.top.saturating_add_signed(by).min(self.rows.saturating_sub(self.height.max(1)));
        self.step(by);
    }

    /// Moves the cursor by columns.
    pub fn aside(&mut self, columns: isize) {
        self.column = self.shape.step(self.column, columns);
    }

    /// Scrolls rows, the cursor goes along only where it must.
    pub fn scroll(&mut self, rows: i64) {
        self.top = self.top.saturating_add_signed(rows).min(self.rows.saturating_sub(self.height.max(1)));
        self.row = self.row.clamp(self.top, self.top + self.height.max(1) - 1).min(self.rows.saturating_sub(1));
    }

    /// Scrolls so that the cursor is within so many columns and rows.
    pub fn fit(&mut self, width: usize, height: usize) {
        self.height = height as u64;
        let height = self.height.max(1);
        self.top = self.top.clamp((self.row + 1).saturating_sub(height), self.row);
        if self.columns.is_empty() {
            return;
        }
        self.column = self.shape.step(self.column, 0);
        self.left = self.shape.scroll(self.left, self.column, width);
    }

    /// The columns that so many columns of a screen show.
    pub fn slots(&self, width: usize) -> Vec<Slot> {
        self.shape.slots(self.left, width)
    }
}

fn len(window: &Window) -> u64 {
    window.pieces.iter().map(|piece| piece.rows.len() as u64).sum()
}
