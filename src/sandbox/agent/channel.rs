//! The agent's half of the reliability layer, with its habits (ssm-data-channel.md §5): acknowledgements one by one, old
//! duplicates acknowledged again, only the oldest unacknowledged message resent. It owns neither a socket nor a clock.

use crate::ssm::message::{FLAG_SYN, Message, MessageType, PayloadType};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Most messages kept in each direction; beyond it the newest is not kept.
const MOST_KEPT: usize = 100_000;
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(100);
const FIRST_TIMEOUT: Duration = Duration::from_millis(200);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(1);
const GRANULARITY: Duration = Duration::from_millis(10);

/// A message that was sent and not yet booked.
#[derive(Debug)]
pub struct Sent {
    sequence: i64,
    frame: Bytes,
    last_sent: Instant,
}

impl Sent {
    /// Its sequence number.
    pub fn sequence(&self) -> i64 {
        self.sequence
    }
}

/// What a message from the client means for the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is the next one.
    Next,
    /// It is early and kept: acknowledged.
    Early,
    /// It is early and there is no room: not acknowledged.
    NoRoom,
    /// It was here before: acknowledged again.
    Old,
}

/// Both directions of one session; it outlives web sockets.
#[derive(Debug)]
pub struct Channel {
    next: i64,
    outgoing: VecDeque<Sent>,
    expected: i64,
    early: BTreeMap<i64, Message>,
    round_trip: Duration,
    variation: Duration,
    timeout: Duration,
}

impl Channel {
    /// At sequence number 0 both ways.
    pub fn new() -> Channel {
        Channel {
            next: 0,
            outgoing: VecDeque::new(),
            expected: 0,
            early: BTreeMap::new(),
            round_trip: FIRST_ROUND_TRIP,
            variation: Duration::ZERO,
            timeout: FIRST_TIMEOUT,
        }
    }

    /// Makes the next message to the client: its frame, and what is to be booked once it is sent. `created` in Unix
    /// milliseconds.
    pub fn make(&mut self, payload_type: PayloadType, payload: Bytes, created: u64, now: Instant) -> (Bytes, Sent) {
        let kind = MessageType::OutputStreamData;
        let mut message = Message::stream_data(kind, Uuid::new_v4(), created, self.next, payload_type, payload);
        if self.next == 0 {
            message.flags = FLAG_SYN;
        }
        let frame = message.encode();
        let sent = Sent { sequence: self.next, frame: frame.clone(), last_sent: now };
        self.next += 1;
        (frame, sent)
    }

    /// Books a sent message, so that it is resent until acknowledged. The real agent does this after it has sent it: an
    /// acknowledgement that is faster finds nothing, and the message is resent for ever unless the client acknowledges the
    /// duplicate.
    pub fn book(&mut self, sent: Sent) {
        if self.outgoing.len() < MOST_KEPT {
            self.outgoing.push_back(sent);
        }
    }

    /// Takes an acknowledgement: of this very message and no other.
    pub fn acknowledged(&mut self, sequence: i64, now: Instant) {
        let Some(at) = self.outgoing.iter().position(|sent| sent.sequence == sequence) else { return };
        if let Some(sent) = self.outgoing.remove(at) {
            let sample = now.saturating_duration_since(sent.last_sent);
            self.variation = self.variation * 3 / 4 + self.round_trip.abs_diff(sample) / 4;
            self.round_trip = self.round_trip * 7 / 8 + sample / 8;
            self.timeout = (self.round_trip + (self.variation * 4).max(GRANULARITY)).min(LONGEST_TIMEOUT);
        }
    }

    /// The oldest message if it is overdue; it counts as sent again. No other is ever looked at.
    pub fn overdue(&mut self, now: Instant) -> Option<Bytes> {
        let head = self.outgoing.front_mut()?;
        if now.saturating_duration_since(head.last_sent) <= self.timeout {
            return None;
        }
        head.last_sent = now;
        Some(head.frame.clone())
    }

    /// The oldest message, sent for the first time really: until now there was nowhere to send it to.
    pub fn first(&mut self, now: Instant) -> Option<Bytes> {
        let head = self.outgoing.front_mut()?;
        head.last_sent = now;
        Some(head.frame.clone())
    }

    /// Whether everything sent has been acknowledged.
    pub fn is_drained(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// Sorts a message from the client; an early one is kept.
    pub fn sort(&mut self, message: &Message) -> Arrival {
        match message.sequence.cmp(&self.expected) {
            std::cmp::Ordering::Equal => Arrival::Next,
            std::cmp::Ordering::Less => Arrival::Old,
            std::cmp::Ordering::Greater if self.early.len() < MOST_KEPT => {
                self.early.insert(message.sequence, message.clone());
                Arrival::Early
            }
            std::cmp::Ordering::Greater => Arrival::NoRoom,
        }
    }

    /// The expected message was taken; the one after it is expected.
    pub fn advance(&mut self) {
        self.early.remove(&self.expected);
        self.expected += 1;
    }

    /// The expected message, if it came early.
    pub fn early(&self) -> Option<&Message> {
        self.early.get(&self.expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(sequence: i64) -> Message {
        let kind = MessageType::InputStreamData;
        Message::stream_data(kind, Uuid::new_v4(), 1, sequence, PayloadType::Output, Bytes::from_static(b"x"))
    }

    #[test]
    fn a_silent_client_sees_one_frame_again_and_again() {
        // Measured with the real agent: 0, 289, 593, 895 ms on a grid of 100 ms (ssm-data-channel.md §5).
        let mut channel = Channel::new();
        let start = Instant::now();
        for _ in 0..2 {
            let (_, sent) = channel.make(PayloadType::Output, Bytes::from_static(b"x"), 1, start);
            channel.book(sent);
        }
        let resent: Vec<u64> = (1..12_u64)
            .map(|tick| tick * 100)
            .filter(|ms| channel.overdue(start + Duration::from_millis(*ms)).is_some())
            .collect();
        assert_eq!(resent, [300, 600, 900]);
    }

    #[test]
    fn an_acknowledgement_that_overtakes_the_booking_is_lost() {
        let mut channel = Channel::new();
        let now = Instant::now();
        let (_, sent) = channel.make(PayloadType::Output, Bytes::from_static(b"x"), 1, now);
        channel.acknowledged(0, now);
        channel.book(sent);
        assert!(channel.overdue(now + Duration::from_secs(1)).is_some());
        channel.acknowledged(0, now + Duration::from_secs(1));
        assert!(channel.is_drained());
    }

    #[test]
    fn the_order_is_kept_and_duplicates_are_known() {
        let mut channel = Channel::new();
        assert_eq!(channel.sort(&input(1)), Arrival::Early);
        assert_eq!(channel.sort(&input(0)), Arrival::Next);
        channel.advance();
        assert_eq!(channel.early().map(|message| message.sequence), Some(1));
        channel.advance();
        assert!(channel.early().is_none());
        assert_eq!(channel.sort(&input(0)), Arrival::Old);
    }
}
