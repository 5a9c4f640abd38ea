//! Extended statistics (`\dX`). It must not know sessions.

use super::Refused;
use super::list::List;
use super::pattern::Columns;
use super::server::{Server, filter};

/// `\dX`.
pub fn list(server: &Server<'_>, pattern: Option<&str>) -> Result<List, Refused> {
    let definition = match server.major {
        14.. => {
            "pg_catalog.format('%s FROM %s', pg_catalog.pg_get_statisticsobjdef_columns(e.oid), e.stxrelid::pg_catalog.regclass)"
        }
        _ => {
            "pg_catalog.format('%s FROM %s', (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ') \
             from pg_catalog.unnest(e.stxkeys) k(attnum) join pg_catalog.pg_attribute a on a.attrelid = e.stxrelid \
             and a.attnum = k.attnum and not a.attisdropped), e.stxrelid::pg_catalog.regclass)"
        }
    };
    let has = |kind: &str, name: &str| format!("case when '{kind}' = any (e.stxkind) then 'defined' end as \"{name}\"");
    let mcv = if server.major >= 12 { format!(", {}", has("m", "MCV")) } else { String::new() };
    let conditions = server.within(
        pattern,
        Columns {
            schema: "e.stxnamespace::pg_catalog.regnamespace::pg_catalog.text",
            name: "e.stxname",
            other: None,
            visible: Some("pg_catalog.pg_statistics_obj_is_visible(e.oid)"),
        },
    )?;
    Ok(List {
        title: "List of extended statistics",
        query: format!(
            "select e.stxnamespace::pg_catalog.regnamespace::pg_catalog.text as \"Schema\", e.stxname as \"Name\", \
             {definition} as \"Definition\", {}, {}{mcv} from pg_catalog.pg_statistic_ext e{} order by 1, 2",
            has("d", "Ndistinct"),
            has("f", "Dependencies"),
            filter(&conditions)
        ),
    })
}
