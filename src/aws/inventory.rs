//! Everything one place lists, all pages, side by side, in the order `model::Inventory` promises. It must not know how
//! one row is made (`cluster`, `instance`, `proxy` do).

use super::cloud::{Clients, Cloud};
use super::error::Error;
use super::{cluster, instance, proxy};
use crate::model::{Database, Inventory, Place, Role};
use aws_sdk_rds::types::{
    DbCluster, DbClusterEndpoint, DbInstance, DbProxy, DbProxyEndpoint, DbProxyTarget, DbSubnetGroup, Tag,
};
use futures_util::{StreamExt, stream};
use std::collections::HashMap;
use std::time::SystemTime;

const CLUSTERS: &str = "rds:DescribeDBClusters";
const INSTANCES: &str = "rds:DescribeDBInstances";
const ENDPOINTS: &str = "rds:DescribeDBClusterEndpoints";
const SUBNET_GROUPS: &str = "rds:DescribeDBSubnetGroups";
const PROXIES: &str = "rds:DescribeDBProxies";
const PROXY_ENDPOINTS: &str = "rds:DescribeDBProxyEndpoints";
const PROXY_TARGETS: &str = "rds:DescribeDBProxyTargets";
const TAGS: &str = "rds:ListTagsForResource";

/// So many at once are asked for their tags, and for what is behind them.
const AT_ONCE: usize = 8;

/// Tags, by the ARN of what has them.
pub(super) type Tags = HashMap<String, Vec<(String, String)>>;

/// What the questions gave.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) clusters: Vec<DbCluster>,
    pub(super) instances: Vec<DbInstance>,
    pub(super) endpoints: Vec<DbClusterEndpoint>,
    pub(super) subnet_groups: Vec<DbSubnetGroup>,
    pub(super) proxies: Vec<DbProxy>,
    pub(super) proxy_endpoints: Vec<DbProxyEndpoint>,
    /// Of the proxies: DescribeDBProxies tells none.
    pub(super) tags: Tags,
    /// By the proxies' names.
    pub(super) proxy_targets: HashMap<String, Vec<DbProxyTarget>>,
}

impl Cloud {
    /// Lists a place. Clusters and instances must be had; what else cannot is a gap.
    pub async fn inventory(&self, place: &Place) -> Result<Inventory, Error> {
        let clients = self.clients(place).await;
        let rds = &clients.rds;
        let clusters = async {
            let pages = rds.describe_db_clusters().max_records(100).into_paginator().items().send();
            self.ask(CLUSTERS, place, &clients, pages.collect::<Result<Vec<_>, _>>()).await
        };
        let instances = async {
            let pages = rds.describe_db_instances().max_records(100).into_paginator().items().send();
            self.ask(INSTANCES, place, &clients, pages.collect::<Result<Vec<_>, _>>()).await
        };
        let endpoints = async {
            let pages = rds.describe_db_cluster_endpoints().max_records(100).into_paginator().items().send();
            Ok(self.ask(ENDPOINTS, place, &clients, pages.collect::<Result<Vec<_>, _>>()).await)
        };
        let subnet_groups = async {
            let pages = rds.describe_db_subnet_groups().max_records(100).into_paginator().items().send();
            Ok(self.ask(SUBNET_GROUPS, place, &clients, pages.collect::<Result<Vec<_>, _>>()).await)
        };
        let proxies = async {
            let pages = rds.describe_db_proxies().max_records(100).into_paginator().items().send();
            let proxies = self.ask(PROXIES, place, &clients, pages.collect::<Result<Vec<_>, _>>()).await;
            let listed = proxies.as_deref().unwrap_or_default();
            let (tags, targets) =
                tokio::join!(self.tags(place, &clients, listed), self.proxy_targets(place, &clients, listed));
            Ok((proxies, tags, targets))
        };
        let proxy_endpoints = async {
            let pages = rds.describe_db_proxy_endpoints().max_records(100).into_paginator().items().send();
            Ok(self.ask(PROXY_ENDPOINTS, place, &clients, pages.collect::<Result<Vec<_>, _>>()).await)
        };
        let (clusters, instances, endpoints, subnet_groups, (proxies, tags, targets), proxy_endpoints) =
            tokio::try_join!(clusters, instances, endpoints, subnet_groups, proxies, proxy_endpoints)?;
        let mut gaps = Vec::new();
        let listed = Listed {
            clusters,
            instances,
            endpoints: or_gap(endpoints, &mut gaps),
            subnet_groups: or_gap(subnet_groups, &mut gaps),
            proxies: or_gap(proxies, &mut gaps),
            proxy_endpoints: or_gap(proxy_endpoints, &mut gaps),
            tags: told(tags, &mut gaps),
            proxy_targets: told(targets, &mut gaps),
        };
        Ok(Inventory { place: place.clone(), databases: databases(place, &listed), listed_at: SystemTime::now(), gaps })
    }

    /// The proxies' tags: whether one leads to production is told by them, too.
    async fn tags(
        &self,
        place: &Place,
        clients: &Clients,
        proxies: &[DbProxy],
    ) -> Vec<Result<(String, Vec<(String, String)>), Error>> {
        // Owned: of borrowed names the compiler does not see that the future may move between threads.
        let arns: Vec<String> = proxies.iter().filter_map(|proxy| proxy.db_proxy_arn().map(str::to_owned)).collect();
        let asked = arns.into_iter().map(|arn| async move {
            let call = clients.rds.list_tags_for_resource().resource_name(&arn).send();
            let answer = self.ask(TAGS, place, clients, call).await?;
            let pair = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
            Ok((arn, answer.tag_list().iter().filter_map(pair).collect()))
        });
        stream::iter(asked).buffer_unordered(AT_ONCE).collect().await
    }

    /// What is behind each proxy.
    async fn proxy_targets(
        &self,
        place: &Place,
        clients: &Clients,
        proxies: &[DbProxy],
    ) -> Vec<Result<(String, Vec<DbProxyTarget>), Error>> {
        let names: Vec<String> = proxies.iter().filter_map(|proxy| proxy.db_proxy_name().map(str::to_owned)).collect();
        let asked = names.into_iter().map(|name| async move {
            let pages = clients.rds.describe_db_proxy_targets().db_proxy_name(&name).into_paginator().items().send();
            let targets = self.ask(PROXY_TARGETS, place, clients, pages.collect::<Result<Vec<_>, _>>()).await?;
            Ok((name, targets))
        });
        stream::iter(asked).buffer_unordered(AT_ONCE).collect().await
    }
}

fn or_gap<T: Default>(asked: Result<T, Error>, gaps: &mut Vec<String>) -> T {
    asked.unwrap_or_else(|error| {
        gaps.push(format!("{}: {}", error.operation, error.message));
        T::default()
    })
}

/// What was told of each; of several that fail alike one gap is told. One that was deleted meanwhile takes nothing from the
/// others.
fn told<T>(each: Vec<Result<(String, T), Error>>, gaps: &mut Vec<String>) -> HashMap<String, T> {
    let mut known = HashMap::new();
    for asked in each {
        match asked {
            Ok((name, one)) => drop(known.insert(name, one)),
            Err(error) => {
                let gap = format!("{}: {}", error.operation, error.message);
                if !gaps.contains(&gap) {
                    gaps.push(gap);
                }
            }
        }
    }
    known
}

/// Clusters each with its members (writer first, then by name), instances on their own, proxies; each by identifier.
pub(super) fn databases(place: &Place, listed: &Listed) -> Vec<Database> {
    let vpc_of_group: HashMap<&str, &str> = listed
        .subnet_groups
        .iter()
        .filter_map(|group| Some((group.db_subnet_group_name()?, group.vpc_id()?)))
        .collect();
    let mut members: HashMap<&str, Vec<&DbInstance>> = HashMap::new();
    let mut clusters: Vec<&DbCluster> = listed.clusters.iter().collect();
    clusters.sort_by_key(|cluster| cluster.db_cluster_identifier());
    for cluster in &clusters {
        members.entry(cluster.db_cluster_identifier().unwrap_or_default()).or_default();
    }
    let mut alone = Vec::new();
    for instance in &listed.instances {
        match instance.db_cluster_identifier().and_then(|cluster| members.get_mut(cluster)) {
            Some(members) => members.push(instance),
            None => alone.push(instance),
        }
    }
    let mut databases = Vec::new();
    for cluster in clusters {
        let identifier = cluster.db_cluster_identifier().unwrap_or_default();
        let members = members.remove(identifier).unwrap_or_default();
        let custom: Vec<&DbClusterEndpoint> =
            listed.endpoints.iter().filter(|endpoint| endpoint.db_cluster_identifier() == Some(identifier)).collect();
        let whole = cluster::database(place, cluster, &members, &custom, &vpc_of_group);
        let mut members: Vec<Database> =
            members.into_iter().map(|member| instance::member(place, member, cluster, &whole)).collect();
        members.sort_by(|a, b| {
            (a.role != Role::Writer, a.identifier.as_str()).cmp(&(b.role != Role::Writer, b.identifier.as_str()))
        });
        databases.push(whole);
        databases.append(&mut members);
    }
    let mut alone: Vec<Database> = alone.into_iter().map(|instance| instance::database(place, instance)).collect();
    alone.sort_by(|a, b| a.identifier.cmp(&b.identifier));
    databases.append(&mut alone);
    let mut proxies: Vec<Database> =
        listed.proxies.iter().map(|one| proxy::database(place, one, listed, &databases)).collect();
    proxies.sort_by(|a, b| a.identifier.cmp(&b.identifier));
    databases.append(&mut proxies);
    databases
}

/// What an ARN tells; where there is none, what the place tells.
pub(super) struct Whereabouts {
    pub(super) partition: String,
    pub(super) account: String,
    pub(super) place: Place,
}

pub(super) fn whereabouts(place: &Place, arn: &str) -> Whereabouts {
    let mut parts = arn.split(':');
    let (_, partition, _, region, account) = (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
    let region = region.filter(|region| !region.is_empty()).unwrap_or(&place.region);
    let partition = partition.filter(|partition| !partition.is_empty()).unwrap_or(match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    });
    Whereabouts {
        partition: partition.to_owned(),
        account: account.unwrap_or_default().to_owned(),
        place: Place { profile: place.profile.clone(), region: region.to_owned() },
    }
}

/// The engine's port where AWS says none.
pub(super) fn default_port(engine: &str) -> u16 {
    match engine {
        engine if engine.contains("mysql") || engine.contains("maria") || engine == "aurora" => 3306,
        engine if engine.starts_with("docdb") => 27017,
        engine if engine.starts_with("neptune") => 8182,
        engine if engine.contains("oracle") => 1521,
        engine if engine.contains("sqlserver") => 1433,
        engine if engine.starts_with("db2") => 50000,
        _ => 5432,
    }
}

/// A port as AWS gives it (`i32`; 0 while it is not known).
pub(super) fn port(given: Option<i32>, engine: &str) -> u16 {
    given.and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0).unwrap_or_else(|| default_port(engine))
}

#[cfg(test)]
mod tests;
