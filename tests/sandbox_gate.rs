//! The sandbox's gate, seen from outside: libpq (psql) and tokio-postgres, tokens signed by aws-sigv4, over real TLS into
//! the real PostgreSQL.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use gatepost::db::{Credential, Login, Roots, secure};
use gatepost::model::{Happening, Secret};
use gatepost::sandbox::{Fault, Options, Sandbox, keys};
use std::process::Output;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

const WRITER: &str = "orders-prod.cluster-c9akciq32xyz.eu-west-1.rds.amazonaws.com";
const READER: &str = "orders-prod.cluster-ro-c9akciq32xyz.eu-west-1.rds.amazonaws.com";
const LEGACY: &str = "legacy-crm.c9akciq32xyz.eu-west-1.rds.amazonaws.com";

async fn sandbox() -> Sandbox {
    Sandbox::start(Options { events: false, ..Options::default() }).await.expect("a sandbox")
}

/// What goes into a token.
#[derive(Clone, Copy)]
struct Token<'a> {
    host: &'a str,
    port: u16,
    user: &'a str,
    region: &'a str,
    secret: &'a str,
    session: Option<&'a str>,
    service: &'a str,
    expires: u64,
}

impl Default for Token<'_> {
    fn default() -> Self {
        Token {
            host: WRITER,
            port: 5432,
            user: "oncall",
            region: keys::REGION,
            secret: keys::SECRET_ACCESS_KEY,
            session: Some(keys::SESSION_TOKEN),
            service: "rds-db",
            expires: 900,
        }
    }
}

impl Token<'_> {
    fn text(self) -> String {
        let user = percent_encoding::utf8_percent_encode(self.user, percent_encoding::NON_ALPHANUMERIC);
        let url = format!("https://{}:{}/?Action=connect&DBUser={user}", self.host, self.port);
        let session = self.session.map(str::to_owned);
        let identity = Credentials::new(keys::ACCESS_KEY_ID, self.secret, session, None, "test").into();
        let mut settings = SigningSettings::default();
        settings.expires_in = Some(Duration::from_secs(self.expires));
        settings.signature_location = SignatureLocation::QueryParams;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .expect("all is given");
        let request =
            SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[])).expect("a request");
        let (instructions, _) = sign(request, &parameters.into()).expect("signed").into_parts();
        let signature: Vec<String> = instructions
            .params()
            .iter()
            .map(|(name, value)| {
                format!("{name}={}", percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC))
            })
            .collect();
        format!("{}&{}", url.trim_start_matches("https://"), signature.join("&"))
    }
}

/// psql, verify-full under the endpoint's name.
async fn psql(sandbox: &Sandbox, host: &str, user: &str, password: &str, sql: &str) -> Output {
    psql_with(sandbox, host, user, password, sql, "verify-full").await
}

async fn psql_with(sandbox: &Sandbox, host: &str, user: &str, password: &str, sql: &str, tls: &str) -> Output {
    let address = sandbox.gate_address(host).expect("a gate");
    Command::new("psql")
        .args(["-XAtw", "-v", "ON_ERROR_STOP=1", "-c", sql])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PGHOST", host)
        .env("PGHOSTADDR", address.ip().to_string())
        .env("PGPORT", address.port().to_string())
        .env("PGSSLMODE", tls)
        .env("PGSSLROOTCERT", sandbox.ca_bundle())
        .env("PGUSER", user)
        .env("PGPASSWORD", password)
        .env("PGDATABASE", "shop")
        .env("PGCONNECT_TIMEOUT", "20")
        .output()
        .await
        .expect("psql runs")
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "psql failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn refusal(output: &Output) -> String {
    assert!(!output.status.success(), "psql got in: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn tokens_open_the_gate_and_nothing_else_does() {
    let sandbox = sandbox().await;
    let token = Token::default();
    let who = "select current_user, count(*) from orders";
    assert_eq!(out(&psql(&sandbox, WRITER, "oncall", &token.text(), who).await), "oncall|24000");
    let odd = Token { user: "jane.doe+oncall@example.com", ..token };
    assert_eq!(out(&psql(&sandbox, WRITER, odd.user, &odd.text(), "select current_user").await), odd.user);
    let analyst = Token { user: "analyst", ..token };
    assert_eq!(
        out(&psql(&sandbox, WRITER, "analyst", &analyst.text(), "select count(*) from customers").await),
        "5000"
    );
    let write = psql(&sandbox, WRITER, "analyst", &analyst.text(), "delete from orders").await;
    assert!(refusal(&write).contains("permission denied for table orders"));

    let refused = [
        ("another secret", Token { secret: "another/secret", ..token }),
        ("no session token", Token { session: None, ..token }),
        ("another host", Token { host: READER, ..token }),
        ("another port", Token { port: 15432, ..token }),
        ("another user", Token { user: "analyst", ..token }),
        ("another case", Token { user: "Oncall", ..token }),
        ("another region", Token { region: keys::OTHER_REGION, ..token }),
        ("another service", Token { service: "rds", ..token }),
    ];
    for (what, token) in refused {
        let said = refusal(&psql(&sandbox, WRITER, "oncall", &token.text(), "select 1").await);
        assert!(said.contains("FATAL:  PAM authentication failed for user \"oncall\""), "{what}: {said}");
    }
    let tampered = analyst.text().replace("DBUser=analyst", "DBUser=oncall");
    for password in [tampered.as_str(), "a password", "", &token.text()[..200]] {
        let said = refusal(&psql(&sandbox, WRITER, "oncall", password, "select 1").await);
        assert!(said.contains("PAM authentication failed") || said.contains("no password supplied"), "{said}");
    }
    let old = token.text();
    sandbox.clock().advance(13 * 60);
    out(&psql(&sandbox, WRITER, "oncall", &old, "select 1").await);
    sandbox.clock().advance(3 * 60);
    assert!(refusal(&psql(&sandbox, WRITER, "oncall", &old, "select 1").await).contains("PAM authentication failed"));
    sandbox.stop().await;
}

#[tokio::test]
async fn passwords_go_to_the_real_server() {
    let sandbox = sandbox().await;
    for host in [WRITER, LEGACY] {
        assert_eq!(out(&psql(&sandbox, host, "app", "shop-app-password", "select current_user").await), "app");
        let said = refusal(&psql(&sandbox, host, "app", "wrong", "select 1").await);
        assert!(said.contains("password authentication failed for user \"app\""), "{said}");
        let token = Token { host, user: "intern", ..Token::default() }.text();
        let said = refusal(&psql(&sandbox, host, "intern", &token, "select 1").await);
        assert!(said.contains("password authentication failed for user \"intern\""), "{said}");
    }
    let token = Token { host: LEGACY, ..Token::default() }.text();
    let said = refusal(&psql(&sandbox, LEGACY, "oncall", &token, "select 1").await);
    assert!(said.contains("PAM authentication failed for user \"oncall\""), "IAM is off here: {said}");
    let said = refusal(&psql(&sandbox, WRITER, "rdsadmin", "", "select 1").await);
    assert!(said.contains("no pg_hba.conf entry for host \"127.0.0.1\", user \"rdsadmin\""), "{said}");
    let said = refusal(&psql(&sandbox, WRITER, "nobody", "x", "select 1").await);
    assert!(said.contains("password authentication failed for user \"nobody\""), "{said}");
    let reader = Token { host: READER, ..Token::default() }.text();
    let said = refusal(&psql(&sandbox, READER, "oncall", &reader, "delete from promotions").await);
    assert!(said.contains("cannot execute DELETE in a read-only transaction"), "{said}");
    sandbox.stop().await;
}

/// RDS Proxy checks the client by itself, and its own way in is another one.
#[tokio::test]
async fn proxies_let_in_whom_they_can_log_in_themselves() {
    const END_TO_END: &str = "orders-proxy.proxy-c9akciq32xyz.eu-west-1.rds.amazonaws.com";
    const SECRETS: &str = "orders-us-proxy.proxy-c4t7wmq0kuvp.us-east-1.rds.amazonaws.com";
    let sandbox = sandbox().await;
    let us = Token { host: SECRETS, region: keys::OTHER_REGION, ..Token::default() };
    let here = Token { host: END_TO_END, ..Token::default() };
    let who = "select current_user";
    // With a secret's password, which the client does not know; and with a token, as the user itself.
    let app = Token { user: "app", ..us }.text();
    assert_eq!(out(&psql(&sandbox, SECRETS, "app", &app, who).await), "app");
    assert_eq!(out(&psql(&sandbox, END_TO_END, "oncall", &here.text(), who).await), "oncall");

    let refused = [
        (SECRETS, "oncall", us.text(), "This RDS proxy has no credentials for the role oncall."),
        (SECRETS, "app", "shop-app-password".to_owned(), "The IAM authentication failed for the role app."),
        (END_TO_END, "oncall", Token::default().text(), "The IAM authentication failed for the role oncall."),
        (
            END_TO_END,
            "payroll",
            Token { user: "payroll", ..here }.text(),
            "The IAM authentication failed for the role payroll.",
        ),
        // Its role shows a token to a database that wants this user's password: the database's own words.
        (END_TO_END, "app", Token { user: "app", ..here }.text(), "password authentication failed for user \"app\""),
    ];
    for (host, user, password, words) in refused {
        let said = refusal(&psql(&sandbox, host, user, &password, "select 1").await);
        assert!(said.contains(words), "{user}: {said}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn every_fault_of_the_gate_shows_and_goes() {
    let sandbox = sandbox().await;
    let token = Token::default().text();
    let faults = [
        (Fault::TokenRefused, "PAM authentication failed for user \"oncall\""),
        (Fault::WrongCertificate, "does not match host name"),
        (Fault::ExpiredCertificate, "certificate verify failed"),
        (Fault::UnknownCa, "certificate verify failed"),
        (Fault::NoTls, "server does not support SSL, but SSL was required"),
        (Fault::TooManyConnections, "remaining connection slots are reserved"),
        (Fault::StartingUp, "the database system is starting up"),
    ];
    for (fault, words) in faults {
        sandbox.faults().set(fault.clone());
        let said = refusal(&psql(&sandbox, WRITER, "oncall", &token, "select 1").await);
        assert!(said.contains(words), "{fault}: {said}");
        sandbox.faults().clear(&fault);
        out(&psql(&sandbox, WRITER, "oncall", &token, "select 1").await);
    }
    let plain = psql_with(&sandbox, WRITER, "oncall", &token, "select 1", "disable").await;
    let said = refusal(&plain);
    let words = "no pg_hba.conf entry for host \"127.0.0.1\", user \"oncall\", database \"shop\", no encryption";
    assert!(said.contains(words), "{said}");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_running_statement_can_be_cancelled_and_a_line_cut() {
    let sandbox = sandbox().await;
    let address = sandbox.gate_address(WRITER).expect("a gate");
    let mut connector = native_tls::TlsConnector::builder();
    let authority = std::fs::read(sandbox.ca_bundle()).expect("the authority's file");
    connector.add_root_certificate(native_tls::Certificate::from_pem(&authority).expect("a certificate"));
    let tls = postgres_native_tls::MakeTlsConnector::new(connector.build().expect("TLS"));
    let connect = || {
        let mut config = tokio_postgres::Config::new();
        config
            .host(WRITER)
            .hostaddr(address.ip())
            .port(address.port())
            .user("oncall")
            .password(Token::default().text())
            .dbname("shop")
            .ssl_mode(tokio_postgres::config::SslMode::Require);
        let tls = tls.clone();
        async move {
            let (client, connection) = config.connect(tls).await.expect("logged in");
            (client, tokio::spawn(connection))
        }
    };
    let (client, connection) = connect().await;
    let token = client.cancel_token();
    let (observer, _) = connect().await;
    let cancelling = async {
        // The statement must be running, else there is nothing to cancel.
        let running = "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active'";
        while observer.query_one(running, &[]).await.expect("asked").get::<_, i64>(0) == 0 {}
        token.cancel_query(tls.clone()).await.expect("passed on");
    };
    let (slept, ()) = tokio::join!(client.batch_execute("select pg_sleep(600)"), cancelling);
    let error = slept.expect_err("cancelled");
    assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::QUERY_CANCELED));

    sandbox.faults().set(Fault::DatabaseCut);
    connection.await.expect("the task").expect_err("the line was cut");
    assert!(!sandbox.faults().is_on(&Fault::DatabaseCut), "it strikes once");
    let (again, _connection) = connect().await;
    again.batch_execute("select 1").await.expect("a new line works");
    sandbox.stop().await;
}

/// PostgreSQL hears a CancelRequest in the clear, whatever `pg_hba.conf` says; a gate that takes TLS only does not.
#[tokio::test(flavor = "multi_thread")]
async fn where_tls_alone_is_taken_a_cancel_in_the_clear_is_not_heard() {
    let sandbox = sandbox().await;
    let address = sandbox.gate_address(WRITER).expect("a gate");
    let authority = std::fs::read(sandbox.ca_bundle()).expect("the authority's file");
    let roots = Roots::new(&[("sandbox".to_owned(), authority)]).expect("roots");
    let secured = async || {
        let wire = TcpStream::connect(address).await.expect("the gate listens");
        secure(Box::new(wire), WRITER, &roots).await.expect("TLS stands")
    };
    let login = Login {
        host: WRITER.to_owned(),
        user: "oncall".to_owned(),
        database: "shop".to_owned(),
        read_only: true,
        statement_timeout: Duration::ZERO,
        lock_timeout: Duration::ZERO,
        application_name: "gatepost (test)".to_owned(),
    };
    let token = || Credential::Token(Secret::new(Token::default().text()));
    let mut session = secured().await.login(&login, &token()).await.expect("logged in");
    let mut observer = secured().await.login(&login, &token()).await.expect("logged in");
    let key = session.cancel_key();
    let mut request = [&[0, 0, 0, 16, 4, 210, 22, 46][..], &key.pid().to_be_bytes()].concat();
    request.extend_from_slice(key.secret());
    // The gate ends the wire when it has passed the request on, and when it has not.
    let ask = async || {
        let mut wire = TcpStream::connect(address).await.expect("the gate listens");
        wire.write_all(&request).await.expect("written");
        let _ = wire.read_to_end(&mut Vec::new()).await;
    };
    let mut sleeps = async || {
        let look = format!("select 1 from pg_stat_activity where pid = {} and wait_event = 'PgSleep'", key.pid());
        let mut running = observer.run(&look);
        let mut rows = 0;
        while let Some(happening) = running.next().await {
            if let Happening::Rows(page) = happening.expect("no error") {
                rows += page.rows();
            }
        }
        rows == 1
    };
    let mut sleeping = session.run("select pg_sleep(600)");
    let asking = async {
        while !sleeps().await {}
        sandbox.faults().set(Fault::TlsOnly);
        ask().await;
        assert!(sleeps().await, "it sleeps on");
        sandbox.faults().clear(&Fault::TlsOnly);
        ask().await;
    };
    let ending = async {
        loop {
            match sleeping.next().await {
                Some(Err(error)) => break error,
                Some(Ok(_)) => {}
                None => panic!("it was not cancelled"),
            }
        }
    };
    let (error, ()) = tokio::join!(ending, asking);
    assert!(error.to_string().contains("canceling statement due to user request"), "{error}");
    drop(sleeping);
    // Through TLS it is heard where TLS alone is taken.
    sandbox.faults().set(Fault::TlsOnly);
    let mut sleeping = session.run("select pg_sleep(600)");
    let asking = async {
        while !sleeps().await {}
        secured().await.cancel(&key).await.expect("passed on");
    };
    let ending = async {
        while let Some(happening) = sleeping.next().await {
            if happening.is_err() {
                return true;
            }
        }
        false
    };
    let (cancelled, ()) = tokio::join!(ending, asking);
    assert!(cancelled, "it slept to its end");
    sandbox.stop().await;
}
