//! Where the SQL comes from, and what statements it has. It must not know how they are run.

use super::Args;
use crate::model::sql::{self, Statement};
use crate::model::{Diagnosis, Kind, visible};
use std::io::Read;
use std::path::Path;

/// SQL with its statements.
#[derive(Debug)]
pub struct Script {
    /// The file's name, for messages.
    name: Option<String>,
    text: String,
    statements: Vec<Piece>,
}

/// One statement of it.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    statement: Statement,
    /// Line of its first byte, counted from 1 (a comment before it is part of it).
    pub line: usize,
}

impl Script {
    /// From the command line, a file, or stdin. A terminal, a pipe or a FIFO may say nothing for long: it is read on a
    /// thread of its own, so that a signal is heard meanwhile.
    pub async fn read(args: &Args) -> Result<Script, Diagnosis> {
        let (name, text) = match (&args.command, &args.file) {
            (Some(command), _) => (None, Ok(command.clone())),
            (None, Some(path)) if path != Path::new("-") => {
                let name = path.display().to_string();
                let path = path.clone();
                (Some(name), aside(move || std::fs::read(path)).await.and_then(utf8))
            }
            _ => {
                let read = aside(|| {
                    let mut text = Vec::new();
                    std::io::stdin().lock().read_to_end(&mut text).map(|_| text)
                });
                (Some("stdin".to_owned()), read.await.and_then(utf8))
            }
        };
        let text = text.map_err(|error| {
            let name = name.as_deref().unwrap_or_default();
            Diagnosis::new(Kind::Usage, format!("The SQL cannot be read from {name}")).because(error.to_string())
        })?;
        Script::of(name, text)
    }

    fn of(name: Option<String>, text: String) -> Result<Script, Diagnosis> {
        // A byte order mark is no SQL; editors on other systems leave it.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let (mut line, mut counted) = (1, 0);
        let mut statements = Vec::new();
        for statement in sql::statements(&text) {
            line += text[counted..statement.start].matches('\n').count();
            counted = statement.start;
            if statement.backslash {
                let command = visible(statement.of(&text)).into_owned();
                let place = name.as_ref().map_or_else(String::new, |name| format!("{name}:{}: ", statement.line));
                return Err(Diagnosis::new(Kind::Usage, format!("{place}{command} is no SQL"))
                    .because("psql's backslash commands belong to the query pane; `gatepost query` sends SQL only")
                    .advise("Run it in the query pane: gatepost"));
            }
            statements.push(Piece { statement, line });
        }
        if statements.is_empty() {
            return Err(Diagnosis::new(Kind::Usage, "There is no SQL to run")
                .because("white space and comments are all that was given"));
        }
        Ok(Script { name, text, statements })
    }

    /// The statements, in order.
    pub fn statements(&self) -> &[Piece] {
        &self.statements
    }

    /// The text of one.
    pub fn text_of(&self, piece: &Piece) -> &str {
        piece.statement.of(&self.text)
    }

    /// `FILE:LINE` of a character of a statement, or of the statement; `None` for SQL from the command line.
    pub fn place(&self, piece: &Piece, at: Option<usize>) -> Option<String> {
        let name = visible(self.name.as_deref()?);
        let line = match at {
            Some(at) => piece.line + self.text_of(piece).chars().take(at).filter(|c| *c == '\n').count(),
            None => piece.statement.line,
        };
        Some(format!("{name}:{line}"))
    }
}

async fn aside(read: impl FnOnce() -> std::io::Result<Vec<u8>> + Send + 'static) -> std::io::Result<Vec<u8>> {
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn utf8(bytes: Vec<u8>) -> std::io::Result<String> {
    String::from_utf8(bytes).map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_from_the_top_of_the_file() {
        let text = "\u{feff}-- first\nselect 1;\n\n-- second\nselect\n  nope;\n";
        let script = Script::of(Some("a.sql".to_owned()), text.to_owned()).expect("two statements");
        let [first, second] = script.statements() else { panic!("{script:?}") };
        assert_eq!(script.place(first, None).as_deref(), Some("a.sql:2"));
        assert_eq!(script.place(second, None).as_deref(), Some("a.sql:5"));
        let at = script.text_of(second).find("nope").expect("there");
        assert_eq!(script.place(second, Some(at)).as_deref(), Some("a.sql:6"));
    }

    #[test]
    fn nothing_and_backslashes_are_refused_before_anything_runs() {
        let refused = |text: &str| Script::of(Some("a.sql".to_owned()), text.to_owned()).expect_err("refused");
        assert_eq!(refused(" -- only\n").kind, Kind::Usage);
        assert_eq!(refused("select 1;\n\\d orders\n").title, "a.sql:2: \\d orders is no SQL");
    }
}
