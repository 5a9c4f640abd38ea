//! Lists of relations: `\dt`, `\dv`, … together or alone, and `\d` without a name. It must not know what is in them.

use super::pattern::Columns;
use super::server::Server;
use super::word::Word;
use super::{Printed, Refused};

/// `\d` without a name.
pub const ALL: &str = "tvmsE";

/// `\d` followed by letters of `tvmisE`.
pub async fn answer(
    server: &mut Server<'_>,
    word: &Word,
    letters: &str,
    pattern: Option<&str>,
) -> Result<Vec<Printed>, Refused> {
    let query = query(server, word, letters, pattern)?;
    let answer = server.ask(&query).await?;
    // Since psql 18 a list of one kind says which.
    let kind = match letters {
        _ if server.psql < 18 => None,
        "t" => Some("tables"),
        "v" => Some("views"),
        "m" => Some("materialized views"),
        "i" => Some("indexes"),
        "s" => Some("sequences"),
        "E" => Some("foreign tables"),
        _ => None,
    };
    let list = Printed::counted(format!("List of {}", kind.unwrap_or("relations")), answer);
    if !list.rows.is_empty() {
        return Ok(vec![list]);
    }
    let words = match pattern {
        Some(pattern) if server.psql < 18 => format!("Did not find any relation named \"{pattern}\"."),
        Some(pattern) => format!("Did not find any {} named \"{pattern}\".", kind.unwrap_or("relations")),
        None => format!("Did not find any {}.", kind.unwrap_or("relations")),
    };
    Err(Refused::NothingListed { words, list: Box::new(list) })
}

fn query(server: &Server<'_>, word: &Word, letters: &str, pattern: Option<&str>) -> Result<String, Refused> {
    // pg_class.relkind. Among the system's own, and for a pattern, TOAST tables are tables, and there is the special kind.
    let mut kinds = Vec::new();
    for letter in letters.chars() {
        kinds.extend_from_slice(match letter {
            't' if word.system || pattern.is_some() => &["r", "p", "t"][..],
            't' => &["r", "p"][..],
            'v' => &["v"],
            'm' => &["m"],
            'i' => &["i", "I"],
            's' => &["S"],
            _ => &["f"],
        });
    }
    if word.system || pattern.is_some() {
        kinds.push("s");
    }
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
    let mut conditions = vec![format!("c.relkind in ({},'')", kinds.join(","))];
    if !word.system && pattern.is_none() {
        conditions.push(
            "n.nspname !~ '^pg_toast' and n.nspname <> 'information_schema' and n.nspname <> 'pg_catalog'".to_owned(),
        );
    }
    conditions.extend(server.within(
        pattern,
        Columns {
            schema: "n.nspname",
            name: "c.relname",
            other: None,
            visible: Some("pg_catalog.pg_table_is_visible(c.oid)"),
        },
    )?);
    let indexes = letters.contains('i');
    let (of, join) = if indexes {
        (
            ", t.relname as \"Table\"",
            " left join pg_catalog.pg_index i on i.indexrelid = c.oid left join pg_catalog.pg_class t on t.oid = i.indrelid",
        )
    } else {
        ("", "")
    };
    let (more, method) = more(server.major, word, letters);
    Ok(format!(
        "select n.nspname as \"Schema\", c.relname as \"Name\", case c.relkind when 'r' then 'table' when 'v' then 'view' \
         when 'm' then 'materialized view' when 'i' then 'index' when 'S' then 'sequence' when 's' then 'special' \
         when 't' then 'TOAST table' when 'f' then 'foreign table' when 'p' then 'partitioned table' \
         when 'I' then 'partitioned index' end as \"Type\", pg_catalog.pg_get_userbyid(c.relowner) as \"Owner\"{of}{more} \
         from pg_catalog.pg_class c left join pg_catalog.pg_namespace n on n.oid = c.relnamespace{join}{method} \
         where {} order by 1, 2",
        conditions.join(" and ")
    ))
}

/// The columns of `+`, and the join they need.
fn more(major: u32, word: &Word, letters: &str) -> (String, &'static str) {
    if !word.more {
        return (String::new(), "");
    }
    let mut columns =
        ", case c.relpersistence when 'p' then 'permanent' when 't' then 'temporary' when 'u' then 'unlogged' end \
         as \"Persistence\""
            .to_owned();
    let mut join = "";
    // Only tables, materialized views and indexes have one.
    if major >= 12 && letters.contains(['t', 'm', 'i']) {
        columns.push_str(", a.amname as \"Access method\"");
        join = " left join pg_catalog.pg_am a on a.oid = c.relam";
    }
    columns.push_str(
        ", pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(c.oid)) as \"Size\", \
         pg_catalog.obj_description(c.oid, 'pg_class') as \"Description\"",
    );
    (columns, join)
}
