//! The doors to the sandbox: alone, around a command, or with the console in front. It is the one place of the program that
//! knows the shed; from here on its settings are settings like any others.

use crate::cli::{Failure, Interrupt, Signal, Terminal};
use crate::model::{Diagnosis, Kind, Settings};
use crate::sandbox::{Error, Fault, Options, Sandbox};
use std::io::{self, IsTerminal, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// Where the sandbox's server comes from.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Server {
    /// Folder of PostgreSQL's programs [default: the newest that is found on PATH or where distributions put it]
    #[arg(long, value_name = "DIR")]
    pub pg_bin: Option<PathBuf>,
    /// Something that goes wrong; repeat it for several (below is what can)
    #[arg(long, value_name = "NAME", value_parser = Fault::parse)]
    pub fault: Vec<Fault>,
}

/// Start the sandbox: AWS, a bastion, IAM tokens and a real PostgreSQL on loopback
///
/// Prints export lines that lead gatepost and any AWS client to it, then `# ready`, and runs until it is told to stop. With a
/// command after `--`, runs that in the sandbox's environment instead, and ends with its status.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = faults())]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// Command to run in the sandbox's environment
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// The console on the sandbox: nothing to install but PostgreSQL, no AWS account
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = faults())]
pub struct DemoArgs {
    #[command(flatten)]
    server: Server,
}

fn faults() -> String {
    let mut text = String::from("Faults:\n");
    for name in Fault::names() {
        text.push_str("  ");
        text.push_str(&name);
        text.push('\n');
    }
    text
}

/// The sandbox and the settings that lead to it; colours, log and the user's name stay as they were asked for.
pub async fn demo(args: &DemoArgs, asked: &Settings, terminal: &Terminal) -> Result<(Sandbox, Settings), Diagnosis> {
    let sandbox = start(&args.server, terminal).await?;
    let settings = Settings {
        color: asked.color,
        editor: asked.editor.clone(),
        editor_keys: asked.editor_keys,
        log_file: asked.log_file.clone(),
        os_user: asked.os_user.clone(),
        production: asked.production.clone(),
        row_limit: asked.row_limit,
        byte_limit: asked.byte_limit,
        memory_limit: asked.memory_limit,
        ..sandbox.settings()
    };
    Ok((sandbox, settings))
}

/// `gatepost sandbox`.
pub async fn run(args: &Args, terminal: &Terminal, mut interrupt: Interrupt) -> Result<(), Failure> {
    let sandbox = tokio::select! {
        started = start(&args.server, terminal) => started?,
        signal = interrupt.wait() => return Err(Failure::Interrupted(signal)),
    };
    let result = match args.command.split_first() {
        Some((program, words)) => inside(&sandbox, program, words, interrupt).await,
        None => alone(&sandbox, interrupt).await,
    };
    sandbox.stop().await;
    result
}

async fn start(server: &Server, terminal: &Terminal) -> Result<Sandbox, Diagnosis> {
    let begun = Instant::now();
    if terminal.tells_progress() {
        // A stderr that is gone is no reason not to start.
        let _ = write!(io::stderr().lock(), "starting the sandbox: PostgreSQL, and a million events to look at …");
        let _ = io::stderr().flush();
    }
    let options = Options { pg_bin: server.pg_bin.clone(), faults: server.fault.clone(), events: true };
    let started = Sandbox::start(options).await;
    if terminal.stderr {
        let _ = write!(io::stderr().lock(), "\r\x1b[K");
    } else if terminal.verbose {
        let _ = writeln!(io::stderr().lock(), " {:.1} s", begun.elapsed().as_secs_f64());
    }
    started.map_err(|error| {
        let missing = matches!(error, Error::Missing(_));
        let diagnosis = Diagnosis::new(Kind::Local, "The sandbox did not start");
        let diagnosis = causes(&error).into_iter().fold(diagnosis, Diagnosis::because);
        match missing {
            true => diagnosis
                .advise_paste("Install a PostgreSQL server, 13 or newer", "apt-get install postgresql")
                .advise("Or say where its programs are: --pg-bin DIR"),
            false => diagnosis,
        }
    })
}

/// An error and what it was caused by; a source that its error has in its own words already is not said twice.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !causes.iter().any(|said| said.contains(&text)) {
            causes.push(text);
        }
        source = cause.source();
    }
    causes
}

/// Prints the environment and waits to be told to stop, which is its proper end.
async fn alone(sandbox: &Sandbox, mut interrupt: Interrupt) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    for (name, value) in environment(sandbox) {
        writeln!(stdout, "export {name}={}", quoted(&value))?;
    }
    writeln!(stdout, "# ready")?;
    stdout.flush()?;
    drop(stdout);
    interrupt.wait().await;
    Ok(())
}

/// Runs a command in the environment and takes over its status.
async fn inside(sandbox: &Sandbox, program: &str, words: &[String], mut interrupt: Interrupt) -> Result<(), Failure> {
    let mut child = tokio::process::Command::new(program)
        .args(words)
        .envs(environment(sandbox))
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Diagnosis::new(Kind::Local, format!("{program} cannot be run")).because(error.to_string()))?;
    let status = tokio::select! {
        status = child.wait() => status?,
        signal = interrupt.wait() => {
            pass_on(signal, &child);
            match tokio::time::timeout(Duration::from_secs(15), child.wait()).await {
                Ok(status) => status?,
                Err(_) => return Err(Failure::Interrupted(signal)),
            }
        }
    };
    match code(status) {
        0 => Ok(()),
        code => Err(Failure::Told(code)),
    }
}

/// What leads to the sandbox: loopback, which no proxy may be asked for.
fn environment(sandbox: &Sandbox) -> Vec<(String, String)> {
    let mut environment = sandbox.environment();
    for name in ["no_proxy", "NO_PROXY"] {
        let before = std::env::var(name).ok().filter(|hosts| !hosts.is_empty());
        let hosts = before.into_iter().chain(["127.0.0.1,localhost".to_owned()]).collect::<Vec<_>>();
        environment.push((name.to_owned(), hosts.join(",")));
    }
    environment
}

/// Gives a signal to the command. A terminal gives Ctrl-C to both of us; twice would mean "at once".
fn pass_on(signal: Signal, child: &tokio::process::Child) {
    let signal = match signal {
        Signal::Interrupt if io::stdin().is_terminal() => return,
        Signal::Interrupt => rustix::process::Signal::INT,
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::HangUp => rustix::process::Signal::HUP,
    };
    let process = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(process) = process {
        // It may have ended by itself just now.
        let _ = rustix::process::kill_process(process, signal);
    }
}

/// As shells have it: its own, or 128 and the signal's number.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_a_shell() {
        let odd = "it's $HOME `x` \"y\" \\ z\n";
        let output = std::process::Command::new("sh")
            .args(["-c", &format!("export X={}; printf %s \"$X\"", quoted(odd))])
            .output()
            .expect("sh runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), odd);
    }

    #[test]
    fn statuses_are_taken_over() {
        assert_eq!(code(ExitStatus::from_raw(3 << 8)), 3);
        assert_eq!(code(ExitStatus::from_raw(15)), 143);
    }
}
