//! Whether an IAM database token opens this gate: RDS's own checks. It must not know PostgreSQL's messages.

use crate::sandbox::aws::sigv4::{Refusal, Verified, verify_presigned};
use crate::sandbox::cast::GateSpec;
use std::time::{Duration, SystemTime};

/// RDS takes no token that is older, whatever it says of itself.
const OLDEST: Duration = Duration::from_secs(15 * 60);

/// Why a token does not open a gate. The client never learns it: RDS says the same sentence for all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// IAM authentication is off here.
    #[error("IAM authentication is off")]
    IamOff,
    /// Not of the form of a token; so an ordinary password, or a truncated token.
    #[error("this is no token")]
    NoToken,
    /// For a host that does not lead here.
    #[error("signed for another host or port")]
    OtherHost,
    /// For another user; names are compared exactly.
    #[error("signed for another user")]
    OtherUser,
    /// For another region.
    #[error("signed for another region")]
    OtherRegion,
    /// Not `Action=connect`.
    #[error("signed for something else than connecting")]
    OtherAction,
    /// Older than 15 minutes.
    #[error("older than 15 minutes")]
    TooOld,
    /// Its signature is refused.
    #[error(transparent)]
    Signature(#[from] Refusal),
}

/// Checks `token`, `HOST:PORT/?Action=connect&DBUser=…&X-Amz-…`, for `user` at `now`.
pub fn check(gate: &GateSpec, token: &str, user: &str, now: SystemTime) -> Result<(), Unfit> {
    if !gate.iam {
        return Err(Unfit::IamOff);
    }
    let (address, query) = token.split_once("/?").ok_or(Unfit::NoToken)?;
    let (host, port) = address.rsplit_once(':').ok_or(Unfit::NoToken)?;
    if port.parse() != Ok(gate.port) || !gate.hosts.iter().any(|known| known == host) {
        return Err(Unfit::OtherHost);
    }
    let verified: Verified = verify_presigned("GET", address, "/", query, "rds-db", now)?;
    if verified.region != gate.region {
        return Err(Unfit::OtherRegion);
    }
    if verified.parameter("Action") != Some("connect") {
        return Err(Unfit::OtherAction);
    }
    if verified.parameter("DBUser") != Some(user) {
        return Err(Unfit::OtherUser);
    }
    if now > verified.signed_at + OLDEST {
        return Err(Unfit::TooOld);
    }
    Ok(())
}
