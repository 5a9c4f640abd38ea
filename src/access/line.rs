//! A live route to one host:port, which can be opened any number of times: dialled from here, or a stream of a tunnel.
//! It must not know what is spoken over it.

use super::LineReport;
use super::diagnose::tunnel;
use super::dialled;
use super::lines::Closing;
use crate::db::Transport;
use crate::model::{Bastion, Diagnosis, Endpoint, Route};
use crate::ssm::{self, Health, Pool, Tunnel, Wish};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// A live route. Clones share it; the last one's end terminates its SSM session.
#[derive(Clone)]
pub(super) struct Line(Arc<Inner>);

pub(super) struct Inner {
    endpoint: Endpoint,
    way: Way,
    counters: Arc<Counters>,
    closing: Closing,
    opened: Instant,
}

/// A session that is older and whose agent is refused by the database is not taken for a new way: after a failover the
/// host has another address, which agents look up once a session.
const FRESH: Duration = Duration::from_secs(30);

enum Way {
    /// Where to dial instead of what the name resolves to.
    Direct(Option<SocketAddr>),
    Through(Pool, Box<Bastion>),
}

#[derive(Default)]
pub(super) struct Counters {
    /// The agent could not connect: the host may have moved since it looked up its address, once a session.
    refused: AtomicBool,
    streams: AtomicUsize,
    received: AtomicU64,
    sent: AtomicU64,
}

impl Line {
    pub(super) fn direct(endpoint: Endpoint, instead: Option<SocketAddr>, closing: Closing) -> Line {
        Line::new(endpoint, Way::Direct(instead), closing)
    }

    pub(super) fn through(endpoint: Endpoint, pool: Pool, bastion: Bastion, closing: Closing) -> Line {
        Line::new(endpoint, Way::Through(pool, Box::new(bastion)), closing)
    }

    fn new(endpoint: Endpoint, way: Way, closing: Closing) -> Line {
        Line(Arc::new(Inner { endpoint, way, counters: Arc::default(), closing, opened: Instant::now() }))
    }

    pub(super) fn weak(&self) -> std::sync::Weak<Inner> {
        Arc::downgrade(&self.0)
    }

    pub(super) fn from_inner(inner: Arc<Inner>) -> Line {
        Line(inner)
    }

    /// Whether nobody else holds it.
    pub(super) fn is_last(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    pub(super) fn tunnel(&self) -> Option<&Tunnel> {
        match &self.0.way {
            Way::Direct(_) => None,
            Way::Through(pool, _) => Some(pool.first()),
        }
    }

    pub(super) fn bastion(&self) -> Option<&Bastion> {
        match &self.0.way {
            Way::Direct(_) => None,
            Way::Through(_, bastion) => Some(bastion),
        }
    }

    pub(super) fn ssm_session(&self) -> Option<&str> {
        self.tunnel().map(Tunnel::session_id)
    }

    pub(super) fn route(&self) -> Route {
        match &self.0.way {
            Way::Direct(_) => Route::Direct,
            Way::Through(_, bastion) => Route::Through((**bastion).clone()),
        }
    }

    /// Whether it can still be opened, as far as is known.
    pub(super) fn is_alive(&self) -> bool {
        let lost = self.tunnel().is_some_and(|tunnel| matches!(tunnel.health(), Health::Closed(_)));
        !lost && !self.is_doubtful()
    }

    /// Whether what is written now goes out now.
    pub(super) fn is_up(&self) -> bool {
        self.tunnel().is_none_or(|tunnel| matches!(tunnel.health(), Health::Up)) && !self.is_doubtful()
    }

    /// Whether the database may have moved away from where it leads.
    fn is_doubtful(&self) -> bool {
        self.tunnel().is_some() && self.0.counters.refused.load(Ordering::Relaxed) && self.0.opened.elapsed() >= FRESH
    }

    /// Why the tunnel ended, when it has.
    pub(super) fn ended(&self) -> Option<Diagnosis> {
        match self.tunnel()?.health() {
            Health::Closed(ended) => self.words(&ended),
            _ => None,
        }
    }

    /// Another wire, the quietest. With it, what tells when the first byte has come back over it: through a tunnel nothing else shows
    /// that the far end was reached.
    pub(super) async fn open(&self, within: Duration) -> Result<(Box<dyn Transport>, watch::Receiver<bool>), Unopened> {
        let (wire, hears, _) = self.open_as(Wish::Quick, within).await?;
        Ok((wire, hears))
    }

    /// The same, on such a session where there are several; with its id.
    pub(super) async fn open_as(
        &self,
        wish: Wish,
        within: Duration,
    ) -> Result<(Box<dyn Transport>, watch::Receiver<bool>, Option<String>), Unopened> {
        match &self.0.way {
            Way::Direct(instead) => {
                let Endpoint { host, port, .. } = &self.0.endpoint;
                let dialled = tokio::time::timeout(within, async {
                    match instead {
                        Some(address) => dialled::dial(address).await,
                        None => dialled::dial((host.as_str(), *port)).await,
                    }
                });
                let stream = match dialled.await {
                    Ok(dialled) => dialled.map_err(Unopened::Dial)?,
                    Err(_) => return Err(Unopened::Dial(io::ErrorKind::TimedOut.into())),
                };
                let (wire, hears) = self.watched(stream);
                Ok((wire, hears, None))
            }
            Way::Through(pool, _) => {
                let stream = pool.stream(wish).await.map_err(Unopened::Tunnel)?;
                let session = stream.session_id().to_owned();
                let (wire, hears) = self.watched(stream);
                Ok((wire, hears, Some(session)))
            }
        }
    }

    fn watched<S: Transport + 'static>(&self, stream: S) -> (Box<dyn Transport>, watch::Receiver<bool>) {
        let (heard, hears) = watch::channel(false);
        self.0.counters.streams.fetch_add(1, Ordering::Relaxed);
        (Box::new(Counted { stream, counters: self.0.counters.clone(), heard: Some(heard) }), hears)
    }

    pub(super) fn report(&self) -> LineReport {
        let counters = &self.0.counters;
        let mut report = LineReport {
            address: self.0.endpoint.address(),
            route: self.route().to_string(),
            ssm_session: None,
            is_alive: self.is_alive(),
            health: "direct".to_owned(),
            streams: counters.streams.load(Ordering::Relaxed),
            received: counters.received.load(Ordering::Relaxed),
            sent: counters.sent.load(Ordering::Relaxed),
            round_trip: None,
            resumes: 0,
            age: self.0.opened.elapsed(),
        };
        if let Some(tunnel) = self.tunnel() {
            let figures = tunnel.figures();
            report.ssm_session = Some(tunnel.session_id().to_owned());
            report.round_trip = figures.round_trip;
            report.resumes = figures.resumes;
            report.health = match tunnel.health() {
                Health::Up => self.up(),
                Health::Reconnecting { attempts, reason, .. } => {
                    format!("reconnecting, dialled {attempts} times: {}", crate::model::visible(&reason))
                }
                Health::Closed(_) => self.ended().map_or("ended".to_owned(), |ended| ended.title),
            };
        }
        report
    }

    /// How many sessions, and what rules their end when nothing happens.
    fn up(&self) -> String {
        let mut words = "up".to_owned();
        if let Way::Through(pool, _) = &self.0.way {
            match pool.tunnels().len() {
                0 | 1 => {}
                more => words.push_str(&format!(", {more} sessions")),
            }
            match pool.keep_alive() {
                Some(every) => words.push_str(&format!(" (kept alive every {every:?})")),
                None => words.push_str(" (idle time: the account's)"),
            }
        }
        words
    }

    /// What an ended session of its comes to in words.
    pub(super) fn words(&self, ended: &ssm::Ended) -> Option<Diagnosis> {
        self.bastion().map(|bastion| tunnel::ended(ended, bastion, &self.0.endpoint))
    }

    /// Ends the tunnel, whoever else holds it.
    pub(super) async fn close(&self) {
        if let Way::Through(pool, _) = &self.0.way {
            pool.close().await;
        }
    }
}

impl Drop for Inner {
    /// Whoever was last has left without saying goodbye: AWS is told all the same, and the end of the program waits.
    fn drop(&mut self) {
        if let Way::Through(pool, _) = &self.way {
            self.closing.finish(pool.clone());
        }
    }
}

/// Why a line could not be opened.
pub(super) enum Unopened {
    Dial(io::Error),
    Tunnel(ssm::Error),
}

/// A stream that is counted, and tells when its first byte has come.
struct Counted<S> {
    stream: S,
    counters: Arc<Counters>,
    heard: Option<watch::Sender<bool>>,
}

impl Counters {
    /// Streams, bytes from the database, bytes to it.
    pub(super) fn so_far(&self) -> (usize, u64, u64) {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (self.streams.load(Ordering::Relaxed), of(&self.received), of(&self.sent))
    }
}

/// Counts a stream for whoever opened it, too.
pub(super) fn counted(stream: Box<dyn Transport>, counters: Arc<Counters>) -> Box<dyn Transport> {
    counters.streams.fetch_add(1, Ordering::Relaxed);
    Box::new(Counted { stream, counters, heard: None })
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Poll::Ready(Err(error)) = &polled
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            self.counters.refused.store(true, Ordering::Relaxed);
        }
        let read = buffer.filled().len() - before;
        if read > 0 {
            self.counters.received.fetch_add(read as u64, Ordering::Relaxed);
            if let Some(heard) = self.heard.take() {
                heard.send_replace(true);
            }
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.counters.sent.fetch_add(written as u64, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S> Drop for Counted<S> {
    fn drop(&mut self) {
        self.counters.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
