//! Scripts in the query pane, on a real PostgreSQL: psql's words typed among statements, what they ask first, where their
//! results go, and a cancel in the middle of each.

#[path = "support/psql.rs"]
mod psql;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use gatepost::console::query::{self, Ask, Input, News, Order, Pane, Setup, Work, worker};
use gatepost::console::theme::Theme;
use psql::postgres::Postgres;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(60);
const WIDE: u16 = 100;

/// A pane on a live session, as the console would run it.
struct Tab {
    pane: Pane,
    asks: UnboundedSender<Ask>,
    news: UnboundedReceiver<News>,
    handle: JoinHandle<()>,
    others: Vec<Order>,
    seen: Vec<News>,
    folder: tempfile::TempDir,
}

impl Tab {
    async fn open(read_only: bool) -> Tab {
        let server = Postgres::shared();
        let folder = tempfile::tempdir().expect("a folder");
        let (session, settings) = psql::session_with(server, "postgres", &folder, read_only).await;
        let target = session.target();
        let setup = Setup {
            name: "orders-test".to_owned(),
            host: target.endpoint.host.clone(),
            port: target.endpoint.port,
            user: target.user.clone(),
            database: target.database.clone(),
            production: false,
            facts: session.facts(),
            way: Vec::new(),
            now: SystemTime::now(),
        };
        let (told, news) = unbounded_channel();
        let tell: worker::Tell = Arc::new(move |news| {
            let _ = told.send(news);
        });
        let (asks, handle) = worker::start(session, &settings, tell);
        let (others, seen) = (Vec::new(), Vec::new());
        let mut tab = Tab { pane: Pane::new(setup), asks, news, handle, others, seen, folder };
        tab.input(Input::Area(Rect::new(0, 0, WIDE, 30)));
        tab
    }

    fn input(&mut self, input: Input) {
        for order in query::update(&mut self.pane, input) {
            match order {
                Order::Ask(ask) => self.asks.send(ask).expect("the worker listens"),
                other => self.others.push(other),
            }
        }
    }

    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.input(Input::Tick(SystemTime::now()));
        self.input(Input::Key(KeyEvent::new(code, modifiers)));
    }

    fn cancel(&mut self) {
        self.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
    }

    /// Puts `text` into the empty editor and runs all of it.
    fn run(&mut self, text: &str) {
        self.seen.clear();
        self.key(KeyCode::Char('a'), KeyModifiers::ALT);
        self.key(KeyCode::Delete, KeyModifiers::NONE);
        self.input(Input::Paste(text.to_owned()));
        self.key(KeyCode::F(6), KeyModifiers::NONE);
    }

    fn screen(&self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(WIDE, 30)).expect("a terminal");
        let theme = Theme { color: true };
        terminal.draw(|frame| query::view(&self.pane, frame, frame.area(), theme)).expect("drawn");
        let buffer = terminal.backend().buffer();
        let lines = buffer.content().chunks(WIDE.into());
        lines.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
    }

    async fn until(&mut self, what: &str, mut wanted: impl FnMut(&Tab) -> bool) {
        while !wanted(self) {
            match timeout(LONG, self.news.recv()).await {
                Ok(Some(news)) => {
                    self.seen.push(news.clone());
                    self.input(Input::Tick(SystemTime::now()));
                    self.input(Input::News(news));
                }
                Ok(None) => panic!("the worker ended before {what}:\n{}", self.screen()),
                Err(_) => panic!("no news, waiting for {what}:\n{}", self.screen()),
            }
        }
    }

    /// Until nothing runs; how it ended.
    async fn ends(&mut self) -> Work {
        self.until("the end of the run", |tab| tab.pane.title().work != Work::Running).await;
        self.pane.title().work
    }

    async fn runs(&mut self, text: &str) {
        self.run(text);
        let work = self.ends().await;
        assert_eq!(work, Work::Done, "{text}\n{:#?}\n{}", self.words(), self.screen());
    }

    async fn asked(&mut self) {
        self.until("a question", |tab| tab.seen.iter().any(|news| matches!(news, News::Asked { .. }))).await;
    }

    /// The lines of what the worker asked, one question after another.
    fn questions(&self) -> Vec<Vec<String>> {
        let asked = self.seen.iter().filter_map(|news| match news {
            News::Asked { lines, .. } => Some(lines.clone()),
            _ => None,
        });
        asked.collect()
    }

    /// What the run said and what failed.
    fn words(&self) -> Vec<String> {
        let said = self.seen.iter().filter_map(|news| match news {
            News::Said { text, .. } | News::Document(text) => Some(text.trim_end().to_owned()),
            News::Failed { diagnosis, .. } | News::Trouble(diagnosis) => Some(diagnosis.title.clone()),
            _ => None,
        });
        said.collect()
    }

    /// The first rows of every result of the run, cells joined.
    fn rows(&self) -> Vec<String> {
        let (mut rows, mut waits) = (Vec::new(), Vec::new());
        for news in &self.seen {
            let News::Window { window, result } = news else {
                if let News::Columns { result, .. } = news {
                    waits.push(*result);
                }
                continue;
            };
            // Windows that were asked for come too, and of results before.
            let Some(at) = waits.iter().position(|waits| waits == result) else { continue };
            waits.remove(at);
            for piece in &window.pieces {
                for row in piece.rows.clone() {
                    let cells: Vec<&str> = piece.page.row(row).map(|cell| cell.unwrap_or("~")).collect();
                    rows.push(cells.join(" "));
                }
            }
        }
        rows
    }

    /// One value, asked for by itself.
    async fn value(&mut self, sql: &str) -> String {
        self.runs(sql).await;
        self.until("its row", |tab| !tab.rows().is_empty()).await;
        self.rows().remove(0)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("our own folder");
        path.display().to_string()
    }

    fn pipe(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
        path.display().to_string()
    }

    async fn close(mut self) {
        let _ = self.asks.send(Ask::Close);
        self.until("the end of the session", |tab| tab.pane.title().work == Work::Closed).await;
        timeout(LONG, self.handle).await.expect("the worker ends").expect("without a panic");
    }
}

/// Until some backend of this test's waits for that.
fn waits_for(application: &str, event: &str) {
    let begun = std::time::Instant::now();
    let asked = format!(
        "select count(*) from pg_stat_activity where wait_event = '{event}' and query like '%{application}%' and pid <> pg_backend_pid();"
    );
    loop {
        let (told, wrong) = psql::psql(Postgres::shared(), "postgres", &["-qAt"], &asked);
        assert_eq!(wrong, "");
        if told.trim() != "0" {
            return;
        }
        assert!(begun.elapsed() < LONG, "nobody waits for {event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_conditions_and_what_is_made_of_results() {
    let mut tab = Tab::open(false).await;
    tab.runs(
        "\\set n 3\n\\if :{?n}\nselect :n * 2 as six \\gset\n\\else\nselect 1/0;\n\\endif\n\\echo six is :six\n\
         select :'six' as literal, 7 as \"b c\";\n",
    )
    .await;
    assert_eq!(tab.words(), ["six is 6"]);
    assert_eq!(tab.rows(), ["6 7"]);
    // They are the tab's: the next text has them.
    tab.runs("select :six + 1;\n").await;
    assert_eq!(tab.rows(), ["7"]);
    tab.runs("select format('select %s as n', i) from generate_series(1, 3) i \\gexec\n").await;
    assert_eq!(tab.rows(), ["1", "2", "3"]);
    tab.runs("select 1 as a, 2.50::numeric(5,2) as b, null::text as c \\gdesc\n").await;
    assert_eq!(tab.rows(), ["a integer", "b numeric(5,2)", "c text"]);
    tab.runs("values ('x', 'p', 1), ('x', 'q', 2), ('y', 'p', 3) \\crosstabview\n").await;
    assert_eq!(tab.rows(), ["x 1 2", "y 3 "]);
    tab.runs("\\x on\n\\timing off\nselect :n as now_expanded;\n").await;
    tab.until("the row", |tab| tab.screen().contains("now_expanded │ 3") || tab.screen().contains("now_expanded  3"))
        .await;
    tab.runs("\\x off\n\\timing on\n\\echo back\n").await;
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_data_stand_in_the_text_and_in_files() {
    let mut tab = Tab::open(false).await;
    tab.runs(
        "create temp table t (a int, b text);\ncopy t from stdin;\n1\tx\\ty\n2\t\\N\n\\.\nselect a, b is null from t order by a;\n",
    )
    .await;
    assert_eq!(tab.rows(), ["1 f", "2 t"]);
    let out = tab.folder.path().join("out file.csv");
    let name = out.display().to_string();
    tab.runs(&format!(
        "\\copy (select * from t order by a) to '{name}' csv header\n\\copy t from '{name}' csv header\n"
    ))
    .await;
    assert_eq!(std::fs::read_to_string(&out).expect("written"), "a,b\n1,x\ty\n2,\n");
    assert_eq!(tab.value("select count(*) from t").await, "4");
    tab.run("\\copy t from '/nowhere/at/all'\nselect 'not reached';\n");
    tab.ends().await;
    assert!(tab.words().iter().any(|words| words.contains("/nowhere/at/all")), "{:?}", tab.words());
    // The console's standard input is its keyboard.
    tab.run("\\copy t from pstdin\nselect 'not reached';\n");
    tab.ends().await;
    assert!(tab.words().iter().any(|words| words.contains("is the keyboard here")), "{:?}", tab.words());
    // A COPY that fails: its data are not run as SQL.
    tab.run("copy t from stdin;\nnot a number\tx\ndrop table t;\n\\.\nselect 'on' as went;\n");
    tab.ends().await;
    assert_eq!(tab.value("select count(*) from t").await, "4");
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_go_to_files_in_psqls_shapes() {
    let mut tab = Tab::open(false).await;
    let (one, two) = (tab.folder.path().join("one"), tab.folder.path().join("two"));
    let text = format!(
        "\\o {}\nselect 1 as a, 'x' as b;\n\\qecho said\n\\pset format csv\nselect 'q\"q' as c;\n\\o\n\\pset format aligned\n\
         select 2 as d \\g {}\nselect 3 as e;\n",
        one.display(),
        two.display()
    );
    tab.runs(&text).await;
    let read = |path: &PathBuf| std::fs::read_to_string(path).expect("written");
    assert_eq!(read(&one), " a | b \n---+---\n 1 | x\n(1 row)\n\nsaid\nc\n\"q\"\"q\"\n");
    assert_eq!(read(&two), " d \n---\n 2\n(1 row)\n\n");
    assert_eq!(tab.rows(), ["3"], "only what goes to no file is shown");
    // It holds for statements that stand alone, too, until it is taken back.
    tab.runs(&format!("\\o {}\n", one.display())).await;
    tab.runs("select generate_series(1, 200000) as n").await;
    assert_eq!(tab.rows(), [""; 0]);
    tab.runs("\\o\n").await;
    let rows = read(&one);
    assert!(rows.ends_with(" 200000\n(200000 rows)\n\n"), "{}", &rows[rows.len() - 60..]);
    tab.run("select 1 \\g /nowhere/at/all\n");
    tab.ends().await;
    assert!(tab.words().iter().any(|words| words.contains("/nowhere/at/all")), "{:?}", tab.words());
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_whole_is_said_not_to_be() {
    let mut tab = Tab::open(false).await;
    // So that a cancel has to hear the statement out: a session with a past is not thrown away.
    tab.runs("create temp table past (n int)").await;
    let said = |tab: &Tab, wanted: &str| tab.words().iter().any(|words| words.contains(wanted));
    // Cancelled while it is written: the progress is seen, and what is written ends where it was stopped.
    let half = tab.file("half.csv", "what was there before");
    tab.run(&format!("\\copy (select generate_series(1, 1000000000), repeat('x', 200)) to '{half}' csv\n"));
    tab.until("how much is written", |tab| tab.screen().contains(" in half.csv")).await;
    tab.cancel();
    assert_eq!(tab.ends().await, Work::Cancelled, "{}", tab.screen());
    assert!(said(&tab, "half.csv is not whole: it ends ("), "{:?}", tab.words());
    assert!(!said(&tab, "written to"), "{:?}", tab.words());
    let text = std::fs::read_to_string(&half).expect("the file");
    assert!(text.starts_with("1,xxx") && text.len() > 200, "{}", text.len());
    // Failed at the server on the way.
    let torn = tab.file("torn.csv", "");
    tab.run(&format!("\\copy (select 10000 / (30000 - n) from generate_series(1, 60000) n) to '{torn}' csv\n"));
    tab.ends().await;
    assert!(said(&tab, "division by zero") && said(&tab, "torn.csv is not whole"), "{:?}", tab.words());
    tab.run("select 10000 / (30000 - n) from generate_series(1, 60000) n \\g /dev/null\n");
    tab.ends().await;
    assert!(said(&tab, "/dev/null is not whole"), "{:?}", tab.words());
    // Nothing came at all.
    let empty = tab.file("empty.csv", "what was there before");
    tab.run(&format!("\\copy (select nothing) to '{empty}' csv\n"));
    tab.ends().await;
    assert!(said(&tab, "empty.csv is empty"), "{:?}", tab.words());
    // A disk that is full ends what only reads, which would go on for hours.
    if std::path::Path::new("/dev/full").exists() {
        tab.run("\\copy (select generate_series(1, 2000000000), repeat('x', 200)) to '/dev/full' csv\n");
        tab.ends().await;
        assert!(said(&tab, "/dev/full: No space left"), "{:?}", tab.words());
    }
    assert_eq!(tab.value("select count(*) from past").await, "0", "the session is the one it was");
    // What is whole is said to be.
    let whole = tab.file("whole.csv", "");
    tab.runs(&format!("\\copy (select 1) to '{whole}' csv\n")).await;
    assert!(said(&tab, "written to") && !said(&tab, "not whole"), "{:?}", tab.words());
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dangerous_in_what_nobody_saw_is_asked_about() {
    let mut tab = Tab::open(false).await;
    tab.runs("create temp table a (n int)").await;
    tab.runs("create temp table b (n int)").await;
    let inner = tab.file("inner.sql", "delete from b;\n");
    let file = tab.file("set-up.sql", &format!("insert into a values (1);\ntruncate a;\n\\ir {inner}\n"));
    // No: nothing of it runs.
    tab.run(&format!("\\i {file}\n"));
    tab.asked().await;
    assert_eq!(tab.questions(), [["TRUNCATE: truncate a"]]);
    assert!(tab.screen().contains("TRUNCATE: truncate a"), "{}", tab.screen());
    tab.key(KeyCode::Char('n'), KeyModifiers::NONE);
    tab.ends().await;
    assert_eq!(tab.value("select count(*) from a").await, "0");
    // Yes, twice: the file within it is asked about when it comes.
    tab.run(&format!("\\i {file}\n"));
    tab.asked().await;
    tab.key(KeyCode::Char('y'), KeyModifiers::NONE);
    tab.until("the second question", |tab| tab.questions().len() == 2).await;
    assert_eq!(tab.questions()[1], ["DELETE without WHERE: delete from b"]);
    tab.key(KeyCode::Char('y'), KeyModifiers::NONE);
    assert_eq!(tab.ends().await, Work::Done, "{:?}", tab.words());
    // The file becomes another one while the question stands: what was not asked about does not run unasked.
    tab.run(&format!("\\i {file}\n"));
    tab.asked().await;
    std::fs::write(&file, "drop table b;\n").expect("our own folder");
    tab.key(KeyCode::Char('y'), KeyModifiers::NONE);
    tab.until("another question", |tab| tab.questions().len() == 2).await;
    assert_eq!(tab.questions()[1], ["DROP TABLE: drop table b"]);
    tab.key(KeyCode::Char('n'), KeyModifiers::NONE);
    tab.ends().await;
    // Substituted, and made by a query: all that waits is asked about at once.
    tab.run("\\set what b\ndrop table :what;\n");
    tab.asked().await;
    tab.key(KeyCode::Char('n'), KeyModifiers::NONE);
    tab.ends().await;
    tab.run("select 'drop table ' || unnest('{a,b}'::text[]) \\gexec\n");
    tab.asked().await;
    assert_eq!(tab.questions(), [["DROP TABLE: drop table a", "DROP TABLE: drop table b"]]);
    tab.key(KeyCode::Char('n'), KeyModifiers::NONE);
    tab.ends().await;
    assert_eq!(tab.value("select count(*) from b").await, "0");
    // What cannot be looked through beforehand (a pipe) is asked about as it comes.
    let pipe = tab.pipe("pipe.sql");
    let (to, fed) = (pipe.clone(), "insert into b values (7);\ndrop table b;\n");
    let feeding = std::thread::spawn(move || std::fs::write(to, fed).expect("the script reads"));
    tab.run(&format!("\\i {pipe}\n"));
    tab.asked().await;
    assert_eq!(tab.questions(), [["DROP TABLE: drop table b"]]);
    tab.key(KeyCode::Char('n'), KeyModifiers::NONE);
    tab.ends().await;
    feeding.join().expect("no panic");
    assert_eq!(tab.value("select n from b").await, "7");
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_session_is_not_lifted_by_a_script() {
    let mut tab = Tab::open(true).await;
    let file = tab.file("lift.sql", "set default_transaction_read_only = off;\n");
    for lifts in [
        "\\set name default_transaction_read_only\nset :name = off;\n".to_owned(),
        "select 'set transaction_read_only to off' \\gexec\n".to_owned(),
        format!("\\i {file}\n"),
        "\\set rw 'read write'\nset session characteristics as transaction :rw;\n".to_owned(),
        "\\echo x\nset default_transaction_read_only = off;\n".to_owned(),
    ] {
        tab.run(&lifts);
        tab.until("a refusal", |tab| tab.screen().contains("this session is read-only")).await;
        tab.ends().await;
        assert_eq!(tab.value("select current_setting('transaction_read_only')").await, "on", "{lifts}");
    }
    // And the server is the guard: nobody is asked about what it will refuse.
    let file = tab.file("write.sql", "drop table if exists pg_catalog.pg_class;\n");
    tab.run(&format!("\\i {file}\n"));
    assert_eq!(tab.ends().await, Work::Failed);
    assert_eq!(tab.questions().len(), 0);
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_is_heard_in_the_middle_of_everything() {
    let mut tab = Tab::open(false).await;
    tab.runs("create temp sequence s; create temp table t (a text)").await;
    tab.run("select nextval('s') as n \\watch 0.01\n");
    tab.until("three rounds", |tab| tab.seen.iter().filter(|news| matches!(news, News::Again { .. })).count() >= 3)
        .await;
    tab.cancel();
    assert_eq!(tab.ends().await, Work::Cancelled, "{}", tab.screen());
    // Between two rounds.
    tab.run("select nextval('s') as n \\watch 3600\n");
    tab.until("the first round", |tab| tab.seen.iter().any(|news| matches!(news, News::Complete { .. }))).await;
    tab.cancel();
    assert_eq!(tab.ends().await, Work::Cancelled);
    // In a statement.
    tab.run("\\set long 600\nselect pg_sleep(:long);\ninsert into t values ('not reached');\n");
    let begun = |tab: &Tab| tab.seen.iter().any(|news| matches!(news, News::Began { .. }));
    tab.until("its beginning", begun).await;
    waits_for("pg_sleep(600)", "PgSleep");
    tab.cancel();
    assert_eq!(tab.ends().await, Work::Cancelled);
    // While data are awaited that do not come, and while a script is.
    for words in ["\\copy t from", "\\i"] {
        let pipe = tab.pipe(&format!("silent{}", words.len()));
        // Open for writing too, so that opening it waits for nobody.
        let held = std::fs::OpenOptions::new().read(true).write(true).open(&pipe).expect("it opens");
        tab.run(&format!("\\echo begun\n{words} {pipe}\n"));
        tab.until("its beginning", |tab| tab.words().iter().any(|words| words == "begun")).await;
        tab.cancel();
        assert_eq!(tab.ends().await, Work::Cancelled, "{words}\n{}", tab.screen());
        drop(held);
    }
    // While a file takes nothing.
    let pipe = tab.pipe("unread");
    let held = std::fs::OpenOptions::new().read(true).write(true).open(&pipe).expect("it opens");
    tab.run(&format!("select repeat('x', 1000) from generate_series(1, 1000000) \\g {pipe}\n"));
    tab.until("its beginning", begun).await;
    waits_for("repeat(''x'', 1000)", "ClientWrite");
    tab.cancel();
    let work = tab.ends().await;
    assert!(matches!(work, Work::Cancelled | Work::Failed), "{work:?}");
    drop(held);
    // While the catalogue is asked and somebody holds the lock.
    tab.runs("create view public.held as select 1 as one").await;
    let other = tempfile::tempdir().expect("a folder");
    let mut holder = psql::session(Postgres::shared(), "postgres", &other).await;
    for sql in ["begin", "lock table public.held in access exclusive mode"] {
        let mut running = holder.run(sql);
        while let Some(happening) = running.next().await {
            happening.expect("it is locked");
        }
    }
    tab.run("\\echo begun\n\\sv public.held\n");
    tab.until("its beginning", |tab| tab.words().iter().any(|words| words == "begun")).await;
    waits_for("pg_get_viewdef", "relation");
    tab.cancel();
    assert_eq!(tab.ends().await, Work::Cancelled, "{}", tab.screen());
    holder.close().await;
    tab.run("drop view public.held\n\\g\n");
    tab.key(KeyCode::Char('y'), KeyModifiers::NONE);
    assert_eq!(tab.ends().await, Work::Done, "{}", tab.screen());
    assert_eq!(tab.value("select count(*) from t").await, "0");
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_stops_at_its_first_error_unless_told_not_to() {
    let mut tab = Tab::open(false).await;
    tab.runs("create temp table t (n int)").await;
    let within = tab.file("within.sql", "insert into t values (1);\nselect 1/0;\ninsert into t values (2);\n");
    let around = tab.file("around.sql", &format!("\\i {within}\ninsert into t values (3);\n"));
    tab.run(&format!("\\i {around}\ninsert into t values (4);\n"));
    assert_eq!(tab.ends().await, Work::Failed);
    let wanted = format!("{within}:2: ");
    assert!(tab.words().iter().any(|words| words.starts_with(&wanted)), "{:?}", tab.words());
    assert_eq!(tab.value("select string_agg(n::text, ',') from t").await, "1");
    // A statement that was to go elsewhere is not sent at all, whatever is said of errors.
    for (text, why) in [
        ("insert into t values (5) \\g |cat\n", "a command of the shell is not run by gatepost"),
        (
            "\\set ON_ERROR_STOP off\ninsert into t values (6) \\g |cat\n",
            "a command of the shell is not run by gatepost",
        ),
        ("insert into t values (7) \\gdesc\n", "only what reads"),
        ("insert into t values (8) \\watch sometimes\n", "sometimes is no good"),
    ] {
        tab.run(text);
        tab.ends().await;
        assert!(tab.words().iter().any(|words| words.contains(why)), "{text}: {:?}", tab.words());
    }
    assert_eq!(tab.value("select string_agg(n::text, ',') from t").await, "1");
    // Told not to stop, which holds for the tab, it does not.
    tab.run(&format!("\\i {around}\ninsert into t values (4);\n"));
    assert_eq!(tab.ends().await, Work::Failed);
    assert_eq!(tab.value("select string_agg(n::text, ',' order by n) from t").await, "1,1,2,3,4");
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_shown_where_it_stands_in_the_text() {
    let mut tab = Tab::open(false).await;
    tab.run("\\set x 1\nselect :x;\nselect 1; select 'é', :x, nope_here\n  from pg_class;\n");
    assert_eq!(tab.ends().await, Work::Failed);
    assert!(tab.screen().contains("line 3: select 1; select 'é', :x, nope_here"), "{}", tab.screen());
    tab.key(KeyCode::Char('Z'), KeyModifiers::NONE);
    assert!(tab.screen().contains(":x, Znope_here"), "the cursor is there: {}", tab.screen());
    // In a file: its name and line.
    let file = tab.file("wrong.sql", "select 1;\n\nselec 2;\n");
    tab.run(&format!("\\i {file}\n"));
    tab.ends().await;
    let wanted = format!("{file}:3: ");
    assert!(tab.words().iter().any(|words| words.starts_with(&wanted)), "{:?}", tab.words());
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogues_words_are_rows_or_psqls_text() {
    let mut tab = Tab::open(false).await;
    tab.runs("create schema shown").await;
    tab.runs("create table shown.parent (id int primary key, note text default 'x')").await;
    tab.runs("create function shown.twice(n int) returns int language sql as $$\n\tselect n * 2\n$$").await;
    tab.runs("\\dt shown.*\n").await;
    assert_eq!(tab.rows(), ["shown parent table postgres"]);
    // Since 18 it says which.
    let titles = ["List of relations", "List of tables"];
    assert!(titles.iter().any(|title| tab.screen().contains(title)), "{}", tab.screen());
    tab.runs("\\d shown.parent\n").await;
    let screen = tab.screen();
    for words in ["Table \"shown.parent\"", " id     | integer |", "\"parent_pkey\" PRIMARY KEY, btree (id)"] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
    tab.runs("\\sf shown.twice\n").await;
    assert!(tab.screen().contains("CREATE OR REPLACE FUNCTION shown.twice(n integer)"), "{}", tab.screen());
    tab.run("\\d shown.nothing_like_it\n");
    assert_eq!(tab.ends().await, Work::Failed);
    assert!(tab.screen().contains("Did not find any relation named \"shown.nothing_like_it\"."), "{}", tab.screen());
    tab.run("\\lo_list\n");
    tab.ends().await;
    assert!(tab.screen().contains("\\lo_list: not supported here"), "{}", tab.screen());
    // Too long for the window: from its beginning.
    tab.runs("\\d pg_catalog.pg_class\n").await;
    assert!(tab.screen().contains("Table \"pg_catalog.pg_class\""), "{}", tab.screen());
    let pieces: Vec<String> = (0..3).map(|at| format!("create table shown.t{at} (n int)")).collect();
    tab.runs(&pieces.join(";")).await;
    tab.runs("\\dt shown.t?\n\\o\n").await;
    assert_eq!(tab.rows().len(), 3, "{:?}", tab.rows());
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_connects_elsewhere() {
    let mut tab = Tab::open(false).await;
    tab.runs("create database elsewhere_of_the_script").await;
    tab.runs(
        "\\connect elsewhere_of_the_script\ncreate table there (n int);\ninsert into there values (5);\n\\echo :DBNAME\n\
         select current_database(), n from there;\n",
    )
    .await;
    assert_eq!(tab.rows(), ["elsewhere_of_the_script 5"]);
    assert!(tab.words().iter().any(|words| words == "elsewhere_of_the_script"), "{:?}", tab.words());
    assert!(tab.screen().contains("postgres@elsewhere_of_the_script"), "{}", tab.screen());
    // What cannot be reached ends the script; the session stays where it was.
    tab.run("\\connect no_such_database\ninsert into there values (6);\n");
    assert_eq!(tab.ends().await, Work::Failed);
    assert_eq!(tab.value("select count(*) from there").await, "1");
    tab.close().await;
}
