//! The client's side of smux: any number of streams over the channel's one byte stream. Pure but for a stalled reader's
//! file ([`super::backlog`]).
//!
//! What differs from the reference library, and why: each stream has its own backlog and none can stop another; writers
//! take turns, so a bulk upload does not stand in front of a cancel; a local half-close is no FIN while an answer may
//! come, because the agent closes both ways on FIN; a FIN goes out only behind the last byte.

use super::SpoolFolder;
use super::dials::Dials;
use super::lane::Lane;
pub use super::lane::{Read, Write};
use super::smux::{self, Broken, Decoder, HEADER, Piece};
use super::spool::Spool;
use bytes::{Buf, Bytes, BytesMut};
use std::collections::{HashMap, VecDeque};
use std::task::Waker;

/// A frame with less data than this is not squeezed into the end of a message.
const LEAST_PART: usize = 64;
/// Bytes that all streams together may hold for their readers before each is held to [`super::backlog::LEAST_MEMORY`].
const HELD: usize = 16 << 20;

/// The streams.
#[derive(Debug)]
pub struct Mux {
    next: u32,
    streams: HashMap<u32, Lane>,
    /// Streams with something to send, in turn.
    turns: VecDeque<u32>,
    /// Answers to FINs.
    control: BytesMut,
    /// Bytes that wait in the streams.
    waiting: usize,
    /// Bytes that the backlogs hold in memory.
    held: usize,
    spool: Spool,
    dials: Dials,
    decoder: Decoder,
    received: u64,
    sent: u64,
}

impl Default for Mux {
    fn default() -> Self {
        Self {
            next: smux::FIRST_CLIENT_STREAM,
            streams: HashMap::new(),
            turns: VecDeque::new(),
            control: BytesMut::new(),
            waiting: 0,
            held: 0,
            spool: Spool::default(),
            dials: Dials::default(),
            decoder: Decoder::new(),
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
        self.streams.insert(id, Lane::default());
        self.turn(id);
        Some(id)
    }

    /// Bytes of the agent's stream. Errors leave no way to go on.
    pub fn receive(&mut self, mut bytes: Bytes) -> Result<(), Broken> {
        while let Some(piece) = self.decoder.next(&mut bytes)? {
            match piece {
                Piece::Data(id, data) => self.data(id, data),
                Piece::Close(id) => {
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
        self.dials.refusal();
    }

    /// Whether [`Self::take`] has bytes.
    pub fn wants_send(&self) -> bool {
        !self.control.is_empty() || !self.turns.is_empty()
    }

    /// Bytes that wait to be sent, not counting headers.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Appends the next bytes of our stream to `out`, at most `most`, in whole smux frames; none when nothing waits.
    pub fn take(&mut self, most: usize, out: &mut BytesMut) {
        let (start, most) = (out.len(), out.len() + most);
        if !self.control.is_empty() {
            let whole = (most - start).min(self.control.len()) / HEADER * HEADER;
            out.extend_from_slice(&self.control[..whole]);
            self.control.advance(whole);
        }
        while out.len() + HEADER <= most
            && let Some(id) = self.turns.pop_front()
        {
            let Some(lane) = self.streams.get_mut(&id) else { continue };
            lane.has_turn = false;
            if !lane.opened {
                lane.opened = true;
                tracing::trace!(stream = id, "opens it");
                out.extend_from_slice(&smux::open(id));
            }
            let room = most.saturating_sub(out.len() + HEADER).min(smux::MAX_FRAME);
            let part = lane.send.len().min(room);
            if part > 0 && (part == lane.send.len() || part >= LEAST_PART || out.len() == start) {
                smux::push(id, &lane.send[..part], out);
                lane.send.advance(part);
                lane.sent();
                self.waiting -= part;
                self.sent += part as u64;
                self.dials.asked(id);
            }
            if !lane.send.is_empty() {
                self.turn(id);
                if part < LEAST_PART {
                    break; // the message is full
                }
            } else if lane.dropped {
                if out.len() + HEADER <= most {
                    tracing::trace!(stream = id, "closes it");
                    out.extend_from_slice(&smux::close(id));
                    self.dials.leave(id, lane.received_data);
                    self.streams.remove(&id);
                } else {
                    self.turn(id);
                    break;
                }
            }
        }
    }

    /// Reads at most `most` bytes; keeps the waker when there are none.
    pub fn read(&mut self, id: u32, most: usize, waker: &Waker) -> Read {
        let Some(lane) = self.streams.get_mut(&id) else { return Read::End };
        self.held -= lane.held();
        let read = lane.read(most, waker);
        self.held += lane.held();
        read
    }

    /// Takes bytes to send; keeps the waker when there is no room.
    pub fn write(&mut self, id: u32, data: &[u8], waker: &Waker) -> Write {
        let Some(lane) = self.streams.get_mut(&id) else { return Write::Closed };
        let write = lane.write(data, waker);
        if let Write::Taken(part) = write {
            self.waiting += part;
            self.turn(id);
        }
        write
    }

    /// The writer is done. No FIN: an answer may still come, and the agent would drop it.
    pub fn finish(&mut self, id: u32) {
        self.streams.get_mut(&id).into_iter().for_each(Lane::finish);
    }

    /// Nobody holds the stream any more: what waits is sent, then FIN.
    pub fn drop_stream(&mut self, id: u32) {
        let Some(lane) = self.streams.get_mut(&id) else { return };
        self.held -= lane.held();
        if lane.closed || (!lane.opened && lane.send.is_empty()) {
            self.streams.remove(&id);
            return;
        }
        lane.drop_ends();
        self.turn(id);
    }

    /// Where the files of stalled streams are made.
    pub fn spool_to(&mut self, folder: SpoolFolder) {
        self.spool = Spool::in_folder(folder);
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
        self.streams.values_mut().for_each(Lane::wake);
    }

    /// Streams that somebody holds.
    pub fn count(&self) -> usize {
        self.streams.values().filter(|lane| !lane.dropped).count()
    }

    /// Bytes of data so far: received, sent.
    pub fn figures(&self) -> (u64, u64) {
        (self.received, self.sent)
    }

    /// The latest stream of which anything has come, where a later one has asked.
    pub fn unanswered_after(&self) -> Option<u32> {
        self.dials.unanswered_after()
    }

    fn data(&mut self, id: u32, data: Bytes) {
        self.received += data.len() as u64;
        self.dials.received(id);
        // Unknown ids are dropped silently, as the reference library does: their stream is gone.
        let Some(lane) = self.streams.get_mut(&id) else { return };
        let short = self.held > HELD;
        self.held -= lane.held();
        lane.push(data, short, &mut self.spool);
        self.held += lane.held();
    }

    fn closed(&mut self, id: u32) {
        self.dials.answered(id);
        if self.dials.has_left(id) {
            return;
        }
        let Some(lane) = self.streams.get_mut(&id).filter(|lane| !lane.closed) else { return };
        self.waiting -= lane.send.len();
        lane.close(self.dials.is_refused(lane.received_data));
        self.control.extend_from_slice(&smux::close(id));
        if lane.dropped {
            self.streams.remove(&id);
        }
    }

    fn turn(&mut self, id: u32) {
        if let Some(lane) = self.streams.get_mut(&id)
            && !lane.has_turn
        {
            lane.has_turn = true;
            self.turns.push_back(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lane::SEND_BUFFER;
    use super::*;

    fn taken(mux: &mut Mux, most: usize) -> Bytes {
        // Behind what is there already, as in a frame.
        let mut out = BytesMut::from(&b"header"[..]);
        mux.take(most, &mut out);
        out.split_off(6).freeze()
    }

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
        let all = pieces(&taken(&mut mux, 1024));
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
        let first = pieces(&taken(&mut mux, 1024));
        let second = pieces(&taken(&mut mux, 1024));
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
                let bytes = taken(&mut mux, most);
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
        assert!(!pieces(&taken(&mut mux, 1024)).contains(&Piece::Close(id)));
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
        assert_eq!(pieces(&taken(&mut mux, 1024)), [Piece::Close(id)]);

        let unused = mux.open().expect("a number");
        mux.drop_stream(unused);
        assert!(taken(&mut mux, 1024).is_empty());
    }

    #[test]
    fn refusals_belong_to_streams_without_data() {
        let mut mux = Mux::default();
        let (served, refused, dropped) = (written(&mut mux, b"1"), written(&mut mux, b"2"), written(&mut mux, b"3"));
        taken(&mut mux, 1024);
        let mut out = BytesMut::new();
        smux::push(served, b"hello", &mut out);
        out.extend_from_slice(&smux::close(served));
        mux.refusal();
        mux.receive(out.freeze()).expect("smux");
        mux.receive(smux::close(refused)).expect("smux");
        assert!(matches!(mux.read(served, 100, Waker::noop()), Read::Data(_)));
        assert!(matches!(mux.read(served, 100, Waker::noop()), Read::End));
        assert!(matches!(mux.read(refused, 100, Waker::noop()), Read::Refused));
        assert_eq!(mux.write(refused, b"late", Waker::noop()), Write::Refused);
        // A refusal of a stream that nobody holds any more is not blamed on the next one.
        mux.drop_stream(dropped);
        taken(&mut mux, 1024);
        mux.refusal();
        mux.receive(smux::close(dropped)).expect("smux");
        let last = written(&mut mux, b"4");
        mux.receive(smux::close(last)).expect("smux");
        assert!(matches!(mux.read(last, 100, Waker::noop()), Read::End));
        assert!(mux.dials.leaving() == 0);
    }
}
