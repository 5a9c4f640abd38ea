//! From a wire to verified TLS, over an in-process wire against real TLS ends: what is refused, what is told of it, and
//! what never is sent.

#[path = "support/authority.rs"]
mod authority;

use authority::{Authority, Leaf};
use gatepost::db::{Credential, Error, Login, Roots, Secured, inspect, secure};
use gatepost::model::{Allowed, Happening, Secret};
use native_tls::{Protocol, TlsAcceptor};
use std::io;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

const HOST: &str = "orders-prod.cluster-c9.eu-west-1.rds.amazonaws.com";
const VALID: (i32, i32) = (2020, 2100);

fn roots(authority: &Authority) -> Roots {
    Roots::new(&[("test.pem".to_owned(), authority.pem().as_bytes().to_vec())]).expect("roots")
}

/// What a server read before TLS, and through it until the client left.
struct Heard {
    asked: Vec<u8>,
    inside: Vec<u8>,
}

/// A server that answers SSLRequest with `answer` and then, if that begins with `S`, speaks TLS.
fn server(leaf: &Leaf, answer: &[u8], at_most: Option<Protocol>) -> (DuplexStream, JoinHandle<Heard>) {
    let (ours, mut theirs) = duplex(16 * 1024);
    let acceptor = TlsAcceptor::builder(leaf.identity()).max_protocol_version(at_most).build().expect("an acceptor");
    let answer = answer.to_vec();
    let task = tokio::spawn(async move {
        let mut heard = Heard { asked: vec![0; 8], inside: Vec::new() };
        theirs.read_exact(&mut heard.asked).await.expect("SSLRequest");
        theirs.write_all(&answer).await.expect("the client waits");
        if answer.first() == Some(&b'S') {
            if let Ok(mut stream) = tokio_native_tls::TlsAcceptor::from(acceptor).accept(theirs).await {
                let _ = stream.read_to_end(&mut heard.inside).await;
            }
        } else {
            let _ = theirs.shutdown().await;
            let _ = theirs.read_to_end(&mut heard.inside).await;
        }
        heard
    });
    (ours, task)
}

async fn refused(leaf: &Leaf, roots: &Roots) -> Error {
    let (wire, task) = server(leaf, b"S", None);
    let error = secure(Box::new(wire), HOST, roots).await.err().expect("refused");
    let heard = task.await.expect("no panic");
    assert_eq!(heard.asked, [0, 0, 0, 8, 4, 210, 22, 47]);
    assert!(heard.inside.is_empty(), "nothing is said to a server that did not prove itself");
    error
}

#[tokio::test]
async fn a_good_certificate_is_taken_and_told() {
    let authority = Authority::new("Amazon RDS eu-west-1 Root CA test");
    let leaf = authority.leaf(&[HOST, "other.example.com"], VALID);
    let (wire, _task) = server(&leaf, b"S", None);
    let secured = secure(Box::new(wire), HOST, &roots(&authority)).await.expect("verified");
    let facts = secured.facts();
    // native-tls's servers speak 1.2 at most; 1.3 is tried against PostgreSQL in db_session.rs.
    assert_eq!((facts.version.as_str(), facts.subject.as_str()), ("1.2", HOST));
    assert_eq!(facts.issuer, "Amazon RDS eu-west-1 Root CA test");
    assert_eq!(facts.names, [HOST, "other.example.com"]);
    assert!(facts.begins < Some(SystemTime::now()) && facts.ends > Some(SystemTime::now()));
}

#[tokio::test]
async fn wildcards_and_addresses_are_names() {
    let authority = Authority::new("test");
    for (name, host, good) in [
        ("*.eu-west-1.rds.amazonaws.com", "a.eu-west-1.rds.amazonaws.com", true),
        ("*.eu-west-1.rds.amazonaws.com", "a.b.eu-west-1.rds.amazonaws.com", false),
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "127.0.0.2", false),
        ("localhost", "127.0.0.1", false),
    ] {
        let (wire, _task) = server(&authority.leaf(&[name], VALID), b"S", None);
        let outcome = secure(Box::new(wire), host, &roots(&authority)).await.map(|_| ());
        match outcome {
            Ok(()) => assert!(good, "{name} for {host}"),
            Err(error) => assert!(!good && matches!(error, Error::WrongName(_)), "{name} for {host}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let (known, unknown) = (Authority::new("known"), Authority::new("unknown"));
    let error = refused(&unknown.leaf(&[HOST], VALID), &roots(&known)).await;
    assert!(matches!(error, Error::UnknownIssuer(_)), "{error:?}");
    // The embedded roots alone do not know it either.
    let error = refused(&unknown.leaf(&[HOST], VALID), &Roots::new(&[]).expect("roots")).await;
    assert!(matches!(error, Error::UnknownIssuer(_)), "{error:?}");
    // An authority of the same name is not that authority.
    let error = refused(&Authority::new("known").leaf(&[HOST], VALID), &roots(&known)).await;
    assert!(matches!(error, Error::UnknownIssuer(_) | Error::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn a_wrong_name_is_refused() {
    let authority = Authority::new("test");
    let error = refused(&authority.leaf(&["billing.c9.eu-west-1.rds.amazonaws.com"], VALID), &roots(&authority)).await;
    assert!(matches!(error, Error::WrongName(_)), "{error:?}");
}

#[tokio::test]
async fn wrong_dates_are_refused() {
    let authority = Authority::new("test");
    for years in [(2000, 2010), (2099, 2100)] {
        let error = refused(&authority.leaf(&[HOST], years), &roots(&authority)).await;
        assert!(matches!(error, Error::WrongDates(_)), "{error:?}");
    }
}

#[tokio::test]
async fn old_tls_is_refused() {
    let authority = Authority::new("test");
    let (wire, _task) = server(&authority.leaf(&[HOST], VALID), b"S", Some(Protocol::Tlsv11));
    let error = secure(Box::new(wire), HOST, &roots(&authority)).await.err().expect("refused");
    assert!(matches!(error, Error::Tls(_) | Error::Wire(_)), "{error:?}");
}

#[tokio::test]
async fn inspect_looks_and_says_nothing() {
    let unknown = Authority::new("somebody's own");
    let leaf = unknown.leaf(&["elsewhere.example.com"], (2000, 2010));
    let (wire, task) = server(&leaf, b"S", None);
    let facts = inspect(Box::new(wire), HOST).await.expect("it shows itself");
    assert_eq!(
        (facts.issuer.as_str(), &facts.names[..]),
        ("somebody's own", &["elsewhere.example.com".to_owned()][..])
    );
    assert!(facts.ends < Some(SystemTime::now()));
    assert_eq!(facts.version, "1.2");
    let heard = task.await.expect("the wire is dropped, so the server's end has ended");
    assert!(heard.inside.is_empty());
}

#[tokio::test]
async fn answers_that_are_not_yes() {
    let authority = Authority::new("test");
    let leaf = authority.leaf(&[HOST], VALID);
    let roots = roots(&authority);
    let ask = async |answer: &[u8]| {
        let (wire, task) = server(&leaf, answer, None);
        let error = secure(Box::new(wire), HOST, &roots).await.err().expect("refused");
        task.abort();
        error
    };
    assert!(matches!(ask(b"N").await, Error::TlsNotOffered));
    assert!(matches!(ask(b"").await, Error::Wire(error) if error.kind() == io::ErrorKind::UnexpectedEof));
    assert!(matches!(ask(b"SSH-2.0-OpenSSH").await, Error::Tls(words) if words.contains("unencrypted bytes")));
    assert!(matches!(ask(b"HTTP/1.1 400").await, Error::Wire(error) if error.kind() == io::ErrorKind::InvalidData));
    match ask(b"Esorry, too many clients already\n\0").await {
        Error::Server(error) => {
            assert_eq!(error.message, "sorry, too many clients already");
            assert!(error.detail.is_some_and(|detail| detail.contains("before TLS")));
        }
        other => panic!("{other:?}"),
    }
    match ask(b"E\0\0\0\x26SFATAL\0C53300\0Mtoo many clients\0\0\0").await {
        Error::Server(error) => {
            assert_eq!((error.code.as_str(), error.message.as_str()), ("53300", "too many clients"))
        }
        other => panic!("{other:?}"),
    }
}

fn credential() -> Credential {
    Credential::Password(Secret::new("the-token"), Allowed::default())
}

fn login() -> Login {
    Login {
        host: HOST.to_owned(),
        user: "oncall".to_owned(),
        database: "shop".to_owned(),
        read_only: true,
        statement_timeout: Duration::ZERO,
        lock_timeout: Duration::ZERO,
        application_name: "gatepost (test)".to_owned(),
    }
}

/// A verified wire and the server's end of it.
async fn pair() -> (Secured, tokio_native_tls::TlsStream<DuplexStream>) {
    let authority = Authority::new("test");
    let acceptor = TlsAcceptor::new(authority.leaf(&[HOST], VALID).identity()).expect("an acceptor");
    let (ours, mut theirs) = duplex(16 * 1024);
    let server = tokio::spawn(async move {
        theirs.read_exact(&mut [0; 8]).await.expect("SSLRequest");
        theirs.write_all(b"S").await.expect("the client waits");
        tokio_native_tls::TlsAcceptor::from(acceptor).accept(theirs).await.expect("TLS")
    });
    let secured = secure(Box::new(ours), HOST, &roots(&authority)).await.expect("verified");
    (secured, server.await.expect("no panic"))
}

async fn startup(server: &mut tokio_native_tls::TlsStream<DuplexStream>) -> String {
    let length = server.read_u32().await.expect("a length");
    let mut body = vec![0; length as usize - 4];
    server.read_exact(&mut body).await.expect("a start-up message");
    String::from_utf8_lossy(&body).into_owned()
}

#[tokio::test]
async fn what_a_login_says_and_when() {
    let (secured, mut server) = pair().await;
    let server = tokio::spawn(async move {
        let said = startup(&mut server).await;
        assert!(said.contains("user\0oncall\0") && said.contains("database\0shop\0"), "{said}");
        assert!(said.contains("options\0-c default_transaction_read_only=on\0"), "{said}");
        assert!(said.contains("client_encoding\0UTF8\0") && !said.contains("the-token"), "{said}");
        // AuthenticationCleartextPassword
        server.write_all(b"R\0\0\0\x08\0\0\0\x03").await.expect("the client waits");
        let mut password = [0; 15];
        server.read_exact(&mut password).await.expect("a password");
        assert_eq!(&password, b"p\0\0\0\x0ethe-token\0");
        let refusal = b"SFATAL\0C28000\0MPAM authentication\0\0";
        server.write_all(&[b'E', 0, 0, 0, refusal.len() as u8 + 4]).await.expect("the client waits");
        server.write_all(refusal).await.expect("the client waits");
    });
    match secured.login(&login(), &credential()).await.err() {
        Some(Error::Server(error)) => {
            assert_eq!((error.code.as_str(), error.message.as_str()), ("28000", "PAM authentication"));
        }
        other => panic!("{other:?}"),
    }
    server.await.expect("no panic");
}

#[tokio::test]
async fn logins_that_cannot_be() {
    for (answer, words) in [
        (&b"R\0\0\0\x08\0\0\0\x07"[..], "Kerberos"),
        (b"R\0\0\0\x08\0\0\0\x09", "SSPI"),
        (b"R\0\0\0\x14\0\0\0\x0aOAUTHBEARE\0\0", "SASL mechanism"),
    ] {
        let (secured, mut server) = pair().await;
        let server = tokio::spawn(async move {
            startup(&mut server).await;
            server.write_all(answer).await.expect("the client waits");
            let mut rest = Vec::new();
            let _ = server.read_to_end(&mut rest).await;
            rest
        });
        match secured.login(&login(), &credential()).await.err() {
            Some(Error::Unsupported(said)) => assert!(said.contains(words), "{said}"),
            other => panic!("{other:?}"),
        }
        assert!(server.await.expect("no panic").is_empty());
    }
    let (secured, server) = pair().await;
    drop(server);
    assert!(matches!(secured.login(&login(), &credential()).await.err(), Some(Error::Wire(_))));
}

/// RDS Proxy refuses options: there the settings come after the login.
#[tokio::test]
async fn a_proxy_is_sent_no_options() {
    const PROXY: &str = "orders-proxy.proxy-c9.eu-west-1.rds.amazonaws.com";
    let authority = Authority::new("test");
    let acceptor = TlsAcceptor::new(authority.leaf(&[PROXY], VALID).identity()).expect("an acceptor");
    let (ours, mut theirs) = duplex(16 * 1024);
    let server = tokio::spawn(async move {
        theirs.read_exact(&mut [0; 8]).await.expect("SSLRequest");
        theirs.write_all(b"S").await.expect("the client waits");
        let mut server = tokio_native_tls::TlsAcceptor::from(acceptor).accept(theirs).await.expect("TLS");
        assert!(!startup(&mut server).await.contains("options"));
        server.write_all(b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x07\0\0\0\x09Z\0\0\0\x05I").await.expect("greeting");
        let said = query(&mut server).await;
        server.write_all(b"C\0\0\0\x08SET\0C\0\0\0\x08SET\0Z\0\0\0\x05I").await.expect("the client waits");
        (said, server)
    });
    let secured = secure(Box::new(ours), PROXY, &roots(&authority)).await.expect("verified");
    let right = Login { host: PROXY.to_owned(), statement_timeout: Duration::from_micros(1), ..login() };
    assert_eq!(secured.host(), PROXY);
    let session = secured.login(&right, &credential()).await.expect("login");
    let (said, _server) = server.await.expect("no panic");
    assert_eq!(said, "SET default_transaction_read_only = on;SET statement_timeout = 1\0");
    drop(session);
}

#[tokio::test]
async fn a_secret_is_for_one_name() {
    let (secured, mut server) = pair().await;
    let elsewhere = Login { host: "elsewhere.example.com".to_owned(), ..login() };
    assert!(matches!(secured.login(&elsewhere, &credential()).await.err(), Some(Error::Unsupported(_))));
    let mut rest = Vec::new();
    let _ = server.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}

async fn query(server: &mut tokio_native_tls::TlsStream<DuplexStream>) -> String {
    assert_eq!(server.read_u8().await.expect("a query"), b'Q');
    let length = server.read_u32().await.expect("a length");
    let mut query = vec![0; length as usize - 4];
    server.read_exact(&mut query).await.expect("a query");
    String::from_utf8(query).expect("text")
}

/// What stands between may swallow start-up options; read-only is then asked for again, and checked.
#[tokio::test]
async fn read_only_is_insisted_on() {
    let (secured, mut server) = pair().await;
    let server = tokio::spawn(async move {
        startup(&mut server).await;
        server.write_all(b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x07\0\0\0\x09Z\0\0\0\x05I").await.expect("greeting");
        assert_eq!(query(&mut server).await, "SET default_transaction_read_only = on\0");
        server.write_all(b"C\0\0\0\x08SET\0Z\0\0\0\x05I").await.expect("the client waits");
        server
    });
    let session = secured.login(&login(), &credential()).await.expect("login");
    assert_eq!(session.pid(), 7);
    assert!(!format!("{:?}", session.cancel_key()).contains('9'));
    server.await.expect("no panic");
}

/// A wire that ends, or talks nonsense, in the middle of a result.
#[tokio::test]
async fn a_wire_that_breaks_under_a_statement() {
    const COLUMNS: &[u8] = b"T\0\0\0\x1a\0\x01a\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0";
    const ROW: &[u8] = b"D\0\0\0\x0b\0\x01\0\0\0\x017";
    for (end, kind) in [
        (&b""[..], io::ErrorKind::UnexpectedEof),
        (b"D\0\0\0\x0b\0\x01\0", io::ErrorKind::UnexpectedEof),
        (b"D\0\0\0\x06\0\x02C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I", io::ErrorKind::InvalidData),
        (b"\0\0\0\0\0\0\0\0", io::ErrorKind::InvalidData),
        (b"3\0\0\0\x04Z\0\0\0\x05I", io::ErrorKind::InvalidData),
    ] {
        let (secured, mut server) = pair().await;
        let server = tokio::spawn(async move {
            startup(&mut server).await;
            server
                .write_all(b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x07\0\0\0\x09Z\0\0\0\x05I")
                .await
                .expect("greeting");
            query(&mut server).await;
            server.write_all(&[COLUMNS, ROW, end].concat()).await.expect("the client reads");
            server.shutdown().await.expect("the client is there");
            server
        });
        let login = Login { read_only: false, ..login() };
        let mut session = secured.login(&login, &credential()).await.expect("login");
        let mut running = session.run("select 7");
        let mut happened = Vec::new();
        while let Some(happening) = running.next().await {
            happened.push(happening);
        }
        drop(running);
        let _server = server.await.expect("no panic");
        // A length that cannot be makes the client refuse all that came with it.
        let refused = end.first() == Some(&0);
        assert!(refused || matches!(happened.first(), Some(Ok(Happening::Columns(_)))), "{happened:?}");
        match happened.pop() {
            Some(Err(Error::Wire(error))) => assert_eq!(error.kind(), kind, "{end:?}"),
            other => panic!("{end:?}: {other:?}"),
        }
        while session.idle().await.is_some() {}
        assert!(session.is_closed());
        let mut again = session.run("select 7");
        assert!(matches!(again.next().await, Some(Err(Error::Wire(_)))));
        assert!(again.next().await.is_none());
    }
}
