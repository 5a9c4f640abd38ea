//! The clients that people have, through a real `gatepost proxy orders-prod` and the sandbox's bastion: psql, pgcli, a JDBC
//! driver, pgbench, pg_dump and pg_restore, a Python pool that outlives a token; each with its own cancel.
//!
//! A client that this machine lacks is told in one line, with how to install it; where `CI` is true it has to be there.
//! `GATEPOST_TEST_PYTHON` names a Python that has psycopg and psycopg_pool, `GATEPOST_TEST_PGCLI` a pgcli, and
//! `GATEPOST_TEST_JDBC` PostgreSQL's driver (a jar).

use gatepost::sandbox::{Options, Sandbox};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const GATEPOST: &str = env!("CARGO_BIN_EXE_gatepost");

/// A listener that runs as a program, and how its clients are led to it.
struct Proxy {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
    child: Child,
    _lines: Lines<BufReader<ChildStdout>>,
    port: String,
    passfile: String,
}

impl Proxy {
    /// `gatepost proxy orders-prod`, with more words.
    async fn open(words: &[&str]) -> Proxy {
        let sandbox =
            Sandbox::start(Options { events: false, ..Options::default() }).await.expect("the sandbox starts");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(GATEPOST);
        command.args(["proxy", "orders-prod", "--database", "shop"]).args(words).envs(sandbox.environment());
        // It is production: whoever is to write says so.
        command.args((!words.contains(&"--read-only")).then_some("--write"));
        command
            .env("PGPASSWORD", "postgres-master-password")
            .env("GATEPOST_STATE_DIR", folder.path().join("state"))
            .env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut line = async || lines.next_line().await.expect("text").expect("two lines are printed");
        let (first, pasted) = (line().await, line().await);
        assert!(first.ends_with(|c: char| c.is_ascii_alphanumeric()) && first.contains("via bastion-a"), "{first}");
        let value = |name: &str| {
            let rest = pasted.split_once(&format!("{name}=")).map(|(_, rest)| rest).expect("it is told");
            rest.split([' ', '\'']).next().unwrap_or_default().to_owned()
        };
        let (port, passfile) = (value("port"), value("passfile"));
        Proxy { sandbox, folder, child, _lines: lines, port, passfile }
    }

    fn command(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).env_clear().kill_on_drop(true);
        command.envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "LD_LIBRARY_PATH"));
        command.env("HOME", self.folder.path()).env("LC_ALL", "C.UTF-8").env("PGPASSFILE", &self.passfile);
        command.env("PGHOST", "127.0.0.1").env("PGPORT", &self.port).env("PGUSER", "oncall").env("PGDATABASE", "shop");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    async fn run(&self, program: &str, words: &[&str]) -> String {
        good(self.command(Path::new(program), words).output().await.expect("it runs"))
    }

    /// Waits until so many sessions sleep in that statement.
    async fn sleeping(&self, statement: &str) {
        let running =
            format!("select count(*) from pg_stat_activity where query ~ '{statement}' and wait_event = 'PgSleep'");
        self.becomes(&running, |count| count != "0").await;
    }

    async fn becomes(&self, query: &str, wanted: impl Fn(&str) -> bool) {
        let waiting = async { while !wanted(&self.run("psql", &["-X", "-A", "-t", "-c", query]).await) {} };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(120), waiting).await;
        waited.unwrap_or_else(|_| panic!("not within two minutes: {query}"));
    }

    fn secret(&self) -> String {
        let text = std::fs::read_to_string(&self.passfile).expect("there");
        text.lines().next().and_then(|line| line.rsplit(':').next()).expect("a password").to_owned()
    }

    async fn close(mut self) {
        signal(&self.child, rustix::process::Signal::TERM);
        assert!(self.child.wait().await.expect("it ends").success());
        assert!(self.sandbox.sessions().live().is_empty(), "no session is left behind");
        self.sandbox.stop().await;
    }
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())).expect("it runs");
    rustix::process::kill_process(pid, signal).expect("it is ours");
}

#[track_caller]
fn good(output: Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    out
}

/// Whether a client is there; where not, that is said, and in CI it is a failure.
fn found(client: &str, install: &str, there: bool) -> bool {
    if !there {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{client} is missing: {install}");
        eprintln!("skipped: {client} is not here: {install}");
    }
    there
}

fn answers(program: &Path, words: &[&str]) -> bool {
    let mut command = std::process::Command::new(program);
    command.args(words).stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

fn postgres_programs() -> bool {
    let there =
        ["psql", "pgbench", "pg_dump", "pg_restore"].iter().all(|program| answers(program.as_ref(), &["--version"]));
    found("psql, pgbench, pg_dump or pg_restore", "apt-get install postgresql-client postgresql-contrib", there)
}

fn named(variable: &str, usual: &str) -> PathBuf {
    let named = std::env::var_os(variable).filter(|name| !name.is_empty());
    named.map_or_else(|| PathBuf::from(usual), PathBuf::from)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_programs_of_postgresql() {
    if !postgres_programs() {
        return;
    }
    let proxy = Proxy::open(&["--user", "postgres", "--auth", "password"]).await;
    assert_eq!(proxy.run("psql", &["-X", "-A", "-t", "-c", "select current_user"]).await, "postgres");
    let sleeper = proxy.command("psql".as_ref(), &["-X", "-c", "select pg_sleep(600)"]).spawn().expect("psql runs");
    proxy.sleeping("pg_sleep\\(600\\)").await;
    signal(&sleeper, rustix::process::Signal::INT);
    let ended = sleeper.wait_with_output().await.expect("it ends");
    assert!(String::from_utf8_lossy(&ended.stderr).contains("canceling statement due to user request"));

    let prepare = "create schema dumped; create table dumped.t as select n, repeat('z', 100) z from generate_series(1, 5000) n; \
                   create index on dumped.t (n)";
    proxy.run("psql", &["-X", "-q", "-c", prepare]).await;
    let file = proxy.folder.path().join("dump").display().to_string();
    proxy.run("pg_dump", &["-Fc", "-n", "dumped", "-f", &file]).await;
    // The listener leads to one database.
    proxy.run("psql", &["-X", "-q", "-c", "drop schema dumped cascade"]).await;
    proxy.run("pg_restore", &["-d", "shop", "-j", "3", &file]).await;
    let sums = "select count(*), sum(n), max(length(z)) from dumped.t";
    assert_eq!(proxy.run("psql", &["-X", "-A", "-t", "-c", sums]).await, "5000|12502500|100");
    proxy.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pgbench_with_fifty_clients_that_connect_anew() {
    if !postgres_programs() {
        return;
    }
    let proxy = Proxy::open(&["--user", "oncall"]).await;
    let script = proxy.folder.path().join("one.sql");
    std::fs::write(&script, "select 1;\n").expect("written");
    let file = script.display().to_string();
    for (words, all) in [(&["-t", "20"][..], "1000/1000"), (&["-C", "-t", "2"], "100/100")] {
        let words = [&["-n", "-c", "50", "-j", "2", "-f", &file][..], words].concat();
        let said = proxy.run("pgbench", &words).await;
        assert!(said.contains(&format!("transactions actually processed: {all}")), "{said}");
        assert!(said.contains("number of failed transactions: 0"), "{said}");
    }
    proxy.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pgcli_asks_and_is_cancelled() {
    let pgcli = named("GATEPOST_TEST_PGCLI", "pgcli");
    if !found("pgcli", "apt-get install pgcli", answers(&pgcli, &["--version"])) || !postgres_programs() {
        return;
    }
    let proxy = Proxy::open(&["--user", "oncall"]).await;
    std::fs::write(proxy.folder.path().join("pgclirc"), "[main]\nless_chatty = True\n").expect("written");
    let config = proxy.folder.path().join("pgclirc").display().to_string();
    // Older ones do not take a conninfo string.
    let port = proxy.port.as_str();
    let words =
        ["-h", "127.0.0.1", "-p", port, "-U", "oncall", "-d", "shop", "--pgclirc", &config, "-w", "--less-chatty"];
    let mut command = proxy.command(&pgcli, &words);
    command.env("TERM", "dumb").env("PGPASSWORD", proxy.secret()).stdin(Stdio::piped());
    let mut child = command.spawn().expect("pgcli runs");
    let mut stdin = child.stdin.take().expect("piped");
    // Its libpq sends the cancel when it is interrupted.
    stdin.write_all(b"select current_user || '!' as who;\nselect pg_sleep(601);\n").await.expect("taken");
    proxy.sleeping("pg_sleep\\(601\\)").await;
    signal(&child, rustix::process::Signal::INT);
    let gone = "select count(*) from pg_stat_activity where query ~ 'pg_sleep\\(601\\)' and state = 'active' and pid <> \
                pg_backend_pid()";
    proxy.becomes(gone, |count| count == "0").await;
    let _ = stdin.write_all(b"select 40 + 2 as answer;\n\\q\n").await;
    drop(stdin);
    let said = child.wait_with_output().await.expect("it ends");
    let out = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(out.contains("oncall!"), "{said:?}");
    proxy.close().await;
}

const JAVA: &str = r#"
import java.sql.*;
import java.util.Properties;
import java.io.StringReader;

public class Client {
    public static void main(String[] words) throws Exception {
        Properties login = new Properties();
        login.setProperty("user", "oncall");
        login.setProperty("password", System.getenv("PGPASSWORD"));
        for (String mode : new String[] {"extended", "simple", "extendedForPrepared", "extendedCacheEverything"}) {
            String url = "jdbc:postgresql://127.0.0.1:" + System.getenv("PGPORT") + "/shop?preferQueryMode=" + mode
                + "&prepareThreshold=2&sslmode=disable";
            try (Connection connection = DriverManager.getConnection(url, login)) {
                try (PreparedStatement sum = connection.prepareStatement("select ?::int + 1, current_user")) {
                    for (int n = 0; n < 5; n++) {
                        sum.setInt(1, n);
                        try (ResultSet row = sum.executeQuery()) {
                            row.next();
                            if (row.getInt(1) != n + 1 || !row.getString(2).equals("oncall")) throw new Exception("wrong");
                        }
                    }
                }
                connection.setAutoCommit(false);
                try (Statement all = connection.createStatement()) {
                    if (words.length == 0) {
                        all.execute("create temp table t (n int, b text)");
                        try (PreparedStatement many = connection.prepareStatement("insert into t values (?, ?)")) {
                            for (int n = 0; n < 500; n++) {
                                many.setInt(1, n);
                                many.setString(2, "x".repeat(1000));
                                many.addBatch();
                            }
                            many.executeBatch();
                        }
                    }
                    // A portal that is fetched from piece by piece.
                    all.setFetchSize(100);
                    int rows = 0;
                    try (ResultSet result = all.executeQuery("select n, repeat('y', 100) from generate_series(1, 1000) n")) {
                        while (result.next()) rows++;
                    }
                    if (rows != 1000) throw new Exception("rows " + rows);
                }
                connection.commit();
                connection.setAutoCommit(true);
                org.postgresql.copy.CopyManager copy = connection.unwrap(org.postgresql.PGConnection.class).getCopyAPI();
                java.io.StringWriter out = new java.io.StringWriter();
                if (copy.copyOut("copy (select 7) to stdout", out) != 1) throw new Exception("copy");
                if (words.length == 0 && copy.copyIn("copy t from stdin", new StringReader("1\tone\n")) != 1) throw new Exception("copy in");
                try (Statement slow = connection.createStatement()) {
                    Thread other = new Thread(() -> {
                        try (Connection second = DriverManager.getConnection(url, login);
                                Statement look = second.createStatement()) {
                            boolean asleep = false;
                            while (!asleep) {
                                try (ResultSet row = look.executeQuery("select count(*) from pg_stat_activity where "
                                        + "query ~ 'pg_sleep\\(602\\)' and state = 'active' and pid <> pg_backend_pid()")) {
                                    row.next();
                                    asleep = row.getInt(1) == 1;
                                }
                            }
                            slow.cancel();
                        } catch (Exception e) { e.printStackTrace(); System.exit(1); }
                    });
                    other.start();
                    try { slow.execute("select pg_sleep(602)"); throw new Exception("not cancelled"); }
                    catch (SQLException e) { if (!"57014".equals(e.getSQLState())) throw e; }
                    other.join();
                }
                if (words.length > 0) {
                    try (Statement write = connection.createStatement()) {
                        write.execute("create table never (n int)");
                        throw new Exception("it wrote");
                    } catch (SQLException e) { if (!"25006".equals(e.getSQLState())) throw e; }
                }
                if (!connection.isValid(10)) throw new Exception("not valid");
            }
        }
        System.out.println("all good");
    }
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_jdbc_driver() {
    let jar = named("GATEPOST_TEST_JDBC", "/usr/share/java/postgresql.jar");
    // Single-file programs are run by the compiler's module: a JDK, not a JRE.
    let there =
        jar.exists() && answers("java".as_ref(), &["--list-modules"]) && answers("javac".as_ref(), &["--version"]);
    if !found(
        "a JDK, or PostgreSQL's JDBC driver",
        "apt-get install default-jdk-headless libpostgresql-jdbc-java",
        there,
    ) {
        return;
    }
    for words in [&["--user", "oncall"][..], &["--user", "oncall", "--read-only"]] {
        let proxy = Proxy::open(words).await;
        let source = proxy.folder.path().join("Client.java");
        std::fs::write(&source, JAVA).expect("written");
        let (path, source) = (jar.display().to_string(), source.display().to_string());
        let mut java = vec!["-cp", &path, &source];
        java.extend(words.get(2));
        let mut command = proxy.command("java".as_ref(), &java);
        command.env("PGPASSWORD", proxy.secret());
        assert_eq!(good(command.output().await.expect("java runs")), "all good");
        proxy.close().await;
    }
}

const PYTHON: &str = r#"
import os, sys, threading
import psycopg
from psycopg_pool import ConnectionPool

with ConnectionPool("", min_size=4, max_size=8, open=True, timeout=120) as pool:
    pool.wait(timeout=120)
    def ask():
        with pool.connection() as connection:
            return connection.execute("select current_user, pg_backend_pid()").fetchone()
    before = {pid for user, pid in (ask() for _ in range(20))}
    held = pool.getconn()
    with held.pipeline():
        answers = [held.execute("select %s::int * 2", (n,)) for n in range(50)]
        assert [answer.fetchone()[0] for answer in answers] == [n * 2 for n in range(50)]
    held.commit()
    # The token that these came in with ends now.
    print("moved?", flush=True)
    assert sys.stdin.readline() == "moved\n"
    assert held.execute("select 1").fetchone() == (1,)
    held.commit()
    assert ask()[0] == "oncall" and ask()[1] in before
    # More than there are, and one that was lost: new ones log in anew.
    held.close()
    pool.putconn(held)
    taken = [pool.getconn() for _ in range(8)]
    pids = {one.execute("select pg_backend_pid()").fetchone()[0] for one in taken}
    assert len(pids) == 8 and pids - before
    slow = taken[0]
    def cancel_once_asleep(look):
        asleep = "select count(*) from pg_stat_activity where pid = %s and state = 'active' and query ~ 'pg_sleep\\(603\\)'"
        while look.execute(asleep, (slow.info.backend_pid,)).fetchone() != (1,):
            look.rollback()
        slow.cancel()
    canceller = threading.Thread(target=cancel_once_asleep, args=(taken[1],))
    canceller.start()
    try:
        slow.execute("select pg_sleep(603)")
        raise SystemExit("not cancelled")
    except psycopg.errors.QueryCanceled:
        canceller.join()
        slow.rollback()
    with slow.cursor() as cursor:
        cursor.execute("create temp table t (n int)")
        with cursor.copy("copy t from stdin") as copy:
            for n in range(1000):
                copy.write_row((n,))
        assert cursor.execute("select sum(n) from t").fetchone() == (499500,)
    for one in taken:
        one.rollback()
        pool.putconn(one)
print("all good")
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_python_pool_outlives_its_token() {
    let imports = |python: &PathBuf| answers(python, &["-c", "import psycopg, psycopg_pool"]);
    // The first on PATH need not be the distribution's, which has its packages.
    let candidates = [named("GATEPOST_TEST_PYTHON", "python3"), PathBuf::from("/usr/bin/python3")];
    let python = candidates.into_iter().find(imports);
    let install = "apt-get install python3-psycopg python3-psycopg-pool, or pip install 'psycopg[binary,pool]' and name \
                   that Python in GATEPOST_TEST_PYTHON";
    found("a Python with psycopg and psycopg_pool", install, python.is_some());
    let Some(python) = python else { return };
    let proxy = Proxy::open(&["--user", "oncall"]).await;
    let mut command = proxy.command(&python, &["-c", PYTHON]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("python runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut stdin = child.stdin.take().expect("piped");
    let asked = lines.next_line().await.expect("text");
    if asked.as_deref() == Some("moved?") {
        proxy.sandbox.clock().advance(20 * 60);
        stdin.write_all(b"moved\n").await.expect("taken");
    }
    let last = lines.next_line().await.expect("text");
    let ended = child.wait_with_output().await.expect("it ends");
    let err = String::from_utf8_lossy(&ended.stderr);
    assert_eq!((asked.as_deref(), last.as_deref()), (Some("moved?"), Some("all good")), "{err}");
    proxy.close().await;
}
