//! A row for a cluster: Aurora, Multi-AZ DB cluster, Neptune, DocumentDB. It must not ask anything.

use super::inventory::{port, whereabouts};
use crate::model::{Certificate, Database, DatabaseKind, Domain, Endpoint, EndpointRole, Engine, IamAuth, Place, Role};
use aws_sdk_rds::types::{
    CertificateDetails, DbCluster, DbClusterEndpoint, DbInstance, DomainMembership, Tag, VpcSecurityGroupMembership,
};
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

/// The row. `members` are its instances, `listed` its endpoints as DescribeDBClusterEndpoints names them.
pub(super) fn database(
    place: &Place,
    cluster: &DbCluster,
    members: &[&DbInstance],
    listed: &[&DbClusterEndpoint],
    vpc_of_group: &HashMap<&str, &str>,
) -> Database {
    let arn = cluster.db_cluster_arn().unwrap_or_default();
    let there = whereabouts(place, arn);
    let engine_name = cluster.engine().unwrap_or_default();
    let engine = Engine::parse(engine_name);
    let identifier = cluster.db_cluster_identifier().unwrap_or_default().to_owned();
    let resource_id = cluster.db_cluster_resource_id().unwrap_or_default().to_owned();
    let subnet_group = cluster.db_subnet_group().map(str::to_owned);
    // The cluster names its subnet group only; where the groups cannot be listed, a member knows the VPC.
    let vpc_id = subnet_group
        .as_deref()
        .and_then(|group| vpc_of_group.get(group).copied())
        .or_else(|| members.iter().find_map(|member| member.db_subnet_group()?.vpc_id()))
        .map(str::to_owned);
    let internet_gateway =
        cluster.internet_access_gateway_enabled() == Some(true) || cluster.vpc_networking_enabled() == Some(false);
    let security_groups = security_groups(cluster.vpc_security_groups());
    let iam = iam_auth(
        cluster.iam_database_authentication_enabled(),
        cluster.pending_modified_values().and_then(|pending| pending.iam_database_authentication_enabled()),
    );
    let tags = tags(cluster.tag_list());
    let writers: Vec<&str> = cluster
        .db_cluster_members()
        .iter()
        .filter(|member| member.is_cluster_writer() == Some(true))
        .filter_map(|member| member.db_instance_identifier())
        .collect();
    let public = |wanted: &dyn Fn(&str) -> bool| {
        internet_gateway
            || cluster.publicly_accessible().unwrap_or_else(|| {
                members
                    .iter()
                    .filter(|member| wanted(member.db_instance_identifier().unwrap_or_default()))
                    .any(|member| member.publicly_accessible() == Some(true))
            })
    };
    let endpoint = |role: EndpointRole, host: &str, public: bool| Endpoint {
        role,
        host: host.to_owned(),
        port: port(cluster.port(), engine_name),
        owner: identifier.clone(),
        resource_id: resource_id.clone(),
        iam,
        engine: engine.clone(),
        place: there.place.clone(),
        account: there.account.clone(),
        partition: there.partition.clone(),
        public,
        vpc_id: vpc_id.clone(),
        security_groups: security_groups.clone(),
        database_name: cluster.database_name().map(str::to_owned),
        internet_gateway,
        tags: tags.clone(),
        proxy: None,
    };
    let mut endpoints = Vec::new();
    if let Some(host) = cluster.endpoint().filter(|host| !host.is_empty()) {
        endpoints.push(endpoint(EndpointRole::Writer, host, public(&|id| writers.contains(&id))));
    }
    if let Some(host) = cluster.reader_endpoint().filter(|host| !host.is_empty()) {
        endpoints.push(endpoint(EndpointRole::Reader, host, public(&|id| !writers.contains(&id))));
    }
    // Two sources for custom endpoints: the cluster's own list of hosts, and the one that knows their members.
    let mut custom: BTreeMap<&str, bool> = BTreeMap::new();
    for host in cluster.custom_endpoints() {
        custom.insert(host, public(&|_| true));
    }
    for one in listed.iter().filter(|one| one.endpoint_type().is_some_and(|kind| kind.eq_ignore_ascii_case("custom"))) {
        let Some(host) = one.endpoint().filter(|host| !host.is_empty()) else { continue };
        let within = |id: &str| {
            (one.static_members().is_empty() || one.static_members().iter().any(|member| member == id))
                && !one.excluded_members().iter().any(|member| member == id)
        };
        custom.insert(host, public(&within));
    }
    endpoints.extend(custom.into_iter().map(|(host, public)| endpoint(EndpointRole::Custom, host, public)));
    Database {
        kind: DatabaseKind::Cluster,
        arn: arn.to_owned(),
        engine_version: cluster.engine_version().unwrap_or_default().to_owned(),
        status: cluster.status().unwrap_or_default().to_owned(),
        iam,
        cluster: None,
        role: Role::Cluster,
        public: if internet_gateway { Some(true) } else { cluster.publicly_accessible() },
        class: cluster.db_cluster_instance_class().map(str::to_owned),
        multi_az: cluster.multi_az().unwrap_or(false),
        certificate: certificate(None, cluster.certificate_details()),
        database_name: cluster.database_name().map(str::to_owned),
        master_user: cluster.master_username().map(str::to_owned),
        master_secret: cluster.master_user_secret().and_then(|secret| secret.secret_arn()).map(str::to_owned),
        domains: domains(cluster.domain_memberships()),
        place: there.place.clone(),
        identifier,
        resource_id,
        engine,
        endpoints,
        vpc_id,
        subnet_group,
        security_groups,
        tags,
        internet_gateway,
    }
}

/// On, off, or on its way.
pub(super) fn iam_auth(now: Option<bool>, pending: Option<bool>) -> IamAuth {
    let now = now.unwrap_or(false);
    match pending {
        Some(to) if to != now => IamAuth::Pending { to },
        _ if now => IamAuth::Enabled,
        _ => IamAuth::Disabled,
    }
}

pub(super) fn certificate(authority: Option<&str>, details: Option<&CertificateDetails>) -> Option<Certificate> {
    let authority = details.and_then(|details| details.ca_identifier()).or(authority)?;
    Some(Certificate {
        authority: authority.to_owned(),
        valid_till: details.and_then(|details| details.valid_till()).and_then(|at| SystemTime::try_from(*at).ok()),
    })
}

pub(super) fn domains(memberships: &[DomainMembership]) -> Vec<Domain> {
    memberships
        .iter()
        .map(|domain| Domain {
            id: domain.domain().unwrap_or_default().to_owned(),
            fqdn: domain.fqdn().unwrap_or_default().to_owned(),
            status: domain.status().unwrap_or_default().to_owned(),
        })
        .collect()
}

pub(super) fn tags(list: &[Tag]) -> Vec<(String, String)> {
    let mut tags: Vec<(String, String)> = list
        .iter()
        .map(|tag| (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned()))
        .collect();
    tags.sort();
    tags
}

pub(super) fn security_groups(list: &[VpcSecurityGroupMembership]) -> Vec<String> {
    list.iter().filter_map(|group| group.vpc_security_group_id()).map(str::to_owned).collect()
}
