//! Names and values as they are written in a statement. It must not know where they come from.

use crate::model::sql::{Reserved, keyword};

/// A name as it must be written where a table or column is named: quoted when it would be folded or misread otherwise.
/// A control character in it is kept, within the quotation marks: it is the name.
pub fn identifier(name: &str) -> String {
    let plain = name.bytes().enumerate().all(|(at, byte)| match byte {
        b'a'..=b'z' | b'_' => true,
        b'0'..=b'9' | b'$' => at > 0,
        _ => false,
    });
    let free = !matches!(keyword(name), Some(Reserved::Yes | Reserved::FunctionOrType | Reserved::ColumnName));
    if plain && free && !name.is_empty() { name.to_owned() } else { quoted(name) }
}

/// A name in quotation marks, as every server takes it: no list of reserved words is right for all of them.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A value as a string literal, with `standard_conforming_strings` on, as it has been since PostgreSQL 9.1.
pub fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_when_they_must_be() {
        for (name, written) in [
            ("orders", "orders"),
            ("_x1$", "_x1$"),
            ("Orders", "\"Orders\""),
            ("1st", "\"1st\""),
            ("a b", "\"a b\""),
            ("a\"b", "\"a\"\"b\""),
            ("order", "\"order\""),
            ("left", "\"left\""),
            ("values", "\"values\""),
            ("name", "name"),
            ("größe", "\"größe\""),
            ("", "\"\""),
            ("x\u{1b}[31m", "\"x\u{1b}[31m\""),
        ] {
            assert_eq!(identifier(name), written);
        }
        assert_eq!(literal("it's"), "'it''s'");
    }
}
