//! The first packets of a client, before any type byte: StartupMessage, SSLRequest, GSSENCRequest, CancelRequest
//! (PostgreSQL, "Message Formats"), read within bounds. It must not know what is done about them.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// PostgreSQL's `MAX_STARTUP_PACKET_LENGTH`.
const LONGEST: usize = 10_000;
const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
/// Secret bytes of a CancelRequest at most, from protocol 3.2 on.
const LONGEST_KEY: usize = 256;

/// A first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packet {
    /// TLS?
    Ssl,
    /// Encryption by Kerberos?
    Gss,
    /// A key.
    Cancel { pid: i32, secret: Vec<u8> },
    /// Version and parameters, in order.
    Startup { major: u16, minor: u16, parameters: Vec<(String, String)> },
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Unread {
    /// The client has gone, or its wire broke.
    Gone,
    /// It is none; in words.
    Malformed(&'static str),
    /// It is the beginning of a TLS handshake, whose first byte was read.
    Tls,
}

impl From<io::Error> for Unread {
    fn from(_: io::Error) -> Unread {
        Unread::Gone
    }
}

/// A record of TLS that carries a handshake begins so (RFC 8446, 5.1); the length of a packet never does.
pub(super) const HANDSHAKE: u8 = 0x16;

/// The next one. Nothing behind it is read: what follows may be TLS.
pub(super) async fn read(wire: &mut (impl AsyncRead + Unpin)) -> Result<Packet, Unread> {
    let mut length = [wire.read_u8().await?, 0, 0, 0];
    if length[0] == HANDSHAKE {
        return Err(Unread::Tls);
    }
    wire.read_exact(&mut length[1..]).await?;
    let length = u32::from_be_bytes(length) as usize;
    if !(8..=LONGEST).contains(&length) {
        return Err(Unread::Malformed("invalid length of startup packet"));
    }
    let mut body = vec![0; length - 4];
    wire.read_exact(&mut body).await?;
    parse(&body).map_err(Unread::Malformed)
}

fn parse(body: &[u8]) -> Result<Packet, &'static str> {
    let (code, rest) = body.split_first_chunk::<4>().ok_or("a startup packet without a version")?;
    match (u32::from_be_bytes(*code), rest.len()) {
        (SSL, 0) => Ok(Packet::Ssl),
        (GSS, 0) => Ok(Packet::Gss),
        (CANCEL, _) => {
            let (pid, secret) = rest.split_first_chunk::<4>().ok_or("a cancel request without a key")?;
            match secret.len() {
                4..=LONGEST_KEY => Ok(Packet::Cancel { pid: i32::from_be_bytes(*pid), secret: secret.to_vec() }),
                _ => Err("a cancel request with a key of a wrong length"),
            }
        }
        (SSL | GSS, _) => Err("a request for encryption that is too long"),
        (version, _) => {
            let (major, minor) = ((version >> 16) as u16, version as u16);
            // What another major version has behind it is not known.
            let parameters = if major == 3 { parameters(rest)? } else { Vec::new() };
            Ok(Packet::Startup { major, minor, parameters })
        }
    }
}

/// Names and values, each ended by a NUL, and one more NUL.
fn parameters(rest: &[u8]) -> Result<Vec<(String, String)>, &'static str> {
    const LAYOUT: &str = "invalid startup packet layout: expected terminator as last byte";
    let list = rest.strip_suffix(&[0]).ok_or(LAYOUT)?;
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let list = list.strip_suffix(&[0]).ok_or(LAYOUT)?;
    let words: Result<Vec<String>, _> =
        list.split(|byte| *byte == 0).map(|word| String::from_utf8(word.to_vec())).collect();
    let words = words.map_err(|_| "a startup parameter is not UTF-8")?;
    if words.len() % 2 != 0 || words.iter().step_by(2).any(String::is_empty) {
        return Err(LAYOUT);
    }
    let mut words = words.into_iter();
    Ok(std::iter::from_fn(|| words.next().zip(words.next())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 4).to_be_bytes()[..], body].concat()
    }

    async fn of(bytes: &[u8]) -> Result<Packet, &'static str> {
        match read(&mut &bytes[..]).await {
            Ok(packet) => Ok(packet),
            Err(Unread::Malformed(why)) => Err(why),
            Err(Unread::Gone) => Err("gone"),
            Err(Unread::Tls) => Err("TLS"),
        }
    }

    #[tokio::test]
    async fn packets_are_as_the_documentation_has_them() {
        assert_eq!(of(&packet(&SSL.to_be_bytes())).await, Ok(Packet::Ssl));
        assert_eq!(of(&packet(&GSS.to_be_bytes())).await, Ok(Packet::Gss));
        let parameters = vec![("user".to_owned(), "u".to_owned()), ("database".to_owned(), String::new())];
        let startup = packet(b"\0\x03\0\x02user\0u\0database\0\0\0");
        assert_eq!(of(&startup).await, Ok(Packet::Startup { major: 3, minor: 2, parameters }));
        let bare = packet(b"\0\x03\0\0\0");
        assert_eq!(of(&bare).await, Ok(Packet::Startup { major: 3, minor: 0, parameters: Vec::new() }));
        let cancel = [&CANCEL.to_be_bytes()[..], &7_i32.to_be_bytes(), b"secret"].concat();
        assert_eq!(of(&packet(&cancel)).await, Ok(Packet::Cancel { pid: 7, secret: b"secret".to_vec() }));
    }

    #[tokio::test]
    async fn what_is_none_is_refused_before_it_takes_memory() {
        assert_eq!(of(&0x4000_0000_u32.to_be_bytes()).await, Err("invalid length of startup packet"));
        assert_eq!(of(b"GET / HTTP/1.1\r\n\r\n").await, Err("invalid length of startup packet"));
        assert_eq!(of(&[HANDSHAKE]).await, Err("TLS"));
        assert_eq!(of(&[0, 0, 0, 7, 0, 0, 0]).await, Err("invalid length of startup packet"));
        assert_eq!(of(&packet(b"\0\x03\0\0user\0u")).await.map_err(|why| why.len()), Err(LAYOUT_LENGTH));
        for body in [&b"\0\x03\0\0user\0\0"[..], b"\0\x03\0\0\0u\0\0", b"\0\x03\0\0user\0\xff\0\0"] {
            assert!(of(&packet(body)).await.is_err(), "{body:?}");
        }
        let cancel = [&CANCEL.to_be_bytes()[..], &[0; 3]].concat();
        assert!(of(&packet(&cancel)).await.is_err());
        assert!(of(&packet(&[&CANCEL.to_be_bytes()[..], &[0; 261]].concat())).await.is_err());
        assert_eq!(of(&packet(&SSL.to_be_bytes())[..5]).await, Err("gone"));
    }

    const LAYOUT_LENGTH: usize = "invalid startup packet layout: expected terminator as last byte".len();
}
