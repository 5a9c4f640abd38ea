//! eu-west-1: production, the tools VPC, and the bastions `bastion-a`, `bastion-b` and `bastion-old`. Data only.

use super::network::{
    PROD_BASTION, PROD_DB, PROD_VPC, REPORTS_DB, TOOLS_BASTION, TOOLS_DB, TOOLS_VPC, security_groups, subnet_groups,
};
use super::{Cast, Cluster, CustomEndpoint, Domain, Instance, Network, Node, Proxy, Traits};
use crate::sandbox::keys::REGION;

const AD: Domain = Domain { id: "d-93672b41c8", status: "joined", fqdn: "corp.example.com" };
const ECC: &str = "rds-ca-ecc384-g1";
const AURORA: &str = "aurora-postgresql";
const PRODUCTION: &[(&str, &str)] = &[("Environment", "production"), ("Team", "orders"), ("CostCentre", "4711")];
const PAYMENTS: &[(&str, &str)] = &[("Environment", "production"), ("Team", "payments")];
const PLATFORM: &[(&str, &str)] = &[("Environment", "production"), ("Team", "platform")];
const STAGING: &[(&str, &str)] = &[("Environment", "staging")];
const DEVELOPMENT: &[(&str, &str)] = &[("Environment", "development"), ("Owner", "inventory-squad")];
const TOOLING: &[(&str, &str)] = &[("Environment", "tools"), ("Team", "platform")];

fn prod() -> Network {
    Network { subnet_group: "prod-private", security_groups: vec![PROD_DB] }
}

fn tools() -> Network {
    Network { subnet_group: "tools-private", security_groups: vec![TOOLS_DB] }
}

fn cluster(
    id: &'static str,
    engine: &'static str,
    version: &'static str,
    members: &[(&'static str, &'static str)],
    traits: Traits,
) -> (Cluster, Vec<Instance>) {
    super::cluster(REGION, id, engine, version, members, traits)
}

fn instance(
    id: &'static str,
    engine: &'static str,
    version: &'static str,
    class: &'static str,
    traits: Traits,
) -> Instance {
    super::instance(REGION, id, engine, version, class, traits)
}

/// All that is in this region.
pub fn cast() -> Cast {
    let (clusters, mut instances) = clusters();
    instances.extend(on_their_own());
    instances.sort_by_key(|instance| instance.id);
    let proxy = |name, family, cluster, iam| Proxy {
        region: REGION,
        name,
        family,
        cluster,
        vpc_id: PROD_VPC,
        security_groups: vec![PROD_DB],
        iam,
        end_to_end: false,
        read_only: None,
        tags: PRODUCTION,
    };
    Cast {
        clusters,
        instances,
        proxies: vec![
            Proxy {
                read_only: Some("orders-proxy-ro"),
                end_to_end: true,
                ..proxy("orders-proxy", "POSTGRESQL", "orders-prod", true)
            },
            proxy("shop-web-proxy", "MYSQL", "shop-web", false),
        ],
        nodes: bastions(),
        subnet_groups: subnet_groups(REGION),
        security_groups: security_groups(REGION),
    }
}

fn clusters() -> (Vec<Cluster>, Vec<Instance>) {
    let usual = Traits::usual;
    let mut orders = cluster(
        "orders-prod",
        AURORA,
        "16.6",
        &[("orders-prod-1", "db.r7g.2xlarge"), ("orders-prod-2", "db.r7g.2xlarge"), ("orders-prod-3", "db.r7g.large")],
        Traits { database: Some("shop"), managed_secret: true, ..usual(prod(), PRODUCTION) },
    );
    orders.0.custom = vec![CustomEndpoint { id: "orders-bi", members: vec!["orders-prod-3"] }];
    let mut notifications = cluster(
        "notifications",
        AURORA,
        "16.4",
        &[("notifications-1", "db.serverless")],
        Traits { authority: ECC, ..usual(prod(), PLATFORM) },
    );
    notifications.0.serverless = Some((0.5, 8.0));
    let mut pricing = cluster(
        "pricing",
        "postgres",
        "16.4",
        &[
            ("pricing-instance-1", "db.m6gd.large"),
            ("pricing-instance-2", "db.m6gd.large"),
            ("pricing-instance-3", "db.m6gd.large"),
        ],
        Traits { ..usual(prod(), PRODUCTION) },
    );
    pricing.0.multi_az_class = Some("db.m6gd.large");
    let all = [
        cluster(
            "catalog-docs",
            "docdb",
            "5.0.0",
            &[("catalog-docs-1", "db.r6g.large"), ("catalog-docs-2", "db.r6g.large")],
            Traits { port: 27017, iam: false, master_user: "docdbadmin", ..usual(prod(), PRODUCTION) },
        ),
        cluster(
            "identity",
            AURORA,
            "15.8",
            &[("identity-a", "db.r6g.xlarge"), ("identity-b", "db.r6g.xlarge")],
            Traits { domain: Some(AD), ..usual(prod(), PLATFORM) },
        ),
        cluster(
            "inventory-dev",
            AURORA,
            "17.2",
            &[("inventory-dev-1", "db.t4g.medium")],
            Traits { status: "creating", created: "2026-11-22T07:58:03.114Z", ..usual(prod(), DEVELOPMENT) },
        ),
        cluster(
            "loyalty",
            AURORA,
            "13.18",
            &[("loyalty-1", "db.r5.large"), ("loyalty-2", "db.r5.large")],
            Traits { iam: false, created: "2021-06-02T13:40:51.009Z", ..usual(prod(), PRODUCTION) },
        ),
        notifications,
        orders,
        pricing,
        cluster(
            "search-graph",
            "neptune",
            "1.3.2.1",
            &[("search-graph-1", "db.r6g.large")],
            Traits { port: 8182, master_user: "admin", ..usual(prod(), PLATFORM) },
        ),
        cluster(
            "shop-web",
            "aurora-mysql",
            "8.0.mysql_aurora.3.08.0",
            &[("shop-web-1", "db.r6g.large"), ("shop-web-2", "db.r6g.large")],
            Traits { database: Some("web"), port: 3306, master_user: "admin", ..usual(prod(), PRODUCTION) },
        ),
        cluster(
            "warehouse-staging",
            AURORA,
            "14.13",
            &[("warehouse-staging-1", "db.t4g.large")],
            Traits { status: "stopped", ..usual(tools(), STAGING) },
        ),
    ];
    let (clusters, members): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    (clusters, members.into_iter().flatten().collect())
}

fn on_their_own() -> Vec<Instance> {
    let usual = Traits::usual;
    let mysql = |network, tags| Traits { port: 3306, master_user: "admin", ..usual(network, tags) };
    let billing = Traits { database: Some("shop"), managed_secret: true, ..usual(prod(), PAYMENTS) };
    let office = Network { subnet_group: "prod-public", security_groups: vec![REPORTS_DB] };
    vec![
        Instance {
            multi_az: true,
            storage: 500,
            ..instance("billing", "postgres", "15.10", "db.r6g.xlarge", billing.clone())
        },
        Instance {
            replica_of: Some("billing"),
            storage: 500,
            ..instance(
                "billing-replica",
                "postgres",
                "15.10",
                "db.r6g.large",
                Traits { managed_secret: false, ..billing },
            )
        },
        instance(
            "erp",
            "oracle-ee",
            "19.0.0.0.ru-2025-07.rur-2025-07.r1",
            "db.m5.2xlarge",
            Traits {
                port: 1521,
                iam: false,
                database: Some("ORCL"),
                master_user: "admin",
                domain: Some(AD),
                ..usual(tools(), PLATFORM)
            },
        ),
        instance(
            "feature-flags",
            "postgres",
            "16.3",
            "db.t4g.small",
            Traits { status: "upgrading", ..usual(prod(), PLATFORM) },
        ),
        instance("geo", "postgres", "17.5", "db.m7g.large", Traits { authority: ECC, ..usual(prod(), PLATFORM) }),
        instance("grafana", "postgres", "15.10", "db.t4g.small", Traits { iam: false, ..usual(tools(), TOOLING) }),
        instance("helpdesk", "mysql", "8.0.40", "db.t3.medium", Traits { iam: false, ..mysql(tools(), TOOLING) }),
        instance(
            "hr-core",
            "postgres",
            "14.15",
            "db.m6g.large",
            Traits { status: "stopped", ..usual(tools(), PLATFORM) },
        ),
        instance("keycloak", "postgres", "16.6", "db.t4g.medium", Traits { ..usual(tools(), TOOLING) }),
        Instance {
            storage: 1200,
            ..instance(
                "ledger",
                "postgres",
                "16.4",
                "db.r6g.2xlarge",
                Traits { database: Some("shop"), iam: false, pending_iam: Some(true), ..usual(prod(), PAYMENTS) },
            )
        },
        Instance {
            storage: 200,
            ..instance(
                "legacy-crm",
                "postgres",
                "13.18",
                "db.m5.large",
                Traits {
                    database: Some("shop"),
                    iam: false,
                    created: "2019-10-17T06:02:11.552Z",
                    ..usual(prod(), PLATFORM)
                },
            )
        },
        instance(
            "payments-uat",
            "postgres",
            "17.2",
            "db.t4g.medium",
            Traits { status: "modifying", ..usual(tools(), STAGING) },
        ),
        Instance {
            public: true,
            ..instance(
                "reports",
                "postgres",
                "17.5",
                "db.m7g.large",
                Traits { database: Some("shop"), authority: ECC, ..usual(office, PLATFORM) },
            )
        },
        instance("sonar", "postgres", "14.17", "db.t4g.medium", Traits { iam: false, ..usual(tools(), TOOLING) }),
        instance("stats", "mariadb", "10.11.9", "db.t4g.medium", mysql(tools(), TOOLING)),
        instance(
            "wiki",
            "mysql",
            "8.4.3",
            "db.t4g.small",
            Traits { database: Some("wiki"), ..mysql(tools(), TOOLING) },
        ),
    ]
}

fn bastions() -> Vec<Node> {
    vec![
        Node {
            region: REGION,
            id: "i-0b2f61a54d1c9e083",
            name: "bastion-a",
            agent: "3.3.987.0",
            silent_for: None,
            address: "10.20.11.37",
            vpc_id: PROD_VPC,
            subnet_id: "subnet-0c17e5a9b3d84f620",
            security_groups: vec![PROD_BASTION],
            tags: PLATFORM,
        },
        Node {
            region: REGION,
            id: "i-07d93e18b64f2ac50",
            name: "bastion-b",
            agent: "3.3.808.0",
            silent_for: None,
            address: "10.40.2.9",
            vpc_id: TOOLS_VPC,
            subnet_id: "subnet-09b62fd1a7e0c3548",
            security_groups: vec![TOOLS_BASTION],
            tags: TOOLING,
        },
        Node {
            region: REGION,
            id: "i-0e4a7c2915bd08f36",
            name: "bastion-old",
            agent: "3.1.1080.0",
            silent_for: Some(9 * 86_400 + 4_210),
            address: "10.40.2.31",
            vpc_id: TOOLS_VPC,
            subnet_id: "subnet-09b62fd1a7e0c3548",
            security_groups: vec![TOOLS_BASTION],
            tags: TOOLING,
        },
    ]
}
