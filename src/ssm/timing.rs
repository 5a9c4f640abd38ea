//! The times of a tunnel's driver, which a test of what takes minutes makes shorter.

use super::{Answer, Refusal, Retry};
use std::time::Duration;

/// The driver's times.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Between web socket pings: below the 60 s at which proxies and NATs forget.
    pub ping: Duration,
    /// Nothing heard so long after a ping was due: the web socket is dead.
    pub pong: Duration,
    /// The first wait between dials is up to this; it doubles.
    pub backoff: Duration,
    /// And grows to at most this.
    pub most_backoff: Duration,
    /// So long the service may be out of reach.
    pub budget: Duration,
    /// So long somebody may take to log in to AWS again, which a session waits for: the next morning is too late.
    pub login: Duration,
    /// For one API call.
    pub most_call: Duration,
    /// For the acknowledgement of the terminate flag.
    pub farewell: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(25),
            pong: Duration::from_secs(15),
            backoff: Duration::from_millis(200),
            most_backoff: Duration::from_secs(10),
            budget: Duration::from_secs(15 * 60),
            login: Duration::from_secs(12 * 3600),
            most_call: Duration::from_secs(20),
            farewell: Duration::from_millis(500),
        }
    }
}

impl Timing {
    /// An API call with an end.
    pub async fn call<T>(&self, answer: Answer<'_, T>) -> Result<T, Refusal> {
        let most = self.most_call;
        let late = |_| Err(Refusal { reason: format!("AWS did not answer within {most:?}"), retry: Retry::Later });
        tokio::time::timeout(most, answer).await.unwrap_or_else(late)
    }
}
