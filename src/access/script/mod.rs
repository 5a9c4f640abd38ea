//! psql's scripts: text in, steps out. What a script says is read line by line; variables, conditions, files within files
//! and the backslash commands are seen to here, and what needs a server or a screen is handed out as a [`Step`], whose
//! outcome is handed back. It must not know who does the steps: `gatepost query` and the query pane both do.
//!
//! Source: psql's reference page; where it is silent, what psql 15 was seen to do. What differs on purpose: a script stops at
//! its first error unless told not to, nothing of it reaches a shell, and the data of a COPY that failed are not run as SQL.

mod connection;
mod copy;
mod crosstab;
mod data;
mod display;
mod level;
mod lines;
mod outcome;
mod print;
mod standing;
mod step;
mod words;

pub use connection::connect;
pub use display::{Display, Expanded, Shape};
pub use print::Printer;
pub use standing::Standing;
pub use step::{Connect, Fault, Place, Ran, Run, Step, Table};

use crate::model::Transaction;
use crate::model::sql::{Class, CopyWay, Found, Query, Variables, classify};
use data::Inline;
use level::Level;
use lines::Lines;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Files within files, at most.
const DEEPEST: usize = 64;
/// Before each statement within a transaction, where ON_ERROR_ROLLBACK is on.
const SAVEPOINT: &str = "gatepost_before_statement";
/// Where a script comes from.
#[derive(Debug)]
pub enum Source {
    /// Typed.
    Text(String),
    /// A file.
    File(PathBuf),
    /// The process's stdin.
    Stdin,
}

/// A script that is being run, or a tab's: its variables and settings outlive a text.
#[derive(Debug)]
pub struct Script {
    levels: Vec<Level>,
    variables: Variables,
    display: Display,
    steps: VecDeque<(Step, After)>,
    /// What is done with the outcome that is awaited.
    after: After,
    /// The statement sent last, which `\g` and its like send again.
    previous: Option<Query>,
    /// Where relative names of files begin.
    folder: PathBuf,
    /// As of the last statement.
    transaction: Transaction,
    standing: Standing,
    /// Backslash commands are refused until this key comes.
    restricted: Option<String>,
    /// The error of the last statement that failed.
    last_error: Option<crate::model::Diagnosis>,
    stopped: bool,
    failed: bool,
    /// COMMIT is still to be sent at the end.
    commits: bool,
    copy: Option<Lines>,
    /// The statement that runs has asked for data.
    asked: bool,
    /// The script's own lines are data.
    inline: Inline,
    /// Those of the standard input are, wherever it stands among the texts (`\copy … from pstdin`).
    from_stdin: bool,
    /// The process's stdin is there to be read; in a console it is the keyboard.
    has_stdin: bool,
    /// Where the data of a COPY in a typed text come from.
    data_from_stdin: bool,
    /// The statement awaited has a savepoint before it.
    guarded: bool,
    timing: bool,
    done: u64,
}

/// What is done with a statement's outcome.
#[derive(Clone, Debug, Default)]
enum After {
    #[default]
    Nothing,
    Set(String),
    Execute,
    Crosstab(Vec<String>),
    Describe,
    Watch(Watch),
}

/// `\watch`.
#[derive(Clone, Debug)]
struct Watch {
    query: Query,
    every: Duration,
    left: Option<u64>,
    least: Option<u64>,
}

impl Script {
    /// One without a text yet. `folder` is where relative names of files begin.
    pub fn new(folder: PathBuf) -> Script {
        Script {
            levels: Vec::new(),
            variables: Variables::default(),
            display: Display::default(),
            steps: VecDeque::new(),
            after: After::Nothing,
            previous: None,
            folder,
            transaction: Transaction::Idle,
            standing: Standing::default(),
            restricted: None,
            last_error: None,
            stopped: false,
            failed: false,
            commits: false,
            copy: None,
            asked: false,
            inline: Inline::No,
            from_stdin: false,
            has_stdin: false,
            data_from_stdin: false,
            guarded: false,
            timing: false,
            done: 0,
        }
    }

    /// Its variables.
    pub fn variables(&mut self) -> &mut Variables {
        &mut self.variables
    }

    /// How results are shown.
    pub fn display(&mut self) -> &mut Display {
        &mut self.display
    }

    /// The process's stdin may be read, as `\copy … from pstdin` has it.
    pub fn may_read_stdin(&mut self) {
        self.has_stdin = true;
    }

    /// Data of a COPY in a typed text come from the process's stdin.
    pub fn data_from_stdin(&mut self) {
        self.data_from_stdin = true;
    }

    /// It stops at its first error unless it says otherwise: `ON_ERROR_STOP`, which psql has off.
    pub fn stops_at_errors(&mut self) {
        // The one word that means something for this variable.
        let _ = self.variables.set("ON_ERROR_STOP", "on");
    }

    /// Everything in one transaction: `BEGIN` first, `COMMIT` last unless something stopped it.
    pub fn single_transaction(&mut self) {
        self.commits = true;
        self.own("BEGIN");
    }

    /// How whoever sits there has things shown by now.
    pub fn show(&mut self, expanded: bool, timing: bool) {
        if expanded != self.display.is_expanded() {
            self.display.expanded = if expanded { Expanded::On } else { Expanded::Off };
        }
        self.timing = timing;
    }

    /// The statements that wait behind the one handed out.
    pub fn ahead(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|(step, _)| match step {
            Step::Run(run) if !run.own => Some(run.query.sql.as_str()),
            _ => None,
        })
    }

    /// A [`Step::Run`] was not done, and will not be.
    pub fn awaits_no_more(&mut self) {
        self.after = After::Nothing;
        (self.copy, self.from_stdin) = (None, false);
        self.guarded = false;
    }

    /// Whether only results are wanted.
    pub fn is_quiet(&self) -> bool {
        self.variables.is_on("QUIET")
    }

    /// Whether times are told.
    pub fn timing(&self) -> bool {
        self.timing
    }

    /// Whether something failed, ever since the last text was given.
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// Statements done.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Where it is being read.
    pub fn place(&self) -> Place {
        match self.levels.last() {
            Some(level) => Place { file: level.file.clone(), line: level.scanner.line() },
            None => Place::default(),
        }
    }

    /// Gives a text to read; what was left of another one is forgotten, conditions and a half statement included.
    pub fn give(&mut self, source: Source) -> io::Result<()> {
        self.steps.retain(|(step, _)| matches!(step, Step::Run(run) if run.own && self.commits));
        self.levels.clear();
        (self.stopped, self.failed, self.inline, self.copy) = (false, false, Inline::No, None);
        (self.asked, self.guarded, self.from_stdin) = (false, false, false);
        let level = match source {
            Source::Text(text) => Level::new(None, None, Lines::of(text)),
            Source::Stdin => {
                let level = Level::new(Some("stdin".to_owned()), None, Lines::stdin());
                Level { is_stdin: true, ..level }
            }
            Source::File(path) => Level::file(&path)?,
        };
        self.levels.push(level);
        Ok(())
    }

    /// The next thing to do, the transaction standing so; `None` at the end. Cancel-safe.
    pub async fn next(&mut self, transaction: Transaction) -> Option<Step> {
        self.transaction = transaction;
        loop {
            if let Some((step, after)) = self.steps.pop_front() {
                if let Step::Run(run) = &step
                    && !run.own
                    && !self.guarded
                    && self.guards(&run.query.sql)
                {
                    // The savepoint first; the statement finds it made when it comes round again.
                    let guard = Run::own(&format!("SAVEPOINT {SAVEPOINT}"), self.display.clone());
                    self.steps.push_front((step, after));
                    self.guarded = true;
                    self.after = After::Nothing;
                    return Some(Step::Run(Box::new(guard)));
                }
                self.after = after;
                return Some(step);
            }
            if self.stopped {
                return None;
            }
            // Data of a COPY that failed, or that the server did not take to their end.
            self.skip_data().await;
            let Some(level) = self.levels.last_mut() else {
                if std::mem::take(&mut self.commits) {
                    self.own("COMMIT");
                    continue;
                }
                return None;
            };
            level.scanner.skip(!level.conditions.is_active());
            match level.scanner.next(&self.variables) {
                Some(Found::Semicolon) => {
                    if let Some(query) = level.scanner.take() {
                        self.send(query);
                    }
                }
                Some(Found::Command { name, arguments, line }) => self.word(&name, &arguments, line),
                None => self.read().await,
            }
        }
    }

    /// Reads the next line of the innermost text.
    async fn read(&mut self) {
        let Some(level) = self.levels.last_mut() else { return };
        match level.lines.next().await {
            Ok(Some(line)) => {
                level.number += 1;
                // A byte order mark is no SQL; editors on other systems leave it.
                let line = match level.number {
                    1 => line.strip_prefix("\u{feff}".as_bytes()).map(<[u8]>::to_vec).unwrap_or(line),
                    _ => line,
                };
                match String::from_utf8(line) {
                    Ok(text) => {
                        if self.variables.get("ECHO") == Some("all") {
                            self.steps
                                .push_back((Step::Say(format!("{}\n", text.trim_end_matches('\n'))), After::Nothing));
                        }
                        level.scanner.feed(text, level.number);
                    }
                    Err(_) => {
                        let words = "this line is not UTF-8: convert the file (iconv -t UTF-8)".to_owned();
                        let number = level.number;
                        self.fault(words, number);
                        self.stop();
                    }
                }
            }
            Ok(None) => self.leave(),
            Err(error) => {
                let number = level.number;
                self.fault(format!("the rest cannot be read: {error}"), number);
                self.stop();
            }
        }
    }

    /// The innermost text is at its end.
    fn leave(&mut self) {
        let Some(level) = self.levels.last_mut() else { return };
        let (open, active, number) = (level.conditions.is_open(), level.conditions.is_active(), level.number);
        let rest = level.scanner.take().filter(|_| active);
        let file = level.file.clone();
        self.levels.pop();
        if let Some(query) = rest {
            self.send_as(query, After::Nothing, |run| run.file = file.clone());
        }
        if open {
            let place = Place { file, line: number };
            self.fault_at("the end was reached without finding closing \\endif(s)".to_owned(), place);
        }
    }

    /// Sends a statement, its rows shown.
    fn send(&mut self, query: Query) {
        self.send_as(query, After::Nothing, |_| {});
    }

    /// Sends a statement, something done with what comes.
    fn send_as(&mut self, query: Query, after: After, change: impl FnOnce(&mut Run)) {
        if self.variables.get("ECHO") == Some("queries") {
            self.steps.push_back((Step::Say(format!("{};\n", query.sql)), After::Nothing));
        }
        if !self.variables.is_on("AUTOCOMMIT") && self.transaction == Transaction::Idle && begins(&query.sql) {
            self.own("BEGIN");
        }
        self.previous = Some(query.clone());
        let mut run = Run {
            unseen: query.woven,
            query,
            file: self.levels.last().and_then(|level| level.file.clone()),
            keep: matches!(after, After::Set(_) | After::Execute | After::Crosstab(_) | After::Describe),
            own: false,
            display: self.display.clone(),
            to: None,
        };
        change(&mut run);
        self.steps.push_back((Step::Run(Box::new(run)), after));
    }

    fn own(&mut self, sql: &str) {
        let run = Run::own(sql, self.display.clone());
        self.steps.push_back((Step::Run(Box::new(run)), After::Nothing));
    }

    /// As [`Script::own`], before all that waits.
    fn own_next(&mut self, sql: &str) {
        let run = Run::own(sql, self.display.clone());
        self.steps.push_front((Step::Run(Box::new(run)), After::Nothing));
    }

    /// Whether a savepoint is to be made before it.
    fn guards(&self, sql: &str) -> bool {
        self.transaction == Transaction::Open
            && self.variables.get("ON_ERROR_ROLLBACK") == Some("on")
            && classify(sql) != Class::Transaction
    }

    /// A path as the script means it.
    fn path(&self, name: &str) -> PathBuf {
        let home = || std::env::var_os("HOME").map(PathBuf::from);
        match name.strip_prefix("~/").and_then(|rest| home().map(|home| home.join(rest))) {
            Some(path) => path,
            None => self.folder.join(name),
        }
    }

    fn fault(&mut self, words: String, line: usize) {
        let file = self.levels.last().and_then(|level| level.file.clone());
        self.fault_at(words, Place { file, line });
    }

    fn fault_at(&mut self, words: String, place: Place) {
        self.failed = true;
        if self.variables.is_on("ON_ERROR_STOP") {
            self.stop();
        }
        self.steps.push_back((Step::Fault(Fault { place, words }), After::Nothing));
    }

    /// Nothing more is run.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.commits = false;
        self.steps.retain(|(step, _)| matches!(step, Step::Fault(_)));
        self.copy = None;
        (self.asked, self.guarded, self.from_stdin) = (false, false, false);
    }
}

impl Run {
    fn own(sql: &str, display: Display) -> Run {
        Run { query: Query::new(sql), file: None, keep: false, own: true, display, to: None, unseen: false }
    }
}

/// Whether psql would begin a transaction before it where AUTOCOMMIT is off: not before words of transactions, nor before
/// what cannot be done within one.
fn begins(sql: &str) -> bool {
    let mut words =
        crate::model::sql::tokens(sql).filter(|token| token.is_word()).map(|token| token.of(sql).to_ascii_lowercase());
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let alone = match first.as_str() {
        "vacuum" | "cluster" => true,
        "create" | "drop" => matches!(second.as_str(), "database" | "tablespace"),
        "alter" => second == "system",
        "reindex" => matches!(second.as_str(), "database" | "system"),
        "discard" => second == "all",
        _ => false,
    };
    !alone && !matches!(classify(sql), Class::Transaction | Class::Empty)
}

/// Whether a failed COPY leaves data in the script.
fn awaits_data(sql: &str) -> bool {
    classify(sql) == Class::Copy(CopyWay::FromStdin)
}
