//! What a script wants done on the command line: statements run, rows written, words told. It must not read scripts.

use super::outage::Outage;
use super::output::Output;
use super::{caret, note, tell_notice, with_flag};
use crate::access::describe::{self, Refused};
use crate::access::script::{Connect, Fault, Place, Printer, Ran, Run, Script, Standing, Step, Table};
use crate::access::{Access, Canceller, LineHealth, Running, Session, Watch, Wish};
use crate::cli::{Failure, Interrupt, failure};
use crate::model::{CopyPiece, Diagnosis, Happening, Kind, PageBuilder, Transaction, visible};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often progress is told.
const PROGRESS: Duration = Duration::from_millis(200);

/// What running a script needs.
pub(super) struct Errand<'a> {
    pub(super) access: &'a Access,
    pub(super) wish: Wish,
    pub(super) canceller: Canceller,
    pub(super) watch: Watch,
    pub(super) outage: Outage,
    pub(super) printer: Printer,
    /// Columns of the terminal that results go to; 0 where they go to none.
    pub(super) screen: usize,
    pub(super) output: Output,
    /// Where results go instead of stdout (`\o`).
    pub(super) redirected: Option<(PathBuf, File)>,
    pub(super) interrupt: Interrupt,
    pub(super) quiet: bool,
    pub(super) color: bool,
    /// Whether progress is told, and when it was.
    pub(super) progress: Option<Instant>,
}

impl Errand<'_> {
    /// Everything the script wants, to its end.
    pub(super) async fn all(&mut self, session: &mut Session, script: &mut Script) -> Result<(), Failure> {
        script.stand(standing(session));
        let mut status = 0;
        loop {
            let transaction = session.transaction();
            let step = tokio::select! {
                step = script.next(transaction) => step,
                signal = self.interrupt.wait() => return Err(Failure::Interrupted(signal)),
            };
            let Some(step) = step else { break };
            self.tell_progress(script);
            match step {
                Step::Run(run) => {
                    let (ran, told) = self.run(session, script, &run).await?;
                    status = told.unwrap_or(status);
                    script.ran(&run, &ran);
                    if session.is_away() && ran.error.is_some() {
                        script.stop();
                    }
                }
                Step::Say(text) => {
                    self.output.chunk().extend_from_slice(text.as_bytes());
                    self.send().await?;
                }
                Step::Tell(text) => self.put(text.as_bytes(), None).await?,
                Step::Warn(text) => {
                    self.send().await?;
                    self.clear_progress();
                    let _ = write!(io::stderr().lock(), "{text}");
                }
                Step::Note(text) => {
                    if !self.quiet {
                        self.send().await?;
                        self.clear_progress();
                        let _ = writeln!(io::stderr().lock(), "{}", visible(&text));
                    }
                }
                Step::Output(path) => {
                    self.redirected = match path {
                        None => None,
                        Some(path) => match File::create(&path) {
                            Ok(file) => Some((path, file)),
                            Err(error) => {
                                script.refused(format!("\\o: {}: {error}", path.display()));
                                continue;
                            }
                        },
                    };
                }
                Step::Table(table) => self.table(*table).await?,
                Step::Look { word, arguments } => {
                    let outcome = self.look(session, script, &word, &arguments).await?;
                    script.looked(outcome);
                }
                Step::Connect(wanted) => {
                    let outcome = self.connect(session, wanted).await?;
                    if let Err(diagnosis) = &outcome {
                        self.send().await?;
                        self.tell_place(&script.place());
                        failure::tell(diagnosis, self.color);
                        status = diagnosis.kind.exit_status();
                    }
                    script.connected(outcome.as_ref().err());
                    script.stand(standing(session));
                }
                Step::Where => {
                    let target = session.target();
                    let facts = session.facts();
                    let words = format!(
                        "You are connected to database \"{}\" as user \"{}\" on host \"{}\" at port \"{}\", {}, backend {}.\n",
                        target.database,
                        target.user,
                        target.endpoint.host,
                        target.endpoint.port,
                        facts.route,
                        facts.pid
                    );
                    self.put(visible(words.trim_end()).as_bytes(), Some(b"\n")).await?;
                }
                Step::Pause(time) => {
                    self.send().await?;
                    tokio::select! {
                        () = tokio::time::sleep(time) => {}
                        signal = self.interrupt.wait() => return Err(Failure::Interrupted(signal)),
                    }
                }
                Step::Fault(fault) => {
                    self.send().await?;
                    self.tell_fault(&fault);
                    status = Kind::Sql.exit_status();
                }
                // Whoever gives a script gives the scripts that it names.
                Step::Include(path) => script.allowed(&path, true),
            }
        }
        self.clear_progress();
        match script.failed() && status != 0 && script.stops() {
            true => Err(Failure::Told(status)),
            false => Ok(()),
        }
    }

    /// One statement, to its end. With what came of it goes the exit status of a failure that was told.
    async fn run(
        &mut self,
        session: &mut Session,
        script: &mut Script,
        run: &Run,
    ) -> Result<(Ran, Option<u8>), Failure> {
        let mut to = match &run.to {
            None => None,
            Some(path) => match File::create(path) {
                Ok(file) => Some((path.clone(), file)),
                Err(error) => {
                    let title = format!("{}: {error}", path.display());
                    let diagnosis = Diagnosis::new(Kind::Local, title);
                    self.tell(&diagnosis, run).await?;
                    let status = diagnosis.kind.exit_status();
                    return Ok((Ran { error: Some(diagnosis), ..Ran::default() }, Some(status)));
                }
            },
        };
        let mut ran = Ran::default();
        let begun = Instant::now();
        let mut running = session.run(&run.query.sql);
        let mut rows_expected = false;
        // One that takes its time is told though the one before it was told just now.
        let mut due = self.progress.map(|_| begun + PROGRESS);
        loop {
            let happening = tokio::select! {
                happening = running.next() => happening,
                () = tokio::time::sleep_until(due.unwrap_or(begun).into()), if due.is_some() => {
                    due = None;
                    self.show_progress(script);
                    continue;
                }
                health = self.watch.changed() => {
                    self.outage.hear(health);
                    continue;
                }
                () = self.outage.due() => match self.outage.act() {
                    None => continue,
                    // Not cancelled: the way to the server is what is missing.
                    Some(diagnosis) => {
                        self.tell_torn(&to, rows_expected);
                        return Err(diagnosis.into());
                    }
                },
                signal = self.interrupt.wait() => {
                    self.tell_torn(&to, rows_expected);
                    return Err(self.stop(&mut running, Failure::Interrupted(signal)).await);
                }
            };
            match happening {
                None => break,
                Some(Ok(Happening::CopyIn)) => {
                    let piece = tokio::select! {
                        piece = script.copy_piece() => piece,
                        signal = self.interrupt.wait() => {
                            running.copy_in(CopyPiece::Fail("interrupted".to_owned()));
                            return Err(self.stop(&mut running, Failure::Interrupted(signal)).await);
                        }
                    };
                    running.copy_in(piece);
                }
                Some(Ok(happening)) => {
                    if matches!(happening, Happening::Columns(_)) {
                        ran.modifiers = running.modifiers().to_vec();
                    }
                    let heard = self.hear(happening, run, &mut ran, &mut rows_expected, &mut to).await;
                    if let Err(failure) = heard {
                        self.tell_torn(&to, rows_expected);
                        return Err(self.stop(&mut running, failure).await);
                    }
                }
                Some(Err(diagnosis)) => {
                    if !run.keep {
                        self.printer.abandon(self.output.chunk());
                        self.turn(&mut to).await?;
                        self.tell_torn(&to, rows_expected);
                    }
                    let diagnosis = with_flag(diagnosis);
                    self.tell(&diagnosis, run).await?;
                    let status = diagnosis.kind.exit_status();
                    ran.error = Some(diagnosis);
                    return Ok((ran, Some(status)));
                }
            }
        }
        if script.timing() && !run.own {
            self.send().await?;
            self.clear_progress();
            let _ = writeln!(io::stderr().lock(), "Time: {:.3} ms", begun.elapsed().as_secs_f64() * 1000.0);
        }
        Ok((ran, None))
    }

    async fn hear(
        &mut self,
        happening: Happening,
        run: &Run,
        ran: &mut Ran,
        rows_expected: &mut bool,
        to: &mut Option<(PathBuf, File)>,
    ) -> Result<(), Failure> {
        match happening {
            Happening::Columns(columns) => {
                *rows_expected = true;
                if run.keep {
                    (ran.columns, ran.rows) = (columns, Vec::new());
                } else {
                    let mut display = run.display.clone();
                    if display.columns == 0 && to.is_none() && self.redirected.is_none() {
                        display.columns = self.screen;
                    }
                    self.printer.columns(self.output.chunk(), columns, &display);
                }
            }
            Happening::Rows(page) if run.keep => {
                for row in 0..page.rows() {
                    ran.rows.push(page.row(row).map(|cell| cell.map(str::to_owned)).collect());
                }
            }
            Happening::Rows(page) => self.printer.rows(self.output.chunk(), page),
            Happening::CopyData(data) if to.is_some() || self.redirected.is_some() => {
                self.output.chunk().extend_from_slice(&data);
            }
            Happening::CopyData(data) => self.printer.copy(self.output.chunk(), &data),
            Happening::Complete { tag, rows } => {
                self.printer.copied(self.output.chunk());
                ran.count = rows;
                if *rows_expected {
                    if !run.keep {
                        self.printer.finish(self.output.chunk(), rows);
                    }
                } else if !self.quiet && !run.own {
                    self.turn(to).await?;
                    self.send().await?;
                    self.clear_progress();
                    let _ = writeln!(io::stderr().lock(), "{}", visible(&tag));
                }
                *rows_expected = false;
            }
            Happening::Notice(notice) => tell_notice(&notice),
            Happening::Reconnected(what) => {
                self.watch.follow();
                self.outage.hear(LineHealth::Up);
                note(&what);
            }
            Happening::CopyIn => {}
        }
        self.turn(to).await?;
        self.send().await
    }

    /// What has gathered goes to a file, where one was asked for.
    async fn turn(&mut self, to: &mut Option<(PathBuf, File)>) -> Result<(), Failure> {
        let Some((path, file)) = to.as_mut().or(self.redirected.as_mut()) else { return Ok(()) };
        let chunk = std::mem::take(self.output.chunk());
        file.write_all(&chunk).map_err(|error| {
            let title = format!("{} cannot be written", path.display());
            Diagnosis::new(Kind::Local, title).because(error.to_string()).into()
        })
    }

    /// A file that a statement was to fill, and did not: nobody may take it for whole.
    fn tell_torn(&self, to: &Option<(PathBuf, File)>, rows_expected: bool) {
        let theirs = self.redirected.as_ref().filter(|_| rows_expected);
        if let Some((path, _)) = to.as_ref().or(theirs) {
            note(&format!("{} is not whole: it ends where this was stopped", path.display()));
        }
    }

    /// Bytes to where results go.
    async fn put(&mut self, bytes: &[u8], more: Option<&[u8]>) -> Result<(), Failure> {
        self.send().await?;
        self.output.chunk().extend_from_slice(bytes);
        self.output.chunk().extend_from_slice(more.unwrap_or_default());
        self.turn(&mut None).await?;
        self.send().await
    }

    /// A table that the script made.
    async fn table(&mut self, table: Table) -> Result<(), Failure> {
        let Table { columns, rows, display } = table;
        let count = rows.len() as u64;
        let mut page = PageBuilder::new(columns.len());
        for row in &rows {
            page.push(row.iter().map(Option::as_deref));
        }
        self.send().await?;
        self.printer.columns(self.output.chunk(), columns, &display);
        self.printer.rows(self.output.chunk(), page.take());
        self.printer.finish(self.output.chunk(), count);
        self.turn(&mut None).await?;
        self.send().await
    }

    async fn look(
        &mut self,
        session: &mut Session,
        script: &mut Script,
        word: &str,
        arguments: &str,
    ) -> Result<Result<(), String>, Failure> {
        let printed = tokio::select! {
            printed = describe::describe(session, word, arguments) => printed,
            signal = self.interrupt.wait() => return Err(Failure::Interrupted(signal)),
        };
        let pieces = match printed {
            Ok(pieces) => pieces,
            Err(Refused::NothingListed { list, .. }) if script.is_quiet() => vec![*list],
            Err(Refused::NothingListed { words, .. }) => {
                self.send().await?;
                self.tell_fault(&Fault { place: script.place(), words });
                return Ok(Ok(()));
            }
            Err(Refused::Server(diagnosis)) => return Ok(Err(diagnosis.title)),
            Err(refused) => return Ok(Err(refused.to_string())),
        };
        let display = script.display().clone();
        for piece in pieces {
            self.send().await?;
            self.printer.listed(self.output.chunk(), &piece, &display);
            self.turn(&mut None).await?;
            self.send().await?;
        }
        Ok(Ok(()))
    }

    /// Another session by the same way; the one before is ended only when it stands.
    async fn connect(&mut self, session: &mut Session, wanted: Connect) -> Result<Result<(), Diagnosis>, Failure> {
        let mut wish = self.wish.clone();
        wish.database = wanted.database.or_else(|| Some(session.target().database.clone()));
        wish.user = wanted.user.unwrap_or_else(|| session.target().user.clone());
        let connected = tokio::select! {
            connected = self.access.connect(&wish, None) => connected,
            signal = self.interrupt.wait() => return Err(Failure::Interrupted(signal)),
        };
        Ok(match connected {
            Ok(fresh) => {
                let old = std::mem::replace(session, fresh);
                old.close().await;
                (self.canceller, self.watch) = (session.canceller(), session.watch());
                self.outage = Outage::default();
                if !self.quiet {
                    let target = session.target();
                    note(&format!("now connected to database {} as user {}", target.database, target.user));
                }
                self.wish = wish;
                Ok(())
            }
            Err(diagnosis) => Err(diagnosis),
        })
    }

    /// Hands over what has gathered. A reader that is slow holds the rows back; a signal is heard all the same.
    async fn send(&mut self) -> Result<(), Failure> {
        tokio::select! {
            sent = self.output.flush() => Ok(sent?),
            signal = self.interrupt.wait() => Err(Failure::Interrupted(signal)),
        }
    }

    /// Cancels what runs, at the server, and hears it out. A server that does not answer is not waited for.
    async fn stop(&mut self, running: &mut Running<'_>, failure: Failure) -> Failure {
        let patience = Duration::from_secs(5);
        let cancelled = async {
            if let Err(diagnosis) = self.canceller.cancel().await {
                failure::tell(&diagnosis, self.color);
            }
            while let Some(happening) = running.next().await {
                // A server that waits for data hears no cancel.
                if matches!(happening, Ok(Happening::CopyIn)) {
                    running.copy_in(CopyPiece::Fail("interrupted".to_owned()));
                }
            }
        };
        let _ = tokio::time::timeout(patience, cancelled).await;
        failure
    }

    pub(super) async fn finish(mut self) -> Result<(), Failure> {
        tokio::select! {
            finished = self.output.finish() => Ok(finished?),
            signal = self.interrupt.wait() => Err(Failure::Interrupted(signal)),
        }
    }

    async fn tell(&mut self, diagnosis: &Diagnosis, run: &Run) -> Result<(), Failure> {
        self.turn(&mut None).await?;
        self.send().await?;
        if let Some(place) = run.place(diagnosis.at) {
            self.tell_place(&place);
        }
        let first = run.query.line().unwrap_or(1);
        let caret = diagnosis.at.and_then(|at| caret::lines(&run.query.sql, at, first));
        match &diagnosis.server {
            Some(server) => failure::tell_server(diagnosis, server, caret.as_deref(), self.color),
            None => failure::tell(diagnosis, self.color),
        }
        Ok(())
    }

    fn tell_fault(&mut self, fault: &Fault) {
        self.tell_place(&fault.place);
        let (on, off) = if self.color { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        let _ = writeln!(io::stderr().lock(), "{on}error:{off} {}", visible(&fault.words));
    }

    fn tell_place(&mut self, place: &Place) {
        self.clear_progress();
        if place.file.is_some() {
            let _ = write!(io::stderr().lock(), "{place}: ");
        }
    }

    fn tell_progress(&mut self, script: &Script) {
        if self.progress.is_some_and(|told| told.elapsed() >= PROGRESS) {
            self.show_progress(script);
        }
    }

    fn show_progress(&mut self, script: &Script) {
        self.progress = Some(Instant::now());
        let done = script.done();
        let _ = write!(io::stderr().lock(), "\r\x1b[K{} · {done} done", script.place());
    }

    fn clear_progress(&self) {
        if self.progress.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
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

/// Whether a transaction is left open.
pub(super) fn is_open(session: &Session) -> bool {
    session.transaction() != Transaction::Idle
}
