//! An outage: the web socket is lost, and there will be another. How long that is tried, how often, and what it costs of
//! the budget. It must not know what goes over a web socket.

use super::shared::Shared;
use super::timing::Timing;
use super::{Account, Ended, Error, Grant, Health};
use rand::RngExt;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// Losses during the opening after which it is given up: a token that is not taken shows as an immediate close.
const OPENING_LOSSES: u32 = 3;

/// A run of losses without a sign of life between them.
pub struct Outage {
    /// What it has taken of the budget, up to `counted`.
    spent: Duration,
    counted: Instant,
    since_clock: SystemTime,
    attempts: u32,
    reason: String,
}

impl Outage {
    /// From now on.
    pub fn new(now: Instant) -> Self {
        Self { spent: Duration::ZERO, counted: now, since_clock: SystemTime::now(), attempts: 0, reason: String::new() }
    }

    /// Counts the time since it was counted last; at most what one attempt can take, for in the rest of it the machine
    /// slept and nothing was tried.
    fn count(&mut self, now: Instant, most: Duration) {
        self.spent += now.saturating_duration_since(self.counted).min(most);
        self.counted = now;
    }
}

/// Waits its turn and gets a fresh grant; on and on while there is budget. `attempt`: the longest that one can take.
pub async fn reconnect(
    shared: &Shared,
    account: &dyn Account,
    timing: &Timing,
    attempt: Duration,
    close: &mut watch::Receiver<bool>,
    outage: &mut Option<Outage>,
    mut reason: String,
) -> Result<Grant, Error> {
    loop {
        tracing::debug!(reason, "the web socket is lost");
        let outage = outage.get_or_insert_with(|| Outage::new(Instant::now()));
        outage.count(Instant::now(), attempt);
        outage.reason.clone_from(&reason);
        let opening = shared.lock().session.opened().is_none();
        if opening && outage.attempts >= OPENING_LOSSES {
            return Err(Error::Dial(format!("the service closes it at once: {reason}")));
        }
        if outage.spent >= timing.budget {
            return Err(Error::Ended(Ended::ServiceUnreachable(outage.spent, reason)));
        }
        shared.health.send_replace(Health::Reconnecting {
            since: outage.since_clock,
            attempts: outage.attempts,
            reason: reason.clone(),
        });
        let most = timing.backoff.saturating_mul(1 << outage.attempts.min(16)).min(timing.most_backoff);
        outage.attempts += 1;
        let wait = most.mul_f64(rand::rng().random::<f64>());
        let resumed = async {
            tokio::time::sleep(wait).await;
            timing.call(account.resume(&shared.session_id)).await
        };
        let resumed = tokio::select! {
            resumed = resumed => resumed,
            _ = close.wait_for(|close| *close) => return Err(Error::Ended(Ended::ByUs)),
        };
        match resumed {
            Ok(grant) => return Ok(grant),
            Err(refusal) if !refusal.retry => return Err(Error::Ended(Ended::Gone(refusal.reason))),
            Err(refusal) => reason = refusal.reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_with_the_lid_closed_takes_no_more_of_the_budget_than_one_attempt() {
        let (start, most) = (Instant::now(), Duration::from_secs(60));
        let mut outage = Outage::new(start);
        outage.count(start + Duration::from_secs(7), most);
        assert_eq!(outage.spent, Duration::from_secs(7));
        outage.count(start + Duration::from_secs(3607), most);
        assert_eq!(outage.spent, Duration::from_secs(67));
        outage.count(start + Duration::from_secs(3610), most);
        assert_eq!(outage.spent, Duration::from_secs(70));
    }
}
