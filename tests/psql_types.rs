//! The real psql as judge of what a type's values look like: values of every type of a stock PostgreSQL and of the usual
//! extensions, alone, in arrays, in composites, under every setting that changes how the server writes them, through
//! `psql --csv` and through our own session and CSV. Equal byte for byte.
//!
//! Known and meant to differ: a value with a byte that is no character (a `"char"` above 127, before PostgreSQL 15) is refused
//! here in a sentence, where psql puts it out raw.

#[path = "support/psql.rs"]
mod psql;
#[path = "psql/values.rs"]
mod values;

use gatepost::access::Session;
use gatepost::access::format::{Format, Writer};
use gatepost::model::Happening;
use psql::postgres::Postgres;
use std::collections::HashSet;
use values::{NO_INPUT, SETTINGS, SINCE, VALUES};

/// Extensions that bring types. Where one is not installed the test says so and goes on.
const EXTENSIONS: &[&str] = &[
    "hstore",
    "citext",
    "ltree",
    "cube",
    "seg",
    "isn",
    "lo",
    "intarray",
    "pg_trgm",
    "earthdistance",
    "tablefunc",
    "btree_gist",
    "postgis",
    "vector",
];

/// Types of our own: every way to make one, with names that need quotes.
const MADE: &str = r#"
select current_setting('server_version_num')::int >= 140000 as v14 \gset
create schema odd;
create table odd."Odd, Table" (a int);
create type odd.mood as enum ('sad', 'happy', 'happy, very', 'quo"ted', 'NULL');
create type odd."Mood, ""odd""" as enum ('it''s');
create domain odd.positive as int check (value > 0);
create domain odd.even_smaller as odd.positive check (value < 10);
create domain odd.words as text[];
create type odd.pair as (a int, b text);
\if :v14
create type odd.span as range (subtype = float8, multirange_type_name = odd.span_many);
\else
create type odd.span as range (subtype = float8);
\endif
create type odd.text_range as range (subtype = text, collation = "C");
create type odd.nested as (p odd.pair, many odd.pair[], m odd.mood, r odd.span);
create domain odd.pair_domain as odd.pair check ((value).a > 0);
create table odd.kept (id int primary key, a text default 'x', b text);
insert into odd.kept select i, i % 7, i % 7 from generate_series(1, 500) i;
create index on odd.kept (lower(a)) where b <> '';
create statistics odd.kinds (ndistinct, dependencies, mcv) on a, b from odd.kept;
analyze odd.kept;
"#;

/// Stands between two statements' outputs.
const MARK: &str = "~~~ next ~~~";

async fn rows(session: &mut Session, statement: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut running = session.run(statement);
    while let Some(happening) = running.next().await {
        if let Happening::Rows(page) = happening.unwrap_or_else(|error| panic!("{statement}: {error:?}")) {
            for row in 0..page.rows() {
                rows.push(page.row(row).map(|cell| cell.unwrap_or_default().to_owned()).collect());
            }
        }
    }
    rows
}

/// As `gatepost query --format csv` writes it.
async fn csv(session: &mut Session, statement: &str) -> Result<String, String> {
    let mut writer = Writer::new(Format::Csv, None, false);
    let mut out = Vec::new();
    let mut running = session.run(statement);
    while let Some(happening) = running.next().await {
        match happening.map_err(|error| error.title)? {
            Happening::Columns(columns) => writer.columns(&mut out, columns),
            Happening::Rows(page) => writer.rows(&mut out, page),
            Happening::Complete { rows, .. } => writer.finish(&mut out, rows),
            _ => {}
        }
    }
    String::from_utf8(out).map_err(|error| error.to_string())
}

/// The statements both are asked, in order, in one session each.
async fn corpus(session: &mut Session) -> Vec<String> {
    let mut all = Vec::new();
    let mut written = HashSet::new();
    let major = rows(session, "select current_setting('server_version_num')::int / 10000").await[0][0].clone();
    let major: u32 = major.parse().expect("a number");
    let newer = SINCE.iter().filter(|(since, ..)| *since <= major).map(|(_, name, literals)| (*name, *literals));
    let mut values = Vec::new();
    for (name, literals) in VALUES.iter().copied().chain(newer) {
        let known = rows(session, &format!("select to_regtype('{}')::oid::int8", name.replace('\'', "''"))).await;
        let Some(oid) = known.first().map(|row| row[0].clone()).filter(|oid| !oid.is_empty()) else {
            println!("skipped: this server has no type {name}");
            continue;
        };
        written.insert(oid);
        all.push(of_type(name, literals));
        values.push((name, literals));
    }
    // Before 15 it is a byte that is no character.
    if major >= 15 {
        all.push("select (-56)::\"char\" as high, array[(-1)::\"char\"] as a".to_owned());
    }
    all.push("select 0::\"char\" as zero, '{}'::int[] as none, '[2:3]={a,b}'::text[] as bounds".to_owned());
    all.push("select array[[1,null],[3,4]]::int[] as two, array['', 'null', 'NULL', null, 'a\"b', 'c\\d', '{', ' ']::text[] as quoted".to_owned());
    all.push(
        "select row(1, null, '', 'a,b', '(x)', row('y', array[1, null]), true, now() - now(), '\\x00'::bytea) as r"
            .to_owned(),
    );
    all.push(
        "select null as \"NULL\", '' as \" \", 1 as \"a,b\", 2 as \"q\"\"q\", 3 as \"é\nx\", 4 as \"\\.\"".to_owned(),
    );
    all.push("select where false".to_owned());
    all.push("select 1 as a, 2 as a where false".to_owned());
    all.push("select".to_owned());
    // Every type that has rows or values of its own must be in the corpus: nothing new is to slip through.
    let types = rows(
        session,
        "select oid::int8, format('%I.%I', nspname, typname), typname, typtype, typarray <> 0 \
         from (select t.*, n.nspname from pg_type t join pg_namespace n on n.oid = t.typnamespace) t \
         where typtype in ('b', 'd', 'e', 'r', 'm', 'c') and typisdefined \
         and not exists (select 1 from pg_type e where e.typarray = t.oid) order by 2",
    )
    .await;
    assert!(types.len() > 200, "only {} types", types.len());
    let mut forgotten = Vec::new();
    for row in types {
        let [oid, name, bare, kind, has_array] = &row[..] else { panic!("five columns") };
        // All alike have NULLs and arrays of them.
        all.push(match has_array.as_str() {
            "t" => format!("select null::{name} as v, array[null, null]::{name}[] as a"),
            _ => format!("select null::{name} as v"),
        });
        let domain_of_information_schema = name.starts_with("information_schema.");
        if kind != "c" && !written.contains(oid) && !NO_INPUT.contains(&bare.as_str()) && !domain_of_information_schema
        {
            forgotten.push(format!("{name} ({kind})"));
        }
    }
    assert!(forgotten.is_empty(), "types without values in the corpus: {forgotten:?}");
    // Composites: whole rows of every catalogue, which hold what nobody can write too.
    let catalogues = rows(
        session,
        "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where c.relkind = 'r' and n.nspname in ('pg_catalog', 'information_schema') order by 1",
    )
    .await;
    assert!(catalogues.len() > 50, "only {} catalogues", catalogues.len());
    for row in catalogues {
        all.push(format!("select t as whole, t.* from {} t order by t.ctid desc limit 40", row[0]));
    }
    // What depends on settings, under each of them.
    let sensitive: Vec<String> = values
        .iter()
        .filter(|(name, _)| {
            ["date", "time", "interval", "ts", "float", "bytea", "point", "circle", "reg", "odd.span", "json"]
                .iter()
                .any(|start| name.starts_with(start))
                && !["tsvector", "tsquery", "odd.span_many"].contains(name)
                // Some are read differently, too, under these settings: they stand as they were written.
                && !name.contains("odd")
        })
        .map(|(name, literals)| of_type(name, literals))
        .collect();
    for (setting, choices) in SETTINGS {
        for choice in *choices {
            all.push(match *setting {
                "search_path" => format!("set search_path to {choice}"),
                _ => format!("set {setting} to '{choice}'"),
            });
            all.push(format!("show {setting}"));
            all.extend(sensitive.iter().cloned());
            all.push("select now() - now() as none, timestamptz '2024-02-29 12:00+00' as t, row(date '2024-02-29', 0.1::float8, '\\x00ff'::bytea, interval '1 day 2 hours') as r".to_owned());
            all.push("select array[date '0044-03-15 BC', 'infinity'] as d, tstzrange('2024-02-29 12:00+00', null) as r, jsonb_build_object('t', timestamptz '2024-02-29 12:00+00', 'f', 0.1::float8) as j".to_owned());
        }
        all.push(format!("reset {setting}"));
    }
    all
}

/// Values alone, one a row, each in an array between NULLs, and in a composite.
fn of_type(name: &str, literals: &[&str]) -> String {
    let one = |literal: &&str| {
        let value = format!("cast('{literal}' as {name})");
        match name {
            // Pseudo-types cannot be in arrays.
            "cstring" => format!("select {value}::text as v, null::text[] as a, row({value}::text) as r"),
            // A constructor takes a domain over an array for its array.
            "odd.words" => format!("select {value} as v, null::odd.words[] as a, row({value}, 1) as r"),
            _ => format!("select {value} as v, array[null, {value}, {value}] as a, row({value}, 1) as r"),
        }
    };
    literals.iter().map(one).collect::<Vec<_>>().join(" union all ")
}

#[tokio::test]
async fn every_type_is_printed_as_psql_does() {
    if psql::version().is_none() {
        println!("skipped: there is no psql on this machine");
        return;
    }
    // What a statement shows of the catalogue must not change between the two that ask.
    let server = Postgres::start(&["autovacuum = off"]);
    let (_, err) = psql::psql(&server, "postgres", &["-q"], "create database types;");
    assert_eq!(err, "");
    let available = psql::psql(&server, "types", &["-At"], "select name from pg_available_extensions;").0;
    for extension in EXTENSIONS {
        if available.lines().any(|name| name == *extension) {
            let (_, err) = psql::psql(
                &server,
                "types",
                &["-q"],
                &format!("set client_min_messages to error; create extension \"{extension}\" cascade;"),
            );
            assert_eq!(err, "", "{extension}");
        } else {
            println!("skipped: extension {extension} is not installed on this machine");
        }
    }
    let (_, err) = psql::psql(&server, "types", &["-q", "-v", "ON_ERROR_STOP=1"], MADE);
    assert_eq!(err, "");

    let folder = tempfile::tempdir().expect("a folder");
    let mut session = psql::session(&server, "types", &folder).await;
    let statements = corpus(&mut session).await;
    let mut script = String::new();
    for statement in &statements {
        script.push_str(&format!("\\echo '{MARK}'\n\\warn '{MARK}'\n{statement};\n"));
    }
    let (out, err) = psql::psql(&server, "types", &["--csv", "-q"], &script);
    let pieces = |text: &str| -> Vec<String> { text.split(&format!("{MARK}\n")).skip(1).map(str::to_owned).collect() };
    let (out, err) = (pieces(&out), pieces(&err));
    assert_eq!(out.len(), statements.len(), "psql came to its end");
    let mut wrong = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        match csv(&mut session, statement).await {
            Ok(ours) if ours == out[at] => {}
            Ok(ours) => wrong.push(format!("{statement}\n--- psql\n{}{}\n--- gatepost\n{ours}", out[at], err[at])),
            Err(error) => {
                wrong.push(format!("{statement}\n--- psql\n{}{}\n--- gatepost refused: {error}", out[at], err[at]))
            }
        }
    }
    session.close().await;
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), statements.len(), wrong.join("\n\n"));
}
