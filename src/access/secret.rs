//! Which secret of AWS Secrets Manager a login is with, and what is in it. It must not keep any of it.

use super::Access;
use super::diagnose::aws;
use super::kept::MasterSecret;
use super::policy::statement;
use crate::aws::Kind as Refused;
use crate::model::{Act, Diagnosis, Endpoint, Kind, Secret, visible};
use serde::Deserialize;

/// What a secret says.
pub(super) struct Found {
    /// Its ARN or name.
    pub(super) id: String,
    /// The same, for words.
    pub(super) name: String,
    /// Tells one version from another.
    pub(super) version: String,
    /// Whose password it is.
    pub(super) user: Option<String>,
    /// The password.
    pub(super) password: Secret,
}

/// As RDS writes it, and as its rotation functions expect it (Secrets Manager, "JSON structure of secrets").
#[derive(Deserialize)]
struct Content {
    username: Option<String>,
    password: Option<String>,
}

/// Fetches it: the one named, else the settings' for the target, else the master user's. Which one that is may be `known`
/// from before; where it is not there any more it is looked up again.
pub(super) async fn fetch(
    access: &Access,
    endpoint: &Endpoint,
    named: Option<&str>,
    known: Option<&MasterSecret>,
) -> Result<Found, Diagnosis> {
    if let Some(name) = named.or_else(|| access.settings().password_secret_for(&endpoint.owner)) {
        return read(access, endpoint, name.to_owned()).await;
    }
    let Some(known) = known else { return read(access, endpoint, of_master(access, endpoint).await?).await };
    let arn = known.arn(of_master(access, endpoint)).await?;
    match read(access, endpoint, arn.clone()).await {
        Err(diagnosis) if diagnosis.kind == Kind::NotFound && known.forget(&arn).await => {
            read(access, endpoint, known.arn(of_master(access, endpoint)).await?).await
        }
        answer => answer,
    }
}

async fn read(access: &Access, endpoint: &Endpoint, name: String) -> Result<Found, Diagnosis> {
    let shown = visible(&name).into_owned();
    let value = access.cloud().secret(&endpoint.place, &name).await.map_err(|error| {
        let mut diagnosis = aws::of(&error);
        match &error.kind {
            Refused::AccessDenied { .. } => {
                diagnosis.title = format!("You may not read the secret {shown}");
                diagnosis.advice.clear();
                let resource = if name.starts_with("arn:") {
                    name.clone()
                } else {
                    let (partition, account) = (&endpoint.partition, &endpoint.account);
                    // Six characters that AWS chose follow the name.
                    format!("arn:{partition}:secretsmanager:{}:{account}:secret:{name}-??????", endpoint.place.region)
                };
                aws::granted(diagnosis, &error.message, "secretsmanager:GetSecretValue", &[resource]).advise_paste(
                    "Where the secret is encrypted with a key of its own, this one too, for that key",
                    statement(
                        &["kms:Decrypt"],
                        &[format!(
                            "arn:{}:kms:{}:{}:key/KEY-ID",
                            endpoint.partition, error.place.region, endpoint.account
                        )],
                    ),
                )
            }
            Refused::NotFound => {
                diagnosis.title = format!("There is no secret {shown} in {}", error.place);
                diagnosis.kind = Kind::NotFound;
                diagnosis.advise("Name it by its ARN, or see whether it is in another account")
            }
            _ => diagnosis,
        }
    })?;
    // What does not parse may be a password all the same: none of it is told.
    let Ok(Content { username, password: Some(password) }) = serde_json::from_str::<Content>(value.text.reveal())
    else {
        return Err(Diagnosis::new(Kind::Usage, format!("The secret {shown} holds no database password"))
            .because("expected JSON such as {\"username\": \"…\", \"password\": \"…\"}"));
    };
    let user = username.filter(|user| !user.is_empty());
    Ok(Found { id: name, name: shown, version: value.version, user, password: Secret::new(password) })
}

/// The secret in which RDS keeps the master user's password. A member's is its cluster's.
async fn of_master(access: &Access, endpoint: &Endpoint) -> Result<String, Diagnosis> {
    let inventory = access.cloud().inventory(&endpoint.place).await.map_err(|error| aws::of(&error))?;
    let owner = inventory.databases.iter().find(|database| database.identifier == endpoint.owner);
    let cluster = owner
        .and_then(|owner| owner.cluster.as_deref())
        .and_then(|cluster| inventory.databases.iter().find(|database| database.identifier == cluster));
    let secret = [owner, cluster].into_iter().flatten().find_map(|database| database.master_secret.clone());
    secret.ok_or_else(|| {
        Diagnosis::new(Kind::Usage, format!("No secret is known for {}", endpoint.owner))
            .because("RDS does not keep its master password in Secrets Manager, and no setting names another secret")
            .advise_paste("Name one, or one for this database as password_secrets in the settings file", "--secret ARN")
            .by(Act::NameSecret)
    })
}
