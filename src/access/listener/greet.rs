//! A client's way in, up to the StartupMessage of somebody who has shown that they may: requests for encryption, the
//! secret. Everything here is read from strangers: in order, within bounds. It must not know the database.

use super::complaint::{self, Complaint, UNAUTHORIZED, UNSUPPORTED, VIOLATION, WRONG_SECRET};
use super::packet::{self, HANDSHAKE, Packet, Unread};
use super::scram::{Exchange, PLAIN, PLUS, Verifier, Wrong};
use super::terms::{Asked, NEWEST};
use crate::db::{self, LocalTls, Transport};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A SCRAM message is some hundred bytes.
const LONGEST_RESPONSE: usize = 2_048;

/// Why nothing came of TLS that was begun directly.
const NO_TLS: &str = "A client began TLS directly, and this listener offers none";
const NO_ALPN: &str = "A client began TLS directly without naming the protocol postgresql (ALPN)";

/// What is asked of whoever knocks.
pub(super) struct Guard {
    /// The secret; `None` asks for none.
    pub(super) verifier: Option<Verifier>,
    /// With a certificate, TLS is offered.
    pub(super) tls: Option<LocalTls>,
}

/// Who has come in.
pub(super) enum Greeted {
    /// A client; it waits for AuthenticationOk, or an error.
    Client(Box<dyn Transport>, Asked),
    /// Somebody who wants to cancel, and waits for the end of the wire.
    Cancel { wire: Box<dyn Transport>, pid: i32, secret: Vec<u8> },
}

/// Why somebody has not.
pub(super) enum Turned {
    /// They left.
    Left,
    /// They began TLS in a way that is not offered, and would not understand a word; in words, for us.
    Silently(&'static str),
    /// They are told; in words, for us.
    Away(Box<dyn Transport>, Complaint),
}

impl Guard {
    /// `stranger`: a process of another user.
    pub(super) async fn greet(&self, wire: Box<dyn Transport>, stranger: bool) -> Result<Greeted, Turned> {
        let (mut wire, asked, encrypted) = match self.startup(wire).await? {
            Begun::Client(wire, asked, encrypted) => (wire, asked, encrypted),
            Begun::Cancel { wire, pid, secret } => return Ok(Greeted::Cancel { wire, pid, secret }),
        };
        if stranger {
            let complaint = Complaint::new(UNAUTHORIZED, "gatepost: this socket is for the user who opened it alone");
            return Err(Turned::Away(wire, complaint));
        }
        let admitted = async {
            if asked.needs_negotiation() {
                say(&mut wire, &complaint::negotiate(asked.minor.min(NEWEST), &asked.unknown())).await?;
            }
            match &self.verifier {
                Some(verifier) => {
                    let binding = self.tls.as_ref().filter(|_| encrypted).map(LocalTls::end_point);
                    prove(&mut wire, verifier, binding, asked.user()).await
                }
                None => Ok(()),
            }
        };
        match admitted.await {
            Ok(()) => Ok(Greeted::Client(wire, asked)),
            Err(Failed::Left) => Err(Turned::Left),
            Err(Failed::Complaint(complaint)) => Err(Turned::Away(wire, complaint)),
        }
    }

    /// Requests for encryption, each once and in any order, until the StartupMessage.
    async fn startup(&self, mut wire: Box<dyn Transport>) -> Result<Begun, Turned> {
        let (mut asked_tls, mut asked_gss, mut encrypted) = (false, false, false);
        loop {
            let packet = match packet::read(&mut wire).await {
                Ok(packet) => packet,
                Err(Unread::Gone) => return Err(Turned::Left),
                // Before anything else, as PostgreSQL 17 takes it (Protocol Flow, "SSL Session Encryption").
                Err(Unread::Tls) if !asked_tls && !asked_gss => {
                    let Some(tls) = &self.tls else { return Err(Turned::Silently(NO_TLS)) };
                    wire = tls.accept_direct(wire, HANDSHAKE).await.map_err(|error| match error {
                        db::Error::Tls(_) => Turned::Silently(NO_ALPN),
                        _ => Turned::Left,
                    })?;
                    (asked_tls, asked_gss, encrypted) = (true, true, true);
                    continue;
                }
                Err(Unread::Tls) => {
                    let why = "a TLS handshake that was not agreed upon";
                    return Err(Turned::Away(wire, Complaint::new(VIOLATION, why)));
                }
                Err(Unread::Malformed(why)) => return Err(Turned::Away(wire, Complaint::new(VIOLATION, why))),
            };
            match packet {
                Packet::Ssl if !asked_tls => {
                    asked_tls = true;
                    let Some(tls) = &self.tls else {
                        say(&mut wire, b"N").await.map_err(|_| Turned::Left)?;
                        continue;
                    };
                    say(&mut wire, b"S").await.map_err(|_| Turned::Left)?;
                    wire = tls.accept(wire).await.map_err(|_| Turned::Left)?;
                    // Once encrypted, it is no more asked for.
                    (asked_gss, encrypted) = (true, true);
                }
                Packet::Gss if !asked_gss => {
                    asked_gss = true;
                    say(&mut wire, b"N").await.map_err(|_| Turned::Left)?;
                }
                Packet::Ssl | Packet::Gss => {
                    let complaint = Complaint::new(VIOLATION, "encryption was asked for twice");
                    return Err(Turned::Away(wire, complaint));
                }
                Packet::Cancel { pid, secret } => return Ok(Begun::Cancel { wire, pid, secret }),
                Packet::Startup { major: 3, minor, parameters } => {
                    return Ok(Begun::Client(wire, Asked { minor, parameters }, encrypted));
                }
                Packet::Startup { major, minor, .. } => {
                    let words =
                        format!("unsupported frontend protocol {major}.{minor}: gatepost speaks 3.0 to 3.{NEWEST}");
                    return Err(Turned::Away(wire, Complaint::new(UNSUPPORTED, words)));
                }
            }
        }
    }
}

enum Begun {
    /// Whether the wire is encrypted.
    Client(Box<dyn Transport>, Asked, bool),
    Cancel {
        wire: Box<dyn Transport>,
        pid: i32,
        secret: Vec<u8>,
    },
}

enum Failed {
    Left,
    Complaint(Complaint),
}

impl From<io::Error> for Failed {
    fn from(_: io::Error) -> Failed {
        Failed::Left
    }
}

impl Failed {
    fn of(wrong: Wrong, user: &str) -> Failed {
        Failed::Complaint(match wrong {
            Wrong::Malformed(why) => Complaint::new(VIOLATION, why),
            Wrong::Secret => Complaint::new(
                WRONG_SECRET,
                format!("password authentication failed for user \"{user}\": gatepost asks for the secret of its run"),
            )
            .hint(
                "Show the secret of this listener: it is in the passfile that was told when the listener was opened (in the \
                 console, y on the Lines screen).",
            ),
        })
    }
}

/// SASL (PostgreSQL, "SASL Authentication"), up to the server's last message.
async fn prove(
    wire: &mut Box<dyn Transport>,
    verifier: &Verifier,
    binding: Option<&[u8]>,
    user: &str,
) -> Result<(), Failed> {
    let mechanisms: &[&str] = if binding.is_some() { &[PLUS, PLAIN] } else { &[PLAIN] };
    say(wire, &complaint::sasl(mechanisms)).await?;
    let body = response(wire).await?;
    let malformed = || Failed::Complaint(Complaint::new(VIOLATION, "malformed SASLInitialResponse"));
    let end = body.iter().position(|byte| *byte == 0).ok_or_else(malformed)?;
    let mechanism = std::str::from_utf8(&body[..end]).map_err(|_| malformed())?;
    let (length, first) = body[end + 1..].split_first_chunk::<4>().ok_or_else(malformed)?;
    if u32::from_be_bytes(*length) as usize != first.len() {
        return Err(malformed());
    }
    let mut exchange = Exchange::new(verifier, binding);
    let answer = exchange.first(mechanism, first).map_err(|wrong| Failed::of(wrong, user))?;
    say(wire, &complaint::sasl_continue(&answer)).await?;
    let last = response(wire).await?;
    let answer = exchange.last(&last).map_err(|wrong| Failed::of(wrong, user))?;
    say(wire, &complaint::sasl_final(&answer)).await?;
    Ok(())
}

/// The body of a message of type `p`, and of no other.
async fn response(wire: &mut Box<dyn Transport>) -> Result<Vec<u8>, Failed> {
    let kind = wire.read_u8().await?;
    if kind != b'p' {
        let words = format!("expected SASL response, got message type {kind}");
        return Err(Failed::Complaint(Complaint::new(VIOLATION, words)));
    }
    let length = wire.read_u32().await? as usize;
    if !(4..=LONGEST_RESPONSE).contains(&length) {
        return Err(Failed::Complaint(Complaint::new(VIOLATION, "invalid length of a SASL response")));
    }
    let mut body = vec![0; length - 4];
    wire.read_exact(&mut body).await?;
    Ok(body)
}

/// Sends, to the last byte.
pub(super) async fn say(wire: &mut Box<dyn Transport>, bytes: &[u8]) -> io::Result<()> {
    wire.write_all(bytes).await?;
    wire.flush().await
}
