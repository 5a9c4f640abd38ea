//! The editor: a buffer with a cursor, a selection, undo and a place to scroll to. It must not know keys, what is run, nor
//! how it is drawn.

use super::buffer::{Buffer, Place};
use super::colours::Colours;
use super::undo::{Change, Undo};
use std::ops::Range;

/// Where the cursor can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// One character.
    Left,
    /// One character.
    Right,
    /// One line, keeping the column.
    Up,
    /// One line, keeping the column.
    Down,
    /// To the start of a word.
    WordLeft,
    /// To the end of a word.
    WordRight,
    /// The first character that is no space, then column 0.
    LineStart,
    /// The end of the line.
    LineEnd,
    /// A screen.
    PageUp,
    /// A screen.
    PageDown,
    /// The first character of all.
    TextStart,
    /// After the last character of all.
    TextEnd,
}

/// What can be done to the text, besides typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A line break, with the indentation of this line.
    Newline,
    /// To the next multiple of two columns.
    Indent,
    /// The character before the cursor, or the selection.
    Backspace,
    /// The character at the cursor, or the selection.
    Delete,
    /// To the line's end into the kill buffer; the line break, when there is nothing else.
    KillLine,
    /// To the line's start.
    KillLineBack,
    /// The word before the cursor, or the selection.
    KillWordBack,
    /// The word after the cursor.
    KillWord,
    /// Puts the kill buffer here.
    Yank,
    /// Takes the last change back.
    Undo,
    /// Makes it again.
    Redo,
    /// `--` before the lines of the selection, or away.
    Comment,
    /// Selects everything.
    SelectAll,
}

/// The editor.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    buffer: Buffer,
    cursor: Place,
    anchor: Option<Place>,
    /// The column that vertical motions aim for.
    goal: Option<usize>,
    undo: Undo,
    killed: String,
    colours: Colours,
    /// Counts changes: whoever remembers an edition can tell whether the text is still the same.
    edition: u64,
    /// First line shown.
    top: usize,
    /// First screen column shown.
    left: usize,
    height: usize,
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

    /// What is selected; never empty.
    pub fn selection(&self) -> Option<Range<Place>> {
        let anchor = self.anchor?;
        (anchor != self.cursor).then(|| anchor.min(self.cursor)..anchor.max(self.cursor))
    }

    /// Puts `text` in place of everything, as one step of undo, and the cursor at its end.
    pub fn set(&mut self, text: &str) {
        self.change(Place::default()..self.buffer.end(), text, false);
        self.anchor = None;
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
        self.change(range, c.encode_utf8(&mut [0; 4]), true);
    }

    /// A paste: line ends of any kind become line breaks, everything else stays as it is.
    pub fn paste(&mut self, text: &str) {
        let range = self.selection().unwrap_or(self.cursor..self.cursor);
        if text.contains('\r') {
            self.change(range, &text.replace("\r\n", "\n").replace('\r', "\n"), false);
        } else {
            self.change(range, text, false);
        }
    }

    /// Moves the cursor.
    pub fn travel(&mut self, motion: Motion, select: bool) {
        let at = self.cursor;
        let lines = self.buffer.lines();
        let vertical = match motion {
            Motion::Up => Some(-1),
            Motion::Down => Some(1),
            Motion::PageUp => Some(1 - self.height.max(2) as isize),
            Motion::PageDown => Some(self.height.max(2) as isize - 1),
            _ => None,
        };
        if let Some(by) = vertical {
            let goal = self.goal.unwrap_or_else(|| self.buffer.column(at));
            let line = at.line.saturating_add_signed(by).min(lines.len() - 1);
            let to = if line == at.line {
                Place { line, byte: if by < 0 { 0 } else { lines[line].len() } }
            } else {
                self.buffer.at_column(line, goal)
            };
            self.aim(to, select);
            self.goal = Some(goal);
            return;
        }
        let collapse = self.selection().filter(|_| !select);
        let to = match (motion, collapse) {
            (Motion::Left, Some(selected)) => selected.start,
            (Motion::Right, Some(selected)) => selected.end,
            (Motion::Left, None) => self.buffer.left(at),
            (Motion::Right, None) => self.buffer.right(at),
            (Motion::WordLeft, _) => self.buffer.word_left(at),
            (Motion::WordRight, _) => self.buffer.word_right(at),
            (Motion::LineStart, _) => {
                let line = &lines[at.line];
                let indent = line.len() - line.trim_start().len();
                Place { line: at.line, byte: if at.byte == indent { 0 } else { indent } }
            }
            (Motion::LineEnd, _) => Place { line: at.line, byte: lines[at.line].len() },
            (Motion::TextStart, _) => Place::default(),
            (Motion::TextEnd, _) => self.buffer.end(),
            (Motion::Up | Motion::Down | Motion::PageUp | Motion::PageDown, _) => at,
        };
        self.aim(to, select);
        self.goal = None;
    }

    /// Changes the text.
    pub fn edit(&mut self, edit: Edit) {
        let at = self.cursor;
        let selected = self.selection();
        match edit {
            Edit::Newline => {
                let line = &self.buffer.lines()[at.line];
                let indent: String = line[..at.byte].chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
                self.change(selected.unwrap_or(at..at), &format!("\n{indent}"), true);
            }
            Edit::Indent => {
                let spaces = 2 - self.buffer.column(at) % 2;
                self.change(selected.unwrap_or(at..at), &"  "[..spaces], true);
            }
            Edit::Backspace => self.change(selected.unwrap_or_else(|| self.buffer.left(at)..at), "", false),
            Edit::Delete => self.change(selected.unwrap_or_else(|| at..self.buffer.right(at)), "", false),
            Edit::KillLine => {
                let end = Place { line: at.line, byte: self.buffer.lines()[at.line].len() };
                self.kill(at..if at == end { self.buffer.right(at) } else { end });
            }
            Edit::KillLineBack => self.kill(Place { line: at.line, byte: 0 }..at),
            Edit::KillWordBack => self.kill(selected.unwrap_or_else(|| self.buffer.word_left(at)..at)),
            Edit::KillWord => self.kill(at..self.buffer.word_right(at)),
            Edit::Yank => {
                let text = std::mem::take(&mut self.killed);
                self.change(selected.unwrap_or(at..at), &text, false);
                self.killed = text;
            }
            Edit::Undo => {
                if let Some(change) = self.undo.undo() {
                    self.apply(change.at, &change.inserted, &change.removed);
                    self.cursor = change.before;
                }
            }
            Edit::Redo => {
                if let Some(change) = self.undo.redo() {
                    self.apply(change.at, &change.removed, &change.inserted);
                    self.cursor = change.after;
                }
            }
            Edit::Comment => self.comment(),
            Edit::SelectAll => {
                self.anchor = Some(Place::default());
                self.cursor = self.buffer.end();
                return;
            }
        }
        self.anchor = None;
        self.goal = None;
    }

    /// The selected text, which also goes into the kill buffer.
    pub fn copy(&mut self) -> Option<String> {
        let text = self.buffer.slice(self.selection()?);
        self.killed.clone_from(&text);
        Some(text)
    }

    /// Scrolls so that the cursor is within an area of that size, and has the colours ready for what it shows.
    pub fn fit(&mut self, width: usize, height: usize) {
        self.height = height;
        let (width, height) = (width.max(1), height.max(1));
        self.top = self.top.clamp((self.cursor.line + 1).saturating_sub(height), self.cursor.line);
        self.top = self.top.min(self.buffer.lines().len().saturating_sub(height));
        let column = self.buffer.column(self.cursor);
        if column < self.left || column >= self.left + width {
            // Half a screen at once, or typing at the edge would shift the text with every key.
            self.left = if column < width { 0 } else { column - width / 2 };
        }
        self.colours.reach(self.buffer.lines(), self.top + height);
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
        self.cursor = place;
        self.undo.seal();
    }

    fn kill(&mut self, range: Range<Place>) {
        if range.start != range.end {
            self.killed = self.buffer.slice(range.clone());
            self.change(range, "", false);
        }
    }

    /// The one way text changes, except for undo and redo.
    fn change(&mut self, range: Range<Place>, text: &str, typed: bool) {
        if range.start == range.end && text.is_empty() {
            return;
        }
        let before = self.cursor;
        let removed = self.buffer.slice(range.clone());
        self.apply(range.start, &removed, text);
        self.anchor = None;
        self.goal = None;
        let change = Change { at: range.start, removed, inserted: text.to_owned(), before, after: self.cursor };
        self.undo.record(change, typed);
    }

    fn apply(&mut self, at: Place, removed: &str, inserted: &str) {
        let end = super::buffer::end_of(at, removed);
        self.cursor = self.buffer.replace(at..end, inserted);
        let breaks = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
        self.colours.changed(at.line, breaks(removed), breaks(inserted));
        self.edition += 1;
    }

    fn comment(&mut self) {
        let selected = self.selection().unwrap_or(self.cursor..self.cursor);
        // A selection that ends before the first character of a line does not mean that line.
        let last = if selected.end.byte == 0 && selected.end.line > selected.start.line {
            selected.end.line - 1
        } else {
            selected.end.line
        };
        let lines = &self.buffer.lines()[selected.start.line..=last];
        let full: Vec<&String> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
        if full.is_empty() {
            return;
        }
        let away = full.iter().all(|line| line.trim_start().starts_with("--"));
        let indent = full.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
        let new: Vec<String> = lines
            .iter()
            .map(|line| match (line.trim().is_empty(), away) {
                (true, _) => line.clone(),
                (false, true) => {
                    let rest = line.trim_start();
                    let bare = rest.strip_prefix("-- ").or_else(|| rest.strip_prefix("--")).unwrap_or(rest);
                    format!("{}{bare}", &line[..line.len() - rest.len()])
                }
                (false, false) => format!("{}-- {}", &line[..indent], &line[indent..]),
            })
            .collect();
        let column = self.buffer.column(self.cursor);
        let cursor = self.cursor;
        let start = Place { line: selected.start.line, byte: 0 };
        let end = Place { line: last, byte: self.buffer.lines()[last].len() };
        self.change(start..end, &new.join("\n"), false);
        self.cursor = self.buffer.at_column(cursor.line, column);
        if selected.start == selected.end && cursor.line + 1 < self.buffer.lines().len() {
            // Toggling line after line is what the key is pressed again for.
            self.cursor = self.buffer.at_column(cursor.line + 1, column);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a test does to the editor and to the plain model of it.
    #[derive(Clone, Debug)]
    enum Step {
        Type(char),
        Paste(String),
        Travel(Motion, bool),
        Edit(Edit),
    }

    fn step() -> impl Strategy<Value = Step> {
        use Motion::*;
        let motion = prop::sample::select(vec![
            Left, Right, Up, Down, WordLeft, WordRight, LineStart, LineEnd, PageUp, PageDown, TextStart, TextEnd,
        ]);
        let edit = prop::sample::select(vec![
            Edit::Newline,
            Edit::Indent,
            Edit::Backspace,
            Edit::Delete,
            Edit::KillLine,
            Edit::KillLineBack,
            Edit::KillWordBack,
            Edit::KillWord,
            Edit::Yank,
            Edit::Comment,
            Edit::SelectAll,
        ]);
        prop_oneof![
            4 => prop::sample::select(vec!['a', ' ', ';', '(', 'é', '世', '\u{301}', '\t', '\'']).prop_map(Step::Type),
            1 => "[a\r\n世 ]{0,9}".prop_map(Step::Paste),
            4 => (motion, any::<bool>()).prop_map(|(motion, select)| Step::Travel(motion, select)),
            3 => edit.prop_map(Step::Edit),
        ]
    }

    fn take(editor: &mut Editor, step: &Step) {
        match step {
            Step::Type(c) => editor.type_in(*c),
            Step::Paste(text) => editor.paste(text),
            Step::Travel(motion, select) => editor.travel(*motion, *select),
            Step::Edit(edit) => editor.edit(*edit),
        }
        editor.fit(20, 4);
    }

    proptest! {
        #[test]
        fn edits_do_to_lines_what_they_do_to_a_string(steps in proptest::collection::vec(step(), 1..60)) {
            let mut editor = Editor::default();
            for step in &steps {
                let text = editor.buffer.text();
                let at = editor.buffer.offset(editor.cursor);
                let range = editor.selection().map_or(at..at, |range| {
                    editor.buffer.offset(range.start)..editor.buffer.offset(range.end)
                });
                take(&mut editor, step);
                let now = editor.buffer.text();
                let cursor = editor.buffer.offset(editor.cursor);
                prop_assert!(now.is_char_boundary(cursor));
                let put = |new: &str| format!("{}{new}{}", &text[..range.start], &text[range.end..]);
                match step {
                    Step::Type(c) => {
                        prop_assert_eq!(&now, &put(c.encode_utf8(&mut [0; 4])));
                        prop_assert_eq!(cursor, range.start + c.len_utf8());
                    }
                    Step::Paste(new) => {
                        let new = new.replace("\r\n", "\n").replace('\r', "\n");
                        prop_assert_eq!(&now, &put(&new));
                    }
                    Step::Travel(..) => prop_assert_eq!(&now, &text),
                    Step::Edit(Edit::Backspace | Edit::Delete | Edit::KillWordBack) if range.start != range.end => {
                        prop_assert_eq!(&now, &put(""));
                    }
                    Step::Edit(_) => {}
                }
            }
        }

        #[test]
        fn undo_goes_back_to_the_beginning_and_redo_to_the_end(steps in proptest::collection::vec(step(), 1..60)) {
            let mut editor = Editor::default();
            steps.iter().for_each(|step| take(&mut editor, step));
            let end = editor.buffer.text();
            let mut states = Vec::new();
            loop {
                let (edition, text) = (editor.edition, editor.buffer.text());
                editor.edit(Edit::Undo);
                if editor.edition == edition {
                    break;
                }
                states.push(text);
            }
            prop_assert_eq!(editor.buffer.text(), "");
            for state in states.iter().rev() {
                editor.edit(Edit::Redo);
                prop_assert_eq!(&editor.buffer.text(), state);
            }
            prop_assert_eq!(editor.buffer.text(), end);
        }
    }

    fn editor(text: &str) -> Editor {
        let mut editor = Editor::default();
        editor.paste(text);
        editor
    }

    #[test]
    fn comments_go_on_and_off() {
        let mut editor = editor("select 1,\n\n  2");
        editor.edit(Edit::SelectAll);
        editor.edit(Edit::Comment);
        assert_eq!(editor.buffer.text(), "-- select 1,\n\n--   2");
        editor.edit(Edit::SelectAll);
        editor.edit(Edit::Comment);
        assert_eq!(editor.buffer.text(), "select 1,\n\n  2");
    }

    #[test]
    fn what_is_killed_can_be_yanked_and_typing_is_undone_by_words() {
        let mut editor = editor("one two");
        editor.edit(Edit::KillWordBack);
        editor.travel(Motion::LineStart, false);
        editor.edit(Edit::Yank);
        assert_eq!(editor.buffer.text(), "twoone ");
        editor.edit(Edit::SelectAll);
        editor.edit(Edit::Delete);
        "select count".chars().for_each(|c| editor.type_in(c));
        editor.edit(Edit::Undo);
        assert_eq!(editor.buffer.text(), "select ");
        editor.edit(Edit::Undo);
        assert_eq!(editor.buffer.text(), "");
    }

    #[test]
    fn lines_keep_their_indentation_and_tabs_stay() {
        let mut editor = editor("\tselect 1");
        editor.edit(Edit::Newline);
        assert_eq!(editor.buffer.text(), "\tselect 1\n\t");
    }
}
