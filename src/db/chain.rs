//! The certificates a server shows, whole and in its order, read off a handshake of TLS 1.2, which sends them in the clear;
//! the TLS library's portable interface gives the first one only. Nothing is sent beyond the handshake. It must not judge.

use super::Transport;
use super::certificate;
use super::error::Error;
use super::secure::request;
use crate::model::TlsFacts;
use native_tls::{Protocol, TlsConnector};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a handshake that are read along; chains are a few thousand.
const LIMIT: usize = 128 * 1024;

/// The certificates that the server shows, its own first. Empty where it does not speak TLS 1.2.
pub async fn chain(mut wire: Box<dyn Transport>, host: &str) -> Result<Vec<TlsFacts>, Error> {
    request(&mut wire).await?;
    let mut builder = TlsConnector::builder();
    // Looked at, never trusted: what it connects is dropped here.
    builder.disable_built_in_roots(true).danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true);
    builder.min_protocol_version(Some(Protocol::Tlsv12)).max_protocol_version(Some(Protocol::Tlsv12));
    let connector = builder.build().map_err(|error| Error::Tls(error.to_string()))?;
    let seen = Seen::default();
    let heard = Heard { wire, seen: seen.clone() };
    // A handshake that breaks off later has shown the certificates all the same.
    let _ = tokio_native_tls::TlsConnector::from(connector).connect(host, heard).await;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(certificates(&seen).iter().map(|der| certificate::facts(der, "1.2")).collect())
}

type Seen = Arc<Mutex<Vec<u8>>>;

/// A wire whose bytes from the server are kept.
struct Heard {
    wire: Box<dyn Transport>,
    seen: Seen,
}

/// The certificates of the Certificate message in these records (RFC 5246, 6.2.1, 7.4, 7.4.2).
fn certificates(mut records: &[u8]) -> Vec<&[u8]> {
    const HANDSHAKE: u8 = 22;
    const CERTIFICATE: u8 = 11;
    // One record holds the message unless it is larger than 16 KiB, which no chain of a database is.
    while let [kind, _, _, high, low, rest @ ..] = records {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (body, following) = rest.split_at(length);
        records = following;
        if *kind != HANDSHAKE {
            break;
        }
        let mut messages = body;
        while let Some((message, after)) = counted(messages.get(1..).unwrap_or_default()) {
            if messages[0] == CERTIFICATE {
                return listed(message);
            }
            messages = after;
        }
    }
    Vec::new()
}

fn listed(message: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = counted(message).map_or(&[][..], |(list, _)| list);
    while let Some((certificate, after)) = counted(rest) {
        found.push(certificate);
        rest = after;
    }
    found
}

/// What three bytes of length announce, and what follows it.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [a, b, c, rest @ ..] = bytes else { return None };
    rest.split_at_checked(u32::from_be_bytes([0, *a, *b, *c]) as usize)
}

impl AsyncRead for Heard {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.wire).poll_read(cx, buf);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < LIMIT {
            seen.extend_from_slice(&buf.filled()[before..]);
        }
        drop(seen);
        polled
    }
}

impl AsyncWrite for Heard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_found_behind_the_hello_and_nonsense_is_none() {
        let message = |kind: u8, body: &[u8]| {
            let length = (body.len() as u32).to_be_bytes();
            [&[kind][..], &length[1..], body].concat()
        };
        let certificate = |body: &[u8]| message(0, body)[1..].to_vec();
        let list = [certificate(b"leaf"), certificate(b"issuer")].concat();
        let record = |body: &[u8]| [&[22, 3, 3][..], &(body.len() as u16).to_be_bytes(), body].concat();
        let both = [message(2, b"hello"), message(11, &message(0, &list)[1..])].concat();
        assert_eq!(certificates(&record(&both)), [&b"leaf"[..], b"issuer"]);
        let apart = [record(&message(2, b"hello")), record(&message(11, &message(0, &list)[1..]))].concat();
        assert_eq!(certificates(&apart).len(), 2);
        for nonsense in
            [&b""[..], b"\x16\x03\x03\x00\x05\x0b\xff\xff\xff\x00", b"\x15\x03\x03\x00\x02\x02\x28", &[22; 64]]
        {
            assert_eq!(certificates(nonsense), Vec::<&[u8]>::new());
        }
    }
}
