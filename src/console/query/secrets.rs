//! Which statements are kept out of the history because a secret stands in them. It errs on the side of silence. It must not
//! know files.

use crate::model::sql::{Token, TokenKind, tokens};

/// Whether a secret may stand in `text`: `ALTER ROLE … PASSWORD '…'`, `CREATE USER MAPPING … OPTIONS (password '…')`, a
/// connection string with `password=` or a URI with one, credentials made by a function, psql's `\\password` and variables
/// of such names; inside dollar quotes and comments too.
pub fn may_hold(text: &str) -> bool {
    // What was commented out was perhaps run before.
    if tokens(text).any(|token| {
        token.kind == TokenKind::Comment && names_secret(token.of(text)) && {
            token.of(text).contains(['\'', '$', '='])
        }
    }) {
        return true;
    }
    let found: Vec<Token> = tokens(text).filter(|token| !token.is_blank()).collect();
    let of_role = found.windows(2).any(|pair| {
        let (verb, what) = (pair[0].of(text), pair[1].of(text));
        let is = |word: &str, known: &[&str]| known.iter().any(|one| word.eq_ignore_ascii_case(one));
        is(verb, &["create", "alter"]) && is(what, &["role", "user", "group"])
    });
    found.iter().enumerate().any(|(at, token)| {
        let piece = token.of(text);
        match token.kind {
            TokenKind::String => names_secret(piece) || is_uri(piece),
            TokenKind::Backslash => names_secret(piece),
            // `PASSWORD hunter2` and `PASSWORD "hunter2"` are errors that people make.
            TokenKind::Keyword | TokenKind::Identifier if of_role && piece.eq_ignore_ascii_case("password") => found
                .get(at + 1)
                .is_some_and(|next| !matches!(next.of(text), ";") && !next.of(text).eq_ignore_ascii_case("null")),
            TokenKind::Keyword | TokenKind::Identifier | TokenKind::QuotedIdentifier if names_secret(piece) => {
                let mut after = found[at + 1..]
                    .iter()
                    .skip_while(|next| matches!(next.kind, TokenKind::Operator) || matches!(next.of(text), "(" | ","));
                after.next().is_some_and(|next| matches!(next.kind, TokenKind::String | TokenKind::Variable))
            }
            _ => false,
        }
    })
}

fn names_secret(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let telling = [
        "password",
        "passwd",
        "passphrase",
        "pgpass",
        "secret",
        "credential",
        "pgp_sym_",
        "pgp_pub_decrypt",
        "crypt(",
        "token",
        "api_key",
        "apikey",
        "access_key",
        "private_key",
    ];
    word == "crypt" || word.starts_with("\\set pw") || telling.iter().any(|name| word.contains(name))
}

/// Whether a URI with a user's password stands in it: `postgresql://user:password@host`.
fn is_uri(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let authority = text[at + 3..].split(['/', '?', ' ', '\'']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_seen_wherever_they_hide() {
        for text in [
            "ALTER ROLE bob PASSWORD 'x'",
            "create user bob with encrypted password E'x'",
            "CREATE USER MAPPING FOR bob SERVER s OPTIONS (user 'bob', password 'x')",
            "CREATE SUBSCRIPTION s CONNECTION 'host=h password=x' PUBLICATION p",
            "do $$ begin alter role bob password 'x'; end $$",
            "select aws_commons.create_aws_credentials('AKIA', 'x', '')",
            "select pgp_sym_encrypt('data', 'key')",
            "update users set password = 'x' where id = 1",
            "\\password bob",
            "alter role bob password 'half typed",
            "alter role bob password hunter2",
            "alter user bob encrypted password \"hunter2\"",
            "ALTER USER MAPPING FOR bob SERVER s OPTIONS (SET password 'x')",
            "select dblink_connect('c', 'host=h user=u password=x')",
            "select dblink('postgresql://bob:x@h/d', 'select 1')",
            "select set_config('my.password', 'x', false)",
            "set my.api_key = 'x'",
            "\\set db_password 'x'",
            "\\connect postgresql://h?password=x",
            "select crypt('x', gen_salt('bf'))",
            "update users set token = 'x'",
            "select 1 -- alter role bob password 'x'",
            "/* password=x */ select 1",
        ] {
            assert!(may_hold(text), "{text}");
        }
        for text in [
            "select password_changed_at from users",
            "select 'https://host/a:b@c'",
            "select token from t",
            "-- the password of bob\nselect 1",
            "alter role bob password null",
            "select 1",
        ] {
            assert!(!may_hold(text), "{text}");
        }
    }
}
