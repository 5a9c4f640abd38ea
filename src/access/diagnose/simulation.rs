//! What a simulation of IAM policies came to, in words: always "likely", never more. Service control policies, session
//! policies and what a request itself says are not in it.

use crate::access::policy::statement;
use crate::access::simulation::{Simulation, name_of};
use crate::aws::{Decision, Simulated};
use crate::model::{Act, Diagnosis, Kind};

/// The one action of a login: gatepost makes its policy itself.
pub(super) const CONNECT: &str = "rds-db:connect";

/// One line on it.
pub(in crate::access) fn words(simulation: &Simulation, action: &str) -> String {
    match simulation {
        Simulation::Allowed { policies, .. } if policies.is_empty() => format!("{action} is allowed (simulated)"),
        Simulation::Allowed { policies, .. } => {
            format!("{action} is allowed by {} (simulated)", named(policies))
        }
        Simulation::NotAllowed { principal, refused } => refusal(principal, refused, action),
        Simulation::Root => format!("{action}: the root user is bound by no policy of its account"),
        Simulation::Unknown(why) => format!("{action}: {why}"),
    }
}

/// `the policy ops`, `the policies ops and sessions`.
fn named(policies: &[String]) -> String {
    match policies {
        [one] => format!("the policy {one}"),
        [several @ .., last] => format!("the policies {} and {last}", several.join(", ")),
        [] => "a policy".to_owned(),
    }
}

/// Who does not allow what, on what.
fn refusal(principal: &str, refused: &Simulated, action: &str) -> String {
    let Simulated { resource, decision, policies, bounded, forbidden, .. } = refused;
    let who = name_of(principal);
    let words = match decision {
        _ if *forbidden => format!("the organization's policies do not allow {action} on {resource}"),
        Decision::Denied if policies.is_empty() => format!("a policy of {who} denies {action} on {resource}"),
        Decision::Denied => format!("{action} on {resource} is denied by {} of {who}", named(policies)),
        _ if *bounded => format!("the permissions boundary of {who} does not allow {action} on {resource}"),
        _ => format!("no IAM policy of {who} allows {action} on {resource}"),
    };
    format!("{words} (simulated)")
}

/// What to do about one that is not allowed.
pub(in crate::access) fn not_allowed(simulation: &Simulation, action: &str, resources: &[String]) -> Option<Diagnosis> {
    let Simulation::NotAllowed { refused, .. } = simulation else { return None };
    let diagnosis = Diagnosis::new(Kind::AccessDenied, format!("You likely may not do {action}"))
        .because(format!("likely: {}", words(simulation, action)));
    Some(advise(diagnosis, refused, action, resources))
}

/// The statement to add, or to take away.
pub(in crate::access) fn advise(
    diagnosis: Diagnosis,
    refused: &Simulated,
    action: &str,
    resources: &[String],
) -> Diagnosis {
    match refused.decision {
        _ if refused.forbidden => diagnosis.advise(format!(
            "Ask those who keep the organization's service control policies to let the account do {action}"
        )),
        Decision::Denied => diagnosis.advise(format!(
            "Have the denial of {action} taken out of {}, or log in as somebody whom it does not name",
            if refused.policies.is_empty() { "the policy".to_owned() } else { named(&refused.policies) }
        )),
        _ if refused.bounded => diagnosis.advise_paste(
            "Have this statement added to the permissions boundary, too",
            statement(&[action], resources),
        ),
        _ => {
            let advised =
                diagnosis.advise_paste("Have this statement added to your IAM policy", statement(&[action], resources));
            if action == CONNECT { advised.by(Act::Policy) } else { advised }
        }
    }
}
