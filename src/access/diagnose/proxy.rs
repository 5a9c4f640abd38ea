//! Logins that an RDS Proxy refuses, or the database behind it. A proxy checks the client by itself and then logs in by its
//! own means, so what a database's user needs (`rds_iam`) may be the very thing that breaks it. It must not know how it was
//! asked.

use super::aws::options;
use super::login::{Found, again};
use super::shell;
use super::sql::server;
use crate::db::ServerError;
use crate::model::{Act, Auth, Diagnosis, Endpoint, Kind, Place, ProxyLogin, ProxyScheme};

/// What a proxy, or the database behind it, says to who came with a password, or lacks for both; `None` of all that is said
/// elsewhere. The sentences: RDS User Guide, "Troubleshooting RDS Proxy issues with RDS for PostgreSQL".
pub(super) fn refused(error: &ServerError, found: &Found<'_>, login: &ProxyLogin) -> Option<Diagnosis> {
    let message = error.message.to_ascii_lowercase();
    let user = found.user;
    let by_password = !matches!(found.auth, Auth::Iam);
    if message.contains("has no credentials for the role") {
        let because = match login.scheme {
            ProxyScheme::Secrets => format!("{}, and has no secret of {user}", how(login)),
            ProxyScheme::EndToEnd => format!("{}, and has neither that nor a secret for {user}", how(login)),
        };
        return Some(needs(server(error, Kind::LoginRefused).because(because), found, login));
    }
    if by_password && message.contains("iam authentication failed for the role") {
        return Some(
            server(error, Kind::LoginRefused)
                .because(format!("the proxy takes tokens from {user}, and no password"))
                .advise("Log in with IAM"),
        );
    }
    // The proxy has a sentence of its own for tokens: this one is the database's, to what the proxy showed it.
    if message.contains("pam authentication failed") {
        let kind = if by_password { Kind::LoginRefused } else { Kind::TokenRefused };
        let because = match (login.scheme, without_iam(&found.endpoint.place, login)) {
            (ProxyScheme::Secrets, _) => {
                format!("{user} has rds_iam at the database, which then takes no password from the proxy either")
            }
            (ProxyScheme::EndToEnd, Some(off)) => format!("{}, and {}", off.title, how(login)),
            (ProxyScheme::EndToEnd, None) => {
                format!("likely: the proxy's role may not do rds-db:connect there as {user} ({})", how(login))
            }
        };
        return Some(needs(server(error, kind).because(because), found, login));
    }
    if by_password && (error.code == "28P01" || message.contains("password that was provided for the role")) {
        return Some(
            server(error, Kind::PasswordRefused)
                .because(format!("the proxy holds it against the password in the secret of {user}"))
                .advise(again(found.auth)),
        );
    }
    None
}

/// Whether a proxy refused a token: it has a sentence of its own for that.
pub(in crate::access) fn refused_a_token(message: &str) -> bool {
    message.to_ascii_lowercase().contains("iam authentication failed for the role")
}

/// What the user likely lacks, where the proxy asked for a password instead of the token.
pub(super) fn unasked(user: &str, place: &Place, login: &ProxyLogin) -> String {
    match login.scheme {
        ProxyScheme::Secrets => {
            format!("likely: the proxy has no secret of {user} that asks for a token ({})", how(login))
        }
        ProxyScheme::EndToEnd => lack(user, place, login),
    }
}

/// A proxy that shows tokens to a database that takes none: nobody comes in through it.
pub(in crate::access) fn without_iam(place: &Place, login: &ProxyLogin) -> Option<Diagnosis> {
    let end_to_end = login.scheme == ProxyScheme::EndToEnd;
    let target = login.target.as_ref().filter(|target| end_to_end && !target.iam.accepts_tokens())?;
    let title = format!("IAM authentication of {}, behind it, is {}", target.identifier, target.iam.name());
    Some(Diagnosis::new(Kind::TokenRefused, title).because(how(login)).advise_paste(
        "Switch it on there",
        format!("gatepost enable-iam {}{}", shell(&target.identifier), options(place)),
    ))
}

/// What the user likely lacks, at the proxy or behind it, where a token was shown.
pub(super) fn lack(user: &str, place: &Place, login: &ProxyLogin) -> String {
    if let Some(diagnosis) = without_iam(place, login) {
        return format!("{}, and {}", diagnosis.title, how(login));
    }
    match login.scheme {
        ProxyScheme::Secrets => format!(
            "likely: the proxy has no secret of {user} that asks for a token, or {user} has rds_iam at the database, which then \
             takes no password ({})",
            how(login)
        ),
        ProxyScheme::EndToEnd => format!(
            "likely: {user} does not exist at the database, or lacks rds_iam there, or the proxy's role may not do \
             rds-db:connect as {user} ({})",
            how(login)
        ),
    }
}

/// Where all of what a user needs is told.
pub(super) fn needs(mut diagnosis: Diagnosis, found: &Found<'_>, login: &ProxyLogin) -> Diagnosis {
    diagnosis.advice.extend(without_iam(&found.endpoint.place, login).into_iter().flat_map(|off| off.advice));
    let what = match login.scheme {
        ProxyScheme::Secrets => {
            "See what a user of the proxy needs: a secret that is registered with it, and at the database a user with that \
             password and without rds_iam"
        }
        ProxyScheme::EndToEnd => {
            "See what a user of the proxy needs: at the database rds_iam, and rds-db:connect there for the proxy's role"
        }
    };
    let Endpoint { owner, place, .. } = found.endpoint;
    let command = format!("gatepost policy {} --user {}{}", shell(owner), shell(found.user), options(place));
    diagnosis.advise_paste(what, command).by(Act::Policy)
}

fn how(login: &ProxyLogin) -> &'static str {
    match login.scheme {
        ProxyScheme::Secrets => "the proxy logs in to the database with a secret's password",
        ProxyScheme::EndToEnd => "the proxy logs in to the database with a token of its own role",
    }
}
