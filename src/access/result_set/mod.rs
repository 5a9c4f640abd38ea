//! All rows of a result kept so far: a bounded amount in memory, the rest in an unlinked temporary file that nobody else
//! can open (mode 0600) and that is gone with the process however it dies. Any range of rows is to be had in bounded time,
//! because only pages are indexed and a page is bounded by whoever made it. It must not know where rows come from, nor how
//! they are drawn.
//!
//! The head of a result stays in memory and what follows goes to the file as it comes, rather than the least recently used:
//! people begin at the top, and a result that streams would only churn a cache. Writes are plain blocking ones: they end in
//! the page cache, which costs less than handing every page to another thread.

mod snapshot;
mod spill;

pub use snapshot::Snapshot;

use crate::model::{Column, Page, PageBuilder};
use spill::{Entry, Place, damaged};
use std::collections::VecDeque;
use std::fs::{File, Permissions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Pages at least this big (bytes) are kept as they come; smaller ones are joined first, or an index of pages would grow
/// with every row of a result that trickles in.
const WHOLE: usize = 32 << 10;
/// Small pages are joined when there are so many of them …
const JOIN_PAGES: usize = 256;
/// … or so many bytes.
const JOIN_BYTES: usize = 128 << 10;
/// Pages read back from the file that are kept for the next look.
const CACHED: usize = 4;

/// What bounds a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes kept in memory.
    pub memory: usize,
    /// Rows at most; zero is no cap.
    pub rows: u64,
    /// Bytes in the file at most; zero is no cap.
    pub bytes: u64,
}

/// Why a result takes no more. What it holds already stays.
#[derive(Debug, thiserror::Error)]
pub enum Full {
    /// The row cap.
    #[error("only the first {0} rows are kept (setting row_limit)")]
    Rows(u64),
    /// The byte cap.
    #[error("more than {} on disk are not kept (setting byte_limit)", bytes_in_words(*.0))]
    Bytes(u64),
    /// The temporary file cannot grow or cannot be made.
    #[error("rows can no longer be kept in a temporary file in {}: {source}", folder.display())]
    Disk {
        /// Where the file is.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A run of rows within one page. Cheap to clone: the page's text is shared.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The page.
    pub page: Page,
    /// Which of its rows.
    pub rows: Range<usize>,
}

/// All rows of one result kept so far.
#[derive(Debug)]
pub struct ResultSet {
    columns: Arc<[Column]>,
    limits: Limits,
    folder: PathBuf,
    index: Vec<Entry>,
    /// Small pages not yet joined, after everything in `index`.
    tail: Vec<Page>,
    tail_rows: u64,
    tail_bytes: usize,
    /// Rows in `index`.
    settled: u64,
    bytes: u64,
    memory: usize,
    file: Option<Arc<File>>,
    file_end: u64,
    cache: VecDeque<(usize, Page)>,
}

impl ResultSet {
    /// An empty result. Its file, once needed, is made in the system's folder for large temporary files.
    pub fn new(columns: Arc<[Column]>, limits: Limits) -> ResultSet {
        ResultSet::in_folder(columns, limits, temporary_folder())
    }

    /// An empty result whose file is made in `folder`.
    pub fn in_folder(columns: Arc<[Column]>, limits: Limits, folder: PathBuf) -> ResultSet {
        ResultSet {
            columns,
            limits,
            folder,
            index: Vec::new(),
            tail: Vec::new(),
            tail_rows: 0,
            tail_bytes: 0,
            settled: 0,
            bytes: 0,
            memory: 0,
            file: None,
            file_end: 0,
            cache: VecDeque::new(),
        }
    }

    /// Its columns.
    pub fn columns(&self) -> &Arc<[Column]> {
        &self.columns
    }

    /// Rows kept.
    pub fn rows(&self) -> u64 {
        self.settled + self.tail_rows
    }

    /// Bytes kept, in memory and in the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of memory it occupies: rows, index, pages read back.
    pub fn memory(&self) -> usize {
        let cached: usize = self.cache.iter().map(|(_, page)| page.size()).sum();
        self.memory + self.tail_bytes + cached + self.index.capacity() * size_of::<Entry>()
    }

    /// Bytes in the file.
    pub fn on_disk(&self) -> u64 {
        self.file_end
    }

    /// Adds rows. After an error the result is whole up to what it held, and as much of `page` as the row cap allows.
    pub fn push(&mut self, page: Page) -> Result<(), Full> {
        let room = match self.limits.rows {
            0 => u64::MAX,
            cap => cap.saturating_sub(self.rows()),
        };
        let full = page.rows() as u64 > room;
        let rows = page.rows().min(usize::try_from(room).unwrap_or(usize::MAX));
        if rows > 0 {
            if full || page.size() >= WHOLE {
                self.settle_tail()?;
                self.settle(page, rows)?;
            } else {
                self.bytes += page.size() as u64;
                self.tail_rows += rows as u64;
                self.tail_bytes += page.size();
                self.tail.push(page);
                if self.tail.len() >= JOIN_PAGES || self.tail_bytes >= JOIN_BYTES {
                    self.settle_tail()?;
                }
            }
        }
        if full { Err(Full::Rows(self.limits.rows)) } else { Ok(()) }
    }

    /// Moves what is in memory to the file, so that another result may have the memory.
    pub fn rest(&mut self) -> Result<(), Full> {
        self.limits.memory = 0;
        self.cache.clear();
        self.settle_tail()?;
        for at in 0..self.index.len() {
            if let Place::Memory(page) = &self.index[at].place {
                let page = page.clone();
                self.index[at].place = self.write(&page)?;
                self.memory -= page.size();
            }
        }
        Ok(())
    }

    /// Rows `first..first + count`, as far as there are any, and no more pages once those given hold more than `bytes`
    /// (but at least one): rows of many megabytes each would else undo the bound on memory.
    pub fn window(&mut self, first: u64, count: u64, bytes: usize) -> io::Result<Vec<Piece>> {
        let mut given = 0;
        let end = first.saturating_add(count).min(self.rows());
        let mut pieces = Vec::new();
        let mut row = first;
        let mut at = self.index.partition_point(|entry| entry.first + entry.rows as u64 <= first);
        while row < end.min(self.settled) {
            if given > bytes {
                return Ok(pieces);
            }
            let entry = &self.index[at];
            let from = (row - entry.first) as usize;
            let to = (end - entry.first).min(entry.rows as u64) as usize;
            row = entry.first + to as u64;
            let page = self.page(at)?;
            given += page.size();
            pieces.push(Piece { page, rows: from..to });
            at += 1;
        }
        let mut start = self.settled;
        for page in &self.tail {
            let next = start + page.rows() as u64;
            if row < end && row < next {
                let to = end.min(next);
                pieces.push(Piece { page: page.clone(), rows: (row - start) as usize..(to - start) as usize });
                row = to;
            }
            start = next;
        }
        Ok(pieces)
    }

    /// What is kept now, for who reads on another thread while more comes.
    pub fn snapshot(&self) -> Snapshot {
        let mut index = self.index.clone();
        let mut first = self.settled;
        for page in &self.tail {
            index.push(Entry { first, rows: page.rows(), place: Place::Memory(page.clone()) });
            first += page.rows() as u64;
        }
        Snapshot::new(Arc::clone(&self.columns), index, self.file.clone())
    }

    fn settle_tail(&mut self) -> Result<(), Full> {
        if self.tail.is_empty() {
            return Ok(());
        }
        let page = match self.tail.as_slice() {
            [one] => one.clone(),
            several => {
                let mut joined = PageBuilder::new(self.columns.len());
                for page in several {
                    for row in 0..page.rows() {
                        joined.push(page.row(row));
                    }
                }
                joined.take()
            }
        };
        let rows = page.rows();
        self.settle(page, rows)?;
        // Only now: had the disk refused, the rows would still be had from the tail.
        self.bytes -= self.tail_bytes as u64;
        self.tail.clear();
        (self.tail_rows, self.tail_bytes) = (0, 0);
        Ok(())
    }

    fn settle(&mut self, page: Page, rows: usize) -> Result<(), Full> {
        let size = page.size();
        let place = if self.memory + size <= self.limits.memory {
            self.memory += size;
            Place::Memory(page)
        } else {
            self.write(&page)?
        };
        self.index.push(Entry { first: self.settled, rows, place });
        self.settled += rows as u64;
        self.bytes += size as u64;
        Ok(())
    }

    fn write(&mut self, page: &Page) -> Result<Place, Full> {
        let (text, ends) = page.raw();
        let mut bytes = Vec::with_capacity(4 * ends.len() + text.len());
        ends.iter().for_each(|end| bytes.extend_from_slice(&end.to_le_bytes()));
        bytes.extend_from_slice(text.as_bytes());
        if self.limits.bytes != 0 && self.file_end + bytes.len() as u64 > self.limits.bytes {
            return Err(Full::Bytes(self.limits.bytes));
        }
        let written = match &self.file {
            Some(file) => file.write_all_at(&bytes, self.file_end),
            None => tempfile::tempfile_in(&self.folder).and_then(|file| {
                // O_TMPFILE files take the umask's mode, and /proc would show them to whom it lets in.
                file.set_permissions(Permissions::from_mode(0o600))?;
                file.write_all_at(&bytes, 0)?;
                self.file = Some(Arc::new(file));
                Ok(())
            }),
        };
        written.map_err(|source| Full::Disk { folder: self.folder.clone(), source })?;
        let place = Place::File { offset: self.file_end, ends: ends.len(), text: text.len() };
        self.file_end += bytes.len() as u64;
        Ok(place)
    }

    fn page(&mut self, at: usize) -> io::Result<Page> {
        let entry = &self.index[at];
        if let Place::Memory(page) = &entry.place {
            return Ok(page.clone());
        }
        if let Some((_, page)) = self.cache.iter().find(|(cached, _)| *cached == at) {
            return Ok(page.clone());
        }
        let page = entry.page(self.file.as_deref().ok_or_else(damaged)?, self.columns.len())?;
        if self.cache.len() >= CACHED {
            self.cache.pop_front();
        }
        // A page beyond the budget (one enormous cell) is read again rather than kept.
        if page.size() <= self.limits.memory / CACHED || page.size() <= JOIN_BYTES {
            self.cache.push_back((at, page.clone()));
        }
        Ok(page)
    }
}

/// Where large temporary files belong: `/tmp` is memory on many Linux systems (FHS 3.0 §5.15 gives `/var/tmp` for what is
/// larger), unless the user named another folder.
pub(super) fn temporary_folder() -> PathBuf {
    let usual = std::env::temp_dir();
    let large = Path::new("/var/tmp");
    if usual == Path::new("/tmp") && large.is_dir() { large.to_owned() } else { usual }
}

fn bytes_in_words(bytes: u64) -> String {
    match bytes {
        b if b >= 1 << 30 => format!("{:.1} GiB", b as f64 / (1u64 << 30) as f64),
        b if b >= 1 << 20 => format!("{:.1} MiB", b as f64 / (1u64 << 20) as f64),
        b => format!("{b} bytes"),
    }
}

#[cfg(test)]
mod tests;
