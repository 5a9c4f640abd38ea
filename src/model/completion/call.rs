//! What the cursor fills in: an argument of a call, or a column of a row that INSERT gives. Found from the words before
//! the cursor, and from those behind it as far as the parenthesis closes. It must not know a catalogue.

use super::Written;
use super::expect::{inserted, written};
use super::scope::{Scope, begins_query, scope};
use super::signature::Given;
use super::words::{Word, behind, words};
use crate::model::sql::{Reserved, TokenKind, keyword, tokens};

/// Parentheses within one another are followed outwards so far.
const DEEPEST: usize = 64;

/// What the cursor fills in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filled {
    /// An argument.
    Call(Call),
    /// A value of a row of `INSERT … VALUES`.
    Row {
        /// The table.
        table: Written,
        /// The columns that are named; `None` where the table's own are meant.
        columns: Option<Vec<String>>,
        /// Which of them, from 0.
        at: usize,
    },
}

/// A call that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What is called.
    pub name: Written,
    /// Whether the name was written in quotation marks: then it is never one of the language's own forms.
    pub quoted: bool,
    /// Whether CALL calls it.
    pub is_procedure: bool,
    /// Which argument the cursor is in, from 0.
    pub at: usize,
    /// The arguments so far, the cursor's and those behind it too.
    pub given: Vec<Argument>,
    /// What the statement reads, for the types of columns.
    pub scope: Scope,
}

/// An argument as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The parameter that is named before `=>`.
    pub named: Option<String>,
    /// What can be seen of its type.
    pub given: Given,
}

/// What the cursor fills in, in a text that may hold several statements; `None` where it fills in nothing, or what cannot
/// be told. `cursor` is a byte offset.
pub fn filled(text: &str, cursor: usize) -> Option<Filled> {
    let cursor = text.floor_char_boundary(cursor.min(text.len()));
    let all = words(&text[..cursor]);
    if all.last().is_some_and(|word| matches!(word.kind, TokenKind::CopyData | TokenKind::Backslash)) {
        return None;
    }
    let from = all.iter().rposition(|word| word.mark(";") || word.kind == TokenKind::Backslash).map_or(0, |at| at + 1);
    let left = &all[from..];
    let mut open = Vec::new();
    for (at, word) in left.iter().enumerate() {
        match word.text {
            "(" | "[" if word.kind == TokenKind::Punctuation => open.push(at),
            ")" | "]" if word.kind == TokenKind::Punctuation => drop(open.pop()),
            _ => {}
        }
    }
    for at in open.into_iter().rev().take(DEEPEST) {
        if left.get(at + 1).is_some_and(begins_query) {
            return None;
        }
        match before(left, at) {
            Before::Group => {}
            Before::Name { name, quoted, is_procedure } => {
                let right = behind(rest(text, cursor));
                let own: Vec<Word<'_>> = left[at + 1..].iter().chain(&right).copied().collect();
                let (pieces, current) = pieces(&own, left.len() - at - 1);
                let given = pieces.iter().map(|piece| argument(piece)).collect();
                let scope = scope(left, &right);
                return Some(Filled::Call(Call { name, quoted, is_procedure, at: current, given, scope }));
            }
            Before::Values { table, columns } => {
                let own = &left[at + 1..];
                return Some(Filled::Row { table, columns, at: pieces(own, own.len()).1 });
            }
            Before::Other => return None,
        }
    }
    None
}

/// As much of the text behind the cursor as is worth looking at: a call's other arguments are near. A string or a name that
/// the cursor stands in ends before it, if it ends on this line.
fn rest(text: &str, cursor: usize) -> &str {
    const NEAR: usize = 4096;
    let text = &text[..text.floor_char_boundary(text.len().min(cursor + NEAR))];
    let around = tokens(text).take_while(|token| token.start < cursor).last();
    let end = around.filter(|token| token.end > cursor && token.terminated && !text[cursor..token.end].contains('\n'));
    &text[end.map_or(cursor, |token| token.end)..]
}

/// What stands before an opening parenthesis.
enum Before {
    /// Nothing that gives it a meaning: it groups, and the level around it goes on.
    Group,
    Name {
        name: Written,
        quoted: bool,
        is_procedure: bool,
    },
    Values {
        table: Written,
        columns: Option<Vec<String>>,
    },
    /// Something else than a call or a group.
    Other,
}

fn before(words: &[Word<'_>], open: usize) -> Before {
    if words[open].mark("[") {
        return Before::Group;
    }
    let Some(last) = open.checked_sub(1).map(|at| words[at]) else { return Before::Group };
    if last.is("values") || last.mark(",") {
        return values(words, open).unwrap_or(Before::Group);
    }
    let Some(own) = last.name() else {
        // `IN (`, `AND (`, `= (`; behind a value there is no group: `a (b)` of an alias, `) (`.
        return if last.ends_value() { Before::Other } else { Before::Group };
    };
    let quoted = last.kind == TokenKind::QuotedIdentifier;
    if last.kind == TokenKind::Keyword && last.is_any(&["row", "exists"]) {
        return Before::Group;
    }
    let dotted = |at: usize| at >= 2 && words[at - 1].mark(".") && words[at - 2].name().is_some();
    let mut at = open - 1;
    let mut schema = None;
    if dotted(at) {
        schema = words[at - 2].name();
        at -= 2;
    }
    if dotted(at) || (at > 0 && words[at - 1].mark(".")) {
        return Before::Other;
    }
    let lead = at.checked_sub(1).map(|at| words[at]);
    if lead.is_some_and(|lead| !leads_to_call(words, at - 1, lead)) {
        return Before::Other;
    }
    let is_procedure = lead.is_some_and(|lead| lead.is("call"));
    Before::Name { name: Written { schema, name: own }, quoted, is_procedure }
}

/// Whether what follows `lead`, the word of number `at`, is called: no new name, no table, no type.
fn leads_to_call(words: &[Word<'_>], at: usize, lead: Word<'_>) -> bool {
    const CALLED: &[&str] = &["by", "call", "return", "zone", "escape", "between", "do", "first", "last", "all"];
    const NAMED: &[&str] = &["as", "into", "table", "references", "with", "analyze", "only", "using"];
    if lead.mark("::") {
        return false;
    }
    if lead.is("on") {
        // The table of an index, a trigger, a privilege.
        return !words.first().is_some_and(|first| first.is_any(&["create", "grant", "revoke", "comment", "alter"]));
    }
    match lead.kind {
        TokenKind::Keyword => match keyword(lead.text) {
            Some(Reserved::Yes) => !lead.is_any(NAMED),
            Some(Reserved::FunctionOrType) => true,
            _ => lead.is_any(CALLED),
        },
        TokenKind::Identifier | TokenKind::QuotedIdentifier => false,
        // `f() g (`: an alias with its columns. `WITH a AS (…), b (`: only the depth of it tells.
        TokenKind::Punctuation if lead.mark(",") => {
            let mut depth = 0i32;
            let mut begun = !words.first().is_some_and(|first| first.is("with"));
            for word in &words[..at] {
                depth += i32::from(word.mark("(")) - i32::from(word.mark(")"));
                begun |= depth == 0 && (begins_query(word) && !word.is("with"));
            }
            begun || depth > 0
        }
        TokenKind::Punctuation => !matches!(lead.text, ")" | "]"),
        _ => true,
    }
}

/// The row that begins at `open`, where INSERT gives it.
fn values(words: &[Word<'_>], open: usize) -> Option<Before> {
    // Back over the rows before: `VALUES (…), (`.
    let mut at = open - 1;
    while words[at].mark(",") {
        let mut depth = 0i32;
        loop {
            at = at.checked_sub(1)?;
            depth += i32::from(words[at].mark(")")) - i32::from(words[at].mark("("));
            if depth <= 0 {
                break;
            }
        }
        if depth < 0 || !words[at].mark("(") {
            return None;
        }
        at = at.checked_sub(1)?;
    }
    let head = &words[..at];
    if !words[at].is("values") || !head.iter().any(|word| word.is("insert")) {
        return None;
    }
    let into = head.iter().rposition(|word| word.is("into"))?;
    let table = inserted(&head[into..])?;
    let (_, taken) = written(&head[into + 1..])?;
    let list = head[into + 1 + taken..].iter().position(|word| word.mark("(")).map(|at| into + 1 + taken + at);
    // A query in between has parentheses of its own.
    if head[into..].iter().any(|word| word.is_any(&["select", "from"])) {
        return None;
    }
    let columns = list.map(|list| {
        let items = head[list + 1..].iter().take_while(|word| !word.mark(")"));
        let mut fresh = true;
        let mut names = Vec::new();
        for word in items {
            if std::mem::replace(&mut fresh, word.mark(",")) {
                names.extend(word.name());
            }
        }
        names
    });
    Some(Before::Values { table, columns })
}

/// The arguments of a list, as far as its closing parenthesis, and which of them the word of number `cursor` is in.
fn pieces<'w, 'a>(own: &'w [Word<'a>], cursor: usize) -> (Vec<&'w [Word<'a>]>, usize) {
    let (mut depth, mut from, mut current) = (0usize, 0, None);
    let mut pieces = Vec::new();
    let mut end = own.len();
    for (at, word) in own.iter().enumerate() {
        if at >= cursor && current.is_none() {
            current = Some(pieces.len());
        }
        match word.text {
            _ if word.kind != TokenKind::Punctuation => {}
            "(" | "[" => depth += 1,
            ")" | "]" if depth == 0 => {
                end = at;
                break;
            }
            ")" | "]" => depth -= 1,
            "," if depth == 0 => {
                pieces.push(&own[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    let current = current.unwrap_or(pieces.len());
    if end > from || !pieces.is_empty() {
        pieces.push(&own[from..end]);
    }
    (pieces, current)
}

fn argument(words: &[Word<'_>]) -> Argument {
    let (named, value) = match words {
        [name, arrow, value @ ..] if arrow.text == "=>" || arrow.text == ":=" => (name.name(), value),
        _ => (None, words),
    };
    Argument { named, given: given(value) }
}

/// What can be seen of a value's type.
fn given(words: &[Word<'_>]) -> Given {
    let cast = words.iter().rposition(|word| word.mark("::"));
    if let Some(at) = cast
        && at > 0
        && words[at + 1..]
            .iter()
            .all(|word| word.name().is_some() || word.is("with") || word.mark("[") || word.mark("]"))
    {
        let spelled: Vec<String> = words[at + 1..].iter().map(|word| word.text.to_ascii_lowercase()).collect();
        return Given::Typed(spelled.join(" ").replace(" [ ]", "[]"));
    }
    match words {
        [one] if one.kind == TokenKind::Number => match one.text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Given::Typed("integer".to_owned()),
            false => Given::Typed("numeric".to_owned()),
        },
        [one] if one.kind == TokenKind::String => Given::Literal,
        [one] if one.is("true") || one.is("false") => Given::Typed("boolean".to_owned()),
        [of, one] if one.kind == TokenKind::String && of.kind == TokenKind::Keyword => {
            Given::Typed(of.text.to_ascii_lowercase())
        }
        [of, one] if one.kind == TokenKind::String && of.is("date") => Given::Typed("date".to_owned()),
        [one] => one.name().map_or(Given::Unknown, |name| Given::Column(None, name)),
        [of, dot, one] if dot.mark(".") => match (of.name(), one.name()) {
            (Some(of), Some(name)) => Given::Column(Some(of), name),
            _ => Given::Unknown,
        },
        _ => Given::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The call at `|`: its name, which argument, how many there are.
    fn call(text: &str) -> Option<(String, usize, usize)> {
        let cursor = text.find('|').expect("a cursor");
        let text = text.replacen('|', "", 1);
        match filled(&text, cursor)? {
            Filled::Call(call) => {
                let schema = call.name.schema.map_or(String::new(), |schema| format!("{schema}."));
                Some((format!("{schema}{}", call.name.name), call.at, call.given.len()))
            }
            Filled::Row { table, columns, at } => {
                let columns = columns.map_or("*".to_owned(), |columns| columns.join(","));
                Some((format!("{} [{columns}]", table.name), at, 0))
            }
        }
    }

    #[test]
    fn the_argument_of_the_innermost_call_is_found() {
        let is =
            |text: &str, name: &str, at, count| assert_eq!(call(text), Some((name.to_owned(), at, count)), "{text}");
        is("select date_trunc(|", "date_trunc", 0, 0);
        is("select date_trunc('da|y', x)", "date_trunc", 0, 2);
        is("select date_trunc('day', |", "date_trunc", 1, 2);
        is("select f(a, g(b, |c), d)", "g", 1, 2);
        is("select f(a, g(b, c), |d)", "f", 2, 3);
        is("select f((a + |b), c)", "f", 0, 2);
        is("select f(array[1, 2, |3], 4)", "f", 0, 2);
        is("select f('a,(', $$,($$, \"x,(\", /* ,( */ |1)", "f", 3, 4);
        is("select f('half, typed (|", "f", 0, 1);
        is("select f(-- (\n a, |", "f", 1, 2);
        is("select a from t where id in (1, f(2, |", "f", 1, 2);
        is("select pg_catalog.lower(|)", "pg_catalog.lower", 0, 0);
        is("select \"Odd\"(1, |)", "Odd", 1, 2);
        is("select * from generate_series(1, |10) g", "generate_series", 1, 2);
        is("select * from a join b on f(|", "f", 0, 0);
        is("select left(x, |", "left", 1, 2);
        is("select 1; select f(|; select g(1)", "f", 0, 0);
        is("call p(1, |)", "p", 1, 2);
        is("select x order by lower(|", "lower", 0, 0);
        is("create index on t (lower(|", "lower", 0, 0);
        is("with a as (select f(1, |", "f", 1, 2);
        is("select coalesce(|", "coalesce", 0, 0);
        is("select x at time zone f(|", "f", 0, 0);
        is("select f(x => 1, y => |", "f", 1, 2);
        is("insert into t (a) values (1, f(2, |", "f", 1, 2);
    }

    #[test]
    fn what_only_looks_like_a_call_is_none() {
        for text in [
            "select 1 |",
            "select f(1) |",
            "select (1 + |",
            "select f((select a, |",
            "select x in (1, |",
            "create table t (a numeric(|",
            "create table t (|",
            "create table f (a int, |",
            "create function f(a |",
            "create index on t (|",
            "insert into t (a, |",
            "with q (a, |",
            "with a as (select 1), f (|",
            "select x::numeric(|",
            "select cast(x as numeric(|",
            "select * from f() g(|",
            "select * from t as f(|",
            "select * from t f(|",
            "copy t (a, |",
            "grant select on t (|",
            "select 'f(|'",
            "\\df f(|",
            "select a.b.c.f(|",
            "copy t from stdin;\nf(|",
        ] {
            assert_eq!(call(text).filter(|(name, ..)| name != "cast"), None, "{text}");
        }
    }

    #[test]
    fn the_column_of_a_row_is_found() {
        let is = |text: &str, of: &str, at| assert_eq!(call(text), Some((of.to_owned(), at, 0)), "{text}");
        is("insert into t (a, b) values (|", "t [a,b]", 0);
        is("insert into t (a, b) values (1, |", "t [a,b]", 1);
        is("insert into s.t (a, \"B\") values (1, 2), (f(3, 4), |", "t [a,B]", 1);
        is("insert into t values (1, (2 + |", "t [*]", 1);
        is("insert into t as x (a) overriding system value values (|", "t [a]", 0);
        is("with q as (select 1) insert into t (a) values (|", "t [a]", 0);
        assert_eq!(call("select * from (values (1, |"), None);
        assert_eq!(call("insert into t (a) select f from (values (1), (|"), None);
    }

    #[test]
    fn types_of_arguments_are_seen_where_they_show() {
        let text = "select f(1, 2.5, 'a', x, t.y, z::timestamp with time zone, date '2020-01-01', true, n => 1 + 1, ";
        let Some(Filled::Call(call)) = filled(text, text.len()) else { panic!("a call") };
        let typed = |name: &str| Given::Typed(name.to_owned());
        let given: Vec<Given> = call.given.iter().map(|argument| argument.given.clone()).collect();
        assert_eq!(given[..3], [typed("integer"), typed("numeric"), Given::Literal]);
        assert_eq!(given[3..5], [Given::Column(None, "x".into()), Given::Column(Some("t".into()), "y".into())]);
        assert_eq!(given[5..8], [typed("timestamp with time zone"), typed("date"), typed("boolean")]);
        assert_eq!((call.given[8].named.as_deref(), &given[8]), (Some("n"), &Given::Unknown));
    }
}
