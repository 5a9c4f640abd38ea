//! The driver against the model agent over real web sockets on loopback.

use super::agent::{Habits, SOURCE};
use super::gateway::{Deed, Gateway, lock};
use crate::ssm::socket::SPOOLING;
use crate::ssm::timing::Timing;
use crate::ssm::{Account, Ended, Error, Health, Options, Tunnel};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn open(gateway: &Arc<Gateway>) -> Result<Tunnel, Error> {
    open_within(gateway, Duration::from_secs(20)).await
}

/// With a budget of its own for outages.
async fn open_within(gateway: &Arc<Gateway>, budget: Duration) -> Result<Tunnel, Error> {
    let timing = Timing {
        ping: Duration::from_millis(150),
        pong: Duration::from_millis(150),
        backoff: Duration::from_millis(5),
        most_backoff: Duration::from_millis(40),
        budget,
        ..Timing::default()
    };
    let account: Arc<dyn Account> = Arc::<Gateway>::clone(gateway);
    let opened = Tunnel::open_with(gateway.grant(), account, gateway.options(), timing).await;
    opened.map(|(tunnel, learnt)| {
        assert_eq!(learnt.destination.as_deref(), Some("db:5432"));
        assert_eq!((learnt.agent_version.as_str(), learnt.customer_message.as_str()), ("3.3.987.0", "hello"));
        tunnel
    })
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
    let tunnel = open(&gateway).await.expect("a tunnel");
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
    let tunnel = open(&gateway).await.expect("a tunnel");
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

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_disk_that_hangs_the_web_socket_waits_and_is_not_taken_for_dead() {
    let gateway = Gateway::start(Habits { slice: 16 << 10, ..fast() }, false).await;
    let tunnel = open(&gateway).await.expect("a tunnel");
    let spooling = || tunnel.shared().lock().session.spooling();
    let disk = tunnel.shared().lock().session.hang_disk();
    let total: u64 = 24 << 20;
    let mut stalled = tunnel.stream().expect("a stream");
    stalled.write_all(&[&SOURCE[..], &total.to_be_bytes()].concat()).await.expect("room");
    until("as much as may be is on its way to the disk", || spooling() > SPOOLING).await;
    // Longer than the service may be silent, several times over.
    for _ in 0..100 {
        assert!(spooling() <= SPOOLING + (1 << 20), "memory stays bounded: {}", spooling());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(tunnel.figures().received < 20 << 20, "the rest waits with the agent");
    drop(disk);
    let mut got = vec![0; usize::try_from(total).expect("it fits")];
    stalled.read_exact(&mut got).await.expect("every byte");
    assert!(got.chunks_exact(8).zip(0u64..).all(|(word, expected)| word == expected.to_le_bytes()));
    assert_eq!(tunnel.figures().resumes, 0, "it was we who were silent");
}

#[tokio::test]
async fn a_refused_dial_is_told_from_an_end_and_many_streams_come_and_go() {
    let gateway = Gateway::start(Habits { refuses: Some(2), ..fast() }, false).await;
    let tunnel = open(&gateway).await.expect("a tunnel");
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
    let tunnel = open(&gateway).await.expect("a tunnel");
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
async fn whether_the_agent_hangs_up_first_or_not_it_was_us_who_ended_it() {
    for hangs_up in [false, true] {
        let gateway = Gateway::start(Habits { hangs_up, ..fast() }, false).await;
        let tunnel = open(&gateway).await.expect("a tunnel");
        tunnel.close().await;
        assert!(matches!(tunnel.health(), Health::Closed(Ended::ByUs)), "{:?}", tunnel.health());
        assert_eq!(gateway.terminated.load(Ordering::Relaxed), 1, "AWS is asked, and its answer is told");
    }
}

#[tokio::test]
async fn the_service_ends_it_while_it_is_opened() {
    let gateway = Gateway::start(Habits { setup: Duration::from_secs(600), ..fast() }, false).await;
    let closing = async {
        until("the handshake is done", || !lock(&gateway.opens).is_empty()).await;
        gateway.order(Deed::SayClosed);
    };
    let (opened, ()) = tokio::join!(open(&gateway), closing);
    assert!(matches!(opened, Err(Error::Ended(Ended::ByService(reason))) if reason == "idle for too long"));
    assert_eq!(gateway.terminated.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_session_that_is_gone_is_not_asked_for_for_ever() {
    let gateway = Gateway::start(fast(), false).await;
    let tunnel = open(&gateway).await.expect("a tunnel");
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
async fn an_agent_that_is_said_to_be_away_is_shown_so_until_it_is_back() {
    let gateway = Gateway::start(fast(), false).await;
    let tunnel = open(&gateway).await.expect("a tunnel");
    echo(&tunnel, 1, 100).await;
    until("nothing is owed to the agent", || lock(&gateway.agent).booked() == 0).await;
    gateway.order(Deed::SayAway);
    let away =
        |health| matches!(health, Health::Reconnecting { attempts: 0, reason, .. } if reason.contains("agent is away"));
    until("it is shown", || away(tunnel.health())).await;
    let mut stream = tunnel.stream().expect("a stream");
    stream.write_all(b"x").await.expect("room");
    gateway.order(Deed::SayBack);
    let mut one = [0];
    stream.read_exact(&mut one).await.expect("what was written meanwhile comes back");
    until("it is up", || matches!(tunnel.health(), Health::Up)).await;
    assert_eq!(tunnel.figures().resumes, 0, "the web socket stood all the time");
}

#[tokio::test]
async fn a_login_that_has_ended_is_asked_for_and_waited_for() {
    let gateway = Gateway::start(fast(), false).await;
    let budget = Duration::from_millis(50);
    let tunnel = open_within(&gateway, budget).await.expect("a tunnel");
    let (mut reader, mut writer) = tokio::io::split(tunnel.stream().expect("a stream"));
    gateway.logged_out.send_replace(true);
    gateway.order(Deed::Cut);
    let lost = Instant::now();
    until(
        "it is asked for",
        || matches!(tunnel.health(), Health::Reconnecting { attempts: 3.., reason, .. } if reason == "log in again"),
    )
    .await;
    writer.write_all(b"kept").await.expect("room");
    until("the budget for outages is long over", || {
        assert!(!matches!(tunnel.health(), Health::Closed(_)), "{:?}", tunnel.health());
        lost.elapsed() > budget * 20
    })
    .await;
    gateway.order(Deed::Relay);
    gateway.logged_out.send_replace(false);
    let mut kept = [0; 4];
    reader.read_exact(&mut kept).await.expect("the stream goes on");
    assert_eq!(&kept, b"kept");
}

#[tokio::test]
async fn a_refused_upgrade_says_its_status() {
    let gateway = Gateway::start(fast(), false).await;
    gateway.order(Deed::Forbid);
    let error = open(&gateway).await.expect_err("403");
    assert!(matches!(&error, Error::Upgrade { status: 403, body } if body.contains("OpenDataChannel")), "{error:?}");
    assert_eq!(gateway.terminated.load(Ordering::Relaxed), 1, "nothing is left open in the account");
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_an_abandoned_opening_is_terminated() {
    let gateway = Gateway::start(Habits { encryption: true, ..fast() }, false).await;
    let error = open(&gateway).await.expect_err("KMS");
    assert!(matches!(&error, Error::Unsupported(sentence) if sentence.contains("KMS")), "{error:?}");
    until("the agent has got the answer", || lock(&gateway.agent).cancelled).await;
    assert_eq!(gateway.terminated.load(Ordering::Relaxed), 1);

    let gateway = Gateway::start(Habits { setup: Duration::from_secs(600), ..fast() }, false).await;
    let opening = tokio::time::timeout(Duration::from_millis(100), open(&gateway)).await;
    assert!(opening.is_err());
    until("the session is terminated", || gateway.terminated.load(Ordering::Relaxed) == 1).await;

    let short = Options { open_timeout: Duration::from_millis(100), ..gateway.options() };
    let account: Arc<dyn Account> = Arc::<Gateway>::clone(&gateway);
    let error = Tunnel::open(gateway.grant(), account, short).await.expect_err("it is not ready");
    assert!(matches!(error, Error::HandshakeTimeout(_)), "{error:?}");
    assert_eq!(gateway.terminated.load(Ordering::Relaxed), 2);
}
