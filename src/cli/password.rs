//! A password from the environment or from a prompt that does not show it. It must not know what it opens.

use crate::model::{Diagnosis, Kind, Secret};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};

/// PGPASSWORD; an empty one is none, as libpq has it.
pub fn of_environment() -> Option<Secret> {
    std::env::var("PGPASSWORD").ok().filter(|password| !password.is_empty()).map(Secret::new)
}

/// Asked for on the terminal. Dropped while it asks (a signal came), it gives the terminal back; the thread that reads is
/// left behind.
pub async fn ask_for(user: &str, owner: &str) -> Result<Secret, Diagnosis> {
    let prompt = format!("Password of {} on {}: ", crate::model::visible(user), crate::model::visible(owner));
    ask(&prompt).await.map_err(|error| {
        Diagnosis::new(Kind::Usage, format!("No password for {user}"))
            .because(format!(
                "PGPASSWORD is not set, no passfile has a line for it, and the terminal could not be asked: {error}"
            ))
            .advise("Set PGPASSWORD, write it into the passfile, or run it in a terminal")
    })
}

/// Puts the terminal back, whatever happens.
struct Quiet {
    terminal: File,
    before: Termios,
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
        let _ = writeln!(&self.terminal);
    }
}

async fn ask(prompt: &str) -> io::Result<Secret> {
    // Not stdin: that may be the SQL.
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    write!(&mut &terminal, "{prompt}")?;
    let before = tcgetattr(&terminal)?;
    let mut quiet = before.clone();
    // Ctrl-C stays a signal: whoever waits for us hears it, and drops us.
    quiet.local_modes.remove(LocalModes::ECHO);
    let reads = terminal.try_clone()?;
    tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
    let _guard = Quiet { terminal, before };
    tokio::task::spawn_blocking(move || {
        let mut line = zeroize::Zeroizing::new(String::new());
        if BufReader::with_capacity(1, reads).read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Secret::new(line.trim_end_matches(['\n', '\r'])))
    })
    .await
    .unwrap_or_else(|error| Err(io::Error::other(error)))
}
