//! The task that owns a tab's live session: it runs statements, drains rows at the speed of the line into results, answers
//! for windows of them, cancels, keeps the history file, and tells all of it as [`News`]. Counts are told at a bounded rate,
//! the first rows at once. It must not know the pane.

use super::current::{Current, End, Ended};
use super::dangers::Approved;
use super::desk::Desk;
use super::interpreting::Typed;
use super::journal::{Journal, keep};
use super::order::{Ask, News, Outcome, Past, ResultId, Statement};
use super::outlet::Outlet;
use super::scripted::Scripted;
use super::stopping::{Stop, Woken};
use crate::access::script::{Run, Script};
use crate::access::{Limits, LineHealth, ResultSet, Session, tells_progress};
use crate::model::{CopyPiece, Diagnosis, Happening, Kind, Settings, Transaction};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

/// Where news go.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;

/// Counts are told this far apart.
pub(super) const RATE: Duration = Duration::from_millis(30);
/// Rows told unasked when the first come.
pub(super) const FIRST: u64 = 200;
/// Bytes of pages in one window, beyond which no more are added.
pub(super) const WINDOW: usize = 4 << 20;
/// Results kept of one run; the oldest go.
pub(super) const RESULTS: usize = 200;
/// How long closing waits for what runs, after having cancelled it.
const CLOSE_WAIT: Duration = Duration::from_secs(3);

/// Starts the worker. It ends, after closing the session politely and telling [`News::Closed`], when it is asked to or
/// when the sender is dropped; await the handle before the program ends.
pub fn start(mut session: Session, settings: &Settings, tell: Tell) -> (UnboundedSender<Ask>, JoinHandle<()>) {
    let (asks, waiting) = unbounded_channel();
    session.set_autocommit(settings.autocommit);
    let worker = Worker::new(settings, tell, waiting);
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
    pub(super) limits: Limits,
    pub(super) results: VecDeque<(ResultId, ResultSet)>,
    pub(super) next: u64,
    /// That the disk takes no more of earlier results.
    pub(super) told_full: bool,
    /// The wire is gone, and that was told.
    pub(super) lost: bool,
    /// As told last.
    pub(super) health: LineHealth,
    /// How long a cancel may take to reach the server.
    patience: Duration,
    /// Whether the server is asked how far long statements are.
    progress: bool,
    /// A round trip of the line, and of which backend's it was measured.
    network: Option<Duration>,
    measured: Option<i32>,
    /// The tab's variables and settings; away while a script runs.
    pub(super) script: Option<Box<Script>>,
    /// The text that is run as a script.
    pub(super) typed: Arc<str>,
    /// What of it, and of what it includes, was asked about.
    pub(super) approved: Approved,
    /// Where results go instead (`\o`).
    pub(super) out: Option<Outlet>,
    /// The tab was closed while a script ran.
    pub(super) left: bool,
}

/// Whether the tab lives on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Go,
    Leave,
}

impl Worker {
    pub(super) fn new(settings: &Settings, tell: Tell, waiting: UnboundedReceiver<Ask>) -> Worker {
        let mut script = Box::new(Script::new(std::env::current_dir().unwrap_or_default()));
        // As `query -f` has it, and a text without words: what follows an error was written for its success.
        script.stops_at_errors();
        Worker {
            waiting,
            desk: Desk::new(Arc::clone(&tell)),
            tell,
            limits: Limits { memory: settings.memory_limit, rows: settings.row_limit, bytes: settings.byte_limit },
            results: VecDeque::new(),
            next: 0,
            told_full: false,
            lost: false,
            health: LineHealth::Up,
            patience: settings.connect_timeout,
            progress: settings.progress,
            network: None,
            measured: None,
            script: Some(script),
            typed: Arc::from(""),
            approved: Approved::default(),
            out: None,
            left: false,
        }
    }

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
                Some(Ask::Script { run, text, note, expanded, timing }) => {
                    let typed = Typed { run, text, note, expanded, timing };
                    let after = self.run_script(&mut session, typed, &notes).await;
                    watch = session.watch();
                    self.hear_health(watch.health());
                    (self.tell)(News::Ended { run });
                    if after == After::Leave || self.left {
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
                    if after == After::Leave || self.left {
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
            if stopped && (session.is_away() || !statement.always) {
                continue;
            }
            let ended = self.statement(session, run, index, &statement.sql, None, self.out.clone()).await;
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
        outlet: Option<Outlet>,
    ) -> Ended {
        let at = SystemTime::now();
        let mut current = Current::new(run, index, session, sql);
        current.network = self.network;
        current.stand_by();
        current.script = match (&by, outlet) {
            (Some((_, run)), outlet) => Some(Scripted::new(run, Arc::clone(&self.typed), outlet)),
            (None, Some(outlet)) => {
                let display = self.script.as_mut().map(|script| script.display().clone()).unwrap_or_default();
                Some(Scripted::written(outlet, display))
            }
            (None, None) => None,
        };
        // What goes to a file is counted here.
        if self.progress
            && tells_progress(sql)
            && current.script.as_ref().is_none_or(|script| script.outlet().is_none())
        {
            current.follow(sql, &self.tell);
        }
        let mut feeding = false;
        // A script's beginning was told before its first step.
        if by.is_none() || index > 0 {
            (self.tell)(News::Began { run, index, at });
        }
        if session.is_away() {
            (self.tell)(News::Returning);
        }
        let mut watch = session.watch();
        let mut running = session.run(sql);
        let mut leaving: Option<Instant> = None;
        let end = loop {
            let flush = current.flush;
            let deadline = leaving;
            let full = current.full_outlet();
            let patience = current.stop.as_ref().and_then(|stop| stop.wakes(self.patience));
            let bell = current.stop.as_ref().map(Stop::bell);
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
                () = has_room(full.as_ref()), if full.is_some() => {}
                happening = running.next(), if !feeding && full.is_none() => match happening {
                    None => break End::Over,
                    Some(Ok(Happening::CopyIn)) if current.stop.as_ref().is_some_and(Stop::is_wanted) => {
                        running.copy_in(CopyPiece::Fail("cancelled by the user".to_owned()));
                    }
                    Some(Ok(Happening::CopyIn)) => feeding = true,
                    Some(happening) => {
                        let is_back = matches!(happening, Ok(Happening::Reconnected(_)));
                        let modifiers = match &happening {
                            Ok(Happening::Columns(_)) => running.modifiers().to_vec(),
                            _ => Vec::new(),
                        };
                        self.hear(&mut current, happening, &modifiers);
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
                // What there is to wait for has changed.
                () = rung(bell.as_deref()), if bell.is_some() => {}
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
        if current.outcome.is_none() && leaving.is_some() {
            // What becomes of it nobody hears any more; the history must not call it done.
            current.outcome = Some(Outcome::Cancelled);
        } else if current.outcome.is_none() {
            // An empty statement: the server says nothing but that it is ready.
            let timing = current.timing();
            (self.tell)(News::Complete { run, index, result: None, tag: "empty".to_owned(), rows: 0, timing });
        }
        match current.stop.take() {
            Some(stop) if session.is_away() => stop.detached(),
            // Whoever looks at rows meanwhile is answered.
            Some(stop) => {
                let mut over = std::pin::pin!(stop.over());
                loop {
                    tokio::select! {
                        biased;
                        () = &mut over => break,
                        ask = self.waiting.recv(), if leaving.is_none() => {
                            if self.meanwhile(ask) == Some(After::Leave) {
                                leaving = Some(Instant::now());
                            }
                        }
                    }
                }
            }
            None => {}
        }
        if let (Some(_), Some(network), Some(answered)) = (current.network, &mut self.network, current.first) {
            // Nothing is answered in less than a round trip: one that was measured while line or machine were busy is
            // put right.
            *network = answered.min(*network);
        }
        self.written(&mut current).await;
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
}

/// Waits for a bell.
async fn rung(bell: Option<&Notify>) {
    if let Some(bell) = bell {
        bell.notified().await;
    }
}

/// Waits until a file takes more.
async fn has_room(outlet: Option<&Outlet>) {
    if let Some(outlet) = outlet {
        outlet.has_room().await;
    }
}

/// Data for a COPY, from the script that runs it.
async fn next_piece(by: &mut Option<(&mut Script, &Run)>) -> CopyPiece {
    match by {
        Some((script, _)) => script.copy_piece().await,
        None => CopyPiece::Fail("there are no data for it here".to_owned()),
    }
}
