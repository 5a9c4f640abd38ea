//! What a statement would do, judged by its tokens: advice for questions to people, never the guard itself (a function
//! may do anything; only the server can refuse). It must not know sessions.

use super::split::statements;
use super::token::Token;
use super::tokens;

/// What a statement would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing: white space and comments.
    Empty,
    /// Reads, as far as words tell.
    Reads,
    /// Changes the session only: `SET`, `RESET`, `LISTEN`, `PREPARE`, `DISCARD`, …
    Session,
    /// `BEGIN`, `COMMIT`, `ROLLBACK`, `SAVEPOINT`, …
    Transaction,
    /// `COPY` between the server and us, or the server's own files.
    Copy(CopyWay),
    /// A psql command.
    Backslash,
    /// Changes data or the catalogue.
    Writes {
        /// The command's words in upper case: `INSERT`, `CREATE TABLE`, `SELECT INTO`.
        verb: String,
    },
    /// Changes much at once, or for good: worth a question.
    Dangerous {
        /// Why, in words: `UPDATE without WHERE`, `DROP TABLE`, `TRUNCATE`.
        reason: String,
    },
}

/// Which way a `COPY` goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CopyWay {
    /// To us.
    ToStdout,
    /// From us: writes.
    FromStdin,
    /// To a file or program of the server.
    ToServer,
    /// From a file or program of the server: writes.
    FromServer,
}

impl Class {
    /// Whether the server would refuse it in a read-only transaction, as far as words tell.
    pub fn writes(&self) -> bool {
        matches!(
            self,
            Class::Writes { .. } | Class::Dangerous { .. } | Class::Copy(CopyWay::FromStdin | CopyWay::FromServer)
        )
    }

    /// The graver comes later.
    fn gravity(&self) -> u8 {
        match self {
            Class::Empty => 0,
            Class::Reads => 1,
            Class::Session => 2,
            Class::Transaction => 3,
            Class::Backslash => 4,
            Class::Copy(CopyWay::ToStdout) => 5,
            Class::Copy(CopyWay::ToServer) => 6,
            Class::Writes { .. } => 7,
            Class::Copy(_) => 8,
            Class::Dangerous { .. } => 9,
        }
    }
}

/// What `text` would do; of several statements, the gravest.
pub fn classify(text: &str) -> Class {
    let mut gravest = Class::Empty;
    for statement in statements(text) {
        let class = if statement.backslash { Class::Backslash } else { one(statement.of(text)) };
        if class.gravity() > gravest.gravity() {
            gravest = class;
        }
    }
    gravest
}

/// A word or mark of a statement with its depth in parentheses.
struct Piece<'a> {
    text: &'a str,
    token: Token,
    depth: usize,
}

impl Piece<'_> {
    fn is(&self, word: &str) -> bool {
        self.token.is_word() && self.text.eq_ignore_ascii_case(word)
    }

    fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }
}

fn one(text: &str) -> Class {
    let mut depth = 0_usize;
    let mut pieces = Vec::new();
    for token in tokens(text).filter(|token| !token.is_blank()) {
        let piece = token.of(text);
        if piece == ")" {
            depth = depth.saturating_sub(1);
        }
        pieces.push(Piece { text: piece, token, depth });
        if piece == "(" {
            depth += 1;
        }
    }
    of_pieces(&pieces)
}

fn of_pieces(pieces: &[Piece<'_>]) -> Class {
    // `(select …) union …` begins with parentheses.
    let Some(first) = pieces.iter().position(|piece| piece.token.is_word()) else {
        return if pieces.is_empty() { Class::Empty } else { Class::Reads };
    };
    let (first, rest) = (&pieces[first], &pieces[first + 1..]);
    let verb = first.text.to_ascii_uppercase();
    match verb.as_str() {
        "SELECT" | "VALUES" | "TABLE" | "WITH" | "INSERT" | "UPDATE" | "DELETE" | "MERGE" => query(pieces),
        "SHOW" | "FETCH" | "MOVE" | "CLOSE" | "DECLARE" if verb != "DECLARE" => Class::Reads,
        "DECLARE" => match rest.iter().position(|piece| piece.is("for")) {
            Some(at) => of_pieces(&rest[at + 1..]),
            None => Class::Reads,
        },
        "EXPLAIN" => explain(rest),
        "SET" | "RESET" | "DISCARD" | "LISTEN" | "UNLISTEN" | "DEALLOCATE" | "LOAD" => Class::Session,
        "PREPARE" if rest.first().is_some_and(|piece| piece.is("transaction")) => Class::Transaction,
        // Its EXECUTE asks nothing.
        "PREPARE" => match rest.iter().position(|piece| piece.depth == 0 && piece.is("as")) {
            Some(at) if matches!(of_pieces(&rest[at + 1..]), Class::Dangerous { .. }) => of_pieces(&rest[at + 1..]),
            _ => Class::Session,
        },
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT" | "RELEASE" => Class::Transaction,
        "LOCK" | "CHECKPOINT" | "NOTIFY" | "ANALYZE" | "ANALYSE" => Class::Writes { verb },
        "COPY" => copy(pieces),
        "DROP" | "ALTER" => Class::Dangerous { reason: object(verb, rest) },
        "TRUNCATE" | "GRANT" | "REVOKE" => Class::Dangerous { reason: verb },
        "REASSIGN" => Class::Dangerous { reason: "REASSIGN OWNED".to_owned() },
        "CREATE" | "COMMENT" | "REFRESH" | "REINDEX" | "SECURITY" | "IMPORT" => {
            Class::Writes { verb: object(verb, rest) }
        }
        _ => Class::Writes { verb },
    }
}

/// `CREATE TABLE`, `DROP MATERIALIZED VIEW`: the verb with the kind of object, without the words between that say how.
fn object(verb: String, rest: &[Piece<'_>]) -> String {
    const HOW: [&str; 16] = [
        "or",
        "replace",
        "temp",
        "temporary",
        "local",
        "global",
        "unlogged",
        "unique",
        "recursive",
        "trusted",
        "procedural",
        "on",
        "constraint",
        "default",
        "if",
        "exists",
    ];
    const TWO: [(&str, &str); 9] = [
        ("materialized", "view"),
        ("foreign", "table"),
        ("foreign", "data"),
        ("text", "search"),
        ("event", "trigger"),
        ("access", "method"),
        ("user", "mapping"),
        ("operator", "class"),
        ("operator", "family"),
    ];
    let mut words = rest.iter().filter(|piece| !piece.is_any(&HOW));
    let Some(kind) = words.next().filter(|piece| piece.token.is_word()) else { return verb };
    let kind_name = kind.text.to_ascii_uppercase();
    match words.next() {
        Some(next) if TWO.iter().any(|(one, two)| kind.is(one) && next.is(two)) => {
            format!("{verb} {kind_name} {}", next.text.to_ascii_uppercase())
        }
        _ => format!("{verb} {kind_name}"),
    }
}

fn explain(rest: &[Piece<'_>]) -> Class {
    let (options, inner) = match rest.first() {
        Some(open) if open.text == "(" => {
            let close = rest.iter().position(|piece| piece.text == ")" && piece.depth == open.depth);
            close.map_or((rest, &rest[..0]), |close| rest.split_at(close + 1))
        }
        _ => {
            let words = rest.iter().take_while(|piece| piece.is_any(&["analyze", "analyse", "verbose"])).count();
            rest.split_at(words)
        }
    };
    let runs = options.iter().enumerate().any(|(at, piece)| {
        piece.is_any(&["analyze", "analyse"])
            && !options.get(at + 1).is_some_and(|value| value.is_any(&["off", "false"]) || value.text == "0")
    });
    if runs { of_pieces(inner) } else { Class::Reads }
}

fn copy(pieces: &[Piece<'_>]) -> Class {
    for (at, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.depth == 0) {
        let side = pieces.get(at + 1);
        let ours = side.is_some_and(|side| side.is_any(&["stdin", "stdout"]));
        if piece.is("from") {
            return Class::Copy(if ours { CopyWay::FromStdin } else { CopyWay::FromServer });
        }
        if piece.is("to") {
            // COPY (DELETE … RETURNING …) TO …
            let inner = query(&pieces[1..at]);
            if inner.writes() {
                return inner;
            }
            return Class::Copy(if ours { CopyWay::ToStdout } else { CopyWay::ToServer });
        }
    }
    Class::Writes { verb: "COPY".to_owned() }
}

/// `SELECT`, `INSERT`, … with whatever `WITH` brings along.
fn query(pieces: &[Piece<'_>]) -> Class {
    let mut gravest = Class::Reads;
    for (at, piece) in pieces.iter().enumerate() {
        if !begins_query(pieces, at) {
            continue;
        }
        let group = pieces[at..].iter().take_while(|other| other.depth >= piece.depth && other.text != ";");
        let own: Vec<&Piece<'_>> = group.filter(|other| other.depth == piece.depth).collect();
        let class = part(piece, &own);
        if class.gravity() > gravest.gravity() {
            gravest = class;
        }
    }
    gravest
}

/// Whether the word at `at` begins a query: the first of all, the first in parentheses, or what follows the list of a
/// `WITH`.
fn begins_query(pieces: &[Piece<'_>], at: usize) -> bool {
    if !pieces[at].is_any(&["select", "insert", "update", "delete", "merge"]) {
        return false;
    }
    match at.checked_sub(1).map(|before| &pieces[before]) {
        None => true,
        Some(before) => {
            before.text == "("
                || (before.text == ")" && before.depth == pieces[at].depth)
                || before.is_any(&["union", "except", "intersect", "all", "distinct"])
        }
    }
}

/// One query of a statement by the pieces of its own depth.
fn part(verb: &Piece<'_>, own: &[&Piece<'_>]) -> Class {
    let has = |word: &str| own.iter().any(|piece| piece.is(word));
    let name = verb.text.to_ascii_uppercase();
    match name.as_str() {
        "UPDATE" | "DELETE" if !has("where") => Class::Dangerous { reason: format!("{name} without WHERE") },
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" => Class::Writes { verb: name },
        _ if has("into") => Class::Writes { verb: "SELECT INTO".to_owned() },
        _ => {
            let locks =
                own.windows(2).find(|pair| pair[0].is("for") && pair[1].is_any(&["update", "share", "no", "key"]));
            match locks {
                Some(pair) => Class::Writes { verb: format!("SELECT FOR {}", pair[1].text.to_ascii_uppercase()) },
                None => Class::Reads,
            }
        }
    }
}
