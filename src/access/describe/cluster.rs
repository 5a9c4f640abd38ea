//! What belongs to the whole cluster: databases, tablespaces, parameters. It must not know sessions.

use super::Refused;
use super::list::List;
use super::server::{Server, filter};
use super::word::Word;

/// `\l`.
pub fn databases(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let provider = match server.major {
        ..15 => "'libc' as \"Locale Provider\"",
        _ => {
            "case d.datlocprovider when 'b' then 'builtin' when 'c' then 'libc' when 'i' then 'icu' end as \"Locale Provider\""
        }
    };
    let plain = "d.datcollate as \"Collate\", d.datctype as \"Ctype\"";
    let locale = match server.major {
        ..15 => format!("{plain}, null::pg_catalog.text as \"ICU Locale\", {provider}"),
        15 => format!("{plain}, d.daticulocale as \"ICU Locale\", {provider}"),
        16 => format!("{provider}, {plain}, d.daticulocale as \"ICU Locale\", d.daticurules as \"ICU Rules\""),
        _ => format!("{provider}, {plain}, d.datlocale as \"Locale\", d.daticurules as \"ICU Rules\""),
    };
    let acl = server.privileges("d.datacl");
    let more = if word.more {
        ", case when pg_catalog.has_database_privilege(d.datname, 'CONNECT') \
         then pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(d.datname)) else 'No Access' end as \"Size\", \
         s.spcname as \"Tablespace\", pg_catalog.shobj_description(d.oid, 'pg_database') as \"Description\""
    } else {
        ""
    };
    let filter = filter(&server.named(pattern, "d.datname")?);
    Ok(List {
        title: "List of databases",
        query: format!(
            "select d.datname as \"Name\", pg_catalog.pg_get_userbyid(d.datdba) as \"Owner\", \
             pg_catalog.pg_encoding_to_char(d.encoding) as \"Encoding\", {locale}{acl}{more} \
             from pg_catalog.pg_database d join pg_catalog.pg_tablespace s on s.oid = d.dattablespace{filter} order by 1"
        ),
    })
}

/// `\db`.
pub fn tablespaces(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let more = if word.more {
        ", s.spcoptions as \"Options\", pg_catalog.pg_size_pretty(pg_catalog.pg_tablespace_size(s.oid)) as \"Size\", \
         pg_catalog.shobj_description(s.oid, 'pg_tablespace') as \"Description\""
    } else {
        ""
    };
    // What psql shows as "Access privileges" stands between.
    let acl = if word.more { server.privileges("s.spcacl") } else { String::new() };
    let filter = filter(&server.named(pattern, "s.spcname")?);
    Ok(List {
        title: "List of tablespaces",
        query: format!(
            "select s.spcname as \"Name\", pg_catalog.pg_get_userbyid(s.spcowner) as \"Owner\", \
             pg_catalog.pg_tablespace_location(s.oid) as \"Location\"{acl}{more} \
             from pg_catalog.pg_tablespace s{filter} order by 1"
        ),
    })
}

/// `\dconfig`: without a pattern, what is not as it was built.
pub fn parameters(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let (acl, join) = match (word.more, server.major >= 15) {
        (true, true) => (
            server.privileges("p.paracl"),
            " left join pg_catalog.pg_parameter_acl p on p.parname = pg_catalog.lower(s.name)",
        ),
        (true, false) => (", null::pg_catalog.text as \"Access privileges\"".to_owned(), ""),
        (false, _) => (String::new(), ""),
    };
    let more = if word.more { ", s.vartype as \"Type\", s.context as \"Context\"" } else { "" };
    let (title, filter) = match pattern {
        Some(_) => ("List of configuration parameters", filter(&server.named(pattern, "pg_catalog.lower(s.name)")?)),
        None => (
            "List of non-default configuration parameters",
            " where s.source <> 'default' and s.setting is distinct from s.boot_val".to_owned(),
        ),
    };
    Ok(List {
        title,
        query: format!(
            "select s.name as \"Parameter\", pg_catalog.current_setting(s.name) as \"Value\"{more}{acl} \
             from pg_catalog.pg_settings s{join}{filter} order by 1"
        ),
    })
}
