//! Tables with lines: psql's formats `aligned` and `wrapped`. Widths come from the rows that were held back for measuring;
//! what comes later is printed at those widths. It must not know where the bytes go.
//!
//! Source: psql's reference page, `\pset`, and psql 15 as seen.

use super::pieces::{Piece, Start, pieces};
use super::style::{Lines, Rule};
use super::{put, shown_lines};
use crate::access::format::cells::{self, pad};
use crate::access::script::display::{Display, Shape};
use crate::model::{Column, Page, visible};
use unicode_width::UnicodeWidthStr;

/// A table that was measured.
pub(super) struct Lined {
    display: Display,
    lines: Lines,
    border: u16,
    names: Vec<String>,
    numeric: Vec<bool>,
    /// Columns that a cell of each column may take.
    widths: Vec<usize>,
    /// Columns of the whole table, and of one whose cells are no wider than their names.
    total: usize,
    least: usize,
}

impl Lined {
    pub(super) fn measure(display: &Display, columns: &[Column], held: &[Page]) -> Lined {
        let border = display.border.min(2);
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let of_names: Vec<usize> = names.iter().map(|name| cells::width(&cells::lines(name))).collect();
        let mut widths = of_names.clone();
        let mut sums = vec![0; names.len()];
        let mut rows = 0;
        for page in held {
            rows += page.rows();
            for row in 0..page.rows() {
                for ((widest, sum), cell) in widths.iter_mut().zip(&mut sums).zip(page.row(row)) {
                    let width = cells::width(&cells::lines(cell.unwrap_or(display.null_text())));
                    *widest = (*widest).max(width);
                    *sum += width;
                }
            }
        }
        let frame = match border {
            0 => names.len(),
            1 => (3 * names.len()).saturating_sub(1),
            _ => 3 * names.len() + 1,
        };
        let mut table = Lined {
            lines: display.line_style.lines(),
            border,
            numeric: columns.iter().map(Column::is_numeric).collect(),
            total: frame + widths.iter().sum::<usize>(),
            least: frame + of_names.iter().sum::<usize>(),
            display: display.clone(),
            names,
            widths,
        };
        if display.shape == Shape::Wrapped && display.columns >= table.least {
            let averages: Vec<usize> = sums.iter().map(|sum| sum / rows.max(1)).collect();
            table.squeeze(&of_names, &averages);
        }
        table
    }

    /// Whether it is wider than the columns there are for it.
    pub(super) fn is_too_wide(&self) -> bool {
        let room = self.display.columns;
        room > 0 && self.names.len() > 1 && (room < self.least || room < self.total)
    }

    /// Takes from the column that has the most to give, until the table fits: the one whose widest cell stands out most.
    fn squeeze(&mut self, of_names: &[usize], averages: &[usize]) {
        let widest = self.widths.clone();
        while self.total > self.display.columns {
            let mut worst = None;
            let mut most = 0.0;
            for (at, width) in self.widths.iter().enumerate() {
                if averages[at] == 0 || *width <= of_names[at] {
                    continue;
                }
                // Beyond any terminal's width digits are lost, and nothing else.
                #[allow(clippy::cast_precision_loss)]
                let stands_out = *width as f64 / averages[at] as f64 + widest[at] as f64 * 0.01;
                if stands_out > most {
                    (worst, most) = (Some(at), stands_out);
                }
            }
            let Some(worst) = worst else { break };
            self.widths[worst] -= 1;
            self.total -= 1;
        }
    }

    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        if self.display.tuples_only {
            return;
        }
        if let Some(title) = &self.display.title {
            let title = visible(title);
            pad(out, self.total.saturating_sub(title.width()) / 2);
            put(out, &title);
            put(out, "\n");
        }
        if self.border == 2 {
            self.rule(out, &self.lines.top);
        }
        let names: Vec<_> = self.names.iter().map(|name| cells::lines(name)).collect();
        let height = names.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..height {
            if self.border == 2 {
                put(out, self.lines.data.left);
            }
            for (column, (name, width)) in names.iter().zip(&self.widths).enumerate() {
                if self.border > 0 || (!self.lines.marks_behind && column > 0) {
                    put(out, if at > 0 { self.lines.name_goes_on[0] } else { " " });
                }
                let text = name.get(at).map_or("", |line| line);
                let spare = width.saturating_sub(text.width());
                pad(out, spare / 2);
                put(out, text);
                pad(out, spare - spare / 2);
                if self.border > 0 || self.lines.marks_behind {
                    put(out, if at + 1 < name.len() { self.lines.name_goes_on[1] } else { " " });
                }
                if self.border > 0 && column + 1 < names.len() {
                    put(out, self.lines.data.middle);
                }
            }
            self.close(out);
        }
        self.rule(out, &self.lines.below_names);
    }

    pub(super) fn rows(&self, out: &mut Vec<u8>, page: &Page) {
        if page.columns() == 0 {
            return;
        }
        for row in 0..page.rows() {
            let cells: Vec<Vec<Piece<'_>>> = page
                .row(row)
                .zip(&self.widths)
                .map(|(cell, width)| pieces(cell.unwrap_or(self.display.null_text()), self.most(*width)))
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            (0..height).for_each(|at| self.line(out, &cells, at));
        }
    }

    /// A cell wider than what was measured pushes its line out, unless long ones are wrapped.
    fn most(&self, width: usize) -> usize {
        if self.display.shape == Shape::Wrapped { width } else { usize::MAX }
    }

    fn line(&self, out: &mut Vec<u8>, cells: &[Vec<Piece<'_>>], at: usize) {
        let bordered = self.border > 0;
        if self.border == 2 {
            put(out, self.lines.data.left);
        }
        for (column, cell) in cells.iter().enumerate() {
            let last = column + 1 == cells.len();
            let mark = |piece: Option<&Piece<'_>>, side: usize| match piece.map(|piece| piece.start) {
                Some(Start::Break) => Some(self.lines.break_marks[side]),
                Some(Start::Wrap) => Some(self.lines.wrap_marks[side]),
                Some(Start::Cell) | None => None,
            };
            if bordered {
                put(out, mark(cell.get(at), 0).unwrap_or(" "));
            }
            let behind = mark(cell.get(at + 1), 1);
            // Nothing stands behind the last column, unless its cell goes on or a line closes it.
            let fills = !last || self.border == 2;
            match cell.get(at) {
                None if fills => pad(out, self.widths[column]),
                None => {}
                Some(piece) => {
                    let spare = self.widths[column].saturating_sub(piece.width);
                    if self.numeric[column] {
                        pad(out, spare);
                    }
                    put(out, &piece.text);
                    if !self.numeric[column] && (fills || behind.is_some()) {
                        pad(out, spare);
                    }
                }
            }
            match behind {
                Some(mark) => put(out, mark),
                None if fills => put(out, " "),
                None => {}
            }
            if bordered && !last {
                put(
                    out,
                    match cells[column + 1].get(at).map(|piece| piece.start) {
                        Some(Start::Cell) => self.lines.data.middle,
                        Some(Start::Break) => self.lines.after_break,
                        Some(Start::Wrap) => self.lines.after_wrap,
                        None => self.lines.after_end,
                    },
                );
            }
        }
        self.close(out);
    }

    pub(super) fn finish(&self, out: &mut Vec<u8>, rows: u64) {
        if self.border == 2 {
            self.rule(out, &self.lines.bottom);
        }
        for foot in self.display.feet(rows, false) {
            put(out, &shown_lines(&foot));
            put(out, "\n");
        }
        put(out, "\n");
    }

    fn close(&self, out: &mut Vec<u8>) {
        if self.border == 2 {
            put(out, self.lines.data.right);
        }
        put(out, "\n");
    }

    fn rule(&self, out: &mut Vec<u8>, rule: &Rule) {
        if self.border == 2 {
            put(out, rule.left);
        }
        if self.border > 0 {
            put(out, rule.line);
        }
        for (at, width) in self.widths.iter().enumerate() {
            (0..*width).for_each(|_| put(out, rule.line));
            if at + 1 < self.widths.len() {
                match self.border {
                    0 => put(out, " "),
                    _ => [rule.line, rule.middle, rule.line].into_iter().for_each(|part| put(out, part)),
                }
            }
        }
        if self.border > 0 {
            put(out, rule.line);
        }
        if self.border == 2 {
            put(out, rule.right);
        }
        put(out, "\n");
    }
}
