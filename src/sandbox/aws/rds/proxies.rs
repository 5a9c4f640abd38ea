//! `DescribeDBProxies`, `DescribeDBProxyEndpoints` and `DescribeDBProxyTargets`. Nothing beyond the XML of these.

use super::{Call, all_fit};
use crate::sandbox::aws::answer::Failure;
use crate::sandbox::aws::xml::Xml;
use crate::sandbox::cast::{Cluster, Instance, Proxy, cast, hex_id};
use crate::sandbox::keys::ACCOUNT;

const MADE: &str = "2025-09-18T12:45:30.117Z";

fn here(call: &Call<'_>) -> Result<Vec<&'static Proxy>, Failure> {
    // AWS: "This parameter is not currently supported."
    all_fit(&call.filters(), |_| None)?;
    let asked = call.parameters.get("DBProxyName");
    let found: Vec<&Proxy> = cast()
        .proxies
        .iter()
        .filter(|proxy| proxy.region == call.region)
        .filter(|proxy| asked.is_none_or(|asked| asked.eq_ignore_ascii_case(proxy.name)))
        .collect();
    match asked {
        Some(asked) if found.is_empty() => {
            Err(Failure::new(404, "DBProxyNotFoundFault", format!("Requested DB proxy {asked} cannot be found.")))
        }
        _ => Ok(found),
    }
}

/// Security groups and subnets, which proxies and their endpoints list in the same way.
fn network(xml: &mut Xml, proxy: &Proxy) {
    xml.text("VpcId", proxy.vpc_id);
    xml.texts("VpcSecurityGroupIds", "member", &proxy.security_groups);
    let subnets = cast()
        .subnet_groups
        .iter()
        .find(|group| group.vpc_id == proxy.vpc_id)
        .into_iter()
        .flat_map(|group| group.subnets.iter().map(|subnet| &subnet.id));
    xml.texts("VpcSubnetIds", "member", subnets);
}

/// `DescribeDBProxies`.
pub fn proxies(call: &Call<'_>) -> Result<String, Failure> {
    let paged = call.page(here(call)?)?;
    Ok(call.list("DBProxies", "member", paged, |xml, proxy| {
        xml.text("DBProxyName", proxy.name);
        xml.text("DBProxyArn", proxy.arn());
        xml.text("Status", "available");
        xml.text("EngineFamily", proxy.family);
        network(xml, proxy);
        xml.text("DefaultAuthScheme", if proxy.end_to_end { "IAM_AUTH" } else { "NONE" });
        xml.list("Auth", "member", proxy.secrets(), |xml, user| {
            xml.text("Description", "");
            xml.text("AuthScheme", "SECRETS");
            let suffix: String = hex_id("secret", proxy.name).chars().skip(8).take(6).collect();
            xml.text(
                "SecretArn",
                format!("arn:aws:secretsmanager:{}:{ACCOUNT}:secret:{}/{user}-{suffix}", proxy.region, proxy.cluster),
            );
            xml.text("IAMAuth", if proxy.iam { "REQUIRED" } else { "DISABLED" });
            let password =
                if proxy.family == "POSTGRESQL" { "POSTGRES_SCRAM_SHA_256" } else { "MYSQL_NATIVE_PASSWORD" };
            xml.text("ClientPasswordAuthType", password);
        });
        xml.text("RoleArn", format!("arn:aws:iam::{ACCOUNT}:role/rds-proxy-{}", proxy.cluster));
        xml.text("Endpoint", proxy.endpoint());
        xml.text("RequireTLS", proxy.family == "POSTGRESQL");
        xml.text("IdleClientTimeout", 1800);
        xml.text("DebugLogging", false);
        xml.text("CreatedDate", MADE);
        xml.text("UpdatedDate", MADE);
    }))
}

/// `DescribeDBProxyEndpoints`: the one each proxy was made with, and that for reading where there is one.
pub fn endpoints(call: &Call<'_>) -> Result<String, Failure> {
    let asked = call.parameters.get("DBProxyEndpointName");
    let all: Vec<(&Proxy, bool)> = here(call)?
        .into_iter()
        .flat_map(|proxy| [(proxy, true)].into_iter().chain(proxy.read_only.map(|_| (proxy, false))))
        .filter(|(proxy, is_default)| {
            let name = if *is_default { Some(proxy.name) } else { proxy.read_only };
            asked.is_none_or(|asked| name.is_some_and(|name| asked.eq_ignore_ascii_case(name)))
        })
        .collect();
    if let Some(asked) = asked
        && all.is_empty()
    {
        let message = format!("Requested DB proxy endpoint {asked} cannot be found.");
        return Err(Failure::new(404, "DBProxyEndpointNotFoundFault", message));
    }
    let paged = call.page(all)?;
    Ok(call.list("DBProxyEndpoints", "member", paged, |xml, (proxy, is_default)| {
        let name = proxy.read_only.filter(|_| !is_default);
        xml.text("DBProxyEndpointName", name.unwrap_or("default"));
        let id = hex_id("prx-endpoint", name.unwrap_or(proxy.name));
        xml.text("DBProxyEndpointArn", format!("arn:aws:rds:{}:{ACCOUNT}:db-proxy-endpoint:{id}", proxy.region));
        xml.text("DBProxyName", proxy.name);
        xml.text("Status", "available");
        network(xml, proxy);
        xml.text("Endpoint", name.map_or_else(|| proxy.endpoint(), |name| proxy.read_only_endpoint(name)));
        xml.text("CreatedDate", MADE);
        xml.text("TargetRole", if is_default { "READ_WRITE" } else { "READ_ONLY" });
        xml.text("IsDefault", is_default);
    }))
}

/// `DescribeDBProxyTargets`: the cluster behind a proxy, then its members.
pub fn targets(call: &Call<'_>) -> Result<String, Failure> {
    if call.parameters.get("DBProxyName").is_none() {
        let message = "The parameter DBProxyName must be provided and must not be blank.";
        return Err(Failure::new(400, "InvalidParameterValue", message));
    }
    let clusters = here(call)?.into_iter().filter_map(|proxy| cast().cluster(proxy.region, proxy.cluster));
    let all: Vec<(&Cluster, Option<&str>)> = clusters
        .flat_map(|cluster| {
            [None].into_iter().chain(cluster.members.iter().copied().map(Some)).map(move |of| (cluster, of))
        })
        .collect();
    let paged = call.page(all)?;
    Ok(call.list("Targets", "member", paged, |xml, (cluster, member)| match member {
        None => {
            xml.text("RdsResourceId", cluster.id);
            xml.text("Port", cluster.traits.port);
            xml.text("Type", "TRACKED_CLUSTER");
        }
        Some(id) => {
            let instance = cast().instance(cluster.region, id);
            xml.text_if("Endpoint", instance.map(Instance::endpoint));
            xml.text("TrackedClusterId", cluster.id);
            xml.text("RdsResourceId", id);
            xml.text("Port", cluster.traits.port);
            xml.text("Type", "RDS_INSTANCE");
            xml.text("Role", if cluster.members.first() == Some(&id) { "READ_WRITE" } else { "READ_ONLY" });
            xml.element("TargetHealth", |xml| xml.text("State", "AVAILABLE"));
        }
    }))
}
