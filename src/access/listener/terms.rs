//! What a client may ask for, and what becomes of its StartupMessage: who logs in at the database, where, with which
//! settings. It must not know sockets.

use super::complaint::{Complaint, UNAUTHORIZED, UNSUPPORTED};
use crate::db::Startup;

/// The newest minor version of protocol 3 that is spoken here: 3.2, with its longer cancel keys.
pub(super) const NEWEST: u16 = 2;
/// PostgreSQL cuts an application_name after so many bytes (`NAMEDATALEN - 1`).
const LONGEST_NAME: usize = 63;

const READ_ONLY: &str = "default_transaction_read_only";

/// The terms of one listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    /// One: whoever comes is that one. Several: one of these has to be named.
    pub(super) users: Vec<String>,
    /// None: any. One: always that one. Several: one of these.
    pub(super) databases: Vec<String>,
    /// Where none is named.
    pub(super) usual: String,
    /// Clients were told which database to name: the one that they name is meant.
    pub(super) told: bool,
    /// The server refuses writes: sessions begin with that as their default, and each transaction is held to it.
    pub(super) read_only: bool,
    /// Whether the server takes options in the StartupMessage; else that default is set right after it.
    pub(super) takes_options: bool,
    /// Whose machine it is, for application_name; and whom libpq takes a client to be that names no user.
    pub(super) os_user: String,
}

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Its minor version of protocol 3.
    pub(super) minor: u16,
    pub(super) parameters: Vec<(String, String)>,
}

impl Asked {
    fn parameter(&self, wanted: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    /// The user named; libpq always names one.
    pub(super) fn user(&self) -> &str {
        self.parameter("user").unwrap_or_default()
    }

    /// Protocol options: none is known here.
    pub(super) fn unknown(&self) -> Vec<String> {
        let options = self.parameters.iter().map(|(name, _)| name).filter(|name| name.starts_with("_pq_."));
        options.cloned().collect()
    }

    /// Whether the client has to be told what is spoken here instead.
    pub(super) fn needs_negotiation(&self) -> bool {
        self.minor > NEWEST || !self.unknown().is_empty()
    }

    /// Bytes of a cancel key's secret.
    pub(super) fn key_length(&self) -> usize {
        if self.minor >= 2 { 32 } else { 4 }
    }
}

/// Who logs in where, and the whole message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    pub(super) user: String,
    pub(super) database: String,
    pub(super) startup: Startup,
}

impl Terms {
    /// The StartupMessage for the database, or why there is none.
    pub(super) fn admit(&self, asked: &Asked) -> Result<Admitted, Complaint> {
        let replication = asked.parameter("replication").unwrap_or_default().to_ascii_lowercase();
        if !["", "0", "false", "off", "no", "f", "n", "of"].contains(&replication.as_str()) {
            return Err(Complaint::new(UNSUPPORTED, "gatepost: replication connections are not passed on")
                .hint("Connect a replica to the database itself, or through `gatepost tunnel`."));
        }
        let user = self.user(asked)?;
        let database = self.database(asked, &user)?;
        let mut startup = Startup::new(&user, &database);
        for (name, value) in &asked.parameters {
            let ours = ["user", "database", "replication", "application_name", "options"];
            let refused = self.read_only && name.eq_ignore_ascii_case(READ_ONLY);
            if !ours.contains(&name.as_str()) && !name.starts_with("_pq_.") && !refused {
                startup = startup.with(name, value);
            }
        }
        startup = startup.with("application_name", self.application(asked.parameter("application_name")));
        let mut options = asked.parameter("options").unwrap_or_default().to_owned();
        if self.read_only && !self.takes_options {
            startup = startup.and_set(READ_ONLY, "on");
        } else if self.read_only {
            // Last, for the last one counts.
            options = format!("{options} -c {READ_ONLY}=on").trim_start().to_owned();
        }
        if !options.is_empty() {
            startup = startup.with("options", options);
        }
        Ok(Admitted { user, database, startup })
    }

    fn user(&self, asked: &Asked) -> Result<String, Complaint> {
        match &self.users[..] {
            [only] => Ok(only.clone()),
            several if several.iter().any(|user| user == asked.user()) => Ok(asked.user().to_owned()),
            several => Err(Complaint::new(
                UNAUTHORIZED,
                format!("gatepost: this listener does not log in as \"{}\"", asked.user()),
            )
            .hint(format!("Name one of: {}.", several.join(", ")))),
        }
    }

    fn database(&self, asked: &Asked, user: &str) -> Result<String, Complaint> {
        if let [only] = &self.databases[..] {
            return Ok(only.clone());
        }
        // Where neither user nor database is given, libpq says the operating system's user for both: of whom another one is
        // made here that is nobody's wish. Any other name was given by somebody, and it is the server's to say that there
        // is no such database: in another one a script would do its work at the wrong place.
        let filled_in = |name: &&str| {
            !self.told
                && *name == self.os_user
                && *name == asked.user()
                && user != asked.user()
                && !self.databases.iter().any(|database| database == name)
        };
        let named = asked.parameter("database").filter(|name| !name.is_empty()).filter(|name| !filled_in(name));
        let name = named.unwrap_or(&self.usual);
        if self.databases.is_empty() || self.databases.iter().any(|database| database == name) {
            return Ok(name.to_owned());
        }
        Err(Complaint::new(UNAUTHORIZED, format!("gatepost: this listener does not lead to database \"{name}\""))
            .hint(format!("Name one of: {}.", self.databases.join(", "))))
    }

    /// `psql via gatepost (me)`, cut where the server would cut it, but not our part.
    fn application(&self, named: Option<&str>) -> String {
        let Some(named) = named.filter(|name| !name.is_empty()) else { return format!("gatepost ({})", self.os_user) };
        let ours = format!(" via gatepost ({})", self.os_user);
        let room = LONGEST_NAME.saturating_sub(ours.len());
        format!("{}{ours}", &named[..named.floor_char_boundary(room.min(named.len()))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(parameters: &[(&str, &str)]) -> Asked {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Asked { minor: 0, parameters }
    }

    fn terms(users: &[&str], databases: &[&str]) -> Terms {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Terms {
            users: owned(users),
            databases: owned(databases),
            usual: "shop".to_owned(),
            told: false,
            read_only: false,
            takes_options: true,
            os_user: "me".to_owned(),
        }
    }

    #[test]
    fn parameters_pass_and_ours_are_added() {
        let asked = asked(&[
            ("user", "me"),
            ("database", "me"),
            ("application_name", "psql"),
            ("client_encoding", "LATIN1"),
            ("options", "-c geqo=off"),
            ("default_transaction_read_only", "off"),
            ("_pq_.new", "1"),
        ]);
        let admitted = terms(&["oncall"], &[]).admit(&asked).expect("anybody may");
        assert_eq!((admitted.user.as_str(), admitted.database.as_str()), ("oncall", "shop"));
        let expected = Startup::new("oncall", "shop")
            .with("client_encoding", "LATIN1")
            .with("default_transaction_read_only", "off")
            .with("application_name", "psql via gatepost (me)")
            .with("options", "-c geqo=off");
        assert_eq!(admitted.startup, expected);
        assert_eq!(asked.unknown(), ["_pq_.new"]);

        let read_only = Terms { read_only: true, ..terms(&["oncall"], &[]) }.admit(&asked).expect("anybody may");
        let expected = Startup::new("oncall", "shop")
            .with("client_encoding", "LATIN1")
            .with("application_name", "psql via gatepost (me)")
            .with("options", "-c geqo=off -c default_transaction_read_only=on");
        assert_eq!(read_only.startup, expected);

        let proxy = Terms { read_only: true, takes_options: false, ..terms(&["oncall"], &[]) };
        let expected = Startup::new("oncall", "shop")
            .with("client_encoding", "LATIN1")
            .with("application_name", "psql via gatepost (me)")
            .with("options", "-c geqo=off")
            .and_set("default_transaction_read_only", "on");
        assert_eq!(
            proxy.admit(&asked).expect("anybody may").startup,
            expected,
            "the client's options are its own affair"
        );
    }

    #[test]
    fn users_and_databases_are_fixed_or_of_a_list() {
        let who = |terms: &Terms, words: &[(&str, &str)]| {
            terms
                .admit(&asked(words))
                .map(|admitted| (admitted.user, admitted.database))
                .map_err(|complaint| complaint.code)
        };
        let pair = |user: &str, database: &str| Ok((user.to_owned(), database.to_owned()));
        let free = terms(&["a", "b"], &[]);
        assert_eq!(who(&free, &[("user", "b"), ("database", "b")]), pair("b", "b"));
        assert_eq!(who(&free, &[("user", "b")]), pair("b", "shop"));
        assert_eq!(who(&free, &[("user", "c")]), Err(UNAUTHORIZED.to_owned()));
        let fixed = terms(&["a"], &["other"]);
        assert_eq!(who(&fixed, &[("user", "x"), ("database", "y")]), pair("a", "other"));
        let listed = terms(&["a"], &["shop", "other"]);
        assert_eq!(who(&listed, &[("user", "a"), ("database", "other")]), pair("a", "other"));
        assert_eq!(who(&listed, &[("user", "a"), ("database", "postgres")]), Err(UNAUTHORIZED.to_owned()));
        assert_eq!(who(&fixed, &[("user", "a"), ("replication", "database")]), Err(UNSUPPORTED.to_owned()));
        assert_eq!(who(&fixed, &[("user", "a"), ("replication", "off")]), pair("a", "other"));
    }

    #[test]
    fn a_database_that_somebody_named_is_never_another_one() {
        let of = |terms: &Terms, user: &str, database: Option<&str>| {
            let words: Vec<_> = [("user", user)].into_iter().chain(database.map(|name| ("database", name))).collect();
            terms.admit(&asked(&words)).map(|admitted| admitted.database).map_err(|complaint| complaint.code)
        };
        let open = terms(&["oncall"], &[]);
        // `psql -h … -p …` alone, and a client that says none.
        assert_eq!(of(&open, "me", Some("me")).as_deref(), Ok("shop"));
        assert_eq!(of(&open, "me", None).as_deref(), Ok("shop"));
        assert_eq!(of(&open, "me", Some("")).as_deref(), Ok("shop"));
        // `\connect app_x app_x`, `-U app_x`, `-U oncall`, `-d me -U app_x`.
        assert_eq!(of(&open, "app_x", Some("app_x")).as_deref(), Ok("app_x"));
        assert_eq!(of(&open, "oncall", Some("oncall")).as_deref(), Ok("oncall"));
        assert_eq!(of(&open, "app_x", Some("me")).as_deref(), Ok("me"));
        // A role of the user's own name may have its own database.
        assert_eq!(of(&terms(&["me"], &[]), "me", Some("me")).as_deref(), Ok("me"));
        // Whose environment names a database always means it.
        let told = Terms { told: true, ..terms(&["oncall"], &[]) };
        assert_eq!(of(&told, "me", Some("me")).as_deref(), Ok("me"));
        // A list that has it, and one that has not.
        assert_eq!(of(&terms(&["oncall"], &["me", "shop"]), "me", Some("me")).as_deref(), Ok("me"));
        let listed = terms(&["oncall"], &["other", "shop"]);
        assert_eq!(of(&listed, "me", Some("me")).as_deref(), Ok("shop"));
        assert_eq!(of(&listed, "app_x", Some("app_x")), Err(UNAUTHORIZED.to_owned()));
    }

    #[test]
    fn names_of_applications_are_cut_before_our_part() {
        let terms = terms(&["a"], &[]);
        let long = "é".repeat(60);
        let name = terms.application(Some(&long));
        assert!(name.len() <= LONGEST_NAME && name.ends_with(" via gatepost (me)"), "{name}");
        assert_eq!(terms.application(None), "gatepost (me)");
    }
}
