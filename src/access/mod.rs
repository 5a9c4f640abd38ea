//! The verbs: everything that floor 3 can do, and the one place where errors become words.

mod account;
pub mod activity;
mod another;
pub mod arrange;
mod audit;
mod beside;
mod canceller;
mod catalogue;
mod connect;
pub mod describe;
mod diagnose;
mod dialled;
pub mod doctor;
pub mod enable_iam;
pub mod explore;
pub mod export;
mod files;
mod find;
pub mod format;
mod forward;
mod guard;
pub mod handoff;
mod inventory;
mod line;
mod lines;
pub mod listener;
mod login;
mod memory;
mod passfile;
mod password_command;
mod policy;
mod pressing;
mod probe;
mod progress;
mod ranking;
mod refusal;
mod relay;
mod result_set;
mod roots_file;
mod route;
mod running;
pub mod saved;
pub mod script;
mod secret;
mod session;
mod simulation;
mod sockets;
mod standby;
mod start;
mod token;
mod tokens;
mod traces;
mod unended;
mod walk;
mod watch;

pub use canceller::Canceller;
pub use find::choose;
pub use forward::{Forward, ForwardReport, News as ForwardNews};
pub use listener::{Door, Listener, ListenerReport, ListenerWish};
pub use pressing::{Means, Pressed};
pub use progress::is_told as tells_progress;
pub use running::Running;
pub use session::Session;
pub use watch::{LineHealth, Watch};

use crate::aws::Cloud;
use crate::db::Roots;
use crate::model::*;
pub use result_set::{Full, Limits, Piece, ResultSet, Snapshot};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::UnboundedSender;

/// Where steps are told; `None` for who does not care.
pub type Steps = Option<UnboundedSender<Step>>;

/// The door. Cheap to clone; holds credential caches, roots, and the list of live tunnels.
#[derive(Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    cloud: Cloud,
    roots: Roots,
    lines: lines::Lines,
    memory: memory::Memory,
    audit: audit::Audit,
    /// Who each place says we are: it does not change while we run.
    identities: Mutex<HashMap<Place, Identity>>,
    unended: unended::Unended,
    listeners: Mutex<Vec<Weak<listener::Shared>>>,
    /// Ports that are forwarded, by number.
    forwards: Mutex<Vec<(u16, Weak<line::Counters>)>>,
}

/// A NAME resolved.
#[derive(Clone, Debug)]
pub struct Found {
    /// The database.
    pub database: Database,
    /// The endpoint meant: the one named by host, else the writer's, the instance's, the proxy's.
    pub endpoint: Endpoint,
}

/// What was used last for a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// User.
    pub user: Option<String>,
    /// User of the last login with a token.
    pub token_user: Option<String>,
    /// Database name.
    pub database: Option<String>,
    /// Bastion id, or `direct`.
    pub route: Option<String>,
    /// How it was logged in: a word of [`Auth::name`], or `secret:` and which; never a secret.
    pub auth: Option<String>,
    /// When.
    pub at: Option<SystemTime>,
}

/// What is wanted of [`Access::connect`], before the route is settled.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What to reach.
    pub endpoint: Endpoint,
    /// The way there.
    pub route: RouteChoice,
    /// Database; `None` is the one it was created with, else `postgres`.
    pub database: Option<String>,
    /// Role.
    pub user: String,
    /// How to log in.
    pub auth: Auth,
    /// Refuse writes.
    pub read_only: bool,
}

/// A live route, told for a screen.
#[derive(Clone, Debug)]
pub struct LineReport {
    /// `host:port`.
    pub address: String,
    /// Route in words.
    pub route: String,
    /// SSM session id.
    pub ssm_session: Option<String>,
    /// Whether it carries what comes now.
    pub is_alive: bool,
    /// Health in words.
    pub health: String,
    /// Open streams.
    pub streams: usize,
    /// Bytes from the database.
    pub received: u64,
    /// Bytes to it.
    pub sent: u64,
    /// Round trip.
    pub round_trip: Option<Duration>,
    /// Web socket resumes.
    pub resumes: u32,
    /// Since it was opened.
    pub age: Duration,
}

impl Access {
    /// Reads the certificate bundles; asks nothing of the network.
    pub fn new(settings: Settings) -> Result<Access, Diagnosis> {
        Access::open(settings, false)
    }

    /// The same for whoever is about to log in: what that needs is made ready while there is something else to wait for.
    /// Within a tokio runtime.
    pub fn before_login(settings: Settings) -> Result<Access, Diagnosis> {
        Access::open(settings, true)
    }

    fn open(settings: Settings, will_log_in: bool) -> Result<Access, Diagnosis> {
        let mut bundles = Vec::new();
        for path in &settings.ca_bundles {
            let name = path.display().to_string();
            let pem = std::fs::read(path).map_err(|error| {
                Diagnosis::new(Kind::Usage, format!("The certificate bundle {name} cannot be read"))
                    .because(error.to_string())
            })?;
            bundles.push((name, pem));
        }
        let roots = Roots::new(&bundles).map_err(|error| {
            Diagnosis::new(Kind::Usage, "A certificate bundle cannot be used").because(error.to_string())
        })?;
        let cloud = Cloud::new(&settings.aws, settings.connect_timeout).map_err(|error| diagnose::aws::of(&error))?;
        if will_log_in {
            // AWS is asked first.
            cloud.network().prepare();
            roots.prepare();
        }
        let inner = Inner {
            cloud,
            roots,
            lines: lines::Lines::default(),
            memory: memory::Memory::new(&settings.state_dir),
            audit: audit::Audit::new(&settings.state_dir, &settings.os_user),
            identities: Mutex::default(),
            unended: unended::Unended::default(),
            listeners: Mutex::default(),
            forwards: Mutex::default(),
            settings,
        };
        Ok(Access { inner: Arc::new(inner) })
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Profiles times regions, as settings and the AWS configuration say, in the order asked for.
    pub async fn places(&self) -> Result<Vec<Place>, Diagnosis> {
        self.list_places().await
    }

    /// Who AWS says we are.
    pub async fn identity(&self, place: &Place) -> Result<Identity, Diagnosis> {
        let identity = self.who(place).await?;
        let mut known = self.inner.identities.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(place.clone(), identity.clone());
        Ok(identity)
    }

    /// Everything in one place.
    pub async fn inventory(&self, place: &Place) -> Result<Inventory, Diagnosis> {
        self.list(place).await
    }

    /// The database or endpoint that NAME (identifier, endpoint host, resource id, ARN) means, over all places.
    pub async fn find(&self, name: &str) -> Result<Found, Diagnosis> {
        self.look_up(name).await
    }

    /// Bastions of the endpoint's place, best first, each with its reasons.
    pub async fn bastions(&self, endpoint: &Endpoint) -> Result<Vec<Ranked>, Diagnosis> {
        self.rank(endpoint).await
    }

    /// A token for that endpoint's real name and port.
    pub async fn token(&self, endpoint: &Endpoint, user: &str) -> Result<Token, Diagnosis> {
        self.mint(endpoint, user).await
    }

    /// Policies, the trust of a role, and the SQL; or why there are none.
    pub fn policy(&self, endpoint: &Endpoint, wish: &PolicyWish) -> Result<Policy, Diagnosis> {
        policy::policy(endpoint, wish)
    }

    /// What AWS's list says beforehand of a database that nobody can reach in its state; `None` of all others.
    pub fn unavailable(&self, database: &Database) -> Option<Diagnosis> {
        diagnose::database::unavailable(database)
    }

    /// Writes the authorities that databases' certificates are checked against to a file, for tools that have none of their
    /// own, and tells where that is.
    pub fn roots_file(&self) -> std::io::Result<std::path::PathBuf> {
        roots_file::write(self.settings())
    }

    /// Settles which way, with the reason in words.
    pub async fn settle(&self, endpoint: &Endpoint, choice: &RouteChoice) -> Result<(Route, String), Diagnosis> {
        Box::pin(self.choose_route(endpoint, choice)).await
    }

    /// Walks the whole way: credentials, route, session, handshake, database, TLS, login. Each step is told.
    pub async fn connect(&self, wish: &Wish, steps: Steps) -> Result<Session, Diagnosis> {
        // On the heap, here and below: the whole way is a deep state, and a caller's stack may be small.
        Box::pin(Session::connect(self, wish, steps)).await
    }

    /// Forwards a loopback port (0: any free one) to the endpoint.
    pub async fn forward(
        &self,
        endpoint: &Endpoint,
        route: &RouteChoice,
        port: u16,
        steps: Steps,
    ) -> Result<Forward, Diagnosis> {
        Box::pin(Forward::open(self, endpoint, route, port, steps)).await
    }

    /// What was used last for that endpoint.
    pub fn remembered(&self, endpoint: &Endpoint) -> Remembered {
        self.inner.memory.get(endpoint)
    }

    /// The user a wish would take where none is given: remembered, else the setting. `None`: ask. Who came in with a
    /// password last is nobody to make a token for: roles that take tokens take nothing else.
    pub fn default_user(&self, endpoint: &Endpoint, auth: &Auth) -> Option<String> {
        let Remembered { user, token_user, .. } = self.remembered(endpoint);
        let last = if *auth == Auth::Iam { token_user } else { user };
        last.or_else(|| self.settings().user.clone())
    }

    /// What is said where no user is known.
    pub fn no_user(&self, endpoint: &Endpoint) -> Diagnosis {
        diagnose::login::nobody(endpoint)
    }

    /// Live routes.
    pub fn lines(&self) -> Vec<LineReport> {
        self.inner.lines.reports()
    }

    /// Terminates every SSM session still open. To be awaited before the program ends, whatever ends it.
    pub async fn close(&self) {
        self.inner.lines.close().await;
    }

    /// Sessions that may still be open at AWS although they were to be ended, each told once. To be asked after
    /// [`Access::close`].
    pub fn left_open(&self) -> Vec<Diagnosis> {
        self.inner.unended.take()
    }

    fn cloud(&self) -> &Cloud {
        &self.inner.cloud
    }

    /// Who we are there, if it is known or can be had in a moment; for the audit and for words only.
    async fn known_identity(&self, place: &Place) -> Option<Identity> {
        let known = self.inner.identities.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned();
        match known {
            Some(identity) => Some(identity),
            None => self.identity(place).await.ok(),
        }
    }
}
