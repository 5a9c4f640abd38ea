//! The settings in words: for `gatepost settings`, which is a settings file that can be kept, and for README. Made from the
//! table only.

use super::table::{KEYS, Variable};
use super::{Origin, Reading};
use std::fmt::Write;

/// Every key with meaning, default, environment and present value, as a TOML file: keys that are at their default are
/// commented out.
pub fn report(reading: &Reading) -> String {
    let mut text = String::new();
    let file = reading.file.as_ref().map_or_else(|| "none".to_owned(), |path| path.display().to_string());
    let there = if reading.file_exists { "" } else { " (not there)" };
    put(&mut text, format_args!("# settings of gatepost: flags over environment over file over defaults"));
    put(&mut text, format_args!("# file: {file}{there}"));
    for (key, origin) in KEYS.iter().zip(&reading.origins) {
        put(&mut text, format_args!(""));
        for line in wrapped(key.meaning, 100) {
            put(&mut text, format_args!("# {line}"));
        }
        let default = (key.show)(&reading.defaults).unwrap_or_else(|| "not set".to_owned());
        let mut facts = vec![format!("default: {default}")];
        if let Some(flag) = key.flag {
            facts.push(format!("flag: {flag}"));
        }
        facts.push(format!("environment: {}", variables(key.environment)));
        for line in wrapped(&facts.join("; "), 100) {
            put(&mut text, format_args!("# {line}"));
        }
        let value = (key.show)(&reading.settings);
        match (origin, value) {
            (Origin::Default, Some(value)) => put(&mut text, format_args!("# {} = {value}", key.name)),
            (Origin::Default, None) => put(&mut text, format_args!("# {} =", key.name)),
            (origin, Some(value)) => put(&mut text, format_args!("{} = {value}  # from {origin}", key.name)),
            (origin, None) => put(&mut text, format_args!("# {} =  # left to {origin}", key.name)),
        }
    }
    text
}

/// The table as README has it.
pub fn markdown() -> String {
    let defaults = crate::model::Settings::default();
    let mut text = String::from("| key | meaning | default | flag, environment |\n|---|---|---|---|\n");
    for key in KEYS {
        let default = match (key.name, (key.show)(&defaults)) {
            ("state_dir", _) => "the platform's state folder".to_owned(),
            (_, Some(value)) => format!("`{value}`"),
            (_, None) => String::new(),
        };
        let mut ways: Vec<String> = key.flag.iter().map(|flag| format!("`{flag}`")).collect();
        ways.extend(key.environment.iter().map(|variable| format!("`{}`", variable.name())));
        put(
            &mut text,
            format_args!("| `{}` | {} | {default} | {} |", key.name, key.meaning.replace('|', "\\|"), ways.join(", ")),
        );
    }
    text
}

fn variables(environment: &[Variable]) -> String {
    environment.iter().map(|variable| variable.name()).collect::<Vec<_>>().join(", ")
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use crate::settings::Sources;

    #[test]
    fn the_report_is_a_file_that_says_the_same() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut sources = Sources { state_dir: "/state".into(), ..Sources::default() };
        sources.environment.insert("GATEPOST_REGIONS".to_owned(), "eu-west-1,us-east-1".to_owned());
        sources.environment.insert("https_proxy".to_owned(), "http://me:hunter2@proxy:1".to_owned());
        sources.environment.insert("AWS_PROFILE".to_owned(), "mine".to_owned());
        sources.flags.push(("--ca-bundle", vec!["/ca.pem".to_owned()]));
        let reading = sources.read().expect("valid");
        let report = super::report(&reading);
        assert!(report.contains("regions = [\"eu-west-1\", \"us-east-1\"]  # from GATEPOST_REGIONS"), "{report}");
        assert!(report.contains("# profiles =  # left to AWS_PROFILE"), "{report}");
        assert!(report.contains("# connect_timeout = \"20s\""), "{report}");
        assert!(!report.contains("hunter2"), "{report}");

        let report = report.replace("http://me:••••@proxy:1", "http://me:hunter2@proxy:1");
        std::fs::write(folder.path().join("config.toml"), report).expect("written");
        let kept =
            Sources { state_dir: "/state".into(), config_dir: Some(folder.path().to_owned()), ..Sources::default() };
        let kept = kept.read().expect("valid").settings;
        assert_eq!(kept.file, Some(folder.path().join("config.toml")));
        assert_eq!(crate::model::Settings { file: None, ..kept }, reading.settings);
    }
}
