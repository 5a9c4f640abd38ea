//! `gatepost exec`: a client of libpq's kind with a way to a database of its own, for as long as it runs. It must not know
//! how the way is held open, nor what the client does.

use super::client::{CLEARED, Signals, code, on_path, pass_on};
use super::listening::{WritesArgs, unasked};
use super::login::LoginArgs;
use super::steps::{Tell, Teller};
use super::{Failure, Terminal, failure};
use crate::access::listener::{Papers, PassLine, new_secret};
use crate::access::{Access, Door, Listener, ListenerWish};
use crate::model::{Diagnosis, Kind, RouteChoice, visible};
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
    let papers = Papers::new(access.settings())?;
    let (steps, teller) = Teller::start(terminal, Tell::Passing);
    let opening = async {
        let (listener, client) = prepare(access, args, &papers).await?;
        listener.reach(steps).await?;
        Ok::<_, Diagnosis>((listener, client))
    };
    let opened = tokio::select! {
        opened = Box::pin(opening) => opened,
        signal = signals.next() => return Err(Failure::Told(128 + u8::try_from(signal.as_raw()).unwrap_or(0))),
    };
    // What is told of the way must be over before the client writes.
    teller.finish().await;
    let (listener, mut client) = opened?;
    if let Some(note) = unasked(&listener.report(), args.writes.read_only(None)) {
        writeln!(io::stderr().lock(), "{}", visible(&note))?;
    }
    let mut child = client.spawn().map_err(|error| unstarted(args).because(error.to_string()))?;
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

fn unstarted(args: &Args) -> Diagnosis {
    let program = args.client[0].to_string_lossy();
    Diagnosis::new(Kind::Local, format!("{} cannot be started", visible(&program)))
}

async fn prepare(access: &Access, args: &Args, papers: &Papers) -> Result<(Listener, Command), Diagnosis> {
    // Before the way is walked.
    if on_path(&args.client[0]).is_none() {
        return Err(unstarted(args).because("there is no such program on PATH"));
    }
    let endpoint = access.find(&args.name).await?.endpoint;
    let usual = endpoint.database_name.clone().unwrap_or_else(|| "postgres".to_owned());
    let (user, auth) = args.login.settle(access, &endpoint, args.user.as_deref(), args.database.as_deref()).await?;
    let user = match user.is_empty() {
        false => user,
        true => access.secret_user(&endpoint, &auth).await?,
    };
    let secret = new_secret();
    let wish = ListenerWish {
        name: args.name.clone(),
        endpoint,
        route: args.via.as_deref().map(RouteChoice::parse).unwrap_or_default(),
        door: Door::Port(0),
        users: vec![user.clone()],
        databases: Vec::new(),
        database_told: true,
        auth,
        read_only: args.writes.read_only(None),
        secret: Some(secret.clone()),
        tls: false,
    };
    let listener = access.listen(wish).await?;
    let (host, port) = listener.address();
    let mut passfile = papers.passfile(&PassLine { host, port, database: None, user: None, password: &secret })?;
    if host != "localhost" {
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
        .env("PGDATABASE", args.database.as_deref().unwrap_or(&usual))
        .env("PGPASSFILE", passfile)
        // It never leaves this machine; from here on it is TLS that is verified.
        .env("PGSSLMODE", "disable")
        .env("PGGSSENCMODE", "disable");
    Ok((listener, client))
}
