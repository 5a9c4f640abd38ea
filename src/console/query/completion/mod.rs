//! Completion in the editor: what is known of the database's names, and the popup with candidates. It opens as one types
//! and never takes a key that would have meant something else: Enter chooses only after one has moved in the list. It
//! must not know how names are loaded.

mod candidate;
mod hint;
mod joins;
mod popup;
mod ranking;
mod view;
mod writing;

pub(super) use hint::refresh;
pub use popup::{CHOOSE, Choose};
pub(super) use popup::{follow, open, press, tab};
pub(super) use view::{draw, rows};

use super::buffer::Place;
use super::editor::Editor;
use super::order::{Names, News, Order};
use super::pane::Pane;
use crate::model::Transaction;
use crate::model::catalogue::Catalogue;
use crate::model::completion::{Expected, expect};
use crate::model::sql::{self, TokenKind, tokens};
use candidate::Candidate;
use popup::Popup;
use std::ops::Range;
use std::sync::Arc;

/// Bytes before and behind the cursor that are looked at for candidates: more than a statement that people write.
const WINDOW: usize = 48 << 10;

/// What completion knows and shows.
#[derive(Clone, Debug)]
pub(super) struct Completion {
    names: Arc<Catalogue>,
    /// Why there are no names, if they could not be loaded.
    pub failed: Option<String>,
    /// The search path that was set in this session, where it was.
    path: Option<Vec<String>>,
    /// Names may have changed since they were loaded.
    stale: bool,
    /// Opens as one types.
    pub unasked: bool,
    pub popup: Option<Popup>,
    /// What is said of the call at the cursor.
    pub hint: Option<hint::Hint>,
    hinted: Option<hint::Asked>,
}

impl Default for Completion {
    fn default() -> Completion {
        Completion {
            names: Arc::default(),
            failed: None,
            path: None,
            stale: false,
            unasked: true,
            popup: None,
            hint: None,
            hinted: None,
        }
    }
}

impl Completion {
    /// The names, as they were loaded last.
    pub fn names(&self) -> &Arc<Catalogue> {
        &self.names
    }

    /// The schemas names are looked up in: as this session has set them, where it has.
    pub fn search_path(&self) -> &[String] {
        self.path.as_deref().unwrap_or_else(|| self.names.search_path())
    }

    /// Takes what was loaded.
    pub fn take(&mut self, names: Names) {
        match names {
            Names::Ready(names) => (self.names, self.failed) = (names, None),
            // What was known before is better than nothing.
            Names::Failed(why) => self.failed = Some(why),
        }
    }

    /// The names are of another database than the session by now.
    pub fn forget(&mut self) {
        *self = Completion { unasked: self.unasked, ..Completion::default() };
    }

    /// Whether names are there.
    pub fn has_names(&self) -> bool {
        !self.names.search_path().is_empty()
    }

    /// The text as the history may keep it, as far as the names of columns and parameters tell, too.
    pub fn kept(&self, text: &str) -> Option<String> {
        sql::kept(text, self)
    }

    /// What can be put at the editor's cursor, and where.
    fn look(&self, editor: &Editor) -> Option<(Range<Place>, Expected, Vec<Candidate>)> {
        let (text, first, cursor) = window(editor, WINDOW, WINDOW);
        let expected = expect(&text, cursor)?;
        let candidates = ranking::candidates(&expected, &self.names, self.search_path());
        let place = |offset: usize| {
            let head = &text[..offset];
            let lines = head.bytes().filter(|byte| *byte == b'\n').count();
            Place { line: first + lines, byte: head.len() - head.rfind('\n').map_or(0, |at| at + 1) }
        };
        Some((place(expected.range.start)..place(expected.range.end), expected, candidates))
    }
}

impl sql::Known for Completion {
    fn columns(&self, schema: Option<&str>, relation: &str) -> Vec<&str> {
        let names = &self.names;
        let found = names.find(schema, relation, self.search_path());
        let columns = found.map_or(&[][..], |at| names.columns(&names.relations()[at]));
        columns.iter().map(|column| names.text(column.name)).collect()
    }

    fn arguments(&self, schema: Option<&str>, function: &str) -> Vec<&str> {
        let names = &self.names;
        let found = names.functions_named(function);
        let found = found.filter(|one| schema.is_none_or(|schema| names.text(one.schema) == schema));
        found.map(|one| names.text(one.arguments)).collect()
    }
}

/// The lines around the cursor, from where a statement begins, with so many bytes before and behind it at most; the number
/// of the first, and the cursor's place in them.
fn window(editor: &Editor, before: usize, behind: usize) -> (String, usize, usize) {
    let (lines, at) = (editor.buffer().lines(), editor.cursor());
    let mut first = at.line;
    let mut size = 0;
    while first > 0 && !editor.colours().start(first).is_some_and(|state| state.is_between_statements()) {
        size += lines[first - 1].len() + 1;
        if size > before {
            break;
        }
        first -= 1;
    }
    let (mut text, mut cursor) = (String::new(), 0);
    for (number, line) in lines.iter().enumerate().skip(first) {
        if number > at.line && text.len() > cursor + behind {
            break;
        }
        if number > first {
            text.push('\n');
        }
        if number == at.line {
            cursor = text.len() + at.byte;
        }
        text.push_str(line);
    }
    (text, first, cursor)
}

/// The worker tells: what was run may have changed names, or where they are looked up.
pub(super) fn hear(pane: &mut Pane, news: &News) {
    match news {
        News::Complete { run, index, tag, .. } => {
            let first = tag.split_whitespace().next().unwrap_or_default();
            pane.completion.stale |= matches!(first, "CREATE" | "ALTER" | "DROP" | "SELECT" | "DO" | "IMPORT")
                && (first != "SELECT" || changes(pane, *run, *index));
            if let Some(path) = sent(pane, *run, *index).and_then(search_path) {
                pane.completion.path = path;
            }
        }
        News::Reconnected(_) => pane.completion.path = None,
        _ => {}
    }
}

/// Has the names loaded again once what changed them can be seen by others.
pub(super) fn settle(pane: &mut Pane, orders: &mut Vec<Order>) {
    if pane.completion.stale && pane.run.is_none() && pane.transaction == Transaction::Idle {
        pane.completion.stale = false;
        orders.push(Order::Names);
    }
}

fn sent(pane: &Pane, run: u64, index: usize) -> Option<&str> {
    let running = pane.run.as_ref().filter(|running| running.number == run)?;
    running.sent.get(index).map(|sent| sent.statement.sql.as_str())
}

/// SELECT … INTO makes a table.
fn changes(pane: &Pane, run: u64, index: usize) -> bool {
    sent(pane, run, index).is_some_and(|sql| {
        sql.len() < WINDOW && tokens(sql).any(|token| token.is_word() && token.of(sql).eq_ignore_ascii_case("into"))
    })
}

/// The search path that a statement sets for the session; `Some(None)`: the one a session begins with.
#[allow(clippy::option_option, reason = "not set, set back, set: three answers")]
fn search_path(sql: &str) -> Option<Option<Vec<String>>> {
    if sql.len() > 4096 {
        return None;
    }
    let mut words = tokens(sql).filter(|token| !token.is_blank()).peekable();
    let mut next_is = |wanted: &[&str]| {
        words.next_if(|token| wanted.iter().any(|word| token.of(sql).eq_ignore_ascii_case(word))).is_some()
    };
    if next_is(&["reset"]) {
        return next_is(&["search_path", "all"]).then_some(None);
    }
    if !next_is(&["set"]) {
        return None;
    }
    next_is(&["session"]);
    if !next_is(&["search_path"]) || !next_is(&["to", "="]) {
        return None;
    }
    let mut path = vec!["pg_catalog".to_owned()];
    for token in words {
        let text = token.of(sql);
        match token.kind {
            TokenKind::QuotedIdentifier => path.push(text.trim_matches('"').replace("\"\"", "\"")),
            TokenKind::String => path.push(text.trim_matches('\'').to_owned()),
            TokenKind::Keyword if text.eq_ignore_ascii_case("default") => return Some(None),
            TokenKind::Keyword | TokenKind::Identifier => path.push(text.to_ascii_lowercase()),
            _ => {}
        }
    }
    Some(Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_path_that_is_set_is_understood() {
        let path = |names: &[&str]| Some(Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()));
        assert_eq!(search_path("SET search_path TO Audit, \"Odd\""), path(&["pg_catalog", "audit", "Odd"]));
        assert_eq!(search_path("set session search_path = 'x'"), path(&["pg_catalog", "x"]));
        assert_eq!(search_path("reset search_path"), Some(None));
        assert_eq!(search_path("set search_path to default"), Some(None));
        assert_eq!(search_path("set local search_path to x"), None, "ends with its transaction");
        assert_eq!(search_path("set work_mem = '1GB'"), None);
        assert_eq!(search_path("select 1"), None);
    }
}
