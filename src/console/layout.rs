//! Where things are on a screen of a given size. Pure, so that `update` may ask the same as `view` (what is under the
//! mouse, how many rows make a page). It must not know what is drawn there.

use ratatui::layout::{Rect, Size};

/// From this width on the detail of the selected row stands beside the list, below it otherwise.
pub const BESIDE: u16 = 100;

/// The parts every screen has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Areas {
    /// The first row: where one is.
    pub header: Rect,
    /// All between.
    pub body: Rect,
    /// The last row: what one can do.
    pub keys: Rect,
}

/// The parts of a screen.
pub fn areas(size: Size) -> Areas {
    let Size { width, height } = size;
    let keys = height.saturating_sub(1);
    Areas {
        header: Rect::new(0, 0, width, height.min(1)),
        body: Rect::new(0, height.min(1), width, keys.saturating_sub(1)),
        keys: Rect::new(0, keys, width, height.min(1)),
    }
}

/// The parts of the fleet's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Lines about regions that failed.
    pub problems: Rect,
    /// The rule above the list.
    pub rule: Rect,
    /// Column titles.
    pub titles: Rect,
    /// The rows.
    pub rows: Rect,
    /// The rule between list and detail: a column beside, a row below.
    pub divider: Rect,
    /// The detail.
    pub detail: Rect,
    /// The line in which the filter is typed; no height when there is none.
    pub filter: Rect,
}

/// The parts of the fleet, with so many lines of problems, and a filter or not.
pub fn fleet(body: Rect, problems: u16, filter: bool) -> Fleet {
    let problems = Rect { height: problems.min(body.height), ..body };
    let rule = below(body, problems.bottom(), 1);
    let filter_height = u16::from(filter).min(body.bottom() - rule.bottom());
    let filter = Rect { y: body.bottom() - filter_height, height: filter_height, ..body };
    let main = Rect { y: rule.bottom(), height: filter.y - rule.bottom(), ..body };
    let (list, divider, detail) = if main.width >= BESIDE {
        let detail = (main.width * 3 / 10).clamp(36, 64);
        let list = main.width - detail - 1;
        (
            Rect { width: list, ..main },
            Rect { x: main.x + list, width: 1, ..main },
            Rect { x: main.x + list + 1, width: detail, ..main },
        )
    } else if main.height >= 12 {
        let detail = (main.height * 2 / 5).min(9);
        let list = main.height - detail - 1;
        (
            Rect { height: list, ..main },
            Rect { y: main.y + list, height: 1, ..main },
            Rect { y: main.y + list + 1, height: detail, ..main },
        )
    } else {
        let none = Rect { y: main.bottom(), height: 0, ..main };
        (main, none, none)
    };
    let titles = Rect { height: list.height.min(1), ..list };
    let rows = Rect { y: titles.bottom(), height: list.height - titles.height, ..list };
    Fleet { problems, rule, titles, rows, divider, detail, filter }
}

/// So many rows of `area` from row `y` on, no more than there are.
pub fn below(area: Rect, y: u16, height: u16) -> Rect {
    let y = y.min(area.bottom());
    Rect { y, height: height.min(area.bottom() - y), ..area }
}

/// A box in the middle of `area`, of at most that size.
pub fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 3, width, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_leaves_the_screen_whatever_its_size() {
        for width in 0..160 {
            for height in 0..60 {
                let size = Size { width, height };
                let all = areas(size);
                let screen = Rect::new(0, 0, width, height);
                for problems in 0..4 {
                    let parts = fleet(all.body, problems, problems % 2 == 0);
                    for part in [all.header, all.body, all.keys, parts.problems, parts.rule, parts.titles, parts.rows]
                        .into_iter()
                        .chain([parts.divider, parts.detail, parts.filter])
                    {
                        assert!(
                            part.right() <= screen.right() && part.bottom() <= screen.bottom(),
                            "{part:?} {size:?}"
                        );
                    }
                    let overlap = parts.rows.intersection(parts.detail);
                    assert!(overlap.is_empty(), "{parts:?}");
                }
            }
        }
    }

    #[test]
    fn eighty_by_twenty_four_shows_list_and_detail() {
        let parts = fleet(areas(Size { width: 80, height: 24 }).body, 0, false);
        assert!(parts.rows.height >= 10 && parts.detail.height >= 6, "{parts:?}");
    }
}
