//! Connections that have shown nothing yet: so many, and no more; the oldest makes room for the newest. It must not know
//! what they are to show.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::AbortHandle;

/// A client that means it needs milliseconds; a thousand that do not hold neither memory nor descriptors.
const MOST: usize = 64;
/// Fewer would keep out several clients that come at once.
const LEAST: usize = 4;
/// Of the descriptors that there are, so many times as many are for those who have shown something, and for databases.
const SHARE: u64 = 4;

/// Those.
#[derive(Clone)]
pub(super) struct Unproven(Arc<Mutex<Waiting>>);

struct Waiting {
    most: usize,
    next: u64,
    queue: VecDeque<(u64, AbortHandle)>,
}

/// One of them; dropped when it has shown what it had to, or has ended.
pub(super) struct Place {
    of: Unproven,
    number: u64,
}

impl Unproven {
    /// None yet, where there are so many descriptors (`None`: no limit).
    pub(super) fn within(descriptors: Option<u64>) -> Unproven {
        let share = descriptors.map_or(MOST, |all| usize::try_from(all / SHARE).unwrap_or(MOST));
        let waiting = Waiting { most: share.clamp(LEAST, MOST), next: 0, queue: VecDeque::new() };
        Unproven(Arc::new(Mutex::new(waiting)))
    }

    /// Drops the oldest; false where there is none.
    pub(super) fn drop_oldest(&self) -> bool {
        let oldest = self.0.lock().unwrap_or_else(PoisonError::into_inner).queue.pop_front();
        oldest.map(|(_, handle)| handle.abort()).is_some()
    }

    /// One more, begun by `begin`; true when the oldest was dropped for it.
    pub(super) fn admit(&self, begin: impl FnOnce(Place) -> AbortHandle) -> bool {
        let oldest = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let number = waiting.next;
            waiting.next += 1;
            // Under the lock: its place is given back only after it was taken.
            let handle = begin(Place { of: self.clone(), number });
            waiting.queue.push_back((number, handle));
            if waiting.queue.len() > waiting.most { waiting.queue.pop_front() } else { None }
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::JoinSet;

    #[tokio::test]
    async fn the_oldest_goes_and_few_descriptors_hold_few() {
        let unproven = Unproven::within(Some(20));
        let mut clients = JoinSet::new();
        let admit = |clients: &mut JoinSet<u32>, number| {
            unproven.admit(|place| {
                clients.spawn(async move {
                    let _place = place;
                    std::future::pending::<()>().await;
                    number
                })
            })
        };
        assert!((0..5).all(|number| !admit(&mut clients, number)), "a quarter of them");
        assert!(admit(&mut clients, 5));
        assert!(clients.join_next().await.expect("one ends").expect_err("dropped").is_cancelled());
        for _ in 0..5 {
            assert!(unproven.drop_oldest());
            assert!(clients.join_next().await.expect("one ends").expect_err("dropped").is_cancelled());
        }
        assert!(!unproven.drop_oldest() && clients.is_empty());
        for (descriptors, most) in [(Some(0), LEAST), (Some(256), MOST), (Some(u64::MAX), MOST), (None, MOST)] {
            let waiting = Unproven::within(descriptors).0;
            assert_eq!(waiting.lock().expect("ours").most, most);
        }
    }
}
