//! `DescribeDBSubnetGroups`, and the subnet group within an instance. Nothing beyond that XML.

use super::{Call, all_fit};
use crate::sandbox::aws::answer::Failure;
use crate::sandbox::aws::xml::Xml;
use crate::sandbox::cast::{SubnetGroup, cast};
use crate::sandbox::keys::ACCOUNT;

/// `DescribeDBSubnetGroups`.
pub fn subnet_groups(call: &Call<'_>) -> Result<String, Failure> {
    // AWS documents no filter here.
    all_fit(&call.filters(), |_| None)?;
    let asked = call.parameters.get("DBSubnetGroupName");
    let found: Vec<&SubnetGroup> = cast()
        .subnet_groups
        .iter()
        .filter(|group| group.region == call.region)
        .filter(|group| asked.is_none_or(|asked| asked.eq_ignore_ascii_case(group.name)))
        .collect();
    match asked {
        Some(asked) if found.is_empty() => {
            Err(Failure::new(404, "DBSubnetGroupNotFoundFault", format!("DB subnet group '{asked}' does not exist.")))
        }
        _ => Ok(call.list("DBSubnetGroups", "DBSubnetGroup", call.page(found)?, |xml, group| {
            subnet_group(xml, group);
            xml.text("DBSubnetGroupArn", format!("arn:aws:rds:{}:{ACCOUNT}:subgrp:{}", group.region, group.name));
            xml.texts("SupportedNetworkTypes", "member", ["IPV4"]);
        })),
    }
}

/// The fields of a `DBSubnetGroup` that an instance's has too.
pub fn subnet_group(xml: &mut Xml, group: &SubnetGroup) {
    xml.text("DBSubnetGroupName", group.name);
    xml.text("DBSubnetGroupDescription", group.description);
    xml.text("VpcId", group.vpc_id);
    xml.text("SubnetGroupStatus", "Complete");
    xml.list("Subnets", "Subnet", &group.subnets, |xml, subnet| {
        xml.text("SubnetIdentifier", &subnet.id);
        xml.element("SubnetAvailabilityZone", |xml| xml.text("Name", &subnet.zone));
        xml.element("SubnetOutpost", |_| ());
        xml.text("SubnetStatus", "Active");
    });
}
