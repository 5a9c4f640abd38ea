//! psql's patterns (its reference page, "Patterns") as conditions on catalogue columns. It must not know the server.

use super::Refused;

/// What a pattern may have before its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qualified {
    /// Nothing: things that are in no schema.
    Never,
    /// This database: things that are in no schema, but in a database.
    Database,
    /// A schema, and before it this database.
    Schema,
}

/// A pattern: regular expressions of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    schema: Option<String>,
    name: String,
}

/// The columns a pattern is held against.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// Of the schema's name; empty where there is none.
    pub schema: &'a str,
    /// Of the name.
    pub name: &'a str,
    /// Of another name that may fit as well.
    pub other: Option<&'a str>,
    /// What holds when the thing is found without naming its schema.
    pub visible: Option<&'a str>,
}

impl Pattern {
    /// Reads a pattern. `database` is where the session is: a database named in the pattern must be it.
    pub fn parse(text: &str, qualified: Qualified, database: &str) -> Result<Pattern, Refused> {
        // Things outside schemas have no parts: a dot is any character's, as everything else.
        let mut parts = vec![Part::default()];
        let mut quoted = false;
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let Some(part) = parts.last_mut() else { break };
            match c {
                '"' if quoted && characters.next_if_eq(&'"').is_some() => part.put('"', "\""),
                '"' => quoted = !quoted,
                '*' if !quoted => part.put('*', ".*"),
                '?' if !quoted => part.put('?', "."),
                '.' if !quoted => parts.push(Part::default()),
                '$' => part.put('$', "\\$"),
                c if quoted && "|*+?()[]{}.^\\".contains(c) => part.escape(c),
                // `[]` is an array type's name, never an empty class.
                '[' if characters.peek() == Some(&']') => part.escape('['),
                c => {
                    // As the server folds names: ASCII always, other letters by what the client's locale says of them.
                    let c = if quoted { c } else { c.to_ascii_lowercase() };
                    part.put(c, c.encode_utf8(&mut [0; 4]));
                }
            }
        }
        let most = match qualified {
            Qualified::Never => 1,
            Qualified::Database => 2,
            Qualified::Schema => 3,
        };
        if parts.len() > most {
            return Err(Refused::BadArgument(format!("improper qualified name (too many dotted names): {text}")));
        }
        let name = parts.pop().unwrap_or_default().expression;
        let schema = match qualified {
            Qualified::Schema => parts.pop().map(|part| part.expression),
            _ => None,
        };
        if let Some(named) = parts.pop()
            && named.literal != database
        {
            return Err(Refused::BadArgument(format!("cross-database references are not implemented: {text}")));
        }
        Ok(Pattern { schema, name })
    }

    /// The conditions, each to be joined with `and`.
    pub fn conditions(&self, columns: &Columns<'_>) -> Vec<String> {
        let mut all = Vec::new();
        // What fits everything is not asked.
        if self.name != ".*" && !self.name.is_empty() {
            let regex = matching(&self.name);
            all.push(match columns.other {
                Some(other) => format!("({} {regex} or {other} {regex})", columns.name),
                None => format!("{} {regex}", columns.name),
            });
        }
        match &self.schema {
            Some(schema) if schema != ".*" && !schema.is_empty() && !columns.schema.is_empty() => {
                all.push(format!("{} {}", columns.schema, matching(schema)));
            }
            Some(_) => {}
            None => all.extend(columns.visible.map(str::to_owned)),
        }
        all
    }
}

/// A part between dots, as an expression and as it would be without patterns.
#[derive(Default)]
struct Part {
    expression: String,
    literal: String,
}

impl Part {
    fn put(&mut self, c: char, expression: &str) {
        self.literal.push(c);
        self.expression.push_str(expression);
    }

    fn escape(&mut self, c: char) {
        self.literal.push(c);
        self.expression.push('\\');
        self.expression.push(c);
    }
}

fn matching(expression: &str) -> String {
    format!("operator(pg_catalog.~) {} collate pg_catalog.default", literal(&format!("^({expression})$")))
}

/// A string as SQL, whatever standard_conforming_strings says.
pub fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Option<String>, String) {
        let pattern = Pattern::parse(text, Qualified::Schema, "shop").expect("a pattern");
        (pattern.schema, pattern.name)
    }

    #[test]
    fn patterns_are_psqls() {
        assert_eq!(of("Orders"), (None, "orders".to_owned()));
        assert_eq!(of("Public.\"Odd.Na\"\"me\"*"), (Some("public".to_owned()), "Odd\\.Na\"me.*".to_owned()));
        assert_eq!(of("a?c$"), (None, "a.c\\$".to_owned()));
        assert_eq!(of("int4[]"), (None, "int4\\[]".to_owned()));
        assert_eq!(of("[ab]+"), (None, "[ab]+".to_owned()));
        assert_eq!(of("\"a+\""), (None, "a\\+".to_owned()));
        assert_eq!(of("shop.public.t"), (Some("public".to_owned()), "t".to_owned()));
        assert_eq!(literal("a'b\\"), "E'a''b\\\\'");
    }

    #[test]
    fn names_that_cannot_be_meant() {
        for (text, qualified, words) in [
            ("other.public.t", Qualified::Schema, "cross-database references are not implemented: other.public.t"),
            ("a.b.c.d", Qualified::Schema, "improper qualified name (too many dotted names): a.b.c.d"),
            ("a.b", Qualified::Never, "improper qualified name (too many dotted names): a.b"),
        ] {
            let refused = Pattern::parse(text, qualified, "shop").expect_err(text);
            assert_eq!(refused.to_string(), words);
        }
    }

    #[test]
    fn what_fits_everything_is_not_asked() {
        let columns = Columns { schema: "n.nspname", name: "c.relname", other: None, visible: Some("visible()") };
        let of = |text: &str| {
            Pattern::parse(text, Qualified::Schema, "shop").expect("a pattern").conditions(&columns).join(" and ")
        };
        assert_eq!(of("*"), "visible()");
        assert_eq!(of("*.*"), "");
        assert_eq!(of("a.*"), "n.nspname operator(pg_catalog.~) E'^(a)$' collate pg_catalog.default");
    }
}
