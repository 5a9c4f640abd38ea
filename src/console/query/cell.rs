//! One cell, whole: JSON, arrays and composite values laid out, bytea as a hex dump, everything else wrapped; searched and
//! copied. Ten megabytes open as fast as ten bytes: only what is in sight is laid out ([`super::reading`]), and the way to
//! the end is gone in steps. It must not know where the cell came from.

use super::reading::Reading;
use super::shape::Needle;
use super::text;
use crate::model::Column;

/// Lines found at once on the way to something far: a step takes some milliseconds.
const STEP: usize = 20_000;

/// Columns after which even a line that is not wrapped is.
const WIDEST: usize = 1 << 14;

/// An open cell.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The column's name.
    pub name: String,
    /// The row, from 0.
    pub row: u64,
    /// As the server sent it; `None` is NULL.
    pub value: Option<String>,
    /// First line shown.
    pub top: usize,
    /// As the server sent it, not laid out.
    pub raw: bool,
    /// It is of no row: a text to read, such as the DDL of a table. Its lines are as long as they are, for a table that is
    /// broken at the window's edge is none.
    pub document: bool,
    /// First column shown, where lines are not wrapped.
    pub left: usize,
    /// What is being typed to look for.
    pub asked: Option<String>,
    /// What was looked for last.
    pub needle: Option<Needle>,
    oid: u32,
    reading: Option<Reading>,
    width: usize,
    height: usize,
    goal: Option<Goal>,
    /// Where the match is that was found last, in bytes.
    found: Option<usize>,
}

/// Where one is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    End,
    Byte(usize),
}

impl Cell {
    /// Opens a cell.
    pub fn new(column: &Column, row: u64, value: Option<&str>) -> Cell {
        Cell {
            name: column.name.clone(),
            row,
            value: value.map(str::to_owned),
            top: 0,
            raw: false,
            document: false,
            left: 0,
            asked: None,
            needle: None,
            oid: column.oid,
            reading: None,
            width: 0,
            height: 0,
            goal: None,
            found: None,
        }
    }

    /// Opens a text that is of no row.
    pub fn document(title: String, text: String) -> Cell {
        let column = Column { name: title, oid: 25 };
        Cell { document: true, ..Cell::new(&column, 0, Some(&text)) }
    }

    /// The lines in sight.
    pub fn lines(&self) -> Vec<String> {
        match (&self.value, &self.reading) {
            (None, _) => vec!["∅  (NULL)".to_owned()],
            (Some(value), _) if value.is_empty() => vec!["(empty)".to_owned()],
            (Some(value), Some(reading)) => reading.lines(value, self.top, self.height),
            (Some(_), None) => Vec::new(),
        }
    }

    /// Lines found so far, and whether those are all.
    pub fn known(&self) -> (usize, bool) {
        self.reading.as_ref().map_or((1, true), |reading| (reading.known(), reading.is_whole()))
    }

    /// How far into the value lines are known, in hundredths.
    pub fn percent(&self) -> usize {
        let all = self.value.as_ref().map_or(0, String::len);
        self.reading.as_ref().map_or(100, |reading| (reading.reached() * 100).checked_div(all).unwrap_or(100))
    }

    /// Whether it is on its way to somewhere far.
    pub fn is_busy(&self) -> bool {
        self.goal.is_some()
    }

    /// Lays out what an area of that size shows, and goes a step on the way to somewhere far.
    pub fn fit(&mut self, width: usize, height: usize) {
        self.height = height.max(1);
        let Some(value) = self.value.as_deref() else {
            // NULL has an end, which is where one is.
            (self.top, self.goal) = (0, None);
            return;
        };
        let flat = self.is_flat();
        if self.width != width || self.reading.is_none() {
            // What was at the top stays there.
            let at = self.reading.as_ref().filter(|_| self.top > 0).and_then(|old| old.start_of(value, self.top));
            self.width = width;
            let wrapped = if flat { WIDEST } else { width };
            self.reading = Some(Reading::new(Reading::manner(self.oid, value, self.raw), wrapped));
            self.goal = self.goal.or(at.map(Goal::Byte));
        }
        let Some(reading) = &mut self.reading else { return };
        reading.extend(value, self.top + self.height + 1, STEP);
        match self.goal {
            None => {}
            Some(Goal::End) => {
                reading.extend(value, usize::MAX, STEP);
                self.top = reading.known().saturating_sub(self.height);
                self.goal = Some(Goal::End).filter(|_| !reading.is_whole());
            }
            Some(Goal::Byte(byte)) => {
                if reading.reached() <= byte && !reading.is_whole() {
                    reading.extend(value, usize::MAX, STEP);
                }
                if reading.reached() > byte || reading.is_whole() {
                    let line = reading.line_of(value, byte);
                    if !(self.top..self.top + self.height).contains(&line) {
                        self.top = line.saturating_sub(self.height / 3);
                    }
                    self.goal = None;
                    reading.extend(value, self.top + self.height + 1, STEP);
                }
            }
        }
        self.top = self.top.min(reading.known().saturating_sub(self.height));
    }

    /// Whether lines are as long as they are, to be scrolled sideways.
    pub fn is_flat(&self) -> bool {
        self.document && !self.raw
    }

    /// Scrolls sideways by columns, as far as the lines in sight go.
    pub fn sideways(&mut self, columns: isize) {
        if self.is_flat() {
            let widest = self.lines().iter().map(|line| text::width(line, WIDEST)).max().unwrap_or(0);
            let most = widest.saturating_sub(self.width.saturating_sub(1));
            self.left = self.left.saturating_add_signed(columns).min(most);
        }
    }

    /// Scrolls by lines.
    pub fn scroll(&mut self, lines: isize) {
        self.goal = None;
        match lines {
            isize::MAX => self.goal = Some(Goal::End),
            lines => self.top = self.top.saturating_add_signed(lines),
        }
        if self.width > 0 {
            self.fit(self.width, self.height);
        }
    }

    /// Scrolls by screens.
    pub fn page(&mut self, pages: isize) {
        self.scroll(pages * self.height.saturating_sub(1).max(1) as isize);
    }

    /// Laid out, or as the server sent it.
    pub fn toggle(&mut self) {
        self.raw = !self.raw;
        (self.top, self.left, self.goal, self.reading) = (0, 0, None, None);
        self.fit(self.width, self.height);
    }

    /// Goes to where the text that is looked for is next, around the end; false when it is nowhere.
    pub fn find(&mut self, forward: bool) -> bool {
        let (Some(value), Some(needle)) = (self.value.as_deref(), &self.needle) else { return false };
        let first = |from: usize| needle.first(&value[from..]).map(|found| from + found.start);
        let next = |from: usize| value.ceil_char_boundary(from.min(value.len()));
        let here = self.found;
        let found = if forward {
            first(here.map_or(0, |at| next(at + 1))).or_else(|| first(0))
        } else {
            // The last before here, else the last of all; found by going through all of them.
            let (mut at, mut before, mut last) = (first(0), None, None);
            while let Some(found) = at {
                if here.is_none_or(|here| found < here) {
                    before = Some(found);
                }
                last = Some(found);
                at = first(next(found + 1));
            }
            before.or(last)
        };
        self.found = found;
        self.goal = found.map(Goal::Byte);
        if let Some(at) = found.filter(|_| self.document && !self.raw) {
            let start = value[..at].rfind('\n').map_or(0, |start| start + 1);
            let column = text::width(&value[start..at], WIDEST);
            if !(self.left..(self.left + self.width).saturating_sub(10)).contains(&column) {
                self.left = column.saturating_sub(self.width / 2);
            }
        }
        if self.width > 0 {
            self.fit(self.width, self.height);
        }
        found.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(oid: u32, value: &str) -> Cell {
        let mut cell = Cell::new(&Column { name: "c".to_owned(), oid }, 0, Some(value));
        cell.fit(78, 10);
        cell
    }

    fn arrive(cell: &mut Cell) {
        let mut steps = 0;
        while cell.is_busy() {
            cell.fit(78, 10);
            steps += 1;
            assert!(steps < 10_000, "it never arrives");
        }
    }

    #[test]
    fn a_cell_of_ten_megabytes_opens_at_once_and_its_end_is_reached_in_steps() {
        let mut text = "lorem ipsum ".repeat(900_000);
        text.push_str("the very end");
        let mut cell = open(25, &text);
        assert!(cell.known().0 <= 11 && !cell.known().1, "{:?}", cell.known());
        cell.scroll(isize::MAX);
        assert!(cell.known().0 <= 2 * STEP + 11, "a key goes one step only");
        arrive(&mut cell);
        assert!(cell.lines()[9].contains("the very end"));
        cell.scroll(isize::MIN);
        assert_eq!(cell.top, 0);
    }

    #[test]
    fn what_is_looked_for_is_found_either_way() {
        let text = format!("{}needle one\n{}Needle two\n{}", "x\n".repeat(500), "y\n".repeat(500), "z\n".repeat(50));
        let mut cell = open(25, &text);
        cell.needle = Some(Needle::new("needle"));
        for (forward, expected) in [(true, "one"), (true, "two"), (true, "one"), (false, "two"), (false, "one")] {
            assert!(cell.find(forward));
            arrive(&mut cell);
            assert!(cell.lines().iter().any(|line| line.ends_with(expected)), "{expected}: {:?}", cell.lines());
        }
        cell.needle = Some(Needle::new("nowhere"));
        assert!(!cell.find(true));
    }

    #[test]
    fn another_width_keeps_the_place() {
        let text =
            (0..5_000).map(|n| format!("line {n} of some length, that wraps when it is narrow\n")).collect::<String>();
        let mut cell = open(25, &text);
        cell.scroll(3_000);
        assert!(cell.lines()[0].starts_with("line 3000 "));
        cell.fit(20, 10);
        assert!(cell.lines().iter().any(|line| line.starts_with("line 3000 ")), "{:?}", cell.lines());
    }

    #[test]
    fn the_lines_of_a_document_are_not_broken_and_scroll_sideways() {
        let text = format!("{:<100}|end\n{}\nshort", "wide", "-".repeat(104));
        let mut cell = Cell::document("\\d+ t".to_owned(), text);
        cell.fit(40, 10);
        assert_eq!(cell.lines().len(), 3);
        cell.sideways(8);
        assert_eq!(cell.left, 8);
        cell.sideways(1000);
        assert_eq!(cell.left, 104 - 39, "as far as the lines go");
        cell.sideways(-1000);
        cell.needle = Some(Needle::new("end"));
        assert!(cell.find(true));
        assert!((cell.left..cell.left + 40).contains(&101), "{}", cell.left);
        // Wrapped, on request.
        cell.toggle();
        assert!(cell.lines().len() > 5 && cell.left == 0);
        let mut value = open(25, &"x".repeat(200));
        value.sideways(8);
        assert_eq!(value.left, 0, "a value is wrapped");
    }

    #[test]
    fn null_and_empty_differ() {
        let mut null = Cell::new(&Column { name: "c".to_owned(), oid: 25 }, 0, None);
        null.fit(20, 3);
        assert_eq!(null.lines(), ["∅  (NULL)"]);
        null.scroll(isize::MAX);
        null.fit(20, 3);
        assert!(!null.is_busy(), "it would be drawn for ever");
        assert_eq!(open(25, "").lines(), ["(empty)"]);
    }
}
