//! The SSM data channel, natively: a stranger to the rest of the house; it could be its own crate.
//!
//! Pure machines, told the time and given bytes: [`message`], [`ack`], [`handshake`], [`open`] and [`smux`] are the
//! codecs (the sandbox's agent uses them too); [`channel`] keeps the sequence, with `outgoing` and its
//! `pace`, `incoming` and its `receipts`, and what a session goes through: `readiness`, `payload_size`, `absence`, `silence`;
//! `mux` holds the streams, each a `lane`; [`session`] is all of it in one. Around them one `driver` task moves frames over one web `socket`
//! after another, which `dial` opens and an `outage` lies between, and [`Tunnel`] and [`Stream`] are what others hold.
//!
//! [`Pool`] puts several sessions beside one another where one is too slow (`pool` says when).
//!
//! A reader that stalls harms nobody: its stream's bytes go to a file beyond 4 MiB (`backlog` says why), which a
//! thread of its own writes and reads (`spool`). Memory is bounded: 16 MiB for all readers of a session together, beyond it
//! 80 KiB each, and 8 MiB on the way to the disk. The disk is not filled: a stream that leaves others too little of it fails.

mod absence;
pub mod ack;
mod backlog;
pub mod channel;
mod dial;
mod dials;
mod driver;
mod event;
mod frame_writer;
pub mod handshake;
mod incoming;
mod lane;
mod load;
pub mod message;
mod message_type;
mod mux;
pub mod open;
mod outage;
mod outgoing;
mod pace;
mod payload_size;
mod payload_type;
mod pool;
mod readiness;
mod receipts;
pub mod session;
mod shared;
mod silence;
pub mod smux;
mod socket;
mod spool;
mod stamp;
mod stream;
mod timing;
#[cfg(test)]
mod trial;
mod tunnel;

pub use pool::{Opener, Pool, Wish};
pub use stream::Stream;
pub use tunnel::Tunnel;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;
use zeroize::Zeroizing;

/// What StartSession or ResumeSession gave.
#[derive(Clone)]
pub struct Grant {
    /// `SessionId`.
    pub session_id: String,
    /// `StreamUrl`, used verbatim.
    pub stream_url: String,
    /// `TokenValue`: a secret, zeroed when it is done with.
    pub token: Zeroizing<String>,
}

/// Headers of a signed web socket upgrade (`Authorization`, `X-Amz-Date`, …).
pub type Headers = Vec<(String, String)>;
/// What an [`Account`] answers with.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send + 'a>>;

/// Why an [`Account`] could not do its part.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// In words.
    pub reason: String,
    /// Whether asking again can help.
    pub retry: Retry,
}

/// Whether asking an [`Account`] again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It cannot, and a session whose web socket is lost is lost with it.
    Never,
    /// It may: the network, throttling.
    Later,
    /// When the user has logged in to AWS again; that takes as long as it takes, and the reason asks for it.
    AfterLogin,
}

/// The AWS side of a channel, which this module does not know: fresh credentials each time.
pub trait Account: Send + Sync + 'static {
    /// `ssm:ResumeSession`; a session that has ended, or that may not be resumed, is a refusal without retry.
    fn resume<'a>(&'a self, session_id: &'a str) -> Answer<'a, Grant>;
    /// SigV4 headers for the upgrade (GET, service `ssmmessages`, empty body), or none when the URL is signed already.
    fn sign<'a>(&'a self, url: &'a str) -> Answer<'a, Headers>;
    /// `ssm:TerminateSession`.
    fn terminate<'a>(&'a self, session_id: &'a str) -> Answer<'a, ()>;
}

/// How the web socket's TCP and TLS are made.
#[derive(Clone, Default)]
pub struct Network {
    /// `http://[user:password@]host:port`, or `https://…` where the way to the proxy is encrypted too; for CONNECT.
    pub proxy: Option<String>,
    /// More certificate authorities, PEM.
    pub extra_roots: Vec<Vec<u8>>,
    /// For TCP, TLS and the upgrade together.
    pub timeout: Duration,
}

/// Settings of one tunnel.
#[derive(Clone)]
pub struct Options {
    /// See [`Network`].
    pub network: Network,
    /// Stream data keeps the session from the idle timeout this often; `None` lets the account's setting rule.
    pub keep_alive: Option<Duration>,
    /// Bytes of one `input_stream_data` payload after the handshake.
    pub payload: usize,
    /// How long the way to "ready" may take.
    pub open_timeout: Duration,
    /// Between web socket pings; below the 60 s at which proxies and NATs forget.
    pub ping: Duration,
    /// How long the service may be out of reach before the session is given up; a laptop's lid is closed for minutes.
    pub patience: Duration,
    /// Where the bytes go that stalled readers leave.
    pub spool: SpoolFolder,
}

/// The folder of the temporary files of stalled streams. They have no name, and are gone with the process.
#[derive(Clone, Debug)]
pub struct SpoolFolder {
    /// On a disk rather than in memory.
    pub path: PathBuf,
    /// Bytes of its file system that are left free for everybody else: the stream that would take them fails.
    pub leave: u64,
}

impl Default for SpoolFolder {
    fn default() -> Self {
        Self { path: std::env::temp_dir(), leave: 1 << 30 }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            network: Network::default(),
            keep_alive: None,
            payload: 8 << 10,
            open_timeout: Duration::from_secs(30),
            ping: Duration::from_secs(25),
            patience: Duration::from_secs(15 * 60),
            spool: SpoolFolder::default(),
        }
    }
}

/// How a tunnel is doing.
#[derive(Clone, Debug)]
pub enum Health {
    /// Data flows.
    Up,
    /// The web socket was lost and is being dialled again; since when, tried how often, why.
    Reconnecting {
        /// When it was lost.
        since: std::time::SystemTime,
        /// Dials since then.
        attempts: u32,
        /// The last reason.
        reason: String,
    },
    /// For good.
    Closed(Ended),
}

/// Why a tunnel ended for good.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Ended {
    /// We closed it.
    #[error("it was closed from here")]
    ByUs,
    /// `channel_closed`, with the service's text (idle, maximum duration, DNS, deny list; may be empty).
    #[error("the service closed it: {0}")]
    ByService(String),
    /// The session cannot be resumed: it timed out or was terminated.
    #[error("it cannot be resumed: {0}")]
    Gone(String),
    /// Nothing was heard from the agent for too long although the service answers.
    #[error("nothing was heard from the agent for {0:.0?}")]
    AgentSilent(Duration),
    /// The service could not be reached for too long.
    #[error("the service could not be reached for {0:.0?}: {1}")]
    ServiceUnreachable(Duration, String),
    /// The AWS login had ended when the web socket was lost, and nobody logged in again.
    #[error("nobody logged in to AWS again for {0:.0?}: {1}")]
    LoggedOut(Duration, String),
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    Protocol(String),
}

/// Counters for a screen.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Open streams.
    pub streams: usize,
    /// Bytes from the database.
    pub received: u64,
    /// Bytes to the database.
    pub sent: u64,
    /// Smoothed round trip of acknowledgements.
    pub round_trip: Option<Duration>,
    /// How often the web socket was resumed.
    pub resumes: u32,
}

/// What went wrong while opening a tunnel or a stream.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// TCP, TLS, proxy or upgrade failed.
    #[error("the data channel's web socket could not be opened: {0}")]
    Dial(String),
    /// The upgrade was refused with an HTTP status.
    #[error("the data channel's web socket was refused: HTTP {status} {body}")]
    Upgrade {
        /// HTTP status.
        status: u16,
        /// Beginning of the body.
        body: String,
    },
    /// The account refused (signing, resuming).
    #[error("{0}")]
    Account(String),
    /// The tunnel ended while it was opened or before the stream was.
    #[error("the tunnel ended: {0}")]
    Ended(Ended),
    /// The agent could not connect to host:port (flag 3, then FIN).
    #[error("the bastion's agent could not connect to the destination")]
    Refused,
    /// The handshake did not finish in time.
    #[error("the agent did not finish the handshake within {0:?}")]
    HandshakeTimeout(Duration),
    /// The agent is too old or asks for what we do not do.
    #[error("{0}")]
    Unsupported(String),
}

/// What a tunnel learnt while opening.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// `AgentVersion` of the handshake.
    pub agent_version: String,
    /// `CustomerMessage` of HandshakeComplete, if not empty.
    pub customer_message: String,
    /// `host:port` that the agent connects to, where the session's document told it both.
    pub destination: Option<String>,
}
