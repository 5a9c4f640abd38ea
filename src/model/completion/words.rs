//! The words around a cursor: tokens that mean something, with what has been typed at the cursor set aside. It must not
//! know what statements mean.

use crate::model::sql::{Reserved, Token, TokenKind, keyword, tokens};

/// A token that means something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub text: &'a str,
    pub kind: TokenKind,
    /// An empty line stands before it.
    pub apart: bool,
}

impl Word<'_> {
    /// Whether it is that word of the language.
    pub fn is(&self, word: &str) -> bool {
        matches!(self.kind, TokenKind::Keyword | TokenKind::Identifier) && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is one of these words of the language.
    pub fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// Whether it is that mark.
    pub fn mark(&self, mark: &str) -> bool {
        matches!(self.kind, TokenKind::Punctuation | TokenKind::Operator) && self.text == mark
    }

    /// The name it is, as the server understands it; `None` where it can be none.
    pub fn name(&self) -> Option<String> {
        match self.kind {
            TokenKind::Identifier => Some(fold(self.text)),
            TokenKind::QuotedIdentifier => Some(unquoted(self.text)),
            TokenKind::Keyword if keyword(self.text) != Some(Reserved::Yes) => Some(fold(self.text)),
            _ => None,
        }
    }

    /// Whether a value, or a name that stands for one, can end with it.
    pub fn ends_value(&self) -> bool {
        match self.kind {
            TokenKind::Identifier
            | TokenKind::QuotedIdentifier
            | TokenKind::String
            | TokenKind::Number
            | TokenKind::Parameter
            | TokenKind::Variable => true,
            TokenKind::Punctuation => matches!(self.text, ")" | "]"),
            TokenKind::Keyword => match keyword(self.text) {
                Some(Reserved::No) => !self.is_any(&["by", "set", "begin", "escape", "zone"]),
                Some(Reserved::ColumnName) => !self.is_any(&["between", "values", "row", "exists", "setof"]),
                _ => self.is_any(&[
                    "null",
                    "true",
                    "false",
                    "end",
                    "user",
                    "default",
                    "current_date",
                    "current_time",
                    "current_timestamp",
                    "current_user",
                    "current_role",
                    "current_catalog",
                    "current_schema",
                    "localtime",
                    "localtimestamp",
                    "session_user",
                    "system_user",
                    "isnull",
                    "notnull",
                    "asc",
                    "desc",
                ]),
            },
            _ => false,
        }
    }
}

/// An unquoted name, folded as the server does.
pub(super) fn fold(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// A quoted name without its marks; the closing one may be missing.
pub(super) fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('"').unwrap_or(text);
    inner.strip_suffix('"').unwrap_or(inner).replace("\"\"", "\"")
}

/// The words of a piece of text; strings, comments and names may go on beyond it.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut apart = false;
    let mut found = Vec::new();
    for token in tokens(text) {
        if token.kind == TokenKind::Space {
            apart |= token.of(text).bytes().filter(|byte| *byte == b'\n').count() > 1;
        } else if token.kind != TokenKind::Comment {
            found.push(Word { text: token.of(text), kind: token.kind, apart });
            apart = false;
        }
    }
    found
}

/// What stands at the cursor.
pub(super) enum Here {
    /// Nothing that can be completed: a comment, a number, data.
    Nothing,
    /// A backslash word that begins there.
    Backslash(usize),
    /// A string that begins there; what comes after it begins at the second place.
    String(usize, usize),
    /// A name that begins at `start` (the cursor, when nothing is typed yet), after the parts of `chain`, which begins
    /// at `from`; what comes after it begins at `after`.
    Name { start: usize, from: usize, chain: Vec<String>, after: usize },
}

/// Looks at the cursor, which is a byte offset of `text`, one statement.
pub(super) fn here(text: &str, cursor: usize) -> Here {
    let all: Vec<Token> = tokens(&text[..cursor]).collect();
    let behind = |start: usize| {
        // The rest of a name that the cursor stands in.
        let rest = &text[cursor..];
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        if start == cursor { cursor } else { cursor + word }
    };
    let Some(last) = all.last() else {
        return Here::Name { start: cursor, from: cursor, chain: Vec::new(), after: cursor };
    };
    let (start, after) = match last.kind {
        TokenKind::Comment if !last.terminated || last.of(text).starts_with("--") => return Here::Nothing,
        TokenKind::Backslash => return Here::Backslash(last.start),
        TokenKind::CopyData | TokenKind::Number | TokenKind::Parameter | TokenKind::Variable => return Here::Nothing,
        TokenKind::String if last.terminated => return Here::Nothing,
        TokenKind::String => {
            // With the text behind the cursor the string ends where it ends, if that is near.
            let whole = tokens(text).find(|token| token.start == last.start);
            let end = whole
                .filter(|token| token.terminated && !text[cursor..token.end].contains('\n'))
                .map_or(cursor, |token| token.end);
            return Here::String(last.start, end);
        }
        TokenKind::QuotedIdentifier if last.terminated => return Here::Nothing,
        TokenKind::QuotedIdentifier => {
            let whole = tokens(text).find(|token| token.start == last.start);
            let end = whole
                .filter(|token| token.terminated && !text[cursor..token.end].contains(['\n', ' ']))
                .map_or(cursor, |token| token.end);
            (last.start, end)
        }
        TokenKind::Keyword | TokenKind::Identifier => (last.start, behind(last.start)),
        _ => (cursor, cursor),
    };
    let mut left = all.iter().rev().filter(|token| token.end <= start && !token.is_blank()).peekable();
    let (mut chain, mut from) = (Vec::new(), start);
    // Only what touches: `a . b` is not written by people, and `a.⏎from` must not become one.
    while let Some(dot) = left.next_if(|token| token.of(text) == "." && token.end == from) {
        let Some(part) = left
            .next_if(|token| token.end == dot.start && (token.is_word() || token.kind == TokenKind::QuotedIdentifier))
        else {
            return Here::Nothing;
        };
        chain.insert(0, if part.is_word() { fold(part.of(text)) } else { unquoted(part.of(text)) });
        from = part.start;
    }
    Here::Name { start, from, chain, after }
}

/// Words after the cursor, as far as they belong to the same statement: an empty line and a word that begins statements
/// end it, for people write the next query above the one before.
pub(super) fn behind(text: &str) -> Vec<Word<'_>> {
    let mut depth = 0usize;
    let mut found: Vec<Word<'_>> = Vec::new();
    for word in words(text) {
        let begins =
            word.apart && depth == 0 && word.is_any(&["select", "with", "insert", "update", "delete", "create"]);
        let joined =
            found.last().is_some_and(|last| last.is_any(&["union", "except", "intersect", "all", "as", "explain"]));
        if (begins && !joined) || (word.mark(";") && depth == 0) || word.kind == TokenKind::Backslash {
            break;
        }
        match word.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        found.push(word);
    }
    found
}
