//! Speed through the listener as a ratio against the same TLS server dialled straight, in the same run: pgbench's
//! transactions, connections opened a second (`-C`), and COPY. Both go to the sandbox's `reports` over a direct line. It
//! must not judge: it prints a table. `cargo bench --bench listener`. Without pgbench or psql it says so.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const GATEPOST: &str = env!("CARGO_BIN_EXE_gatepost");
const ROUNDS: usize = 3;
const COPY: &str = "copy (select repeat('x', 1000) from generate_series(1, 400000)) to stdout";

fn main() {
    for program in ["pgbench", "psql"] {
        if Command::new(program).arg("--version").stdout(Stdio::null()).status().is_err() {
            println!("{program} is not on PATH: nothing to measure with");
            return;
        }
    }
    let mut sandbox = start(Command::new(GATEPOST).arg("sandbox"));
    // Kept to the end: a pipe that nobody holds would stop whoever prints into it.
    let mut lines = BufReader::new(sandbox.stdout.take().expect("piped")).lines();
    let environment = environment(&mut lines);
    let result = std::panic::catch_unwind(|| compare(&environment));
    sandbox.kill().expect("the sandbox can be ended");
    sandbox.wait().expect("the sandbox ends");
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
fn straight(environment: &HashMap<String, String>) -> Vec<(&'static str, String)> {
    let resolve = environment.get("GATEPOST_RESOLVE").expect("the sandbox tells where direct lines lead");
    let reports = resolve.split(',').find(|entry| entry.starts_with("reports.")).expect("reports is reached directly");
    let parts: Vec<&str> = reports.split(':').collect();
    let [host, _, address, port] = parts[..] else { panic!("{reports}: expected HOST:PORT:ADDRESS:PORT") };
    let token = Command::new(GATEPOST)
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
    std::fs::File::create(&script).and_then(|mut file| file.write_all(b"select 1;\n")).expect("written");
    let file = script.display().to_string();
    let socket = folder.path().join("s");
    let mut proxies = Vec::new();
    let mut ways = vec![("straight", straight(environment))];
    for (name, words) in [
        ("listener, port with SCRAM", vec!["--port".to_owned(), "0".to_owned()]),
        ("listener, socket", vec![format!("--socket={}", socket.display())]),
    ] {
        let mut command = Command::new(GATEPOST);
        command.args(["proxy", "reports", "--user", "oncall", "--database", "shop", "--via", "direct"]).args(words);
        let mut proxy = start(command.envs(environment));
        let mut lines = BufReader::new(proxy.stdout.take().expect("piped")).lines();
        let mut line = || lines.next().expect("two lines are printed").expect("text");
        let (_, pasted) = (line(), line());
        ways.push((name, variables(&pasted)));
        proxies.push(proxy);
    }
    println!("{:<28} {:>12} {:>14} {:>10}", "best of 3", "tps, 8 clients", "connections/s", "COPY MB/s");
    let mut first: Option<[f64; 3]> = None;
    for (name, variables) in &ways {
        let best = |measure: &dyn Fn() -> f64| (0..ROUNDS).map(|_| measure()).fold(0.0, f64::max);
        let transactions = best(&|| pgbench(variables, &["-c", "8", "-j", "2", "-T", "5", "-f", &file]));
        let connections = best(&|| pgbench(variables, &["-C", "-c", "8", "-j", "2", "-T", "5", "-f", &file]));
        let copied = best(&|| copy(variables));
        println!("{name:<28} {transactions:>12.0} {connections:>14.1} {copied:>10.1}");
        let figures = [transactions, connections, copied];
        let straight = first.get_or_insert(figures);
        if *straight != figures {
            let ratio = |at: usize| figures[at] / straight[at];
            println!("{:<28} {:>12.2} {:>14.2} {:>10.2}", "  of straight", ratio(0), ratio(1), ratio(2));
        }
    }
    for mut proxy in proxies {
        proxy.kill().expect("it can be ended");
        proxy.wait().expect("it ends");
    }
}

/// The variables of a line that `gatepost proxy` prints: `psql 'host=… port=… user=… dbname=… passfile=…'`.
fn variables(pasted: &str) -> Vec<(&'static str, String)> {
    let value = |name: &str| {
        let at = pasted.find(&format!("{name}=")).map(|at| at + name.len() + 1)?;
        pasted[at..].split([' ', '\'']).next().map(str::to_owned)
    };
    let names = [("PGPASSFILE", "passfile"), ("PGHOST", "host"), ("PGPORT", "port")];
    names.into_iter().filter_map(|(variable, name)| value(name).map(|value| (variable, value))).collect()
}

fn client(program: &str, variables: &[(&'static str, String)]) -> Command {
    let mut command = Command::new(program);
    command.env("PGUSER", "oncall").env("PGDATABASE", "shop").envs(variables.iter().cloned()).stderr(Stdio::null());
    command
}

/// Transactions a second.
fn pgbench(variables: &[(&'static str, String)], words: &[&str]) -> f64 {
    let output = client("pgbench", variables).arg("-n").args(words).output().expect("pgbench runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("tps = ")).unwrap_or_else(|| panic!("{text}"));
    line.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

/// Megabytes a second.
fn copy(variables: &[(&'static str, String)]) -> f64 {
    let begun = Instant::now();
    let status = client("psql", variables).args(["-X", "-c", COPY]).stdout(Stdio::null()).status().expect("psql runs");
    assert!(status.success());
    400_000.0 * 1001.0 / 1e6 / begun.elapsed().as_secs_f64()
}
