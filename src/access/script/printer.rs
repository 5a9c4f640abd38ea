//! Results as psql prints them with its display's settings, to bytes. What [`crate::access::format`] does already is left
//! to it. It must not know where the bytes go.

use super::display::{Display, Shape};
use crate::access::format::{Format, Writer, cells};
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
        let names: Vec<Vec<Cow<'_, str>>> = self.columns.iter().map(|column| cells::lines(&column.name)).collect();
        let null = self.null().to_owned();
        let rows: u64 = self.held.iter().map(|page| page.rows() as u64).sum();
        let title = self.display.title.as_deref().filter(|_| !self.display.tuples_only);
        if self.display.is_expanded() {
            if let Some(title) = title {
                put(out, &visible(title));
                put(out, "\n");
            }
            self.records(out, &names, &null, rows);
        } else {
            self.table(out, &names, &null, title, rows);
        }
        put(out, "\n");
    }

    /// All rows, their cells' lines.
    fn cells<'a>(&'a self, null: &'a str) -> impl Iterator<Item = Vec<Vec<Cow<'a, str>>>> {
        self.held.iter().flat_map(move |page| {
            (0..page.rows()).map(move |row| page.row(row).map(|cell| cells::lines(cell.unwrap_or(null))).collect())
        })
    }

    fn table(&self, out: &mut Vec<u8>, names: &[Vec<Cow<'_, str>>], null: &str, title: Option<&str>, rows: u64) {
        let tuples = self.display.tuples_only;
        let numeric: Vec<bool> = self.columns.iter().map(Column::is_numeric).collect();
        let mut widths: Vec<usize> = names.iter().map(|name| if tuples { 0 } else { cells::width(name) }).collect();
        for cells in self.cells(null) {
            for (width, cell) in widths.iter_mut().zip(&cells) {
                *width = (*width).max(cells::width(cell));
            }
        }
        let border = self.display.border.min(2);
        if let Some(title) = title {
            let title = visible(title);
            let lines = match border {
                0 => widths.len().saturating_sub(1),
                1 => (3 * widths.len()).saturating_sub(1),
                _ => 3 * widths.len() + 1,
            };
            let total = widths.iter().sum::<usize>() + lines;
            cells::pad(out, total.saturating_sub(title.width()) / 2);
            put(out, &title);
            put(out, "\n");
        }
        if border > 1 {
            cells::rule(out, &widths, border);
        }
        if !tuples {
            cells::header(out, names, &widths, border);
            cells::rule(out, &widths, border);
        }
        for cells in self.cells(null) {
            cells::row(out, &cells, &widths, &numeric, border);
        }
        if border > 1 {
            cells::rule(out, &widths, border);
        }
        if !tuples && self.display.footer {
            put(out, &counted(rows));
            put(out, "\n");
        }
    }

    fn records(&self, out: &mut Vec<u8>, names: &[Vec<Cow<'_, str>>], null: &str, rows: u64) {
        if rows == 0 {
            if !self.display.tuples_only && self.display.footer {
                put(out, "(0 rows)\n");
            }
            return;
        }
        let border = self.display.border.min(2);
        let name_width = names.iter().map(|name| cells::width(name)).max().unwrap_or(0);
        let cell_width = self.cells(null).flatten().map(|cell| cells::width(&cell)).max().unwrap_or(0);
        for (at, cells) in self.cells(null).enumerate() {
            let number = (!self.display.tuples_only).then_some(at as u64 + 1);
            if number.is_some() || at > 0 || border > 1 {
                put(out, &record_line(border, number, name_width, cell_width));
            }
            for (name, cell) in names.iter().zip(&cells) {
                for line in 0..name.len().max(cell.len()) {
                    let (label, text) =
                        (name.get(line).map_or("", |line| line), cell.get(line).map_or("", |line| line));
                    let mark = |lines: &[Cow<'_, str>]| if line + 1 < lines.len() { "+" } else { " " };
                    put(out, if border > 1 { "| " } else { "" });
                    put(out, label);
                    cells::pad(out, name_width - label.width());
                    put(out, mark(name));
                    put(out, if border > 0 { "|" } else { "" });
                    // Beside the rest of a long name nothing stands, not even a blank.
                    put(out, if border > 1 || (border > 0 && line < cell.len()) { " " } else { "" });
                    put(out, text);
                    let goes_on = line + 1 < cell.len();
                    if goes_on || border > 1 {
                        cells::pad(out, cell_width - text.width());
                        put(out, mark(cell));
                    }
                    put(out, if border > 1 { "|\n" } else { "\n" });
                }
            }
        }
        if border > 1 {
            put(out, &format!("+{}+{}+\n", "-".repeat(name_width + 2), "-".repeat(cell_width + 2)));
        }
    }
}

/// The line above a record: its number laid over the border.
fn record_line(border: u8, number: Option<u64>, names: usize, cells: usize) -> String {
    if border == 0 {
        let label = number.map(|number| format!("* Record {number}")).unwrap_or_default();
        // psql counts one column for a line that is not there.
        let used = label.len() + 1;
        let over = used.saturating_sub(names);
        let spaces = names.saturating_sub(used) + usize::from(over == 0) + cells.saturating_sub(over.saturating_sub(1));
        return format!("{label}{}\n", " ".repeat(spaces));
    }
    let edge = if border > 1 { "+-" } else { "-" };
    let label = number.map(|number| format!("{edge}[ RECORD {number} ]")).unwrap_or_default();
    let rule = match border {
        1 => format!("{}+{}", "-".repeat(names + 1), "-".repeat(cells + 1)),
        _ => format!("+{}+{}+", "-".repeat(names + 2), "-".repeat(cells + 2)),
    };
    format!("{label}{}\n", rule.get(label.len()..).unwrap_or_default())
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
