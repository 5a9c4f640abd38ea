//! What makes a read-only session read-only: the server, statement by statement. It must not know what a statement would
//! do, and needs no list of what writes.
//!
//! The start-up option `default_transaction_read_only` is a default only: `SET`, `RESET`, `set_config` in some function or
//! `BEGIN READ WRITE` change it. So in a read-only session each text goes out with [`PREFIX`] before it, in the same simple
//! query and hence the same round trip:
//!
//! - Outside a transaction block the two are one implicit transaction block (PostgreSQL, Message Flow, Multiple Statements
//!   in a Simple Query), inside one they are part of it. Either way the transaction *is* read-only when the text begins,
//!   whatever the session's parameters say by then.
//! - Every statement that could write takes a snapshot before it does anything, and from then on the server refuses to
//!   make its transaction writable ("transaction read-write mode must be set before any query"). That holds for functions,
//!   DO blocks, EXECUTE and what they call.
//! - In a transaction block, an implicit one too, DO and CALL are atomic: the server refuses a COMMIT within, which
//!   would open a transaction that is read-only by default only.
//! - A transaction that was opened or made READ WRITE by a statement of its own is read-only again before the next one.
//!
//! Servers before 16 have a gap there: `RESET transaction_read_only`, and `set_config` of it to NULL, undo it at any time,
//! in a function or a DO block, too. On those [`CHECK`] runs before whatever commits and undoes a transaction that has
//! written: behind a text that is a transaction of its own, before a COMMIT. Temporary tables and large objects fall under it; what
//! nextval() and setval() did to a sequence is undone by nothing.
//!
//! What is left is a text that ends its transaction half way and goes on, or that makes it writable before its first query
//! (a SET takes no snapshot). One statement cannot; several could, so a text of several that begins or ends transactions,
//! or that has a SET or RESET in it which could be about them, is not sent. Where a text's statements begin is found with the server's
//! lexical rules; should the session have changed those (`standard_conforming_strings`, `client_encoding`, both reported by
//! the server), a text that reads differently under them is not sent either.
//!
//! Commands that the server runs outside of transaction blocks alone ([`OUTSIDE`]) go out bare. What PostgreSQL itself lets
//! pass in read-only transactions stays possible: temporary tables (from 16 on), VACUUM, NOTIFY, advisory locks, COMMIT
//! PREPARED of what another session prepared, and functions that act through a session of their own (dblink) or outside
//! the database.

use crate::model::sql::{TokenKind, numbers_run_into_words, tokens_of_server as tokens};
use crate::model::{Diagnosis, Kind, Transaction};

/// Goes before each text; the server makes the transaction read-only, or keeps it so. Its own completion is not told.
pub(super) const PREFIX: &str = "SET TRANSACTION READ ONLY; ";

/// Fails when the transaction it runs in has written, or would run more of a query while it commits. All names are
/// qualified: `search_path` is the user's. The function is of 10, and still there where this is not needed any more.
pub(super) const CHECK: &str = "DO LANGUAGE plpgsql $gatepost$BEGIN IF pg_catalog.txid_current_if_assigned() IS NOT NULL \
     OR EXISTS (SELECT FROM pg_catalog.pg_cursors WHERE is_holdable) THEN RAISE EXCEPTION \
     'this session is read-only, so this transaction is undone' USING ERRCODE = '25006', DETAIL = 'It has written (before \
     PostgreSQL 16 a RESET lets it, and temporary tables and large objects count), or declared a cursor WITH HOLD.'; \
     END IF; END$gatepost$";

/// Where [`CHECK`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// The text commits nothing.
    Nowhere,
    /// The text commits.
    Before,
    /// The server commits when the text is over.
    Behind,
}

/// Where [`CHECK`] goes with a text that has [`PREFIX`] before it, the transaction standing so.
pub(super) fn check(text: &str, transaction: Transaction) -> Check {
    let firsts = first_words(text);
    let commits = |[first, second]: &[String; 2]| {
        matches!(first.as_str(), "commit" | "end") || (first == "prepare" && second == "transaction")
    };
    match transaction {
        Transaction::Idle if firsts.iter().any(|words| CONTROL.contains(&words[0].as_str())) => Check::Nowhere,
        Transaction::Idle => Check::Behind,
        _ if firsts.iter().any(commits) => Check::Before,
        _ => Check::Nowhere,
    }
}

/// Whether a server of that version lets a transaction make itself writable at any time.
pub(super) fn resets(server_version: Option<&str>) -> bool {
    let major = server_version.and_then(|version| version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
    major.is_none_or(|major: u32| major < 16)
}

/// Goes before a text that is to open a transaction, where commits are the user's.
pub(super) const BEGIN: &str = "BEGIN; ";

/// Begin or end transactions, as first words.
const CONTROL: [&str; 6] = ["begin", "start", "commit", "end", "rollback", "abort"];

/// Cannot run in a transaction block, though a read-only transaction is no hindrance; ends of transactions among them, so
/// that the server's warning says that there is none.
const OUTSIDE: [&str; 8] = ["vacuum", "cluster", "reindex", "discard", "commit", "end", "rollback", "abort"];

/// What the session reported of how it reads texts.
pub(super) struct Reading {
    /// `standard_conforming_strings` is on.
    pub(super) standard_strings: bool,
    /// `client_encoding` is UTF8.
    pub(super) utf8: bool,
}

/// Whether [`PREFIX`] goes before `text` in a read-only session whose transaction stands so; an error when it may not be
/// sent at all.
pub(super) fn is_prefixed(text: &str, transaction: Transaction, reading: &Reading) -> Result<bool, Diagnosis> {
    if !reading.standard_strings && text.contains('\\') {
        return Err(refused("standard_conforming_strings is off, and the text holds a backslash")
            .advise("SET standard_conforming_strings = on, or write without backslashes"));
    }
    if !reading.utf8 && !text.is_ascii() {
        return Err(refused("client_encoding is not UTF8, and the text holds more than ASCII")
            .advise("SET client_encoding = 'UTF8'"));
    }
    // Data within a text are statements to the server, for it has no text of its own for data.
    if tokens(text).any(|token| token.kind == TokenKind::CopyData) {
        return Err(refused("data of COPY FROM STDIN stand in the text of the statement"));
    }
    if numbers_run_into_words(text) {
        return Err(refused("a number in it runs into a word or a dollar sign, which servers read differently")
            .advise("Put a blank behind the number"));
    }
    let firsts = first_words(text);
    let is_control = |words: &[String; 2]| {
        CONTROL.contains(&words[0].as_str()) || (words[0] == "prepare" && words[1] == "transaction")
    };
    match firsts.as_slice() {
        [] => Ok(false),
        // In a failed transaction the server takes nothing but its end.
        _ if transaction == Transaction::Failed && firsts.len() == 1 => Ok(false),
        [one] if transaction == Transaction::Idle => {
            let outside = OUTSIDE.contains(&one[0].as_str()) || (one[0] == "alter" && one[1] == "system");
            Ok(!outside)
        }
        [_] => Ok(true),
        many if many.iter().any(is_control) => {
            Err(refused("the text holds several statements, and one of them begins or ends a transaction")
                .advise("Run its statements one by one"))
        }
        _ if may_set_the_transaction(text) => Err(refused(
            "the text holds several statements, and one of them is a SET or RESET that could make it writable",
        )
        .advise("Run its statements one by one")),
        _ => Ok(transaction != Transaction::Failed),
    }
}

/// Whether a SET or RESET in it could be about the transaction: one that names it (`transaction_read_only`, too), under
/// whatever name is quoted, or that names nothing. Such a statement takes no snapshot, and none may stand before it yet.
fn may_set_the_transaction(text: &str) -> bool {
    let (mut sets, mut begins) = (false, true);
    for token in tokens(text).filter(|token| !token.is_blank()) {
        let piece = token.of(text).to_ascii_lowercase();
        if piece == ";" && token.kind == TokenKind::Punctuation {
            begins = true;
            continue;
        }
        if std::mem::take(&mut begins) {
            if piece == "reset" {
                return true;
            }
            sets = piece == "set";
        }
        let names = matches!(token.kind, TokenKind::Identifier | TokenKind::Keyword)
            && (matches!(piece.as_str(), "transaction" | "characteristics")
                || piece.ends_with("transaction_read_only"));
        if sets && (names || token.kind == TokenKind::QuotedIdentifier) {
            return true;
        }
    }
    false
}

/// Whether `text` can be the first of a transaction block: one statement or several that neither begin nor end one, and
/// that the server runs in blocks (PostgreSQL names each that it does not: "cannot run inside a transaction block").
pub(super) fn is_for_a_block(text: &str) -> bool {
    let firsts = first_words(text);
    let outside = |words: &[String; 2]| {
        let [first, second] = words;
        CONTROL.contains(&first.as_str())
            || OUTSIDE.contains(&first.as_str())
            || (first == "prepare" && second == "transaction")
            || (matches!(first.as_str(), "create" | "drop" | "alter")
                && matches!(second.as_str(), "database" | "tablespace" | "subscription" | "system"))
    };
    let concurrently = || tokens(text).any(|token| token.of(text).eq_ignore_ascii_case("concurrently"));
    let refresh = firsts.first().is_some_and(|words| words[0] == "refresh");
    !firsts.is_empty() && !firsts.iter().any(outside) && (refresh || !concurrently())
}

fn refused(why: &str) -> Diagnosis {
    Diagnosis::new(Kind::Sql, "Not sent: the server could not be relied on to keep this session read-only").because(why)
}

/// The first two words of each statement, in lower case. Every semicolon ends one, also those of a body in `BEGIN ATOMIC`.
pub(super) fn first_words(text: &str) -> Vec<[String; 2]> {
    let mut firsts = Vec::new();
    let mut at = 0;
    for token in tokens(text).filter(|token| !token.is_blank()) {
        let piece = token.of(text);
        if token.kind == TokenKind::Punctuation && piece == ";" {
            at = 0;
            continue;
        }
        match at {
            0 => firsts.push([piece.to_ascii_lowercase(), String::new()]),
            1 => {
                if let Some(last) = firsts.last_mut() {
                    last[1] = piece.to_ascii_lowercase();
                }
            }
            _ => {}
        }
        at += 1;
    }
    firsts
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Reading = Reading { standard_strings: true, utf8: true };

    #[test]
    fn everything_is_prefixed_that_may_stand_in_a_block() {
        for (text, idle, open) in [
            ("select 1", true, true),
            ("do $$ begin commit; end $$", true, true),
            ("call p()", true, true),
            ("set default_transaction_read_only = off", true, true),
            ("begin read write", true, true),
            ("select 1; insert into t values (1)", true, true),
            ("commit", false, true),
            ("vacuum t", false, true),
            ("alter system set work_mem = '1MB'", false, true),
            ("alter table t add n int", true, true),
            ("", false, false),
            (" -- nothing\n;", false, false),
        ] {
            assert_eq!(is_prefixed(text, Transaction::Idle, &USUAL), Ok(idle), "{text}");
            assert_eq!(is_prefixed(text, Transaction::Open, &USUAL), Ok(open), "{text}");
        }
        assert_eq!(is_prefixed("rollback to savepoint s", Transaction::Failed, &USUAL), Ok(false));
    }

    #[test]
    fn what_commits_is_checked_before_it_does() {
        for (text, idle, open) in [
            ("select 1", Check::Behind, Check::Nowhere),
            ("select 1; select 2", Check::Behind, Check::Nowhere),
            ("do $$ begin commit; end $$", Check::Behind, Check::Nowhere),
            ("begin read write", Check::Nowhere, Check::Nowhere),
            ("commit and chain", Check::Nowhere, Check::Before),
            (" /* x */ END", Check::Nowhere, Check::Before),
            ("prepare transaction 'x'", Check::Behind, Check::Before),
            ("rollback", Check::Nowhere, Check::Nowhere),
            ("set transaction isolation level serializable", Check::Behind, Check::Nowhere),
        ] {
            assert_eq!((check(text, Transaction::Idle), check(text, Transaction::Open)), (idle, open), "{text}");
        }
        for (version, so) in
            [(Some("15.18 (Debian)"), true), (Some("16.4"), false), (Some("18beta1"), false), (None, true)]
        {
            assert_eq!(resets(version), so, "{version:?}");
        }
    }

    #[test]
    fn a_transaction_is_not_opened_for_what_cannot_stand_in_one() {
        for text in ["select 1", "update t set n = 1; select 2", "create index i on t (n)", "alter table t add m int"] {
            assert!(is_for_a_block(text), "{text}");
        }
        for text in ["", "begin", "commit", "vacuum", "create database d", "create index concurrently i on t (n)"] {
            assert!(!is_for_a_block(text), "{text}");
        }
    }

    #[test]
    fn a_text_that_could_leave_its_transaction_is_not_sent() {
        for text in [
            "commit; begin read write; insert into t values (1)",
            "select 1; /* x */ END; insert into t values (1)",
            "select $a$;$a$; prepare transaction 'x'",
            "copy t from stdin;\ncommit; begin read write;\n\\.\n",
            "set transaction read write; insert into t values (1)",
            "set transaction_read_only = off; insert into t values (1)",
            "set local \"transaction_read_only\" to off; insert into t values (1)",
            "set session characteristics as transaction read write; select 1",
            "reset all; select 1",
            "select 1 --\r; commit; begin read write; insert into t values (2); commit",
            "select a[1:e'\\''::\"char\"::int]; commit; begin read write; insert into t values (3); commit; select ''",
            "select a[1:b$c$]; commit; begin read write; select '$c$'",
            "select 0x$$; commit; begin read write; insert into t values (4); commit; select $$",
            "select 1_e'\\'; commit; begin read write; insert into t values (5); commit; select '",
        ] {
            assert!(is_prefixed(text, Transaction::Idle, &USUAL).is_err(), "{text}");
        }
        for text in [
            "select '; commit; '; select 2",
            "select 1; select \"commit\"",
            "select a[1:n]; select 2",
            "set lock_timeout = 0; select 1",
            "select 0x1F, 1_000, 1.5e3, 2::int, a1$$b from t limit 10;",
        ] {
            assert_eq!(is_prefixed(text, Transaction::Idle, &USUAL), Ok(true), "{text}");
        }
        let old = Reading { standard_strings: false, utf8: true };
        assert!(is_prefixed(r"select '\'; commit; insert --'", Transaction::Idle, &old).is_err());
        assert_eq!(is_prefixed("select 'plain'", Transaction::Idle, &old), Ok(true));
        let foreign = Reading { standard_strings: true, utf8: false };
        assert!(is_prefixed("select 'é'", Transaction::Idle, &foreign).is_err());
    }
}
