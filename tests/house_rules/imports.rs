//! The table of shared/design's architecture: which room may import which, and which crate belongs to which room. It
//! must not know files.

use super::source::{without_comments_and_strings, without_test_modules};

/// Rooms and the rooms they may import. `main` and `settings` may import everything; `lib.rs` only names the rooms.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("ssm", &[]),
    ("aws", &["model"]),
    ("db", &["model"]),
    ("access", &["model", "aws", "ssm", "db"]),
    ("console", &["model", "access"]),
    ("cli", &["model", "access"]),
    // Of ssm, the pure codecs only: PURE_CODECS.
    ("sandbox", &["model", "ssm"]),
];

/// What the sandbox may take from ssm: bytes to meaning and back, nothing that owns a socket.
const PURE_CODECS: &[&str] = &["message", "ack", "handshake", "open", "smux"];

/// Crates that belong to certain rooms; a name that ends in `*` stands for all that begin so.
const CRATES: &[(&str, &[&str])] = &[
    ("ratatui*", &["console"]),
    ("crossterm", &["console"]),
    ("aws_*", &["aws"]),
    ("tokio_postgres", &["db"]),
    ("postgres_native_tls", &["db"]),
    ("native_tls", &["db", "ssm", "sandbox"]),
    ("tokio_native_tls", &["db", "ssm", "sandbox"]),
    ("clap", &["cli", "main"]),
    ("clap_complete", &["main"]),
    ("clap_mangen", &["main"]),
    ("directories", &["settings", "main"]),
    ("tokio_tungstenite", &["ssm", "sandbox"]),
    // ssm: the certificate of the gateway that its trials dial. db: that of the listener's run (db/local_tls.rs).
    ("rcgen", &["sandbox", "ssm", "db"]),
    ("tokio_rustls", &["sandbox", "db"]),
    ("hyper", &["sandbox"]),
    ("hyper_util", &["sandbox"]),
    ("http_body_util", &["aws", "sandbox"]),
    // The ground has no I/O and no asynchrony.
    ("tokio", &["ssm", "aws", "db", "access", "console", "cli", "sandbox", "main", "settings"]),
    ("futures_util", &["ssm", "aws", "db", "access", "console", "cli", "sandbox", "main", "settings"]),
];

/// What is wrong with the imports of one file; `name` is its path from the project's folder.
pub fn violations(name: &str, text: &str) -> Vec<String> {
    let segments: Vec<&str> = name.trim_end_matches(".rs").split('/').skip(1).collect();
    let room = match segments.first() {
        Some(&"lib") | None => return Vec::new(),
        Some(room) => *room,
    };
    let code = without_test_modules(&without_comments_and_strings(text));
    let mut wrong = Vec::new();
    let mut say = |what: String| {
        let sentence = format!("{name}: {what}");
        if !wrong.contains(&sentence) {
            wrong.push(sentence);
        }
    };
    let allowed = ROOMS.iter().find(|(known, _)| *known == room).map(|(_, allowed)| *allowed);
    if allowed.is_none() && room != "main" && room != "settings" {
        say(format!("{room} is no room of the house"));
    }
    for path in paths(&code, &segments) {
        let first = path.first().map_or("", String::as_str);
        if first == "crate" || first == "gatepost" {
            let (Some(other), Some(allowed)) = (path.get(1), allowed) else { continue };
            if !ROOMS.iter().any(|(known, _)| known == other) && other != "settings" {
                continue;
            }
            if other != room && !allowed.contains(&other.as_str()) {
                say(format!("{room} must not import {other}"));
            }
            let codec = path.get(2).is_some_and(|module| PURE_CODECS.contains(&module.as_str()));
            if room == "sandbox" && other == "ssm" && !codec {
                say(format!("the sandbox may import ssm's pure codecs only, not {}", path[1..].join("::")));
            }
            continue;
        }
        for (name, rooms) in CRATES {
            let fits = match name.strip_suffix('*') {
                Some(head) => first.starts_with(head),
                None => first == *name,
            };
            if fits && !rooms.contains(&room) {
                say(format!("{first} belongs to {}, not to {room}", rooms.join(" and ")));
            }
        }
    }
    wrong
}

/// All paths of the code (`a::b::c`, groups of `use` taken apart), those of `super` made whole. `segments` are the
/// file's own module path.
fn paths(code: &str, segments: &[&str]) -> Vec<Vec<String>> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let after_separator = at > 0 && tokens[at - 1] == "::";
        let begins = is_name(&tokens[at]) && !after_separator && tokens.get(at + 1).is_some_and(|next| next == "::");
        // `use name;` and `extern crate name` are paths of one name.
        let lone = is_name(&tokens[at]) && at > 0 && (tokens[at - 1] == "use" || tokens[at - 1] == "crate");
        if begins || lone {
            at = walk(&tokens, at, &mut Vec::new(), &mut found);
        } else {
            at += 1;
        }
    }
    found.into_iter().map(|path| whole(path, segments)).collect()
}

/// One path or group from `at`, under `prefix`; gives where it ends.
fn walk(tokens: &[String], mut at: usize, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let depth = prefix.len();
    while at < tokens.len() {
        if is_name(&tokens[at]) {
            prefix.push(tokens[at].clone());
            at += 1;
            if tokens.get(at).is_some_and(|next| next == "::") {
                at += 1;
                continue;
            }
        } else if tokens[at] == "{" {
            at += 1;
            while at < tokens.len() && tokens[at] != "}" {
                if is_name(&tokens[at]) || tokens[at] == "{" {
                    at = walk(tokens, at, prefix, found);
                    if tokens.get(at).is_some_and(|next| next == "as") {
                        at += 2;
                    }
                } else {
                    at += 1;
                }
            }
            prefix.truncate(depth);
            return at + 1;
        }
        break;
    }
    found.push(prefix.clone());
    prefix.truncate(depth);
    at
}

/// `super::x` as `crate::…::x`.
fn whole(path: Vec<String>, segments: &[&str]) -> Vec<String> {
    let climbs = path.iter().take_while(|name| *name == "super").count();
    if climbs == 0 {
        return path;
    }
    // `mod.rs` stands for its folder. Inline modules make a path deeper than the file tells; that can only make it seem
    // to climb further than it does.
    let own = if segments.last() == Some(&"mod") { segments.len() - 1 } else { segments.len() };
    let kept = own.saturating_sub(climbs);
    let mut made = vec!["crate".to_owned()];
    made.extend(segments[..kept].iter().map(|segment| (*segment).to_owned()));
    made.extend(path.into_iter().skip(climbs));
    made
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let length = if c.is_alphanumeric() || c == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            c.len_utf8()
        };
        if !c.is_whitespace() {
            tokens.push(rest[..length].to_owned());
        }
        rest = &rest[length..];
    }
    tokens
}

#[test]
fn planted_violations_are_found() {
    for (name, text, found) in [
        ("src/model/x.rs", "use crate::access::Access;", "model must not import access"),
        ("src/ssm/x.rs", "use crate::model::Secret;", "ssm must not import model"),
        ("src/aws/x.rs", "use crate::{model::Place, db::Roots};", "aws must not import db"),
        ("src/db/x.rs", "fn f() { crate::aws::list() }", "db must not import aws"),
        ("src/access/x.rs", "use crate::console;", "access must not import console"),
        ("src/access/x.rs", "use crate::{\n    model::{Step, Kind},\n    cli,\n};", "access must not import cli"),
        ("src/cli/x.rs", "use crate::sandbox::Sandbox;", "cli must not import sandbox"),
        ("src/cli/x.rs", "use crate::settings::Sources;", "cli must not import settings"),
        ("src/cli/query/x.rs", "use super::super::super::db::Error;", "cli must not import db"),
        ("src/cli/mod.rs", "use super::aws;", "cli must not import aws"),
        ("src/console/x.rs", "use clap::Parser;", "clap belongs to cli and main, not to console"),
        ("src/cli/x.rs", "let c = crossterm::event::read();", "crossterm belongs to console, not to cli"),
        ("src/access/x.rs", "use aws_sdk_rds::Client;", "aws_sdk_rds belongs to aws, not to access"),
        ("src/access/x.rs", "fn f(e: tokio_postgres::Error) {}", "tokio_postgres belongs to db, not to access"),
        ("src/model/x.rs", "use tokio::fs;", "tokio belongs to "),
        ("src/model/x.rs", "use directories;", "directories belongs to settings and main, not to model"),
        ("src/sandbox/x.rs", "use crate::ssm::Tunnel;", "the sandbox may import ssm's pure codecs only"),
        (
            "src/sandbox/x.rs",
            "use crate::ssm::{message::Message, Tunnel};",
            "the sandbox may import ssm's pure codecs only",
        ),
        ("src/sandbox/x.rs", "use crate::aws::Client;", "sandbox must not import aws"),
        ("src/helpers/x.rs", "", "helpers is no room of the house"),
    ] {
        let wrong = violations(name, text);
        assert!(wrong.iter().any(|sentence| sentence.contains(found)), "{name}: {text}\n{wrong:?}");
    }
}

#[test]
fn what_is_allowed_passes() {
    for (name, text) in [
        ("src/aws/x.rs", "use crate::model::Place;\nuse aws_sdk_rds::Client;\nuse super::y;"),
        ("src/access/x.rs", "use crate::{aws, db::{self, Roots}, model::*, ssm};"),
        ("src/console/query/x.rs", "use super::super::keys;\nuse crate::access::Access;\nuse ratatui::Frame;"),
        ("src/sandbox/x.rs", "use crate::ssm::{message::{Message, Flag}, smux};\nuse crate::model::Settings;"),
        ("src/main.rs", "use gatepost::sandbox::Sandbox;\nuse clap::Parser;"),
        ("src/settings/x.rs", "use crate::model::Settings;\nuse directories::ProjectDirs;"),
        ("src/ssm/x.rs", "// use crate::model::Secret;\nlet s = \"crate::model\";\nuse tokio::time;"),
        ("src/ssm/y.rs", "#[cfg(test)]\nmod tests {\n    use crate::sandbox::Sandbox;\n}"),
        ("src/cli/x.rs", "use crate::model::sql::statements;\nfn f() { format::db::x() }"),
        ("src/lib.rs", "pub mod access;"),
    ] {
        assert_eq!(violations(name, text), Vec::<String>::new(), "{name}: {text}");
    }
}
