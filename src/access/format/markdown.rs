//! A result as a Markdown table (GitHub's): header and rows to bytes. Line breaks in cells are `<br>`, since a row is a
//! line. It must not know where it goes.

use crate::model::{Column, visible};

/// The header and the line below it.
pub fn header(out: &mut Vec<u8>, columns: &[Column]) {
    row(out, columns.iter().map(|column| Some(column.name.as_str())), "");
    let marks = columns.iter().map(|column| Some(if column.is_numeric() { "---:" } else { "---" }));
    row(out, marks, "");
}

/// One row. `null` is put as it is, so that it may be marked up; a value that reads the same is escaped.
pub fn row<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = Option<&'a str>>, null: &str) {
    out.push(b'|');
    for cell in cells {
        out.push(b' ');
        let Some(cell) = cell else {
            out.extend_from_slice(visible(null).as_bytes());
            out.extend_from_slice(b" |");
            continue;
        };
        // It is no NULL that reads like one.
        if !null.is_empty() && cell == null {
            out.push(b'\\');
        }
        for (at, line) in cell.split('\n').enumerate() {
            if at > 0 {
                out.extend_from_slice(b"<br>");
            }
            let line = line.strip_suffix('\r').unwrap_or(line);
            for c in visible(line).chars() {
                if matches!(c, '|' | '\\') {
                    out.push(b'\\');
                }
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        out.extend_from_slice(b" |");
    }
    out.push(b'\n');
}
