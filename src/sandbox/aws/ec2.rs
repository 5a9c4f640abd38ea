//! EC2 as far as bastions need it: where an instance is, what security groups let in, where its subnet leads. It must not know SSM or RDS.

use super::answer::Failure;
use super::page::page;
use super::request::{Filter, Parameters};
use super::xml::Xml;
use crate::sandbox::cast::{Ingress, Node, RouteTable, SecurityGroup, Vpc, cast, route_tables, vpcs};
use crate::sandbox::keys::ACCOUNT;

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// Answers `action` in `region`.
pub fn answer(action: &str, region: &str, parameters: &Parameters, request_id: &str) -> Result<String, Failure> {
    match action {
        "DescribeInstances" => instances(region, parameters, request_id),
        "DescribeSecurityGroups" => security_groups(region, parameters, request_id),
        "DescribeRouteTables" => tables(region, parameters, request_id),
        "DescribeVpcs" => networks(region, parameters, request_id),
        other => {
            Err(Failure::new(400, "InvalidAction", format!("The action {other} is not valid for this web service.")))
        }
    }
}

fn instances(region: &str, parameters: &Parameters, request_id: &str) -> Result<String, Failure> {
    let ids = parameters.list("InstanceId");
    if !ids.is_empty() && parameters.get("MaxResults").is_some() {
        return Err(Failure::new(
            400,
            "InvalidParameterCombination",
            "The parameter instancesSet cannot be used with the parameter maxResults",
        ));
    }
    let nodes: Vec<&Node> = cast().nodes.iter().filter(|node| node.region == region).collect();
    for id in &ids {
        if !nodes.iter().any(|node| node.id == id) {
            return Err(Failure::new(
                400,
                "InvalidInstanceID.NotFound",
                format!("The instance ID '{id}' does not exist"),
            ));
        }
    }
    let filters = parameters.filters("Filter", "Value");
    let mut found = Vec::new();
    for node in nodes {
        let named = ids.is_empty() || ids.iter().any(|id| id == node.id);
        if named && all_fit(&filters, |name| node_values(node, name))? {
            found.push(node);
        }
    }
    let size = parameters.number("MaxResults", 5, 1000, 1000)?;
    let paged = page("instances", found, size, parameters.get("NextToken"))?;
    let mut xml = Xml::default();
    xml.root("DescribeInstancesResponse", NAMESPACE, |xml| {
        xml.text("requestId", request_id);
        xml.list("reservationSet", "item", paged.items, |xml, node| {
            xml.text("reservationId", node.id.replacen("i-", "r-", 1));
            xml.text("ownerId", ACCOUNT);
            xml.list("instancesSet", "item", [node], instance);
        });
        xml.text_if("nextToken", paged.next);
    });
    Ok(xml.finish())
}

fn instance(xml: &mut Xml, node: &Node) {
    xml.text("instanceId", node.id);
    xml.text("imageId", "ami-0d71ea30463e0ff8d");
    xml.element("instanceState", |xml| {
        xml.text("code", 16);
        xml.text("name", "running");
    });
    xml.text("privateDnsName", private_name(node));
    xml.text("instanceType", "t4g.nano");
    xml.text("launchTime", "2026-08-03T07:12:55.000Z");
    xml.element("placement", |xml| xml.text("availabilityZone", format!("{}a", node.region)));
    xml.element("monitoring", |xml| xml.text("state", "disabled"));
    xml.text("subnetId", node.subnet_id);
    xml.text("vpcId", node.vpc_id);
    xml.text("privateIpAddress", node.address);
    xml.list("groupSet", "item", &node.security_groups, |xml, id| {
        xml.text("groupId", id);
        xml.text_if("groupName", group_name(id));
    });
    xml.text("architecture", "arm64");
    xml.list("tagSet", "item", tags(node), |xml, (key, value)| {
        xml.text("key", key);
        xml.text("value", value);
    });
    xml.text("platformDetails", "Linux/UNIX");
}

/// `ip-10-20-11-37.eu-west-1.compute.internal`.
pub fn private_name(node: &Node) -> String {
    let domain = if node.region == "us-east-1" {
        "ec2.internal".to_owned()
    } else {
        format!("{}.compute.internal", node.region)
    };
    format!("ip-{}.{domain}", node.address.replace('.', "-"))
}

/// The name and the other tags.
pub fn tags(node: &Node) -> impl Iterator<Item = (&str, &str)> {
    std::iter::once(("Name", node.name)).chain(node.tags.iter().copied())
}

fn group_name(id: &str) -> Option<&'static str> {
    cast().security_groups.iter().find(|group| group.id == id).map(|group| group.name)
}

fn node_values<'a>(node: &'a Node, filter: &str) -> Option<Vec<&'a str>> {
    if let Some(key) = filter.strip_prefix("tag:") {
        return Some(tags(node).filter(|(name, _)| *name == key).map(|(_, value)| value).collect());
    }
    Some(match filter {
        "instance-id" => vec![node.id],
        "vpc-id" => vec![node.vpc_id],
        "subnet-id" => vec![node.subnet_id],
        "instance-state-name" => vec!["running"],
        "private-ip-address" => vec![node.address],
        "instance.group-id" => node.security_groups.clone(),
        "tag-key" => tags(node).map(|(key, _)| key).collect(),
        _ => return None,
    })
}

fn security_groups(region: &str, parameters: &Parameters, request_id: &str) -> Result<String, Failure> {
    let ids = parameters.list("GroupId");
    let groups: Vec<&SecurityGroup> = cast().security_groups.iter().filter(|group| group.region == region).collect();
    for id in &ids {
        if !groups.iter().any(|group| group.id == id) {
            return Err(Failure::new(
                400,
                "InvalidGroup.NotFound",
                format!("The security group '{id}' does not exist"),
            ));
        }
    }
    let filters = parameters.filters("Filter", "Value");
    let mut found = Vec::new();
    for group in groups {
        let named = ids.is_empty() || ids.iter().any(|id| id == group.id);
        let fits = all_fit(&filters, |name| match name {
            "group-id" => Some(vec![group.id]),
            "group-name" => Some(vec![group.name]),
            "vpc-id" => Some(vec![group.vpc_id]),
            _ => None,
        })?;
        if named && fits {
            found.push(group);
        }
    }
    let size = parameters.number("MaxResults", 5, 1000, 1000)?;
    let paged = page("security-groups", found, size, parameters.get("NextToken"))?;
    let mut xml = Xml::default();
    xml.root("DescribeSecurityGroupsResponse", NAMESPACE, |xml| {
        xml.text("requestId", request_id);
        xml.list("securityGroupInfo", "item", paged.items, |xml, group| {
            xml.text("ownerId", ACCOUNT);
            xml.text("groupId", group.id);
            xml.text("groupName", group.name);
            xml.text("groupDescription", group.description);
            xml.text("vpcId", group.vpc_id);
            xml.list("ipPermissions", "item", &group.ingress, permission);
            xml.list("ipPermissionsEgress", "item", [()], |xml, ()| {
                xml.text("ipProtocol", "-1");
                xml.element("groups", |_| ());
                xml.list("ipRanges", "item", [()], |xml, ()| xml.text("cidrIp", "0.0.0.0/0"));
            });
        });
        xml.text_if("nextToken", paged.next);
    });
    Ok(xml.finish())
}

fn tables(region: &str, parameters: &Parameters, request_id: &str) -> Result<String, Failure> {
    let filters = parameters.filters("Filter", "Value");
    let mut found = Vec::new();
    for table in route_tables().into_iter().filter(|table| table.region == region) {
        let fits = all_fit(&filters, |name| match name {
            "route-table-id" => Some(vec![table.id.as_str()]),
            "vpc-id" => Some(vec![table.vpc_id]),
            "association.main" => Some(vec!["true"]),
            _ => None,
        })?;
        if fits {
            found.push(table);
        }
    }
    let size = parameters.number("MaxResults", 5, 100, 100)?;
    let paged = page("route-tables", found, size, parameters.get("NextToken"))?;
    let mut xml = Xml::default();
    xml.root("DescribeRouteTablesResponse", NAMESPACE, |xml| {
        xml.text("requestId", request_id);
        xml.list("routeTableSet", "item", paged.items, route_table);
        xml.text_if("nextToken", paged.next);
    });
    Ok(xml.finish())
}

fn route_table(xml: &mut Xml, table: RouteTable) {
    xml.text("routeTableId", &table.id);
    xml.text("vpcId", table.vpc_id);
    xml.text("ownerId", ACCOUNT);
    xml.list("routeSet", "item", &table.routes, |xml, (destination, kind, target)| {
        xml.text("destinationCidrBlock", destination);
        xml.text(kind, target);
        xml.text("state", "active");
        xml.text("origin", if target == "local" { "CreateRouteTable" } else { "CreateRoute" });
    });
    xml.list("associationSet", "item", [()], |xml, ()| {
        xml.text("routeTableAssociationId", table.id.replacen("rtb-", "rtbassoc-", 1));
        xml.text("routeTableId", &table.id);
        xml.text("main", true);
    });
}

fn networks(region: &str, parameters: &Parameters, request_id: &str) -> Result<String, Failure> {
    let filters = parameters.filters("Filter", "Value");
    let mut found = Vec::new();
    for vpc in vpcs().into_iter().filter(|vpc| vpc.region == region) {
        let fits = all_fit(&filters, |name| match name {
            "vpc-id" => Some(vec![vpc.id]),
            "cidr" => Some(vec![vpc.cidr]),
            _ => None,
        })?;
        if fits {
            found.push(vpc);
        }
    }
    let size = parameters.number("MaxResults", 5, 1000, 1000)?;
    let paged = page("vpcs", found, size, parameters.get("NextToken"))?;
    let mut xml = Xml::default();
    xml.root("DescribeVpcsResponse", NAMESPACE, |xml| {
        xml.text("requestId", request_id);
        xml.list("vpcSet", "item", paged.items, |xml, vpc: Vpc| {
            xml.text("vpcId", vpc.id);
            xml.text("ownerId", ACCOUNT);
            xml.text("state", "available");
            xml.text("cidrBlock", vpc.cidr);
            xml.list("cidrBlockAssociationSet", "item", [()], |xml, ()| {
                xml.text("cidrBlock", vpc.cidr);
                xml.element("cidrBlockState", |xml| xml.text("state", "associated"));
            });
            xml.text("isDefault", false);
        });
        xml.text_if("nextToken", paged.next);
    });
    Ok(xml.finish())
}

fn permission(xml: &mut Xml, ingress: &Ingress) {
    xml.text("ipProtocol", "tcp");
    xml.text("fromPort", ingress.port);
    xml.text("toPort", ingress.port);
    xml.list("groups", "item", &ingress.groups, |xml, group| {
        xml.text("userId", ACCOUNT);
        xml.text("groupId", group);
    });
    xml.list("ipRanges", "item", &ingress.networks, |xml, network| xml.text("cidrIp", network));
    xml.element("ipv6Ranges", |_| ());
    xml.element("prefixListIds", |_| ());
}

/// Whether every filter finds one of its values; EC2's `*` and `?` are honoured.
fn all_fit<'a>(filters: &[Filter], values: impl Fn(&str) -> Option<Vec<&'a str>>) -> Result<bool, Failure> {
    for filter in filters {
        let Some(found) = values(&filter.name) else {
            return Err(Failure::new(400, "InvalidParameterValue", format!("The filter '{}' is invalid", filter.name)));
        };
        if !filter.values.iter().any(|pattern| found.iter().any(|value| like(pattern.as_bytes(), value.as_bytes()))) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn like(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skip| like(rest, &text[skip..])),
        Some((b'?', rest)) => text.split_first().is_some_and(|(_, text)| like(rest, text)),
        Some((byte, rest)) => text.split_first().is_some_and(|(first, text)| first == byte && like(rest, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match() {
        assert!(like(b"bastion-*", b"bastion-a"));
        assert!(like(b"*-?", b"bastion-a"));
        assert!(!like(b"bastion-?", b"bastion-old"));
        assert!(!like(b"", b"a"));
    }
}
