//! Joins that foreign keys tell: whole clauses after JOIN, conditions after ON. It must not know what was typed.

use crate::model::catalogue::Catalogue;
use crate::model::completion::{Expected, Source, identifier};
use crate::model::sql::keyword;

/// Suggestions are so many at most: a table that everything refers to would fill the list.
const MOST: usize = 40;

/// Name to match by, text to insert, and what is said beside it.
pub(super) fn suggest(
    expected: &Expected,
    names: &Catalogue,
    path: &[String],
    clauses: bool,
) -> Vec<(String, String, String)> {
    let scope = &expected.scope;
    let mut before: Vec<&Source> = scope.sources_before().iter().collect();
    let joined = if clauses { None } else { before.pop() };
    let relations: Vec<(usize, &str)> =
        before.iter().filter_map(|source| Some((scope.relation(source, names, path)?, source.label()?))).collect();
    let (on, and) = if expected.shouted { (" ON ", " AND ") } else { (" on ", " and ") };
    let mut found = Vec::new();
    let joined = joined.and_then(|source| Some((scope.relation(source, names, path)?, source.label()?)));
    for key in names.keys() {
        // Both ways: the key may be theirs or ours. Of a table that refers to itself, both are told.
        for (there, here, flipped) in [(key.to, key.from, false), (key.from, key.to, true)] {
            for (relation, label) in relations.iter().filter(|(relation, _)| *relation == here) {
                let other = &names.relations()[there];
                let (schema, name) = (names.text(other.schema), names.text(other.name));
                let (alias, first) = match joined {
                    Some((relation, alias)) if relation == there => (alias.to_owned(), String::new()),
                    Some(_) => continue,
                    None => {
                        let alias = alias(name, scope.sources());
                        let visible = names.find(None, name, path) == Some(there);
                        let schema = if visible { String::new() } else { format!("{}.", identifier(schema)) };
                        let first = format!("{schema}{} {}{on}", identifier(name), identifier(&alias));
                        (alias, first)
                    }
                };
                debug_assert!(*relation == here);
                let pairs = key.columns.iter().map(|(from, to)| {
                    let (ours, theirs) = if flipped { (to, from) } else { (from, to) };
                    format!(
                        "{}.{} = {}.{}",
                        identifier(&alias),
                        identifier(names.text(*theirs)),
                        identifier(label),
                        identifier(names.text(*ours))
                    )
                });
                let insert = format!("{first}{}", pairs.collect::<Vec<_>>().join(and));
                let matched = if clauses { name.to_owned() } else { alias };
                if !found.iter().any(|(_, other, _)| *other == insert) {
                    found.push((matched, insert, "foreign key".to_owned()));
                }
                if found.len() >= MOST {
                    return found;
                }
            }
        }
    }
    found
}

/// A short name for a table that no source has yet: the first letters of its words.
fn alias<'a>(name: &str, sources: impl Iterator<Item = &'a Source>) -> String {
    let letters: String = name
        .split(|c: char| !c.is_alphanumeric())
        .filter_map(|word| word.chars().next())
        .flat_map(char::to_lowercase)
        .filter(char::is_ascii_alphabetic)
        .collect();
    let letters = if letters.is_empty() { "t".to_owned() } else { letters };
    let taken: Vec<&str> = sources.filter_map(Source::label).collect();
    let free = |alias: &str| keyword(alias).is_none() && !taken.contains(&alias);
    if free(&letters) {
        return letters;
    }
    (2..).map(|number| format!("{letters}{number}")).find(|alias| free(alias)).unwrap_or(letters)
}
