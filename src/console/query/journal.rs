//! The history on disk: JSON lines, one file a target, mode 0600 in a folder of mode 0700. What two sessions write at once
//! stays whole: whoever writes holds a lock beside the file, so that no line is lost when it is cut. It must not know which statements are kept out.

use super::order::Past;
use crate::model::{Diagnosis, Endpoint, Kind};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Statements read at the start.
const READ: usize = 2000;
/// A file longer than this (bytes) is cut to its newest part.
const LONGEST: u64 = 8 << 20;
/// Bytes that are left when it is cut.
const LEFT: usize = 4 << 20;

/// The history of one target.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The history of the target `name` (made from its database's identifier) below the state folder.
    pub fn new(state: &Path, name: &str) -> Journal {
        let file: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
        Journal { path: state.join("history").join(format!("{}.jsonl", file.trim_start_matches('.'))) }
    }

    /// The history of a database. The same identifier in another account is another database: staging's history is not
    /// production's.
    pub fn of(state: &Path, endpoint: &Endpoint) -> Journal {
        Journal::new(state, &format!("{}.{}.{}", endpoint.owner, endpoint.place.region, endpoint.account))
    }

    /// The newest statements, oldest first. A line that cannot be read is passed over.
    pub fn read(&self) -> Result<Vec<Past>, Diagnosis> {
        let mut past = self.lines().map_err(|error| self.trouble("read", &error))?;
        past.drain(..past.len().saturating_sub(READ));
        Ok(past)
    }

    /// Adds a statement.
    pub fn add(&self, past: &Past) -> Result<(), Diagnosis> {
        self.append(past).map_err(|error| self.trouble("written", &error))
    }

    /// Takes a statement out, however often it was run.
    pub fn forget(&self, text: &str) -> Result<(), Diagnosis> {
        let forget = || {
            let _lock = self.lock()?;
            let mut past = self.lines()?;
            past.retain(|past| past.text != text);
            self.rewrite(&past)
        };
        forget().map_err(|error| self.trouble("written", &error))
    }

    /// The newest statements of all targets, each with the name of its target, oldest first.
    pub fn everywhere(state: &Path) -> Result<Vec<(String, Past)>, Diagnosis> {
        let folder = state.join("history");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Journal { path: folder }.trouble("read", &error)),
        };
        let mut all = Vec::new();
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
            let Some(name) = name.filter(|_| path.extension().is_some_and(|end| end == "jsonl")) else { continue };
            // One file that cannot be read hides no other.
            let past = Journal { path }.read().unwrap_or_default();
            all.extend(past.into_iter().map(|past| (name.clone(), past)));
        }
        all.sort_by_key(|(_, past)| past.at);
        Ok(all)
    }

    fn lines(&self) -> io::Result<Vec<Past>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut past = Vec::new();
        for line in BufReader::new(file).split(b'\n') {
            if let Ok(one) = serde_json::from_slice(&line?) {
                past.push(one);
            }
        }
        Ok(past)
    }

    /// Whoever writes holds this: a file that is written anew while another gatepost appends would lose its line.
    fn lock(&self) -> io::Result<File> {
        if let Some(folder) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let path = self.path.with_extension("lock");
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        lock.lock()?;
        Ok(lock)
    }

    fn append(&self, past: &Past) -> io::Result<()> {
        let _lock = self.lock()?;
        let mut line = serde_json::to_vec(past)?;
        line.push(b'\n');
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
        file.write_all(&line)?;
        if file.metadata()?.len() > LONGEST {
            let past = self.lines()?;
            let size = |past: &&Past| past.text.len() + 100;
            let mut left = LEFT;
            let kept = past.iter().rev().take(READ).take_while(|past| {
                let fits = size(past) <= left;
                left = left.saturating_sub(size(past));
                fits
            });
            let kept = kept.count();
            self.rewrite(&past[past.len() - kept..])?;
        }
        Ok(())
    }

    fn rewrite(&self, past: &[Past]) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
        for one in past {
            serde_json::to_writer(&mut file, one)?;
            file.write_all(b"\n")?;
        }
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    fn trouble(&self, verb: &str, error: &io::Error) -> Diagnosis {
        let title = format!("The history in {} cannot be {verb}", self.path.display());
        Diagnosis::new(Kind::Local, title).because(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::query::Outcome;
    use std::os::unix::fs::PermissionsExt;

    fn past(text: &str) -> Past {
        Past { text: text.to_owned(), at: 1, outcome: Outcome::Done, took: 2, rows: 3 }
    }

    #[test]
    fn what_is_added_is_read_again_and_private() {
        let state = tempfile::tempdir().expect("a folder");
        let journal = Journal::new(state.path(), "../orders prod");
        assert_eq!(journal.read(), Ok(Vec::new()));
        for text in ["select 1;", "select '\n✓';"] {
            journal.add(&past(text)).expect("written");
        }
        OpenOptions::new().append(true).open(&journal.path).expect("open").write_all(b"{half a li\n").expect("write");
        journal.add(&past("select 3;")).expect("written");
        let texts: Vec<_> = journal.read().expect("read").into_iter().map(|past| past.text).collect();
        assert_eq!(texts, ["select 1;", "select '\n✓';", "select 3;"]);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&journal.path), 0o600);
        assert_eq!(mode(journal.path.parent().expect("a folder")), 0o700);
        assert!(journal.path.starts_with(state.path()), "{:?}", journal.path);
    }

    #[test]
    fn a_long_file_is_cut_to_its_newest_part_and_nothing_is_lost_meanwhile() {
        let state = tempfile::tempdir().expect("a folder");
        let filler = "x".repeat(3000);
        let newest = |writer: usize| format!("select 1499 -- {writer} {filler}");
        // Two gateposts at once; the file is cut while both write.
        std::thread::scope(|scope| {
            for writer in 0..2 {
                let (journal, filler) = (Journal::new(state.path(), "orders"), &filler);
                scope.spawn(move || {
                    for number in 0..1500 {
                        journal.add(&past(&format!("select {number} -- {writer} {filler}"))).expect("written");
                    }
                });
            }
        });
        let journal = Journal::new(state.path(), "orders");
        assert!(fs::metadata(&journal.path).expect("there").len() <= LONGEST);
        let read = journal.read().expect("read");
        assert!(read.len() <= READ && read.len() > 500, "{}", read.len());
        for writer in 0..2 {
            assert!(read.iter().any(|past| past.text == newest(writer)));
            // What is left of each is whole: no number is missing between the oldest and the newest.
            let marker = format!(" -- {writer} ");
            let numbers: Vec<usize> = read
                .iter()
                .filter_map(|past| past.text.strip_prefix("select ")?.split_once(&marker)?.0.parse().ok())
                .collect();
            assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");
        }
    }

    #[test]
    fn a_statement_is_forgotten_and_all_targets_are_read_together() {
        let state = tempfile::tempdir().expect("a folder");
        let (orders, billing) = (Journal::new(state.path(), "orders"), Journal::new(state.path(), "billing"));
        for (journal, text, at) in [(&orders, "a", 3), (&billing, "b", 2), (&orders, "a", 5), (&orders, "c", 4)] {
            journal.add(&Past { at, ..past(text) }).expect("written");
        }
        orders.forget("a").expect("forgotten");
        let all = Journal::everywhere(state.path()).expect("read");
        let all: Vec<_> = all.iter().map(|(target, past)| (target.as_str(), past.text.as_str())).collect();
        assert_eq!(all, [("billing", "b"), ("orders", "c")]);
    }
}
