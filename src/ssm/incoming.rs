//! What has come from the agent: puts stream data in order. Pure.
//!
//! What differs from Amazon's client: an old duplicate is acknowledged again (by the caller, told by [`Arrival`]). The
//! agent resends nothing but its oldest unacknowledged message, so one lost acknowledgement would wedge it for good.

use super::message::Message;
use std::collections::BTreeMap;

/// So many messages are kept that came too early.
const EARLY_MESSAGES: usize = 10_000;
/// And so many payload bytes.
const EARLY_BYTES: usize = 32 << 20;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is the next one; acknowledge it.
    Next,
    /// Kept for later; acknowledge it.
    Early,
    /// Known already; acknowledge it again.
    Again,
    /// Too far ahead to keep: no acknowledgement, so that it is sent again.
    Refused,
}

/// The order of one direction.
#[derive(Debug, Default)]
pub struct Incoming {
    expected: i64,
    early: BTreeMap<i64, Message>,
    bytes: usize,
}

impl Incoming {
    /// Expects sequence number 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// What becomes of a message.
    pub fn arrival(&self, message: &Message) -> Arrival {
        if message.sequence < self.expected || self.early.contains_key(&message.sequence) {
            return Arrival::Again;
        }
        if message.sequence == self.expected {
            return Arrival::Next;
        }
        let full = self.early.len() >= EARLY_MESSAGES || self.bytes + message.payload.len() > EARLY_BYTES;
        if full { Arrival::Refused } else { Arrival::Early }
    }

    /// Takes a message that arrives so; [`Self::next`] gives it back in its turn.
    pub fn take(&mut self, message: Message, arrival: Arrival) {
        if matches!(arrival, Arrival::Next | Arrival::Early) {
            self.bytes += message.payload.len();
            self.early.insert(message.sequence, message);
        }
    }

    /// The next message in order, if it is here.
    pub fn next(&mut self) -> Option<Message> {
        let message = self.early.remove(&self.expected)?;
        self.expected = self.expected.checked_add(1)?;
        self.bytes -= message.payload.len();
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{MessageType, PayloadType};
    use super::*;
    use bytes::Bytes;
    use uuid::Uuid;

    fn message(sequence: i64) -> Message {
        let payload = Bytes::from_static(b"x");
        Message::stream_data(MessageType::OutputStreamData, Uuid::nil(), 1, sequence, PayloadType::Output, payload)
    }

    fn arrive(incoming: &mut Incoming, sequence: i64) -> Arrival {
        let arrival = incoming.arrival(&message(sequence));
        incoming.take(message(sequence), arrival);
        arrival
    }

    #[test]
    fn order_is_restored_and_duplicates_are_named() {
        let mut incoming = Incoming::new();
        assert_eq!(arrive(&mut incoming, 2), Arrival::Early);
        assert_eq!(arrive(&mut incoming, 2), Arrival::Again);
        assert!(incoming.next().is_none());
        assert_eq!(arrive(&mut incoming, 0), Arrival::Next);
        assert_eq!(arrive(&mut incoming, 1), Arrival::Early, "not taken out yet");
        let order: Vec<i64> = std::iter::from_fn(|| incoming.next()).map(|message| message.sequence).collect();
        assert_eq!(order, [0, 1, 2]);
        assert_eq!(arrive(&mut incoming, 1), Arrival::Again);
        assert_eq!(arrive(&mut incoming, -1), Arrival::Again);
    }

    #[test]
    fn what_is_kept_is_bounded_but_the_next_one_always_enters() {
        let mut incoming = Incoming::new();
        for sequence in 1..=EARLY_MESSAGES as i64 {
            assert_eq!(arrive(&mut incoming, sequence), Arrival::Early);
        }
        assert_eq!(arrive(&mut incoming, 20_000), Arrival::Refused);
        assert_eq!(arrive(&mut incoming, 0), Arrival::Next);
        assert_eq!(std::iter::from_fn(|| incoming.next()).count(), EARLY_MESSAGES + 1);
    }
}
