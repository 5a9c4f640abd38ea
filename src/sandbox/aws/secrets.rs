//! AWS Secrets Manager, GetSecretValue alone: the master users' secrets of the cast, and the application's. It must not
//! know where the passwords are kept.

use super::answer::Failure;
use super::rds::secret_arn;
use crate::sandbox::cast::cast;
use crate::sandbox::keys::ACCOUNT;
use crate::sandbox::secrets::{APPLICATION, APPLICATION_PASSWORD, Secrets};
use serde_json::{Value, json};

/// Answers `action` in `region`.
pub fn answer(action: &str, region: &str, body: &[u8], secrets: &Secrets) -> Result<String, Failure> {
    if action != "GetSecretValue" {
        return Err(Failure::new(400, "UnknownOperationException", format!("{action} is not an operation")));
    }
    let asked: Value =
        serde_json::from_slice(body).map_err(|error| Failure::new(400, "SerializationException", error.to_string()))?;
    let Some(id) = asked.get("SecretId").and_then(Value::as_str) else {
        return Err(Failure::new(
            400,
            "ValidationException",
            "1 validation error detected: Value at 'secretId' failed to satisfy constraint: Member must not be null",
        ));
    };
    let stage = asked.get("VersionStage").and_then(Value::as_str).unwrap_or("AWSCURRENT");
    let missing = || {
        let message = format!("Secrets Manager can't find the specified secret value for staging label: {stage}");
        Failure::new(400, "ResourceNotFoundException", message)
    };
    if stage != "AWSCURRENT" {
        return Err(missing());
    }
    let (arn, version, text) = if is(id, &application_arn(region)) {
        let content = json!({
            "engine": "postgres", "username": "app", "password": APPLICATION_PASSWORD, "dbname": "shop", "port": 5432,
        });
        (application_arn(region), "5a1c3f0e-2f57-4c3e-9a84-0d6b9a6f2b11".to_owned(), content)
    } else if let Some(arn) = masters(region).into_iter().find(|arn| is(id, arn)) {
        let (version, password) = secrets.master();
        (arn, version, json!({ "username": "postgres", "password": password }))
    } else {
        return Err(Failure::new(400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret."));
    };
    let name = name_of(&arn).to_owned();
    let answer = json!({
        "ARN": arn,
        "CreatedDate": 1_741_684_462.31,
        "Name": name,
        "SecretString": text.to_string(),
        "VersionId": version,
        "VersionStages": ["AWSCURRENT"],
    });
    Ok(answer.to_string())
}

/// What is denied, as AWS names it.
pub fn resource(region: &str, body: &[u8]) -> String {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let id = asked.get("SecretId").and_then(Value::as_str).unwrap_or("*");
    if id.starts_with("arn:") {
        id.to_owned()
    } else {
        format!("arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{id}")
    }
}

fn masters(region: &str) -> Vec<String> {
    let clusters = cast().clusters.iter().map(|cluster| (cluster.region, &cluster.traits, cluster.resource_id()));
    let instances = cast().instances.iter().map(|one| (one.region, &one.traits, one.resource_id()));
    clusters
        .chain(instances)
        .filter(|(its, traits, _)| *its == region && traits.managed_secret)
        .map(|(_, _, id)| secret_arn(region, &id))
        .collect()
}

fn application_arn(region: &str) -> String {
    format!("arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{APPLICATION}-k3Jx9Q")
}

/// The name in an ARN: AWS appends six characters to it.
fn name_of(arn: &str) -> &str {
    let name = arn.rsplit(':').next().unwrap_or_default();
    name.rsplit_once('-').map_or(name, |(name, _)| name)
}

fn is(id: &str, arn: &str) -> bool {
    id == arn || id == name_of(arn)
}
