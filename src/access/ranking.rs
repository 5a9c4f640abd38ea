//! Which bastion first, and why. Pure: what is known is given, nothing is asked.

use crate::aws::Ingress;
use crate::model::{Bastion, Endpoint, Ranked};
use std::cmp::Reverse;

/// The first agent that forwards to another host (AWS, "Start a session (port forwarding to remote host)").
pub(super) const AGENT_WITH_REMOTE_HOST: [u32; 3] = [3, 1, 1374];

const SAME_VPC: i32 = 100;
const LET_IN: i32 = 50;
const NAMED_SO: i32 = 5;

/// Bastions for `endpoint`, best first: usable ones, then by VPC, security group, name, newest agent. `ingress` is what
/// the database's security groups let in; `None` when EC2 would not say.
pub(super) fn rank(endpoint: &Endpoint, bastions: Vec<Bastion>, ingress: Option<&[Ingress]>) -> Vec<Ranked> {
    let mut ranked: Vec<Ranked> = bastions.into_iter().map(|bastion| judge(endpoint, bastion, ingress)).collect();
    ranked.sort_by_cached_key(|one| {
        (
            Reverse(one.usable),
            Reverse(one.score),
            Reverse(version(&one.bastion.agent.version)),
            one.bastion.label().to_owned(),
            one.bastion.id.clone(),
        )
    });
    ranked
}

fn judge(endpoint: &Endpoint, bastion: Bastion, ingress: Option<&[Ingress]>) -> Ranked {
    let mut score = 0;
    let mut reasons = Vec::new();
    let mut against = Vec::new();
    let mut usable = true;
    match (&bastion.vpc_id, &endpoint.vpc_id) {
        _ if endpoint.internet_gateway => {
            usable = false;
            against.push("the database has no VPC: no bastion can reach it, none is needed".to_owned());
        }
        (Some(mine), Some(its)) if mine == its => {
            score += SAME_VPC;
            reasons.push("same VPC".to_owned());
        }
        // Peering or a transit gateway may join them: it ranks lower, it is not excluded.
        (Some(mine), Some(_)) => against.push(format!("another VPC ({mine})")),
        _ => against.push("VPC not known".to_owned()),
    }
    if let Some(ingress) = ingress {
        let address = bastion.address.as_deref().and_then(|address| address.parse().ok());
        match ingress.iter().find(|rule| rule.lets_in(endpoint.port, &bastion.security_groups, address)) {
            Some(rule) => {
                score += LET_IN;
                reasons.push(format!("{} lets it in", rule.group));
            }
            None if !endpoint.security_groups.is_empty() => {
                against.push(format!("{} does not let it in", endpoint.security_groups.join(", ")));
            }
            None => {}
        }
    }
    if bastion.agent.online {
        reasons.push("agent online".to_owned());
    } else {
        usable = false;
        against.insert(0, "agent offline".to_owned());
    }
    let agent = version(&bastion.agent.version);
    if !agent.is_empty() && agent.as_slice() < AGENT_WITH_REMOTE_HOST.as_slice() {
        usable = false;
        against.insert(0, format!("agent {} is too old (3.1.1374 forwards to other hosts)", bastion.agent.version));
    } else if !agent.is_empty() {
        reasons.push(format!("agent {}", bastion.agent.version));
    }
    let name = bastion.label().to_ascii_lowercase();
    if ["bastion", "jump", "gateway", "ssm"].iter().any(|word| name.contains(word)) {
        score += NAMED_SO;
    }
    // What rules it out is said first; else what speaks for it.
    if usable {
        reasons.append(&mut against);
    } else {
        against.append(&mut reasons);
        reasons = against;
    }
    Ranked { bastion, score, usable, reasons }
}

/// The numbers of a version; empty when it is none.
fn version(text: &str) -> Vec<u32> {
    text.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{Agent, EndpointRole, Engine, IamAuth, Place};

    pub(in crate::access) fn endpoint() -> Endpoint {
        Endpoint {
            role: EndpointRole::Writer,
            host: "orders.cluster-c9.eu-west-1.rds.amazonaws.com".to_owned(),
            port: 5432,
            owner: "orders".to_owned(),
            resource_id: "cluster-7Q".to_owned(),
            iam: IamAuth::Enabled,
            engine: Engine::AuroraPostgresql,
            place: Place { profile: None, region: "eu-west-1".to_owned() },
            account: "123456789012".to_owned(),
            partition: "aws".to_owned(),
            public: false,
            vpc_id: Some("vpc-1".to_owned()),
            security_groups: vec!["sg-db".to_owned()],
            database_name: Some("shop".to_owned()),
            internet_gateway: false,
            tags: Vec::new(),
        }
    }

    pub(in crate::access) fn bastion(id: &str, vpc: Option<&str>, online: bool, agent: &str) -> Bastion {
        Bastion {
            id: id.to_owned(),
            name: None,
            place: endpoint().place,
            agent: Agent { online, last_ping: None, version: agent.to_owned() },
            vpc_id: vpc.map(str::to_owned),
            subnet_id: None,
            security_groups: vec![format!("sg-{id}")],
            address: Some("10.0.0.7".to_owned()),
        }
    }

    fn order(ranked: &[Ranked]) -> Vec<(&str, bool)> {
        ranked.iter().map(|one| (one.bastion.id.as_str(), one.usable)).collect()
    }

    #[test]
    fn usable_first_then_vpc_then_security_group_then_agent() {
        let rule = Ingress {
            group: "sg-db".to_owned(),
            ports: Some((5432, 5432)),
            groups: vec!["sg-i-let-in".to_owned()],
            networks: Vec::new(),
        };
        let ranked = rank(
            &endpoint(),
            vec![
                bastion("i-old", Some("vpc-1"), true, "3.1.1188.0"),
                bastion("i-offline", Some("vpc-1"), false, "3.3.987.0"),
                bastion("i-elsewhere", Some("vpc-2"), true, "3.3.987.0"),
                bastion("i-not-let-in", Some("vpc-1"), true, "3.3.987.0"),
                bastion("i-let-in", Some("vpc-1"), true, "3.2.0.0"),
                bastion("i-unknown", None, true, "3.3.1000.0"),
            ],
            Some(&[rule]),
        );
        assert_eq!(
            order(&ranked),
            [
                ("i-let-in", true),
                ("i-not-let-in", true),
                ("i-unknown", true),
                ("i-elsewhere", true),
                ("i-offline", false),
                ("i-old", false)
            ]
        );
        assert_eq!(ranked[0].reasons, ["same VPC", "sg-db lets it in", "agent online", "agent 3.2.0.0"]);
        assert_eq!(ranked[4].reasons[0], "agent offline");
        assert!(ranked[5].reasons[0].starts_with("agent 3.1.1188.0 is too old"), "{:?}", ranked[5].reasons);
    }

    #[test]
    fn without_a_word_from_ec2_an_online_agent_is_still_usable() {
        let ranked = rank(&endpoint(), vec![bastion("mi-1", None, true, "")], None);
        assert!(ranked[0].usable);
        assert_eq!(ranked[0].reasons, ["agent online", "VPC not known"]);
    }

    #[test]
    fn no_bastion_serves_an_express_cluster() {
        let endpoint = Endpoint { internet_gateway: true, vpc_id: None, ..endpoint() };
        let ranked = rank(&endpoint, vec![bastion("i-1", Some("vpc-1"), true, "3.3.987.0")], None);
        assert!(!ranked[0].usable);
    }
}
