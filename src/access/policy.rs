//! Policies from the least to the widest, the trust of a role, and the SQL that goes with them. Pure: words from an endpoint
//! and names. Every ARN has the partition that the database was listed in.

use super::handoff::quote;
pub(super) use crate::model::completion::{literal, quoted as identifier};
use crate::model::{Endpoint, Policy, PolicyWish, Scope, Scoped, Trust};
use serde::Serialize;

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
pub(super) fn policy(endpoint: &Endpoint, wish: &PolicyWish) -> Policy {
    let scopes = Scope::ALL.map(|scope| scoped(endpoint, &wish.user, scope)).to_vec();
    let (sql, grants) = if endpoint.engine.is_postgres() || !endpoint.engine.has_iam_auth() {
        (postgres_user(&wish.user), postgres_grants(endpoint, wish))
    } else {
        (mysql_user(&wish.user), mysql_grants(endpoint, wish))
    };
    Policy { scopes, trust: trust(endpoint, wish), sql, grants }
}

fn scoped(endpoint: &Endpoint, user: &str, scope: Scope) -> Scoped {
    let Endpoint { partition, account, owner, resource_id, place, .. } = endpoint;
    let region = &place.region;
    let all = format!("arn:{partition}:rds-db:{region}:{account}:dbuser:");
    let everywhere = format!("every database in {region} of account {account} that has IAM authentication on");
    let powerful = "any role that has rds_iam, those that may do everything among them";
    let (resource, meaning) = match scope {
        Scope::User => {
            (endpoint.connect_arn(user), format!("Whoever has it may log in to {owner} as {user}, and nothing else."))
        }
        Scope::UserEverywhere => (
            format!("{all}*/{user}"),
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

fn trust(endpoint: &Endpoint, wish: &PolicyWish) -> Trust {
    let Endpoint { partition, account, owner, place, .. } = endpoint;
    let name = wish.role.clone().unwrap_or_else(|| format!("db-{}", quote::label(owner)));
    let role = format!("arn:{partition}:iam::{account}:role/{name}");
    let trusted = wish.trusted.clone().unwrap_or_else(|| account.clone());
    let is_account = trusted.len() == 12 && trusted.bytes().all(|byte| byte.is_ascii_digit());
    let principal = if is_account { format!("arn:{partition}:iam::{trusted}:root") } else { trusted.clone() };
    let who = match is_account {
        true => format!("whoever account {trusted} lets do sts:AssumeRole on it"),
        false => format!("{trusted} alone"),
    };
    let principal = Principal { aws: &principal };
    let statement = [TrustStatement { effect: "Allow", principal, action: "sts:AssumeRole" }];
    let document = pretty(&TrustDocument { version: VERSION, statement });
    let statement = [Statement::allow(vec!["sts:AssumeRole"], vec![&role])];
    Trust {
        meaning: format!("The role {name} carries the policy above, and may be assumed by {who}."),
        document,
        assume: pretty(&Document { version: VERSION, statement }),
        profile: format!("[profile {name}]\nrole_arn = {role}\nsource_profile = default\nregion = {}", place.region),
    }
}

/// One statement of an IAM policy, indented, for an advice.
pub(super) fn statement(actions: &[&str], resources: &[String]) -> String {
    pretty(&Statement::allow(actions.to_vec(), resources.iter().map(String::as_str).collect()))
}

fn pretty(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).expect("strings in structs have no way not to be JSON")
}

fn postgres_user(user: &str) -> String {
    let user = identifier(user);
    format!("CREATE USER {user};\nGRANT rds_iam TO {user};")
}

fn postgres_grants(endpoint: &Endpoint, wish: &PolicyWish) -> Vec<(String, String)> {
    let user = identifier(&wish.user);
    let database = identifier(endpoint.database_name.as_deref().unwrap_or("postgres"));
    let schema = identifier(wish.schema.as_deref().unwrap_or("public"));
    let table = identifier(wish.table.as_deref().unwrap_or("table"));
    let usage = format!("GRANT USAGE ON SCHEMA {schema} TO {user};");
    let grants = [
        ("To come in", format!("GRANT CONNECT ON DATABASE {database} TO {user};")),
        ("One table, reading", format!("{usage}\nGRANT SELECT ON TABLE {schema}.{table} TO {user};")),
        (
            "One table, reading and writing",
            format!("{usage}\nGRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {schema}.{table} TO {user};"),
        ),
        (
            "One schema, reading, and what is made in it later by whoever runs this",
            format!(
                "{usage}\nGRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {user};\n\
                 ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {user};"
            ),
        ),
        (
            "One schema, reading and writing",
            format!(
                "{usage}\nGRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user};\n\
                 GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {user};"
            ),
        ),
        ("All tables of all schemas, reading (PostgreSQL 14 and newer)", format!("GRANT pg_read_all_data TO {user};")),
        (
            "All tables of all schemas, reading and writing (PostgreSQL 14 and newer)",
            format!("GRANT pg_read_all_data, pg_write_all_data TO {user};"),
        ),
        ("All tables of all schemas, reading (before PostgreSQL 14; those there are now)", every_schema(&wish.user)),
        ("To look into what others run (monitoring)", format!("GRANT pg_monitor TO {user};")),
        (
            "Read-only, whatever is granted, until the session says otherwise",
            format!("ALTER ROLE {user} SET default_transaction_read_only = on;"),
        ),
    ];
    grants.map(|(what, sql)| (what.to_owned(), sql)).to_vec()
}

/// USAGE and SELECT on what every schema has now, for versions without pg_read_all_data.
fn every_schema(user: &str) -> String {
    // A dollar quote that the name cannot end.
    let tag = (0..).map(|n| format!("$grant{n}$")).find(|tag| !user.contains(tag.as_str())).unwrap_or_default();
    let user = literal(user);
    format!(
        "DO {tag}\nDECLARE s text;\nBEGIN\n  FOR s IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> \
         'information_schema' LOOP\n    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', s, {user});\n    EXECUTE \
         format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', s, {user});\n  END LOOP;\nEND {tag};"
    )
}

fn mysql_string(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn mysql_user(user: &str) -> String {
    let user = mysql_string(user);
    format!("CREATE USER {user} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';\nALTER USER {user}@'%' REQUIRE SSL;")
}

fn mysql_grants(endpoint: &Endpoint, wish: &PolicyWish) -> Vec<(String, String)> {
    let user = mysql_string(&wish.user);
    let name = |text: &str| format!("`{}`", text.replace('`', "``"));
    // MySQL's schemas are its databases.
    let database = name(wish.schema.as_deref().or(endpoint.database_name.as_deref()).unwrap_or("database"));
    let table = name(wish.table.as_deref().unwrap_or("table"));
    let grants = [
        ("One table, reading", format!("GRANT SELECT ON {database}.{table} TO {user}@'%';")),
        ("One database, reading", format!("GRANT SELECT ON {database}.* TO {user}@'%';")),
        (
            "One database, reading and writing",
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO {user}@'%';"),
        ),
        ("All databases, reading", format!("GRANT SELECT ON *.* TO {user}@'%';")),
    ];
    grants.map(|(what, sql)| (what.to_owned(), sql)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;
    use crate::model::Engine;

    fn wish(user: &str) -> PolicyWish {
        PolicyWish { user: user.to_owned(), ..PolicyWish::default() }
    }

    #[test]
    fn the_policy_names_one_user_of_one_database() {
        let endpoint = Endpoint { partition: "aws-cn".to_owned(), ..endpoint() };
        let policy = policy(&endpoint, &wish("Jane"));
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
            let policy = policy(&endpoint, &wish("oncall"));
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
        let trust = policy(&endpoint(), &told).trust;
        let document: serde_json::Value = serde_json::from_str(&trust.document).expect("JSON");
        assert_eq!(document["Statement"][0]["Principal"]["AWS"], arn);
        assert_eq!(document["Statement"][0]["Action"], "sts:AssumeRole");
        assert!(trust.assume.contains("arn:aws:iam::123456789012:role/r") && trust.meaning.contains(arn));
        let other = PolicyWish { trusted: Some("210987654321".to_owned()), ..wish("u") };
        assert!(policy(&endpoint(), &other).trust.document.contains("arn:aws:iam::210987654321:root"));
    }

    #[test]
    fn names_cannot_break_out_of_their_quotes() {
        let odd = PolicyWish {
            schema: Some("s\"x".to_owned()),
            table: Some("t\"; --".to_owned()),
            ..wish("a\"; DROP TABLE x; --")
        };
        let postgres = policy(&endpoint(), &odd);
        assert!(postgres.sql.starts_with("CREATE USER \"a\"\"; DROP TABLE x; --\";"), "{}", postgres.sql);
        assert!(postgres.grants_script().contains("GRANT SELECT ON TABLE \"s\"\"x\".\"t\"\"; --\" TO"));
        let mysql = policy(&Endpoint { engine: Engine::Mysql, ..endpoint() }, &wish("o'neil\\"));
        assert!(
            mysql.sql.starts_with("CREATE USER 'o''neil\\\\' IDENTIFIED WITH AWSAuthenticationPlugin"),
            "{}",
            mysql.sql
        );
    }
}
