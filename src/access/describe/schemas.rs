//! Schemas (`\dn`). It must not know sessions.

use super::answer::Answer;
use super::server::{Server, filter};
use super::word::Word;
use super::{Printed, Refused};

/// `\dn`; of a schema named by a pattern, the publications too.
pub async fn answer(server: &mut Server<'_>, word: &Word, pattern: Option<&str>) -> Result<Printed, Refused> {
    let mut conditions = server.named_in_database(pattern, "n.nspname")?;
    if pattern.is_none() && !word.system {
        conditions.push("n.nspname !~ '^pg_' and n.nspname <> 'information_schema'".to_owned());
    }
    let more = if word.more {
        let privileges = server.privileges("n.nspacl");
        format!("{privileges}, pg_catalog.obj_description(n.oid, 'pg_namespace') as \"Description\"")
    } else {
        String::new()
    };
    let filter = filter(&conditions);
    let list = format!(
        "select n.nspname as \"Name\", pg_catalog.pg_get_userbyid(n.nspowner) as \"Owner\"{more} \
         from pg_catalog.pg_namespace n{filter} order by 1"
    );
    let mut queries = vec![list];
    if pattern.is_some() && server.major >= 15 {
        queries.push(format!(
            "select distinct p.pubname from pg_catalog.pg_publication p \
             join pg_catalog.pg_publication_namespace m on m.pnpubid = p.oid \
             join pg_catalog.pg_namespace n on n.oid = m.pnnspid{filter} order by 1"
        ));
    }
    let mut answers = server.ask_all(&queries).await?.into_iter();
    let mut table = Printed::counted("List of schemas", answers.next().unwrap_or_default());
    let publications: Answer = answers.next().unwrap_or_default();
    if !publications.rows.is_empty() {
        table.footers.push("Publications:".to_owned());
        let names = (0..publications.rows.len()).map(|row| format!("    \"{}\"", publications.text(row, 0)));
        table.footers.extend(names);
    }
    Ok(table)
}
