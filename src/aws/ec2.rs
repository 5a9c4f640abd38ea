//! The two questions to EC2, as signed calls of its Query API: `aws-sdk-ec2` would be 1.2 million lines for them.
//!
//! Source: Amazon EC2 API Reference, version 2016-11-15.

use super::cloud::{Clients, Cloud};
use super::error::{Error, Kind};
use super::signed::{self, Call};
use super::xml::{self, Element};
use crate::model::Place;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_types::service_config::ServiceConfigKey;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

const VERSION: &str = "2016-11-15";
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
            let Some(wait) = signed::wait_before_next(&error, attempt, deadline) else {
                return Err(self.failed(place, error).await);
            };
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
        let headers = &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let call = Call { service: "ec2", region: &place.region, url: &url, headers, body: form };
        let request = call
            .signed(credentials, self.now())
            .map_err(|reason| Error::configuration(place, format!("{url}: {reason}")))?;
        let sent = self.network().connector.call(request).await;
        let response = sent.map_err(|error| Error::from_transport(operation, place, attempt, Box::new(error)))?;
        if let Some(date) = response.headers().get("date") {
            self.skew().note(date);
        }
        let status = response.status().as_u16();
        let text = signed::body(response, LONGEST_ANSWER)
            .await
            .map_err(|error| Error::from_transport(operation, place, attempt, error))?;
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
        signed::endpoint(self.settings(), own(), clients.sdk.endpoint_url(), "ec2", region)
    }
}

fn encode(value: &str) -> impl std::fmt::Display {
    utf8_percent_encode(value, NON_ALPHANUMERIC)
}
