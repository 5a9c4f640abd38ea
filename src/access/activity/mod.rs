//! Looking at what a server is doing, on a session of its own: read-only, named in `application_name`, with small
//! timeouts. When the connection is lost that is told, and another is made later and later. It must not know the screen,
//! nor the sessions that run people's statements.

mod queries;
mod reading;
mod signal;

use super::{Access, Running, Session, Wish};
use crate::model::activity::{Detail, Signal, Snapshot};
use crate::model::completion::literal;
use crate::model::{Diagnosis, Happening};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

/// How long the server may take for one look.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between tries to connect again, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

/// What is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Look now.
    Look,
    /// Look so often from now on; `None`: only when asked.
    Pace(Option<Duration>),
    /// All that is known of a session.
    Detail {
        /// Process id.
        pid: i32,
        /// When it began, as [`Backend::began`](crate::model::activity::Backend::began).
        began: String,
    },
    /// Signal a session.
    Signal {
        /// Process id.
        pid: i32,
        /// When it began: the process id may be another's by now.
        began: String,
        /// What it is to do.
        signal: Signal,
    },
}

/// What it tells.
#[derive(Clone, Debug)]
pub enum News {
    /// A moment.
    Looked(Snapshot),
    /// A session; `None` when it has ended.
    Detail(i32, Option<Box<Detail>>),
    /// What came of a signal, looked after.
    Signalled(i32, Result<String, Diagnosis>),
    /// The server could not be asked; it is tried again after that time.
    Lost(Diagnosis, Duration),
}

impl Access {
    /// Looks at the wish's server every `pace`, and does what is asked meanwhile, until nobody can ask any more. The
    /// session is closed before this returns.
    pub async fn activity(
        &self,
        wish: &Wish,
        mut pace: Option<Duration>,
        mut asks: UnboundedReceiver<Ask>,
        tell: impl Fn(News) + Send,
    ) {
        let wish = Wish { read_only: true, ..wish.clone() };
        let mut session: Option<Session> = None;
        let mut retry = RETRY.0;
        let mut due = Some(Instant::now());
        loop {
            let ask = tokio::select! {
                biased;
                ask = asks.recv() => match ask {
                    Some(ask) => ask,
                    None => break,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Ask::Look,
            };
            if let Ask::Pace(wanted) = ask {
                pace = wanted;
                due = pace.map(|pace| Instant::now() + pace);
                continue;
            }
            // Whoever leaves while it is asked does not wait for the answer.
            let answer = tokio::select! {
                biased;
                () = closed(&asks) => break,
                answer = Box::pin(self.answer(&wish, &mut session, &ask)) => answer,
            };
            match answer {
                Ok(news) => {
                    retry = RETRY.0;
                    tell(news);
                    due = pace.map(|pace| Instant::now() + pace);
                }
                Err(diagnosis) => {
                    session = None;
                    tell(News::Lost(diagnosis, retry));
                    due = Some(Instant::now() + retry);
                    retry = (retry * 2).min(RETRY.1);
                }
            }
        }
        if let Some(session) = session {
            session.close().await;
        }
    }

    async fn answer(&self, wish: &Wish, kept: &mut Option<Session>, ask: &Ask) -> Result<News, Diagnosis> {
        let session = match kept {
            Some(session) => session,
            None => {
                let mut session = self.connect(wish, None).await?;
                let name = literal(&format!("gatepost activity ({})", self.settings().os_user));
                let settings = format!(
                    "set application_name = {name}; set statement_timeout = {}; set lock_timeout = 1000; \
                     set idle_in_transaction_session_timeout = 10000",
                    PATIENCE.as_millis()
                );
                rows(&mut session, &settings).await?;
                kept.insert(session)
            }
        };
        match ask {
            Ask::Look | Ask::Pace(_) => reading::look(session).await.map(News::Looked),
            Ask::Detail { pid, began } => {
                reading::detail(session, *pid, began).await.map(|detail| News::Detail(*pid, detail.map(Box::new)))
            }
            Ask::Signal { pid, began, signal } => match signal::send(session, *pid, began, *signal).await {
                Ok(words) => Ok(News::Signalled(*pid, Ok(words))),
                // The server has said no; the connection is as good as before.
                Err(diagnosis) if !session.is_away() => Ok(News::Signalled(*pid, Err(diagnosis))),
                Err(diagnosis) => Err(diagnosis),
            },
        }
    }
}

/// Until nobody can ask any more.
async fn closed(asks: &UnboundedReceiver<Ask>) {
    while !asks.is_closed() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Rows as texts; NULL is `None`.
type Rows = Vec<Vec<Option<String>>>;

/// Runs a text of one or more statements that only look, without a line in the audit, which would have one every two
/// seconds; gives the rows of each that has any columns.
async fn rows(session: &mut Session, text: &str) -> Result<Vec<Rows>, Diagnosis> {
    gather(session.run(text).unnoted()).await
}

async fn gather(mut running: Running<'_>) -> Result<Vec<Rows>, Diagnosis> {
    let mut found: Vec<Rows> = Vec::new();
    while let Some(happening) = running.next().await {
        match happening? {
            Happening::Columns(_) => found.push(Vec::new()),
            Happening::Rows(page) => {
                if let Some(rows) = found.last_mut() {
                    rows.extend(
                        (0..page.rows()).map(|row| page.row(row).map(|cell| cell.map(str::to_owned)).collect()),
                    );
                }
            }
            _ => {}
        }
    }
    Ok(found)
}
