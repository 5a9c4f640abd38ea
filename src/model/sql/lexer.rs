//! Text to tokens. Every byte belongs to exactly one token, in order; no text is an error. It must not know statements
//! beyond what [`LexState`] remembers of them.

use super::keyword::keyword;
use super::state::{Joint, LexState, Mode};
use super::token::{Token, TokenKind};

/// The tokens of a whole text.
pub fn tokens(text: &str) -> impl Iterator<Item = Token> {
    Lexer::new(text, LexState::default())
}

/// The tokens of a text as the server reads it, which knows neither variables nor commands of psql.
pub fn tokens_of_server(text: &str) -> impl Iterator<Item = Token> {
    Lexer { psql: false, ..Lexer::new(text, LexState::default()) }
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

/// Walks over a text.
pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) state: LexState,
    /// Whether the token given last ended a statement (the token itself is not part of it).
    pub(super) ended: bool,
    /// Of the dollar quote that is open, where it was opened in this text.
    pub(super) tag: Option<&'a [u8]>,
    /// Whether psql's variables and commands are looked for.
    psql: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, state: LexState) -> Lexer<'a> {
        Lexer { text, bytes: text.as_bytes(), at: 0, state, ended: false, tag: None, psql: true }
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
    pub(super) fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    pub(super) fn skip_while(&mut self, belongs: impl Fn(u8) -> bool) {
        while self.at < self.bytes.len() && belongs(self.bytes[self.at]) {
            self.at += 1;
        }
    }

    fn plain(&mut self) -> (TokenKind, bool) {
        let byte = self.bytes[self.at];
        match byte {
            _ if is_space(byte) => return (TokenKind::Space, self.space()),
            b'-' if self.peek(1) == b'-' => {
                // A carriage return ends it for the server, too.
                self.skip_while(|byte| !matches!(byte, b'\n' | b'\r'));
                return (TokenKind::Comment, true);
            }
            b'/' if self.peek(1) == b'*' => {
                self.state.mode = Mode::Comment(0);
                self.state.joint = Joint::None;
                return (TokenKind::Comment, self.comment());
            }
            b'\\' if self.psql => return self.backslash(),
            b':' if let Some(end) = self.variable().filter(|_| self.psql) => {
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

    pub(super) fn take(&mut self, bytes: usize, kind: TokenKind) -> (TokenKind, bool) {
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
            if self.bytes[self.at - 1] == b'\r' && self.state.joint == Joint::Closed {
                self.state.joint = Joint::NewLine;
            }
            if self.bytes[self.at - 1] == b'\n' {
                self.end_line();
                if self.state.mode == Mode::Data {
                    break;
                }
            }
        }
        true
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
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

pub(super) fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

pub(super) fn is_word(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_operator(byte: u8) -> bool {
    b"+-*/<>=~!@#%^&|`?".contains(&byte)
}
