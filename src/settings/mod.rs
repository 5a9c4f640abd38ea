//! Flags over environment over the settings file over defaults become one [`Settings`], and it is remembered where each
//! value came from. Nothing else in the house reads the environment for settings; what the AWS SDK reads by itself is
//! left to it. It must not know what the settings are used for.

mod file;
mod listeners;
mod report;
pub mod table;
mod words;

pub use report::{markdown, report};

use crate::model::Settings;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use table::{KEYS, Key, Shape, Variable};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// The settings file, at this line.
    File(usize),
    /// An environment variable.
    Environment(&'static str),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(line) => write!(f, "file, line {line}"),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// What is wrong with a setting.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// In the file.
    #[error("{}:{line}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What, and what was expected.
        what: String,
    },
    /// In a flag or an environment variable.
    #[error("{origin}: {what}")]
    Word {
        /// Which.
        origin: Origin,
        /// What, and what was expected.
        what: String,
    },
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// What settings are read from. [`Sources::of_process`] is the real one; tests make their own.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Names of flags as in the table (`--region`) with their values.
    pub flags: Vec<(&'static str, Vec<String>)>,
    /// The environment. Variables that are not UTF-8 are not in it.
    pub environment: BTreeMap<String, String>,
    /// `--config`: must exist when given.
    pub config: Option<PathBuf>,
    /// Where the settings file is looked for otherwise.
    pub config_dir: Option<PathBuf>,
    /// Where state goes unless told otherwise.
    pub state_dir: PathBuf,
    /// For `~/`.
    pub home: Option<PathBuf>,
    /// The operating system's user name.
    pub os_user: String,
}

/// Settings, and where they came from.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The settings.
    pub settings: Settings,
    /// With nothing given: for showing what the defaults are.
    pub defaults: Settings,
    /// One for each of [`KEYS`], in that order.
    pub origins: Vec<Origin>,
    /// The settings file that was, or would be, read.
    pub file: Option<PathBuf>,
    /// Whether it is there.
    pub file_exists: bool,
}

impl Sources {
    /// The process's environment and the platform's folders.
    pub fn of_process(flags: Vec<(&'static str, Vec<String>)>, config: Option<PathBuf>) -> Sources {
        let folders = directories::ProjectDirs::from("", "", "gatepost");
        let environment: BTreeMap<String, String> =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
        let config =
            config.or_else(|| environment.get("GATEPOST_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from));
        Sources {
            flags,
            environment,
            config,
            config_dir: folders.as_ref().map(|folders| folders.config_dir().to_owned()),
            // macOS and Windows have no state folder of their own; the data folder is what stays on this machine.
            state_dir: folders.as_ref().map_or_else(
                || PathBuf::from(".gatepost"),
                |folders| folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).to_owned(),
            ),
            home: directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()),
            os_user: whoami::username().unwrap_or_else(|_| "unknown".to_owned()),
        }
    }

    /// Reads everything.
    pub fn read(&self) -> Result<Reading, Problem> {
        let defaults = Settings {
            state_dir: self.state_dir.clone(),
            os_user: self.os_user.clone(),
            // libpq's default.
            passfile: self.home.as_ref().map(|home| home.join(".pgpass")),
            ..Settings::default()
        };
        let mut settings = defaults.clone();
        let mut origins = vec![Origin::Default; KEYS.len()];

        let file = self.config.clone().or_else(|| self.config_dir.as_ref().map(|dir| dir.join("config.toml")));
        let text = match &file {
            Some(path) => self.text_of(path)?,
            None => None,
        };
        let lines = match (&file, &text) {
            (Some(path), Some(text)) => file::read(path, text)?,
            _ => Vec::new(),
        };

        for (key, origin) in KEYS.iter().zip(&mut origins) {
            if let Some((flag, words)) = self.flag(key) {
                *origin = Origin::Flag(flag);
                self.set(key, &mut settings, &words, origin)?;
            } else if let Some((variable, words)) = self.variable(key) {
                *origin = Origin::Environment(variable);
                if let Some(words) = words {
                    self.set(key, &mut settings, &words, origin)?;
                }
            } else if let Some(line) = lines.iter().find(|line| std::ptr::eq(line.key, key)) {
                *origin = Origin::File(line.line);
                let path = file.clone().unwrap_or_default();
                (key.set)(&mut settings, &line.words, self.home.as_deref()).map_err(|what| Problem::File {
                    path,
                    line: line.line,
                    what: format!("{}: {what}", key.name),
                })?;
            }
        }
        settings.file = file.clone().filter(|_| text.is_some());
        Ok(Reading { settings, defaults, origins, file, file_exists: text.is_some() })
    }

    /// The file's text; `None` where there is none and none was asked for.
    fn text_of(&self, path: &Path) -> Result<Option<String>, Problem> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.config.is_none() => Ok(None),
            Err(error) => Err(Problem::Unreadable { path: path.to_owned(), error }),
        }
    }

    fn set(&self, key: &Key, settings: &mut Settings, words: &[String], origin: &Origin) -> Result<(), Problem> {
        (key.set)(settings, words, self.home.as_deref()).map_err(|what| Problem::Word { origin: origin.clone(), what })
    }

    fn flag(&self, key: &Key) -> Option<(&'static str, Vec<String>)> {
        let (name, words) = self.flags.iter().find(|(name, words)| key.flag == Some(name) && !words.is_empty())?;
        Some((name, words.clone()))
    }

    /// The strongest variable that is set (an empty one is not), with its words unless the SDK reads it.
    fn variable(&self, key: &Key) -> Option<(&'static str, Option<Vec<String>>)> {
        let (variable, text) = key.environment.iter().find_map(|variable| {
            self.environment.get(variable.name()).filter(|text| !text.is_empty()).map(|text| (*variable, text))
        })?;
        let words = match variable {
            Variable::Sdk(_) => None,
            Variable::Not(_) => Some(vec!["false".to_owned()]),
            Variable::Value(_) => Some(split(key.shape, text)),
        };
        Some((variable.name(), words))
    }
}

fn split(shape: Shape, text: &str) -> Vec<String> {
    match shape {
        Shape::Text | Shape::Switch => vec![text.to_owned()],
        Shape::List | Shape::Pairs | Shape::Tables => {
            text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }
        Shape::Paths => std::env::split_paths(text).map(|path| path.display().to_string()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sources(environment: &[(&str, &str)]) -> Sources {
        Sources {
            environment: environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            state_dir: PathBuf::from("/state"),
            ..Sources::default()
        }
    }

    fn origin(reading: &Reading, name: &str) -> Origin {
        let at = KEYS.iter().position(|key| key.name == name).expect("a key of the table");
        reading.origins[at].clone()
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("config.toml");
        std::fs::write(
            &config,
            "regions = [\"ap-south-1\"]\nuser = \"filed\"\nconnect_timeout = \"5s\"\nproduction = \"*-prod\"\n",
        )
        .expect("written");
        let mut sources = sources(&[("AWS_REGION", "eu-west-1"), ("PGUSER", "pg"), ("GATEPOST_USER", "ours")]);
        sources.config_dir = Some(folder.path().to_owned());
        sources.flags.push(("--region", vec!["us-east-1".to_owned(), "us-west-2".to_owned()]));
        let reading = sources.read().expect("valid");
        assert_eq!(reading.settings.aws.regions, ["us-east-1", "us-west-2"]);
        assert_eq!(origin(&reading, "regions"), Origin::Flag("--region"));
        assert_eq!(reading.settings.user.as_deref(), Some("ours"));
        assert_eq!(origin(&reading, "user"), Origin::Environment("GATEPOST_USER"));
        assert_eq!(reading.settings.connect_timeout, Duration::from_secs(5));
        assert_eq!(origin(&reading, "connect_timeout"), Origin::File(3));
        assert_eq!(reading.settings.production, ["*-prod"]);
        assert!(reading.settings.read_only);
        assert_eq!(origin(&reading, "read_only"), Origin::Default);
        assert_eq!(reading.settings.state_dir, PathBuf::from("/state"));

        sources.flags.clear();
        let reading = sources.read().expect("valid");
        assert_eq!(reading.settings.aws.regions, ["eu-west-1"]);
        sources.environment.clear();
        let reading = sources.read().expect("valid");
        assert_eq!(reading.settings.aws.regions, ["ap-south-1"]);
    }

    #[test]
    fn what_the_sdk_reads_wins_over_the_file_and_is_left_to_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("config.toml"), "profiles = [\"a\", \"b\"]\nendpoint_url = \"http://x:1\"\n")
            .expect("written");
        let mut sources = sources(&[("AWS_PROFILE", "mine"), ("AWS_ENDPOINT_URL", "http://y:2")]);
        sources.config_dir = Some(folder.path().to_owned());
        let reading = sources.read().expect("valid");
        assert!(reading.settings.aws.profiles.is_empty());
        assert_eq!(origin(&reading, "profiles"), Origin::Environment("AWS_PROFILE"));
        assert_eq!(reading.settings.aws.endpoint_url, None);
    }

    #[test]
    fn the_sandbox_environment_is_understood() {
        let reading = sources(&[
            ("GATEPOST_REGIONS", "eu-west-1,us-east-1"),
            ("GATEPOST_CA_BUNDLE", "/tmp/ca.pem"),
            ("GATEPOST_RESOLVE", "db.example.com:5432:127.0.0.1:15432,b.example.com:5432:[::1]:1"),
            ("GATEPOST_STATE_DIR", "/tmp/state"),
            ("NO_COLOR", "1"),
        ])
        .read()
        .expect("valid");
        let settings = reading.settings;
        assert_eq!(settings.aws.regions, ["eu-west-1", "us-east-1"]);
        assert_eq!(settings.ca_bundles, [PathBuf::from("/tmp/ca.pem")]);
        assert_eq!(settings.resolve.len(), 2);
        assert_eq!(settings.resolve[1].address, "[::1]:1");
        assert_eq!(settings.state_dir, PathBuf::from("/tmp/state"));
        assert!(!settings.color);
    }

    #[test]
    fn both_cases_of_proxies_and_empty_variables() {
        let reading = sources(&[("HTTPS_PROXY", "http://upper:1"), ("https_proxy", ""), ("NO_COLOR", "")]).read();
        let settings = reading.expect("valid").settings;
        assert_eq!(settings.aws.https_proxy.as_ref().map(|secret| secret.reveal()), Some("http://upper:1"));
        assert!(settings.color);
        let reading = sources(&[("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "http://lower:1")]).read();
        let settings = reading.expect("valid").settings;
        assert_eq!(settings.aws.https_proxy.as_ref().map(|secret| secret.reveal()), Some("http://lower:1"));
        let bare = sources(&[("HTTPS_PROXY", "proxy.example.com:3128")]).read().expect("as curl has it").settings;
        let bare = bare.aws.https_proxy.expect("set");
        assert_eq!(bare.reveal(), "http://proxy.example.com:3128");
    }

    #[test]
    fn wrong_words_name_their_origin() {
        let refusal = |name, value| sources(&[(name, value)]).read().expect_err("refused").to_string();
        assert_eq!(
            refusal("GATEPOST_CONNECT_TIMEOUT", "soon"),
            "GATEPOST_CONNECT_TIMEOUT: expected a duration such as \"500ms\", \"30s\", \"5m\", \"1h\", or \"off\""
        );
        assert!(refusal("AWS_REGION", "eu west").starts_with("AWS_REGION: \"eu west\": expected region codes"));
        let mut sources = sources(&[]);
        sources.flags.push(("--resolve", vec!["nonsense".to_owned()]));
        assert!(
            sources.read().expect_err("refused").to_string().starts_with("--resolve: \"nonsense\": expected HOST:PORT")
        );
        sources.flags.clear();
        sources.config = Some(PathBuf::from("/nowhere/config.toml"));
        assert!(sources.read().expect_err("refused").to_string().starts_with("/nowhere/config.toml: "));
    }

    #[test]
    fn every_key_takes_back_what_it_shows() {
        let sample: &[(&str, &[&str])] = &[
            ("profiles", &["a", "b"]),
            ("regions", &["eu-west-1"]),
            ("endpoint_url", &["http://127.0.0.1:1"]),
            ("aws_ca_bundle", &["/x.pem"]),
            ("https_proxy", &["http://proxy:1"]),
            ("http_proxy", &["http://proxy:2"]),
            ("no_proxy", &["a,b"]),
            ("ca_bundles", &["/a.pem", "/b \"c\".pem"]),
            ("resolve", &["a:1:127.0.0.1:2"]),
            ("user", &["o'brien\\x"]),
            ("passfile", &["/pgpass"]),
            ("password_command", &["pass show 'a b'"]),
            ("password_commands", &["b=c", "orders-*=pass show \"x\""]),
            ("password_secrets", &["orders-*=arn:aws:secretsmanager:eu-west-1:1:secret:x-AbCdEf"]),
            ("password_auth", &["scram-sha-256", "md5"]),
            ("listeners", &["{ name = \"o\", target = \"orders-prod\", port = 5433, read_only = true }"]),
            ("read_only", &["false"]),
            ("production", &["*-prod"]),
            ("statement_timeout", &["1500ms"]),
            ("lock_timeout", &["2s"]),
            ("autocommit", &["false"]),
            ("progress", &["false"]),
            ("connect_timeout", &["1m"]),
            ("row_limit", &["1000000"]),
            ("byte_limit", &["1GiB"]),
            ("memory_limit", &["1MiB"]),
            ("ssm_document", &["Mine"]),
            ("ssm_parameters", &["a=b", "c d=e"]),
            ("keep_alive", &["5m"]),
            ("ssm_sessions", &["4"]),
            ("ssm_payload", &["16KiB"]),
            ("ssm_patience", &["1h"]),
            ("state_dir", &["/state"]),
            ("log_file", &["/log"]),
            ("editor", &["code --wait"]),
            ("editor_keys", &["vi"]),
            ("complete_as_you_type", &["false"]),
            ("color", &["false"]),
        ];
        assert_eq!(sample.len(), KEYS.len());
        for (key, (name, words)) in KEYS.iter().zip(sample) {
            assert_eq!(key.name, *name);
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let mut settings = Settings::default();
            (key.set)(&mut settings, &words, None).unwrap_or_else(|what| panic!("{name}: {what}"));
            assert_ne!(settings, Settings::default(), "{name} set nothing");
            let shown = (key.show)(&settings).unwrap_or_else(|| panic!("{name} shows nothing"));
            let lines = file::read(Path::new("x"), &format!("{name} = {shown}")).unwrap_or_else(|e| panic!("{e}"));
            let mut again = Settings::default();
            (key.set)(&mut again, &lines[0].words, None).unwrap_or_else(|what| panic!("{name}: {what}"));
            assert_eq!(settings, again, "{name}");
        }
    }
}
