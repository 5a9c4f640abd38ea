//! Managed nodes that could forward, and what security groups let in. It must not rank.

use super::cloud::Cloud;
use super::error::Error;
use super::network::contains;
use super::xml::Element;
use crate::model::{Agent, Bastion, Place};
use aws_sdk_ssm::primitives::{DateTime, DateTimeFormat};
use aws_sdk_ssm::types::{InstanceInformation, PingStatus};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::SystemTime;

const NODES: &str = "ssm:DescribeInstanceInformation";
const INSTANCES: &str = "ec2:DescribeInstances";
const GROUPS: &str = "ec2:DescribeSecurityGroups";

/// One rule of a security group for what comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingress {
    /// The group it belongs to.
    pub group: String,
    /// First and last port; `None` is all of them.
    pub ports: Option<(u16, u16)>,
    /// Security groups let in.
    pub groups: Vec<String>,
    /// Networks let in: address and prefix length.
    pub networks: Vec<(IpAddr, u32)>,
}

impl Ingress {
    /// The network among those let in that `address` is of, where this rule is about `port`.
    pub fn network_of(&self, port: u16, address: IpAddr) -> Option<(IpAddr, u32)> {
        let fits = self.ports.is_none_or(|(first, last)| (first..=last).contains(&port));
        self.networks.iter().copied().find(|(network, bits)| fits && contains(*network, *bits, address))
    }

    /// Whether it lets a node with these groups and this address reach `port`.
    pub fn lets_in(&self, port: u16, groups: &[String], address: Option<IpAddr>) -> bool {
        self.ports.is_none_or(|(first, last)| (first..=last).contains(&port))
            && (self.groups.iter().any(|group| groups.contains(group))
                || address.is_some_and(|address| {
                    self.networks.iter().any(|(network, bits)| contains(*network, *bits, address))
                }))
    }
}

impl Cloud {
    /// Every managed node of the place (`ssm:DescribeInstanceInformation`), joined with what EC2 says of it. That EC2
    /// may not be asked is a gap, told in words, not a failure.
    pub async fn bastions(&self, place: &Place) -> Result<(Vec<Bastion>, Vec<Error>), Error> {
        let clients = self.clients(place).await;
        let pages = clients.ssm.describe_instance_information().max_results(50).into_paginator().items().send();
        let nodes: Vec<InstanceInformation> = self.ask(NODES, place, &clients, pages.collect()).await?;
        let mut bastions: Vec<Bastion> = nodes.into_iter().filter_map(|node| bastion(place, node)).collect();
        let ids: Vec<String> =
            bastions.iter().filter(|node| node.id.starts_with("i-")).map(|node| node.id.clone()).collect();
        let mut gaps = Vec::new();
        if !ids.is_empty() {
            match self.ec2(INSTANCES, place, "instance-id", &ids, "reservationSet").await {
                Ok(reservations) => {
                    let known: HashMap<&str, &Element> = reservations
                        .iter()
                        .flat_map(|reservation| reservation.items("instancesSet"))
                        .filter_map(|instance| Some((instance.text_of("instanceId")?, instance)))
                        .collect();
                    for bastion in &mut bastions {
                        if let Some(instance) = known.get(bastion.id.as_str()) {
                            complete(bastion, instance);
                        }
                    }
                }
                Err(error) => gaps.push(error),
            }
        }
        bastions.sort_by(|a, b| a.id.cmp(&b.id));
        Ok((bastions, gaps))
    }

    /// The rules of these security groups for TCP that comes in (`ec2:DescribeSecurityGroups`).
    pub async fn ingress(&self, place: &Place, groups: &[String]) -> Result<Vec<Ingress>, Error> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.ec2(GROUPS, place, "group-id", groups, "securityGroupInfo").await?;
        Ok(found.iter().flat_map(rules).collect())
    }
}

fn bastion(place: &Place, node: InstanceInformation) -> Option<Bastion> {
    let id = node.instance_id?;
    let given = node.name.filter(|name| !name.is_empty());
    Some(Bastion {
        name: given.or(node.computer_name).filter(|name| !name.is_empty()),
        id,
        place: place.clone(),
        agent: Agent {
            online: node.ping_status == Some(PingStatus::Online),
            last_ping: node.last_ping_date_time.and_then(|at| SystemTime::try_from(at).ok()),
            registered: node.registration_date.and_then(|at| SystemTime::try_from(at).ok()),
            version: node.agent_version.unwrap_or_default(),
        },
        vpc_id: None,
        subnet_id: None,
        security_groups: Vec::new(),
        address: node.ip_address.filter(|address| !address.is_empty()),
        up_since: None,
    })
}

fn complete(bastion: &mut Bastion, instance: &Element) {
    let own = |name: &str| instance.text_of(name).map(str::to_owned);
    bastion.vpc_id = own("vpcId");
    bastion.subnet_id = own("subnetId");
    bastion.address = own("privateIpAddress").or(bastion.address.take());
    let started = own("launchTime").and_then(|at| DateTime::from_str(&at, DateTimeFormat::DateTime).ok());
    bastion.up_since = started.and_then(|at| SystemTime::try_from(at).ok());
    bastion.security_groups =
        instance.items("groupSet").filter_map(|group| group.text_of("groupId")).map(str::to_owned).collect();
    let tag = instance.items("tagSet").find(|tag| tag.text_of("key") == Some("Name"));
    if let Some(name) = tag.and_then(|tag| tag.text_of("value")) {
        bastion.name = Some(name.to_owned());
    }
}

fn rules(group: &Element) -> Vec<Ingress> {
    let id = group.text_of("groupId").unwrap_or_default();
    let tcp = |rule: &&Element| matches!(rule.text_of("ipProtocol"), Some("tcp" | "6" | "-1"));
    group
        .items("ipPermissions")
        .filter(tcp)
        .map(|rule| {
            let port = |name: &str| rule.text_of(name).and_then(|text| text.parse::<u16>().ok());
            Ingress {
                group: id.to_owned(),
                ports: match rule.text_of("ipProtocol") {
                    Some("-1") => None,
                    _ => port("fromPort").zip(port("toPort")),
                },
                groups: rule.items("groups").filter_map(|group| group.text_of("groupId")).map(str::to_owned).collect(),
                networks: rule
                    .items("ipRanges")
                    .filter_map(|range| range.text_of("cidrIp"))
                    .chain(rule.items("ipv6Ranges").filter_map(|range| range.text_of("cidrIpv6")))
                    .filter_map(|cidr| {
                        let (network, bits) = cidr.split_once('/')?;
                        Some((network.parse().ok()?, bits.parse().ok()?))
                    })
                    .collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::xml;

    #[test]
    fn rules_let_in_by_group_and_by_network() {
        let root = xml::parse(
            "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-db</groupId><ipPermissions>\
             <item><ipProtocol>tcp</ipProtocol><fromPort>5432</fromPort><toPort>5433</toPort>\
             <groups><item><groupId>sg-bastion</groupId></item></groups>\
             <ipRanges><item><cidrIp>10.2.0.0/16</cidrIp></item></ipRanges></item>\
             <item><ipProtocol>udp</ipProtocol><fromPort>1</fromPort><toPort>65535</toPort>\
             <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item>\
             </ipPermissions></item></securityGroupInfo></DescribeSecurityGroupsResponse>",
        )
        .expect("well-formed");
        let rules: Vec<Ingress> = root.items("securityGroupInfo").flat_map(rules).collect();
        assert_eq!(rules.len(), 1, "udp does not count");
        let groups = ["sg-bastion".to_owned()];
        assert!(rules[0].lets_in(5432, &groups, None));
        assert!(!rules[0].lets_in(5434, &groups, None));
        assert!(rules[0].lets_in(5433, &[], Some("10.2.3.4".parse().expect("address"))));
        assert!(!rules[0].lets_in(5432, &["sg-other".to_owned()], Some("10.3.3.4".parse().expect("address"))));
    }

    #[test]
    fn a_node_takes_its_name_and_network_from_ec2() {
        let place = Place { profile: None, region: "eu-west-1".to_owned() };
        let node = InstanceInformation::builder()
            .instance_id("i-1")
            .ping_status(PingStatus::ConnectionLost)
            .agent_version("3.3.987.0")
            .computer_name("ip-10-0-0-1")
            .build();
        let mut bastion = bastion(&place, node).expect("has an id");
        assert!(!bastion.agent.online);
        let instance = xml::parse(
            "<item><instanceId>i-1</instanceId><vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId>\
             <launchTime>2026-08-03T07:12:55.000Z</launchTime>\
             <privateIpAddress>10.0.0.1</privateIpAddress><groupSet><item><groupId>sg-1</groupId></item></groupSet>\
             <tagSet><item><key>Name</key><value>bastion-a</value></item></tagSet></item>",
        )
        .expect("well-formed");
        complete(&mut bastion, &instance);
        assert_eq!(bastion.label(), "bastion-a");
        assert_eq!(bastion.vpc_id.as_deref(), Some("vpc-1"));
        assert_eq!(bastion.security_groups, ["sg-1"]);
        let since = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_785_741_175);
        assert_eq!(bastion.up_since, Some(since));
    }
}
