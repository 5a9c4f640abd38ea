//! The way to a database, told on stderr step by step while it is walked. It must not know how it is walked.

use super::Terminal;
use crate::access::Steps;
use crate::model::{Step, StepState, visible};
use std::io::{self, Write};
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinHandle;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// One line that is overwritten, and gone at the end: what follows is what was asked for.
    Passing,
    /// A line for each step, to stay.
    Lasting,
}

/// Tells steps while it lives.
pub struct Teller {
    task: Option<JoinHandle<()>>,
}

impl Teller {
    /// Where to send steps, and who tells them. `verbose` makes everything lasting; without a terminal and without it,
    /// nothing is told.
    pub fn start(terminal: &Terminal, tell: Tell) -> (Steps, Teller) {
        if !terminal.tells_progress() {
            return (None, Teller { task: None });
        }
        let (sender, mut receiver) = unbounded_channel::<Step>();
        let lasting = tell == Tell::Lasting || terminal.verbose;
        let (on_terminal, color) = (terminal.stderr, terminal.color_on_stderr());
        let task = tokio::spawn(async move {
            while let Some(step) = receiver.recv().await {
                let mut stderr = io::stderr().lock();
                let line = words(&step, color);
                // A stderr that is gone is no reason to stop.
                let _ = match (&step.state, lasting) {
                    (StepState::Begun(_), _) if on_terminal => write!(stderr, "\r\x1b[K{line}"),
                    (StepState::Begun(_), _) => Ok(()),
                    (_, true) if on_terminal => writeln!(stderr, "\r\x1b[K{line}"),
                    (_, true) => writeln!(stderr, "{line}"),
                    (_, false) => write!(stderr, "\r\x1b[K{line}"),
                };
                let _ = stderr.flush();
            }
            if on_terminal {
                let _ = write!(io::stderr().lock(), "\r\x1b[K");
            }
        });
        (Some(sender), Teller { task: Some(task) })
    }

    /// Waits until all is told. The sender must be gone by then.
    pub async fn finish(self) {
        if let Some(task) = self.task {
            let _ = task.await;
        }
    }
}

fn words(step: &Step, color: bool) -> String {
    let name = step.kind.name();
    let paint = |code: &str, text: &str| match color {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    match &step.state {
        StepState::Begun(what) => format!("{} {name:<12} {}", paint("2", "·"), paint("2", &fitted(what))),
        StepState::Done(what, took) => {
            format!("{} {name:<12} {}  {}", paint("32", "✓"), visible(what), paint("2", &milliseconds(*took)))
        }
        StepState::Failed(diagnosis, took) => {
            format!(
                "{} {name:<12} {}  {}",
                paint("31", "✗"),
                visible(&diagnosis.title),
                paint("2", &milliseconds(*took))
            )
        }
    }
}

/// Short enough for one line of 80 columns: a line that wraps cannot be overwritten.
fn fitted(text: &str) -> String {
    let text = visible(text);
    if text.chars().count() <= 60 {
        return text.into_owned();
    }
    text.chars().take(59).chain(['…']).collect()
}

fn milliseconds(took: Duration) -> String {
    match took.as_millis() {
        ms @ 0..10_000 => format!("{ms} ms"),
        ms => format!("{:.1} s", ms as f64 / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Diagnosis, Kind, StepKind};

    #[test]
    fn a_step_is_a_line() {
        let step = |state| words(&Step { kind: StepKind::Tls, state }, false);
        assert_eq!(step(StepState::Begun("db\x1b".to_owned())), "· TLS          db␛");
        assert_eq!(step(StepState::Done("1.3".to_owned(), Duration::from_millis(12))), "✓ TLS          1.3  12 ms");
        let diagnosis = Box::new(Diagnosis::new(Kind::CertificateName, "The certificate is for b"));
        assert_eq!(
            step(StepState::Failed(diagnosis, Duration::from_millis(12_345))),
            "✗ TLS          The certificate is for b  12.3 s"
        );
    }
}
