//! Where a page of a result is, and how it is read back from the file: whole, or one row of it. What was written is never
//! written again, so that any number of threads may read. It must not know what rows are read for.

use crate::model::Page;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A page of a result: the number of its first row, how many of its rows count, and where it is.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub first: u64,
    pub rows: usize,
    pub place: Place,
}

/// Where a page is. In the file: its ends (four bytes each, little-endian), then its text.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Memory(Page),
    File { offset: u64, ends: usize, text: usize },
}

/// Somebody else wrote to the file, or the disk lies.
pub(super) fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the temporary file of the result was damaged")
}

impl Entry {
    /// The whole page.
    pub fn page(&self, file: &File, columns: usize) -> io::Result<Page> {
        let (offset, ends, text) = match &self.place {
            Place::Memory(page) => return Ok(page.clone()),
            Place::File { offset, ends, text } => (*offset, *ends, *text),
        };
        let ends = numbers(file, offset, ends)?;
        let words = words(file, offset + 4 * ends.len() as u64, text)?;
        // Rows without columns leave nothing behind but their number.
        let rows = ends.len().checked_div(columns).unwrap_or(self.rows);
        Page::from_raw(columns, rows, words, ends).ok_or_else(damaged)
    }

    /// One row of it as a page of its own: what is read is no more than the row.
    pub fn row(&self, file: &File, columns: usize, row: usize) -> io::Result<Page> {
        let Place::File { offset, ends, .. } = self.place else { return Err(damaged()) };
        if columns == 0 {
            return Page::from_raw(0, 1, String::new(), Vec::new()).ok_or_else(damaged);
        }
        let first = row * columns;
        let from = first.saturating_sub(1);
        let read = numbers(file, offset + 4 * from as u64, first + columns - from)?;
        let (before, own) = if first == 0 { (0, read.as_slice()) } else { (read[0], &read[1..]) };
        let start = Page::offset(before);
        let length = own.last().map_or(0, |end| Page::offset(*end)).checked_sub(start).ok_or_else(damaged)?;
        let words = words(file, offset + 4 * ends as u64 + start as u64, length)?;
        Page::from_raw_row(before, words, own).ok_or_else(damaged)
    }
}

fn numbers(file: &File, offset: u64, count: usize) -> io::Result<Vec<u32>> {
    let mut bytes = vec![0; 4 * count];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes.chunks_exact(4).map(|end| u32::from_le_bytes([end[0], end[1], end[2], end[3]])).collect())
}

fn words(file: &File, offset: u64, length: usize) -> io::Result<String> {
    let mut words = vec![0; length];
    file.read_exact_at(&mut words, offset)?;
    String::from_utf8(words).map_err(|_| damaged())
}
