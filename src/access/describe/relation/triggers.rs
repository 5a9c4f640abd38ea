//! A relation's triggers, by when they fire. It must not know sessions.

use super::constraints::headed;
use super::{Footer, Relation};

/// `Triggers:` and its kin. Triggers of the server's own are told only where somebody disabled them.
pub fn triggers(relation: &Relation) -> Footer {
    let parent = match relation.major {
        13.. => {
            "case when t.tgparentid <> 0 then (select u.tgrelid::pg_catalog.regclass from pg_catalog.pg_trigger u \
             join pg_catalog.pg_partition_ancestors(t.tgrelid) with ordinality a(relid, depth) on a.relid = u.tgrelid \
             where u.tgname = t.tgname and u.tgparentid = 0 order by a.depth limit 1) end"
        }
        _ => "null",
    };
    let query = format!(
        "select pg_catalog.pg_get_triggerdef(t.oid, true), t.tgenabled, t.tgisinternal, {parent} \
         from pg_catalog.pg_trigger t where t.tgrelid = {} and (not t.tgisinternal or t.tgenabled = 'D' \
         or exists (select 1 from pg_catalog.pg_depend d where d.objid = t.oid \
         and d.refclassid = 'pg_catalog.pg_trigger'::pg_catalog.regclass)) order by t.tgname",
        relation.oid
    );
    Footer::new(query, |_, answer| {
        let mut lines = Vec::new();
        for (heading, firing, internal) in [
            ("Triggers:", "O", None),
            ("Disabled user triggers:", "D", Some(false)),
            ("Disabled internal triggers:", "D", Some(true)),
            ("Triggers firing always:", "A", None),
            ("Triggers firing on replica only:", "R", None),
        ] {
            let of = (0..answer.rows.len()).filter(|row| {
                answer.text(*row, 1) == firing && internal.is_none_or(|internal| answer.holds(*row, 2) == internal)
            });
            let each = of.map(|row| {
                let text = answer.text(row, 0);
                // "CREATE TRIGGER name …" or "CREATE CONSTRAINT TRIGGER name …".
                let from = text.find(" TRIGGER ").map_or(0, |at| at + " TRIGGER ".len());
                match answer.cell(row, 3) {
                    Some(parent) => format!("    {}, ON TABLE {parent}", &text[from..]),
                    None => format!("    {}", &text[from..]),
                }
            });
            lines.extend(headed(heading, each.collect()));
        }
        lines
    })
}
