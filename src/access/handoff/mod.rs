//! What other programs are handed so that they find a listener: for each kind of client the words of its own, the files
//! that go with them, and how it is started. Pure: files are named and filled here, written elsewhere. Secrets are in files
//! only, never among the words. It must not know how the listener is held open.

mod java;
mod libpq;
mod pgadmin;
pub mod quote;
mod raw;

pub use raw::{Raw, raw};

use crate::model::{Diagnosis, Secret};
use std::path::{Path, PathBuf};

/// Who is handed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// psql.
    Psql,
    /// pgcli.
    Pgcli,
    /// DBeaver.
    Dbeaver,
    /// pgAdmin 4.
    Pgadmin,
    /// SQL Workbench/J.
    SqlWorkbench,
    /// Whatever takes a JDBC URL.
    Jdbc,
    /// Whatever takes libpq's URI.
    Uri,
    /// Whatever reads libpq's environment.
    Env,
    /// Whatever reads libpq's service file.
    Service,
}

impl Client {
    /// All of them.
    pub const ALL: [Client; 9] = [
        Client::Psql,
        Client::Pgcli,
        Client::Dbeaver,
        Client::Pgadmin,
        Client::SqlWorkbench,
        Client::Jdbc,
        Client::Uri,
        Client::Env,
        Client::Service,
    ];

    /// The word for it on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Client::Psql => "psql",
            Client::Pgcli => "pgcli",
            Client::Dbeaver => "dbeaver",
            Client::Pgadmin => "pgadmin",
            Client::SqlWorkbench => "sqlworkbench",
            Client::Jdbc => "jdbc",
            Client::Uri => "uri",
            Client::Env => "env",
            Client::Service => "service",
        }
    }

    /// What it is handed, in words.
    pub fn what(self) -> &'static str {
        match self {
            Client::Psql => "psql command",
            Client::Pgcli => "pgcli command",
            Client::Dbeaver => "DBeaver's -con",
            Client::Pgadmin => "pgAdmin's servers",
            Client::SqlWorkbench => "SQL Workbench/J",
            Client::Jdbc => "JDBC URL",
            Client::Uri => "libpq URI",
            Client::Env => "environment",
            Client::Service => "pg_service.conf",
        }
    }
}

/// Where a client knocks, as whom, and what it has to show there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// What the listener is called.
    pub name: String,
    /// Host; of a socket its folder.
    pub host: String,
    /// Port; of a socket the number in its name.
    pub port: u16,
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
    /// Passfile with the secret; `None` where none is asked for.
    pub passfile: Option<PathBuf>,
    /// The secret that is in it.
    pub secret: Option<Secret>,
    /// Certificate of the listener, where it offers TLS.
    pub authority: Option<PathBuf>,
    /// Where files for the client are put: ours alone (0700), and gone with the listener.
    pub folder: PathBuf,
}

/// What a client is handed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handoff {
    /// What is pasted; no line has a secret in it.
    pub lines: Vec<String>,
    /// Files that have to be there first, mode 0600.
    pub files: Vec<(PathBuf, Secret)>,
    /// How it is started; `None` where there is no one program for it.
    pub program: Option<Program>,
    /// What to know about it, in sentences.
    pub remarks: Vec<String>,
}

/// A client's program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// What it may be called, the likeliest first; the first that is found counts.
    pub names: Vec<String>,
    /// Its words.
    pub arguments: Vec<String>,
    /// What its environment has beyond ours.
    pub environment: Vec<(String, String)>,
    /// It has windows: it may hand its words to one of its kind that runs already, and end.
    pub has_windows: bool,
}

impl Program {
    /// The line for a shell that starts it.
    fn line(&self) -> String {
        let set = self.environment.iter().map(|(name, value)| format!("{name}={}", quote::shell(value)));
        let name = self.names.first().map(|name| quote::shell(name));
        let words: Vec<String> = set.chain(name).chain(self.arguments.iter().map(|word| quote::shell(word))).collect();
        words.join(" ")
    }
}

/// What `client` is handed to reach what `lead` leads to, or why it cannot reach it.
pub fn hand_off(client: Client, lead: &Lead) -> Result<Handoff, Diagnosis> {
    match client {
        Client::Psql => Ok(libpq::psql(lead)),
        Client::Pgcli => Ok(libpq::pgcli(lead)),
        Client::Uri => Ok(libpq::uri(lead)),
        Client::Env => Ok(libpq::env(lead)),
        Client::Service => libpq::service(lead),
        Client::Pgadmin => Ok(pgadmin::servers(lead)),
        Client::Jdbc => java::jdbc(lead),
        Client::Dbeaver => java::dbeaver(lead),
        Client::SqlWorkbench => java::workbench(lead),
    }
}

impl Lead {
    fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// How TLS is asked for. It never leaves this machine; from the listener on it is TLS that is verified.
    fn sslmode(&self) -> Option<&'static str> {
        match (self.is_socket(), &self.authority) {
            (true, _) => None,
            (false, Some(_)) => Some("verify-full"),
            (false, None) => Some("disable"),
        }
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn lead() -> Lead {
        Lead {
            name: "orders prod".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 5433,
            user: "o'n:c".to_owned(),
            database: "my %s\\op\"".to_owned(),
            passfile: Some(PathBuf::from("/st ate/run/p1/passfile")),
            secret: Some(Secret::new("S3cr3t")),
            authority: None,
            folder: PathBuf::from("/st ate/run/p1"),
        }
    }

    pub(super) fn plain() -> Lead {
        Lead { name: "orders-prod".to_owned(), user: "oncall".to_owned(), database: "shop".to_owned(), ..lead() }
    }

    #[test]
    fn no_secret_is_among_the_words() {
        for lead in [lead(), plain()] {
            for client in Client::ALL {
                let handoff = hand_off(client, &lead).expect("it can be reached");
                let words = format!("{:?} {:?} {:?}", handoff.lines, handoff.program, handoff.remarks);
                assert!(!words.contains("S3cr3t"), "{}: {words}", client.word());
            }
        }
    }

    #[test]
    fn clients_of_java_take_no_socket() {
        let socket = Lead { host: "/run/s".to_owned(), passfile: None, secret: None, ..plain() };
        for client in Client::ALL {
            let java = matches!(client, Client::Jdbc | Client::Dbeaver | Client::SqlWorkbench);
            assert_eq!(hand_off(client, &socket).is_err(), java, "{}", client.word());
        }
    }
}
