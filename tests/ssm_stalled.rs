//! A reader that stops with 200 MB behind it, beside ten busy streams: they keep their pace, memory stays bounded, and the
//! one that stopped gets every byte when it wakes. Alone in its process, because it measures the process.

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

use agent::{Habits, SOURCE};
use futures_util::future::join_all;
use gatepost::ssm::{Account, Stream, Tunnel};
use gateway::Gateway;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TOTAL: u64 = 200 << 20;
/// 4 MiB of the stalled stream, the parts of its file, what the window and both sockets hold on both sides.
const BOUND: u64 = 48 << 20;

/// Resident memory, where the system tells.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
}

/// Round trips of 64 bytes on a stream of its own, for so long.
async fn busy(tunnel: &Tunnel, long: Duration) -> u32 {
    let mut stream = tunnel.stream().expect("a stream");
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < long {
        let mut bytes = [7; 64];
        stream.write_all(&bytes).await.expect("room");
        stream.read_exact(&mut bytes).await.expect("its echo");
        count += 1;
    }
    count
}

/// A stream with so many bytes on their way.
async fn source(tunnel: &Tunnel, total: u64) -> Stream {
    let mut stream = tunnel.stream().expect("a stream");
    stream.write_all(&[&SOURCE[..], &total.to_be_bytes()].concat()).await.expect("room");
    stream
}

/// Round trips a second of ten streams until so many bytes have come; none of them is ever held up.
async fn beside(tunnel: &Tunnel, until: u64, most: &mut u64) -> f64 {
    let (begun, mut count) = (Instant::now(), 0);
    while tunnel.figures().received < until {
        assert!(begun.elapsed() < Duration::from_secs(120), "{} bytes", tunnel.figures().received);
        let counts = join_all((0..10).map(|_| busy(tunnel, Duration::from_millis(200)))).await;
        assert!(counts.iter().all(|count| *count > 0), "none of the ten is held up: {counts:?}");
        count += counts.iter().sum::<u32>();
        *most = (*most).max(resident().unwrap_or(0));
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_behind_a_stalled_reader_harm_nobody() {
    // Unpaced and in large slices: 200 MB at the real agent's pace would take five minutes.
    let habits = Habits { pace: Duration::ZERO, slice: 16 << 10, ..Habits::default() };
    let gateway = Gateway::start(habits, false).await;
    let account: Arc<dyn Account> = Arc::<Gateway>::clone(&gateway);
    let (tunnel, _) = Tunnel::open(gateway.grant(), account, gateway.options()).await.expect("a tunnel");
    let before = resident();

    // What the ten do beside a source that is read, to hold against what they do beside one that is not.
    let mut read = source(&tunnel, TOTAL / 4).await;
    let reading = tokio::spawn(async move {
        let mut part = vec![0; 1 << 20];
        for _ in 0..TOTAL / 4 / (1 << 20) {
            read.read_exact(&mut part).await.expect("every byte");
        }
    });
    let beside_read = beside(&tunnel, tunnel.figures().received + TOTAL / 4, &mut 0).await;
    reading.await.expect("no panic");

    let mut stalled = source(&tunnel, TOTAL).await;
    let (begun, mut most) = (Instant::now(), 0);
    let beside_stalled = beside(&tunnel, tunnel.figures().received + TOTAL, &mut most).await;
    eprintln!(
        "{} MB arrived in {:.1} s; round trips a second of ten streams: {beside_read:.0} beside a source that is read, \
         {beside_stalled:.0} beside one that is not; memory +{} MB",
        TOTAL >> 20,
        begun.elapsed().as_secs_f64(),
        before.map_or(0, |before| most.saturating_sub(before)) >> 20
    );
    // How fast is for `cargo bench --bench ssm`: a test that measures paces fails on a busy machine. That none of the ten
    // is held up, `beside` has asserted.
    if let Some(before) = before {
        assert!(most < before + BOUND, "{} MB more", (most - before) >> 20);
    }

    let (mut word, mut part) = (0u64, vec![0; 1 << 20]);
    while word < TOTAL / 8 {
        stalled.read_exact(&mut part).await.expect("every byte");
        for bytes in part.chunks_exact(8) {
            assert_eq!(u64::from_le_bytes(bytes.try_into().expect("eight")), word);
            word += 1;
        }
    }
    tunnel.close().await;
}
