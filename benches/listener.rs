//! Speed through the listener against the same TLS server dialled straight, and against PgBouncer (session pooling, TLS to
//! the server), in the same run: pgbench's transactions, connections opened a second (`-C`), COPY both ways. All go to the
//! sandbox's `reports` over a direct line. The rounds of all ways are interleaved and medians are told, so that a busy
//! machine disturbs all alike. It must not judge: it prints a table. `cargo bench --bench listener`. Without pgbench or psql
//! it says so; without PgBouncer it goes without. `GATEPOST_BENCH` names another gatepost to measure.
//!
//! Two cores, PostgreSQL 15, release, 28 November 2026, nothing else at work; the first three are transactions a second:
//!
//! | median of 3 | pgbench | `-S` | `select 1` | logins a second | COPY out MB/s | COPY in MB/s |
//! |---|---|---|---|---|---|---|
//! | straight, TLS, a token | 2,501 | 19,148 | 31,912 | 142 | 421 | 247 |
//! | straight, TLS with SCRAM | 1.01 | 0.99 | 1.00 | 0.71 | 0.97 | 0.97 |
//! | listener, port with SCRAM | 0.73 | 0.73 | 0.66 | 0.76 | 1.04 | 0.86 |
//! | listener, socket | 0.80 | 0.80 | 0.67 | 1.03 | 1.01 | 0.94 |
//! | HAProxy, forwards alone | 0.71 | 0.73 | 0.59 | 1.03 | 0.92 | 0.81 |
//! | PgBouncer, port with SCRAM | 0.78 | 0.78 | 0.64 | 1.30 | 0.70 | 0.87 |
//! | PgBouncer, socket, SCRAM | 0.85 | 0.84 | 0.74 | 1.38 | 0.73 | 0.88 |
//!
//! The listener was served by one thread in that run; with one for each core, as it is, `select 1` by hand gave 0.73 and 0.74.
//! Both cores are busy in the straight run already (62 µs of them a `select 1`), so whatever is on the way costs what it
//! computes: two reads, two writes and two wake-ups, 20 µs in HAProxy, which only forwards, and 21 to 24 µs here with TLS. 0.9
//! would leave 7 µs. PgBouncer's logins are none at the database: a session of its pool is handed on, where the listener logs
//! each client in anew. On a port a client counts SCRAM's 4,096 rounds, as it does straight with a password; on a socket not.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 3;
/// Of each run of pgbench.
const SECONDS: &str = "3";
/// What is measured of each way, the first three in transactions a second with 8 clients.
const COLUMNS: [&str; 6] = ["pgbench", "pgbench -S", "select 1", "logins/s", "COPY out MB/s", "COPY in MB/s"];
/// What the sandbox's Secrets Manager holds for `postgres` (src/sandbox/secrets.rs).
const MASTER: &str = "postgres-master-password";
/// Of a line that is copied, its end too.
const LINE: usize = 1001;
const OUT: usize = 400_000;
const IN: usize = 200_000;

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
    let mut sandbox = Ending(start(gatepost().arg("sandbox")));
    // Kept to the end: a pipe that nobody holds would stop whoever prints into it.
    let mut lines = BufReader::new(sandbox.0.stdout.take().expect("piped")).lines();
    let environment = environment(&mut lines);
    let result = std::panic::catch_unwind(|| compare(&environment));
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
    ]
}

fn compare(environment: &HashMap<String, String>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = folder.path().join("one.sql");
    std::fs::write(&script, "select 1;\n").expect("written");
    let lines = folder.path().join("lines");
    std::fs::write(&lines, format!("{}\n", "x".repeat(LINE - 1)).repeat(IN)).expect("written");
    let file = script.display().to_string();
    let socket = folder.path().join("s");
    let mut others = Vec::new();
    let token = straight(environment);
    let mut password = token.clone();
    password.retain(|(name, _)| *name != "PGPASSWORD");
    password.extend([("PGUSER", "postgres".to_owned()), ("PGPASSWORD", MASTER.to_owned())]);
    let grant = ["-X", "-q", "-c", "grant all on all tables in schema public to oncall"];
    assert!(client("pgbench", &password).args(["-i", "-q", "-s", "5"]).status().is_ok_and(|status| status.success()));
    assert!(client("psql", &password).args(grant).status().is_ok_and(|status| status.success()));
    let mut ways = vec![("straight, TLS", token), ("straight, TLS with SCRAM", password)];
    for (name, words) in [
        ("listener, port with SCRAM", vec!["--port".to_owned(), "0".to_owned()]),
        ("listener, socket", vec![format!("--socket={}", socket.display())]),
    ] {
        let mut command = gatepost();
        command.args(["proxy", "reports", "--user", "oncall", "--database", "shop", "--via", "direct"]).args(words);
        let mut proxy = start(command.envs(environment));
        let mut lines = BufReader::new(proxy.stdout.take().expect("piped")).lines();
        let mut line = || lines.next().expect("two lines are printed").expect("text");
        let (_, pasted) = (line(), line());
        ways.push((name, variables(&pasted)));
        others.push(Ending(proxy));
    }
    let forwarded = tempfile::tempdir().expect("a temporary folder");
    match haproxy(&straight(environment), forwarded.path()) {
        Some((forwarder, variables)) => {
            others.push(Ending(forwarder));
            ways.push(("HAProxy, forwards alone", variables));
        }
        None => println!("no HAProxy is here to compare with"),
    }
    match pgbouncer(&straight(environment)) {
        Some((bouncer, folder, variables)) => {
            others.push(Ending(bouncer));
            let socket = [("PGHOST", folder.path().display().to_string())];
            let by_socket = variables.iter().filter(|one| one.0 != "PGHOST").cloned().chain(socket).collect();
            ways.extend([("PgBouncer, port with SCRAM", variables), ("PgBouncer, socket, SCRAM", by_socket)]);
            measure(&ways, &file, &lines);
        }
        None => {
            println!("no PgBouncer is here to compare with");
            measure(&ways, &file, &lines);
        }
    }
}

/// Ends with us, however that is: what outlived a panic would hold our output open.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("it ends");
    }
}

type Variables = Vec<(&'static str, String)>;

fn measure(ways: &[(&str, Variables)], file: &str, lines: &Path) {
    let mut figures = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for ((_, variables), figures) in ways.iter().zip(&mut figures) {
            figures.push([
                pgbench(variables, &["-c", "8", "-j", "2", "-T", SECONDS]),
                pgbench(variables, &["-c", "8", "-j", "2", "-T", SECONDS, "-S"]),
                pgbench(variables, &["-c", "8", "-j", "2", "-T", SECONDS, "-f", file]),
                pgbench(variables, &["-C", "-c", "8", "-j", "2", "-T", SECONDS, "-f", file]),
                copy_out(variables),
                copy_in(variables, lines),
            ]);
        }
    }
    let median = |rounds: &[[f64; COLUMNS.len()]], at: usize| {
        let mut sorted: Vec<f64> = rounds.iter().map(|round| round[at]).collect();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    print!("{:<28}", format!("median of {ROUNDS}"));
    COLUMNS.iter().for_each(|column| print!("{column:>17}"));
    println!();
    for ((name, _), rounds) in ways.iter().zip(&figures) {
        print!("{name:<28}");
        for at in 0..COLUMNS.len() {
            let of = median(rounds, at);
            print!("{of:>11.0} {:>5.2}", of / median(&figures[0], at));
        }
        println!();
    }
}

/// HAProxy that forwards bytes (`mode tcp`), TLS being the client's and the server's: what any process on the way costs.
fn haproxy(straight: &Variables, folder: &Path) -> Option<(Child, Variables)> {
    let program = ["haproxy", "/usr/sbin/haproxy"]
        .into_iter()
        .find(|program| Command::new(program).arg("-v").stdout(Stdio::null()).status().is_ok())?;
    let value = |name: &str| straight.iter().find(|one| one.0 == name).map(|one| one.1.clone()).expect("it is there");
    let port = free_port();
    let text = format!(
        "global\n nbthread 1\ndefaults\n mode tcp\n timeout connect 5s\n timeout client 1h\n timeout server 1h\n\
         listen it\n bind 127.0.0.1:{port}\n server it {}:{}\n",
        value("PGHOSTADDR"),
        value("PGPORT"),
    );
    let settings = folder.join("haproxy.cfg");
    std::fs::write(&settings, text).expect("written");
    let mut command = Command::new(program);
    let child = command.arg("-db").arg("-f").arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let changed = [("PGHOSTADDR", "127.0.0.1".to_owned()), ("PGPORT", port.to_string())];
    let kept = straight.iter().filter(|one| changed.iter().all(|changed| changed.0 != one.0)).cloned();
    let variables: Variables = kept.chain(changed.clone()).collect();
    lets_in("HAProxy", &variables);
    Some((child.expect("HAProxy starts"), variables))
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port").port()
}

fn lets_in(name: &str, variables: &Variables) {
    let begun = Instant::now();
    let words = ["-X", "-c", "select 1"];
    while !client("psql", variables).args(words).stdout(Stdio::null()).status().is_ok_and(|s| s.success()) {
        assert!(begun.elapsed().as_secs() < 30, "{name} lets nobody in");
    }
}

/// PgBouncer before the same server, as whoever it is run by or, from root, as `nobody`; its folder and what leads to it.
fn pgbouncer(straight: &Variables) -> Option<(Child, tempfile::TempDir, Variables)> {
    const NOBODY: u32 = 65534;
    let program = ["pgbouncer", "/usr/sbin/pgbouncer"]
        .into_iter()
        .find(|program| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok())?;
    let value = |name: &str| straight.iter().find(|one| one.0 == name).map(|one| one.1.clone()).expect("it is there");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = free_port();
    let roots = folder.path().join("roots.pem");
    std::fs::copy(value("PGSSLROOTCERT"), &roots).expect("copied");
    let at = folder.path().display();
    let text = format!(
        "[databases]\nshop = host={} port={} dbname=shop user=oncall password='{}'\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir = {at}\nauth_type = scram-sha-256\nauth_file = {at}/users\npool_mode = session\n\
         default_pool_size = 50\nmax_client_conn = 500\nserver_tls_sslmode = verify-ca\nserver_tls_ca_file = {at}/roots.pem\n",
        value("PGHOSTADDR"),
        value("PGPORT"),
        value("PGPASSWORD"),
    );
    std::fs::write(folder.path().join("pgbouncer.ini"), text).expect("written");
    std::fs::write(folder.path().join("users"), "\"oncall\" \"local\"\n").expect("written");
    let mut command = Command::new(program);
    command
        .args(["-q", &format!("{at}/pgbouncer.ini")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if rustix::process::geteuid().is_root() {
        for entry in ["", "roots.pem", "pgbouncer.ini", "users"] {
            std::os::unix::fs::chown(folder.path().join(entry), Some(NOBODY), Some(NOBODY)).expect("it is ours");
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    let child = command.spawn().expect("PgBouncer starts");
    let pairs = [("PGHOST", "127.0.0.1".to_owned()), ("PGPORT", port.to_string()), ("PGPASSWORD", "local".to_owned())];
    let variables: Variables = pairs.into();
    lets_in("PgBouncer", &variables);
    Some((child, folder, variables))
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

fn client(program: &str, variables: &Variables) -> Command {
    let mut command = Command::new(program);
    command.env("PGUSER", "oncall").env("PGDATABASE", "shop").envs(variables.iter().cloned()).stderr(Stdio::null());
    command
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
