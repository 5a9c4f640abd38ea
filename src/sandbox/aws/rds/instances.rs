//! `DescribeDBInstances`. Nothing beyond its XML.

use super::{Call, all_fit, certificate, domains, key, master_secret, means, networks, security_groups, tags};
use crate::sandbox::aws::answer::Failure;
use crate::sandbox::aws::xml::Xml;
use crate::sandbox::cast::{Instance, cast};
use crate::sandbox::changes::Standing;

/// `DescribeDBInstances`.
pub fn instances(call: &Call<'_>) -> Result<String, Failure> {
    let filters = call.filters();
    let asked = call.parameters.get("DBInstanceIdentifier");
    let mut found = Vec::new();
    for instance in cast().instances.iter().filter(|instance| instance.region == call.region) {
        let named = asked.is_none_or(|asked| {
            means(asked, instance.id, &instance.arn()) || asked.eq_ignore_ascii_case(&instance.resource_id())
        });
        let fits = all_fit(&filters, |name| {
            Some(match name {
                "db-cluster-id" => instance
                    .cluster
                    .and_then(|cluster| cast().cluster(instance.region, cluster))
                    .map(|cluster| vec![cluster.id.to_owned(), cluster.arn()])
                    .unwrap_or_default(),
                "db-instance-id" => vec![instance.id.to_owned(), instance.arn()],
                "dbi-resource-id" => vec![instance.resource_id()],
                "engine" => vec![instance.engine.to_owned()],
                "domain" => instance.traits.domain.iter().map(|domain| domain.id.to_owned()).collect(),
                _ => return None,
            })
        })?;
        if named && fits {
            found.push(instance);
        }
    }
    match asked {
        Some(asked) if found.is_empty() => {
            Err(Failure::new(404, "DBInstanceNotFound", format!("DBInstance {asked} not found.")))
        }
        _ => Ok(call.list("DBInstances", "DBInstance", call.page(found)?, |xml, one| instance(call, xml, one))),
    }
}

pub(super) fn instance(call: &Call<'_>, xml: &mut Xml, instance: &Instance) {
    let traits = &instance.traits;
    let is_member = instance.cluster.is_some();
    let cluster = instance.cluster.and_then(|cluster| cast().cluster(instance.region, cluster));
    let standing = match cluster {
        // A member follows its cluster, but for the status.
        Some(cluster) => {
            let of_cluster = call.changes.standing(cluster.region, cluster.id, &cluster.traits);
            Standing { status: traits.status, ..of_cluster }
        }
        None => call.changes.standing(instance.region, instance.id, traits),
    };
    xml.text("DBInstanceIdentifier", instance.id);
    xml.text("DBInstanceClass", instance.class);
    xml.text("Engine", instance.engine);
    xml.text("DBInstanceStatus", standing.status);
    xml.text("MasterUsername", traits.master_user);
    xml.text_if("DBName", traits.database);
    if instance.has_endpoint() {
        xml.element("Endpoint", |xml| {
            xml.text("Address", instance.endpoint());
            xml.text("Port", traits.port);
            xml.text("HostedZoneId", "Z29XKXDKYMONMX");
        });
    }
    xml.text("AllocatedStorage", instance.storage);
    xml.text("InstanceCreateTime", traits.created);
    xml.text("PreferredBackupWindow", "02:10-02:40");
    xml.text("BackupRetentionPeriod", 7);
    xml.element("DBSecurityGroups", |_| ());
    security_groups(xml, traits.network.as_ref());
    xml.list("DBParameterGroups", "DBParameterGroup", [instance.engine], |xml, engine| {
        xml.text("DBParameterGroupName", format!("default.{engine}{}", major(instance)));
        xml.text("ParameterApplyStatus", "in-sync");
    });
    xml.text("AvailabilityZone", format!("{}{}", instance.region, instance.zone));
    let group = traits.network.as_ref().and_then(|net| cast().subnet_group(instance.region, net.subnet_group));
    if let Some(group) = group {
        xml.element("DBSubnetGroup", |xml| networks::subnet_group(xml, group));
    }
    xml.text("PreferredMaintenanceWindow", "sun:03:30-sun:04:00");
    xml.element("PendingModifiedValues", |xml| {
        // A member follows its cluster: what is pending is said there.
        xml.text_if("IAMDatabaseAuthenticationEnabled", standing.pending.filter(|_| !is_member));
    });
    xml.text("MultiAZ", instance.multi_az);
    xml.text("EngineVersion", instance.version);
    xml.text("AutoMinorVersionUpgrade", true);
    xml.text_if("ReadReplicaSourceDBInstanceIdentifier", instance.replica_of);
    let replicas = cast()
        .instances
        .iter()
        .filter(|other| other.region == instance.region && other.replica_of == Some(instance.id))
        .map(|other| other.id);
    xml.texts("ReadReplicaDBInstanceIdentifiers", "ReadReplicaDBInstanceIdentifier", replicas);
    xml.text("LicenseModel", license(instance.engine));
    if instance.multi_az {
        xml.text("SecondaryAvailabilityZone", format!("{}c", instance.region));
    }
    xml.text("PubliclyAccessible", instance.public);
    if instance.replica_of.is_some() {
        xml.list("StatusInfos", "DBInstanceStatusInfo", [()], |xml, ()| {
            xml.text("StatusType", "read replication");
            xml.text("Normal", true);
            xml.text("Status", "replicating");
        });
    }
    xml.text("StorageType", if instance.engine.starts_with("aurora") { "aurora" } else { "gp3" });
    // The port of an instance on its own is in Endpoint; this one is 0 for it, and AWS does say so.
    xml.text("DbInstancePort", 0);
    xml.text_if("DBClusterIdentifier", instance.cluster);
    xml.text("StorageEncrypted", true);
    xml.text("KmsKeyId", key(instance.region));
    xml.text("DbiResourceId", instance.resource_id());
    xml.text("CACertificateIdentifier", traits.authority);
    domains(xml, traits.domain);
    xml.text("CopyTagsToSnapshot", true);
    xml.text("MonitoringInterval", 60);
    if is_member {
        xml.text("PromotionTier", 1);
    }
    xml.text("DBInstanceArn", instance.arn());
    xml.text("IAMDatabaseAuthenticationEnabled", standing.iam);
    xml.text("PerformanceInsightsEnabled", true);
    xml.text("DeletionProtection", traits.tags.contains(&("Environment", "production")));
    xml.element("AssociatedRoles", |_| ());
    tags(xml, traits.tags);
    xml.text_if("NetworkType", traits.network.as_ref().map(|_| "IPV4"));
    if traits.status != "creating" {
        certificate(xml, traits, instance.id);
    }
    if !is_member {
        master_secret(xml, instance.region, traits, &instance.resource_id());
    }
    xml.text("BackupTarget", "region");
}

/// `16` of `16.6`; the first two parts for MySQL and MariaDB.
fn major(instance: &Instance) -> String {
    let parts = if matches!(instance.engine, "mysql" | "mariadb") { 2 } else { 1 };
    instance.version.split('.').take(parts).collect::<Vec<_>>().join(".")
}

fn license(engine: &str) -> &'static str {
    match engine {
        "oracle-ee" => "bring-your-own-license",
        "postgres" | "aurora-postgresql" => "postgresql-license",
        _ => "general-public-license",
    }
}
