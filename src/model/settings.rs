//! Every setting, already read: flags over environment over file over defaults. It must not know where a value came
//! from, nor read anything itself.

use super::{Allowed, Auth, Endpoint, ProxyLogin, Secret};
use std::path::PathBuf;
use std::time::Duration;

/// All settings. [`Settings::default`] holds the defaults; paths are empty until `settings.rs` (or a test) fills them.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The settings file that was read; `None` where there is none.
    pub file: Option<PathBuf>,
    /// How AWS is reached.
    pub aws: AwsSettings,
    /// PEM files with more certificate authorities for databases, besides the embedded ones.
    pub ca_bundles: Vec<PathBuf>,
    /// For direct lines: dial this address where that host and port are meant (as curl's `--resolve`).
    pub resolve: Vec<Resolve>,
    /// Sessions refuse writes unless asked otherwise.
    pub read_only: bool,
    /// `statement_timeout` of sessions; zero is none.
    pub statement_timeout: Duration,
    /// `lock_timeout` of sessions; zero is none.
    pub lock_timeout: Duration,
    /// In the query pane each statement is its own transaction; otherwise the first opens one that the user ends.
    pub autocommit: bool,
    /// The query pane asks the server how far long statements are.
    pub progress: bool,
    /// How long to try to connect before giving up.
    pub connect_timeout: Duration,
    /// Names of targets (`*` matches any characters) that are production.
    pub production: Vec<String>,
    /// User to log in as where none is given and none was used before.
    pub user: Option<String>,
    /// The passfile; `None` is none.
    pub passfile: Option<PathBuf>,
    /// The command that prints the password, where none of `password_commands` is for the target.
    pub password_command: Option<String>,
    /// Commands that print the password, by the target's name (`*` matches any characters).
    pub password_commands: Vec<(String, String)>,
    /// Secrets of AWS Secrets Manager, by the target's name (`*` matches any characters).
    pub password_secrets: Vec<(String, String)>,
    /// What `gatepost proxy` opens where no name is given.
    pub listeners: Vec<ListenerSettings>,
    /// Which ways of asking for a password are answered.
    pub password_auth: Allowed,
    /// Rows a result may have in the query pane before its statement is cancelled; zero is no cap.
    pub row_limit: u64,
    /// Bytes of a result on disk before its statement is cancelled; zero is no cap.
    pub byte_limit: u64,
    /// Bytes of a result kept in memory; the rest is in an unlinked temporary file.
    pub memory_limit: usize,
    /// SSM document for forwarding to another host.
    pub ssm_document: String,
    /// Further parameters of that document.
    pub ssm_parameters: Vec<(String, String)>,
    /// Keep idle tunnels alive with a byte every so often; `None` lets the account's idle timeout rule.
    pub keep_alive: Option<Duration>,
    /// Sessions that one route may have open beside one another, at least one.
    pub ssm_sessions: usize,
    /// Bytes of one message to the agent after the handshake; 1024 where larger ones are refused.
    pub ssm_payload: usize,
    /// How long AWS may be out of reach before a session is given up.
    pub ssm_patience: Duration,
    /// Where history, audit and what was used last are kept (mode 0700).
    pub state_dir: PathBuf,
    /// A file for a log of what gatepost does, off by default.
    pub log_file: Option<PathBuf>,
    /// The operating system's user name, for `application_name` and the Reason of SSM sessions.
    pub os_user: String,
    /// Command line of the editor that a query's text can be given to.
    pub editor: String,
    /// What keys mean in the query editor.
    pub editor_keys: EditorKeys,
    /// The list of names opens as one types in the editor; otherwise by its keys alone.
    pub complete_as_you_type: bool,
    /// Colours.
    pub color: bool,
}

/// What keys mean in the query editor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EditorKeys {
    /// As in Emacs and in shells: one types at once.
    #[default]
    Emacs,
    /// As in vi: modes.
    Vi,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            file: None,
            aws: AwsSettings::default(),
            ca_bundles: Vec::new(),
            resolve: Vec::new(),
            read_only: true,
            statement_timeout: Duration::ZERO,
            lock_timeout: Duration::ZERO,
            autocommit: true,
            progress: true,
            connect_timeout: Duration::from_secs(20),
            production: Vec::new(),
            user: None,
            passfile: None,
            password_command: None,
            password_commands: Vec::new(),
            password_secrets: Vec::new(),
            listeners: Vec::new(),
            password_auth: Allowed::default(),
            row_limit: 0,
            byte_limit: 8 << 30,
            memory_limit: 12 << 20,
            ssm_document: "AWS-StartPortForwardingSessionToRemoteHost".to_owned(),
            ssm_parameters: Vec::new(),
            keep_alive: None,
            ssm_sessions: 2,
            ssm_payload: 8 << 10,
            ssm_patience: Duration::from_secs(15 * 60),
            state_dir: PathBuf::new(),
            log_file: None,
            os_user: "unknown".to_owned(),
            editor: "vi".to_owned(),
            editor_keys: EditorKeys::default(),
            complete_as_you_type: true,
            color: true,
        }
    }
}

/// How AWS is reached. Everything empty means: as the AWS CLI would, from the environment and `~/.aws`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AwsSettings {
    /// Profiles to list with; empty is the default chain (`AWS_PROFILE`).
    pub profiles: Vec<String>,
    /// Regions to list; empty is the profile's.
    pub regions: Vec<String>,
    /// One endpoint for all services, above what the environment says. Per service the environment still works.
    pub endpoint_url: Option<String>,
    /// Credentials, above what the environment says.
    pub credentials: Option<StaticCredentials>,
    /// PEM file for TLS to AWS (`AWS_CA_BUNDLE`).
    pub ca_bundle: Option<PathBuf>,
    /// Proxy for https (`HTTPS_PROXY`), with credentials if any.
    pub https_proxy: Option<Secret>,
    /// Proxy for http (`HTTP_PROXY`).
    pub http_proxy: Option<Secret>,
    /// Hosts that no proxy is used for (`NO_PROXY`).
    pub no_proxy: Option<String>,
}

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticCredentials {
    /// `AKIA…` or `ASIA…`.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token of temporary credentials.
    pub session_token: Option<Secret>,
}

/// "Dial this address where that host and port are meant", as curl's `--resolve HOST:PORT:ADDRESS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The host name meant.
    pub host: String,
    /// The port meant.
    pub port: u16,
    /// `ADDRESS` or `ADDRESS:PORT` (IPv6 in brackets): where to dial. Without a port, the port meant.
    pub address: String,
}

impl Resolve {
    /// Parses `HOST:PORT:ADDRESS[:PORT]`.
    pub fn parse(text: &str) -> Result<Resolve, String> {
        let wrong = || {
            format!(
                "{text:?}: expected HOST:PORT:ADDRESS or HOST:PORT:ADDRESS:PORT, e.g. db.example.com:5432:127.0.0.1:15432"
            )
        };
        let mut parts = text.splitn(3, ':');
        let (Some(host), Some(port), Some(address)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let port = port.parse().map_err(|_| wrong())?;
        if host.is_empty() || address.is_empty() {
            return Err(wrong());
        }
        let resolve = Resolve { host: host.to_owned(), port, address: address.to_owned() };
        resolve.socket_address().ok_or_else(wrong)?;
        Ok(resolve)
    }

    /// Where to dial.
    pub fn socket_address(&self) -> Option<std::net::SocketAddr> {
        if let Ok(address) = self.address.parse::<std::net::SocketAddr>() {
            return Some(address);
        }
        let bare = self.address.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<std::net::IpAddr>().ok().map(|ip| (ip, self.port).into())
    }
}

impl Settings {
    /// The command that prints the password for a target of this name.
    pub fn password_command_for(&self, name: &str) -> Option<&str> {
        best_match(&self.password_commands, name).or(self.password_command.as_deref())
    }

    /// The secret that holds the password for a target of this name.
    pub fn password_secret_for(&self, name: &str) -> Option<&str> {
        best_match(&self.password_secrets, name)
    }

    /// Whether a target of this name, or with the tag `Environment`/`env` = `prod…`, is production.
    pub fn is_production(&self, name: &str, tags: &[(String, String)]) -> bool {
        self.production.iter().any(|pattern| matches_pattern(pattern, name))
            || tags.iter().any(|(key, value)| {
                matches!(key.to_ascii_lowercase().as_str(), "environment" | "env" | "stage")
                    && value.to_ascii_lowercase().starts_with("prod")
            })
    }
}

impl Settings {
    /// Whether what is at that endpoint is production: by its own name and tags, by those of what a proxy leads to, and where
    /// AWS did not tell a proxy's tags.
    pub fn is_production_at(&self, endpoint: &Endpoint) -> bool {
        let leads = |login: &ProxyLogin| {
            let behind = login.target.as_ref();
            login.tags_untold || behind.is_some_and(|target| self.is_production(&target.identifier, &target.tags))
        };
        self.is_production(&endpoint.owner, &endpoint.tags) || endpoint.proxy.as_ref().is_some_and(leads)
    }
}

/// What the longest of the patterns that fit leads to: a table has no order that could decide.
fn best_match<'a>(table: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let fitting = table.iter().filter(|(pattern, _)| matches_pattern(pattern, name));
    fitting.max_by_key(|(pattern, _)| (pattern == name, pattern.len())).map(|(_, value)| value.as_str())
}

fn matches_pattern(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            let Some(rest) = name.strip_prefix(head) else { return false };
            tail.is_empty()
                || (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches_pattern(tail, &rest[at..]))
        }
    }
}

/// A listener as the settings file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenerSettings {
    /// What it is called; the target, where no other name is given.
    pub name: String,
    /// Identifier, endpoint host, resource id or ARN of a database.
    pub target: String,
    /// Roles; with one, every client is that one.
    pub users: Vec<String>,
    /// Databases that may be named; none: any.
    pub databases: Vec<String>,
    /// Port, or the number in a socket's name.
    pub port: Option<u16>,
    /// Folder of a Unix socket, instead of a port.
    pub socket: Option<PathBuf>,
    /// Bastion, or `direct`.
    pub via: Option<String>,
    /// How to log in; none: what the command line says, else a token. A password itself is in no settings.
    pub auth: Option<Auth>,
    /// The server refuses writes; where nothing is said, it does on production.
    pub read_only: Option<bool>,
    /// TLS is offered to clients.
    pub tls: bool,
    /// Clients of a port show nothing: every process of this machine gets in.
    pub no_secret: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_takes_a_port_or_not() {
        let plain = Resolve::parse("db.example.com:5432:127.0.0.1").expect("valid");
        assert_eq!(plain.socket_address().expect("address").to_string(), "127.0.0.1:5432");
        let with = Resolve::parse("db.example.com:5432:[::1]:15432").expect("valid");
        assert_eq!(with.socket_address().expect("address").to_string(), "[::1]:15432");
        assert!(Resolve::parse("db:x:1").expect_err("invalid").contains("expected HOST:PORT:ADDRESS"));
        assert!(Resolve::parse("db:5432").is_err());
    }

    #[test]
    fn the_longest_pattern_decides() {
        let pair = |pattern: &str| (pattern.to_owned(), pattern.to_owned());
        let settings = Settings {
            password_command: Some("all".to_owned()),
            password_commands: vec![pair("*"), pair("orders-*"), pair("orders-prod"), pair("orders-prod*")],
            ..Settings::default()
        };
        for (name, command) in
            [("orders-prod", "orders-prod"), ("orders-prod-1", "orders-prod*"), ("orders-x", "orders-*"), ("b", "*")]
        {
            assert_eq!(settings.password_command_for(name), Some(command), "{name}");
        }
        assert_eq!(Settings { password_commands: Vec::new(), ..settings }.password_command_for("b"), Some("all"));
    }

    #[test]
    fn patterns_match_with_stars() {
        for (pattern, name, yes) in [
            ("orders-prod", "orders-prod", true),
            ("*-prod", "orders-prod", true),
            ("*prod*", "a-prod-b", true),
            ("prod*", "orders-prod", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c-b", false),
        ] {
            assert_eq!(matches_pattern(pattern, name), yes, "{pattern} {name}");
        }
    }
}
