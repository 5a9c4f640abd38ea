//! The filter of the tree: which names fit, letters in their order. It must not know how rows are drawn.

use super::{Group, Node, Row, Tree};
use crate::model::catalogue::{Letters, Name};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// Judges names.
struct Sieve {
    pattern: Pattern,
    matcher: Matcher,
    buffer: Vec<char>,
    /// A dot in it: schema and name are looked at together.
    whole: bool,
    letters: Letters,
}

impl Sieve {
    fn new(filter: &str) -> Sieve {
        Sieve {
            pattern: Pattern::parse(filter, CaseMatching::Ignore, Normalization::Smart),
            matcher: Matcher::new(Config::DEFAULT),
            buffer: Vec::new(),
            whole: filter.contains('.'),
            letters: Letters::of(&filter.split(|c: char| !c.is_ascii_alphanumeric()).collect::<String>()),
        }
    }

    fn score(&mut self, schema: &str, name: &str) -> Option<u32> {
        let both;
        let text = match self.whole {
            true => {
                both = format!("{schema}.{name}");
                both.as_str()
            }
            false => name,
        };
        self.pattern.score(Utf32Str::new(text, &mut self.buffer), &mut self.matcher)
    }
}

impl Tree {
    /// What the filter leaves, in the tree's order, below the schemas it is of.
    pub(super) fn sifted(&self) -> Vec<Row> {
        self.judged().0
    }

    /// To what fits best.
    pub(super) fn select_best(&mut self) {
        let (rows, best) = self.judged();
        self.rows = rows;
        self.at = best;
        self.settle();
    }

    fn judged(&self) -> (Vec<Row>, usize) {
        let catalogue = &self.index.catalogue;
        let mut sieve = Sieve::new(&self.filter);
        let mut rows = Vec::new();
        let (mut best, mut best_at) = (0, 0);
        for (number, schema) in self.index.schemas.iter().enumerate() {
            let schema_name = catalogue.text(schema.name);
            let own = rows.len();
            rows.push(Row { node: Node::Schema(number as u32), depth: 0 });
            let mut offer = |rows: &mut Vec<Row>, node: Node, name: Name, letters: Option<Letters>, depth: u16| {
                if !sieve.whole && letters.is_some_and(|letters| !letters.has(sieve.letters)) {
                    return;
                }
                let name = catalogue.text(name);
                let Some(score) = sieve.score(schema_name, name) else { return };
                // Among equals the shorter name was meant, and a relation before all else.
                let rank = score.saturating_mul(1000).saturating_sub(name.len() as u32)
                    + if matches!(node, Node::Relation(_)) { 500 } else { 0 };
                if rank > best {
                    (best, best_at) = (rank, rows.len());
                }
                match node {
                    Node::Relation(at) if self.open.contains(&node) => self.grow(at, depth, rows),
                    node => rows.push(Row { node, depth }),
                }
            };
            for at in schema.relations.iter().chain(&schema.partitions) {
                let relation = &catalogue.relations()[*at as usize];
                offer(&mut rows, Node::Relation(*at), relation.name, Some(relation.letters), 1);
            }
            for group in [Group::Sequences, Group::Functions, Group::Types] {
                let before = rows.len();
                let node = Node::Group(number as u32, group);
                rows.push(Row { node, depth: 1 });
                match group {
                    Group::Sequences => schema.sequences.iter().for_each(|at| {
                        let relation = &catalogue.relations()[*at as usize];
                        offer(&mut rows, Node::Relation(*at), relation.name, Some(relation.letters), 2);
                    }),
                    Group::Functions => schema.functions.iter().for_each(|at| {
                        let function = &catalogue.functions()[*at as usize];
                        offer(&mut rows, Node::Function(*at), function.name, Some(function.letters), 2);
                    }),
                    Group::Types => schema.types.iter().for_each(|at| {
                        offer(&mut rows, Node::Type(*at), catalogue.types()[*at as usize].name, None, 2);
                    }),
                }
                if rows.len() == before + 1 {
                    rows.pop();
                }
            }
            if rows.len() == own + 1 {
                rows.pop();
            }
        }
        let before = rows.len();
        rows.push(Row { node: Node::Extensions, depth: 0 });
        for (at, name) in catalogue.extensions().iter().enumerate() {
            if sieve.score("", catalogue.text(*name)).is_some() {
                rows.push(Row { node: Node::Extension(at as u32), depth: 1 });
            }
        }
        if rows.len() == before + 1 {
            rows.pop();
        }
        (rows, best_at)
    }
}
