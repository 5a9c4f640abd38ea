//! psql as the client on a forwarded port, asked over its pipes. It must not know whose port it is.

use super::way::{Running, Way};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// One that is logged in, or about to be.
pub struct Psql {
    child: Running,
    input: ChildStdin,
    /// Its lines, and when each was whole.
    lines: Receiver<(String, Instant)>,
}

impl Psql {
    /// Starts it; the login is waited for with the first answer.
    pub fn start(way: &Way<'_>) -> Psql {
        let mut child = Command::new("psql");
        child.args(["-qAtX", &way.conninfo()]).env("PGPASSWORD", way.target.password());
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let mut child = child.expect("psql is on PATH");
        let input = child.stdin.take().expect("piped");
        let mut output = BufReader::with_capacity(1 << 16, child.stdout.take().expect("piped"));
        let (tell, lines) = channel();
        // A thread, so that an answer that never comes can be given up.
        std::thread::spawn(move || {
            let mut line = String::new();
            while output.read_line(&mut line).is_ok_and(|length| length > 0) {
                let whole = Instant::now();
                if tell.send((std::mem::take(&mut line), whole)).is_err() {
                    return;
                }
            }
        });
        Psql { child: Running(child), input, lines }
    }

    /// Says it, and waits for nothing. A psql that has ended shows when it is asked.
    pub fn tell(&mut self, statement: &str) {
        let _ended = writeln!(self.input, "{statement};");
    }

    /// The one line of the answer; `None` where there is none within `limit`.
    pub fn answer(&mut self, limit: Duration) -> Option<(String, Instant)> {
        let (line, whole) = self.lines.recv_timeout(limit).ok()?;
        Some((line.trim_end().to_owned(), whole))
    }

    /// Says it; the answer and how long it took.
    pub fn try_ask(&mut self, statement: &str, limit: Duration) -> Option<(String, Duration)> {
        let begun = Instant::now();
        self.tell(statement);
        let (line, whole) = self.answer(limit)?;
        Some((line, whole - begun))
    }

    /// How long until the answer is there.
    pub fn ask(&mut self, statement: &str) -> Duration {
        let limit = Duration::from_secs(120);
        self.try_ask(statement, limit).unwrap_or_else(|| panic!("no answer to {:.40}", statement)).1
    }

    /// As Ctrl-C does: it sends a CancelRequest over a connection of its own, and ends when its statement has. How long
    /// that took.
    pub fn interrupt(mut self) -> Duration {
        let id = Pid::from_raw(self.child.0.id().try_into().expect("a process id")).expect("not zero");
        let begun = Instant::now();
        kill_process(id, Signal::INT).expect("it runs");
        assert!(!self.child.0.wait().expect("it ends").success(), "it was not cancelled");
        begun.elapsed()
    }
}
