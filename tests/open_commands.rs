//! `gatepost open` as a program: what it prints for each client leads that client in, for names that need quoting, too. psql
//! is run always, pgcli and JDBC where this machine has them; DBeaver, pgAdmin and SQL Workbench/J have windows and are not.

use gatepost::sandbox::{Options, Sandbox};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const GATEPOST: &str = env!("CARGO_BIN_EXE_gatepost");
/// A database whose name needs quoting everywhere.
const ODD: &str = "o'b \"r\" \\ %41:&=+é";

struct World {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

/// `gatepost open`, running, and the lines that it prints.
struct Opened {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl World {
    async fn new() -> World {
        let sandbox =
            Sandbox::start(Options { events: false, ..Options::default() }).await.expect("the sandbox starts");
        World { sandbox, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(GATEPOST);
        command.args(words).envs(self.sandbox.environment()).env("LC_ALL", "C.UTF-8").env_remove("PGPASSWORD");
        // A folder whose name needs quoting.
        command.env("GATEPOST_STATE_DIR", self.folder.path().join("st ate"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// What it prints is there when this returns.
    async fn open(&self, words: &[&str]) -> Opened {
        let user = if words.contains(&"--user") { &[][..] } else { &["--user", "oncall"] };
        let words = [&["open", "orders-prod", "--write"][..], user, &["--with"], words].concat();
        let mut child = self.command(&words).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Opened { child, lines }
    }
}

impl Opened {
    async fn line(&mut self) -> String {
        if let Some(line) = self.lines.next_line().await.expect("text") {
            return line;
        }
        let mut said = String::new();
        let _ = self.child.stderr.take().expect("piped").read_to_string(&mut said).await;
        panic!("it ended: {said}");
    }

    /// To be interrupted is how it ends; what it has written goes with it.
    async fn end(mut self) {
        let pid = self.child.id().expect("it runs").cast_signed();
        let pid = rustix::process::Pid::from_raw(pid).expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is ours");
        assert_eq!(self.child.wait().await.expect("it ends").code(), Some(0));
    }
}

fn found(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: this machine has no {program}");
    }
    found
}

/// What a line for a shell prints, pasted with `more` behind it.
async fn pasted(line: &str, more: &str) -> String {
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{line} {more}")]).env_remove("PGPASSWORD").env("PGCONNECT_TIMEOUT", "60");
    let output = shell.stdin(Stdio::null()).output().await.expect("bash runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{line}: {err}");
    out.trim_end().to_owned()
}

const WHO: &str = "-X -A -t -c 'select current_user, current_database()'";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_leads_psql_in() {
    if found("psql").is_none() {
        return;
    }
    let world = World::new().await;
    // Made by a user who may, through the same listener.
    let make = format!("create database \"{}\"", ODD.replace('"', "\"\""));
    let mut admin = world.open(&["env", "--auth", "secret", "--user", "postgres"]).await;
    let mut exports = Vec::new();
    while exports.len() < 8 {
        exports.push(admin.line().await);
    }
    let made = pasted(&exports.join("; "), &format!("; psql -X -q -c {}", shell(&make))).await;
    assert_eq!(made, "");
    assert_eq!(pasted(&exports.join("; "), &format!("; psql {WHO}")).await, "postgres|shop");
    admin.end().await;

    for (words, database) in [(&["--database", ODD][..], ODD), (&["--tls"], "shop"), (&["--socket"], "shop")] {
        let expected = format!("oncall|{database}");
        let mut psql = world.open(&[&["psql"], words].concat()).await;
        let line = psql.line().await;
        assert_eq!(pasted(&line, WHO).await, expected, "{line}");
        assert_eq!(words == ["--tls"], line.contains("sslmode=verify-full"), "{line}");
        psql.end().await;

        let mut uri = world.open(&[&["uri"], words].concat()).await;
        let line = uri.line().await;
        assert_eq!(pasted(&format!("psql '{line}'"), WHO).await, expected, "{line}");
        if words != ["--socket"] {
            // The URI with the password is in a file.
            let variable = uri.line().await;
            assert_eq!(pasted(&format!("{variable}; psql \"$DATABASE_URL\""), WHO).await, expected, "{variable}");
        }
        uri.end().await;

        let mut service = world.open(&[&["service"], words].concat()).await;
        let line = service.line().await;
        assert_eq!(pasted(&line, WHO).await, expected, "{line}");
        service.end().await;
    }

    let left: Vec<_> = std::fs::read_dir(world.folder.path().join("st ate/run")).expect("there").collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(world.sandbox.sessions().live().is_empty());
    world.sandbox.stop().await;
}

/// A word of a shell, as any shell reads it.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_leads_a_java_program_in() {
    let jar = Path::new("/usr/share/java/postgresql.jar");
    if found("java").is_none() || !jar.is_file() {
        eprintln!("skipped: this machine has no Java with PostgreSQL's driver");
        return;
    }
    let world = World::new().await;
    let source = world.folder.path().join("Who.java");
    std::fs::write(
        &source,
        "import java.sql.*; public class Who { public static void main(String[] a) throws Exception { \
         try (Connection c = DriverManager.getConnection(a[0]); ResultSet r = c.createStatement().executeQuery(\
         \"select current_user, current_database(), pg_sleep(0)\")) { r.next(); \
         System.out.println(r.getString(1) + \"|\" + r.getString(2)); } } }",
    )
    .expect("written");
    let java = format!("java -cp {} {}", jar.display(), source.display());
    for words in [&[][..], &["--tls"]] {
        let mut jdbc = world.open(&[&["jdbc"], words].concat()).await;
        let (url, export) = (jdbc.line().await, jdbc.line().await);
        assert_eq!(pasted(&format!("{export}; {java} '{url}'"), "").await, "oncall|shop", "{url}");
        jdbc.end().await;
    }
    // The workbench's profile leads there, too: its URL, its user, the passfile that it reads itself.
    let mut workbench = world.open(&["sqlworkbench"]).await;
    let line = workbench.line().await;
    let file = line.split('"').nth(1).expect("a file in quotes").to_owned();
    let profile = std::fs::read_to_string(&file).expect("there");
    let value = |key: &str| {
        let key = format!("profile.gatepost.{key}=");
        profile.lines().find_map(|line| line.strip_prefix(&key)).expect("in the profile").to_owned()
    };
    let url = format!("{}&user={}&password={}", value("url"), value("username"), value("password"));
    assert_eq!(pasted(&format!("{java} '{url}'"), "").await, "oncall|shop");
    workbench.end().await;
    world.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_started_and_ended_with() {
    if found("psql").is_none() {
        return;
    }
    let world = World::new().await;
    let run = async |words: &[&str], input: &str| {
        let words = [&["open", "orders-prod", "--user", "oncall", "--run", "--with"][..], words].concat();
        let mut command = world.command(&words);
        // All of these would lead libpq elsewhere, or have it want what a loopback port has not.
        command.env("PGSERVICE", "elsewhere").env("PGHOSTADDR", "127.0.0.9").env("PGGSSENCMODE", "require");
        command.env("PGREQUIREPEER", "nobody").env("PGSSLCERTMODE", "require");
        command.env("XDG_CONFIG_HOME", world.folder.path().join("xdg"));
        command.env("SHELL", "/bin/sh").stdin(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).await.expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().await.expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    for client in ["psql", "service"] {
        let (status, out, err) = run(&[client], "select 'I am ' || current_user;\n").await;
        assert!(status == Some(0) && out.contains("I am oncall"), "{client}: {out}{err}");
    }
    let (status, out, err) = run(&["env"], "psql -X -A -t -c 'select current_user'; exit 7\n").await;
    assert_eq!((status, out.trim_end()), (Some(7), "oncall"), "{err}");
    // Debian 12's pgcli 3.5.0 fails on its own default for this before it connects.
    let settings = world.folder.path().join("xdg/pgcli");
    std::fs::create_dir_all(&settings).expect("made");
    std::fs::write(settings.join("config"), "[main]\ndestructive_warning = all\n").expect("written");
    let named = std::env::var_os("GATEPOST_TEST_PGCLI").filter(|name| !name.is_empty()).map(PathBuf::from);
    if let Some(pgcli) = named.or_else(|| found("pgcli")) {
        let program = pgcli.display().to_string();
        let (status, out, err) = run(&["pgcli", "--program", &program], "select 'I am ' || current_user as w;\n").await;
        assert!(status == Some(0) && out.contains("I am oncall"), "{out}{err}");
    }
    // A stand-in for a program with windows tells what it was handed; its secret is in no argument list.
    let script = world.folder.path().join("window");
    std::fs::write(&script, "#!/bin/sh\nprintf '%s\\n' \"$@\"\ncat \"$PGPASSFILE\"\nexit 3\n").expect("written");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("ours");
    let program = script.display().to_string();
    let (status, out, err) = run(&["dbeaver", "--program", &program], "").await;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((status, lines[0]), (Some(3), "-con"), "{err}");
    assert!(
        lines[1].starts_with("driver=postgres-jdbc|name=orders-prod ") && lines[1].contains("|user=oncall|"),
        "{out}"
    );
    let secret = lines[2].rsplit(':').next().expect("a password");
    assert!(secret.len() >= 32 && !lines[1].contains(secret), "{out}");
    let (status, _, err) = run(&["jdbc"], "").await;
    assert!(status == Some(2) && err.contains("--with jdbc starts nothing"), "{err}");
    let (status, _, err) = run(&["dbeaver", "--program", "/no/such/client"], "").await;
    assert!(status == Some(127) && err.contains("/no/such/client cannot be started"), "{err}");
    assert!(world.sandbox.sessions().live().is_empty());
    world.sandbox.stop().await;
}
