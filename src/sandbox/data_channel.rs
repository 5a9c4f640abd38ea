//! The service's end of data channels: web sockets whose upgrade is signed, the token, then frames to and from the
//! session's agent. It must not know what is in a frame.

use super::agent::{Word, socket_queue};
use super::aws::sigv4::{EMPTY_SHA256, verify_header};
use super::clock::Clock;
use super::faults::{Fault, Faults};
use super::once::Once;
use super::sessions::Sessions;
use super::unruly::Unruly;
use crate::ssm::open::OpenDataChannel;
use futures_util::{SinkExt, StreamExt};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How long a web socket may take to say OpenDataChannel.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
const PATH: &str = "/v1/data-channel/";

/// The listener. Dropping it ends it and all its web sockets.
#[derive(Debug)]
pub struct DataChannels {
    _accepting: JoinSet<()>,
}

/// What every web socket needs.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The sessions.
    pub sessions: Sessions,
    /// What goes wrong.
    pub faults: Faults,
    /// The time that signatures are held against.
    pub clock: Clock,
    /// [`Fault::SocketCut`].
    pub cut: Once,
    /// [`Fault::SocketReset`].
    pub reset: Once,
}

impl DataChannels {
    /// Accepts on `listener`.
    pub fn open(listener: TcpListener, behind: Behind) -> DataChannels {
        let behind = Arc::new(behind);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut sockets = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => {
                            let behind = Arc::clone(&behind);
                            sockets.spawn(async move {
                                if let Err(error) = behind.serve(stream).await {
                                    tracing::debug!(%error, "a web socket ended");
                                }
                            });
                        }
                        // Out of descriptors: it passes.
                        Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                    },
                    Some(_) = sockets.join_next() => {}
                }
            }
        });
        DataChannels { _accepting: accepting }
    }
}

impl Behind {
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut session_id = String::new();
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let upgrade = |request: &Request, response: Response| match self.check(request) {
            Ok(id) => {
                session_id = id;
                Ok(response)
            }
            Err((status, words)) => {
                let mut refusal = ErrorResponse::new(Some(words));
                *refusal.status_mut() = status;
                Err(refusal)
            }
        };
        let upgraded = tokio_tungstenite::accept_hdr_async(stream, upgrade);
        let mut socket =
            tokio::time::timeout(OPEN_TIMEOUT, upgraded).await.map_err(io::Error::other)?.map_err(io::Error::other)?;
        let opening = tokio::time::timeout(OPEN_TIMEOUT, open_message(&mut socket)).await.map_err(io::Error::other)?;
        let admitted = opening.and_then(|open| self.sessions.admit(&session_id, &open.token_value));
        let Some((words, number)) = admitted else {
            // There is no answer to a wrong token: the socket closes.
            return socket.close(None).await.map_err(io::Error::other);
        };
        self.relay(socket, words, number).await
    }

    /// Who comes here, with what signature.
    fn check(&self, request: &Request) -> Result<String, (StatusCode, String)> {
        if self.faults.is_on(&Fault::SocketRefused) {
            return Err((StatusCode::SERVICE_UNAVAILABLE, String::new()));
        }
        let forbidden = |words: &str| (StatusCode::FORBIDDEN, format!("{{\"message\":\"{words}\"}}"));
        let path = request.uri().path();
        let session_id = path.strip_prefix(PATH).ok_or((StatusCode::NOT_FOUND, String::new()))?;
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let query = request.uri().query().unwrap_or_default();
        let verified = verify_header("GET", path, query, &headers, EMPTY_SHA256, "ssmmessages", &self.clock)
            .map_err(|refusal| forbidden(&refusal.to_string()))?;
        match self.sessions.region(session_id) {
            None => Err((StatusCode::NOT_FOUND, String::new())),
            Some(region) if region != verified.region => {
                Err(forbidden("Credential should be scoped to a valid region."))
            }
            Some(_) => Ok(session_id.to_owned()),
        }
    }

    /// Frames both ways until either side ends.
    async fn relay(
        &self,
        socket: WebSocketStream<TcpStream>,
        words: mpsc::Sender<Word>,
        number: u64,
    ) -> io::Result<()> {
        let (mut cut, mut reset) = (self.cut.listen(), self.reset.listen());
        let (frames, mut outgoing) = socket_queue();
        let (mut sink, mut source) = socket.split();
        let _session_may_have_ended = words.send(Word::Attached { socket: number, frames }).await;
        // Seeds by number: what one run shows the next one shows again.
        let mut down = Unruly::new(2 * number, &self.faults);
        let mut up = Unruly::new(2 * number + 1, &self.faults);
        let to_client = async {
            while let Some(frame) = outgoing.recv().await {
                let Some(frame) = frame else { break };
                for frame in down.pass(frame) {
                    sink.send(Frame::Binary(frame)).await?;
                }
            }
            sink.send(Frame::Close(Some(goodbye("")))).await
        };
        let to_agent = async {
            while let Some(frame) = source.next().await {
                // Pings are answered below us; a client's close is answered there too.
                let frame = match frame? {
                    Frame::Binary(frame) => frame,
                    Frame::Text(text) => text.into(),
                    _ => continue,
                };
                for frame in up.pass(frame) {
                    if words.send(Word::Frame { socket: number, frame }).await.is_err() {
                        // The session has ended, and its last words may still be on their way to the client: they are
                        // what ends this, not what the client says into the void.
                        return std::future::pending().await;
                    }
                }
            }
            Ok(())
        };
        // 0: over; 1: to be closed with "Bye"; 2: to be cut hard.
        let (ended, how) = tokio::select! {
            ended = to_client => (ended, 0),
            ended = to_agent => (ended, 0),
            () = cut.struck() => (Ok(()), 1),
            () = reset.struck() => (Ok(()), 2),
        };
        let _session_may_have_ended = words.send(Word::Detached { socket: number }).await;
        if let Ok(mut socket) = sink.reunite(source) {
            if how == 1 {
                socket.close(Some(goodbye("Bye"))).await.map_err(io::Error::other)?;
            } else if how == 2 {
                socket.get_ref().set_zero_linger()?;
            }
            if how != 2 {
                // The client reads the close frame only if nothing of its own is left unread here.
                let rest = async { while let Some(Ok(_)) = socket.next().await {} };
                let _client_may_stay = tokio::time::timeout(Duration::from_secs(5), rest).await;
            }
        }
        ended.map_err(io::Error::other)
    }
}

/// The first frame, which must be OpenDataChannel.
async fn open_message(socket: &mut WebSocketStream<TcpStream>) -> Option<OpenDataChannel> {
    match socket.next().await? {
        Ok(Frame::Text(text)) => serde_json::from_str(&text).ok(),
        _ => None,
    }
}

fn goodbye(words: &'static str) -> CloseFrame {
    CloseFrame { code: CloseCode::Normal, reason: words.into() }
}
