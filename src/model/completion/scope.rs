//! What a statement reads and writes, query by query: sources with their aliases, WITH queries, the columns a select list
//! gives. Found in one pass over the words on both sides of the cursor, whatever is missing. It must not know a catalogue.

use super::Written;
use super::words::Word;
use crate::model::sql::{Reserved, TokenKind, keyword};

/// Queries within one another deeper than this are not looked into: no person wrote them.
const DEEPEST: usize = 64;

/// Words before UPDATE where it is the statement.
const LEADS: &[&str] = &["explain", "analyze", "verbose"];

/// What a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// A relation, or a WITH query of that name.
    Relation(Written),
    /// A query in parentheses: its number in the [`Scope`].
    Query(usize),
    /// A function.
    Function(Written),
}

/// A row source of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub of: Of,
    /// What it is called here, if not by its own name.
    pub alias: Option<String>,
    /// What its columns are called here: `(a, b)` after the alias.
    pub renamed: Vec<String>,
}

impl Source {
    /// The name that a column of it is qualified with.
    pub fn label(&self) -> Option<&str> {
        match (&self.alias, &self.of) {
            (Some(alias), _) => Some(alias),
            (None, Of::Relation(written) | Of::Function(written)) => Some(&written.name),
            (None, Of::Query(_)) => None,
        }
    }
}

/// A WITH query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cte {
    pub name: String,
    pub renamed: Vec<String>,
    pub query: Option<usize>,
}

/// A column that a select list gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// By its name; and what it is of, where it is a plain column.
    Named(String, Option<(Option<String>, String)>),
    /// `*`.
    All,
    /// `o.*`.
    AllOf(String),
}

/// One SELECT, or a statement that is like one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub parent: Option<usize>,
    /// Whether it sees the sources of the query around it (not: in FROM without LATERAL, in WITH).
    pub sees_out: bool,
    pub sources: Vec<Source>,
    pub ctes: Vec<Cte>,
    pub outputs: Vec<Output>,
}

/// The queries of a statement, and which of them the cursor is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    pub(super) queries: Vec<Query>,
    pub(super) here: usize,
    /// How many sources of the cursor's query are written before the cursor.
    pub(super) before: usize,
}

impl Scope {
    /// Sources that can be named at the cursor, those of the innermost query first.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let mut next = Some(self.here);
        std::iter::from_fn(move || {
            let query = self.queries.get(next?)?;
            next = query.parent.filter(|_| query.sees_out);
            Some(query)
        })
        .flat_map(|query| &query.sources)
    }

    /// Sources written before the cursor in its own query, in order.
    pub fn sources_before(&self) -> &[Source] {
        self.queries.get(self.here).map_or(&[], |query| &query.sources[..self.before.min(query.sources.len())])
    }

    /// Names of WITH queries that can be seen at the cursor.
    pub fn ctes(&self) -> impl Iterator<Item = &str> {
        let mut next = Some(self.here);
        std::iter::from_fn(move || {
            let query = self.queries.get(next?)?;
            next = query.parent;
            Some(query)
        })
        .flat_map(|query| query.ctes.iter().map(|cte| cte.name.as_str()))
    }
}

/// Reads a statement. `left` are the words before the cursor.
pub(super) fn scope(left: &[Word<'_>], right: &[Word<'_>]) -> Scope {
    let words: Vec<Word<'_>> = left.iter().chain(right).copied().collect();
    let mut reader = Reader { close: closes(&words), words, cursor: left.len(), scope: Scope::default() };
    let end = reader.words.len();
    reader.query(0, end, None, true, 0);
    reader.scope
}

/// For each opening parenthesis where it closes; the end, where it does not.
fn closes(words: &[Word<'_>]) -> Vec<usize> {
    let mut close = vec![words.len(); words.len()];
    let mut open = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if word.mark("(") {
            open.push(at);
        } else if word.mark(")")
            && let Some(from) = open.pop()
        {
            close[from] = at;
        }
    }
    close
}

/// Whether words begin a query.
pub(super) fn begins_query(word: &Word<'_>) -> bool {
    word.is_any(&["select", "with", "values", "insert", "update", "delete", "merge", "table"])
}

/// Where in a query one is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Other,
    List,
    /// A source is expected.
    Source,
    /// A source has been read.
    Sources,
}

struct Reader<'a> {
    words: Vec<Word<'a>>,
    close: Vec<usize>,
    cursor: usize,
    scope: Scope,
}

impl Reader<'_> {
    /// Reads words `at..end` as a query; its number.
    #[expect(clippy::if_same_then_else, reason = "a rule a line")]
    fn query(&mut self, mut at: usize, end: usize, parent: Option<usize>, sees_out: bool, depth: usize) -> usize {
        let first = self.begin(at, end, parent, sees_out);
        let mut own = first;
        let mut part = Part::Other;
        let mut item = at;
        let (mut deletes, mut updates) = (false, false);
        while at < end {
            let word = self.words[at];
            if word.mark("(") {
                let close = self.close[at].min(end);
                if part == Part::Source {
                    at = self.source(own, at, end, depth);
                    part = Part::Sources;
                } else {
                    self.group(at + 1, close, own, true, depth);
                    at = close + 1;
                }
                continue;
            }
            if word.is("from") && at > 0 && self.words[at - 1].is("distinct") {
                at += 1;
                continue;
            }
            if part == Part::List && (word.mark(",") || word.is_any(&["from", "union", "except", "intersect", "into"]))
            {
                self.output(own, item, at);
                item = at + 1;
            }
            let before = at.checked_sub(1).map(|before| self.words[before]);
            if word.is("with") && part == Part::Other {
                at = self.ctes(own, at + 1, end, depth);
                continue;
            } else if word.is_any(&["select", "returning"]) {
                part = Part::List;
                item = at + 1;
                while self.words.get(item).is_some_and(|word| word.is_any(&["distinct", "all"])) {
                    item += 1;
                }
                if self.words.get(item).is_some_and(|word| word.is("on")) {
                    item = self.close.get(item + 1).map_or(end, |close| close + 1).min(end);
                }
                at = item;
                continue;
            } else if word.is_any(&["union", "except", "intersect"]) {
                // Another SELECT with sources of its own; WITH queries hold for all of them.
                let ctes = self.scope.queries[own].ctes.clone();
                own = self.begin(at + 1, end, parent, sees_out);
                self.scope.queries[own].ctes = ctes;
                part = Part::Other;
            } else if word.is_any(&["delete", "merge"]) {
                deletes = true;
            } else if word.is("from") && (part != Part::Other || deletes || updates) {
                part = Part::Source;
            } else if word.is("join") || (word.is("using") && deletes && part == Part::Sources) {
                part = Part::Source;
            } else if word.is("into") && before.is_some_and(|before| before.is_any(&["insert", "merge"])) {
                part = Part::Source;
            } else if word.is("update")
                && before.is_none_or(|before| before.is_any(LEADS) || before.mark(")") || before.mark("("))
            {
                (part, updates) = (Part::Source, true);
            } else if word.mark(",") && part == Part::Sources {
                part = Part::Source;
            } else if word.is_any(&[
                "where", "group", "having", "order", "limit", "offset", "window", "set", "values", "fetch", "for",
            ]) && part != Part::Other
            {
                if part == Part::List {
                    self.output(own, item, at);
                }
                part = Part::Other;
            } else if part == Part::Source {
                at = self.source(own, at, end, depth);
                part = Part::Sources;
                continue;
            }
            at += 1;
        }
        if part == Part::List {
            self.output(own, item, end);
        }
        first
    }

    fn begin(&mut self, at: usize, end: usize, parent: Option<usize>, sees_out: bool) -> usize {
        let number = self.scope.queries.len();
        self.scope.queries.push(Query { parent, sees_out, ..Query::default() });
        // The cursor stands before the word of its number. Inner queries come later and take it over.
        if at <= self.cursor && self.cursor <= end {
            (self.scope.here, self.scope.before) = (number, 0);
        }
        number
    }

    /// Looks into parentheses for queries.
    fn group(&mut self, mut at: usize, end: usize, own: usize, sees_out: bool, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        if self.words.get(at).is_some_and(|word| at < end && begins_query(word)) {
            self.query(at, end, Some(own), sees_out, depth + 1);
            return;
        }
        while at < end {
            if self.words[at].mark("(") {
                let close = self.close[at].min(end);
                self.group(at + 1, close, own, true, depth + 1);
                at = close;
            }
            at += 1;
        }
    }

    /// Reads `name [(columns)] AS [[NOT] MATERIALIZED] (query), …`; where it stopped.
    fn ctes(&mut self, own: usize, mut at: usize, end: usize, depth: usize) -> usize {
        if self.words.get(at).is_some_and(|word| word.is("recursive")) {
            at += 1;
        }
        loop {
            let Some(name) = self.words.get(at).filter(|_| at < end).and_then(Word::name) else { return at };
            at += 1;
            let mut renamed = Vec::new();
            if self.words.get(at).is_some_and(|word| at < end && word.mark("(")) {
                let close = self.close[at].min(end);
                renamed = self.names(at + 1, close);
                at = close + 1;
            }
            while self.words.get(at).is_some_and(|word| at < end && word.is_any(&["as", "not", "materialized"])) {
                at += 1;
            }
            if !self.words.get(at).is_some_and(|word| at < end && word.mark("(")) {
                self.scope.queries[own].ctes.push(Cte { name, renamed, query: None });
                return at;
            }
            let close = self.close[at].min(end);
            // Known before its own text is read: a recursive one names itself.
            let query = Some(self.scope.queries.len()).filter(|_| depth <= DEEPEST);
            self.scope.queries[own].ctes.push(Cte { name, renamed, query });
            if depth <= DEEPEST {
                self.query(at + 1, close, Some(own), false, depth + 1);
            }
            at = close + 1;
            if !self.words.get(at).is_some_and(|word| at < end && word.mark(",")) {
                return at;
            }
            at += 1;
        }
    }

    /// Reads one source with its alias; where it stopped.
    fn source(&mut self, own: usize, mut at: usize, end: usize, depth: usize) -> usize {
        let mut lateral = false;
        while self.words.get(at).is_some_and(|word| at < end && word.is_any(&["only", "lateral"])) {
            lateral |= self.words[at].is("lateral");
            at += 1;
        }
        let Some(word) = self.words.get(at).filter(|_| at < end).copied() else { return at };
        let of = if word.mark("(") {
            let close = self.close[at].min(end);
            let inner = self.words.get(at + 1).filter(|_| at + 1 < close).copied();
            // An empty one is about to be written.
            let is_query = inner.is_none_or(|inner| begins_query(&inner) || inner.mark("("));
            if !is_query {
                // A join in parentheses: its sources are ours.
                let mut from = at + 1;
                let mut expects = true;
                while from < close {
                    let word = self.words[from];
                    if expects {
                        let next = self.source(own, from, close, depth);
                        (from, expects) = (next.max(from + 1), false);
                        continue;
                    }
                    if word.mark("(") {
                        let inner = self.close[from].min(close);
                        self.group(from + 1, inner, own, true, depth + 1);
                        from = inner;
                    }
                    expects = word.is("join") || word.mark(",");
                    from += 1;
                }
                return close + 1;
            }
            let query = self.scope.queries.len();
            if depth > DEEPEST {
                return close + 1;
            }
            self.query(at + 1, close, Some(own), lateral, depth + 1);
            at = close + 1;
            Of::Query(query)
        } else {
            let Some(first) = word.name() else { return at };
            let mut parts = vec![first];
            at += 1;
            while at + 1 < end && self.words[at].mark(".") {
                let Some(part) =
                    self.words[at + 1].name().or_else(|| Some(self.words[at + 1].text.to_ascii_lowercase()))
                else {
                    break;
                };
                parts.push(part);
                at += 2;
            }
            let name = parts.pop().unwrap_or_default();
            let written = Written { schema: parts.pop(), name };
            if self.words.get(at).is_some_and(|word| at < end && word.mark("*")) {
                at += 1;
            }
            // INSERT INTO t (columns): no call.
            let inserts = self.words[..at].iter().rev().take(6).any(|word| word.is("into"))
                && self.scope.queries[own].sources.is_empty();
            if !inserts && self.words.get(at).is_some_and(|word| at < end && word.mark("(")) {
                let close = self.close[at].min(end);
                self.group(at + 1, close, own, true, depth);
                at = close + 1;
                Of::Function(written)
            } else {
                Of::Relation(written)
            }
        };
        let mut source = Source { of, alias: None, renamed: Vec::new() };
        if self.words.get(at).is_some_and(|word| at < end && word.is("with"))
            && self.words.get(at + 1).is_some_and(|word| word.is("ordinality"))
        {
            at += 2;
        }
        let after_as = self.words.get(at).is_some_and(|word| at < end && word.is("as"));
        at += usize::from(after_as);
        // The words of the cursor's two sides do not meet: an alias is written on one of them.
        if let Some(word) =
            self.words.get(at).filter(|_| at < end && (after_as || at != self.cursor || self.cursor == 0))
            && (after_as || is_alias(word))
            && let Some(alias) = word.name()
        {
            source.alias = Some(alias);
            at += 1;
            if self.words.get(at).is_some_and(|word| at < end && word.mark("("))
                && !matches!(&source.of, Of::Relation(_) if self.is_insert(at))
            {
                let close = self.close[at].min(end);
                source.renamed = self.names(at + 1, close);
                at = close + 1;
            }
        }
        let query = &mut self.scope.queries[own];
        query.sources.push(source);
        if own == self.scope.here && at <= self.cursor {
            self.scope.before = query.sources.len();
        }
        at
    }

    fn is_insert(&self, at: usize) -> bool {
        self.words[..at].iter().rev().take(8).any(|word| word.is("into"))
    }

    /// Names at the beginning of the items of a list.
    fn names(&self, from: usize, to: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut fresh = true;
        for word in &self.words[from.min(to)..to] {
            if fresh {
                names.extend(word.name());
            }
            fresh = word.mark(",");
        }
        names
    }

    /// One item of a select list.
    fn output(&mut self, own: usize, from: usize, to: usize) {
        let words = &self.words[from.min(to)..to];
        let Some(last) = words.last() else { return };
        let dotted = words.len() >= 2 && words[words.len() - 2].mark(".");
        let output = if last.text == "*" && words.len() == 1 {
            Output::All
        } else if last.text == "*" && dotted && words.len() >= 3 {
            match words[words.len() - 3].name() {
                Some(of) => Output::AllOf(of),
                None => return,
            }
        } else if let Some(name) = last.name().filter(|_| last.ends_value() && !last.mark(")")) {
            let of = match words {
                [_] => Some((None, name.clone())),
                [qualifier, dot, _] if dot.mark(".") => Some((qualifier.name(), name.clone())),
                [column, middle @ .., _] if middle.is_empty() || middle.last().is_some_and(|word| word.is("as")) => {
                    match (middle, column.name()) {
                        ([] | [_], Some(column)) => Some((None, column)),
                        ([dot, column_name, _], Some(qualifier)) if dot.mark(".") => {
                            column_name.name().map(|column| (Some(qualifier), column))
                        }
                        _ => None,
                    }
                }
                _ => None,
            };
            Output::Named(name, of)
        } else if last.mark(")") {
            // A call is named by its function.
            let open = words.iter().position(|word| word.mark("("));
            match open.and_then(|open| open.checked_sub(1)).and_then(|at| words[at].name()) {
                Some(name) => Output::Named(name, None),
                None => return,
            }
        } else {
            return;
        };
        self.scope.queries[own].outputs.push(output);
    }
}

fn is_alias(word: &Word<'_>) -> bool {
    match word.kind {
        TokenKind::Identifier | TokenKind::QuotedIdentifier => true,
        TokenKind::Keyword => {
            matches!(keyword(word.text), Some(Reserved::No | Reserved::ColumnName))
                && !word.is_any(&[
                    "set",
                    "values",
                    "overriding",
                    "partition",
                    "rows",
                    "owner",
                    "add",
                    "drop",
                    "rename",
                    "alter",
                ])
        }
        _ => false,
    }
}
