//! SIGINT, SIGTERM and SIGHUP as something a verb can wait for, so that sessions are terminated at AWS and statements
//! cancelled at the server before the program ends. It must not know what a verb does about it.

use std::io;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Which signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal is gone.
    HangUp,
}

impl Signal {
    /// 128 and the signal's number, as shells have it.
    pub fn exit_status(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
            Signal::HangUp => 129,
        }
    }
}

/// Hears signals from [`Interrupt::listen`] on. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Interrupt(watch::Receiver<Option<Signal>>);

impl Interrupt {
    /// Begins to listen; to be called within a runtime. A second signal ends the program at once: whatever is being
    /// tidied up may hang.
    pub fn listen() -> io::Result<Interrupt> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut terminations = signal(SignalKind::terminate())?;
        // Under nohup the terminal's end is not ours; listening would undo that.
        let mut hang_ups = if hang_up_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        let (heard, receiver) = watch::channel(None);
        tokio::spawn(async move {
            loop {
                let which = tokio::select! {
                    Some(()) = interrupts.recv() => Signal::Interrupt,
                    Some(()) = terminations.recv() => Signal::Terminate,
                    Some(()) = next(&mut hang_ups) => Signal::HangUp,
                    else => return,
                };
                if heard.borrow().is_some() {
                    std::process::exit(i32::from(which.exit_status()));
                }
                heard.send_replace(Some(which));
            }
        });
        Ok(Interrupt(receiver))
    }

    /// One that hears nothing: for a verb that does with signals as it sees fit.
    pub fn none() -> Interrupt {
        Interrupt(watch::channel(None).1)
    }

    /// One that is heard when the sender says so, for tests.
    pub fn of(receiver: watch::Receiver<Option<Signal>>) -> Interrupt {
        Interrupt(receiver)
    }

    /// The first signal, if one has come.
    pub fn heard(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Resolves with the first signal, at once when it has come already. Cancel-safe.
    pub async fn wait(&mut self) -> Signal {
        let heard = match self.0.wait_for(Option::is_some).await {
            Ok(signal) => *signal,
            Err(_) => None,
        };
        match heard {
            Some(signal) => signal,
            // Nobody is left who could send one.
            None => std::future::pending().await,
        }
    }
}

pub(super) async fn next(signal: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether the process was started with SIGHUP ignored, as nohup does (proc(5): `SigIgn`, a mask in hexadecimal whose
/// lowest bit is signal 1). Only Linux tells.
pub(super) fn hang_up_is_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 != 0)
}
