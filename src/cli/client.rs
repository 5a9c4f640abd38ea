//! A client's program that runs for as long as a verb does: signals are its, its exit status is ours. It must not know which
//! client it is, nor what it is handed.

use super::failure::{self, Failure};
use super::interrupt::{hang_up_is_ignored, next};
use crate::model::{Diagnosis, Kind, visible};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};

/// What else would lead libpq elsewhere, or ask for what a loopback port has not.
pub(super) const CLEARED: [&str; 13] = [
    "PGHOSTADDR",
    "PGGSSENCMODE",
    "PGREQUIREPEER",
    "PGSSLCERTMODE",
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
pub(super) struct Signals {
    interrupts: Heard,
    terminations: Heard,
    /// `None` where it is ignored, as under nohup: listening would undo that, for the client too.
    hang_ups: Option<Heard>,
    quits: Heard,
}

type Heard = tokio::signal::unix::Signal;

impl Signals {
    pub(super) fn listen() -> io::Result<Signals> {
        Ok(Signals {
            interrupts: signal(SignalKind::interrupt())?,
            terminations: signal(SignalKind::terminate())?,
            hang_ups: if hang_up_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) },
            quits: signal(SignalKind::quit())?,
        })
    }

    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.interrupts.recv() => Signal::INT,
            Some(()) = self.terminations.recv() => Signal::TERM,
            Some(()) = next(&mut self.hang_ups) => Signal::HUP,
            Some(()) = self.quits.recv() => Signal::QUIT,
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

/// The file that a program's name stands for: on PATH, or as it is where it names a folder. What cannot be run is passed
/// over on PATH, as `execvp` does.
pub(super) fn on_path(name: impl AsRef<Path>) -> io::Result<PathBuf> {
    let name = name.as_ref();
    if name.components().count() > 1 || name.is_absolute() {
        return runs(name).map(|()| name.to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "there is no such program on PATH");
    for path in std::env::split_paths(&path).map(|folder| folder.join(name)) {
        match runs(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() != io::ErrorKind::NotFound => refused = error,
            Err(_) => {}
        }
    }
    Err(refused)
}

fn runs(path: &Path) -> io::Result<()> {
    let denied = |why: &str| io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", path.display()));
    let there = std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotADirectory => io::ErrorKind::NotFound.into(),
        _ => error,
    })?;
    if !there.is_file() {
        return Err(denied("is no file"));
    }
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).map_err(|_| denied("may not be executed"))
}

/// Tells that a program cannot be started. The exit status is that of shells, `env` and `timeout`: 127 where it is not there,
/// 126 where it cannot be run, so that neither is taken for the client's own.
pub(super) fn unstarted(told: &Diagnosis, error: &io::Error, color: bool) -> Failure {
    failure::tell(told, color);
    Failure::Told(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 })
}

/// What is told of it.
pub(super) fn cannot_be_started(name: &OsStr, error: &io::Error) -> Diagnosis {
    let title = format!("{} cannot be started", visible(&name.to_string_lossy()));
    Diagnosis::new(Kind::Local, title).because(error.to_string())
}

/// As shells have it.
pub(super) fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_not_there_is_told_from_what_cannot_be_run() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("client");
        let kind = |path: &Path| on_path(path).map_err(|error| error.kind());
        assert_eq!(kind(&file), Err(io::ErrorKind::NotFound));
        assert_eq!(kind(folder.path()), Err(io::ErrorKind::PermissionDenied));
        std::fs::write(&file, "#!/bin/sh\n").expect("written");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("ours");
        assert_eq!(kind(&file), Err(io::ErrorKind::PermissionDenied));
        assert_eq!(kind(&file.join("within")), Err(io::ErrorKind::NotFound));
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o700)).expect("ours");
        assert_eq!(kind(&file), Ok(file.clone()));
        assert!(on_path("sh").is_ok_and(|path| path.is_absolute()));
        assert_eq!(kind(Path::new("no-such-client-of-anybody")), Err(io::ErrorKind::NotFound));
    }
}
