//! The first packets of a PostgreSQL client, and the few messages that a gate says itself. It must not know sockets' TLS
//! nor who may come in. Formats: PostgreSQL documentation, "Message Formats".

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest startup packet that PostgreSQL takes (`MAX_STARTUP_PACKET_LENGTH`).
const LONGEST: usize = 10_000;
/// The longest password message taken; tokens with large session tokens reach some kilobytes (PostgreSQL's own limit).
const LONGEST_PASSWORD: usize = 65_535;

/// What a client opens with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// SSLRequest.
    Tls,
    /// GSSENCRequest.
    Gss,
    /// CancelRequest, whole, to be passed on as it is.
    Cancel(Vec<u8>),
    /// StartupMessage.
    Startup(Startup),
}

/// A StartupMessage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Startup {
    version: u32,
    parameters: Vec<(String, String)>,
}

/// Reads the first packet. The fields are not assumed to be more than they are: anything else is an error of kind
/// `InvalidData`, and the client is dropped.
pub async fn read_first(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<First> {
    let length = stream.read_u32().await? as usize;
    if !(8..=LONGEST).contains(&length) {
        return Err(invalid("invalid length of startup packet"));
    }
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await?;
    let (code, rest) = body.split_first_chunk::<4>().ok_or_else(|| invalid("no code"))?;
    match u32::from_be_bytes(*code) {
        80_877_103 => Ok(First::Tls),
        80_877_104 => Ok(First::Gss),
        80_877_102 => {
            let mut whole = u32::try_from(length).map_err(invalid)?.to_be_bytes().to_vec();
            whole.extend_from_slice(&body);
            Ok(First::Cancel(whole))
        }
        version if version >> 16 == 3 => {
            let text = std::str::from_utf8(rest).map_err(invalid)?;
            let mut words = text.split('\0');
            let mut parameters = Vec::new();
            while let (Some(name), Some(value)) = (words.next(), words.next()) {
                if name.is_empty() {
                    break;
                }
                parameters.push((name.to_owned(), value.to_owned()));
            }
            Ok(First::Startup(Startup { version, parameters }))
        }
        _ => Err(invalid("unsupported frontend protocol")),
    }
}

/// Reads a PasswordMessage.
pub async fn read_password(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let kind = stream.read_u8().await?;
    let length = stream.read_u32().await? as usize;
    if kind != b'p' || !(5..=LONGEST_PASSWORD).contains(&length) {
        return Err(invalid("expected password response"));
    }
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await?;
    let end = body.iter().position(|byte| *byte == 0).ok_or_else(|| invalid("invalid password packet"))?;
    body.truncate(end);
    String::from_utf8(body).map_err(|_| invalid("a password that is no text"))
}

impl Startup {
    /// A parameter's value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `user`; empty if there is none, which the server then refuses.
    pub fn user(&self) -> &str {
        self.parameter("user").unwrap_or_default()
    }

    /// `database`, which is the user's name where it is not given.
    pub fn database(&self) -> &str {
        self.parameter("database").filter(|name| !name.is_empty()).unwrap_or_else(|| self.user())
    }

    /// Whether it asks for a replication connection.
    pub fn replication(&self) -> bool {
        self.parameter("replication").is_some_and(|value| !matches!(value, "false" | "off" | "no" | "0"))
    }

    /// Appends to the command-line options that the client sends; later ones win.
    pub fn add_option(&mut self, option: &str) {
        match self.parameters.iter_mut().find(|(key, _)| key == "options") {
            Some((_, value)) => {
                value.push(' ');
                value.push_str(option);
            }
            None => self.parameters.push(("options".to_owned(), option.to_owned())),
        }
    }

    /// As it goes to the server.
    pub fn encode(&self) -> io::Result<Vec<u8>> {
        let mut body = self.version.to_be_bytes().to_vec();
        for (name, value) in &self.parameters {
            for word in [name, value] {
                body.extend_from_slice(word.as_bytes());
                body.push(0);
            }
        }
        body.push(0);
        let mut packet = u32::try_from(body.len() + 4).map_err(invalid)?.to_be_bytes().to_vec();
        packet.append(&mut body);
        Ok(packet)
    }
}

/// AuthenticationCleartextPassword.
pub const CLEARTEXT_PASSWORD: [u8; 9] = [b'R', 0, 0, 0, 8, 0, 0, 0, 3];

/// ErrorResponse of severity FATAL.
pub fn fatal(code: &str, message: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, text) in [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', code), (b'M', message)] {
        body.push(field);
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).expect("a message of a line");
    let mut packet = vec![b'E'];
    packet.extend_from_slice(&length.to_be_bytes());
    packet.append(&mut body);
    packet
}

fn invalid(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_startup_packet_is_replayed_as_it_came() {
        let packet = b"\0\0\0\x2d\0\x03\0\0user\0oncall\0options\0-c a=b\0database\0\0\0".to_vec();
        let mut packet = packet;
        let length = u32::try_from(packet.len()).expect("short");
        packet[..4].copy_from_slice(&length.to_be_bytes());
        let First::Startup(mut startup) = read_first(&mut packet.as_slice()).await.expect("read") else {
            panic!("not a startup packet")
        };
        assert_eq!((startup.user(), startup.database()), ("oncall", "oncall"));
        assert_eq!(startup.encode().expect("encoded"), packet);
        startup.add_option("-c c=d");
        assert_eq!(startup.parameter("options"), Some("-c a=b -c c=d"));
    }

    #[tokio::test]
    async fn requests_before_it_are_told_apart() {
        let mut tls: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];
        assert_eq!(read_first(&mut tls).await.expect("read"), First::Tls);
        let cancel = [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 1, 0, 0, 0, 2];
        assert_eq!(read_first(&mut cancel.as_slice()).await.expect("read"), First::Cancel(cancel.to_vec()));
        let http = b"GET / HTTP/1.1\r\n\r\n";
        assert!(read_first(&mut http.as_slice()).await.is_err());
    }
}
