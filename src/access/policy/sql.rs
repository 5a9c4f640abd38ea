//! The SQL that makes a user and lets it do things, for PostgreSQL and MySQL. Pure; no name can break out of its quotes.

use super::{identifier, literal, proxy};
use crate::model::{Endpoint, PolicyWish, ProxyScheme};

/// Makes the user, so that it comes in as the endpoint has it: with tokens, or behind a proxy with a secret's password.
pub(super) fn user(endpoint: &Endpoint, user: &str) -> String {
    let by_password = endpoint.proxy.as_ref().is_some_and(|login| login.scheme == ProxyScheme::Secrets);
    match (endpoint.engine.is_postgres(), by_password) {
        (true, false) => postgres_user(user),
        (true, true) => proxy::postgres_user(user),
        (false, false) => mysql_user(user),
        (false, true) => proxy::mysql_user(&mysql_string(user)),
    }
}

/// What people ask for next: what for, and the SQL.
pub(super) fn grants(endpoint: &Endpoint, wish: &PolicyWish) -> Vec<(String, String)> {
    if endpoint.engine.is_postgres() { postgres_grants(endpoint, wish) } else { mysql_grants(endpoint, wish) }
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
