//! The popup: when it opens, what keys mean while it is open, what choosing does to the text. It must not know how it is
//! drawn, nor how candidates are found.

use super::candidate::{Candidate, Mark};
use crate::console::keys::{Binding, find};
use crate::console::query::buffer::Place;
use crate::console::query::editor::Motion;
use crate::console::query::pane::Pane;
use crate::console::theme::Tone;
use crossterm::event::{KeyCode, KeyEvent};
use std::ops::Range;

/// Rows shown at once.
pub(super) const ROWS: usize = 8;

/// While the popup is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choose {
    /// Put the candidate in.
    Take,
    /// Put it in, if one has moved to it; else the key means what it means.
    Enter,
    /// Close it.
    Shut,
    /// One down, into the list.
    Down,
    /// One up; out of the list at its top.
    Up,
    /// Some down.
    PageDown,
    /// Some up.
    PageUp,
}

const fn row(
    keys: &'static [&'static str],
    action: Choose,
    label: &'static str,
    help: &'static str,
) -> Binding<Choose> {
    Binding { keys, action, label, help }
}

/// Keys of the popup.
#[rustfmt::skip]
pub const CHOOSE: &[Binding<Choose>] = &[
    row(&["Tab"], Choose::Take, "take", "put the marked name in"),
    row(&["Down", "C-n"], Choose::Down, "choose", "into the list, and down"),
    row(&["Up", "C-p"], Choose::Up, "", "up in the list; out of it at its top"),
    row(&["Enter"], Choose::Enter, "", "put the chosen name in; a new line or run, as ever, unless one has moved in the list"),
    row(&["PageDown"], Choose::PageDown, "", "further down, once in the list"),
    row(&["PageUp"], Choose::PageUp, "", "further up, once in the list"),
    row(&["Esc"], Choose::Shut, "close", "close the list"),
];

/// Candidates at a place.
#[derive(Clone, Debug)]
pub(in crate::console::query) struct Popup {
    pub(super) range: Range<Place>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) at: usize,
    /// One has moved in it: Enter means it.
    pub(super) moved: bool,
    /// Asked for by a key: it stays with nothing typed.
    asked: bool,
}

impl Popup {
    /// The first row shown.
    pub(super) fn top(&self, rows: usize) -> usize {
        (self.at + 1).saturating_sub(rows.max(1))
    }
}

/// A key while the popup is open; whether it was for the popup.
pub(in crate::console::query) fn press(pane: &mut Pane, key: &KeyEvent) -> bool {
    let Some(popup) = &mut pane.completion.popup else { return false };
    let last = popup.candidates.len().saturating_sub(1);
    let shut = match find(CHOOSE, key) {
        Some(Choose::Take) => {
            take(pane);
            return true;
        }
        Some(Choose::Enter) if popup.moved => {
            take(pane);
            return true;
        }
        Some(Choose::Shut) => {
            pane.completion.popup = None;
            return true;
        }
        Some(Choose::Down) => {
            popup.at = if popup.moved { (popup.at + 1).min(last) } else { 0 };
            popup.moved = true;
            return true;
        }
        Some(Choose::Up) if popup.moved => {
            popup.moved = popup.at > 0;
            popup.at = popup.at.saturating_sub(1);
            return true;
        }
        Some(Choose::PageDown) if popup.moved => {
            popup.at = (popup.at + ROWS).min(last);
            return true;
        }
        Some(Choose::PageUp) if popup.moved => {
            popup.at = popup.at.saturating_sub(ROWS);
            return true;
        }
        Some(Choose::Enter | Choose::Up | Choose::PageDown | Choose::PageUp) => true,
        None => !matches!(key.code, KeyCode::Char(_) | KeyCode::Backspace),
    };
    if shut {
        pane.completion.popup = None;
    }
    false
}

/// After a key was done in the editor: opens the popup, narrows it, or closes it. `before` is the editor's edition then.
pub(in crate::console::query) fn follow(pane: &mut Pane, key: &KeyEvent, typed: Option<char>, before: u64) {
    let open = pane.completion.popup.as_ref().map(|popup| popup.asked);
    let erased = key.code == KeyCode::Backspace;
    if pane.editor.edition() == before {
        if typed.is_none() && !erased {
            pane.completion.popup = None;
        }
        return;
    }
    match (typed, open) {
        (Some(c), _) if pane.completion.unasked || open.is_some() => refresh(pane, open == Some(true), Some(c)),
        (None, Some(asked)) if erased => refresh(pane, asked, None),
        _ => pane.completion.popup = None,
    }
}

/// Opens the popup, or opens it anew, if there is something to show.
fn refresh(pane: &mut Pane, asked: bool, typed: Option<char>) {
    pane.completion.popup = None;
    if pane.editor.selection().is_some() {
        return;
    }
    // What is typed after a name's end asks for nothing, unless a place of its own begins there.
    let quiet = typed
        .is_some_and(|c| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '\\' | '\'' | ' ' | '$' | '?' | '+')));
    if quiet {
        return;
    }
    let Some((range, expected, candidates)) = pane.completion.look(&pane.editor) else { return };
    let wanted = asked || expected.eager || !expected.typed.is_empty();
    let spaced = typed.is_some_and(|c| c == ' ') && !expected.eager;
    let Some(first) = candidates.first().filter(|_| wanted && !spaced) else { return };
    // Nothing is left to do: a word of the language that is complete, or the only name.
    let complete = first.insert.eq_ignore_ascii_case(&expected.typed);
    if !asked && complete && (candidates.len() == 1 || matches!(first.mark, Mark::Keyword | Mark::Command)) {
        return;
    }
    pane.completion.popup = Some(Popup { range, candidates, at: 0, moved: false, asked });
}

/// Opens the popup on demand. Says so when there is nothing.
pub(in crate::console::query) fn open(pane: &mut Pane) -> bool {
    refresh(pane, true, None);
    pane.completion.popup.is_some()
}

/// Tab in the editor: completes what stands before the cursor; `false` where it means to indent.
pub(in crate::console::query) fn tab(pane: &mut Pane) -> bool {
    let last = pane.editor.line_before().chars().next_back();
    if last.is_none_or(char::is_whitespace) || pane.editor.selection().is_some() {
        return false;
    }
    if !open(pane) {
        // Spaces within or right behind a name are not what was wanted.
        let named = last.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '"'));
        if named {
            pane.say(Tone::Dim, "nothing to complete here");
        }
        return named;
    }
    if pane.completion.popup.as_ref().is_some_and(|popup| popup.candidates.len() == 1) {
        take(pane);
    }
    true
}

/// Puts the marked candidate in place of what was typed.
fn take(pane: &mut Pane) {
    let Some(popup) = pane.completion.popup.take() else { return };
    let Some(candidate) = popup.candidates.into_iter().nth(popup.at) else { return };
    pane.editor.replace(popup.range, &candidate.insert);
    for _ in 0..candidate.back {
        pane.editor.travel(Motion::Left, false);
    }
    if candidate.goes_on {
        refresh(pane, false, None);
    }
}
