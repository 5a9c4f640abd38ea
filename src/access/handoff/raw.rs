//! The raw way, through a forwarded port and no listener of ours: libpq dials the port, holds the certificate against the
//! database's real name, and shows a token that is made as it starts. It must not know how the port is held open.

use super::quote;
use crate::model::Endpoint;
use std::path::Path;

/// A forwarded port, and who wants to come in by it.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// What it leads to.
    pub endpoint: &'a Endpoint,
    /// The port on 127.0.0.1.
    pub port: u16,
    /// Role.
    pub user: &'a str,
    /// What `gatepost token` is told of the database: an identifier, an endpoint's host.
    pub name: &'a str,
    /// Flags that say which AWS is meant, for `gatepost token`.
    pub given: &'a [String],
    /// The authorities that databases' certificates are checked against, in a file; `None` leaves libpq to its own.
    pub roots: Option<&'a Path>,
}

/// One command for a shell: the name is the real one, so that the certificate is checked against it; only the address is
/// ours. Another client of libpq takes the place of the last word.
pub fn raw(raw: &Raw<'_>) -> String {
    let Raw { endpoint, port, user, name, given, roots } = raw;
    let database = endpoint.database_name.as_deref().unwrap_or("postgres");
    let port = port.to_string();
    let roots = roots.map(|path| path.display().to_string());
    let pairs = [
        ("PGHOST", Some(endpoint.host.as_str())),
        ("PGHOSTADDR", Some("127.0.0.1")),
        ("PGPORT", Some(&port)),
        ("PGUSER", Some(user)),
        ("PGDATABASE", Some(database)),
        ("PGSSLMODE", Some("verify-full")),
        ("PGSSLROOTCERT", roots.as_deref()),
    ];
    let mut words: Vec<String> = pairs
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name}={}", quote::shell(value))))
        .collect();
    if endpoint.iam.accepts_tokens() {
        let token = ["token", name, "--user", user].into_iter().chain(given.iter().map(String::as_str));
        let token: Vec<String> = token.map(quote::shell).collect();
        // In the environment of the client alone: an argument list would show it to everybody.
        words.push(format!("PGPASSWORD=\"$(gatepost {})\"", token.join(" ")));
    }
    words.push("psql".to_owned());
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;
    use crate::model::IamAuth;

    #[test]
    fn the_command_survives_odd_names() {
        let given = ["--profile", "our prod", "--region", "eu-west-1"].map(str::to_owned);
        let mut endpoint = Endpoint {
            host: "db.example.com".to_owned(),
            iam: IamAuth::Enabled,
            database_name: Some("my shop".to_owned()),
            ..endpoint()
        };
        let line = |endpoint: &Endpoint, user: &str, roots: Option<&Path>| {
            raw(&Raw { endpoint, port: 1234, user, name: "orders-prod", given: &given, roots })
        };
        assert_eq!(
            line(&endpoint, "o'brien", None),
            "PGHOST=db.example.com PGHOSTADDR=127.0.0.1 PGPORT=1234 PGUSER='o'\\''brien' PGDATABASE='my shop' \
             PGSSLMODE=verify-full PGPASSWORD=\"$(gatepost token orders-prod --user 'o'\\''brien' --profile 'our prod' \
             --region eu-west-1)\" psql"
        );
        endpoint.iam = IamAuth::Disabled;
        endpoint.database_name = None;
        assert_eq!(
            line(&endpoint, "app", Some(Path::new("/state/roots.pem"))),
            "PGHOST=db.example.com PGHOSTADDR=127.0.0.1 PGPORT=1234 PGUSER=app PGDATABASE=postgres PGSSLMODE=verify-full \
             PGSSLROOTCERT=/state/roots.pem psql"
        );
    }
}
