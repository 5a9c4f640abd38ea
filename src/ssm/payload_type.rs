//! The PayloadType field of stream data, and the one payload that is a number itself: a flag. Pure. It must not know what
//! carries them.

use bytes::Bytes;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_big_endian_words() {
        assert_eq!(&Flag::TerminateSession.encode()[..], [0, 0, 0, 2]);
        assert_eq!(Flag::decode(&[0, 0, 0, 3]), Some(Flag::ConnectToPortError));
        assert_eq!(Flag::decode(&[3, 0, 0, 0]), None);
        assert_eq!(Flag::decode(&[3]), None);
    }
}
