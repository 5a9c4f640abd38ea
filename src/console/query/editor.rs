//! The editor: a buffer with a cursor, a selection, undo and a place to scroll to. It must not know keys (but for
//! [`vi`], where they are the language), what is run, nor how it is drawn.

mod brackets;
mod edit;
mod format;
mod lines;
mod statement;
mod travel;
pub mod vi;

#[cfg(test)]
mod tests;

pub use edit::Edit;
pub use travel::Motion;

use super::buffer::{Buffer, Place};
use super::colours::Colours;
use super::undo::{By, Change, Undo};
use std::ops::{Range, RangeInclusive};

/// Bytes that are lexed for colours at most before the next key is heard: about a millisecond's work.
const AT_ONCE: usize = 256 << 10;

/// The editor.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    buffer: Buffer,
    cursor: Place,
    anchor: Option<Place>,
    /// What is selected, where that is not simply what lies between anchor and cursor (vi's visual modes).
    span: Option<Range<Place>>,
    /// The column that vertical motions aim for.
    goal: Option<usize>,
    undo: Undo,
    killed: String,
    colours: Colours,
    /// Counts changes: whoever remembers an edition can tell whether the text is still the same.
    edition: u64,
    /// Where the server found an error, and in which edition.
    fault: Option<(u64, Place)>,
    /// The lines of the statement at the cursor, where there are others beside it.
    marked: Option<RangeInclusive<usize>>,
    /// For which edition and cursor that was found out.
    marked_for: Option<(u64, Place)>,
    /// First line shown.
    top: usize,
    /// First screen column shown.
    left: usize,
    height: usize,
    width: usize,
    /// Lines in sight have no colours yet.
    lags: bool,
}

impl Editor {
    /// The text.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The cursor.
    pub fn cursor(&self) -> Place {
        self.cursor
    }

    /// Byte offset of the cursor in the text.
    pub fn offset(&self) -> usize {
        self.buffer.offset(self.cursor)
    }

    /// The text before the cursor, of its own line.
    pub fn line_before(&self) -> &str {
        &self.buffer.lines()[self.cursor.line][..self.cursor.byte]
    }

    /// Counts changes.
    pub fn edition(&self) -> u64 {
        self.edition
    }

    /// First line and first column shown.
    pub fn corner(&self) -> (usize, usize) {
        (self.top, self.left)
    }

    /// For colouring lines.
    pub fn colours(&self) -> &Colours {
        &self.colours
    }

    /// Whether lines in sight have no colours yet; the next [`Editor::fit`] goes on with them.
    pub fn lags(&self) -> bool {
        self.lags
    }

    /// What is selected; never empty.
    pub fn selection(&self) -> Option<Range<Place>> {
        if let Some(span) = &self.span {
            return Some(span.clone());
        }
        let anchor = self.anchor?;
        (anchor != self.cursor).then(|| anchor.min(self.cursor)..anchor.max(self.cursor))
    }

    /// Whether a selection is under way that the mouse may pull further.
    pub fn dragging(&self) -> bool {
        self.anchor.is_some()
    }

    /// Selects a range, wherever the cursor is; `None` selects nothing.
    pub fn select(&mut self, range: Option<Range<Place>>) {
        self.anchor = None;
        self.span = range.filter(|range| range.start < range.end);
    }

    /// Where the server found an error in this very text.
    pub fn fault(&self) -> Option<Place> {
        self.fault.filter(|(edition, _)| *edition == self.edition).map(|(_, place)| place)
    }

    /// The server found an error there: the cursor goes there, and the place is marked until the text is changed.
    pub fn blame(&mut self, place: Place) {
        self.go(place, false);
        self.fault = Some((self.edition, self.cursor));
    }

    /// The lines of the statement at the cursor, where there are others beside it.
    pub fn marked(&self) -> Option<RangeInclusive<usize>> {
        self.marked.clone()
    }

    /// Puts `text` in place of everything, as one step of undo, and the cursor at its end.
    pub fn set(&mut self, text: &str) {
        self.change(Place::default()..self.buffer.end(), text, By::Command);
        self.anchor = None;
    }

    /// Puts `text` where a range of bytes was, as one step of undo, and the cursor behind it. Offsets within a character
    /// mean its beginning.
    pub fn replace_range(&mut self, bytes: Range<usize>, text: &str) {
        let range = self.buffer.place(bytes.start)..self.buffer.place(bytes.end);
        self.replace(range, text);
    }

    /// As [`Editor::replace_range`], by places.
    pub fn replace(&mut self, range: Range<Place>, text: &str) {
        self.undo.seal();
        self.change(range, text, By::Command);
    }

    /// Everything that is changed from now on is one step of undo, until [`Editor::close_step`].
    pub fn open_step(&mut self) {
        self.undo.open();
    }

    /// See [`Editor::open_step`].
    pub fn close_step(&mut self) {
        self.undo.close();
    }

    /// Puts the cursor somewhere (a click, an error's place).
    pub fn go(&mut self, place: Place, select: bool) {
        let line = place.line.min(self.buffer.lines().len() - 1);
        let text = &self.buffer.lines()[line];
        let place = Place { line, byte: text.floor_char_boundary(place.byte.min(text.len())) };
        self.aim(place, select);
        self.goal = None;
    }

    /// The place shown at a row and column of the editor's area.
    pub fn at(&self, row: usize, column: usize) -> Place {
        let line = (self.top + row).min(self.buffer.lines().len() - 1);
        self.buffer.at_column(line, self.left + column)
    }

    /// A typed character.
    pub fn type_in(&mut self, c: char) {
        let range = self.selection().unwrap_or(self.cursor..self.cursor);
        self.change(range, c.encode_utf8(&mut [0; 4]), By::Typing);
    }

    /// A paste: line ends of any kind become line breaks, everything else stays as it is.
    pub fn paste(&mut self, text: &str) {
        let range = self.selection().unwrap_or(self.cursor..self.cursor);
        if text.contains('\r') {
            self.change(range, &text.replace("\r\n", "\n").replace('\r', "\n"), By::Command);
        } else {
            self.change(range, text, By::Command);
        }
    }

    /// The selected text, which also goes into the kill buffer.
    pub fn copy(&mut self) -> Option<String> {
        let text = self.buffer.slice(self.selection()?);
        self.killed.clone_from(&text);
        Some(text)
    }

    /// Scrolls so that the cursor is within an area of that size, and has colours ready for what it shows: all of them, or,
    /// after megabytes were put in, as many as fit into this round ([`Editor::lags`]).
    pub fn fit(&mut self, width: usize, height: usize) {
        self.height = height;
        let (width, height) = (width.max(1), height.max(1));
        self.top = self.top.clamp((self.cursor.line + 1).saturating_sub(height), self.cursor.line);
        self.top = self.top.min(self.buffer.lines().len().saturating_sub(height));
        let column = self.buffer.column(self.cursor);
        if width > std::mem::replace(&mut self.width, width) && column < width {
            // What a narrow window scrolled away is back in a wide one.
            self.left = 0;
        }
        if column < self.left || column >= self.left + width {
            // Half a screen at once, or typing at the edge would shift the text with every key.
            self.left = if column < width { 0 } else { column - width / 2 };
        }
        self.lags = !self.colours.advance(self.buffer.lines(), self.top + height, AT_ONCE);
        let shown = (self.edition, self.cursor);
        if !self.lags && self.marked_for != Some(shown) {
            self.marked = self.find_marked();
            self.marked_for = Some(shown);
        }
    }

    /// Scrolls without moving the cursor further than it must to stay in sight.
    pub fn scroll(&mut self, lines: isize) {
        let most = self.buffer.lines().len().saturating_sub(self.height.max(1));
        self.top = self.top.saturating_add_signed(lines).min(most);
        let line = self.cursor.line.clamp(self.top, self.top + self.height.max(1) - 1);
        if line != self.cursor.line {
            let column = self.goal.unwrap_or_else(|| self.buffer.column(self.cursor));
            self.aim(self.buffer.at_column(line, column), false);
            self.goal = Some(column);
        }
    }

    fn aim(&mut self, place: Place, select: bool) {
        match select {
            true => self.anchor = Some(self.anchor.unwrap_or(self.cursor)),
            false => self.anchor = None,
        }
        self.span = None;
        self.cursor = place;
        self.undo.seal();
    }

    /// The one way text changes, except for undo and redo.
    fn change(&mut self, range: Range<Place>, text: &str, by: By) {
        if range.start == range.end && text.is_empty() {
            return;
        }
        let before = self.cursor;
        let removed = self.buffer.slice(range.clone());
        self.apply(range.start, &removed, text);
        self.anchor = None;
        self.goal = None;
        let change = Change { at: range.start, removed, inserted: text.to_owned(), before, after: self.cursor };
        self.undo.record(change, by);
    }

    fn apply(&mut self, at: Place, removed: &str, inserted: &str) {
        let end = super::buffer::end_of(at, removed);
        self.cursor = self.buffer.replace(at..end, inserted);
        let breaks = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
        self.colours.changed(at.line, breaks(removed), breaks(inserted));
        self.span = None;
        self.edition += 1;
    }
}
