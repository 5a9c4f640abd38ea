//! Where vi's motions lead. Nothing is changed here.

use super::super::super::buffer::{Buffer, Place};
use super::super::Editor;
use std::ops::Range;

/// How much of the text between two places an operator means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Without the character there.
    Exclusive,
    /// With it.
    Inclusive,
    /// Whole lines.
    Lines,
}

/// Where a motion leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub to: Place,
    pub reach: Reach,
    /// By so many lines, where the column is to be kept.
    pub vertical: Option<isize>,
}

impl Moved {
    pub(super) fn new(to: Place, reach: Reach) -> Moved {
        Moved { to, reach, vertical: None }
    }

    /// What an operator means with this motion, and whether whole lines.
    pub(super) fn range(&self, editor: &Editor) -> (Range<Place>, bool) {
        let (start, mut end) = (editor.cursor.min(self.to), editor.cursor.max(self.to));
        match self.reach {
            Reach::Lines => return (start..end, true),
            Reach::Inclusive => end = on_line(&editor.buffer, end),
            // A motion that ends before a line's first character means the text up to the line before.
            Reach::Exclusive if end.byte == 0 && end.line > start.line => {
                end = Place { line: end.line - 1, byte: editor.buffer.lines()[end.line - 1].len() };
            }
            Reach::Exclusive => {}
        }
        (start..end.max(start), false)
    }
}

/// One character on, on the same line.
pub(super) fn on_line(buffer: &Buffer, place: Place) -> Place {
    if place.byte < buffer.lines()[place.line].len() { buffer.right(place) } else { place }
}

/// The first character of a line that is no space.
pub(super) fn first_of(buffer: &Buffer, line: usize) -> Place {
    let text = &buffer.lines()[line];
    Place { line, byte: text.len() - text.trim_start().len() }
}

/// A line by number, from 0, or the last.
pub(super) fn to_line(editor: &Editor, line: usize) -> Moved {
    let line = line.min(editor.buffer.lines().len() - 1);
    Moved::new(first_of(&editor.buffer, line), Reach::Lines)
}

/// The motions of one key.
pub(super) fn by(editor: &Editor, c: char, count: Option<usize>, operates: bool) -> Option<Moved> {
    use Reach::{Exclusive, Inclusive, Lines};
    let buffer = &editor.buffer;
    let lines = buffer.lines();
    let at = editor.cursor;
    let times = count.unwrap_or(1);
    let again = |step: &dyn Fn(Place) -> Place| {
        let mut place = at;
        for _ in 0..times {
            let next = step(place);
            if next == place {
                break;
            }
            place = next;
        }
        place
    };
    let vertical = |by: isize| {
        let line = at.line.checked_add_signed(by).filter(|line| *line < lines.len());
        // An operator over lines that are not there does nothing; a motion goes as far as it can.
        let line = if operates { line? } else { at.line.saturating_add_signed(by).min(lines.len() - 1) };
        let by = line as isize - at.line as isize;
        Some(Moved { to: Place { line, byte: 0 }, reach: Lines, vertical: Some(by) })
    };
    Some(match c {
        'h' => Moved::new(again(&|place| if place.byte > 0 { buffer.left(place) } else { place }), Exclusive),
        'l' | ' ' => Moved::new(again(&|place| on_line(buffer, place)), Exclusive),
        'j' => return vertical(times as isize).filter(|moved| moved.vertical != Some(0)),
        'k' => return vertical(-(times as isize)).filter(|moved| moved.vertical != Some(0)),
        '+' => Moved::new(to_line(editor, at.line + times).to, Lines),
        '-' => Moved::new(to_line(editor, at.line.saturating_sub(times)).to, Lines),
        'w' | 'W' => {
            let to = again(&|place| word_forward(buffer, place, c == 'W'));
            let before = &lines[to.line][..to.byte];
            if operates && to.line > at.line && before.trim().is_empty() {
                // The last word of a line is deleted without the line's end.
                let line = to.line - 1;
                return Some(Moved::new(Place { line, byte: lines[line].len() }, Exclusive));
            }
            Moved::new(to, Exclusive)
        }
        'b' | 'B' => Moved::new(again(&|place| word_back(buffer, place, c == 'B')), Exclusive),
        'e' | 'E' => Moved::new(again(&|place| word_end(buffer, place, c == 'E')), Inclusive),
        '|' => Moved::new(buffer.at_column(at.line, times - 1), Exclusive),
        '_' => to_line(editor, at.line + times - 1),
        '0' => Moved::new(Place { byte: 0, ..at }, Exclusive),
        '^' => Moved::new(first_of(buffer, at.line), Exclusive),
        '$' => {
            let line = (at.line + times - 1).min(lines.len() - 1);
            Moved::new(Place { line, byte: lines[line].len() }, Inclusive)
        }
        'G' => to_line(editor, count.map_or(usize::MAX, |line| line - 1)),
        '%' => Moved::new(editor.bracket_from(at)?, Inclusive),
        '{' => Moved::new(again(&|place| paragraph(buffer, place, true)), Exclusive),
        '}' => Moved::new(again(&|place| paragraph(buffer, place, false)), Exclusive),
        'H' => to_line(editor, editor.top + times - 1),
        'L' => to_line(editor, editor.top + editor.height.saturating_sub(times)),
        'M' => to_line(editor, editor.top + editor.height.min(lines.len() - editor.top) / 2),
        _ => return None,
    })
}

/// The motions of `g` and one key: back to the end of a word, to the last character of a line that is no space.
pub(super) fn by_g(editor: &Editor, c: char, times: usize) -> Moved {
    let (buffer, at) = (&editor.buffer, editor.cursor);
    if c == '_' {
        let line = (at.line + times - 1).min(buffer.lines().len() - 1);
        let end = Place { line, byte: buffer.lines()[line].trim_end().len() };
        return Moved::new(if end.byte > 0 { buffer.left(end) } else { end }, Reach::Inclusive);
    }
    let to = (0..times).fold(at, |place, _| word_end_back(buffer, place, c == 'E'));
    Moved::new(to, Reach::Inclusive)
}

fn word_end_back(buffer: &Buffer, place: Place, big: bool) -> Place {
    let first = class(buffer, place, big);
    let mut at = place;
    loop {
        let next = buffer.left(at);
        if next == at {
            return at;
        }
        // Out of the word that it is in, or over a blank: what ends there is a word.
        let apart = next.line < at.line || class(buffer, at, big) != class(buffer, next, big) || first == Class::Blank;
        at = next;
        if apart && (class(buffer, at, big) != Class::Blank || is_empty_line(buffer, at)) {
            return at;
        }
    }
}

/// `cw` on a word changes it and not the space behind it, as `ce` does.
pub(super) fn change_word(editor: &Editor, big: bool, count: usize) -> Option<Moved> {
    let here = class(&editor.buffer, editor.cursor, big);
    if here == Class::Blank {
        return by(editor, if big { 'W' } else { 'w' }, Some(count), true);
    }
    // A word of one character ends where it begins.
    let mut to = end_of_word(&editor.buffer, editor.cursor, big);
    for _ in 1..count {
        to = word_end(&editor.buffer, to, big);
    }
    Some(Moved::new(to, Reach::Inclusive))
}

/// `f`, `F`, `t`, `T` with their character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Find {
    pub c: char,
    pub back: bool,
    pub till: bool,
}

impl Find {
    pub(super) fn turned(self, other_way: bool) -> Find {
        Find { back: self.back != other_way, ..self }
    }

    /// On the cursor's line; `again` steps over what `t` already stands before.
    pub(super) fn from(self, editor: &Editor, count: usize, again: bool) -> Option<Moved> {
        let at = editor.cursor;
        let line = &editor.buffer.lines()[at.line];
        let skip = usize::from(again && self.till);
        let byte = if self.back {
            let found = line[..at.byte].char_indices().rev().enumerate();
            let mut found = found.filter(|(step, (_, c))| *c == self.c && *step >= skip).map(|(_, (byte, _))| byte);
            found.nth(count - 1)?
        } else {
            let found = line[at.byte..].char_indices().enumerate().skip(1 + skip);
            let mut found = found.filter(|(_, (_, c))| *c == self.c).map(|(_, (byte, _))| at.byte + byte);
            found.nth(count - 1)?
        };
        let place = Place { byte, ..at };
        let to = match (self.till, self.back) {
            (false, _) => place,
            (true, true) => editor.buffer.right(place),
            (true, false) => editor.buffer.left(place),
        };
        Some(Moved::new(to, if self.back { Reach::Exclusive } else { Reach::Inclusive }))
    }
}

/// What a character is to word motions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// White space, or a line's end.
    Blank,
    /// A letter, digit or underscore; for big words anything but white space.
    Word,
    /// Anything else.
    Mark,
}

pub(super) fn class(buffer: &Buffer, place: Place, big: bool) -> Class {
    match buffer.lines()[place.line][place.byte..].chars().next() {
        None => Class::Blank,
        Some(c) if c.is_whitespace() => Class::Blank,
        Some(c) if big || c.is_alphanumeric() || c == '_' => Class::Word,
        Some(_) => Class::Mark,
    }
}

fn is_empty_line(buffer: &Buffer, place: Place) -> bool {
    buffer.lines()[place.line].is_empty()
}

fn word_forward(buffer: &Buffer, place: Place, big: bool) -> Place {
    let first = class(buffer, place, big);
    let mut at = place;
    while first != Class::Blank && class(buffer, at, big) == first {
        at = buffer.right(at);
    }
    loop {
        // An empty line is a word.
        if class(buffer, at, big) != Class::Blank || (at.line > place.line && is_empty_line(buffer, at)) {
            return at;
        }
        let next = buffer.right(at);
        if next == at {
            return at;
        }
        at = next;
    }
}

fn word_back(buffer: &Buffer, place: Place, big: bool) -> Place {
    let mut at = buffer.left(place);
    while class(buffer, at, big) == Class::Blank {
        let next = buffer.left(at);
        if next == at || is_empty_line(buffer, at) {
            return at;
        }
        at = next;
    }
    start_of_word(buffer, at, big)
}

fn word_end(buffer: &Buffer, place: Place, big: bool) -> Place {
    let mut at = buffer.right(place);
    while class(buffer, at, big) == Class::Blank {
        let next = buffer.right(at);
        if next == at {
            return at;
        }
        at = next;
    }
    end_of_word(buffer, at, big)
}

/// The first character of what is of one class around `place`, on its line.
pub(super) fn start_of_word(buffer: &Buffer, place: Place, big: bool) -> Place {
    let here = class(buffer, place, big);
    let mut at = place;
    while at.byte > 0 {
        let before = buffer.left(at);
        if class(buffer, before, big) != here {
            break;
        }
        at = before;
    }
    at
}

/// The last character of what is of one class around `place`, on its line.
pub(super) fn end_of_word(buffer: &Buffer, place: Place, big: bool) -> Place {
    let here = class(buffer, place, big);
    let mut at = place;
    loop {
        let next = on_line(buffer, at);
        if next == at || next.byte >= buffer.lines()[at.line].len() || class(buffer, next, big) != here {
            return at;
        }
        at = next;
    }
}

/// The next or last blank line, or an end of the text.
fn paragraph(buffer: &Buffer, place: Place, back: bool) -> Place {
    let lines = buffer.lines();
    let blank = |line: usize| lines[line].trim().is_empty();
    let mut line = place.line;
    let mut seen = !blank(line);
    loop {
        let next = if back { line.checked_sub(1) } else { Some(line + 1).filter(|line| *line < lines.len()) };
        let Some(next) = next else {
            return if back { Place::default() } else { buffer.end() };
        };
        line = next;
        if blank(line) && seen {
            return Place { line, byte: 0 };
        }
        seen |= !blank(line);
    }
}
