//! A call of the AWS Query protocol (a form in, XML out) signed here, for the services whose SDK would be a million lines
//! for two questions. It must not know what is asked.

use super::cloud::Cloud;
use super::error::{Error, Kind};
use super::signed::{self, Call};
use super::xml::{self, Element};
use crate::model::Place;
use aws_smithy_runtime_api::client::http::HttpConnector;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The longest answer that is read.
const LONGEST_ANSWER: usize = 32 << 20;

/// Where a question goes, and what for.
#[derive(Clone, Debug)]
pub(super) struct Question<'a> {
    /// As IAM writes it, e.g. `ec2:DescribeInstances`.
    pub(super) operation: &'static str,
    /// Whose credentials; told in errors.
    pub(super) place: &'a Place,
    /// As it is signed for.
    pub(super) service: &'static str,
    /// The region it is signed for: the place's, but for services that are global.
    pub(super) region: &'a str,
    /// The service's address.
    pub(super) url: String,
    /// `Action=…&Version=…&…`, its values encoded by [`encode`].
    pub(super) form: String,
}

impl Cloud {
    /// Asks, and again where that may help; the answer's root element.
    pub(super) async fn query(&self, question: &Question<'_>) -> Result<Element, Error> {
        let place = question.place;
        let deadline = tokio::time::Instant::now() + self.timeout();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let asked = tokio::time::timeout_at(deadline, self.query_once(question, attempt)).await;
            let error = match asked {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => {
                    let message = format!("no answer within {} s", self.timeout().as_secs());
                    return Err(Error {
                        operation: question.operation,
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

    async fn query_once(&self, question: &Question<'_>, attempt: u32) -> Result<Element, Error> {
        let Question { operation, place, service, region, url, form } = question;
        let credentials = self.credentials(operation, place).await?;
        let headers = &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let call = Call { service, region, url, headers, body: form };
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
            let message = format!("HTTP {status} without an answer of {}'s in it", service.to_uppercase());
            return Err(Error::from_transport(operation, place, attempt, message.into()));
        };
        let message = message.unwrap_or(code).to_owned();
        let origin = self.clients(place).await.origin.clone();
        Err(Error::from_answer(operation, place, attempt, origin, code.to_owned(), message))
    }
}

/// A value in a form.
pub(super) fn encode(value: &str) -> impl std::fmt::Display {
    utf8_percent_encode(value, NON_ALPHANUMERIC)
}
