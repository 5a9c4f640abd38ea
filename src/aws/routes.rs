//! Where the subnets of bastions lead: whether there is a way from one VPC to another. It must not rank.
//!
//! Source: Amazon EC2 API Reference, DescribeRouteTables and DescribeVpcs; Amazon VPC User Guide, "Route tables": a subnet
//! without a table of its own uses its VPC's main one; the longest prefix wins.

use super::cloud::Cloud;
use super::error::Error;
use super::network::contains;
use super::xml::Element;
use crate::model::Place;
use std::net::IpAddr;

const TABLES: &str = "ec2:DescribeRouteTables";
const VPCS: &str = "ec2:DescribeVpcs";

/// Address and prefix length.
type Block = (IpAddr, u32);

/// The route tables of some VPCs, and the addresses of the one that is to be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roads {
    blocks: Vec<Block>,
    tables: Vec<Table>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Table {
    vpc: String,
    main: bool,
    subnets: Vec<String>,
    routes: Vec<Route>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    to: Block,
    /// `pcx-…`, `tgw-…`, `local`, `igw-…`, …
    by: String,
    blackhole: bool,
}

/// What the table of one subnet says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Road {
    /// There is a route: through this peering, gateway or interface.
    By(String),
    /// There is none, or it ends nowhere.
    None,
}

impl Cloud {
    /// From the subnets of `vpcs` to the addresses of `destination`.
    pub async fn roads(&self, place: &Place, vpcs: &[String], destination: &str) -> Result<Roads, Error> {
        let wanted = [destination.to_owned()];
        let (tables, found) = tokio::join!(
            self.ec2(TABLES, place, "vpc-id", vpcs, "routeTableSet"),
            self.ec2(VPCS, place, "vpc-id", &wanted, "vpcSet"),
        );
        Ok(Roads {
            blocks: found?.iter().flat_map(blocks).collect(),
            tables: tables?.iter().filter_map(table).collect(),
        })
    }
}

impl Roads {
    /// The road from a subnet; `None` when nobody said.
    pub fn from(&self, vpc: &str, subnet: Option<&str>) -> Option<Road> {
        let own =
            |table: &&Table| table.vpc == vpc && subnet.is_some_and(|id| table.subnets.iter().any(|its| its == id));
        let main = |table: &&Table| table.vpc == vpc && table.main;
        let table = self.tables.iter().find(own).or_else(|| self.tables.iter().find(main))?;
        if self.blocks.is_empty() {
            return None;
        }
        let fitting = |route: &&Route| self.blocks.iter().any(|block| overlaps(route.to, *block));
        let best = table.routes.iter().filter(fitting).max_by_key(|route| route.to.1);
        Some(match best {
            Some(route) if !route.blackhole && leads_inside(&route.by) => Road::By(route.by.clone()),
            _ => Road::None,
        })
    }
}

/// Not to the internet: a private address is not reached there.
fn leads_inside(by: &str) -> bool {
    !["igw-", "nat-", "eigw-"].iter().any(|head| by.starts_with(head)) && by != "local"
}

fn overlaps(a: Block, b: Block) -> bool {
    contains(a.0, a.1, b.0) || contains(b.0, b.1, a.0)
}

fn block(cidr: &str) -> Option<Block> {
    let (network, bits) = cidr.split_once('/')?;
    Some((network.parse().ok()?, bits.parse().ok()?))
}

fn blocks(vpc: &Element) -> Vec<Block> {
    let associated = vpc.items("cidrBlockAssociationSet").filter_map(|one| one.text_of("cidrBlock"));
    let mut blocks: Vec<Block> = vpc.text_of("cidrBlock").into_iter().chain(associated).filter_map(block).collect();
    blocks.dedup();
    blocks
}

fn table(table: &Element) -> Option<Table> {
    let associations: Vec<&Element> = table.items("associationSet").collect();
    let targets = [
        "vpcPeeringConnectionId",
        "transitGatewayId",
        "gatewayId",
        "natGatewayId",
        "egressOnlyInternetGatewayId",
        "networkInterfaceId",
        "coreNetworkArn",
        "localGatewayId",
        "carrierGatewayId",
    ];
    let routes = table.items("routeSet").filter_map(|route| {
        let to = route.text_of("destinationCidrBlock").or_else(|| route.text_of("destinationIpv6CidrBlock"))?;
        let by = targets.iter().find_map(|target| route.text_of(target)).unwrap_or_default();
        Some(Route { to: block(to)?, by: by.to_owned(), blackhole: route.text_of("state") == Some("blackhole") })
    });
    Some(Table {
        vpc: table.text_of("vpcId")?.to_owned(),
        main: associations.iter().any(|one| one.text_of("main") == Some("true")),
        subnets: associations.iter().filter_map(|one| one.text_of("subnetId")).map(str::to_owned).collect(),
        routes: routes.collect(),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::aws::xml;

    /// From a VPC whose subnet `subnet-own` has a peering to 10.20.0.0/16, and whose others have the internet alone.
    pub(crate) fn roads() -> Roads {
        let answer = xml::parse(
            "<DescribeRouteTablesResponse><routeTableSet>\
             <item><routeTableId>rtb-1</routeTableId><vpcId>vpc-b</vpcId><routeSet>\
             <item><destinationCidrBlock>10.40.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId></item>\
             <item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId></item>\
             </routeSet><associationSet><item><main>true</main></item></associationSet></item>\
             <item><routeTableId>rtb-2</routeTableId><vpcId>vpc-b</vpcId><routeSet>\
             <item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId></item>\
             <item><destinationCidrBlock>10.20.0.0/16</destinationCidrBlock>\
             <vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId><state>active</state></item>\
             </routeSet><associationSet><item><main>false</main><subnetId>subnet-own</subnetId></item></associationSet>\
             </item></routeTableSet></DescribeRouteTablesResponse>",
        )
        .expect("well-formed");
        Roads {
            blocks: vec![("10.20.0.0".parse().expect("address"), 16)],
            tables: answer.items("routeTableSet").filter_map(table).collect(),
        }
    }

    #[test]
    fn the_longest_prefix_of_the_subnets_own_table_rules() {
        let mut roads = roads();
        assert_eq!(roads.from("vpc-b", Some("subnet-own")), Some(Road::By("pcx-1".to_owned())));
        assert_eq!(roads.from("vpc-b", Some("subnet-other")), Some(Road::None), "the internet is no way there");
        assert_eq!(roads.from("vpc-c", Some("subnet-own")), None);
        roads.tables[1].routes[1].blackhole = true;
        assert_eq!(roads.from("vpc-b", Some("subnet-own")), Some(Road::None));
        roads.blocks.clear();
        assert_eq!(roads.from("vpc-b", Some("subnet-own")), None, "where to is not known");
    }
}
