//! Partitioned tables and indexes (`\dP`). It must not know sessions.

use super::Refused;
use super::list::List;
use super::pattern::Columns;
use super::server::{Server, filter};
use super::word::Word;

/// `\dP` with letters `itn`: indexes, tables, nested ones.
pub fn list(server: &Server<'_>, word: &Word, letters: &str, pattern: Option<&str>) -> Result<List, Refused> {
    let (mut tables, mut indexes, nested) = (letters.contains('t'), letters.contains('i'), letters.contains('n'));
    if !tables && !indexes {
        (tables, indexes) = (true, true);
    }
    let mixed = tables && indexes;
    let title = match (tables, indexes) {
        (true, true) => "List of partitioned relations",
        (true, false) => "List of partitioned tables",
        _ => "List of partitioned indexes",
    };
    let mut columns = "select n.nspname as \"Schema\", c.relname as \"Name\", \
        pg_catalog.pg_get_userbyid(c.relowner) as \"Owner\""
        .to_owned();
    if mixed {
        columns.push_str(
            ", case c.relkind when 'p' then 'partitioned table' when 'I' then 'partitioned index' end as \"Type\"",
        );
    }
    let with_parent = nested || pattern.is_some();
    if with_parent {
        columns.push_str(", h.inhparent::pg_catalog.regclass as \"Parent name\"");
    }
    if indexes {
        columns.push_str(", i.indrelid::pg_catalog.regclass as \"Table\"");
    }
    let mut joins = String::new();
    if word.more {
        let leaf = match server.major {
            12.. => {
                "select sum(pg_catalog.pg_table_size(t.relid)) as all_of_it, \
                 sum(case when t.level = 1 then pg_catalog.pg_table_size(t.relid) else 0 end) as direct \
                 from pg_catalog.pg_partition_tree(c.oid) t"
            }
            _ => {
                "with recursive d as (select c.oid as oid, 0 as level union all select h.inhrelid, d.level + 1 \
                 from pg_catalog.pg_inherits h join d on d.oid = h.inhparent) \
                 select sum(pg_catalog.pg_table_size(d.oid)) as all_of_it, \
                 sum(case when d.level = 1 then pg_catalog.pg_table_size(d.oid) else 0 end) as direct from d"
            }
        };
        if server.psql >= 18 {
            columns.push_str(", a.amname as \"Access method\"");
            joins.push_str(" left join pg_catalog.pg_am a on a.oid = c.relam");
        }
        if nested {
            columns.push_str(", pg_catalog.pg_size_pretty(s.direct) as \"Leaf partition size\"");
        }
        columns.push_str(
            ", pg_catalog.pg_size_pretty(s.all_of_it) as \"Total size\", \
             pg_catalog.obj_description(c.oid, 'pg_class') as \"Description\"",
        );
        joins.push_str(&format!(", lateral ({leaf}) s"));
    }
    let mut kinds = Vec::new();
    if tables {
        kinds.push("'p'");
    }
    if indexes {
        kinds.push("'I'");
    }
    let mut conditions = vec![format!("c.relkind in ({})", kinds.join(","))];
    if !with_parent {
        conditions.push("not c.relispartition".to_owned());
    }
    if pattern.is_none() {
        conditions.push(
            "n.nspname <> 'pg_catalog' and n.nspname !~ '^pg_toast' and n.nspname <> 'information_schema'".to_owned(),
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
    let parent = if with_parent { " left join pg_catalog.pg_inherits h on h.inhrelid = c.oid" } else { "" };
    let index = if indexes { " left join pg_catalog.pg_index i on i.indexrelid = c.oid" } else { "" };
    // Tables stand before indexes when both are shown, then by their parents.
    let mut order = "\"Schema\"".to_owned();
    if mixed {
        order.push_str(", \"Type\" desc");
    }
    if with_parent {
        order.push_str(", \"Parent name\" nulls first");
    }
    order.push_str(", \"Name\"");
    Ok(List {
        title,
        query: format!(
            "{columns} from pg_catalog.pg_class c left join pg_catalog.pg_namespace n on n.oid = c.relnamespace{parent}{index}{joins}{} \
             order by {order}",
            filter(&conditions)
        ),
    })
}
