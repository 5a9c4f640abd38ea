//! What IAM decides: the caller's policies in the cast, judged for an action on a resource as IAM judges identity-based
//! policies (an explicit denial rules, else what is allowed, else nothing). It must not know who asks: a call that is
//! to be allowed, a simulation, or the gate.
//!
//! Source: IAM User Guide, "Policy evaluation logic", "IAM JSON policy elements: Resource", "Policy variables".

use super::cast::policies::{POLICIES, ROLE_ID};
use super::faults::{Fault, Faults};
use serde::Deserialize;
use std::sync::LazyLock;

/// A decision, and whose statements made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What is decided.
    pub decision: Decision,
    /// Names of the policies with a statement that decided.
    pub policies: Vec<&'static str>,
}

/// As `EvalDecision` spells it, the strictest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Something allows it and nothing denies it.
    Allowed,
    /// Nothing allows it.
    ImplicitDeny,
    /// Something denies it.
    ExplicitDeny,
}

impl Decision {
    /// `EvalDecision`.
    pub fn name(self) -> &'static str {
        match self {
            Decision::Allowed => "allowed",
            Decision::ImplicitDeny => "implicitDeny",
            Decision::ExplicitDeny => "explicitDeny",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: String,
    action: OneOrMore,
    resource: OneOrMore,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        match self {
            OneOrMore::One(one) => fits(one),
            OneOrMore::More(more) => more.iter().any(|one| fits(one)),
        }
    }
}

/// The policies, read once.
static ATTACHED: LazyLock<Vec<(&'static str, Document)>> = LazyLock::new(|| {
    let read = |(name, text): &(&'static str, &str)| {
        (*name, serde_json::from_str(text).expect("the cast's policies are policy documents"))
    };
    POLICIES.iter().map(read).collect()
});

/// `aws:userid` of the sandbox's caller.
pub fn user_id() -> String {
    format!("{ROLE_ID}:oncall")
}

/// What the caller's policies come to. While the fault `denied:ACTION` is on, they have no statement for that action.
pub fn judge(faults: &Faults, action: &str, resource: &str, user_id: &str) -> Judgement {
    let mut allowing = Vec::new();
    let mut denying = Vec::new();
    for (name, document) in ATTACHED.iter() {
        for statement in &document.statement {
            let variable = |text: &str| text.replace("${aws:userid}", user_id);
            let fits =
                statement.action.any(|pattern| like(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase()))
                    && statement.resource.any(|pattern| like(&variable(pattern), resource));
            match (fits, statement.effect.as_str()) {
                (false, _) => {}
                (true, "Deny") => denying.push(*name),
                (true, _) => allowing.push(*name),
            }
        }
    }
    if faults.is_on(&Fault::Denied(action.to_owned())) {
        allowing.clear();
    }
    match (denying.is_empty(), allowing.is_empty()) {
        (false, _) => Judgement { decision: Decision::ExplicitDeny, policies: denying },
        (true, false) => Judgement { decision: Decision::Allowed, policies: allowing },
        (true, true) => Judgement { decision: Decision::ImplicitDeny, policies: Vec::new() },
    }
}

/// IAM's wildcards: `*` any characters, `?` one.
fn like(pattern: &str, text: &str) -> bool {
    fn bytes(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|skip| bytes(rest, &text[skip..])),
            Some((b'?', rest)) => text.split_first().is_some_and(|(_, text)| bytes(rest, text)),
            Some((byte, rest)) => text.split_first().is_some_and(|(first, text)| first == byte && bytes(rest, text)),
        }
    }
    bytes(pattern.as_bytes(), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denial_rules_and_what_nothing_allows_is_not_allowed() {
        let faults = Faults::default();
        let judged = |action, resource: &str| judge(&faults, action, resource, &user_id());
        let user = |name| format!("arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-1/{name}");
        let allowed = judged("rds-db:connect", &user("oncall"));
        assert_eq!((allowed.decision, allowed.policies), (Decision::Allowed, vec!["databases"]));
        assert_eq!(judged("rds-db:connect", &user("payroll")).decision, Decision::ExplicitDeny);
        let elsewhere = user("oncall").replace("123456789012", "210987654321");
        assert_eq!(judged("rds-db:connect", &elsewhere).decision, Decision::ImplicitDeny);
        assert_eq!(judged("iam:CreateUser", "arn:aws:iam::123456789012:user/x").decision, Decision::ImplicitDeny);
        let own = format!("arn:aws:ssm:eu-west-1:123456789012:session/{}-0a1b", user_id());
        assert_eq!(judged("ssm:ResumeSession", &own).decision, Decision::Allowed);
        let others = "arn:aws:ssm:eu-west-1:123456789012:session/somebody-0a1b";
        assert_eq!(judged("ssm:ResumeSession", others).decision, Decision::ImplicitDeny);
        assert_eq!(judged("SSM:resumesession", &own).decision, Decision::Allowed, "actions have no case");
        faults.set(Fault::Denied("ssm:ResumeSession".to_owned()));
        assert_eq!(judge(&faults, "ssm:ResumeSession", &own, &user_id()).decision, Decision::ImplicitDeny);
    }
}
