//! How long the agent has been silent, and when that is too long. Pure: it is told the time.
//!
//! Acknowledgements are end to end, so something that stays unacknowledged is the one sign that an agent is gone while the
//! service answers. It must not know what was sent.

use std::time::{Duration, Instant};

/// Silence of the agent, with something unacknowledged, after which it is taken for gone.
const MOST: Duration = Duration::from_secs(30);
/// The same when much was sent that nothing has answered: an agent whose database does not read (an upload into a locked
/// table) stops acknowledging, and is not gone.
const MOST_IN_BULK: Duration = Duration::from_secs(600);
/// How much that is.
const BULK: usize = 64 << 10;
/// The same after the service said that the agent is away.
const MOST_AWAY: Duration = Duration::from_secs(300);

/// One agent's silence.
#[derive(Debug)]
pub struct Silence {
    heard: Instant,
    /// When we woke last from a sleep of the machine.
    woke: Instant,
    /// Since when something is unacknowledged.
    waiting: Option<Instant>,
    /// Bytes sent since the agent's last stream data.
    unanswered: usize,
}

impl Silence {
    /// Nothing was said yet on either side.
    pub fn new(now: Instant) -> Self {
        Self { heard: now, woke: now, waiting: None, unanswered: 0 }
    }

    /// A new web socket: the agent gets its time anew.
    pub fn connected(&mut self, now: Instant) {
        self.heard = now;
        self.waiting = self.waiting.map(|_| now);
    }

    /// The machine slept, and nobody could be heard.
    pub fn wake(&mut self, now: Instant) {
        self.woke = now;
    }

    /// It said something.
    pub fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    /// It said something of its own: it is not stuck behind a database that does not read.
    pub fn answered(&mut self) {
        self.unanswered = 0;
    }

    /// So many bytes are sent that it must acknowledge.
    pub fn sent(&mut self, bytes: usize, now: Instant) {
        self.waiting.get_or_insert(now);
        self.unanswered += bytes;
    }

    /// It has acknowledged everything.
    pub fn settled(&mut self) {
        self.waiting = None;
    }

    /// When it was heard last, or could be heard first on this web socket.
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// Since when it owes an acknowledgement and says nothing.
    pub fn since(&self) -> Option<Instant> {
        self.waiting.map(|waiting| waiting.max(self.heard).max(self.woke))
    }

    /// When it is to be taken for gone; `away`: since when the service says that it is away.
    pub fn deadline(&self, away: Option<Instant>) -> Option<Instant> {
        let since = self.since()?;
        Some(match away {
            Some(away) => away.max(self.woke) + MOST_AWAY,
            None if self.unanswered >= BULK => since + MOST_IN_BULK,
            None => since + MOST,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_owes_something_is_silent() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut silence = Silence::new(start);
        assert_eq!(silence.deadline(None), None, "an idle agent owes nothing");
        silence.sent(8, at(100));
        assert_eq!(silence.deadline(None), Some(at(130)));
        silence.hear(at(110));
        assert_eq!(silence.deadline(None), Some(at(140)));
        silence.sent(BULK, at(111));
        assert_eq!(silence.deadline(None), Some(at(710)), "its database may not read");
        assert_eq!(silence.deadline(Some(at(120))), Some(at(420)), "and it may be away");
        silence.answered();
        silence.wake(at(3600));
        assert_eq!(silence.deadline(None), Some(at(3630)), "nobody could be heard in our sleep");
        silence.connected(at(3700));
        assert_eq!(silence.deadline(None), Some(at(3730)));
        silence.settled();
        assert_eq!(silence.deadline(None), None);
    }
}
