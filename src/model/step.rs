//! The way to a session, told as steps while it is walked. Plain data for a screen or a line of progress.

use super::Diagnosis;
use std::time::Duration;

/// A link of the chain from credentials to login, in the order in which they are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepKind {
    /// AWS credentials are had and good.
    Credentials,
    /// The route is settled (ranking bastions, or a direct line).
    Route,
    /// `ssm:StartSession` was answered. Not on a direct line.
    Session,
    /// The agent's handshake and the readiness barrier. Not on a direct line.
    Handshake,
    /// The database's port is reached.
    Database,
    /// TLS, certificate and name checked.
    Tls,
    /// Logged in.
    Login,
}

impl StepKind {
    /// One lower-case word (`TLS` apart).
    pub fn name(self) -> &'static str {
        match self {
            StepKind::Credentials => "credentials",
            StepKind::Route => "route",
            StepKind::Session => "session",
            StepKind::Handshake => "handshake",
            StepKind::Database => "database",
            StepKind::Tls => "TLS",
            StepKind::Login => "login",
        }
    }
}

/// News of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which link.
    pub kind: StepKind,
    /// How it stands.
    pub state: StepState,
}

/// How a step stands.
#[derive(Clone, Debug, PartialEq)]
pub enum StepState {
    /// Begun; what it is about, e.g. `orders-prod.cluster-….rds.amazonaws.com:5432`.
    Begun(String),
    /// Done: what was found, and how long it took.
    Done(String, Duration),
    /// Failed, and how long it took.
    Failed(Box<Diagnosis>, Duration),
}
