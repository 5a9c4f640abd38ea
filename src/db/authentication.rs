//! Proving who one is, in whichever way the server asks for that the target allows. It must not know how the secret was
//! come by, and says it on no wire but one secured under the name it is for.
//!
//! Formats: PostgreSQL, "Message Formats" and "SASL Authentication". SCRAM: RFC 5802, 7677; the password is prepared as
//! RFC 4013 has it where it can be, the server's signature is always checked, and no more than 100,000 iterations are
//! counted for a server (`postgres_protocol::authentication::sasl`).

use super::error::Error;
use crate::model::{Allowed, Authentication, Secret};
use bytes::BytesMut;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256};
use postgres_protocol::message::frontend;
use std::io;

/// What is shown to the server, and how at most.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An IAM token: shown as it is to the name it was signed for, and in no other way. A server that asks for md5 or
    /// SCRAM knows the role as one with a password, and would only learn a hash of the token from us.
    Token(Secret),
    /// A password, and which ways of asking for it are answered.
    Password(Secret, Allowed),
    /// Kerberos. The seam is here, what belongs behind it is not: whoever asks for GSSAPI or SSPI is refused.
    Kerberos,
}

impl Credential {
    fn answers(&self, asked: Authentication) -> bool {
        match self {
            Credential::Token(_) => matches!(asked, Authentication::Cleartext | Authentication::None),
            Credential::Password(_, allowed) => allowed.allows(asked),
            Credential::Kerberos => false,
        }
    }

    fn secret(&self) -> &[u8] {
        match self {
            Credential::Token(secret) | Credential::Password(secret, _) => secret.reveal().as_bytes(),
            Credential::Kerberos => &[],
        }
    }
}

/// One exchange, from the first request to "ok".
pub(super) struct Exchange<'a> {
    user: &'a str,
    credential: &'a Credential,
    /// RFC 5929, of the certificate that TLS showed; `None` where its signature has no digest of its own.
    binding: Option<Vec<u8>>,
    asked: Option<Authentication>,
    state: State,
}

enum State {
    /// Nothing was asked yet.
    Begun,
    /// A password was sent: "ok" or an error comes next.
    Shown,
    /// The first SCRAM message was sent.
    First(ScramSha256),
    /// The proof was sent.
    Proven(ScramSha256),
    /// The server has proved that it knows the password.
    Mutual,
    /// Over.
    Over,
}

/// What a request comes to.
pub(super) enum Answer {
    /// To be sent.
    Send(BytesMut),
    /// Nothing is to be sent; more comes.
    Wait,
    /// In.
    In(Authentication),
}

impl<'a> Exchange<'a> {
    pub(super) fn new(user: &'a str, credential: &'a Credential, binding: Option<Vec<u8>>) -> Exchange<'a> {
        Exchange { user, credential, binding, asked: None, state: State::Begun }
    }

    /// Answers the body of an Authentication… message.
    pub(super) async fn answer(&mut self, body: &[u8]) -> Result<Answer, Error> {
        let Some((code, rest)) = body.split_first_chunk::<4>() else {
            return Err(Error::garbled("a request to authenticate that is cut short"));
        };
        let code = u32::from_be_bytes(*code);
        match (code, std::mem::replace(&mut self.state, State::Over)) {
            (0, State::Begun) => {
                self.admit(Authentication::None)?;
                Ok(Answer::In(Authentication::None))
            }
            (0, State::Shown | State::Mutual) => Ok(Answer::In(self.asked.unwrap_or(Authentication::None))),
            // It let us in without the proof that it knows the password: it is not the server we know.
            (0, State::First(_) | State::Proven(_)) => Err(Error::ServerUnproven(
                "it said that the login succeeded without proving that it knows the password".to_owned(),
            )),
            (3, State::Begun) => {
                self.admit(Authentication::Cleartext)?;
                self.show(self.credential.secret())
            }
            (5, State::Begun) => {
                let Ok(salt) = <[u8; 4]>::try_from(rest) else {
                    return Err(Error::garbled("a salt of other than four bytes"));
                };
                self.admit(Authentication::Md5)?;
                let hash = md5_hash(self.user.as_bytes(), self.credential.secret(), salt);
                self.show(hash.as_bytes())
            }
            (10, State::Begun) => self.begin_scram(rest),
            (11, State::First(scram)) => {
                let scram = updated(scram, rest).await?;
                let mut packet = BytesMut::new();
                frontend::sasl_response(scram.message(), &mut packet).map_err(unsendable)?;
                self.state = State::Proven(scram);
                Ok(Answer::Send(packet))
            }
            (12, State::Proven(mut scram)) => {
                scram.finish(rest).map_err(|error| Error::ServerUnproven(error.to_string()))?;
                self.state = State::Mutual;
                Ok(Answer::Wait)
            }
            (2 | 7 | 8, State::Begun) => Err(self.kerberos(Authentication::Gss)),
            (9, State::Begun) => Err(self.kerberos(Authentication::Sspi)),
            (6, State::Begun) => {
                Err(Error::Unsupported("The server asks for SCM credentials, which are not supported.".to_owned()))
            }
            _ => Err(Error::garbled(&format!("request {code} to authenticate"))),
        }
    }

    /// Where Kerberos would begin. tokio-postgres refuses it by itself, which is one reason why the login is ours.
    fn kerberos(&self, asked: Authentication) -> Error {
        Error::Unsupported(format!("The server asks for {asked}, which is not supported yet."))
    }

    fn admit(&mut self, asked: Authentication) -> Result<(), Error> {
        if !self.credential.answers(asked) {
            return Err(match self.credential {
                Credential::Token(_) => Error::TokenNotAsked(asked),
                Credential::Password(_, allowed) => Error::NotAllowed { asked, allowed: allowed.names().join(", ") },
                Credential::Kerberos => Error::Unsupported(format!(
                    "Kerberos was chosen, which is not there yet; the server asks for {asked}."
                )),
            });
        }
        self.asked = Some(asked);
        Ok(())
    }

    fn show(&mut self, secret: &[u8]) -> Result<Answer, Error> {
        let mut packet = BytesMut::new();
        frontend::password_message(secret, &mut packet).map_err(unsendable)?;
        self.state = State::Shown;
        Ok(Answer::Send(packet))
    }

    fn begin_scram(&mut self, mechanisms: &[u8]) -> Result<Answer, Error> {
        let offers = |name: &str| mechanisms.split(|byte| *byte == 0).any(|one| one == name.as_bytes());
        let (plain, plus) = (offers(SCRAM_SHA_256), offers(SCRAM_SHA_256_PLUS));
        // Who can bind says so even where it was not offered: a server that did offer it, to somebody who struck it off
        // on the way, then refuses (RFC 5802, section 6: "y").
        let (asked, binding) = match self.binding.take() {
            Some(hash) if plus => (Authentication::ScramSha256Plus, ChannelBinding::tls_server_end_point(hash)),
            Some(_) if plain => (Authentication::ScramSha256, ChannelBinding::unrequested()),
            None if plain => (Authentication::ScramSha256, ChannelBinding::unsupported()),
            _ => {
                return Err(Error::Unsupported(
                    "The server asks for a SASL mechanism other than SCRAM-SHA-256.".to_owned(),
                ));
            }
        };
        self.admit(asked)?;
        let mechanism = if asked == Authentication::ScramSha256Plus { SCRAM_SHA_256_PLUS } else { SCRAM_SHA_256 };
        let scram = ScramSha256::new(self.credential.secret(), binding);
        let mut packet = BytesMut::new();
        frontend::sasl_initial_response(mechanism, scram.message(), &mut packet).map_err(unsendable)?;
        self.state = State::First(scram);
        Ok(Answer::Send(packet))
    }
}

/// Thousands of HMACs: not on a thread that others wait for.
async fn updated(mut scram: ScramSha256, message: &[u8]) -> Result<ScramSha256, Error> {
    let message = message.to_vec();
    let done = tokio::task::spawn_blocking(move || scram.update(&message).map(|()| scram)).await;
    match done {
        Ok(Ok(scram)) => Ok(scram),
        // The library's sentence for a server with `scram_iterations` beyond it, or one that wants to keep us busy.
        Ok(Err(error)) if error.to_string().contains("iteration count") => Err(Error::Unsupported(
            "The server asks for more than 100,000 iterations of SCRAM; expected no more (PostgreSQL's default is 4096)."
                .to_owned(),
        )),
        Ok(Err(error)) => Err(Error::garbled(&format!("SCRAM: {error}"))),
        Err(error) => Err(Error::Wire(io::Error::other(error))),
    }
}

/// A secret with a NUL in it, or one beyond what a message holds.
fn unsendable(_: io::Error) -> Error {
    Error::Unsupported("A password that holds a NUL character cannot be sent.".to_owned())
}
