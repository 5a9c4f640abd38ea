//! A small gateway over real web sockets on loopback, with the model agent behind it: it relays frames, closes, cuts, goes
//! deaf, refuses. Tests outside this crate's library include this file, so it names nothing private.

use super::agent::{Agent, Habits};
use crate::ssm::message::{Message, MessageType};
use crate::ssm::open::{ChannelClosed, OpenDataChannel};
use crate::ssm::{Account, Answer, Grant, Headers, Network, Options, Refusal, Retry};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{self, Message as WebSocketMessage};
use uuid::Uuid;

const PATH: &str = "/v1/data-channel/S-1?role=publish_subscribe&cell-number=AAE+x/y0+/=";

/// What the gateway does to the web socket that is open, or to the next ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Relay,
    CloseNormally,
    Cut,
    Deaf,
    SayClosed,
    SayAway,
    SayBack,
    Forbid,
}

pub struct Gateway {
    pub agent: Mutex<Agent>,
    pub deed: watch::Sender<(u64, Deed)>,
    /// Rung when the agent may have something to send.
    pub work: Notify,
    pub opens: Mutex<Vec<OpenDataChannel>>,
    pub resumes: AtomicU32,
    pub terminated: AtomicU32,
    pub gone: watch::Sender<bool>,
    /// The user's AWS login has ended.
    pub logged_out: watch::Sender<bool>,
    pub session_id: String,
    pub url: String,
    pub tls: Option<tokio_native_tls::TlsAcceptor>,
    pub root: Option<String>,
}

pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The frame that ends a session.
fn closed(output: &str) -> Bytes {
    let closed = ChannelClosed { output: output.to_owned(), ..ChannelClosed::default() };
    Message::unsequenced(MessageType::ChannelClosed, Uuid::nil(), 1, closed.encode().into()).encode()
}

impl Gateway {
    pub async fn start(habits: Habits, tls: bool) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (acceptor, root) = if tls {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
            let (root, key) = (made.cert.pem(), made.signing_key.serialize_pem());
            let identity = native_tls::Identity::from_pkcs8(root.as_bytes(), key.as_bytes()).expect("an identity");
            let acceptor = native_tls::TlsAcceptor::new(identity).expect("an acceptor");
            (Some(acceptor.into()), Some(root))
        } else {
            (None, None)
        };
        let (scheme, host) = if tls { ("wss", "localhost") } else { ("ws", "127.0.0.1") };
        let gateway = Arc::new(Self {
            agent: Mutex::new(Agent::new(habits, Instant::now())),
            deed: watch::Sender::new((0, Deed::Relay)),
            work: Notify::new(),
            opens: Mutex::default(),
            resumes: AtomicU32::new(0),
            terminated: AtomicU32::new(0),
            gone: watch::Sender::new(false),
            logged_out: watch::Sender::new(false),
            session_id: format!("S-{port}"),
            url: format!("{scheme}://{host}:{port}{PATH}"),
            tls: acceptor,
            root,
        });
        let accepting = Arc::downgrade(&gateway);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let Some(gateway) = accepting.upgrade() else { break };
                tokio::spawn(async move { gateway.serve(tcp).await });
            }
        });
        gateway
    }

    pub fn grant(&self) -> Grant {
        let token = format!("token {}", self.resumes.load(Ordering::Relaxed));
        Grant { session_id: self.session_id.clone(), stream_url: self.url.clone(), token: token.into() }
    }

    pub fn options(&self) -> Options {
        Options {
            network: Network {
                extra_roots: self.root.iter().map(|pem| pem.clone().into_bytes()).collect(),
                ..Network::default()
            },
            keep_alive: None,
            payload: 8192,
            open_timeout: Duration::from_secs(20),
            ..Options::default()
        }
    }

    pub fn order(&self, deed: Deed) {
        self.deed.send_modify(|(number, now)| {
            *number += 1;
            *now = deed;
        });
    }

    async fn serve(&self, tcp: TcpStream) {
        tcp.set_nodelay(true).expect("a socket");
        match &self.tls {
            Some(acceptor) => {
                if let Ok(wire) = acceptor.accept(tcp).await {
                    self.relay(wire).await;
                }
            }
            None => self.relay(tcp).await,
        }
    }

    async fn relay<W: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(&self, wire: W) {
        let mut deed = self.deed.subscribe();
        let forbid = deed.borrow_and_update().1 == Deed::Forbid;
        #[allow(clippy::result_large_err)]
        let look = |request: &Request, response: Response| {
            assert_eq!(request.uri().path_and_query().map(ToString::to_string).as_deref(), Some(PATH));
            assert_eq!(request.headers()["authorization"], "signed");
            if !forbid {
                return Ok(response);
            }
            let mut refusal = ErrorResponse::new(Some("no ssmmessages:OpenDataChannel".to_owned()));
            *refusal.status_mut() = tungstenite::http::StatusCode::FORBIDDEN;
            Err(refusal)
        };
        let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(wire, look).await else { return };
        let mut opened = false;
        loop {
            // By turns with reading: sources never come to an end.
            for _ in 0..64 {
                if !opened {
                    break;
                }
                let frame = {
                    let mut agent = lock(&self.agent);
                    agent.tick(Instant::now());
                    agent.transmit()
                };
                let Some(frame) = frame else { break };
                if socket.feed(WebSocketMessage::Binary(frame)).await.is_err() {
                    return;
                }
            }
            if socket.flush().await.is_err() {
                return;
            }
            let tick = lock(&self.agent).next_tick().filter(|_| opened);
            let tick = tick.unwrap_or_else(|| Instant::now() + Duration::from_secs(60));
            tokio::select! {
                           message = socket.next() => match message {
                               Some(Ok(WebSocketMessage::Binary(frame))) => {
                                   let hangs_up = {
                                       let mut agent = lock(&self.agent);
                                       agent.receive(&frame, Instant::now());
                                       agent.hangs_up()
                                   };
                                   // Before the acknowledgement of what ended it, as it may come.
                                   if hangs_up {
                                       let _ = socket.send(WebSocketMessage::Binary(closed("bye"))).await;
                                   }
                               }
                               Some(Ok(WebSocketMessage::Text(text))) => {
                                   lock(&self.opens).push(serde_json::from_str(&text).expect("an open message"));
                                   opened = true;
                               }
                               Some(Ok(_)) => {}
                               Some(Err(_)) | None => return,
                           },
                           () = tokio::time::sleep_until(tick.into()) => {}
                           () = self.work.notified() => {}
                           _ = deed.changed() => {
            let next = deed.borrow_and_update().1;
            match next {
                               Deed::Relay => {}
                               Deed::Forbid => return,
                               Deed::CloseNormally => {
                                   let frame = CloseFrame { code: CloseCode::Normal, reason: "Bye".into() };
                                   let _ = socket.close(Some(frame)).await;
                                   return;
                               }
                               Deed::Cut => return,
                               Deed::Deaf => {
                                   // Holds the connection and reads nothing.
                                   self.gone.subscribe().wait_for(|gone| *gone).await.expect("the gateway");
                                   return;
                               }
                               Deed::SayClosed => {
                                   let _ = socket.send(WebSocketMessage::Binary(closed("idle for too long"))).await;
                               }
                               Deed::SayAway | Deed::SayBack => {
                                   let name = if next == Deed::SayAway { "pause_publication" } else { "start_publication" };
                                   // With nothing in its fields but its name, as the service may send it.
                                   let mut frame = vec![0; 120];
                                   frame[4..4 + name.len()].copy_from_slice(name.as_bytes());
                                   let _ = socket.send(WebSocketMessage::Binary(frame.into())).await;
                               }
                           } }
                       }
        }
    }
}

impl Account for Gateway {
    fn resume<'a>(&'a self, session_id: &'a str) -> Answer<'a, Grant> {
        assert_eq!(session_id, self.session_id);
        Box::pin(async {
            let count = self.resumes.fetch_add(1, Ordering::Relaxed) + 1;
            if *self.gone.borrow() {
                return Err(Refusal { reason: "the session has timed out".to_owned(), retry: Retry::Never });
            }
            if *self.logged_out.borrow() {
                return Err(Refusal { reason: "log in again".to_owned(), retry: Retry::AfterLogin });
            }
            if count.is_multiple_of(4) {
                return Err(Refusal { reason: "throttled".to_owned(), retry: Retry::Later });
            }
            Ok(self.grant())
        })
    }

    fn sign<'a>(&'a self, url: &'a str) -> Answer<'a, Headers> {
        assert_eq!(url, self.url);
        Box::pin(async { Ok(vec![("Authorization".to_owned(), "signed".to_owned())]) })
    }

    fn terminate<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        Box::pin(async {
            self.terminated.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    }
}
