//! What a server says, read along: a pure parser over the backend's byte stream, in any chunking. It must not know
//! wires, clients, nor what is done with what it hears.
//!
//! Messages that hold rows are counted and skipped without being looked into, so that reading along costs next to
//! nothing (PostgreSQL, Message Formats).

use super::error::ServerError;
use crate::model::{Notice, Transaction};

/// Of one message so much is kept; what is longer (a notice of megabytes) is cut there.
const KEPT: usize = 1 << 20;

/// Something a server said.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Authentication request of this kind; 0 is "ok".
    Authentication(u32),
    /// BackendKeyData.
    Key {
        /// Process id.
        pid: i32,
        /// Secret key: 4 bytes, or up to 256 in protocol 3.2.
        secret: Vec<u8>,
    },
    /// ParameterStatus.
    Parameter {
        /// Name.
        name: String,
        /// Value.
        value: String,
    },
    /// RowDescription: the type OID of each column.
    Columns(Vec<u32>),
    /// DataRow.
    Row,
    /// CommandComplete with its tag.
    Complete(String),
    /// EmptyQueryResponse.
    Empty,
    /// CopyInResponse, CopyOutResponse, CopyBothResponse, CopyDone, and each CopyData once it has begun: messages that the simple query
    /// client does not expect.
    Copy,
    /// The server waits for data; follows its [`Heard::Copy`].
    CopyIn,
    /// A piece of a CopyData; follows its [`Heard::Copy`].
    CopyBytes(Vec<u8>),
    /// NoticeResponse, or NotificationResponse as severity `NOTIFY`.
    Notice(Notice),
    /// ErrorResponse.
    Error(ServerError),
    /// ReadyForQuery.
    Ready(Transaction),
    /// The stream is not PostgreSQL's: nothing more will be heard.
    Garbled,
}

/// The parser. [`Tap::feed`] it every byte, in order.
#[derive(Debug, Default)]
pub struct Tap {
    header: [u8; 5],
    headed: usize,
    /// Bytes of the body still to come.
    remaining: usize,
    body: Vec<u8>,
    garbled: bool,
}

impl Tap {
    /// Hears `bytes`; `tell` is called for each thing, in order.
    pub fn feed(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Heard)) {
        while !self.garbled && !bytes.is_empty() {
            if self.headed < 5 {
                let take = bytes.len().min(5 - self.headed);
                self.header[self.headed..self.headed + take].copy_from_slice(&bytes[..take]);
                self.headed += take;
                bytes = &bytes[take..];
                if self.headed == 5 {
                    self.begin(&mut tell);
                }
                continue;
            }
            let take = bytes.len().min(self.remaining);
            let (now, rest) = bytes.split_at(take);
            bytes = rest;
            self.remaining -= take;
            match self.header[0] {
                b'd' => tell(Heard::CopyBytes(now.to_vec())),
                kind if is_kept(kind) => {
                    let room = KEPT - self.body.len();
                    self.body.extend_from_slice(&now[..take.min(room)]);
                }
                _ => {}
            }
            if self.remaining == 0 {
                self.end(&mut tell);
            }
        }
    }

    fn begin(&mut self, tell: &mut impl FnMut(Heard)) {
        let [kind, length @ ..] = self.header;
        let length = i32::from_be_bytes(length);
        let Some(remaining) = usize::try_from(length).ok().and_then(|length| length.checked_sub(4)) else {
            self.garbled = true;
            return tell(Heard::Garbled);
        };
        self.remaining = remaining;
        self.body.clear();
        match kind {
            b'D' => tell(Heard::Row),
            b'd' | b'c' | b'H' | b'W' | b'G' => tell(Heard::Copy),
            _ => {}
        }
        if remaining == 0 {
            self.end(tell);
        }
    }

    fn end(&mut self, tell: &mut impl FnMut(Heard)) {
        self.headed = 0;
        if let Some(heard) = message(self.header[0], &self.body) {
            tell(heard);
        }
        if self.body.capacity() > KEPT / 16 {
            self.body = Vec::new();
        }
    }
}

/// Messages whose body is looked into.
fn is_kept(kind: u8) -> bool {
    b"RKSTCNAEZ".contains(&kind)
}

fn message(kind: u8, body: &[u8]) -> Option<Heard> {
    Some(match kind {
        b'R' => Heard::Authentication(number(body)?),
        b'K' => Heard::Key { pid: number(body)? as i32, secret: body[4..].to_vec() },
        b'S' => {
            let mut words = body.split(|byte| *byte == 0);
            Heard::Parameter { name: text(words.next()?), value: text(words.next()?) }
        }
        b'T' => Heard::Columns(oids(body)),
        b'C' => Heard::Complete(text(body.split(|byte| *byte == 0).next()?)),
        b'I' => Heard::Empty,
        b'G' => Heard::CopyIn,
        b'N' => Heard::Notice(ServerError::parse(body).into_notice()),
        b'A' => Heard::Notice(notification(body)?),
        b'E' => Heard::Error(ServerError::parse(body)),
        b'Z' => Heard::Ready(match body.first()? {
            b'T' => Transaction::Open,
            b'E' => Transaction::Failed,
            _ => Transaction::Idle,
        }),
        _ => return None,
    })
}

fn number(body: &[u8]) -> Option<u32> {
    body.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Each field: name, table's OID (4), column's number (2), type's OID (4), size (2), modifier (4), format (2).
fn oids(body: &[u8]) -> Vec<u32> {
    let mut found = Vec::new();
    let mut rest = body.get(2..).unwrap_or_default();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let Some(oid) = rest.get(end + 7..).and_then(number) else { break };
        found.push(oid);
        rest = rest.get(end + 19..).unwrap_or_default();
    }
    found
}

fn notification(body: &[u8]) -> Option<Notice> {
    let pid = number(body)? as i32;
    let mut words = body[4..].split(|byte| *byte == 0);
    let (channel, payload) = (text(words.next()?), text(words.next()?));
    let message = if payload.is_empty() { channel } else { format!("{channel}: {payload}") };
    Some(Notice {
        severity: "NOTIFY".to_owned(),
        code: String::new(),
        message,
        detail: Some(format!("from process {pid}")),
        hint: None,
    })
}
