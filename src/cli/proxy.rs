//! `gatepost proxy`: ports or sockets on which any PostgreSQL client finds databases, logged in by us, until it is
//! interrupted. It must not know how clients are let in, nor how bytes get there.

use super::listening::{Open, WritesArgs, listen, summary, until_interrupted};
use super::login::LoginArgs;
use super::steps::{Tell, Teller};
use super::{Failure, Interrupt, Terminal};
use crate::access::handoff::{Client, hand_off};
use crate::access::listener::{Papers, new_secret};
use crate::access::{Access, Door};
use crate::model::{Diagnosis, Kind, ListenerSettings, Secret, visible};
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
    /// Whether clients may write.
    #[command(flatten)]
    pub writes: WritesArgs,
    /// Offer clients TLS, with a certificate made for this run; a socket has none
    #[arg(long, conflicts_with = "socket")]
    pub tls: bool,
    /// Let in every process of this machine that reaches the port, whoever's it is
    #[arg(long)]
    pub no_secret: bool,
    /// How to log in at the database.
    #[command(flatten)]
    pub login: LoginArgs,
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
            let one = listen(access, &args.login, plan, None, &papers, secret.as_ref()).await?;
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
    until_interrupted(&mut told, &mut interrupt, terminal).await;
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
        one.read_only = args.writes.read_only(one.read_only);
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

/// What is where, and lines that can be pasted. The secret itself is for a terminal alone.
fn announce(open: &[Open], secret: Option<&Secret>, terminal: &Terminal) -> Result<(), Failure> {
    let mut text = String::new();
    for one in open {
        text.push_str(&format!("{}\n", visible(&one.words())));
        let handoff = hand_off(Client::Psql, &one.lead)?;
        text.extend(handoff.lines.iter().map(|line| format!("{line}\n")));
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    for note in open.iter().flat_map(Open::notes) {
        writeln!(io::stderr().lock(), "{}", visible(&note))?;
    }
    let asked = open.iter().any(|one| one.lead.passfile.is_some());
    if let Some(secret) = secret.filter(|_| terminal.stderr && asked) {
        writeln!(io::stderr().lock(), "password for clients that read no passfile, for this run: {}", secret.reveal())?;
    }
    Ok(())
}
