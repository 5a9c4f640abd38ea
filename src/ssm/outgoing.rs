//! What we have sent and the agent has not acknowledged. Pure: it is told the time.
//!
//! A frame is recorded before it is sent and stays until its acknowledgement, over as many web sockets as it takes.
//! What differs from Amazon's client, and why: any overdue frame is sent again, not the oldest alone (the agent keeps
//! early frames, so one round trip heals any number of holes); round trips are measured on frames sent once (Karn's
//! rule); nothing is ever thrown away, writers wait for room instead.
//!
//! A slow uplink must not fill with copies, so late is not overdue while older frames are still being acknowledged: a
//! frame is sent again when one that left after it has been acknowledged, or when nothing has been for a whole timeout;
//! and one that still waits in our own queue is not overdue at all.

use super::pace::Pace;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// A frame is taken for lost when this many frames sent after it have been acknowledged.
const OVERTAKEN: u64 = 8;
/// So many frames are sent again when nothing is acknowledged; if they were lost, the next ones follow at once.
const KNOCKS: usize = 16;

/// The unacknowledged frames of one direction.
#[derive(Debug)]
pub struct Outgoing {
    next: i64,
    unacknowledged: BTreeMap<i64, Recorded>,
    bytes: usize,
    pace: Pace,
    /// Sequence numbers to transmit, first first.
    queue: VecDeque<i64>,
    /// Transmissions so far: the order in which frames left.
    transmissions: u64,
    /// The latest transmission that was acknowledged, and the highest sequence number.
    acknowledged: (u64, i64),
    /// When something was acknowledged last, or went out after nothing was unacknowledged, or we knocked.
    progress: Option<Instant>,
    /// How often we knocked since the last acknowledgement.
    knocks: u32,
    /// No frame is due before this.
    check: Option<Instant>,
}

#[derive(Debug)]
struct Recorded {
    frame: Bytes,
    payload: usize,
    /// Waits in the queue.
    queued: bool,
    transmitted: u32,
    order: u64,
    at: Option<Instant>,
    due: Option<Instant>,
    /// Sent again this often, whatever was measured.
    every: Option<Duration>,
}

impl Recorded {
    /// Whether it is overdue as soon as it is due: it has a rhythm of its own, or one that left later (`latest`) has
    /// been acknowledged.
    fn needs_no_silence(&self, latest: u64) -> bool {
        self.every.is_some() || self.order < latest
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::new()
    }
}

impl Outgoing {
    /// Nothing sent yet.
    pub fn new() -> Self {
        Self {
            next: 0,
            unacknowledged: BTreeMap::new(),
            bytes: 0,
            pace: Pace::default(),
            queue: VecDeque::new(),
            transmissions: 0,
            acknowledged: (0, 0),
            progress: None,
            knocks: 0,
            check: None,
        }
    }

    /// The sequence number of the next frame to be recorded.
    pub fn next_sequence(&self) -> i64 {
        self.next
    }

    /// Whether the window has room for another frame (of any size: it may overshoot by one).
    pub fn has_room(&self) -> bool {
        self.bytes < self.pace.window()
    }

    /// Frames that are not acknowledged yet.
    pub fn count(&self) -> usize {
        self.unacknowledged.len()
    }

    /// Whether everything has been acknowledged.
    pub fn is_empty(&self) -> bool {
        self.unacknowledged.is_empty()
    }

    /// Whether this one is not acknowledged yet.
    pub fn is_outstanding(&self, sequence: i64) -> bool {
        self.unacknowledged.contains_key(&sequence)
    }

    /// Smoothed round trip, once one was measured.
    pub fn round_trip(&self) -> Option<Duration> {
        self.pace.round_trip()
    }

    /// Keeps a frame that carries [`Self::next_sequence`], and queues it.
    pub fn record(&mut self, frame: Bytes, payload: usize, every: Option<Duration>) -> i64 {
        let sequence = self.next;
        self.next += 1;
        self.bytes += payload;
        let recorded = Recorded { frame, payload, queued: true, transmitted: 0, order: 0, at: None, due: None, every };
        self.unacknowledged.insert(sequence, recorded);
        self.queue.push_back(sequence);
        sequence
    }

    /// Puts another frame in the place of one that is not acknowledged, and queues it.
    pub fn replace(&mut self, sequence: i64, frame: Bytes, payload: usize) {
        let Some(recorded) = self.unacknowledged.get_mut(&sequence) else { return };
        self.bytes = self.bytes - recorded.payload + payload;
        recorded.frame = frame;
        recorded.payload = payload;
        if !recorded.queued {
            recorded.queued = true;
            self.queue.push_back(sequence);
        }
    }

    /// The next frame for the web socket, with whether it was sent before.
    pub fn transmit(&mut self, now: Instant) -> Option<(i64, Bytes, bool)> {
        while let Some(sequence) = self.queue.pop_front() {
            // Acknowledged while it waited for its second transmission.
            let Some(recorded) = self.unacknowledged.get_mut(&sequence) else { continue };
            self.transmissions += 1;
            recorded.queued = false;
            recorded.transmitted += 1;
            recorded.order = self.transmissions;
            recorded.at = Some(now);
            let wait = recorded.every.unwrap_or_else(|| self.pace.wait(recorded.transmitted));
            self.progress.get_or_insert(now);
            let due = now + wait;
            recorded.due = Some(due);
            self.check = Some(self.check.map_or(due, |check| check.min(due)));
            return Some((sequence, recorded.frame.clone(), recorded.transmitted > 1));
        }
        None
    }

    /// Whether [`Self::transmit`] may have a frame.
    pub fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// An acknowledgement. `false` when nothing waited for it.
    pub fn acknowledge(&mut self, sequence: i64, now: Instant) -> bool {
        let Some(recorded) = self.unacknowledged.remove(&sequence) else { return false };
        let busy = self.bytes;
        self.bytes -= recorded.payload;
        self.knocks = 0;
        self.progress = (!self.unacknowledged.is_empty()).then_some(now);
        if recorded.transmitted == 1
            && let Some(at) = recorded.at
        {
            self.pace.measure(now.saturating_duration_since(at), recorded.payload, busy, now);
        }
        self.acknowledged = (self.acknowledged.0.max(recorded.order), self.acknowledged.1.max(sequence));
        let (order, highest) = self.acknowledged;
        for (hole, recorded) in self.unacknowledged.range_mut(..highest) {
            let lost = recorded.order > 0 && recorded.order + OVERTAKEN < order;
            if lost && !recorded.queued && recorded.every.is_none() {
                recorded.queued = true;
                self.queue.push_back(*hole);
            }
        }
        true
    }

    /// Queues every overdue frame.
    pub fn expire(&mut self, now: Instant) {
        if self.check.is_none_or(|check| check > now) {
            return;
        }
        let (latest, _) = self.acknowledged;
        let mut knock = self.progress.unwrap_or(now) + self.pace.wait(self.knocks + 1);
        let mut left = if knock <= now { KNOCKS } else { 0 };
        let mut knocked = false;
        for (sequence, recorded) in &mut self.unacknowledged {
            if recorded.queued || recorded.due.is_none_or(|due| due > now) {
                continue;
            }
            if !recorded.needs_no_silence(latest) {
                if left == 0 {
                    continue;
                }
                left -= 1;
                knocked = true;
            }
            recorded.queued = true;
            self.queue.push_back(*sequence);
        }
        if knocked {
            self.knocks += 1;
            self.progress = Some(now);
            knock = now + self.pace.wait(self.knocks + 1);
        }
        let waiting = self.unacknowledged.values().filter(|recorded| !recorded.queued);
        let checks = waiting.filter_map(|recorded| {
            let due = recorded.due?;
            Some(if recorded.needs_no_silence(latest) { due } else { due.max(knock) })
        });
        let check = checks.min();
        self.check = check;
    }

    /// When [`Self::expire`] is to be called next; it may turn out to be too early.
    pub fn check(&self) -> Option<Instant> {
        self.check
    }

    /// A new web socket, or the agent is back: everything unacknowledged goes out, in order.
    pub fn resend_all(&mut self) {
        self.queue.clear();
        self.check = None;
        self.progress = None;
        self.knocks = 0;
        self.pace.forget_best();
        for (sequence, recorded) in &mut self.unacknowledged {
            recorded.queued = true;
            recorded.due = None;
            self.queue.push_back(*sequence);
        }
    }

    /// The oldest one goes out again: a knock on the door of an agent that is said to be away.
    pub fn resend_oldest(&mut self) {
        let Some(sequence) = self.unacknowledged.keys().next().copied() else { return };
        if self.queue.front() != Some(&sequence) {
            self.queue.push_front(sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(outgoing: &mut Outgoing, now: Instant) -> Vec<i64> {
        std::iter::from_fn(|| outgoing.transmit(now)).map(|(sequence, ..)| sequence).collect()
    }

    fn three(now: Instant) -> Outgoing {
        let mut outgoing = Outgoing::new();
        for _ in 0..3 {
            outgoing.record(Bytes::from_static(b"x"), 4, None);
        }
        assert_eq!(sent(&mut outgoing, now), [0, 1, 2]);
        outgoing
    }

    #[test]
    fn every_overdue_frame_goes_again_and_backs_off() {
        let start = Instant::now();
        let mut outgoing = three(start);
        assert!(outgoing.acknowledge(1, start + Duration::from_millis(20)));
        assert!(!outgoing.acknowledge(1, start));
        outgoing.expire(start + Duration::from_millis(199));
        assert!(!outgoing.has_queued());
        let late = start + Duration::from_millis(200);
        outgoing.expire(late);
        assert_eq!(sent(&mut outgoing, late), [0, 2]);
        // 20 ms measured, so 100 ms; doubled for the second transmission.
        assert_eq!(outgoing.check(), Some(late + Duration::from_millis(200)));
    }

    #[test]
    fn a_full_window_has_no_room() {
        let mut outgoing = Outgoing::new();
        while outgoing.has_room() {
            outgoing.record(Bytes::new(), 64 << 10, None);
        }
        assert_eq!(outgoing.next_sequence(), 4);
        assert!(outgoing.acknowledge(2, Instant::now()));
        assert!(outgoing.has_room());
    }

    #[test]
    fn a_resent_frame_measures_nothing() {
        let start = Instant::now();
        let mut outgoing = three(start);
        let late = start + Duration::from_secs(1);
        outgoing.expire(late);
        assert_eq!(sent(&mut outgoing, late), [0, 1, 2], "nothing was acknowledged for a whole timeout");
        assert!(outgoing.acknowledge(0, late));
        assert_eq!(outgoing.round_trip(), None);
    }

    #[test]
    fn a_frame_in_the_queue_is_not_queued_twice() {
        let start = Instant::now();
        let mut outgoing = three(start);
        outgoing.expire(start + Duration::from_secs(1));
        outgoing.expire(start + Duration::from_secs(9));
        assert_eq!(sent(&mut outgoing, start + Duration::from_secs(9)).len(), 3);
    }

    #[test]
    fn an_overtaken_frame_is_resent_without_waiting() {
        let start = Instant::now();
        let mut outgoing = Outgoing::new();
        for _ in 0..12 {
            outgoing.record(Bytes::new(), 1, None);
        }
        sent(&mut outgoing, start);
        for sequence in 1..12 {
            outgoing.acknowledge(sequence, start);
        }
        assert_eq!(sent(&mut outgoing, start), [0]);
    }

    #[test]
    fn a_new_socket_gets_everything_in_order_once() {
        let start = Instant::now();
        let mut outgoing = three(start);
        outgoing.record(Bytes::new(), 1, None);
        outgoing.acknowledge(0, start);
        outgoing.resend_all();
        assert_eq!(sent(&mut outgoing, start), [1, 2, 3]);
    }
}
