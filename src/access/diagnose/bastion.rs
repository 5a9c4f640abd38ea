//! Bastions that cannot serve: offline, too old, not there. It must not know what is sent through one.

use super::aws::options;
use super::{moment, span};
use crate::model::{Act, Diagnosis, Endpoint, Kind, Ranked, visible};
use std::time::SystemTime;

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
    let mut diagnosis = Diagnosis::new(Kind::BastionUnusable, title);
    diagnosis = diagnosis.because(visible(&wanted.reasons.join(", ")));
    offer(diagnosis, others)
}

/// There is no bastion of that name.
pub(in crate::access) fn unknown(name: &str, endpoint: &Endpoint, others: &[Ranked]) -> Diagnosis {
    let diagnosis = Diagnosis::new(Kind::BastionUnusable, format!("There is no bastion {name} in {}", endpoint.place))
        .because("no managed node has that id or name there: stopped ones are not listed, nor those of other accounts");
    offer(diagnosis, others)
}

/// No bastion could serve.
pub(in crate::access) fn none(endpoint: &Endpoint, all: &[Ranked]) -> Diagnosis {
    let mut diagnosis =
        Diagnosis::new(Kind::NoBastion, format!("There is no bastion that could reach {}", endpoint.owner));
    if all.is_empty() {
        diagnosis = diagnosis.because(format!("Session Manager knows no node in {}", endpoint.place));
    }
    for one in all.iter().take(5) {
        let since = match one.bastion.agent.last_ping.filter(|_| !one.bastion.agent.online) {
            Some(since) => format!(" (last heard of {})", moment(since)),
            None => String::new(),
        };
        diagnosis = diagnosis.because(format!("{}: {}{since}", one.bastion.label(), one.reasons.join(", ")));
    }
    diagnosis
        .advise_paste(
            "See the nodes and their agents",
            format!("aws ssm describe-instance-information{}", options(&endpoint.place)),
        )
        .advise("Start one in the database's VPC, with an agent of 3.1.1374 or newer")
        .advise_paste("From inside its network, dial it from here", "--via direct")
        .by(Act::ChooseRoute)
}

fn offer(mut diagnosis: Diagnosis, others: &[Ranked]) -> Diagnosis {
    for one in others.iter().filter(|one| one.usable).take(3) {
        diagnosis = diagnosis
            .advise_paste(
                format!("Take {}: {}", one.bastion.label(), one.reasons.join(", ")),
                format!("--via {}", one.bastion.id),
            )
            .by(Act::ChooseRoute);
    }
    if diagnosis.advice.is_empty() {
        diagnosis = diagnosis.advise("Start it, and see that its agent is online");
    }
    diagnosis
}
