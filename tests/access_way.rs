//! The verbs against a whole sandbox: listing, the way in through a bastion, sessions that come back, cancel, forward.

#[path = "support/world.rs"]
mod world;

use gatepost::access::{ForwardNews, Session};
use gatepost::model::{
    Auth, EndpointRole, IamAuth, Kind, Role, Route, RouteChoice, Secret, StepKind, StepState, Transaction,
};
use gatepost::sandbox::Fault;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use world::{World, rows, value, wish};

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_is_listed_whole_and_in_order() {
    let world = World::new().await;
    let places = world.access.places().await.expect("places");
    let regions: Vec<&str> = places.iter().map(|place| place.region.as_str()).collect();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
    let identity = world.access.identity(&places[0]).await.expect("who we are");
    assert_eq!((identity.short(), identity.account.as_str()), ("prod-admin", "123456789012"));

    let inventory = world.access.inventory(&places[0]).await.expect("listed");
    assert_eq!(inventory.gaps, Vec::<String>::new());
    let row = |name: &str| {
        inventory.databases.iter().find(|row| row.identifier == name).unwrap_or_else(|| panic!("{name} is listed"))
    };
    let orders = row("orders-prod");
    let roles: Vec<EndpointRole> = orders.endpoints.iter().map(|endpoint| endpoint.role).collect();
    assert_eq!(roles, [EndpointRole::Writer, EndpointRole::Reader, EndpointRole::Custom]);
    assert!(orders.vpc_id.is_some());
    let at = inventory.databases.iter().position(|row| row.identifier == "orders-prod").expect("there");
    let members: Vec<Role> = inventory.databases[at + 1..=at + 3].iter().map(|row| row.role).collect();
    assert_eq!(members, [Role::Writer, Role::Reader, Role::Reader]);
    assert_eq!(row("legacy-crm").iam, IamAuth::Disabled);
    assert!(matches!(row("ledger").iam, IamAuth::Pending { .. }));
    assert!(row("inventory-dev").endpoints.is_empty());
    assert!(row("orders-proxy").resource_id.starts_with("prx-"));
    let proxy = row("orders-proxy");
    assert!(world.access.settings().is_production("orders-proxy", &proxy.tags), "{:?}", proxy.tags);
    assert!(inventory.databases.len() > 15);

    let bastions = world.access.bastions(&orders.endpoints[0]).await.expect("ranked");
    let names: Vec<(&str, bool)> = bastions.iter().map(|one| (one.bastion.label(), one.usable)).collect();
    assert_eq!(names, [("bastion-a", true), ("bastion-b", true), ("bastion-old", false)]);
    assert_eq!(bastions[0].reasons[0], "same VPC");
    assert!(bastions[0].reasons[1].ends_with("lets it in"), "{:?}", bastions[0].reasons);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_through_a_bastion_ends_on_rows() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let (steps, mut told) = tokio::sync::mpsc::unbounded_channel();
    let wish = wish(&endpoint, "oncall");
    let mut session =
        is_send(world.access.connect(&wish, Some(steps))).await.unwrap_or_else(|diagnosis| panic!("{diagnosis}"));
    let mut done = Vec::new();
    while let Ok(step) = told.try_recv() {
        if let StepState::Done(..) = step.state {
            done.push(step.kind);
        }
    }
    use StepKind::*;
    assert_eq!(done, [Credentials, Route, Session, Handshake, Database, Tls, Login]);
    assert_eq!(value(&mut session, "select count(*) > 0 from orders").await, "t");
    let facts = session.facts();
    assert_eq!(facts.route, "via bastion-a");
    assert!(facts.tls.names.contains(&endpoint.host), "{:?}", facts.tls);
    assert!(facts.ssm_session.is_some() && facts.token_ends > facts.token_minted);

    // A second session rides the same tunnel.
    let mut second = world.access.connect(&wish, None).await.expect("a second session");
    assert_eq!(second.facts().ssm_session, facts.ssm_session);
    assert_eq!(value(&mut second, "select current_user").await, "oncall");
    let lines = world.access.lines();
    assert_eq!(
        (lines.len(), lines[0].streams, lines[0].health.as_str()),
        (1, 2, "up (when idle, AWS ends it at the account's limit)")
    );
    second.close().await;
    assert_eq!(world.access.lines().len(), 1, "the first session still rides it");
    session.close().await;
    assert_eq!(world.access.lines().len(), 0);
    world.access.close().await;

    assert_eq!(world.access.remembered(&endpoint).user.as_deref(), Some("oncall"));
    let audit = world.audit();
    let events: Vec<&str> = audit.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events, ["connect", "statement", "connect", "statement", "disconnect", "disconnect"]);
    assert_eq!(audit[1]["route"], "via bastion-a");
    assert_eq!(audit[1]["statement"], "select count(*) > 0 from orders");
    assert!(audit[0]["ssm_session"].is_string() && audit[0]["identity"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_way_and_a_password() {
    let world = World::new().await;
    let endpoint = world.endpoint("reports").await;
    let resolve = world.resolve(&endpoint);
    let access = world.door(|settings| settings.resolve = vec![resolve]);
    let mut session = access.connect(&wish(&endpoint, "oncall"), None).await.expect("direct");
    assert_eq!(session.target().route, Route::Direct);
    assert_eq!(value(&mut session, "show default_transaction_read_only").await, "off");
    session.close().await;

    // With a password, on a direct line, AWS is not asked at all.
    world.sandbox.faults().set(Fault::ExpiredLogin);
    let mut wish = wish(&endpoint, "app");
    wish.auth = Auth::Password(Secret::new("wrong"));
    let refused = access.connect(&wish, None).await.map(|_| ()).expect_err("wrong password");
    assert_eq!(refused.kind, Kind::PasswordRefused, "{refused}");
    wish.user = "oncall".to_owned();
    let refused = access.connect(&wish, None).await.map(|_| ()).expect_err("a role for tokens only");
    assert_eq!(refused.kind, Kind::LoginRefused, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_comes_back_when_idle_and_never_repeats_a_statement() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let mut session = world.access.connect(&wish(&endpoint, "oncall"), None).await.expect("connected");
    let pid = session.facts().pid;

    world.sandbox.faults().set(Fault::DatabaseCut);
    lost(&mut session).await;
    let (answer, reconnected) = rows(&mut session, "select 1").await.expect("comes back");
    assert!(reconnected && answer == [["1"]]);
    assert_ne!(session.facts().pid, pid);

    // An open transaction is not begun again behind anybody's back.
    rows(&mut session, "begin; create temp table t (a int)").await.expect("begun");
    assert_eq!(session.transaction(), Transaction::Open);
    world.sandbox.faults().set(Fault::DatabaseCut);
    lost(&mut session).await;
    let gone = rows(&mut session, "insert into t values (1)").await.expect_err("the transaction is gone");
    assert_eq!(gone.kind, Kind::TransactionLost, "{gone}");
    let (_, reconnected) = rows(&mut session, "select 1").await.expect("a new session");
    assert!(reconnected);

    // In flight: nobody knows.
    let mut other = world.access.connect(&wish(&endpoint, "oncall"), None).await.expect("a second session");
    let pid = session.facts().pid;
    let sleep = rows(&mut session, "select pg_sleep(60)");
    let cut = async {
        let active = format!("select count(*) from pg_stat_activity where pid = {pid} and wait_event = 'PgSleep'");
        while value(&mut other, &active).await != "1" {}
        world.sandbox.faults().set(Fault::DatabaseCut);
    };
    let (slept, ()) = tokio::join!(sleep, cut);
    let diagnosis = slept.expect_err("its wire was cut");
    assert_eq!(diagnosis.kind, Kind::OutcomeUnknown, "{diagnosis}");
    let (_, reconnected) = rows(&mut session, "select 1").await.expect("usable again");
    assert!(reconnected);
    session.close().await;
    world.access.close().await;
}

/// Waits until the session has noticed that its wire is gone.
async fn lost(session: &mut Session) {
    let noticed = async { while session.idle().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), noticed).await.expect("the cut is noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_arrives_through_the_same_bastion() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let mut session = world.access.connect(&wish(&endpoint, "oncall"), None).await.expect("connected");
    let canceller = session.canceller();
    let mut other = world.access.connect(&wish(&endpoint, "oncall"), None).await.expect("a second session");
    let pid = session.facts().pid;
    let sleep = rows(&mut session, "select pg_sleep(60)");
    let cancel = async {
        let active = format!("select count(*) from pg_stat_activity where pid = {pid} and wait_event = 'PgSleep'");
        while value(&mut other, &active).await != "1" {}
        canceller.cancel().await.expect("cancelled");
    };
    let (slept, ()) = tokio::join!(sleep, cancel);
    let diagnosis = slept.expect_err("it was cancelled");
    assert_eq!(diagnosis.kind, Kind::Cancelled, "{diagnosis}");
    other.close().await;
    assert_eq!(world.access.lines().len(), 1, "over the one tunnel");
    let (_, reconnected) = rows(&mut session, "select 1").await.expect("the session goes on");
    assert!(!reconnected);
    session.close().await;
    canceller.cancel().await.expect("nothing to cancel is no error");
    assert!(world.audit().iter().any(|line| line["event"] == "cancel" && line["outcome"] == "ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_goes_over_the_wire_that_stands_ready() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let mut session = world.access.connect(&wish(&endpoint, "oncall"), None).await.expect("connected");
    let canceller = session.canceller();
    let mut other = world.access.connect(&wish(&endpoint, "oncall"), None).await.expect("a second session");
    let pid = session.facts().pid;
    let standing = tokio::spawn(canceller.clone().stand_by());
    let sleep = rows(&mut session, "select pg_sleep(600)");
    let cancel = async {
        let active = format!("select count(*) from pg_stat_activity where pid = {pid} and wait_event = 'PgSleep'");
        while value(&mut other, &active).await != "1" || !canceller.is_ready() {}
        // Nothing that would have to be dialled now gets anywhere.
        world.sandbox.faults().set(Fault::PortSilent);
        assert!(canceller.cancel_unless(std::future::pending()).await.expect("cancelled"));
    };
    let (slept, ()) = tokio::join!(sleep, cancel);
    assert_eq!(slept.expect_err("it was cancelled").kind, Kind::Cancelled);
    assert!(!canceller.is_ready(), "it was used");
    world.sandbox.faults().clear(&Fault::PortSilent);
    standing.abort();
    // One that has ended leaves nothing behind; its wire goes with it.
    let standing = tokio::spawn(canceller.clone().stand_by());
    while !canceller.is_ready() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.access.lines()[0].streams, 3);
    standing.abort();
    while canceller.is_ready() || world.access.lines()[0].streams > 2 {
        tokio::task::yield_now().await;
    }
    other.close().await;
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_is_forwarded_for_several_clients_at_once() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let mut forward = world.access.forward(&endpoint, &RouteChoice::Auto, 0, None).await.expect("forwarded");
    let port = forward.port();
    let again = world.access.forward(&endpoint, &RouteChoice::Auto, port, None).await.map(|_| ());
    assert_eq!(again.expect_err("the port is taken").kind, Kind::Local);
    let client = async {
        let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("accepted");
        socket.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await.expect("written");
        socket.read_u8().await.expect("an answer")
    };
    let clients = async {
        tokio::join!(client, async {
            let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("accepted");
            socket.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await.expect("written");
            socket.read_u8().await.expect("an answer")
        })
    };
    let answers = tokio::select! {
        ended = forward.serve() => panic!("{ended}"),
        answers = clients => answers,
    };
    assert_eq!(answers, (b'S', b'S'));
    // Its own figures: what another port to the same database does is none of them, though the line is one.
    let other = world.access.forward(&endpoint, &RouteChoice::Auto, 0, None).await.expect("forwarded");
    let [own, others] = world.access.forwards()[..] else { panic!("{:?}", world.access.forwards()) };
    assert_eq!((own.port, own.received, own.sent), (port, 2, 16));
    assert_eq!((others.port, others.streams, others.received, others.sent), (other.port(), 0, 0, 0));
    forward.close().await;
    assert_eq!(world.access.forwards(), [others]);
    other.close().await;
    world.access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_port_outlives_its_session() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let mut forward = world.access.forward(&endpoint, &RouteChoice::Auto, 0, None).await.expect("forwarded");
    let (port, first) = (forward.port(), forward.report().ssm_session);
    let taken = world.access.forward(&endpoint, &RouteChoice::Auto, port, None).await.map(|_| ()).expect_err("taken");
    let us = format!("process {} ", std::process::id());
    assert!(taken.because.iter().any(|because| because.contains(&us)), "{taken}");

    let (news, mut told) = tokio::sync::mpsc::unbounded_channel();
    forward.tell(news);
    let client = async {
        let mut lost = greeted(port).await;
        world.sandbox.faults().set(Fault::SessionEnded);
        let Some(ForwardNews::Trouble(loss)) = told.recv().await else { panic!("the loss is told") };
        assert_eq!(loss.kind, Kind::TunnelLost, "{loss}");
        assert!(loss.because.iter().any(|because| because.contains("terminated due to inactivity")), "{loss}");
        assert!(loss.because.iter().any(|because| because.contains("the connection on it is lost")), "{loss}");
        assert!(lost.read(&mut [0]).await.map_or(true, |count| count == 0), "what was on it has ended");
        assert!(world.sandbox.sessions().live().is_empty(), "no session before somebody wants one");
        // Several at once share the new one.
        tokio::join!(greeted(port), greeted(port));
        let Some(ForwardNews::Mended(how)) = told.recv().await else { panic!("the new session is told") };
        assert!(how.contains("via bastion-a"), "{how}");
    };
    tokio::select! {
        last = forward.serve() => panic!("{last}"),
        () = client => {}
    }
    assert!(forward.report().ssm_session.is_some() && forward.report().ssm_session != first);
    assert_eq!(world.sandbox.sessions().live().len(), 1);
    forward.close().await;
    assert!(world.sandbox.sessions().live().is_empty());
    world.access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_on_the_way_leaves_no_session_at_aws() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let wish = wish(&endpoint, "oncall");
    let until_there_is_one = async |steps: &mut tokio::sync::mpsc::UnboundedReceiver<_>, kind| {
        while let Some(gatepost::model::Step { kind: at, state }) = steps.recv().await {
            if at == kind && matches!(state, StepState::Begun(_)) {
                return;
            }
        }
    };
    // In the handshake, which an agent that is silent never ends; and while StartSession is under way.
    world.sandbox.faults().set(Fault::AgentSilent);
    for kind in [StepKind::Handshake, StepKind::Session] {
        let access = world.door(|_| {});
        let (steps, mut told) = tokio::sync::mpsc::unbounded_channel();
        tokio::select! {
            biased;
            connected = access.connect(&wish, Some(steps)) => panic!("connected: {}", connected.is_ok()),
            () = until_there_is_one(&mut told, kind) => {}
        }
        access.close().await;
        assert!(world.sandbox.sessions().live().is_empty(), "left in {kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_says_read_only_as_long_as_it_is() {
    let world = World::new().await;
    let endpoint = world.endpoint("orders-prod").await;
    let wish = gatepost::access::Wish { read_only: true, ..wish(&endpoint, "oncall") };
    let mut session = world.access.connect(&wish, None).await.expect("connected");
    assert!(session.facts().read_only);
    // As a function could that nobody sees through.
    value(&mut session, "select set_config('default_' || 'transaction_read_only', 'off', false)").await;
    let refused = rows(&mut session, "create table never_made (a int)").await.expect_err("refused");
    assert_eq!(refused.code.as_deref(), Some("25006"), "each text is sent as read-only: {refused}");
    assert!(session.facts().read_only, "and that is what it says");
    rows(&mut session, "reset all").await.expect("runs");
    assert!(session.facts().read_only);
    session.close().await;
    world.access.close().await;
}

/// A connection over which the gate has said that it speaks TLS.
async fn greeted(port: u16) -> tokio::net::TcpStream {
    let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("accepted");
    socket.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await.expect("written");
    assert_eq!(socket.read_u8().await.expect("an answer"), b'S');
    socket
}
