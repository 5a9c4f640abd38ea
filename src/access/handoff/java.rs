//! What clients on pgjdbc are handed: a JDBC URL, DBeaver's `-con`, SQL Workbench/J's profile. All of them read the passfile
//! that PGPASSFILE names (pgjdbc 42.5.5 was tried; DBeaver's `postgres_pgpass`; SQL Workbench/J's PgPassReader). None can dial a
//! Unix socket. It must not know other clients.

use super::{Handoff, Lead, Program, quote, text};
use crate::model::{Diagnosis, Kind, Secret};

fn url(lead: &Lead, with_user: bool) -> String {
    let mut query = Vec::new();
    if with_user {
        query.push(format!("user={}", quote::url(&lead.user)));
    }
    if let Some(mode) = lead.sslmode() {
        query.push(format!("sslmode={mode}"));
    }
    if let Some(authority) = &lead.authority {
        query.push(format!("sslrootcert={}", quote::url(&text(authority))));
    }
    format!("jdbc:postgresql://{}:{}/{}?{}", lead.host, lead.port, quote::url(&lead.database), query.join("&"))
}

fn on_a_port(lead: &Lead, client: &str) -> Result<(), Diagnosis> {
    if !lead.is_socket() {
        return Ok(());
    }
    Err(Diagnosis::new(Kind::Usage, format!("{client} does not dial Unix sockets"))
        .because("the PostgreSQL driver for Java speaks TCP alone")
        .advise("Listen on a port: leave --socket out, or `socket` in the settings"))
}

/// PGPASSFILE, where there is a secret.
fn environment(lead: &Lead) -> Vec<(String, String)> {
    lead.passfile.iter().map(|path| ("PGPASSFILE".to_owned(), text(path))).collect()
}

pub(super) fn jdbc(lead: &Lead) -> Result<Handoff, Diagnosis> {
    on_a_port(lead, "JDBC")?;
    let mut lines = vec![url(lead, true)];
    let exports = environment(lead);
    lines.extend(exports.iter().map(|(name, value)| format!("export {name}={}", quote::shell(value))));
    let mut remarks = Vec::new();
    if lead.passfile.is_some() {
        remarks.push(
            "The driver reads the passfile (42.5 was tried), also as -Dorg.postgresql.pgpassfile=FILE; older ones \
             take the password as the property `password`."
                .to_owned(),
        );
    }
    Ok(Handoff { lines, remarks, ..Handoff::default() })
}

/// DBeaver splits what follows `-con` at `|` and at the first `=`, and unescapes nothing (DataSourceUtils.java).
pub(super) fn dbeaver(lead: &Lead) -> Result<Handoff, Diagnosis> {
    on_a_port(lead, "DBeaver")?;
    if let Some(odd) = [&lead.user, &lead.database].into_iter().find(|name| name.contains(['|', '\n', '\r'])) {
        return Err(Diagnosis::new(Kind::Usage, format!("DBeaver's -con cannot name {odd:?}"))
            .because("its parts are split at |, and there is no way to write one")
            .advise("Take --with jdbc, and paste the URL into a connection of DBeaver's"));
    }
    let port = lead.port.to_string();
    // An open connection of the same name would be taken instead, with the address it had.
    let name = format!("{} {port}", quote::label(&lead.name));
    let mut parts = vec![
        ("driver", "postgres-jdbc"),
        ("name", &name),
        ("host", &lead.host),
        ("port", &port),
        ("database", &lead.database),
        ("user", &lead.user),
    ];
    if lead.passfile.is_some() {
        parts.push(("auth", "postgres_pgpass"));
    }
    let authority = lead.authority.as_deref().map(text);
    if let Some(authority) = &authority {
        parts.extend([("prop.sslmode", "verify-full"), ("prop.sslrootcert", authority)]);
    }
    // Where nothing is asked for, nothing is to be typed.
    parts.extend([("savePassword", if lead.passfile.is_some() { "false" } else { "true" }), ("openConsole", "true")]);
    let con = parts.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("|");
    let names = [
        "dbeaver",
        "dbeaver-ce",
        "dbeaver-ee",
        "/usr/share/dbeaver-ce/dbeaver",
        "/Applications/DBeaver.app/Contents/MacOS/dbeaver",
    ];
    let program = Program {
        names: names.map(str::to_owned).to_vec(),
        arguments: vec!["-con".to_owned(), con],
        environment: environment(lead),
        has_windows: true,
    };
    let mut remarks = Vec::new();
    if lead.passfile.is_some() {
        remarks.push(
            "DBeaver reads the password from the passfile, so it is in no argument list. One that runs already was started \
             without PGPASSFILE: close it first, or leave `|auth=postgres_pgpass` out and type the password when it asks."
                .to_owned(),
        );
    }
    Ok(Handoff { lines: vec![program.line()], program: Some(program), remarks, ..Handoff::default() })
}

/// SQL Workbench/J reads a profile from a file (its manual, "Simple properties based profile storage") that is named with
/// `-profileStorage`; its words are split at ` -` outside of quotes, so the names in them are tame.
pub(super) fn workbench(lead: &Lead) -> Result<Handoff, Diagnosis> {
    on_a_port(lead, "SQL Workbench/J")?;
    let label = quote::label(&lead.name);
    let path = lead.folder.join("sqlworkbench.properties");
    let url = url(lead, false);
    let mut profile = vec![
        ("name", label.clone()),
        ("group", "gatepost".to_owned()),
        ("drivername", "PostgreSQL".to_owned()),
        ("driverclass", "org.postgresql.Driver".to_owned()),
        ("url", url),
        ("username", quote::properties(&lead.user)),
    ];
    let shown: Vec<String> = profile.iter().map(|(key, value)| format!("profile.gatepost.{key}={value}")).collect();
    if let Some(secret) = &lead.secret {
        profile.push(("password", quote::properties(secret.reveal())));
        profile.push(("store.pwd", "true".to_owned()));
    }
    let file: String = profile.iter().map(|(key, value)| format!("profile.gatepost.{key}={value}\n")).collect();
    let names = ["sqlworkbench", "sqlworkbench.sh", "/Applications/SQLWorkbenchJ.app/Contents/MacOS/SQLWorkbenchJ"];
    let program = Program {
        names: names.map(str::to_owned).to_vec(),
        // Its own quotes, kept inside the shell's.
        arguments: vec![format!("-profileStorage=\"{}\"", text(&path)), format!("-profile=\"{label}\"")],
        environment: environment(lead),
        has_windows: true,
    };
    let mut lines = vec![program.line()];
    lines.extend(shown);
    let mut remarks = vec![
        "The profile takes the driver that SQL Workbench/J knows as PostgreSQL: File, Manage Drivers, once.".to_owned(),
        "With -profileStorage it shows this profile alone; to keep your own, paste the URL and the user into one of them.".to_owned(),
    ];
    if lead.secret.is_some() {
        remarks.push(format!("The password is in {}, which only you may read, and in no argument list.", text(&path)));
    }
    Ok(Handoff { lines, files: vec![(path, Secret::new(file))], program: Some(program), remarks })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{lead, plain};
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn jdbc_urls_are_percent_encoded() {
        assert_eq!(
            jdbc(&lead()).expect("it can be reached").lines,
            [
                "jdbc:postgresql://127.0.0.1:5433/my%20%25s%5Cop%22?user=o%27n%3Ac&sslmode=disable",
                "export PGPASSFILE='/st ate/run/p1/passfile'"
            ]
        );
        let tls = Lead { authority: Some(PathBuf::from("/a b.pem")), ..plain() };
        assert_eq!(
            jdbc(&tls).expect("it can be reached").lines[0],
            "jdbc:postgresql://127.0.0.1:5433/shop?user=oncall&sslmode=verify-full&sslrootcert=%2Fa%20b.pem"
        );
    }

    #[test]
    fn dbeaver_is_handed_one_word() {
        assert_eq!(
            dbeaver(&lead()).expect("it can be named").program.expect("a program").arguments,
            [
                "-con",
                "driver=postgres-jdbc|name=orders-prod 5433|host=127.0.0.1|port=5433|database=my %s\\op\"|user=o'n:c|\
                 auth=postgres_pgpass|savePassword=false|openConsole=true"
            ]
        );
        let open = Lead { passfile: None, secret: None, ..plain() };
        assert_eq!(
            dbeaver(&open).expect("it can be named").lines,
            [
                "dbeaver -con 'driver=postgres-jdbc|name=orders-prod 5433|host=127.0.0.1|port=5433|database=shop|user=oncall|\
              savePassword=true|openConsole=true'"
            ]
        );
        assert!(dbeaver(&Lead { database: "a|b".to_owned(), ..plain() }).is_err());
    }

    #[test]
    fn the_workbench_reads_a_profile_from_a_file() {
        let handoff = workbench(&lead()).expect("it can be reached");
        assert_eq!(
            handoff.lines[0],
            "PGPASSFILE='/st ate/run/p1/passfile' sqlworkbench \
             '-profileStorage=\"/st ate/run/p1/sqlworkbench.properties\"' '-profile=\"orders-prod\"'"
        );
        assert_eq!(
            handoff.files[0].1.reveal(),
            "profile.gatepost.name=orders-prod\nprofile.gatepost.group=gatepost\nprofile.gatepost.drivername=PostgreSQL\n\
             profile.gatepost.driverclass=org.postgresql.Driver\n\
             profile.gatepost.url=jdbc:postgresql://127.0.0.1:5433/my%20%25s%5Cop%22?sslmode=disable\n\
             profile.gatepost.username=o'n:c\nprofile.gatepost.password=S3cr3t\nprofile.gatepost.store.pwd=true\n"
        );
    }
}
