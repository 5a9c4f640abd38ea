//! Rows that are not laid out: psql's formats `unaligned` and `csv` under settings of their own. Nothing is held back. It
//! must not know where the bytes go.
//!
//! Source: psql's reference page, `\pset`, and psql 15 as seen.

use super::{put, shown};
use crate::access::script::display::{Display, Shape};
use crate::model::{Column, Page};

/// Rows that are printed as they come.
pub(super) struct Plain {
    display: Display,
    names: Vec<String>,
    tame: bool,
    /// Whether what comes next has something before it.
    begun: bool,
    expanded: bool,
}

impl Plain {
    pub(super) fn new(display: &Display, columns: &[Column], tame: bool) -> Plain {
        let names = columns.iter().map(|column| shown(&column.name, tame).into_owned()).collect();
        Plain { expanded: display.is_expanded(), display: display.clone(), names, tame, begun: false }
    }

    fn is_csv(&self) -> bool {
        self.display.shape == Shape::Csv
    }

    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        if self.display.tuples_only {
            return;
        }
        if let Some(title) = self.display.title.as_ref().filter(|_| !self.is_csv()) {
            put(out, &shown(title, self.tame));
            self.begun = self.expanded;
            if !self.expanded {
                put(out, &self.display.record_separator);
            }
        }
        if !self.expanded {
            self.cells(out, self.names.iter().map(String::as_str));
            self.begun = true;
        }
    }

    pub(super) fn rows(&mut self, out: &mut Vec<u8>, page: &Page) {
        if page.columns() == 0 {
            return;
        }
        for row in 0..page.rows() {
            let cells = page.row(row).map(|cell| shown(cell.unwrap_or(self.display.null_text()), self.tame));
            if !self.expanded {
                self.separate(out, 1);
                let cells: Vec<_> = cells.collect();
                self.cells(out, cells.iter().map(AsRef::as_ref));
            } else {
                // Two separators are one line left free between records.
                self.separate(out, 2);
                for (at, (name, cell)) in self.names.iter().zip(cells).enumerate() {
                    if at > 0 && !self.is_csv() {
                        put(out, &self.display.record_separator);
                    }
                    self.cells(out, [name.as_str(), &cell].into_iter());
                }
            }
            self.begun = true;
        }
    }

    /// Before the next record; CSV's lines end by themselves.
    fn separate(&self, out: &mut Vec<u8>, times: usize) {
        if self.begun && !self.is_csv() {
            (0..times).for_each(|_| put(out, &self.display.record_separator));
        }
    }

    fn cells<'a>(&self, out: &mut Vec<u8>, cells: impl Iterator<Item = &'a str>) {
        let mut buffer = [0; 4];
        let between = match self.is_csv() {
            true => self.display.csv_separator.encode_utf8(&mut buffer),
            false => self.display.field_separator.as_str(),
        };
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                put(out, between);
            }
            match self.is_csv() {
                true => quoted(out, cell, self.display.csv_separator),
                false => put(out, cell),
            }
        }
        if self.is_csv() {
            put(out, "\n");
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>, rows: u64) {
        if self.is_csv() {
            return;
        }
        let feet = self.display.feet(rows, self.expanded);
        if self.expanded && !feet.is_empty() {
            put(out, &self.display.record_separator);
        }
        for foot in feet {
            self.separate(out, 1);
            put(out, &shown(&foot, self.tame));
            self.begun = true;
        }
        let display = &self.display;
        if self.begun {
            // The last line is a line, whatever stands between records, unless that is a zero byte.
            put(out, if display.record_separator == "\0" { "\0" } else { "\n" });
        }
    }
}

fn quoted(out: &mut Vec<u8>, cell: &str, separator: char) {
    if cell.contains([separator, '"', '\n', '\r']) || cell == "\\." || matches!(separator, '\\' | '.') {
        put(out, &format!("\"{}\"", cell.replace('"', "\"\"")));
    } else {
        put(out, cell);
    }
}
