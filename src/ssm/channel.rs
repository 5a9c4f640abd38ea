//! The channel: handshake, readiness, sequence, acknowledgement, pause, resume and end, between web sockets below and
//! one byte stream above. Pure: frames and `now` in, frames and [`Event`]s out; no socket, no clock, and its random
//! ids come from a seed that it is given.

use super::absence::Absence;
use super::ack;
pub use super::event::{Event, Frame};
use super::frame_writer::FrameWriter;
use super::handshake::{HandshakeComplete, HandshakeRequest};
use super::incoming::{Arrival, Incoming};
use super::message::{Flag, Message, MessageType, PREFIX, PayloadType};
use super::open::{ChannelClosed, OpenDataChannel};
use super::outgoing::Outgoing;
use super::payload_size::PayloadSize;
use super::readiness::{BARRIER_RESEND, Readiness};
use super::receipts::Receipts;
use super::silence::Silence;
use super::stamp::Stamp;
use super::{Ended, smux};
use bytes::{BufMut, Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A tick that comes so much later than it was asked for comes from a machine that slept: nobody could be heard meanwhile,
/// and what is measured from before says nothing of the agent.
const SLEPT: Duration = Duration::from_secs(5);
/// Receipts sent in the last moments of a web socket are sent again on the next one: this long, and four round trips.
const LAST_MOMENTS: Duration = Duration::from_secs(2);
/// Frames of ours are written into blocks of so many bytes; receipts, which are kept for the next web socket, apart.
const DATA_BLOCK: usize = 64 << 10;
const RECEIPT_BLOCK: usize = 16 << 10;

/// One session's channel.
pub struct Channel {
    stamp: Stamp,
    client_id: Uuid,
    payload: PayloadSize,
    readiness: Readiness,
    outgoing: Outgoing,
    incoming: Incoming,
    receipts: Receipts,
    data_writer: FrameWriter,
    receipt_writer: FrameWriter,
    open: Option<String>,
    connected: bool,
    away: Option<Absence>,
    silence: Silence,
    /// Whether the agent was heard since the last [`Self::connected`].
    heard_since_connected: bool,
    terminate: Option<i64>,
    events: VecDeque<Event>,
}

impl Channel {
    /// A channel that has no web socket yet. `unix_millis` is the wall clock at `now`; `payload` the most bytes of one
    /// stream data message after the handshake.
    pub fn new(now: Instant, unix_millis: u64, seed: [u8; 32], payload: usize) -> Self {
        let mut stamp = Stamp::new(now, unix_millis, seed);
        Self {
            client_id: stamp.id(),
            stamp,
            payload: PayloadSize::new(payload),
            readiness: Readiness::default(),
            outgoing: Outgoing::new(),
            incoming: Incoming::new(),
            receipts: Receipts::default(),
            data_writer: FrameWriter::new(DATA_BLOCK),
            receipt_writer: FrameWriter::new(RECEIPT_BLOCK),
            open: None,
            connected: false,
            away: None,
            silence: Silence::new(now),
            heard_since_connected: false,
            terminate: None,
            events: VecDeque::new(),
        }
    }

    /// A web socket is open: the open message goes first, then receipts that may have been lost with the last one, then
    /// everything that is unacknowledged.
    pub fn connected(&mut self, token: &str, now: Instant) {
        let open = OpenDataChannel::new(token, self.client_id, self.stamp.id());
        self.open = Some(open.encode());
        // The agent resends its oldest unacknowledged message and no other, ten a second: what was truly lost would wait
        // behind everything whose receipt was.
        let moments = LAST_MOMENTS + self.outgoing.round_trip().unwrap_or_default() * 4;
        let receipts = self.receipts.connected(self.silence.heard().checked_sub(moments));
        tracing::trace!(client = %self.client_id, receipts, "a new web socket");
        self.connected = true;
        self.away = None;
        self.silence.connected(now);
        self.heard_since_connected = false;
        // A service that closes the web socket over a large payload would do so again.
        self.refuse_large(now);
        self.outgoing.resend_all();
    }

    /// The web socket is gone. What was on its way is kept, or will be sent again by the agent.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.open = None;
        self.receipts.disconnected();
    }

    /// A binary frame, or a text frame after the open message, from the web socket.
    pub fn receive(&mut self, frame: &Bytes, now: Instant) {
        if self.readiness.is_over() {
            return;
        }
        let message = match Message::decode(frame) {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!(%error, length = frame.len(), "a frame is dropped");
                return;
            }
        };
        tracing::trace!(
            kind = message.kind.name(), sequence = message.sequence, payload = ?message.payload_type,
            length = message.payload.len(), "received"
        );
        match message.kind {
            MessageType::Acknowledge => match ack::sequence(&message.payload) {
                Ok(sequence) => {
                    tracing::trace!(sequence, "was acknowledged");
                    self.acknowledged(sequence, now);
                }
                Err(error) => tracing::debug!(%error, "an acknowledgement is dropped"),
            },
            MessageType::OutputStreamData => self.stream_data(message, now),
            MessageType::ChannelClosed => {
                self.end(Ended::ByService(ChannelClosed::decode(&message.payload).output));
            }
            MessageType::StartPublication => self.agent_is_back(),
            MessageType::PausePublication => {
                tracing::debug!("the agent is away");
                self.away.get_or_insert(Absence::new(now));
            }
            MessageType::InputStreamData | MessageType::AgentSessionState | MessageType::Other(_) => {}
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Instant) {
        if !self.connected || self.readiness.is_over() {
            return;
        }
        if self.next_tick().is_some_and(|due| due + SLEPT <= now) {
            self.wake(now);
        }
        if self.readiness.second_due().is_some_and(|due| due <= now) {
            let second = self.send(PayloadType::Output, smux::nop(), Some(BARRIER_RESEND), now);
            self.readiness.second(second);
        }
        if self.away.is_none() && self.payload.due().is_some_and(|due| due <= now) {
            self.refuse_large(now);
        }
        match &mut self.away {
            None => self.outgoing.expire(now),
            Some(away) if away.due() <= now && !self.outgoing.is_empty() => {
                away.knock(now);
                self.outgoing.resend_oldest();
            }
            Some(_) => {}
        }
        if self.readiness.is_ready()
            && let Some(deadline) = self.silence_deadline()
            && deadline <= now
        {
            let since = self.silence.since().unwrap_or(now);
            self.end(Ended::AgentSilent(now.saturating_duration_since(since)));
        }
    }

    /// When [`Self::tick`] is to be called next, and [`Self::transmit`] after it.
    pub fn next_tick(&self) -> Option<Instant> {
        if !self.connected || self.readiness.is_over() {
            return None;
        }
        let (resend, large) = match self.away {
            None => (self.outgoing.check(), self.payload.due()),
            // With nothing to knock with there is nothing to wake for.
            Some(away) => ((!self.outgoing.is_empty()).then_some(away.due()), None),
        };
        let silence = if self.readiness.is_ready() { self.silence_deadline() } else { None };
        [self.readiness.second_due(), large, resend, silence, self.receipts.when()].into_iter().flatten().min()
    }

    /// The next frame for the web socket. Receipts go before data: what the agent sends is paced by them.
    pub fn transmit(&mut self, now: Instant) -> Option<Frame> {
        if !self.connected {
            return None;
        }
        if let Some(open) = self.open.take() {
            tracing::trace!(client = %self.client_id, "sent OpenDataChannel");
            return Some(Frame::Text(open));
        }
        if let Some(receipt) = self.receipts.next(now) {
            return Some(Frame::Binary(receipt));
        }
        if self.away.as_mut().is_some_and(|away| !away.take_knock()) {
            return None;
        }
        let (sequence, frame, again) = self.outgoing.transmit(now)?;
        tracing::trace!(sequence, again, frame = frame.len(), "sent");
        Some(Frame::Binary(frame))
    }

    /// Whether [`Self::transmit`] may have a frame.
    pub fn wants_transmit(&self, now: Instant) -> bool {
        self.connected
            && (self.open.is_some()
                || self.receipts.is_due(now)
                || (self.outgoing.has_queued() && self.away.is_none_or(|away| away.is_knocking())))
    }

    /// What happened, first first.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether bytes may be sent now.
    pub fn has_room(&self) -> bool {
        self.readiness.is_ready() && self.terminate.is_none() && self.outgoing.has_room()
    }

    /// The most bytes for one [`Self::send_bytes`], when so many wait; a larger size is tried first where that is due.
    pub fn payload(&mut self, waiting: usize, now: Instant) -> usize {
        if self.has_room()
            && let Some(nops) = self.payload.trial(waiting)
        {
            let sequence = self.send(PayloadType::Output, nops, None, now);
            self.payload.tried(sequence, now);
        }
        self.payload.most()
    }

    /// Sends the bytes of our stream that `fill` appends, at most `most` of them, which is at most [`Self::payload`]; when
    /// [`Self::has_room`]. Gives their number; where there are none nothing is sent.
    pub fn send_bytes(&mut self, most: usize, now: Instant, fill: impl FnOnce(&mut BytesMut)) -> usize {
        let sequence = self.outgoing.next_sequence();
        let frame = self.frame(sequence, PayloadType::Output, most, now, fill);
        let length = frame.len() - PREFIX;
        if length > 0 {
            self.record(PayloadType::Output, frame, None, now);
        }
        length
    }

    /// Asks the agent to end the session, if it is one that understands it and has come so far.
    pub fn terminate(&mut self, now: Instant) {
        if self.readiness.is_ready() && self.terminate.is_none() && self.readiness.knows_terminate_flag() {
            self.receipts.hurry();
            self.terminate = Some(self.send(PayloadType::Flag, Flag::TerminateSession.encode(), None, now));
        }
    }

    /// Whether an acknowledgement of that is still awaited.
    pub fn is_terminating(&self) -> bool {
        self.terminate.is_some_and(|sequence| self.outgoing.is_outstanding(sequence))
    }

    /// Whether the agent needs NOPs from us every 10 s or so.
    pub fn agent_needs_nops(&self) -> bool {
        self.readiness.is_ready() && self.readiness.needs_nops()
    }

    /// How far it is, for a person; nothing of what it carries.
    pub fn state(&self) -> String {
        let unacknowledged = self.outgoing.count();
        format!("{:?}, {:?}, {:?}, {unacknowledged} unacknowledged", self.readiness, self.payload, self.away)
    }

    /// Whether the barrier is passed and the end not come.
    pub fn is_ready(&self) -> bool {
        self.readiness.is_ready()
    }

    /// Whether the agent was heard on this web socket and is not said to be away.
    pub fn hears_agent(&self) -> bool {
        self.connected && self.heard_since_connected && self.away.is_none()
    }

    /// Whether everything has been acknowledged.
    pub fn is_quiet(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// See `Outgoing::round_trip`.
    pub fn round_trip(&self) -> Option<Duration> {
        self.outgoing.round_trip()
    }

    /// Nothing more is sent or heard.
    pub fn end(&mut self, ended: Ended) {
        if !self.readiness.is_over() {
            self.readiness.end();
            self.events.push_back(Event::Ended(ended));
        }
    }

    fn acknowledged(&mut self, sequence: i64, now: Instant) {
        self.hear(now);
        if !self.outgoing.acknowledge(sequence, now) {
            return;
        }
        if self.outgoing.is_empty() {
            self.silence.settled();
        }
        if let Some(opened) = self.readiness.acknowledged(sequence, now) {
            self.events.push_back(Event::Ready(opened));
        }
        self.payload.acknowledged(sequence);
    }

    fn stream_data(&mut self, message: Message, now: Instant) {
        self.hear(now);
        let sequence = message.sequence;
        let arrival = self.incoming.arrival(&message);
        if arrival == Arrival::Refused {
            tracing::debug!(sequence, "a message far ahead is not kept");
            return;
        }
        tracing::trace!(sequence, ?arrival, "is to be acknowledged");
        let (id, created) = (self.stamp.id(), self.stamp.millis(now));
        let receipt = Message::unsequenced(MessageType::Acknowledge, id, created, Bytes::new());
        let receipt = self.receipt_writer.frame(&receipt, ack::MOST, |out| ack::write(&message, out));
        self.receipts.add(receipt, arrival, now);
        self.incoming.take(message, arrival);
        while let Some(message) = self.incoming.next() {
            self.process(message, now);
        }
    }

    fn process(&mut self, message: Message, now: Instant) {
        match message.payload_type {
            PayloadType::Output => {
                self.silence.answered();
                self.events.push_back(Event::Data(message.payload));
            }
            PayloadType::Flag => match Flag::decode(&message.payload) {
                Some(flag) => self.events.push_back(Event::Flag(flag)),
                None => tracing::debug!("an unknown flag is ignored"),
            },
            PayloadType::HandshakeRequest if self.readiness.awaits_request() => {
                match serde_json::from_slice(&message.payload) {
                    Ok(request) => self.answer(&request, now),
                    Err(error) => self.end(Ended::Protocol(format!("the handshake request cannot be read: {error}"))),
                }
            }
            PayloadType::HandshakeComplete if self.readiness.awaits_complete() => {
                let complete: Option<HandshakeComplete> = serde_json::from_slice(&message.payload).ok();
                let first = self.send(PayloadType::Output, smux::nop(), Some(BARRIER_RESEND), now);
                self.readiness.complete(complete.unwrap_or_default(), first);
            }
            other => tracing::debug!(?other, "a payload is ignored"),
        }
    }

    /// Answers the handshake, once: a second answer would block the agent for good.
    fn answer(&mut self, request: &HandshakeRequest, now: Instant) {
        let (response, trouble) = self.readiness.answer(request);
        let json = serde_json::to_vec(&response).expect("the response is plain data");
        self.send(PayloadType::HandshakeResponse, json.into(), None, now);
        self.events.extend(trouble.map(Event::Unsupported));
    }

    fn send(&mut self, payload_type: PayloadType, payload: Bytes, every: Option<Duration>, now: Instant) -> i64 {
        let sequence = self.outgoing.next_sequence();
        let frame = self.frame(sequence, payload_type, payload.len(), now, |out| out.put_slice(&payload));
        self.record(payload_type, frame, every, now)
    }

    /// Keeps a frame that carries the next number, and queues it.
    fn record(&mut self, payload_type: PayloadType, frame: Bytes, every: Option<Duration>, now: Instant) -> i64 {
        let length = frame.len() - PREFIX;
        tracing::trace!(sequence = self.outgoing.next_sequence(), payload = ?payload_type, length, "sends");
        self.silence.sent(length, now);
        self.outgoing.record(frame, length, every)
    }

    fn frame(
        &mut self,
        sequence: i64,
        payload_type: PayloadType,
        most: usize,
        now: Instant,
        fill: impl FnOnce(&mut BytesMut),
    ) -> Bytes {
        let (id, created) = (self.stamp.id(), self.stamp.millis(now));
        let (kind, nothing) = (MessageType::InputStreamData, Bytes::new());
        let message = Message::stream_data(kind, id, created, sequence, payload_type, nothing);
        self.data_writer.frame(&message, most, fill)
    }

    /// Puts a small NOP in the place of a large one on trial.
    fn refuse_large(&mut self, now: Instant) {
        let Some(sequence) = self.payload.refuse() else { return };
        let nop = smux::nop();
        let length = nop.len();
        let frame = self.frame(sequence, PayloadType::Output, length, now, |out| out.put_slice(&nop));
        self.outgoing.replace(sequence, frame, length);
    }

    /// The agent is there: it said something.
    fn hear(&mut self, now: Instant) {
        self.silence.hear(now);
        self.heard_since_connected = true;
        self.agent_is_back();
    }

    fn agent_is_back(&mut self) {
        if self.away.take().is_some() {
            tracing::debug!("the agent is back");
            self.outgoing.resend_all();
        }
    }

    /// The agent gets its time anew to be heard; what is overdue is sent again as ever.
    fn wake(&mut self, now: Instant) {
        tracing::debug!("the machine slept");
        self.silence.wake(now);
        self.payload.wake(now);
    }

    fn silence_deadline(&self) -> Option<Instant> {
        self.silence.deadline(self.away.map(|away| away.since()))
    }
}
