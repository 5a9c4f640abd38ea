//! Plans of a real PostgreSQL: what is made of `EXPLAIN (FORMAT JSON)` says what the server's own text says, and the
//! shares of the time sum up to the whole.

#[path = "support/world.rs"]
mod world;

use gatepost::access::Session;
use gatepost::model::plan::{Options, Plan, Trouble, parse, text, wrap};
use proptest::prelude::*;
use world::{World, value, wish};

/// What there is to be explained.
const MADE: &str = "\
create temp table customer as select g id, 'name ' || g as name from generate_series(1, 2000) g;
create temp table orders as select g id, g % 2000 + 1 customer, g % 7 kind, repeat('x', 20) note
  from generate_series(1, 40000) g;
create index orders_id on orders (id); create index \"Orders Kind\" on orders (kind, id); create index on customer (id);
create temp table part (n int, t text) partition by range (n);
create temp table part_a partition of part for values from (0) to (1000);
create temp table part_b partition of part for values from (1000) to (2000);
insert into part select g, 't' from generate_series(0, 1999) g;
create temp table one (n int primary key); create temp table two (n int references one); insert into one values (1), (2);
analyze customer; analyze orders; analyze part; analyze one;
set max_parallel_workers_per_gather = 0; set jit = off; select 1";

/// Statements that make every kind of node and line.
const CORPUS: &[(&str, &str)] = &[
    ("", "select 1"),
    ("", "select * from orders o where id = 7"),
    ("", "select id from orders where id between 5 and 9 order by id desc"),
    ("", "select * from orders where kind = 3 and note like '%y%'"),
    (
        "set enable_seqscan = off; set enable_indexscan = off",
        "select * from orders where kind = 3 and id < 20000 or id = 5",
    ),
    (
        "",
        "select c.name, count(*) from customer c join orders o on o.customer = c.id group by c.name having count(*) > 3",
    ),
    ("set enable_hashjoin = off", "select * from customer c left join orders o on o.customer = c.id where c.id < 20"),
    (
        "set enable_hashjoin = off; set enable_mergejoin = off",
        "select * from orders o join customer c on c.id = o.customer where o.id < 300",
    ),
    ("set work_mem = '64kB'", "select * from orders order by note, id"),
    ("set work_mem = '64kB'; set enable_sort = off", "select id, count(*) from orders group by id"),
    (
        "set work_mem = '64kB'; set enable_mergejoin = off; set enable_nestloop = off",
        "select count(*) from orders a join orders b using (id)",
    ),
    ("", "select * from orders order by kind, id, note limit 5"),
    ("", "select * from part where n > 500 union all select id, note from orders where id < 3"),
    ("", "with x as materialized (select * from orders where kind = 1) select count(*) from x join x y using (id)"),
    ("", "select (select max(id) from orders) + id from customer where id > (select avg(id) from customer) limit 3"),
    (
        "",
        "select id, (select count(*) from orders o where o.customer = c.id and o.id < 50) from customer c where id < 4",
    ),
    ("", "select * from customer where id not in (select customer from orders where kind = 9)"),
    ("", "select * from customer c where exists (select 1 from orders o where o.customer = c.id and o.kind = 2)"),
    ("", "select * from customer c where false"),
    ("", "select * from one where n = 1 and (select false) and n in (select id from orders)"),
    ("", "insert into one select g from generate_series(100, 110) g on conflict do nothing"),
    ("", "update orders set kind = kind + 1 where id < 10 returning id"),
    ("", "delete from customer c using orders o where o.customer = c.id and o.id = 3"),
    ("", "with gone as (delete from orders where id < 5 returning *) select count(*) from gone"),
    ("", "select kind, customer, count(*) from orders where id < 100 group by rollup (kind, customer)"),
    ("", "select rank() over (partition by kind order by id) from orders where id < 100"),
    ("", "select id from customer intersect select customer from orders"),
    ("", "with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select * from r"),
    (
        "",
        "select * from generate_series(1, 3) g, (values (1), (2)) v(x), lateral (select * from orders where id = g) l",
    ),
    ("", "select distinct on (kind) kind, id from orders order by kind, id"),
    ("", "select * from orders tablesample system (5) repeatable (7) where id = 3 for update"),
    ("", "select * from orders where ctid = '(0,1)'"),
];

async fn json(session: &mut Session, statement: &str) -> String {
    value(session, statement).await
}

async fn database() -> (World, Session) {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let mut session = world.access.connect(&wish(&endpoint, "oncall"), None).await.expect("a session");
    value(&mut session, MADE).await;
    (world, session)
}

async fn lines(session: &mut Session, statement: &str) -> Vec<String> {
    let (rows, _) = world::rows(session, statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    rows.into_iter().flatten().collect()
}

/// Sizes of memory differ from run to run, and so does what autovacuum has made visible.
fn steady(line: &str) -> String {
    if let Some((before, _)) = line.split_once("Heap Fetches: ") {
        return format!("{before}Heap Fetches: …");
    }
    let mut out = String::new();
    for word in line.split(' ') {
        let size = word.strip_suffix("kB").is_some_and(|number| number.parse::<u64>().is_ok());
        out.push_str(if size { "…kB" } else { word });
        out.push(' ');
    }
    out.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_as_text_is_what_the_server_writes() {
    let (_world, mut session) = database().await;
    let mut kinds = std::collections::BTreeSet::new();
    for (settings, statement) in CORPUS {
        value(&mut session, &format!("begin; {settings}{} select 1", if settings.is_empty() { "" } else { ";" })).await;
        for options in [
            "costs on",
            "analyze, timing off, summary off, buffers off",
            "analyze, timing off, summary off, costs off, verbose",
        ] {
            value(&mut session, "savepoint here; select 1").await;
            let told = lines(&mut session, &format!("explain ({options}) {statement}")).await;
            value(&mut session, "rollback to here; select 1").await;
            let plan = json(&mut session, &format!("explain ({options}, format json) {statement}")).await;
            value(&mut session, "rollback to here; select 1").await;
            let plan = parse(&plan).unwrap_or_else(|error| panic!("{statement}: {error}"));
            if options.ends_with("verbose") {
                // What only VERBOSE says is read, and nothing of it is lost.
                let lists = plan.nodes.iter().any(|node| node.says.contains_key("Output"));
                assert!(lists && !text(&plan).is_empty(), "{statement}");
                continue;
            }
            let ours: Vec<String> = text(&plan).lines().map(steady).collect();
            // Less than half a row removed in each loop: text says 0, where JSON's 0 may also be none at all.
            let none = |line: &&String| !(line.contains("Rows Removed by ") && line.ends_with(": 0"));
            let theirs: Vec<String> = told.iter().filter(none).map(|line| steady(line)).collect();
            assert_eq!(ours, theirs, "\n{settings}; explain ({options}) {statement}");
            kinds.extend(plan.nodes.iter().filter_map(|node| node.word("Node Type").map(str::to_owned)));
        }
        value(&mut session, "rollback; select 1").await;
    }
    assert!(kinds.len() >= 25, "the corpus makes {} kinds of nodes: {kinds:?}", kinds.len());
    session.close().await;
}

async fn run(session: &mut Session, statement: &str) -> Plan {
    let sql = wrap(statement, Options { analyze: true, version: 15 });
    let told = json(session, &sql).await;
    parse(&told).unwrap_or_else(|error| panic!("{statement}: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_of_the_time_sum_up_to_the_whole() {
    let (_world, mut session) = database().await;
    for (settings, statement) in CORPUS {
        value(&mut session, &format!("begin; {settings}{} select 1", if settings.is_empty() { "" } else { ";" })).await;
        let plan = run(&mut session, statement).await;
        value(&mut session, "rollback; select 1").await;
        let sum: f64 = plan.nodes.iter().map(|node| node.own).sum();
        let whole = plan.nodes[0].whole;
        assert!(plan.has_times() && plan.execution.is_some() && plan.planning.is_some());
        // Averages of loops are told to a thousandth: what many loops lose by it is no error.
        let rounding: f64 = plan.nodes.iter().filter_map(|node| node.actual).map(|actual| actual.loops * 0.002).sum();
        assert!((sum - whole).abs() <= whole * 0.1 + rounding + 0.05, "{statement}: {sum} of {whole}\n{}", text(&plan));
        assert!(plan.nodes.iter().all(|node| (0.0..=1.0).contains(&node.share)));
    }
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_worth_a_look_is_marked() {
    let (_world, mut session) = database().await;
    let has = |plan: &Plan, is: &dyn Fn(&Trouble) -> bool| plan.nodes.iter().any(|node| node.troubles.iter().any(is));
    // The planner knows nothing of this: it expects few rows where all are.
    let missed = run(&mut session, "select * from orders where note || '' = repeat('x', 20)").await;
    assert!(has(&missed, &|trouble| matches!(trouble, Trouble::More(factor) if *factor >= 10.0)), "{missed:#?}");
    let early = run(&mut session, "select * from orders limit 1").await;
    assert!(!has(&early, &|trouble| matches!(trouble, Trouble::Fewer(_))), "a Limit has stopped it: {early:#?}");
    let never = run(&mut session, "select * from customer where (select false)").await;
    assert!(never.nodes.iter().any(|node| node.never() && node.own == 0.0), "{never:#?}");
    let thrown = run(&mut session, "select * from orders where kind = 3 and note = 'y'").await;
    assert!(has(&thrown, &|trouble| matches!(trouble, Trouble::Removed(_))), "{thrown:#?}");

    value(&mut session, "set work_mem = '64kB'; select 1").await;
    let sorted = run(&mut session, "select * from orders order by note, id").await;
    assert!(has(&sorted, &|trouble| matches!(trouble, Trouble::Spilled(words) if words.contains("sorted on disk"))));
    assert_eq!(
        sorted.settings.iter().find(|(name, _)| name == "work_mem").map(|(_, value)| value.as_str()),
        Some("64kB")
    );
    value(&mut session, "set enable_mergejoin = off; set enable_nestloop = off; select 1").await;
    let hashed = run(&mut session, "select count(*) from orders a join orders b using (id)").await;
    assert!(has(&hashed, &|trouble| matches!(trouble, Trouble::Spilled(words) if words.contains("batches"))));
    let fired = run(&mut session, "insert into two select 1 from generate_series(1, 5)").await;
    assert_eq!(fired.triggers.iter().map(|trigger| trigger.calls).collect::<Vec<_>>(), [5], "{fired:#?}");
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_work_side_by_side_count_once() {
    let (_world, mut session) = database().await;
    let made = "create unlogged table if not exists wide as select g id, g % 10 k from generate_series(1, 300000) g; \
                analyze wide; set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; \
                set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; select 1";
    value(&mut session, made).await;
    let plan = run(&mut session, "select k, count(*) from wide group by k").await;
    value(&mut session, "drop table wide; select 1").await;
    assert!(plan.nodes.iter().any(|node| node.title.starts_with("Parallel Seq Scan")), "{}", text(&plan));
    let whole = plan.nodes[0].whole;
    for node in &plan.nodes {
        assert!(node.whole <= whole * 1.05 + 0.1, "{}: {} of {whole}\n{}", node.title, node.whole, text(&plan));
    }
    session.close().await;
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let names = prop::sample::select(vec![
        "Plan",
        "Plans",
        "Node Type",
        "Actual Loops",
        "Actual Total Time",
        "Plan Rows",
        "Actual Rows",
        "Subplan Name",
        "Parent Relationship",
        "Alias",
        "Hash Batches",
        "Triggers",
        "JIT",
        "Settings",
        "Sort Key",
        "Strategy",
        "Join Type",
        "CTE Name",
        "Total Cost",
        "Workers Launched",
        "Full-sort Groups",
        "Grouping Sets",
        "Hash Buckets",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        prop::sample::select(vec![
            "Gather",
            "InitPlan",
            "CTE x",
            "InitPlan 1 (returns $0)",
            "$0",
            "Hash Join",
            "é",
            "Left"
        ])
        .prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::vec((names.clone(), inner), 0..8).prop_map(|fields| {
                serde_json::Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_is_too_odd(root in any_json(), garbage in ".{0,40}") {
        let _ = parse(&garbage);
        let _ = parse(&root.to_string());
        let mut plan = serde_json::json!([{ "Plan": { "Node Type": "Result" } }]);
        plan[0]["Plan"]["Plans"] = serde_json::json!([root.clone(), { "Node Type": "Sort", "Plans": [root.clone()] }]);
        plan[0]["Triggers"] = root;
        let plan = parse(&plan.to_string()).expect("it has a plan");
        prop_assert!(text(&plan).contains("Result"));
        prop_assert!(plan.nodes.iter().all(|node| (0.0..=1.0).contains(&node.share)), "{:#?}", plan);
    }
}
