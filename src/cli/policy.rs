//! `gatepost policy`: what has to be granted so that one person can log in with a token. It must not make the policy.

use super::{Failure, Terminal};
use crate::access::Access;
use crate::model::visible;
use std::io::{self, Write};

/// Print the least IAM policy and the SQL that let a user log in with a token
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifier, endpoint host, resource id or ARN
    pub name: String,
    /// Database user, exactly as the database spells it [default: the one used last, else the setting `user`]
    #[arg(long, short)]
    pub user: Option<String>,
    /// One JSON object: resource, document, sql, grants
    #[arg(long)]
    pub json: bool,
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, _terminal: &Terminal) -> Result<(), Failure> {
    let found = access.find(&args.name).await?;
    let user = super::user(access, &found.endpoint, args.user.as_deref())?;
    let policy = access.policy(&found.endpoint, &user);
    let mut stdout = io::stdout().lock();
    if args.json {
        // The document as it stands: a Value would sort its members by name, and AWS prints Version first.
        let document = policy.document.trim_end().replace('\n', "\n  ");
        let text = |text: &str| serde_json::Value::from(text);
        writeln!(stdout, "{{\n  \"resource\": {},", text(&policy.resource))?;
        writeln!(stdout, "  \"document\": {document},")?;
        writeln!(stdout, "  \"sql\": {},", text(&policy.sql))?;
        writeln!(stdout, "  \"grants\": {}\n}}", text(&policy.grants))?;
    } else {
        let (name, user) = (visible(&found.database.identifier), visible(&user));
        writeln!(stdout, "-- IAM policy, for the role or user that is to log in to {name} as {user}")?;
        writeln!(stdout, "{}\n", policy.document.trim_end())?;
        writeln!(stdout, "-- SQL, for a user of {name} who may create roles")?;
        writeln!(stdout, "{}\n", policy.sql.trim_end())?;
        writeln!(stdout, "-- What people ask for next")?;
        writeln!(stdout, "{}", policy.grants.trim_end())?;
    }
    stdout.flush()?;
    Ok(())
}
