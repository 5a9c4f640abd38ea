//! The console's listeners in a real terminal, with the sandbox: opened by the form, used by a real psql, seen in the table,
//! closed; and IAM authentication switched on, after which the list says so.

#[allow(dead_code)]
#[path = "transcripts/neighbour.rs"]
mod neighbour;
#[path = "support/terminal.rs"]
mod terminal;

use neighbour::Neighbour;
use portable_pty::CommandBuilder;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use terminal::Terminal;

/// The one passfile below the folder of runs.
fn passfile(state: &Path) -> PathBuf {
    let runs = std::fs::read_dir(state.join("run")).expect("a run");
    let mut found: Vec<PathBuf> = runs.map(|run| run.expect("readable").path().join("passfile")).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_listener_of_the_console_and_iam_switched_on() {
    if Command::new("psql").arg("--version").output().is_err() {
        eprintln!("skipped: this machine has no psql");
        return;
    }
    // Its own: what is switched on stays so.
    let neighbour = Neighbour::start();
    let like_ours = neighbour.command(&[]);
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_gatepost"));
    command.env_clear();
    for (name, value) in like_ours.get_envs() {
        command.env(name, value.expect("set"));
    }
    command.env("TERM", "xterm-256color");
    let mut terminal = Terminal::run(command);
    terminal.wait_for("62 databases");
    terminal.press("/billing !replica\r");
    terminal.wait_for("1 of 62");
    terminal.press("o");
    terminal.wait_for("listener for billing");
    terminal.wait_for("oncall");
    terminal.press("\r");
    terminal.wait_for("✓ 127.0.0.1:");
    let passfile = passfile(Path::new(neighbour.variable("GATEPOST_STATE_DIR")));
    let line = std::fs::read_to_string(&passfile).expect("the passfile");
    let port = line.split(':').nth(1).expect("a port").to_owned();
    let psql = |statement: &str| {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-A", "-t", "-c", statement]).arg(format!("host=127.0.0.1 port={port} dbname=shop user=me"));
        psql.env("PGPASSFILE", &passfile).env("PGCONNECT_TIMEOUT", "60").env_remove("PGPASSWORD");
        let output = psql.output().expect("psql runs");
        (
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (out, err) = psql("select current_user, current_setting('default_transaction_read_only')");
    assert_eq!(out, "oncall|on", "{err}");
    terminal.wait_for("via bastion-a");
    // What was turned away is told in the table.
    let refused = Command::new("psql")
        .arg(format!("host=127.0.0.1 port={port} dbname=shop user=me password=wrong passfile=/nowhere"))
        .output()
        .expect("psql runs");
    assert!(!refused.status.success());
    terminal.wait_for("1 turned away");
    terminal.press("y");
    terminal.wait_for("JDBC URL");
    terminal.press("j");
    terminal.wait_for("copied JDBC URL");
    terminal.press("x");
    terminal.wait_for("closed the listener billing");
    terminal.wait_for("none: in the fleet");
    let deadline = Instant::now() + Duration::from_secs(60);
    while passfile.exists() {
        assert!(Instant::now() < deadline, "the passfile goes with its listener");
        std::thread::sleep(Duration::from_millis(10));
    }

    // With a password and by a socket: the form has what the command has.
    terminal.press("q");
    terminal.wait_for("1 of 62");
    terminal.press("o");
    terminal.wait_for("listener for billing");
    terminal.wait_for("oncall");
    terminal.press("\x15postgres\t\t\x1b[C");
    terminal.wait_for("typed here, kept nowhere");
    terminal.press("\tpostgres-master-password\t\t\x1b[C");
    terminal.wait_for("a Unix socket");
    terminal.press("\r");
    let runs = Path::new(neighbour.variable("GATEPOST_STATE_DIR")).join("run");
    let socket = || {
        let runs = std::fs::read_dir(&runs).ok()?;
        runs.map(|run| run.expect("readable").path()).find(|run| run.join(".s.PGSQL.5432").exists())
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let folder = loop {
        if let Some(folder) = socket() {
            break folder;
        }
        assert!(Instant::now() < deadline, "the socket is there");
        std::thread::sleep(Duration::from_millis(10));
    };
    let mut psql = Command::new("psql");
    psql.args(["-X", "-A", "-t", "-h"]).arg(&folder).args(["-U", "me", "-d", "shop", "-c", "select current_user"]);
    let output = psql.env("PGCONNECT_TIMEOUT", "60").env_remove("PGPASSWORD").output().expect("psql runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "postgres", "{output:?}");
    terminal.press("x");
    terminal.wait_for("closed the listener billing");
    while folder.exists() {
        assert!(Instant::now() < deadline + Duration::from_secs(60), "the socket goes with its listener");
        std::thread::sleep(Duration::from_millis(10));
    }

    terminal.press("q");
    terminal.wait_for("1 of 62");
    terminal.press("\x1b");
    terminal.wait_for_not("/billing !replica");
    terminal.press("/legacy-crm\r");
    terminal.wait_for("1 of 62");
    terminal.press("I");
    terminal.wait_for("type legacy-crm to go on");
    terminal.wait_for("It begins at once");
    terminal.press("legacy-crm\r");
    terminal.wait_for("legacy-crm takes tokens now");
    terminal.wait_until("the list says on", |text| {
        text.lines().any(|line| line.contains("legacy-crm") && line.contains("available") && line.contains("on "))
    });
    terminal.press("q");
    let (status, _) = terminal.end();
    assert_eq!(status, 0);
}
