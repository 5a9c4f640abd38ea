//! The screens of everyday work at the smallest size that is promised and at a usual one: each with its key line, nothing
//! cut that matters.

use super::safety::both;
use super::*;

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
