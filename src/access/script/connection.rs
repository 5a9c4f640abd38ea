//! `\connect`: whom to be and where. It must not know sessions.
//!
//! Source: psql's reference page, `\connect`; libpq's "Connection Strings".

use super::Standing;
use super::step::Connect;
use crate::model::sql::{Arguments, Manner, Variables};

/// Whom `\connect` with those arguments wants to be, typed on its own in a session at that server.
pub fn connect(arguments: &str, host: &str, port: u16) -> Result<Connect, String> {
    let (variables, now) = (Variables::default(), Standing { host: host.to_owned(), port, ..Standing::default() });
    parse(&mut Arguments::new(arguments, &variables), &now)
}

/// Reads the arguments; what is not said stays as it is.
pub(super) fn parse(given: &mut Arguments<'_>, now: &Standing) -> Result<Connect, String> {
    let mut next = || given.read(Manner::Name, true);
    let mut first = next()?;
    if let Some(reuse) = first.as_deref().and_then(|word| word.strip_prefix("-reuse-previous=")) {
        crate::model::sql::boolean(reuse).ok_or_else(|| format!("-reuse-previous takes on or off, not {reuse}"))?;
        first = next()?;
    }
    let kept = |word: Option<String>| word.filter(|word| !word.is_empty() && word != "-");
    let wanted = match first.as_deref() {
        Some(text) if text.starts_with("postgresql://") || text.starts_with("postgres://") => from_uri(text)?,
        Some(text) if text.contains('=') => from_pairs(text)?,
        _ => {
            let (database, user) = (kept(first), kept(next()?));
            Connect { database, user, host: kept(next()?), port: kept(next()?) }
        }
    };
    let port = now.port.to_string();
    for (what, is, wanted) in [("host", now.host.as_str(), &wanted.host), ("port", &port, &wanted.port)] {
        if let Some(other) = wanted.as_deref().filter(|wanted| *wanted != is) {
            return Err(format!(
                "{what} {other} is another server; this session can change only its database and user"
            ));
        }
    }
    Ok(wanted)
}

fn from_pairs(text: &str) -> Result<Connect, String> {
    let mut wanted = Connect::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, behind) =
            rest.split_once('=').ok_or_else(|| format!("missing \"=\" after \"{rest}\" in the connection string"))?;
        let behind = behind.trim_start();
        let mut value = String::new();
        let quoted = behind.starts_with('\'');
        let mut chars = behind.char_indices().skip(usize::from(quoted));
        let mut end = behind.len();
        let mut closed = !quoted;
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => value.extend(chars.next().map(|(_, c)| c)),
                '\'' if quoted => {
                    (end, closed) = (at + 1, true);
                    break;
                }
                c if !quoted && c.is_whitespace() => {
                    end = at;
                    break;
                }
                c => value.push(c),
            }
        }
        if !closed {
            return Err("unterminated quoted string in the connection string".to_owned());
        }
        set(&mut wanted, name.trim(), value)?;
        rest = behind[end..].trim_start();
    }
    Ok(wanted)
}

fn from_uri(text: &str) -> Result<Connect, String> {
    let body = text.split_once("://").map_or(text, |(_, body)| body);
    let (body, parameters) = body.split_once('?').unwrap_or((body, ""));
    let (authority, path) = body.split_once('/').unwrap_or((body, ""));
    let (who, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, _) = who.split_once(':').unwrap_or((who, ""));
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let mut wanted = Connect::default();
    for (name, value) in [("user", user), ("host", host), ("port", port), ("dbname", path)] {
        if !value.is_empty() {
            set(&mut wanted, name, decoded(value)?)?;
        }
    }
    for pair in parameters.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| format!("missing \"=\" in \"{pair}\""))?;
        set(&mut wanted, name, decoded(value)?)?;
    }
    Ok(wanted)
}

fn decoded(text: &str) -> Result<String, String> {
    let wrong = || format!("\"{text}\" is no good percent-encoding");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or_else(wrong);
        bytes.push((digit()? * 16 + digit()?) as u8);
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

fn set(wanted: &mut Connect, name: &str, value: String) -> Result<(), String> {
    let place = match name {
        "dbname" => &mut wanted.database,
        "user" => &mut wanted.user,
        "host" => &mut wanted.host,
        "port" => &mut wanted.port,
        "password" => {
            return Err("a password in a script is not taken; gatepost logs in as this session did".to_owned());
        }
        // TLS, the login and the encoding are ours to see to.
        _ => return Ok(()),
    };
    *place = Some(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    fn asked(text: &str) -> Result<Connect, String> {
        connect(text, "db.example", 5432)
    }

    #[test]
    fn every_form() {
        let to = |database: Option<&str>, user: Option<&str>| Connect {
            database: database.map(str::to_owned),
            user: user.map(str::to_owned),
            ..Connect::default()
        };
        assert_eq!(asked(""), Ok(to(None, None)));
        assert_eq!(asked(" shop"), Ok(to(Some("shop"), None)));
        assert_eq!(asked(" \"My Shop\" - ;"), Ok(to(Some("My Shop"), None)));
        assert_eq!(asked(" - bob"), Ok(to(None, Some("bob"))));
        assert_eq!(asked(" -reuse-previous=on \"dbname='it\\'s'\""), Ok(to(Some("it's"), None)));
        assert_eq!(asked(" 'dbname=a user=b sslmode=require'"), Ok(to(Some("a"), Some("b"))));
        let uri = asked(" postgresql://bob@db.example:5432/my%20shop").expect("this server");
        assert_eq!((uri.database.as_deref(), uri.user.as_deref()), (Some("my shop"), Some("bob")));
        assert!(asked(" shop bob elsewhere").expect_err("refused").contains("another server"));
        assert!(asked(" postgresql://bob:secret@db.example/x").is_ok(), "the password is left out");
    }
}
