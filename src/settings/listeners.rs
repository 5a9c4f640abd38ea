//! The tables `[[listeners]]` of the settings file: one text each in, one listener out, and back. It must not know what a
//! listener does.

use super::words;
use crate::model::ListenerSettings;
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
            "read_only" => listener.read_only = switch()?,
            "tls" => listener.tls = switch()?,
            other => {
                return Err(format!(
                    "{other}: unknown key of a listener; there are name, target, user, database, port, socket, via, \
                     read_only, tls"
                ));
            }
        }
    }
    if listener.target.is_empty() {
        return Err("target: expected the name of a database".to_owned());
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
    let ListenerSettings { name, target, users, databases, port, socket, via, read_only, tls } = listener;
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
        ("read_only", read_only.then(|| "true".to_owned())),
        ("tls", tls.then(|| "true".to_owned())),
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
    fn what_is_shown_is_read_back() {
        let word = "{ name = \"o\", target = \"orders-prod\", user = [\"a\", \"b\"], database = \"shop\", port = 5433, \
                    socket = \"~/s\", via = \"bastion-a\", read_only = true, tls = true }";
        let read_here = |word: &str| read(word, Some(Path::new("/home/me")));
        let listener = read_here(word).expect("good");
        assert_eq!(listener.users, ["a", "b"]);
        assert_eq!((listener.port, listener.socket.as_deref()), (Some(5433), Some(Path::new("/home/me/s"))));
        assert_eq!(read_here(&one(&listener)), Ok(listener));
        assert_eq!(read_here("{ target = \"x\" }").expect("good").name, "x");
        for (word, expected) in [
            ("{ port = 1 }", "target: expected"),
            ("{ target = \"x\", port = 0 }", "port: expected a number"),
            ("{ target = \"x\", secret = \"s\" }", "secret: unknown key"),
            ("{ target = 7 }", "target: expected a string"),
            ("\"x\"", "expected a table"),
        ] {
            let refusal = read_here(word).expect_err("refused");
            assert!(refusal.starts_with(expected), "{refusal}");
        }
    }
}
