//! What a piece of SQL text is called. It must not know how pieces are found.

/// The kind of a [`Token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A word of PostgreSQL's list of key words (any category, see [`super::keyword`]), unless it follows a full stop.
    Keyword,
    /// Any other unquoted word.
    Identifier,
    /// `"…"`, `U&"…"`.
    QuotedIdentifier,
    /// `'…'`, `E'…'`, `U&'…'`, `B'…'`, `X'…'`, `N'…'`, `$tag$…$tag$`.
    String,
    /// `1`, `1.5e3`, `0xFF`, `1_000`.
    Number,
    /// `-- …` without the line's end; `/* … */`, nested.
    Comment,
    /// `+`, `<>`, `::`, `:=`, `=>`, `..` and every other operator.
    Operator,
    /// `( ) [ ] , ; . :`
    Punctuation,
    /// `$1`.
    Parameter,
    /// psql's `:name`, `:'name'`, `:"name"`, `:{?name}`.
    Variable,
    /// A psql command from its backslash to the end of its arguments (the line's end or the next backslash); also the
    /// separator `\\`.
    Backslash,
    /// Inline data after `COPY … FROM STDIN;`, lines with their ends, up to and with `\.`.
    CopyData,
    /// White space.
    Space,
    /// A character that no PostgreSQL token may hold.
    Other,
}

/// A piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Byte offset of its first byte.
    pub start: usize,
    /// Byte offset after its last byte.
    pub end: usize,
    /// False when text ended before its closing mark (in [`super::lex_line`]: when it goes on in the next line).
    pub terminated: bool,
}

impl Token {
    /// Its text. `text` must be what it was found in.
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.end]
    }

    /// Whether it means nothing to the server: white space and comments.
    pub fn is_blank(&self) -> bool {
        matches!(self.kind, TokenKind::Space | TokenKind::Comment)
    }

    /// Whether it is an unquoted word (a key word or an identifier).
    pub fn is_word(&self) -> bool {
        matches!(self.kind, TokenKind::Keyword | TokenKind::Identifier)
    }
}
