//! What belongs at the cursor: which part of which query it stands in, from the words before it. It must not know the
//! catalogue, nor statements that are no queries (see `utility`).

use super::keywords as list;
use super::psql;
use super::scope::{begins_query, scope};
use super::utility;
use super::words::{Here, Word, behind, here, words};
use super::{Expected, Relations, Scope, Want, Written};
use crate::model::sql::{TokenKind, statements};

/// What belongs at `cursor`, a byte offset of `text`, which may hold several statements. `None` in comments, in strings
/// (but for those that are compared with a column), in numbers, where a new name is given, and in inline data.
pub fn expect(text: &str, cursor: usize) -> Option<Expected> {
    let cursor = text.floor_char_boundary(cursor.min(text.len()));
    let from = begin(text, cursor)?;
    let (text, cursor) = (&text[from..], cursor - from);
    let mut expected = within(text, cursor)?;
    expected.range = expected.range.start + from..expected.range.end + from;
    Some(expected)
}

/// Where the statement at the cursor begins; `None` within inline data.
fn begin(text: &str, cursor: usize) -> Option<usize> {
    let before = statements(&text[..cursor]);
    let Some(last) = before.last() else { return Some(0) };
    if before.iter().any(|statement| statement.data.is_some_and(|(start, end)| start <= cursor && cursor <= end)) {
        return None;
    }
    if !last.terminated || (last.backslash && !text[last.start..cursor].contains('\n')) {
        return Some(last.start);
    }
    let after = last.data.map_or(last.end, |(_, end)| end);
    Some(match last.backslash || last.data.is_some() {
        true => text[after..cursor].find('\n').map_or(cursor, |at| after + at + 1),
        false => text[after..cursor].find(';').map_or(cursor, |at| after + at + 1),
    })
}

fn within(text: &str, cursor: usize) -> Option<Expected> {
    let empty = |range, wants| Expected {
        range,
        typed: String::new(),
        quoted: false,
        literal: false,
        wants,
        eager: false,
        capitals: false,
        shouted: false,
        called: false,
        scope: Scope::default(),
    };
    match here(text, cursor) {
        Here::Nothing => None,
        Here::Backslash(start) => {
            let argument = psql::argument(&text[start..cursor])?;
            let from = start + argument.start;
            let quoted = argument.quoted;
            Some(Expected {
                typed: text[from + usize::from(quoted)..cursor].replace("\"\"", "\""),
                quoted,
                ..empty(from..cursor, argument.wants)
            })
        }
        Here::String(start, after) => {
            if !text[start..].starts_with('\'') {
                return None;
            }
            let left = words(&text[..start]);
            let wants = compared(&left)?;
            let right = behind(&text[after..]);
            let typed = text[start + 1..cursor].replace("''", "'");
            let (scope, eager) = (scope(&left, &right), true);
            Some(Expected { typed, literal: true, scope, eager, ..empty(start..after, wants) })
        }
        Here::Name { start, from, chain, after } => {
            let left = words(&text[..from]);
            let right = behind(&text[after..]);
            let quoted = text[start..].starts_with('"') && start < cursor;
            let typed = text[start + usize::from(quoted)..cursor].to_owned();
            let scope = scope(&left, &right);
            let (wants, mut eager) = match chain.is_empty() {
                true => at(&left)?,
                false => (qualified(&left, &chain, &scope)?, true),
            };
            eager &= !wants.is_empty();
            let called = text[after..].starts_with('(');
            let (capitals, shouted) = (capitals(&typed, &left), capitals("", &left));
            let typed = if quoted { typed.replace("\"\"", "\"") } else { typed };
            Some(Expected { typed, quoted, scope, eager, called, capitals, shouted, ..empty(start..after, wants) })
        }
    }
}

/// Whether words of the language are written in capitals: as what is being typed is, or else as the one before.
fn capitals(typed: &str, left: &[Word<'_>]) -> bool {
    let of = |text: &str| match (text.contains(char::is_lowercase), text.contains(char::is_uppercase)) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    };
    of(typed)
        .or_else(|| left.iter().rev().filter(|word| word.kind == TokenKind::Keyword).find_map(|word| of(word.text)))
        .unwrap_or(false)
}

/// What belongs after `chain.`: of the qualifier as alias, as table, as schema.
fn qualified(left: &[Word<'_>], chain: &[String], scope: &Scope) -> Option<Vec<Want>> {
    let (wants, _) = at(left).unwrap_or_default();
    let [.., last] = chain else { return None };
    if let [schema, table] = chain {
        return Some(vec![Want::ColumnsOf(Written { schema: Some(schema.clone()), name: table.clone() })]);
    }
    if chain.len() > 2 {
        return None;
    }
    let mut found = Vec::new();
    let source = scope.sources().any(|source| source.label() == Some(last));
    if wants.contains(&Want::Columns) || source && !wants.iter().any(|want| matches!(want, Want::Relations(..))) {
        found.push(Want::ColumnsOf(Written { schema: None, name: last.clone() }));
    }
    for want in wants {
        let schema = Some(last.clone());
        found.push(match want {
            Want::Relations(kinds, _) => Want::Relations(kinds, schema),
            // Where a column could be, an alias of that name comes before a schema.
            Want::Functions(_) if !source => Want::Functions(schema),
            Want::Procedures(_) => Want::Procedures(schema),
            Want::Types(_) => Want::Types(schema),
            _ => continue,
        });
    }
    Some(found)
}

/// What a string is compared with: `col = '`, `col IN ('a', '`.
fn compared(left: &[Word<'_>]) -> Option<Vec<Want>> {
    let mut at = left.len();
    let word = |at: usize| at.checked_sub(1).map(|at| left[at]);
    if let Some((name, values)) = utility::assigned(left) {
        return values.then_some(vec![Want::Values(name)]);
    }
    match word(at)? {
        last if ["=", "<>", "!=", "<", ">", "<=", ">="].iter().any(|mark| last.mark(mark)) => at -= 1,
        last if last.mark("(") || last.mark(",") => {
            while word(at).is_some_and(|word| word.mark(",") || word.kind == TokenKind::String) {
                at -= 1;
            }
            if !word(at)?.mark("(") {
                return None;
            }
            at -= 1;
            if word(at)?.is("any") && word(at - 1)?.mark("=") {
                at -= 2;
            } else if word(at)?.is("in") {
                at -= 1;
                at -= usize::from(word(at)?.is("not"));
            } else {
                return None;
            }
        }
        last if last.is("from") && word(at - 1)?.is("distinct") => {
            at -= 2;
            at -= usize::from(word(at)?.is("not"));
            at -= usize::from(word(at)?.is("is"));
        }
        _ => return None,
    }
    let column = word(at)?.name().or_else(|| word(at).map(|word| word.text.to_ascii_lowercase()))?;
    let qualifier = word(at - 1).filter(|dot| dot.mark(".")).and_then(|_| word(at - 2)).and_then(|word| word.name());
    Some(vec![Want::Labels(qualifier, column)])
}

/// A level of parentheses: its words, each inner group as the closing parenthesis that ends it.
pub(super) struct Level<'a> {
    pub words: Vec<Word<'a>>,
}

/// The levels around the cursor, the outermost first. `(` that the next level is in stays the last word of each.
fn levels<'a>(left: &[Word<'a>]) -> Vec<Level<'a>> {
    let mut levels = vec![Level { words: Vec::new() }];
    for word in left {
        if word.mark(")") && levels.len() > 1 {
            levels.pop();
            if let Some(level) = levels.last_mut() {
                level.words.pop();
                level.words.push(*word);
            }
            continue;
        }
        if let Some(level) = levels.last_mut() {
            level.words.push(*word);
        }
        if word.mark("(") {
            levels.push(Level { words: Vec::new() });
        }
    }
    levels
}

/// What belongs after these words, and whether it is worth showing unasked.
fn at(left: &[Word<'_>]) -> Option<(Vec<Want>, bool)> {
    let left = statement(left);
    let levels = levels(left);
    if let Some(wants) = utility::expect(&levels) {
        return wants.map(|wants| (wants, false));
    }
    // The innermost level that is a query, or else the statement.
    let inner = levels.len() - 1;
    let query = levels.iter().rposition(|level| level.words.first().is_some_and(begins_query)).unwrap_or(0);
    if query == inner {
        return in_query(&levels[inner].words);
    }
    let own = &levels[inner].words;
    let outer = &levels[inner - 1].words[..levels[inner - 1].words.len() - 1];
    if let Some(wants) = in_parentheses(outer, own) {
        return wants.map(|wants| (wants, false));
    }
    if own.is_empty() && opens_query(outer) {
        return Some((vec![Want::Keywords(list::QUERIES)], false));
    }
    // An expression, or a join, in parentheses: what it may hold is what its query may hold there.
    let mut joined = Vec::new();
    for level in &levels[query..inner] {
        joined.extend(level.words.iter().copied().filter(|word| !word.mark("(")));
    }
    let in_source = part(&joined).0 == Part::Source;
    if in_source {
        joined.extend(own.iter().copied());
        return in_query(&joined);
    }
    let operand = own.last().is_none_or(|last| !ends_value(own, *last));
    if operand {
        let mut wants = value();
        wants.push(Want::Keywords(list::QUERIES));
        return Some((wants, false));
    }
    Some((vec![Want::Keywords(list::OPERATORS), Want::Keywords(list::AFTER_ORDER)], false))
}

/// Without EXPLAIN before it, and what is left of a statement before.
fn statement<'w, 'a>(left: &'w [Word<'a>]) -> &'w [Word<'a>] {
    let mut left = left;
    if left.first().is_some_and(|word| word.is("explain")) && left.len() > 1 {
        let mut at = 1;
        if left[at].mark("(") {
            match left.iter().position(|word| word.mark(")")) {
                Some(close) => at = close + 1,
                None => return left,
            }
        }
        while left.get(at).is_some_and(|word| word.is_any(&["analyze", "verbose"])) {
            at += 1;
        }
        if at < left.len() {
            left = &left[at..];
        }
    }
    left
}

/// Whether a query may begin in the parentheses after these words.
fn opens_query(outer: &[Word<'_>]) -> bool {
    outer.last().is_none_or(|word| {
        word.is_any(&["as", "from", "join", "exists", "lateral", "materialized", "union", "all", "except", "intersect"])
    })
}

/// What belongs in parentheses that are neither a query nor an expression; `None`: they are one of these.
#[allow(clippy::option_option, reason = "not known, nothing, something: three answers")]
fn in_parentheses(outer: &[Word<'_>], own: &[Word<'_>]) -> Option<Option<Vec<Want>>> {
    let last = outer.last()?;
    let fresh = own.last().is_none_or(|word| word.mark(","));
    let columns = |written: Option<Written>| {
        Some(match (written, fresh) {
            (Some(written), true) => Some(vec![Want::TargetColumns(written)]),
            _ => None,
        })
    };
    let part = part(outer).0;
    if last.is("using") && part == Part::Sources {
        return Some(fresh.then(|| vec![Want::Columns]));
    }
    if last.is("over") || (last.is("as") && part == Part::Other && outer.iter().any(|word| word.is("window"))) {
        return Some(Some(match own.last() {
            None => vec![Want::Keywords(list::WINDOW)],
            Some(word) if word.is("by") || word.mark(",") => value(),
            Some(_) => vec![Want::Keywords(list::WINDOW), Want::Keywords(list::AFTER_ORDER)],
        }));
    }
    if part == Part::Values && outer.iter().any(|word| word.is("into")) && (last.is("values") || last.mark(",")) {
        return Some(Some(match own.last() {
            Some(word) if ends_value(own, *word) => vec![Want::Keywords(list::OPERATORS)],
            _ => vec![Want::Functions(None), Want::Keywords(list::DEFAULT), Want::Keywords(list::VALUE)],
        }));
    }
    if last.is("cast") && own.last().is_some_and(|word| word.is("as")) {
        return Some(Some(types()));
    }
    if last.is("conflict") {
        return columns(inserted(outer));
    }
    // INSERT INTO t [AS a] (
    if outer.first().is_some_and(|word| word.is("insert") || word.is("with"))
        && !outer.iter().any(|word| word.is_any(&["values", "select", "overriding"]))
        && let Some(into) = outer.iter().position(|word| word.is("into"))
        && outer.len() > into + 1
    {
        return columns(inserted(outer));
    }
    // A function in FROM takes values; `t (a, b)` after an alias gives new names.
    None
}

/// The table that INSERT names.
pub(super) fn inserted(words: &[Word<'_>]) -> Option<Written> {
    let into = words.iter().position(|word| word.is("into"))?;
    written(&words[into + 1..]).map(|(written, _)| written)
}

/// The name that words begin with, and how many words it takes.
pub(super) fn written(words: &[Word<'_>]) -> Option<(Written, usize)> {
    let first = words.first()?.name()?;
    match words {
        [_, dot, second, ..] if dot.mark(".") => {
            let name = second.name().unwrap_or_else(|| second.text.to_ascii_lowercase());
            Some((Written { schema: Some(first), name }, 3))
        }
        _ => Some((Written { schema: None, name: first }, 1)),
    }
}

/// Where a value is expected.
pub(super) fn value() -> Vec<Want> {
    vec![Want::Columns, Want::Sources, Want::Functions(None), Want::Keywords(list::VALUE), Want::Schemas(true)]
}

/// Where a type is expected.
pub(super) fn types() -> Vec<Want> {
    vec![Want::Types(None), Want::Schemas(true)]
}

/// Where something to read rows from is expected.
fn source(joins: bool) -> Vec<Want> {
    let mut wants = if joins { vec![Want::Joins] } else { Vec::new() };
    wants.extend([
        Want::Ctes,
        Want::Relations(Relations::Rows, None),
        Want::Schemas(true),
        Want::Functions(None),
        Want::Keywords(list::SOURCE),
    ]);
    wants
}

fn ends_value(words: &[Word<'_>], last: Word<'_>) -> bool {
    if last.text == "*" {
        let before = words.len().checked_sub(2).map(|at| words[at]);
        return before
            .is_none_or(|word| word.is_any(&["select", "distinct", "all"]) || word.mark(",") || word.mark("."));
    }
    last.ends_value()
}

/// The part of a query that words end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing yet.
    Start,
    With,
    List,
    /// A source is expected, or has been read.
    Source,
    Sources,
    On,
    Where,
    Group,
    Having,
    Order,
    Limit,
    Into,
    Inserted,
    Values,
    Update,
    Set,
    Delete,
    Other,
}

/// The part, and the number of the word that began it.
#[expect(clippy::if_same_then_else, reason = "a rule a line")]
fn part(words: &[Word<'_>]) -> (Part, usize) {
    let (mut part, mut began) = (Part::Start, 0);
    let (mut deletes, mut inserts) = (false, false);
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| words[at]);
        let after = |text: &str| before.is_some_and(|before| before.is(text));
        let next = if word.is("select") || word.is("returning") {
            Part::List
        } else if word.is("with") && part == Part::Start {
            Part::With
        } else if word.is_any(&["union", "except", "intersect"]) {
            Part::Start
        } else if word.is("from") && !after("distinct") {
            if after("delete") {
                deletes = true;
            }
            Part::Source
        } else if word.is("join") || (word.is("using") && deletes && part == Part::Sources) {
            Part::Source
        } else if word.mark(",") && matches!(part, Part::Sources) {
            Part::Source
        } else if word.is("on") && matches!(part, Part::Sources | Part::On) {
            Part::On
        } else if word.is("where") {
            Part::Where
        } else if word.is("by") && after("group") {
            Part::Group
        } else if word.is("by") && after("order") {
            Part::Order
        } else if word.is("having") {
            Part::Having
        } else if word.is_any(&["limit", "offset", "fetch"]) {
            Part::Limit
        } else if word.is("insert") || word.is("merge") {
            inserts = true;
            Part::Other
        } else if word.is("into") && inserts && part == Part::Other {
            Part::Into
        } else if word.is("values") {
            Part::Values
        } else if word.is("update") && matches!(part, Part::Start | Part::With) {
            Part::Update
        } else if word.is("set") && (part != Part::List) {
            Part::Set
        } else if word.is("delete") && matches!(part, Part::Start | Part::With) {
            Part::Delete
        } else if word.is("for") && !matches!(part, Part::List | Part::Where) {
            Part::Other
        } else if part == Part::Source
            && (word.name().is_some() || word.mark(")"))
            && !word.is_any(&["only", "lateral"])
        {
            (part, began) = (Part::Sources, at);
            continue;
        } else if part == Part::Into && word.name().is_some() {
            (part, began) = (Part::Inserted, at);
            continue;
        } else {
            continue;
        };
        (part, began) = (next, at);
    }
    (part, began)
}

/// What belongs at the end of these words of one query.
fn in_query(words: &[Word<'_>]) -> Option<(Vec<Want>, bool)> {
    let (part, began) = part(words);
    let Some(last) = words.last().copied() else { return Some((vec![Want::Keywords(list::STATEMENTS)], false)) };
    // A type, after `::`.
    if last.mark("::") {
        return Some((types(), false));
    }
    let operand = !ends_value(words, last);
    let since = &words[began..];
    let after = |lists: &[&'static [&'static str]]| {
        Some((lists.iter().map(|list| Want::Keywords(list)).collect::<Vec<_>>(), false))
    };
    let values = || Some((value(), false));
    // The new name after AS is the writer's own.
    if last.is("as") && matches!(part, Part::List | Part::Source | Part::Sources | Part::On) {
        return None;
    }
    match part {
        Part::Start => match words.len() {
            0 => after(&[list::STATEMENTS]),
            _ if last.is_any(&["union", "except", "intersect", "all"]) => after(&[list::QUERIES, &["all"]]),
            _ => None,
        },
        Part::With => match last {
            last if last.mark(")") => after(&[list::QUERIES]),
            last if last.is("as") => after(&[&["materialized (", "not materialized ("]]),
            last if last.is("with") => after(&[&["recursive"]]),
            _ => after(&[&["as"]]),
        },
        Part::List if operand => {
            let mut wants = value();
            wants.push(Want::Keywords(list::AFTER_LIST));
            Some((wants, false))
        }
        Part::List => after(&[list::AFTER_LIST, list::OPERATORS, list::AFTER_CONDITION]),
        Part::Source => {
            let joins = last.is("join");
            Some((source(joins), joins))
        }
        Part::Sources => {
            // Still the name after a full stop, or complete?
            let joined = words[..began].iter().rev().take(4).any(|word| word.is("join"));
            if joined {
                return after(&[list::AFTER_JOINED, list::AFTER_SOURCE]);
            }
            after(&[list::AFTER_SOURCE])
        }
        Part::On if last.is("on") => {
            let mut wants = vec![Want::Conditions];
            wants.extend(value());
            Some((wants, true))
        }
        Part::On if operand => values(),
        Part::On => after(&[list::OPERATORS, list::AFTER_SOURCE]),
        Part::Where | Part::Having if operand => values(),
        Part::Where | Part::Having => after(&[list::OPERATORS, list::AFTER_CONDITION]),
        Part::Group if operand => {
            let mut wants = value();
            wants.insert(1, Want::Outputs);
            Some((wants, false))
        }
        Part::Group => after(&[list::AFTER_GROUP]),
        Part::Order if operand => {
            let mut wants = value();
            wants.insert(1, Want::Outputs);
            Some((wants, false))
        }
        Part::Order => after(&[list::AFTER_ORDER, list::OPERATORS]),
        Part::Limit => after(&[list::AFTER_LIMIT]),
        Part::Into => Some((vec![Want::Relations(Relations::Tables, None), Want::Schemas(true)], false)),
        Part::Inserted => after(&[list::AFTER_INSERT, &["on conflict", "returning", "using"]]),
        Part::Values if operand => {
            Some((vec![Want::Functions(None), Want::Keywords(list::DEFAULT), Want::Keywords(list::VALUE)], false))
        }
        Part::Values => after(&[list::AFTER_VALUES, list::AFTER_CONDITION]),
        Part::Update => match since.len() {
            1 => Some((
                vec![Want::Relations(Relations::Tables, None), Want::Schemas(true), Want::Keywords(&["only"])],
                false,
            )),
            _ => after(&[&["set", "as"]]),
        },
        Part::Set if last.is("set") || last.mark(",") => {
            let target = words
                .iter()
                .position(|word| word.is("update"))
                .and_then(|update| {
                    let from = update + 1 + usize::from(words.get(update + 1).is_some_and(|word| word.is("only")));
                    written(words.get(from..)?)
                })
                .map(|(written, _)| written);
            let target = match target {
                Some(target) if target.name != "set" => Some(target),
                _ => inserted(words),
            };
            Some((vec![Want::TargetColumns(target?)], false))
        }
        Part::Set if operand => {
            let mut wants = value();
            wants.push(Want::Keywords(list::DEFAULT));
            Some((wants, false))
        }
        Part::Set => after(&[list::AFTER_SET, list::OPERATORS]),
        Part::Delete => after(&[&["from"]]),
        Part::Other if last.is("insert") || last.is("merge") => after(&[&["into"]]),
        Part::Other if last.is("for") => after(&[&["update", "share", "no key update", "key share"]]),
        Part::Other => after(&[&["nowait", "skip locked", "of"]]),
    }
}
