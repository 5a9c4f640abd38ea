//! What a local client has to show before anything is done for it. It must not know how it is asked for.

use crate::model::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of chance in a secret: more than can be guessed.
const CHANCE: usize = 24;

/// A secret for one run: letters that need no escaping in a passfile, a URI or a shell.
pub fn new_secret() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(rand::random::<[u8; CHANCE]>()))
}

/// Whether they are the same, in a time that does not tell where they differ.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_of_chance_and_need_no_escaping() {
        let (one, other) = (new_secret(), new_secret());
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), 32);
        assert!(one.reveal().chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
        assert!(same(b"ab", b"ab") && !same(b"ab", b"aB") && !same(b"ab", b"a"));
    }
}
