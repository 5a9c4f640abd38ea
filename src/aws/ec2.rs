//! The two questions to EC2, as signed calls of its Query API: `aws-sdk-ec2` would be 1.2 million lines for them.
//!
//! Source: Amazon EC2 API Reference, version 2016-11-15.

use super::cloud::{Clients, Cloud};
use super::error::{Error, Kind};
use super::xml::{self, Element};
use crate::model::Place;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_types::service_config::ServiceConfigKey;
use http_body_util::BodyExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand::RngExt;
use std::time::{Duration, SystemTime};

const VERSION: &str = "2016-11-15";
/// How often one request is sent at most.
const ATTEMPTS: u32 = 4;
/// Values in one filter; EC2 takes 200.
const VALUES: usize = 100;
/// The longest answer that is read.
const LONGEST_ANSWER: usize = 32 << 20;

impl Cloud {
    /// All pages of `action` for those `filter` values; the `list` element's items of each page.
    pub(super) async fn ec2(
        &self,
        operation: &'static str,
        place: &Place,
        filter: &str,
        values: &[String],
        list: &str,
    ) -> Result<Vec<Element>, Error> {
        let action = operation.trim_start_matches("ec2:");
        let mut items = Vec::new();
        for values in values.chunks(VALUES) {
            let mut next: Option<String> = None;
            loop {
                let mut form = format!("Action={action}&Version={VERSION}&Filter.1.Name={filter}");
                for (at, value) in values.iter().enumerate() {
                    form.push_str(&format!("&Filter.1.Value.{}={}", at + 1, encode(value)));
                }
                if let Some(token) = &next {
                    form.push_str(&format!("&NextToken={}", encode(token)));
                }
                let answer = self.ec2_page(operation, place, form).await?;
                items.extend(answer.items(list).cloned());
                let following = answer.text_of("nextToken").map(str::to_owned);
                if following.is_none() || following == next {
                    break;
                }
                next = following;
            }
        }
        Ok(items)
    }

    async fn ec2_page(&self, operation: &'static str, place: &Place, form: String) -> Result<Element, Error> {
        let deadline = tokio::time::Instant::now() + self.timeout();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let asked = tokio::time::timeout_at(deadline, self.ec2_once(operation, place, &form, attempt)).await;
            let error = match asked {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => {
                    let message = format!("no answer within {} s", self.timeout().as_secs());
                    return Err(Error {
                        operation,
                        code: None,
                        message,
                        kind: Kind::Unreachable,
                        place: place.clone(),
                        attempts: attempt,
                        source: None,
                    });
                }
            };
            let again = matches!(error.kind, Kind::Throttled | Kind::Unreachable)
                || error.code.as_deref().is_some_and(|code| code.contains("Internal") || code.contains("Unavailable"));
            let wait = Duration::from_millis(400 << attempt).mul_f64(rand::rng().random_range(0.0..1.0));
            if !again || attempt == ATTEMPTS || tokio::time::Instant::now() + wait >= deadline {
                return Err(self.failed(place, error).await);
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn ec2_once(
        &self,
        operation: &'static str,
        place: &Place,
        form: &str,
        attempt: u32,
    ) -> Result<Element, Error> {
        let credentials = self.credentials(operation, place).await?;
        let clients = self.clients(place).await;
        let url = self.ec2_endpoint(&clients, &place.region);
        let request = signed(&url, form, &place.region, credentials, self.now())
            .map_err(|reason| Error::configuration(place, format!("{url}: {reason}")))?;
        let sent = self.network().connector.call(request).await;
        let response = sent.map_err(|error| Error::from_transport(operation, place, attempt, Box::new(error)))?;
        if let Some(date) = response.headers().get("date") {
            self.skew().note(date);
        }
        let status = response.status().as_u16();
        let text = body(response).await.map_err(|error| Error::from_transport(operation, place, attempt, error))?;
        let answer = xml::parse(&text);
        if (200..300).contains(&status)
            && let Some(answer) = answer
        {
            return Ok(answer);
        }
        let refusal = answer.as_ref().and_then(|answer| answer.find("Error"));
        let (code, message) = match refusal {
            Some(refusal) => (refusal.text_of("Code"), refusal.text_of("Message")),
            None => (None, None),
        };
        let Some(code) = code else {
            let message = format!("HTTP {status} without an answer of EC2's in it");
            return Err(Error::from_transport(operation, place, attempt, message.into()));
        };
        let message = message.unwrap_or(code).to_owned();
        Err(Error::from_answer(operation, place, attempt, clients.origin.clone(), code.to_owned(), message))
    }

    /// An endpoint given to gatepost, else `AWS_ENDPOINT_URL_EC2` or the profile's, else `AWS_ENDPOINT_URL`, else EC2's.
    fn ec2_endpoint(&self, clients: &Clients, region: &str) -> String {
        let own = || {
            let key = ServiceConfigKey::builder().service_id("EC2").env("AWS_ENDPOINT_URL").profile("endpoint_url");
            clients.sdk.service_config()?.load_config(key.build().ok()?)
        };
        let chosen = self
            .settings()
            .endpoint_url
            .clone()
            .or_else(own)
            .or_else(|| clients.sdk.endpoint_url().map(str::to_owned))
            .unwrap_or_else(|| format!("https://ec2.{region}.{}", dns_suffix(region)));
        format!("{}/", chosen.trim_end_matches('/'))
    }
}

/// The DNS suffix of a region's partition (AWS SDKs, `partitions.json`).
fn dns_suffix(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "amazonaws.com.cn",
        _ if region.starts_with("us-iso-") => "c2s.ic.gov",
        _ if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        _ if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        _ if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        _ if region.starts_with("eusc-") => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

fn encode(value: &str) -> impl std::fmt::Display {
    utf8_percent_encode(value, NON_ALPHANUMERIC)
}

fn signed(
    url: &str,
    form: &str,
    region: &str,
    credentials: Credentials,
    now: SystemTime,
) -> Result<HttpRequest, String> {
    const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
    let identity: Identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("ec2")
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let headers = [("content-type", FORM)];
    let signable = SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(form.as_bytes()))
        .map_err(|error| error.to_string())?;
    let (instructions, _) = sign(signable, &parameters).map_err(|error| error.to_string())?.into_parts();
    let mut request = HttpRequest::new(SdkBody::from(form));
    request.set_method("POST").map_err(|error| error.to_string())?;
    request.set_uri(url.to_owned()).map_err(|error| error.to_string())?;
    request.headers_mut().insert("content-type", FORM);
    for (name, value) in instructions.headers() {
        request.headers_mut().insert(name.to_owned(), value.to_owned());
    }
    Ok(request)
}

async fn body(response: HttpResponse) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let limited = http_body_util::Limited::new(response.into_body(), LONGEST_ANSWER);
    let bytes = limited.collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec())?)
}
