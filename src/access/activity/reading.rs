//! From rows to a [`Snapshot`] and a [`Detail`]. It must not know when they are asked for.

use super::queries::{self, FIELDS, LOOK};
use super::rows;
use crate::access::{Session, guard};
use crate::model::Diagnosis;
use crate::model::activity::{Backend, Detail, Lock, Prepared, Snapshot};
use crate::model::completion::literal;
use std::time::Duration;

/// As PostgreSQL says that a statement may not be seen.
const HIDDEN: &str = "<insufficient privilege>";

/// A cell of a row, empty where there is none.
fn cell(row: &[Option<String>], at: usize) -> &str {
    row.get(at).and_then(Option::as_deref).unwrap_or_default()
}

fn age(row: &[Option<String>], at: usize) -> Option<Duration> {
    // What has begun after this look began has a negative age.
    Some(Duration::from_micros(u64::try_from(cell(row, at).parse::<i64>().ok()?.max(0)).ok()?))
}

/// One look.
pub(super) async fn look(session: &mut Session) -> Result<Snapshot, Diagnosis> {
    let mut results = rows(session, LOOK).await?.into_iter();
    let backends = results.next().unwrap_or_default();
    let prepared = results.next().unwrap_or_default();
    let backend = |row: &Vec<Option<String>>| {
        let wait = match (cell(row, 8), cell(row, 9)) {
            ("", _) => String::new(),
            (of, what) => format!("{of}:{what}"),
        };
        // A parallel query has its blockers once for each of its processes.
        let mut blocked_by: Vec<i32> = cell(row, 13).split(',').filter_map(|pid| pid.parse().ok()).collect();
        blocked_by.sort_unstable();
        blocked_by.dedup();
        let hidden = cell(row, 14) == HIDDEN;
        Backend {
            pid: cell(row, 0).parse().unwrap_or(0),
            began: cell(row, 1).to_owned(),
            user: cell(row, 2).to_owned(),
            database: cell(row, 3).to_owned(),
            application: cell(row, 4).to_owned(),
            client: cell(row, 5).to_owned(),
            kind: cell(row, 6).to_owned(),
            state: cell(row, 7).to_owned(),
            // What a session waits for between statements is its client: that is its state, not a wait.
            wait: if wait == "Client:ClientRead" { String::new() } else { wait },
            transaction: age(row, 10),
            statement: age(row, 11),
            since: age(row, 12),
            blocked_by,
            // Lists have little room: without what is ours. In full it is shown with the session closely.
            query: if hidden { String::new() } else { guard::typed(cell(row, 14)).to_owned() },
            own: cell(row, 15) == "t",
            hidden,
        }
    };
    Ok(Snapshot {
        backends: backends.iter().map(backend).collect(),
        prepared: prepared
            .iter()
            .map(|row| Prepared {
                name: cell(row, 0).to_owned(),
                user: cell(row, 1).to_owned(),
                database: cell(row, 2).to_owned(),
                age: age(row, 3).unwrap_or_default(),
            })
            .collect(),
    })
}

/// All of one session; `None` when it has ended.
pub(super) async fn detail(session: &mut Session, pid: i32, began: &str) -> Result<Option<Detail>, Diagnosis> {
    let mut results = rows(session, &queries::detail(pid, &literal(began))).await?.into_iter();
    let Some(row) = results.next().unwrap_or_default().into_iter().next() else { return Ok(None) };
    let locks = results.next().unwrap_or_default();
    Ok(Some(Detail {
        pid,
        began: began.to_owned(),
        query: cell(&row, 0).to_owned(),
        fields: FIELDS
            .iter()
            .enumerate()
            .map(|(at, name)| ((*name).to_owned(), cell(&row, at + 1).to_owned()))
            .filter(|(_, value)| !value.is_empty())
            .collect(),
        locks: locks
            .iter()
            .map(|row| Lock {
                kind: cell(row, 0).to_owned(),
                object: cell(row, 1).to_owned(),
                mode: cell(row, 2).to_owned(),
                granted: cell(row, 3) == "t",
            })
            .collect(),
    }))
}
