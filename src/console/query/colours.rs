//! Tokens of the lines of a text, found again only where a change can matter: the lexer's state at the start of each line
//! is kept, and lexing after a change goes on until a line starts in the state it started in before. So a key costs a line
//! or two even in a paste of megabytes. It must not know what colours tokens get.

use crate::model::sql::{LexState, Token, lex_line};

/// Lines longer than this (bytes) are shown plain: nobody reads them, and they would be lexed with every frame.
const LONGEST: usize = 64 << 10;

/// The lexer's state at the start of lines.
#[derive(Clone, Debug)]
pub struct Colours {
    starts: Vec<LexState>,
    /// `starts[..=known]` are right.
    known: usize,
    /// From here on, `starts` fit together among themselves: they are right once one of them is.
    joined: usize,
    lexed: usize,
}

impl Default for Colours {
    fn default() -> Colours {
        Colours { starts: vec![LexState::default()], known: 0, joined: 0, lexed: 0 }
    }
}

impl Colours {
    /// Lines `line..=line + removed` became lines `line..=line + inserted`.
    pub fn changed(&mut self, line: usize, removed: usize, inserted: usize) {
        let next = line + 1;
        if next < self.starts.len() {
            let end = (next + removed).min(self.starts.len());
            self.starts.splice(next..end, std::iter::repeat_n(LexState::default(), inserted));
            let shifted = if self.joined > end { self.joined - (end - next) + inserted } else { 0 };
            self.joined = shifted.max(next + inserted);
        }
        self.known = self.known.min(line);
    }

    /// Makes the states known for the lines up to `end`.
    pub fn reach(&mut self, lines: &[String], end: usize) {
        self.advance(lines, end, usize::MAX);
    }

    /// As [`Colours::reach`], but stops after so many bytes; whether it got there.
    pub fn advance(&mut self, lines: &[String], end: usize, mut bytes: usize) -> bool {
        self.starts.truncate(lines.len());
        let end = end.min(lines.len());
        while self.known + 1 < end {
            let line = &lines[self.known];
            if bytes == 0 {
                return false;
            }
            bytes = bytes.saturating_sub(line.len() + 1);
            let (_, next) = lex_line(self.starts[self.known], line);
            self.lexed += 1;
            self.known += 1;
            match self.starts.get(self.known) {
                None => self.starts.push(next),
                Some(start) if *start == next => {
                    if self.known >= self.joined {
                        self.known = self.starts.len() - 1;
                    }
                }
                Some(_) => {
                    self.starts[self.known] = next;
                    self.joined = self.joined.max(self.known + 1);
                }
            }
        }
        true
    }

    /// The lexer's state at the start of a line, where it is known.
    pub fn start(&self, line: usize) -> Option<LexState> {
        (line <= self.known).then(|| self.starts.get(line).copied()).flatten()
    }

    /// Lines that were lexed for their states so far, over and over: for who wants to see that it is few.
    pub fn lexed(&self) -> usize {
        self.lexed
    }

    /// The tokens of a line for showing; none when its start is not known or it is too long.
    pub fn tokens(&self, lines: &[String], line: usize) -> Vec<Token> {
        match lines.get(line) {
            Some(text) if text.len() <= LONGEST => self.all_tokens(lines, line),
            _ => Vec::new(),
        }
    }

    /// The tokens of a line however long; none when its start is not known.
    pub fn all_tokens(&self, lines: &[String], line: usize) -> Vec<Token> {
        match (lines.get(line), self.start(line)) {
            (Some(text), Some(start)) => lex_line(start, text).0,
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fresh(lines: &[String], count: usize) -> Vec<Vec<Token>> {
        let mut state = LexState::default();
        let all = lines.iter().map(|line| {
            let (tokens, next) = lex_line(state, line);
            state = next;
            tokens
        });
        all.take(count).collect()
    }

    proptest! {
        #[test]
        fn kept_states_colour_as_lexing_everything_does(
            steps in proptest::collection::vec((0usize..12, 0usize..4, proptest::collection::vec("[a'$/* -;]{0,5}", 1..4), 0usize..14), 1..40)
        ) {
            let mut lines = vec![String::new()];
            let mut colours = Colours::default();
            for (line, removed, new, look) in steps {
                let line = line.min(lines.len() - 1);
                let removed = removed.min(lines.len() - 1 - line);
                let inserted = new.len() - 1;
                lines.splice(line..=line + removed, new);
                colours.changed(line, removed, inserted);
                colours.reach(&lines, look);
                let expected = fresh(&lines, look);
                for (at, expected) in expected.iter().enumerate() {
                    prop_assert_eq!(&colours.tokens(&lines, at), expected);
                }
            }
        }
    }
}
