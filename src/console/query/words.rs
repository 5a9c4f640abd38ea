//! psql's backslash words: what each means here. What is not to be had is named. It must not know the screen; the catalogue
//! words become SQL.

use super::catalogue;

/// What a word means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// `\q`.
    Quit,
    /// `\x [on|off]`; `None` toggles.
    Expanded(Option<bool>),
    /// `\timing [on|off]`.
    Timing(Option<bool>),
    /// `\?`.
    Help,
    /// `\conninfo`.
    Where,
    /// `\s`.
    History,
    /// `\c [database [user]]`.
    Connect {
        /// Database.
        database: Option<String>,
        /// Role.
        user: Option<String>,
    },
    /// `\d …` and its like: what to ask the server.
    Ask(Vec<String>),
    /// One of a script's: the interpreter knows what it means.
    Script,
    /// What cannot be done, in words.
    Refused(String),
}

/// What `text`, a backslash command with its arguments, means.
pub fn parse(text: &str) -> Word {
    let text = text.trim().trim_end_matches(';').trim_end();
    let body = text.strip_prefix('\\').unwrap_or(text);
    let (name, rest) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    let mut arguments = rest.split_whitespace().map(str::to_owned);
    match name {
        "q" | "quit" => Word::Quit,
        "x" => switch(name, arguments.next()).map_or_else(Word::Refused, Word::Expanded),
        "timing" => switch(name, arguments.next()).map_or_else(Word::Refused, Word::Timing),
        "?" => Word::Help,
        "conninfo" => Word::Where,
        "s" => Word::History,
        "c" | "connect" => {
            let mut given = || arguments.next().filter(|word| word != "-").map(|word| word.replace('"', ""));
            Word::Connect { database: given(), user: given() }
        }
        _ => match catalogue::statements(name, rest.trim()) {
            Some(statements) => Word::Ask(statements),
            None if matches!(name, "e" | "edit") => {
                Word::Refused("the editor of your own has a key: see the help".to_owned())
            }
            None => Word::Script,
        },
    }
}

fn switch(name: &str, argument: Option<String>) -> Result<Option<bool>, String> {
    match argument.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("on" | "true" | "1" | "yes") => Ok(Some(true)),
        Some("off" | "false" | "0" | "no") => Ok(Some(false)),
        Some(other) => Err(format!("\\{name} takes on or off, not {other}")),
    }
}

/// The words that work, with a sentence each.
pub const WORDS: &[(&str, &str)] = &[
    ("\\l", "databases"),
    ("\\dn", "schemas"),
    ("\\d", "tables, views, sequences"),
    ("\\dt \\dv \\dm \\di \\ds", "tables, views, materialized views, indexes, sequences; a PATTERN may follow"),
    ("\\d NAME", "columns, indexes, constraints of a relation"),
    ("\\df", "functions; a PATTERN may follow"),
    ("\\du", "roles and what they are members of"),
    ("\\dx", "extensions"),
    ("\\x [on|off]", "one row at a time, a column a line"),
    ("\\timing [on|off]", "times of statements"),
    ("\\c [DATABASE [USER]]", "another session"),
    ("\\conninfo", "where this session is"),
    ("\\s", "search the history"),
    ("\\q", "end the session and close the tab"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart() {
        assert_eq!(parse("\\q"), Word::Quit);
        assert_eq!(parse("\\x"), Word::Expanded(None));
        assert_eq!(parse("\\x on;"), Word::Expanded(Some(true)));
        assert_eq!(parse("\\timing maybe"), Word::Refused("\\timing takes on or off, not maybe".to_owned()));
        assert_eq!(parse("\\c - bob"), Word::Connect { database: None, user: Some("bob".to_owned()) });
        assert!(matches!(parse("\\dt+ public.*"), Word::Ask(_)));
        assert_eq!(parse("\\watch 2"), Word::Script);
        assert_eq!(parse("\\nope"), Word::Script, "the interpreter names what it does not know");
    }
}
