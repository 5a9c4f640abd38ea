//! Bastions that cannot serve: offline, too old, not there. It must not know what is sent through one.

use super::aws::options;
use super::{moment, span};
use crate::access::ranking::is_too_old;
use crate::model::{Act, Bastion, Diagnosis, Endpoint, Kind, Ranked, visible};
use std::time::SystemTime;

const UPDATE: &str = "Update the agent to 3.1.1374 or newer";

/// The bastion asked for cannot serve. `others` are better ones.
pub(in crate::access) fn unusable(wanted: &Ranked, others: &[Ranked], now: SystemTime) -> Diagnosis {
    let bastion = &wanted.bastion;
    let title = match bastion.agent.last_ping {
        Some(since) if !bastion.agent.online => {
            let ago = now.duration_since(since).unwrap_or_default().as_secs();
            format!("Bastion {} has been offline since {} ({} ago)", bastion.label(), moment(since), span(ago))
        }
        None if !bastion.agent.online => format!("Bastion {} is offline", bastion.label()),
        _ => format!("Bastion {} cannot serve", bastion.label()),
    };
    let diagnosis = Diagnosis::new(Kind::BastionUnusable, title).because(visible(&wanted.reasons.join(", ")));
    let diagnosis = recommend(diagnosis, others);
    let first = diagnosis.advice.is_empty();
    let or = |say: &str| if first { say.to_owned() } else { format!("Or {}", uncapped(say)) };
    let diagnosis = match (bastion.agent.online, is_too_old(&bastion.agent)) {
        (true, true) => diagnosis.advise_paste(or(UPDATE), update_agent(bastion)),
        (false, old) => {
            let diagnosis = diagnosis.advise(or("Start it, and see that its agent is online"));
            if old {
                diagnosis.advise_paste(format!("Then {}", uncapped(UPDATE)), update_agent(bastion))
            } else {
                diagnosis
            }
        }
        // Nothing is wrong with it: the database is not reached through any.
        (true, false) => diagnosis.advise_paste(or("Dial it from here"), "--via direct").by(Act::ChooseRoute),
    };
    in_vain(diagnosis, others)
}

/// There is no bastion of that name.
pub(in crate::access) fn unknown(name: &str, endpoint: &Endpoint, others: &[Ranked]) -> Diagnosis {
    let diagnosis = Diagnosis::new(Kind::BastionUnusable, format!("There is no bastion {name} in {}", endpoint.place))
        .because("no managed node has that id or name there: stopped ones are not listed, nor those of other accounts");
    in_vain(recommend(diagnosis, others), others)
}

/// No bastion could serve. `unconnected`: the ids of those that could, if Session Manager held a connection to them, which
/// it says it does not: what is listed of them is some minutes old.
pub(in crate::access) fn none(endpoint: &Endpoint, all: &[Ranked], unconnected: &[&str]) -> Diagnosis {
    let is_lost = |one: &&Ranked| unconnected.contains(&one.bastion.id.as_str());
    let title = match all.iter().any(|one| is_lost(&one)) {
        true => format!("No bastion that could reach {} is connected to Session Manager", endpoint.owner),
        false => format!("There is no bastion that could reach {}", endpoint.owner),
    };
    let mut diagnosis = Diagnosis::new(Kind::NoBastion, title);
    if all.is_empty() {
        diagnosis = diagnosis.because(format!("Session Manager knows no node in {}", endpoint.place));
    }
    for one in all.iter().take(5) {
        if is_lost(&one) {
            let heard =
                one.bastion.agent.last_ping.map_or_else(String::new, |at| format!(" (last ping {})", moment(at)));
            diagnosis = diagnosis.because(format!(
                "{}: Session Manager holds no connection to it now, though it lists it as online{heard}: {}",
                one.bastion.label(),
                one.reasons.join(", ")
            ));
            continue;
        }
        let since = match one.bastion.agent.last_ping.filter(|_| !one.bastion.agent.online) {
            Some(since) => format!(" (last heard of {})", moment(since)),
            None => String::new(),
        };
        diagnosis = diagnosis.because(format!("{}: {}{since}", one.bastion.label(), one.reasons.join(", ")));
    }
    let lost = all.iter().filter(is_lost);
    let back = lost.clone().find(|one| one.may_serve()).or_else(|| lost.clone().next());
    if let Some(one) = back {
        diagnosis = reconnect(diagnosis, &one.bastion);
    }
    let too_old = |one: &&Ranked| {
        let would_serve = one.let_in != Some(false) && one.led != Some(false);
        one.bastion.agent.online && is_too_old(&one.bastion.agent) && would_serve && !endpoint.internet_gateway
    };
    if let Some(one) = all.iter().find(too_old) {
        let say = format!("Update the agent of {} to 3.1.1374 or newer", one.bastion.label());
        diagnosis = diagnosis.advise_paste(say, update_agent(&one.bastion));
    }
    let nodes = format!("aws ssm describe-instance-information{}", options(&endpoint.place));
    diagnosis = diagnosis.advise_paste("See the nodes and their agents", nodes);
    // One that could serve is there.
    if !lost.clone().any(Ranked::may_serve) {
        diagnosis = diagnosis.advise("Start one in the database's VPC, with an agent of 3.1.1374 or newer");
    }
    diagnosis.advise_paste("From inside its network, dial it from here", "--via direct").by(Act::ChooseRoute)
}

/// What brings a node back to Session Manager that was there a moment ago.
fn reconnect(diagnosis: Diagnosis, bastion: &Bastion) -> Diagnosis {
    let Bastion { id, place, .. } = bastion;
    let here = options(place);
    let diagnosis = diagnosis
        .advise_paste(
            format!("See whether {} is back: after a restart that takes a minute", bastion.label()),
            format!("aws ssm get-connection-status --target {id}{here}"),
        )
        .advise_paste("Restart its agent there", RESTART_AGENT);
    // Nobody may get in there but through Session Manager.
    let diagnosis = match id.starts_with("i-") {
        true => diagnosis.advise_paste("Or reboot it", format!("aws ec2 reboot-instances --instance-ids {id}{here}")),
        false => diagnosis,
    };
    diagnosis.advise(format!(
        "See whether it still reaches ssmmessages in {}, port 443: a route, a proxy or a VPC endpoint may be gone",
        place.region
    ))
}

/// Run on the node itself.
pub(super) const RESTART_AGENT: &str = "sudo systemctl restart amazon-ssm-agent";

/// As it stands within a sentence.
fn uncapped(say: &str) -> String {
    let mut letters = say.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_lowercase(), letters.as_str()))
}

/// Those worth a recommendation, best first: what was looked at does not say that they cannot serve.
pub(super) fn recommended(others: &[Ranked]) -> impl Iterator<Item = &Ranked> {
    others.iter().filter(|one| one.may_serve()).take(3)
}

fn recommend(mut diagnosis: Diagnosis, others: &[Ranked]) -> Diagnosis {
    for one in recommended(others) {
        let say = format!("Take {}: {}", one.bastion.label(), one.reasons.join(", "));
        diagnosis = diagnosis.advise_paste(say, format!("--via {}", one.bastion.id)).by(Act::ChooseRoute);
    }
    diagnosis
}

/// Where none is recommended: the best of those that likely cannot serve, told as that.
fn in_vain(diagnosis: Diagnosis, others: &[Ranked]) -> Diagnosis {
    let Some(one) = others.iter().find(|one| one.usable).filter(|_| recommended(others).next().is_none()) else {
        return diagnosis;
    };
    let why = one.reasons.join(", ");
    let say = format!("{} likely cannot reach it, and is tried where it is asked for: {why}", one.bastion.label());
    diagnosis.advise_paste(say, format!("--via {}", one.bastion.id)).by(Act::ChooseRoute)
}

/// Others than this one, which did not serve, or how it is mended (`say`, `paste`): the likelier one first. `others` is empty
/// where they could not be listed.
pub(super) fn instead(
    diagnosis: Diagnosis,
    bastion: &Bastion,
    others: &[Ranked],
    say: &str,
    paste: String,
) -> Diagnosis {
    let rest: Vec<Ranked> = others.iter().filter(|one| one.bastion.id != bastion.id).cloned().collect();
    let before = diagnosis.advice.len();
    let mut diagnosis = recommend(diagnosis, &rest);
    if others.is_empty() {
        diagnosis = diagnosis.advise("Go through another bastion, if there is one").by(Act::ChooseRoute);
    }
    let first = diagnosis.advice.len() == before;
    let say = if first { say.to_owned() } else { format!("Or {}", uncapped(say)) };
    in_vain(diagnosis.advise_paste(say, paste), &rest)
}

/// What brings an agent up to date, by Session Manager's own document for it.
pub(super) fn update_agent(bastion: &Bastion) -> String {
    format!(
        "aws ssm send-command --document-name AWS-UpdateSSMAgent --instance-ids {}{}",
        bastion.id,
        options(&bastion.place)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::{bastion, endpoint};
    use crate::access::ranking::{Terrain, rank};
    use crate::aws::Ingress;

    fn ranked(bastions: Vec<Bastion>) -> Vec<Ranked> {
        let rule = Ingress {
            group: "sg-db".to_owned(),
            ports: Some((5432, 5432)),
            groups: vec!["sg-i-in".to_owned(), "sg-i-old".to_owned()],
            networks: Vec::new(),
        };
        rank(&endpoint(), bastions, Terrain { ingress: Some(&[rule]), roads: None })
    }

    fn says(diagnosis: &Diagnosis) -> Vec<&str> {
        diagnosis.advice.iter().map(|advice| advice.say.as_str()).collect()
    }

    #[test]
    fn none_is_recommended_together_with_the_proof_that_it_cannot_serve() {
        let out = bastion("i-out", Some("vpc-1"), true, "3.3.987.0");
        let both = ranked(vec![out.clone(), bastion("i-in", Some("vpc-1"), true, "3.3.987.0")]);
        let said = unknown("nope", &endpoint(), &both);
        assert_eq!(said.advice.len(), 1, "{said}");
        assert!(says(&said)[0].starts_with("Take i-in: same VPC"), "{said}");
        let said = unknown("nope", &endpoint(), &ranked(vec![out]));
        assert!(
            says(&said)[0].starts_with("i-out likely cannot reach it, and is tried where it is asked for"),
            "{said}"
        );
    }

    #[test]
    fn in_place_of_one_that_does_not_serve_another_is_named_or_its_repair() {
        let mine = bastion("i-in", Some("vpc-1"), true, "3.3.987.0");
        let told = |others: &[Ranked]| {
            let failed = Diagnosis::new(Kind::BastionUnusable, "It does not answer");
            let said = instead(failed, &mine, others, "Restart it", "restart".to_owned());
            let said = says(&said).into_iter().map(str::to_owned).collect::<Vec<_>>();
            assert!(said.iter().all(|say| !say.starts_with("Take i-in")), "{said:?}");
            said
        };
        let good = bastion("i-old", Some("vpc-1"), true, "3.3.987.0");
        let out = bastion("i-out", Some("vpc-1"), true, "3.3.987.0");
        let said = told(&ranked(vec![mine.clone(), good]));
        assert!(
            said.len() == 2 && said[0].starts_with("Take i-old: same VPC") && said[1] == "Or restart it",
            "{said:?}"
        );
        let said = told(&ranked(vec![mine.clone(), out]));
        assert!(said.len() == 2 && said[0] == "Restart it" && said[1].starts_with("i-out likely cannot"), "{said:?}");
        assert_eq!(told(&ranked(vec![mine.clone()])), ["Restart it"]);
        assert_eq!(told(&[]), ["Go through another bastion, if there is one", "Or restart it"], "nobody knows");
    }

    #[test]
    fn one_that_could_serve_and_is_not_connected_is_brought_back_rather_than_another_started() {
        let (good, out) =
            (bastion("i-in", Some("vpc-1"), true, "3.3.987.0"), bastion("i-out", Some("vpc-1"), true, "3.3.987.0"));
        let all = ranked(vec![out, good]);
        let said = none(&endpoint(), &all, &["i-in", "i-out"]);
        assert_eq!(said.title, "No bastion that could reach orders is connected to Session Manager");
        assert!(said.because[0].starts_with("i-in: Session Manager holds no connection to it now"), "{said}");
        assert_eq!(says(&said)[0], "See whether i-in is back: after a restart that takes a minute");
        let text = said.to_string();
        assert!(text.contains("amazon-ssm-agent") && text.contains("ssmmessages in eu-west-1"), "{said}");
        assert!(!text.contains("There is no bastion") && !text.contains("Start one"), "{said}");
        // One that likely cannot reach it would be no help if it came back.
        let said = none(&endpoint(), &all[1..], &["i-out"]);
        assert!(says(&said).iter().any(|say| say.starts_with("Start one in the database's VPC")), "{said}");
    }

    #[test]
    fn an_old_agent_is_to_be_updated_and_an_offline_one_started() {
        let now = SystemTime::UNIX_EPOCH;
        let all = ranked(vec![bastion("i-old", Some("vpc-1"), true, "3.1.1080.0")]);
        let said = unusable(&all[0], &all, now);
        assert_eq!(says(&said), ["Update the agent to 3.1.1374 or newer"], "{said}");
        let command = said.advice[0].paste.as_deref().unwrap_or_default();
        assert!(command.starts_with("aws ssm send-command --document-name AWS-UpdateSSMAgent --instance-ids i-old"));
        let said = none(&endpoint(), &all, &[]);
        assert_eq!(says(&said)[0], "Update the agent of i-old to 3.1.1374 or newer", "{said}");

        let all = ranked(vec![
            bastion("i-gone", Some("vpc-1"), false, "3.1.1080.0"),
            bastion("i-in", Some("vpc-1"), true, "3.3.987.0"),
        ]);
        let said = unusable(&all[1], &all, now);
        assert!(says(&said)[0].starts_with("Take i-in"), "{said}");
        assert_eq!(
            says(&said)[1..],
            ["Or start it, and see that its agent is online", "Then update the agent to 3.1.1374 or newer"]
        );
    }
}
