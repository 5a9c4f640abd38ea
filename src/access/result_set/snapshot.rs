//! What a result held at one moment, readable on any thread while more rows come: the index is copied, pages and file are
//! shared. It must not know what it is read for.

use super::Piece;
use super::spill::{Entry, Place, damaged};
use crate::model::{Column, Page};
use std::fs::File;
use std::io;
use std::sync::Arc;

/// What a result held at one moment. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Snapshot {
    columns: Arc<[Column]>,
    index: Arc<[Entry]>,
    file: Option<Arc<File>>,
}

impl Snapshot {
    pub(super) fn new(columns: Arc<[Column]>, index: Vec<Entry>, file: Option<Arc<File>>) -> Snapshot {
        Snapshot { columns, index: index.into(), file }
    }

    /// Its columns.
    pub fn columns(&self) -> &Arc<[Column]> {
        &self.columns
    }

    /// Rows in it.
    pub fn rows(&self) -> u64 {
        self.index.last().map_or(0, |last| last.first + last.rows as u64)
    }

    /// Pages in it.
    pub fn pages(&self) -> usize {
        self.index.len()
    }

    /// The page that holds `row`, which must be in it.
    pub fn page_of(&self, row: u64) -> usize {
        self.index.partition_point(|entry| entry.first + entry.rows as u64 <= row)
    }

    /// A page, and the number of its first row. Numbers count from 0 and must be in range.
    pub fn page(&self, number: usize) -> io::Result<(u64, Piece)> {
        let entry = &self.index[number];
        let page = match &entry.place {
            Place::Memory(page) => page.clone(),
            Place::File { .. } => entry.page(self.file()?, self.columns.len())?,
        };
        Ok((entry.first, Piece { page, rows: 0..entry.rows }))
    }

    /// One row, which must be in it. No more than the row is read.
    pub fn row(&self, row: u64) -> io::Result<Piece> {
        let entry = &self.index[self.page_of(row)];
        let at = (row - entry.first) as usize;
        let (page, at): (Page, usize) = match &entry.place {
            Place::Memory(page) => (page.clone(), at),
            Place::File { .. } => (entry.row(self.file()?, self.columns.len(), at)?, 0),
        };
        Ok(Piece { page, rows: at..at + 1 })
    }

    fn file(&self) -> io::Result<&File> {
        self.file.as_deref().ok_or_else(damaged)
    }
}
