//! All that is known of one database, as lines of a label and a value. It must not know where on the screen they go.

use super::rows::iam;
use crate::console::widgets::text;
use crate::model::{Database, DatabaseKind, ProxyTarget};

/// A label (empty: it goes on from the line before) and a value.
pub type Line = (&'static str, String);

/// The lines, the most wanted first. `whole` adds what is seldom asked for.
pub fn describe(database: &Database, whole: bool) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let engine = format!("{} {}", database.engine, database.engine_version);
    let what = match database.kind {
        DatabaseKind::Instance => database.role.name(),
        kind => kind.name(),
    };
    lines.push(("", format!("{} · {what} · {}", engine.trim_end(), database.place)));
    for endpoint in &database.endpoints {
        lines.push((endpoint.role.name(), endpoint.address()));
    }
    if database.endpoints.is_empty() {
        lines.push(("endpoint", format!("none, while it is {}", database.status)));
    }
    let auth = match iam(database.iam) {
        "on" => "on".to_owned(),
        "off" => "off: a token would be refused".to_owned(),
        "→ on" => "being turned on (pending)".to_owned(),
        _ => "being turned off (pending)".to_owned(),
    };
    lines.push(("IAM", auth));
    lines.push(("resource", database.resource_id.clone()));
    let login = database.endpoints.first().and_then(|endpoint| endpoint.proxy.as_ref());
    if let Some(ProxyTarget { identifier, resource_id, .. }) = login.and_then(|login| login.target.as_ref()) {
        lines.push(("leads to", format!("{identifier} · {resource_id}")));
    }
    lines.push(("network", network(database)));
    if let Some(certificate) = &database.certificate {
        let end = certificate.valid_till.map(|end| format!(", ends {}", text::date(end))).unwrap_or_default();
        lines.push(("CA", format!("{}{end}", certificate.authority)));
    }
    if let Some(class) = &database.class {
        lines.push(("class", format!("{class}{}", if database.multi_az { " · Multi-AZ" } else { "" })));
    } else if database.multi_az {
        lines.push(("class", "Multi-AZ".to_owned()));
    }
    let made: Vec<String> = [
        database.database_name.as_ref().map(|name| format!("database {name}")),
        database.master_user.as_ref().map(|name| format!("master user {name}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !made.is_empty() {
        lines.push(("made with", made.join(" · ")));
    }
    for domain in &database.domains {
        lines.push(("Kerberos", format!("{} · {} ({})", domain.fqdn, domain.status, domain.id)));
    }
    if let Some(secret) = &database.master_secret {
        lines.push(("secret", secret.clone()));
    }
    if database.internet_gateway {
        lines.push(("reach", "internet access gateway: no VPC, tokens only".to_owned()));
    }
    if whole {
        if let Some(cluster) = &database.cluster {
            lines.push(("cluster", cluster.clone()));
        }
        if let Some(group) = &database.subnet_group {
            lines.push(("subnets", group.clone()));
        }
        lines.push(("status", database.status.clone()));
    }
    lines.push(("ARN", database.arn.clone()));
    if whole {
        for (at, (key, value)) in database.tags.iter().enumerate() {
            lines.push((if at == 0 { "tags" } else { "" }, format!("{key} = {value}")));
        }
    } else if !database.tags.is_empty() {
        let tags: Vec<String> = database.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        lines.push(("tags", tags.join(" ")));
    }
    lines
}

fn network(database: &Database) -> String {
    let mut parts = Vec::new();
    match database.public {
        Some(true) => parts.push("public".to_owned()),
        Some(false) => parts.push("private".to_owned()),
        None => {}
    }
    parts.extend(database.vpc_id.clone());
    parts.extend(database.security_groups.iter().cloned());
    if parts.is_empty() { "no VPC".to_owned() } else { parts.join(" · ") }
}
