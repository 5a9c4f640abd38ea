//! The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677), for the secret of one run. It must not know
//! sockets, nor PostgreSQL's messages around it.
//!
//! The secret is made of base64's letters, so that RFC 4013 has nothing to prepare; whoever presents another one fails
//! whatever preparing would make of it.

use super::proven::same;
use crate::model::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// PostgreSQL's default, `scram_iterations`.
const ITERATIONS: u32 = 4096;
/// Without channel binding.
pub(super) const PLAIN: &str = "SCRAM-SHA-256";
/// With `tls-server-end-point` (RFC 5929).
pub(super) const PLUS: &str = "SCRAM-SHA-256-PLUS";

/// What a server keeps of a secret. Made once a run: its 4096 rounds are not counted again for each client.
pub(super) struct Verifier {
    salt: [u8; 16],
    stored: [u8; 32],
    server: [u8; 32],
}

impl Verifier {
    pub(super) fn new(secret: &Secret) -> Verifier {
        let salt: [u8; 16] = rand::random();
        // Hi() of RFC 5802: PBKDF2 with one block.
        let mut round = keyed(secret.reveal().as_bytes(), &[&salt, &1_u32.to_be_bytes()]);
        let mut salted = round;
        for _ in 1..ITERATIONS {
            round = keyed(secret.reveal().as_bytes(), &[&round]);
            salted.iter_mut().zip(round).for_each(|(sum, byte)| *sum ^= byte);
        }
        let stored = Sha256::digest(keyed(&salted, &[b"Client Key"])).into();
        Verifier { salt, stored, server: keyed(&salted, &[b"Server Key"]) }
    }
}

/// Why an exchange fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Not what RFC 5802 has there; in words.
    Malformed(&'static str),
    /// Another secret.
    Secret,
}

/// One exchange. `binding` is the digest of our certificate, on a wire that has one.
pub(super) struct Exchange<'a> {
    verifier: &'a Verifier,
    binding: Option<&'a [u8]>,
    /// What the client's second message has to bind: its header of the first, and the certificate.
    bound: Vec<u8>,
    nonce: String,
    /// Both first messages, as they are signed.
    signed: String,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(verifier: &'a Verifier, binding: Option<&'a [u8]>) -> Exchange<'a> {
        Exchange { verifier, binding, bound: Vec::new(), nonce: String::new(), signed: String::new() }
    }

    /// client-first-message in, server-first-message out.
    pub(super) fn first(&mut self, mechanism: &str, message: &[u8]) -> Result<String, Wrong> {
        let message = std::str::from_utf8(message).map_err(|_| Wrong::Malformed("SCRAM message is not text"))?;
        let mut parts = message.splitn(3, ',');
        let (Some(flag), Some(authorized), Some(bare)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Wrong::Malformed("SCRAM message without a header"));
        };
        if !authorized.is_empty() {
            return Err(Wrong::Malformed("SCRAM message with an authorization identity"));
        }
        self.bound = format!("{flag},,").into_bytes();
        match (mechanism, flag, self.binding) {
            (PLAIN, "n", _) | (PLAIN, "y", None) => {}
            // It could have bound and believes that we did not offer it: somebody struck it off on the way.
            (PLAIN, "y", Some(_)) => return Err(Wrong::Malformed("channel binding was offered and not seen")),
            (PLUS, "p=tls-server-end-point", Some(certificate)) => self.bound.extend_from_slice(certificate),
            (PLAIN | PLUS, ..) => return Err(Wrong::Malformed("SCRAM channel binding of an unexpected kind")),
            _ => return Err(Wrong::Malformed("a SASL mechanism that was not offered")),
        }
        let mut attributes = bare.split(',');
        let (name, nonce) = (attributes.next().unwrap_or_default(), attributes.next().unwrap_or_default());
        let Some(nonce) = nonce.strip_prefix("r=").filter(|nonce| !nonce.is_empty() && name.starts_with("n=")) else {
            return Err(Wrong::Malformed("SCRAM message without name and nonce"));
        };
        self.nonce = nonce.to_owned() + &STANDARD.encode(rand::random::<[u8; 18]>());
        let answer = format!("r={},s={},i={ITERATIONS}", self.nonce, STANDARD.encode(self.verifier.salt));
        self.signed = format!("{bare},{answer}");
        Ok(answer)
    }

    /// client-final-message in, server-final-message out.
    pub(super) fn last(&self, message: &[u8]) -> Result<String, Wrong> {
        let message = std::str::from_utf8(message).map_err(|_| Wrong::Malformed("SCRAM message is not text"))?;
        let Some((said, proof)) = message.rsplit_once(",p=") else {
            return Err(Wrong::Malformed("SCRAM message without a proof"));
        };
        let mut attributes = said.split(',');
        let bound = attributes.next().and_then(|word| word.strip_prefix("c="));
        let nonce = attributes.next().and_then(|word| word.strip_prefix("r="));
        if bound.is_none_or(|bound| bound != STANDARD.encode(&self.bound)) {
            return Err(Wrong::Malformed("SCRAM channel binding does not fit"));
        }
        if nonce.is_none_or(|nonce| nonce != self.nonce || self.nonce.is_empty()) {
            return Err(Wrong::Malformed("SCRAM nonce does not fit"));
        }
        let proof = STANDARD.decode(proof).ok().and_then(|proof| <[u8; 32]>::try_from(proof).ok());
        let Some(mut key) = proof else { return Err(Wrong::Malformed("SCRAM proof of a wrong length")) };
        let signed = format!("{},{said}", self.signed);
        let signature = keyed(&self.verifier.stored, &[signed.as_bytes()]);
        key.iter_mut().zip(signature).for_each(|(byte, mask)| *byte ^= mask);
        if !same(Sha256::digest(key).as_slice(), &self.verifier.stored) {
            return Err(Wrong::Secret);
        }
        Ok(format!("v={}", STANDARD.encode(keyed(&self.verifier.server, &[signed.as_bytes()]))))
    }
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};

    /// The client is the one that we log in with ourselves.
    fn exchange(known: &str, shown: &str, bind: (&str, ChannelBinding, Option<&[u8]>)) -> Result<(), Wrong> {
        let verifier = Verifier::new(&Secret::new(known));
        let (mechanism, binding, certificate) = bind;
        let mut server = Exchange::new(&verifier, certificate);
        let mut client = ScramSha256::new(shown.as_bytes(), binding);
        let first = server.first(mechanism, client.message())?;
        client.update(first.as_bytes()).expect("a message as RFC 5802 has it");
        let last = server.last(client.message())?;
        client.finish(last.as_bytes()).expect("the server proves that it knows the secret");
        Ok(())
    }

    #[test]
    fn the_secret_opens_and_no_other_does() {
        let plain = || (PLAIN, ChannelBinding::unsupported(), None);
        assert_eq!(exchange("s3cret", "s3cret", plain()), Ok(()));
        assert_eq!(exchange("s3cret", "s3creT", plain()), Err(Wrong::Secret));
        assert_eq!(exchange("s3cret", "", plain()), Err(Wrong::Secret));
        let unrequested = || ChannelBinding::unrequested();
        assert_eq!(exchange("a", "a", (PLAIN, unrequested(), None)), Ok(()));
        let struck_off = exchange("a", "a", (PLAIN, unrequested(), Some(b"digest")));
        assert!(matches!(struck_off, Err(Wrong::Malformed(_))), "{struck_off:?}");
    }

    #[test]
    fn a_bound_channel_is_that_of_our_certificate() {
        let bind = |ours: &'static [u8], theirs: &[u8]| {
            (PLUS, ChannelBinding::tls_server_end_point(theirs.to_vec()), Some(ours))
        };
        assert_eq!(exchange("a", "a", bind(b"digest", b"digest")), Ok(()));
        assert!(matches!(exchange("a", "a", bind(b"digest", b"another")), Err(Wrong::Malformed(_))));
    }

    #[test]
    fn what_is_no_scram_is_refused_in_words() {
        let verifier = Verifier::new(&Secret::new("a"));
        for (mechanism, message) in [
            (PLAIN, &b""[..]),
            (PLAIN, b"n,,"),
            (PLAIN, b"n,,n=,r="),
            (PLAIN, b"n,a=root,n=,r=x"),
            (PLAIN, b"p=tls-unique,,n=,r=x"),
            (PLAIN, b"n,,m=later,n=,r=x"),
            (PLAIN, b"\xff\xfe"),
            (PLUS, b"p=tls-server-end-point,,n=,r=x"),
            ("PLAIN", b"n,,n=,r=x"),
        ] {
            let answer = Exchange::new(&verifier, None).first(mechanism, message);
            assert!(matches!(answer, Err(Wrong::Malformed(_))), "{mechanism} {message:?}");
        }
        let mut begun = Exchange::new(&verifier, None);
        begun.first(PLAIN, b"n,,n=,r=x").expect("good");
        for message in [&b""[..], b"c=biws", b"c=biws,r=x,p=", b"c=biws,r=,p=AAAA", b"\xff,p=\xff"] {
            assert!(matches!(begun.last(message), Err(Wrong::Malformed(_))), "{message:?}");
        }
        // Before any first message there is no nonce that could fit.
        assert!(begun_not(&verifier).last(b"c=,r=,p=AAAA").is_err());
    }

    fn begun_not(verifier: &Verifier) -> Exchange<'_> {
        Exchange::new(verifier, None)
    }
}
