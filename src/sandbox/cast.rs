//! The cast: the fleet that the sandbox shows, as data. It must not know how AWS spells it on the wire, nor what answers
//! behind an endpoint.

mod ireland;
mod network;
mod virginia;

pub use network::{Ingress, SecurityGroup, Subnet, SubnetGroup};

use super::keys::{ACCOUNT, REGION};
use sha2::{Digest, Sha256};
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

impl Cluster {
    /// `DbClusterResourceId`.
    pub fn resource_id(&self) -> String {
        base32_id("cluster", &format!("{}/{}", self.region, self.id))
    }

    /// `DBClusterArn`.
    pub fn arn(&self) -> String {
        format!("arn:aws:rds:{}:{ACCOUNT}:cluster:{}", self.region, self.id)
    }

    /// Whether its names exist yet.
    pub fn has_endpoints(&self) -> bool {
        self.traits.status != "creating"
    }

    /// The writer's name.
    pub fn endpoint(&self) -> String {
        endpoint_host(self.id, "cluster-", self.region, self.engine)
    }

    /// The readers' name.
    pub fn reader_endpoint(&self) -> String {
        endpoint_host(self.id, "cluster-ro-", self.region, self.engine)
    }

    /// The name of a custom endpoint.
    pub fn custom_endpoint(&self, custom: &CustomEndpoint) -> String {
        endpoint_host(custom.id, "cluster-custom-", self.region, self.engine)
    }
}

impl Instance {
    /// `DbiResourceId`.
    pub fn resource_id(&self) -> String {
        base32_id("db", &format!("{}/{}", self.region, self.id))
    }

    /// `DBInstanceArn`.
    pub fn arn(&self) -> String {
        format!("arn:aws:rds:{}:{ACCOUNT}:db:{}", self.region, self.id)
    }

    /// Whether its name exists yet.
    pub fn has_endpoint(&self) -> bool {
        self.traits.status != "creating"
    }

    /// Its name.
    pub fn endpoint(&self) -> String {
        endpoint_host(self.id, "", self.region, self.engine)
    }
}

impl Proxy {
    /// The last part of its ARN, which `rds-db:connect` names.
    pub fn resource_id(&self) -> String {
        hex_id("prx", &format!("{}/{}", self.region, self.name))
    }

    /// `DBProxyArn`.
    pub fn arn(&self) -> String {
        format!("arn:aws:rds:{}:{ACCOUNT}:db-proxy:{}", self.region, self.resource_id())
    }

    /// Its name.
    pub fn endpoint(&self) -> String {
        endpoint_host(self.name, "proxy-", self.region, "postgres")
    }

    /// 5432 or 3306.
    pub fn port(&self) -> u16 {
        if self.family == "POSTGRESQL" { 5432 } else { 3306 }
    }
}

/// One server that must answer behind the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateSpec {
    /// The DB instance's identifier, or the proxy's name.
    pub identifier: String,
    /// Every endpoint name that leads here: cluster, readers, custom, its own. No name leads to two.
    pub hosts: Vec<String>,
    /// TCP port.
    pub port: u16,
    /// Region that tokens must be signed for.
    pub region: String,
    /// Whether tokens are accepted.
    pub iam: bool,
    /// Whether it only reads.
    pub reader: bool,
    /// Whether it is an RDS Proxy (certificate from Amazon's public authority, IAM by the proxy).
    pub proxy: bool,
    /// Whether it can be dialled from outside its VPC.
    pub public: bool,
    /// The VPC; empty for Aurora's express configuration.
    pub vpc_id: String,
    /// `server_version` it should tell.
    pub server_version: String,
}

/// One for each DB instance and proxy that speaks PostgreSQL and can be reached.
pub fn gates() -> Vec<GateSpec> {
    let cast = cast();
    let mut gates: Vec<GateSpec> = cast
        .instances
        .iter()
        .filter(|instance| matches!(instance.engine, "postgres" | "aurora-postgresql"))
        .filter(|instance| matches!(instance.traits.status, "available" | "modifying" | "backing-up"))
        .map(|instance| GateSpec {
            identifier: instance.id.to_owned(),
            hosts: hosts_of(cast, instance),
            port: instance.traits.port,
            region: instance.region.to_owned(),
            iam: instance.traits.iam,
            reader: instance.replica_of.is_some()
                || cluster_of(cast, instance).is_some_and(|c| c.members[0] != instance.id),
            proxy: false,
            public: instance.public,
            vpc_id: cast.vpc_of(instance.region, instance.traits.network.as_ref()),
            server_version: instance.version.to_owned(),
        })
        .collect();
    for proxy in cast.proxies.iter().filter(|proxy| proxy.family == "POSTGRESQL") {
        let version = cast.cluster(proxy.region, proxy.cluster).map_or("", |cluster| cluster.version);
        gates.push(GateSpec {
            identifier: proxy.name.to_owned(),
            hosts: vec![proxy.endpoint()],
            port: proxy.port(),
            region: proxy.region.to_owned(),
            iam: proxy.iam,
            reader: false,
            proxy: true,
            public: false,
            vpc_id: proxy.vpc_id.to_owned(),
            server_version: version.to_owned(),
        });
    }
    gates
}

fn cluster_of<'a>(cast: &'a Cast, instance: &Instance) -> Option<&'a Cluster> {
    instance.cluster.and_then(|id| cast.cluster(instance.region, id))
}

/// The cluster's name leads to the writer, the readers' name to the first reader (to the writer where there is none, as
/// Aurora does), a custom name to the last of its members.
fn hosts_of(cast: &Cast, instance: &Instance) -> Vec<String> {
    let mut hosts = vec![instance.endpoint()];
    if let Some(cluster) = cluster_of(cast, instance) {
        if cluster.members.first() == Some(&instance.id) {
            hosts.insert(0, cluster.endpoint());
        }
        if cluster.members.get(1).or(cluster.members.first()) == Some(&instance.id) {
            hosts.push(cluster.reader_endpoint());
        }
        for custom in &cluster.custom {
            if custom.members.last() == Some(&instance.id) {
                hosts.push(cluster.custom_endpoint(custom));
            }
        }
    }
    hosts
}

/// `NAME.KIND` + the account's label in that region + the service's domain.
fn endpoint_host(name: &str, kind: &str, region: &str, engine: &str) -> String {
    let label = if region == REGION { "c9akciq32xyz" } else { "c4t7wmq0kuvp" };
    let service = match engine {
        "neptune" => "neptune",
        "docdb" => "docdb",
        _ => "rds",
    };
    format!("{name}.{kind}{label}.{region}.{service}.amazonaws.com")
}

/// `PREFIX-` and 26 characters of base 32, as RDS makes resource ids; always the same for the same seed.
fn base32_id(prefix: &str, seed: &str) -> String {
    let digest = Sha256::digest(format!("{prefix}/{seed}"));
    let letters =
        digest.iter().take(26).map(|byte| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from(byte & 31)]));
    format!("{prefix}-{}", letters.collect::<String>())
}

/// `PREFIX-0` and 16 hexadecimal digits, as EC2 and RDS Proxy make ids; always the same for the same seed.
pub fn hex_id(prefix: &str, seed: &str) -> String {
    let digest = Sha256::digest(format!("{prefix}/{seed}"));
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}-0{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::keys::OTHER_REGION;
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

    #[test]
    fn the_gates_share_no_name_and_know_their_part() {
        let gates = gates();
        let hosts: Vec<&String> = gates.iter().flat_map(|gate| &gate.hosts).collect();
        assert_eq!(hosts.len(), hosts.iter().collect::<BTreeSet<_>>().len());
        let find = |host: &str| gates.iter().find(|gate| gate.hosts.iter().any(|known| known == host)).expect("a gate");
        let writer = find("orders-prod.cluster-c9akciq32xyz.eu-west-1.rds.amazonaws.com");
        assert_eq!((writer.identifier.as_str(), writer.reader, writer.iam), ("orders-prod-1", false, true));
        let reader = find("orders-prod.cluster-ro-c9akciq32xyz.eu-west-1.rds.amazonaws.com");
        assert_eq!((reader.identifier.as_str(), reader.reader), ("orders-prod-2", true));
        let custom = find("orders-bi.cluster-custom-c9akciq32xyz.eu-west-1.rds.amazonaws.com");
        assert_eq!(custom.identifier, "orders-prod-3");
        assert!(find("reports.c9akciq32xyz.eu-west-1.rds.amazonaws.com").public);
        assert!(!find("legacy-crm.c9akciq32xyz.eu-west-1.rds.amazonaws.com").iam);
        assert!(!find("ledger.c9akciq32xyz.eu-west-1.rds.amazonaws.com").iam);
        assert!(find("orders-proxy.proxy-c9akciq32xyz.eu-west-1.rds.amazonaws.com").proxy);
        assert!(gates.iter().all(|gate| !gate.identifier.starts_with("inventory-dev")));
    }
}
