//! Policies from the least to the widest, the trust of a role, and the SQL that goes with them. Pure: words from an endpoint
//! and names. Every ARN has the partition that the database was listed in.

mod proxy;
mod sql;
mod trusted;

use super::diagnose::database::no_iam;
use super::handoff::quote;
pub(super) use crate::model::completion::{literal, quoted as identifier};
use crate::model::{Diagnosis, Endpoint, Policy, PolicyWish, ProxyScheme, Scope, Scoped, Trust, in_policy};
pub(super) use proxy::ask_for_tokens;
use serde::Serialize;
use trusted::Trusted;

/// The version of the policy language that is current.
const VERSION: &str = "2012-10-17";

/// A policy document, its members in the order in which AWS prints them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    version: &'static str,
    statement: [Statement<'a>; 1],
}

/// One statement of it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    effect: &'static str,
    action: OneOrMore<'a>,
    resource: OneOrMore<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OneOrMore<'a> {
    One(&'a str),
    More(Vec<&'a str>),
}

impl<'a> OneOrMore<'a> {
    fn of(list: Vec<&'a str>) -> OneOrMore<'a> {
        match list[..] {
            [only] => OneOrMore::One(only),
            _ => OneOrMore::More(list),
        }
    }
}

impl<'a> Statement<'a> {
    fn allow(actions: Vec<&'a str>, resources: Vec<&'a str>) -> Statement<'a> {
        Statement { effect: "Allow", action: OneOrMore::of(actions), resource: OneOrMore::of(resources) }
    }
}

/// What has to be granted for `wish` on `endpoint`.
///
/// # Errors
///
/// An engine without IAM authentication; a principal that no role can trust; a name that no role can have.
pub(super) fn policy(endpoint: &Endpoint, wish: &PolicyWish) -> Result<Policy, Diagnosis> {
    if let Some(refused) = no_iam(&endpoint.owner, &endpoint.engine) {
        return Err(refused);
    }
    let scopes = Scope::ALL.map(|scope| scoped(endpoint, &wish.user, scope)).to_vec();
    let proxy = endpoint.proxy.as_ref().map(|login| proxy::needs(endpoint, login, &wish.user)).unwrap_or_default();
    let (sql, grants) = (sql::user(endpoint, &wish.user), sql::grants(endpoint, wish));
    Ok(Policy { scopes, trust: trust(endpoint, wish)?, sql, proxy, grants })
}

fn scoped(endpoint: &Endpoint, user: &str, scope: Scope) -> Scoped {
    let Endpoint { partition, account, owner, resource_id, place, .. } = endpoint;
    let region = &place.region;
    let all = format!("arn:{partition}:rds-db:{region}:{account}:dbuser:");
    let everywhere = format!("every database in {region} of account {account} that has IAM authentication on");
    let powerful = match endpoint.proxy.as_ref().map(|login| login.scheme) {
        Some(ProxyScheme::Secrets) if scope == Scope::Database => "any role that the proxy has a secret of",
        _ => "any role that has rds_iam, those that may do everything among them",
    };
    let (resource, meaning) = match scope {
        Scope::User => {
            (endpoint.connect_arn(user), format!("Whoever has it may log in to {owner} as {user}, and nothing else."))
        }
        Scope::UserEverywhere => (
            format!("{all}*/{}", in_policy(user)),
            format!("Whoever has it may log in as {user} to {everywhere}, new ones too, wherever that role is."),
        ),
        Scope::Database => (
            format!("{all}{resource_id}/*"),
            format!("Whoever has it may log in to {owner} as {powerful}: the database cannot tell who is who."),
        ),
        Scope::Everything => (
            format!("{all}*/*"),
            format!(
                "Whoever has it may log in to {everywhere}, new ones too, as {powerful}. For administrators alone."
            ),
        ),
    };
    let statement = [Statement::allow(vec!["rds-db:connect"], vec![&resource])];
    let document = pretty(&Document { version: VERSION, statement });
    Scoped { scope, meaning, document, resource }
}

/// A policy that says who may assume a role.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TrustDocument<'a> {
    version: &'static str,
    statement: [TrustStatement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TrustStatement<'a> {
    effect: &'static str,
    principal: Principal<'a>,
    action: &'static str,
}

#[derive(Serialize)]
struct Principal<'a> {
    #[serde(rename = "AWS")]
    aws: &'a str,
}

fn trust(endpoint: &Endpoint, wish: &PolicyWish) -> Result<Trust, Diagnosis> {
    let Endpoint { partition, account, owner, place, .. } = endpoint;
    let name = match &wish.role {
        Some(name) => name.clone(),
        None => trusted::shortened(format!("db-{}", quote::label(owner))),
    };
    trusted::role_name(&name)?;
    let role = format!("arn:{partition}:iam::{account}:role/{name}");
    let trusted = match &wish.trusted {
        Some(text) => Trusted::parse(text, endpoint)?,
        None => Trusted::Account(account.clone()),
    };
    let (principal, who) = match trusted {
        Trusted::Account(account) => (
            format!("arn:{partition}:iam::{account}:root"),
            format!("whoever account {account} lets do sts:AssumeRole on it"),
        ),
        Trusted::One(arn) => (arn.clone(), format!("{arn} alone")),
    };
    let principal = Principal { aws: &principal };
    let statement = [TrustStatement { effect: "Allow", principal, action: "sts:AssumeRole" }];
    let document = pretty(&TrustDocument { version: VERSION, statement });
    let statement = [Statement::allow(vec!["sts:AssumeRole"], vec![&role])];
    Ok(Trust {
        meaning: format!("The role {name} carries the policy above, and may be assumed by {who}."),
        document,
        assume: pretty(&Document { version: VERSION, statement }),
        profile: format!("[profile {name}]\nrole_arn = {role}\nsource_profile = default\nregion = {}", place.region),
    })
}

/// One statement of an IAM policy, indented, for an advice.
pub(super) fn statement(actions: &[&str], resources: &[String]) -> String {
    pretty(&Statement::allow(actions.to_vec(), resources.iter().map(String::as_str).collect()))
}

fn pretty(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).expect("strings in structs have no way not to be JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;
    use crate::model::{Engine, Kind, ProxyLogin};

    fn wish(user: &str) -> PolicyWish {
        PolicyWish { user: user.to_owned(), ..PolicyWish::default() }
    }

    #[test]
    fn the_policy_names_one_user_of_one_database() {
        let endpoint = Endpoint { partition: "aws-cn".to_owned(), ..endpoint() };
        let policy = policy(&endpoint, &wish("Jane")).expect("a policy");
        let least = policy.of(Scope::User);
        assert_eq!(least.resource, "arn:aws-cn:rds-db:eu-west-1:123456789012:dbuser:cluster-7Q/Jane");
        let document: serde_json::Value = serde_json::from_str(&least.document).expect("JSON");
        assert_eq!(document["Statement"][0]["Action"], "rds-db:connect");
        let place = |word: &str| least.document.find(&format!("\"{word}\"")).expect("a member");
        assert!(["Version", "Statement", "Effect", "Action", "Resource"].map(place).is_sorted(), "{}", least.document);
        assert_eq!(document["Statement"][0]["Resource"], least.resource);
        assert_eq!(policy.sql, "CREATE USER \"Jane\";\nGRANT rds_iam TO \"Jane\";");
        assert!(policy.grants_script().contains("GRANT CONNECT ON DATABASE \"shop\" TO \"Jane\";"));
    }

    #[test]
    fn a_name_with_letters_of_policies_is_that_name_alone() {
        let policy = policy(&endpoint(), &wish("a*$?")).expect("a policy");
        let resource = |scope| policy.of(scope).resource.clone();
        let name = "a${*}${$}${?}";
        assert!(resource(Scope::User).ends_with(&format!("cluster-7Q/{name}")), "{}", resource(Scope::User));
        assert!(resource(Scope::UserEverywhere).ends_with(&format!("dbuser:*/{name}")));
        assert!(endpoint().connect_resource("a*$?").ends_with("cluster-7Q/a*$?"), "a request names it as it is");
    }

    #[test]
    fn wider_scopes_say_what_they_mean_in_every_partition() {
        for (partition, region) in [
            ("aws", "eu-west-1"),
            ("aws-cn", "cn-north-1"),
            ("aws-us-gov", "us-gov-west-1"),
            ("aws-iso", "us-iso-east-1"),
            ("aws-iso-b", "us-isob-east-1"),
            ("aws-iso-e", "eu-isoe-west-1"),
            ("aws-iso-f", "us-isof-south-1"),
            ("aws-eusc", "eusc-de-east-1"),
        ] {
            let mut endpoint = Endpoint { partition: partition.to_owned(), ..endpoint() };
            endpoint.place.region = region.to_owned();
            let policy = policy(&endpoint, &wish("oncall")).expect("a policy");
            let start = format!("arn:{partition}:rds-db:{region}:123456789012:dbuser:");
            for (scope, rest, says) in [
                (Scope::User, "cluster-7Q/oncall", "as oncall, and nothing else"),
                (Scope::UserEverywhere, "*/oncall", "every database in"),
                (Scope::Database, "cluster-7Q/*", "any role that has rds_iam"),
                (Scope::Everything, "*/*", "administrators alone"),
            ] {
                let scoped = policy.of(scope);
                assert_eq!(scoped.resource, format!("{start}{rest}"));
                assert!(scoped.meaning.contains(says), "{}", scoped.meaning);
                assert!(scoped.document.contains(&scoped.resource));
            }
            assert!(policy.trust.document.contains(&format!("\"arn:{partition}:iam::123456789012:root\"")));
            assert!(policy.trust.profile.contains(&format!("role_arn = arn:{partition}:iam::123456789012:role/db-")));
            assert!(policy.trust.profile.ends_with(&format!("region = {region}")));
        }
    }

    #[test]
    fn a_role_trusts_whom_it_is_told_to() {
        let arn = "arn:aws:iam::210987654321:role/people";
        let told = PolicyWish { trusted: Some(arn.to_owned()), role: Some("r".to_owned()), ..wish("u") };
        let trust = policy(&endpoint(), &told).expect("a policy").trust;
        let document: serde_json::Value = serde_json::from_str(&trust.document).expect("JSON");
        assert_eq!(document["Statement"][0]["Principal"]["AWS"], arn);
        assert_eq!(document["Statement"][0]["Action"], "sts:AssumeRole");
        assert!(trust.assume.contains("arn:aws:iam::123456789012:role/r") && trust.meaning.contains(arn));
        let other = PolicyWish { trusted: Some("210987654321".to_owned()), ..wish("u") };
        let trust = policy(&endpoint(), &other).expect("a policy").trust;
        assert!(trust.document.contains("arn:aws:iam::210987654321:root"));
        for wrong in [
            PolicyWish { trusted: Some("*".to_owned()), ..wish("u") },
            PolicyWish { role: Some("my role".to_owned()), ..wish("u") },
        ] {
            assert_eq!(policy(&endpoint(), &wrong).expect_err("refused").kind, Kind::Usage);
        }
    }

    #[test]
    fn names_cannot_break_out_of_their_quotes() {
        let odd = PolicyWish {
            schema: Some("s\"x".to_owned()),
            table: Some("t\"; --".to_owned()),
            ..wish("a\"; DROP TABLE x; --")
        };
        let postgres = policy(&endpoint(), &odd).expect("a policy");
        assert!(postgres.sql.starts_with("CREATE USER \"a\"\"; DROP TABLE x; --\";"), "{}", postgres.sql);
        assert!(postgres.grants_script().contains("GRANT SELECT ON TABLE \"s\"\"x\".\"t\"\"; --\" TO"));
        let mysql = policy(&Endpoint { engine: Engine::Mysql, ..endpoint() }, &wish("o'neil\\")).expect("a policy");
        assert!(
            mysql.sql.starts_with("CREATE USER 'o''neil\\\\' IDENTIFIED WITH AWSAuthenticationPlugin"),
            "{}",
            mysql.sql
        );
    }

    #[test]
    fn engines_without_iam_authentication_have_no_policy() {
        for engine in ["oracle-ee", "docdb", "neptune"] {
            let refused =
                policy(&Endpoint { engine: Engine::parse(engine), ..endpoint() }, &wish("u")).expect_err(engine);
            assert_eq!(refused.kind, Kind::Usage);
            assert!(refused.title.contains(engine), "{refused}");
        }
    }

    #[test]
    fn a_users_sql_is_for_how_the_proxy_logs_in() {
        let of = |scheme, engine: &str| {
            let proxy = Some(ProxyLogin { scheme, role: None, secrets: Vec::new(), target: None, tags_untold: false });
            let endpoint = Endpoint { proxy, engine: Engine::parse(engine), ..endpoint() };
            policy(&endpoint, &wish("oncall")).expect("a policy")
        };
        let secrets = of(ProxyScheme::Secrets, "postgresql");
        assert!(secrets.sql.ends_with("CREATE USER \"oncall\" PASSWORD 'PASSWORD';"), "{}", secrets.sql);
        assert!(!secrets.sql.contains("GRANT rds_iam") && secrets.proxy.len() == 3, "{secrets:?}");
        assert!(secrets.of(Scope::Database).meaning.contains("any role that the proxy has a secret of"));
        let end_to_end = of(ProxyScheme::EndToEnd, "postgresql");
        assert!(
            end_to_end.sql.contains("GRANT rds_iam TO \"oncall\";") && end_to_end.proxy.len() == 1,
            "{end_to_end:?}"
        );
        let mysql = of(ProxyScheme::Secrets, "mysql");
        assert!(mysql.sql.ends_with("CREATE USER 'oncall' IDENTIFIED BY 'PASSWORD';"), "{}", mysql.sql);
    }
}
