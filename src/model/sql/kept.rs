//! What a history may keep of a text that is run: without the data of its COPY statements, and nothing of it where a secret
//! may stand in it. It must not know files.

use super::secret::{may_hold_secret, names_secret};
use super::split::statements;
use super::token::{Token, TokenKind};
use super::tokens;

/// What a database knows of its names, as far as it tells of secrets.
pub trait Known {
    /// The names of a relation's columns.
    fn columns(&self, schema: Option<&str>, relation: &str) -> Vec<&str>;
    /// What the functions of a name take, a text each.
    fn arguments(&self, schema: Option<&str>, function: &str) -> Vec<&str>;
}

/// The text as it may be kept: data that follows `COPY … FROM STDIN;` is replaced by a comment that says how many lines
/// there were, so that what is kept can be run again and copies nothing. `None` where a secret may stand in the rest, as
/// far as its words tell, or the names of the columns and parameters that its literals are for.
pub fn kept(text: &str, known: &impl Known) -> Option<String> {
    let kept = without_data(text);
    (!may_hold_secret(&kept) && !fills_secret(&kept, known)).then_some(kept)
}

/// Whether data of its COPY statements, or its literals, are for a column or a parameter that is named like a secret.
pub fn fills_secret(text: &str, known: &impl Known) -> bool {
    let all: Vec<Token> = tokens(text).filter(|token| !token.is_blank()).collect();
    let is = |at: usize, word: &str| {
        let token = all.get(at).filter(|token| matches!(token.kind, TokenKind::Keyword | TokenKind::Identifier));
        token.is_some_and(|token| token.of(text).eq_ignore_ascii_case(word))
    };
    let mark = |at: usize, mark: &str| {
        all.get(at).is_some_and(|token| token.kind == TokenKind::Punctuation && token.of(text) == mark)
    };
    let name = |at: usize| {
        let token = all.get(at)?;
        match token.kind {
            TokenKind::Identifier | TokenKind::Keyword => Some(token.of(text).to_ascii_lowercase()),
            TokenKind::QuotedIdentifier => Some(token.of(text).trim_matches('"').replace("\"\"", "\"")),
            _ => None,
        }
    };
    // `schema.name` at a place: both, and the place behind.
    let dotted = |at: usize| match (name(at), mark(at + 1, "."), name(at + 2)) {
        (Some(schema), true, Some(name)) => Some((Some(schema), name, at + 3)),
        (Some(name), ..) => Some((None, name, at + 1)),
        _ => None,
    };
    let is_value = |token: &&Token| matches!(token.kind, TokenKind::String | TokenKind::Variable | TokenKind::Number);
    (0..all.len()).any(|at| {
        let copies = is(at, "copy") && (at == 0 || mark(at - 1, ";"));
        if copies || ((is(at, "insert") || is(at, "merge")) && is(at + 1, "into")) {
            let Some((schema, relation, behind)) = dotted(at + if copies { 1 } else { 2 }) else { return false };
            let rest = &all[behind..];
            let end = rest.iter().position(|token| token.of(text) == ";").unwrap_or(rest.len());
            let filled = match copies {
                true => rest
                    .get(end + 1)
                    .is_some_and(|token| token.kind == TokenKind::CopyData && token.of(text).trim() != "\\."),
                false => rest[..end].iter().any(|token| is_value(&token)),
            };
            // The columns that are listed have been looked at by their names already.
            let queries = ["select", "with", "values", "("];
            let listed = mark(behind, "(") && !is(at, "merge") && !queries.iter().any(|word| is(behind + 1, word));
            return filled && !listed && known.columns(schema.as_deref(), &relation).into_iter().any(names_secret);
        }
        if !mark(at + 1, "(") {
            return false;
        }
        // A call of `f` or `s.f`, with a literal among what it is given.
        let Some(function) = name(at) else { return false };
        let schema = (at >= 2 && mark(at - 1, ".")).then(|| name(at - 2)).flatten();
        let mut depth = 0usize;
        let own = all[at + 1..].iter().take_while(|token| {
            depth += usize::from(token.of(text) == "(");
            depth -= usize::from(token.of(text) == ")" && depth > 0);
            depth > 0
        });
        own.into_iter().any(|token| matches!(token.kind, TokenKind::String | TokenKind::Variable))
            && known.arguments(schema.as_deref(), &function).into_iter().any(takes_secret)
    })
}

/// Whether what a function takes, as `pg_get_function_arguments` has it, is named like a secret; what it gives does not
/// matter.
fn takes_secret(arguments: &str) -> bool {
    arguments.split(',').map(str::trim).filter(|one| !one.starts_with("OUT ")).any(|one| {
        let name = one.trim_start_matches("INOUT ").trim_start_matches("VARIADIC ").split(' ').next();
        name.is_some_and(names_secret)
    })
}

/// Without the data of COPY statements and of `\copy … from stdin`; where there is some, how many lines it had.
fn without_data(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(1 << 20));
    let mut from = 0;
    for statement in statements(text) {
        let own = statement.of(text);
        let (start, end) = match statement.data {
            Some(data) => data,
            None if statement.backslash && copies_in(own) => {
                // To the lexer these lines are statements; quotes among them may have led it astray.
                let start = text[statement.end..].find('\n').map_or(text.len(), |at| statement.end + at + 1);
                let mut end = start;
                while end < text.len() && text[end..].lines().next().is_some_and(|line| line.trim_end() != "\\.") {
                    end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
                }
                leave_out(text, from..start, end, "", &mut out);
                out.push_str(&without_data(&text[end..]));
                return out;
            }
            None => continue,
        };
        if start >= from {
            leave_out(text, from..start, end, " --", &mut out);
            from = end;
        }
    }
    out.push_str(&text[from..]);
    out
}

/// Writes what stands before data, and how many lines of it there were. `comment` begins a comment on that line; without
/// one it is a line of its own before the data's statement.
fn leave_out(text: &str, head: std::ops::Range<usize>, end: usize, comment: &str, out: &mut String) {
    let data = &text[head.end..end];
    let lines = data.lines().count();
    if lines == 0 {
        return out.push_str(&text[head.start..end]);
    }
    let words = format!("{lines} line{} of data left out", if lines == 1 { "" } else { "s" });
    let before = text[head].trim_end();
    match comment {
        "" => {
            let line = before.rfind('\n').map_or(0, |at| at + 1);
            out.push_str(&format!("{}-- {words}\n{}\n", &before[..line], &before[line..]));
        }
        _ => out.push_str(&format!("{before}{comment} {words}\n")),
    }
    if !text[end..].starts_with("\\.") {
        // The data went on to the end of the text: what is written behind what is kept would be data.
        out.push_str("\\.");
    }
}

/// Whether a backslash word takes data from the lines that follow it.
fn copies_in(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let mut words = lower.split_whitespace();
    words.next() == Some("\\copy")
        && words.clone().zip(words.skip(1)).any(|(one, next)| one == "from" && next.trim_end_matches(';') == "stdin")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `users (id, name, password)`, `orders (id, status)`, `make_user(name text, pass text)`.
    struct Names;

    impl Known for Names {
        fn columns(&self, schema: Option<&str>, relation: &str) -> Vec<&str> {
            match (schema, relation) {
                (None | Some("app"), "users") => vec!["id", "name", "password"],
                (None, "orders") => vec!["id", "status"],
                _ => Vec::new(),
            }
        }

        fn arguments(&self, _: Option<&str>, function: &str) -> Vec<&str> {
            match function {
                "make_user" => vec!["name text", "name text, pass text DEFAULT 'x'::text"],
                "parts_of" => vec!["document text, OUT token text"],
                _ => Vec::new(),
            }
        }
    }

    #[test]
    fn data_of_copy_is_never_kept() {
        for (text, expected) in [
            ("copy t from stdin;\n1\tx\n2\ty\n\\.\n", "copy t from stdin; -- 2 lines of data left out\n\\.\n"),
            (
                "select 1;\ncopy users from stdin csv; -- all\n1,bob,hunter2\n\\.\nselect 2;",
                "select 1;\ncopy users from stdin csv; -- all -- 1 line of data left out\n\\.\nselect 2;",
            ),
            (
                "copy users (name, password) from stdin;\nbob\thunter2\n\\.",
                "copy users (name, password) from stdin; -- 1 line of data left out\n\\.",
            ),
            ("copy t from stdin;\n1\n2\n3", "copy t from stdin; -- 3 lines of data left out\n\\."),
            ("copy t from stdin;\n\\.\n", "copy t from stdin;\n\\.\n"),
            (
                "copy a from stdin;\n1\n\\.\ncopy b from stdin;\n2\n\\.\n",
                "copy a from stdin; -- 1 line of data left out\n\\.\ncopy b from stdin; -- 1 line of data left out\n\\.\n",
            ),
            ("select 1", "select 1"),
            (
                "select 1;\n\\copy users from stdin\n1\tbob's\thunter2\n\\.\nselect 2;",
                "select 1;\n-- 1 line of data left out\n\\copy users from stdin\n\\.\nselect 2;",
            ),
            ("\\copy t from stdin csv\n1\n2", "-- 2 lines of data left out\n\\copy t from stdin csv\n\\."),
            ("\\copy t from 'stdin.csv'\nselect 1", "\\copy t from 'stdin.csv'\nselect 1"),
        ] {
            let kept = kept(text, &Names).expect(text);
            assert_eq!(kept, expected);
            assert!(!kept.contains("hunter2"));
            // Run again it copies nothing, and what stands behind it is a statement.
            for statement in statements(&kept) {
                assert!(statement.data.is_none_or(|(start, end)| start == end), "{kept}");
            }
        }
    }

    #[test]
    fn what_is_for_a_column_or_a_parameter_named_like_a_secret_is_not_kept() {
        for text in [
            "insert into users values (1, 'bob', 'hunter2')",
            "insert into app.users as u values (1, 'bob', 'hunter2')",
            "INSERT INTO \"users\" SELECT 1, 'bob', 'hunter2'",
            "insert into users (select 1, 'bob', 'hunter2')",
            "insert into users values (1, 'bob', 12345)",
            "insert into users values (1, 'bob', :'v')",
            "select 1; insert into users values (1, 'bob', 'hunter2'); select 2",
            "select make_user('bob', 'hunter2')",
            "select app.make_user(name => 'bob', pass => lower('hunter2'))",
            "merge into users u using n on u.id = n.id when not matched then insert values (1, 'bob', 'x')",
        ] {
            assert_eq!(kept(text, &Names), None, "{text}");
        }
        for text in [
            "insert into users (id, name) values (1, 'bob')",
            "insert into users select * from more",
            "insert into orders values (1, 'new')",
            "insert into elsewhere.users values (1, 'bob', 'x')",
            "select make_user(a, b) from t where c = 'x'",
            "select parts_of('a document')",
            "copy users to stdout",
        ] {
            assert_eq!(kept(text, &Names).as_deref(), Some(text));
        }
        assert!(fills_secret("copy users from stdin;\n1\tbob\thunter2\n\\.\n", &Names));
        assert!(!fills_secret("copy orders from stdin;\n1\tnew\n\\.\n", &Names));
    }
}
