//! Where a text's statements begin, what each does to its transaction, and what a text becomes that a read-only session
//! sends: the one lexical core of both guards, the console's and the listeners'. It must not know sessions or wires.

use crate::model::Transaction;
use crate::model::sql::{Token, TokenKind, numbers_run_into_words, tokens_of_server};

/// Goes before each text; the server makes the transaction read-only, or keeps it so. Its own completion is not told.
pub(in crate::access) const PREFIX: &str = "SET TRANSACTION READ ONLY; ";

/// Fails when the transaction it runs in has written, or would run more of a query while it commits. All names are
/// qualified: `search_path` is the user's. The function is of 10, and still there where this is not needed any more.
pub(in crate::access) const CHECK: &str = "DO LANGUAGE plpgsql $gatepost$BEGIN IF pg_catalog.txid_current_if_assigned() IS \
     NOT NULL OR EXISTS (SELECT FROM pg_catalog.pg_cursors WHERE is_holdable) THEN RAISE EXCEPTION \
     'this session is read-only, so this transaction is undone' USING ERRCODE = '25006', DETAIL = 'It has written \
     (EXPLAIN ANALYZE of a CREATE TABLE, ANALYZE, before PostgreSQL 16 a RESET and large objects), or declared a cursor WITH \
     HOLD.'; END IF; END$gatepost$";

/// Stands between a text, which may end in a comment, and [`CHECK`].
const BEHIND: &str = "\n; ";

/// What a statement does to its transaction, by its first words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::access) enum Class {
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

/// Why a text is not sent: the server could not be relied on to keep the session read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::access) enum NotSent {
    Backslash,
    Encoding,
    CopyData,
    Number,
    GoesOn,
    Writable,
}

impl NotSent {
    /// The reason; no quote is in it.
    pub(in crate::access) fn words(self) -> &'static str {
        match self {
            NotSent::Backslash => "standard_conforming_strings is off, and the text holds a backslash",
            NotSent::Encoding => {
                "its client_encoding can hide where statements end, and the text holds more than ASCII"
            }
            NotSent::CopyData => "data of COPY FROM STDIN stand in the text of the statement",
            NotSent::Number => "a number runs into a word or a dollar sign, which servers read differently",
            NotSent::GoesOn => {
                "the text holds several statements, and goes on after the end of a transaction or begins one"
            }
            NotSent::Writable => {
                "the text holds several statements, and one of them could make its transaction writable"
            }
        }
    }

    /// What to do.
    pub(in crate::access) fn advice(self) -> &'static str {
        match self {
            NotSent::Backslash => "SET standard_conforming_strings = on, or write without backslashes",
            NotSent::Encoding => "SET client_encoding = 'UTF8'",
            NotSent::CopyData => "Nothing can be copied in while the session is read-only",
            NotSent::Number => "Put a blank behind the number",
            NotSent::GoesOn | NotSent::Writable => "Run its statements one by one",
        }
    }
}

/// One statement of a text.
pub(in crate::access) struct Statement {
    /// Offset of its first byte.
    start: usize,
    /// Its first two words, in lower case.
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

/// Where [`CHECK`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// The text commits nothing.
    Nowhere,
    /// Before its last statement, which begins at this byte and commits.
    Before(usize),
    /// The server commits when the text is over.
    Behind,
}

/// What goes out with a text.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::access) struct Plan {
    /// [`PREFIX`] goes before it.
    prefixed: bool,
    check: Check,
    /// How many statements it has.
    statements: usize,
}

/// A text as it goes out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::access) struct Dressed {
    /// The whole.
    pub(in crate::access) text: Vec<u8>,
    /// What was put in: before which character of the text that came, and how many characters.
    pub(in crate::access) inserted: Vec<(usize, usize)>,
    /// For each statement that completes, whether it is ours.
    pub(in crate::access) ours: Vec<bool>,
}

impl Plan {
    /// For `text` in a session whose transaction stands so.
    pub(in crate::access) fn of(text: &str, transaction: Transaction, standard_strings: bool) -> Result<Plan, NotSent> {
        if !standard_strings && text.contains('\\') {
            return Err(NotSent::Backslash);
        }
        // Data within a text are statements to the server, for it has no text of its own for data.
        if tokens_of_server(text).any(|token| token.kind == TokenKind::CopyData) {
            return Err(NotSent::CopyData);
        }
        if numbers_run_into_words(text) {
            return Err(NotSent::Number);
        }
        let found = statements(text);
        let bare = Plan { prefixed: false, check: Check::Nowhere, statements: found.len() };
        let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(bare) };
        let alone = found.len() == 1;
        if !alone {
            let ends = found[..found.len() - 1].iter().any(|one| one.class() == Class::Ends || one.is(&["rollback"]));
            let begins = found[1..].iter().any(|one| one.class() == Class::Begins);
            if ends || begins || (transaction == Transaction::Failed && last.class() == Class::Ends) {
                return Err(NotSent::GoesOn);
            }
            if may_set_the_transaction(text) {
                return Err(NotSent::Writable);
            }
        }
        let outside = transaction == Transaction::Idle && matches!(first.class(), Class::Ends | Class::Outside);
        // In a failed transaction the server takes nothing but its end.
        if transaction == Transaction::Failed || (alone && outside) {
            return Ok(bare);
        }
        let opens = || found.iter().any(|one| one.class() == Class::Begins);
        // A quote or comment that is not closed would take in what goes behind it. The server runs none of such a text.
        let is_open = tokens_of_server(text).any(|token| !token.terminated);
        let check = match transaction {
            _ if is_open => Check::Nowhere,
            _ if last.commits() => Check::Before(last.start),
            Transaction::Idle if !opens() => Check::Behind,
            _ => Check::Nowhere,
        };
        Ok(Plan { prefixed: true, check, ..bare })
    }

    /// The text as it goes out. `text` is how `bytes` were read: the same, or a character for each byte.
    pub(in crate::access) fn dress(&self, bytes: &[u8], text: &str) -> Dressed {
        let mut dressed = Dressed { text: bytes.to_vec(), inserted: Vec::new(), ours: vec![false; self.statements] };
        match self.check {
            Check::Nowhere => {}
            Check::Before(start) => {
                let characters = text[..start].chars().count();
                let at = if text.len() == bytes.len() { start } else { characters };
                let check = format!("{CHECK}; ");
                dressed.text.splice(at..at, check.bytes());
                dressed.inserted.push((characters, check.chars().count()));
                dressed.ours.insert(self.statements - 1, true);
            }
            Check::Behind => {
                dressed.text.extend_from_slice(format!("{BEHIND}{CHECK}").as_bytes());
                dressed.ours.push(true);
            }
        }
        if self.prefixed {
            dressed.put_before(PREFIX);
        }
        dressed
    }
}

impl Dressed {
    /// A text that goes out as it is.
    pub(in crate::access) fn bare(text: &str) -> Dressed {
        Dressed { text: text.as_bytes().to_vec(), ..Dressed::default() }
    }

    /// Puts a statement of ours before everything.
    pub(in crate::access) fn put_before(&mut self, ours: &str) {
        self.text.splice(0..0, ours.bytes());
        self.inserted.insert(0, (0, ours.chars().count()));
        self.ours.insert(0, true);
    }
}

/// An error's place (a character, from 0) in the text that came, from that in the text that went out.
pub(in crate::access) fn place(sent: usize, inserted: &[(usize, usize)]) -> usize {
    inserted.iter().rev().fold(sent, |place, (before, length)| {
        let ours_before: usize = inserted.iter().take_while(|one| one.0 < *before).map(|one| one.1).sum();
        if place >= before + ours_before + length { place - length } else { place }
    })
}

/// A text that went out, of this session or another's, without what is ours; it may be cut short.
pub(in crate::access) fn typed(sent: &str) -> &str {
    let Some(rest) = sent.strip_prefix(PREFIX) else { return sent };
    let rest = rest.strip_prefix(CHECK).and_then(|rest| rest.strip_prefix("; ")).unwrap_or(rest);
    // Where it is cut, enough of the mark is left to know it by, or it is short.
    let ours = format!("{BEHIND}{}", &CHECK[..CHECK.find("BEGIN").unwrap_or(CHECK.len())]);
    rest.rfind(&ours).map_or(rest, |at| &rest[..at])
}

/// What that statement is; several, and it is the first.
pub(in crate::access) fn class(text: &str) -> Class {
    statements(text).first().map_or(Class::Plain, Statement::class)
}

fn is_end(token: &Token, text: &str) -> bool {
    token.kind == TokenKind::Punctuation && token.of(text) == ";"
}

/// The statements of a text. Every semicolon ends one, also those of a body in `BEGIN ATOMIC`.
pub(in crate::access) fn statements(text: &str) -> Vec<Statement> {
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

/// The first two words of each statement, in lower case.
pub(in crate::access) fn first_words(text: &str) -> Vec<[String; 2]> {
    statements(text).into_iter().map(|statement| statement.words).collect()
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

    fn sent(text: &str, transaction: Transaction) -> Result<String, NotSent> {
        let dressed = Plan::of(text, transaction, true)?.dress(text.as_bytes(), text);
        assert_eq!(dressed.ours.iter().filter(|ours| !**ours).count(), statements(text).len());
        let text = String::from_utf8(dressed.text).expect("as it came");
        Ok(text.replace(PREFIX, "<").replace(CHECK, "?"))
    }

    #[test]
    fn each_transaction_begins_read_only_and_is_looked_at_before_it_is_kept() {
        use Transaction::{Failed, Idle, Open};
        for (text, idle, open) in [
            ("select 1", "<select 1\n; ?", "<select 1"),
            ("select 1 -- é", "<select 1 -- é\n; ?", "<select 1 -- é"),
            ("select 1; select 2", "<select 1; select 2\n; ?", "<select 1; select 2"),
            ("begin read write", "<begin read write", "<begin read write"),
            ("do $$ begin commit; end $$", "<do $$ begin commit; end $$\n; ?", "<do $$ begin commit; end $$"),
            ("commit and chain", "commit and chain", "<?; commit and chain"),
            (" /*é*/ END", " /*é*/ END", "< /*é*/ ?; END"),
            ("rollback", "rollback", "<rollback"),
            ("select 'abc", "<select 'abc", "<select 'abc"),
            ("select 1 /* é", "<select 1 /* é", "<select 1 /* é"),
            ("select $a$ $b$", "<select $a$ $b$", "<select $a$ $b$"),
            ("prepare transaction 'x'", "prepare transaction 'x'", "<?; prepare transaction 'x'"),
            ("vacuum", "vacuum", "<vacuum"),
            (
                "alter system set work_mem = '1MB'",
                "alter system set work_mem = '1MB'",
                "<alter system set work_mem = '1MB'",
            ),
            ("", "", ""),
            (" -- nothing\n;", " -- nothing\n;", " -- nothing\n;"),
            ("begin; select 1; end", "<begin; select 1; ?; end", "<begin; select 1; ?; end"),
            ("close all; reset all", "<close all; reset all\n; ?", "<close all; reset all"),
            (
                "select '; commit; '; select \"commit\"",
                "<select '; commit; '; select \"commit\"\n; ?",
                "<select '; commit; '; select \"commit\"",
            ),
            (
                "select 0x1F, 1_000, 1.5e3, 2::int, a1$$b from t;",
                "<select 0x1F, 1_000, 1.5e3, 2::int, a1$$b from t;\n; ?",
                "<select 0x1F, 1_000, 1.5e3, 2::int, a1$$b from t;",
            ),
        ] {
            assert_eq!(sent(text, Idle).as_deref(), Ok(idle));
            assert_eq!(sent(text, Open).as_deref(), Ok(open));
        }
        assert_eq!(sent("rollback to savepoint s", Failed).as_deref(), Ok("rollback to savepoint s"));
        assert_eq!(sent("select 1; select 2", Failed).as_deref(), Ok("select 1; select 2"));
    }

    #[test]
    fn a_text_that_could_leave_its_transaction_is_not_sent() {
        for text in [
            "commit; insert into t values (1)",
            "commit; begin read write; insert into t values (1)",
            "select 1; rollback; insert into t values (1)",
            "select 1; /* x */ END; insert into t values (1)",
            "select $a$;$a$; prepare transaction 'x'; select 1",
            "select 1; begin read write",
            "begin read write; insert into t values (1)",
            "begin; rollback to a; select 1",
            "set transaction read write; select 1",
            "set transaction_read_only = off; insert into t values (1)",
            "set local \"transaction_read_only\" to off; select 1",
            "reset transaction_read_only; select 1",
            "set session characteristics as transaction read write; select 1",
            "copy t from stdin;\nx\n\\.\n",
            "copy t from stdin;\ncommit; begin read write;\n\\.\n",
            "select 1 --\r; commit; insert into t values (2)",
            "select a[1:e'\\''::\"char\"::int]; commit; begin read write; insert into t values (3); commit; select ''",
            "select a[1:b$c$]; commit; begin read write; select '$c$'",
            "select 0x$$; commit; insert into t values (1) --$$",
            "select 0x1$$ ' $$; commit; insert into t values (1) --'",
            "select 1_$$; commit; insert into t values (1) --$$",
            r"select 1_e'\'; commit; insert into t values (1) --'",
            r"select 1.e'\'; commit; insert into t values (1) --'",
        ] {
            assert!(sent(text, Transaction::Idle).is_err(), "{text}");
        }
        assert_eq!(sent("select 1; commit", Transaction::Failed), Err(NotSent::GoesOn));
        // Comments nest as deep as they like, and close as often.
        let deep = format!(
            "select 1 {}{}'{}; commit; insert into t values (1) --'",
            "/*".repeat(70_000),
            "*/".repeat(65_535),
            "*/".repeat(4_465)
        );
        assert_eq!(statements(&deep).len(), 3);
        assert!(sent(&deep, Transaction::Idle).is_err());
        assert_eq!(Plan::of(r"select '\'", Transaction::Idle, false), Err(NotSent::Backslash));
    }

    #[test]
    fn statements_are_known_by_their_first_words() {
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
            assert_eq!(class(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_told_of_a_text_is_told_of_the_one_that_came() {
        let text = "begin; select é; commit";
        let dressed = Plan::of(text, Transaction::Idle, true).expect("it may").dress(text.as_bytes(), text);
        let went = String::from_utf8(dressed.text).expect("as it came");
        for word in ["begin", "é", "commit"] {
            let characters = |text: &str| text[..text.find(word).expect("it is there")].chars().count();
            assert_eq!(place(characters(&went), &dressed.inserted), characters(text), "{word}");
        }
        for text in ["select 1 -- é", "commit", "rollback"] {
            let stands = if text == "commit" { Transaction::Open } else { Transaction::Idle };
            let dressed = Plan::of(text, stands, true).expect("it may").dress(text.as_bytes(), text);
            let went = String::from_utf8(dressed.text).expect("as it came");
            assert_eq!(typed(&went), text);
            assert!(went.len() < 900, "activity reads that much");
        }
        let cut = format!("{PREFIX}select 1{BEHIND}{}", &CHECK[..100]);
        assert_eq!(typed(&cut), "select 1");
    }
}
