//! A live route to one host:port, which can be opened any number of times: dialled from here, or a stream of a tunnel.
//! It must not know what is spoken over it.

use super::LineReport;
use super::counted::{Counted, Counters};
use super::diagnose::tunnel;
use super::dialled;
use super::lines::Closing;
use crate::db::Transport;
use crate::model::{Bastion, Diagnosis, Endpoint, Route};
use crate::ssm::{self, Health, Pool, Tunnel, Wish};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A live route. Clones share it; the last one's end terminates its SSM session.
#[derive(Clone)]
pub(super) struct Line {
    inner: Arc<Inner>,
    /// The server that new wires lead to, where it has to be that one.
    to: Option<Peer>,
}

/// A server that a wire has reached, as far as that is known here. Names lead elsewhere from one moment to the next: those
/// of readers rotate, those of clusters move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// Dialled from here.
    Address(SocketAddr),
    /// By that SSM session: an agent looks the name up once.
    Session(Arc<str>),
}

impl Peer {
    /// The SSM session's id.
    pub(super) fn session(&self) -> Option<&str> {
        match self {
            Peer::Address(_) => None,
            Peer::Session(id) => Some(id),
        }
    }
}

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

impl Line {
    pub(super) fn direct(endpoint: Endpoint, instead: Option<SocketAddr>, closing: Closing) -> Line {
        Line::new(endpoint, Way::Direct(instead), closing)
    }

    pub(super) fn through(endpoint: Endpoint, pool: Pool, bastion: Bastion, closing: Closing) -> Line {
        Line::new(endpoint, Way::Through(pool, Box::new(bastion)), closing)
    }

    fn new(endpoint: Endpoint, way: Way, closing: Closing) -> Line {
        let inner = Inner { endpoint, way, counters: Arc::default(), closing, opened: Instant::now() };
        Line { inner: Arc::new(inner), to: None }
    }

    pub(super) fn weak(&self) -> std::sync::Weak<Inner> {
        Arc::downgrade(&self.inner)
    }

    pub(super) fn from_inner(inner: Arc<Inner>) -> Line {
        Line { inner, to: None }
    }

    /// The same line, whose wires lead to that server: what is said there about a login has to be said to the one that
    /// knows it. Where its SSM session has ended they lead to any.
    pub(super) fn to(&self, peer: Peer) -> Line {
        Line { inner: self.inner.clone(), to: Some(peer) }
    }

    /// That server.
    pub(super) fn peer(&self) -> Option<&Peer> {
        self.to.as_ref()
    }

    /// Whether nobody else holds it.
    pub(super) fn is_last(&self) -> bool {
        Arc::strong_count(&self.inner) == 1
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    pub(super) fn tunnel(&self) -> Option<&Tunnel> {
        match &self.inner.way {
            Way::Direct(_) => None,
            Way::Through(pool, _) => Some(pool.first()),
        }
    }

    pub(super) fn bastion(&self) -> Option<&Bastion> {
        match &self.inner.way {
            Way::Direct(_) => None,
            Way::Through(_, bastion) => Some(bastion),
        }
    }

    pub(super) fn ssm_session(&self) -> Option<&str> {
        self.tunnel().map(Tunnel::session_id)
    }

    pub(super) fn route(&self) -> Route {
        match &self.inner.way {
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
        self.tunnel().is_some()
            && self.inner.counters.refused.load(Ordering::Relaxed)
            && self.inner.opened.elapsed() >= FRESH
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

    /// The same, on such a session where there are several; with where it leads.
    pub(super) async fn open_as(
        &self,
        wish: Wish,
        within: Duration,
    ) -> Result<(Box<dyn Transport>, watch::Receiver<bool>, Peer), Unopened> {
        match &self.inner.way {
            Way::Direct(instead) => {
                let Endpoint { host, port, .. } = &self.inner.endpoint;
                let dialled = tokio::time::timeout(within, async {
                    match (&self.to, instead) {
                        (Some(Peer::Address(address)), _) => dialled::dial(address).await,
                        (_, Some(address)) => dialled::dial(address).await,
                        (_, None) => dialled::dial((host.as_str(), *port)).await,
                    }
                });
                let stream = match dialled.await {
                    Ok(dialled) => dialled.map_err(Unopened::Dial)?,
                    Err(_) => return Err(Unopened::Dial(io::ErrorKind::TimedOut.into())),
                };
                let peer = Peer::Address(stream.peer_addr().map_err(Unopened::Dial)?);
                let (wire, hears) = self.watched(stream);
                Ok((wire, hears, peer))
            }
            Way::Through(pool, _) => {
                let same = self.to.as_ref().and_then(Peer::session).and_then(|session| pool.stream_on(session));
                let stream = match same {
                    Some(stream) => stream,
                    None => pool.stream(wish).await.map_err(Unopened::Tunnel)?,
                };
                let peer = Peer::Session(stream.session_id().into());
                let (wire, hears) = self.watched(stream);
                Ok((wire, hears, peer))
            }
        }
    }

    fn watched<S: Transport + 'static>(&self, stream: S) -> (Box<dyn Transport>, watch::Receiver<bool>) {
        let (counted, hears) = Counted::new(stream, self.inner.counters.clone());
        (Box::new(counted), hears)
    }

    pub(super) fn report(&self) -> LineReport {
        let counters = &self.inner.counters;
        let mut report = LineReport {
            address: self.inner.endpoint.address(),
            route: self.route().to_string(),
            ssm_session: None,
            is_alive: self.is_alive(),
            health: "direct".to_owned(),
            streams: counters.streams.load(Ordering::Relaxed),
            received: counters.received.load(Ordering::Relaxed),
            sent: counters.sent.load(Ordering::Relaxed),
            round_trip: None,
            resumes: 0,
            age: self.inner.opened.elapsed(),
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
        if let Way::Through(pool, _) = &self.inner.way {
            match pool.tunnels().len() {
                0 | 1 => {}
                more => words.push_str(&format!(", {more} sessions")),
            }
            match pool.keep_alive() {
                Some(every) => words.push_str(&format!(" (kept alive every {every:?})")),
                None => words.push_str(" (when idle, AWS ends it at the account's limit)"),
            }
        }
        words
    }

    /// What an ended session of its comes to in words.
    pub(super) fn words(&self, ended: &ssm::Ended) -> Option<Diagnosis> {
        self.bastion().map(|bastion| tunnel::ended(ended, bastion, &self.inner.endpoint))
    }

    /// Ends the tunnel, whoever else holds it.
    pub(super) async fn close(&self) {
        if let Way::Through(pool, _) = &self.inner.way {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_second_wire_leads_where_the_first_one_does_though_the_name_has_moved() {
        let bind = async || {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("its address");
            (listener, address)
        };
        let ((before, old), (after, new)) = (bind().await, bind().await);
        let limit = Duration::from_secs(30);
        let then = Line::direct(endpoint(), Some(old), Closing::default());
        let (_wire, _, peer) = then.open_as(Wish::Quick, limit).await.ok().expect("dialled");
        assert_eq!(peer, Peer::Address(old));
        before.accept().await.expect("the login's wire");
        // What the name leads to now.
        let now = Line::direct(endpoint(), Some(new), Closing::default());
        let (_wire, _) = now.to(peer.clone()).open(limit).await.ok().expect("dialled");
        before.accept().await.expect("the cancel's");
        let (_wire, _, elsewhere) = now.open_as(Wish::Quick, limit).await.ok().expect("dialled");
        after.accept().await.expect("a new login's");
        assert_eq!((now.to(peer.clone()).peer(), elsewhere), (Some(&peer), Peer::Address(new)));
    }
}
