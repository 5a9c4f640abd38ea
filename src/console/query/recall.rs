//! The history as the pane sees it: past statements, walking through them, searching them. It must not know files.

use super::order::Past;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use std::sync::Arc;

/// Statements kept in memory.
const KEPT: usize = 5000;
/// Bytes of a statement that a search looks at.
const SEARCHED: usize = 2000;

/// Past statements, oldest first, and where a walk through them stands.
#[derive(Clone, Debug, Default)]
pub struct Recall {
    past: Vec<Past>,
    at: Option<usize>,
    /// What was in the editor when the walk began.
    draft: String,
}

/// A search that is open.
#[derive(Clone, Debug, Default)]
pub struct Finder {
    /// The statements of all targets, where those are searched.
    pub everywhere: Option<Arc<[(String, Past)]>>,
    /// What is searched for.
    pub words: String,
    /// What was found, best first: numbers of past statements.
    pub found: Vec<usize>,
    /// Which of those is selected.
    pub at: usize,
}

impl Recall {
    /// The statements of earlier sessions.
    pub fn load(&mut self, mut older: Vec<Past>) {
        older.append(&mut self.past);
        self.past = older;
        self.at = None;
    }

    /// All of them, oldest first.
    #[cfg(test)]
    pub fn past(&self) -> &[Past] {
        &self.past
    }

    /// Whether a statement is among them, with the `;` behind it or without.
    pub fn has(&self, sql: &str) -> bool {
        self.past.iter().any(|past| past.text == sql || past.text.strip_suffix(';') == Some(sql))
    }

    /// Keeps a statement; one that is the same as the last takes its place.
    pub fn keep(&mut self, past: Past) {
        if self.past.last().is_some_and(|last| last.text == past.text) {
            self.past.pop();
        }
        self.past.push(past);
        if self.past.len() > KEPT {
            self.past.remove(0);
        }
        self.at = None;
    }

    /// The next older statement, given what the editor holds now.
    pub fn older(&mut self, now: &str) -> Option<&str> {
        let before = self.standing(now).unwrap_or_else(|| {
            now.clone_into(&mut self.draft);
            self.past.len()
        });
        let at = self.past[..before].iter().rposition(|past| past.text != now)?;
        self.at = Some(at);
        Some(&self.past[at].text)
    }

    /// The next newer one, at last what the editor held before.
    pub fn newer(&mut self, now: &str) -> Option<&str> {
        let at = self.standing(now)?;
        match self.past[at + 1..].iter().position(|past| past.text != now) {
            Some(next) => {
                self.at = Some(at + 1 + next);
                Some(&self.past[at + 1 + next].text)
            }
            None => {
                self.at = None;
                Some(&self.draft)
            }
        }
    }

    /// Where the walk stands; `None` when what the editor holds was not taken from here.
    pub fn standing(&self, now: &str) -> Option<usize> {
        self.at.filter(|at| self.past.get(*at).is_some_and(|past| past.text == now))
    }

    /// A statement that was found, and its target where all targets are searched.
    pub fn found<'a>(&'a self, finder: &'a Finder, number: usize) -> Option<(Option<&'a str>, &'a Past)> {
        match &finder.everywhere {
            Some(all) => all.get(number).map(|(target, past)| (Some(target.as_str()), past)),
            None => self.past.get(number).map(|past| (None, past)),
        }
    }

    /// The selected one.
    pub fn selected<'a>(&'a self, finder: &'a Finder) -> Option<&'a Past> {
        self.found(finder, *finder.found.get(finder.at)?).map(|(_, past)| past)
    }

    /// Takes a statement out.
    pub fn forget(&mut self, text: &str) {
        self.past.retain(|past| past.text != text);
        self.at = None;
    }

    /// Searches; without words, everything from the newest.
    pub fn search(&self, finder: &mut Finder) {
        let pattern = Pattern::parse(&finder.words, CaseMatching::Smart, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut seen: std::collections::HashSet<&str> = std::collections::HashSet::new();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for number in (0..finder.everywhere.as_ref().map_or(self.past.len(), |all| all.len())).rev() {
            let Some((_, past)) = self.found(finder, number) else { continue };
            if !seen.insert(past.text.as_str()) {
                continue;
            }
            let head = &past.text[..past.text.floor_char_boundary(SEARCHED)];
            if let Some(score) = pattern.score(Utf32Str::new(head, &mut buffer), &mut matcher) {
                scored.push((score, number));
            }
        }
        // Stable: among equals the newer stays first.
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        let found = scored.into_iter().map(|(_, number)| number).collect();
        finder.found = found;
        finder.at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::query::Outcome;

    fn recall(texts: &[&str]) -> Recall {
        let mut recall = Recall::default();
        for text in texts {
            recall.keep(Past { text: (*text).to_owned(), at: 0, outcome: Outcome::Done, took: 0, rows: 0 });
        }
        recall
    }

    #[test]
    fn walking_back_and_forth_ends_where_it_began() {
        let mut recall = recall(&["a", "b", "b", "c"]);
        assert_eq!(recall.past().len(), 3);
        assert_eq!(recall.older("draft"), Some("c"));
        assert_eq!(recall.older("c"), Some("b"));
        assert_eq!(recall.older("b"), Some("a"));
        assert_eq!(recall.older("a"), None);
        assert_eq!(recall.newer("a"), Some("b"));
        assert_eq!(recall.newer("b"), Some("c"));
        assert_eq!(recall.newer("c"), Some("draft"));
        assert_eq!(recall.newer("draft"), None);
        assert_eq!(recall.older("draft"), Some("c"));
        assert_eq!(recall.older("c edited"), Some("c"));
    }

    #[test]
    fn a_search_shows_each_statement_once_and_the_newest_first() {
        let recall = recall(&["select 1", "select * from orders", "select 1", "drop table x"]);
        let mut finder = Finder::default();
        recall.search(&mut finder);
        assert_eq!(finder.found, [3, 2, 1]);
        finder.words = "ord".to_owned();
        recall.search(&mut finder);
        assert_eq!(finder.found, [1]);
    }
}
