//! Each fault of the sandbox's dial: the diagnosis it gives on the command line, and the exit status.

use crate::neighbour::{self, Neighbour};
use gatepost::sandbox::Fault;
use insta::assert_snapshot;
use std::io::{BufRead, BufReader, Read};

/// One after another on a sandbox of their own, since the dial is shared.
#[test]
fn each_fault_has_a_diagnosis() {
    let neighbour = Neighbour::start();
    let query = ["query", "orders-prod", "--user", "oncall", "-c", "select 1", "--format", "csv"];
    for (fault, words) in [
        ("expired-login", &query[..]),
        ("denied:rds:DescribeDBClusters", &["list", "--region", "eu-west-1"]),
        ("denied:ssm:StartSession", &query),
        ("region-refused:us-east-1", &["list", "--engine", "mariadb"]),
        ("bastion-offline", &query),
        ("agent-old", &query),
        ("port-closed", &query),
        ("host-unknown", &query),
        ("socket-refused", &query),
        ("token-refused", &query),
        ("wrong-certificate", &query),
        ("expired-certificate", &query),
        ("unknown-ca", &query),
        ("no-tls", &query),
        ("too-many-connections", &query),
        ("starting-up", &query),
    ] {
        let on = Fault::parse(fault).expect("a fault");
        neighbour.sandbox.faults().set(on.clone());
        let mut transcript = neighbour.transcript(words);
        if let Fault::RegionRefused(_) = on {
            // The calls of a region go out at once; whichever is refused first is named.
            for call in [
                "DescribeDBClusters",
                "DescribeDBInstances",
                "DescribeDBProxies",
                "DescribeDBClusterEndpoints",
                "DescribeDBSubnetGroups",
            ] {
                transcript = transcript.replace(&format!("(rds:{call})"), "(rds:CALL)");
            }
        }
        neighbour.sandbox.faults().clear(&on);
        let name = fault.replace([':', '-'], "_");
        assert_snapshot!(format!("fault_{name}"), transcript);
    }
    let transcript = neighbour.transcript(&query);
    assert!(transcript.ends_with("--- exit status 0\n"), "with all faults off again: {transcript}");
}

/// The tunnel breaks for good while rows come: said in words, never a hang, and never "done".
#[test]
fn what_breaks_under_a_statement_is_told() {
    let neighbour = Neighbour::start();
    let faults = neighbour.sandbox.faults();
    let forever = "select i, repeat('x', 100) from generate_series(1, 10000000) i";
    let words = ["query", "orders-prod", "--user", "oncall", "-c", forever, "--format", "csv"];
    let denied = Fault::Denied("ssm:ResumeSession".to_owned());
    for (name, on) in [
        ("session_ended", vec![Fault::SessionEnded]),
        ("database_cut", vec![Fault::DatabaseCut]),
        ("resume_denied", vec![denied, Fault::SocketReset]),
    ] {
        let mut child = neighbour.command(&words).spawn().expect("gatepost runs");
        let mut rows = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        for _ in 0..100 {
            rows.read_line(&mut line).expect("rows come");
        }
        on.iter().for_each(|fault| faults.set(fault.clone()));
        let rest = std::thread::spawn(move || rows.read_to_end(&mut Vec::new()).map(|_| ()));
        let said = neighbour::finish(child);
        rest.join().expect("read").expect("to its end");
        for fault in &on {
            faults.clear(fault);
        }
        // The session's id is another one each time.
        let told = neighbour.told(&words, &said);
        let pieces: Vec<&str> = told.split("session/oncall-").collect();
        let rest = pieces[1..].iter().map(|piece| piece.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
        let told = rest.fold(pieces[0].to_owned(), |told, piece| told + "session/SESSION" + piece);
        // What is dialled again for longer than two seconds is told besides, on a slow machine.
        let besides = |line: &&str| !line.starts_with("note: the tunnel was lost: ");
        let told: String = told.lines().filter(besides).map(|line| format!("{line}\n")).collect();
        assert_snapshot!(format!("broken_{name}"), told);
    }
}
