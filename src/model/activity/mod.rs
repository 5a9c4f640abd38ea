//! What a server is doing at one moment: its sessions, what they wait for, who blocks whom. It must not know how that was
//! found out, nor how it is drawn.

mod chains;

pub use chains::chains;

use std::time::Duration;

/// A moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Sessions, by process id.
    pub backends: Vec<Backend>,
    /// Prepared transactions, the oldest first; they hold locks without a session.
    pub prepared: Vec<Prepared>,
}

/// A session of the server (PostgreSQL documentation, "pg_stat_activity").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backend {
    /// Process id.
    pub pid: i32,
    /// When it began, as the server writes it in UTC: with the process id it names the session for good.
    pub began: String,
    /// Role; empty for the server's own processes.
    pub user: String,
    /// Database; empty where there is none.
    pub database: String,
    /// `application_name`.
    pub application: String,
    /// Address, empty for local sockets.
    pub client: String,
    /// `client backend`, `autovacuum worker`, `walsender`, …
    pub kind: String,
    /// `active`, `idle`, `idle in transaction`, …; empty where it may not be seen or there is none.
    pub state: String,
    /// `Lock:transactionid`; empty while it waits for nothing.
    pub wait: String,
    /// Age of its transaction; of every look at one moment.
    pub transaction: Option<Duration>,
    /// Time since its statement began.
    pub statement: Option<Duration>,
    /// Time in its state.
    pub since: Option<Duration>,
    /// Process ids of those it waits for; 0 is a prepared transaction.
    pub blocked_by: Vec<i32>,
    /// The beginning of what it runs, or ran last.
    pub query: String,
    /// It is the one that asks.
    pub own: bool,
    /// The role that asks may not see what it does.
    pub hidden: bool,
}

/// A prepared transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Its name.
    pub name: String,
    /// Who prepared it.
    pub user: String,
    /// Where.
    pub database: String,
    /// How long ago.
    pub age: Duration,
}

/// All that is known of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Process id.
    pub pid: i32,
    /// See [`Backend::began`].
    pub began: String,
    /// What it runs, or ran last, as long as the server keeps it (`track_activity_query_size`).
    pub query: String,
    /// Names and values of the rest of its row.
    pub fields: Vec<(String, String)>,
    /// Locks it holds and waits for; those it waits for first.
    pub locks: Vec<Lock>,
}

/// A lock (PostgreSQL documentation, "pg_locks").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// `relation`, `transactionid`, `tuple`, …
    pub kind: String,
    /// The relation's name, or the transaction's number.
    pub object: String,
    /// `AccessExclusiveLock`.
    pub mode: String,
    /// Whether it holds it; else it waits for it.
    pub granted: bool,
}

/// What another session is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End the statement (`pg_cancel_backend`).
    Cancel,
    /// End the session (`pg_terminate_backend`).
    Terminate,
}

impl Backend {
    /// Whether it runs a statement.
    pub fn is_active(&self) -> bool {
        self.state == "active" || self.state.starts_with("fastpath")
    }

    /// Whether a transaction is open in which nothing runs.
    pub fn is_idle_in_transaction(&self) -> bool {
        self.state.starts_with("idle in transaction")
    }

    /// Whether it is a client's, and not one of the server's own.
    pub fn is_client(&self) -> bool {
        self.kind == "client backend"
    }
}

impl Signal {
    /// `cancel`, `terminate`.
    pub fn verb(self) -> &'static str {
        match self {
            Signal::Cancel => "cancel",
            Signal::Terminate => "terminate",
        }
    }
}
