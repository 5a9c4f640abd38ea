//! A tunnel that is lost under a running statement: told when it lasts, given up in time. It must not mend anything; the
//! tunnel does that by itself, for longer than a script should wait in silence.

use super::note;
use crate::access::LineHealth;
use crate::model::{Diagnosis, Kind};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Shorter ones are nobody's business: a web socket that is cut is back within a second.
const TOLD: Duration = Duration::from_secs(2);
/// A statement whose rows have not moved for so long is given up.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// Whether the tunnel is lost now.
#[derive(Debug, Default)]
pub struct Outage(Option<Lost>);

#[derive(Debug)]
struct Lost {
    since: Instant,
    reason: String,
    told: bool,
}

impl Outage {
    /// Takes what the line says.
    pub fn hear(&mut self, health: LineHealth) {
        match health {
            LineHealth::Lost { reason, .. } => match &mut self.0 {
                Some(lost) => lost.reason = reason,
                None => self.0 = Some(Lost { since: Instant::now(), reason, told: false }),
            },
            LineHealth::Up => {
                if let Some(lost) = self.0.take().filter(|lost| lost.told) {
                    note(&format!("the tunnel is up again after {} s", lost.since.elapsed().as_secs()));
                }
            }
            // The statement's own error is about to say so.
            LineHealth::Ended(_) => self.0 = None,
        }
    }

    /// Resolves when there is something to do about it; never while the tunnel is up. Cancel-safe.
    pub async fn due(&self) {
        match &self.0 {
            Some(lost) => sleep_until(lost.since + if lost.told { GIVEN_UP } else { TOLD }).await,
            None => std::future::pending().await,
        }
    }

    /// Tells it, or ends it.
    pub fn act(&mut self) -> Option<Diagnosis> {
        let lost = self.0.as_mut()?;
        if !lost.told {
            lost.told = true;
            note(&format!("the tunnel was lost: {}; gatepost is dialling again", lost.reason));
            return None;
        }
        let seconds = lost.since.elapsed().as_secs();
        Some(
            Diagnosis::new(
                Kind::OutcomeUnknown,
                format!("The tunnel could not be resumed for {seconds} s: whether the statement was done is not known"),
            )
            .because(lost.reason.clone())
            .advise("See whether AWS answers and the login is still good")
            .advise("Look at the data before running it again: gatepost never sends a statement twice by itself"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn lost(reason: &str) -> LineHealth {
        LineHealth::Lost { since: SystemTime::UNIX_EPOCH, attempts: 1, reason: reason.to_owned() }
    }

    #[test]
    fn it_is_told_first_and_given_up_then() {
        let mut outage = Outage::default();
        assert!(outage.act().is_none(), "nothing is lost");
        outage.hear(lost("cut"));
        assert!(outage.act().is_none(), "told");
        outage.hear(lost("the login has ended"));
        let diagnosis = outage.act().expect("given up");
        assert_eq!(
            (diagnosis.kind, &diagnosis.because[..]),
            (Kind::OutcomeUnknown, &["the login has ended".to_owned()][..])
        );
        outage.hear(LineHealth::Up);
        outage.hear(lost("cut again"));
        assert!(outage.act().is_none(), "another one is told again");
    }
}
