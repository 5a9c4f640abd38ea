//! From the sources of a statement to their columns, by a catalogue: through WITH queries, queries in parentheses, and
//! renamed columns. It must not know what columns are wanted for.

use super::Written;
use super::scope::{Of, Output, Query, Scope, Source};
use crate::model::catalogue::Catalogue;
use std::borrow::Cow;

/// Queries within one another are followed so deep.
const DEEPEST: usize = 8;
/// More columns than a relation can have (1,600), and not more than anybody would look through.
const MOST: usize = 4096;

/// A column of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its name, as the server knows it.
    pub name: Cow<'a, str>,
    /// Its type, where it is known.
    pub of_type: Option<&'a str>,
}

impl Scope {
    /// The columns of a source that can be named at the cursor.
    pub fn columns<'a>(&'a self, source: &'a Source, catalogue: &'a Catalogue, path: &[String]) -> Vec<Found<'a>> {
        let mut next = Some(self.here);
        while let Some(query) = next.and_then(|number| self.queries.get(number)) {
            if query.sources.iter().any(|own| std::ptr::eq(own, source)) {
                break;
            }
            next = query.parent;
        }
        self.of_source(next.unwrap_or(self.here), source, catalogue, path, 0)
    }

    /// The columns that the select list at the cursor gives.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        let outputs = self.queries.get(self.here).map_or(&[][..], |query| &query.outputs);
        outputs.iter().filter_map(|output| match output {
            Output::Named(name, of) if of.as_ref().is_none_or(|(_, column)| column != name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The relation that a source is, if it is one and no WITH query hides it.
    pub fn relation(&self, source: &Source, catalogue: &Catalogue, path: &[String]) -> Option<usize> {
        match &source.of {
            Of::Relation(Written { schema, name }) => {
                if schema.is_none() && self.ctes().any(|cte| cte == name) {
                    return None;
                }
                catalogue.find(schema.as_deref(), name, path)
            }
            _ => None,
        }
    }

    fn of_source<'a>(
        &'a self,
        within: usize,
        source: &'a Source,
        catalogue: &'a Catalogue,
        path: &[String],
        depth: usize,
    ) -> Vec<Found<'a>> {
        let mut found = match &source.of {
            Of::Query(query) => self.of_query(*query, catalogue, path, depth + 1),
            Of::Relation(Written { schema, name }) => {
                match schema.is_none().then(|| self.cte(within, name)).flatten() {
                    Some((query, renamed)) => {
                        let mut found =
                            query.map_or_else(Vec::new, |query| self.of_query(query, catalogue, path, depth + 1));
                        rename(&mut found, renamed);
                        found
                    }
                    None => catalogue.find(schema.as_deref(), name, path).map_or_else(Vec::new, |relation| {
                        let columns = catalogue.columns(&catalogue.relations()[relation]).iter();
                        columns
                            .map(|column| Found {
                                name: Cow::Borrowed(catalogue.text(column.name)),
                                of_type: Some(catalogue.text(column.of_type)),
                            })
                            .collect()
                    }),
                }
            }
            Of::Function(_) => Vec::new(),
        };
        rename(&mut found, &source.renamed);
        found
    }

    fn of_query<'a>(
        &'a self,
        number: usize,
        catalogue: &'a Catalogue,
        path: &[String],
        depth: usize,
    ) -> Vec<Found<'a>> {
        let Some(query) = self.queries.get(number).filter(|_| depth <= DEEPEST) else { return Vec::new() };
        let mut found: Vec<Found<'a>> = Vec::new();
        for output in &query.outputs {
            if found.len() > MOST {
                break;
            }
            match output {
                Output::All => {
                    for source in &query.sources {
                        found.extend(self.of_source(number, source, catalogue, path, depth + 1));
                    }
                }
                Output::AllOf(label) => {
                    for source in query.sources.iter().filter(|source| source.label() == Some(label)) {
                        found.extend(self.of_source(number, source, catalogue, path, depth + 1));
                    }
                }
                Output::Named(name, of) => {
                    let of_type = of.as_ref().and_then(|(qualifier, column)| {
                        let mut sources = query
                            .sources
                            .iter()
                            .filter(|source| qualifier.is_none() || source.label() == qualifier.as_deref());
                        sources.find_map(|source| {
                            let columns = self.of_source(number, source, catalogue, path, depth + 1);
                            columns.into_iter().find(|found| found.name == *column).and_then(|found| found.of_type)
                        })
                    });
                    found.push(Found { name: Cow::Borrowed(name), of_type });
                }
            }
        }
        found
    }

    /// The WITH query of that name, as seen from a query: what it reads, and how its columns are called.
    fn cte(&self, within: usize, name: &str) -> Option<(Option<usize>, &[String])> {
        let mut next = Some(within);
        while let Some(query) = next.and_then(|number| self.queries.get(number)) {
            let Query { parent, ctes, .. } = query;
            if let Some(cte) = ctes.iter().find(|cte| cte.name == name) {
                return Some((cte.query, &cte.renamed));
            }
            next = *parent;
        }
        None
    }
}

fn rename<'a>(found: &mut Vec<Found<'a>>, renamed: &'a [String]) {
    for (at, name) in renamed.iter().enumerate() {
        match found.get_mut(at) {
            Some(column) => column.name = Cow::Borrowed(name),
            None => found.push(Found { name: Cow::Borrowed(name), of_type: None }),
        }
    }
}
