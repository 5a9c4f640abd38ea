//! What a listener has done so far, for a table. It must not know how.

use crate::access::LineReport;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A listener, told for a screen.
#[derive(Clone, Debug)]
pub struct ListenerReport {
    /// What it is called.
    pub name: String,
    /// `127.0.0.1:PORT`, or the socket's folder and number.
    pub address: String,
    /// `host:port` of the database.
    pub database: String,
    /// The users it logs in as.
    pub users: String,
    /// Whether it asks the server for read-only sessions.
    pub read_only: bool,
    /// Whether the database is production.
    pub production: bool,
    /// The way, once there is one.
    pub route: Option<String>,
    /// Clients that are logged in.
    pub streams: usize,
    /// Bytes from the database to clients.
    pub received: u64,
    /// Bytes from clients to the database.
    pub sent: u64,
    /// Logins at the database that succeeded.
    pub logins: u64,
    /// Clients that were turned away.
    pub refused: u64,
    /// Why the last one was turned away, or lost.
    pub last_error: Option<String>,
    /// How long ago that was, and how many clients have logged in since.
    pub since_error: Option<(Duration, u64)>,
    /// Since it was opened.
    pub age: Duration,
    /// The route it has now, if any.
    pub line: Option<LineReport>,
}

impl ListenerReport {
    /// What clients may do, in a word or two.
    pub fn access(&self) -> &'static str {
        match (self.read_only, self.production) {
            (true, _) => "read-only",
            (false, false) => "writable",
            (false, true) => "WRITABLE PRODUCTION",
        }
    }
}

/// Counters.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) streams: AtomicUsize,
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) logins: AtomicU64,
    pub(super) refused: AtomicU64,
    /// In words; when, and after how many logins.
    last_error: Mutex<Option<(String, Instant, u64)>>,
}

impl Figures {
    /// A client was turned away.
    pub(super) fn refuse(&self, why: &str) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.trouble(why);
    }

    /// Something went wrong.
    pub(super) fn trouble(&self, why: &str) {
        let so_far = self.logins.load(Ordering::Relaxed);
        let last = (why.to_owned(), Instant::now(), so_far);
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }

    /// What [`ListenerReport`] tells of it: the words, and what came since.
    pub(super) fn last_error(&self) -> (Option<String>, Option<(Duration, u64)>) {
        let Some((why, at, before)) = self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone() else {
            return (None, None);
        };
        let since = self.logins.load(Ordering::Relaxed).saturating_sub(before);
        (Some(why), Some((at.elapsed(), since)))
    }

    /// One more client that is in, until it is dropped.
    pub(super) fn enter(&self) -> Entered<'_> {
        self.logins.fetch_add(1, Ordering::Relaxed);
        self.streams.fetch_add(1, Ordering::Relaxed);
        Entered(self)
    }
}

/// A client that is in.
pub(super) struct Entered<'a>(&'a Figures);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
