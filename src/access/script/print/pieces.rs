//! A cell cut into the pieces that stand on a line each: at its line breaks, and where it is too long. It must not know
//! what is drawn around them.

use crate::access::format::cells;
use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How a piece comes after the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It is the first.
    Cell,
    /// After a line break.
    Break,
    /// In the middle of a line that was too long.
    Wrap,
}

/// What stands on one line of a cell.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) width: usize,
    pub(super) start: Start,
}

/// All pieces of a cell, none wider than `most` columns unless a single character is.
pub(super) fn pieces(text: &str, most: usize) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    for (at, line) in cells::lines(text).into_iter().enumerate() {
        let start = if at == 0 { Start::Cell } else { Start::Break };
        let width = line.width();
        if width <= most {
            all.push(Piece { text: line, width, start });
            continue;
        }
        let mut rest = line.as_ref();
        let mut start = start;
        while !rest.is_empty() {
            let (end, width) = fitting(rest, most);
            all.push(Piece { text: Cow::Owned(rest[..end].to_owned()), width, start });
            (rest, start) = (&rest[end..], Start::Wrap);
        }
    }
    all
}

/// Bytes and columns of what fits, one character at least.
fn fitting(text: &str, most: usize) -> (usize, usize) {
    let mut columns = 0;
    for (at, c) in text.char_indices() {
        let width = c.width().unwrap_or(0);
        if columns + width > most && at > 0 {
            return (at, columns);
        }
        columns += width;
    }
    (text.len(), columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_cut_at_breaks_and_where_they_are_too_long() {
        let told = |text, most| {
            let all: Vec<_> =
                pieces(text, most).into_iter().map(|piece| (piece.text.into_owned(), piece.start)).collect();
            all
        };
        let piece = |text: &str, start| (text.to_owned(), start);
        assert_eq!(told("", 3), [piece("", Start::Cell)]);
        assert_eq!(
            told("abcd\nef", 3),
            [piece("abc", Start::Cell), piece("d", Start::Wrap), piece("ef", Start::Break)]
        );
        assert_eq!(told("世界", 1), [piece("世", Start::Cell), piece("界", Start::Wrap)]);
        assert_eq!(told("世界", 3), [piece("世", Start::Cell), piece("界", Start::Wrap)]);
    }
}
