//! psql's backslash words that the pane sees to by itself; all others are a script's, even where one stands alone. It must not
//! know the screen.

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
    /// `\c [database [user]]`: its arguments.
    Connect(String),
    /// `\e`.
    Edit,
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
        // Variables are the interpreter's.
        "c" | "connect" if rest.contains(':') && !rest.contains("://") => Word::Script,
        "c" | "connect" => Word::Connect(rest.to_owned()),
        "e" | "edit" if rest.trim().is_empty() => Word::Edit,
        "e" | "edit" => Word::Refused("\\e edits the text that is here; a file is not opened by it".to_owned()),
        _ => Word::Script,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart() {
        assert_eq!(parse("\\q"), Word::Quit);
        assert_eq!(parse("\\x"), Word::Expanded(None));
        assert_eq!(parse("\\x on;"), Word::Expanded(Some(true)));
        assert_eq!(parse("\\timing maybe"), Word::Refused("\\timing takes on or off, not maybe".to_owned()));
        assert_eq!(parse("\\c - bob"), Word::Connect("- bob".to_owned()));
        assert_eq!(parse("\\c :db"), Word::Script);
        assert_eq!(parse("\\dt+ public.*"), Word::Script);
        assert_eq!(parse("\\e"), Word::Edit);
        assert_eq!(parse("\\watch 2"), Word::Script);
        assert_eq!(parse("\\nope"), Word::Script, "the interpreter names what it does not know");
    }
}
