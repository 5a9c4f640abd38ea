//! IAM authentication of one instance or cluster: switched on, and looked at. It must not know what that means to people.

use super::cloud::Cloud;
use super::cluster::iam_auth;
use super::error::Error;
use crate::model::{DatabaseKind, IamProgress, Place};
use aws_sdk_rds::types::{ClusterPendingModifiedValues, PendingModifiedValues};

const MODIFY_INSTANCE: &str = "rds:ModifyDBInstance";
const MODIFY_CLUSTER: &str = "rds:ModifyDBCluster";
const INSTANCES: &str = "rds:DescribeDBInstances";
const CLUSTERS: &str = "rds:DescribeDBClusters";

impl Cloud {
    /// Has IAM authentication of a cluster or an instance switched on, at once or in its window.
    pub async fn enable_iam(
        &self,
        place: &Place,
        kind: DatabaseKind,
        identifier: &str,
        immediately: bool,
    ) -> Result<(), Error> {
        let clients = self.clients(place).await;
        if kind == DatabaseKind::Cluster {
            let call = clients.rds.modify_db_cluster().db_cluster_identifier(identifier);
            let call = call.enable_iam_database_authentication(true).apply_immediately(immediately).send();
            return self.ask(MODIFY_CLUSTER, place, &clients, call).await.map(drop);
        }
        let call = clients.rds.modify_db_instance().db_instance_identifier(identifier);
        let call = call.enable_iam_database_authentication(true).apply_immediately(immediately).send();
        self.ask(MODIFY_INSTANCE, place, &clients, call).await.map(drop)
    }

    /// How one stands; `None` where AWS has none of that name.
    pub async fn iam_progress(
        &self,
        place: &Place,
        kind: DatabaseKind,
        identifier: &str,
    ) -> Result<Option<IamProgress>, Error> {
        let clients = self.clients(place).await;
        if kind == DatabaseKind::Cluster {
            let call = clients.rds.describe_db_clusters().db_cluster_identifier(identifier).send();
            let answer = self.ask(CLUSTERS, place, &clients, call).await?;
            return Ok(answer.db_clusters().first().map(|cluster| {
                let pending = cluster.pending_modified_values();
                IamProgress {
                    status: cluster.status().unwrap_or_default().to_owned(),
                    iam: iam_auth(
                        cluster.iam_database_authentication_enabled(),
                        pending.and_then(|pending| pending.iam_database_authentication_enabled()),
                    ),
                    window: cluster.preferred_maintenance_window().map(str::to_owned),
                    waiting: pending.map(of_cluster).unwrap_or_default(),
                }
            }));
        }
        let call = clients.rds.describe_db_instances().db_instance_identifier(identifier).send();
        let answer = self.ask(INSTANCES, place, &clients, call).await?;
        Ok(answer.db_instances().first().map(|instance| {
            let pending = instance.pending_modified_values();
            IamProgress {
                status: instance.db_instance_status().unwrap_or_default().to_owned(),
                iam: iam_auth(
                    instance.iam_database_authentication_enabled(),
                    pending.and_then(|pending| pending.iam_database_authentication_enabled()),
                ),
                window: instance.preferred_maintenance_window().map(str::to_owned),
                waiting: pending.map(of_instance).unwrap_or_default(),
            }
        }))
    }
}

/// Names and new values, but for secrets.
fn named(pairs: Vec<(&str, Option<String>)>) -> Vec<String> {
    pairs.into_iter().filter_map(|(name, value)| value.map(|value| format!("{name} {value}"))).collect()
}

fn of_instance(pending: &PendingModifiedValues) -> Vec<String> {
    let text = |value: Option<&str>| value.map(str::to_owned);
    let number = |value: Option<i32>| value.map(|value| value.to_string());
    let flag = |value: Option<bool>| value.map(|value| value.to_string());
    named(vec![
        ("class", text(pending.db_instance_class())),
        ("storage", number(pending.allocated_storage())),
        ("a new master password", pending.master_user_password().map(|_| String::new())),
        ("port", number(pending.port())),
        ("backup retention", number(pending.backup_retention_period())),
        ("Multi-AZ", flag(pending.multi_az())),
        ("engine version", text(pending.engine_version())),
        ("license", text(pending.license_model())),
        ("IOPS", number(pending.iops())),
        ("identifier", text(pending.db_instance_identifier())),
        ("storage type", text(pending.storage_type())),
        ("certificate authority", text(pending.ca_certificate_identifier())),
        ("subnet group", text(pending.db_subnet_group_name())),
    ])
}

fn of_cluster(pending: &ClusterPendingModifiedValues) -> Vec<String> {
    let text = |value: Option<&str>| value.map(str::to_owned);
    let number = |value: Option<i32>| value.map(|value| value.to_string());
    named(vec![
        ("a new master password", pending.master_user_password().map(|_| String::new())),
        ("identifier", text(pending.db_cluster_identifier())),
        ("engine version", text(pending.engine_version())),
        ("backup retention", number(pending.backup_retention_period())),
        ("storage type", text(pending.storage_type())),
        ("storage", number(pending.allocated_storage())),
        ("IOPS", number(pending.iops())),
    ])
}
