//! What lies between TLS and ReadyForQuery: the StartupMessage, the authentication of whatever kind, the server's
//! parameters and the key that cancels. It must not know how the secret was come by, nor who goes on with the wire.
//!
//! There is one way in, [`Secured::log_in`], for the query pane and for the listener. A kind of authentication is one arm
//! of [`super::authentication`], for both.

use super::authentication::{Answer, Credential, Exchange};
use super::cancel::CancelKey;
use super::error::{Error, ServerError};
use super::frames::{Frame, Frames};
use super::greeting::{LoggedIn, Stream};
use super::secure::{Encrypted, Secured};
use super::session::Session;
use super::startup::{Protocol, Startup, takes_options};
use bytes::Bytes;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// ParameterStatus messages taken at a login; PostgreSQL 18 says fifteen.
const MOST_PARAMETERS: usize = 1000;

/// Who logs in, to what, for a session of the query pane.
pub struct Login {
    /// The endpoint's real name: what the wire was secured for.
    pub host: String,
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
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
    /// The StartupMessage, with the settings where the host takes them in it.
    pub fn startup(&self) -> Startup {
        let options: Vec<String> = self.settings().iter().map(|(name, value)| format!("-c {name}={value}")).collect();
        let startup = Startup::new(&self.user, &self.database)
            .with("client_encoding", "UTF8")
            .with("application_name", &self.application_name);
        if options.is_empty() || !takes_options(&self.host) {
            startup
        } else {
            startup.with("options", options.join(" "))
        }
    }

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

impl Secured {
    /// Start-up, authentication and settings as `startup` and `credential` have it, up to ReadyForQuery. `host` is the name that
    /// the credential is for: on a wire that was secured under another name, nothing is said. Not limited in time:
    /// whoever waits sets the limit, and drops it.
    pub async fn log_in(self, host: &str, startup: &Startup, credential: &Credential) -> Result<LoggedIn, Error> {
        if !self.host().eq_ignore_ascii_case(host) {
            return Err(Error::Unsupported(format!(
                "The certificate was checked for {}, but the login is for {host}.",
                self.host(),
            )));
        }
        let facts = self.facts().clone();
        let mut wire = self.into_stream();
        let binding = wire.get_ref().tls_server_end_point().ok().flatten();
        let mut frames = Frames::default();
        let mut greeting = Greeting { protocol: startup.protocol, ..Greeting::default() };
        let packet = startup.encode()?;
        send(&mut wire, &mut frames, &packet).await?;
        let mut exchange = Exchange::new(startup.user(), credential, binding);
        let authentication = loop {
            let frame = frames.next(&mut wire).await?;
            if frame.kind != b'R' {
                greeting.hear_early(frame)?;
                continue;
            }
            match exchange.answer(frame.body()).await? {
                Answer::Send(packet) => send(&mut wire, &mut frames, &packet).await?,
                Answer::Wait => {}
                Answer::In(authentication) => break authentication,
            }
        };
        let mut status = greeting.until_ready(&mut frames, &mut wire).await?;
        if let Some(set) = startup.set() {
            frames.hears_answers();
            send(&mut wire, &mut frames, &set).await?;
            // A parameter that it changes is reported, and whoever goes on finds it among the others.
            status = greeting.until_ready(&mut frames, &mut wire).await?;
        }
        let stream = Stream::new(wire, frames.rest());
        let Greeting { protocol, parameters, reports, key, notices, unrecognized } = greeting;
        let key = key.unwrap_or_else(|| CancelKey::new(0, vec![0; 4]));
        Ok(LoggedIn {
            stream,
            parameters,
            reports,
            key,
            notices,
            facts,
            authentication,
            protocol,
            unrecognized,
            status,
        })
    }

    /// [`Secured::log_in`] for the query pane.
    pub async fn login(self, login: &Login, credential: &Credential) -> Result<Session, Error> {
        let logged_in = self.log_in(&login.host, &login.startup(), credential).await?;
        Session::over(logged_in, login).await
    }
}

impl Session {
    /// A session over a conversation that was begun with [`Login::startup`]; makes the settings that it could not make.
    pub async fn over(logged_in: LoggedIn, login: &Login) -> Result<Session, Error> {
        let mut session = Session::take_up(logged_in).await?;
        session.insist(&login.settings(), takes_options(&login.host)).await?;
        Ok(session)
    }
}

/// Sends. A server that has closed by then may have said why before it did.
async fn send(wire: &mut Encrypted, frames: &mut Frames, packet: &[u8]) -> Result<(), Error> {
    let sent = async {
        wire.write_all(packet).await?;
        wire.flush().await
    };
    let Err(broke) = sent.await else { return Ok(()) };
    while let Ok(frame) = frames.next(wire).await {
        if frame.kind == b'E' {
            return Err(refusal(&frame));
        }
    }
    Err(Error::Wire(broke))
}

fn refusal(frame: &Frame) -> Error {
    Error::Server(Box::new(ServerError::parse(frame.body())))
}

/// What a server says besides requests to authenticate.
#[derive(Default)]
struct Greeting {
    protocol: Protocol,
    parameters: Vec<(String, String)>,
    /// The message of each.
    reports: Vec<Bytes>,
    key: Option<CancelKey>,
    notices: Vec<Bytes>,
    unrecognized: Vec<String>,
}

impl Greeting {
    /// Before "ok".
    fn hear_early(&mut self, frame: Frame) -> Result<(), Error> {
        match frame.kind {
            b'E' => Err(refusal(&frame)),
            b'N' => {
                self.notices.push(frame.whole);
                Ok(())
            }
            b'v' => self.negotiate(frame.body()),
            _ => Err(Error::garbled("it went on before anybody had logged in")),
        }
    }

    /// After it, up to ReadyForQuery; its status.
    async fn until_ready(&mut self, frames: &mut Frames, wire: &mut Encrypted) -> Result<u8, Error> {
        loop {
            let frame = frames.next(wire).await?;
            if let Some(status) = self.hear(frame)? {
                return Ok(status);
            }
        }
    }

    /// The status when it is ready.
    fn hear(&mut self, frame: Frame) -> Result<Option<u8>, Error> {
        match frame.kind {
            b'S' => self.parameter(frame)?,
            b'K' => self.key = Some(key(frame.body(), self.protocol)?),
            b'N' => self.notices.push(frame.whole),
            b'E' => return Err(refusal(&frame)),
            // CommandComplete, of our own SET.
            b'C' => {}
            b'Z' => match frame.body() {
                [status @ (b'I' | b'T' | b'E')] => return Ok(Some(*status)),
                _ => return Err(Error::garbled("ReadyForQuery without a state")),
            },
            _ => return Err(Error::garbled("a request to authenticate after the login")),
        }
        Ok(None)
    }

    fn parameter(&mut self, frame: Frame) -> Result<(), Error> {
        let mut words = frame.body().split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        let (Some(name), Some(value)) = (words.next(), words.next()) else {
            return Err(Error::garbled("a parameter without a value"));
        };
        match self.parameters.iter().position(|(known, _)| *known == name) {
            Some(at) => (self.parameters[at].1, self.reports[at]) = (value, frame.whole),
            None if self.parameters.len() == MOST_PARAMETERS => return Err(Error::garbled("a thousand parameters")),
            None => {
                self.parameters.push((name, value));
                self.reports.push(frame.whole);
            }
        }
        Ok(())
    }

    /// NegotiateProtocolVersion: the newest minor version that the server speaks, and the options it did not know.
    fn negotiate(&mut self, body: &[u8]) -> Result<(), Error> {
        let wrong = || Error::garbled("NegotiateProtocolVersion that negotiates nothing");
        let (code, rest) = body.split_first_chunk::<4>().ok_or_else(wrong)?;
        let (count, names) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
        let offered = Protocol::negotiated(u32::from_be_bytes(*code)).ok_or_else(wrong)?;
        // A server speaks no newer version than it was asked for; an older one is what it is for.
        if offered > self.protocol {
            return Err(wrong());
        }
        self.protocol = offered;
        let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        self.unrecognized = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        if self.unrecognized.len() != u32::from_be_bytes(*count) as usize {
            return Err(wrong());
        }
        Ok(())
    }
}

/// BackendKeyData: four bytes of secret, or 4 to 256 from version 3.2 on.
fn key(body: &[u8], protocol: Protocol) -> Result<CancelKey, Error> {
    let wrong = || Error::garbled("a cancel key of a length that the protocol does not have");
    let (pid, secret) = body.split_first_chunk::<4>().ok_or_else(wrong)?;
    let longest = if protocol >= Protocol::V3_2 { 256 } else { 4 };
    if !(4..=longest).contains(&secret.len()) {
        return Err(wrong());
    }
    Ok(CancelKey::new(i32::from_be_bytes(*pid), secret.to_vec()))
}
