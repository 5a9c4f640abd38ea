//! `gatepost query`, in all its formats and endings.

use crate::neighbour::{self, shared};
use insta::assert_snapshot;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

const SAMPLE: &str = "select 1 as id, 'plain' as text, 12.50 as price, null as nothing, '' as empty, true as yes \
                      union all select 22, E'a,b\\n\"c\"|\\t\\\\', 'NaN', null, '', false";

fn query(extra: &[&str]) -> Vec<String> {
    let words = [&["query", "orders-prod", "--user", "oncall"], extra].concat();
    words.into_iter().map(str::to_owned).collect()
}

fn transcript(extra: &[&str]) -> String {
    let words = query(extra);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    shared().transcript(&words)
}

#[test]
fn the_count_of_issue_2() {
    let transcript = transcript(&["-c", "select count(*) from orders", "--format", "csv"]);
    let lines: Vec<&str> = transcript.lines().collect();
    assert_eq!(lines[1], "count");
    assert!(lines[2].parse::<u64>().expect("a number") > 0);
    assert_eq!(&lines[3..], ["--- stderr", "--- exit status 0"]);
}

#[test]
fn every_format() {
    for format in ["table", "csv", "tsv", "json", "jsonl", "markdown"] {
        assert_snapshot!(format!("format_{format}"), transcript(&["--format", format, "-c", SAMPLE]));
    }
    assert_snapshot!("format_null", transcript(&["--format", "csv", "--null", "NULL", "-c", SAMPLE]));
}

/// Psql itself, on the same server through a tunnel, is what tables and CSV are held against.
#[test]
fn tables_and_csv_are_byte_for_byte_psql() {
    let neighbour = shared();
    let statements = [
        SAMPLE.replace("\\n", " ").replace("\\t", " "),
        "select * from products order by 1 limit 25".to_owned(),
        "select * from orders order by 1 limit 25".to_owned(),
        "select * from payments order by 1 limit 25".to_owned(),
        "select 1 where false".to_owned(),
        "select".to_owned(),
        "select array[1,2], '{\"a\": 1}'::jsonb, interval '1 day', '[1,5)'::int4range, 1.5::float8, '\\x00ff'::bytea"
            .to_owned(),
        "select 'é漢字' as wide, 'x' as \"y z\"".to_owned(),
    ];
    let mut tunnel = neighbour.command(&["tunnel", "orders-prod", "--user", "oncall"]).spawn().expect("gatepost runs");
    let mut head = Vec::new();
    let mut stdout = tunnel.stdout.take().expect("a pipe");
    while head.iter().filter(|byte| **byte == b'\n').count() < 2 {
        let mut byte = [0];
        stdout.read_exact(&mut byte).expect("two lines");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("text");
    let psql_line = head.lines().nth(1).expect("the psql line");
    // `gatepost` in it is this build's.
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_gatepost")).parent().expect("a folder");
    let path = format!("{}:{}", folder.display(), neighbour.variable("PATH"));
    for statement in &statements {
        for format in ["csv", "table"] {
            let mut psql = Command::new("sh");
            psql.args(["-c", &format!("{psql_line} \"$@\""), "sh", "-X"]).env("PGCLIENTENCODING", "UTF8");
            for (name, value) in neighbour.command(&[]).get_envs() {
                psql.env(name, value.expect("set"));
            }
            psql.env("PATH", &path);
            if format == "csv" {
                psql.arg("--csv");
            }
            let expected = psql.args(["-c", statement]).output().expect("psql runs");
            assert!(expected.status.success(), "{}", String::from_utf8_lossy(&expected.stderr));
            let words = query(&["--format", format, "-c", statement]);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let said = neighbour.run(&words);
            assert_eq!(said.stdout, String::from_utf8_lossy(&expected.stdout), "{format}: {statement}");
        }
    }
    tunnel.kill().expect("it lives");
    neighbour::wait(&mut tunnel);
}

#[test]
fn scripts_stop_at_the_first_error_and_say_where() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(
        folder.path().join("a.sql"),
        "-- a script\nselect 1 as one;\ndo $$ begin raise notice 'half way'; end $$;\nselect\n  nope\n  from orders;\nselect 2 as two;\n",
    )
    .expect("written");
    let words = ["query", "orders-prod", "--user", "oncall", "--format", "csv", "-f", "a.sql"];
    let child = shared().command(&words).current_dir(folder.path()).spawn().expect("gatepost runs");
    assert_snapshot!(shared().told(&words, &neighbour::finish(child)));
}

/// A file within a file within a file: the error is where it stands, and of one transaction nothing stays.
#[test]
fn an_error_deep_in_a_script_is_found_and_a_single_transaction_is_undone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    std::fs::create_dir(folder.path().join("deep")).expect("made");
    write("top.sql", "create table public.of_a_script (n int);\n\\i deep/a.sql\ninsert into of_a_script values (9);\n");
    write("deep/a.sql", "-- beside it\n\\ir b.sql\n\\echo not reached\n");
    write(
        "deep/b.sql",
        "insert into of_a_script values (1);\n\nselect\n  nope\n  from of_a_script;\nselect 2 as two;\n",
    );
    let run = |extra: &[&str]| {
        let words = query(&[&["--write", "--format", "csv"], extra].concat());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        neighbour::finish(shared().command(&words).current_dir(folder.path()).spawn().expect("gatepost runs"))
    };
    let wanted = format!("{}:4: ERROR:  column \"nope\" does not exist", folder.path().join("deep/b.sql").display());
    for (extra, left) in [(&["--single-transaction"][..], ""), (&[], "1")] {
        let said = run(&[extra, &["-f", "top.sql"]].concat());
        assert_eq!((said.status, said.stdout.as_str()), (1, ""), "{}", said.stderr);
        assert!(said.stderr.lines().any(|line| line == wanted), "{wanted}\n{}", said.stderr);
        let count = "select n from public.of_a_script";
        let said = run(&["-c", count]);
        let rows = said.stdout.strip_prefix("n\n").unwrap_or_default();
        assert_eq!((said.status, rows.trim()), (i32::from(left.is_empty()), left), "{}", said.stderr);
    }
    assert_eq!(run(&["-c", "drop table public.of_a_script"]).status, 0);
    // A file that is not there, and a command that is not had, are found the same way.
    write("missing.sql", "select 1 as one;\n\\i nowhere.sql\nselect 2;\n");
    let said = run(&["-f", "missing.sql"]);
    assert_eq!((said.status, said.stdout.as_str()), (1, "one\n1\n"));
    assert!(said.stderr.contains("missing.sql:2: error: ") && said.stderr.contains("nowhere.sql"), "{}", said.stderr);
    write("shell.sql", "\nselect 1 \\g |cat\nselect 2;\n");
    let said = run(&["-f", "shell.sql"]);
    assert_eq!((said.status, said.stdout.as_str()), (1, ""), "not sent in another way");
    assert!(said.stderr.contains("shell.sql:2: error: \\g: a command of the shell"), "{}", said.stderr);
}

#[test]
fn sql_from_stdin() {
    let words = ["query", "orders-prod", "--user", "oncall", "--format", "csv", "-"];
    let said = shared().feed(&words, "select 1 as a; select 2 as b");
    assert_snapshot!(shared().told(&words, &said));
}

/// Where the script itself is standard input, `pstdin` is what comes next in it, as psql has it; also for a file that it
/// includes.
#[test]
fn data_from_a_standard_input_that_is_the_script() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("load.sql"), "\\copy t from pstdin\nselect count(*) as loaded from t;\n")
        .expect("written");
    let script = "create temp table t (a int, b text);\n\\copy t from pstdin\n1\tone\n2\ttwo\n\\.\n\\i load.sql\n3\tthree\n\\.\n\
                  select count(*), sum(a), max(b) from t;\n";
    let words = ["query", "orders-prod", "--user", "oncall", "--write", "--format", "csv", "-f", "-"];
    let mut child = shared().command(&words).stdin(Stdio::piped()).current_dir(folder.path()).spawn().expect("it runs");
    child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("it reads");
    let said = neighbour::finish(child);
    assert_eq!((said.status, said.stdout.as_str()), (0, "loaded\n3\ncount,sum,max\n3,6,two\n"), "{}", said.stderr);
}

#[test]
fn writes_need_to_be_asked_for() {
    let write = "create table public.written (a int); drop table public.written";
    assert_snapshot!("write_refused", transcript(&["-c", write]));
    let temporary = "create temp table written (a int); insert into written values (1), (2); select * from written";
    assert_snapshot!("write_allowed", transcript(&["--write", "-c", temporary]));
    assert_snapshot!("write_left_open", transcript(&["--write", "-c", "begin; select 1 as a"]));
}

#[test]
fn logins_that_are_refused() {
    let words = |user| ["query", "orders-prod", "--user", user, "-c", "select 1"];
    assert_snapshot!("intern_is_refused", shared().transcript(&words("intern")));
    let said = |database| ["query", "orders-prod", "--user", "oncall", "-d", database, "-c", "select 1"];
    assert_snapshot!("no_such_database", shared().transcript(&said("nowhere")));
    let wiki = ["query", "wiki", "--user", "oncall", "-c", "select 1"];
    assert_snapshot!("not_postgres", shared().transcript(&wiki));
}

#[test]
fn copy_goes_to_stdout() {
    assert_snapshot!(transcript(&["-c", "copy (select 1, 'a b', null) to stdout"]));
}

#[test]
fn control_characters_stay_data() {
    let statement = "select E'\\x1b]0;title\\x07' as a, E'\\u202eabc' as b";
    let piped = transcript(&["--format", "csv", "-c", statement]);
    assert!(piped.contains("\u{1b}]0;title\u{7}"), "a pipe gets what the server sent: {piped:?}");
    let table = transcript(&["-c", statement]);
    assert!(!table.contains('\u{1b}') && table.contains("\\x1B]0;title\\x07"), "{table:?}");
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let words = query(&["--format", "csv", "-c", "select generate_series(1, 100000000)"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut child = shared().command(&words).spawn().expect("gatepost runs");
    let mut first = [0; 100];
    child.stdout.take().expect("a pipe").read_exact(&mut first).expect("rows");
    assert!(first.starts_with(b"generate_series\n1\n2\n"));
    let mut stderr = child.stderr.take().expect("a pipe");
    assert_eq!(neighbour::wait(&mut child), 0);
    let mut said = String::new();
    stderr.read_to_string(&mut said).expect("text");
    assert_eq!(said, "");
}

#[test]
fn an_interrupt_cancels_at_the_server() {
    let neighbour = shared();
    let mark = "interrupted by its test";
    let statement = format!("select pg_sleep(600) as \"{mark}\"");
    let words = query(&["--format", "csv", "-c", &statement]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut child = neighbour.command(&words).spawn().expect("gatepost runs");
    let running = format!(
        "select count(*) as n from pg_stat_activity where query like '%{mark}%' and state = 'active' and pid <> pg_backend_pid()"
    );
    let count = || {
        let words = query(&["--format", "csv", "-c", &running]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        neighbour.run(&words).stdout
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while count() != "n\n1\n" {
        assert!(std::time::Instant::now() < deadline, "the statement does not run: {:?}", count());
    }
    let process = rustix::process::Pid::from_raw(child.id().try_into().expect("a process id")).expect("not zero");
    rustix::process::kill_process(process, rustix::process::Signal::INT).expect("it lives");
    assert_eq!(neighbour::wait(&mut child), 130);
    assert_eq!(count(), "n\n0\n", "it still runs at the server");
}

/// Twenty times as many rows, no more memory. Directly, and not the million of benches/query.rs: a debug build takes
/// minutes for those.
#[test]
fn rows_stay_out_of_memory() {
    let (few, many) = (peak(20_000), peak(400_000));
    assert!(many < few + (16 << 10), "{few} KiB for 2 MB of rows, {many} KiB for 43 MB");
}

/// The most memory, in KiB, that so many rows of about 107 bytes take while they are read as fast as they come.
fn peak(rows: usize) -> u64 {
    let statement = format!("select i, repeat('x', 100) as text from generate_series(1, {rows}) i");
    let words = ["query", "reports", "--user", "oncall", "--format", "csv", "-c", &statement];
    let mut child = shared().command(&words).spawn().expect("gatepost runs");
    let mut stdout = child.stdout.take().expect("a pipe");
    let (mut lines, mut peak) = (0, 0);
    let mut chunk = vec![0; 1 << 16];
    loop {
        let n = stdout.read(&mut chunk).expect("rows");
        if n == 0 {
            break;
        }
        lines += chunk[..n].iter().filter(|byte| **byte == b'\n').count();
        peak = peak.max(resident(child.id()).unwrap_or(0));
    }
    assert_eq!(neighbour::wait(&mut child), 0);
    assert_eq!(lines, rows + 1);
    peak
}

/// Resident memory in KiB (proc(5)); `None` where there is no /proc, or the process has just ended.
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().trim_end_matches(" kB").parse().ok()
}

/// Where a password comes from, through the real program.
#[test]
fn passwords_from_a_secret_a_passfile_and_a_command() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("temporary folder");
    let passfile = folder.path().join("pgpass");
    std::fs::write(&passfile, "*:*:shop:app:shop-app-password\n").expect("written");
    std::fs::set_permissions(&passfile, std::fs::Permissions::from_mode(0o600)).expect("ours");
    let ask = |user: &[&str], login: &[&str], environment: &[(&str, &str)]| {
        let words = ["query", "notifications", "-d", "shop", "--format", "tsv", "-q", "-c", "select current_user"];
        let mut command = shared().command(&[&words[..], user, login].concat());
        command.env("PGPASSFILE", &passfile).env_remove("PGPASSWORD").envs(environment.iter().copied());
        let output = command.output().expect("gatepost runs");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), said(&output.stdout), said(&output.stderr))
    };
    let app = ["--user", "app"];
    let wrong = [("PGPASSWORD", "wrong")];
    let command = [("GATEPOST_PASSWORD_COMMAND", "sh -c 'echo shop-$PGUSER-password'")];
    for (user, login, environment) in [
        (&[][..], &["--secret", "shop/app"][..], &[][..]),
        (&app, &["--auth", "passfile"], &wrong),
        (&app, &["--auth", "password"], &[]),
        (&app, &["--auth", "password"], &[("PGPASSWORD", "shop-app-password")]),
        (&app, &["--auth", "command"], &command),
    ] {
        let (status, out, err) = ask(user, login, environment);
        assert_eq!((status, out.as_str()), (Some(0), "current_user\napp\n"), "{login:?}: {err}");
    }
    for (login, environment, status, words) in [
        (&["--auth", "password"][..], &wrong[..], 3, "password authentication failed"),
        (&["--auth", "command"], &[], 2, "No command gives the password"),
        (&["--auth", "kerberos"], &[], 3, "Kerberos is not there yet"),
        (&["--auth", "iam", "--secret", "x"], &[], 2, "--secret goes with --auth secret alone"),
        (
            &["--auth", "passfile"],
            &[("GATEPOST_PASSWORD_AUTH", "md5")],
            3,
            "asks for SCRAM-SHA-256, which is not allowed",
        ),
    ] {
        let (ended, out, err) = ask(&app, login, environment);
        assert_eq!((ended, out.as_str()), (Some(status), ""), "{login:?}: {err}");
        assert!(err.contains(words) && !err.contains("shop-app-password"), "{login:?}: {err}");
    }
}
