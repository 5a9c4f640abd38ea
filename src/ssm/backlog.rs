//! Bytes that a stream's reader has not taken yet: a bounded amount in memory, the rest in an unlinked temporary file.
//!
//! smux version 1 has no window, so a reader that stops cannot be heard by the agent; refusing its bytes would stop
//! every stream of the session (that is what Amazon's client does), and dropping the stream would kill a database
//! connection for a pager left open. A file per stalled stream harms nobody: neighbours keep their pace, memory stays
//! bounded, no byte is lost. If the disk refuses, this one stream fails and says so.

use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Bytes of one stream kept in memory before the file is used.
pub const MEMORY: usize = 4 << 20;
/// The file is written and read in parts of about this size.
const PART: usize = 256 << 10;

/// A queue of bytes.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Oldest bytes.
    memory: VecDeque<Bytes>,
    in_memory: usize,
    /// Newer than those in memory, once there is one.
    spill: Option<Spill>,
}

#[derive(Debug)]
struct Spill {
    file: File,
    /// What is in the file and not read back: from, to.
    read: u64,
    written: u64,
    /// Newest bytes, on their way to the file.
    tail: BytesMut,
}

impl Backlog {
    /// Appends.
    ///
    /// # Errors
    /// The temporary file cannot be made or written.
    pub fn push(&mut self, bytes: Bytes) -> io::Result<()> {
        if self.spill.is_none() && self.in_memory + bytes.len() <= MEMORY {
            self.in_memory += bytes.len();
            self.memory.push_back(bytes);
            return Ok(());
        }
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill { file: tempfile::tempfile()?, read: 0, written: 0, tail: BytesMut::new() }),
        };
        spill.tail.extend_from_slice(&bytes);
        if spill.tail.len() >= PART {
            spill.file.seek(SeekFrom::Start(spill.written))?;
            spill.file.write_all(&spill.tail)?;
            spill.written += spill.tail.len() as u64;
            spill.tail.clear();
        }
        Ok(())
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.in_memory == 0 && self.spill.is_none()
    }

    /// Bytes held in memory now.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.in_memory + self.spill.as_ref().map_or(0, |spill| spill.tail.len())
    }

    /// Takes the oldest bytes, at most `most`; none when nothing waits.
    ///
    /// # Errors
    /// The temporary file cannot be read.
    pub fn pop(&mut self, most: usize) -> io::Result<Bytes> {
        if self.memory.is_empty() {
            self.read_back()?;
        }
        let Some(front) = self.memory.front_mut() else { return Ok(Bytes::new()) };
        let part = front.split_to(most.min(front.len()));
        if !front.has_remaining() {
            self.memory.pop_front();
        }
        self.in_memory -= part.len();
        Ok(part)
    }

    /// Brings the next part of the file, or what never reached it, into memory.
    fn read_back(&mut self) -> io::Result<()> {
        let Some(spill) = &mut self.spill else { return Ok(()) };
        let left = spill.written - spill.read;
        let part = if left == 0 {
            let tail = spill.tail.split().freeze();
            self.spill = None;
            tail
        } else {
            let mut part = vec![0; usize::try_from(left).unwrap_or(PART).min(PART)];
            spill.file.seek(SeekFrom::Start(spill.read))?;
            spill.file.read_exact(&mut part)?;
            spill.read += part.len() as u64;
            part.into()
        };
        if !part.is_empty() {
            self.in_memory += part.len();
            self.memory.push_back(part);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn memory_stays_bounded_and_the_order_whole() {
        let mut backlog = Backlog::default();
        let byte = |at: usize| (at % 251) as u8;
        let total = MEMORY * 5;
        for start in (0..total).step_by(1000) {
            backlog.push((start..total.min(start + 1000)).map(byte).collect()).expect("a temporary file");
            assert!(backlog.held() <= MEMORY + PART + 1000);
        }
        let mut at = 0;
        while !backlog.is_empty() {
            for got in backlog.pop(70_000).expect("its file") {
                assert_eq!(got, byte(at));
                at += 1;
            }
        }
        assert_eq!(at, total);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_order_of_pushes_and_pops_keeps_every_byte(
            steps in proptest::collection::vec((any::<bool>(), 1usize..900_000), 1..40)
        ) {
            let mut backlog = Backlog::default();
            let (mut put, mut got) = (0usize, 0usize);
            for (push, size) in steps {
                if push {
                    backlog.push((put..put + size).map(|at| (at % 251) as u8).collect()).expect("a temporary file");
                    put += size;
                } else {
                    let part = backlog.pop(size).expect("its file");
                    prop_assert!(part.iter().enumerate().all(|(at, byte)| *byte == ((got + at) % 251) as u8));
                    got += part.len();
                }
            }
            while !backlog.is_empty() {
                let part = backlog.pop(usize::MAX).expect("its file");
                prop_assert!(part.iter().enumerate().all(|(at, byte)| *byte == ((got + at) % 251) as u8));
                got += part.len();
            }
            prop_assert_eq!(put, got);
        }
    }
}
