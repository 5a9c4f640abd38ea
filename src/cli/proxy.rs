//! `gatepost proxy`: ports or sockets on which any PostgreSQL client finds databases, logged in by us, until it is
//! interrupted. It must not know how clients are let in, nor how bytes get there.

use super::login::LoginArgs;
use super::steps::{Tell, Teller};
use super::tunnel::{conninfo_value, shell_word};
use super::{Failure, Interrupt, Terminal, failure};
use crate::access::listener::{Papers, PassLine, new_secret};
use crate::access::{Access, Door, Listener, ListenerReport, ListenerWish};
use crate::model::{Diagnosis, Kind, RouteChoice, Secret, visible};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Listen on a local port or socket for any PostgreSQL client, logged in by gatepost, until Ctrl-C
///
/// Every connection gets a login of its own at the database, over TLS that is verified here; clients need no token, no
/// certificate and no way there. They show the secret of this run, which is in a passfile that is told and goes with the
/// run. A socket (--socket) takes processes of the same user alone, and no secret.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifiers, endpoint hosts, resource ids or ARNs
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    /// Database user. Several, by commas: clients name one of them; with one, clients are that one whatever they say
    #[arg(long, short, value_delimiter = ',')]
    pub user: Vec<String>,
    /// Database. Several: clients name one of them [default: whichever clients name]
    #[arg(long, short, value_delimiter = ',')]
    pub database: Vec<String>,
    /// Local port; further NAMEs take the ones after it [default: any that is free; 5432 in a socket's name]
    #[arg(long, short)]
    pub port: Option<u16>,
    /// A Unix socket instead of a port, in DIR or a folder of this run, for `psql -h DIR`
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub socket: Option<Option<PathBuf>>,
    /// Bastion by id or name, or `direct` [default: what fits best]
    #[arg(long, value_name = "BASTION")]
    pub via: Option<String>,
    /// Sessions begin read-only, and the server refuses their writes. A statement of the client can end that (SET): against
    /// one who wants to write, name a reader endpoint or a user who may not
    #[arg(long)]
    pub read_only: bool,
    /// Offer clients TLS, with a certificate made for this run
    #[arg(long)]
    pub tls: bool,
    /// Let in every process of this machine that reaches the port, whoever's it is
    #[arg(long)]
    pub no_secret: bool,
    /// How to log in at the database.
    #[command(flatten)]
    pub login: LoginArgs,
}

/// A listener, and how clients get in.
struct Open {
    listener: Listener,
    authority: Option<PathBuf>,
    user: String,
    database: String,
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, terminal: &Terminal, mut interrupt: Interrupt) -> Result<(), Failure> {
    let papers = Papers::new(access.settings())?;
    let secret = (!args.no_secret && args.socket.is_none()).then(new_secret);
    let (news, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut open = Vec::new();
    for at in 0..args.names.len() {
        let (steps, teller) = Teller::start(terminal, Tell::Lasting);
        let opening = async {
            let one = listen(access, args, at, &papers, secret.clone()).await?;
            one.listener.reach(steps).await?;
            Ok::<_, Diagnosis>(one)
        };
        let opened = tokio::select! {
            opened = Box::pin(opening) => opened,
            signal = interrupt.wait() => return Err(Failure::Interrupted(signal)),
        };
        teller.finish().await;
        let one = opened?;
        one.listener.tell(news.clone());
        open.push(one);
    }
    announce(&open, &papers, secret.as_ref(), terminal)?;
    let mut last = None;
    loop {
        tokio::select! {
            signal = interrupt.wait() => { let _ = signal; break }
            Some(diagnosis) = told.recv() => {
                // A pool that tries again and again is told once.
                if last.as_ref() != Some(&diagnosis.title) {
                    failure::tell(&diagnosis, terminal.color_on_stderr());
                    last = Some(diagnosis.title);
                }
            }
        }
    }
    for one in open {
        let report = one.listener.report();
        one.listener.close().await;
        if terminal.tells_progress() {
            writeln!(io::stderr().lock(), "{}", summary(&report))?;
        }
    }
    Ok(())
}

async fn listen(
    access: &Access,
    args: &Args,
    at: usize,
    papers: &Papers,
    secret: Option<Secret>,
) -> Result<Open, Diagnosis> {
    let endpoint = access.find(&args.names[at]).await?.endpoint;
    let database = args.database.first().cloned();
    let first = args.user.first().map(String::as_str);
    let (user, auth) = args.login.settle(access, &endpoint, first, database.as_deref()).await?;
    let user = match user.is_empty() {
        false => user,
        true => access.secret_user(&endpoint, &auth).await?,
    };
    let users = if args.user.len() > 1 { args.user.clone() } else { vec![user.clone()] };
    let usual = endpoint.database_name.clone().unwrap_or_else(|| "postgres".to_owned());
    let wish = ListenerWish {
        name: args.names[at].clone(),
        endpoint,
        route: args.via.as_deref().map(RouteChoice::parse).unwrap_or_default(),
        door: door(args, at, papers.folder())?,
        users,
        databases: args.database.clone(),
        auth,
        read_only: args.read_only,
        secret,
        tls: args.tls,
    };
    let listener = access.listen(wish).await?;
    let authority = match listener.authority() {
        Some(pem) => Some(papers.certificate(&format!("localhost-{}", listener.address().1), pem)?),
        None => None,
    };
    Ok(Open { listener, authority, user, database: database.unwrap_or(usual) })
}

/// Where the NAME at that place listens.
fn door(args: &Args, at: usize, own: &Path) -> Result<Door, Diagnosis> {
    let counted = |first: u16| {
        u16::try_from(at).ok().and_then(|at| first.checked_add(at)).ok_or_else(|| {
            Diagnosis::new(Kind::Usage, format!("From port {first} on there are not enough ports for all names"))
                .advise("Name a lower one")
        })
    };
    match (&args.socket, args.port) {
        (Some(folder), port) => {
            let folder = folder.clone().unwrap_or_else(|| own.to_owned());
            let folder = std::path::absolute(&folder)
                .map_err(|error| Diagnosis::new(Kind::Usage, "--socket needs a folder").because(error.to_string()))?;
            Ok(Door::Socket { folder, port: counted(port.unwrap_or(5432))? })
        }
        (None, None | Some(0)) => Ok(Door::Port(0)),
        (None, Some(port)) => Ok(Door::Port(counted(port)?)),
    }
}

/// What is where, and lines that can be pasted. The secret itself is for a terminal alone.
fn announce(open: &[Open], papers: &Papers, secret: Option<&Secret>, terminal: &Terminal) -> Result<(), Failure> {
    let mut passfile = None;
    let mut text = String::new();
    for Open { listener, authority, user, database } in open {
        let (host, port) = listener.address();
        if let Some(password) = secret {
            for host in [host, "localhost"] {
                passfile = Some(papers.passfile(&PassLine { host, port, database: None, user: None, password })?);
            }
        }
        let report = listener.report();
        let route = report.route.map(|route| format!(", {route}")).unwrap_or_default();
        let mode = if report.read_only { ", read-only" } else { "" };
        let words =
            format!("{} is {} ({}){route}, as {}{mode}", report.address, report.name, report.database, report.users);
        text.push_str(&format!("{}\n", visible(&words)));
        let mut conninfo = format!(
            "host={} port={port} user={} dbname={}",
            conninfo_value(host),
            conninfo_value(user),
            conninfo_value(database)
        );
        if let Some(authority) = authority {
            let authority = authority.display().to_string();
            conninfo.push_str(&format!(" sslmode=verify-full sslrootcert={}", conninfo_value(&authority)));
        }
        let given = passfile.as_ref().map(|path| format!("PGPASSFILE={} ", shell_word(&path.display().to_string())));
        text.push_str(&format!("{}psql {}\n", given.unwrap_or_default(), shell_word(&conninfo)));
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    if let Some(secret) = secret.filter(|_| terminal.stderr) {
        writeln!(io::stderr().lock(), "password for clients that read no passfile, for this run: {}", secret.reveal())?;
    }
    Ok(())
}

fn summary(report: &ListenerReport) -> String {
    let words = format!(
        "{}: {} logins, {} turned away, {} bytes in, {} out",
        report.address, report.logins, report.refused, report.received, report.sent
    );
    visible(&words).into_owned()
}
