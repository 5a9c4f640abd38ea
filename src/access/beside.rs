//! A second, short-lived session of the same role by the same way, for looking at the first one from outside or acting
//! on it. It must not touch the session's own wire, and stands on no one's way: where the role may have no second
//! connection, that is an error for the caller to tell or to pass over.

use super::line::Line;
use super::walk::Walk;
use super::{Access, refusal};
use crate::db;
use crate::model::{Diagnosis, Happening, Kind, Target};
use std::future::Future;
use std::time::Duration;

/// What the steps of its opening may take together, beyond the limit of one of them.
const GRACE: Duration = Duration::from_secs(10);

/// It ends when it is dropped.
pub(super) struct Beside {
    /// Before `line`, for its wire must go first.
    session: db::Session,
    line: Line,
    target: Target,
    /// What one look may take.
    limit: Duration,
}

impl Beside {
    /// Over that line while it can be opened, to the server that it leads to; else by the target's route, to any.
    pub(super) async fn open(access: &Access, target: &Target, line: &Line) -> Result<Beside, Diagnosis> {
        let limit = access.settings().connect_timeout;
        let walk = Walk::new(None, limit);
        // Each step has its limit; all of them together have one, too: somebody waits.
        let late = format!("{} did not let a second session in", target.endpoint.owner);
        let arriving = async {
            match line.is_alive() {
                true => access.arrive_over(target, line.clone(), &walk).await,
                false => access.arrive(target, &walk).await,
            }
        };
        let arrived = within(limit + GRACE, &late, Box::pin(arriving)).await?;
        Ok(Beside { session: arrived.session, line: arrived.line, target: target.clone(), limit })
    }

    /// One that stands already; `limit`: what one look may take.
    pub(super) fn of(session: db::Session, line: Line, target: Target, limit: Duration) -> Beside {
        Beside { session, line, target, limit }
    }

    /// The rows of a query, NULL as the empty string. It has a limit: whoever looks from beside is waited for. After one
    /// that was reached nothing more is to be had from this session.
    pub(super) async fn rows(&mut self, sql: &str) -> Result<Vec<Vec<String>>, Diagnosis> {
        let late = format!("{} did not answer a second session", self.target.endpoint.owner);
        within(self.limit, &late, self.gather(sql)).await
    }

    async fn gather(&mut self, sql: &str) -> Result<Vec<Vec<String>>, Diagnosis> {
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

/// What is asked of a second session, or that it came too `late`.
async fn within<T>(
    limit: Duration,
    late: &str,
    asked: impl Future<Output = Result<T, Diagnosis>>,
) -> Result<T, Diagnosis> {
    tokio::time::timeout(limit, asked).await.unwrap_or_else(|_| {
        let title = format!("{late} within {} s", limit.as_secs());
        Err(Diagnosis::new(Kind::ServerBusy, title)
            .advise("Try again; on a slow network, with a longer connect_timeout in the settings"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_look_has_an_end() {
        let limit = Duration::from_secs(1);
        let said = within(limit, "orders-prod did not answer", std::future::pending::<Result<(), Diagnosis>>()).await;
        let said = said.expect_err("nobody answers");
        assert_eq!(said.title, "orders-prod did not answer within 1 s");
        assert_eq!(within(limit, "orders-prod did not answer", async { Ok(7) }).await.ok(), Some(7));
    }
}
