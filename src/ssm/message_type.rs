//! The MessageType field of an AgentMessage: thirty-two bytes of text. Pure. It must not know the other fields.

/// What a message is: the MessageType field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// Client to agent, sequenced.
    InputStreamData,
    /// Agent to client, sequenced.
    OutputStreamData,
    /// Receipt for one sequenced message, either way.
    Acknowledge,
    /// Service to client: the session has ended.
    ChannelClosed,
    /// Service to either end: the peer is there (again).
    StartPublication,
    /// Service to either end: the peer is away.
    PausePublication,
    /// Agent to service only.
    AgentSessionState,
    /// Anything else; to be ignored.
    Other(String),
}

impl MessageType {
    /// The name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::InputStreamData => "input_stream_data",
            Self::OutputStreamData => "output_stream_data",
            Self::Acknowledge => "acknowledge",
            Self::ChannelClosed => "channel_closed",
            Self::StartPublication => "start_publication",
            Self::PausePublication => "pause_publication",
            Self::AgentSessionState => "agent_session_state",
            Self::Other(name) => name,
        }
    }

    /// The type with this name.
    pub fn named(name: &str) -> Self {
        match name {
            "input_stream_data" => Self::InputStreamData,
            "output_stream_data" => Self::OutputStreamData,
            "acknowledge" => Self::Acknowledge,
            "channel_closed" => Self::ChannelClosed,
            "start_publication" => Self::StartPublication,
            "pause_publication" => Self::PausePublication,
            "agent_session_state" => Self::AgentSessionState,
            other => Self::Other(other.to_owned()),
        }
    }
}
