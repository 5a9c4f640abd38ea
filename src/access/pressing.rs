//! Stopping a backend that did not heed a CancelRequest, from a second session: `pg_cancel_backend`, then
//! `pg_terminate_backend` (PostgreSQL, Server Signaling Functions), and what `pg_stat_activity` says of it afterwards.
//! It must not decide when; a person does.

use super::beside::Beside;
use super::canceller::Canceller;
use crate::model::Diagnosis;
use crate::model::completion::literal;
use std::future::Future;
use std::ops::Range;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};

/// How long the backend is watched after `pg_cancel_backend`.
const CANCELLED: Duration = Duration::from_secs(3);
/// And after `pg_terminate_backend`: a busy machine takes its time to end a process.
const TERMINATED: Duration = Duration::from_secs(15);
/// Clocks that are set right drift no further from one another meanwhile.
const SLACK: Duration = Duration::from_secs(2);
/// How often.
const LOOKED: Duration = Duration::from_millis(100);

/// How a backend is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// `pg_cancel_backend`: the statement.
    Cancel,
    /// `pg_terminate_backend`: the session with its transaction.
    Terminate,
}

impl Means {
    fn watched(self) -> Duration {
        match self {
            Means::Cancel => CANCELLED,
            Means::Terminate => TERMINATED,
        }
    }

    /// The function's name.
    pub fn function(self) -> &'static str {
        match self {
            Means::Cancel => "pg_cancel_backend",
            Means::Terminate => "pg_terminate_backend",
        }
    }
}

/// What `pg_stat_activity` says after the backend was signalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// There is no such backend any more.
    Gone,
    /// It lives and runs nothing: its state.
    Stopped(String),
    /// It was still running when it had been watched for long enough.
    Runs,
    /// No backend of this process id is this role's and began with this session: something between here and the server has
    /// other ones, or the name leads to another server by now.
    Unknown,
}

impl Canceller {
    /// Signals the session's backend from a second session and looks what comes of it, unless `over` comes before the
    /// signal: then nothing is sent, and there is nothing to tell.
    pub async fn press_unless(
        &self,
        means: Means,
        over: impl Future<Output = ()>,
    ) -> Result<Option<Pressed>, Diagnosis> {
        let Some((pid, born, line)) = self.backend() else { return Ok(Some(Pressed::Gone)) };
        let begun = Instant::now();
        let beside = tokio::select! {
            biased;
            () = over => return Ok(None),
            beside = Beside::open(self.access(), self.target(), &line) => beside,
        };
        let answer = match beside {
            Ok(beside) => pressed(beside, means, pid, &born).await,
            Err(diagnosis) => Err(diagnosis),
        };
        self.note(&answer.as_ref().err().map_or_else(|| means.function().to_owned(), super::refusal::outcome), begun);
        answer.map(Some)
    }
}

async fn pressed(mut beside: Beside, means: Means, pid: i32, born: &Range<SystemTime>) -> Result<Pressed, Diagnosis> {
    let function = means.function();
    let backend = format!("pg_catalog.pg_stat_activity where pid = {pid} and usename = current_user");
    // What comes to the same session first: the age by the server's clock, between two looks at ours.
    let ages = format!("select extract(epoch from clock_timestamp() - backend_start), backend_start from {backend}");
    let before = SystemTime::now();
    let found = beside.rows(&ages).await?.pop();
    let looked = before..SystemTime::now();
    let began = found.filter(|row| is_as_old(&row[0], born, &looked)).map(|mut row| row.swap_remove(1));
    let Some(began) = began else {
        beside.close().await;
        return Ok(Pressed::Unknown);
    };
    // Another backend may have the number by now.
    let same = format!("{backend} and backend_start = {}", literal(&began));
    if beside.rows(&format!("select {function}(pid) from {same}")).await?.is_empty() {
        beside.close().await;
        return Ok(Pressed::Gone);
    }
    let look = format!("select state from {same}");
    let until = Instant::now() + means.watched();
    let seen = loop {
        match beside.rows(&look).await?.pop().and_then(|mut row| row.pop()) {
            None => break Pressed::Gone,
            Some(state) if state != "active" && means == Means::Cancel => break Pressed::Stopped(state),
            Some(_) if Instant::now() >= until => break Pressed::Runs,
            Some(_) => sleep(LOOKED).await,
        }
    };
    beside.close().await;
    Ok(seen)
}

/// Whether a backend that was `age` seconds old, as it was `looked` at, began within `born`. Durations are compared, not
/// times: the server's clock may be another one.
fn is_as_old(age: &str, born: &Range<SystemTime>, looked: &Range<SystemTime>) -> bool {
    let Ok(age) = age.parse::<f64>() else { return false };
    let between = |from: SystemTime, to: SystemTime| to.duration_since(from).unwrap_or_default().as_secs_f64();
    let slack = SLACK.as_secs_f64();
    (between(born.end, looked.start) - slack..=between(born.start, looked.end) + slack).contains(&age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_known_by_its_age() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let (born, looked) = (at(1_000)..at(1_003), at(2_000)..at(2_001));
        // It began in the login's three seconds, and was looked at for one.
        for (age, ours) in [("997.0", true), ("1001", true), ("995.5", true), ("994.9", false), ("1003.1", false)] {
            assert_eq!(is_as_old(age, &born, &looked), ours, "{age}");
        }
        assert!(!is_as_old("", &born, &looked) && !is_as_old("NaN", &born, &looked));
        // Our clock was set back behind the login.
        assert!(is_as_old("0.5", &born, &(at(900)..at(901))) && !is_as_old("60", &born, &(at(900)..at(901))));
    }
}
