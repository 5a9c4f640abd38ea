//! The spinner: a frame for a moment. It must not know what is waited for.

use std::time::Duration;

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// How often it moves; what is on screen with a spinner asks to be drawn again after this time.
pub const PACE: Duration = Duration::from_millis(100);

/// The frame `elapsed` after the wait began.
pub fn frame(elapsed: Duration) -> &'static str {
    FRAMES[(elapsed.as_millis() / PACE.as_millis()) as usize % FRAMES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_with_time_and_comes_round() {
        assert_ne!(frame(Duration::ZERO), frame(PACE));
        assert_eq!(frame(Duration::ZERO), frame(PACE * FRAMES.len() as u32));
    }
}
