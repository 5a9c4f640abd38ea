//! The task that owns a tab's live session: it runs statements, drains rows at the speed of the line into results, answers
//! for windows of them, cancels, keeps the history file, and tells all of it as [`News`]. Counts are told at a bounded rate,
//! the first rows at once. It must not know the pane.

use super::journal::Journal;
use super::order::{Ask, News, Outcome, Past, ResultId, Statement, Timing, Window};
use crate::access::{Canceller, Full, Limits, ResultSet, Session};
use crate::model::sql::classify;
use crate::model::{Column, Diagnosis, Happening, Kind, Page, PageBuilder, Settings, Transaction};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

/// Where news go.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;

/// Counts are told this far apart.
const RATE: Duration = Duration::from_millis(30);
/// Rows told unasked when the first come.
const FIRST: u64 = 200;
/// Bytes of pages in one window, beyond which no more are added.
const WINDOW: usize = 4 << 20;
/// Results kept of one run; the oldest go.
pub(super) const RESULTS: usize = 200;
/// How long an ended run waits for its cancel request: one that arrives later would hit the statement after.
const CANCEL_WAIT: Duration = Duration::from_secs(10);
/// A cancel that reaches the server before the statement does is forgotten there, so it is sent again while the statement
/// goes on: after this long, then twice as long, up to [`AGAIN_MOST`].
const AGAIN: Duration = Duration::from_millis(200);
/// The longest pause between two cancel requests.
const AGAIN_MOST: Duration = Duration::from_secs(5);
/// How long closing waits for what runs, after having cancelled it.
const CLOSE_WAIT: Duration = Duration::from_secs(3);

/// Starts the worker. It ends, after closing the session politely and telling [`News::Closed`], when it is asked to or
/// when the sender is dropped; await the handle before the program ends.
pub fn start(session: Session, settings: &Settings, tell: Tell) -> (UnboundedSender<Ask>, JoinHandle<()>) {
    let (asks, waiting) = unbounded_channel();
    let worker = Worker {
        waiting,
        tell,
        limits: Limits { memory: settings.memory_limit, rows: settings.row_limit, bytes: settings.byte_limit },
        results: VecDeque::new(),
        next: 0,
        lost: false,
    };
    // The same identifier in another account is another database: staging's history is not production's.
    let endpoint = &session.target().endpoint;
    let name = format!("{}.{}.{}", endpoint.owner, endpoint.place.region, endpoint.account);
    let journal = Journal::new(&settings.state_dir, &name);
    (asks, tokio::spawn(worker.live(session, journal)))
}

struct Worker {
    waiting: UnboundedReceiver<Ask>,
    tell: Tell,
    limits: Limits,
    results: VecDeque<(ResultId, ResultSet)>,
    next: u64,
    lost: bool,
}

/// Whether the tab lives on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Go,
    Leave,
}

impl Worker {
    async fn live(mut self, mut session: Session, journal: Journal) {
        let (notes, writing) = keep(journal, Arc::clone(&self.tell));
        self.tell_state(&session);
        loop {
            let transaction = session.transaction();
            let ask = tokio::select! {
                biased;
                ask = self.waiting.recv() => ask,
                notice = session.idle(), if !self.lost => {
                    match notice {
                        Some(notice) => (self.tell)(News::Notice(notice)),
                        None => {
                            self.lost = true;
                            (self.tell)(News::Lost { in_transaction: transaction != Transaction::Idle });
                        }
                    }
                    continue;
                }
            };
            match ask {
                None | Some(Ask::Close) => break,
                Some(Ask::Cancel) => {}
                Some(Ask::Window { result, first, count }) => self.window(result, first, count),
                Some(Ask::Run { run, statements }) => {
                    let after = self.run(&mut session, run, statements, &notes).await;
                    (self.tell)(News::Ended { run });
                    if after == After::Leave {
                        break;
                    }
                }
            }
        }
        session.close().await;
        drop(notes);
        // What was noted is on disk before the program may end.
        let _ = timeout(CLOSE_WAIT, writing).await;
        (self.tell)(News::Closed);
    }

    async fn run(
        &mut self,
        session: &mut Session,
        run: u64,
        statements: Vec<Statement>,
        notes: &Sender<Past>,
    ) -> After {
        self.results.clear();
        for (index, statement) in statements.into_iter().enumerate() {
            let ended = self.statement(session, run, index, &statement.sql).await;
            self.lost = false;
            self.tell_state(session);
            if let Some(text) = statement.note {
                let _ = notes.send(ended.past(text));
            }
            if ended.after == After::Leave {
                return After::Leave;
            }
            if ended.outcome != Outcome::Done || ended.cancelled {
                break;
            }
        }
        After::Go
    }

    /// Runs one statement to its end, answering meanwhile.
    async fn statement(&mut self, session: &mut Session, run: u64, index: usize, sql: &str) -> Ended {
        let at = SystemTime::now();
        let mut current = Current::new(run, index, session, sql);
        (self.tell)(News::Began { run, index, at });
        let mut running = session.run(sql);
        let mut leaving: Option<Instant> = None;
        loop {
            let flush = current.flush;
            let deadline = leaving;
            tokio::select! {
                biased;
                ask = self.waiting.recv() => match ask {
                    Some(Ask::Window { result, first, count }) => self.window(result, first, count),
                    Some(Ask::Cancel) => current.cancel(&self.tell, true),
                    Some(Ask::Run { .. }) => {}
                    None | Some(Ask::Close) => {
                        current.cancel(&self.tell, false);
                        leaving = leaving.or(Some(Instant::now() + CLOSE_WAIT));
                        if self.waiting.is_closed() {
                            // Nobody can ask for anything any more: only the end of the statement matters.
                            while let Ok(Some(Ok(_))) = timeout(CLOSE_WAIT, running.next()).await {}
                            break;
                        }
                    }
                },
                happening = running.next() => match happening {
                    None => break,
                    Some(happening) => self.hear(&mut current, happening),
                },
                () = sleep_until(flush.unwrap_or_else(Instant::now)), if flush.is_some() => self.flush(&mut current),
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => break,
            }
        }
        drop(running);
        self.flush(&mut current);
        if current.outcome.is_none() {
            // An empty statement: the server says nothing but that it is ready.
            let timing = current.timing();
            (self.tell)(News::Complete { run, index, result: None, tag: "empty".to_owned(), rows: 0, timing });
        }
        if let Some(Cancelling { task, ended }) = current.cancelling.take() {
            drop(ended);
            let _ = timeout(CANCEL_WAIT, task).await;
        }
        Ended {
            at,
            outcome: current.outcome.unwrap_or(Outcome::Done),
            took: current.timing().total,
            rows: current.rows,
            cancelled: current.by_user,
            after: if leaving.is_some() { After::Leave } else { After::Go },
        }
    }

    fn hear(&mut self, current: &mut Current, happening: Result<Happening, Diagnosis>) {
        match happening {
            Ok(Happening::Columns(columns)) => self.begin(current, columns),
            Ok(Happening::Rows(page)) => self.push(current, page),
            Ok(Happening::CopyData(data)) => {
                if current.result.is_none() {
                    self.begin(current, vec![Column { name: "COPY".to_owned(), oid: 25 }]);
                }
                if let Some(page) = current.lines(&data) {
                    self.push(current, page);
                }
            }
            Ok(Happening::Notice(notice)) => (self.tell)(News::Notice(notice)),
            Ok(Happening::Reconnected(what)) => (self.tell)(News::Reconnected(what)),
            Ok(Happening::Complete { tag, rows }) => {
                current.answered();
                if let Some(page) = current.rest() {
                    self.push(current, page);
                }
                self.flush(current);
                current.rows = rows;
                self.complete(current, tag);
            }
            Err(diagnosis) => {
                self.flush(current);
                // The cancel that a cap sent is no failure: the rows up to it are what was wanted.
                if current.full && !current.by_user && diagnosis.kind == Kind::Cancelled {
                    self.complete(current, "cut short".to_owned());
                    return;
                }
                current.outcome =
                    Some(if diagnosis.kind == Kind::Cancelled { Outcome::Cancelled } else { Outcome::Failed });
                let (run, index, result, timing) = (current.run, current.index, current.result, current.timing());
                (self.tell)(News::Failed { run, index, result, diagnosis, timing });
            }
        }
    }

    fn complete(&mut self, current: &mut Current, tag: String) {
        current.outcome = Some(Outcome::Done);
        let (run, index, rows, timing) = (current.run, current.index, current.rows, current.timing());
        (self.tell)(News::Complete { run, index, result: current.result.take(), tag, rows, timing });
    }

    fn begin(&mut self, current: &mut Current, columns: Vec<Column>) {
        current.answered();
        current.full = false;
        let columns: Arc<[Column]> = columns.into();
        let id = ResultId(self.next);
        self.next += 1;
        let held: usize = self.results.iter().map(|(_, set)| set.memory()).sum();
        if held > self.limits.memory / 4 {
            for (id, set) in &mut self.results {
                if set.memory() > 64 << 10
                    && let Err(full) = set.rest()
                {
                    (self.tell)(News::Short { result: *id, why: full.to_string() });
                }
            }
        }
        if self.results.len() == RESULTS {
            self.results.pop_front();
        }
        self.results.push_back((id, ResultSet::new(Arc::clone(&columns), self.limits)));
        current.result = Some(id);
        (self.tell)(News::Columns { run: current.run, index: current.index, result: id, columns });
    }

    fn push(&mut self, current: &mut Current, page: Page) {
        let Some((id, set)) = self.results.back_mut().filter(|_| !current.full) else { return };
        let first = set.rows() == 0;
        let id = *id;
        let pushed = set.push(page);
        current.rows = set.rows();
        if first {
            // The first rows are seen at once, whatever comes behind them.
            self.flush(current);
            current.flush = None;
            (self.tell)(News::Rows { result: id, rows: current.rows, bytes: self.bytes() });
            self.window(id, 0, FIRST);
        } else if current.flush.is_none() {
            current.flush = Some(Instant::now() + RATE);
        }
        if let Err(full) = pushed {
            self.flush(current);
            self.short(current, id, &full);
        }
    }

    /// A result takes no more: the statement is cancelled, unless that would undo what it or its transaction did.
    fn short(&mut self, current: &mut Current, result: ResultId, full: &Full) {
        current.full = true;
        let what = if current.keeps {
            "; the rest is read and let go, because cancelling would undo work"
        } else {
            "; the statement was cancelled"
        };
        (self.tell)(News::Short { result, why: format!("{full}{what}") });
        if !current.keeps {
            current.cancel(&self.tell, false);
        }
    }

    fn flush(&mut self, current: &mut Current) {
        if current.flush.take().is_some()
            && let Some((id, set)) = self.results.back()
        {
            (self.tell)(News::Rows { result: *id, rows: set.rows(), bytes: set.bytes() });
        }
    }

    fn bytes(&self) -> u64 {
        self.results.back().map_or(0, |(_, set)| set.bytes())
    }

    fn window(&mut self, result: ResultId, first: u64, count: u64) {
        let Some((_, set)) = self.results.iter_mut().find(|(id, _)| *id == result) else { return };
        match set.window(first, count, WINDOW) {
            Ok(pieces) => (self.tell)(News::Window { result, window: Window { first, pieces } }),
            Err(error) => {
                let title = "Rows cannot be read back from the temporary file";
                (self.tell)(News::Trouble(Diagnosis::new(Kind::Local, title).because(error.to_string())));
            }
        }
    }

    fn tell_state(&self, session: &Session) {
        (self.tell)(News::State { transaction: session.transaction(), facts: Box::new(session.facts()) });
    }
}

/// The statement that runs.
struct Current {
    run: u64,
    index: usize,
    sent: Instant,
    first: Option<Duration>,
    result: Option<ResultId>,
    rows: u64,
    /// When the count is to be told.
    flush: Option<Instant>,
    /// A cap was reached.
    full: bool,
    /// Cancelling would undo work: it writes, or a transaction is open.
    keeps: bool,
    canceller: Canceller,
    cancelling: Option<Cancelling>,
    by_user: bool,
    outcome: Option<Outcome>,
    /// Of `COPY … TO STDOUT`: the beginning of a line whose end has not come.
    partial: Vec<u8>,
}

impl Current {
    fn new(run: u64, index: usize, session: &Session, sql: &str) -> Current {
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
            cancelling: None,
            by_user: false,
            outcome: None,
            partial: Vec::new(),
        }
    }

    fn answered(&mut self) {
        self.first.get_or_insert_with(|| self.sent.elapsed());
    }

    fn timing(&self) -> Timing {
        Timing { first: self.first.filter(|_| self.result.is_some()), total: self.sent.elapsed() }
    }

    /// Asks the server to cancel, from a task of its own: rows are drained meanwhile. It is asked again until the
    /// statement has ended.
    fn cancel(&mut self, tell: &Tell, by_user: bool) {
        self.by_user |= by_user;
        if self.cancelling.as_ref().is_some_and(|cancelling| !cancelling.task.is_finished()) {
            return;
        }
        let (canceller, tell) = (self.canceller.clone(), Arc::clone(tell));
        let (ended, mut over) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let mut pause = AGAIN;
            let mut told = !by_user;
            loop {
                let done = canceller.cancel().await;
                let failed = done.is_err();
                if failed || !std::mem::replace(&mut told, true) {
                    tell(News::Cancelled(done));
                }
                // What failed once is told, and tried again when the user asks again.
                if failed || timeout(pause, &mut over).await.is_ok() {
                    return;
                }
                pause = (pause * 2).min(AGAIN_MOST);
            }
        });
        self.cancelling = Some(Cancelling { task, ended });
    }

    /// The whole lines of COPY data, as rows of one cell.
    fn lines(&mut self, data: &[u8]) -> Option<Page> {
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
    fn rest(&mut self) -> Option<Page> {
        if self.partial.is_empty() {
            return None;
        }
        self.partial.push(b'\n');
        self.lines(&[])
    }
}

/// A cancel under way.
struct Cancelling {
    task: JoinHandle<()>,
    /// Dropped when the statement has ended: nothing is sent after that.
    ended: oneshot::Sender<()>,
}

/// How a statement ended.
struct Ended {
    at: SystemTime,
    outcome: Outcome,
    took: Duration,
    rows: u64,
    cancelled: bool,
    after: After,
}

impl Ended {
    fn past(&self, text: String) -> Past {
        let at = self.at.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or(0);
        Past { text, at, outcome: self.outcome, took: self.took.as_millis() as u64, rows: self.rows }
    }
}

/// Reads the history and then writes what is sent, in order, on a thread where a slow disk holds nothing up.
fn keep(journal: Journal, tell: Tell) -> (Sender<Past>, JoinHandle<()>) {
    let (notes, waiting) = channel::<Past>();
    let writing = tokio::task::spawn_blocking(move || {
        match journal.read() {
            Ok(past) if past.is_empty() => {}
            Ok(past) => tell(News::History(past)),
            Err(diagnosis) => tell(News::Trouble(diagnosis)),
        }
        let mut told = false;
        for past in waiting {
            if let Err(diagnosis) = journal.add(&past)
                && !std::mem::replace(&mut told, true)
            {
                tell(News::Trouble(diagnosis));
            }
        }
    });
    (notes, writing)
}
