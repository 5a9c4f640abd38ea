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
        // It comes to a stand as `stopped`, never as available, and AWS's CLI has no waiter for that.
        "stopping" => said(format!("{identifier} is stopping"))
            .advise_paste("Wait until its state is `stopped`", state(database))
            .advise_paste("Then start it; it takes some minutes", as_a_whole("start", database)),
        "starting" | "creating" => {
            said(format!("{identifier} is {status}")).advise_paste("Wait until it is available", wait(database))
        }
        "deleting" => said(format!("{identifier} is being deleted")).advise("Take another: it does not come back"),
        "failed" if let Some(cluster) = cluster_with_its_data(database) => nothing_answers()
            .because(format!("AWS cannot bring the instance back; its data is in the volume of its cluster {cluster}, and lost nothing"))
            .advise(format!("Go by the endpoints of {cluster}: they lead to the members that answer"))
            .advise_paste("To have as many members as before, make another", another_member(database, cluster))
            .advise_paste("Then delete this one", delete(database))
            .advise_paste("See what happened to it", events(database)),
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
            .advise_paste("Then, when it is changed back, reboot it", reboot(database)),
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

/// The cluster in whose volume the data of a member is, and not on the member: Aurora's ("Amazon Aurora storage"), and those
/// of DocumentDB and Neptune, which are built alike. The members of a Multi-AZ DB cluster each have storage of their own.
fn cluster_with_its_data(database: &Database) -> Option<&str> {
    let shares = match &database.engine {
        Engine::AuroraPostgresql | Engine::AuroraMysql => true,
        Engine::Other(name) => matches!(name.as_str(), "docdb" | "neptune"),
        Engine::Postgres | Engine::Mysql | Engine::Mariadb => false,
    };
    database.cluster.as_deref().filter(|_| shares)
}

/// One more instance of that cluster, as large as this one.
fn another_member(database: &Database, cluster: &str) -> String {
    format!(
        "aws rds create-db-instance --db-instance-identifier NEW_NAME --db-cluster-identifier {} --engine {} \
         --db-instance-class {}{}",
        shell(cluster),
        database.engine,
        database.class.as_deref().map_or("CLASS".to_owned(), shell),
        options(&database.place)
    )
}

fn delete(database: &Database) -> String {
    let (name, here) = (shell(&database.identifier), options(&database.place));
    format!("aws rds delete-db-instance --db-instance-identifier {name}{here}")
}

/// `start`, of the cluster where it is of one.
fn as_a_whole(verb: &str, database: &Database) -> String {
    let (kind, name) = match &database.cluster {
        Some(cluster) => ("cluster", cluster),
        None => (kind(database), &database.identifier),
    };
    format!("aws rds {verb}-db-{kind} --db-{kind}-identifier {}{}", shell(name), options(&database.place))
}

/// Its state now. Quoted: zsh takes brackets for a pattern.
fn state(database: &Database) -> String {
    let (name, kind) = (shell(&database.identifier), kind(database));
    let query = match kind {
        "cluster" => "DBClusters[].Status",
        _ => "DBInstances[].DBInstanceStatus",
    };
    let here = options(&database.place);
    format!("aws rds describe-db-{kind}s --db-{kind}-identifier {name} --query '{query}' --output text{here}")
}

/// What waits until it is available, or for a proxy, which no waiter knows, shows its state.
pub(in crate::access) fn wait(database: &Database) -> String {
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
            ("stopping", "aws rds describe-db-instances --db-instance-identifier orders-1 --query "),
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
        // A Multi-AZ DB cluster's; Aurora's is below.
        let engine = Engine::Postgres;
        let restored = Database { cluster: Some("orders".to_owned()), engine, ..instance("failed") };
        let said = in_its_state(refused(), Some(&restored));
        assert!(
            first(&said)
                .1
                .starts_with("aws rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier orders ")
        );
    }

    #[test]
    fn what_stops_is_waited_for_until_it_has_and_then_started() {
        for (kind, state) in [
            (DatabaseKind::Instance, "--query 'DBInstances[].DBInstanceStatus' --output text"),
            (DatabaseKind::Cluster, "--query 'DBClusters[].Status' --output text"),
        ] {
            let said = unavailable(&Database { kind, ..instance("stopping") }).expect("nothing answers there");
            let kind = kind.name();
            let pastes: Vec<&str> = said.advice.iter().filter_map(|advice| advice.paste.as_deref()).collect();
            assert!(pastes[0].contains(state) && !said.to_string().contains("aws rds wait"), "{said}");
            assert!(
                pastes[1].starts_with(&format!("aws rds start-db-{kind} --db-{kind}-identifier orders-1")),
                "{said}"
            );
            assert_eq!(said.advice[1].turn().0, crate::model::Turn::Next);
        }
    }

    #[test]
    fn a_member_of_aurora_that_failed_has_lost_no_data() {
        let class = Some("db.r6g.large".to_owned());
        let member = Database { cluster: Some("orders".to_owned()), class, ..instance("failed") };
        let said = unavailable(&member).expect("nothing answers there").to_string();
        assert!(!said.contains("restore") && !said.contains("backup"), "{said}");
        for words in [
            "its data is in the volume of its cluster orders",
            "Go by the endpoints of orders",
            "--db-cluster-identifier orders --engine aurora-postgresql --db-instance-class db.r6g.large",
            "aws rds delete-db-instance --db-instance-identifier orders-1",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        // On its own, or a cluster as a whole, there is no other member.
        let alone = unavailable(&instance("failed")).expect("nothing answers there").to_string();
        assert!(alone.contains("restore-db-instance-to-point-in-time"), "{alone}");
    }
}
