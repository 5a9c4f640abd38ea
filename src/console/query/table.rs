//! One result set as far as the screen has it: how many rows there are, a window of them, where the cursor is, how wide
//! columns are. It asks for windows around what is shown; it must not know who brings them.

use super::order::{ResultId, Window};
use super::text;
use crate::model::{Column, Page};
use std::sync::Arc;

/// No column is measured wider.
const WIDEST: usize = 1000;
/// Columns are shown at most this wide while they do not all fit.
const CROWDED: usize = 40;
/// Cells measured of a window at most, so that 1,600 columns do not cost a frame.
const MEASURED: usize = 40_000;
/// Columns between two columns: ` │ `.
pub const GAP: usize = 3;

/// One result set.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub id: ResultId,
    /// Its columns.
    pub columns: Arc<[Column]>,
    /// Rows kept so far.
    pub rows: u64,
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
    widths: Vec<usize>,
    height: u64,
}

/// A column on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Which.
    pub column: usize,
    /// Columns from the left edge.
    pub x: usize,
    /// How wide.
    pub width: usize,
}

impl Table {
    /// A result that begins.
    pub fn new(id: ResultId, columns: Arc<[Column]>) -> Table {
        let widths = columns.iter().map(|column| text::width(&column.name, WIDEST).max(1)).collect();
        Table {
            id,
            columns,
            rows: 0,
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
            widths,
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

    /// A window came.
    pub fn take(&mut self, window: Window) {
        self.waiting = false;
        let mut left = MEASURED;
        for piece in &window.pieces {
            for row in piece.rows.clone() {
                if left == 0 {
                    break;
                }
                left = left.saturating_sub(self.columns.len());
                for (cell, widest) in piece.page.row(row).zip(&mut self.widths) {
                    *widest = (*widest).max(cell.map_or(1, |cell| text::width(cell, WIDEST)));
                }
            }
        }
        let kept = Window { first: window.first, pieces: window.pieces };
        let end = kept.first + len(&kept);
        let asked = self.asked.filter(|(first, ..)| *first == kept.first);
        self.tight |= asked.is_some_and(|(first, count, rows)| end < rows.min(first + count));
        self.rows = self.rows.max(end);
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
        self.column = self.column.saturating_add_signed(columns).min(self.columns.len().saturating_sub(1));
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
        self.left = self.left.min(self.column);
        while self.left < self.column && !self.shows(self.column, width) {
            self.left += 1;
        }
    }

    /// The columns that so many columns of a screen show.
    pub fn slots(&self, width: usize) -> Vec<Slot> {
        let total: usize = self.widths.iter().map(|width| width + GAP).sum();
        let most = if total <= width + GAP { WIDEST } else { CROWDED };
        let mut slots: Vec<Slot> = Vec::new();
        let mut x = 0;
        for column in self.left..self.columns.len() {
            // A sliver says less than an empty margin.
            if x + 3 > width && x > 0 {
                break;
            }
            let slot = Slot { column, x, width: self.widths[column].min(most).min(width.saturating_sub(x)) };
            x += slot.width + GAP;
            slots.push(slot);
        }
        if let Some(last) = slots.last_mut() {
            last.width = self.widths[last.column].min(width.saturating_sub(last.x));
        }
        slots
    }

    fn shows(&self, column: usize, width: usize) -> bool {
        let slots = self.slots(width);
        slots.iter().any(|slot| slot.column == column && slot.width >= self.widths[column].min(CROWDED))
    }
}

fn len(window: &Window) -> u64 {
    window.pieces.iter().map(|piece| piece.rows.len() as u64).sum()
}
