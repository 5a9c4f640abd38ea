//! An outage: the web socket is lost, and there will be another. How long that is tried, how often, and what it costs of
//! the budget. It must not know what goes over a web socket.

use super::shared::Shared;
use super::timing::Timing;
use super::{Account, Ended, Error, Grant, Health, Refusal, Retry};
use rand::RngExt;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// Losses during the opening after which it is given up: a token that is not taken shows as an immediate close.
const OPENING_LOSSES: u32 = 3;

/// A run of losses without a sign of life between them.
pub struct Outage {
    /// What it has taken of the budget, up to `counted`.
    spent: Duration,
    /// And of the time for a new login, which is nobody's outage.
    logged_out: Duration,
    counted: Instant,
    since_clock: SystemTime,
    attempts: u32,
}

/// Why there is no web socket now, and whether another one may come.
pub type Loss = Refusal;

impl Outage {
    /// From now on.
    pub fn new(now: Instant) -> Self {
        let (spent, logged_out) = (Duration::ZERO, Duration::ZERO);
        Self { spent, logged_out, counted: now, since_clock: SystemTime::now(), attempts: 0 }
    }

    /// Counts the time since it was counted last; at most what one attempt can take, for in the rest of it the machine
    /// slept and nothing was tried.
    fn count(&mut self, now: Instant, most: Duration, retry: Retry) {
        let took = now.saturating_duration_since(self.counted).min(most);
        match retry {
            Retry::AfterLogin => self.logged_out += took,
            Retry::Never | Retry::Later => self.spent += took,
        }
        self.counted = now;
    }

    /// The end, where it has lasted for too long, or nothing can mend it.
    fn end(&self, loss: &Loss, timing: &Timing) -> Option<Ended> {
        let reason = || loss.reason.clone();
        if loss.retry == Retry::Never {
            return Some(Ended::Gone(reason()));
        }
        if self.logged_out >= timing.login {
            return Some(Ended::LoggedOut(self.logged_out, reason()));
        }
        (self.spent >= timing.budget).then(|| Ended::ServiceUnreachable(self.spent, reason()))
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
    mut loss: Loss,
) -> Result<Grant, Error> {
    loop {
        tracing::debug!(loss.reason, retry = ?loss.retry, "the web socket is lost");
        let outage = outage.get_or_insert_with(|| Outage::new(Instant::now()));
        outage.count(Instant::now(), attempt, loss.retry);
        let opening = shared.lock().session.opened().is_none();
        if opening && outage.attempts >= OPENING_LOSSES {
            return Err(Error::Dial(format!("the service closes it at once: {}", loss.reason)));
        }
        if let Some(ended) = outage.end(&loss, timing) {
            return Err(Error::Ended(ended));
        }
        shared.health.send_replace(Health::Reconnecting {
            since: outage.since_clock,
            attempts: outage.attempts,
            reason: loss.reason.clone(),
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
            Err(refusal) => loss = refusal,
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
        outage.count(start + Duration::from_secs(7), most, Retry::Later);
        assert_eq!(outage.spent, Duration::from_secs(7));
        outage.count(start + Duration::from_secs(3607), most, Retry::Later);
        assert_eq!(outage.spent, Duration::from_secs(67));
        outage.count(start + Duration::from_secs(3610), most, Retry::Later);
        assert_eq!(outage.spent, Duration::from_secs(70));
    }

    #[test]
    fn a_login_that_is_waited_for_is_no_outage_but_has_an_end() {
        let (start, most, timing) = (Instant::now(), Duration::from_secs(60), Timing::default());
        let loss = |retry| Loss { reason: "why".to_owned(), retry };
        let mut outage = Outage::new(start);
        let mut minutes = 0;
        while outage.end(&loss(Retry::AfterLogin), &timing).is_none() {
            minutes += 1;
            outage.count(start + Duration::from_secs(60 * minutes), most, Retry::AfterLogin);
        }
        assert_eq!(minutes, 12 * 60);
        assert!(matches!(outage.end(&loss(Retry::AfterLogin), &timing), Some(Ended::LoggedOut(..))));
        assert_eq!(outage.spent, Duration::ZERO);

        let mut outage = Outage::new(start);
        outage.count(start + timing.budget, timing.budget, Retry::Later);
        assert!(matches!(outage.end(&loss(Retry::Later), &timing), Some(Ended::ServiceUnreachable(..))));
        assert!(matches!(Outage::new(start).end(&loss(Retry::Never), &timing), Some(Ended::Gone(_))));
    }
}
