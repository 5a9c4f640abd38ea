//! Searching within the text: literal, letters in any case unless one is a capital. It must not change the text.

use super::super::super::buffer::Place;
use super::super::Editor;
use super::motion::{Class, Moved, Reach, class, end_of_word, on_line, start_of_word};
use super::{Effect, Mode, Vi};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What is searched for.
#[derive(Clone, Debug, Default)]
pub(super) struct Search {
    words: String,
    back: bool,
    /// What has been typed of the next one.
    typing: Option<(String, bool)>,
}

impl Search {
    pub(super) fn begin(&mut self, back: bool) {
        self.typing = Some((String::new(), back));
    }

    /// As it is shown while it is typed: `/words`.
    pub(super) fn typed(&self) -> Option<String> {
        self.typing.as_ref().map(|(words, back)| format!("{}{words}", if *back { '?' } else { '/' }))
    }

    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// The next place from the cursor, around the text's end; `other` turns the way.
    pub(super) fn next(&self, editor: &Editor, other: bool) -> Option<Moved> {
        if self.words.is_empty() {
            return None;
        }
        let lines = editor.buffer.lines();
        let at = editor.cursor;
        let back = self.back != other;
        for step in 0..=lines.len() {
            let line = if back { at.line + 2 * lines.len() - step } else { at.line + step } % lines.len();
            let found = self.in_line(&lines[line]).filter(|byte| match step {
                0 if back => *byte < at.byte,
                0 => *byte > at.byte,
                _ => true,
            });
            let byte = if back { found.last() } else { { found }.next() };
            if let Some(byte) = byte {
                return Some(Moved::new(Place { line, byte }, Reach::Exclusive));
            }
        }
        None
    }

    /// The word at the cursor becomes what is searched for.
    pub(super) fn word(&mut self, editor: &Editor, back: bool) -> Option<Moved> {
        let buffer = &editor.buffer;
        if class(buffer, editor.cursor, false) != Class::Word {
            return None;
        }
        let start = start_of_word(buffer, editor.cursor, false);
        let end = on_line(buffer, end_of_word(buffer, editor.cursor, false));
        (self.words, self.back) = (buffer.slice(start..end), back);
        self.next(editor, false)
    }

    fn in_line<'a>(&'a self, line: &'a str) -> impl Iterator<Item = usize> + 'a {
        let exact = self.words.chars().any(char::is_uppercase);
        let (text, words) = (line.as_bytes(), self.words.as_bytes());
        let count = (text.len() + 1).saturating_sub(words.len());
        (0..count).filter(move |at| {
            let here = &text[*at..*at + words.len()];
            line.is_char_boundary(*at) && if exact { here == words } else { here.eq_ignore_ascii_case(words) }
        })
    }
}

impl Vi {
    /// A key while a search is typed.
    pub(super) fn type_search(&mut self, editor: &mut Editor, key: &KeyEvent, escape: bool) -> Effect {
        let Some((words, _)) = &mut self.search.typing else { return Effect::Passed };
        let held = key.modifiers - KeyModifiers::SHIFT;
        match key.code {
            _ if escape => {
                self.search.typing = None;
                self.forget();
            }
            KeyCode::Enter => {
                if let Some((words, back)) = self.search.typing.take() {
                    // Nothing typed means the same once more.
                    if !words.is_empty() {
                        self.search.words = words;
                    }
                    self.search.back = back;
                }
                let Some(moved) = self.search.next(editor, false) else {
                    self.forget();
                    return Effect::Missing(self.search.words.clone());
                };
                self.marks.left(editor.cursor);
                self.keys.push('⏎');
                // An operator that waits for it means the text up to there; what `.` repeats is not had of it.
                self.move_to(editor, moved);
                self.keys.clear();
                if std::mem::take(&mut self.changes) && self.mode != Mode::Insert {
                    editor.close_step();
                }
                self.settle(editor);
                return self.effect.take().unwrap_or(Effect::Taken);
            }
            // An empty search is left.
            KeyCode::Backspace if words.is_empty() => {
                self.search.typing = None;
                self.forget();
            }
            KeyCode::Backspace => drop(words.pop()),
            KeyCode::Char('c' | 'g') if held == KeyModifiers::CONTROL => {
                self.search.typing = None;
                self.forget();
            }
            KeyCode::Char('u') if held == KeyModifiers::CONTROL => words.clear(),
            KeyCode::Char(c) if held.is_empty() => words.push(c),
            _ => {}
        }
        Effect::Taken
    }
}
