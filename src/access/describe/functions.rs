//! Functions (`\df`) and aggregates (`\da`), with patterns for their arguments. It must not know sessions.

use super::Refused;
use super::list::List;
use super::pattern::{Columns, literal};
use super::server::{Server, filter};
use super::word::Word;

/// What the user may call without naming its schema.
const VISIBLE: &str = "pg_catalog.pg_function_is_visible(p.oid)";

fn columns<'a>() -> Columns<'a> {
    Columns { schema: "n.nspname", name: "p.proname", other: None, visible: Some(VISIBLE) }
}

/// Leaves out what came with the server, when nothing was named.
pub fn own(word: &Word, pattern: Option<&str>) -> Option<String> {
    (!word.system && pattern.is_none())
        .then(|| "n.nspname <> 'pg_catalog' and n.nspname <> 'information_schema'".to_owned())
}

/// Spellings of types that neither `pg_type.typname` nor `format_type` has.
const SPELLINGS: &[(&str, &str)] = &[("decimal", "numeric"), ("float", "double precision"), ("int", "integer")];

/// Arrays of these are spelled by people as their elements are in `pg_type.typname`, where an array has an underscore.
const ELEMENTS: &[(&str, &str)] = &[
    ("bool", "boolean"),
    ("decimal", "numeric"),
    ("float", "double precision"),
    ("float4", "real"),
    ("float8", "double precision"),
    ("int", "integer"),
    ("int2", "smallint"),
    ("int4", "integer"),
    ("int8", "bigint"),
    ("time", "time without time zone"),
    ("timetz", "time with time zone"),
    ("timestamp", "timestamp without time zone"),
    ("timestamptz", "timestamp with time zone"),
    ("varbit", "bit varying"),
    ("varchar", "character varying"),
];

/// Conditions and joins for patterns of argument types: `-` is "no such argument".
pub fn arguments(
    server: &Server<'_>,
    patterns: &[String],
    types: impl Fn(usize) -> String,
) -> Result<(Vec<String>, String), Refused> {
    let (mut conditions, mut joins) = (Vec::new(), String::new());
    for (at, pattern) in patterns.iter().enumerate() {
        joins.push_str(&format!(
            " left join pg_catalog.pg_type t{at} on t{at}.oid = {} \
             left join pg_catalog.pg_namespace nt{at} on nt{at}.oid = t{at}.typnamespace",
            types(at)
        ));
        if pattern == "-" {
            conditions.push(format!("t{at}.typname is null"));
            continue;
        }
        let pattern = full_type(pattern);
        conditions.extend(server.within(
            Some(&pattern),
            Columns {
                schema: &format!("nt{at}.nspname"),
                name: &format!("t{at}.typname"),
                other: Some(&format!("pg_catalog.format_type(t{at}.oid, null)")),
                visible: Some(&format!("pg_catalog.pg_type_is_visible(t{at}.oid)")),
            },
        )?);
    }
    Ok((conditions, joins))
}

/// The pattern with a common spelling of a type replaced by the server's.
pub fn full_type(pattern: &str) -> String {
    let (bare, array, known) = match pattern.strip_suffix("[]") {
        Some(bare) => (bare, "[]", ELEMENTS),
        None => (pattern, "", SPELLINGS),
    };
    match known.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(bare)) {
        Some((_, name)) => format!("{name}{array}"),
        None => pattern.to_owned(),
    }
}

/// `\df`, of the kinds given by letters: aggregates, normal, procedures, triggers, window functions.
pub fn list(server: &Server<'_>, word: &Word, kinds: &str, words: &[String]) -> Result<List, Refused> {
    let pattern = words.first().map(String::as_str);
    let mut conditions = Vec::new();
    if !kinds.is_empty() {
        let trigger = "p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype";
        let one: Vec<String> = kinds
            .chars()
            .map(|kind| match kind {
                'a' => "p.prokind = 'a'".to_owned(),
                'p' => "p.prokind = 'p'".to_owned(),
                'w' => "p.prokind = 'w'".to_owned(),
                't' => trigger.to_owned(),
                _ => format!("(p.prokind = 'f' and not {trigger})"),
            })
            .collect();
        conditions.push(format!("({})", one.join(" or ")));
    }
    let (about_arguments, joins) =
        arguments(server, words.get(1..).unwrap_or_default(), |at| format!("p.proargtypes[{at}]"))?;
    conditions.extend(server.within(pattern, columns())?);
    conditions.extend(about_arguments);
    conditions.extend(own(word, pattern));
    let (more, language) = if word.more {
        let internal = match server.major {
            // The body of a function in SQL's own syntax is not in prosrc since 14.
            14.. => "coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc)",
            _ => "p.prosrc",
        };
        let source = match server.psql {
            16.. => "case when l.lanname in ('internal', 'c') then p.prosrc end as \"Internal name\"".to_owned(),
            _ => format!("{internal} as \"Source code\""),
        };
        let leaks = match server.psql {
            18.. => ", case when p.proleakproof then 'yes' else 'no' end as \"Leakproof?\"",
            _ => "",
        };
        let acl = server.privileges("p.proacl");
        (
            format!(
                ", case p.provolatile when 'i' then 'immutable' when 's' then 'stable' when 'v' then 'volatile' end as \"Volatility\", \
                 case p.proparallel when 'r' then 'restricted' when 's' then 'safe' when 'u' then 'unsafe' end as \"Parallel\", \
                 pg_catalog.pg_get_userbyid(p.proowner) as \"Owner\", \
                 case when p.prosecdef then 'definer' else 'invoker' end as \"Security\"{leaks}{acl}, \
                 l.lanname as \"Language\", {source}, pg_catalog.obj_description(p.oid, 'pg_proc') as \"Description\""
            ),
            " left join pg_catalog.pg_language l on l.oid = p.prolang",
        )
    } else {
        (String::new(), "")
    };
    Ok(List {
        title: "List of functions",
        query: format!(
            "select n.nspname as \"Schema\", p.proname as \"Name\", \
             pg_catalog.pg_get_function_result(p.oid) as \"Result data type\", \
             pg_catalog.pg_get_function_arguments(p.oid) as \"Argument data types\", case p.prokind when 'a' then 'agg' \
             when 'w' then 'window' when 'p' then 'proc' else 'func' end as \"Type\"{more} from pg_catalog.pg_proc p \
             left join pg_catalog.pg_namespace n on n.oid = p.pronamespace{joins}{language}{} order by 1, 2, 4",
            filter(&conditions)
        ),
    })
}

/// `\da`.
pub fn aggregates(server: &Server<'_>, word: &Word, pattern: Option<&str>) -> Result<List, Refused> {
    let mut conditions = vec!["p.prokind = 'a'".to_owned()];
    conditions.extend(own(word, pattern));
    conditions.extend(server.within(pattern, columns())?);
    Ok(List {
        title: "List of aggregate functions",
        query: format!(
            "select n.nspname as \"Schema\", p.proname as \"Name\", \
             pg_catalog.format_type(p.prorettype, null) as \"Result data type\", case when p.pronargs = 0 then {} \
             else pg_catalog.pg_get_function_arguments(p.oid) end as \"Argument data types\", \
             pg_catalog.obj_description(p.oid, 'pg_proc') as \"Description\" from pg_catalog.pg_proc p \
             left join pg_catalog.pg_namespace n on n.oid = p.pronamespace{} order by 1, 2, 4",
            literal("*"),
            filter(&conditions)
        ),
    })
}
