//! Which TLS version was agreed on, read off the server's first bytes because the TLS library's portable interface does
//! not tell. It must not know what is said afterwards: it looks away once it knows.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

/// The ServerHello comes first; a server that has not sent it in so many bytes is not going to.
const LIMIT: usize = 16 * 1024;

/// The agreed version, once known: `1.2`, `1.3`.
pub(super) type Version = Arc<OnceLock<&'static str>>;

/// A wire whose first bytes from the server are read along.
pub(super) struct Watched<S> {
    wire: S,
    seen: Option<Vec<u8>>,
    version: Version,
}

impl<S> Watched<S> {
    pub(super) fn new(wire: S) -> (Watched<S>, Version) {
        let version = Version::default();
        (Watched { wire, seen: Some(Vec::new()), version: version.clone() }, version)
    }

    fn watch(&mut self, bytes: &[u8]) {
        let Some(seen) = &mut self.seen else { return };
        seen.extend_from_slice(bytes);
        match version(seen) {
            Parsed::Version(version) => {
                let _ = self.version.set(version);
                self.seen = None;
            }
            Parsed::NeverTold => self.seen = None,
            Parsed::More if seen.len() > LIMIT => self.seen = None,
            Parsed::More => {}
        }
    }
}

impl<S: AsyncBufRead + Unpin> Watched<S> {
    /// Ready when there is something to read, or the wire has ended.
    pub(super) fn poll_some(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_fill_buf(cx).map_ok(drop)
    }
}

enum Parsed {
    Version(&'static str),
    More,
    NeverTold,
}

/// RFC 8446, 5.1 (records), 4 (handshake), 4.1.3 (ServerHello), 4.2.1 (supported_versions).
fn version(mut records: &[u8]) -> Parsed {
    const HANDSHAKE: u8 = 22;
    let mut handshake = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = records {
        if *kind != HANDSHAKE {
            return Parsed::NeverTold;
        }
        let len = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        handshake.extend_from_slice(&rest[..len]);
        records = &rest[len..];
    }
    let [kind, length @ ..] = &handshake[..] else { return Parsed::More };
    if *kind != 2 {
        return Parsed::NeverTold;
    }
    let [a, b, c, hello @ ..] = length else { return Parsed::More };
    let len = u32::from_be_bytes([0, *a, *b, *c]) as usize;
    let Some(hello) = hello.get(..len) else { return Parsed::More };
    match of_hello(hello) {
        Some(0x0304) => Parsed::Version("1.3"),
        Some(0x0303) => Parsed::Version("1.2"),
        _ => Parsed::NeverTold,
    }
}

fn of_hello(hello: &[u8]) -> Option<u16> {
    const SUPPORTED_VERSIONS: u16 = 43;
    let number = |at: usize| Some(u16::from_be_bytes([*hello.get(at)?, *hello.get(at + 1)?]));
    let legacy = number(0)?;
    // version, random, session id, cipher suite, compression
    let mut at = 2 + 32;
    at += 1 + usize::from(*hello.get(at)?) + 2 + 1;
    let Some(extensions) = number(at) else { return Some(legacy) };
    at += 2;
    let end = at + usize::from(extensions);
    while at + 4 <= end {
        let (kind, len) = (number(at)?, number(at + 2)?);
        if kind == SUPPORTED_VERSIONS {
            return number(at + 4);
        }
        at += 4 + usize::from(len);
    }
    Some(legacy)
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.wire).poll_read(cx, buf);
        if self.seen.is_some() {
            self.watch(&buf.filled()[before..]);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
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
