//! Secrets: shown to the database or to AWS, never to a log, an error, an argument list or a screen.

use std::fmt;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// A string that must not be seen: no `Display`, `Debug` prints dots, memory is zeroed on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// The secret itself, for the one place that must show it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••")
    }
}

/// An IAM database authentication token: a password that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What the database is shown.
    pub secret: Secret,
    /// When it was signed, by this machine's clock.
    pub minted: SystemTime,
    /// The time in its signature: AWS's, as far as that was known.
    pub signed: SystemTime,
    /// When it ends, by this machine's clock: 15 minutes after, or with the credentials that signed it, whichever is first.
    pub ends: SystemTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "••••");
    }
}
