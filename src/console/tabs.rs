//! The row of query tabs: what each is doing, which is shown, and how many fit. The one that is shown is always in sight.
//! It must not know what a tab holds.

use super::query::Work;
use super::state::State;
use super::theme::Tone;
use super::widgets::text;

/// Columns of a target's name.
const NAME: usize = 24;
/// Columns at the ends for what is further on.
const EDGE: usize = 2;

/// A tab in the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Which, among all.
    pub at: usize,
    /// Its first column.
    pub x: usize,
    /// ` 2 orders-prod ✓ `.
    pub label: String,
    /// Of its mark, which is at the label's end.
    pub tone: Tone,
}

/// The row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// What fits.
    pub slots: Vec<Slot>,
    /// Tabs before the first.
    pub before: usize,
    /// Tabs after the last.
    pub after: usize,
}

/// What a tab is doing: a mark, and a word where marks would be told apart by colour alone.
fn mark(work: Work, words: bool) -> (&'static str, Tone) {
    match (work, words) {
        (Work::Fresh, _) => ("", Tone::Dim),
        (Work::Running, false) => (" ⠸", Tone::Accent),
        (Work::Running, true) => (" ⠸ running", Tone::Accent),
        (Work::Done, false) => (" ✓", Tone::Good),
        (Work::Done, true) => (" ✓ done", Tone::Good),
        (Work::Failed, false) => (" ✗", Tone::Bad),
        (Work::Failed, true) => (" ✗ failed", Tone::Bad),
        (Work::Cancelled, false) => (" ◦", Tone::Warn),
        (Work::Cancelled, true) => (" ◦ cancelled", Tone::Warn),
        (Work::Closed, _) => (" closed", Tone::Bad),
    }
}

/// The row of tabs in so many columns.
pub fn row(state: &State, width: usize) -> Row {
    let labels: Vec<(String, Tone)> = state
        .tabs
        .iter()
        .enumerate()
        .map(|(at, tab)| {
            let title = tab.pane.title();
            let (mark, tone) = mark(title.work, !state.theme().color);
            (format!(" {} {}{mark} ", at + 1, text::truncate(&title.name, NAME)), tone)
        })
        .collect();
    let wide = |at: usize| text::width(&labels[at].0) + 1;
    let shown = state.tab.min(labels.len().saturating_sub(1));
    let all: usize = (0..labels.len()).map(wide).sum();
    if labels.is_empty() {
        return Row::default();
    }
    let room = if all <= width { width } else { width.saturating_sub(2 * EDGE) };
    // Those before the shown one first, as far as there is room: it stays where one looks for it.
    let (mut from, mut to) = (shown, shown + 1);
    let mut used = wide(shown);
    while from > 0 && used + wide(from - 1) <= room {
        from -= 1;
        used += wide(from);
    }
    while to < labels.len() && used + wide(to) <= room {
        used += wide(to);
        to += 1;
    }
    let mut x = if all <= width { 0 } else { EDGE };
    let slots = labels
        .into_iter()
        .enumerate()
        .take(to)
        .skip(from)
        .map(|(at, (label, tone))| {
            let slot = Slot { at, x, tone, label };
            x += text::width(&slot.label) + 1;
            slot
        })
        .collect();
    Row { slots, before: from, after: state.tabs.len() - to }
}
