//! The driver against the model agent over real web sockets on loopback: a small gateway that relays frames, closes,
//! cuts, goes deaf, refuses.

use super::agent::{Agent, Habits};
use crate::ssm::driver::Timing;
use crate::ssm::message::{Message, MessageType};
use crate::ssm::open::{ChannelClosed, OpenDataChannel};
use crate::ssm::{Account, Answer, Ended, Error, Grant, Headers, Health, Network, Options, Refusal, Tunnel};
use futures_util::{SinkExt, StreamExt};
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{self, Message as WebSocketMessage};
use uuid::Uuid;

const PATH: &str = "/v1/data-channel/S-1?role=publish_subscribe&cell-number=AAE+x/y0+/=";

/// What the gateway does to the web socket that is open, or to the next ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Relay,
    CloseNormally,
    Cut,
    Deaf,
    SayClosed,
    Forbid,
}

struct Gateway {
    agent: Mutex<Agent>,
    deed: watch::Sender<(u64, Deed)>,
    /// Rung when the agent may have something to send.
    work: Notify,
    opens: Mutex<Vec<OpenDataChannel>>,
    resumes: AtomicU32,
    terminated: AtomicU32,
    gone: watch::Sender<bool>,
    url: String,
    tls: Option<tokio_native_tls::TlsAcceptor>,
    root: Option<String>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gateway {
    async fn start(habits: Habits, tls: bool) -> Arc<Self> {
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

    fn grant(&self) -> Grant {
        let token = format!("token {}", self.resumes.load(Ordering::Relaxed));
        Grant { session_id: "S-1".to_owned(), stream_url: self.url.clone(), token }
    }

    fn options(&self) -> Options {
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

    fn order(&self, deed: Deed) {
        self.deed.send_modify(|(number, now)| {
            *number += 1;
            *now = deed;
        });
    }

    async fn open(self: &Arc<Self>) -> Result<Tunnel, Error> {
        let timing = Timing {
            ping: Duration::from_millis(150),
            pong: Duration::from_millis(150),
            backoff: Duration::from_millis(5),
            most_backoff: Duration::from_millis(40),
            budget: Duration::from_secs(20),
            ..Timing::default()
        };
        let account: Arc<dyn Account> = Arc::<Self>::clone(self);
        let opened = Tunnel::open_with(self.grant(), account, self.options(), timing).await;
        opened.map(|(tunnel, learnt)| {
            assert_eq!((learnt.agent_version.as_str(), learnt.customer_message.as_str()), ("3.3.987.0", "hello"));
            tunnel
        })
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
            loop {
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
                               Some(Ok(WebSocketMessage::Binary(frame))) => lock(&self.agent).receive(&frame, Instant::now()),
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
                               Deed::Relay | Deed::Forbid => {}
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
                                   let closed = ChannelClosed { output: "idle for too long".to_owned(), ..ChannelClosed::default() };
                                   let closed = closed.encode().into();
                                   let closed = Message::unsequenced(MessageType::ChannelClosed, Uuid::nil(), 1, closed);
                                   let _ = socket.send(WebSocketMessage::Binary(closed.encode())).await;
                               }
                           } }
                       }
        }
    }
}

impl Account for Gateway {
    fn resume<'a>(&'a self, session_id: &'a str) -> Answer<'a, Grant> {
        assert_eq!(session_id, "S-1");
        Box::pin(async {
            let count = self.resumes.fetch_add(1, Ordering::Relaxed) + 1;
            if *self.gone.borrow() {
                return Err(Refusal { reason: "the session has timed out".to_owned(), retry: false });
            }
            if count.is_multiple_of(4) {
                return Err(Refusal { reason: "throttled".to_owned(), retry: true });
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

fn pattern(stream: usize, at: usize) -> u8 {
    (at * 31 + stream * 7 + (at >> 8)) as u8
}

/// Writes so many bytes and reads their echo.
async fn echo(tunnel: &Tunnel, number: usize, total: usize) {
    let (mut reader, mut writer) = tokio::io::split(tunnel.stream().expect("a stream"));
    let data: Vec<u8> = (0..total).map(|at| pattern(number, at)).collect();
    let write = async {
        writer.write_all(&data).await.expect("room");
        writer.shutdown().await.expect("a half-close is no FIN");
    };
    let read = async {
        let mut got = vec![0; total];
        reader.read_exact(&mut got).await.expect("the echo");
        assert!(got == data, "stream {number}");
    };
    tokio::join!(write, read);
}

/// Fast, so that bytes and not the agent's pace take the time.
fn fast() -> Habits {
    Habits { pace: Duration::ZERO, ..Habits::default() }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn echo_survives_clean_closes_cuts_and_a_deaf_service_without_losing_a_byte() {
    let gateway = Gateway::start(Habits { blind: 9, ..Habits::default() }, true).await;
    let tunnel = gateway.open().await.expect("a tunnel");
    let echoes = (0..4).map(|number| echo(&tunnel, number, 200_000));
    let echoes = futures_util::future::join_all(echoes);
    let trouble = async {
        for deed in [Deed::CloseNormally, Deed::Cut, Deed::CloseNormally, Deed::Deaf, Deed::Cut, Deed::CloseNormally] {
            let before = tunnel.figures();
            gateway.order(deed);
            until("it is resumed", || tunnel.figures().resumes > before.resumes).await;
            until("data flows again", || tunnel.figures().received > before.received + 20_000).await;
        }
    };
    tokio::join!(echoes, trouble);
    assert!(tunnel.figures().resumes >= 6);
    until("it is up", || matches!(tunnel.health(), Health::Up)).await;
    {
        let opens = lock(&gateway.opens);
        assert!(opens.len() >= 7);
        assert!(opens.iter().all(|open| open.client_id == opens[0].client_id), "the same client for the whole session");
        assert!(opens.iter().skip(1).all(|open| open.token_value != opens[0].token_value), "a fresh token each time");
    }
    tunnel.close().await;
    assert!(matches!(tunnel.health(), Health::Closed(Ended::ByUs)));
    assert!(lock(&gateway.agent).terminated, "the flag came before the end");
    assert_eq!(gateway.terminated.load(Ordering::Relaxed), 1);
    assert_eq!(lock(&gateway.agent).complaint, None);
    gateway.gone.send_replace(true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_reader_harms_nobody_and_gets_every_byte() {
    let gateway = Gateway::start(fast(), false).await;
    let tunnel = gateway.open().await.expect("a tunnel");
    let total = 12 << 20;
    let (mut stalled, mut writer) = tokio::io::split(tunnel.stream().expect("a stream"));
    let data: Vec<u8> = (0..total).map(|at| pattern(9, at)).collect();
    writer.write_all(&data).await.expect("the agent takes it all");
    let before = tunnel.figures().received;
    futures_util::future::join_all((0..10).map(|number| echo(&tunnel, number, 10_000))).await;
    assert!(tunnel.figures().received - before > 100_000);
    let mut got = vec![0; total];
    stalled.read_exact(&mut got).await.expect("every byte");
    assert!(got == data);
    assert!(tunnel.figures().sent >= total as u64);
}

#[tokio::test]
async fn a_refused_dial_is_told_from_an_end_and_many_streams_come_and_go() {
    let gateway = Gateway::start(Habits { refuses: Some(2), ..fast() }, false).await;
    let tunnel = gateway.open().await.expect("a tunnel");
    let mut refused = 0;
    for number in 0..40 {
        let mut stream = tunnel.stream().expect("a stream");
        stream.write_all(b"x").await.expect("room");
        let mut one = [0];
        match stream.read_exact(&mut one).await {
            Ok(_) => assert_eq!(one, *b"x", "{number}"),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 20);
    until("the agent has closed them all", || lock(&gateway.agent).streams() == 0).await;
    assert_eq!(tunnel.figures().streams, 0);
    drop(tunnel);
    until("the last clone's end terminates", || gateway.terminated.load(Ordering::Relaxed) == 1).await;
}

#[tokio::test]
async fn the_service_ends_it_with_a_reason() {
    let gateway = Gateway::start(fast(), false).await;
    let tunnel = gateway.open().await.expect("a tunnel");
    let mut stream = tunnel.stream().expect("a stream");
    gateway.order(Deed::SayClosed);
    let mut one = [0];
    let error = stream.read_exact(&mut one).await.expect_err("the end");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    assert!(
        matches!(inner, Some(Error::Ended(Ended::ByService(reason))) if reason == "idle for too long"),
        "{inner:?}"
    );
    assert!(matches!(tunnel.changed().await, Health::Closed(Ended::ByService(_))));
    assert!(matches!(tunnel.stream(), Err(Error::Ended(Ended::ByService(_)))));
    tunnel.close().await;
    assert_eq!(gateway.terminated.load(Ordering::Relaxed), 0, "AWS has ended it");
}

#[tokio::test]
async fn the_service_ends_it_while_it_is_opened() {
    let gateway = Gateway::start(Habits { setup: Duration::from_secs(600), ..fast() }, false).await;
    let closing = async {
        until("the handshake is done", || !lock(&gateway.opens).is_empty()).await;
        gateway.order(Deed::SayClosed);
    };
    let (opened, ()) = tokio::join!(gateway.open(), closing);
    assert!(matches!(opened, Err(Error::Ended(Ended::ByService(reason))) if reason == "idle for too long"));
    assert_eq!(gateway.terminated.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_session_that_is_gone_is_not_asked_for_for_ever() {
    let gateway = Gateway::start(fast(), false).await;
    let tunnel = gateway.open().await.expect("a tunnel");
    gateway.gone.send_replace(true);
    gateway.order(Deed::Cut);
    loop {
        match tunnel.changed().await {
            Health::Closed(Ended::Gone(reason)) => break assert_eq!(reason, "the session has timed out"),
            Health::Closed(other) => panic!("{other:?}"),
            Health::Up | Health::Reconnecting { .. } => {}
        }
    }
}

#[tokio::test]
async fn a_refused_upgrade_says_its_status() {
    let gateway = Gateway::start(fast(), false).await;
    gateway.order(Deed::Forbid);
    let error = gateway.open().await.expect_err("403");
    assert!(matches!(&error, Error::Upgrade { status: 403, body } if body.contains("OpenDataChannel")), "{error:?}");
    assert_eq!(gateway.terminated.load(Ordering::Relaxed), 1, "nothing is left open in the account");
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_an_abandoned_opening_is_terminated() {
    let gateway = Gateway::start(Habits { encryption: true, ..fast() }, false).await;
    let error = gateway.open().await.expect_err("KMS");
    assert!(matches!(&error, Error::Unsupported(sentence) if sentence.contains("KMS")), "{error:?}");
    until("the agent has got the answer", || lock(&gateway.agent).cancelled).await;
    assert_eq!(gateway.terminated.load(Ordering::Relaxed), 1);

    let gateway = Gateway::start(Habits { setup: Duration::from_secs(600), ..fast() }, false).await;
    let opening = tokio::time::timeout(Duration::from_millis(100), gateway.open()).await;
    assert!(opening.is_err());
    until("the session is terminated", || gateway.terminated.load(Ordering::Relaxed) == 1).await;

    let short = Options { open_timeout: Duration::from_millis(100), ..gateway.options() };
    let account: Arc<dyn Account> = Arc::<Gateway>::clone(&gateway);
    let error = Tunnel::open(gateway.grant(), account, short).await.expect_err("it is not ready");
    assert!(matches!(error, Error::HandshakeTimeout(_)), "{error:?}");
    assert_eq!(gateway.terminated.load(Ordering::Relaxed), 2);
}
