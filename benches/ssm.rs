//! The data channel's speed as a ratio against Amazon's session-manager-plugin, in the same run, on the same machine and
//! agent (the sandbox's): round trips, both directions, and what is in a hurry beside a bulk download. psql is the client
//! on both ports. It must not judge: it prints a table. `cargo bench --bench ssm`; the plugin is looked for in
//! `SESSION_MANAGER_PLUGIN` and on PATH, and left out of the table where there is none.
//!
//! It must be one that signs its web socket, 1.2.764 or newer: the sandbox insists, as AWS does.

use aws_credential_types::Credentials;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const GATEPOST: &str = env!("CARGO_BIN_EXE_gatepost");
const BASTION: &str = "i-0b2f61a54d1c9e083";
const HOST: &str = "orders-prod.cluster-c9akciq32xyz.eu-west-1.rds.amazonaws.com";
const ROUND_TRIPS: usize = 300;
const DOWNLOAD: usize = 4_000_000;
const UPLOAD: usize = 4_000_000;

/// A process that ends with us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Somebody's forwarded port.
struct Way<'a> {
    environment: &'a HashMap<String, String>,
    port: u16,
    process: u32,
}

/// What one way gave.
struct Figures {
    round_trip: Duration,
    download: f64,
    upload: f64,
    hurried: Duration,
    cpu: f64,
}

fn main() {
    let mut sandbox = Running(
        Command::new(GATEPOST).arg("sandbox").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts"),
    );
    let environment = environment(&mut sandbox.0);
    let ours = {
        let mut child = Command::new(GATEPOST);
        child.args(["tunnel", "orders-prod"]).envs(&environment).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Running(child.spawn().expect("gatepost tunnel starts"));
        let mut line = String::new();
        BufReader::new(child.0.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        let port = line.split([':', ' ']).nth(1).and_then(|port| port.parse().ok()).expect("its port");
        let process = child.0.id();
        measure(&Way { environment: &environment, port, process })
    };
    let theirs = plugin().map(|plugin| {
        let (child, port) = start_plugin(&plugin, &environment);
        let process = child.0.id();
        measure(&Way { environment: &environment, port, process })
    });
    table(&ours, theirs.as_ref());
}

fn table(ours: &Figures, theirs: Option<&Figures>) {
    println!("\n{:34} {:>12} {:>12} {:>8}", "", "gatepost", "plugin", "ratio");
    let row = |name: &str, unit: &str, of: fn(&Figures) -> f64, more_is_better: bool| {
        let mine = of(ours);
        match theirs.map(of) {
            Some(its) => {
                let ratio = if more_is_better { mine / its } else { its / mine };
                println!(
                    "{name:34} {:>12} {:>12} {ratio:>7.1}x",
                    format!("{mine:.2} {unit}"),
                    format!("{its:.2} {unit}")
                );
            }
            None => println!("{name:34} {:>12} {:>12} {:>8}", format!("{mine:.2} {unit}"), "-", "-"),
        }
    };
    row("select 1, p50", "ms", |figures| figures.round_trip.as_secs_f64() * 1e3, false);
    row("download, one stream", "MB/s", |figures| figures.download / 1e6, true);
    row("upload, one stream", "MB/s", |figures| figures.upload / 1e6, true);
    row("new login beside a download, p50", "ms", |figures| figures.hurried.as_secs_f64() * 1e3, false);
    row("CPU a megabyte down", "ms", |figures| figures.cpu * 1e3, false);
}

fn measure(way: &Way<'_>) -> Figures {
    let mut psql = Psql::start(way);
    psql.ask("select 1");
    let mut times: Vec<Duration> = (0..ROUND_TRIPS).map(|_| psql.ask("select 1")).collect();
    let round_trip = median(&mut times);

    let before = cpu(way.process);
    let took = psql.ask(&format!("select repeat('x', {DOWNLOAD})"));
    let (download, cpu) = (DOWNLOAD as f64 / took.as_secs_f64(), (cpu(way.process) - before) / (DOWNLOAD as f64 / 1e6));
    let text = "y".repeat(UPLOAD);
    let took = psql.ask(&format!("select length('{text}')"));
    let upload = UPLOAD as f64 / took.as_secs_f64();

    // A bulk download on one connection; beside it, logins and a key-sized query on new ones.
    let mut bulk = Psql::start(way);
    bulk.tell("select repeat('x', 40000000)");
    std::thread::sleep(Duration::from_secs(2));
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let begun = Instant::now();
            Psql::start(way).ask("select 1");
            begun.elapsed()
        })
        .collect();
    Figures { round_trip, download, upload, hurried: median(&mut times), cpu }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Seconds of processor that a process and its threads have used (proc(5), stat, fields 14 and 15; 100 ticks a second).
fn cpu(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let rest = text.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = rest.split_ascii_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

/// A psql that is asked over its pipes.
struct Psql {
    _child: Running,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Psql {
    fn start(way: &Way<'_>) -> Psql {
        let token = Command::new(GATEPOST)
            .args(["token", "orders-prod", "--user", "oncall"])
            .envs(way.environment)
            .output()
            .expect("gatepost token runs");
        let conninfo = format!(
            "host={HOST} hostaddr=127.0.0.1 port={} user=oncall dbname=shop sslmode=verify-full sslrootcert={}",
            way.port, way.environment["GATEPOST_CA_BUNDLE"]
        );
        let mut child = Command::new("psql");
        child.args(["-qAtX", &conninfo]).env("PGPASSWORD", String::from_utf8_lossy(&token.stdout).trim());
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("psql is on PATH");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::with_capacity(1 << 16, child.stdout.take().expect("piped"));
        Psql { _child: Running(child), input, output }
    }

    fn tell(&mut self, statement: &str) {
        writeln!(self.input, "{statement};").expect("psql lives");
    }

    /// How long until the one line of its answer is there.
    fn ask(&mut self, statement: &str) -> Duration {
        let begun = Instant::now();
        self.tell(statement);
        let mut line = String::new();
        self.output.read_line(&mut line).expect("an answer");
        assert!(!line.is_empty(), "psql ended");
        begun.elapsed()
    }
}

/// The `export` lines up to `# ready`.
fn environment(sandbox: &mut Child) -> HashMap<String, String> {
    let mut environment = HashMap::new();
    for line in BufReader::new(sandbox.stdout.as_mut().expect("piped")).lines() {
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

fn plugin() -> Option<String> {
    let named = std::env::var("SESSION_MANAGER_PLUGIN").ok();
    let program = named.unwrap_or_else(|| "session-manager-plugin".to_owned());
    let found = Command::new(&program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        println!("no session-manager-plugin: name one in SESSION_MANAGER_PLUGIN to compare with it");
    }
    found.then_some(program)
}

/// StartSession, then the plugin as the AWS CLI calls it.
fn start_plugin(plugin: &str, environment: &HashMap<String, String>) -> (Running, u16) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let parameters =
        [("host", HOST.to_owned()), ("portNumber", "5432".to_owned()), ("localPortNumber", port.to_string())];
    let started = runtime.block_on(async {
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("eu-west-1"))
            .credentials_provider(credentials(environment))
            .endpoint_url(&environment["AWS_ENDPOINT_URL"])
            .load()
            .await;
        let mut call = aws_sdk_ssm::Client::new(&config)
            .start_session()
            .target(BASTION)
            .document_name("AWS-StartPortForwardingSessionToRemoteHost");
        for (name, value) in parameters {
            call = call.parameters(name, vec![value]);
        }
        call.send().await.expect("a session")
    });
    let answer = serde_json::json!({
        "SessionId": started.session_id(), "TokenValue": started.token_value(), "StreamUrl": started.stream_url(),
    });
    let asked = serde_json::json!({ "Target": BASTION });
    let child = Command::new(plugin)
        .args([&answer.to_string(), "eu-west-1", "StartSession", "", &asked.to_string()])
        .arg(&environment["AWS_ENDPOINT_URL"])
        .envs(environment)
        // What it says goes where a person sees why it did not open its port.
        .stdout(std::io::stderr())
        .spawn()
        .expect("the plugin starts");
    let child = Running(child);
    let deadline = Instant::now() + Duration::from_secs(20);
    // Its port is probed by connections that it takes for clients; they do no harm.
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "the plugin opens its port");
        std::thread::sleep(Duration::from_millis(50));
    }
    (child, port)
}

fn credentials(environment: &HashMap<String, String>) -> Credentials {
    let of = |name: &str| environment[name].clone();
    Credentials::new(of("AWS_ACCESS_KEY_ID"), of("AWS_SECRET_ACCESS_KEY"), Some(of("AWS_SESSION_TOKEN")), None, "bench")
}
