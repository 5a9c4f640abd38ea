//! Which columns are shown, how wide, and which stay while the others scroll. It must not know rows.

use super::text;
use crate::model::Column;
use std::collections::HashMap;

/// No column is measured wider.
pub const WIDEST: usize = 1000;
/// Columns are shown at most this wide while they do not all fit, unless a hand made them wider.
pub const CROWDED: usize = 40;
/// Columns between two columns: ` │ `.
pub const GAP: usize = 3;

/// A column on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Which.
    pub column: usize,
    /// Columns from the left edge.
    pub x: usize,
    /// How wide.
    pub width: usize,
}

/// The columns of one result as they are shown.
#[derive(Clone, Debug)]
pub struct Columns {
    /// By content.
    widths: Vec<usize>,
    by_hand: HashMap<usize, usize>,
    /// Those not hidden, in order.
    shown: Vec<usize>,
    /// So many of `shown` stay.
    frozen: usize,
    /// What all of `shown` take, kept so that 1,600 of them are not added up for every frame.
    total: usize,
}

impl Columns {
    /// Of a result.
    pub fn new(columns: &[Column]) -> Columns {
        let widths: Vec<usize> = columns.iter().map(|column| text::width(&column.name, WIDEST).max(1)).collect();
        let mut new =
            Columns { shown: (0..widths.len()).collect(), widths, by_hand: HashMap::new(), frozen: 0, total: 0 };
        new.add_up();
        new
    }

    fn add_up(&mut self) {
        self.total = self.shown.iter().map(|column| self.width(*column) + GAP).sum();
    }

    fn width(&self, column: usize) -> usize {
        self.by_hand.get(&column).copied().unwrap_or(self.widths[column])
    }

    /// Makes room for what content needs, all columns at once.
    pub fn measure(&mut self, grow: impl FnOnce(&mut [usize])) {
        grow(&mut self.widths);
        self.add_up();
    }

    /// Makes a column wider or narrower, whatever its content; how wide it is then.
    pub fn widen(&mut self, column: usize, by: i64) -> usize {
        let now = self.width(column).min(if self.by_hand.contains_key(&column) { WIDEST } else { CROWDED.max(20) });
        let width = (now as i64 + by).clamp(1, WIDEST as i64) as usize;
        self.by_hand.insert(column, width);
        self.add_up();
        width
    }

    /// Widths are by content again.
    pub fn reset_widths(&mut self) {
        self.by_hand.clear();
        self.add_up();
    }

    /// Columns that stay.
    pub fn frozen(&self) -> usize {
        self.frozen
    }

    /// Those up to `column` stay while the others scroll; none do if it was so already.
    pub fn freeze(&mut self, column: usize) -> usize {
        let wanted = self.position(column) + 1;
        self.frozen = if self.frozen == wanted { 0 } else { wanted };
        self.frozen
    }

    /// Hides a column, unless it is the last that is shown.
    pub fn hide(&mut self, column: usize) -> bool {
        if self.shown.len() < 2 || self.shown.get(self.position(column)) != Some(&column) {
            return false;
        }
        let at = self.position(column);
        self.shown.remove(at);
        self.frozen -= usize::from(at < self.frozen);
        self.add_up();
        true
    }

    /// Shows all columns; how many were hidden.
    pub fn show_all(&mut self) -> usize {
        let hidden = self.hidden();
        let stays = self.frozen.checked_sub(1).map(|last| self.shown[last]);
        self.shown = (0..self.widths.len()).collect();
        self.frozen = stays.map_or(0, |column| column + 1);
        self.add_up();
        hidden
    }

    /// Columns not shown.
    pub fn hidden(&self) -> usize {
        self.widths.len() - self.shown.len()
    }

    /// Those shown, in order.
    pub fn shown(&self) -> &[usize] {
        &self.shown
    }

    /// Where a column, or the next that is shown, is among those shown.
    pub fn position(&self, column: usize) -> usize {
        self.shown.partition_point(|shown| *shown < column).min(self.shown.len().saturating_sub(1))
    }

    /// The column so many further among those shown.
    pub fn step(&self, column: usize, by: isize) -> usize {
        let at = self.position(column).saturating_add_signed(by).min(self.shown.len().saturating_sub(1));
        self.shown.get(at).copied().unwrap_or(0)
    }

    /// Whether all fit so many columns of a screen.
    pub fn fit(&self, width: usize) -> bool {
        self.total <= width + GAP
    }

    /// What a column takes where not all fit.
    fn taken(&self, column: usize, width: usize) -> usize {
        let most = if self.fit(width) || self.by_hand.contains_key(&column) { WIDEST } else { CROWDED };
        self.width(column).min(most)
    }

    /// Those that stay, as many as leave room for another.
    fn staying(&self, width: usize) -> (usize, usize) {
        let mut used = 0;
        for (at, column) in self.shown.iter().take(self.frozen).enumerate() {
            let next = used + self.taken(*column, width) + GAP;
            if next + 8 > width {
                return (at, used);
            }
            used = next;
        }
        (self.frozen, used)
    }

    /// The first position to scroll to, `left` if that does, so that `column` is wholly in sight.
    pub fn scroll(&self, left: usize, column: usize, width: usize) -> usize {
        let at = self.position(column);
        let (staying, used) = self.staying(width);
        let left = left.max(staying);
        if at < staying {
            return left;
        }
        let room = width.saturating_sub(used);
        let mut start = at;
        let mut taken = self.shown.get(at).map_or(0, |column| self.taken(*column, width).min(room));
        while start > staying {
            taken += GAP + self.taken(self.shown[start - 1], width);
            if taken > room {
                break;
            }
            start -= 1;
        }
        left.min(at).max(start)
    }

    /// The columns that so many columns of a screen show, scrolled to the position `left`.
    pub fn slots(&self, left: usize, width: usize) -> Vec<Slot> {
        let (staying, _) = self.staying(width);
        let mut slots: Vec<Slot> = Vec::new();
        let mut x = 0;
        for column in self.shown[..staying].iter().chain(self.shown.iter().skip(left.max(staying))) {
            // A sliver says less than an empty margin.
            if x + 3 > width && x > 0 {
                break;
            }
            let slot = Slot { column: *column, x, width: self.taken(*column, width).min(width.saturating_sub(x)) };
            x += slot.width + GAP;
            slots.push(slot);
        }
        if let Some(last) = slots.last_mut() {
            last.width = self.width(last.column).min(width.saturating_sub(last.x));
        }
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(count: usize) -> Columns {
        let columns: Vec<Column> = (0..count).map(|n| Column { name: format!("column {n}"), oid: 25 }).collect();
        Columns::new(&columns)
    }

    fn shown(columns: &Columns, left: usize, width: usize) -> Vec<usize> {
        columns.slots(left, width).iter().map(|slot| slot.column).collect()
    }

    #[test]
    fn frozen_columns_stay_and_hidden_ones_are_passed_over() {
        let mut columns = columns(1600);
        assert_eq!(columns.freeze(1), 2);
        let left = columns.scroll(0, 800, 60);
        assert_eq!(shown(&columns, left, 60), [0, 1, 798, 799, 800]);
        assert!(columns.hide(799) && !columns.hide(799));
        assert_eq!(columns.step(798, 1), 800);
        assert_eq!(columns.hidden(), 1);
        assert!(columns.hide(0));
        assert_eq!((columns.frozen(), columns.shown()[0]), (1, 1));
        assert_eq!(columns.show_all(), 2);
        assert_eq!(columns.frozen(), 2);
        assert_eq!(columns.freeze(1), 0);
    }

    #[test]
    fn what_is_frozen_leaves_room_for_the_cursor() {
        let mut columns = columns(50);
        columns.freeze(40);
        let left = columns.scroll(0, 49, 40);
        assert!(shown(&columns, left, 40).contains(&49));
    }

    #[test]
    fn widths_are_by_hand_until_reset() {
        let mut columns = columns(3);
        assert_eq!(columns.widen(1, -4), 4);
        assert_eq!(columns.slots(0, 80)[1].width, 4);
        columns.widen(1, 60);
        assert_eq!(columns.slots(0, 200)[1].width, 64);
        columns.reset_widths();
        assert_eq!(columns.slots(0, 80)[1].width, 8);
    }

    #[test]
    fn the_last_column_that_is_shown_cannot_be_hidden() {
        let mut columns = columns(2);
        assert!(columns.hide(1) && !columns.hide(0));
    }
}
