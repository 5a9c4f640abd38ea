//! Places in statements, the cursor as `|`, and what belongs there.

use super::*;
use crate::model::catalogue::{Builder, Catalogue, RelationKind};

fn at(marked: &str) -> Option<Expected> {
    let cursor = marked.find('|').expect("a cursor");
    expect(&marked.replacen('|', "", 1), cursor)
}

/// Wants as short words: `relations`, `columns`, `of o`, `target t`, …; key words by their first.
fn told(marked: &str) -> String {
    let Some(expected) = at(marked) else { return "nothing".to_owned() };
    let words = expected.wants.iter().map(|want| match want {
        Want::Relations(kinds, schema) => {
            let kinds = format!("{kinds:?}").to_lowercase();
            schema.as_ref().map_or(kinds.clone(), |schema| format!("{kinds} in {schema}"))
        }
        Want::Ctes => "ctes".to_owned(),
        Want::Columns => "columns".to_owned(),
        Want::ColumnsOf(of) => match &of.schema {
            Some(schema) => format!("of {schema}.{}", of.name),
            None => format!("of {}", of.name),
        },
        Want::TargetColumns(of) => format!("target {}", of.name),
        Want::Outputs => "outputs".to_owned(),
        Want::Sources => "sources".to_owned(),
        Want::Joins => "joins".to_owned(),
        Want::Conditions => "conditions".to_owned(),
        Want::Functions(None) => "functions".to_owned(),
        Want::Functions(Some(schema)) => format!("functions in {schema}"),
        Want::Procedures(_) => "procedures".to_owned(),
        Want::Types(None) => "types".to_owned(),
        Want::Types(Some(schema)) => format!("types in {schema}"),
        Want::Schemas(_) => "schemas".to_owned(),
        Want::Settings => "settings".to_owned(),
        Want::Values(of) => format!("values of {of}"),
        Want::Labels(None, of) => format!("labels of {of}"),
        Want::Labels(Some(table), of) => format!("labels of {table}.{of}"),
        Want::Roles => "roles".to_owned(),
        Want::Databases => "databases".to_owned(),
        Want::Extensions => "extensions".to_owned(),
        Want::Keywords(words) => words[0].to_owned(),
        Want::Commands => "commands".to_owned(),
    });
    words.collect::<Vec<_>>().join(", ")
}

const VALUE: &str = "columns, sources, functions, case, schemas";

#[test]
fn every_place_of_a_query_has_its_names() {
    let from = "ctes, rows, schemas, functions, lateral";
    let cases: Vec<(&str, String)> = vec![
        ("|", "select".into()),
        ("sel|", "select".into()),
        ("select 1; sel|", "select".into()),
        ("select |", format!("{VALUE}, from")),
        ("select a, b|", format!("{VALUE}, from")),
        ("select a |", "from, and, group by".into()),
        ("select * f|", "from, and, group by".into()),
        ("select count(|", format!("{VALUE}, select")),
        ("select count(*) |", "from, and, group by".into()),
        ("select a as |", "nothing".into()),
        ("select a + | from t", format!("{VALUE}, from")),
        ("select | from orders o", format!("{VALUE}, from")),
        ("select * from |", from.into()),
        ("select * from or|", from.into()),
        ("select * from a, |", from.into()),
        ("select * from audit.|", "rows in audit, functions in audit".into()),
        ("select * from audit.ev|", "rows in audit, functions in audit".into()),
        ("select * from \"Odd\".x|", "rows in Odd, functions in Odd".into()),
        ("select * from orders |", "where".into()),
        ("select * from orders o j|", "where".into()),
        ("select * from orders o join |", format!("joins, {from}")),
        ("select * from orders o left join cu|", format!("joins, {from}")),
        ("select * from orders o join customers c |", "on, where".into()),
        ("select * from orders o join customers c on |", format!("conditions, {VALUE}")),
        ("select * from orders o join customers c on o.|", "of o".into()),
        ("select * from orders o join customers c on o.id = |", VALUE.into()),
        ("select * from orders o join customers c on o.id = c.id |", "and, where".into()),
        ("select * from orders o join customers c using (|", "columns".into()),
        ("select * from orders where |", VALUE.into()),
        ("select * from orders where a = 1 |", "and, group by".into()),
        ("select * from orders where a = 1 and |", VALUE.into()),
        ("select * from orders where a is distinct from |", VALUE.into()),
        ("select * from orders where a in (|", format!("{VALUE}, select")),
        ("select * from orders where (a = 1 and |", format!("{VALUE}, select")),
        ("select * from orders group by |", "columns, outputs, sources, functions, case, schemas".into()),
        ("select * from orders group by a |", "having".into()),
        ("select * from orders group by a having |", VALUE.into()),
        ("select * from orders order by a, |", "columns, outputs, sources, functions, case, schemas".into()),
        ("select * from orders order by a |", "asc, and".into()),
        ("select * from orders limit 10 |", "offset".into()),
        ("select o.| from orders o", "of o".into()),
        ("select o.cu| from orders o where o.id = 1", "of o".into()),
        ("select public.orders.| from public.orders", "of public.orders".into()),
        ("select pg_catalog.|", "of pg_catalog, functions in pg_catalog".into()),
        ("select a::|", "types, schemas".into()),
        ("select a::te|", "types, schemas".into()),
        ("select cast(a as |", "types, schemas".into()),
        ("select sum(a) over (|", "partition by".into()),
        ("select sum(a) over (partition by |", VALUE.into()),
        ("select extract(epoch from |", format!("{VALUE}, select")),
        ("select * from (|", "select".into()),
        ("select * from (select |) x", format!("{VALUE}, from")),
        ("with x as (|", "select".into()),
        ("with x as (select 1) |", "select".into()),
        ("with x as (select 1) select * from |", from.into()),
        ("select 1 union |", "select, all".into()),
        ("explain analyze select * from |", from.into()),
        ("explain (|", "analyze".into()),
        ("explain (analyze, buffers) select * from |", from.into()),
        ("select * from a where exists (select 1 from |", from.into()),
        ("table|", "select".into()),
    ];
    for (marked, wanted) in cases {
        assert_eq!(told(marked), wanted, "{marked}");
    }
}

#[test]
fn every_place_of_a_change_has_its_names() {
    for (marked, wanted) in [
        ("insert |", "into"),
        ("insert into |", "tables, schemas"),
        ("insert into orders (|", "target orders"),
        ("insert into orders (id, |", "target orders"),
        ("insert into shop.orders (id, cu|", "target orders"),
        ("insert into orders (id) |", "values, on conflict"),
        ("insert into orders values (|", "functions, default, case"),
        ("insert into orders (id) values (1) |", "returning, group by"),
        ("insert into orders (id) values (1) on conflict (|", "target orders"),
        ("insert into orders (id) values (1) on conflict (id) do update set |", "target orders"),
        ("insert into orders (id) select | from x", "columns, sources, functions, case, schemas, from"),
        ("update |", "tables, schemas, only"),
        ("update orders |", "set"),
        ("update orders set |", "target orders"),
        ("update orders o set st|", "target orders"),
        ("update orders set a = 1, |", "target orders"),
        ("update orders set a = |", "columns, sources, functions, case, schemas, default"),
        ("update orders set a = 1 |", "where, and"),
        ("update orders set a = 1 where |", "columns, sources, functions, case, schemas"),
        ("update orders o set a = 1 where a is distinct from b and o.|", "of o"),
        ("delete |", "from"),
        ("delete from |", "ctes, rows, schemas, functions, lateral"),
        ("delete from orders where |", "columns, sources, functions, case, schemas"),
        ("delete from orders using |", "ctes, rows, schemas, functions, lateral"),
    ] {
        assert_eq!(told(marked), wanted, "{marked}");
    }
}

#[test]
fn utility_statements_have_their_names() {
    for (marked, wanted) in [
        ("set |", "settings, local"),
        ("set local sta|", "settings, local"),
        ("set statement_timeout |", "to"),
        ("set client_min_messages to |", "values of client_min_messages, default"),
        ("set client_min_messages = '|", "values of client_min_messages"),
        ("set search_path to |", "schemas, default"),
        ("set search_path = public, |", "schemas, default"),
        ("set role |", "roles, none"),
        ("set session authorization |", "roles, none"),
        ("set transaction |", "isolation level serializable"),
        ("show |", "settings, all"),
        ("reset |", "settings, all"),
        ("alter role app set |", "settings, local"),
        ("alter role app set work_mem |", "to"),
        ("alter database shop set datestyle to |", "values of datestyle, default"),
        ("alter table |", "tables, schemas"),
        ("alter table if exists |", "tables, schemas"),
        ("alter table orders |", "add column"),
        ("alter table orders drop |", "target orders, column"),
        ("alter table orders drop column |", "target orders, if exists"),
        ("alter table orders drop column if exists |", "target orders, if exists"),
        ("alter table orders rename column |", "target orders, if exists"),
        ("alter table shop.orders rename |", "target orders, column"),
        ("alter table orders rename column a |", "to"),
        ("alter table orders alter column a |", "type"),
        ("alter table orders alter column a type |", "types, schemas"),
        ("alter table orders alter column a type |", "types, schemas"),
        ("alter table orders add column a |", "types, schemas"),
        ("alter table orders add column |", "constraint"),
        ("alter table orders add constraint x foreign key (|", "target orders"),
        ("alter table orders add foreign key (a) references customers (|", "target customers"),
        ("alter table orders owner to |", "roles"),
        ("alter table orders set schema |", "schemas"),
        ("alter view |", "views, schemas"),
        ("alter sequence |", "sequences, schemas"),
        ("drop |", "table"),
        ("drop table |", "tables, schemas, if exists"),
        ("drop table if exists |", "tables, schemas, if exists"),
        ("drop table a, |", "tables, schemas"),
        ("drop index |", "indexes, schemas, if exists"),
        ("drop materialized view |", "materialized, schemas"),
        ("drop function |", "functions, schemas, if exists"),
        ("drop schema |", "schemas, if exists"),
        ("drop table audit.|", "tables in audit"),
        ("truncate |", "tables, schemas, analyze"),
        ("vacuum full |", "rows, schemas, analyze"),
        ("analyze orders (|", "target orders"),
        ("refresh materialized view |", "materialized, schemas, analyze"),
        ("create |", "table, or replace"),
        ("create table x (a |", "types, schemas"),
        ("create table x (a integer references |", "tables, schemas"),
        ("create table x (a integer references customers (|", "target customers"),
        ("create index on |", "tables, materialized, schemas"),
        ("create index on orders (|", "target orders, functions"),
        ("create index on orders using gin (|", "target orders, functions"),
        ("create view v as select * from |", "ctes, rows, schemas, functions, lateral"),
        ("grant select on |", "rows, schemas, table"),
        ("grant select on orders to |", "roles, public"),
        ("grant usage on schema |", "schemas"),
        ("copy |", "rows, schemas"),
        ("copy orders (|", "target orders"),
        ("copy (|", "select"),
        ("copy (select * from |", "ctes, rows, schemas, functions, lateral"),
        ("call |", "procedures, schemas"),
        ("comment on column |", "rows, schemas"),
    ] {
        assert_eq!(told(marked), wanted, "{marked}");
    }
}

#[test]
fn backslash_words_take_what_they_name() {
    for (marked, wanted) in [
        ("\\|", "commands"),
        ("\\d|", "commands"),
        ("select 1\n\\d |", "all, schemas"),
        ("\\d+ ord|", "all, schemas"),
        ("\\dt audit.|", "tables in audit"),
        ("\\d \"Odd\".\"We|", "all in Odd"),
        ("\\dx |", "extensions"),
        ("\\c |", "databases"),
        ("\\c shop |", "roles"),
        ("\\sf |", "functions, procedures, schemas"),
        ("\\dn |", "schemas"),
        ("\\copy |", "rows, schemas"),
        ("\\echo |", "nothing"),
        ("\\d orders\nsel|", "select"),
    ] {
        assert_eq!(told(marked), wanted, "{marked}");
    }
}

#[test]
fn strings_are_left_alone_but_for_what_is_compared() {
    for (marked, wanted) in [
        ("select 'sel|", "nothing"),
        ("select 'from |' from t", "nothing"),
        ("select $$ sel| $$", "nothing"),
        ("-- sel|", "nothing"),
        ("select 1 /* sel| */", "nothing"),
        ("select 1 -- done\nfr|", "from, and, group by"),
        ("select 12|", "nothing"),
        ("copy t from stdin;\n1\tsel|", "nothing"),
        ("select * from o where status = '|", "labels of status"),
        ("select * from o where o.status = 'pa|'", "labels of o.status"),
        ("select * from o where status in ('new', '|", "labels of status"),
        ("select * from o where status not in ('|", "labels of status"),
        ("select * from o where status <> '| order by 1", "labels of status"),
        ("select * from o where status is distinct from '|", "labels of status"),
        ("update o set status = '|", "labels of status"),
    ] {
        assert_eq!(told(marked), wanted, "{marked}");
    }
}

#[test]
fn what_is_typed_is_what_is_replaced() {
    for (marked, typed, quoted, replaced) in [
        ("select * from ord|", "ord", false, "ord"),
        ("select * from audit.ev|", "ev", false, "ev"),
        ("select * from \"Od|", "Od", true, "\"Od"),
        ("select * from \"Od|d\" x", "Od", true, "\"Odd\""),
        ("select * from or|ders o", "or", false, "orders"),
        ("select o.|id from orders o", "", false, ""),
        ("where x = '|", "", false, "'"),
    ] {
        let Some(expected) = at(marked) else { continue };
        assert_eq!((expected.typed.as_str(), expected.quoted), (typed, quoted), "{marked}");
        assert_eq!(&marked.replacen('|', "", 1)[expected.range], replaced, "{marked}");
    }
    let expected = at("select 1;\n\\d ord|").expect("an argument");
    assert_eq!(expected.range, 13..16);
    assert!(at("SELECT * F|").expect("words").capitals);
    assert!(at("SELECT * |").expect("words").capitals);
    assert!(!at("SELECT * f|").expect("words").capitals);
    assert!(at("select cou|(x)").expect("a call").called);
}

fn shop() -> Catalogue {
    let mut builder = Builder::default();
    for (name, columns) in [
        ("orders", &[("id", "bigint"), ("customer_id", "bigint"), ("status", "order_status")][..]),
        ("customers", &[("id", "bigint"), ("name", "text")][..]),
    ] {
        builder.relation("public", name, RelationKind::Table, columns.iter().copied());
    }
    builder.on_path("public");
    builder.finish()
}

/// Columns that can be named at the cursor: by source, with types.
fn columns(marked: &str) -> String {
    let catalogue = shop();
    let path = catalogue.search_path();
    let expected = at(marked).expect("a place");
    let sources = expected.scope.sources().map(|source| {
        let columns = expected.scope.columns(source, &catalogue, path);
        let columns = columns.iter().map(|column| match column.of_type {
            Some(of_type) => format!("{}:{of_type}", column.name),
            None => column.name.to_string(),
        });
        format!("{}({})", source.label().unwrap_or("?"), columns.collect::<Vec<_>>().join(" "))
    });
    sources.collect::<Vec<_>>().join(" ")
}

#[test]
fn sources_are_found_on_both_sides_with_scopes_of_their_own() {
    let orders = "(id:bigint customer_id:bigint status:order_status)";
    let customers = "(id:bigint name:text)";
    for (marked, wanted) in [
        ("select | from orders o", format!("o{orders}")),
        ("select | from orders as o where x", format!("o{orders}")),
        ("select * from orders o, customers where |", format!("o{orders} customers{customers}")),
        ("select * from orders o join customers c on |", format!("o{orders} c{customers}")),
        ("select * from (orders o join customers c on true) where |", format!("o{orders} c{customers}")),
        ("select * from only public.orders where |", format!("orders{orders}")),
        (
            "select * from orders where exists (select 1 from customers c where |)",
            format!("c{customers} orders{orders}"),
        ),
        ("select * from orders o, (select | from customers) c", format!("customers{customers}")),
        ("select * from orders o, lateral (select | from customers) c", format!("customers{customers} o{orders} c()")),
        ("select | from (select id, name as label from customers) x", "x(id:bigint label:text)".into()),
        ("select | from (select * from customers) x", format!("x{customers}")),
        (
            "select | from (select c.*, 1 as one, count(*) from customers c) x",
            "x(id:bigint name:text one count)".into(),
        ),
        ("with x as (select id from orders) select | from x", "x(id:bigint)".into()),
        ("with x(a, b) as (select id, status from orders) select | from x y", "y(a:bigint b:order_status)".into()),
        ("with a as (select id from orders), b as (select * from a) select | from b", "b(id:bigint)".into()),
        ("with recursive t as (select id from orders union all select | from t) select 1", "t(id:bigint)".into()),
        ("select id from orders union select | from customers", format!("customers{customers}")),
        ("select | from orders union select id from customers", format!("orders{orders}")),
        ("update orders o set status = |", format!("o{orders}")),
        ("update orders set status = c.name from customers c where |", format!("orders{orders} c{customers}")),
        ("delete from orders using customers where |", format!("orders{orders} customers{customers}")),
        ("insert into orders (id) values (1) returning |", format!("orders{orders}")),
        ("select * from generate_series(1, 2) g(n) where |", "g(n)".into()),
        ("select extract(epoch from now()) from orders where |", format!("orders{orders}")),
        ("select * from orders where |\n\nselect * from customers", format!("orders{orders}")),
        ("select | from (values (1, 2)) v(a, b)", "v(a b)".into()),
        ("select \"O\".| from orders \"O\"", format!("O{orders}")),
        ("select | from orders\nunion all\n\nselect 1 from customers", format!("orders{orders}")),
    ] {
        assert_eq!(columns(marked), wanted, "{marked}");
    }
}

#[test]
fn a_recursive_or_deep_statement_comes_to_an_end() {
    let looped = "with recursive t as (select * from t) select | from t";
    assert!(columns(looped).starts_with("t("));
    let deep = format!("select {} | ", "(select ".repeat(2000));
    assert!(at(&deep).is_some());
    let wide = format!("select | from {}", vec!["orders"; 2000].join(", "));
    assert!(at(&wide).is_some());
}

mod properties {
    use super::super::expect;
    use proptest::prelude::*;

    const PIECES: &[&str] = &[
        "select ",
        "from ",
        "where ",
        "(",
        ")",
        "with x as (",
        ", ",
        "join ",
        "on ",
        "using ",
        "a.",
        "orders ",
        "\"",
        "'",
        "insert into ",
        "update ",
        "set ",
        "values ",
        "alter table ",
        "create table ",
        "drop ",
        "*",
        ";",
        "\n\n",
        "--",
        "\\d ",
        "grant ",
        "as ",
        "union ",
        "group by ",
        "é",
        "$$",
        "copy ",
        "explain ",
        "=",
        "::",
        "only ",
        "returning ",
        "delete ",
    ];

    proptest! {
        #[test]
        fn no_text_is_too_odd(pieces in proptest::collection::vec(prop::sample::select(PIECES), 0..24), at in 0usize..200) {
            let text = pieces.concat();
            if let Some(expected) = expect(&text, at) {
                prop_assert!(text.is_char_boundary(expected.range.start) && text.is_char_boundary(expected.range.end));
                prop_assert!(expected.range.start <= at.min(text.len()));
            }
        }
    }
}
