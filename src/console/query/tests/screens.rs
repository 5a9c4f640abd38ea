//! The screens of everyday work at the smallest size that is promised and at a usual one: each with its key line, nothing
//! cut that matters.

use super::safety::both;
use super::*;
use crate::console::query::shape::{Part, Shape, Shaped};

fn shown(width: u16, height: u16, keys: &str) -> String {
    let mut bench = Bench::orders_shown(width, height);
    bench.keys(keys);
    bench.screen()
}

#[test]
fn results_their_menus_and_their_questions() {
    for (name, keys) in [
        ("results", "jl"),
        ("record", "jx"),
        ("cell", "jj$<Enter>"),
        ("copy_menu", "jvjly"),
        ("export_form", "e"),
        ("search", "/paid"),
        ("filter", "fcount > 100"),
        ("column_by_name", "cno"),
    ] {
        both(&format!("screen_{name}"), |width, height| shown(width, height, keys));
    }
}

#[test]
fn the_editor_and_its_questions() {
    both("screen_leave", |width, height| {
        let mut bench = Bench::new(width, height);
        let facts = Box::new(bench.pane.facts.clone());
        bench.news(News::State { transaction: Transaction::Open, facts, away: false });
        bench.keys("<C-q>");
        bench.screen()
    });
    both("screen_dangerous", |width, height| {
        let mut bench = Bench::made(width, height, false, true);
        bench.keys("drop table orders;<Enter>");
        bench.screen()
    });
    both("screen_error", |width, height| {
        let mut bench = Bench::new(width, height);
        bench.input(Input::Paste("select o.status,\n       o.nmae\n  from orders o".to_owned()));
        bench.keys("<F5>");
        let (run, now) = (bench.pane.runs, bench.now);
        let mut diagnosis = Diagnosis::new(Kind::Sql, "column o.nmae does not exist")
            .advise("Perhaps you meant to reference the column \"o.name\".");
        diagnosis.at = Some("select o.status,\n       ".chars().count());
        diagnosis.code = Some("42703".to_owned());
        bench.news(News::Began { run, index: 0, at: now });
        bench.news(News::Failed { run, index: 0, result: None, diagnosis, timing: Bench::took(34) });
        bench.news(News::Ended { run });
        bench.screen()
    });
}

#[test]
fn cells_of_every_kind() {
    let long = "one two three four five six seven eight nine ten ".repeat(12);
    let bytes = format!("\\x{}", "48656c6c6f2c20776f726c6421000102".repeat(5));
    for (name, oid, value) in [
        ("json", 3802, Some(r#"{"id": 1, "tags": ["a", "b"], "when": null, "of": {"x\u001b": "\u001b[31m"}}"#)),
        ("text", 25, Some(long.as_str())),
        ("bytea", 17, Some(bytes.as_str())),
        ("array", 1009, Some(r#"{a,"b, c",NULL,"d\"e"}"#)),
        ("null", 25, None),
        ("empty", 25, Some("")),
        ("controls", 25, Some("a\tb\nc\u{1b}[31mred\u{7}")),
    ] {
        both(&format!("cell_{name}"), |width, height| {
            let mut bench = Bench::new(width, height);
            bench.keys("select value;<Enter>");
            bench.answer(&[("value", oid)], &[&[value]]);
            bench.keys("<Esc><Enter>").screen()
        });
    }
}

#[test]
fn what_runs_and_what_is_arranged() {
    both("streaming", |width, height| Bench::streaming(width, height).screen());
    both("progress", |width, height| {
        let mut bench = Bench::new(width, height);
        bench.keys("create index concurrently on orders (placed_at);<Enter>");
        let at = bench.now;
        bench.news(News::Began { run: 1, index: 0, at });
        bench.news(News::Progress("building index: scanning table 25 %".to_owned()));
        bench.input(Input::Tick(at + Duration::from_secs(61)));
        bench.screen()
    });
    both("row_cap", |width, height| {
        let mut bench = Bench::streaming(width, height);
        let why = "only the first 200 rows are kept (setting row_limit); the statement was cancelled".to_owned();
        bench.news(News::Short { result: ResultId(7), why });
        bench.screen()
    });
    both("arranged", |width, height| {
        let mut bench = Bench::orders_shown(width, height);
        bench.keys("f~ped<Enter>");
        bench.arranged(2, 8)
    });
    both("record_of_none", |width, height| {
        let mut bench = Bench::orders_shown(width, height);
        bench.keys("f~zzz<Enter>");
        bench.arranged(0, 8);
        bench.keys("x").screen()
    });
    both("wide", |width, height| {
        let mut bench = Bench::new(width, height);
        bench.keys("select wide;<Enter>");
        let names: Vec<String> = (0..1600).map(|n| format!("column \"{n}\"\n")).collect();
        let columns: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 25)).collect();
        let row: Vec<Option<&str>> = (0..1600).map(|n| (n % 3 != 0).then_some("v")).collect();
        bench.answer(&columns, &[&row, &row]);
        bench.keys("<Esc>800l").screen()
    });
}

impl Bench {
    /// The desk has done what was asked for last.
    fn arranged(&mut self, rows: u64, of: u64) -> String {
        let asks = self.ask();
        let [Ask::Shape(ticket, Shape::Arrange { result, arrangement })] = asks.as_slice() else { panic!("{asks:?}") };
        let shaped = Shaped::Arranged { result: *result, arrangement: arrangement.clone(), rows, of };
        self.news(News::Shaped(*ticket, shaped));
        self.orders.clear();
        self.screen()
    }
}

#[test]
fn an_export_or_a_copy_of_what_is_not_all_says_so() {
    let written = |bench: &mut Bench| {
        let asks = bench.keys("e<Enter>").ask();
        let [Ask::Shape(ticket, Shape::Export { .. })] = asks.as_slice() else { panic!("{asks:?}") };
        let path = "/tmp/orders.csv".into();
        bench.news(News::Shaped(*ticket, Shaped::Written { path, rows: 200, bytes: 4096, mode: 0o644 }));
        bench.said().to_owned()
    };
    let mut bench = Bench::streaming(120, 40);
    bench.keys("<Esc>");
    assert!(written(&mut bench).ends_with("; not the whole result: the statement still runs"), "{}", bench.said());
    let run = bench.pane.runs;
    let diagnosis = Diagnosis::new(Kind::OutcomeUnknown, "The connection to orders-prod was lost");
    bench.news(News::Failed { run, index: 0, result: Some(ResultId(7)), diagnosis, timing: Bench::took(182) });
    bench.news(News::Ended { run });
    bench.keys("<Esc>z");
    bench.pane.showing = crate::console::query::pane::Showing::Rows;
    bench.pane.focus = crate::console::query::pane::Focus::Results;
    let said = written(&mut bench);
    assert!(said.ends_with("; not the whole result: the statement failed before its last row"), "{said}");
    let asks = bench.keys("y<Tab><Tab><Tab>c").ask();
    let [Ask::Shape(ticket, Shape::Copy { .. })] = asks.as_slice() else { panic!("{asks:?}") };
    bench.news(News::Shaped(*ticket, Shaped::Copied { text: "id\n1\n".to_owned(), rows: 1 }));
    assert!(bench.said().contains("not the whole result"), "{}", bench.said());
    // Of a result that is whole nothing of the kind is said.
    let mut bench = Bench::orders_shown(120, 40);
    assert!(written(&mut bench).ends_with("(mode 0644)"), "{}", bench.said());
}

#[test]
fn a_stopped_export_is_gone_on_with_only_in_the_order_it_had() {
    let mut bench = Bench::orders_shown(120, 40);
    bench.keys("s");
    bench.arranged(8, 8);
    let asks = bench.keys("e<Enter>").ask();
    let [Ask::Shape(ticket, Shape::Export { plan, .. })] = asks.as_slice() else { panic!("{asks:?}") };
    let part = Part { path: "orders.csv.part".into(), rows: 3, bytes: 40 };
    let path = plan.path.clone();
    bench.news(News::Shaped(*ticket, Shaped::Stopped(Some(part.clone()))));
    let resume = |bench: &mut Bench| {
        let asks = bench.keys("e<Enter>").ask();
        let Some(Ask::Shape(_, Shape::Export { plan, resume, .. })) = asks.last() else { panic!("{asks:?}") };
        assert_eq!(plan.path, path);
        resume.clone()
    };
    let before = bench.pane.clone();
    assert_eq!(resume(&mut bench), Some(part));
    // More rows came, and were sorted in: what is in the file is not their beginning.
    bench.pane = before;
    let result = bench.pane.table().expect("a result").id;
    let arrangement = bench.pane.table().expect("a result").arrangement.clone();
    bench.news(News::Rows { result, rows: 9, bytes: 900 });
    bench.news(News::Shaped(99, Shaped::Arranged { result, arrangement, rows: 9, of: 9 }));
    assert_eq!(resume(&mut bench), None);
}

#[test]
fn a_row_of_a_hundred_nulls_shows_them() {
    let names: Vec<String> = (0..100).map(|n| format!("c{n}")).collect();
    let columns: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 25)).collect();
    let mut bench = Bench::new(80, 24);
    bench.keys("select nothing;<Enter>");
    bench.answer(&columns, &[&vec![None; 100]]);
    bench.keys("<Esc>");
    assert!(bench.screen().matches("∅").count() > 10, "{}", bench.screen());
    bench.keys("$");
    assert!(bench.screen().contains("c99"), "{}", bench.screen());
    bench.keys("x");
    assert!(bench.screen().matches('∅').count() > 10, "{}", bench.screen());
}

#[test]
fn a_table_as_text_is_not_broken_and_scrolls_sideways() {
    let mut bench = Bench::new(80, 24);
    let names = format!(" {:<60} | {:<40} | Last", "Column", "Type");
    let rule = format!("-{}-+-{}-+------", "-".repeat(60), "-".repeat(40));
    let text = format!("{names}\n{rule}\n {:<60} | {:<40} | x\nIndexes: none", "id", "bigint");
    bench.input(Input::News(News::Document(text)));
    let shows = |bench: &Bench, words: &str| bench.screen().lines().any(|line| line.contains(words));
    assert!(shows(&bench, "Column") && shows(&bench, "…") && !shows(&bench, "Last"), "{}", bench.screen());
    bench.keys("<Esc>");
    for _ in 0..20 {
        bench.keys("<Right>");
    }
    assert!(shows(&bench, "| Last") && !shows(&bench, "Column "), "{}", bench.screen());
    for _ in 0..20 {
        bench.keys("<Left>");
    }
    assert!(shows(&bench, "Column"));
    // Prose is wrapped.
    bench.input(Input::News(News::Document("word ".repeat(40))));
    assert!(!shows(&bench, "word …"), "{}", bench.screen());
}

#[test]
fn what_runs_the_text_works_from_the_results() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select 1 as one<F5>");
    bench.orders_of_status();
    bench.ran();
    bench.keys("<Esc>");
    assert_eq!(bench.pane.focus, super::super::pane::Focus::Results);
    bench.keys("<F5>");
    assert_eq!(bench.ran(), ["select 1 as one"]);
}

#[test]
fn where_there_are_no_rows_it_is_said_why() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select 1 as one<F5>");
    let columns = [Column { name: "one".to_owned(), oid: 23 }].into();
    bench.input(Input::News(News::Columns { run: 1, index: 0, result: ResultId(1), columns }));
    assert!(bench.screen().contains("  no rows yet"), "{}", bench.screen());
    let mut bench = Bench::orders_shown(80, 24);
    bench.keys("famount > 30000<Enter>");
    let (ticket, Shape::Arrange { result, arrangement }) = bench.shape() else { panic!("no arrangement") };
    bench.news(News::Shaped(ticket, Shaped::Arranged { result, arrangement, rows: 0, of: 8 }));
    let screen = bench.screen();
    assert!(screen.contains("no row fits amount > 30000 · f changes that, u shows all rows"), "{screen}");
}

#[test]
fn the_words_stand_in_two_columns_at_every_width() {
    for width in [60, 80, 200] {
        let mut bench = Bench::new(width, 50);
        bench.keys("\\?<Enter>");
        let screen = bench.screen();
        let column = screen.lines().find_map(|line| line.find("tables with sizes")).expect("a line of it");
        for line in
            screen.lines().skip_while(|line| !line.contains("\\d [NAME]")).filter(|line| !line.trim().is_empty())
        {
            let beside = line.len() <= column || line.as_bytes()[column - 1] == b' ' || line.starts_with(" \\");
            assert!(beside || line.contains('·'), "{width}: {line}");
        }
        assert!(!screen.contains("failed"));
    }
}
