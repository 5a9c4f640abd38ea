//! CSV as `psql --csv` and TSV as COPY's text format: one row to bytes. It must not know what the rows mean.

use crate::model::visible;
use std::borrow::Cow;

/// One line of CSV. A field is quoted when it has a comma, a quote, a line break, or is `\.` (psql's print.c does so, since
/// COPY would take that for its end). `null` is treated alike; a value that reads the same is quoted, by which COPY tells
/// them apart, where psql leaves one to guess. An empty value beside an empty `null` stays as psql has it.
pub fn csv<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = Option<Cow<'a, str>>>, null: &str) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let reads_like_null = !null.is_empty() && cell.as_deref() == Some(null);
        let cell = cell.as_deref().unwrap_or(null);
        let special = |byte: u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
        if cell.bytes().any(special) || cell == "\\." || reads_like_null {
            out.push(b'"');
            for byte in cell.bytes() {
                if byte == b'"' {
                    out.push(b'"');
                }
                out.push(byte);
            }
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.push(b'\n');
}

/// One line of COPY's text format (PostgreSQL, COPY: File Formats). `null` is put as it is.
pub fn tsv<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = Option<&'a str>>, null: &str, tame: bool) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(b'\t');
        }
        let Some(cell) = cell else {
            out.extend_from_slice(null.as_bytes());
            continue;
        };
        let mut rest = cell;
        while let Some(special) = rest.find(['\\', '\t', '\n', '\r']) {
            put(out, &rest[..special], tame);
            let escape = match rest.as_bytes()[special] {
                b'\t' => "\\t",
                b'\n' => "\\n",
                b'\r' => "\\r",
                _ => "\\\\",
            };
            out.extend_from_slice(escape.as_bytes());
            rest = &rest[special + 1..];
        }
        put(out, rest, tame);
    }
    out.push(b'\n');
}

fn put(out: &mut Vec<u8>, text: &str, tame: bool) {
    match tame {
        true => out.extend_from_slice(visible(text).as_bytes()),
        false => out.extend_from_slice(text.as_bytes()),
    }
}
