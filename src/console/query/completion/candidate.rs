//! A thing that can be put at the cursor, and how well it fits what was typed. It must not know where names come from.

use nucleo_matcher::{Config, Matcher, Utf32Str};

/// What a candidate is, for its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Column,
    Table,
    View,
    Other,
    Alias,
    Join,
    Function,
    Type,
    Schema,
    Setting,
    Value,
    Role,
    Keyword,
    Command,
}

impl Mark {
    /// One character, told apart without colours.
    pub fn letter(self) -> &'static str {
        match self {
            Mark::Column => "c",
            Mark::Table => "t",
            Mark::View => "v",
            Mark::Other => "o",
            Mark::Alias => "a",
            Mark::Join => "⋈",
            Mark::Function => "ƒ",
            Mark::Type => "T",
            Mark::Schema => "s",
            Mark::Setting => "≡",
            Mark::Value => "=",
            Mark::Role => "@",
            Mark::Keyword => "·",
            Mark::Command => "\\",
        }
    }
}

/// A thing that can be put at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub mark: Mark,
    /// What is shown; as the server has it, control characters and all.
    pub label: String,
    /// What is shown beside it.
    pub detail: String,
    /// What is put in place of what was typed.
    pub insert: String,
    /// Characters the cursor goes back after that: into the parentheses of a call.
    pub back: usize,
    /// More is to be chosen at once: columns after `o.`.
    pub goes_on: bool,
}

/// How well a name fits: the less, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fit {
    /// 0: begins with what was typed; 1: a word of it does; 2: holds its letters in order.
    class: u8,
    /// The matcher's score, turned round.
    score: u16,
}

impl Fit {
    /// Whether nothing that only holds the letters fits as well.
    pub fn is_close(self) -> bool {
        self.class < SCATTERED
    }
}

/// The class of what only holds the letters in order.
const SCATTERED: u8 = 2;

/// Matches names with what was typed.
pub(super) struct Needle {
    typed: String,
    chars: Vec<char>,
    matcher: Option<Matcher>,
    buffer: Vec<char>,
}

impl Needle {
    pub fn new(typed: &str) -> Needle {
        let typed = typed.to_lowercase();
        Needle { chars: typed.chars().collect(), typed, matcher: None, buffer: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }

    /// How well `name` fits, in any case; `None`: not at all, or, where only `close` ones are wanted, not closely.
    pub fn fit(&mut self, name: &str, close: bool) -> Option<Fit> {
        let bytes = name.as_bytes();
        let typed = self.typed.as_bytes();
        let begins = |at: usize| bytes.get(at..at + typed.len()).is_some_and(|head| head.eq_ignore_ascii_case(typed));
        if begins(0) {
            return Some(Fit { class: 0, score: 0 });
        }
        // Letters in their order, before anything that costs more.
        let mut left = typed.iter().peekable();
        for byte in bytes {
            match left.peek() {
                Some(wanted) if byte.eq_ignore_ascii_case(wanted) => drop(left.next()),
                Some(_) => {}
                None => break,
            }
        }
        let in_order = left.peek().is_none();
        if !in_order && self.typed.is_ascii() {
            return None;
        }
        let starts_word = |at: usize| {
            let (before, here) = (bytes[at - 1], bytes[at]);
            !before.is_ascii_alphanumeric() && here.is_ascii_alphanumeric()
                || before.is_ascii_lowercase() && here.is_ascii_uppercase()
        };
        if (1..bytes.len()).any(|at| starts_word(at) && begins(at)) {
            return Some(Fit { class: 1, score: 0 });
        }
        // One letter somewhere in a name says nothing.
        if close || self.chars.len() < 2 {
            return None;
        }
        let matcher = self.matcher.get_or_insert_with(|| Matcher::new(Config::DEFAULT));
        let name = Utf32Str::new(name, &mut self.buffer);
        let needle =
            if self.typed.is_ascii() { Utf32Str::Ascii(typed) } else { Utf32Str::Unicode(self.chars.as_slice()) };
        let score = matcher.fuzzy_match(name, needle)?;
        Some(Fit { class: SCATTERED, score: u16::MAX - score })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_better_than_a_word_and_a_word_than_letters() {
        let mut needle = Needle::new("cu");
        let fits: Vec<_> = ["Customers", "order_customers", "orderCustomers", "records_updated", "orders"]
            .map(|name| needle.fit(name, false).map(|fit| fit.class))
            .into();
        assert_eq!(fits, [Some(0), Some(1), Some(1), Some(2), None]);
        assert_eq!(Needle::new("ü").fit("über", false).map(|fit| fit.class), Some(0));
        assert_eq!(Needle::new("o").fit("x_foo", false), None, "one letter in the middle");
        assert!(Needle::new("").fit("anything", true).is_some());
        assert_eq!(needle.fit("records_updated", true), None, "not closely");
        assert!(needle.fit("order_customers", true).is_some_and(Fit::is_close));
    }
}
