//! What a pane does when its session is lost (never a replay), and what it asks before it changes much.

use super::{LONG, Tab, world};
use crossterm::event::{KeyCode, KeyModifiers};
use gatepost::access::{Session, Wish};
use gatepost::console::query::{News, Timing, Work};
use gatepost::model::{Auth, Secret, Settings, Transaction};
use gatepost::sandbox::Fault;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How a session is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Loss {
    /// `pg_terminate_backend` from another session.
    Terminated,
    /// The database's end of the wire is cut.
    DatabaseCut,
    /// The tunnel's session is ended by the service.
    TunnelEnded,
}

/// The master user of the tab's target, over the same bastion.
pub(super) async fn master(tab: &Tab) -> Session {
    let world = tab.world.as_ref().expect("a whole world");
    let endpoint = world.endpoint("orders-prod").await;
    let auth = Auth::Password(Secret::new("postgres-master-password"));
    let wish = Wish { auth, ..world::wish(&endpoint, "postgres") };
    world.access.connect(&wish, None).await.expect("a session of the master's")
}

/// Until the query gives this.
pub(super) async fn holds(session: &mut Session, sql: &str, wanted: &str) {
    let begun = Instant::now();
    loop {
        let now = world::value(session, sql).await;
        if now == wanted {
            return;
        }
        assert!(begun.elapsed() < LONG, "{sql}: {now}, not {wanted}");
    }
}

async fn lose(tab: &mut Tab, loss: Loss, pid: &str) {
    match loss {
        Loss::Terminated => {
            let mut master = master(tab).await;
            world::value(&mut master, &format!("select pg_terminate_backend({pid})")).await;
            master.close().await;
        }
        Loss::DatabaseCut => tab.faults().set(Fault::DatabaseCut),
        Loss::TunnelEnded => tab.faults().set(Fault::SessionEnded),
    }
}

/// One case of the matrix; its name is what it writes.
async fn case(tab: &mut Tab, loss: Loss, in_flight: bool, in_transaction: bool, writes: bool) {
    let name = format!("{loss:?} in flight {in_flight} in transaction {in_transaction} writes {writes}");
    let pid = tab.value("select pg_backend_pid()").await;
    if in_transaction {
        tab.run("begin");
        tab.done().await;
        tab.run(&format!("insert into matrix values ('{name}, before')"));
        tab.done().await;
    }
    let sleeps = if in_flight { "pg_sleep(600)" } else { "pg_sleep(0)" };
    let statement = match writes {
        true => format!("insert into matrix select '{name}' from {sleeps}"),
        false => format!("select 'read' from {sleeps}"),
    };
    tab.seen.clear();
    if in_flight {
        tab.run(&statement);
        let mut master = master(tab).await;
        let runs = format!("select count(*) from pg_stat_activity where pid = {pid} and wait_event = 'PgSleep'");
        holds(&mut master, &runs, "1").await;
        master.close().await;
    }
    lose(tab, loss, &pid).await;
    if in_flight {
        tab.done().await;
        assert_eq!(tab.pane.title().work, Work::Failed, "{name}:\n{}", tab.screen());
        let screen = tab.screen();
        let said = match (in_transaction, loss) {
            (true, _) => "rolled back",
            (false, Loss::Terminated) => "the statement may or may not have run",
            (false, _) => "whether it was done is not known",
        };
        assert!(screen.contains(said) && screen.contains("CONNECTION LOST"), "{name}:\n{screen}");
    } else {
        tab.until("the loss", |tab| tab.seen.iter().any(|news| matches!(news, News::Lost { .. }))).await;
        let said = match in_transaction {
            true => "connection lost; the open transaction is rolled back",
            false => "connection lost; the next statement connects again",
        };
        assert!(tab.screen().contains(said), "{name}:\n{}", tab.screen());
        tab.run(&statement);
        tab.done().await;
        let back = tab.seen.iter().any(|news| matches!(news, News::Reconnected(said) if said.contains("are gone")));
        match in_transaction {
            true => {
                assert_eq!(tab.pane.title().work, Work::Failed, "{name}:\n{}", tab.screen());
                assert!(tab.screen().contains("the statement was not sent"), "{name}:\n{}", tab.screen());
                assert!(!back, "{name}");
            }
            false => {
                assert_eq!(tab.pane.title().work, Work::Done, "{name}:\n{}", tab.screen());
                assert!(back, "{name}:\n{}", tab.screen());
                assert!(tab.screen().contains("SET, temp tables, locks are gone"), "{name}:\n{}", tab.screen());
            }
        }
    }
    // What sleeps on behind a cut wire is ended, so that it cannot write later and be taken for a replay.
    let mut master = master(tab).await;
    holds(
        &mut master,
        "select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity where wait_event = 'PgSleep'",
        "0",
    )
    .await;
    master.close().await;
    assert_ne!(tab.value("select pg_backend_pid()").await, pid, "{name}");
    let wrote = tab.value(&format!("select count(*) from matrix where wrote = '{name}'")).await;
    let once = if writes && !in_flight && !in_transaction { "1" } else { "0" };
    assert_eq!(wrote, once, "{name}");
    assert_eq!(tab.value("select count(*) from matrix where wrote like '%, before'").await, "0", "{name}");
}

async fn matrix(loss: Loss) {
    let mut tab = Tab::through_the_bastion(|_| {}).await;
    tab.run("create table matrix (wrote text)");
    tab.done().await;
    for number in 0..8 {
        Box::pin(case(&mut tab, loss, number & 1 != 0, number & 2 != 0, number & 4 != 0)).await;
    }
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_replayed_after_a_backend_was_terminated() {
    matrix(Loss::Terminated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_replayed_after_the_wire_was_cut() {
    matrix(Loss::DatabaseCut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_replayed_after_the_tunnel_was_ended() {
    matrix(Loss::TunnelEnded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_counted_on_request_and_undone_unless_kept() {
    let mut tab = Tab::open(false, |_| {}).await;
    tab.run("create temp table counted as select generate_series(1, 1204) as n");
    tab.done().await;
    let tried = |tab: &Tab| tab.screen().contains("Keep that?");
    for (key, left) in [('n', "1204"), ('y', "0")] {
        tab.run("delete from counted");
        assert!(tab.screen().contains("count the rows first"), "{}", tab.screen());
        tab.key(KeyCode::Char('c'), KeyModifiers::NONE);
        tab.until("the count", tried).await;
        let screen = tab.screen();
        for words in ["1,204 rows changed on legacy-crm", "locks are held", "rolled back in 30 s", "TRANSACTION OPEN"] {
            assert!(screen.contains(words), "{words}:\n{screen}");
        }
        tab.key(KeyCode::Char(key), KeyModifiers::NONE);
        tab.done().await;
        assert!(tab.screen().contains(if key == 'y' { "committed" } else { "rolled back" }), "{}", tab.screen());
        tab.shows("idle · autocommit").await;
        assert_eq!(tab.value("select count(*) from counted").await, left);
    }
    // Within a transaction that is the user's own, it goes on either way.
    tab.run("begin");
    tab.done().await;
    tab.run("insert into counted values (1), (2)");
    tab.done().await;
    tab.run("update counted set n = 7");
    tab.key(KeyCode::Char('c'), KeyModifiers::NONE);
    tab.until("the count", tried).await;
    tab.key(KeyCode::Char('n'), KeyModifiers::NONE);
    tab.done().await;
    assert_eq!(tab.value("select sum(n) from counted").await, "3");
    assert!(tab.screen().contains("TRANSACTION OPEN"), "{}", tab.screen());
    tab.run("commit");
    tab.done().await;
    tab.end().await;
}

impl Tab {
    /// Puts `text` into the empty editor and tries it.
    fn tries(&mut self, text: &str) {
        self.key(KeyCode::Char('a'), KeyModifiers::ALT);
        self.key(KeyCode::Delete, KeyModifiers::NONE);
        self.input(super::Input::Paste(text.to_owned()));
        self.key(KeyCode::Char('t'), KeyModifiers::ALT);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_nobody_answers_or_that_waits_for_a_lock_is_undone() {
    let mut tab = Tab::through_the_bastion(|_| {}).await;
    tab.run("create table tried as select generate_series(1, 7) as n");
    tab.done().await;
    // Somebody else's lock is not waited for long.
    let world = tab.world.as_ref().expect("a whole world");
    let wish = world::wish(&world.endpoint("orders-prod").await, "oncall");
    let mut other = world.access.connect(&wish, None).await.expect("another session");
    world::rows(&mut other, "begin").await.expect("begins");
    world::rows(&mut other, "lock table tried").await.expect("locks");
    tab.tries("delete from tried where n < 3");
    tab.done().await;
    assert_eq!(tab.pane.title().work, Work::Failed, "{}", tab.screen());
    assert!(tab.screen().contains("lock timeout"), "{}", tab.screen());
    tab.shows("idle · autocommit").await;
    world::rows(&mut other, "rollback").await.expect("unlocks");
    tab.tries("delete from tried where n < 3");
    tab.shows("2 rows changed").await;
    // Nobody answers; the locks are given back.
    tab.done().await;
    assert!(!tab.screen().contains("Keep that?"), "{}", tab.screen());
    assert!(tab.screen().contains("rolled back: nothing was changed"), "{}", tab.screen());
    assert_eq!(world::value(&mut other, "select count(*) from tried").await, "7");
    other.close().await;
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_autocommit_a_statement_opens_a_transaction() {
    let mut tab = Tab::open(false, |settings| settings.autocommit = false).await;
    tab.pane.autocommit(false);
    assert!(tab.screen().contains("idle · manual commit"), "{}", tab.screen());
    tab.run("create temp table kept (n int); insert into kept values (1)");
    tab.shows("TRANSACTION OPEN · commit, rollback").await;
    tab.done().await;
    // Leaving asks.
    tab.run("\\q");
    assert!(tab.screen().contains("A transaction is open on legacy-crm"), "{}", tab.screen());
    tab.key(KeyCode::Char('n'), KeyModifiers::NONE);
    tab.run("commit");
    tab.done().await;
    tab.run("insert into kept values (2)");
    tab.done().await;
    tab.run("rollback");
    tab.shows("idle · manual commit").await;
    tab.done().await;
    assert_eq!(tab.value("select count(*) from kept").await, "1");
    tab.run("rollback");
    tab.done().await;
    // A place in a statement is the one in the text that was typed; what stands outside of transactions runs there.
    tab.run("select nothing");
    tab.done().await;
    assert!(tab.screen().contains("line 1: select nothing"), "{}", tab.screen());
    tab.run("rollback");
    tab.done().await;
    // Tried and kept is not committed yet.
    tab.tries("delete from kept where n = 1");
    tab.shows("1 row changed").await;
    tab.key(KeyCode::Char('y'), KeyModifiers::NONE);
    tab.shows("kept; the transaction is still open").await;
    tab.done().await;
    tab.run("rollback");
    tab.done().await;
    assert_eq!(tab.value("select count(*) from kept").await, "1");
    tab.run("rollback");
    tab.done().await;
    tab.run("vacuum kept");
    tab.done().await;
    assert_eq!(tab.pane.title().work, Work::Done, "{}", tab.screen());
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_under_manual_commit_is_a_rollback() {
    let mut tab = Tab::through_the_bastion(|settings| settings.autocommit = false).await;
    let pid = tab.value("select pg_backend_pid()").await;
    tab.run("rollback");
    tab.done().await;
    tab.run("select pg_sleep(600)");
    let mut master = master(&tab).await;
    let runs = format!("select count(*) from pg_stat_activity where pid = {pid} and wait_event = 'PgSleep'");
    holds(&mut master, &runs, "1").await;
    world::value(&mut master, &format!("select pg_terminate_backend({pid})")).await;
    tab.done().await;
    assert!(tab.screen().contains("rolled"), "{}", tab.screen());
    tab.until("the state", |tab| {
        matches!(tab.seen.iter().rev().find(|news| matches!(news, News::State { .. })),
            Some(News::State { transaction, away, .. }) if *away || *transaction == Transaction::Idle)
    })
    .await;
    master.close().await;
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_says_comes_as_it_says_it_and_times_are_told_apart() {
    let mut tab = Tab::open(true, |_| {}).await;
    tab.run("do $$ begin raise notice 'first'; perform pg_sleep(600); end $$");
    // Seen while it runs.
    tab.shows("NOTICE: first").await;
    assert_eq!(tab.pane.title().work, Work::Running);
    tab.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
    tab.done().await;
    tab.run("listen news");
    tab.done().await;
    let pid = tab.value("select pg_backend_pid()").await;
    tab.run("select pg_notify('news', 'breaking'), pg_sleep(1)");
    tab.done().await;
    tab.until("the notification", |tab| {
        tab.seen.iter().any(|news| {
            matches!(news, News::Notice(notice) if notice.message.contains("breaking") && notice.message.contains("news")
                && format!("{notice:?}").contains(&pid))
        })
    })
    .await;
    tab.shows("network").await;
    let screen = tab.screen();
    let Timing { first, network, .. } = tab.timing().expect("it was completed");
    let (first, network) = (first.expect("a row"), network.expect("measured"));
    assert!(screen.contains("(server ") && first - network > network, "{first:?}, {network:?}:\n{screen}");
    tab.end().await;
}

impl Tab {
    /// What was told last of a statement's time.
    fn timing(&self) -> Option<Timing> {
        self.seen
            .iter()
            .rev()
            .find_map(|news| if let News::Complete { timing, .. } = news { Some(*timing) } else { None })
    }
}

/// What a slow wire takes from the server to here.
const SLOW: Duration = Duration::from_millis(400);

/// Puts a wire before the database that is slow until that is taken away.
fn slow_wire(settings: &mut Settings) -> Arc<AtomicBool> {
    let slow = Arc::new(AtomicBool::new(true));
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
    listener.set_nonblocking(true).expect("a socket");
    let here = listener.local_addr().expect("it listens").to_string();
    let far = std::mem::replace(&mut settings.resolve[0].address, here);
    let (listener, is_slow) = (TcpListener::from_std(listener).expect("a runtime"), Arc::clone(&slow));
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let (far, slow) = (TcpStream::connect(&far).await.expect("a gate"), Arc::clone(&is_slow));
            tokio::spawn(async move {
                let ((mut near_read, mut near), (mut far_read, mut far)) = (near.into_split(), far.into_split());
                let back = async {
                    let mut piece = [0; 16 << 10];
                    while let Ok(length @ 1..) = far_read.read(&mut piece).await {
                        if slow.load(Ordering::Relaxed) {
                            tokio::time::sleep(SLOW).await;
                        }
                        if near.write_all(&piece[..length]).await.is_err() {
                            return;
                        }
                    }
                };
                tokio::select! {
                    () = back => {}
                    _ = tokio::io::copy(&mut near_read, &mut far) => {}
                }
            });
        }
    });
    slow
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_trip_that_was_measured_while_the_line_was_slow_is_put_right() {
    let mut slow = None;
    let mut tab = Tab::open(true, |settings| slow = Some(slow_wire(settings))).await;
    tab.run("select 1");
    tab.done().await;
    let measured = tab.timing().and_then(|timing| timing.network).expect("measured");
    assert!(measured >= SLOW, "{measured:?}");
    slow.expect("a wire").store(false, Ordering::Relaxed);
    let begun = Instant::now();
    while tab.timing().and_then(|timing| timing.network).expect("measured") >= SLOW {
        assert!(begun.elapsed() < LONG, "{}", tab.screen());
        tab.run("select 1");
        tab.done().await;
    }
    tab.end().await;
}
