//! What a client's text becomes on a read-only listener, in whatever encoding it came. It must not know the wire.

use crate::access::guard::{self, Dressed, NotSent, Plan};
use crate::model::Transaction;
use std::borrow::Cow;

pub(super) use crate::access::guard::Class;

/// The guard's prefix for the extended protocol, where `SET TRANSACTION` outside a block would only warn.
pub(super) const PIN: &str = "SET transaction_read_only = on";

/// Fails outside of a transaction block, and does nothing in one.
pub(super) const IN_A_BLOCK: &str = "DECLARE \"gatepost, in a block\" NO SCROLL CURSOR FOR SELECT";

/// Client encodings whose characters may hold bytes that mean something to SQL (PostgreSQL, "Supported Character Sets":
/// those that no server has).
const TRAPS: [&str; 7] = ["SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB", "SHIFT_JIS_2004"];

/// What the session reported of how its server reads texts.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) standard_strings: bool,
    pub(super) encoding: String,
}

/// Where only the name of a statement is known, and another one may have it by now: one of PREPARE or DECLARE, which do
/// nothing to their transaction and have to be held to it.
pub(super) fn of_a_name(class: Class) -> Class {
    if class == Class::Outside { Class::Ends } else { class }
}

/// What that statement of the extended protocol is.
pub(super) fn class(text: &[u8]) -> Class {
    // First words are ASCII in every encoding, and so are the marks of comments.
    guard::class(&mapped(text))
}

/// What goes out for a simple query (without its NUL) in a session whose transaction stands so; why it does not, in words.
pub(super) fn dress(bytes: &[u8], transaction: Transaction, reading: &Reading) -> Result<Dressed, &'static str> {
    if !bytes.is_ascii() && TRAPS.iter().any(|trap| reading.encoding.eq_ignore_ascii_case(trap)) {
        return Err(NotSent::Encoding.words());
    }
    let utf8 = if reading.encoding == "UTF8" { std::str::from_utf8(bytes).ok() } else { None };
    let text = utf8.map_or_else(|| mapped(bytes), Cow::Borrowed);
    let plan = Plan::of(&text, transaction, reading.standard_strings).map_err(NotSent::words)?;
    Ok(plan.dress(bytes, &text))
}

/// A text of another encoding, a character a byte: what is not ASCII are letters to the server's lexer.
fn mapped(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.is_ascii() => Cow::Borrowed(text),
        _ => {
            let letter = |byte: &u8| if byte.is_ascii() { u32::from(*byte) } else { 0x100 + u32::from(*byte) };
            Cow::Owned(bytes.iter().map(|byte| char::from_u32(letter(byte)).unwrap_or('_')).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_encodings_are_read_a_character_a_byte() {
        let reading = |encoding: &str| Reading { standard_strings: true, encoding: encoding.to_owned() };
        assert!(dress(b"select '\x83\x5c'", Transaction::Idle, &reading("SJIS")).is_err());
        let dressed = dress(b"select '\xe9;'; commit", Transaction::Open, &reading("LATIN1")).expect("it may");
        assert!(dressed.text.ends_with(b"$gatepost$; commit"));
        assert!(dressed.text.starts_with(b"SET TRANSACTION READ ONLY; select '\xe9;'; DO "));
        assert_eq!(dressed.inserted.iter().map(|one| one.0).collect::<Vec<_>>(), [0, 13]);
        assert_eq!(class(b"/*\xff*/ call p()"), Class::Commits);
    }
}
