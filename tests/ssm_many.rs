//! Ten thousand short connections and two hundred at once through one forwarded port: none is lost, and neither memory nor
//! tasks nor descriptors are. Alone in its process, because it counts them there.

#[path = "support/world.rs"]
mod world;

use futures_util::future::join_all;
use gatepost::model::RouteChoice;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use world::World;

/// SSLRequest (PostgreSQL, "Message Formats"); the answer is one byte.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const COUNT: usize = 10_000;
/// After so many it is looked at what is left.
const STRETCH: usize = 2_000;
/// What the C library is told so (mallopt(3)); elsewhere it means nothing.
const ONE_ARENA: &str = "MALLOC_ARENA_MAX";
/// Bytes that a connection must not leave behind.
const LEAK: u64 = 512;
const AT_ONCE: usize = 200;

#[derive(Clone, Copy, Debug)]
struct Held {
    tasks: usize,
    descriptors: Option<usize>,
    memory: Option<u64>,
}

impl Held {
    /// But for a few that are nobody's connection: HTTP connections to AWS come and go. A connection has several of each.
    fn is_at_most(&self, idle: &Held) -> bool {
        self.tasks <= idle.tasks + 10
            && self.descriptors.zip(idle.descriptors).is_none_or(|(now, idle)| now <= idle + 10)
    }
}

fn held() -> Held {
    Held {
        tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        descriptors: std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
        memory: std::fs::read_to_string("/proc/self/statm").ok().and_then(|text| {
            let mut pages = text.split(' ').skip(1).map_while(|pages| pages.parse::<u64>().ok());
            // What is shared is the program's own text.
            Some((pages.next()? - pages.next()?) * 4096)
        }),
    }
}

async fn until(done: impl Fn() -> bool, words: impl Fn() -> String) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !done() {
        assert!(Instant::now() < deadline, "{}", words());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// So many that stand together, each asks and is answered; then they leave as clients that were killed do: without a word.
async fn together(port: u16, standing: impl Fn() -> usize) {
    let mut sockets = join_all((0..AT_ONCE).map(|_| async {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.expect("accepted");
        socket.write_all(&SSL_REQUEST).await.expect("written");
        assert_eq!(socket.read_u8().await.expect("an answer"), b'S');
        socket
    }))
    .await;
    assert!(standing() >= AT_ONCE);
    // Half of them say goodbye first.
    for socket in sockets.iter_mut().step_by(2) {
        socket.shutdown().await.expect("half closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_connections_leave_nothing_behind() {
    // glibc gives threads an arena each, which keep what was freed: megabytes that come and go. With one of them what is
    // resident is what is in use.
    if std::env::var_os(ONE_ARENA).is_none() {
        let mut again = tokio::process::Command::new(std::env::current_exe().expect("this test"));
        again.args(["--exact", "ten_thousand_connections_leave_nothing_behind", "--nocapture"]);
        let status = again.env(ONE_ARENA, "1").kill_on_drop(true).status().await.expect("it runs");
        assert!(status.success(), "{status}");
        return;
    }
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let mut forward = world.access.forward(&endpoint, &RouteChoice::Auto, 0, None).await.expect("forwarded");
    let port = forward.port();
    let access = world.access.clone();
    let streams = || access.lines().iter().map(|line| line.streams).sum::<usize>();
    let clients = async {
        let (idle, begun) = (held(), Instant::now());
        let mut after: Vec<Held> = Vec::new();
        for _ in 0..COUNT / STRETCH {
            for _ in 0..STRETCH / AT_ONCE {
                together(port, streams).await;
                // A client that leaves without a word is missed a moment later; if thousands of them waited for that, it
                // is their number and no leak that would be measured.
                // Measured: 40 MB of buffers for 600, flat to the kilobyte over 10,000 where there is one arena.
                until(|| streams() <= AT_ONCE * 3, || format!("{} streams are left", streams())).await;
            }
            // What the sandbox's side still has to clear away counts too.
            let clean = || streams() == 0 && held().is_at_most(&idle);
            until(clean, || format!("{} streams are left, {:?} instead of {idle:?}", streams(), held())).await;
            after.push(held());
        }
        eprintln!("{COUNT} connections in {:?}: from {idle:?} to {after:?}", begun.elapsed());
        let memory: Vec<u64> = after.iter().filter_map(|held| held.memory).collect();
        // What leaks grows in every stretch. An allocator's free lists grow until there was a moment as busy as any, be it in
        // the first stretch or the third (seen: 39, 55, 63, 63, 63 MB).
        if let Some(grown) = memory.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).min() {
            assert!(grown < LEAK * STRETCH as u64, "{grown} bytes in every stretch: {after:?}");
        }
    };
    tokio::select! {
        last = forward.serve() => panic!("{last}"),
        () = clients => {}
    }
    forward.close().await;
    world.access.close().await;
    assert!(world.sandbox.sessions().live().is_empty());
}
