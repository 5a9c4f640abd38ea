//! What a client's text becomes on a read-only listener, and which kind of statement a prepared one is. It must not know
//! the wire.

use crate::access::guard::{CHECK, PREFIX};
use crate::model::Transaction;
use crate::model::sql::{Token, TokenKind, numbers_run_into_words, tokens_of_server};
use std::borrow::Cow;

/// [`PREFIX`] for the extended protocol, where `SET TRANSACTION` outside a block would only warn.
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
    /// Before 16 the server lets RESET, and `set_config` with NULL, end what it calls read-only.
    pub(super) resets: bool,
}

/// What a prepared statement does to its transaction, by its first words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Stays in its transaction.
    Plain,
    /// Opens a block.
    Begins,
    /// Ends a transaction.
    Ends,
    /// DO and CALL: outside a block they may commit and go on in a transaction that is writable.
    Commits,
    /// Runs outside of blocks alone, and writes nothing that is the client's.
    Outside,
}

impl Class {
    /// Where only the name of the statement is known, and another one may have it by now: one of PREPARE or DECLARE, which
    /// do nothing to their transaction and have to be held to it.
    pub(super) fn of_a_name(self) -> Class {
        if self == Class::Outside { Class::Ends } else { self }
    }
}

/// A simple query as it goes out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The text, without the NUL.
    pub(super) text: Vec<u8>,
    /// What was put in: before which character of the client's text, and how many.
    pub(super) inserted: Vec<(usize, usize)>,
    /// For each statement of the text that completes, whether it is ours.
    pub(super) ours: Vec<bool>,
}

struct Statement {
    /// Offset of its first byte.
    start: usize,
    words: [String; 2],
}

impl Statement {
    fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.words[0].as_str())
    }

    fn class(&self) -> Class {
        let [first, second] = &self.words;
        match (first.as_str(), second.as_str()) {
            ("begin" | "start", _) => Class::Begins,
            ("rollback", "to") => Class::Plain,
            ("commit" | "end" | "rollback" | "abort", _) | ("prepare", "transaction") => Class::Ends,
            ("do" | "call", _) => Class::Commits,
            ("vacuum" | "cluster" | "reindex" | "discard", _) | ("alter", "system") => Class::Outside,
            (word, _) if word == "(" || word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') => {
                Class::Plain
            }
            // Nothing that a statement of SQL begins with: whatever it is, it is not trusted.
            _ => Class::Commits,
        }
    }

    /// Whether it commits what came before it.
    fn commits(&self) -> bool {
        self.class() == Class::Ends && !self.is(&["rollback", "abort"])
    }
}

/// What that statement of the extended protocol is.
pub(super) fn class(text: &[u8]) -> Class {
    // First words are ASCII in every encoding, and so are the marks of comments.
    let text = mapped(text);
    statements(&text).first().map_or(Class::Plain, Statement::class)
}

/// What goes out for a simple query in a session whose transaction stands so; why it does not, in words.
pub(super) fn plan(bytes: &[u8], transaction: Transaction, reading: &Reading) -> Result<Plan, &'static str> {
    if !reading.standard_strings && bytes.contains(&b'\\') {
        return Err("standard_conforming_strings is off, and the text holds a backslash");
    }
    if !bytes.is_ascii() && TRAPS.iter().any(|trap| reading.encoding.eq_ignore_ascii_case(trap)) {
        return Err("its client_encoding can hide where statements end, and the text holds more than ASCII");
    }
    let utf8 = if reading.encoding == "UTF8" { std::str::from_utf8(bytes).ok() } else { None };
    let text = utf8.map_or_else(|| mapped(bytes), Cow::Borrowed);
    if tokens_of_server(&text).any(|token| token.kind == TokenKind::CopyData) {
        return Err("data of COPY FROM STDIN stand in the text of the statement");
    }
    if numbers_run_into_words(&text) {
        return Err("a number runs into a word or a dollar sign, which servers read differently");
    }
    let found = statements(&text);
    let bare = |count: usize| Plan { text: bytes.to_vec(), inserted: Vec::new(), ours: vec![false; count] };
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(bare(0)) };
    let alone = found.len() == 1;
    if !alone {
        let ends = found[..found.len() - 1].iter().any(|one| one.class() == Class::Ends || one.is(&["rollback"]));
        let begins = found[1..].iter().any(|one| one.class() == Class::Begins);
        if ends || begins || (transaction == Transaction::Failed && last.class() == Class::Ends) {
            return Err("the text holds several statements, and goes on after the end of a transaction or begins one");
        }
        if may_set_the_transaction(&text) {
            return Err("the text holds several statements, and one of them could make its transaction writable");
        }
    }
    let outside = transaction == Transaction::Idle && matches!(first.class(), Class::Ends | Class::Outside);
    if transaction == Transaction::Failed || (alone && outside) {
        return Ok(bare(found.len()));
    }
    let mut plan = bare(found.len());
    plan.text.splice(0..0, PREFIX.bytes());
    plan.ours.insert(0, true);
    plan.inserted.push((0, PREFIX.len()));
    if reading.resets {
        let byte = |at: usize| if utf8.is_some() { at } else { text[..at].chars().count() };
        if last.commits() {
            let check = format!("{CHECK}; ");
            let at = PREFIX.len() + byte(last.start);
            plan.text.splice(at..at, check.bytes());
            plan.ours.insert(found.len(), true);
            plan.inserted.push((text[..last.start].chars().count(), check.len()));
        } else if transaction == Transaction::Idle && !found.iter().any(|one| one.class() == Class::Begins) {
            // On a line of its own: the text may end in a comment.
            plan.text.extend_from_slice(format!("\n; {CHECK}").as_bytes());
            plan.ours.push(true);
        }
    }
    Ok(plan)
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

fn is_end(token: &Token, text: &str) -> bool {
    token.kind == TokenKind::Punctuation && token.of(text) == ";"
}

fn statements(text: &str) -> Vec<Statement> {
    let mut found: Vec<Statement> = Vec::new();
    let mut words = 0;
    for token in tokens_of_server(text).filter(|token| !token.is_blank()) {
        if is_end(&token, text) {
            words = 0;
            continue;
        }
        let piece = || token.of(text).to_ascii_lowercase();
        match (words, found.last_mut()) {
            (0, _) => found.push(Statement { start: token.start, words: [piece(), String::new()] }),
            (1, Some(last)) => last.words[1] = piece(),
            _ => {}
        }
        words += 1;
    }
    found
}

/// Whether a SET, RESET or BEGIN among several statements could make the transaction writable before its first query:
/// one that names it, under whatever name is quoted.
fn may_set_the_transaction(text: &str) -> bool {
    let (mut looks, mut begins) = (false, true);
    for token in tokens_of_server(text).filter(|token| !token.is_blank()) {
        if is_end(&token, text) {
            begins = true;
            continue;
        }
        let piece = token.of(text).to_ascii_lowercase();
        if std::mem::take(&mut begins) {
            looks = matches!(piece.as_str(), "set" | "reset" | "begin" | "start");
            // START TRANSACTION is no danger by its second word.
            continue;
        }
        let names = matches!(piece.as_str(), "write" | "characteristics") || piece.ends_with("transaction_read_only");
        if looks && (names || token.kind == TokenKind::QuotedIdentifier) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(resets: bool) -> Reading {
        Reading { standard_strings: true, encoding: "UTF8".to_owned(), resets }
    }

    fn sent(text: &str, transaction: Transaction, resets: bool) -> Result<String, &'static str> {
        let plan = plan(text.as_bytes(), transaction, &reading(resets))?;
        assert_eq!(plan.ours.iter().filter(|ours| !**ours).count(), statements(text).len());
        let text = String::from_utf8(plan.text).expect("as it came");
        Ok(text.replace(PREFIX, "<").replace(CHECK, "?"))
    }

    #[test]
    fn each_transaction_begins_read_only() {
        use Transaction::{Failed, Idle, Open};
        for (text, idle, open) in [
            ("select 1", "<select 1", "<select 1"),
            ("begin read write", "<begin read write", "<begin read write"),
            ("do $$ begin commit; end $$", "<do $$ begin commit; end $$", "<do $$ begin commit; end $$"),
            ("commit", "commit", "<commit"),
            ("vacuum", "vacuum", "<vacuum"),
            (" -- nothing\n;", " -- nothing\n;", " -- nothing\n;"),
            ("begin; select 1; commit", "<begin; select 1; commit", "<begin; select 1; commit"),
            ("close all; reset all", "<close all; reset all", "<close all; reset all"),
        ] {
            assert_eq!(sent(text, Idle, false).as_deref(), Ok(idle));
            assert_eq!(sent(text, Open, false).as_deref(), Ok(open));
        }
        assert_eq!(sent("rollback", Failed, false).as_deref(), Ok("rollback"));
        assert_eq!(sent("select 1; select 2", Failed, false).as_deref(), Ok("select 1; select 2"));
        // An older server is asked before what was done is kept.
        assert_eq!(sent("select 1 -- é", Idle, true).as_deref(), Ok("<select 1 -- é\n; ?"));
        assert_eq!(sent("select 1", Open, true).as_deref(), Ok("<select 1"));
        assert_eq!(sent("begin", Idle, true).as_deref(), Ok("<begin"));
        assert_eq!(sent("/*é*/ commit", Open, true).as_deref(), Ok("</*é*/ ?; commit"));
        assert_eq!(sent("rollback", Open, true).as_deref(), Ok("<rollback"));
        assert_eq!(sent("begin; select 1; end", Idle, true).as_deref(), Ok("<begin; select 1; ?; end"));
        assert_eq!(sent("prepare transaction 'x'", Open, true).as_deref(), Ok("<?; prepare transaction 'x'"));
    }

    #[test]
    fn a_text_that_could_leave_its_transaction_is_not_sent() {
        for text in [
            "commit; insert into t values (1)",
            "select 1; rollback; insert into t values (1)",
            "select 1; begin read write",
            "begin read write; insert into t values (1)",
            "begin; rollback to a; select 1",
            "set transaction read write; select 1",
            "set local \"transaction_read_only\" to off; select 1",
            "reset transaction_read_only; select 1",
            "set session characteristics as transaction read write; select 1",
            "copy t from stdin;\nx\n\\.\n",
            "select 1 --\r; commit; insert into t values (2)",
            "select 0x$$; commit; insert into t values (1) --$$",
            "select 0x1$$ ' $$; commit; insert into t values (1) --'",
            "select 1_$$; commit; insert into t values (1) --$$",
            r"select 1_e'\'; commit; insert into t values (1) --'",
            r"select 1.e'\'; commit; insert into t values (1) --'",
        ] {
            assert!(sent(text, Transaction::Idle, false).is_err(), "{text}");
        }
        assert!(sent("select 1; commit", Transaction::Failed, false).is_err());
        // Comments nest as deep as they like, and close as often.
        let deep = format!(
            "select 1 {}{}'{}; commit; insert into t values (1) --'",
            "/*".repeat(70_000),
            "*/".repeat(65_535),
            "*/".repeat(4_465)
        );
        assert_eq!(statements(&deep).len(), 3);
        assert!(sent(&deep, Transaction::Idle, false).is_err());
        let backslash = Reading { standard_strings: false, ..reading(false) };
        assert!(plan(br"select '\'", Transaction::Idle, &backslash).is_err());
        let japanese = Reading { encoding: "SJIS".to_owned(), ..reading(false) };
        assert!(plan(b"select '\x83\x5c'", Transaction::Idle, &japanese).is_err());
        let western = Reading { encoding: "LATIN1".to_owned(), resets: true, ..reading(false) };
        let plan = plan(b"select '\xe9;'; commit", Transaction::Open, &western).expect("it may");
        assert!(
            plan.text.ends_with(b"$gatepost$; commit")
                && plan.text.starts_with(b"SET TRANSACTION READ ONLY; select '\xe9")
        );
    }

    #[test]
    fn prepared_statements_are_known_by_their_first_words() {
        for (text, expected) in [
            ("select 1", Class::Plain),
            ("(select 1)", Class::Plain),
            ("", Class::Plain),
            (";; /* x /* y */ */ -- z\nCaLL p()", Class::Commits),
            ("do $$$$", Class::Commits),
            ("?", Class::Commits),
            ("BEGIN", Class::Begins),
            ("start transaction read write", Class::Begins),
            ("END", Class::Ends),
            ("prepare transaction 'x'", Class::Ends),
            ("prepare p as select 1", Class::Plain),
            ("rollback to a", Class::Plain),
            ("discard all", Class::Outside),
        ] {
            assert_eq!(class(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(class(b"/*\xff*/ call p()"), Class::Commits);
    }
}
