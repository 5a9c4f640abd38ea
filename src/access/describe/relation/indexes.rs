//! A table's indexes, and what an index is. It must not know sessions.

use super::constraints::headed;
use super::{Footer, Relation};

/// `Indexes:`
pub fn indexes(relation: &Relation) -> Footer {
    let without_overlaps = if relation.major >= 18 { "k.conperiod" } else { "false" };
    let query = format!(
        "select c.relname, i.indisprimary, i.indisunique, i.indisclustered, i.indisvalid, \
         pg_catalog.pg_get_indexdef(i.indexrelid, 0, true), pg_catalog.pg_get_constraintdef(k.oid, true), k.contype, \
         k.condeferrable, k.condeferred, i.indisreplident, s.spcname, {without_overlaps} from pg_catalog.pg_index i \
         join pg_catalog.pg_class c on c.oid = i.indexrelid left join pg_catalog.pg_constraint k \
         on k.conrelid = i.indrelid and k.conindid = i.indexrelid and k.contype in ('p','u','x') \
         left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace where i.indrelid = {} \
         order by i.indisprimary desc, c.relname",
        relation.oid
    );
    Footer::new(query, |_, answer| {
        let each = |row| {
            let mut line = format!("    \"{}\"", answer.text(row, 0));
            if answer.text(row, 7) == "x" || answer.holds(row, 12) {
                // The definition of an exclusion constraint, or of a key without overlaps, says everything.
                line.push_str(&format!(" {}", answer.text(row, 6)));
            } else {
                if answer.holds(row, 1) {
                    line.push_str(" PRIMARY KEY,");
                } else if answer.holds(row, 2) {
                    line.push_str(if answer.text(row, 7) == "u" { " UNIQUE CONSTRAINT," } else { " UNIQUE," });
                }
                let definition = answer.text(row, 5);
                // "CREATE … INDEX … ON … USING method …": what it is begins with its method.
                let from = definition.find(" USING ").map_or(0, |at| at + " USING ".len());
                line.push_str(&format!(" {}", &definition[from..]));
                if answer.holds(row, 8) {
                    line.push_str(" DEFERRABLE");
                }
                if answer.holds(row, 9) {
                    line.push_str(" INITIALLY DEFERRED");
                }
            }
            if answer.holds(row, 3) {
                line.push_str(" CLUSTER");
            }
            if !answer.holds(row, 4) {
                line.push_str(" INVALID");
            }
            if answer.holds(row, 10) {
                line.push_str(" REPLICA IDENTITY");
            }
            if let Some(tablespace) = answer.cell(row, 11) {
                line.push_str(&format!(", tablespace \"{tablespace}\""));
            }
            line
        };
        headed("Indexes:", (0..answer.rows.len()).map(each).collect())
    })
}

/// What an index is, in one line.
pub fn index(relation: &Relation) -> Footer {
    let nulls = if relation.major >= 15 { "i.indnullsnotdistinct" } else { "false" };
    let constraint = |column: &str| {
        format!(
            "exists (select 1 from pg_catalog.pg_constraint k where k.conrelid = i.indrelid and k.conindid = i.indexrelid \
             and k.contype in ('p','u','x') and k.{column})"
        )
    };
    let query = format!(
        "select i.indisunique, i.indisprimary, i.indisclustered, i.indisvalid, {}, {}, i.indisreplident, {nulls}, a.amname, \
         t.relname, pg_catalog.pg_get_expr(i.indpred, i.indrelid, true) from pg_catalog.pg_index i \
         join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_class t on t.oid = i.indrelid \
         join pg_catalog.pg_am a on a.oid = c.relam where i.indexrelid = {}",
        constraint("condeferrable"),
        constraint("condeferred"),
        relation.oid
    );
    Footer::new(query, |relation, answer| {
        if answer.rows.is_empty() {
            return Vec::new();
        }
        let mut line = String::new();
        if answer.holds(0, 1) {
            line.push_str("primary key, ");
        } else if answer.holds(0, 0) {
            line.push_str(if answer.holds(0, 7) { "unique nulls not distinct, " } else { "unique, " });
        }
        // The table is in its index's schema, always.
        line.push_str(&format!("{}, for table \"{}.{}\"", answer.text(0, 8), relation.schema, answer.text(0, 9)));
        match answer.text(0, 10) {
            "" => {}
            predicate => line.push_str(&format!(", predicate ({predicate})")),
        }
        for (holds, words) in [
            (answer.holds(0, 2), ", clustered"),
            (!answer.holds(0, 3), ", invalid"),
            (answer.holds(0, 4), ", deferrable"),
            (answer.holds(0, 5), ", initially deferred"),
            (answer.holds(0, 6), ", replica identity"),
        ] {
            line.push_str(if holds { words } else { "" });
        }
        vec![line]
    })
}
