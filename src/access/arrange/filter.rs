//! Which rows are shown: words as people type them, and whether a row answers to them. A term is a text that some cell has,
//! or `column = value` with `=`, `!=`, `<`, `<=`, `>`, `>=`, `~` (has), `!~` (has not), `is null`, `is not null`; `!` before
//! a text turns it round, `&` joins terms, and a text in `'…'` is never read as a comparison. It must not know how rows are
//! shown.

use super::find::Needle;
use super::fuzzy::{Fuzzy, Judge};
use super::key::{Kind, key};
use crate::model::{Column, Page};
use std::cmp::Ordering;

/// Which rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    words: String,
    terms: Vec<Term>,
}

/// Why words are no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// `x = 1` without a column `x`.
    #[error("there is no column {0}; a text to look for as it is goes into '…'")]
    Column(String),
    /// The value is no value of the column's type.
    #[error("{value} cannot be compared with {column}: it is no {kind}")]
    Value {
        /// As it was typed.
        value: String,
        /// The column's name.
        column: String,
        /// What is expected.
        kind: &'static str,
    },
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Anywhere {
        needle: Needle,
        not: bool,
    },
    /// In one column, or in any.
    Letters {
        column: Option<usize>,
        fuzzy: Fuzzy,
        not: bool,
    },
    Null {
        column: usize,
        not: bool,
    },
    Has {
        column: usize,
        needle: Needle,
        not: bool,
    },
    Compare {
        column: usize,
        kind: Kind,
        test: Test,
        key: Vec<u8>,
        text: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Filter {
    /// Reads words; `None` for none.
    pub fn parse(words: &str, columns: &[Column]) -> Result<Option<Filter>, Unclear> {
        let mut terms = Vec::new();
        for part in parts(words) {
            if let Some(term) = term(part.trim(), columns)? {
                terms.push(term);
            }
        }
        let words = words.trim().to_owned();
        Ok((!terms.is_empty()).then_some(Filter { words, terms }))
    }

    /// As it was typed.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Whether it tells rows apart by how well they fit, so that the best can come first.
    pub fn ranks(&self) -> bool {
        self.terms.iter().any(|term| matches!(term, Term::Letters { not: false, .. }))
    }

    /// Whether a row is shown; the greater, the better it fits. `None`: it is not.
    pub fn fit(&self, page: &Page, row: usize, judge: &mut Judge) -> Option<u32> {
        self.terms.iter().try_fold(0_u32, |all, term| {
            let Term::Letters { column, fuzzy, not } = term else {
                return takes(term, page, row).then_some(all);
            };
            let score = match column {
                None => fuzzy.score(page.row(row).flatten(), judge),
                // As in SQL, a comparison with NULL is not true, whichever.
                Some(column) => fuzzy.score(std::iter::once(page.cell(row, *column)?), judge),
            };
            match (score, not) {
                (Some(score), false) => Some(all.saturating_add(score)),
                (None, true) => Some(all),
                _ => None,
            }
        })
    }
}

fn takes(term: &Term, page: &Page, row: usize) -> bool {
    match term {
        Term::Anywhere { needle, not } => page.row(row).flatten().any(|cell| needle.is_in(cell)) != *not,
        Term::Letters { .. } => true,
        Term::Null { column, not } => page.cell(row, *column).is_none() != *not,
        // As in SQL, a comparison with NULL is not true, whichever.
        Term::Has { column, needle, not } => page.cell(row, *column).is_some_and(|cell| needle.is_in(cell) != *not),
        Term::Compare { column, kind, test, key: wanted, text } => page.cell(row, *column).is_some_and(|cell| {
            let order = match kind {
                Kind::Text => cell.cmp(text.as_str()),
                kind => key(*kind, cell).cmp(wanted),
            };
            match test {
                Test::Equal => order == Ordering::Equal,
                Test::Unequal => order != Ordering::Equal,
                Test::Less => order == Ordering::Less,
                Test::AtMost => order != Ordering::Greater,
                Test::Greater => order == Ordering::Greater,
                Test::AtLeast => order != Ordering::Less,
            }
        }),
    }
}

/// At `&` outside quotes.
fn parts(words: &str) -> Vec<&str> {
    let mut quoted = false;
    words
        .split(|c: char| {
            quoted ^= c == '\'';
            c == '&' && !quoted
        })
        .collect()
}

fn term(text: &str, columns: &[Column]) -> Result<Option<Term>, Unclear> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(comparison) = comparison(text, columns)? {
        return Ok(Some(comparison));
    }
    let (not, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest.trim_start()));
    if let Some(letters) = text.strip_prefix('~') {
        return Ok(Fuzzy::new(unquoted(letters.trim())).map(|fuzzy| Term::Letters { column: None, fuzzy, not }));
    }
    let needle = Needle::new(unquoted(text));
    Ok((!needle.text().is_empty()).then_some(Term::Anywhere { needle, not }))
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('\'').map_or(text, |rest| rest.strip_suffix('\'').unwrap_or(rest))
}

fn comparison(text: &str, columns: &[Column]) -> Result<Option<Term>, Unclear> {
    let (name, rest) = match text.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((name, rest)) => (name, rest),
        None => {
            let end = text.find(|c: char| c.is_whitespace() || "=!<>~'".contains(c)).unwrap_or(text.len());
            text.split_at(end)
        }
    };
    let rest = rest.trim_start();
    let null = rest.to_ascii_lowercase();
    let operators = ["!~~", "~~", "!~", "!=", "<>", "<=", ">=", "=", "<", ">", "~"];
    let operator = operators.into_iter().find(|operator| rest.starts_with(operator));
    let is_null = matches!(null.as_str(), "is null" | "is not null");
    if name.is_empty() || (operator.is_none() && !is_null) {
        return Ok(None);
    }
    let column = columns
        .iter()
        .position(|column| column.name == name)
        .or_else(|| columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
        .ok_or_else(|| Unclear::Column(name.to_owned()))?;
    let Some(operator) = operator else {
        return Ok(Some(Term::Null { column, not: null.contains("not") }));
    };
    let value = unquoted(rest[operator.len()..].trim());
    let test = match operator {
        "~~" | "!~~" => {
            let not = operator == "!~~";
            return Ok(Fuzzy::new(value).map(|fuzzy| Term::Letters { column: Some(column), fuzzy, not }));
        }
        "~" | "!~" => {
            return Ok(Some(Term::Has { column, needle: Needle::new(value), not: operator == "!~" }));
        }
        "=" => Test::Equal,
        "!=" | "<>" => Test::Unequal,
        "<" => Test::Less,
        "<=" => Test::AtMost,
        ">" => Test::Greater,
        _ => Test::AtLeast,
    };
    let kind = Kind::of(columns[column].oid);
    if !super::key::is_understood(kind, value) {
        let kind = match kind {
            Kind::Number => "number",
            Kind::Time => "date or time (2024-06-01 12:00:00)",
            Kind::Interval => "interval (1 day 02:00:00)",
            _ => "position (0/16B3748)",
        };
        return Err(Unclear::Value { value: value.to_owned(), column: columns[column].name.clone(), kind });
    }
    Ok(Some(Term::Compare { column, kind, test, key: key(kind, value), text: value.to_owned() }))
}
