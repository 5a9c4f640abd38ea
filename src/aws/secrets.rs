//! The one question to AWS Secrets Manager, as a signed call: an SDK for it would be a hundred times its size. What comes
//! back is a secret and is kept nowhere. It must not know what it opens.
//!
//! Source: AWS Secrets Manager API Reference, GetSecretValue (version 2017-10-17, AWS JSON 1.1).

use super::cloud::Cloud;
use super::error::{Error, Kind};
use super::signed::{self, Call};
use crate::model::{Place, Secret};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_types::service_config::ServiceConfigKey;
use serde::Deserialize;
use zeroize::Zeroizing;

const OPERATION: &str = "secretsmanager:GetSecretValue";
/// A secret holds 64 KiB at most.
const LONGEST_ANSWER: usize = 512 * 1024;

/// The current version of a secret.
#[derive(Clone, Debug)]
pub struct SecretValue {
    /// Its ARN.
    pub arn: String,
    /// `VersionId`.
    pub version: String,
    /// `SecretString`.
    pub text: Secret,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(rename = "ARN", default)]
    arn: String,
    #[serde(default)]
    version_id: String,
    secret_string: Option<String>,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "__type", default)]
    code: String,
    #[serde(alias = "Message", default)]
    message: String,
}

impl Cloud {
    /// `AWSCURRENT` of the secret with that ARN or name. An ARN of another region is asked there, with the profile of
    /// `place`.
    pub async fn secret(&self, place: &Place, id: &str) -> Result<SecretValue, Error> {
        let mut place = place.clone();
        if let Some(region) = id.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)).filter(|r| !r.is_empty())
        {
            place.region = region.to_owned();
        }
        let body = serde_json::json!({ "SecretId": id, "VersionStage": "AWSCURRENT" }).to_string();
        let deadline = tokio::time::Instant::now() + self.timeout();
        for attempt in 1.. {
            let asked = tokio::time::timeout_at(deadline, self.secret_once(&place, &body, attempt)).await;
            let error = match asked {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => error,
                Err(_) => Error {
                    kind: Kind::Unreachable,
                    ..failure(&place, attempt, format!("no answer within {} s", self.timeout().as_secs()))
                },
            };
            let Some(wait) = signed::wait_before_next(&error, attempt, deadline) else {
                return Err(self.failed(&place, error).await);
            };
            tokio::time::sleep(wait).await;
        }
        unreachable!("attempts are bounded")
    }

    async fn secret_once(&self, place: &Place, body: &str, attempt: u32) -> Result<SecretValue, Error> {
        let credentials = self.credentials(OPERATION, place).await?;
        let clients = self.clients(place).await;
        let own = || {
            let key = ServiceConfigKey::builder()
                .service_id("Secrets Manager")
                .env("AWS_ENDPOINT_URL")
                .profile("endpoint_url");
            clients.sdk.service_config()?.load_config(key.build().ok()?)
        };
        let url = signed::endpoint(self.settings(), own(), clients.sdk.endpoint_url(), "secretsmanager", &place.region);
        let call = Call {
            service: "secretsmanager",
            region: &place.region,
            url: &url,
            headers: &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", "secretsmanager.GetSecretValue"),
            ],
            body,
        };
        let request = call
            .signed(credentials, self.now())
            .map_err(|reason| Error::configuration(place, format!("{url}: {reason}")))?;
        let sent = self.network().connector.call(request).await;
        let response = sent.map_err(|error| Error::from_transport(OPERATION, place, attempt, Box::new(error)))?;
        if let Some(date) = response.headers().get("date") {
            self.skew().note(date);
        }
        let status = response.status().as_u16();
        let text = signed::body(response, LONGEST_ANSWER)
            .await
            .map(Zeroizing::new)
            .map_err(|error| Error::from_transport(OPERATION, place, attempt, error))?;
        if !(200..300).contains(&status) {
            let Some(refusal) = serde_json::from_str::<Refusal>(&text).ok().filter(|refusal| !refusal.code.is_empty())
            else {
                let message = format!("HTTP {status} without an answer of Secrets Manager's in it");
                return Err(Error::from_transport(OPERATION, place, attempt, message.into()));
            };
            // `com.amazonaws.secretsmanager#ResourceNotFoundException` in some places.
            let code = refusal.code.rsplit('#').next().unwrap_or_default().to_owned();
            return Err(Error::from_answer(OPERATION, place, attempt, clients.origin.clone(), code, refusal.message));
        }
        // What cannot be read may be the secret all the same: it is in no error.
        let Ok(answer) = serde_json::from_str::<Answer>(&text) else {
            return Err(failure(place, attempt, "an answer that is not GetSecretValue's".to_owned()));
        };
        match answer.secret_string {
            Some(text) => Ok(SecretValue { arn: answer.arn, version: answer.version_id, text: Secret::new(text) }),
            None => Err(failure(place, attempt, "the secret is binary; expected text".to_owned())),
        }
    }
}

fn failure(place: &Place, attempts: u32, message: String) -> Error {
    Error { operation: OPERATION, code: None, message, kind: Kind::Other, place: place.clone(), attempts, source: None }
}
