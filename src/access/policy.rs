//! The least policy, and the SQL that goes with it. Pure: words from an endpoint and a name.

use crate::model::{Endpoint, Policy};
use serde::Serialize;

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

/// What has to be granted so that `user` can log in to `endpoint` with a token.
pub(super) fn policy(endpoint: &Endpoint, user: &str) -> Policy {
    let resource = endpoint.connect_arn(user);
    let statement = [Statement::allow(vec!["rds-db:connect"], vec![&resource])];
    let document = pretty(&Document { version: "2012-10-17", statement });
    let (sql, grants) = if endpoint.engine.is_postgres() || !endpoint.engine.has_iam_auth() {
        (postgres_user(user), postgres_grants(endpoint, user))
    } else {
        (mysql_user(user), mysql_grants(endpoint, user))
    };
    Policy { document, resource, sql, grants }
}

/// One statement of an IAM policy, indented, for an advice.
pub(super) fn statement(actions: &[&str], resources: &[String]) -> String {
    pretty(&Statement::allow(actions.to_vec(), resources.iter().map(String::as_str).collect()))
}

fn pretty(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).expect("strings in structs have no way not to be JSON")
}

/// A PostgreSQL identifier, quoted (PostgreSQL, 4.1.1 Identifiers and Key Words).
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A PostgreSQL string constant (PostgreSQL, 4.1.2.1), for `standard_conforming_strings = on`.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn postgres_user(user: &str) -> String {
    let user = identifier(user);
    format!("CREATE USER {user};\nGRANT rds_iam TO {user};")
}

fn postgres_grants(endpoint: &Endpoint, user: &str) -> String {
    let user = identifier(user);
    let database = identifier(endpoint.database_name.as_deref().unwrap_or("postgres"));
    format!(
        "-- To come in:\n\
         GRANT CONNECT ON DATABASE {database} TO {user};\n\
         \n\
         -- One table, reading:\n\
         GRANT USAGE ON SCHEMA public TO {user};\n\
         GRANT SELECT ON TABLE public.\"table\" TO {user};\n\
         \n\
         -- One schema, reading, and what is made in it later by whoever runs this:\n\
         GRANT USAGE ON SCHEMA public TO {user};\n\
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user};\n\
         ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {user};\n\
         \n\
         -- One schema, reading and writing:\n\
         GRANT USAGE ON SCHEMA public TO {user};\n\
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user};\n\
         GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {user};\n\
         \n\
         -- Everything, reading or writing (PostgreSQL 14 and newer):\n\
         GRANT pg_read_all_data TO {user};\n\
         GRANT pg_write_all_data TO {user};\n\
         \n\
         -- Never writing, whatever is granted, unless the session says otherwise:\n\
         ALTER ROLE {user} SET default_transaction_read_only = on;"
    )
}

fn mysql_string(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn mysql_user(user: &str) -> String {
    let user = mysql_string(user);
    format!("CREATE USER {user} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';\nALTER USER {user}@'%' REQUIRE SSL;")
}

fn mysql_grants(endpoint: &Endpoint, user: &str) -> String {
    let user = mysql_string(user);
    let database = format!("`{}`", endpoint.database_name.as_deref().unwrap_or("database").replace('`', "``"));
    format!(
        "-- One database, reading:\n\
         GRANT SELECT ON {database}.* TO {user}@'%';\n\
         \n\
         -- One database, reading and writing:\n\
         GRANT SELECT, INSERT, UPDATE, DELETE ON {database}.* TO {user}@'%';"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;
    use crate::model::Engine;

    #[test]
    fn the_policy_names_one_user_of_one_database() {
        let endpoint = Endpoint { partition: "aws-cn".to_owned(), ..endpoint() };
        let policy = policy(&endpoint, "Jane");
        assert_eq!(policy.resource, "arn:aws-cn:rds-db:eu-west-1:123456789012:dbuser:cluster-7Q/Jane");
        let document: serde_json::Value = serde_json::from_str(&policy.document).expect("JSON");
        assert_eq!(document["Statement"][0]["Action"], "rds-db:connect");
        let place = |word: &str| policy.document.find(&format!("\"{word}\"")).expect("a member");
        assert!(["Version", "Statement", "Effect", "Action", "Resource"].map(place).is_sorted(), "{}", policy.document);
        assert_eq!(document["Statement"][0]["Resource"], policy.resource);
        assert_eq!(policy.sql, "CREATE USER \"Jane\";\nGRANT rds_iam TO \"Jane\";");
        assert!(policy.grants.contains("GRANT CONNECT ON DATABASE \"shop\" TO \"Jane\";"));
    }

    #[test]
    fn names_cannot_break_out_of_their_quotes() {
        let postgres = policy(&endpoint(), "a\"; DROP TABLE x; --");
        assert!(postgres.sql.starts_with("CREATE USER \"a\"\"; DROP TABLE x; --\";"), "{}", postgres.sql);
        let mysql = policy(&Endpoint { engine: Engine::Mysql, ..endpoint() }, "o'neil\\");
        assert!(
            mysql.sql.starts_with("CREATE USER 'o''neil\\\\' IDENTIFIED WITH AWSAuthenticationPlugin"),
            "{}",
            mysql.sql
        );
    }
}
