//! The history on disk: JSON lines, one file a target, mode 0600 in a folder of mode 0700. What two sessions write at once
//! stays whole, because each line is one appending write. It must not know which statements are kept out.

use super::order::{News, Past};
use super::worker::Tell;
use crate::model::{Diagnosis, Kind};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use tokio::task::JoinHandle;

/// Statements read at the start.
const READ: usize = 2000;
/// A file longer than this (bytes) is cut to its newest part when it is opened.
const LONGEST: u64 = 8 << 20;

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

    fn lines(&self) -> io::Result<Vec<Past>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let long = file.metadata()?.len() > LONGEST;
        let mut past = Vec::new();
        for line in BufReader::new(file).split(b'\n') {
            if let Ok(one) = serde_json::from_slice(&line?) {
                past.push(one);
            }
        }
        if long {
            past.drain(..past.len() - past.len().min(READ));
            self.rewrite(&past)?;
        }
        Ok(past)
    }

    fn append(&self, past: &Past) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut line = serde_json::to_vec(past)?;
        line.push(b'\n');
        OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?.write_all(&line)
    }

    fn rewrite(&self, past: &[Past]) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        for one in past {
            serde_json::to_writer(&mut file, one)?;
            file.write_all(b"\n")?;
        }
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    fn trouble(&self, verb: &str, error: &io::Error) -> Diagnosis {
        let title = format!("The history in {} cannot be {verb}", self.path.display());
        Diagnosis::new(Kind::Local, title).because(error.to_string())
    }
}

/// Reads the history and then writes what is sent, in order, on a thread where a slow disk holds nothing up.
pub fn keep(journal: Journal, tell: Tell) -> (Sender<Past>, JoinHandle<()>) {
    let (notes, waiting) = channel::<Past>();
    let writing = tokio::task::spawn_blocking(move || {
        match journal.read() {
            Ok(past) if past.is_empty() => {}
            Ok(past) => tell(News::History(past)),
            Err(diagnosis) => tell(News::Trouble(diagnosis)),
        }
        let mut told = false;
        for past in waiting {
            if let Err(diagnosis) = journal.add(&past)
                && !std::mem::replace(&mut told, true)
            {
                tell(News::Trouble(diagnosis));
            }
        }
    });
    (notes, writing)
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
    fn a_long_file_is_cut_to_its_newest_part() {
        let state = tempfile::tempdir().expect("a folder");
        let journal = Journal::new(state.path(), "orders");
        let filler = "x".repeat(3000);
        for number in 0..3000 {
            journal.add(&past(&format!("select {number} -- {filler}"))).expect("written");
        }
        let read = journal.read().expect("read");
        assert_eq!(read.len(), READ);
        assert!(read[READ - 1].text.starts_with("select 2999 "));
        assert!(fs::metadata(&journal.path).expect("there").len() < LONGEST);
    }
}
