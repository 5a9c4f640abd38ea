//! The verbs of the command line: words in, `access`'s verbs, words out. Every verb is one file with its `Args` (whose doc
//! comments are the help) and its `run`. It must not know AWS, the wire, or how failures become words.

mod client;
pub mod connect;
pub mod doctor;
pub mod enable_iam;
pub mod exec;
pub mod failure;
pub mod interrupt;
pub mod list;
mod listening;
pub mod login;
pub mod open;
mod password;
pub mod policy;
pub mod proxy;
pub mod query;
mod steps;
pub mod terminal;
pub mod token;
pub mod tunnel;

pub use failure::Failure;
pub use interrupt::{Interrupt, Signal};
pub use terminal::Terminal;

use crate::access::Access;
use crate::model::{Auth, Diagnosis, Endpoint, Kind};
use std::path::PathBuf;

/// Flags that every verb takes.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Flags of every command")]
pub struct Global {
    /// Profile of the shared AWS configuration; repeat it for several
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Vec<String>,
    /// Region; repeat it for several
    #[arg(long, global = true, value_name = "CODE")]
    pub region: Vec<String>,
    /// One address for all AWS services
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// PEM file with more certificate authorities for databases; repeat it for several
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_bundle: Vec<PathBuf>,
    /// On a direct line, dial ADDRESS where HOST:PORT is meant: HOST:PORT:ADDRESS or HOST:PORT:ADDRESS:PORT
    #[arg(long, global = true, value_name = "RULE")]
    pub resolve: Vec<String>,
    /// Settings file, instead of the one in the platform's configuration folder
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Tell every step on stderr, also where that is no terminal
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

impl Global {
    /// The flags by their names in the settings table.
    pub fn flags(&self) -> Vec<(&'static str, Vec<String>)> {
        let paths = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect();
        vec![
            ("--profile", self.profile.clone()),
            ("--region", self.region.clone()),
            ("--endpoint-url", self.endpoint_url.iter().cloned().collect()),
            ("--ca-bundle", paths(&self.ca_bundle)),
            ("--resolve", self.resolve.clone()),
        ]
    }
}

impl Global {
    /// Those that say which AWS is meant, as words of a command line.
    pub fn given(&self) -> Vec<String> {
        let config = self.config.iter().map(|path| path.display().to_string()).collect();
        let flags =
            self.flags().into_iter().filter(|(name, _)| matches!(*name, "--profile" | "--region" | "--endpoint-url"));
        flags
            .chain([("--config", config)])
            .flat_map(|(name, values)| values.into_iter().flat_map(move |value: String| [name.to_owned(), value]))
            .collect()
    }
}

/// The user named, else the one that was used before for such a login or set; none is a mistake of usage.
fn user(access: &Access, endpoint: &Endpoint, named: Option<&str>, auth: &Auth) -> Result<String, Diagnosis> {
    if named == Some("") {
        return Err(Diagnosis::new(Kind::Usage, "The database user is empty: expected a name, as --user NAME"));
    }
    let named = named.map(str::to_owned).or_else(|| access.default_user(endpoint, auth));
    named.filter(|user| !user.is_empty()).ok_or_else(|| access.no_user(endpoint))
}

/// What is to be known where a token is made for, or promised to, what AWS's own flag says takes none.
fn no_tokens(endpoint: &Endpoint) -> Option<String> {
    let said =
        || format!("note: IAM authentication of {} is {}: it will refuse tokens", endpoint.owner, endpoint.iam.name());
    (!endpoint.iam.accepts_tokens()).then(said)
}
