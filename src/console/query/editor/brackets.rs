//! Brackets that belong together. Brackets in strings and comments are none. It must not know how they are shown.

use super::super::buffer::Place;
use super::Editor;
use crate::model::sql::{Token, TokenKind};

/// Lines that are looked through for a matching bracket: the work is done with every frame.
const FAR: usize = 400;

impl Editor {
    /// The bracket at the cursor, or right before it, and the one that belongs to it, at most 400 lines away.
    pub fn brackets(&self) -> Option<[Place; 2]> {
        let at = self.cursor;
        let before = at.byte.checked_sub(1).map(|byte| Place { byte, ..at });
        let (place, mark) = self.bracket_at(at).or_else(|| self.bracket_at(before?))?;
        Some([place, self.other_bracket(place, mark)?])
    }

    /// The bracket that belongs to the first one at or behind `place` on its line.
    pub(super) fn bracket_from(&self, place: Place) -> Option<Place> {
        let (byte, mark) = self.marks(place.line).into_iter().find(|(byte, _)| *byte >= place.byte)?;
        self.other_bracket(Place { byte, ..place }, mark)
    }

    fn other_bracket(&self, place: Place, mark: char) -> Option<Place> {
        let forward = opens(mark);
        let mut depth = 0_usize;
        for step in 0..FAR {
            let line = if forward { place.line + step } else { place.line.checked_sub(step)? };
            if line >= self.buffer.lines().len() {
                return None;
            }
            let mut marks = self.marks(line);
            if !forward {
                marks.reverse();
            }
            for (byte, mark) in marks {
                let other = Place { line, byte };
                if (forward && other < place) || (!forward && other > place) {
                    continue;
                }
                depth = if opens(mark) == forward { depth + 1 } else { depth.checked_sub(1)? };
                if depth == 0 {
                    return Some(other);
                }
            }
        }
        None
    }

    fn bracket_at(&self, place: Place) -> Option<(Place, char)> {
        // Most of the time there is none, and nothing needs lexing to know it.
        self.buffer.lines().get(place.line)?.as_bytes().get(place.byte).filter(|byte| b"()[]".contains(byte))?;
        let found = self.marks(place.line).into_iter().find(|(byte, _)| *byte == place.byte)?;
        Some((place, found.1))
    }

    /// The brackets of a line, by byte.
    fn marks(&self, line: usize) -> Vec<(usize, char)> {
        let Some(text) = self.buffer.lines().get(line) else { return Vec::new() };
        if !text.contains(['(', ')', '[', ']']) {
            return Vec::new();
        }
        let mark = |token: Token| {
            let mark = token.of(text).chars().next()?;
            let is = token.kind == TokenKind::Punctuation && matches!(mark, '(' | ')' | '[' | ']');
            is.then_some((token.start, mark))
        };
        self.colours.tokens(self.buffer.lines(), line).into_iter().filter_map(mark).collect()
    }
}

fn opens(mark: char) -> bool {
    matches!(mark, '(' | '[')
}
