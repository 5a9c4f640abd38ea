//! vi's command line, `:`. Line numbers and `:s` are done here, with literal texts; what else is entered is told to whoever
//! asked for the key. It must not know what that means.

use super::super::super::buffer::Place;
use super::super::Editor;
use super::{Effect, Vi, motion};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::ops::RangeInclusive;

/// What has been typed of a command line.
#[derive(Clone, Debug, Default)]
pub(super) struct CommandLine {
    typing: Option<String>,
    /// The lines that were selected.
    lines: Option<(usize, usize)>,
}

/// `:s`.
#[derive(Debug, PartialEq, Eq)]
struct Substitution<'a> {
    lines: RangeInclusive<usize>,
    from: &'a str,
    to: &'a str,
    everywhere: bool,
}

impl CommandLine {
    pub(super) fn begin(&mut self, lines: Option<(usize, usize)>) {
        self.typing = Some(if lines.is_some() { "'<,'>".to_owned() } else { String::new() });
        self.lines = lines;
    }

    /// As it is shown while it is typed.
    pub(super) fn typed(&self) -> Option<String> {
        self.typing.as_ref().map(|words| format!(":{words}"))
    }
}

impl Vi {
    /// A key while a command line is typed.
    pub(super) fn type_line(&mut self, editor: &mut Editor, key: &KeyEvent, escape: bool) -> Effect {
        let Some(words) = &mut self.line.typing else { return Effect::Passed };
        let held = key.modifiers - KeyModifiers::SHIFT;
        match key.code {
            _ if escape => self.line.typing = None,
            KeyCode::Enter => {
                let words = self.line.typing.take().unwrap_or_default();
                return self.enter_line(editor, words.trim());
            }
            KeyCode::Backspace if words.is_empty() => self.line.typing = None,
            KeyCode::Backspace => drop(words.pop()),
            KeyCode::Char('c' | 'g') if held == KeyModifiers::CONTROL => self.line.typing = None,
            KeyCode::Char('u') if held == KeyModifiers::CONTROL => words.clear(),
            KeyCode::Char(c) if held.is_empty() || held == KeyModifiers::CONTROL | KeyModifiers::ALT => words.push(c),
            _ => {}
        }
        Effect::Taken
    }

    fn enter_line(&mut self, editor: &mut Editor, words: &str) -> Effect {
        let count = editor.buffer.lines().len();
        if words.is_empty() {
            return Effect::Taken;
        }
        if let Some(line) = if words == "$" { Some(count) } else { words.parse::<usize>().ok() } {
            self.marks.left(editor.cursor);
            let moved = motion::to_line(editor, line.saturating_sub(1));
            editor.go(moved.to, false);
            self.settle(editor);
            return Effect::Taken;
        }
        let (lines, rest) = match words.strip_prefix('%').map(|rest| (0..=count - 1, rest)) {
            Some(all) => all,
            None => match (words.strip_prefix("'<,'>"), self.line.lines) {
                (Some(rest), Some((first, last))) => (first..=last.min(count - 1), rest),
                _ => (editor.cursor.line..=editor.cursor.line, words),
            },
        };
        match substitution(lines, rest) {
            Some(wanted) => self.substitute(editor, &wanted),
            None => Effect::Line(words.to_owned()),
        }
    }

    fn substitute(&mut self, editor: &mut Editor, wanted: &Substitution<'_>) -> Effect {
        let mut changed = 0;
        let mut last = None;
        editor.open_step();
        for line in wanted.lines.clone() {
            let text = &editor.buffer.lines()[line];
            let times = if wanted.everywhere {
                text.matches(wanted.from).count()
            } else {
                text.matches(wanted.from).take(1).count()
            };
            if times == 0 {
                continue;
            }
            let new = text.replacen(wanted.from, wanted.to, times);
            let range = Place { line, byte: 0 }..Place { line, byte: text.len() };
            editor.replace(range, &new);
            changed += times;
            last = Some(line);
        }
        editor.close_step();
        let Some(line) = last else { return Effect::Missing(wanted.from.to_owned()) };
        editor.go(motion::first_of(&editor.buffer, line), false);
        self.settle(editor);
        Effect::Said(format!("{changed} replaced"))
    }
}

/// `s/from/to/` and `s/from/to/g`, with any mark for the slash.
fn substitution(lines: RangeInclusive<usize>, words: &str) -> Option<Substitution<'_>> {
    let rest = words.strip_prefix('s')?;
    let mark = rest.chars().next().filter(|mark| mark.is_ascii_punctuation())?;
    let mut parts = rest[1..].splitn(3, mark);
    let from = parts.next().filter(|from| !from.is_empty())?;
    let (to, flags) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    matches!(flags, "" | "g").then_some(Substitution { lines, from, to, everywhere: flags == "g" })
}
