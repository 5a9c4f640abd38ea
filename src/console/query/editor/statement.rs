//! The statement at the cursor, found as psql would split the text, without looking at more of a large text than the
//! statements around the cursor: the lexer's states at line starts tell where a statement may begin. It must not know
//! what is done with it.

use super::Editor;
use crate::model::sql::{Statement, chosen, statements};
use std::ops::{Range, RangeInclusive};

/// Lines and bytes that are looked at for marking a statement, which is done with every key.
const MARKED: (usize, usize) = (600, 64 << 10);

/// A statement where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Here {
    /// Its text, as [`Statement::of`] gives it.
    pub text: String,
    /// Where that is in the whole text, in bytes.
    pub bytes: Range<usize>,
    /// What the splitter says of it; its offsets are of another text, use `bytes`.
    pub statement: Statement,
    /// Whether any statement follows it.
    pub last: bool,
}

/// The lines around the cursor that decide which statement is meant.
struct Around {
    first: usize,
    /// One past the last.
    end: usize,
    text: String,
    found: Vec<Statement>,
    chosen: Option<usize>,
}

impl Editor {
    /// The statement that the cursor means: the one it is in or directly behind, else the next one, else the last
    /// ([`crate::model::sql::statement_at`] of the whole text).
    pub fn statement(&mut self) -> Option<Here> {
        self.colours.reach(self.buffer.lines(), self.cursor.line + 1);
        let around = self.around((usize::MAX, usize::MAX))?;
        let statement = around.found[around.chosen?];
        let before = self.buffer.offset(super::Place { line: around.first, byte: 0 });
        let whole = around.end == self.buffer.lines().len();
        Some(Here {
            text: statement.of(&around.text).to_owned(),
            bytes: before + statement.start..before + statement.end,
            statement,
            last: whole && around.chosen == around.found.len().checked_sub(1),
        })
    }

    /// The lines of that statement, when the text has others too and it is not too far to look.
    pub(super) fn find_marked(&self) -> Option<RangeInclusive<usize>> {
        let around = self.around(MARKED)?;
        let alone = around.found.len() < 2 && around.first == 0 && around.end == self.buffer.lines().len();
        let statement = around.found[around.chosen.filter(|_| !alone)?];
        let line = |byte: usize| around.first + around.text[..byte].matches('\n').count();
        Some(line(statement.start)..=line(statement.end))
    }

    /// `None` when more lines or bytes would have to be looked at, or when states are not known yet.
    fn around(&self, most: (usize, usize)) -> Option<Around> {
        let lines = self.buffer.lines();
        let mut from = self.cursor.line;
        let mut ahead = 16_usize;
        loop {
            let first = self.beginning(from, most.0)?;
            let end = self.cursor.line.saturating_add(ahead).min(lines.len());
            if end - first > most.0 {
                return None;
            }
            let mut bytes = 0_usize;
            for line in &lines[first..end] {
                bytes += line.len() + 1;
                if bytes > most.1 {
                    return None;
                }
            }
            let text = lines[first..end].join("\n");
            let at = lines[first..self.cursor.line].iter().map(|line| line.len() + 1).sum::<usize>() + self.cursor.byte;
            let found = statements(&text);
            let chosen = chosen(&text, &found, at);
            if first > 0 && found.first().is_none_or(|statement| statement.start > at) {
                // None begins before the cursor: the one before decides.
                from = first - 1;
                continue;
            }
            // Where one follows, more text cannot change anything.
            if end == lines.len() || chosen.is_some_and(|chosen| chosen + 1 < found.len()) {
                return Some(Around { first, end, text, found, chosen });
            }
            ahead = ahead.saturating_mul(4);
        }
    }

    /// The line from which the text can be split by itself, so that a statement at or before line `from` is found whole,
    /// with the comments before it.
    fn beginning(&self, from: usize, most: usize) -> Option<usize> {
        let between = |line: usize| self.colours.start(line).map(|state| state.is_between_statements());
        let mut line = from;
        loop {
            while line > 0 && !(between(line)? && self.says(line)) {
                line -= 1;
                if from - line > most {
                    return None;
                }
            }
            while line > 0 && between(line - 1)? && !self.says(line - 1) {
                line -= 1;
            }
            // A comment behind the statement before belongs to this one.
            if line > 0 && self.ends_in_comment(line - 1) {
                line -= 1;
                continue;
            }
            return Some(line);
        }
    }

    /// Whether a line holds anything but white space and comments.
    fn says(&self, line: usize) -> bool {
        self.colours.all_tokens(self.buffer.lines(), line).iter().any(|token| !token.is_blank())
    }

    fn ends_in_comment(&self, line: usize) -> bool {
        use crate::model::sql::TokenKind::{Comment, Space};
        let tokens = self.colours.all_tokens(self.buffer.lines(), line);
        tokens.iter().rev().find(|token| token.kind != Space).is_some_and(|token| token.kind == Comment)
    }
}
