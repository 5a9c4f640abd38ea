//! The arguments of a word: split at spaces outside quotes. Double quotes stay, for they mean something in a pattern;
//! single quotes go (psql's reference page, "Meta-Commands"). It must not know what they are for.

use super::Refused;

/// The arguments on the line. A semicolon at the end is no part of the last.
pub fn split(line: &str) -> Result<Vec<String>, Refused> {
    let mut arguments = Vec::new();
    let mut characters = line.chars().peekable();
    while let Some(first) = characters.peek().copied() {
        if first.is_ascii_whitespace() {
            characters.next();
            continue;
        }
        let mut argument = String::new();
        // Whether the end of the argument so far was quoted: a semicolon there is meant.
        let mut quoted = false;
        while let Some(c) = characters.next_if(|c| !c.is_ascii_whitespace()) {
            quoted = c == '\'' || c == '"';
            match c {
                '"' => {
                    argument.push('"');
                    loop {
                        match characters.next() {
                            Some('"') => break argument.push('"'),
                            Some(c) => argument.push(c),
                            None => return Err(Refused::BadArgument("unterminated quoted string".to_owned())),
                        }
                    }
                }
                '\'' => loop {
                    match characters.next() {
                        Some('\'') if characters.next_if_eq(&'\'').is_some() => argument.push('\''),
                        Some('\'') => break,
                        Some('\\') => argument.extend(escaped(&mut characters)),
                        Some(c) => argument.push(c),
                        None => return Err(Refused::BadArgument("unterminated quoted string".to_owned())),
                    }
                },
                c => argument.push(c),
            }
        }
        let argument = if quoted { argument.as_str() } else { argument.trim_end_matches(';') };
        if quoted || !argument.is_empty() {
            arguments.push(argument.to_owned());
        }
    }
    Ok(arguments)
}

/// What follows a backslash between single quotes.
fn escaped(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    Some(match characters.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        c => c,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_split_as_psql_does() {
        let split = |line: &str| split(line).expect("whole");
        assert_eq!(split(" a  \"b c\".d 'e f' ;"), ["a", "\"b c\".d", "e f"]);
        assert_eq!(split("x; y;;"), ["x", "y"]);
        assert_eq!(split("'it''s\\n' \"a;\""), ["it's\n", "\"a;\""]);
        assert!(split("").is_empty());
        assert!(super::split("\"open").is_err());
    }
}
