//! A statement that runs: rows packed into pages, and what came between them, in the server's order. It must not know
//! what becomes of the pages.

use super::error::Error;
use super::session::Session;
use super::tap::Heard;
use crate::model::{Column, CopyPiece, Happening, PageBuilder};
use futures_util::{FutureExt, Stream};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow, SimpleQueryStream};

/// A page is given when it holds so much …
const PAGE: usize = 256 * 1024;
/// … or when nothing more is there, and it is the first of its result, holds so much …
const SMALL_PAGE: usize = 32 * 1024;
/// … or has waited so long: a slow wire must not show a row late, a fast one not make thousands of tiny pages.
const LINGER: Duration = Duration::from_millis(10);

/// A statement that runs. Dropped before its end, it goes on at the server; what it still gives is read and forgotten in
/// the background, and the next statement waits for its end (to be rid of it, cancel it).
pub struct Running<'a> {
    session: &'a mut Session,
    stream: Option<Pin<Box<SimpleQueryStream>>>,
    /// Rows taken of this query.
    rows: u64,
    /// Of those, before the result that comes now.
    before: u64,
    page: Option<PageBuilder>,
    /// The page under way is the first of its result.
    first: bool,
    linger: Option<Pin<Box<Sleep>>>,
    /// To be given, in order.
    ready: VecDeque<Happening>,
    /// Given when the server is ready again, so that the transaction's state is known with it.
    failed: Option<Error>,
    /// The server waits for COPY data.
    copying: bool,
    /// Type modifiers of the columns told last.
    modifiers: Vec<i32>,
}

impl<'a> Running<'a> {
    pub(super) fn start(session: &'a mut Session, statement: &str) -> Running<'a> {
        let mut running = Running {
            session,
            stream: None,
            rows: 0,
            before: 0,
            page: None,
            first: true,
            linger: None,
            ready: VecDeque::new(),
            failed: None,
            copying: false,
            modifiers: Vec::new(),
        };
        match running.send(statement) {
            Ok(stream) => running.stream = Some(Box::pin(stream)),
            Err(error) => running.failed = Some(error),
        }
        running
    }

    fn send(&mut self, statement: &str) -> Result<SimpleQueryStream, Error> {
        if statement.contains('\0') {
            return Err(Error::Unsupported("A statement cannot hold a NUL character.".to_owned()));
        }
        let ledger = &self.session.ledger;
        let client = self.session.client.as_ref().filter(|client| !client.is_closed() && !ledger.is_closed());
        let Some(client) = client else { return Err(ledger.lost()) };
        ledger.sent();
        // It is handed to the driver without waiting for anything.
        let sent = client.simple_query_raw(statement).now_or_never();
        if !matches!(sent, Some(Ok(_))) {
            ledger.unsent();
        }
        match sent {
            Some(Ok(stream)) => Ok(stream),
            Some(Err(error)) if error.is_closed() => Err(ledger.lost()),
            Some(Err(error)) => Err(Error::from(error)),
            None => Err(Error::ended()),
        }
    }

    /// The next happening; `None` after the last (ReadyForQuery). Cancel-safe. Rows come in pages of at most some hundred
    /// kilobytes; the first page is given as soon as the server's first rows are there. After an error there is nothing
    /// more but `None`.
    pub async fn next(&mut self) -> Option<Result<Happening, Error>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Type modifiers of the columns told last (`pg_attribute.atttypmod`; -1: none).
    pub fn modifiers(&self) -> &[i32] {
        &self.modifiers
    }

    /// Answers a [`Happening::CopyIn`]. Without effect when the server waits for nothing (any more).
    pub fn copy_in(&mut self, piece: CopyPiece) {
        if !self.copying {
            return;
        }
        let ledger = &self.session.ledger;
        match piece {
            CopyPiece::Data(data) if data.is_empty() => return,
            CopyPiece::Data(data) => return ledger.give(b'd', &data),
            CopyPiece::Done => ledger.give(b'c', &[]),
            CopyPiece::Fail(why) => ledger.give(b'f', &[why.replace('\0', "").as_bytes(), b"\0"].concat()),
        }
        self.copying = false;
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Happening, Error>>> {
        self.session.ledger.register(cx);
        loop {
            if let Some(happening) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(happening)));
            }
            if let Some(heard) = self.session.ledger.take_due(self.rows) {
                self.between(heard);
                continue;
            }
            let Some(stream) = &mut self.stream else {
                return Poll::Ready(self.failed.take().map(Err));
            };
            let polled = stream.as_mut().poll_next(cx);
            if polled.is_ready() {
                // What came before it is in the ledger by now, though perhaps not yet when that was asked above.
                while let Some(heard) = self.session.ledger.take_due(self.rows) {
                    self.between(heard);
                }
            }
            match polled {
                Poll::Ready(Some(Ok(SimpleQueryMessage::Row(row)))) => self.row(&row),
                Poll::Ready(Some(Ok(message))) => self.message(&message),
                Poll::Ready(Some(Err(error))) => self.error(error),
                Poll::Ready(None) => self.end(),
                Poll::Pending => {
                    if self.copying && self.session.ledger.has_room() {
                        return Poll::Ready(Some(Ok(Happening::CopyIn)));
                    }
                    if !self.is_page_due(cx) {
                        return Poll::Pending;
                    }
                    self.flush();
                }
            }
        }
    }

    /// Something that may come at any time.
    fn between(&mut self, heard: Heard) {
        self.flush();
        match heard {
            Heard::Notice(notice) => self.ready.push_back(Happening::Notice(notice)),
            Heard::CopyBytes(bytes) => self.ready.push_back(Happening::CopyData(bytes)),
            _ => self.copying = true,
        }
    }

    fn row(&mut self, row: &SimpleQueryRow) {
        self.rows += 1;
        if self.failed.is_some() {
            return;
        }
        let page = self.page.get_or_insert_with(|| PageBuilder::new(row.len()));
        let mut garbled = false;
        let cells = (0..row.len()).map(|at| {
            row.try_get(at).unwrap_or_else(|_| {
                garbled = true;
                None
            })
        });
        page.push(cells);
        if garbled {
            let encoding = self.session.parameter("client_encoding").unwrap_or_default();
            self.failed = Some(Error::Unsupported(format!(
                "A value came in another encoding than UTF-8 (client_encoding is {encoding}): SET client_encoding = 'UTF8'."
            )));
        } else if page.size() >= PAGE {
            self.flush();
        }
    }

    fn message(&mut self, message: &SimpleQueryMessage) {
        self.flush();
        // What the tap heard of the same message; what may come at any time was told before.
        let Some(heard) = self.session.ledger.take() else {
            return self.fail(Error::garbled("a message that was not heard"));
        };
        match (message, heard) {
            (SimpleQueryMessage::RowDescription(names), Heard::Columns(types)) => {
                self.modifiers = types.iter().map(|(_, modifier)| *modifier).collect();
                let oids = types.into_iter().map(|(oid, _)| oid).chain(std::iter::repeat(0));
                let columns: Vec<Column> =
                    names.iter().zip(oids).map(|(name, oid)| Column { name: name.name().to_owned(), oid }).collect();
                self.page = Some(PageBuilder::new(columns.len()));
                self.first = true;
                self.tell(Happening::Columns(columns));
            }
            (SimpleQueryMessage::CommandComplete(_), Heard::Complete(tag)) => {
                self.copying = false;
                self.page = None;
                // SHOW, EXPLAIN and FETCH's like do not say how many.
                let own = self.rows - std::mem::replace(&mut self.before, self.rows);
                let rows = tag.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(own);
                self.tell(Happening::Complete { tag, rows });
            }
            (SimpleQueryMessage::CommandComplete(_), Heard::Empty) => {}
            _ => self.fail(Error::garbled("messages out of order")),
        }
    }

    fn tell(&mut self, happening: Happening) {
        if self.failed.is_none() {
            self.ready.push_back(happening);
        }
    }

    fn error(&mut self, error: tokio_postgres::Error) {
        if error.is_closed() {
            let lost = self.session.ledger.lost();
            self.failed.get_or_insert(lost);
            self.stream = None;
            return;
        }
        let has_cause = std::error::Error::source(&error).is_some();
        if !has_cause && self.session.copies < self.session.ledger.lock().copies {
            // A message of COPY TO STDOUT, which the client does not know in a simple query; the tap has its data.
            self.session.copies += 1;
            return;
        }
        self.copying = false;
        self.flush();
        match error.as_db_error().map(|_| self.session.ledger.take()) {
            Some(Some(Heard::Error(said))) => {
                let last = said.is_fatal();
                self.fail(Error::Server(Box::new(said)));
                if last {
                    // The server's last words: that the wire ends, too, is not waited for.
                    self.stream = None;
                    self.session.cut();
                }
            }
            Some(_) => self.fail(Error::garbled("an error that was not heard")),
            None => self.fail(Error::from(error)),
        }
    }

    /// Remembers the first failure.
    fn fail(&mut self, error: Error) {
        self.failed.get_or_insert(error);
    }

    /// ReadyForQuery came through.
    fn end(&mut self) {
        self.flush();
        self.stream = None;
        while let Some(heard) = self.session.ledger.take() {
            match heard {
                Heard::Ready(_) => break,
                Heard::Notice(notice) => self.ready.push_back(Happening::Notice(notice)),
                _ => {}
            }
        }
    }

    fn flush(&mut self) {
        self.linger = None;
        if let Some(page) = self.page.as_mut().filter(|page| page.rows() > 0) {
            self.first = false;
            self.ready.push_back(Happening::Rows(page.take()));
        }
    }

    /// Whether rows at hand are to be given although nothing more is there yet.
    fn is_page_due(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(page) = self.page.as_ref().filter(|page| page.rows() > 0) else { return false };
        if self.first || page.size() >= SMALL_PAGE {
            return true;
        }
        self.linger.get_or_insert_with(|| Box::pin(sleep(LINGER))).as_mut().poll(cx).is_ready()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.stream.is_some() {
            self.copy_in(CopyPiece::Fail("the client has left the statement".to_owned()));
            self.session.give_up();
        }
    }
}
