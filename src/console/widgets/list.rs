//! Where one stands in a list that is longer than the screen. It must not know what the list holds.

/// The selected row and the first row on screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Index of the selected row; 0 when the list is empty.
    pub selected: usize,
    /// Index of the first row on screen.
    pub offset: usize,
}

/// A way to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// So many rows down, or up when negative.
    By(isize),
    /// So many half screens down, or up when negative.
    HalfPages(isize),
    /// The first row.
    First,
    /// The last row.
    Last,
}

impl Cursor {
    /// Moves within `len` rows of which `height` are on screen.
    pub fn go(&mut self, how: Move, len: usize, height: usize) {
        let last = len.saturating_sub(1);
        self.selected = match how {
            Move::By(rows) => self.selected.saturating_add_signed(rows).min(last),
            Move::HalfPages(pages) => {
                let rows = pages * (height as isize / 2).max(1);
                self.selected.saturating_add_signed(rows).min(last)
            }
            Move::First => 0,
            Move::Last => last,
        };
        self.follow(len, height);
    }

    /// Brings the selected row on screen after the list or the screen changed, and leaves no empty space below the end.
    pub fn follow(&mut self, len: usize, height: usize) {
        let height = height.max(1);
        self.selected = self.selected.min(len.saturating_sub(1));
        if self.selected < self.offset {
            self.offset = self.selected;
        } else if self.selected >= self.offset + height {
            self.offset = self.selected + 1 - height;
        }
        self.offset = self.offset.min(len.saturating_sub(height));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_is_always_on_screen() {
        let mut cursor = Cursor::default();
        cursor.go(Move::Last, 100, 10);
        assert_eq!(cursor, Cursor { selected: 99, offset: 90 });
        cursor.go(Move::HalfPages(-1), 100, 10);
        assert_eq!(cursor, Cursor { selected: 94, offset: 90 });
        cursor.go(Move::By(-20), 100, 10);
        assert_eq!(cursor, Cursor { selected: 74, offset: 74 });
        cursor.follow(5, 10);
        assert_eq!(cursor, Cursor { selected: 4, offset: 0 });
        cursor.go(Move::By(1), 0, 0);
        assert_eq!(cursor, Cursor::default());
    }
}
