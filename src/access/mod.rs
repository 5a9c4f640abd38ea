//! The verbs: everything that floor 3 can do, and the one place where errors become words.

#![allow(clippy::todo)]
mod result_set;

use crate::model::*;
pub use result_set::{Full, Limits, Piece, ResultSet};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::UnboundedSender;

/// Where steps are told; `None` for who does not care.
pub type Steps = Option<UnboundedSender<Step>>;

/// The door. Cheap to clone; holds credential caches, roots, and the list of live tunnels.
#[derive(Clone)]
pub struct Access {}

/// A NAME resolved.
#[derive(Clone, Debug)]
pub struct Found {
    /// The database.
    pub database: Database,
    /// The endpoint meant: the one named by host, else the writer's, the instance's, the proxy's.
    pub endpoint: Endpoint,
}

/// What was used last for a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// User.
    pub user: Option<String>,
    /// Database name.
    pub database: Option<String>,
    /// Bastion id, or `direct`.
    pub route: Option<String>,
    /// When.
    pub at: Option<SystemTime>,
}

/// What is wanted of [`Access::connect`], before the route is settled.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What to reach.
    pub endpoint: Endpoint,
    /// The way there.
    pub route: RouteChoice,
    /// Database; `None` is the one it was created with, else `postgres`.
    pub database: Option<String>,
    /// Role.
    pub user: String,
    /// How to log in.
    pub auth: Auth,
    /// Refuse writes.
    pub read_only: bool,
}

/// A live database session that knows its way: it comes back with a fresh token when its wire was lost, never resends a
/// statement, writes the audit.
pub struct Session {}

/// A statement that runs.
pub struct Running<'a> {
    _session: &'a mut Session,
}

/// Cancels what a session runs, over a second wire through the same route. Cheap to clone.
#[derive(Clone)]
pub struct Canceller {}

/// A local port forwarded to a database.
pub struct Forward {}

/// A live route, told for a screen.
#[derive(Clone, Debug)]
pub struct LineReport {
    /// `host:port`.
    pub address: String,
    /// Route in words.
    pub route: String,
    /// SSM session id.
    pub ssm_session: Option<String>,
    /// Health in words.
    pub health: String,
    /// Open streams.
    pub streams: usize,
    /// Bytes from the database.
    pub received: u64,
    /// Bytes to it.
    pub sent: u64,
    /// Round trip.
    pub round_trip: Option<Duration>,
    /// Web socket resumes.
    pub resumes: u32,
}

impl Access {
    /// Reads the certificate bundles; asks nothing of the network.
    pub fn new(_settings: Settings) -> Result<Access, Diagnosis> {
        todo!()
    }
    /// The settings.
    pub fn settings(&self) -> &Settings {
        todo!()
    }
    /// Profiles times regions, as settings and the AWS configuration say, in the order asked for.
    pub async fn places(&self) -> Result<Vec<Place>, Diagnosis> {
        todo!()
    }
    /// Who AWS says we are.
    pub async fn identity(&self, _place: &Place) -> Result<Identity, Diagnosis> {
        todo!()
    }
    /// Everything in one place.
    pub async fn inventory(&self, _place: &Place) -> Result<Inventory, Diagnosis> {
        todo!()
    }
    /// The database or endpoint that NAME (identifier, endpoint host, resource id, ARN) means, over all places.
    pub async fn find(&self, _name: &str) -> Result<Found, Diagnosis> {
        todo!()
    }
    /// Bastions of the endpoint's place, best first, each with its reasons.
    pub async fn bastions(&self, _endpoint: &Endpoint) -> Result<Vec<Ranked>, Diagnosis> {
        todo!()
    }
    /// A token for that endpoint's real name and port.
    pub async fn token(&self, _endpoint: &Endpoint, _user: &str) -> Result<Token, Diagnosis> {
        todo!()
    }
    /// The least policy and the SQL.
    pub fn policy(&self, _endpoint: &Endpoint, _user: &str) -> Policy {
        todo!()
    }
    /// Settles which way, with the reason in words.
    pub async fn settle(&self, _endpoint: &Endpoint, _choice: &RouteChoice) -> Result<(Route, String), Diagnosis> {
        todo!()
    }
    /// Walks the whole way: credentials, route, session, handshake, database, TLS, login. Each step is told.
    pub async fn connect(&self, _wish: &Wish, _steps: Steps) -> Result<Session, Diagnosis> {
        todo!()
    }
    /// Forwards a loopback port (0: any free one) to the endpoint.
    pub async fn forward(
        &self,
        _endpoint: &Endpoint,
        _route: &RouteChoice,
        _port: u16,
        _steps: Steps,
    ) -> Result<Forward, Diagnosis> {
        todo!()
    }
    /// What was used last for that endpoint.
    pub fn remembered(&self, _endpoint: &Endpoint) -> Remembered {
        todo!()
    }
    /// The user a wish would take where none is given: remembered, else the setting. `None`: ask.
    pub fn default_user(&self, _endpoint: &Endpoint) -> Option<String> {
        todo!()
    }
    /// Live routes.
    pub fn lines(&self) -> Vec<LineReport> {
        todo!()
    }
    /// Terminates every SSM session still open. To be awaited before the program ends, whatever ends it.
    pub async fn close(&self) {
        todo!()
    }
}

impl Session {
    /// What is known of it now.
    pub fn facts(&self) -> SessionFacts {
        todo!()
    }
    /// The settled target.
    pub fn target(&self) -> &Target {
        todo!()
    }
    /// As of the last ReadyForQuery.
    pub fn transaction(&self) -> Transaction {
        todo!()
    }
    /// Runs one statement. A lost wire is reopened first ([`Happening::Reconnected`]), unless a transaction was open.
    pub fn run(&mut self, _statement: &str) -> Running<'_> {
        todo!()
    }
    /// For cancelling what runs.
    pub fn canceller(&self) -> Canceller {
        todo!()
    }
    /// Notices while nothing runs; `None` when the wire was lost. Cancel-safe.
    pub async fn idle(&mut self) -> Option<Notice> {
        todo!()
    }
    /// Ends it politely.
    pub async fn close(self) {
        todo!()
    }
}

impl Running<'_> {
    /// The next happening; `None` at the end. Cancel-safe. After an `Err` it is at its end.
    pub async fn next(&mut self) -> Option<Result<Happening, Diagnosis>> {
        todo!()
    }
}

impl Canceller {
    /// CancelRequest over a second wire.
    pub async fn cancel(&self) -> Result<(), Diagnosis> {
        todo!()
    }
}

impl Forward {
    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        todo!()
    }
    /// How its line is doing.
    pub fn report(&self) -> LineReport {
        todo!()
    }
    /// Serves connections until the line has ended for good.
    pub async fn serve(&mut self) -> Diagnosis {
        todo!()
    }
    /// Closes port and session.
    pub async fn close(self) {
        todo!()
    }
}
