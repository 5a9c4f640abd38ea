//! The lines of an aligned table: cells of several lines, marked as psql marks them, between the rules of a border. It must
//! not know where widths come from.
//!
//! Source: psql 15 as seen: a line break within a cell is `+` in the place of the blank behind it; control characters are
//! escapes, tabs spaces up to the next eighth column.

use crate::model::visible;
use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A cell's lines. No control character is in them, and nothing that hides or reorders text.
pub fn lines(text: &str) -> Vec<Cow<'_, str>> {
    if is_plain(text) { vec![visible(text)] } else { text.split('\n').map(line).collect() }
}

/// Whether a cell is one line without anything to be spelled out.
pub fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| byte < b' ' || byte == 0x7f || byte == 0xc2)
}

/// Columns that the widest line takes.
pub fn width(lines: &[Cow<'_, str>]) -> usize {
    lines.iter().map(|line| line.width()).max().unwrap_or(0)
}

fn line(text: &str) -> Cow<'_, str> {
    let mut line = String::with_capacity(text.len());
    let mut columns = 0;
    for c in text.chars() {
        let start = line.len();
        match c {
            '\t' => line.extend(std::iter::repeat_n(' ', 8 - columns % 8)),
            '\r' => line.push_str("\\r"),
            c if c.is_ascii_control() => line.push_str(&format!("\\x{:02X}", c as u32)),
            c if c.is_control() => line.push_str(&format!("\\u{:04X}", c as u32)),
            c => line.push(c),
        }
        columns += line[start..].chars().map(|c| c.width().unwrap_or(0)).sum::<usize>();
    }
    Cow::Owned(visible(&line).into_owned())
}

/// The row of names, centred.
pub fn header(out: &mut Vec<u8>, names: &[Vec<Cow<'_, str>>], widths: &[usize], border: u8) {
    let height = names.iter().map(Vec::len).max().unwrap_or(0);
    for at in 0..height {
        for (column, (name, widest)) in names.iter().zip(widths).enumerate() {
            open(out, column, border);
            let text = name.get(at).map_or("", |line| line);
            let spare = widest.saturating_sub(text.width());
            pad(out, spare / 2);
            out.extend_from_slice(text.as_bytes());
            pad(out, spare - spare / 2);
            // psql fills the last name's place, too.
            out.push(if at + 1 < name.len() { b'+' } else { b' ' });
        }
        close(out, border);
    }
}

/// A row.
pub fn row(out: &mut Vec<u8>, cells: &[Vec<Cow<'_, str>>], widths: &[usize], numeric: &[bool], border: u8) {
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for at in 0..height {
        for (column, cell) in cells.iter().enumerate() {
            open(out, column, border);
            let text = cell.get(at).map_or("", |line| line);
            let spare = widths[column].saturating_sub(text.width());
            let last = column + 1 == cells.len();
            let goes_on = at + 1 < cell.len();
            let right = numeric[column] && at < cell.len();
            if right {
                pad(out, spare);
            }
            out.extend_from_slice(text.as_bytes());
            // Nothing stands behind the last column, unless its cell goes on or a line closes it.
            let fills = !last || goes_on || border > 1;
            if !right && fills {
                pad(out, spare);
            }
            if fills {
                out.push(if goes_on { b'+' } else { b' ' });
            }
        }
        close(out, border);
    }
}

/// The line between names and rows, and around a table with borders.
pub fn rule(out: &mut Vec<u8>, widths: &[usize], border: u8) {
    let cross: &[u8] = if border == 0 { b" " } else { b"+" };
    out.extend_from_slice(if border > 1 { b"+" } else { b"" });
    for (at, width) in widths.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"" } else { cross });
        out.extend(std::iter::repeat_n(b'-', width + if border == 0 { 0 } else { 2 }));
    }
    out.extend_from_slice(if border > 1 { b"+\n" } else { b"\n" });
}

fn open(out: &mut Vec<u8>, column: usize, border: u8) {
    out.extend_from_slice(match (column, border) {
        (_, 0) => b"",
        (0, 1) => b" ",
        _ => b"| ",
    });
}

fn close(out: &mut Vec<u8>, border: u8) {
    out.extend_from_slice(if border > 1 { b"|\n" } else { b"\n" });
}

/// So many blanks.
pub fn pad(out: &mut Vec<u8>, count: usize) {
    out.extend(std::iter::repeat_n(b' ', count));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_several_lines_are_marked() {
        let cells = [lines("a\nbb"), lines("1"), lines("x\ty\r\u{1b}")];
        let widths: Vec<usize> = cells.iter().map(|cell| width(cell)).collect();
        let mut out = Vec::new();
        row(&mut out, &cells, &widths, &[false, true, false], 1);
        assert_eq!(String::from_utf8_lossy(&out), " a +| 1 | x       y\\r\\x1B\n bb |   | \n");
    }
}
