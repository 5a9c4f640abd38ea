//! What each failure is said to be, and what can be pasted, where no sandbox plays it.

use super::*;
use crate::access::ranking::tests::{bastion, endpoint};
use crate::aws::{Error, Kind as Refused, Origin};
use crate::db::ServerError;
use crate::model::{
    Auth, Authentication, DatabaseKind, Diagnosis, Endpoint, EndpointRole, IamAuth, Kind, Place, ProxyLogin,
    ProxyScheme, ProxyTarget, Secret, TlsFacts, Token,
};
use crate::ssm::Ended;
use std::time::{Duration, SystemTime};

fn refused(kind: Refused, profile: Option<&str>) -> Error {
    Error {
        operation: "rds:DescribeDBClusters",
        code: None,
        message: "as AWS said".to_owned(),
        kind,
        place: Place { profile: profile.map(str::to_owned), region: "eu-west-1".to_owned() },
        attempts: 1,
        source: None,
    }
}

fn pastes(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.advice.iter().filter_map(|advice| advice.paste.as_deref()).collect()
}

#[test]
fn a_login_that_has_ended_is_renewed_where_it_came_from() {
    for (origin, profile, command) in [
        (Origin::Sso(Some("prod".to_owned())), Some("prod"), "aws sso login --profile prod"),
        (Origin::Sso(None), None, "aws sso login"),
        (Origin::Sso(Some("it's".to_owned())), None, "aws sso login --profile 'it'\\''s'"),
        (Origin::Login(None), Some("me"), "aws login --profile me"),
        (Origin::Profile("old".to_owned()), None, "aws configure --profile old"),
        (Origin::Environment, None, "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"),
    ] {
        let diagnosis = aws::of(&refused(Refused::Expired(origin.clone()), profile));
        assert_eq!(diagnosis.kind, Kind::LoginEnded);
        assert!(pastes(&diagnosis).contains(&command), "{origin:?}: {diagnosis}");
    }
}

#[test]
fn what_the_sdk_puts_in_a_heap_is_told_in_a_sentence() {
    let message =
        "no credentials found in chain. Attempted:\n  Profile: profile `absent` was not defined: could not find";
    let absent = Error { message: message.to_owned(), ..refused(Refused::NoCredentials(Origin::Unknown), None) };
    let diagnosis = aws::of(&absent);
    assert_eq!(diagnosis.title, "There is no profile absent in the AWS configuration");
    assert!(pastes(&diagnosis).contains(&"aws configure list-profiles"), "{diagnosis}");
    let message = "dispatch failure: TLS handshake failed: invalid peer certificate: UnknownIssuer";
    let diagnosis = aws::of(&Error { message: message.to_owned(), ..refused(Refused::Unreachable, None) });
    assert!(diagnosis.title.contains("is not trusted"), "{diagnosis}");
    assert!(pastes(&diagnosis)[0].starts_with("export AWS_CA_BUNDLE="), "{diagnosis}");
}

#[test]
fn the_end_of_a_tunnel_is_told_by_its_cause() {
    let (bastion, endpoint) = (bastion("i-1", Some("vpc-1"), true, "3.3.987.0"), endpoint());
    let service = |text: &str| Ended::ByService(text.to_owned());
    for (ended, kind, word) in [
        (service("lookup db on 10.0.0.2:53: no such host"), Kind::UnreachableFromBastion, "cannot resolve"),
        (service("Forwarding to IP address db is forbidden."), Kind::UnreachableFromBastion, "refuses to forward"),
        (
            service("Plugin with name Port is not supported by this version of ssm agent, please update"),
            Kind::BastionUnusable,
            "too old",
        ),
        (service("Handshake timed out. Please ensure …"), Kind::BastionUnusable, "did not finish the handshake"),
        (service(""), Kind::TunnelLost, "idle time"),
        (Ended::Gone("timed out".to_owned()), Kind::TunnelLost, "cannot be resumed"),
        (
            Ended::Gone(
                "ssm:ResumeSession in eu-west-1: User: u is not authorized to perform: ssm:ResumeSession".to_owned(),
            ),
            Kind::TunnelLost,
            "\"Action\": \"ssm:ResumeSession\"",
        ),
        (Ended::AgentSilent(Duration::from_secs(30)), Kind::TunnelLost, "30 s"),
        (Ended::ServiceUnreachable(Duration::from_secs(300), "dns".to_owned()), Kind::TunnelLost, "5 min"),
        (Ended::LoggedOut(Duration::from_secs(43_200), "x".to_owned()), Kind::TunnelLost, "Log in to AWS again"),
    ] {
        let diagnosis = tunnel::ended(&ended, &bastion, &endpoint);
        assert_eq!(diagnosis.kind, kind, "{diagnosis}");
        assert!(diagnosis.to_string().contains(word), "{word}: {diagnosis}");
    }
}

#[test]
fn a_wrong_name_offers_the_member_that_the_certificate_covers() {
    let custom =
        Endpoint { role: EndpointRole::Custom, host: "bi.cluster-custom-c9.example.com".to_owned(), ..endpoint() };
    let member = Endpoint {
        role: EndpointRole::Instance,
        host: "orders-1.c9.example.com".to_owned(),
        owner: "orders-1".to_owned(),
        ..endpoint()
    };
    let facts = TlsFacts { names: vec!["*.c9.example.com".to_owned()], ..TlsFacts::default() };
    let diagnosis = tls::wrong_name(&custom, &facts, std::slice::from_ref(&member));
    assert_eq!(pastes(&diagnosis), [member.host.as_str()]);
    assert!(diagnosis.because[0].contains("*.c9.example.com"));
    assert!(!diagnosis.to_string().contains("verify-ca"), "nothing weaker is ever offered");
}

#[test]
fn a_servers_words_are_whole_and_harmless() {
    let error = ServerError {
        severity: "ERROR".to_owned(),
        code: "42703".to_owned(),
        message: "column \"a\u{1b}[31m\" does not exist".to_owned(),
        detail: Some("one\ntwo".to_owned()),
        hint: Some("Perhaps you meant b.".to_owned()),
        context: None,
        position: Some(7),
        object: None,
    };
    let diagnosis = sql::statement(&error, &endpoint(), true, false);
    assert_eq!((diagnosis.kind, diagnosis.at, diagnosis.code.as_deref()), (Kind::Sql, Some(7), Some("42703")));
    assert_eq!(diagnosis.title, "column \"a␛[31m\" does not exist");
    let said: Vec<_> = diagnosis.server.iter().flat_map(|server| server.labelled()).collect();
    assert_eq!(said, [("DETAIL", "one\ntwo"), ("HINT", "Perhaps you meant b.")]);
    assert!(diagnosis.because.is_empty() && diagnosis.advice.is_empty(), "ours are kept apart: {diagnosis:?}");
    assert_eq!(
        diagnosis.to_string(),
        "column \"a␛[31m\" does not exist\n  detail:  one\n           two\n  hint:    Perhaps you meant b."
    );
    let statement = |code: &str, message: &str, read_only, standby| {
        let error = ServerError { code: code.to_owned(), message: message.to_owned(), ..error.clone() };
        sql::statement(&error, &endpoint(), read_only, standby)
    };
    assert_eq!(statement("57014", "canceling statement due to user request", true, false).kind, Kind::Cancelled);
    assert_eq!(statement("57014", "canceling statement due to statement timeout", true, false).kind, Kind::Sql);
    let reader = statement("25006", "cannot execute INSERT in a read-only transaction", true, true);
    assert!(reader.advice.iter().any(|advice| advice.say.contains("writer")), "{reader}");
    let ours = statement("25006", "cannot execute INSERT in a read-only transaction", true, false);
    assert!(ours.because.iter().any(|cause| cause.contains("opened read-only")), "{ours}");
}

/// What `login::refused` knows when all is as AWS listed it.
fn found<'a>(endpoint: &'a Endpoint, token: &'a Token) -> login::Found<'a> {
    login::Found {
        endpoint,
        user: "oncall",
        database: "shop",
        auth: &Auth::Iam,
        token: Some(token),
        skew: Some(0),
        iam_now: Some(IamAuth::Enabled),
        owner: DatabaseKind::Cluster,
        owner_name: "orders",
        master: None,
        identity: None,
        simulated: None,
        login_ended: None,
        now: token.minted,
    }
}

fn pam() -> ServerError {
    ServerError {
        severity: "FATAL".to_owned(),
        code: "28000".to_owned(),
        message: "PAM authentication failed for user \"oncall\"".to_owned(),
        detail: None,
        hint: None,
        context: None,
        position: None,
        object: None,
    }
}

#[test]
fn a_cause_that_was_seen_stands_alone() {
    let error = pam();
    let endpoint = endpoint();
    let minted = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let token = Token { secret: Secret::new("x"), minted, signed: minted, ends: minted + Duration::from_secs(900) };
    let known = || found(&endpoint, &token);
    for (found, cause) in [
        (login::Found { iam_now: Some(IamAuth::Disabled), ..known() }, "IAM authentication is off on orders"),
        (login::Found { iam_now: Some(IamAuth::Pending { to: true }), ..known() }, "is not on yet"),
        (login::Found { skew: Some(1200), ..known() }, "20 min behind"),
        (login::Found { now: token.ends, ..known() }, "the credentials that signed the token ended"),
    ] {
        let said = login::refused(&error, &found).to_string();
        assert!(said.contains(cause), "{cause}: {said}");
        for guess in ["likely", "possible", "IAM policy", "CREATE USER"] {
            assert!(!said.contains(guess), "{guess} beside {cause}: {said}");
        }
    }
    // Its signature has AWS's time, whatever this machine's clock says.
    let right = Token { signed: minted + Duration::from_secs(1200), ..token.clone() };
    for (found, cause) in [
        (known(), "likely"),
        (login::Found { skew: Some(-200), ..known() }, "3 min ahead of"),
        (
            login::Found { skew: Some(1200), token: Some(&right), ..known() },
            "20 min behind AWS's, which the token allows",
        ),
        (login::Found { iam_now: Some(IamAuth::Pending { to: false }), ..known() }, "and is on until then"),
    ] {
        let said = login::refused(&error, &found).to_string();
        for part in [cause, "likely: no IAM policy allows rds-db:connect", "GRANT rds_iam TO \"oncall\""] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

#[test]
fn what_will_be_switched_off_is_on_until_then() {
    let (endpoint, minted) = (endpoint(), SystemTime::UNIX_EPOCH);
    let token = Token { secret: Secret::new("x"), minted, signed: minted, ends: minted };
    let password = Auth::Password(Secret::new("x"));
    let soon = |auth| login::Found { auth, iam_now: Some(IamAuth::Pending { to: false }), ..found(&endpoint, &token) };
    let said = token::no_password(&pam(), &soon(&password));
    assert_eq!(pastes(&said)[0], "--auth iam", "{said}");
    assert!(!said.to_string().contains("REVOKE"), "{said}");
    let said = token::not_asked(Authentication::ScramSha256, &soon(&Auth::Iam)).to_string();
    assert!(said.contains("GRANT rds_iam TO \"oncall\""), "{said}");
}

/// AWS says whose policy is in the way (IAM User Guide, "Troubleshoot access denied error messages").
#[test]
fn a_statement_is_offered_where_one_helps() {
    let said = |message: &str| {
        let denied = refused(Refused::AccessDenied { resource: Some("arn:x".to_owned()), principal: None }, None);
        aws::of(&Error { message: message.to_owned(), ..denied })
    };
    let own = said("User: u is not authorized to perform: a because no identity-based policy allows the a action");
    assert!(own.advice[0].say.contains("your IAM policy") && pastes(&own).len() == 1, "{own}");
    assert_eq!(said("not authorized").advice, own.advice, "where nothing is said it is the likeliest");
    for (message, words) in [
        (
            "… with an explicit deny in an identity-based policy",
            "the denial of rds:DescribeDBClusters taken out of your",
        ),
        (
            "… with an explicit deny in a service control policy",
            "taken out of the service control policy: no statement",
        ),
        ("… because no VPC endpoint policy allows the a action", "allowed by the vpc endpoint policy: a statement in"),
    ] {
        let said = said(message);
        assert!(said.advice[0].say.contains(words), "{said}");
        assert!(pastes(&said).is_empty(), "{said}");
    }
    let bounded = said("… because no permissions boundary allows the a action");
    assert!(bounded.advice[0].say.ends_with("added to your permissions boundary") && pastes(&bounded).len() == 1);
    let session = said("… because no session policy allows the a action");
    assert!(session.advice[0].say.contains("session policy that the role was assumed with"), "{session}");
}

#[test]
fn a_region_of_the_same_partition_is_asked_with_the_same_profile() {
    let place = Place { profile: Some("prod".to_owned()), region: "cn-northwest-1".to_owned() };
    let said = aws::of(&Error { place, ..refused(Refused::RegionRefused, None) });
    assert_eq!(
        pastes(&said),
        [
            "aws sts get-caller-identity --region cn-north-1 --profile prod",
            "aws account enable-region --region-name cn-northwest-1 --profile prod"
        ]
    );
}

/// What RDS Proxy says (RDS User Guide, "Troubleshooting RDS Proxy issues with RDS for PostgreSQL"), and what the database
/// behind it does: `rds_iam` is the cure of no proxy that comes with a secret's password.
#[test]
fn a_proxy_needs_what_its_own_login_needs() {
    let minted = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let token = Token { secret: Secret::new("x"), minted, signed: minted, ends: minted + Duration::from_secs(900) };
    let password = Auth::Password(Secret::new("x"));
    let said = |code: &str, message: &str, scheme, auth: &Auth| {
        let error = ServerError {
            severity: "FATAL".to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
            detail: None,
            hint: None,
            context: None,
            position: None,
            object: None,
        };
        let proxy = Some(ProxyLogin { scheme, role: None, secrets: Vec::new(), target: None, tags_untold: false });
        let endpoint = Endpoint { role: EndpointRole::Proxy, proxy, ..endpoint() };
        let found = login::Found { owner: DatabaseKind::Proxy, auth, ..found(&endpoint, &token) };
        match message.is_empty() {
            true => token::not_asked(Authentication::ScramSha256, &found),
            false => login::refused(&error, &found),
        }
    };
    let (secrets, end_to_end) = (ProxyScheme::Secrets, ProxyScheme::EndToEnd);
    let lacking =
        "This RDS proxy has no credentials for the role oncall. Check the credentials for this role and try again.";
    let unproven =
        "The IAM authentication failed for the role oncall. Check the IAM token for this role and try again.";
    let wrong = "The password that was provided for the role oncall is wrong.";
    let pam = "PAM authentication failed for user \"oncall\"";
    let iam = Auth::Iam;
    for (code, message, scheme, auth, kind, says) in [
        ("28P01", lacking, secrets, &iam, Kind::LoginRefused, "has no secret of oncall"),
        ("28P01", lacking, end_to_end, &iam, Kind::LoginRefused, "a token of its own role"),
        ("28P01", unproven, secrets, &iam, Kind::TokenRefused, "rds-db:connect on arn:aws:rds-db"),
        (
            "28P01",
            unproven,
            end_to_end,
            &iam,
            Kind::TokenRefused,
            "the proxy's role may not do rds-db:connect as oncall",
        ),
        ("28P01", unproven, secrets, &password, Kind::LoginRefused, "takes tokens from oncall, and no password"),
        ("28P01", wrong, secrets, &password, Kind::PasswordRefused, "the password in the secret of oncall"),
        (
            "28000",
            pam,
            secrets,
            &iam,
            Kind::TokenRefused,
            "oncall has rds_iam at the database, which then takes no password",
        ),
        ("28000", pam, secrets, &password, Kind::LoginRefused, "takes no password from the proxy either"),
        ("28000", pam, end_to_end, &iam, Kind::TokenRefused, "the proxy's role may not do rds-db:connect there"),
        ("", "", secrets, &iam, Kind::TokenRefused, "no secret of oncall that asks for a token"),
        ("", "", end_to_end, &iam, Kind::TokenRefused, "lacks rds_iam there"),
    ] {
        let diagnosis = said(code, message, scheme, auth);
        let text = diagnosis.to_string();
        assert_eq!(diagnosis.kind, kind, "{text}");
        assert!(text.contains(says), "{says}: {text}");
        for wrong in ["GRANT rds_iam", "CREATE USER", "iam-db-auth-error"] {
            assert!(!text.contains(wrong), "{wrong}: {text}");
        }
        let told = text.contains("gatepost policy orders --user oncall");
        assert_eq!(told, message == pam || message != wrong && !(message == unproven && auth == &password), "{text}");
    }
}

#[test]
fn a_proxy_that_shows_tokens_to_a_database_that_takes_none_is_told_so() {
    let target = |iam| ProxyTarget {
        identifier: "orders".to_owned(),
        resource_id: "cluster-1".to_owned(),
        iam,
        tags: Vec::new(),
    };
    let lack = |iam, scheme| {
        proxy::lack(
            "oncall",
            &endpoint().place,
            &ProxyLogin { scheme, role: None, secrets: Vec::new(), target: Some(target(iam)), tags_untold: false },
        )
    };
    let off = "IAM authentication of orders, behind it, is disabled, and the proxy logs in to the database with a token of its \
               own role";
    assert_eq!(lack(IamAuth::Disabled, ProxyScheme::EndToEnd), off);
    let login = ProxyLogin {
        scheme: ProxyScheme::EndToEnd,
        role: None,
        secrets: Vec::new(),
        target: Some(target(IamAuth::Pending { to: true })),
        tags_untold: false,
    };
    let minted = SystemTime::UNIX_EPOCH;
    let token = Token { secret: Secret::new("x"), minted, signed: minted, ends: minted };
    let endpoint = Endpoint { role: EndpointRole::Proxy, proxy: Some(login.clone()), ..endpoint() };
    let needed = proxy::needs(Diagnosis::new(Kind::TokenRefused, "no"), &found(&endpoint, &token), &login);
    assert_eq!(
        pastes(&needed),
        ["gatepost enable-iam orders --region eu-west-1", "gatepost policy orders --user oncall --region eu-west-1"]
    );
    assert!(lack(IamAuth::Enabled, ProxyScheme::EndToEnd).starts_with("likely: "));
    assert!(lack(IamAuth::Disabled, ProxyScheme::Secrets).starts_with("likely: "), "its secret's password is taken");
}

#[test]
fn a_proxy_that_asks_for_no_token_is_told_how_it_would() {
    let proxy = Some(ProxyLogin {
        scheme: ProxyScheme::Secrets,
        role: None,
        secrets: Vec::new(),
        target: None,
        tags_untold: false,
    });
    let endpoint = Endpoint { role: EndpointRole::Proxy, iam: IamAuth::Disabled, proxy, ..endpoint() };
    let minted = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let token = Token { secret: Secret::new("x"), minted, signed: minted, ends: minted + Duration::from_secs(900) };
    let off = login::Found { iam_now: Some(IamAuth::Disabled), owner: DatabaseKind::Proxy, ..found(&endpoint, &token) };
    let said = token::not_asked(Authentication::ScramSha256, &off).to_string();
    // Its database is not to log it in otherwise than now.
    assert!(said.contains("\"IAMAuth\":\"REQUIRED\"") && !said.contains("default-auth-scheme"), "{said}");
}

#[test]
fn a_region_is_named_for_what_it_refused_itself() {
    let place = Place { profile: None, region: "us-east-1".to_owned() };
    let error = Error { operation: "iam:GetRole", place, ..refused(Refused::RegionRefused, None) };
    let said = aws::of(&error);
    assert_eq!(said.title, "us-east-1, where IAM is for all regions, does not know these credentials (iam:GetRole)");
    assert_eq!(pastes(&said), ["aws sts get-caller-identity --region us-east-1"]);
    let place = Place { profile: None, region: "ap-east-1".to_owned() };
    let error = Error { operation: "sts:GetCallerIdentity", place, ..refused(Refused::RegionRefused, None) };
    assert!(pastes(&aws::of(&error)).contains(&"aws account enable-region --region-name ap-east-1"));
}

#[test]
fn spans_are_short() {
    assert_eq!([span(59), span(150), span(7200), span(180_000)], ["59 s", "2 min", "2 h", "2 days"]);
}
