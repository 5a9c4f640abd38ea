//! How to log in, from the command line: which way, and what is asked of the person for it. It must not know what is logged
//! in to, nor look into a secret.

use super::password;
use crate::access::Access;
use crate::model::{Auth, Diagnosis, Endpoint, Kind};

/// Flags of every verb that logs in.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct LoginArgs {
    /// How to log in [default: iam]
    #[arg(long, value_enum, value_name = "WAY")]
    pub auth: Option<Way>,
    /// Secret of AWS Secrets Manager to log in with, by ARN or name; means --auth secret
    #[arg(long, value_name = "ARN")]
    pub secret: Option<String>,
}

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// With an IAM token
    Iam,
    /// With a password: PGPASSWORD, else the passfile's, else asked for
    Password,
    /// With the passfile's password (PGPASSFILE, ~/.pgpass)
    Passfile,
    /// With what the setting password_command prints
    Command,
    /// With a secret of AWS Secrets Manager: --secret, else the settings', else the master user's
    Secret,
    /// With a Kerberos ticket (not there yet)
    Kerberos,
}

impl LoginArgs {
    /// The way that was named.
    pub fn way(&self) -> Result<Option<Way>, Diagnosis> {
        match (self.auth, &self.secret) {
            (None | Some(Way::Secret), Some(_)) => Ok(Some(Way::Secret)),
            (Some(_), Some(_)) => Err(Diagnosis::new(Kind::Usage, "--secret goes with --auth secret alone")
                .advise("Leave --auth out, or --secret")),
            (named, None) => Ok(named),
        }
    }

    /// The way, the user, and the password where one is asked for. The user is empty where the secret says whose it is.
    pub async fn settle(
        &self,
        access: &Access,
        endpoint: &Endpoint,
        user: Option<&str>,
        database: Option<&str>,
    ) -> Result<(String, Auth), Diagnosis> {
        let way = self.way()?.unwrap_or(Way::Iam);
        if way == Way::Secret {
            let user = user.unwrap_or_default().to_owned();
            return Ok((user, Auth::SecretsManager(self.secret.clone())));
        }
        let by_token = if way == Way::Iam { Auth::Iam } else { Auth::Passfile };
        let user = super::user(access, endpoint, user, &by_token)?;
        let auth = match way {
            Way::Iam => Auth::Iam,
            Way::Passfile => Auth::Passfile,
            Way::Command => Auth::Command,
            Way::Kerberos => Auth::Kerberos,
            Way::Password | Way::Secret => match password::of_environment() {
                Some(password) => Auth::Password(password),
                None if access.has_passfile_line(endpoint, database, &user).await => Auth::Passfile,
                None => Auth::Password(password::ask_for(&user, &endpoint.owner).await?),
            },
        };
        Ok((user, auth))
    }
}
