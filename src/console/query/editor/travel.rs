//! Where the cursor can go. It must not know keys.

use super::super::buffer::Place;
use super::Editor;

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
    /// The bracket that belongs to the one at the cursor.
    Bracket,
}

impl Editor {
    /// Moves the cursor.
    pub fn travel(&mut self, motion: Motion, select: bool) {
        let vertical = match motion {
            Motion::Up => Some(-1),
            Motion::Down => Some(1),
            Motion::PageUp => Some(1 - self.height.max(2) as isize),
            Motion::PageDown => Some(self.height.max(2) as isize - 1),
            _ => None,
        };
        if let Some(by) = vertical {
            return self.travel_lines(by, select);
        }
        let at = self.cursor;
        let lines = self.buffer.lines();
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
            (Motion::Bracket, _) => self.brackets().map_or(at, |[_, other]| other),
            (Motion::Up | Motion::Down | Motion::PageUp | Motion::PageDown, _) => at,
        };
        self.aim(to, select);
        self.goal = None;
    }

    /// Moves the cursor by lines, keeping its column where lines are long enough; beyond the text's ends, to them.
    pub fn travel_lines(&mut self, by: isize, select: bool) {
        let at = self.cursor;
        let goal = self.goal.unwrap_or_else(|| self.buffer.column(at));
        let line = at.line.saturating_add_signed(by).min(self.buffer.lines().len() - 1);
        let to = if line == at.line {
            Place { line, byte: if by < 0 { 0 } else { self.buffer.lines()[line].len() } }
        } else {
            self.buffer.at_column(line, goal)
        };
        self.aim(to, select);
        self.goal = Some(goal);
    }
}
