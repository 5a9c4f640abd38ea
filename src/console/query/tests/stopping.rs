//! Cancels that take their time, lines that are lost, connections that are dropped: what is said, and what keys mean
//! meanwhile.

use super::*;
use crate::console::query::pane::{Focus, Link};

const EVENTS: &str = "select * from events;<Enter>";

impl Bench {
    /// A statement that has sent 200 rows and goes on.
    pub(super) fn streaming(width: u16, height: u16) -> Bench {
        let mut bench = Bench::new(width, height);
        bench.keys(EVENTS);
        let (run, result, now) = (bench.pane.runs, ResultId(7), bench.now);
        bench.news(News::Began { run, index: 0, at: now });
        let columns: Arc<[Column]> = Arc::new([Column { name: "id".to_owned(), oid: 20 }]);
        bench.news(News::Columns { run, index: 0, result, columns });
        let mut builder = PageBuilder::new(1);
        (1..=200).for_each(|row| builder.push([Some(row.to_string().as_str())]));
        bench.news(News::Rows { result, rows: 200, bytes: 4 << 20 });
        let window = Window { first: 0, pieces: vec![Piece { page: builder.take(), rows: 0..200 }] };
        bench.news(News::Window { result, window });
        bench.orders.clear();
        bench
    }

    /// The screen at both sizes, and at 80×24 again.
    fn at_both(&mut self, name: &str) {
        for (width, height) in [(80, 24), (120, 40)] {
            self.resize(width, height);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), self.screen());
        }
        self.resize(80, 24);
    }

    fn fails(&mut self, kind: Kind, title: &str, result: Option<ResultId>) {
        let run = self.pane.runs;
        let diagnosis = Diagnosis::new(kind, title);
        self.news(News::Failed { run, index: 0, result, diagnosis, timing: Bench::took(5200) });
    }

    fn ends(&mut self, away: bool) {
        let (run, facts) = (self.pane.runs, Box::new(self.pane.facts.clone()));
        self.news(News::State { transaction: Transaction::Idle, facts, away });
        self.news(News::Ended { run });
    }

    fn lost(&mut self, seconds_ago: u64, attempts: u32) {
        let since = self.now - Duration::from_secs(seconds_ago);
        let reason = "connection refused\u{1b}[2J".to_owned();
        self.news(News::Health(LineHealth::Lost { since, attempts, reason }));
    }
}

#[test]
fn a_cancelled_result_stays_in_sight_and_can_be_looked_through() {
    let mut bench = Bench::streaming(80, 24);
    bench.keys("<C-c>");
    assert_eq!(bench.ask(), [Ask::Cancel]);
    bench.fails(Kind::Cancelled, "Cancelled", Some(ResultId(7)));
    bench.ends(true);
    assert_eq!(bench.pane.title().work, Work::Cancelled);
    assert_eq!(bench.pane.link, Link::Cut);
    bench.at_both("cancelled");
    bench.keys("<Esc>G");
    assert_eq!(bench.pane.table().map(|table| table.row), Some(199));
    bench.keys("m");
    assert!(bench.screen().contains("◦ Cancelled; the 200 rows that had come are kept · 5.2 s"), "{}", bench.screen());
}

#[test]
fn coming_back_after_a_cancel_is_no_warning_and_after_a_loss_is_one() {
    let mut bench = Bench::streaming(80, 24);
    bench.keys("<C-c>");
    bench.fails(Kind::Cancelled, "Cancelled", Some(ResultId(7)));
    bench.ends(true);
    bench.keys("<M-a><Delete>select 1;<Enter>");
    bench.news(News::Returning);
    assert!(bench.screen().contains("connecting again"), "{}", bench.screen());
    bench.news(News::Reconnected("connected again via bastion-a after the cancel".to_owned()));
    assert_eq!(bench.said(), "connected again");
    bench.ends(false);
    bench.news(News::Lost { in_transaction: false });
    assert!(bench.screen().contains("CONNECTION LOST"));
    bench.keys("<M-a><Delete>select 2;<Enter>");
    bench.news(News::Reconnected("logged in again: temporary tables, settings and locks are gone".to_owned()));
    assert_eq!(bench.said(), "connected again: SET, temp tables, locks are gone");
}

#[test]
fn what_is_thrown_away_is_told_and_the_second_control_c_offers_to_drop() {
    let mut bench = Bench::streaming(80, 24);
    let facts = Box::new(bench.pane.facts.clone());
    bench.news(News::State { transaction: Transaction::Open, facts, away: false });
    bench.keys("<C-c>");
    bench.news(News::Draining(3 << 20));
    bench.at_both("draining");
    // Typing and looking stay free.
    bench.keys("x");
    assert!(bench.pane.editor.buffer().text().ends_with('x'));
    bench.keys("<Esc>jj");
    assert_eq!((bench.pane.focus, bench.pane.table().map(|table| table.row)), (Focus::Results, Some(2)));
    bench.orders.clear();
    bench.keys("<C-c>");
    bench.at_both("drop");
    bench.keys("n");
    assert_eq!(bench.ask(), []);
    bench.keys("<C-c>y");
    assert_eq!(bench.ask(), [Ask::Drop]);
    bench.fails(Kind::TransactionLost, "The connection was dropped", Some(ResultId(7)));
    bench.ends(true);
    assert_eq!((bench.pane.transaction, bench.pane.link), (Transaction::Idle, Link::Cut));
}

#[test]
fn a_question_about_a_statement_that_has_ended_goes_away() {
    let mut bench = Bench::streaming(80, 24);
    bench.keys("<C-c><C-c>");
    assert!(bench.pane.question.is_some());
    bench.fails(Kind::Cancelled, "Cancelled", Some(ResultId(7)));
    bench.ends(false);
    assert!(bench.pane.question.is_none());
}

#[test]
fn a_lost_line_is_told_as_it_goes_on() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut bench = Bench::new(width, height);
        bench.keys("select pg_sleep(600);<Enter>");
        let (run, now) = (bench.pane.runs, bench.now);
        bench.news(News::Began { run, index: 0, at: now });
        bench.lost(12, 5);
        bench.input(Input::Tick(now + Duration::from_secs(60)));
        insta::assert_snapshot!(format!("lost_{width}x{height}"), bench.screen());
        bench.keys("<C-c>");
        let diagnosis = Diagnosis::new(Kind::OutcomeUnknown, "The server could not be reached within 20 s to cancel");
        bench.news(News::Cancelled(Err(diagnosis)));
        assert!(bench.screen().contains("not cancelled: the tunnel was lost"), "{}", bench.screen());
        bench.news(News::Health(LineHealth::Up));
        assert!(!bench.screen().contains("reconnecting"), "{}", bench.screen());
        assert!(bench.screen().contains("the tunnel is up again"), "{}", bench.screen());
        bench.news(News::Cancelled(Ok(())));
        assert!(bench.screen().contains("cancelling"), "{}", bench.screen());
    }
}

#[test]
fn a_lost_line_moves_the_clock_of_an_idle_pane() {
    let mut bench = Bench::new(80, 24);
    assert!(bench.pane.next_tick().is_some_and(|next| next > bench.now + Duration::from_secs(10)));
    bench.lost(3, 0);
    assert_eq!(bench.pane.next_tick(), Some(bench.now + Duration::from_secs(1)));
    assert!(bench.screen().contains("via bastion-a · reconnecting 3 s"), "{}", bench.screen());
}

#[test]
fn while_something_runs_only_what_is_true_of_it_is_said() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select 1;<Enter>");
    bench.orders_of_status();
    bench.keys("<M-a><Delete>select pg_sleep(9);<Enter>");
    let (run, now) = (bench.pane.runs, bench.now);
    bench.news(News::Began { run, index: 0, at: now });
    bench.input(Input::Tick(now + Duration::from_secs(3)));
    bench.at_both("previous");
}

#[test]
fn what_a_time_is_made_of_gives_way_in_a_narrow_window() {
    let mut bench = Bench::streaming(80, 24);
    let timing = Timing {
        first: Some(Duration::from_millis(24)),
        total: Duration::from_millis(30_600),
        network: Some(Duration::from_millis(22)),
    };
    let (run, result, tag) = (bench.pane.runs, Some(ResultId(7)), "SELECT 200".to_owned());
    bench.news(News::Complete { run, index: 0, result, tag, rows: 200, timing });
    bench.ends(false);
    assert!(bench.screen().contains("(server 2 ms, network 22 ms, first row 24 ms)"), "{}", bench.screen());
    let short = "only the first 200 rows are kept (setting row_limit)".to_owned();
    bench.news(News::Short { result: ResultId(7), why: short });
    assert!(bench.screen().contains("cut short · 30.6 s (server"), "{}", bench.screen());
    let mut narrow = Bench::streaming(60, 24);
    let (run, result, tag) = (narrow.pane.runs, Some(ResultId(7)), "SELECT 200".to_owned());
    narrow.news(News::Complete { run, index: 0, result, tag, rows: 200, timing });
    narrow.ends(false);
    let screen = narrow.screen();
    assert!(screen.contains("200 rows · 30.6 s ") && !screen.contains("(server"), "{screen}");
}

#[test]
fn a_long_word_of_ours_never_covers_how_the_run_stands() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select 1;<Enter>");
    bench.orders_of_status();
    bench.news(News::Lost { in_transaction: true });
    let screen = bench.screen();
    assert!(screen.contains("5 rows · 182 ms (first row 161 ms)"), "{screen}");
    assert!(screen.contains("connection lost; the open transaction is rolled back"), "{screen}");
}

#[test]
fn the_way_is_shown_until_the_first_statement() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut bench = Bench::new(width, height);
        let step =
            |kind, found: &str, took| Walked { kind, found: found.to_owned(), took: Duration::from_millis(took) };
        bench.pane.setup.way = vec![
            step(StepKind::Credentials, "prod-admin in 123456789012, end 18:40", 12),
            step(StepKind::Session, "bastion-a (i-0b2f61a54d1c9e083), oncall-0a1b2c3d", 210),
            step(StepKind::Login, "oncall, token ends 2026-11-23 04:21:32 UTC", 1021),
        ];
        insta::assert_snapshot!(format!("way_{width}x{height}"), bench.screen());
        bench.keys("\\?<Enter>");
        assert!(!bench.screen().contains("credentials"), "{}", bench.screen());
    }
}
