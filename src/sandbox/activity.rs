//! When stream data last went over a session, by the sandbox's clock. It must not know what ends for lack of it.

use super::clock::Clock;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Of one session. Clones share it.
#[derive(Clone, Debug)]
pub struct Activity {
    clock: Clock,
    last: Arc<Mutex<SystemTime>>,
}

impl Activity {
    /// There was some just now.
    pub fn new(clock: Clock) -> Activity {
        let last = Arc::new(Mutex::new(clock.now()));
        Activity { clock, last }
    }

    /// There is some now.
    pub fn mark(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.now();
    }

    /// How long there was none.
    pub fn idle(&self) -> Duration {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was put back has seen nothing since.
        self.clock.now().duration_since(last).unwrap_or_default()
    }
}
