//! The two JSON texts that are exchanged with the service itself, not with the agent: the open message that a client
//! sends first on each web socket (a text frame), and what `channel_closed` carries. Pure, both directions.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// OpenDataChannelInput as a client sends it. There is no answer to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OpenDataChannel {
    /// `1.0`.
    pub message_schema_version: String,
    /// Fresh for each.
    pub request_id: String,
    /// What StartSession or ResumeSession gave: a secret.
    pub token_value: String,
    /// The same for the whole session, over all its web sockets.
    pub client_id: String,
    /// Four dotted parts.
    pub client_version: String,
}

impl OpenDataChannel {
    /// The message of a client of our version.
    pub fn new(token: &str, client_id: Uuid, request_id: Uuid) -> Self {
        Self {
            message_schema_version: "1.0".to_owned(),
            request_id: request_id.to_string(),
            token_value: token.to_owned(),
            client_id: client_id.to_string(),
            client_version: super::handshake::CLIENT_VERSION.to_owned(),
        }
    }

    /// The text frame. It holds the token: never log it.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("five texts are always JSON")
    }
}

impl fmt::Debug for OpenDataChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenDataChannel")
            .field("client_id", &self.client_id)
            .field("client_version", &self.client_version)
            .finish_non_exhaustive()
    }
}

/// The payload of `channel_closed`. Every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ChannelClosed {
    /// RFC 3339.
    pub created_date: String,
    /// The instance.
    pub destination_id: String,
    /// A UUID.
    pub message_id: String,
    /// `channel_closed`.
    pub message_type: String,
    /// Why, for the user; empty for a normal end.
    pub output: String,
    /// 1.
    pub schema_version: i64,
    /// The session.
    pub session_id: String,
}

impl ChannelClosed {
    /// Reads the payload; one that is not JSON still says that the channel is closed, only not why.
    pub fn decode(payload: &[u8]) -> Self {
        serde_json::from_slice(payload).unwrap_or_default()
    }

    /// The JSON on the wire.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("six texts and a number are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_not_in_debug() {
        let open = OpenDataChannel::new("sesame", Uuid::nil(), Uuid::nil());
        assert!(!format!("{open:?}").contains("sesame"));
        assert!(open.encode().contains(r#""TokenValue":"sesame""#));
    }

    #[test]
    fn closed_without_json_is_still_closed() {
        assert_eq!(ChannelClosed::decode(b"\0\0"), ChannelClosed::default());
    }
}
