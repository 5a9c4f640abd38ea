//! The mapping from AWS's answers to rows, odd states too.

use super::*;
use crate::model::{DatabaseKind, Endpoint, EndpointRole, Engine, IamAuth, ProxyLogin, ProxyScheme, Settings};
use aws_sdk_rds::types::{
    ClusterPendingModifiedValues, DbClusterMember, Endpoint as RdsEndpoint, IamAuthMode, PendingModifiedValues,
    TargetType, UserAuthConfigInfo,
};

fn place() -> Place {
    Place { profile: Some("dev".to_owned()), region: "eu-west-1".to_owned() }
}

fn aurora() -> DbCluster {
    let member =
        |id: &str, writer| DbClusterMember::builder().db_instance_identifier(id).is_cluster_writer(writer).build();
    DbCluster::builder()
        .db_cluster_identifier("orders-prod")
        .db_cluster_resource_id("cluster-7Q")
        .db_cluster_arn("arn:aws-us-gov:rds:us-gov-west-1:123456789012:cluster:orders-prod")
        .engine("aurora-postgresql")
        .status("available")
        .endpoint("orders-prod.cluster-c9.rds.example.com")
        .reader_endpoint("orders-prod.cluster-ro-c9.rds.example.com")
        .custom_endpoints("orders-bi.cluster-custom-c9.rds.example.com")
        .port(5433)
        .db_subnet_group("private")
        .iam_database_authentication_enabled(true)
        .db_cluster_members(member("orders-prod-1", false))
        .db_cluster_members(member("orders-prod-2", true))
        .build()
}

fn instance(id: &str, cluster: Option<&str>) -> DbInstance {
    DbInstance::builder()
        .db_instance_identifier(id)
        .dbi_resource_id(format!("db-{id}"))
        .db_instance_arn(format!("arn:aws-us-gov:rds:us-gov-west-1:123456789012:db:{id}"))
        .engine("aurora-postgresql")
        .db_instance_status("available")
        .endpoint(RdsEndpoint::builder().address(format!("{id}.c9.rds.example.com")).port(5433).build())
        .set_db_cluster_identifier(cluster.map(str::to_owned))
        .publicly_accessible(id.ends_with('1'))
        .build()
}

#[test]
fn a_cluster_is_followed_by_its_members_writer_first() {
    let listed = Listed {
        clusters: vec![aurora()],
        instances: vec![
            instance("zeta", None),
            instance("orders-prod-1", Some("orders-prod")),
            instance("orders-prod-2", Some("orders-prod")),
            instance("alpha", None),
        ],
        subnet_groups: vec![DbSubnetGroup::builder().db_subnet_group_name("private").vpc_id("vpc-1").build()],
        ..Listed::default()
    };
    let rows = databases(&place(), &listed);
    let names: Vec<(&str, Role)> = rows.iter().map(|row| (row.identifier.as_str(), row.role)).collect();
    assert_eq!(
        names,
        [
            ("orders-prod", Role::Cluster),
            ("orders-prod-2", Role::Writer),
            ("orders-prod-1", Role::Reader),
            ("alpha", Role::Instance),
            ("zeta", Role::Instance)
        ]
    );
    let cluster = &rows[0];
    let endpoints: Vec<(EndpointRole, bool)> =
        cluster.endpoints.iter().map(|endpoint| (endpoint.role, endpoint.public)).collect();
    // The reader orders-prod-1 is public, the writer is not; the custom endpoint may lead to either.
    assert_eq!(endpoints, [(EndpointRole::Writer, false), (EndpointRole::Reader, true), (EndpointRole::Custom, true)]);
    assert_eq!(cluster.vpc_id.as_deref(), Some("vpc-1"));
    let member = &rows[1];
    assert_eq!(member.resource_id, "db-orders-prod-2");
    assert_eq!(member.cluster.as_deref(), Some("orders-prod"));
    assert_eq!(member.iam, IamAuth::Enabled, "as its cluster");
    assert_eq!(member.vpc_id.as_deref(), Some("vpc-1"));
    assert_eq!(
        member.endpoints[0].connect_arn("Jane"),
        "arn:aws-us-gov:rds-db:us-gov-west-1:123456789012:dbuser:cluster-7Q/Jane",
        "the cluster's id, not the member's"
    );
    assert_eq!(
        rows[3].endpoints[0].connect_arn("Jane"),
        "arn:aws-us-gov:rds-db:us-gov-west-1:123456789012:dbuser:db-alpha/Jane"
    );
}

#[test]
fn odd_states_are_complete_rows() {
    let listed = Listed {
        clusters: vec![
            DbCluster::builder()
                .db_cluster_identifier("creating")
                .engine("aurora-postgresql")
                .status("creating")
                .build(),
            DbCluster::builder().db_cluster_identifier("graph").engine("neptune").endpoint("graph.example.com").build(),
            DbCluster::builder()
                .db_cluster_identifier("papers")
                .engine("docdb")
                .endpoint("papers.example.com")
                .port(0)
                .build(),
            DbCluster::builder()
                .db_cluster_identifier("turning-off")
                .engine("aurora-mysql")
                .iam_database_authentication_enabled(true)
                .pending_modified_values(
                    ClusterPendingModifiedValues::builder().iam_database_authentication_enabled(false).build(),
                )
                .build(),
        ],
        instances: vec![
            DbInstance::builder()
                .db_instance_identifier("orphan")
                .engine("postgres")
                .db_cluster_identifier("deleted-cluster")
                .pending_modified_values(
                    PendingModifiedValues::builder().iam_database_authentication_enabled(true).build(),
                )
                .build(),
            DbInstance::builder().db_instance_identifier("empty").build(),
        ],
        ..Listed::default()
    };
    let rows = databases(&place(), &listed);
    let row = |name: &str| rows.iter().find(|row| row.identifier == name).expect("listed");
    assert_eq!(rows.len(), 6);
    assert!(row("creating").endpoints.is_empty());
    assert_eq!(row("graph").engine, Engine::Other("neptune".to_owned()));
    assert_eq!(row("graph").endpoints[0].port, 8182);
    assert_eq!(row("papers").endpoints[0].port, 27017);
    assert_eq!(row("turning-off").iam, IamAuth::Pending { to: false });
    assert_eq!(row("orphan").iam, IamAuth::Pending { to: true });
    assert_eq!(row("orphan").place, place(), "without an ARN, where it was asked");
    assert!(row("empty").endpoints.is_empty() && row("empty").vpc_id.is_none());
}

#[test]
fn an_express_cluster_is_reached_through_its_gateway() {
    let listed = Listed {
        clusters: vec![
            DbCluster::builder()
                .db_cluster_identifier("express")
                .engine("aurora-postgresql")
                .endpoint("express.example.com")
                .vpc_networking_enabled(false)
                .internet_access_gateway_enabled(true)
                .build(),
        ],
        ..Listed::default()
    };
    let rows = databases(&place(), &listed);
    assert!(rows[0].internet_gateway && rows[0].endpoints[0].internet_gateway && rows[0].endpoints[0].public);
    assert_eq!(rows[0].vpc_id, None);
}

#[test]
fn a_proxy_has_its_default_endpoint_first() {
    let proxy = DbProxy::builder()
        .db_proxy_name("orders-proxy")
        .db_proxy_arn("arn:aws:rds:eu-west-1:123456789012:db-proxy:prx-08f")
        .engine_family("POSTGRESQL")
        .endpoint("orders-proxy.proxy-c9.example.com")
        .vpc_id("vpc-1")
        .auth(UserAuthConfigInfo::builder().secret_arn("arn:secret").iam_auth(IamAuthMode::Required).build())
        .role_arn("arn:aws:iam::123456789012:role/rds-proxy")
        .build();
    let end_to_end = DbProxy::builder()
        .db_proxy_name("z-end-to-end")
        .db_proxy_arn("arn:aws:rds:eu-west-1:123456789012:db-proxy:prx-09a")
        .engine_family("POSTGRESQL")
        .endpoint("z.proxy-c9.example.com")
        .default_auth_scheme("IAM_AUTH")
        .build();
    let tags = vec![("environment".to_owned(), "production".to_owned())];
    let other = |name: &str, host: &str| {
        DbProxyEndpoint::builder().db_proxy_name("orders-proxy").db_proxy_endpoint_name(name).endpoint(host).build()
    };
    let listed = Listed {
        proxies: vec![proxy, end_to_end],
        proxy_endpoints: vec![
            other("ro", "ro.endpoint.proxy-c9.example.com"),
            other("default", "orders-proxy.proxy-c9.example.com"),
        ],
        tags: [("arn:aws:rds:eu-west-1:123456789012:db-proxy:prx-08f".to_owned(), tags.clone())].into(),
        ..Listed::default()
    };
    let rows = databases(&place(), &listed);
    let hosts: Vec<&str> = rows[0].endpoints.iter().map(|endpoint| endpoint.host.as_str()).collect();
    assert_eq!(hosts, ["orders-proxy.proxy-c9.example.com", "ro.endpoint.proxy-c9.example.com"]);
    assert_eq!(rows[0].resource_id, "prx-08f");
    assert!(rows[0].tags == tags && rows[0].endpoints.iter().all(|endpoint| endpoint.tags == tags));
    assert_eq!(rows[0].iam, IamAuth::Enabled);
    assert_eq!((rows[0].endpoints[0].port, &rows[0].engine), (5432, &Engine::Postgres));
    let login = rows[0].endpoints[1].proxy.as_ref().expect("a proxy's");
    assert_eq!((login.scheme, login.secrets[0].iam.as_str()), (ProxyScheme::Secrets, "REQUIRED"));
    assert_eq!(login.role.as_deref(), Some("arn:aws:iam::123456789012:role/rds-proxy"));
    assert_eq!(rows[1].iam, IamAuth::Enabled);
    assert_eq!(rows[1].endpoints[0].proxy.as_ref().map(|login| login.scheme), Some(ProxyScheme::EndToEnd));
}

#[test]
fn a_proxy_leads_to_the_cluster_of_its_targets_or_to_an_instance_without_one() {
    let named = |name: &str| DbProxy::builder().db_proxy_name(name).endpoint("p.example.com").build();
    let target = |kind, resource: &str, cluster: &str| {
        DbProxyTarget::builder().r#type(kind).rds_resource_id(resource).tracked_cluster_id(cluster).build()
    };
    let (cluster, instance) = (TargetType::TrackedCluster, TargetType::RdsInstance);
    let listed = Listed {
        clusters: vec![
            DbCluster::builder()
                .db_cluster_identifier("orders")
                .db_cluster_resource_id("cluster-1")
                .iam_database_authentication_enabled(true)
                .database_name("shop")
                .build(),
        ],
        instances: vec![
            DbInstance::builder()
                .db_instance_identifier("orders-1")
                .dbi_resource_id("db-1")
                .db_cluster_identifier("orders")
                .build(),
            DbInstance::builder().db_instance_identifier("crm").dbi_resource_id("db-2").build(),
        ],
        proxies: ["a", "b", "c", "d", "e"].map(named).to_vec(),
        proxy_targets: [
            (
                "a".to_owned(),
                vec![target(instance.clone(), "orders-1", "orders"), target(cluster.clone(), "orders", "")],
            ),
            ("b".to_owned(), vec![target(cluster, "orders", "")]),
            ("c".to_owned(), vec![target(instance.clone(), "crm", "")]),
            ("d".to_owned(), vec![target(instance, "elsewhere", "")]),
        ]
        .into(),
        ..Listed::default()
    };
    let rows = databases(&place(), &listed);
    let told = |name: &str| {
        let row = rows.iter().find(|row| row.identifier == name).expect("a row");
        let target = row.endpoints[0].proxy.as_ref().expect("a proxy's").target.as_ref()?;
        Some((target.identifier.as_str(), target.resource_id.as_str(), target.iam.accepts_tokens()))
    };
    assert_eq!(told("a"), Some(("orders", "cluster-1", true)));
    assert_eq!(told("b"), told("a"));
    let first = |name: &str| rows.iter().find(|row| row.identifier == name).expect("a row").endpoints[0].clone();
    assert_eq!(first("a").database_name.as_deref(), Some("shop"), "to begin with");
    assert_eq!(first("c").database_name, None);
    assert_eq!(told("c"), Some(("crm", "db-2", false)));
    assert_eq!((told("d"), told("e")), (None, None), "what is not listed is not told");

    let settings = Settings { production: vec!["orders".to_owned()], ..Settings::default() };
    let production: Vec<(&str, bool)> = rows
        .iter()
        .filter(|row| row.kind == DatabaseKind::Proxy)
        .map(|row| {
            let login = row.endpoints[0].proxy.clone().map(|login| ProxyLogin { tags_untold: false, ..login });
            (row.identifier.as_str(), settings.is_production_at(&Endpoint { proxy: login, ..row.endpoints[0].clone() }))
        })
        .collect();
    assert_eq!(production, [("a", true), ("b", true), ("c", false), ("d", false), ("e", false)], "by what is behind");
    assert!(settings.is_production_at(&rows[rows.len() - 1].endpoints[0]), "of untold tags the worst is taken");
}

#[test]
fn one_proxy_that_is_not_told_takes_nothing_from_the_others() {
    let gone = || Error {
        operation: TAGS,
        code: None,
        message: "it is gone".to_owned(),
        kind: crate::aws::Kind::NotFound,
        place: place(),
        attempts: 1,
        source: None,
    };
    let mut gaps = Vec::new();
    let tags = vec![("env".to_owned(), "prod".to_owned())];
    let known = told(vec![Err(gone()), Ok(("arn:b".to_owned(), tags.clone())), Err(gone())], &mut gaps);
    assert_eq!(known.get("arn:b"), Some(&tags));
    assert_eq!(gaps, ["rds:ListTagsForResource: it is gone"]);
    let proxy = |arn: &str| DbProxy::builder().db_proxy_name(arn).db_proxy_arn(arn).endpoint("p.example.com").build();
    let listed = Listed { proxies: vec![proxy("arn:a"), proxy("arn:b")], tags: known, ..Listed::default() };
    let untold: Vec<bool> = databases(&place(), &listed)
        .iter()
        .map(|row| row.endpoints[0].proxy.as_ref().expect("a proxy's").tags_untold)
        .collect();
    assert_eq!(untold, [true, false]);
}
