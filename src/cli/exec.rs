//! `gatepost exec`: a client of libpq's kind with a way to a database of its own, for as long as it runs. It must not know
//! how the way is held open, nor what the client does.

use super::client::{CLEARED, Signals, cannot_be_started, code, on_path, pass_on, unstarted};
use super::listening::{WritesArgs, beforehand, unasked, who};
use super::login::LoginArgs;
use super::steps::{Tell, Teller};
use super::{Failure, Terminal, failure};
use crate::access::listener::{Papers, PassLine, new_secret};
use crate::access::{Access, Door, Found, Listener, ListenerWish};
use crate::model::{Diagnosis, ListenerSettings, RouteChoice, visible};
use std::ffi::OsString;
use std::io::{self, Write};
use tokio::process::Command;

/// Run a client (psql, pg_dump, pgcli …) that finds a database by its environment
///
/// The client gets PGHOST, PGPORT, PGUSER, PGDATABASE and PGPASSFILE, which lead to a port of its own; every connection it
/// opens is logged in anew, so that it outlives any token. Its exit status is ours.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifier, endpoint host, resource id or ARN
    pub name: String,
    /// Database user [default: the one used last, else the setting `user`]
    #[arg(long, short)]
    pub user: Option<String>,
    /// Database [default: the one it was created with, else postgres]
    #[arg(long, short)]
    pub database: Option<String>,
    /// Bastion by id or name, or `direct` [default: what fits best]
    #[arg(long, value_name = "BASTION")]
    pub via: Option<String>,
    /// Whether the client may write.
    #[command(flatten)]
    pub writes: WritesArgs,
    /// How to log in at the database.
    #[command(flatten)]
    pub login: LoginArgs,
    /// The client and its words
    #[arg(last = true, required = true, value_name = "CLIENT")]
    pub client: Vec<OsString>,
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, terminal: &Terminal) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let unstarted =
        |error: &io::Error| unstarted(&cannot_be_started(&args.client[0], error), error, terminal.color_on_stderr());
    // Before the way is walked.
    on_path(&args.client[0]).map_err(|error| unstarted(&error))?;
    let papers = Papers::new(access.settings())?;
    let (steps, teller) = Teller::start(terminal, Tell::Passing);
    let opening = async {
        let Prepared { listener, client, beforehand } = prepare(access, args, &papers).await?;
        // A way that cannot be walked says so by itself, and better.
        listener.reach(steps).await?;
        Ok::<_, Diagnosis>((listener, client, beforehand))
    };
    let opened = tokio::select! {
        opened = Box::pin(opening) => opened,
        signal = signals.next() => return Err(Failure::Told(128 + u8::try_from(signal.as_raw()).unwrap_or(0))),
    };
    // What is told of the way must be over before the client writes.
    teller.finish().await;
    let (listener, mut client, beforehand) = opened?;
    for note in unasked(&listener.report(), plan(access, args).read_only).into_iter().chain(beforehand) {
        writeln!(io::stderr().lock(), "{}", visible(&note))?;
    }
    let mut child = client.spawn().map_err(|error| unstarted(&error))?;
    let (news, mut told) = tokio::sync::mpsc::unbounded_channel();
    if terminal.verbose {
        listener.tell(news);
    }
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            signal = signals.next() => pass_on(&child, signal),
            // libpq tells it, too; not every client shows all of it.
            Some(diagnosis) = told.recv(), if terminal.verbose => failure::tell(&diagnosis, terminal.color_on_stderr()),
        }
    };
    listener.close().await;
    match code(status) {
        0 => Ok(()),
        code => Err(Failure::Told(code)),
    }
}

/// What the settings have for the listener of that name, but for its door; flags over that.
fn plan(access: &Access, args: &Args) -> ListenerSettings {
    let kept = access.settings().listeners.iter().find(|listener| listener.name == args.name);
    let mut plan = kept.cloned().unwrap_or_else(|| ListenerSettings {
        name: args.name.clone(),
        target: args.name.clone(),
        ..ListenerSettings::default()
    });
    plan.users = args.user.clone().map_or(plan.users, |user| vec![user]);
    plan.databases = args.database.clone().map_or(plan.databases, |database| vec![database]);
    plan.via = args.via.clone().or(plan.via);
    plan.read_only = args.writes.read_only(plan.read_only);
    plan
}

struct Prepared {
    listener: Listener,
    client: Command,
    beforehand: Vec<String>,
}

async fn prepare(access: &Access, args: &Args, papers: &Papers) -> Result<Prepared, Diagnosis> {
    let plan = plan(access, args);
    let Found { database: listed, endpoint } = access.find(&plan.target).await?;
    let usual = endpoint.database_name.clone().unwrap_or_else(|| "postgres".to_owned());
    let database = plan.databases.first().cloned();
    let (user, auth) = who(access, &args.login, &plan, &endpoint, database.as_deref()).await?;
    let beforehand = beforehand(access, &listed, &endpoint, &auth);
    let secret = new_secret();
    let wish = ListenerWish {
        name: args.name.clone(),
        endpoint,
        route: plan.via.as_deref().map(RouteChoice::parse).unwrap_or_default(),
        door: Door::Port(0),
        users: vec![user.clone()],
        databases: Vec::new(),
        database_told: true,
        auth,
        read_only: plan.read_only,
        secret: Some(secret.clone()),
        tls: false,
    };
    let listener = access.listen(wish).await?;
    let (host, port) = listener.address();
    let mut passfile = papers.passfile(&PassLine { host, port, database: None, user: None, password: &secret })?;
    if listener.is_localhost() {
        // As a client may say it itself.
        passfile =
            papers.passfile(&PassLine { host: "localhost", port, database: None, user: None, password: &secret })?;
    }
    let mut client = Command::new(&args.client[0]);
    client.args(&args.client[1..]);
    for name in CLEARED {
        client.env_remove(name);
    }
    client
        .env("PGHOST", host)
        .env("PGHOSTADDR", host)
        .env("PGPORT", port.to_string())
        .env("PGUSER", &user)
        .env("PGDATABASE", database.unwrap_or(usual))
        .env("PGPASSFILE", passfile)
        // It never leaves this machine; from here on it is TLS that is verified.
        .env("PGSSLMODE", "disable")
        .env("PGGSSENCMODE", "disable");
    Ok(Prepared { listener, client, beforehand })
}
