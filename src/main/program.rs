//! Words on the command line become settings and one door; a diagnosis becomes words on stderr and an exit status. It must
//! know nothing of what is behind the door, except that whatever was opened there is closed before the program ends.

mod journal;
mod manual;
mod shed;

use crate::access::Access;
use crate::cli::{self, Failure, Global, Interrupt, Terminal, failure};
use crate::console::Start;
use crate::model::{Diagnosis, Kind, Settings};
use crate::settings::{self, Reading, Sources};
use clap::{CommandFactory, Parser, Subcommand};
use futures_util::FutureExt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{IsTerminal, Write};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Duration;

/// From "which database was it?" to a verified prompt on a private Amazon RDS or Aurora PostgreSQL
///
/// Without a command: the console.
#[derive(Parser)]
#[command(name = "gatepost", version, propagate_version = true, max_term_width = 100)]
struct Words {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    door: Option<Door>,
}

#[derive(Subcommand)]
enum Door {
    Demo(shed::DemoArgs),
    List(cli::list::Args),
    Token(cli::token::Args),
    Policy(cli::policy::Args),
    EnableIam(cli::enable_iam::Args),
    Tunnel(cli::tunnel::Args),
    Proxy(cli::proxy::Args),
    Exec(cli::exec::Args),
    Open(cli::open::Args),
    Connect(cli::connect::Args),
    Query(cli::query::Args),
    Doctor(cli::doctor::Args),
    Sandbox(shed::Args),
    /// Print every setting: meaning, default, present value and where that came from
    ///
    /// What is printed is a settings file that can be kept.
    Settings,
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or that of a command
    Man {
        /// Command
        command: Option<String>,
    },
}

/// How long the sessions at AWS may take to be terminated at the end.
const FAREWELL: Duration = Duration::from_secs(10);
/// What a panic exits with, as Rust's own runtime has it.
const PANICKED: u8 = 101;

/// The program: words in, exit status out.
pub fn main() -> ExitCode {
    let words = Words::parse();
    // The sandbox has no secrets but its own, and what runs in it may want its core files.
    if !matches!(words.door, Some(Door::Sandbox(_))) {
        leave_no_core();
    }
    // The console listens, too.
    if matches!(
        words.door,
        None | Some(
            Door::Demo(_) | Door::Connect(_) | Door::Tunnel(_) | Door::Proxy(_) | Door::Exec(_) | Door::Open(_)
        )
    ) {
        take_descriptors();
    }
    let status = match run(words) {
        Ok(status) => status,
        Err(failure) => failure::end(Err(failure), Terminal::of_process(true, false).color_on_stderr()),
    };
    ExitCode::from(status)
}

/// A core file would hold tokens, passwords and rows.
fn leave_no_core() {
    let now = getrlimit(Resource::Core);
    // Less is always allowed; where it should not be, there is nothing to be done.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: now.maximum });
}

/// As many descriptors as may be had, within reason: each client of a listener takes two, and what is usual (256 on macOS,
/// 1,024 on Linux) is for programs that wait with select(2). Clients that we start have them, too.
fn take_descriptors() {
    let now = getrlimit(Resource::Nofile);
    // More than one of these macOS refuses; more than the other makes programs slow that close all they could have.
    for most in [65_536, 10_240] {
        let wanted = now.maximum.map_or(most, |hard| hard.min(most));
        let enough = now.current.is_none_or(|soft| soft >= wanted);
        if enough || setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: now.maximum }).is_ok() {
            return;
        }
    }
}

fn run(mut words: Words) -> Result<u8, Failure> {
    if let Some(Door::Tunnel(args)) = &mut words.door {
        args.given = words.global.given();
    }
    match &words.door {
        Some(Door::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Words::command(), "gatepost", &mut script);
            return print(&script);
        }
        Some(Door::Man { command }) => return print(&manual::page(Words::command(), command.as_deref())?),
        _ => {}
    }
    let sources = Sources::of_process(words.global.flags(), words.global.config.clone());
    let reading = sources.read().map_err(|problem| Diagnosis::new(Kind::Usage, problem.to_string()))?;
    if let Some(Door::Settings) = words.door {
        return print(settings::report(&reading).as_bytes());
    }
    let _journal = reading.settings.log_file.as_deref().map(journal::open).transpose()?;
    let terminal = Terminal::of_process(reading.settings.color, words.global.verbose);

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::from)?;
    let status = runtime.block_on(walk(words, reading, terminal));
    // A thread may still wait for a terminal or a pipe that says nothing more; nobody waits for it.
    runtime.shutdown_background();
    Ok(status)
}

fn print(text: &[u8]) -> Result<u8, Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text)?;
    stdout.flush()?;
    Ok(0)
}

/// Through the door that was named, and back.
async fn walk(words: Words, reading: Reading, terminal: Terminal) -> u8 {
    let color = terminal.color_on_stderr();
    let listening = match words.door {
        // Signals are the client's, which may take any number of them.
        Some(Door::Exec(_) | Door::Open(cli::open::Args { run: true, .. })) => Ok(Interrupt::none()),
        _ => Interrupt::listen(),
    };
    let result = match listening {
        Ok(interrupt) => enter(words.door, reading.settings, &terminal, interrupt).await,
        Err(error) => Err(error.into()),
    };
    failure::end(result, color)
}

/// The sandbox needs no access; the demo needs it on the sandbox's settings; all else on those that were read.
async fn enter(
    door: Option<Door>,
    settings: Settings,
    terminal: &Terminal,
    mut interrupt: Interrupt,
) -> Result<(), Failure> {
    match door {
        Some(Door::Sandbox(args)) => Box::pin(shed::run(&args, terminal, interrupt)).await,
        Some(Door::Demo(args)) => {
            needs(terminal)?;
            let (sandbox, settings) = tokio::select! {
                started = shed::demo(&args, &settings, terminal) => started?,
                signal = interrupt.wait() => return Err(Failure::Interrupted(signal)),
            };
            let result = with_access(None, settings, terminal, interrupt).await;
            sandbox.stop().await;
            result
        }
        door => with_access(door, settings, terminal, interrupt).await,
    }
}

/// Whatever ends it, a panic too, sessions at AWS end with it; but a service that does not answer holds nobody up.
async fn with_access(
    door: Option<Door>,
    settings: Settings,
    terminal: &Terminal,
    interrupt: Interrupt,
) -> Result<(), Failure> {
    let access = match door {
        Some(Door::List(_) | Door::Token(_) | Door::Policy(_) | Door::EnableIam(_) | Door::Tunnel(_)) => {
            Access::new(settings)?
        }
        _ => Access::before_login(settings)?,
    };
    let walked = AssertUnwindSafe(through(door, &access, terminal, interrupt)).catch_unwind().await;
    if tokio::time::timeout(FAREWELL, access.close()).await.is_err() {
        tracing::warn!("sessions at AWS were not terminated within {FAREWELL:?}");
    }
    for left in access.left_open() {
        failure::warn(&left, terminal.color_on_stderr());
    }
    walked.unwrap_or(Err(Failure::Told(PANICKED)))
}

/// Doors are boxed: the futures behind them are large, and the compiler's patience with nested ones ends.
async fn through(
    door: Option<Door>,
    access: &Access,
    terminal: &Terminal,
    interrupt: Interrupt,
) -> Result<(), Failure> {
    match door {
        Some(Door::List(args)) => unless(interrupt, Box::pin(cli::list::run(access, &args, terminal))).await,
        Some(Door::Token(args)) => unless(interrupt, Box::pin(cli::token::run(access, &args, terminal))).await,
        Some(Door::Policy(args)) => unless(interrupt, Box::pin(cli::policy::run(access, &args, terminal))).await,
        Some(Door::EnableIam(args)) => Box::pin(cli::enable_iam::run(access, &args, terminal, interrupt)).await,
        Some(Door::Doctor(args)) => unless(interrupt, Box::pin(cli::doctor::run(access, &args, terminal))).await,
        Some(Door::Tunnel(args)) => Box::pin(cli::tunnel::run(access, &args, terminal, interrupt)).await,
        Some(Door::Proxy(args)) => Box::pin(cli::proxy::run(access, &args, terminal, interrupt)).await,
        Some(Door::Exec(args)) => Box::pin(cli::exec::run(access, &args, terminal)).await,
        Some(Door::Open(args)) => Box::pin(cli::open::run(access, &args, terminal, interrupt)).await,
        Some(Door::Query(args)) => Box::pin(cli::query::run(access, &args, terminal, interrupt)).await,
        door => {
            needs(terminal)?;
            let start = match door {
                Some(Door::Connect(args)) => Start { target: Some(args.wanted()?) },
                _ => Start::default(),
            };
            // The console hears signals by itself, to give the terminal back first.
            let result = Box::pin(crate::console::run(access.clone(), start)).await;
            match interrupt.heard() {
                Some(signal) => Err(Failure::Interrupted(signal)),
                None => Ok(result?),
            }
        }
    }
}

/// Said before anything is started for the console's sake.
fn needs(terminal: &Terminal) -> Result<(), Diagnosis> {
    if terminal.stdout && std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Diagnosis::new(Kind::Usage, "The console needs a terminal")
        .because("stdin or stdout is none")
        .advise_paste("For scripts there are commands", "gatepost --help"))
}

/// The verb's end, or the signal that came first.
async fn unless(mut interrupt: Interrupt, verb: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::select! {
        result = verb => result,
        signal = interrupt.wait() => Err(Failure::Interrupted(signal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_core_file_is_left() {
        leave_no_core();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
    }
}
