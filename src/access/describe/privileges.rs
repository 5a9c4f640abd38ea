//! Privileges on relations (`\dp`, `\z`) and default ones (`\ddp`). It must not know sessions.

use super::Refused;
use super::list::List;
use super::pattern::Columns;
use super::server::{Server, filter};
use super::word::Word;

/// `\dp`: tables' privileges, their columns', and the policies.
pub fn privileges(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let newer = server.psql >= 16;
    let mut conditions = vec!["c.relkind in ('r','v','m','S','f','p')".to_owned()];
    conditions.extend(server.within(
        pattern,
        Columns {
            schema: "n.nspname",
            name: "c.relname",
            other: None,
            visible: Some(match newer {
                true => "pg_catalog.pg_table_is_visible(c.oid)",
                false => "n.nspname !~ '^pg_' and pg_catalog.pg_table_is_visible(c.oid)",
            }),
        },
    )?);
    if newer && !word.system && pattern.is_none() {
        conditions.push("n.nspname <> 'pg_catalog' and n.nspname <> 'information_schema'".to_owned());
    }
    Ok(List {
        title: "Access privileges",
        query: format!(
            "select n.nspname as \"Schema\", c.relname as \"Name\", case c.relkind when 'r' then 'table' when 'v' then 'view' \
             when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' \
             when 'p' then 'partitioned table' end as \"Type\"{acl}, \
             pg_catalog.array_to_string(array(select a.attname || E':\\n  ' || \
             pg_catalog.array_to_string(a.attacl, E'\\n  ') from pg_catalog.pg_attribute a \
             where a.attrelid = c.oid and not a.attisdropped and a.attacl is not null), E'\\n') as \"Column privileges\", \
             pg_catalog.array_to_string(array(select p.polname || case when not p.polpermissive then E' (RESTRICTIVE)' else '' end \
             || case when p.polcmd <> '*' then E' (' || p.polcmd::pg_catalog.text || E'):' else E':' end \
             || case when p.polqual is not null then E'\\n  (u): ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) else E'' end \
             || case when p.polwithcheck is not null then E'\\n  (c): ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) \
             else E'' end || case when p.polroles <> '{{0}}' then E'\\n  to: ' || pg_catalog.array_to_string(array(\
             select r.rolname from pg_catalog.pg_roles r where r.oid = any (p.polroles) order by 1), E', ') else E'' end \
             from pg_catalog.pg_policy p where p.polrelid = c.oid), E'\\n') as \"Policies\" \
             from pg_catalog.pg_class c left join pg_catalog.pg_namespace n on n.oid = c.relnamespace{} order by 1, 2",
            filter(&conditions),
            acl = server.privileges("c.relacl"),
        ),
    })
}

/// `\ddp`: the pattern is held against the owner or the schema.
pub fn defaults(server: &Server<'_>, pattern: Option<&str>) -> Result<List, Refused> {
    let conditions = server.within(
        pattern,
        Columns {
            schema: "",
            name: "n.nspname",
            other: Some("pg_catalog.pg_get_userbyid(d.defaclrole)"),
            visible: None,
        },
    )?;
    Ok(List {
        title: "Default access privileges",
        query: format!(
            "select pg_catalog.pg_get_userbyid(d.defaclrole) as \"Owner\", n.nspname as \"Schema\", case d.defaclobjtype \
             when 'r' then 'table' when 'S' then 'sequence' when 'f' then 'function' when 'T' then 'type' \
             when 'n' then 'schema' when 'L' then 'large object' end as \"Type\"{} from pg_catalog.pg_default_acl d \
             left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace{} order by 1, 2, 3",
            server.privileges("d.defaclacl"),
            filter(&conditions)
        ),
    })
}
