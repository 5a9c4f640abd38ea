//! Replace mode: what is typed takes the place of what stands there, and Backspace brings that back. It must not know how
//! one gets there.

use super::super::super::buffer::Place;
use super::super::Editor;
use super::motion::on_line;
use super::{Effect, Mode, Vi};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What was overwritten, the last at the end; nothing where the line was at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Overwritten(Vec<String>);

impl Vi {
    /// `R`.
    pub(super) fn begin_replace(&mut self, editor: &mut Editor) {
        self.count = None;
        self.mode = Mode::Replace;
        self.overwritten = Overwritten::default();
        self.inserting = (editor.cursor, 1);
        self.changes = true;
        editor.open_step();
    }

    /// A key while it lasts.
    pub(super) fn overwrite(&mut self, editor: &mut Editor, key: &KeyEvent, escape: bool) -> Effect {
        let held = key.modifiers - KeyModifiers::SHIFT;
        match key.code {
            _ if escape => self.leave_replace(editor),
            KeyCode::Char(c) if held.is_empty() || held == KeyModifiers::CONTROL | KeyModifiers::ALT => {
                self.type_over(editor, c);
            }
            KeyCode::Backspace if held.is_empty() => {
                if let Some(old) = self.overwritten.0.pop() {
                    let start = editor.buffer.left(editor.cursor);
                    editor.replace(start..editor.cursor, &old);
                    editor.go(start, false);
                }
            }
            _ => {
                // Elsewhere there is nothing to be brought back.
                self.overwritten = Overwritten::default();
                return Effect::Passed;
            }
        }
        Effect::Taken
    }

    pub(super) fn type_over(&mut self, editor: &mut Editor, c: char) {
        let at = editor.cursor;
        let end = on_line(&editor.buffer, at);
        self.overwritten.0.push(editor.buffer.slice(at..end));
        editor.replace(at..end, c.encode_utf8(&mut [0; 4]));
    }

    pub(super) fn leave_replace(&mut self, editor: &mut Editor) {
        let Place { line, byte } = self.inserting.0;
        let at = editor.cursor;
        self.last.inserted = match line == at.line && byte <= at.byte {
            true => editor.buffer.slice(self.inserting.0..at),
            false => String::new(),
        };
        editor.close_step();
        self.mode = Mode::Normal;
        if at.byte > 0 {
            editor.go(editor.buffer.left(at), false);
        }
        self.settle(editor);
    }
}
