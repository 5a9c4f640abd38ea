//! The door from the HTTP side of SSM to whoever keeps the sessions. It must not know how a session is kept.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What `ssm:StartSession` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartSession {
    /// Region it was asked in.
    pub region: String,
    /// `Target`, e.g. `i-0b2f61a54d1c9e083`.
    pub target: String,
    /// `DocumentName`.
    pub document: String,
    /// `Parameters`.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// `Reason`.
    pub reason: Option<String>,
}

/// A session that waits for its web socket.
#[derive(Clone, PartialEq, Eq)]
pub struct Begun {
    /// `SessionId`, e.g. `oncall-0a1b2c3d4e5f60718`.
    pub session_id: String,
    /// `TokenValue`.
    pub token: String,
    /// `StreamUrl`.
    pub stream_url: String,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token opens the session.
        f.debug_struct("Begun")
            .field("session_id", &self.session_id)
            .field("stream_url", &self.stream_url)
            .finish_non_exhaustive()
    }
}

/// A session that was not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartRefused {
    /// AWS's code, e.g. `TargetNotConnected`, `InvalidDocument`, `InvalidParameters`.
    pub code: &'static str,
    /// AWS's sentence.
    pub message: String,
}

/// `StartSession`.
pub type Start = Arc<dyn Fn(StartSession) -> Result<Begun, StartRefused> + Send + Sync>;
/// `ResumeSession`, by session id; `None` for a session that has ended or never was.
pub type Resume = Arc<dyn Fn(&str) -> Option<Begun> + Send + Sync>;
/// `TerminateSession`, by session id; whether it was there.
pub type Terminate = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The three calls. Cloning shares what is behind them.
#[derive(Clone)]
pub struct SessionDoor {
    /// Starts a session, on a target that is known and online (the HTTP side has looked).
    pub start: Start,
    /// Gives a session a new token.
    pub resume: Resume,
    /// Ends a session.
    pub terminate: Terminate,
}

impl fmt::Debug for SessionDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionDoor").finish_non_exhaustive()
    }
}
