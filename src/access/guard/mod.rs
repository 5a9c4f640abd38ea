//! What makes a read-only session read-only: the server, statement by statement. It must not know what a statement would
//! do, and needs no list of what writes; nor does it know sessions or wires.
//!
//! The start-up option `default_transaction_read_only` is a default only: `SET`, `RESET`, `set_config` in some function or
//! `BEGIN READ WRITE` change it. So in a read-only session each text goes out with [`statement::PREFIX`] before it, in the same simple
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
//! The server's read-only transactions have gaps of their own (all seen on 13 to 18). `EXPLAIN ANALYZE CREATE TABLE … AS`
//! makes its table in one; so do the functions of 18 that change statistics, and some for superusers. Before 16 `RESET
//! transaction_read_only`, and `set_config` of it to NULL, end it at any time, in a function or a DO block, too. So [`CHECK`]
//! runs before whatever commits and undoes a transaction that has written: behind a text that is a transaction of its own,
//! before a COMMIT. ANALYZE and large objects fall under it; what nextval() and setval() did to a sequence before 16 is undone
//! by nothing.
//!
//! What is left is a text that ends its transaction half way and goes on, or that makes it writable before its first query
//! (a SET takes no snapshot). One statement cannot; several could, so a text of several that goes on behind the end of a
//! transaction, begins one half way, or has a SET, RESET or BEGIN in it which could be about its mode, is not sent. Where a
//! text's statements begin is found with the server's lexical rules (see [`statement`]); should the session have changed
//! those (`standard_conforming_strings`, `client_encoding`, both reported by the server), a text that reads differently under
//! them is not sent either.
//!
//! Commands that the server runs outside of transaction blocks alone go out bare. What PostgreSQL itself lets pass in
//! read-only transactions and no transaction holds stays possible: VACUUM, CLUSTER, REINDEX, NOTIFY, advisory locks, writing
//! to server files by those who may, COMMIT PREPARED of what another session prepared, replication slots, and functions
//! that act through a session of their own (dblink) or outside the database. Temporary tables cannot be made.

mod statement;

pub(super) use statement::{CHECK, Class, Dressed, NotSent, Plan, class, first_words, place, typed};

use crate::model::sql::tokens_of_server as tokens;
use crate::model::{Diagnosis, Kind, Transaction};

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

/// What goes out for `text` in a read-only session whose transaction stands so; an error when it may not be sent at all.
pub(super) fn dress(text: &str, transaction: Transaction, reading: &Reading) -> Result<Dressed, Diagnosis> {
    if !reading.utf8 && !text.is_ascii() {
        return Err(refused(NotSent::Encoding));
    }
    let plan = Plan::of(text, transaction, reading.standard_strings).map_err(refused)?;
    Ok(plan.dress(text.as_bytes(), text))
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

fn refused(why: NotSent) -> Diagnosis {
    let diagnosis =
        Diagnosis::new(Kind::Sql, "Not sent: the server could not be relied on to keep this session read-only");
    diagnosis.because(why.words()).advise(why.advice())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Reading = Reading { standard_strings: true, utf8: true };

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
    fn a_text_that_reads_differently_is_not_sent() {
        let old = Reading { standard_strings: false, utf8: true };
        assert!(dress(r"select '\'; commit; insert --'", Transaction::Idle, &old).is_err());
        assert!(dress("select 'plain'", Transaction::Idle, &old).is_ok());
        let foreign = Reading { standard_strings: true, utf8: false };
        assert!(dress("select 'é'", Transaction::Idle, &foreign).is_err());
        let refused = dress("commit; begin", Transaction::Idle, &USUAL).expect_err("it goes on");
        assert_eq!(refused.advice.len(), 1);
    }
}
