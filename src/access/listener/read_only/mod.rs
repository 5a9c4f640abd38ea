//! What makes a read-only listener read-only: the server, transaction by transaction. It must not know sockets.
//!
//! `default_transaction_read_only` is a default only: SET, `set_config` in some function or `BEGIN READ WRITE` change it.
//! So no statement of a client runs before its transaction was made read-only by us, whatever the session's settings say:
//!
//! - A simple query goes out as [`crate::access::guard`] says: behind a statement that makes its transaction read-only, and
//!   before a look at what it did. A text that would go on after its transaction ended, or make it writable itself, is refused; so
//!   is one whose statements cannot be told apart for certain. One statement alone always can.
//! - In the extended protocol [`statement::PIN`] is executed before the first message of a client, and again after each of
//!   its Executes: the server takes one statement an Execute, so nothing more need be known of it. What it opened or made
//!   READ WRITE is read-only before the next message. Only DO and CALL can commit and go on by themselves; they need a
//!   block, in which the server refuses that. That something opens a block, or has to run outside of one and so without
//!   PIN, is believed of a statement that was parsed, bound and executed in one go alone: its name may be another
//!   statement's by then (DEALLOCATE and PREPARE, DECLARE).
//! - A function call has the PIN before it, too.
//!
//! From a transaction's first query on PostgreSQL refuses to make it writable, in functions, DO blocks and EXECUTE, too;
//! SET takes no snapshot, so isolation levels and exported snapshots can still be chosen behind ours. What the server's
//! read-only transactions let pass all the same (see [`crate::access::guard`]) is undone: [`CHECK`] runs before each commit
//! and fails when the transaction has written; cursors WITH HOLD, whose queries run on while it commits, cannot be committed, and a
//! function call needs a block. What nothing undoes is what nextval() and setval() did to a sequence before 16. A replica,
//! or a role without the right, knows no such gaps.
//!
//! Where the transaction stands has to be known before a message goes out. So what a client sends behind a Sync or a
//! query waits for its ReadyForQuery; other listeners know nothing of all this.
//!
//! What PostgreSQL lets pass in read-only transactions passes here: VACUUM, REINDEX, CLUSTER, NOTIFY, advisory locks, a superuser's
//! ALTER SYSTEM and LOAD, COMMIT PREPARED of what somebody else prepared, functions that act through a session of their own
//! (dblink) or outside the database.

mod replies;
pub(super) mod splice;
mod statement;

use super::complaint::message;
use crate::access::guard::{CHECK, Dressed};
use crate::model::Transaction;
use replies::{Replies, Unit};
use statement::{Class, IN_A_BLOCK, PIN, Reading, of_a_name};
use std::collections::HashMap;

/// The name of our prepared statement and portal.
const OURS: &[u8] = b"gatepost, read-only\0";
/// The cursor that [`IN_A_BLOCK`] declares.
const BLOCK: &[u8] = b"gatepost, in a block\0";
/// Statements and portals of a client that are remembered.
const MOST_NAMES: usize = 10_000;

/// What a client's message comes to.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// Written to what goes out.
    Sent,
    /// It has to wait until the server is ready.
    Wait,
    /// Nothing can be relied on any more; in words.
    Broken(&'static str),
}

/// One session.
struct Keeper {
    reading: Reading,
    transaction: Transaction,
    replies: Replies,
    /// Prepared statements that are not [`Class::Plain`], as the server has confirmed them.
    names: HashMap<Vec<u8>, Class>,
    /// Between the first message of the extended protocol and its Sync.
    cycle: Option<Cycle>,
}

/// Whether there is a transaction block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Block {
    #[default]
    None,
    /// A statement of that name once opened one.
    Perhaps,
    Open,
}

/// Messages up to a Sync.
#[derive(Default)]
struct Cycle {
    /// Statements and portals named in it.
    names: HashMap<Vec<u8>, Class>,
    portals: HashMap<Vec<u8>, Class>,
    /// The statement parsed last, and the portal bound to it: none but it can have run since.
    parsed: Option<(Vec<u8>, Class)>,
    bound: Option<(Vec<u8>, Class)>,
    /// Our PIN was executed and nothing of the client's since.
    pinned: bool,
    /// The block has failed: the server takes nothing but its end.
    failed: bool,
    block: Block,
    /// Something ran, be it while it was planned, that a commit would keep.
    ran: bool,
}

impl Keeper {
    /// `parameters` is what the server reported at the login.
    fn new(parameters: &[(String, String)]) -> Keeper {
        let parameter =
            |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str());
        let reading = Reading {
            standard_strings: parameter("standard_conforming_strings") != "off",
            encoding: parameter("client_encoding").to_owned(),
        };
        Keeper {
            reading,
            transaction: Transaction::Idle,
            replies: Replies::default(),
            names: HashMap::new(),
            cycle: None,
        }
    }

    /// A message of the client, whole.
    fn say(&mut self, whole: &[u8], out: &mut Vec<u8>) -> Said {
        let Some((kind, body)) = whole.first().zip(whole.get(5..)) else {
            return Said::Broken("a message without length");
        };
        match kind {
            // Data of COPY, Flush, Terminate.
            b'd' | b'c' | b'f' | b'H' | b'X' => out.extend_from_slice(whole),
            b'Q' | b'F' if self.cycle.is_some() => return Said::Broken("a query in the midst of an extended one"),
            b'Q' | b'F' | b'P' | b'B' | b'D' | b'E' | b'C' | b'S'
                if self.cycle.is_none() && self.replies.is_waiting() =>
            {
                return Said::Wait;
            }
            b'Q' => return self.query(body, out),
            b'F' => self.call(whole, out),
            b'P' | b'B' | b'D' | b'E' | b'C' | b'S' => {
                let mut cycle = self.cycle.take().unwrap_or_else(|| Cycle {
                    failed: self.transaction == Transaction::Failed,
                    block: if self.transaction == Transaction::Idle { Block::None } else { Block::Open },
                    ..Cycle::default()
                });
                let said = self.extended(*kind, whole, &mut cycle, out);
                self.cycle = Some(cycle).filter(|_| *kind != b'S');
                return said;
            }
            _ => return Said::Broken("a message of an unknown type"),
        }
        Said::Sent
    }

    fn query(&mut self, body: &[u8], out: &mut Vec<u8>) -> Said {
        let Some((text, b"")) = word(body) else { return Said::Broken("a query that does not end with its NUL") };
        let dressed =
            statement::dress(text, self.transaction, &self.reading).unwrap_or_else(|why| Dressed::bare(&refusal(why)));
        out.extend_from_slice(&message(b'Q', &[&dressed.text, b"\0"]));
        self.replies.expect(Unit::query(dressed.ours, dressed.inserted));
        Said::Sent
    }

    fn call(&mut self, whole: &[u8], out: &mut Vec<u8>) {
        if self.transaction == Transaction::Idle {
            let text = refusal("a function call needs an open transaction");
            out.extend_from_slice(&message(b'Q', &[text.as_bytes(), b"\0"]));
            return self.replies.expect(Unit::query(Vec::new(), Vec::new()));
        }
        if self.transaction != Transaction::Failed {
            self.ours(PIN, out);
        }
        out.extend_from_slice(whole);
        self.replies.expect(Unit::theirs(b"Z"));
    }

    fn extended(&mut self, kind: u8, whole: &[u8], cycle: &mut Cycle, out: &mut Vec<u8>) -> Said {
        let body = &whole[5..];
        const SHORT: Said = Said::Broken("a message of the extended protocol that is cut short");
        let ends: &[u8] = match kind {
            b'P' => {
                let Some((name, (text, _))) = word(body).and_then(|(name, rest)| Some((name, word(rest)?))) else {
                    return SHORT;
                };
                let class = statement::class(text);
                self.pin(class, cycle, out);
                if self.names.len() + cycle.names.len() > MOST_NAMES {
                    return Said::Broken("more than ten thousand prepared statements that end transactions");
                }
                (cycle.parsed, cycle.bound) = (Some((name.to_vec(), class)), None);
                cycle.names.insert(name.to_vec(), class);
                self.replies.expect(Unit::parse(name.to_vec(), class));
                out.extend_from_slice(whole);
                return Said::Sent;
            }
            b'B' => {
                let Some((portal, (name, _))) = word(body).and_then(|(portal, rest)| Some((portal, word(rest)?)))
                else {
                    return SHORT;
                };
                if cycle.portals.len() > MOST_NAMES {
                    return Said::Broken("more than ten thousand portals in one turn");
                }
                let known = cycle.names.get(name).or_else(|| self.names.get(name)).copied().unwrap_or(Class::Plain);
                cycle.bound = named(&cycle.parsed, name).map(|class| (portal.to_vec(), class));
                let certain = cycle.bound.is_some();
                if !certain {
                    cycle.parsed = None;
                }
                self.pin(if certain { known } else { of_a_name(known) }, cycle, out);
                match (known, cycle.block) {
                    (Class::Commits, Block::None) => {
                        self.ours(&refusal("DO and CALL of the extended protocol need an open transaction"), out);
                    }
                    (Class::Commits, Block::Perhaps) => self.in_a_block(out),
                    _ => {}
                }
                cycle.portals.insert(portal.to_vec(), known);
                b"2"
            }
            b'D' | b'C' => {
                let Some((which, name)) = body.split_first().and_then(|(which, rest)| Some((*which, word(rest)?.0)))
                else {
                    return SHORT;
                };
                let certain = named(if which == b'S' { &cycle.parsed } else { &cycle.bound }, name);
                if kind == b'C' || certain.is_none() {
                    (cycle.parsed, cycle.bound) = (None, None);
                }
                if kind == b'D' {
                    self.pin(certain.unwrap_or(Class::Plain), cycle, out);
                }
                if kind == b'D' { b"Tn" } else { b"3" }
            }
            b'E' => {
                let Some((portal, _)) = word(body) else { return SHORT };
                let certain = named(&cycle.bound, portal);
                (cycle.parsed, cycle.bound) = (None, None);
                // One of an earlier cycle may be anything.
                let known = cycle.portals.get(portal).copied().unwrap_or(Class::Ends);
                let class = certain.unwrap_or(of_a_name(known));
                self.pin(class, cycle, out);
                if class == Class::Ends && !cycle.failed {
                    self.ours(CHECK, out);
                }
                cycle.block = match (class, cycle.block) {
                    (Class::Begins, Block::None) if certain.is_none() => Block::Perhaps,
                    (Class::Begins, _) if certain.is_some() => Block::Open,
                    (Class::Ends, _) => Block::None,
                    (_, block) => block,
                };
                (cycle.pinned, cycle.failed) = (false, false);
                b"CIs"
            }
            _ => {
                if cycle.ran && cycle.block != Block::Open && !cycle.failed {
                    self.ours(CHECK, out);
                }
                b"Z"
            }
        };
        out.extend_from_slice(whole);
        self.replies.expect(Unit::theirs(ends));
        Said::Sent
    }

    /// Before a message that may begin a transaction, or run something in one.
    fn pin(&mut self, class: Class, cycle: &mut Cycle, out: &mut Vec<u8>) {
        if class == Class::Outside {
            return;
        }
        cycle.ran = true;
        if !cycle.pinned && !cycle.failed {
            self.ours(PIN, out);
            cycle.pinned = true;
        }
    }

    /// Has the server fail what follows where there is no block.
    fn in_a_block(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&message(b'C', &[b"P", BLOCK]));
        self.replies.expect(Unit::ours(b"3"));
        self.ours(IN_A_BLOCK, out);
    }

    /// Runs a statement of ours within the client's messages.
    fn ours(&mut self, text: &str, out: &mut Vec<u8>) {
        for (kind, parts, ends) in [
            (b'C', &[&b"S"[..], OURS][..], b"3"),
            (b'C', &[b"P", OURS], b"3"),
            (b'P', &[OURS, text.as_bytes(), b"\0\0\0"], b"1"),
            (b'B', &[OURS, OURS, b"\0\0\0\0\0\0"], b"2"),
            (b'E', &[OURS, b"\0\0\0\0"], b"C"),
        ] {
            out.extend_from_slice(&message(kind, parts));
            self.replies.expect(Unit::ours(ends));
        }
    }

    /// What the server says, as far as it is whole: to `out`, without what answers ours.
    fn hear(&mut self, said: &mut bytes::BytesMut, out: &mut Vec<u8>) -> Result<(), &'static str> {
        while let Some(heard) = self.replies.hear(said, out)? {
            match heard {
                replies::Heard::Ready(transaction) => self.transaction = transaction,
                replies::Heard::Prepared(name, Class::Plain) => drop(self.names.remove(&name)),
                replies::Heard::Prepared(name, class) => drop(self.names.insert(name, class)),
                replies::Heard::Parameter(name, value) => match name.as_str() {
                    "standard_conforming_strings" => self.reading.standard_strings = value == "on",
                    "client_encoding" => self.reading.encoding = value,
                    _ => {}
                },
                replies::Heard::Nothing => {}
            }
        }
        Ok(())
    }
}

/// A statement that fails with our words: the session then stands as after any statement that failed.
fn refusal(why: &str) -> String {
    format!(
        "DO LANGUAGE plpgsql $gatepost$BEGIN RAISE EXCEPTION 'gatepost: not sent: {why}' USING ERRCODE = '25006', HINT = \
         'This listener is read-only. Send its statements one by one, in a transaction of their own.'; END$gatepost$"
    )
}

/// The class of the one that is known for certain, where it has that name.
fn named(certain: &Option<(Vec<u8>, Class)>, wanted: &[u8]) -> Option<Class> {
    certain.as_ref().filter(|(name, _)| name == wanted).map(|(_, class)| *class)
}

/// Up to the next NUL, and what follows it.
fn word(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
