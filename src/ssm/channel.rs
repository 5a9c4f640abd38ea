//! The channel: handshake, readiness, sequence, acknowledgement, pause, resume and end, between web sockets below and
//! one byte stream above. Pure: frames and `now` in, frames and [`Event`]s out; no socket, no clock, and its random
//! ids come from a seed that it is given.

use super::Ended;
use super::ack::Acknowledgement;
use super::handshake::{Gates, HandshakeComplete, HandshakeRequest, HandshakeResponse};
use super::incoming::{Arrival, Incoming};
use super::message::{Flag, Message, MessageType, PayloadType};
use super::open::{ChannelClosed, OpenDataChannel};
use super::outgoing::Outgoing;
use super::receipts::Receipts;
use super::smux;
use bytes::{Bytes, BytesMut};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Payload of stream data that every agent and the service take.
pub const SMALL_PAYLOAD: usize = 1024;
/// How often a NOP of the readiness barrier is sent again.
const BARRIER_RESEND: Duration = Duration::from_millis(30);
/// Between the acknowledgement of its first NOP and the second one: the agent says "complete" before it is.
const BARRIER_WAIT: Duration = Duration::from_millis(10);
/// A large payload that is not acknowledged by then is taken for refused.
const LARGE_PATIENCE: Duration = Duration::from_secs(2);
/// A tick that comes so much later than it was asked for comes from a machine that slept: nobody could be heard meanwhile,
/// and what is measured from before says nothing of the agent.
const SLEPT: Duration = Duration::from_secs(5);
/// How often the oldest frame is sent while the agent is said to be away, in case its return was not announced.
const KNOCK: Duration = Duration::from_secs(5);
/// Silence of the agent, with something unacknowledged, after which it is taken for gone.
const SILENCE: Duration = Duration::from_secs(30);
/// The same when much was sent that nothing has answered: an agent whose database does not read (an upload into a locked
/// table) stops acknowledging, and is not gone.
const BULK_SILENCE: Duration = Duration::from_secs(600);
/// How much that is.
const BULK: usize = 64 << 10;
/// Receipts sent in the last moments of a web socket are sent again on the next one: this long, and four round trips.
const LAST_MOMENTS: Duration = Duration::from_secs(2);
/// The same after the service said that the agent is away.
const AWAY_SILENCE: Duration = Duration::from_secs(300);

/// A frame for the web socket.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// The open message. It holds the token: never log it.
    Text(String),
    /// An AgentMessage.
    Binary(Bytes),
}

/// What the channel has to say upwards.
#[derive(Clone, Debug)]
pub enum Event {
    /// The barrier is passed: nothing that is sent from here on can be lost.
    Ready {
        /// `AgentVersion`.
        agent_version: String,
        /// `CustomerMessage`.
        customer_message: String,
    },
    /// The next bytes of the agent's stream.
    Data(Bytes),
    /// A flag from the agent.
    Flag(Flag),
    /// The agent is too old, or asks for what we do not do.
    Unsupported(String),
    /// For good.
    Ended(Ended),
}

/// How far the session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    AwaitRequest,
    AwaitComplete,
    /// The barrier's first NOP, which the agent may acknowledge and yet lose.
    First(i64),
    Between(Instant),
    /// Its second: rejected without acknowledgement until the agent's smux server is up.
    Second(i64),
    Ready,
    Over,
}

/// What is known about payloads above [`SMALL_PAYLOAD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Large {
    Untried,
    Trying(i64, Instant),
    Taken,
    Refused,
}

/// The service said that the agent is away (it may be reconnecting).
#[derive(Clone, Copy, Debug)]
struct Away {
    since: Instant,
    /// When we knocked last.
    knocked: Instant,
    /// One frame may go out now.
    knock: bool,
}

/// One session's channel.
pub struct Channel {
    origin: Instant,
    origin_millis: u64,
    random: StdRng,
    client_id: Uuid,
    payload: usize,
    stage: Stage,
    gates: Option<Gates>,
    agent_version: String,
    customer_message: String,
    outgoing: Outgoing,
    incoming: Incoming,
    receipts: Receipts,
    open: Option<String>,
    connected: bool,
    paused: Option<Away>,
    heard: Instant,
    /// When we woke last from a sleep of the machine.
    woke: Instant,
    /// Whether that was since the last [`Self::connected`].
    heard_since_connected: bool,
    /// Bytes sent since the agent's last stream data.
    unanswered: usize,
    /// Since when something is unacknowledged.
    waiting: Option<Instant>,
    large: Large,
    terminate: Option<i64>,
    events: VecDeque<Event>,
}

/// Hides the token.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(open message)"),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

impl Channel {
    /// A channel that has no web socket yet. `unix_millis` is the wall clock at `now`; `payload` the most bytes of one
    /// stream data message after the handshake.
    pub fn new(now: Instant, unix_millis: u64, seed: [u8; 32], payload: usize) -> Self {
        let mut random = StdRng::from_seed(seed);
        let client_id = uuid::Builder::from_random_bytes(random.random()).into_uuid();
        Self {
            origin: now,
            origin_millis: unix_millis.max(1),
            random,
            client_id,
            payload: payload.clamp(SMALL_PAYLOAD / 4, 1 << 16),
            stage: Stage::AwaitRequest,
            gates: None,
            agent_version: String::new(),
            customer_message: String::new(),
            outgoing: Outgoing::new(),
            incoming: Incoming::new(),
            receipts: Receipts::default(),
            open: None,
            connected: false,
            paused: None,
            heard: now,
            woke: now,
            heard_since_connected: false,
            unanswered: 0,
            waiting: None,
            large: Large::Untried,
            terminate: None,
            events: VecDeque::new(),
        }
    }

    /// A web socket is open: the open message goes first, then receipts that may have been lost with the last one, then
    /// everything that is unacknowledged.
    pub fn connected(&mut self, token: &str, now: Instant) {
        let open = OpenDataChannel::new(token, self.client_id, self.id());
        self.open = Some(open.encode());
        // The agent resends its oldest unacknowledged message and no other, ten a second: what was truly lost would wait
        // behind everything whose receipt was.
        let moments = LAST_MOMENTS + self.outgoing.round_trip().unwrap_or_default() * 4;
        let receipts = self.receipts.connected(self.heard.checked_sub(moments));
        tracing::trace!(client = %self.client_id, receipts, "a new web socket");
        self.connected = true;
        self.paused = None;
        self.heard = now;
        self.heard_since_connected = false;
        self.waiting = self.waiting.map(|_| now);
        // A service that closes the web socket over a large payload would do so again.
        if let Large::Trying(sequence, _) = self.large {
            self.refuse_large(sequence, now);
        }
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
        if self.stage == Stage::Over {
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
            MessageType::Acknowledge => match Acknowledgement::decode(&message.payload) {
                Ok(acknowledgement) => {
                    tracing::trace!(sequence = acknowledgement.sequence, "was acknowledged");
                    self.acknowledged(acknowledgement.sequence, now);
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
                self.paused.get_or_insert(Away { since: now, knocked: now, knock: false });
            }
            MessageType::InputStreamData | MessageType::AgentSessionState | MessageType::Other(_) => {}
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Instant) {
        if !self.connected || self.stage == Stage::Over {
            return;
        }
        if self.next_tick().is_some_and(|due| due + SLEPT <= now) {
            self.wake(now);
        }
        if let Stage::Between(until) = self.stage
            && until <= now
        {
            self.stage = Stage::Second(self.send(PayloadType::Output, smux::nop(), Some(BARRIER_RESEND), now));
        }
        if let Large::Trying(sequence, since) = self.large
            && since + LARGE_PATIENCE <= now
            && self.paused.is_none()
        {
            self.refuse_large(sequence, now);
        }
        match &mut self.paused {
            None => self.outgoing.expire(now),
            Some(away) if away.knocked + KNOCK <= now && !self.outgoing.is_empty() => {
                (away.knocked, away.knock) = (now, true);
                self.outgoing.resend_oldest();
            }
            Some(_) => {}
        }
        if self.stage == Stage::Ready
            && let Some(deadline) = self.silence_deadline()
            && deadline <= now
        {
            let since = self.silent_since().unwrap_or(now);
            self.end(Ended::AgentSilent(now.saturating_duration_since(since)));
        }
    }

    /// When [`Self::tick`] is to be called next, and [`Self::transmit`] after it.
    pub fn next_tick(&self) -> Option<Instant> {
        if !self.connected || self.stage == Stage::Over {
            return None;
        }
        let between = if let Stage::Between(until) = self.stage { Some(until) } else { None };
        let large = if let Large::Trying(_, since) = self.large { Some(since + LARGE_PATIENCE) } else { None };
        let (resend, large) = match self.paused {
            None => (self.outgoing.check(), large),
            // With nothing to knock with there is nothing to wake for.
            Some(away) => ((!self.outgoing.is_empty()).then_some(away.knocked + KNOCK), None),
        };
        let silence = if self.stage == Stage::Ready { self.silence_deadline() } else { None };
        [between, large, resend, silence, self.receipts.when()].into_iter().flatten().min()
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
        if let Some(away) = &mut self.paused
            && !std::mem::take(&mut away.knock)
        {
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
                || (self.outgoing.has_queued() && self.paused.is_none_or(|away| away.knock)))
    }

    /// What happened, first first.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether bytes may be sent now.
    pub fn has_room(&self) -> bool {
        self.stage == Stage::Ready && self.terminate.is_none() && self.outgoing.has_room()
    }

    /// The most bytes for one [`Self::send_bytes`], when so many wait. A large payload is tried with NOPs first: if it
    /// is refused, a small NOP can take its place and its sequence number, and no byte of anybody is lost or doubled.
    pub fn payload(&mut self, waiting: usize, now: Instant) -> usize {
        if self.large == Large::Untried && self.payload > SMALL_PAYLOAD && waiting > SMALL_PAYLOAD && self.has_room() {
            let nop = smux::nop();
            let mut trial = BytesMut::with_capacity(self.payload);
            while trial.len() + nop.len() <= self.payload {
                trial.extend_from_slice(&nop);
            }
            let sequence = self.send(PayloadType::Output, trial.freeze(), None, now);
            self.large = Large::Trying(sequence, now);
        }
        if self.large == Large::Taken { self.payload } else { self.payload.min(SMALL_PAYLOAD) }
    }

    /// Sends bytes of our stream; at most [`Self::payload`] of them, when [`Self::has_room`].
    pub fn send_bytes(&mut self, bytes: Bytes, now: Instant) {
        self.send(PayloadType::Output, bytes, None, now);
    }

    /// Asks the agent to end the session, if it is one that understands it and has come so far.
    pub fn terminate(&mut self, now: Instant) {
        if self.stage == Stage::Ready
            && self.terminate.is_none()
            && self.gates.is_some_and(|gates| gates.terminate_flag)
        {
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
        self.stage == Stage::Ready && self.gates.is_some_and(|gates| gates.keep_alive)
    }

    /// How far it is, for a person; nothing of what it carries.
    pub fn state(&self) -> impl std::fmt::Debug + use<> {
        (self.stage, self.large, self.paused, ("unacknowledged", self.outgoing.count()))
    }

    /// Whether the barrier is passed and the end not come.
    pub fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    /// Whether the agent was heard on this web socket and is not said to be away.
    pub fn hears_agent(&self) -> bool {
        self.connected && self.heard_since_connected && self.paused.is_none()
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
        if self.stage != Stage::Over {
            self.stage = Stage::Over;
            self.events.push_back(Event::Ended(ended));
        }
    }

    fn acknowledged(&mut self, sequence: i64, now: Instant) {
        self.hear(now);
        if !self.outgoing.acknowledge(sequence, now) {
            return;
        }
        if self.outgoing.is_empty() {
            self.waiting = None;
        }
        match self.stage {
            Stage::First(first) if first == sequence => self.stage = Stage::Between(now + BARRIER_WAIT),
            Stage::Second(second) if second == sequence => {
                self.stage = Stage::Ready;
                self.events.push_back(Event::Ready {
                    agent_version: self.agent_version.clone(),
                    customer_message: std::mem::take(&mut self.customer_message),
                });
            }
            _ => {}
        }
        if matches!(self.large, Large::Trying(tried, _) if tried == sequence) {
            self.large = Large::Taken;
        }
    }

    fn stream_data(&mut self, message: Message, now: Instant) {
        self.hear(now);
        let acknowledgement = Acknowledgement::of(&message);
        let sequence = message.sequence;
        let arrival = self.incoming.arrive(message);
        if arrival == Arrival::Refused {
            tracing::debug!(sequence, "a message far ahead is not kept");
            return;
        }
        tracing::trace!(sequence, ?arrival, "is to be acknowledged");
        let receipt = acknowledgement.message(self.id(), self.millis(now)).encode();
        self.receipts.add(receipt, arrival, now);
        while let Some(message) = self.incoming.next() {
            self.process(message, now);
        }
    }

    fn process(&mut self, message: Message, now: Instant) {
        match message.payload_type {
            PayloadType::Output => {
                self.unanswered = 0;
                self.events.push_back(Event::Data(message.payload));
            }
            PayloadType::Flag => match Flag::decode(&message.payload) {
                Some(flag) => self.events.push_back(Event::Flag(flag)),
                None => tracing::debug!("an unknown flag is ignored"),
            },
            PayloadType::HandshakeRequest if self.stage == Stage::AwaitRequest => {
                match serde_json::from_slice(&message.payload) {
                    Ok(request) => self.answer(&request, now),
                    Err(error) => self.end(Ended::Protocol(format!("the handshake request cannot be read: {error}"))),
                }
            }
            PayloadType::HandshakeComplete if self.stage == Stage::AwaitComplete => {
                let complete: Option<HandshakeComplete> = serde_json::from_slice(&message.payload).ok();
                self.customer_message = complete.map(|complete| complete.customer_message).unwrap_or_default();
                self.stage = Stage::First(self.send(PayloadType::Output, smux::nop(), Some(BARRIER_RESEND), now));
            }
            other => tracing::debug!(?other, "a payload is ignored"),
        }
    }

    /// Answers the handshake, once: a second answer would block the agent for good.
    fn answer(&mut self, request: &HandshakeRequest, now: Instant) {
        let gates = Gates::of(&request.agent_version);
        self.gates = Some(gates);
        self.agent_version.clone_from(&request.agent_version);
        let (response, mut trouble) = HandshakeResponse::to(request);
        if trouble.is_none() && !gates.smux {
            trouble = Some(format!(
                "the agent's version {} is too old to carry more than one connection: update the SSM agent to 3.1.1374.0 or newer",
                request.agent_version
            ));
        }
        if trouble.is_none() && request.property("type") != Some("LocalPortForwarding") {
            trouble = Some(
                "the session document does not forward a local port (its type is not LocalPortForwarding): use AWS-StartPortForwardingSessionToRemoteHost or one made from it"
                    .to_owned(),
            );
        }
        let json = serde_json::to_vec(&response).expect("the response is plain data");
        self.send(PayloadType::HandshakeResponse, json.into(), None, now);
        self.stage = Stage::AwaitComplete;
        if let Some(trouble) = trouble {
            self.events.push_back(Event::Unsupported(trouble));
        }
    }

    fn send(&mut self, payload_type: PayloadType, payload: Bytes, every: Option<Duration>, now: Instant) -> i64 {
        let length = payload.len();
        tracing::trace!(sequence = self.outgoing.next_sequence(), payload = ?payload_type, length, "sends");
        let frame = self.frame(self.outgoing.next_sequence(), payload_type, payload, now);
        self.waiting.get_or_insert(now);
        self.unanswered += length;
        self.outgoing.record(frame, length, every)
    }

    fn frame(&mut self, sequence: i64, payload_type: PayloadType, payload: Bytes, now: Instant) -> Bytes {
        let (id, created) = (self.id(), self.millis(now));
        Message::stream_data(MessageType::InputStreamData, id, created, sequence, payload_type, payload).encode()
    }

    /// Puts a small NOP in the place of the large one.
    fn refuse_large(&mut self, sequence: i64, now: Instant) {
        tracing::debug!(sequence, "a large payload was not acknowledged; staying with small ones");
        self.large = Large::Refused;
        let nop = smux::nop();
        let length = nop.len();
        let frame = self.frame(sequence, PayloadType::Output, nop, now);
        self.outgoing.replace(sequence, frame, length);
    }

    /// The agent is there: it said something.
    fn hear(&mut self, now: Instant) {
        self.heard = now;
        self.heard_since_connected = true;
        self.agent_is_back();
    }

    fn agent_is_back(&mut self) {
        if self.paused.take().is_some() {
            tracing::debug!("the agent is back");
            self.outgoing.resend_all();
        }
    }

    /// The agent gets its time anew to be heard; what is overdue is sent again as ever.
    fn wake(&mut self, now: Instant) {
        tracing::debug!("the machine slept");
        self.woke = now;
        if let Large::Trying(_, since) = &mut self.large {
            *since = now;
        }
    }

    fn silent_since(&self) -> Option<Instant> {
        self.waiting.map(|waiting| waiting.max(self.heard).max(self.woke))
    }

    fn silence_deadline(&self) -> Option<Instant> {
        let since = self.silent_since()?;
        Some(match self.paused {
            Some(away) => away.since.max(self.woke) + AWAY_SILENCE,
            None if self.unanswered >= BULK => since + BULK_SILENCE,
            None => since + SILENCE,
        })
    }

    fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random.random()).into_uuid()
    }

    fn millis(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.origin).as_millis();
        self.origin_millis.saturating_add(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }
}
