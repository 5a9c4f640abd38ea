//! The one function between TLS and ReadyForQuery: against a real PostgreSQL, with somebody between it and us, and against
//! scripted servers for what no honest one says.

#[path = "support/postgres.rs"]
mod postgres;

use gatepost::db::{CancelKey, Credential, Error, LoggedIn, Protocol, Roots, Secured, Startup, secure};
use gatepost::model::{Allowed, Authentication, Secret};
use native_tls::{Certificate, TlsAcceptor, TlsConnector};
use postgres::authority::Authority;
use postgres::{HOST, Postgres};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, copy_bidirectional, duplex};
use tokio::net::TcpStream;
use tokio_native_tls::TlsStream;

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

fn roots(pem: &str) -> Roots {
    Roots::new(&[("test.pem".to_owned(), pem.as_bytes().to_vec())]).expect("roots")
}

async fn secured(server: &Postgres) -> Secured {
    let wire = TcpStream::connect(("127.0.0.1", server.port())).await.expect("the server listens");
    secure(Box::new(wire), HOST, &roots(server.root())).await.expect("TLS stands")
}

fn password(text: &str) -> Credential {
    Credential::Password(Secret::new(text), Allowed::default())
}

fn only(text: &str, allowed: &[&str]) -> Credential {
    Credential::Password(Secret::new(text), Allowed::parse(allowed.iter().copied()).expect("known names"))
}

fn token() -> Credential {
    Credential::Token(Secret::new("the-token"))
}

/// A server with a role for each way to be asked (the test support's pg_hba.conf goes by the role's name).
fn server() -> &'static Postgres {
    static READY: OnceLock<()> = OnceLock::new();
    let server = Postgres::shared();
    READY.get_or_init(|| {
        let sql = "create role clear login password 'c:1'; create role scram login password 'p:\\w';
            set password_encryption = 'md5'; create role hashed login password 'm'";
        let made = psql(server, "postgres").env("PGPASSWORD", "").args(["-c", sql]).output().expect("psql runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    });
    server
}

fn psql(server: &Postgres, user: &str) -> Command {
    static ROOTS: OnceLock<tempfile::NamedTempFile> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), server.root()).expect("written");
        file
    });
    let mut psql = Command::new("psql");
    psql.args(["-X", "-A", "-t", "-w", "-d"])
        .arg(format!(
            "host={HOST} hostaddr=127.0.0.1 port={} dbname=postgres user={user} sslmode=verify-full sslrootcert={}",
            server.port(),
            roots.path().display()
        ))
        .stdin(Stdio::null());
    psql
}

/// The first column of the first row, asked on the raw stream.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), sql: &str) -> String {
    let mut query = vec![b'Q'];
    query.extend_from_slice(&(sql.len() as u32 + 5).to_be_bytes());
    query.extend_from_slice(sql.as_bytes());
    query.push(0);
    stream.write_all(&query).await.expect("sent");
    stream.flush().await.expect("sent");
    let mut value = String::new();
    loop {
        let (kind, body) = message(stream).await;
        match kind {
            b'D' => value = String::from_utf8_lossy(&body[6..]).into_owned(),
            b'E' => panic!("{}", String::from_utf8_lossy(&body)),
            b'Z' => return value,
            _ => {}
        }
    }
}

async fn message(stream: &mut (impl AsyncRead + Unpin)) -> (u8, Vec<u8>) {
    let kind = stream.read_u8().await.expect("a message");
    let length = stream.read_u32().await.expect("a length");
    let mut body = vec![0; length as usize - 4];
    stream.read_exact(&mut body).await.expect("a body");
    (kind, body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_authentication_leads_to_a_stream_that_is_logged_in() {
    let server = server();
    for (user, credential, used) in [
        ("postgres", password(""), Authentication::None),
        ("clear", password("c:1"), Authentication::Cleartext),
        ("hashed", password("m"), Authentication::Md5),
        ("scram", password("p:\\w"), Authentication::ScramSha256Plus),
        ("scram", only("p:\\w", &["scram-sha-256-plus"]), Authentication::ScramSha256Plus),
        ("clear", Credential::Token(Secret::new("c:1")), Authentication::Cleartext),
    ] {
        let startup = Startup { protocol: Protocol::V3_2, ..Startup::new(user, "postgres") };
        let startup = startup.with("application_name", "login test").with("options", "-c lock_timeout=77");
        let mut login = secured(server).await.log_in(HOST, &startup, &credential).await.expect(user);
        assert_eq!(login.authentication, used, "{user}");
        // PostgreSQL before 18 speaks 3.0 and says so; its keys are of four bytes.
        assert!(login.protocol <= Protocol::V3_2 && login.unrecognized.is_empty());
        assert!(login.key.pid() > 0 && login.key.secret().len() >= 4);
        assert_eq!(login.parameter("application_name"), Some("login test"));
        assert!(login.parameter("server_version").is_some() && login.facts.version == "1.3");
        assert_eq!(ask(&mut login.stream, "select current_user").await, user);
        assert_eq!(ask(&mut login.stream, "show lock_timeout").await, "77ms");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_asked_for_something_weaker_than_allowed_shows_nothing() {
    let server = server();
    for (user, allowed, asked) in [
        ("clear", &["scram-sha-256", "md5"][..], Authentication::Cleartext),
        ("hashed", &["scram-sha-256"], Authentication::Md5),
        ("postgres", &["scram-sha-256"], Authentication::None),
        ("scram", &["md5", "cleartext"], Authentication::ScramSha256Plus),
    ] {
        let refused = secured(server).await.log_in(HOST, &Startup::new(user, "postgres"), &only("x", allowed)).await;
        match refused.err() {
            Some(Error::NotAllowed { asked: was, allowed: names }) => {
                assert_eq!((was, names), (asked, allowed.join(", ")));
            }
            other => panic!("{user}: {other:?}"),
        }
    }
    for (user, asked) in [("hashed", Authentication::Md5), ("scram", Authentication::ScramSha256Plus)] {
        match secured(server).await.log_in(HOST, &Startup::new(user, "postgres"), &token()).await.err() {
            Some(Error::TokenNotAsked(was)) => assert_eq!(was, asked),
            other => panic!("{user}: {other:?}"),
        }
    }
}

/// Ends TLS with a certificate that we trust, and speaks TLS to the real server: what an authority that was broken into, or
/// a proxy of the house, could do. `meddle` may change what the server offers.
async fn between(server: &Postgres, meddle: fn(Vec<u8>) -> Vec<u8>) -> Result<LoggedIn, Error> {
    let authority = Authority::new("a trusted stranger");
    let acceptor = TlsAcceptor::new(authority.leaf(&[HOST], (2020, 2100)).identity()).expect("an acceptor");
    let trusted = Certificate::from_pem(server.root().as_bytes()).expect("a root");
    let connector = TlsConnector::builder().add_root_certificate(trusted).build().expect("a connector");
    let port = server.port();
    let (ours, mut theirs) = duplex(64 * 1024);
    let middle = tokio::spawn(async move {
        theirs.read_exact(&mut [0; 8]).await?;
        theirs.write_all(b"S").await?;
        let mut client =
            tokio_native_tls::TlsAcceptor::from(acceptor).accept(theirs).await.map_err(std::io::Error::other)?;
        let mut wire = TcpStream::connect(("127.0.0.1", port)).await?;
        wire.write_all(&SSL_REQUEST).await?;
        assert_eq!(wire.read_u8().await?, b'S');
        let mut upstream =
            tokio_native_tls::TlsConnector::from(connector).connect(HOST, wire).await.map_err(std::io::Error::other)?;
        // The StartupMessage, then what is asked.
        let length = client.read_u32().await?;
        let mut startup = length.to_be_bytes().to_vec();
        startup.resize(length as usize, 0);
        client.read_exact(&mut startup[4..]).await?;
        upstream.write_all(&startup).await?;
        let (kind, body) = message(&mut upstream).await;
        let body = meddle(body);
        client.write_u8(kind).await?;
        client.write_u32(body.len() as u32 + 4).await?;
        client.write_all(&body).await?;
        copy_bidirectional(&mut client, &mut upstream).await?;
        Ok::<_, std::io::Error>(())
    });
    let secured = secure(Box::new(ours), HOST, &roots(authority.pem())).await.expect("its certificate is trusted");
    let answer = secured.log_in(HOST, &Startup::new("scram", "postgres"), &password("p:\\w")).await;
    middle.abort();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_ends_tls_in_between_does_not_get_scram_through() {
    match between(server(), |offer| offer).await.err() {
        Some(Error::Server(error)) => assert!(error.message.contains("channel binding"), "{}", error.message),
        other => panic!("{other:?}"),
    }
    // Striking PLUS off the offer does not help: the client says that it could have bound.
    let strike = |_| b"\0\0\0\x0aSCRAM-SHA-256\0\0".to_vec();
    match between(server(), strike).await.err() {
        Some(Error::Server(error)) => {
            let said = format!("{} {}", error.message, error.detail.unwrap_or_default());
            assert!(said.contains("channel binding"), "{said}");
        }
        other => panic!("{other:?}"),
    }
}

/// A verified wire and the server's end of it, whose StartupMessage has been read.
async fn scripted<F>(startup: Startup, credential: Credential, script: F) -> (Result<LoggedIn, Error>, Vec<u8>)
where
    F: AsyncFnOnce(&mut TlsStream<DuplexStream>) + 'static,
{
    let authority = Authority::new("test");
    let acceptor = TlsAcceptor::new(authority.leaf(&[HOST], (2020, 2100)).identity()).expect("an acceptor");
    let (ours, mut theirs) = duplex(1 << 20);
    let client = async {
        let secured = secure(Box::new(ours), HOST, &roots(authority.pem())).await.expect("verified");
        secured.log_in(HOST, &startup, &credential).await
    };
    let server = async {
        theirs.read_exact(&mut [0; 8]).await.expect("SSLRequest");
        theirs.write_all(b"S").await.expect("the client waits");
        let mut server = tokio_native_tls::TlsAcceptor::from(acceptor).accept(theirs).await.expect("TLS");
        let length = server.read_u32().await.expect("a length");
        server.read_exact(&mut vec![0; length as usize - 4]).await.expect("a StartupMessage");
        script(&mut server).await;
        let _ = server.flush().await;
        server
    };
    let (answer, mut server) = tokio::join!(client, server);
    // What was said by a client that has gone by now.
    let mut rest = Vec::new();
    if answer.is_err() {
        let _ = server.read_to_end(&mut rest).await;
    }
    (answer, rest)
}

fn me() -> Startup {
    Startup::new("oncall", "shop")
}

async fn say(server: &mut TlsStream<DuplexStream>, kind: u8, body: &[u8]) {
    let mut whole = vec![kind];
    whole.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    whole.extend_from_slice(body);
    let _ = server.write_all(&whole).await;
    let _ = server.flush().await;
}

#[tokio::test]
async fn a_token_is_shown_to_nobody_who_asks_for_a_hash() {
    for ask in [&b"\0\0\0\x05salt"[..], b"\0\0\0\x0aSCRAM-SHA-256\0\0"] {
        let (answer, rest) = scripted(me(), token(), async move |server| say(server, b'R', ask).await).await;
        assert!(matches!(answer.err(), Some(Error::TokenNotAsked(_))));
        assert!(rest.is_empty(), "nothing is said after the StartupMessage");
    }
}

#[tokio::test]
async fn a_server_that_asks_before_tls_gets_nothing() {
    for ask in [&b"R\0\0\0\x08\0\0\0\x03"[..], b"R\0\0\0\x0c\0\0\0\x05salt", b"N"] {
        let (ours, mut theirs) = duplex(1024);
        let server = async {
            let mut request = [0; 8];
            theirs.read_exact(&mut request).await.expect("SSLRequest");
            theirs.write_all(ask).await.expect("the client waits");
            let mut rest = Vec::new();
            theirs.read_to_end(&mut rest).await.expect("the client hangs up");
            (request, rest)
        };
        let roots = Roots::new(&[]).expect("the embedded");
        let (answer, (request, rest)) = tokio::join!(secure(Box::new(ours), HOST, &roots), server);
        assert!(matches!(answer.err(), Some(Error::TlsNotOffered | Error::Wire(_))));
        assert_eq!((request, rest), (SSL_REQUEST, Vec::new()));
    }
}

/// Plays SCRAM up to the proof.
async fn scram_until_proof(server: &mut TlsStream<DuplexStream>, iterations: u32) -> bool {
    say(server, b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0").await;
    let (_, first) = message(server).await;
    let first = String::from_utf8_lossy(&first).into_owned();
    // A nonce holds every printable character but the comma (RFC 5802 §7), so `r=` as well.
    let (_, nonce) = first.split_once(",r=").expect("a nonce");
    let mut challenge = b"\0\0\0\x0b".to_vec();
    challenge.extend_from_slice(format!("r={nonce}more,s=c2FsdHNhbHQ=,i={iterations}").as_bytes());
    say(server, b'R', &challenge).await;
    server.read_u8().await.is_ok()
}

#[tokio::test]
async fn a_server_that_does_not_know_the_password_is_found_out() {
    let zero = "A".repeat(43) + "=";
    for last in [
        // A wrong signature, none at all, and "ok" in place of the proof.
        [b"\0\0\0\x0cv=".as_slice(), zero.as_bytes()].concat(),
        b"\0\0\0\x0c".to_vec(),
        b"\0\0\0\0".to_vec(),
    ] {
        let (answer, _) = scripted(me(), password("secret"), async move |server| {
            assert!(scram_until_proof(server, 4096).await, "a proof");
            say(server, b'R', &last).await;
            say(server, b'R', b"\0\0\0\0").await;
            say(server, b'Z', b"I").await;
        })
        .await;
        match answer.err() {
            Some(Error::ServerUnproven(why)) => assert!(!why.contains("secret"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    let (answer, _) = scripted(me(), password("secret"), async |server| {
        say(server, b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0").await;
        say(server, b'R', b"\0\0\0\0").await;
    })
    .await;
    assert!(matches!(answer.err(), Some(Error::ServerUnproven(_))));
    let (answer, rest) = scripted(me(), password("secret"), async |server| {
        assert!(!scram_until_proof(server, 100_001).await, "no proof for who wants us to count for ever");
    })
    .await;
    assert!(matches!(answer.err(), Some(Error::Unsupported(words)) if words.contains("100,000 iterations")));
    assert!(rest.is_empty());
}

#[tokio::test]
async fn what_no_server_says_ends_the_login() {
    let parameter = [b"S\0\0\x20\0x\0".as_slice(), &[b'y'; 8185], b"\0"].concat();
    for (said, what) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "type 0x48"),
        (b"R\x40\0\0\0".to_vec(), "1073741824 bytes"),
        (b"R\0\0\0\x03".to_vec(), "3 bytes"),
        (b"R\0\0\0\x06\0\0".to_vec(), "cut short"),
        (b"R\0\0\0\x0b\0\0\0\x05abc".to_vec(), "salt"),
        (b"R\0\0\0\x08\0\0\0\x63".to_vec(), "request 99"),
        (b"R\0\0\0\x08\0\0\0\x0b".to_vec(), "request 11"),
        (b"Z\0\0\0\x05I".to_vec(), "before anybody had logged in"),
        (b"R\0\0\0\x08\0\0\0\0R\0\0\0\x08\0\0\0\x03".to_vec(), "after the login"),
        (b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x01abcdefgh".to_vec(), "closed the connection"),
        (b"R\0\0\0\x08\0\0\0\0K\0\0\0\x10\0\0\0\x01abcdefgh".to_vec(), "cancel key"),
        (b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05X".to_vec(), "without a state"),
        (b"v\0\0\0\x0c\0\x03\0\x02\0\0\0\0".to_vec(), "negotiates nothing"),
        (b"v\0\0\0\x0c\0\x03\0\0\0\0\0\x05".to_vec(), "negotiates nothing"),
        ([b"R\0\0\0\x08\0\0\0\0".as_slice(), &parameter.repeat(200)].concat(), "more than a mebibyte"),
    ] {
        let (answer, _) = scripted(me(), password("x"), async move |server| {
            let _ = server.write_all(&said).await;
            let _ = server.shutdown().await;
        })
        .await;
        match answer.err() {
            Some(Error::Wire(error)) => assert!(error.to_string().contains(what), "{error}, expected {what}"),
            other => panic!("{other:?}, expected {what}"),
        }
    }
}

#[tokio::test]
async fn the_greeting_is_kept_whole_and_what_follows_it_too() {
    let long: Vec<u8> = (0..200).collect();
    let mut key = b"\0\0\x10\0".to_vec();
    key.extend_from_slice(&long);
    let startup = Startup { protocol: Protocol::V3_2, ..me() }.with("_pq_.newer", "1");
    let notice = b"SWARNING\0C01000\0Mmind the gap\0\0";
    let (answer, _) = scripted(startup, token(), async move |server| {
        say(server, b'v', b"\0\x03\0\x02\0\0\0\x01_pq_.newer\0").await;
        say(server, b'R', b"\0\0\0\x03").await;
        assert_eq!(message(server).await, (b'p', b"the-token\0".to_vec()));
        say(server, b'R', b"\0\0\0\0").await;
        say(server, b'S', b"TimeZone\0UTC\0").await;
        say(server, b'N', notice).await;
        say(server, b'S', b"TimeZone\0Europe/Rome\0").await;
        say(server, b'K', &key).await;
        // In one piece, so that it is read with the greeting.
        let _ = server.write_all(b"Z\0\0\0\x05IA\0\0\0\x0b\0\0\0\x07ab\0").await;
    })
    .await;
    let mut login = answer.expect("in");
    assert_eq!((login.protocol, login.key.secret()), (Protocol::V3_2, &long[..]));
    assert_eq!((&login.unrecognized[..], login.key.pid()), (&["_pq_.newer".to_owned()][..], 4096));
    assert_eq!(login.parameters, [("TimeZone".to_owned(), "Europe/Rome".to_owned())]);
    assert_eq!(login.notices()[0].message, "mind the gap");
    assert!(!format!("{:?}", login.key).contains("199"));
    let greeting = login.greeting(&CancelKey::new(1, vec![9; 4]));
    let told: Vec<u8> = [
        b"R\0\0\0\x08\0\0\0\0S\0\0\0\x19TimeZone\0Europe/Rome\0".as_slice(),
        &login.notices[0],
        b"K\0\0\0\x0c\0\0\0\x01\x09\x09\x09\x09Z\0\0\0\x05I",
    ]
    .concat();
    assert_eq!(&greeting[..], told);
    let mut rest = [0; 12];
    login.stream.read_exact(&mut rest).await.expect("what was read past ReadyForQuery");
    assert_eq!(&rest, b"A\0\0\0\x0b\0\0\0\x07ab\0");
}

#[tokio::test]
async fn what_is_no_utf8_is_retold_as_it_came() {
    // As a server reports it whose client_encoding is LATIN1.
    let report = b"application_name\0caf\xe9\0";
    let (answer, _) = scripted(me(), Credential::Password(Secret::new("p"), Allowed::default()), async |server| {
        say(server, b'R', b"\0\0\0\0").await;
        say(server, b'S', b"application_name\0before\0").await;
        say(server, b'S', b"TimeZone\0UTC\0").await;
        say(server, b'S', report).await;
        say(server, b'Z', b"I").await;
    })
    .await;
    let login = answer.expect("in");
    assert_eq!(login.parameter("application_name"), Some("caf\u{fffd}"));
    let greeting = login.greeting(&CancelKey::new(1, vec![9; 4]));
    let told = [b"S\0\0\0\x1a".as_slice(), report, b"S\0\0\0\x11TimeZone\0UTC\0K"].concat();
    assert!(greeting.windows(told.len()).any(|part| part == told), "{greeting:?}");
}

/// The same passfile for psql and for us.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passfile_is_read_as_psql_reads_it() {
    use gatepost::access::{Access, Wish};
    use gatepost::model::{Auth, Endpoint, EndpointRole, Engine, IamAuth, Place, Resolve, RouteChoice, Settings};
    use std::os::unix::fs::PermissionsExt;
    let server = server();
    let folder = tempfile::tempdir().expect("temporary folder");
    let (passfile, roots) = (folder.path().join("pgpass"), folder.path().join("roots.pem"));
    std::fs::write(&roots, server.root()).expect("written");
    let settings = Settings {
        passfile: Some(passfile.clone()),
        ca_bundles: vec![roots],
        resolve: vec![Resolve { host: HOST.to_owned(), port: server.port(), address: "127.0.0.1".to_owned() }],
        ..Settings::default()
    };
    let access = Access::new(settings).expect("good settings");
    let endpoint = Endpoint {
        role: EndpointRole::Instance,
        host: HOST.to_owned(),
        port: server.port(),
        owner: "db".to_owned(),
        resource_id: "db-TEST".to_owned(),
        iam: IamAuth::Disabled,
        engine: Engine::parse("postgres"),
        place: Place { profile: None, region: "eu-west-1".to_owned() },
        account: "123456789012".to_owned(),
        partition: "aws".to_owned(),
        public: true,
        vpc_id: None,
        security_groups: Vec::new(),
        database_name: None,
        internet_gateway: false,
        tags: Vec::new(),
        proxy: None,
    };
    let port = server.port();
    for (text, mode, gets_in) in [
        (format!("{HOST}:{port}:postgres:scram:p\\:\\\\w\n"), 0o600, true),
        ("*:*:*:*:p\\:\\\\w".to_owned(), 0o400, true),
        (format!("# {HOST}:{port}:postgres:scram:no\n\nelsewhere:*:*:*:no\r\n*:*:*:scram:p\\:\\\\w\r\n"), 0o600, true),
        (format!("db\\.test:{port}:post\\gres:*:p\\:\\\\w:more\n"), 0o600, true),
        (format!("{HOST}:1:*:*:x\n{HOST}:*:other:*:x\n*:*:*:Scram:x\n"), 0o600, false),
        ("*.test:*:*:*:p\\:\\\\w\n".to_owned(), 0o600, false),
        (format!(" {HOST}:*:*:*:p\\:\\\\w\n"), 0o600, false),
        ("*:*:*:*:p\\:\\\\w".to_owned(), 0o640, false),
        ("*:*:*:*:p\\:\\\\w".to_owned(), 0o604, false),
        (String::new(), 0o600, false),
        ("*:*:*:*:p\\:\\\\w\r\r\n".to_owned(), 0o600, true),
        // An empty password is none, and the first line that fits counts.
        ("*:*:*:*:\n*:*:*:*:p\\:\\\\w\n".to_owned(), 0o600, false),
    ] {
        let _ = std::fs::remove_file(&passfile);
        std::fs::write(&passfile, &text).expect("written");
        std::fs::set_permissions(&passfile, std::fs::Permissions::from_mode(mode)).expect("ours");
        let theirs = psql(server, "scram")
            .env_remove("PGPASSWORD")
            .env("PGPASSFILE", &passfile)
            .args(["-c", "select current_user"])
            .output()
            .expect("psql runs");
        assert_eq!(theirs.status.success(), gets_in, "psql: {text:?}: {}", String::from_utf8_lossy(&theirs.stderr));
        let wish = Wish {
            endpoint: endpoint.clone(),
            route: RouteChoice::Direct,
            database: None,
            user: "scram".to_owned(),
            auth: Auth::Passfile,
            read_only: false,
        };
        assert_eq!(access.has_passfile_line(&endpoint, None, "scram").await, gets_in, "{text:?}");
        match access.connect(&wish, None).await {
            Ok(session) => {
                assert!(gets_in, "{text:?}");
                session.close().await;
            }
            Err(diagnosis) => assert!(!gets_in && diagnosis.title.contains("passfile"), "{text:?}: {diagnosis}"),
        }
    }
    access.close().await;
}
