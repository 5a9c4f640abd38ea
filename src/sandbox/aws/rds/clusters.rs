//! `DescribeDBClusters` and `DescribeDBClusterEndpoints`. Nothing beyond the XML of these two.

use super::{Call, all_fit, certificate, domains, key, master_secret, means, security_groups, tags};
use crate::sandbox::aws::answer::Failure;
use crate::sandbox::aws::xml::Xml;
use crate::sandbox::cast::{Cluster, cast, hex_id};
use crate::sandbox::keys::ACCOUNT;

fn here<'a>(call: &Call<'a>) -> impl Iterator<Item = &'static Cluster> + use<'a> {
    let region = call.region;
    cast().clusters.iter().filter(move |cluster| cluster.region == region)
}

fn not_found(asked: &str) -> Failure {
    Failure::new(404, "DBClusterNotFoundFault", format!("DBCluster {asked} not found."))
}

/// `DescribeDBClusters`.
pub fn clusters(call: &Call<'_>) -> Result<String, Failure> {
    let filters = call.filters();
    let asked = call.parameters.get("DBClusterIdentifier");
    let mut found = Vec::new();
    for cluster in here(call) {
        let named = asked.is_none_or(|asked| means(asked, cluster.id, &cluster.arn()));
        let fits = all_fit(&filters, |name| {
            Some(match name {
                "db-cluster-id" => vec![cluster.id.to_owned(), cluster.arn()],
                "db-cluster-resource-id" => vec![cluster.resource_id()],
                "engine" => vec![cluster.engine.to_owned()],
                "domain" => cluster.traits.domain.iter().map(|domain| domain.id.to_owned()).collect(),
                "clone-group-id" => Vec::new(),
                _ => return None,
            })
        })?;
        if named && fits {
            found.push(cluster);
        }
    }
    match asked {
        Some(asked) if found.is_empty() => Err(not_found(asked)),
        _ => Ok(call.list("DBClusters", "DBCluster", call.page(found)?, |xml, one| cluster(call, xml, one))),
    }
}

pub(super) fn cluster(call: &Call<'_>, xml: &mut Xml, cluster: &Cluster) {
    let traits = &cluster.traits;
    let standing = call.changes.standing(cluster.region, cluster.id, traits);
    let is_multi_az = cluster.multi_az_class.is_some();
    let is_aurora = cluster.engine.starts_with("aurora");
    xml.text("AllocatedStorage", if is_multi_az { 100 } else { 1 });
    xml.texts("AvailabilityZones", "AvailabilityZone", ['a', 'b', 'c'].map(|zone| format!("{}{zone}", cluster.region)));
    xml.text("BackupRetentionPeriod", 7);
    xml.text_if("DatabaseName", traits.database);
    xml.text("DBClusterIdentifier", cluster.id);
    xml.text("DBClusterParameterGroup", format!("default.{}{}", cluster.engine, major(cluster.version)));
    xml.text_if("DBSubnetGroup", traits.network.as_ref().map(|network| network.subnet_group));
    xml.text("Status", standing.status);
    if cluster.has_endpoints() {
        xml.text("Endpoint", cluster.endpoint());
        xml.text("ReaderEndpoint", cluster.reader_endpoint());
        if !cluster.custom.is_empty() {
            xml.texts("CustomEndpoints", "member", cluster.custom.iter().map(|custom| cluster.custom_endpoint(custom)));
        }
    }
    xml.text("MultiAZ", cluster.members.len() > 1);
    xml.text("Engine", cluster.engine);
    xml.text("EngineVersion", cluster.version);
    xml.text("Port", traits.port);
    xml.text("MasterUsername", traits.master_user);
    xml.text("PreferredBackupWindow", "02:10-02:40");
    xml.text("PreferredMaintenanceWindow", "sun:03:30-sun:04:00");
    xml.element("ReadReplicaIdentifiers", |_| ());
    let members = cluster.members.iter().enumerate();
    xml.list("DBClusterMembers", "DBClusterMember", members, |xml, (index, member)| {
        xml.text("DBInstanceIdentifier", member);
        xml.text("IsClusterWriter", index == 0);
        xml.text("DBClusterParameterGroupStatus", "in-sync");
        xml.text("PromotionTier", 1);
    });
    security_groups(xml, traits.network.as_ref());
    xml.text("HostedZoneId", "Z29XKXDKYMONMX");
    xml.text("StorageEncrypted", true);
    xml.text("KmsKeyId", key(cluster.region));
    xml.text("DbClusterResourceId", cluster.resource_id());
    xml.text("DBClusterArn", cluster.arn());
    xml.element("AssociatedRoles", |_| ());
    xml.text("IAMDatabaseAuthenticationEnabled", standing.iam);
    xml.text("ClusterCreateTime", traits.created);
    if let Some(pending) = standing.pending {
        xml.element("PendingModifiedValues", |xml| xml.text("IAMDatabaseAuthenticationEnabled", pending));
    }
    if is_aurora {
        xml.text("EngineMode", "provisioned");
        xml.text("HttpEndpointEnabled", false);
        xml.text("CrossAccountClone", false);
    }
    xml.text_if("DBClusterInstanceClass", cluster.multi_az_class);
    if is_multi_az {
        xml.text("StorageType", "gp3");
        xml.text("PubliclyAccessible", false);
        certificate(xml, traits, cluster.id);
    }
    xml.text("AutoMinorVersionUpgrade", true);
    xml.text("DeletionProtection", traits.tags.contains(&("Environment", "production")));
    xml.text("CopyTagsToSnapshot", true);
    domains(xml, traits.domain);
    tags(xml, traits.tags);
    if let Some((least, most)) = cluster.serverless {
        xml.element("ServerlessV2ScalingConfiguration", |xml| {
            xml.text("MinCapacity", format!("{least:?}"));
            xml.text("MaxCapacity", format!("{most:?}"));
        });
    }
    master_secret(xml, cluster.region, traits, &cluster.resource_id());
    if is_aurora {
        // The express configuration has no VPC and an internet access gateway instead (aws-facts.md A.4).
        xml.text("VPCNetworkingEnabled", traits.network.is_some());
        xml.text("InternetAccessGatewayEnabled", traits.network.is_none());
    }
    xml.text_if("NetworkType", traits.network.as_ref().map(|_| "IPV4"));
}

/// `16` of `16.6`.
fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

/// What `DescribeDBClusterEndpoints` says of one endpoint.
struct Listed {
    cluster: &'static Cluster,
    identifier: Option<&'static str>,
    host: String,
    status: &'static str,
    kind: &'static str,
    members: Vec<&'static str>,
}

fn listed(cluster: &'static Cluster) -> Vec<Listed> {
    if !cluster.has_endpoints() || !cluster.engine.starts_with("aurora") && cluster.engine != "neptune" {
        return Vec::new();
    }
    let listed = |kind, host, status| Listed { cluster, identifier: None, host, status, kind, members: Vec::new() };
    let reads = if cluster.members.len() > 1 { "available" } else { "inactive" };
    let mut all =
        vec![listed("WRITER", cluster.endpoint(), "available"), listed("READER", cluster.reader_endpoint(), reads)];
    all.extend(cluster.custom.iter().map(|custom| Listed {
        identifier: Some(custom.id),
        members: custom.members.clone(),
        ..listed("CUSTOM", cluster.custom_endpoint(custom), "available")
    }));
    all
}

/// `DescribeDBClusterEndpoints`.
pub fn endpoints(call: &Call<'_>) -> Result<String, Failure> {
    let filters = call.filters();
    let cluster = call.parameters.get("DBClusterIdentifier");
    let endpoint = call.parameters.get("DBClusterEndpointIdentifier");
    if let Some(asked) = cluster
        && !here(call).any(|cluster| means(asked, cluster.id, &cluster.arn()))
    {
        return Err(not_found(asked));
    }
    let mut found = Vec::new();
    for one in here(call).flat_map(listed) {
        let named = cluster.is_none_or(|asked| means(asked, one.cluster.id, &one.cluster.arn()))
            && endpoint.is_none_or(|asked| one.identifier.is_some_and(|id| asked.eq_ignore_ascii_case(id)));
        let fits = all_fit(&filters, |name| {
            Some(match name {
                "db-cluster-endpoint-type" => vec![one.kind.to_owned()],
                "db-cluster-endpoint-custom-type" => one.identifier.iter().map(|_| "READER".to_owned()).collect(),
                "db-cluster-endpoint-id" => one.identifier.iter().map(|id| (*id).to_owned()).collect(),
                "db-cluster-endpoint-status" => vec![one.status.to_owned()],
                _ => return None,
            })
        })?;
        if named && fits {
            found.push(one);
        }
    }
    let paged = call.page(found)?;
    Ok(call.list("DBClusterEndpoints", "DBClusterEndpointList", paged, |xml, one| {
        let region = one.cluster.region;
        if let Some(id) = one.identifier {
            xml.text("DBClusterEndpointIdentifier", id);
            xml.text(
                "DBClusterEndpointResourceIdentifier",
                hex_id("cluster-endpoint", id).to_uppercase().replacen("CLUSTER-ENDPOINT", "cluster-endpoint", 1),
            );
            xml.text("DBClusterEndpointArn", format!("arn:aws:rds:{region}:{ACCOUNT}:cluster-endpoint:{id}"));
            xml.text("CustomEndpointType", "READER");
        }
        xml.text("DBClusterIdentifier", one.cluster.id);
        xml.text("Endpoint", &one.host);
        xml.text("Status", one.status);
        xml.text("EndpointType", one.kind);
        xml.texts("StaticMembers", "member", &one.members);
        xml.element("ExcludedMembers", |_| ());
    }))
}
