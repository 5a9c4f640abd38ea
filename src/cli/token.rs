//! `gatepost token`: an IAM database authentication token, alone on stdout. It must not know how it is signed.

use super::{Failure, Terminal};
use crate::access::Access;
use crate::model::Auth;
use std::io::{self, Write};

/// Print an IAM database authentication token
///
/// The token alone is on stdout, its end on stderr. It is signed here, for the database's real name and port; the
/// database checks it at login, for 15 minutes or until the credentials end that signed it.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Identifier, endpoint host, resource id or ARN
    pub name: String,
    /// Database user, exactly as the database spells it [default: the one used last, else the setting `user`]
    #[arg(long, short)]
    pub user: Option<String>,
}

/// Runs it.
pub async fn run(access: &Access, args: &Args, _terminal: &Terminal) -> Result<(), Failure> {
    let found = access.find(&args.name).await?;
    let user = super::user(access, &found.endpoint, args.user.as_deref(), &Auth::Iam)?;
    let token = access.token(&found.endpoint, &user).await?;
    if let Some(note) = super::no_tokens(&found.endpoint) {
        writeln!(io::stderr().lock(), "{}", crate::model::visible(&note))?;
    }
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", token.secret.reveal())?;
    stdout.flush()?;
    let ends = jiff::Timestamp::try_from(token.ends).map(|ends| ends.to_zoned(jiff::tz::TimeZone::system()));
    if let Ok(ends) = ends {
        writeln!(io::stderr().lock(), "ends {}", ends.strftime("%Y-%m-%d %H:%M:%S %Z"))?;
    }
    Ok(())
}
