//! Several sessions to one host:port as one: what is bulky has a session of its own beside what is in a hurry.
//!
//! An agent gives one session 1,024 bytes a millisecond at best, first come, first served: behind a bulk download an
//! answer waits for some 150 ms (measured), and several downloads share the one rate. Neither can be mended within the
//! session, but sessions do not slow one another. So when all that are open carry a bulk transfer another is opened,
//! before anybody is in a hurry, and a new stream takes the session that is quietest. A stream never moves.
//!
//! An agent dials for one stream after the other, too: behind a host that does not answer, all later streams of a session
//! wait until its system gives up, two minutes or more. So a session whose dial has been silent for a moment gets no new
//! stream where another may be opened, and one that nobody uses any more is replaced. (What lies with the agent already
//! stays there: moved to another session, it might be said twice.)
//!
//! It must not know how a session is started: an [`Opener`] does that.

use super::{Error, Figures, Health, Stream, Tunnel};
use futures_util::future::{join_all, select_all};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// After a session could not be opened beside the others, so long none is tried.
const REFUSED: Duration = Duration::from_secs(60);
/// An additional session without a stream for so long is closed.
const UNUSED: Duration = Duration::from_secs(60);
/// The most that a stream waits for a session that is being opened.
const WORTHWHILE: Duration = Duration::from_secs(3);

/// A dial without an answer for so long is looked at before another stream is put behind it;
const SLOW_DIAL: Duration = Duration::from_millis(300);
/// after so long it is taken for one that never answers.
const SILENT_DIAL: Duration = Duration::from_secs(2);
/// How often it is looked at.
const DIAL_LOOK: Duration = Duration::from_millis(20);

/// Starts further sessions.
pub trait Opener: Send + Sync + 'static {
    /// One more to the same host:port.
    fn open(&self) -> Pin<Box<dyn Future<Output = Result<Tunnel, Error>> + Send + '_>>;
}

/// Which session a stream is to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The quietest of those that are open.
    Quick,
    /// One that no stream has yet, for which it waits a moment, where one more may be opened.
    Alone,
}

/// Sessions to one host:port. Clones share them; the last clone's end closes them.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    /// Its end is the pool's.
    first: Tunnel,
    most: usize,
    opener: Arc<dyn Opener>,
    state: Mutex<State>,
    /// Held by whoever opens one.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The watch; it ends with us.
    watch: Mutex<JoinSet<()>>,
}

#[derive(Default)]
struct State {
    more: Vec<Additional>,
    refused: Option<Instant>,
    closed: bool,
    /// Of those that have been closed.
    past: Figures,
}

struct Additional {
    tunnel: Tunnel,
    /// Since when no stream is on it.
    unused: Option<Instant>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("tunnels", &self.tunnels()).field("most", &self.0.most).finish()
    }
}

impl Pool {
    /// Around a session that is open; at most `most` together with it. To be called within a tokio runtime.
    pub fn new(first: Tunnel, most: usize, opener: impl Opener) -> Self {
        let pool = Self(Arc::new(Inner {
            first,
            most,
            opener: Arc::new(opener),
            state: Mutex::default(),
            turn: Arc::default(),
            watch: Mutex::default(),
        }));
        if most > 1 {
            let weak = Arc::downgrade(&pool.0);
            pool.0.watch.lock().unwrap_or_else(PoisonError::into_inner).spawn(watch(weak));
        }
        pool
    }

    /// The one it began with: its health and its end are the pool's.
    pub fn first(&self) -> &Tunnel {
        &self.0.first
    }

    /// See [`super::Options::keep_alive`].
    pub fn keep_alive(&self) -> Option<Duration> {
        self.0.first.keep_alive()
    }

    /// Those that are open, the first one first.
    pub fn tunnels(&self) -> Vec<Tunnel> {
        self.0.tunnels()
    }

    /// A new stream, see [`Tunnel::stream`].
    ///
    /// # Errors
    /// [`Error::Ended`] when the first session is over.
    pub async fn stream(&self, wish: Wish) -> Result<Stream, Error> {
        self.0.dials_are_answered_or_silent().await;
        if self.0.wants_more(wish) {
            // Of its own, so that a session that AWS has started is never forgotten half-way.
            let opening = tokio::spawn(open_one(Arc::downgrade(&self.0), wish));
            let _open_or_not = tokio::time::timeout(WORTHWHILE, opening).await;
        }
        let mut tunnels = self.tunnels();
        tunnels.sort_by_key(|one| (is_silent(one), one.is_busy(), one.figures().streams));
        for tunnel in &tunnels {
            if let Ok(stream) = tunnel.stream() {
                return Ok(stream);
            }
        }
        self.0.first.stream()
    }

    /// A new stream on that session, where it is open and its agent dials: another agent may have come to another address
    /// for the same name.
    pub fn stream_on(&self, session_id: &str) -> Option<Stream> {
        let tunnel = self.tunnels().into_iter().find(|one| one.session_id() == session_id && !is_silent(one))?;
        tunnel.stream().ok()
    }

    /// Counters of all together; the round trip and the resumes are the first one's.
    pub fn figures(&self) -> Figures {
        let mut sum = self.0.first.figures();
        let state = self.0.state();
        for one in state.more.iter().map(|one| one.tunnel.figures()).chain([state.past.clone()]) {
            sum.streams += one.streams;
            sum.received += one.received;
            sum.sent += one.sent;
        }
        sum
    }

    /// Terminates all of them; returns when AWS has been told.
    pub async fn close(&self) {
        self.0.state().closed = true;
        join_all(self.tunnels().iter().map(Tunnel::close)).await;
        // One that is being opened is closed by whoever opens it.
        let _turn = self.0.turn.lock().await;
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tunnels(&self) -> Vec<Tunnel> {
        let more = self.state().more.iter().map(|one| one.tunnel.clone()).filter(is_open).collect::<Vec<_>>();
        std::iter::once(self.first.clone()).chain(more).collect()
    }

    /// Whether another session would serve such a stream better than those that are open, and may be opened.
    fn wants_more(&self, wish: Wish) -> bool {
        let tunnels = self.tunnels();
        let state = self.state();
        let replaceable = state.more.iter().filter(|one| is_replaceable(&one.tunnel)).count();
        tunnels.len() < self.most + replaceable
            && !state.closed
            && state.refused.is_none_or(|at| at.elapsed() >= REFUSED)
            && is_open(&self.first)
            && tunnels
                .iter()
                .all(|one| is_silent(one) || one.is_busy() || (wish == Wish::Alone && one.figures().streams > 0))
    }

    /// Returns at once while some session dials as it should; otherwise when that is so again, or clear that it is not.
    async fn dials_are_answered_or_silent(&self) {
        let is_slow = |one: &Tunnel| one.dialling().is_some_and(|since| since >= SLOW_DIAL);
        while self.most > 1 && self.tunnels().iter().all(is_slow) && !self.tunnels().iter().all(is_silent) {
            tokio::time::sleep(DIAL_LOOK).await;
        }
    }

    /// Closes a session that stands behind a silent dial with nobody on it, where there is no room for one more.
    fn replace_one(&self) {
        let mut state = self.state();
        let State { more, past, .. } = &mut *state;
        if 1 + more.iter().filter(|one| is_open(&one.tunnel)).count() >= self.most
            && let Some(at) = more.iter().position(|one| is_replaceable(&one.tunnel))
        {
            // Its last handle: that terminates it.
            let figures = more.remove(at).tunnel.figures();
            past.received += figures.received;
            past.sent += figures.sent;
        }
    }

    /// Closes additional sessions that nobody uses, and forgets those that have ended.
    fn sweep(&self) {
        let now = Instant::now();
        let mut state = self.state();
        let State { more, past, .. } = &mut *state;
        more.retain_mut(|one| {
            let figures = one.tunnel.figures();
            one.unused = if figures.streams > 0 { None } else { one.unused.or(Some(now)) };
            let keep = is_open(&one.tunnel) && one.unused.is_none_or(|since| since + UNUSED > now);
            if !keep {
                past.received += figures.received;
                past.sent += figures.sent;
            }
            keep
        });
    }
}

fn is_open(tunnel: &Tunnel) -> bool {
    !matches!(tunnel.health(), Health::Closed(_))
}

/// Whether its agent's dial has been silent for too long.
fn is_silent(tunnel: &Tunnel) -> bool {
    tunnel.dialling().is_some_and(|since| since >= SILENT_DIAL)
}

/// Whether it is of no use to anybody: whoever waited behind the silent dial has left.
fn is_replaceable(tunnel: &Tunnel) -> bool {
    is_open(tunnel) && is_silent(tunnel) && tunnel.figures().streams == 0
}

/// Opens one more, if it is still wanted when it is our turn. It holds no pool: one that is dropped meanwhile ends at once,
/// and what was opened for it ends as soon as it is there.
async fn open_one(pool: Weak<Inner>, wish: Wish) {
    let Some((turn, opener)) = pool.upgrade().map(|inner| (Arc::clone(&inner.turn), Arc::clone(&inner.opener))) else {
        return;
    };
    let _turn = turn.lock().await;
    match pool.upgrade().filter(|inner| inner.wants_more(wish)) {
        Some(inner) => inner.replace_one(),
        None => return,
    }
    match (opener.open().await, pool.upgrade()) {
        (Ok(tunnel), Some(inner)) => {
            tracing::debug!(session = tunnel.session_id(), "one more session");
            let late = {
                let mut state = inner.state();
                let late = state.closed.then(|| tunnel.clone());
                state.more.push(Additional { tunnel, unused: None });
                late
            };
            if let Some(tunnel) = late {
                tunnel.close().await;
            }
        }
        (Ok(tunnel), None) => tunnel.close().await,
        (Err(error), inner) => {
            tracing::debug!(%error, "no further session");
            if let Some(inner) = inner {
                inner.state().refused = Some(Instant::now());
            }
        }
    }
}

/// Opens one more while all are busy, and closes what is not used.
async fn watch(pool: Weak<Inner>) {
    loop {
        let Some(inner) = pool.upgrade() else { return };
        inner.sweep();
        let tunnels = inner.tunnels();
        let wants_more = inner.wants_more(Wish::Quick);
        let bells: Vec<_> = tunnels.iter().map(Tunnel::bulk).collect();
        // The pool must be able to end while we wait.
        drop((inner, tunnels));
        if wants_more {
            open_one(Weak::clone(&pool), Wish::Quick).await;
        }
        let bulk = select_all(bells.into_iter().map(Box::pin));
        let _bulk_or_time_to_sweep = tokio::time::timeout(UNUSED / 4, bulk).await;
    }
}
