//! What a script's variables know of the session: psql's `DBNAME`, `USER`, `SERVER_VERSION_NUM` and their like. It must not
//! know how a session is had.

use super::Script;

/// What is known of the session, for variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Database.
    pub database: String,
    /// Role.
    pub user: String,
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `server_version`.
    pub version: String,
}

impl Script {
    /// What is known of the session now.
    pub fn stand(&mut self, standing: Standing) {
        let number = version_number(&standing.version);
        for (name, value) in [
            ("DBNAME", standing.database.as_str()),
            ("USER", &standing.user),
            ("HOST", &standing.host),
            ("PORT", &standing.port.to_string()),
            ("ENCODING", "UTF8"),
            ("SERVER_VERSION_NAME", &standing.version),
            ("SERVER_VERSION_NUM", &number.to_string()),
            ("VERSION", concat!("gatepost ", env!("CARGO_PKG_VERSION"))),
            ("VERSION_NAME", env!("CARGO_PKG_VERSION")),
        ] {
            // These names are good ones.
            let _ = self.variables.set(name, value);
        }
        self.standing = standing;
    }
}

/// `15.4` as `SERVER_VERSION_NUM` has it: 150004.
fn version_number(version: &str) -> u32 {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().unwrap_or(0));
    let major = numbers.next().unwrap_or(0);
    let minor = numbers.next().unwrap_or(0);
    match major {
        0..10 => major * 10_000 + minor * 100 + numbers.next().unwrap_or(0),
        _ => major * 10_000 + minor,
    }
}
