//! A port of this machine, loopback only, forwarded over a line. It must not look into what is forwarded.

use super::audit::{Event, Subject};
use super::line::Line;
use super::walk::Walk;
use super::{Access, LineReport, Steps, probe, refusal};
use crate::model::{Auth, Diagnosis, Endpoint, Identity, Kind, Route, RouteChoice, StepKind, Target};
use crate::ssm::Health;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Bytes of each direction's buffer: what one smux frame takes.
const BUFFER: usize = 32 << 10;

/// A local port forwarded to a database.
pub struct Forward {
    listener: TcpListener,
    port: u16,
    line: Line,
    access: Access,
    subject: Subject,
    connections: JoinSet<()>,
    /// Why the last connection came to nothing; for the report.
    trouble: Arc<Mutex<Option<String>>>,
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
        let walked = Box::pin(Forward::walk(access, choice, &walk, &mut target, &mut identity)).await;
        let subject = Subject::new(&target, identity.as_ref(), walk.ssm_session());
        let outcome = walked.as_ref().map_or_else(refusal::outcome, |_| "ok".to_owned());
        access.inner.audit.note(&subject, &Event::Forward, &outcome, Some(begun.elapsed()));
        Ok(Forward {
            listener,
            port,
            line: walked?,
            access: access.clone(),
            subject,
            connections: JoinSet::new(),
            trouble: Arc::default(),
        })
    }

    async fn walk(
        access: &Access,
        choice: &RouteChoice,
        walk: &Walk,
        target: &mut Target,
        identity: &mut Option<Identity>,
    ) -> Result<Line, Diagnosis> {
        let endpoint = &target.endpoint;
        if !matches!(choice, RouteChoice::Direct) && access.resolved(endpoint).is_none() {
            let found = access.credentials(endpoint);
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

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How its line is doing.
    pub fn report(&self) -> LineReport {
        let mut report = self.line.report();
        if let Some(trouble) = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            report.health.push_str("; last connection: ");
            report.health.push_str(trouble);
        }
        report
    }

    /// Serves connections until the line has ended for good. Cancel-safe: connections that stand go on.
    pub async fn serve(&mut self) -> Diagnosis {
        loop {
            tokio::select! {
                ended = ended(&self.line) => return ended,
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => self.take(socket),
                    // Out of descriptors, or a client gone before it was taken: the next may do better.
                    Err(error) => {
                        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).replace(error.to_string());
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                Some(_) = self.connections.join_next() => {}
            }
        }
    }

    fn take(&mut self, mut socket: TcpStream) {
        let (line, trouble) = (self.line.clone(), self.trouble.clone());
        let limit = self.access.settings().connect_timeout;
        self.connections.spawn(async move {
            let words = match line.open(limit).await {
                // Without it, each small message of a database waits for an acknowledgement: 40 ms a round trip.
                Ok((mut wire, _)) => match socket.set_nodelay(true) {
                    Ok(()) => {
                        copy_bidirectional_with_sizes(&mut socket, &mut wire, BUFFER, BUFFER).await.err().map(|error| {
                            match error.kind() {
                                io::ErrorKind::ConnectionRefused => "the database refused it".to_owned(),
                                _ => error.to_string(),
                            }
                        })
                    }
                    Err(error) => Some(error.to_string()),
                },
                Err(super::line::Unopened::Dial(error)) => Some(error.to_string()),
                Err(super::line::Unopened::Tunnel(error)) => Some(error.to_string()),
            };
            *trouble.lock().unwrap_or_else(PoisonError::into_inner) = words;
        });
    }

    /// Closes port and session.
    pub async fn close(mut self) {
        self.connections.shutdown().await;
        self.access.inner.audit.note(&self.subject, &Event::Disconnect, "ok", None);
        let Forward { listener, line, .. } = self;
        drop(listener);
        if line.is_last() {
            line.close().await;
        }
    }
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

fn taken(port: u16, error: &io::Error) -> Diagnosis {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let diagnosis =
        Diagnosis::new(Kind::Local, format!("The port {address} cannot be opened")).because(error.to_string());
    match error.kind() {
        io::ErrorKind::AddrInUse => diagnosis
            .advise_paste("See who has it", format!("lsof -nP -iTCP:{port} -sTCP:LISTEN"))
            .advise("Take another, or leave --port out for any free one"),
        io::ErrorKind::PermissionDenied => diagnosis.advise("Take one above 1023"),
        _ => diagnosis,
    }
}
