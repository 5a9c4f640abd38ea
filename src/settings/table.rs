//! The table of settings: one row a key. Parsing, `gatepost settings` and README are made from it. It must not know where
//! a value comes from.

use super::{listeners, words};
use crate::model::{Allowed, EditorKeys, Resolve, Secret, Settings};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a key is written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A string; numbers are taken too.
    Text,
    /// `true` or `false`.
    Switch,
    /// An array of strings; a lone string is taken too. In the environment: separated by commas.
    List,
    /// An array of paths; in the environment: separated as in `PATH`.
    Paths,
    /// A table of strings; in the environment: `KEY=VALUE`, separated by commas.
    Pairs,
    /// Tables under one name, `[[name]]`; in the file alone.
    Tables,
}

impl Shape {
    /// What is expected, in words.
    pub fn expected(self) -> &'static str {
        match self {
            Shape::Text => "a string",
            Shape::Switch => "true or false",
            Shape::List => "an array of strings",
            Shape::Paths => "an array of paths",
            Shape::Pairs => "a table of strings",
            Shape::Tables => "tables of strings, numbers and switches",
        }
    }
}

/// What an environment variable does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// Its value is the setting's.
    Value(&'static str),
    /// Set to anything, it means `false`.
    Not(&'static str),
    /// The AWS SDK reads it by itself: when it is set, the file's value is passed over.
    Sdk(&'static str),
}

impl Variable {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Variable::Value(name) | Variable::Not(name) | Variable::Sdk(name) => name,
        }
    }
}

/// Puts the words of a value into the settings, or says what was expected. The path is the home folder.
pub type Set = fn(&mut Settings, &[String], Option<&Path>) -> Result<(), String>;

/// One setting.
pub struct Key {
    /// As in the file.
    pub name: &'static str,
    /// How it is written.
    pub shape: Shape,
    /// The flag, where there is one, e.g. `--region`.
    pub flag: Option<&'static str>,
    /// Environment variables, the strongest first.
    pub environment: &'static [Variable],
    /// What it means, in one or two sentences.
    pub meaning: &'static str,
    /// How its value gets into the settings.
    pub set: Set,
    /// The value as it would be written in the file; `None` where it is not set. Never a secret.
    pub show: fn(&Settings) -> Option<String>,
}

use Variable::{Not, Sdk, Value};

/// Every key, in the order in which they are explained.
pub static KEYS: &[Key] = &[
    Key {
        name: "profiles",
        shape: Shape::List,
        flag: Some("--profile"),
        environment: &[Value("GATEPOST_PROFILES"), Sdk("AWS_PROFILE")],
        meaning: "Profiles of the shared AWS configuration to list with. Not set: the default chain, as the AWS CLI has it.",
        set: |settings, words, _| {
            settings.aws.profiles = words.to_vec();
            Ok(())
        },
        show: |settings| list(&settings.aws.profiles),
    },
    Key {
        name: "regions",
        shape: Shape::List,
        flag: Some("--region"),
        environment: &[Value("GATEPOST_REGIONS"), Value("AWS_REGION"), Value("AWS_DEFAULT_REGION")],
        meaning: "Regions to list, in this order. Not set: each profile's own region.",
        set: |settings, words, _| {
            if let Some(wrong) = words
                .iter()
                .find(|word| word.is_empty() || !word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
            {
                return Err(format!("{wrong:?}: expected region codes such as \"eu-west-1\""));
            }
            settings.aws.regions = words.to_vec();
            Ok(())
        },
        show: |settings| list(&settings.aws.regions),
    },
    Key {
        name: "endpoint_url",
        shape: Shape::Text,
        flag: Some("--endpoint-url"),
        environment: &[Value("GATEPOST_ENDPOINT_URL"), Sdk("AWS_ENDPOINT_URL")],
        meaning: "One address for all AWS services. AWS_ENDPOINT_URL_RDS and the other per-service variables still count.",
        set: |settings, words, _| {
            settings.aws.endpoint_url = Some(words::url(single(words)?)?);
            Ok(())
        },
        show: |settings| settings.aws.endpoint_url.as_deref().map(quoted),
    },
    Key {
        name: "aws_ca_bundle",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_AWS_CA_BUNDLE"), Value("AWS_CA_BUNDLE")],
        meaning: "PEM file of the certificate authorities for TLS to AWS. Not set: the system's.",
        set: |settings, words, home| {
            settings.aws.ca_bundle = Some(words::path(single(words)?, home)?);
            Ok(())
        },
        show: |settings| settings.aws.ca_bundle.as_deref().map(quoted_path),
    },
    Key {
        name: "https_proxy",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("https_proxy"), Value("HTTPS_PROXY")],
        meaning: "Proxy for https, and so for AWS and the SSM web socket.",
        set: |settings, words, _| {
            settings.aws.https_proxy = Some(Secret::new(words::proxy(single(words)?)?));
            Ok(())
        },
        show: |settings| proxy(settings.aws.https_proxy.as_ref()),
    },
    Key {
        name: "http_proxy",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("http_proxy"), Value("HTTP_PROXY")],
        meaning: "Proxy for plain http: only an endpoint_url can need it.",
        set: |settings, words, _| {
            settings.aws.http_proxy = Some(Secret::new(words::proxy(single(words)?)?));
            Ok(())
        },
        show: |settings| proxy(settings.aws.http_proxy.as_ref()),
    },
    Key {
        name: "no_proxy",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("no_proxy"), Value("NO_PROXY")],
        meaning: "Hosts that no proxy is used for, separated by commas.",
        set: |settings, words, _| {
            settings.aws.no_proxy = Some(single(words)?.to_owned());
            Ok(())
        },
        show: |settings| settings.aws.no_proxy.as_deref().map(quoted),
    },
    Key {
        name: "ca_bundles",
        shape: Shape::Paths,
        flag: Some("--ca-bundle"),
        environment: &[Value("GATEPOST_CA_BUNDLE")],
        meaning: "PEM files with certificate authorities for databases, besides the built-in ones of RDS and RDS Proxy.",
        set: |settings, words, home| {
            settings.ca_bundles =
                words.iter().map(|word| words::path(word, home)).collect::<Result<Vec<PathBuf>, _>>()?;
            Ok(())
        },
        show: |settings| {
            let paths: Vec<String> = settings.ca_bundles.iter().map(|path| path.display().to_string()).collect();
            list(&paths)
        },
    },
    Key {
        name: "resolve",
        shape: Shape::List,
        flag: Some("--resolve"),
        environment: &[Value("GATEPOST_RESOLVE")],
        meaning: "HOST:PORT:ADDRESS[:PORT]: on a direct line, dial this address where that host and port are meant. \
                  Names in certificates and tokens stay as they are.",
        set: |settings, words, _| {
            settings.resolve = words.iter().map(|word| Resolve::parse(word)).collect::<Result<Vec<_>, _>>()?;
            Ok(())
        },
        show: |settings| {
            let words: Vec<String> = settings
                .resolve
                .iter()
                .map(|resolve| format!("{}:{}:{}", resolve.host, resolve.port, resolve.address))
                .collect();
            list(&words)
        },
    },
    Key {
        name: "user",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_USER"), Value("PGUSER")],
        meaning: "Database user where none is named and none was used before with that database.",
        set: |settings, words, _| {
            settings.user = Some(single(words)?.to_owned());
            Ok(())
        },
        show: |settings| settings.user.as_deref().map(quoted),
    },
    Key {
        name: "passfile",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("PGPASSFILE")],
        meaning: "File of passwords (0600), read as libpq reads it, where a password is wanted and PGPASSWORD is not set. \
                  Not set: ~/.pgpass.",
        set: |settings, words, home| {
            settings.passfile = Some(words::path(single(words)?, home)?);
            Ok(())
        },
        show: |settings| settings.passfile.as_deref().map(quoted_path),
    },
    Key {
        name: "password_command",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_PASSWORD_COMMAND")],
        meaning: "Program and arguments that print the password, for logins with `command`. No shell is in between: blanks \
                  part the words, quotes and \\ keep them. It finds PGHOST, PGPORT, PGDATABASE and PGUSER set.",
        set: |settings, words, _| {
            settings.password_command = Some(words::command(single(words)?)?);
            Ok(())
        },
        show: |settings| settings.password_command.as_deref().map(quoted),
    },
    Key {
        name: "password_commands",
        shape: Shape::Pairs,
        flag: None,
        environment: &[],
        meaning: "The same for single databases: NAME = \"COMMAND\"; in NAME, * stands for any characters, and the \
                  longest that fits counts.",
        set: |settings, words, _| {
            settings.password_commands = words
                .iter()
                .map(|word| {
                    let (name, command) = words::pair(word)?;
                    words::command(&command).map(|command| (name, command))
                })
                .collect::<Result<_, String>>()?;
            Ok(())
        },
        show: |settings| table(&settings.password_commands),
    },
    Key {
        name: "password_secrets",
        shape: Shape::Pairs,
        flag: None,
        environment: &[],
        meaning: "Secrets of AWS Secrets Manager for logins with `secret`: NAME = \"ARN or name\"; in NAME, * stands for any \
                  characters. Where none is given: the master user's, which RDS manages.",
        set: |settings, words, _| {
            settings.password_secrets = words.iter().map(|word| words::pair(word)).collect::<Result<_, _>>()?;
            Ok(())
        },
        show: |settings| table(&settings.password_secrets),
    },
    Key {
        name: "password_auth",
        shape: Shape::List,
        flag: None,
        environment: &[Value("GATEPOST_PASSWORD_AUTH")],
        meaning: "How a server may ask for a password: scram-sha-256-plus, scram-sha-256, md5, cleartext, none. Whoever asks \
                  otherwise is shown nothing; scram-sha-256-plus alone requires channel binding. A token is shown in \
                  cleartext only. All of it within TLS to the verified name.",
        set: |settings, words, _| {
            settings.password_auth = Allowed::parse(words.iter().map(String::as_str))?;
            Ok(())
        },
        show: |settings| {
            let names: Vec<String> = settings.password_auth.names().iter().map(|name| (*name).to_owned()).collect();
            list(&names)
        },
    },
    Key {
        name: "listeners",
        shape: Shape::Tables,
        flag: None,
        environment: &[],
        meaning: "What `gatepost proxy` opens where no NAME is given, each a table `[[listeners]]`: target, and where wanted \
                  name, user, database, port or socket (a folder), via, auth (iam, passfile, command, secret), secret (an ARN \
                  or name), read_only (where it is left out, listeners for production are), tls, no_secret. `gatepost proxy \
                  NAME` opens one of them by its name.",
        set: |settings, words, home| {
            settings.listeners = listeners::read_all(words, home)?;
            Ok(())
        },
        show: |settings| listeners::show(&settings.listeners),
    },
    Key {
        name: "read_only",
        shape: Shape::Switch,
        flag: None,
        environment: &[Value("GATEPOST_READ_ONLY")],
        meaning: "Sessions refuse writes unless asked otherwise: the server is told so at the start and with each statement. \
                  Listeners have a switch of their own.",
        set: |settings, words, _| {
            settings.read_only = words::switch(single(words)?)?;
            Ok(())
        },
        show: |settings| Some(settings.read_only.to_string()),
    },
    Key {
        name: "production",
        shape: Shape::List,
        flag: None,
        environment: &[Value("GATEPOST_PRODUCTION")],
        meaning: "Names of databases that are production; * stands for any characters. A tag Environment, env or stage \
                  that begins with prod marks one as well.",
        set: |settings, words, _| {
            settings.production = words.to_vec();
            Ok(())
        },
        show: |settings| list(&settings.production),
    },
    Key {
        name: "statement_timeout",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_STATEMENT_TIMEOUT")],
        meaning: "PostgreSQL's statement_timeout of sessions. Off: the server's own.",
        set: |settings, words, _| {
            settings.statement_timeout = words::duration(single(words)?)?;
            Ok(())
        },
        show: |settings| Some(quoted(&words::show_duration(settings.statement_timeout))),
    },
    Key {
        name: "lock_timeout",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_LOCK_TIMEOUT")],
        meaning: "PostgreSQL's lock_timeout of sessions. Off: the server's own.",
        set: |settings, words, _| {
            settings.lock_timeout = words::duration(single(words)?)?;
            Ok(())
        },
        show: |settings| Some(quoted(&words::show_duration(settings.lock_timeout))),
    },
    Key {
        name: "autocommit",
        shape: Shape::Switch,
        flag: None,
        environment: &[Value("GATEPOST_AUTOCOMMIT")],
        meaning: "In the query pane each statement is its own transaction. Off: the first opens one, which COMMIT or \
                  ROLLBACK ends.",
        set: |settings, words, _| {
            settings.autocommit = words::switch(single(words)?)?;
            Ok(())
        },
        show: |settings| Some(settings.autocommit.to_string()),
    },
    Key {
        name: "progress",
        shape: Shape::Switch,
        flag: None,
        environment: &[Value("GATEPOST_PROGRESS")],
        meaning: "VACUUM, ANALYZE, CREATE INDEX, REINDEX, CLUSTER and COPY that take more than three seconds in the query \
                  pane: a second session asks the server how far they are.",
        set: |settings, words, _| {
            settings.progress = words::switch(single(words)?)?;
            Ok(())
        },
        show: |settings| Some(settings.progress.to_string()),
    },
    Key {
        name: "connect_timeout",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_CONNECT_TIMEOUT")],
        meaning: "How long each step of connecting may take.",
        set: |settings, words, _| {
            let value = words::duration(single(words)?)?;
            if value < Duration::from_millis(100) {
                return Err("expected a duration of at least \"100ms\"".to_owned());
            }
            settings.connect_timeout = value;
            Ok(())
        },
        show: |settings| Some(quoted(&words::show_duration(settings.connect_timeout))),
    },
    Key {
        name: "row_limit",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_ROW_LIMIT")],
        meaning: "Rows that a result may have in the query pane before its statement is cancelled.",
        set: |settings, words, _| {
            settings.row_limit = words::count(single(words)?)?;
            Ok(())
        },
        show: |settings| Some(quoted(&words::show_count(settings.row_limit))),
    },
    Key {
        name: "byte_limit",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_BYTE_LIMIT")],
        meaning: "What a result may occupy on disk before its statement is cancelled.",
        set: |settings, words, _| {
            settings.byte_limit = words::size(single(words)?)?;
            Ok(())
        },
        show: |settings| Some(quoted(&words::show_size(settings.byte_limit))),
    },
    Key {
        name: "memory_limit",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_MEMORY_LIMIT")],
        meaning: "What a result may occupy in memory; the rest is kept in an unlinked temporary file.",
        set: |settings, words, _| {
            settings.memory_limit =
                usize::try_from(words::size(single(words)?)?).map_err(|_| "too large for this machine".to_owned())?;
            Ok(())
        },
        show: |settings| Some(quoted(&words::show_size(settings.memory_limit as u64))),
    },
    Key {
        name: "ssm_document",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_SSM_DOCUMENT")],
        meaning: "SSM document that forwards a port to another host.",
        set: |settings, words, _| {
            settings.ssm_document = single(words)?.to_owned();
            Ok(())
        },
        show: |settings| Some(quoted(&settings.ssm_document)),
    },
    Key {
        name: "ssm_parameters",
        shape: Shape::Pairs,
        flag: None,
        environment: &[Value("GATEPOST_SSM_PARAMETERS")],
        meaning: "Further parameters of that document.",
        set: |settings, words, _| {
            settings.ssm_parameters = words.iter().map(|word| words::pair(word)).collect::<Result<Vec<_>, _>>()?;
            Ok(())
        },
        show: |settings| table(&settings.ssm_parameters),
    },
    Key {
        name: "keep_alive",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_KEEP_ALIVE")],
        meaning: "Send a byte through an idle tunnel this often. Off: the account's idle timeout ends it.",
        set: |settings, words, _| {
            let value = words::duration(single(words)?)?;
            settings.keep_alive = (!value.is_zero()).then_some(value);
            Ok(())
        },
        show: |settings| Some(quoted(&words::show_duration(settings.keep_alive.unwrap_or_default()))),
    },
    Key {
        name: "ssm_sessions",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_SSM_SESSIONS")],
        meaning: "SSM sessions that one route may have open beside one another; the agent limits each to under a megabyte a \
                  second. Another is opened when all are busy; above 2, also for each connection to a forwarded port.",
        set: |settings, words, _| {
            let sessions = words::count(single(words)?)?;
            settings.ssm_sessions = usize::try_from(sessions)
                .ok()
                .filter(|sessions| (1..=16).contains(sessions))
                .ok_or("expected a number from 1 to 16")?;
            Ok(())
        },
        show: |settings| Some(quoted(&settings.ssm_sessions.to_string())),
    },
    Key {
        name: "ssm_payload",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_SSM_PAYLOAD")],
        meaning: "Size of one message to the agent after the handshake. Larger ones make uploads faster; 1 KiB is taken \
                  where they are refused.",
        set: |settings, words, _| {
            settings.ssm_payload = usize::try_from(words::size(single(words)?)?)
                .ok()
                .filter(|payload| (1 << 10..=64 << 10).contains(payload))
                .ok_or("expected 1 KiB to 64 KiB")?;
            Ok(())
        },
        show: |settings| Some(quoted(&words::show_size(settings.ssm_payload as u64))),
    },
    Key {
        name: "ssm_patience",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_SSM_PATIENCE")],
        meaning: "How long AWS may be out of reach before an SSM session is given up; until then it is dialled again.",
        set: |settings, words, _| {
            settings.ssm_patience = words::duration(single(words)?)?;
            Ok(())
        },
        show: |settings| Some(quoted(&words::show_duration(settings.ssm_patience))),
    },
    Key {
        name: "state_dir",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_STATE_DIR")],
        meaning: "Folder (0700) for history, saved queries (`saved/`), audit trail and what was used last.",
        set: |settings, words, home| {
            settings.state_dir = words::path(single(words)?, home)?;
            Ok(())
        },
        show: |settings| Some(quoted_path(&settings.state_dir)),
    },
    Key {
        name: "log_file",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_LOG_FILE")],
        meaning: "File (0600) for a log of what gatepost does. It never holds a token or a password.",
        set: |settings, words, home| {
            settings.log_file = Some(words::path(single(words)?, home)?);
            Ok(())
        },
        show: |settings| settings.log_file.as_deref().map(quoted_path),
    },
    Key {
        name: "editor",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_EDITOR"), Value("VISUAL"), Value("EDITOR")],
        meaning: "Command line of the editor that Alt-E and \\e give the query's text to.",
        set: |settings, words, _| {
            settings.editor = single(words)?.to_owned();
            Ok(())
        },
        show: |settings| Some(quoted(&settings.editor)),
    },
    Key {
        name: "editor_keys",
        shape: Shape::Text,
        flag: None,
        environment: &[Value("GATEPOST_EDITOR_KEYS")],
        meaning: "Keys of the query editor: \"emacs\" (as in a shell) or \"vi\" (modes).",
        set: |settings, words, _| {
            settings.editor_keys = match single(words)? {
                "emacs" => EditorKeys::Emacs,
                "vi" => EditorKeys::Vi,
                other => return Err(format!("{other:?}: expected \"emacs\" or \"vi\"")),
            };
            Ok(())
        },
        show: |settings| {
            Some(quoted(match settings.editor_keys {
                EditorKeys::Emacs => "emacs",
                EditorKeys::Vi => "vi",
            }))
        },
    },
    Key {
        name: "complete_as_you_type",
        shape: Shape::Switch,
        flag: None,
        environment: &[Value("GATEPOST_COMPLETE_AS_YOU_TYPE")],
        meaning: "The list of names opens as one types in the query pane. Tab and Ctrl-Space open it in any case.",
        set: |settings, words, _| {
            settings.complete_as_you_type = words::switch(single(words)?)?;
            Ok(())
        },
        show: |settings| Some(settings.complete_as_you_type.to_string()),
    },
    Key {
        name: "color",
        shape: Shape::Switch,
        flag: None,
        environment: &[Value("GATEPOST_COLOR"), Not("NO_COLOR")],
        meaning: "Colours on a terminal. A pipe or a file never has any.",
        set: |settings, words, _| {
            settings.color = words::switch(single(words)?)?;
            Ok(())
        },
        show: |settings| Some(settings.color.to_string()),
    },
];

fn single(words: &[String]) -> Result<&str, String> {
    match words {
        [word] if !word.is_empty() => Ok(word),
        [_] => Err("expected a value, found nothing".to_owned()),
        _ => Err(format!("expected one value, found {}", words.len())),
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

fn list(words: &[String]) -> Option<String> {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    (!words.is_empty()).then(|| format!("[{}]", words.join(", ")))
}

fn table(pairs: &[(String, String)]) -> Option<String> {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{} = {}", quoted(key), quoted(value))).collect();
    (!pairs.is_empty()).then(|| format!("{{ {} }}", pairs.join(", ")))
}

fn proxy(secret: Option<&Secret>) -> Option<String> {
    secret.map(|secret| quoted(&words::without_password(secret.reveal())))
}
