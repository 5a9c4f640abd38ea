//! Which statements are kept out of the history because a secret stands in them. It errs on the side of silence. It must not
//! know files.

use crate::model::sql::{Token, TokenKind, tokens};

/// Whether a secret may stand in `text`: `ALTER ROLE … PASSWORD '…'`, `CREATE USER MAPPING … OPTIONS (password '…')`, a
/// connection string with `password=`, credentials made by a function; inside dollar quotes too.
pub fn may_hold(text: &str) -> bool {
    let found: Vec<Token> = tokens(text).filter(|token| !token.is_blank()).collect();
    found.iter().enumerate().any(|(at, token)| {
        let piece = token.of(text);
        match token.kind {
            TokenKind::String => names_secret(piece),
            TokenKind::Backslash => names_secret(piece),
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
    ["password", "passwd", "secret", "credential", "pgp_sym_", "passphrase"].iter().any(|name| word.contains(name))
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
        ] {
            assert!(may_hold(text), "{text}");
        }
        for text in ["select password_changed_at from users", "alter role bob password null", "select 1"] {
            assert!(!may_hold(text), "{text}");
        }
    }
}
