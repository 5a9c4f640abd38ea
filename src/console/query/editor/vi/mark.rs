//! vi's marks: places under a letter, the place before the last jump, and the last visual selection. They keep line and
//! column while the text changes. It must not know which keys lead there.

use super::super::super::buffer::Place;
use super::super::Editor;
use super::Mode;
use std::collections::BTreeMap;

/// The marks of a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    places: BTreeMap<char, Place>,
    before: Option<Place>,
    /// The last visual selection: its mode, where it began, where it ended.
    pub selected: Option<(Mode, Place, Place)>,
}

impl Marks {
    /// Marks a place.
    pub fn set(&mut self, c: char, place: Place) {
        if c.is_ascii_alphabetic() {
            self.places.insert(c, place);
        }
    }

    /// A jump leads away from here.
    pub fn left(&mut self, place: Place) {
        self.before = Some(place);
    }

    /// The place of a mark, in the text as it is now.
    pub fn find(&self, c: char, editor: &Editor) -> Option<Place> {
        let place = match c {
            '`' | '\'' => self.before,
            '<' => self.selected.map(|(_, from, to)| from.min(to)),
            '>' => self.selected.map(|(_, from, to)| from.max(to)),
            _ => self.places.get(&c).copied(),
        }?;
        let lines = editor.buffer.lines();
        let line = place.line.min(lines.len() - 1);
        let text = &lines[line];
        Some(Place { line, byte: text.floor_char_boundary(place.byte.min(text.len())) })
    }
}
