//! A listener of ours and the programs that people point at it: psql, pgbench, pg_dump, pg_restore. It must not know what
//! a test is after.

#![allow(dead_code, reason = "no test uses all of it")]

use gatepost::access::listener::{Papers, PassLine, new_secret};
use gatepost::access::{Access, Door, Listener, ListenerWish};
use gatepost::model::{Auth, Endpoint, RouteChoice, Secret};
use std::path::PathBuf;
use std::process::{Output, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// A listener, and what its clients are handed.
pub struct Listening {
    pub listener: Listener,
    pub secret: Option<Secret>,
    pub papers: Papers,
    passfile: Option<PathBuf>,
}

pub fn wish(endpoint: &Endpoint, user: &str) -> ListenerWish {
    ListenerWish {
        name: endpoint.owner.clone(),
        endpoint: endpoint.clone(),
        route: RouteChoice::Auto,
        door: Door::Port(0),
        users: vec![user.to_owned()],
        databases: Vec::new(),
        database_told: false,
        auth: Auth::Iam,
        read_only: Some(false),
        secret: Some(new_secret()),
        tls: false,
    }
}

impl Listening {
    pub async fn open(access: &Access, wish: ListenerWish) -> Listening {
        let secret = wish.secret.clone();
        let papers = Papers::new(access.settings()).expect("a private folder");
        let listener = access.listen(wish).await.unwrap_or_else(|diagnosis| panic!("{diagnosis}"));
        let (host, port) = listener.address();
        let passfile = secret.as_ref().map(|password| {
            let line = PassLine { host, port, database: None, user: None, password };
            papers.passfile(&line).expect("written")
        });
        Listening { listener, secret, papers, passfile }
    }

    pub fn port(&self) -> u16 {
        self.listener.address().1
    }

    /// A program of PostgreSQL that finds the listener by its environment.
    pub fn command(&self, program: &str, words: &[&str]) -> Command {
        let (host, port) = self.listener.address();
        let mut command = Command::new(program);
        command.args(words).env_clear().kill_on_drop(true);
        command.envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"));
        command.env("PGHOST", host).env("PGPORT", port.to_string()).env("LC_ALL", "C.UTF-8");
        // As where nobody is named, so that no database is either: the listener logs in as its own.
        command.env("PGUSER", "tester").env("PGCONNECT_TIMEOUT", "120");
        match &self.passfile {
            Some(path) => command.env("PGPASSFILE", path),
            None => command.env("PGPASSFILE", "/nowhere"),
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What psql prints for a script, and how it ended.
    pub async fn psql(&self, script: &str) -> Said {
        self.psql_with(&[], script).await
    }

    pub async fn psql_with(&self, environment: &[(&str, &str)], script: &str) -> Said {
        let mut command = self.command("psql", &["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"]);
        command.envs(environment.iter().copied()).stdin(Stdio::piped());
        let mut child = command.spawn().expect("psql runs");
        let mut stdin = child.stdin.take().expect("it is piped");
        let script = script.to_owned();
        let feeding = tokio::spawn(async move {
            // One that could not connect reads nothing.
            let _ = stdin.write_all(script.as_bytes()).await;
        });
        let output = child.wait_with_output().await.expect("psql ends");
        feeding.await.expect("no panic");
        Said::of(output)
    }

    /// A psql that runs one statement in the background.
    pub fn begin(&self, statement: &str) -> Child {
        self.command("psql", &["-X", "-A", "-t", "-c", statement]).spawn().expect("psql runs")
    }
}

/// What a program said.
#[derive(Debug)]
pub struct Said {
    pub out: String,
    pub err: String,
    pub status: Option<i32>,
}

impl Said {
    pub fn of(output: Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        Said { out: text(&output.stdout), err: text(&output.stderr), status: output.status.code() }
    }

    /// What was printed, where all went well.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.status, Some(0), "{self:?}");
        self.out
    }
}

/// Whether the machine has that program; where not, that is said, and a test has nothing to hold.
pub fn has(program: &str) -> bool {
    let there = std::process::Command::new(program).arg("--version").output().is_ok();
    if !there {
        eprintln!("skipped: this machine has no {program}");
    }
    there
}
