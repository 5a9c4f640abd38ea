//! A row for an RDS Proxy. It must not ask anything.

use super::inventory::{Listed, default_port, whereabouts};
use crate::model::{
    Database, DatabaseKind, Endpoint, EndpointRole, Engine, IamAuth, Place, ProxyLogin, ProxyScheme, ProxySecret,
    ProxyTarget, Role,
};
use aws_sdk_rds::types::{DbProxy, DbProxyEndpoint, DbProxyTarget, IamAuthMode, TargetType};

/// The row. Its endpoints: the default one, then those made for it, by name. `databases`: clusters and instances.
pub(super) fn database(place: &Place, proxy: &DbProxy, listed: &Listed, databases: &[Database]) -> Database {
    let arn = proxy.db_proxy_arn().unwrap_or_default();
    let told = listed.tags.get(arn);
    let tags = told.cloned().unwrap_or_default();
    let there = whereabouts(place, arn);
    let family = proxy.engine_family().unwrap_or_default().to_ascii_lowercase();
    let engine = Engine::parse(&family);
    let identifier = proxy.db_proxy_name().unwrap_or_default().to_owned();
    // arn:aws:rds:eu-west-1:123456789012:db-proxy:prx-08f…
    let resource_id = arn.rsplit(':').next().unwrap_or_default().to_owned();
    let iam = if takes_tokens(proxy) { IamAuth::Enabled } else { IamAuth::Disabled };
    let targets = listed.proxy_targets.get(&identifier).map(Vec::as_slice).unwrap_or_default();
    let target = target(targets, databases);
    // The database to begin with is that of what it leads to: a proxy is made with none.
    let behind = databases
        .iter()
        .find(|database| target.as_ref().is_some_and(|target| database.resource_id == target.resource_id));
    let database_name = behind.and_then(|database| database.database_name.clone());
    let login = login(proxy, target, told.is_none());
    let endpoint = |host: &str, vpc_id: Option<&str>, groups: &[String]| Endpoint {
        role: EndpointRole::Proxy,
        host: host.to_owned(),
        // DescribeDBProxies names no port: a proxy listens on its engine's default one.
        port: default_port(&family),
        owner: identifier.clone(),
        resource_id: resource_id.clone(),
        iam,
        engine: engine.clone(),
        place: there.place.clone(),
        account: there.account.clone(),
        partition: there.partition.clone(),
        public: false,
        vpc_id: vpc_id.map(str::to_owned),
        security_groups: groups.to_vec(),
        database_name: database_name.clone(),
        internet_gateway: false,
        tags: tags.clone(),
        proxy: Some(login.clone()),
    };
    let mut endpoints: Vec<Endpoint> = proxy
        .endpoint()
        .filter(|host| !host.is_empty())
        .map(|host| endpoint(host, proxy.vpc_id(), proxy.vpc_security_group_ids()))
        .into_iter()
        .collect();
    let mut others: Vec<&DbProxyEndpoint> =
        listed.proxy_endpoints.iter().filter(|other| other.db_proxy_name() == Some(&identifier)).collect();
    others.sort_by_key(|other| other.db_proxy_endpoint_name());
    for other in others {
        if let Some(host) = other.endpoint().filter(|host| !host.is_empty())
            && endpoints.iter().all(|known| known.host != host)
        {
            endpoints.push(endpoint(host, other.vpc_id(), other.vpc_security_group_ids()));
        }
    }
    Database {
        kind: DatabaseKind::Proxy,
        arn: arn.to_owned(),
        engine_version: String::new(),
        status: proxy.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        iam,
        cluster: None,
        role: Role::Proxy,
        endpoints,
        vpc_id: proxy.vpc_id().map(str::to_owned),
        subnet_group: None,
        security_groups: proxy.vpc_security_group_ids().to_vec(),
        public: None,
        class: None,
        multi_az: false,
        certificate: None,
        database_name: None,
        master_user: None,
        master_secret: None,
        domains: Vec::new(),
        tags: tags.clone(),
        internet_gateway: false,
        place: there.place.clone(),
        identifier,
        resource_id,
        engine,
    }
}

/// How it logs in to the database behind it.
fn login(proxy: &DbProxy, target: Option<ProxyTarget>, tags_untold: bool) -> ProxyLogin {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    ProxyLogin {
        scheme: if is_end_to_end(proxy) { ProxyScheme::EndToEnd } else { ProxyScheme::Secrets },
        role: text(proxy.role_arn()),
        secrets: proxy
            .auth()
            .iter()
            .filter_map(|entry| {
                Some(ProxySecret {
                    arn: text(entry.secret_arn())?,
                    iam: entry.iam_auth().map_or("DISABLED", |mode| mode.as_str()).to_owned(),
                    client_password: text(entry.client_password_auth_type().map(|kind| kind.as_str())),
                    description: text(entry.description()),
                })
            })
            .collect(),
        target,
        tags_untold,
    }
}

/// The database behind it. The targets of an Aurora cluster are the cluster (`TRACKED_CLUSTER`) and its members, which name
/// it; users are the cluster's.
fn target(targets: &[DbProxyTarget], databases: &[Database]) -> Option<ProxyTarget> {
    let cluster = targets.iter().find_map(|target| {
        let tracked = target.tracked_cluster_id().filter(|id| !id.is_empty());
        let is_cluster = target.r#type() == Some(&TargetType::TrackedCluster);
        tracked.or_else(|| target.rds_resource_id().filter(|_| is_cluster))
    });
    let (kind, identifier) = match cluster {
        Some(cluster) => (DatabaseKind::Cluster, cluster),
        None => (DatabaseKind::Instance, targets.iter().find_map(DbProxyTarget::rds_resource_id)?),
    };
    let database = databases.iter().find(|database| database.kind == kind && database.identifier == identifier)?;
    Some(ProxyTarget {
        identifier: database.identifier.clone(),
        resource_id: database.resource_id.clone(),
        iam: database.iam,
        tags: database.tags.clone(),
    })
}

fn is_end_to_end(proxy: &DbProxy) -> bool {
    proxy.default_auth_scheme().is_some_and(|scheme| scheme.eq_ignore_ascii_case("IAM_AUTH"))
}

/// End-to-end IAM, or any of the secrets' entries with IAM allowed or required.
fn takes_tokens(proxy: &DbProxy) -> bool {
    is_end_to_end(proxy)
        || proxy
            .auth()
            .iter()
            .any(|entry| matches!(entry.iam_auth(), Some(IamAuthMode::Required | IamAuthMode::Enabled)))
}
