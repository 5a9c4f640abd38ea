//! A table's check constraints and foreign keys, its own and those of others. It must not know sessions.

use super::{Fact, Footer, Relation};

/// Lines below a heading; nothing where there are none.
pub fn headed(heading: &str, lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() {
        return lines;
    }
    std::iter::once(heading.to_owned()).chain(lines).collect()
}

/// `Check constraints:`
pub fn checks(relation: &Relation) -> Footer {
    let query = format!(
        "select r.conname, pg_catalog.pg_get_constraintdef(r.oid, true) from pg_catalog.pg_constraint r \
         where r.conrelid = {} and r.contype = 'c' order by 1",
        relation.oid
    );
    Footer::new(query, |_, answer| {
        let each = |row| format!("    \"{}\" {}", answer.text(row, 0), answer.text(row, 1));
        headed("Check constraints:", (0..answer.rows.len()).map(each).collect())
    })
}

/// `Not-null constraints:`, which have had names since 18.
pub fn not_null(relation: &Relation) -> Footer {
    let query = format!(
        "select r.conname, a.attname, r.connoinherit, r.conislocal, r.coninhcount <> 0, r.convalidated \
         from pg_catalog.pg_constraint r join pg_catalog.pg_attribute a on a.attrelid = r.conrelid and a.attnum = r.conkey[1] \
         where r.contype = 'n' and r.conrelid = {} order by a.attnum",
        relation.oid
    );
    Footer::new(query, |_, answer| {
        let each = |row| {
            let inherited = match (answer.holds(row, 3), answer.holds(row, 4)) {
                _ if answer.holds(row, 2) => " NO INHERIT",
                (true, true) => " (local, inherited)",
                (false, true) => " (inherited)",
                _ => "",
            };
            let checked = if answer.holds(row, 5) { "" } else { " NOT VALID" };
            format!("    \"{}\" NOT NULL \"{}\"{inherited}{checked}", answer.text(row, 0), answer.text(row, 1))
        };
        headed("Not-null constraints:", (0..answer.rows.len()).map(each).collect())
    })
}

/// `Foreign-key constraints:`, a partition's with those of the tables it is part of.
pub fn foreign_keys(relation: &Relation) -> Footer {
    let oid = &relation.oid;
    let inherited = relation.major >= 12 && (relation.has(Fact::IsPartition) || relation.kind == 'p');
    let query = if inherited {
        format!(
            "select r.conrelid = {oid}, r.conname, pg_catalog.pg_get_constraintdef(r.oid, true), \
             r.conrelid::pg_catalog.regclass from pg_catalog.pg_constraint r \
             join pg_catalog.pg_partition_ancestors({oid}) a on a.relid = r.conrelid \
             where r.contype = 'f' and r.conparentid = 0 order by 1 desc, 2"
        )
    } else {
        format!(
            "select true, r.conname, pg_catalog.pg_get_constraintdef(r.oid, true), r.conrelid::pg_catalog.regclass \
             from pg_catalog.pg_constraint r where r.conrelid = {oid} and r.contype = 'f' and r.conparentid = 0 order by 2"
        )
    };
    Footer::new(query, |_, answer| {
        let each = |row| {
            let (name, definition) = (answer.text(row, 1), answer.text(row, 2));
            match answer.holds(row, 0) {
                true => format!("    \"{name}\" {definition}"),
                false => format!("    TABLE \"{}\" CONSTRAINT \"{name}\" {definition}", answer.text(row, 3)),
            }
        };
        headed("Foreign-key constraints:", (0..answer.rows.len()).map(each).collect())
    })
}

/// `Referenced by:`
pub fn references(relation: &Relation) -> Footer {
    let oid = &relation.oid;
    let to = if relation.major >= 12 {
        format!(
            "r.confrelid in (select a.relid from pg_catalog.pg_partition_ancestors({oid}) a union all select {oid})"
        )
    } else {
        format!("r.confrelid = {oid}")
    };
    let query = format!(
        "select r.conname, r.conrelid::pg_catalog.regclass, pg_catalog.pg_get_constraintdef(r.oid, true) \
         from pg_catalog.pg_constraint r where {to} and r.contype = 'f' and r.conparentid = 0 order by 1"
    );
    Footer::new(query, |_, answer| {
        let each = |row| {
            format!(
                "    TABLE \"{}\" CONSTRAINT \"{}\" {}",
                answer.text(row, 1),
                answer.text(row, 0),
                answer.text(row, 2)
            )
        };
        headed("Referenced by:", (0..answer.rows.len()).map(each).collect())
    })
}
