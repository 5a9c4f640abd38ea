//! The arguments of psql's backslash commands. It must not know what they mean.
//!
//! Source: psql's reference page, "Meta-Commands": single quotes with C-like escapes, `''` within them, double quotes kept
//! (or, for an identifier, meant as SQL means them), variables outside of quotes, several pieces making one argument.

use super::lexer::is_word;
use super::scanner::{dissect, substituted};
use super::variables::Variables;

/// How an argument is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it is; quotes of identifiers stay.
    Plain,
    /// An SQL identifier: quotes go, what is outside of them becomes lower case.
    Identifier,
    /// A name that may be quoted but keeps its case, as `\connect` takes it.
    Name,
}

/// Walks over arguments.
#[derive(Clone, Debug)]
pub struct Arguments<'a> {
    text: &'a str,
    at: usize,
    variables: &'a Variables,
}

impl<'a> Arguments<'a> {
    /// Over the raw text behind a command's name.
    pub fn new(text: &'a str, variables: &'a Variables) -> Arguments<'a> {
        Arguments { text, at: 0, variables }
    }

    /// All that is left, as it stands, without the white space around it.
    pub fn rest(&self) -> &'a str {
        self.text[self.at..].trim()
    }

    /// The next one as it is.
    #[expect(clippy::should_implement_trait, reason = "it fails, and what is read depends on who asks")]
    pub fn next(&mut self) -> Result<Option<String>, String> {
        self.read(Manner::Plain, false)
    }

    /// All of them as they are.
    pub fn all(mut self) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        while let Some(one) = self.next()? {
            found.push(one);
        }
        Ok(found)
    }

    /// The next one; `semicolon` takes semicolons off its end.
    pub fn read(&mut self, manner: Manner, semicolon: bool) -> Result<Option<String>, String> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        if self.at == bytes.len() {
            return Ok(None);
        }
        let mut out = String::new();
        // Semicolons in quotes stay.
        let mut solid = 0;
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c => break,
                b'\'' => {
                    self.single(&mut out)?;
                    solid = out.len();
                }
                b'"' => {
                    self.double(&mut out, manner)?;
                    solid = out.len();
                }
                b'`' => {
                    return Err("a command in backquotes runs in a shell, which gatepost does not do".to_owned());
                }
                b':' => {
                    self.variable(&mut out);
                    solid = out.len();
                }
                _ => {
                    let end = self.text[self.at..]
                        .find(|c: char| c.is_ascii_whitespace() || matches!(c, '\'' | '"' | '`' | ':'))
                        .map_or(bytes.len(), |end| self.at + end);
                    let piece = &self.text[self.at..end];
                    match manner {
                        Manner::Identifier => out.push_str(&piece.to_lowercase()),
                        Manner::Plain | Manner::Name => out.push_str(piece),
                    }
                    self.at = end;
                }
            }
        }
        if semicolon {
            while out.len() > solid && out.ends_with(';') {
                out.pop();
            }
        }
        Ok(Some(out))
    }

    fn single(&mut self, out: &mut String) -> Result<(), String> {
        let mut rest = self.text[self.at + 1..].char_indices().peekable();
        let base = self.at + 1;
        while let Some((at, c)) = rest.next() {
            match c {
                '\'' if rest.peek().is_some_and(|(_, next)| *next == '\'') => {
                    rest.next();
                    out.push('\'');
                }
                '\'' => {
                    self.at = base + at + 1;
                    return Ok(());
                }
                '\\' => {
                    let Some((_, escaped)) = rest.next() else { break };
                    match escaped {
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        'b' => out.push('\u{8}'),
                        'r' => out.push('\r'),
                        'f' => out.push('\u{c}'),
                        '0'..='7' => {
                            let mut code = escaped.to_digit(8).unwrap_or(0);
                            for _ in 0..2 {
                                let Some(digit) = rest.peek().and_then(|(_, c)| c.to_digit(8)) else { break };
                                code = code * 8 + digit;
                                rest.next();
                            }
                            out.push(char::from(code as u8));
                        }
                        'x' if rest.peek().is_some_and(|(_, c)| c.is_ascii_hexdigit()) => {
                            let mut code = 0;
                            for _ in 0..2 {
                                let Some(digit) = rest.peek().and_then(|(_, c)| c.to_digit(16)) else { break };
                                code = code * 16 + digit;
                                rest.next();
                            }
                            out.push(char::from(code as u8));
                        }
                        other => out.push(other),
                    }
                }
                other => out.push(other),
            }
        }
        self.at = self.text.len();
        Err("unterminated quoted string".to_owned())
    }

    fn double(&mut self, out: &mut String, manner: Manner) -> Result<(), String> {
        let begin = self.at;
        let mut at = begin + 1;
        loop {
            let Some(close) = self.text[at..].find('"') else {
                self.at = self.text.len();
                return Err("unterminated quoted string".to_owned());
            };
            at += close + 1;
            if !self.text[at..].starts_with('"') || manner == Manner::Plain {
                break;
            }
            at += 1;
        }
        self.at = at;
        match manner {
            Manner::Plain => out.push_str(&self.text[begin..at]),
            Manner::Identifier | Manner::Name => out.push_str(&self.text[begin + 1..at - 1].replace("\"\"", "\"")),
        }
        Ok(())
    }

    fn variable(&mut self, out: &mut String) {
        let rest = &self.text[self.at..];
        let (open, close) = match rest.as_bytes().get(1..3) {
            Some([b'\'', _]) => (2, "'"),
            Some([b'"', _]) => (2, "\""),
            Some([b'{', b'?']) => (3, "}"),
            _ => (1, ""),
        };
        let name = rest.as_bytes().get(open..).unwrap_or_default();
        let length = name.iter().take_while(|byte| is_word(**byte) && **byte != b'$').count();
        let end = open + length;
        if length == 0 || !rest[end..].starts_with(close) {
            out.push(':');
            self.at += 1;
            return;
        }
        let token = &rest[..end + close.len()];
        self.at += token.len();
        let (kind, name) = dissect(token);
        match self.variables.get(name) {
            Some(value) => out.push_str(&substituted(kind, value)),
            None if open == 3 => out.push_str("FALSE"),
            None => out.push_str(token),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_psql_reads_them() {
        let mut variables = Variables::default();
        variables.set("v", "a b").expect("a good name");
        for (text, words) in [
            (" a  b ", vec!["a", "b"]),
            (" 'it''s' 'tab\\t\\101\\x42'", vec!["it's", "tab\tAB"]),
            (" \"a b\" x\"y\"z", vec!["\"a b\"", "x\"y\"z"]),
            (" :v :'v' :\"v\" :{?v} :{?w} :w ':v'", vec!["a b", "'a b'", "\"a b\"", "TRUE", "FALSE", ":w", ":v"]),
            (" x:v'y' :: :", vec!["xa by", "::", ":"]),
        ] {
            assert_eq!(Arguments::new(text, &variables).all().expect(text), words, "{text}");
        }
        assert!(Arguments::new(" 'open", &variables).all().is_err());
        assert!(Arguments::new(" `date`", &variables).all().expect_err("no shell").contains("shell"));
        let mut names = Arguments::new(" Foo.\"Bar\"; \"a\"\"b\";", &variables);
        assert_eq!(names.read(Manner::Identifier, true), Ok(Some("foo.Bar".to_owned())));
        assert_eq!(names.read(Manner::Name, true), Ok(Some("a\"b".to_owned())));
    }
}
