//! Passwords from a passfile, read as libpq reads it (PostgreSQL, "The Password File"). It must not know what they open.
//!
//! What libpq does and its documentation leaves open, as seen with psql: fields are compared literally with `\` taking the
//! next character as it is; `*` is a wildcard only when it is the whole field; the first line that fits counts; the
//! password ends at the next `:` that is not escaped; a line that begins with `#` is a comment.

use crate::model::Secret;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// More is no passfile.
const LONGEST: u64 = 4 << 20;

/// What a password is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// Why a passfile gives nothing, in words that follow its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Barren {
    /// There is none.
    Missing,
    /// It has no line that fits.
    NoLine,
    /// Others may read it; libpq passes over such a file.
    Open(u32),
    /// It is no plain file, or cannot be read.
    Unreadable(String),
}

/// The password of the first line that fits.
pub(super) fn look_up(path: &Path, wanted: Wanted<'_>) -> Result<Secret, Barren> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Barren::Missing,
        _ => Barren::Unreadable(error.to_string()),
    };
    // Looked at before it is opened: opening a FIFO would wait for its writer.
    let kind = std::fs::metadata(path).map_err(unreadable)?;
    if !kind.is_file() {
        return Err(Barren::Unreadable("it is not a plain file".to_owned()));
    }
    let file = File::open(path).map_err(unreadable)?;
    // What was opened, not what stands there by now.
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(Barren::Open(mode & 0o777));
    }
    let mut text = Zeroizing::new(Vec::new());
    file.take(LONGEST).read_to_end(&mut text).map_err(unreadable)?;
    text.split(|byte| *byte == b'\n').find_map(|line| password(line, wanted)).ok_or(Barren::NoLine)
}

fn password(line: &[u8], wanted: Wanted<'_>) -> Option<Secret> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() || line[0] == b'#' {
        return None;
    }
    let port = wanted.port.to_string();
    let mut rest = line;
    for value in [wanted.host, &port, wanted.database, wanted.user] {
        rest = fits(rest, value.as_bytes())?;
    }
    let password = Zeroizing::new(unescaped(rest).0);
    Some(Secret::new(String::from_utf8_lossy(&password)))
}

/// What follows the first field of `line`, if that is `value` or the wildcard.
fn fits<'a>(line: &'a [u8], value: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let (field, length) = unescaped(line);
    let rest = line[length..].strip_prefix(b":")?;
    (field == value).then_some(rest)
}

/// The field that `text` begins with, without its escapes, and how many bytes it took.
fn unescaped(text: &[u8]) -> (Vec<u8>, usize) {
    let (mut field, mut at) = (Vec::new(), 0);
    while let Some(byte) = text.get(at).filter(|byte| **byte != b':') {
        let escapes = *byte == b'\\' && at + 1 < text.len();
        at += usize::from(escapes);
        field.push(text[at]);
        at += 1;
    }
    (field, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted<'static> = Wanted { host: "db.example.com", port: 5432, database: "shop", user: "app" };

    fn found(text: &str) -> Result<String, Barren> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("pgpass");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
        look_up(&path, WANTED).map(|secret| secret.reveal().to_owned())
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        for (text, password) in [
            ("db.example.com:5432:shop:app:one\n*:*:*:*:two\n", Some("one")),
            ("# db.example.com:5432:shop:app:no\n\nother:5432:shop:app:x\n*:*:*:*:two", Some("two")),
            ("*:5433:*:*:x\n*:*:shop2:*:x\n*:*:*:App:x\n", None),
            ("db.example.com:5432:shop:app:a\\:b\\\\c", Some("a:b\\c")),
            ("db\\.example.com:5432:sh\\op:app:p\r\n", Some("p")),
            ("db.example.com:5432:shop:app:a:b", Some("a")),
            ("db.example.com:5432:shop:app:", Some("")),
            ("db.example.com:5432:shop:app", None),
            ("db.*:*:*:*:x", None),
            (" db.example.com:5432:shop:app:x", None),
            ("*:*:*:*: with blanks ", Some(" with blanks ")),
            ("*:*:*:*:ends\\", Some("ends\\")),
        ] {
            assert_eq!(found(text).ok().as_deref(), password, "{text:?}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_passed_over() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("pgpass");
        assert_eq!(look_up(&path, WANTED).expect_err("none"), Barren::Missing);
        std::fs::write(&path, "*:*:*:*:x").expect("written");
        for mode in [0o640, 0o604, 0o660, 0o620] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
            assert_eq!(look_up(&path, WANTED).expect_err("open"), Barren::Open(mode));
        }
        assert!(matches!(look_up(folder.path(), WANTED), Err(Barren::Unreadable(_))));
    }
}
