//! Read-only sessions against a real PostgreSQL: every way round by SET, RESET, functions and transactions is tried without
//! any look at the words first, and nothing is written.

#[path = "support/world.rs"]
mod world;

use gatepost::access::{Session, Wish};
use gatepost::model::{Happening, Kind, Transaction};
use world::{World, rows, value};

const INSERT: &str = "insert into guarded values (1)";

/// A world with a table, a function that lifts, and a procedure that commits and writes.
async fn prepared() -> (World, Session, Wish) {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let writable = world::wish(&endpoint, "oncall");
    let mut writer = world.access.connect(&writable, None).await.expect("a session");
    for sql in [
        "create table guarded (n int)",
        "create function lift() returns void language plpgsql as $$ begin \
         perform set_config('default_transaction_read_only', 'off', false); \
         perform set_config('transaction_read_only', 'off', true); end $$",
        "create function write() returns void language plpgsql as $$ begin insert into guarded values (1); end $$",
        "create function lifted() returns void language plpgsql set default_transaction_read_only = off as \
         $$ begin insert into guarded values (1); end $$",
        "create function undo() returns void language plpgsql as $$ begin perform set_config('transaction_read_only', \
         null, true); insert into guarded values (1); perform set_config('transaction_read_only', 'on', true); end $$",
        "create function make() returns int language plpgsql as $$ begin \
         execute 'explain analyze create table made as select 1'; return 1; end $$",
        "create procedure leave() language plpgsql as $$ begin \
         perform set_config('default_transaction_read_only', 'off', false); commit; \
         insert into guarded values (1); commit; end $$",
    ] {
        rows(&mut writer, sql).await.expect(sql);
    }
    (world, writer, Wish { read_only: true, ..writable })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_round_writes_in_a_read_only_session() {
    let (world, mut writer, wish) = prepared().await;
    let ways: [&[&str]; 44] = [
        // The server itself lets these, in every version.
        &["explain analyze create table made as select 1"],
        &["explain (analyze, costs off) select 1 into made"],
        &["explain analyze create materialized view made as select 1"],
        &["do $$ begin execute 'explain analyze create table made as select 1'; end $$"],
        &["select make()"],
        &["begin", "select make()", "commit"],
        &["begin; select make(); commit"],
        &["declare c cursor with hold for select make()"],
        &["begin", "declare c cursor with hold for select make()", "commit"],
        &["begin", "savepoint s", "select make()", "release s", "end"],
        // Before 16 the server itself lets these.
        &["do $$ begin reset transaction_read_only; insert into guarded values (1); end $$"],
        &["select set_config('transaction_read_only', null, true), write()"],
        &[
            "begin",
            "do $$ begin execute 'reset transaction_read_only'; insert into guarded values (1); end $$",
            "commit",
        ],
        &["begin", "select set_config('transaction_read_only', null, true), write()", "end"],
        &["begin", "select undo()", "prepare transaction 'x'"],
        &["begin", "select undo()", "commit and chain", INSERT, "commit"],
        &["select undo() -- '"],
        &["select undo(), $gatepost$"],
        &["select 1; select undo()"],
        &["declare c cursor with hold for select undo()"],
        &[INSERT],
        &["set default_transaction_read_only = off", INSERT],
        &["set session default_transaction_read_only to off", INSERT],
        &["set transaction read write", INSERT],
        &["begin read write", INSERT, "commit"],
        &["start transaction read write", INSERT, "commit"],
        &["begin", "set transaction read write", INSERT, "commit"],
        &["begin", "set transaction_read_only = off", INSERT, "commit"],
        &["begin", "savepoint s", "set transaction_read_only = off", INSERT, "release s", "commit"],
        &["set session characteristics as transaction read write", INSERT],
        &["reset default_transaction_read_only", INSERT],
        &["reset all", INSERT],
        &["discard all", INSERT],
        &["select set_config('default_transaction_read_only', 'off', false)", INSERT],
        &["select set_config('transaction_read_only', 'off', true), write()"],
        &["select lift()", "select write()", INSERT],
        &["select lifted()"],
        &["do $$ begin set transaction_read_only = off; insert into guarded values (1); end $$"],
        &["do $$ begin set default_transaction_read_only = off; commit; insert into guarded values (1); end $$"],
        &["call leave()", "set default_transaction_read_only = off", "call leave()"],
        &["prepare w as insert into guarded values (1)", "set default_transaction_read_only = off", "execute w"],
        &["begin read write", "commit and chain", INSERT, "commit"],
        &["set default_transaction_read_only = off", "explain analyze insert into guarded values (1)"],
        &[
            "commit; begin read write; insert into guarded values (1); commit",
            "select 1; end; set default_transaction_read_only = off; insert into guarded values (1)",
            "set standard_conforming_strings = off",
            r"select '\'; commit; begin read write; insert into guarded values (1); commit; --'",
        ],
    ];
    for way in ways {
        let mut session = world.access.connect(&wish, None).await.expect("a session");
        let mut refused = false;
        for sql in way {
            refused |= rows(&mut session, sql).await.is_err();
        }
        assert!(refused, "{way:?}");
        assert!(session.facts().read_only);
        session.close().await;
        let traces = "select (select count(*) from guarded) + (select count(*) from pg_class where relname = 'made')";
        assert_eq!(value(&mut writer, traces).await, "0", "{way:?}");
    }
    // The same functions write where writing is meant: the ways above lead somewhere.
    rows(&mut writer, "call leave()").await.expect("a writable session");
    assert_eq!(value(&mut writer, "select count(*) from guarded").await, "1");
    for sql in ["begin", "set transaction read only", "select make()", "commit"] {
        rows(&mut writer, sql).await.expect("the server lets it");
    }
    assert_eq!(value(&mut writer, "select count(*) from made").await, "1");
    writer.close().await;
    world.access.close().await;
    world.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_session_reads_as_ever() {
    let (world, writer, wish) = prepared().await;
    let mut session = world.access.connect(&wish, None).await.expect("a session");
    // One answer each, and no word of what goes before the statement.
    let mut tags = Vec::new();
    let mut running = session.run("select 1; values (2), (3)");
    while let Some(happening) = running.next().await {
        match happening.expect("runs") {
            Happening::Complete { tag, .. } => tags.push(tag),
            Happening::Notice(notice) => panic!("{notice:?}"),
            _ => {}
        }
    }
    drop(running);
    assert_eq!(tags, ["SELECT 1", "SELECT 2"]);
    // An error is where it is in the text that was typed.
    let diagnosis = rows(&mut session, "select é, nothing").await.expect_err("no such column");
    assert_eq!(diagnosis.at, Some(7));
    // What is not closed or not complete is told as if nothing went behind it.
    for (sql, title, at) in [
        ("select 'abc", "unterminated quoted string at or near \"'abc\"", 7),
        ("select é, /* é", "unterminated /* comment at or near \"/* é\"", 10),
        ("select 1 from", "syntax error at end of input", 13),
        ("select 1 from ;", "syntax error at or near \";\"", 14),
    ] {
        let diagnosis = rows(&mut session, sql).await.expect_err("not SQL");
        assert_eq!((diagnosis.title.as_str(), diagnosis.at), (title, Some(at)), "{sql}");
    }
    // What needs to be outside of a transaction block runs there.
    // What the text tells is told, a DO of its own, too, and nothing of what goes behind it.
    for (sql, expected) in [
        ("do $$ begin end $$", &["DO"][..]),
        ("do $$ begin end $$; select 1; do $$ begin end $$ --", &["DO", "SELECT 1", "DO"]),
        ("begin; select 1; commit", &["BEGIN", "SELECT 1", "COMMIT"]),
    ] {
        let mut tags = Vec::new();
        let mut running = session.run(sql);
        while let Some(happening) = running.next().await {
            if let Happening::Complete { tag, .. } = happening.expect("runs") {
                tags.push(tag);
            }
        }
        drop(running);
        assert_eq!(tags, expected, "{sql}");
    }
    // A notification comes behind everything, and is told.
    rows(&mut session, "listen news").await.expect("listens");
    let (mut tags, mut heard) = (Vec::new(), 0);
    let mut running = session.run("select pg_notify('news', 'breaking')");
    while let Some(happening) = running.next().await {
        match happening.expect("runs") {
            Happening::Complete { tag, .. } => tags.push(tag),
            Happening::Notice(_) => heard += 1,
            _ => {}
        }
    }
    drop(running);
    assert_eq!((tags.as_slice(), heard), (&["SELECT 1".to_owned()][..], 1));
    for sql in ["vacuum guarded", "discard all", "set work_mem = '7MB'", "listen news", "copy (select 1) to stdout"] {
        if let Err(diagnosis) = rows(&mut session, sql).await {
            assert!(diagnosis.title.contains("permission denied"), "{sql}: {diagnosis:?}");
        }
    }
    assert_eq!(value(&mut session, "show work_mem").await, "7MB");
    // Transactions, their isolation, savepoints and cursors are the user's own.
    rows(&mut session, "begin").await.expect("begins");
    rows(&mut session, "set transaction isolation level serializable").await.expect("before any query");
    assert_eq!(value(&mut session, "show transaction_isolation").await, "serializable");
    rows(&mut session, "declare c cursor for select 1").await.expect("a cursor");
    rows(&mut session, "savepoint s").await.expect("a savepoint");
    assert_eq!(rows(&mut session, INSERT).await.expect_err("read-only").kind, Kind::Sql);
    assert_eq!(session.transaction(), Transaction::Failed);
    rows(&mut session, "rollback to s").await.expect("back");
    assert_eq!(value(&mut session, "fetch c").await, "1");
    rows(&mut session, "commit").await.expect("commits");
    assert_eq!(session.transaction(), Transaction::Idle);
    session.close().await;
    writer.close().await;
    world.access.close().await;
    world.sandbox.stop().await;
}
