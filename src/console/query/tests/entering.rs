//! Enter runs what was written since the last run, and nothing that was typed is lost without a question.

use super::*;

#[test]
fn all_that_was_written_since_the_last_run_is_run_in_order() {
    let mut bench = Bench::new(80, 24);
    assert_eq!(bench.keys("select 1; select 2/0; select 3;<Enter>").ran(), ["select 1", "select 2/0", "select 3"]);
    bench.orders_of_status();
    // A line that was broken before its end counts whole, and what ran before does not.
    assert_eq!(bench.keys("select 4; select<Enter>").ran(), [""; 0]);
    assert_eq!(bench.keys("5;<Enter>").ran(), ["select 4", "select\n5"]);
    bench.orders_of_status();
    // What was run by other keys is not run again either.
    assert_eq!(bench.keys("<M-a><Delete>select 6;<F5>").ran(), ["select 6"]);
    bench.orders_of_status();
    assert_eq!(bench.keys("<Enter>").ran(), ["select 6"], "asked for by itself");
    bench.orders_of_status();
    assert_eq!(bench.keys("select 7; select 8;<Enter>").ran(), ["select 7", "select 8"]);
    bench.orders_of_status();
    // A line that is mended is run anew, whole; the lines above it are not.
    assert_eq!(bench.keys("<Backspace>0;<Enter>").ran(), ["select 7", "select 80"]);
}

#[test]
fn a_statement_without_its_end_is_not_run_by_a_word_behind_it() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select 1<Enter>\\d orders<Enter>");
    let asks = bench.ask();
    let [Ask::Script { text, .. }] = asks.as_slice() else { panic!("{asks:?}") };
    assert_eq!(text, "\\d orders");
    bench.orders_of_status();
    bench.orders.clear();
    bench.keys("<M-a><Delete>select 1; select 2 \\gset<Enter>");
    let asks = bench.ask();
    let [Ask::Script { text, .. }] = asks.as_slice() else { panic!("{asks:?}") };
    assert_eq!(text, "select 1; select 2 \\gset");
}

#[test]
fn what_is_typed_behind_what_was_run_begins_a_line() {
    let mut bench = Bench::new(80, 24);
    bench.keys("\\d orders<Enter>");
    bench.orders_of_status();
    bench.orders.clear();
    assert_eq!(bench.keys("select 1;<Enter>").ran(), ["select 1"]);
    assert_eq!(bench.pane.editor.buffer().text(), "\\d orders\nselect 1;");
    bench.orders_of_status();
    bench.input(Input::Paste("select 2;".to_owned()));
    assert_eq!(bench.pane.editor.buffer().text(), "\\d orders\nselect 1;\nselect 2;");
    // A statement that F5 has run may go on, a word is none of it.
    bench.keys("<M-a><Delete>select * from orders<F5>");
    bench.orders_of_status();
    bench.orders.clear();
    bench.keys("\\d orders<Enter>");
    let asks = bench.ask();
    let [Ask::Script { text, .. }] = asks.as_slice() else { panic!("{asks:?}") };
    assert_eq!(text, "\\d orders");
    bench.orders_of_status();
    bench.keys("<M-a><Delete>select * from orders<F5>");
    bench.orders_of_status();
    bench.orders.clear();
    assert_eq!(bench.keys(" where id = 1;<Enter>").ran(), ["select * from orders where id = 1"]);
}

#[test]
fn text_that_was_not_run_is_asked_about() {
    let mut bench = Bench::new(80, 24);
    bench.input(Input::Paste("select 1;\nselect 2;\n".to_owned()));
    bench.keys("<C-q>");
    assert!(bench.orders.is_empty(), "{:?}", bench.orders);
    assert!(bench.screen().contains("holds text that was not run"), "{}", bench.screen());
    bench.keys("n<F5>");
    bench.orders_of_status();
    bench.orders.clear();
    assert!(bench.pane.would_lose().is_some(), "one of two has run");
    bench.keys("<F6>");
    bench.orders_of_status();
    bench.orders.clear();
    bench.keys("<C-q>");
    assert_eq!(bench.orders, [Order::Close], "all of it is in the history");
    // Neither what comes from the history is asked about, nor the word that leaves, nor a comment.
    for text in ["select 2;", "\\x", "-- nothing", ""] {
        bench.pane.editor.set(text);
        assert_eq!(bench.pane.would_lose(), None, "{text}");
    }
    bench.keys("<M-a><Delete>half");
    bench.keys("<C-c>");
    assert!(bench.said().contains("Ctrl-U clears the line"), "{}", bench.said());
    assert!(bench.pane.would_lose().is_some());
    bench.news(News::Closed);
    assert!(bench.pane.would_lose().is_some(), "the text outlives its session");
}

#[test]
fn a_plan_that_was_asked_for_has_run_nothing() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select 1<F7>");
    bench.orders_of_status();
    assert!(bench.pane.would_lose().is_some());
}

#[test]
fn what_is_refused_while_something_runs_is_said_as_long_as_it_does() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select pg_sleep(3);<Enter><F5>");
    assert_eq!(bench.said(), running::BUSY);
    let keys = |bench: &Bench| bench.screen().lines().last().unwrap_or_default().to_owned();
    bench.keys("<Right>");
    assert!(!keys(&bench).contains("F5") && !keys(&bench).contains("F6") && !keys(&bench).contains("F7"));
    bench.keys("<F5>");
    let run = bench.pane.runs;
    bench.news(News::Ended { run });
    assert_eq!(bench.pane.said, None);
    assert!(keys(&bench).contains("F5"), "{}", bench.screen());
}
