//! Saved queries as the pane sees them: a list that is searched, with a look at each, and the line where one is named. It
//! must not know files.

mod keys;
mod press;
pub(super) mod view;

pub use keys::{Choose, LABEL, Label, PICK};
pub(super) use press::{begin_save, hear, key, open, paste};

use crate::access::saved::Saved;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// What lies over the pane.
#[derive(Clone, Debug)]
pub(super) enum Shelf {
    /// The list; `None` while it is read.
    List(Option<List>),
    /// Where one is named.
    Naming(Naming),
}

/// The list.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    pub all: Vec<Saved>,
    pub words: String,
    /// What fits, best first.
    pub found: Vec<usize>,
    pub at: usize,
}

/// A query that is being named.
#[derive(Clone, Debug)]
pub(super) struct Naming {
    pub saved: Saved,
    /// What it was before, where it is renamed.
    pub before: Option<Saved>,
    /// Whether the description is typed, not the name.
    pub about: bool,
    /// Names that are taken, for the question; `None` while they are not known.
    pub taken: Option<Vec<Saved>>,
}

impl List {
    fn new(all: Vec<Saved>) -> List {
        let mut list = List { all, ..List::default() };
        list.search();
        list
    }

    pub fn selected(&self) -> Option<&Saved> {
        self.all.get(*self.found.get(self.at)?)
    }

    fn search(&mut self) {
        let pattern = Pattern::parse(&self.words, CaseMatching::Smart, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (at, saved) in self.all.iter().enumerate() {
            let mut best = None;
            // What is in the name was meant before what is in the text.
            for (part, weight) in [(&saved.name, 3), (&saved.about, 2), (&saved.text, 1)] {
                let part = &part[..part.floor_char_boundary(2000)];
                let score = pattern.score(Utf32Str::new(part, &mut buffer), &mut matcher);
                best = best.max(score.map(|score| score.saturating_mul(weight)));
            }
            scored.extend(best.map(|score| (score, at)));
        }
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        self.found = scored.into_iter().map(|(_, at)| at).collect();
        self.at = 0;
    }
}
