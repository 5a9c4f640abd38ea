//! vi's registers: what was deleted, changed or yanked, under a letter where one is named. It must not know the clipboard,
//! which can be written to and not read.

use std::collections::BTreeMap;

/// The named registers; the unnamed one is the editor's own.
#[derive(Clone, Debug, Default)]
pub(super) struct Registers {
    texts: BTreeMap<char, String>,
    /// The one that the next command means.
    named: Option<char>,
}

impl Registers {
    /// The next command means that one; whether there is one of that name.
    pub fn name(&mut self, c: char) -> bool {
        let known = c.is_ascii_alphabetic() || matches!(c, '"' | '0' | '_' | '+' | '*');
        self.named = known.then_some(c);
        known
    }

    /// Whether one is meant.
    pub fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// None is meant any more.
    pub fn forget(&mut self) {
        self.named = None;
    }

    /// Keeps what an operator took, in the register that is meant and in the unnamed one; what the clipboard is to have.
    pub fn keep(&mut self, unnamed: &mut String, text: String, yanked: bool) -> Option<String> {
        let named = self.named.take();
        match named {
            // The black hole.
            Some('_') => return None,
            Some(letter @ 'A'..='Z') => self.texts.entry(letter.to_ascii_lowercase()).or_default().push_str(&text),
            Some(letter @ 'a'..='z') => drop(self.texts.insert(letter, text.clone())),
            _ if yanked => drop(self.texts.insert('0', text.clone())),
            _ => {}
        }
        unnamed.clone_from(&text);
        (yanked || matches!(named, Some('+' | '*'))).then_some(text)
    }

    /// What is to be put: of the register that is meant.
    pub fn take(&mut self, unnamed: &str) -> String {
        match self.named.take() {
            Some(letter) if letter == '0' || letter.is_ascii_alphabetic() => {
                self.texts.get(&letter.to_ascii_lowercase()).cloned().unwrap_or_default()
            }
            Some('_') => String::new(),
            // The clipboard cannot be read over a terminal; what was yanked last is in it.
            _ => unnamed.to_owned(),
        }
    }
}
