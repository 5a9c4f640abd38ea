//! Plans by keys: what is asked of the server, what is asked first, the tree and what is copied.

use super::*;

const PLAN: &str = r#"[{"Plan": {"Node Type": "Sort", "Plan Rows": 12, "Plan Width": 44, "Startup Cost": 90.1,
 "Total Cost": 90.2, "Actual Startup Time": 118.0, "Actual Total Time": 120.5, "Actual Rows": 50000, "Actual Loops": 1,
 "Sort Key": ["o.placed DESC"], "Sort Method": "external merge", "Sort Space Used": 4120, "Sort Space Type": "Disk",
 "Shared Hit Blocks": 310, "Shared Read Blocks": 42,
 "Plans": [{"Node Type": "Hash Join", "Parent Relationship": "Outer", "Join Type": "Inner", "Plan Rows": 12,
  "Plan Width": 44, "Startup Cost": 3.0, "Total Cost": 80.0, "Actual Startup Time": 1.0, "Actual Total Time": 80.0,
  "Actual Rows": 50000, "Actual Loops": 1, "Hash Cond": "(o.customer = c.id)",
  "Plans": [
   {"Node Type": "Seq Scan", "Parent Relationship": "Outer", "Relation Name": "orders", "Alias": "o", "Plan Rows": 50000,
    "Plan Width": 20, "Startup Cost": 0.0, "Total Cost": 60.0, "Actual Startup Time": 0.1, "Actual Total Time": 30.0,
    "Actual Rows": 50000, "Actual Loops": 1, "Filter": "(total > 5)", "Rows Removed by Filter": 900000},
   {"Node Type": "Hash", "Parent Relationship": "Inner", "Plan Rows": 100, "Plan Width": 8, "Startup Cost": 1.0,
    "Total Cost": 2.0, "Actual Startup Time": 0.4, "Actual Total Time": 0.5, "Actual Rows": 100, "Actual Loops": 1,
    "Hash Buckets": 1024, "Hash Batches": 1, "Peak Memory Usage": 12,
    "Plans": [{"Node Type": "Index Only Scan", "Parent Relationship": "Outer", "Index Name": "customer\u001b[2Jpkey",
     "Relation Name": "customer", "Alias": "c", "Scan Direction": "Forward", "Plan Rows": 100, "Plan Width": 8,
     "Startup Cost": 0.0, "Total Cost": 1.0, "Actual Startup Time": 0.0, "Actual Total Time": 0.2, "Actual Rows": 100,
     "Actual Loops": 1}]}]}]},
 "Settings": {"work_mem": "64kB"}, "Planning Time": 0.4, "Triggers": [], "Execution Time": 123.4}]"#;

/// A bench at which the plan was asked for and came.
fn planned(width: u16, height: u16) -> Bench {
    let mut bench = Bench::new(width, height);
    bench.keys("select * from orders<F7>");
    assert_eq!(bench.ran(), ["EXPLAIN (FORMAT JSON, SETTINGS) select * from orders"]);
    bench.answer(&[("QUERY PLAN", 114)], &[&[Some(PLAN)]]);
    bench
}

#[test]
fn a_plan_is_a_tree_with_marks() {
    for (width, height) in [(80, 24), (120, 40)] {
        let bench = planned(width, height);
        insta::assert_snapshot!(format!("plan_{width}x{height}"), bench.screen());
    }
}

#[test]
fn a_plan_is_folded_walked_and_copied() {
    let mut bench = planned(120, 40);
    assert!(bench.screen().contains("node 1 of 5"));
    bench.keys("j ");
    assert!(bench.screen().contains("▸ Hash Join") && !bench.screen().contains("Seq Scan"), "{}", bench.screen());
    // The next one that is marked is found though it is folded away.
    bench.keys("n");
    assert!(bench.screen().contains("node 3 of 5") && bench.screen().contains("read only to be filtered out"));
    bench.keys("<Left><Left>-");
    assert!(bench.screen().contains("▸ Sort"), "{}", bench.screen());
    bench.keys("+G");
    assert!(bench.screen().contains("node 5 of 5"));
    bench.keys("<Enter>");
    assert!(bench.screen().contains("of its own 0.200 ms"), "{}", bench.screen());
    bench.keys("<Esc>");
    bench.orders.clear();
    bench.keys("yY");
    let copied: Vec<String> = std::mem::take(&mut bench.orders)
        .into_iter()
        .filter_map(|order| if let Order::Copy(text) = order { Some(text) } else { None })
        .collect();
    let (text, json) = (&copied[0], &copied[1]);
    assert!(
        text.starts_with(
            "Sort  (cost=90.10..90.20 rows=12 width=44) (actual time=118.000..120.500 rows=50000 loops=1)\n"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "\n  Sort Method: external merge  Disk: 4120kB\n  Buffers: shared hit=310 read=42\n  ->  Hash Join"
        ),
        "{text}"
    );
    assert_eq!(json, PLAN);
    // The row it came in, and the tree again.
    bench.keys("t");
    assert!(bench.screen().contains("QUERY PLAN"));
    bench.keys("t");
    assert!(bench.screen().contains("▾ Sort"));
    bench.keys("<Esc>");
    assert!(bench.pane.types());
}

#[test]
fn what_would_be_run_is_asked_about_and_rolled_back() {
    let mut bench = Bench::new(80, 24);
    bench.keys("delete from orders where id = 3<F8>");
    let analyzed = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON, SETTINGS) delete from orders where id = 3";
    // The server refuses on a read-only session; nothing has to be asked.
    assert_eq!(bench.ran(), [analyzed]);

    let asked = |width, height| {
        let mut bench = Bench::made(width, height, false, true);
        bench.keys("delete from orders where id = 3<F8>");
        bench
    };
    safety::both("analyze", |width, height| asked(width, height).screen());
    let mut bench = asked(80, 24);
    assert_eq!(bench.ran(), Vec::<String>::new());
    bench.keys("n");
    assert_eq!(bench.ran(), Vec::<String>::new());
    bench.keys("<F8>y");
    assert_eq!(bench.ran(), ["begin", analyzed, "rollback"]);

    // What only reads, as far as words tell, is not asked about; what a function does is undone all the same.
    let mut bench = Bench::made(80, 24, false, false);
    bench.keys("explain select f()<F8>");
    assert_eq!(bench.ran(), ["begin", "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON, SETTINGS) select f()", "rollback"]);

    let mut bench = Bench::made(80, 24, false, false);
    bench.keys("vacuum orders<F7>");
    assert_eq!(bench.ran(), Vec::<String>::new());
    assert!(bench.screen().contains("this has no plan"), "{}", bench.screen());
}

#[test]
fn an_error_is_shown_where_it_was_typed() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select<Enter>  nothing<F7>");
    let run = bench.pane.runs;
    bench.news(News::Began { run, index: 0, at: bench.now });
    let sent = "EXPLAIN (FORMAT JSON, SETTINGS) select\n  nothing";
    let mut diagnosis = Diagnosis::new(Kind::Sql, "column \"nothing\" does not exist");
    diagnosis.at = Some(sent.find("nothing").expect("it is in there"));
    bench.news(News::Failed { run, index: 0, result: None, diagnosis, timing: Bench::took(30) });
    bench.news(News::Ended { run });
    let cursor = bench.pane.editor.cursor();
    assert_eq!((cursor.line, cursor.byte), (1, 2));
    assert!(!bench.screen().contains("LINE 1: EXPLAIN"), "{}", bench.screen());
}
