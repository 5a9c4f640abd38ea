//! What vi's commands do to the text. It must not know where motions lead.

use super::super::super::buffer::Place;
use super::super::{Edit, Editor};
use super::motion::{first_of, on_line};
use super::{Effect, Mode, Vi, Waiting};
use std::ops::Range;

/// What is done to what a motion or a text object means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Delete,
    Change,
    Yank,
    Further,
    Back,
    /// `u` lower, `U` upper, `~` the other.
    Case(char),
    /// Comments on or off.
    Comment,
    /// Laid out by the formatter.
    Format,
}

impl Operator {
    pub(super) fn of(c: char) -> Option<Operator> {
        Some(match c {
            'd' => Operator::Delete,
            'c' => Operator::Change,
            'y' => Operator::Yank,
            '>' => Operator::Further,
            '<' => Operator::Back,
            '=' => Operator::Format,
            _ => return None,
        })
    }
}

impl Vi {
    /// Does it to a range of characters, or to all lines that the range touches.
    pub(super) fn operate(&mut self, editor: &mut Editor, operator: Operator, range: Range<Place>, lines: bool) {
        let (first, last) = (range.start.line, range.end.line);
        let whole = Place { line: first, byte: 0 }..end_of_line(editor, last);
        let meant = if lines { whole } else { range };
        if operator != Operator::Yank {
            editor.open_step();
            self.changes = true;
        }
        if matches!(operator, Operator::Delete | Operator::Change | Operator::Yank) {
            let mut text = editor.buffer.slice(meant.clone());
            if lines {
                text.push('\n');
            }
            let copied = self.registers.keep(&mut editor.killed, text, operator == Operator::Yank);
            self.effect = copied.map(Effect::Yanked);
        }
        match operator {
            Operator::Yank => {
                let to = if lines { Place { line: first, byte: editor.cursor.byte } } else { meant.start };
                editor.go(to, false);
            }
            Operator::Delete if lines => {
                let count = editor.buffer.lines().len();
                let range = if last + 1 < count {
                    meant.start..Place { line: last + 1, byte: 0 }
                } else if first > 0 {
                    end_of_line(editor, first - 1)..meant.end
                } else {
                    meant
                };
                editor.replace(range, "");
                let line = first.min(editor.buffer.lines().len() - 1);
                editor.go(first_of(&editor.buffer, line), false);
            }
            Operator::Delete => {
                let start = meant.start;
                editor.replace(meant, "");
                editor.go(start, false);
            }
            Operator::Change => {
                // Whole lines keep the indentation of the first.
                let start = if lines { first_of(&editor.buffer, first) } else { meant.start };
                editor.replace(start..meant.end.max(start), "");
                self.insert(editor, start);
            }
            Operator::Further | Operator::Back => {
                editor.select(None);
                editor.shift_lines(first..=last, operator == Operator::Further);
                editor.go(first_of(&editor.buffer, first), false);
            }
            Operator::Comment => {
                let lines = Place { line: first, byte: 0 }..end_of_line(editor, last);
                editor.select(Some(lines));
                editor.edit(Edit::Comment);
                editor.select(None);
                editor.go(first_of(&editor.buffer, first), false);
            }
            Operator::Format => {
                editor.select(Some(Place { line: first, byte: 0 }..end_of_line(editor, last)));
                if let Err(why) = editor.format() {
                    self.effect = Some(Effect::Said(why.to_string()));
                }
                editor.select(None);
                editor.go(first_of(&editor.buffer, first.min(editor.buffer.lines().len() - 1)), false);
            }
            Operator::Case(how) => {
                let text = editor.buffer.slice(meant.clone());
                editor.replace(meant.clone(), &recased(&text, how));
                editor.go(meant.start, false);
            }
        }
    }

    /// Does it to the visual selection, which is over then.
    pub(super) fn on_range(&mut self, editor: &mut Editor, operator: Operator) {
        let (low, high) = self.ends(editor);
        self.marks.selected = Some((self.mode, self.anchor, editor.cursor));
        let lines = self.mode == Mode::VisualLines;
        let end = match (operator, editor.buffer.lines()[high.line].len()) {
            // With the line's end, where that was selected.
            (Operator::Delete | Operator::Yank, len) if high.byte >= len => editor.buffer.right(high),
            _ => on_line(&editor.buffer, high),
        };
        self.mode = Mode::Normal;
        self.count = None;
        editor.select(None);
        self.operate(editor, operator, if lines { low..high } else { low..end }, lines);
        self.keys.clear();
        // What was done to a selection is not what `.` repeats.
        self.changes &= self.mode == Mode::Insert;
    }

    /// Keys of the visual modes that are neither operators nor motions; whether this is one.
    pub(super) fn on_selection(&mut self, editor: &mut Editor, c: char) -> bool {
        match c {
            'x' | 'X' => self.on_range(editor, Operator::Delete),
            's' => self.on_range(editor, Operator::Change),
            'S' | 'R' => {
                self.mode = Mode::VisualLines;
                self.on_range(editor, Operator::Change);
            }
            'D' | 'Y' => {
                self.mode = Mode::VisualLines;
                self.on_range(editor, if c == 'D' { Operator::Delete } else { Operator::Yank });
            }
            '~' | 'u' | 'U' => self.on_range(editor, Operator::Case(c)),
            'J' => {
                let (low, high) = self.ends(editor);
                self.mode = Mode::Normal;
                editor.go(low, false);
                editor.select(None);
                self.join(editor, (high.line - low.line).max(1), true);
            }
            'p' | 'P' => {
                let text = self.registers.take(&editor.killed);
                self.on_range(editor, Operator::Delete);
                let gone = std::mem::replace(&mut editor.killed, text);
                self.put(editor, false, 1);
                editor.killed = gone;
            }
            'o' => {
                let cursor = editor.cursor;
                editor.go(self.anchor, false);
                self.anchor = cursor;
            }
            'v' | 'V' => {
                let wanted = if c == 'v' { Mode::Visual } else { Mode::VisualLines };
                if self.mode == wanted {
                    self.leave_visual(editor);
                } else {
                    self.mode = wanted;
                }
            }
            ':' => {
                let (low, high) = self.ends(editor);
                self.leave_visual(editor);
                self.count = None;
                self.line.begin(Some((low.line, high.line)));
            }
            '/' | '?' => self.search.begin(c == '?'),
            _ => return false,
        }
        true
    }

    /// Keys of the normal mode that are neither operators nor motions; whether this is one.
    pub(super) fn normal(&mut self, editor: &mut Editor, c: char) -> bool {
        let at = editor.cursor;
        let line_end = end_of_line(editor, at.line);
        match c {
            'i' | 'a' | 'I' | 'A' | 'o' | 'O' => {
                let times = self.counted();
                match c {
                    'i' => self.insert(editor, at),
                    'a' => self.insert(editor, on_line(&editor.buffer, at)),
                    'I' => self.insert(editor, first_of(&editor.buffer, at.line)),
                    'A' => self.insert(editor, line_end),
                    _ => self.open_line(editor, c == 'O'),
                }
                self.inserting.1 = times;
            }
            'x' | 'X' | 's' | 'D' | 'C' | 'S' | 'Y' => {
                let count = self.counted();
                let mut place = at;
                for _ in 0..count {
                    place = match c {
                        'X' if place.byte > 0 => editor.buffer.left(place),
                        'X' => place,
                        _ => on_line(&editor.buffer, place),
                    };
                }
                let lines = at..Place { line: (at.line + count - 1).min(editor.buffer.lines().len() - 1), byte: 0 };
                match c {
                    'x' | 'X' if place == at => {}
                    'x' | 'X' => self.operate(editor, Operator::Delete, at.min(place)..at.max(place), false),
                    's' => self.operate(editor, Operator::Change, at..place, false),
                    'D' => self.operate(editor, Operator::Delete, at..line_end, false),
                    'C' => self.operate(editor, Operator::Change, at..line_end, false),
                    'S' => self.operate(editor, Operator::Change, lines, true),
                    _ => self.operate(editor, Operator::Yank, lines, true),
                }
            }
            'r' => self.waiting = Some(Waiting::Replace),
            'R' => self.begin_replace(editor),
            '~' => {
                let count = self.counted();
                let mut end = at;
                (0..count).for_each(|_| end = on_line(&editor.buffer, end));
                self.operate(editor, Operator::Case('~'), at..end, false);
                editor.go(end, false);
            }
            'J' => {
                let count = self.counted();
                self.join(editor, count.saturating_sub(1).max(1), true);
            }
            'p' | 'P' => {
                let count = self.counted();
                self.put(editor, c == 'p', count);
            }
            'u' => {
                let count = self.counted();
                (0..count).for_each(|_| editor.edit(Edit::Undo));
            }
            'v' | 'V' => {
                self.count = None;
                self.anchor = at;
                self.mode = if c == 'v' { Mode::Visual } else { Mode::VisualLines };
            }
            '.' => self.repeat(editor),
            ':' => {
                self.count = None;
                self.line.begin(None);
            }
            '/' | '?' => {
                self.count = None;
                self.search.begin(c == '?');
            }
            _ => return false,
        }
        true
    }

    fn open_line(&mut self, editor: &mut Editor, above: bool) {
        let line = editor.cursor.line;
        let text = &editor.buffer.lines()[line];
        let indent = text[..text.len() - text.trim_start().len()].to_owned();
        editor.open_step();
        let at = if above {
            let start = Place { line, byte: 0 };
            editor.replace(start..start, &format!("{indent}\n"));
            Place { line, byte: indent.len() }
        } else {
            let end = end_of_line(editor, line);
            editor.replace(end..end, &format!("\n{indent}"));
            Place { line: line + 1, byte: indent.len() }
        };
        self.insert(editor, at);
    }

    /// Ctrl-A and Ctrl-X: the number at the cursor or behind it on its line.
    pub(super) fn step_number(&mut self, editor: &mut Editor, by: i64) {
        let Place { line, byte } = editor.cursor;
        let Some((range, number)) = stepped(&editor.buffer.lines()[line], byte, by) else { return };
        let start = Place { line, byte: range.start };
        editor.replace(start..Place { line, byte: range.end }, &number);
        editor.go(Place { line, byte: range.start + number.len() - 1 }, false);
    }

    /// `r`: so many characters become this one; nothing where there are fewer.
    pub(super) fn replace(&mut self, editor: &mut Editor, c: char, count: usize) {
        let at = editor.cursor;
        let mut end = at;
        for _ in 0..count {
            let next = on_line(&editor.buffer, end);
            if next == end {
                return;
            }
            end = next;
        }
        editor.open_step();
        self.changes = true;
        editor.replace(at..end, &c.to_string().repeat(count));
        editor.go(Place { byte: at.byte + c.len_utf8() * (count - 1), ..at }, false);
    }

    /// Joins lines: with a space for the line's end, or as they are.
    pub(super) fn join(&mut self, editor: &mut Editor, times: usize, spaced: bool) {
        editor.open_step();
        self.changes = true;
        for _ in 0..times {
            let line = editor.cursor.line;
            let lines = editor.buffer.lines();
            let Some(next) = lines.get(line + 1) else { break };
            let (rest, trimmed) = match spaced {
                true => (next.trim_start(), lines[line].trim_end()),
                false => (next.as_str(), lines[line].as_str()),
            };
            let close = rest.is_empty() || rest.starts_with(')') || trimmed.is_empty();
            let space = if close || !spaced { "" } else { " " };
            let start = Place { line, byte: trimmed.len() };
            let end = Place { line: line + 1, byte: next.len() - rest.len() };
            editor.replace(start..end, space);
            editor.go(start, false);
        }
    }

    /// Puts the register behind the cursor or before it; whole lines below or above its line.
    pub(super) fn put(&mut self, editor: &mut Editor, behind: bool, count: usize) {
        let text = self.registers.take(&editor.killed);
        // What could not be undone is not put either.
        if text.is_empty() || text.len().saturating_mul(count) > 64 << 20 {
            return;
        }
        editor.open_step();
        self.changes = true;
        let at = editor.cursor;
        match text.strip_suffix('\n') {
            Some(lines) if behind => {
                let end = end_of_line(editor, at.line);
                editor.replace(end..end, &format!("\n{lines}").repeat(count));
                editor.go(first_of(&editor.buffer, at.line + 1), false);
            }
            Some(_) => {
                let start = Place { byte: 0, ..at };
                editor.replace(start..start, &text.repeat(count));
                editor.go(first_of(&editor.buffer, at.line), false);
            }
            None => {
                let at = if behind { on_line(&editor.buffer, at) } else { at };
                editor.replace(at..at, &text.repeat(count));
                let to = if text.contains('\n') { at } else { editor.buffer.left(editor.cursor) };
                editor.go(to, false);
            }
        }
    }
}

/// The number at the cursor, or the next one on its line: where, and what it is with `by` added.
fn stepped(line: &str, from: usize, by: i64) -> Option<(Range<usize>, String)> {
    let digit = |at: usize| line.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let mut start = (from..line.len()).find(|at| digit(*at))?;
    while start > 0 && digit(start - 1) {
        start -= 1;
    }
    let mut end = start;
    while digit(end) {
        end += 1;
    }
    let signed = start > 0
        && line.as_bytes()[start - 1] == b'-'
        && !(start > 1 && line.as_bytes()[start - 2].is_ascii_alphanumeric());
    let start = start - usize::from(signed);
    let number: i64 = line[start..end].parse().ok()?;
    Some((start..end, number.checked_add(by)?.to_string()))
}

fn end_of_line(editor: &Editor, line: usize) -> Place {
    Place { line, byte: editor.buffer.lines()[line].len() }
}

fn recased(text: &str, how: char) -> String {
    match how {
        'u' => text.to_lowercase(),
        'U' => text.to_uppercase(),
        _ => text
            .chars()
            .flat_map(|c| -> Vec<char> {
                if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
            })
            .collect(),
    }
}
