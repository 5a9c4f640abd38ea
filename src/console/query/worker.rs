//! The task that owns a tab's live session: it runs statements, drains rows at the speed of the line into results, answers
//! for windows of them, cancels, keeps the history file, and tells all of it as [`News`]. Counts are told at a bounded rate,
//! the first rows at once. It must not know the pane.

use super::desk::Desk;
use super::journal::Journal;
use super::order::{Ask, News, Outcome, Past, ResultId, Statement, Timing};
use super::scripted::Scripted;
use super::shape::{Shape, Shaped, Ticket};
use super::stopping::{Stop, Woken};
use crate::access::script::{Ran, Run, Script};
use crate::access::{Canceller, Full, Limits, LineHealth, Means, ResultSet, Session, tells_progress};
use crate::model::sql::{Class, CopyWay, classify};
use crate::model::{Column, CopyPiece, Diagnosis, Happening, Kind, Page, PageBuilder, Settings, Transaction};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
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
/// What is thrown away after a cancel is told this far apart.
const DRAIN_RATE: Duration = Duration::from_millis(200);
/// How long closing waits for what runs, after having cancelled it.
const CLOSE_WAIT: Duration = Duration::from_secs(3);

/// Starts the worker. It ends, after closing the session politely and telling [`News::Closed`], when it is asked to or
/// when the sender is dropped; await the handle before the program ends.
pub fn start(mut session: Session, settings: &Settings, tell: Tell) -> (UnboundedSender<Ask>, JoinHandle<()>) {
    let (asks, waiting) = unbounded_channel();
    session.set_autocommit(settings.autocommit);
    let worker = Worker {
        waiting,
        desk: Desk::new(Arc::clone(&tell)),
        tell,
        limits: Limits { memory: settings.memory_limit, rows: settings.row_limit, bytes: settings.byte_limit },
        results: VecDeque::new(),
        next: 0,
        lost: false,
        health: LineHealth::Up,
        patience: settings.connect_timeout,
        progress: settings.progress,
        network: None,
        measured: None,
        script: Some(Box::new(Script::new(std::env::current_dir().unwrap_or_default()))),
    };
    // The same identifier in another account is another database: staging's history is not production's.
    let endpoint = &session.target().endpoint;
    let name = format!("{}.{}.{}", endpoint.owner, endpoint.place.region, endpoint.account);
    let journal = Journal::new(&settings.state_dir, &name);
    (asks, tokio::spawn(worker.live(session, journal)))
}

pub(super) struct Worker {
    pub(super) waiting: UnboundedReceiver<Ask>,
    pub(super) tell: Tell,
    pub(super) desk: Desk,
    limits: Limits,
    pub(super) results: VecDeque<(ResultId, ResultSet)>,
    next: u64,
    /// The wire is gone, and that was told.
    pub(super) lost: bool,
    /// As told last.
    health: LineHealth,
    /// How long a cancel may take to reach the server.
    patience: Duration,
    /// Whether the server is asked how far long statements are.
    progress: bool,
    /// A round trip of the line, and of which backend's it was measured.
    network: Option<Duration>,
    measured: Option<i32>,
    /// The tab's variables and settings; away while a script runs.
    pub(super) script: Option<Box<Script>>,
}

/// Whether the tab lives on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Go,
    Leave,
}

impl Worker {
    async fn live(mut self, mut session: Session, journal: Journal) {
        let (notes, writing) = keep(journal, Arc::clone(&self.tell));
        self.tell_state(&session);
        let mut watch = session.watch();
        loop {
            self.measure(&mut session).await;
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
                health = watch.changed() => {
                    self.hear_health(health);
                    continue;
                }
            };
            match ask {
                None | Some(Ask::Close) => break,
                Some(Ask::Cancel | Ask::Drop | Ask::Answer(_) | Ask::Press(_)) => {}
                Some(Ask::Try { run, statement }) => {
                    let after = self.try_out(&mut session, run, statement, &notes).await;
                    watch = session.watch();
                    self.hear_health(watch.health());
                    (self.tell)(News::Ended { run });
                    if after == After::Leave {
                        break;
                    }
                }
                Some(Ask::Script { run, text, note }) => {
                    let after = self.run_script(&mut session, run, text, note, &notes).await;
                    watch = session.watch();
                    self.hear_health(watch.health());
                    (self.tell)(News::Ended { run });
                    if after == After::Leave {
                        break;
                    }
                }
                Some(Ask::Window { result, first, count }) => self.window(result, first, count),
                Some(Ask::Shape(ticket, shape)) => self.shape(ticket, shape),
                Some(Ask::Halt) => self.desk.halt(),
                Some(Ask::Run { run, statements }) => {
                    let after = self.run(&mut session, run, statements, &notes).await;
                    watch = session.watch();
                    self.hear_health(watch.health());
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

    /// Measures the line of a backend that is new, so that times can be told apart.
    async fn measure(&mut self, session: &mut Session) {
        let pid = session.facts().pid;
        if self.measured == Some(pid) || session.is_away() || session.transaction() != Transaction::Idle {
            return;
        }
        self.measured = Some(pid);
        let (network, notices) = session.round_trip().await;
        self.network = network;
        notices.into_iter().for_each(|notice| (self.tell)(News::Notice(notice)));
    }

    async fn run(
        &mut self,
        session: &mut Session,
        run: u64,
        statements: Vec<Statement>,
        notes: &Sender<Past>,
    ) -> After {
        self.results.clear();
        self.desk.clear();
        let mut stopped = false;
        for (index, statement) in statements.into_iter().enumerate() {
            if stopped && !(statement.always && !session.is_away()) {
                continue;
            }
            let ended = self.statement(session, run, index, &statement.sql, None).await;
            self.lost = session.is_away();
            self.tell_state(session);
            if let Some(text) = statement.note {
                let _ = notes.send(ended.past(text));
            }
            if ended.after == After::Leave {
                return After::Leave;
            }
            stopped |= ended.outcome != Outcome::Done || ended.cancelled;
        }
        After::Go
    }

    /// Runs one statement to its end, answering meanwhile.
    pub(super) async fn statement(
        &mut self,
        session: &mut Session,
        run: u64,
        index: usize,
        sql: &str,
        mut by: Option<(&mut Script, &Run)>,
    ) -> Ended {
        let at = SystemTime::now();
        let mut current = Current::new(run, index, session, sql);
        current.network = self.network;
        if self.progress && tells_progress(sql) {
            current.follow(sql, &self.tell);
        }
        current.script = by.as_ref().map(|(_, run)| Scripted::new(run));
        let mut feeding = false;
        (self.tell)(News::Began { run, index, at });
        if session.is_away() {
            (self.tell)(News::Returning);
        }
        let mut watch = session.watch();
        let mut running = session.run(sql);
        let mut leaving: Option<Instant> = None;
        let end = loop {
            let flush = current.flush;
            let deadline = leaving;
            let patience = current.stop.as_ref().and_then(|stop| stop.wakes(self.patience));
            tokio::select! {
                biased;
                ask = self.waiting.recv() => match ask {
                    Some(Ask::Window { result, first, count }) => self.window(result, first, count),
                    Some(Ask::Shape(ticket, shape)) => self.shape(ticket, shape),
                    Some(Ask::Halt) => self.desk.halt(),
                    Some(Ask::Cancel) if running.is_unsent() => break End::Unsent,
                    Some(Ask::Drop) if running.is_unsent() => break End::Unsent,
                    Some(Ask::Cancel) => current.cancel(&self.tell, true),
                    Some(Ask::Drop) => break End::Cut(current.dropped(sql)),
                    Some(Ask::Press(means)) => current.press(&self.tell, means),
                    Some(Ask::Run { .. } | Ask::Try { .. } | Ask::Script { .. } | Ask::Answer(_)) => {}
                    None | Some(Ask::Close) => {
                        current.cancel(&self.tell, false);
                        leaving = leaving.or(Some(Instant::now() + CLOSE_WAIT));
                        if self.waiting.is_closed() {
                            // Nobody can ask for anything any more: only the end of the statement matters.
                            while let Ok(Some(Ok(_))) = timeout(CLOSE_WAIT, running.next()).await {}
                            break End::Over;
                        }
                    }
                },
                piece = next_piece(&mut by), if feeding => {
                    feeding = false;
                    running.copy_in(piece);
                }
                happening = running.next(), if !feeding => match happening {
                    None => break End::Over,
                    Some(Ok(Happening::CopyIn)) if current.stop.as_ref().is_some_and(Stop::is_wanted) => {
                        running.copy_in(CopyPiece::Fail("cancelled by the user".to_owned()));
                    }
                    Some(Ok(Happening::CopyIn)) => feeding = true,
                    Some(happening) => {
                        let is_back = matches!(happening, Ok(Happening::Reconnected(_)));
                        self.hear(&mut current, happening);
                        if is_back {
                            // The login is no part of the statement's time, and the line may be another.
                            (current.sent, current.network) = (Instant::now(), None);
                            watch.follow();
                            self.hear_health(watch.health());
                            let facts = Box::new(running.facts());
                            (self.tell)(News::State { transaction: Transaction::Idle, facts, away: false });
                        }
                    }
                },
                health = watch.changed() => self.hear_health(health),
                () = sleep_until(flush.unwrap_or_else(Instant::now)), if flush.is_some() => self.flush(&mut current),
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => break End::Over,
                () = sleep_until(patience.unwrap_or_else(Instant::now)), if patience.is_some() => {
                    match current.stop.as_mut().and_then(|stop| stop.wake(self.patience)) {
                        Some(Woken::Unreached(diagnosis)) => (self.tell)(News::Cancelled(Err(diagnosis))),
                        Some(Woken::Unmoved) => {
                            let pid = current.canceller.pid().unwrap_or_default();
                            (self.tell)(News::Unmoved { pid });
                        }
                        None => {}
                    }
                }
            }
            if feeding && current.stop.as_ref().is_some_and(Stop::is_wanted) {
                // A server that waits for data hears no cancel.
                feeding = false;
                running.copy_in(CopyPiece::Fail("cancelled by the user".to_owned()));
            }
            if current.outcome.is_none() && current.stop.as_ref().is_some_and(Stop::is_late) {
                if current.loses_nothing {
                    break End::Cut(Diagnosis::new(Kind::Cancelled, "Cancelled"));
                }
                current.tell_thrown(&self.tell);
            }
        };
        self.flush(&mut current);
        match end {
            End::Over => drop(running),
            End::Unsent => {
                drop(running);
                let diagnosis = Diagnosis::new(Kind::Cancelled, "Cancelled before it was sent: nothing was run");
                self.fail(&mut current, diagnosis);
            }
            End::Cut(diagnosis) => {
                running.leave(&format!("{}; the wire was cut", diagnosis.title));
                session.cut();
                current.by_user = true;
                self.fail(&mut current, diagnosis);
            }
        }
        if current.outcome.is_none() {
            // An empty statement: the server says nothing but that it is ready.
            let timing = current.timing();
            (self.tell)(News::Complete { run, index, result: None, tag: "empty".to_owned(), rows: 0, timing });
        }
        match current.stop.take() {
            Some(stop) if session.is_away() => stop.detached(),
            Some(stop) => stop.over().await,
            None => {}
        }
        Ended {
            at,
            outcome: current.outcome.unwrap_or(Outcome::Done),
            took: current.timing().total,
            rows: current.rows,
            ran: current.script.take().map(Scripted::over).unwrap_or_default(),
            cancelled: current.by_user,
            after: if leaving.is_some() { After::Leave } else { After::Go },
        }
    }

    fn hear(&mut self, current: &mut Current, happening: Result<Happening, Diagnosis>) {
        let happening = match &mut current.script {
            Some(scripted) => match scripted.hear(happening) {
                Some(happening) => happening,
                None => return,
            },
            None => happening,
        };
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
            // Answered where the data are.
            Ok(Happening::CopyIn) => {}
            Ok(Happening::Notice(notice)) => (self.tell)(News::Notice(notice)),
            Ok(Happening::Reconnected(what)) => (self.tell)(News::Reconnected(what)),
            Ok(Happening::Complete { tag, rows }) => {
                current.answered();
                if let Some(page) = current.rest() {
                    self.push(current, page);
                }
                self.flush(current);
                if current.stop.as_ref().is_some_and(|stop| stop.thrown > 0)
                    && let Some(result) = current.result
                {
                    let why =
                        format!("the cancel came too late to stop it; only the first {} rows are kept", current.rows);
                    (self.tell)(News::Short { result, why });
                }
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
                self.fail(current, diagnosis);
            }
        }
    }

    fn fail(&mut self, current: &mut Current, mut diagnosis: Diagnosis) {
        if let Some(scripted) = &mut current.script {
            scripted.ran.error = Some(diagnosis.clone());
            scripted.locate(&mut diagnosis);
            // The text that was sent is the first of the run.
            current.index = 0;
        }
        current.outcome = Some(if diagnosis.kind == Kind::Cancelled { Outcome::Cancelled } else { Outcome::Failed });
        let (run, index, result, timing) = (current.run, current.index, current.result, current.timing());
        (self.tell)(News::Failed { run, index, result, diagnosis, timing });
    }

    fn hear_health(&mut self, health: LineHealth) {
        if health != self.health {
            self.health = health.clone();
            (self.tell)(News::Health(health));
        }
    }

    pub(super) fn complete(&mut self, current: &mut Current, tag: String) {
        current.outcome = Some(Outcome::Done);
        let (run, index, rows, timing) = (current.run, current.index, current.rows, current.timing());
        (self.tell)(News::Complete { run, index, result: current.result.take(), tag, rows, timing });
    }

    pub(super) fn begin(&mut self, current: &mut Current, columns: Vec<Column>) {
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

    pub(super) fn push(&mut self, current: &mut Current, page: Page) {
        // After a cancel nobody wants more: what was under way is read and let go.
        if let Some(stop) = current.stop.as_mut().filter(|stop| stop.is_wanted()) {
            stop.thrown += page.size() as u64;
            return;
        }
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

    pub(super) fn window(&mut self, result: ResultId, first: u64, count: u64) {
        let Some((_, set)) = self.results.iter_mut().find(|(id, _)| *id == result) else { return };
        if let Err(error) = self.desk.window(result, set, first, count, WINDOW) {
            let title = "Rows cannot be read back from the temporary file";
            (self.tell)(News::Trouble(Diagnosis::new(Kind::Local, title).because(error.to_string())));
        }
    }

    pub(super) fn shape(&mut self, ticket: Ticket, shape: Shape) {
        match self.results.iter().find(|(id, _)| *id == shape.result()) {
            Some((_, set)) => self.desk.begin(ticket, shape, set),
            None => (self.tell)(News::Shaped(ticket, Shaped::Stopped(None))),
        }
    }

    pub(super) fn tell_state(&self, session: &Session) {
        (self.tell)(News::State {
            transaction: session.transaction(),
            facts: Box::new(session.facts()),
            away: session.is_away(),
        });
    }
}

/// The statement that runs.
pub(super) struct Current {
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
    stop: Option<Stop>,
    by_user: bool,
    /// Nothing would be lost with the wire.
    loses_nothing: bool,
    in_transaction: bool,
    /// When [`News::Draining`] was told last.
    drained: Option<Instant>,
    outcome: Option<Outcome>,
    /// Of `COPY … TO STDOUT`: the beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// A script runs it.
    script: Option<Scripted>,
    /// A round trip of the line.
    network: Option<Duration>,
    /// Asks the server how far it is.
    progress: Option<JoinHandle<()>>,
}

impl Drop for Current {
    fn drop(&mut self) {
        if let Some(task) = self.progress.take() {
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
            outcome: None,
            partial: Vec::new(),
            script: None,
            network: None,
            progress: None,
        }
    }

    fn answered(&mut self) {
        self.first.get_or_insert_with(|| self.sent.elapsed());
    }

    fn timing(&self) -> Timing {
        let first = self.first.filter(|_| self.result.is_some());
        Timing { first, total: self.sent.elapsed(), network: self.network }
    }

    /// Asks the server to cancel; rows are drained meanwhile.
    fn cancel(&mut self, tell: &Tell, by_user: bool) {
        self.by_user |= by_user;
        match &mut self.stop {
            Some(stop) if by_user => stop.by_user(),
            Some(_) => {}
            None => self.stop = Some(Stop::begin(self.canceller.clone(), Arc::clone(tell), by_user)),
        }
    }

    /// Signals the backend from a second session.
    fn press(&mut self, tell: &Tell, means: Means) {
        let canceller = self.canceller.clone();
        if let Some(stop) = &mut self.stop {
            stop.press(canceller, Arc::clone(tell), means);
        }
    }

    /// Tells how far it is, from a task of its own, until it has ended.
    fn follow(&mut self, sql: &str, tell: &Tell) {
        let tell = Arc::clone(tell);
        let following = self.canceller.clone().follow(sql.to_owned(), move |words| tell(News::Progress(words)));
        self.progress = Some(tokio::spawn(following));
    }

    /// What is thrown away is told, at a bounded rate.
    fn tell_thrown(&mut self, tell: &Tell) {
        if self.drained.is_none_or(|at| at.elapsed() >= DRAIN_RATE)
            && let Some(stop) = &self.stop
        {
            self.drained = Some(Instant::now());
            tell(News::Draining(stop.thrown));
        }
    }

    /// What is true of the statement when its wire is dropped.
    fn dropped(&self, sql: &str) -> Diagnosis {
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

/// Data for a COPY, from the script that runs it.
async fn next_piece(by: &mut Option<(&mut Script, &Run)>) -> CopyPiece {
    match by {
        Some((script, _)) => script.copy_piece().await,
        None => CopyPiece::Fail("there are no data for it here".to_owned()),
    }
}

/// Why nothing more is heard of a statement.
enum End {
    /// It has ended, or the tab is being left.
    Over,
    /// It was stopped before it was sent.
    Unsent,
    /// The wire is to be cut under it.
    Cut(Diagnosis),
}

/// How a statement ended.
pub(super) struct Ended {
    at: SystemTime,
    pub(super) outcome: Outcome,
    took: Duration,
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
