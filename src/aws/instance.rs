//! A row for a DB instance, alone or in a cluster. It must not ask anything.

use super::cluster::{certificate, domains, iam_auth, security_groups, tags};
use super::inventory::{port, whereabouts};
use crate::model::{Database, DatabaseKind, Endpoint, EndpointRole, Engine, IamAuth, Place, Role};
use aws_sdk_rds::types::{DbCluster, DbInstance};

/// A DB instance on its own.
pub(super) fn database(place: &Place, instance: &DbInstance) -> Database {
    let iam = iam_auth(
        instance.iam_database_authentication_enabled(),
        instance.pending_modified_values().and_then(|pending| pending.iam_database_authentication_enabled()),
    );
    let replica = instance.read_replica_source_db_instance_identifier().is_some()
        || instance.read_replica_source_db_cluster_identifier().is_some();
    let role = if replica { Role::Replica } else { Role::Instance };
    let resource_id = instance.dbi_resource_id().unwrap_or_default();
    row(place, instance, role, resource_id, iam, instance.db_name(), false)
}

/// A member of `cluster`, whose own row is `whole`: tokens and policies are for the cluster (AWS: the cluster's resource
/// id, for Aurora as for a Multi-AZ DB cluster), and IAM authentication is switched there.
pub(super) fn member(place: &Place, instance: &DbInstance, cluster: &DbCluster, whole: &Database) -> Database {
    let identifier = instance.db_instance_identifier();
    let writer = cluster
        .db_cluster_members()
        .iter()
        .any(|member| member.db_instance_identifier() == identifier && member.is_cluster_writer() == Some(true));
    let role = if writer { Role::Writer } else { Role::Reader };
    let database_name = whole.database_name.as_deref().or(instance.db_name());
    let mut row = row(place, instance, role, &whole.resource_id, whole.iam, database_name, whole.internet_gateway);
    row.cluster = Some(whole.identifier.clone());
    if row.vpc_id.is_none() {
        row.vpc_id.clone_from(&whole.vpc_id);
        for endpoint in &mut row.endpoints {
            endpoint.vpc_id.clone_from(&whole.vpc_id);
        }
    }
    row
}

fn row(
    place: &Place,
    instance: &DbInstance,
    role: Role,
    connect_id: &str,
    iam: IamAuth,
    database_name: Option<&str>,
    internet_gateway: bool,
) -> Database {
    let arn = instance.db_instance_arn().unwrap_or_default();
    let there = whereabouts(place, arn);
    let engine_name = instance.engine().unwrap_or_default();
    let engine = Engine::parse(engine_name);
    let identifier = instance.db_instance_identifier().unwrap_or_default().to_owned();
    let group = instance.db_subnet_group();
    let vpc_id = group.and_then(|group| group.vpc_id()).map(str::to_owned);
    let security_groups = security_groups(instance.vpc_security_groups());
    let tags = tags(instance.tag_list());
    let public = instance.publicly_accessible().unwrap_or(false) || internet_gateway;
    let endpoints = instance
        .endpoint()
        .and_then(|given| {
            let host = given.address().filter(|host| !host.is_empty())?;
            Some(Endpoint {
                role: EndpointRole::Instance,
                host: host.to_owned(),
                port: port(given.port().or(instance.db_instance_port()), engine_name),
                owner: identifier.clone(),
                resource_id: connect_id.to_owned(),
                iam,
                engine: engine.clone(),
                place: there.place.clone(),
                account: there.account.clone(),
                partition: there.partition.clone(),
                public,
                vpc_id: vpc_id.clone(),
                security_groups: security_groups.clone(),
                database_name: database_name.map(str::to_owned),
                internet_gateway,
                tags: tags.clone(),
                proxy: None,
            })
        })
        .into_iter()
        .collect();
    Database {
        kind: DatabaseKind::Instance,
        identifier,
        resource_id: instance.dbi_resource_id().unwrap_or_default().to_owned(),
        arn: arn.to_owned(),
        engine_version: instance.engine_version().unwrap_or_default().to_owned(),
        status: instance.db_instance_status().unwrap_or_default().to_owned(),
        iam,
        place: there.place.clone(),
        cluster: instance.db_cluster_identifier().map(str::to_owned),
        role,
        endpoints,
        vpc_id,
        subnet_group: group.and_then(|group| group.db_subnet_group_name()).map(str::to_owned),
        security_groups,
        public: if internet_gateway { Some(true) } else { instance.publicly_accessible() },
        class: instance.db_instance_class().map(str::to_owned),
        multi_az: instance.multi_az().unwrap_or(false),
        certificate: certificate(instance.ca_certificate_identifier(), instance.certificate_details()),
        database_name: database_name.map(str::to_owned),
        master_user: instance.master_username().map(str::to_owned),
        master_secret: instance.master_user_secret().and_then(|secret| secret.secret_arn()).map(str::to_owned),
        domains: domains(instance.domain_memberships()),
        tags,
        internet_gateway,
        engine,
    }
}
