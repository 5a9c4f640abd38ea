//! A database's port that is not reached, from a bastion or from here: refused, silent, broken off, and what excludes what.
//! It must not know data channels, nor look anything up: what was seen is given.

use super::aws::options;
use super::bastion::recommended;
use super::sql::words;
use super::tunnel::seconds;
use super::{because_lines, shell};
use crate::model::{Act, Bastion, Diagnosis, Endpoint, Kind, Ranked};
use std::io;
use std::time::Duration;

/// The bastion is there, the database's port is not reachable from it: refused, silent for so long, or broken off.
/// `let_in`: whether the database's security groups let the bastion in, as far as EC2 says.
pub(in crate::access) fn unreachable_from(
    bastion: &Bastion,
    endpoint: &Endpoint,
    how: io::ErrorKind,
    after: Duration,
    let_in: Option<bool>,
) -> Diagnosis {
    let title = format!("{} cannot reach {}", bastion.label(), endpoint.address());
    let diagnosis = Diagnosis::new(Kind::UnreachableFromBastion, title);
    match how {
        // Whoever refuses or hangs up was reached: neither groups nor routes are in the way.
        io::ErrorKind::ConnectionRefused => diagnosis.because(
            "the session stands, and the agent's connection was refused: security groups swallow, they do not refuse, so \
             nothing listens there just now",
        ),
        io::ErrorKind::TimedOut => silent(diagnosis, bastion, endpoint, after, let_in),
        _ => diagnosis
            .because("the session stands, and the agent's connection broke off before the database said anything"),
    }
}

/// Something swallows what the bastion sends: what it can be yet.
fn silent(
    mut diagnosis: Diagnosis,
    bastion: &Bastion,
    endpoint: &Endpoint,
    after: Duration,
    let_in: Option<bool>,
) -> Diagnosis {
    let groups = endpoint.security_groups.join(", ");
    let swallowed = match let_in {
        Some(true) => format!(
            "{groups} lets this bastion in, so a network ACL or a missing route swallows what it sends, or nobody has that address"
        ),
        Some(false) => format!("{groups} does not let this bastion in, and swallows what it sends"),
        None => "a security group, a network ACL or a missing route swallows what it sends".to_owned(),
    };
    diagnosis = diagnosis
        .because(format!("the session stands, and nothing answered the agent within {}: {swallowed}", seconds(after)));
    let apart = match (&bastion.vpc_id, &endpoint.vpc_id) {
        (Some(mine), Some(its)) if mine != its => Some((mine, its)),
        _ => None,
    };
    if let Some((mine, its)) = apart {
        diagnosis = diagnosis
            .because(format!("the bastion is in {mine}, the database in {its}: are they joined?"))
            .advise("Take a bastion in the database's VPC");
    }
    if let Some(group) = endpoint.security_groups.first().filter(|_| let_in != Some(true)) {
        let from = match (bastion.security_groups.first(), &bastion.address) {
            (Some(group), _) => format!("--source-group {group}"),
            (None, Some(address)) => format!("--cidr {address}/32"),
            (None, None) => "--source-group SECURITY_GROUP_OF_THE_BASTION".to_owned(),
        };
        return diagnosis.advise_paste(
            format!("Let it in: open port {} of {group}", endpoint.port),
            format!(
                "aws ec2 authorize-security-group-ingress --group-id {group} --protocol tcp --port {} {from}{}",
                endpoint.port,
                options(&endpoint.place)
            ),
        );
    }
    if let Some((mine, its)) = apart {
        let (say, what) = (format!("See whether the bastion's subnet has a route to {its}, and back"), "route-tables");
        diagnosis = diagnosis.advise_paste(say, of_vpcs(what, &[mine, its], endpoint));
    }
    diagnosis = diagnosis.advise_paste(
        "See on the bastion what the name leads to: after a failover or a restore, an old address is silent",
        format!("getent hosts {}", shell(&endpoint.host)),
    );
    let vpcs: Vec<&String> = apart.map_or_else(|| endpoint.vpc_id.iter().collect(), |(mine, its)| vec![mine, its]);
    if vpcs.is_empty() {
        return diagnosis;
    }
    let say = format!(
        "See whether the network ACLs of both subnets let port {} pass, and the answers to ports above 1023",
        endpoint.port
    );
    diagnosis.advise_paste(say, of_vpcs("network-acls", &vpcs, endpoint))
}

/// `aws ec2 describe-…` for these VPCs.
fn of_vpcs(what: &str, vpcs: &[&String], endpoint: &Endpoint) -> String {
    let vpcs = vpcs.iter().map(|vpc| vpc.as_str()).collect::<Vec<_>>().join(",");
    format!("aws ec2 describe-{what} --filters Name=vpc-id,Values={vpcs}{}", options(&endpoint.place))
}

/// A direct line that was refused or did not answer. `others` are bastions that could serve.
pub(in crate::access) fn unreachable_from_here(
    endpoint: &Endpoint,
    error: &io::Error,
    after: Duration,
    others: &[Ranked],
) -> Diagnosis {
    let address = endpoint.address();
    let reason = words(error);
    let title = match error.kind() {
        io::ErrorKind::TimedOut => format!("{address} did not answer from here within {}", seconds(after)),
        io::ErrorKind::ConnectionRefused => format!("{address} refuses connections from here"),
        _ if reason.contains("lookup") => format!("{} cannot be resolved from here", endpoint.host),
        _ => format!("{address} cannot be reached from here"),
    };
    let mut diagnosis = because_lines(Diagnosis::new(Kind::UnreachableFromHere, title), &reason);
    if !endpoint.public {
        diagnosis = diagnosis.because("the database is private: only its own network reaches it");
    } else if let Some(group) = endpoint.security_groups.first()
        // Groups swallow: whoever refuses was reached.
        && error.kind() != io::ErrorKind::ConnectionRefused
    {
        diagnosis = diagnosis.advise(format!("Let your address in: port {} of {group}", endpoint.port));
    }
    for one in recommended(others) {
        diagnosis = diagnosis
            .advise_paste(
                format!("Go through {}: {}", one.bastion.label(), one.reasons.join(", ")),
                format!("--via {}", one.bastion.id),
            )
            .by(Act::ChooseRoute);
    }
    diagnosis
}
