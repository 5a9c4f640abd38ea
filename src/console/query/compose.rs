//! The text in an editor of one's own (`$VISUAL`): given away whole, taken back as one step of undo. It must not know how
//! another program is run.

use super::Order;
use super::pane::{Focus, Pane};
use crate::console::theme::Tone;
use std::ops::Range;

/// Has the text edited elsewhere, without those bytes of it (the word `\e` that asked for it); [`take`] follows.
pub(super) fn begin(pane: &mut Pane, without: Option<Range<usize>>, orders: &mut Vec<Order>) {
    let mut text = pane.editor.buffer().text();
    if let Some(range) = without {
        text.replace_range(range, "");
    }
    orders.push(Order::Compose(text));
}

/// Takes back what was edited: only what differs is changed, so that the cursor stands behind it.
pub(super) fn take(pane: &mut Pane, composed: Result<String, String>) {
    let text = match composed {
        Ok(text) => text.replace("\r\n", "\n").replace('\r', "\n"),
        Err(why) => return pane.say(Tone::Bad, why),
    };
    pane.focus = Focus::Editor;
    let before = pane.editor.buffer().text();
    // Editors end a file with a line break; one that was not there before is not what was typed.
    let text = match text.strip_suffix('\n') {
        Some(without) if !before.ends_with('\n') => without,
        _ => text.as_str(),
    };
    if text == before {
        return pane.say(Tone::Dim, "the text is as it was");
    }
    let (start, end) = differing(&before, text);
    let new = &text[start..text.len() - (before.len() - end)];
    pane.editor.replace_range(start..end, new);
    pane.say(Tone::Good, "taken back; undo brings the text as it was");
}

/// The bytes of `before` that have to be replaced to make `after`: what both begin and end with stays.
fn differing(before: &str, after: &str) -> (usize, usize) {
    let same = before.bytes().zip(after.bytes()).take_while(|(one, other)| one == other).count();
    let start = before.floor_char_boundary(same).min(after.floor_char_boundary(same));
    let (one, other) = (&before[start..], &after[start..]);
    let same = one.bytes().rev().zip(other.bytes().rev()).take_while(|(one, other)| one == other).count();
    let tail = (0..=same)
        .rev()
        .find(|tail| one.is_char_boundary(one.len() - tail) && other.is_char_boundary(other.len() - tail))
        .unwrap_or(0);
    (start, before.len() - tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_what_differs_is_replaced(before in "[aé世\n]{0,8}", after in "[aé世\n]{0,8}") {
            let (start, end) = differing(&before, &after);
            let mut made = before.clone();
            made.replace_range(start..end, &after[start..after.len() - (before.len() - end)]);
            prop_assert_eq!(made, after);
        }
    }
}
