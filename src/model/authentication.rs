//! The ways in which a server can ask who one is, and which of them are put up with. Plain words; it must not know how
//! any of them goes.

use std::fmt;

/// What a server asked for (PostgreSQL, Message Formats: Authentication…).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// Nothing: `trust`, or a client certificate that the server looked for.
    None,
    /// The password itself; also PAM (IAM tokens), LDAP and RADIUS.
    Cleartext,
    /// Its MD5 hash, salted.
    Md5,
    /// SCRAM-SHA-256 (RFC 5802, RFC 7677): the server proves that it knows the password, too.
    ScramSha256,
    /// SCRAM-SHA-256-PLUS: SCRAM bound to the server's certificate (RFC 5929, `tls-server-end-point`).
    ScramSha256Plus,
    /// Kerberos over GSSAPI.
    Gss,
    /// Windows' SSPI.
    Sspi,
}

impl Authentication {
    /// As settings spell it.
    pub fn name(self) -> &'static str {
        match self {
            Authentication::None => "none",
            Authentication::Cleartext => "cleartext",
            Authentication::Md5 => "md5",
            Authentication::ScramSha256 => "scram-sha-256",
            Authentication::ScramSha256Plus => "scram-sha-256-plus",
            Authentication::Gss => "gss",
            Authentication::Sspi => "sspi",
        }
    }
}

impl fmt::Display for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Authentication::None => "no authentication",
            Authentication::Cleartext => "the cleartext password",
            Authentication::Md5 => "md5",
            Authentication::ScramSha256 => "SCRAM-SHA-256",
            Authentication::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Authentication::Gss => "Kerberos (GSSAPI)",
            Authentication::Sspi => "SSPI",
        })
    }
}

/// Which ways a password may be asked for. Whoever allows SCRAM-SHA-256 allows the stronger PLUS with it; who allows
/// PLUS alone requires channel binding (libpq: `channel_binding=require`; the list is its `require_auth`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed(Vec<Authentication>);

impl Default for Allowed {
    /// What RDS, Aurora and RDS Proxy ask password users for: SCRAM or md5 (`password_encryption`), cleartext where a
    /// directory holds the password, and nothing. All of it happens within verified TLS.
    fn default() -> Allowed {
        Allowed(vec![Authentication::ScramSha256, Authentication::Md5, Authentication::Cleartext, Authentication::None])
    }
}

impl Allowed {
    /// From names as in [`Authentication::name`]; an error says what was expected.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Allowed, String> {
        const KNOWN: [Authentication; 5] = [
            Authentication::ScramSha256Plus,
            Authentication::ScramSha256,
            Authentication::Md5,
            Authentication::Cleartext,
            Authentication::None,
        ];
        let mut allowed = Vec::new();
        for name in names {
            match KNOWN.iter().find(|known| known.name().eq_ignore_ascii_case(name)) {
                Some(known) => allowed.push(*known),
                None => {
                    let known = KNOWN.map(Authentication::name).join(", ");
                    return Err(format!("{name:?} is no way to ask for a password; expected some of {known}"));
                }
            }
        }
        if allowed.is_empty() {
            return Err("an empty list allows no login; expected e.g. scram-sha-256, md5".to_owned());
        }
        Ok(Allowed(allowed))
    }

    /// Whether that may be answered.
    pub fn allows(&self, asked: Authentication) -> bool {
        self.0.contains(&asked)
            || (asked == Authentication::ScramSha256Plus && self.0.contains(&Authentication::ScramSha256))
    }

    /// Their names, in the order given.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|one| one.name()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_allows_what_is_in_it_and_plus_with_scram() {
        let scram = Allowed::parse(["SCRAM-SHA-256"]).expect("known");
        assert!(scram.allows(Authentication::ScramSha256) && scram.allows(Authentication::ScramSha256Plus));
        assert!(!scram.allows(Authentication::Md5) && !scram.allows(Authentication::None));
        let bound = Allowed::parse(["scram-sha-256-plus"]).expect("known");
        assert!(!bound.allows(Authentication::ScramSha256));
        let wrong = Allowed::parse(["scram"]).expect_err("unknown");
        assert!(wrong.contains("\"scram\"") && wrong.contains("scram-sha-256-plus, scram-sha-256, md5"), "{wrong}");
        assert!(Allowed::parse([]).is_err());
        assert_eq!(Allowed::parse(Allowed::default().names()), Ok(Allowed::default()));
    }
}
