//! Several sessions as one, against the model agent at the real one's pace: a bulk download makes the pool open another,
//! what is in a hurry takes that one, N streams run at nearly N times one session, and none is left open at the end.

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
use gatepost::ssm::{Account, Error, Opener, Pool, Stream, Tunnel, Wish};
use gateway::Gateway;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

/// Each session has a gateway and an agent of its own.
#[derive(Clone, Default)]
struct World {
    gateways: Arc<Mutex<Vec<Arc<Gateway>>>>,
    /// So many of the first ones have an agent whose first dial never answers.
    silent: usize,
}

impl World {
    async fn session(&self) -> Result<Tunnel, Error> {
        let gateway =
            Gateway::start(Habits { silent: (self.opened() < self.silent).then_some(3), ..Habits::default() }, false)
                .await;
        self.gateways.lock().expect("no panic").push(Arc::clone(&gateway));
        let account: Arc<dyn Account> = Arc::<Gateway>::clone(&gateway);
        Tunnel::open(gateway.grant(), account, gateway.options()).await.map(|(tunnel, _)| tunnel)
    }

    fn opened(&self) -> usize {
        self.gateways.lock().expect("no panic").len()
    }

    fn terminated(&self) -> usize {
        let all = self.gateways.lock().expect("no panic");
        all.iter().filter(|gateway| gateway.terminated.load(Ordering::Relaxed) == 1).count()
    }
}

impl Opener for World {
    fn open(&self) -> Pin<Box<dyn Future<Output = Result<Tunnel, Error>> + Send + '_>> {
        Box::pin(self.session())
    }
}

async fn pool(world: &World, most: usize) -> Pool {
    Pool::new(world.session().await.expect("a session"), most, world.clone())
}

async fn source(stream: &mut Stream, total: u64) {
    stream.write_all(&[&SOURCE[..], &total.to_be_bytes()].concat()).await.expect("room");
}

/// Bytes a second of so many downloads together, each of `total` bytes.
async fn download(pool: &Pool, streams: usize, total: u64) -> f64 {
    let mut all = Vec::new();
    for _ in 0..streams {
        all.push(pool.stream(Wish::Alone).await.expect("a stream"));
    }
    let begun = Instant::now();
    join_all(all.iter_mut().map(async |stream| {
        source(stream, total).await;
        let mut got = vec![0; usize::try_from(total).expect("it fits")];
        stream.read_exact(&mut got).await.expect("every byte");
    }))
    .await;
    (streams as u64 * total) as f64 / begun.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_hurry_does_not_wait_behind_a_bulk_download() {
    let world = World::default();
    let pool = pool(&world, 2).await;
    let mut bulk = pool.stream(Wish::Quick).await.expect("a stream");
    assert_eq!(world.opened(), 1, "one stream needs one session");
    source(&mut bulk, 1 << 40).await;
    let reading = tokio::spawn(async move {
        let mut part = vec![0; 64 << 10];
        while bulk.read(&mut part).await.is_ok_and(|count| count > 0) {}
    });
    let deadline = Instant::now() + Duration::from_secs(60);
    while pool.tunnels().len() < 2 {
        assert!(Instant::now() < deadline, "another is opened before anybody asks");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut times = Vec::new();
    for _ in 0..40 {
        let begun = Instant::now();
        // As a cancel does: a stream of its own, a few round trips.
        let mut hurried = pool.stream(Wish::Quick).await.expect("a stream");
        for _ in 0..3 {
            let mut bytes = [9; 64];
            hurried.write_all(&bytes).await.expect("room");
            hurried.read_exact(&mut bytes).await.expect("its echo");
        }
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    eprintln!("three round trips beside a bulk download: p50 {:?}, worst {:?}", times[20], times[39]);
    // Every one of them went over the session that has no bulk on it: that is what makes them quick. How quick is for the
    // bench: a test that measures it fails on a busy machine.
    let quiet = pool.tunnels().iter().map(|tunnel| tunnel.figures().received).min().expect("two tunnels");
    assert_eq!(quiet, 40 * 3 * 64);
    assert_eq!(world.opened(), 2);
    pool.close().await;
    reading.await.expect("no panic");
    assert_eq!(world.terminated(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_streams_run_at_nearly_so_many_times_one_session() {
    let world = World::default();
    let one = pool(&world, 1).await;
    let single = download(&one, 4, 300_000).await;
    one.close().await;
    let four = pool(&world, 4).await;
    let together = download(&four, 4, 1_200_000).await;
    eprintln!("four streams: {:.2} MB/s on one session, {:.2} MB/s on four", single / 1e6, together / 1e6);
    assert_eq!(world.opened(), 5);
    // Each session carried one of them, whole, so their paces add up.
    assert!(four.tunnels().iter().all(|tunnel| tunnel.figures().received == 1_200_000));
    drop(four);
    let deadline = Instant::now() + Duration::from_secs(60);
    while world.terminated() < 5 {
        assert!(Instant::now() < deadline, "the last clone's end terminates them all");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A service that starts further sessions only once it is let.
struct Held {
    world: World,
    let_on: Arc<Semaphore>,
}

impl Opener for Held {
    fn open(&self) -> Pin<Box<dyn Future<Output = Result<Tunnel, Error>> + Send + '_>> {
        Box::pin(async {
            let _once = self.let_on.acquire().await.expect("it is not closed");
            self.world.session().await
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_left_while_it_opens_a_session_ends_at_once() {
    for says_goodbye in [false, true] {
        let (world, let_on) = (World::default(), Arc::new(Semaphore::new(0)));
        let opener = Held { world: world.clone(), let_on: Arc::clone(&let_on) };
        let pool = Pool::new(world.session().await.expect("a session"), 2, opener);
        let first = pool.stream(Wish::Quick).await.expect("a stream");
        // One more is wanted; as it does not come, the stream takes what is there.
        drop(pool.stream(Wish::Alone).await.expect("a stream"));
        let deadline = Instant::now() + Duration::from_secs(60);
        drop(first);
        let closing = says_goodbye.then(|| {
            tokio::spawn({
                let pool = pool.clone();
                async move { pool.close().await }
            })
        });
        drop(pool);
        while world.terminated() < 1 {
            assert!(Instant::now() < deadline, "what is open does not wait for what is not");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(world.opened(), 1);
        let_on.add_permits(1);
        while world.terminated() < 2 {
            assert!(Instant::now() < deadline, "what comes too late is terminated as well");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if let Some(closing) = closing {
            closing.await.expect("no panic");
        }
    }
}

/// A stream that asks and, if its session serves it, is answered.
async fn ask(pool: &Pool) -> Stream {
    let mut stream = pool.stream(Wish::Quick).await.expect("a stream");
    stream.write_all(b"ask").await.expect("room");
    stream
}

async fn is_answered(mut stream: Stream) {
    let mut answer = [0; 3];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"ask");
}

/// Waits until it shows that the dial of that session is not answered.
async fn slow(tunnel: &Tunnel) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while tunnel.dialling().is_none_or(|since| since < Duration::from_millis(400)) {
        assert!(Instant::now() < deadline, "{:?}", tunnel.dialling());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_can_be_had_on_the_session_of_another() {
    let world = World::default();
    let pool = pool(&world, 2).await;
    let first = pool.stream(Wish::Quick).await.expect("a stream");
    let other = pool.stream(Wish::Alone).await.expect("a stream");
    assert_ne!(first.session_id(), other.session_id());
    // Neither the quietest nor the first one: that one.
    let mut beside = Vec::new();
    for wanted in [&other, &first, &first, &first, &other] {
        let stream = pool.stream_on(wanted.session_id()).expect("it is open");
        assert_eq!(stream.session_id(), wanted.session_id());
        beside.push(stream);
    }
    assert!(pool.stream_on("nobody-0123").is_none());
    let second = other.session_id().to_owned();
    let tunnel = pool.tunnels().into_iter().find(|tunnel| tunnel.session_id() == second).expect("it is open");
    tunnel.close().await;
    assert!(pool.stream_on(&second).is_none(), "it has ended");
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_behind_a_dial_that_never_answers() {
    let world = World { silent: 2, ..World::default() };
    let pool = pool(&world, 2).await;
    let first = ask(&pool).await;
    slow(pool.first()).await;
    // The next one does not go behind it but opens another session; whose dial is not answered either.
    let second = ask(&pool).await;
    assert_eq!(world.opened(), 2);
    let other = pool.tunnels().pop().expect("two");
    assert_eq!((pool.first().figures().streams, other.figures().streams), (1, 1));
    slow(&other).await;
    // There is no room for a third session while somebody waits on both; then one takes the place.
    drop(second);
    drop(other);
    let mut third = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let third = ask(&pool).await;
            if world.opened() == 3 {
                break third;
            }
        }
    })
    .await
    .expect("the session that nobody uses is replaced");
    let mut answer = [0; 3];
    third.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"ask");
    is_answered(ask(&pool).await).await;
    assert_eq!((world.opened(), pool.tunnels().len()), (3, 2));
    // The one that waits still has its stream: nothing was said of it twice, or taken from it.
    assert_eq!(pool.first().figures().streams, 1);
    drop((first, third));
    pool.close().await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while world.terminated() < 3 {
        assert!(Instant::now() < deadline, "all are terminated");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
