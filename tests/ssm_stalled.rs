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
use gatepost::ssm::{Account, Tunnel};
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

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_behind_a_stalled_reader_harm_nobody() {
    // Unpaced and in large slices: 200 MB at the real agent's pace would take five minutes.
    let habits = Habits { pace: Duration::ZERO, slice: 16 << 10, ..Habits::default() };
    let gateway = Gateway::start(habits, false).await;
    let account: Arc<dyn Account> = Arc::<Gateway>::clone(&gateway);
    let (tunnel, _) = Tunnel::open(gateway.grant(), account, gateway.options()).await.expect("a tunnel");
    let alone: u32 = join_all((0..10).map(|_| busy(&tunnel, Duration::from_secs(1)))).await.iter().sum();
    let before = resident();

    let mut stalled = tunnel.stream().expect("a stream");
    stalled.write_all(&[&SOURCE[..], &TOTAL.to_be_bytes()].concat()).await.expect("room");
    let mut most = 0;
    let mut echoes = 0;
    let begun = Instant::now();
    let received = || tunnel.figures().received;
    while received() < TOTAL {
        assert!(begun.elapsed() < Duration::from_secs(120), "{} bytes", received());
        let counts = join_all((0..10).map(|_| busy(&tunnel, Duration::from_millis(200)))).await;
        assert!(counts.iter().all(|count| *count > 0), "none of the ten is held up: {counts:?}");
        echoes += counts.iter().sum::<u32>();
        most = most.max(resident().unwrap_or(0));
    }
    let pace = f64::from(echoes) / begun.elapsed().as_secs_f64();
    eprintln!(
        "{} MB arrived in {:.1} s; ten streams: {alone} round trips a second alone, {pace:.0} beside it; memory +{} MB",
        TOTAL >> 20,
        begun.elapsed().as_secs_f64(),
        before.map_or(0, |before| most.saturating_sub(before)) >> 20
    );
    // They share the agent's one byte stream with the source, in turn with it; what they must not do is stop.
    assert!(pace > f64::from(alone) / 50.0, "{pace} of {alone} a second");
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
