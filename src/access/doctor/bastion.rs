//! The way: direct, or which bastion and why. The choice and the ranking are those of a connect. It must not open anything.

use super::chart::{Broken, Chart};
use crate::access::Access;
use crate::access::diagnose::{moment, span};
use crate::model::{Bastion, Check, CheckKind, Endpoint, Ranked, Route, RouteChoice, Verdict};
use std::time::SystemTime;

/// Settles the way, and tells the others that there are.
pub(super) async fn choose(
    access: &Access,
    endpoint: &Endpoint,
    choice: &RouteChoice,
    chart: &mut Chart,
) -> Result<Route, Broken> {
    let kind = CheckKind::Bastion;
    chart.begin(kind, endpoint.address());
    let (route, why) = match access.choose_route(endpoint, choice).await {
        Ok(settled) => settled,
        Err(diagnosis) => return Err(chart.break_at(kind, None, diagnosis)),
    };
    let mut check = Check::new(kind, Verdict::Ok, crate::model::visible(&why));
    let mut why = vec![check.found.clone()];
    match &route {
        // None is gone through; none was looked for.
        Route::Direct => check.verdict = Verdict::NotApplicable,
        Route::Through(chosen) => {
            let ranked = access.rank(endpoint).await.unwrap_or_default();
            let now = SystemTime::now();
            // Its reasons first: a narrow screen shows no more.
            if let Some(one) = ranked.iter().find(|one| one.bastion.id == chosen.id) {
                check.found = format!("{}: {}{}", chosen.label(), one.reasons.join(", "), since(&one.bastion));
            }
            let ranked = ranked.iter().enumerate().map(|(at, one)| {
                let taken = if one.bastion.id == chosen.id { ", taken" } else { "" };
                format!("{}. {}{taken}", at + 1, words(one, now))
            });
            why.extend(ranked);
            check.details = why;
        }
    }
    chart.end(check);
    Ok(route)
}

/// Since when its agent can be online at the earliest: when the node was started, or registered. AWS tells no more.
fn since(bastion: &Bastion) -> String {
    match (bastion.up_since, bastion.agent.registered) {
        (Some(at), _) => format!(", node up since {}", moment(at)),
        (None, Some(at)) => format!(", node registered {}", moment(at)),
        (None, None) => String::new(),
    }
}

fn words(one: &Ranked, now: SystemTime) -> String {
    let Ranked { bastion, reasons, .. } = one;
    let heard = bastion.agent.last_ping.map(|at| {
        let ago = now.duration_since(at).unwrap_or_default().as_secs();
        format!(", last ping {} ago", span(ago))
    });
    let id = if bastion.label() == bastion.id { String::new() } else { format!(" ({})", bastion.id) };
    let heard = heard.unwrap_or_default();
    format!("{}{id}: {}{}{heard}", bastion.label(), reasons.join(", "), since(bastion))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::bastion;
    use crate::model::Agent;
    use std::time::Duration;

    #[test]
    fn what_aws_tells_of_an_agents_time_is_told_as_what_it_is() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let before = |seconds| Some(now - Duration::from_secs(seconds));
        let node = bastion("i-1", Some("vpc-1"), true, "3.3.987.0");
        let ranked = |bastion| Ranked {
            bastion,
            score: 0,
            usable: true,
            let_in: None,
            led: None,
            reasons: vec!["agent online".to_owned()],
        };
        let started = Bastion {
            up_since: before(86_400),
            agent: Agent { last_ping: before(60), ..node.agent.clone() },
            ..node.clone()
        };
        assert_eq!(
            words(&ranked(started), now),
            "i-1: agent online, node up since 1970-01-11 13:46:40 UTC, last ping 60 s ago"
        );
        let hybrid = Bastion { agent: Agent { registered: before(86_400), ..node.agent.clone() }, ..node.clone() };
        assert_eq!(words(&ranked(hybrid), now), "i-1: agent online, node registered 1970-01-11 13:46:40 UTC");
        assert_eq!(words(&ranked(node), now), "i-1: agent online");
    }
}
