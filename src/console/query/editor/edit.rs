//! What can be done to the text, besides typing. It must not know keys.

use super::super::buffer::Place;
use super::super::undo::{By, Change};
use super::Editor;
use std::ops::Range;

/// What can be done to the text, besides typing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A line break, with the indentation of this line.
    Newline,
    /// To the next multiple of two columns; a selection of several lines: all of them further in.
    Indent,
    /// The line, or the lines of the selection, further out.
    Outdent,
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
    /// Takes the last step back.
    Undo,
    /// Makes it again.
    Redo,
    /// `--` before the lines of the selection, or away.
    Comment,
    /// The lines of the selection once more, below.
    Duplicate,
    /// The lines of the selection one line up.
    MoveUp,
    /// The lines of the selection one line down.
    MoveDown,
    /// Selects everything.
    SelectAll,
}

impl Editor {
    /// Changes the text.
    pub fn edit(&mut self, edit: Edit) {
        let at = self.cursor;
        let selected = self.selection();
        match edit {
            Edit::Newline => {
                let line = &self.buffer.lines()[at.line];
                let indent: String = line[..at.byte].chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
                self.change(selected.unwrap_or(at..at), &format!("\n{indent}"), By::Typing);
            }
            Edit::Indent if selected.as_ref().is_some_and(|range| range.start.line < range.end.line) => {
                return self.shift(true);
            }
            Edit::Indent => {
                let spaces = 2 - self.buffer.column(at) % 2;
                self.change(selected.unwrap_or(at..at), &"  "[..spaces], By::Typing);
            }
            Edit::Outdent => return self.shift(false),
            Edit::Backspace | Edit::Delete => match selected {
                Some(range) => self.change(range, "", By::Command),
                None if edit == Edit::Backspace => self.change(self.buffer.left(at)..at, "", By::Erasing),
                None => self.change(at..self.buffer.right(at), "", By::Erasing),
            },
            Edit::KillLine => {
                let end = Place { line: at.line, byte: self.buffer.lines()[at.line].len() };
                self.kill(at..if at == end { self.buffer.right(at) } else { end });
            }
            Edit::KillLineBack => self.kill(Place { line: at.line, byte: 0 }..at),
            Edit::KillWordBack => self.kill(selected.unwrap_or_else(|| self.buffer.word_left(at)..at)),
            Edit::KillWord => self.kill(at..self.buffer.word_right(at)),
            Edit::Yank => {
                let text = std::mem::take(&mut self.killed);
                self.change(selected.unwrap_or(at..at), &text, By::Command);
                self.killed = text;
            }
            Edit::Undo => {
                for Change { at, removed, inserted, before, .. } in self.undo.undo() {
                    self.apply(at, &inserted, &removed);
                    self.cursor = before;
                }
            }
            Edit::Redo => {
                for Change { at, removed, inserted, after, .. } in self.undo.redo() {
                    self.apply(at, &removed, &inserted);
                    self.cursor = after;
                }
            }
            Edit::Comment => self.comment(),
            Edit::Duplicate => return self.duplicate(),
            Edit::MoveUp => return self.move_lines(true),
            Edit::MoveDown => return self.move_lines(false),
            Edit::SelectAll => {
                self.span = None;
                self.anchor = Some(Place::default());
                self.cursor = self.buffer.end();
                return;
            }
        }
        self.anchor = None;
        self.goal = None;
    }

    fn kill(&mut self, range: Range<Place>) {
        if range.start != range.end {
            self.killed = self.buffer.slice(range.clone());
            self.change(range, "", By::Command);
        }
    }
}
