//! One row as a JSON object. Values are typed as PostgreSQL's `to_json` types them: numbers and booleans are themselves
//! (spelled as the server spelled them, so that no digit is lost), json and jsonb are embedded, all else is a string. It
//! must not know where it goes.

use crate::model::{Column, visible};
use std::borrow::Cow;

/// `pg_type.oid` of what is not a string in JSON.
mod oid {
    pub const BOOL: u32 = 16;
    pub const NUMBERS: [u32; 6] = [20, 21, 23, 700, 701, 1700];
    pub const JSON: [u32; 2] = [114, 3802];
}

/// Column names as JSON strings. One that occurs again gets a number: a parser would keep only the last.
pub fn keys(columns: &[Column]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(columns.len());
    for column in columns {
        let mut name = column.name.clone();
        let mut count = 1;
        while names.contains(&name) {
            count += 1;
            name = format!("{}_{count}", column.name);
        }
        names.push(name);
    }
    names.iter().map(|name| string(name)).collect()
}

/// One row, without a line feed.
pub fn object<'a>(
    out: &mut Vec<u8>,
    keys: &[String],
    columns: &[Column],
    cells: impl Iterator<Item = Option<&'a str>>,
) {
    out.push(b'{');
    for (at, (cell, (key, column))) in cells.zip(keys.iter().zip(columns)).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(key.as_bytes());
        out.push(b':');
        out.extend_from_slice(value(cell, column.oid).as_bytes());
    }
    out.push(b'}');
}

fn value(cell: Option<&str>, oid: u32) -> Cow<'_, str> {
    match cell {
        None => Cow::Borrowed("null"),
        Some("t") if oid == oid::BOOL => Cow::Borrowed("true"),
        Some("f") if oid == oid::BOOL => Cow::Borrowed("false"),
        Some(text) if oid::NUMBERS.contains(&oid) && is_number(text) => Cow::Borrowed(text),
        // The server vouches for its being JSON; line breaks in it are only white space.
        Some(text) if oid::JSON.contains(&oid) => match text.contains(['\n', '\r', '\t']) {
            true => Cow::Owned(tamed(&text.replace(['\n', '\r', '\t'], " ")).into_owned()),
            false => tamed(text),
        },
        Some(text) => Cow::Owned(string(text)),
    }
}

/// Not `NaN`, `Infinity`, `-Infinity`.
fn is_number(text: &str) -> bool {
    text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit())
}

fn string(text: &str) -> String {
    tamed(&serde_json::Value::from(text).to_string()).into_owned()
}

/// JSON text with what serde leaves but a terminal should not see (DEL, C1 controls, marks that reorder text) escaped: the
/// same JSON value. Outside strings JSON has no such characters.
pub fn tamed(text: &str) -> Cow<'_, str> {
    if matches!(visible(text), Cow::Borrowed(_)) {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c > '~' && matches!(visible(c.encode_utf8(&mut [0; 4])), Cow::Owned(_)) {
            tamed.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            tamed.push(c);
        }
    }
    Cow::Owned(tamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_fool_a_terminal_is_escaped_and_stays_the_same_value() {
        let odd = "a\u{9b}b\u{202e}c\u{7f}d\x1b[0m é 🐘\u{feff}";
        let text = string(odd);
        assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
        assert!(!text.contains('\u{202e}'));
        assert!(text.contains("é 🐘"));
        assert_eq!(serde_json::from_str::<String>(&text).expect("a JSON string"), odd);
    }

    #[test]
    fn embedded_json_is_one_line() {
        let text = value(Some("{\n\t\"a\": \"x\\ny\u{9b}\"\n}"), 114);
        assert_eq!(text, "{  \"a\": \"x\\ny\\u009b\" }");
    }

    #[test]
    fn numbers_keep_their_digits() {
        assert_eq!(value(Some("12345678901234567890.120"), 1700), "12345678901234567890.120");
        assert_eq!(value(Some("1e+20"), 701), "1e+20");
        assert_eq!(value(Some("-Infinity"), 701), "\"-Infinity\"");
        assert_eq!(value(Some("007"), 25), "\"007\"");
    }
}
