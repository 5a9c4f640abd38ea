//! What clients on libpq are handed: connection strings, URIs, the environment, a service file (PostgreSQL, "libpq": 34.1.1
//! Connection Strings, 34.15 Environment Variables, 34.17 The Connection Service File). All of them name the passfile, none
//! the password. It must not know other clients.

use super::{Handoff, Lead, Program, quote, text};
use crate::model::{Diagnosis, Kind, Secret};

/// Parameters beyond where, as whom and to which database, by libpq's names.
fn beyond(lead: &Lead) -> Vec<(&'static str, String)> {
    let mut parameters = Vec::new();
    if let Some(passfile) = &lead.passfile {
        parameters.push(("passfile", text(passfile)));
    }
    if let Some(mode) = lead.sslmode() {
        parameters.push(("sslmode", mode.to_owned()));
    }
    if let (Some(authority), false) = (&lead.authority, lead.is_socket()) {
        parameters.push(("sslrootcert", text(authority)));
    }
    parameters
}

/// All parameters.
fn parameters(lead: &Lead) -> Vec<(&'static str, String)> {
    let mut parameters = vec![
        ("host", lead.host.clone()),
        ("port", lead.port.to_string()),
        ("user", lead.user.clone()),
        ("dbname", lead.database.clone()),
    ];
    if !lead.is_socket() {
        // One in the client's environment would lead elsewhere, with the password for this host.
        parameters.insert(1, ("hostaddr", lead.host.clone()));
    }
    parameters.extend(beyond(lead));
    parameters
}

fn conninfo(lead: &Lead) -> String {
    let pairs = parameters(lead).into_iter().map(|(name, value)| format!("{name}={}", quote::conninfo(&value)));
    pairs.collect::<Vec<_>>().join(" ")
}

pub(super) fn psql(lead: &Lead) -> Handoff {
    let program = Program { names: vec!["psql".to_owned()], arguments: vec![conninfo(lead)], ..Program::default() };
    Handoff { lines: vec![program.line()], program: Some(program), ..Handoff::default() }
}

/// By a URI: pgcli 3.5 (Debian 12's) refuses each connection string of keys and values, as "invalid connection option".
pub(super) fn pgcli(lead: &Lead) -> Handoff {
    let arguments = vec![uri_with(lead, None, &beyond(lead))];
    let program = Program { names: vec!["pgcli".to_owned()], arguments, ..Program::default() };
    Handoff { lines: vec![program.line()], program: Some(program), ..Handoff::default() }
}

fn uri_with(lead: &Lead, password: Option<&Secret>, query: &[(&str, String)]) -> String {
    let password = password.map(|secret| format!(":{}", quote::url(secret.reveal()))).unwrap_or_default();
    let (user, host, database) = (quote::url(&lead.user), quote::url(&lead.host), quote::url(&lead.database));
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", quote::url(value))).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("postgresql://{user}{password}@{host}:{}/{database}{mark}{}", lead.port, query.join("&"))
}

pub(super) fn uri(lead: &Lead) -> Handoff {
    let mut handoff = Handoff { lines: vec![uri_with(lead, None, &beyond(lead))], ..Handoff::default() };
    if let Some(secret) = &lead.secret {
        let rest: Vec<_> = beyond(lead).into_iter().filter(|(name, _)| *name != "passfile").collect();
        let path = lead.folder.join("uri");
        handoff.lines.push(format!("DATABASE_URL=\"$(cat {})\"", quote::shell(&text(&path))));
        handoff.files.push((path, Secret::new(uri_with(lead, Some(secret), &rest) + "\n")));
        handoff.remarks.push(
            "The first is for libpq and drivers that know passfile; the file of the second has the password in its URI, for \
             drivers that do not."
                .to_owned(),
        );
    }
    handoff
}

/// libpq's variables.
fn variables(lead: &Lead) -> Vec<(String, String)> {
    let name = |parameter: &str| match parameter {
        "dbname" => "PGDATABASE".to_owned(),
        other => format!("PG{}", other.to_uppercase()),
    };
    let mut variables: Vec<(String, String)> =
        parameters(lead).into_iter().map(|(parameter, value)| (name(parameter), value)).collect();
    variables.push(("PGGSSENCMODE".to_owned(), "disable".to_owned()));
    variables
}

pub(super) fn env(lead: &Lead) -> Handoff {
    let variables = variables(lead);
    let lines = variables.iter().map(|(name, value)| format!("export {name}={}", quote::shell(value))).collect();
    // A shell: whatever is started in it finds the database.
    let shell = std::env::var("SHELL").ok().filter(|shell| !shell.is_empty());
    let names = shell.into_iter().chain(["sh".to_owned()]).collect();
    Handoff {
        lines,
        program: Some(Program { names, environment: variables, ..Program::default() }),
        ..Handoff::default()
    }
}

pub(super) fn service(lead: &Lead) -> Result<Handoff, Diagnosis> {
    let label = quote::label(&lead.name);
    let parameters = parameters(lead);
    // A line is read to its end, its ends trimmed, nothing unescaped (fe-connect.c, parseServiceFileInfo).
    if let Some((name, value)) =
        parameters.iter().find(|(_, value)| value.contains(['\n', '\r']) || value.trim_end() != value.as_str())
    {
        return Err(Diagnosis::new(Kind::Usage, format!("A service file cannot name this {name}: {value:?}"))
            .because("its values end with the line, and spaces before that are cut off")
            .advise("Take --with uri or --with psql"));
    }
    let mut section = vec![format!("[{label}]")];
    section.extend(parameters.iter().map(|(name, value)| format!("{name}={value}")));
    let path = lead.folder.join("pg_service.conf");
    let program = Program {
        names: vec!["psql".to_owned()],
        arguments: vec![format!("service={label}")],
        environment: vec![("PGSERVICEFILE".to_owned(), text(&path))],
        has_windows: false,
    };
    let mut lines = vec![program.line()];
    lines.extend(section.iter().cloned());
    let mut remarks = vec![format!(
        "The section is in {} as well; pasted into ~/.pg_service.conf it leads there for as long as this runs.",
        text(&path)
    )];
    if let Some(passfile) = &lead.passfile {
        remarks.push(format!("The passfile's lines are in {}.", text(passfile)));
    }
    Ok(Handoff { lines, files: vec![(path, Secret::new(section.join("\n") + "\n"))], program: Some(program), remarks })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{lead, plain};
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn psql_is_handed_a_connection_string() {
        assert_eq!(
            psql(&plain()).lines,
            [
                "psql 'host=127.0.0.1 hostaddr=127.0.0.1 port=5433 user=oncall dbname=shop passfile='\\''/st ate/run/p1/passfile'\\'' sslmode=disable'"
            ]
        );
        let program = psql(&lead()).program.expect("a program");
        assert_eq!(
            program.arguments,
            [
                "host=127.0.0.1 hostaddr=127.0.0.1 port=5433 user='o\\'n:c' dbname='my %s\\\\op\"' passfile='/st ate/run/p1/passfile' sslmode=disable"
            ]
        );
        let pgcli = pgcli(&plain());
        assert_eq!(
            pgcli.lines,
            [
                "pgcli 'postgresql://oncall@127.0.0.1:5433/shop?passfile=%2Fst%20ate%2Frun%2Fp1%2Fpassfile&sslmode=disable'"
            ]
        );
        let socket = Lead { host: "/run/s".to_owned(), passfile: None, secret: None, ..plain() };
        assert_eq!(psql(&socket).lines, ["psql 'host=/run/s port=5433 user=oncall dbname=shop'"]);
    }

    #[test]
    fn tls_is_verified_where_it_is_offered() {
        let lead = Lead { authority: Some(PathBuf::from("/x/localhost.pem")), ..plain() };
        assert!(conninfo(&lead).ends_with(" sslmode=verify-full sslrootcert=/x/localhost.pem"));
    }

    #[test]
    fn uris_are_percent_encoded_and_the_password_is_in_a_file() {
        let handoff = uri(&lead());
        assert_eq!(
            handoff.lines,
            [
                "postgresql://o%27n%3Ac@127.0.0.1:5433/my%20%25s%5Cop%22?passfile=%2Fst%20ate%2Frun%2Fp1%2Fpassfile&sslmode=disable",
                "DATABASE_URL=\"$(cat '/st ate/run/p1/uri')\"",
            ]
        );
        let [(path, text)] = &handoff.files[..] else { panic!("one file") };
        assert_eq!(path, &PathBuf::from("/st ate/run/p1/uri"));
        assert_eq!(text.reveal(), "postgresql://o%27n%3Ac:S3cr3t@127.0.0.1:5433/my%20%25s%5Cop%22?sslmode=disable\n");
        let socket = Lead { host: "/run/s".to_owned(), passfile: None, secret: None, ..plain() };
        assert_eq!(uri(&socket).lines, ["postgresql://oncall@%2Frun%2Fs:5433/shop"]);
    }

    #[test]
    fn the_environment_is_exported() {
        assert_eq!(
            env(&plain()).lines,
            [
                "export PGHOST=127.0.0.1",
                "export PGHOSTADDR=127.0.0.1",
                "export PGPORT=5433",
                "export PGUSER=oncall",
                "export PGDATABASE=shop",
                "export PGPASSFILE='/st ate/run/p1/passfile'",
                "export PGSSLMODE=disable",
                "export PGGSSENCMODE=disable",
            ]
        );
    }

    #[test]
    fn service_files_escape_nothing() {
        let handoff = service(&lead()).expect("it can be written");
        assert_eq!(
            handoff.files[0].1.reveal(),
            "[orders-prod]\nhost=127.0.0.1\nhostaddr=127.0.0.1\nport=5433\nuser=o'n:c\ndbname=my %s\\op\"\npassfile=/st ate/run/p1/passfile\n\
             sslmode=disable\n"
        );
        assert_eq!(handoff.lines[0], "PGSERVICEFILE='/st ate/run/p1/pg_service.conf' psql service=orders-prod");
        assert!(service(&Lead { database: "x ".to_owned(), ..lead() }).is_err());
    }
}
