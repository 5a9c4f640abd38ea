//! Scripts in the pane: the tab's interpreter driven by its worker, and a statement that runs for it. It must not read
//! scripts, nor know the pane.

use super::lifting;
use super::order::{Ask, News, Outcome, Past};
use super::worker::{After, Current, Worker};
use crate::access::Session;
use crate::access::describe;
use crate::access::script::{Ran, Run, Script, Source, Standing, Step, Table};
use crate::model::sql::{Class, CopyWay, classify, statements};
use crate::model::{Diagnosis, Happening, Kind, PageBuilder, visible};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};

/// Of a file so much is looked through for what is dangerous in it.
const LOOKED: u64 = 32 << 20;
/// Reasons shown in a question.
const SHOWN: usize = 5;

/// A statement that runs for a script.
pub(super) struct Scripted {
    pub(super) ran: Ran,
    keep: bool,
    /// COPY data go there.
    file: Option<(PathBuf, File)>,
    run: Run,
    trouble: Option<String>,
}

impl Scripted {
    pub(super) fn new(run: &Run) -> Scripted {
        let mut trouble = None;
        let file = run.to.as_ref().and_then(|path| match File::create(path) {
            Ok(file) => Some((path.clone(), file)),
            Err(error) => {
                trouble = Some(format!("{}: {error}", path.display()));
                None
            }
        });
        Scripted { ran: Ran::default(), keep: run.keep, file, run: run.clone(), trouble }
    }

    /// Keeps what is kept; gives what is to be shown.
    pub(super) fn hear(&mut self, happening: Result<Happening, Diagnosis>) -> Option<Result<Happening, Diagnosis>> {
        match happening {
            Ok(Happening::Columns(columns)) if self.keep => (self.ran.columns, self.ran.rows) = (columns, Vec::new()),
            Ok(Happening::Rows(page)) if self.keep => {
                for row in 0..page.rows() {
                    self.ran.rows.push(page.row(row).map(|cell| cell.map(str::to_owned)).collect());
                }
            }
            Ok(Happening::CopyData(data)) if self.run.to.is_some() => {
                if let Some((path, file)) = &mut self.file
                    && let Err(error) = file.write_all(&data)
                {
                    self.trouble.get_or_insert(format!("{}: {error}", path.display()));
                }
            }
            Ok(Happening::Complete { tag, rows }) => {
                self.ran.count = rows;
                return Some(Ok(Happening::Complete { tag, rows }));
            }
            other => return Some(other),
        }
        None
    }

    /// What failed, told where it stands in the text that was typed, or in words.
    pub(super) fn locate(&self, diagnosis: &mut Diagnosis) {
        let place = self.run.place(diagnosis.at);
        if let Some(place) = place.filter(|place| place.file.is_some() || self.run.unseen || diagnosis.at.is_none()) {
            diagnosis.title = format!("{place}: {}", diagnosis.title);
        }
        diagnosis.at = None;
    }

    /// What the script is told.
    pub(super) fn over(mut self) -> Ran {
        if let Some(trouble) = self.trouble.take() {
            self.ran.error.get_or_insert(Diagnosis::new(Kind::Local, trouble));
        }
        self.ran
    }
}

impl Worker {
    /// Runs a text as a script, to its end or until it is cancelled.
    pub(super) async fn run_script(
        &mut self,
        session: &mut Session,
        run: u64,
        text: String,
        note: Option<String>,
        notes: &Sender<Past>,
    ) -> After {
        self.results.clear();
        self.desk.clear();
        let at = SystemTime::now();
        let Some(mut script) = self.script.take() else { return After::Go };
        let before = script.done();
        let outcome = match script.give(Source::Text(text)) {
            Ok(()) => Box::pin(self.steps(session, run, &mut script)).await,
            Err(error) => {
                self.say(error.to_string(), true);
                (After::Go, Outcome::Failed)
            }
        };
        let (after, outcome) = outcome;
        if script.done() == before {
            // Nothing was asked of the server: the run has an answer all the same.
            (self.tell)(News::Began { run, index: 0, at });
        }
        self.script = Some(script);
        if let Some(text) = note {
            let since = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
            let took = at.elapsed().unwrap_or_default().as_millis() as u64;
            let _ = notes.send(Past { text, at: since, outcome, took, rows: 0 });
        }
        after
    }

    async fn steps(&mut self, session: &mut Session, run: u64, script: &mut Script) -> (After, Outcome) {
        let target = session.target();
        script.stand(Standing {
            database: target.database.clone(),
            user: target.user.clone(),
            host: target.endpoint.host.clone(),
            port: target.endpoint.port,
            version: session.facts().server_version,
        });
        let (mut index, mut outcome, mut waited) = (0, Outcome::Done, false);
        loop {
            let transaction = session.transaction();
            let step = tokio::select! {
                biased;
                ask = self.waiting.recv() => match self.meanwhile(ask) {
                    None => continue,
                    Some(after) => return (after, Outcome::Cancelled),
                },
                step = script.next(transaction) => step,
            };
            let Some(step) = step else { break };
            match step {
                Step::Run(one) => {
                    if let Some(why) = self.guard(session, &one) {
                        outcome = Outcome::Failed;
                        script.refused(why);
                        script.stop();
                        continue;
                    }
                    if one.to.is_some() && classify(&one.query.sql) != Class::Copy(CopyWay::ToStdout) {
                        script.refused("\\g FILE: results stay in the pane; its export writes files".to_owned());
                        continue;
                    }
                    if self.must_ask(session, &one) {
                        let reasons = dangers(&one.query.sql);
                        if !self.ask(reasons).await {
                            self.say("not run; the script ends here".to_owned(), true);
                            return (After::Go, Outcome::Cancelled);
                        }
                    }
                    if std::mem::take(&mut waited) {
                        self.results.clear();
                        self.desk.clear();
                        (self.tell)(News::Again { at: SystemTime::now() });
                    }
                    let sql = one.query.sql.clone();
                    let ended = self.statement(session, run, index, &sql, Some((&mut *script, &one))).await;
                    index = 1;
                    self.lost = session.is_away();
                    self.tell_state(session);
                    script.ran(&one, &ended.ran);
                    if ended.outcome != Outcome::Done {
                        outcome = ended.outcome;
                    }
                    if ended.after == After::Leave || ended.cancelled {
                        script.stop();
                        return (ended.after, outcome);
                    }
                }
                Step::Say(text) | Step::Tell(text) | Step::Note(text) => {
                    self.say(text, false);
                    (self.tell)(shown(script));
                }
                Step::Warn(text) => self.say(text, true),
                Step::Output(None) => self.say("results are shown here".to_owned(), false),
                Step::Output(Some(_)) => {
                    script.refused("\\o: results stay in the pane; its export writes files, as does \\copy".to_owned());
                }
                Step::Table(table) => self.table(session, run, index, *table),
                Step::Look { word, arguments } => match describe::describe(session, &word, &arguments).await {
                    Err(refused) => script.refused(refused.to_string()),
                    Ok(pieces) => {
                        for piece in pieces {
                            if let Some(text) = piece.text {
                                self.say(text, false);
                                continue;
                            }
                            self.say(piece.title.unwrap_or_default(), false);
                            let (columns, rows) = (piece.columns, piece.rows);
                            self.table(session, run, index, Table { columns, rows, ..Table::default() });
                            piece.footers.into_iter().for_each(|footer| self.say(footer, false));
                        }
                    }
                },
                Step::Connect(_) => {
                    script.refused(
                        "\\connect: among other words it is for `gatepost query`; on its own it changes this tab"
                            .to_owned(),
                    );
                }
                Step::Where => {
                    let target = session.target();
                    self.say(format!("{}@{} at {}", target.user, target.database, target.endpoint.host), false);
                }
                Step::Pause(time) => {
                    waited = true;
                    if let Some(after) = self.pause(time).await {
                        script.stop();
                        return (after, outcome);
                    }
                }
                Step::Fault(fault) => {
                    outcome = Outcome::Failed;
                    let words = match fault.place.file {
                        Some(_) => format!("{}: {}", fault.place, fault.words),
                        None => fault.words,
                    };
                    (self.tell)(News::Trouble(Diagnosis::new(Kind::Sql, words)));
                }
                Step::Include(path) => {
                    let reasons = if session.facts().read_only { Vec::new() } else { looked_through(&path).await };
                    let allowed = reasons.is_empty() || self.ask(reasons).await;
                    if !allowed {
                        self.say(format!("{} was not run", path.display()), true);
                    }
                    script.allowed(&path, allowed);
                }
            }
        }
        (self.tell)(shown(script));
        (After::Go, outcome)
    }

    /// What is asked while nothing runs at the server; `Some` when the script is to end.
    pub(super) fn meanwhile(&mut self, ask: Option<Ask>) -> Option<After> {
        match ask {
            None | Some(Ask::Close) => Some(After::Leave),
            Some(Ask::Cancel | Ask::Drop) => Some(After::Go),
            Some(Ask::Window { result, first, count }) => {
                self.window(result, first, count);
                None
            }
            Some(Ask::Shape(ticket, shape)) => {
                self.shape(ticket, shape);
                None
            }
            Some(Ask::Halt) => {
                self.desk.halt();
                None
            }
            Some(Ask::Run { .. } | Ask::Try { .. } | Ask::Script { .. } | Ask::Answer(_) | Ask::Press(_)) => None,
        }
    }

    /// Waits; `Some` when the script is to end.
    async fn pause(&mut self, time: Duration) -> Option<After> {
        let until = tokio::time::Instant::now() + time;
        loop {
            tokio::select! {
                ask = self.waiting.recv() => match self.meanwhile(ask) {
                    None => {}
                    after => return after,
                },
                () = tokio::time::sleep_until(until) => return None,
            }
        }
    }

    /// Asks whoever sits there; nothing runs and no lock is held meanwhile.
    async fn ask(&mut self, mut lines: Vec<String>) -> bool {
        if lines.len() > SHOWN {
            let more = lines.len() - (SHOWN - 1);
            lines.truncate(SHOWN - 1);
            lines.push(format!("and {more} more"));
        }
        (self.tell)(News::Asked { title: "The script comes to this. Run it?".to_owned(), lines });
        loop {
            match self.waiting.recv().await {
                Some(Ask::Answer(answer)) => return answer,
                None => return false,
                ask => {
                    if self.meanwhile(ask).is_some() {
                        return false;
                    }
                }
            }
        }
    }

    /// Why a statement may not be sent.
    fn guard(&self, session: &Session, run: &Run) -> Option<String> {
        let lifts = || statements(&run.query.sql).iter().any(|one| lifting::lifts_read_only(one.of(&run.query.sql)));
        (session.facts().read_only && lifts())
            .then(|| "this session is read-only; to write, connect again as writable".to_owned())
    }

    /// Whether a statement that nobody saw when the text was looked at is to be asked about.
    fn must_ask(&self, session: &Session, run: &Run) -> bool {
        run.unseen && !session.facts().read_only && matches!(classify(&run.query.sql), Class::Dangerous { .. })
    }

    fn say(&self, text: String, warning: bool) {
        if !text.is_empty() {
            (self.tell)(News::Said { text, warning });
        }
    }

    /// A table that was made here, among the results.
    fn table(&mut self, session: &Session, run: u64, index: usize, table: Table) {
        let mut page = PageBuilder::new(table.columns.len());
        for row in &table.rows {
            page.push(row.iter().map(Option::as_deref));
        }
        let mut current = Current::new(run, index, session, "");
        self.begin(&mut current, table.columns);
        self.push(&mut current, page.take());
        self.complete(&mut current, format!("{} rows", table.rows.len()));
    }
}

fn shown(script: &mut Script) -> News {
    News::Shown { timing: script.timing(), expanded: script.display().is_expanded() }
}

/// What is dangerous in a text, a line each.
fn dangers(text: &str) -> Vec<String> {
    statements(text)
        .iter()
        .filter_map(|statement| match classify(statement.of(text)) {
            Class::Dangerous { reason } => {
                let first = statement.of(text).lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
                Some(visible(&format!("{reason}: {first}")).into_owned())
            }
            _ => None,
        })
        .collect()
}

/// What is dangerous in a file; one that cannot be read is for whoever runs it to tell.
async fn looked_through(path: &Path) -> Vec<String> {
    let path = path.to_owned();
    let looked = tokio::task::spawn_blocking(move || {
        let file = File::open(&path).ok().filter(|file| file.metadata().is_ok_and(|about| about.is_file()))?;
        let mut bytes = Vec::new();
        let read = file.take(LOOKED + 1).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let mut found = dangers(&text);
        if read as u64 > LOOKED {
            found.insert(0, format!("only the first {} MiB were looked through", LOOKED >> 20));
        }
        Some(found)
    });
    looked.await.ok().flatten().unwrap_or_default()
}
