//! PostgreSQL's lexical structure: a corpus of what psql does, and properties that hold for any text.

use gatepost::model::sql::{
    Class, CopyWay, Ended, LexState, Reserved, Token, TokenKind, classify, keyword, lex_line, statement_at, statements,
    tokens,
};
use proptest::prelude::*;

fn kinds(text: &str) -> Vec<(TokenKind, &str)> {
    tokens(text).filter(|token| token.kind != TokenKind::Space).map(|token| (token.kind, token.of(text))).collect()
}

fn texts(text: &str) -> Vec<&str> {
    statements(text).iter().map(|statement| statement.of(text)).collect()
}

#[test]
fn literals_and_names_are_whole() {
    use TokenKind::*;
    for (text, kind) in [
        ("'it''s'", String),
        ("E'it\\'s'", String),
        ("e'\\\\'", String),
        ("U&'d\\0061t'", String),
        ("B'01'", String),
        ("x'fF'", String),
        ("N'a'", String),
        ("$$it's; $tag$ $ $$", String),
        ("$tag$ $$ $tag $other$ $tag$", String),
        ("$täg$ ü $täg$", String),
        ("\"a\"\"b;\"", QuotedIdentifier),
        ("U&\"d\\0061t\"", QuotedIdentifier),
        ("orders$1", Identifier),
        ("größe", Identifier),
        ("SELECT", Keyword),
        ("/* a /* b */ ; */", Comment),
        ("-- it's", Comment),
        ("$12", Parameter),
        ("1.5e-3", Number),
        ("0xFF_FF", Number),
        ("1_000.", Number),
        (".5", Number),
        ("<@>", Operator),
        ("::", Operator),
        (":=", Operator),
        ("->>", Operator),
        (":name", Variable),
        (":'name'", Variable),
        (":\"name\"", Variable),
        (":{?name}", Variable),
        ("\\d+ orders 'a b'", Backslash),
        ("\\! echo \\\\ 'x", Backslash),
        ("\\", Backslash),
    ] {
        let found: Vec<Token> = tokens(text).collect();
        assert_eq!(found, [Token { kind, start: 0, end: text.len(), terminated: true }], "{text}");
    }
}

#[test]
fn half_typed_text_has_tokens_too() {
    use TokenKind::*;
    for (text, kind) in [
        ("'abc;", String),
        ("E'abc\\", String),
        ("E'abc\\'", String),
        ("$tag$ ; $tag", String),
        ("\"abc", QuotedIdentifier),
        ("/* a /* b */", Comment),
        ("/*/", Comment),
        ("\\echo 'abc", Backslash),
    ] {
        let found: Vec<Token> = tokens(text).collect();
        assert_eq!(found, [Token { kind, start: 0, end: text.len(), terminated: false }], "{text}");
    }
}

#[test]
fn operators_stop_where_postgresql_stops_them() {
    use TokenKind::*;
    assert_eq!(kinds("a=-1"), [(Identifier, "a"), (Operator, "="), (Operator, "-"), (Number, "1")]);
    assert_eq!(kinds("a@-1"), [(Identifier, "a"), (Operator, "@-"), (Number, "1")]);
    assert_eq!(kinds("1+--x\n2"), [(Number, "1"), (Operator, "+"), (Comment, "--x"), (Number, "2")]);
    assert_eq!(kinds("1*/*x*/2"), [(Number, "1"), (Operator, "*"), (Comment, "/*x*/"), (Number, "2")]);
    assert_eq!(kinds("1..2"), [(Number, "1"), (Operator, ".."), (Number, "2")]);
    assert_eq!(kinds("a::int[1]")[1..3], [(Operator, "::"), (Keyword, "int")]);
    assert_eq!(kinds("t.name, name")[2], (Identifier, "name"));
    assert_eq!(kinds("a\\:b"), [(Identifier, "a"), (Punctuation, "\\:"), (Identifier, "b")]);
    assert_eq!(keyword("Select"), Some(Reserved::Yes));
}

#[test]
fn a_continued_escape_string_keeps_its_rules() {
    // E'a'⏎'b\'c' is one literal of PostgreSQL; apart on one line the second would end at its second quote.
    assert_eq!(texts("select E'a' -- c\n '\\';' ; select 2"), ["select E'a' -- c\n '\\';'", "select 2"]);
    assert_eq!(texts("select 'a'\n '\\';select 2"), ["select 'a'\n '\\'", "select 2"]);
}

#[test]
fn statements_end_where_psql_ends_them() {
    for (text, want) in [
        ("select 1; select 2", vec!["select 1", "select 2"]),
        (" ;; select ';' ;", vec!["select ';'"]),
        ("select \";\", $$;$$, $a$;$$;$a$ /* ; */ -- ;\n;x", vec!["select \";\", $$;$$, $a$;$$;$a$", "x"]),
        ("create rule r as on insert to t do (a; b); c", vec!["create rule r as on insert to t do (a; b)", "c"]),
        (
            "create or replace function f() returns int begin atomic select case when 1 = 1 then 1 end; select 2; end; x",
            vec![
                "create or replace function f() returns int begin atomic select case when 1 = 1 then 1 end; select 2; end",
                "x",
            ],
        ),
        (
            "create procedure p() begin atomic insert into t values (1); end; x",
            vec!["create procedure p() begin atomic insert into t values (1); end", "x"],
        ),
        ("begin; select 1; end; commit", vec!["begin", "select 1", "end", "commit"]),
        ("create table begin_t (a int); select 1", vec!["create table begin_t (a int)", "select 1"]),
        ("select 1 \\gset p_\nselect 2", vec!["select 1", "\\gset p_", "select 2"]),
        ("\\d orders\nselect 1", vec!["\\d orders", "select 1"]),
        ("\\x \\\\ select 1; \\echo a \\echo b", vec!["\\x", "select 1", "\\echo a", "\\echo b"]),
        (
            "create table t (\n\\if :big\n a bigint\n\\endif\n);x",
            vec!["create table t (\n\\if :big\n a bigint\n\\endif\n)", "x"],
        ),
        ("select 1\\; select 2; x", vec!["select 1\\; select 2", "x"]),
        ("/*+ SeqScan(t) */ select 1; -- end", vec!["/*+ SeqScan(t) */ select 1"]),
        ("\\copy t from 'x;y' \\ z\nselect 1;", vec!["\\copy t from 'x;y' \\ z", "select 1"]),
    ] {
        assert_eq!(texts(text), want, "{text}");
    }
}

#[test]
fn inline_data_belongs_to_its_copy() {
    let text =
        "copy t (a, b) from stdin with (format csv);\n1,it's;\n\\.x\n\\.\nselect 1;\ncopy t to stdout;\nselect 2";
    let found = statements(text);
    let all: Vec<_> = found.iter().map(|statement| statement.of(text)).collect();
    assert_eq!(all, ["copy t (a, b) from stdin with (format csv)", "select 1", "copy t to stdout", "select 2"]);
    let (start, end) = found[0].data.expect("data");
    assert_eq!(&text[start..end], "1,it's;\n\\.x\n");
    assert_eq!(found[1].line, 5);
    assert_eq!(found[2].data, None);
    let empty = "copy t from stdin;\n\\.\nx";
    assert_eq!(statements(empty)[0].data, Some((19, 19)));
    assert_eq!(texts("copy t from 'stdin';\nselect 1"), ["copy t from 'stdin'", "select 1"]);
    assert_eq!(texts("copy (select 1 from stdin) to stdout;\nselect 1").len(), 2);
}

#[test]
fn the_statement_under_the_cursor() {
    let text = "select 1;  select 2\n  from t;\n\n\\d t\nselect 3\n\nwhere x";
    let at = |mark: usize| statement_at(text, mark).map(|statement| statement.of(text));
    let offset = |needle: &str| text.find(needle).expect("in the text");
    assert_eq!(at(0), Some("select 1"));
    assert_eq!(at(9), Some("select 1"));
    assert_eq!(at(offset("from")), Some("select 2\n  from t"));
    assert_eq!(at(offset("t;") + 2), Some("select 2\n  from t"));
    assert_eq!(at(offset("t;") + 3), Some("\\d t"));
    assert_eq!(at(offset("\\d") + 3), Some("\\d t"));
    assert_eq!(at(text.len()), Some("select 3\n\nwhere x"));
    assert_eq!(statement_at(" -- nothing\n", 3), None);
    assert_eq!(statement_at("  select 1", 0).map(|statement| statement.ended), Some(Ended::Text));
}

#[test]
fn classes() {
    let writes = |verb: &str| Class::Writes { verb: verb.to_owned() };
    let danger = |reason: &str| Class::Dangerous { reason: reason.to_owned() };
    for (text, want) in [
        ("", Class::Empty),
        ("-- only a comment", Class::Empty),
        ("select 1", Class::Reads),
        ("(select 1) union (select 2)", Class::Reads),
        ("with a as (select 1) select * from a", Class::Reads),
        ("values (1)", Class::Reads),
        ("show all", Class::Reads),
        ("explain delete from t", Class::Reads),
        ("explain (analyze, buffers) delete from t", danger("DELETE without WHERE")),
        ("explain (analyze off) delete from t", Class::Reads),
        ("explain analyze verbose insert into t values (1)", writes("INSERT")),
        ("delete from t", danger("DELETE without WHERE")),
        ("delete from t where a = 1", writes("DELETE")),
        ("delete from t using (select 1 where true) x", danger("DELETE without WHERE")),
        ("/* c */ Update t set a = (select 1 from u where true)", danger("UPDATE without WHERE")),
        ("with gone as (delete from t returning *) select * from gone where true", danger("DELETE without WHERE")),
        ("with gone as (delete from t where a = 1 returning *) select * from gone", writes("DELETE")),
        ("with a as (select 1) update t set a = 1 where b", writes("UPDATE")),
        ("insert into t select * from u on conflict do update set a = 1", writes("INSERT")),
        ("merge into t using u on true when matched then delete", writes("MERGE")),
        ("select * into t from u", writes("SELECT INTO")),
        ("select * from t for update", writes("SELECT FOR UPDATE")),
        ("drop table if exists t", danger("DROP TABLE")),
        ("drop materialized view v", danger("DROP MATERIALIZED VIEW")),
        ("truncate t", danger("TRUNCATE")),
        ("alter table t add a int", danger("ALTER TABLE")),
        ("create unlogged table t (a int)", writes("CREATE TABLE")),
        ("create or replace function f() returns int return 1", writes("CREATE FUNCTION")),
        ("begin", Class::Transaction),
        ("prepare transaction 'x'", Class::Transaction),
        ("set search_path = a", Class::Session),
        ("copy t to stdout", Class::Copy(CopyWay::ToStdout)),
        ("copy (select 1) to STDOUT with (format csv)", Class::Copy(CopyWay::ToStdout)),
        ("copy (delete from t returning a) to stdout", danger("DELETE without WHERE")),
        ("copy t (a) from stdin", Class::Copy(CopyWay::FromStdin)),
        ("copy t from program 'x'", Class::Copy(CopyWay::FromServer)),
        ("\\d t", Class::Backslash),
        ("do $$ begin end $$", writes("DO")),
        ("select 1; drop schema s", danger("DROP SCHEMA")),
        ("declare c cursor for select 1", Class::Reads),
        ("grant select on t to u", danger("GRANT")),
    ] {
        assert_eq!(classify(text), want, "{text}");
    }
}

/// Text made of what matters to the lexer, with some of anything.
fn sql() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(vec![
            "'", "''", "E'", "U&'", "U&\"", "B'", "$$", "$a$", "$ab$", "$1", "$", "/*", "*/", "--", "\n", "\r\n", "\\", "\\\\",
            "\\.", "\\g\n", "\\d t", ";", "(", ")", "\"", ":", "::", ":x", ":'x'", ".", "1", "1.5", "e", "begin", "atomic", "case",
            "end", "create", "or", "replace", "function", "copy", "from", "stdin", "t", "select", " ", "é", "+", "-", "@", "*", "/",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        2 => Just(" ".to_owned()),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn every_byte_is_in_one_token(text in sql()) {
        let mut at = 0;
        for token in tokens(&text) {
            prop_assert_eq!(token.start, at);
            prop_assert!(token.end > token.start);
            prop_assert!(text.is_char_boundary(token.end));
            at = token.end;
        }
        prop_assert_eq!(at, text.len());
        prop_assert!(tokens(&text).filter(|token| !token.terminated).count() <= 1 + text.matches('\\').count());
    }

    /// Line by line an editor sees what the whole shows: the same kind at every byte, but for the lines' ends.
    #[test]
    fn lines_agree_with_the_whole(text in sql()) {
        let mut whole = vec![None; text.len()];
        for token in tokens(&text) {
            whole[token.start..token.end].fill(Some(token.kind));
        }
        let mut state = LexState::default();
        let mut start = 0;
        for line in text.split('\n') {
            let (found, next) = lex_line(state, line);
            let mut at = 0;
            for token in found {
                prop_assert_eq!(token.start, at);
                at = token.end;
                for byte in token.start..token.end {
                    prop_assert_eq!(whole[start + byte], Some(token.kind), "byte {} of {:?}", start + byte, &text);
                }
            }
            prop_assert_eq!(at, line.len());
            state = next;
            start += line.len() + 1;
        }
    }

    /// Nothing that means something is lost or taken twice.
    #[test]
    fn statements_lose_nothing(text in sql()) {
        let found = statements(&text);
        let mut at = 0;
        let gap = |from: usize, to: usize| text[from..to].to_owned();
        let mut gaps = Vec::new();
        for statement in &found {
            prop_assert!(statement.start >= at && statement.end > statement.start, "{:?} in {:?}", statement, &text);
            prop_assert_eq!(statement.line, 1 + text[..meaning(&text, statement.start)].matches('\n').count());
            gaps.push(gap(at, statement.start));
            at = statement.end;
            if let Some((start, end)) = statement.data {
                prop_assert!(start >= at && end >= start);
                gaps.push(gap(at, start));
                at = end;
            }
        }
        gaps.push(gap(at, text.len()));
        for token in tokens(&text) {
            let blank = token.is_blank() || matches!(token.of(&text), ";" | "\\\\") || token.kind == TokenKind::CopyData;
            let inside = found.iter().any(|one| one.start <= token.start && token.start < one.end);
            prop_assert!(blank || inside, "{:?} of {:?}", token, &text);
        }
        for gap in gaps {
            prop_assert!(gap.len() <= text.len());
        }
    }

    #[test]
    fn a_cursor_is_always_somewhere(text in sql(), at in 0usize..400) {
        let all = statements(&text);
        let found = statement_at(&text, at.min(text.len()));
        prop_assert_eq!(found.is_some(), !all.is_empty());
        prop_assert!(found.is_none_or(|found| all.contains(&found)));
        let _ = classify(&text);
    }
}

/// The offset of the first token at or after `at` that means something.
fn meaning(text: &str, at: usize) -> usize {
    tokens(text).find(|token| token.start >= at && !token.is_blank()).map_or(text.len(), |token| token.start)
}
