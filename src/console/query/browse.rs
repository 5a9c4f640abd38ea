//! Keys and clicks in the results. It must not know how results come.

use super::cell::Cell;
use super::keymap::{LOOK, Look};
use super::layout::Areas;
use super::pane::{Focus, Pane, Showing};
use super::update::{self, leave, stop};
use super::{Order, layout, plan, shaping, standing, text};
use crate::console::keys::find;
use crate::console::theme::Tone;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;

/// A key while the results have the focus.
pub(super) fn key(pane: &mut Pane, key: &KeyEvent, stopping: bool, orders: &mut Vec<Order>) {
    let digit = match key.code {
        KeyCode::Char(c) if (key.modifiers - KeyModifiers::SHIFT).is_empty() => c.to_digit(10),
        _ => None,
    };
    if let Some(digit) = digit.filter(|digit| *digit > 0 || pane.count.is_some()) {
        pane.count = Some(pane.count.unwrap_or(0).saturating_mul(10).saturating_add(digit.into()));
        return;
    }
    let count = pane.count.take();
    if plan::key(pane, key, orders) {
        return;
    }
    let Some(action) = find(LOOK, key) else {
        // What runs the text works from here, too: the hand is on these keys already.
        if matches!(key.code, KeyCode::F(_)) || typed_with_control(key, 'r') {
            update::write_from_results(pane, key, orders);
        }
        return;
    };
    match action {
        Look::Out if shaping::back(pane, orders) => {}
        Look::Editor | Look::Out => {
            pane.focus = Focus::Editor;
            pane.zoom = false;
        }
        Look::Stop => stop(pane, stopping, orders),
        Look::Catalogue => super::tree::open(pane, orders),
        Look::Help => orders.push(Order::Help),
        Look::Back => orders.push(Order::Back),
        Look::Close => leave(pane, Order::Close, orders),
        Look::Zoom => pane.zoom = !pane.zoom,
        Look::Next => turn(pane, 1),
        Look::Previous => turn(pane, -1),
        Look::Messages => {
            pane.showing = match pane.showing {
                Showing::Messages if pane.table().is_some() => Showing::Rows,
                _ => Showing::Messages,
            };
        }
        // The rest is about rows, and none are in sight.
        _ if plan::shown(pane).is_some() => pane.say(Tone::Dim, "t shows the plan's JSON as a row"),
        _ if reads(pane) => messages(pane, action, orders),
        Look::Expanded => {
            pane.expanded = !pane.expanded;
            pane.unfolded = 0;
        }
        Look::Cell => open(pane),
        Look::CopyRow => copy_row(pane, orders),
        _ if shaping::key(pane, action, count, orders) => {}
        _ => travel(pane, action, count),
    }
}

fn typed_with_control(key: &KeyEvent, c: char) -> bool {
    key.code == KeyCode::Char(c) && key.modifiers == KeyModifiers::CONTROL
}

/// A click in the results: the cell under it.
pub(super) fn click(pane: &mut Pane, areas: &Areas, at: Position) {
    if pane.showing != Showing::Rows || pane.expanded {
        return;
    }
    if let Some(tree) = plan::shown_mut(pane) {
        if areas.results.contains(at) {
            tree.click(usize::from(at.y - areas.results.y));
        }
        return;
    }
    let Some(table) = pane.table_mut() else { return };
    if areas.results.contains(at) {
        table.row = (table.top + u64::from(at.y - areas.results.y)).min(table.rows.saturating_sub(1));
    }
    let x = (at.x - areas.results.x).saturating_sub(2) as usize;
    let slots = table.slots(areas.results.width.saturating_sub(2) as usize);
    if let Some(slot) = slots.iter().rev().find(|slot| slot.x <= x) {
        table.column = slot.column;
    }
}

fn turn(pane: &mut Pane, by: isize) {
    if pane.outputs.len() < 2 {
        pane.say(Tone::Dim, "there is only this result");
        return;
    }
    if by < 0 && pane.current == 0 && pane.dropped > 0 {
        pane.say(Tone::Dim, format!("only the last {} results of a run are kept", pane.outputs.len()));
    }
    pane.current = pane.current.saturating_add_signed(by).min(pane.outputs.len() - 1);
    pane.showing = Showing::Rows;
}

/// Whether messages are in sight, not rows.
pub(super) fn reads(pane: &Pane) -> bool {
    plan::shown(pane).is_none() && (pane.showing == Showing::Messages || pane.table().is_none())
}

/// Whether a key of the results means something there.
pub(super) fn is_of_messages(action: Look) -> bool {
    !matches!(
        action,
        Look::Expanded
            | Look::CopyRow
            | Look::Export
            | Look::Sort
            | Look::SortAlso
            | Look::Filter
            | Look::AsItCame
            | Look::Jump
            | Look::Narrower
            | Look::Wider
            | Look::Widths
            | Look::Freeze
            | Look::Hide
            | Look::ShowAll
            | Look::MarkCells
            | Look::MarkRows
            | Look::ExtendUp
            | Look::ExtendDown
            | Look::ExtendLeft
            | Look::ExtendRight
            | Look::FirstColumn
            | Look::LastColumn
    )
}

/// The messages of the last run as one text, to read, to search and to copy.
fn read(pane: &mut Pane) -> Option<Cell> {
    let text = pane.log.text();
    if text.is_empty() {
        pane.say(Tone::Dim, "there are no messages yet");
        return None;
    }
    let mut cell = Cell::document("messages".to_owned(), text);
    cell.needle = pane.shaping.needle.clone();
    Some(cell)
}

fn messages(pane: &mut Pane, action: Look, orders: &mut Vec<Order>) {
    match action {
        Look::Cell => {
            pane.cell = read(pane);
            return;
        }
        Look::FindNext | Look::FindBefore if pane.shaping.needle.is_none() => {
            return pane.say(Tone::Dim, "nothing was looked for yet; / asks");
        }
        Look::Find | Look::FindNext | Look::FindBefore => {
            pane.cell = read(pane);
            if let Some(cell) = &mut pane.cell {
                match action {
                    Look::Find => cell.asked = Some(String::new()),
                    _ => update::seek(pane, action == Look::FindNext),
                }
            }
            return;
        }
        Look::CopyMenu => {
            if let Some(text) = read(pane).and_then(|cell| cell.value) {
                shaping::copied(pane, "copied the messages of the last run".to_owned(), text, orders);
            }
            return;
        }
        action if !is_of_messages(action) => {
            let words = match pane.table() {
                Some(_) => "these are messages: m shows the rows",
                None => "there are no rows here",
            };
            return pane.say(Tone::Dim, words);
        }
        _ => {}
    }
    let areas = layout::areas(pane);
    let page = areas.results.height.saturating_sub(1).max(1) as usize;
    match action {
        Look::Left => return pane.log.sideways(-8, areas.results.width.into()),
        Look::Right => return pane.log.sideways(8, areas.results.width.into()),
        _ => {}
    }
    let back = &mut pane.log.back;
    match action {
        Look::Up => *back += 1,
        Look::Down => *back = back.saturating_sub(1),
        Look::PageUp => *back += page,
        Look::PageDown => *back = back.saturating_sub(page),
        Look::Top => *back = usize::MAX >> 1,
        Look::Bottom => *back = 0,
        _ => {}
    }
}

fn travel(pane: &mut Pane, action: Look, count: Option<u64>) {
    let expanded = pane.expanded;
    let height = layout::areas(pane).results.height.saturating_sub(2).max(1) as isize;
    let by = count.unwrap_or(1).min(i64::MAX as u64) as i64;
    let Some(table) = pane.table_mut() else { return };
    match (action, expanded) {
        // Expanded, a column is a line: up and down go through columns, left and right through rows.
        (Look::Up, true) => table.aside(-(by as isize)),
        (Look::Down, true) => table.aside(by as isize),
        (Look::Left, true) | (Look::Up, false) => table.step(-by),
        (Look::Right, true) | (Look::Down, false) => table.step(by),
        (Look::PageUp, true) => table.aside(-height),
        (Look::PageDown, true) => table.aside(height),
        (Look::Left, false) => table.aside(-(by as isize)),
        (Look::Right, false) => table.aside(by as isize),
        (Look::PageUp, false) => table.page(-by),
        (Look::PageDown, false) => table.page(by),
        (Look::Top, _) => table.row = 0,
        (Look::Bottom, _) => {
            let last = table.rows.saturating_sub(1);
            table.row = count.map_or(last, |row| row.saturating_sub(1).min(last));
        }
        (Look::FirstColumn, _) => table.column = table.shape.step(0, 0),
        (Look::LastColumn, _) => table.aside(isize::MAX),
        _ => {}
    }
}

/// The cell under the cursor, or why there is none.
fn cell(pane: &Pane) -> Result<Cell, String> {
    let table = pane.table().ok_or("no result")?;
    let column = table.columns.get(table.column).ok_or("the result has no columns")?;
    if table.rows == 0 {
        return Err(standing::none(pane));
    }
    let (page, row) = table.find(table.row).ok_or("the row is still on its way")?;
    let mut cell = Cell::new(column, table.row, page.cell(row, table.column));
    // What was looked for in the rows is marked in the cell too, and n goes on there.
    cell.needle = pane.shaping.needle.clone();
    Ok(cell)
}

fn open(pane: &mut Pane) {
    match cell(pane) {
        Ok(cell) => pane.cell = Some(cell),
        Err(why) => pane.say(Tone::Dim, why),
    }
}

pub(super) fn copy_cell(pane: &mut Pane, orders: &mut Vec<Order>) {
    match cell(pane).map(|cell| cell.value) {
        Ok(Some(value)) => {
            let words = match value.len() {
                0..10_000 => "copied the cell".to_owned(),
                bytes => format!("copied the cell, {}", text::size(bytes as u64)),
            };
            shaping::copied(pane, words, value, orders);
        }
        Ok(None) => {
            orders.push(Order::Copy(String::new()));
            pane.say(Tone::Warn, "copied NULL as nothing");
        }
        Err(why) => pane.say(Tone::Dim, why),
    }
}

/// The row, tab-separated as `COPY … TO STDOUT` writes it: `\N` for NULL, tabs and line ends escaped.
fn copy_row(pane: &mut Pane, orders: &mut Vec<Order>) {
    let found = pane.table().and_then(|table| table.find(table.row));
    let Some((page, row)) = found else {
        pane.say(Tone::Dim, "there is no row to copy");
        return;
    };
    let cells: Vec<String> = page.row(row).map(|cell| cell.map_or("\\N".to_owned(), escape)).collect();
    orders.push(Order::Copy(cells.join("\t")));
    pane.say(Tone::Good, "copied the row");
}

/// PostgreSQL, COPY, "Text Format".
fn escape(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    for c in cell.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out
}
