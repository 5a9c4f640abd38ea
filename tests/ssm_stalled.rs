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

/// Waits until so much has come. The ten receive too, so that is a little less than all of what was asked for; what is
/// missing falls on the other side.
async fn arrived(tunnel: &Tunnel, until: u64) {
    while tunnel.figures().received < until {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// What the ten have done meanwhile: round trips, seconds.
#[derive(Default)]
struct Pace {
    trips: u64,
    seconds: f64,
}

impl Pace {
    async fn add(&mut self, ten: &Ten, meanwhile: impl Future<Output = ()>) {
        let (begun, before) = (Instant::now(), ten.all());
        meanwhile.await;
        self.seconds += begun.elapsed().as_secs_f64();
        self.trips += ten.all() - before;
    }

    fn a_second(&self) -> f64 {
        self.trips as f64 / self.seconds
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_behind_a_stalled_reader_harm_nobody() {
    // Unpaced and in large slices: 200 MB at the real agent's pace would take five minutes.
    let habits = Habits { pace: Duration::ZERO, slice: 16 << 10, ..Habits::default() };
    let gateway = Gateway::start(habits, false).await;
    let account: Arc<dyn Account> = Arc::<Gateway>::clone(&gateway);
    let (tunnel, _) = Tunnel::open(gateway.grant(), account, gateway.options()).await.expect("a tunnel");
    let before = resident();
    let ten = Ten::start(&tunnel);
    let mut awake = tunnel.stream().expect("a stream");
    let mut stalled = tunnel.stream().expect("a stream");

    // By turns, so that whatever else the machine does falls on both: the same bytes for a reader that is awake, and for
    // one that reads nothing before all of them are there.
    let (mut beside_awake, mut beside_stalled) = (Pace::default(), Pace::default());
    let mut most = 0;
    for _ in 0..TURNS {
        // Until all of it has come from the agent, whoever has read it by then: only so long anything stands in the way.
        let part = TOTAL / TURNS;
        let until = tunnel.figures().received + part;
        ask(&mut awake, part).await;
        // A task of its own: looking at every byte must not delay the look at the clock.
        let reading = tokio::spawn(async move {
            read(&mut awake, part).await;
            awake
        });
        beside_awake.add(&ten, arrived(&tunnel, until)).await;
        awake = reading.await.expect("every byte");
        let until = tunnel.figures().received + part;
        ask(&mut stalled, part).await;
        beside_stalled.add(&ten, arrived(&tunnel, until)).await;
        most = most.max(resident().unwrap_or(0));
    }
    let each = ten.each();
    eprintln!(
        "{} MB behind a stalled reader; round trips a second of ten streams: {:.0} beside a reader that is awake, {:.0} \
         beside the stalled one; memory +{} MB; {each:?}",
        TOTAL >> 20,
        beside_awake.a_second(),
        beside_stalled.a_second(),
        before.map_or(0, |before| most.saturating_sub(before)) >> 20
    );
    assert!(beside_stalled.a_second() * 2.0 >= beside_awake.a_second(), "the ten keep their pace");
    let fair = each.iter().sum::<u64>() / 10;
    assert!(each.iter().all(|count| *count * 4 >= fair), "each of the ten does: {each:?}");
    if let Some(before) = before {
        assert!(most < before + BOUND, "{} MB more", (most - before) >> 20);
    }
    drop(ten);
    for _ in 0..TURNS {
        read(&mut stalled, TOTAL / TURNS).await;
    }
    tunnel.close().await;
}
