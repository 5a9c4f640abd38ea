//! Which databases are on the list, in which order, under which cluster: listing, filter, sorting and folding become rows.
//! Pure; it must not know a screen or a key.

use super::Listing;
use crate::model::{Database, DatabaseKind, IamAuth};
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Index of the listing.
    pub listing: usize,
    /// Index of the database in it.
    pub database: usize,
    /// Whether it stands under its cluster.
    pub member: bool,
    /// Whether it has members, and whether they are shown.
    pub fold: Fold,
    /// Characters of the name that the filter found.
    pub found: Vec<u32>,
}

/// Whether a row hides others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// It has none.
    None,
    /// They are shown.
    Open,
    /// They are hidden.
    Closed,
}

/// By which column, and which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub by: Column,
    /// From the end.
    pub descending: bool,
}

/// What can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Column {
    /// Identifier.
    #[default]
    Name,
    /// Engine and version.
    Engine,
    /// AWS's status word.
    Status,
    /// IAM authentication.
    Iam,
    /// Region, then profile.
    Region,
}

impl Column {
    /// In a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Column::Name => "name",
            Column::Engine => "engine",
            Column::Status => "status",
            Column::Iam => "IAM",
            Column::Region => "region",
        }
    }

    /// The next, round and round.
    pub fn next(self) -> Column {
        match self {
            Column::Name => Column::Engine,
            Column::Engine => Column::Status,
            Column::Status => Column::Iam,
            Column::Iam => Column::Region,
            Column::Region => Column::Name,
        }
    }
}

/// IAM authentication in a column: what it is, or will be.
pub fn iam(iam: IamAuth) -> &'static str {
    match iam {
        IamAuth::Enabled => "on",
        IamAuth::Disabled => "off",
        IamAuth::Pending { to: true } => "→ on",
        IamAuth::Pending { to: false } => "→ off",
    }
}

/// The rows to show.
pub fn arrange(listings: &[Listing], filter: &str, sort: Sort, folded: &BTreeSet<String>) -> Vec<Row> {
    let mut filter = Filter::new(filter);
    let mut groups: Vec<(&Database, Vec<Row>)> = Vec::new();
    for (listing, databases) in
        listings.iter().enumerate().filter_map(|(at, l)| Some((at, &l.latest.as_ref()?.databases)))
    {
        let heads: HashMap<&str, usize> = databases
            .iter()
            .enumerate()
            .filter(|(_, database)| database.kind == DatabaseKind::Cluster)
            .map(|(at, database)| (database.identifier.as_str(), at))
            .collect();
        let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut tops = Vec::new();
        for (at, database) in databases.iter().enumerate() {
            match database.cluster.as_deref().and_then(|cluster| heads.get(cluster)) {
                Some(head) => members.entry(*head).or_default().push(at),
                None => tops.push(at),
            }
        }
        for top in tops {
            let row = |database, member, fold, found| Row { listing, database, member, fold, found };
            let head = &databases[top];
            let head_found = filter.find(head);
            let below = members.remove(&top).unwrap_or_default();
            // A member that fits brings its cluster along; a cluster that fits brings its members, but not those an
            // inverse word rules out.
            let below: Vec<(usize, Vec<u32>)> = below
                .into_iter()
                .filter_map(|at| match filter.find(&databases[at]) {
                    Some(found) => Some((at, found)),
                    None if head_found.is_some() && !filter.excludes(&databases[at]) => Some((at, Vec::new())),
                    None => None,
                })
                .collect();
            if head_found.is_none() && (below.is_empty() || filter.excludes(head)) {
                continue;
            }
            let closed = folded.contains(&head.arn) && (filter.is_empty() || below.iter().all(|(_, f)| f.is_empty()));
            let fold = match (below.is_empty(), closed) {
                (true, _) => Fold::None,
                (false, true) => Fold::Closed,
                (false, false) => Fold::Open,
            };
            let mut rows = vec![row(top, false, fold, head_found.unwrap_or_default())];
            if !closed {
                rows.extend(below.into_iter().map(|(at, found)| row(at, true, Fold::None, found)));
            }
            groups.push((head, rows));
        }
    }
    groups.sort_by(|(a, _), (b, _)| {
        let order = compare(a, b, sort.by);
        let order = if sort.descending { order.reverse() } else { order };
        order.then_with(|| natural(a, b))
    });
    groups.into_iter().flat_map(|(_, rows)| rows).collect()
}

fn natural(a: &Database, b: &Database) -> Ordering {
    (&a.identifier, &a.place, &a.arn).cmp(&(&b.identifier, &b.place, &b.arn))
}

fn compare(a: &Database, b: &Database, by: Column) -> Ordering {
    match by {
        Column::Name => a.identifier.cmp(&b.identifier),
        Column::Engine => a
            .engine
            .name()
            .cmp(b.engine.name())
            .then_with(|| version(&a.engine_version).cmp(&version(&b.engine_version))),
        // What is not as usual comes first.
        Column::Status => (a.status == "available", &a.status).cmp(&(b.status == "available", &b.status)),
        Column::Iam => a.iam.name().cmp(b.iam.name()),
        Column::Region => (&a.place.region, &a.place.profile).cmp(&(&b.place.region, &b.place.profile)),
    }
}

/// `16.10` comes after `16.9`.
fn version(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

/// A filter: words that must all fit. A word fits the name fuzzily (nucleo's syntax: `^a`, `a$`, `'a`), or is part of any
/// other column or of a tag's value, or is what the IAM column says; `!word` must be part of none.
struct Filter {
    wanted: Vec<(Pattern, String)>,
    unwanted: Vec<String>,
    matcher: Matcher,
}

impl Filter {
    fn new(text: &str) -> Filter {
        let mut filter = Filter { wanted: Vec::new(), unwanted: Vec::new(), matcher: Matcher::new(Config::DEFAULT) };
        for word in text.split_whitespace() {
            match word.strip_prefix('!') {
                // A lone `!` is a word not yet typed.
                Some("") => {}
                Some(rest) => filter.unwanted.push(rest.to_lowercase()),
                None => {
                    let pattern = match word.starts_with(['^', '\'']) || word.ends_with('$') {
                        true => Pattern::parse(word, CaseMatching::Ignore, Normalization::Smart),
                        false => Pattern::new(word, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy),
                    };
                    filter.wanted.push((pattern, word.to_lowercase()));
                }
            }
        }
        filter
    }

    fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    fn excludes(&self, database: &Database) -> bool {
        let has = |word: &String| columns(database).any(|text| text.to_lowercase().contains(word));
        self.unwanted.iter().any(|word| has(word) || is_iam(database.iam, word))
    }

    /// Characters of the name that were found, or `None` when it does not fit.
    fn find(&mut self, database: &Database) -> Option<Vec<u32>> {
        if self.excludes(database) {
            return None;
        }
        let mut found = Vec::new();
        for (pattern, word) in &self.wanted {
            let mut buffer = Vec::new();
            let name = Utf32Str::new(&database.identifier, &mut buffer);
            if pattern.indices(name, &mut self.matcher, &mut found).is_none()
                && !columns(database).skip(1).any(|text| text.to_lowercase().contains(word))
                && !is_iam(database.iam, word)
            {
                return None;
            }
        }
        found.sort_unstable();
        found.dedup();
        Some(found)
    }
}

/// Whether a word says how IAM authentication stands. The whole word: parts of `on` are in too many names.
fn is_iam(auth: IamAuth, word: &str) -> bool {
    let pending = matches!(auth, IamAuth::Pending { .. });
    iam(auth).trim_start_matches("→ ") == word || (pending && word == "pending")
}

/// What a filter looks at, the name first.
fn columns(database: &Database) -> impl Iterator<Item = &str> {
    [
        database.identifier.as_str(),
        database.role.name(),
        database.engine.name(),
        database.engine.short(),
        database.engine_version.as_str(),
        database.status.as_str(),
        database.resource_id.as_str(),
        database.place.region.as_str(),
        database.place.profile.as_deref().unwrap_or_default(),
        database.class.as_deref().unwrap_or_default(),
    ]
    .into_iter()
    .chain(database.endpoints.iter().map(|endpoint| endpoint.host.as_str()))
    .chain(database.tags.iter().map(|(_, value)| value.as_str()))
}
