//! The doctor by itself: what it tells of a chain that holds and of the role that came in, that it leaves no session behind,
//! and that looking changes nothing. It must not know how its words are shown.

#[path = "support/world.rs"]
mod world;

use gatepost::access::Access;
use gatepost::access::doctor::{Subject, Wish};
use gatepost::model::{Auth, Check, CheckKind, DoctorNews, DoctorReport, RouteChoice, Secret, Verdict};
use gatepost::sandbox::Fault;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;
use world::{World, value, wish};

fn about(name: &str, user: &str) -> Wish {
    Wish {
        subject: Subject::Named(name.to_owned()),
        user: Some(user.to_owned()),
        database: None,
        route: RouteChoice::Auto,
        auth: Auth::Iam,
    }
}

fn link(report: &DoctorReport, kind: CheckKind) -> &Check {
    report.checks.iter().find(|check| check.kind == kind).expect("every link is told")
}

/// What of a check is said, details too.
fn words(check: &Check) -> String {
    format!("{}\n{}", check.line(), check.details.join("\n"))
}

fn says(report: &DoctorReport, kind: CheckKind, wanted: &[&str]) {
    let words = words(link(report, kind));
    for one in wanted {
        assert!(words.contains(one), "{} does not say {one:?}: {words}", kind.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_holds_is_told_link_by_link() {
    let world = World::with(|settings| settings.file = Some("/home/me/gatepost.toml".into())).await;
    let report = world.access.doctor(&about("orders-prod", "oncall"), None).await;
    assert!(report.broken().is_none() && report.first().is_none(), "{report:#?}");
    assert_eq!(report.checks.iter().map(|check| check.kind).collect::<Vec<_>>(), CheckKind::ALL);
    for check in &report.checks {
        let likely =
            [CheckKind::ConnectPolicy, CheckKind::StartPolicy, CheckKind::ResumePolicy, CheckKind::TerminatePolicy];
        let wanted = if likely.contains(&check.kind) { Verdict::Likely } else { Verdict::Ok };
        assert_eq!(check.verdict, wanted, "{check:?}");
    }
    says(&report, CheckKind::Settings, &["settings of /home/me/gatepost.toml", "eu-west-1 and us-east-1"]);
    says(&report, CheckKind::Credentials, &["prod-admin in 123456789012", "arn:aws:sts::123456789012:assumed-role/"]);
    says(&report, CheckKind::Region, &["eu-west-1 and us-east-1 answer", "no proxy in the way"]);
    says(&report, CheckKind::Database, &["available", "16.6", "IAM on", "private in vpc-", "guarded by sg-"]);
    // The role's ARN has its path, the resource the cluster's own id.
    says(&report, CheckKind::ConnectPolicy, &["simulated", "dbuser:cluster-", "/oncall"]);
    says(&report, CheckKind::StartPolicy, &["ssm:StartSession", "instance/i-", "document/AWS-StartPortForwarding"]);
    says(&report, CheckKind::ResumePolicy, &["ssm:ResumeSession", "session/"]);
    says(&report, CheckKind::TerminatePolicy, &["ssm:TerminateSession", "session/"]);
    says(&report, CheckKind::Tls, &["TLS 1.3"]);
    says(
        &report,
        CheckKind::Certificate,
        &[
            "ends 20",
            "issued by gatepost sandbox CA",
            "for orders-prod.cluster-",
            "names: ",
            "valid from 20",
            "chain: ",
        ],
    );
    says(&report, CheckKind::Login, &["oncall, token ends"]);
    // What the server runs for itself (checkpointer and the like) is nobody's connection.
    says(&report, CheckKind::Role, &["connections: 1 of its own, 1 of 200 in all, 3 of them reserved"]);
    says(&report, CheckKind::Server, &["PostgreSQL", "takes writes", "up "]);
    let timed = [CheckKind::Credentials, CheckKind::Region, CheckKind::Session, CheckKind::Port, CheckKind::Login];
    assert!(timed.iter().all(|kind| link(&report, *kind).took.is_some()), "{report:#?}");

    // The ranking is the one of the Connect screen, in its order and with its reasons.
    let endpoint = world.endpoint("orders-prod").await;
    let ranked = world.access.bastions(&endpoint).await.expect("ranked");
    let bastion = link(&report, CheckKind::Bastion);
    let told: Vec<&String> = bastion.details.iter().filter(|line| line.starts_with(char::is_numeric)).collect();
    assert_eq!(told.len(), ranked.len(), "{bastion:?}");
    for (at, (line, one)) in told.iter().zip(&ranked).enumerate() {
        let start = format!("{}. {} ({}): {}", at + 1, one.bastion.label(), one.bastion.id, one.reasons.join(", "));
        assert!(line.starts_with(&start), "{line} | {start}");
        assert!(line.contains("node up since 2026-08-03") && line.contains("last ping "), "{line}");
    }
    // A direct way has no session and no bastion.
    let reports = world.endpoint("reports").await;
    let resolve = world.resolve(&reports);
    let door = world.door(|settings| settings.resolve = vec![resolve]);
    let report = door.doctor(&about("reports", "oncall"), None).await;
    assert!(report.broken().is_none(), "{report:#?}");
    for kind in [CheckKind::StartPolicy, CheckKind::Session, CheckKind::Handshake] {
        assert_eq!(link(&report, kind).verdict, Verdict::NotApplicable);
    }
    world.access.close().await;
}

/// IAM is asked in a region that may be another than the database's.
#[tokio::test(flavor = "multi_thread")]
async fn who_refuses_to_simulate_is_named() {
    let world = World::with(|settings| settings.aws.regions = vec!["eu-west-1".to_owned()]).await;
    world.sandbox.faults().set(Fault::RegionRefused("us-east-1".to_owned()));
    let report = world.access.doctor(&about("orders-prod", "oncall"), None).await;
    assert!(report.broken().is_none(), "{report:#?}");
    let said = link(&report, CheckKind::ConnectPolicy);
    assert_eq!(said.verdict, Verdict::CouldNotLook, "{said:?}");
    says(
        &report,
        CheckKind::ConnectPolicy,
        &["us-east-1, where IAM is for all regions, does not know these credentials"],
    );
    world.access.close().await;
}

/// What can be looked at is; the login is the link that breaks, and nothing of IAM would mend it.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_no_postgres_is_not_logged_in_to() {
    let world = World::new().await;
    for (name, engine, token) in
        [("erp", "oracle-ee", false), ("catalog-docs", "docdb", false), ("shop-web", "mysql", true)]
    {
        let report = world.access.doctor(&about(name, "oncall"), None).await;
        let broken = report.broken().expect("a broken link");
        assert_eq!((broken.kind, report.exit_status()), (CheckKind::Login, 3), "{report:#?}");
        says(&report, CheckKind::Database, &["available", engine]);
        assert_eq!(link(&report, CheckKind::Handshake).verdict, Verdict::Ok);
        says(&report, CheckKind::Login, &["it speaks PostgreSQL, not", engine]);
        assert_eq!(link(&report, CheckKind::Server).verdict, Verdict::NotReached);
        let (_, first) = report.first().expect("something to do");
        let command = Some(format!("gatepost tunnel {name} --region eu-west-1"));
        assert_eq!(first.and_then(|advice| advice.paste.clone()), command);
        let all = format!("{report:?}");
        assert!(!all.contains("enable-iam") && all.contains("gatepost token") == token, "{all}");
    }
    world.access.close().await;
}

/// A refusal that is in no list is told with what the server said, and is a break as any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_refused_for_what_nobody_lists_is_broken_all_the_same() {
    let world = World::new().await;
    let wish = Wish { database: Some("template0".to_owned()), ..about("orders-prod", "oncall") };
    let report = world.access.doctor(&wish, None).await;
    let (check, advice) = report.first().expect("what is broken");
    assert_eq!((check.kind, check.verdict, advice), (CheckKind::Login, Verdict::Failed, None), "{report:#?}");
    assert_eq!(report.exit_status(), 3);
    says(&report, CheckKind::Login, &["database \"template0\" is not currently accepting connections"]);
    world.access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_role_has_is_told_and_what_stands_against_it() {
    let world = World::new().await;
    for (user, verdict, wanted) in [
        ("oncall", Verdict::Ok, "rds_iam, no rds_ad"),
        ("analyst", Verdict::Ok, "rds_iam through people, no rds_ad"),
        ("auditor", Verdict::Doubtful, "auditor has both rds_iam and rds_ad; rds_iam, rds_ad through staff"),
    ] {
        let report = world.access.doctor(&about("orders-prod", user), None).await;
        assert!(report.broken().is_none(), "{report:#?}");
        assert_eq!(link(&report, CheckKind::Role).verdict, verdict, "{user}");
        says(&report, CheckKind::Role, &[wanted, "connections: 1 of its own", " of 200 in all"]);
    }
    let password = Auth::Password(Secret::new("shop-app-password"));
    let report = world.access.doctor(&Wish { auth: password, ..about("orders-prod", "app") }, None).await;
    assert_eq!(link(&report, CheckKind::ConnectPolicy).verdict, Verdict::NotApplicable);
    says(&report, CheckKind::Role, &["no rds_iam, no rds_ad"]);
    // A role whose connections are all taken stands before a closed door.
    let report = world.access.doctor(&about("orders-prod", "batch"), None).await;
    assert_eq!(report.broken().map(|check| check.kind), Some(CheckKind::Login));
    assert_eq!(link(&report, CheckKind::Role).verdict, Verdict::NotReached);
    // A reader says that it is one.
    let report = world.access.doctor(&about("orders-prod-2", "oncall"), None).await;
    says(&report, CheckKind::Server, &["read-only"]);
    world.access.close().await;
}

/// Every file of a folder: its bytes, and when it was written.
fn contents(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let written = path.metadata().and_then(|data| data.modified()).expect("a time");
                found.insert(path.display().to_string(), (std::fs::read(&path).expect("read"), written));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let mut session = world.access.connect(&wish(&endpoint, "oncall"), None).await.expect("connected");
    let listed = async || format!("{:?}", world.access.inventory(&endpoint.place).await.expect("listed").databases);
    let databases = listed().await;
    let sessions = world.sandbox.sessions().live();
    let before = contents(&world.settings.state_dir);
    // A transaction that writes takes a number, and so does nobody else here but a vacuum in the background.
    let number = "select pg_snapshot_xmax(pg_current_snapshot())";
    let backends = "select count(*) from pg_stat_activity where backend_type = 'client backend'";
    let mut written = Vec::new();
    for look in 1..=3 {
        let first = (value(&mut session, number).await, value(&mut session, backends).await);
        // As another user than the last one: the next connect would show it, were it remembered.
        let report = world.access.doctor(&about("orders-prod", "analyst"), None).await;
        assert!(report.broken().is_none(), "{report:#?}");
        assert_eq!(world.sandbox.sessions().live(), sessions, "its session is ended, ours stands");
        // The server takes a moment to let it go.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while value(&mut session, backends).await != first.1 {
            assert!(std::time::Instant::now() < deadline, "its login has left");
        }
        let now = value(&mut session, number).await;
        if now == first.0 {
            break;
        }
        written.push((first.0, now));
        assert!(look < 3, "each look took the number of a transaction: {written:?}");
    }
    assert_eq!(listed().await, databases, "AWS lists what it listed");
    let mut after = contents(&world.settings.state_dir);
    let mut before = before;
    // The audit trail alone grows, by what it is for.
    let audit = |found: &mut BTreeMap<String, (Vec<u8>, SystemTime)>| {
        let name = found.keys().find(|name| name.ends_with("audit.jsonl")).expect("an audit").clone();
        found.remove(&name).expect("there").0
    };
    let (was, is) = (audit(&mut before), audit(&mut after));
    assert_eq!(before, after, "nothing is remembered");
    let added = String::from_utf8(is.strip_prefix(&was[..]).expect("only added to").to_vec()).expect("text");
    let lines: Vec<serde_json::Value> = added.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    // What this test asks by itself is in it, too, as another user.
    let (doctor, ours): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line["user"] == "analyst");
    assert_eq!(doctor.len(), written.len() + 1, "{added}");
    assert!(doctor.iter().all(|line| line["event"] == "doctor" && line["outcome"] == "ok"), "{added}");
    assert!(ours.iter().all(|line| line["user"] == "oncall" && line["event"] == "statement"), "{added}");
    session.close().await;
    world.access.close().await;
}

/// Looks until that link is begun, then leaves.
async fn leave(access: &Access, wish: &Wish, at: CheckKind) {
    let (news, mut told) = tokio::sync::mpsc::unbounded_channel();
    let begun = async {
        while let Some(news) = told.recv().await {
            if matches!(news, DoctorNews::Begun(kind, _) if kind == at) {
                return;
            }
        }
        panic!("{at:?} was not come to");
    };
    tokio::select! {
        biased;
        report = access.doctor(wish, Some(news)) => panic!("it came to its end: {report:#?}"),
        () = begun => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_it_leaves_no_session() {
    let world = World::new().await;
    let wish = about("orders-prod", "oncall");
    for (fault, at) in [
        (Fault::AgentSilent, CheckKind::Session),
        (Fault::AgentSilent, CheckKind::Handshake),
        (Fault::PortSilent, CheckKind::Dns),
    ] {
        world.sandbox.faults().set(fault.clone());
        let access = world.door(|_| {});
        leave(&access, &wish, at).await;
        access.close().await;
        assert_eq!(world.sandbox.sessions().live(), Vec::<String>::new(), "left at {at:?}");
        world.sandbox.faults().clear(&fault);
    }
}
