//! What goes in and out of a query pane: inputs, orders, what the worker is asked and what it tells. Plain data; it must
//! not know who carries it.

use super::shape::{Shape, Shaped, Ticket};
use crate::access::explore::{Finding, Question};
use crate::access::saved::Saved;
pub use crate::access::{LineHealth, Means, Piece, Pressed};
use crate::model::catalogue::Catalogue;
use crate::model::{Column, Diagnosis, Notice, SessionFacts, Transaction};
use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Rect;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What happened, as far as one pane is concerned.
#[derive(Clone, Debug)]
pub enum Input {
    /// A key.
    Key(KeyEvent),
    /// A bracketed paste.
    Paste(String),
    /// The mouse, in the coordinates of the whole screen.
    Mouse(MouseEvent),
    /// The worker tells.
    News(News),
    /// The time now. Send one before the inputs of each round, and when [`super::Pane::next_tick`] has come.
    Tick(SystemTime),
    /// What came back from [`Order::Compose`]: the text, or why there is none, in words.
    Composed(Result<String, String>),
    /// Names for completion.
    Names(Names),
    /// What came of [`Order::Explore`].
    Explored(Question, Result<Finding, Diagnosis>),
    /// What came of [`Order::Shelf`].
    Shelved(Result<Shelved, Diagnosis>),
    /// The area the pane will be drawn in. Send it before the first key and whenever it changes.
    Area(Rect),
}

/// What came of loading names for completion.
#[derive(Clone, Debug)]
pub enum Names {
    /// They are there.
    Ready(Arc<Catalogue>),
    /// They could not be loaded: why, in a few words.
    Failed(String),
}

/// What the pane wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// For this tab's worker.
    Ask(Ask),
    /// To the clipboard (OSC 52).
    Copy(String),
    /// This text in the editor of the settings, which gets the terminal; [`Input::Composed`] follows.
    Compose(String),
    /// Load the names for completion again ([`Input::Names`]).
    Names,
    /// Look into the catalogue; [`Input::Explored`] follows.
    Explore(Question),
    /// History and saved queries of all sessions; [`Input::Shelved`] follows.
    Shelf(Shelving),
    /// Show the help screen ([`super::Pane::help`]).
    Help,
    /// Show every command by name.
    Palette(String),
    /// Show the fleet; the tab lives on.
    Back,
    /// End the session and close the tab. What had to be asked was asked.
    Close,
    /// Leave gatepost.
    Quit,
    /// psql's `\c`: another session at the same endpoint; `None` means as now.
    Connect {
        /// Database.
        database: Option<String>,
        /// Role.
        user: Option<String>,
    },
}

/// What is wanted of the files of history and saved queries.
#[derive(Clone, Debug, PartialEq)]
pub enum Shelving {
    /// Which queries are saved?
    List,
    /// Save this one; what it was before is taken away where its name or reach changed.
    Save(Saved, Option<Saved>),
    /// Delete this one.
    Delete(Saved),
    /// The statements of all targets.
    Everywhere,
    /// Take this statement out of the history of this target.
    Forget(String),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Shelved {
    /// All that are saved, now.
    List(Vec<Saved>),
    /// It was saved; all that are saved, now.
    Saved(Saved, Vec<Saved>),
    /// Of all targets, oldest first, with the target's name.
    Everywhere(Arc<[(String, Past)]>),
    /// It is out of the history.
    Forgotten(String),
}

/// Names a result among those of one worker; counts up from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResultId(pub u64);

/// What the worker is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Run these in order, stopping at the first that fails. Results of earlier runs are let go.
    Run {
        /// Comes back in the news of this run.
        run: u64,
        /// One SQL statement each.
        statements: Vec<Statement>,
    },
    /// Run this text as psql runs a script; variables and settings are the tab's. Results of earlier runs are let go.
    Script {
        /// Comes back in the news of this run.
        run: u64,
        /// The text.
        text: String,
        /// What the history keeps; `None` keeps it out.
        note: Option<String>,
        /// Results are shown a column a line (`\x`).
        expanded: bool,
        /// Times are told (`\timing`).
        timing: bool,
    },
    /// Run this one in a transaction, tell what it changes ([`News::Tried`]), and keep it only if that is answered in time.
    Try {
        /// Comes back in the news of this run.
        run: u64,
        /// One SQL statement.
        statement: Statement,
    },
    /// What [`News::Asked`] or [`News::Tried`] asked may be done, or not.
    Answer(bool),
    /// Cancel what runs, at the server, and leave out what has not begun.
    Cancel,
    /// Stop what runs from a second session, after [`News::Unmoved`].
    Press(Means),
    /// Give the statement that runs up and cut the wire under it, whatever becomes of it; the next one logs in anew.
    Drop,
    /// Rows of a result.
    Window {
        /// Which.
        result: ResultId,
        /// First row wanted, from 0.
        first: u64,
        /// At most so many.
        count: u64,
    },
    /// Work on fetched rows; the number comes back with what is told of it.
    Shape(Ticket, Shape),
    /// Stop such work.
    Halt,
    /// End the session.
    Close,
}

/// One statement to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What the server is sent.
    pub sql: String,
    /// What the history keeps; `None` keeps it out.
    pub note: Option<String>,
    /// Sent even when one before it failed or was cancelled, if the wire is there: it ends what they began.
    pub always: bool,
}

/// How long a statement took, seen from here. What the server alone took cannot be seen; it is what is left of the time to
/// its first answer when one round trip of the line is taken off: that of an empty query after the login, or the quickest
/// answer since, if that was quicker. What follows the first answer is rows on their way, with server and line at work at
/// once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// From sending to the server's first answer (columns, rows, or completion).
    pub first: Option<Duration>,
    /// From sending to completion.
    pub total: Duration,
    /// One round trip of the line, as measured; none where it could not be.
    pub network: Option<Duration>,
}

/// Rows of a result, contiguous, pages shared with the worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The first row's number, from 0.
    pub first: u64,
    /// The rows, in order.
    pub pieces: Vec<Piece>,
}

/// How a past statement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was completed.
    Done,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// One statement of the history.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Past {
    /// The statement.
    pub text: String,
    /// Seconds since 1970 when it was sent.
    pub at: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Milliseconds it took.
    pub took: u64,
    /// Rows selected or affected.
    pub rows: u64,
}

/// What the worker tells.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A statement was sent.
    Began {
        /// The run.
        run: u64,
        /// Which statement of it, from 0.
        index: usize,
        /// When.
        at: SystemTime,
    },
    /// A result set begins.
    Columns {
        /// The run.
        run: u64,
        /// Which statement.
        index: usize,
        /// Its name from now on.
        result: ResultId,
        /// Its columns.
        columns: Arc<[Column]>,
    },
    /// So much of a result is kept by now. At most every 30 ms.
    Rows {
        /// Which.
        result: ResultId,
        /// Rows.
        rows: u64,
        /// Bytes.
        bytes: u64,
    },
    /// Rows that were asked for, or the first ones unasked.
    Window {
        /// Which.
        result: ResultId,
        /// The rows; fewer than asked at the end of what there is.
        window: Window,
    },
    /// Of work on fetched rows, by its number.
    Shaped(Ticket, Shaped),
    /// A script says something: its words, and whether they are of trouble.
    Said {
        /// The words; they may be several lines.
        text: String,
        /// A warning.
        warning: bool,
    },
    /// A text to read from its beginning: a description, a definition.
    Document(String),
    /// What a result is called.
    Titled {
        /// Which.
        result: ResultId,
        /// In words.
        title: String,
    },
    /// The session is another one now (`\connect` within a script), at the same endpoint.
    Moved {
        /// Its role.
        user: String,
        /// Its database.
        database: String,
    },
    /// The script asks the same again (`\watch`): its results take the place of those before.
    Again {
        /// When.
        at: SystemTime,
    },
    /// A script came to what is asked about first; it waits for [`Ask::Answer`].
    Asked {
        /// The question.
        title: String,
        /// What it is about.
        lines: Vec<String>,
    },
    /// What a script set: `\x`, `\timing`.
    Shown {
        /// A column a line.
        expanded: bool,
        /// Times are told.
        timing: bool,
    },
    /// A result was cut short (row cap, byte cap, disk full): the sentence to show.
    Short {
        /// Which.
        result: ResultId,
        /// In words.
        why: String,
    },
    /// A statement is done.
    Complete {
        /// The run.
        run: u64,
        /// Which statement.
        index: usize,
        /// Its result set, if it had one.
        result: Option<ResultId>,
        /// The command tag.
        tag: String,
        /// Rows selected or affected.
        rows: u64,
        /// How long it took.
        timing: Timing,
    },
    /// A statement failed.
    Failed {
        /// The run.
        run: u64,
        /// Which statement.
        index: usize,
        /// The result set it had begun.
        result: Option<ResultId>,
        /// Why.
        diagnosis: Diagnosis,
        /// How long it took.
        timing: Timing,
    },
    /// Nothing runs any more.
    Ended {
        /// The run.
        run: u64,
    },
    /// A notice, warning or notification.
    Notice(Notice),
    /// The wire was gone before the statement could be sent; a new session is being logged in for it.
    Returning,
    /// The wire had been lost; a new session was logged in.
    Reconnected(String),
    /// How the line is doing now, when that has changed.
    Health(LineHealth),
    /// The statement was cancelled, but the session must live on: what was under way is read and thrown away, so many
    /// bytes by now.
    Draining(u64),
    /// The wire was lost while nothing ran; the next statement opens a new session.
    Lost {
        /// Whether a transaction was open, which the server has rolled back.
        in_transaction: bool,
    },
    /// The server has heard of the cancel a while ago, and has not stopped.
    Unmoved {
        /// The backend's process id.
        pid: i32,
    },
    /// What came of [`Ask::Press`].
    Pressed {
        /// By which means.
        means: Means,
        /// The backend's process id.
        pid: i32,
        /// What is seen of the backend now.
        seen: Result<Pressed, Diagnosis>,
    },
    /// How far the statement that runs is, in the server's words.
    Progress(String),
    /// The statement of [`Ask::Try`] has run; it waits for [`Ask::Answer`].
    Tried {
        /// Rows it has changed.
        rows: u64,
        /// Without an answer in this time it is undone.
        answer_within: Duration,
    },
    /// The cancel request was delivered, or not.
    Cancelled(Result<(), Diagnosis>),
    /// Where the session stands.
    State {
        /// Transaction state.
        transaction: Transaction,
        /// All else.
        facts: Box<SessionFacts>,
        /// The wire is gone; the next statement logs in anew.
        away: bool,
    },
    /// Past statements of this target, oldest first; once at the start.
    History(Vec<Past>),
    /// The session has ended; nothing follows.
    Closed,
    /// Something of this machine went wrong that hinders no statement (history cannot be written).
    Trouble(Diagnosis),
}
