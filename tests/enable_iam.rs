//! IAM database authentication switched on, against the sandbox's RDS: no token opens the gate before, one does after; what is
//! pending, worked at and done is seen on the way, by the sandbox's clock.

#[path = "support/world.rs"]
mod world;

use gatepost::access::enable_iam::plan;
use gatepost::model::{DatabaseKind, Diagnosis, IamAuth, IamPlan, IamProgress, Kind, When};
use gatepost::sandbox::Fault;
use std::process::{Output, Stdio};
use tokio::process::Command;
use world::{World, wish};

async fn planned(world: &World, name: &str) -> Result<IamPlan, Diagnosis> {
    let database = world.access.find(name).await.expect(name).database;
    let inventory = world.access.inventory(&database.place).await.expect("listed");
    plan(&database, &inventory.databases)
}

/// Whether a token opens it now.
async fn opens(world: &World, name: &str) -> Result<(), Kind> {
    let endpoint = world.endpoint(name).await;
    match world.access.connect(&wish(&endpoint, "oncall"), None).await {
        Ok(session) => {
            session.close().await;
            Ok(())
        }
        Err(diagnosis) => Err(diagnosis.kind),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_open_an_instance_once_it_is_done() {
    let world = World::new().await;
    assert_eq!(opens(&world, "legacy-crm").await, Err(Kind::TokenRefused));
    let plan = planned(&world, "legacy-crm").await.expect("it can be switched on");
    assert_eq!((plan.kind, plan.identifier.as_str()), (DatabaseKind::Instance, "legacy-crm"));

    // Who may not is told which statement is missing, and nothing is changed.
    let fault = Fault::Denied("rds:ModifyDBInstance".to_owned());
    world.sandbox.faults().set(fault.clone());
    let denied = world.access.enable_iam(&plan, When::Now).await.expect_err("denied");
    assert_eq!(denied.kind, Kind::AccessDenied);
    let paste = denied.advice[0].paste.clone().expect("a statement");
    assert!(paste.contains("rds:ModifyDBInstance") && paste.contains(&plan.arn), "{paste}");
    world.sandbox.faults().clear(&fault);
    assert_eq!(world.access.iam_progress(&plan).await.expect("there").iam, IamAuth::Disabled);

    world.access.enable_iam(&plan, When::Now).await.expect("asked for");
    // It takes its time, however slow this machine is.
    world.sandbox.clock().advance(-120);
    assert_eq!(opens(&world, "legacy-crm").await, Err(Kind::TokenRefused), "it is not done yet");
    let mut seen = Vec::new();
    let follow = |progress: &IamProgress| {
        let words = progress.words();
        if seen.is_empty() {
            world.sandbox.clock().advance(120);
        }
        seen.push(words);
    };
    let ended = world.access.follow_iam(&plan, When::Now, follow).await.expect("done");
    assert!(ended.is_done());
    assert_eq!(seen.last().map(String::as_str), Some("available · IAM on"), "{seen:?}");
    assert!(seen.iter().any(|words| words.contains("IAM pending")), "{seen:?}");
    assert_eq!(opens(&world, "legacy-crm").await, Ok(()));
    assert!(planned(&world, "legacy-crm").await.expect_err("on").title.contains("takes tokens already"));

    let audit = world.audit();
    let outcomes: Vec<&str> = audit
        .iter()
        .filter(|line| line["event"] == "modify")
        .map(|line| line["outcome"].as_str().expect("text"))
        .collect();
    assert!(outcomes.len() == 2 && outcomes[0] != "ok" && outcomes[1] == "ok", "{outcomes:?}");
    assert!(audit.iter().any(|line| line["event"] == "modify" && line["endpoint"] == plan.arn.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_member_the_cluster_is_changed_in_its_window() {
    let world = World::new().await;
    let plan = planned(&world, "loyalty-1").await.expect("it can be switched on");
    assert_eq!((plan.kind, plan.identifier.as_str()), (DatabaseKind::Cluster, "loyalty"));
    assert!(opens(&world, "loyalty-1").await.is_err());
    world.access.enable_iam(&plan, When::Window).await.expect("asked for");
    let waits = world.access.follow_iam(&plan, When::Window, |_| {}).await.expect("it waits");
    assert_eq!((waits.iam, waits.window.as_deref()), (IamAuth::Pending { to: true }, Some("sun:03:30-sun:04:00")));
    let listed = world.access.find("loyalty").await.expect("there").database;
    assert_eq!(listed.iam, IamAuth::Pending { to: true });
    // A week later.
    world.sandbox.clock().advance(7 * 24 * 3600 + 60);
    let done = world.access.follow_iam(&plan, When::Now, |_| {}).await.expect("done");
    assert!(done.is_done());
    assert_eq!(world.access.find("loyalty-1").await.expect("there").database.iam, IamAuth::Enabled);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_asks_for_the_name() {
    let world = World::new().await;
    let run = async |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
        command.arg("enable-iam").args(words).envs(world.sandbox.environment());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let Output { status, stdout, stderr } = command.output().await.expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (status.code(), text(&stdout), text(&stderr))
    };
    let (status, _, err) = run(&["legacy-crm", "--confirm", "legacy"]).await;
    assert!(status == Some(2) && err.contains("Nothing was changed"), "{err}");
    for said in ["no downtime belongs to this change", "300 to 1000 MiB", "come in with a token"] {
        assert!(err.contains(said), "{said}: {err}");
    }
    let (status, out, err) = run(&["legacy-crm", "--confirm", "legacy-crm"]).await;
    assert!(status == Some(0) && out.starts_with("legacy-crm takes tokens"), "{out}{err}");
    assert!(err.contains("IAM pending") && err.contains("available · IAM on"), "{err}");
    let (status, _, err) = run(&["legacy-crm", "--confirm", "legacy-crm"]).await;
    assert!(status == Some(2) && err.contains("takes tokens already"), "{err}");
    let (status, _, err) = run(&["orders-proxy", "--confirm", "orders-proxy"]).await;
    assert!(err.contains("RDS Proxy") && status == Some(2), "{err}");
    let (status, _, err) = run(&["orders-us-proxy", "--confirm", "orders-us-proxy"]).await;
    assert!(err.contains("--db-proxy-name orders-us-proxy --region us-east-1") && status == Some(2), "{err}");
}
