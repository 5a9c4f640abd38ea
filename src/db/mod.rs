//! TLS and PostgreSQL over any wire. Only here: `tokio_postgres`, `postgres_native_tls`.

#![allow(clippy::todo)]
use crate::model::{Happening, Notice, Secret, SessionFacts, TlsFacts, Transaction};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Any wire.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

/// The certificate authorities that database certificates are checked against, parsed once; cheap to clone.
#[derive(Clone)]
pub struct Roots {}

/// Who logs in, to what.
pub struct Login {
    /// The endpoint's real name: SNI, and what the certificate must be for.
    pub host: String,
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
    /// Token or password.
    pub secret: Secret,
    /// `default_transaction_read_only`, sent as start-up option.
    pub read_only: bool,
    /// Zero is none.
    pub statement_timeout: Duration,
    /// Zero is none.
    pub lock_timeout: Duration,
    /// `application_name`.
    pub application_name: String,
}

/// A server's error or refusal, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// `ERROR`, `FATAL`, `PANIC`.
    pub severity: String,
    /// SQLSTATE.
    pub code: String,
    /// Message.
    pub message: String,
    /// DETAIL.
    pub detail: Option<String>,
    /// HINT.
    pub hint: Option<String>,
    /// CONTEXT.
    pub context: Option<String>,
    /// 0-based character offset into the statement.
    pub position: Option<usize>,
    /// Schema, table, column, constraint as far as given, in words.
    pub object: Option<String>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server answered SSLRequest with 'N'.
    #[error("the server does not offer TLS")]
    TlsNotOffered,
    /// The issuer is not among the roots.
    #[error("unknown certificate authority {}", .0.issuer)]
    UnknownIssuer(Box<TlsFacts>),
    /// The certificate is for other names.
    #[error("the certificate is for {:?}", .0.names)]
    WrongName(Box<TlsFacts>),
    /// The certificate has ended or not begun.
    #[error("the certificate is not valid now")]
    WrongDates(Box<TlsFacts>),
    /// TLS failed otherwise.
    #[error("TLS: {0}")]
    Tls(String),
    /// The wire broke or was refused (`ConnectionRefused` through a tunnel is a dial refused at the bastion).
    #[error("the connection to the database broke: {0}")]
    Wire(#[source] std::io::Error),
    /// The server refused or failed.
    #[error("{}", .0.message)]
    Server(Box<ServerError>),
    /// What was asked for is not to be had (Kerberos, COPY FROM STDIN, …).
    #[error("{0}")]
    Unsupported(String),
    /// It took too long.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

/// A wire on which TLS stands, certificate and name checked; nothing of PostgreSQL was said on it yet.
pub struct Secured {}

/// A live, logged-in conversation.
pub struct Session {}

/// A statement that runs.
pub struct Running<'a> {
    _session: &'a mut Session,
}

/// What is needed to cancel from elsewhere; cheap to clone.
#[derive(Clone)]
pub struct CancelKey {}

impl Roots {
    /// The embedded roots and those of `extra` (PEM texts, each with the name it is reported under).
    pub fn new(_extra: &[(String, Vec<u8>)]) -> Result<Roots, Error> {
        todo!()
    }
}

/// SSLRequest, TLS verify-full against `roots` under `host`. There is no other way to get a [`Secured`].
pub async fn secure(_wire: Box<dyn Transport>, _host: &str, _roots: &Roots) -> Result<Secured, Error> {
    todo!()
}

/// After a certificate was refused: what the server showed. Nothing is sent beyond the handshake; the wire is dropped.
pub async fn inspect(_wire: Box<dyn Transport>, _host: &str) -> Result<TlsFacts, Error> {
    todo!()
}

impl Secured {
    /// What TLS showed.
    pub fn facts(&self) -> &TlsFacts {
        todo!()
    }
    /// Start-up and authentication.
    pub async fn login(self, _login: &Login) -> Result<Session, Error> {
        todo!()
    }
    /// CancelRequest.
    pub async fn cancel(self, _key: &CancelKey) -> Result<(), Error> {
        todo!()
    }
}

impl Session {
    /// Runs one statement (simple query); [`Running::next`] gives what happens.
    pub fn run(&mut self, _statement: &str) -> Running<'_> {
        todo!()
    }
    /// For [`Secured::cancel`].
    pub fn cancel_key(&self) -> CancelKey {
        todo!()
    }
    /// As of the last ReadyForQuery.
    pub fn transaction(&self) -> Transaction {
        todo!()
    }
    /// A server parameter as last reported (`server_version`, `TimeZone`, `in_hot_standby`, `default_transaction_read_only`…).
    pub fn parameter(&self, _name: &str) -> Option<String> {
        todo!()
    }
    /// Backend process id.
    pub fn pid(&self) -> i32 {
        todo!()
    }
    /// Whether the wire is gone.
    pub fn is_closed(&self) -> bool {
        todo!()
    }
    /// Resolves with notices and notifications that come while nothing runs; `None` when the wire is gone. Cancel-safe.
    pub async fn idle(&mut self) -> Option<Notice> {
        todo!()
    }
}

impl Running<'_> {
    /// The next happening; `None` after the last (ReadyForQuery). Cancel-safe. Rows come in pages of at most some hundred
    /// kilobytes; the first page is given as soon as the server's first rows are there.
    pub async fn next(&mut self) -> Option<Result<Happening, Error>> {
        todo!()
    }
}

#[allow(dead_code)]
fn _keep(_: Option<SessionFacts>) {}
