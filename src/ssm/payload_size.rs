//! How many bytes one message may carry: what every agent and the service take, until a larger one was tried. Pure: it is
//! told the time.
//!
//! A large payload is tried with NOPs first: if it is refused, a small NOP can take its place and its sequence number, and
//! no byte of anybody is lost or doubled.

use super::smux;
use bytes::{Bytes, BytesMut};
use std::time::{Duration, Instant};

/// Payload of stream data that every agent and the service take.
pub const SMALL: usize = 1024;
/// The most that is ever tried.
const LARGEST: usize = 1 << 16;
/// A large payload that is not acknowledged by then is taken for refused.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known about payloads above [`SMALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Large {
    Untried,
    /// With this message, since then.
    Trying(i64, Instant),
    Taken,
    Refused,
}

/// The size of payloads in one session.
#[derive(Debug)]
pub struct PayloadSize {
    wanted: usize,
    large: Large,
}

impl PayloadSize {
    /// `wanted`: as the settings say.
    pub fn new(wanted: usize) -> Self {
        Self { wanted: wanted.clamp(SMALL / 4, LARGEST), large: Large::Untried }
    }

    /// The most bytes of the next message.
    pub fn most(&self) -> usize {
        if self.large == Large::Taken { self.wanted } else { self.wanted.min(SMALL) }
    }

    /// NOPs that fill a large payload, where one is to be tried before so many bytes that wait.
    pub fn trial(&self, waiting: usize) -> Option<Bytes> {
        if self.large != Large::Untried || self.wanted <= SMALL || waiting <= SMALL {
            return None;
        }
        let nop = smux::nop();
        let mut trial = BytesMut::with_capacity(self.wanted);
        while trial.len() + nop.len() <= self.wanted {
            trial.extend_from_slice(&nop);
        }
        Some(trial.freeze())
    }

    /// They have been sent with this number.
    pub fn tried(&mut self, sequence: i64, now: Instant) {
        self.large = Large::Trying(sequence, now);
    }

    /// An acknowledgement.
    pub fn acknowledged(&mut self, sequence: i64) {
        if matches!(self.large, Large::Trying(tried, _) if tried == sequence) {
            self.large = Large::Taken;
        }
    }

    /// When the trial is taken for refused.
    pub fn due(&self) -> Option<Instant> {
        if let Large::Trying(_, since) = self.large { Some(since + PATIENCE) } else { None }
    }

    /// The trial is refused; the number of the message that needs another content.
    pub fn refuse(&mut self) -> Option<i64> {
        let Large::Trying(sequence, _) = self.large else { return None };
        tracing::debug!(sequence, "a large payload was not acknowledged; staying with small ones");
        self.large = Large::Refused;
        Some(sequence)
    }

    /// The machine slept: the trial gets its time anew.
    pub fn wake(&mut self, now: Instant) {
        if let Large::Trying(_, since) = &mut self.large {
            *since = now;
        }
    }
}
