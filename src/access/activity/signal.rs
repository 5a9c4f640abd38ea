//! Asking another session to end its statement or itself, and looking whether it did. It must not ask whether to.

use super::queries::whose;
use super::{gather, rows};
use crate::access::Session;
use crate::model::activity::Signal;
use crate::model::completion::{identifier, literal};
use crate::model::{Diagnosis, Kind};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long the other session may take before it is said that it has not ended yet.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between looks.
const STEP: Duration = Duration::from_millis(100);
/// `insufficient_privilege` (PostgreSQL documentation, appendix A).
const PRIVILEGE: &str = "42501";

/// Signals the session of that process id that began then; says in words what came of it.
pub(super) async fn send(session: &mut Session, pid: i32, began: &str, signal: Signal) -> Result<String, Diagnosis> {
    let whose = whose(pid, &literal(began));
    let before = state(session, &whose).await?;
    let Some(before) = before else { return Ok(format!("session {pid} had ended already")) };
    if signal == Signal::Cancel && !before.0.starts_with("active") {
        return Ok(format!("session {pid} runs no statement any more; nothing was cancelled"));
    }
    let function = match signal {
        Signal::Cancel => "pg_cancel_backend",
        Signal::Terminate => "pg_terminate_backend",
    };
    let text = format!("select pg_catalog.{function}(a.pid) from pg_catalog.pg_stat_activity a where {whose}");
    // This one stands in the audit.
    let sent = match gather(session.run(&text)).await {
        Err(diagnosis) if diagnosis.code.as_deref() == Some(PRIVILEGE) => {
            return Err(refused(session, pid, signal, diagnosis));
        }
        other => other?,
    };
    if sent.first().and_then(|rows| rows.first()).and_then(|row| row.first().cloned().flatten()).as_deref() != Some("t")
    {
        return Ok(format!("session {pid} had ended already"));
    }
    let begun = Instant::now();
    loop {
        let now = state(session, &whose).await?;
        match (signal, now) {
            (Signal::Terminate, None) => return Ok(format!("session {pid} has ended")),
            (Signal::Cancel, None) => return Ok(format!("session {pid} has ended by itself")),
            // Another statement, or none.
            (Signal::Cancel, Some(now)) if now != before => {
                return Ok(format!("the statement of session {pid} was cancelled"));
            }
            _ if begun.elapsed() >= PATIENCE => {
                let what = if signal == Signal::Cancel { "its statement runs on" } else { "it is still there" };
                return Ok(format!(
                    "session {pid} was asked to end, but {what} after {} s; it may be cleaning up",
                    PATIENCE.as_secs()
                ));
            }
            _ => sleep(STEP).await,
        }
    }
}

/// State, and when its statement began; `None` when the session has ended.
async fn state(session: &mut Session, whose: &str) -> Result<Option<(String, String)>, Diagnosis> {
    let text = format!(
        "select coalesce(a.state, 'active'), coalesce(a.query_start::text, '') \
         from pg_catalog.pg_stat_activity a where {whose}"
    );
    let found = rows(session, &text).await?;
    let row = found.into_iter().next().unwrap_or_default().into_iter().next();
    Ok(row.map(|row| {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
    }))
}

/// What is missing, and how it is had.
fn refused(session: &Session, pid: i32, signal: Signal, diagnosis: Diagnosis) -> Diagnosis {
    let user = &session.target().user;
    Diagnosis::new(Kind::Sql, format!("{user} may not {} session {pid}", signal.verb()))
        .because(diagnosis.title)
        .advise("Connect as the role of that session, or as a member of it")
        .advise_paste(
            "Let it signal sessions of every role that is no superuser",
            format!("GRANT pg_signal_backend TO {};", identifier(user)),
        )
        .advise("Sessions of a superuser (rdsadmin on RDS) can be ended by a superuser only")
}
