//! Switching IAM database authentication on: whose it is to switch, what that means, and the wait until it is done. It must
//! not know who asks, nor whether they were asked back.

use super::Access;
use super::audit::{Event, Subject};
use super::diagnose::aws;
use super::diagnose::database::no_iam;
use crate::aws::Kind as Refused;
use crate::model::{Act, Database, DatabaseKind, Diagnosis, IamAuth, IamPlan, IamProgress, Kind, Place, Role, When};
use std::time::Duration;
use tokio::time::Instant;

/// How often AWS is asked how far it is: at first, and once it takes long.
const PACES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];
/// After this it takes long.
const LONG: Duration = Duration::from_secs(60);

/// Why nothing of IAM authentication is to be had of `database`, policies and tokens included: its engine has none.
pub fn impossible(database: &Database) -> Option<Diagnosis> {
    no_iam(&database.identifier, &database.engine)
}

/// What would be changed so that `database` takes tokens; `all` are those listed with it. Asks nothing of AWS.
pub fn plan(database: &Database, all: &[Database]) -> Result<IamPlan, Diagnosis> {
    let name = &database.identifier;
    if let Some(refused) = impossible(database) {
        return Err(refused);
    }
    if database.kind == DatabaseKind::Proxy {
        return Err(Diagnosis::new(
            Kind::Usage,
            format!("{name} is an RDS Proxy, which takes tokens by its own setting"),
        )
        .because(
            "a proxy asks for IAM by the authentication of each of its secrets (IAMAuth), or as its default scheme",
        )
        .advise_paste(
            "See how it is set",
            format!(
                "aws rds describe-db-proxies --db-proxy-name {}{}",
                super::handoff::quote::shell(name),
                aws::options(&database.place)
            ),
        ));
    }
    // A member's is its cluster's: ModifyDBInstance would refuse it.
    let owner = match &database.cluster {
        Some(cluster) => all
            .iter()
            .find(|one| one.kind == DatabaseKind::Cluster && one.identifier == *cluster && one.place == database.place)
            .ok_or_else(|| {
                Diagnosis::new(Kind::NotFound, format!("{name} belongs to {cluster}, which was not listed"))
                    .advise("List again, then switch it on for the cluster")
            })?,
        None => database,
    };
    if owner.iam == IamAuth::Enabled {
        return Err(Diagnosis::new(Kind::Usage, format!("{} takes tokens already", owner.identifier))
            .because("IAM database authentication is on")
            .advise_paste(
                "See what a user needs beside it",
                format!("gatepost policy {} --user USER{}", owner.identifier, aws::options(&owner.place)),
            )
            .by(Act::Policy));
    }
    Ok(IamPlan {
        kind: owner.kind,
        identifier: owner.identifier.clone(),
        arn: owner.arn.clone(),
        place: owner.place.clone(),
        consequences: consequences(owner, database, all),
    })
}

/// AWS, "IAM database authentication" (limitations and recommendations), "Settings for DB instances", "Settings for Amazon
/// Aurora", and the API reference of ApplyImmediately.
fn consequences(owner: &Database, asked: &Database, all: &[Database]) -> Vec<String> {
    let mut said = Vec::new();
    if owner.kind == DatabaseKind::Cluster {
        let members: Vec<&str> = all
            .iter()
            .filter(|one| one.cluster.as_ref() == Some(&owner.identifier) && one.place == owner.place)
            .map(|one| one.identifier.as_str())
            .collect();
        let whom = if members.is_empty() { String::new() } else { format!(": {}", members.join(", ")) };
        let why = if asked.role == Role::Cluster { "" } else { "It is a setting of the cluster. " };
        said.push(format!("{why}It is switched on for the cluster {} and all its instances{whom}.", owner.identifier));
    }
    said.push(
        "Nobody is cut off, and no downtime belongs to this change (AWS, settings of instances and clusters)."
            .to_owned(),
    );
    said.push(
        "Passwords go on working, but for roles that have rds_iam, directly or through another role: those come in with a \
         token alone."
            .to_owned(),
    );
    said.push(
        "Who comes in is then also decided by IAM: whoever may do rds-db:connect on it (AdministratorAccess includes that), as \
         any role that has rds_iam."
            .to_owned(),
    );
    let class = owner.class.as_deref().or(asked.class.as_deref()).unwrap_or_default();
    let small = ["micro", "small", "medium"].iter().any(|size| class.ends_with(size));
    said.push(format!(
        "Checking tokens takes 300 to 1000 MiB of the server's memory (AWS){}, and AWS takes about 200 new token logins a second.",
        if small { format!("; {class} has little of it") } else { String::new() }
    ));
    said
}

/// What the time of the change means; `standing` is how it stands before.
pub fn consequences_of(when: When, standing: &IamProgress) -> Vec<String> {
    let waiting = standing.waiting.join(", ");
    match (when, standing.waiting.is_empty()) {
        (When::Window, _) => {
            let window = standing.window.as_deref().unwrap_or("AWS chose");
            vec![format!("Nothing changes before the maintenance window, {window} (UTC); whatever waits is done then.")]
        }
        (When::Now, false) => vec![format!(
            "AWS does everything that waits together with it, at once: {waiting}. Some of that may restart the database."
        )],
        (When::Now, true) => {
            vec!["It begins at once, and takes some minutes. No other change waits to be done with it.".to_owned()]
        }
    }
}

impl Access {
    /// How it stands with what `plan` is about.
    pub async fn iam_progress(&self, plan: &IamPlan) -> Result<IamProgress, Diagnosis> {
        let found = self.cloud().iam_progress(&plan.place, plan.kind, &plan.identifier).await;
        found.map_err(|error| aws::of(&error))?.ok_or_else(|| gone(&plan.identifier, &plan.place))
    }

    /// Has it switched on. It is done once [`IamProgress::is_done`].
    pub async fn enable_iam(&self, plan: &IamPlan, when: When) -> Result<(), Diagnosis> {
        let begun = Instant::now();
        let identity = self.known_identity(&plan.place).await;
        let asked = self.cloud().enable_iam(&plan.place, plan.kind, &plan.identifier, when == When::Now).await;
        let asked = asked.map_err(|error| {
            let mut diagnosis = aws::of(&error);
            if let Refused::AccessDenied { .. } = &error.kind {
                diagnosis.title = format!("You may not change {}", plan.identifier);
                diagnosis.advice.clear();
                let action = match plan.kind {
                    DatabaseKind::Cluster => "rds:ModifyDBCluster",
                    _ => "rds:ModifyDBInstance",
                };
                diagnosis = aws::granted(diagnosis, &error.message, action, std::slice::from_ref(&plan.arn))
                    .advise("Or ask somebody who may");
            }
            diagnosis
        });
        let outcome = match &asked {
            Ok(()) => "ok".to_owned(),
            Err(diagnosis) => super::refusal::outcome(diagnosis),
        };
        let subject = Subject::of_resource(&plan.identifier, &plan.arn, &plan.place, identity.as_ref());
        let what = match when {
            When::Now => "IAM database authentication on, at once",
            When::Window => "IAM database authentication on, in the maintenance window",
        };
        self.inner.audit.note(&subject, &Event::Modify { what }, &outcome, Some(begun.elapsed()));
        asked
    }

    /// Tells how it stands whenever that has changed, until it is done; for the window, until AWS says that it waits. Looking
    /// that fails once is tried again.
    pub async fn follow_iam(
        &self,
        plan: &IamPlan,
        when: When,
        mut tell: impl FnMut(&IamProgress),
    ) -> Result<IamProgress, Diagnosis> {
        let begun = Instant::now();
        let mut last = None;
        let mut failed = false;
        loop {
            match self.iam_progress(plan).await {
                Ok(progress) => {
                    failed = false;
                    if last.as_ref() != Some(&progress) {
                        tell(&progress);
                        last = Some(progress.clone());
                    }
                    let waits = when == When::Window && matches!(progress.iam, IamAuth::Pending { to: true });
                    if progress.is_done() || waits {
                        return Ok(progress);
                    }
                }
                Err(diagnosis) if failed => return Err(diagnosis),
                Err(_) => failed = true,
            }
            tokio::time::sleep(PACES[usize::from(begun.elapsed() >= LONG)]).await;
        }
    }
}

fn gone(identifier: &str, place: &Place) -> Diagnosis {
    Diagnosis::new(Kind::NotFound, format!("There is no {identifier} in {place} any more"))
        .advise("List again: it may have been renamed or deleted")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::database as any_database;
    use crate::model::Engine;

    fn database(identifier: &str, kind: DatabaseKind, cluster: Option<&str>) -> Database {
        Database {
            kind,
            iam: IamAuth::Disabled,
            cluster: cluster.map(str::to_owned),
            role: if kind == DatabaseKind::Cluster { Role::Cluster } else { Role::Writer },
            class: Some("db.t4g.medium".to_owned()),
            ..any_database(identifier)
        }
    }

    #[test]
    fn of_a_member_the_cluster_is_changed() {
        let all = [
            database("c", DatabaseKind::Cluster, None),
            database("c-1", DatabaseKind::Instance, Some("c")),
            database("c-2", DatabaseKind::Instance, Some("c")),
        ];
        let plan = plan(&all[1], &all).expect("it can be switched on");
        assert_eq!((plan.kind, plan.identifier.as_str()), (DatabaseKind::Cluster, "c"));
        assert!(plan.consequences[0].contains("all its instances: c-1, c-2"), "{:?}", plan.consequences);
        assert!(plan.consequences.iter().any(|said| said.contains("db.t4g.medium has little of it")));
        assert_eq!(super::plan(&all[1], &all[1..]).expect_err("not listed").kind, Kind::NotFound);
    }

    #[test]
    fn what_has_it_or_cannot_have_it_is_told_so() {
        let on = Database { iam: IamAuth::Enabled, ..database("a", DatabaseKind::Instance, None) };
        assert!(plan(&on, &[]).expect_err("on").title.contains("takes tokens already"));
        let proxy = database("p", DatabaseKind::Proxy, None);
        let refused = plan(&proxy, &[]).expect_err("a proxy");
        assert_eq!(refused.kind, Kind::Usage);
        let there = Place { profile: Some("our prod".to_owned()), region: "us-east-1".to_owned() };
        let elsewhere = plan(&Database { place: there, ..proxy }, &[]).expect_err("a proxy");
        let paste = "aws rds describe-db-proxies --db-proxy-name p --region us-east-1 --profile 'our prod'";
        assert_eq!(elsewhere.advice[0].paste.as_deref(), Some(paste));
        let oracle = Database { engine: Engine::parse("oracle-ee"), ..database("o", DatabaseKind::Instance, None) };
        assert_eq!(plan(&oracle, &[]).expect_err("not there").kind, Kind::Usage);
        let pending = Database { iam: IamAuth::Pending { to: true }, ..database("b", DatabaseKind::Instance, None) };
        assert!(plan(&pending, &[]).is_ok(), "what waits can be done now");
    }

    #[test]
    fn other_changes_that_wait_are_told() {
        let standing = IamProgress {
            status: "available".to_owned(),
            iam: IamAuth::Disabled,
            window: Some("sun:03:30-sun:04:00".to_owned()),
            waiting: vec!["class db.r7g.large".to_owned()],
        };
        assert!(consequences_of(When::Now, &standing)[0].contains("class db.r7g.large"));
        assert!(consequences_of(When::Window, &standing)[0].contains("sun:03:30"));
    }
}
