//! The names of a database, loaded for completion from a real PostgreSQL over TLS: what is there, that thousands of
//! tables come whole, and that a role without a free slot is refused and nothing stays behind.

#[path = "support/world.rs"]
mod world;

use gatepost::access::Wish;
use gatepost::model::catalogue::{Catalogue, RelationKind};
use gatepost::model::{Auth, Kind, Secret};
use std::time::Duration;
use world::{World, rows, value};

async fn master(world: &World) -> Wish {
    let endpoint = world.endpoint("legacy-crm").await;
    let auth = Auth::Password(Secret::new("postgres-master-password"));
    Wish { auth, database: Some("shop".to_owned()), ..world::wish(&endpoint, "postgres") }
}

fn columns(catalogue: &Catalogue, schema: &str, name: &str) -> String {
    let found = catalogue.find(Some(schema), name, &[]).expect("the relation is there");
    let columns = catalogue.columns(&catalogue.relations()[found]).iter();
    columns.map(|c| format!("{} {}", catalogue.text(c.name), catalogue.text(c.of_type))).collect::<Vec<_>>().join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_tables_and_odd_names_come_whole_and_no_session_stays() {
    let world = World::new().await;
    let wish = master(&world).await;
    let mut session = world.access.connect(&wish, None).await.expect("a session");
    for statement in [
        "create schema many",
        "create type many.mood as enum ('so so', 'it''s fine', 'a,b')",
        "create domain many.positive as integer check (value > 0)",
        "create table many.parent (a int, b int, primary key (a, b))",
        "create table many.\"Odd \"\"name\n\" (\"x\u{1b}[31m\" many.mood, p many.positive, y int, z int, n numeric(10,2)[], foreign key (y, z) references many.parent)",
        "create procedure many.go(n int) language sql as 'select 1'",
        "create function many.twice(n int default 2, out m int) language sql as 'select n * 2'",
        "create materialized view many.seen as select 1 as one",
        "do $$ begin for i in 1..5000 loop execute format('create table many.t%s (id bigint, c1 text, c2 timestamptz)', i); end loop; end $$",
    ] {
        rows(&mut session, statement).await.expect(statement);
    }
    let catalogue = world.access.catalogue(&wish).await.expect("loaded");
    let many = catalogue
        .relations()
        .iter()
        .filter(|relation| catalogue.text(relation.schema) == "many" && relation.kind == RelationKind::Table);
    assert_eq!(many.count(), 5002);
    assert_eq!(columns(&catalogue, "many", "t4999"), "id bigint, c1 text, c2 timestamp with time zone");
    assert_eq!(
        columns(&catalogue, "many", "Odd \"name\n"),
        "x\u{1b}[31m many.mood, p many.positive, y integer, z integer, n numeric[]"
    );
    let mood = catalogue.find_type("many.mood").expect("the enum");
    let labels: Vec<&str> = catalogue.labels(mood).iter().map(|label| catalogue.text(*label)).collect();
    assert_eq!(labels, ["so so", "it's fine", "a,b"]);
    let key = catalogue
        .keys()
        .iter()
        .find(|key| catalogue.text(catalogue.relations()[key.to].name) == "parent")
        .expect("the foreign key");
    let pairs: Vec<_> = key.columns.iter().map(|(f, t)| (catalogue.text(*f), catalogue.text(*t))).collect();
    assert_eq!(pairs, [("y", "a"), ("z", "b")]);
    let function = |name| {
        let found = catalogue.functions().iter().find(|function| catalogue.text(function.name) == name);
        let function = found.expect("the function");
        (catalogue.text(function.arguments), catalogue.text(function.result), function.is_procedure)
    };
    assert_eq!(function("twice"), ("n integer DEFAULT 2, OUT m integer", "integer", false));
    assert!(function("go").2);
    let level = catalogue.settings().iter().find(|s| catalogue.text(s.name) == "client_min_messages").expect("there");
    assert!(level.values.iter().any(|value| catalogue.text(*value) == "warning"));
    assert_eq!(catalogue.search_path(), ["pg_catalog", "public"]);
    assert!(catalogue.roles().iter().any(|role| catalogue.text(*role) == "app"));
    assert!(catalogue.databases().iter().any(|database| catalogue.text(*database) == "shop"));
    assert!(catalogue.find(None, "pg_stat_activity", catalogue.search_path()).is_some());
    // No row types of tables among the types, nor arrays.
    let named = |name: &str| catalogue.types().iter().any(|of| catalogue.text(of.name) == name);
    assert!(named("int4") && named("mood") && !named("t4999") && !named("_int4") && !named("_t4999"));
    // 5,000 tables with 15,000 columns beside the system's own.
    assert!(catalogue.memory() < 3 << 20, "{}", catalogue.memory());

    let left = "select count(*) from pg_stat_activity where application_name like 'gatepost completion%'";
    for _ in 0..600 {
        if value(&mut session, left).await == "0" {
            session.close().await;
            world.access.close().await;
            world.sandbox.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the session that loaded is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_at_its_connection_limit_is_refused_and_its_session_goes_on() {
    let world = World::new().await;
    let wish = master(&world).await;
    let mut session = world.access.connect(&wish, None).await.expect("a session");
    rows(&mut session, "create role lone login password 'lone' connection limit 1").await.expect("made");
    let auth = Auth::Password(Secret::new("lone"));
    let lone = Wish { user: "lone".to_owned(), auth, ..wish };
    let mut only = world.access.connect(&lone, None).await.expect("the one session");
    let refused = world.access.catalogue(&lone).await.expect_err("no slot is free");
    assert_ne!(refused.kind, Kind::Usage);
    assert_eq!(value(&mut only, "select 1").await, "1");
    only.close().await;
    session.close().await;
    world.access.close().await;
    world.sandbox.stop().await;
}
