//! Which statements would lift a session's read-only mode, so that whoever types one is told at once that it is the way of
//! connecting that decides. Courtesy only: that nothing is written is the server's doing, whatever this misses (see
//! `access::guard`). It must not know sessions.

use crate::model::sql::{TokenKind, tokens};

/// Whether `sql` may set `transaction_read_only` or its default, or asks for `READ WRITE`. Looking at them is free.
pub fn lifts_read_only(sql: &str) -> bool {
    let pieces: Vec<(TokenKind, String)> = tokens(sql)
        .filter(|token| !token.is_blank())
        .map(|token| (token.kind, token.of(sql).to_ascii_lowercase()))
        .collect();
    let is = |at: usize, word: &str| pieces.get(at).is_some_and(|(_, piece)| piece == word);
    let first = |words: &[&str]| words.iter().any(|word| is(0, word));
    let read_write = (0..pieces.len()).any(|at| is(at, "read") && is(at + 1, "write"));
    if read_write && first(&["set", "begin", "start"]) {
        return true;
    }
    let named = pieces.iter().any(|(_, piece)| piece.contains("transaction_read_only"));
    let sets = pieces.iter().any(|(kind, piece)| match kind {
        TokenKind::String => piece.contains("read_only") && (piece.starts_with('$') || first(&["do"])),
        _ => piece == "set_config",
    });
    named && (first(&["set", "alter", "update"]) || sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_is_free_and_lifting_is_seen() {
        for sql in [
            "set default_transaction_read_only = off",
            "SET SESSION transaction_read_only TO false",
            "set \"default_transaction_read_only\" = off",
            "set session characteristics as transaction read write",
            "begin isolation level serializable read /* x */ write",
            "start transaction read write",
            "select set_config('default_transaction_read_only', 'off', false)",
            "do $$ begin perform set_config('transaction_read_only', 'off', true); end $$",
            "do 'begin set transaction_read_only = off; end'",
        ] {
            assert!(lifts_read_only(sql), "{sql}");
        }
        for sql in [
            "show default_transaction_read_only",
            "select current_setting('transaction_read_only')",
            "begin read only",
            "reset all",
            "select 'read write'",
            "set search_path = public",
        ] {
            assert!(!lifts_read_only(sql), "{sql}");
        }
    }
}
