//! The whole client in one pure machine: a [`Channel`] with a `Mux` on it. Frames and `now` in, frames out; streams
//! beside. The driver moves its frames over real web sockets, the protocol tests over simulated ones.
//!
//! Allocations a frame, its receipt included, counted by dhat under `benches/ssm_frames.rs`: 0.05 down (it was 6.0), 0.16
//! for 8 KiB up and 0.04 for 1 KiB (it was 5.0). What is left are the blocks that frames are written into (`frame_writer`,
//! one of 64 KiB for every seven frames of 8 KiB) and nodes of the tree of what is unacknowledged.

use super::channel::{Channel, Event, Frame};
use super::load::Load;
use super::message::Flag;
use super::mux::Mux;
pub use super::mux::{Read, Write};
use super::smux;
use super::{Ended, Error, Figures, Opened, SpoolFolder};
use bytes::Bytes;
use std::fmt;
use std::task::Waker;
use std::time::{Duration, Instant};

/// How often an agent that needs NOPs gets one. It ends the session after 30 s without.
const OLD_AGENT_NOP: Duration = Duration::from_secs(10);
/// Quiet time after which one NOP is sent to learn whether the agent is there. One, not one every 20 s: stream data
/// keeps the session from the account's idle timeout, and that is only done where it was asked for.
const PROBE: Duration = Duration::from_secs(20);

/// One session.
pub struct Session {
    channel: Channel,
    mux: Mux,
    keep_alive: Option<Duration>,
    /// Last stream data of the users', either way.
    active: Instant,
    probed: bool,
    last_nop: Instant,
    load: Load,
    /// The agent's dial that is awaited (see [`Mux::unanswered_after`]), and since when.
    dial: Option<(u32, Instant)>,
    /// Windows of bulk transfer so far.
    bulk: u64,
    opened: Option<Opened>,
    failure: Option<Failure>,
}

/// What it has in its hands is the users' own, passwords among it: that stays out of logs.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("opened", &self.opened)
            .field("failure", &self.failure)
            .field("figures", &self.figures())
            .field("waiting", &self.mux.waiting())
            .field("channel", &self.channel.state())
            .finish_non_exhaustive()
    }
}

/// Why a session is over.
#[derive(Clone, Debug)]
pub enum Failure {
    /// It ended.
    Ended(Ended),
    /// It never could be one for us.
    Unsupported(String),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Ended(ended) => Self::Ended(ended),
            Failure::Unsupported(sentence) => Self::Unsupported(sentence),
        }
    }
}

impl Session {
    /// See [`Channel::new`]; `keep_alive`: how often a NOP keeps the session from the idle timeout.
    pub fn new(now: Instant, unix_millis: u64, seed: [u8; 32], payload: usize, keep_alive: Option<Duration>) -> Self {
        Self {
            channel: Channel::new(now, unix_millis, seed, payload),
            mux: Mux::default(),
            keep_alive,
            active: now,
            probed: true,
            last_nop: now,
            load: Load::new(now),
            dial: None,
            bulk: 0,
            opened: None,
            failure: None,
        }
    }

    /// Where stalled readers' bytes go. To be said before there is a stream.
    pub fn spool_to(&mut self, folder: SpoolFolder) {
        self.mux.spool_to(folder);
    }

    /// See [`Channel::connected`].
    pub fn connected(&mut self, token: &str, now: Instant) {
        self.channel.connected(token, now);
        // Whether the agent is still there shows only end to end.
        if self.channel.is_ready() {
            self.active = now;
            self.probed = true;
            self.nop(now);
        }
        // While there was no web socket nothing could be answered.
        self.dial = None;
        self.look_at_dial(now);
    }

    /// See [`Channel::disconnected`].
    pub fn disconnected(&mut self) {
        self.channel.disconnected();
    }

    /// See [`Channel::receive`].
    pub fn receive(&mut self, frame: &Bytes, now: Instant) {
        self.channel.receive(frame, now);
        while let Some(event) = self.channel.event() {
            self.event(event, now);
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Instant) {
        if self.next_nop().is_some_and(|due| due <= now) {
            self.nop(now);
        }
        self.channel.tick(now);
        while let Some(event) = self.channel.event() {
            self.event(event, now);
        }
    }

    /// When [`Self::tick`] is to be called next.
    pub fn next_tick(&self) -> Option<Instant> {
        let nop = self.next_nop();
        [self.channel.next_tick(), nop].into_iter().flatten().min()
    }

    /// The next frame for the web socket.
    pub fn transmit(&mut self, now: Instant) -> Option<Frame> {
        if !self.channel.wants_transmit(now) {
            // As late as possible: small writes made meanwhile share a message.
            self.pump(now);
        }
        self.channel.transmit(now)
    }

    /// Whether [`Self::transmit`] may have one.
    pub fn wants_transmit(&self, now: Instant) -> bool {
        self.channel.wants_transmit(now) || (self.mux.wants_send() && self.channel.has_room())
    }

    /// What was learnt, once the session is ready.
    pub fn opened(&self) -> Option<&Opened> {
        self.opened.as_ref()
    }

    /// Why it is over, if it is.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// See [`Channel::hears_agent`].
    pub fn hears_agent(&self) -> bool {
        self.channel.hears_agent()
    }

    /// Ends it from this side, without a word to the agent.
    pub fn end(&mut self, ended: Ended) {
        self.channel.end(ended.clone());
        self.fail(Failure::Ended(ended));
    }

    /// See [`Channel::terminate`].
    pub fn terminate(&mut self, now: Instant) {
        while self.mux.wants_send() && self.channel.has_room() {
            self.pump(now);
        }
        self.channel.terminate(now);
    }

    /// See [`Channel::is_terminating`].
    pub fn is_terminating(&self) -> bool {
        self.channel.is_terminating()
    }

    /// See `Mux::open`.
    pub fn open_stream(&mut self) -> Option<u32> {
        self.mux.open()
    }

    /// See `Mux::read`. Bytes that came before an end are still given.
    pub fn read(&mut self, id: u32, most: usize, waker: &Waker) -> Read {
        self.mux.read(id, most, waker)
    }

    /// See `Mux::write`.
    pub fn write(&mut self, id: u32, data: &[u8], waker: &Waker) -> Write {
        self.mux.write(id, data, waker)
    }

    /// See `Mux::finish`.
    pub fn finish(&mut self, id: u32) {
        self.mux.finish(id);
    }

    /// See `Mux::drop_stream`.
    pub fn drop_stream(&mut self, id: u32) {
        self.mux.drop_stream(id);
    }

    /// As given to [`Self::new`].
    pub fn keep_alive(&self) -> Option<Duration> {
        self.keep_alive
    }

    /// How long the agent has been dialling for one stream while it answers none: the later ones wait behind it. `None`
    /// while it is not heard, and nothing can be said of its dials.
    pub fn dialling(&self, now: Instant) -> Option<Duration> {
        let (_, since) = self.dial.filter(|_| self.channel.hears_agent())?;
        Some(now.saturating_duration_since(since))
    }

    /// See `Load::is_busy`.
    pub fn is_busy(&self, now: Instant) -> bool {
        self.load.is_busy(now)
    }

    /// See `Mux::spooling`.
    pub fn spooling(&self) -> usize {
        self.mux.spooling()
    }

    /// See `Mux::hang_disk`.
    #[cfg(test)]
    pub fn hang_disk(&mut self) -> std::sync::mpsc::Sender<()> {
        self.mux.hang_disk()
    }

    /// Grows while a bulk transfer goes on.
    pub fn bulk(&self) -> u64 {
        self.bulk
    }

    /// Counters; the resumes are the driver's.
    pub fn figures(&self) -> Figures {
        let (received, sent) = self.mux.figures();
        Figures { streams: self.mux.count(), received, sent, round_trip: self.channel.round_trip(), resumes: 0 }
    }

    /// Cuts one message from what the streams want to send, if the window allows.
    fn pump(&mut self, now: Instant) {
        if !self.mux.wants_send() || !self.channel.has_room() {
            return;
        }
        let most = self.channel.payload(self.mux.waiting(), now);
        let sent = self.channel.send_bytes(most, now, |out| self.mux.take(most, out));
        if sent > 0 {
            self.active = now;
            self.probed = false;
            self.bulk += u64::from(self.load.note(sent, now));
            self.look_at_dial(now);
        }
    }

    fn look_at_dial(&mut self, now: Instant) {
        let after = self.mux.unanswered_after();
        if after != self.dial.map(|(after, _)| after) {
            self.dial = after.map(|after| (after, now));
        }
    }

    fn event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Ready(opened) => {
                tracing::debug!(agent_version = opened.agent_version, "ready");
                self.last_nop = now;
                self.opened = Some(opened);
            }
            Event::Data(bytes) => {
                let before = self.mux.figures().0;
                self.bulk += u64::from(self.load.note(bytes.len(), now));
                if let Err(broken) = self.mux.receive(bytes) {
                    self.end(Ended::Protocol(broken.to_string()));
                }
                self.look_at_dial(now);
                if self.mux.figures().0 != before {
                    self.active = now;
                    self.probed = false;
                }
            }
            Event::Flag(Flag::ConnectToPortError) => self.mux.refusal(),
            Event::Flag(Flag::DisconnectToPort | Flag::TerminateSession) => {}
            Event::Unsupported(sentence) => self.fail(Failure::Unsupported(sentence)),
            Event::Ended(ended) => self.fail(Failure::Ended(ended)),
        }
    }

    fn fail(&mut self, failure: Failure) {
        tracing::debug!(?failure, "the session is over");
        self.failure.get_or_insert(failure);
        self.mux.wake_all();
    }

    fn next_nop(&self) -> Option<Instant> {
        if !self.channel.is_ready() {
            return None;
        }
        let old_agent = self.channel.agent_needs_nops().then(|| self.last_nop + OLD_AGENT_NOP);
        let keep_alive = self.keep_alive.map(|every| self.active.max(self.last_nop) + every);
        // Anything unacknowledged is a probe already.
        let probe = (!self.probed && self.channel.is_quiet()).then(|| self.active + PROBE);
        [old_agent, keep_alive, probe].into_iter().flatten().min()
    }

    /// Sends a NOP, as a message of its own: it is nobody's data.
    fn nop(&mut self, now: Instant) {
        (self.last_nop, self.probed) = (now, true);
        let nop = smux::nop();
        self.channel.send_bytes(nop.len(), now, |out| out.extend_from_slice(&nop));
    }
}
