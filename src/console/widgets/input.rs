//! One line of typed text: cursor, word deletion, paste, history, and a mask for secrets. It must not know what the text
//! is for. Keys are those of readline, which people's hands know.

use super::text;
use crate::console::keys::matches;
use crate::model::visible;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::fmt;
use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroize;

/// A line being typed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    /// Byte offset, always between grapheme clusters.
    cursor: usize,
    masked: bool,
    history: Vec<String>,
    /// Index into `history` while browsing it.
    browsing: Option<usize>,
}

impl fmt::Debug for Input {
    /// A masked line shows dots, for a state that is printed must not give a password away.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.masked { f.write_str("••••") } else { write!(f, "{:?}@{}", self.text, self.cursor) }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if self.masked {
            self.text.zeroize();
        }
    }
}

impl Input {
    /// A line that begins with `text`, the cursor behind it.
    pub fn new(text: impl Into<String>) -> Input {
        let text = text.into();
        Input { cursor: text.len(), text, masked: false, history: Vec::new(), browsing: None }
    }

    /// An empty line that shows dots for what is typed, and is wiped when dropped.
    pub fn masked() -> Input {
        // Room from the start: growing would leave pieces of the secret behind in freed memory.
        Input { text: String::with_capacity(4096), cursor: 0, masked: true, history: Vec::new(), browsing: None }
    }

    /// The same line with lines to go back to, oldest first.
    #[must_use]
    pub fn with_history(mut self, history: Vec<String>) -> Input {
        self.history = history;
        self
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Empties the line.
    pub fn clear(&mut self) {
        self.set("");
    }

    /// Replaces the line.
    pub fn set(&mut self, text: &str) {
        if self.masked {
            self.text.zeroize();
        }
        self.text.clear();
        self.text.push_str(text);
        self.cursor = self.text.len();
    }

    /// Inserts pasted text; its line ends become spaces, other control characters go.
    pub fn paste(&mut self, pasted: &str) {
        let trimmed = pasted.trim_matches(['\r', '\n']);
        for c in trimmed.chars() {
            match c {
                '\n' | '\t' => self.insert(' '),
                c if c.is_control() => {}
                c => self.insert(c),
            }
        }
    }

    /// Takes a key. False when the key is none of a line's.
    pub fn key(&mut self, key: &KeyEvent) -> bool {
        if key.kind == KeyEventKind::Release {
            return false;
        }
        let is = |names: &[&str]| names.iter().any(|name| matches(name, key));
        if is(&["Left", "C-b"]) {
            self.cursor = self.before();
        } else if is(&["Right", "C-f"]) {
            self.cursor = self.after();
        } else if is(&["Home", "C-a"]) {
            self.cursor = 0;
        } else if is(&["End", "C-e"]) {
            self.cursor = self.text.len();
        } else if is(&["C-Left", "M-b", "M-Left"]) {
            self.cursor = self.word_before();
        } else if is(&["C-Right", "M-f", "M-Right"]) {
            self.cursor = self.word_after();
        } else if is(&["Backspace", "C-h", "S-Backspace"]) {
            let from = self.before();
            self.delete(from, self.cursor);
        } else if is(&["Delete", "C-d"]) {
            let to = self.after();
            self.delete(self.cursor, to);
        } else if is(&["C-w", "M-Backspace", "C-Backspace"]) {
            let from = self.word_before();
            self.delete(from, self.cursor);
        } else if is(&["M-d", "C-Delete"]) {
            let to = self.word_after();
            self.delete(self.cursor, to);
        } else if is(&["C-u"]) {
            self.delete(0, self.cursor);
        } else if is(&["C-k"]) {
            self.delete(self.cursor, self.text.len());
        } else if is(&["Up", "C-p"]) && !self.history.is_empty() {
            self.browse(-1);
        } else if is(&["Down", "C-n"]) && self.browsing.is_some() {
            self.browse(1);
        } else if let KeyCode::Char(c) = key.code
            && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
        {
            self.insert(c);
        } else {
            return false;
        }
        true
    }

    /// What to draw in `columns`: the text that is in view and the column of the cursor within it.
    pub fn shown(&self, columns: usize) -> (String, usize) {
        let columns = columns.max(1);
        let (left, whole) = if self.masked {
            let dots = |text: &str| "•".repeat(text.graphemes(true).count());
            (dots(&self.text[..self.cursor]), dots(&self.text))
        } else {
            (visible(&self.text[..self.cursor]).into_owned(), visible(&self.text).into_owned())
        };
        let mut skipped = 0;
        let mut start = 0;
        // One column is kept for the cursor behind the last character.
        for cluster in left.graphemes(true) {
            if text::width(&left) - skipped < columns {
                break;
            }
            skipped += text::width(cluster);
            start += cluster.len();
        }
        let mut view = String::new();
        let mut taken = 0;
        for cluster in whole[start..].graphemes(true) {
            taken += text::width(cluster);
            if taken > columns {
                break;
            }
            view.push_str(cluster);
        }
        (view, text::width(&left) - skipped)
    }

    fn insert(&mut self, c: char) {
        self.text.insert(self.cursor, c);
        self.cursor += c.len_utf8();
        self.browsing = None;
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
        self.browsing = None;
    }

    fn browse(&mut self, by: isize) {
        let at = self.browsing.unwrap_or(self.history.len()).saturating_add_signed(by);
        let line = self.history.get(at).cloned();
        self.set(line.as_deref().unwrap_or_default());
        self.browsing = line.map(|_| at);
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |cluster| self.cursor + cluster.len())
    }

    fn word_before(&self) -> usize {
        let left = &self.text[..self.cursor];
        left.unicode_word_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn word_after(&self) -> usize {
        let right = &self.text[self.cursor..];
        right.unicode_word_indices().next().map_or(self.text.len(), |(at, word)| self.cursor + at + word.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(input: &mut Input, code: KeyCode, modifiers: KeyModifiers) -> bool {
        input.key(&KeyEvent::new(code, modifiers))
    }

    #[test]
    fn edits_by_clusters_and_words() {
        let mut input = Input::new("select naïve 👩‍👩‍👧");
        press(&mut input, KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(input.text(), "select naïve ");
        press(&mut input, KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert_eq!(input.text(), "select ");
        press(&mut input, KeyCode::Home, KeyModifiers::NONE);
        press(&mut input, KeyCode::Char('d'), KeyModifiers::ALT);
        assert_eq!(input.text(), " ");
        assert!(!press(&mut input, KeyCode::Enter, KeyModifiers::NONE), "Enter belongs to who owns the line");
    }

    #[test]
    fn paste_is_one_line_without_control_characters() {
        let mut input = Input::default();
        input.paste("a\tb\r\nc\x1b[31m\n");
        assert_eq!(input.text(), "a b c[31m");
    }

    #[test]
    fn a_masked_line_shows_and_prints_dots() {
        let mut input = Input::masked();
        input.paste("hünter2");
        assert_eq!(input.shown(20), ("•••••••".to_owned(), 7));
        assert!(!format!("{input:?}").contains("nter"));
        assert_eq!(input.text(), "hünter2");
    }

    #[test]
    fn the_cursor_stays_in_view() {
        let mut input = Input::new("0123456789");
        assert_eq!(input.shown(5), ("6789".to_owned(), 4));
        press(&mut input, KeyCode::Home, KeyModifiers::NONE);
        assert_eq!(input.shown(5), ("01234".to_owned(), 0));
    }

    #[test]
    fn history_goes_back_and_forth() {
        let mut input = Input::default().with_history(vec!["one".into(), "two".into()]);
        for (code, line) in [
            (KeyCode::Up, "two"),
            (KeyCode::Up, "one"),
            (KeyCode::Up, "one"),
            (KeyCode::Down, "two"),
            (KeyCode::Down, ""),
        ] {
            press(&mut input, code, KeyModifiers::NONE);
            assert_eq!(input.text(), line);
        }
    }
}
