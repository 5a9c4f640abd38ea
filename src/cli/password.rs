//! A password from the environment or from a prompt that does not show it. It must not know what it opens.

use crate::model::{Diagnosis, Kind, Secret};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};

/// PGPASSWORD, else asked for on the terminal.
pub async fn password(user: &str, owner: &str) -> Result<Secret, Diagnosis> {
    if let Ok(password) = std::env::var("PGPASSWORD") {
        return Ok(Secret::new(password));
    }
    let prompt = format!("Password of {} on {}: ", crate::model::visible(user), crate::model::visible(owner));
    let asked = tokio::task::spawn_blocking(move || ask(&prompt)).await;
    let because = match asked {
        Ok(Ok(secret)) => return Ok(secret),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    Err(Diagnosis::new(Kind::Usage, format!("No password for {user}"))
        .because(format!("PGPASSWORD is not set, and the terminal could not be asked: {because}"))
        .advise("Set PGPASSWORD, or run it in a terminal"))
}

/// Puts the terminal back, whatever happens.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
        let _ = writeln!(&mut &*self.terminal);
    }
}

fn ask(prompt: &str) -> io::Result<Secret> {
    // Not stdin: that may be the SQL.
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    write!(&mut &terminal, "{prompt}")?;
    let before = tcgetattr(&terminal)?;
    let mut quiet = before.clone();
    // Without signals a Ctrl-C would be a character; with them the terminal would stay dark, because the program ends
    // while this thread still waits. So Ctrl-C arrives here, as the character it is.
    quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
    tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
    let _guard = Quiet { terminal: &terminal, before };
    let mut line = zeroize::Zeroizing::new(String::new());
    BufReader::with_capacity(1, &terminal).read_line(&mut line)?;
    let typed = line.trim_end_matches(['\n', '\r']);
    if typed.contains('\x03') {
        return Err(io::ErrorKind::Interrupted.into());
    }
    Ok(Secret::new(typed))
}
