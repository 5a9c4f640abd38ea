//! The first packet of a conversation: who, where to, with which settings. It must not know secrets.

use super::error::Error;

/// PostgreSQL's `MAX_STARTUP_PACKET_LENGTH`: a server hangs up on a longer one.
const LONGEST: usize = 10_000;

/// A version of the frontend/backend protocol; major is always 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Protocol {
    /// 0, or 2 (PostgreSQL 18): longer cancel keys.
    pub minor: u16,
}

impl Protocol {
    /// 3.0, which everything speaks that stands between us and a database.
    pub const V3_0: Protocol = Protocol { minor: 0 };
    /// 3.2. Poolers and proxies older than it may hang up instead of negotiating (libpq asks for 3.0 by default because
    /// of them: PostgreSQL 18, `max_protocol_version`).
    pub const V3_2: Protocol = Protocol { minor: 2 };

    fn code(self) -> u32 {
        (3 << 16) | u32::from(self.minor)
    }

    /// From NegotiateProtocolVersion, where servers write the whole version; the documentation speaks of the minor one.
    pub(super) fn negotiated(code: u32) -> Option<Protocol> {
        let minor = u16::try_from(code & 0xffff).ok()?;
        matches!(code >> 16, 0 | 3).then_some(Protocol { minor })
    }
}

/// A StartupMessage: `user`, `database`, `options`, `application_name`, and whatever else a client passed through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Startup {
    /// The highest version to speak.
    pub protocol: Protocol,
    /// Names and values, in order. `user` has to be among them.
    pub parameters: Vec<(String, String)>,
    /// Settings that are made by a SET of their own, as the last part of the login: for servers that take none in the
    /// packet ([`takes_options`]). Names as PostgreSQL has them.
    pub settings: Vec<(String, String)>,
}

/// RDS Proxy refuses a start-up packet with options, or with a setting it does not know, as 0A000 (psycopg2 issue 1577,
/// tegola issue 966). Its hosts, and those of its own endpoints, are `NAME.proxy-ID.REGION.rds.…`: there settings are made
/// first thing after the login. That pins the connection to one of the database until it ends, so they hold (RDS User
/// Guide, "Avoiding pinning an RDS Proxy"; the filter that leaves SET out is MySQL's alone).
pub fn takes_options(host: &str) -> bool {
    !host.contains(".proxy-")
}

impl Startup {
    /// That user in that database.
    pub fn new(user: &str, database: &str) -> Startup {
        let parameters = vec![("user".to_owned(), user.to_owned()), ("database".to_owned(), database.to_owned())];
        Startup { protocol: Protocol::V3_0, parameters, settings: Vec::new() }
    }

    /// With one more parameter.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Startup {
        self.parameters.push((name.to_owned(), value.into()));
        self
    }

    /// With one more setting that is made after the packet.
    pub fn and_set(mut self, name: &str, value: impl Into<String>) -> Startup {
        self.settings.push((name.to_owned(), value.into()));
        self
    }

    /// The simple query that makes the settings, whole; `None` where there are none.
    pub(super) fn set(&self) -> Option<Vec<u8>> {
        if self.settings.is_empty() {
            return None;
        }
        let quoted = |text: &str, with: char| format!("{with}{}{with}", text.replace(with, &format!("{with}{with}")));
        let sets: Vec<String> = self
            .settings
            .iter()
            // E'…' reads backslashes the same whatever standard_conforming_strings is.
            .map(|(name, value)| format!("SET {} = E{}", quoted(name, '"'), quoted(&value.replace('\\', "\\\\"), '\'')))
            .collect();
        let text = sets.join("; ");
        let mut packet = vec![b'Q'];
        packet.extend_from_slice(&(text.len() as u32 + 5).to_be_bytes());
        packet.extend_from_slice(text.as_bytes());
        packet.push(0);
        Some(packet)
    }

    /// The role that logs in.
    pub fn user(&self) -> &str {
        self.parameters.iter().rev().find(|(name, _)| name == "user").map_or("", |(_, value)| value)
    }

    /// As it goes on the wire.
    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut packet = vec![0; 4];
        packet.extend_from_slice(&self.protocol.code().to_be_bytes());
        for (name, value) in &self.parameters {
            if name.is_empty() || name.contains('\0') || value.contains('\0') {
                return Err(Error::Unsupported(
                    "A start-up parameter without a name, or with a NUL in it, cannot be sent.".to_owned(),
                ));
            }
            for word in [name, value] {
                packet.extend_from_slice(word.as_bytes());
                packet.push(0);
            }
        }
        packet.push(0);
        if packet.len() > LONGEST {
            return Err(Error::Unsupported(format!(
                "The start-up parameters take {} bytes; PostgreSQL reads {LONGEST}.",
                packet.len()
            )));
        }
        let length = packet.len() as u32;
        packet[..4].copy_from_slice(&length.to_be_bytes());
        Ok(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_as_the_documentation_has_it() {
        let packet = Startup::new("u", "d").with("a", "b").encode().expect("short");
        assert_eq!(packet, b"\0\0\0\x1f\0\x03\0\0user\0u\0database\0d\0a\0b\0\0");
        let newer = Startup { protocol: Protocol::V3_2, ..Startup::new("u", "d") }.encode().expect("short");
        assert_eq!(newer[4..8], [0, 3, 0, 2]);
        for wrong in
            [Startup::new("u\0", "d"), Startup::new("u", "d").with("", "x"), Startup::new("u", &"d".repeat(10_000))]
        {
            assert!(matches!(wrong.encode(), Err(Error::Unsupported(_))));
        }
    }

    #[test]
    fn settings_that_go_behind_the_packet_are_not_in_it() {
        let startup = Startup::new("u", "d").and_set("default_transaction_read_only", "on").and_set("a\"b", "it's \\");
        assert_eq!(startup.encode().ok(), Startup::new("u", "d").encode().ok());
        let text = b"SET \"default_transaction_read_only\" = E'on'; SET \"a\"\"b\" = E'it''s \\\\'\0";
        let query = startup.set().expect("two");
        assert_eq!((query[0], &query[5..]), (b'Q', &text[..]));
        assert_eq!(query[1..5], (text.len() as u32 + 4).to_be_bytes());
        assert_eq!(Startup::new("u", "d").set(), None);
        assert!(takes_options("orders.c9.eu-west-1.rds.amazonaws.com"));
        assert!(!takes_options("o.endpoint.proxy-c9.eu-west-1.rds.amazonaws.com"));
    }

    #[test]
    fn versions_are_read_as_servers_write_them() {
        assert_eq!(Protocol::negotiated(0x0003_0000), Some(Protocol::V3_0));
        assert_eq!(Protocol::negotiated(2), Some(Protocol::V3_2));
        assert_eq!(Protocol::negotiated(0x0004_0000), None);
    }
}
