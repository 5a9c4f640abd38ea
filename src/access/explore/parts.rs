//! Sizes, row estimates and the parts of relations. It must not know what is made of them.

use super::{Measure, Named, Part, Parts, Rows, ask, cell};
use crate::access::Session;
use crate::model::Diagnosis;
use crate::model::completion::literal;
use std::collections::HashMap;

const ESTIMATES: &str = "select n.nspname, c.relname, \
    case when c.reltuples < 0 or (c.reltuples = 0 and c.relpages = 0) then null else c.reltuples::pg_catalog.int8 end, \
    pn.nspname, p.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    left join pg_catalog.pg_inherits i on i.inhrelid = c.oid and c.relispartition \
    left join pg_catalog.pg_class p on p.oid = i.inhparent \
    left join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace \
    where c.relkind in ('r', 'p', 'm', 'f') and n.nspname !~ '^pg_(toast|temp)'";

/// A relation that is locked exclusively would be waited for: it goes without a size.
const SIZES: &str = "select n.nspname, c.relname, pg_catalog.pg_total_relation_size(c.oid) \
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
    where c.relkind in ('r', 'm') and n.nspname !~ '^pg_(toast|temp)' and not exists ( \
    select from pg_catalog.pg_locks l where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.granted \
    and l.relation = c.oid)";

/// Row estimates, and sizes where they can be had: what refuses them is no trouble of whoever looks at names.
pub(super) async fn measures(session: &mut Session) -> Result<Vec<Measure>, Diagnosis> {
    let named = |row: &[Option<String>], at: usize| Named {
        schema: cell(row, at).to_owned(),
        name: cell(row, at + 1).to_owned(),
    };
    let estimates = ask(session, ESTIMATES).await?;
    let mut sizes: HashMap<Named, u64> = HashMap::new();
    match ask(session, SIZES).await {
        Ok(rows) => {
            sizes.extend(rows.iter().filter_map(|row| Some((named(row, 0), cell(row, 2).parse().ok()?))));
        }
        Err(diagnosis) => tracing::info!(title = %diagnosis.title, "sizes of relations could not be had"),
    }
    let measures = estimates.iter().map(|row| {
        let of = named(row, 0);
        let parent = row.get(4).is_some_and(Option::is_some).then(|| named(row, 3));
        Measure { bytes: sizes.get(&of).copied(), rows: cell(row, 2).parse().ok(), parent, of }
    });
    Ok(measures.collect())
}

/// The parts of one relation.
pub(super) async fn of(session: &mut Session, of: &Named) -> Result<Parts, Diagnosis> {
    let which = format!("n.nspname = {} and c.relname = {}", literal(&of.schema), literal(&of.name));
    let from = "pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace";
    let columns = ask(
        session,
        &format!(
            "select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) \
             || case when a.attnotnull then ' not null' else '' end \
             || case when a.attidentity <> '' then ' identity' else '' end \
             || coalesce(case when pg_catalog.to_jsonb(a) ->> 'attgenerated' in ('s', 'v') then ' generated ' else ' default ' end \
             || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') \
             from {from} join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
             left join pg_catalog.pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum \
             where {which} order by a.attnum"
        ),
    )
    .await?;
    let indexes = ask(
        session,
        &format!(
            "select i.relname, case when x.indisprimary then 'primary key, ' when x.indisunique then 'unique, ' else '' end \
             || m.amname || ' (' || pg_catalog.array_to_string(array(select pg_catalog.pg_get_indexdef(i.oid, k, true) \
             from pg_catalog.generate_series(1, x.indnkeyatts) k), ', ') || ')' \
             || coalesce(' where ' || pg_catalog.pg_get_expr(x.indpred, x.indrelid), '') \
             || case when x.indisvalid then '' else ' INVALID' end \
             from {from} join pg_catalog.pg_index x on x.indrelid = c.oid join pg_catalog.pg_class i on i.oid = x.indexrelid \
             join pg_catalog.pg_am m on m.oid = i.relam where {which} order by not x.indisprimary, i.relname"
        ),
    )
    .await?;
    let constraints = ask(
        session,
        &format!(
            "select k.conname, pg_catalog.pg_get_constraintdef(k.oid, true) from {from} \
             join pg_catalog.pg_constraint k on k.conrelid = c.oid where {which} and k.contype <> 'n' \
             order by pg_catalog.strpos('pufxc', k.contype::text), k.conname"
        ),
    )
    .await?;
    let triggers = ask(
        session,
        &format!(
            "select t.tgname, pg_catalog.pg_get_triggerdef(t.oid, true) from {from} \
             join pg_catalog.pg_trigger t on t.tgrelid = c.oid where not t.tgisinternal and {which} order by t.tgname"
        ),
    )
    .await?;
    Ok(Parts {
        columns: list(columns),
        indexes: list(indexes),
        constraints: list(constraints),
        triggers: list(triggers),
    })
}

fn list(rows: Rows) -> Vec<Part> {
    rows.iter().map(|row| Part { name: cell(row, 0).to_owned(), about: cell(row, 1).to_owned() }).collect()
}
