//! What `EXPLAIN (FORMAT JSON)` says, as a tree: nodes in the order in which EXPLAIN prints them, each with its own share of
//! the time, what its rows were and were expected to be, and what is worth a look. Made from the JSON of PostgreSQL 11 to
//! 18 (documentation, "EXPLAIN", and chapter 14.1 "Using EXPLAIN"). It must not know who asked for it, nor how it is drawn.

mod parse;
mod shares;
mod text;
mod title;
mod trouble;
mod wrap;

pub use parse::{Unreadable, parse};
pub use text::{properties, text};
pub use wrap::{Options, inner, wrap};

use serde_json::{Map, Value};

/// A plan, and what was said of its run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Every node, parents before their children, in the order of EXPLAIN's text. The first is the root.
    pub nodes: Vec<Node>,
    /// Milliseconds spent planning.
    pub planning: Option<f64>,
    /// Milliseconds spent executing, triggers included; `None` where it was not run.
    pub execution: Option<f64>,
    /// Triggers that fired.
    pub triggers: Vec<Trigger>,
    /// Just-in-time compilation, as EXPLAIN says it: how many functions, how many milliseconds.
    pub jit: Option<(u64, f64)>,
    /// Planner settings that are not as they come, name and value.
    pub settings: Vec<(String, String)>,
    /// All else that stands beside the tree, as the server named it.
    pub rest: Vec<(String, String)>,
}

/// A trigger that fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// The trigger's or the constraint's name.
    pub name: String,
    /// The relation it is on, where it was told.
    pub relation: Option<String>,
    /// Milliseconds in all; `None` where times were not taken.
    pub time: Option<f64>,
    /// Calls.
    pub calls: u64,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// How deep: 0 is the root.
    pub depth: usize,
    /// Its parent's place among the nodes.
    pub parent: Option<usize>,
    /// What it is to its parent where it is no plain child: `InitPlan 1 (returns $0)`, `CTE x`, `SubPlan 2`.
    pub subplan: Option<String>,
    /// As EXPLAIN's text heads it: `Index Scan using orders_pkey on orders o`.
    pub title: String,
    /// What the planner expected.
    pub expected: Expected,
    /// What happened; `None` where it was not run.
    pub actual: Option<Actual>,
    /// Milliseconds (or, where nothing was run, cost) of this node alone: no child's, all loops, and of a part that several
    /// processes shared, as long as one of them took.
    pub own: f64,
    /// As [`Node::own`], with all that is below.
    pub whole: f64,
    /// `own` as a part of the root's whole, 0 to 1.
    pub share: f64,
    /// What is worth a look, the gravest first.
    pub troubles: Vec<Trouble>,
    /// All that the server said of it, as it named it; its children are nodes of their own.
    pub says: Map<String, Value>,
}

/// What the planner expected of one loop.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expected {
    /// Cost until the first row.
    pub startup: f64,
    /// Cost of all rows.
    pub total: f64,
    /// Rows.
    pub rows: f64,
    /// Bytes of a row.
    pub width: u64,
}

/// What happened: an average over loops.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Actual {
    /// Milliseconds until the first row, and until the last; `None` with TIMING OFF.
    pub time: Option<(f64, f64)>,
    /// Rows of a loop.
    pub rows: f64,
    /// How often it ran; 0: never executed.
    pub loops: f64,
}

/// Something worth a look.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// Ten times as many rows as expected, or more: so many times.
    More(f64),
    /// A tenth of the rows expected, or fewer: so many times.
    Fewer(f64),
    /// It took a large part of the time.
    Costly,
    /// Memory did not do: in words, with how much went to disk.
    Spilled(String),
    /// It read so many rows only to throw them away.
    Removed(f64),
    /// Fewer parallel workers than planned: so many of so many.
    Workers(u64, u64),
    /// An index-only scan that had to look into the table so often.
    HeapFetches(f64),
    /// A bitmap that forgot rows and kept pages: so many.
    Lossy(f64),
}

impl Plan {
    /// Whether it was run.
    pub fn was_run(&self) -> bool {
        self.nodes.first().is_some_and(|root| root.actual.is_some())
    }

    /// Whether times were taken, so that [`Node::own`] is milliseconds and not cost.
    pub fn has_times(&self) -> bool {
        self.nodes.first().and_then(|root| root.actual).is_some_and(|actual| actual.time.is_some())
    }
}

impl Node {
    /// A property as a text.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.says.get(name)?.as_str()
    }

    /// A property as a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.says.get(name)?.as_f64()
    }

    /// Whether it was to be run and never was.
    pub fn never(&self) -> bool {
        self.actual.is_some_and(|actual| actual.loops == 0.0)
    }

    /// Pages of shared buffers that it, with all below, found and read.
    pub fn buffers(&self) -> Option<(f64, f64)> {
        Some((self.number("Shared Hit Blocks")?, self.number("Shared Read Blocks").unwrap_or(0.0)))
    }

    /// How many times more rows than expected (above 1) or fewer (below 1) a loop gave.
    pub fn missed(&self) -> Option<f64> {
        let actual = self.actual.filter(|actual| actual.loops > 0.0)?;
        Some(actual.rows.max(1.0) / self.expected.rows.max(1.0))
    }
}

impl Trouble {
    /// In a few words.
    pub fn words(&self) -> String {
        let times = |factor: f64| if factor >= 10_000.0 { "10,000+".to_owned() } else { format!("{factor:.0}") };
        match self {
            Trouble::More(factor) => format!("{}× more rows than expected", times(*factor)),
            Trouble::Fewer(factor) => format!("{}× fewer rows than expected", times(*factor)),
            Trouble::Costly => "costly".to_owned(),
            Trouble::Spilled(words) => words.clone(),
            Trouble::Removed(rows) => format!("{rows:.0} rows read only to be filtered out"),
            Trouble::Workers(got, planned) => format!("{got} of {planned} workers started"),
            Trouble::HeapFetches(times) => format!("{times:.0} heap fetches: VACUUM may help"),
            Trouble::Lossy(pages) => format!("bitmap lost rows of {pages:.0} pages: work_mem is small"),
        }
    }
}
