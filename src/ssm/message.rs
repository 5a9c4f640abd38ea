//! AgentMessage: one binary frame of the data channel, in both directions. Pure: bytes in, a [`Message`] out, and back.
//!
//! Big-endian throughout. Both ends use it (the client and the sandbox's agent). It knows nothing of sequences, timers
//! or what a payload means.

pub use super::message_type::MessageType;
pub use super::payload_type::{Flag, PayloadType};
use bytes::{BufMut, Bytes, BytesMut};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Value of the HeaderLength field: the offset of PayloadLength. The payload begins four bytes later.
pub const HEADER_LENGTH: usize = 116;
/// Bytes before the payload.
pub const PREFIX: usize = HEADER_LENGTH + 4;
/// Flag bit 0, set by an agent on its first message.
pub const FLAG_SYN: u64 = 1;
/// What acknowledgements and the service's own messages carry: SYN and FIN.
pub const FLAG_SYN_FIN: u64 = 3;

/// One AgentMessage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// MessageType.
    pub kind: MessageType,
    /// SchemaVersion, 1.
    pub schema_version: u32,
    /// CreatedDate in Unix milliseconds; a peer drops a message where it is 0.
    pub created: u64,
    /// SequenceNumber; 0 in messages that are not sequenced.
    pub sequence: i64,
    /// Flags; nobody reads them.
    pub flags: u64,
    /// MessageId, in its usual order (the wire has its halves swapped).
    pub id: Uuid,
    /// PayloadType.
    pub payload_type: PayloadType,
    /// The rest of the frame.
    pub payload: Bytes,
}

/// Why a frame is no message. Such a frame is dropped without an acknowledgement, so that its sender sends it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Fewer bytes than the fields need.
    #[error("a frame of {0} bytes is too short for a message")]
    Short(usize),
    /// HeaderLength is less than the fields or more than the frame.
    #[error("the header length {0} is not possible")]
    Header(u32),
    /// MessageType is empty or not text.
    #[error("the message type is not text")]
    Type,
    /// CreatedDate is 0.
    #[error("the message has no creation date")]
    Created,
    /// PayloadDigest is not the SHA-256 of the payload.
    #[error("the payload does not match its digest")]
    Digest,
}

impl Message {
    /// An unsequenced message with the flags and type that acknowledgements and the service's own messages carry.
    pub fn unsequenced(kind: MessageType, id: Uuid, created: u64, payload: Bytes) -> Self {
        Self {
            kind,
            schema_version: 1,
            created,
            sequence: 0,
            flags: FLAG_SYN_FIN,
            id,
            payload_type: PayloadType::None,
            payload,
        }
    }

    /// A stream data message with no flags, as a client sends it.
    pub fn stream_data(
        kind: MessageType,
        id: Uuid,
        created: u64,
        sequence: i64,
        payload_type: PayloadType,
        payload: Bytes,
    ) -> Self {
        Self { kind, schema_version: 1, created, sequence, flags: 0, id, payload_type, payload }
    }

    /// The frame on the wire.
    pub fn encode(&self) -> Bytes {
        let mut frame = BytesMut::with_capacity(PREFIX + self.payload.len());
        frame.put_bytes(0, PREFIX);
        frame.put_slice(&self.payload);
        self.write_prefix(&mut frame);
        frame.freeze()
    }

    /// Writes all fields in front of the payload that stands in `frame` from [`PREFIX`] on. The digest of an empty payload
    /// is left zero, as the service leaves it: nobody checks one there.
    pub(super) fn write_prefix(&self, frame: &mut [u8]) {
        let (mut prefix, payload) = frame.split_at_mut(PREFIX);
        prefix.put_u32(HEADER_LENGTH as u32);
        let name = self.kind.name().as_bytes();
        let name = &name[..name.len().min(32)];
        prefix.put_slice(name);
        // The service pads its own message with NULs, everybody else with spaces (seen on the wire).
        let padding = if self.kind == MessageType::ChannelClosed { 0 } else { b' ' };
        prefix.put_bytes(padding, 32 - name.len());
        prefix.put_u32(self.schema_version);
        prefix.put_u64(self.created);
        prefix.put_i64(self.sequence);
        prefix.put_u64(self.flags);
        let id = self.id.as_bytes();
        prefix.put_slice(&id[8..]);
        prefix.put_slice(&id[..8]);
        if payload.is_empty() {
            prefix.put_bytes(0, 32);
        } else {
            prefix.put_slice(&Sha256::digest(&payload));
        }
        prefix.put_u32(self.payload_type.number());
        prefix.put_u32(u32::try_from(payload.len()).expect("a payload is far below 4 GiB"));
    }

    /// Reads a frame. The two publication messages are taken whatever their other fields say, because the service may
    /// leave those zero or out (the reference, §3).
    pub fn decode(frame: &Bytes) -> Result<Self, Malformed> {
        let name = frame.get(4..36.min(frame.len().max(4))).unwrap_or_default();
        let name = name.trim_ascii_end().split(|byte| *byte == 0).next().unwrap_or_default().trim_ascii_end();
        let kind = std::str::from_utf8(name).ok().filter(|name| !name.is_empty()).map(MessageType::named);
        if let Some(kind @ (MessageType::StartPublication | MessageType::PausePublication)) = kind {
            return Ok(Self::publication(kind, frame));
        }
        if frame.len() < PREFIX {
            return Err(Malformed::Short(frame.len()));
        }
        let kind = kind.ok_or(Malformed::Type)?;
        let header = u32_at(frame, 0);
        let start = usize::try_from(header).ok().and_then(|header| header.checked_add(4));
        let start = start.filter(|start| (PREFIX..=frame.len()).contains(start)).ok_or(Malformed::Header(header))?;
        let created = u64_at(frame, 40);
        if created == 0 {
            return Err(Malformed::Created);
        }
        let payload = frame.slice(start..);
        // Amazon's client takes the rest of the frame whatever PayloadLength says, and looks at the digest unless that is
        // 0; its agent looks at neither. Whoever is stricter waits for ever for what will not come better.
        if u32_at(frame, start - 4) != 0 && Sha256::digest(&payload)[..] != frame[80..112] {
            return Err(Malformed::Digest);
        }
        Ok(Self { payload, ..Self::fields(kind, frame) })
    }

    /// The fixed fields of a frame of at least [`PREFIX`] bytes, with an empty payload.
    fn fields(kind: MessageType, frame: &[u8]) -> Self {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&frame[64..72]);
        id[..8].copy_from_slice(&frame[72..80]);
        Self {
            kind,
            schema_version: u32_at(frame, 36),
            created: u64_at(frame, 40),
            sequence: u64_at(frame, 48).cast_signed(),
            flags: u64_at(frame, 56),
            id: Uuid::from_bytes(id),
            payload_type: PayloadType::numbered(u32_at(frame, 112)),
            payload: Bytes::new(),
        }
    }

    /// A publication message, from however little there is of it.
    fn publication(kind: MessageType, frame: &Bytes) -> Self {
        if frame.len() < PREFIX {
            return Self::unsequenced(kind, Uuid::nil(), 0, Bytes::new());
        }
        Self { payload: frame.slice(PREFIX..), ..Self::fields(kind, frame) }
    }
}

/// The big-endian u32 at `at`, which the caller has made sure of.
fn u32_at(frame: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(frame[at..at + 4].try_into().expect("four bytes were cut"))
}

/// The big-endian u64 at `at`, which the caller has made sure of.
fn u64_at(frame: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(frame[at..at + 8].try_into().expect("eight bytes were cut"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Message {
        Message::stream_data(
            MessageType::InputStreamData,
            Uuid::from_bytes(std::array::from_fn(|index| index as u8)),
            1_700_000_000_000,
            7,
            PayloadType::Output,
            Bytes::from_static(b"hello"),
        )
    }

    #[test]
    fn halves_of_the_id_are_swapped_on_the_wire() {
        let frame = sample().encode();
        assert_eq!(frame[64..80], [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(Message::decode(&frame), Ok(sample()));
    }

    #[test]
    fn a_changed_payload_is_refused() {
        let mut frame = sample().encode().to_vec();
        frame[PREFIX] ^= 1;
        assert_eq!(Message::decode(&frame.into()), Err(Malformed::Digest));
    }

    #[test]
    fn the_payload_is_the_rest_of_the_frame_whatever_its_length_field_says() {
        for said in [0u32, 4, 6, u32::MAX] {
            let mut frame = sample().encode().to_vec();
            frame[116..120].copy_from_slice(&said.to_be_bytes());
            assert_eq!(Message::decode(&frame.clone().into()), Ok(sample()));
            frame[PREFIX] ^= 1;
            assert_eq!(Message::decode(&frame.into()).is_err(), said != 0, "only then is there a digest");
        }
    }

    #[test]
    fn names_may_be_padded_with_nuls() {
        let message = Message::unsequenced(MessageType::ChannelClosed, Uuid::nil(), 1, Bytes::new());
        let mut frame = message.encode().to_vec();
        frame[4 + "channel_closed".len()..36].fill(0);
        assert_eq!(Message::decode(&frame.clone().into()).expect("a message").kind, MessageType::ChannelClosed);
        frame[30..36].fill(b' ');
        assert_eq!(Message::decode(&frame.into()).expect("a message").kind, MessageType::ChannelClosed);
    }

    #[test]
    fn publication_messages_need_nothing_but_their_name() {
        let mut frame = vec![0; 36];
        frame[4..21].copy_from_slice(b"pause_publication");
        assert_eq!(Message::decode(&frame.clone().into()).expect("short").kind, MessageType::PausePublication);
        frame.resize(PREFIX, 0);
        assert_eq!(Message::decode(&frame.into()).expect("all zero").kind, MessageType::PausePublication);
    }

    #[test]
    fn a_longer_header_moves_the_payload() {
        let frame = sample().encode();
        let mut longer = frame[..HEADER_LENGTH].to_vec();
        longer[..4].copy_from_slice(&124u32.to_be_bytes());
        longer.extend_from_slice(&[9; 8]);
        longer.extend_from_slice(&frame[HEADER_LENGTH..]);
        assert_eq!(Message::decode(&longer.into()), Ok(sample()));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Message::decode(&bytes.into());
        }

        #[test]
        fn a_damaged_frame_never_panics_nor_passes_with_another_payload(at in 0usize..125, to in any::<u8>()) {
            let mut frame = sample().encode().to_vec();
            frame[at] = to;
            if let Ok(message) = Message::decode(&frame.into()) {
                prop_assert_eq!(message.payload, sample().payload);
            }
        }

        #[test]
        fn what_is_encoded_is_decoded(
            sequence in any::<i64>(), created in 1u64.., flags in any::<u64>(), number in any::<u32>(), id in any::<u128>(),
            payload in proptest::collection::vec(any::<u8>(), 0..2000),
        ) {
            let message = Message {
                kind: MessageType::OutputStreamData, schema_version: 1, created, sequence, flags, id: Uuid::from_u128(id),
                payload_type: PayloadType::numbered(number), payload: payload.into(),
            };
            prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
        }
    }
}
