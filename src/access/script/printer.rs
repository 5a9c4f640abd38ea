//! Results as psql prints them with its display's settings, to bytes. What [`crate::access::format`] does already is left
//! to it. It must not know where the bytes go.

use super::display::{Display, Shape};
use crate::access::format::{Format, Writer};
use crate::model::{Column, Page, visible};
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr;

/// Prints results one after another.
pub struct Printer {
    writer: Writer,
    own: Option<Own>,
    /// Whether a terminal reads.
    tame: bool,
    format: Format,
    null: Option<String>,
}

/// A result that is printed here.
struct Own {
    display: Display,
    columns: Vec<Column>,
    rows: u64,
    /// Aligned tables are measured before they are printed.
    held: Vec<Page>,
}

impl Printer {
    /// A printer whose own format is this.
    pub fn new(format: Format, null: Option<String>, tame: bool) -> Printer {
        Printer { writer: Writer::new(format, null.clone(), tame), own: None, tame, format, null }
    }

    /// The shape that its own format is in psql's words.
    pub fn shape(format: Format) -> Shape {
        match format {
            Format::Table => Shape::Aligned,
            Format::Csv => Shape::Csv,
            _ => Shape::Own,
        }
    }

    /// A result begins.
    pub fn columns(&mut self, out: &mut Vec<u8>, columns: Vec<Column>, display: &Display) {
        let format = match display.shape {
            Shape::Own => Some(self.format),
            Shape::Aligned if display.is_plain() => Some(Format::Table),
            Shape::Csv if display.is_plain() => Some(Format::Csv),
            _ => None,
        };
        self.own = None;
        if let Some(format) = format {
            let null = display.null.clone().or_else(|| self.null.clone());
            self.writer = Writer::new(format, null, self.tame);
            return self.writer.columns(out, columns);
        }
        let own = Own { display: display.clone(), columns, rows: 0, held: Vec::new() };
        if !matches!(own.display.shape, Shape::Aligned) {
            own.header(out, self.tame);
        }
        self.own = Some(own);
    }

    /// Rows of it.
    pub fn rows(&mut self, out: &mut Vec<u8>, page: Page) {
        match &mut self.own {
            None => self.writer.rows(out, page),
            Some(own) if own.display.shape == Shape::Aligned => own.held.push(page),
            Some(own) => {
                for row in 0..page.rows() {
                    own.row(out, page.row(row), self.tame);
                }
            }
        }
    }

    /// It is complete.
    pub fn finish(&mut self, out: &mut Vec<u8>, rows: u64) {
        match self.own.take() {
            None => self.writer.finish(out, rows),
            Some(own) if own.display.shape == Shape::Aligned => own.aligned(out),
            Some(own) => own.footer(out),
        }
    }

    /// It failed on the way.
    pub fn abandon(&mut self, out: &mut Vec<u8>) {
        match self.own.take() {
            None => self.writer.abandon(out),
            Some(mut own) if own.display.shape == Shape::Aligned && !own.held.is_empty() => {
                own.display.footer = false;
                own.aligned(out);
            }
            Some(_) => {}
        }
    }

    /// COPY data.
    pub fn copy(&mut self, out: &mut Vec<u8>, data: &[u8]) {
        self.writer.copy(out, data);
    }

    /// The COPY data has ended.
    pub fn copied(&mut self, out: &mut Vec<u8>) {
        self.writer.copied(out);
    }
}

impl Display {
    /// Whether nothing was changed that a plain table or CSV would not show.
    fn is_plain(&self) -> bool {
        let first = Display { null: self.null.clone(), shape: self.shape, first: self.first, ..Display::default() };
        // A title is nothing in CSV, nor are an aligned table's lines.
        let mut now = self.clone();
        now.field_separator = first.field_separator.clone();
        now.record_separator = first.record_separator.clone();
        if now.shape == Shape::Csv {
            (now.title, now.border, now.footer) = (None, first.border, first.footer);
        } else {
            now.csv_separator = first.csv_separator;
        }
        if now.expanded == super::Expanded::Auto {
            now.expanded = super::Expanded::Off;
        }
        now == first
    }
}

impl Own {
    fn null(&self) -> &str {
        self.display.null.as_deref().unwrap_or_default()
    }

    fn header(&self, out: &mut Vec<u8>, tame: bool) {
        let display = &self.display;
        if display.shape == Shape::Unaligned
            && let Some(title) = display.title.as_ref().filter(|_| !display.tuples_only)
        {
            put(out, &shown(title, tame));
            put(out, &display.record_separator);
        }
        if display.tuples_only || display.is_expanded() {
            return;
        }
        self.line(out, self.columns.iter().map(|column| shown(&column.name, tame)));
    }

    fn line<'a>(&self, out: &mut Vec<u8>, cells: impl Iterator<Item = Cow<'a, str>>) {
        let csv = self.display.shape == Shape::Csv;
        let mut separator = [0; 4];
        let between = match csv {
            true => self.display.csv_separator.encode_utf8(&mut separator),
            false => self.display.field_separator.as_str(),
        };
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                put(out, between);
            }
            match csv {
                true => quoted(out, &cell, self.display.csv_separator),
                false => put(out, &cell),
            }
        }
        put(out, if csv { "\n" } else { &self.display.record_separator });
    }

    fn row<'a>(&mut self, out: &mut Vec<u8>, cells: impl Iterator<Item = Option<&'a str>>, tame: bool) {
        self.rows += 1;
        let display = &self.display;
        if !display.is_expanded() {
            if self.columns.is_empty() {
                return;
            }
            let null = self.null().to_owned();
            return self.line(out, cells.map(|cell| shown_or(cell, &null, tame)));
        }
        if display.shape == Shape::Unaligned && (self.rows > 1) {
            put(out, &display.record_separator);
        }
        let null = self.null().to_owned();
        for (column, cell) in self.columns.iter().zip(cells) {
            let pair = [shown(&column.name, tame), shown_or(cell, &null, tame)];
            self.line(out, pair.into_iter());
        }
    }

    fn footer(&self, out: &mut Vec<u8>) {
        let display = &self.display;
        if display.shape != Shape::Unaligned || display.tuples_only || !display.footer {
            return;
        }
        if display.is_expanded() {
            if self.rows == 0 {
                put(out, "(0 rows)");
                put(out, &display.record_separator);
            }
            return;
        }
        put(out, &counted(self.rows));
        put(out, &display.record_separator);
    }

    /// A whole aligned table.
    fn aligned(self, out: &mut Vec<u8>) {
        let names: Vec<Cow<'_, str>> = self.columns.iter().map(|column| visible(&column.name)).collect();
        let null = self.null().to_owned();
        let rows: u64 = self.held.iter().map(|page| page.rows() as u64).sum();
        if let Some(title) = self.display.title.as_ref().filter(|_| !self.display.tuples_only) {
            put(out, &visible(title));
            put(out, "\n");
        }
        if self.display.is_expanded() {
            self.records(out, &names, &null, rows);
        } else {
            self.table(out, &names, &null, rows);
        }
        put(out, "\n");
    }

    fn table(&self, out: &mut Vec<u8>, names: &[Cow<'_, str>], null: &str, rows: u64) {
        let tuples = self.display.tuples_only;
        let mut widths: Vec<usize> = names.iter().map(|name| if tuples { 0 } else { name.width() }).collect();
        for page in &self.held {
            for row in 0..page.rows() {
                for (width, cell) in widths.iter_mut().zip(page.row(row)) {
                    *width = (*width).max(visible(cell.unwrap_or(null)).width());
                }
            }
        }
        let border = self.display.border;
        let (left, between, right) = match border {
            0 => ("", " ", ""),
            1 => (" ", " | ", ""),
            _ => ("| ", " | ", " |"),
        };
        let rule = |out: &mut Vec<u8>| {
            let pieces: Vec<String> =
                widths.iter().map(|width| "-".repeat(width + if border == 0 { 0 } else { 2 })).collect();
            let (edge, cross) = match border {
                0 => ("", " "),
                1 => ("", "+"),
                _ => ("+", "+"),
            };
            put(out, &format!("{edge}{}{edge}\n", pieces.join(cross)));
        };
        if border > 1 {
            rule(out);
        }
        if !tuples {
            put(out, left);
            for (at, (name, width)) in names.iter().zip(&widths).enumerate() {
                let spare = width - name.width();
                let last = at + 1 == names.len();
                put(out, if at > 0 { between } else { "" });
                put(out, &" ".repeat(spare / 2));
                put(out, name);
                // psql fills the last name's place but for a table without lines.
                put(out, &" ".repeat(spare - spare / 2 + usize::from(last && border == 1)));
            }
            put(out, right);
            put(out, "\n");
            rule(out);
        }
        for page in &self.held {
            for row in 0..page.rows() {
                put(out, left);
                for (at, cell) in page.row(row).enumerate() {
                    let cell = visible(cell.unwrap_or(null));
                    let spare = " ".repeat(widths[at].saturating_sub(cell.width()));
                    let numeric = self.columns[at].is_numeric();
                    let last = at + 1 == names.len();
                    put(out, if at > 0 { between } else { "" });
                    put(out, if numeric { &spare } else { "" });
                    put(out, &cell);
                    put(out, if numeric || (last && border < 2) { "" } else { &spare });
                }
                put(out, right);
                put(out, "\n");
            }
        }
        if border > 1 {
            rule(out);
        }
        if !tuples && self.display.footer {
            put(out, &counted(rows));
            put(out, "\n");
        }
    }

    fn records(&self, out: &mut Vec<u8>, names: &[Cow<'_, str>], null: &str, rows: u64) {
        if rows == 0 {
            if !self.display.tuples_only && self.display.footer {
                put(out, "(0 rows)\n");
            }
            return;
        }
        let name_width = names.iter().map(|name| name.width()).max().unwrap_or(0);
        let mut cell_width = 0;
        for page in &self.held {
            for row in 0..page.rows() {
                for cell in page.row(row) {
                    let width = visible(cell.unwrap_or(null)).width();
                    cell_width = cell_width.max(width);
                }
            }
        }
        let mut number = 0;
        for page in &self.held {
            for row in 0..page.rows() {
                number += 1;
                if self.display.tuples_only {
                    put(out, if number > 1 { "\n" } else { "" });
                } else {
                    put(out, &record_line(self.display.border, number, name_width, cell_width));
                }
                for (name, cell) in names.iter().zip(page.row(row)) {
                    let cell = visible(cell.unwrap_or(null));
                    let pad = " ".repeat(name_width - name.width());
                    let line = match self.display.border {
                        0 => format!("{name}{pad} {cell}"),
                        1 => format!("{name}{pad} | {cell}"),
                        _ => format!("| {name}{pad} | {cell}{} |", " ".repeat(cell_width - cell.width())),
                    };
                    put(out, &line);
                    put(out, "\n");
                }
            }
        }
        if self.display.border > 1 {
            put(out, &format!("+{}+{}+\n", "-".repeat(name_width + 2), "-".repeat(cell_width + 2)));
        }
    }
}

/// The line above a record: its number laid over the border.
fn record_line(border: u8, number: u64, names: usize, cells: usize) -> String {
    let (rule, label) = match border {
        0 => return format!("* Record {number}\n"),
        1 => (format!("{}+{}", "-".repeat(names + 1), "-".repeat(cells + 1)), format!("-[ RECORD {number} ]")),
        _ => (format!("+{}+{}+", "-".repeat(names + 2), "-".repeat(cells + 2)), format!("+-[ RECORD {number} ]")),
    };
    let rest = rule.get(label.len()..).unwrap_or_default();
    format!("{label}{rest}\n")
}

fn counted(rows: u64) -> String {
    format!("({rows} {})", if rows == 1 { "row" } else { "rows" })
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn quoted(out: &mut Vec<u8>, cell: &str, separator: char) {
    if cell.contains([separator, '"', '\n', '\r']) || cell == "\\." {
        put(out, &format!("\"{}\"", cell.replace('"', "\"\"")));
    } else {
        put(out, cell);
    }
}

fn shown(text: &str, tame: bool) -> Cow<'_, str> {
    if tame { visible(text) } else { Cow::Borrowed(text) }
}

fn shown_or<'a>(cell: Option<&'a str>, null: &str, tame: bool) -> Cow<'a, str> {
    match cell {
        Some(cell) => shown(cell, tame),
        None => Cow::Owned(shown(null, tame).into_owned()),
    }
}
