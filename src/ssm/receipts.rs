//! Acknowledgements on their way to the agent: when each goes out, and which go out again. Pure: it is told the time.
//!
//! What differs from Amazon's client, and why. Amazon's agent sends a message first and books it after, so a receipt that
//! is quick finds nothing and the message stays unacknowledged; and the agent resends its oldest message and no other, ten
//! a second. What was truly lost would wait behind all of those. So receipts are held back for a moment (no data waits for
//! one: the agent has no window), and while frames go missing each goes out twice: a lost one would cost the agent one of
//! those ten.

use super::incoming::Arrival;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A receipt is held back for at least this: the agent takes a millisecond or two from sending to booking.
const LEAST_HOLD: Duration = Duration::from_millis(4);
/// And for at most this; those that have been held for long enough by then go along with it.
const MOST_HOLD: Duration = Duration::from_millis(7);
/// More than so many are not held: an agent that sends faster than one a millisecond is not Amazon's, and may have a window
/// that waits for them.
const MOST_HELD: usize = 16;
/// Where frames go missing, a receipt goes out a second time so much later.
const AGAIN: Duration = Duration::from_millis(25);
/// Frames are held to go missing for so long after one came twice or out of its turn.
const TROUBLE: Duration = Duration::from_secs(5);
/// At most so many are kept for the next web socket.
const LAST_RECEIPTS: usize = 1024;

/// The receipts of one session; they outlive web sockets.
#[derive(Debug, Default)]
pub struct Receipts {
    /// To be sent at once, and since when.
    due: VecDeque<(Instant, Bytes)>,
    /// Made when, oldest first.
    held: VecDeque<(Instant, Bytes)>,
    /// Sent once; again from then on, soonest first.
    again: VecDeque<(Instant, Bytes)>,
    /// The latest, and when they were made.
    recent: VecDeque<(Instant, Bytes)>,
    trouble_until: Option<Instant>,
    hurried: bool,
}

impl Receipts {
    /// One for a message that has arrived so.
    pub fn add(&mut self, receipt: Bytes, arrival: Arrival, now: Instant) {
        if arrival != Arrival::Next {
            self.trouble_until = Some(now + TROUBLE);
        }
        if self.recent.len() == LAST_RECEIPTS {
            self.recent.pop_front();
        }
        self.recent.push_back((now, receipt.clone()));
        // What comes again was booked long ago, and the agent does nothing else for us until it has its receipt.
        if arrival == Arrival::Again || self.hurried {
            self.sent(&receipt, now);
            self.due.push_back((now, receipt));
        } else {
            self.held.push_back((now, receipt));
            if self.held.len() > MOST_HELD
                && let Some((_, oldest)) = self.held.pop_front()
            {
                self.sent(&oldest, now);
                self.due.push_back((now, oldest));
            }
        }
    }

    /// When [`Self::next`] has one.
    pub fn when(&self) -> Option<Instant> {
        let held = self.held.front().map(|(made, _)| *made + MOST_HOLD);
        let [due, again] = [&self.due, &self.again].map(|waiting| waiting.front().map(|(at, _)| *at));
        [due, held, again].into_iter().flatten().min()
    }

    /// Whether [`Self::next`] has one.
    pub fn is_due(&self, now: Instant) -> bool {
        self.when().is_some_and(|at| at <= now)
    }

    /// The next one to be sent.
    pub fn next(&mut self, now: Instant) -> Option<Bytes> {
        if self.held.front().is_some_and(|(made, _)| *made + MOST_HOLD <= now) {
            while let Some((_, receipt)) = self.held.pop_front_if(|(made, _)| *made + LEAST_HOLD <= now) {
                self.sent(&receipt, now);
                self.due.push_back((now, receipt));
            }
        }
        while let Some(again) = self.again.pop_front_if(|(at, _)| *at <= now) {
            self.due.push_back(again);
        }
        self.due.pop_front().map(|(_, receipt)| receipt)
    }

    /// Holds none back any more: the session is to end, and the agent waits for them.
    pub fn hurry(&mut self) {
        self.hurried = true;
        self.due.extend(self.held.drain(..));
    }

    /// The web socket is gone, and perhaps what was sent on it last.
    pub fn disconnected(&mut self) {
        self.due.clear();
        self.held.clear();
        self.again.clear();
    }

    /// There is a new web socket: those made since then are sent on it, at once. Gives their number.
    pub fn connected(&mut self, since: Option<Instant>) -> usize {
        self.recent.retain(|(made, _)| since.is_none_or(|since| *made >= since));
        self.due = self.recent.clone();
        self.due.len()
    }

    /// Goes out now, and again later if that is wise.
    fn sent(&mut self, receipt: &Bytes, now: Instant) {
        if self.trouble_until.is_some_and(|until| now < until) {
            self.again.push_back((now + AGAIN, receipt.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    fn all(receipts: &mut Receipts, now: Instant) -> Vec<Bytes> {
        std::iter::from_fn(|| receipts.next(now)).collect()
    }

    const ONE: Bytes = Bytes::from_static(b"1");
    const TWO: Bytes = Bytes::from_static(b"2");
    const THREE: Bytes = Bytes::from_static(b"3");

    #[test]
    fn a_receipt_lets_the_agent_book_and_takes_others_along() {
        let (start, mut receipts) = (Instant::now(), Receipts::default());
        assert_eq!(receipts.when(), None);
        receipts.add(ONE, Arrival::Next, start);
        receipts.add(TWO, Arrival::Next, after(start, 2));
        receipts.add(THREE, Arrival::Next, after(start, 6));
        assert!(!receipts.is_due(after(start, 6)) && receipts.next(after(start, 6)).is_none());
        assert_eq!(receipts.when(), Some(after(start, 7)));
        assert_eq!(all(&mut receipts, after(start, 7)), [ONE, TWO], "the third is too young");
        assert_eq!(all(&mut receipts, after(start, 13)), [THREE]);
        assert_eq!(receipts.when(), None, "once is enough while nothing goes missing");
    }

    #[test]
    fn a_duplicate_is_answered_at_once_and_from_then_on_everything_twice() {
        let (start, mut receipts) = (Instant::now(), Receipts::default());
        receipts.add(ONE, Arrival::Again, start);
        assert_eq!(all(&mut receipts, start), [ONE]);
        receipts.add(TWO, Arrival::Next, start);
        assert_eq!(all(&mut receipts, after(start, 7)), [TWO]);
        assert_eq!(all(&mut receipts, after(start, 24)), [ONE; 0]);
        assert_eq!(all(&mut receipts, after(start, 32)), [ONE, TWO]);
        receipts.add(THREE, Arrival::Next, after(start, 6000));
        assert_eq!(all(&mut receipts, after(start, 6007)), [THREE]);
        assert_eq!(receipts.when(), None, "the trouble is over");
    }

    #[test]
    fn the_end_waits_for_none() {
        let (start, mut receipts) = (Instant::now(), Receipts::default());
        receipts.add(ONE, Arrival::Next, start);
        receipts.hurry();
        receipts.add(TWO, Arrival::Next, start);
        assert_eq!(all(&mut receipts, start), [ONE, TWO]);
    }

    #[test]
    fn a_new_web_socket_gets_the_latest_at_once() {
        let (start, mut receipts) = (Instant::now(), Receipts::default());
        receipts.add(ONE, Arrival::Next, start);
        receipts.add(TWO, Arrival::Next, after(start, 2000));
        assert_eq!(all(&mut receipts, after(start, 2000)), [ONE]);
        receipts.disconnected();
        assert_eq!(receipts.when(), None);
        assert_eq!(receipts.connected(Some(after(start, 1))), 1);
        assert_eq!(all(&mut receipts, after(start, 3000)), [TWO]);
    }
}
