//! What the caller's IAM policies likely allow, asked of IAM itself before anything is tried, or after something was
//! refused without a reason. It must not decide what that means for a link.

use super::{Access, diagnose};
use crate::aws::{Decision, Error, Kind as Refused, Principal, Simulated};
use crate::model::{Identity, Place};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Simulation {
    /// Policies allow it: those named.
    Allowed { principal: String, policies: Vec<String> },
    /// They do not, on this resource.
    NotAllowed { principal: String, refused: Box<Simulated> },
    /// The root user is bound by no policy of its account.
    Root,
    /// It could not be asked, and why.
    Unknown(String),
}

/// What is to be allowed.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) action: &'a str,
    pub(super) resources: Vec<String>,
    /// Whether one of the resources is enough: they are guesses at one name.
    pub(super) any: bool,
}

impl Access {
    /// Whose policies count. Where the role may not be looked up, its ARN is put together, without a path; roles of IAM
    /// Identity Center have one that nobody can guess.
    pub(super) async fn principal(&self, place: &Place, identity: &Identity) -> Result<Principal, String> {
        let words = |error: &Error| diagnose::aws::of(error).title;
        match Box::pin(self.cloud().principal(place, identity)).await {
            Ok(principal) => Ok(principal),
            Err(error) if matches!(error.kind, Refused::AccessDenied { .. }) => {
                let role = identity.short();
                if role.starts_with("AWSReservedSSO_") {
                    return Err(words(&error));
                }
                let (partition, account) = (identity.partition(), &identity.account);
                Ok(Principal::Known(format!("arn:{partition}:iam::{account}:role/{role}")))
            }
            Err(error) => Err(words(&error)),
        }
    }

    /// Simulates `wanted` for a principal.
    pub(super) async fn simulate(
        &self,
        place: &Place,
        identity: &Identity,
        principal: &Result<Principal, String>,
        wanted: &Wanted<'_>,
    ) -> Simulation {
        let arn = match principal {
            Ok(Principal::Known(arn)) => arn,
            Ok(Principal::Root) => return Simulation::Root,
            Ok(Principal::Other(arn)) => return Simulation::Unknown(format!("IAM simulates no policies of {arn}")),
            Err(why) => return Simulation::Unknown(why.clone()),
        };
        let asked = Box::pin(self.cloud().simulate(place, identity, arn, wanted.action, &wanted.resources)).await;
        match asked {
            Ok(results) => judge(arn, results, wanted.any),
            Err(error) => Simulation::Unknown(diagnose::aws::of(&error).title),
        }
    }
}

fn judge(principal: &str, results: Vec<Simulated>, any: bool) -> Simulation {
    let is_allowed = |result: &&Simulated| result.decision == Decision::Allowed && !result.bounded && !result.forbidden;
    let allowed: Vec<&Simulated> = results.iter().filter(is_allowed).collect();
    let enough = !allowed.is_empty() && (any || allowed.len() == results.len());
    let principal = principal.to_owned();
    if enough {
        let mut policies: Vec<String> = allowed.iter().flat_map(|result| result.policies.clone()).collect();
        policies.sort();
        policies.dedup();
        return Simulation::Allowed { principal, policies };
    }
    // A condition on what only a request has may be met by it. Where all have to be allowed one plain refusal is enough;
    // where one of several guesses has to be, they all have to be refused plainly.
    let refused: Vec<&Simulated> = results.iter().filter(|result| !is_allowed(result)).collect();
    let conditions: Vec<&str> = refused.iter().flat_map(|result| &result.missing).map(String::as_str).collect();
    match refused.iter().find(|result| result.missing.is_empty() && (!any || conditions.is_empty())) {
        Some(refused) => Simulation::NotAllowed { principal, refused: Box::new((*refused).clone()) },
        None if conditions.is_empty() => Simulation::Unknown("IAM's simulation had no result".to_owned()),
        None => {
            let mut keys = conditions;
            keys.sort_unstable();
            keys.dedup();
            let keys = keys.join(", ");
            Simulation::Unknown(format!("policies of {} ask for {keys}, which only a request has", name_of(&principal)))
        }
    }
}

/// `role/people/prod-admin`, of its ARN.
pub(super) fn name_of(principal: &str) -> &str {
    principal.rsplit_once(':').map_or(principal, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_resources_count_unless_one_is_enough() {
        let result = |resource: &str, decision| Simulated {
            resource: resource.to_owned(),
            decision,
            policies: vec!["ops".to_owned()],
            missing: Vec::new(),
            bounded: false,
            forbidden: false,
        };
        let two = || vec![result("node", Decision::Allowed), result("document", Decision::NotAllowed)];
        assert!(matches!(judge("r", two(), true), Simulation::Allowed { .. }));
        let Simulation::NotAllowed { refused, .. } = judge("r", two(), false) else { panic!("allowed") };
        assert_eq!(refused.resource, "document");
        let bounded = Simulated { bounded: true, ..result("node", Decision::Allowed) };
        assert!(matches!(judge("r", vec![bounded], false), Simulation::NotAllowed { .. }));
        let forbidden = Simulated { forbidden: true, ..result("node", Decision::Allowed) };
        assert!(matches!(judge("r", vec![forbidden], true), Simulation::NotAllowed { .. }));
        assert!(matches!(judge("r", Vec::new(), false), Simulation::Unknown(_)), "nothing is no consent");
    }

    #[test]
    fn what_depends_on_the_request_is_not_known() {
        let result = |resource: &str, decision, missing: &[&str]| Simulated {
            resource: resource.to_owned(),
            decision,
            policies: Vec::new(),
            missing: missing.iter().map(|key| (*key).to_owned()).collect(),
            bounded: false,
            forbidden: false,
        };
        let tagged = || result("node", Decision::NotAllowed, &["ssm:resourceTag/team"]);
        let plain = || result("document", Decision::NotAllowed, &[]);
        let Simulation::Unknown(why) = judge("arn:aws:iam::1:role/r", vec![tagged()], false) else { panic!("known") };
        assert_eq!(why, "policies of role/r ask for ssm:resourceTag/team, which only a request has");
        let Simulation::NotAllowed { refused, .. } = judge("r", vec![tagged(), plain()], false) else { panic!("all") };
        assert_eq!(refused.resource, "document");
        assert!(matches!(judge("r", vec![tagged(), plain()], true), Simulation::Unknown(_)), "one could be allowed");
        assert!(matches!(judge("r", vec![plain(), plain()], true), Simulation::NotAllowed { .. }));
    }
}
