//! What is said of the connections that a session takes along: how many, why, and each once. It must not know how sessions
//! are held.

#[path = "support/world.rs"]
mod world;

use gatepost::access::ForwardNews;
use gatepost::model::{Diagnosis, RouteChoice};
use gatepost::sandbox::Fault;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use world::World;

/// SSLRequest (PostgreSQL, "Message Formats"); the answer is one byte.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A connection on which the database's side has answered.
async fn greeted(port: u16) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.expect("accepted");
    socket.write_all(&SSL_REQUEST).await.expect("written");
    assert_eq!(socket.read_u8().await.expect("an answer"), b'S');
    socket
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn loss(told: &mut UnboundedReceiver<ForwardNews>) -> Diagnosis {
    match told.recv().await {
        Some(ForwardNews::Trouble(loss)) => loss,
        other => panic!("no loss but {other:?}"),
    }
}

fn says(loss: &Diagnosis, words: &str) -> bool {
    loss.because.iter().any(|because| because.contains(words))
}

fn words(lost: usize) -> String {
    match lost {
        0 => "no connection was on it".to_owned(),
        1 => "the connection on it is lost".to_owned(),
        more => format!("the {more} connections on it are lost"),
    }
}

fn has_ended(socket: &TcpStream) -> bool {
    !matches!(socket.try_read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_stood_are_counted_and_those_that_had_left_are_not() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let mut forward = world.access.forward(&endpoint, &RouteChoice::Auto, 0, None).await.expect("forwarded");
    let (news, mut told) = tokio::sync::mpsc::unbounded_channel();
    forward.tell(news);
    let (port, access) = (forward.port(), world.access.clone());
    let streams = || access.lines().iter().map(|line| line.streams).sum::<usize>();
    let clients = async {
        for count in [3, 0, 1] {
            let mut standing = Vec::new();
            for _ in 0..count {
                standing.push(greeted(port).await);
            }
            if count == 0 {
                // Opens the new session that the next loss is one of.
                drop(greeted(port).await);
            }
            // Two left in peace, just now.
            drop((greeted(port).await, greeted(port).await));
            until("those two are gone", || streams() == count).await;
            world.sandbox.faults().set(Fault::SessionEnded);
            let mut loss = told.recv().await;
            if matches!(loss, Some(ForwardNews::Mended(_))) {
                loss = told.recv().await;
            }
            let Some(ForwardNews::Trouble(loss)) = loss else { panic!("no loss but {loss:?}") };
            assert!(says(&loss, &words(count)) && says(&loss, "terminated due to inactivity"), "{count}: {loss}");
        }
    };
    tokio::select! {
        last = forward.serve() => panic!("{last}"),
        () = clients => {}
    }
    forward.close().await;
    world.access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_beside_the_first_takes_its_own_connections_along_and_says_so() {
    let world = World::with(|settings| settings.ssm_sessions = 3).await;
    let endpoint = world.endpoint("orders-prod").await;
    let mut forward = world.access.forward(&endpoint, &RouteChoice::Auto, 0, None).await.expect("forwarded");
    let (news, mut told) = tokio::sync::mpsc::unbounded_channel();
    forward.tell(news);
    let (port, first) = (forward.port(), forward.report().ssm_session.expect("a session"));
    let sessions = world.sandbox.sessions();
    let clients = async {
        // The second may come too late for whoever asked for it; whoever asks next has it.
        let mut standing = vec![greeted(port).await];
        while sessions.live().len() < 2 {
            standing.push(greeted(port).await);
        }
        standing.push(greeted(port).await);
        let live = sessions.live();
        let beside = live.iter().find(|id| **id != first).expect("the second");
        sessions.terminate(beside);
        let loss = loss(&mut told).await;
        let said = (1..standing.len()).find(|count| says(&loss, &words(*count)));
        let said = said.unwrap_or_else(|| panic!("some of {}: {loss}", standing.len()));
        until("those have ended", || standing.iter().filter(|socket| has_ended(socket)).count() == said).await;
        // The first session's connection and the port stay.
        drop(greeted(port).await);
        assert!(told.try_recv().is_err(), "nothing else was lost");
    };
    tokio::select! {
        last = forward.serve() => panic!("{last}"),
        () = clients => {}
    }
    forward.close().await;
    world.access.close().await;
    assert!(sessions.live().is_empty());
}
