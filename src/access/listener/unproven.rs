//! Connections that have shown nothing yet: so many, and no more; the oldest makes room for the newest. It must not know
//! what they are to show.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::AbortHandle;

/// A client that means it needs milliseconds; a thousand that do not hold neither memory nor descriptors.
pub(super) const MOST: usize = 64;

/// Those.
#[derive(Clone, Default)]
pub(super) struct Unproven(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    next: u64,
    queue: VecDeque<(u64, AbortHandle)>,
}

/// One of them; dropped when it has shown what it had to, or has ended.
pub(super) struct Place {
    of: Unproven,
    number: u64,
}

impl Unproven {
    /// One more, begun by `begin`; true when the oldest was dropped for it.
    pub(super) fn admit(&self, begin: impl FnOnce(Place) -> AbortHandle) -> bool {
        let oldest = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let number = waiting.next;
            waiting.next += 1;
            // Under the lock: its place is given back only after it was taken.
            let handle = begin(Place { of: self.clone(), number });
            waiting.queue.push_back((number, handle));
            if waiting.queue.len() > MOST { waiting.queue.pop_front() } else { None }
        };
        oldest.map(|(_, handle)| handle.abort()).is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.queue.retain(|(number, _)| *number != self.number);
    }
}
