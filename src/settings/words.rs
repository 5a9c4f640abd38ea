//! How the values of settings are spelled: switches, durations, sizes, counts, paths. Text in, value out, and back. It
//! must not know which setting a value is for.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// `true` or `false`, and the words people use for them.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// A number with `ms`, `s`, `m` or `h`; a bare number is seconds, `off` is zero.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a duration such as \"500ms\", \"30s\", \"5m\", \"1h\", or \"off\"".to_owned();
    let text = text.trim();
    if text.eq_ignore_ascii_case("off") {
        return Ok(Duration::ZERO);
    }
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit = match text[digits..].trim() {
        "" => 1_000,
        unit => UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?.1,
    };
    number.checked_mul(unit).map(Duration::from_millis).ok_or_else(wrong)
}

/// The shortest spelling that [`duration`] reads back; zero is `off`.
pub fn show_duration(value: Duration) -> String {
    let milliseconds = value.as_millis();
    if milliseconds == 0 {
        return "off".to_owned();
    }
    let (name, unit) =
        UNITS.iter().rev().find(|(_, unit)| milliseconds.is_multiple_of(u128::from(*unit))).unwrap_or(&UNITS[0]);
    format!("{}{name}", milliseconds / u128::from(*unit))
}

const SIZES: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// Bytes: a bare number, or one with `KiB`, `MiB`, `GiB`, `TiB`; `off` is zero.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size such as \"512KiB\", \"16MiB\", \"8GiB\", a number of bytes, or \"off\"".to_owned();
    let text = text.trim();
    if text.eq_ignore_ascii_case("off") {
        return Ok(0);
    }
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit = match text[digits..].trim() {
        "" | "B" => 1,
        unit => SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(wrong)?.1,
    };
    number.checked_mul(unit).ok_or_else(wrong)
}

/// The shortest spelling that [`size`] reads back; zero is `off`.
pub fn show_size(value: u64) -> String {
    if value == 0 {
        return "off".to_owned();
    }
    match SIZES.iter().rev().find(|(_, unit)| value.is_multiple_of(*unit)) {
        Some((name, unit)) => format!("{}{name}", value / unit),
        None => value.to_string(),
    }
}

/// A whole number; `off` is zero.
pub fn count(text: &str) -> Result<u64, String> {
    if text.trim().eq_ignore_ascii_case("off") {
        return Ok(0);
    }
    text.trim().replace('_', "").parse().map_err(|_| "expected a whole number, or \"off\"".to_owned())
}

/// Zero is `off`.
pub fn show_count(value: u64) -> String {
    if value == 0 { "off".to_owned() } else { value.to_string() }
}

/// A path; `~/` is the home folder.
pub fn path(text: &str, home: Option<&Path>) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("expected a path".to_owned());
    }
    Ok(match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    })
}

/// `KEY=VALUE`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err(format!("{text:?}: expected KEY=VALUE")),
    }
}

/// A command that can be cut into words.
pub fn command(text: &str) -> Result<String, String> {
    crate::model::command_words(text).map(|_| text.to_owned())
}

/// A proxy's or an endpoint's address.
pub fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace) => {
            Ok(text.to_owned())
        }
        _ => Err("expected an address such as \"http://127.0.0.1:8080\"".to_owned()),
    }
}

/// A proxy's address; `HOST:PORT` alone is http, as curl and botocore have it.
pub fn proxy(text: &str) -> Result<String, String> {
    if text.contains("://") { url(text) } else { url(&format!("http://{text}")) }
}

/// An address without the password it may hold.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    // The last one of all: a password may hold a slash that nobody has encoded.
    match rest.rsplit_once('@') {
        Some((login, _)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:••••{}", &rest[login.len()..])
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_back_what_they_show() {
        for (text, seconds) in
            [("20", 20.0), ("20s", 20.0), ("1500ms", 1.5), ("2m", 120.0), ("1h", 3600.0), ("off", 0.0)]
        {
            let value = duration(text).expect("valid");
            assert_eq!(value.as_secs_f64(), seconds, "{text}");
            assert_eq!(duration(&show_duration(value)), Ok(value), "{text}");
        }
        assert_eq!(show_duration(Duration::from_secs(120)), "2m");
        for (text, bytes) in [("1024", 1024), ("16MiB", 16 << 20), ("8 gib", 8 << 30), ("off", 0)] {
            let value = size(text).expect("valid");
            assert_eq!(value, bytes, "{text}");
            assert_eq!(size(&show_size(value)), Ok(value), "{text}");
        }
        for wrong in ["", "s", "5 parsecs", "-1s", "99999999999999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(size("5 apples").expect_err("no unit").contains("16MiB"));
    }

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        assert_eq!(without_password("http://me:pa:ss@proxy:8080/x"), "http://me:••••@proxy:8080/x");
        assert_eq!(without_password("http://proxy:8080"), "http://proxy:8080");
        assert_eq!(without_password("http://me:pa/ss@proxy:8080"), "http://me:••••@proxy:8080");
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        assert_eq!(path("~/x", Some(Path::new("/home/me"))), Ok(PathBuf::from("/home/me/x")));
        assert_eq!(path("/x", Some(Path::new("/home/me"))), Ok(PathBuf::from("/x")));
        assert!(path("", None).is_err());
    }
}
