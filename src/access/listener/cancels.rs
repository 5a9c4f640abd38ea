//! Which of our cancel keys stands for which of a server's. It must not know wires.

use crate::access::audit::Subject;
use crate::access::line::Line;
use crate::db::CancelKey;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What a client was given: the process and the secret.
type Given = (i32, Vec<u8>);

/// Where a cancel goes.
#[derive(Clone)]
pub(super) struct Cancelled {
    /// To the server that gave the key.
    pub(super) line: Line,
    pub(super) key: CancelKey,
    /// Whose it is, for the audit.
    pub(super) subject: Subject,
}

/// The keys of those who are in.
#[derive(Default)]
pub(super) struct Cancels(Mutex<HashMap<Given, Cancelled>>);

impl Cancels {
    /// A key for a client, with a secret of `length` bytes; it counts until it is dropped. The process is the server's,
    /// for clients that show it or compare it with pg_backend_pid().
    pub(super) fn give(&self, line: Line, key: CancelKey, length: usize, subject: Subject) -> GivenKey<'_> {
        let pid = key.pid();
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = loop {
            let mut secret = rand::random::<[u8; 32]>().to_vec();
            secret.truncate(length);
            // Two databases may have a process of the same number, and four bytes may meet.
            if !given.contains_key(&(pid, secret.clone())) {
                break secret;
            }
        };
        given.insert((pid, secret.clone()), Cancelled { line, key, subject });
        GivenKey { cancels: self, key: CancelKey::new(pid, secret) }
    }

    /// What that key cancels.
    pub(super) fn find(&self, pid: i32, secret: &[u8]) -> Option<Cancelled> {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.get(&(pid, secret.to_vec())).cloned()
    }
}

/// A key that was given.
pub(super) struct GivenKey<'a> {
    cancels: &'a Cancels,
    key: CancelKey,
}

impl GivenKey<'_> {
    pub(super) fn key(&self) -> &CancelKey {
        &self.key
    }
}

impl Drop for GivenKey<'_> {
    fn drop(&mut self) {
        let mut given = self.cancels.0.lock().unwrap_or_else(PoisonError::into_inner);
        given.remove(&(self.key.pid(), self.key.secret().to_vec()));
    }
}
