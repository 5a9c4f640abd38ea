//! Which statements may hold a secret: they stay out of the history, and lose their literals in the audit. It errs on the
//! side of silence. It must not know files.

use super::token::{Token, TokenKind};
use super::tokens;

/// Whether a secret may stand in `text`: `ALTER ROLE … PASSWORD '…'`, `CREATE USER MAPPING … OPTIONS (password '…')`, a
/// column of such a name that is given a value or compared with one, a connection string with `password=` or a URI with
/// one, credentials made by a function, psql's `\password`, `\connect` and variables of such names; inside dollar quotes
/// and comments too.
pub fn may_hold_secret(text: &str) -> bool {
    // What was commented out was perhaps run before.
    let commented = |token: &Token| {
        let piece = token.of(text);
        token.kind == TokenKind::Comment && telling(piece) && piece.contains(['\'', '$', '='])
    };
    if tokens(text).any(|token| commented(&token)) {
        return true;
    }
    let found: Vec<Token> = tokens(text).filter(|token| !token.is_blank()).collect();
    let names = |token: &Token| token.is_word() && names_secret(token.of(text));
    let data = |token: &Token| token.kind == TokenKind::CopyData && token.of(text).trim() != "\\.";
    if found.iter().any(data) && found.iter().any(names) {
        return true;
    }
    let ends = |token: &Token| token.kind == TokenKind::Punctuation && token.of(text) == ";";
    found.split(ends).any(|statement| in_statement(text, statement))
}

fn in_statement(text: &str, found: &[Token]) -> bool {
    let is = |token: &Token, known: &[&str]| known.iter().any(|one| token.of(text).eq_ignore_ascii_case(one));
    let is_name =
        |token: &Token| matches!(token.kind, TokenKind::Keyword | TokenKind::Identifier | TokenKind::QuotedIdentifier);
    let is_value = |token: &Token| matches!(token.kind, TokenKind::String | TokenKind::Variable);
    let of_role = found.windows(3).any(|three| {
        is(&three[0], &["create", "alter"]) && is(&three[1], &["role", "user", "group"]) && !is(&three[2], &["mapping"])
    });
    // `INSERT INTO users (name, password) VALUES …`: which of the values it is shows further on.
    let fills = found.iter().any(|token| is(token, &["insert", "merge"]));
    let sets = found.iter().any(|token| is(token, &["set", "reset"]));
    found.iter().enumerate().any(|(at, token)| {
        let (piece, after) = (token.of(text), &found[at + 1..]);
        match token.kind {
            // `PASWORD 'x'` is an error that people make; a date or a setting of a role is no secret.
            TokenKind::String if of_role && !sets && !(at > 0 && is(&found[at - 1], &["until"])) => true,
            TokenKind::String => telling(piece) || is_uri(piece),
            TokenKind::Backslash => names_secret(piece) || is_uri(piece),
            // `PASSWORD hunter2` and `PASSWORD "hunter2"` are, too, and `PASSWORD$$x$$` is one word to the server.
            _ if is_name(token) && of_role && piece.eq_ignore_ascii_case("password") => {
                after.first().is_some_and(|next| !is(next, &["null"]))
            }
            _ if is_name(token) && of_role && telling(piece) && piece.contains('$') => true,
            _ if is_name(token) && names_secret(piece) => {
                let called =
                    |next: &&Token| matches!(next.kind, TokenKind::Operator) || matches!(next.of(text), "(" | ",");
                const ENDS: [&str; 11] =
                    [",", "and", "or", "from", "where", "order", "group", "limit", "as", "then", "when"];
                // `IS DISTINCT FROM` goes on.
                let goes_on = |(at, next): &(usize, &Token)| {
                    !is(next, &ENDS) || (is(next, &["from"]) && *at > 0 && is(&after[at - 1], &["distinct"]))
                };
                after.iter().find(|next| !called(next)).is_some_and(is_value)
                    || after.iter().enumerate().take_while(goes_on).any(|(_, next)| is_value(next))
                    || (fills && after.iter().any(is_value))
            }
            _ => false,
        }
    })
}

/// Whether a name, or the words of a psql command, are those of a secret.
pub(super) fn names_secret(words: &str) -> bool {
    let short = |word: &str| {
        let word = word.to_ascii_lowercase();
        ["pass", "pw", "pwd"]
            .iter()
            .any(|name| word.strip_suffix(name).is_some_and(|w| w.is_empty() || w.ends_with('_')))
    };
    telling(words) || words.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(short)
}

/// Whether a word that tells of a secret is part of it.
fn telling(text: &str) -> bool {
    const TELLING: [&str; 16] = [
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "pgpass",
        "pwd=",
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
    let text = text.to_ascii_lowercase();
    text == "crypt" || TELLING.iter().any(|name| text.contains(name))
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
            "ALTER\tROLE\n  bob\n  WITH LOGIN ENCRYPTED\nPASSWORD\n'x'",
            "alter role bob password$$x$$",
            "alter role bob password U&'\\0061'",
            "alter role bob password :'new'",
            "alter role bob pasword 'x'",
            "alter role bob valid until 'infinity' password 'x'",
            "create group g password 'x'",
            "select 1; alter role bob password 'x'; select 2",
            "execute 'alter role bob password ''x'''",
            "insert into users (name, password) values ('bob', 'x')",
            "insert into users (pwd) select 'x'",
            "merge into users u using n on u.id = n.id when not matched then insert (id, pass) values (1, 'x')",
            "copy users (name, password) from stdin;\nbob\tx\n\\.\n",
            "select * from users where password in ('x')",
            "select * from users where lower(passwd) like 'x%'",
            "select * from users where u.password is not distinct from 'x'",
            "select * from users where \"Password\" = md5('x')",
            "update users set pass = 'x'",
            "\\set pass 'x'",
            "\\set db_pw x",
            "\\set pwd x",
            "\\connect postgresql://bob:x@h/d",
            "\\c \"dbname=d password=x\"",
            "create server s foreign data wrapper w options (host 'h', \"password\" 'x')",
        ] {
            assert!(may_hold_secret(text), "{text}");
        }
        for text in [
            "select password_changed_at from users",
            "select 'https://host/a:b@c'",
            "select token from t",
            "-- the password of bob\nselect 1",
            "alter role bob password null",
            "alter role bob password null; select 'x'",
            "alter role bob valid until '2030-01-01'",
            "alter role bob set work_mem = '64MB'",
            "create user mapping for bob server s options (user 'bob')",
            "select password_changed_at from users where name = 'bob'",
            "select pass from results where verdict = 'pass'",
            "insert into results (verdict) values ('pass')",
            "\\set limit 10",
            "select compass, bypass from t where a = 'x'",
            "select 1",
        ] {
            assert!(!may_hold_secret(text), "{text}");
        }
    }
}
