//! What is dangerous in a text, and what somebody has said yes to. Statements are known by their words, so that one that was
//! not seen when the question was asked (a variable, `\gexec`, a file that has changed since) is asked about when it comes.
//! It must not know who asks.

use crate::model::sql::{Class, TokenKind, classify, statements, tokens};
use crate::model::visible;
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Of a file so much is looked through beforehand; what comes later is asked about when it comes.
const LOOKED: u64 = 32 << 20;
/// Reasons shown in a question.
const SHOWN: usize = 5;

/// A statement that changes much at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Danger {
    /// Why, and its first line.
    pub words: String,
    /// Its words without what stands between them.
    mark: String,
}

/// What is dangerous in a text before it runs, in order. What a variable is part of is asked about when it is known.
pub(super) fn dangers(text: &str) -> Vec<Danger> {
    found(text, |sql| !tokens(sql).any(|token| token.kind == TokenKind::Variable))
}

fn found(text: &str, known: impl Fn(&str) -> bool) -> Vec<Danger> {
    let all = statements(text);
    let of = all.iter().filter(|statement| !statement.backslash).filter_map(|statement| {
        let sql = statement.of(text);
        let Class::Dangerous { reason } = classify(sql) else { return None };
        known(sql).then_some(())?;
        // Comments before it say what they like; it is shown from its first word.
        let start = tokens(sql).find(|token| !token.is_blank()).map_or(0, |token| token.start);
        let first = sql[start..].lines().next().unwrap_or_default();
        Some(Danger { words: visible(&format!("{reason}: {first}")).into_owned(), mark: mark(sql) })
    });
    of.collect()
}

fn mark(sql: &str) -> String {
    let mut mark = String::new();
    for token in tokens(sql).filter(|token| !token.is_blank()) {
        mark.push_str(token.of(sql));
        mark.push(' ');
    }
    mark
}

/// The lines of a question: as many as are read, and how many more there are.
pub(super) fn lines(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > SHOWN {
        let more = lines.len() - (SHOWN - 1);
        lines.truncate(SHOWN - 1);
        lines.push(format!("and {more} more"));
    }
    lines
}

/// What was said yes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Approved(HashSet<String>);

impl Approved {
    /// These too.
    pub(super) fn add(&mut self, dangers: Vec<Danger>) {
        self.0.extend(dangers.into_iter().map(|danger| danger.mark));
    }

    /// Whether somebody has said yes to it.
    pub(super) fn has(&self, danger: &Danger) -> bool {
        self.0.contains(&danger.mark)
    }

    /// Those of a text that nobody has said yes to.
    pub(super) fn lacks(&self, text: &str) -> Vec<Danger> {
        let mut all = found(text, |_| true);
        all.retain(|danger| !self.has(danger));
        all
    }
}

/// What is dangerous in a file, and whether all of it was looked at. Only a plain file is looked through: what a pipe gives
/// once is gone.
pub(super) async fn looked_through(path: &Path) -> (Vec<Danger>, bool) {
    let path = path.to_owned();
    let looked = tokio::task::spawn_blocking(move || {
        let about = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let mut bytes = Vec::new();
        File::open(&path).ok()?.take(LOOKED).read_to_end(&mut bytes).ok()?;
        Some((dangers(&String::from_utf8_lossy(&bytes)), about.len() <= LOOKED))
    });
    // One that cannot be read is for whoever runs it to tell.
    looked.await.ok().flatten().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_known_by_its_words() {
        let mut approved = Approved::default();
        let found = dangers("select 1; drop table a; -- x\nDELETE FROM b;\n\\echo drop table c\n");
        let words: Vec<&str> = found.iter().map(|danger| danger.words.as_str()).collect();
        assert_eq!(words, ["DROP TABLE: drop table a", "DELETE without WHERE: DELETE FROM b"]);
        approved.add(found);
        assert_eq!(approved.lacks("drop  /* it */ table\na"), []);
        assert_eq!(approved.lacks("drop table a_b").len(), 1);
        assert_eq!(approved.lacks("drop table \"a\"").len(), 1);
        // A variable's value is not known beforehand; what is sent is.
        assert_eq!(dangers("drop table :x;"), []);
        assert_eq!(approved.lacks("drop table :x").len(), 1);
        assert_eq!(lines((0..9).map(|at| at.to_string()).collect()), ["0", "1", "2", "3", "and 5 more"]);
    }
}
