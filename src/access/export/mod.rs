//! A result to a file, as `query --format` would print it. The file has its name only when it is whole: until then it is
//! `NAME.part`, which stays when the export is stopped or the disk is full, and is gone on from. Memory is bounded whatever
//! the result's size. It must not know who asks, nor what is shown meanwhile.

mod selection;

pub use selection::Selection;

use super::format::{Format, Writer};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes gathered before they are written.
const CHUNK: usize = 256 << 10;

/// What is to be written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The file's name when it is whole.
    pub path: PathBuf,
    /// How rows are spelled.
    pub format: Format,
    /// What stands for NULL; `None` is the format's own.
    pub null: Option<String>,
    /// What INSERT statements name, as SQL spells it; `None` where nobody knows.
    pub table: Option<String>,
    /// A file of that name, or what an export before left, may be written over.
    pub overwrite: bool,
}

/// A file that is not whole: it ends after a whole row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `NAME.part`.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// Bytes of it.
    pub bytes: u64,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The file is whole.
    Whole {
        /// Its name.
        path: PathBuf,
        /// Rows in it.
        rows: u64,
        /// Bytes of it.
        bytes: u64,
    },
    /// It was stopped on the way.
    Stopped(Part),
}

/// Why nothing, or not everything, was written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// A file of that name is there, and writing over it was not asked for.
    #[error("the file {} is there already", .0.display())]
    Exists(PathBuf),
    /// The part to go on from is not as it was left.
    #[error("the file {} is not as it was left", .0.display())]
    Changed(PathBuf),
    /// The file cannot be written.
    #[error("the file {} cannot be written: {source}", path.display())]
    Disk {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// What is in it, if it was begun.
        part: Option<Part>,
    },
    /// The rows cannot be read back.
    #[error("rows cannot be read back from the temporary file: {0}")]
    Rows(#[from] io::Error),
}

/// `NAME.part`.
pub fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Writes `selection` as `plan` says, or goes on from a part that the same plan and selection left. `progress` hears rows
/// and bytes so far. Blocking.
pub fn export(
    selection: &Selection,
    plan: &Plan,
    resume: Option<&Part>,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Written, Unwritten> {
    if !plan.overwrite && plan.path.symlink_metadata().is_ok() {
        return Err(Unwritten::Exists(plan.path.clone()));
    }
    let path = part_of(&plan.path);
    let file = open(&path, plan, resume)?;
    let mut sink = Sink {
        file,
        path,
        skip: resume.map_or(0, |part| part.bytes),
        known: resume.map_or(0, |part| part.rows),
        bytes: 0,
        rows: 0,
        error: None,
    };
    let mut writer = Writer::new(plan.format, plan.null.clone(), false);
    if let Some(table) = &plan.table {
        writer = writer.into_table(table);
    }
    let mut chunk = Vec::with_capacity(CHUNK * 2);
    let mut given = 0;
    let mut stopped = false;
    writer.columns(&mut chunk, selection.header());
    selection.each(|page| {
        if stop.load(Ordering::Relaxed) {
            stopped = true;
            return Ok(false);
        }
        given += page.rows() as u64;
        writer.rows(&mut chunk, page);
        if chunk.len() >= CHUNK {
            sink.put(&mut chunk, given - writer.held());
            progress(given - writer.held(), sink.bytes);
        }
        Ok(sink.error.is_none())
    })?;
    if !stopped && sink.error.is_none() {
        writer.finish(&mut chunk, given);
    }
    let rows = if stopped { given - writer.held() } else { given };
    sink.put(&mut chunk, rows);
    progress(sink.rows, sink.bytes);
    sink.end(plan, stopped)
}

fn open(path: &Path, plan: &Plan, resume: Option<&Part>) -> Result<File, Unwritten> {
    let refused = |source| Unwritten::Disk { path: path.to_owned(), source, part: None };
    let mut options = OpenOptions::new();
    options.write(true);
    if let Some(part) = resume {
        let mut file = options.open(path).map_err(|_| Unwritten::Changed(path.to_owned()))?;
        let length = file.metadata().map_err(refused)?.len();
        if length != part.bytes || part.path != path {
            return Err(Unwritten::Changed(path.to_owned()));
        }
        file.seek(SeekFrom::End(0)).map_err(refused)?;
        return Ok(file);
    }
    // Whoever writes over a part loses what is in it; not even to a link to somewhere else.
    if plan.overwrite && path.symlink_metadata().is_ok() {
        std::fs::remove_file(path).map_err(refused)?;
    }
    options.create_new(true).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Unwritten::Exists(path.to_owned()),
        _ => refused(error),
    })
}

/// The file being written. An error is kept, with the file cut back to the last whole row.
struct Sink {
    file: File,
    path: PathBuf,
    /// Bytes that are in the file already: they are made again, which costs less than remembering how each format stood.
    skip: u64,
    /// Rows of them.
    known: u64,
    /// Bytes of whole rows in the file.
    bytes: u64,
    rows: u64,
    error: Option<io::Error>,
}

impl Sink {
    /// Writes what has gathered, which ends after `rows` rows.
    fn put(&mut self, chunk: &mut Vec<u8>, rows: u64) {
        if self.error.is_none() {
            let known = self.skip.saturating_sub(self.bytes).min(chunk.len() as u64) as usize;
            match self.file.write_all(&chunk[known..]) {
                Ok(()) => {
                    self.bytes += chunk.len() as u64;
                    self.rows = rows;
                }
                Err(error) => {
                    // Cutting frees space rather than taking it.
                    let _ = self.file.set_len(self.bytes.max(self.skip));
                    self.error = Some(error);
                }
            }
        }
        chunk.clear();
    }

    fn end(mut self, plan: &Plan, stopped: bool) -> Result<Written, Unwritten> {
        // A full disk, or a quota, may be told as late as here.
        let synced = self.error.take().map_or_else(|| self.file.sync_all(), Err);
        // Stopped while still going over what was there: there is more in it than was counted.
        let part = Part { path: self.path.clone(), rows: self.rows.max(self.known), bytes: self.bytes.max(self.skip) };
        if let Err(source) = synced {
            return Err(Unwritten::Disk { path: self.path, source, part: Some(part) });
        }
        if stopped {
            return Ok(Written::Stopped(part));
        }
        let named = if plan.overwrite {
            std::fs::rename(&self.path, &plan.path)
        } else {
            // A link refuses where a rename would replace what came to be there meanwhile; some file systems have none.
            match std::fs::hard_link(&self.path, &plan.path) {
                Ok(()) => std::fs::remove_file(&self.path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                Err(_) => std::fs::rename(&self.path, &plan.path),
            }
        };
        match named {
            Ok(()) => Ok(Written::Whole { path: plan.path.clone(), rows: self.rows, bytes: self.bytes }),
            Err(source) => Err(Unwritten::Disk { path: plan.path.clone(), source, part: Some(part) }),
        }
    }
}

#[cfg(test)]
mod tests;
