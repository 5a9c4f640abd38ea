//! The real psql as judge of the splitter: it reads a text and speaks to a server that only writes down what it was
//! sent. Known and meant to differ: a backslash command ends a statement that is not nested (psql keeps it), and
//! `E'a'⏎'\''` is one literal as for the server (psql, which reads line by line, sees two). Where no psql is installed there
//! is no judge, and the test says so.

use gatepost::model::sql::{TokenKind, statements, tokens};
use proptest::prelude::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    message.extend_from_slice(body);
    message
}

fn read(wire: &mut TcpStream, bytes: usize) -> Option<Vec<u8>> {
    let mut buffer = vec![0; bytes];
    wire.read_exact(&mut buffer).ok()?;
    Some(buffer)
}

fn length(wire: &mut TcpStream) -> Option<usize> {
    let four = read(wire, 4)?;
    Some(u32::from_be_bytes(four.try_into().ok()?) as usize - 4)
}

/// Answers everything with "done", and copies with "give"; returns what it was asked, and the data given.
fn listen(mut wire: TcpStream) -> Option<Vec<String>> {
    let startup = length(&mut wire)?;
    read(&mut wire, startup)?;
    let ready = message(b'Z', b"I");
    let mut greeting = message(b'R', &[0, 0, 0, 0]);
    for (name, value) in
        [("server_version", "15.0"), ("client_encoding", "UTF8"), ("standard_conforming_strings", "on")]
    {
        greeting.extend(message(b'S', format!("{name}\0{value}\0").as_bytes()));
    }
    greeting.extend(&ready);
    wire.write_all(&greeting).ok()?;
    let mut asked = Vec::new();
    loop {
        let Some(kind) = read(&mut wire, 1) else { return Some(asked) };
        let length = length(&mut wire)?;
        let body = String::from_utf8(read(&mut wire, length)?).expect("psql sends UTF-8");
        let done = [message(b'C', b"DONE\0"), ready.clone()].concat();
        match kind[0] {
            b'Q' => {
                let query = body.trim_end_matches('\0').to_owned();
                let copies = bare(&query).starts_with("copy t from stdin");
                asked.push(query);
                wire.write_all(&if copies { message(b'G', &[0, 0, 0]) } else { done }).ok()?;
            }
            // psql sends the closing line too.
            b'd' if body == "\\.\n" => {}
            b'd' => asked.push(format!("data {}", body.strip_suffix("\\.\n").unwrap_or(&body))),
            b'c' => wire.write_all(&done).ok()?,
            _ => return Some(asked),
        }
    }
}

/// What psql sends for a file of that text; `None` without a psql.
fn judge(text: &str) -> Option<Vec<String>> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
    let port = listener.local_addr().expect("it is bound").port();
    let mut psql = Command::new("psql")
        .args(["-X", "-q", "-h", "127.0.0.1", "-p", &port.to_string(), "-U", "nobody", "-d", "none", "-f", "-"])
        .envs([("PGSSLMODE", "disable"), ("PGGSSENCMODE", "disable"), ("PGCLIENTENCODING", "UTF8")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let text = text.to_owned();
    let mut stdin = psql.stdin.take().expect("it is piped");
    let feeding = std::thread::spawn(move || drop(stdin.write_all(text.as_bytes())));
    let (wire, _) = listener.accept().expect("psql connects");
    let asked = listen(wire).expect("psql speaks PostgreSQL");
    psql.wait().expect("psql ends");
    feeding.join().expect("no panic");
    Some(asked)
}

/// A statement without white space, comments, and its semicolon.
fn bare(statement: &str) -> String {
    let pieces: Vec<&str> = tokens(statement)
        .filter(|token| !token.is_blank() && token.kind != TokenKind::Backslash)
        .map(|token| token.of(statement))
        .collect();
    let pieces = match pieces.split_last() {
        Some((&";", rest)) => rest,
        _ => &pieces[..],
    };
    // A quote that is never closed: psql does not send the file's last line end.
    pieces.join(" ").trim_end().to_owned()
}

fn by_psql(text: &str) -> Option<Vec<String>> {
    let asked = judge(text)?;
    Some(
        asked
            .iter()
            .map(|one| if one.starts_with("data ") { one.clone() } else { bare(one) })
            .filter(|one| !one.is_empty())
            .collect(),
    )
}

fn by_us(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for statement in statements(text) {
        if !statement.backslash {
            all.push(bare(statement.of(text)));
        }
        if let Some((start, end)) = statement.data {
            all.extend((end > start).then(|| format!("data {}", &text[start..end])));
        }
    }
    all
}

#[test]
fn a_corpus_is_split_as_psql_splits_it() {
    for text in [
        "select 1; select 2 -- ;\n; select ';' /* ; /* ; */ ; */;",
        "create function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3;",
        "create or replace procedure p() begin atomic insert into t values (1); end; commit;",
        "create rule r as on insert to t do also (delete from u; delete from v); select 1;",
        "do $$ begin perform 1; end $$; do $x$ $$;$$ $x$; select $1, 'a''b', E'a\\';', U&'\\;';",
        "select 'a'\n  '\\'; select 2;",
        "select \"a;\"\"b\", U&\"c;\"; select 1",
        "copy t from stdin;\n1\ta;b\n2\t'\n\\.\nselect 1;",
        "copy t from stdin;\n\\.\nselect 1;",
        "select 1 \\g\nselect 2 \\gset x_\nselect 3;",
        "\\echo a;b\nselect 1;\n\\set x 'a;b' \\\\ select 2;",
        "create table a (\n\\echo in between\n b int); select 1;",
        "\\if false\n\\echo x\n\\endif\nselect 1;",
        "select 1 /* never closed ;",
        "select $tag$ never closed ;",
        "select a:b, c::int, d[1:2], :nothing, :'nothing', :\"nothing\";",
        "select a$b$c; select $b$;$b$",
    ] {
        let Some(judged) = by_psql(text) else { return eprintln!("no psql is installed: nothing was compared") };
        assert_eq!(by_us(text), judged, "{text}");
    }
}

/// Text of what decides where statements end. Left out is what differs on purpose: key words behind a full stop, `BEGIN`
/// without `ATOMIC`.
fn sql() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "'",
        "'",
        "''",
        "E'",
        "e'",
        "U&'",
        "U&\"",
        "N'",
        "$$",
        "$a$",
        "$ab$",
        "$1",
        "$",
        "/*",
        "*/",
        "--",
        "\n",
        "\n",
        ";",
        ";",
        ";",
        "(",
        ")",
        "\"",
        ":",
        "::",
        "1",
        "1.5",
        "begin atomic",
        "case",
        "end",
        "create",
        "or replace",
        "function",
        "procedure",
        "t",
        "x",
        "é",
        "+",
        "-",
        "@",
        "*",
        "/",
    ]);
    proptest::collection::vec((piece, any::<bool>()), 1..50).prop_map(|pieces| {
        pieces.iter().map(|(piece, space)| format!("{piece}{}", if *space { " " } else { "" })).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_is_split_as_psql_splits_it(text in sql()) {
        if let Some(judged) = by_psql(&text) {
            prop_assert_eq!(by_us(&text), judged);
        }
    }
}
