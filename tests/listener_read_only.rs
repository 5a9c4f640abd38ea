//! A read-only listener against those who want to write: every way round that PostgreSQL's protocol and SQL have, tried at
//! a real server by a superuser; and what readers do goes on as ever.

#[path = "support/clients.rs"]
mod clients;
#[path = "support/world.rs"]
mod world;

use clients::{Listening, Said, has, wish};
use gatepost::access::{Access, ListenerWish};
use gatepost::model::{Auth, Endpoint, Secret};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use world::World;

/// What may be left of an attempt: rows, large objects, relations, functions, a sequence.
const TRACES: &str = "select (select count(*) from t), (select count(*) from pg_largeobject_metadata), \
     (select count(*) from pg_class), (select count(*) from pg_proc), (select is_called from s), \
     (select count(*) from pg_collation), (select relpages from pg_class where relname = 't')";

const PREPARE: &str = "create table t (n int); create sequence s; \
     create function writes() returns int language plpgsql as $$ begin insert into t values (1); return 1; end $$; \
     create function undoes() returns int language plpgsql as \
       $$ begin reset transaction_read_only; insert into t values (2); return 2; end $$; \
     create function plans() returns int language plpgsql immutable as $$ begin return undoes(); end $$; \
     create function makes_a_table() returns int language plpgsql as \
       $$ begin execute 'explain analyze create table u as select 1'; return 3; end $$; \
     create procedure commits() language plpgsql as $$ begin commit; insert into t values (3); end $$; \
     create procedure makes() language plpgsql as \
       $$ begin commit; set transaction read write; insert into t values (4); commit; end $$;";

/// Texts of simple queries, one after the other in a session.
const SIMPLE: &[&[&str]] = &[
    &["insert into t values (1)"],
    &["set transaction read write", "insert into t values (1)"],
    &["set default_transaction_read_only = off", "insert into t values (1)"],
    &["set session characteristics as transaction read write", "insert into t values (1)"],
    &["set transaction_read_only = off", "insert into t values (1)"],
    &["select set_config('default_transaction_read_only', 'off', false)", "insert into t values (1)"],
    &["select set_config('transaction_read_only', 'off', false)", "insert into t values (1)"],
    &["begin read write", "insert into t values (1)", "commit"],
    &["start transaction read write", "select writes()", "commit"],
    &["begin", "set transaction read write", "insert into t values (1)", "commit"],
    &["begin", "set local transaction_read_only to off", "insert into t values (1)", "commit"],
    &["begin", "savepoint a", "select 1", "rollback to a", "insert into t values (1)", "commit"],
    &["begin read write", "bad syntax", "rollback and chain", "insert into t values (1)", "commit"],
    &["begin read write", "commit and chain", "insert into t values (1)", "commit"],
    &["set transaction read write; insert into t values (1)"],
    &["begin read write; insert into t values (1); commit"],
    &["set default_transaction_read_only = off; commit; insert into t values (1)"],
    &["select set_config('default_transaction_read_only', 'off', false); commit; insert into t values (1)"],
    &["select 1; rollback; begin read write; insert into t values (1); commit"],
    &["set default_transaction_read_only = off", "bad", "begin", "bad", "rollback; insert into t values (1)"],
    &["do $$ begin insert into t values (1); end $$"],
    &[
        "do $$ begin perform set_config('default_transaction_read_only', 'off', false); commit; insert into t values (1); end $$",
    ],
    &["do $$ begin commit; set transaction read write; insert into t values (1); end $$"],
    &["set default_transaction_read_only = off", "call commits()"],
    &["set default_transaction_read_only = off", "call makes()"],
    &["set default_transaction_read_only = off", "begin", "call makes()", "commit"],
    &["prepare p as insert into t values (1)", "execute p"],
    &[
        "set default_transaction_read_only = off",
        "prepare p as insert into t values (1)",
        "execute p",
        "deallocate all",
    ],
    &["select nextval('s')"],
    &["select setval('s', 7)"],
    &["create table u (n int)"],
    &["create temp table u (n int)"],
    &["select 1 into u"],
    &["copy t from stdin"],
    &["copy t from program 'echo 1'"],
    &["lock t; insert into t values (1)"],
    &["truncate t", "vacuum t", "insert into t values (1)"],
    // The server itself lets these write, in every version that has them.
    &["explain analyze create table u as select 1"],
    &["explain (analyze) select 1 into u"],
    &["explain analyze create materialized view u as select 1"],
    &["do $$ begin execute 'explain analyze create table u as select 1'; end $$"],
    &["select makes_a_table()"],
    &["begin", "select makes_a_table()", "commit"],
    &["begin; select makes_a_table(); commit"],
    &["begin", "declare c cursor with hold for select makes_a_table()", "commit"],
    &["declare c cursor with hold for select makes_a_table()"],
    &["begin", "select makes_a_table()", "prepare transaction 'x'"],
    &["select pg_import_system_collations('public')"],
    &["select pg_restore_relation_stats('schemaname', 'public', 'relname', 't', 'relpages', 77::int)"],
    &["analyze t"],
    &["merge into t using (select 1 as n) s on false when not matched then insert values (1)"],
    &["refresh materialized view u"],
    &["copy (select makes_a_table()) to stdout"],
    // Before 16 the server lets these end what it calls read-only.
    &["reset transaction_read_only", "insert into t values (1)"],
    &["begin", "select 1", "reset transaction_read_only", "insert into t values (1)", "commit"],
    &["begin", "select set_config('transaction_read_only', null, true), writes()", "commit"],
    &["begin", "select undoes()", "end"],
    &["begin", "select undoes()", "prepare transaction 'x'"],
    &["begin; select undoes(); commit"],
    &["select undoes()"],
    &["select undoes() -- and a comment"],
    &["select undoes(); select 1"],
    &["select undoes(); commit"],
    &["select set_config('transaction_read_only', null, true), writes()"],
    &["do $$ begin reset transaction_read_only; insert into t values (1); end $$"],
    &["do $$ begin reset transaction_read_only; create table u (n int); end $$"],
    &["explain analyze select undoes()"],
    &["copy (select undoes()) to stdout"],
    &["begin", "declare c cursor with hold for select undoes()", "commit"],
    &["begin", "declare c cursor for select undoes()", "fetch all from c", "commit"],
    &["begin", "savepoint a", "select undoes()", "release a", "commit"],
    &["declare c cursor with hold for select undoes()"],
    &["select query_to_xml('select undoes()', true, true, '')"],
    &["begin", "select undoes(); discard all", "commit"],
    &["select set_config('transaction_read_only', null, true), lo_from_bytea(0, 'x')"],
    &["select lo_from_bytea(0, 'x')"],
    &["set search_path = pg_temp, public", "select undoes()"],
    &["set standard_conforming_strings = off", r"select '\'; commit; insert into t values (1) --'"],
    &["set client_encoding = 'SJIS'", "select '表'; commit; insert into t values (1) --'"],
];

/// Cycles of the extended protocol, one after the other in a session. `name=` prepares without running, `name!` runs what
/// was prepared; what follows `#` is a simple query of its own.
const EXTENDED: &[&[&[&str]]] = &[
    &[&["insert into t values (1)"]],
    &[&["begin read write", "insert into t values (1)", "commit"]],
    &[&["set transaction read write", "insert into t values (1)"]],
    &[&["set default_transaction_read_only = off", "commit", "insert into t values (1)"]],
    &[&["select set_config('default_transaction_read_only', 'off', false)"], &["insert into t values (1)"]],
    &[&["select set_config('default_transaction_read_only', 'off', false)", "commit", "insert into t values (1)"]],
    &[&["begin read write"], &["insert into t values (1)"], &["commit"]],
    &[&["begin"], &["set transaction read write"], &["select writes()"], &["commit"]],
    &[&["set default_transaction_read_only = off"], &["call commits()"]],
    &[&["call makes()"]],
    &[&["/* x */ ; do $$ begin commit; set transaction read write; insert into t values (1); end $$"]],
    &[&["a=call makes()"], &["a!"]],
    &[&["begin", "a=call makes()", "commit", "a!"]],
    &[&["begin", "a=call makes()", "commit"], &["a!"]],
    &[&["a=call makes()"], &["a=select 1"], &["a!"]],
    &[&["a=call makes()"], &["bad", "a=select 1"], &["a!"]],
    &[&["set default_transaction_read_only = off"], &["begin"], &["bad"], &["rollback", "insert into t values (1)"]],
    &[&["set default_transaction_read_only = off"], &["a=insert into t values (1)"], &["a!"]],
    &[&["#begin read write"], &["insert into t values (1)"], &["#commit"]],
    &[&["begin"], &["savepoint a"], &["select 1"], &["rollback to a", "insert into t values (1)"], &["commit"]],
    &[&["discard all", "insert into t values (1)"]],
    &[&["set default_transaction_read_only = off", "vacuum t", "insert into t values (1)"]],
    &[&["select undoes()"]],
    &[&["begin"], &["select undoes()"], &["commit"]],
    &[&["begin", "select undoes()", "commit"]],
    &[&["a=commit"], &["begin"], &["select undoes()"], &["a!"]],
    &[&["a=commit"], &["begin", "select undoes()", "a!"]],
    &[&["begin"], &["select undoes()"], &["#commit"]],
    &[&["select undoes()", "vacuum t"]],
    &[&["begin"], &["declare c cursor with hold for select undoes()"], &["commit"]],
    &[&["begin"], &["bad"], &["rollback", "select undoes()"]],
    &[&["select set_config('transaction_read_only', null, true), writes()"]],
    &[&["select lo_from_bytea(0, 'x')"]],
    &[&["explain analyze create table u as select 1"]],
    &[&["select makes_a_table()"]],
    &[&["begin"], &["select makes_a_table()"], &["commit"]],
    &[&["begin", "select makes_a_table()", "commit"]],
    &[&["begin"], &["declare c cursor with hold for select makes_a_table()"], &["commit"]],
    &[&["begin"], &["select makes_a_table()"], &["#commit"]],
    &[&["a=select makes_a_table()"], &["begin", "a!"], &["prepare transaction 'x'"]],
];

/// Names that are not what they were, cycle by cycle: `P statement text`, `B portal statement`, `E portal`, `C S|P name`,
/// `D S|P name` (`.` is unnamed), and `Q text`, a simple query.
const NAMES: &[&[&[&str]]] = &[
    // What runs outside of blocks has nothing of ours before it: then it is another's name.
    &[
        &["Q set default_transaction_read_only = off"],
        &["P a vacuum t"],
        &["Q deallocate a"],
        &["Q prepare a as insert into t values (1)"],
        &["B . a", "E ."],
    ],
    &[
        &["Q set default_transaction_read_only = off"],
        &["P a discard all", "P b deallocate a", "B . b", "E .", "P c prepare a as select writes()", "B . c", "E ."],
        &["B . a", "E ."],
    ],
    &[
        &["Q set default_transaction_read_only = off"],
        &[
            "P a vacuum t",
            "P . deallocate a",
            "B . .",
            "E .",
            "P . prepare a as select writes()",
            "B . .",
            "E .",
            "B . a",
            "E .",
        ],
    ],
    &[
        &["Q set default_transaction_read_only = off"],
        &[
            "P a vacuum t",
            "B p a",
            "C P p",
            "P . declare p cursor with hold for select writes()",
            "B . .",
            "E .",
            "E p",
        ],
    ],
    // What seems to open a block, in which DO and CALL could not commit.
    &[&[
        "P a begin",
        "B p a",
        "C P p",
        "P . declare p cursor with hold for select 1",
        "B . .",
        "E .",
        "E p",
        "P . call makes()",
        "B . .",
        "E .",
    ]],
    &[
        &["P a begin"],
        &["Q deallocate a"],
        &["Q prepare a as select 1"],
        &["B . a", "E .", "P . call makes()", "B . .", "E ."],
    ],
    &[
        &["P a begin"],
        &["Q deallocate a; prepare a as select 1"],
        &["B p a", "P . call makes()", "E p", "B . .", "E ."],
    ],
    &[&["P a begin", "B p a", "P . rollback", "B . .", "E .", "E p"], &["P . call makes()", "B . .", "E ."]],
    &[&["P a begin", "B p a", "E p", "P . commit", "B . .", "E .", "E p", "P . call makes()", "B . .", "E ."]],
    // Or in which nothing is kept yet: before 16 that is looked at.
    &[&["P a begin", "B p a", "C P p", "P . declare p cursor with hold for select undoes()", "B . .", "E .", "E p"]],
    &[&["P a begin"], &["Q deallocate a; prepare a as select undoes()"], &["B . a", "E ."]],
    &[&["P a begin"], &["Q deallocate a; prepare a as select undoes()"], &["B . a", "E .", "B p a", "E p"]],
    // Planned, and not executed.
    &[&["P . select plans()", "B . ."]],
    &[&["P a begin"], &["Q deallocate a; prepare a as select makes_a_table()"], &["B . a", "E ."]],
    &[&[
        "P a begin",
        "B p a",
        "C P p",
        "P . declare p cursor with hold for select makes_a_table()",
        "B . .",
        "E .",
        "E p",
    ]],
    &[&["P . select plans()", "B . .", "D P ."]],
    &[&["Q begin"], &["P . select plans()", "B . ."], &["Q commit"]],
    // With the names of what is ours.
    &[
        &["Q set default_transaction_read_only = off"],
        &["P gatepost,_read-only insert into t values (1)", "B . gatepost,_read-only", "E ."],
    ],
    &[
        &["Q prepare \"gatepost, read-only\" as select writes()"],
        &["B gatepost,_read-only gatepost,_read-only", "E gatepost,_read-only"],
    ],
];

async fn straight(world: &World) -> (Access, Endpoint) {
    let endpoint = world.endpoint("reports").await;
    let resolve = world.resolve(&endpoint);
    (world.door(|settings| settings.resolve = vec![resolve]), endpoint)
}

fn master(endpoint: &Endpoint, read_only: bool) -> ListenerWish {
    let auth = Auth::Password(Secret::new("postgres-master-password"));
    ListenerWish { auth, read_only: Some(read_only), secret: None, ..wish(endpoint, "postgres") }
}

async fn driver(listening: &Listening) -> Client {
    let (host, port) = listening.listener.address();
    let mut config = tokio_postgres::Config::new();
    config.host(host).port(port).user("postgres").dbname("shop");
    let (client, connection) = config.connect(NoTls).await.expect("in");
    tokio::spawn(connection);
    client
}

async fn told(client: &Client, statement: &str) -> String {
    let said = client.simple_query(statement).await.expect("runs");
    let row = said.iter().find_map(|one| if let SimpleQueryMessage::Row(row) = one { Some(row) } else { None });
    let row = row.expect("a row");
    (0..row.len()).map(|at| row.get(at).unwrap_or("∅")).collect::<Vec<_>>().join("|")
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
}

/// A wire that is in, and its messages.
struct Raw(TcpStream);

impl Raw {
    async fn open(listening: &Listening) -> Raw {
        let mut stream = TcpStream::connect(("127.0.0.1", listening.port())).await.expect("it listens");
        let body = b"\0\x03\0\0user\0postgres\0database\0shop\0\0";
        let length = (body.len() as u32 + 4).to_be_bytes();
        stream.write_all(&[&length[..], body].concat()).await.expect("taken");
        let mut raw = Raw(stream);
        raw.turn().await;
        raw
    }

    /// Types of the messages up to ReadyForQuery, and the SQLSTATE of an error among them.
    async fn turn(&mut self) -> (String, Option<String>) {
        let (mut kinds, mut code) = (String::new(), None);
        let reading = async {
            loop {
                let kind = self.0.read_u8().await.expect("a message");
                let mut body = vec![0; self.0.read_u32().await.expect("its length") as usize - 4];
                self.0.read_exact(&mut body).await.expect("its body");
                kinds.push(char::from(kind));
                match kind {
                    b'E' => {
                        let text = String::from_utf8_lossy(&body).into_owned();
                        code = text.split('\0').find_map(|field| field.strip_prefix('C')).map(str::to_owned);
                    }
                    // What it asks for with COPY FROM STDIN.
                    b'G' => self.0.write_all(&message(b'f', b"no\0")).await.expect("taken"),
                    b'Z' => break,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), reading)
            .await
            .unwrap_or_else(|_| panic!("no turn after {kinds}"));
        (kinds, code)
    }

    async fn simple(&mut self, text: &str) -> (String, Option<String>) {
        self.0.write_all(&message(b'Q', format!("{text}\0").as_bytes())).await.expect("taken");
        self.turn().await
    }

    /// One of [`NAMES`].
    async fn named(&mut self, steps: &[&str]) -> (String, Option<String>) {
        if let [step] = steps
            && let Some(text) = step.strip_prefix("Q ")
        {
            return self.simple(text).await;
        }
        let name = |word: &str| if word == "." { String::new() } else { word.replace(",_", ", ") };
        let mut sent = Vec::new();
        for step in steps {
            let (kind, rest) = step.split_once(' ').expect("a kind");
            let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
            sent.extend(match kind {
                "P" => message(b'P', format!("{}\0{second}\0\0\0", name(first)).as_bytes()),
                "B" => message(b'B', format!("{}\0{}\0\0\0\0\0\0\0", name(first), name(second)).as_bytes()),
                "E" => message(b'E', format!("{}\0\0\0\0\0", name(first)).as_bytes()),
                _ => message(kind.as_bytes()[0], format!("{first}{}\0", name(second)).as_bytes()),
            });
        }
        sent.extend(message(b'S', b""));
        self.0.write_all(&sent).await.expect("taken");
        self.turn().await
    }

    async fn cycle(&mut self, statements: &[&str]) -> (String, Option<String>) {
        if let [text] = statements
            && let Some(text) = text.strip_prefix('#')
        {
            return self.simple(text).await;
        }
        let mut sent = Vec::new();
        for statement in statements {
            let (name, text, runs) = match (statement.strip_suffix('!'), statement.strip_prefix("a=")) {
                (Some(name), _) => (name, None, true),
                (_, Some(text)) => ("a", Some(text), false),
                _ => ("", Some(*statement), true),
            };
            if let Some(text) = text {
                sent.extend(message(b'P', format!("{name}\0{text}\0\0\0").as_bytes()));
            }
            if runs {
                sent.extend(message(b'B', format!("\0{name}\0\0\0\0\0\0\0").as_bytes()));
                sent.extend(message(b'E', b"\0\0\0\0\0"));
            }
        }
        sent.extend(message(b'S', b""));
        self.0.write_all(&sent).await.expect("taken");
        self.turn().await
    }
}

/// The major version of a program, 0 where there is none.
fn version_of(program: &str) -> u32 {
    let output = std::process::Command::new(program).arg("--version").output().map(|output| output.stdout);
    let text = String::from_utf8(output.unwrap_or_default()).unwrap_or_default();
    text.split(|c: char| !c.is_ascii_digit()).find_map(|word| word.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_tried_leaves_a_trace() {
    let world = World::new().await;
    let (access, endpoint) = straight(&world).await;
    let writable = Listening::open(&access, master(&endpoint, false)).await;
    let read_only = Listening::open(&access, master(&endpoint, true)).await;
    let owner = driver(&writable).await;
    owner.batch_execute(PREPARE).await.expect("runs");
    let before = told(&owner, TRACES).await;
    // The attempts are real ones: the worst of them write where nobody holds them.
    let resets = told(&owner, "select current_setting('server_version_num')::int < 160000").await == "t";
    let attempts = ["call makes()", "select makes_a_table()", "select undoes()"];
    for attempt in &attempts[..2 + usize::from(resets)] {
        let held = driver(&writable).await;
        held.batch_execute("set default_transaction_read_only = on").await.expect("runs");
        held.batch_execute(attempt).await.expect("a default holds nobody");
    }
    assert_eq!(told(&owner, "select count(*) from t").await, if resets { "2" } else { "1" });
    owner.batch_execute("truncate t; drop table u").await.expect("runs");

    for attempt in SIMPLE {
        let mut raw = Raw::open(&read_only).await;
        let mut answers = Vec::new();
        for text in *attempt {
            answers.push(raw.simple(text).await);
        }
        assert_eq!(told(&owner, TRACES).await, before, "{attempt:?}: {answers:?}");
    }
    for attempt in EXTENDED {
        let mut raw = Raw::open(&read_only).await;
        let mut answers = Vec::new();
        for cycle in *attempt {
            answers.push(raw.cycle(cycle).await);
        }
        assert_eq!(told(&owner, TRACES).await, before, "{attempt:?}: {answers:?}");
    }
    for attempt in NAMES {
        let mut raw = Raw::open(&read_only).await;
        let mut answers = Vec::new();
        for steps in *attempt {
            answers.push(raw.named(steps).await);
        }
        assert_eq!(told(&owner, TRACES).await, before, "{attempt:?}: {answers:?}");
    }
    // A sequence is not put back by any rollback: before 16 one that was let go of moves on. The client is told all the same.
    let mut raw = Raw::open(&read_only).await;
    let (_, code) = raw.simple("select set_config('transaction_read_only', null, true), setval('s', 7)").await;
    assert_eq!(code.as_deref(), Some(if resets { "25006" } else { "0A000" }));
    owner.batch_execute("select setval('s', 1, false)").await.expect("runs");
    assert_eq!(told(&owner, TRACES).await, before);
    // Everything at once, without waiting for anything.
    let mut raw = Raw::open(&read_only).await;
    let mut sent = message(b'Q', b"set default_transaction_read_only = off\0");
    sent.extend(message(b'Q', b"begin read write\0"));
    sent.extend(message(b'P', b"\0insert into t values (1)\0\0\0"));
    sent.extend([message(b'B', b"\0\0\0\0\0\0\0\0"), message(b'E', b"\0\0\0\0\0"), message(b'S', b"")].concat());
    sent.extend(message(b'Q', b"commit\0"));
    raw.0.write_all(&sent).await.expect("taken");
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(raw.turn().await.1);
    }
    assert_eq!(codes, [None, None, Some("25006".to_owned()), None]);
    // The fast path of functions: set_config, then one that writes; lo_creat; in and out of a block.
    let oid = told(&owner, "select 'writes'::regproc::oid::int, 'undoes'::regproc::oid::int").await;
    for (block, oid) in oid.split('|').flat_map(|oid| [(false, oid), (true, oid)]) {
        let oid: u32 = oid.parse().expect("a number");
        let mut raw = Raw::open(&read_only).await;
        if block {
            raw.simple("begin").await;
        }
        let call = [&oid.to_be_bytes()[..], &[0, 0, 0, 0, 0, 0]].concat();
        raw.0.write_all(&message(b'F', &call)).await.expect("taken");
        let answer = raw.turn().await;
        let ended = raw.simple("commit").await;
        assert_eq!(told(&owner, TRACES).await, before, "{answer:?} {ended:?}");
    }
    // Between messages that do not belong together there is nothing to hold on to.
    let mut raw = Raw::open(&read_only).await;
    sent = [message(b'P', b"\0select 1\0\0\0"), message(b'Q', b"insert into t values (1)\0")].concat();
    raw.0.write_all(&sent).await.expect("taken");
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(60), raw.0.read_to_end(&mut rest)).await.expect("it is ended");
    assert!(String::from_utf8_lossy(&rest).contains("C08P01"), "{rest:?}");
    assert_eq!(told(&owner, TRACES).await, before);
    access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_read_notice_nothing() {
    let world = World::new().await;
    let (access, endpoint) = straight(&world).await;
    let listening = Listening::open(&access, master(&endpoint, true)).await;
    let mut raw = Raw::open(&listening).await;
    // The same messages as without us.
    for (text, expected) in [
        ("select 1", "TDCZ"),
        ("", "IZ"),
        ("select 1; select 2", "TDCTDCZ"),
        ("begin; select 1; commit", "CTDCCZ"),
        ("begin isolation level serializable", "CZ"),
        ("set transaction isolation level repeatable read, read only, deferrable", "CZ"),
        ("select 1", "TDCZ"),
        ("declare c cursor for select generate_series(1, 3)", "CZ"),
        ("fetch 2 from c", "TDDCZ"),
        ("commit", "CZ"),
        ("copy (select 1) to stdout", "HdcCZ"),
        ("listen l", "CZ"),
        ("do $$ begin raise notice 'x'; end $$", "NCZ"),
        ("commit", "NCZ"),
        ("discard all", "CZ"),
    ] {
        let (kinds, code) = raw.simple(text).await;
        assert_eq!((kinds.replace('S', "").as_str(), code), (expected, None), "{text}");
    }
    for (cycle, expected) in [
        (&["select 1"][..], "12DCZ"),
        (&["begin", "select 1", "commit"], "12C12DC12CZ"),
        (&["begin", "call read_nothing()"], "12CEZ"),
        (&["rollback"], "12CZ"),
        (&["a=select 2", "a!", "a!"], "12DC2DCZ"),
        (&["discard all"], "12CZ"),
        (&["listen l"], "12CZ"),
        (&["bad", "select 1"], "EZ"),
        (&["begin", "do $$ begin perform 1; end $$", "commit"], "12C12C12CZ"),
    ] {
        let (kinds, _) = raw.cycle(cycle).await;
        assert_eq!(kinds.replace('S', ""), expected, "{cycle:?}");
    }
    // A driver that prepared its BEGIN long ago, and what runs outside of blocks in one go.
    for (steps, expected) in [
        (&["P begins begin"][..], "1Z"),
        (&["P . vacuum customers", "D S .", "B . .", "D P .", "E ."], "1tn2nCZ"),
        (&["B . begins", "E .", "P . do $$ begin perform 1; end $$", "B . .", "E ."], "2C12CZ"),
        (&["P . do $$ begin perform 1; end $$", "B . .", "E .", "B . .", "E ."], "12C2CZ"),
        (&["P . commit", "B . .", "E ."], "12CZ"),
        (&["B . begins", "E .", "P . select 1", "B . .", "E .", "P . rollback", "B . .", "E ."], "2C12DC12CZ"),
        (&["P . do $$ begin perform 1; end $$", "B . .", "E ."], "1EZ"),
    ] {
        let (kinds, code) = raw.named(steps).await;
        assert_eq!(kinds.replace('S', ""), expected, "{steps:?} {code:?}");
    }

    // A driver, its pipelines and large answers; an error's place is that in the client's text.
    let client = driver(&listening).await;
    let statement = client.prepare("select $1::int + 1").await.expect("prepared");
    let one = |n: i32| {
        let (client, statement) = (&client, &statement);
        async move { client.query_one(statement, &[&n]).await.expect("answered").get::<_, i32>(0) }
    };
    assert_eq!(tokio::join!(one(1), one(2), one(3)), (2, 3, 4));
    let rows = client.query("select repeat('x', 100000) from generate_series(1, 200)", &[]).await.expect("answered");
    assert_eq!(rows.iter().map(|row| row.get::<_, &str>(0).len()).sum::<usize>(), 20_000_000);
    let wrong = client.simple_query("select 'é', wrong").await.map(|_| ()).expect_err("no such column");
    let place = wrong.as_db_error().and_then(|error| error.position().cloned());
    assert_eq!(place, Some(tokio_postgres::error::ErrorPosition::Original(13)));
    let refused = client.simple_query("select 1; commit; select 2").await.map(|_| ()).expect_err("not sent");
    let refused = refused.as_db_error().expect("told by the server").clone();
    assert_eq!(refused.code().code(), "25006");
    assert!(refused.message().starts_with("gatepost: not sent: "), "{refused}");
    let refused = client.execute("do $$ begin end $$", &[]).await.expect_err("not outside of a block");
    assert!(refused.as_db_error().is_some_and(|error| error.message().contains("DO and CALL")), "{refused:?}");
    assert_eq!(one(41).await, 42);

    // Somebody else's statement can be cancelled.
    let token = client.cancel_token();
    let (ended, ()) = tokio::join!(client.simple_query("select pg_sleep(600)"), async {
        let other = driver(&listening).await;
        let running =
            "select count(*) from pg_stat_activity where query ~ 'pg_sleep\\(600\\)' and wait_event = 'PgSleep'";
        while told(&other, running).await == "0" {}
        token.cancel_query(NoTls).await.expect("asked");
    });
    let code = ended.map(|_| ()).expect_err("cancelled").code().map(|code| code.code().to_owned());
    assert_eq!(code.as_deref(), Some("57014"));

    let same = format!("select current_setting('server_version_num')::int / 10000 <= {}", version_of("pg_dump"));
    if has("pg_dump") && told(&client, &same).await == "t" {
        let file = listening.papers.folder().join("dump").display().to_string();
        let dump = listening.command("pg_dump", &["-Fd", "-j", "2", "-f", &file, "shop"]).output().await;
        Said::of(dump.expect("pg_dump runs")).good();
    }
    if has("psql") {
        let script = "select 1 as one \\gset\n\\d customers\nbegin;\nselect count(*) > 0 from customers;\ncommit;\n\
                      \\copy (select 1) to stdout\n";
        let said = listening.psql(script).await.good();
        assert!(said.contains("t\n1"), "{said}");
    }
    access.close().await;
}

/// RDS Proxy takes no options at the login; what they would have made is made there all the same, and the rest is as ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_rds_proxy_is_read_only_too() {
    if !has("psql") {
        return;
    }
    let world = World::new().await;
    for name in ["orders-proxy", "orders-proxy-ro"] {
        let endpoint = world.access.find(name).await.expect("listed").endpoint;
        assert!(endpoint.host.starts_with(&format!("{name}.")), "{name}: {}", endpoint.host);
        // Production: read-only because nothing else was asked for.
        let listening =
            Listening::open(&world.access, ListenerWish { read_only: None, ..wish(&endpoint, "oncall") }).await;
        assert!(listening.listener.report().read_only);
        let shown = listening.psql("show default_transaction_read_only; show transaction_read_only;").await;
        assert_eq!(shown.good(), "on\non", "{name}");
        let rest = "begin read write; set transaction_read_only = off; create temp table t (n int); commit;";
        for attempt in [
            "create temp table t (n int);",
            "set default_transaction_read_only = off; create temp table t (n int);",
            rest,
        ] {
            let said = listening.psql(attempt).await;
            assert!(said.status != Some(0) && said.err.contains("read-only"), "{name}: {attempt}: {said:?}");
        }
        // Its own options are the client's affair, and refused by the proxy itself.
        let said = listening.psql_with(&[("PGOPTIONS", "-c geqo=off")], "select 1").await;
        assert!(said.err.contains("support command-line options"), "{said:?}");
        listening.listener.close().await;
    }
    world.access.close().await;
}
