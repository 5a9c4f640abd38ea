//! All rows of a result kept so far: a bounded amount in memory, the rest in an unlinked temporary file that nobody else
//! can open (mode 0600) and that is gone with the process however it dies. Any range of rows is to be had in bounded time,
//! because only pages are indexed and a page is bounded by whoever made it. It must not know where rows come from, nor how
//! they are drawn.
//!
//! The head of a result stays in memory and what follows goes to the file as it comes, rather than the least recently used:
//! people begin at the top, and a result that streams would only churn a cache. Writes are plain blocking ones: they end in
//! the page cache, which costs less than handing every page to another thread.

use crate::model::{Column, Page, PageBuilder};
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
    file: Option<File>,
    file_end: u64,
    cache: VecDeque<(usize, Page)>,
}

#[derive(Debug)]
struct Entry {
    first: u64,
    rows: usize,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Memory(Page),
    File { offset: u64, ends: usize, text: usize },
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
                self.file = Some(file);
                Ok(())
            }),
        };
        written.map_err(|source| Full::Disk { folder: self.folder.clone(), source })?;
        let place = Place::File { offset: self.file_end, ends: ends.len(), text: text.len() };
        self.file_end += bytes.len() as u64;
        Ok(place)
    }

    fn page(&mut self, at: usize) -> io::Result<Page> {
        let (offset, ends, text) = match &self.index[at].place {
            Place::Memory(page) => return Ok(page.clone()),
            Place::File { offset, ends, text } => (*offset, *ends, *text),
        };
        if let Some((_, page)) = self.cache.iter().find(|(cached, _)| *cached == at) {
            return Ok(page.clone());
        }
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the temporary file of the result was damaged");
        let file = self.file.as_ref().ok_or_else(damaged)?;
        let mut bytes = vec![0; 4 * ends];
        file.read_exact_at(&mut bytes, offset)?;
        let ends: Vec<u32> =
            bytes.chunks_exact(4).map(|end| u32::from_le_bytes([end[0], end[1], end[2], end[3]])).collect();
        let mut words = vec![0; text];
        file.read_exact_at(&mut words, offset + bytes.len() as u64)?;
        let words = String::from_utf8(words).map_err(|_| damaged())?;
        let columns = self.columns.len();
        // Rows without columns leave nothing behind but their number.
        let rows = ends.len().checked_div(columns).unwrap_or(self.index[at].rows);
        let page = Page::from_raw(columns, rows, words, ends).ok_or_else(damaged)?;
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
fn temporary_folder() -> PathBuf {
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
mod tests {
    use super::*;

    const NO_LIMIT: Limits = Limits { memory: 1 << 20, rows: 0, bytes: 0 };

    fn columns(count: usize) -> Arc<[Column]> {
        (0..count).map(|n| Column { name: format!("c{n}"), oid: 25 }).collect()
    }

    fn cells(row: u64) -> [Option<String>; 3] {
        [Some(row.to_string()), (!row.is_multiple_of(7)).then(|| format!("é{row}")), Some(String::new())]
    }

    fn page(rows: Range<u64>) -> Page {
        let mut builder = PageBuilder::new(3);
        for row in rows {
            let cells = cells(row);
            builder.push(cells.iter().map(Option::as_deref));
        }
        builder.take()
    }

    fn check(set: &mut ResultSet, first: u64, count: u64) {
        let pieces = set.window(first, count, usize::MAX).expect("the file can be read");
        let mut row = first;
        for piece in &pieces {
            for at in piece.rows.clone() {
                let expected = cells(row);
                let expected: Vec<_> = expected.iter().map(Option::as_deref).collect();
                assert_eq!(piece.page.row(at).collect::<Vec<_>>(), expected, "row {row}");
                row += 1;
            }
        }
        assert_eq!(row, first.saturating_add(count).min(set.rows()).max(first), "window {first}+{count}");
    }

    #[test]
    fn millions_of_rows_in_bounded_memory_and_any_row_at_once() {
        let mut set = ResultSet::new(columns(3), NO_LIMIT);
        let total = 3_000_000u64;
        let (mut row, mut step, mut most) = (0, 1, 0);
        while row < total {
            let next = (row + step).min(total);
            set.push(page(row..next)).expect("no cap");
            row = next;
            step = step % 9000 + 37;
            most = most.max(set.memory());
        }
        assert_eq!(set.rows(), total);
        assert!(set.on_disk() > 30 << 20, "{}", set.on_disk());
        assert!(most < (1 << 20) + (1 << 19), "{most} bytes in memory");
        let mut at = 1u64;
        for _ in 0..500 {
            at = (at * 6_364_136_223 + 1_442_695) % total;
            check(&mut set, at, 120);
        }
        check(&mut set, 0, 10);
        check(&mut set, total - 5, 10);
        check(&mut set, total + 5, 10);
        assert!(set.memory() < 2 << 20, "{} bytes after reading", set.memory());
    }

    #[test]
    fn rows_that_trickle_are_joined() {
        let mut set = ResultSet::new(columns(3), NO_LIMIT);
        for row in 0..5_000 {
            set.push(page(row..row + 1)).expect("no cap");
            if row % 611 == 0 {
                check(&mut set, row.saturating_sub(400), 500);
            }
        }
        assert!(set.index.len() < 30, "{} pages", set.index.len());
        check(&mut set, 0, 5_000);
    }

    #[test]
    fn the_row_cap_keeps_exactly_so_many() {
        let mut set = ResultSet::new(columns(3), Limits { rows: 25, ..NO_LIMIT });
        set.push(page(0..20)).expect("under the cap");
        let full = set.push(page(20..40)).expect_err("over the cap");
        assert_eq!(full.to_string(), "only the first 25 rows are kept (setting row_limit)");
        assert_eq!(set.rows(), 25);
        check(&mut set, 0, 100);
        set.push(page(40..41)).expect_err("still full");
        assert_eq!(set.rows(), 25);
    }

    #[test]
    fn the_byte_cap_and_a_full_disk_lose_nothing_already_there() {
        let tight = Limits { memory: 200 << 10, rows: 0, bytes: 300 << 10 };
        let mut set = ResultSet::new(columns(3), tight);
        let mut row = 0;
        let full = loop {
            match set.push(page(row..row + 4000)) {
                Ok(()) => row += 4000,
                Err(full) => break full,
            }
        };
        assert_eq!(full.to_string(), "more than 307200 bytes on disk are not kept (setting byte_limit)");
        assert_eq!(set.rows(), row);
        check(&mut set, 0, row);

        let nowhere = PathBuf::from("/nonexistent/for/gatepost");
        let mut set = ResultSet::in_folder(columns(3), Limits { memory: 200 << 10, ..NO_LIMIT }, nowhere);
        let mut row = 0;
        let full = loop {
            match set.push(page(row..row + 4000)) {
                Ok(()) => row += 4000,
                Err(full) => break full,
            }
        };
        assert!(
            full.to_string().starts_with("rows can no longer be kept in a temporary file in /nonexistent"),
            "{full}"
        );
        assert!(row > 0);
        check(&mut set, 0, row);
    }

    #[test]
    fn a_result_at_rest_holds_no_memory() {
        let mut set = ResultSet::new(columns(3), NO_LIMIT);
        set.push(page(0..5000)).expect("no cap");
        set.push(page(5000..5010)).expect("no cap");
        assert_eq!(set.on_disk(), 0);
        set.rest().expect("the disk has room");
        assert!(set.memory() < 1 << 10, "{}", set.memory());
        check(&mut set, 0, 5010);
    }

    #[test]
    fn the_file_is_private_and_unlinked() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().expect("a folder");
        let limits = Limits { memory: 0, ..NO_LIMIT };
        let mut set = ResultSet::in_folder(columns(3), limits, folder.path().to_owned());
        set.push(page(0..5000)).expect("no cap");
        let facts = set.file.as_ref().expect("a file").metadata().expect("facts");
        assert_eq!(facts.mode() & 0o777, 0o600);
        assert_eq!(facts.nlink(), 0);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_window_of_enormous_rows_is_cut_by_bytes() {
        let mut set = ResultSet::new(columns(1), NO_LIMIT);
        let huge = "x".repeat(2 << 20);
        for _ in 0..10 {
            let mut builder = PageBuilder::new(1);
            builder.push([Some(huge.as_str())]);
            set.push(builder.take()).expect("no cap");
        }
        let rows = |pieces: Vec<Piece>| pieces.iter().map(|piece| piece.rows.len()).sum::<usize>();
        assert_eq!(rows(set.window(0, 10, 5 << 20).expect("readable")), 3);
        assert_eq!(rows(set.window(8, 10, 0).expect("readable")), 1);
        assert!(set.memory() < 2 << 20, "{}", set.memory());
    }

    #[test]
    fn rows_without_columns_are_counted() {
        let mut set = ResultSet::new(columns(0), Limits { memory: 0, ..NO_LIMIT });
        let mut builder = PageBuilder::new(0);
        (0..300).for_each(|_| builder.push([]));
        set.push(builder.take()).expect("no cap");
        set.rest().expect("the disk has room");
        assert_eq!(
            set.window(0, 1000, usize::MAX).expect("readable").iter().map(|piece| piece.rows.len()).sum::<usize>(),
            300
        );
    }
}
