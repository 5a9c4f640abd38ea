//! What a relation has to do with things beside it: publications, a foreign server, the table of a TOAST table. It must not
//! know sessions.

use super::constraints::headed;
use super::{Footer, Relation};

/// `Publications:`
pub fn publications(relation: &Relation) -> Footer {
    let oid = &relation.oid;
    let everything = format!(
        "select p.pubname, null, null from pg_catalog.pg_publication p \
         where p.puballtables and pg_catalog.pg_relation_is_publishable({oid}::pg_catalog.oid::pg_catalog.regclass)"
    );
    let query = match relation.major {
        15.. => format!(
            "select p.pubname, null as condition, null as columns from pg_catalog.pg_publication p \
             join pg_catalog.pg_publication_namespace m on m.pnpubid = p.oid \
             join pg_catalog.pg_class c on c.relnamespace = m.pnnspid where c.oid = {oid} \
             and pg_catalog.pg_relation_is_publishable({oid}::pg_catalog.oid::pg_catalog.regclass) \
             union select p.pubname, pg_catalog.pg_get_expr(r.prqual, r.prrelid), case when r.prattrs is not null then \
             (select pg_catalog.string_agg(a.attname, ', ' order by s.at) \
             from pg_catalog.unnest(r.prattrs::pg_catalog.int2[]) with ordinality s(attnum, at) \
             join pg_catalog.pg_attribute a on a.attrelid = r.prrelid and a.attnum = s.attnum) end \
             from pg_catalog.pg_publication p join pg_catalog.pg_publication_rel r on r.prpubid = p.oid where r.prrelid = {oid} \
             union {everything} order by 1"
        ),
        _ => format!(
            "select p.pubname, null, null from pg_catalog.pg_publication p \
             join pg_catalog.pg_publication_rel r on r.prpubid = p.oid where r.prrelid = {oid} union all {everything} order by 1"
        ),
    };
    Footer::new(query, |_, answer| {
        let each = |row| {
            let mut line = format!("    \"{}\"", answer.text(row, 0));
            if let Some(columns) = answer.cell(row, 2) {
                line.push_str(&format!(" ({columns})"));
            }
            if let Some(condition) = answer.cell(row, 1) {
                line.push_str(&format!(" WHERE {condition}"));
            }
            line
        };
        headed("Publications:", (0..answer.rows.len()).map(each).collect())
    })
}

/// `Server: …` and `FDW options: …`
pub fn foreign_server(relation: &Relation) -> Footer {
    let query = format!(
        "select s.srvname, pg_catalog.array_to_string(array(select pg_catalog.quote_ident(option_name) || ' ' || \
         pg_catalog.quote_literal(option_value) from pg_catalog.pg_options_to_table(f.ftoptions)), ', ') \
         from pg_catalog.pg_foreign_table f join pg_catalog.pg_foreign_server s on s.oid = f.ftserver where f.ftrelid = {}",
        relation.oid
    );
    Footer::new(query, |_, answer| {
        let mut lines = vec![format!("Server: {}", answer.text(0, 0))];
        match answer.text(0, 1) {
            "" => {}
            options => lines.push(format!("FDW options: ({options})")),
        }
        lines
    })
}

/// `Owning table: …`
pub fn owning_table(relation: &Relation) -> Footer {
    let query = format!(
        "select n.nspname, c.relname from pg_catalog.pg_class c \
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.reltoastrelid = {}",
        relation.oid
    );
    Footer::new(query, |_, answer| {
        (0..answer.rows.len().min(1))
            .map(|row| format!("Owning table: \"{}.{}\"", answer.text(row, 0), answer.text(row, 1)))
            .collect()
    })
}
