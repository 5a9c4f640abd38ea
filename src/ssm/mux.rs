//! The client's side of smux: any number of streams over the channel's one byte stream. Pure but for a stalled reader's
//! file ([`super::backlog`]).
//!
//! What differs from the reference library, and why: each stream has its own backlog and none can stop another; writers
//! take turns, so a bulk upload does not stand in front of a cancel; a local half-close is no FIN while an answer may
//! come, because the agent closes both ways on FIN; a FIN goes out only behind the last byte.

use super::backlog::{Backlog, Popped};
use super::smux::{self, Broken, Decoder, HEADER, Piece};
use super::spool::Spool;
use bytes::{Buf, Bytes, BytesMut};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::task::Waker;

/// Bytes that one stream may have waiting to be sent.
const SEND_BUFFER: usize = 64 << 10;
/// A frame with less data than this is not squeezed into the end of a message.
const LEAST_PART: usize = 64;
/// Bytes that all streams together may hold for their readers before each is held to [`super::backlog::LEAST_MEMORY`].
const HELD: usize = 16 << 20;

/// The streams.
#[derive(Debug)]
pub struct Mux {
    next: u32,
    streams: HashMap<u32, Entry>,
    /// Streams that are gone here and whose FIN from the agent has not come: whether they had received data.
    leaving: HashMap<u32, bool>,
    /// Streams with something to send, in turn.
    turns: VecDeque<u32>,
    /// Answers to FINs.
    control: BytesMut,
    /// Bytes that wait in the streams.
    waiting: usize,
    /// Bytes that the backlogs hold in memory.
    held: usize,
    spool: Spool,
    /// The latest stream that has sent data, and the latest of which anything has come: an agent dials for one stream
    /// after the other, so what has come for one tells of all before it.
    asked: u32,
    answered: u32,
    decoder: Decoder,
    /// Flags 3 whose FIN has not come yet.
    refusals: usize,
    received: u64,
    sent: u64,
}

#[derive(Debug, Default)]
struct Entry {
    opened: bool,
    has_turn: bool,
    send: BytesMut,
    backlog: Backlog,
    received_data: bool,
    /// FIN came.
    closed: bool,
    /// The FIN meant that the agent could not connect.
    refused: bool,
    /// The backlog's file failed: bytes are missing after what is kept.
    failed: Option<io::Error>,
    /// Nobody here holds it any more; FIN follows the last byte.
    dropped: bool,
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
}

impl Default for Mux {
    fn default() -> Self {
        Self {
            next: smux::FIRST_CLIENT_STREAM,
            streams: HashMap::new(),
            leaving: HashMap::new(),
            turns: VecDeque::new(),
            control: BytesMut::new(),
            waiting: 0,
            held: 0,
            spool: Spool::default(),
            asked: 0,
            answered: 0,
            decoder: Decoder::new(),
            refusals: 0,
            received: 0,
            sent: 0,
        }
    }
}

impl Mux {
    /// A new stream; `None` when two thousand million have been.
    pub fn open(&mut self) -> Option<u32> {
        let id = self.next;
        self.next = id.checked_add(2)?;
        self.streams.insert(id, Entry::default());
        self.turn(id);
        Some(id)
    }

    /// Bytes of the agent's stream. Errors leave no way to go on.
    pub fn receive(&mut self, mut bytes: Bytes) -> Result<(), Broken> {
        while let Some(piece) = self.decoder.next(&mut bytes)? {
            match piece {
                Piece::Data(id, data) => {
                    self.answer(id);
                    self.data(id, data);
                }
                Piece::Close(id) => {
                    self.answer(id);
                    tracing::trace!(stream = id, "the agent closes it");
                    self.closed(id);
                }
                // The agent opens no streams, and its NOPs need no answer (old agents' do: the session sees to it).
                Piece::Open(_) | Piece::Nop => {}
            }
        }
        Ok(())
    }

    /// Flag 3: the next FIN of a stream without data means a refused connection.
    pub fn refusal(&mut self) {
        self.refusals += 1;
    }

    /// Whether [`Self::take`] has bytes.
    pub fn wants_send(&self) -> bool {
        !self.control.is_empty() || !self.turns.is_empty()
    }

    /// Bytes that wait to be sent, not counting headers.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// The next bytes of our stream, at most `most`, with whole smux frames; empty when nothing waits.
    pub fn take(&mut self, most: usize) -> Bytes {
        let mut out = BytesMut::new();
        if !self.control.is_empty() {
            let whole = most.min(self.control.len()) / HEADER * HEADER;
            out.extend_from_slice(&self.control.split_to(whole));
        }
        while out.len() + HEADER <= most
            && let Some(id) = self.turns.pop_front()
        {
            let Some(entry) = self.streams.get_mut(&id) else { continue };
            entry.has_turn = false;
            if !entry.opened {
                entry.opened = true;
                tracing::trace!(stream = id, "opens it");
                out.extend_from_slice(&smux::open(id));
            }
            let room = most.saturating_sub(out.len() + HEADER).min(smux::MAX_FRAME);
            let part = entry.send.len().min(room);
            if part > 0 && (part == entry.send.len() || part >= LEAST_PART || out.is_empty()) {
                smux::push(id, &entry.send[..part], &mut out);
                entry.send.advance(part);
                self.waiting -= part;
                self.sent += part as u64;
                self.asked = self.asked.max(id);
                if entry.send.len() <= SEND_BUFFER / 2
                    && let Some(writer) = entry.writer.take()
                {
                    writer.wake();
                }
            }
            if !entry.send.is_empty() {
                self.turn(id);
                if part < LEAST_PART {
                    break; // the message is full
                }
            } else if entry.dropped {
                if out.len() + HEADER <= most {
                    tracing::trace!(stream = id, "closes it");
                    out.extend_from_slice(&smux::close(id));
                    let received_data = entry.received_data;
                    self.leave(id, received_data);
                } else {
                    self.turn(id);
                    break;
                }
            }
        }
        out.freeze()
    }

    /// Reads at most `most` bytes; keeps the waker when there are none.
    pub fn read(&mut self, id: u32, most: usize, waker: &Waker) -> Read {
        let Some(entry) = self.streams.get_mut(&id) else { return Read::End };
        if !entry.backlog.is_empty() {
            self.held -= entry.backlog.held();
            let popped = entry.backlog.pop(most, waker);
            self.held += entry.backlog.held();
            return match popped {
                Popped::Bytes(data) => Read::Data(data),
                Popped::Pending => Read::Fetching,
                Popped::Failed(error) => Read::Failed(error),
            };
        }
        if let Some(error) = entry.failed.take() {
            entry.failed = Some(io::Error::new(error.kind(), error.to_string()));
            return Read::Failed(error);
        }
        if entry.refused {
            return Read::Refused;
        }
        if entry.closed {
            return Read::End;
        }
        keep(&mut entry.reader, waker);
        Read::Pending
    }

    /// Takes bytes to send; keeps the waker when there is no room.
    pub fn write(&mut self, id: u32, data: &[u8], waker: &Waker) -> Write {
        let Some(entry) = self.streams.get_mut(&id) else { return Write::Closed };
        if entry.closed || entry.finished {
            return Write::Closed;
        }
        let part = data.len().min(SEND_BUFFER - entry.send.len());
        if part == 0 && !data.is_empty() {
            keep(&mut entry.writer, waker);
            return Write::Pending;
        }
        entry.send.extend_from_slice(&data[..part]);
        self.waiting += part;
        self.turn(id);
        Write::Taken(part)
    }

    /// The writer is done. No FIN: an answer may still come, and the agent would drop it.
    pub fn finish(&mut self, id: u32) {
        if let Some(entry) = self.streams.get_mut(&id) {
            entry.finished = true;
        }
    }

    /// Nobody holds the stream any more: what waits is sent, then FIN.
    pub fn drop_stream(&mut self, id: u32) {
        let Some(entry) = self.streams.get_mut(&id) else { return };
        self.held -= entry.backlog.held();
        if entry.closed || (!entry.opened && entry.send.is_empty()) {
            self.streams.remove(&id);
            return;
        }
        entry.dropped = true;
        entry.backlog = Backlog::default();
        entry.reader = None;
        entry.writer = None;
        self.turn(id);
    }

    /// Bytes that stalled streams have on their way to their files.
    pub fn spooling(&self) -> usize {
        self.spool.under_way()
    }

    /// Makes the disk hang until what is given is dropped.
    #[cfg(test)]
    pub fn hang_disk(&mut self) -> std::sync::mpsc::Sender<()> {
        self.spool.hang()
    }

    /// Wakes every reader and writer, for the end of everything.
    pub fn wake_all(&mut self) {
        for entry in self.streams.values_mut() {
            entry.reader.take().into_iter().chain(entry.writer.take()).for_each(Waker::wake);
        }
    }

    /// Streams that somebody holds.
    pub fn count(&self) -> usize {
        self.streams.values().filter(|entry| !entry.dropped).count()
    }

    /// Bytes of data so far: received, sent.
    pub fn figures(&self) -> (u64, u64) {
        (self.received, self.sent)
    }

    /// The latest stream of which anything has come, where a later one has asked.
    pub fn unanswered_after(&self) -> Option<u32> {
        (self.asked > self.answered).then_some(self.answered)
    }

    fn answer(&mut self, id: u32) {
        // An agent that speaks of streams that never were does not make later ones answered.
        if id <= self.asked {
            self.answered = self.answered.max(id);
        }
    }

    fn data(&mut self, id: u32, data: Bytes) {
        self.received += data.len() as u64;
        // Unknown ids are dropped silently, as the reference library does: their stream is gone.
        if let Some(had) = self.leaving.get_mut(&id) {
            *had = true;
        }
        let Some(entry) = self.streams.get_mut(&id) else { return };
        entry.received_data = true;
        if entry.dropped || entry.closed || entry.failed.is_some() {
            return;
        }
        let short = self.held > HELD;
        self.held -= entry.backlog.held();
        let pushed = entry.backlog.push(data, short, &mut self.spool);
        self.held += entry.backlog.held();
        if let Err(error) = pushed {
            tracing::warn!(stream = id, %error, "a stalled stream's temporary file failed");
            entry.failed = Some(error);
        }
        if let Some(reader) = entry.reader.take() {
            reader.wake();
        }
    }

    fn closed(&mut self, id: u32) {
        if let Some(had_data) = self.leaving.remove(&id) {
            if !had_data && self.refusals > 0 {
                self.refusals -= 1;
            }
            return;
        }
        let Some(entry) = self.streams.get_mut(&id) else { return };
        if entry.closed {
            return;
        }
        entry.closed = true;
        if !entry.received_data && self.refusals > 0 {
            self.refusals -= 1;
            entry.refused = true;
        }
        // What the agent has not read by now it would throw away.
        self.waiting -= entry.send.len();
        entry.send.clear();
        entry.reader.take().into_iter().chain(entry.writer.take()).for_each(Waker::wake);
        self.control.extend_from_slice(&smux::close(id));
        if entry.dropped {
            self.streams.remove(&id);
        }
    }

    /// The stream is closed from here; its FIN from the agent is still to come.
    fn leave(&mut self, id: u32, received_data: bool) {
        self.streams.remove(&id);
        self.leaving.insert(id, received_data);
    }

    fn turn(&mut self, id: u32) {
        if let Some(entry) = self.streams.get_mut(&id)
            && !entry.has_turn
        {
            entry.has_turn = true;
            self.turns.push_back(id);
        }
    }
}

/// Keeps a waker, without a clone where it is the same one.
fn keep(place: &mut Option<Waker>, waker: &Waker) {
    match place {
        Some(kept) => kept.clone_from(waker),
        none => *none = Some(waker.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(bytes: &Bytes) -> Vec<Piece> {
        let (mut decoder, mut bytes) = (Decoder::new(), bytes.clone());
        std::iter::from_fn(|| decoder.next(&mut bytes).expect("our own frames")).collect()
    }

    fn written(mux: &mut Mux, data: &[u8]) -> u32 {
        let id = mux.open().expect("a number");
        assert_eq!(mux.write(id, data, Waker::noop()), Write::Taken(data.len()));
        id
    }

    #[test]
    fn ids_are_odd_from_three_and_opening_shares_a_message_with_the_first_bytes() {
        let mut mux = Mux::default();
        let (first, second) = (written(&mut mux, b"a"), written(&mut mux, b"b"));
        assert_eq!((first, second), (3, 5));
        let all = pieces(&mux.take(1024));
        let data = |id, text: &'static str| Piece::Data(id, Bytes::from_static(text.as_bytes()));
        assert_eq!(all, [Piece::Open(3), data(3, "a"), Piece::Open(5), data(5, "b")]);
        assert!(!mux.wants_send());
        assert_eq!(mux.waiting(), 0);
    }

    #[test]
    fn a_small_write_does_not_wait_behind_a_bulk_one() {
        let mut mux = Mux::default();
        written(&mut mux, &[1; SEND_BUFFER]);
        let small = written(&mut mux, b"cancel");
        let first = pieces(&mux.take(1024));
        let second = pieces(&mux.take(1024));
        assert!(first.iter().all(|piece| !matches!(piece, Piece::Data(id, _) if *id == small)));
        assert!(second.contains(&Piece::Data(small, Bytes::from_static(b"cancel"))), "{second:?}");
    }

    #[test]
    fn messages_are_never_too_long_and_nothing_is_lost() {
        for most in [16, 17, 23, 100, 1024, 40_000] {
            let mut mux = Mux::default();
            let ids: Vec<u32> = (0..5).map(|index| written(&mut mux, &vec![index; 9_000])).collect();
            ids.iter().for_each(|id| mux.drop_stream(*id));
            let (mut data, mut closed) = (0, 0);
            while mux.wants_send() {
                let bytes = mux.take(most);
                assert!(!bytes.is_empty() && bytes.len() <= most, "{most}: {}", bytes.len());
                for piece in pieces(&bytes) {
                    match piece {
                        Piece::Data(_, part) => data += part.len(),
                        Piece::Close(_) => closed += 1,
                        _ => {}
                    }
                }
            }
            assert_eq!((data, closed), (45_000, 5), "{most}");
        }
    }

    #[test]
    fn a_half_close_is_no_fin_and_an_unused_stream_leaves_no_trace() {
        let mut mux = Mux::default();
        let id = written(&mut mux, b"x");
        mux.finish(id);
        assert!(!pieces(&mux.take(1024)).contains(&Piece::Close(id)));
        assert_eq!(mux.write(id, b"y", Waker::noop()), Write::Closed);
        mux.receive(
            [smux::open(4), {
                let mut out = BytesMut::new();
                smux::push(id, b"answer", &mut out);
                out.freeze()
            }]
            .concat()
            .into(),
        )
        .expect("smux");
        assert!(matches!(mux.read(id, 100, Waker::noop()), Read::Data(data) if data == "answer"));
        mux.drop_stream(id);
        assert_eq!(pieces(&mux.take(1024)), [Piece::Close(id)]);

        let unused = mux.open().expect("a number");
        mux.drop_stream(unused);
        assert!(mux.take(1024).is_empty());
    }

    #[test]
    fn refusals_belong_to_streams_without_data() {
        let mut mux = Mux::default();
        let (served, refused, dropped) = (written(&mut mux, b"1"), written(&mut mux, b"2"), written(&mut mux, b"3"));
        mux.take(1024);
        let mut out = BytesMut::new();
        smux::push(served, b"hello", &mut out);
        out.extend_from_slice(&smux::close(served));
        mux.refusal();
        mux.receive(out.freeze()).expect("smux");
        mux.receive(smux::close(refused)).expect("smux");
        assert!(matches!(mux.read(served, 100, Waker::noop()), Read::Data(_)));
        assert!(matches!(mux.read(served, 100, Waker::noop()), Read::End));
        assert!(matches!(mux.read(refused, 100, Waker::noop()), Read::Refused));
        // A refusal of a stream that nobody holds any more is not blamed on the next one.
        mux.drop_stream(dropped);
        mux.take(1024);
        mux.refusal();
        mux.receive(smux::close(dropped)).expect("smux");
        let last = written(&mut mux, b"4");
        mux.receive(smux::close(last)).expect("smux");
        assert!(matches!(mux.read(last, 100, Waker::noop()), Read::End));
        assert!(mux.leaving.is_empty());
    }
}
