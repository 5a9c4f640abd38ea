//! `gatepost connect`: the console, straight to the prompt of one database. It must not know the console: it says what is
//! wanted, in plain words.

use super::login::{LoginArgs, Way};
use super::password;
use crate::model::{Auth, Diagnosis, Kind, RouteChoice, Secret, Wanted};

/// Open the console on one database's prompt
///
/// The same as the console's own way: what was used last with the database fills in what is not given here, and what is still
/// missing (a password, the target's name before production is written to) is asked for on the screen.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifier, endpoint host, resource id or ARN
    pub name: String,
    /// Database user, exactly as the database spells it [default: the one used last, else the setting `user`]
    #[arg(long, short)]
    pub user: Option<String>,
    /// Database [default: the one used last, else the one it was created with, else postgres]
    #[arg(long, short, env = "PGDATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Bastion by id or name, or `direct` [default: the one used last, else what fits best]
    #[arg(long, value_name = "BASTION")]
    pub via: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment on a flattened group would become help text")]
    pub login: LoginArgs,
    /// Let statements write
    #[arg(long)]
    pub write: bool,
}

impl Args {
    /// What is wanted.
    pub fn wanted(&self) -> Result<Wanted, Diagnosis> {
        let auth = self.login.way()?.map(|way| match way {
            Way::Iam => Ok(Auth::Iam),
            Way::Password => Ok(Auth::Password(password::of_environment().unwrap_or_else(|| Secret::new("")))),
            Way::Passfile => Ok(Auth::Passfile),
            Way::Command => Ok(Auth::Command),
            Way::Secret => Ok(Auth::SecretsManager(self.login.secret.clone())),
            Way::Kerberos => Err(Diagnosis::new(Kind::Usage, "Kerberos is not there yet")
                .advise("Log in with --auth iam, password, passfile, command or secret")),
        });
        Ok(Wanted {
            name: self.name.clone(),
            user: self.user.clone(),
            database: self.database.clone(),
            route: self.via.as_deref().map(RouteChoice::parse),
            auth: auth.transpose()?,
            write: self.write,
        })
    }
}
