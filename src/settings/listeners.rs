//! The tables `[[listeners]]` of the settings file: one text each in, one listener out, and back. It must not know what a
//! listener does.

use super::words;
use crate::model::{Auth, ListenerSettings};
use std::path::Path;
use toml::de::DeValue;
use toml::{Table, Value};

/// A table of the file as one word: an inline table. `None` for what no listener has (nested tables, dates).
pub fn word(value: &DeValue<'_>) -> Option<String> {
    let DeValue::Table(table) = value else { return None };
    let mut pairs = Vec::new();
    for (key, value) in table {
        let value = match value.get_ref() {
            DeValue::String(text) => quoted(text),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Array(items) => {
                let items: Option<Vec<String>> = items.iter().map(|item| item.get_ref().as_str().map(quoted)).collect();
                format!("[{}]", items?.join(", "))
            }
            _ => return None,
        };
        pairs.push(format!("{} = {value}", quoted(key.get_ref())));
    }
    Some(format!("{{ {} }}", pairs.join(", ")))
}

/// Reads them all. What is wrong with one says which it is; no two may have one name or one door.
pub fn read_all(words: &[String], home: Option<&Path>) -> Result<Vec<ListenerSettings>, String> {
    let mut all: Vec<ListenerSettings> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let one = read(word, home).map_err(|wrong| match called(word) {
            Some(name) => format!("{wrong} (listener {}, {name})", at + 1),
            None => format!("{wrong} (listener {})", at + 1),
        })?;
        if all.iter().any(|other| other.name == one.name) {
            return Err(format!("two are called {}: give one of them another name", one.name));
        }
        // Where no number is given, each has one of its own.
        let same = |other: &&ListenerSettings| (&other.socket, other.port) == (&one.socket, one.port);
        if let (Some(port), Some(other)) = (one.port, all.iter().find(same)) {
            return Err(format!("{} and {} both have port {port}: each needs its own", other.name, one.name));
        }
        all.push(one);
    }
    Ok(all)
}

/// What it is called, as far as it can be read.
fn called(word: &str) -> Option<String> {
    let table: Table = toml::from_str(&format!("listener = {word}")).ok()?;
    let listener = table.get("listener")?;
    ["name", "target"].iter().find_map(|key| listener.get(key)?.as_str()).map(str::to_owned)
}

/// Reads what [`word`] gives.
pub fn read(word: &str, home: Option<&Path>) -> Result<ListenerSettings, String> {
    let table: Table = toml::from_str(&format!("listener = {word}")).map_err(|error| error.message().to_owned())?;
    let Some(Value::Table(table)) = table.get("listener") else {
        return Err("expected a table such as { target = \"orders-prod\", port = 5433 }".to_owned());
    };
    let mut listener = ListenerSettings::default();
    for (key, value) in table {
        let wrong = |expected: &str| format!("{key}: expected {expected}");
        let text = || value.as_str().map(str::to_owned).ok_or_else(|| wrong("a string"));
        let switch = || value.as_bool().ok_or_else(|| wrong("true or false"));
        let list = || match value {
            Value::String(one) => Ok(vec![one.clone()]),
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| wrong("a string or an array of strings")),
            _ => Err(wrong("a string or an array of strings")),
        };
        match key.as_str() {
            "name" => listener.name = text()?,
            "target" => listener.target = text()?,
            "user" => listener.users = list()?,
            "database" => listener.databases = list()?,
            "port" => {
                let port = value.as_integer().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
                listener.port = Some(port.ok_or_else(|| wrong("a number from 1 to 65535"))?);
            }
            "socket" => listener.socket = Some(words::path(&text()?, home)?),
            "via" => listener.via = Some(text()?),
            "auth" => {
                let word = text()?;
                let way = match word.as_str() {
                    "iam" => Auth::Iam,
                    "passfile" => Auth::Passfile,
                    "command" => Auth::Command,
                    "secret" => Auth::SecretsManager(None),
                    _ => return Err(wrong("iam, passfile, command or secret")),
                };
                // Which secret may have been read before.
                match &listener.auth {
                    Some(Auth::SecretsManager(Some(_))) if word == "secret" => {}
                    Some(_) => return Err("auth: a secret is logged in with by auth = \"secret\" alone".to_owned()),
                    None => listener.auth = Some(way),
                }
            }
            "secret" => {
                let named = text()?;
                match &listener.auth {
                    None | Some(Auth::SecretsManager(_)) => listener.auth = Some(Auth::SecretsManager(Some(named))),
                    Some(_) => return Err("secret: goes with auth = \"secret\" alone".to_owned()),
                }
            }
            "read_only" => listener.read_only = Some(switch()?),
            "tls" => listener.tls = switch()?,
            "no_secret" => listener.no_secret = switch()?,
            other => {
                return Err(format!(
                    "{other}: unknown key of a listener; there are name, target, user, database, port, socket, via, \
                     auth, secret, read_only, tls, no_secret"
                ));
            }
        }
    }
    if listener.target.is_empty() {
        return Err("target: expected the name of a database".to_owned());
    }
    if listener.tls && listener.socket.is_some() {
        return Err("tls: a socket never leaves this machine and has none; it goes with a port".to_owned());
    }
    if listener.name.is_empty() {
        listener.name.clone_from(&listener.target);
    }
    Ok(listener)
}

/// All of them as the file may have them.
pub fn show(listeners: &[ListenerSettings]) -> Option<String> {
    let tables: Vec<String> = listeners.iter().map(one).collect();
    (!tables.is_empty()).then(|| format!("[{}]", tables.join(", ")))
}

fn one(listener: &ListenerSettings) -> String {
    let ListenerSettings { name, target, users, databases, port, socket, via, auth, read_only, tls, no_secret } =
        listener;
    let (auth, secret) = match auth {
        Some(Auth::Iam) => (Some("iam"), None),
        Some(Auth::Passfile) => (Some("passfile"), None),
        Some(Auth::Command) => (Some("command"), None),
        Some(Auth::SecretsManager(named)) => (Some("secret"), named.as_deref()),
        // Neither is read from a file.
        None | Some(Auth::Password(_) | Auth::Kerberos) => (None, None),
    };
    let list = |items: &[String]| {
        (!items.is_empty()).then(|| format!("[{}]", items.iter().map(quoted).collect::<Vec<_>>().join(", ")))
    };
    let pairs = [
        ("name", Some(quoted(name))),
        ("target", Some(quoted(target))),
        ("user", list(users)),
        ("database", list(databases)),
        ("port", port.map(|port| port.to_string())),
        ("socket", socket.as_ref().map(|path| quoted(path.display().to_string()))),
        ("via", via.as_deref().map(quoted)),
        ("auth", auth.map(quoted)),
        ("secret", secret.map(quoted)),
        ("read_only", read_only.map(|read_only| read_only.to_string())),
        ("tls", tls.then(|| "true".to_owned())),
        ("no_secret", no_secret.then(|| "true".to_owned())),
    ];
    let pairs: Vec<String> =
        pairs.into_iter().filter_map(|(key, value)| value.map(|value| format!("{key} = {value}"))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn quoted(text: impl AsRef<str>) -> String {
    Value::String(text.as_ref().to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_have_one_name_or_one_door_and_each_mistake_has_its_listener() {
        let refusal = |tables: &[&str]| {
            let words: Vec<String> = tables.iter().map(|table| format!("{{ {table} }}")).collect();
            read_all(&words, None).expect_err("refused")
        };
        let said = refusal(&["target = \"a\"", "target = \"b\", prot = 3"]);
        assert!(said.starts_with("prot: unknown key") && said.ends_with("(listener 2, b)"), "{said}");
        assert!(refusal(&["port = 3"]).ends_with("(listener 1)"));
        let said = refusal(&["target = \"a\", port = 7", "target = \"b\"", "name = \"c\", target = \"a\", port = 7"]);
        assert_eq!(said, "a and c both have port 7: each needs its own");
        assert!(refusal(&["target = \"a\"", "target = \"a\""]).starts_with("two are called a:"));
        // A socket's number is no port, and each folder has its own.
        let words = ["port = 7", "port = 7, socket = \"/s\"", "port = 7, socket = \"/t\"", "", ""];
        let words = words.iter().enumerate().map(|(at, rest)| match rest.is_empty() {
            true => format!("{{ target = \"t{at}\" }}"),
            false => format!("{{ target = \"t{at}\", {rest} }}"),
        });
        assert_eq!(read_all(&words.collect::<Vec<_>>(), None).map(|all| all.len()), Ok(5));
    }

    #[test]
    fn what_is_shown_is_read_back() {
        let word = "{ name = \"o\", target = \"orders-prod\", user = [\"a\", \"b\"], database = \"shop\", port = 5433, \
                    socket = \"~/s\", via = \"bastion-a\", secret = \"orders/app\", read_only = true, no_secret = true }";
        let read_here = |word: &str| read(word, Some(Path::new("/home/me")));
        let listener = read_here(word).expect("good");
        assert_eq!(listener.users, ["a", "b"]);
        assert_eq!((listener.port, listener.socket.as_deref()), (Some(5433), Some(Path::new("/home/me/s"))));
        assert_eq!(read_here(&one(&listener)), Ok(listener));
        let bare = read_here("{ target = \"x\" }").expect("good");
        assert_eq!((bare.name.as_str(), bare.read_only), ("x", None));
        let encrypted = read_here("{ target = \"x\", port = 5433, tls = true }").expect("good");
        assert_eq!(read_here(&one(&encrypted)), Ok(encrypted));
        assert!(
            read_here("{ target = \"x\", socket = \"/s\", tls = true }").is_err_and(|why| why.starts_with("tls: "))
        );
        let writable = read_here("{ target = \"x\", read_only = false }").expect("good");
        assert_eq!(writable.read_only, Some(false));
        assert_eq!(read_here(&one(&writable)), Ok(writable));
        for (word, expected) in [
            ("iam", Auth::Iam),
            ("passfile", Auth::Passfile),
            ("command", Auth::Command),
            ("secret", Auth::SecretsManager(None)),
        ] {
            let listener = read_here(&format!("{{ target = \"x\", auth = \"{word}\" }}")).expect("good");
            assert_eq!(listener.auth.as_ref(), Some(&expected));
            assert_eq!(read_here(&one(&listener)), Ok(listener));
        }
        let named = read_here("{ target = \"x\", auth = \"secret\", secret = \"s\" }").expect("good");
        assert_eq!(named.auth, Some(Auth::SecretsManager(Some("s".to_owned()))));
        for (word, expected) in [
            ("{ port = 1 }", "target: expected"),
            ("{ target = \"x\", port = 0 }", "port: expected a number"),
            ("{ target = \"x\", password = \"s\" }", "password: unknown key"),
            ("{ target = \"x\", auth = \"password\" }", "auth: expected iam, passfile, command or secret"),
            ("{ target = \"x\", auth = \"iam\", secret = \"s\" }", "secret: goes with"),
            ("{ target = 7 }", "target: expected a string"),
            ("\"x\"", "expected a table"),
        ] {
            let refusal = read_here(word).expect_err("refused");
            assert!(refusal.starts_with(expected), "{refusal}");
        }
    }
}
