//! Text to statements, as psql splits it. It must not know what statements do.
//!
//! One thing differs from psql on purpose: a backslash command outside parentheses and bodies ends the statement before
//! it, so that `select 1⏎\d t` is two things to run wherever the cursor stands. Inside parentheses and `BEGIN ATOMIC`
//! bodies it belongs to the statement (its tokens are [`TokenKind::Backslash`]), as `\if` in vendors' scripts needs.

use super::lexer::Lexer;
use super::state::LexState;
use super::token::TokenKind;

/// What ended a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// A semicolon.
    Semicolon,
    /// A backslash command, which is the next statement.
    Backslash,
    /// The text.
    Text,
}

/// Where a statement stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// Byte offset of its first token; comments directly before it are part of it (optimizer hints live there).
    pub start: usize,
    /// Byte offset after its last token that means something; without the semicolon.
    pub end: usize,
    /// Whether a semicolon or a backslash command ended it. A backslash command is always terminated.
    pub terminated: bool,
    /// Line of its first token that means something, counted from 1.
    pub line: usize,
    /// What ended it.
    pub ended: Ended,
    /// Whether it is a backslash command.
    pub backslash: bool,
    /// Bytes of the inline data that follow a `COPY … FROM STDIN;`, without the line `\.`.
    pub data: Option<(usize, usize)>,
}

impl Statement {
    /// Its text. `text` must be what it was found in.
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.end]
    }
}

/// All statements of `text`, in order. What is in none of them is white space, comments, semicolons, and the data that
/// [`Statement::data`] tells. Empty statements are left out.
pub fn statements(text: &str) -> Vec<Statement> {
    let mut found: Vec<Statement> = Vec::new();
    let mut lexer = Lexer::new(text, LexState::default());
    let mut open = Open::default();
    // Lines are counted once, as far as the last statement.
    let (mut line, mut counted) = (1, 0);
    while let Some(token) = lexer.next() {
        let mut line_at = |at: usize| {
            line += text.as_bytes()[counted..at].iter().filter(|byte| **byte == b'\n').count();
            counted = at;
            line
        };
        match token.kind {
            TokenKind::Space => {}
            TokenKind::Comment => open.start = open.start.or(Some(token.start)),
            TokenKind::CopyData => {
                if let Some(last) = found.iter_mut().rev().find(|statement| !statement.backslash) {
                    last.data = Some((token.start, data_end(token.of(text), token.start, token.terminated)));
                }
                open = Open::default();
            }
            TokenKind::Punctuation if lexer.ended => found.extend(open.take(Ended::Semicolon)),
            TokenKind::Backslash if lexer.ended => {
                found.extend(open.take(Ended::Backslash));
                let line = line_at(token.start);
                let end = token.start + token.of(text).trim_end().len();
                found.push(Statement {
                    start: token.start,
                    end,
                    terminated: true,
                    line,
                    ended: Ended::Text,
                    backslash: true,
                    data: None,
                });
            }
            // The separator `\\` of backslash commands means nothing by itself; comments before it are no statement's.
            TokenKind::Backslash if token.of(text) == "\\\\" => {
                if open.last.is_none() {
                    open = Open::default();
                }
            }
            _ => {
                if open.last.is_none() {
                    open.line = line_at(token.start);
                }
                open.start = open.start.or(Some(token.start));
                open.last = Some(token.end);
            }
        }
    }
    found.extend(open.take(Ended::Text));
    found
}

/// A statement that has begun.
#[derive(Default)]
struct Open {
    start: Option<usize>,
    /// End of its last token that means something; `None`: only comments so far.
    last: Option<usize>,
    line: usize,
}

impl Open {
    fn take(&mut self, ended: Ended) -> Option<Statement> {
        let Open { start, last, line } = std::mem::take(self);
        let terminated = ended != Ended::Text;
        Some(Statement { start: start?, end: last?, terminated, line, ended, backslash: false, data: None })
    }
}

/// Where the data of a token ends, without the line `\.`.
fn data_end(data: &str, start: usize, terminated: bool) -> usize {
    let without = if terminated { data.trim_end_matches('\r').strip_suffix("\\.").unwrap_or(data) } else { data };
    start + without.len()
}

/// The statement that a cursor at byte `at` means: the one it is in or directly behind (its semicolon and the rest of
/// that line too), else the next one, else the last.
pub fn statement_at(text: &str, at: usize) -> Option<Statement> {
    let all = statements(text);
    chosen(text, &all, at).map(|index| all[index])
}

/// As [`statement_at`], among statements already found: its index.
pub fn chosen(text: &str, all: &[Statement], at: usize) -> Option<usize> {
    let next = all.partition_point(|statement| statement.start <= at);
    if let Some((index, before)) = next.checked_sub(1).map(|index| (index, all[index])) {
        let behind = text.get(before.end..at).unwrap_or("");
        let in_data = before.data.is_some_and(|(start, end)| (start..=end).contains(&at));
        if in_data || !behind.contains('\n') || next == all.len() {
            return Some(index);
        }
        // A statement without its semicolon yet goes on over empty lines.
        if !before.terminated && !before.backslash {
            return Some(index);
        }
    }
    (next < all.len()).then_some(next)
}
