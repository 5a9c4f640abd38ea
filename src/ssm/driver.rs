//! The task behind a tunnel: moves frames and timers between the [`super::session::Session`] and real web sockets,
//! dials again when one is lost, and terminates the session at the end.
//!
//! Any loss of a web socket, also a clean close with 1000 (the service does that about once an hour), is a reconnect
//! unless `channel_closed` was seen. Retries go on for minutes with full jitter: a closed laptop lid must survive.

use super::dial;
use super::outage::{Loss, Outage, reconnect};
use super::session::Failure;
use super::shared::Shared;
use super::socket::{End, serve};
use super::timing::Timing;
use super::{Account, Ended, Error, Grant, Health, Network, Retry};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A web socket that lived so long was a good one, whoever was heard on it.
const GOOD_LIFE: Duration = Duration::from_secs(10);

/// Runs a tunnel to its end.
pub async fn run(shared: Arc<Shared>, account: Arc<dyn Account>, network: Network, grant: Grant, timing: Timing) {
    let error = drive(&shared, &*account, &network, grant, &timing).await;
    let opening = shared.lock().session.opened().is_none();
    let ended = match &error {
        Error::Ended(ended) => ended.clone(),
        other => Ended::Protocol(other.to_string()),
    };
    tracing::debug!(?ended, "the tunnel ends");
    shared.lock().session.end(ended.clone());
    shared.health.send_replace(Health::Closed(ended.clone()));
    // What AWS has ended itself needs no call; anything else must not be left open in the account. A session that cannot
    // be resumed may still stand there: ResumeSession may only have been denied.
    let over_already = !opening && matches!(ended, Ended::ByService(_));
    if !over_already && let Err(refusal) = timing.call(account.terminate(&shared.session_id)).await {
        tracing::warn!(reason = refusal.reason, "the session could not be terminated");
    }
    shared.tell_opener(Err(error));
    shared.done.send_replace(true);
}

/// Serves one web socket after another; gives the reason of the end.
async fn drive(shared: &Shared, account: &dyn Account, network: &Network, mut grant: Grant, timing: &Timing) -> Error {
    let mut close = shared.close.subscribe();
    let mut outage: Option<Outage> = None;
    loop {
        let dialled = tokio::select! {
            dialled = dial::dial(&grant.stream_url, account, network) => dialled,
            _ = close.wait_for(|close| *close) => return Error::Ended(Ended::ByUs),
        };
        let loss = match dialled {
            Ok(socket) => {
                tracing::debug!("the web socket is open");
                shared.with(|session| session.connected(&grant.token, Instant::now()));
                if outage.is_some() {
                    shared.lock().resumes += 1;
                }
                let since = Instant::now();
                let (end, heard_agent) = serve(shared, socket, close.clone(), timing).await;
                shared.lock().session.disconnected();
                // A service that takes the web socket and closes it at once is not asked faster and faster.
                if heard_agent || since.elapsed() >= GOOD_LIFE {
                    outage = None;
                }
                match end {
                    End::Asked => return Error::Ended(Ended::ByUs),
                    // The agent may close the channel before it acknowledges that it was asked to.
                    End::Over if *close.borrow() => return Error::Ended(Ended::ByUs),
                    End::Over => return failure(shared),
                    End::Cut(reason) => Loss { reason, retry: Retry::Later },
                }
            }
            Err(undialled) if shared.lock().session.opened().is_none() => return undialled.error,
            Err(undialled) => Loss { reason: undialled.error.to_string(), retry: undialled.retry },
        };
        let attempt = timing.most_backoff + timing.most_call + network.timeout + GOOD_LIFE;
        match reconnect(shared, account, timing, attempt, &mut close, &mut outage, loss).await {
            Ok(next) => {
                let stream_url = if next.stream_url.is_empty() { grant.stream_url } else { next.stream_url };
                grant = Grant { stream_url, ..next };
            }
            Err(error) => return error,
        }
    }
}

fn failure(shared: &Shared) -> Error {
    let failure = shared.lock().session.failure().cloned();
    failure.map_or(Error::Ended(Ended::ByUs), |failure: Failure| failure.into())
}
