//! What was changed, so that it can be taken back step by step. It must not know a buffer: it gives changes, others carry
//! them out.

use super::buffer::{Place, end_of};

/// Bytes of changes kept; the oldest steps go first. Enough for several pastes of megabytes.
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
        self.removed.len() + self.inserted.len() + size_of::<Kept>()
    }
}

/// How a change came about: what decides whether it joins the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A character was typed: joins what was typed right before, up to the start of the next word.
    Typing,
    /// A character was erased: joins what was erased right before.
    Erasing,
    /// Anything else: a step of its own.
    Command,
}

/// A change with the step it belongs to.
#[derive(Clone, Debug)]
struct Kept {
    change: Change,
    step: u64,
}

/// Changes that were made, and those that were taken back.
#[derive(Clone, Debug, Default)]
pub struct Undo {
    done: Vec<Kept>,
    undone: Vec<Kept>,
    bytes: usize,
    /// Number of the step that is made now.
    step: u64,
    /// Changes go on joining the step until it is closed.
    open: bool,
    /// How the last change came about; `None` when the next one starts a step of its own.
    last: Option<By>,
}

impl Undo {
    /// Keeps a change.
    pub fn record(&mut self, change: Change, by: By) {
        self.undone.clear();
        if !self.joins(&change, by) {
            if !self.open {
                self.step += 1;
            }
            self.bytes += change.size();
            self.done.push(Kept { change, step: self.step });
        }
        self.last = Some(by).filter(|by| *by != By::Command);
        let mut oldest = 0;
        while self.bytes > KEPT && self.done.get(oldest).is_some_and(|kept| kept.step != self.step) {
            self.bytes -= self.done[oldest].change.size();
            oldest += 1;
        }
        // Never half a step: taking the rest of it back would make a text that never was.
        if let Some(step) = oldest.checked_sub(1).map(|last| self.done[last].step) {
            while self.done.get(oldest).is_some_and(|kept| kept.step == step) {
                self.bytes -= self.done[oldest].change.size();
                oldest += 1;
            }
        }
        self.done.drain(..oldest);
    }

    /// Makes one change of the last one and this one, if they belong together.
    fn joins(&mut self, change: &Change, by: By) -> bool {
        if self.last != Some(by) {
            return false;
        }
        let Some(Kept { change: last, step }) = self.done.last_mut() else { return false };
        if *step != self.step {
            return false;
        }
        let more = change.removed.len() + change.inserted.len();
        match by {
            By::Typing
                if change.removed.is_empty()
                    && !last.inserted.is_empty()
                    && end_of(last.at, &last.inserted) == change.at
                    && !starts_word(&last.inserted, &change.inserted) =>
            {
                last.inserted.push_str(&change.inserted);
            }
            By::Erasing if end_of(change.at, &change.removed) == last.at => {
                last.removed.insert_str(0, &change.removed);
                last.at = change.at;
            }
            By::Erasing if change.at == last.at => last.removed.push_str(&change.removed),
            _ => return false,
        }
        last.after = change.after;
        self.bytes += more;
        true
    }

    /// The cursor was moved: what comes next is a change of its own.
    pub fn seal(&mut self) {
        self.last = None;
    }

    /// All changes from now on are one step, until [`Undo::close`] or an undo.
    pub fn open(&mut self) {
        if !self.open {
            self.step += 1;
        }
        (self.open, self.last) = (true, None);
    }

    /// The step is complete.
    pub fn close(&mut self) {
        (self.open, self.last) = (false, None);
    }

    /// The changes to take back, in this order.
    pub fn undo(&mut self) -> Vec<Change> {
        self.close();
        let mut changes = Vec::new();
        let step = self.done.last().map(|kept| kept.step);
        while let Some(kept) = self.done.pop_if(|kept| Some(kept.step) == step) {
            self.bytes -= kept.change.size();
            changes.push(kept.change.clone());
            self.undone.push(kept);
        }
        changes
    }

    /// The changes to make again, in this order.
    pub fn redo(&mut self) -> Vec<Change> {
        self.close();
        let mut changes = Vec::new();
        let step = self.undone.last().map(|kept| kept.step);
        while let Some(kept) = self.undone.pop_if(|kept| Some(kept.step) == step) {
            self.bytes += kept.change.size();
            changes.push(kept.change.clone());
            self.done.push(kept);
        }
        changes
    }
}

fn starts_word(so_far: &str, next: &str) -> bool {
    so_far.ends_with(char::is_whitespace) && !next.starts_with(char::is_whitespace)
}
