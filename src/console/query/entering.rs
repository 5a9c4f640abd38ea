//! Enter as psql has it: what was written since the last run is run once it is finished, what is typed next begins a line of
//! its own; and what of the text never ran. It must not know who runs anything.

use super::buffer::Place;
use super::pane::Pane;
use super::words::{self, Word};
use super::{Order, running};
use crate::model::sql::{Ended, TokenKind, statements};
use std::ops::Range;

/// Bytes of a text that are looked at for more than the statement at the cursor.
const NEAR: usize = 4 << 20;

/// Whether Enter runs rather than breaks the line: the text ends here with a finished statement or a backslash word, and
/// this very text was not run by Enter already.
pub(super) fn runs(pane: &mut Pane) -> bool {
    let buffer = pane.editor.buffer();
    let cursor = pane.editor.cursor();
    let line = &buffer.lines()[cursor.line];
    let behind = &line[cursor.byte..];
    let last = cursor.line + 1 == buffer.lines().len();
    if !last || !behind.trim().is_empty() || pane.entered == Some(pane.editor.edition()) {
        return false;
    }
    let before = pane.editor.line_before().trim_end();
    if !before.ends_with(';') && !before.contains('\\') {
        return false;
    }
    let from = buffer.offset(Place { byte: 0, ..cursor });
    let tokens = pane.editor.colours().all_tokens(buffer.lines(), cursor.line);
    let semicolon = tokens.iter().any(|token| token.kind == TokenKind::Punctuation && token.of(line) == ";");
    // It ends on this line: after it there is nothing, so it is the one at the cursor.
    pane.editor.statement().is_some_and(|here| {
        let ended = here.statement.backslash || here.statement.ended == Ended::Semicolon;
        ended && here.last && (semicolon || here.bytes.end >= from)
    })
}

/// Runs what was written since the last run, in order, up to the first that fails.
pub(super) fn run(pane: &mut Pane, orders: &mut Vec<Order>) {
    pane.entered = Some(pane.editor.edition());
    match written(pane) {
        Some(bytes) => running::run_part(pane, bytes, orders),
        None => running::run(pane, false, orders),
    }
}

/// The statements since the last run, where those are several; since the start of this line where the text before was
/// changed, as where a line that failed is mended and entered again.
fn written(pane: &Pane) -> Option<Range<usize>> {
    let text = pane.editor.buffer().text();
    if text.len() > NEAR || pane.editor.selection().is_some() {
        return None;
    }
    let line = || pane.editor.buffer().offset(Place { byte: 0, ..pane.editor.cursor() });
    let from = pane.spent.until(&text).unwrap_or_else(line);
    let found = statements(&text);
    let last = found.len().checked_sub(1)?;
    let first = found.iter().position(|statement| statement.end > from).filter(|first| *first < last)?;
    // Without a `;` it is not sent, unless the word behind it sends it.
    let is_sent = |at: usize| found[at].ended != Ended::Backslash || running::sends(&found[at + 1], &text);
    (first..last).all(is_sent).then(|| found[first].start..text.len())
}

/// What is typed behind a text that Enter has run begins a line of its own, and so does a backslash word behind one that
/// was run in any way: two statements are never glued together.
pub(super) fn begin_line(pane: &mut Pane, typed: &str) {
    let Some(first) = typed.chars().next().filter(|c| !c.is_whitespace()) else { return };
    let (edition, buffer) = (pane.editor.edition(), pane.editor.buffer());
    let ran = pane.entered == Some(edition) || (first == '\\' && pane.spent.is_of(edition));
    let at_end = pane.editor.cursor() == buffer.end() && pane.editor.selection().is_none();
    if ran && at_end && !pane.editor.line_before().is_empty() {
        pane.editor.paste("\n");
    }
}

/// Whether the text holds anything that was neither run nor is in the history: it would be lost with the tab.
pub(super) fn is_draft(pane: &Pane) -> bool {
    let text = pane.editor.buffer().text();
    statements(&text).iter().any(|statement| {
        let sql = statement.of(&text);
        // What the pane sees to by itself is not worth keeping.
        let worth = !statement.backslash || words::parse(sql) == Word::Script;
        worth && !pane.spent.has(sql) && !pane.recall.has(sql)
    })
}
