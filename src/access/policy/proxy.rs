//! What an RDS Proxy needs to let a user in at the database behind it. The proxy's own login there is not the client's: whoever
//! came with a token goes on with a secret's password, or with a token of the proxy's role. Pure.
//!
//! RDS User Guide, "Connecting to a database using IAM authentication" and "Configuring IAM authentication for RDS Proxy"; API
//! reference, ModifyDBProxy.

use super::{Document, Statement, VERSION, identifier, pretty};
use crate::access::diagnose::aws::options;
use crate::access::handoff::quote;
use crate::model::{Endpoint, IamAuth, ProxyLogin, ProxyScheme, ProxySecret, ProxyTarget};
use serde::Serialize;

/// Stands for what only whoever makes the secret knows.
const PASSWORD: &str = "PASSWORD";
const SECRET_ARN: &str = "SECRET-ARN";

/// One entry of `--auth`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Auth<'a> {
    auth_scheme: &'static str,
    secret_arn: &'a str,
    #[serde(rename = "IAMAuth")]
    iam_auth: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_password_auth_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

/// What a proxy reads from a secret.
#[derive(Serialize)]
struct Credentials<'a> {
    username: &'a str,
    password: &'a str,
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings in structs have no way not to be JSON")
}

/// What it is, and the command or policy: in the order in which it is done.
pub(super) fn needs(endpoint: &Endpoint, login: &ProxyLogin, user: &str) -> Vec<(String, String)> {
    let Endpoint { owner, place, .. } = endpoint;
    let role = login.role.as_deref().unwrap_or("the proxy");
    let allow = |action: &str, resource: &str| {
        let statement = [Statement::allow(vec![action], vec![resource])];
        pretty(&Document { version: VERSION, statement })
    };
    if login.scheme == ProxyScheme::EndToEnd {
        let (resource_id, database) = match &login.target {
            Some(ProxyTarget { identifier, resource_id, iam, .. }) => (
                resource_id.clone(),
                match iam {
                    IamAuth::Enabled => format!("{identifier}, whose IAM authentication is on"),
                    _ => format!(
                        "{identifier}. IAM authentication has to be on there and is {}: gatepost enable-iam {}{}",
                        iam.name(),
                        quote::shell(identifier),
                        options(place)
                    ),
                },
            ),
            None => (
                "RESOURCE-ID".to_owned(),
                "the database. RESOURCE-ID is the database's (cluster-… or db-…, in `gatepost list`), and its IAM \
                 authentication has to be on"
                    .to_owned(),
            ),
        };
        let behind = Endpoint { resource_id, ..endpoint.clone() };
        let what = format!("IAM policy, for {role}, with which the proxy logs in to {database}");
        return vec![(what, allow("rds-db:connect", &behind.connect_arn(user)))];
    }
    let words = json(&Credentials { username: user, password: PASSWORD });
    let name = quote::shell(&format!("{}/{}", quote::label(owner), quote::label(user)));
    let options = options(place);
    vec![
        (
            format!("A secret, for the proxy to log in with to the database. secret.json is {words}"),
            format!("aws secretsmanager create-secret --name {name} --secret-string file://secret.json{options}"),
        ),
        (
            "The secret registered with the proxy, beside those it has: the list is set as a whole".to_owned(),
            set_secrets(endpoint, &[&login.secrets[..], &[another()]].concat()),
        ),
        (
            format!("IAM policy, for {role} (with kms:Decrypt too, where the secret has a key of its own)"),
            allow("secretsmanager:GetSecretValue", SECRET_ARN),
        ),
    ]
}

/// The command that has clients of every secret's user show a token. The database knows nothing of it.
pub(in crate::access) fn ask_for_tokens(endpoint: &Endpoint, login: &ProxyLogin) -> String {
    let mut secrets: Vec<ProxySecret> =
        login.secrets.iter().map(|secret| ProxySecret { iam: "REQUIRED".to_owned(), ..secret.clone() }).collect();
    if secrets.is_empty() {
        secrets.push(another());
    }
    set_secrets(endpoint, &secrets)
}

fn another() -> ProxySecret {
    ProxySecret { arn: SECRET_ARN.to_owned(), iam: "REQUIRED".to_owned(), client_password: None, description: None }
}

fn set_secrets(endpoint: &Endpoint, secrets: &[ProxySecret]) -> String {
    let list: Vec<Auth<'_>> = secrets
        .iter()
        .map(|secret| Auth {
            auth_scheme: "SECRETS",
            secret_arn: &secret.arn,
            iam_auth: &secret.iam,
            client_password_auth_type: secret.client_password.as_deref(),
            description: secret.description.as_deref(),
        })
        .collect();
    let list = json(&list);
    format!(
        "aws rds modify-db-proxy --db-proxy-name {} --auth {}{}",
        quote::shell(&endpoint.owner),
        quote::shell(&list),
        options(&endpoint.place)
    )
}

/// SQL for a user that a proxy logs in as with a secret's password.
pub(super) fn postgres_user(user: &str) -> String {
    format!(
        "-- The password of its secret, and no rds_iam: with that, the database would refuse the proxy's password.\n\
         CREATE USER {} PASSWORD '{PASSWORD}';",
        identifier(user)
    )
}

/// The same for MySQL.
pub(super) fn mysql_user(user: &str) -> String {
    format!(
        "-- The password of its secret, and not AWSAuthenticationPlugin: that would refuse the proxy's password.\n\
         CREATE USER {user} IDENTIFIED BY '{PASSWORD}';"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;

    fn login(scheme: ProxyScheme) -> ProxyLogin {
        let role = Some("arn:aws:iam::123456789012:role/rds-proxy-orders".to_owned());
        let secret = ProxySecret {
            arn: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-AbCdEf".to_owned(),
            iam: "DISABLED".to_owned(),
            client_password: Some("POSTGRES_SCRAM_SHA_256".to_owned()),
            description: None,
        };
        ProxyLogin { scheme, role, secrets: vec![secret], target: None, tags_untold: false }
    }

    #[test]
    fn registering_a_secret_keeps_those_that_are_there() {
        let needs = needs(&endpoint(), &login(ProxyScheme::Secrets), "o'neil");
        let text: Vec<&str> = needs.iter().map(|(_, text)| text.as_str()).collect();
        assert!(needs[0].0.contains(r#"{"username":"o'neil","password":"PASSWORD"}"#), "{}", needs[0].0);
        assert_eq!(
            text[0],
            "aws secretsmanager create-secret --name orders/o-neil --secret-string file://secret.json --region eu-west-1"
        );
        assert_eq!(
            text[1],
            "aws rds modify-db-proxy --db-proxy-name orders --auth \
             '[{\"AuthScheme\":\"SECRETS\",\"SecretArn\":\"arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-AbCdEf\",\
             \"IAMAuth\":\"DISABLED\",\"ClientPasswordAuthType\":\"POSTGRES_SCRAM_SHA_256\"},\
             {\"AuthScheme\":\"SECRETS\",\"SecretArn\":\"SECRET-ARN\",\"IAMAuth\":\"REQUIRED\"}]' --region eu-west-1"
        );
        assert!(needs[2].0.contains("role/rds-proxy-orders") && text[2].contains("secretsmanager:GetSecretValue"));
        let all = ask_for_tokens(&endpoint(), &login(ProxyScheme::Secrets));
        assert!(all.contains("app-AbCdEf\",\"IAMAuth\":\"REQUIRED\"") && !all.contains("DISABLED"), "{all}");
    }

    #[test]
    fn end_to_end_the_proxys_role_needs_what_a_user_would() {
        let needs = needs(&endpoint(), &login(ProxyScheme::EndToEnd), "oncall");
        let [(what, text)] = &needs[..] else { panic!("{needs:?}") };
        assert!(what.contains("for arn:aws:iam::123456789012:role/rds-proxy-orders"), "{what}");
        assert!(text.contains("\"arn:aws:rds-db:eu-west-1:123456789012:dbuser:RESOURCE-ID/oncall\""), "{text}");
        assert!(what.contains("RESOURCE-ID is the database's"), "{what}");

        let target = |iam| ProxyTarget {
            identifier: "orders-prod".to_owned(),
            resource_id: "cluster-1".to_owned(),
            iam,
            tags: Vec::new(),
        };
        let told = |iam| {
            let login = ProxyLogin { target: Some(target(iam)), ..login(ProxyScheme::EndToEnd) };
            super::needs(&endpoint(), &login, "oncall").remove(0)
        };
        let (what, text) = told(IamAuth::Enabled);
        assert!(text.contains(":dbuser:cluster-1/oncall\""), "{text}");
        assert!(what.ends_with("logs in to orders-prod, whose IAM authentication is on"), "{what}");
        let (what, _) = told(IamAuth::Disabled);
        assert!(what.ends_with("and is disabled: gatepost enable-iam orders-prod --region eu-west-1"), "{what}");
    }
}
