//! The sandbox's AWS as real clients see it: Amazon's SDKs and its signer over a real socket. Nothing of the house is used.

use aws_sdk_rds::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_rds::types::Filter;
use gatepost::sandbox::aws::session_door::{Begun, SessionDoor, StartRefused, StartSession};
use gatepost::sandbox::aws::{Server, serve, sigv4};
use gatepost::sandbox::cast::cast;
use gatepost::sandbox::clock::Clock;
use gatepost::sandbox::faults::{Fault, Faults};
use gatepost::sandbox::keys::{ACCESS_KEY_ID, OTHER_REGION, REGION, SECRET_ACCESS_KEY, SESSION_TOKEN};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BASTION_A: &str = "i-0b2f61a54d1c9e083";
const BASTION_OLD: &str = "i-0e4a7c2915bd08f36";

struct World {
    server: Server,
    clock: Clock,
    faults: Faults,
    /// Sessions that the door was asked for and did not end.
    open: Arc<Mutex<Vec<StartSession>>>,
}

async fn world() -> World {
    let (clock, faults) = (Clock::default(), Faults::default());
    let open: Arc<Mutex<Vec<StartSession>>> = Arc::default();
    let begun = || Begun {
        session_id: "oncall-0a1b2c3d4e5f60718".to_owned(),
        token: "a-token".to_owned(),
        stream_url:
            "wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/oncall-0a1b2c3d4e5f60718?role=publish_subscribe"
                .to_owned(),
    };
    let (starts, resumes, ends) = (open.clone(), open.clone(), open.clone());
    let door = SessionDoor {
        start: Arc::new(move |asked| {
            if asked.parameters.get("host").is_some_and(|host| host == &["169.254.169.254".to_owned()]) {
                return Err(StartRefused { code: "InvalidParameters", message: "not there".to_owned() });
            }
            starts.lock().expect("no test panics while it holds this").push(asked);
            Ok(begun())
        }),
        resume: Arc::new(move |_| {
            let is_open = !resumes.lock().expect("no test panics while it holds this").is_empty();
            is_open.then(begun)
        }),
        terminate: Arc::new(move |_| ends.lock().expect("no test panics while it holds this").pop().is_some()),
    };
    let server = serve(clock.clone(), faults.clone(), door).await.expect("a free port on loopback");
    World { server, clock, faults, open }
}

fn credentials(secret: &str) -> Credentials {
    Credentials::new(ACCESS_KEY_ID, secret, Some(SESSION_TOKEN.to_owned()), None, "test")
}

fn rds(world: &World, region: &str, secret: &str) -> aws_sdk_rds::Client {
    aws_sdk_rds::Client::from_conf(
        aws_sdk_rds::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials(secret))
            .endpoint_url(format!("http://{}", world.server.address))
            .retry_config(aws_sdk_rds::config::retry::RetryConfig::disabled())
            .build(),
    )
}

fn ssm(world: &World, secret: &str) -> aws_sdk_ssm::Client {
    aws_sdk_ssm::Client::from_conf(
        aws_sdk_ssm::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(credentials(secret))
            .endpoint_url(format!("http://{}", world.server.address))
            .retry_config(aws_sdk_ssm::config::retry::RetryConfig::disabled())
            .build(),
    )
}

fn sts(world: &World) -> aws_sdk_sts::Client {
    aws_sdk_sts::Client::from_conf(
        aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(credentials(SECRET_ACCESS_KEY))
            .endpoint_url(format!("http://{}", world.server.address))
            .retry_config(aws_sdk_sts::config::retry::RetryConfig::disabled())
            .build(),
    )
}

/// HTTP status, code and message with which a call was refused.
fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    outcome: Result<T, SdkError<E>>,
) -> (u16, String, String) {
    let error = outcome.expect_err("refused");
    let status = error.raw_response().expect("AWS answered").status().as_u16();
    (status, error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_pages_of_instances_join_to_the_cast() {
    let world = world().await;
    for region in [REGION, OTHER_REGION] {
        let rds = rds(&world, region, SECRET_ACCESS_KEY);
        let mut pages = rds.describe_db_instances().into_paginator().page_size(20).send();
        let mut sizes = Vec::new();
        let mut seen = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.expect("a page");
            sizes.push(page.db_instances().len());
            seen.extend(page.db_instances().iter().map(|one| one.db_instance_identifier().unwrap_or("?").to_owned()));
        }
        let all: Vec<&str> = cast().instances.iter().filter(|one| one.region == region).map(|one| one.id).collect();
        assert_eq!(seen, all);
        if region == REGION {
            assert_eq!(sizes[0], 20, "{sizes:?}");
            assert_eq!(sizes.len(), 2, "{sizes:?}");
        }
    }
    let rds = rds(&world, REGION, SECRET_ACCESS_KEY);
    let refused = refusal(rds.describe_db_instances().max_records(19).send().await);
    assert_eq!((refused.0, refused.1.as_str()), (400, "InvalidParameterValue"));
}

#[tokio::test]
async fn the_odd_states_look_as_they_do_at_aws() {
    let world = world().await;
    let rds = rds(&world, REGION, SECRET_ACCESS_KEY);
    let clusters = rds.describe_db_clusters().send().await.expect("clusters");
    let find = |id: &str| {
        clusters.db_clusters().iter().find(|one| one.db_cluster_identifier() == Some(id)).expect("in the cast")
    };
    let orders = find("orders-prod");
    assert_eq!(orders.endpoint(), Some("orders-prod.cluster-c9akciq32xyz.eu-west-1.rds.amazonaws.com"));
    assert_eq!(orders.db_subnet_group(), Some("prod-private"));
    assert_eq!(orders.iam_database_authentication_enabled(), Some(true));
    assert!(orders.master_user_secret().is_some_and(|secret| secret.secret_arn().is_some()));
    let roles: Vec<bool> =
        orders.db_cluster_members().iter().map(|one| one.is_cluster_writer() == Some(true)).collect();
    assert_eq!(roles, [true, false, false]);
    assert_eq!(find("inventory-dev").endpoint(), None);
    assert_eq!(find("search-graph").engine(), Some("neptune"));
    assert_eq!(find("identity").domain_memberships()[0].fqdn(), Some("corp.example.com"));

    let instance = |id: &'static str| {
        let call = rds.describe_db_instances().db_instance_identifier(id);
        async move { call.send().await.expect("it is there").db_instances()[0].clone() }
    };
    let ledger = instance("ledger").await;
    assert_eq!(ledger.iam_database_authentication_enabled(), Some(false));
    let pending = ledger.pending_modified_values().expect("always said for an instance");
    assert_eq!(pending.iam_database_authentication_enabled(), Some(true));
    assert_eq!(ledger.db_subnet_group().and_then(|group| group.vpc_id()), Some("vpc-0a1c7be04d2f9e6a3"));
    assert!(ledger.certificate_details().is_some_and(|details| details.valid_till().is_some()));
    assert!(instance("inventory-dev-1").await.endpoint().is_none());
    assert_eq!(instance("billing-replica").await.read_replica_source_db_instance_identifier(), Some("billing"));
    assert_eq!(instance("reports").await.publicly_accessible(), Some(true));

    let scratchpad = self::rds(&world, OTHER_REGION, SECRET_ACCESS_KEY)
        .describe_db_clusters()
        .db_cluster_identifier("scratchpad")
        .send()
        .await
        .expect("it is there");
    assert_eq!(scratchpad.db_clusters()[0].internet_access_gateway_enabled(), Some(true));
    assert_eq!(scratchpad.db_clusters()[0].db_subnet_group(), None);

    let proxies = rds.describe_db_proxies().send().await.expect("proxies");
    assert_eq!(proxies.db_proxies()[0].require_tls(), Some(true));
    let endpoints =
        rds.describe_db_cluster_endpoints().db_cluster_identifier("orders-prod").send().await.expect("three");
    let kinds: Vec<_> = endpoints.db_cluster_endpoints().iter().filter_map(|one| one.endpoint_type()).collect();
    assert_eq!(kinds, ["WRITER", "READER", "CUSTOM"]);
    let missing = rds.describe_db_clusters().db_cluster_identifier("nobody").send().await.expect_err("not there");
    assert!(missing.into_service_error().is_db_cluster_not_found_fault());
    let missing = rds.describe_db_instances().db_instance_identifier("nobody").send().await.expect_err("not there");
    assert!(missing.into_service_error().is_db_instance_not_found_fault());
}

#[tokio::test]
async fn filters_leave_out_the_rest() {
    let world = world().await;
    let rds = rds(&world, REGION, SECRET_ACCESS_KEY);
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let docdb = rds.describe_db_clusters().filters(filter("engine", "docdb")).send().await.expect("filtered");
    assert_eq!(docdb.db_clusters().len(), 1);
    let arn = "arn:aws:rds:eu-west-1:123456789012:cluster:orders-prod";
    let members = rds.describe_db_instances().filters(filter("db-cluster-id", arn)).send().await.expect("filtered");
    assert_eq!(members.db_instances().len(), 3);
    let joined = rds.describe_db_instances().filters(filter("domain", "d-93672b41c8")).send().await.expect("filtered");
    assert_eq!(joined.db_instances().len(), 3);
    let unknown = refusal(rds.describe_db_clusters().filters(filter("colour", "red")).send().await);
    assert_eq!(unknown.1, "InvalidParameterValue");
}

#[tokio::test]
async fn a_wrong_secret_and_a_wrong_clock_are_refused() {
    let world = world().await;
    let wrong = refusal(rds(&world, REGION, "another/secret").describe_db_clusters().send().await);
    assert_eq!((wrong.0, wrong.1.as_str()), (403, "SignatureDoesNotMatch"));
    let wrong = refusal(ssm(&world, "another/secret").describe_instance_information().send().await);
    assert_eq!((wrong.0, wrong.1.as_str()), (400, "InvalidSignatureException"));

    world.clock.advance(400);
    let stale = refusal(rds(&world, REGION, SECRET_ACCESS_KEY).describe_db_clusters().send().await);
    assert_eq!((stale.0, stale.1.as_str()), (403, "SignatureDoesNotMatch"));
    assert!(stale.2.starts_with("Signature expired: "), "{}", stale.2);
    world.clock.advance(-800);
    let early = refusal(ssm(&world, SECRET_ACCESS_KEY).describe_instance_information().send().await);
    assert!(early.2.starts_with("Signature not yet current: "), "{}", early.2);
    world.clock.advance(400);
    rds(&world, REGION, SECRET_ACCESS_KEY).describe_db_clusters().send().await.expect("on time again");
}

#[tokio::test]
async fn faults_are_refusals_in_awss_words_until_they_are_off() {
    let world = world().await;
    let (ireland, virginia) = (rds(&world, REGION, SECRET_ACCESS_KEY), rds(&world, OTHER_REGION, SECRET_ACCESS_KEY));
    let ssm = ssm(&world, SECRET_ACCESS_KEY);
    let with = |fault: &str| {
        let fault = Fault::parse(fault).expect("a fault");
        world.faults.set(fault.clone());
        fault
    };

    let fault = with("denied:rds:DescribeDBClusters");
    let denied = refusal(ireland.describe_db_clusters().db_cluster_identifier("orders-prod").send().await);
    assert_eq!((denied.0, denied.1.as_str()), (403, "AccessDenied"));
    assert!(
        denied.2.starts_with(
            "User: arn:aws:sts::123456789012:assumed-role/prod-admin/oncall is not authorized to perform: \
             rds:DescribeDBClusters on resource: arn:aws:rds:eu-west-1:123456789012:cluster:orders-prod because"
        ),
        "{}",
        denied.2
    );
    ireland.describe_db_instances().send().await.expect("another action is allowed");
    assert!(world.faults.clear(&fault));

    let fault = with("denied:ssm:StartSession");
    let denied = refusal(ssm.start_session().target(BASTION_A).send().await);
    assert_eq!((denied.0, denied.1.as_str()), (400, "AccessDeniedException"));
    assert!(denied.2.contains(&format!("instance/{BASTION_A}")), "{}", denied.2);
    world.faults.clear(&fault);

    let fault = with("region-refused:us-east-1");
    assert_eq!(refusal(virginia.describe_db_clusters().send().await).1, "InvalidClientTokenId");
    ireland.describe_db_clusters().send().await.expect("the other region answers");
    world.faults.clear(&fault);

    let fault = with("expired-login");
    assert_eq!(refusal(ireland.describe_db_clusters().send().await).1, "ExpiredToken");
    assert_eq!(refusal(ssm.describe_instance_information().send().await).1, "ExpiredTokenException");
    assert_eq!(refusal(sts(&world).get_caller_identity().send().await).1, "ExpiredToken");
    world.faults.clear(&fault);

    let fault = with("throttled");
    assert_eq!(refusal(ireland.describe_db_clusters().send().await).1, "Throttling");
    assert_eq!(refusal(ssm.describe_instance_information().send().await).1, "ThrottlingException");
    world.faults.clear(&fault);
    ireland.describe_db_clusters().send().await.expect("no fault is on");
}

#[tokio::test]
async fn nodes_come_in_pages_and_follow_the_faults() {
    let world = world().await;
    let ssm = ssm(&world, SECRET_ACCESS_KEY);
    let nodes = || async {
        let mut pages = ssm.describe_instance_information().into_paginator().send();
        let (mut count, mut seen) = (0, Vec::new());
        while let Some(page) = pages.next().await {
            count += 1;
            seen.extend(page.expect("a page").instance_information_list().to_vec());
        }
        (count, seen)
    };
    let (pages, seen) = nodes().await;
    assert_eq!((pages, seen.len()), (2, 3));
    let online: BTreeSet<&str> = seen
        .iter()
        .filter(|node| node.ping_status().is_some_and(|status| status.as_str() == "Online"))
        .filter_map(|node| node.instance_id())
        .collect();
    assert!(online.contains(BASTION_A) && !online.contains(BASTION_OLD), "{online:?}");

    world.faults.set(Fault::BastionOffline);
    assert!(
        nodes().await.1.iter().all(|node| node.ping_status().is_some_and(|status| status.as_str() == "ConnectionLost"))
    );
    let status = ssm.get_connection_status().target(BASTION_A).send().await.expect("a status");
    assert_eq!(status.status().map(|status| status.as_str()), Some("notconnected"));
    let refused = ssm.start_session().target(BASTION_A).send().await.expect_err("offline").into_service_error();
    assert!(refused.is_target_not_connected(), "{refused:?}");
    world.faults.clear(&Fault::BastionOffline);
    world.faults.set(Fault::AgentOld);
    assert!(nodes().await.1.iter().all(|node| node.agent_version() == Some("3.1.1080.0")));
}

#[tokio::test]
async fn sessions_go_through_the_door() {
    let world = world().await;
    let ssm = ssm(&world, SECRET_ACCESS_KEY);
    let start = |host: &str, port: &str| {
        ssm.start_session()
            .target(BASTION_A)
            .document_name("AWS-StartPortForwardingSessionToRemoteHost")
            .reason("oncall: orders-prod")
            .parameters("host", vec![host.to_owned()])
            .parameters("portNumber", vec![port.to_owned()])
            .parameters("localPortNumber", vec!["0".to_owned()])
            .send()
    };
    let begun = start("db.example", "5432").await.expect("started");
    assert_eq!(begun.token_value(), Some("a-token"));
    let id = begun.session_id().expect("an id").to_owned();
    {
        let open = world.open.lock().expect("no test panics while it holds this");
        assert_eq!(open[0].reason.as_deref(), Some("oncall: orders-prod"));
        assert_eq!(open[0].parameters["host"], ["db.example"]);
        assert_eq!(open[0].region, REGION);
    }
    let resumed = ssm.resume_session().session_id(&id).send().await.expect("open");
    assert_eq!(resumed.token_value(), Some("a-token"));
    ssm.terminate_session().session_id(&id).send().await.expect("ended");
    let resumed = ssm.resume_session().session_id(&id).send().await.expect("AWS calls it a success");
    assert_eq!((resumed.token_value(), resumed.session_id()), (None, Some(id.as_str())));

    assert_eq!(refusal(start("db.example", "70000").await).1, "InvalidParameters");
    assert_eq!(refusal(start("169.254.169.254", "80").await).1, "InvalidParameters");
    let unknown = ssm.start_session().target(BASTION_A).document_name("Nobody-Wrote-This").send().await;
    assert!(unknown.expect_err("no such document").into_service_error().is_invalid_document());
    let offline = ssm.start_session().target(BASTION_OLD).send().await.expect_err("offline").into_service_error();
    assert!(offline.is_target_not_connected());
}

#[tokio::test]
async fn the_caller_is_known() {
    let world = world().await;
    let identity = sts(&world).get_caller_identity().send().await.expect("a caller");
    assert_eq!(identity.account(), Some("123456789012"));
    assert_eq!(identity.arn(), Some("arn:aws:sts::123456789012:assumed-role/prod-admin/oncall"));
}

/// Signs with Amazon's signer; gives the headers to send besides `Host`.
fn signed(service: &str, method: &str, url: &str, body: &[u8], extra: &[(&str, &str)]) -> Vec<(String, String)> {
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    let identity = credentials(SECRET_ACCESS_KEY).into();
    let parameters = aws_sigv4::sign::v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .expect("all is given");
    let request =
        SignableRequest::new(method, url, extra.iter().copied(), SignableBody::Bytes(body)).expect("signable");
    let (instructions, _) = sign(request, &parameters.into()).expect("signed").into_parts();
    let extra = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    extra.chain(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> (u16, String) {
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut socket = TcpStream::connect(address).await.expect("it listens");
    socket.write_all(request.as_bytes()).await.expect("sent");
    socket.write_all(body).await.expect("sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("answered");
    let answer = String::from_utf8(answer).expect("text");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    (status, answer)
}

#[tokio::test]
async fn ec2_tells_where_bastions_are_and_what_groups_let_in() {
    let world = world().await;
    let address = world.server.address;
    let url = format!("http://{address}/");
    let ask = |body: &'static str| {
        let headers =
            signed("ec2", "POST", &url, body.as_bytes(), &[("content-type", "application/x-www-form-urlencoded")]);
        async move { send(address, "POST", "/", &headers, body.as_bytes()).await }
    };
    let (status, answer) =
        ask("Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3AName&Filter.1.Value.1=bastion-a").await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("<vpcId>vpc-0a1c7be04d2f9e6a3</vpcId>"), "{answer}");
    assert_eq!(answer.matches("<instanceId>").count(), 1);
    let (_, answer) = ask("Action=DescribeSecurityGroups&Version=2016-11-15&GroupId.1=sg-0db5c1ae77490f2d6").await;
    assert!(answer.contains("<fromPort>5432</fromPort>") && answer.contains("sg-0b7a51e93cd0248f6"), "{answer}");
    let (status, answer) = ask("Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-00000000000000000").await;
    assert_eq!(status, 400);
    assert!(answer.contains("<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>"), "{answer}");
}

#[tokio::test]
async fn what_was_changed_on_the_way_is_refused() {
    let world = world().await;
    let address = world.server.address;
    let url = format!("http://{address}/");
    let body = b"Action=DescribeDBProxies&Version=2014-10-31";
    let headers = signed("rds", "POST", &url, body, &[]);
    assert_eq!(send(address, "POST", "/", &headers, body).await.0, 200);
    let (status, answer) = send(address, "POST", "/", &headers, b"Action=DescribeDBClusters&Version=2014-10-31").await;
    assert_eq!(status, 403);
    assert!(answer.contains("<Code>SignatureDoesNotMatch</Code>"), "{answer}");
    let mut more = headers.clone();
    more.push(("x-amz-target".to_owned(), "AmazonSSM.StartSession".to_owned()));
    let (status, answer) = send(address, "POST", "/", &more, body).await;
    assert_eq!(status, 400);
    assert!(answer.contains("IncompleteSignatureException"), "{answer}");
    let other: Vec<_> = headers
        .iter()
        .map(|(name, value)| {
            (name.clone(), if name == "x-amz-security-token" { "another".to_owned() } else { value.clone() })
        })
        .collect();
    assert!(send(address, "POST", "/", &other, body).await.1.contains("<Code>InvalidClientTokenId</Code>"));
    let (status, answer) = send(address, "POST", "/", &[], body).await;
    assert_eq!(status, 403);
    assert!(answer.contains("<Code>MissingAuthenticationToken</Code>"), "{answer}");
}

#[tokio::test]
async fn a_presigned_query_is_good_until_it_ends_and_carries_no_body() {
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
    let world = world().await;
    let address = world.server.address;
    let identity = credentials(SECRET_ACCESS_KEY).into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(60));
    let parameters = aws_sigv4::sign::v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("sts")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .expect("all is given");
    let path = "/?Action=GetCallerIdentity&Version=2011-06-15";
    let url = format!("http://{address}{path}");
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(b"")).expect("signable");
    let (instructions, _) = sign(request, &parameters.into()).expect("signed").into_parts();
    let mut path = path.to_owned();
    for (name, value) in instructions.params() {
        path.push_str(&format!(
            "&{name}={}",
            percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC)
        ));
    }
    let (status, answer) = send(address, "GET", &path, &[], b"").await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("<Account>123456789012</Account>"), "{answer}");
    let smuggled = send(address, "GET", &path, &[], b"Action=AssumeRole").await;
    assert!(smuggled.1.contains("<Code>SignatureDoesNotMatch</Code>"), "{}", smuggled.1);
    world.clock.advance(61);
    let late = send(address, "GET", &path, &[], b"").await;
    assert!(late.0 == 403 && late.1.contains("Request has expired"), "{}", late.1);
}

#[tokio::test]
async fn the_dial_is_to_be_had_over_http() {
    let world = world().await;
    let address = world.server.address;
    assert_eq!(send(address, "PUT", "/sandbox/faults/denied:ssm:StartSession", &[], b"").await.0, 200);
    assert!(world.faults.is_on(&Fault::Denied("ssm:StartSession".to_owned())));
    assert!(send(address, "GET", "/sandbox/faults", &[], b"").await.1.ends_with("[\"denied:ssm:StartSession\"]\n"));
    assert_eq!(send(address, "PUT", "/sandbox/faults/nonsense", &[], b"").await.0, 400);
    assert_eq!(send(address, "DELETE", "/sandbox/faults/denied%3Assm%3AStartSession", &[], b"").await.0, 200);
    assert!(world.faults.all().is_empty());
    let before = world.clock.now();
    assert_eq!(send(address, "POST", "/sandbox/clock/advance/3600", &[], b"").await.0, 200);
    assert!(world.clock.now() >= before + Duration::from_secs(3600));
}

#[tokio::test]
async fn the_socket_closes_when_the_server_is_dropped() {
    let World { server, .. } = world().await;
    let address = server.address;
    let mut idle = TcpStream::connect(address).await.expect("it listens");
    drop(server);
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap_or(0), 0, "an open connection ends");
    assert!(TcpStream::connect(address).await.is_err());
}

/// `StreamUrl` has a query that no signer leaves alone in the same way.
#[test]
fn the_upgrade_of_a_web_socket_is_verified_with_a_raw_query() {
    let path = "/v1/data-channel/oncall-0a1b2c3d4e5f60718";
    let query = "role=publish_subscribe&cell-number=AAEAAb+/c2xk=";
    let host = "ssmmessages.eu-west-1.amazonaws.com";
    let mut headers = signed("ssmmessages", "GET", &format!("https://{host}{path}?{query}"), b"", &[]);
    headers.push(("Host".to_owned(), host.to_owned()));
    headers.push(("Upgrade".to_owned(), "websocket".to_owned()));
    let verify = |path: &str, query: &str, service: &str| {
        sigv4::verify_header("GET", path, query, &headers, sigv4::EMPTY_SHA256, service, &Clock::default())
    };
    let verified = verify(path, query, "ssmmessages").expect("Amazon's own signer");
    assert_eq!((verified.region.as_str(), verified.parameter("cell-number")), (REGION, Some("AAEAAb+/c2xk=")));
    assert_eq!(verify("/v1/data-channel/another", query, "ssmmessages"), Err(sigv4::Refusal::Mismatch));
    assert_eq!(verify(path, "role=publish_subscribe", "ssmmessages"), Err(sigv4::Refusal::Mismatch));
    assert!(matches!(verify(path, query, "ssm"), Err(sigv4::Refusal::WrongService { .. })));
}
