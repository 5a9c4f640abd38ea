//! What of a tab's text was run, so that Enter runs what came since and leaving asks about what never ran. It must not know
//! an editor: texts come in, answers go out.

use crate::model::sql::statements;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What was run.
#[derive(Clone, Debug, Default)]
pub(super) struct Spent {
    /// Each statement by itself: the text around it may be another by now.
    statements: HashSet<u64>,
    /// The text as it was at the last run: its length and what it was.
    text: Option<(usize, u64)>,
    /// The edition of that text.
    edition: Option<u64>,
}

impl Spent {
    /// These statements are run.
    pub fn keep(&mut self, sql: &str) {
        self.statements.extend(statements(sql).iter().map(|statement| sum(statement.of(sql))));
    }

    /// Something of this text is run: what is in it by now is no news any more.
    pub fn mark(&mut self, text: &str, edition: u64) {
        self.text = Some((text.len(), sum(text)));
        self.edition = Some(edition);
    }

    /// Where what was written since the last run begins: the whole text where nothing ran yet, `None` where what ran was
    /// changed since.
    pub fn until(&self, text: &str) -> Option<usize> {
        let Some((len, before)) = self.text else { return Some(0) };
        text.get(..len).is_some_and(|same| sum(same) == before).then_some(len)
    }

    /// Whether something of that very edition was run.
    pub fn is_of(&self, edition: u64) -> bool {
        self.edition == Some(edition)
    }

    /// Whether that statement was run.
    pub fn has(&self, sql: &str) -> bool {
        self.statements.contains(&sum(sql))
    }
}

fn sum(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
