//! A psql script, line by line: variables put in their places, statements told where they end, backslash commands handed
//! out with their raw arguments. It holds one statement at a time, whatever the script's size. It must not know what
//! commands do, nor where lines come from.
//!
//! Behaviour after psql's reference page ("SQL Interpolation", "Meta-Commands") and as seen of psql 15: a variable's value
//! is read again as if it stood in the script, a command that sends nothing leaves the statement around it as it is.

use super::lexer::Lexer;
use super::psql::SENDING;
use super::state::LexState;
use super::token::TokenKind;
use super::variables::Variables;

/// A statement as it is sent, variables in their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What the server is sent.
    pub sql: String,
    /// Byte offset into `sql`, and the line of the script that begins or goes on there; ascending.
    lines: Vec<(usize, usize)>,
    /// Whether a variable was put into it: it is not the text that stands in the script.
    pub woven: bool,
}

impl Query {
    /// A query that stands in no script.
    pub fn new(sql: impl Into<String>) -> Query {
        Query { sql: sql.into(), ..Query::default() }
    }

    /// That stands on a line.
    pub fn on(mut self, line: usize) -> Query {
        self.lines = vec![(0, line)];
        self
    }

    /// The script's line that byte `at` came from, counted from 1.
    pub fn line_at(&self, at: usize) -> Option<usize> {
        let after = self.lines.partition_point(|(offset, _)| *offset <= at);
        after.checked_sub(1).map(|index| self.lines[index].1).or_else(|| self.lines.first().map(|(_, line)| *line))
    }

    /// Line of its first byte.
    pub fn line(&self) -> Option<usize> {
        self.lines.first().map(|(_, line)| *line)
    }
}

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A semicolon ended a statement: [`Scanner::take`] gives it.
    Semicolon,
    /// A backslash command.
    Command {
        /// Its name, without the backslash.
        name: String,
        /// All behind its name, raw.
        arguments: String,
        /// Line it stands on.
        line: usize,
    },
}

/// How the scanner stood, for going back to it.
#[derive(Clone, Debug)]
pub struct Mark {
    state: LexState,
    length: usize,
    lines: usize,
    means: bool,
}

/// Reads a script.
#[derive(Debug, Default)]
pub struct Scanner {
    state: LexState,
    query: Query,
    /// Whether the query holds anything but blanks.
    means: bool,
    /// The line, and the values of variables that are read within it.
    inputs: Vec<Input>,
    line: usize,
    skipping: bool,
}

#[derive(Debug)]
struct Input {
    text: String,
    at: usize,
    /// The variable whose value it is: it is not put into itself.
    variable: Option<String>,
}

impl Scanner {
    /// Gives the next line, with its end, and its number. The line before must be read to its end.
    pub fn feed(&mut self, text: String, number: usize) {
        self.line = number;
        self.inputs.push(Input { text, at: 0, variable: None });
    }

    /// In a branch that is not taken, nothing is kept and no variable is looked at.
    pub fn skip(&mut self, skipping: bool) {
        self.skipping = skipping;
    }

    /// The number of the line given last.
    pub fn line(&self) -> usize {
        self.line
    }

    /// How it stands now.
    pub fn mark(&self) -> Mark {
        Mark { state: self.state, length: self.query.sql.len(), lines: self.query.lines.len(), means: self.means }
    }

    /// Forgets what was read of the statement since.
    pub fn rewind(&mut self, mark: &Mark) {
        self.state = mark.state;
        self.query.sql.truncate(mark.length);
        self.query.lines.truncate(mark.lines);
        self.means = mark.means;
    }

    /// The statement so far, which is sent or thrown away; `None` if there is none but blanks.
    pub fn take(&mut self) -> Option<Query> {
        let query = std::mem::take(&mut self.query);
        self.state = LexState::default();
        std::mem::take(&mut self.means).then_some(query)
    }

    /// The statement so far.
    pub fn so_far(&self) -> &str {
        &self.query.sql
    }

    /// Reads on; `None` when the line is at its end.
    pub fn next(&mut self, variables: &Variables) -> Option<Found> {
        loop {
            let input = self.inputs.last_mut()?;
            if input.at == input.text.len() {
                self.inputs.pop();
                continue;
            }
            let before = self.state;
            let mut lexer = Lexer::new(&input.text, self.state);
            lexer.at = input.at;
            let Some(token) = lexer.next() else {
                self.inputs.pop();
                continue;
            };
            let (ended, text) = (lexer.ended, token.of(&input.text).to_owned());
            self.state = lexer.state;
            // Data is asked for by the server, not foreseen from the words.
            self.state.data_next = false;
            input.at = token.end;
            match token.kind {
                TokenKind::Backslash => {
                    if text == "\\\\" {
                        self.state = before;
                        continue;
                    }
                    let body = &text[1..];
                    let end = body.find(|c: char| c.is_ascii_whitespace()).unwrap_or(body.len());
                    let (name, arguments) = (body[..end].to_owned(), body[end..].to_owned());
                    if !SENDING.contains(&name.as_str()) || self.skipping {
                        self.state = before;
                    }
                    return Some(Found::Command { name, arguments, line: self.line });
                }
                _ if self.skipping => {}
                TokenKind::Punctuation if ended => {
                    if self.means {
                        return Some(Found::Semicolon);
                    }
                    self.take();
                }
                TokenKind::Punctuation if text.len() == 2 && text.starts_with('\\') => self.keep(&text[1..], true),
                TokenKind::Variable => self.variable(&text, variables),
                TokenKind::Space if self.query.sql.is_empty() => {}
                TokenKind::Space | TokenKind::Comment => self.keep(&text, false),
                _ => self.keep(&text, true),
            }
        }
    }

    fn keep(&mut self, text: &str, means: bool) {
        let at = self.query.sql.len();
        if self.query.lines.last().is_none_or(|(_, line)| *line != self.line) {
            self.query.lines.push((at, self.line));
        }
        if means && !self.means {
            self.means = true;
            // Comments before it may be pages long: the statement stands where its first word does.
            if let Some(first) = self.query.lines.first_mut().filter(|first| first.0 == 0 && at == 0) {
                first.1 = self.line;
            }
        }
        self.query.sql.push_str(text);
    }

    fn variable(&mut self, text: &str, variables: &Variables) {
        let (kind, name) = dissect(text);
        self.query.woven |= variables.get(name).is_some();
        let Some(value) = variables.get(name) else {
            let words = match kind {
                Kind::Test => "FALSE",
                _ => text,
            };
            self.state.no_word();
            return self.keep(words, true);
        };
        match kind {
            Kind::Plain => {
                let within = self.inputs.iter().any(|input| input.variable.as_deref() == Some(name));
                if within {
                    self.state.no_word();
                    return self.keep(text, true);
                }
                let value = value.to_owned();
                let variable = Some(name.to_owned());
                self.inputs.push(Input { text: value, at: 0, variable });
            }
            Kind::Literal | Kind::Identifier | Kind::Test => {
                self.state.no_word();
                self.keep(&substituted(kind, value), true);
            }
        }
    }
}

/// How a variable is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `:name`.
    Plain,
    /// `:'name'`.
    Literal,
    /// `:"name"`.
    Identifier,
    /// `:{?name}`.
    Test,
}

/// A variable's token into how and what.
pub(super) fn dissect(text: &str) -> (Kind, &str) {
    let body = &text[1..];
    match body.as_bytes().first() {
        Some(b'\'') => (Kind::Literal, &body[1..body.len() - 1]),
        Some(b'"') => (Kind::Identifier, &body[1..body.len() - 1]),
        Some(b'{') => (Kind::Test, &body[2..body.len() - 1]),
        _ => (Kind::Plain, body),
    }
}

/// What stands in a variable's place, its value being this.
pub(super) fn substituted(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Plain => value.to_owned(),
        Kind::Literal => quoted(value),
        Kind::Identifier => format!("\"{}\"", value.replace('"', "\"\"")),
        Kind::Test => "TRUE".to_owned(),
    }
}

/// A string literal that means the same whatever `standard_conforming_strings` says.
fn quoted(value: &str) -> String {
    let doubled = value.replace('\'', "''");
    if value.contains('\\') { format!(" E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}
