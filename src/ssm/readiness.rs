//! How far a session has come: the handshake, and the barrier behind it. Pure: it is told the time.
//!
//! The agent says that the handshake is complete before it is, and what comes in between it acknowledges and throws away;
//! after that it rejects everything, without acknowledgement, until its smux server is up. So "ready" is two NOPs: one that
//! may be lost although it is acknowledged, and after a moment one whose acknowledgement means what it says.

use std::time::{Duration, Instant};

/// How often a NOP of the barrier is sent again.
pub const BARRIER_RESEND: Duration = Duration::from_millis(30);
/// Between the acknowledgement of its first NOP and the second one.
const BARRIER_WAIT: Duration = Duration::from_millis(10);

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// For the agent's handshake request.
    AwaitRequest,
    /// It is answered.
    AwaitComplete,
    /// The barrier's first NOP, which the agent may acknowledge and yet lose.
    First(i64),
    /// Until the second one is due.
    Between(Instant),
    /// Its second: rejected without acknowledgement until the agent's smux server is up.
    Second(i64),
    /// Nothing that is sent from here on can be lost.
    Ready,
    /// Nothing more is sent or heard.
    Over,
}

impl Stage {
    /// An acknowledgement; whether that makes it ready.
    pub fn acknowledged(&mut self, sequence: i64, now: Instant) -> bool {
        match *self {
            Self::First(first) if first == sequence => *self = Self::Between(now + BARRIER_WAIT),
            Self::Second(second) if second == sequence => {
                *self = Self::Ready;
                return true;
            }
            _ => {}
        }
        false
    }

    /// When the second NOP is to be sent.
    pub fn second_due(&self) -> Option<Instant> {
        if let Self::Between(until) = self { Some(*until) } else { None }
    }
}
