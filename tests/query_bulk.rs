//! Much at once through the real binary: a script of megabytes, and `\copy` of many rows in and out. What it holds of them
//! is bounded, whatever their size: at most [`MORE`] megabytes more than for `select 1`. It must not know how.

#[path = "transcripts/neighbour.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod neighbour;

use neighbour::{Said, finish, shared};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Megabytes beyond what the smallest statement takes.
const MORE: u64 = 20;

/// What it said, and the most megabytes that it had in memory; 0 where the system does not tell.
fn query(words: &[&str]) -> (Said, u64) {
    let first = ["query", "orders-prod", "--user", "postgres", "--auth", "password", "-d", "billing", "--write", "-q"];
    let mut command = shared().command(&[&first[..], &["--format", "csv"], words].concat());
    let child = command.env("PGPASSWORD", "postgres-master-password").spawn().expect("gatepost runs");
    let status = format!("/proc/{}/status", child.id());
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    let watching = std::thread::spawn(move || {
        let mut most = 0;
        while !told.load(Ordering::Acquire) {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
            most = most.max(kilobytes.unwrap_or(0) >> 10);
            std::thread::sleep(Duration::from_millis(5));
        }
        most
    });
    let said = finish(child);
    over.store(true, Ordering::Release);
    let most = watching.join().expect("no panic");
    assert_eq!(said.status, 0, "{words:?}: {}", said.stderr);
    (said, most)
}

#[test]
fn what_is_held_of_a_script_and_of_copied_rows_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (_, least) = query(&["-c", "select 1"]);
    let bounded = |most: u64, what: &str| {
        assert!(most <= least + MORE, "{what}: {most} MB, and {least} MB for select 1");
    };

    // Few long statements, many of a line, and many that are read and skipped; 45 MB in all.
    let mut script = "create table bulk (n int, t text);\n".to_owned();
    let (long, short) = ("x".repeat(256 << 10), "y".repeat(2000));
    for n in 0..80 {
        writeln!(script, "insert into bulk values ({n}, '{long}');").expect("a string takes all");
    }
    script.push_str("\\if false\n");
    for n in 0..10_000 {
        writeln!(script, "insert into bulk values ({n}, '{short}');").expect("a string takes all");
    }
    script.push_str("\\endif\n");
    for n in 80..2020 {
        writeln!(script, "insert into bulk values ({n}, '{short}');").expect("a string takes all");
    }
    script.push_str("select count(*), sum(n), sum(length(t)) from bulk;\n");
    std::fs::write(path("script.sql"), &script).expect("our own folder");
    let (said, most) = query(&["-f", &path("script.sql")]);
    assert_eq!(said.stdout, format!("count,sum,sum\n2020,{},{}\n", 2019 * 2020 / 2, (20 << 20) + 1940 * 2000));
    bounded(most, "the script");

    // In: 60 MB of a file. Out: 20 MB, for the way back is the slow one.
    let mut rows = String::new();
    for n in 0..600_000 {
        writeln!(rows, "{n},{}", "z".repeat(94)).expect("a string takes all");
    }
    std::fs::write(path("in.csv"), &rows).expect("our own folder");
    let into =
        format!("truncate bulk;\n\\copy bulk from '{}' csv\nselect count(*), sum(n) from bulk;\n", path("in.csv"));
    std::fs::write(path("in.sql"), into).expect("our own folder");
    let (said, most) = query(&["-f", &path("in.sql")]);
    assert_eq!(said.stdout, format!("count,sum\n600000,{}\n", 599_999_u64 * 600_000 / 2));
    bounded(most, "\\copy from");
    let out = format!("\\copy (select * from bulk where n < 100000 order by n) to '{}' csv", path("out.csv"));
    let (_, most) = query(&["-c", &out]);
    let written = std::fs::read_to_string(path("out.csv")).expect("the file");
    assert!(rows.starts_with(&written) && written.lines().count() == 100_000, "{} bytes", written.len());
    bounded(most, "\\copy to");
    query(&["-c", "drop table bulk"]);
}
