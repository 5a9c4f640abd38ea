//! SQL laid out for reading. A library (`sqlformat`) says where white space goes; every other character is ours, in its
//! order, so that a library which misreads PostgreSQL's quotes or operators can make it ugly, never different. It must not
//! know keys.

use super::Editor;
use crate::model::sql::{Token, TokenKind, tokens};
use sqlformat::{Dialect, FormatOptions, Indent, QueryParams};

/// Bytes of a statement that are laid out at most: the work is done with the key.
const MOST: usize = 256 << 10;

/// Why nothing was laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no statement.
    #[error("there is no statement here")]
    Nothing,
    /// It is too long.
    #[error("this is too long to be laid out at a key (more than 256 kB)")]
    Long,
    /// A quote, comment or dollar quote is open.
    #[error("a quote or comment has no end yet: the text is left as it is")]
    Open,
    /// psql's words or inline data.
    #[error("psql's words and inline data keep their lines: the text is left as it is")]
    Psql,
    /// The result would not be the same statement.
    #[error("laid out it would not be the same statement: the text is left as it is")]
    Different,
}

impl Editor {
    /// Lays out the selection, or the statement at the cursor, as one step of undo; whether anything changed.
    pub fn format(&mut self) -> Result<bool, Refusal> {
        let (bytes, text) = match self.selection() {
            Some(range) => {
                let bytes = self.buffer.offset(range.start)..self.buffer.offset(range.end);
                let text = self.buffer.slice(range);
                let blank = text.len() - text.trim_start().len();
                let text = text.trim().to_owned();
                (bytes.start + blank..bytes.start + blank + text.len(), text)
            }
            None => {
                let here = self.statement().ok_or(Refusal::Nothing)?;
                (here.bytes, here.text)
            }
        };
        let new = formatted(&text)?;
        if new == text {
            return Ok(false);
        }
        // The cursor stays with the token it is at.
        let before = self.offset().clamp(bytes.start, bytes.end) - bytes.start;
        let spoken = text[..text.floor_char_boundary(before)].chars().filter(|c| !c.is_whitespace()).count();
        self.replace_range(bytes.clone(), &new);
        let mut characters = new.char_indices().filter(|(_, c)| !c.is_whitespace());
        let at = characters.nth(spoken).map_or(new.len(), |(at, _)| at);
        let place = self.buffer.place(bytes.start + at);
        self.go(place, false);
        Ok(true)
    }
}

/// `sql` laid out.
pub(super) fn formatted(sql: &str) -> Result<String, Refusal> {
    if sql.len() > MOST {
        return Err(Refusal::Long);
    }
    let all: Vec<Token> = tokens(sql).collect();
    if all.iter().all(Token::is_blank) {
        return Err(Refusal::Nothing);
    }
    if all.iter().any(|token| !token.terminated) {
        return Err(Refusal::Open);
    }
    if all.iter().any(|token| matches!(token.kind, TokenKind::Backslash | TokenKind::CopyData)) {
        return Err(Refusal::Psql);
    }
    let spoken: Vec<Token> = all.into_iter().filter(|token| token.kind != TokenKind::Space).collect();
    let laid = sqlformat::format(&masked(sql, &spoken), &QueryParams::None, &options());
    let new = filled(sql, &spoken, &laid).ok_or(Refusal::Different)?;
    if same(sql, &new) { Ok(new) } else { Err(Refusal::Different) }
}

fn options() -> FormatOptions<'static> {
    FormatOptions {
        indent: Indent::Spaces(2),
        dialect: Dialect::PostgreSql,
        max_inline_block: 60,
        max_inline_arguments: Some(60),
        max_inline_top_level: Some(60),
        ..FormatOptions::default()
    }
}

/// What the library may misread is shown to it as something harmless of the same width.
fn masked(sql: &str, spoken: &[Token]) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut end = 0;
    for token in spoken {
        out.push_str(&sql[end..token.start]);
        end = token.end;
        let text = token.of(sql);
        match token.kind {
            TokenKind::String | TokenKind::QuotedIdentifier | TokenKind::Variable | TokenKind::Parameter => {
                // A name of one line: what it holds keeps its own lines.
                let width = text.lines().next().unwrap_or("").chars().count().clamp(2, 60);
                out.push_str(&format!("q{}", "_".repeat(width - 1)));
            }
            TokenKind::Comment if text.starts_with("--") => {
                out.push_str("--");
                out.push_str(&"_".repeat(text.chars().count().saturating_sub(2).min(60)));
            }
            TokenKind::Comment => out.push_str("/*_*/"),
            TokenKind::Operator if !matches!(text, "::" | "*" | "=" | "<" | ">" | "<=" | ">=" | "<>" | "+" | "-") => {
                out.push('=');
            }
            TokenKind::Number => out.push_str(&"1".repeat(text.len())),
            TokenKind::Identifier if !text.is_ascii() => out.push_str(&"n".repeat(text.chars().count())),
            _ => out.push_str(text),
        }
    }
    out.push_str(&sql[end..]);
    out
}

/// The white space of `laid` with the tokens of `sql`; `None` when they are not as many.
fn filled(sql: &str, spoken: &[Token], laid: &str) -> Option<String> {
    let mut ours = spoken.iter();
    let mut out = String::with_capacity(laid.len());
    for token in tokens(laid) {
        if token.kind == TokenKind::Space {
            out.push_str(token.of(laid));
        } else {
            out.push_str(ours.next()?.of(sql));
        }
    }
    ours.next().is_none().then(|| out.trim().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")).map(|new| {
        // Lines within quotes must not lose their ends: then nothing is trimmed.
        if same(sql, &new) { new } else { out.trim().to_owned() }
    })
}

/// Whether two texts are the same to the server: the same tokens, and the same line ends where they decide whether two
/// strings are one.
fn same(one: &str, other: &str) -> bool {
    meaning(one) == meaning(other)
}

fn meaning(sql: &str) -> Vec<(TokenKind, &str, bool)> {
    let mut found: Vec<(TokenKind, &str, bool)> = Vec::new();
    let mut broken = false;
    for token in tokens(sql) {
        let text = token.of(sql);
        match token.kind {
            TokenKind::Space => broken |= text.contains('\n'),
            kind => {
                let joins = kind == TokenKind::String && found.last().is_some_and(|last| last.0 == TokenKind::String);
                found.push((kind, text, joins && broken));
                broken = false;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn statements_are_laid_out() {
        for (sql, expected) in [
            (
                "select o.id, count(*) from orders o join items i on i.order_id=o.id where o.status in ('paid','sent') group by o.id order by 2 desc limit 10",
                "select\n  o.id,\n  count(*)\nfrom\n  orders o\n  join items i on i.order_id = o.id\nwhere\n  o.status in ('paid', 'sent')\ngroup by\n  o.id\norder by\n  2 desc\nlimit\n  10",
            ),
            ("select  1", "select\n  1"),
        ] {
            let new = formatted(sql).expect("laid out");
            let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(squeezed(&new), squeezed(expected));
        }
        let new = formatted(
            "select a, b from t where a = 1 and b = 2 and c = 'a long text, so that it is on lines of its own'",
        );
        insta::assert_snapshot!(new.expect("laid out"));
    }

    #[test]
    fn what_a_library_could_misread_stays_as_it_is() {
        for sql in [
            "select $$ a  ;  b\n   c $$, $x$ '  $x$, E'a\\'  b', U&'\\0041  b'",
            "select a->>'x' , b#>>'{a,b}' , c @> '[1]' , d ?| array['x'] , e ?& x , f ~* 'a' , g !~~ 'b' , h <-> i , j &&k , -1 , a- -1 , !!2",
            "select :var , :'var' , :\"var\" , $1 , a[1:2] , x::numeric(10,2)[]",
            "select \"Weird  \"\"name\" , ünïcode /* a  /* nested */  comment */ -- to the end\n , 2",
            "create function f() returns int language sql begin atomic select case when 1=1 then 1 end; select 2; end",
            "select 'one'\n  'two'",
            "select 1 /* last */",
            "/*+ SeqScan(t) */ select 1",
            "insert into t values (1,2) on conflict (a) do update set b=excluded.b returning *",
            "select interval '1 day' , timestamp '2020-01-01' , B'01' , x'ff' , 1e5 , .5 , 0xff , 1_000",
            "select a ||b||c , d operator(pg_catalog.+) e",
            "select 1; select 2",
        ] {
            match formatted(sql) {
                Ok(new) => assert!(same(sql, &new), "{sql}\n{new}"),
                Err(refusal) => assert_eq!(refusal, Refusal::Different, "{sql}"),
            }
            // Most of them are laid out, not merely left alone.
            if !sql.contains("'one'") {
                assert!(
                    formatted(sql).is_ok(),
                    "{sql}\n{}",
                    sqlformat::format(
                        &masked(sql, &tokens(sql).filter(|t| t.kind != TokenKind::Space).collect::<Vec<_>>()),
                        &QueryParams::None,
                        &options()
                    )
                );
            }
        }
        assert!(!same("select 'a'\n'b'", "select 'a' 'b'"));
        assert!(!same("select a - -1", "select a --1"));
        assert_eq!(formatted("select 'open"), Err(Refusal::Open));
        assert_eq!(formatted("select (\n\\if :x\n1)"), Err(Refusal::Psql));
        assert_eq!(formatted(" -- nothing"), Err(Refusal::Nothing));
    }

    #[test]
    fn one_undo_brings_it_back_and_the_cursor_stays_with_its_word() {
        let mut editor = Editor::default();
        editor.paste("select 1;\nselect a,b from t where x=1;\nselect 3");
        let place = editor.buffer().place(10 + "select a,b from t wh".len());
        editor.go(place, false);
        assert_eq!(editor.format(), Ok(true));
        let text = editor.buffer().text();
        assert!(text.starts_with("select 1;\nselect a, b\n") && text.ends_with(";\nselect 3"), "{text}");
        assert!(text[..editor.offset()].ends_with("wh"), "{}", &text[..editor.offset()]);
        assert_eq!(editor.format(), Ok(false));
        editor.edit(super::super::Edit::Undo);
        assert_eq!(editor.buffer().text(), "select 1;\nselect a,b from t where x=1;\nselect 3");
    }

    const PIECES: [&str; 40] = [
        "select", "from", "where", "a", "b.c", "'s'", "E'\\''", "$$x$$", "\"q\"", "1", ",", "(", ")", "[", "]", "::",
        "->>", "@>", "?", "-", "+", "*", "/", "--c\n", "/*c*/", "join", "on", "case", "when", "then", "end", "and",
        ";", ":v", "$1", "\n", "between", "order by", "begin", "=",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn meaning_never_changes(pieces in proptest::collection::vec((prop::sample::select(PIECES.to_vec()), any::<bool>()), 1..30)) {
            let sql: String = pieces.iter().map(|(piece, space)| format!("{piece}{}", if *space { " " } else { "" })).collect();
            if let Ok(new) = formatted(&sql) {
                prop_assert!(same(&sql, &new), "{}\n{}", sql, new);
            }
        }
    }
}
