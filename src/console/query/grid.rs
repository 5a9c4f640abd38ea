//! Draws rows: the grid, one row unfolded, one cell. Whatever a value holds, it takes the columns it was given: control
//! characters are symbols, wide characters are counted. It must not know how rows come; what is not there yet is `…`.

use super::cell::Cell;
use super::shape::{By, Needle};
use super::table::{GAP, Slot, Table};
use super::text;
use crate::console::theme::{Theme, Tone};
use crate::model::Column;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::borrow::Cow;

/// Columns on the left for the bar that marks the cursor's row.
const BAR: u16 = 2;

/// The grid: names, which stay, and the rows in sight.
pub(super) fn rows(
    table: &Table,
    needle: Option<&Needle>,
    focused: bool,
    out: &mut Buffer,
    header: Rect,
    area: Rect,
    theme: Theme,
) {
    let slots = table.slots(area.width.saturating_sub(BAR) as usize);
    for slot in &slots {
        let column = &table.columns[slot.column];
        let style = if focused && slot.column == table.column { Tone::Accent } else { Tone::Strong };
        let by = table.arrangement.by.iter().find(|by| by.column == slot.column);
        let name = match by {
            Some(By { descending: false, .. }) => Cow::Owned(format!("▲{}", column.name)),
            Some(_) => Cow::Owned(format!("▼{}", column.name)),
            None => Cow::Borrowed(column.name.as_str()),
        };
        value(out, area.x, header.y, slot, &name, aligned_right(column), theme.style(style));
        between(out, area, header.y, slot, &slots, theme, is_right_to_left(&column.name));
    }
    let marked = table.marked();
    if table.left > table.shape.frozen() {
        out.set_string(area.x, header.y, "‹", theme.style(Tone::Dim));
    }
    if slots.last().map(|last| last.column) < table.shape.shown().last().copied() {
        out.set_string(area.right().saturating_sub(1), header.y, "›", theme.style(Tone::Dim));
    }
    for offset in 0..area.height {
        let row = table.top + u64::from(offset);
        if row >= table.rows {
            break;
        }
        let y = area.y + offset;
        let chosen = row == table.row;
        let found = table.find(row);
        let mut turned = false;
        for slot in &slots {
            let column = &table.columns[slot.column];
            let (shown, tone) = match found {
                None => ("…", Tone::Dim),
                Some((page, at)) => match page.cell(at, slot.column) {
                    None => ("∅", Tone::Null),
                    Some(cell) => (cell, Tone::Text),
                },
            };
            let at = value(out, area.x, y, slot, shown, aligned_right(column), theme.style(tone));
            if tone == Tone::Text
                && let Some(needle) = needle
            {
                matched(out, at, y, slot, shown, needle, theme);
            }
            // From the first right-to-left text on, nothing of the row may be drawn into its run.
            turned |= is_right_to_left(shown);
            between(out, area, y, slot, &slots, theme, turned);
            let within = marked.as_ref().is_some_and(|(rows, columns)| {
                rows.contains(&row) && columns.as_ref().is_none_or(|columns| columns.contains(&slot.column))
            });
            if within {
                out.set_style(place(area, y, slot), theme.style(Tone::Selected));
            }
        }
        if chosen {
            out.set_string(area.x, y, "▌", theme.style(if focused { Tone::Accent } else { Tone::Dim }));
            if focused {
                mark(out, area, y, table, &slots, theme);
            }
        }
    }
}

/// The row of the cursor, and its cell.
fn mark(out: &mut Buffer, area: Rect, y: u16, table: &Table, slots: &[Slot], theme: Theme) {
    if let Some(slot) = slots.iter().find(|slot| slot.column == table.column) {
        out.set_style(place(area, y, slot), theme.style(Tone::Selected));
    }
}

/// Where a slot is on a line.
fn place(area: Rect, y: u16, slot: &Slot) -> Rect {
    let x = area.x + BAR + slot.x as u16;
    Rect { x, y, width: (slot.width as u16).min(area.right().saturating_sub(x)), height: 1 }
}

/// Marks what was looked for, where it is in sight.
fn matched(out: &mut Buffer, x: u16, y: u16, slot: &Slot, value: &str, needle: &Needle, theme: Theme) {
    let (shown, _) = text::cut(value, slot.width);
    match needle.first(&shown) {
        Some(found) => {
            let before = text::width(&shown[..found.start], slot.width) as u16;
            let wide = text::width(&shown[found], slot.width) as u16;
            out.set_style(Rect { x: x + before, y, width: wide, height: 1 }, theme.style(Tone::Match));
        }
        // Beyond what fits: the `…` says so.
        None if shown.ends_with('…') && needle.is_in(&value[..value.floor_char_boundary(4096)]) => {
            let wide = text::width(&shown, slot.width) as u16;
            out.set_style(Rect { x: x + wide.saturating_sub(1), y, width: 1, height: 1 }, theme.style(Tone::Match));
        }
        None => {}
    }
}

fn aligned_right(column: &Column) -> bool {
    column.is_numeric()
}

/// Draws a value; gives the column where it begins.
fn value(out: &mut Buffer, left: u16, y: u16, slot: &Slot, value: &str, right: bool, style: Style) -> u16 {
    let (shown, wide) = text::cut(value, slot.width);
    let shift = if right { slot.width - wide } else { 0 };
    let x = left + BAR + (slot.x + shift) as u16;
    out.set_string(x, y, shown, style);
    x
}

/// Whether a terminal that orders text by direction would draw some of `text` from right to left (Unicode Bidirectional
/// Algorithm, classes R and AL: the blocks they are in). Only the beginning, which is what is in sight, is looked at.
fn is_right_to_left(text: &str) -> bool {
    let head = &text[..text.floor_char_boundary(2048)];
    !head.is_ascii()
        && head.chars().any(|c| {
            matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
        })
}

/// The line between two columns. Beside right-to-left text a left-to-right mark stands before and after it: without width,
/// it ends the run, so that no terminal draws one cell's text within another's.
fn between(out: &mut Buffer, area: Rect, y: u16, slot: &Slot, slots: &[Slot], theme: Theme, turned: bool) {
    let x = area.x + BAR + (slot.x + slot.width) as u16 + 1;
    let last = slots.last().is_some_and(|last| last.column == slot.column);
    if !last && x < area.right() && GAP == 3 {
        out.set_string(x, y, "│", theme.style(Tone::Dim));
        // A mark counts to the cell before it: written before the bar it would stay there when the bar has gone.
        for (x, symbol) in [(x - 1, " \u{200e}"), (x, "│\u{200e}")] {
            if turned && let Some(cell) = out.cell_mut((x, y)) {
                cell.set_symbol(symbol);
            }
        }
    }
}

/// One row, a column a line.
pub(super) fn expanded(table: &Table, top: usize, focused: bool, out: &mut Buffer, area: Rect, theme: Theme) {
    let names = table.columns.iter().map(|column| text::width(&column.name, 30)).max().unwrap_or(0);
    let heading = match table.rows {
        0 => "─ no rows ".to_owned(),
        rows => format!("─ row {} of {} ", text::grouped(table.row + 1), text::grouped(rows)),
    };
    let heading = format!("{heading}{}", "─".repeat((area.width as usize).saturating_sub(heading.chars().count())));
    Line::styled(heading, theme.style(Tone::Dim)).render(Rect { height: 1, ..area }, out);
    if table.rows == 0 {
        return;
    }
    let found = table.find(table.row);
    let room = (area.width as usize).saturating_sub(names + 2 + GAP);
    for (offset, column) in (top..table.columns.len()).take(area.height.saturating_sub(1) as usize).enumerate() {
        let y = area.y + 1 + offset as u16;
        let (shown, tone) = match found {
            None => ("…", Tone::Dim),
            Some((page, at)) => match page.cell(at, column) {
                None => ("∅", Tone::Null),
                Some(cell) => (cell, Tone::Text),
            },
        };
        let chosen = column == table.column;
        let bar = if chosen { "▌ " } else { "  " };
        let (name, wide) = text::cut(&table.columns[column].name, names);
        let spans = vec![
            Span::styled(bar, theme.style(if focused { Tone::Accent } else { Tone::Dim })),
            Span::styled(name, theme.style(if chosen && focused { Tone::Accent } else { Tone::Strong })),
            Span::styled(format!("{:1$} │ ", "", names - wide), theme.style(Tone::Dim)),
            Span::styled(text::cut(shown, room).0, theme.style(tone)),
        ];
        Line::from(spans).render(Rect { y, height: 1, ..area }, out);
    }
}

/// One cell over everything.
pub(super) fn cell(cell: &Cell, out: &mut Buffer, area: Rect, theme: Theme) {
    let size = match &cell.value {
        None => "NULL".to_owned(),
        Some(value) => text::size(value.len() as u64),
    };
    let room = area.height.saturating_sub(1) as usize;
    let lines = cell.lines();
    let place = match cell.known() {
        _ if cell.is_busy() => format!(" · on the way, {} %", cell.percent()),
        (known, true) if known > room => {
            format!(" · line {} of {}", text::grouped(cell.top as u64 + 1), text::grouped(known as u64))
        }
        (_, true) => String::new(),
        (_, false) => format!(" · line {}", text::grouped(cell.top as u64 + 1)),
    };
    let raw = match (cell.raw, cell.document) {
        (true, false) => " · as sent",
        (true, true) => " · wrapped",
        (false, _) if cell.left > 0 => " · ‹",
        (false, _) => "",
    };
    let name = text::cut(&cell.name, (area.width as usize) / 2).0;
    let row = if cell.document { String::new() } else { format!(" · row {}", text::grouped(cell.row + 1)) };
    let heading = vec![
        Span::styled("─ ", theme.style(Tone::Dim)),
        Span::styled(name, theme.style(Tone::Strong)),
        Span::styled(format!("{row} · {size}{place}{raw} "), theme.style(Tone::Dim)),
    ];
    let heading = Line::from(heading);
    let top = Rect { height: 1, ..area };
    Line::styled("─".repeat(area.width as usize), theme.style(Tone::Dim)).render(top, out);
    heading.render(top, out);
    let tone = if cell.value.is_none() { Tone::Null } else { Tone::Text };
    for (offset, line) in lines.iter().take(room).enumerate() {
        let y = area.y + 1 + offset as u16;
        let place = Rect { x: area.x + 1, y, width: area.width.saturating_sub(1), height: 1 };
        let shown = text::from_column(line, cell.left);
        Line::styled(shown.as_ref(), theme.style(tone)).render(place, out);
        if cell.is_flat() && text::width(&shown, 5000) > place.width.into() {
            out.set_string(place.right().saturating_sub(1), y, "›", theme.style(Tone::Dim));
        }
        let found = cell.needle.as_ref().and_then(|needle| needle.first(line));
        if let Some(found) = found {
            let before = text::width(&line[..found.start], 5000);
            let end = (before + text::width(&line[found], 5000)).saturating_sub(cell.left) as u16;
            let before = before.saturating_sub(cell.left) as u16;
            let place = Rect { x: place.x.saturating_add(before), width: end - before, ..place };
            out.set_style(place.intersection(area), theme.style(Tone::Match));
        }
    }
    if let Some(asked) = &cell.asked {
        let place = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
        ratatui::widgets::Clear.render(place, out);
        let words = text::cut(asked, (area.width as usize).saturating_sub(12)).0;
        let line = vec![
            Span::styled(" find ", theme.style(Tone::Accent)),
            Span::raw(words),
            Span::styled("▏", theme.style(Tone::Accent)),
        ];
        Line::from(line).render(place, out);
    }
}
