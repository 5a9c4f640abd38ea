//! `gatepost proxy`: ports or sockets on which any PostgreSQL client finds databases, logged in by us, until it is
//! interrupted. It must not know how clients are let in, nor how bytes get there.

use super::login::LoginArgs;
use super::steps::{Tell, Teller};
use super::tunnel::{conninfo_value, shell_word};
use super::{Failure, Interrupt, Terminal, failure};
use crate::access::listener::{Papers, PassLine, new_secret};
use crate::access::{Access, Door, Listener, ListenerReport, ListenerWish};
use crate::model::{Diagnosis, Kind, ListenerSettings, RouteChoice, Secret, visible};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Listen on a local port or socket for any PostgreSQL client, logged in by gatepost, until Ctrl-C
///
/// Every connection gets a login of its own at the database, over TLS that is verified here; clients need no token, no
/// certificate and no way there. They show the secret of this run, which is in a passfile that is told and goes with the
/// run. A socket (--socket) takes processes of the same user alone, and no secret.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifiers, endpoint hosts, resource ids, ARNs, or names of listeners in the settings file [default: all of those]
    #[arg(value_name = "NAME")]
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
    /// The server refuses every write: each transaction is read-only whatever the client sets. Texts of several statements
    /// that go on behind a COMMIT are refused, as are DO and CALL of the extended protocol outside of a transaction
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
    passfile: Option<PathBuf>,
    user: String,
    database: String,
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, terminal: &Terminal, mut interrupt: Interrupt) -> Result<(), Failure> {
    let papers = Papers::new(access.settings())?;
    let plans = plans(access, args, papers.folder())?;
    let secret = (!args.no_secret).then(new_secret);
    let (news, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut open = Vec::new();
    for plan in &plans {
        let (steps, teller) = Teller::start(terminal, Tell::Lasting);
        let opening = async {
            let one = listen(access, args, plan, &papers, secret.as_ref()).await?;
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
    announce(&open, secret.as_ref(), terminal)?;
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

/// What to open: the names given, with what the settings have for them and the flags over that; else all the settings have.
fn plans(access: &Access, args: &Args, own: &Path) -> Result<Vec<(ListenerSettings, Door)>, Diagnosis> {
    let kept = &access.settings().listeners;
    let named = |name: &String| {
        let unknown = || ListenerSettings { name: name.clone(), target: name.clone(), ..ListenerSettings::default() };
        kept.iter().find(|listener| listener.name == *name).cloned().unwrap_or_else(unknown)
    };
    let mut wanted: Vec<ListenerSettings> = match args.names.is_empty() {
        true => kept.clone(),
        false => args.names.iter().map(named).collect(),
    };
    if wanted.is_empty() {
        return Err(Diagnosis::new(Kind::Usage, "Which database?")
            .because("none was named, and the settings file has no [[listeners]]")
            .advise_paste("Name one", "gatepost proxy NAME --user USER"));
    }
    for (at, one) in wanted.iter_mut().enumerate() {
        let given = |flag: &[String], kept: &mut Vec<String>| {
            if !flag.is_empty() {
                *kept = flag.to_vec();
            }
        };
        given(&args.user, &mut one.users);
        given(&args.database, &mut one.databases);
        if let Some(first) = args.port.filter(|port| *port > 0) {
            let port = u16::try_from(at).ok().and_then(|at| first.checked_add(at));
            one.port = Some(port.ok_or_else(|| {
                Diagnosis::new(Kind::Usage, format!("From port {first} on there are not enough ports for all names"))
                    .advise("Name a lower one")
            })?);
        }
        if let Some(folder) = &args.socket {
            one.socket = Some(folder.clone().unwrap_or_else(|| own.to_owned()));
        }
        one.via = args.via.clone().or_else(|| one.via.take());
        one.read_only |= args.read_only;
        one.tls |= args.tls;
    }
    let mut sockets = 0;
    let door = |one: &ListenerSettings| match &one.socket {
        Some(folder) => {
            sockets += 1;
            let folder = std::path::absolute(folder)
                .map_err(|error| Diagnosis::new(Kind::Usage, "A socket needs a folder").because(error.to_string()))?;
            // Where no number is given: libpq's, and those after it.
            Ok(Door::Socket { folder, port: one.port.unwrap_or(5431 + sockets) })
        }
        None => Ok(Door::Port(one.port.unwrap_or(0))),
    };
    let doors: Result<Vec<Door>, Diagnosis> = wanted.iter().map(door).collect();
    Ok(wanted.into_iter().zip(doors?).collect())
}

async fn listen(
    access: &Access,
    args: &Args,
    (plan, door): &(ListenerSettings, Door),
    papers: &Papers,
    secret: Option<&Secret>,
) -> Result<Open, Diagnosis> {
    let endpoint = access.find(&plan.target).await?.endpoint;
    let database = plan.databases.first().cloned();
    let first = plan.users.first().map(String::as_str);
    let (user, auth) = args.login.settle(access, &endpoint, first, database.as_deref()).await?;
    let user = match user.is_empty() {
        false => user,
        true => access.secret_user(&endpoint, &auth).await?,
    };
    let usual = endpoint.database_name.clone().unwrap_or_else(|| "postgres".to_owned());
    // A socket looks at whose process it is instead.
    let secret = secret.filter(|_| matches!(door, Door::Port(_))).cloned();
    let wish = ListenerWish {
        name: plan.name.clone(),
        endpoint,
        route: plan.via.as_deref().map(RouteChoice::parse).unwrap_or_default(),
        door: door.clone(),
        users: if plan.users.len() > 1 { plan.users.clone() } else { vec![user.clone()] },
        databases: plan.databases.clone(),
        auth,
        read_only: plan.read_only,
        secret: secret.clone(),
        tls: plan.tls,
    };
    let listener = access.listen(wish).await?;
    let (host, port) = listener.address();
    let mut passfile = None;
    if let Some(password) = &secret {
        for host in [host, "localhost"] {
            passfile = Some(papers.passfile(&PassLine { host, port, database: None, user: None, password })?);
        }
    }
    let authority = match listener.authority() {
        Some(pem) => Some(papers.certificate(&format!("localhost-{port}"), pem)?),
        None => None,
    };
    Ok(Open { listener, authority, passfile, user, database: database.unwrap_or(usual) })
}

/// What is where, and lines that can be pasted. The secret itself is for a terminal alone.
fn announce(open: &[Open], secret: Option<&Secret>, terminal: &Terminal) -> Result<(), Failure> {
    let mut text = String::new();
    for Open { listener, authority, passfile, user, database } in open {
        let (host, port) = listener.address();
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
    let asked = open.iter().any(|one| one.passfile.is_some());
    if let Some(secret) = secret.filter(|_| terminal.stderr && asked) {
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
