//! Text as lines, and places in it. It knows characters, words and columns of a screen; it must not know a cursor, keys or
//! SQL.
//!
//! Lines are plain strings: inserting megabytes is one splice, a key costs what its line is long, and the lexer and the
//! view want lines anyway.

use std::ops::Range;
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};
use unicode_width::UnicodeWidthStr;

/// Columns a tab stop is wide.
const TAB: usize = 8;

/// A place between two characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line, from 0.
    pub line: usize,
    /// Byte within the line.
    pub byte: usize,
}

/// Text as lines; there is always at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    lines: Vec<String>,
}

impl Default for Buffer {
    fn default() -> Buffer {
        Buffer { lines: vec![String::new()] }
    }
}

impl Buffer {
    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        matches!(self.lines.as_slice(), [line] if line.is_empty())
    }

    /// The text, lines joined with `\n`.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The place after the last character.
    pub fn end(&self) -> Place {
        let line = self.lines.len() - 1;
        Place { line, byte: self.lines[line].len() }
    }

    /// Byte offset of `place` in [`Buffer::text`].
    pub fn offset(&self, place: Place) -> usize {
        self.lines[..place.line].iter().map(|line| line.len() + 1).sum::<usize>() + place.byte
    }

    /// The place at a byte offset of [`Buffer::text`]; the nearest one before, when that is within a character.
    pub fn place(&self, mut offset: usize) -> Place {
        for (line, text) in self.lines.iter().enumerate() {
            if offset <= text.len() {
                return Place { line, byte: text.floor_char_boundary(offset) };
            }
            offset -= text.len() + 1;
        }
        self.end()
    }

    /// The text in a range.
    pub fn slice(&self, range: Range<Place>) -> String {
        let Range { start, end } = range;
        if start.line == end.line {
            return self.lines[start.line][start.byte..end.byte].to_owned();
        }
        let mut text = self.lines[start.line][start.byte..].to_owned();
        for line in &self.lines[start.line + 1..end.line] {
            text.push('\n');
            text.push_str(line);
        }
        text.push('\n');
        text.push_str(&self.lines[end.line][..end.byte]);
        text
    }

    /// Puts `text` where `range` was; gives the place after it.
    pub fn replace(&mut self, range: Range<Place>, text: &str) -> Place {
        let Range { start, end } = range;
        if start.line == end.line && !text.contains('\n') {
            self.lines[start.line].replace_range(start.byte..end.byte, text);
            return Place { line: start.line, byte: start.byte + text.len() };
        }
        let mut new: Vec<String> = text.split('\n').map(str::to_owned).collect();
        let after = end_of(start, text);
        new[0].insert_str(0, &self.lines[start.line][..start.byte]);
        let last = new.len() - 1;
        new[last].push_str(&self.lines[end.line][end.byte..]);
        self.lines.splice(start.line..=end.line, new);
        after
    }

    /// One character (grapheme cluster) to the right.
    pub fn right(&self, place: Place) -> Place {
        let line = &self.lines[place.line];
        if place.byte >= line.len() {
            let next = place.line + 1;
            return if next < self.lines.len() { Place { line: next, byte: 0 } } else { place };
        }
        let byte = GraphemeCursor::new(place.byte, line.len(), true).next_boundary(line, 0).ok().flatten();
        Place { byte: byte.unwrap_or(line.len()), ..place }
    }

    /// One character to the left.
    pub fn left(&self, place: Place) -> Place {
        if place.byte == 0 {
            return match place.line.checked_sub(1) {
                Some(line) => Place { line, byte: self.lines[line].len() },
                None => place,
            };
        }
        let line = &self.lines[place.line];
        let byte = GraphemeCursor::new(place.byte, line.len(), true).prev_boundary(line, 0).ok().flatten();
        Place { byte: byte.unwrap_or(0), ..place }
    }

    /// The end of the word at or after `place`, over line ends.
    pub fn word_right(&self, mut place: Place) -> Place {
        let mut within = false;
        loop {
            let next = self.lines[place.line][place.byte..].chars().next();
            match next {
                Some(c) if is_word(c) => within = true,
                _ if within => return place,
                None if place.line + 1 == self.lines.len() => return place,
                _ => {}
            }
            place = self.right(place);
        }
    }

    /// The start of the word at or before `place`, over line ends.
    pub fn word_left(&self, mut place: Place) -> Place {
        let mut within = false;
        loop {
            let before = self.lines[place.line][..place.byte].chars().next_back();
            match before {
                Some(c) if is_word(c) => within = true,
                _ if within => return place,
                None if place.line == 0 => return place,
                _ => {}
            }
            place = self.left(place);
        }
    }

    /// The screen column of `place`, tabs and wide characters counted.
    pub fn column(&self, place: Place) -> usize {
        width_from(0, &self.lines[place.line][..place.byte])
    }

    /// The place on `line` at a screen column, or the nearest before it.
    pub fn at_column(&self, line: usize, column: usize) -> Place {
        let text = &self.lines[line];
        if text.is_ascii() && !text.contains(|c: char| c.is_ascii_control()) {
            return Place { line, byte: column.min(text.len()) };
        }
        let mut at = 0;
        for (byte, cluster) in text.grapheme_indices(true) {
            let next = at + cluster_width(at, cluster);
            if next > column {
                return Place { line, byte };
            }
            at = next;
        }
        Place { line, byte: text.len() }
    }
}

/// Where `text` ends when it begins at `start`.
pub fn end_of(start: Place, text: &str) -> Place {
    match text.rfind('\n') {
        None => Place { line: start.line, byte: start.byte + text.len() },
        Some(at) => {
            let lines = text.bytes().filter(|byte| *byte == b'\n').count();
            Place { line: start.line + lines, byte: text.len() - at - 1 }
        }
    }
}

/// Columns that `text` takes when it begins at screen column `start`.
pub fn width_from(start: usize, text: &str) -> usize {
    if text.is_ascii() && !text.contains(|c: char| c.is_ascii_control()) {
        return text.len();
    }
    text.graphemes(true).fold(start, |at, cluster| at + cluster_width(at, cluster)) - start
}

/// Columns one cluster takes at screen column `at`: tabs go to the next stop, other control characters are shown as one
/// symbol.
pub fn cluster_width(at: usize, cluster: &str) -> usize {
    match cluster {
        "\t" => TAB - at % TAB,
        _ => crate::model::visible(cluster).width(),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(text: &str) -> Buffer {
        let mut buffer = Buffer::default();
        buffer.replace(Place::default()..Place::default(), text);
        buffer
    }

    #[test]
    fn motions_go_by_clusters_words_and_lines() {
        let text = buffer("e\u{301}a 世界\nfoo_bar  baz");
        let start = Place::default();
        assert_eq!(text.right(start), Place { line: 0, byte: 3 });
        assert_eq!(text.left(Place { line: 0, byte: 3 }), start);
        assert_eq!(text.left(Place { line: 1, byte: 0 }), Place { line: 0, byte: 11 });
        assert_eq!(text.word_right(Place { line: 0, byte: 11 }), Place { line: 1, byte: 7 });
        assert_eq!(text.word_left(text.end()), Place { line: 1, byte: 9 });
        assert_eq!(text.word_left(Place { line: 1, byte: 0 }), Place { line: 0, byte: 5 });
        assert_eq!(text.word_left(start), start);
        assert_eq!(text.word_right(text.end()), text.end());
    }

    #[test]
    fn columns_count_tabs_and_wide_characters() {
        let text = buffer("\ta世b");
        assert_eq!(text.column(Place { line: 0, byte: 1 }), 8);
        assert_eq!(text.column(Place { line: 0, byte: 5 }), 11);
        assert_eq!(text.at_column(0, 10), Place { line: 0, byte: 2 });
        assert_eq!(text.at_column(0, 3), Place { line: 0, byte: 0 });
        assert_eq!(text.at_column(0, 99), text.end());
    }

    #[test]
    fn offsets_and_places_agree() {
        let text = buffer("ab\n\nçd\n");
        for offset in (0..=text.text().len()).filter(|at| text.text().is_char_boundary(*at)) {
            assert_eq!(text.offset(text.place(offset)), offset);
        }
    }
}
