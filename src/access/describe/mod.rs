//! psql's words about the catalogue (`\l`, `\d NAME`, `\df`, `\sf`, …): asks the server and answers with what psql prints.
//! It must not know where that is shown.
//!
//! The columns are psql 15's, for servers 11 to 17. Where newer clients differ it stays with 15: psql 16 takes "Member of"
//! out of `\du` (for `\drg`) and adds "ICU Rules" to `\l` and `\dO`; 17 writes `(none)` for an empty list of privileges; 18
//! adds "Leakproof?" to `\df+` and `\do+`, and the version available to `\dx`.
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
use list::List;
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
    /// The argument cannot be meant so.
    #[error("{0}")]
    BadArgument(String),
    /// The server does not have what was asked for.
    #[error("{0}")]
    TooOld(String),
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
    let mut server = Server::new(session);
    if let Family::FunctionSource | Family::ViewSource = word.family {
        return source::answer(&mut server, word, arguments).await.map(|printed| vec![printed]);
    }
    let arguments = argument::split(arguments)?;
    let first = arguments.first().map(String::as_str);
    let list = match &word.family {
        Family::Relation => return relation::answer(&mut server, word, first).await,
        Family::Relations(kinds) => return relations::answer(&mut server, word, kinds, first).await,
        Family::Roles => return roles::answer(&mut server, word, first).await.map(|printed| vec![printed]),
        Family::Schemas => return schemas::answer(&mut server, word, first).await,
        Family::Extensions if word.more => return extensions::contents(&mut server, first).await,
        Family::Publications if word.more => return replication::publications(&mut server, first).await,
        Family::TextSearchConfigurations if word.more => return text_search::configurations(&mut server, first).await,
        Family::TextSearchParsers if word.more => return text_search::parsers(&mut server, first).await,
        Family::RoleSettings => return roles::settings(&mut server, &arguments).await.map(|printed| vec![printed]),
        Family::Partitioned(kinds) => partitioned::list(&server, word, kinds, first)?,
        Family::Functions(kinds) => functions::list(&server, word, kinds, &arguments)?,
        Family::Operators => operators::operators(&server, word, &arguments)?,
        family => simple(&server, family, word, first)?,
    };
    list.print(&mut server).await.map(|printed| vec![printed])
}

/// The families that are one query about one pattern.
fn simple(server: &Server<'_>, family: &Family, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    match family {
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
        Family::LargeObjects => Ok(extensions::large_objects(word)),
        Family::Privileges => privileges::privileges(server, pattern),
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
        other => Err(Refused::UnknownWord(format!("{other:?}"))),
    }
}
