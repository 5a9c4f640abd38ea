//! The task behind a tunnel: moves frames and timers between the [`super::session::Session`] and real web sockets,
//! dials again when one is lost, and terminates the session at the end.
//!
//! Any loss of a web socket, also a clean close with 1000 (the service does that about once an hour), is a reconnect
//! unless `channel_closed` was seen. Retries go on for minutes with full jitter: a closed laptop lid must survive.

use super::channel::Frame;
use super::dial::{self, Socket};
use super::session::Failure;
use super::shared::Shared;
use super::{Account, Ended, Error, Grant, Health, Network, Refusal};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream::SplitSink, stream::SplitStream};
use rand::RngExt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message as WebSocketMessage;

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
    /// For one API call.
    pub call: Duration,
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
            call: Duration::from_secs(20),
            farewell: Duration::from_millis(500),
        }
    }
}

/// Losses during the opening after which it is given up: a token that is not taken shows as an immediate close.
const OPENING_LOSSES: u32 = 3;

/// A timer that rings so much too late belongs to a machine that slept.
const SLEPT: Duration = Duration::from_secs(5);
/// A web socket that lived so long was a good one, whoever was heard on it.
const GOOD_LIFE: Duration = Duration::from_secs(10);
/// So many frames are read before the writer gets its turn.
const READ_TURN: u32 = 32;
/// The most that may be on its way to the files of stalled streams: beyond it the disk is slower than the agent (by far
/// none is), and memory is only bounded if the web socket waits.
pub const SPOOLING: usize = 8 << 20;
/// How often it looks whether the disk has caught up.
const SPOOL_LOOK: Duration = Duration::from_millis(5);

/// How a web socket's service came to its end.
enum End {
    /// The web socket is lost.
    Cut(String),
    /// The session is over.
    Over,
    /// We were asked to close.
    Asked,
}

/// A run of losses without a sign of life between them.
struct Outage {
    /// What it has taken of the budget, up to `counted`.
    spent: Duration,
    counted: Instant,
    since_clock: SystemTime,
    attempts: u32,
    reason: String,
}

impl Outage {
    fn new(now: Instant) -> Self {
        Self { spent: Duration::ZERO, counted: now, since_clock: SystemTime::now(), attempts: 0, reason: String::new() }
    }

    /// Counts the time since it was counted last; at most what one attempt can take, for in the rest of it the machine
    /// slept and nothing was tried.
    fn count(&mut self, now: Instant, most: Duration) {
        self.spent += now.saturating_duration_since(self.counted).min(most);
        self.counted = now;
    }
}

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
    if !over_already && let Err(refusal) = call(&timing, account.terminate(&shared.session_id)).await {
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
        let reason = match dialled {
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
                    End::Over => return failure(shared),
                    End::Cut(reason) => reason,
                }
            }
            Err(undialled) if shared.lock().session.opened().is_none() => return undialled.error,
            Err(undialled) if !undialled.retry => return Error::Ended(Ended::Gone(undialled.error.to_string())),
            Err(undialled) => undialled.error.to_string(),
        };
        let attempt = timing.most_backoff + timing.call + network.timeout + GOOD_LIFE;
        match reconnect(shared, account, timing, attempt, &mut close, &mut outage, reason).await {
            Ok(next) => {
                let stream_url = if next.stream_url.is_empty() { grant.stream_url } else { next.stream_url };
                grant = Grant { stream_url, ..next };
            }
            Err(error) => return error,
        }
    }
}

/// Waits its turn and gets a fresh grant; on and on while there is budget. `attempt`: the longest that one can take.
async fn reconnect(
    shared: &Shared,
    account: &dyn Account,
    timing: &Timing,
    attempt: Duration,
    close: &mut watch::Receiver<bool>,
    outage: &mut Option<Outage>,
    mut reason: String,
) -> Result<Grant, Error> {
    loop {
        tracing::debug!(reason, "the web socket is lost");
        let outage = outage.get_or_insert_with(|| Outage::new(Instant::now()));
        outage.count(Instant::now(), attempt);
        outage.reason.clone_from(&reason);
        let opening = shared.lock().session.opened().is_none();
        if opening && outage.attempts >= OPENING_LOSSES {
            return Err(Error::Dial(format!("the service closes it at once: {reason}")));
        }
        if outage.spent >= timing.budget {
            return Err(Error::Ended(Ended::ServiceUnreachable(outage.spent, reason)));
        }
        shared.health.send_replace(Health::Reconnecting {
            since: outage.since_clock,
            attempts: outage.attempts,
            reason: reason.clone(),
        });
        let most = timing.backoff.saturating_mul(1 << outage.attempts.min(16)).min(timing.most_backoff);
        outage.attempts += 1;
        let wait = most.mul_f64(rand::rng().random::<f64>());
        let resumed = async {
            tokio::time::sleep(wait).await;
            call(timing, account.resume(&shared.session_id)).await
        };
        let resumed = tokio::select! {
            resumed = resumed => resumed,
            _ = close.wait_for(|close| *close) => return Err(Error::Ended(Ended::ByUs)),
        };
        match resumed {
            Ok(grant) => return Ok(grant),
            Err(refusal) if !refusal.retry => return Err(Error::Ended(Ended::Gone(refusal.reason))),
            Err(refusal) => reason = refusal.reason,
        }
    }
}

/// An API call with an end.
async fn call<T>(timing: &Timing, answer: super::Answer<'_, T>) -> Result<T, Refusal> {
    let late = |_| Err(Refusal { reason: format!("AWS did not answer within {:?}", timing.call), retry: true });
    tokio::time::timeout(timing.call, answer).await.unwrap_or_else(late)
}

fn failure(shared: &Shared) -> Error {
    let failure = shared.lock().session.failure().cloned();
    failure.map_or(Error::Ended(Ended::ByUs), |failure: Failure| failure.into())
}

/// Moves frames until the web socket or the session ends; with whether the agent was heard on it.
async fn serve(shared: &Shared, socket: Socket, close: watch::Receiver<bool>, timing: &Timing) -> (End, bool) {
    let (sink, source) = socket.split();
    let heard = Heard { start: Instant::now(), last: AtomicU64::new(0), agent: AtomicBool::new(false) };
    // Three at once: a write that blocks must not stop the reading, or both ends could wait for each other; and neither
    // must stop the watch.
    let mut reading = pin!(read(shared, source, &heard));
    let end = tokio::select! {
        end = &mut reading => end,
        end = write(shared, sink, close, timing) => match end {
            // Nobody takes what we write; the reason may still lie there to be read.
            End::Cut(reason) => tokio::time::timeout(timing.farewell, reading).await.unwrap_or(End::Cut(reason)),
            other => other,
        },
        end = watch(&heard, timing) => end,
    };
    (end, heard.agent.load(Ordering::Relaxed))
}

/// What was heard on a web socket.
struct Heard {
    start: Instant,
    /// When something was, in milliseconds after the start.
    last: AtomicU64,
    /// Whether the agent was.
    agent: AtomicBool,
}

impl Heard {
    fn mark(&self, now: Instant) {
        let millis = u64::try_from(now.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX);
        self.last.store(millis, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }
}

async fn read(shared: &Shared, mut source: SplitStream<Socket>, heard: &Heard) -> End {
    let mut turn = 0;
    let mut hears = false;
    loop {
        let message = match source.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return End::Cut(error.to_string()),
            None => return End::Cut("the web socket ended".to_owned()),
        };
        let now = Instant::now();
        if let WebSocketMessage::Close(frame) = &message {
            return End::Cut(match frame {
                Some(frame) => format!("the service closed the web socket: {} {}", u16::from(frame.code), frame.reason),
                None => "the service closed the web socket".to_owned(),
            });
        }
        heard.mark(now);
        let frame = match message {
            WebSocketMessage::Binary(frame) => frame,
            WebSocketMessage::Text(text) => Bytes::from(text),
            _ => continue,
        };
        let (opened, over, hears_now, bulk, spooling) = {
            let mut state = shared.lock();
            state.session.receive(&frame, now);
            let opened = state.opener.is_some().then(|| state.session.opened().cloned()).flatten();
            (
                opened,
                state.session.failure().is_some(),
                state.session.hears_agent(),
                state.session.bulk(),
                state.session.spooling(),
            )
        };
        if *shared.bulk.borrow() != bulk {
            shared.bulk.send_replace(bulk);
        }
        if let Some(opened) = opened {
            shared.tell_opener(Ok(opened));
        }
        if hears_now != hears && !over {
            hears = hears_now;
            heard.agent.fetch_or(hears, Ordering::Relaxed);
            tell_health(shared, hears);
        }
        shared.work.notify_one();
        if spooling > SPOOLING {
            while shared.lock().session.spooling() > SPOOLING / 2 {
                tokio::time::sleep(SPOOL_LOOK).await;
                // We are silent, not the service.
                heard.mark(Instant::now());
            }
        }
        turn = (turn + 1) % READ_TURN;
        if turn == 0 {
            tokio::task::yield_now().await;
        }
        if over {
            // The writer sends what is left (the answer that refuses a handshake) and ends; unless it is stuck.
            tokio::time::sleep(Duration::from_millis(500)).await;
            return End::Over;
        }
    }
}

/// The agent is heard again, or is said to be away.
fn tell_health(shared: &Shared, hears: bool) {
    shared.health.send_if_modified(|health| match (hears, &*health) {
        (true, Health::Reconnecting { .. }) => {
            *health = Health::Up;
            true
        }
        (false, Health::Up) => {
            let reason = "the bastion's agent is away".to_owned();
            *health = Health::Reconnecting { since: SystemTime::now(), attempts: 0, reason };
            true
        }
        _ => false,
    });
}

async fn write(
    shared: &Shared,
    mut sink: SplitSink<Socket, WebSocketMessage>,
    mut close: watch::Receiver<bool>,
    timing: &Timing,
) -> End {
    let mut ping = Instant::now();
    let mut farewell: Option<Instant> = None;
    loop {
        let result = send(shared, &mut sink, &mut ping, timing).await;
        if let Err(error) = result {
            return End::Cut(error.to_string());
        }
        let (over, terminating, tick) = {
            let session = &shared.lock().session;
            (session.failure().is_some(), session.is_terminating(), session.next_tick())
        };
        if over {
            let _ = tokio::time::timeout(timing.farewell, sink.close()).await;
            return End::Over;
        }
        if farewell.is_some_and(|until| !terminating || until <= Instant::now()) {
            // The agent has heard of the end; whether the service still takes a close frame is its affair.
            let _ = tokio::time::timeout(timing.farewell, sink.close()).await;
            return End::Asked;
        }
        let wake = [Some(ping), tick, farewell].into_iter().flatten().min().unwrap_or(ping);
        tokio::select! {
            () = shared.work.notified() => {}
            () = tokio::time::sleep_until(wake.into()) => {}
            _ = close.wait_for(|close| *close), if farewell.is_none() => {
                let now = Instant::now();
                farewell = Some(now + timing.farewell);
                shared.lock().session.terminate(now);
            }
        }
    }
}

/// Sends everything there is to send, and a ping if one is due.
async fn send(
    shared: &Shared,
    sink: &mut SplitSink<Socket, WebSocketMessage>,
    ping: &mut Instant,
    timing: &Timing,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    shared.lock().session.tick(Instant::now());
    loop {
        let frame = shared.lock().session.transmit(Instant::now());
        let message = match frame {
            Some(Frame::Binary(frame)) => WebSocketMessage::Binary(frame),
            Some(Frame::Text(text)) => WebSocketMessage::Text(text.into()),
            None => break,
        };
        sink.feed(message).await?;
    }
    if *ping <= Instant::now() {
        *ping = Instant::now() + timing.ping;
        sink.feed(WebSocketMessage::Ping(Bytes::from_static(b"keepalive"))).await?;
    }
    sink.flush().await
}

/// Ends when nothing is heard although pings were due.
async fn watch(heard: &Heard, timing: &Timing) -> End {
    let patience = timing.ping + timing.pong;
    let mut look = heard.last() + patience;
    loop {
        tokio::time::sleep_until(look.into()).await;
        match next_look(look, heard.last() + patience, Instant::now(), timing.pong) {
            Some(next) => look = next,
            None => return End::Cut(format!("nothing was heard from the service for {patience:?}")),
        }
    }
}

/// When to look again whether something was heard, after the look that was planned for `planned`; `None`: it is past the
/// `deadline`. A look that comes far too late comes from a machine that slept (a closed lid): the ping that was due goes
/// out only now, and its answer gets its time.
fn next_look(planned: Instant, deadline: Instant, now: Instant, pong: Duration) -> Option<Instant> {
    if deadline > now {
        return Some(deadline);
    }
    (now.saturating_duration_since(planned) >= SLEPT).then(|| now + pong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_slept_pings_before_it_gives_a_web_socket_up() {
        let (start, pong) = (Instant::now(), Duration::from_secs(15));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(next_look(at(40), at(70), at(40), pong), Some(at(70)), "something was heard since");
        assert_eq!(next_look(at(40), at(40), at(40), pong), None, "nothing was");
        assert_eq!(next_look(at(40), at(40), at(3640), pong), Some(at(3655)), "nothing could be");
        assert_eq!(next_look(at(3655), at(40), at(3655), pong), None, "the ping was not answered");
        assert_eq!(next_look(at(3655), at(3680), at(3655), pong), Some(at(3680)), "it was");
    }

    #[test]
    fn an_hour_with_the_lid_closed_takes_no_more_of_the_budget_than_one_attempt() {
        let (start, most) = (Instant::now(), Duration::from_secs(60));
        let mut outage = Outage::new(start);
        outage.count(start + Duration::from_secs(7), most);
        assert_eq!(outage.spent, Duration::from_secs(7));
        outage.count(start + Duration::from_secs(3607), most);
        assert_eq!(outage.spent, Duration::from_secs(67));
        outage.count(start + Duration::from_secs(3610), most);
        assert_eq!(outage.spent, Duration::from_secs(70));
    }
}
