//! The sandbox's clock, which tests can move. It must not be used by the house.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// Wall time plus an offset. Clones share the offset.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_seconds: Arc<AtomicI64>,
}

impl Clock {
    /// Now, as the sandbox sees it.
    pub fn now(&self) -> SystemTime {
        let offset = self.offset_seconds.load(Ordering::Relaxed);
        let shift = Duration::from_secs(offset.unsigned_abs());
        if offset < 0 { SystemTime::now() - shift } else { SystemTime::now() + shift }
    }

    /// Moves the clock by so many seconds, on top of earlier moves.
    pub fn advance(&self, seconds: i64) {
        self.offset_seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}
