//! `gatepost proxy` and `gatepost exec` as programs: what they print can be pasted, secrets are in no argument list, and
//! nothing is left behind.

use gatepost::sandbox::{Options, Sandbox};
use std::path::Path;
use std::process::{Output, Stdio};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const GATEPOST: &str = env!("CARGO_BIN_EXE_gatepost");

fn has_psql() -> bool {
    let there = std::process::Command::new("psql").arg("--version").output().is_ok();
    if !there {
        eprintln!("skipped: this machine has no psql");
    }
    there
}

async fn sandbox() -> Sandbox {
    Sandbox::start(Options { events: false, ..Options::default() }).await.expect("the sandbox starts")
}

fn command(sandbox: &Sandbox, state: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(GATEPOST);
    command.args(words).envs(sandbox.environment()).env("GATEPOST_STATE_DIR", state).env("LC_ALL", "C.UTF-8");
    command.env_remove("PGPASSWORD").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_of_the_settings_are_opened_and_closed() {
    if !has_psql() {
        return;
    }
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (state, sockets) = (folder.path().join("state"), folder.path().join("s"));
    let config = folder.path().join("config.toml");
    let text = format!(
        "[[listeners]]\nname = \"orders\"\ntarget = \"orders-prod\"\nuser = \"oncall\"\n\n[[listeners]]\ntarget = \"reports\"\n\
         user = [\"oncall\", \"analyst\"]\nsocket = \"{}\"\nread_only = true\n\n[[listeners]]\nname = \"asking\"\ntarget = \"orders-prod\"\nuser = \"postgres\"\nauth = \"command\"\nread_only = false\n\
         no_secret = true\n\n[password_commands]\norders-prod = \"echo postgres-master-password\"\n",
        sockets.display()
    );
    std::fs::write(&config, text).expect("written");
    let config = config.display().to_string();
    let mut child = command(&sandbox, &state, &["proxy", "--config", &config]).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut printed = Vec::new();
    while printed.len() < 6 {
        match lines.next_line().await.expect("text") {
            Some(line) => printed.push(line),
            None => panic!("{:?}", said(&child.wait_with_output().await.expect("it ended"))),
        }
    }
    assert!(
        printed[0].starts_with("127.0.0.1:") && printed[0].ends_with(", via bastion-a, as oncall, read-only"),
        "{printed:?}"
    );
    assert!(printed[2].contains("/s/.s.PGSQL.5432 is reports") && printed[2].ends_with(", read-only"), "{printed:?}");
    assert!(printed[1].contains(" passfile=") && !printed[3].contains("passfile"), "{printed:?}");
    // That one logs in with what a command prints, and asks nothing of its clients.
    assert!(
        printed[4].ends_with(", as postgres, WRITABLE PRODUCTION") && !printed[5].contains("passfile"),
        "{printed:?}"
    );
    for (line, expected) in [(&printed[1], "oncall|on"), (&printed[3], "oncall|on"), (&printed[5], "postgres|off")] {
        let pasted =
            format!("{line} -X -A -t -c \"select current_user, current_setting('default_transaction_read_only')\"");
        let output = Command::new("sh").args(["-c", &pasted]).output().await.expect("sh runs");
        let (status, out, err) = said(&output);
        assert_eq!((status, out.as_str()), (Some(0), expected), "{err}");
    }
    // Whoever lists processes sees no secret.
    let passfile = printed[1].split(" passfile=").nth(1).and_then(|rest| rest.split(' ').next()).expect("a path");
    let secret = std::fs::read_to_string(passfile).expect("there");
    let secret = secret.trim_end().rsplit(':').next().expect("a password").to_owned();
    let pid = child.id().expect("it runs");
    for of in ["cmdline", "environ"] {
        let seen = std::fs::read(format!("/proc/{pid}/{of}")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&seen).contains(&secret), "{of}");
    }
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is ours");
    let (status, _, err) = said(&child.wait_with_output().await.expect("it ends"));
    assert_eq!(status, Some(0), "{err}");
    // Of the three, one is read-only by nobody's word.
    let notes: Vec<&str> = err.lines().filter(|line| line.starts_with("note: ")).collect();
    assert_eq!(notes.len(), 1, "{err}");
    assert!(
        notes[0].starts_with("note: read-only: orders counts as production") && notes[0].ends_with("(--write)"),
        "{err}"
    );
    assert!(!err.contains(&secret) && !Path::new(passfile).exists() && !sockets.join(".s.PGSQL.5432").exists());
    assert!(sandbox.sessions().live().is_empty());
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_run_with_a_way_of_its_own() {
    if !has_psql() {
        return;
    }
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().join("state");
    let exec = async |words: &[&str]| {
        let words = [&["exec", "orders-prod", "--user", "oncall", "--write", "--"][..], words].concat();
        said(&command(&sandbox, &state, &words).env("PGSERVICE", "elsewhere").output().await.expect("it runs"))
    };
    let script = folder.path().join("vendor.sql");
    std::fs::write(
        &script,
        "create temp table t (a int);\n\\copy t from stdin\n1\n2\n\\.\nselect sum(a), current_user from t;\n",
    )
    .expect("written");
    let file = script.display().to_string();
    let (status, out, err) = exec(&["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", &file]).await;
    assert_eq!((status, out.as_str()), (Some(0), "3|oncall"), "{err}");
    assert_eq!(exec(&["psql", "-X", "-v", "ON_ERROR_STOP=1", "-c", "select 1/0"]).await.0, Some(1));
    assert_eq!(exec(&["sh", "-c", "exit 7"]).await.0, Some(7));
    assert_eq!(exec(&["sh", "-c", "kill -TERM $$"]).await.0, Some(143));
    let (status, out, _) = exec(&["sh", "-c", "stat -c %a \"$PGPASSFILE\"; echo \"$PGDATABASE $PGSERVICE\""]).await;
    assert_eq!((status, out.as_str()), (Some(0), "600\nshop"));
    let (status, _, err) = exec(&["/no/such/client"]).await;
    assert!(status == Some(127) && err.contains("/no/such/client cannot be started"), "{err}");
    // Production is written to where that was asked for, and nowhere else.
    let words = ["exec", "orders-prod", "--user", "oncall", "--", "psql", "-X", "-q", "-c"];
    let words = [&words[..], &["update orders set status = status where id = 1"]].concat();
    let (status, _, err) = said(&command(&sandbox, &state, &words).output().await.expect("it runs"));
    let said_first = err.starts_with("note: read-only: orders-prod counts as production");
    assert!(status == Some(1) && said_first && err.contains("read-only transaction"), "{err}");
    let (status, _, err) = exec(&["psql", "-X", "-q", "-c", "update orders set status = status where id = 1"]).await;
    assert_eq!((status, err.as_str()), (Some(0), ""));
    // A folder is there, and no program.
    let (status, _, err) = exec(&["/tmp"]).await;
    assert!(status == Some(126) && err.contains("/tmp is no file"), "{err}");
    // A listener of the settings file, but for its door.
    let config = folder.path().join("config.toml");
    let text = "[[listeners]]\nname = \"o\"\ntarget = \"orders-prod\"\nuser = \"oncall\"\ndatabase = \"postgres\"\n\
                port = 1\nread_only = true\n";
    std::fs::write(&config, text).expect("written");
    let query = "select current_user, current_database(), current_setting('default_transaction_read_only')";
    let config = config.display().to_string();
    let words = ["--config", &config, "exec", "o", "--", "psql", "-X", "-q", "-A", "-t", "-c", query];
    let (status, out, err) = said(&command(&sandbox, &state, &words).output().await.expect("it runs"));
    assert_eq!((status, out.as_str(), err.as_str()), (Some(0), "oncall|postgres|on", ""));
    let left: Vec<_> = std::fs::read_dir(state.join("run")).expect("there").collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(sandbox.sessions().live().is_empty());
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_under_nohup_outlives_its_terminal() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    // It waits for a word, so that the signal comes while it runs; a client that was not told to ignore it would be dead.
    let script = "echo ready; read word; echo $word";
    let words = ["exec", "orders-prod", "--user", "oncall", "--", "sh", "-c", script];
    let mut nohup = Command::new("nohup");
    nohup.arg(GATEPOST).args(words).envs(sandbox.environment()).env("GATEPOST_STATE_DIR", folder.path());
    nohup.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = nohup.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert_eq!(lines.next_line().await.expect("text").as_deref(), Some("ready"));
    let pid = rustix::process::Pid::from_raw(child.id().expect("it runs").cast_signed()).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("it is ours");
    let mut stdin = child.stdin.take().expect("piped");
    tokio::io::AsyncWriteExt::write_all(&mut stdin, b"still here\n").await.expect("it reads");
    assert_eq!(lines.next_line().await.expect("text").as_deref(), Some("still here"));
    assert_eq!(child.wait().await.expect("it ends").code(), Some(0));
    sandbox.stop().await;
}
