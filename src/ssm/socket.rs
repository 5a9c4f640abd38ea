//! The life of one web socket: moves frames and timers between it and the [`super::session::Session`], pings it, and says
//! how it ended. It must not know how there comes to be another.
//!
//! With a real web socket dhat counts 0.8 allocations a frame (12 MB each way under a stalled reader, 1,024-byte slices): 0.5
//! are tungstenite's read buffer, which what the readers have not taken yet still holds.

use super::Health;
use super::channel::Frame;
use super::dial::Socket;
use super::shared::Shared;
use super::timing::Timing;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream::SplitSink, stream::SplitStream};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message as WebSocketMessage;
use tokio_tungstenite::tungstenite::error::{Error as WireError, ProtocolError};

/// A timer that rings so much too late belongs to a machine that slept.
const SLEPT: Duration = Duration::from_secs(5);
/// So many frames are read before the writer gets its turn.
const READ_TURN: u32 = 32;
/// The most that may be on its way to the files of stalled streams: beyond it the disk is slower than the agent (by far
/// none is), and memory is only bounded if the web socket waits.
pub const SPOOLING: usize = 8 << 20;
/// How often it looks whether the disk has caught up.
const SPOOL_LOOK: Duration = Duration::from_millis(5);

/// How a web socket's service came to its end.
pub enum End {
    /// The web socket is lost.
    Cut(String),
    /// The session is over.
    Over,
    /// We were asked to close.
    Asked,
}

/// Moves frames until the web socket or the session ends; with whether the agent was heard on it.
pub async fn serve(shared: &Shared, socket: Socket, close: watch::Receiver<bool>, timing: &Timing) -> (End, bool) {
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
            Some(Err(error)) => return End::Cut(cut(&error)),
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
            return End::Cut(cut(&error));
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

/// What a person reads of it. Whether a reset is heard in reading or in writing is chance, and no difference to anybody.
fn cut(error: &WireError) -> String {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        WireError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => RESET.to_owned(),
        WireError::Io(error)
            if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof) =>
        {
            RESET.to_owned()
        }
        other => other.to_string(),
    }
}

const RESET: &str = "the web socket was cut off";

/// Sends everything there is to send, and a ping if one is due.
async fn send(
    shared: &Shared,
    sink: &mut SplitSink<Socket, WebSocketMessage>,
    ping: &mut Instant,
    timing: &Timing,
) -> Result<(), WireError> {
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
    fn a_reset_reads_the_same_however_it_is_heard() {
        let written = WireError::Io(std::io::ErrorKind::BrokenPipe.into());
        let read = WireError::Io(std::io::ErrorKind::ConnectionReset.into());
        let missed = WireError::Protocol(ProtocolError::ResetWithoutClosingHandshake);
        assert!([written, read, missed].iter().all(|error| cut(error) == RESET));
        assert_ne!(cut(&WireError::Protocol(ProtocolError::NonZeroReservedBits)), RESET);
    }

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
}
