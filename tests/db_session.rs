//! Sessions on a real PostgreSQL over real TLS: what comes back, in which order, and how it ends.

#[path = "support/postgres.rs"]
mod postgres;

use gatepost::db::{Credential, Error, Login, Roots, Secured, ServerError, Session, secure};
use gatepost::model::{Allowed, CopyPiece, Happening, Notice, Secret, Transaction};
use postgres::{HOST, Postgres};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

fn roots(server: &Postgres) -> Roots {
    Roots::new(&[("test.pem".to_owned(), server.root().as_bytes().to_vec())]).expect("roots")
}

async fn secured(server: &Postgres) -> Secured {
    let wire = TcpStream::connect(("127.0.0.1", server.port())).await.expect("the server listens");
    secure(Box::new(wire), HOST, &roots(server)).await.expect("TLS stands")
}

fn password(secret: &str) -> Credential {
    Credential::Password(Secret::new(secret), Allowed::default())
}

fn login_as(user: &str) -> Login {
    Login {
        host: HOST.to_owned(),
        user: user.to_owned(),
        database: "postgres".to_owned(),
        read_only: false,
        statement_timeout: Duration::ZERO,
        lock_timeout: Duration::ZERO,
        application_name: "gatepost (test)".to_owned(),
    }
}

async fn session(server: &Postgres) -> Session {
    secured(server).await.login(&login_as("postgres"), &password("")).await.expect("postgres is trusted")
}

/// All that happens; the last may be an error.
async fn run(session: &mut Session, statement: &str) -> Vec<Result<Happening, Error>> {
    let mut running = session.run(statement);
    let mut all = Vec::new();
    while let Some(one) = running.next().await {
        all.push(one);
    }
    all
}

/// All rows of all results, and the tags.
async fn rows(session: &mut Session, statement: &str) -> (Vec<Vec<Option<String>>>, Vec<String>) {
    let (mut rows, mut tags) = (Vec::new(), Vec::new());
    for happening in run(session, statement).await {
        match happening.unwrap_or_else(|error| panic!("{statement}: {error}")) {
            Happening::Rows(page) => {
                rows.extend((0..page.rows()).map(|row| page.row(row).map(|cell| cell.map(str::to_owned)).collect()));
            }
            Happening::Complete { tag, .. } => tags.push(tag),
            _ => {}
        }
    }
    (rows, tags)
}

async fn refusal(session: &mut Session, statement: &str) -> ServerError {
    match run(session, statement).await.pop() {
        Some(Err(Error::Server(error))) => *error,
        other => panic!("{statement}: {other:?}"),
    }
}

async fn one(session: &mut Session, statement: &str) -> String {
    rows(session, statement).await.0[0][0].clone().expect("not NULL")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_rows_and_tags_of_several_statements_in_order() {
    let mut session = session(Postgres::shared()).await;
    let all = run(
        &mut session,
        "select 1 as a, 'x'::text as b, null::numeric as c; ; create temp table t (a int); insert into t values (1), (2); table t; \
         show transaction_isolation; begin",
    )
    .await;
    let mut told = Vec::new();
    for happening in all {
        told.push(match happening.expect("no error") {
            Happening::Columns(columns) => {
                columns.iter().map(|column| format!("{}:{}", column.name, column.oid)).collect::<Vec<_>>().join(" ")
            }
            Happening::Rows(page) => format!("{:?}", page.row(0).collect::<Vec<_>>()),
            Happening::Complete { tag, rows } => format!("{tag} = {rows}"),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(
        told,
        [
            "a:23 b:25 c:1700",
            "[Some(\"1\"), Some(\"x\"), None]",
            "SELECT 1 = 1",
            "CREATE TABLE = 0",
            "INSERT 0 2 = 2",
            "a:23",
            "[Some(\"1\")]",
            "SELECT 2 = 2",
            // Its tag does not say how many.
            "transaction_isolation:25",
            "[Some(\"read committed\")]",
            "SHOW = 1",
            "BEGIN = 0",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_of_the_session() {
    let server = Postgres::shared();
    let secured = secured(server).await;
    assert_eq!(secured.facts().version, "1.3");
    assert_eq!(secured.facts().names, [HOST]);
    assert_eq!(secured.facts().issuer, "gatepost test authority");
    assert!(secured.facts().ends.is_some() && secured.facts().begins.is_some());
    let mut login = login_as("postgres");
    (login.read_only, login.statement_timeout, login.lock_timeout) =
        (true, Duration::from_millis(1500), Duration::from_secs(2));
    let mut session = secured.login(&login, &password("")).await.expect("login");
    assert!(session.pid() > 0 && !session.is_closed());
    assert_eq!(session.parameter("client_encoding").as_deref(), Some("UTF8"));
    // Reported since PostgreSQL 14.
    assert!(session.parameter("default_transaction_read_only").is_none_or(|value| value == "on"));
    assert_eq!(one(&mut session, "show default_transaction_read_only").await, "on");
    assert_eq!(session.tls().version, "1.3");
    assert_eq!(one(&mut session, "show statement_timeout").await, "1500ms");
    assert_eq!(one(&mut session, "show lock_timeout").await, "2s");
    assert_eq!(one(&mut session, "show application_name").await, "gatepost (test)");
    assert_eq!(one(&mut session, "select pg_backend_pid()").await, session.pid().to_string());
    assert_eq!(refusal(&mut session, "create table no (a int)").await.code, "25006");
    rows(&mut session, "set time zone 'Asia/Tokyo'").await;
    assert_eq!(session.parameter("TimeZone").as_deref(), Some("Asia/Tokyo"));
    assert_eq!(refusal(&mut session, "select pg_sleep(60)").await.code, "57014");
    session.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_of_the_transaction() {
    let mut session = session(Postgres::shared()).await;
    assert_eq!(session.transaction(), Transaction::Idle);
    rows(&mut session, "begin").await;
    assert_eq!(session.transaction(), Transaction::Open);
    refusal(&mut session, "select 1/0").await;
    assert_eq!(session.transaction(), Transaction::Failed);
    assert_eq!(refusal(&mut session, "select 1").await.code, "25P02");
    assert_eq!(rows(&mut session, "rollback").await.1, ["ROLLBACK"]);
    assert_eq!(session.transaction(), Transaction::Idle);
    // At the moment the error is told the state is already that after it.
    let mut running = session.run("begin; select 1/0");
    while running.next().await.is_some_and(|happening| happening.is_ok()) {}
    drop(running);
    assert_eq!(session.transaction(), Transaction::Failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_whole_and_know_their_place() {
    let mut session = session(Postgres::shared()).await;
    let error = refusal(&mut session, "select 'äöü', nothing from pg_class").await;
    assert_eq!((error.severity.as_str(), error.code.as_str(), error.position), ("ERROR", "42703", Some(14)));
    let error =
        refusal(&mut session, "create temp table t (a int constraint small check (a < 3)); insert into t values (5)")
            .await;
    assert_eq!(error.code, "23514");
    assert!(error.object.expect("an object").ends_with("table t, constraint small"));
    assert!(error.detail.expect("a detail").contains("(5)"));
    let error = refusal(&mut session, "do $$ begin perform nofunc(1); end $$").await;
    assert_eq!(error.position, None, "it is in the function's query, not in the statement");
    assert!(error.context.expect("a context").starts_with("internal query: SELECT nofunc(1)"));
    assert!(error.hint.is_some());
    assert_eq!(one(&mut session, "select 1").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_come_in_order_and_at_once() {
    let mut session = session(Postgres::shared()).await;
    rows(&mut session, "create function pg_temp.say(i int) returns int language plpgsql as $$ begin raise notice 'n%', i; return i; end $$").await;
    let all = run(&mut session, "select pg_temp.say(i) from generate_series(1, 3) i; do $$ begin raise warning 'w' using hint = 'h', detail = 'd'; end $$").await;
    let mut told = String::new();
    for happening in all {
        match happening.expect("no error") {
            Happening::Notice(notice) => told.push_str(&format!("{} ", notice.message)),
            Happening::Rows(page) => told.push_str(&format!("[{}] ", page.rows())),
            Happening::Complete { tag, .. } => told.push_str(&format!("{tag} ")),
            _ => {}
        }
    }
    assert_eq!(told, "n1 [1] n2 [1] n3 [1] SELECT 3 w DO ");
    // Many, while the driver and the reader race.
    let (mut rows_seen, mut notices_seen) = (0, 0);
    for happening in run(&mut session, "select pg_temp.say(i) from generate_series(1, 30000) i; do $$ begin for i in 30001..60000 loop raise notice 'n%', i; end loop; end $$").await {
        match happening.expect("no error") {
            Happening::Notice(notice) => {
                notices_seen += 1;
                assert_eq!(notice.message, format!("n{notices_seen}"));
            }
            Happening::Rows(page) => {
                rows_seen += page.rows();
                assert_eq!(page.cell(page.rows() - 1, 0).map(str::to_owned), Some(rows_seen.to_string()));
                assert!(rows_seen <= notices_seen);
            }
            _ => {}
        }
    }
    assert_eq!((rows_seen, notices_seen), (30_000, 60_000));
    // Before a sleep, not after it.
    let mut running = session.run("do $$ begin raise notice 'soon'; perform pg_sleep(600); end $$");
    match running.next().await {
        Some(Ok(Happening::Notice(notice))) => assert_eq!(notice.message, "soon"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_reach_an_idle_session() {
    let server = Postgres::shared();
    let (mut listener, mut speaker) = (session(server).await, session(server).await);
    rows(&mut listener, "listen news").await;
    rows(&mut speaker, "notify news, 'hello'").await;
    let notice = listener.idle().await.expect("the wire is there");
    assert_eq!((notice.severity.as_str(), notice.message.as_str()), ("NOTIFY", "news: hello"));
    assert_eq!(notice.detail, Some(format!("from process {}", speaker.pid())));
    // While something runs they come with it.
    rows(&mut speaker, "notify news, 'again'").await;
    let all = run(&mut listener, "select 1").await;
    let heard =
        all.iter().any(|one| matches!(one, Ok(Happening::Notice(Notice { message, .. })) if message == "news: again"));
    assert!(heard || listener.idle().await.is_some_and(|notice| notice.message == "news: again"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_ended_says_so() {
    let server = Postgres::shared();
    let (mut victim, mut other) = (session(server).await, session(server).await);
    rows(&mut other, &format!("select pg_terminate_backend({})", victim.pid())).await;
    let last = victim.idle().await.expect("last words");
    assert_eq!((last.severity.as_str(), last.code.as_str()), ("FATAL", "57P01"));
    assert!(victim.idle().await.is_none());
    assert!(victim.is_closed());
    assert!(matches!(victim.closed_because(), Some(Error::Server(error)) if error.code == "57P01"));
    let after = run(&mut victim, "select 1").await;
    assert!(matches!(&after[..], [Err(Error::Server(error))] if error.code == "57P01"), "{after:?}");

    // In flight.
    let mut victim = session(server).await;
    let pid = victim.pid();
    let mut running = victim.run("select pg_sleep(600)");
    let kill = format!(
        "select pg_terminate_backend({pid}) from pg_stat_activity where pid = {pid} and wait_event = 'PgSleep'"
    );
    loop {
        // Sending happens as the statement is polled.
        let polled = tokio::time::timeout(Duration::from_millis(20), running.next()).await;
        match polled {
            Err(_) => {
                rows(&mut other, &kill).await;
            }
            Ok(Some(Ok(Happening::Columns(_)))) => {}
            Ok(told) => {
                assert!(matches!(&told, Some(Err(Error::Server(error))) if error.code == "57P01"), "{told:?}");
                break;
            }
        }
    }
    assert!(running.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copy_out_comes_as_sent() {
    let mut session = session(Postgres::shared()).await;
    let statement =
        "select 1; copy (select i, 'x' from generate_series(1, 100000) i) to stdout with (format csv); select 2";
    let (mut data, mut tags) = (Vec::new(), Vec::new());
    for happening in run(&mut session, statement).await {
        match happening.expect("no error") {
            Happening::CopyData(bytes) => {
                assert_eq!(tags, ["SELECT 1"]);
                data.extend(bytes);
            }
            Happening::Complete { tag, rows } => {
                assert!(tag != "COPY 100000" || rows == 100_000);
                tags.push(tag);
            }
            _ => {}
        }
    }
    assert_eq!(tags, ["SELECT 1", "COPY 100000", "SELECT 1"]);
    let text = String::from_utf8(data).expect("text");
    assert_eq!(text.lines().count(), 100_000);
    assert_eq!(text.lines().last(), Some("100000,x"));
    assert_eq!(one(&mut session, "select 7").await, "7");
    // An error in the middle of the data.
    let all = run(&mut session, "copy (select 1/(10 - i) from generate_series(1, 20) i) to stdout").await;
    assert!(matches!(all.last(), Some(Err(Error::Server(error))) if error.code == "22012"), "{all:?}");
    assert_eq!(one(&mut session, "select 8").await, "8");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copy_in_takes_data_and_survives_every_ending() {
    let mut session = session(Postgres::shared()).await;
    run(&mut session, "create temp table c (a int, b text)").await;
    // Far more than may wait: what is given is held back by the wire, and nothing is lost.
    let line = format!("1\t{}\n", "x".repeat(990));
    let mut left = 20_000;
    let mut running = session.run("copy c from stdin; select 'after'");
    let mut tags = Vec::new();
    while let Some(happening) = running.next().await {
        match happening.expect("no error") {
            Happening::CopyIn if left == 0 => running.copy_in(CopyPiece::Done),
            Happening::CopyIn => {
                left -= 50;
                running.copy_in(CopyPiece::Data(line.repeat(50).into_bytes()));
            }
            Happening::Complete { tag, .. } => tags.push(tag),
            _ => {}
        }
    }
    drop(running);
    assert_eq!(tags, ["COPY 20000", "SELECT 1"]);
    assert_eq!(one(&mut session, "select count(*) from c").await, "20000");
    // Given up by us, and refused by the server in the middle of it.
    for (pieces, code) in [
        (vec![CopyPiece::Data(b"2\ty\n".to_vec()), CopyPiece::Fail("enough".to_owned())], "57014"),
        (vec![CopyPiece::Data(b"no number\ty\n".to_vec()), CopyPiece::Done], "22P02"),
    ] {
        let mut pieces = pieces.into_iter();
        let mut running = session.run("copy c from stdin");
        let mut error = None;
        while let Some(happening) = running.next().await {
            match happening {
                Ok(Happening::CopyIn) => running.copy_in(pieces.next().expect("no more is asked for")),
                Err(Error::Server(said)) => error = Some(said.code),
                other => panic!("{other:?}"),
            }
        }
        drop(running);
        assert_eq!(error.as_deref(), Some(code));
        assert_eq!(one(&mut session, "select count(*) from c").await, "20000");
    }
    // Left in the middle.
    let mut running = session.run("copy c from stdin");
    while !matches!(running.next().await, Some(Ok(Happening::CopyIn))) {}
    running.copy_in(CopyPiece::Data(b"3\tz\n".to_vec()));
    drop(running);
    assert_eq!(one(&mut session, "select count(*) from c").await, "20000");
    let all = run(&mut session, "select 'a\0b'").await;
    assert!(matches!(&all[..], [Err(Error::Unsupported(_))]), "{all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_rows_in_pages() {
    let mut session = session(Postgres::shared()).await;
    let begun = Instant::now();
    let mut running =
        session.run("select i, md5(i::text), null, i * 1.5 from (select generate_series(1, 1000000) i) g");
    let (mut seen, mut sum, mut pages, mut first) = (0_u64, 0_u64, 0, None);
    while let Some(happening) = running.next().await {
        if let Happening::Rows(page) = happening.expect("no error") {
            first.get_or_insert((page.rows(), begun.elapsed()));
            pages += 1;
            assert!(page.size() < 300 * 1024, "a page of {}", page.size());
            seen += page.rows() as u64;
            for row in 0..page.rows() {
                sum += page.cell(row, 0).and_then(|cell| cell.parse::<u64>().ok()).expect("a number");
                assert_eq!(page.cell(row, 2), None);
            }
        }
    }
    let (first_rows, first_after) = first.expect("rows");
    eprintln!("{seen} rows in {pages} pages, {:?}; first {first_rows} after {first_after:?}", begun.elapsed());
    assert_eq!((seen, sum), (1_000_000, 500_000_500_000));
    assert!(first_after < begun.elapsed() / 2);
}

/// Resident memory of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next())
        .and_then(|kb| kb.parse::<usize>().ok())
        .map_or(0, |kb| kb << 10)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stops_holds_the_server_not_memory() {
    let server = Postgres::shared();
    let (mut session, mut other) = (session(server).await, session(server).await);
    let pid = session.pid();
    for statement in [
        "select repeat('x', 1000) from generate_series(1, 300000)",
        "copy (select repeat('x', 1000) from generate_series(1, 300000)) to stdout",
        "do $$ begin for i in 1..300000 loop raise notice '%', repeat('x', 1000); end loop; end $$",
    ] {
        let mut running = session.run(statement);
        let mut begun = false;
        while !begun {
            begun = matches!(
                running.next().await.expect("it goes on").expect("no error"),
                Happening::Rows(_) | Happening::CopyData(_) | Happening::Notice(_)
            );
        }
        let before = resident();
        // Until the server cannot write any more: there are 300 MB, and nobody takes them.
        let held = format!("select wait_event = 'ClientWrite', state from pg_stat_activity where pid = {pid}");
        loop {
            let seen = rows(&mut other, &held).await.0.remove(0);
            assert_eq!(seen[1].as_deref(), Some("active"), "{statement}: it has all been read");
            if seen[0].as_deref() == Some("t") {
                break;
            }
        }
        assert!(resident() < before + (128 << 20), "{statement}: {} more", resident().saturating_sub(before));
        // Dropped here: the rest is read and forgotten, and the session goes on.
        drop(running);
        assert_eq!(one(&mut session, "select 42").await, "42");
    }
}

async fn cancel_when_asleep(server: &'static Postgres, key: gatepost::db::CancelKey, pid: i32) {
    let mut other = session(server).await;
    let asleep = format!("select count(*) from pg_stat_activity where pid = {pid} and wait_event = 'PgSleep'");
    while one(&mut other, &asleep).await == "0" {}
    secured(server).await.cancel(&key).await.expect("the request is taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_ends_a_sleep() {
    let server = Postgres::shared();
    let mut session = session(server).await;
    let cancel = tokio::spawn(cancel_when_asleep(server, session.cancel_key(), session.pid()));
    let error = refusal(&mut session, "select pg_sleep(600)").await;
    assert_eq!(error.code, "57014");
    cancel.await.expect("no panic");
    assert_eq!(one(&mut session, "select 1").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_that_the_server_has_closed_is_seen() {
    let server = Postgres::start(&["authentication_timeout=5s"]);
    let begun = Instant::now();
    let mut wire = secured(&server).await.unless_closed().expect("it stands");
    while let Some(standing) = wire.unless_closed() {
        wire = standing;
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_ends_a_stream() {
    let server = Postgres::shared();
    let mut session = session(server).await;
    let key = session.cancel_key();
    let mut running = session.run("select generate_series(1, 1000000000), repeat('x', 100)");
    let (mut rows, mut asked) = (0_u64, false);
    let error = loop {
        match running.next().await.expect("it goes on") {
            Ok(Happening::Rows(page)) => rows += page.rows() as u64,
            Ok(_) => {}
            Err(error) => break error,
        }
        if rows > 100_000 && !asked {
            asked = true;
            let key = key.clone();
            tokio::spawn(async move { secured(server).await.cancel(&key).await });
        }
    };
    assert!(matches!(&error, Error::Server(error) if error.code == "57014"), "{error:?}");
    assert!(running.next().await.is_none());
    drop(running);
    assert_eq!(one(&mut session, "select 1").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_a_happening_can_be_given_up_and_taken_up() {
    let mut session = session(Postgres::shared()).await;
    let mut running = session.run("select i, pg_sleep(0.0005) from generate_series(1, 300) i");
    let (mut seen, mut given_up) = (Vec::new(), 0);
    loop {
        match tokio::time::timeout(Duration::from_micros(300), running.next()).await {
            Err(_) => given_up += 1,
            Ok(None) => break,
            Ok(Some(happening)) => {
                if let Happening::Rows(page) = happening.expect("no error") {
                    seen.extend((0..page.rows()).map(|row| page.cell(row, 0).expect("a number").to_owned()));
                }
            }
        }
    }
    let all: Vec<String> = (1..=300).map(|i: i32| i.to_string()).collect();
    assert_eq!(seen, all);
    assert!(given_up > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_session_leaves_the_server() {
    let server = Postgres::shared();
    let mut other = session(server).await;
    let (idle, mut busy) = (session(server).await, session(server).await);
    let pids = format!("{}, {}", idle.pid(), busy.pid());
    let mut running = busy.run("select generate_series(1, 1000000000), repeat('x', 100)");
    assert!(running.next().await.is_some());
    drop(running);
    drop((idle, busy));
    while one(&mut other, &format!("select count(*) from pg_stat_activity where pid in ({pids})")).await != "0" {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_of_every_kind() {
    let server = Postgres::shared();
    let mut admin = session(server).await;
    rows(
        &mut admin,
        "set password_encryption = 'scram-sha-256'; create role clear login password 'c''1'; create role scram login password 'ß€'; create role gss login;
         create role one login password 'one' connection limit 0; create role nologin password 'x';
         set password_encryption = 'md5'; create role hashed login password 'm'",
    )
    .await;
    for (user, secret) in [("clear", "c'1"), ("scram", "ß€"), ("hashed", "m")] {
        let mut session = secured(server).await.login(&login_as(user), &password(secret)).await.expect(user);
        assert_eq!(one(&mut session, "select current_user").await, user);
    }
    for (user, secret, code) in [
        ("clear", "wrong", "28P01"),
        ("scram", "wrong", "28P01"),
        ("hashed", "wrong", "28P01"),
        ("one", "one", "53300"),
        ("nologin", "x", "28000"),
    ] {
        match secured(server).await.login(&login_as(user), &password(secret)).await.err() {
            Some(Error::Server(error)) => {
                assert_eq!((error.severity.as_str(), error.code.as_str()), ("FATAL", code), "{user}");
            }
            other => panic!("{user}: {other:?}"),
        }
    }
    let mut nowhere = login_as("postgres");
    nowhere.database = "nowhere".to_owned();
    match secured(server).await.login(&nowhere, &password("")).await.err() {
        Some(Error::Server(error)) => assert_eq!(error.code, "3D000"),
        other => panic!("{other:?}"),
    }
    // A PostgreSQL built without GSSAPI is not told to ask for it.
    match secured(server).await.login(&login_as("gss"), &password("x")).await.err() {
        Some(Error::Unsupported(words)) if server.has_gss() => assert!(words.contains("Kerberos"), "{words}"),
        Some(Error::Server(error)) if !server.has_gss() => assert_eq!(error.code, "28P01"),
        other => panic!("{other:?}"),
    }
}

/// The server's text of every type, whatever its kind, as psql would show it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_every_type() {
    let mut session = session(Postgres::shared()).await;
    rows(
        &mut session,
        "create type pg_temp.mood as enum ('sad', 'ok'); create type pg_temp.pair as (a int, b text);
         create domain pg_temp.small as int check (value < 10); set bytea_output = 'hex'",
    )
    .await;
    let newer = one(&mut session, "select current_setting('server_version_num')::int >= 140000").await;
    let has_multiranges = newer == "t";
    for (expression, want) in [
        ("true", "t"),
        ("'\\xdead'::bytea", "\\xdead"),
        ("'{\"a\": [1, null]}'::jsonb", "{\"a\": [1, null]}"),
        ("array[[1,2],[3,null]]", "{{1,2},{3,NULL}}"),
        ("'[2024-01-01,infinity)'::daterange", "[2024-01-01,infinity)"),
        ("'{[1,3),[7,9)}'::int4multirange", "{[1,3),[7,9)}"),
        ("'0044-03-15 BC'::date", "0044-03-15 BC"),
        ("'infinity'::timestamptz", "infinity"),
        ("'1 year 2 mons -3 days 04:05:06.7'::interval", "1 year 2 mons -3 days +04:05:06.7"),
        ("'NaN'::numeric", "NaN"),
        ("1e-7::float8", "1e-07"),
        ("'12.34'::money", "$12.34"),
        ("'ok'::pg_temp.mood", "ok"),
        ("row(1, 'a \"b\"')::pg_temp.pair", "(1,\"a \"\"b\"\"\")"),
        ("7::pg_temp.small", "7"),
        ("'10.0.0.0/8'::cidr", "10.0.0.0/8"),
        ("'08:00:2b:01:02:03'::macaddr", "08:00:2b:01:02:03"),
        ("'((0,0),(1,1))'::path", "((0,0),(1,1))"),
        ("'<(1,2),3>'::circle", "<(1,2),3>"),
        ("'a:1 b'::tsvector", "'a':1 'b'"),
        ("'a & !b'::tsquery", "'a' & !'b'"),
        ("'16/B374D848'::pg_lsn", "16/B374D848"),
        ("b'101'::varbit", "101"),
        ("'<a>1</a>'::xml", "<a>1</a>"),
        ("'pg_class'::regclass", "pg_class"),
        ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("''", ""),
        ("E'tab\\tline\\nünï 🦀'", "tab\tline\nünï 🦀"),
    ] {
        if expression.ends_with("multirange") && !has_multiranges {
            continue;
        }
        assert_eq!(one(&mut session, &format!("select {expression}")).await, want, "{expression}");
    }
    let (none, tags) = rows(&mut session, "select from generate_series(1, 3)").await;
    assert_eq!((none.len(), tags), (3, vec!["SELECT 3".to_owned()]));
    let wide: Vec<String> = (0..1600).map(|i| format!("{i}")).collect();
    assert_eq!(rows(&mut session, &format!("select {}", wide.join(","))).await.0[0].len(), 1600);
    let big = one(&mut session, "select repeat('é', 5000000)").await;
    assert_eq!(big.len(), 10_000_000);
    rows(&mut session, "set client_encoding = 'latin1'").await;
    let all = run(&mut session, "select U&'\\00e9' union all select 'a'").await;
    assert!(matches!(all.last(), Some(Err(Error::Unsupported(words))) if words.contains("LATIN1")), "{all:?}");
    rows(&mut session, "set client_encoding = 'utf8'").await;
    assert_eq!(one(&mut session, "select U&'\\00e9'").await, "é");
}
