//! What may go on over lines: quotes, dollar quotes, comments, inline data. It must not know what comes between.

use super::lexer::{Lexer, is_word, is_word_start};
use super::state::{Joint, Mode};
use super::token::TokenKind;
use std::hash::{DefaultHasher, Hasher};

impl<'a> Lexer<'a> {
    /// Within a comment, or at its beginning with depth 0.
    pub(super) fn comment(&mut self) -> bool {
        let Mode::Comment(mut depth) = self.state.mode else { return true };
        while self.at < self.bytes.len() {
            match (self.bytes[self.at], self.peek(1)) {
                (b'/', b'*') => {
                    self.at += 2;
                    depth = depth.saturating_add(1);
                }
                (b'*', b'/') => {
                    self.at += 2;
                    depth -= 1;
                    if depth == 0 {
                        self.state.mode = Mode::Sql;
                        return true;
                    }
                }
                _ => self.at += 1,
            }
        }
        self.state.mode = Mode::Comment(depth);
        false
    }

    /// Whether the word here is the prefix of a literal: `E'`, `B'`, `X'`, `N'`, `U&'`, `U&"`.
    pub(super) fn is_prefix(&self) -> bool {
        match self.bytes[self.at] {
            b'e' | b'E' | b'b' | b'B' | b'x' | b'X' | b'n' | b'N' => self.peek(1) == b'\'',
            b'u' | b'U' => self.peek(1) == b'&' && matches!(self.peek(2), b'\'' | b'"'),
            _ => false,
        }
    }

    /// A string whose quote stands after so many bytes.
    pub(super) fn string(&mut self, prefix: usize, mode: Mode) -> (TokenKind, bool) {
        self.at += prefix + 1;
        self.state.mode = if prefix == 0 && self.state.joint == Joint::NewLine { Mode::Escape } else { mode };
        (TokenKind::String, self.quote(b'\''))
    }

    /// Within quotes.
    pub(super) fn quote(&mut self, mark: u8) -> bool {
        let escapes = self.state.mode == Mode::Escape;
        while self.at < self.bytes.len() {
            let byte = self.bytes[self.at];
            self.at += 1;
            if byte == mark {
                if self.peek(0) == mark && self.at < self.bytes.len() {
                    self.at += 1;
                    continue;
                }
                self.state.mode = Mode::Sql;
                self.state.joint = if escapes { Joint::Closed } else { Joint::None };
                return true;
            }
            if escapes && byte == b'\\' && self.at < self.bytes.len() {
                self.at += 1;
                self.skip_while(|byte| byte & 0xc0 == 0x80);
            }
        }
        false
    }

    /// `$tag$` or a lone dollar sign.
    pub(super) fn open_dollar(&mut self) -> (TokenKind, bool) {
        let mut end = self.at + 1;
        if self.bytes.get(end).is_some_and(|byte| is_word_start(*byte)) {
            while self.bytes.get(end).is_some_and(|byte| is_word(*byte) && *byte != b'$') {
                end += 1;
            }
        }
        if self.bytes.get(end) != Some(&b'$') {
            return self.take(1, TokenKind::Other);
        }
        let tag = &self.bytes[self.at + 1..end];
        self.state.mode = Mode::Dollar { len: tag.len() as u32, hash: hash(tag) };
        self.tag = Some(tag);
        self.at = end + 1;
        (TokenKind::String, self.dollar())
    }

    /// Within dollar quotes.
    pub(super) fn dollar(&mut self) -> bool {
        let Mode::Dollar { len, hash: wanted } = self.state.mode else { return true };
        let len = len as usize;
        while self.at < self.bytes.len() {
            self.skip_while(|byte| byte != b'$');
            let Some(rest) = self.bytes.get(self.at + 1..) else { return false };
            // Where the tag is at hand it is compared itself: hashes of texts made for it may meet.
            let is_it = |found: &[u8]| self.tag.map_or_else(|| hash(found) == wanted, |tag| found == tag);
            if rest.get(len) == Some(&b'$') && is_it(&rest[..len]) {
                self.at += len + 2;
                self.state.mode = Mode::Sql;
                return true;
            }
            self.at += 1;
        }
        false
    }

    /// Within inline data: lines until one that is `\.` alone.
    pub(super) fn data(&mut self) -> bool {
        while self.at < self.bytes.len() {
            let start = self.at;
            self.skip_while(|byte| byte != b'\n');
            if self.text[start..self.at].trim_end_matches('\r') == "\\." {
                self.state.mode = Mode::Sql;
                return true;
            }
            self.at = (self.at + 1).min(self.bytes.len());
        }
        false
    }
}

fn hash(tag: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(tag);
    hasher.finish()
}
