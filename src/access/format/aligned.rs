//! An aligned table as psql prints it. Widths come from the first rows, as many as fit a budget; what comes later streams
//! through at those widths, and a cell that is wider pushes its line out rather than being cut. It must not know where it
//! goes.

use super::cells::{self, pad};
use crate::model::{Column, Page, visible};
use unicode_width::UnicodeWidthStr;

/// Bytes of rows that are held back for measuring. The bound of what a table keeps, whatever the result's size.
const WINDOW: usize = 1 << 20;

/// A table that is being printed.
pub struct Aligned {
    names: Vec<String>,
    numeric: Vec<bool>,
    null: String,
    /// Empty until the header is out.
    widths: Vec<usize>,
    held: Vec<Page>,
    held_bytes: usize,
    header_out: bool,
}

impl Aligned {
    /// A table of these columns.
    pub fn new(columns: &[Column], null: String) -> Aligned {
        Aligned {
            names: columns.iter().map(|column| column.name.clone()).collect(),
            numeric: columns.iter().map(Column::is_numeric).collect(),
            null,
            widths: Vec::new(),
            held: Vec::new(),
            held_bytes: 0,
            header_out: false,
        }
    }

    /// More rows.
    pub fn rows(&mut self, out: &mut Vec<u8>, page: Page) {
        if self.header_out {
            return self.put(out, &page);
        }
        self.held_bytes += page.size();
        self.held.push(page);
        if self.held_bytes >= WINDOW {
            self.release(out);
        }
    }

    /// Rows that wait until the widths are known.
    pub fn held(&self) -> u64 {
        self.held.iter().map(|page| page.rows() as u64).sum()
    }

    /// All rows were given.
    pub fn finish(mut self, out: &mut Vec<u8>, rows: u64) {
        self.release(out);
        let noun = if rows == 1 { "row" } else { "rows" };
        out.extend_from_slice(format!("({rows} {noun})\n\n").as_bytes());
    }

    /// No more rows will come, and not because there are none.
    pub fn abandon(mut self, out: &mut Vec<u8>) {
        if !self.held.is_empty() {
            self.release(out);
        }
    }

    /// Prints the header and what was held back.
    fn release(&mut self, out: &mut Vec<u8>) {
        if self.header_out {
            return;
        }
        self.header_out = true;
        let held = std::mem::take(&mut self.held);
        let names: Vec<_> = self.names.iter().map(|name| cells::lines(name)).collect();
        self.widths = names.iter().map(|name| cells::width(name)).collect();
        for page in &held {
            for row in 0..page.rows() {
                for (width, cell) in self.widths.iter_mut().zip(page.row(row)) {
                    *width = (*width).max(cells::width(&cells::lines(cell.unwrap_or(&self.null))));
                }
            }
        }
        if names.is_empty() {
            out.extend_from_slice(b"--\n");
        } else {
            cells::header(out, &names, &self.widths, 1);
            cells::rule(out, &self.widths, 1);
        }
        for page in &held {
            self.put(out, page);
        }
    }

    fn put(&self, out: &mut Vec<u8>, page: &Page) {
        for row in 0..page.rows() {
            let last = page.columns().saturating_sub(1);
            if !page.row(row).all(|cell| cells::is_plain(cell.unwrap_or(&self.null))) {
                let lines: Vec<_> = page.row(row).map(|cell| cells::lines(cell.unwrap_or(&self.null))).collect();
                cells::row(out, &lines, &self.widths, &self.numeric, 1);
                continue;
            }
            for (at, cell) in page.row(row).enumerate() {
                let cell = visible(cell.unwrap_or(&self.null));
                let spare = self.widths[at].saturating_sub(cell.width());
                out.extend_from_slice(if at == 0 { b" " } else { b" | " });
                if self.numeric[at] {
                    pad(out, spare);
                }
                out.extend_from_slice(cell.as_bytes());
                if !self.numeric[at] && at != last {
                    pad(out, spare);
                }
            }
            // psql prints no line for a row without columns.
            if page.columns() > 0 {
                out.push(b'\n');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PageBuilder;

    #[test]
    fn rows_stream_once_the_window_is_full() {
        let columns = [Column { name: "n".to_owned(), oid: 25 }];
        let mut table = Aligned::new(&columns, String::new());
        let mut page = PageBuilder::new(1);
        let mut out = Vec::new();
        let text = "x".repeat(1000);
        let mut pages = 0;
        while out.is_empty() {
            for _ in 0..100 {
                page.push([Some(text.as_str())]);
            }
            table.rows(&mut out, page.take());
            pages += 1;
            assert!(pages < 20, "nothing came out of {pages} pages");
        }
        assert!(table.held.is_empty());
        out.clear();
        page.push([Some("short")]);
        page.push([Some(&*"y".repeat(1200))]);
        table.rows(&mut out, page.take());
        let lines = String::from_utf8(out).expect("text");
        assert_eq!(lines, format!(" short\n {}\n", "y".repeat(1200)));
    }

    #[test]
    fn no_rows_and_no_columns() {
        let mut out = Vec::new();
        Aligned::new(&[Column { name: "a".to_owned(), oid: 23 }], String::new()).finish(&mut out, 0);
        assert_eq!(String::from_utf8_lossy(&out), " a \n---\n(0 rows)\n\n");
        out.clear();
        Aligned::new(&[], String::new()).finish(&mut out, 1);
        assert_eq!(String::from_utf8_lossy(&out), "--\n(1 row)\n\n");
    }
}
