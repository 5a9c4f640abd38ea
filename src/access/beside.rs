//! A second, short-lived session of the same role by the same way, for looking at the first one from outside or acting
//! on it. It must not touch the session's own wire, and stands on no one's way: where the role may have no second
//! connection, that is an error for the caller to tell or to pass over.

use super::line::Line;
use super::walk::Walk;
use super::{Access, refusal};
use crate::db;
use crate::model::{Diagnosis, Happening, Target};

/// It ends when it is dropped.
pub(super) struct Beside {
    /// Before `line`, for its wire must go first.
    session: db::Session,
    line: Line,
    target: Target,
}

impl Beside {
    pub(super) async fn open(access: &Access, target: &Target) -> Result<Beside, Diagnosis> {
        let walk = Walk::new(None, access.settings().connect_timeout);
        let arrived = Box::pin(access.arrive(target, &walk)).await?;
        Ok(Beside { session: arrived.session, line: arrived.line, target: target.clone() })
    }

    /// One that stands already.
    pub(super) fn of(session: db::Session, line: Line, target: Target) -> Beside {
        Beside { session, line, target }
    }

    /// The rows of a query, NULL as the empty string.
    pub(super) async fn rows(&mut self, sql: &str) -> Result<Vec<Vec<String>>, Diagnosis> {
        let mut rows = Vec::new();
        let mut failed = None;
        let mut running = self.session.run(sql);
        while let Some(happening) = running.next().await {
            match happening {
                Ok(Happening::Rows(page)) => {
                    let texts = |row| page.row(row).map(|cell| cell.unwrap_or_default().to_owned()).collect();
                    rows.extend((0..page.rows()).map(texts));
                }
                Ok(_) => {}
                Err(error) => failed = Some(error),
            }
        }
        drop(running);
        match failed {
            None => Ok(rows),
            Some(error) => Err(refusal::of_statement(&error, &self.target, false, false, false, &self.line)),
        }
    }

    pub(super) async fn close(self) {
        self.session.close().await;
    }
}
