//! A database that AWS lists and that nobody can reach in its state. It must not know how it was tried.

use super::aws::options;
use super::shell;
use crate::model::{Act, Advice, Database, DatabaseKind, Diagnosis, Endpoint, Engine, Kind};

/// What is said of a database in a state in which nothing answers; `None` in all others. States: RDS User Guide, "Viewing
/// Amazon RDS DB instance status" and Aurora User Guide, "Viewing DB cluster status".
pub(in crate::access) fn unavailable(database: &Database) -> Option<Diagnosis> {
    let Database { identifier, status, place, .. } = database;
    let said = |title: String| Diagnosis::new(Kind::NotAvailable, title);
    let nothing_answers = || said(format!("{identifier} is {status}: nothing answers there"));
    let here = options(place);
    Some(match status.as_str() {
        "stopped" => said(format!("{identifier} is stopped"))
            .advise_paste("Start it; it takes some minutes", as_a_whole("start", database)),
        "stopping" | "starting" | "creating" => {
            said(format!("{identifier} is {status}")).advise_paste("Wait until it is available", wait(database))
        }
        "deleting" => said(format!("{identifier} is being deleted")).advise("Take another: it does not come back"),
        "failed" => nothing_answers()
            .because("AWS cannot bring it back: what it had is in its backups")
            .advise_paste("Restore it, as of the latest moment that there is, under another name", restore(database))
            .advise_paste("See what happened to it", events(database)),
        "inaccessible-encryption-credentials" => nothing_answers()
            .because("its KMS key can neither be used nor had back: what it had is in backups under another key")
            .advise_paste("See what happened to it", events(database)),
        "inaccessible-encryption-credentials-recoverable" => nothing_answers()
            .because("its KMS key cannot be used: it is disabled, or RDS may not use it any more")
            .advise_paste("Enable the key", format!("aws kms enable-key --key-id KEY_ID{here}"))
            .advise_paste("Then start it", as_a_whole("start", database)),
        "incompatible-parameters" => nothing_answers()
            .because("AWS cannot start it with what its parameter group says")
            .advise_paste("See what was changed there", parameters(database))
            .advise_paste("When it is changed back: reboot it", reboot(database)),
        "incompatible-network" => nothing_answers()
            .because("AWS could not give it a network: its subnets have no free address, or are gone")
            .advise_paste("See what happened to it", events(database)),
        "insufficient-capacity" => nothing_answers()
            .because("AWS had no machine of its class in that zone when it was made")
            .advise("Delete it and make it again in some hours, or with another class or zone"),
        "incompatible-restore" | "restore-error" | "cloning-failed" | "migration-failed" => {
            nothing_answers().advise_paste("See what happened to it", events(database))
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

/// That a database was not reached, with what AWS says of its state now: the cause, where it can be one. Without an answer
/// of AWS's there is nothing to add.
pub(in crate::access) fn in_its_state(diagnosis: Diagnosis, database: Option<&Database>) -> Diagnosis {
    let Some(database) = database.filter(|database| !matches!(database.status.as_str(), "" | "available")) else {
        return diagnosis;
    };
    if let Some(mut state) = unavailable(database) {
        state.because.push(diagnosis.title);
        state.because.extend(diagnosis.because);
        return state;
    }
    let Database { identifier, status, place, .. } = database;
    let mut diagnosis = diagnosis.because(format!("AWS says that {identifier} is {status}"));
    let pasted = |say: &str, paste: String| Advice { say: say.to_owned(), paste: Some(paste), act: None };
    let mut advice = Vec::new();
    if status == "storage-full" {
        diagnosis = diagnosis.because("its storage is full: it cannot write, and may let nobody in until it has more");
        let command = format!(
            "aws rds modify-db-{0} --db-{0}-identifier {1} --allocated-storage GIB --apply-immediately{2}",
            kind(database),
            shell(identifier),
            options(place)
        );
        advice.push(pasted("Give it more storage: at least a tenth more than it has, in GiB", command));
        advice.push(pasted("See how much it has", storage(database)));
    } else if INTERRUPTS.contains(&status.as_str()) {
        advice.push(pasted("Wait until it is available", wait(database)));
    }
    diagnosis.advice.splice(0..0, advice);
    diagnosis
}

/// States that pass, and in which a database may not be there for a while.
const INTERRUPTS: [&str; 14] = [
    "backtracking",
    "converting-to-vpc",
    "failing-over",
    "maintenance",
    "migrating",
    "modifying",
    "moving-to-vpc",
    "promoting",
    "rebooting",
    "renaming",
    "resetting-master-credentials",
    "storage-config-upgrade",
    "storage-initialization",
    "upgrading",
];

/// Where to look whether it is there at all: AWS's state of it is known, and says nothing, or could not be had. `first`:
/// before whatever else is advised.
pub(in crate::access) fn see(
    mut diagnosis: Diagnosis,
    endpoint: &Endpoint,
    database: Option<&Database>,
    first: bool,
) -> Diagnosis {
    let owner = &endpoint.owner;
    let say = |say: String| Advice { say, paste: None, act: None };
    let advice = match database {
        Some(database) if database.status == "available" => Advice {
            paste: Some(events(database)),
            ..say(format!("See whether {owner} restarts or fails over: AWS still calls it available"))
        },
        // Its state is said, with what to do about it.
        Some(_) => return diagnosis,
        None => say(format!("See whether {owner} is available: it may be stopped, restarting or failing over")),
    };
    diagnosis.advice.insert(if first { 0 } else { diagnosis.advice.len() }, advice);
    diagnosis
}

/// `cluster`, `instance` or `proxy`, as the AWS CLI has them in its commands.
fn kind(database: &Database) -> &'static str {
    match database.kind {
        DatabaseKind::Cluster => "cluster",
        DatabaseKind::Instance => "instance",
        DatabaseKind::Proxy => "proxy",
    }
}

/// `start`, of the cluster where it is of one.
fn as_a_whole(verb: &str, database: &Database) -> String {
    let (kind, name) = match &database.cluster {
        Some(cluster) => ("cluster", cluster),
        None => (kind(database), &database.identifier),
    };
    format!("aws rds {verb}-db-{kind} --db-{kind}-identifier {}{}", shell(name), options(&database.place))
}

fn wait(database: &Database) -> String {
    let (name, here) = (shell(&database.identifier), options(&database.place));
    match kind(database) {
        "proxy" => format!("aws rds describe-db-proxies --db-proxy-name {name}{here}"),
        kind => format!("aws rds wait db-{kind}-available --db-{kind}-identifier {name}{here}"),
    }
}

fn reboot(database: &Database) -> String {
    let (name, kind) = (shell(&database.identifier), kind(database));
    format!("aws rds reboot-db-{kind} --db-{kind}-identifier {name}{}", options(&database.place))
}

fn restore(database: &Database) -> String {
    let cluster =
        database.cluster.as_ref().or((database.kind == DatabaseKind::Cluster).then_some(&database.identifier));
    let (kind, from, to, name) = match cluster {
        Some(name) => ("cluster", "source-db-cluster-identifier", "db-cluster-identifier", name),
        None => ("instance", "source-db-instance-identifier", "target-db-instance-identifier", &database.identifier),
    };
    format!(
        "aws rds restore-db-{kind}-to-point-in-time --{from} {} --{to} NEW_NAME --use-latest-restorable-time{}",
        shell(name),
        options(&database.place)
    )
}

/// How much storage it has. Quoted: zsh takes brackets for a pattern.
fn storage(database: &Database) -> String {
    let (name, kind) = (shell(&database.identifier), kind(database));
    let list = if kind == "cluster" { "DBClusters" } else { "DBInstances" };
    format!(
        "aws rds describe-db-{kind}s --db-{kind}-identifier {name} --query '{list}[].AllocatedStorage'{}",
        options(&database.place)
    )
}

/// What of its parameter group is not as AWS made it.
fn parameters(database: &Database) -> String {
    let of = if database.kind == DatabaseKind::Cluster { "cluster-" } else { "" };
    format!(
        "aws rds describe-db-{of}parameters --db-{of}parameter-group-name GROUP --source user{}",
        options(&database.place)
    )
}

fn events(database: &Database) -> String {
    format!(
        "aws rds describe-events --source-type db-{} --source-identifier {} --duration 1440{}",
        kind(database),
        shell(&database.identifier),
        options(&database.place)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::database;
    use crate::model::Role;

    fn instance(status: &str) -> Database {
        let any = database("orders-1");
        Database { kind: DatabaseKind::Instance, status: status.to_owned(), role: Role::Instance, ..any }
    }

    fn first(diagnosis: &Diagnosis) -> (&str, &str) {
        let first = diagnosis.advice.first().expect("something to try");
        (first.say.as_str(), first.paste.as_deref().unwrap_or_default())
    }

    #[test]
    fn each_state_has_its_own_first_step() {
        let refused = || Diagnosis::new(Kind::UnreachableFromBastion, "refused").advise("the rest");
        for (status, step) in [
            ("storage-full", "aws rds modify-db-instance --db-instance-identifier orders-1 --allocated-storage GIB"),
            ("upgrading", "aws rds wait db-instance-available --db-instance-identifier orders-1"),
            ("failing-over", "aws rds wait db-instance-available"),
            ("stopped", "aws rds start-db-instance --db-instance-identifier orders-1"),
            ("failed", "aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier orders-1"),
            ("inaccessible-encryption-credentials-recoverable", "aws kms enable-key"),
            ("inaccessible-encryption-credentials", "aws rds describe-events --source-type db-instance"),
            ("incompatible-parameters", "aws rds describe-db-parameters --db-parameter-group-name GROUP --source user"),
            ("incompatible-network", "aws rds describe-events"),
        ] {
            let said = in_its_state(refused(), Some(&instance(status)));
            assert!(first(&said).1.starts_with(step), "{status}: {said}");
            assert!(said.to_string().contains(status) && said.to_string().contains("refused"), "{said}");
        }
        for (status, words) in [("backing-up", "AWS says that orders-1 is backing-up"), ("available", "refused")] {
            let said = in_its_state(refused(), Some(&instance(status)));
            assert!(said.to_string().contains(words), "{said}");
            assert_eq!(first(&said).0, "the rest", "nothing to wait for: {said}");
        }
        let full = |kind| in_its_state(refused(), Some(&Database { kind, ..instance("storage-full") })).to_string();
        assert!(full(DatabaseKind::Instance).contains("--query 'DBInstances[].AllocatedStorage'"));
        assert!(full(DatabaseKind::Cluster).contains("aws rds modify-db-cluster --db-cluster-identifier orders-1 "));
        let restored = Database { cluster: Some("orders".to_owned()), ..instance("failed") };
        let said = in_its_state(refused(), Some(&restored));
        assert!(
            first(&said)
                .1
                .starts_with("aws rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier orders ")
        );
    }
}
