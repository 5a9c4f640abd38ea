//! A statement made into a question for its plan. It must not know who sends it, nor whether that is wise.

use crate::model::sql::tokens;

/// How the plan is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Run it, and say what happened: times, rows, buffers.
    pub analyze: bool,
    /// The server's major version; 0 where it is not known. SETTINGS came with 12.
    pub version: u32,
}

/// `EXPLAIN (…) ` before `statement`; the text before it has no line break, so that lines keep their numbers.
pub fn wrap(statement: &str, options: Options) -> String {
    let analyze = if options.analyze { "ANALYZE, BUFFERS, " } else { "" };
    let settings = if options.version >= 12 { ", SETTINGS" } else { "" };
    format!("EXPLAIN ({analyze}FORMAT JSON{settings}) {statement}")
}

/// What is explained by `statement`, where it is an EXPLAIN already: how many bytes stand before it. 0 where it is none.
pub fn inner(statement: &str) -> usize {
    let mut pieces = tokens(statement).filter(|token| !token.is_blank()).peekable();
    let is = |token: &crate::model::sql::Token, word: &str| token.of(statement).eq_ignore_ascii_case(word);
    if pieces.next_if(|token| is(token, "explain")).is_none() {
        return 0;
    }
    if pieces.next_if(|token| is(token, "(")).is_some() {
        let mut depth = 1;
        for token in pieces.by_ref() {
            match token.of(statement) {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    } else {
        while pieces.next_if(|token| ["analyze", "analyse", "verbose"].iter().any(|word| is(token, word))).is_some() {}
    }
    pieces.next().map_or(0, |token| token.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_wrapped_and_an_explain_is_not_wrapped_twice() {
        let plain = Options { analyze: false, version: 11 };
        assert_eq!(wrap("select 1", plain), "EXPLAIN (FORMAT JSON) select 1");
        let run = Options { analyze: true, version: 15 };
        assert_eq!(wrap("select 1", run), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON, SETTINGS) select 1");
        for (text, found) in [
            ("select 1", "select 1"),
            ("explain select 1", "select 1"),
            ("EXPLAIN ANALYZE VERBOSE\nselect 1", "select 1"),
            ("explain (analyze, format json) -- why\n (select 1)", "(select 1)"),
            ("explain (", "explain ("),
            ("explain", "explain"),
        ] {
            assert_eq!(&text[inner(text)..], found, "{text}");
        }
    }
}
