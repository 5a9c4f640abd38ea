//! The real psql as judge of `access::describe`: every word, with and without its modifiers and patterns, over a database
//! with something of every kind. CSV and aligned text are equal byte for byte, refusals in their words.
//!
//! Known and meant to differ: characters that hide or reorder text, which psql sends raw and we show as symbols; an unclosed
//! quote, at which psql complains and then answers as if nothing had been named; `\dn` and `\dL` of a name with this very
//! database before it, which psql 15 takes for another; a semicolon behind `\sf` and `\sv`, which psql takes for part of the
//! name; `\drg` and `\zS`, which an older psql than 16 does not know.
//!
//! The psql has to be that of the server's major version, or 15 for an older server (see `describe`): with another one the
//! test says so and compares nothing, but asks every word all the same.

#[path = "support/psql.rs"]
mod psql;

use gatepost::access::Session;
use gatepost::access::describe::{Refused, describe, is_word};
use psql::postgres::Postgres;

const SCHEMA: &str = include_str!("psql/schema.sql");

/// Words and arguments, one a line.
const WORDS: &str = include_str!("psql/words.txt");

/// What both sessions begin with.
const SETTINGS: &str = "set application_name to 'judged'; set search_path to app, public";

/// Stands between two words' outputs.
const MARK: &str = "~~~ next ~~~";

/// What psql prints for each word, on stdout and on stderr.
fn by_psql(server: &Postgres, options: &[&str], words: &[&str]) -> Vec<(String, String)> {
    let mut script = format!("{SETTINGS};\n");
    for word in words {
        script.push_str(&format!("\\echo '{MARK}'\n\\warn '{MARK}'\n{word}\n"));
    }
    let (out, err) = psql::psql(server, "words", options, &script);
    let pieces = |text: &str| -> Vec<String> { text.split(&format!("{MARK}\n")).skip(1).map(str::to_owned).collect() };
    let (out, err) = (pieces(&out), pieces(&err));
    assert_eq!(out.len(), words.len(), "psql came to its end");
    assert_eq!(err.len(), words.len());
    out.into_iter().zip(err).collect()
}

struct Ours {
    csv: String,
    aligned: String,
    refused: String,
}

async fn by_us(session: &mut Session, line: &str) -> Ours {
    let line = line.strip_prefix('\\').expect("a word");
    let (word, arguments) = line.split_once(' ').unwrap_or((line, ""));
    assert!(is_word(word), "{word}");
    let mut ours = Ours { csv: String::new(), aligned: String::new(), refused: String::new() };
    match describe(session, word, arguments).await {
        Ok(all) => {
            ours.csv = all.iter().map(|printed| printed.csv()).collect();
            ours.aligned = all.iter().map(|printed| printed.aligned()).collect();
        }
        Err(Refused::Server(diagnosis)) => ours.refused = format!("ERROR:  {}", diagnosis.title),
        Err(refused) => ours.refused = refused.to_string(),
    }
    ours
}

/// psql's complaint without where it was read and without what follows a server's message.
fn complaint(text: &str) -> &str {
    let text = text.lines().next().unwrap_or_default();
    text.find("error: ").map_or(text, |at| &text[at + "error: ".len()..])
}

#[tokio::test]
async fn every_word_is_psqls() {
    let Some(version) = psql::version() else {
        println!("skipped: there is no psql on this machine");
        return;
    };
    // A vacuum in the background changes the sizes that words show between psql's passes and ours.
    let server = Postgres::start(&["autovacuum = off"]);
    let server = &server;
    let (major, _) =
        psql::psql(server, "postgres", &["-At"], "select current_setting('server_version_num')::int / 10000;");
    let major: u32 = major.trim().parse().expect("a number");
    let judges = version == major.max(15);
    if !judges {
        println!("not compared: psql {version} is not that of a server of {major}");
    }
    let (_, err) = psql::psql(server, "postgres", &["-q"], "create database words;");
    assert_eq!(err, "");
    let (_, err) = psql::psql(server, "words", &["-q"], SCHEMA);
    assert!(!err.contains("ERROR") && !err.contains("error:"), "the schema: {err}");

    let words: Vec<&str> = WORDS.lines().filter(|line| line.starts_with('\\')).collect();
    assert!(words.len() > 200, "only {} words", words.len());
    let csv = by_psql(server, &["--csv"], &words);
    let aligned = by_psql(server, &[], &words);
    let folder = tempfile::tempdir().expect("a folder");
    let mut session = psql::session(server, "words", &folder).await;
    let mut running = session.run(SETTINGS);
    while let Some(happening) = running.next().await {
        happening.expect("it is set");
    }
    drop(running);
    let mut wrong = Vec::new();
    let mut empty = 0;
    for (at, word) in words.iter().enumerate() {
        let ours = by_us(&mut session, word).await;
        if !judges || csv[at].1.contains("invalid command") {
            if ours.refused.starts_with("ERROR") && ours.refused != complaint(&csv[at].1) {
                wrong.push(format!("{word}: {}", ours.refused));
            }
            continue;
        }
        let told = [(&csv[at].0, &ours.csv, "csv"), (&aligned[at].0, &ours.aligned, "aligned")];
        for (psqls, ours, how) in told {
            if psqls != ours {
                wrong.push(format!("{word} as {how}\n--- psql\n{psqls}\n--- gatepost\n{ours}"));
            }
        }
        let complaint = complaint(&csv[at].1);
        if complaint != ours.refused {
            wrong.push(format!("{word}: psql complains {complaint:?}, gatepost {:?}", ours.refused));
        }
        empty += usize::from(csv[at].0.lines().count() < 2);
    }
    session.close().await;
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(empty * 3 < words.len(), "{empty} of {} words had nothing to tell", words.len());
}
