//! The payload of an `acknowledge` message: which sequenced message has arrived. Selective, one message each. Pure.

use super::message::{Message, MessageType};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use uuid::Uuid;

/// What alone counts in a receipt.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Numbered {
    acknowledged_message_sequence_number: i64,
}

/// The sequence number of the message that a receipt is for. Receipts are half of all frames, so nothing is allocated.
///
/// # Errors
/// It is not JSON, or has no number.
pub fn sequence(payload: &[u8]) -> Result<i64, serde_json::Error> {
    Ok(serde_json::from_slice::<Numbered>(payload)?.acknowledged_message_sequence_number)
}

/// Appends the receipt for `message` to `out`, at most [`MOST`] bytes. Nothing is allocated here either.
pub fn write(message: &Message, out: &mut BytesMut) {
    let (kind, id, sequence) = (message.kind.name(), message.id, message.sequence);
    // Of the two texts only an odd peer's type could need escaping.
    if kind.len() > 32 || !is_plain(kind) {
        return out.extend_from_slice(&Acknowledgement::of(message).encode());
    }
    // Writing to memory cannot fail.
    let _ = write!(
        out,
        r#"{{"AcknowledgedMessageType":"{kind}","AcknowledgedMessageId":"{id}","AcknowledgedMessageSequenceNumber":{sequence},"IsSequentialMessage":true}}"#,
    );
}

/// Bytes of the longest receipt that is written without escaping.
pub const MOST: usize = 256;

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\')
}

/// A receipt for one sequenced message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        serde_json::to_vec(self).expect("two texts, a number and a truth are always JSON").into()
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
        assert_eq!(sequence(&ack.encode()).expect("a number"), -3);
        assert!(sequence(b"{}").is_err());
    }

    #[test]
    fn what_is_written_at_once_is_the_same_bytes() {
        let odd = MessageType::Other("a \"quoted\" type".to_owned());
        let long = MessageType::Other("x".repeat(500));
        for kind in [MessageType::OutputStreamData, MessageType::InputStreamData, odd, long] {
            let payload_type = PayloadType::Output;
            let message = Message::stream_data(kind, Uuid::from_u128(5), 1, i64::MIN, payload_type, Bytes::new());
            let mut out = BytesMut::new();
            write(&message, &mut out);
            assert_eq!(out.freeze(), Acknowledgement::of(&message).encode());
        }
        let mut out = BytesMut::new();
        let kind = MessageType::Other("x".repeat(32));
        let message = Message::stream_data(kind, Uuid::max(), 1, i64::MIN, PayloadType::Output, Bytes::new());
        write(&message, &mut out);
        assert!(out.len() <= MOST, "{}", out.len());
    }

    #[test]
    fn odd_texts_stay_json() {
        let ack =
            Acknowledgement { message_type: "a\"b\n".into(), message_id: "x".into(), sequence: 1, sequential: false };
        assert_eq!(Acknowledgement::decode(&ack.encode()).expect("our own JSON"), ack);
    }
}
