//! Sorts keys with row numbers in bounded memory: runs of a bounded size are sorted and written one after another to an
//! unlinked file, then merged. It must not know what the keys mean.

use super::{Undone, stopped};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::sync::atomic::AtomicBool;

/// Bytes of keys and their places in one run. It bounds memory, whatever is sorted.
const RUN: usize = 16 << 20;
/// Bytes read at once of each run while merging.
const READ: usize = 64 << 10;

/// What was added so far.
pub struct Runs {
    keys: Vec<u8>,
    places: Vec<Place>,
    /// Where runs in the file end.
    ends: Vec<u64>,
    file: Option<File>,
    rows: usize,
    budget: usize,
}

#[derive(Clone, Copy)]
struct Place {
    start: u32,
    length: u32,
    row: u32,
}

impl Default for Runs {
    fn default() -> Runs {
        Runs::with_budget(RUN)
    }
}

impl Runs {
    /// Runs of about so many bytes.
    pub fn with_budget(budget: usize) -> Runs {
        Runs { keys: Vec::new(), places: Vec::new(), ends: Vec::new(), file: None, rows: 0, budget }
    }

    /// Adds a row. Rows are added in the order that equal ones keep.
    pub fn add(&mut self, key: &[u8], row: u32) -> io::Result<()> {
        if self.keys.len() + key.len() + (self.places.len() + 1) * size_of::<Place>() > self.budget
            && !self.places.is_empty()
        {
            self.write()?;
        }
        self.places.push(Place { start: self.keys.len() as u32, length: key.len() as u32, row });
        self.keys.extend_from_slice(key);
        self.rows += 1;
        Ok(())
    }

    /// All rows in the order of their keys.
    pub fn merge(mut self, stop: &AtomicBool) -> Result<Vec<u32>, Undone> {
        if self.ends.is_empty() {
            self.sort();
            return Ok(self.places.iter().map(|place| place.row).collect());
        }
        self.write()?;
        self.keys = Vec::new();
        self.places = Vec::new();
        let mut order = Vec::with_capacity(self.rows);
        let Some(file) = &self.file else { return Ok(order) };
        let mut start = 0;
        let mut readers = Vec::new();
        let mut heap = BinaryHeap::new();
        for end in &self.ends {
            let mut reader = Reader { file, at: start, end: *end, bytes: Vec::new(), from: 0 };
            if let Some((key, row)) = reader.next()? {
                heap.push(Reverse((key, row, readers.len())));
            }
            readers.push(reader);
            start = *end;
        }
        while let Some(Reverse((_, row, from))) = heap.pop() {
            order.push(row);
            if order.len().is_multiple_of(8192) {
                stopped(stop)?;
            }
            if let Some((key, row)) = readers[from].next()? {
                heap.push(Reverse((key, row, from)));
            }
        }
        Ok(order)
    }

    fn sort(&mut self) {
        let keys = &self.keys;
        let key = |place: &Place| &keys[place.start as usize..(place.start + place.length) as usize];
        self.places.sort_unstable_by(|a, b| key(a).cmp(key(b)).then(a.row.cmp(&b.row)));
    }

    fn write(&mut self) -> io::Result<()> {
        self.sort();
        if self.file.is_none() {
            let file = tempfile::tempfile_in(crate::access::result_set::temporary_folder())?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            self.file = Some(file);
        }
        let Some(file) = &self.file else { return Ok(()) };
        let mut out = BufWriter::with_capacity(READ, file);
        let mut end = self.ends.last().copied().unwrap_or(0);
        for place in &self.places {
            let key = &self.keys[place.start as usize..(place.start + place.length) as usize];
            out.write_all(&place.length.to_le_bytes())?;
            out.write_all(&place.row.to_le_bytes())?;
            out.write_all(key)?;
            end += 8 + u64::from(place.length);
        }
        out.flush()?;
        self.ends.push(end);
        self.keys.clear();
        self.places.clear();
        Ok(())
    }
}

/// Reads one run.
struct Reader<'a> {
    file: &'a File,
    at: u64,
    end: u64,
    bytes: Vec<u8>,
    from: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> io::Result<Option<(Vec<u8>, u32)>> {
        if !self.has(8)? {
            return Ok(None);
        }
        let number = |at: usize| {
            let bytes = &self.bytes[at..at + 4];
            u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
        };
        let (length, row) = (number(self.from) as usize, number(self.from + 4));
        if !self.has(8 + length)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let key = self.bytes[self.from + 8..self.from + 8 + length].to_vec();
        self.from += 8 + length;
        Ok(Some((key, row)))
    }

    /// Whether so many bytes are there, read where they are not.
    fn has(&mut self, wanted: usize) -> io::Result<bool> {
        while self.bytes.len() - self.from < wanted {
            self.bytes.drain(..self.from);
            self.from = 0;
            let more = (READ as u64).min(self.end - self.at) as usize;
            if more == 0 {
                return Ok(false);
            }
            let start = self.bytes.len();
            self.bytes.resize(start + more, 0);
            self.file.read_exact_at(&mut self.bytes[start..], self.at)?;
            self.at += more as u64;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_in_a_file_give_what_a_sort_in_memory_gives() {
        let keys: Vec<Vec<u8>> = (0..20_000_u64).map(|n| (n * 7919 % 4001).to_string().into_bytes()).collect();
        let mut expected: Vec<u32> = (0..keys.len() as u32).collect();
        expected.sort_by_key(|row| &keys[*row as usize]);
        for budget in [usize::MAX, 100_000, 3_000] {
            let mut runs = Runs::with_budget(budget);
            for (row, key) in keys.iter().enumerate() {
                runs.add(key, row as u32).expect("room on the disk");
            }
            assert_eq!(runs.file.is_none(), budget == usize::MAX);
            assert_eq!(runs.merge(&AtomicBool::new(false)).expect("merged"), expected, "budget {budget}");
        }
    }

    #[test]
    fn a_merge_can_be_stopped() {
        let mut runs = Runs::with_budget(100_000);
        (0..50_000_u32).for_each(|row| runs.add(&row.to_be_bytes(), row).expect("room on the disk"));
        assert!(matches!(runs.merge(&AtomicBool::new(true)), Err(Undone::Stopped)));
    }
}
