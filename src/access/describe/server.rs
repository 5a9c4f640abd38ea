//! The server that is asked: which version it is, and its answers. It must not know what is asked.

use super::Refused;
use super::answer::Answer;
use super::pattern::{Columns, Pattern, Qualified};
use crate::access::Session;
use crate::model::Happening;

/// A session, as the families see it.
pub struct Server<'a> {
    session: &'a mut Session,
    /// Its major version, e.g. 15.
    pub major: u32,
    /// The major version of the psql whose columns and words are said: the server's own, at least 15.
    pub psql: u32,
}

impl<'a> Server<'a> {
    /// The server behind `session`.
    pub fn new(session: &'a mut Session) -> Server<'a> {
        let version = session.facts().server_version;
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        // One that does not say is taken for the oldest that is known.
        let major = digits.parse().unwrap_or(11);
        Server { session, major, psql: major.max(15) }
    }

    /// Runs one query.
    pub async fn ask(&mut self, query: &str) -> Result<Answer, Refused> {
        Ok(self.ask_all(std::slice::from_ref(&query)).await?.pop().unwrap_or_default())
    }

    /// Runs several queries in one round trip, for a bastion's way is long.
    pub async fn ask_all(&mut self, queries: &[impl AsRef<str>]) -> Result<Vec<Answer>, Refused> {
        let text = queries.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(";\n");
        let mut answers = vec![Answer::default()];
        let mut running = self.session.run(&text);
        while let Some(happening) = running.next().await {
            match happening? {
                Happening::Columns(columns) => {
                    if let Some(answer) = answers.last_mut() {
                        answer.columns = columns;
                    }
                }
                Happening::Rows(page) => {
                    if let Some(answer) = answers.last_mut() {
                        answer.rows.extend(
                            (0..page.rows())
                                .map(|row| page.row(row).map(|cell| cell.map(str::to_owned)).collect::<Vec<_>>()),
                        );
                    }
                }
                Happening::Complete { .. } => answers.push(Answer::default()),
                _ => {}
            }
        }
        answers.truncate(queries.len());
        answers.resize_with(queries.len(), Answer::default);
        Ok(answers)
    }

    /// The column "Access privileges" of a list of privileges, with the comma before it. An empty list, which lets nobody
    /// do anything, shows since psql 17.
    pub fn privileges(&self, list: &str) -> String {
        let words = format!("pg_catalog.array_to_string({list}, E'\\n')");
        match self.psql {
            17.. => format!(
                ", case when pg_catalog.array_length({list}, 1) = 0 then '(none)' else {words} end as \"Access privileges\""
            ),
            _ => format!(", {words} as \"Access privileges\""),
        }
    }

    /// Conditions for a pattern over things in schemas; without one, that they are visible.
    pub fn within(&self, pattern: Option<&str>, columns: Columns<'_>) -> Result<Vec<String>, Refused> {
        match pattern {
            Some(pattern) => Ok(self.pattern(pattern, Qualified::Schema)?.conditions(&columns)),
            None => Ok(columns.visible.iter().map(|visible| (*visible).to_owned()).collect()),
        }
    }

    /// Conditions for a pattern over things outside schemas.
    pub fn named(&self, pattern: Option<&str>, column: &str) -> Result<Vec<String>, Refused> {
        let columns = Columns { schema: "", name: column, other: None, visible: None };
        match pattern {
            Some(pattern) => Ok(self.pattern(pattern, Qualified::Never)?.conditions(&columns)),
            None => Ok(Vec::new()),
        }
    }

    /// Conditions for a pattern over schemas: the database may stand before them.
    pub fn named_in_database(&self, pattern: Option<&str>, column: &str) -> Result<Vec<String>, Refused> {
        let columns = Columns { schema: "", name: column, other: None, visible: None };
        match pattern {
            Some(pattern) => Ok(self.pattern(pattern, Qualified::Database)?.conditions(&columns)),
            None => Ok(Vec::new()),
        }
    }

    fn pattern(&self, text: &str, qualified: Qualified) -> Result<Pattern, Refused> {
        Pattern::parse(text, qualified, &self.session.target().database)
    }
}

/// `where` of conditions; nothing when there is none.
pub fn filter(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) }
}
