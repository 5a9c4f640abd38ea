//! psql's words about the catalogue (`\l`, `\d NAME`, `\df`, `\sf`, …): asks the server and answers with what psql prints.
//! It must not know where that is shown.
//!
//! The columns are psql 15's, for servers 11 to 17. Where newer clients differ it stays with 15: psql 16 takes "Member of"
//! out of `\du` (for `\drg`) and adds "ICU Rules" to `\l` and `\dO`; 17 writes `(none)` for an empty list of privileges; 18
//! adds "Leakproof?" to `\df+` and `\do+`, and the version available to `\dx`.
//!
//! The queries qualify every name with `pg_catalog`, so that no search_path can put something else in its place.

mod answer;
mod argument;
mod cluster;
mod list;
mod pattern;
mod printed;
mod relations;
mod server;
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
    let arguments = argument::split(arguments)?;
    let first = arguments.first().map(String::as_str);
    let list = match &word.family {
        Family::Relations(kinds) => return relations::answer(&mut server, word, kinds, first).await,
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
        other => Err(Refused::UnknownWord(format!("{other:?}"))),
    }
}
