//! What belongs in statements that are no queries: SET, ALTER, DROP, GRANT, COPY and their like. It must not know queries.

use super::expect::{Level, types, value, written};
use super::keywords as list;
use super::words::Word;
use super::{Relations, Want, Written};

/// `None`: it is a query, or could become one. `Some(None)`: nothing can be said.
#[allow(clippy::option_option, reason = "not ours, nothing, something: three answers")]
pub(super) fn expect(levels: &[Level<'_>]) -> Option<Option<Vec<Want>>> {
    let top = &levels.first()?.words;
    let lead = top.first()?;
    let own = &levels.last()?.words;
    let nested = levels.len() > 1;
    let is_query = |level: &Level<'_>| level.words.first().is_some_and(super::scope::begins_query);
    if levels[1..].iter().any(is_query) {
        return None;
    }
    // The query within: CREATE VIEW … AS SELECT, COPY (SELECT …), PREPARE … AS.
    if nested && own.is_empty() && lead.is_any(&["copy", "create"]) && top.len() == 2 {
        return Some(Some(vec![Want::Keywords(list::QUERIES)]));
    }
    let rest = &top[1..];
    let answer = if lead.is_any(&["set", "reset", "show"]) {
        set(lead, rest)
    } else if lead.is("explain") {
        Some(vec![Want::Keywords(if nested { list::EXPLAIN_OPTIONS } else { list::EXPLAIN })])
    } else if lead.is("alter") {
        alter(rest, levels)
    } else if lead.is("drop") {
        drop_of(rest)
    } else if lead.is("create") {
        return create(rest, levels);
    } else if lead.is_any(&["grant", "revoke"]) {
        grant(rest)
    } else if lead.is_any(&["truncate", "vacuum", "analyze", "analyse", "cluster", "reindex", "lock", "refresh"]) {
        maintain(lead, rest, nested)
    } else if lead.is("copy") {
        copy(rest, levels)
    } else if lead.is("comment") {
        match rest {
            [] => keywords(&["on"]),
            [_] => keywords(list::OBJECTS),
            [_, kind] if kind.is("column") => Some(relations(Relations::Rows)),
            [_, kind] if kind.is("materialized") => keywords(&["view"]),
            [_, kind] => object(kind, None),
            [_, before, kind] if before.is("materialized") => object(kind, Some(before)),
            _ => keywords(&["is"]),
        }
    } else if lead.is("call") {
        match (rest, nested) {
            ([], false) => Some(vec![Want::Procedures(None), Want::Schemas(true)]),
            (_, true) => Some(value()),
            _ => None,
        }
    } else if lead.is_any(&["begin", "start", "commit", "rollback", "end", "abort"]) {
        keywords(match rest.last() {
            None if lead.is("rollback") => &["to savepoint", "prepared", "and chain", "work"],
            None if lead.is("start") => &["transaction"],
            _ => list::TRANSACTION,
        })
    } else if lead.is("discard") {
        keywords(&["all", "plans", "sequences", "temp"])
    } else if lead.is("reassign") {
        match rest.last() {
            None => keywords(&["owned by"]),
            Some(word) if word.is_any(&["by", "to"]) => Some(vec![Want::Roles]),
            Some(word) if word.is("owned") => keywords(&["by"]),
            Some(_) => keywords(&["to"]),
        }
    } else if lead.is("do")
        || lead.is_any(&[
            "listen",
            "unlisten",
            "notify",
            "savepoint",
            "release",
            "execute",
            "deallocate",
            "fetch",
            "close",
            "move",
            "import",
            "security",
        ])
    {
        None
    } else if lead.is_any(&["declare", "prepare"]) {
        return query_after(rest, &["for", "as"]);
    } else {
        return None;
    };
    Some(answer)
}

fn keywords(words: &'static [&'static str]) -> Option<Vec<Want>> {
    Some(vec![Want::Keywords(words)])
}

fn relations(kinds: Relations) -> Vec<Want> {
    vec![Want::Relations(kinds, None), Want::Schemas(true)]
}

/// A query after one of these words is read as one; before it nothing is known.
#[allow(clippy::option_option, reason = "as `expect`")]
fn query_after(rest: &[Word<'_>], words: &[&str]) -> Option<Option<Vec<Want>>> {
    match rest.iter().any(|word| word.is_any(words)) {
        true => None,
        false => Some(None),
    }
}

/// The parameter that words set, where a value of it is next; `false` where it takes no value of its own kind.
pub(super) fn assigned(left: &[Word<'_>]) -> Option<(String, bool)> {
    let (last, rest) = left.split_last()?;
    let set = rest.iter().rposition(|word| word.is("set"))?;
    // ALTER ROLE … SET and ALTER DATABASE … SET take the same; UPDATE … SET does not.
    if set > 0 && !left[0].is("alter")
        || left[0].is("alter") && !left.get(1)?.is_any(&["role", "user", "database", "system"])
    {
        return None;
    }
    if !last.mark("=") && !last.is("to") && !last.mark(",") {
        return None;
    }
    let mut at = set + 1;
    while rest.get(at).is_some_and(|word| word.is_any(&["local", "session"])) {
        at += 1;
    }
    let name: String = rest[at..]
        .iter()
        .take_while(|word| word.name().is_some() && !word.is("to") || word.mark("."))
        .map(|word| word.text)
        .collect();
    (!name.is_empty()).then(|| (name.to_ascii_lowercase(), true))
}

fn set(lead: &Word<'_>, rest: &[Word<'_>]) -> Option<Vec<Want>> {
    if lead.is("reset") || lead.is("show") {
        let words = if lead.is("reset") { list::RESET } else { list::SHOW };
        return rest.is_empty().then(|| vec![Want::Settings, Want::Keywords(words)]);
    }
    let mut rest = rest;
    while rest.first().is_some_and(|word| word.is_any(&["local", "session"])) {
        if rest.len() > 1 && rest[1].is_any(&["authorization", "characteristics"]) {
            break;
        }
        rest = &rest[1..];
    }
    match rest {
        [] => Some(vec![Want::Settings, Want::Keywords(list::SET)]),
        [role] if role.is("role") => Some(vec![Want::Roles, Want::Keywords(list::NONE)]),
        [.., last] if last.is("authorization") => Some(vec![Want::Roles, Want::Keywords(list::NONE)]),
        [first, ..] if first.is("transaction") => keywords(list::TRANSACTION),
        [first, ..] if first.is_any(&["session"]) => keywords(list::TRANSACTION),
        [first, ..] if first.is("constraints") => keywords(&["all", "deferred", "immediate"]),
        [.., last] if last.mark("=") || last.is("to") || last.mark(",") => {
            let name: String = rest
                .iter()
                .take_while(|word| !word.mark("=") && !word.is("to"))
                .map(|word| word.text.to_ascii_lowercase())
                .collect();
            Some(assignable(&name))
        }
        [_] => keywords(list::TO),
        _ => None,
    }
}

/// What can be given to a parameter.
fn assignable(name: &str) -> Vec<Want> {
    match name {
        "search_path" => vec![Want::Schemas(false), Want::Keywords(list::DEFAULT)],
        "role" | "session_authorization" => vec![Want::Roles, Want::Keywords(list::NONE)],
        _ => vec![Want::Values(name.to_owned()), Want::Keywords(list::DEFAULT)],
    }
}

/// Names of a kind of objects.
fn object(kind: &Word<'_>, before: Option<&Word<'_>>) -> Option<Vec<Want>> {
    let after = |word: &str| before.is_some_and(|before| before.is(word));
    Some(if kind.is("view") && after("materialized") {
        relations(Relations::Materialized)
    } else if kind.is("view") {
        relations(Relations::Views)
    } else if kind.is("table") {
        relations(Relations::Tables)
    } else if kind.is("sequence") {
        relations(Relations::Sequences)
    } else if kind.is("index") {
        relations(Relations::Indexes)
    } else if kind.is_any(&["function", "aggregate"]) {
        vec![Want::Functions(None), Want::Schemas(true)]
    } else if kind.is("procedure") {
        vec![Want::Procedures(None), Want::Schemas(true)]
    } else if kind.is("routine") {
        vec![Want::Functions(None), Want::Procedures(None), Want::Schemas(true)]
    } else if kind.is_any(&["type", "domain"]) {
        types()
    } else if kind.is("schema") {
        vec![Want::Schemas(false)]
    } else if kind.is_any(&["role", "user", "group"]) {
        vec![Want::Roles]
    } else if kind.is("database") {
        vec![Want::Databases]
    } else if kind.is("extension") {
        vec![Want::Extensions]
    } else {
        return None;
    })
}

/// Without IF EXISTS, IF NOT EXISTS, CONCURRENTLY, ONLY.
fn bare<'a>(words: &[Word<'a>]) -> Vec<Word<'a>> {
    let noise = ["if", "not", "exists", "concurrently", "only"];
    let mut kept: Vec<Word<'a>> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        // NOT NULL and NOT VALID are no noise.
        let not = word.is("not") && !words.get(at + 1).is_some_and(|next| next.is("exists"));
        if !word.is_any(&noise) || not {
            kept.push(*word);
        }
    }
    kept
}

fn drop_of(rest: &[Word<'_>]) -> Option<Vec<Want>> {
    let words = bare(rest);
    match words.as_slice() {
        [] => keywords(list::OBJECTS),
        [kind] if kind.is_any(&["materialized"]) => keywords(&["view"]),
        [kind] if kind.is_any(&["foreign"]) => keywords(&["table", "data wrapper"]),
        [kind] if kind.is("owned") => keywords(&["by"]),
        [.., by] if by.is("by") => Some(vec![Want::Roles]),
        [kind] => {
            let mut wants = object(kind, None)?;
            wants.push(Want::Keywords(list::DROP));
            Some(wants)
        }
        [before, kind] if before.is_any(&["materialized", "foreign"]) => object(kind, Some(before)),
        [kind, .., last] if last.mark(",") => object(kind, words.get(1).filter(|_| kind.is("materialized"))),
        [kind, .., on] if on.is("on") && kind.is_any(&["trigger", "policy", "rule"]) => {
            Some(relations(Relations::Tables))
        }
        _ => keywords(list::DROP),
    }
}

fn alter(rest: &[Word<'_>], levels: &[Level<'_>]) -> Option<Vec<Want>> {
    let words = bare(rest);
    let (kind, tail) = match words.as_slice() {
        [] => return keywords(list::OBJECTS),
        [before, kind, tail @ ..] if before.is_any(&["materialized", "foreign"]) => (kind, tail),
        [before] if before.is("materialized") => return keywords(&["view"]),
        [before] if before.is("foreign") => return keywords(&["table"]),
        [kind, tail @ ..] => (kind, tail),
    };
    let before = words.first().filter(|word| word.is("materialized"));
    if tail.is_empty() {
        if kind.is("system") {
            return keywords(&["set", "reset"]);
        }
        return object(kind, before);
    }
    if kind.is("system") || kind.is_any(&["role", "user", "database"]) && tail.iter().any(|word| word.is("set")) {
        let set = tail.iter().position(|word| word.is("set")).map_or(0, |set| set + 1);
        let mark = Word { text: "set", kind: crate::model::sql::TokenKind::Keyword, apart: false };
        return self::set(&mark, &tail[set..]);
    }
    let last = *tail.last()?;
    if last.is("to") && tail.len() > 1 && tail[tail.len() - 2].is("owner") {
        return Some(vec![Want::Roles]);
    }
    if last.is("schema") && tail.len() > 1 && tail[tail.len() - 2].is("set") {
        return Some(vec![Want::Schemas(false)]);
    }
    if !kind.is_any(&["table", "view"]) {
        return match kind {
            kind if kind.is("type") => keywords(&["add value", "rename to", "rename value", "owner to", "set schema"]),
            kind if kind.is_any(&["role", "user"]) => keywords(&[
                "set",
                "reset",
                "rename to",
                "with",
                "password",
                "login",
                "nologin",
                "valid until",
                "connection limit",
                "createdb",
                "in database",
            ]),
            kind if kind.is("database") => keywords(&["set", "reset", "rename to", "owner to", "connection limit"]),
            kind if kind.is("sequence") => {
                keywords(&["restart with", "increment by", "owned by", "owner to", "rename to", "set schema", "as"])
            }
            _ => keywords(&["rename to", "owner to", "set schema", "set", "reset", "depends on extension"]),
        };
    }
    let (table, taken) = written(tail)?;
    let action: Vec<Word<'_>> = {
        // Actions are apart by commas; the last one counts.
        let from = tail.iter().rposition(|word| word.mark(",")).map_or(taken, |at| at + 1);
        tail[from..].to_vec()
    };
    let nested = levels.len() > 1;
    if nested {
        return constrained(&action, table, levels);
    }
    let columns = |also: &'static [&'static str]| Some(vec![Want::TargetColumns(table.clone()), Want::Keywords(also)]);
    match action.as_slice() {
        [] => keywords(list::ALTER_TABLE),
        [verb] if verb.is_any(&["drop", "alter", "rename"]) => columns(list::COLUMN),
        [verb] if verb.is("add") => {
            keywords(&["column", "constraint", "primary key", "foreign key (", "unique (", "check ("])
        }
        [_, last] if last.is("column") && !action[0].is("add") => columns(&["if exists"]),
        [verb, column, .., last] if verb.is("alter") && column.is("column") && last.is("type") => Some(types()),
        [verb, .., last] if verb.is("alter") && last.is("type") => Some(types()),
        [verb, ..] if verb.is("alter") => keywords(list::ALTER_COLUMN),
        [verb, column, _] if verb.is("add") && column.is("column") => Some(types()),
        [verb, .., last] if verb.is("add") && last.is("references") => Some(relations(Relations::Tables)),
        [verb, ..] if verb.is("add") && action.len() > 1 => keywords(list::CONSTRAINTS),
        [verb, ..] if verb.is("drop") => keywords(&["cascade", "restrict"]),
        [verb, ..] if verb.is("rename") && action.len() > 1 => keywords(&["to"]),
        [verb, what] if verb.is_any(&["attach", "detach"]) && what.is("partition") => {
            Some(relations(Relations::Tables))
        }
        [verb] if verb.is("inherit") => Some(relations(Relations::Tables)),
        [verb, on] if verb.is("cluster") && on.is("on") => Some(relations(Relations::Indexes)),
        _ => keywords(list::ALTER_TABLE),
    }
}

/// In the parentheses of a constraint.
fn constrained(action: &[Word<'_>], table: Written, levels: &[Level<'_>]) -> Option<Vec<Want>> {
    let own = &levels.last()?.words;
    let fresh = own.last().is_none_or(|word| word.mark(","));
    // The group itself is the last word.
    let before = &action[..action.len().saturating_sub(1)];
    if let Some(at) = before.iter().rposition(|word| word.is("references")) {
        let (referred, _) = written(&before[at + 1..])?;
        return fresh.then(|| vec![Want::TargetColumns(referred)]);
    }
    if before.last().is_some_and(|word| word.is("check")) {
        return Some(vec![Want::TargetColumns(table), Want::Functions(None), Want::Keywords(list::OPERATORS)]);
    }
    fresh.then(|| vec![Want::TargetColumns(table)])
}

#[allow(clippy::option_option, reason = "as `expect`")]
fn create(rest: &[Word<'_>], levels: &[Level<'_>]) -> Option<Option<Vec<Want>>> {
    let own = &levels.last()?.words;
    let nested = levels.len() > 1;
    let words = bare(rest);
    let Some(kind) = words.iter().find(|word| {
        word.is_any(&[
            "table",
            "index",
            "view",
            "function",
            "procedure",
            "type",
            "domain",
            "trigger",
            "extension",
            "schema",
            "policy",
            "role",
            "user",
            "database",
            "sequence",
            "publication",
        ])
    }) else {
        let mut wants = vec![Want::Keywords(list::OBJECTS)];
        if !words.is_empty() {
            wants.insert(0, Want::Keywords(&["view", "function", "procedure", "index", "table", "trigger"]));
        }
        wants.push(Want::Keywords(list::CREATE));
        return Some(Some(wants));
    };
    let last = words.last();
    if kind.is_any(&["view", "table"]) && !nested && words.iter().any(|word| word.is("as")) {
        // The query that it is made of.
        let from = words.iter().position(|word| word.is("as"))?;
        return match from + 1 == words.len() {
            true => Some(keywords(list::QUERIES)),
            false => None,
        };
    }
    let answer = if kind.is("index") {
        let on = words.iter().position(|word| word.is("on"));
        match (on, nested) {
            (Some(on), true) => {
                let (table, _) = written(&words[on + 1..])?;
                Some(match own.last() {
                    Some(word) if word.ends_value() => vec![Want::Keywords(list::AFTER_ORDER)],
                    _ => vec![Want::TargetColumns(table), Want::Functions(None)],
                })
            }
            (Some(on), false) => match words.len() - on {
                1 => Some(relations_with_rows()),
                _ if last.is_some_and(|word| word.is("using")) => {
                    keywords(&["btree", "gin", "gist", "brin", "hash", "spgist"])
                }
                _ if last.is_some_and(|word| word.is("where") || word.is_any(&["and", "or", "not"])) => {
                    let (table, _) = written(&words[on + 1..])?;
                    Some(vec![Want::TargetColumns(table), Want::Functions(None)])
                }
                _ => keywords(&["using", "where", "include (", "with (", "tablespace"]),
            },
            _ => keywords(&["on", "if not exists", "concurrently"]),
        }
    } else if kind.is("table") && nested {
        let item: Vec<Word<'_>> = own.rsplit(|word| word.mark(",")).next().unwrap_or_default().to_vec();
        let top = levels.len() == 2;
        match item.as_slice() {
            _ if !top => {
                // REFERENCES t (, CHECK (, numeric(.
                let outer = &levels[levels.len() - 2].words;
                let before = &outer[..outer.len().saturating_sub(1)];
                match before.iter().rposition(|word| word.is("references")) {
                    Some(at) => written(&before[at + 1..]).map(|(table, _)| vec![Want::TargetColumns(table)]),
                    None if before.last().is_some_and(|word| word.is_any(&["check", "default"])) => {
                        Some(vec![Want::Functions(None), Want::Keywords(list::OPERATORS)])
                    }
                    None => None,
                }
            }
            [] => keywords(list::CONSTRAINTS),
            [.., last] if last.is_any(&["references", "like"]) => Some(relations(Relations::Tables)),
            [.., last] if last.is("default") => Some(vec![Want::Functions(None), Want::Keywords(list::VALUE)]),
            [first] if !first.is_any(&["constraint", "primary", "unique", "check", "foreign", "exclude"]) => {
                Some(types())
            }
            _ => keywords(list::CONSTRAINTS),
        }
    } else if kind.is("table") {
        match last {
            Some(word) if word.is("of") => {
                let partition = words.iter().any(|word| word.is("partition"));
                Some(if partition { relations(Relations::Tables) } else { types() })
            }
            Some(word) if word.is("table") => keywords(&["if not exists"]),
            _ => keywords(&[
                "as",
                "partition of",
                "partition by",
                "inherits (",
                "with (",
                "tablespace",
                "on commit drop",
                "of",
                "for values",
            ]),
        }
    } else if kind.is("trigger") {
        match last {
            Some(word) if word.is("on") => Some(relations(Relations::Rows)),
            Some(word) if word.is_any(&["function", "procedure"]) => {
                Some(vec![Want::Functions(None), Want::Schemas(true)])
            }
            Some(word) if word.is("of") => None,
            _ => keywords(&[
                "before",
                "after",
                "instead of",
                "insert",
                "update",
                "delete",
                "truncate",
                "or",
                "on",
                "for each row",
                "for each statement",
                "execute function",
                "when (",
            ]),
        }
    } else if kind.is("policy") {
        match last {
            Some(word) if word.is("on") => Some(relations(Relations::Tables)),
            Some(word) if word.is("to") => Some(vec![Want::Roles]),
            _ if nested => Some(value()),
            _ => keywords(&[
                "on",
                "as permissive",
                "as restrictive",
                "for all",
                "for select",
                "to",
                "using (",
                "with check (",
            ]),
        }
    } else if kind.is_any(&["function", "procedure"]) {
        let item = own.rsplit(|word| word.mark(",")).next().unwrap_or_default();
        match (nested, last) {
            (true, _) if item.len() == 1 || item.len() == 2 && item[0].is_any(&["in", "out", "inout", "variadic"]) => {
                Some(types())
            }
            (true, _) => None,
            (false, Some(word)) if word.is_any(&["returns", "setof"]) => Some(types()),
            (false, Some(word)) if word.is("language") => keywords(&["sql", "plpgsql"]),
            (false, Some(word)) if word.is_any(&["function", "procedure"]) => {
                Some(vec![Want::Functions(None), Want::Schemas(true)])
            }
            _ => keywords(list::FUNCTION),
        }
    } else if kind.is("domain") && last.is_some_and(|word| word.is("as")) {
        Some(types())
    } else if kind.is("schema") {
        match last {
            Some(word) if word.is("authorization") => Some(vec![Want::Roles]),
            _ => keywords(&["if not exists", "authorization"]),
        }
    } else if kind.is("database") {
        match last {
            Some(word) if word.is("template") => Some(vec![Want::Databases]),
            Some(word) if word.is("owner") => Some(vec![Want::Roles]),
            _ => keywords(&["owner", "template", "encoding", "with", "connection limit"]),
        }
    } else if kind.is("publication") && last.is_some_and(|word| word.is("table") || word.mark(",")) {
        Some(relations(Relations::Tables))
    } else if kind.is("sequence") && last.is_some_and(|word| word.is("as")) {
        Some(types())
    } else {
        keywords(list::CREATE)
    };
    Some(answer)
}

fn relations_with_rows() -> Vec<Want> {
    vec![Want::Relations(Relations::Tables, None), Want::Relations(Relations::Materialized, None), Want::Schemas(true)]
}

fn grant(rest: &[Word<'_>]) -> Option<Vec<Want>> {
    let Some(last) = rest.last() else { return Some(vec![Want::Keywords(list::PRIVILEGES), Want::Roles]) };
    let on = rest.iter().position(|word| word.is("on"));
    let receives = rest.iter().rposition(|word| word.is_any(&["to", "from"]));
    match (on, receives) {
        (_, Some(at)) => match at + 1 == rest.len() || last.mark(",") {
            true => Some(vec![Want::Roles, Want::Keywords(&["public", "current_user"])]),
            false => keywords(list::AFTER_GRANTED),
        },
        (None, None) if last.mark(",") => Some(vec![Want::Keywords(list::PRIVILEGES), Want::Roles]),
        (None, None) => keywords(list::ON),
        (Some(on), None) => {
            let words = &rest[on + 1..];
            match words {
                [] => {
                    let mut wants = relations(Relations::Rows);
                    wants.push(Want::Keywords(list::GRANT_ON));
                    Some(wants)
                }
                [all, .., schema] if all.is("all") && schema.is("schema") => Some(vec![Want::Schemas(false)]),
                [kind] if object(kind, None).is_some() => object(kind, None),
                [kind, .., comma] if comma.mark(",") => object(kind, None).or_else(|| Some(relations(Relations::Rows))),
                _ => keywords(list::AFTER_GRANTED),
            }
        }
    }
}

fn maintain(lead: &Word<'_>, rest: &[Word<'_>], nested: bool) -> Option<Vec<Want>> {
    let words = bare(rest);
    if nested {
        // VACUUM (ANALYZE) t, ANALYZE t (column).
        return match written(&words).filter(|_| !words.first().is_some_and(|word| word.mark("("))) {
            Some((table, _)) => Some(vec![Want::TargetColumns(table)]),
            None => keywords(&[
                "analyze",
                "verbose",
                "full",
                "freeze",
                "parallel",
                "skip_locked",
                "index_cleanup",
                "concurrently",
            ]),
        };
    }
    let kinds = match lead {
        lead if lead.is("refresh") => Relations::Materialized,
        lead if lead.is("truncate") || lead.is("lock") => Relations::Tables,
        _ => Relations::Rows,
    };
    if lead.is("reindex") {
        return match words.last() {
            None => keywords(&["table", "index", "schema", "database", "system"]),
            Some(kind) => object(kind, None),
        };
    }
    if lead.is("refresh") && words.len() < 2 {
        return keywords(&["materialized view", "materialized view concurrently", "view"]);
    }
    let noise = ["table", "full", "freeze", "verbose", "analyze", "materialized", "view"];
    let named = words.iter().filter(|word| !word.is_any(&noise) && !word.mark(")")).count();
    let next = words.last().is_none_or(|word| word.mark(",") || word.is_any(&noise) || word.mark(")"));
    if named == 0 || next {
        let mut wants = relations(kinds);
        wants.push(Want::Keywords(list::MAINTENANCE));
        return Some(wants);
    }
    match lead {
        lead if lead.is("lock") => keywords(list::LOCK),
        lead if lead.is("truncate") => keywords(&["cascade", "restart identity", "continue identity", "restrict"]),
        lead if lead.is("refresh") => keywords(&["with no data", "with data"]),
        lead if lead.is("cluster") => match words.last() {
            Some(word) if word.is("using") => Some(relations(Relations::Indexes)),
            _ => keywords(&["using"]),
        },
        _ => None,
    }
}

fn copy(rest: &[Word<'_>], levels: &[Level<'_>]) -> Option<Vec<Want>> {
    let nested = levels.len() > 1;
    match rest {
        [] => Some(relations(Relations::Rows)),
        _ if nested && rest.iter().any(|word| word.is("with") || word.is_any(&["stdin", "stdout"])) => {
            keywords(list::COPY_OPTIONS)
        }
        _ if nested => written(rest).map(|(table, _)| vec![Want::TargetColumns(table)]),
        [.., last] if last.is("from") => keywords(&["stdin", "program"]),
        [.., last] if last.is("to") => keywords(&["stdout", "program"]),
        _ => keywords(list::COPY),
    }
}
