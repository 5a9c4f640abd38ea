//! Data types (`\dT`) and domains (`\dD`). It must not know sessions.

use super::Refused;
use super::functions::{full_type, own};
use super::list::List;
use super::pattern::Columns;
use super::server::{Server, filter};
use super::word::Word;

/// `\dT`: no rows' types of tables, no arrays unless asked for.
pub fn types(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let pattern = pattern.map(full_type);
    let pattern = pattern.as_deref();
    let more = if word.more {
        let columns = ", t.typname as \"Internal name\", case when t.typrelid <> 0 then 'tuple'::pg_catalog.text when t.typlen < 0 then 'var' \
         else t.typlen::pg_catalog.text end as \"Size\", pg_catalog.array_to_string(array(select e.enumlabel \
         from pg_catalog.pg_enum e where e.enumtypid = t.oid order by e.enumsortorder), E'\\n') as \"Elements\", \
         pg_catalog.pg_get_userbyid(t.typowner) as \"Owner\"";
        format!("{columns}{}", server.privileges("t.typacl"))
    } else {
        String::new()
    };
    let mut conditions = vec![
        "(t.typrelid = 0 or (select r.relkind = 'c' from pg_catalog.pg_class r where r.oid = t.typrelid))".to_owned(),
    ];
    if !pattern.is_some_and(|pattern| pattern.contains("[]")) {
        conditions.push(
            "not exists (select 1 from pg_catalog.pg_type e where e.oid = t.typelem and e.typarray = t.oid)".to_owned(),
        );
    }
    conditions.extend(own(word, pattern));
    conditions.extend(server.within(
        pattern,
        Columns {
            schema: "n.nspname",
            name: "t.typname",
            other: Some("pg_catalog.format_type(t.oid, null)"),
            visible: Some("pg_catalog.pg_type_is_visible(t.oid)"),
        },
    )?);
    Ok(List {
        title: "List of data types",
        query: format!(
            "select n.nspname as \"Schema\", pg_catalog.format_type(t.oid, null) as \"Name\"{more}, \
             pg_catalog.obj_description(t.oid, 'pg_type') as \"Description\" from pg_catalog.pg_type t \
             left join pg_catalog.pg_namespace n on n.oid = t.typnamespace{} order by 1, 2",
            filter(&conditions)
        ),
    })
}

/// `\dD`.
pub fn domains(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let more = if word.more {
        format!("{}, d.description as \"Description\"", server.privileges("t.typacl"))
    } else {
        String::new()
    };
    let join = if word.more {
        " left join pg_catalog.pg_description d on d.classoid = t.tableoid and d.objoid = t.oid and d.objsubid = 0"
    } else {
        ""
    };
    // Since 17 "not null" is a constraint among them.
    let checks = if server.major >= 17 { " and r.contype = 'c'" } else { "" };
    let mut conditions = vec!["t.typtype = 'd'".to_owned()];
    conditions.extend(own(word, pattern));
    conditions.extend(server.within(
        pattern,
        Columns {
            schema: "n.nspname",
            name: "t.typname",
            other: None,
            visible: Some("pg_catalog.pg_type_is_visible(t.oid)"),
        },
    )?);
    Ok(List {
        title: "List of domains",
        query: format!(
            "select n.nspname as \"Schema\", t.typname as \"Name\", \
             pg_catalog.format_type(t.typbasetype, t.typtypmod) as \"Type\", (select c.collname from pg_catalog.pg_collation c, \
             pg_catalog.pg_type b where c.oid = t.typcollation and b.oid = t.typbasetype \
             and t.typcollation <> b.typcollation) as \"Collation\", \
             case when t.typnotnull then 'not null' end as \"Nullable\", t.typdefault as \"Default\", \
             pg_catalog.array_to_string(array(select pg_catalog.pg_get_constraintdef(r.oid, true) \
             from pg_catalog.pg_constraint r where r.contypid = t.oid{checks}), ' ') as \"Check\"{more} \
             from pg_catalog.pg_type t left join pg_catalog.pg_namespace n on n.oid = t.typnamespace{join}{} order by 1, 2",
            filter(&conditions)
        ),
    })
}
