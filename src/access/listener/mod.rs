//! The listener: a port or socket of this machine on which any PostgreSQL client finds a database, logged in by us. Each
//! client gets a login and a stream of its own, over a verified line; it needs no token, no certificate, and no way there.
//! It must not look into what is spoken once a client is in; a read-only listener alone does, in `read_only`.

mod cancels;
mod client;
mod complaint;
mod door;
mod figures;
mod greet;
mod handed;
mod packet;
mod papers;
mod proven;
mod read_only;
mod scram;
mod splice;
mod terms;
mod unproven;
mod upstream;

pub use door::Door;
pub use figures::ListenerReport;
pub use papers::{Papers, PassLine, write_paper};
pub use proven::new_secret;

use super::audit::{Event, Subject};
use super::{Access, Steps, diagnose, handoff, refusal};
use crate::db::{LocalTls, takes_options};
use crate::model::{Act, Auth, Diagnosis, Endpoint, Kind, Route, RouteChoice, Secret, Target};
use cancels::Cancels;
use door::Opened;
use figures::Figures;
use greet::Guard;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use terms::Terms;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;
use unproven::Unproven;
use upstream::Upstream;

/// After a client could not be taken, the next one is tried as soon as another has ended, or after this.
const RECOVERY: Duration = Duration::from_millis(50);

/// What is wanted of [`Access::listen`].
#[derive(Clone, Debug)]
pub struct ListenerWish {
    /// What to call it.
    pub name: String,
    /// What to reach.
    pub endpoint: Endpoint,
    /// The way there.
    pub route: RouteChoice,
    /// Where clients knock.
    pub door: Door,
    /// Roles. One: every client is that one, whatever it says. Several: a client has to name one of them.
    pub users: Vec<String>,
    /// Databases. None: any. One: always that one. Several: one of them.
    pub databases: Vec<String>,
    /// Its clients are told which database to name: a name is never taken for one that libpq filled in by itself.
    pub database_told: bool,
    /// How to log in.
    pub auth: Auth,
    /// Have the server refuse writes: each transaction is made read-only before a client's statement runs in it, whatever
    /// the client sets. Where nothing is said it is so on production, and nowhere else.
    pub read_only: Option<bool>,
    /// What clients have to show (by SCRAM-SHA-256); `None` asks for nothing. On a socket the peer's user is looked at, too.
    pub secret: Option<Secret>,
    /// Offer TLS, with a certificate made for this listener.
    pub tls: bool,
}

/// An open listener. Dropped, it closes, and its clients with it.
pub struct Listener {
    shared: Arc<Shared>,
    serving: JoinSet<()>,
    /// Its end, or a word on it, ends the serving.
    closing: Option<oneshot::Sender<()>>,
}

/// What clients share.
pub(super) struct Shared {
    name: String,
    address: (String, u16),
    is_localhost: bool,
    /// Whether it leads to production.
    production: bool,
    terms: Terms,
    guard: Guard,
    upstream: Upstream,
    cancels: Cancels,
    figures: Figures,
    news: Mutex<Option<UnboundedSender<Diagnosis>>>,
    opened: Instant,
}

impl Access {
    /// Opens a listener. Nothing is asked of the network: the first client is, or [`Listener::reach`].
    pub async fn listen(&self, wish: ListenerWish) -> Result<Listener, Diagnosis> {
        let ListenerWish { name, endpoint, route, door, users, databases, database_told, auth, read_only, secret, tls } =
            wish;
        if users.is_empty() {
            return Err(diagnose::login::nobody(&endpoint));
        }
        if !endpoint.engine.is_postgres() {
            return Err(Diagnosis::new(
                Kind::Usage,
                format!("{} is no PostgreSQL: {}", endpoint.owner, endpoint.engine),
            )
            .advise_paste(
                "Forward a port to it",
                format!(
                    "gatepost tunnel {}{}",
                    handoff::quote::shell(&endpoint.owner),
                    diagnose::aws::options(&endpoint.place)
                ),
            )
            .by(Act::Tunnel));
        }
        let production = self.settings().is_production_at(&endpoint);
        let read_only = read_only.unwrap_or(production);
        let opened = Opened::open(&door).await?;
        let made = |error: crate::db::Error| {
            Diagnosis::new(Kind::Local, "The listener's certificate could not be made").because(error.to_string())
        };
        let terms = Terms {
            users,
            databases,
            usual: super::session::database_of(&endpoint, None),
            told: database_told,
            read_only,
            takes_options: takes_options(&endpoint.host),
            os_user: self.settings().os_user.clone(),
        };
        let guard = Guard {
            verifier: secret.as_ref().map(scram::Verifier::new),
            tls: tls.then(LocalTls::new).transpose().map_err(made)?,
        };
        let shared = Arc::new(Shared {
            name,
            address: opened.address(),
            is_localhost: opened.is_localhost(),
            terms,
            guard,
            production,
            upstream: Upstream::new(self, endpoint, route, auth, read_only),
            cancels: Cancels::default(),
            figures: Figures::default(),
            news: Mutex::default(),
            opened: Instant::now(),
        });
        shared.note(&shared.subject(), &Event::Listen, "ok", None);
        self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&shared));
        let mut serving = JoinSet::new();
        let (closing, closed) = oneshot::channel();
        serving.spawn(serve(shared.clone(), opened, closed));
        Ok(Listener { shared, serving, closing: Some(closing) })
    }

    /// The open listeners, in the order in which they were opened.
    pub fn listeners(&self) -> Vec<ListenerReport> {
        let mut open = self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|shared| shared.strong_count() > 0);
        open.iter().filter_map(Weak::upgrade).map(|shared| shared.report()).collect()
    }
}

/// Why a listener is read-only that nobody asked to be so.
pub fn read_only_of_production(name: &str) -> String {
    format!("{name} counts as production: clients may write there only where that was asked for")
}

/// Whether there are no descriptors, or no memory for one.
fn is_shortage(error: &io::Error) -> bool {
    let short = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| short.iter().any(|errno| errno.raw_os_error() == code))
}

/// Until there may be room again: one of its own clients has ended, or a while has passed. Without clients there is nothing
/// but the while: what is short may be held by another listener.
async fn recover(clients: &mut JoinSet<()>) {
    if clients.is_empty() {
        return tokio::time::sleep(RECOVERY).await;
    }
    let _ = tokio::time::timeout(RECOVERY, clients.join_next()).await;
}

/// Takes clients until it is closed; then none is left. Dropped, it ends them as well, soon.
async fn serve(shared: Arc<Shared>, opened: Opened, mut closed: oneshot::Receiver<()>) {
    let unproven = Unproven::within(getrlimit(Resource::Nofile).current);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = opened.accept() => match accepted {
                Ok(knock) => {
                    let shared_with = shared.clone();
                    let dropped = unproven.admit(|place| {
                        clients.spawn(async move { client::serve(&shared_with, knock, place).await })
                    });
                    if dropped {
                        shared.figures.refuse("too many connections that show nothing: the oldest was dropped");
                    }
                }
                Err(error) => {
                    shared.figures.trouble(&error.to_string());
                    if is_shortage(&error) && unproven.drop_oldest() {
                        shared.figures.refuse("descriptors are short: the oldest connection that showed nothing was dropped");
                    }
                    recover(&mut clients).await;
                }
            },
            Some(_) = clients.join_next() => {}
            _ = &mut closed => break,
        }
    }
    drop(opened);
    clients.shutdown().await;
}

impl Listener {
    /// What a client is given as host (for a socket: its folder) and as port.
    pub fn address(&self) -> (&str, u16) {
        (&self.shared.address.0, self.shared.address.1)
    }

    /// Whether a client that says `localhost` comes here, and to nobody else: the port of `::1` may be a stranger's.
    pub fn is_localhost(&self) -> bool {
        self.shared.is_localhost
    }

    /// The certificate that TLS clients have to trust, PEM; `None` where TLS is not offered.
    pub fn authority(&self) -> Option<&str> {
        self.shared.guard.tls.as_ref().map(LocalTls::authority)
    }

    /// Opens the way to the database now, each step told, instead of with the first client.
    pub async fn reach(&self, steps: Steps) -> Result<(), Diagnosis> {
        self.shared.upstream.reach(steps).await.map(drop)
    }

    /// Where it is told why a client was turned away.
    pub fn tell(&self, news: UnboundedSender<Diagnosis>) {
        *self.shared.news.lock().unwrap_or_else(PoisonError::into_inner) = Some(news);
    }

    /// What it has done.
    pub fn report(&self) -> ListenerReport {
        self.shared.report()
    }

    /// Closes it, and the connections on it; the audit has the end of each.
    pub async fn close(mut self) {
        self.closing = None;
        while self.serving.join_next().await.is_some() {}
        self.shared.note(&self.shared.subject(), &Event::Disconnect, "ok", None);
    }
}

impl Drop for Listener {
    /// A line that is being opened is nobody's then.
    fn drop(&mut self) {
        self.shared.upstream.close();
    }
}

impl Shared {
    fn report(&self) -> ListenerReport {
        let (host, port) = &self.address;
        let figures = &self.figures;
        let (last_error, since_error) = figures.last_error();
        ListenerReport {
            name: self.name.clone(),
            address: if host.starts_with('/') { format!("{host}/.s.PGSQL.{port}") } else { format!("{host}:{port}") },
            database: self.upstream.endpoint.address(),
            users: self.terms.users.join(", "),
            read_only: self.terms.read_only,
            production: self.production,
            route: self.upstream.route(),
            streams: figures.streams.load(Ordering::Relaxed),
            received: figures.received.load(Ordering::Relaxed),
            sent: figures.sent.load(Ordering::Relaxed),
            logins: figures.logins.load(Ordering::Relaxed),
            refused: figures.refused.load(Ordering::Relaxed),
            last_error,
            since_error,
            age: self.opened.elapsed(),
            line: self.upstream.line_report(),
        }
    }

    /// The listener itself, for the audit.
    fn subject(&self) -> Subject {
        let target = Target {
            endpoint: self.upstream.endpoint.clone(),
            route: Route::Direct,
            database: String::new(),
            user: self.terms.users.join(","),
            auth: self.upstream.auth.clone(),
            read_only: self.upstream.read_only,
        };
        Subject::new(&target, None, None)
    }

    fn note(&self, subject: &Subject, event: &Event<'_>, outcome: &str, since: Option<Instant>) {
        let audit = &self.upstream.access.inner.audit;
        audit.note(subject, event, outcome, since.map(|since| since.elapsed()));
    }

    /// A client was turned away because of that.
    fn trouble(&self, diagnosis: &Diagnosis) {
        tracing::info!(kind = ?diagnosis.kind, listener = self.name, "{}", diagnosis.title);
        self.figures.refuse(&refusal::outcome(diagnosis));
        if let Some(told) = self.news.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            // Whoever listened may have stopped.
            let _ = told.send(diagnosis.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_no_client_that_could_make_room_waits_all_the_same() {
        let mut clients = JoinSet::new();
        let begun = Instant::now();
        recover(&mut clients).await;
        assert!(begun.elapsed() >= RECOVERY, "it turns round at once: {:?}", begun.elapsed());
        // One that stays is not waited for longer than that; one that ends makes room.
        clients.spawn(std::future::pending());
        recover(&mut clients).await;
        assert_eq!(clients.len(), 1);
        clients.spawn(async {});
        while clients.len() > 1 {
            recover(&mut clients).await;
        }
    }
}
