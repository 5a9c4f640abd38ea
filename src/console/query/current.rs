//! The statement that runs in a tab: what of it has come, whether it is being stopped, what its loss would mean. It must not
//! know the results that are kept.

use super::order::{Outcome, Past, ResultId, Timing};
use super::outlet::Outlet;
use super::scripted::Scripted;
use super::stopping::Stop;
use super::worker::{After, Tell};
use super::{News, text};
use crate::access::script::Ran;
use crate::access::{Canceller, Means, Session};
use crate::model::sql::{Class, CopyWay, classify};
use crate::model::{Diagnosis, Kind, Page, PageBuilder, Transaction, visible};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What is thrown away after a cancel is told this far apart.
const DRAIN_RATE: Duration = Duration::from_millis(200);

/// The statement that runs.
pub(super) struct Current {
    pub(super) run: u64,
    pub(super) index: usize,
    pub(super) sent: Instant,
    pub(super) first: Option<Duration>,
    pub(super) result: Option<ResultId>,
    pub(super) rows: u64,
    /// When the count is to be told.
    pub(super) flush: Option<Instant>,
    /// A cap was reached.
    pub(super) full: bool,
    /// Cancelling would undo work: it writes, or a transaction is open.
    pub(super) keeps: bool,
    pub(super) canceller: Canceller,
    pub(super) stop: Option<Stop>,
    pub(super) by_user: bool,
    /// Nothing would be lost with the wire.
    pub(super) loses_nothing: bool,
    pub(super) in_transaction: bool,
    /// When [`News::Draining`] was told last.
    pub(super) drained: Option<Instant>,
    /// When it was told last how much is in the file.
    measured: Option<Instant>,
    pub(super) outcome: Option<Outcome>,
    /// Of `COPY … TO STDOUT`: the beginning of a line whose end has not come.
    pub(super) partial: Vec<u8>,
    /// A script runs it.
    pub(super) script: Option<Scripted>,
    /// A round trip of the line.
    pub(super) network: Option<Duration>,
    /// What goes on beside it until it has ended: a wire is kept ready for its cancel, the server is asked how far it is.
    beside: Vec<JoinHandle<()>>,
}

impl Drop for Current {
    fn drop(&mut self) {
        for task in &self.beside {
            task.abort();
        }
    }
}

impl Current {
    pub(super) fn new(run: u64, index: usize, session: &Session, sql: &str) -> Current {
        Current {
            run,
            index,
            sent: Instant::now(),
            first: None,
            result: None,
            rows: 0,
            flush: None,
            full: false,
            keeps: session.transaction() != Transaction::Idle || classify(sql).writes(),
            canceller: session.canceller(),
            stop: None,
            by_user: false,
            loses_nothing: session.loses_nothing(sql),
            in_transaction: session.transaction() != Transaction::Idle,
            drained: None,
            measured: None,
            outcome: None,
            partial: Vec::new(),
            script: None,
            network: None,
            beside: Vec::new(),
        }
    }

    /// The file that must take something before more rows are read; after a cancel nobody waits for it.
    pub(super) fn full_outlet(&self) -> Option<Outlet> {
        let outlet = self.script.as_ref()?.outlet()?;
        (outlet.is_full() && !self.stop.as_ref().is_some_and(Stop::is_wanted)).then(|| outlet.clone())
    }

    pub(super) fn answered(&mut self) {
        self.first.get_or_insert_with(|| self.sent.elapsed());
    }

    pub(super) fn timing(&self) -> Timing {
        let first = self.first.filter(|_| self.result.is_some());
        Timing { first, total: self.sent.elapsed(), network: self.network }
    }

    /// Asks the server to cancel; rows are drained meanwhile.
    pub(super) fn cancel(&mut self, tell: &Tell, by_user: bool) {
        self.by_user |= by_user;
        match &mut self.stop {
            Some(stop) if by_user => stop.by_user(),
            Some(_) => {}
            None => self.stop = Some(Stop::begin(self.canceller.clone(), Arc::clone(tell), by_user)),
        }
    }

    /// Signals the backend from a second session.
    pub(super) fn press(&mut self, tell: &Tell, means: Means) {
        let canceller = self.canceller.clone();
        if let Some(stop) = &mut self.stop {
            stop.press(canceller, Arc::clone(tell), means);
        }
    }

    /// Tells how far it is, from a task of its own, until it has ended.
    pub(super) fn follow(&mut self, sql: &str, tell: &Tell) {
        let tell = Arc::clone(tell);
        let following = self.canceller.clone().follow(sql.to_owned(), move |words| tell(News::Progress(words)));
        self.beside.push(tokio::spawn(following));
    }

    /// Keeps a wire ready for its cancel, from a task of its own, until it has ended.
    pub(super) fn stand_by(&mut self) {
        self.beside.push(tokio::spawn(self.canceller.clone().stand_by()));
    }

    /// How much of it is in its file, at a bounded rate.
    pub(super) fn tell_written(&mut self, tell: &Tell) {
        let Some(outlet) = self.script.as_ref().and_then(Scripted::outlet) else { return };
        let begun = *self.measured.get_or_insert_with(Instant::now);
        if begun.elapsed() >= DRAIN_RATE {
            self.measured = Some(Instant::now());
            let name = outlet.path().file_name().unwrap_or_default().to_string_lossy();
            tell(News::Progress(visible(&format!("{} in {name}", text::size(outlet.bytes()))).into_owned()));
        }
    }

    /// What is thrown away is told, at a bounded rate.
    pub(super) fn tell_thrown(&mut self, tell: &Tell) {
        if self.drained.is_none_or(|at| at.elapsed() >= DRAIN_RATE)
            && let Some(stop) = &self.stop
        {
            self.drained = Some(Instant::now());
            tell(News::Draining(stop.thrown));
        }
    }

    /// What is true of the statement when its wire is dropped.
    pub(super) fn dropped(&self, sql: &str) -> Diagnosis {
        if self.loses_nothing {
            return Diagnosis::new(Kind::Cancelled, "Cancelled: the connection was dropped")
                .because("the server ends the statement when it notices");
        }
        let gone = "temporary tables, settings and locks of the session are gone with it";
        if self.in_transaction && classify(sql) != Class::Transaction {
            let title = "The connection was dropped: the server rolls the open transaction back";
            return Diagnosis::new(Kind::TransactionLost, title).because(gone);
        }
        if matches!(classify(sql), Class::Reads | Class::Copy(CopyWay::ToStdout)) {
            return Diagnosis::new(Kind::Cancelled, "Cancelled: the connection was dropped").because(gone);
        }
        let title = "The connection was dropped: the statement may or may not have run";
        Diagnosis::new(Kind::OutcomeUnknown, title).because(gone).advise("Look at the data before running it again")
    }

    /// The whole lines of COPY data, as rows of one cell.
    pub(super) fn lines(&mut self, data: &[u8]) -> Option<Page> {
        self.partial.extend_from_slice(data);
        let end = self.partial.iter().rposition(|byte| *byte == b'\n')?;
        let whole: Vec<u8> = self.partial.drain(..=end).collect();
        let mut builder = PageBuilder::new(1);
        for line in whole[..end].split(|byte| *byte == b'\n') {
            builder.push([Some(String::from_utf8_lossy(line).as_ref())]);
        }
        Some(builder.take())
    }

    /// What COPY data left without a line end.
    pub(super) fn rest(&mut self) -> Option<Page> {
        if self.partial.is_empty() {
            return None;
        }
        self.partial.push(b'\n');
        self.lines(&[])
    }
}

/// Why nothing more is heard of a statement.
pub(super) enum End {
    /// It has ended, or the tab is being left.
    Over,
    /// It was stopped before it was sent.
    Unsent,
    /// The wire is to be cut under it.
    Cut(Diagnosis),
}

/// How a statement ended.
pub(super) struct Ended {
    pub(super) at: SystemTime,
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
    pub(super) rows: u64,
    /// For the script that ran it.
    pub(super) ran: Ran,
    pub(super) cancelled: bool,
    pub(super) after: After,
}

impl Ended {
    pub(super) fn past(&self, text: String) -> Past {
        let at = self.at.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or(0);
        Past { text, at, outcome: self.outcome, took: self.took.as_millis() as u64, rows: self.rows }
    }
}
