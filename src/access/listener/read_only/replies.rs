//! What a server owes for what was sent, and whose it is. It must not know why something was sent.

use super::statement::Class;
use crate::access::guard;
use crate::model::Transaction;
use bytes::{Buf, BytesMut};
use std::collections::VecDeque;

/// A message of the server that is read here is not longer; PostgreSQL's errors are some kilobytes.
const LONGEST: usize = 64 << 20;

/// What one message is answered with.
#[derive(Debug)]
pub(super) struct Unit {
    /// Types of the message that ends the answer.
    ends: &'static [u8],
    /// Not for the client.
    ours: bool,
    /// Of Parse.
    prepares: Option<(Vec<u8>, Class)>,
    /// Of a simple query.
    query: Option<Query>,
}

#[derive(Debug)]
struct Query {
    /// For each statement that is still to complete, whether it is ours; empty where that is not known.
    ours: VecDeque<bool>,
    counted: bool,
    inserted: Vec<(usize, usize)>,
}

impl Unit {
    pub(super) fn theirs(ends: &'static [u8]) -> Unit {
        Unit { ends, ours: false, prepares: None, query: None }
    }

    pub(super) fn ours(ends: &'static [u8]) -> Unit {
        Unit { ours: true, ..Unit::theirs(ends) }
    }

    pub(super) fn parse(name: Vec<u8>, class: Class) -> Unit {
        Unit { prepares: Some((name, class)), ..Unit::theirs(b"1") }
    }

    pub(super) fn query(ours: Vec<bool>, inserted: Vec<(usize, usize)>) -> Unit {
        let counted = !ours.is_empty();
        Unit { query: Some(Query { ours: ours.into(), counted, inserted }), ..Unit::theirs(b"Z") }
    }

    fn is_whole_turn(&self) -> bool {
        self.ends == b"Z"
    }
}

/// What was told by a message.
pub(super) enum Heard {
    Nothing,
    Ready(Transaction),
    Prepared(Vec<u8>, Class),
    Parameter(String, String),
}

/// Answers that are owed, in order.
#[derive(Default)]
pub(super) struct Replies {
    owed: VecDeque<Unit>,
    /// ReadyForQuery among them.
    turns: usize,
    /// An error was told: until Sync the server answers nothing.
    skips: bool,
    /// Bytes of a message that are still to be passed on.
    passing: usize,
}

impl Replies {
    pub(super) fn expect(&mut self, unit: Unit) {
        if unit.is_whole_turn() {
            (self.turns, self.skips) = (self.turns + 1, false);
        } else if self.skips {
            return;
        }
        self.owed.push_back(unit);
    }

    /// Whether the server has not said that it is ready.
    pub(super) fn is_waiting(&self) -> bool {
        self.turns > 0
    }

    /// Takes the next message, or a part of one that is only passed on; `None` when more has to come.
    pub(super) fn hear(&mut self, said: &mut BytesMut, out: &mut Vec<u8>) -> Result<Option<Heard>, &'static str> {
        if self.passing > 0 {
            let part = self.passing.min(said.len());
            out.extend_from_slice(&said.split_to(part));
            self.passing -= part;
            return Ok((part > 0).then_some(Heard::Nothing));
        }
        let Some((kind, length)) = said.first().copied().zip(said.get(1..5)) else { return Ok(None) };
        let length = (&mut &length[..]).get_u32() as usize;
        if length < 4 {
            return Err("the server sent a message without a length");
        }
        let front = self.owed.front();
        let ends = front.is_some_and(|unit| unit.ends.contains(&kind));
        let ours = front.is_some_and(|unit| unit.ours) && !b"ENAS".contains(&kind);
        let read = b"ECISZ".contains(&kind) || ours || ends;
        if !read {
            // Rows and data may be long: their bodies are not looked at.
            self.passing = length + 1;
            return Ok(Some(Heard::Nothing));
        }
        if length > LONGEST {
            return Err("the server sent a message that is too long");
        }
        if said.len() <= length {
            return Ok(None);
        }
        let whole = said.split_to(length + 1);
        self.take(kind, &whole, ours, out).map(Some)
    }

    fn take(&mut self, kind: u8, whole: &[u8], ours: bool, out: &mut Vec<u8>) -> Result<Heard, &'static str> {
        let body = &whole[5..];
        match kind {
            b'S' => {
                out.extend_from_slice(whole);
                let mut words = body.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
                return Ok(words
                    .next()
                    .zip(words.next())
                    .map_or(Heard::Nothing, |(name, value)| Heard::Parameter(name, value)));
            }
            b'E' => {
                match self.owed.front().and_then(|unit| unit.query.as_ref()) {
                    Some(query) if !query.inserted.is_empty() => out.extend_from_slice(&moved(whole, &query.inserted)),
                    _ => out.extend_from_slice(whole),
                }
                while self.owed.front().is_some_and(|unit| !unit.is_whole_turn()) {
                    self.owed.pop_front();
                }
                self.skips = self.owed.is_empty();
                return Ok(Heard::Nothing);
            }
            _ => {}
        }
        let Some(front) = self.owed.front_mut() else {
            return Err("the server answers what nobody asked");
        };
        if let Some(query) = front.query.as_mut().filter(|query| query.counted && b"CI".contains(&kind)) {
            match query.ours.pop_front() {
                Some(true) => return Ok(Heard::Nothing),
                Some(false) => {}
                // The server has found more statements in a text than we did.
                None => return Err("the server ran more statements than were counted"),
            }
        }
        if !ours {
            out.extend_from_slice(whole);
        }
        if !front.ends.contains(&kind) {
            return Ok(Heard::Nothing);
        }
        let unit = self.owed.pop_front();
        if kind == b'Z' {
            self.turns -= 1;
            return Ok(Heard::Ready(match body {
                b"T" => Transaction::Open,
                b"E" => Transaction::Failed,
                _ => Transaction::Idle,
            }));
        }
        Ok(unit.and_then(|unit| unit.prepares).map_or(Heard::Nothing, |(name, class)| Heard::Prepared(name, class)))
    }
}

/// An ErrorResponse about the text that the client sent, not about ours.
fn moved(whole: &[u8], inserted: &[(usize, usize)]) -> Vec<u8> {
    let mut body = Vec::new();
    for field in whole[5..].split(|byte| *byte == 0) {
        let Some((kind, value)) = field.split_first() else { continue };
        let place = std::str::from_utf8(value).ok().filter(|_| *kind == b'P').and_then(|value| value.parse().ok());
        // They count from 1.
        let theirs = place.map(|sent: usize| (guard::place(sent.saturating_sub(1), inserted) + 1).to_string());
        body.push(*kind);
        body.extend_from_slice(theirs.as_ref().map_or(value, String::as_bytes));
        body.push(0);
    }
    body.push(0);
    super::message(whole[0], &[&body])
}
