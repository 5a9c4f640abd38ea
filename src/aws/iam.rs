//! What IAM would say, asked beforehand: whose policies a caller has, and whether they allow an action. It is an answer
//! about policies, not about a request: it must be told as likely, never as proof (service and resource control policies,
//! session policies and conditions on the request are not, or not all, in it).
//!
//! Source: AWS Identity and Access Management API Reference, version 2010-05-08: GetRole, SimulatePrincipalPolicy.

use super::cloud::{Clients, Cloud};
use super::error::{Error, Kind};
use super::query::{Question, encode};
use super::signed;
use super::xml::Element;
use crate::model::{Identity, Place};
use aws_types::service_config::ServiceConfigKey;

const VERSION: &str = "2010-05-08";
const GET_ROLE: &str = "iam:GetRole";
const SIMULATE: &str = "iam:SimulatePrincipalPolicy";

/// Whose policies count for a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A role or a user, by the ARN that IAM simulates: with its path.
    Known(String),
    /// The account's root user, whom no policy of the account binds.
    Root,
    /// Anything else (a federated user), of which no policies can be simulated.
    Other(String),
}

/// How a simulation ended for one action on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// The resource.
    pub resource: String,
    /// The decision.
    pub decision: Decision,
    /// The policies whose statements decided, by name.
    pub policies: Vec<String>,
    /// Condition keys that a policy asks about and that nobody knows before the request.
    pub missing: Vec<String>,
    /// A permissions boundary does not allow it.
    pub bounded: bool,
    /// The organization's policies do not allow it.
    pub forbidden: bool,
}

/// `EvalDecision`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// `allowed`.
    Allowed,
    /// `implicitDeny`: nothing allows it.
    NotAllowed,
    /// `explicitDeny`: something denies it.
    Denied,
}

impl Cloud {
    /// Whose policies count for `identity`. For an assumed role its ARN as IAM knows it, which has a path that the
    /// caller's ARN has not (`/aws-reserved/sso.amazonaws.com/…` of IAM Identity Center).
    pub async fn principal(&self, place: &Place, identity: &Identity) -> Result<Principal, Error> {
        match identity.arn.splitn(6, ':').nth(5).map(|resource| resource.split('/').collect::<Vec<_>>()).as_deref() {
            Some(["assumed-role", role, ..]) => {
                let form = format!("Action=GetRole&Version={VERSION}&RoleName={}", encode(role));
                let answer = self.iam(GET_ROLE, place, identity, form).await?;
                let arn = answer.find("Role").and_then(|role| role.text_of("Arn")).map(str::to_owned);
                arn.map(Principal::Known).ok_or_else(|| unread(GET_ROLE, place, "an answer without the role's ARN"))
            }
            Some(["user", ..]) => Ok(Principal::Known(identity.arn.clone())),
            Some(["root"]) => Ok(Principal::Root),
            _ => Ok(Principal::Other(identity.arn.clone())),
        }
    }

    /// `iam:SimulatePrincipalPolicy`: whether the policies of `principal` allow `action` on each of `resources`.
    /// `aws:userid` is told, for policies that name it.
    pub async fn simulate(
        &self,
        place: &Place,
        identity: &Identity,
        principal: &str,
        action: &str,
        resources: &[String],
    ) -> Result<Vec<Simulated>, Error> {
        let mut form = format!(
            "Action=SimulatePrincipalPolicy&Version={VERSION}&PolicySourceArn={}&ActionNames.member.1={}",
            encode(principal),
            encode(action)
        );
        for (at, resource) in resources.iter().enumerate() {
            form.push_str(&format!("&ResourceArns.member.{}={}", at + 1, encode(resource)));
        }
        if !identity.user_id.is_empty() {
            form.push_str(&format!(
                "&ContextEntries.member.1.ContextKeyName={}&ContextEntries.member.1.ContextKeyType=string\
                 &ContextEntries.member.1.ContextKeyValues.member.1={}",
                encode("aws:userid"),
                encode(&identity.user_id)
            ));
        }
        let answer = self.iam(SIMULATE, place, identity, form).await?;
        let results = answer.find("EvaluationResults").map(simulated).unwrap_or_default();
        if results.is_empty() {
            return Err(unread(SIMULATE, place, "an answer without a result"));
        }
        Ok(results)
    }

    async fn iam(
        &self,
        operation: &'static str,
        place: &Place,
        identity: &Identity,
        form: String,
    ) -> Result<Element, Error> {
        let clients = self.clients(place).await;
        let (region, url) = self.iam_endpoint(&clients, identity.partition(), &place.region);
        let answer = self.query(&Question { operation, place, service: "iam", region: &region, url, form }).await;
        // Who refuses is where it was asked, which is not where the database is.
        answer.map_err(|error| Error { place: Place { region, ..error.place.clone() }, ..error })
    }

    /// IAM is one a partition: where it is, and the region that it is signed for (AWS SDKs, endpoint rules of IAM).
    fn iam_endpoint(&self, clients: &Clients, partition: &str, region: &str) -> (String, String) {
        let own = || {
            let key = ServiceConfigKey::builder().service_id("IAM").env("AWS_ENDPOINT_URL").profile("endpoint_url");
            clients.sdk.service_config()?.load_config(key.build().ok()?)
        };
        let (signed_for, host) = global(partition, region);
        let url = signed::endpoint(
            self.settings(),
            own().or_else(|| clients.sdk.endpoint_url().is_none().then(|| format!("https://{host}"))),
            clients.sdk.endpoint_url(),
            "iam",
            region,
        );
        (signed_for.to_owned(), url)
    }
}

/// The region that IAM is signed for, and its host.
pub(super) fn global<'a>(partition: &str, region: &'a str) -> (&'a str, String) {
    match partition {
        "aws-cn" => ("cn-north-1", "iam.cn-north-1.amazonaws.com.cn".to_owned()),
        "aws-us-gov" => ("us-gov-west-1", "iam.us-gov.amazonaws.com".to_owned()),
        "aws" => ("us-east-1", "iam.amazonaws.com".to_owned()),
        _ => (region, format!("iam.{region}.{}", signed::dns_suffix(region))),
    }
}

/// For each resource its own. There is one result an action, and its decision is that of the strictest resource (API reference,
/// EvaluationResult); below it are the resources', unless none was named.
fn simulated(results: &Element) -> Vec<Simulated> {
    let members = |of: &Element| of.children.iter().filter(|child| child.name == "member").cloned().collect::<Vec<_>>();
    let each = members(results).into_iter().flat_map(|result| {
        let specific = result.child("ResourceSpecificResults").map(members).unwrap_or_default();
        let forbidden = result.find("AllowedByOrganizations").is_some_and(|allowed| allowed.text.trim() == "false");
        let own = if specific.is_empty() { vec![result] } else { specific };
        own.into_iter().map(move |one| Simulated { forbidden, ..decided(&one) })
    });
    each.collect()
}

/// One decision. `EvalDecision` is of the whole, `EvalResourceDecision` of a resource.
fn decided(result: &Element) -> Simulated {
    let members = |of: &Element, name: &str, text: &str| -> Vec<String> {
        let list = of.child(name).into_iter().flat_map(|list| &list.children);
        let texts = list.filter_map(|member| match text {
            "" => Some(member.text.trim()).filter(|text| !text.is_empty()),
            field => member.text_of(field),
        });
        texts.map(str::to_owned).collect()
    };
    Simulated {
        resource: result.text_of("EvalResourceName").unwrap_or_default().to_owned(),
        decision: match result.text_of("EvalResourceDecision").or_else(|| result.text_of("EvalDecision")) {
            Some("allowed") => Decision::Allowed,
            Some("explicitDeny") => Decision::Denied,
            _ => Decision::NotAllowed,
        },
        policies: members(result, "MatchedStatements", "SourcePolicyId"),
        missing: members(result, "MissingContextValues", ""),
        bounded: result.find("AllowedByPermissionsBoundary").is_some_and(|allowed| allowed.text.trim() == "false"),
        forbidden: false,
    }
}

fn unread(operation: &'static str, place: &Place, message: &str) -> Error {
    Error {
        operation,
        code: None,
        message: message.to_owned(),
        kind: Kind::Other,
        place: place.clone(),
        attempts: 1,
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::xml;

    #[test]
    fn a_simulation_is_read() {
        let root = xml::parse(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>\
             <member><EvalActionName>ssm:StartSession</EvalActionName><EvalResourceName>arn:i</EvalResourceName>\
             <EvalDecision>allowed</EvalDecision><MatchedStatements><member><SourcePolicyId>ops</SourcePolicyId>\
             <SourcePolicyType>IAM Policy</SourcePolicyType></member></MatchedStatements><MissingContextValues/></member>\
             <member><EvalResourceName>arn:d</EvalResourceName><EvalDecision>explicitDeny</EvalDecision>\
             <MatchedStatements/><MissingContextValues><member>aws:MultiFactorAuthPresent</member></MissingContextValues>\
             <PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>false</AllowedByPermissionsBoundary>\
             </PermissionsBoundaryDecisionDetail></member>\
             </EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>",
        )
        .expect("well-formed");
        let results = simulated(root.find("EvaluationResults").expect("results"));
        assert_eq!((results[0].decision, results[0].resource.as_str()), (Decision::Allowed, "arn:i"));
        assert_eq!(results[0].policies, ["ops"]);
        assert!(!results[0].bounded && results[0].missing.is_empty());
        assert_eq!((results[1].decision, results[1].bounded), (Decision::Denied, true));
        assert_eq!(results[1].missing, ["aws:MultiFactorAuthPresent"]);
        assert!(results.iter().all(|result| !result.forbidden));
    }

    #[test]
    fn each_resource_has_a_decision_of_its_own_below_the_strictest_of_all() {
        let root = xml::parse(
            "<EvaluationResults><member><EvalActionName>ssm:StartSession</EvalActionName>\
             <EvalResourceName>arn:i</EvalResourceName><EvalDecision>implicitDeny</EvalDecision><MatchedStatements/>\
             <MissingContextValues/>\
             <OrganizationsDecisionDetail><AllowedByOrganizations>false</AllowedByOrganizations></OrganizationsDecisionDetail>\
             <ResourceSpecificResults>\
             <member><EvalResourceName>arn:i</EvalResourceName><EvalResourceDecision>allowed</EvalResourceDecision>\
             <MatchedStatements><member><SourcePolicyId>ops</SourcePolicyId></member></MatchedStatements></member>\
             <member><EvalResourceName>arn:d</EvalResourceName><EvalResourceDecision>implicitDeny</EvalResourceDecision>\
             <MissingContextValues><member>aws:SourceIp</member></MissingContextValues></member>\
             </ResourceSpecificResults></member></EvaluationResults>",
        )
        .expect("well-formed");
        let results = simulated(&root);
        let told: Vec<_> = results.iter().map(|one| (one.resource.as_str(), one.decision, &one.policies[..])).collect();
        assert_eq!(
            told,
            [("arn:i", Decision::Allowed, &["ops".to_owned()][..]), ("arn:d", Decision::NotAllowed, &[][..])]
        );
        assert_eq!(results[1].missing, ["aws:SourceIp"]);
        assert!(results[0].missing.is_empty() && results.iter().all(|one| one.forbidden && !one.bounded));
    }

    #[test]
    fn iam_is_one_a_partition() {
        assert_eq!(signed::usual_endpoint("iam", "eu-west-1"), "https://iam.amazonaws.com");
        assert_eq!(signed::usual_endpoint("iam", "us-gov-east-1"), "https://iam.us-gov.amazonaws.com");
        assert_eq!(signed::usual_endpoint("rds", "cn-north-1"), "https://rds.cn-north-1.amazonaws.com.cn");
        assert_eq!(global("aws", "eu-west-1"), ("us-east-1", "iam.amazonaws.com".to_owned()));
        assert_eq!(global("aws-cn", "cn-northwest-1").0, "cn-north-1");
        assert_eq!(global("aws-us-gov", "us-gov-east-1").1, "iam.us-gov.amazonaws.com");
        assert_eq!(global("aws-iso", "us-iso-east-1"), ("us-iso-east-1", "iam.us-iso-east-1.c2s.ic.gov".to_owned()));
    }
}
