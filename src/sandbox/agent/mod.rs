//! The bastion's agent in one session, with the real agent's habits, the bad ones too (ssm-data-channel.md §5 to §12).
//! It must not know how sessions are started, nor what a gate is beyond an address to dial.
//!
//! Where it differs from the real one: a frame with a wrong digest is dropped without an acknowledgement (the real agent
//! does not look at digests, the client's side of Amazon's code does exactly this), and there is no basic mode: the cast
//! has no agent that old.

mod channel;
mod network;
mod streams;

pub use network::Network;

use super::activity::Activity;
use super::faults::Fault;
use super::once::Ear;
use super::sessions::Outside;
use crate::ssm::ack::Acknowledgement;
use crate::ssm::handshake::{
    ActionParameters, HandshakeComplete, HandshakeRequest, HandshakeResponse, RequestedAction, SUCCESS, newer,
};
use crate::ssm::message::{Flag, Message, MessageType, PayloadType};
use crate::ssm::open::ChannelClosed;
use crate::ssm::smux;
use bytes::{Buf, Bytes, BytesMut};
use channel::{Arrival, Channel, Sent};
use network::Destination;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use streams::{Budget, Out, Streams};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};
use uuid::Uuid;

/// How long the agent waits for the client's answer.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of one message to the client.
const SLICE: usize = 1024;
/// What each takes: the real agent sleeps a millisecond after each and has some work with it, which comes to 0.6 to
/// 0.8 MB/s on any machine (amazon-ssm-agent issue 664).
const PACE: Duration = Duration::from_micros(1_500);
/// How far the pace may be behind and still be caught up with: timers here are no finer than a millisecond.
const LAG: Duration = Duration::from_millis(5);
/// How often the oldest unacknowledged message is looked at.
const SCAN: Duration = Duration::from_millis(100);
/// Between sending HandshakeComplete and knowing of it: what comes meanwhile is acknowledged and lost.
const HANDSHAKE_RACE: Duration = Duration::from_millis(1);
/// How long a name takes to resolve; until the smux server stands, input is rejected without acknowledgement.
const LOOKUP: Duration = Duration::from_millis(4);
/// How long unacknowledged messages are waited for after TerminateSession.
const DRAIN: Duration = Duration::from_secs(2);
/// The account's idle timeout: 20 minutes unless a preference says otherwise. Only stream data counts, pings do not.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20 * 60);
/// What the client is told then.
const INACTIVE: &str = "Session was terminated due to inactivity";
/// The same where it was open for as long as the account lets sessions last. The text is ours: Amazon's is not known.
const AT_LIMIT: &str = "Session was terminated: it reached the maximum session duration";
/// smux's keepalive, where it is on.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// smux closes when nothing came for a whole such window.
const KEEP_ALIVE_WINDOW: u32 = 3;
/// Every so many messages one is booked only after the pause that follows it, too late for a quick acknowledgement. The
/// recording resume.jsonl shows it with message 2.
const LATE_BOOKING: (i64, i64) = (16, 2);
/// Messages that may wait for a slow web socket before the agent stops reading its streams.
const SOCKET_BACKLOG: usize = 256;

/// What a session is for.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// The session's id.
    pub session_id: String,
    /// The bastion's instance id.
    pub instance_id: String,
    /// `host`; empty for the bastion itself.
    pub host: String,
    /// `portNumber`.
    pub port: u16,
    /// All properties, for the handshake.
    pub properties: BTreeMap<String, String>,
}

/// What the service tells a session's agent.
#[derive(Debug)]
pub enum Word {
    /// A client's web socket is open: send there. It replaces an earlier one.
    Attached {
        /// Which socket; numbers grow.
        socket: u64,
        /// Frames to it; `None` closes it with 1000.
        frames: mpsc::Sender<Option<Bytes>>,
    },
    /// A frame from that socket.
    Frame {
        /// Which socket.
        socket: u64,
        /// The whole binary frame.
        frame: Bytes,
    },
    /// That socket is gone.
    Detached {
        /// Which socket.
        socket: u64,
    },
    /// TerminateSession was called.
    Terminate,
}

/// Where the session is.
enum Phase {
    /// HandshakeRequest is made; the answer must come by then.
    Asked(Instant),
    /// HandshakeComplete is sent, at that moment; the agent itself does not know it yet.
    Racing(Instant),
    /// The name is being resolved until that moment.
    Building(Instant),
    /// Streams flow.
    Forwarding(Streams),
    /// TerminateSession: waiting until all is acknowledged, at most until that moment.
    Draining(Instant),
}

/// One session's agent.
pub struct Agent {
    purpose: Purpose,
    network: Network,
    outside: Outside,
    activity: Activity,
    /// From when streams flow.
    ended: Option<Ear>,
    at_limit: Option<Ear>,
    channel: Channel,
    socket: Option<(u64, mpsc::Sender<Option<Bytes>>)>,
    phase: Phase,
    begun: Instant,
    client_version: String,
    /// A second HandshakeResponse: the read loop hangs for good.
    wedged: bool,
    out: Option<mpsc::Receiver<Out>>,
    /// Bytes of the streams that are not yet in a message.
    slices: BytesMut,
    late: VecDeque<Sent>,
    budget: Arc<Budget>,
    keep_alive: Option<(Interval, u32)>,
    next_slice: Instant,
    offline: bool,
}

impl Agent {
    /// An agent that has just been asked to start a session.
    pub fn new(purpose: Purpose, network: Network, outside: Outside, activity: Activity) -> Agent {
        let now = Instant::now();
        let mut agent = Agent {
            purpose,
            network,
            outside,
            activity,
            ended: None,
            at_limit: None,
            channel: Channel::new(),
            socket: None,
            phase: Phase::Asked(now + HANDSHAKE_TIMEOUT),
            begun: now,
            client_version: String::new(),
            wedged: false,
            out: None,
            slices: BytesMut::new(),
            late: VecDeque::new(),
            budget: Arc::default(),
            keep_alive: None,
            next_slice: now,
            offline: false,
        };
        // Booked before any client is there.
        let request = agent.request();
        agent.send(PayloadType::HandshakeRequest, request);
        agent
    }

    /// Runs until the session ends; the text is what `close` is to tell the client.
    pub async fn run(&mut self, mut words: mpsc::Receiver<Word>) -> String {
        let mut scan = interval(SCAN);
        scan.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut faults = self.outside.faults.changed();
        loop {
            let budget = Arc::clone(&self.budget);
            let has_room = budget.has_room();
            let can_send = self.can_send();
            let deadline = self.deadline();
            let outcome = tokio::select! {
                word = words.recv(), if has_room => match word {
                    Some(word) => self.hear(word),
                    None => return String::new(),
                },
                () = budget.freed(), if !has_room => Ok(()),
                () = struck(&mut self.ended) => Err(INACTIVE.to_owned()),
                () = struck(&mut self.at_limit) => Err(AT_LIMIT.to_owned()),
                _ = faults.changed() => { self.look_at_bastion(); Ok(()) }
                _ = scan.tick() => { self.resend(); self.look_at_clock() }
                () = sleep_until(self.next_slice.into()), if can_send && (!self.slices.is_empty() || !self.late.is_empty()) => {
                    self.send_slice();
                    Ok(())
                }
                out = next_out(&mut self.out), if can_send && self.slices.is_empty() => { self.take(out); Ok(()) }
                () = sleep_until(deadline.unwrap_or(self.begun).into()), if deadline.is_some() => self.deadline_passed(),
                () = next_keep_alive(&mut self.keep_alive) => self.keep_alive_tick(),
            };
            if let Err(text) = outcome {
                return text;
            }
        }
    }

    fn hear(&mut self, word: Word) -> Result<(), String> {
        match word {
            Word::Attached { socket, frames } => {
                if let Some((_, earlier)) = self.socket.replace((socket, frames)) {
                    let _it_may_be_gone = earlier.try_send(None);
                }
                self.service_says(MessageType::StartPublication, Bytes::new());
                self.ask_at_once();
            }
            Word::Detached { socket } => {
                if self.socket.as_ref().is_some_and(|(current, _)| *current == socket) {
                    self.socket = None;
                }
            }
            Word::Frame { socket, frame } => {
                let current = self.socket.as_ref().is_some_and(|(current, _)| *current == socket);
                if current && !self.is_silent() && !self.wedged {
                    return self.receive(&frame);
                }
            }
            Word::Terminate => return Err(String::new()),
        }
        Ok(())
    }

    /// A frame of the client.
    fn receive(&mut self, frame: &Bytes) -> Result<(), String> {
        let Ok(message) = Message::decode(frame) else { return Ok(()) };
        match message.kind {
            MessageType::Acknowledge => {
                if let Ok(receipt) = Acknowledgement::decode(&message.payload) {
                    self.channel.acknowledged(receipt.sequence, Instant::now());
                }
            }
            MessageType::InputStreamData => match self.channel.sort(&message) {
                Arrival::Next => {
                    if self.process(&message)? {
                        self.acknowledge(&message);
                        self.channel.advance();
                        self.process_early()?;
                    }
                }
                Arrival::Early | Arrival::Old => self.acknowledge(&message),
                Arrival::NoRoom => {}
            },
            _ => {}
        }
        Ok(())
    }

    /// What came early and is next now; it has been acknowledged already.
    fn process_early(&mut self) -> Result<(), String> {
        while let Some(message) = self.channel.early().cloned() {
            if !self.process(&message)? {
                break;
            }
            self.channel.advance();
        }
        Ok(())
    }

    /// Takes a message in its turn; `false` rejects it without an acknowledgement.
    fn process(&mut self, message: &Message) -> Result<bool, String> {
        match (message.payload_type, &mut self.phase) {
            (PayloadType::HandshakeResponse, Phase::Asked(_)) => self.answered(&message.payload).map(|()| true),
            (PayloadType::HandshakeResponse, _) => {
                self.wedged = true;
                Ok(false)
            }
            (PayloadType::Output | PayloadType::Flag, Phase::Building(_)) => Ok(false),
            (PayloadType::Output, Phase::Forwarding(streams)) => {
                // smux's session ends on a frame it does not know, and the agent's session with it.
                self.activity.mark();
                streams.feed(message.payload.clone()).map(|()| true).map_err(|_| String::new())
            }
            (PayloadType::Flag, Phase::Forwarding(_)) => {
                if Flag::decode(&message.payload) == Some(Flag::TerminateSession) {
                    self.phase = Phase::Draining(Instant::now() + DRAIN);
                    self.out = None;
                    self.slices.clear();
                }
                Ok(true)
            }
            // Before the handshake is known to be complete: acknowledged and thrown away.
            _ => Ok(true),
        }
    }

    /// The client's answer to the handshake.
    fn answered(&mut self, payload: &[u8]) -> Result<(), String> {
        let failed = |why: String| format!("Setting up data channel with id {} failed: {why}", self.purpose.session_id);
        let response: HandshakeResponse = serde_json::from_slice(payload).map_err(|error| failed(error.to_string()))?;
        if let Some(action) = response.processed_client_actions.iter().find(|action| action.action_status != SUCCESS) {
            return Err(failed(format!("{} failed on client: {}", action.action_type, action.error)));
        }
        if response.processed_client_actions.is_empty() {
            return Err(failed("no action was processed by the client".to_owned()));
        }
        self.client_version = response.client_version;
        let complete = HandshakeComplete {
            handshake_time_to_complete: i64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(i64::MAX),
            customer_message: String::new(),
        };
        let complete = serde_json::to_vec(&complete).expect("a number and a text are always JSON");
        self.send(PayloadType::HandshakeComplete, complete.into());
        self.phase = Phase::Racing(Instant::now() + HANDSHAKE_RACE);
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Asked(at) | Phase::Racing(at) | Phase::Building(at) => Some(*at),
            Phase::Draining(_) if self.channel.is_drained() => Some(Instant::now()),
            Phase::Draining(at) => Some(*at),
            Phase::Forwarding(_) => None,
        }
    }

    fn deadline_passed(&mut self) -> Result<(), String> {
        match &self.phase {
            Phase::Asked(_) => {
                Err("Handshake timed out. Please ensure that you have the latest version of the session \
                                    manager plugin."
                    .to_owned())
            }
            Phase::Racing(_) => {
                self.phase = Phase::Building(Instant::now() + LOOKUP);
                Ok(())
            }
            Phase::Building(_) => {
                let destination = self.network.resolve(&self.purpose.host)?;
                self.forward(destination);
                self.process_early()
            }
            Phase::Draining(_) => Err(String::new()),
            Phase::Forwarding(_) => Ok(()),
        }
    }

    /// The smux server stands.
    fn forward(&mut self, destination: Destination) {
        let (streams, out) = Streams::new(self.network.clone(), destination, self.purpose.port);
        self.budget = streams.budget();
        self.out = Some(out);
        self.ended = Some(self.outside.session_ended.listen());
        self.at_limit = Some(self.outside.session_at_limit.listen());
        self.phase = Phase::Forwarding(streams);
        // Newer agents keep it off for newer clients, because stream data defeats the idle timeout.
        let off = newer(&self.client_version, [1, 2, 331, 0]) && newer(self.network.agent_version(), [3, 1, 1511, 0]);
        if !off {
            let mut ticks = interval(KEEP_ALIVE);
            ticks.reset();
            self.keep_alive = Some((ticks, 0));
        }
    }

    fn keep_alive_tick(&mut self) -> Result<(), String> {
        let Some((_, ticks)) = &mut self.keep_alive else { return Ok(()) };
        *ticks += 1;
        self.slices.extend_from_slice(&smux::nop());
        if ticks.is_multiple_of(KEEP_ALIVE_WINDOW)
            && let Phase::Forwarding(streams) = &mut self.phase
            && !streams.heard()
        {
            return Err(String::new());
        }
        Ok(())
    }

    /// Whether messages can go to the client now; if not, nothing is read from the streams either.
    fn can_send(&self) -> bool {
        self.socket.as_ref().is_some_and(|(_, frames)| frames.capacity() > 0) && !self.is_silent()
    }

    fn is_silent(&self) -> bool {
        self.outside.faults.is_on(&Fault::AgentSilent) || self.offline
    }

    /// One message of what the streams have for the client.
    fn send_slice(&mut self) {
        while let Some(sent) = self.late.pop_front() {
            self.channel.book(sent);
        }
        while self.slices.len() < SLICE {
            match self.out.as_mut().map(mpsc::Receiver::try_recv) {
                Some(Ok(Out::Bytes(bytes))) => self.slices.extend_from_slice(&bytes),
                Some(Ok(Out::DialFailed)) => self.send(PayloadType::Flag, Flag::ConnectToPortError.encode()),
                _ => break,
            }
        }
        if !self.slices.is_empty() {
            let length = self.slices.len().min(SLICE);
            let payload = self.slices.copy_to_bytes(length);
            let (frame, sent) = self.channel.make(PayloadType::Output, payload, milliseconds(), Instant::now());
            self.activity.mark();
            self.frame(frame);
            if sent.sequence() % LATE_BOOKING.0 == LATE_BOOKING.1 {
                self.late.push_back(sent);
            } else {
                self.channel.book(sent);
            }
        }
        let now = Instant::now();
        self.next_slice = (self.next_slice + PACE).max(now.checked_sub(LAG).unwrap_or(now));
    }

    /// Something new from the streams.
    fn take(&mut self, out: Option<Out>) {
        match out {
            Some(Out::Bytes(bytes)) => self.slices.extend_from_slice(&bytes),
            Some(Out::DialFailed) => self.send(PayloadType::Flag, Flag::ConnectToPortError.encode()),
            None => self.out = None,
        }
    }

    /// A message outside the streams: sent at once and booked.
    fn send(&mut self, payload_type: PayloadType, payload: Bytes) {
        let (frame, sent) = self.channel.make(payload_type, payload, milliseconds(), Instant::now());
        self.frame(frame);
        self.channel.book(sent);
    }

    fn acknowledge(&mut self, message: &Message) {
        let receipt = Acknowledgement::of(message).message(Uuid::new_v4(), milliseconds());
        self.frame(receipt.encode());
    }

    fn resend(&mut self) {
        if self.can_send()
            && let Some(frame) = self.channel.overdue(Instant::now())
        {
            self.frame(frame);
        }
    }

    /// The service's own affair really; the session ends in the same words.
    fn look_at_clock(&self) -> Result<(), String> {
        match self.activity.idle() >= IDLE_TIMEOUT {
            true => Err(INACTIVE.to_owned()),
            false => Ok(()),
        }
    }

    /// On the first web socket the handshake's request goes out at once: the real agent opens its own channel only about
    /// then.
    fn ask_at_once(&mut self) {
        if matches!(self.phase, Phase::Asked(_))
            && let Some(frame) = self.channel.first(Instant::now())
        {
            self.frame(frame);
        }
    }

    /// To the web socket, if there is one; a full one loses it, and the resend brings it.
    fn frame(&mut self, frame: Bytes) {
        if let Some((_, frames)) = &self.socket
            && !self.is_silent()
        {
            let _resent_if_lost = frames.try_send(Some(frame));
        }
    }

    /// A message of the service's own, which a silent agent does not silence.
    fn service_says(&self, kind: MessageType, payload: Bytes) {
        if let Some((_, frames)) = &self.socket {
            let message = Message::unsequenced(kind, Uuid::new_v4(), milliseconds(), payload);
            let _client_may_be_gone = frames.try_send(Some(message.encode()));
        }
    }

    /// While the bastion is offline its agent is away, and the service says so.
    fn look_at_bastion(&mut self) {
        let offline = self.outside.faults.is_on(&Fault::BastionOffline);
        if offline != self.offline {
            self.offline = offline;
            self.service_says(
                if offline { MessageType::PausePublication } else { MessageType::StartPublication },
                Bytes::new(),
            );
        }
    }

    /// Tells the client that the session has ended and why; after the service has struck it off, as AWS does.
    pub async fn close(&mut self, text: &str) {
        let closed = ChannelClosed {
            created_date: rfc3339(),
            destination_id: self.purpose.instance_id.clone(),
            message_id: Uuid::new_v4().to_string(),
            message_type: "channel_closed".to_owned(),
            output: text.to_owned(),
            schema_version: 1,
            session_id: self.purpose.session_id.clone(),
        };
        let message =
            Message::unsequenced(MessageType::ChannelClosed, Uuid::new_v4(), milliseconds(), closed.encode().into());
        if let Some((_, frames)) = self.socket.take() {
            // It must arrive, so a slow client is waited for; but not one that has stopped reading.
            let _client_may_be_gone = tokio::time::timeout(DRAIN, async {
                frames.send(Some(message.encode())).await?;
                frames.send(None).await
            })
            .await;
        }
    }

    fn request(&self) -> Bytes {
        let properties = self.purpose.properties.iter();
        let request = HandshakeRequest {
            agent_version: self.network.agent_version().to_owned(),
            requested_client_actions: vec![RequestedAction {
                action_type: "SessionType".to_owned(),
                action_parameters: ActionParameters {
                    session_type: Some("Port".to_owned()),
                    properties: Some(properties.map(|(name, value)| (name.clone(), value.as_str().into())).collect()),
                    ..ActionParameters::default()
                },
            }],
        };
        serde_json::to_vec(&request).expect("texts are always JSON").into()
    }
}

/// The next output of the streams; never while there are none.
async fn next_out(out: &mut Option<mpsc::Receiver<Out>>) -> Option<Out> {
    match out {
        Some(out) => out.recv().await,
        None => std::future::pending().await,
    }
}

async fn struck(ear: &mut Option<Ear>) {
    match ear {
        Some(ear) => ear.struck().await,
        None => std::future::pending().await,
    }
}

async fn next_keep_alive(keep_alive: &mut Option<(Interval, u32)>) {
    match keep_alive {
        Some((ticks, _)) => {
            ticks.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// Frames to one web socket.
pub fn socket_queue() -> (mpsc::Sender<Option<Bytes>>, mpsc::Receiver<Option<Bytes>>) {
    mpsc::channel(SOCKET_BACKLOG)
}

fn milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn rfc3339() -> String {
    let now = jiff::Timestamp::now().round(jiff::Unit::Millisecond).unwrap_or_else(|_| jiff::Timestamp::now());
    now.to_string()
}
