//! Whether texts have some letters in their order, and how well they fit: nucleo's match, which all fuzzy lists here have,
//! over values. Capitals and accents count only where some were typed. It must not know rows, nor what else a filter asks.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// Of a value so many bytes are looked at: in more, any letters are found in any order.
const BEGINNING: usize = 64 << 10;

/// Words whose letters are wanted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fuzzy {
    words: Vec<Atom>,
}

/// What matching needs room for; one for many rows.
pub struct Judge {
    matcher: Matcher,
    buffer: Vec<char>,
}

impl Default for Judge {
    fn default() -> Judge {
        Judge { matcher: Matcher::new(Config::DEFAULT), buffer: Vec::new() }
    }
}

impl Fuzzy {
    /// Of words with blanks between them; `None` for none.
    pub fn new(words: &str) -> Option<Fuzzy> {
        let words: Vec<Atom> = words
            .split_whitespace()
            .map(|word| Atom::new(word, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy, false))
            .collect();
        (!words.is_empty()).then_some(Fuzzy { words })
    }

    /// How well they fit, the more the better: each word in some text of `texts`, where it fits best. `None`: one of them
    /// is in none.
    pub fn score<'a>(&self, texts: impl Iterator<Item = &'a str> + Clone, judge: &mut Judge) -> Option<u32> {
        let Judge { matcher, buffer } = judge;
        let mut all = 0_u32;
        for word in &self.words {
            let best = texts
                .clone()
                .filter_map(|text| {
                    let head = &text[..text.floor_char_boundary(BEGINNING)];
                    word.score(Utf32Str::new(head, buffer), matcher)
                })
                .max()?;
            all = all.saturating_add(best.into());
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(words: &str, texts: &[&str]) -> Option<u32> {
        Fuzzy::new(words).expect("words").score(texts.iter().copied(), &mut Judge::default())
    }

    #[test]
    fn letters_in_their_order_fit_and_closer_ones_better() {
        assert!(score("ordpd", &["order_paid"]).is_some());
        assert_eq!(score("dpro", &["order_paid"]), None, "in their order only");
        assert!(score("paid", &["paid"]) > score("paid", &["p-a-i-d"]));
        assert!(score("muller", &["Müller"]).is_some() && score("MULLER", &["Müller"]).is_none());
        assert_eq!(score("müller", &["Muller"]), None, "an accent that was typed counts");
    }

    #[test]
    fn each_word_may_be_in_another_value() {
        assert!(score("ann paid", &["Anna Schmidt", "paid"]).is_some());
        assert_eq!(score("ann open", &["Anna Schmidt", "paid"]), None);
        assert!(Fuzzy::new("  ").is_none());
    }

    #[test]
    fn a_value_of_megabytes_is_looked_at_where_it_begins() {
        let long = format!("begin{}", "é ".repeat(2 << 20));
        assert!(score("bgn", &[&long]).is_some());
        let late = format!("{}needle", "x".repeat(1 << 20));
        assert_eq!(score("needle", &[&late]), None);
    }
}
