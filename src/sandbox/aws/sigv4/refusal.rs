//! Why a signature was refused, in AWS's sentences. It must not know a service's codes.

/// Why a request was refused. Each service has its own code and status for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing that signs it.
    #[error("Request is missing Authentication Token")]
    Unsigned,
    /// A part of the signature is missing or cannot be read.
    #[error("{0}")]
    Incomplete(String),
    /// Nobody has this access key, or its session token is another.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// Signed for another service than the one asked.
    #[error("Credential should be scoped to correct service: '{expected}'. ")]
    WrongService {
        /// The service asked.
        expected: String,
    },
    /// Too old.
    #[error("Signature expired: {signed} is now earlier than {limit} ({now} - 5 min.)")]
    Stale {
        /// Its date, as `20261122T080000Z`.
        signed: String,
        /// The oldest that would do.
        limit: String,
        /// AWS's clock.
        now: String,
    },
    /// From the future.
    #[error("Signature not yet current: {signed} is still later than {limit} ({now} + 5 min.)")]
    NotYet {
        /// Its date, as `20261122T080000Z`.
        signed: String,
        /// The latest that would do.
        limit: String,
        /// AWS's clock.
        now: String,
    },
    /// A presigned request after its end.
    #[error("Request has expired. Timestamp date: {signed}, X-Amz-Expires: {expires}, current date: {now}")]
    Ended {
        /// Its date, as `20261122T080000Z`.
        signed: String,
        /// How many seconds it was to live.
        expires: u64,
        /// AWS's clock.
        now: String,
    },
    /// A presigned request that would live longer than is allowed.
    #[error("X-Amz-Expires must be less than or equal to {limit} seconds, but is {expires}")]
    TooLong {
        /// What it asked for, in seconds.
        expires: u64,
        /// What is allowed, in seconds.
        limit: u64,
    },
    /// The signature is another: wrong secret, or something was changed on the way.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// The session token was good and has ended.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
}
