//! Scripts in the pane: the tab's interpreter driven by its worker, step by step, until its end or a cancel. It must not read
//! scripts, nor know the pane.

use super::current::Current;
use super::dangers::{Approved, Danger, dangers, lines, looked_through};
use super::lifting;
use super::order::{Ask, News, Outcome, Past};
use super::outlet::Outlet;
use super::worker::{After, Worker};
use crate::access::Session;
use crate::access::format::Format;
use crate::access::script::{Connect, Fault, Printer, Run, Script, Source, Standing, Step, Table};
use crate::model::sql::statements;
use crate::model::{Diagnosis, Kind, PageBuilder, visible};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A text that is run as a script, and how the pane shows things.
pub(super) struct Typed {
    pub(super) run: u64,
    pub(super) text: String,
    pub(super) note: Option<String>,
    pub(super) expanded: bool,
    pub(super) timing: bool,
}

/// Why a script goes no further.
pub(super) struct Halt {
    after: After,
    outcome: Outcome,
}

impl Halt {
    fn cancelled(after: After) -> Halt {
        Halt { after, outcome: Outcome::Cancelled }
    }
}

impl Worker {
    /// Runs a text as a script, to its end or until it is cancelled.
    pub(super) async fn run_script(&mut self, session: &mut Session, typed: Typed, notes: &Sender<Past>) -> After {
        self.results.clear();
        self.desk.clear();
        let at = SystemTime::now();
        let Some(mut script) = self.script.take() else { return After::Go };
        (self.tell)(News::Began { run: typed.run, index: 0, at });
        self.approved = Approved::default();
        self.approved.add(dangers(&typed.text));
        self.typed = Arc::from(typed.text.as_str());
        script.show(typed.expanded, typed.timing);
        let outcome = match script.give(Source::Text(typed.text)) {
            Ok(()) => Box::pin(self.steps(session, typed.run, &mut script)).await,
            Err(error) => {
                self.say(error.to_string(), true);
                Ok(Outcome::Failed)
            }
        };
        let (after, outcome) = match outcome {
            Ok(outcome) => (After::Go, outcome),
            Err(halt) => {
                script.stop();
                (halt.after, halt.outcome)
            }
        };
        let (expanded, timing) = (script.display().is_expanded(), script.timing());
        if (expanded, timing) != (typed.expanded, typed.timing) {
            (self.tell)(News::Shown { expanded, timing });
        }
        self.script = Some(script);
        if let Some(text) = typed.note {
            let since = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
            let took = at.elapsed().unwrap_or_default().as_millis() as u64;
            let _ = notes.send(Past { text, at: since, outcome, took, rows: 0 });
        }
        after
    }

    async fn steps(&mut self, session: &mut Session, run: u64, script: &mut Script) -> Result<Outcome, Halt> {
        script.stand(standing(session));
        let (mut index, mut outcome, mut waited) = (0, Outcome::Done, false);
        loop {
            let transaction = session.transaction();
            let step = tokio::select! {
                biased;
                ask = self.waiting.recv() => match self.meanwhile(ask) {
                    None => continue,
                    Some(after) => return Err(self.cancelled(run, after)),
                },
                step = script.next(transaction) => step,
            };
            let Some(step) = step else { break };
            match step {
                Step::Run(one) => {
                    if let Some(why) = guarded(session, &one) {
                        script.refused(why);
                        script.stop();
                        continue;
                    }
                    self.agreed(session, run, script, &one).await?;
                    let outlet = match &one.to {
                        None => self.out.clone(),
                        Some(path) => match self.opened(run, path.clone()).await? {
                            Ok(outlet) => Some(outlet),
                            Err(words) => {
                                outcome = Outcome::Failed;
                                script.refused(words);
                                script.awaits_no_more();
                                continue;
                            }
                        },
                    };
                    if std::mem::take(&mut waited) {
                        self.results.clear();
                        self.desk.clear();
                        (self.tell)(News::Again { at: SystemTime::now() });
                    }
                    let sql = one.query.sql.clone();
                    let ended = self.statement(session, run, index, &sql, Some((&mut *script, &one)), outlet).await;
                    index = 1;
                    self.lost = session.is_away();
                    self.tell_state(session);
                    script.ran(&one, &ended.ran);
                    if ended.outcome != Outcome::Done {
                        outcome = ended.outcome;
                    }
                    if ended.cancelled && ended.outcome == Outcome::Done {
                        // It was over before the cancel was heard; what would come after it does not come.
                        return Err(self.cancelled(run, ended.after));
                    }
                    if ended.after == After::Leave || ended.cancelled {
                        return Err(Halt { after: ended.after, outcome });
                    }
                }
                Step::Say(text) | Step::Note(text) => self.say(text, false),
                Step::Tell(text) => self.put(run, text, true).await?,
                Step::Warn(text) => self.say(text, true),
                Step::Output(None) => {
                    if let Some(outlet) = self.out.take() {
                        self.say(
                            format!("results are shown here again, not written to {}", outlet.path().display()),
                            false,
                        );
                    }
                }
                Step::Output(Some(path)) => {
                    self.out = None;
                    match self.opened(run, path).await? {
                        Ok(outlet) => {
                            self.say(format!("results go to {} until \\o", outlet.path().display()), false);
                            self.out = Some(outlet);
                        }
                        Err(words) => {
                            outcome = Outcome::Failed;
                            script.refused(format!("\\o: {words}"));
                        }
                    }
                }
                Step::Table(table) => self.table(session, run, (index, Instant::now()), *table).await?,
                Step::Look { word, arguments } => self.look(session, run, script, &word, &arguments).await?,
                Step::Connect(wanted) => {
                    let failed = self.connect(session, run, wanted).await?.err();
                    if let Some(diagnosis) = &failed {
                        outcome = Outcome::Failed;
                        self.trouble(run, diagnosis.clone());
                    }
                    script.connected(failed.as_ref());
                    script.stand(standing(session));
                }
                Step::Where => {
                    let target = session.target();
                    let words = format!("{}@{} at {}\n", target.user, target.database, target.endpoint.host);
                    self.put(run, words, false).await?;
                }
                Step::Pause(time) => {
                    waited = true;
                    if let Some(after) = self.pause(time).await {
                        return Err(self.cancelled(run, after));
                    }
                }
                Step::Fault(Fault { place, words }) => {
                    outcome = Outcome::Failed;
                    let words = if place.file.is_some() { format!("{place}: {words}") } else { words };
                    self.trouble(run, Diagnosis::new(Kind::Sql, words));
                }
                Step::Include(path) => {
                    let allowed = session.facts().read_only || self.may_include(&path).await;
                    if !allowed {
                        self.say(format!("{} was not run", path.display()), true);
                        return Err(self.cancelled(run, After::Go));
                    }
                    script.allowed(&path, allowed);
                }
            }
        }
        Ok(outcome)
    }

    /// What failed before the server was asked.
    pub(super) fn trouble(&self, run: u64, diagnosis: Diagnosis) {
        let timing = super::order::Timing::default();
        (self.tell)(News::Failed { run, index: 0, result: None, diagnosis, timing });
    }

    /// The script was ended between its statements.
    pub(super) fn cancelled(&self, run: u64, after: After) -> Halt {
        self.trouble(run, Diagnosis::new(Kind::Cancelled, "Cancelled between statements"));
        Halt::cancelled(after)
    }

    /// What is asked while nothing runs at the server; `Some` when the script is to end.
    pub(super) fn meanwhile(&mut self, ask: Option<Ask>) -> Option<After> {
        match ask {
            None | Some(Ask::Close) => {
                self.left = true;
                Some(After::Leave)
            }
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
        let until = Instant::now() + time;
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

    /// Opens a file for results; a pipe that nobody reads keeps nobody from cancelling.
    async fn opened(&mut self, run: u64, path: PathBuf) -> Result<Result<Outlet, String>, Halt> {
        let mut opening = std::pin::pin!(Outlet::open(path));
        loop {
            tokio::select! {
                ask = self.waiting.recv() => match self.meanwhile(ask) {
                    None => {}
                    Some(after) => return Err(self.cancelled(run, after)),
                },
                opened = &mut opening => return Ok(opened),
            }
        }
    }

    /// Waits until all is written. `None`: somebody would not wait.
    pub(super) async fn settle(&mut self, outlet: &Outlet) -> Option<Result<(), String>> {
        loop {
            tokio::select! {
                settled = outlet.settled() => return Some(settled),
                ask = self.waiting.recv() => if self.meanwhile(ask).is_some() {
                    return None;
                },
            }
        }
    }

    /// Asks whoever sits there; nothing runs and no lock is held meanwhile.
    async fn ask(&mut self, asked: Vec<String>) -> bool {
        (self.tell)(News::Asked { title: "The script comes to this. Run it?".to_owned(), lines: lines(asked) });
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

    /// Asks about what is dangerous in a statement and was not asked about before, and in those that wait behind it.
    async fn agreed(&mut self, session: &Session, run: u64, script: &Script, one: &Run) -> Result<(), Halt> {
        if session.facts().read_only || one.own {
            return Ok(());
        }
        let mut found = self.approved.lacks(&one.query.sql);
        if found.is_empty() {
            return Ok(());
        }
        found.extend(script.ahead().flat_map(|sql| self.approved.lacks(sql)));
        if !self.ask(found.iter().map(|danger| danger.words.clone()).collect()).await {
            self.say("not run; the script ends here".to_owned(), true);
            return Err(self.cancelled(run, After::Go));
        }
        self.approved.add(found);
        Ok(())
    }

    /// Asks about what is dangerous in a file before anything of it runs.
    async fn may_include(&mut self, path: &std::path::Path) -> bool {
        let (mut found, whole) = looked_through(path).await;
        found.retain(|danger| !self.approved.has(danger));
        if found.is_empty() {
            return true;
        }
        let mut words: Vec<String> = found.iter().map(|danger: &Danger| danger.words.clone()).collect();
        if !whole {
            words.insert(0, "the file is long; what is dangerous further down is asked about when it comes".to_owned());
        }
        let allowed = self.ask(words).await;
        if allowed {
            self.approved.add(found);
        }
        allowed
    }

    pub(super) fn say(&self, text: String, warning: bool) {
        if !text.is_empty() {
            (self.tell)(News::Said { text, warning });
        }
    }

    /// Words to where results go. Text of several lines is shown from its beginning.
    pub(super) async fn put(&mut self, run: u64, text: String, plainly: bool) -> Result<(), Halt> {
        let Some(outlet) = self.out.clone() else {
            match plainly {
                true => self.say(text, false),
                false => (self.tell)(News::Document(text)),
            }
            return Ok(());
        };
        outlet.put(text.into_bytes());
        match self.settle(&outlet).await {
            Some(Ok(())) => Ok(()),
            Some(Err(words)) => {
                self.out = None;
                self.trouble(run, Diagnosis::new(Kind::Local, words));
                Ok(())
            }
            None => Err(self.cancelled(run, After::Go)),
        }
    }

    /// A table that was made here, in the time since then, among the results or in their file.
    pub(super) async fn table(
        &mut self,
        session: &Session,
        run: u64,
        (index, since): (usize, Instant),
        table: Table,
    ) -> Result<(), Halt> {
        let mut page = PageBuilder::new(table.columns.len());
        for row in &table.rows {
            page.push(row.iter().map(Option::as_deref));
        }
        if self.out.is_some() {
            let mut printer = Printer::new(Format::Table, None, false);
            let mut out = Vec::new();
            printer.columns(&mut out, table.columns, &table.display);
            printer.rows(&mut out, page.take());
            printer.finish(&mut out, table.rows.len() as u64);
            return self.put(run, String::from_utf8_lossy(&out).into_owned(), true).await;
        }
        let mut current = Current::new(run, index, session, "");
        current.sent = since;
        self.begin(&mut current, table.columns);
        self.push(&mut current, page.take());
        current.rows = table.rows.len() as u64;
        if let (Some(title), Some(result)) = (table.display.title, current.result) {
            (self.tell)(News::Titled { result, title });
        }
        self.complete(&mut current, format!("{} rows", table.rows.len()));
        Ok(())
    }

    /// Another session by the same way takes this one's place; this one ends when the other stands.
    async fn connect(
        &mut self,
        session: &mut Session,
        run: u64,
        wanted: Connect,
    ) -> Result<Result<(), Diagnosis>, Halt> {
        let connected = {
            let mut connecting = std::pin::pin!(session.beside(wanted.database, wanted.user));
            loop {
                tokio::select! {
                    ask = self.waiting.recv() => match self.meanwhile(ask) {
                        None => {}
                        Some(after) => return Err(self.cancelled(run, after)),
                    },
                    connected = &mut connecting => break connected,
                }
            }
        };
        let fresh = match connected {
            Ok(fresh) => fresh,
            Err(diagnosis) => return Ok(Err(diagnosis)),
        };
        let old = std::mem::replace(session, fresh);
        old.close().await;
        let target = session.target();
        let (user, database) = (target.user.clone(), target.database.clone());
        self.say(format!("now connected to database {} as user {}", visible(&database), visible(&user)), false);
        (self.tell)(News::Moved { user, database });
        self.tell_state(session);
        Ok(Ok(()))
    }
}

/// Why a statement may not be sent.
fn guarded(session: &Session, run: &Run) -> Option<String> {
    let lifts = || statements(&run.query.sql).iter().any(|one| lifting::lifts_read_only(one.of(&run.query.sql)));
    (session.facts().read_only && lifts())
        .then(|| "this session is read-only; to write, connect again as writable".to_owned())
}

/// What variables say of a session.
fn standing(session: &Session) -> Standing {
    let target = session.target();
    Standing {
        database: target.database.clone(),
        user: target.user.clone(),
        host: target.endpoint.host.clone(),
        port: target.endpoint.port,
        version: session.facts().server_version,
    }
}
