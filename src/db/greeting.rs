//! A conversation that is logged in, and what has to be told to whoever takes it up in the middle: the greeting that a
//! server would have said to them. It must not know who that is.

use super::cancel::CancelKey;
use super::joined::Joined;
use super::secure::{Encrypted, Wire};
use super::startup::Protocol;
use crate::model::{Authentication, Notice, TlsFacts};
use bytes::{Buf, Bytes, BytesMut};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A login that succeeded: the server waits for a query.
pub struct LoggedIn {
    /// The secured wire; what was read behind ReadyForQuery comes first.
    pub stream: Stream,
    /// ParameterStatus, in the server's order, each name once with its last value.
    pub parameters: Vec<(String, String)>,
    /// The messages that said them, each whole as it came: in what encoding a value is may be the client's to know.
    pub(super) reports: Vec<Bytes>,
    /// What cancels it. Without one (a pooler that gives none), process 0.
    pub key: CancelKey,
    /// NoticeResponses, whole messages as they came.
    pub notices: Vec<Bytes>,
    /// What TLS showed.
    pub facts: TlsFacts,
    /// Which authentication the server asked for.
    pub authentication: Authentication,
    /// What both speak.
    pub protocol: Protocol,
    /// Protocol options (`_pq_.…`) that the server did not know.
    pub unrecognized: Vec<String>,
    /// Of ReadyForQuery: `I`.
    pub(super) status: u8,
}

impl LoggedIn {
    /// A server parameter as it was reported.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The notices, read.
    pub fn notices(&self) -> Vec<Notice> {
        let read = |whole: &Bytes| super::error::ServerError::parse(whole.get(5..).unwrap_or_default()).into_notice();
        self.notices.iter().map(read).collect()
    }

    /// AuthenticationOk, ParameterStatus…, NoticeResponse…, BackendKeyData with `key`, ReadyForQuery: what a server says
    /// to a client that it lets in.
    pub fn greeting(&self, key: &CancelKey) -> BytesMut {
        let mut reports = BytesMut::new();
        self.reports.iter().for_each(|report| reports.extend_from_slice(report));
        self.greeting_with(&reports, key)
    }

    /// The same for who reads UTF-8 alone.
    fn greeting_in_utf8(&self, key: &CancelKey) -> BytesMut {
        let mut reports = BytesMut::new();
        for (name, value) in &self.parameters {
            message(&mut reports, b'S', &[name.as_bytes(), b"\0", value.as_bytes(), b"\0"]);
        }
        self.greeting_with(&reports, key)
    }

    fn greeting_with(&self, reports: &[u8], key: &CancelKey) -> BytesMut {
        let mut greeting = BytesMut::from(&b"R\0\0\0\x08\0\0\0\0"[..]);
        greeting.extend_from_slice(reports);
        for notice in &self.notices {
            greeting.extend_from_slice(notice);
        }
        message(&mut greeting, b'K', &[&key.pid().to_be_bytes(), key.secret()]);
        message(&mut greeting, b'Z', &[&[self.status]]);
        greeting
    }
}

fn message(into: &mut BytesMut, kind: u8, parts: &[&[u8]]) {
    let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>() as u32;
    into.extend_from_slice(&[kind]);
    into.extend_from_slice(&length.to_be_bytes());
    parts.iter().for_each(|part| into.extend_from_slice(part));
}

/// Longest record of TLS (RFC 8446, 5.1): what is no longer is one write anyhow.
const RECORD: usize = 16 << 10;
/// So much is encrypted before it is sent.
const BURST: usize = 4 * RECORD;

/// A secured wire in the middle of a conversation. Reads and writes are those of TLS; `shutdown` says TLS's farewell. What
/// is written is on its way when `flush` has returned, not before.
pub struct Stream {
    wire: Encrypted,
    /// Comes before what the wire has.
    ahead: Bytes,
}

impl Stream {
    pub(super) fn new(wire: Encrypted, ahead: Bytes) -> Stream {
        Stream { wire, ahead }
    }

    fn joined(&mut self) -> &mut Joined<Wire> {
        self.wire.get_mut().get_mut().get_mut()
    }

    /// Several records, sent together. What the wire does not take at once stays for the flush, or the next write.
    fn poll_burst(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.joined().poll_drain(cx))?;
        self.joined().hold();
        let bytes = &bytes[..bytes.len().min(BURST)];
        let mut taken = 0;
        let mut broke = None;
        while taken < bytes.len() {
            match Pin::new(&mut self.wire).poll_write(cx, &bytes[taken..]) {
                Poll::Ready(Ok(0)) | Poll::Pending => break,
                Poll::Ready(Ok(written)) => taken += written,
                Poll::Ready(Err(error)) => {
                    broke = Some(error);
                    break;
                }
            }
        }
        self.joined().release();
        match (taken, broke) {
            (0, None) => Poll::Pending,
            (0, Some(error)) => Poll::Ready(Err(error)),
            _ => match self.joined().poll_drain(cx) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                // The flush goes on with it.
                _ => Poll::Ready(Ok(taken)),
            },
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            // TLS that finds nothing takes a buffer of 16 KiB for it and gives it back: whoever waits for both directions
            // asks with each message of the other one.
            if self.wire.get_ref().buffered_read_size().is_ok_and(|waiting| waiting == 0) {
                ready!(self.joined().wire().poll_some(cx))?;
            }
            return Pin::new(&mut self.wire).poll_read(cx, buf);
        }
        let take = self.ahead.len().min(buf.remaining());
        buf.put_slice(&self.ahead[..take]);
        self.ahead.advance(take);
        if self.ahead.is_empty() {
            // Its memory was that of the whole greeting.
            self.ahead = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.len() > RECORD {
            return self.poll_burst(cx, buf);
        }
        self.joined().forget();
        Pin::new(&mut self.wire).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Not every TLS flushes its wire with it.
        ready!(self.joined().poll_drain(cx))?;
        Pin::new(&mut self.wire).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.joined().poll_drain(cx))?;
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

/// A logged-in conversation as `tokio_postgres` wants to meet it: it says its StartupMessage, which is swallowed, and
/// hears the greeting as if the server had just said it.
pub(super) struct Greeted {
    stream: Stream,
    /// What is left of the StartupMessage to swallow.
    startup: Swallowed,
}

enum Swallowed {
    /// So much of its length was seen.
    Length([u8; 4], usize),
    /// So much is still to come.
    Rest(usize),
}

impl Greeted {
    /// The key is not retold: `tokio_postgres` knows keys of four bytes only, and cancels are ours.
    pub(super) fn new(login: LoggedIn) -> Greeted {
        let unknown = CancelKey::new(login.key.pid(), vec![0; 4]);
        let mut ahead = login.greeting_in_utf8(&unknown);
        ahead.extend_from_slice(&login.stream.ahead);
        let stream = Stream::new(login.stream.wire, ahead.freeze());
        Greeted { stream, startup: Swallowed::Length([0; 4], 0) }
    }

    /// How many of `bytes` belong to the StartupMessage.
    fn swallow(&mut self, bytes: &[u8]) -> usize {
        let mut took = 0;
        while took < bytes.len() {
            match &mut self.startup {
                Swallowed::Length(length, had) => {
                    length[*had] = bytes[took];
                    (*had, took) = (*had + 1, took + 1);
                    if *had == 4 {
                        self.startup = Swallowed::Rest((u32::from_be_bytes(*length) as usize).saturating_sub(4));
                    }
                }
                Swallowed::Rest(0) => break,
                Swallowed::Rest(left) => {
                    let take = (*left).min(bytes.len() - took);
                    (*left, took) = (*left - take, took + take);
                }
            }
        }
        took
    }
}

impl AsyncRead for Greeted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Greeted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !matches!(self.startup, Swallowed::Rest(0)) && !buf.is_empty() {
            return Poll::Ready(Ok(self.swallow(buf)));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
