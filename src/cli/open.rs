//! `gatepost open`: a listener for one client, and what that client needs to find it, printed or started. It must not know
//! what any client is told (`access::handoff` does).

use super::client::{CLEARED, Signals, cannot_be_started, code, on_path, pass_on, unstarted};
use super::listening::{Open, WritesArgs, listen, summary, until_interrupted};
use super::login::LoginArgs;
use super::steps::{Tell, Teller};
use super::{Failure, Interrupt, Terminal, failure};
use crate::access::handoff::{Client, Handoff, hand_off};
use crate::access::listener::{Papers, new_secret, write_paper};
use crate::access::{Access, Door};
use crate::model::{Diagnosis, Kind, ListenerSettings, visible};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::UnboundedReceiver;

/// Listen for one client, and print what it needs to connect, or start it (--run)
///
/// The listener is that of `gatepost proxy`: a local port or socket where every connection is logged in by gatepost. It lives
/// until Ctrl-C; with --run, for as long as the client does. The secret that clients have to show is in files that only you
/// may read and that go with the listener, never in an argument list.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifier, endpoint host, resource id, ARN, or the name of a listener in the settings file
    pub name: String,
    /// Which client
    #[arg(long, value_enum, value_name = "CLIENT")]
    pub with: With,
    /// Start the client, and end with it
    #[arg(long)]
    pub run: bool,
    /// The client's program, where it is not called as usual
    #[arg(long, value_name = "FILE", requires = "run")]
    pub program: Option<PathBuf>,
    /// Database user [default: the listener's, the one used last, else the setting `user`]
    #[arg(long, short)]
    pub user: Option<String>,
    /// Database [default: the listener's, the one it was created with, else postgres]
    #[arg(long, short)]
    pub database: Option<String>,
    /// Local port [default: the listener's, else any that is free; 5432 in a socket's name]
    #[arg(long, short)]
    pub port: Option<u16>,
    /// A Unix socket instead of a port, in DIR or a folder of this run; for clients on libpq
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

/// Clients, as the command line names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum With {
    /// A psql command
    Psql,
    /// A pgcli command
    Pgcli,
    /// DBeaver's -con
    Dbeaver,
    /// A servers file for pgAdmin 4's Import/Export Servers
    Pgadmin,
    /// SQL Workbench/J's command line and profile
    Sqlworkbench,
    /// A JDBC URL
    Jdbc,
    /// A URI as libpq reads it
    Uri,
    /// Variables of libpq's environment; --run starts your shell with them
    Env,
    /// A section for pg_service.conf, and the passfile; --run starts psql with them
    Service,
}

impl From<With> for Client {
    fn from(with: With) -> Client {
        match with {
            With::Psql => Client::Psql,
            With::Pgcli => Client::Pgcli,
            With::Dbeaver => Client::Dbeaver,
            With::Pgadmin => Client::Pgadmin,
            With::Sqlworkbench => Client::SqlWorkbench,
            With::Jdbc => Client::Jdbc,
            With::Uri => Client::Uri,
            With::Env => Client::Env,
            With::Service => Client::Service,
        }
    }
}

/// A program with windows that ends so soon, and well, has handed its words to one of its kind that runs already.
const HANDED_OVER: Duration = Duration::from_secs(20);

/// Runs it. With `--run`, signals are the client's: `interrupt` is none then.
pub async fn run(access: &Access, args: &Args, terminal: &Terminal, mut interrupt: Interrupt) -> Result<(), Failure> {
    let mut signals = args.run.then(Signals::listen).transpose()?;
    let client = Client::from(args.with);
    let papers = Papers::new(access.settings())?;
    let plan = plan(access, args, &papers)?;
    let secret = (!args.no_secret).then(new_secret);
    let color = terminal.color_on_stderr();
    let (steps, teller) = Teller::start(terminal, if args.run { Tell::Passing } else { Tell::Lasting });
    let opening = async {
        let open = listen(access, &args.login, &plan, args.database.as_deref(), &papers, secret.as_ref()).await?;
        let handoff = hand_off(client, &open.lead)?;
        for (path, text) in &handoff.files {
            write_paper(path, text)?;
        }
        // Before the way is walked: what is not there is said at once.
        let command = if args.run { Some(command(args, &handoff, color)?) } else { None };
        open.listener.reach(steps).await?;
        Ok::<_, Failure>((open, handoff, command))
    };
    let stopped = async {
        match &mut signals {
            Some(signals) => 128 + u8::try_from(signals.next().await.as_raw()).unwrap_or(0),
            None => interrupt.wait().await.exit_status(),
        }
    };
    let opened = tokio::select! {
        opened = Box::pin(opening) => opened,
        status = stopped => return Err(Failure::Told(status)),
    };
    teller.finish().await;
    let (open, handoff, command) = opened?;
    let (news, mut told) = tokio::sync::mpsc::unbounded_channel();
    let tells = !args.run || terminal.verbose || handoff.program.as_ref().is_some_and(|program| program.has_windows);
    if tells {
        open.listener.tell(news);
    }
    let status = match (command, &mut signals) {
        (Some(mut command), Some(signals)) => {
            note(&open)?;
            if terminal.stderr {
                remark(&handoff)?;
            }
            let name = command.as_std().get_program().to_owned();
            let child = command.spawn().map_err(|error| unstarted(&cannot_be_started(&name, &error), &error, color))?;
            let has_windows = handoff.program.as_ref().is_some_and(|program| program.has_windows);
            attend(child, signals, &mut told, has_windows, terminal).await?
        }
        _ => {
            announce(&open, &handoff, terminal)?;
            until_interrupted(&mut told, &mut interrupt, terminal).await;
            0
        }
    };
    let report = open.listener.report();
    open.listener.close().await;
    if terminal.tells_progress() && !args.run {
        writeln!(io::stderr().lock(), "{}", summary(&report))?;
    }
    match status {
        0 => Ok(()),
        status => Err(Failure::Told(status)),
    }
}

/// What to open: the settings' listener of that name, else the database of it; flags over that.
fn plan(access: &Access, args: &Args, papers: &Papers) -> Result<(ListenerSettings, Door), Diagnosis> {
    let kept = access.settings().listeners.iter().find(|listener| listener.name == args.name);
    let mut plan = kept.cloned().unwrap_or_else(|| ListenerSettings {
        name: args.name.clone(),
        target: args.name.clone(),
        ..ListenerSettings::default()
    });
    if let Some(user) = &args.user {
        plan.users = vec![user.clone()];
    }
    plan.port = args.port.filter(|port| *port > 0).or(plan.port);
    plan.via = args.via.clone().or(plan.via);
    plan.read_only = args.writes.read_only(plan.read_only);
    plan.tls |= args.tls;
    if let Some(folder) = &args.socket {
        plan.socket = Some(folder.clone().unwrap_or_else(|| papers.folder().to_owned()));
    }
    let door = match &plan.socket {
        Some(folder) => {
            let folder = std::path::absolute(folder)
                .map_err(|error| Diagnosis::new(Kind::Usage, "A socket needs a folder").because(error.to_string()))?;
            Door::Socket { folder, port: plan.port.unwrap_or(5432) }
        }
        None => Door::Port(plan.port.unwrap_or(0)),
    };
    Ok((plan, door))
}

/// The client's program with its words, or why there is none.
fn command(args: &Args, handoff: &Handoff, color: bool) -> Result<Command, Failure> {
    let word = Client::from(args.with).word();
    let Some(program) = &handoff.program else {
        return Err(Diagnosis::new(Kind::Usage, format!("--with {word} starts nothing"))
            .because("there is no one program for it")
            .advise("Leave --run out, and paste what is printed")
            .advise_paste("Or run any client with libpq's environment", "gatepost exec NAME -- CLIENT")
            .into());
    };
    let path = match &args.program {
        Some(path) => {
            on_path(path).map_err(|error| unstarted(&cannot_be_started(path.as_os_str(), &error), &error, color))?
        }
        None => program.names.iter().find_map(|name| on_path(name).ok()).ok_or_else(|| {
            let told = Diagnosis::new(Kind::Local, format!("{word} was not found"))
                .because(format!("looked for: {}", program.names.join(", ")))
                .advise("Name it with --program FILE, or leave --run out and paste what is printed");
            unstarted(&told, &io::ErrorKind::NotFound.into(), color)
        })?,
    };
    let mut command = Command::new(path);
    command.args(&program.arguments);
    for name in CLEARED {
        command.env_remove(name);
    }
    command.envs(program.environment.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// Stays with the client until it ends, and says how; one that has handed over is outlived, until a signal.
async fn attend(
    mut child: Child,
    signals: &mut Signals,
    told: &mut UnboundedReceiver<Diagnosis>,
    has_windows: bool,
    terminal: &Terminal,
) -> io::Result<u8> {
    let begun = Instant::now();
    let tells = has_windows || terminal.verbose;
    let status = loop {
        tokio::select! {
            status = child.wait() => break code(status?),
            signal = signals.next() => pass_on(&child, signal),
            // A client on a terminal tells it itself.
            Some(diagnosis) = told.recv(), if tells => failure::tell(&diagnosis, terminal.color_on_stderr()),
        }
    };
    if status != 0 || !has_windows || begun.elapsed() >= HANDED_OVER {
        return Ok(status);
    }
    writeln!(
        io::stderr().lock(),
        "The program has ended, perhaps for one that runs already: listening on, until Ctrl-C."
    )?;
    loop {
        tokio::select! {
            _ = signals.next() => return Ok(0),
            Some(diagnosis) = told.recv() => failure::tell(&diagnosis, terminal.color_on_stderr()),
        }
    }
}

/// On stdout what is to be pasted, and nothing else; what is to be known about it on stderr. The secret is for a terminal
/// alone.
fn announce(open: &Open, handoff: &Handoff, terminal: &Terminal) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{}", visible(&open.words()))?;
    note(open)?;
    remark(handoff)?;
    if let Some(secret) = open.lead.secret.as_ref().filter(|_| terminal.stderr) {
        writeln!(io::stderr().lock(), "password for clients that read no passfile, for this run: {}", secret.reveal())?;
    }
    let mut stdout = io::stdout().lock();
    for line in &handoff.lines {
        writeln!(stdout, "{line}")?;
    }
    stdout.flush()
}

fn note(open: &Open) -> io::Result<()> {
    open.notes().iter().try_for_each(|note| writeln!(io::stderr().lock(), "{}", visible(note)))
}

fn remark(handoff: &Handoff) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    handoff.remarks.iter().try_for_each(|remark| writeln!(stderr, "{}", visible(remark)))
}
