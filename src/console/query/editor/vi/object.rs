//! vi's text objects: words, quotes, brackets, paragraphs. Nothing is changed here.

use super::super::super::buffer::Place;
use super::super::Editor;
use super::motion::{Class, Reach, class, end_of_word, on_line, start_of_word};
use std::ops::Range;

/// The object of that key at the cursor; with what is around it, or only what is inside.
pub(super) fn at(editor: &Editor, key: char, around: bool) -> Option<(Range<Place>, Reach)> {
    let range = match key {
        'w' | 'W' => word(editor, key == 'W', around),
        '"' | '\'' | '`' => quoted(editor, key, around)?,
        '(' | ')' | 'b' => bracketed(editor, '(', around)?,
        '[' | ']' => bracketed(editor, '[', around)?,
        'p' => return Some((paragraph(editor, around), Reach::Lines)),
        _ => return None,
    };
    Some((range, Reach::Exclusive))
}

fn word(editor: &Editor, big: bool, around: bool) -> Range<Place> {
    let buffer = &editor.buffer;
    let mut start = start_of_word(buffer, editor.cursor, big);
    let mut end = on_line(buffer, end_of_word(buffer, editor.cursor, big));
    if around {
        let len = buffer.lines()[end.line].len();
        let blank = class(buffer, editor.cursor, big) == Class::Blank;
        if end.byte < len && (blank || class(buffer, end, big) == Class::Blank) {
            end = on_line(buffer, end_of_word(buffer, end, big));
        } else if start.byte > 0 && class(buffer, buffer.left(start), big) == Class::Blank {
            // At the end of a line the space before the word goes with it.
            start = start_of_word(buffer, buffer.left(start), big);
        }
    }
    start..end
}

/// The pair of quotes on the cursor's line that it is in, or the next one.
fn quoted(editor: &Editor, quote: char, around: bool) -> Option<Range<Place>> {
    let Place { line, byte } = editor.cursor;
    let text = &editor.buffer.lines()[line];
    let marks: Vec<usize> = text.match_indices(quote).map(|(at, _)| at).collect();
    let pair = marks.chunks_exact(2).find(|pair| pair[1] >= byte)?;
    let place = |byte: usize| Place { line, byte };
    if !around {
        return Some(place(pair[0] + 1)..place(pair[1]));
    }
    let end = pair[1] + 1;
    let spaces = text[end..].len() - text[end..].trim_start().len();
    Some(place(pair[0])..place(end + spaces))
}

/// The brackets around the cursor, over lines, not those in strings and comments.
fn bracketed(editor: &Editor, open: char, around: bool) -> Option<Range<Place>> {
    let start = editor.enclosing(open)?;
    let end = editor.bracket_from(start)?;
    if around { Some(start..editor.buffer.right(end)) } else { Some(editor.buffer.right(start)..end) }
}

/// Lines until the next blank one; around: with the blank ones behind.
fn paragraph(editor: &Editor, around: bool) -> Range<Place> {
    let lines = editor.buffer.lines();
    let blank = |line: usize| lines[line].trim().is_empty();
    let here = blank(editor.cursor.line);
    let (mut first, mut last) = (editor.cursor.line, editor.cursor.line);
    while first > 0 && blank(first - 1) == here {
        first -= 1;
    }
    let mut wanted = here;
    for _ in 0..if around { 2 } else { 1 } {
        while last + 1 < lines.len() && blank(last + 1) == wanted {
            last += 1;
        }
        wanted = !wanted;
    }
    Place { line: first, byte: 0 }..Place { line: last, byte: 0 }
}
