//! Screens of what is asked, tried out and pressed, and what a statement's time is made of.

use super::*;
use crate::console::query::order::{Means, Pressed};

pub(super) fn both(name: &str, mut screen: impl FnMut(u16, u16) -> String) {
    for (width, height) in [(80, 24), (120, 40)] {
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), screen(width, height));
    }
}

/// A writable pane where one was asked about an UPDATE and had it counted.
fn tried(width: u16, height: u16) -> Bench {
    let mut bench = Bench::made(width, height, false, true);
    bench.keys("update orders set status = 'paid';<Enter>c");
    let statement = crate::console::query::order::Statement {
        sql: "update orders set status = 'paid'".to_owned(),
        note: Some("update orders set status = 'paid';".to_owned()),
        always: false,
    };
    assert_eq!(bench.ask(), [Ask::Try { run: 1, statement }]);
    let (at, facts) = (bench.now, Box::new(bench.pane.facts.clone()));
    bench.news(News::State { transaction: Transaction::Open, facts, away: false });
    bench.news(News::Began { run: 1, index: 0, at });
    let (tag, timing) = ("UPDATE 1204".to_owned(), Bench::took(182));
    bench.news(News::Complete { run: 1, index: 0, result: None, tag, rows: 1204, timing });
    bench.news(News::Tried { rows: 1204, answer_within: Duration::from_secs(30) });
    bench
}

#[test]
fn rows_are_counted_before_they_are_kept() {
    both("tried", |width, height| tried(width, height).screen());
    for (key, kept) in [("y", true), ("n", false), ("<C-c>", false)] {
        let mut bench = tried(80, 24);
        assert_eq!(bench.keys(key).ask(), [Ask::Answer(kept)]);
    }
    // Nobody answered: the question goes with the run.
    let mut bench = tried(80, 24);
    bench.news(News::Ended { run: 1 });
    assert!(!bench.screen().contains("Keep that?"), "{}", bench.screen());
}

#[test]
fn what_changes_rows_can_be_tried_by_a_key() {
    for (text, tried) in [
        ("delete from orders where id = 7", true),
        ("insert into orders values (1)", true),
        ("select 1", false),
        ("create table t (n int)", false),
        ("delete from a; ", true),
    ] {
        let mut bench = Bench::made(80, 24, false, false);
        bench.input(Input::Paste(text.to_owned()));
        let asks = bench.keys("<M-t>").ask();
        assert_eq!(matches!(asks.as_slice(), [Ask::Try { run: 1, .. }]), tried, "{text}: {asks:?}");
        let mut bench = Bench::new(80, 24);
        bench.input(Input::Paste(text.to_owned()));
        assert_eq!(bench.keys("<M-t>").ask(), [], "{text}, read-only");
    }
}

#[test]
fn only_one_update_or_delete_is_counted() {
    for (text, counted) in [
        ("delete from orders", true),
        ("with a as (select 1) update orders set n = 1", true),
        ("drop table orders", false),
        ("delete from a; delete from b", false),
    ] {
        let mut bench = Bench::made(80, 24, false, false);
        bench.input(Input::Paste(text.to_owned()));
        bench.keys("<F6>");
        assert!(bench.screen().contains("y yes"), "{text}");
        assert_eq!(bench.screen().contains("count the rows first"), counted, "{text}");
    }
}

/// A cancel that the server has heard and does not heed.
fn unmoved(width: u16, height: u16) -> Bench {
    let mut bench = Bench::new(width, height);
    bench.keys("select spins();<Enter>");
    let at = bench.now;
    bench.news(News::Began { run: 1, index: 0, at });
    bench.keys("<C-c>");
    bench.news(News::Cancelled(Ok(())));
    bench.news(News::Unmoved { pid: 4242 });
    bench.orders.clear();
    bench
}

#[test]
fn a_server_that_does_not_stop_is_pressed_with_a_question() {
    both("unmoved", |width, height| unmoved(width, height).screen());
    both("press", |width, height| unmoved(width, height).keys("<C-c>").screen());
    let mut bench = unmoved(80, 24);
    assert_eq!(bench.keys("<C-c>n").ask(), [], "a question first");
    assert_eq!(bench.keys("<C-c>y").ask(), [Ask::Press(Means::Cancel)]);
    bench.news(News::Pressed { means: Means::Cancel, pid: 4242, seen: Ok(Pressed::Runs) });
    assert_eq!(bench.keys("<C-c>y").ask(), [Ask::Press(Means::Terminate)]);
    bench.news(News::Pressed { means: Means::Terminate, pid: 4242, seen: Ok(Pressed::Runs) });
    assert_eq!(bench.keys("<C-c>y").ask(), [Ask::Drop], "nothing else is left");
    // A cancel that does not arrive any more undoes nothing of that.
    let mut bench = unmoved(80, 24);
    bench.keys("<C-c>y").ask();
    let diagnosis = Diagnosis::new(Kind::OutcomeUnknown, "The server could not be reached within 20 s to cancel");
    bench.news(News::Cancelled(Err(diagnosis)));
    bench.news(News::Pressed { means: Means::Cancel, pid: 4242, seen: Ok(Pressed::Runs) });
    assert_eq!(bench.keys("<C-c>y").ask(), [Ask::Press(Means::Terminate)]);
    // Without a second session, dropping is what is left at once.
    let mut bench = unmoved(80, 24);
    bench.keys("<C-c>y").ask();
    let diagnosis = Diagnosis::new(Kind::ServerBusy, "too many connections for role \"oncall\"");
    bench.news(News::Pressed { means: Means::Cancel, pid: 4242, seen: Err(diagnosis) });
    assert!(bench.screen().contains("too many connections"), "{}", bench.screen());
    assert_eq!(bench.keys("<C-c>y").ask(), [Ask::Drop]);
}

#[test]
fn commits_by_hand_and_timeouts_are_shown() {
    both("manual", |width, height| {
        let mut bench = Bench::new(width, height);
        bench.pane.autocommit(false);
        bench.pane.timeouts(Duration::from_secs(30), Duration::from_secs(2));
        bench.screen()
    });
    let mut bench = Bench::new(200, 24);
    bench.pane.timeouts(Duration::from_secs(30), Duration::ZERO);
    assert!(bench.screen().contains("timeout 30 s"), "{}", bench.screen());
    bench.keys("set statement_timeout = 0;<Enter>");
    assert!(!bench.screen().contains("timeout 30 s"), "what may not hold is not shown: {}", bench.screen());
}

#[test]
fn progress_stands_with_what_runs_and_times_are_told_apart() {
    let mut bench = Bench::new(80, 24);
    bench.keys("vacuum orders;<Enter>");
    let at = bench.now;
    bench.news(News::Began { run: 1, index: 0, at });
    bench.news(News::Progress("scanning heap 25 %".to_owned()));
    assert!(bench.screen().contains("scanning heap 25 %"), "{}", bench.screen());
    let millis = Duration::from_millis;
    for (first, total, network, words) in [
        (Some(141), 182, Some(21), "182 ms (server 120 ms, network 21 ms, first row 141 ms)"),
        (None, 182, Some(21), "182 ms (server 161 ms, network 21 ms)"),
        (Some(141), 182, None, "182 ms (first row 141 ms)"),
        (None, 5, Some(21), "5 ms"),
    ] {
        let timing = Timing { first: first.map(millis), total: millis(total), network: network.map(millis) };
        assert_eq!(crate::console::query::text::timing(&timing), words);
    }
}
