//! How a verb ends when it does not end well, and the exit status that says so. It must not make words for failures:
//! a [`Diagnosis`] brings its own.

use super::Signal;
use crate::model::{Diagnosis, Kind, ServerWords, visible};
use std::io::{self, Write};

/// Why a verb ended early.
#[derive(Debug)]
pub enum Failure {
    /// To be told on stderr.
    Diagnosis(Box<Diagnosis>),
    /// Told already; only the exit status is left.
    Told(u8),
    /// Whoever read our output has had enough: no failure, and nothing more to say.
    ClosedPipe,
    /// A signal came.
    Interrupted(Signal),
}

impl From<Diagnosis> for Failure {
    fn from(diagnosis: Diagnosis) -> Failure {
        Failure::Diagnosis(Box::new(diagnosis))
    }
}

impl From<io::Error> for Failure {
    /// An error of writing to stdout or stderr.
    fn from(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::ClosedPipe
        } else {
            Diagnosis::new(Kind::Local, "Writing the output failed").because(error.to_string()).into()
        }
    }
}

/// Tells on stderr what is left to tell, and gives the exit status.
pub fn end(result: Result<(), Failure>, color: bool) -> u8 {
    match result {
        Ok(()) | Err(Failure::ClosedPipe) => 0,
        Err(Failure::Told(status)) => status,
        Err(Failure::Interrupted(signal)) => signal.exit_status(),
        Err(Failure::Diagnosis(diagnosis)) => {
            tell(&diagnosis, color);
            diagnosis.kind.exit_status()
        }
    }
}

/// A diagnosis on stderr. Where stderr is closed there is nobody to tell.
pub fn tell(diagnosis: &Diagnosis, color: bool) {
    let (on, off) = if color { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    let _ = writeln!(io::stderr().lock(), "{on}error:{off} {diagnosis}");
}

/// The same of what is no failure of what was asked for.
pub fn warn(diagnosis: &Diagnosis, color: bool) {
    let (on, off) = if color { ("\x1b[1;33m", "\x1b[0m") } else { ("", "") };
    let _ = writeln!(io::stderr().lock(), "{on}warning:{off} {diagnosis}");
}

/// What the server said of a statement, as psql prints it: severity and message, the line with the caret, DETAIL, HINT,
/// CONTEXT; below that what we know of it.
pub fn tell_server(diagnosis: &Diagnosis, server: &ServerWords, caret: Option<&str>, color: bool) {
    let (on, off) = if color { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    let severity = if server.severity.is_empty() { "ERROR" } else { &server.severity };
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "{on}{}:{off}  {}", visible(severity), visible(&diagnosis.title));
    for line in caret.into_iter().flat_map(str::lines) {
        let _ = writeln!(stderr, "{line}");
    }
    for (label, text) in server.labelled() {
        let text: Vec<_> = text.lines().map(visible).collect();
        let _ = writeln!(stderr, "{label}:  {}", text.join("\n"));
    }
    let ours = Diagnosis { server: None, title: String::new(), ..diagnosis.clone() }.to_string();
    for line in ours.lines().filter(|line| !line.is_empty()) {
        let _ = writeln!(stderr, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_the_product() {
        let status = |kind| end(Err(Diagnosis::new(kind, "x").into()), false);
        assert_eq!(end(Ok(()), false), 0);
        assert_eq!(status(Kind::Sql), 1);
        assert_eq!(status(Kind::Usage), 2);
        assert_eq!(status(Kind::UnreachableFromBastion), 3);
        assert_eq!(status(Kind::LoginEnded), 4);
        assert_eq!(end(Err(Failure::Interrupted(Signal::Interrupt)), false), 130);
        assert_eq!(end(Err(io::Error::from(io::ErrorKind::BrokenPipe).into()), false), 0);
        assert_eq!(end(Err(io::Error::from(io::ErrorKind::StorageFull).into()), false), 1);
    }
}
