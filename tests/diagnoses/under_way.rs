//! What goes wrong once one is in: statements that the server refuses, and wires that break under one that runs. For each what
//! `query` and the console say, with the same words, and what the doctor finds then. It must not know how a fault is played.

use super::rows::{Row, USUAL};
use super::{Ground, close, is_asked_for, mark, says, squeezed, steady};
use gatepost::sandbox::Fault;
use insta::assert_snapshot;
use std::collections::HashSet;
use std::io::Read;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A statement, what happens to it, and what is said.
struct Event {
    /// Words of the command line, title and what else is said; status of `query`. Faults are set once the statement runs.
    row: Row,
    /// What is run.
    sql: &'static str,
    /// Faults that are off by themselves, or are taken away, before the doctor looks.
    passing: &'static [&'static str],
    /// What the doctor finds: the link, its mark, words.
    doctor: (&'static str, char, &'static str),
    /// Its exit status.
    doctor_status: i32,
}

/// Waits until somebody else lets go, so that "it runs" and "it may end" are conditions and no times.
const WAITS: &str = "select 'here' || ' still' as answer from (select pg_advisory_lock_shared(4711)) as waited";
const HOLDS: &str = "select pg_advisory_lock(4711); select pg_sleep(600)";

const WELL: (&str, char, &str) = ("server", '✓', "no link is broken");

fn events() -> Vec<Event> {
    let usual = || Event { row: USUAL, sql: WAITS, passing: &[], doctor: WELL, doctor_status: 0 };
    let refused = |row| Event { row: Row { status: 1, ..row }, ..usual() };
    let unknown = "The connection broke while the statement ran: whether it was done is not known";
    vec![
        Event {
            sql: "select totl from orders",
            ..refused(Row {
                name: "sql_error",
                title: "column \"totl\" does not exist",
                says: &["select totl from orders", "^", "Perhaps you meant to reference the column"],
                ..USUAL
            })
        },
        Event {
            sql: "select o.customer from orders o",
            ..refused(Row {
                name: "sql_hint",
                title: "column o.customer does not exist",
                says: &["Perhaps you meant to reference the column \"o.customer_id\"."],
                ..USUAL
            })
        },
        Event {
            sql: "select '{\"a\": 1'::json",
            ..refused(Row {
                name: "sql_detail",
                title: "invalid input syntax for type json",
                says: &["The input string ended unexpectedly.", "JSON data, line 1"],
                ..USUAL
            })
        },
        Event {
            sql: "update orders set status = status where id = 1",
            ..refused(Row {
                name: "write_read_only",
                title: "cannot execute UPDATE in a read-only transaction",
                says: &["this session was opened read-only", "Connect again with writes allowed"],
                ..USUAL
            })
        },
        Event {
            sql: "update orders set status = status where id = 1",
            doctor: ("server", '✓', "read-only by its settings"),
            ..refused(Row {
                name: "write_on_a_reader",
                words: &["orders-prod.cluster-ro-c9akciq32xyz.eu-west-1.rds.amazonaws.com", "--user", "oncall"],
                title: "cannot execute UPDATE in a read-only transaction",
                says: &["leads to a reader", "Connect to the writer's endpoint"],
                ..USUAL
            })
        },
        Event {
            sql: "select pg_terminate_backend(pg_backend_pid())",
            ..refused(Row {
                name: "server_ended_it",
                title: "terminating connection due to administrator command",
                says: &[
                    "the server ended the session: the statement may or may not have run",
                    "gatepost never sends a statement twice by itself",
                ],
                ..USUAL
            })
        },
        Event {
            passing: &["database-cut"],
            ..refused(Row {
                name: "database_cut",
                faults: &["database-cut"],
                title: unknown,
                says: &["gatepost never sends a statement twice by itself"],
                ..USUAL
            })
        },
        Event {
            passing: &["session-ended"],
            ..refused(Row {
                name: "session_ended",
                faults: &["session-ended"],
                title: unknown,
                says: &[
                    "AWS ended the session on bastion-a",
                    "Session was terminated due to inactivity",
                    "gatepost never sends a statement twice by itself",
                ],
                ..USUAL
            })
        },
        Event {
            passing: &["session-at-limit"],
            ..refused(Row {
                name: "session_at_its_limit",
                faults: &["session-at-limit"],
                title: unknown,
                says: &[
                    "AWS ended the session on bastion-a",
                    "it was open for as long as the account lets sessions last",
                    "gatepost never sends a statement twice by itself",
                ],
                ..USUAL
            })
        },
        Event {
            passing: &["socket-reset"],
            doctor: ("may resume", '!', "no IAM policy of role/people/prod-admin allows ssm:ResumeSession"),
            ..refused(Row {
                name: "resume_denied",
                faults: &["denied:ssm:ResumeSession", "socket-reset"],
                title: unknown,
                says: &[
                    "The tunnel through bastion-a broke, and you may not do ssm:ResumeSession to mend it",
                    "\"Action\": \"ssm:ResumeSession\"",
                    "gatepost never sends a statement twice by itself",
                ],
                ..USUAL
            })
        },
        Event {
            doctor: ("handshake", '✗', "sudo systemctl restart amazon-ssm-agent"),
            doctor_status: 3,
            ..refused(Row {
                name: "agent_gone",
                faults: &["agent-silent"],
                title: unknown,
                says: &[
                    "Nothing was heard from the agent on bastion-a for",
                    "stopped, replaced, or lost its network",
                    "gatepost never sends a statement twice by itself",
                ],
                ..USUAL
            })
        },
        Event {
            // The socket is cut, and comes back when it is let.
            row: Row {
                name: "socket_resumed",
                faults: &["socket-refused", "socket-reset"],
                status: 0,
                title: "the tunnel was lost: ",
                says: &["gatepost is dialling again"],
                ..USUAL
            },
            passing: &["socket-refused", "socket-reset"],
            ..usual()
        },
    ]
}

/// A command whose words are heard while it runs.
struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Running {
    fn start(ground: &Ground, row: &Row, more: &[&str]) -> Running {
        let mut command = ground.command(row, "query", more);
        command.stdin(Stdio::null());
        let mut child = command.spawn().expect("gatepost runs");
        let mut errors = child.stderr.take().expect("a pipe");
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = errors.read(&mut chunk) {
                heard.lock().expect("nobody panicked").push_str(&String::from_utf8_lossy(&chunk[..n]));
            }
        });
        Running { child, said }
    }

    fn said(&self) -> String {
        self.said.lock().expect("nobody panicked").clone()
    }
}

/// What the server says beside all of it, over a direct line; its last row.
fn asked(ground: &Ground, sql: &str) -> String {
    let words = ["query", "reports", "--user", "oncall", "--database", "shop", "--format", "tsv", "-c", sql];
    let said = ground.neighbour.run(&words);
    assert_eq!(said.status, 0, "{sql}: {}", said.stderr);
    said.stdout.trim().lines().last().unwrap_or_default().to_owned()
}

/// Locks of the statement above: held, waited for.
fn locks(ground: &Ground) -> (usize, usize) {
    let counts = "count(*) filter (where granted), count(*) filter (where not granted)";
    let last = asked(ground, &format!("select {counts} from pg_locks where objid = 4711"));
    let (held, waited) = last.split_once('\t').expect("two columns");
    (held.parse().expect("a number"), waited.parse().expect("a number"))
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_goes_wrong_under_way_is_told_with_the_same_words_and_the_doctor_looks_then() {
    let ground = Ground::new();
    let mut wrong = Vec::new();
    for event in events().into_iter().filter(|event| is_asked_for(event.row.name)) {
        let name = event.row.name;
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(&ground, &event)));
        wrong.extend(played.is_err().then_some(name));
        for fault in ground.neighbour.sandbox.faults().all() {
            ground.neighbour.sandbox.faults().clear(&fault);
        }
        let sessions = || ground.neighbour.sandbox.sessions().live();
        if sessions() != Vec::<String>::new() {
            println!("{name}: a session was left: {:?}", sessions());
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "not told, or not in the same words: {wrong:?}");
}

fn play(ground: &Ground, event: &Event) {
    let Event { row, sql, .. } = event;
    let faults = ground.neighbour.sandbox.faults();
    let waits = *sql == WAITS;
    let mut holder = None;
    if waits {
        until("all locks let go", || locks(ground) == (0, 0));
        let words = ["query", "reports", "--user", "oncall", "--database", "shop", "-c", HOLDS];
        holder = Some(ground.neighbour.command(&words).spawn().expect("gatepost runs"));
        until("a lock", || locks(ground).0 == 1);
    }
    let mut query = Running::start(ground, row, &["-c", sql, "--format", "csv"]);
    let mut console = ground.terminal(row, "connect", &[]);
    console.wait_for("idle · autocommit");
    console.press(&format!("\x1b[200~{sql}\x1b[201~"));
    console.wait_for(&sql[sql.len() - 20..]);
    // F5.
    console.press("\x1b[15~");
    if waits {
        until("two that wait", || locks(ground).1 == 2);
    }
    row.faults.iter().for_each(|name| faults.set(Fault::parse(name).expect("a fault")));
    let said: Vec<String> = std::iter::once(&row.title).chain(row.says).map(|words| squeezed(words)).collect();
    console.wait_until(row.title, |text| said.iter().all(|words| squeezed(text).contains(words)));
    let shown = console.contents();
    if row.status == 0 {
        until("query's word", || query.said().contains(row.title));
    } else {
        until("query's end", || query.child.try_wait().expect("it can be waited for").is_some());
    }
    event.passing.iter().for_each(|name| {
        faults.clear(&Fault::parse(name).expect("a fault"));
    });
    if row.status == 0 {
        console.wait_for("the tunnel is up again");
        until("the tunnel again", || query.said().contains("the tunnel is up again"));
    }
    if let Some(mut holder) = holder {
        // At the server: its own wire may be cut by now, and the server would not notice before it has slept enough.
        asked(ground, "select count(pg_terminate_backend(pid)) from pg_locks where objid = 4711 and granted");
        super::neighbour::wait(&mut holder);
    }
    if row.status == 0 {
        console.wait_for("here still");
    }
    let mut rows = String::new();
    query.child.stdout.take().expect("a pipe").read_to_string(&mut rows).expect("text");
    let status = super::neighbour::wait(&mut query.child);
    let query = query.said();
    assert_eq!(status, row.status, "{}: query's exit status\n{query}", row.name);
    assert_eq!(rows.contains("here still"), row.status == 0, "{}: {rows}", row.name);
    says(row, "query", &query);
    says(row, "the console", &shown);
    close(console);
    assert_snapshot!(format!("{}_query", row.name), calm(&ground.neighbour.tidied(&query)));
    let from = shown.lines().position(|line| squeezed(line).contains(&squeezed(row.title))).unwrap_or_default();
    let body: Vec<&str> = shown.trim_end().lines().skip(from).collect();
    let body = body[..body.len().saturating_sub(1)].join("\n");
    assert_snapshot!(format!("{}_console", row.name), once(&calm(&ground.neighbour.tidied(&body))));

    let (doctor, status) = ground.told(row, "doctor", &[]);
    let (link, sign, words) = event.doctor;
    assert_eq!(status, event.doctor_status, "{}: the doctor's exit status\n{doctor}", row.name);
    assert_eq!(mark(&doctor, link), sign, "{}: {link}\n{doctor}", row.name);
    assert!(squeezed(&doctor).contains(&squeezed(words)), "{}: the doctor does not say {words:?}\n{doctor}", row.name);
    assert_snapshot!(format!("{}_doctor", row.name), steady(&doctor));
}

/// The tunnel's end is told when it is heard, too, before or after the statement's: each line once, and none that is empty.
fn once(text: &str) -> String {
    let mut seen = HashSet::new();
    text.lines()
        .filter(|line| !line.trim().is_empty() && seen.insert(line.trim()))
        .fold(String::new(), |text, line| text + line + "\n")
}

/// Without how long anything took, in the server or until a silence was noticed, and how often was dialled meanwhile.
fn calm(text: &str) -> String {
    // Of several attempts to dial, that of the moment is told.
    const LOST: &str = "the tunnel was lost: ";
    let line = |line: &str| {
        let line = line.split_once(" · N ms").map_or(line, |(head, _)| head).trim_end();
        let Some((head, reason)) = line.split_once(LOST) else { return line.to_owned() + "\n" };
        let rest = reason.find("; gatepost").map_or("", |at| &reason[at..]);
        format!("{head}{LOST}REASON{rest}\n")
    };
    let mut text = steady(text).lines().map(line).collect::<String>();
    // What is dialled again for longer than two seconds is told besides, on a slow machine.
    if text.contains("you may not do ssm:ResumeSession to mend it") {
        text = text.lines().filter(|line| !line.contains(LOST)).map(|line| format!("{line}\n")).collect();
    }
    for before in ["bastion-a for ", "the agent for ", "was lost ", "(attempt ", "again after ", "line 1: ", "pid "] {
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(before) {
            let (head, tail) = rest.split_at(at + before.len());
            let number = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
            out.push_str(head);
            out.push_str(if number > 0 { "N" } else { "" });
            rest = &tail[number..];
        }
        text = out + rest;
    }
    text
}
