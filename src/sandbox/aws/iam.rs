//! IAM as far as a caller looks at its own permissions: the role behind an assumed role, and what its policies would
//! allow. It must not decide that: the policies do.

use super::answer::Failure;
use super::request::Parameters;
use super::xml::Xml;
use crate::sandbox::cast::policies::{PATH, ROLE, ROLE_ID};
use crate::sandbox::faults::Faults;
use crate::sandbox::keys::ACCOUNT;
use crate::sandbox::policies::{Judgement, judge};

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// Answers `action`.
pub fn answer(action: &str, parameters: &Parameters, faults: &Faults, request_id: &str) -> Result<String, Failure> {
    match action {
        "GetRole" => role(parameters, request_id),
        // The caller is no user, and there are none.
        "GetUser" => Err(match parameters.get("UserName") {
            Some(name) => no_entity(format!("The user with name {name} cannot be found.")),
            None => {
                Failure::new(400, "ValidationError", "Must specify userName when calling with non-User credentials")
            }
        }),
        "SimulatePrincipalPolicy" => simulation(parameters, faults, request_id),
        _ => Err(super::unknown_action(action, "2010-05-08")),
    }
}

/// The ARN that the action is on.
pub fn resource(action: &str, parameters: &Parameters) -> String {
    match action {
        "GetRole" if parameters.get("RoleName") == Some(ROLE) => role_arn(),
        "GetRole" => format!("arn:aws:iam::{ACCOUNT}:role/{}", parameters.get("RoleName").unwrap_or("*")),
        "GetUser" => format!("arn:aws:iam::{ACCOUNT}:user/{}", parameters.get("UserName").unwrap_or("*")),
        _ => parameters.get("PolicySourceArn").unwrap_or("*").to_owned(),
    }
}

fn role_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT}:role{PATH}{ROLE}")
}

fn no_entity(message: String) -> Failure {
    Failure::new(404, "NoSuchEntity", message)
}

fn role(parameters: &Parameters, request_id: &str) -> Result<String, Failure> {
    let name = parameters.get("RoleName").unwrap_or_default();
    if name != ROLE {
        return Err(no_entity(format!("The role with name {name} cannot be found.")));
    }
    let mut xml = Xml::default();
    xml.root("GetRoleResponse", NAMESPACE, |xml| {
        xml.element("GetRoleResult", |xml| {
            xml.element("Role", |xml| {
                xml.text("Path", PATH);
                xml.text(
                    "AssumeRolePolicyDocument",
                    "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D",
                );
                xml.text("MaxSessionDuration", 43_200);
                xml.text("RoleId", ROLE_ID);
                xml.text("RoleName", ROLE);
                xml.text("Arn", role_arn());
                xml.text("CreateDate", "2024-02-07T10:11:12Z");
            });
        });
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    });
    Ok(xml.finish())
}

fn simulation(parameters: &Parameters, faults: &Faults, request_id: &str) -> Result<String, Failure> {
    let principal = parameters.get("PolicySourceArn").unwrap_or_default();
    if principal.contains(":sts:") {
        return Err(Failure::new(
            400,
            "InvalidInput",
            format!("Invalid Entity Arn: {principal} does not clearly define entity type and name."),
        ));
    }
    // Without its path a role is another role.
    if principal != role_arn() {
        return Err(no_entity(format!("Entity {principal} does not exist.")));
    }
    let (actions, mut resources) = (parameters.list("ActionNames.member"), parameters.list("ResourceArns.member"));
    if actions.is_empty() {
        return Err(Failure::new(
            400,
            "ValidationError",
            "1 validation error detected: Value at 'actionNames' is empty",
        ));
    }
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let user_id = context(parameters, "aws:userid");
    let mut xml = Xml::default();
    xml.root("SimulatePrincipalPolicyResponse", NAMESPACE, |xml| {
        xml.element("SimulatePrincipalPolicyResult", |xml| {
            xml.text("IsTruncated", false);
            // One an action, the strictest decision on top and each resource's own below (API reference, EvaluationResult).
            xml.list("EvaluationResults", "member", &actions, |xml, action| {
                let user_id = user_id.as_deref().unwrap_or("${aws:userid}");
                let each: Vec<(&String, Judgement)> =
                    resources.iter().map(|resource| (resource, judge(faults, action, resource, user_id))).collect();
                let strictest = each.iter().max_by_key(|(_, judgement)| judgement.decision);
                xml.text("EvalActionName", action);
                xml.text("EvalResourceName", &resources[0]);
                xml.text_if("EvalDecision", strictest.map(|(_, judgement)| judgement.decision.name()));
                let all = strictest.map(|(_, judgement)| judgement.policies.clone()).unwrap_or_default();
                matched(xml, &all);
                xml.list("ResourceSpecificResults", "member", each, |xml, (resource, judgement)| {
                    xml.text("EvalResourceName", resource);
                    xml.text("EvalResourceDecision", judgement.decision.name());
                    matched(xml, &judgement.policies);
                });
            });
        });
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    });
    Ok(xml.finish())
}

/// Whose statements decided, and that none asked for what nobody told.
fn matched(xml: &mut Xml, policies: &[&'static str]) {
    xml.list("MatchedStatements", "member", policies, |xml, policy| {
        xml.text("SourcePolicyId", policy);
        xml.text("SourcePolicyType", "IAM Policy");
    });
    xml.element("MissingContextValues", |_| ());
}

/// The value that is told for a context key.
fn context(parameters: &Parameters, key: &str) -> Option<String> {
    (1..=16).find_map(|n| {
        let entry = format!("ContextEntries.member.{n}");
        let named = parameters.get(&format!("{entry}.ContextKeyName")) == Some(key);
        named.then(|| parameters.list(&format!("{entry}.ContextKeyValues.member")).into_iter().next()).flatten()
    })
}
