//! The audit trail: one JSON line for each connect, statement, cancel and disconnect. What carries a password loses its
//! literals first. It must not fail what it records; that it could not write is logged.

use super::files;
use crate::model::sql::{TokenKind, may_hold_secret, tokens};
use crate::model::{Identity, Place, Route, Target, visible};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The file.
pub(super) struct Audit {
    path: Option<PathBuf>,
    os_user: String,
    file: Mutex<Option<std::fs::File>>,
}

/// What a line is about.
#[derive(Clone, Debug)]
pub(super) enum Event<'a> {
    Connect,
    Reconnect,
    Statement {
        text: &'a str,
        rows: Option<u64>,
    },
    Cancel,
    Disconnect,
    Forward,
    Listen,
    /// A setting of a database at AWS.
    Modify {
        what: &'a str,
    },
    Doctor,
}

/// Whose line it is.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    identity: Option<String>,
    target: String,
    endpoint: String,
    database: Option<String>,
    user: Option<String>,
    route: String,
    bastion: Option<String>,
    region: String,
    ssm_session: Option<String>,
}

impl Subject {
    pub(super) fn new(target: &Target, identity: Option<&Identity>, ssm_session: Option<&str>) -> Subject {
        Subject {
            identity: identity.map(|identity| identity.arn.clone()),
            target: target.endpoint.owner.clone(),
            endpoint: target.endpoint.address(),
            database: Some(target.database.clone()).filter(|name| !name.is_empty()),
            user: Some(target.user.clone()).filter(|name| !name.is_empty()),
            route: target.route.to_string(),
            bastion: match &target.route {
                Route::Direct => None,
                Route::Through(bastion) => Some(bastion.id.clone()),
            },
            region: target.endpoint.place.region.clone(),
            ssm_session: ssm_session.map(str::to_owned),
        }
    }
}

impl Subject {
    /// A resource of AWS, which is changed and not dialled.
    pub(super) fn of_resource(name: &str, arn: &str, place: &Place, identity: Option<&Identity>) -> Subject {
        Subject {
            identity: identity.map(|identity| identity.arn.clone()),
            target: name.to_owned(),
            endpoint: arn.to_owned(),
            database: None,
            user: None,
            route: String::new(),
            bastion: None,
            region: place.region.clone(),
            ssm_session: None,
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    event: &'a str,
    os_user: &'a str,
    identity: Option<&'a str>,
    target: &'a str,
    endpoint: &'a str,
    region: &'a str,
    database: Option<&'a str>,
    user: Option<&'a str>,
    route: &'a str,
    bastion: Option<&'a str>,
    ssm_session: Option<&'a str>,
    statement: Option<String>,
    outcome: &'a str,
    duration_ms: Option<u64>,
    rows: Option<u64>,
}

impl Audit {
    /// In that folder; nowhere when it is empty.
    pub(super) fn new(folder: &Path, os_user: &str) -> Audit {
        let path = (!folder.as_os_str().is_empty()).then(|| folder.join("audit.jsonl"));
        Audit { path, os_user: os_user.to_owned(), file: Mutex::default() }
    }

    /// Writes one line. `outcome` is `ok`, or what went wrong in a few words.
    pub(super) fn note(&self, subject: &Subject, event: &Event<'_>, outcome: &str, took: Option<Duration>) {
        let Some(path) = &self.path else { return };
        let (name, statement, rows) = match event {
            Event::Connect => ("connect", None, None),
            Event::Reconnect => ("reconnect", None, None),
            Event::Statement { text, rows } => ("statement", Some(without_passwords(text)), *rows),
            Event::Cancel => ("cancel", None, None),
            Event::Disconnect => ("disconnect", None, None),
            Event::Forward => ("forward", None, None),
            Event::Listen => ("listen", None, None),
            Event::Modify { what } => ("modify", Some((*what).to_owned()), None),
            Event::Doctor => ("doctor", None, None),
        };
        // The server's sentence may quote what was masked; its code stands before it.
        let masked = matches!(event, Event::Statement { text, .. } if statement.as_deref() != Some(*text));
        let outcome = if masked { outcome.split(':').next().unwrap_or_default() } else { outcome };
        let line = Line {
            time: jiff::Timestamp::now().to_string(),
            event: name,
            os_user: &self.os_user,
            identity: subject.identity.as_deref(),
            target: &subject.target,
            endpoint: &subject.endpoint,
            region: &subject.region,
            database: subject.database.as_deref(),
            user: subject.user.as_deref(),
            route: &subject.route,
            bastion: subject.bastion.as_deref(),
            ssm_session: subject.ssm_session.as_deref(),
            statement,
            outcome: &visible(outcome),
            duration_ms: took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            rows,
        };
        if let Err(error) = self.write(path, &line) {
            tracing::error!(path = %path.display(), %error, "the audit trail could not be written");
        }
    }

    fn write(&self, path: &Path, line: &Line<'_>) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(line).map_err(std::io::Error::other)?;
        text.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let open = match file.take() {
            Some(open) => open,
            None => files::append(path)?,
        };
        // One write a line: O_APPEND keeps lines of several gateposts apart.
        file.insert(open).write_all(&text)
    }
}

/// `statement`, with every literal masked where any of them could be a password: `PASSWORD '…'` of roles, options of
/// user mappings and servers, connection strings of subscriptions and dblink, keys given to functions. What is a literal
/// is for the lexer to say: the apostrophe of a comment or of a quoted name would turn literals inside out.
pub(super) fn without_passwords(statement: &str) -> String {
    let lower = statement.to_ascii_lowercase();
    let telling = ["password", "subscription", "dblink", "user mapping"];
    if !may_hold_secret(statement) && !telling.iter().any(|word| lower.contains(word)) {
        return statement.to_owned();
    }
    let mut out = String::with_capacity(statement.len());
    let (mut after_password, mut adjoins) = (false, false);
    for token in tokens(statement) {
        let piece = token.of(statement);
        match token.kind {
            TokenKind::String | TokenKind::Variable => match piece.split_once('\'') {
                // `E'…'`, `U&'…'`, `:'…'`: what stands before the quote tells nothing. A dollar quote may hold quotes.
                Some((prefix, _)) if !piece.starts_with('$') => {
                    out.push_str(prefix);
                    out.push_str("'••••'");
                }
                None if token.kind == TokenKind::Variable => out.push_str(piece),
                _ => out.push_str("'••••'"),
            },
            TokenKind::Backslash | TokenKind::CopyData => out.push_str("••••"),
            // A statement that was commented out had literals too.
            TokenKind::Comment => match piece.find(['\'', '$']) {
                Some(at) => {
                    out.push_str(&piece[..at]);
                    out.push_str(if piece.ends_with("*/") { "•••• */" } else { "••••" });
                }
                None => out.push_str(piece),
            },
            // `PASSWORD "hunter2"` and `PASSWORD hunter2` are errors that people make.
            TokenKind::Identifier if piece.contains('$') => out.push_str("••••"),
            TokenKind::QuotedIdentifier | TokenKind::Identifier | TokenKind::Number if after_password => {
                out.push_str("••••");
                adjoins = true;
            }
            // `PASSWORD hunter2-x!`: what stands right behind belongs to it.
            _ if adjoins && !token.is_blank() && !matches!(piece, ";" | "," | ")") => {}
            _ => out.push_str(piece),
        }
        if !token.is_blank() {
            after_password = piece.eq_ignore_ascii_case("password");
        } else {
            adjoins = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::{bastion, endpoint};
    use crate::model::Auth;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn passwords_are_masked_and_the_rest_is_kept() {
        for (statement, expected) in [
            ("select 'a' from t", "select 'a' from t"),
            ("ALTER ROLE x PASSWORD 'hunter2'", "ALTER ROLE x PASSWORD '••••'"),
            ("create user x password 'it''s' valid until 'now'", "create user x password '••••' valid until '••••'"),
            ("ALTER ROLE x PASSWORD E'a\\'b' LOGIN", "ALTER ROLE x PASSWORD E'••••' LOGIN"),
            ("ALTER ROLE x PASSWORD $q$hunter2$q$ LOGIN", "ALTER ROLE x PASSWORD '••••' LOGIN"),
            ("ALTER ROLE x PASSWORD 'unfinished", "ALTER ROLE x PASSWORD '••••'"),
            (
                "CREATE USER MAPPING FOR a SERVER b OPTIONS (user 'u', password 'p')",
                "CREATE USER MAPPING FOR a SERVER b OPTIONS (user '••••', password '••••')",
            ),
            (
                "create subscription s connection 'host=h password=p' publication p",
                "create subscription s connection '••••' publication p",
            ),
            ("select $1 -- password", "select $1 -- password"),
            ("ALTER ROLE grüße PASSWORD 'ü' -- ü", "ALTER ROLE grüße PASSWORD '••••' -- ü"),
            ("ALTER ROLE \"o'neil\" PASSWORD 'hunter2'", "ALTER ROLE \"o'neil\" PASSWORD '••••'"),
            ("-- don't\nALTER ROLE x PASSWORD 'hunter2'", "-- don••••\nALTER ROLE x PASSWORD '••••'"),
            ("/* ALTER ROLE x PASSWORD 'hunter2' */ select 1", "/* ALTER ROLE x PASSWORD •••• */ select 1"),
            ("do $$ begin alter role x password 'hunter2'; end $$", "do '••••'"),
            ("ALTER ROLE x PASSWORD \"hunter2\"", "ALTER ROLE x PASSWORD ••••"),
            ("ALTER ROLE x PASSWORD hunter2", "ALTER ROLE x PASSWORD ••••"),
            ("ALTER ROLE x PASSWORD hunter2-b@d LOGIN;", "ALTER ROLE x PASSWORD •••• LOGIN;"),
            ("ALTER ROLE x PASSWORD$$hunter2$$", "ALTER ROLE x ••••"),
            ("ALTER ROLE x PASWORD 'hunter2'", "ALTER ROLE x PASWORD '••••'"),
            ("insert into users (id, pwd) values (1, 'hunter2')", "insert into users (id, pwd) values (1, '••••')"),
            ("update t set access_token = 'hunter2'", "update t set access_token = '••••'"),
            (
                "select aws_commons.create_aws_credentials('AKIA', 'hunter2', '')",
                "select aws_commons.create_aws_credentials('••••', '••••', '••••')",
            ),
        ] {
            assert_eq!(without_passwords(statement), expected);
        }
    }

    #[test]
    fn a_line_says_who_where_and_how_it_ended() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let audit = Audit::new(folder.path(), "me");
        let target = Target {
            endpoint: endpoint(),
            route: Route::Through(bastion("i-1", None, true, "3.3.987.0")),
            database: "shop".to_owned(),
            user: "oncall".to_owned(),
            auth: Auth::Iam,
            read_only: true,
        };
        let identity = Identity {
            account: "1".to_owned(),
            arn: "arn:aws:iam::1:user/me".to_owned(),
            user_id: "AIDA".to_owned(),
            ends: None,
        };
        let subject = Subject::new(&target, Some(&identity), Some("me-0a1"));
        audit.note(&subject, &Event::Connect, "ok", Some(Duration::from_millis(1200)));
        let event = Event::Statement { text: "ALTER ROLE x PASSWORD 'p'", rows: Some(0) };
        audit.note(&subject, &event, "42601: syntax error at or near \"p\"", Some(Duration::from_millis(3)));
        let path = folder.path().join("audit.jsonl");
        let text = std::fs::read_to_string(&path).expect("written");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["event"], &lines[0]["bastion"]), (&"connect".into(), &"i-1".into()));
        assert_eq!((&lines[0]["identity"], &lines[0]["duration_ms"]), (&identity.arn.into(), &1200.into()));
        assert_eq!(lines[1]["statement"], "ALTER ROLE x PASSWORD '••••'");
        assert_eq!(lines[1]["outcome"], "42601", "its message would quote the password");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }
}
