//! The settings file: TOML in, words of known keys with their lines out. It must not know what a key means.

use super::Problem;
use super::table::{KEYS, Key, Shape};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// A key with its words and the line it stands on.
pub struct Line {
    /// The key.
    pub key: &'static Key,
    /// The words of its value.
    pub words: Vec<String>,
    /// Counted from 1.
    pub line: usize,
}

/// Reads the text of a settings file. `path` is only for messages.
pub fn read(path: &Path, text: &str) -> Result<Vec<Line>, Problem> {
    let line_of = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
    let problem = |line, what: String| Problem::File { path: path.to_owned(), line, what };
    let table = DeTable::parse(text)
        .map_err(|error| problem(line_of(error.span().map_or(0, |span| span.start)), error.message().to_owned()))?;
    let mut lines = Vec::new();
    for (name, value) in table.get_ref() {
        let line = line_of(name.span().start);
        let Some(key) = KEYS.iter().find(|key| key.name == name.get_ref().as_ref()) else {
            return Err(problem(line, unknown(name.get_ref())));
        };
        let words = words(key.shape, value.get_ref())
            .ok_or_else(|| problem(line, format!("{}: expected {}", key.name, key.shape.expected())))?;
        lines.push(Line { key, words, line });
    }
    Ok(lines)
}

fn unknown(name: &str) -> String {
    let near = KEYS.iter().map(|key| (distance(name, key.name), key.name)).min();
    match near {
        Some((distance, near)) if distance <= 3 => format!("{name}: unknown key; did you mean {near}?"),
        _ => format!("{name}: unknown key; `gatepost settings` lists those there are"),
    }
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn words(shape: Shape, value: &DeValue<'_>) -> Option<Vec<String>> {
    match (shape, value) {
        (Shape::Text, DeValue::Integer(number)) => Some(vec![number.to_string()]),
        (Shape::Switch, DeValue::Boolean(value)) => Some(vec![value.to_string()]),
        (Shape::Text | Shape::List | Shape::Paths, DeValue::String(text)) => Some(vec![text.to_string()]),
        (Shape::List | Shape::Paths, DeValue::Array(items)) => {
            items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
        }
        (Shape::Tables, DeValue::Array(items)) => {
            items.iter().map(|item| super::listeners::word(item.get_ref())).collect()
        }
        (Shape::Pairs, DeValue::Table(table)) => table
            .iter()
            .map(|(key, value)| value.get_ref().as_str().map(|value| format!("{}={value}", key.get_ref())))
            .collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        match read(Path::new("config.toml"), text) {
            Ok(_) => panic!("read {text:?}"),
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn lines_carry_words_and_numbers() {
        let text = "# mine\nregions = [\n  \"eu-west-1\",\n  \"us-east-1\",\n]\nrow_limit = 1000\nread_only = false\n\
                    [ssm_parameters]\na = \"b\"\n";
        let mut lines: Vec<(&str, Vec<String>, usize)> = read(Path::new("config.toml"), text)
            .expect("valid")
            .into_iter()
            .map(|line| (line.key.name, line.words, line.line))
            .collect();
        lines.sort_by_key(|line| line.2);
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            lines,
            [
                ("regions", owned(&["eu-west-1", "us-east-1"]), 2),
                ("row_limit", owned(&["1000"]), 6),
                ("read_only", owned(&["false"]), 7),
                ("ssm_parameters", owned(&["a=b"]), 8),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(
            refusal("\n\nregion = \"eu-west-1\"\n"),
            "config.toml:3: region: unknown key; did you mean regions?"
        );
        assert_eq!(
            refusal("zebra_crossing = 1"),
            "config.toml:1: zebra_crossing: unknown key; `gatepost settings` lists those there are"
        );
        assert_eq!(refusal("user = \"a\"\nread_only = \"yes\"\n"), "config.toml:2: read_only: expected true or false");
        assert_eq!(refusal("regions = [1]"), "config.toml:1: regions: expected an array of strings");
        assert!(
            refusal("user = \"a\"\nuser = \"b\"\n").starts_with("config.toml:2: "),
            "{}",
            refusal("user = 1\nuser = 2")
        );
        assert!(refusal("user = \n").starts_with("config.toml:1: "));
    }
}
