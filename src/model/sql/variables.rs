//! psql's variables: names, values, and the ones that mean something. It must not know who reads them.
//!
//! Source: psql's reference page, "Variables".

use std::collections::BTreeMap;

/// Variables of a session or a tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variables {
    values: BTreeMap<String, String>,
}

/// Variables that are on or off.
const SWITCHES: [&str; 7] =
    ["AUTOCOMMIT", "ON_ERROR_STOP", "QUIET", "SINGLELINE", "SINGLESTEP", "HIDE_TABLEAM", "HIDE_TOAST_COMPRESSION"];
/// Variables of a fixed set of words, the first being what `\unset` makes of them.
const WORDS: [(&str, &[&str]); 6] = [
    ("ECHO", &["none", "errors", "queries", "all"]),
    ("ECHO_HIDDEN", &["off", "on", "noexec"]),
    ("ON_ERROR_ROLLBACK", &["off", "interactive", "on"]),
    ("VERBOSITY", &["default", "verbose", "terse", "sqlstate"]),
    ("SHOW_CONTEXT", &["errors", "never", "always"]),
    ("COMP_KEYWORD_CASE", &["preserve-upper", "lower", "upper", "preserve-lower"]),
];

impl Default for Variables {
    fn default() -> Variables {
        let mut values = BTreeMap::new();
        for (name, value) in [
            ("AUTOCOMMIT", "on"),
            ("FETCH_COUNT", "0"),
            ("LAST_ERROR_MESSAGE", ""),
            ("LAST_ERROR_SQLSTATE", "00000"),
            ("ON_ERROR_STOP", "off"),
            ("QUIET", "off"),
            ("SINGLELINE", "off"),
            ("SINGLESTEP", "off"),
        ] {
            values.insert(name.to_owned(), value.to_owned());
        }
        for (name, words) in WORDS {
            values.insert(name.to_owned(), words[0].to_owned());
        }
        Variables { values }
    }
}

impl Variables {
    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether a switch is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| boolean(value) == Some(true))
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets one. The error says what was expected.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80) {
            return Err(format!("invalid variable name: \"{name}\""));
        }
        let value = if SWITCHES.contains(&name) {
            match value {
                "" => "on",
                _ if boolean(value).is_some() => value,
                _ => return Err(format!("unrecognized value \"{value}\" for \"{name}\": Boolean expected")),
            }
            .to_owned()
        } else if let Some((_, words)) = WORDS.iter().find(|(known, _)| *known == name) {
            let lower = value.to_ascii_lowercase();
            let as_switch =
                words.contains(&"on").then(|| boolean(if value.is_empty() { "on" } else { value })).flatten();
            match as_switch {
                _ if words.contains(&lower.as_str()) => lower,
                Some(on) => if on { "on" } else { "off" }.to_owned(),
                None => {
                    return Err(format!(
                        "unrecognized value \"{value}\" for \"{name}\"; available values are: {}",
                        words.join(", ")
                    ));
                }
            }
        } else if name == "FETCH_COUNT" {
            let value = if value.is_empty() { "0" } else { value };
            if value.parse::<i32>().is_err() {
                return Err(format!("invalid value \"{value}\" for \"{name}\": integer expected"));
            }
            value.to_owned()
        } else {
            value.to_owned()
        };
        self.values.insert(name.to_owned(), value);
        Ok(())
    }

    /// Takes one away; one that means something goes back to what it is without being set.
    pub fn unset(&mut self, name: &str) {
        if SWITCHES.contains(&name) {
            self.values.insert(name.to_owned(), "off".to_owned());
        } else if let Some((_, words)) = WORDS.iter().find(|(known, _)| *known == name) {
            self.values.insert(name.to_owned(), words[0].to_owned());
        } else if name == "FETCH_COUNT" {
            self.values.insert(name.to_owned(), "0".to_owned());
        } else {
            self.values.remove(name);
        }
    }
}

/// A Boolean as psql reads one: `on`, `off`, `1`, `0`, or a beginning of `true`, `false`, `yes`, `no`.
pub fn boolean(value: &str) -> Option<bool> {
    let lower = value.to_ascii_lowercase();
    let begins = |word: &str| !lower.is_empty() && word.starts_with(&lower);
    match lower.as_str() {
        "on" | "1" => Some(true),
        "of" | "off" | "0" => Some(false),
        _ if begins("true") || begins("yes") => Some(true),
        _ if begins("false") || begins("no") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_is_checked() {
        let mut variables = Variables::default();
        variables.set("ON_ERROR_STOP", "").expect("on");
        assert!(variables.is_on("ON_ERROR_STOP"));
        assert!(variables.set("ON_ERROR_STOP", "maybe").is_err());
        assert!(variables.is_on("ON_ERROR_STOP"), "as it was");
        variables.unset("ON_ERROR_STOP");
        assert_eq!(variables.get("ON_ERROR_STOP"), Some("off"));
        variables.set("ON_ERROR_ROLLBACK", "1").expect("a switch with one word more");
        assert_eq!(variables.get("ON_ERROR_ROLLBACK"), Some("on"));
        assert!(variables.set("VERBOSITY", "on").is_err());
        assert!(variables.set("a-b", "").is_err());
        variables.set("größe", "1").expect("letters of any script");
        variables.unset("größe");
        assert_eq!(variables.get("größe"), None);
    }

    #[test]
    fn booleans_as_psql_reads_them() {
        for (text, value) in [
            ("on", Some(true)),
            ("o", None),
            ("of", Some(false)),
            ("T", Some(true)),
            ("fal", Some(false)),
            ("Y", Some(true)),
            ("n", Some(false)),
            ("1", Some(true)),
            ("0", Some(false)),
            ("", None),
            ("2", None),
        ] {
            assert_eq!(boolean(text), value, "{text}");
        }
    }
}
