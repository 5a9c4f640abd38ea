//! Access methods (`\dA`). It must not know sessions.

use super::Refused;
use super::list::List;
use super::server::{Server, filter};
use super::word::Word;

/// `\dA`.
pub fn methods(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let more = if word.more {
        ", a.amhandler as \"Handler\", pg_catalog.obj_description(a.oid, 'pg_am') as \"Description\""
    } else {
        ""
    };
    Ok(List {
        title: "List of access methods",
        query: format!(
            "select a.amname as \"Name\", case a.amtype when 'i' then 'Index' when 't' then 'Table' end as \"Type\"{more} \
             from pg_catalog.pg_am a{} order by 1",
            filter(&server.named(pattern, "a.amname")?)
        ),
    })
}
