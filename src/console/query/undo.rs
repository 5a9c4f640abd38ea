//! What was changed, so that it can be taken back. It must not know a buffer: it gives changes, others carry them out.

use super::buffer::{Place, end_of};

/// Bytes of changes kept; the oldest go first. Enough for several pastes of megabytes.
const KEPT: usize = 64 << 20;

/// One change of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub at: Place,
    /// What was there.
    pub removed: String,
    /// What is there now.
    pub inserted: String,
    /// Where the cursor was before.
    pub before: Place,
    /// Where the cursor was after.
    pub after: Place,
}

impl Change {
    fn size(&self) -> usize {
        self.removed.len() + self.inserted.len() + size_of::<Change>()
    }
}

/// Changes that were made, and those that were taken back.
#[derive(Clone, Debug, Default)]
pub struct Undo {
    done: Vec<Change>,
    undone: Vec<Change>,
    bytes: usize,
    /// The next change starts a step of its own.
    sealed: bool,
}

impl Undo {
    /// Keeps a change. A character typed right after another joins its step, up to the start of the next word.
    pub fn record(&mut self, change: Change, typed: bool) {
        self.undone.clear();
        if typed
            && !self.sealed
            && let Some(last) = self.done.last_mut()
            && change.removed.is_empty()
            && !last.inserted.is_empty()
            && end_of(last.at, &last.inserted) == change.at
            && !starts_word(&last.inserted, &change.inserted)
        {
            self.bytes += change.inserted.len();
            last.inserted.push_str(&change.inserted);
            last.after = change.after;
        } else {
            self.bytes += change.size();
            self.done.push(change);
        }
        self.sealed = !typed;
        let mut oldest = 0;
        while self.bytes > KEPT && oldest + 1 < self.done.len() {
            self.bytes -= self.done[oldest].size();
            oldest += 1;
        }
        self.done.drain(..oldest);
    }

    /// The cursor was moved: what is typed next is a step of its own.
    pub fn seal(&mut self) {
        self.sealed = true;
    }

    /// The change to take back.
    pub fn undo(&mut self) -> Option<Change> {
        self.sealed = true;
        let change = self.done.pop()?;
        self.bytes -= change.size();
        self.undone.push(change.clone());
        Some(change)
    }

    /// The change to make again.
    pub fn redo(&mut self) -> Option<Change> {
        self.sealed = true;
        let change = self.undone.pop()?;
        self.bytes += change.size();
        self.done.push(change.clone());
        Some(change)
    }
}

fn starts_word(so_far: &str, next: &str) -> bool {
    so_far.ends_with(char::is_whitespace) && !next.starts_with(char::is_whitespace)
}
