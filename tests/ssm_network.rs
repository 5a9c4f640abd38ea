//! The way to AWS as offices have it: proxies with passwords, TLS that somebody ends in between, authorities of one's own,
//! IPv6, hosts of VPC endpoints. Whole sessions go through it, with a real database behind. It must not know frames.

#[path = "support/authority.rs"]
mod authority;
#[path = "support/middle.rs"]
mod middle;
#[path = "support/world.rs"]
mod world;

use authority::Authority;
use gatepost::access::Access;
use gatepost::model::{AwsSettings, Diagnosis, Kind, Secret, Settings, StaticCredentials};
use gatepost::sandbox::aws::session_door::{Begun, SessionDoor};
use gatepost::sandbox::aws::{Server, serve};
use gatepost::sandbox::{Fault, Options, Sandbox, keys};
use middle::{Middle, loopback, nobody};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use world::{value, wish};

/// Names that only the proxy can resolve.
const API: &str = "aws.gatepost.test";
const VPC_ENDPOINT: &str = "vpce-0a1b2c3d4e5f60718-abcdefgh.ssmmessages.eu-west-1.vpce.amazonaws.test";
const FIPS: &str = "ssmmessages-fips.eu-west-1.amazonaws.test";
const YEARS: (i32, i32) = (2020, 2090);

/// A sandbox whose sessions are told to come another way.
struct Net {
    sandbox: Sandbox,
    aws: Server,
    folder: tempfile::TempDir,
}

impl Net {
    /// `way`: what stands for `ws://ADDRESS` in the stream URL of the first grant, of the second, and so on; the last one
    /// stands for all that follow.
    async fn new(sandbox: Sandbox, way: Vec<String>) -> Net {
        let door = sandbox.sessions().door();
        let (given, plain) = (Arc::new(AtomicUsize::new(0)), format!("ws://{}", sandbox.sessions().address()));
        let redirect = Arc::new(move |begun: Begun| {
            let at = given.fetch_add(1, Ordering::Relaxed).min(way.len() - 1);
            Begun { stream_url: begun.stream_url.replace(&plain, &way[at]), ..begun }
        });
        let (start, resume) = (Arc::clone(&redirect), redirect);
        let (start_behind, resume_behind) = (door.start, door.resume);
        let door = SessionDoor {
            start: Arc::new(move |asked| start_behind(asked).map(|begun| start(begun))),
            resume: Arc::new(move |id| resume_behind(id).map(|begun| resume(begun))),
            terminate: door.terminate,
        };
        let aws = serve(sandbox.clock().clone(), sandbox.faults().clone(), door).await.expect("a loopback port");
        Net { sandbox, aws, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn access(&self, change: impl FnOnce(&mut AwsSettings)) -> Access {
        let mut settings = Settings {
            aws: AwsSettings {
                regions: vec![keys::REGION.to_owned()],
                endpoint_url: Some(format!("http://{}", self.aws.address)),
                credentials: Some(StaticCredentials {
                    access_key_id: keys::ACCESS_KEY_ID.to_owned(),
                    secret_access_key: Secret::new(keys::SECRET_ACCESS_KEY),
                    session_token: Some(Secret::new(keys::SESSION_TOKEN)),
                }),
                ..AwsSettings::default()
            },
            ca_bundles: vec![self.sandbox.ca_bundle().to_owned()],
            state_dir: self.folder.path().join("state"),
            os_user: "tester".to_owned(),
            connect_timeout: Duration::from_secs(20),
            ..Settings::default()
        };
        change(&mut settings.aws);
        Access::new(settings).expect("good settings")
    }

    fn bundle(&self, authority: &Authority) -> Option<std::path::PathBuf> {
        let path = self.folder.path().join("bundle.pem");
        std::fs::write(&path, authority.pem()).expect("written");
        Some(path)
    }
}

async fn sandbox() -> Sandbox {
    Sandbox::start(Options { events: false, ..Options::default() }).await.expect("a sandbox")
}

/// A whole session: listed, opened, asked.
async fn whole(access: &Access) -> Result<(), Diagnosis> {
    let endpoint = access.find("orders-prod").await?.endpoint;
    let mut session = access.connect(&wish(&endpoint, "oncall"), None).await?;
    assert_eq!(value(&mut session, "select 6 * 7").await, "42");
    session.close().await;
    access.close().await;
    Ok(())
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// API and web socket behind TLS with an authority of their own, both through a proxy with a password; the proxy alone
/// knows the names. Granted to a VPC endpoint, resumed on a FIPS host: each is used and signed for as it stands there.
async fn through_a_proxy(encrypted: bool) {
    let sandbox = sandbox().await;
    let authority = Authority::new("office");
    let leaf = authority.leaf(&[API, VPC_ENDPOINT, FIPS, "localhost"], YEARS);
    let way = vec![format!("wss://{VPC_ENDPOINT}"), format!("wss://{FIPS}")];
    let data_channels = sandbox.sessions().address();
    let net = Net::new(sandbox, way).await;
    let heads = Middle::relay(loopback().await, data_channels).await;
    let api = Middle::front(leaf.identity(), net.aws.address).await;
    let channel = Middle::front(leaf.identity(), heads.address).await;
    let of = |host: &str| format!("{host}:443");
    let names = [(of(API), api.address), (of(VPC_ENDPOINT), channel.address), (of(FIPS), channel.address)];
    let names: Vec<(&str, SocketAddr)> = names.iter().map(|(name, address)| (name.as_str(), *address)).collect();
    let proxy = Middle::proxy(&names, Some("me@office:p:w/d"), encrypted.then(|| leaf.identity())).await;
    let scheme = if encrypted { "https" } else { "http" };
    let url = |password: &str| {
        Some(Secret::new(format!("{scheme}://me%40office:{password}@localhost:{}", proxy.address.port())))
    };
    let bundle = net.bundle(&authority);
    let access = net.access(|aws| {
        aws.endpoint_url = Some(format!("https://{API}"));
        aws.https_proxy = url("p%3Aw%2Fd");
        aws.ca_bundle = bundle.clone();
    });
    let endpoint = access.find("orders-prod").await.unwrap_or_else(|refused| panic!("{refused}")).endpoint;
    let mut session = access.connect(&wish(&endpoint, "oncall"), None).await.unwrap_or_else(|no| panic!("{no}"));
    assert_eq!(value(&mut session, "select 6 * 7").await, "42");
    net.sandbox.faults().set(Fault::SocketCut);
    until("it is resumed", || access.lines().first().is_some_and(|line| line.resumes == 1)).await;
    assert_eq!(value(&mut session, "select 7 * 7").await, "49");
    session.close().await;
    access.close().await;
    assert!(net.sandbox.sessions().live().is_empty());

    let asked = proxy.noted();
    for (name, _) in &names {
        assert!(asked.iter().any(|asked| asked == name), "{name} was asked for in {asked:?}");
    }
    let heads = heads.noted();
    assert_eq!(heads.len(), 2, "one dial, and one more");
    for (head, host) in heads.iter().zip([VPC_ENDPOINT, FIPS]) {
        assert!(head.to_ascii_lowercase().contains(&format!("host: {host}\r\n")), "{head}");
        assert!(head.contains("/eu-west-1/ssmmessages/aws4_request"), "{head}");
    }

    // A wrong password is told as what it is, and shown to nobody.
    let access = net.access(|aws| {
        aws.endpoint_url = Some(format!("https://{API}"));
        aws.https_proxy = url("wrong-word");
        aws.ca_bundle = bundle.clone();
    });
    let refused = whole(&access).await.expect_err("the proxy does not know this password");
    let words = refused.to_string();
    assert_eq!(refused.kind, Kind::AwsUnreachable, "{words}");
    assert!(words.contains("proxy") && words.contains("HTTPS_PROXY") && !words.contains("wrong-word"), "{words}");
    // The same where only the web socket goes through it: the API is on this machine.
    let access = net.access(|aws| {
        aws.https_proxy = url("wrong-word");
        aws.ca_bundle = bundle.clone();
    });
    let words = whole(&access).await.expect_err("the same").to_string();
    assert!(words.contains("407") && words.contains("HTTPS_PROXY") && !words.contains("wrong-word"), "{words}");
    until("nothing is left open", || net.sandbox.sessions().live().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_through_a_proxy_with_a_password() {
    through_a_proxy(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn and_through_one_that_is_itself_behind_tls() {
    through_a_proxy(true).await;
}

/// 0.0.0.0 leads to this machine and is none of the names that never go through a proxy.
#[tokio::test(flavor = "multi_thread")]
async fn no_proxy_is_honoured() {
    let sandbox = sandbox().await;
    let port = sandbox.sessions().address().port();
    let net = Net::new(sandbox, vec![format!("ws://0.0.0.0:{port}")]).await;
    let dead = Some(Secret::new(format!("http://{}", nobody().await)));
    let access = net.access(|aws| aws.http_proxy = dead.clone());
    let words = whole(&access).await.expect_err("the proxy is dead").to_string();
    assert!(words.contains("data channel"), "{words}");
    let access = net.access(|aws| {
        aws.http_proxy = dead.clone();
        aws.no_proxy = Some("intranet.example, 0.0.0.0".to_owned());
    });
    whole(&access).await.unwrap_or_else(|refused| panic!("{refused}"));

    // This machine itself is never asked for through a proxy, as with Go's ProxyFromEnvironment, and so with Amazon's own
    // client: nobody's proxy could know it.
    let sandbox = net.sandbox;
    let here = vec![format!("ws://localhost:{port}"), format!("ws://127.0.0.1:{port}")];
    let net = Net::new(sandbox, here).await;
    let access = net.access(|aws| (aws.http_proxy, aws.https_proxy) = (dead.clone(), dead));
    whole(&access).await.unwrap_or_else(|refused| panic!("{refused}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_ones_own_is_believed_with_the_bundle_and_refused_without() {
    let sandbox = sandbox().await;
    let authority = Authority::new("office");
    let leaf = authority.leaf(&["localhost"], YEARS);
    let front = Middle::front(leaf.identity(), sandbox.sessions().address()).await;
    let net = Net::new(sandbox, vec![format!("wss://localhost:{}", front.address.port())]).await;

    let words = whole(&net.access(|_| {})).await.expect_err("nobody knows this authority").to_string();
    assert!(words.contains("certificate") && words.contains("AWS_CA_BUNDLE"), "{words}");
    until("nothing is left open", || net.sandbox.sessions().live().is_empty()).await;

    let bundle = net.bundle(&authority);
    whole(&net.access(|aws| aws.ca_bundle = bundle)).await.unwrap_or_else(|refused| panic!("{refused}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_may_be_addresses_of_version_six() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        eprintln!("skipped: this machine has no ::1");
        return;
    };
    let sandbox = sandbox().await;
    let relay = Middle::relay(listener, sandbox.sessions().address()).await;
    let host = format!("[::1]:{}", relay.address.port());
    let net = Net::new(sandbox, vec![format!("ws://{host}")]).await;
    whole(&net.access(|_| {})).await.unwrap_or_else(|refused| panic!("{refused}"));
    let heads = relay.noted();
    assert!(heads.len() == 1 && heads[0].to_ascii_lowercase().contains(&format!("host: {host}\r\n")), "{heads:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_dial_is_signed_afresh_and_the_query_stays_as_it_was_given() {
    let sandbox = sandbox().await;
    let relay = Middle::relay(loopback().await, sandbox.sessions().address()).await;
    let net = Net::new(sandbox, vec![format!("ws://{}", relay.address)]).await;
    let access = net.access(|_| {});
    let endpoint = access.find("orders-prod").await.expect("listed").endpoint;
    let mut session = access.connect(&wish(&endpoint, "oncall"), None).await.unwrap_or_else(|no| panic!("{no}"));
    // Signatures have whole seconds.
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let first = second();
    until("the next second", || second() > first).await;
    net.sandbox.faults().set(Fault::SocketReset);
    until("it is resumed", || access.lines().first().is_some_and(|line| line.resumes == 1)).await;
    assert_eq!(value(&mut session, "select 6 * 7").await, "42");
    session.close().await;
    access.close().await;

    let heads = relay.noted();
    assert_eq!(heads.len(), 2);
    for head in &heads {
        let line = head.lines().next().expect("a request line");
        assert!(line.ends_with("?role=publish_subscribe&cell-number=AAEAAsandboxCell0+/= HTTP/1.1"), "{line}");
    }
    let header = |head: &str, name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name)).expect("a signed request");
        line.to_owned()
    };
    for name in ["x-amz-date:", "authorization:"] {
        assert_ne!(header(&heads[0], name), header(&heads[1], name), "{name} is made anew");
    }
}
