//! A name as each place wants it written: a shell, a connection string, a URL, a properties file. It must not know what
//! is named.

use crate::model::visible;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write;

/// All but what RFC 3986 calls unreserved. pgjdbc decodes as forms do, where `+` is a space; so that is among them.
const IN_URLS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value of a connection string (PostgreSQL, "Connection Strings": single quotes, backslash escapes).
pub fn conninfo(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@+/".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A word of a shell. What must not reach a terminal as it is (control characters, marks that hide or reorder text) is
/// written as bash, ksh and zsh read it: `$'\x1b'`.
pub fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    if visible(text) == text {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    let mut word = "$'".to_owned();
    for c in text.chars() {
        match c {
            '\'' | '\\' => word.extend(['\\', c]),
            c if visible(c.encode_utf8(&mut [0; 4])) == c.to_string() => word.push(c),
            c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| {
                let _ = write!(word, "\\x{byte:02x}");
            }),
        }
    }
    word + "'"
}

/// A part of a URL (RFC 3986), as libpq and pgjdbc decode it.
pub fn url(text: &str) -> String {
    utf8_percent_encode(text, IN_URLS).to_string()
}

/// A value of SQL Workbench/J's profile files: what is no plain ASCII is `\uXXXX` (its WbProperties, which trims values,
/// takes a backslash at the end for a line that goes on, and knows no other escape).
pub fn properties(text: &str) -> String {
    let mut value = String::new();
    for (at, c) in text.char_indices() {
        let at_an_end = at == 0 || at + c.len_utf8() == text.len();
        if c.is_ascii_graphic() && c != '\\' || c == ' ' && !at_an_end {
            value.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(value, "\\u{unit:04x}");
        }
    }
    value
}

/// A name for a section, a profile, a file: what is no letter, digit, `-`, `_` or `.` is a `-`.
pub fn label(text: &str) -> String {
    let label: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    if label.trim_start_matches(['.', '-']).is_empty() { "gatepost".to_owned() } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a name may be made of.
    const ODD: &str = "o'b \"r\":\\%+&=é|#";

    #[test]
    fn shells_read_words_as_they_were() {
        assert_eq!(shell("orders-prod"), "orders-prod");
        assert_eq!(shell(""), "''");
        for word in [ODD, "a\nb", "\u{1b}]0;x\u{7}'\\", "~", "*", "$HOME `x`", "-x"] {
            let quoted = shell(word);
            assert_eq!(visible(&quoted), quoted, "what is printed is harmless");
            let output = std::process::Command::new("bash").arg("-c").arg(format!("printf %s {quoted}")).output();
            let output = output.expect("bash runs");
            assert_eq!(String::from_utf8_lossy(&output.stdout), word, "{quoted}");
        }
    }

    #[test]
    fn connection_strings_keep_quotes_and_backslashes() {
        assert_eq!(conninfo("o'b\\ x"), "'o\\'b\\\\ x'");
        assert_eq!(conninfo(""), "''");
        assert_eq!(conninfo("/tmp/s"), "/tmp/s");
    }

    #[test]
    fn urls_decode_to_what_went_in() {
        assert_eq!(url("a b+c%/:@?#é"), "a%20b%2Bc%25%2F%3A%40%3F%23%C3%A9");
        let decoded = percent_encoding::percent_decode_str(&url(ODD)).decode_utf8().expect("text").into_owned();
        assert_eq!(decoded, ODD);
    }

    #[test]
    fn properties_have_one_escape() {
        assert_eq!(properties("a \\b=é "), "a \\u005cb=\\u00e9\\u0020");
        assert_eq!(properties("😀"), "\\ud83d\\ude00");
    }

    #[test]
    fn labels_are_tame() {
        assert_eq!(label("my db]\n\"x\""), "my-db---x-");
        assert_eq!(label("../../"), "gatepost");
        assert_eq!(label(".."), "gatepost");
    }
}
