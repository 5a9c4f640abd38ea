//! Cancelling over a second wire to the same server, through the same route: the one that stands ready, or a new one. It must not touch the
//! session's own wire.

use super::audit::{Event, Subject};
use super::line::Line;
use super::session::Live;
use super::standby::{Laid, Standby};
use super::{Access, refusal};
use crate::db;
use crate::model::{Diagnosis, Target};
use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How long the server may take to close the wire that stood ready before another one is tried, too.
const READY: Duration = Duration::from_secs(1);

/// Cancels what a session runs, over a second wire through the same route. Cheap to clone; it does not keep the session's
/// tunnel alive.
#[derive(Clone)]
pub struct Canceller {
    access: Access,
    live: Weak<Mutex<Live>>,
    target: Target,
    subject: Subject,
    standby: Standby,
}

impl Canceller {
    pub(super) fn new(access: Access, live: Arc<Mutex<Live>>, target: Target, subject: Subject) -> Canceller {
        Canceller { access, live: Arc::downgrade(&live), target, subject, standby: Standby::default() }
    }

    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn standby(&self) -> &Standby {
        &self.standby
    }

    /// Whether a wire stands ready.
    pub fn is_ready(&self) -> bool {
        self.standby.is_laid()
    }

    /// A wire of its own to the session's server, TLS done; none where it cannot be had, or the session has ended.
    pub(super) async fn wire(&self) -> Option<Laid> {
        let line = self.live.upgrade()?.lock().unwrap_or_else(PoisonError::into_inner).line.clone();
        let limit = self.access.settings().connect_timeout;
        let opening = async {
            let (wire, _) = line.open(limit).await.ok()?;
            let secured = db::secure(wire, &line.endpoint().host, &self.access.inner.roots).await.ok()?;
            Some((secured, line.peer().cloned()))
        };
        tokio::time::timeout(limit, opening).await.ok()?
    }

    /// The backend's process id; none once the session has ended.
    pub fn pid(&self) -> Option<i32> {
        self.backend().map(|(pid, _, _)| pid)
    }

    /// The backend's process id, when it began, and the line to its server.
    pub(super) fn backend(&self) -> Option<(i32, Range<SystemTime>, Line)> {
        let live = self.live.upgrade()?;
        let live = live.lock().unwrap_or_else(PoisonError::into_inner);
        Some((live.key.pid(), live.born.clone(), live.line.clone()))
    }

    /// A line of the audit.
    pub(super) fn note(&self, outcome: &str, begun: Instant) {
        self.access.inner.audit.note(&self.subject, &Event::Cancel, outcome, Some(begun.elapsed()));
    }

    /// CancelRequest over a second wire. Whether something was cancelled shows in the session alone; of a session that
    /// has ended there is nothing to cancel.
    pub async fn cancel(&self) -> Result<(), Diagnosis> {
        self.cancel_unless(std::future::pending()).await.map(drop)
    }

    /// The same, unless `over` comes first: as long as no byte of the request is on its way, it is given up at once. Whether
    /// it went out.
    pub async fn cancel_unless(&self, over: impl Future<Output = ()>) -> Result<bool, Diagnosis> {
        let Some(live) = self.live.upgrade() else { return Ok(true) };
        let (line, key) = {
            let live = live.lock().unwrap_or_else(PoisonError::into_inner);
            (live.line.clone(), live.key.clone())
        };
        let begun = Instant::now();
        let limit = self.access.settings().connect_timeout;
        let reached = async {
            let (wire, _) = match line.open(limit).await {
                Ok(opened) => opened,
                Err(unopened) => {
                    return Err(refusal::of_open(&self.access, unopened, &line, begun.elapsed()).await);
                }
            };
            match db::secure(wire, &line.endpoint().host, &self.access.inner.roots).await {
                Ok(secured) => Ok(secured),
                Err(error) => Err(refusal::of_cancel(&self.access, error, &line).await),
            }
        };
        let cancelled = tokio::time::timeout(limit, async {
            // On a line that is being mended it would lie there until nobody knows what it hits.
            let ready = if line.is_up() { self.standby.take(line.peer()) } else { None };
            let sent = match ready {
                Some(secured) => match secured.cancel_within(&key, READY).await {
                    Ok(true) => return Ok(true),
                    Ok(false) => true,
                    Err(_) => false,
                },
                None => false,
            };
            let secured = tokio::select! {
                biased;
                () = over => return Ok(sent),
                secured = reached => secured?,
            };
            match secured.cancel(&key).await {
                Ok(()) => Ok(true),
                Err(error) => Err(refusal::of_cancel(&self.access, error, &line).await),
            }
        });
        let answer = match cancelled.await {
            Ok(answer) => answer,
            Err(_) => Err(refusal::silent(&self.access, &line, limit).await),
        };
        let outcome = match &answer {
            Ok(true) => "ok".to_owned(),
            Ok(false) => "not sent: the statement had ended".to_owned(),
            Err(diagnosis) => refusal::outcome(diagnosis),
        };
        self.note(&outcome, begun);
        answer
    }
}
