//! Commands of vi that need one more key, and what that key makes of them. It must not know how the first key was read.

use super::super::Editor;
use super::motion::{self, Find, Moved, Reach};
use super::object;
use super::operate::Operator;
use super::{Effect, Mode, Vi};

/// A command that needs one more key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// After `g`.
    G,
    /// After `f F t T`: backwards, and short of it.
    Find { back: bool, till: bool },
    /// After `r`.
    Replace,
    /// After `i` or `a` where a text object is meant.
    Object { around: bool },
    /// After `"`.
    Register,
    /// After `m`.
    Mark,
    /// After `` ` ``, or after `'`, which means lines.
    Jump { lines: bool },
    /// After `z`.
    Z,
    /// After `Z`.
    Leave,
    /// After Ctrl-W.
    Window,
    /// After a key whose next one belongs to it, and of which neither is had: what it would be.
    Missing(&'static str),
}

impl Vi {
    /// Takes the key that a command waits for.
    pub(super) fn waited(&mut self, editor: &mut Editor, waiting: Waiting, c: char) {
        match waiting {
            Waiting::G => match c {
                'u' | 'U' | '~' | 'c' => {
                    let operator = if c == 'c' { Operator::Comment } else { Operator::Case(c) };
                    if self.visual() {
                        self.on_range(editor, operator);
                    } else {
                        self.operate_by(editor, operator, c);
                    }
                }
                'g' => {
                    let line = self.count.take().unwrap_or(1) - 1;
                    self.marks.left(editor.cursor);
                    self.move_to(editor, motion::to_line(editor, line));
                }
                'e' | 'E' | '_' => {
                    let count = self.given();
                    self.move_to(editor, motion::by_g(editor, c, count.unwrap_or(1)));
                }
                'J' if self.operator.is_none() && !self.visual() => {
                    let count = self.counted();
                    self.join(editor, count.saturating_sub(1).max(1), false);
                }
                'v' => {
                    if let Some((mode, anchor, cursor)) = self.marks.selected {
                        (self.mode, self.anchor) = (mode, anchor);
                        editor.go(cursor, false);
                    }
                    self.forget();
                }
                _ => self.unknown(&format!("g{c}")),
            },
            Waiting::Register => {
                if !self.registers.name(c) {
                    self.unknown(&format!("\"{c}"));
                }
            }
            Waiting::Mark => self.marks.set(c, editor.cursor),
            Waiting::Jump { lines } => match self.marks.find(c, editor) {
                Some(place) => {
                    self.marks.left(editor.cursor);
                    let moved = match lines {
                        true => motion::to_line(editor, place.line),
                        false => Moved::new(place, Reach::Exclusive),
                    };
                    self.move_to(editor, moved);
                }
                None => {
                    self.forget();
                    self.effect = Some(Effect::Said(format!("there is no mark {c}")));
                }
            },
            Waiting::Z => {
                let back = match c {
                    'z' | '.' => editor.height / 2,
                    't' | '+' => 0,
                    'b' | '-' => editor.height.saturating_sub(1),
                    _ => return self.unknown(&format!("z{c}")),
                };
                self.count = None;
                editor.top = editor.cursor.line.saturating_sub(back);
            }
            Waiting::Leave if matches!(c, 'Z' | 'Q') => self.effect = Some(Effect::Line("q".to_owned())),
            Waiting::Leave => self.unknown(&format!("Z{c}")),
            Waiting::Window => match c {
                'j' | 'k' | 'w' | 'p' | 't' | 'b' => self.effect = Some(Effect::Results),
                _ => self.unknown(&format!("Ctrl-W {c}")),
            },
            Waiting::Missing(what) => {
                self.forget();
                self.effect = Some(Effect::Said(format!("{what} are not supported")));
            }
            Waiting::Find { back, till } => {
                let find = Find { c, back, till };
                self.find = Some(find);
                let count = self.counted();
                match find.from(editor, count, false) {
                    Some(moved) => self.move_to(editor, moved),
                    None => self.forget(),
                }
            }
            Waiting::Replace => {
                let count = self.counted();
                self.replace(editor, c, count);
            }
            Waiting::Object { around } => match object::at(editor, c, around) {
                Some((range, reach)) if self.visual() => {
                    self.anchor = range.start;
                    if reach == Reach::Lines {
                        self.mode = Mode::VisualLines;
                    }
                    let last = editor.buffer.left(range.end).max(range.start);
                    editor.go(if reach == Reach::Lines { range.end } else { last }, false);
                }
                Some((range, reach)) => match self.operator.take() {
                    Some((operator, _)) => {
                        self.count = None;
                        self.operate(editor, operator, range, reach == Reach::Lines);
                    }
                    None => self.forget(),
                },
                None if matches!(c, 't' | '{' | '}' | 'B' | '<' | '>' | 's') => {
                    self.unknown(&format!("{}{c}", if around { 'a' } else { 'i' }));
                }
                None => self.forget(),
            },
        }
    }

    /// A command that is not had: nothing is done, and it is said.
    pub(super) fn unknown(&mut self, keys: &str) {
        self.forget();
        self.effect = Some(Effect::Said(format!("{keys} is none of the vi keys here; F1 lists them")));
    }
}
