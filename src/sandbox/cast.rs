//! The cast: the fleet that the sandbox shows, as data. It must not know how AWS spells it on the wire, nor what answers
//! behind an endpoint.

mod gates;
mod ireland;
mod names;
mod network;
pub mod policies;
mod virginia;

pub use gates::{GateSpec, Pooler, gates};
pub use names::hex_id;
pub use network::{Ingress, RouteTable, SecurityGroup, Subnet, SubnetGroup, Vpc, route_tables, vpcs};

use std::sync::LazyLock;

/// Everything there is, in both regions.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Aurora and Multi-AZ DB clusters, and the Neptune and DocumentDB clusters that RDS lists among them.
    pub clusters: Vec<Cluster>,
    /// DB instances: members and those on their own.
    pub instances: Vec<Instance>,
    /// RDS Proxies.
    pub proxies: Vec<Proxy>,
    /// EC2 instances that SSM manages.
    pub nodes: Vec<Node>,
    /// DB subnet groups.
    pub subnet_groups: Vec<SubnetGroup>,
    /// Security groups.
    pub security_groups: Vec<SecurityGroup>,
}

/// The cast. It is the same for every run.
pub fn cast() -> &'static Cast {
    static CAST: LazyLock<Cast> = LazyLock::new(|| {
        let mut cast = ireland::cast();
        let other = virginia::cast();
        cast.clusters.extend(other.clusters);
        cast.instances.extend(other.instances);
        cast.proxies.extend(other.proxies);
        cast.nodes.extend(other.nodes);
        cast.subnet_groups.extend(other.subnet_groups);
        cast.security_groups.extend(other.security_groups);
        cast
    });
    &CAST
}

impl Cast {
    /// A cluster by identifier.
    pub fn cluster(&self, region: &str, id: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|cluster| cluster.region == region && cluster.id == id)
    }

    /// An instance by identifier.
    pub fn instance(&self, region: &str, id: &str) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.region == region && instance.id == id)
    }

    /// A DB subnet group by name.
    pub fn subnet_group(&self, region: &str, name: &str) -> Option<&SubnetGroup> {
        self.subnet_groups.iter().find(|group| group.region == region && group.name == name)
    }

    /// The VPC of a network; empty for what has none.
    fn vpc_of(&self, region: &str, network: Option<&Network>) -> String {
        network
            .and_then(|network| self.subnet_group(region, network.subnet_group))
            .map_or_else(String::new, |group| group.vpc_id.to_owned())
    }
}

/// Where a database lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// DB subnet group.
    pub subnet_group: &'static str,
    /// VPC security groups.
    pub security_groups: Vec<&'static str>,
}

/// A directory that a database has joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Directory id.
    pub id: &'static str,
    /// `joined`, `pending-join`, …
    pub status: &'static str,
    /// Fully qualified name.
    pub fqdn: &'static str,
}

/// A custom endpoint of an Aurora cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomEndpoint {
    /// `DBClusterEndpointIdentifier`.
    pub id: &'static str,
    /// The members it leads to.
    pub members: Vec<&'static str>,
}

/// What clusters and instances have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits {
    /// AWS's status word.
    pub status: &'static str,
    /// The database made with it.
    pub database: Option<&'static str>,
    /// Master user.
    pub master_user: &'static str,
    /// Whether RDS keeps the master password in Secrets Manager.
    pub managed_secret: bool,
    /// TCP port.
    pub port: u16,
    /// IAM database authentication now.
    pub iam: bool,
    /// What it is being changed to.
    pub pending_iam: Option<bool>,
    /// `None` for Aurora's express configuration, which has no VPC.
    pub network: Option<Network>,
    /// `CACertificateIdentifier`.
    pub authority: &'static str,
    /// Directory.
    pub domain: Option<Domain>,
    /// Tags.
    pub tags: &'static [(&'static str, &'static str)],
    /// When it was made, RFC 3339.
    pub created: &'static str,
}

impl Traits {
    /// As most are: available, private, in `network`, IAM on, nothing pending.
    fn usual(network: Network, tags: &'static [(&'static str, &'static str)]) -> Traits {
        Traits {
            status: "available",
            database: None,
            master_user: "postgres",
            managed_secret: false,
            port: 5432,
            iam: true,
            pending_iam: None,
            network: Some(network),
            authority: "rds-ca-rsa2048-g1",
            domain: None,
            tags,
            created: "2025-03-11T09:14:22.310Z",
        }
    }
}

/// A DB cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Region.
    pub region: &'static str,
    /// `DBClusterIdentifier`.
    pub id: &'static str,
    /// Engine.
    pub engine: &'static str,
    /// Engine version.
    pub version: &'static str,
    /// Members' identifiers, the writer first.
    pub members: Vec<&'static str>,
    /// Custom endpoints.
    pub custom: Vec<CustomEndpoint>,
    /// Class of the members of a Multi-AZ DB cluster; Aurora's members have their own.
    pub multi_az_class: Option<&'static str>,
    /// Least and most capacity units, for Serverless v2.
    pub serverless: Option<(f32, f32)>,
    /// The rest.
    pub traits: Traits,
}

/// A DB instance.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Region.
    pub region: &'static str,
    /// `DBInstanceIdentifier`.
    pub id: &'static str,
    /// Engine.
    pub engine: &'static str,
    /// Engine version.
    pub version: &'static str,
    /// Class.
    pub class: &'static str,
    /// Availability zone's letter.
    pub zone: char,
    /// The cluster it is a member of.
    pub cluster: Option<&'static str>,
    /// The instance it is a read replica of.
    pub replica_of: Option<&'static str>,
    /// Whether a standby is kept.
    pub multi_az: bool,
    /// Whether its name resolves to a public address.
    pub public: bool,
    /// Gibibytes; 1 for Aurora, as AWS says.
    pub storage: u32,
    /// The rest; a member's are its cluster's but for the status.
    pub traits: Traits,
}

/// An RDS Proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Region.
    pub region: &'static str,
    /// `DBProxyName`.
    pub name: &'static str,
    /// `POSTGRESQL` or `MYSQL`.
    pub family: &'static str,
    /// The cluster behind it.
    pub cluster: &'static str,
    /// VPC.
    pub vpc_id: &'static str,
    /// VPC security groups.
    pub security_groups: Vec<&'static str>,
    /// `Auth[].IAMAuth`.
    pub iam: bool,
    /// Whether `DefaultAuthScheme` is `IAM_AUTH`: it logs in to its database with tokens, and has no secrets.
    pub end_to_end: bool,
    /// Name of a further endpoint, for reading.
    pub read_only: Option<&'static str>,
    /// Tags.
    pub tags: &'static [(&'static str, &'static str)],
}

/// An EC2 instance with an SSM agent.
#[derive(Clone, Debug)]
pub struct Node {
    /// Region.
    pub region: &'static str,
    /// Instance id.
    pub id: &'static str,
    /// `Name` tag.
    pub name: &'static str,
    /// Agent version.
    pub agent: &'static str,
    /// Seconds since its last ping; `None` while it is online.
    pub silent_for: Option<u64>,
    /// Private address.
    pub address: &'static str,
    /// VPC.
    pub vpc_id: &'static str,
    /// Subnet.
    pub subnet_id: &'static str,
    /// Security groups.
    pub security_groups: Vec<&'static str>,
    /// Tags other than the name.
    pub tags: &'static [(&'static str, &'static str)],
}

/// A cluster and its members, in zones a, b, c by turns.
fn cluster(
    region: &'static str,
    id: &'static str,
    engine: &'static str,
    version: &'static str,
    members: &[(&'static str, &'static str)],
    traits: Traits,
) -> (Cluster, Vec<Instance>) {
    let instances = members
        .iter()
        .zip(['a', 'b', 'c'].into_iter().cycle())
        .map(|((member, class), zone)| Instance {
            zone,
            cluster: Some(id),
            storage: 1,
            ..instance(region, member, engine, version, class, traits.clone())
        })
        .collect();
    let members = members.iter().map(|(member, _)| *member).collect();
    let cluster = Cluster {
        region,
        id,
        engine,
        version,
        members,
        custom: Vec::new(),
        multi_az_class: None,
        serverless: None,
        traits,
    };
    (cluster, instances)
}

/// A private instance on its own.
fn instance(
    region: &'static str,
    id: &'static str,
    engine: &'static str,
    version: &'static str,
    class: &'static str,
    traits: Traits,
) -> Instance {
    Instance {
        region,
        id,
        engine,
        version,
        class,
        zone: 'b',
        cluster: None,
        replica_of: None,
        multi_az: false,
        public: false,
        storage: 100,
        traits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::keys::{OTHER_REGION, REGION};
    use std::collections::BTreeSet;

    #[test]
    fn every_name_in_the_cast_leads_somewhere() {
        let cast = cast();
        for cluster in &cast.clusters {
            for member in &cluster.members {
                let instance = cast.instance(cluster.region, member).expect("a member is an instance");
                assert_eq!(instance.cluster, Some(cluster.id), "{member}");
            }
            for custom in &cluster.custom {
                assert!(custom.members.iter().all(|member| cluster.members.contains(member)), "{}", custom.id);
            }
        }
        let networks = cast.clusters.iter().map(|cluster| (cluster.region, &cluster.traits));
        for (region, traits) in
            networks.chain(cast.instances.iter().map(|instance| (instance.region, &instance.traits)))
        {
            let Some(network) = &traits.network else { continue };
            let subnets = cast.subnet_group(region, network.subnet_group).expect("a subnet group");
            for id in &network.security_groups {
                let group = cast.security_groups.iter().find(|group| group.id == *id).expect("a security group");
                assert_eq!((group.region, group.vpc_id), (region, subnets.vpc_id), "{id}");
            }
        }
        for instance in &cast.instances {
            if let Some(cluster) = instance.cluster {
                let cluster = cast.cluster(instance.region, cluster).expect("its cluster");
                assert!(cluster.members.contains(&instance.id), "{}", instance.id);
            }
            if let Some(source) = instance.replica_of {
                assert!(cast.instance(instance.region, source).is_some(), "{source}");
            }
        }
    }

    #[test]
    fn a_second_page_is_real_and_no_name_is_used_twice() {
        let cast = cast();
        let ireland = cast.instances.iter().filter(|instance| instance.region == REGION).count();
        assert!(ireland > 20, "{ireland} instances fit on one page");
        assert!(cast.instances.iter().any(|instance| instance.region == OTHER_REGION));
        let mut ids = BTreeSet::new();
        for id in cast
            .clusters
            .iter()
            .map(Cluster::resource_id)
            .chain(cast.instances.iter().map(Instance::resource_id))
            .chain(cast.proxies.iter().map(Proxy::resource_id))
        {
            assert!(ids.insert(id.clone()), "{id} twice");
        }
    }
}
