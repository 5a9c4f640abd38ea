//! vi's keys: modes, counts, operators over motions and text objects, repetition. Pure: keys go in, the editor changes. It
//! must not know the pane; what is not vi's own is passed back.

mod line;
mod listed;
mod mark;
mod motion;
mod object;
mod operate;
mod overwrite;
mod register;
mod search;
mod waiting;

#[cfg(test)]
mod tests;

use super::super::buffer::Place;
use super::{Edit, Editor};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use line::CommandLine;
pub use listed::VI;
use mark::Marks;
use motion::{Find, Moved};
use operate::Operator;
use overwrite::Overwritten;
use register::Registers;
use search::Search;
use waiting::Waiting;

/// What a key means now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Keys are commands.
    #[default]
    Normal,
    /// Keys are text.
    Insert,
    /// Keys are text in place of what stands there.
    Replace,
    /// Characters are being selected.
    Visual,
    /// Lines are being selected.
    VisualLines,
}

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It was taken.
    Taken,
    /// It means here what it means everywhere else.
    Passed,
    /// A command line was entered that is not about the text alone.
    Line(String),
    /// The results are wanted.
    Results,
    /// Something is to be said.
    Said(String),
    /// Text was yanked, which the clipboard may have too.
    Yanked(String),
    /// What was searched for is not there.
    Missing(String),
}

/// A change that `.` makes again.
#[derive(Clone, Debug, Default)]
struct Repeat {
    keys: Vec<char>,
    inserted: String,
}

/// The state of vi's keys.
#[derive(Clone, Debug, Default)]
pub struct Vi {
    mode: Mode,
    count: Option<usize>,
    /// With the count that was typed before it.
    operator: Option<(Operator, Option<usize>)>,
    waiting: Option<Waiting>,
    find: Option<Find>,
    search: Search,
    line: CommandLine,
    registers: Registers,
    marks: Marks,
    overwritten: Overwritten,
    /// Where a visual selection began.
    anchor: Place,
    /// Where inserting began, and how many times the text is wanted.
    inserting: (Place, usize),
    /// Keys of the command that is being typed.
    keys: Vec<char>,
    /// The command being typed is a change.
    changes: bool,
    last: Repeat,
    effect: Option<Effect>,
}

impl Vi {
    /// What a key means now.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// For the status line: the mode, and what has been typed of a command.
    pub fn status(&self) -> String {
        if let Some(typed) = self.typed() {
            return typed;
        }
        let mode = match self.mode {
            Mode::Normal => "NORMAL",
            Mode::Insert => "INSERT",
            Mode::Replace => "REPLACE",
            Mode::Visual => "VISUAL",
            Mode::VisualLines => "VISUAL LINE",
        };
        let keys: String = self.keys.iter().collect();
        if keys.is_empty() { mode.to_owned() } else { format!("{mode} {keys}") }
    }

    /// What is being typed into the status line: a search, a command line.
    pub fn typed(&self) -> Option<String> {
        self.search.typed().or_else(|| self.line.typed())
    }

    /// Takes a key.
    pub fn key(&mut self, editor: &mut Editor, key: &KeyEvent) -> Effect {
        let held = key.modifiers - KeyModifiers::SHIFT;
        let escape = key.code == KeyCode::Esc || (key.code == KeyCode::Char('[') && held == KeyModifiers::CONTROL);
        if self.search.typed().is_some() {
            return self.type_search(editor, key, escape);
        }
        if self.line.typed().is_some() {
            return self.type_line(editor, key, escape);
        }
        if self.mode == Mode::Replace {
            return self.overwrite(editor, key, escape);
        }
        if self.mode == Mode::Insert {
            if escape {
                self.leave_insert(editor);
                return Effect::Taken;
            }
            return Effect::Passed;
        }
        let c = match key.code {
            _ if escape => {
                // Pressed once too often it must not lead anywhere: hands press it to be sure.
                self.forget();
                self.leave_visual(editor);
                self.settle(editor);
                return Effect::Taken;
            }
            KeyCode::Char(c) if held.is_empty() || held == KeyModifiers::CONTROL | KeyModifiers::ALT => c,
            KeyCode::Char(c) if held == KeyModifiers::CONTROL => return self.control(editor, c),
            KeyCode::Enter if held.is_empty() => '+',
            KeyCode::Backspace if held.is_empty() => 'h',
            // As in the results, where it leads back.
            KeyCode::Tab if held.is_empty() => {
                self.forget();
                return Effect::Results;
            }
            _ => {
                self.forget();
                return Effect::Passed;
            }
        };
        self.take(editor, c);
        self.effect.take().unwrap_or(Effect::Taken)
    }

    /// After something else has moved the cursor or changed the text: modes and cursor fit again.
    pub fn settle(&mut self, editor: &mut Editor) {
        match self.mode {
            Mode::Insert | Mode::Replace => {}
            Mode::Normal => {
                let cursor = editor.cursor;
                let len = editor.buffer.lines()[cursor.line].len();
                if editor.selection().is_none() && cursor.byte >= len && len > 0 {
                    // In normal mode the cursor is on a character. The column it came from stays the goal.
                    let to = editor.buffer.left(Place { byte: len, ..cursor });
                    editor.cursor = to;
                }
            }
            Mode::Visual | Mode::VisualLines => {
                let (low, high) = self.ends(editor);
                let range = match self.mode {
                    Mode::Visual => low..editor.buffer.right(high),
                    _ => {
                        let end = editor.buffer.lines()[high.line].len();
                        Place { byte: 0, ..low }..Place { byte: end, ..high }
                    }
                };
                editor.select(Some(range));
            }
        }
    }

    /// The text was changed by something that is not vi's: a visual selection has lost its meaning.
    pub fn interrupted(&mut self, editor: &mut Editor) {
        self.forget();
        if matches!(self.mode, Mode::Visual | Mode::VisualLines) {
            self.mode = Mode::Normal;
            editor.select(None);
        }
        self.settle(editor);
    }

    fn control(&mut self, editor: &mut Editor, c: char) -> Effect {
        let page = editor.height.max(2) as isize;
        let select = false;
        match c.to_ascii_lowercase() {
            'r' => {
                self.forget();
                editor.edit(Edit::Redo);
                self.mode = Mode::Normal;
            }
            'd' => editor.travel_lines(page / 2, select),
            'u' => editor.travel_lines(-page / 2, select),
            'f' => editor.travel_lines(page - 1, select),
            'b' => editor.travel_lines(1 - page, select),
            'e' => editor.scroll(1),
            'y' => editor.scroll(-1),
            'a' | 'x' => {
                let by = self.counted() as i64;
                self.forget();
                self.step_number(editor, if c.eq_ignore_ascii_case(&'a') { by } else { -by });
            }
            'w' => {
                self.forget();
                self.keys.push('\u{17}');
                self.waiting = Some(Waiting::Window);
            }
            'v' => {
                self.forget();
                return Effect::Said("selections of columns (Ctrl-V) are not supported".to_owned());
            }
            _ => return Effect::Passed,
        }
        self.settle(editor);
        Effect::Taken
    }

    /// Ends a visual selection, which `gv` brings back.
    fn leave_visual(&mut self, editor: &mut Editor) {
        if self.visual() {
            self.marks.selected = Some((self.mode, self.anchor, editor.cursor));
            self.mode = Mode::Normal;
            editor.select(None);
        }
    }

    /// One key of a command.
    fn take(&mut self, editor: &mut Editor, c: char) {
        self.keys.push(c);
        self.command(editor, c);
        let pending = self.search.typed().is_some() || self.registers.is_named();
        if self.count.is_none() && self.operator.is_none() && self.waiting.is_none() && !pending {
            let keys = std::mem::take(&mut self.keys);
            if std::mem::take(&mut self.changes) && self.mode != Mode::VisualLines && self.mode != Mode::Visual {
                self.last = Repeat { keys, inserted: String::new() };
            }
        }
        if !matches!(self.mode, Mode::Insert | Mode::Replace) {
            editor.close_step();
            self.settle(editor);
        }
    }

    fn forget(&mut self) {
        (self.count, self.operator, self.waiting) = (None, None, None);
        self.registers.forget();
        self.keys.clear();
        self.changes = false;
    }

    fn visual(&self) -> bool {
        matches!(self.mode, Mode::Visual | Mode::VisualLines)
    }

    /// The ends of a visual selection, in order.
    fn ends(&self, editor: &Editor) -> (Place, Place) {
        let last = editor.buffer.lines().len() - 1;
        let line = self.anchor.line.min(last);
        let text = &editor.buffer.lines()[line];
        let anchor = Place { line, byte: text.floor_char_boundary(self.anchor.byte.min(text.len())) };
        (anchor.min(editor.cursor), anchor.max(editor.cursor))
    }

    fn command(&mut self, editor: &mut Editor, c: char) {
        if let Some(waiting) = self.waiting.take() {
            return self.waited(editor, waiting, c);
        }
        if let Some(digit) = c.to_digit(10).filter(|digit| *digit > 0 || self.count.is_some()) {
            // A count beyond any text is cut, not overflown.
            self.count = Some((self.count.unwrap_or(0) * 10 + digit as usize).min(999_999));
            return;
        }
        // `gcc`, whose c is no change.
        if c == 'c' && self.operator.is_some_and(|(operator, _)| operator == Operator::Comment) {
            return self.operate_by(editor, Operator::Comment, c);
        }
        match c {
            'g' => self.waiting = Some(Waiting::G),
            '"' => self.waiting = Some(Waiting::Register),
            'm' if self.operator.is_none() => self.waiting = Some(Waiting::Mark),
            '`' | '\'' => self.waiting = Some(Waiting::Jump { lines: c == '\'' }),
            'z' if self.operator.is_none() => self.waiting = Some(Waiting::Z),
            'Z' if self.operator.is_none() => self.waiting = Some(Waiting::Leave),
            'q' if self.operator.is_none() => self.waiting = Some(Waiting::Missing("macros (q)")),
            '@' => self.waiting = Some(Waiting::Missing("macros (@)")),
            '[' | ']' => self.waiting = Some(Waiting::Missing("motions by sections ([ and ])")),
            '/' | '?' if self.operator.is_some() => self.search.begin(c == '?'),
            'f' | 'F' | 't' | 'T' => {
                self.waiting = Some(Waiting::Find { back: c.is_uppercase(), till: c.eq_ignore_ascii_case(&'t') });
            }
            'i' | 'a' if self.operator.is_some() || self.visual() => {
                self.waiting = Some(Waiting::Object { around: c == 'a' });
            }
            _ if self.operator.is_none() && !self.visual() && self.normal(editor, c) => {}
            _ if self.operator.is_none() && self.visual() && self.on_selection(editor, c) => {}
            _ => match Operator::of(c) {
                Some(operator) => self.operate_by(editor, operator, c),
                None => self.move_by(editor, c),
            },
        }
    }

    /// An operator's key: with the same key before it, it is for whole lines.
    fn operate_by(&mut self, editor: &mut Editor, operator: Operator, _key: char) {
        if self.visual() {
            return self.on_range(editor, operator);
        }
        match self.operator {
            Some((pending, _)) if pending == operator => {
                let count = self.counted();
                self.operator = None;
                let first = editor.cursor.line;
                let last = (first + count - 1).min(editor.buffer.lines().len() - 1);
                let range = Place { line: first, byte: 0 }..Place { line: last, byte: 0 };
                self.operate(editor, operator, range, true);
            }
            Some((Operator::Case(pending), _)) if matches!(operator, Operator::Case(c) if c == pending) => {
                self.forget()
            }
            Some(_) => self.forget(),
            None => self.operator = Some((operator, self.count.take())),
        }
    }

    /// The counts before the operator and before the motion, multiplied.
    fn counted(&mut self) -> usize {
        self.given().unwrap_or(1)
    }

    fn given(&mut self) -> Option<usize> {
        let before = self.operator.as_mut().and_then(|(_, count)| count.take());
        match (before, self.count.take()) {
            (None, None) => None,
            (before, count) => Some((before.unwrap_or(1) * count.unwrap_or(1)).clamp(1, 999_999)),
        }
    }

    fn move_by(&mut self, editor: &mut Editor, c: char) {
        // `guu` and `gUU`: the key of the operator, without its g.
        if let Some((Operator::Case(pending), _)) = self.operator
            && pending == c
        {
            return self.operate_by(editor, Operator::Case(c), c);
        }
        let count = self.given();
        let found = match c {
            ';' | ',' => self.find.and_then(|find| find.turned(c == ',').from(editor, count.unwrap_or(1), true)),
            'n' | 'N' => {
                self.marks.left(editor.cursor);
                let found = self.search.next(editor, c == 'N');
                if found.is_none() {
                    self.effect = Some(Effect::Missing(self.search.words().to_owned()));
                }
                found
            }
            '*' | '#' => {
                self.marks.left(editor.cursor);
                self.search.word(editor, c == '#')
            }
            'w' | 'W' if self.operator.is_some_and(|(operator, _)| operator == Operator::Change) => {
                motion::change_word(editor, c == 'W', count.unwrap_or(1))
            }
            _ => {
                if matches!(c, 'G' | '%' | '{' | '}' | 'H' | 'L' | 'M') {
                    self.marks.left(editor.cursor);
                }
                motion::by(editor, c, count, self.operator.is_some())
            }
        };
        match found {
            Some(moved) => self.move_to(editor, moved),
            None if "hjklwbeWBE0^$G%{}HLM+-|_nN*#;, ".contains(c) => self.forget(),
            None => self.unknown(&c.to_string()),
        }
    }

    /// Goes there, or does there what the operator says.
    fn move_to(&mut self, editor: &mut Editor, moved: Moved) {
        self.count = None;
        match self.operator.take() {
            Some((operator, _)) => {
                let (range, lines) = moved.range(editor);
                self.operate(editor, operator, range, lines);
            }
            None => match moved.vertical {
                Some(by) => editor.travel_lines(by, false),
                None => editor.go(moved.to, false),
            },
        }
    }

    fn insert(&mut self, editor: &mut Editor, at: Place) {
        editor.go(at, false);
        self.mode = Mode::Insert;
        editor.open_step();
        self.inserting = (at, 1);
        self.changes = true;
    }

    fn leave_insert(&mut self, editor: &mut Editor) {
        let (start, times) = self.inserting;
        let inserted = if start < editor.cursor { editor.buffer.slice(start..editor.cursor) } else { String::new() };
        for _ in 1..times {
            editor.replace(editor.cursor..editor.cursor, &inserted);
        }
        self.last.inserted = inserted;
        editor.close_step();
        self.mode = Mode::Normal;
        let cursor = editor.cursor;
        if cursor.byte > 0 {
            editor.go(editor.buffer.left(cursor), false);
        }
        self.settle(editor);
    }

    /// `.`: the last change once more.
    fn repeat(&mut self, editor: &mut Editor) {
        let mut last = self.last.clone();
        if let Some(count) = self.count.take() {
            // The new count is meant instead of the old one.
            let old = last.keys.iter().take_while(|c| c.is_ascii_digit()).count();
            let keys = last.keys.split_off(old);
            last.keys = count.to_string().chars().chain(keys).collect();
        }
        self.forget();
        for c in &last.keys {
            self.take(editor, *c);
        }
        if self.mode == Mode::Insert {
            editor.replace(editor.cursor..editor.cursor, &last.inserted);
            self.leave_insert(editor);
        }
        if self.mode == Mode::Replace {
            last.inserted.chars().for_each(|c| self.type_over(editor, c));
            self.leave_replace(editor);
        }
        self.last = last;
    }
}
