//! The listener and whoever knocks at it without meaning it well: garbage, lengths, wrong orders, a thousand that say
//! nothing. Others are served meanwhile.

#[path = "support/clients.rs"]
mod clients;
#[path = "support/world.rs"]
mod world;

use clients::{Listening, wish};
use gatepost::access::{Access, ListenerWish};
use gatepost::model::Endpoint;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use world::World;

const SSL: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const GSS: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];

async fn straight(world: &World) -> (Access, Endpoint) {
    let endpoint = world.endpoint("reports").await;
    let resolve = world.resolve(&endpoint);
    (world.door(|settings| settings.resolve = vec![resolve]), endpoint)
}

fn startup(minor: u16, words: &[(&str, &str)]) -> Vec<u8> {
    let mut body = vec![0, 3];
    body.extend_from_slice(&minor.to_be_bytes());
    for (name, value) in words {
        body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
    }
    body.push(0);
    [&(body.len() as u32 + 4).to_be_bytes()[..], &body].concat()
}

async fn knock(listening: &Listening) -> TcpStream {
    TcpStream::connect(("127.0.0.1", listening.port())).await.expect("it listens")
}

/// Says `bytes`, and what is answered until the end.
async fn all(listening: &Listening, bytes: &[u8]) -> Vec<u8> {
    let mut stream = knock(listening).await;
    stream.write_all(bytes).await.expect("taken");
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await;
    // A connection that is reset has ended, too.
    let _ = reading.expect("the connection is ended");
    answer
}

/// One message: its type and body.
async fn message(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let kind = stream.read_u8().await.expect("a message");
    let length = stream.read_u32().await.expect("its length") as usize;
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await.expect("its body");
    (kind, body)
}

/// That the answer is an ErrorResponse with that SQLSTATE.
#[track_caller]
fn refused(answer: &[u8], code: &str) {
    let text = String::from_utf8_lossy(answer);
    assert!(text.contains("SFATAL\0VFATAL\0") && text.contains(&format!("\0C{code}\0")), "{code}: {text:?}");
}

/// That the body of an ErrorResponse has that SQLSTATE.
#[track_caller]
fn refused_error(body: &[u8], code: &str) {
    let text = String::from_utf8_lossy(body);
    assert!(text.contains(&format!("\0C{code}\0")), "{code}: {text:?}");
}

async fn served(listening: &Listening) {
    let (host, port) = listening.listener.address();
    let mut config = tokio_postgres::Config::new();
    config.host(host).port(port).user("u").dbname("shop");
    if let Some(secret) = &listening.secret {
        config.password(secret.reveal());
    }
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("in");
    tokio::spawn(connection);
    client.simple_query("select 1").await.expect("answered");
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_words_and_wrong_orders_are_refused_as_a_server_would() {
    let world = World::new().await;
    let (access, endpoint) = straight(&world).await;
    let listening = Listening::open(&access, wish(&endpoint, "oncall")).await;
    let with = |parts: &[&[u8]]| parts.concat();
    let user = startup(0, &[("user", "u")]);
    let gigabyte = 0x4000_0000_u32.to_be_bytes();

    refused(&all(&listening, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await, "08P01");
    refused(&all(&listening, &gigabyte).await, "08P01");
    refused(&all(&listening, &[0; 64]).await, "08P01");
    refused(&all(&listening, &[0xff; 5000]).await, "08P01");
    refused(&all(&listening, &with(&[&SSL, &SSL])).await, "08P01");
    refused(&all(&listening, &with(&[&GSS, &GSS])).await, "08P01");
    refused(&all(&listening, &with(&[&10_001_u32.to_be_bytes(), &[0; 100]])).await, "08P01");
    refused(&all(&listening, b"\0\0\0\x0c\0\x03\0\0user").await, "08P01");
    let mut older = startup(0, &[("user", "u")]);
    older[5] = 2;
    refused(&all(&listening, &older).await, "0A000");
    // After the StartupMessage only an answer to what is asked.
    refused(&all(&listening, &with(&[&user, b"Q\0\0\0\x0dselect 1\0"])).await, "08P01");
    refused(&all(&listening, &with(&[&user, b"X\0\0\0\x04"])).await, "08P01");
    refused(&all(&listening, &with(&[&user, b"p", &gigabyte])).await, "08P01");
    refused(&all(&listening, &with(&[&user, b"p\0\0\0\x08abcd"])).await, "08P01");
    refused(&all(&listening, &with(&[&user, b"p\0\0\0\x11MD5-OR-SO\0\0\0\0\0"])).await, "08P01");
    refused(&all(&listening, &with(&[&user, b"p\0\0\0\x16SCRAM-SHA-256\0\0\0\0\x05"])).await, "08P01");
    // A cancel with a key that nobody has is not answered.
    assert_eq!(all(&listening, b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07abcd").await, b"");
    assert_eq!(listening.listener.report().logins, 0, "the database has heard of none of it");
    served(&listening).await;
    access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_that_say_nothing_keep_nobody_out() {
    let world = World::new().await;
    let (access, endpoint) = straight(&world).await;
    let listening = Listening::open(&access, wish(&endpoint, "oncall")).await;
    served(&listening).await;
    let before = resident();
    let mut first = knock(&listening).await;
    first.write_all(&[0]).await.expect("taken");
    let mut half_open = Vec::new();
    for at in 0..1000_u32 {
        let mut stream = knock(&listening).await;
        // Some say nothing, some half a length, some half a startup packet; one that was dropped takes nothing.
        let _ = stream.write_all(&[0, 0, 0, 60, 0, 3][..(at % 7) as usize]).await;
        half_open.push(stream);
        if half_open.len() > 300 {
            half_open.drain(..150);
        }
    }
    served(&listening).await;
    let mut rest = [0];
    let dropped = tokio::time::timeout(Duration::from_secs(60), first.read(&mut rest)).await.expect("it was dropped");
    assert!(dropped.map_or(true, |count| count == 0));
    let report = listening.listener.report();
    assert!(
        report
            .last_error
            .is_some_and(|error| error.contains("oldest was dropped") || error.contains("showed nothing within"))
    );
    let grown = resident().saturating_sub(before);
    assert!(grown < 100 << 10, "{grown} kB more");
    access.close().await;
}

/// `nc -N` and pipelines of shells do so.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_said_its_last_before_it_is_in_hears_the_answers() {
    let world = World::new().await;
    let (access, endpoint) = straight(&world).await;
    for read_only in [false, true] {
        let asked = ListenerWish { secret: None, read_only: Some(read_only), ..wish(&endpoint, "oncall") };
        let listening = Listening::open(&access, asked).await;
        let mut stream = knock(&listening).await;
        let words = startup(0, &[("user", "u"), ("database", "shop")]);
        let query = b"Q\0\0\0\x17select 'the answer'\0";
        let asked =
            [&words[..], &[&query[..1], &(query.len() as u32 - 1).to_be_bytes(), &query[5..]].concat()].concat();
        stream.write_all(&asked).await.expect("taken");
        stream.shutdown().await.expect("half closed");
        let heard = async {
            loop {
                if let (b'D', row) = message(&mut stream).await {
                    break row;
                }
            }
        };
        let row = tokio::time::timeout(Duration::from_secs(60), heard).await.expect("a row");
        assert!(row.ends_with(b"the answer"), "{row:?}");
        drop(stream);
        // And is gone when it is.
        let gone = async {
            while listening.listener.report().streams > 0 {
                tokio::task::yield_now().await
            }
        };
        tokio::time::timeout(Duration::from_secs(60), gone).await.expect("noticed");
        listening.listener.close().await;
    }
    access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_keys_and_encryption_are_answered_properly() {
    let world = World::new().await;
    let (access, endpoint) = straight(&world).await;
    let listening = Listening::open(&access, ListenerWish { secret: None, ..wish(&endpoint, "oncall") }).await;
    let words = [("user", "u"), ("database", "shop"), ("_pq_.unheard_of", "1")];

    // No encryption here, of either kind; a version of the future becomes 3.2, with its longer key.
    let mut stream = knock(&listening).await;
    for request in [GSS, SSL] {
        stream.write_all(&request).await.expect("taken");
        assert_eq!(stream.read_u8().await.expect("an answer"), b'N');
    }
    stream.write_all(&startup(9999, &words)).await.expect("taken");
    let (kind, body) = message(&mut stream).await;
    assert_eq!((kind, &body[..]), (b'v', &b"\0\x03\0\x02\0\0\0\x01_pq_.unheard_of\0"[..]));
    let (mut key, mut parameters) = (Vec::new(), Vec::new());
    loop {
        match message(&mut stream).await {
            (b'R', body) => assert_eq!(body, [0; 4]),
            (b'S', body) => parameters.push(String::from_utf8(body).expect("text")),
            (b'K', body) => key = body,
            (b'Z', body) => break assert_eq!(body, b"I"),
            (kind, body) => panic!("{} {body:?}", char::from(kind)),
        }
    }
    assert_eq!(key.len(), 4 + 32);
    assert!(parameters.iter().any(|word| word.starts_with("server_version\0")), "{parameters:?}");
    assert!(parameters.iter().any(|word| word == "application_name\0gatepost (tester)\0"), "{parameters:?}");

    // The long key cancels, and is forgotten with its connection.
    stream.write_all(b"Q\0\0\0\x19select pg_sleep(600)\0").await.expect("taken");
    let mut request = (12 + 32_u32).to_be_bytes().to_vec();
    request[3] = 12 + 32;
    request.extend_from_slice(&80_877_102_u32.to_be_bytes());
    request.extend_from_slice(&key);
    // The statement may not have begun yet; a cancel that comes before it is lost, as with any server.
    let cancelled = async {
        loop {
            assert_eq!(all(&listening, &request).await, b"");
            let mut one = [0];
            if tokio::time::timeout(Duration::from_millis(500), stream.peek(&mut one)).await.is_ok() {
                break;
            }
        }
        loop {
            match message(&mut stream).await {
                // What was begun of the result.
                (b'T', _) => {}
                answer => break answer,
            }
        }
    };
    let (kind, body) = tokio::time::timeout(Duration::from_secs(60), cancelled).await.expect("cancelled");
    assert_eq!(kind, b'E');
    refused_error(&body, "57014");

    // 3.0 has four bytes; replication is refused in words; so is a stranger's version.
    let mut stream = knock(&listening).await;
    stream.write_all(&startup(0, &[("user", "u"), ("database", "shop")])).await.expect("taken");
    let key = loop {
        if let (b'K', body) = message(&mut stream).await {
            break body;
        }
    };
    assert_eq!(key.len(), 4 + 4);
    let replication = startup(0, &[("user", "u"), ("replication", "database")]);
    let answer = all(&listening, &replication).await;
    refused(&answer, "0A000");
    assert!(String::from_utf8_lossy(&answer).contains("replication"));
    // What the server says to a login that it refuses goes to the client.
    let answer = all(&listening, &startup(0, &[("user", "u"), ("database", "nowhere")])).await;
    refused(&answer, "3D000");
    access.close().await;
}
