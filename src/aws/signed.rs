//! A signed call without an SDK: where its service is, its signature, its answer's text, and when to ask again. It must
//! not know what is asked.

use super::error::{Error, Kind};
use crate::model::AwsSettings;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use rand::RngExt;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How often one request is sent at most.
const ATTEMPTS: u32 = 4;

/// A POST.
pub(super) struct Call<'a> {
    /// As it is signed for.
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) url: &'a str,
    /// Signed as well.
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a str,
}

impl Call<'_> {
    /// With its signature (AWS Signature Version 4, in headers).
    pub(super) fn signed(&self, credentials: Credentials, now: SystemTime) -> Result<HttpRequest, String> {
        let identity: Identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let body = SignableBody::Bytes(self.body.as_bytes());
        let signable = SignableRequest::new("POST", self.url, self.headers.iter().copied(), body)
            .map_err(|error| error.to_string())?;
        let (instructions, _) = sign(signable, &parameters).map_err(|error| error.to_string())?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(self.body));
        request.set_method("POST").map_err(|error| error.to_string())?;
        request.set_uri(self.url.to_owned()).map_err(|error| error.to_string())?;
        for (name, value) in self.headers {
            request.headers_mut().insert((*name).to_owned(), (*value).to_owned());
        }
        for (name, value) in instructions.headers() {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }
}

/// The service's address: an endpoint given to gatepost, else `own` (the service's own variable or the profile's), else
/// one for all services, else AWS's.
pub(super) fn endpoint(
    settings: &AwsSettings,
    own: Option<String>,
    all: Option<&str>,
    service: &str,
    region: &str,
) -> String {
    let chosen = settings
        .endpoint_url
        .clone()
        .or(own)
        .or_else(|| all.map(str::to_owned))
        .unwrap_or_else(|| usual_endpoint(service, region));
    format!("{}/", chosen.trim_end_matches('/'))
}

/// How the regions of a partition begin, the partition, its DNS suffix, and a region that every account of it has (AWS SDKs,
/// `partitions.json`); the first that fits.
const PARTITIONS: [(&str, &str, &str, &str); 8] = [
    ("cn-", "aws-cn", "amazonaws.com.cn", "cn-north-1"),
    ("us-gov-", "aws-us-gov", "amazonaws.com", "us-gov-west-1"),
    ("us-iso-", "aws-iso", "c2s.ic.gov", "us-iso-east-1"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov", "us-isob-east-1"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "eu-isoe-west-1"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov", "us-isof-south-1"),
    ("eusc-", "aws-eusc", "amazonaws.eu", "eusc-de-east-1"),
    ("", "aws", "amazonaws.com", "us-east-1"),
];

fn partition(region: &str) -> (&'static str, &'static str, &'static str) {
    let fits = PARTITIONS.iter().find(|(begins, ..)| region.starts_with(begins));
    fits.map_or(("aws", "amazonaws.com", "us-east-1"), |(_, name, suffix, home)| (name, suffix, home))
}

/// AWS's own endpoint of a service, without a slash at its end. IAM's is one a partition.
pub fn usual_endpoint(service: &str, region: &str) -> String {
    match service {
        "iam" => format!("https://{}", super::iam::global(partition(region).0, region).1),
        _ => format!("https://{service}.{region}.{}", dns_suffix(region)),
    }
}

/// A region of the same partition that every account has.
pub fn home_region(region: &str) -> &'static str {
    partition(region).2
}

/// The DNS suffix of a region's partition.
pub(super) fn dns_suffix(region: &str) -> &'static str {
    partition(region).1
}

/// How long to wait before asking again what failed so; `None` when that makes no sense or there is no time.
pub(super) fn wait_before_next(error: &Error, attempt: u32, deadline: Instant) -> Option<Duration> {
    let again = matches!(error.kind, Kind::Throttled | Kind::Unreachable)
        || error.code.as_deref().is_some_and(|code| code.contains("Internal") || code.contains("Unavailable"));
    let wait = Duration::from_millis(400 << attempt).mul_f64(rand::rng().random_range(0.0..1.0));
    (again && attempt < ATTEMPTS && Instant::now() + wait < deadline).then_some(wait)
}

/// The answer's text, so long at most.
pub(super) async fn body(
    response: HttpResponse,
    longest: usize,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let limited = http_body_util::Limited::new(response.into_body(), longest);
    let bytes = limited.collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec())?)
}
