//! Operators (`\do`), casts (`\dC`), conversions (`\dc`), collations (`\dO`). It must not know sessions.

use super::Refused;
use super::functions::{arguments, own};
use super::list::List;
use super::pattern::Columns;
use super::server::{Server, filter};
use super::word::Word;

/// `\do [PATTERN [TYPE [TYPE]]]`; a single type is a prefix operator's.
pub fn operators(server: &Server<'_>, word: &Word, words: &[String]) -> Result<List, Refused> {
    let pattern = words.first().map(String::as_str);
    let types = words.get(1..).unwrap_or_default();
    let types = &types[..types.len().min(2)];
    let mut conditions = Vec::new();
    conditions.extend(own(word, pattern));
    conditions.extend(server.within(
        pattern,
        Columns {
            schema: "n.nspname",
            name: "o.oprname",
            other: None,
            visible: Some("pg_catalog.pg_operator_is_visible(o.oid)"),
        },
    )?);
    if types.len() == 1 {
        conditions.push("o.oprleft = 0".to_owned());
    }
    let sides = if types.len() == 1 { ["o.oprright", ""] } else { ["o.oprleft", "o.oprright"] };
    let (about_types, joins) = arguments(server, types, |at| sides[at].to_owned())?;
    conditions.extend(about_types);
    let (more, function) = match (word.more, server.psql) {
        (true, 18..) => (
            ", o.oprcode as \"Function\", case when f.proleakproof then 'yes' else 'no' end as \"Leakproof?\"",
            " left join pg_catalog.pg_proc f on f.oid = o.oprcode",
        ),
        (true, _) => (", o.oprcode as \"Function\"", ""),
        (false, _) => ("", ""),
    };
    Ok(List {
        title: "List of operators",
        query: format!(
            "select n.nspname as \"Schema\", o.oprname as \"Name\", \
             case when o.oprkind = 'l' then null else pg_catalog.format_type(o.oprleft, null) end as \"Left arg type\", \
             case when o.oprkind = 'r' then null else pg_catalog.format_type(o.oprright, null) end as \"Right arg type\", \
             pg_catalog.format_type(o.oprresult, null) as \"Result type\"{more}, \
             coalesce(pg_catalog.obj_description(o.oid, 'pg_operator'), \
             pg_catalog.obj_description(o.oprcode, 'pg_proc')) as \"Description\" from pg_catalog.pg_operator o \
             left join pg_catalog.pg_namespace n on n.oid = o.oprnamespace{function}{joins}{} order by 1, 2, 3, 4",
            filter(&conditions)
        ),
    })
}

/// `\dC`: the pattern is held against both types.
pub fn casts(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let side = |of: &str| -> Result<String, Refused> {
        let conditions = server.within(
            pattern,
            Columns {
                schema: &format!("n{of}.nspname"),
                name: &format!("{of}.typname"),
                other: Some(&format!("pg_catalog.format_type({of}.oid, null)")),
                visible: Some(&format!("pg_catalog.pg_type_is_visible({of}.oid)")),
            },
        )?;
        Ok(if conditions.is_empty() { "true".to_owned() } else { conditions.join(" and ") })
    };
    let (note, join) = if word.more {
        (
            ", d.description as \"Description\"",
            " left join pg_catalog.pg_description d on d.classoid = c.tableoid and d.objoid = c.oid and d.objsubid = 0",
        )
    } else {
        ("", "")
    };
    let leaks = match (word.more, server.psql) {
        (true, 18..) => ", case when p.proleakproof then 'yes' else 'no' end as \"Leakproof?\"",
        _ => "",
    };
    Ok(List {
        title: "List of casts",
        query: format!(
            "select pg_catalog.format_type(c.castsource, null) as \"Source type\", \
             pg_catalog.format_type(c.casttarget, null) as \"Target type\", case when c.castmethod = 'b' then '(binary coercible)' \
             when c.castmethod = 'i' then '(with inout)' else p.proname end as \"Function\", case when c.castcontext = 'e' then 'no' \
             when c.castcontext = 'a' then 'in assignment' else 'yes' end as \"Implicit?\"{leaks}{note} from pg_catalog.pg_cast c \
             left join pg_catalog.pg_proc p on p.oid = c.castfunc \
             left join pg_catalog.pg_type ts on ts.oid = c.castsource \
             left join pg_catalog.pg_namespace nts on nts.oid = ts.typnamespace \
             left join pg_catalog.pg_type tt on tt.oid = c.casttarget \
             left join pg_catalog.pg_namespace ntt on ntt.oid = tt.typnamespace{join} \
             where (({}) or ({})) order by 1, 2",
            side("ts")?,
            side("tt")?
        ),
    })
}

/// `\dc`.
pub fn conversions(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let (note, join) = if word.more {
        (
            ", d.description as \"Description\"",
            " left join pg_catalog.pg_description d on d.classoid = c.tableoid and d.objoid = c.oid and d.objsubid = 0",
        )
    } else {
        ("", "")
    };
    let mut conditions = Vec::new();
    conditions.extend(own(word, pattern));
    conditions.extend(server.within(
        pattern,
        Columns {
            schema: "n.nspname",
            name: "c.conname",
            other: None,
            visible: Some("pg_catalog.pg_conversion_is_visible(c.oid)"),
        },
    )?);
    Ok(List {
        title: "List of conversions",
        query: format!(
            "select n.nspname as \"Schema\", c.conname as \"Name\", \
             pg_catalog.pg_encoding_to_char(c.conforencoding) as \"Source\", \
             pg_catalog.pg_encoding_to_char(c.contoencoding) as \"Destination\", \
             case when c.condefault then 'yes' else 'no' end as \"Default?\"{note} from pg_catalog.pg_conversion c \
             join pg_catalog.pg_namespace n on n.oid = c.connamespace{join}{} order by 1, 2",
            filter(&conditions)
        ),
    })
}

/// `\dO`: those that this database's encoding can use.
pub fn collations(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let provider = "case c.collprovider when 'd' then 'default' when 'b' then 'builtin' when 'c' then 'libc' \
         when 'i' then 'icu' end as \"Provider\"";
    let plain = "c.collcollate as \"Collate\", c.collctype as \"Ctype\"";
    let locale = match server.major {
        // As psql 15 has it, of libc's collations, too.
        ..15 => format!("{plain}, c.collcollate as \"ICU Locale\", {provider}"),
        15 => format!("{plain}, c.colliculocale as \"ICU Locale\", {provider}"),
        16 => format!("{provider}, {plain}, c.colliculocale as \"ICU Locale\", c.collicurules as \"ICU Rules\""),
        _ => format!("{provider}, {plain}, c.colllocale as \"Locale\", c.collicurules as \"ICU Rules\""),
    };
    let deterministic = match server.major {
        12.. => "case when c.collisdeterministic then 'yes' else 'no' end",
        _ => "'yes'",
    };
    let note = if word.more { ", pg_catalog.obj_description(c.oid, 'pg_collation') as \"Description\"" } else { "" };
    let mut conditions =
        vec!["c.collencoding in (-1, pg_catalog.pg_char_to_encoding(pg_catalog.getdatabaseencoding()))".to_owned()];
    conditions.extend(own(word, pattern));
    conditions.extend(server.within(
        pattern,
        Columns {
            schema: "n.nspname",
            name: "c.collname",
            other: None,
            visible: Some("pg_catalog.pg_collation_is_visible(c.oid)"),
        },
    )?);
    Ok(List {
        title: "List of collations",
        query: format!(
            "select n.nspname as \"Schema\", c.collname as \"Name\", {locale}, {deterministic} as \"Deterministic?\"{note} \
             from pg_catalog.pg_collation c join pg_catalog.pg_namespace n on n.oid = c.collnamespace{} order by 1, 2",
            filter(&conditions)
        ),
    })
}
