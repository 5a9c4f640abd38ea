//! The handle of a tunnel: opening, streams, how it is doing, the end.

use super::driver;
use super::session::Session;
use super::shared::{Handle, Shared};
use super::stream::Stream;
use super::timing::Timing;
use super::{Account, Ended, Error, Figures, Grant, Health, Opened, Options};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{oneshot, watch};
use tracing::Instrument;

/// Used where [`Options::payload`] is zero.
const PAYLOAD: usize = 8192;

/// One session forwarded to one host:port; gives any number of streams. Cheap to clone; the last clone's end, or
/// [`Tunnel::close`], terminates the session.
pub struct Tunnel {
    handle: Arc<Handle>,
    /// What this clone has been told of the health.
    seen: Mutex<watch::Receiver<Health>>,
}

impl Clone for Tunnel {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle), seen: Mutex::new(self.seen()) }
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel").field("session_id", &self.session_id()).field("health", &self.health()).finish()
    }
}

impl Tunnel {
    /// Opens the web socket, answers the handshake, passes the readiness barrier. On error, and when the future is
    /// dropped, the session is terminated.
    ///
    /// # Errors
    /// Everything in [`Error`] but [`Error::Refused`].
    pub async fn open(grant: Grant, account: Arc<dyn Account>, options: Options) -> Result<(Self, Opened), Error> {
        let mut timing = Timing::default();
        if !options.ping.is_zero() {
            timing.ping = options.ping;
        }
        if !options.patience.is_zero() {
            timing.budget = options.patience;
        }
        Self::open_with(grant, account, options, timing).await
    }

    /// The same with other times, for tests of what takes minutes.
    pub(super) async fn open_with(
        grant: Grant,
        account: Arc<dyn Account>,
        options: Options,
        timing: Timing,
    ) -> Result<(Self, Opened), Error> {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::from_millis(1));
        let millis = u64::try_from(unix.as_millis()).unwrap_or(u64::MAX);
        let payload = if options.payload == 0 { PAYLOAD } else { options.payload };
        let mut session = Session::new(Instant::now(), millis, rand::random(), payload, options.keep_alive);
        session.spool_to(options.spool);
        let (opener, opened) = oneshot::channel();
        let shared = Arc::new(Shared::new(grant.session_id.clone(), session, opener));
        // Made before the driver: if this future is dropped the handle goes with it, and the driver terminates.
        let tunnel =
            Self { seen: Mutex::new(shared.health.subscribe()), handle: Arc::new(Handle(Arc::clone(&shared))) };
        // So that a log with several tunnels can be read one by one.
        let span = tracing::error_span!("tunnel", session = shared.session_id);
        tokio::spawn(driver::run(shared, account, options.network.clone(), grant, timing).instrument(span));
        match tokio::time::timeout(options.open_timeout, opened).await {
            Ok(Ok(Ok(opened))) => Ok((tunnel, opened)),
            Ok(Ok(Err(error))) => {
                tunnel.finished().await;
                Err(error)
            }
            Ok(Err(_)) => Err(Error::Ended(Ended::ByUs)),
            Err(_) => {
                tunnel.close().await;
                Err(Error::HandshakeTimeout(options.open_timeout))
            }
        }
    }

    /// A new stream. Returns at once (smux has no answer to SYN): a refused dial shows as an `io::Error` of kind
    /// `ConnectionRefused` on the first read.
    ///
    /// # Errors
    /// [`Error::Ended`] when the tunnel is over.
    pub fn stream(&self) -> Result<Stream, Error> {
        let shared = &self.handle.0;
        let id = shared.with(|session| match session.failure() {
            Some(failure) => Err(Error::from(failure.clone())),
            None => session
                .open_stream()
                .ok_or_else(|| Error::Unsupported("this session has used up its stream numbers".to_owned())),
        })?;
        Ok(Stream::new(Arc::clone(shared), id))
    }

    /// How it is doing now. Once its end is what a stream's error says, it is what this says, too: the driver tells those who
    /// watch a moment later.
    pub fn health(&self) -> Health {
        let told = self.handle.0.health.borrow().clone();
        match (&told, self.handle.0.lock().session.failure()) {
            (Health::Closed(_), _) | (_, None) => told,
            (_, Some(failure)) => Health::Closed(Ended::from(failure)),
        }
    }

    /// Resolves when the health is another than this clone has heard of; at once if it has changed since.
    pub async fn changed(&self) -> Health {
        let mut seen = self.seen();
        if seen.changed().await.is_err() {
            // The sender lives in what `self` holds, so this cannot be; and nothing will change any more.
            return self.health();
        }
        let health = seen.borrow_and_update().clone();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        health
    }

    /// Counters.
    pub fn figures(&self) -> Figures {
        self.handle.0.figures()
    }

    /// How often a NOP keeps it from the idle timeout, if one does.
    pub fn keep_alive(&self) -> Option<Duration> {
        self.handle.0.lock().session.keep_alive()
    }

    /// Whether a stream would wait behind a bulk transfer now.
    pub fn is_busy(&self) -> bool {
        self.handle.0.lock().session.is_busy(Instant::now())
    }

    /// How long a stream has waited for its first answer while no later one got any: agents dial one after the other, so
    /// a new stream would wait behind it. `None` when nobody waits, or while the agent is not heard.
    pub fn dialling(&self) -> Option<Duration> {
        self.handle.0.lock().session.dialling(Instant::now())
    }

    /// What resolves when a bulk transfer goes on; it does not keep the tunnel open.
    pub(super) fn bulk(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut bulk = self.handle.0.bulk.subscribe();
        async move {
            if bulk.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// What a test looks into.
    #[cfg(test)]
    pub(super) fn shared(&self) -> &Shared {
        &self.handle.0
    }

    /// The session's id.
    pub fn session_id(&self) -> &str {
        &self.handle.0.session_id
    }

    /// Terminate flag, short wait for its acknowledgement, the API call. Returns when all of it is done.
    pub async fn close(&self) {
        self.handle.0.close.send_replace(true);
        self.finished().await;
    }

    async fn finished(&self) {
        let mut done = self.handle.0.done.subscribe();
        // An error means that the sender is gone, which `self` holds.
        let _ = done.wait_for(|done| *done).await;
    }

    fn seen(&self) -> watch::Receiver<Health> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
