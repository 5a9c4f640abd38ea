//! `gatepost query`: statements in, rows out, as they come. It must not know how the session gets there, nor how rows are
//! laid out ([`crate::access::format`]).

mod caret;
mod errand;
pub mod format;
mod outage;
mod output;

use super::login::LoginArgs;
use super::steps::{Tell, Teller};
use super::{Failure, Interrupt, Terminal};
use crate::access::format::Format;
use crate::access::handoff::quote;
use crate::access::script::{Display, Printer, Script, Source};
use crate::access::{Access, Wish};
use crate::model::{Diagnosis, Endpoint, Kind, Notice, RouteChoice, visible};
use errand::Errand;
use outage::Outage;
use output::Output;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Run SQL and print the rows as they come
///
/// The SQL is read as psql reads a script: its variables, `\if`, `\i`, `\copy`, `\gset`, `\connect` and most of its other
/// commands work. Statements run one by one and stop at the first that fails. Rows go to stdout; notices, and what statements without
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
    /// What stands for NULL [default: nothing; \N in tsv; *NULL* in markdown; null in json]. A
    /// value that reads the same is quoted in csv, escaped in markdown
    #[arg(long, value_name = "STRING")]
    pub null: Option<String>,
    /// Set a variable of psql's: `:NAME` in the SQL; `ON_ERROR_STOP=0` goes on after errors
    #[arg(long = "set", visible_alias = "variable", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Everything in one transaction, which an error rolls back
    #[arg(long, short = '1')]
    pub single_transaction: bool,
    /// Do not tell what statements without rows answer
    #[arg(long, short)]
    pub quiet: bool,
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, terminal: &Terminal, mut interrupt: Interrupt) -> Result<(), Failure> {
    let mut script = script(args)?;
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
        access.connect(&wish, steps).await.map(|session| (session, wish))
    };
    let connected = tokio::select! {
        connected = connecting => connected,
        signal = interrupt.wait() => return Err(Failure::Interrupted(signal)),
    };
    teller.finish().await;
    let (mut session, wish) = connected?;

    let reads_file = args.command.is_none();
    let mut errand = Errand {
        access,
        wish,
        canceller: session.canceller(),
        watch: session.watch(),
        outage: Outage::default(),
        printer: Printer::new(args.format, args.null.clone(), terminal.stdout),
        screen: terminal.width.unwrap_or(0),
        output: Output::start(),
        redirected: None,
        interrupt,
        quiet: args.quiet,
        color: terminal.color_on_stderr(),
        // On a screen that shows the results too, it would be among them.
        progress: (reads_file && terminal.stderr && !terminal.stdout).then(Instant::now),
    };
    let result = errand.all(&mut session, &mut script).await;
    let written = errand.finish().await;
    if result.is_ok() && errand::is_open(&session) {
        note("a transaction was still open at the end: it is rolled back");
    }
    session.close().await;
    result.and(written)
}

/// The script that the command line gives.
fn script(args: &Args) -> Result<Script, Diagnosis> {
    let folder = std::env::current_dir().unwrap_or_default();
    let mut script = Script::new(folder);
    script.may_read_stdin();
    *script.display() = Display::of(Printer::shape(args.format), args.null.clone());
    let variables = script.variables();
    let wrong = |given: &str, why: String| Diagnosis::new(Kind::Usage, format!("--set {given}: {why}"));
    // A script stops at its first error unless told not to.
    let given = std::iter::once("ON_ERROR_STOP=on").chain(args.set.iter().map(String::as_str));
    for given in given {
        match given.split_once('=') {
            Some((name, value)) => variables.set(name, value).map_err(|why| wrong(given, why))?,
            // As psql has it: without a value it is unset.
            None => variables.unset(given),
        }
    }
    if args.quiet {
        variables.set("QUIET", "on").map_err(|why| wrong("QUIET", why))?;
    }
    let source = match (&args.command, &args.file) {
        (Some(command), _) => {
            script.data_from_stdin();
            Source::Text(command.clone())
        }
        (None, Some(path)) if path != Path::new("-") => Source::File(path.clone()),
        _ => Source::Stdin,
    };
    let name = args.file.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    script.give(source).map_err(|error| {
        Diagnosis::new(Kind::Usage, format!("The SQL cannot be read from {name}")).because(error.to_string())
    })?;
    if args.single_transaction {
        script.single_transaction();
    }
    Ok(script)
}

/// Other engines can be reached, but not asked.
fn speaks_postgres(endpoint: &Endpoint, name: &str) -> Result<(), Diagnosis> {
    if endpoint.engine.is_postgres() {
        return Ok(());
    }
    Err(Diagnosis::new(Kind::Usage, format!("{} is {}: query speaks PostgreSQL only", endpoint.owner, endpoint.engine))
        .advise_paste("Forward a port for its own client", format!("gatepost tunnel {}", quote::shell(name))))
}

/// What to try on this command line where the session was opened read-only. On a reader no flag helps.
fn with_flag(mut diagnosis: Diagnosis) -> Diagnosis {
    for advice in diagnosis.advice.iter_mut().filter(|advice| advice.say == Diagnosis::ALLOW_WRITES) {
        advice.paste = Some("--write".to_owned());
    }
    diagnosis
}

fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "note: {}", visible(text));
}

/// As psql prints it.
fn tell_notice(notice: &Notice) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "{}:  {}", visible(&notice.severity), lines(&notice.message));
    for (what, text) in [("DETAIL", &notice.detail), ("HINT", &notice.hint)] {
        if let Some(text) = text {
            let _ = writeln!(stderr, "{what}:  {}", lines(text));
        }
    }
}

/// Lines stay lines: a DROP … CASCADE lists what went with it, one a line.
fn lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}
