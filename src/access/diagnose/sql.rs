//! What the server said of a statement, and what a lost wire means for one. It must not guess at outcomes.

use super::because_lines;
use crate::db::{Error, ServerError};
use crate::model::{Diagnosis, Endpoint, EndpointRole, Kind, ServerWords, visible};

/// The server's words, whole: message, detail, context, hint, place.
pub(in crate::access) fn server(error: &ServerError, kind: Kind) -> Diagnosis {
    let mut diagnosis = Diagnosis::new(kind, visible(&error.message));
    diagnosis.code = Some(visible(&error.code).into_owned()).filter(|code| !code.is_empty());
    diagnosis.at = error.position;
    diagnosis.server = Some(Box::new(ServerWords {
        severity: visible(&error.severity).into_owned(),
        detail: error.detail.as_deref().map(lines),
        hint: error.hint.as_deref().map(lines),
        context: error.context.as_deref().map(lines),
        object: error.object.as_deref().map(lines),
    }));
    diagnosis
}

/// Lines stay lines; everything else is made visible.
fn lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

/// An error of a statement. SQLSTATEs: PostgreSQL, Appendix A.
pub(in crate::access) fn statement(
    error: &ServerError,
    endpoint: &Endpoint,
    read_only: bool,
    standby: bool,
) -> Diagnosis {
    let lower = error.message.to_ascii_lowercase();
    match error.code.as_str() {
        "57014" if lower.contains("timeout") => server(error, Kind::Sql)
            .advise("Raise statement_timeout for this session, or in the settings")
            .advise_paste("For this session", "SET statement_timeout = '10min';"),
        "57014" => server(error, Kind::Cancelled),
        "25006" if standby || endpoint.role == EndpointRole::Reader => server(error, Kind::Sql)
            .because(format!("{} leads to a reader", endpoint.host))
            .advise("Connect to the writer's endpoint"),
        "25006" if read_only => server(error, Kind::Sql)
            .because("this session was opened read-only, and the server holds it to that")
            .advise(Diagnosis::ALLOW_WRITES),
        _ => server(error, Kind::Sql),
    }
}

/// The server ended the session while a statement ran (an administrator, a shutdown, a crash of another backend). A
/// statement outside of a transaction may have committed before, in parts too (CALL, CREATE INDEX CONCURRENTLY).
pub(in crate::access) fn session_ended(error: &ServerError, rolled_back: bool) -> Diagnosis {
    let diagnosis = server(error, Kind::Sql);
    match rolled_back {
        true => diagnosis
            .because("the server ended the session: the open transaction was rolled back")
            .advise("Begin it again: the next statement opens a new session"),
        false => diagnosis
            .because("the server ended the session: the statement may or may not have run")
            .advise("Look at the data before running it again: gatepost never sends a statement twice by itself"),
    }
}

/// The wire broke while a statement ran outside a transaction: nobody here can know whether it was done.
pub(in crate::access) fn outcome_unknown(error: &Error, tunnel: Option<&Diagnosis>) -> Diagnosis {
    with_tunnel(
        Diagnosis::new(
            Kind::OutcomeUnknown,
            "The connection broke while the statement ran: whether it was done is not known",
        ),
        error,
        tunnel,
    )
    .advise("Look at the data before running it again: gatepost never sends a statement twice by itself")
}

/// The wire broke in a transaction: the server rolls it back.
pub(in crate::access) fn transaction_lost(error: Option<&Error>, tunnel: Option<&Diagnosis>) -> Diagnosis {
    let diagnosis =
        Diagnosis::new(Kind::TransactionLost, "The connection broke in an open transaction: it was rolled back");
    let diagnosis = match error {
        Some(error) => with_tunnel(diagnosis, error, tunnel),
        None => because_tunnel(diagnosis, tunnel),
    };
    diagnosis
        .because("temporary tables, settings, prepared statements and advisory locks of the session are gone with it")
        .advise("Begin it again: the next statement opens a new session")
}

fn with_tunnel(diagnosis: Diagnosis, error: &Error, tunnel: Option<&Diagnosis>) -> Diagnosis {
    because_tunnel(because_lines(diagnosis, &words(error)), tunnel)
}

fn because_tunnel(mut diagnosis: Diagnosis, tunnel: Option<&Diagnosis>) -> Diagnosis {
    if let Some(tunnel) = tunnel {
        diagnosis = diagnosis.because(tunnel.title.clone());
        diagnosis.because.extend(tunnel.because.iter().cloned());
        // What mends the tunnel is worth pasting; "connect again" is said by what happened to the statement.
        diagnosis.advice.extend(tunnel.advice.iter().filter(|advice| advice.paste.is_some()).cloned());
    }
    diagnosis
}

/// An error with what lies below it, on one line.
pub(in crate::access) fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        below = error.source();
    }
    text
}
