//! AgentMessage: one binary frame of the data channel, in both directions. Pure: bytes in, a [`Message`] out, and back.
//!
//! Big-endian throughout. Both ends use it (the client and the sandbox's agent). It knows nothing of sequences, timers
//! or what a payload means.

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

/// What a stream data payload is: the PayloadType field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadType {
    /// 0: acknowledgements and the service's messages.
    None,
    /// 1: bytes, both directions.
    Output,
    /// 2.
    Error,
    /// 3: a terminal's size.
    Size,
    /// 4.
    Parameter,
    /// 5: agent to client.
    HandshakeRequest,
    /// 6: client to agent.
    HandshakeResponse,
    /// 7: agent to client.
    HandshakeComplete,
    /// 8: agent to client.
    EncryptionChallengeRequest,
    /// 9: client to agent.
    EncryptionChallengeResponse,
    /// 10: one [`Flag`].
    Flag,
    /// 11.
    StandardError,
    /// 12.
    ExitCode,
    /// Anything else; to be ignored.
    Other(u32),
}

impl PayloadType {
    /// The number on the wire.
    pub fn number(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Output => 1,
            Self::Error => 2,
            Self::Size => 3,
            Self::Parameter => 4,
            Self::HandshakeRequest => 5,
            Self::HandshakeResponse => 6,
            Self::HandshakeComplete => 7,
            Self::EncryptionChallengeRequest => 8,
            Self::EncryptionChallengeResponse => 9,
            Self::Flag => 10,
            Self::StandardError => 11,
            Self::ExitCode => 12,
            Self::Other(number) => number,
        }
    }

    /// The type with this number.
    pub fn numbered(number: u32) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Output,
            2 => Self::Error,
            3 => Self::Size,
            4 => Self::Parameter,
            5 => Self::HandshakeRequest,
            6 => Self::HandshakeResponse,
            7 => Self::HandshakeComplete,
            8 => Self::EncryptionChallengeRequest,
            9 => Self::EncryptionChallengeResponse,
            10 => Self::Flag,
            11 => Self::StandardError,
            12 => Self::ExitCode,
            other => Self::Other(other),
        }
    }
}

/// The payload of [`PayloadType::Flag`]: one big-endian u32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// 1, client to agent, basic mode only: the local connection went away.
    DisconnectToPort,
    /// 2, client to agent: end the session.
    TerminateSession,
    /// 3, agent to client: a dial failed. Names no stream.
    ConnectToPortError,
}

impl Flag {
    /// The four bytes on the wire.
    pub fn encode(self) -> Bytes {
        let number: u32 = match self {
            Self::DisconnectToPort => 1,
            Self::TerminateSession => 2,
            Self::ConnectToPortError => 3,
        };
        Bytes::copy_from_slice(&number.to_be_bytes())
    }

    /// `None` for anything that is not a known flag.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        match u32::from_be_bytes(payload.try_into().ok()?) {
            1 => Some(Self::DisconnectToPort),
            2 => Some(Self::TerminateSession),
            3 => Some(Self::ConnectToPortError),
            _ => None,
        }
    }
}

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
    /// PayloadLength is not the length of what follows.
    #[error("the payload length says {said}, the frame has {has}")]
    Length {
        /// PayloadLength.
        said: u32,
        /// Bytes that follow.
        has: usize,
    },
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

    /// The frame on the wire. The digest of an empty payload is left zero, as the service leaves it: nobody checks one
    /// there.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(PREFIX + self.payload.len());
        out.put_u32(HEADER_LENGTH as u32);
        let name = self.kind.name().as_bytes();
        let name = &name[..name.len().min(32)];
        out.put_slice(name);
        // The service pads its own message with NULs, everybody else with spaces (seen on the wire).
        let padding = if self.kind == MessageType::ChannelClosed { 0 } else { b' ' };
        out.put_bytes(padding, 32 - name.len());
        out.put_u32(self.schema_version);
        out.put_u64(self.created);
        out.put_i64(self.sequence);
        out.put_u64(self.flags);
        let id = self.id.as_bytes();
        out.put_slice(&id[8..]);
        out.put_slice(&id[..8]);
        if self.payload.is_empty() {
            out.put_bytes(0, 32);
        } else {
            out.put_slice(&Sha256::digest(&self.payload));
        }
        out.put_u32(self.payload_type.number());
        out.put_u32(u32::try_from(self.payload.len()).expect("a payload is far below 4 GiB"));
        out.put_slice(&self.payload);
        out.freeze()
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
        let said = u32_at(frame, start - 4);
        if usize::try_from(said) != Ok(payload.len()) {
            return Err(Malformed::Length { said, has: payload.len() });
        }
        if !payload.is_empty() && Sha256::digest(&payload)[..] != frame[80..112] {
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

    #[test]
    fn flags_are_big_endian_words() {
        assert_eq!(&Flag::TerminateSession.encode()[..], [0, 0, 0, 2]);
        assert_eq!(Flag::decode(&[0, 0, 0, 3]), Some(Flag::ConnectToPortError));
        assert_eq!(Flag::decode(&[3, 0, 0, 0]), None);
        assert_eq!(Flag::decode(&[3]), None);
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
