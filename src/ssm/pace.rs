//! How fast to send: what round trips teach about the resend timeout and about the window. Pure.
//!
//! The web socket runs over TCP, so frames are seldom lost but often late: they queue in front of a slow uplink. The
//! window follows the delay (it shrinks when acknowledgements take much longer than the best one did), so that a bulk
//! upload does not put seconds in front of a cancel.

use std::time::{Duration, Instant};

/// Resend timeout before any round trip was measured.
const FIRST_TIMEOUT: Duration = Duration::from_millis(200);
/// The timeout never falls below this: a busy machine delays acknowledgements by that much.
const LEAST_TIMEOUT: Duration = Duration::from_millis(100);
/// Nor rises above this, whatever was measured.
const MOST_TIMEOUT: Duration = Duration::from_secs(8);
/// Backing off ends here, or at twice the timeout where that is more.
const MOST_BACKOFF: Duration = Duration::from_secs(1);
/// Payload bytes that may be unacknowledged at first.
const FIRST_WINDOW: usize = 256 << 10;
/// At least: half a megabyte a second even where a round trip takes 200 ms.
const LEAST_WINDOW: usize = 96 << 10;
/// At most: 80 MB/s at a round trip of 50 ms.
const MOST_WINDOW: usize = 4 << 20;
/// Delay on top of the best round trip that a full window may cause.
const QUEUE: Duration = Duration::from_millis(100);

/// One direction's pace.
#[derive(Debug)]
pub struct Pace {
    smoothed: Option<Duration>,
    deviation: Duration,
    timeout: Duration,
    best: Option<Duration>,
    window: usize,
    narrowed: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            smoothed: None,
            deviation: Duration::ZERO,
            timeout: FIRST_TIMEOUT,
            best: None,
            window: FIRST_WINDOW,
            narrowed: None,
        }
    }
}

impl Pace {
    /// A round trip of a frame that was sent once, with `payload` bytes, while `busy` bytes were unacknowledged.
    pub fn measure(&mut self, sample: Duration, payload: usize, busy: usize, now: Instant) {
        let smoothed = match self.smoothed {
            None => {
                self.deviation = sample / 2;
                sample
            }
            Some(smoothed) => {
                self.deviation = (self.deviation * 3 + smoothed.abs_diff(sample)) / 4;
                (smoothed * 7 + sample) / 8
            }
        };
        self.smoothed = Some(smoothed);
        let timeout = smoothed + (self.deviation * 4).max(Duration::from_millis(10));
        self.timeout = timeout.clamp(LEAST_TIMEOUT, MOST_TIMEOUT);

        let best = self.best.map_or(sample, |best| best.min(sample));
        self.best = Some(best);
        if sample > best + QUEUE {
            // Once a round trip: what is on its way already will report the same queue.
            if self.narrowed.is_none_or(|narrowed| narrowed + smoothed <= now) {
                self.narrowed = Some(now);
                self.window = (self.window - self.window / 4).max(LEAST_WINDOW);
            }
        } else if busy >= self.window / 2 {
            self.window = (self.window + payload).min(MOST_WINDOW);
        }
    }

    /// Another web socket may take another way.
    pub fn forget_best(&mut self) {
        self.best = None;
        self.narrowed = None;
    }

    /// Smoothed round trip, once one was measured.
    pub fn round_trip(&self) -> Option<Duration> {
        self.smoothed
    }

    /// How long to wait for an acknowledgement after a frame was sent `times` times.
    pub fn wait(&self, times: u32) -> Duration {
        let doubled = self.timeout.saturating_mul(1 << times.saturating_sub(1).min(10));
        doubled.min(MOST_BACKOFF.max(self.timeout * 2))
    }

    /// Payload bytes that may be unacknowledged.
    pub fn window(&self) -> usize {
        self.window
    }
}
