//! Rows as INSERT statements, one a row. Literals mean the same whatever `standard_conforming_strings` says. It must not know
//! where they go, nor whether the table is there.

use crate::model::completion::quoted as identifier;
use crate::model::{Column, visible};
use std::borrow::Cow;

/// The table named when nobody knows a better one.
pub const TABLE: &str = "table_name";

/// What all statements of a result have in common.
#[derive(Debug, Default)]
pub struct Insert {
    /// `INSERT INTO t (a, b) VALUES (`
    head: String,
    kinds: Vec<Kind>,
    tame: bool,
}

/// How a value is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Bool,
    Other,
}

impl Insert {
    /// For a result of these columns; with `tame` a terminal reads, and no control character may reach it.
    pub fn new(table: &str, columns: &[Column], tame: bool) -> Insert {
        let names: Vec<String> = columns.iter().map(|column| identifier(&column.name)).collect();
        let head = match columns.is_empty() {
            true => format!("INSERT INTO {table} DEFAULT VALUES"),
            false => format!("INSERT INTO {table} ({}) VALUES (", names.join(", ")),
        };
        let kinds = columns.iter().map(|column| match column.oid {
            // pg_type.dat: int8 int2 int4 float4 float8 numeric; bool
            20 | 21 | 23 | 700 | 701 | 1700 => Kind::Number,
            16 => Kind::Bool,
            _ => Kind::Other,
        });
        Insert { head: if tame { visible(&head).into_owned() } else { head }, kinds: kinds.collect(), tame }
    }

    /// One row.
    pub fn row<'a>(&self, out: &mut Vec<u8>, cells: impl Iterator<Item = Option<&'a str>>) {
        out.extend_from_slice(self.head.as_bytes());
        for (at, (cell, kind)) in cells.zip(&self.kinds).enumerate() {
            if at > 0 {
                out.extend_from_slice(b", ");
            }
            match (cell, kind) {
                (None, _) => out.extend_from_slice(b"NULL"),
                (Some("t"), Kind::Bool) => out.extend_from_slice(b"true"),
                (Some("f"), Kind::Bool) => out.extend_from_slice(b"false"),
                (Some(text), Kind::Number) if is_number(text) => out.extend_from_slice(text.as_bytes()),
                (Some(text), _) => out.extend_from_slice(literal(text, self.tame).as_bytes()),
            }
        }
        out.extend_from_slice(if self.kinds.is_empty() { b";\n" } else { b");\n" });
    }
}

/// Digits, not `NaN` or `Infinity`, which are no numbers in SQL's grammar.
fn is_number(text: &str) -> bool {
    text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit())
}

/// PostgreSQL, 4.1.2.1 and 4.1.2.2: a backslash is itself in `'…'` only while standard_conforming_strings is on, so that a
/// value with one is spelled `E'…'`.
fn literal(text: &str, tame: bool) -> Cow<'_, str> {
    let odd = tame && matches!(visible(text), Cow::Owned(_));
    if !odd && !text.contains(['\\', '\'']) {
        return Cow::Owned(format!("'{text}'"));
    }
    let escaped = odd || text.contains('\\');
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(if escaped { "E'" } else { "'" });
    for c in text.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' => out.push_str("\\\\"),
            c if odd && matches!(visible(c.encode_utf8(&mut [0; 4])), Cow::Owned(_)) => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, oid: u32) -> Column {
        Column { name: name.to_owned(), oid }
    }

    #[test]
    fn values_are_literals_of_their_type() {
        let columns = [column("id", 23), column("user_name", 25), column("ok", 16), column("x\"y", 701)];
        let insert = Insert::new("shop.orders", &columns, false);
        let mut out = Vec::new();
        insert.row(&mut out, [Some("-1"), Some("O'Neil"), Some("t"), Some("NaN")].into_iter());
        insert.row(&mut out, [None, Some("a\\'\n"), Some("f"), Some("1.5e+20")].into_iter());
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "INSERT INTO shop.orders (\"id\", \"user_name\", \"ok\", \"x\"\"y\") VALUES (-1, 'O''Neil', true, 'NaN');\n\
             INSERT INTO shop.orders (\"id\", \"user_name\", \"ok\", \"x\"\"y\") VALUES (NULL, E'a\\\\''\n', false, 1.5e+20);\n"
        );
    }

    #[test]
    fn a_terminal_gets_escapes_of_the_same_value() {
        assert_eq!(literal("a\x1b[0m\u{9b}\n", true), "E'a\\u001B[0m\\u009B\\u000A'");
        assert_eq!(literal("a\x1b", false), "'a\x1b'");
    }

    #[test]
    fn a_row_without_columns_is_inserted_too() {
        let mut out = Vec::new();
        Insert::new(TABLE, &[], false).row(&mut out, std::iter::empty());
        assert_eq!(out, b"INSERT INTO table_name DEFAULT VALUES;\n");
    }
}
