//! Stopping a backend that did not heed a CancelRequest, from a second session: `pg_cancel_backend`, then
//! `pg_terminate_backend` (PostgreSQL, Server Signaling Functions), and what `pg_stat_activity` says of it afterwards.
//! It must not decide when; a person does.

use super::beside::Beside;
use super::canceller::Canceller;
use crate::model::Diagnosis;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long the backend is watched after `pg_cancel_backend`.
const CANCELLED: Duration = Duration::from_secs(3);
/// And after `pg_terminate_backend`: a busy machine takes its time to end a process.
const TERMINATED: Duration = Duration::from_secs(15);
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
    /// No backend of this process id is this role's: something between here and the server has other ones.
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
        let Some(pid) = self.pid() else { return Ok(Some(Pressed::Gone)) };
        let begun = Instant::now();
        let beside = tokio::select! {
            biased;
            () = over => return Ok(None),
            beside = Beside::open(self.access(), self.target()) => beside,
        };
        let answer = match beside {
            Ok(beside) => pressed(beside, means, pid).await,
            Err(diagnosis) => Err(diagnosis),
        };
        self.note(&answer.as_ref().err().map_or_else(|| means.function().to_owned(), super::refusal::outcome), begun);
        answer.map(Some)
    }
}

async fn pressed(mut beside: Beside, means: Means, pid: i32) -> Result<Pressed, Diagnosis> {
    let function = means.function();
    let signal =
        format!("select {function}(pid) from pg_catalog.pg_stat_activity where pid = {pid} and usename = current_user");
    if beside.rows(&signal).await?.is_empty() {
        beside.close().await;
        return Ok(Pressed::Unknown);
    }
    let look = format!("select state from pg_catalog.pg_stat_activity where pid = {pid}");
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
