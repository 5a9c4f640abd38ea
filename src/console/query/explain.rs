//! Asking for the plan of a statement by a key: the statement is wrapped, and one that would be run is asked about first
//! when it writes, and always run inside a transaction that is rolled back where the session could write: a function may
//! do anything. It must not know how a plan is drawn.

use super::order::Statement;
use super::pane::{Pane, Question, Sent, Then, Work};
use super::{Order, lifting, running};
use crate::console::theme::Tone;
use crate::model::plan::{Options, inner, wrap};
use crate::model::sql::{Class, classify, tokens};
use crate::model::{Transaction, visible};

/// What has a plan (PostgreSQL documentation, "EXPLAIN").
const HAVE_PLANS: &[&str] = &[
    "select", "values", "table", "with", "insert", "update", "delete", "merge", "execute", "declare", "create",
    "refresh",
];

/// Asks for the plan of the selection, or of the statement at the cursor; with `analyze` it is run.
pub(super) fn explain(pane: &mut Pane, analyze: bool, orders: &mut Vec<Order>) {
    if pane.work == Work::Closed {
        return pane.say(Tone::Bad, "this session has ended");
    }
    if pane.run.is_some() {
        return pane.say(Tone::Warn, super::running::BUSY);
    }
    let buffer = pane.editor.buffer();
    let (from, text) = match pane.editor.selection() {
        Some(selected) => (buffer.offset(selected.start), buffer.slice(selected)),
        None => pane.editor.statement().map_or((0, String::new()), |here| (here.bytes.start, here.text)),
    };
    let found = crate::model::sql::statements(&text);
    let [one] = found.as_slice() else {
        let many =
            if found.is_empty() { "there is no statement here" } else { "a plan is of one statement; select one" };
        return pane.say(Tone::Dim, many);
    };
    let whole = one.of(&text);
    let skipped = inner(whole);
    let statement = &whole[skipped..];
    let first = tokens(statement).find(|token| token.is_word()).map(|token| token.of(statement).to_ascii_lowercase());
    if one.backslash || !first.is_some_and(|first| HAVE_PLANS.contains(&first.as_str())) {
        return pane.say(Tone::Warn, "this has no plan: SELECT, VALUES, INSERT, UPDATE, DELETE, MERGE, EXECUTE have");
    }
    if pane.facts.read_only && lifting::lifts_read_only(statement) {
        return pane.say(Tone::Bad, "this session is read-only; to write, connect again as writable");
    }
    let version = pane.facts.server_version.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let sql = wrap(statement, Options { analyze, version: version.parse().unwrap_or(0) });
    let lead = sql.len() - statement.len();
    let note = pane.completion.kept(statement).map(|_| format!("{sql};"));
    let start = Some(from + one.start + skipped);
    let explained = Sent { statement: Statement { sql, note, always: false }, start, lead };
    if !analyze || pane.facts.read_only {
        return running::send(pane, vec![explained], orders);
    }
    let around = |sql: &str, always: bool| Sent {
        statement: Statement { sql: sql.to_owned(), note: None, always },
        start: None,
        lead: 0,
    };
    let sent = match pane.transaction {
        Transaction::Idle => vec![around("begin", false), explained, around("rollback", true)],
        _ => vec![
            around("savepoint gatepost_explain", false),
            explained,
            around("rollback to savepoint gatepost_explain", true),
        ],
    };
    let what = match classify(statement) {
        Class::Writes { verb } => verb,
        Class::Dangerous { reason } => reason,
        _ => return running::send(pane, sent, orders),
    };
    let line = statement.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let kind = if pane.setup.production { "PRODUCTION, writable" } else { "writable" };
    let undone = match pane.transaction {
        Transaction::Idle => "It is run inside a transaction that is rolled back.",
        _ => "It is run after a savepoint of the open transaction, and rolled back to it.",
    };
    pane.question = Some(Question {
        title: format!("ANALYZE runs the statement on {} ({kind}). Run it?", pane.setup.name),
        lines: vec![
            visible(&format!("{what}: {line}")).into_owned(),
            undone.to_owned(),
            "Its locks are held until then; sequences, and what it does outside of".to_owned(),
            "the database, are not undone. Typed as EXPLAIN ANALYZE it is kept.".to_owned(),
            format!("{}@{} at {}", pane.setup.user, pane.setup.database, pane.setup.host),
        ],
        then: Then::Run(sent),
    });
}
