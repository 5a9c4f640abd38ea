//! Everything that speaks to AWS: listing, signing, starting and ending SSM sessions. Only here: `aws_*` crates. It must
//! not know databases' wires, the data channel, or words for people (`access::diagnose` makes those).

#![allow(
    clippy::result_large_err,
    reason = "an error follows a question over the network: its size is nothing to that"
)]

mod bastions;
mod cloud;
mod cluster;
mod credentials;
mod ec2;
mod error;
mod iam;
mod identity;
mod instance;
mod inventory;
mod modify;
mod network;
mod proxy;
mod query;
mod routes;
mod secrets;
mod sessions;
mod signed;
mod signer;
mod watch;
mod xml;

pub use bastions::Ingress;
pub use cloud::Cloud;
pub use credentials::Origin;
pub use error::{Error, Kind};
pub use iam::{Decision, Principal, Simulated};
pub use network::{Network, proxy_for};
pub use routes::{Road, Roads};
pub use secrets::SecretValue;
pub use sessions::{StartRequest, Started};
pub use signed::{home_region, usual_endpoint};
pub use signer::{Keys, TOKEN_LIFE, token, upgrade_headers};

#[cfg(test)]
pub(crate) use routes::tests::roads as routes_of_a_test;
