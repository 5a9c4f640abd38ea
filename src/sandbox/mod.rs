//! The shed: a neighbour that speaks the real protocols on loopback: AWS over HTTP, the SSM data channel with the real
//! agent's habits, the gate (TLS, IAM tokens) and a real PostgreSQL. The house has no word for it; it reaches the house
//! the way AWS does, over sockets. It may import `model` and `ssm`'s pure codecs.

pub mod activity;
pub mod agent;
pub mod authority;
pub mod aws;
pub mod cast;
pub mod changes;
pub mod clock;
pub mod data_channel;
pub mod faults;
pub mod gate;
pub mod keys;
pub mod once;
pub mod policies;
pub mod postgres;
pub mod secrets;
pub mod sessions;
pub mod unruly;

pub use clock::Clock;
pub use faults::{Fault, Faults};

use crate::model::{AwsSettings, Resolve, StaticCredentials};
use crate::model::{Secret, Settings};
use authority::Authority;
use changes::Changes;
use data_channel::DataChannels;
use gate::Gate;
use once::Once;
use postgres::{Binaries, Folder, Missing, Postgres, ServerError, StartError};
use secrets::Secrets;
use sessions::Sessions;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How a sandbox is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of PostgreSQL's programs; `None` looks for the newest.
    pub pg_bin: Option<PathBuf>,
    /// What goes wrong from the start.
    pub faults: Vec<Fault>,
    /// Whether the shop gets its million events, which takes a second or two.
    pub events: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { pg_bin: None, faults: Vec::new(), events: true }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No PostgreSQL on this machine.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// PostgreSQL did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// PostgreSQL could not be filled.
    #[error("the sandbox's databases could not be filled: {0}")]
    Fill(#[source] ServerError),
    /// Certificates could not be made.
    #[error(transparent)]
    Authority(#[from] authority::Error),
    /// A folder, file or listener could not be made.
    #[error("the sandbox could not be set up: {0}")]
    Setup(#[from] io::Error),
}

/// A running sandbox. Dropping it ends everything in it; so does our own end, however it comes.
///
/// The order of the fields is the order of the end: listeners, then the server, then the folder.
#[derive(Debug)]
pub struct Sandbox {
    faults: Faults,
    clock: Clock,
    secrets: Secrets,
    changes: Changes,
    _watches: JoinSet<()>,
    aws: aws::Server,
    _data_channels: DataChannels,
    sessions: Sessions,
    gates: Arc<Vec<Gate>>,
    postgres: Arc<Postgres>,
    ca_bundle: PathBuf,
    folder: Folder,
}

impl Sandbox {
    /// Starts one; everything in it is ready when this returns.
    pub async fn start(options: Options) -> Result<Sandbox, Error> {
        let faults = Faults::default();
        for fault in options.faults {
            faults.set(fault);
        }
        let clock = Clock::default();
        let changes = Changes::new(clock.clone());
        let folder = Folder::new()?;
        let binaries = Binaries::find(options.pg_bin.as_deref(), &folder.path().join("postgresql"))?;
        let postgres = Arc::new(Postgres::start(&binaries, &folder).await?);
        let authority = Arc::new(Authority::new()?);
        let ca_bundle = folder.write("ca.pem", &authority.pem())?;
        let mut watches = JoinSet::new();
        let mut once = |fault| {
            let once = Once::new(fault, &faults);
            watches.spawn(once.clone().watch());
            once
        };
        let behind = gate::Behind {
            postgres: Arc::clone(&postgres),
            authority,
            faults: faults.clone(),
            cut: once(Fault::DatabaseCut),
            clock: clock.clone(),
            changes: changes.clone(),
        };
        let mut gates = Vec::new();
        for spec in cast::gates() {
            gates.push(Gate::open(spec, behind.clone()).await?);
        }
        let gates = Arc::new(gates);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let session_ended = once(Fault::SessionEnded);
        let session_at_limit = once(Fault::SessionAtLimit);
        let outside =
            sessions::Outside { faults: faults.clone(), session_ended, session_at_limit, clock: clock.clone() };
        let sessions = Sessions::new(Arc::clone(&gates), outside, listener.local_addr()?);
        let behind = data_channel::Behind {
            sessions: sessions.clone(),
            faults: faults.clone(),
            clock: clock.clone(),
            cut: once(Fault::SocketCut),
            reset: once(Fault::SocketReset),
        };
        let data_channels = DataChannels::open(listener, behind);
        let secrets = Secrets::new(Some(Arc::clone(&postgres)));
        let aws =
            aws::serve_with(clock.clone(), faults.clone(), sessions.door(), secrets.clone(), changes.clone()).await?;
        folder.make("state", false)?;
        // The user's own profiles and settings must not lead anywhere else; a profile named `default` has to be there, with
        // keys: who is told a profile looks for them there only (session-manager-plugin called by itself, `aws --profile`).
        folder.write("aws-config", &format!("[default]\nregion = {}\n", keys::REGION))?;
        folder.write("aws-credentials", &keys::profile())?;
        folder.write("gatepost.toml", "")?;
        postgres::fill(&postgres, options.events).await.map_err(Error::Fill)?;
        Ok(Sandbox {
            faults,
            clock,
            secrets,
            changes,
            _watches: watches,
            aws,
            _data_channels: data_channels,
            sessions,
            gates,
            postgres,
            ca_bundle,
            folder,
        })
    }

    /// Restarts the PostgreSQL behind all gates, as after maintenance: every session ends, the data stay. Returns when it
    /// answers again.
    pub async fn restart_database(&self) -> Result<(), ServerError> {
        self.postgres.restart().await
    }

    /// Where AWS answers, over HTTP.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.aws.address)
    }

    /// The settings that lead gatepost here: nothing but what a real user could set.
    pub fn settings(&self) -> Settings {
        Settings {
            aws: AwsSettings {
                regions: vec![keys::REGION.to_owned(), keys::OTHER_REGION.to_owned()],
                endpoint_url: Some(self.endpoint_url()),
                credentials: Some(StaticCredentials {
                    access_key_id: keys::ACCESS_KEY_ID.to_owned(),
                    secret_access_key: Secret::new(keys::SECRET_ACCESS_KEY),
                    session_token: Some(Secret::new(keys::SESSION_TOKEN)),
                }),
                ..AwsSettings::default()
            },
            ca_bundles: vec![self.ca_bundle.clone()],
            resolve: self.resolve(),
            state_dir: self.folder.path().join("state"),
            user: Some(keys::USER.to_owned()),
            ..Settings::default()
        }
    }

    /// The same as environment variables, for gatepost and for any other AWS client.
    pub fn environment(&self) -> Vec<(String, String)> {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let resolve: Vec<String> = self
            .resolve()
            .iter()
            .map(|resolve| format!("{}:{}:{}", resolve.host, resolve.port, resolve.address))
            .collect();
        let variables = [
            ("AWS_ENDPOINT_URL", self.endpoint_url()),
            ("AWS_ACCESS_KEY_ID", keys::ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", keys::SECRET_ACCESS_KEY.to_owned()),
            ("AWS_SESSION_TOKEN", keys::SESSION_TOKEN.to_owned()),
            ("AWS_REGION", keys::REGION.to_owned()),
            ("AWS_DEFAULT_REGION", keys::REGION.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_PROFILE", "default".to_owned()),
            ("AWS_CONFIG_FILE", file("aws-config")),
            ("AWS_SHARED_CREDENTIALS_FILE", file("aws-credentials")),
            ("GATEPOST_CONFIG", file("gatepost.toml")),
            ("GATEPOST_REGIONS", format!("{},{}", keys::REGION, keys::OTHER_REGION)),
            ("GATEPOST_CA_BUNDLE", file("ca.pem")),
            ("GATEPOST_RESOLVE", resolve.join(",")),
            ("GATEPOST_STATE_DIR", file("state")),
            ("GATEPOST_USER", keys::USER.to_owned()),
            ("PGSSLROOTCERT", file("ca.pem")),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Public databases can be dialled directly: their names lead to their gates.
    fn resolve(&self) -> Vec<Resolve> {
        let public = self.gates.iter().filter(|gate| gate.spec().public);
        public
            .flat_map(|gate| {
                gate.spec().hosts.iter().map(|host| Resolve {
                    host: host.clone(),
                    port: gate.spec().port,
                    address: gate.address().to_string(),
                })
            })
            .collect()
    }

    /// Session Manager's sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// The dial for faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What Secrets Manager holds, for rotating it.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// What RDS was asked to change, for another server of its.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The clock that tokens and signatures are held against.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where the gate of this endpoint name listens, for what dials it directly.
    pub fn gate_address(&self, host: &str) -> Option<SocketAddr> {
        self.gates.iter().find(|gate| gate.spec().hosts.iter().any(|known| known == host)).map(Gate::address)
    }

    /// PEM file with the sandbox's certificate authority.
    pub fn ca_bundle(&self) -> &std::path::Path {
        &self.ca_bundle
    }

    /// Ends everything; returns when it has ended.
    pub async fn stop(self) {
        let _ended = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Tasks that were aborted may hold the server until their runtime comes to them, which on a panic is never.
        self.sessions.abort();
        self.postgres.end();
    }
}
