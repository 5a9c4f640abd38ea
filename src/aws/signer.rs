//! Signatures made here, without asking anybody: IAM database tokens, and the upgrade of the data channel's web socket.
//! Pure: time and credentials are given.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningInstructions, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::time::{Duration, SystemTime};

/// How long a database token lives (AWS, "Connecting to your DB instance using IAM authentication"); RDS refuses more.
pub const TOKEN_LIFE: Duration = Duration::from_secs(900);

/// What RFC 3986 leaves as it is; botocore's `percent_encode` and SigV4 agree on it.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The order in which botocore's `SigV4QueryAuth` writes its parameters.
const ORDER: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];

/// AWS credentials to sign with.
#[derive(Clone)]
pub struct Keys(pub(super) Credentials);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(••••)")
    }
}

impl Keys {
    /// From an access key.
    pub fn new(
        access_key_id: &str,
        secret_access_key: &str,
        session_token: Option<&str>,
        ends: Option<SystemTime>,
    ) -> Keys {
        Keys(Credentials::new(access_key_id, secret_access_key, session_token.map(str::to_owned), ends, "gatepost"))
    }

    /// When they end, if they end.
    pub fn ends(&self) -> Option<SystemTime> {
        self.0.expiry()
    }
}

/// Signing failed: a host or URL that is none.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign for {what:?}: {reason}")]
pub struct Unsignable {
    what: String,
    reason: String,
}

/// A token for `rds-db:connect`: byte for byte what botocore's `generate_db_auth_token` gives in the same second.
///
/// Not the SDK's `AuthTokenGenerator`, which leaves the user unencoded and so signs for another user (`a+b`), or panics
/// (a space).
pub fn token(
    host: &str,
    port: u16,
    user: &str,
    region: &str,
    keys: &Keys,
    now: SystemTime,
) -> Result<String, Unsignable> {
    let start = format!("{host}:{port}/?Action=connect&DBUser={}", utf8_percent_encode(user, RESERVED));
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(TOKEN_LIFE);
    let signed = signed(&format!("https://{start}"), "rds-db", region, keys, now, settings)?;
    let mut token = start;
    for name in ORDER {
        if let Some((_, value)) = signed.params().iter().find(|(given, _)| *given == name) {
            token.push('&');
            token.push_str(name);
            token.push('=');
            token.extend(utf8_percent_encode(value, RESERVED));
        }
    }
    Ok(token)
}

/// Headers for the upgrade of the data channel's web socket: `host`, `x-amz-date` and the session token are signed,
/// nothing else. None for a URL that carries its signature already.
///
/// Source: session-manager-plugin 1.2.764, `communicator/websocketchannel.go`.
pub fn upgrade_headers(
    url: &str,
    region: &str,
    keys: &Keys,
    now: SystemTime,
) -> Result<Vec<(String, String)>, Unsignable> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    if query.split('&').any(|pair| pair.to_ascii_lowercase().starts_with("x-amz-")) {
        return Ok(Vec::new());
    }
    let signed = signed(url, "ssmmessages", region, keys, now, SigningSettings::default())?;
    Ok(signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn signed(
    url: &str,
    service: &str,
    region: &str,
    keys: &Keys,
    now: SystemTime,
    settings: SigningSettings,
) -> Result<SigningInstructions, Unsignable> {
    let unsignable = |error: &(dyn std::error::Error + 'static)| Unsignable {
        what: url.split('?').next().unwrap_or_default().to_owned(),
        reason: super::error::chain(error).join(": "),
    };
    let identity: Identity = keys.0.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| unsignable(&error))?
        .into();
    let request = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::empty())
        .map_err(|error| unsignable(&error))?;
    let (instructions, _) = sign(request, &parameters).map_err(|error| unsignable(&error))?.into_parts();
    Ok(instructions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// 2026-11-22T12:34:56Z
    const MOMENT: u64 = 1_795_350_896;
    const ACCESS_KEY: &str = "ASIAEXAMPLEKEY000000";
    const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const SESSION: &str = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCWV1LXdlc3QtMSJHMEUCIQD+a/b==";

    fn moment() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(MOMENT)
    }

    /// Host, port, user, region, session token, and what botocore gives.
    type Golden = (&'static str, u16, &'static str, &'static str, Option<&'static str>, &'static str);

    /// Made with botocore at that moment: `python3 -c "$BOTOCORE" ACCESS_KEY SECRET_KEY SESSION 1795350896 HOST PORT USER
    /// REGION …`, the program below.
    const GOLDEN: [Golden; 4] = [
        (
            "orders.cluster-c9.eu-west-1.rds.amazonaws.com",
            5432,
            "oncall",
            "eu-west-1",
            None,
            "orders.cluster-c9.eu-west-1.rds.amazonaws.com:5432/?Action=connect&DBUser=oncall&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAEXAMPLEKEY000000%2F20261122%2Feu-west-1%2Frds-db%2Faws4_request&X-Amz-Date=20261122T123456Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=0ca3f08180c39425088b6ce04e26cc7f52fe8fe93c1eef71dc942062ad8747b1",
        ),
        (
            "orders.cluster-c9.eu-west-1.rds.amazonaws.com",
            5432,
            "a+b c@x.com",
            "eu-west-1",
            Some(SESSION),
            "orders.cluster-c9.eu-west-1.rds.amazonaws.com:5432/?Action=connect&DBUser=a%2Bb%20c%40x.com&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAEXAMPLEKEY000000%2F20261122%2Feu-west-1%2Frds-db%2Faws4_request&X-Amz-Date=20261122T123456Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token=IQoJb3JpZ2luX2VjEXAMPLE%2F%2F%2F%2F%2F%2F%2F%2F%2F%2FwEaCWV1LXdlc3QtMSJHMEUCIQD%2Ba%2Fb%3D%3D&X-Amz-Signature=db9c89cb37ecc0a8a2d9a53c51950a5021899d157d628512784514712196f28e",
        ),
        (
            "orders.rds.cn-north-1.amazonaws.com.cn",
            5433,
            "ü",
            "cn-north-1",
            Some(SESSION),
            "orders.rds.cn-north-1.amazonaws.com.cn:5433/?Action=connect&DBUser=%C3%BC&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAEXAMPLEKEY000000%2F20261122%2Fcn-north-1%2Frds-db%2Faws4_request&X-Amz-Date=20261122T123456Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token=IQoJb3JpZ2luX2VjEXAMPLE%2F%2F%2F%2F%2F%2F%2F%2F%2F%2FwEaCWV1LXdlc3QtMSJHMEUCIQD%2Ba%2Fb%3D%3D&X-Amz-Signature=a3b44560badc0d0de8a2a63a0a5eb7db4168ed82c2779746c3968a0bea358715",
        ),
        (
            "orders.c9.us-gov-west-1.rds.amazonaws.com",
            443,
            "a&b#c%41/d=e?~*",
            "us-gov-west-1",
            None,
            "orders.c9.us-gov-west-1.rds.amazonaws.com:443/?Action=connect&DBUser=a%26b%23c%2541%2Fd%3De%3F~%2A&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAEXAMPLEKEY000000%2F20261122%2Fus-gov-west-1%2Frds-db%2Faws4_request&X-Amz-Date=20261122T123456Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=60b3ccc311fc99cfc90ff9a1c0b0c4de70b6f516832b18217785d41da1b5d98a",
        ),
    ];

    #[test]
    fn tokens_are_botocores_byte_for_byte() {
        for (host, port, user, region, session, expected) in GOLDEN {
            let keys = Keys::new(ACCESS_KEY, SECRET_KEY, session, None);
            assert_eq!(token(host, port, user, region, &keys, moment()).expect("signable"), expected, "{user}");
        }
    }

    /// Prints botocore's tokens for a frozen moment: one for each four arguments HOST PORT USER REGION, alternately without
    /// and with the session token.
    const BOTOCORE: &str = r"
import sys, datetime, botocore.auth, botocore.session
access, secret, session, moment = sys.argv[1:5]
frozen = datetime.datetime.fromtimestamp(int(moment), datetime.timezone.utc).replace(tzinfo=None)
botocore.auth.get_current_datetime = lambda *a, **k: frozen
clients = {}
for at in range(5, len(sys.argv), 4):
    host, port, user, region = sys.argv[at:at + 4]
    token = session if (at - 5) // 4 % 2 else None
    if (region, token) not in clients:
        made = botocore.session.get_session()
        made.set_credentials(access, secret, token)
        clients[region, token] = made.create_client('rds', region_name=region)
    print(clients[region, token].generate_db_auth_token(host, int(port), user))
";

    #[test]
    fn and_remain_so_beside_a_living_botocore() {
        let own = std::env::var("GATEPOST_TEST_PYTHON").unwrap_or_default();
        let Some(python) = [own.as_str(), "python3"].into_iter().filter(|python| !python.is_empty()).find(|python| {
            let probe = "import botocore.auth as a; assert hasattr(a, 'get_current_datetime')";
            Command::new(python).args(["-c", probe]).output().is_ok_and(|output| output.status.success())
        }) else {
            eprintln!("skipped: no python with botocore (python3 -m venv V && V/bin/pip install boto3, then");
            eprintln!("GATEPOST_TEST_PYTHON=V/bin/python)");
            return;
        };
        let users = ["oncall", "a+b c@x.com", "ü", "o'neil", "A.B_c~d-e", "日本", "a\"b\\c", "%2B", "a&DBUser=root"];
        let mut command = Command::new(python);
        command.args(["-c", BOTOCORE, ACCESS_KEY, SECRET_KEY, SESSION, &MOMENT.to_string()]);
        let mut ours = Vec::new();
        for (host, port, region) in [
            ("db.c9.eu-west-1.rds.amazonaws.com", 5432, "eu-west-1"),
            ("db.c9.rds.cn-north-1.amazonaws.com.cn", 3306, "cn-north-1"),
            ("db.c9.us-gov-west-1.rds.amazonaws.com", 443, "us-gov-west-1"),
        ] {
            for user in users.iter().flat_map(|user| [user, user]) {
                command.args([host, &port.to_string(), user, region]);
                let session = (ours.len() % 2 == 1).then_some(SESSION);
                let keys = Keys::new(ACCESS_KEY, SECRET_KEY, session, None);
                ours.push(token(host, port, user, region, &keys, moment()).expect("signable"));
            }
        }
        let output = command.output().expect("python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("ASCII");
        assert_eq!(ours, text.lines().collect::<Vec<_>>());
    }

    #[test]
    fn an_upgrade_signs_host_date_and_token_only() {
        let url = "wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/me-0a1?role=publish_subscribe&cell-number=AAE+/w==";
        let keys = Keys::new(ACCESS_KEY, SECRET_KEY, Some(SESSION), None);
        let headers = upgrade_headers(url, "eu-west-1", &keys, moment()).expect("signable");
        let value =
            |name: &str| headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
        let authorization = value("authorization").expect("authorization");
        assert!(
            authorization.contains("20261122/eu-west-1/ssmmessages/aws4_request")
                && authorization.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"),
            "{authorization}"
        );
        assert_eq!(value("x-amz-date"), Some("20261122T123456Z"));
        assert_eq!(value("x-amz-security-token"), Some(SESSION));
        let signed = format!("{url}&X-Amz-Signature=ab");
        assert_eq!(upgrade_headers(&signed, "eu-west-1", &keys, moment()).expect("signed already"), []);
    }

    #[test]
    fn a_host_that_is_none_is_an_error() {
        let keys = Keys::new(ACCESS_KEY, SECRET_KEY, None, None);
        assert!(token("no host", 5432, "u", "eu-west-1", &keys, moment()).is_err());
    }
}
