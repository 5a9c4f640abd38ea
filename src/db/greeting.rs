//! A conversation that is logged in, and what has to be told to whoever takes it up in the middle: the greeting that a
//! server would have said to them. It must not know who that is.

use super::cancel::CancelKey;
use super::secure::Encrypted;
use super::startup::Protocol;
use crate::model::{Authentication, Notice, TlsFacts};
use bytes::{Buf, Bytes, BytesMut};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A login that succeeded: the server waits for a query.
pub struct LoggedIn {
    /// The secured wire; what was read behind ReadyForQuery comes first.
    pub stream: Stream,
    /// ParameterStatus, in the server's order, each name once with its last value.
    pub parameters: Vec<(String, String)>,
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
        let mut greeting = BytesMut::from(&b"R\0\0\0\x08\0\0\0\0"[..]);
        for (name, value) in &self.parameters {
            message(&mut greeting, b'S', &[name.as_bytes(), b"\0", value.as_bytes(), b"\0"]);
        }
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

/// A secured wire in the middle of a conversation. Reads and writes are those of TLS; `shutdown` says TLS's farewell.
pub struct Stream {
    wire: Encrypted,
    /// Comes before what the wire has.
    ahead: Bytes,
}

impl Stream {
    pub(super) fn new(wire: Encrypted, ahead: Bytes) -> Stream {
        Stream { wire, ahead }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
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
        Pin::new(&mut self.wire).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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
        let mut ahead = login.greeting(&unknown);
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
