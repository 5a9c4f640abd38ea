//! What psql adds to SQL: variables and backslash commands. It must not know what the commands do.

use super::lexer::{Lexer, is_space, is_word};
use super::token::TokenKind;

/// psql's commands that send what was typed so far (psql's reference page).
pub(super) const SENDING: [&str; 7] = ["g", "gx", "gset", "gexec", "gdesc", "crosstabview", "watch"];
/// psql's commands whose argument is the whole line, backslashes and all.
const WHOLE_LINE: [&str; 8] = ["!", "copy", "h", "help", "ef", "ev", "sf", "sv"];

impl Lexer<'_> {
    /// Where a psql variable that begins here ends.
    pub(super) fn variable(&self) -> Option<usize> {
        let (open, close): (&[u8], &[u8]) = match (self.peek(1), self.peek(2)) {
            (b'\'', _) => (b":'", b"'"),
            (b'"', _) => (b":\"", b"\""),
            (b'{', b'?') => (b":{?", b"}"),
            _ => (b":", b""),
        };
        let name = self.at + open.len();
        let mut end = name;
        while self.bytes.get(end).is_some_and(|byte| is_word(*byte) && *byte != b'$') {
            end += 1;
        }
        (end > name && self.bytes[end..].starts_with(close)).then_some(end + close.len())
    }

    /// A psql command. Anywhere but in quotes and comments, as psql has it.
    pub(super) fn backslash(&mut self) -> (TokenKind, bool) {
        match self.peek(1) {
            b'\\' => return self.take(2, TokenKind::Backslash),
            // They put the character into the statement without its meaning to psql.
            b';' | b':' => return self.take(2, TokenKind::Punctuation),
            _ => {}
        }
        let name = self.at + 1;
        self.at = name;
        self.skip_while(|byte| !is_space(byte) && byte != b'\\');
        let name = &self.text[name..self.at];
        if SENDING.contains(&name) {
            self.state.send();
            self.ended = true;
        } else if !self.state.is_nested() {
            self.state.forget();
            self.ended = true;
        }
        if WHOLE_LINE.contains(&name) {
            self.skip_while(|byte| byte != b'\n');
            return (TokenKind::Backslash, true);
        }
        self.arguments()
    }

    pub(super) fn arguments(&mut self) -> (TokenKind, bool) {
        let mut quote = None;
        let mut word_starts = true;
        while self.at < self.bytes.len() {
            let byte = self.bytes[self.at];
            match (quote, byte) {
                (_, b'\n') => break,
                (None, b'\\') => break,
                (None, b'\'' | b'"' | b'`') => quote = Some(byte),
                // A command line of the shell: to the end.
                (None, b'|') if word_starts => {
                    self.skip_while(|byte| byte != b'\n');
                    return (TokenKind::Backslash, true);
                }
                (Some(b'\''), b'\\') if !matches!(self.peek(1), 0 | b'\n') => self.at += 1,
                (Some(mark), byte) if mark == byte => quote = None,
                _ => {}
            }
            word_starts = is_space(byte);
            self.at += 1;
        }
        (TokenKind::Backslash, quote.is_none())
    }
}
