//! Passwords from a passfile, read as libpq reads it (PostgreSQL, "The Password File"). It must not know what they open.
//!
//! What libpq does and its documentation leaves open (`passwordFromFile` in fe-connect.c, and as seen with psql): what is
//! wanted is compared from the beginning of a field on, `\` taking the next character as it is, and a `:` has to follow it, so
//! that the database `a:b` needs no escape; `*` is a wildcard only when it is the whole field; the first line that fits
//! counts; the password ends at the next `:` that is not escaped, and an empty one is none; a line that begins with `#` is
//! a comment; all carriage returns before a line's end belong to that.

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
    /// The first line that fits has no password.
    Empty,
    /// The password of the first line that fits is no UTF-8.
    NotText,
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
    let found = text.split(|byte| *byte == b'\n').find_map(|line| password(line, wanted)).ok_or(Barren::NoLine)?;
    match std::str::from_utf8(&found) {
        Ok("") => Err(Barren::Empty),
        Ok(password) => Ok(Secret::new(password)),
        // Read as anything else it would be another password.
        Err(_) => Err(Barren::NotText),
    }
}

fn password(line: &[u8], wanted: Wanted<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let returns = line.iter().rev().take_while(|byte| **byte == b'\r').count();
    let line = &line[..line.len() - returns];
    if line.starts_with(b"#") {
        return None;
    }
    let port = wanted.port.to_string();
    let mut rest = line;
    for value in [wanted.host, &port, wanted.database, wanted.user] {
        rest = fits(rest, value.as_bytes())?;
    }
    Some(unescaped(rest))
}

/// What follows the first field of `line`, if that is `value` or the wildcard.
fn fits<'a>(line: &'a [u8], value: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let mut rest = line;
    for byte in value {
        rest = rest.strip_prefix(b"\\").unwrap_or(rest).strip_prefix(std::slice::from_ref(byte))?;
    }
    rest.strip_prefix(b":")
}

/// The field that `text` begins with, without its escapes.
fn unescaped(text: &[u8]) -> Zeroizing<Vec<u8>> {
    // Room for all of it: what is moved leaves a copy behind.
    let (mut field, mut at) = (Zeroizing::new(Vec::with_capacity(text.len())), 0);
    while let Some(byte) = text.get(at).filter(|byte| **byte != b':') {
        let escapes = *byte == b'\\' && at + 1 < text.len();
        at += usize::from(escapes);
        field.push(text[at]);
        at += 1;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted<'static> = Wanted { host: "db.example.com", port: 5432, database: "shop", user: "app" };

    fn found(text: impl AsRef<[u8]>) -> Result<String, Barren> {
        found_for(text, WANTED)
    }

    fn found_for(text: impl AsRef<[u8]>, wanted: Wanted<'_>) -> Result<String, Barren> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("pgpass");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
        look_up(&path, wanted).map(|secret| secret.reveal().to_owned())
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
            ("db.example.com:5432:shop:app:p\r\r\n", Some("p")),
            ("db.example.com:5432:shop:app:p\r:q\r\n", Some("p\r")),
            ("\r\n*:*:*:*:p", Some("p")),
            ("db.example.com:5432:shop:app:\n*:*:*:*:two", None),
            ("db.example.com:5432:shop\\:app:x\n*:5432:shop:\\a\\p\\p:p", Some("p")),
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
    fn a_name_with_a_colon_needs_no_escape() {
        let wanted = Wanted { database: "a:b", user: "u\\v", ..WANTED };
        for (text, password) in [
            ("h:p:a:b:u:pw\n*:*:a:b:u\\\\v:one", Some("one")),
            ("*:*:a\\:b:u\\\\v:two", Some("two")),
            // A single backslash takes what follows it as it is.
            ("*:*:a:b:u\\v:x", None),
            ("*:*:a:c:u\\\\v:x", None),
            ("*:*:a:u\\\\v:x", None),
        ] {
            assert_eq!(found_for(text, wanted).ok().as_deref(), password, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_password_is_said() {
        assert_eq!(found("*:*:*:*:\n*:*:*:*:two"), Err(Barren::Empty));
        assert_eq!(found(b"*:*:*:*:caf\xe9\n*:*:*:*:two"), Err(Barren::NotText));
        assert_eq!(found(b"other:*:*:*:caf\xe9\n*:*:*:*:two").as_deref(), Ok("two"));
        assert_eq!(found("*:*:*:other:x"), Err(Barren::NoLine));
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
