//! Key scripts through the pane, and what it looks like. No worker: news are made here.

mod completing;
mod editor;
mod entering;
mod planning;
mod reading;
mod safety;
mod screens;
mod shaping;
mod shelving;
mod stopping;
mod treeing;

use super::*;
use crate::console::theme::Theme;
use crate::model::{Column, Diagnosis, Kind, Notice, Page, PageBuilder, SessionFacts, StepKind, TlsFacts, Transaction};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A pane, what it ordered, and how large it is.
pub(super) struct Bench {
    pub pane: Pane,
    pub orders: Vec<Order>,
    size: (u16, u16),
    now: SystemTime,
}

pub(super) fn facts(read_only: bool, now: SystemTime) -> SessionFacts {
    SessionFacts {
        server_version: "16.6".to_owned(),
        pid: 4711,
        tls: TlsFacts {
            version: "1.3".to_owned(),
            subject: "orders-prod.rds".to_owned(),
            issuer: "RDS CA".to_owned(),
            ..TlsFacts::default()
        },
        token_minted: Some(now - Duration::from_secs(662)),
        token_ends: Some(now + Duration::from_secs(238)),
        route: "via bastion-a".to_owned(),
        ssm_session: Some("oncall-0a1b".to_owned()),
        read_only,
        hot_standby: false,
    }
}

impl Bench {
    pub(super) fn new(width: u16, height: u16) -> Bench {
        Bench::made(width, height, true, false)
    }

    fn made(width: u16, height: u16, read_only: bool, production: bool) -> Bench {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let setup = Setup {
            name: "orders-prod".to_owned(),
            host: "orders-prod.cluster-c9.eu-west-1.rds.amazonaws.com".to_owned(),
            port: 5432,
            user: "oncall".to_owned(),
            database: "shop".to_owned(),
            production,
            facts: facts(read_only, now),
            way: Vec::new(),
            now,
        };
        let mut bench = Bench { pane: Pane::new(setup), orders: Vec::new(), size: (width, height), now };
        bench.input(Input::Tick(now));
        bench.input(Input::Area(Rect::new(0, 0, width, height)));
        bench
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
        self.input(Input::Area(Rect::new(0, 0, width, height)));
    }

    pub(super) fn input(&mut self, input: Input) {
        self.orders.extend(update(&mut self.pane, input));
    }

    fn news(&mut self, news: News) {
        self.input(Input::News(news));
    }

    /// Text is typed; names in `<>` are keys.
    fn keys(&mut self, script: &str) -> &mut Bench {
        let mut rest = script;
        while let Some(c) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
            let key = match named.filter(|(name, _)| !name.is_empty() && !name.contains(' ')) {
                Some((name, after)) => {
                    rest = after;
                    self::key(name)
                }
                None => {
                    rest = &rest[c.len_utf8()..];
                    KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
                }
            };
            self.input(Input::Key(key));
        }
        self
    }

    fn ask(&mut self) -> Vec<Ask> {
        let orders = std::mem::take(&mut self.orders);
        orders.into_iter().filter_map(|order| if let Order::Ask(ask) = order { Some(ask) } else { None }).collect()
    }

    /// The statements of the one run that was ordered.
    fn ran(&mut self) -> Vec<String> {
        let mut runs = self.ask().into_iter().filter_map(|ask| match ask {
            Ask::Run { statements, .. } => Some(statements.into_iter().map(|one| one.sql).collect::<Vec<_>>()),
            _ => None,
        });
        let run = runs.next().unwrap_or_default();
        assert_eq!(runs.next(), None, "one run at a time");
        run
    }

    fn took(millis: u64) -> Timing {
        Timing { first: Some(Duration::from_millis(millis - 21)), total: Duration::from_millis(millis), network: None }
    }

    /// The worker's news of one whole result.
    fn answer(&mut self, columns: &[(&str, u32)], rows: &[&[Option<&str>]]) {
        let run = self.pane.runs;
        let result = ResultId(run);
        let columns: Arc<[Column]> =
            columns.iter().map(|(name, oid)| Column { name: (*name).to_owned(), oid: *oid }).collect();
        self.news(News::Began { run, index: 0, at: self.now });
        self.news(News::Columns { run, index: 0, result, columns: Arc::clone(&columns) });
        let mut builder = PageBuilder::new(columns.len());
        rows.iter().for_each(|row| builder.push(row.iter().copied()));
        let page = builder.take();
        let count = page.rows();
        self.news(News::Rows { result, rows: count as u64, bytes: page.size() as u64 });
        let window = Window { first: 0, pieces: vec![Piece { page, rows: 0..count }] };
        self.news(News::Window { result, window });
        let tag = format!("SELECT {count}");
        self.news(News::Complete {
            run,
            index: 0,
            result: Some(result),
            tag,
            rows: count as u64,
            timing: Bench::took(182),
        });
        self.news(News::Ended { run });
    }

    fn orders_of_status(&mut self) {
        self.answer(
            &[("status", 25), ("count", 20), ("revenue", 1700), ("note", 25)],
            &[
                &[Some("shipped"), Some("8412"), Some("1204332.50"), Some("")],
                &[Some("paid"), Some("1990"), Some("310228.10"), Some("a\tb\nc\u{1b}[31mred")],
                &[Some("pending"), Some("731"), Some("98120.00"), Some("日本語の注文")],
                &[Some("refunded"), Some("88"), Some("-9120.75"), Some("e\u{301}te\u{301} 👩‍👩‍👧 ok")],
                &[None, Some("2"), None, None],
            ],
        );
    }

    fn screen(&self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).expect("a test terminal");
        let theme = Theme { color: true };
        terminal.draw(|frame| view(&self.pane, frame, frame.area(), theme)).expect("drawn");
        let buffer = terminal.backend().buffer();
        assert!(buffer.content().iter().all(|cell| !cell.symbol().chars().any(char::is_control)));
        let mut out = String::new();
        for y in 0..self.size.1 {
            let mut line = String::new();
            let mut skip = 0;
            for x in 0..self.size.0 {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                let symbol = buffer[(x, y)].symbol();
                skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
                line.push_str(symbol);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    fn said(&self) -> &str {
        self.pane.said.as_ref().map_or("", |(_, words)| words)
    }
}

fn key(name: &str) -> KeyEvent {
    let mut rest = name;
    let mut modifiers = KeyModifiers::NONE;
    loop {
        let (modifier, tail) = match rest.split_at_checked(2) {
            Some(("C-", tail)) if !tail.is_empty() => (KeyModifiers::CONTROL, tail),
            Some(("M-", tail)) if !tail.is_empty() => (KeyModifiers::ALT, tail),
            Some(("S-", tail)) if !tail.is_empty() => (KeyModifiers::SHIFT, tail),
            _ => break,
        };
        modifiers |= modifier;
        rest = tail;
    }
    let code = match rest {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "PageUp" => KeyCode::PageUp,
        "PageDown" => KeyCode::PageDown,
        "Backspace" => KeyCode::Backspace,
        "BackTab" => KeyCode::BackTab,
        "Delete" => KeyCode::Delete,
        _ => match (rest.strip_prefix('F').and_then(|number| number.parse().ok()), rest.chars().next()) {
            (Some(number), _) => KeyCode::F(number),
            (None, Some(c)) if rest.chars().count() == 1 => KeyCode::Char(c),
            _ => panic!("no key {name}"),
        },
    };
    KeyEvent::new(code, modifiers)
}

#[test]
fn enter_runs_a_finished_statement_once_and_breaks_the_line_otherwise() {
    let mut bench = Bench::new(80, 24);
    assert_eq!(bench.keys("select 1<Enter>").ran(), [""; 0]);
    assert_eq!(bench.pane.editor.buffer().text(), "select 1\n");
    assert_eq!(bench.keys("+ 1;<Enter>").ran(), ["select 1\n+ 1"]);
    bench.orders_of_status();
    assert_eq!(bench.keys("<Enter>").ran(), [""; 0]);
    assert_eq!(bench.keys("select 2;<Enter>").ran(), ["select 2"]);
    bench.orders_of_status();
    bench.keys("<M-a><Delete>select ';'<Enter>");
    assert_eq!(bench.ran(), [""; 0]);
    bench.keys("<M-a><Delete>do $$ begin null;<Enter>");
    assert_eq!(bench.ran(), [""; 0]);
    assert_eq!(bench.keys("end $$;<Enter>").ran().len(), 1);
}

#[test]
fn f5_runs_what_the_cursor_is_in_f6_runs_all_and_a_selection_itself() {
    let mut bench = Bench::new(80, 24);
    bench.input(Input::Paste("select 1;\r\nselect 2;\r\nselect 3".to_owned()));
    assert_eq!(bench.keys("<Up><F5>").ran(), ["select 2"]);
    bench.orders_of_status();
    assert_eq!(bench.keys("<F6>").ran(), ["select 1", "select 2", "select 3"]);
    bench.orders_of_status();
    assert_eq!(bench.keys("<C-Home><S-Down><F5>").ran(), ["select 1"]);
    // While it runs nothing else is sent.
    assert_eq!(bench.keys("<F5>").ran(), [""; 0]);
    assert_eq!(bench.said(), "a statement is running; Ctrl-C cancels it");
}

#[test]
fn control_c_cancels_then_leaves_at_the_second_time() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select pg_sleep(600);<Enter><C-c>");
    assert_eq!(bench.orders.last(), Some(&Order::Ask(Ask::Cancel)));
    let run = bench.pane.runs;
    let diagnosis = Diagnosis::new(Kind::Cancelled, "The statement was cancelled");
    bench.news(News::Failed { run, index: 0, result: None, diagnosis, timing: Timing::default() });
    bench.news(News::Ended { run });
    assert_eq!(bench.pane.title().work, Work::Cancelled);
    bench.keys("<C-c>x<C-c>");
    assert!(!bench.orders.contains(&Order::Quit));
    bench.keys("<C-c>");
    assert_eq!(bench.orders.last(), Some(&Order::Quit));
}

#[test]
fn leaving_with_an_open_transaction_asks_first() {
    let mut bench = Bench::new(80, 24);
    let facts = Box::new(bench.pane.facts.clone());
    bench.news(News::State { transaction: Transaction::Open, facts, away: false });
    bench.keys("<C-q>");
    assert!(bench.orders.is_empty());
    insta::assert_snapshot!("leave_80x24", bench.screen());
    bench.keys("n");
    assert!(bench.orders.is_empty());
    bench.keys("\\q<Enter>y");
    assert_eq!(bench.orders, [Order::Close]);
}

#[test]
fn what_is_dangerous_asks_on_a_writable_session_only() {
    let mut bench = Bench::made(80, 24, false, true);
    assert_eq!(bench.keys("delete from orders;<Enter>").ran(), [""; 0]);
    insta::assert_snapshot!("dangerous_80x24", bench.screen());
    assert_eq!(bench.keys("<Enter>").ran(), [""; 0]);
    assert_eq!(bench.keys("n").ran(), [""; 0]);
    assert_eq!(bench.keys("<F5>y").ran(), ["delete from orders"]);
    let mut bench = Bench::made(80, 24, true, false);
    assert_eq!(bench.keys("delete from orders;<Enter>").ran(), ["delete from orders"]);
}

#[test]
fn a_read_only_session_is_not_made_writable_in_passing() {
    let mut bench = Bench::new(80, 24);
    assert_eq!(bench.keys("set default_transaction_read_only = off;<Enter>").ran(), [""; 0]);
    assert_eq!(bench.said(), "this session is read-only; to write, connect to orders-prod again as writable");
    bench.keys("<M-a><Delete>show default_transaction_read_only;<Enter>");
    assert_eq!(bench.ran(), ["show default_transaction_read_only"]);
}

#[test]
fn what_comes_after_a_failure_is_said_not_to_have_run() {
    let mut bench = Bench::new(80, 24);
    bench.input(Input::Paste("select 1; select x; select 3".to_owned()));
    bench.keys("<F6>");
    let run = bench.pane.runs;
    let now = bench.now;
    bench.news(News::Began { run, index: 1, at: now });
    let diagnosis = Diagnosis::new(Kind::Sql, "column x does not exist");
    bench.news(News::Failed { run, index: 1, result: None, diagnosis, timing: Timing::default() });
    bench.news(News::Ended { run });
    assert!(bench.screen().contains("1 statement after that was not run"));
}

#[test]
fn results_are_browsed_by_keys() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select status, count(*) from orders group by 1;<Enter>");
    bench.orders_of_status();
    insta::assert_snapshot!("rows_80x24", bench.screen());
    bench.keys("<Esc>jjl");
    insta::assert_snapshot!("rows_focused_80x24", bench.screen());
    bench.orders.clear();
    bench.keys("yy");
    assert_eq!(bench.orders, [Order::Copy("731".to_owned())]);
    bench.orders.clear();
    bench.keys("kY");
    assert_eq!(bench.orders, [Order::Copy("paid\t1990\t310228.10\ta\\tb\\nc\u{1b}[31mred".to_owned())]);
    bench.keys("x");
    insta::assert_snapshot!("expanded_80x24", bench.screen());
    bench.keys("x5G$<Enter>");
    assert!(bench.pane.cell.is_some());
    bench.keys("<Esc><Esc>");
    assert_eq!(bench.pane.focus, pane::Focus::Editor);
}

#[test]
fn an_error_shows_its_caret_and_the_cursor_goes_there() {
    let mut bench = Bench::new(80, 24);
    bench.input(Input::Paste("select 1;\nselect o.status,\n       o.nmae\n  from orders o;".to_owned()));
    assert_eq!(bench.keys("<F5>").ran().len(), 1);
    let run = bench.pane.runs;
    let at = "select o.status,\n       ".chars().count();
    let mut diagnosis = Diagnosis::new(Kind::Sql, "column o.nmae does not exist")
        .advise("Perhaps you meant to reference the column \"o.name\".");
    (diagnosis.at, diagnosis.code) = (Some(at), Some("42703".to_owned()));
    let now = bench.now;
    bench.news(News::Began { run, index: 0, at: now });
    bench.news(News::Failed { run, index: 0, result: None, diagnosis, timing: Bench::took(34) });
    bench.news(News::Ended { run });
    let cursor = bench.pane.editor.cursor();
    assert_eq!((cursor.line, cursor.byte), (2, 7));
    insta::assert_snapshot!("error_80x24", bench.screen());
}

#[test]
fn a_million_rows_are_reached_by_windows_and_never_waited_for() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select g from generate_series(1,1000000) g;<Enter>");
    let run = bench.pane.runs;
    let result = ResultId(9);
    let now = bench.now;
    bench.news(News::Began { run, index: 0, at: now });
    let columns: Arc<[Column]> = Arc::new([Column { name: "g".to_owned(), oid: 20 }]);
    bench.news(News::Columns { run, index: 0, result, columns });
    let rows = |first: u64, count: u64| -> Page {
        let mut builder = PageBuilder::new(1);
        (first..first + count).for_each(|row| builder.push([Some((row + 1).to_string().as_str())]));
        builder.take()
    };
    let window = |first: u64, count: u64| Window {
        first,
        pieces: vec![Piece { page: rows(first, count), rows: 0..count as usize }],
    };
    bench.news(News::Rows { result, rows: 1000, bytes: 10_000 });
    bench.news(News::Window { result, window: window(0, 200) });
    bench.orders.clear();
    bench.news(News::Rows { result, rows: 1_000_000, bytes: 20_000_000 });
    bench.input(Input::Tick(now + Duration::from_millis(1234)));
    assert!(bench.ask().is_empty(), "what is in sight is there");
    bench.keys("<Esc>G");
    let asked = bench.ask();
    let [Ask::Window { first, count, .. }] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(*first < 999_990 && first + count >= 1_000_000);
    assert!(bench.screen().contains("…"));
    bench.keys("k");
    assert!(bench.ask().is_empty(), "asked once");
    bench.news(News::Window { result, window: window(*first, 1_000_000 - first) });
    assert!(bench.screen().contains("1000000"));
    bench.keys("123456G");
    assert_eq!(bench.pane.table().map(|table| table.row), Some(123_455));
    bench.keys("g");
    assert_eq!(bench.pane.table().map(|table| table.row), Some(0));
}

#[test]
fn rows_too_large_for_a_window_do_not_ask_for_ever() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select huge;<Enter>");
    let run = bench.pane.runs;
    let result = ResultId(1);
    let columns: Arc<[Column]> = Arc::new([Column { name: "huge".to_owned(), oid: 25 }]);
    bench.news(News::Columns { run, index: 0, result, columns });
    bench.news(News::Rows { result, rows: 30, bytes: 300 << 20 });
    let mut asked = bench.ask();
    let mut rounds = 0;
    bench.keys("<Esc>");
    while let Some(Ask::Window { first, .. }) = asked.pop() {
        rounds += 1;
        assert!(rounds < 40, "it asks for ever");
        let mut builder = PageBuilder::new(1);
        builder.push([Some("x".repeat(5 << 20).as_str())]);
        let window = Window { first, pieces: vec![Piece { page: builder.take(), rows: 0..1 }] };
        bench.news(News::Window { result, window });
        asked = bench.ask();
        if asked.is_empty() && rounds < 20 {
            bench.keys("j");
            asked = bench.ask();
        }
    }
    let table = bench.pane.table().expect("a table");
    assert!(table.row > 5 && table.find(table.row).is_some(), "the row of the cursor is there: {}", table.row);
}

#[test]
fn notices_stand_below_rows_and_messages_hold_everything() {
    safety::both("notices", |width, height| noisy(width, height).screen());
    safety::both("messages", |width, height| noisy(width, height).keys("<Esc>m").screen());
}

/// One row, and what the server said before it.
fn noisy(width: u16, height: u16) -> Bench {
    let mut bench = Bench::new(width, height);
    bench.keys("select noisy();<Enter>");
    let run = bench.pane.runs;
    let now = bench.now;
    bench.news(News::Began { run, index: 0, at: now });
    for (severity, message) in [("NOTICE", "first thing"), ("WARNING", "second\x1b[2J thing")] {
        bench.news(News::Notice(Notice {
            severity: severity.to_owned(),
            code: "00000".to_owned(),
            message: message.to_owned(),
            detail: None,
            hint: Some("look again".to_owned()),
        }));
    }
    let columns: Arc<[Column]> = Arc::new([Column { name: "noisy".to_owned(), oid: 25 }]);
    bench.news(News::Columns { run, index: 0, result: ResultId(3), columns });
    let mut builder = PageBuilder::new(1);
    builder.push([Some("done")]);
    let window = Window { first: 0, pieces: vec![Piece { page: builder.take(), rows: 0..1 }] };
    bench.news(News::Window { result: ResultId(3), window });
    bench.news(News::Complete {
        run,
        index: 0,
        result: Some(ResultId(3)),
        tag: "SELECT 1".to_owned(),
        rows: 1,
        timing: Bench::took(40),
    });
    bench.news(News::Ended { run });
    bench
}

#[test]
fn the_first_screen_tells_what_to_do() {
    insta::assert_snapshot!("fresh_80x24", Bench::new(80, 24).screen());
    insta::assert_snapshot!("fresh_120x40", Bench::made(120, 40, false, true).screen());
}

#[test]
fn the_history_is_walked_and_searched() {
    let mut bench = Bench::new(80, 24);
    let past = |text: &str, at: u64, outcome| Past { text: text.to_owned(), at, outcome, took: 12, rows: 1 };
    bench.news(News::History(vec![
        past("select count(*) from orders;", 1_799_990_000, Outcome::Done),
        past("select * from ordrs;", 1_799_999_000, Outcome::Failed),
        past("select pg_sleep(600);", 1_799_999_990, Outcome::Cancelled),
    ]));
    bench.keys("<Up>");
    assert_eq!(bench.pane.editor.buffer().text(), "select pg_sleep(600);");
    bench.keys("<M-p><M-p><M-n>");
    assert_eq!(bench.pane.editor.buffer().text(), "select * from ordrs;");
    bench.keys("<C-r>");
    insta::assert_snapshot!("history_80x24", bench.screen());
    bench.keys("count<Enter>");
    assert_eq!(bench.pane.editor.buffer().text(), "select count(*) from orders;");
    bench.keys("<C-z>");
    assert_eq!(bench.pane.editor.buffer().text(), "select * from ordrs;");
}

#[test]
fn a_statement_with_a_secret_is_run_and_not_noted() {
    let mut bench = Bench::made(80, 24, true, false);
    bench.keys("alter role bob password 'hunter2';<Enter>");
    let asks = bench.ask();
    let [Ask::Run { statements, .. }] = asks.as_slice() else { panic!("{asks:?}") };
    assert_eq!(statements[0].note, None);
    bench.orders_of_status();
    bench.keys("<M-a><Delete><Up>");
    assert_eq!(bench.pane.editor.buffer().text(), "");
}

#[test]
fn words_work_and_others_are_named() {
    let mut bench = Bench::new(80, 24);
    bench.keys("\\timing<Enter>");
    assert_eq!(bench.said(), "timing is off");
    for word in ["\\dt ord*", "\\watch 2", "\\nope"] {
        bench.orders_of_status();
        bench.pane.run = None;
        bench.orders.clear();
        bench.keys(&format!("<M-a><Delete>{word}<Enter>"));
        let asks = bench.ask();
        let [Ask::Script { text, .. }] = asks.as_slice() else { panic!("{word}: {asks:?}") };
        assert_eq!(text, word, "the interpreter knows what it means, or names it");
    }
    bench.pane.run = None;
    bench.keys("<M-a><Delete>select 1\n\\e<Enter>");
    assert_eq!(bench.orders.last(), Some(&Order::Compose("select 1\n".to_owned())));
    bench.keys("<M-a><Delete>\\?<Enter>");
    assert!(bench.screen().contains("\\d [NAME]"), "it is read from its beginning: {}", bench.screen());
    bench.keys("<M-a><Delete>");
    bench.keys("<C-u>\\c billing<Enter>");
    assert_eq!(bench.orders.last(), Some(&Order::Connect { database: Some("billing".to_owned()), user: None }));
    bench.orders.clear();
    bench.keys("<M-a><Delete>");
    bench.input(Input::Paste("\\c postgresql://bob:hunter2@elsewhere/d".to_owned()));
    bench.keys("<F5>");
    assert_eq!(bench.orders, [], "no server but this one, and no database of that name");
    assert!(!bench.said().contains("hunter2") && bench.said().contains("is another server"), "{}", bench.said());
    bench.keys("<M-a><Delete>");
    bench.input(Input::Paste("\\c \"dbname=d user=bob\"".to_owned()));
    bench.keys("<F5>");
    let wanted = Order::Connect { database: Some("d".to_owned()), user: Some("bob".to_owned()) };
    assert_eq!(bench.orders.last(), Some(&wanted));
}

#[test]
fn five_megabytes_are_pasted_and_keys_after_it_work_at_once() {
    let mut bench = Bench::new(80, 24);
    let text = "insert into t values (1, 'x'); -- ünïcode\n".repeat(120_000);
    bench.input(Input::Paste(text.clone()));
    assert_eq!(bench.pane.editor.buffer().text().len(), text.len());
    // Colours are found in pieces, between which keys are heard; what costs is counted in the editor's own tests.
    assert!(bench.pane.editor.lags());
    assert_eq!(bench.pane.next_tick(), Some(bench.now));
    let before = bench.pane.editor.colours().lexed();
    bench.keys("a<Backspace><Up><Left>b<C-Home>c");
    assert!(bench.pane.editor.colours().lexed() - before < 60_000, "not all of it before the last key is heard");
    let mut ticks = 0;
    bench.keys("<C-End>");
    while bench.pane.editor.lags() {
        bench.input(Input::Tick(bench.now));
        ticks += 1;
    }
    assert!((2..60).contains(&ticks), "{ticks}");
    assert_eq!(bench.pane.next_tick().filter(|at| *at == bench.now), None);
    bench.keys("<C-z><C-z><C-z><C-z><C-z><C-z>");
    assert!(bench.pane.editor.buffer().is_empty());
}

#[test]
fn hundreds_of_columns_scroll_and_stay_straight() {
    let mut bench = Bench::new(80, 24);
    bench.keys("select wide;<Enter>");
    let names: Vec<String> = (0..1600).map(|n| format!("column \"{n}\"\n")).collect();
    let columns: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 25)).collect();
    let row: Vec<Option<&str>> = (0..1600).map(|n| (n % 3 != 0).then_some("v")).collect();
    bench.answer(&columns, &[&row, &row]);
    bench.keys("<Esc>800l");
    assert_eq!(bench.pane.table().map(|table| table.column), Some(800));
    bench.keys("$");
    assert!(bench.screen().contains("1599"));
}

#[test]
fn every_size_is_drawn() {
    for (width, height) in [(1, 1), (20, 6), (24, 7), (40, 10), (200, 60)] {
        let mut bench = Bench::made(width, height, false, true);
        bench.keys("select 1;<Enter>");
        bench.orders_of_status();
        for keys in ["", "<Esc>", "x", "v", "<Esc>x", "m", "z", "z<Esc><C-r>", "<Esc><C-q>"] {
            bench.keys(keys);
            bench.screen();
        }
    }
}
