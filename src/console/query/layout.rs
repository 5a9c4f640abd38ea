//! Where things are. Pure: `update` asks it as `view` does, so both mean the same rows and columns.

use super::pane::{Pane, Showing};
use super::{standing, text};
use ratatui::layout::{Position, Rect};

/// Lines of notices shown below rows.
const STRIP: usize = 3;

/// Lines of what is wrong.
const TROUBLE: usize = 3;

/// The parts of the pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Areas {
    /// Who, where, how.
    pub state: Rect,
    /// The production banner; empty where the target is none.
    pub banner: Rect,
    /// A line below, where there is room for it.
    pub top: Rect,
    /// The text.
    pub editor: Rect,
    /// The line between editor and results.
    pub rule: Rect,
    /// What is wrong with the line, or why a cancel takes its time.
    pub trouble: Rect,
    /// The column names; empty while no grid is shown.
    pub header: Rect,
    /// Rows, or messages.
    pub results: Rect,
    /// Notices below rows.
    pub strip: Rect,
    /// Keys, and the transaction.
    pub keys: Rect,
}

/// Columns of the tree beside the rest.
const TREE: u16 = 46;

/// Whether the tree has room beside the results, or lies over them.
pub fn beside(area: Rect) -> bool {
    area.width >= 110
}

/// Where the tree is; empty while it is not shown.
pub fn tree(pane: &Pane, areas: &Areas) -> Rect {
    let area = pane.area;
    let top = if beside(area) { areas.editor.y } else { areas.rule.bottom() };
    let height = areas.keys.y.saturating_sub(top);
    let width = if beside(area) { TREE } else { area.width };
    Rect { x: area.x, y: top, width, height: if pane.tree.shown { height } else { 0 } }
}

/// The parts of `pane` in its area.
pub fn areas(pane: &Pane) -> Areas {
    let area = pane.area;
    let aside = if pane.tree.shown && beside(area) { TREE + 1 } else { 0 };
    let mut from = area.y;
    let mut left = area.height;
    let mut take = |lines: usize| {
        let height = u16::try_from(lines).unwrap_or(u16::MAX).min(left);
        let part = Rect { x: area.x, y: from, width: area.width, height };
        from += height;
        left -= height;
        part
    };
    let state = take(1);
    let banner = take(usize::from(pane.setup.production));
    let airy = usize::from(area.height >= 20 && !pane.setup.production);
    let top = take(airy);
    let body = (area.height as usize).saturating_sub(2 + airy + usize::from(pane.setup.production));
    let most = (body * 2 / 5).max(3);
    let lines = pane.editor.buffer().lines().len();
    let mut take = |lines: usize| {
        let part = take(lines);
        Rect { x: part.x + aside, width: part.width - aside, ..part }
    };
    let editor = take(if pane.zoom { 0 } else { lines.clamp(3, most).min(body.saturating_sub(1)) });
    let rule = take(1);
    let below = body.saturating_sub(editor.height as usize + 1);
    let words = standing::trouble(pane)
        .map_or(0, |(_, words)| text::wrap(&words, trouble_width(Rect { width: area.width - aside, ..area })).len());
    let trouble = take(words.min(TROUBLE).min(below));
    let below = below - usize::from(trouble.height);
    let rows = pane.showing == Showing::Rows && pane.table().is_some();
    let header = take(if rows && !pane.expanded { 1.min(below) } else { 0 });
    let notices = if rows { pane.log.notices().min(STRIP).min(below.saturating_sub(4)) } else { 0 };
    let results = take(below.saturating_sub(header.height as usize + notices));
    let strip = take(notices);
    let keys = take(1);
    let keys = Rect { x: area.x, width: area.width, ..keys };
    Areas { state, banner, top, editor, rule, trouble, header, results, strip, keys }
}

/// Columns for the words of [`Areas::trouble`].
pub fn trouble_width(area: Rect) -> usize {
    area.width.saturating_sub(2).into()
}

/// The area of an open cell or the history: everything between state line and key line.
pub fn overlay(areas: &Areas) -> Rect {
    let top = areas.editor.y;
    Rect { y: top, height: areas.keys.y.saturating_sub(top), ..areas.state }
}

/// Where the editor's cursor is on the screen; `None` while the editor has no line there. What pops up at the cursor
/// belongs into the row below (or above).
pub fn cursor(pane: &Pane) -> Option<Position> {
    let area = areas(pane).editor;
    if area.height == 0 || area.width == 0 {
        return None;
    }
    let (top, left) = pane.editor.corner();
    let at = pane.editor.cursor();
    let column = pane.editor.buffer().column(at).saturating_sub(left);
    let row = at.line.saturating_sub(top);
    let x = usize::from(area.x).saturating_add(1 + column).min(usize::from(area.right()) - 1);
    let y = usize::from(area.y).saturating_add(row).min(usize::from(area.bottom()) - 1);
    Some(Position::new(x as u16, y as u16))
}
