//! The state of one tab. What changes it is in `update`, `browse` and `running`; how it looks in `view`. It holds plans and
//! answers, never a live thing.

use super::cell::Cell;
use super::completion::{CHOOSE, Completion};
use super::editor::Editor;
use super::editor::vi::{Mode, VI, Vi};
use super::entering;
use super::keymap::{FILL, LOOK, PLAN, READ, REPLY, Reply, SEARCH, WEIGH, WRITE};
use super::log::Log;
use super::order::{LineHealth, Means, Order, Statement, Timing};
use super::plan;
use super::recall::{Finder, Recall};
use super::running;
use super::shape::Shape;
use super::shaping::{self, Shaping};
use super::shelf::{LABEL, PICK, Shelf};
use super::spent::Spent;
use super::table::Table;
use super::tree::{BRANCH, SIFT, Tree};
use crate::console::keys::Binding;
use crate::console::theme::Tone;
use crate::model::{EditorKeys, SessionFacts, StepKind, Transaction};
use ratatui::layout::Rect;
use std::time::{Duration, SystemTime};

/// What a pane is made from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The name people know the target by (cluster or instance identifier).
    pub name: String,
    /// Endpoint host, for sentences that must leave no doubt.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
    /// Whether the target is marked production.
    pub production: bool,
    /// What is known of the session.
    pub facts: SessionFacts,
    /// The steps of the way there, as they were walked.
    pub way: Vec<Walked>,
    /// The time now.
    pub now: SystemTime,
}

/// A step of the way, done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Which.
    pub kind: StepKind,
    /// What was found.
    pub found: String,
    /// How long it took.
    pub took: Duration,
}

/// What a tab is doing, for the tab's title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing ran yet.
    Fresh,
    /// A statement runs.
    Running,
    /// The last run was completed.
    Done,
    /// The last run failed.
    Failed,
    /// The last run was cancelled.
    Cancelled,
    /// The session has ended.
    Closed,
}

/// For the tab bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title {
    /// `orders-prod`.
    pub name: String,
    /// What it is doing.
    pub work: Work,
}

/// One line of the help screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelpRow {
    /// Names of the keys, as in `console::keys`.
    pub keys: &'static [&'static str],
    /// What it does.
    pub help: &'static str,
}

/// Where keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Focus {
    Editor,
    Results,
}

/// What is below the editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Showing {
    Rows,
    Messages,
}

/// Something that is asked before it is done.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// What would happen, and where.
    pub title: String,
    /// The particulars, a line each.
    pub lines: Vec<String>,
    /// What a yes does.
    pub then: Then,
}

/// What a yes does.
#[derive(Clone, Debug)]
pub(super) enum Then {
    Run(Vec<Sent>),
    /// Stop the backend from a second session.
    Press(Means),
    Order(Order),
    Shape(Box<Shape>),
    /// Let the script go on; it is told too when it may not.
    Answer,
    /// Cut the wire under what runs.
    Drop,
}

/// A statement that is sent, and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub statement: Statement,
    /// Byte offset in the editor's text; `None` for what a backslash word asks.
    pub start: Option<usize>,
    /// Bytes that were put before what was typed.
    pub lead: usize,
}

/// What runs.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub number: u64,
    pub sent: Vec<Sent>,
    /// The editor's edition then.
    pub edition: u64,
    pub index: usize,
    pub began: SystemTime,
    pub stop: Stop,
    /// A new session is being logged in for it.
    pub returning: bool,
    pub failed: bool,
    pub cancelled: bool,
    /// Whether a result of this run was shown; the results of the run before stay on screen until then.
    pub answered: bool,
    /// How far the server says it is.
    pub progress: Option<String>,
    /// It is tried out: undone unless it is kept.
    pub tried: bool,
}

/// Whether what runs is being stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    No,
    /// The server is being asked.
    Asked,
    /// It has stopped; so many bytes that were under way were thrown away.
    Draining(u64),
    /// It could not be asked.
    Unheard,
    /// It was asked, and goes on: what comes next, if anything but dropping the connection is left.
    Unmoved(Option<Means>),
    /// It is being signalled from a second session.
    Pressing(Means),
    /// The wire is being cut.
    Dropped,
}

/// Whether the wire is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Up,
    Lost,
    /// We have cut it; the next statement logs in anew.
    Cut,
}

/// A result on screen, with what was told when it was complete.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub table: Table,
    /// Which statement of its run it is of.
    pub index: usize,
    /// The relation its rows are of, as the statement spells it, for INSERT statements.
    pub relation: Option<String>,
    /// What it is called: `List of relations`.
    pub title: Option<String>,
    /// How long it took; none while it runs.
    pub told: Option<Timing>,
    /// Why it is not whole: `cancelled`, `incomplete`.
    pub cut_short: Option<&'static str>,
    /// Where it is a plan.
    pub plan: Option<Box<plan::Tree>>,
}

/// One tab: editor, results, messages, facts, what runs.
#[derive(Clone, Debug)]
pub struct Pane {
    pub(super) setup: Setup,
    pub(super) facts: SessionFacts,
    pub(super) transaction: Transaction,
    pub(super) now: SystemTime,
    pub(super) area: Rect,
    pub(super) focus: Focus,
    pub(super) editor: Editor,
    /// vi's keys, where they are wanted.
    pub(super) vi: Option<Vi>,
    pub(super) completion: Completion,
    pub(super) recall: Recall,
    pub(super) finder: Option<Finder>,
    pub(super) outputs: Vec<Output>,
    pub(super) current: usize,
    /// Results before those that are kept, of the same run.
    pub(super) dropped: usize,
    pub(super) showing: Showing,
    pub(super) expanded: bool,
    /// First column shown in the expanded view.
    pub(super) unfolded: usize,
    pub(super) zoom: bool,
    /// A number typed before a key.
    pub(super) count: Option<u64>,
    pub(super) cell: Option<Cell>,
    pub(super) shaping: Shaping,
    pub(super) tree: Tree,
    pub(super) shelf: Option<Shelf>,
    pub(super) log: Log,
    pub(super) question: Option<Question>,
    pub(super) run: Option<Run>,
    pub(super) runs: u64,
    pub(super) work: Work,
    pub(super) timing: bool,
    /// Until the next key.
    pub(super) said: Option<(Tone, String)>,
    /// Ctrl-C was the last key and there was nothing to stop.
    pub(super) stopping: bool,
    /// The edition that Enter ran: Enter again is a line break, not the same statement twice.
    pub(super) entered: Option<u64>,
    /// What of the text was run.
    pub(super) spent: Spent,
    pub(super) link: Link,
    /// How the line under it is doing.
    pub(super) health: LineHealth,
    /// Commits are the user's own.
    pub(super) manual: bool,
    /// `statement_timeout` and `lock_timeout` as the session was opened with; none once a statement may have set them.
    pub(super) timeouts: Option<(Duration, Duration)>,
}

impl Pane {
    /// A fresh tab.
    pub fn new(setup: Setup) -> Pane {
        Pane {
            facts: setup.facts.clone(),
            transaction: Transaction::Idle,
            now: setup.now,
            setup,
            area: Rect::new(0, 0, 80, 24),
            focus: Focus::Editor,
            editor: Editor::default(),
            vi: None,
            completion: Completion::default(),
            recall: Recall::default(),
            finder: None,
            outputs: Vec::new(),
            current: 0,
            dropped: 0,
            showing: Showing::Messages,
            expanded: false,
            unfolded: 0,
            zoom: false,
            count: None,
            cell: None,
            shaping: Shaping::default(),
            tree: Tree::default(),
            shelf: None,
            log: Log::default(),
            question: None,
            run: None,
            runs: 0,
            work: Work::Fresh,
            timing: true,
            said: None,
            stopping: false,
            entered: None,
            spent: Spent::default(),
            link: Link::Up,
            health: LineHealth::Up,
            manual: false,
            timeouts: None,
        }
    }

    /// Takes keys in the editor as `keys` says.
    pub fn with_keys(mut self, keys: EditorKeys) -> Pane {
        self.vi = (keys == EditorKeys::Vi).then(Vi::default);
        self
    }

    /// Whether keys are text in the editor now (always, but in vi's other modes).
    pub fn types(&self) -> bool {
        self.focus == Focus::Editor && !self.tree.focused && self.vi.as_ref().is_none_or(|vi| vi.mode() == Mode::Insert)
    }

    /// Whether the next key is text in the editor: nothing lies over it.
    pub(super) fn writes(&self) -> bool {
        self.types() && !self.zoom && !self.is_covered()
    }

    /// Whether something lies over the editor.
    pub(super) fn is_covered(&self) -> bool {
        self.question.is_some()
            || self.cell.is_some()
            || self.finder.is_some()
            || self.shelf.is_some()
            || self.shaping.sheet.is_some()
    }

    /// Whether each statement is its own transaction (it is), or the user commits.
    pub fn autocommit(&mut self, on: bool) {
        self.manual = !on;
    }

    /// The session was opened with this `statement_timeout` and `lock_timeout`; zero is none.
    pub fn timeouts(&mut self, statement: Duration, lock: Duration) {
        self.timeouts = (!statement.is_zero() || !lock.is_zero()).then_some((statement, lock));
    }

    /// Whether the list of names opens as one types (it does), or by its keys alone.
    pub fn complete_as_you_type(&mut self, on: bool) {
        self.completion.unasked = on;
    }

    /// The database of the session.
    pub fn database(&self) -> &str {
        &self.setup.database
    }

    /// Whether names for completion are there.
    pub fn has_names(&self) -> bool {
        self.completion.has_names()
    }

    /// Since when something runs.
    pub fn busy_since(&self) -> Option<SystemTime> {
        self.run.as_ref().map(|run| run.began)
    }

    /// For the tab bar.
    pub fn title(&self) -> Title {
        Title { name: self.setup.name.clone(), work: self.work }
    }

    /// When something on screen changes by time alone; `None` while nothing does.
    pub fn next_tick(&self) -> Option<SystemTime> {
        if self.editor.lags() {
            return Some(self.now);
        }
        if self.cell.as_ref().is_some_and(Cell::is_busy) {
            return Some(self.now + Duration::from_millis(10));
        }
        if self.run.is_some() || self.shaping.job.is_some() {
            return Some(self.now + Duration::from_millis(100));
        }
        if matches!(self.health, LineHealth::Lost { .. }) {
            return Some(self.now + Duration::from_secs(1));
        }
        // The age of the token is shown in minutes, so that an idle screen is written to once a minute.
        let minted = self.facts.token_minted.filter(|_| self.link == Link::Up);
        let age = self.now.duration_since(minted?).unwrap_or_default();
        Some(self.now + Duration::from_secs(60 - age.as_secs() % 60))
    }

    /// The keys that work where the pane is now, under headings.
    pub fn help(&self) -> Vec<(&'static str, Vec<HelpRow>)> {
        fn rows<A>(table: &'static [Binding<A>]) -> Vec<HelpRow> {
            table.iter().map(|row| HelpRow { keys: row.keys, help: row.help }).collect()
        }
        if self.question.is_some() {
            return vec![("question", rows(self.replies()))];
        }
        if self.cell.is_some() {
            return vec![("cell", rows(READ))];
        }
        if self.finder.is_some() {
            return vec![("history", rows(SEARCH))];
        }
        if self.shaping.sheet.is_some() {
            return vec![("choose", rows(FILL))];
        }
        if self.shelf.is_some() {
            return vec![("saved queries", rows(PICK)), ("name", rows(LABEL))];
        }
        if self.tree.focused {
            return vec![("catalogue", rows(BRANCH)), ("filter", rows(SIFT))];
        }
        match self.focus {
            Focus::Editor => {
                let mut sections =
                    vec![("editor", rows(WRITE)), ("list of names", rows(CHOOSE)), ("results", rows(LOOK))];
                if self.vi.is_some() {
                    sections.insert(0, ("vi", rows(VI)));
                }
                sections
            }
            Focus::Results if plan::shown(self).is_some() => {
                vec![("plan", rows(PLAN)), ("results", rows(LOOK)), ("editor", rows(WRITE))]
            }
            Focus::Results => vec![("results", rows(LOOK)), ("editor", rows(WRITE))],
        }
    }

    /// The keys of the question that stands.
    pub(super) fn replies(&self) -> &'static [Binding<Reply>] {
        let counts = self.question.as_ref().is_some_and(|question| match &question.then {
            Then::Run(sent) => running::is_counted(sent),
            _ => false,
        });
        if counts { WEIGH } else { REPLY }
    }

    /// Whether leaving now would lose something: sentences to ask with (statement runs, transaction open, text not run).
    pub fn would_lose(&self) -> Option<String> {
        let name = &self.setup.name;
        let lost = match (&self.run, self.transaction) {
            _ if self.work == Work::Closed => None,
            _ if shaping::exports(self) => {
                Some("An export is being written: leaving stops it, and what there is of it stays as .part.".to_owned())
            }
            (Some(_), _) => Some(format!("A statement is running on {name}: leaving cancels it.")),
            (None, Transaction::Open) => Some(format!("A transaction is open on {name}: leaving rolls it back.")),
            (None, Transaction::Failed) => Some(format!("A failed transaction is open on {name}: leaving ends it.")),
            (None, Transaction::Idle) => None,
        };
        let draft = entering::is_draft(self);
        let draft = draft.then(|| format!("The editor of {name} holds text that was not run: leaving drops it."));
        let all: Vec<String> = lost.into_iter().chain(draft).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    pub(super) fn output(&self) -> Option<&Output> {
        self.outputs.get(self.current)
    }

    pub(super) fn table(&self) -> Option<&Table> {
        self.output().map(|output| &output.table)
    }

    pub(super) fn table_mut(&mut self) -> Option<&mut Table> {
        self.outputs.get_mut(self.current).map(|output| &mut output.table)
    }

    pub(super) fn say(&mut self, tone: Tone, words: impl Into<String>) {
        self.said = Some((tone, words.into()));
    }
}
