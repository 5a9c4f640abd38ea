//! us-east-1: the second region, with its own bastion. Data only.

use super::network::{US_BASTION, US_DB, US_VPC, security_groups, subnet_groups};
use super::{Cast, Cluster, Instance, Network, Node, Proxy, Traits};
use crate::sandbox::keys::OTHER_REGION;

const AURORA: &str = "aurora-postgresql";
const PRODUCTION: &[(&str, &str)] = &[("Environment", "production"), ("Team", "orders")];
const DATA: &[(&str, &str)] = &[("Environment", "production"), ("Team", "data")];
const SCRATCH: &[(&str, &str)] = &[("Environment", "development"), ("Owner", "data-science")];

fn private() -> Network {
    Network { subnet_group: "us-private", security_groups: vec![US_DB] }
}

fn cluster(
    id: &'static str,
    engine: &'static str,
    version: &'static str,
    members: &[(&'static str, &'static str)],
    traits: Traits,
) -> (Cluster, Vec<Instance>) {
    super::cluster(OTHER_REGION, id, engine, version, members, traits)
}

fn instance(
    id: &'static str,
    engine: &'static str,
    version: &'static str,
    class: &'static str,
    traits: Traits,
) -> Instance {
    super::instance(OTHER_REGION, id, engine, version, class, traits)
}

/// All that is in this region.
pub fn cast() -> Cast {
    let usual = || Traits::usual(private(), DATA);
    let mut scratchpad = cluster(
        "scratchpad",
        AURORA,
        "17.5",
        &[("scratchpad-1", "db.serverless")],
        Traits { network: None, created: "2026-10-30T16:20:45.801Z", ..Traits::usual(private(), SCRATCH) },
    );
    scratchpad.0.serverless = Some((0.0, 4.0));
    for member in &mut scratchpad.1 {
        // Aurora's express configuration is reached through the internet access gateway.
        member.public = true;
    }
    let all = [
        cluster(
            "orders-us",
            AURORA,
            "16.6",
            &[("orders-us-1", "db.r7g.xlarge"), ("orders-us-2", "db.r7g.xlarge")],
            Traits { database: Some("shop"), managed_secret: true, ..Traits::usual(private(), PRODUCTION) },
        ),
        scratchpad,
        cluster(
            "telemetry",
            AURORA,
            "15.8",
            &[("telemetry-1", "db.r6g.large"), ("telemetry-2", "db.r6g.large")],
            Traits { authority: "rds-ca-ecc384-g1", ..usual() },
        ),
    ];
    let (clusters, members): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let mut instances: Vec<Instance> = members.into_iter().flatten().collect();
    instances.extend([
        instance("crm-us", "postgres", "16.4", "db.m6g.large", usual()),
        instance(
            "etl-staging",
            "mariadb",
            "10.11.9",
            "db.t4g.medium",
            Traits { port: 3306, master_user: "admin", ..usual() },
        ),
        Instance { multi_az: true, storage: 800, ..instance("fraud", "postgres", "16.6", "db.r7g.large", usual()) },
        instance("metabase", "postgres", "15.10", "db.t4g.medium", Traits { iam: false, ..usual() }),
        instance(
            "partner-api",
            "postgres",
            "17.2",
            "db.m7g.large",
            Traits { authority: "rds-ca-ecc384-g1", ..usual() },
        ),
        instance(
            "restored-20261118",
            "postgres",
            "15.10",
            "db.t4g.large",
            Traits { status: "storage-full", created: "2026-11-18T02:31:07.240Z", ..usual() },
        ),
        instance(
            "status-page",
            "mysql",
            "8.0.40",
            "db.t4g.micro",
            Traits { port: 3306, iam: false, master_user: "admin", ..usual() },
        ),
    ]);
    instances.sort_by_key(|instance| instance.id);
    Cast {
        clusters,
        instances,
        proxies: vec![Proxy {
            region: OTHER_REGION,
            name: "orders-us-proxy",
            family: "POSTGRESQL",
            cluster: "orders-us",
            vpc_id: US_VPC,
            security_groups: vec![US_DB],
            iam: true,
            end_to_end: false,
            read_only: None,
            tags: PRODUCTION,
        }],
        nodes: vec![Node {
            region: OTHER_REGION,
            id: "i-05c8d1f6e93ba4270",
            name: "bastion-us",
            agent: "3.3.987.0",
            silent_for: None,
            address: "10.60.4.18",
            vpc_id: US_VPC,
            subnet_id: "subnet-0f2a86c4de19b7035",
            security_groups: vec![US_BASTION],
            tags: DATA,
        }],
        subnet_groups: subnet_groups(OTHER_REGION),
        security_groups: security_groups(OTHER_REGION),
    }
}
