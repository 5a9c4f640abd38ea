//! Cancelling through the bastion: the backend stops, the session lives, and a server that will not stop is pressed.

use super::safety::{holds, master};
use super::{LONG, Tab, world};
use crossterm::event::{KeyCode, KeyModifiers};
use gatepost::access::Session;
use gatepost::console::query::{Ask, News, Work};
use gatepost::sandbox::Fault;
use std::time::{Duration, Instant};

const BULK: &str = "select g, repeat(md5(g::text), 4) as bulk from generate_series(1, 20000000) g";
/// Heeds neither a CancelRequest nor `pg_cancel_backend`.
const STUBBORN: &str =
    "do $$ begin loop begin perform pg_sleep(600); exception when query_canceled then null; end; end loop; end $$";

fn ctrl_c(tab: &mut Tab) {
    tab.key(KeyCode::Char('c'), KeyModifiers::CONTROL);
}

/// What a cancel has to leave behind, of a sleep and of a stream, while `hindrance` is in the way.
async fn leaves_an_idle_backend(hindrance: impl AsyncFnOnce(&Tab, &mut Session)) {
    let mut tab = Tab::through_the_bastion(|_| {}).await;
    let mut master = master(&tab).await;
    tab.run("set work_mem = '7MB'");
    tab.done().await;
    let pid = tab.value("select pg_backend_pid()").await;
    hindrance(&tab, &mut master).await;
    for sql in ["select pg_sleep(600)", BULK] {
        tab.seen.clear();
        tab.run(sql);
        if sql == BULK {
            tab.until("rows", |tab| tab.seen.iter().any(|news| matches!(news, News::Rows { .. }))).await;
        } else {
            let sleeps = format!("select wait_event = 'PgSleep' from pg_stat_activity where pid = {pid}");
            holds(&mut master, &sleeps, "t").await;
        }
        ctrl_c(&mut tab);
        tab.done().await;
        assert_eq!(tab.pane.title().work, Work::Cancelled, "{sql}:\n{}", tab.screen());
        holds(&mut master, &format!("select state from pg_stat_activity where pid = {pid}"), "idle").await;
        assert_eq!(tab.value("show work_mem").await, "7MB");
    }
    master.close().await;
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_at_the_connection_limit_leaves_an_idle_backend_and_a_usable_session() {
    // The role has its one connection: nothing that needs a second login could cancel.
    leaves_an_idle_backend(async |_, master| {
        world::rows(master, "alter role oncall connection limit 1").await.expect("altered");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_goes_over_tls_where_the_server_takes_tls_only() {
    leaves_an_idle_backend(async |tab, _| tab.faults().set(Fault::TlsOnly)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_ends_by_itself_does_not_wait_for_a_cancel_that_finds_no_way() {
    // A dial that nobody answers takes as long as it may.
    let mut tab = Tab::through_the_bastion(|settings| settings.connect_timeout = LONG).await;
    let mut master = master(&tab).await;
    world::rows(&mut master, "select pg_advisory_lock(7)").await.expect("locked");
    let pid = tab.value("select pg_backend_pid()").await;
    // Nor does a wire come to stand ready.
    tab.faults().set(Fault::PortSilent);
    tab.run("select pg_advisory_lock(7), 'held' as so");
    holds(&mut master, &format!("select wait_event = 'advisory' from pg_stat_activity where pid = {pid}"), "t").await;
    ctrl_c(&mut tab);
    tab.shows("cancelling").await;
    let begun = Instant::now();
    world::rows(&mut master, "select pg_advisory_unlock(7)").await.expect("unlocked");
    tab.done().await;
    assert_eq!(tab.value("select 'still ' || 'here'").await, "still here");
    assert!(begun.elapsed() < LONG / 2, "{:?}", begun.elapsed());
    let world = tab.world.as_ref().expect("a whole world");
    let cancels: Vec<_> = world.audit().into_iter().filter(|line| line["event"] == "cancel").collect();
    assert!(cancels.iter().all(|line| line["outcome"] == "not sent: the statement had ended"), "{cancels:?}");
    assert!(!cancels.is_empty());
    master.close().await;
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_stop_is_pressed_step_by_step() {
    let mut tab = Tab::through_the_bastion(|_| {}).await;
    let pid = tab.value("select pg_backend_pid()").await;
    tab.run("begin");
    tab.done().await;
    tab.run(STUBBORN);
    let mut master = master(&tab).await;
    let sleeps = format!("select wait_event = 'PgSleep' from pg_stat_activity where pid = {pid}");
    holds(&mut master, &sleeps, "t").await;
    ctrl_c(&mut tab);
    tab.shows("stop the backend by pg_cancel_backend").await;
    assert_eq!(tab.pane.title().work, Work::Running);
    ctrl_c(&mut tab);
    let question = tab.screen();
    assert!(question.contains(&format!("Stop backend {pid} on orders-prod by pg_cancel_backend?")), "{question}");
    tab.key(KeyCode::Char('y'), KeyModifiers::NONE);
    tab.shows("the backend still runs it").await;
    tab.shows("stop the backend by pg_terminate_backend").await;
    ctrl_c(&mut tab);
    assert!(tab.screen().contains("the open transaction is rolled back"), "{}", tab.screen());
    tab.key(KeyCode::Char('y'), KeyModifiers::NONE);
    tab.done().await;
    tab.shows("the backend is gone from pg_stat_activity").await;
    holds(&mut master, &format!("select count(*) from pg_stat_activity where pid = {pid}"), "0").await;
    assert!(tab.screen().contains("rolled"), "{}", tab.screen());
    assert_eq!(tab.value("select 'still ' || 'here'").await, "still here");
    master.close().await;
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_is_heard_late_is_followed_by_the_next_step_all_the_same() {
    let mut tab = Tab::through_the_bastion(|_| {}).await;
    let pid = tab.value("select pg_backend_pid()").await;
    let mut master = master(&tab).await;
    // The first requests find no way, for longer than anybody looks at what became of them; a later one does.
    tab.faults().set(Fault::PortClosed);
    tab.run(STUBBORN);
    let sleeps = format!("select wait_event = 'PgSleep' from pg_stat_activity where pid = {pid}");
    holds(&mut master, &sleeps, "t").await;
    master.close().await;
    ctrl_c(&mut tab);
    tab.shows("not cancelled").await;
    let world = tab.world.as_ref().expect("a whole world");
    let begun = Instant::now();
    while world.audit().iter().filter(|line| line["event"] == "cancel").count() < 4 {
        assert!(begun.elapsed() < LONG, "{:?}", world.audit());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tab.faults().clear(&Fault::PortClosed);
    tab.shows("stop the backend by pg_cancel_backend").await;
    // A tab that is closed over it does not call it done.
    tab.asks.send(Ask::Close).expect("the worker listens");
    tab.until("the end of the session", |tab| tab.pane.title().work == Work::Closed).await;
    let state = &tab.world.as_ref().expect("a whole world").settings.state_dir;
    let mut files = std::fs::read_dir(state.join("history")).expect("a history");
    let path = files.next().expect("of one target").expect("there").path();
    let past = std::fs::read_to_string(path).expect("a history");
    let last: serde_json::Value = serde_json::from_str(past.lines().last().expect("a statement")).expect("JSON");
    assert_eq!(last["outcome"], "cancelled", "{last}");
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_second_session_is_to_be_had_dropping_is_offered() {
    let mut tab = Tab::through_the_bastion(|_| {}).await;
    let mut master = master(&tab).await;
    world::rows(&mut master, "alter role oncall connection limit 1").await.expect("altered");
    let pid = tab.value("select pg_backend_pid()").await;
    tab.run(STUBBORN);
    let sleeps = format!("select wait_event = 'PgSleep' from pg_stat_activity where pid = {pid}");
    holds(&mut master, &sleeps, "t").await;
    ctrl_c(&mut tab);
    tab.shows("stop the backend by pg_cancel_backend").await;
    ctrl_c(&mut tab);
    tab.key(KeyCode::Char('y'), KeyModifiers::NONE);
    tab.shows("pg_cancel_backend was not run").await;
    ctrl_c(&mut tab);
    assert!(tab.screen().contains("Drop the connection to orders-prod"), "{}", tab.screen());
    tab.key(KeyCode::Char('y'), KeyModifiers::NONE);
    tab.done().await;
    world::value(&mut master, &format!("select pg_terminate_backend({pid})")).await;
    holds(&mut master, &format!("select count(*) from pg_stat_activity where pid = {pid}"), "0").await;
    assert_eq!(tab.value("select 'still ' || 'here'").await, "still here");
    master.close().await;
    tab.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_statement_tells_how_far_it_is() {
    let mut tab = Tab::through_the_bastion(|_| {}).await;
    tab.run("select 'major ' || current_setting('server_version_num')::int / 10000");
    tab.done().await;
    if tab.screen().contains("major 13") {
        println!("skipped: before PostgreSQL 14 no COPY tells how far it is");
        return tab.end().await;
    }
    // It stands still half way, so that the look cannot come too late.
    tab.run(
        "create table slow as select generate_series(1, 3000) as n; \
             create function slowly(n int) returns int immutable language plpgsql as \
             $$ begin if n = 2999 then perform pg_sleep(600); end if; return n; end $$",
    );
    tab.done().await;
    tab.run("copy (select slowly(n) from slow) to stdout");
    tab.shows("copied 2998 rows").await;
    ctrl_c(&mut tab);
    tab.done().await;
    tab.end().await;
}
