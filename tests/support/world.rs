//! A whole sandbox (AWS, agents, gates, a real PostgreSQL) and a door to it, for tests of the verbs.

#![allow(dead_code, reason = "no test uses all of it")]

use gatepost::access::{Access, Session, Wish};
use gatepost::model::{
    Auth, AwsSettings, Diagnosis, Endpoint, Happening, Resolve, RouteChoice, Secret, Settings, StaticCredentials,
};
use gatepost::sandbox::aws::{Server, serve_with};
use gatepost::sandbox::{Options, Sandbox, keys};
use std::path::PathBuf;
use std::time::Duration;

/// It ends with its owner.
pub struct World {
    pub sandbox: Sandbox,
    pub settings: Settings,
    pub access: Access,
    pub aws: Server,
    folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> World {
        World::with(|_| {}).await
    }

    /// With settings changed before the door is made.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> World {
        let sandbox =
            Sandbox::start(Options { events: false, ..Options::default() }).await.expect("the sandbox starts");
        let (clock, faults, secrets) = (sandbox.clock().clone(), sandbox.faults().clone(), sandbox.secrets().clone());
        let changes = sandbox.changes().clone();
        let aws =
            serve_with(clock, faults, sandbox.sessions().door(), secrets, changes).await.expect("a loopback port");
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut settings = Settings {
            aws: AwsSettings {
                regions: vec![keys::REGION.to_owned(), keys::OTHER_REGION.to_owned()],
                endpoint_url: Some(format!("http://{}", aws.address)),
                credentials: Some(StaticCredentials {
                    access_key_id: keys::ACCESS_KEY_ID.to_owned(),
                    secret_access_key: Secret::new(keys::SECRET_ACCESS_KEY),
                    session_token: Some(Secret::new(keys::SESSION_TOKEN)),
                }),
                ..AwsSettings::default()
            },
            ca_bundles: vec![sandbox.ca_bundle().to_owned()],
            state_dir: folder.path().join("state"),
            os_user: "tester".to_owned(),
            connect_timeout: Duration::from_secs(15),
            ..Settings::default()
        };
        change(&mut settings);
        let access = Access::new(settings.clone()).expect("good settings");
        World { sandbox, settings, access, aws, folder }
    }

    /// The same sandbox through another door.
    pub fn door(&self, change: impl FnOnce(&mut Settings)) -> Access {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Access::new(settings).expect("good settings")
    }

    /// "Dial the gate where that endpoint is meant."
    pub fn resolve(&self, endpoint: &Endpoint) -> Resolve {
        let address = self.sandbox.gate_address(&endpoint.host).expect("an endpoint with a gate");
        Resolve { host: endpoint.host.clone(), port: endpoint.port, address: address.to_string() }
    }

    pub async fn endpoint(&self, name: &str) -> Endpoint {
        self.access.find(name).await.expect("listed").endpoint
    }

    /// The audit trail so far.
    pub fn audit(&self) -> Vec<serde_json::Value> {
        let path: PathBuf = self.folder.path().join("state/audit.jsonl");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

pub fn wish(endpoint: &Endpoint, user: &str) -> Wish {
    Wish {
        endpoint: endpoint.clone(),
        route: RouteChoice::Auto,
        database: None,
        user: user.to_owned(),
        auth: Auth::Iam,
        read_only: false,
    }
}

/// All rows of a statement, as text; and whether it was reconnected on the way.
pub async fn rows(session: &mut Session, statement: &str) -> Result<(Vec<Vec<String>>, bool), Diagnosis> {
    let mut rows = Vec::new();
    let mut reconnected = false;
    let mut running = session.run(statement);
    while let Some(happening) = running.next().await {
        match happening? {
            Happening::Rows(page) => {
                for row in 0..page.rows() {
                    rows.push(page.row(row).map(|cell| cell.unwrap_or("∅").to_owned()).collect());
                }
            }
            Happening::Reconnected(_) => reconnected = true,
            _ => {}
        }
    }
    Ok((rows, reconnected))
}

pub async fn value(session: &mut Session, statement: &str) -> String {
    let (rows, _) = rows(session, statement).await.expect("runs");
    rows.into_iter().next().and_then(|row| row.into_iter().next()).expect("one value")
}
