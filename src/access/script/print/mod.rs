//! Results as psql prints them with its display's settings, to bytes. What [`crate::access::format`] does already is left
//! to it. It must not know where the bytes go.
//!
//! Memory: tables whose columns stand under one another are measured over their first rows, at most [`WINDOW`] bytes of
//! them; nothing else is held back.

mod lined;
mod listed;
mod markup;
mod pieces;
mod plain;
mod records;
mod style;

use super::display::{Display, Expanded, Shape};
use crate::access::format::{Format, Writer};
use crate::model::{Column, Page, visible};
use lined::Lined;
use markup::Markup;
use plain::Plain;
use records::Records;
use std::borrow::Cow;
pub use style::{LineStyle, Weight, Weights};

/// Bytes of rows that are held back for measuring.
const WINDOW: usize = 1 << 20;

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
enum Own {
    /// Not measured yet.
    Held {
        display: Box<Display>,
        columns: Vec<Column>,
        pages: Vec<Page>,
        bytes: usize,
    },
    Lined(Box<Lined>),
    Records(Box<Records>),
    Plain(Box<Plain>),
    Markup(Box<Markup>),
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
        self.own = Some(match display.shape {
            Shape::Aligned | Shape::Wrapped | Shape::Own => {
                Own::Held { display: Box::new(display.clone()), columns, pages: Vec::new(), bytes: 0 }
            }
            Shape::Unaligned | Shape::Csv => {
                let mut plain = Plain::new(display, &columns, self.tame);
                plain.begin(out);
                Own::Plain(Box::new(plain))
            }
            Shape::Html | Shape::Asciidoc => {
                let markup = Markup::new(display, &columns, self.tame);
                markup.begin(out);
                Own::Markup(Box::new(markup))
            }
        });
    }

    /// Rows of it.
    pub fn rows(&mut self, out: &mut Vec<u8>, page: Page) {
        let Some(own) = &mut self.own else {
            return self.writer.rows(out, page);
        };
        if let Own::Held { pages, bytes, .. } = own {
            *bytes += page.size();
            pages.push(page);
            if *bytes >= WINDOW {
                self.own = self.own.take().map(|own| own.measured(out));
            }
            return;
        }
        own.rows(out, &page);
    }

    /// It is complete.
    pub fn finish(&mut self, out: &mut Vec<u8>, rows: u64) {
        match self.own.take() {
            None => self.writer.finish(out, rows),
            Some(own) => own.measured(out).finish(out, rows),
        }
    }

    /// It failed on the way.
    pub fn abandon(&mut self, out: &mut Vec<u8>) {
        match self.own.take() {
            None => self.writer.abandon(out),
            // What was held back was received: it is shown.
            Some(own @ Own::Held { .. }) if own.holds_rows() => drop(own.measured(out)),
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

impl Own {
    fn holds_rows(&self) -> bool {
        matches!(self, Own::Held { pages, .. } if !pages.is_empty())
    }

    /// Measures what was held back, and prints it.
    fn measured(self, out: &mut Vec<u8>) -> Own {
        let Own::Held { display, columns, pages, .. } = self else { return self };
        let lined = (display.expanded != Expanded::On).then(|| Lined::measure(&display, &columns, &pages));
        let mut own = match lined {
            Some(lined) if display.expanded == Expanded::Off || !lined.is_too_wide() => {
                lined.begin(out);
                Own::Lined(Box::new(lined))
            }
            _ => {
                let records = Records::measure(&display, &columns, &pages);
                records.begin(out, pages.iter().any(|page| page.rows() > 0));
                Own::Records(Box::new(records))
            }
        };
        pages.iter().for_each(|page| own.rows(out, page));
        own
    }

    fn rows(&mut self, out: &mut Vec<u8>, page: &Page) {
        match self {
            Own::Held { .. } => {}
            Own::Lined(lined) => lined.rows(out, page),
            Own::Records(records) => records.rows(out, page),
            Own::Plain(plain) => plain.rows(out, page),
            Own::Markup(markup) => markup.rows(out, page),
        }
    }

    fn finish(self, out: &mut Vec<u8>, rows: u64) {
        match self {
            Own::Held { .. } => {}
            Own::Lined(lined) => lined.finish(out, rows),
            Own::Records(records) => records.finish(out, rows),
            Own::Plain(mut plain) => plain.finish(out, rows),
            Own::Markup(markup) => markup.finish(out, rows),
        }
    }
}

impl Display {
    /// Whether nothing was changed that a plain table or CSV would not show.
    fn is_plain(&self) -> bool {
        let mut changed = self.clone();
        // What other formats heed is nothing to this one.
        let first = Display { null: self.null.clone(), shape: self.shape, first: self.first, ..Display::default() };
        changed.field_separator.clone_from(&first.field_separator);
        changed.record_separator.clone_from(&first.record_separator);
        changed.table_attributes = None;
        changed.weights = first.weights;
        changed.pager = first.pager;
        changed.pager_min_lines = first.pager_min_lines;
        if changed.shape == Shape::Csv {
            (changed.title, changed.border, changed.footer) = (None, first.border, first.footer);
            changed.line_style = first.line_style;
        } else {
            changed.csv_separator = first.csv_separator;
        }
        if changed.expanded == Expanded::Auto && (changed.columns == 0 || changed.shape == Shape::Csv) {
            changed.expanded = Expanded::Off;
        }
        if changed.expanded == Expanded::Off {
            changed.columns = 0;
        }
        changed == first
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Lines stay lines; everything else is made visible.
fn shown_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

fn shown(text: &str, tame: bool) -> Cow<'_, str> {
    if tame { visible(text) } else { Cow::Borrowed(text) }
}
