//! A database that AWS lists and that nobody can reach in its state. It must not know how it was tried.

use super::aws::options;
use super::shell;
use crate::model::{Act, Database, DatabaseKind, Diagnosis, Engine, Kind};

/// What is said of a database in a state in which nothing answers; `None` in all others. States: RDS User Guide, "Viewing
/// Amazon RDS DB instance status" and Aurora User Guide, "Viewing DB cluster status".
pub(in crate::access) fn unavailable(database: &Database) -> Option<Diagnosis> {
    let Database { identifier, status, place, .. } = database;
    let said = |title: String| Diagnosis::new(Kind::NotAvailable, title);
    let (of, verb) = match database.kind {
        DatabaseKind::Cluster => ("cluster", "db-cluster"),
        DatabaseKind::Instance => ("instance", "db-instance"),
        DatabaseKind::Proxy => ("proxy", "db-proxy"),
    };
    let name = shell(identifier);
    let here = options(place);
    Some(match status.as_str() {
        "stopped" => said(format!("{identifier} is stopped")).advise_paste(
            "Start it; it takes some minutes",
            match &database.cluster {
                Some(cluster) => format!("aws rds start-db-cluster --db-cluster-identifier {}{here}", shell(cluster)),
                None => format!("aws rds start-{verb} --{verb}-identifier {name}{here}"),
            },
        ),
        "stopping" | "starting" | "creating" => said(format!("{identifier} is {status}")).advise_paste(
            "Wait until it is available",
            match database.kind {
                DatabaseKind::Proxy => format!("aws rds describe-db-proxies --db-proxy-name {name}{here}"),
                _ => format!("aws rds wait {verb}-available --{verb}-identifier {name}{here}"),
            },
        ),
        "deleting" => said(format!("{identifier} is being deleted")).advise("Take another: it does not come back"),
        "failed" | "inaccessible-encryption-credentials" | "incompatible-network" | "incompatible-restore" => {
            said(format!("{identifier} is {status}: nothing answers there"))
                .advise_paste("See what happened to it", events(of, identifier, &here))
        }
        _ => return None,
    })
}

/// What is said of an engine that has no IAM database authentication, whatever was wanted of it; `None` of one that has.
pub(in crate::access) fn no_iam(name: &str, engine: &Engine) -> Option<Diagnosis> {
    if engine.has_iam_auth() {
        return None;
    }
    let title = format!("{name} has no IAM database authentication: {engine} does not know it");
    Some(
        Diagnosis::new(Kind::Usage, title)
            .because("AWS has it for PostgreSQL, MySQL and MariaDB")
            .advise_paste("Forward a port to it, for a client of its own", format!("gatepost tunnel {}", shell(name)))
            .by(Act::Tunnel),
    )
}

fn events(of: &str, identifier: &str, here: &str) -> String {
    format!(
        "aws rds describe-events --source-type db-{of} --source-identifier {} --duration 1440{here}",
        shell(identifier)
    )
}
