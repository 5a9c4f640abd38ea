//! A statement tried out: it runs in a transaction, what it would change is counted by the server, and it is undone unless
//! whoever sits there keeps it in time. Its locks are held while the question stands, which is why this is asked for and
//! never done unasked. It must not know the pane.

use super::order::{Ask, News, Outcome, Past, Statement};
use super::worker::{After, Worker};
use crate::access::Session;
use crate::model::{Diagnosis, Transaction};
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// An answer that takes longer undoes the statement: others may be waiting for its locks.
pub(super) const ANSWER: Duration = Duration::from_secs(30);

/// Waiting for somebody else's lock longer than this ends the try.
const OPEN: &str = "BEGIN; SET LOCAL lock_timeout = '3s'";
/// Where commits are the user's.
const OPEN_BY_HAND: &str = "BEGIN; SAVEPOINT gatepost_try";
/// Within the user's own transaction, which goes on either way.
const OPEN_WITHIN: &str = "SAVEPOINT gatepost_try";
const KEEP_WITHIN: &str = "RELEASE SAVEPOINT gatepost_try";
const UNDO_WITHIN: &str = "ROLLBACK TO SAVEPOINT gatepost_try; RELEASE SAVEPOINT gatepost_try";

impl Worker {
    /// Runs `statement`, tells how many rows it changed, and keeps or undoes it.
    pub(super) async fn try_out(
        &mut self,
        session: &mut Session,
        run: u64,
        statement: Statement,
        notes: &Sender<Past>,
    ) -> After {
        self.results.clear();
        self.desk.clear();
        let within = session.transaction() != Transaction::Idle;
        let manual = !session.autocommit();
        let (open, keep, undo) = match within {
            true => (OPEN_WITHIN, KEEP_WITHIN, UNDO_WITHIN),
            false if manual => (OPEN_BY_HAND, KEEP_WITHIN, "ROLLBACK"),
            false => (OPEN, "COMMIT", "ROLLBACK"),
        };
        if let Err(diagnosis) = quietly(session, open).await {
            (self.tell)(News::Trouble(diagnosis));
            self.tell_state(session);
            return After::Go;
        }
        self.tell_state(session);
        let mut ended = self.statement(session, run, 0, &statement.sql, None).await;
        self.lost = session.is_away();
        let done = ended.outcome == Outcome::Done && !ended.cancelled && !self.lost;
        let kept = match done && ended.after == After::Go {
            true => self.is_kept(ended.rows).await,
            false => Some(false),
        };
        if !self.lost {
            let end = if kept == Some(true) { keep } else { undo };
            match quietly(session, end).await {
                Ok(()) if kept == Some(true) && (within || manual) => {
                    self.said("kept; the transaction is still open", false)
                }
                Ok(()) if kept == Some(true) => self.said("committed", false),
                Ok(()) => self.said("rolled back: nothing was changed", false),
                Err(diagnosis) => (self.tell)(News::Trouble(diagnosis)),
            }
            self.lost = session.is_away();
        }
        self.tell_state(session);
        if let Some(text) = statement.note {
            if done && kept != Some(true) {
                ended.outcome = Outcome::Cancelled;
            }
            let _ = notes.send(ended.past(text));
        }
        if kept.is_none() { After::Leave } else { ended.after }
    }

    /// Whether it is kept; `None` when the tab is being closed.
    async fn is_kept(&mut self, rows: u64) -> Option<bool> {
        (self.tell)(News::Tried { rows, answer_within: ANSWER });
        let until = Instant::now() + ANSWER;
        loop {
            match timeout_at(until, self.waiting.recv()).await {
                Err(_) => {
                    self.said("no answer came in time", true);
                    return Some(false);
                }
                Ok(Some(Ask::Answer(answer))) => return Some(answer),
                Ok(ask) => match self.meanwhile(ask) {
                    None => {}
                    Some(After::Go) => return Some(false),
                    Some(After::Leave) => return None,
                },
            }
        }
    }

    fn said(&self, words: &str, warning: bool) {
        (self.tell)(News::Said { text: words.to_owned(), warning });
    }
}

/// Runs what the user did not write and sees nothing of.
async fn quietly(session: &mut Session, sql: &str) -> Result<(), Diagnosis> {
    let mut running = session.run(sql);
    let mut outcome = Ok(());
    while let Some(happening) = running.next().await {
        if let Err(diagnosis) = happening {
            outcome = Err(diagnosis);
        }
    }
    outcome
}
