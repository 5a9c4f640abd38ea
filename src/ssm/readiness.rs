//! How far a session has come: the handshake, and the barrier behind it. Pure: it is told the time.
//!
//! The agent says that the handshake is complete before it is, and what comes in between it acknowledges and throws away;
//! after that it rejects everything, without acknowledgement, until its smux server is up. So "ready" is two NOPs: one that
//! may be lost although it is acknowledged, and after a moment one whose acknowledgement means what it says.

use super::Opened;
use super::handshake::{Gates, HandshakeComplete, HandshakeRequest, HandshakeResponse};
use std::time::{Duration, Instant};

/// How often a NOP of the barrier is sent again.
pub const BARRIER_RESEND: Duration = Duration::from_millis(30);
/// Between the acknowledgement of its first NOP and the second one.
const BARRIER_WAIT: Duration = Duration::from_millis(10);

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    AwaitRequest,
    /// It is answered.
    AwaitComplete,
    /// The barrier's first NOP.
    First(i64),
    /// Until the second one is due.
    Between(Instant),
    /// Rejected without acknowledgement until the agent's smux server is up.
    Second(i64),
    /// Nothing that is sent from here on can be lost.
    Ready,
    /// Nothing more is sent or heard.
    Over,
}

/// One session's way to "ready", and what is learnt on it.
#[derive(Debug, Default)]
pub struct Readiness {
    stage: Stage,
    gates: Option<Gates>,
    opened: Opened,
}

impl Readiness {
    /// Whether the agent's handshake request is still to come: a second one is not answered, for a second answer would
    /// block the agent for good.
    pub fn awaits_request(&self) -> bool {
        self.stage == Stage::AwaitRequest
    }

    /// The answer to it; with the sentence that says why this agent cannot carry our streams, if it cannot.
    pub fn answer(&mut self, request: &HandshakeRequest) -> (HandshakeResponse, Option<String>) {
        let gates = Gates::of(&request.agent_version);
        self.gates = Some(gates);
        self.opened.agent_version.clone_from(&request.agent_version);
        self.opened.destination = request.destination();
        self.stage = Stage::AwaitComplete;
        let (response, trouble) = HandshakeResponse::to(request);
        (response, trouble.or_else(|| request.obstacle(gates)))
    }

    /// Whether HandshakeComplete is still to come.
    pub fn awaits_complete(&self) -> bool {
        self.stage == Stage::AwaitComplete
    }

    /// It has come; `first`: the number of the barrier's first NOP.
    pub fn complete(&mut self, complete: HandshakeComplete, first: i64) {
        self.opened.customer_message = complete.customer_message;
        self.stage = Stage::First(first);
    }

    /// An acknowledgement; what was learnt, if that makes it ready.
    pub fn acknowledged(&mut self, sequence: i64, now: Instant) -> Option<Opened> {
        match self.stage {
            Stage::First(first) if first == sequence => self.stage = Stage::Between(now + BARRIER_WAIT),
            Stage::Second(second) if second == sequence => {
                self.stage = Stage::Ready;
                return Some(self.opened.clone());
            }
            _ => {}
        }
        None
    }

    /// When the second NOP is to be sent.
    pub fn second_due(&self) -> Option<Instant> {
        if let Stage::Between(until) = self.stage { Some(until) } else { None }
    }

    /// It has been, with this number.
    pub fn second(&mut self, sequence: i64) {
        self.stage = Stage::Second(sequence);
    }

    /// Whether the barrier is passed and the end not come.
    pub fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    /// Whether the end has come.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// The end.
    pub fn end(&mut self) {
        self.stage = Stage::Over;
    }

    /// Whether the agent understands the terminate flag.
    pub fn knows_terminate_flag(&self) -> bool {
        self.gates.is_some_and(|gates| gates.terminate_flag)
    }

    /// Whether the agent ends a session in which it hears no NOP.
    pub fn needs_nops(&self) -> bool {
        self.gates.is_some_and(|gates| gates.keep_alive)
    }
}
