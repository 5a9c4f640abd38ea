//! The service has said that the agent is away (`pause_publication`): nothing is sent meanwhile but a knock now and then, in
//! case its return is not announced. Pure: it is told the time.

use std::time::{Duration, Instant};

/// How often the oldest frame is sent.
const KNOCK: Duration = Duration::from_secs(5);

/// One absence.
#[derive(Clone, Copy, Debug)]
pub struct Absence {
    since: Instant,
    /// When we knocked last.
    knocked: Instant,
    /// One frame may go out now.
    knock: bool,
}

impl Absence {
    /// It begins.
    pub fn new(now: Instant) -> Self {
        Self { since: now, knocked: now, knock: false }
    }

    /// When it began.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// When to knock next.
    pub fn due(&self) -> Instant {
        self.knocked + KNOCK
    }

    /// One frame may go out.
    pub fn knock(&mut self, now: Instant) {
        (self.knocked, self.knock) = (now, true);
    }

    /// Whether a frame may go out now.
    pub fn is_knocking(&self) -> bool {
        self.knock
    }

    /// The same, and it does.
    pub fn take_knock(&mut self) -> bool {
        std::mem::take(&mut self.knock)
    }
}
