//! Fifty cuts under traffic: the local TCP connection never drops, and not one byte is lost or doubled.
//!
//! The model agent and its gateway are those of the library's own trials. A cut of thirty seconds is one in which the
//! service refuses every dial; here it refuses for as long as six dials take with the driver's real back-off between them,
//! which is seconds: nothing in the client knows how long an outage is but its budget. `GATEPOST_CUT_SECONDS=30` makes it
//! that long by the clock; cuts of up to that length on a simulated clock are in `src/ssm/trial/pair.rs`.

/// What the included files call the room.
mod ssm {
    pub use gatepost::ssm::*;
}
#[path = "../src/ssm/trial/agent.rs"]
#[allow(dead_code)]
mod agent;
#[path = "../src/ssm/trial/gateway.rs"]
#[allow(dead_code)]
mod gateway;

use agent::Habits;
use gatepost::ssm::{Account, Health, Tunnel};
use gateway::{Deed, Gateway, lock};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_survives_fifty_cuts() {
    let gateway = Gateway::start(Habits { blind: 9, ..Habits::default() }, false).await;
    let account: Arc<dyn Account> = Arc::<Gateway>::clone(&gateway);
    let (tunnel, _) = Tunnel::open(gateway.grant(), account, gateway.options()).await.expect("a tunnel");

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let mut stream = tunnel.stream().expect("a stream");
    let relay = tokio::spawn(async move {
        let (mut local, _) = listener.accept().await.expect("a client");
        tokio::io::copy_bidirectional(&mut local, &mut stream).await
    });
    let (mut reader, mut writer) = TcpStream::connect(address).await.expect("connected").into_split();

    // Words that count, in pieces of all lengths, for as long as there are cuts; then the end, and every word back.
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let write = async {
        let mut word = 0u64;
        while !*stopped.borrow() {
            let words: Vec<u8> = (word..word + 1 + word % 300).flat_map(u64::to_le_bytes).collect();
            writer.write_all(&words).await.expect("the local connection stands");
            word += 1 + word % 300;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        word
    };
    let (last, known) = tokio::sync::watch::channel(None);
    let write = async { last.send_replace(Some(write.await)) };
    let read = async {
        let (mut word, mut bytes) = (0u64, [0; 8]);
        while known.borrow().is_none_or(|last| word < last) {
            reader.read_exact(&mut bytes).await.expect("the local connection stands");
            assert_eq!(u64::from_le_bytes(bytes), word);
            word += 1;
        }
        word
    };
    let cuts = async {
        for cut in 0..50u32 {
            let before = tunnel.figures();
            match cut % 10 {
                // Several in a row: the next comes before the last is healed.
                7 => {
                    let dials = lock(&gateway.opens).len();
                    gateway.order(Deed::Cut);
                    until("it is dialled", || lock(&gateway.opens).len() > dials).await;
                    gateway.order(Deed::CloseNormally);
                }
                9 if cut == 29 => {
                    let resumes = gateway.resumes.load(Ordering::Relaxed);
                    gateway.order(Deed::Forbid);
                    until("six dials are refused", || gateway.resumes.load(Ordering::Relaxed) > resumes + 6).await;
                    let seconds = std::env::var("GATEPOST_CUT_SECONDS").ok().and_then(|text| text.parse().ok());
                    tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(0))).await;
                    assert!(matches!(tunnel.health(), Health::Reconnecting { .. }));
                    gateway.order(Deed::Relay);
                }
                even if even % 2 == 0 => gateway.order(Deed::Cut),
                _ => gateway.order(Deed::CloseNormally),
            }
            until("it is resumed", || tunnel.figures().resumes > before.resumes).await;
            until("bytes flow again", || tunnel.figures().received > before.received + 2_000).await;
        }
        stop.send_replace(true);
    };
    let ((), _, words) = tokio::join!(cuts, write, read);
    assert!(words > 10_000, "{words}");
    assert!(tunnel.figures().resumes >= 50);
    assert_eq!(lock(&gateway.agent).complaint, None);
    tunnel.close().await;
    assert_eq!(gateway.terminated.load(Ordering::Relaxed), 1);
    relay.abort();
}
