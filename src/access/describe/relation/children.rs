//! Where a relation stands among others: partitions and inheritance. It must not know sessions.

use super::{Footer, Relation};

/// `Partition of: …`
pub fn partition_of(relation: &Relation) -> Footer {
    let detached = if relation.major >= 14 { "h.inhdetachpending" } else { "false" };
    let query = format!(
        "select h.inhparent::pg_catalog.regclass, pg_catalog.pg_get_expr(c.relpartbound, c.oid), {detached}, \
         pg_catalog.pg_get_partition_constraintdef(h.inhrelid) from pg_catalog.pg_class c \
         join pg_catalog.pg_inherits h on h.inhrelid = c.oid where c.oid = {}",
        relation.oid
    );
    Footer::new(query, |relation, answer| {
        if answer.rows.is_empty() {
            return Vec::new();
        }
        let pending = if answer.holds(0, 2) { " DETACH PENDING" } else { "" };
        let mut lines = vec![format!("Partition of: {} {}{pending}", answer.text(0, 0), answer.text(0, 1))];
        if relation.more {
            lines.push(match answer.text(0, 3) {
                "" => "No partition constraint".to_owned(),
                constraint => format!("Partition constraint: {constraint}"),
            });
        }
        lines
    })
}

/// `Partition key: …`
pub fn partition_key(relation: &Relation) -> Footer {
    Footer::new(format!("select pg_catalog.pg_get_partkeydef({}::pg_catalog.oid)", relation.oid), |_, answer| {
        vec![format!("Partition key: {}", answer.text(0, 0))]
    })
}

/// `Inherits: …`; a partition's parent is told elsewhere.
pub fn inherits(relation: &Relation) -> Footer {
    let query = format!(
        "select h.inhparent::pg_catalog.regclass from pg_catalog.pg_inherits h \
         join pg_catalog.pg_class c on c.oid = h.inhparent where h.inhrelid = {} and c.relkind not in ('p','I') \
         order by h.inhseqno",
        relation.oid
    );
    Footer::new(query, |_, answer| {
        listed("Inherits", (0..answer.rows.len()).map(|row| answer.text(row, 0).to_owned()).collect())
    })
}

/// `Child tables: …` or `Partitions: …`; only how many without `+`.
pub fn children(relation: &Relation) -> Footer {
    let detached = if relation.major >= 14 { "h.inhdetachpending" } else { "false" };
    let query = format!(
        "select c.oid::pg_catalog.regclass, c.relkind, {detached}, pg_catalog.pg_get_expr(c.relpartbound, c.oid) \
         from pg_catalog.pg_class c join pg_catalog.pg_inherits h on h.inhrelid = c.oid where h.inhparent = {} \
         order by pg_catalog.pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', \
         c.oid::pg_catalog.regclass::pg_catalog.text",
        relation.oid
    );
    Footer::new(query, |relation, answer| {
        let partitioned = relation.is("pI");
        let count = answer.rows.len();
        match (partitioned, relation.more, count) {
            (true, _, 0) => return vec!["Number of partitions: 0".to_owned()],
            (false, _, 0) => return Vec::new(),
            (true, false, _) => return vec![format!("Number of partitions: {count} (Use \\d+ to list them.)")],
            (false, false, _) => return vec![format!("Number of child tables: {count} (Use \\d+ to list them.)")],
            _ => {}
        }
        let each = (0..count)
            .map(|row| {
                let mut text = answer.text(row, 0).to_owned();
                if partitioned {
                    // An index has no bounds of its own.
                    text.extend(answer.cell(row, 3).map(|bounds| format!(" {bounds}")));
                    if matches!(answer.text(row, 1), "p" | "I") {
                        text.push_str(", PARTITIONED");
                    }
                }
                if answer.holds(row, 2) {
                    text.push_str(" (DETACH PENDING)");
                }
                text
            })
            .collect();
        listed(if partitioned { "Partitions" } else { "Child tables" }, each)
    })
}

/// The first behind the heading, the others below it.
fn listed(heading: &str, all: Vec<String>) -> Vec<String> {
    let count = all.len();
    all.into_iter()
        .enumerate()
        .map(|(at, one)| {
            let comma = if at + 1 < count { "," } else { "" };
            match at {
                0 => format!("{heading}: {one}{comma}"),
                _ => format!("{}  {one}{comma}", " ".repeat(heading.len())),
            }
        })
        .collect()
}
