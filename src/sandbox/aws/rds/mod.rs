//! RDS's describe and modify calls in the Query protocol, version 2014-10-31. It must not know who may call, nor what answers behind
//! an endpoint.

mod clusters;
mod instances;
mod modify;
mod networks;
mod proxies;

use super::answer::Failure;
use super::page::{Paged, page};
use super::request::{Filter, Parameters};
use super::xml::Xml;
use crate::sandbox::cast::{Domain, Network, Traits, cast, hex_id};
use crate::sandbox::changes::Changes;
use crate::sandbox::keys::ACCOUNT;
use sha2::{Digest, Sha256};

const VERSION: &str = "2014-10-31";
const NAMESPACE: &str = "http://rds.amazonaws.com/doc/2014-10-31/";

/// A call in one region.
struct Call<'a> {
    action: &'a str,
    region: &'a str,
    parameters: &'a Parameters,
    request_id: &'a str,
    changes: &'a Changes,
}

/// Answers `action` in `region`.
pub fn answer(
    action: &str,
    region: &str,
    parameters: &Parameters,
    request_id: &str,
    changes: &Changes,
) -> Result<String, Failure> {
    if parameters.get("Version") != Some(VERSION) {
        let version = parameters.get("Version").unwrap_or("NO_VERSION_SPECIFIED");
        return Err(super::unknown_action(action, version));
    }
    let call = Call { action, region, parameters, request_id, changes };
    match action {
        "DescribeDBClusters" => clusters::clusters(&call),
        "DescribeDBClusterEndpoints" => clusters::endpoints(&call),
        "DescribeDBInstances" => instances::instances(&call),
        "DescribeDBSubnetGroups" => networks::subnet_groups(&call),
        "DescribeDBProxies" => proxies::proxies(&call),
        "DescribeDBProxyEndpoints" => proxies::endpoints(&call),
        "DescribeDBProxyTargets" => proxies::targets(&call),
        "ListTagsForResource" => tags_for_resource(&call),
        "ModifyDBInstance" => modify::instance(&call),
        "ModifyDBCluster" => modify::cluster(&call),
        _ => Err(super::unknown_action(action, VERSION)),
    }
}

/// The ARN that `action` is on, for saying that it is denied there.
pub fn resource(action: &str, region: &str, parameters: &Parameters) -> String {
    let (kind, parameter) = match action {
        "DescribeDBClusters" | "ModifyDBCluster" => ("cluster", "DBClusterIdentifier"),
        "DescribeDBClusterEndpoints" => ("cluster-endpoint", "DBClusterEndpointIdentifier"),
        "DescribeDBInstances" | "ModifyDBInstance" => ("db", "DBInstanceIdentifier"),
        "DescribeDBSubnetGroups" => ("subgrp", "DBSubnetGroupName"),
        "DescribeDBProxies" | "DescribeDBProxyTargets" => ("db-proxy", "DBProxyName"),
        "DescribeDBProxyEndpoints" => ("db-proxy-endpoint", "DBProxyEndpointName"),
        _ => return parameters.get("ResourceName").unwrap_or("*").to_owned(),
    };
    let name = parameters.get(parameter).unwrap_or("*");
    if name.starts_with("arn:") { name.to_owned() } else { format!("arn:aws:rds:{region}:{ACCOUNT}:{kind}:{name}") }
}

impl Call<'_> {
    fn filters(&self) -> Vec<Filter> {
        self.parameters.filters("Filters.Filter", "Values.Value")
    }

    /// The page that is asked for: 20 to 100 records, 100 when not said.
    fn page<T>(&self, items: Vec<T>) -> Result<Paged<T>, Failure> {
        let size = self.parameters.number("MaxRecords", 20, 100, 100)?;
        page(self.action, items, size, self.parameters.get("Marker"))
    }

    /// The usual envelope: response, result, and below the list the marker.
    fn list<T>(&self, list: &str, item: &str, paged: Paged<T>, inner: impl Fn(&mut Xml, T)) -> String {
        self.envelope(|xml| {
            xml.list(list, item, paged.items, inner);
            xml.text_if("Marker", paged.next);
        })
    }

    fn envelope(&self, inner: impl FnOnce(&mut Xml)) -> String {
        let mut xml = Xml::default();
        xml.root(&format!("{}Response", self.action), NAMESPACE, |xml| {
            xml.element(&format!("{}Result", self.action), inner);
            xml.element("ResponseMetadata", |xml| xml.text("RequestId", self.request_id));
        });
        xml.finish()
    }
}

/// Whether an identifier parameter (a name in any case, or an ARN) means this one.
fn means(asked: &str, identifier: &str, arn: &str) -> bool {
    asked.eq_ignore_ascii_case(identifier) || asked == arn
}

/// Whether every filter finds one of its values among `values(name)`; `None` there is an unknown filter.
fn all_fit(filters: &[Filter], values: impl Fn(&str) -> Option<Vec<String>>) -> Result<bool, Failure> {
    for filter in filters {
        let invalid = |message: String| Failure::new(400, "InvalidParameterValue", message);
        let found =
            values(&filter.name).ok_or_else(|| invalid(format!("Unrecognized filter name: {}", filter.name)))?;
        if filter.values.is_empty() {
            return Err(Failure::new(
                400,
                "InvalidParameterCombination",
                format!("Filter {} has no values", filter.name),
            ));
        }
        if !found.iter().any(|value| filter.admits(value)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `VpcSecurityGroups`.
fn security_groups(xml: &mut Xml, network: Option<&Network>) {
    let ids = network.into_iter().flat_map(|network| &network.security_groups);
    xml.list("VpcSecurityGroups", "VpcSecurityGroupMembership", ids, |xml, id| {
        xml.text("VpcSecurityGroupId", id);
        xml.text("Status", "active");
    });
}

/// `DomainMemberships`.
fn domains(xml: &mut Xml, domain: Option<Domain>) {
    xml.list("DomainMemberships", "DomainMembership", domain, |xml, domain| {
        xml.text("Domain", domain.id);
        xml.text("Status", domain.status);
        xml.text("FQDN", domain.fqdn);
        xml.text("IAMRoleName", "rds-directory-access");
    });
}

/// `TagList`.
fn tags(xml: &mut Xml, tags: &[(&str, &str)]) {
    xml.list("TagList", "Tag", tags, |xml, (key, value)| {
        xml.text("Key", key);
        xml.text("Value", value);
    });
}

/// `MasterUserSecret`, where RDS keeps the password.
fn master_secret(xml: &mut Xml, region: &str, traits: &Traits, owner: &str) {
    if traits.managed_secret {
        xml.element("MasterUserSecret", |xml| {
            xml.text("SecretArn", secret_arn(region, owner));
            xml.text("SecretStatus", "active");
            xml.text("KmsKeyId", key(region));
        });
    }
}

/// The ARN of a master user's secret; `owner` is the resource id, from which the secret's made-up name comes.
pub fn secret_arn(region: &str, owner: &str) -> String {
    let kind = owner.split('-').next().unwrap_or("db");
    let mut seed = [0; 16];
    seed.copy_from_slice(&Sha256::digest(owner)[..16]);
    let name = uuid::Builder::from_random_bytes(seed).into_uuid();
    let suffix: String = hex_id("secret", owner).chars().skip(8).take(6).collect();
    format!("arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:rds!{kind}-{name}-{suffix}")
}

/// The key that storage and secrets are encrypted with.
fn key(region: &str) -> String {
    format!("arn:aws:kms:{region}:{ACCOUNT}:key/5f0c2a1e-7b3d-4c61-9d42-8e10b6f7a935")
}

/// `CertificateDetails`. Server certificates of the G1 authorities last about a year and renew themselves.
fn certificate(xml: &mut Xml, traits: &Traits, identifier: &str) {
    let day = Sha256::digest(identifier);
    xml.element("CertificateDetails", |xml| {
        xml.text("CAIdentifier", traits.authority);
        xml.text("ValidTill", format!("2027-{:02}-{:02}T11:{:02}:08Z", day[0] % 10 + 2, day[1] % 28 + 1, day[2] % 60));
    });
}

fn tags_for_resource(call: &Call<'_>) -> Result<String, Failure> {
    let arn = call.parameters.get("ResourceName").ok_or_else(|| {
        Failure::new(400, "InvalidParameterValue", "The parameter ResourceName must be provided and must not be blank.")
    })?;
    let cast = cast();
    let here = |region: &str| region == call.region;
    let cluster = cast.clusters.iter().find(|cluster| here(cluster.region) && cluster.arn() == arn);
    let instance = cast.instances.iter().find(|instance| here(instance.region) && instance.arn() == arn);
    let proxy = cast.proxies.iter().find(|proxy| here(proxy.region) && proxy.arn() == arn);
    let found = match (cluster, instance, proxy) {
        (Some(cluster), _, _) => cluster.traits.tags,
        (_, Some(instance), _) => instance.traits.tags,
        (_, _, Some(proxy)) => proxy.tags,
        _ => {
            return Err(Failure::new(
                404,
                "DBInstanceNotFound",
                format!("The specified resource name does not match an RDS resource in this region: {arn}"),
            ));
        }
    };
    Ok(call.envelope(|xml| tags(xml, found)))
}
