//! Bytes that a stream's reader has not taken yet: a bounded amount in memory, the rest in an unlinked temporary file.
//!
//! smux version 1 has no window, so a reader that stops cannot be heard by the agent; refusing its bytes would stop
//! every stream of the session (that is what Amazon's client does), and dropping the stream would kill a database
//! connection for a pager left open. A file per stalled stream harms nobody: neighbours keep their pace, memory stays
//! bounded, no byte is lost. The disk is never waited for here ([`super::spool`] does); if it refuses, this one stream
//! fails and says so.

use super::spool::{Fetched, Spool, Spooled};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use std::io;
use std::task::Waker;

/// Bytes of one stream kept in memory before the file is used.
pub const MEMORY: usize = 4 << 20;
/// The same where memory is short: many streams are stalled.
pub const LEAST_MEMORY: usize = 64 << 10;
/// The file is written and read in parts of about this size.
const PART: usize = 256 << 10;
/// And of this size where memory is short.
const LEAST_PART: usize = 16 << 10;

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
    file: Spooled,
    /// What is in the file and not read back: from, to.
    read: u64,
    written: u64,
    /// Newest bytes, on their way to the file.
    tail: BytesMut,
}

/// What [`Backlog::pop`] came to.
#[derive(Debug)]
pub enum Popped {
    /// The oldest bytes; none when nothing waits.
    Bytes(Bytes),
    /// They are being read from the file; the waker is kept.
    Pending,
    /// The file failed.
    Failed(io::Error),
}

impl Backlog {
    /// Appends; `short`: all streams together hold much memory.
    ///
    /// # Errors
    /// The temporary file failed.
    pub fn push(&mut self, bytes: Bytes, short: bool, spool: &mut Spool) -> io::Result<()> {
        let (memory, part) = if short { (LEAST_MEMORY, LEAST_PART) } else { (MEMORY, PART) };
        if self.spill.is_none() && self.in_memory + bytes.len() <= memory {
            self.in_memory += bytes.len();
            self.memory.push_back(bytes);
            return Ok(());
        }
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill { file: spool.file()?, read: 0, written: 0, tail: BytesMut::new() }),
        };
        spill.tail.extend_from_slice(&bytes);
        if spill.tail.len() >= part {
            let tail = spill.tail.split().freeze();
            let at = spill.written;
            spill.written += tail.len() as u64;
            spill.file.write(at, tail)?;
        }
        Ok(())
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.in_memory == 0 && self.spill.is_none()
    }

    /// Bytes held in memory now, but those that are on their way to the file.
    pub fn held(&self) -> usize {
        self.in_memory + self.spill.as_ref().map_or(0, |spill| spill.tail.len())
    }

    /// Takes the oldest bytes, at most `most`.
    pub fn pop(&mut self, most: usize, waker: &Waker) -> Popped {
        if self.memory.is_empty()
            && let Some(spill) = &mut self.spill
        {
            let left = spill.written - spill.read;
            let part = if left == 0 {
                let tail = spill.tail.split().freeze();
                self.spill = None;
                tail
            } else {
                let length = usize::try_from(left).unwrap_or(PART).min(PART);
                match spill.file.fetch(spill.read, length, waker) {
                    // As long as it was when it was first asked for; more may have been written since.
                    Fetched::Bytes(part) => {
                        spill.read += part.len() as u64;
                        part
                    }
                    Fetched::Pending => return Popped::Pending,
                    Fetched::Failed(error) => return Popped::Failed(error),
                }
            };
            if !part.is_empty() {
                self.in_memory += part.len();
                self.memory.push_back(part);
            }
        }
        let Some(front) = self.memory.front_mut() else { return Popped::Bytes(Bytes::new()) };
        let part = front.split_to(most.min(front.len()));
        if !front.has_remaining() {
            self.memory.pop_front();
        }
        self.in_memory -= part.len();
        Popped::Bytes(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::thread::{Thread, current, park};

    struct Unpark(Thread);

    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    /// As a reader that waits for the file.
    fn pop(backlog: &mut Backlog, most: usize) -> Bytes {
        let waker = Waker::from(Arc::new(Unpark(current())));
        loop {
            match backlog.pop(most, &waker) {
                Popped::Bytes(bytes) => return bytes,
                Popped::Pending => park(),
                Popped::Failed(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn memory_stays_bounded_and_the_order_whole() {
        let (mut backlog, mut spool) = (Backlog::default(), Spool::default());
        let byte = |at: usize| (at % 251) as u8;
        let total = MEMORY * 5;
        for start in (0..total).step_by(1000) {
            let bytes = (start..total.min(start + 1000)).map(byte).collect();
            backlog.push(bytes, false, &mut spool).expect("a temporary file");
            assert!(backlog.held() <= MEMORY + PART + 1000);
        }
        let mut at = 0;
        while !backlog.is_empty() {
            for got in pop(&mut backlog, 70_000) {
                assert_eq!(got, byte(at));
                at += 1;
            }
        }
        assert_eq!(at, total);
        assert_eq!(spool.under_way(), 0);
    }

    #[test]
    fn where_memory_is_short_little_of_it_is_used() {
        let (mut backlog, mut spool) = (Backlog::default(), Spool::default());
        for _ in 0..2000 {
            backlog.push(Bytes::from_static(&[7; 1000]), true, &mut spool).expect("a temporary file");
            assert!(backlog.held() <= LEAST_MEMORY + LEAST_PART + 1000);
        }
        let mut got = 0;
        while !backlog.is_empty() {
            got += pop(&mut backlog, usize::MAX).len();
        }
        assert_eq!(got, 2_000_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_order_of_pushes_and_pops_keeps_every_byte(
            steps in proptest::collection::vec((any::<bool>(), any::<bool>(), 1usize..900_000), 1..40)
        ) {
            let (mut backlog, mut spool) = (Backlog::default(), Spool::default());
            let (mut put, mut got) = (0usize, 0usize);
            for (push, short, size) in steps {
                if push {
                    let bytes = (put..put + size).map(|at| (at % 251) as u8).collect();
                    backlog.push(bytes, short, &mut spool).expect("a temporary file");
                    put += size;
                } else {
                    let part = pop(&mut backlog, size);
                    prop_assert!(part.iter().enumerate().all(|(at, byte)| *byte == ((got + at) % 251) as u8));
                    got += part.len();
                }
            }
            while !backlog.is_empty() {
                let part = pop(&mut backlog, usize::MAX);
                prop_assert!(part.iter().enumerate().all(|(at, byte)| *byte == ((got + at) % 251) as u8));
                got += part.len();
            }
            prop_assert_eq!(put, got);
        }
    }
}
