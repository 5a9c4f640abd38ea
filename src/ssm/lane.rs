//! One stream's two queues: what its reader has not taken yet, and what its writer wants to send; with whoever waits at
//! either. Pure but for a stalled reader's file ([`super::backlog`]). It must not know other streams.

use super::backlog::{Backlog, Popped};
use super::spool::Spool;
use bytes::{Bytes, BytesMut};
use std::io;
use std::task::Waker;

/// Bytes that one stream may have waiting to be sent.
pub const SEND_BUFFER: usize = 64 << 10;

/// One stream.
#[derive(Debug, Default)]
pub struct Lane {
    /// SYN has been sent.
    pub opened: bool,
    /// It stands in the row of those with something to send.
    pub has_turn: bool,
    /// What waits to be sent.
    pub send: BytesMut,
    /// Something came for it.
    pub received_data: bool,
    /// FIN came.
    pub closed: bool,
    /// The FIN meant that the agent could not connect.
    pub refused: bool,
    /// Nobody here holds it any more; FIN follows the last byte.
    pub dropped: bool,
    backlog: Backlog,
    /// The backlog's file failed: bytes are missing after what is kept.
    failed: Option<io::Error>,
    /// The writer has said that it is done.
    finished: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// What a read came to.
#[derive(Debug)]
pub enum Read {
    /// Bytes.
    Data(Bytes),
    /// Nothing yet; the waker is kept.
    Pending,
    /// There are some, on their way from the stalled stream's file; the waker is kept.
    Fetching,
    /// FIN, and everything before it was read.
    End,
    /// The agent could not connect to the destination.
    Refused,
    /// The backlog's file failed.
    Failed(io::Error),
}

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// So many bytes were taken.
    Taken(usize),
    /// No room; the waker is kept.
    Pending,
    /// The agent has closed the stream, or the writer has.
    Closed,
    /// The agent could not connect to the destination.
    Refused,
}

impl Lane {
    /// Bytes that it holds in memory for its reader.
    pub fn held(&self) -> usize {
        self.backlog.held()
    }

    /// Reads at most `most` bytes; keeps the waker when there are none.
    pub fn read(&mut self, most: usize, waker: &Waker) -> Read {
        if !self.backlog.is_empty() {
            return match self.backlog.pop(most, waker) {
                Popped::Bytes(data) => Read::Data(data),
                Popped::Pending => Read::Fetching,
                Popped::Failed(error) => Read::Failed(error),
            };
        }
        if let Some(error) = &self.failed {
            return Read::Failed(io::Error::new(error.kind(), error.to_string()));
        }
        if self.refused {
            return Read::Refused;
        }
        if self.closed {
            return Read::End;
        }
        keep(&mut self.reader, waker);
        Read::Pending
    }

    /// Bytes for its reader; `short`: memory is.
    pub fn push(&mut self, data: Bytes, short: bool, spool: &mut Spool) {
        self.received_data = true;
        if self.dropped || self.closed || self.failed.is_some() {
            return;
        }
        if let Err(error) = self.backlog.push(data, short, spool) {
            tracing::warn!(%error, "a stalled stream's temporary file failed");
            self.failed = Some(error);
        }
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    /// Takes bytes to send; keeps the waker when there is no room.
    pub fn write(&mut self, data: &[u8], waker: &Waker) -> Write {
        if self.refused {
            return Write::Refused;
        }
        if self.closed || self.finished {
            return Write::Closed;
        }
        let part = data.len().min(SEND_BUFFER - self.send.len());
        if part == 0 && !data.is_empty() {
            keep(&mut self.writer, waker);
            return Write::Pending;
        }
        self.send.extend_from_slice(&data[..part]);
        Write::Taken(part)
    }

    /// Some of it was sent: half the buffer is worth a writer's turn.
    pub fn sent(&mut self) {
        if self.send.len() <= SEND_BUFFER / 2 {
            self.writer.take().into_iter().for_each(Waker::wake);
        }
    }

    /// The writer is done.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Nobody here holds it any more: what waits is still sent, what came is forgotten.
    pub fn drop_ends(&mut self) {
        self.dropped = true;
        self.backlog = Backlog::default();
        (self.reader, self.writer) = (None, None);
    }

    /// FIN came; what the agent has not read by now it would throw away.
    pub fn close(&mut self, refused: bool) {
        (self.closed, self.refused) = (true, refused);
        self.send.clear();
        self.wake();
    }

    /// Wakes whoever waits.
    pub fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }
}

/// Keeps a waker, without a clone where it is the same one.
fn keep(place: &mut Option<Waker>, waker: &Waker) {
    match place {
        Some(kept) => kept.clone_from(waker),
        none => *none = Some(waker.clone()),
    }
}
