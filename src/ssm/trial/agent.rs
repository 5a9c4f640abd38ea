//! A model of Amazon's agent, from its sources and from measurements of it (the reference, §5 to §8), habits included:
//! slices of 1,024 with a pause, only the head resent, old duplicates acknowledged again, early data acknowledged and
//! lost, data rejected without acknowledgement until the smux server is up, one dial after the other. Behind it every
//! stream is an echo, but one that begins with [`SOURCE`], which is a source. It shares no machine with the client, only
//! the codecs.

use crate::ssm::ack::Acknowledgement;
use crate::ssm::handshake::{
    ActionParameters, HandshakeComplete, HandshakeRequest, HandshakeResponse, RequestedAction,
};
use crate::ssm::message::{FLAG_SYN, Flag, Message, MessageType, PayloadType};
use crate::ssm::smux::{self, Decoder, Piece};
use bytes::{Bytes, BytesMut};
use serde_json::json;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A stream whose first bytes are this and a big-endian u64 sends so many bytes, a multiple of eight: little-endian words
/// that count from 0.
pub const SOURCE: &[u8; 8] = b"\0source\0";
/// What a source makes at a time.
const PART: u64 = 16 << 10;
/// Sources wait while so many messages are unacknowledged: they must not fill the memory that a test measures.
const AHEAD: usize = 512;

/// How this one is set up.
#[derive(Clone, Debug)]
pub struct Habits {
    /// AgentVersion.
    pub version: String,
    /// Between two slices.
    pub pace: Duration,
    /// Bytes of one.
    pub slice: usize,
    /// Between sending HandshakeComplete and believing it.
    pub race: Duration,
    /// From there until the smux server is up.
    pub setup: Duration,
    /// Every so many of its messages, the acknowledgement comes before the message was booked, and is not noticed.
    pub blind: i64,
    /// Streams that it cannot connect: every so many.
    pub refuses: Option<u32>,
    /// The stream whose dial never answers; it dials for no other meanwhile.
    pub silent: Option<u32>,
    /// Asks for KMS encryption too.
    pub encryption: bool,
    /// Asked to terminate, it closes the channel at once.
    pub hangs_up: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            version: "3.3.987.0".to_owned(),
            pace: Duration::from_millis(1),
            slice: 1024,
            race: Duration::from_millis(4),
            setup: Duration::from_millis(30),
            blind: i64::MAX,
            refuses: None,
            silent: None,
            encryption: false,
            hangs_up: false,
        }
    }
}

/// The agent.
#[derive(Debug)]
pub struct Agent {
    habits: Habits,
    expected: i64,
    early: BTreeMap<i64, Message>,
    next: i64,
    booked: BTreeMap<i64, (Bytes, Instant)>,
    noticed: HashSet<i64>,
    queue: VecDeque<(PayloadType, Bytes)>,
    next_slice: Instant,
    next_scan: Instant,
    frames: VecDeque<Bytes>,
    complete: Option<Instant>,
    responses: u32,
    decoder: Decoder,
    streams: HashSet<u32>,
    /// Stream, bytes made, bytes to make.
    sources: VecDeque<(u32, u64, u64)>,
    away: bool,
    /// With the silent dial.
    dialling: bool,
    /// NOPs that came.
    pub nops: u32,
    /// The terminate flag came.
    pub terminated: bool,
    /// The session was cancelled: an action was not done.
    pub cancelled: bool,
    /// The sentence for the protocol broken by the client, if it was.
    pub complaint: Option<String>,
}

impl Agent {
    /// Sends its handshake request at once.
    pub fn new(habits: Habits, now: Instant) -> Self {
        let port = ActionParameters {
            session_type: Some("Port".to_owned()),
            properties: Some(
                [("host", "db"), ("localPortNumber", "0"), ("portNumber", "5432"), ("type", "LocalPortForwarding")]
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), json!(value)))
                    .collect(),
            ),
            ..ActionParameters::default()
        };
        let mut actions = vec![RequestedAction { action_type: "SessionType".to_owned(), action_parameters: port }];
        if habits.encryption {
            let key = ActionParameters { kms_key_id: Some("arn:aws:kms:k".to_owned()), ..ActionParameters::default() };
            actions.push(RequestedAction { action_type: "KMSEncryption".to_owned(), action_parameters: key });
        }
        let request = HandshakeRequest { agent_version: habits.version.clone(), requested_client_actions: actions };
        let request = serde_json::to_vec(&request).expect("plain data");
        Self {
            habits,
            expected: 0,
            early: BTreeMap::new(),
            next: 0,
            booked: BTreeMap::new(),
            noticed: HashSet::new(),
            queue: VecDeque::from([(PayloadType::HandshakeRequest, request.into())]),
            next_slice: now,
            next_scan: now,
            frames: VecDeque::new(),
            complete: None,
            responses: 0,
            decoder: Decoder::new(),
            streams: HashSet::new(),
            sources: VecDeque::new(),
            away: false,
            dialling: false,
            nops: 0,
            terminated: false,
            cancelled: false,
            complaint: None,
        }
    }

    /// The service told it that the client is away: it sends nothing until it hears from it.
    pub fn pause(&mut self) {
        self.away = true;
    }

    /// The service told it that the client is back.
    pub fn unpause(&mut self) {
        self.away = false;
    }

    /// A frame from the client.
    pub fn receive(&mut self, frame: &Bytes, now: Instant) {
        let message = Message::decode(frame).expect("the client sends whole frames");
        self.away = false;
        match message.kind {
            MessageType::Acknowledge => {
                let acknowledgement = Acknowledgement::decode(&message.payload).expect("an acknowledgement");
                let sequence = acknowledgement.sequence;
                let blind = sequence % self.habits.blind == self.habits.blind - 1 && self.noticed.insert(sequence);
                if !blind {
                    self.booked.remove(&sequence);
                }
            }
            MessageType::InputStreamData if message.sequence < self.expected => self.acknowledge(&message),
            MessageType::InputStreamData if message.sequence > self.expected => {
                self.acknowledge(&message);
                self.early.insert(message.sequence, message);
            }
            MessageType::InputStreamData => {
                if self.process(&message, now) {
                    self.expected += 1;
                    self.acknowledge(&message);
                    while let Some(message) = self.early.remove(&self.expected) {
                        if !self.process(&message, now) {
                            self.early.insert(message.sequence, message);
                            break;
                        }
                        self.expected += 1;
                    }
                }
            }
            other => self.complain(format!("a client sends no {other:?}")),
        }
    }

    /// Sends what its pace allows, resends its head.
    pub fn tick(&mut self, now: Instant) {
        if self.away {
            return;
        }
        self.produce();
        while self.next_slice <= now
            && let Some((payload_type, payload)) = self.queue.pop_front()
        {
            let id = Uuid::from_u64_pair(0x1234_5678_9abc_4def, 0x8000_0000_0000_0000 + self.next.unsigned_abs());
            let mut message =
                Message::stream_data(MessageType::OutputStreamData, id, 1, self.next, payload_type, payload);
            message.flags = if self.next == 0 { FLAG_SYN } else { 0 };
            let frame = message.encode();
            self.booked.insert(self.next, (frame.clone(), now));
            self.frames.push_back(frame);
            if payload_type == PayloadType::HandshakeComplete {
                self.complete = Some(now + self.habits.race);
            }
            self.next += 1;
            self.next_slice = now + self.habits.pace;
        }
        if self.next_scan <= now {
            self.next_scan = now + Duration::from_millis(100);
            if let Some(mut head) = self.booked.first_entry() {
                let (frame, sent) = head.get_mut();
                if *sent + Duration::from_millis(200) <= now {
                    *sent = now;
                    self.frames.push_back(frame.clone());
                }
            }
        }
    }

    /// When [`Self::tick`] is to be called next.
    pub fn next_tick(&self) -> Option<Instant> {
        if self.away {
            return None;
        }
        let producing = !self.sources.is_empty() && self.booked.len() < AHEAD;
        let slice = (producing || !self.queue.is_empty()).then_some(self.next_slice);
        let scan = (!self.booked.is_empty()).then_some(self.next_scan);
        [slice, scan].into_iter().flatten().min()
    }

    /// The next frame for the client.
    pub fn transmit(&mut self) -> Option<Bytes> {
        self.frames.pop_front()
    }

    /// Messages that it believes unacknowledged.
    pub fn booked(&self) -> usize {
        self.booked.len()
    }

    /// Streams that are open.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    fn acknowledge(&mut self, message: &Message) {
        let frame = Acknowledgement::of(message).message(Uuid::from_u128(7), 1).encode();
        self.frames.push_back(frame);
    }

    /// `false`: not ready, rejected.
    fn process(&mut self, message: &Message, now: Instant) -> bool {
        if message.payload_type == PayloadType::HandshakeResponse {
            let response: HandshakeResponse = serde_json::from_slice(&message.payload).expect("a response");
            self.responses += 1;
            if self.responses > 1 {
                self.complain("a second handshake response blocks the agent for good".to_owned());
            }
            if response.processed_client_actions.iter().all(|action| action.action_status == 1) {
                let complete =
                    HandshakeComplete { handshake_time_to_complete: 1_000_000, customer_message: "hello".to_owned() };
                let json = serde_json::to_vec(&complete).expect("plain data");
                self.queue.push_back((PayloadType::HandshakeComplete, json.into()));
            } else {
                self.cancelled = true;
            }
            return true;
        }
        let Some(complete) = self.complete.filter(|complete| *complete <= now) else {
            return true; // acknowledged and thrown away
        };
        if now < complete + self.habits.setup {
            return false;
        }
        match message.payload_type {
            PayloadType::Flag => self.terminated |= Flag::decode(&message.payload) == Some(Flag::TerminateSession),
            PayloadType::Output => self.smux(message.payload.clone()),
            other => self.complain(format!("no {other:?} is expected")),
        }
        true
    }

    /// It was asked to terminate, and closes the channel for that.
    pub fn hangs_up(&self) -> bool {
        self.habits.hangs_up && self.terminated
    }

    /// The sources' turn, when nothing else waits.
    fn produce(&mut self) {
        if !self.queue.is_empty() || self.booked.len() >= AHEAD {
            return;
        }
        let Some((id, made, total)) = self.sources.pop_front() else { return };
        if !self.streams.contains(&id) {
            return;
        }
        let next = total.min(made + PART);
        let words: Vec<u8> = (made / 8..next / 8).flat_map(u64::to_le_bytes).collect();
        let mut out = BytesMut::new();
        smux::push(id, &words, &mut out);
        self.slice(&out);
        if next < total {
            self.sources.push_back((id, next, total));
        }
    }

    fn smux(&mut self, mut bytes: Bytes) {
        let mut out = BytesMut::new();
        loop {
            if self.dialling {
                return; // what comes lies there until the system gives up
            }
            match self.decoder.next(&mut bytes) {
                Ok(None) => break,
                Ok(Some(Piece::Nop)) => self.nops += 1,
                Ok(Some(Piece::Open(id))) => {
                    if id % 2 == 0 || id < smux::FIRST_CLIENT_STREAM {
                        self.complain(format!("a client's stream is not {id}"));
                    }
                    if self.habits.silent == Some(id) {
                        self.dialling = true;
                        break;
                    }
                    if self.habits.refuses.is_some_and(|every| (id / 2).is_multiple_of(every)) {
                        self.slice(&out.split());
                        self.queue.push_back((PayloadType::Flag, Flag::ConnectToPortError.encode()));
                        out.extend_from_slice(&smux::close(id));
                    } else {
                        self.streams.insert(id);
                    }
                }
                Ok(Some(Piece::Data(id, data))) if data.starts_with(SOURCE) => {
                    let total = data[SOURCE.len()..].try_into().map(u64::from_be_bytes).expect("a number");
                    self.sources.push_back((id, 0, total));
                }
                Ok(Some(Piece::Data(id, data))) if self.streams.contains(&id) => smux::push(id, &data, &mut out),
                Ok(Some(Piece::Data(..))) => {}
                Ok(Some(Piece::Close(id))) => {
                    if self.streams.remove(&id) {
                        out.extend_from_slice(&smux::close(id));
                    }
                }
                Err(broken) => {
                    self.complain(broken.to_string());
                    break;
                }
            }
        }
        self.slice(&out);
    }

    fn slice(&mut self, bytes: &[u8]) {
        let slices = bytes.chunks(self.habits.slice).map(|slice| (PayloadType::Output, Bytes::copy_from_slice(slice)));
        self.queue.extend(slices);
    }

    fn complain(&mut self, complaint: String) {
        self.complaint.get_or_insert(complaint);
    }
}
