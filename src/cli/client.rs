//! A client's program that runs for as long as a verb does: signals are its, its exit status is ours. It must not know which
//! client it is, nor what it is handed.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};

/// What else would lead libpq elsewhere, or ask for what a loopback port has not.
pub(super) const CLEARED: [&str; 9] = [
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGPASSWORD",
    "PGSSLROOTCERT",
    "PGSSLNEGOTIATION",
    "PGCHANNELBINDING",
    "PGREQUIREAUTH",
    "PGREQUIRESSL",
    "PGTARGETSESSIONATTRS",
];

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT, any number of them.
pub(super) struct Signals([(Signal, tokio::signal::unix::Signal); 4]);

impl Signals {
    pub(super) fn listen() -> io::Result<Signals> {
        Ok(Signals([
            (Signal::INT, signal(SignalKind::interrupt())?),
            (Signal::TERM, signal(SignalKind::terminate())?),
            (Signal::HUP, signal(SignalKind::hangup())?),
            (Signal::QUIT, signal(SignalKind::quit())?),
        ]))
    }

    pub(super) async fn next(&mut self) -> Signal {
        let [(a, int), (b, term), (c, hup), (d, quit)] = &mut self.0;
        tokio::select! {
            Some(()) = int.recv() => *a,
            Some(()) = term.recv() => *b,
            Some(()) = hup.recv() => *c,
            Some(()) = quit.recv() => *d,
            else => std::future::pending().await,
        }
    }
}

/// What a terminal's key sent has reached the client, too: twice would be two.
pub(super) fn pass_on(child: &Child, signal: Signal) {
    let by_key = matches!(signal, Signal::INT | Signal::QUIT) && is_in_foreground();
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    if let Some(pid) = pid.filter(|_| !by_key) {
        // One that has just ended needs none.
        let _ = kill_process(pid, signal);
    }
}

/// Whether a terminal's keys are for our process group, in which the client is too; wherever its standard input comes from.
/// A signal that somebody sends to us alone meanwhile cannot be told from one by key.
fn is_in_foreground() -> bool {
    let Ok(terminal) = File::open("/dev/tty") else { return false };
    rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// The file that a program's name stands for: on PATH, or as it is where it names a folder.
pub(super) fn on_path(name: impl AsRef<Path>) -> Option<PathBuf> {
    let name = name.as_ref();
    if name.components().count() > 1 || name.is_absolute() {
        return Some(name.to_owned()).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// As shells have it.
pub(super) fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}
