//! The questions to EC2, as signed calls of its Query API: `aws-sdk-ec2` would be 1.2 million lines for them.
//!
//! Source: Amazon EC2 API Reference, version 2016-11-15.

use super::cloud::{Clients, Cloud};
use super::error::Error;
use super::query::{Question, encode};
use super::signed;
use super::xml::Element;
use crate::model::Place;
use aws_types::service_config::ServiceConfigKey;

const VERSION: &str = "2016-11-15";
/// Values in one filter; EC2 takes 200.
const VALUES: usize = 100;

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
        let clients = self.clients(place).await;
        let mut question = Question {
            operation,
            place,
            service: "ec2",
            region: &place.region,
            url: self.ec2_endpoint(&clients, &place.region),
            form: String::new(),
        };
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
                question.form = form;
                let answer = self.query(&question).await?;
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

    /// An endpoint given to gatepost, else `AWS_ENDPOINT_URL_EC2` or the profile's, else `AWS_ENDPOINT_URL`, else EC2's.
    fn ec2_endpoint(&self, clients: &Clients, region: &str) -> String {
        let own = || {
            let key = ServiceConfigKey::builder().service_id("EC2").env("AWS_ENDPOINT_URL").profile("endpoint_url");
            clients.sdk.service_config()?.load_config(key.build().ok()?)
        };
        signed::endpoint(self.settings(), own(), clients.sdk.endpoint_url(), "ec2", region)
    }
}
