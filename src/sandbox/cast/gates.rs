//! What must answer behind the endpoints of the cast: one server for each PostgreSQL instance and proxy. It must not know
//! how it answers.

use super::{Cast, Cluster, Instance, cast};

/// One server that must answer behind the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateSpec {
    /// The DB instance's identifier, or the proxy's name.
    pub identifier: String,
    /// What `rds-db:connect` names: the cluster's resource id, the instance's, the proxy's.
    pub resource_id: String,
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
    /// Where it is an RDS Proxy.
    pub pooler: Option<Pooler>,
    /// Whether it can be dialled from outside its VPC.
    pub public: bool,
    /// The VPC; empty for Aurora's express configuration.
    pub vpc_id: String,
    /// `server_version` it should tell.
    pub server_version: String,
}

/// How an RDS Proxy lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooler {
    /// It logs in to the database with a token of its own role; else with the password of a secret.
    pub end_to_end: bool,
    /// Users that it has a secret of.
    pub secrets: &'static [&'static str],
    /// The DB instance that it logs in to.
    pub writer: String,
    /// Whether that takes tokens, unless it was changed since.
    pub writer_iam: bool,
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
            resource_id: owner_of(cast, instance),
            hosts: hosts_of(cast, instance),
            port: instance.traits.port,
            region: instance.region.to_owned(),
            iam: instance.traits.iam,
            reader: instance.replica_of.is_some()
                || cluster_of(cast, instance).is_some_and(|c| c.members[0] != instance.id),
            pooler: None,
            public: instance.public,
            vpc_id: cast.vpc_of(instance.region, instance.traits.network.as_ref()),
            server_version: instance.version.to_owned(),
        })
        .collect();
    for proxy in cast.proxies.iter().filter(|proxy| proxy.family == "POSTGRESQL") {
        let Some(cluster) = cast.cluster(proxy.region, proxy.cluster) else { continue };
        let gate = GateSpec {
            identifier: proxy.name.to_owned(),
            resource_id: proxy.resource_id(),
            hosts: vec![proxy.endpoint()],
            port: proxy.port(),
            region: proxy.region.to_owned(),
            iam: proxy.iam,
            reader: false,
            pooler: Some(Pooler {
                end_to_end: proxy.end_to_end,
                secrets: proxy.secrets(),
                writer: cluster.members.first().copied().unwrap_or_default().to_owned(),
                writer_iam: cluster.traits.iam,
            }),
            public: false,
            vpc_id: proxy.vpc_id.to_owned(),
            server_version: cluster.version.to_owned(),
        };
        if let Some(name) = proxy.read_only {
            gates.push(GateSpec {
                identifier: name.to_owned(),
                hosts: vec![proxy.read_only_endpoint(name)],
                reader: true,
                ..gate.clone()
            });
        }
        gates.push(gate);
    }
    gates
}

fn cluster_of<'a>(cast: &'a Cast, instance: &Instance) -> Option<&'a Cluster> {
    instance.cluster.and_then(|id| cast.cluster(instance.region, id))
}

/// Aurora's users are the cluster's; those of an instance of its own, or of a Multi-AZ cluster, are its own and the
/// cluster's (RDS User Guide, "Creating and using an IAM policy for IAM database access").
fn owner_of(cast: &Cast, instance: &Instance) -> String {
    cluster_of(cast, instance).map_or_else(|| instance.resource_id(), Cluster::resource_id)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

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
        assert!(find("orders-proxy.proxy-c9akciq32xyz.eu-west-1.rds.amazonaws.com").pooler.is_some());
        assert!(gates.iter().all(|gate| !gate.identifier.starts_with("inventory-dev")));
    }
}
