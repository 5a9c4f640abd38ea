//! Draws the popup beside the cursor, below its line where there is room and above it elsewhere, never over it. It must
//! not change anything.

use super::candidate::Mark;
use super::popup::{Popup, ROWS};
use crate::console::query::text;
use crate::console::theme::{Theme, Tone};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

/// The widest it gets.
const WIDEST: u16 = 72;

/// Whether it is below the cursor, and how high it is; none where there is no room for it.
fn height(popup: &Popup, cursor: Position, area: Rect) -> Option<(bool, u16)> {
    let below = area.bottom().saturating_sub(cursor.y + 1);
    let above = cursor.y.saturating_sub(area.y);
    let wanted = popup.candidates.len().min(ROWS) as u16 + 2;
    let is_below = below >= wanted || below >= above;
    let height = wanted.min(if is_below { below } else { above });
    (height >= 3 && area.width >= 16).then_some((is_below, height))
}

/// The rows of the screen that it takes.
pub(in crate::console::query) fn rows(popup: &Popup, cursor: Position, area: Rect) -> std::ops::Range<u16> {
    match height(popup, cursor, area) {
        Some((true, height)) => cursor.y + 1..cursor.y + 1 + height,
        Some((false, height)) => cursor.y - height..cursor.y,
        None => 0..0,
    }
}

/// Draws it within `area`, which the cursor is in.
pub(in crate::console::query) fn draw(popup: &Popup, cursor: Position, out: &mut Buffer, area: Rect, theme: Theme) {
    let Some((is_below, height)) = height(popup, cursor, area) else { return };
    let rows = usize::from(height - 2);
    let top = popup.top(rows);
    let shown = &popup.candidates[top..(top + rows).min(popup.candidates.len())];
    let most = usize::from(area.width.min(WIDEST) - 6);
    let label = shown.iter().map(|candidate| text::width(&candidate.label, most)).max().unwrap_or(0);
    let detail = shown.iter().map(|candidate| text::width(&candidate.detail, most)).max().unwrap_or(0);
    let gap = if detail > 0 { 2 } else { 0 };
    let inner = (label + gap + detail).min(most);
    // The name comes first; what is said beside it gets what is left, but not nothing.
    let label = label.min(inner.saturating_sub(if detail > 0 { gap + detail.min(inner / 3) } else { 0 }));
    let detail = inner.saturating_sub(label + gap);
    let width = inner as u16 + 6;
    // Names stand below what is typed of them, where there is room.
    let typed = (popup.range.end.byte - popup.range.start.byte.min(popup.range.end.byte))
        .min(usize::from(cursor.x - area.x)) as u16;
    let x = cursor.x.saturating_sub(typed + 4).max(area.x).min(area.right().saturating_sub(width));
    let y = if is_below { cursor.y + 1 } else { cursor.y - height };
    let frame = Rect { x, y, width: width.min(area.width), height };
    Clear.render(frame, out);
    let mut block = Block::bordered().border_type(BorderType::Rounded).border_style(theme.style(Tone::Dim));
    if popup.candidates.len() > rows {
        let place = format!(" {}/{} ", popup.at + 1, popup.candidates.len());
        block = block.title_bottom(Line::styled(place, theme.style(Tone::Dim)).right_aligned());
    }
    let within = block.inner(frame);
    block.render(frame, out);
    for (row, candidate) in shown.iter().enumerate() {
        let at = top + row == popup.at;
        let area = Rect { y: within.y + row as u16, height: 1, ..within };
        let style = |tone| match at && popup.moved {
            true => theme
                .style(Tone::Selected)
                .patch(ratatui::style::Style { bg: theme.style(Tone::Selected).bg, ..theme.style(tone) }),
            false => theme.style(tone),
        };
        if at && popup.moved {
            out.set_style(area, theme.style(Tone::Selected));
        }
        // What Tab would take, until one has chosen.
        let mark = if at && !popup.moved {
            "⇥"
        } else if at {
            "›"
        } else {
            " "
        };
        let (name, wide) = text::cut(&candidate.label, label);
        let (about, _) = text::cut(&candidate.detail, detail);
        Line::from(vec![
            Span::styled(mark, style(Tone::Accent)),
            Span::styled(candidate.mark.letter(), style(tone(candidate.mark))),
            Span::styled(" ", style(Tone::Text)),
            Span::styled(name, style(Tone::Text)),
            Span::styled(" ".repeat(label - wide.min(label) + gap), style(Tone::Text)),
            Span::styled(about, style(Tone::Dim)),
        ])
        .render(area, out);
    }
}

fn tone(mark: Mark) -> Tone {
    match mark {
        Mark::Column | Mark::Alias => Tone::Good,
        Mark::Table | Mark::View | Mark::Other | Mark::Schema | Mark::Join => Tone::Accent,
        Mark::Function => Tone::Warn,
        Mark::Type | Mark::Value | Mark::Setting | Mark::Role => Tone::Number,
        Mark::Keyword | Mark::Command => Tone::Dim,
    }
}
