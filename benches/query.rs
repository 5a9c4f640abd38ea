//! Speed as a ratio against what a user would pick instead, in the same run: a million rows as CSV and a single row,
//! by `gatepost query` and by psql, both verify-full to the sandbox's `reports` over a direct line. It must not judge: it prints a
//! table. `cargo bench --bench query`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const GATEPOST: &str = env!("CARGO_BIN_EXE_gatepost");
const ROUNDS: usize = 3;
const MILLION: &str = "select * from generate_series(1,1000000) g, lateral (select md5(g::text) a, now() b, g*1.5 c) x";

/// A subject of the comparison: its name, and how it is started.
type Subject<'a> = (&'static str, Box<dyn Fn() -> Command + 'a>);

/// What one run cost.
struct Cost {
    first: Duration,
    total: Duration,
    bytes: u64,
    resident_kib: u64,
}

fn main() {
    let Some(psql) = find_psql() else {
        println!("psql is not on PATH: nothing to compare with. Debian: apt-get install postgresql-client");
        return;
    };
    let mut sandbox = Command::new(GATEPOST)
        .arg("sandbox")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gatepost sandbox starts");
    let environment = environment(&mut sandbox);
    let result = std::panic::catch_unwind(|| compare(&psql, &environment));
    sandbox.kill().expect("the sandbox can be ended");
    sandbox.wait().expect("the sandbox ends");
    if result.is_err() {
        std::process::exit(1);
    }
}

fn find_psql() -> Option<String> {
    let found =
        Command::new("psql").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    found.then(|| "psql".to_owned())
}

/// The `export` lines up to `# ready`.
fn environment(sandbox: &mut Child) -> HashMap<String, String> {
    let mut environment = HashMap::new();
    let lines = BufReader::new(sandbox.stdout.as_mut().expect("piped"));
    for line in lines.lines() {
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

fn compare(psql: &str, environment: &HashMap<String, String>) {
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
    let conninfo = format!(
        "host={host} hostaddr={address} port={port} user=oncall dbname=shop sslmode=verify-full sslrootcert={}",
        environment["GATEPOST_CA_BUNDLE"]
    );
    let psql_with = |arguments: &[&str]| {
        let mut command = Command::new(psql);
        command.env("PGPASSWORD", token.trim()).arg("-X").arg(&conninfo).args(arguments);
        command
    };
    let gatepost_with = |arguments: &[&str]| {
        let mut command = Command::new(GATEPOST);
        command.envs(environment).args([
            "query",
            "reports",
            "--user",
            "oncall",
            "--database",
            "shop",
            "--via",
            "direct",
        ]);
        command.args(arguments);
        command
    };
    let copy = format!("copy ({MILLION}) to stdout with csv");
    let subjects: Vec<Subject<'_>> = vec![
        ("1 M rows: psql copy to stdout", Box::new(|| psql_with(&["-c", &copy]))),
        ("1 M rows: psql --csv", Box::new(|| psql_with(&["--csv", "-c", MILLION]))),
        (
            "1 M rows: psql --csv FETCH_COUNT=1000",
            Box::new(|| psql_with(&["--csv", "-v", "FETCH_COUNT=1000", "-c", MILLION])),
        ),
        ("1 M rows: gatepost query --format csv", Box::new(|| gatepost_with(&["--format", "csv", "-c", MILLION]))),
        ("select 1: psql", Box::new(|| psql_with(&["-c", "select 1"]))),
        ("select 1: gatepost query", Box::new(|| gatepost_with(&["-c", "select 1"]))),
    ];
    println!("{:<42} {:>10} {:>10} {:>9} {:>9}", "median of 3", "first, s", "total, s", "MB", "peak MB");
    let mut totals = Vec::new();
    for (name, command) in &subjects {
        let mut costs: Vec<Cost> = (0..ROUNDS).map(|_| run(command())).collect();
        costs.sort_by_key(|cost| cost.total);
        let median = &costs[ROUNDS / 2];
        println!(
            "{name:<42} {:>10.3} {:>10.3} {:>9.1} {:>9.1}",
            median.first.as_secs_f64(),
            median.total.as_secs_f64(),
            median.bytes as f64 / 1e6,
            median.resident_kib as f64 / 1024.0
        );
        totals.push(median.total.as_secs_f64());
    }
    println!("gatepost / psql copy, a million rows:  {:.2}", totals[3] / totals[0]);
    println!("gatepost / psql --csv, a million rows: {:.2}", totals[3] / totals[1]);
    println!(
        "gatepost / psql, select 1:             {:.2}  (gatepost also asks AWS where the database is)",
        totals[5] / totals[4]
    );
}

/// Runs to the end; peak memory is what Linux's `/proc` says while it runs, 0 elsewhere.
fn run(mut command: Command) -> Cost {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the client starts");
    let mut output = child.stdout.take().expect("piped");
    let status_file = format!("/proc/{}/status", child.id());
    let mut chunk = vec![0; 1 << 16];
    let (mut first, mut bytes, mut resident_kib) = (None, 0, 0);
    loop {
        let n = output.read(&mut chunk).expect("a pipe");
        if n == 0 {
            break;
        }
        first.get_or_insert_with(|| start.elapsed());
        bytes += n as u64;
        if let Ok(status) = std::fs::read_to_string(&status_file) {
            let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let peak = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
            resident_kib = resident_kib.max(peak.unwrap_or(0));
        }
    }
    let status = child.wait().expect("the client ends");
    assert!(status.success(), "{command:?} ended with {status}");
    Cost { first: first.unwrap_or_else(|| start.elapsed()), total: start.elapsed(), bytes, resident_kib }
}
