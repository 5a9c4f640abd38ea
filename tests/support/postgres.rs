//! A real PostgreSQL for tests: TLS on, in a folder of its own, on a loopback port, gone with the test however it ends.
//!
//! Include it with `#[path = "support/postgres.rs"] mod postgres;`. [`Postgres::shared`] gives one server a test
//! program. Logins over TLS as `postgres` need no password; other roles are made by the tests.

#[path = "authority.rs"]
pub mod authority;

use authority::Authority;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The name in the server's certificate.
pub const HOST: &str = "db.test";

/// PostgreSQL refuses to run as root; `nobody` has this id everywhere.
const NOBODY: u32 = 65534;

const INSTALL: &str = "no PostgreSQL server was found on PATH or in the distributions' folders: install one \
    (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql)";

/// Connections by TLS only; the method is chosen by the role's name.
const HBA: &str = "\
hostssl all postgres all trust
hostssl all clear all password
hostssl all hashed all md5
";
/// Not every build of a server knows it.
const GSS: &str = "hostssl all gss all gss\n";
const OTHERS: &str = "hostssl all all all scram-sha-256\n";

/// Runs the server and watches the pipe on its standard input: when the test program is gone, whatever ended it, so is
/// the server, and then its folder.
const WATCHDOG: &str = r#"
exec 3<&0
"$1" -D "$2/data" -p "$3" </dev/null &
server=$!
(cat <&3 >/dev/null; kill -INT $server 2>/dev/null) &
watcher=$!
exec 3<&-
trap '' INT TERM HUP
wait $server
status=$?
kill $watcher 2>/dev/null
rm -rf "$2"
exit $status
"#;

/// What a server has said so far.
type Log = Arc<Mutex<Vec<String>>>;

/// A running server.
pub struct Postgres {
    port: u16,
    authority: Authority,
    log: Log,
    child: Child,
    gss: bool,
}

impl Postgres {
    /// One server for this test program.
    pub fn shared() -> &'static Postgres {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(|| Postgres::start(&[]))
    }

    /// A server of one's own, with lines of `postgresql.conf`.
    pub fn start(settings: &[&str]) -> Postgres {
        let bin = binaries();
        let authority = Authority::new("gatepost test authority");
        let mut gss = true;
        // A free port is free only until somebody else takes it: try again.
        for _ in 0..5 {
            let port = free_port();
            let folder = prepare(&bin, &authority, settings, gss);
            match launch(&bin, &folder, port) {
                Ok((child, log)) => return Postgres { port, authority, log, child, gss },
                Err(said) if said.iter().any(|line| line.contains("method \"gss\": not supported")) => gss = false,
                Err(said) => eprintln!("PostgreSQL said: {said:#?}"),
            }
        }
        panic!("PostgreSQL did not start five times");
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority that signed its certificate, as PEM.
    pub fn root(&self) -> &str {
        self.authority.pem()
    }

    /// Whether its build knows Kerberos.
    #[allow(dead_code, reason = "for the tests that log in so")]
    pub fn has_gss(&self) -> bool {
        self.gss
    }

    /// What the server logged so far.
    #[allow(dead_code, reason = "for tests that fail and for those that look")]
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The folder of `postgres` and `initdb`: `PGBIN`, then PATH, then where distributions put them, the newest first.
fn binaries() -> PathBuf {
    let mut folders: Vec<PathBuf> = std::env::var_os("PGBIN").map(PathBuf::from).into_iter().collect();
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    for (parent, inner) in [
        ("/usr/lib/postgresql", "bin"),
        ("/usr/pgsql", "bin"),
        ("/opt/homebrew/opt", "bin"),
        ("/usr/local/opt", "bin"),
        ("/usr/local/pgsql", ""),
    ] {
        let mut versions: Vec<PathBuf> = std::fs::read_dir(parent)
            .map(|entries| entries.flatten().map(|entry| entry.path().join(inner)).collect())
            .unwrap_or_default();
        versions.sort();
        folders.extend(versions.into_iter().rev());
    }
    let whole = |folder: &PathBuf| folder.join("postgres").is_file() && folder.join("initdb").is_file();
    folders.into_iter().find(whole).expect(INSTALL)
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
    listener.local_addr().expect("it is bound").port()
}

fn is_root() -> bool {
    // Only root may give files away, so /proc is not needed to ask.
    let probe = tempfile::NamedTempFile::new().expect("a temporary file");
    chown(probe.path(), Some(NOBODY), Some(NOBODY)).is_ok()
}

fn unprivileged(command: &mut Command) -> &mut Command {
    if is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file in the server's folder");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("our own file");
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root gives it away");
    }
}

fn prepare(bin: &Path, authority: &Authority, settings: &[&str], gss: bool) -> PathBuf {
    let folder = tempfile::Builder::new().prefix("gatepost-pg-").tempdir().expect("a temporary folder").keep();
    if is_root() {
        chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root gives it away");
    }
    let data = folder.join("data");
    let made = unprivileged(Command::new(bin.join("initdb")).arg("-D").arg(&data))
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"])
        .current_dir(&folder)
        .output()
        .expect("initdb runs");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let leaf = authority.leaf(&[HOST], (2020, 2100));
    write(&data.join("server.crt"), &leaf.certificate);
    write(&data.join("server.key"), &leaf.key);
    write(&data.join("pg_hba.conf"), &[HBA, if gss { GSS } else { "" }, OTHERS].concat());
    let mut config = "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nssl = on\nfsync = off\n\
        max_connections = 50\nlog_min_messages = warning\n"
        .to_owned();
    settings.iter().for_each(|line| config.extend([line, "\n"]));
    write(&data.join("postgresql.conf"), &config);
    folder
}

/// What it said, when it ended before it was ready.
fn launch(bin: &Path, folder: &Path, port: u16) -> Result<(Child, Log), Vec<String>> {
    let mut child = unprivileged(Command::new("sh").args(["-c", WATCHDOG, "sh"]))
        .arg(bin.join("postgres"))
        .arg(folder)
        .arg(port.to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("sh runs");
    let stderr = child.stderr.take().expect("it is piped");
    let (log, ready) = follow(stderr);
    match ready.recv_timeout(Duration::from_secs(60)) {
        Ok(()) => Ok((child, log)),
        Err(_) => {
            drop(child.stdin.take());
            let _ = child.wait();
            Err(log.lock().unwrap_or_else(PoisonError::into_inner).clone())
        }
    }
}

/// Collects the log; tells once that the server is ready, or hangs up when it has ended.
fn follow(stderr: std::process::ChildStderr) -> (Log, Receiver<()>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (tell, ready) = channel();
    let mut tell = Some(tell);
    let lines = log.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            // The pipe outlives a server that does not start: the watchdog holds it, too.
            let over = line.contains("database system is shut down");
            let told = tell.as_ref().filter(|_| line.contains("database system is ready to accept connections"));
            if told.is_some_and(|tell| tell.send(()).is_err()) || over {
                tell = None;
            }
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
    (log, ready)
}
