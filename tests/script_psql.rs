//! psql itself as judge of scripts: the same file through `psql -f` and through `gatepost query -f`, on the same server, and
//! what they print compared byte for byte. Where no psql is installed there is no judge, and the test says so.

#[path = "transcripts/neighbour.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod neighbour;

use neighbour::{Said, finish, shared};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

/// The one who may create roles and databases.
const MASTER: &str = "postgres";
const PASSWORD: &str = "postgres-master-password";

/// A copy of the corpus, so that what scripts write goes away.
fn corpus() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/script");
    let copied = Command::new("cp").arg("-r").arg(format!("{}/.", from.display())).arg(folder.path()).status();
    assert!(copied.expect("cp runs").success());
    folder
}

fn ours(folder: &Path, format: &str, extra: &[&str], input: &str) -> Said {
    let words = [
        &["query", "orders-prod", "--user", MASTER, "--auth", "password", "-d", "postgres", "--write", "-q"][..],
        &["--format", format],
        extra,
    ]
    .concat();
    let mut command = shared().command(&words);
    command.current_dir(folder).env("PGPASSWORD", PASSWORD).stdin(Stdio::piped());
    let mut child = command.spawn().expect("gatepost runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_owned();
    let feeding = std::thread::spawn(move || {
        use std::io::Write;
        // Whoever stops early reads no more.
        let _ = stdin.write_all(input.as_bytes());
    });
    let said = finish(child);
    feeding.join().expect("no panic");
    said
}

/// A way for psql to the same server; it ends with its owner.
struct Way {
    tunnel: std::process::Child,
    conninfo: String,
}

impl Way {
    fn open() -> Option<Way> {
        if Command::new("psql").arg("--version").output().is_err() {
            eprintln!("skipped: there is no psql to compare with");
            return None;
        }
        let words = ["tunnel", "orders-prod", "--user", MASTER];
        let mut tunnel = shared().command(&words).spawn().expect("gatepost runs");
        let mut head = Vec::new();
        let stdout = tunnel.stdout.as_mut().expect("a pipe");
        while head.iter().filter(|byte| **byte == b'\n').count() < 2 {
            let mut byte = [0];
            stdout.read_exact(&mut byte).expect("two lines");
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).expect("text");
        let line = head.lines().nth(1).expect("the psql line");
        // PGHOST=… PGHOSTADDR=… PGPORT=… PGUSER=… PGDATABASE=… PGSSLMODE=… PGSSLROOTCERT=… PGPASSWORD="…" psql
        let value = |name: &str| {
            let rest = line.split_once(&format!("{name}=")).unwrap_or_else(|| panic!("{name} in {line}")).1;
            rest.split(' ').next().unwrap_or_default().trim_matches('\'').to_owned()
        };
        let conninfo = format!(
            "host={} hostaddr={} port={} user={} sslmode={} sslrootcert={} dbname=postgres",
            value("PGHOST"),
            value("PGHOSTADDR"),
            value("PGPORT"),
            value("PGUSER"),
            value("PGSSLMODE"),
            value("PGSSLROOTCERT")
        );
        Some(Way { tunnel, conninfo })
    }

    fn psql(&self, folder: &Path, extra: &[&str]) -> Said {
        let mut command = Command::new("psql");
        command.args(["-X", "-q", "-d", &self.conninfo]).args(extra).current_dir(folder);
        command.env("PGPASSWORD", PASSWORD).env("PGCLIENTENCODING", "UTF8").env("TZ", "UTC");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command.spawn().expect("psql runs"))
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.tunnel.kill();
        let _ = self.tunnel.wait();
    }
}

#[test]
fn scripts_print_what_psql_prints() {
    let Some(way) = Way::open() else { return };
    for (script, format, status) in [
        ("variables.sql", "csv", 0),
        ("conditions.sql", "csv", 0),
        ("words.sql", "csv", 0),
        ("errors.sql", "csv", 3),
        ("vendor.sql", "csv", 0),
        ("aligned.sql", "table", 0),
        ("formats.sql", "table", 0),
        ("catalogue.sql", "csv", 3),
        ("catalogue.sql", "table", 3),
    ] {
        let (theirs, mine) = (corpus(), corpus());
        let shape: &[&str] = if format == "csv" { &["--csv"] } else { &[] };
        let expected = way.psql(theirs.path(), &[shape, &["-v", "ON_ERROR_STOP=1", "-f", script]].concat());
        // An option of psql 16 and newer, which is not here.
        let lines = expected.stdout.split_inclusive('\n').filter(|line| !line.starts_with("xheader_width "));
        let expected = Said { stdout: lines.collect(), ..expected };
        // What stops psql early would judge nothing.
        assert_eq!(expected.status, status, "psql of {script}\n{}", expected.stderr);
        assert!(expected.stdout.lines().count() > 3, "{script}: psql said next to nothing");
        let said = ours(mine.path(), format, &["-f", script], "");
        let differs = said.stdout.lines().zip(expected.stdout.lines()).position(|(ours, psqls)| ours != psqls);
        assert!(
            said.stdout == expected.stdout,
            "{script} as {format}, from line {differs:?}\n--- ours\n{}{}--- psql's\n{}{}",
            said.stdout,
            said.stderr,
            expected.stdout,
            expected.stderr
        );
        // psql's 3 is "the script failed"; ours is 1.
        let status = if expected.status == 3 { 1 } else { expected.status };
        assert_eq!(said.status, status, "{script}\n{}", said.stderr);
        for written in ["out.csv", "results.txt"] {
            let read = |folder: &tempfile::TempDir| std::fs::read_to_string(folder.path().join(written)).ok();
            assert_eq!(read(&mine), read(&theirs), "{script}: {written}");
        }
    }
}
