//! The native client against the sandbox's service and agent, with a real PostgreSQL behind its gates: opening, streams,
//! both kinds of cut, and every way in which the other side says no.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use gatepost::sandbox::aws::session_door::StartSession;
use gatepost::sandbox::{self, Fault, Sandbox, keys};
use gatepost::ssm::{Account, Answer, Ended, Error, Grant, Headers, Health, Network, Options, Refusal, Retry, Tunnel};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const BASTION: &str = "i-0b2f61a54d1c9e083";
const WRITER: &str = "orders-prod.cluster-c9akciq32xyz.eu-west-1.rds.amazonaws.com";
/// SSLRequest (PostgreSQL, "Message Formats"); the answer is one byte.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

struct Doors(gatepost::sandbox::sessions::Sessions);

impl Account for Doors {
    fn resume<'a>(&'a self, session_id: &'a str) -> Answer<'a, Grant> {
        Box::pin(async move {
            let begun = self.0.resume(session_id);
            let begun = begun.ok_or(Refusal { reason: "the session has ended".to_owned(), retry: Retry::Never })?;
            Ok(Grant { session_id: begun.session_id, stream_url: begun.stream_url, token: begun.token.into() })
        })
    }

    fn sign<'a>(&'a self, url: &'a str) -> Answer<'a, Headers> {
        Box::pin(async move {
            let token = Some(keys::SESSION_TOKEN.into());
            let identity = Credentials::new(keys::ACCESS_KEY_ID, keys::SECRET_ACCESS_KEY, token, None, "test").into();
            let parameters = v4::SigningParams::builder()
                .identity(&identity)
                .region(keys::REGION)
                .name("ssmmessages")
                .time(SystemTime::now())
                .settings(SigningSettings::default())
                .build()
                .expect("all is given");
            let signable =
                SignableRequest::new("GET", url, std::iter::empty(), SignableBody::Bytes(&[])).expect("a request");
            let (instructions, _) = sign(signable, &parameters.into()).expect("signed").into_parts();
            Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        })
    }

    fn terminate<'a>(&'a self, session_id: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            self.0.terminate(session_id);
            Ok(())
        })
    }
}

async fn sandbox() -> Sandbox {
    Sandbox::start(sandbox::Options { events: false, ..sandbox::Options::default() }).await.expect("a sandbox")
}

async fn open(sandbox: &Sandbox) -> Result<Tunnel, Error> {
    let one = |text: &str| vec![text.to_owned()];
    let asked = StartSession {
        region: keys::REGION.to_owned(),
        target: BASTION.to_owned(),
        document: "AWS-StartPortForwardingSessionToRemoteHost".to_owned(),
        parameters: BTreeMap::from([
            ("host".to_owned(), one(WRITER)),
            ("portNumber".to_owned(), one("5432")),
            ("localPortNumber".to_owned(), one("0")),
        ]),
        reason: None,
    };
    let begun = sandbox.sessions().start(asked).expect("a session");
    let grant = Grant { session_id: begun.session_id, stream_url: begun.stream_url, token: begun.token.into() };
    let options = Options {
        network: Network { timeout: Duration::from_secs(10), ..Network::default() },
        open_timeout: Duration::from_secs(20),
        ..Options::default()
    };
    Tunnel::open(grant, Arc::new(Doors(sandbox.sessions().clone())), options).await.map(|(tunnel, _)| tunnel)
}

/// A stream on which the gate has said that it speaks TLS.
async fn greeted(tunnel: &Tunnel) -> io::Result<()> {
    let mut stream = tunnel.stream().expect("the tunnel is open");
    stream.write_all(&SSL_REQUEST).await?;
    let mut answer = [0];
    stream.read_exact(&mut answer).await?;
    assert_eq!(answer, *b"S");
    Ok(())
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_opens_carries_streams_survives_cuts_and_leaves_nothing_behind() {
    let sandbox = sandbox().await;
    let tunnel = open(&sandbox).await.expect("a tunnel");
    for answer in futures_util::future::join_all((0..50).map(|_| greeted(&tunnel))).await {
        answer.expect("a greeting");
    }
    for fault in [Fault::SocketCut, Fault::SocketReset, Fault::SocketCut] {
        let before = tunnel.figures().resumes;
        sandbox.faults().set(fault);
        while tunnel.figures().resumes == before {
            greeted(&tunnel).await.expect("a greeting in the middle of a cut");
        }
        greeted(&tunnel).await.expect("a greeting after it");
    }
    until("it is up again", || matches!(tunnel.health(), Health::Up)).await;
    assert_eq!(sandbox.sessions().live().len(), 1);
    tunnel.close().await;
    assert!(sandbox.sessions().live().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_no_is_told_apart() {
    let sandbox = sandbox().await;

    sandbox.faults().set(Fault::PortClosed);
    let tunnel = open(&sandbox).await.expect("a tunnel, though the port behind it is closed");
    assert_eq!(greeted(&tunnel).await.expect_err("no port").kind(), io::ErrorKind::ConnectionRefused);
    sandbox.faults().clear(&Fault::PortClosed);
    greeted(&tunnel).await.expect("the port is open again");

    sandbox.faults().set(Fault::SessionEnded);
    loop {
        if let Health::Closed(ended) = tunnel.changed().await {
            assert!(matches!(ended, Ended::ByService(_)), "{ended:?}");
            break;
        }
    }
    drop(tunnel);

    sandbox.faults().set(Fault::HostUnknown);
    let error = open(&sandbox).await.expect_err("no such host");
    assert!(matches!(&error, Error::Ended(Ended::ByService(reason)) if reason.contains("no such host")), "{error:?}");
    sandbox.faults().clear(&Fault::HostUnknown);

    sandbox.faults().set(Fault::SocketRefused);
    let error = open(&sandbox).await.expect_err("refused");
    assert!(matches!(error, Error::Upgrade { .. } | Error::Dial(_)), "{error:?}");
    sandbox.faults().clear(&Fault::SocketRefused);

    until("nothing is left open", || sandbox.sessions().live().is_empty()).await;
}
