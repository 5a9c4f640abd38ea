//! Each fault of the dial has its own diagnosis: a class, a title that names the thing, something to try; and nothing
//! hangs.

#[path = "support/world.rs"]
mod world;

use gatepost::access::Access;
use gatepost::model::{Diagnosis, Endpoint, Kind, RouteChoice};
use gatepost::sandbox::Fault;
use std::time::{Duration, Instant};
use world::{World, wish};

/// Connects, and must fail within the time a person would wait.
async fn refused(access: &Access, endpoint: &Endpoint, user: &str) -> Diagnosis {
    refused_over(access, endpoint, user, RouteChoice::Auto).await
}

async fn refused_over(access: &Access, endpoint: &Endpoint, user: &str, route: RouteChoice) -> Diagnosis {
    let begun = Instant::now();
    let mut wish = wish(endpoint, user);
    wish.route = route;
    let diagnosis = match access.connect(&wish, None).await {
        Ok(_) => panic!("connected although it must not"),
        Err(diagnosis) => diagnosis,
    };
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}: {diagnosis}", begun.elapsed());
    println!("{:?}, exit {}\n{diagnosis}\n", diagnosis.kind, diagnosis.kind.exit_status());
    assert!(!diagnosis.advice.is_empty(), "nothing to try: {diagnosis}");
    diagnosis
}

/// The words that must occur somewhere in it.
fn says(diagnosis: &Diagnosis, words: &[&str]) {
    let text = diagnosis.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_refuses_is_told_apart() {
    let world = World::with(|settings| settings.connect_timeout = Duration::from_secs(8)).await;
    let endpoint = world.endpoint("orders-prod").await;
    let faults = world.sandbox.faults();
    let place = &endpoint.place;

    for (fault, kind, words) in [
        (Fault::ExpiredLogin, Kind::LoginEnded, vec!["Your AWS login has ended"]),
        (Fault::Throttled, Kind::Throttled, vec!["rds:DescribeDB", "tried 5 times"]),
        (Fault::RegionRefused(place.region.clone()), Kind::RegionRefused, vec!["eu-west-1", "enable-region"]),
        (
            Fault::Denied("rds:DescribeDBClusters".to_owned()),
            Kind::AccessDenied,
            vec!["rds:DescribeDBClusters", "\"Effect\": \"Allow\""],
        ),
    ] {
        faults.set(fault.clone());
        let diagnosis = world.access.inventory(place).await.expect_err("refused");
        println!("{diagnosis}\n");
        assert_eq!(diagnosis.kind, kind, "{fault}: {diagnosis}");
        assert_eq!(diagnosis.kind.exit_status(), 4);
        says(&diagnosis, &words);
        faults.clear(&fault);
    }
    // What was refused once is not refused for ever: the clients are made anew.
    assert!(world.access.inventory(place).await.is_ok());

    let denied = |action: &str| Fault::Denied(action.to_owned());
    faults.set(denied("rds:DescribeDBProxies"));
    let inventory = world.access.inventory(place).await.expect("the rest is listed");
    assert_eq!(inventory.gaps.len(), 1, "{:?}", inventory.gaps);
    faults.clear(&denied("rds:DescribeDBProxies"));

    faults.set(denied("ec2:DescribeInstances"));
    faults.set(denied("ec2:DescribeSecurityGroups"));
    let ranked = world.access.bastions(&endpoint).await.expect("ranked without EC2");
    assert!(ranked.iter().any(|one| one.usable));
    faults.clear(&denied("ec2:DescribeInstances"));
    faults.clear(&denied("ec2:DescribeSecurityGroups"));

    faults.set(denied("ssm:StartSession"));
    let diagnosis = refused(&world.access, &endpoint, "oncall").await;
    assert_eq!(diagnosis.kind, Kind::AccessDenied);
    says(
        &diagnosis,
        &[
            "bastion-a",
            "arn:aws:ec2:eu-west-1:123456789012:instance/i-",
            "arn:aws:ssm:eu-west-1::document/AWS-StartPortForwardingSessionToRemoteHost",
        ],
    );
    faults.clear(&denied("ssm:StartSession"));

    let nowhere = world.door(|settings| settings.aws.endpoint_url = Some("http://127.0.0.1:9".to_owned()));
    let diagnosis = nowhere.inventory(place).await.expect_err("nobody is there");
    assert_eq!(diagnosis.kind, Kind::AwsUnreachable, "{diagnosis}");
    says(&diagnosis, &["tried 5 times"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_on_the_way_is_told_apart() {
    let world = World::with(|settings| settings.connect_timeout = Duration::from_secs(5)).await;
    let endpoint = world.endpoint("orders-prod").await;
    let faults = world.sandbox.faults();

    for (fault, kind, words) in [
        (Fault::BastionOffline, Kind::NoBastion, vec!["bastion-a", "agent offline"]),
        (Fault::AgentOld, Kind::NoBastion, vec!["too old"]),
        (
            Fault::PortClosed,
            Kind::UnreachableFromBastion,
            vec!["bastion-a cannot reach orders-prod", "nothing listens there", "describe-events"],
        ),
        (Fault::PortSilent, Kind::UnreachableFromBastion, vec!["bastion-a cannot reach orders-prod"]),
        (Fault::HostUnknown, Kind::UnreachableFromBastion, vec!["cannot resolve orders-prod"]),
        (Fault::SocketRefused, Kind::AwsUnreachable, vec!["data channel"]),
        (Fault::NoTls, Kind::TlsRefused, vec!["does not offer TLS"]),
        (Fault::WrongCertificate, Kind::CertificateName, vec!["names in it"]),
        (Fault::ExpiredCertificate, Kind::CertificateDates, vec!["ended on"]),
        (Fault::UnknownCa, Kind::CertificateUnknown, vec!["issuer", "--ca-bundle"]),
        (
            Fault::TokenRefused,
            Kind::TokenRefused,
            vec!["refused the token for oncall", "rds-db:connect", "GRANT rds_iam TO \"oncall\"", "PAM authentication"],
        ),
        (Fault::TooManyConnections, Kind::ServerBusy, vec!["orders-prod: ", "pg_stat_activity"]),
        (Fault::StartingUp, Kind::ServerBusy, vec!["starting up"]),
    ] {
        println!("--- {fault}");
        faults.set(fault.clone());
        let diagnosis = refused(&world.access, &endpoint, "oncall").await;
        assert_eq!(diagnosis.kind, kind, "{fault}: {diagnosis}");
        says(&diagnosis, &words);
        faults.clear(&fault);
        // The audit names the session from when there was one.
        let audit = std::fs::read_to_string(world.access.settings().state_dir.join("audit.jsonl")).expect("an audit");
        let last: serde_json::Value = serde_json::from_str(audit.lines().last().expect("a line")).expect("JSON");
        assert_eq!(last["event"], "connect");
        assert_eq!(last["ssm_session"].is_string(), kind != Kind::NoBastion, "{fault}: {last}");
    }
    // The bastion asked for by name says since when.
    faults.set(Fault::BastionOffline);
    let via = RouteChoice::Via("bastion-a".to_owned());
    let diagnosis = refused_over(&world.access, &endpoint, "oncall", via).await;
    assert_eq!(diagnosis.kind, Kind::BastionUnusable);
    says(&diagnosis, &["Bastion bastion-a has been offline since"]);
    faults.clear(&Fault::BastionOffline);
    let diagnosis = refused_over(&world.access, &endpoint, "oncall", RouteChoice::Via("bastion-zz".to_owned())).await;
    assert_eq!(diagnosis.kind, Kind::BastionUnusable);
    says(&diagnosis, &["There is no bastion bastion-zz", "--via i-"]);
    let diagnosis = refused_over(&world.access, &endpoint, "oncall", RouteChoice::Direct).await;
    assert_eq!(diagnosis.kind, Kind::UnreachableFromHere);
    says(&diagnosis, &["cannot be resolved from here", "private", "--via i-"]);
    assert!(world.access.connect(&wish(&endpoint, "oncall"), None).await.is_ok(), "all is well again");
    world.access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_come_in_hears_why() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    // Roles without rds_iam.
    for user in ["intern", "app", "nobody-at-all"] {
        let diagnosis = refused(&world.access, &endpoint, user).await;
        assert_eq!(diagnosis.kind, Kind::TokenRefused, "{user}: {diagnosis}");
        says(&diagnosis, &[&format!("GRANT rds_iam TO \"{user}\";")]);
    }
    // IAM authentication off, and on its way.
    let legacy = world.endpoint("legacy-crm").await;
    let diagnosis = refused(&world.access, &legacy, "oncall").await;
    assert_eq!(diagnosis.kind, Kind::TokenRefused);
    says(
        &diagnosis,
        &["IAM authentication is off on legacy-crm", "modify-db-instance --db-instance-identifier legacy-crm"],
    );
    let ledger = world.endpoint("ledger").await;
    let diagnosis = refused(&world.access, &ledger, "oncall").await;
    says(&diagnosis, &["being switched on for ledger"]);
    // A database that is not there.
    let mut other = wish(&endpoint, "oncall");
    other.database = Some("shopp".to_owned());
    let diagnosis = world.access.connect(&other, None).await.map(|_| ()).expect_err("no such database");
    assert_eq!((diagnosis.kind, diagnosis.code.as_deref()), (Kind::NoSuchDatabase, Some("3D000")), "{diagnosis}");
    // A clock that is off is put right by AWS's answers: signatures, the web socket's and the token's too.
    world.sandbox.clock().advance(16 * 60);
    let session = world.access.connect(&wish(&endpoint, "oncall"), None).await;
    session.unwrap_or_else(|diagnosis| panic!("{diagnosis}")).close().await;
    world.access.close().await;
}
