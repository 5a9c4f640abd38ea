//! Saved queries: plain `.sql` files below the state folder, one folder a target and one for all of them, with name and
//! description in a header of comments, so that any editor and any psql can read them. Folders are 0700, files 0600. It
//! must not know what a query says.

use super::files;
use crate::model::{Diagnosis, Endpoint, Kind};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Files read of one folder.
const MOST: usize = 5000;
/// Bytes read of one file.
const LONGEST: u64 = 1 << 20;
const NAME: &str = "-- name: ";
const ABOUT: &str = "-- about: ";

/// A query that was saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Its name, on one line.
    pub name: String,
    /// What it is for, on one line; may be empty.
    pub about: String,
    /// The statements.
    pub text: String,
    /// For this target alone, or for all.
    pub here: bool,
}

/// Where saved queries are.
#[derive(Debug)]
pub struct Shelf {
    state: PathBuf,
    target: String,
}

impl Shelf {
    /// Below the state folder, for the database of `endpoint`. The same identifier in another account is another database.
    pub fn new(state: &Path, endpoint: &Endpoint) -> Shelf {
        let target = format!("{}.{}.{}", endpoint.owner, endpoint.place.region, endpoint.account);
        Shelf { state: state.to_owned(), target: file_name(&target) }
    }

    /// All that can be used here: of this target first, then of all, by name. What cannot be read is passed over.
    pub fn list(&self) -> Result<Vec<Saved>, Diagnosis> {
        let mut all = Vec::new();
        for here in [true, false] {
            let mut found = self.read(here).map_err(|error| self.trouble("read", &error))?;
            found.sort_by(|a, b| a.name.cmp(&b.name));
            all.append(&mut found);
        }
        Ok(all)
    }

    /// Writes it, in the place of one of the same name; `before` is where it was until now, if it moves.
    pub fn save(&self, saved: &Saved, before: Option<&Saved>) -> Result<(), Diagnosis> {
        let line = |text: &str| text.split(['\n', '\r']).collect::<Vec<_>>().join(" ");
        let mut text = format!("{NAME}{}\n", line(&saved.name));
        if !saved.about.is_empty() {
            text += &format!("{ABOUT}{}\n", line(&saved.about));
        }
        text += &format!("\n{}\n", saved.text.trim_end());
        let path = self.path(saved);
        files::replace(&path, text.as_bytes()).map_err(|error| self.trouble("written", &error))?;
        match before.map(|before| self.path(before)).filter(|before| *before != path) {
            Some(before) => self.remove(&before),
            None => Ok(()),
        }
    }

    /// Deletes it; that it is gone already is no failure.
    pub fn delete(&self, saved: &Saved) -> Result<(), Diagnosis> {
        self.remove(&self.path(saved))
    }

    fn remove(&self, path: &Path) -> Result<(), Diagnosis> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.trouble("written", &error)),
            _ => Ok(()),
        }
    }

    fn folder(&self, here: bool) -> PathBuf {
        // No target is called so: its name has dots.
        self.state.join("saved").join(if here { &self.target } else { "everywhere" })
    }

    fn path(&self, saved: &Saved) -> PathBuf {
        self.folder(saved.here).join(format!("{}.sql", file_name(&saved.name)))
    }

    fn read(&self, here: bool) -> io::Result<Vec<Saved>> {
        let entries = match fs::read_dir(self.folder(here)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for path in entries.flatten().map(|entry| entry.path()).take(MOST) {
            let is_sql = path.extension().is_some_and(|end| end == "sql");
            let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_sql) else { continue };
            let mut text = String::new();
            let Ok(file) = fs::File::open(&path) else { continue };
            if file.take(LONGEST).read_to_string(&mut text).is_ok() {
                found.push(Saved { here, ..parse(stem, &text) });
            }
        }
        Ok(found)
    }

    fn trouble(&self, verb: &str, error: &io::Error) -> Diagnosis {
        let title = format!("Saved queries in {} cannot be {verb}", self.state.join("saved").display());
        Diagnosis::new(Kind::Local, title).because(error.to_string())
    }
}

/// A file's name: what might mean something in a path is written as `%` and its number.
fn file_name(name: &str) -> String {
    let mut out = String::new();
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'.' if at == 0 => out += "%2e",
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b' ' => out.push(char::from(byte)),
            _ => out += &format!("%{byte:02x}"),
        }
    }
    // A file's name may have 255 bytes; what is longer is told apart by its length and beginning only as far as fits.
    out.truncate(out.floor_char_boundary(240));
    out
}

fn parse(stem: &str, text: &str) -> Saved {
    let mut saved = Saved { name: stem.to_owned(), ..Saved::default() };
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        if let Some(name) = line.strip_prefix(NAME) {
            saved.name = name.trim().to_owned();
        } else if let Some(about) = line.strip_prefix(ABOUT) {
            saved.about = about.trim().to_owned();
        } else {
            if line.trim().is_empty() {
                rest = after;
            }
            break;
        }
        rest = after;
    }
    saved.text = rest.trim_end().to_owned();
    saved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_saved_is_read_again_private_and_by_others() {
        let state = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::new(state.path(), &endpoint());
        assert_eq!(shelf.list(), Ok(Vec::new()));
        let made = |name: &str, here: bool| Saved {
            name: name.to_owned(),
            about: "what for\nreally".to_owned(),
            text: "select 1;\n\n-- name: not a header\nselect 2;".to_owned(),
            here,
        };
        for saved in [made("../b ✓", true), made("a", false), made("a", true)] {
            shelf.save(&saved, None).expect("saved");
        }
        let as_read = |saved: Saved| Saved { about: "what for really".to_owned(), ..saved };
        let expected = [made("../b ✓", true), made("a", true), made("a", false)].map(as_read);
        assert_eq!(shelf.list().expect("read"), expected);
        let path = shelf.path(&made("a", true));
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
        // One that somebody put there by hand has its file's name.
        fs::write(shelf.folder(false).join("by hand.sql"), "select 3").expect("written");
        let other = Endpoint { owner: "other".to_owned(), ..endpoint() };
        let names: Vec<_> = Shelf::new(state.path(), &other)
            .list()
            .expect("read")
            .into_iter()
            .map(|one| (one.name, one.text))
            .collect();
        assert_eq!(names[1], ("by hand".to_owned(), "select 3".to_owned()));
        assert_eq!(names.len(), 2);
        shelf.save(&made("renamed", false), Some(&made("a", true))).expect("moved");
        shelf.delete(&made("../b ✓", true)).expect("deleted");
        shelf.delete(&made("../b ✓", true)).expect("gone already");
        let names: Vec<_> = shelf.list().expect("read").into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["a", "by hand", "renamed"]);
    }
}
