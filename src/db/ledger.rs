//! What the tap heard, kept in order between the task that drives the wire and whoever reads a session; and the wire
//! that the tap sits on. It must not know rows: those go their own way through `tokio_postgres`, and are only counted
//! here so that what came between two of them can be told between them.

use super::cancel::CancelKey;
use super::error::{Error, ServerError};
use super::greeting::Greeted;
use super::tap::{Heard, Tap};
use crate::model::{Notice, Transaction};
use futures_util::task::AtomicWaker;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So much may wait to be read (notices, COPY data) before the wire is no longer read.
const WAITING_BYTES: usize = 1 << 20;
const WAITING_THINGS: usize = 4096;
/// So much COPY data may wait to be sent before no more is asked for.
const OUTGOING_BYTES: usize = 256 << 10;

/// What was heard and not told yet, and how the session stands.
#[derive(Default)]
pub(super) struct Ledger {
    state: Mutex<State>,
    /// Things in the queue. Looked at for every row, so that the lock need not be.
    waiting: AtomicUsize,
    /// Who reads the session.
    reader: AtomicWaker,
    /// The wire, when it waits for room.
    wire: AtomicWaker,
    /// The wire, always: messages of our own may be there to be sent.
    writer: AtomicWaker,
}

/// A thing that waits for its turn.
struct Entry {
    /// Rows of this query that came before it.
    rows: u64,
    heard: Heard,
}

#[derive(Default)]
pub(super) struct State {
    tap: Tap,
    queue: VecDeque<Entry>,
    bytes: usize,
    /// Rows of the query that is being answered.
    rows: u64,
    /// Queries sent whose ReadyForQuery was not heard.
    owed: u32,
    /// As many of them were given up by their reader: nothing of them is kept.
    unwanted: u32,
    /// Copy messages heard since login, without those of unwanted queries.
    pub(super) copies: u64,
    pub(super) transaction: Transaction,
    pub(super) parameters: HashMap<String, String>,
    pub(super) key: Option<CancelKey>,
    /// An error outside of a query, or one that ends the session.
    last_words: Option<ServerError>,
    /// How the wire broke, where it did.
    broke: Option<(io::ErrorKind, String)>,
    ready_once: bool,
    closed: bool,
    /// Messages of COPY IN to be sent between those of the client, which knows none in a simple query.
    outgoing: Vec<u8>,
}

impl Ledger {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of another thread while it held the lock leaves a state that is still in order.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be woken when something was heard.
    pub(super) fn register(&self, cx: &Context<'_>) {
        self.reader.register(cx.waker());
    }

    /// A query is about to be sent.
    pub(super) fn sent(&self) {
        self.lock().owed += 1;
    }

    /// It was not sent after all.
    pub(super) fn unsent(&self) {
        self.lock().owed -= 1;
    }

    /// Gives a whole message to be sent. Only while the server waits for COPY data: the client has nothing to send then,
    /// so that no message of its own can be cut in two by it.
    pub(super) fn give(&self, kind: u8, body: &[u8]) {
        let mut state = self.lock();
        state.outgoing.push(kind);
        // Pieces are far below 2 GiB: whoever gives them reads them in chunks.
        state.outgoing.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
        state.outgoing.extend_from_slice(body);
        drop(state);
        self.writer.wake();
    }

    /// Whether more may be given.
    pub(super) fn has_room(&self) -> bool {
        self.lock().outgoing.len() < OUTGOING_BYTES
    }

    /// What is to be sent, all of it; room is made.
    fn outgoing(&self) -> Vec<u8> {
        let taken = std::mem::take(&mut self.lock().outgoing);
        if !taken.is_empty() {
            self.reader.wake();
        }
        taken
    }

    /// The wire is gone, by that error if by one.
    pub(super) fn close(&self, error: Option<Error>) {
        let mut state = self.lock();
        state.closed = true;
        if let Some(Error::Wire(error)) = error {
            state.broke = Some((error.kind(), error.to_string()));
        }
        drop(state);
        self.reader.wake();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Why there is nothing more: the server's last words, how the wire broke, or that it just ended.
    pub(super) fn lost(&self) -> Error {
        let state = self.lock();
        match (&state.last_words, &state.broke) {
            (Some(said), _) => Error::Server(Box::new(said.clone())),
            (None, Some((kind, words))) => Error::Wire(io::Error::new(*kind, words.clone())),
            (None, None) => Error::ended(),
        }
    }

    pub(super) fn last_words(&self) -> Option<ServerError> {
        self.lock().last_words.clone()
    }

    /// The next thing, if it is one that may be told after so many rows and waits for nothing else.
    pub(super) fn take_due(&self, rows: u64) -> Option<Heard> {
        // What came before a row is in the queue before the row can be had: nothing is missed by looking first.
        if self.waiting.load(Ordering::Acquire) == 0 {
            return None;
        }
        let state = self.lock();
        let front = state.queue.front()?;
        let at_any_time = matches!(front.heard, Heard::Notice(_) | Heard::CopyBytes(_) | Heard::CopyIn);
        if front.rows > rows || !at_any_time {
            return None;
        }
        self.pop(state)
    }

    /// The next thing, whatever it is.
    pub(super) fn take(&self) -> Option<Heard> {
        self.pop(self.lock())
    }

    fn pop(&self, mut state: MutexGuard<'_, State>) -> Option<Heard> {
        let entry = state.queue.pop_front()?;
        state.bytes -= weight(&entry.heard);
        self.changed(state);
        self.wire.wake();
        Some(entry.heard)
    }

    fn changed(&self, state: MutexGuard<'_, State>) {
        self.waiting.store(state.queue.len(), Ordering::Release);
    }

    /// The next notice heard while nothing runs.
    pub(super) fn take_notice(&self) -> Option<Notice> {
        match self.take_due(u64::MAX)? {
            Heard::Notice(notice) => Some(notice),
            _ => None,
        }
    }

    /// Whoever read the query that runs has gone. Notifications stay: they belong to the session.
    pub(super) fn give_up(&self) {
        let mut state = self.lock();
        state.unwanted = state.owed;
        state.queue.retain(|entry| is_notification(&entry.heard));
        state.bytes = state.queue.iter().map(|entry| weight(&entry.heard)).sum();
        self.changed(state);
        self.wire.wake();
    }

    fn hear(&self, bytes: &[u8]) {
        let mut state = self.lock();
        let mut tap = std::mem::take(&mut state.tap);
        tap.feed(bytes, |heard| state.enter(heard));
        state.tap = tap;
        let waits = !state.queue.is_empty();
        self.changed(state);
        if waits {
            self.reader.wake();
        }
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.ready_once && (self.bytes > WAITING_BYTES || self.queue.len() > WAITING_THINGS)
    }

    /// Whether a query is being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.owed > 0
    }

    fn enter(&mut self, heard: Heard) {
        let wanted = self.unwanted == 0;
        match heard {
            // Retold by the greeting, without the secret: the login has told the key.
            Heard::Authentication(_) | Heard::Key { .. } => {}
            Heard::Parameter { name, value } => {
                self.parameters.insert(name, value);
            }
            Heard::Row => self.rows += u64::from(wanted),
            Heard::Copy => self.copies += u64::from(wanted),
            Heard::Ready(transaction) => {
                self.transaction = transaction;
                self.ready_once = true;
                if self.owed > 0 {
                    self.owed -= 1;
                    if wanted {
                        self.push(Heard::Ready(transaction));
                    } else {
                        self.unwanted -= 1;
                    }
                    self.rows = 0;
                }
            }
            Heard::Error(error) => {
                if error.is_fatal() || self.owed == 0 {
                    self.last_words = Some(error.clone());
                }
                if self.owed > 0 && wanted {
                    self.push(Heard::Error(error));
                } else if self.owed == 0 && self.ready_once {
                    self.push(Heard::Notice(error.into_notice()));
                }
            }
            Heard::CopyBytes(bytes) if wanted => {
                let rows = self.rows;
                match self.queue.back_mut() {
                    Some(Entry { rows: at, heard: Heard::CopyBytes(before) }) if *at == rows => {
                        self.bytes += bytes.len();
                        before.extend_from_slice(&bytes);
                    }
                    _ => self.push(Heard::CopyBytes(bytes)),
                }
            }
            heard if wanted || is_notification(&heard) => self.push(heard),
            _ => {}
        }
    }

    fn push(&mut self, heard: Heard) {
        self.bytes += weight(&heard);
        self.queue.push_back(Entry { rows: self.rows, heard });
    }
}

fn is_notification(heard: &Heard) -> bool {
    matches!(heard, Heard::Notice(notice) if notice.severity == "NOTIFY")
}

/// Bytes a thing occupies, near enough.
fn weight(heard: &Heard) -> usize {
    match heard {
        Heard::CopyBytes(bytes) => bytes.len(),
        Heard::Notice(notice) => {
            let more = [&notice.detail, &notice.hint].into_iter().flatten().map(String::len).sum::<usize>();
            128 + notice.message.len() + more
        }
        _ => 128,
    }
}

/// A logged-in wire whose server is listened to. Made only from a secured wire.
pub(super) struct Tapped {
    stream: Greeted,
    ledger: Arc<Ledger>,
    /// Taken from the ledger; so much of it is sent.
    sending: Vec<u8>,
    sent: usize,
    unflushed: bool,
}

impl Tapped {
    pub(super) fn new(stream: Greeted, ledger: Arc<Ledger>) -> Tapped {
        Tapped { stream, ledger, sending: Vec::new(), sent: 0, unflushed: false }
    }

    /// Sends what was given to the ledger; ready when nothing is left.
    fn poll_outgoing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.sent == self.sending.len() {
                (self.sending, self.sent) = (self.ledger.outgoing(), 0);
            }
            if self.sending.is_empty() {
                break;
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.sending[self.sent..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => {
                    self.sent += written;
                    self.unflushed = true;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        if self.unflushed {
            std::task::ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Tapped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // The driver always waits for something to read: this is where it is woken to send.
        self.ledger.writer.register(cx.waker());
        if let Poll::Ready(Err(error)) = self.poll_outgoing(cx) {
            return Poll::Ready(Err(error));
        }
        if self.ledger.lock().is_full() {
            self.ledger.wire.register(cx.waker());
            // Room may have been made just before there was a waker.
            if self.ledger.lock().is_full() {
                return Poll::Pending;
            }
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let heard = &buf.filled()[before..];
        if !heard.is_empty() {
            self.ledger.hear(heard);
        }
        polled
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_outgoing(cx))?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
