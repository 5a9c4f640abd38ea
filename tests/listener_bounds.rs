//! A real `gatepost proxy` among strangers: a thousand connections held half open at once, garbage, lengths of a gibibyte
//! before and behind the login. Others are served meanwhile, and its memory stays bounded.

use gatepost::sandbox::{Options, Sandbox};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Kilobytes that strangers may cost.
const COST: u64 = 48 << 10;

struct Proxy {
    pid: u32,
    port: u16,
    secret: String,
}

impl Proxy {
    /// One that may have so many descriptors, soft and hard.
    async fn start(sandbox: &Sandbox, state: &Path, descriptors: Option<(u64, u64)>) -> (Child, Proxy) {
        let proxy = [env!("CARGO_BIN_EXE_gatepost"), "proxy", "reports", "--user", "oncall", "--via", "direct"];
        let mut command = match descriptors {
            None => Command::new(proxy[0]),
            Some((soft, hard)) => {
                let mut shell = Command::new("sh");
                shell.args([
                    "-c",
                    &format!("ulimit -S -n {soft} && ulimit -H -n {hard} && exec \"$@\""),
                    "sh",
                    proxy[0],
                ]);
                shell
            }
        };
        command.args(&proxy[1..]).envs(sandbox.environment());
        command.env("GATEPOST_STATE_DIR", state).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut line = async || lines.next_line().await.expect("text").expect("two lines are printed");
        let (_, pasted) = (line().await, line().await);
        let value = |name: &str| {
            let rest = pasted.split_once(&format!("{name}=")).map(|(_, rest)| rest).expect("it is told");
            rest.split([' ', '\'']).next().unwrap_or_default().to_owned()
        };
        let passfile = std::fs::read_to_string(value("passfile")).expect("there");
        let secret = passfile.lines().next().and_then(|line| line.rsplit(':').next()).expect("a password").to_owned();
        let pid = child.id().expect("it runs");
        (child, Proxy { pid, port: value("port").parse().expect("a port"), secret })
    }

    /// Ends as it should.
    async fn end(&self, mut child: Child) {
        let pid = rustix::process::Pid::from_raw(self.pid.cast_signed()).expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is ours");
        assert!(child.wait().await.expect("it ends").success());
    }

    async fn knock(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.expect("it listens")
    }

    /// That one with the secret is served, within a time that people take for none.
    async fn serves(&self) {
        let served = async {
            let mut config = tokio_postgres::Config::new();
            config.host("127.0.0.1").port(self.port).user("u").dbname("shop").password(&self.secret);
            let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("in");
            tokio::spawn(connection);
            client.simple_query("select 1").await.expect("answered");
        };
        tokio::time::timeout(Duration::from_secs(30), served).await.expect("served in time");
    }

    /// Kilobytes.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
        line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
    }
}

/// Bytes of a small generator, the same in each run.
fn garbage(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..64 << 10).map(|_| next()).collect()
}

/// Says it and reads until the end; a connection that is reset has ended, too.
async fn all(mut stream: TcpStream, bytes: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let talked = async {
        let (mut read, mut write) = stream.split();
        // One that is turned away takes nothing more.
        let _ = tokio::join!(write.write_all(bytes), read.read_to_end(&mut answer));
    };
    tokio::time::timeout(Duration::from_secs(60), talked).await.expect("it is ended");
    answer
}

fn startup() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0u\0database\0shop\0\0";
    [&(body.len() as u32 + 4).to_be_bytes()[..], body].concat()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn strangers_cost_little_and_keep_nobody_out() {
    // A thousand sockets of ours, and what the sandbox takes.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("up to the hard limit");
    let sandbox = Sandbox::start(Options { events: false, ..Options::default() }).await.expect("the sandbox starts");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (child, proxy) = Proxy::start(&sandbox, folder.path(), None).await;
    // What serving itself takes, several at once.
    for _ in 0..5 {
        tokio::join!(proxy.serves(), proxy.serves(), proxy.serves(), proxy.serves());
    }
    let before = proxy.resident();
    let mut most = before;

    // A thousand that are held, each with a part of what it should say; every hundredth time somebody means it.
    let mut held = Vec::new();
    for at in 0..1000_usize {
        let mut stream = proxy.knock().await;
        // One that was dropped takes nothing.
        let _ = stream.write_all(&startup()[..at % 25]).await;
        held.push(stream);
        if at % 100 == 99 {
            proxy.serves().await;
            most = most.max(proxy.resident());
        }
    }
    // Slowly on, a byte at a time.
    for _ in 0..3 {
        for stream in &mut held {
            let _ = stream.write_all(&[0]).await;
        }
        proxy.serves().await;
    }
    most = most.max(proxy.resident());
    drop(held);

    for seed in 0..100 {
        let answer = all(proxy.knock().await, &garbage(seed)).await;
        assert!(!answer.starts_with(b"R"), "let in by garbage {seed}");
        let answer = all(proxy.knock().await, &[startup(), garbage(seed)].concat()).await;
        assert!(!String::from_utf8_lossy(&answer).contains("server_version"), "let in by garbage {seed}");
    }
    proxy.serves().await;
    most = most.max(proxy.resident());

    // A gibibyte is announced, and megabytes of it follow: as the first packet, as an answer to SASL.
    let gibibyte = 0x4000_0000_u32.to_be_bytes();
    let much = vec![b'x'; 4 << 20];
    for _ in 0..20 {
        for bytes in [&gibibyte[..], &[&startup()[..], b"p", &gibibyte].concat()] {
            let answer = all(proxy.knock().await, &[bytes, &much].concat()).await;
            assert!(answer.is_empty() || String::from_utf8_lossy(&answer).contains("C08P01"), "{answer:?}");
        }
    }
    proxy.serves().await;
    most = most.max(proxy.resident());
    println!("{before} kB before, {most} kB at most");
    assert!(most - before < COST, "{before} kB before, {most} kB at most");

    proxy.end(child).await;
    sandbox.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn where_descriptors_are_short_strangers_keep_nobody_out() {
    let sandbox = Sandbox::start(Options { events: false, ..Options::default() }).await.expect("the sandbox starts");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (child, proxy) = Proxy::start(&sandbox, folder.path(), Some((64, 64))).await;
    let mut held = Vec::new();
    for round in 0..4 {
        for _ in 0..50 {
            held.push(proxy.knock().await);
        }
        proxy.serves().await;
        let descriptors = std::fs::read_dir(format!("/proc/{}/fd", proxy.pid)).expect("it runs").count();
        assert!(descriptors < 64, "{descriptors} in round {round}");
    }
    proxy.end(child).await;

    // It takes as many as it may have, within reason.
    let (child, proxy) = Proxy::start(&sandbox, folder.path(), Some((64, 300))).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", proxy.pid)).expect("it runs");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("Linux tells it");
    assert_eq!(line.split_whitespace().take(2).collect::<Vec<_>>(), ["300", "300"]);
    proxy.end(child).await;
    sandbox.stop().await;
}
