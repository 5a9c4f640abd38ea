//! The handshake's three JSON payloads, both directions, and what versions decide. Pure.
//!
//! The client's side of it is [`HandshakeResponse::to`]; the gates are Amazon's (numeric comparison of four dotted
//! parts, strictly greater).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version that we claim: four parts, above every gate of every agent and of the service (at least 1.2.764.0).
pub const CLIENT_VERSION: &str = "1.2.835.0";

/// Payload type 5, agent to client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HandshakeRequest {
    /// For the [`Gates`].
    pub agent_version: String,
    /// What the client is asked to do.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub requested_client_actions: Vec<RequestedAction>,
}

/// One thing that the agent asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RequestedAction {
    /// `SessionType` or `KMSEncryption`.
    pub action_type: String,
    /// Its parameters.
    #[serde(default, deserialize_with = "odd_is_empty")]
    pub action_parameters: ActionParameters,
}

/// Parameters of the known actions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ActionParameters {
    /// Of `SessionType`: `Port`, `Standard_Stream`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_type: Option<String>,
    /// Of `SessionType`: `host`, `portNumber`, `localPortNumber`, `type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<BTreeMap<String, Value>>,
    /// Of `KMSEncryption`.
    #[serde(default, rename = "KMSKeyId", skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// Of `KMSEncryption`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
}

/// Payload type 6, client to agent. It must be sent once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HandshakeResponse {
    /// For the agent's own gates.
    pub client_version: String,
    /// One for each that was requested, in order.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub processed_client_actions: Vec<ProcessedAction>,
    /// `null` when there are none.
    pub errors: Option<Vec<String>>,
}

/// How one requested action went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessedAction {
    /// As requested.
    pub action_type: String,
    /// One of [`SUCCESS`], [`FAILED`], [`UNSUPPORTED`].
    pub action_status: i64,
    /// `null` for SessionType.
    #[serde(default)]
    pub action_result: Value,
    /// In words.
    #[serde(default)]
    pub error: String,
}

/// ActionStatus 1.
pub const SUCCESS: i64 = 1;
/// ActionStatus 2.
pub const FAILED: i64 = 2;
/// ActionStatus 3.
pub const UNSUPPORTED: i64 = 3;

/// Payload type 7, agent to client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HandshakeComplete {
    /// In nanoseconds.
    #[serde(default)]
    pub handshake_time_to_complete: i64,
    /// For the user, when not empty.
    #[serde(default)]
    pub customer_message: String,
}

impl HandshakeRequest {
    /// The session's type, when the agent asks for one.
    pub fn session_type(&self) -> Option<&str> {
        self.session_action()?.session_type.as_deref()
    }

    /// A property of the session (`host`, `type`, …), when it is text.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.session_action()?.properties.as_ref()?.get(name)?.as_str()
    }

    /// `host:port` that the agent is to connect to, where the session's document names both. Documents of one's own may name
    /// another than was asked for.
    pub fn destination(&self) -> Option<String> {
        Some(format!("{}:{}", self.property("host")?, self.property("portNumber")?))
    }

    /// Why an agent that asks so cannot carry our streams, in a sentence; with the [`Gates`] of its version.
    pub fn obstacle(&self, gates: Gates) -> Option<String> {
        if !gates.smux {
            return Some(format!(
                "the agent's version {} is too old to carry more than one connection: update the SSM agent to 3.1.1374.0 or newer",
                self.agent_version
            ));
        }
        (self.property("type") != Some("LocalPortForwarding")).then(|| {
            "the session document does not forward a local port (its type is not LocalPortForwarding): use AWS-StartPortForwardingSessionToRemoteHost or one made from it"
                .to_owned()
        })
    }

    /// The parameters of the SessionType action.
    fn session_action(&self) -> Option<&ActionParameters> {
        let action = self.requested_client_actions.iter().find(|action| action.action_type == "SessionType")?;
        Some(&action.action_parameters)
    }
}

impl HandshakeResponse {
    /// The answer to `request`, and, when something asked for is beyond us, the sentence that says so (the agent then
    /// cancels the session).
    pub fn to(request: &HandshakeRequest) -> (Self, Option<String>) {
        let mut trouble = None;
        let processed = request.requested_client_actions.iter().map(|action| {
            let (status, error) = match (action.action_type.as_str(), action.action_parameters.session_type.as_deref()) {
                ("SessionType", Some("Port")) => (SUCCESS, String::new()),
                ("SessionType", other) => (
                    UNSUPPORTED,
                    format!(
                        "the session document starts a session of type {:?}; only Port sessions can forward a connection",
                        other.unwrap_or("none")
                    ),
                ),
                // Amazon's agents never ask it of a Port session; pretending would send plain bytes where the
                // administrator demanded encryption.
                ("KMSEncryption", _) => (
                    FAILED,
                    "the agent asks for KMS encryption of the session, which is not supported for port forwarding".to_owned(),
                ),
                (other, _) => (UNSUPPORTED, format!("the agent asks for {other:?}, which is not supported")),
            };
            if status != SUCCESS && trouble.is_none() {
                trouble = Some(error.clone());
            }
            ProcessedAction { action_type: action.action_type.clone(), action_status: status, action_result: Value::Null, error }
        });
        let processed = processed.collect();
        let response =
            Self { client_version: CLIENT_VERSION.to_owned(), processed_client_actions: processed, errors: None };
        (response, trouble)
    }
}

/// What the client decides by AgentVersion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gates {
    /// Newer than 2.3.722.0: understands the TerminateSession flag.
    pub terminate_flag: bool,
    /// Newer than 3.0.196.0: speaks smux.
    pub smux: bool,
    /// 3.1.1511.0 or older: sends smux NOPs every 10 s and wants to hear some.
    pub keep_alive: bool,
}

impl Gates {
    /// Of an agent of this version. A version that cannot be read is taken for an old one, as Amazon's client does.
    pub fn of(agent_version: &str) -> Self {
        Self {
            terminate_flag: newer(agent_version, [2, 3, 722, 0]),
            smux: newer(agent_version, [3, 0, 196, 0]),
            keep_alive: !newer(agent_version, [3, 1, 1511, 0]),
        }
    }
}

/// Whether `version` has four numeric parts and is strictly newer than `gate`.
pub fn newer(version: &str, gate: [u64; 4]) -> bool {
    let parts: Option<Vec<u64>> = version.trim().split('.').map(|part| part.parse().ok()).collect();
    parts.is_some_and(|parts| parts.len() == gate.len() && parts.as_slice() > gate.as_slice())
}

/// Go writes an empty slice as `null`.
fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(input)?.unwrap_or_default())
}

/// An unknown action may have parameters of any shape; it is refused by its name, so they need not be understood.
fn odd_is_empty<'de, D: Deserializer<'de>>(input: D) -> Result<ActionParameters, D::Error> {
    let value = Value::deserialize(input)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> HandshakeRequest {
        serde_json::from_str(text).expect("a request")
    }

    #[test]
    fn gates_compare_numbers_strictly() {
        assert!(newer("3.10.0.0", [3, 9, 9, 9]));
        assert!(!newer("3.0.196.0", [3, 0, 196, 0]));
        assert!(!newer("3.1", [3, 0, 196, 0]));
        assert!(!newer("three", [0, 0, 0, 0]));
        assert_eq!(Gates::of("3.3.987.0"), Gates { terminate_flag: true, smux: true, keep_alive: false });
        assert_eq!(Gates::of("3.1.1374.0"), Gates { terminate_flag: true, smux: true, keep_alive: true });
        assert_eq!(Gates::of("3.0.161.0"), Gates { terminate_flag: true, smux: false, keep_alive: true });
    }

    #[test]
    fn every_action_gets_an_answer_and_kms_is_refused() {
        let request = request(
            r#"{"AgentVersion":"3.3.1.0","RequestedClientActions":[
                {"ActionType":"KMSEncryption","ActionParameters":{"KMSKeyId":"arn:aws:kms:x","Challenge":"q"}},
                {"ActionType":"SessionType","ActionParameters":{"SessionType":"Port","Properties":{"type":"LocalPortForwarding"}}},
                {"ActionType":"Dance","ActionParameters":[1,2]}]}"#,
        );
        let (response, trouble) = HandshakeResponse::to(&request);
        let statuses: Vec<i64> = response.processed_client_actions.iter().map(|action| action.action_status).collect();
        assert_eq!(statuses, [FAILED, SUCCESS, UNSUPPORTED]);
        assert!(trouble.expect("a reason").contains("KMS encryption"));
        assert_eq!(request.property("type"), Some("LocalPortForwarding"));
    }

    #[test]
    fn a_shell_is_not_a_port() {
        let request = request(
            r#"{"AgentVersion":"3.3.1.0","RequestedClientActions":[{"ActionType":"SessionType","ActionParameters":{"SessionType":"Standard_Stream","Properties":null}}]}"#,
        );
        assert!(HandshakeResponse::to(&request).1.expect("a reason").contains("Standard_Stream"));
    }
}
