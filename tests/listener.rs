//! The listener with the clients that people have: psql, pgbench, pg_dump, pg_restore and a driver, through a whole sandbox.

#[path = "support/clients.rs"]
mod clients;
#[path = "support/world.rs"]
mod world;

use clients::{Listening, Said, has, wish};
use gatepost::access::{Access, Door, ListenerReport, ListenerWish};
use gatepost::model::{Auth, Secret};
use gatepost::sandbox::Fault;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::NoTls;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use world::World;

/// A door that dials the gate of `name` straight, and its endpoint.
async fn straight(world: &World, name: &str) -> (Access, gatepost::model::Endpoint) {
    let endpoint = world.endpoint(name).await;
    let resolve = world.resolve(&endpoint);
    (world.door(|settings| settings.resolve = vec![resolve]), endpoint)
}

#[tokio::test(flavor = "multi_thread")]
async fn psql_goes_through_a_port_with_the_secret() {
    if !has("psql") {
        return;
    }
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let listening = Listening::open(&world.access, wish(&endpoint, "oncall")).await;
    let who = "select current_user, current_database(), current_setting('application_name')";
    assert_eq!(listening.psql(who).await.good(), "oncall|shop|psql via gatepost (tester)");

    // COPY both ways, and more than a buffer of it; notifications; large results; an error goes on.
    let script = "create temp table t (a int, b text);\n\
                  \\copy t from stdin\n1\tone\n2\ttwo\n\\.\n\
                  insert into t select n, repeat('x', 1000) from generate_series(3, 5000) n;\n\
                  select count(*), sum(length(b)) from t;\n\
                  listen news;\nnotify news, 'it arrived';\nselect 1;\n\
                  \\set ON_ERROR_STOP 0\nselect 1/0;\nselect 'still here';\n";
    let said = listening.psql(script).await;
    assert!(said.out.starts_with("5000|4998006\n") && said.out.ends_with("still here"), "{said:?}");
    assert!(said.out.contains("Asynchronous notification \"news\" with payload \"it arrived\""), "{said:?}");
    assert!(said.err.contains("division by zero"), "{said:?}");
    let copied = listening.psql("copy (select repeat('y', 1000) from generate_series(1, 3000)) to stdout").await.good();
    assert_eq!((copied.lines().count(), copied.len()), (3_000, 3_000 * 1001 - 1));

    // Somebody without the secret, or with another one, gets nowhere; and the database has not heard of them.
    let logins = listening.listener.report().logins;
    for wrong in ["wrong", ""] {
        let said = listening.psql_with(&[("PGPASSFILE", "/nowhere"), ("PGPASSWORD", wrong)], "select 1").await;
        assert_eq!((said.status, said.out.as_str()), (Some(2), ""), "{said:?}");
    }
    let said = listening.psql_with(&[("PGPASSWORD", "wrong")], "select 1").await;
    assert!(said.err.contains("password authentication failed for user \"tester\""), "{said:?}");
    let deadline = Instant::now() + Duration::from_secs(60);
    let is_left =
        |report: &ListenerReport| report.streams == 0 && report.line.as_ref().is_none_or(|line| line.streams == 0);
    while !is_left(&listening.listener.report()) {
        assert!(Instant::now() < deadline, "all have left: {:?}", listening.listener.report());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let report = listening.listener.report();
    assert_eq!((report.logins, report.streams), (logins, 0));
    assert!(report.refused >= 2 && report.received > 3_000_000, "{report:?}");
    assert!(report.last_error.as_deref().is_some_and(|error| error.contains("secret of its run")), "{report:?}");
    assert_eq!(report.route.as_deref(), Some("via bastion-a"));
    let line = report.line.as_ref().expect("a route");
    assert_eq!((line.route.as_str(), line.streams, line.resumes), ("via bastion-a", 0, 0));
    let addresses = || world.access.listeners().into_iter().map(|report| report.address).collect::<Vec<_>>();
    assert_eq!(addresses(), [report.address]);

    listening.listener.close().await;
    assert!(addresses().is_empty());
    world.access.close().await;
    assert!(world.sandbox.sessions().live().is_empty());
    let audit = world.audit();
    let events: Vec<&str> = audit.iter().filter_map(|line| line["event"].as_str()).collect();
    // The end of one and the beginning of the next are told by two.
    assert_eq!(events[..2], ["listen", "connect"]);
    assert!(events.contains(&"disconnect"), "{events:?}");
    assert_eq!((&audit[1]["user"], &audit[1]["database"]), (&"oncall".into(), &"shop".into()));
    assert!(audit[1]["ssm_session"].is_string() && audit[1]["identity"].is_string(), "{}", audit[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_for_its_user_and_a_session_begins_as_the_listener_says() {
    if !has("psql") {
        return;
    }
    let world = World::new().await;
    let (access, endpoint) = straight(&world, "reports").await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let door = Door::Socket { folder: folder.path().join("s"), port: 5432 };
    let read_only = ListenerWish { door, secret: None, read_only: Some(true), ..wish(&endpoint, "oncall") };
    let listening = Listening::open(&access, read_only).await;
    assert_eq!(listening.psql("select current_user").await.good(), "oncall");
    let environment = [("PGOPTIONS", "-c default_transaction_read_only=off -c work_mem=2MB")];
    let said = listening.psql_with(&environment, "show work_mem; create table never (a int)").await;
    assert_eq!(said.out, "2MB", "{said:?}");
    assert!(said.err.contains("cannot execute CREATE TABLE in a read-only transaction"), "{said:?}");
    listening.listener.close().await;
    assert!(!folder.path().join("s/.s.PGSQL.5432").exists());

    // Users and databases of a list.
    let door = Door::Port(0);
    let users = vec!["oncall".to_owned(), "analyst".to_owned()];
    let listed = ListenerWish { door, users, databases: vec!["shop".to_owned()], ..wish(&endpoint, "oncall") };
    let listening = Listening::open(&access, listed).await;
    let as_user = |user| [("PGUSER", user), ("PGDATABASE", "elsewhere")];
    let who = "select current_user, current_database()";
    assert_eq!(listening.psql_with(&as_user("analyst"), who).await.good(), "analyst|shop");
    let said = listening.psql_with(&as_user("app"), who).await;
    assert!(said.err.contains("does not log in as \"app\"") && said.err.contains("oncall, analyst"), "{said:?}");
    listening.listener.close().await;

    // Where any may be named, one that is not there is not another one, though it has the client's user's name.
    let listening = Listening::open(&access, wish(&endpoint, "oncall")).await;
    let script = "\\connect app_x app_x\nselect 'in ' || current_database();";
    let said = listening.psql(script).await;
    assert!(said.err.contains("database \"app_x\" does not exist") && !said.out.contains("in "), "{said:?}");
    assert_eq!(listening.psql("select current_database()").await.good(), "shop");
    access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_the_certificate_of_the_run_binds_the_channel() {
    if !has("psql") {
        return;
    }
    let world = World::new().await;
    let (access, endpoint) = straight(&world, "reports").await;
    let listening = Listening::open(&access, ListenerWish { tls: true, ..wish(&endpoint, "oncall") }).await;
    let pem = listening.listener.authority().expect("TLS is offered").to_owned();
    let path = listening.papers.certificate("localhost", &pem).expect("written").display().to_string();
    let verified = [("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", path.as_str()), ("PGCHANNELBINDING", "require")];
    assert_eq!(listening.psql_with(&verified, "select current_user").await.good(), "oncall");
    // A large answer through both TLS, where a wire that is full keeps the rest for a flush.
    let said =
        listening.psql_with(&verified, "copy (select repeat('y', 1000) from generate_series(1, 9000)) to stdout");
    assert_eq!(said.await.good().len(), 9_000 * 1001 - 1);
    // Who asks for none goes without.
    assert_eq!(listening.psql_with(&[("PGSSLMODE", "disable")], "select 1").await.good(), "1");
    access.close().await;
}

/// TLS begun without a word, with these protocols named; the answer to a StartupMessage.
async fn directly(listening: &Listening, pem: &str, protocols: &[&[u8]]) -> std::io::Result<Vec<u8>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")).expect("a root");
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let wire = TcpStream::connect(("127.0.0.1", listening.port())).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, wire).await?;
    stream.write_all(b"\0\0\0\x17\0\x03\0\0user\0somebody\0\0").await?;
    stream.flush().await?;
    let mut answer = vec![0; 14];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_may_be_begun_directly_by_who_names_the_protocol() {
    let world = World::new().await;
    let (access, endpoint) = straight(&world, "reports").await;
    let listening = Listening::open(&access, ListenerWish { tls: true, ..wish(&endpoint, "oncall") }).await;
    let pem = listening.listener.authority().expect("TLS is offered").to_owned();
    let answer = directly(&listening, &pem, &[b"h2", b"postgresql"]).await.expect("the secret is asked for");
    assert!(answer.starts_with(b"R") && answer.ends_with(b"SCRAM"), "{answer:?}");
    for protocols in [&[][..], &[&b"h2"[..]]] {
        assert!(directly(&listening, &pem, protocols).await.is_err(), "{protocols:?}");
    }
    let error = async || listening.listener.report().last_error.unwrap_or_default();
    let told = async {
        while !error().await.contains("ALPN") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("told");

    // Where it is not offered, the wire ends, and it is told here what was wanted.
    let plain = Listening::open(&access, wish(&endpoint, "oncall")).await;
    let (news, mut told) = tokio::sync::mpsc::unbounded_channel();
    plain.listener.tell(news);
    assert!(directly(&plain, &pem, &[b"postgresql"]).await.is_err());
    let told = told.recv().await.expect("told");
    assert!(told.because[0].contains("sslnegotiation=direct") && told.advice[0].say.contains("--tls"), "{told}");
    access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_finds_its_statement() {
    if !has("psql") {
        return;
    }
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let listening = Listening::open(&world.access, wish(&endpoint, "oncall")).await;
    let bystander = listening.begin("select pg_sleep(4), 'undisturbed'");
    let child = listening.begin("select pg_sleep(600)");
    let running =
        "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)' and wait_event = 'PgSleep'";
    while listening.psql(running).await.good() != "1" {}
    let pid = child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())).expect("it runs");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is ours");
    let said = Said::of(child.wait_with_output().await.expect("it ends"));
    assert!(said.err.contains("canceling statement due to user request"), "{said:?}");
    let said = Said::of(bystander.wait_with_output().await.expect("it ends"));
    assert_eq!(said.good(), "|undisturbed");
    assert!(world.audit().iter().any(|line| line["event"] == "cancel" && line["outcome"] == "ok"));
    world.access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pgbench_connects_anew_for_every_transaction() {
    if !has("pgbench") {
        return;
    }
    let world = World::new().await;
    let (access, endpoint) = straight(&world, "reports").await;
    let listening = Listening::open(&access, wish(&endpoint, "oncall")).await;
    let script = listening.papers.folder().join("one.sql");
    std::fs::write(&script, "select 1;\n").expect("written");
    let file = script.display().to_string();
    let words = ["-n", "-C", "-c", "50", "-j", "2", "-t", "4", "-f", &file, "shop"];
    let output = listening.command("pgbench", &words).output().await.expect("pgbench runs");
    let said = Said::of(output);
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(said.out.contains("transactions actually processed: 200/200"), "{said:?}");
    let report = listening.listener.report();
    assert!(report.logins >= 200 && report.refused == 0, "{report:?}");
    access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_dumped_and_restored() {
    if !has("pg_dump") || !has("pg_restore") || !has("psql") {
        return;
    }
    let world = World::new().await;
    let (access, endpoint) = straight(&world, "reports").await;
    let auth = Auth::Password(Secret::new("postgres-master-password"));
    let listening = Listening::open(&access, ListenerWish { auth, ..wish(&endpoint, "postgres") }).await;
    let prepare = "create schema dumped; create table dumped.t as select n, repeat('z', 100) z from generate_series(1, 50000) n;\
                   create index on dumped.t (n); create database restored;";
    listening.psql(prepare).await.good();
    let file = listening.papers.folder().join("dump").display().to_string();
    let dump = listening.command("pg_dump", &["-Fc", "-n", "dumped", "-f", &file, "shop"]).output().await;
    Said::of(dump.expect("pg_dump runs")).good();
    let restore = listening.command("pg_restore", &["-d", "restored", "-j", "3", &file]).output().await;
    Said::of(restore.expect("pg_restore runs")).good();
    let sums = "select count(*), sum(n), max(length(z)) from dumped.t";
    let said = listening.psql_with(&[("PGDATABASE", "restored")], sums).await;
    assert_eq!(said.good(), "50000|1250025000|100");
    access.close().await;
}

/// A connection of a driver, whose extended protocol and pipelines go through as they are.
async fn driver(listening: &Listening) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (host, port) = listening.listener.address();
    let mut config = tokio_postgres::Config::new();
    config.host(host).port(port).user("somebody").dbname("shop").application_name("pool");
    if let Some(secret) = &listening.secret {
        config.password(secret.reveal());
    }
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_lives_past_a_tokens_time_and_a_login_that_ended_is_told() {
    let world = World::new().await;
    let (access, endpoint) = straight(&world, "reports").await;
    let listening = Listening::open(&access, wish(&endpoint, "oncall")).await;
    let pooled = driver(&listening).await.expect("in");
    let again = driver(&listening).await.expect("in, with the same token");
    let statement = pooled.prepare("select $1::int + 1").await.expect("prepared");
    // A pipeline: sent together, answered in order.
    let one = |n: i32| {
        let (pooled, statement) = (&pooled, &statement);
        async move { pooled.query_one(statement, &[&n]).await.expect("answered").get::<_, i32>(0) }
    };
    assert_eq!(tokio::join!(one(1), one(2), one(3)), (2, 3, 4));

    world.sandbox.clock().advance(20 * 60);
    assert_eq!(one(41).await, 42, "a connection that stands needs no token");
    // The token that was kept is refused by now; a new one is not.
    let fresh = driver(&listening).await.expect("in, with a new token");
    fresh.simple_query("select 1").await.expect("answered");

    // A burst of logins shares that one: AWS, which would refuse to say who we are, is not asked for another.
    world.sandbox.faults().set(Fault::ExpiredLogin);
    let burst = futures_util::future::join_all((0..20).map(|_| driver(&listening))).await;
    assert!(burst.iter().all(Result::is_ok), "{:?}", burst.iter().find(|login| login.is_err()));
    drop(burst);
    world.sandbox.clock().advance(20 * 60);
    let ended = driver(&listening).await.map(|_| ()).expect_err("the login has ended");
    let told = ended.as_db_error().expect("told as PostgreSQL tells errors");
    assert_eq!((told.severity(), told.code().code()), ("FATAL", "28000"), "{told:?}");
    assert!(told.message().starts_with("gatepost: ") && told.hint().is_some(), "{told:?}");
    assert!(told.message().contains("login") || told.message().contains("expired"), "{told:?}");
    assert_eq!(one(1).await, 2, "who is in stays in");
    world.sandbox.faults().clear(&Fault::ExpiredLogin);
    let back = driver(&listening).await.expect("in again, without a restart");
    drop((back, again, fresh));
    assert!(world.audit().iter().any(|line| line["event"] == "connect" && line["outcome"] != "ok"));
    access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_users_secret_is_looked_up_once_and_read_at_each_login() {
    let world = World::new().await;
    let (access, endpoint) = straight(&world, "billing").await;
    let asked = ListenerWish { auth: Auth::SecretsManager(None), ..wish(&endpoint, "postgres") };
    let listening = Listening::open(&access, asked).await;
    let secrets = world.sandbox.secrets();
    let listed = || world.aws.calls("rds:DescribeDB");
    let (before, reads) = (listed(), secrets.reads());
    drop(driver(&listening).await.expect("in"));
    let once = listed() - before;
    assert!(once > 0, "it was looked up");
    let burst = futures_util::future::join_all((0..10).map(|_| driver(&listening))).await;
    assert!(burst.iter().all(Result::is_ok), "{:?}", burst.iter().find(|login| login.is_err()));
    assert_eq!((listed() - before, secrets.reads() - reads), (once, 11), "the password is never kept");
    // A refused password has the secret looked up again: it may be another one.
    secrets.rotate(1).await.expect("rotated");
    drop(driver(&listening).await.expect("in, with the second read"));
    // Once more for the words of the refusal, which are about the database as it is now.
    assert_eq!((listed() - before, secrets.reads() - reads), (3 * once, 13));
    access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_login_that_was_revoked_is_not_shown_again() {
    let world = World::new().await;
    let (access, endpoint) = straight(&world, "reports").await;
    let listening = Listening::open(&access, wish(&endpoint, "oncall")).await;
    drop(driver(&listening).await.expect("in, and the token is kept"));
    let faults = world.sandbox.faults();
    faults.set(Fault::LoginRevoked);
    let refused = async || {
        let refused = driver(&listening).await.map(|_| ()).expect_err("the login is revoked");
        let told = refused.as_db_error().expect("told as PostgreSQL tells errors").clone();
        assert_eq!(told.code().code(), "28000", "{told:?}");
        assert!(told.message().contains("Your AWS login has ended") && told.hint().is_some(), "{told:?}");
    };
    refused().await;
    // The database would take the old token again, AWS still says no: it is AWS that is asked.
    faults.clear(&Fault::LoginRevoked);
    refused().await;
    faults.clear(&Fault::ExpiredLogin);
    driver(&listening).await.expect("in again, without a restart");
    access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_closes_leaves_the_end_of_each_of_its_clients_in_the_audit() {
    let world = World::new().await;
    let (access, endpoint) = straight(&world, "reports").await;
    let listening = Listening::open(&access, wish(&endpoint, "oncall")).await;
    let (one, other) = (driver(&listening).await.expect("in"), driver(&listening).await.expect("in"));
    listening.listener.close().await;
    let ends: Vec<_> = world.audit().into_iter().filter(|line| line["event"] == "disconnect").collect();
    let outcomes: Vec<&str> = ends.iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["the listener was closed", "the listener was closed", "ok"]);
    assert!(ends[..2].iter().all(|line| line["duration_ms"].is_u64() && line["database"] == "shop"), "{ends:?}");
    drop((one, other));
    access.close().await;
}

/// A pool gives up after less time than a session takes to start: the next one gets in over the session that was begun then.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_gives_up_leaves_the_way_that_it_began_to_the_next() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let listening = Listening::open(&world.access, wish(&endpoint, "oncall")).await;
    let sessions = world.sandbox.sessions();
    // While the agent is silent, no handshake ends.
    world.sandbox.faults().set(Fault::AgentSilent);
    give_up(&listening, || sessions.live().len() == 1).await;
    let begun = sessions.live();
    let (next, ()) = tokio::join!(driver(&listening), async {
        world.sandbox.faults().clear(&Fault::AgentSilent);
    });
    next.expect("in").simple_query("select 1").await.expect("answered");
    assert_eq!((sessions.live(), world.aws.calls("ssm:StartSession")), (begun, 1));
    assert_eq!(world.aws.calls("ssm:TerminateSession"), 0);

    // Once it is lost, the same again; and the listener's end is the end of what is being opened.
    world.sandbox.faults().set(Fault::AgentSilent);
    world.sandbox.faults().set(Fault::SessionEnded);
    while !sessions.live().is_empty() {
        tokio::task::yield_now().await;
    }
    give_up(&listening, || sessions.live().len() == 1).await;
    listening.listener.close().await;
    world.access.close().await;
    assert_eq!((sessions.live(), world.aws.calls("ssm:StartSession")), (Vec::new(), 2));

    // So it is when the listener is dropped.
    let access = world.door(|_| {});
    let listening = Listening::open(&access, wish(&endpoint, "oncall")).await;
    give_up(&listening, || sessions.live().len() == 1).await;
    drop(listening);
    access.close().await;
    assert_eq!(sessions.live(), Vec::<String>::new());
}

/// A client that comes, and gives up once that is so; the listener has noticed it.
#[cfg(target_os = "linux")]
async fn give_up(listening: &Listening, so: impl Fn() -> bool) {
    let client = async {
        tokio::select! {
            came = driver(listening) => panic!("it came in, or was turned away: {:?}", came.map(drop)),
            () = async {
                while !so() {
                    tokio::task::yield_now().await;
                }
            } => {}
        }
        // The listener's end of such a connection is in the state CLOSE_WAIT (8) until the listener lets go of it.
        let end = format!(":{:04X}", listening.port());
        let is_left = |table: String| {
            table.lines().any(|line| {
                let words: Vec<&str> = line.split_whitespace().take(4).collect();
                matches!(words[..], [_, local, _, "08"] if local.ends_with(&end))
            })
        };
        while is_left(std::fs::read_to_string("/proc/net/tcp").expect("Linux tells it")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), client).await.expect("noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_lost_comes_back_with_the_next_client() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let listening = Listening::open(&world.access, wish(&endpoint, "oncall")).await;
    listening.listener.reach(None).await.expect("there");
    let client = driver(&listening).await.expect("in");
    let session = world.access.lines()[0].ssm_session.clone();
    let waiting = client.simple_query("select pg_sleep(600)");
    let cut = async {
        let other = driver(&listening).await.expect("in");
        let running = "select 1 from pg_stat_activity where query = 'select pg_sleep(600)' and wait_event = 'PgSleep'";
        while other.query(running, &[]).await.expect("answered").is_empty() {}
        world.sandbox.faults().set(Fault::SessionEnded);
    };
    let (lost, ()) = tokio::time::timeout(Duration::from_secs(120), async { tokio::join!(waiting, cut) })
        .await
        .expect("a loss, not a hang");
    let lost = lost.map(|_| ()).expect_err("its line is gone");
    assert!(lost.is_closed() || lost.as_db_error().is_none(), "{lost}");
    // Several at once share the new one.
    let (one, other) = tokio::join!(driver(&listening), driver(&listening));
    one.expect("in again").simple_query("select 1").await.expect("answered");
    other.expect("in again").simple_query("select 1").await.expect("answered");
    assert_eq!(world.sandbox.sessions().live().len(), 1);
    assert_ne!(world.access.lines()[0].ssm_session, session);
    // A database that cuts: the loss is an ordinary one, too.
    let cut = driver(&listening).await.expect("in");
    world.sandbox.faults().set(Fault::DatabaseCut);
    let gone = async { while cut.simple_query("select 1").await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(120), gone).await.expect("a loss, not a hang");
    listening.listener.close().await;
    world.access.close().await;
    assert!(world.sandbox.sessions().live().is_empty());
}
