//! Orders, filters and searches over results in memory and in the file, held to what a plain sort or scan gives.

use super::find::{From, Needle, find};
use super::*;
use crate::access::{Limits, ResultSet};
use crate::model::{Column, PageBuilder};
use std::sync::Arc;

/// id int8, name text, amount numeric: some NULLs, many equal names. Mostly in the file.
fn sample(rows: u64) -> Snapshot {
    let columns: Arc<[Column]> = [("id", 20), ("Name", 25), ("amount", 1700)]
        .into_iter()
        .map(|(name, oid)| Column { name: name.to_owned(), oid })
        .collect();
    let mut set = ResultSet::new(columns, Limits { memory: 64 << 10, rows: 0, bytes: 0 });
    let mut page = PageBuilder::new(3);
    for row in 0..rows {
        let (id, name, amount) = cells(row);
        page.push([Some(id.as_str()), name.as_deref(), amount.as_deref()]);
        if page.rows() == 1500 {
            set.push(page.take()).expect("no cap");
        }
    }
    set.push(page.take()).expect("no cap");
    set.snapshot()
}

fn cells(row: u64) -> (String, Option<String>, Option<String>) {
    let amount = (row * 7919 % 1013) as i64 - 500;
    (
        row.to_string(),
        (row % 11 != 3).then(|| format!("name {}", row * 31 % 17)),
        (row % 13 != 5).then(|| format!("{}.{:02}", amount, row % 100)),
    )
}

fn order(rows: &Snapshot, by: &[(usize, bool)], filter: &str) -> Vec<u32> {
    let by = by.iter().map(|(column, descending)| By { column: *column, descending: *descending }).collect();
    let filter = Filter::parse(filter, rows.columns()).expect("a filter");
    arrange(rows, &Arrangement { by, filter }, &AtomicBool::new(false), &mut |_, _| {}).expect("arranged")
}

#[test]
fn rows_are_sorted_by_several_columns_stably_with_nulls_last() {
    let rows = sample(20_000);
    let amount =
        |row: u32| cells(row.into()).2.map(|text| (text.parse::<f64>().expect("a number") * 100.0).round() as i64);
    let mut expected: Vec<u32> = (0..20_000).collect();
    expected.sort_by_key(|row| (amount(*row).is_none(), amount(*row)));
    assert_eq!(order(&rows, &[(2, false)], ""), expected);
    expected.sort_by_key(|row| *row);
    expected.sort_by_key(|row| (amount(*row).is_none(), amount(*row).map(|amount| -amount)));
    assert_eq!(order(&rows, &[(2, true)], ""), expected, "NULLs are last downwards too");
    expected.sort_by_key(|row| {
        let name = cells((*row).into()).1;
        (name.is_none(), name)
    });
    assert_eq!(order(&rows, &[(1, false), (2, true)], ""), expected, "stable by two columns");
}

#[test]
fn filters_take_what_they_say() {
    let rows = sample(5_000);
    let taken = |words: &str| order(&rows, &[], words);
    let expected = |test: &dyn Fn(String, Option<String>, Option<String>) -> bool| -> Vec<u32> {
        (0..5_000)
            .filter(|row| {
                let (id, name, amount) = cells((*row).into());
                test(id, name, amount)
            })
            .collect()
    };
    assert_eq!(taken("id >= 4990"), expected(&|id, _, _| id.parse::<u64>().expect("a number") >= 4990));
    assert_eq!(
        taken("amount is null & name != 'name 3'"),
        expected(&|_, name, amount| amount.is_none() && name.is_some_and(|name| name != "name 3"))
    );
    assert_eq!(taken("\"Name\" is not null & name ~ NAME"), Vec::<u32>::new(), "capitals count");
    assert_eq!(taken("name ~ E 1"), Vec::<u32>::new());
    assert_eq!(taken("name ~ e 1"), expected(&|_, name, _| name.is_some_and(|name| name.contains("e 1"))));
    assert_eq!(taken("!name"), expected(&|_, name, _| name.is_none()));
    assert_eq!(taken("amount=-500.00"), expected(&|_, _, amount| amount.as_deref() == Some("-500.00")));
    assert_eq!(taken("'id = 1'"), Vec::<u32>::new());
    let columns = rows.columns();
    assert_eq!(Filter::parse("  ", columns), Ok(None));
    assert_eq!(Filter::parse("nme = 1", columns), Err(Unclear::Column("nme".to_owned())));
    let wrong = Filter::parse("id > many", columns).expect_err("no number");
    assert_eq!(wrong.to_string(), "many cannot be compared with id: it is no number");
}

/// One column of texts.
fn texts(texts: &[Option<&str>]) -> Snapshot {
    let columns: Arc<[Column]> = Arc::new([Column { name: "name".to_owned(), oid: 25 }]);
    let mut set = ResultSet::new(columns, Limits { memory: 64 << 10, rows: 0, bytes: 0 });
    let mut page = PageBuilder::new(1);
    texts.iter().for_each(|text| page.push([*text]));
    set.push(page.take()).expect("no cap");
    set.snapshot()
}

#[test]
fn letters_in_their_order_filter_and_the_best_come_first_unless_sorted() {
    let rows = texts(&[Some("xpxaxixd"), Some("open"), None, Some("paid"), Some("prepaid"), Some("PAID late")]);
    assert_eq!(order(&rows, &[], "~paid"), [3, 5, 4, 0], "the closer, the sooner; equals as they came");
    assert_eq!(order(&rows, &[(0, true)], "~paid"), [0, 4, 3, 5], "what is sorted stays sorted");
    assert_eq!(order(&rows, &[], "!~paid"), [1, 2], "a row without it, and one that is NULL");
    assert_eq!(order(&rows, &[], "name ~~ pd"), order(&rows, &[], "~pd"));
    assert_eq!(order(&rows, &[], "name !~~ pd"), [1], "as in SQL, NULL is neither");
    assert_eq!(order(&rows, &[], "~PD"), [5], "capitals count");
    assert_eq!(order(&rows, &[], "~pd & name !~ xa"), [3, 5, 4]);
    assert_eq!(order(&rows, &[], "'~paid'"), Vec::<u32>::new(), "quoted, it is a text");
    assert_eq!(Filter::parse("~ ", rows.columns()), Ok(None));
}

#[test]
fn what_is_looked_for_is_found_either_way_and_around_the_end() {
    let rows = sample(9_000);
    let needle = Needle::new("8123");
    let go = |order: Option<&[u32]>, row, column, forward| {
        find(&rows, order, &needle, From { row, column, forward }, &AtomicBool::new(false), &mut |_, _| {})
            .expect("looked")
    };
    assert_eq!(go(None, 0, 0, true), Some((8123, 0, false)));
    assert_eq!(go(None, 8123, 0, true), Some((8123, 0, true)), "the only one is found again");
    assert_eq!(go(None, 100, 2, false), Some((8123, 0, true)));
    assert_eq!(go(None, 8500, 0, false), Some((8123, 0, false)));
    let backwards: Vec<u32> = (0..9_000).rev().collect();
    assert_eq!(go(Some(&backwards), 0, 0, true), Some((8999 - 8123, 0, false)));
    let nowhere = Needle::new("nowhere");
    let from = From { row: 5, column: 0, forward: true };
    assert_eq!(find(&rows, None, &nowhere, from, &AtomicBool::new(false), &mut |_, _| {}).expect("looked"), None);
    let stopped = find(&rows, None, &nowhere, from, &AtomicBool::new(true), &mut |_, _| {});
    assert!(matches!(stopped, Err(Undone::Stopped)));
}

#[test]
fn needles_ignore_case_unless_they_have_capitals() {
    assert_eq!(Needle::new("straße").first("Die STRAßE"), Some(4..11));
    assert_eq!(Needle::new("abc").first("xxABcx"), Some(2..5));
    assert_eq!(Needle::new("Abc").first("xxABcx"), None);
    assert_eq!(Needle::new("é").first("É"), Some(0..2));
    assert!(!Needle::new("").is_in("anything") && !Needle::new("longer").is_in("long"));
}

#[test]
fn sorting_stops_when_told_and_tells_its_progress() {
    let rows = sample(30_000);
    let by = vec![By { column: 0, descending: true }];
    let mut told = Vec::new();
    let stop = AtomicBool::new(false);
    let result = arrange(&rows, &Arrangement { by, filter: None }, &stop, &mut |done, total| {
        told.push((done, total));
        stop.store(done > 0, Ordering::Relaxed);
    });
    assert!(matches!(result, Err(Undone::Stopped)));
    assert_eq!(told, [(0, 30_000), (8192, 30_000)]);
}
