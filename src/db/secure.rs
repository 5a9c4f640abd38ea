//! From a wire to a wire on which TLS stands, certificate and name checked. It must not know logins.

use super::Transport;
use super::certificate;
use super::error::{Error, ServerError};
use super::hello::{Version, Watched};
use super::joined::Joined;
use super::roots::Roots;
use crate::model::TlsFacts;
use futures_util::FutureExt;
use native_tls::TlsConnector;
use std::error::Error as _;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio_native_tls::TlsStream;

/// PostgreSQL, Message Formats: SSLRequest.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Longest error taken from a server that has not proved who it is.
const LONGEST_REFUSAL: usize = 8 * 1024;

/// What TLS stands on, but for the joining of its writes.
pub(super) type Wire = Watched<BufReader<Box<dyn Transport>>>;
/// What tokio's TLS gives for our wires.
pub(super) type Encrypted = TlsStream<Joined<Wire>>;

/// Bytes read of a wire at once: two records of TLS. OpenSSL reads the five bytes of a record's header, then its body, then
/// finds nothing: three calls of the system for each short message, of which this leaves one.
const READ: usize = 32 << 10;

/// A wire on which TLS stands, certificate and name checked; nothing of PostgreSQL was said on it yet.
pub struct Secured {
    stream: Encrypted,
    /// The name that was proved.
    host: String,
    facts: TlsFacts,
}

/// SSLRequest, TLS verify-full against `roots` under `host`. There is no other way to get a [`Secured`].
pub async fn secure(wire: Box<dyn Transport>, host: &str, roots: &Roots) -> Result<Secured, Error> {
    let connector = roots.connector().await?;
    let (stream, version) = handshake(wire, host, connector).await?;
    let facts = seen(&stream, &version);
    Ok(Secured { stream, host: host.to_owned(), facts })
}

/// After a certificate was refused: what the server showed. Nothing is sent beyond the handshake; the wire is dropped.
pub async fn inspect(wire: Box<dyn Transport>, host: &str) -> Result<TlsFacts, Error> {
    // The one connector that checks nothing. What it connects never leaves this function.
    let mut builder = TlsConnector::builder();
    builder.disable_built_in_roots(true).danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true);
    let connector = builder.build().map_err(|error| Error::Tls(error.to_string()))?;
    let (stream, version) = handshake(wire, host, connector).await?;
    Ok(seen(&stream, &version))
}

impl Secured {
    /// What TLS showed.
    pub fn facts(&self) -> &TlsFacts {
        &self.facts
    }

    /// The name that its certificate was checked against.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Itself, unless the server has closed the wire, or has spoken out of turn.
    pub fn unless_closed(mut self) -> Option<Secured> {
        let heard = self.stream.read(&mut [0; 1]).now_or_never();
        heard.is_none().then_some(self)
    }

    pub(super) fn stream(&mut self) -> &mut Encrypted {
        &mut self.stream
    }

    pub(super) fn into_stream(self) -> Encrypted {
        self.stream
    }
}

async fn handshake(
    mut wire: Box<dyn Transport>,
    host: &str,
    connector: TlsConnector,
) -> Result<(Encrypted, Version), Error> {
    request(&mut wire).await?;
    let (watched, version) = Watched::new(BufReader::with_capacity(READ, wire));
    match tokio_native_tls::TlsConnector::from(connector).connect(host, Joined::new(watched)).await {
        Ok(stream) => Ok((stream, version)),
        Err(error) => Err(refused(&error, &version)),
    }
}

/// Asks for TLS. Nothing may follow the answer until we have spoken: bytes behind it would be somebody's attempt to have
/// them taken for what comes through TLS (CVE-2021-23222).
pub(super) async fn request(wire: &mut Box<dyn Transport>) -> Result<(), Error> {
    wire.write_all(&SSL_REQUEST).await.map_err(Error::Wire)?;
    wire.flush().await.map_err(Error::Wire)?;
    let mut answer = [0; 64];
    let read = wire.read(&mut answer).await.map_err(Error::Wire)?;
    match &answer[..read] {
        [] => Err(Error::ended()),
        b"S" => Ok(()),
        b"N" => Err(Error::TlsNotOffered),
        [b'E', rest @ ..] => Err(Error::Server(Box::new(refusal(wire, rest.to_vec()).await))),
        [b'S', ..] => Err(Error::Tls(
            "the server's answer to SSLRequest carried unencrypted bytes, as an attack on the wire would".to_owned(),
        )),
        _ => Err(Error::garbled("no PostgreSQL server answers here")),
    }
}

/// An ErrorResponse, or the text alone as servers send it that cannot fork, in place of an answer to SSLRequest.
async fn refusal(wire: &mut Box<dyn Transport>, mut said: Vec<u8>) -> ServerError {
    let mut more = [0; 1024];
    while said.len() < LONGEST_REFUSAL && !is_whole(&said) {
        match wire.read(&mut more).await {
            Ok(read) if read > 0 => said.extend_from_slice(&more[..read]),
            _ => break,
        }
    }
    let mut error = match framed(&said) {
        Some(body) => ServerError::parse(body),
        None => {
            let text = said.split(|byte| *byte == 0).next().unwrap_or_default();
            let mut error = ServerError::parse(&[]);
            (error.severity, error.message) = ("FATAL".to_owned(), String::from_utf8_lossy(text).trim().to_owned());
            error
        }
    };
    // Whoever is on the wire could have said it (CVE-2024-10977).
    let unproven = "said before TLS, so it is not proven to come from the database";
    error.detail = Some(match error.detail.take() {
        Some(detail) => format!("{detail} ({unproven})"),
        None => unproven.to_owned(),
    });
    error
}

/// The body of an ErrorResponse behind its `E`, as far as it has come; `None` when it is not framed so.
fn framed(said: &[u8]) -> Option<&[u8]> {
    let (length, body) = said.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    let plausible = (5..LONGEST_REFUSAL).contains(&length) && body.first().is_none_or(|kind| b"SVCM".contains(kind));
    plausible.then(|| &body[..body.len().min(length - 4)])
}

fn is_whole(said: &[u8]) -> bool {
    if said.len() < 5 {
        return false;
    }
    match framed(said) {
        Some(body) => body.ends_with(&[0, 0]),
        None => said.contains(&0),
    }
}

/// What the server's certificate and the handshake told.
fn seen(stream: &Encrypted, version: &Version) -> TlsFacts {
    let version = version.get().copied().unwrap_or_default();
    let certificate = stream.get_ref().peer_certificate().ok().flatten();
    match certificate.and_then(|certificate| certificate.to_der().ok()) {
        Some(der) => certificate::facts(&der, version),
        None => TlsFacts { version: version.to_owned(), ..TlsFacts::default() },
    }
}

/// Sorts a failed handshake by what the TLS libraries say: OpenSSL's X509_V_ERR strings (crypto/x509/x509_txt.c) and
/// Security.framework's messages.
fn refused(error: &native_tls::Error, version: &Version) -> Error {
    const ISSUER: [&str; 7] = [
        "unable to get local issuer certificate",
        "unable to get issuer certificate",
        "unable to verify the first certificate",
        "self-signed certificate",
        "self signed certificate",
        "certificate is not trusted",
        "certificate was not trusted",
    ];
    const NAME: [&str; 4] =
        ["hostname mismatch", "host name mismatch", "IP address mismatch", "host name did not match"];
    const DATES: [&str; 3] = ["certificate has expired", "certificate is not yet valid", "certificate expired"];
    let words = error.to_string();
    let says = |any: &[&str]| any.iter().any(|one| words.contains(one));
    let facts = || {
        let version = version.get().copied().unwrap_or_default().to_owned();
        Box::new(TlsFacts { version, ..TlsFacts::default() })
    };
    // Names first: OpenSSL names one failure only, macOS may name several.
    if says(&NAME) {
        return Error::WrongName(facts());
    }
    if says(&DATES) {
        return Error::WrongDates(facts());
    }
    if says(&ISSUER) {
        return Error::UnknownIssuer(facts());
    }
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(wire) = current.downcast_ref::<io::Error>() {
            return Error::Wire(io::Error::new(wire.kind(), wire.to_string()));
        }
        cause = current.source();
    }
    if words.to_ascii_lowercase().contains("unexpected eof") {
        return Error::Wire(io::Error::new(io::ErrorKind::UnexpectedEof, "the server ended the TLS handshake"));
    }
    Error::Tls(words)
}
