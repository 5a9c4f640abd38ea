//! The fleet as JSON. Keys are there even where they have no value, so that a script need not ask twice.

use super::account;
use crate::model::Database;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::SystemTime;

#[derive(Serialize)]
struct Row<'a> {
    kind: &'a str,
    identifier: &'a str,
    resource_id: &'a str,
    arn: &'a str,
    engine: &'a str,
    engine_version: &'a str,
    status: &'a str,
    iam_auth: &'a str,
    region: &'a str,
    account: Option<&'a str>,
    profile: Option<&'a str>,
    cluster: Option<&'a str>,
    role: &'a str,
    endpoints: Vec<Endpoint<'a>>,
    vpc_id: Option<&'a str>,
    subnet_group: Option<&'a str>,
    security_groups: &'a [String],
    public: Option<bool>,
    class: Option<&'a str>,
    multi_az: bool,
    database_name: Option<&'a str>,
    master_user: Option<&'a str>,
    master_secret: Option<&'a str>,
    certificate: Option<Certificate<'a>>,
    domains: Vec<Domain<'a>>,
    target: Option<Target<'a>>,
    tags: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Endpoint<'a> {
    role: &'a str,
    host: &'a str,
    port: u16,
}

#[derive(Serialize)]
struct Certificate<'a> {
    authority: &'a str,
    valid_till: Option<String>,
}

#[derive(Serialize)]
struct Domain<'a> {
    id: &'a str,
    fqdn: &'a str,
    status: &'a str,
}

/// What a proxy leads to.
#[derive(Serialize)]
struct Target<'a> {
    identifier: &'a str,
    resource_id: &'a str,
}

/// An array, one object a line. serde_json escapes C0 controls; the others are escaped too, for terminals.
pub fn write(out: &mut impl Write, databases: &[Database]) -> io::Result<()> {
    if databases.is_empty() {
        return writeln!(out, "[]");
    }
    for (at, database) in databases.iter().enumerate() {
        let object = serde_json::to_string(&row(database))?;
        writeln!(out, "{}{}", if at == 0 { "[" } else { "," }, crate::access::format::json::tamed(&object))?;
    }
    writeln!(out, "]")
}

fn row(database: &Database) -> Row<'_> {
    Row {
        kind: database.kind.name(),
        identifier: &database.identifier,
        resource_id: &database.resource_id,
        arn: &database.arn,
        engine: database.engine.name(),
        engine_version: &database.engine_version,
        status: &database.status,
        iam_auth: database.iam.name(),
        region: &database.place.region,
        account: account(&database.arn),
        profile: database.place.profile.as_deref(),
        cluster: database.cluster.as_deref(),
        role: database.role.name(),
        endpoints: database
            .endpoints
            .iter()
            .map(|endpoint| Endpoint { role: endpoint.role.name(), host: &endpoint.host, port: endpoint.port })
            .collect(),
        vpc_id: database.vpc_id.as_deref(),
        subnet_group: database.subnet_group.as_deref(),
        security_groups: &database.security_groups,
        public: database.public,
        class: database.class.as_deref(),
        multi_az: database.multi_az,
        database_name: database.database_name.as_deref(),
        master_user: database.master_user.as_deref(),
        master_secret: database.master_secret.as_deref(),
        certificate: database.certificate.as_ref().map(|certificate| Certificate {
            authority: &certificate.authority,
            valid_till: certificate.valid_till.and_then(timestamp),
        }),
        domains: database
            .domains
            .iter()
            .map(|domain| Domain { id: &domain.id, fqdn: &domain.fqdn, status: &domain.status })
            .collect(),
        target: database
            .endpoints
            .first()
            .and_then(|endpoint| endpoint.proxy.as_ref()?.target.as_ref())
            .map(|target| Target { identifier: &target.identifier, resource_id: &target.resource_id }),
        tags: database.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
    }
}

/// RFC 3339, UTC.
fn timestamp(time: SystemTime) -> Option<String> {
    jiff::Timestamp::try_from(time).ok().map(|time| time.to_string())
}
