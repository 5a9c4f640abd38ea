//! VPCs, subnets and security groups of the cast. It must not know the databases in them.

use super::hex_id;
use crate::sandbox::keys::{OTHER_REGION, REGION};

/// Ireland's production VPC.
pub const PROD_VPC: &str = "vpc-0a1c7be04d2f9e6a3";
/// Ireland's VPC for tools and older things.
pub const TOOLS_VPC: &str = "vpc-0d4418ce2b70a95f1";
/// Virginia's VPC.
pub const US_VPC: &str = "vpc-0f83b1d05c6e2a947";

/// Guards the production databases.
pub const PROD_DB: &str = "sg-0db5c1ae77490f2d6";
/// The bastion in the production VPC.
pub const PROD_BASTION: &str = "sg-0b7a51e93cd0248f6";
/// Applications in the production VPC.
pub const PROD_APP: &str = "sg-0a92c4e17d80b36f5";
/// Guards the database that the office may dial.
pub const REPORTS_DB: &str = "sg-0db81f2e6c93a7045";
/// Guards the databases in the tools VPC.
pub const TOOLS_DB: &str = "sg-0dbe90a3f51c7d284";
/// The bastions in the tools VPC.
pub const TOOLS_BASTION: &str = "sg-0b3f8d26a1e47c905";
/// Guards the databases in Virginia.
pub const US_DB: &str = "sg-0db27e4c09f6a18b3";
/// Virginia's bastion.
pub const US_BASTION: &str = "sg-0b60d9f7e2a5c8134";

/// A DB subnet group.
#[derive(Clone, Debug)]
pub struct SubnetGroup {
    /// Region.
    pub region: &'static str,
    /// `DBSubnetGroupName`.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// VPC.
    pub vpc_id: &'static str,
    /// One a zone.
    pub subnets: Vec<Subnet>,
}

/// A subnet.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// `subnet-…`.
    pub id: String,
    /// Availability zone, e.g. `eu-west-1a`.
    pub zone: String,
}

/// A security group.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    /// Region.
    pub region: &'static str,
    /// `sg-…`.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// VPC.
    pub vpc_id: &'static str,
    /// What it lets in.
    pub ingress: Vec<Ingress>,
}

/// One port that a security group lets in, over TCP.
#[derive(Clone, Debug)]
pub struct Ingress {
    /// The port.
    pub port: u16,
    /// From these groups.
    pub groups: Vec<&'static str>,
    /// From these networks.
    pub networks: Vec<&'static str>,
}

fn subnet_group(
    region: &'static str,
    name: &'static str,
    description: &'static str,
    vpc_id: &'static str,
) -> SubnetGroup {
    let subnets = ['a', 'b', 'c']
        .map(|zone| Subnet { id: hex_id("subnet", &format!("{name}/{zone}")), zone: format!("{region}{zone}") })
        .to_vec();
    SubnetGroup { region, name, description, vpc_id, subnets }
}

/// Every DB subnet group of a region.
pub fn subnet_groups(region: &str) -> Vec<SubnetGroup> {
    let all = [
        subnet_group(REGION, "prod-private", "Private subnets of production", PROD_VPC),
        subnet_group(REGION, "prod-public", "Public subnets of production", PROD_VPC),
        subnet_group(REGION, "tools-private", "Private subnets of the tools VPC", TOOLS_VPC),
        subnet_group(OTHER_REGION, "us-private", "Private subnets", US_VPC),
    ];
    all.into_iter().filter(|group| group.region == region).collect()
}

/// Every security group of a region.
pub fn security_groups(region: &str) -> Vec<SecurityGroup> {
    let from_groups = |port, groups: &[&'static str]| Ingress { port, groups: groups.to_vec(), networks: Vec::new() };
    let from_networks =
        |port, networks: &[&'static str]| Ingress { port, groups: Vec::new(), networks: networks.to_vec() };
    let group = |region, id, name, description, vpc_id, ingress| SecurityGroup {
        region,
        id,
        name,
        description,
        vpc_id,
        ingress,
    };
    let all = [
        group(
            REGION,
            PROD_DB,
            "prod-db",
            "Databases: applications and the bastion",
            PROD_VPC,
            vec![from_groups(5432, &[PROD_BASTION, PROD_APP]), from_groups(3306, &[PROD_BASTION, PROD_APP])],
        ),
        group(REGION, PROD_BASTION, "prod-bastion", "Nothing comes in", PROD_VPC, Vec::new()),
        group(REGION, PROD_APP, "prod-app", "Applications", PROD_VPC, vec![from_networks(443, &["10.20.0.0/16"])]),
        group(
            REGION,
            REPORTS_DB,
            "reports-db",
            "The office and the bastion",
            PROD_VPC,
            vec![from_networks(5432, &["203.0.113.0/24", "198.51.100.17/32"]), from_groups(5432, &[PROD_BASTION])],
        ),
        group(
            REGION,
            TOOLS_DB,
            "tools-db",
            "Databases of the tools VPC",
            TOOLS_VPC,
            vec![from_networks(5432, &["10.40.0.0/16"]), from_networks(3306, &["10.40.0.0/16"])],
        ),
        group(REGION, TOOLS_BASTION, "tools-bastion", "Nothing comes in", TOOLS_VPC, Vec::new()),
        group(
            OTHER_REGION,
            US_DB,
            "us-db",
            "Databases: the bastion",
            US_VPC,
            vec![from_groups(5432, &[US_BASTION]), from_groups(3306, &[US_BASTION])],
        ),
        group(OTHER_REGION, US_BASTION, "us-bastion", "Nothing comes in", US_VPC, Vec::new()),
    ];
    all.into_iter().filter(|group| group.region == region).collect()
}

/// A VPC.
#[derive(Clone, Debug)]
pub struct Vpc {
    /// Region.
    pub region: &'static str,
    /// `vpc-…`.
    pub id: &'static str,
    /// Its addresses.
    pub cidr: &'static str,
}

/// Every VPC. None is peered with another.
pub fn vpcs() -> [Vpc; 3] {
    [
        Vpc { region: REGION, id: PROD_VPC, cidr: "10.20.0.0/16" },
        Vpc { region: REGION, id: TOOLS_VPC, cidr: "10.40.0.0/16" },
        Vpc { region: OTHER_REGION, id: US_VPC, cidr: "10.60.0.0/16" },
    ]
}

/// A route table.
#[derive(Clone, Debug)]
pub struct RouteTable {
    /// `rtb-…`.
    pub id: String,
    /// Region.
    pub region: &'static str,
    /// VPC.
    pub vpc_id: &'static str,
    /// Destination, and the parameter of EC2 that names where it goes, with its value.
    pub routes: Vec<(&'static str, &'static str, String)>,
}

/// The main route table of each VPC, which every subnet in it uses: the VPC itself, and the internet by a NAT gateway.
pub fn route_tables() -> Vec<RouteTable> {
    let tables = vpcs().into_iter().map(|vpc| RouteTable {
        id: hex_id("rtb", vpc.id),
        region: vpc.region,
        vpc_id: vpc.id,
        routes: vec![(vpc.cidr, "gatewayId", "local".to_owned()), ("0.0.0.0/0", "natGatewayId", hex_id("nat", vpc.id))],
    });
    tables.collect()
}
