//! What every message of ours carries besides its content: an id of its own and the moment at which it was made. Pure: the
//! clock is told and the ids come from a seed.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::time::Instant;
use uuid::Uuid;

/// Gives ids and dates.
pub struct Stamp {
    origin: Instant,
    origin_millis: u64,
    random: StdRng,
}

impl Stamp {
    /// `unix_millis` is the wall clock at `now`.
    pub fn new(now: Instant, unix_millis: u64, seed: [u8; 32]) -> Self {
        Self { origin: now, origin_millis: unix_millis.max(1), random: StdRng::from_seed(seed) }
    }

    /// A fresh id.
    pub fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random.random()).into_uuid()
    }

    /// CreatedDate: Unix milliseconds, never 0.
    pub fn millis(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.origin).as_millis();
        self.origin_millis.saturating_add(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }
}
