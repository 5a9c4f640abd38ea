//! A command as it is written in a setting, cut into its words. It must not run anything.

/// Program and arguments. Blanks part words; `'…'` keeps everything, `"…"` everything but `\"` and `\\`, and `\` the next
/// character. There is no shell: `$`, `|`, `*` and `~` are themselves. An error says what was expected.
pub fn command_words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        None => return Err(format!("{text:?}: expected a closing {character}")),
                        Some(end) if end == character => break,
                        Some('\\') if character == '"' => match characters.next() {
                            Some(kept @ ('"' | '\\')) => word.push(kept),
                            Some(other) => word.extend(['\\', other]),
                            None => return Err(format!("{text:?}: expected a closing \"")),
                        },
                        Some(other) => word.push(other),
                    }
                }
            }
            '\\' => match characters.next() {
                Some(kept) => word.get_or_insert_default().push(kept),
                None => return Err(format!("{text:?}: expected a character after the \\ at its end")),
            },
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    match words.first() {
        Some(program) if !program.is_empty() => Ok(words),
        _ => Err("expected a program and its arguments, such as \"pass show db/orders\"".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_as_people_expect() {
        for (text, words) in [
            ("pass show db/orders", vec!["pass", "show", "db/orders"]),
            ("  a\t'b c'\"d $e\" ", vec!["a", "b cd $e"]),
            (r#"a\ b "c\"d\\e\f" ''"#, vec!["a b", r#"c"d\e\f"#, ""]),
            ("op read op://x/y", vec!["op", "read", "op://x/y"]),
        ] {
            assert_eq!(command_words(text).expect(text), words, "{text}");
        }
        for wrong in ["", "  ", "'a", "\"a", "a\\", "\"a\\", "''"] {
            assert!(command_words(wrong).expect_err(wrong).contains("expected"), "{wrong}");
        }
    }
}
