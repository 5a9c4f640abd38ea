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
use gatepost::ssm::{Account, Stream, Tunnel};
use gateway::Gateway;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

const TOTAL: u64 = 200 << 20;
/// In so many turns.
const TURNS: u64 = 10;
/// 4 MiB of the stalled stream, the parts of its file, what the window and both sockets hold on both sides.
const BOUND: u64 = 48 << 20;

/// Resident memory, where the system tells.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
}

/// Ten streams with round trips of 64 bytes, one after the other, for as long as it lives.
struct Ten {
    counts: Vec<Arc<AtomicU64>>,
    _tasks: JoinSet<()>,
}

impl Ten {
    fn start(tunnel: &Tunnel) -> Self {
        let counts: Vec<Arc<AtomicU64>> = (0..10).map(|_| Arc::default()).collect();
        let mut tasks = JoinSet::new();
        for count in &counts {
            let (mut stream, count) = (tunnel.stream().expect("a stream"), Arc::clone(count));
            tasks.spawn(async move {
                loop {
                    let mut bytes = [7; 64];
                    stream.write_all(&bytes).await.expect("room");
                    stream.read_exact(&mut bytes).await.expect("its echo");
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { counts, _tasks: tasks }
    }

    fn each(&self) -> Vec<u64> {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    fn all(&self) -> u64 {
        self.each().iter().sum()
    }
}

/// Asks for so many bytes more on a stream.
async fn ask(stream: &mut Stream, total: u64) {
    stream.write_all(&[&SOURCE[..], &total.to_be_bytes()].concat()).await.expect("room");
}

/// Reads one answer to [`ask`], and looks at every byte.
async fn read(stream: &mut Stream, total: u64) {
    let mut part = vec![0; 64 << 10];
    let mut word = 0u64;
    while word < total / 8 {
        stream.read_exact(&mut part).await.expect("every byte");
        for bytes in part.chunks_exact(8) {
            assert_eq!(u64::from_le_bytes(bytes.try_into().expect("eight")), word);
            word += 1;
        }
    }
}

/// Waits until so much has come on either. The ten receive too, so that is a little less than all of what was asked for;
/// what is missing falls on the next turn.
async fn either_arrived(sides: [(&Tunnel, u64); 2]) {
    while sides.iter().all(|(tunnel, until)| tunnel.figures().received < *until) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn both_arrived(sides: [(&Tunnel, u64); 2]) {
    while sides.iter().any(|(tunnel, until)| tunnel.figures().received < *until) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn tunnel(gateway: &Arc<Gateway>) -> Tunnel {
    let account: Arc<dyn Account> = Arc::<Gateway>::clone(gateway);
    Tunnel::open(gateway.grant(), account, gateway.options()).await.expect("a tunnel").0
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_behind_a_stalled_reader_harm_nobody() {
    // Unpaced and in large slices: 200 MB at the real agent's pace would take five minutes.
    let habits = Habits { pace: Duration::ZERO, slice: 16 << 10, ..Habits::default() };
    let (gateway, other) = (Gateway::start(habits.clone(), false).await, Gateway::start(habits, false).await);
    let (tunnel, beside) = (tunnel(&gateway).await, tunnel(&other).await);
    let before = resident();
    let (ten, ten_beside) = (Ten::start(&tunnel), Ten::start(&beside));
    let mut stalled = tunnel.stream().expect("a stream");
    let mut awake = beside.stream().expect("a stream");

    // At the same time, so that whatever else the machine does falls on both: the same bytes for a reader that reads
    // nothing before all of them are there, and, in a session of its own, for one that is awake.
    let (mut beside_stalled, mut beside_awake, mut seconds) = (0, 0, 0.0);
    let mut most = 0;
    for _ in 0..TURNS {
        let part = TOTAL / TURNS;
        let sides = [&tunnel, &beside].map(|one| (one, one.figures().received + part));
        ask(&mut stalled, part).await;
        ask(&mut awake, part).await;
        // A task of its own: looking at every byte must not delay the look at the clock.
        let reading = tokio::spawn(async move {
            read(&mut awake, part).await;
            awake
        });
        let (begun, before) = (Instant::now(), (ten.all(), ten_beside.all()));
        // Only so long anything stands in the way of both.
        either_arrived(sides).await;
        seconds += begun.elapsed().as_secs_f64();
        beside_stalled += ten.all() - before.0;
        beside_awake += ten_beside.all() - before.1;
        both_arrived(sides).await;
        awake = reading.await.expect("every byte");
        most = most.max(resident().unwrap_or(0));
    }
    let each = ten.each();
    eprintln!(
        "{} MB behind a stalled reader; round trips a second of ten streams: {:.0} beside a reader that is awake, {:.0} \
         beside the stalled one; memory +{} MB; {each:?}",
        TOTAL >> 20,
        beside_awake as f64 / seconds,
        beside_stalled as f64 / seconds,
        before.map_or(0, |before| most.saturating_sub(before)) >> 20
    );
    assert!(beside_stalled * 2 >= beside_awake, "the ten keep their pace: {beside_stalled} beside {beside_awake}");
    let fair = each.iter().sum::<u64>() / 10;
    assert!(each.iter().all(|count| *count * 4 >= fair), "each of the ten does: {each:?}");
    if let Some(before) = before {
        assert!(most < before + BOUND, "{} MB more", (most - before) >> 20);
    }
    drop((ten, ten_beside));
    for _ in 0..TURNS {
        read(&mut stalled, TOTAL / TURNS).await;
    }
    tunnel.close().await;
    beside.close().await;
}
