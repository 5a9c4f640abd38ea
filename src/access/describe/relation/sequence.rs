//! A sequence, as `\d NAME` tells it. It must not know sessions.

use super::super::server::Server;
use super::super::{Printed, Refused};
use super::Relation;

/// Its numbers, and whose it is.
pub async fn print(server: &mut Server<'_>, relation: &Relation) -> Result<Printed, Refused> {
    let oid = &relation.oid;
    let answers = server
        .ask_all(&[
            format!(
                "select pg_catalog.format_type(s.seqtypid, null) as \"Type\", s.seqstart as \"Start\", \
                 s.seqmin as \"Minimum\", s.seqmax as \"Maximum\", s.seqincrement as \"Increment\", \
                 case when s.seqcycle then 'yes' else 'no' end as \"Cycles?\", s.seqcache as \"Cache\" \
                 from pg_catalog.pg_sequence s where s.seqrelid = {oid}"
            ),
            format!(
                "select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) || '.' || \
                 pg_catalog.quote_ident(a.attname), d.deptype from pg_catalog.pg_depend d \
                 join pg_catalog.pg_class c on c.oid = d.refobjid join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
                 join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid \
                 where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
                 and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = {oid} and d.deptype in ('a', 'i')"
            ),
        ])
        .await?;
    let mut answers = answers.into_iter();
    let mut table = Printed::titled(relation.title(), answers.next().unwrap_or_default());
    let owner = answers.next().unwrap_or_default();
    if !owner.rows.is_empty() {
        table.footers.push(match owner.text(0, 1) {
            "a" => format!("Owned by: {}", owner.text(0, 0)),
            _ => format!("Sequence for identity column: {}", owner.text(0, 0)),
        });
    }
    Ok(table)
}
