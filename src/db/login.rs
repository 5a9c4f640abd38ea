//! Start-up and authentication on a secured wire. It must not know how the secret was come by.
//!
//! The one seam for ways to log in: [`Secured::login`] is all that lies between TLS and ReadyForQuery.

use super::error::Error;
use super::ledger::{Ledger, Tapped};
use super::secure::Secured;
use super::session::Session;
use crate::model::Secret;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::TlsConnect;

/// Who logs in, to what.
pub struct Login {
    /// The endpoint's real name: what the wire was secured for.
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

impl Login {
    /// Settings of the session, as PostgreSQL names them.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = Vec::new();
        if self.read_only {
            settings.push(("default_transaction_read_only", "on".to_owned()));
        }
        for (name, limit) in [("statement_timeout", self.statement_timeout), ("lock_timeout", self.lock_timeout)] {
            if !limit.is_zero() {
                // Milliseconds; the largest is that of an int. Less than one would mean none.
                settings.push((name, limit.as_millis().clamp(1, i32::MAX as u128).to_string()));
            }
        }
        settings
    }
}

/// A wire that is secured already takes the place of connecting TLS: the client believes it negotiated TLS directly,
/// refuses to go on without, and gets the channel binding.
struct Already;

impl TlsConnect<Tapped> for Already {
    type Stream = Tapped;
    type Error = Infallible;
    type Future = Ready<Result<Tapped, Infallible>>;

    fn connect(self, stream: Tapped) -> Self::Future {
        ready(Ok(stream))
    }
}

impl Secured {
    /// Start-up and authentication: cleartext, md5, SCRAM-SHA-256 and -PLUS, whichever the server asks for.
    pub async fn login(self, login: &Login) -> Result<Session, Error> {
        if !self.host().eq_ignore_ascii_case(&login.host) {
            // A secret is shown only to the name it is for.
            return Err(Error::Unsupported(format!(
                "The certificate was checked for {}, but the login is for {}.",
                self.host(),
                login.host
            )));
        }
        let settings = login.settings();
        let options: Vec<String> = settings.iter().map(|(name, value)| format!("-c {name}={value}")).collect();
        let mut config = Config::new();
        config
            .user(&login.user)
            .password(login.secret.reveal())
            .dbname(&login.database)
            .application_name(&login.application_name)
            .ssl_mode(SslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct);
        let takes_options = takes_options(&login.host);
        if takes_options && !options.is_empty() {
            config.options(options.join(" "));
        }
        let facts = self.facts().clone();
        let ledger = Arc::new(Ledger::default());
        let tapped = Tapped::new(self.into_stream(), ledger.clone());
        match config.connect_raw(tapped, Already).await {
            Ok((client, connection)) => {
                let mut session = Session::start(client, connection, ledger, facts);
                session.insist(&settings, takes_options).await?;
                Ok(session)
            }
            Err(error) => Err(refused(error, &ledger)),
        }
    }
}

/// RDS Proxy refuses a start-up packet with options, or with a setting it does not know, as 0A000 (psycopg2 issue 1577,
/// tegola issue 966). Its hosts, and those of its own endpoints, are `NAME.proxy-ID.REGION.rds.…`: there the settings
/// are made first thing after the login.
fn takes_options(host: &str) -> bool {
    !host.contains(".proxy-")
}

fn refused(error: tokio_postgres::Error, ledger: &Ledger) -> Error {
    if let Some(said) = ledger.last_words() {
        return Error::Server(Box::new(said));
    }
    // PostgreSQL, Message Formats: Authentication…
    match ledger.lock().asked {
        Some(2 | 7 | 8) => {
            Error::Unsupported("The server asks for Kerberos (GSSAPI), which is not supported.".to_owned())
        }
        Some(9) => Error::Unsupported("The server asks for SSPI, which is not supported.".to_owned()),
        Some(6) => Error::Unsupported("The server asks for SCM credentials, which are not supported.".to_owned()),
        Some(10) if error.to_string() == "authentication error" => {
            Error::Unsupported("The server asks for a SASL mechanism other than SCRAM-SHA-256.".to_owned())
        }
        _ => Error::from(error),
    }
}
