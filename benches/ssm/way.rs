//! A database, and the two ways to it that are compared: `gatepost tunnel` and Amazon's session-manager-plugin as the AWS
//! CLI calls it. It must not know what is measured.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const GATEPOST: &str = env!("CARGO_BIN_EXE_gatepost");
/// Of the sandbox's cast.
const DATABASE: &str = "orders-prod";
const BASTION: &str = "i-0b2f61a54d1c9e083";

/// A process that ends with us.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// A database and how AWS is reached.
pub struct Target {
    environment: HashMap<String, String>,
    database: String,
    bastion: String,
    region: String,
    user: String,
    _sandbox: Option<Running>,
}

impl Target {
    /// The sandbox's, with something that goes wrong.
    pub fn sandbox(fault: Option<&str>) -> Target {
        let mut command = Command::new(GATEPOST);
        command.arg("sandbox").args(fault.map(|fault| format!("--fault={fault}")));
        let sandbox = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut sandbox = Running(sandbox.expect("it starts"));
        let environment = environment(&mut sandbox.0);
        Target {
            environment,
            database: DATABASE.to_owned(),
            bastion: BASTION.to_owned(),
            region: "eu-west-1".to_owned(),
            user: "oncall".to_owned(),
            _sandbox: Some(sandbox),
        }
    }

    /// Somebody's own, where `GATEPOST_BENCH_DATABASE` and `GATEPOST_BENCH_BASTION` name one; AWS is found as usual.
    pub fn named() -> Option<Target> {
        let of = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let database = of("GATEPOST_BENCH_DATABASE")?;
        Some(Target {
            environment: HashMap::new(),
            database,
            bastion: of("GATEPOST_BENCH_BASTION").expect("GATEPOST_BENCH_BASTION: the id of an instance"),
            region: of("AWS_REGION").or(of("AWS_DEFAULT_REGION")).expect("AWS_REGION is set"),
            user: of("GATEPOST_USER").expect("GATEPOST_USER: a database user for IAM tokens"),
            _sandbox: None,
        })
    }

    /// A token, as psql's password.
    pub fn password(&self) -> String {
        let token = Command::new(GATEPOST)
            .args(["token", &self.database, "--user", &self.user])
            .envs(&self.environment)
            .output()
            .expect("gatepost token runs");
        String::from_utf8_lossy(&token.stdout).trim().to_owned()
    }

    /// `gatepost tunnel` with at most so many sessions.
    pub fn ours(&self, sessions: usize) -> Way<'_> {
        let mut command = Command::new(GATEPOST);
        command.args(["tunnel", &self.database, "--via", &self.bastion, "--user", &self.user]);
        command.envs(&self.environment).env("GATEPOST_SSM_SESSIONS", sessions.to_string());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = Running(child.expect("gatepost tunnel starts"));
        let mut said = BufReader::new(child.0.stdout.as_mut().expect("piped")).lines().map_while(Result::ok);
        // 127.0.0.1:PORT is HOST:PORT, via BASTION
        let first = said.next().expect("a line");
        let words: Vec<&str> = first.split([':', ' ']).collect();
        let port = words[1].parse().expect("its port");
        let (host, remote) = (words[3].to_owned(), words[4].trim_end_matches(',').to_owned());
        // PGHOST=… PGDATABASE=… PGSSLROOTCERT=… psql
        let second = said.next().expect("a line for psql");
        let value = |name: &str| {
            let rest = second.split_once(name).unwrap_or_else(|| panic!("{name} in {second}")).1;
            rest.split([' ', '\'']).next().unwrap_or_default().to_owned()
        };
        let (roots, name) = (value("PGSSLROOTCERT="), value("PGDATABASE="));
        drop(said);
        Way { target: self, port, host, remote, name, roots, child }
    }

    /// The plugin on a session of its own, to where `like` leads.
    pub fn plugins(&self, plugin: &str, like: &Way<'_>) -> Way<'_> {
        let (child, port) = self.start_plugin(plugin, &like.host, &like.remote);
        let (host, remote) = (like.host.clone(), like.remote.clone());
        let (name, roots) = (like.name.clone(), like.roots.clone());
        Way { target: self, port, host, remote, name, roots, child }
    }

    fn start_plugin(&self, plugin: &str, host: &str, remote: &str) -> (Running, u16) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let parameters =
            [("host", host.to_owned()), ("portNumber", remote.to_owned()), ("localPortNumber", port.to_string())];
        let started = runtime.block_on(async {
            let mut config = aws_config::defaults(aws_config::BehaviorVersion::latest())
                .region(aws_config::Region::new(self.region.clone()));
            let of = |name: &str| self.environment.get(name).cloned();
            if let (Some(id), Some(secret)) = (of("AWS_ACCESS_KEY_ID"), of("AWS_SECRET_ACCESS_KEY")) {
                let token = of("AWS_SESSION_TOKEN");
                config = config
                    .credentials_provider(aws_credential_types::Credentials::new(id, secret, token, None, "bench"));
            }
            if let Some(endpoint) = of("AWS_ENDPOINT_URL") {
                config = config.endpoint_url(endpoint);
            }
            let mut call = aws_sdk_ssm::Client::new(&config.load().await)
                .start_session()
                .target(&self.bastion)
                .document_name("AWS-StartPortForwardingSessionToRemoteHost");
            for (name, value) in parameters {
                call = call.parameters(name, vec![value]);
            }
            call.send().await.expect("a session")
        });
        let answer = serde_json::json!({
            "SessionId": started.session_id(), "TokenValue": started.token_value(), "StreamUrl": started.stream_url(),
        });
        let asked = serde_json::json!({ "Target": self.bastion });
        let endpoint = self.environment.get("AWS_ENDPOINT_URL").cloned();
        let endpoint = endpoint.unwrap_or_else(|| format!("https://ssm.{}.amazonaws.com", self.region));
        let child = Command::new(plugin)
            .args([&answer.to_string(), &self.region, "StartSession", "", &asked.to_string(), &endpoint])
            .envs(&self.environment)
            .stdout(Stdio::null())
            .spawn();
        let child = Running(child.expect("the plugin starts"));
        let deadline = Instant::now() + Duration::from_secs(20);
        // Its port is probed by connections that it takes for clients; they do no harm.
        // One that never opens it shows when it is asked.
        while TcpStream::connect(("127.0.0.1", port)).is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        (child, port)
    }
}

/// Somebody's forwarded port.
pub struct Way<'a> {
    pub target: &'a Target,
    pub port: u16,
    host: String,
    /// The database's own port.
    remote: String,
    name: String,
    roots: String,
    child: Running,
}

impl Way<'_> {
    /// For psql: the real name, so that the certificate is checked; only the address is ours.
    pub fn conninfo(&self) -> String {
        let Way { host, port, name, roots, target, .. } = self;
        let user = &target.user;
        format!(
            "host={host} hostaddr=127.0.0.1 port={port} user={user} dbname={name} sslmode=verify-full sslrootcert={roots}"
        )
    }

    /// Seconds of processor that it and its threads have used (proc(5), stat, fields 14 and 15; 100 ticks a second).
    pub fn cpu(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.0.id())).unwrap_or_default();
        let rest = text.rsplit(')').next().unwrap_or_default();
        let fields = rest.split_ascii_whitespace().skip(11).take(2);
        fields.filter_map(|word| word.parse::<u64>().ok()).sum::<u64>() as f64 / 100.0
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
