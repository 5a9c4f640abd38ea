//! How busy a session is. Pure: it is told the time. It must not know what is done about it.

use std::time::{Duration, Instant};

/// What is looked at together.
const WINDOW: Duration = Duration::from_millis(250);
/// Bytes in a window that make a session busy: a third of what the slowest agents carry (0.4 MB/s, measured on a loaded
/// machine of two cores), so that a bulk transfer is always seen and typing never is.
const BUSY: usize = 36 << 10;
/// So many busy windows in a row are a bulk transfer, and not one large answer.
const BULK: u32 = 2;

/// The bytes of the last moments.
#[derive(Debug)]
pub struct Load {
    window: Instant,
    bytes: usize,
    /// Busy windows in a row before this one.
    run: u32,
}

impl Load {
    /// Nothing yet.
    pub fn new(now: Instant) -> Self {
        Self { window: now, bytes: 0, run: 0 }
    }

    /// So many bytes have passed, either way. `true` each time that a window ends and a bulk transfer goes on.
    pub fn note(&mut self, bytes: usize, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.window);
        let ended = age >= WINDOW;
        if ended {
            self.run = if self.bytes >= BUSY && age < WINDOW * 2 { self.run + 1 } else { 0 };
            (self.window, self.bytes) = (now, 0);
        }
        self.bytes += bytes;
        ended && self.run >= BULK
    }

    /// Whether what is sent now would wait behind a bulk transfer.
    pub fn is_busy(&self, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.window);
        age < WINDOW * 2 && (self.run > 0 || self.bytes >= BUSY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kilobyte every so often, for a second.
    fn run(every: Duration) -> (bool, u32) {
        let start = Instant::now();
        let mut load = Load::new(start);
        let (mut now, mut told) = (start, 0);
        while now < start + Duration::from_secs(1) {
            told += u32::from(load.note(1024, now));
            now += every;
        }
        (load.is_busy(now), told)
    }

    #[test]
    fn a_bulk_transfer_is_seen_and_typing_is_not() {
        let (busy, told) = run(Duration::from_micros(1500));
        assert!(busy && (1..=3).contains(&told), "{told}");
        assert_eq!(run(Duration::from_millis(20)), (false, 0));
    }

    #[test]
    fn it_is_over_when_nothing_comes() {
        let start = Instant::now();
        let mut load = Load::new(start);
        assert!(!load.note(1 << 20, start));
        assert!(load.is_busy(start + WINDOW));
        assert!(!load.is_busy(start + WINDOW * 2));
        assert!(!load.note(1, start + WINDOW * 10));
        assert!(!load.is_busy(start + WINDOW * 10));
    }
}
