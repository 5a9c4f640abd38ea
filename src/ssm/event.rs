//! What a channel gives: frames for the web socket below, and what it has to say upwards. Pure data.

use super::message::Flag;
use super::{Ended, Opened};
use bytes::Bytes;

/// A frame for the web socket.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// The open message. It holds the token: never log it.
    Text(String),
    /// An AgentMessage.
    Binary(Bytes),
}

/// What the channel has to say upwards.
#[derive(Clone, Debug)]
pub enum Event {
    /// The barrier is passed: nothing that is sent from here on can be lost.
    Ready(Opened),
    /// The next bytes of the agent's stream.
    Data(Bytes),
    /// A flag from the agent.
    Flag(Flag),
    /// The agent is too old, or asks for what we do not do.
    Unsupported(String),
    /// For good.
    Ended(Ended),
}

/// Hides the token.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(open message)"),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}
