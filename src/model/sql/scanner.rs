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
    /// Where its parts came from, in order.
    parts: Vec<Part>,
    /// Whether a variable was put into it: it is not the text that stands in the script.
    pub woven: bool,
}

/// Where a part of a statement came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    /// Byte offset into the statement, where it begins.
    offset: usize,
    /// The script's line, counted from 1.
    line: usize,
    /// The byte in that line; `None` for what stands in no line (a variable's value).
    column: Option<usize>,
}

impl Query {
    /// A query that stands in no script.
    pub fn new(sql: impl Into<String>) -> Query {
        Query { sql: sql.into(), ..Query::default() }
    }

    /// With something of ours before and behind it.
    pub fn within(mut self, before: &str, behind: &str) -> Query {
        self.sql = format!("{before}{}{behind}", self.sql);
        self.parts.iter_mut().for_each(|part| part.offset += before.len());
        self
    }

    /// That stands on a line.
    pub fn on(mut self, line: usize) -> Query {
        self.parts = vec![Part { offset: 0, line, column: None }];
        self
    }

    /// The script's line that byte `at` came from, counted from 1.
    pub fn line_at(&self, at: usize) -> Option<usize> {
        self.part_at(at).or(self.parts.first()).map(|part| part.line)
    }

    /// The script's line (from 1) and the byte in it that byte `at` came from; `None` where no line has it.
    pub fn place_at(&self, at: usize) -> Option<(usize, usize)> {
        let part = self.part_at(at)?;
        Some((part.line, part.column? + (at - part.offset)))
    }

    fn part_at(&self, at: usize) -> Option<&Part> {
        let after = self.parts.partition_point(|part| part.offset <= at);
        after.checked_sub(1).map(|index| &self.parts[index])
    }

    /// Line of its first byte.
    pub fn line(&self) -> Option<usize> {
        self.parts.first().map(|part| part.line)
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
    parts: usize,
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
    /// Where in the line the token stands that is read; `None` within a variable's value.
    column: Option<usize>,
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
        Mark { state: self.state, length: self.query.sql.len(), parts: self.query.parts.len(), means: self.means }
    }

    /// Forgets what was read of the statement since.
    pub fn rewind(&mut self, mark: &Mark) {
        self.state = mark.state;
        self.query.sql.truncate(mark.length);
        self.query.parts.truncate(mark.parts);
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
            self.column = Some(token.start).filter(|_| input.variable.is_none());
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
                TokenKind::Punctuation if text.len() == 2 && text.starts_with('\\') => {
                    self.column = self.column.map(|column| column + 1);
                    self.keep(&text[1..], true);
                }
                TokenKind::Variable => self.variable(&text, variables),
                TokenKind::Space if self.query.sql.is_empty() => {}
                TokenKind::Space | TokenKind::Comment => self.keep(&text, false),
                _ => self.keep(&text, true),
            }
        }
    }

    fn keep(&mut self, text: &str, means: bool) {
        let at = self.query.sql.len();
        let goes_on = self.query.parts.last().is_some_and(|part| {
            part.line == self.line && part.column.map(|column| column + (at - part.offset)) == self.column
        });
        if !goes_on {
            self.query.parts.push(Part { offset: at, line: self.line, column: self.column });
        }
        self.means |= means;
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
                let value = substituted(kind, value);
                // What is put in stands in no line.
                self.column = None;
                self.keep(&value, true);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a script sends, and the commands it has, in order.
    fn read(script: &str, variables: &Variables) -> Vec<String> {
        let mut scanner = Scanner::default();
        let mut found = Vec::new();
        for (number, line) in script.split_inclusive('\n').enumerate() {
            scanner.feed(line.to_owned(), number + 1);
            while let Some(one) = scanner.next(variables) {
                found.push(match one {
                    Found::Semicolon => scanner.take().map(|query| query.sql).unwrap_or_default(),
                    Found::Command { name, arguments, line } => format!("\\{name}@{line}{arguments}"),
                });
            }
        }
        found.extend(scanner.take().map(|query| query.sql));
        found
    }

    #[test]
    fn variables_go_where_psql_puts_them() {
        let mut variables = Variables::default();
        for (name, value) in [("a", "1"), ("b", "it's \"b\""), ("s", "select 2;"), ("r", ":r"), ("e", "a\\b")] {
            variables.set(name, value).expect("good names");
        }
        for (script, sent) in [
            ("select :a;", vec!["select 1"]),
            ("select :'b', :\"b\";", vec!["select 'it''s \"b\"', \"it's \"\"b\"\"\""]),
            ("select ':a', \":a\", $$:a$$, /* :a */ x::a;", vec!["select ':a', \":a\", $$:a$$, /* :a */ x::a"]),
            ("select :{?a}, :{?z}, :z, a[1:2];", vec!["select TRUE, FALSE, :z, a[1:2]"]),
            (":s :s", vec!["select 2", "select 2"]),
            ("select :r;", vec!["select :r"]),
            ("select :'e';", vec!["select  E'a\\\\b'"]),
            ("select 1 \\; select 2;", vec!["select 1 ; select 2"]),
            ("select \\:a;", vec!["select :a"]),
        ] {
            assert_eq!(read(script, &variables), sent, "{script}");
        }
    }

    #[test]
    fn commands_leave_the_statement_around_them() {
        let variables = Variables::default();
        assert_eq!(read("select 1\n\\echo x\n, 2;\n", &variables), ["\\echo@2 x\n".trim_end(), "select 1\n\n, 2"]);
        assert_eq!(read("select (1\n\\if x\n);", &variables), ["\\if@2 x", "select (1\n\n)"]);
        assert_eq!(read("\\echo a \\\\ select 1;", &variables), ["\\echo@1 a ", "select 1"]);
    }

    #[test]
    fn a_query_knows_its_lines() {
        let mut scanner = Scanner::default();
        let variables = Variables::default();
        for (number, line) in ["\n", "select\n", "  nope;\n"].into_iter().enumerate() {
            scanner.feed(line.to_owned(), number + 1);
            while scanner.next(&variables).is_some() {}
        }
        let query = scanner.take().expect("a statement");
        assert_eq!(query.line(), Some(2));
        assert_eq!(query.line_at(query.sql.find("nope").expect("there")), Some(3));
    }

    #[test]
    fn a_branch_not_taken_leaves_nothing() {
        let mut scanner = Scanner::default();
        let variables = Variables::default();
        scanner.feed("select 1 ".to_owned(), 1);
        assert_eq!(scanner.next(&variables), None);
        let mark = scanner.mark();
        scanner.skip(true);
        scanner.feed(", (2; 'x' ".to_owned(), 2);
        assert_eq!(scanner.next(&variables), None);
        scanner.rewind(&mark);
        scanner.skip(false);
        scanner.feed(";".to_owned(), 3);
        assert_eq!(scanner.next(&variables), Some(Found::Semicolon));
        assert_eq!(scanner.take().expect("a statement").sql, "select 1 ");
    }
}
