//! Rust source as far as the house test reads it: without comments, strings and test modules. It must not know the rules.

/// Whether the file opens with `//!` and words.
pub fn says_what_it_is(text: &str) -> bool {
    text.lines().next().and_then(|line| line.strip_prefix("//!")).is_some_and(|words| !words.trim().is_empty())
}

/// The files that are test modules as a whole (`#[cfg(test)] mod name;` in their parent).
pub fn test_files(house: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in house {
        let code = without_comments_and_strings(text);
        for (at, _) in code.match_indices("#[cfg(test)]") {
            let rest = code[at..].trim_start_matches("#[cfg(test)]").trim_start();
            let rest = rest.strip_prefix("pub ").unwrap_or(rest);
            let Some(rest) = rest.strip_prefix("mod ") else { continue };
            let module: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if rest[module.len()..].trim_start().starts_with(';') {
                let folder = match name.strip_suffix("/mod.rs").or_else(|| name.strip_suffix("/lib.rs")) {
                    Some(folder) => folder,
                    None => name.trim_end_matches(".rs"),
                };
                found.push(format!("{folder}/{module}.rs"));
                found.push(format!("{folder}/{module}/mod.rs"));
            }
        }
    }
    found
}

/// Code with comments and the insides of string and character literals taken out; line breaks stay, so that lines can
/// still be counted.
pub fn without_comments_and_strings(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let keep_lines = |out: &mut String, skipped: &[char]| out.extend(skipped.iter().filter(|c| **c == '\n'));
    while at < bytes.len() {
        let rest = &bytes[at..];
        let begin = at;
        match rest {
            ['/', '/', ..] => {
                at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
            }
            ['/', '*', ..] => {
                let mut depth = 0;
                while at < bytes.len() {
                    match &bytes[at..] {
                        ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
                        ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
                        _ => at += 1,
                    }
                    if depth == 0 {
                        break;
                    }
                }
                keep_lines(&mut out, &bytes[begin..at]);
            }
            ['"', ..] => {
                at += 1;
                while at < bytes.len() && bytes[at] != '"' {
                    at += if bytes[at] == '\\' { 2 } else { 1 };
                }
                at = (at + 1).min(bytes.len());
                out.push_str("\"\"");
                keep_lines(&mut out, &bytes[begin..at]);
            }
            ['r', '"' | '#', ..] if raw_string(rest).is_some() && !after_a_word(&bytes, begin) => {
                at += raw_string(rest).unwrap_or(1);
                out.push_str("\"\"");
                keep_lines(&mut out, &bytes[begin..at]);
            }
            ['\'', '\\', ..] => {
                at += 3;
                while at < bytes.len() && bytes[at] != '\'' {
                    at += 1;
                }
                at += 1;
            }
            ['\'', _, '\'', ..] => at += 3,
            [c, ..] => {
                out.push(*c);
                at += 1;
            }
            [] => break,
        }
    }
    out
}

fn after_a_word(text: &[char], at: usize) -> bool {
    at > 0 && (text[at - 1].is_alphanumeric() && text[at - 1] != 'b' || text[at - 1] == '_')
}

/// Length of the raw string at the beginning of `text`.
fn raw_string(text: &[char]) -> Option<usize> {
    let hashes = text[1..].iter().take_while(|c| **c == '#').count();
    if text.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let mut at = 2 + hashes;
    loop {
        let quote = text.get(at..)?.iter().position(|c| *c == '"')? + at;
        if text[quote + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return Some(quote + 1 + hashes);
        }
        at = quote + 1;
    }
}

/// Code without the bodies of `#[cfg(test)] mod … { … }`.
pub fn without_test_modules(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let brace = tail.find('{');
        let semicolon = tail.find(';').unwrap_or(tail.len());
        let end = match brace {
            Some(brace) if brace < semicolon => {
                let mut depth = 0usize;
                let close = tail[brace..].char_indices().find(|(_, c)| {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    depth == 0
                });
                close.map_or(tail.len(), |(close, _)| brace + close + 1)
            }
            _ => (semicolon + 1).min(tail.len()),
        };
        out.extend(tail[..end].chars().filter(|c| *c == '\n'));
        rest = &tail[end..];
    }
    out.push_str(rest);
    out
}

#[test]
fn a_file_without_words_is_seen() {
    assert!(says_what_it_is("//! What it is.\nuse x;"));
    assert!(!says_what_it_is("use x;"));
    assert!(!says_what_it_is("//!\nuse x;"));
    assert!(!says_what_it_is("// Only a comment.\n"));
}

#[test]
fn comments_strings_and_tests_are_no_code() {
    let text = "a // crate::b\n/* crate::c /* nested */\n*/ d \"crate::e \\\" f\" g r#\"crate::h \" i\"# 'x' '\\'' '\"' &'a str j";
    let code = without_comments_and_strings(text);
    assert!(!code.contains("crate"), "{code}");
    for kept in ["a ", " d ", " g ", " j", "&'a str"] {
        assert!(code.contains(kept), "{kept:?} in {code:?}");
    }
    assert_eq!(code.lines().count(), text.lines().count());
    let code = without_test_modules(
        "one\n#[cfg(test)]\nmod tests {\n fn x() { two }\n}\nthree\n#[cfg(test)]\nmod more;\nfour",
    );
    assert!(!code.contains("two") && code.contains("three") && code.contains("four"), "{code}");
}

#[test]
fn test_files_are_found_beside_their_parents() {
    let house = [("src/ssm/mod.rs".to_owned(), "#[cfg(test)]\nmod pair;\nmod smux;".to_owned())];
    let found = test_files(&house);
    assert!(found.contains(&"src/ssm/pair.rs".to_owned()));
    assert!(!found.contains(&"src/ssm/smux.rs".to_owned()));
}
