//! The query pane and its worker against a real PostgreSQL behind the sandbox's gate: keys in, screens out, over TLS.

#[path = "query_pane/cancelling.rs"]
mod cancelling;
#[path = "query_pane/results.rs"]
mod results;
#[path = "query_pane/safety.rs"]
mod safety;
#[path = "support/world.rs"]
mod world;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use gatepost::access::{Access, Session, Wish};
use gatepost::console::query::{self, Ask, Input, News, Order, Pane, Setup, Work, worker};
use gatepost::console::theme::Theme;
use gatepost::model::{Auth, Endpoint, EndpointRole, Engine, IamAuth, Place, Resolve, RouteChoice, Secret, Settings};
use gatepost::sandbox::{Fault, Options, Sandbox, keys};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use world::World;

const LEGACY: &str = "legacy-crm.c9akciq32xyz.eu-west-1.rds.amazonaws.com";
const LONG: Duration = Duration::from_secs(60);

/// A pane on a live session, as the console would run it.
struct Tab {
    pane: Pane,
    asks: UnboundedSender<Ask>,
    news: UnboundedReceiver<News>,
    handle: JoinHandle<()>,
    others: Vec<Order>,
    seen: Vec<News>,
    state: tempfile::TempDir,
    /// The gate alone, or everything: bastions and AWS too.
    sandbox: Option<Sandbox>,
    world: Option<World>,
}

fn endpoint() -> Endpoint {
    Endpoint {
        role: EndpointRole::Instance,
        host: LEGACY.to_owned(),
        port: 5432,
        owner: "legacy-crm".to_owned(),
        resource_id: "db-LEGACY".to_owned(),
        iam: IamAuth::Disabled,
        engine: Engine::Postgres,
        place: Place { profile: None, region: keys::REGION.to_owned() },
        account: keys::ACCOUNT.to_owned(),
        partition: "aws".to_owned(),
        public: false,
        vpc_id: None,
        security_groups: Vec::new(),
        database_name: Some("shop".to_owned()),
        internet_gateway: false,
        tags: Vec::new(),
        proxy: None,
    }
}

impl Tab {
    async fn open(read_only: bool, adjust: impl FnOnce(&mut Settings)) -> Tab {
        let sandbox = Sandbox::start(Options { events: false, ..Options::default() }).await.expect("a sandbox");
        let state = tempfile::tempdir().expect("a folder");
        let gate = sandbox.gate_address(LEGACY).expect("a gate");
        let mut settings = Settings {
            ca_bundles: vec![sandbox.ca_bundle().to_owned()],
            resolve: vec![Resolve { host: LEGACY.to_owned(), port: 5432, address: gate.to_string() }],
            state_dir: state.path().to_owned(),
            ..Settings::default()
        };
        adjust(&mut settings);
        let access = Access::new(settings.clone()).expect("access");
        let wish = Wish {
            endpoint: endpoint(),
            route: RouteChoice::Direct,
            database: Some("shop".to_owned()),
            user: "app".to_owned(),
            auth: Auth::Password(Secret::new("shop-app-password")),
            read_only,
        };

        let session = access.connect(&wish, None).await.expect("a session");
        Tab::start(session, &settings, state, Some(sandbox), None)
    }

    /// `orders-prod` through its bastion, with a token.
    async fn through_the_bastion(adjust: impl FnOnce(&mut Settings)) -> Tab {
        let world = World::with(adjust).await;
        let endpoint = world.endpoint("orders-prod").await;
        let session = world.access.connect(&world::wish(&endpoint, "oncall"), None).await.expect("a session");
        let (settings, state) = (world.settings.clone(), tempfile::tempdir().expect("a folder"));
        Tab::start(session, &settings, state, None, Some(world))
    }

    fn start(
        session: Session,
        settings: &Settings,
        state: tempfile::TempDir,
        sandbox: Option<Sandbox>,
        world: Option<World>,
    ) -> Tab {
        let target = session.target();
        let setup = Setup {
            name: target.endpoint.owner.clone(),
            host: target.endpoint.host.clone(),
            port: target.endpoint.port,
            user: target.user.clone(),
            database: "shop".to_owned(),
            production: false,
            facts: session.facts(),
            way: Vec::new(),
            now: SystemTime::now(),
        };
        let (told, news) = unbounded_channel();
        let tell: worker::Tell = Arc::new(move |news| {
            let _ = told.send(news);
        });
        let (asks, handle) = worker::start(session, settings, tell);
        let pane = Pane::new(setup);
        let (others, seen) = (Vec::new(), Vec::new());
        let mut tab = Tab { pane, asks, news, handle, others, seen, state, sandbox, world };
        tab.input(Input::Area(Rect::new(0, 0, 100, 30)));
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

    /// Puts `text` into the empty editor and runs all of it.
    fn run(&mut self, text: &str) {
        self.key(KeyCode::Char('a'), KeyModifiers::ALT);
        self.key(KeyCode::Delete, KeyModifiers::NONE);
        self.input(Input::Paste(text.to_owned()));
        self.key(KeyCode::F(6), KeyModifiers::NONE);
    }

    fn screen(&self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(100, 30)).expect("a terminal");
        let theme = Theme { color: true };
        terminal.draw(|frame| query::view(&self.pane, frame, frame.area(), theme)).expect("drawn");
        let buffer = terminal.backend().buffer();
        let lines = buffer.content().chunks(100);
        lines.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
    }

    /// Hears the worker until the screen, or what was told, is as wanted.
    async fn until(&mut self, what: &str, mut wanted: impl FnMut(&Tab) -> bool) {
        while !wanted(self) {
            match timeout(LONG, self.news.recv()).await {
                Ok(Some(news)) => {
                    self.seen.push(news.clone());
                    self.input(Input::Tick(SystemTime::now()));
                    self.input(Input::News(news));
                }
                Ok(None) => panic!("the worker ended before {what}:\n{}", self.screen()),
                Err(_) => {
                    let last = &self.seen[self.seen.len().saturating_sub(12)..];
                    panic!("no news for {LONG:?}, waiting for {what}; the last of them:\n{last:#?}\n{}", self.screen())
                }
            }
        }
    }

    async fn done(&mut self) {
        self.until("the end of the run", |tab| tab.pane.title().work != Work::Running).await;
    }

    async fn shows(&mut self, words: &str) {
        self.until(words, |tab| tab.screen().contains(words)).await;
    }

    async fn end(mut self) {
        let _ = self.asks.send(Ask::Close);
        self.until("the end of the session", |tab| tab.pane.title().work == Work::Closed).await;
        timeout(LONG, self.handle).await.expect("the worker ends").expect("without a panic");
        if let Some(world) = self.world {
            world.access.close().await;
            world.sandbox.stop().await;
        }
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }

    fn faults(&self) -> &gatepost::sandbox::Faults {
        self.world.as_ref().expect("a whole world").sandbox.faults()
    }

    /// Runs what gives one value, and the value.
    async fn value(&mut self, sql: &str) -> String {
        let from = self.seen.len();
        self.run(sql);
        self.done().await;
        // Windows of the result before it may still come in; only this statement's counts.
        let result = |news: &News| if let News::Columns { result, .. } = news { Some(*result) } else { None };
        let result = self.seen[from..].iter().find_map(result).unwrap_or_else(|| panic!("{sql}: {}", self.screen()));
        let first = move |news: &News| match news {
            News::Window { result: of, window } if *of == result => window.pieces.first().cloned(),
            _ => None,
        };
        self.until("its first row", |tab| tab.seen[from..].iter().any(|news| first(news).is_some())).await;
        let piece = self.seen[from..].iter().find_map(first).expect("it was waited for");
        piece.page.cell(0, 0).expect("not NULL").to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_run_in_order_and_everything_the_server_says_is_shown() {
    let mut tab = Tab::open(false, |_| {}).await;
    tab.run("select 1 as one, null as nothing, '' as empty; create temp table t(n int); insert into t select generate_series(1,7);\
             do $$ begin raise notice 'hello from the server'; end $$; select count(*) as seven from t");
    tab.done().await;
    assert_eq!(tab.pane.title().work, Work::Done, "{}", tab.screen());
    tab.shows("seven").await;
    assert!(tab.screen().contains("result 2/2"), "{}", tab.screen());
    tab.key(KeyCode::Esc, KeyModifiers::NONE);
    tab.key(KeyCode::Char('['), KeyModifiers::NONE);
    tab.shows("∅").await;
    tab.key(KeyCode::Char('m'), KeyModifiers::NONE);
    for words in ["✓ INSERT 0 7", "NOTICE: hello from the server", "✓ CREATE TABLE", "✓ SELECT 1"] {
        assert!(tab.screen().contains(words), "{words}:\n{}", tab.screen());
    }
    tab.key(KeyCode::Esc, KeyModifiers::NONE);
    tab.run("select 1;\nselect *\n  from ordrs;\nselect 3");
    tab.done().await;
    assert_eq!(tab.pane.title().work, Work::Failed);
    assert!(tab.screen().contains("line 2:   from ordrs"), "{}", tab.screen());
    assert!(tab.screen().contains("1 statement after that was not run"), "{}", tab.screen());
    tab.run("begin");
    tab.shows("TRANSACTION OPEN").await;
    tab.done().await;
    tab.run("selec");
    tab.shows("TRANSACTION FAILED").await;
    tab.done().await;
    tab.run("rollback");
    tab.shows("idle · autocommit").await;
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_rows_stream_scroll_and_stay_in_bounded_memory() {
    let mut tab = Tab::open(true, |settings| settings.memory_limit = 1 << 20).await;
    let begun = Instant::now();
    tab.run("select g, md5(g::text) as sum, now() as at from generate_series(1, 1000000) g");
    tab.until("the first rows", |tab| tab.screen().contains("c4ca4238a0b923820dcc509a6f75849b")).await;
    assert_eq!(tab.pane.title().work, Work::Running, "rows show while others are still on their way");
    tab.done().await;
    let all = begun.elapsed();
    tab.shows("1,000,000 rows").await;
    let told = tab.seen.iter().filter(|news| matches!(news, News::Rows { .. })).count();
    assert!(told as u128 <= 3 + all.as_millis() / 25, "told {told} times in {all:?}");
    tab.key(KeyCode::Esc, KeyModifiers::NONE);
    tab.key(KeyCode::Char('G'), KeyModifiers::NONE);
    tab.shows("8155bc545f84d9652f1012ef2bdfb6eb").await;
    for digit in "777777G".chars() {
        tab.key(KeyCode::Char(digit), KeyModifiers::NONE);
    }
    tab.shows("f63f4fbc9f8c85d409f2f59f2b9e12d5").await;
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_stops_a_sleep_and_a_stream_and_the_session_goes_on() {
    let mut tab = Tab::open(true, |_| {}).await;
    for sql in ["select pg_sleep(600)", "select g, repeat('x', 100) from generate_series(1, 50000000) g"] {
        tab.run(sql);
        tab.until("the statement's start", |tab| {
            matches!(tab.seen.last(), Some(News::Began { .. } | News::Rows { .. } | News::Window { .. }))
        })
        .await;
        let begun = Instant::now();
        tab.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
        tab.done().await;
        assert!(begun.elapsed() < LONG, "{sql}: {:?}", begun.elapsed());
        assert_eq!(tab.pane.title().work, Work::Cancelled, "{}", tab.screen());
        tab.seen.clear();
    }
    tab.run("select 'still ' || 'here' as answer");
    tab.shows("still here").await;
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_cancels_what_only_reads_and_lets_writes_finish() {
    let mut tab = Tab::open(false, |settings| settings.row_limit = 1000).await;
    tab.run("select g from generate_series(1, 50000000) g");
    tab.done().await;
    assert_eq!(tab.pane.title().work, Work::Done, "{}", tab.screen());
    assert!(tab.screen().contains("1,000 rows"), "{}", tab.screen());
    assert!(tab.screen().contains("only the first 1000 rows are kept"), "{}", tab.screen());
    tab.run("create temp table t as select generate_series(1, 200000) as n; update t set n = n + 1 where true returning n; select count(*) as many from t where n > 1");
    tab.done().await;
    tab.shows("200000").await;
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_out_notices_and_the_history_file() {
    let mut tab = Tab::open(false, |_| {}).await;
    tab.run("copy (select g, 'é' from generate_series(1, 3000) g) to stdout");
    tab.done().await;
    tab.shows("3,000 rows").await;
    tab.run("alter role app password 'hunter2'");
    // ALTER is asked about on a writable session.
    tab.key(KeyCode::Char('y'), KeyModifiers::NONE);
    tab.done().await;
    tab.run("listen news; notify news, 'breaking'");
    tab.done().await;
    tab.until("the notification", |tab| {
        tab.seen.iter().any(|news| matches!(news, News::Notice(notice) if notice.message.contains("breaking")))
    })
    .await;
    let path = tab.state.path().join("history/legacy-crm.eu-west-1.123456789012.jsonl");
    let state = std::mem::replace(&mut tab.state, tempfile::tempdir().expect("a folder"));
    tab.end().await;
    let history = std::fs::read_to_string(&path).expect("a history");
    assert!(history.contains("copy (select g") && history.contains("notify news"), "{history}");
    assert!(!history.contains("hunter2") && !history.contains("alter role"), "{history}");
    assert_eq!(std::fs::metadata(&path).expect("facts").permissions().mode() & 0o777, 0o600);
    drop(state);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_session_comes_back_and_says_so() {
    let mut tab = Tab::open(false, |_| {}).await;
    tab.run("select pg_backend_pid() as before");
    tab.done().await;
    tab.run("select pg_terminate_backend(pg_backend_pid())");
    tab.done().await;
    tab.run("select 'back ' || 'again' as answer");
    tab.done().await;
    tab.shows("back again").await;
    assert!(tab.seen.iter().any(|news| matches!(news, News::Reconnected(_))), "{:?}", tab.seen);
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_catalogue_word_is_sql_the_server_takes() {
    let mut tab = Tab::open(true, |_| {}).await;
    for word in [
        "\\l",
        "\\l+ sh*",
        "\\dn",
        "\\dn pub*",
        "\\d",
        "\\d+",
        "\\dt",
        "\\dt+ public.*",
        "\\dv",
        "\\dm",
        "\\di",
        "\\ds",
        "\\dtvS",
        "\\du",
        "\\du app",
        "\\df",
        "\\df pg_catalog.now",
        "\\dx",
        "\\d orders",
        "\\d public.\"orders\"",
        "\\d pg_class",
    ] {
        tab.run(word);
        tab.done().await;
        assert_eq!(tab.pane.title().work, Work::Done, "{word}:\n{}", tab.screen());
    }
    tab.run("\\dt");
    tab.shows("order_items").await;
    tab.done().await;
    tab.run("\\d orders");
    tab.shows("PRIMARY KEY, btree (").await;
    tab.done().await;
    tab.end().await;
}

const BULK: &str = "select g, repeat(md5(g::text), 20) as bulk from generate_series(1, 5000000) g";

/// More than the line holds under way.
fn has_bulk(tab: &Tab) -> bool {
    tab.seen.iter().any(|news| matches!(news, News::Rows { bytes, .. } if *bytes > 1 << 20))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_of_bulk_through_the_bastion_answers_at_once_and_keeps_its_rows() {
    let mut tab = Tab::through_the_bastion(|_| {}).await;
    tab.run(BULK);
    tab.until("a megabyte of rows", has_bulk).await;
    let begun = Instant::now();
    tab.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
    tab.done().await;
    // Three gigabytes by a bastion would take the better part of an hour.
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    assert_eq!(tab.pane.title().work, Work::Cancelled, "{}", tab.screen());
    assert!(tab.screen().contains("cancelled") && tab.screen().contains("c4ca4238a0b923820dcc"), "{}", tab.screen());
    tab.key(KeyCode::Esc, KeyModifiers::NONE);
    tab.key(KeyCode::Char('G'), KeyModifiers::NONE);
    let last =
        tab.seen.iter().rev().find_map(|news| if let News::Rows { rows, .. } = news { Some(*rows) } else { None });
    tab.shows(&last.expect("rows were told").to_string()).await;
    tab.key(KeyCode::Esc, KeyModifiers::NONE);
    assert_eq!(tab.value("select 'still ' || 'here'").await, "still here");
    // The server has stopped, too.
    let runs = "select count(*) from pg_stat_activity where state = 'active' and query like '%5000000%' and pid <> pg_backend_pid()";
    while tab.value(runs).await != "0" {}
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_with_settings_of_its_own_survives_its_cancel() {
    let mut tab = Tab::through_the_bastion(|_| {}).await;
    tab.run("set work_mem = '7MB'");
    tab.done().await;
    let pid = tab.value("select pg_backend_pid()").await;
    tab.run(BULK);
    tab.until("a megabyte of rows", has_bulk).await;
    let kept = |tab: &Tab| {
        tab.seen.iter().rev().find_map(|news| if let News::Rows { rows, .. } = news { Some(*rows) } else { None })
    };
    tab.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
    let before = kept(&tab);
    tab.done().await;
    assert_eq!(tab.pane.title().work, Work::Cancelled, "{}", tab.screen());
    assert!(kept(&tab) >= before);
    assert_eq!(tab.value("select pg_backend_pid()").await, pid);
    assert_eq!(tab.value("show work_mem").await, "7MB");
    assert!(!tab.seen.iter().any(|news| matches!(news, News::Reconnected(_))));
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_line_is_seen_a_cancel_has_an_end_and_the_connection_can_be_dropped() {
    let mut tab = Tab::through_the_bastion(|settings| settings.connect_timeout = Duration::from_secs(10)).await;
    tab.run("begin");
    tab.done().await;
    tab.run("select pg_sleep(600)");
    tab.until("the statement's start", |tab| matches!(tab.seen.last(), Some(News::Began { .. }))).await;
    tab.faults().set(Fault::SocketRefused);
    tab.faults().set(Fault::SocketReset);
    tab.shows("the tunnel was lost").await;
    assert!(tab.screen().contains("reconnecting"), "{}", tab.screen());
    let begun = Instant::now();
    tab.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
    tab.shows("not cancelled").await;
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    let begun = Instant::now();
    tab.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(tab.screen().contains("Drop the connection to orders-prod"), "{}", tab.screen());
    tab.key(KeyCode::Char('y'), KeyModifiers::NONE);
    tab.done().await;
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    assert!(tab.screen().contains("the server rolls the open transaction back"), "{}", tab.screen());
    assert!(tab.screen().contains("not connected"), "{}", tab.screen());
    tab.faults().clear(&Fault::SocketRefused);
    tab.until("the tunnel's return", |tab| {
        matches!(
            tab.seen.iter().rev().find(|news| matches!(news, News::Health(_))),
            Some(News::Health(query::LineHealth::Up))
        )
    })
    .await;
    assert_eq!(tab.value("select 'back ' || 'again'").await, "back again");
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_way_back_is_stopped_at_once_and_was_not_sent() {
    let mut tab = Tab::through_the_bastion(|_| {}).await;
    tab.run("select pg_terminate_backend(pg_backend_pid())");
    tab.done().await;
    tab.faults().set(Fault::AgentSilent);
    tab.run("create table never (n int)");
    tab.until("the way back", |tab| matches!(tab.seen.last(), Some(News::Returning))).await;
    assert!(tab.screen().contains("connecting again"), "{}", tab.screen());
    let begun = Instant::now();
    tab.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
    tab.done().await;
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    assert!(tab.screen().contains("nothing was run"), "{}", tab.screen());
    tab.faults().clear(&Fault::AgentSilent);
    assert_eq!(tab.value("select to_regclass('never') is null").await, "t");
    tab.end().await;
}
