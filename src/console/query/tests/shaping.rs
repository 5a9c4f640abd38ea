//! Rows sorted, filtered, copied and exported by keys: what is asked of the desk, and what it looks like.

use super::super::shape::{Arrangement, Filter, Part, Shape, Shaped};
use super::*;
use std::path::PathBuf;

impl Bench {
    /// Eight orders of five columns, with the focus on them.
    pub(super) fn orders_shown(width: u16, height: u16) -> Bench {
        let mut bench = Bench::new(width, height);
        bench.keys("select * from shop.orders;<Enter>");
        let rows: Vec<[String; 5]> = (1..=8)
            .map(|n| {
                let words = ["שלום", "plain", "世界", "a\tb", "👩‍👩‍👧‍👦 family", "", "é", "paid"][n - 1];
                [
                    n.to_string(),
                    words.to_owned(),
                    format!("{}.50", n * 1000),
                    "x".repeat(n * 9),
                    format!("2024-06-0{n}"),
                ]
            })
            .collect();
        let rows: Vec<Vec<Option<&str>>> =
            rows.iter().map(|row| row.iter().map(|cell| Some(cell.as_str())).collect()).collect();
        let rows: Vec<&[Option<&str>]> = rows.iter().map(Vec::as_slice).collect();
        bench.answer(&[("id", 20), ("status", 25), ("amount", 1700), ("note", 25), ("placed", 1082)], &rows);
        bench.keys("<Esc>");
        bench.orders.clear();
        bench
    }

    /// The one piece of work that was asked for.
    pub(super) fn shape(&mut self) -> (u64, Shape) {
        let mut shapes = self.ask().into_iter().filter_map(|ask| match ask {
            Ask::Shape(ticket, shape) => Some((ticket, shape)),
            _ => None,
        });
        let shape = shapes.next().expect("work was asked for");
        assert_eq!(shapes.next(), None, "one piece at a time");
        shape
    }
}

#[test]
fn keys_sort_up_then_down_then_not_also_before_the_answer() {
    let mut bench = Bench::orders_shown(80, 24);
    let mut asked = Vec::new();
    for key in ["s", "s", "l", "S", "s", "s", "s"] {
        bench.keys(key);
        if key != "l" {
            let (_, Shape::Arrange { arrangement, .. }) = bench.shape() else { panic!("no arrangement") };
            asked.push(arrangement.by.iter().map(|by| (by.column, by.descending)).collect::<Vec<_>>());
        }
    }
    let expected: [&[(usize, bool)]; 6] =
        [&[(0, false)], &[(0, true)], &[(0, true), (1, false)], &[(1, true)], &[], &[(1, false)]];
    assert_eq!(asked, expected);
}

#[test]
fn a_filter_is_asked_for_shown_and_its_mistakes_told() {
    let mut bench = Bench::orders_shown(80, 24);
    bench.keys("fstaus = paid<Enter>");
    assert!(bench.screen().contains("there is no column staus"), "{}", bench.screen());
    bench.keys("<C-u>amount > 3000<Enter>");
    let (ticket, Shape::Arrange { result, arrangement }) = bench.shape() else { panic!("no arrangement") };
    assert_eq!(arrangement.filter.as_ref().map(Filter::words), Some("amount > 3000"));
    bench.news(News::Shaped(ticket, Shaped::Arranged { result, arrangement, rows: 6, of: 8 }));
    assert!(bench.screen().contains("6 of 8 rows"), "{}", bench.screen());
    let asked = bench.ask();
    assert!(matches!(asked.as_slice(), [Ask::Window { first: 0, .. }]), "{asked:?}");
    bench.keys("u");
    assert!(matches!(bench.shape(), (_, Shape::Arrange { arrangement, .. }) if arrangement == Arrangement::default()));
}

#[test]
fn columns_are_frozen_hidden_widened_and_found() {
    let mut bench = Bench::orders_shown(80, 24);
    bench.keys("lF$");
    bench.keys("cnot");
    bench.keys("<Enter>-");
    assert!(!bench.screen().contains("note"), "{}", bench.screen());
    bench.keys("+");
    assert!(bench.screen().contains("note"));
    bench.keys("0>>>");
    assert_eq!(bench.said(), "8 wide; = for widths by content");
}

#[test]
fn what_is_marked_is_copied_as_chosen() {
    let mut bench = Bench::orders_shown(80, 24);
    bench.keys("jvjly");
    bench.keys("j");
    let (_, shape) = bench.shape();
    let Shape::Copy { rows, columns, table, .. } = &shape else { panic!("{shape:?}") };
    assert_eq!(
        (rows.clone(), columns.as_deref(), table.as_deref()),
        (1..3, Some([0, 1].as_slice()), Some("shop.orders"))
    );
}

#[test]
fn an_export_shows_its_progress_is_stopped_and_gone_on_with() {
    let mut bench = Bench::orders_shown(80, 24);
    bench.keys("e");
    bench.keys("<Tab><BackTab><Enter>");
    let (ticket, Shape::Export { plan, resume: None, .. }) = bench.shape() else { panic!("no export") };
    assert_eq!((plan.path.as_path(), plan.overwrite), (std::path::Path::new("shop.orders.csv"), false));
    bench.news(News::Shaped(ticket, Shaped::Progress { done: 3, total: 8 }));
    assert!(bench.screen().contains("exporting 37 %"), "{}", bench.screen());
    bench.keys("s");
    assert_eq!(bench.said(), "an export is being written; Ctrl-C stops it");
    assert!(bench.pane.would_lose().is_some());
    bench.keys("<C-c>");
    assert_eq!(bench.ask(), [Ask::Halt]);
    let part = Part { path: PathBuf::from("shop.orders.csv.part"), rows: 3, bytes: 99 };
    bench.news(News::Shaped(ticket, Shaped::Stopped(Some(part.clone()))));
    assert_eq!(bench.said(), "not whole: shop.orders.csv.part has 3 rows; e goes on from there");
    bench.keys("e");
    assert!(bench.screen().contains("goes on after the 3 rows that are written"), "{}", bench.screen());
    bench.keys("<Enter>");
    assert!(matches!(bench.shape(), (_, Shape::Export { resume: Some(resumed), .. }) if resumed == part));
}

#[test]
fn an_export_that_cannot_be_written_is_mended_where_it_was_typed() {
    let mut bench = Bench::orders_shown(80, 24);
    bench.keys("e<C-u>/nonexist/foo.csv<Enter>");
    let (ticket, Shape::Export { .. }) = bench.shape() else { panic!("no export") };
    let diagnosis = Diagnosis::new(Kind::Local, "There is no folder /nonexist").advise("Name a folder that is there");
    bench.news(News::Shaped(ticket, Shaped::Failed { diagnosis, part: None }));
    let screen = bench.screen();
    assert!(screen.contains("There is no folder /nonexist · Name a folder that is there"), "{screen}");
    assert!(screen.contains("/nonexist/foo.csv▏"), "{screen}");
    bench.keys("<C-u>/tmp/foo.csv<Enter>");
    let (_, Shape::Export { plan, .. }) = bench.shape() else { panic!("no export") };
    assert_eq!(plan.path, std::path::Path::new("/tmp/foo.csv"));
}
