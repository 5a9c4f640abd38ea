//! What a running statement tells, and what is known of a session. Plain data; it must not know the wire.

use super::{Column, Page};
use std::time::SystemTime;

/// Where a session's transaction stands (PostgreSQL, Message Formats: ReadyForQuery).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transaction {
    /// Not in a transaction block.
    #[default]
    Idle,
    /// In a transaction block.
    Open,
    /// In a failed transaction block: only ROLLBACK helps.
    Failed,
}

/// A notice, warning, or notification from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO`, `DEBUG`, `LOG`; `NOTIFY` for a notification.
    pub severity: String,
    /// SQLSTATE, empty for a notification.
    pub code: String,
    /// The message.
    pub message: String,
    /// DETAIL.
    pub detail: Option<String>,
    /// HINT.
    pub hint: Option<String>,
}

/// What happens while a statement runs, in the server's order.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A result set begins.
    Columns(Vec<Column>),
    /// More rows of it.
    Rows(Page),
    /// Lines of a `COPY … TO STDOUT`, as sent.
    CopyData(Vec<u8>),
    /// A `COPY … FROM STDIN` waits for data and there is room on the wire. Each is to be answered with one [`CopyPiece`];
    /// unanswered, it comes again.
    CopyIn,
    /// One statement is done.
    Complete {
        /// The command tag, e.g. `SELECT 5`, `INSERT 0 1`, `CREATE TABLE`.
        tag: String,
        /// Rows selected or affected.
        rows: u64,
    },
    /// A notice.
    Notice(Notice),
    /// The wire had been lost while nothing ran; a new session was logged in before this statement was sent.
    /// Temporary tables, `SET`s, prepared statements, advisory locks of the old one are gone.
    Reconnected(String),
}

/// What is given to a `COPY … FROM STDIN` (PostgreSQL, COPY Operations).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyPiece {
    /// Data, cut anywhere.
    Data(Vec<u8>),
    /// That was all.
    Done,
    /// Nothing of it shall count, for this reason: the server fails the statement with it.
    Fail(String),
}

/// What is known of a session's line, for the state line and the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFacts {
    /// `server_version`, e.g. `16.6`.
    pub server_version: String,
    /// Backend process id.
    pub pid: i32,
    /// TLS.
    pub tls: TlsFacts,
    /// When the token of this login was minted; `None` for a password.
    pub token_minted: Option<SystemTime>,
    /// When it ends.
    pub token_ends: Option<SystemTime>,
    /// Route in words, e.g. `via bastion-a`.
    pub route: String,
    /// The SSM session's id, where there is one.
    pub ssm_session: Option<String>,
    /// Whether the server was told to refuse writes.
    pub read_only: bool,
    /// `in_hot_standby` as the server reported it (PostgreSQL 14 and newer).
    pub hot_standby: bool,
}

/// What TLS showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// `1.3`, `1.2`; empty when it could not be told.
    pub version: String,
    /// Subject common name of the server's certificate.
    pub subject: String,
    /// Issuer common name.
    pub issuer: String,
    /// DNS names in the certificate.
    pub names: Vec<String>,
    /// `notBefore`.
    pub begins: Option<SystemTime>,
    /// `notAfter`.
    pub ends: Option<SystemTime>,
}
