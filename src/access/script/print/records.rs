//! A column a line: psql's `\x` for the formats `aligned` and `wrapped`. Widths come from the rows that were held back for
//! measuring. It must not know where the bytes go.
//!
//! Source: psql's reference page, `\pset expanded`, and psql 15 as seen.

use super::pieces::{Piece, Start, pieces};
use super::style::{LineStyle, Lines, Rule};
use super::{put, shown_lines};
use crate::access::format::cells::{self, pad};
use crate::access::script::display::{Display, Shape};
use crate::model::{Column, Page, visible};
use unicode_width::UnicodeWidthStr;

/// Records that were measured.
pub(super) struct Records {
    display: Display,
    lines: Lines,
    border: u16,
    names: Vec<String>,
    /// Columns of the names and of the cells.
    name_width: usize,
    cell_width: usize,
    /// Whether a name, or a cell, is of several lines.
    names_break: bool,
    cells_break: bool,
    old: bool,
    begun: u64,
}

impl Records {
    pub(super) fn measure(display: &Display, columns: &[Column], held: &[Page]) -> Records {
        let border = display.border.min(2);
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let (mut name_width, mut names_break) = (0, false);
        for name in &names {
            let lines = cells::lines(name);
            name_width = name_width.max(cells::width(&lines));
            names_break |= lines.len() > 1;
        }
        let (mut cell_width, mut cells_break, mut rows) = (0, false, 0);
        for page in held {
            rows += page.rows();
            for cell in (0..page.rows()).flat_map(|row| page.row(row)) {
                let lines = cells::lines(cell.unwrap_or(display.null_text()));
                cell_width = cell_width.max(cells::width(&lines));
                cells_break |= lines.len() > 1;
            }
        }
        let old = display.line_style == LineStyle::OldAscii;
        let mut records = Records {
            lines: display.line_style.lines(),
            display: display.clone(),
            border,
            names,
            name_width,
            cell_width,
            names_break,
            cells_break,
            old,
            begun: 0,
        };
        records.fit(rows);
        records
    }

    /// Widens cells to what the lines above records need, and narrows them to what room there is.
    fn fit(&mut self, rows: usize) {
        let mut beside = match self.border {
            0 => 1 + usize::from(self.names_break),
            1 => 3 + usize::from(self.names_break && self.old),
            _ => 7,
        };
        let mark = usize::from(self.border < 2 && !self.old);
        if self.cells_break {
            beside += mark;
        }
        let digits = if rows > 0 { rows.to_string().len() } else { 0 };
        let label = match self.border {
            _ if self.display.tuples_only => 0,
            0 => digits + 9,
            1 => digits + 12,
            _ => digits + 15,
        };
        let room = match self.display.shape {
            Shape::Wrapped if self.display.columns > 0 => self.display.columns,
            _ => usize::MAX,
        };
        loop {
            let natural = (self.name_width + beside + self.cell_width).max(label);
            let least = (self.name_width + beside + 3).max(label);
            let width = if room >= natural { natural } else { room.max(least) } - self.name_width - beside;
            if width < self.cell_width && !self.cells_break && mark > 0 {
                // Room for the mark of what goes on.
                self.cells_break = true;
                beside += mark;
                continue;
            }
            self.cell_width = width;
            return;
        }
    }

    pub(super) fn begin(&self, out: &mut Vec<u8>, any: bool) {
        if let Some(title) = self.display.title.as_ref().filter(|_| !self.display.tuples_only && any) {
            put(out, &visible(title));
            put(out, "\n");
        }
    }

    pub(super) fn rows(&mut self, out: &mut Vec<u8>, page: &Page) {
        if page.columns() == 0 {
            return;
        }
        let most = if self.display.shape == Shape::Wrapped { self.cell_width } else { usize::MAX };
        for row in 0..page.rows() {
            self.begun += 1;
            let rule = if self.begun == 1 { self.lines.top } else { self.lines.below_names };
            if !self.display.tuples_only {
                let label = match self.border {
                    0 => format!("* Record {}", self.begun),
                    _ => format!("[ RECORD {} ]", self.begun),
                };
                self.rule(out, &rule, &label);
            } else if self.begun > 1 || self.border == 2 {
                self.rule(out, &rule, "");
            }
            for (name, cell) in self.names.iter().zip(page.row(row)) {
                self.pair(out, name, &pieces(cell.unwrap_or(self.display.null_text()), most));
            }
        }
    }

    fn pair(&self, out: &mut Vec<u8>, name: &str, cell: &[Piece<'_>]) {
        let name = cells::lines(name);
        let marks_names = self.border > 0 || (self.names_break && !self.old);
        let marks_cells = self.border > 1 || (self.cells_break && !self.old);
        for at in 0..name.len().max(cell.len()) {
            put(out, if self.border == 2 { self.lines.data.left } else { "" });
            match name.get(at) {
                Some(text) => {
                    if self.border == 2 || (self.names_break && self.old) {
                        put(out, if at > 0 { self.lines.name_goes_on[0] } else { " " });
                    }
                    put(out, text);
                    pad(out, self.name_width.saturating_sub(text.width()));
                    if marks_names {
                        put(out, if at + 1 < name.len() { self.lines.name_goes_on[1] } else { " " });
                    }
                }
                None => {
                    let mark = self.names_break && (if self.old { self.border < 2 } else { self.border == 0 });
                    pad(out, (self.name_width + usize::from(self.border) + usize::from(mark)).max(1));
                }
            }
            if self.border > 0 {
                put(out, self.between(cell, at));
            }
            let Some(piece) = cell.get(at) else {
                if self.border == 2 {
                    pad(out, self.cell_width + 2);
                    put(out, self.lines.data.right);
                }
                put(out, "\n");
                continue;
            };
            put(out, if piece.start == Start::Wrap { self.lines.wrap_marks[0] } else { " " });
            put(out, &piece.text);
            let mark = match cell.get(at + 1).map(|next| next.start) {
                Some(Start::Wrap) if marks_cells => Some(self.lines.wrap_marks[1]),
                Some(_) if marks_cells => Some(self.lines.break_marks[1]),
                None if self.border > 1 => Some(" "),
                _ => None,
            };
            if let Some(mark) = mark {
                pad(out, self.cell_width.saturating_sub(piece.width));
                put(out, mark);
            }
            put(out, if self.border == 2 { self.lines.data.right } else { "" });
            put(out, "\n");
        }
    }

    /// The line between a name and its cell.
    fn between(&self, cell: &[Piece<'_>], at: usize) -> &'static str {
        let starts = |piece: &Piece<'_>| match piece.start {
            Start::Cell => self.lines.data.middle,
            Start::Break => self.lines.after_break,
            Start::Wrap => self.lines.after_wrap,
        };
        match (cell.get(at), cell.last()) {
            (Some(piece), _) => starts(piece),
            // Beside the rest of a long name psql draws what it draws beside a cell that goes on.
            (None, Some(last)) if last.text.is_empty() => starts(last),
            (None, _) => self.lines.after_wrap,
        }
    }

    pub(super) fn finish(&self, out: &mut Vec<u8>, rows: u64) {
        let feet = self.display.feet(rows, rows > 0);
        if rows > 0 && self.border == 2 {
            self.rule(out, &self.lines.bottom, "");
        } else if rows > 0 && !feet.is_empty() {
            put(out, "\n");
        }
        for foot in feet {
            put(out, &shown_lines(&foot));
            put(out, "\n");
        }
        put(out, "\n");
    }

    /// A line across, with a label laid over it.
    fn rule(&self, out: &mut Vec<u8>, rule: &Rule, label: &str) {
        let names = self.name_width + usize::from(self.border < 2 && self.names_break && self.old);
        let mut parts: Vec<&str> = Vec::new();
        match self.border {
            0 => parts.extend(std::iter::repeat_n(" ", names + self.cell_width)),
            border => {
                let outside = usize::from(border);
                parts.extend(std::iter::repeat_n(rule.line, names + outside));
                parts.push(rule.middle);
                parts.extend(std::iter::repeat_n(rule.line, self.cell_width + outside));
            }
        }
        let edge = if self.border == 2 { rule.left } else { "" };
        let under = usize::from(self.border > 0);
        put(out, edge);
        parts.iter().take(under).for_each(|part| put(out, part));
        put(out, label);
        parts.iter().skip(under + label.len()).for_each(|part| put(out, part));
        put(out, if self.border == 2 { rule.right } else { "" });
        put(out, "\n");
    }
}
