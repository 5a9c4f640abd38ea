//! Which bastion first, and why. Pure: what is known is given, nothing is asked.

use crate::aws::{Ingress, Road, Roads};
use crate::model::{Agent, Bastion, Endpoint, Ranked};
use std::cmp::Reverse;
use std::net::IpAddr;

/// The first agent that forwards to another host (AWS, "Start a session (port forwarding to remote host)").
pub(super) const AGENT_WITH_REMOTE_HOST: [u32; 3] = [3, 1, 1374];

const SAME_VPC: i32 = 100;
const LET_IN: i32 = 50;
/// Less than being let in: a route alone opens no port.
const ROUTED: i32 = 20;
/// Below a bastion of which nothing is known.
const NO_ROUTE: i32 = -10;
const NAMED_SO: i32 = 5;

/// What EC2 says of the network between; each part is `None` when it would not say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Terrain<'a> {
    /// What the database's security groups let in.
    pub(super) ingress: Option<&'a [Ingress]>,
    /// Where the subnets of bastions in other VPCs lead.
    pub(super) roads: Option<&'a Roads>,
}

/// Bastions for `endpoint`, best first: usable ones, then by VPC, security group, route, name, newest agent.
pub(super) fn rank(endpoint: &Endpoint, bastions: Vec<Bastion>, terrain: Terrain<'_>) -> Vec<Ranked> {
    let mut ranked: Vec<Ranked> = bastions.into_iter().map(|bastion| judge(endpoint, bastion, terrain)).collect();
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

fn judge(endpoint: &Endpoint, bastion: Bastion, terrain: Terrain<'_>) -> Ranked {
    let mut score = 0;
    let mut reasons = Vec::new();
    let mut against = Vec::new();
    let mut usable = true;
    let (mut let_in, mut led) = (None, None);
    match (&bastion.vpc_id, &endpoint.vpc_id) {
        _ if endpoint.internet_gateway => {
            usable = false;
            against.push("the database has no VPC: no bastion can reach it, none is needed".to_owned());
        }
        (Some(mine), Some(its)) if mine == its => {
            score += SAME_VPC;
            led = Some(true);
            reasons.push("same VPC".to_owned());
        }
        // Peering or a transit gateway may join them: it ranks lower, it is not excluded.
        (Some(mine), Some(its)) => {
            against.push(format!("another VPC ({mine})"));
            match terrain.roads.and_then(|roads| roads.from(mine, bastion.subnet_id.as_deref())) {
                Some(Road::By(target)) => {
                    score += ROUTED;
                    led = Some(true);
                    reasons.push(format!("its subnet routes to {its} by {target}"));
                }
                Some(Road::None) => {
                    score += NO_ROUTE;
                    led = Some(false);
                    against.push(format!("its subnet has no route to {its}"));
                }
                None => {}
            }
        }
        _ => against.push("VPC not known".to_owned()),
    }
    if let Some(ingress) = terrain.ingress {
        let address: Option<IpAddr> = bastion.address.as_deref().and_then(|address| address.parse().ok());
        match ingress.iter().find(|rule| rule.lets_in(endpoint.port, &bastion.security_groups, address)) {
            Some(rule) => {
                score += LET_IN;
                let_in = Some(true);
                let by_group = rule.groups.iter().any(|group| bastion.security_groups.contains(group));
                reasons.push(match address.and_then(|address| rule.network_of(endpoint.port, address)) {
                    Some((network, bits)) if !by_group => format!("{} lets in {network}/{bits}", rule.group),
                    _ => format!("{} lets it in", rule.group),
                });
            }
            None if !endpoint.security_groups.is_empty() => {
                let_in = Some(false);
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
    if is_too_old(&bastion.agent) {
        usable = false;
        against.insert(0, format!("agent {} is too old (3.1.1374 forwards to other hosts)", bastion.agent.version));
    } else if !version(&bastion.agent.version).is_empty() {
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
    Ranked { bastion, score, usable, let_in, led, reasons }
}

/// Whether an agent is known not to forward to other hosts.
pub(super) fn is_too_old(agent: &Agent) -> bool {
    let agent = version(&agent.version);
    !agent.is_empty() && agent.as_slice() < AGENT_WITH_REMOTE_HOST.as_slice()
}

/// The numbers of a version; empty when it is none.
fn version(text: &str) -> Vec<u32> {
    text.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{Database, DatabaseKind, EndpointRole, Engine, IamAuth, Place, Role};

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
            proxy: None,
        }
    }

    /// A cluster without members, which is available and takes tokens.
    pub(in crate::access) fn database(identifier: &str) -> Database {
        let endpoint = endpoint();
        Database {
            kind: DatabaseKind::Cluster,
            identifier: identifier.to_owned(),
            resource_id: "cluster-7Q".to_owned(),
            arn: format!("arn:aws:rds:eu-west-1:123456789012:cluster:{identifier}"),
            engine: endpoint.engine.clone(),
            engine_version: "16.6".to_owned(),
            status: "available".to_owned(),
            iam: IamAuth::Enabled,
            place: endpoint.place.clone(),
            cluster: None,
            role: Role::Cluster,
            endpoints: vec![endpoint],
            vpc_id: None,
            subnet_group: None,
            security_groups: Vec::new(),
            public: None,
            class: None,
            multi_az: false,
            certificate: None,
            database_name: None,
            master_user: None,
            master_secret: None,
            domains: Vec::new(),
            tags: Vec::new(),
            internet_gateway: false,
        }
    }

    pub(in crate::access) fn bastion(id: &str, vpc: Option<&str>, online: bool, agent: &str) -> Bastion {
        Bastion {
            id: id.to_owned(),
            name: None,
            place: endpoint().place,
            agent: Agent { online, last_ping: None, registered: None, version: agent.to_owned() },
            vpc_id: vpc.map(str::to_owned),
            subnet_id: None,
            security_groups: vec![format!("sg-{id}")],
            address: Some("10.0.0.7".to_owned()),
            up_since: None,
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
            Terrain { ingress: Some(&[rule]), roads: None },
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
        let known: Vec<_> = ranked.iter().map(|one| (one.let_in, one.led, one.may_serve())).collect();
        assert_eq!(known[0], (Some(true), Some(true), true));
        assert_eq!(known[1], (Some(false), Some(true), false), "usable, and not let in");
        assert_eq!(known[5], (Some(false), Some(true), false));
        assert!(ranked[5].reasons[0].starts_with("agent 3.1.1188.0 is too old"), "{:?}", ranked[5].reasons);
    }

    #[test]
    fn without_a_word_from_ec2_an_online_agent_is_still_usable() {
        let ranked = rank(&endpoint(), vec![bastion("mi-1", None, true, "")], Terrain::default());
        assert!(ranked[0].usable);
        assert_eq!(ranked[0].reasons, ["agent online", "VPC not known"]);
    }

    #[test]
    fn a_route_between_vpcs_counts_and_so_does_its_absence() {
        let roads = crate::aws::routes_of_a_test();
        let there = Bastion {
            subnet_id: Some("subnet-own".to_owned()),
            ..bastion("i-routed", Some("vpc-b"), true, "3.3.987.0")
        };
        let lost =
            Bastion { subnet_id: Some("subnet-x".to_owned()), ..bastion("i-lost", Some("vpc-b"), true, "3.3.987.0") };
        let nowhere = bastion("i-unknown", Some("vpc-c"), true, "3.3.987.0");
        let terrain = Terrain { ingress: None, roads: Some(&roads) };
        let ranked = rank(&endpoint(), vec![lost, nowhere, there], terrain);
        assert_eq!(order(&ranked), [("i-routed", true), ("i-unknown", true), ("i-lost", true)]);
        assert_eq!(ranked.iter().map(Ranked::may_serve).collect::<Vec<_>>(), [true, true, false]);
        assert!(
            ranked[0].reasons.contains(&"its subnet routes to vpc-1 by pcx-1".to_owned()),
            "{:?}",
            ranked[0].reasons
        );
        assert!(ranked[2].reasons.contains(&"its subnet has no route to vpc-1".to_owned()), "{:?}", ranked[2].reasons);
    }

    #[test]
    fn who_is_let_in_by_address_is_told_the_network() {
        let rule = Ingress {
            group: "sg-db".to_owned(),
            ports: None,
            groups: Vec::new(),
            networks: vec![("10.0.0.0".parse().expect("address"), 16)],
        };
        let terrain = Terrain { ingress: Some(&[rule]), roads: None };
        let ranked = rank(&endpoint(), vec![bastion("i-1", Some("vpc-1"), true, "3.3.987.0")], terrain);
        assert_eq!(ranked[0].reasons[1], "sg-db lets in 10.0.0.0/16");
    }

    #[test]
    fn no_bastion_serves_an_express_cluster() {
        let endpoint = Endpoint { internet_gateway: true, vpc_id: None, ..endpoint() };
        let ranked = rank(&endpoint, vec![bastion("i-1", Some("vpc-1"), true, "3.3.987.0")], Terrain::default());
        assert!(!ranked[0].usable);
    }
}
