//! Text to tokens. Every byte belongs to exactly one token, in order; no text is an error. It must not know statements
//! beyond what [`LexState`] remembers of them.

use super::keyword::keyword;
use super::state::{Joint, LexState, Mode};
use super::token::{Token, TokenKind};
use std::hash::{DefaultHasher, Hasher};

/// The tokens of a whole text.
pub fn tokens(text: &str) -> impl Iterator<Item = Token> {
    Lexer::new(text, LexState::default())
}

/// The tokens of one line, which may end with its line feed or not, and the state for the line after it. A token that
/// goes on in the next line has `terminated: false`.
pub fn lex_line(state: LexState, line: &str) -> (Vec<Token>, LexState) {
    let mut lexer = Lexer::new(line, state);
    let found = lexer.by_ref().collect();
    if !line.ends_with('\n') {
        lexer.end_line();
    }
    (found, lexer.state)
}

/// psql's commands that send what was typed so far (psql's reference page).
const SENDING: [&str; 7] = ["g", "gx", "gset", "gexec", "gdesc", "crosstabview", "watch"];
/// psql's commands whose argument is the whole line, backslashes and all.
const WHOLE_LINE: [&str; 8] = ["!", "copy", "h", "help", "ef", "ev", "sf", "sv"];

/// Walks over a text.
pub(super) struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    state: LexState,
    /// Whether the token given last ended a statement (the token itself is not part of it).
    pub(super) ended: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, state: LexState) -> Lexer<'a> {
        Lexer { text, bytes: text.as_bytes(), at: 0, state, ended: false }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        if start == self.bytes.len() {
            return None;
        }
        self.ended = false;
        let (kind, terminated) = match self.state.mode {
            Mode::Sql => self.plain(),
            Mode::Comment(_) => (TokenKind::Comment, self.comment()),
            Mode::Quote | Mode::Escape => (TokenKind::String, self.quote(b'\'')),
            Mode::Identifier => (TokenKind::QuotedIdentifier, self.quote(b'"')),
            Mode::Dollar { .. } => (TokenKind::String, self.dollar()),
            Mode::Data => (TokenKind::CopyData, self.data()),
        };
        debug_assert!(self.at > start && self.text.is_char_boundary(self.at));
        if !matches!(kind, TokenKind::Space | TokenKind::Comment) {
            self.state.dotted = kind == TokenKind::Punctuation && &self.bytes[start..self.at] == b".";
            if kind != TokenKind::String {
                self.state.joint = Joint::None;
            }
        }
        Some(Token { kind, start, end: self.at, terminated })
    }
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_while(&mut self, belongs: impl Fn(u8) -> bool) {
        while self.at < self.bytes.len() && belongs(self.bytes[self.at]) {
            self.at += 1;
        }
    }

    fn plain(&mut self) -> (TokenKind, bool) {
        let byte = self.bytes[self.at];
        match byte {
            _ if is_space(byte) => return (TokenKind::Space, self.space()),
            b'-' if self.peek(1) == b'-' => {
                self.skip_while(|byte| byte != b'\n');
                return (TokenKind::Comment, true);
            }
            b'/' if self.peek(1) == b'*' => {
                self.state.mode = Mode::Comment(0);
                self.state.joint = Joint::None;
                return (TokenKind::Comment, self.comment());
            }
            b'\\' => return self.backslash(),
            b':' if let Some(end) = self.variable() => {
                self.at = end;
                return (TokenKind::Variable, true);
            }
            _ => {}
        }
        if is_word_start(byte) && !self.is_prefix() {
            return (self.word(), true);
        }
        self.state.no_word();
        match byte {
            b'\'' => self.string(0, Mode::Quote),
            b'"' => {
                self.at += 1;
                self.state.mode = Mode::Identifier;
                (TokenKind::QuotedIdentifier, self.quote(b'"'))
            }
            b'u' | b'U' if self.peek(2) == b'"' => {
                self.at += 3;
                self.state.mode = Mode::Identifier;
                (TokenKind::QuotedIdentifier, self.quote(b'"'))
            }
            b'u' | b'U' => self.string(2, Mode::Quote),
            b'e' | b'E' => self.string(1, Mode::Escape),
            _ if is_word_start(byte) => self.string(1, Mode::Quote),
            b'$' if self.peek(1).is_ascii_digit() => {
                self.at += 1;
                self.skip_while(|byte| byte.is_ascii_digit());
                (TokenKind::Parameter, true)
            }
            b'$' => self.open_dollar(),
            b'0'..=b'9' => (self.number(), true),
            b'.' if self.peek(1).is_ascii_digit() => (self.number(), true),
            b'.' if self.peek(1) == b'.' => self.take(2, TokenKind::Operator),
            b':' if matches!(self.peek(1), b':' | b'=') => self.take(2, TokenKind::Operator),
            b'(' => {
                self.state.open();
                self.take(1, TokenKind::Punctuation)
            }
            b')' => {
                self.state.close();
                self.take(1, TokenKind::Punctuation)
            }
            b';' => {
                if !self.state.is_nested() {
                    self.state.send();
                    self.ended = true;
                }
                self.take(1, TokenKind::Punctuation)
            }
            b'[' | b']' | b',' | b'.' | b':' => self.take(1, TokenKind::Punctuation),
            _ if is_operator(byte) => (self.operator(), true),
            _ => self.take(1, TokenKind::Other),
        }
    }

    fn take(&mut self, bytes: usize, kind: TokenKind) -> (TokenKind, bool) {
        self.at += bytes;
        (kind, true)
    }

    /// A line's end, met or (in an editor) understood.
    fn end_line(&mut self) {
        if self.state.mode != Mode::Sql {
            return;
        }
        if self.state.joint == Joint::Closed {
            self.state.joint = Joint::NewLine;
        }
        if std::mem::take(&mut self.state.data_next) {
            self.state.mode = Mode::Data;
        }
    }

    fn space(&mut self) -> bool {
        while self.at < self.bytes.len() && is_space(self.bytes[self.at]) {
            self.at += 1;
            if self.bytes[self.at - 1] == b'\n' {
                self.end_line();
                if self.state.mode == Mode::Data {
                    break;
                }
            }
        }
        true
    }

    /// Within a comment, or at its beginning with depth 0.
    fn comment(&mut self) -> bool {
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
    fn is_prefix(&self) -> bool {
        match self.bytes[self.at] {
            b'e' | b'E' | b'b' | b'B' | b'x' | b'X' | b'n' | b'N' => self.peek(1) == b'\'',
            b'u' | b'U' => self.peek(1) == b'&' && matches!(self.peek(2), b'\'' | b'"'),
            _ => false,
        }
    }

    /// A string whose quote stands after so many bytes.
    fn string(&mut self, prefix: usize, mode: Mode) -> (TokenKind, bool) {
        self.at += prefix + 1;
        self.state.mode = if prefix == 0 && self.state.joint == Joint::NewLine { Mode::Escape } else { mode };
        (TokenKind::String, self.quote(b'\''))
    }

    /// Within quotes.
    fn quote(&mut self, mark: u8) -> bool {
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
    fn open_dollar(&mut self) -> (TokenKind, bool) {
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
        self.at = end + 1;
        (TokenKind::String, self.dollar())
    }

    /// Within dollar quotes.
    fn dollar(&mut self) -> bool {
        let Mode::Dollar { len, hash: wanted } = self.state.mode else { return true };
        let len = len as usize;
        while self.at < self.bytes.len() {
            self.skip_while(|byte| byte != b'$');
            let Some(rest) = self.bytes.get(self.at + 1..) else { return false };
            if rest.get(len) == Some(&b'$') && hash(&rest[..len]) == wanted {
                self.at += len + 2;
                self.state.mode = Mode::Sql;
                return true;
            }
            self.at += 1;
        }
        false
    }

    fn number(&mut self) -> TokenKind {
        let digits = |byte: u8| byte.is_ascii_digit() || byte == b'_';
        if self.bytes[self.at] == b'0' && matches!(self.peek(1), b'x' | b'X' | b'o' | b'O' | b'b' | b'B') {
            self.at += 2;
            self.skip_while(|byte| byte.is_ascii_hexdigit() || byte == b'_');
            return TokenKind::Number;
        }
        self.skip_while(digits);
        if self.peek(0) == b'.' && self.peek(1) != b'.' {
            self.at += 1;
            self.skip_while(digits);
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.skip_while(digits);
            }
        }
        TokenKind::Number
    }

    fn word(&mut self) -> TokenKind {
        let start = self.at;
        self.skip_while(is_word);
        let word = &self.text[start..self.at];
        if self.state.dotted {
            self.state.no_word();
            return TokenKind::Identifier;
        }
        self.state.word(word);
        if keyword(word).is_some() { TokenKind::Keyword } else { TokenKind::Identifier }
    }

    /// The longest operator, cut where a comment begins; one of several characters does not end in `+` or `-` unless it
    /// holds one of ``~ ! @ # % ^ & | ` ?`` (PostgreSQL, 4.1.3).
    fn operator(&mut self) -> TokenKind {
        let start = self.at;
        while self.at < self.bytes.len() && is_operator(self.bytes[self.at]) {
            if self.at > start && matches!((self.bytes[self.at], self.peek(1)), (b'-', b'-') | (b'/', b'*')) {
                break;
            }
            self.at += 1;
        }
        if !self.bytes[start..self.at].iter().any(|byte| b"~!@#%^&|`?".contains(byte)) {
            while self.at > start + 1 && matches!(self.bytes[self.at - 1], b'+' | b'-') {
                self.at -= 1;
            }
        }
        TokenKind::Operator
    }

    /// Where a psql variable that begins here ends.
    fn variable(&self) -> Option<usize> {
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
    fn backslash(&mut self) -> (TokenKind, bool) {
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

    fn arguments(&mut self) -> (TokenKind, bool) {
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

    /// Within inline data: lines until one that is `\.` alone.
    fn data(&mut self) -> bool {
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

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_word(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_operator(byte: u8) -> bool {
    b"+-*/<>=~!@#%^&|`?".contains(&byte)
}

fn hash(tag: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(tag);
    hasher.finish()
}
