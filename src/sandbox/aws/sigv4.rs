//! Signature Version 4 seen from AWS's side: from what was really received, the signature is computed again and compared.
//! It must not know which service asks, how a refusal is written on the wire, or what the request wants.
//!
//! Source: AWS, "Create a signed AWS API request" (reference_sigv-create-signed-request).

mod canonical;
mod refusal;

pub use canonical::sha256_hex;
pub use refusal::Refusal;

use self::canonical::{canonical_query, canonical_request, decoded, header, signer, sorted_as_it_stands, unhex};
use crate::sandbox::clock::Clock;
use crate::sandbox::keys;
use hmac::Mac;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// SHA-256 of nothing, in hex: the body of a GET and of a web socket's upgrade.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The one algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far a request's date may be from AWS's clock.
const SKEW: Duration = Duration::from_secs(5 * 60);
/// The longest life of an IAM database token, in seconds; RDS refuses more (aws-facts.md A.1).
const LONGEST_TOKEN: u64 = 900;
/// The longest life of any other presigned request, in seconds.
const LONGEST_PRESIGNED: u64 = 604_800;

/// A request whose signature is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Region of the credential scope.
    pub region: String,
    /// Service of the credential scope.
    pub service: String,
    /// `X-Amz-Date`.
    pub signed_at: SystemTime,
    /// When it ends: `X-Amz-Expires` after the date for a presigned request, five minutes after it for another.
    pub ends: SystemTime,
    /// The query's parameters, decoded, in the order received; of a presigned request without those that sign it.
    pub query: Vec<(String, String)>,
}

impl Verified {
    /// The first value of a parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What `Credential=` or `X-Amz-Credential` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The access key's id.
    pub access_key_id: String,
    /// `YYYYMMDD`.
    pub date: String,
    /// The region, e.g. `eu-west-1`.
    pub region: String,
    /// The service, e.g. `rds`.
    pub service: String,
}

impl Scope {
    /// From `KEY/20261122/eu-west-1/rds/aws4_request`.
    fn parse(text: &str) -> Option<Scope> {
        let mut parts = text.split('/');
        let scope = Scope {
            access_key_id: parts.next()?.to_owned(),
            date: parts.next()?.to_owned(),
            region: parts.next()?.to_owned(),
            service: parts.next()?.to_owned(),
        };
        (parts.next() == Some("aws4_request") && parts.next().is_none()).then_some(scope)
    }

    /// From a request's headers, unverified: enough to know in which service's words to refuse.
    pub fn claimed(headers: &[(String, String)]) -> Option<Scope> {
        Authorization::parse(&header(headers, "authorization")?).ok().map(|authorization| authorization.scope)
    }

    fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

/// Checks a request that is signed by its `Authorization` header. `path` and `raw_query` are as received (no `?`);
/// `headers` are all that came, in order; `body_sha256` is lower-case hex of the body really received.
pub fn verify_header(
    method: &str,
    path: &str,
    raw_query: &str,
    headers: &[(String, String)],
    body_sha256: &str,
    service: &str,
    clock: &Clock,
) -> Result<Verified, Refusal> {
    let authorization = Authorization::parse(&header(headers, "authorization").ok_or(Refusal::Unsigned)?)?;
    let date = header(headers, "x-amz-date").ok_or_else(|| {
        Refusal::Incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".into(),
        )
    })?;
    let signed_at = scope_date(&date, &authorization.scope)?;
    right_service(&authorization.scope, service)?;
    known_key(&authorization.scope, header(headers, "x-amz-security-token").as_deref())?;
    near(signed_at, clock.now())?;
    every_amz_header_is_signed(headers, &authorization.signed_headers)?;
    if header(headers, "x-amz-content-sha256").is_some_and(|claimed| claimed != body_sha256) {
        return Err(Refusal::Mismatch);
    }
    // Signers disagree about a raw query that is not in canonical form (StreamUrl's `cell-number` has bare `+`, `/`, `=`):
    // botocore signs it as it stands, Go's and Rust's signers read `+` as a space, others as itself. Whoever signed
    // any of these had the secret and this very query in hand.
    let mut queries = vec![
        canonical_query(&decoded(raw_query, false)),
        canonical_query(&decoded(raw_query, true)),
        sorted_as_it_stands(raw_query),
    ];
    queries.dedup();
    let right = queries.iter().any(|query| {
        let request = canonical_request(method, path, query, headers, &authorization.signed_headers, body_sha256);
        request.is_some_and(|request| authorization.matches(&date, &request))
    });
    if !right {
        return Err(Refusal::Mismatch);
    }
    Ok(Verified {
        region: authorization.scope.region,
        service: authorization.scope.service,
        signed_at,
        ends: signed_at + SKEW,
        query: decoded(raw_query, false),
    })
}

/// Checks a request that is signed in its query, as an IAM database token is (method `GET`, path `/`, service `rds-db`,
/// `host` with its port as the signer had it). Everything but `host` must be in the query.
pub fn verify_presigned(
    method: &str,
    host: &str,
    path: &str,
    raw_query: &str,
    service: &str,
    now: SystemTime,
) -> Result<Verified, Refusal> {
    let parameters = decoded(raw_query, false);
    let get = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let need = |name: &str| {
        get(name).ok_or_else(|| Refusal::Incomplete(format!("AWS query-string parameters must include '{name}'.")))
    };
    if get("X-Amz-Signature").is_none() && get("X-Amz-Credential").is_none() {
        return Err(Refusal::Unsigned);
    }
    if need("X-Amz-Algorithm")? != ALGORITHM {
        return Err(Refusal::Incomplete(format!("X-Amz-Algorithm must be '{ALGORITHM}'.")));
    }
    let scope = Scope::parse(need("X-Amz-Credential")?).ok_or_else(|| {
        Refusal::Incomplete("X-Amz-Credential is not of the form KEY/DATE/REGION/SERVICE/aws4_request.".into())
    })?;
    let authorization = Authorization {
        scope,
        signed_headers: need("X-Amz-SignedHeaders")?.split(';').map(str::to_owned).collect(),
        signature: unhex(need("X-Amz-Signature")?).ok_or(Refusal::Mismatch)?,
    };
    if authorization.signed_headers != ["host"] {
        return Err(Refusal::Incomplete("'host' must be the one signed header of this request.".into()));
    }
    let date = need("X-Amz-Date")?.to_owned();
    let signed_at = scope_date(&date, &authorization.scope)?;
    let expires: u64 =
        need("X-Amz-Expires")?.parse().map_err(|_| Refusal::Incomplete("X-Amz-Expires should be a number".into()))?;
    right_service(&authorization.scope, service)?;
    let limit = if service == "rds-db" { LONGEST_TOKEN } else { LONGEST_PRESIGNED };
    if expires > limit {
        return Err(Refusal::TooLong { expires, limit });
    }
    known_key(&authorization.scope, get("X-Amz-Security-Token"))?;
    let ends = signed_at + Duration::from_secs(expires);
    if now > ends {
        return Err(Refusal::Ended { signed: date, expires, now: stamp(now) });
    }
    if signed_at > now + SKEW {
        return Err(Refusal::NotYet { signed: date, limit: stamp(now + SKEW), now: stamp(now) });
    }
    let signed: Vec<(String, String)> =
        parameters.iter().filter(|(key, _)| key != "X-Amz-Signature").cloned().collect();
    let headers = [("host".to_owned(), host.to_owned())];
    let request = canonical_request(
        method,
        path,
        &canonical_query(&signed),
        &headers,
        &authorization.signed_headers,
        EMPTY_SHA256,
    )
    .ok_or(Refusal::Mismatch)?;
    if !authorization.matches(&date, &request) {
        return Err(Refusal::Mismatch);
    }
    Ok(Verified {
        region: authorization.scope.region,
        service: authorization.scope.service,
        signed_at,
        ends,
        query: signed.into_iter().filter(|(key, _)| !key.starts_with("X-Amz-")).collect(),
    })
}

/// The three parts of an `Authorization` header.
struct Authorization {
    scope: Scope,
    signed_headers: Vec<String>,
    signature: Vec<u8>,
}

impl Authorization {
    fn parse(text: &str) -> Result<Authorization, Refusal> {
        let incomplete = |what: &str| Refusal::Incomplete(format!("Authorization header requires '{what}' parameter."));
        let Some(fields) = text.strip_prefix(ALGORITHM) else {
            return Err(Refusal::Incomplete(format!(
                "Unsupported AWS 'algorithm': the Authorization header must begin with '{ALGORITHM}'."
            )));
        };
        let fields: BTreeMap<&str, &str> = fields.split(',').filter_map(|field| field.trim().split_once('=')).collect();
        let get = |name: &str| fields.get(name).copied().ok_or_else(|| incomplete(name));
        Ok(Authorization {
            scope: Scope::parse(get("Credential")?).ok_or_else(|| incomplete("Credential"))?,
            signed_headers: get("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: unhex(get("Signature")?).ok_or(Refusal::Mismatch)?,
        })
    }

    fn matches(&self, date: &str, canonical_request: &str) -> bool {
        let text = format!("{ALGORITHM}\n{date}\n{}\n{}", self.scope.text(), sha256_hex(canonical_request.as_bytes()));
        signer(keys::SECRET_ACCESS_KEY, &self.scope, &text).verify_slice(&self.signature).is_ok()
    }
}

fn every_amz_header_is_signed(headers: &[(String, String)], signed: &[String]) -> Result<(), Refusal> {
    let unsigned = |name: &str| !signed.iter().any(|known| known == name);
    if unsigned("host") {
        return Err(Refusal::Incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.".into()));
    }
    for (name, _) in headers {
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-amz-") && unsigned(&name) {
            return Err(Refusal::Incomplete(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")));
        }
    }
    Ok(())
}

fn right_service(scope: &Scope, service: &str) -> Result<(), Refusal> {
    if scope.service == service { Ok(()) } else { Err(Refusal::WrongService { expected: service.to_owned() }) }
}

fn known_key(scope: &Scope, session_token: Option<&str>) -> Result<(), Refusal> {
    if scope.access_key_id == keys::ACCESS_KEY_ID && session_token == Some(keys::SESSION_TOKEN) {
        Ok(())
    } else {
        Err(Refusal::UnknownKey)
    }
}

fn scope_date(date: &str, scope: &Scope) -> Result<SystemTime, Refusal> {
    let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date)
        .ok()
        .filter(|_| date.len() == 16)
        .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok())
        .ok_or_else(|| Refusal::Incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{date}'.")))?;
    if !date.starts_with(&scope.date) || scope.date.len() != 8 {
        return Err(Refusal::Incomplete(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{date}'.",
            scope.date
        )));
    }
    Ok(parsed.timestamp().into())
}

fn near(signed_at: SystemTime, now: SystemTime) -> Result<(), Refusal> {
    if signed_at + SKEW < now {
        return Err(Refusal::Stale { signed: stamp(signed_at), limit: stamp(now - SKEW), now: stamp(now) });
    }
    if signed_at > now + SKEW {
        return Err(Refusal::NotYet { signed: stamp(signed_at), limit: stamp(now + SKEW), now: stamp(now) });
    }
    Ok(())
}

/// `20261122T080000Z`.
fn stamp(at: SystemTime) -> String {
    Timestamp::try_from(at).map_or_else(|_| "?".to_owned(), |at| at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::canonical::hex;
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// Signs as a client would, so that the refusals below differ from an accepted token in one thing only.
    fn token(host: &str, user: &str, signed_at: SystemTime, expires: &str, secret: &str) -> String {
        let date = stamp(signed_at);
        let scope = Scope {
            access_key_id: keys::ACCESS_KEY_ID.to_owned(),
            date: date[..8].to_owned(),
            region: keys::REGION.to_owned(),
            service: "rds-db".to_owned(),
        };
        let query = canonical_query(&pairs(&[
            ("Action", "connect"),
            ("DBUser", user),
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &format!("{}/{}", keys::ACCESS_KEY_ID, scope.text())),
            ("X-Amz-Date", &date),
            ("X-Amz-Expires", expires),
            ("X-Amz-SignedHeaders", "host"),
            ("X-Amz-Security-Token", keys::SESSION_TOKEN),
        ]));
        let headers = pairs(&[("host", host)]);
        let request =
            canonical_request("GET", "/", &query, &headers, &["host".to_owned()], EMPTY_SHA256).expect("host");
        let text = format!("{ALGORITHM}\n{date}\n{}\n{}", scope.text(), sha256_hex(request.as_bytes()));
        let signature = signer(secret, &scope, &text).finalize().into_bytes();
        format!("{query}&X-Amz-Signature={}", hex(&signature))
    }

    #[test]
    fn a_token_is_accepted_for_its_host_until_its_end() {
        let host = "orders-prod.cluster-c9akciq32xyz.eu-west-1.rds.amazonaws.com:5432";
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_400_000);
        let good = token(host, "a+b c@x.com", then, "900", keys::SECRET_ACCESS_KEY);
        let check = |host: &str, token: &str, after: u64| {
            verify_presigned("GET", host, "/", token, "rds-db", then + Duration::from_secs(after))
        };
        let verified = check(host, &good, 900).expect("in time");
        assert_eq!(verified.parameter("DBUser"), Some("a+b c@x.com"));
        assert_eq!(verified.region, keys::REGION);
        assert!(matches!(check(host, &good, 901), Err(Refusal::Ended { expires: 900, .. })));
        assert_eq!(check("localhost:5432", &good, 1), Err(Refusal::Mismatch));
        assert_eq!(check(host, &good.replace("DBUser=a%2Bb", "DBUser=b%2Bb"), 1), Err(Refusal::Mismatch));
        assert_eq!(check(host, &token(host, "oncall", then, "900", "another"), 1), Err(Refusal::Mismatch));
        let long = token(host, "oncall", then, "901", keys::SECRET_ACCESS_KEY);
        assert_eq!(check(host, &long, 1), Err(Refusal::TooLong { expires: 901, limit: 900 }));
        let early = token(host, "oncall", then + Duration::from_secs(600), "900", keys::SECRET_ACCESS_KEY);
        assert!(matches!(check(host, &early, 1), Err(Refusal::NotYet { .. })));
        assert_eq!(check(host, "Action=connect&DBUser=oncall", 1), Err(Refusal::Unsigned));
        let other = good.replace(keys::ACCESS_KEY_ID, "ASIASOMEBODYELSES000");
        assert_eq!(check(host, &other, 1), Err(Refusal::UnknownKey));
        assert!(matches!(verify_presigned("GET", host, "/", &good, "rds", then), Err(Refusal::WrongService { .. })));
    }
}
