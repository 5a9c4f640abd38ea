//! `\copy`: what the server is sent, and which file of this machine stands behind it. It must not read files.
//!
//! Source: psql's reference page, `\copy`: the server's COPY with the file's place taken by STDIN or STDOUT; no variables.

use crate::model::sql::tokens;

/// A `\copy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    /// The server's COPY.
    pub(super) sql: String,
    /// Data go to us.
    pub(super) is_out: bool,
    /// The other end.
    pub(super) end: End,
}

/// Where data come from or go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A file.
    File(String),
    /// `stdin`, `stdout`: the script, where results go.
    Here,
    /// `pstdin`, `pstdout`: the process's own.
    Process,
}

/// Reads the arguments of `\copy`.
pub(super) fn parse(arguments: &str) -> Result<Copy, String> {
    let text = arguments.trim().trim_end_matches(';').trim_end();
    let mut depth = 0;
    let mut way = None;
    let all: Vec<_> = tokens(text).filter(|token| !token.is_blank()).collect();
    for (at, token) in all.iter().enumerate() {
        let word = token.of(text);
        match word {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ if depth == 0 && at > 0 && (word.eq_ignore_ascii_case("from") || word.eq_ignore_ascii_case("to")) => {
                way = Some((at, word.eq_ignore_ascii_case("to")));
                break;
            }
            _ => {}
        }
    }
    let wrong =
        || "\\copy: expected \\copy {TABLE [(COLUMNS)] | (QUERY)} {from|to} {FILE|stdin|stdout} [OPTIONS]".to_owned();
    let (at, is_out) = way.ok_or_else(wrong)?;
    let behind = text[all[at].end..].trim_start();
    let (file, quoted, options) = match behind.strip_prefix('\'') {
        Some(rest) => {
            let mut name = String::new();
            let mut at = 0;
            loop {
                let close =
                    at + rest[at..].find('\'').ok_or_else(|| "\\copy: unterminated quoted string".to_owned())?;
                name.push_str(&rest[at..close]);
                at = close + 1;
                if !rest[at..].starts_with('\'') {
                    break;
                }
                name.push('\'');
                at += 1;
            }
            (name, true, &rest[at..])
        }
        None => {
            let end = behind.find(|c: char| c.is_ascii_whitespace()).unwrap_or(behind.len());
            (behind[..end].to_owned(), false, &behind[end..])
        }
    };
    if file.is_empty() {
        return Err(wrong());
    }
    let lower = file.to_ascii_lowercase();
    let end = match lower.as_str() {
        _ if quoted => End::File(file),
        "program" => {
            return Err("\\copy: a program is not run by gatepost; run it in the shell and pipe: \
                        PROGRAM | gatepost query NAME -c \"copy … from stdin\""
                .to_owned());
        }
        "stdin" | "stdout" => End::Here,
        "pstdin" | "pstdout" => End::Process,
        _ => End::File(file),
    };
    let what = text[..all[at].start].trim_end();
    let way = if is_out { "TO STDOUT" } else { "FROM STDIN" };
    Ok(Copy {
        sql: format!(
            "COPY {what} {way}{}",
            if options.is_empty() { String::new() } else { format!(" {}", options.trim_start()) }
        ),
        is_out,
        end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_is_sent() {
        for (text, sql, end) in [
            (" t from 'a b.csv' csv header", "COPY t FROM STDIN csv header", End::File("a b.csv".to_owned())),
            (
                " t (a, \"from\") from /tmp/x with (format csv);",
                "COPY t (a, \"from\") FROM STDIN with (format csv)",
                End::File("/tmp/x".to_owned()),
            ),
            (" (select 1 from t) to stdout", "COPY (select 1 from t) TO STDOUT", End::Here),
            (" s.t from pstdin", "COPY s.t FROM STDIN", End::Process),
            (" t to 'it''s'", "COPY t TO STDOUT", End::File("it's".to_owned())),
        ] {
            let copy = parse(text).expect(text);
            assert_eq!((copy.sql.as_str(), copy.end), (sql, end));
        }
        assert!(parse(" t from program 'cat x'").expect_err("refused").contains("program"));
        assert!(parse(" t").is_err());
        assert!(parse(" t from").is_err());
        assert!(parse(" t from 'x").is_err());
    }
}
