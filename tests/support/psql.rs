//! The machine's psql, a real PostgreSQL, and a session of ours on the same database, for tests that hold one against the
//! other.

#![allow(dead_code, reason = "no test uses all of it")]

#[path = "postgres.rs"]
pub mod postgres;

use gatepost::access::{Access, Session, Wish};
use gatepost::model::{Auth, Endpoint, EndpointRole, Engine, IamAuth, Place, Resolve, RouteChoice, Secret, Settings};
use postgres::Postgres;
use std::io::Write;
use std::process::{Command, Stdio};

/// The major version of the machine's psql; `None` when it has none.
pub fn version() -> Option<u32> {
    let told = Command::new("psql").arg("--version").output().ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    let number = told.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What psql printed on stdout and on stderr for a script.
pub fn psql(server: &Postgres, database: &str, options: &[&str], script: &str) -> (String, String) {
    let mut child = Command::new("psql")
        .args(["-X", "-h", "127.0.0.1", "-p", &server.port().to_string(), "-U", "postgres", "-d", database])
        .args(options)
        .envs([("PGSSLMODE", "require"), ("PGCLIENTENCODING", "UTF8"), ("LC_ALL", "C.UTF-8"), ("PGAPPNAME", "psql")])
        .env_remove("PGOPTIONS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let script = script.to_owned();
    let feeding = std::thread::spawn(move || drop(stdin.write_all(script.as_bytes())));
    let output = child.wait_with_output().expect("psql ends");
    feeding.join().expect("no panic");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A session of ours as `postgres`, straight to the server over verified TLS. The folder is for its state.
pub async fn session(server: &Postgres, database: &str, folder: &tempfile::TempDir) -> Session {
    session_with(server, database, folder, false).await.0
}

/// The same, read-only where that is wanted, with its settings.
pub async fn session_with(
    server: &Postgres,
    database: &str,
    folder: &tempfile::TempDir,
    read_only: bool,
) -> (Session, Settings) {
    let bundle = folder.path().join("ca.pem");
    std::fs::write(&bundle, server.root()).expect("our own folder");
    let settings = Settings {
        ca_bundles: vec![bundle],
        resolve: vec![Resolve {
            host: postgres::HOST.to_owned(),
            port: 5432,
            address: format!("127.0.0.1:{}", server.port()),
        }],
        state_dir: folder.path().join("state"),
        ..Settings::default()
    };
    let access = Access::new(settings.clone()).expect("good settings");
    let wish = Wish {
        endpoint: Endpoint {
            role: EndpointRole::Instance,
            host: postgres::HOST.to_owned(),
            port: 5432,
            owner: "test".to_owned(),
            resource_id: "db-TEST".to_owned(),
            iam: IamAuth::Disabled,
            engine: Engine::Postgres,
            place: Place { profile: None, region: "eu-central-1".to_owned() },
            account: "111122223333".to_owned(),
            partition: "aws".to_owned(),
            public: false,
            vpc_id: None,
            security_groups: Vec::new(),
            database_name: Some(database.to_owned()),
            internet_gateway: false,
            tags: Vec::new(),
            proxy: None,
        },
        route: RouteChoice::Direct,
        database: Some(database.to_owned()),
        user: "postgres".to_owned(),
        auth: Auth::Password(Secret::new("never asked for")),
        read_only,
    };
    (access.connect(&wish, None).await.expect("a session"), settings)
}
