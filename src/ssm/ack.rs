//! The payload of an `acknowledge` message: which sequenced message has arrived. Selective, one message each. Pure.

use super::message::{Message, MessageType};
use bytes::Bytes;
use serde::Deserialize;
use uuid::Uuid;

/// A receipt for one sequenced message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Acknowledgement {
    /// Type of the message that arrived.
    #[serde(rename = "AcknowledgedMessageType", default)]
    pub message_type: String,
    /// Its id.
    #[serde(rename = "AcknowledgedMessageId", default)]
    pub message_id: String,
    /// Its sequence number: what peers go by.
    #[serde(rename = "AcknowledgedMessageSequenceNumber")]
    pub sequence: i64,
    /// True from every peer known.
    #[serde(rename = "IsSequentialMessage", default)]
    pub sequential: bool,
}

impl Acknowledgement {
    /// The receipt for `message`.
    pub fn of(message: &Message) -> Self {
        Self {
            message_type: message.kind.name().to_owned(),
            message_id: message.id.to_string(),
            sequence: message.sequence,
            sequential: true,
        }
    }

    /// The JSON on the wire, keys in the order in which both ends of Amazon's write them.
    pub fn encode(&self) -> Bytes {
        // Receipts are half of all frames, so no JSON writer; of the two texts only an odd peer's could need escaping.
        let plain = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\');
        if plain(&self.message_type) && plain(&self.message_id) {
            return format!(
                r#"{{"AcknowledgedMessageType":"{}","AcknowledgedMessageId":"{}","AcknowledgedMessageSequenceNumber":{},"IsSequentialMessage":{}}}"#,
                self.message_type, self.message_id, self.sequence, self.sequential
            )
            .into();
        }
        serde_json::json!({
            "AcknowledgedMessageType": self.message_type,
            "AcknowledgedMessageId": self.message_id,
            "AcknowledgedMessageSequenceNumber": self.sequence,
            "IsSequentialMessage": self.sequential,
        })
        .to_string()
        .into()
    }

    /// Reads the JSON; only the sequence number must be there.
    pub fn decode(payload: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(payload)
    }

    /// The whole `acknowledge` message. `created` in Unix milliseconds.
    pub fn message(&self, id: Uuid, created: u64) -> Message {
        Message::unsequenced(MessageType::Acknowledge, id, created, self.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssm::message::PayloadType;

    #[test]
    fn round_trip() {
        let message = Message::stream_data(
            MessageType::OutputStreamData,
            Uuid::from_u128(5),
            1,
            -3,
            PayloadType::Output,
            Bytes::new(),
        );
        let ack = Acknowledgement::of(&message);
        assert_eq!(Acknowledgement::decode(&ack.encode()).expect("our own JSON"), ack);
        assert_eq!(ack.sequence, -3);
    }

    #[test]
    fn odd_texts_stay_json() {
        let ack =
            Acknowledgement { message_type: "a\"b\n".into(), message_id: "x".into(), sequence: 1, sequential: false };
        assert_eq!(Acknowledgement::decode(&ack.encode()).expect("our own JSON"), ack);
    }
}
