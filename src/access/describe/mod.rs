//! psql's words about the catalogue (`\l`, `\d NAME`, `\df`, `\sf`, …): asks the server and answers with what psql prints.
//! It must not know where that is shown.
//!
//! Columns and words are those of the psql that came with the server: with a server of 16 psql 16's, and so on to 18; with an
//! older one than 15, psql 15's. `\drg` and `\zS`, which psql has since 16, are here for all of them.
//!
//! A word with an unclosed quote is refused (psql complains and answers as if nothing had been named), and a semicolon at the
//! end of `\sf` and `\sv` is no part of the name. `\dAc`, `\dAf`, `\dAo`, `\dAp` (operator classes and families) are not here.
//!
//! The queries qualify every name with `pg_catalog`, so that no search_path can put something else in its place.

mod access_methods;
mod answer;
mod argument;
mod cluster;
mod extensions;
mod foreign;
mod functions;
mod list;
mod operators;
mod partitioned;
mod pattern;
mod printed;
mod privileges;
mod relation;
mod relations;
mod replication;
mod roles;
mod schemas;
mod server;
mod source;
mod statistics;
mod text_search;
mod types;
mod word;

pub use printed::Printed;

use super::Session;
use crate::model::Diagnosis;
use server::Server;
use word::{Family, Word};

/// Why a word was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is none of the family's words.
    #[error("invalid command \\{0}")]
    UnknownWord(String),
    /// There is no such thing; the sentence is psql's.
    #[error("{0}")]
    NothingFound(String),
    /// There is nothing to list. For psql that is no failure; told to be quiet, it prints the empty list.
    #[error("{words}")]
    NothingListed {
        /// psql's sentence.
        words: String,
        /// The list.
        list: Box<Printed>,
    },
    /// The argument cannot be meant so.
    #[error("{0}")]
    BadArgument(String),
    /// The server refused, or the wire was lost.
    #[error("{}", .0.title)]
    Server(Diagnosis),
}

impl From<Diagnosis> for Refused {
    fn from(diagnosis: Diagnosis) -> Refused {
        Refused::Server(diagnosis)
    }
}

/// Whether `word` (without its backslash, with its modifiers: `dt+`, `dS+`) belongs to the family.
pub fn is_word(word: &str) -> bool {
    Word::parse(word).is_some()
}

/// Answers one word. `arguments` is the rest of its line, after variables were put in.
///
/// Several pieces come where psql prints several tables (`\d` of a pattern that fits several relations, `\dx+`).
pub async fn describe(session: &mut Session, word: &str, arguments: &str) -> Result<Vec<Printed>, Refused> {
    let Some(word) = Word::parse(word) else { return Err(Refused::UnknownWord(word.to_owned())) };
    // The states of the longer families are deep; a caller's stack may be small.
    Box::pin(answer(session, &word, arguments)).await
}

async fn answer(session: &mut Session, word: &Word, arguments: &str) -> Result<Vec<Printed>, Refused> {
    let mut asked = Server::new(session);
    let server = &mut asked;
    // A definition's name is the whole line, with its quotes and spaces.
    let whole_line = matches!(word.family, Family::FunctionSource | Family::ViewSource);
    let words = if whole_line { Vec::new() } else { argument::split(arguments)? };
    let pattern = words.first().map(String::as_str);
    let list = match &word.family {
        Family::FunctionSource | Family::ViewSource => return one(source::answer(server, word, arguments).await),
        Family::Relation => return relation::answer(server, word, pattern).await,
        Family::Relations(kinds) => return relations::answer(server, word, kinds, pattern).await,
        Family::Roles => return one(roles::answer(server, word, pattern).await),
        Family::RoleGrants => return one(roles::grants(server, word, pattern).await),
        Family::RoleSettings => return one(roles::settings(server, &words).await),
        Family::Schemas => return one(schemas::answer(server, word, pattern).await),
        Family::Extensions if word.more => return extensions::contents(server, pattern).await,
        Family::Publications if word.more => return replication::publications(server, pattern).await,
        Family::TextSearchConfigurations if word.more => return text_search::configurations(server, pattern).await,
        Family::TextSearchParsers if word.more => return text_search::parsers(server, pattern).await,
        Family::Partitioned(kinds) => partitioned::list(server, word, kinds, pattern),
        Family::Functions(kinds) => functions::list(server, word, kinds, &words),
        Family::Operators => operators::operators(server, word, &words),
        Family::Databases => cluster::databases(server, word, pattern),
        Family::Tablespaces => cluster::tablespaces(server, word, pattern),
        Family::Parameters => cluster::parameters(server, word, pattern),
        Family::Aggregates => functions::aggregates(server, word, pattern),
        Family::Types => types::types(server, word, pattern),
        Family::Domains => types::domains(server, word, pattern),
        Family::Casts => operators::casts(server, word, pattern),
        Family::Conversions => operators::conversions(server, word, pattern),
        Family::Collations => operators::collations(server, word, pattern),
        Family::Languages => extensions::languages(server, word, pattern),
        Family::Extensions => extensions::installed(server, pattern),
        Family::EventTriggers => extensions::event_triggers(server, word, pattern),
        Family::Descriptions => extensions::descriptions(server, word, pattern),
        Family::LargeObjects => Ok(extensions::large_objects(server, word)),
        Family::Privileges => privileges::privileges(server, word, pattern),
        Family::DefaultPrivileges => privileges::defaults(server, pattern),
        Family::Publications => replication::list(server, pattern),
        Family::Subscriptions => replication::subscriptions(server, word, pattern),
        Family::Wrappers => foreign::wrappers(server, word, pattern),
        Family::Servers => foreign::servers(server, word, pattern),
        Family::UserMappings => foreign::user_mappings(server, word, pattern),
        Family::ForeignTables => foreign::tables(server, word, pattern),
        Family::Statistics => statistics::list(server, pattern),
        Family::TextSearchConfigurations => text_search::list_configurations(server, pattern),
        Family::TextSearchParsers => text_search::list_parsers(server, pattern),
        Family::TextSearchDictionaries => text_search::dictionaries(server, word, pattern),
        Family::TextSearchTemplates => text_search::templates(server, word, pattern),
        Family::AccessMethods => access_methods::methods(server, word, pattern),
    };
    one(list?.print(server).await)
}

fn one(printed: Result<Printed, Refused>) -> Result<Vec<Printed>, Refused> {
    printed.map(|printed| vec![printed])
}
