//! Strokes: runs of text in tones, rules, boxes, cursor. Whatever is drawn passes through `model::visible` here once more,
//! so that no pane can forget it. It must not know what is drawn.

use super::text;
use crate::console::theme::{Theme, Tone};
use crate::model::visible;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

/// A run of text in a tone.
pub type Run = (String, Tone);

/// A run.
pub fn run(text: impl Into<String>, tone: Tone) -> Run {
    (text.into(), tone)
}

/// Columns that runs take.
pub fn width(runs: &[Run]) -> usize {
    runs.iter().map(|(text, _)| text::width(&visible(text))).sum()
}

/// Draws runs one after another in the first row of `area`, cut at its end with `…`. `under` is laid beneath (selection).
pub fn runs(frame: &mut Frame<'_>, area: Rect, runs: &[Run], theme: Theme, under: Option<Style>) {
    if area.is_empty() {
        return;
    }
    if let Some(style) = under {
        frame.buffer_mut().set_style(Rect { height: 1, ..area }, style);
    }
    let mut x = area.x;
    let mut left = usize::from(area.width);
    for (at, (content, tone)) in runs.iter().enumerate() {
        let more = runs[at + 1..].iter().any(|(content, _)| !content.trim_end().is_empty());
        let shown = visible(content);
        // Blanks that fall off the end are no text that was cut.
        let shown = if text::width(&shown) > left && !more {
            let fill = left.saturating_sub(text::width(shown.trim_end()));
            std::borrow::Cow::Owned(format!("{}{:fill$}", shown.trim_end(), ""))
        } else {
            shown
        };
        let wide = text::width(&shown);
        let cut = if wide > left || (wide == left && more) {
            let mut cut = text::truncate(&shown, if wide > left { left } else { left - 1 }).into_owned();
            if wide == left && !cut.ends_with('…') {
                cut.push('…');
            }
            cut
        } else {
            shown.into_owned()
        };
        let style = match under {
            // On a selected row, dim text must stay readable and meaning must stay visible.
            Some(under)
                if matches!(tone, Tone::Good | Tone::Warn | Tone::Bad | Tone::Accent | Tone::Match) && theme.color =>
            {
                under.patch(Style { bg: None, ..theme.style(*tone) })
            }
            Some(under) => under,
            None => theme.style(*tone),
        };
        frame.buffer_mut().set_stringn(x, area.y, &cut, left, style);
        let drawn = text::width(&cut);
        x += drawn as u16;
        left -= drawn.min(left);
        if left == 0 {
            break;
        }
    }
}

/// Draws `left` from the left and `right` against the right end; `left` gives way.
pub fn sides(frame: &mut Frame<'_>, area: Rect, left: &[Run], right: &[Run], theme: Theme) {
    let wide = width(right).min(area.width.into()) as u16;
    let gap = if wide > 0 { wide + 1 } else { 0 };
    runs(frame, Rect { width: area.width.saturating_sub(gap), ..area }, left, theme, None);
    runs(frame, Rect { x: area.right() - wide, width: wide, ..area }, right, theme, None);
}

/// A rule across `area`: a row when it is one row high, a column when it is one column wide.
pub fn rule(frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    if area.is_empty() {
        return;
    }
    let style = theme.style(Tone::Dim);
    if area.height == 1 {
        frame.buffer_mut().set_string(area.x, area.y, "─".repeat(area.width.into()), style);
    } else {
        for y in area.top()..area.bottom() {
            frame.buffer_mut().set_string(area.x, y, "│", style);
        }
    }
}

/// An emptied box with a border and a title; gives what is inside.
pub fn frame(frame: &mut Frame<'_>, area: Rect, title: &str, theme: Theme) -> Rect {
    if area.width < 4 || area.height < 3 {
        return Rect { width: 0, height: 0, ..area };
    }
    let buffer = frame.buffer_mut();
    for position in area.positions() {
        buffer[position].reset();
    }
    let style = theme.style(Tone::Dim);
    let across = "─".repeat(usize::from(area.width) - 2);
    buffer.set_string(area.x, area.y, format!("╭{across}╮"), style);
    buffer.set_string(area.x, area.bottom() - 1, format!("╰{across}╯"), style);
    for y in area.top() + 1..area.bottom() - 1 {
        buffer.set_string(area.x, y, "│", style);
        buffer.set_string(area.right() - 1, y, "│", style);
    }
    let title = text::truncate(title, usize::from(area.width).saturating_sub(6));
    if !title.is_empty() {
        buffer.set_string(area.x + 2, area.y, format!(" {title} "), theme.style(Tone::Strong));
    }
    Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 2 }
}

/// Says in the last row of `area` that a list of `len` rows, shown from `offset` on, goes on below it, where it does.
pub fn more(frame: &mut Frame<'_>, area: Rect, offset: usize, len: usize, theme: Theme) {
    const WORDS: &str = " ↓ more ";
    let wide = text::width(WORDS) as u16;
    if len > offset + usize::from(area.height) && area.height > 0 && area.width > wide + 2 {
        let place = Rect { x: area.right() - wide, y: area.bottom() - 1, width: wide, height: 1 };
        runs(frame, place, &[run(WORDS, Tone::Accent)], theme, None);
    }
}

/// Shows the terminal's cursor in `area`, so many columns from its left.
pub fn cursor(frame: &mut Frame<'_>, area: Rect, column: usize) {
    if !area.is_empty() {
        let column = (column as u16).min(area.width - 1);
        frame.set_cursor_position(Position::new(area.x + column, area.y));
    }
}

/// `shown` of so many, at the right end of a row: `12–30 of 200`; nothing when all are on screen.
pub fn position(offset: usize, height: usize, len: usize) -> String {
    if len <= height { String::new() } else { format!("{}–{} of {len}", offset + 1, (offset + height).min(len)) }
}
