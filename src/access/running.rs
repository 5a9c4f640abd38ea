//! A statement that runs, from the first look at the wire to the audit's line. It must never send it twice, and never
//! claim to know an outcome that it does not.

use super::audit::Event;
use super::connect::Arrived;
use super::diagnose::sql;
use super::guard::{self, Dressed};
use super::session::{Context, Session};
use super::walk::Walk;
use super::{Access, refusal};
use crate::db;
use crate::model::{CopyPiece, Diagnosis, Happening, SessionFacts, Target, Transaction, visible};
use futures_util::FutureExt;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use tokio::time::Instant;

type Returning = Pin<Box<dyn Future<Output = Result<Arrived, Diagnosis>> + Send>>;

/// A statement that runs.
pub struct Running<'a> {
    context: &'a mut Context,
    statement: String,
    begun: Instant,
    rows: Option<u64>,
    /// The line of the audit is written.
    noted: bool,
    was: Transaction,
    /// What goes out for it, where that is more than the statement.
    dressed: Option<Dressed>,
    /// Whether the completions that are still to come are ours.
    ours: VecDeque<bool>,
    state: State<'a>,
}

enum State<'a> {
    /// Not sent yet; the wire has not been looked at.
    New(&'a mut db::Session),
    /// The wire was lost while idle; a new one is on its way. Nothing was sent.
    Returning(&'a mut db::Session, Returning),
    /// Sent.
    Sent(db::Running<'a>),
    /// It may not be sent.
    Refused(Box<Diagnosis>),
    /// Over.
    Over,
}

impl<'a> Running<'a> {
    pub(super) fn new(session: &'a mut Session, statement: &str) -> Running<'a> {
        let Session { session, context } = session;
        let was = session.transaction();
        Running {
            context,
            statement: statement.to_owned(),
            begun: Instant::now(),
            rows: None,
            noted: false,
            was,
            dressed: None,
            ours: VecDeque::new(),
            state: State::New(session),
        }
    }

    /// Keeps it out of the audit: for looks at the server that nobody typed.
    pub(super) fn unnoted(mut self) -> Running<'a> {
        self.noted = true;
        self
    }

    /// The next happening; `None` at the end. Cancel-safe. After an `Err` it is at its end.
    pub async fn next(&mut self) -> Option<Result<Happening, Diagnosis>> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::New(session) => {
                    // A loss that nobody has looked at yet shows here, before anything is sent.
                    match session.idle().now_or_never() {
                        _ if self.context.loss_told => {}
                        Some(Some(notice)) => {
                            self.state = State::New(session);
                            return Some(Ok(Happening::Notice(notice)));
                        }
                        Some(None) => {}
                        None if session.is_closed() => {}
                        None => {
                            if let Err(diagnosis) = self.guard(session) {
                                return Some(Err(self.failed(diagnosis)));
                            }
                            self.context.runs(&self.statement);
                            let running = session.run(&self.text());
                            self.state = State::Sent(running);
                            continue;
                        }
                    }
                    if self.was != Transaction::Idle && !self.context.loss_told {
                        self.context.loss_told = true;
                        let why = session.closed_because();
                        let diagnosis = sql::transaction_lost(why.as_ref(), self.context.line.ended().as_ref());
                        return Some(Err(self.failed(diagnosis.because("the statement was not sent"))));
                    }
                    let way = returning(self.context.access.clone(), self.context.target.clone());
                    self.state = State::Returning(session, Box::pin(way));
                }
                State::Returning(session, way) => {
                    // Kept while it is awaited: whoever drops this future and asks again goes on waiting for the same.
                    self.state = State::Returning(session, way);
                    let State::Returning(_, way) = &mut self.state else { return None };
                    let arrived = way.await;
                    let State::Returning(session, _) = std::mem::replace(&mut self.state, State::Over) else {
                        return None;
                    };
                    match arrived {
                        Ok(arrived) => {
                            let words = self.returned(session, arrived);
                            // Of a fresh session it is known how it reads; what may not be sent shows next.
                            let guarded = self.guard(session);
                            self.state = match guarded {
                                Ok(()) => State::Sent(session.run(&self.text())),
                                Err(diagnosis) => State::Refused(Box::new(diagnosis)),
                            };
                            return Some(Ok(Happening::Reconnected(words)));
                        }
                        Err(diagnosis) => return Some(Err(self.failed(refusal::not_back(diagnosis)))),
                    }
                }
                State::Sent(running) => {
                    self.state = State::Sent(running);
                    let State::Sent(running) = &mut self.state else { return None };
                    match running.next().await {
                        Some(Ok(Happening::Complete { .. })) if self.ours.pop_front() == Some(true) => {}
                        Some(Ok(happening)) => {
                            if let Happening::Complete { rows, .. } = &happening {
                                self.rows = Some(self.rows.unwrap_or(0) + rows);
                            }
                            return Some(Ok(happening));
                        }
                        Some(Err(error)) => {
                            self.state = State::Over;
                            let diagnosis = self.judge(&error);
                            return Some(Err(self.failed(diagnosis)));
                        }
                        None => {
                            self.state = State::Over;
                            self.note("ok");
                            return None;
                        }
                    }
                }
                State::Refused(diagnosis) => return Some(Err(self.failed(*diagnosis))),
                State::Over => return None,
            }
        }
    }

    /// Decides what goes out for the statement.
    fn guard(&mut self, session: &db::Session) -> Result<(), Diagnosis> {
        let transaction = session.transaction();
        let opens = self.context.manual && transaction == Transaction::Idle && guard::is_for_a_block(&self.statement);
        if opens {
            // Lost under way, it is rolled back for certain.
            self.was = Transaction::Open;
        }
        let mut dressed = None;
        if self.context.target.read_only {
            let is =
                |name: &str, value: &str| session.parameter(name).is_none_or(|now| now.eq_ignore_ascii_case(value));
            let reading = guard::Reading {
                standard_strings: is("standard_conforming_strings", "on"),
                utf8: is("client_encoding", "UTF8"),
            };
            let stands = if opens { Transaction::Open } else { transaction };
            dressed = Some(guard::dress(&self.statement, stands, &reading)?);
        }
        if opens {
            dressed.get_or_insert_with(|| Dressed::bare(&self.statement)).put_before(guard::BEGIN);
        }
        self.ours = dressed.as_ref().map(|dressed| dressed.ours.iter().copied().collect()).unwrap_or_default();
        self.dressed = dressed;
        Ok(())
    }

    /// What goes out.
    fn text(&self) -> Cow<'_, str> {
        match &self.dressed {
            None => Cow::Borrowed(&self.statement),
            Some(dressed) => String::from_utf8_lossy(&dressed.text),
        }
    }

    /// Type modifiers of the columns told last; none after the end.
    pub fn modifiers(&self) -> &[i32] {
        match &self.state {
            State::Sent(running) => running.modifiers(),
            _ => &[],
        }
    }

    /// Answers a [`Happening::CopyIn`].
    pub fn copy_in(&mut self, piece: CopyPiece) {
        if let State::Sent(running) = &mut self.state {
            running.copy_in(piece);
        }
    }

    /// Whether nothing was sent yet: the wire is being looked at, or a new one is on its way.
    pub fn is_unsent(&self) -> bool {
        matches!(self.state, State::New(_) | State::Returning(..))
    }

    /// What is known of the session now: a new one's facts once it has come back.
    pub fn facts(&self) -> SessionFacts {
        self.context.facts.clone()
    }

    /// Leaves it, with this outcome for the audit. Unless the wire is cut then, it goes on at the server.
    pub fn leave(mut self, outcome: &str) {
        self.note(outcome);
    }

    fn judge(&mut self, error: &db::Error) -> Diagnosis {
        let in_transaction = self.was != Transaction::Idle;
        let lost = match error {
            db::Error::Server(error) => refusal::ends_session(error),
            other => !matches!(other, db::Error::Unsupported(_)),
        };
        if lost {
            // Told now: the next statement opens a new session without telling it again.
            self.context.loss_told = true;
        }
        let mut diagnosis = refusal::of_statement(
            error,
            &self.context.target,
            self.context.facts.hot_standby,
            in_transaction,
            ends_transaction(&self.statement),
            &self.context.line,
        );
        if let Some(dressed) = &self.dressed {
            // Of what is put behind, the last place of the statement is the nearest.
            let end = self.statement.chars().count();
            diagnosis.at = diagnosis.at.map(|at| guard::place(at, &dressed.inserted));
            if diagnosis.at.is_some_and(|at| at > end) {
                diagnosis.at = Some(end);
                if diagnosis.title == "syntax error at or near \";\"" {
                    "syntax error at end of input".clone_into(&mut diagnosis.title);
                }
            }
        }
        diagnosis
    }

    fn returned(&mut self, session: &mut db::Session, arrived: Arrived) -> String {
        let Arrived { session: fresh, line, facts } = arrived;
        let words = match (self.context.cut, self.context.clean) {
            (true, true) => format!("connected again {} after the cancel", facts.route),
            (true, false) => format!(
                "connected again {}: temporary tables, settings and locks of the dropped session are gone",
                facts.route
            ),
            (false, _) => {
                let lost = if self.context.loss_told { "" } else { "the connection was lost while idle; " };
                format!("{lost}logged in again {}: temporary tables, settings and locks are gone", facts.route)
            }
        };
        self.context.took(line, facts, fresh.cancel_key());
        self.context.runs(&self.statement);
        *session = fresh;
        self.was = Transaction::Idle;
        self.context.audit(&Event::Reconnect, "ok", Some(self.begun));
        visible(&words).into_owned()
    }

    fn failed(&mut self, diagnosis: Diagnosis) -> Diagnosis {
        self.note(&refusal::outcome(&diagnosis));
        diagnosis
    }

    fn note(&mut self, outcome: &str) {
        if !std::mem::replace(&mut self.noted, true) {
            let event = Event::Statement { text: &self.statement, rows: self.rows };
            self.context.audit(&event, outcome, Some(self.begun));
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if matches!(self.state, State::Sent(_)) {
            self.note("left while it ran");
        } else if !matches!(self.state, State::Over) {
            self.note("not sent");
        }
    }
}

/// The same way again, with a fresh token, over the line that is there or a new one.
async fn returning(access: Access, target: Target) -> Result<Arrived, Diagnosis> {
    let walk = Walk::new(None, access.settings().connect_timeout);
    Box::pin(access.arrive(&target, &walk)).await
}

/// Whether losing the wire under this statement leaves it open how a transaction ended: it may have arrived. A text of
/// several statements may hold it anywhere.
fn ends_transaction(statement: &str) -> bool {
    guard::first_words(statement).iter().any(|[first, second]| {
        matches!(first.as_str(), "commit" | "end") || (first == "prepare" && second == "transaction")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_committed_is_not_called_rolled_back() {
        for (statement, may) in [
            ("commit", true),
            ("COMMIT AND CHAIN", true),
            ("insert into t values (1); end;", true),
            ("prepare transaction 'x'", true),
            ("insert into commits values (1)", false),
            ("update t set a = 1", false),
            ("select case when a then 1 end from t", false),
            ("do $$ begin commit; end $$", false),
        ] {
            assert_eq!(ends_transaction(statement), may, "{statement}");
        }
    }
}
