//! "Where, as whom, how": routes, ways to log in, and the target that joins them. Plans only; nothing live.

use super::{Endpoint, Place, Secret};
use std::fmt;
use std::time::SystemTime;

/// A managed node that could forward a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bastion {
    /// `i-…` or `mi-…`.
    pub id: String,
    /// The `Name` tag, else the computer's name.
    pub name: Option<String>,
    /// Where it was listed.
    pub place: Place,
    /// Its SSM agent.
    pub agent: Agent,
    /// VPC, where EC2 could be asked.
    pub vpc_id: Option<String>,
    /// Subnet, where EC2 could be asked.
    pub subnet_id: Option<String>,
    /// Security groups, where EC2 could be asked.
    pub security_groups: Vec<String>,
    /// Private address.
    pub address: Option<String>,
    /// When EC2 started it last (`LaunchTime`): its agent is online no longer than that.
    pub up_since: Option<SystemTime>,
}

impl Bastion {
    /// The name people know it by.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

/// The SSM agent on a bastion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Whether `PingStatus` is `Online`.
    pub online: bool,
    /// `LastPingDateTime`. Since when an agent is online, AWS does not tell.
    pub last_ping: Option<SystemTime>,
    /// `RegistrationDate`: of nodes outside EC2 (`mi-…`) alone.
    pub registered: Option<SystemTime>,
    /// `AgentVersion`, e.g. `3.3.987.0`.
    pub version: String,
}

/// A bastion with what speaks for and against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// The bastion.
    pub bastion: Bastion,
    /// Higher is better; only for ordering.
    pub score: i32,
    /// False when it certainly cannot serve (offline, agent too old to forward to another host).
    pub usable: bool,
    /// Whether the database's security groups let it in; `None` where EC2 does not say.
    pub let_in: Option<bool>,
    /// Whether its subnet leads to the database's VPC; `None` where that is not known.
    pub led: Option<bool>,
    /// In words, best first: "same VPC", "agent online", "agent 2.3 is too old".
    pub reasons: Vec<String>,
}

impl Ranked {
    /// Whether nothing that was looked at says that it cannot serve. Where something does, EC2's answer may still not be
    /// the whole network: such a one is taken when it is asked for, and not recommended.
    pub fn may_serve(&self) -> bool {
        self.usable && self.let_in != Some(false) && self.led != Some(false)
    }
}

/// The way to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there is one of it a target, not a million")]
pub enum Route {
    /// Dial it from here.
    Direct,
    /// Through an SSM session on a bastion.
    Through(Bastion),
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Route::Direct => f.write_str("direct"),
            Route::Through(bastion) => write!(f, "via {}", bastion.label()),
        }
    }
}

/// What the user asked for, before it is settled which route that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RouteChoice {
    /// Direct where that works, else the best bastion.
    #[default]
    Auto,
    /// Direct.
    Direct,
    /// A bastion by id or name.
    Via(String),
}

impl RouteChoice {
    /// From the word after `--via`: `auto`, `direct`, or a bastion's id or name.
    pub fn parse(word: &str) -> RouteChoice {
        match word {
            "auto" => RouteChoice::Auto,
            "direct" => RouteChoice::Direct,
            other => RouteChoice::Via(other.to_owned()),
        }
    }
}

/// How to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// With an IAM token, minted at the moment of login.
    Iam,
    /// With a password that was typed, or stood in PGPASSWORD.
    Password(Secret),
    /// With a password from the passfile, read as libpq reads it, at the moment of login.
    Passfile,
    /// With what the setting `password_command` prints, at the moment of login.
    Command,
    /// With the current version of a secret of AWS Secrets Manager, fetched at the moment of login so that rotation just
    /// works. Which one: its ARN or name; `None` is what the settings say for the target, else the master user's secret.
    SecretsManager(Option<String>),
    /// With a Kerberos ticket. The seam is here; what is behind it says that it is not there yet.
    Kerberos,
}

impl Auth {
    /// The word for it in what is remembered of a target; never the secret.
    pub const fn name(&self) -> &'static str {
        match self {
            Auth::Iam => "iam",
            Auth::Password(_) => "password",
            Auth::Passfile => "passfile",
            Auth::Command => "command",
            Auth::SecretsManager(_) => "secret",
            Auth::Kerberos => "kerberos",
        }
    }
}

/// What somebody asked for before anything is listed: a name, and whatever else they settled already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Identifier, endpoint host, resource id or ARN.
    pub name: String,
    /// Database user.
    pub user: Option<String>,
    /// Database.
    pub database: Option<String>,
    /// The way there.
    pub route: Option<RouteChoice>,
    /// How to log in; an empty password is one yet to be asked for.
    pub auth: Option<Auth>,
    /// Let statements write.
    pub write: bool,
}

/// The complete answer to "where, as whom, how".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What to reach.
    pub endpoint: Endpoint,
    /// The way there.
    pub route: Route,
    /// Database name.
    pub database: String,
    /// Role name, case as PostgreSQL has it.
    pub user: String,
    /// How to log in.
    pub auth: Auth,
    /// Whether the server is told to refuse writes (`default_transaction_read_only`).
    pub read_only: bool,
}
