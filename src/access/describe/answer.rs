//! What a query of the catalogue answered, kept whole: such answers are small. It must not know what was asked.

use crate::model::Column;

/// Columns and rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Answer {
    /// A cell, NULL as nothing.
    pub fn text(&self, row: usize, column: usize) -> &str {
        self.cell(row, column).unwrap_or_default()
    }

    /// A cell.
    pub fn cell(&self, row: usize, column: usize) -> Option<&str> {
        self.rows.get(row)?.get(column)?.as_deref()
    }

    /// Whether a cell is a boolean that holds.
    pub fn holds(&self, row: usize, column: usize) -> bool {
        self.text(row, column) == "t"
    }
}
