//! Speed through the listener against the same TLS server dialled straight, and against PgBouncer (session pooling, TLS to
//! the server), in the same run: pgbench's transactions, connections opened a second (`-C`), COPY both ways. The rounds of
//! all ways are interleaved and medians are told, so that a busy machine disturbs all alike. It must not judge: it prints
//! tables. `cargo bench --bench listener -- plain apart sandbox`, any of them:
//!
//! - `plain`: a PostgreSQL as `initdb` makes it (`fsync` on) with TLS of its own; everything on all cores.
//! - `apart`: the same, the server on the last core, everything else on the first (`taskset`), as where it is another machine.
//! - `sandbox`: the sandbox's `reports`, whose gate is a process on the way itself; no `fsync`.
//!
//! PgBouncer hands sessions of its pool on; `each its session` is the row with logins like ours (`server_lifetime = 0`).
//! `CPU us` is what the process between needs for a `select 1`, where the system tells. Without pgbench or psql it says so;
//! without HAProxy, PgBouncer or taskset it goes without. `GATEPOST_BENCH` names another gatepost to measure.
//!
//! Calls of the system a `select 1`, 8 clients (strace; PgBouncer's reads are three, for it reads a record's head by itself):
//!
//! | | sends | receives | epoll_wait | of 20 MB of COPY in: sends | receives | epoll_ctl |
//! |---|---|---|---|---|---|---|
//! | listener | 2.0 | 2.0 | 0.5 to 1.3 | 329 (1,255 with a write a record) | 333 | 0 |
//! | PgBouncer | 2.0 | 3.0 | 0.4 | 4,935 | 4,913 | 3,911 |
//!
//! Two cores, PostgreSQL 15, release, 29 November 2026, nothing else at work; ratios of straight TLS with SCRAM, which is in
//! figures (the first four are transactions a second). Set-up `apart`, the server on a core of its own:
//!
//! | median of 3 | pgbench | 50 clients | `-S` | `select 1` | logins/s | COPY out MB/s | COPY in MB/s | CPU us |
//! |---|---|---|---|---|---|---|---|---|
//! | straight, TLS with SCRAM | 1,548 | 1,009 | 9,749 | 32,262 | 101 | 371 | 157 | |
//! | listener, port with SCRAM | 1.07 | 1.35 | 1.11 | 0.93 | 1.04 | 1.25 | 1.24 | 20.6 |
//! | listener, socket | 0.99 | 1.21 | 1.02 | 1.22 | 1.39 | 1.36 | 1.36 | 16.5 |
//! | the same, port, one thread | 1.03 | 1.20 | 1.06 | 0.99 | 1.17 | 1.35 | 1.40 | 19.1 |
//! | the same, socket, one thread | 1.00 | 1.31 | 1.06 | 1.30 | 1.54 | 1.18 | 1.44 | 15.8 |
//! | HAProxy, forwards alone | 1.01 | 1.18 | 1.15 | 0.80 | 0.90 | 1.17 | 1.24 | 19.6 |
//! | PgBouncer, port | 0.96 | 1.14 | 1.05 | 0.93 | 1.42 | 0.80 | 1.26 | 20.8 |
//! | PgBouncer, socket | 1.07 | 1.26 | 1.14 | 1.09 | 1.40 | 0.84 | 1.25 | 18.9 |
//! | PgBouncer, port and socket, each its session | | | | | 0.58, 0.60 | | | |
//!
//! Set-up `plain`, in the same run, where client, listener and server share both cores:
//!
//! | median of 3 | pgbench | 50 clients | `-S` | `select 1` | logins/s | COPY out MB/s | COPY in MB/s | CPU us |
//! |---|---|---|---|---|---|---|---|---|
//! | straight, TLS with SCRAM | 2,522 | 2,161 | 18,652 | 53,383 | 149 | 350 | 208 | |
//! | listener, port with SCRAM | 0.74 | 0.77 | 0.75 | 0.46 | 0.84 | 1.38 | 1.07 | 26.2 |
//! | listener, socket | 0.70 | 0.80 | 0.74 | 0.51 | 1.37 | 1.45 | 1.10 | 22.5 |
//! | the same, port, one thread | 0.78 | 0.74 | 0.73 | 0.45 | 0.78 | 1.27 | 1.08 | 23.4 |
//! | the same, socket, one thread | 0.78 | 0.82 | 0.84 | 0.51 | 1.14 | 1.44 | 1.10 | 20.8 |
//! | HAProxy, forwards alone | 0.81 | 0.88 | 0.76 | 0.48 | 0.80 | 1.36 | 1.07 | 18.7 |
//! | PgBouncer, port | 0.80 | 0.78 | 0.83 | 0.51 | 1.16 | 0.97 | 1.04 | 22.2 |
//! | PgBouncer, socket | 0.89 | 0.91 | 0.82 | 0.52 | 1.35 | 0.92 | 1.03 | 20.6 |
//! | PgBouncer, port and socket, each its session | | | | | 0.44, 0.50 | | | |
//!
//! Three medians on a virtual machine scatter by a tenth, at times by a fifth: `apart` once more that day gave the port 0.99,
//! 1.00, 1.01, 0.79 (HAProxy 0.76, PgBouncer 0.78), 0.96, 1.06, 0.98, the socket 0.83, 0.99, 0.96, 1.05, 1.38, 1.04, 0.97. In `plain` both cores are busy in the straight run already, so
//! whatever is on the way costs what it computes: two reads, two writes and two wake-ups, 19 us in HAProxy, which only
//! forwards; beside the 37 us of both cores that a `select 1` takes straight, 0.9 leaves 4. PgBouncer's logins are none at
//! the database where a session of its pool is handed on; the listener logs each client in anew. On a port a client counts
//! SCRAM's 4,096 rounds, as it does straight with a password; on a socket not.

use listener::others::{haproxy, pgbouncer};
use listener::server::Server;
use listener::{Ending, Variables, client, value};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

mod listener {
    //! Parts of this bench.
    pub mod others;
    pub mod server;

    use rustix::process::{Pid, Signal, kill_process};
    use std::process::{Child, Command, Stdio};

    /// The user as whom root runs what does not run as root.
    pub const NOBODY: u32 = 65534;

    /// What leads libpq somewhere.
    pub type Variables = Vec<(&'static str, String)>;

    /// One of them.
    pub fn value(variables: &Variables, name: &str) -> String {
        variables.iter().rev().find(|one| one.0 == name).map(|one| one.1.clone()).expect("it is there")
    }

    pub fn client(program: &str, variables: &Variables) -> Command {
        let mut command = Command::new(program);
        command.envs(variables.iter().cloned()).stderr(Stdio::null());
        command
    }

    /// Ends with us, however that is: what outlived a panic would hold our output open.
    pub struct Ending {
        pub child: Child,
        gently: bool,
    }

    impl Ending {
        pub fn new(child: Child) -> Ending {
            Ending { child, gently: false }
        }

        /// By SIGINT: PostgreSQL takes its children with it.
        pub fn gently(child: Child) -> Ending {
            Ending { child, gently: true }
        }
    }

    impl Drop for Ending {
        fn drop(&mut self) {
            let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
            match pid.filter(|_| self.gently) {
                // Where it has ended already there is nobody to be told.
                Some(pid) => drop(kill_process(pid, Signal::INT)),
                None => self.child.kill().expect("it is ours"),
            }
            self.child.wait().expect("it ends");
        }
    }
}

const ROUNDS: usize = 3;
/// Of each run of pgbench.
const SECONDS: &str = "3";
/// What is measured of each way: transactions a second of pgbench with 8 and with 50 clients, the next three with 8.
const COLUMNS: [&str; 8] =
    ["pgbench", "50 clients", "pgbench -S", "select 1", "logins/s", "COPY out MB/s", "COPY in MB/s", "CPU us"];
const LOGINS: usize = 4;
/// Of what is between, microseconds of its CPU time a `select 1`.
const CPU: usize = 7;
/// What the sandbox's Secrets Manager holds for `postgres` (src/sandbox/secrets.rs).
const MASTER: &str = "postgres-master-password";
/// Of a line that is copied, its end too.
const LINE: usize = 1001;
const OUT: usize = 400_000;
const IN: usize = 200_000;
const SETUPS: [&str; 3] = ["plain", "apart", "sandbox"];

fn gatepost() -> Command {
    Command::new(std::env::var_os("GATEPOST_BENCH").unwrap_or_else(|| env!("CARGO_BIN_EXE_gatepost").into()))
}

fn main() {
    for program in ["pgbench", "psql"] {
        if Command::new(program).arg("--version").stdout(Stdio::null()).status().is_err() {
            println!("{program} is not on PATH: nothing to measure with");
            return;
        }
    }
    let mut wanted: Vec<String> = std::env::args().skip(1).filter(|word| SETUPS.contains(&word.as_str())).collect();
    if wanted.is_empty() {
        wanted = SETUPS.map(str::to_owned).to_vec();
    }
    let mut sandbox = Ending::new(start(gatepost().arg("sandbox")));
    // Kept to the end: a pipe that nobody holds would stop whoever prints into it.
    let mut lines = BufReader::new(sandbox.child.stdout.take().expect("piped")).lines();
    let environment = environment(&mut lines);
    let result = std::panic::catch_unwind(|| wanted.iter().for_each(|setup| compare(setup, &environment)));
    drop(sandbox);
    if result.is_err() {
        std::process::exit(1);
    }
}

fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts")
}

/// The `export` lines up to `# ready`.
fn environment(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> HashMap<String, String> {
    let mut environment = HashMap::new();
    for line in lines {
        let line = line.expect("the sandbox prints UTF-8");
        if line.starts_with("# ready") {
            return environment;
        }
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|pair| pair.split_once('=')) {
            environment.insert(name.to_owned(), value.trim_matches(['\'', '"']).to_owned());
        }
    }
    panic!("the sandbox ended before it was ready");
}

/// The variables that lead libpq straight to the server, TLS verified, with a token.
fn straight(environment: &HashMap<String, String>) -> Variables {
    let resolve = environment.get("GATEPOST_RESOLVE").expect("the sandbox tells where direct lines lead");
    let reports = resolve.split(',').find(|entry| entry.starts_with("reports.")).expect("reports is reached directly");
    let parts: Vec<&str> = reports.split(':').collect();
    let [host, _, address, port] = parts[..] else { panic!("{reports}: expected HOST:PORT:ADDRESS:PORT") };
    let token = gatepost()
        .args(["token", "reports", "--user", "oncall"])
        .envs(environment)
        .output()
        .expect("gatepost token runs");
    let token = String::from_utf8(token.stdout).expect("a token is ASCII");
    vec![
        ("PGHOST", host.to_owned()),
        ("PGHOSTADDR", address.to_owned()),
        ("PGPORT", port.to_owned()),
        ("PGSSLMODE", "verify-full".to_owned()),
        ("PGSSLROOTCERT", environment["GATEPOST_CA_BUNDLE"].clone()),
        ("PGPASSWORD", token.trim().to_owned()),
        ("PGUSER", "oncall".to_owned()),
        ("PGDATABASE", "shop".to_owned()),
    ]
}

/// A way to the database.
struct Way {
    name: String,
    variables: Variables,
    /// What is between.
    process: Option<u32>,
    /// Of a pool whose sessions serve one client each, the logins alone.
    only_logins: bool,
}

impl Way {
    fn new(name: &str, variables: Variables, process: Option<u32>) -> Way {
        Way { name: name.to_owned(), variables, process, only_logins: false }
    }
}

/// One set-up: its server, the ways to it, a table.
fn compare(setup: &str, environment: &HashMap<String, String>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = folder.path().join("one.sql");
    std::fs::write(&script, "select 1;\n").expect("written");
    let lines = folder.path().join("lines");
    std::fs::write(&lines, format!("{}\n", "x".repeat(LINE - 1)).repeat(IN)).expect("written");
    let file = script.display().to_string();
    let token = straight(environment);
    let mut environment = environment.clone();
    let mut login = vec!["--user".to_owned(), "oncall".to_owned(), "--database".to_owned(), "shop".to_owned()];
    let mut own = None;
    let mut ways = Vec::new();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (administrator, scale) = if setup == "sandbox" {
        let mut password = token.clone();
        password.extend([("PGUSER", "postgres".to_owned()), ("PGPASSWORD", MASTER.to_owned())]);
        ways.push(Way::new("straight, TLS", token.clone(), None));
        ways.push(Way::new("straight, TLS with SCRAM", password.clone(), None));
        (password, "5")
    } else {
        if setup == "apart" && (cores < 2 || !pin("0")) {
            return println!("apart: needs two cores and taskset");
        }
        let server = Server::start(&value(&token, "PGHOST"), (setup == "apart").then_some(cores - 1));
        let variables = server.straight.clone();
        own = Some(server);
        let leads = format!("{}:5432:127.0.0.1:{}", value(&variables, "PGHOST"), value(&variables, "PGPORT"));
        environment.insert("GATEPOST_RESOLVE".to_owned(), leads);
        environment.insert("GATEPOST_CA_BUNDLE".to_owned(), value(&variables, "PGSSLROOTCERT"));
        environment.insert("PGPASSWORD".to_owned(), value(&variables, "PGPASSWORD"));
        login = ["--user", "postgres", "--database", "postgres", "--auth", "password"].map(str::to_owned).to_vec();
        ways.push(Way::new("straight, TLS with SCRAM", variables.clone(), None));
        (variables, "50")
    };
    let to = ways[0].variables.clone();
    assert!(
        client("pgbench", &administrator).args(["-i", "-q", "-s", scale]).status().is_ok_and(|status| status.success())
    );
    if setup == "sandbox" {
        let grant = ["-X", "-q", "-c", "grant all on all tables in schema public to oncall"];
        assert!(client("psql", &administrator).args(grant).status().is_ok_and(|status| status.success()));
    }
    let mut others = Vec::new();
    let mut folders = Vec::new();
    let port = || vec!["--port".to_owned(), "0".to_owned()];
    let socket = |name: &str| vec![format!("--socket={}", folder.path().join(name).display())];
    for (name, words, threads) in [
        ("listener, port with SCRAM", port(), None),
        ("listener, socket", socket("s"), None),
        ("listener, port, one thread", port(), Some("1")),
        ("listener, socket, one thread", socket("t"), Some("1")),
    ] {
        let mut command = gatepost();
        command.args(["proxy", "reports", "--via", "direct", "--write"]).args(&login).args(words).envs(&environment);
        // Tokio's own variable.
        if let Some(threads) = threads {
            command.env("TOKIO_WORKER_THREADS", threads);
        }
        let mut proxy = start(&mut command);
        let mut lines = BufReader::new(proxy.stdout.take().expect("piped")).lines();
        let mut line = || lines.next().expect("two lines are printed").expect("text");
        let (_, pasted) = (line(), line());
        let mut leads = variables(&pasted);
        leads.extend(to.iter().filter(|one| matches!(one.0, "PGUSER" | "PGDATABASE")).cloned());
        ways.push(Way::new(name, leads, Some(proxy.id())));
        others.push(Ending::new(proxy));
    }
    let forwarded = tempfile::tempdir().expect("a temporary folder");
    match haproxy(&to, forwarded.path()) {
        Some((forwarder, variables)) => {
            ways.push(Way::new("HAProxy, forwards alone", variables, Some(forwarder.id())));
            others.push(Ending::new(forwarder));
        }
        None => println!("no HAProxy is here to compare with"),
    }
    for once in [false, true] {
        let Some((bouncer, its, variables)) = pgbouncer(&to, once) else {
            println!("no PgBouncer is here to compare with");
            break;
        };
        let by_socket = variables.iter().filter(|one| one.0 != "PGHOST").cloned();
        let by_socket = by_socket.chain([("PGHOST", its.path().display().to_string())]).collect();
        let kind = if once { ", each its session" } else { "" };
        for (name, variables) in [("port", variables), ("socket", by_socket)] {
            let way = Way::new(&format!("PgBouncer, {name}{kind}"), variables, Some(bouncer.id()));
            ways.push(Way { only_logins: once, ..way });
        }
        others.push(Ending::new(bouncer));
        folders.push(its);
    }
    println!(
        "{setup}: {}",
        match setup {
            "plain" => "a PostgreSQL as initdb makes it, with TLS; client, what is between and server on all cores",
            "apart" => "the same with a core of its own, as on another machine; client and what is between on one",
            _ => "the sandbox's gate, which is a process on the way itself; no fsync",
        }
    );
    measure(&ways, &file, &lines, own.is_some());
    if setup == "apart" {
        assert!(pin(&format!("0-{}", cores - 1)), "pinned once, so taskset is there");
    }
}

/// This process and what it starts from now on, on those cores.
fn pin(cores: &str) -> bool {
    let words = ["-cp", cores, &std::process::id().to_string()];
    Command::new("taskset").args(words).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn measure(ways: &[Way], file: &str, lines: &Path, checkpoints: bool) {
    let mut figures = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for (way, figures) in ways.iter().zip(&mut figures) {
            let of = |words: &[&str]| pgbench(&way.variables, &[&["-j", "2", "-T", SECONDS], words].concat());
            let mut round = [f64::NAN; COLUMNS.len()];
            round[LOGINS] = of(&["-c", "8", "-C", "-f", file]);
            if !way.only_logins {
                for (at, clients) in [(0, "8"), (1, "50")] {
                    if checkpoints {
                        // A checkpoint in the middle of a run would be that way's bad luck.
                        assert!(
                            client("psql", &ways[0].variables)
                                .args(["-c", "checkpoint"])
                                .stdout(Stdio::null())
                                .status()
                                .is_ok_and(|s| s.success())
                        );
                    }
                    round[at] = of(&["-c", clients]);
                }
                round[2] = of(&["-c", "8", "-S"]);
                let before = way.process.and_then(cpu);
                let begun = Instant::now();
                round[3] = of(&["-c", "8", "-f", file]);
                // pgbench tells transactions a second of SECONDS; what it took besides is its start.
                let seconds = SECONDS.parse::<f64>().expect("a number").min(begun.elapsed().as_secs_f64());
                if let Some((before, after)) = before.zip(way.process.and_then(cpu)) {
                    round[CPU] = (after - before) / (round[3] * seconds) / 1000.0;
                }
                round[5] = copy_out(&way.variables);
                round[6] = copy_in(&way.variables, lines);
            }
            figures.push(round);
        }
    }
    let median = |rounds: &[[f64; COLUMNS.len()]], at: usize| {
        let mut sorted: Vec<f64> = rounds.iter().map(|round| round[at]).collect();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    print!("{:<34}", format!("median of {ROUNDS}"));
    COLUMNS.iter().for_each(|column| print!("{column:>17}"));
    println!();
    for (way, rounds) in ways.iter().zip(&figures) {
        print!("{:<34}", way.name);
        for at in 0..COLUMNS.len() {
            match median(rounds, at) {
                of if of.is_nan() => print!("{:>17}", "-"),
                of if at == CPU => print!("{of:>17.1}"),
                of => print!("{of:>11.0} {:>5.2}", of / median(&figures[0], at)),
            }
        }
        println!();
    }
}

/// Nanoseconds of CPU time that a process's threads have had; `None` where the system does not tell (Linux does).
fn cpu(process: u32) -> Option<f64> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let of = |path: std::path::PathBuf| {
        std::fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    Some(threads.flatten().filter_map(|thread| of(thread.path())).map(|had: u64| had as f64).sum())
}

/// The variables of a line that `gatepost proxy` prints: `psql 'host=… port=… user=… dbname=… passfile=…'`.
fn variables(pasted: &str) -> Variables {
    let value = |name: &str| {
        let at = pasted.find(&format!("{name}=")).map(|at| at + name.len() + 1)?;
        pasted[at..].split([' ', '\'']).next().map(str::to_owned)
    };
    let names = [("PGPASSFILE", "PGPASSFILE"), ("PGPASSFILE", "passfile"), ("PGHOST", "host"), ("PGPORT", "port")];
    names.into_iter().filter_map(|(variable, name)| value(name).map(|value| (variable, value))).collect()
}

/// Transactions a second.
fn pgbench(variables: &Variables, words: &[&str]) -> f64 {
    let mut command = client("pgbench", variables);
    let output = command.arg("-n").args(words).stderr(Stdio::inherit()).output().expect("pgbench runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("tps = ")).unwrap_or_else(|| panic!("{text}"));
    line.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

/// Megabytes a second.
fn copy_out(variables: &Variables) -> f64 {
    let text = format!("copy (select repeat('x', {}) from generate_series(1, {OUT})) to stdout", LINE - 1);
    let begun = Instant::now();
    let status = client("psql", variables).args(["-X", "-c", &text]).stdout(Stdio::null()).status().expect("psql runs");
    assert!(status.success());
    (OUT * LINE) as f64 / 1e6 / begun.elapsed().as_secs_f64()
}

/// Megabytes a second.
fn copy_in(variables: &Variables, lines: &Path) -> f64 {
    let words = ["-X", "-q", "-c", "create temp table lines (line text)", "-c", "copy lines from stdin"];
    let begun = Instant::now();
    let mut command = client("psql", variables);
    command.args(words).stdin(std::fs::File::open(lines).expect("there"));
    assert!(command.status().expect("psql runs").success());
    (IN * LINE) as f64 / 1e6 / begun.elapsed().as_secs_f64()
}
