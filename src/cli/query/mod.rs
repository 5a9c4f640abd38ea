//! `gatepost query`: statements in, rows out, as they come. It must not know how the session gets there, nor how rows are
//! laid out ([`crate::access::format`]).

mod caret;
pub mod format;
mod outage;
mod output;
mod source;

use super::login::LoginArgs;
use super::steps::{Tell, Teller};
use super::{Failure, Interrupt, Terminal, failure};
use crate::access::format::{Format, Writer};
use crate::access::{Access, Canceller, LineHealth, Running, Session, Watch, Wish};
use crate::model::{Diagnosis, Endpoint, Happening, Kind, Notice, RouteChoice, Transaction, visible};
use outage::Outage;
use output::Output;
use source::Script;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Run SQL and print the rows as they come
///
/// Statements run one by one and stop at the first that fails. Rows go to stdout; notices, and what statements without
/// rows answer, go to stderr. Exit status: 0 done, 1 a statement failed, 2 usage, 3 could not connect, 4 AWS refused or its
/// login has ended, 130 interrupted (the statement is cancelled at the server).
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "gatepost query NAME [--user USER] (--command SQL | --file FILE | -) [OPTIONS]")]
#[command(group(clap::ArgGroup::new("sql").required(true).args(["command", "file", "stdin"])))]
pub struct Args {
    /// Identifier, endpoint host, resource id or ARN
    pub name: String,
    /// Read the SQL from stdin
    #[arg(value_name = "-", value_parser = ["-"], hide_possible_values = true)]
    pub stdin: Option<String>,
    /// SQL to run
    #[arg(long, short, value_name = "SQL")]
    pub command: Option<String>,
    /// File of SQL to run; `-` is stdin
    #[arg(long, short, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Database user, exactly as the database spells it [default: the one used last, else the setting `user`]
    #[arg(long, short)]
    pub user: Option<String>,
    /// Database [default: the one it was created with, else postgres]
    #[arg(long, short, env = "PGDATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Bastion by id or name, or `direct` [default: what fits best]
    #[arg(long, value_name = "BASTION")]
    pub via: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment on a flattened group would become help text")]
    pub login: LoginArgs,
    /// Let statements write
    #[arg(long)]
    pub write: bool,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// What stands for NULL [default: nothing; \N in tsv; null in json]
    #[arg(long, value_name = "STRING")]
    pub null: Option<String>,
    /// Do not tell what statements without rows answer
    #[arg(long, short)]
    pub quiet: bool,
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, terminal: &Terminal, mut interrupt: Interrupt) -> Result<(), Failure> {
    let script = tokio::select! {
        script = Script::read(args) => script?,
        signal = interrupt.wait() => return Err(Failure::Interrupted(signal)),
    };
    let (steps, teller) = Teller::start(terminal, Tell::Passing);
    let connecting = async {
        let endpoint = access.find(&args.name).await?.endpoint;
        speaks_postgres(&endpoint, &args.name)?;
        let settled = args.login.settle(access, &endpoint, args.user.as_deref(), args.database.as_deref());
        let (user, auth) = Box::pin(settled).await?;
        let wish = Wish {
            route: args.via.as_deref().map(RouteChoice::parse).unwrap_or_default(),
            database: args.database.clone(),
            user,
            auth,
            read_only: access.settings().read_only && !args.write,
            endpoint,
        };
        access.connect(&wish, steps).await
    };
    let connected = tokio::select! {
        connected = connecting => connected,
        signal = interrupt.wait() => return Err(Failure::Interrupted(signal)),
    };
    teller.finish().await;
    let mut session = connected?;

    let mut errand = Errand {
        canceller: session.canceller(),
        watch: session.watch(),
        outage: Outage::default(),
        writer: Writer::new(args.format, args.null.clone(), terminal.stdout),
        output: Output::start(),
        interrupt,
        quiet: args.quiet,
        color: terminal.color_on_stderr(),
    };
    let mut result = Ok(());
    for statement in script.statements() {
        result = errand.run(&mut session, &script, statement).await;
        if result.is_err() {
            break;
        }
    }
    let written = errand.finish().await;
    if result.is_ok() && session.transaction() != Transaction::Idle {
        note("a transaction was still open at the end: it is rolled back");
    }
    session.close().await;
    result.and(written)
}

/// Other engines can be reached, but not asked.
fn speaks_postgres(endpoint: &Endpoint, name: &str) -> Result<(), Diagnosis> {
    if endpoint.engine.is_postgres() {
        return Ok(());
    }
    Err(Diagnosis::new(Kind::Usage, format!("{} is {}: query speaks PostgreSQL only", endpoint.owner, endpoint.engine))
        .advise_paste(
            "Forward a port for its own client",
            format!("gatepost tunnel {}", super::tunnel::shell_word(name)),
        ))
}

/// What running a script needs besides the session.
struct Errand {
    canceller: Canceller,
    watch: Watch,
    outage: Outage,
    writer: Writer,
    output: Output,
    interrupt: Interrupt,
    quiet: bool,
    color: bool,
}

impl Errand {
    /// One statement, to its end.
    async fn run(&mut self, session: &mut Session, script: &Script, statement: &source::Piece) -> Result<(), Failure> {
        let mut running = session.run(script.text_of(statement));
        let mut rows_expected = false;
        loop {
            let happening = tokio::select! {
                happening = running.next() => happening,
                health = self.watch.changed() => {
                    self.outage.hear(health);
                    continue;
                }
                () = self.outage.due() => match self.outage.act() {
                    None => continue,
                    // Not cancelled: the way to the server is what is missing.
                    Some(diagnosis) => return Err(diagnosis.into()),
                },
                signal = self.interrupt.wait() => return Err(self.stop(&mut running, Failure::Interrupted(signal)).await),
            };
            match happening {
                None => return Ok(()),
                Some(Ok(happening)) => {
                    if let Err(failure) = self.hear(happening, &mut rows_expected).await {
                        return Err(self.stop(&mut running, failure).await);
                    }
                }
                Some(Err(diagnosis)) => {
                    self.writer.abandon(self.output.chunk());
                    self.output.flush().await?;
                    let diagnosis = with_flag(diagnosis);
                    self.tell(&diagnosis, script, statement);
                    return Err(Failure::Told(diagnosis.kind.exit_status()));
                }
            }
        }
    }

    async fn hear(&mut self, happening: Happening, rows_expected: &mut bool) -> Result<(), Failure> {
        match happening {
            Happening::Columns(columns) => {
                *rows_expected = true;
                self.writer.columns(self.output.chunk(), columns);
            }
            Happening::Rows(page) => self.writer.rows(self.output.chunk(), page),
            Happening::CopyData(data) => self.writer.copy(self.output.chunk(), &data),
            Happening::Complete { tag, rows } => {
                self.writer.copied(self.output.chunk());
                if *rows_expected {
                    self.writer.finish(self.output.chunk(), rows);
                } else if !self.quiet {
                    self.send().await?;
                    let _ = writeln!(io::stderr().lock(), "{}", visible(&tag));
                }
                *rows_expected = false;
            }
            Happening::CopyIn => {}
            Happening::Notice(notice) => tell_notice(&notice),
            Happening::Reconnected(what) => {
                self.watch.follow();
                self.outage.hear(LineHealth::Up);
                note(&what);
            }
        }
        self.send().await
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
            while running.next().await.is_some() {}
        };
        let _ = tokio::time::timeout(patience, cancelled).await;
        failure
    }

    async fn finish(mut self) -> Result<(), Failure> {
        tokio::select! {
            finished = self.output.finish() => Ok(finished?),
            signal = self.interrupt.wait() => Err(Failure::Interrupted(signal)),
        }
    }

    fn tell(&self, diagnosis: &Diagnosis, script: &Script, statement: &source::Piece) {
        if let Some(place) = script.place(statement, diagnosis.at) {
            let _ = write!(io::stderr().lock(), "{place}: ");
        }
        let caret = diagnosis.at.and_then(|at| caret::lines(script.text_of(statement), at, statement.line));
        match &diagnosis.server {
            Some(server) => failure::tell_server(diagnosis, server, caret.as_deref(), self.color),
            None => failure::tell(diagnosis, self.color),
        }
    }
}

/// What to try on this command line where the server refused to write (SQLSTATE 25006, read_only_sql_transaction).
fn with_flag(diagnosis: Diagnosis) -> Diagnosis {
    match diagnosis.code.as_deref() {
        Some("25006") => diagnosis.advise_paste("Let statements write", "--write"),
        _ => diagnosis,
    }
}

fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "note: {}", visible(text));
}

/// As psql prints it.
fn tell_notice(notice: &Notice) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "{}:  {}", visible(&notice.severity), visible(&notice.message));
    for (what, text) in [("DETAIL", &notice.detail), ("HINT", &notice.hint)] {
        if let Some(text) = text {
            let _ = writeln!(stderr, "{what}:  {}", visible(text));
        }
    }
}
