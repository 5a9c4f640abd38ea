//! From a NAME to an endpoint: identifier, endpoint host, resource id or ARN, over all places.

use super::diagnose::database::wait;
use super::{Access, Found};
use crate::model::{Database, Diagnosis, Endpoint, EndpointRole, Kind};
use futures_util::future::join_all;

impl Access {
    pub(super) async fn look_up(&self, name: &str) -> Result<Found, Diagnosis> {
        let places = self.list_places().await?;
        let mut databases = Vec::new();
        let mut failed = None;
        for answer in join_all(places.iter().map(|place| self.list(place))).await {
            match answer {
                Ok(inventory) => databases.extend(inventory.databases),
                Err(diagnosis) => failed = failed.or(Some(diagnosis)),
            }
        }
        match choose(name, &databases) {
            // What one region refused to list may hold it: then the refusal is the news, not the absence.
            Err(diagnosis) if diagnosis.kind == Kind::NotFound => Err(failed.unwrap_or(diagnosis)),
            chosen => chosen,
        }
    }
}

/// The one database, and the endpoint of it, that `name` means: identifier, endpoint host, resource id or ARN.
///
/// # Errors
///
/// Whatever is not clear: nothing of that name (with names like it), several (with their ARNs), no endpoint yet.
pub fn choose(name: &str, databases: &[Database]) -> Result<Found, Diagnosis> {
    let name = name.trim();
    let (host, port) = match name.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(port))) if !name.starts_with("arn:") => (host, Some(port)),
        _ => (name, None),
    };
    let host = host.trim_end_matches('.');
    // Hosts first: a member's endpoint is listed once, and it is what was meant.
    for database in databases {
        let named = database
            .endpoints
            .iter()
            .find(|endpoint| endpoint.host.eq_ignore_ascii_case(host) && port.is_none_or(|port| port == endpoint.port));
        if let Some(endpoint) = named {
            return Ok(Found { database: database.clone(), endpoint: endpoint.clone() });
        }
    }
    let exact = |database: &&Database| {
        database.arn == name || database.resource_id == name || database.identifier.eq_ignore_ascii_case(name)
    };
    let matches: Vec<&Database> = databases.iter().filter(exact).collect();
    match matches.as_slice() {
        [] => named_endpoint(name, databases),
        [one] => found(one),
        several => Err(ambiguous(name, several)),
    }
}

/// An endpoint that was given a name of its own: a custom one of a cluster, one more of a proxy. Names are one's own in a
/// region, and its host begins with it (`DBClusterEndpointIdentifier`, `DBProxyEndpointName`).
fn named_endpoint(name: &str, databases: &[Database]) -> Result<Found, Diagnosis> {
    let named: Vec<(&Database, &Endpoint)> = databases
        .iter()
        .flat_map(|database| database.endpoints.iter().map(move |endpoint| (database, endpoint)))
        .filter(|(_, endpoint)| own_name(endpoint).is_some_and(|own| own.eq_ignore_ascii_case(name)))
        .collect();
    match named.as_slice() {
        [] => Err(not_found(name, databases)),
        [(database, endpoint)] => Ok(Found { database: (*database).clone(), endpoint: (*endpoint).clone() }),
        several => {
            let mut diagnosis = Diagnosis::new(Kind::Ambiguous, format!("{name} fits {} endpoints", several.len()));
            for (database, endpoint) in several {
                diagnosis =
                    diagnosis.because(format!("of {} in {}: {}", database.identifier, database.place, endpoint.host));
            }
            let hosts: Vec<&str> = several.iter().map(|(_, endpoint)| endpoint.host.as_str()).collect();
            Err(diagnosis.advise_paste("Name one by its host, or narrow --region and --profile", hosts.join("\n")))
        }
    }
}

fn own_name(endpoint: &Endpoint) -> Option<&str> {
    let own = matches!(endpoint.role, EndpointRole::Custom | EndpointRole::Proxy);
    endpoint.host.split('.').next().filter(|first| own && !first.is_empty())
}

fn found(database: &Database) -> Result<Found, Diagnosis> {
    match database.endpoints.first() {
        Some(endpoint) => Ok(Found { database: database.clone(), endpoint: endpoint.clone() }),
        None => Err(Diagnosis::new(
            Kind::NotAvailable,
            format!("{} has no endpoint yet: it is {}", database.identifier, status(database)),
        )
        .advise_paste("Wait until it is available", wait(database))),
    }
}

fn status(database: &Database) -> &str {
    if database.status.is_empty() { "in a state that AWS does not name" } else { &database.status }
}

fn ambiguous(name: &str, several: &[&Database]) -> Diagnosis {
    let mut diagnosis = Diagnosis::new(Kind::Ambiguous, format!("{name} fits {} databases", several.len()));
    for database in several {
        let host = database.endpoints.first().map_or("no endpoint yet", |endpoint: &Endpoint| endpoint.host.as_str());
        let kind = database.kind.name();
        diagnosis = diagnosis.because(format!("{kind} {} in {}: {host}", database.identifier, database.place));
    }
    let exact: Vec<&str> = several.iter().map(|database| database.arn.as_str()).filter(|arn| !arn.is_empty()).collect();
    diagnosis.advise_paste("Name one by its ARN, or narrow --region and --profile", exact.join("\n"))
}

fn not_found(name: &str, databases: &[Database]) -> Diagnosis {
    let named = if name.is_empty() { "of an empty name" } else { name };
    let mut places: Vec<String> = databases.iter().map(|database| database.place.to_string()).collect();
    places.sort();
    places.dedup();
    let at = if places.is_empty() { String::new() } else { format!(" in {}", places.join(" and ")) };
    let count = databases.len();
    let diagnosis = Diagnosis::new(Kind::NotFound, format!("There is no database {named}"))
        .because(format!("{count} databases were listed{at}, none has that name, host, resource id or ARN"));
    let near = near(name, databases);
    if near.is_empty() {
        diagnosis.advise_paste("See what there is, or widen --region and --profile", "gatepost list")
    } else {
        diagnosis
            .advise_paste("Did you mean", near.join("\n"))
            .advise("Or widen --region and --profile, if it is elsewhere")
    }
}

/// Identifiers that contain the name, or differ from it in little; at most five.
fn near<'a>(name: &str, databases: &'a [Database]) -> Vec<&'a str> {
    let name = name.to_ascii_lowercase();
    // Databases before endpoints of theirs: five are soon full.
    let names = databases.iter().flat_map(|database| {
        let identifier = database.identifier.as_str();
        let own = database.endpoints.iter().filter_map(own_name).filter(move |own| *own != identifier);
        std::iter::once((false, identifier)).chain(own.map(|own| (true, own)))
    });
    let mut near: Vec<(usize, bool, &str)> = names
        .filter_map(|(is_own, known)| {
            let distance = if !name.is_empty() && known.contains(&name) { 0 } else { distance(&name, known) };
            (distance <= 1 + name.chars().count() / 4).then_some((distance, is_own, known))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(5).map(|(_, _, name)| name).collect()
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(diagonal + usize::from(x != *y));
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::{database as cluster, endpoint};

    fn database(identifier: &str, region: &str, hosts: &[(&str, EndpointRole)]) -> Database {
        let mut base = endpoint();
        base.place.region = region.to_owned();
        base.owner = identifier.to_owned();
        let endpoint =
            |(host, role): &(&str, EndpointRole)| Endpoint { host: (*host).to_owned(), role: *role, ..base.clone() };
        Database {
            resource_id: format!("cluster-{identifier}-{region}"),
            arn: format!("arn:aws:rds:{region}:123456789012:cluster:{identifier}"),
            status: "creating".to_owned(),
            place: base.place.clone(),
            endpoints: hosts.iter().map(endpoint).collect(),
            ..cluster(identifier)
        }
    }

    fn fleet() -> Vec<Database> {
        vec![
            database(
                "orders-prod",
                "eu-west-1",
                &[
                    ("orders.cluster-c9.example.com", EndpointRole::Writer),
                    ("orders.cluster-ro-c9.example.com", EndpointRole::Reader),
                    ("analytics.cluster-custom-c9.example.com", EndpointRole::Custom),
                ],
            ),
            database("twin", "eu-west-1", &[("twin.eu.example.com", EndpointRole::Writer)]),
            database("twin", "us-east-1", &[("twin.us.example.com", EndpointRole::Writer)]),
            database(
                "pool",
                "eu-west-1",
                &[
                    ("pool.proxy-c9.example.com", EndpointRole::Proxy),
                    ("pool-ro.endpoint.proxy-c9.example.com", EndpointRole::Proxy),
                ],
            ),
            database("inventory-dev", "eu-west-1", &[]),
        ]
    }

    #[test]
    fn every_form_of_a_name_finds_its_endpoint() {
        for (name, host) in [
            ("orders-prod", "orders.cluster-c9.example.com"),
            ("ORDERS-prod", "orders.cluster-c9.example.com"),
            ("orders.cluster-ro-c9.example.com", "orders.cluster-ro-c9.example.com"),
            ("Orders.cluster-ro-c9.example.com.:5432", "orders.cluster-ro-c9.example.com"),
            ("cluster-twin-us-east-1", "twin.us.example.com"),
            ("Analytics", "analytics.cluster-custom-c9.example.com"),
            ("pool-ro", "pool-ro.endpoint.proxy-c9.example.com"),
            ("pool", "pool.proxy-c9.example.com"),
            ("arn:aws:rds:us-east-1:123456789012:cluster:twin", "twin.us.example.com"),
        ] {
            assert_eq!(choose(name, &fleet()).expect(name).endpoint.host, host, "{name}");
        }
    }

    #[test]
    fn what_is_not_clear_is_said() {
        let ambiguous = choose("twin", &fleet()).expect_err("two of them");
        assert_eq!(ambiguous.kind, Kind::Ambiguous);
        assert!(ambiguous.to_string().contains("arn:aws:rds:us-east-1:123456789012:cluster:twin"));
        let missing = choose("orders-prd", &fleet()).expect_err("a typo");
        assert_eq!((missing.kind, missing.advice[0].paste.as_deref()), (Kind::NotFound, Some("orders-prod")));
        let near = choose("analytic", &fleet()).expect_err("a typo");
        assert_eq!(near.advice[0].paste.as_deref(), Some("analytics"));
        let mut twice = fleet();
        let another = twice[0].endpoints[2].clone();
        twice[1].endpoints.push(another);
        twice[1].endpoints[1].host = "analytics.cluster-custom-c8.example.com".to_owned();
        assert_eq!(choose("analytics", &twice).expect_err("two endpoints").kind, Kind::Ambiguous);
        let wrong_port = choose("orders.cluster-c9.example.com:5433", &fleet()).expect_err("another port");
        assert_eq!(wrong_port.kind, Kind::NotFound);
        let creating = choose("inventory-dev", &fleet()).expect_err("no endpoint");
        assert_eq!(creating.kind, Kind::NotAvailable);
        assert!(creating.title.contains("creating"));
        let wait = "aws rds wait db-cluster-available --db-cluster-identifier inventory-dev --region eu-west-1";
        assert_eq!(creating.advice[0].paste.as_deref(), Some(wait));
        // No waiter knows proxies.
        let mut fleet = fleet();
        fleet[4].kind = crate::model::DatabaseKind::Proxy;
        let creating = choose("inventory-dev", &fleet).expect_err("no endpoint");
        let paste = creating.advice[0].paste.as_deref().unwrap_or_default();
        assert!(paste.starts_with("aws rds describe-db-proxies --db-proxy-name inventory-dev"), "{paste}");
    }
}
