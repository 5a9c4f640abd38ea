//! A port of this machine, loopback only, forwarded over a line. It must not look into what is forwarded.
//!
//! The port outlives the session: when AWS ends one (idle, its longest duration, a bastion that is gone), or the database
//! has moved, the connections on it are lost and that is told; the next connection opens a new session, perhaps through
//! another bastion. Not before: the account's idle time is there to end what nobody uses.

use super::audit::{Event, Subject};
use super::line::{Counters, Line, Unopened, counted};
use super::relay::relay;
use super::walk::Walk;
use super::{Access, LineReport, Steps, probe, refusal, sockets};
use crate::model::{Auth, Diagnosis, Endpoint, Identity, Kind, Route, RouteChoice, StepKind, Target};
use crate::ssm::{self, Ended, Health, Wish};
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What happens to a port's session; the port stays.
#[derive(Clone, Debug)]
pub enum News {
    /// It is lost, or no new one could be opened.
    Trouble(Diagnosis),
    /// There is a new one; how it goes.
    Mended(String),
}

/// What has gone through a forwarded port, told for a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardReport {
    /// The port on 127.0.0.1.
    pub port: u16,
    /// Connections there are.
    pub streams: usize,
    /// Bytes from the database.
    pub received: u64,
    /// Bytes to it.
    pub sent: u64,
}

/// A local port forwarded to a database.
pub struct Forward {
    listener: TcpListener,
    port: u16,
    line: Line,
    /// Of this port alone; others may be on the same line.
    counters: Arc<Counters>,
    access: Access,
    choice: RouteChoice,
    subject: Subject,
    connections: JoinSet<Option<Fallen>>,
    taken: u64,
    /// The session that each connection is on, by its number. One that its session has taken along stays, to be counted.
    standing: Arc<Mutex<HashMap<u64, String>>>,
    /// The loss of the line has been told.
    lost: bool,
    /// A new line on its way, and who waits for it.
    opening: JoinSet<Arrived>,
    waiting: Vec<TcpStream>,
    /// Why the last connection came to nothing; for the report.
    trouble: Arc<Mutex<Option<String>>>,
    news: Option<UnboundedSender<News>>,
}

impl Access {
    /// The ports that are forwarded, in the order in which they were opened.
    pub fn forwards(&self) -> Vec<ForwardReport> {
        let mut open = lock(&self.inner.forwards);
        open.retain(|(_, counters)| counters.strong_count() > 0);
        let reports = open.iter().filter_map(|(port, counters)| Some((*port, counters.upgrade()?.so_far())));
        reports.map(|(port, (streams, received, sent))| ForwardReport { port, streams, received, sent }).collect()
    }
}

impl Forward {
    pub(super) async fn open(
        access: &Access,
        endpoint: &Endpoint,
        choice: &RouteChoice,
        port: u16,
        steps: Steps,
    ) -> Result<Forward, Diagnosis> {
        // First, for it needs nobody else.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| taken(port, &error))?;
        let port = listener.local_addr().map_err(|error| taken(port, &error))?.port();
        let Arrived { line, subject } = Box::pin(arrive(access, endpoint, choice, steps)).await;
        let (line, counters) = (line?, Arc::<Counters>::default());
        lock(&access.inner.forwards).push((port, Arc::downgrade(&counters)));
        Ok(Forward {
            listener,
            port,
            line,
            counters,
            access: access.clone(),
            choice: choice.clone(),
            subject,
            connections: JoinSet::new(),
            taken: 0,
            standing: Arc::default(),
            lost: false,
            opening: JoinSet::new(),
            waiting: Vec::new(),
            trouble: Arc::default(),
            news: None,
        })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where losses of the session are told, and what came of opening a new one.
    pub fn tell(&mut self, news: UnboundedSender<News>) {
        self.news = Some(news);
    }

    /// How its line is doing.
    pub fn report(&self) -> LineReport {
        let mut report = self.line.report();
        if let Some(trouble) = lock(&self.trouble).as_ref() {
            report.health.push_str("; last connection: ");
            report.health.push_str(trouble);
        }
        report
    }

    /// Serves connections, over a new session when the one there was is lost; until no new one can be opened, whatever is
    /// waited for. Cancel-safe: connections that stand go on.
    pub async fn serve(&mut self) -> Diagnosis {
        loop {
            tokio::select! {
                ended = ended(&self.line), if !self.lost => self.lose(ended),
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) if self.line.is_alive() && self.opening.is_empty() => self.take(socket),
                    Ok((socket, _)) => self.wait(socket),
                    // Out of descriptors, or a client gone before it was taken: the next may do better.
                    Err(error) => {
                        lock(&self.trouble).replace(error.to_string());
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                Some(opened) = self.opening.join_next() => if let Some(last) = self.opened(opened) { return last },
                Some(left) = self.connections.join_next() => if let Ok(Some(fallen)) = left { self.fell(&fallen) },
            }
        }
    }

    /// The line has ended, and with it what was on it.
    fn lose(&mut self, ended: Diagnosis) {
        self.lost = true;
        let session = self.line.ssm_session().map(str::to_owned).unwrap_or_default();
        let ended = self.count(ended, &session).unwrap_or_else(|ended| ended.because("no connection was on it"));
        self.trouble(ended.advise("Connect again: the port stays, and the next connection opens a new session"));
    }

    /// A connection was lost with its session: one beside the line's first, whose end is told by [`Self::lose`].
    fn fell(&self, fallen: &Fallen) {
        let session = lock(&self.standing).get(&fallen.number).cloned();
        let Some(session) = session.filter(|session| self.lost || self.line.ssm_session() != Some(session.as_str()))
        else {
            return;
        };
        if let Some(Ok(ended)) = self.line.words(&fallen.ended).map(|ended| self.count(ended, &session)) {
            self.trouble(ended.advise("Connect again: the port and its other connections stay"));
        }
    }

    /// Says how many connections were lost with a session, or that none was; each is counted once.
    fn count(&self, ended: Diagnosis, session: &str) -> Result<Diagnosis, Diagnosis> {
        let mut standing = lock(&self.standing);
        let before = standing.len();
        standing.retain(|_, on| on != session);
        match before - standing.len() {
            0 => Err(ended),
            1 => Ok(ended.because("the connection on it is lost")),
            count => Ok(ended.because(format!("the {count} connections on it are lost"))),
        }
    }

    /// A connection for which there is no line: it waits for a new one.
    fn wait(&mut self, socket: TcpStream) {
        self.waiting.push(socket);
        if self.opening.is_empty() {
            let (access, endpoint) = (self.access.clone(), self.line.endpoint().clone());
            let choice = self.choice.clone();
            self.opening.spawn(async move { Box::pin(arrive(&access, &endpoint, &choice, None)).await });
        }
    }

    /// There is a new line, or none; the last word, when there never will be one.
    fn opened(&mut self, opened: Result<Arrived, tokio::task::JoinError>) -> Option<Diagnosis> {
        let waiting = std::mem::take(&mut self.waiting);
        // Aborted or panicked: those who waited are turned away, the next one tries again.
        let Arrived { line, subject } = opened.ok()?;
        match line {
            Ok(line) => {
                (self.line, self.subject, self.lost) = (line, subject, false);
                self.news(News::Mended(format!("A new session carries the port, {}", self.line.route())));
                waiting.into_iter().for_each(|socket| self.take(socket));
                None
            }
            Err(refused) => {
                lock(&self.trouble).replace(refused.title.clone());
                // What a new login or the network's return mends is waited for.
                if matches!(refused.kind, Kind::AccessDenied | Kind::NotFound | Kind::Usage) {
                    return Some(refused);
                }
                self.trouble(refused);
                None
            }
        }
    }

    fn trouble(&self, diagnosis: Diagnosis) {
        tracing::info!(kind = ?diagnosis.kind, "{}", diagnosis.title);
        self.news(News::Trouble(diagnosis));
    }

    fn news(&self, news: News) {
        if let Some(told) = &self.news {
            // Whoever listened may have stopped.
            let _ = told.send(news);
        }
    }

    fn take(&mut self, socket: TcpStream) {
        let (line, trouble, counters) = (self.line.clone(), self.trouble.clone(), self.counters.clone());
        let settings = self.access.settings();
        let limit = settings.connect_timeout;
        // Two sessions are for what is in a hurry beside what is bulky; more are for speed, so each has its own.
        let wish = if settings.ssm_sessions > 2 { Wish::Alone } else { Wish::Quick };
        let (number, standing) = (self.taken, self.standing.clone());
        self.taken += 1;
        if let Some(session) = line.ssm_session() {
            lock(&standing).insert(number, session.to_owned());
        }
        self.connections.spawn(async move {
            let (words, ended) = match line.open_as(wish, limit).await {
                Ok((wire, _, session)) => {
                    if let Some(session) = session {
                        // Counted already where the session in whose place this one came has ended.
                        lock(&standing).entry(number).and_modify(|on| *on = session);
                    }
                    match relay(socket, counted(wire, counters)).await {
                        Ok(()) => (None, None),
                        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                            (Some("the database refused it".to_owned()), None)
                        }
                        Err(error) => (Some(error.to_string()), session_end(&error)),
                    }
                }
                Err(Unopened::Dial(error)) => (Some(error.to_string()), None),
                Err(Unopened::Tunnel(error)) => {
                    let words = error.to_string();
                    (Some(words), if let ssm::Error::Ended(ended) = error { Some(ended) } else { None })
                }
            };
            *lock(&trouble) = words;
            if ended.is_none() {
                lock(&standing).remove(&number);
            }
            ended.map(|ended| Fallen { number, ended })
        });
    }

    /// Closes port and session.
    pub async fn close(mut self) {
        self.connections.shutdown().await;
        self.opening.shutdown().await;
        self.access.inner.audit.note(&self.subject, &Event::Disconnect, "ok", None);
        let Forward { listener, line, .. } = self;
        drop(listener);
        if line.is_last() {
            line.close().await;
        }
    }
}

/// A connection that ended because its session did.
struct Fallen {
    number: u64,
    ended: Ended,
}

/// How the session of a stream ended, where that is what the error is about.
fn session_end(error: &io::Error) -> Option<Ended> {
    match error.get_ref()?.downcast_ref() {
        Some(ssm::Error::Ended(ended)) => Some(ended.clone()),
        _ => None,
    }
}

/// Nobody panics while it is held; and if somebody did, the others could still go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a walk has arrived, and whose it was.
struct Arrived {
    line: Result<Line, Diagnosis>,
    subject: Subject,
}

/// Walks the way and writes it to the audit.
async fn arrive(access: &Access, endpoint: &Endpoint, choice: &RouteChoice, steps: Steps) -> Arrived {
    let begun = Instant::now();
    let walk = Walk::new(steps, access.settings().connect_timeout);
    let mut target = Target {
        endpoint: endpoint.clone(),
        route: Route::Direct,
        database: String::new(),
        user: String::new(),
        auth: Auth::Iam,
        read_only: false,
    };
    let mut identity = None;
    let line = Box::pin(go(access, choice, &walk, &mut target, &mut identity)).await;
    let subject = Subject::new(&target, identity.as_ref(), walk.ssm_session());
    let outcome = line.as_ref().map_or_else(refusal::outcome, |_| "ok".to_owned());
    access.inner.audit.note(&subject, &Event::Forward, &outcome, Some(begun.elapsed()));
    Arrived { line, subject }
}

async fn go(
    access: &Access,
    choice: &RouteChoice,
    walk: &Walk,
    target: &mut Target,
    identity: &mut Option<Identity>,
) -> Result<Line, Diagnosis> {
    let endpoint = &target.endpoint;
    if !matches!(choice, RouteChoice::Direct) && access.resolved(endpoint).is_none() {
        let found = access.credentials(&endpoint.place);
        *identity = walk.step(StepKind::Credentials, endpoint.place.to_string(), found).await?;
    }
    let settled = async {
        let (route, why) = access.choose_route(endpoint, choice).await?;
        Ok((route, crate::model::visible(&why).into_owned()))
    };
    target.route = walk.step(StepKind::Route, endpoint.address(), settled).await?;
    let line = Box::pin(access.line(endpoint, &target.route, walk)).await?;
    reach(access, &line, walk).await?;
    Ok(line)
}

/// Resolves when the line has ended for good.
async fn ended(line: &Line) -> Diagnosis {
    let Some(tunnel) = line.tunnel() else { return std::future::pending().await };
    loop {
        if let Some(ended) = line.ended() {
            return ended;
        }
        if let Health::Closed(_) = tunnel.changed().await {
            continue;
        }
    }
}

/// The step Database: the far end is reached before a port is promised. A PostgreSQL is asked whether it does TLS; others
/// count what breaks off as a failed login, so they are only dialled.
async fn reach(access: &Access, line: &Line, walk: &Walk) -> Result<(), Diagnosis> {
    let endpoint = line.endpoint();
    let begun = Instant::now();
    walk.step(StepKind::Database, endpoint.address(), async {
        if line.route() != Route::Direct && !endpoint.engine.is_postgres() {
            return Ok(((), "not asked: only a client's own connection tells".to_owned()));
        }
        let limit = walk.limit();
        let (wire, _) = match line.open(limit).await {
            Ok(opened) => opened,
            Err(unopened) => return Err(refusal::of_open(access, unopened, line, begun.elapsed()).await),
        };
        if !endpoint.engine.is_postgres() {
            return Ok(((), endpoint.address()));
        }
        match tokio::time::timeout(limit, probe::postgres(wire)).await {
            Ok(Ok(())) => Ok(((), endpoint.address())),
            Ok(Err(error)) => Err(refusal::of_wire(access, error, line, begun.elapsed()).await),
            Err(_) => Err(refusal::silent(access, line, begun.elapsed()).await),
        }
    })
    .await
}

pub(super) fn taken(port: u16, error: &io::Error) -> Diagnosis {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let diagnosis =
        Diagnosis::new(Kind::Local, format!("The port {address} cannot be opened")).because(error.to_string());
    let owner = sockets::listener(port).filter(|_| error.kind() == io::ErrorKind::AddrInUse);
    if let Some(sockets::Owner { pid, name }) = owner {
        return diagnosis
            .because(format!("process {pid} ({}) listens there", crate::model::visible(&name)))
            .advise_paste("End it", format!("kill {pid}"))
            .advise("Take another, or name none for any that is free");
    }
    match error.kind() {
        io::ErrorKind::AddrInUse => diagnosis
            .advise_paste("See who has it", format!("lsof -nP -iTCP:{port} -sTCP:LISTEN"))
            .advise("Take another, or name none for any that is free"),
        io::ErrorKind::PermissionDenied => diagnosis.advise("Take one above 1023"),
        _ => diagnosis,
    }
}
