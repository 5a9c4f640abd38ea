//! Messages are read, searched and copied; the keys that are shown there work there.

use super::*;

fn described() -> Bench {
    let mut bench = Bench::new(80, 24);
    bench.keys("\\d orders<Enter>");
    let (run, now) = (bench.pane.runs, bench.now);
    bench.news(News::Began { run, index: 0, at: now });
    let table = "  Column  | Type  \n----------+-------\n id       | bigint\n payload  | jsonb\n".to_owned();
    bench.news(News::Document(table));
    bench.news(News::Ended { run });
    bench.keys("<Esc>");
    bench.orders.clear();
    bench
}

#[test]
fn every_key_that_is_shown_for_messages_does_something() {
    let mut bench = described();
    insta::assert_snapshot!("messages_keys_80x24", bench.screen());
    bench.keys("y");
    let [Order::Copy(text)] = bench.orders.as_slice() else { panic!("{:?}", bench.orders) };
    assert!(text.starts_with("\\d orders\n") && text.ends_with(" payload  | jsonb\n"), "{text:?}");
    bench.keys("/jsonb<Enter>");
    assert!(bench.pane.cell.as_ref().is_some_and(|cell| cell.needle.is_some()), "{}", bench.screen());
    assert_eq!(bench.pane.said, None, "it is there");
    insta::assert_snapshot!("messages_found_80x24", bench.screen());
    bench.keys("<Esc><Enter>");
    assert!(bench.pane.cell.is_some());
    bench.keys("<Esc>");
    for key in ["x", "e", "s", "f", "c", "Y", "v"] {
        bench.keys(key);
        assert_eq!(bench.said(), "there are no rows here", "{key}");
    }
    bench.keys("n");
    assert_eq!(bench.said(), "nothing was looked for yet; / asks");
}

#[test]
fn an_error_can_be_copied_whole() {
    let mut bench = Bench::new(40, 12);
    bench.keys("selct 1;<Enter>");
    let (run, now) = (bench.pane.runs, bench.now);
    bench.news(News::Began { run, index: 0, at: now });
    let title = "syntax error at or near \"selct\", which is longer than this window is wide";
    let diagnosis = Diagnosis::new(Kind::Sql, title);
    bench.news(News::Failed { run, index: 0, result: None, diagnosis, timing: Timing::default() });
    bench.news(News::Ended { run });
    bench.orders.clear();
    bench.keys("<Esc>y");
    let [Order::Copy(text)] = bench.orders.as_slice() else { panic!("{:?}", bench.orders) };
    assert_eq!(text, &format!("selct 1\n✗ {title}\n"));
}

#[test]
fn the_way_out_and_the_help_are_in_sight_in_a_narrow_window() {
    let mut bench = Bench::new(80, 24);
    let keys = |bench: &Bench| bench.screen().lines().last().unwrap_or_default().to_owned();
    assert!(keys(&bench).contains("F5 or ;↵ run  F6 run all"), "{}", keys(&bench));
    assert!(keys(&bench).contains("F2 fleet  F1 help"), "{}", keys(&bench));
    bench.keys("select status from orders;<Enter>");
    bench.orders_of_status();
    bench.keys("<Esc>");
    assert!(keys(&bench).contains("q fleet  ? help"), "{}", keys(&bench));
}

#[test]
fn a_tunnel_that_ended_is_told_in_whole_words() {
    for width in [60, 80, 100] {
        let mut bench = Bench::new(width, 24);
        bench.news(News::Lost { in_transaction: false });
        let diagnosis = Diagnosis::new(Kind::Local, "The session via bastion-a has ended");
        bench.news(News::Health(LineHealth::Ended(Box::new(diagnosis))));
        let first = bench.screen().lines().next().unwrap_or_default().to_owned();
        assert!(first.contains("CONNECTION LOST") && first.trim_end().ends_with("tunnel ended"), "{width}: {first}");
    }
}

#[test]
fn results_that_were_let_go_are_counted() {
    let mut bench = Bench::new(120, 24);
    bench.keys("select 1;<Enter>");
    let (run, now) = (bench.pane.runs, bench.now);
    bench.news(News::Began { run, index: 0, at: now });
    for result in 0..worker::RESULTS as u64 + 3 {
        let columns: Arc<[Column]> = Arc::new([Column { name: "n".to_owned(), oid: 23 }]);
        bench.news(News::Columns { run, index: 0, result: ResultId(result), columns });
    }
    let all = worker::RESULTS + 3;
    assert!(bench.screen().contains(&format!("result {all}/{all} · the first 3 were let go")), "{}", bench.screen());
    bench.news(News::Ended { run });
    bench.pane.current = 0;
    bench.keys("<Esc>[");
    assert!(bench.screen().contains(&format!("result 4/{all}")), "{}", bench.screen());
    assert_eq!(bench.said(), format!("only the last {} results of a run are kept", worker::RESULTS));
    bench.keys("<Esc><M-a><Delete>select 2;<Enter>");
    bench.orders_of_status();
    assert!(!bench.screen().contains("let go"), "{}", bench.screen());
}

#[test]
fn the_welcome_fits_a_narrow_window() {
    let screen = Bench::new(80, 24).screen();
    assert!(screen.contains("F5 works anywhere in it"), "{screen}");
}
