//! A live, logged-in conversation. It must not know how it came about, nor what is done when it ends.

use super::cancel::CancelKey;
use super::error::Error;
use super::greeting::{Greeted, LoggedIn};
use super::ledger::{Ledger, Tapped};
use super::running::Running;
use crate::model::{Notice, TlsFacts, Transaction};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Client, Config, Connection, NoTls};

/// How long the server's end of the wire may take to end politely.
const FAREWELL: Duration = Duration::from_secs(2);

/// A live, logged-in conversation. Dropped, it says goodbye in the background when nothing runs; while something runs,
/// the wire is cut (the server rolls back when it notices).
pub struct Session {
    pub(super) client: Option<Client>,
    pub(super) ledger: Arc<Ledger>,
    /// Copy messages that came through the client; see [`super::ledger::State::copies`].
    pub(super) copies: u64,
    driver: JoinHandle<()>,
    facts: TlsFacts,
}

impl Session {
    /// Goes on with a conversation that is logged in. `tokio_postgres` hears the greeting again and is in; that TLS stands
    /// below it is none of its business.
    pub(super) async fn take_up(logged_in: LoggedIn) -> Result<Session, Error> {
        let (key, facts) = (logged_in.key.clone(), logged_in.facts.clone());
        let ledger = Arc::new(Ledger::default());
        ledger.lock().key = Some(key);
        let tapped = Tapped::new(Greeted::new(logged_in), ledger.clone());
        // What it says is swallowed: nobody hears the user.
        match Config::new().user("-").connect_raw(tapped, NoTls).await {
            Ok((client, connection)) => Ok(Session::start(client, connection, ledger, facts)),
            Err(error) => {
                Err(ledger.last_words().map_or_else(|| Error::from(error), |said| Error::Server(Box::new(said))))
            }
        }
    }

    fn start(
        client: Client,
        mut connection: Connection<Tapped, NoTlsStream>,
        ledger: Arc<Ledger>,
        facts: TlsFacts,
    ) -> Session {
        let heard = ledger.clone();
        let driver = tokio::spawn(async move {
            // The messages themselves were heard by the tap, in order with everything else.
            let end = loop {
                match poll_fn(|cx| connection.poll_message(cx)).await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break Some(Error::from(error)),
                    None => break None,
                }
            };
            heard.close(end);
            // Only now: whoever is told of the end by the client finds the reason.
            drop(connection);
        });
        Session { client: Some(client), ledger, copies: 0, driver, facts }
    }

    /// Makes settings that were not sent with the start-up packet. Those that were can be swallowed by what stands
    /// between (poolers): unless the server reports read-only (as it does since PostgreSQL 14), they are made again.
    pub(super) async fn insist(&mut self, settings: &[(&str, String)], sent: bool) -> Result<(), Error> {
        const READ_ONLY: &str = "default_transaction_read_only";
        let wants_read_only = settings.iter().any(|(name, _)| *name == READ_ONLY);
        let is_read_only = self.parameter(READ_ONLY).as_deref() == Some("on");
        if settings.is_empty() || (sent && (is_read_only || !wants_read_only)) {
            return Ok(());
        }
        let statements: Vec<String> = settings.iter().map(|(name, value)| format!("SET {name} = {value}")).collect();
        let mut running = self.run(&statements.join(";"));
        while let Some(happening) = running.next().await {
            happening?;
        }
        Ok(())
    }

    /// Runs one statement (simple query); [`Running::next`] gives what happens. A text of several gives their results in
    /// order. Nothing is sent on a wire that is gone.
    pub fn run(&mut self, statement: &str) -> Running<'_> {
        Running::start(self, statement)
    }

    /// For [`super::Secured::cancel`].
    pub fn cancel_key(&self) -> CancelKey {
        self.ledger.lock().key.clone().unwrap_or(CancelKey { pid: 0, secret: vec![0; 4] })
    }

    /// As of the last ReadyForQuery.
    pub fn transaction(&self) -> Transaction {
        self.ledger.lock().transaction
    }

    /// A server parameter as last reported (`server_version`, `TimeZone`, `in_hot_standby`, `default_transaction_read_only`…).
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.ledger.lock().parameters.get(name).cloned()
    }

    /// Backend process id.
    pub fn pid(&self) -> i32 {
        self.ledger.lock().key.as_ref().map_or(0, |key| key.pid)
    }

    /// What TLS showed.
    pub fn tls(&self) -> &TlsFacts {
        &self.facts
    }

    /// Whether the wire is gone.
    pub fn is_closed(&self) -> bool {
        self.ledger.is_closed()
    }

    /// Why the wire is gone: the server's last words (`terminating connection due to administrator command`, …), or
    /// that it said none. `None` while it is there.
    pub fn closed_because(&self) -> Option<Error> {
        self.is_closed().then(|| self.ledger.lost())
    }

    /// Resolves with notices and notifications that come while nothing runs; `None` when the wire is gone. A last error
    /// of the server comes as a notice of severity `FATAL`. Cancel-safe.
    pub async fn idle(&mut self) -> Option<Notice> {
        poll_fn(|cx| {
            self.ledger.register(cx);
            match self.ledger.take_notice() {
                Some(notice) => Poll::Ready(Some(notice)),
                None if self.ledger.is_closed() => Poll::Ready(None),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Whoever read the statement that runs has gone.
    pub(super) fn give_up(&mut self) {
        self.ledger.give_up();
        self.copies = self.ledger.lock().copies;
    }

    /// Ends the wire at once, whatever runs on it.
    pub fn cut(&mut self) {
        self.driver.abort();
        self.client = None;
        self.ledger.close(None);
    }

    /// Ends it politely: Terminate, TLS's farewell, and the wire closed; cut when that takes more than two seconds.
    pub async fn close(mut self) {
        self.client = None;
        let _ = tokio::time::timeout(FAREWELL, &mut self.driver).await;
        self.driver.abort();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.ledger.lock().is_busy() {
            self.driver.abort();
        }
    }
}
