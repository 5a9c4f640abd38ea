//! Why a login was refused: the server's answer decoded, whatever was shown to it. Tokens that do not open are told apart in
//! `token`.

use super::aws::options;
use super::sql::server;
use super::{proxy, shell, token};
use crate::access::policy::{identifier, literal};
use crate::access::simulation::Simulation;
use crate::db::ServerError;
use crate::model::{Act, Auth, Authentication, DatabaseKind, Diagnosis, Endpoint, IamAuth, Kind, Token};
use std::time::SystemTime;

/// What is known when a login fails.
pub(in crate::access) struct Found<'a> {
    pub(in crate::access) endpoint: &'a Endpoint,
    pub(in crate::access) user: &'a str,
    pub(in crate::access) database: &'a str,
    pub(in crate::access) auth: &'a Auth,
    pub(in crate::access) token: Option<&'a Token>,
    /// Seconds that AWS's clock is ahead of ours.
    pub(in crate::access) skew: Option<i64>,
    /// IAM authentication as AWS says now; `None` when it could not be asked.
    pub(in crate::access) iam_now: Option<IamAuth>,
    /// On which resource IAM authentication is switched …
    pub(in crate::access) owner: DatabaseKind,
    /// … and its identifier: the cluster's, for a member.
    pub(in crate::access) owner_name: &'a str,
    /// The master user, where AWS tells.
    pub(in crate::access) master: Option<Master<'a>>,
    /// AWS identity's ARN.
    pub(in crate::access) identity: Option<&'a str>,
    /// What IAM's policies likely say of `rds-db:connect`, where that was asked.
    pub(in crate::access) simulated: Option<&'a Simulation>,
    /// That the login at AWS has ended since the token was signed, where it has.
    pub(in crate::access) login_ended: Option<&'a Diagnosis>,
    pub(in crate::access) now: SystemTime,
}

/// Who may do most there, and comes in with a password: `GRANT rds_iam` would end that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::access) struct Master<'a> {
    pub(in crate::access) user: &'a str,
    /// Whether RDS keeps the password in Secrets Manager.
    pub(in crate::access) managed: bool,
}

/// A refusal between start-up and ReadyForQuery.
pub(in crate::access) fn refused(error: &ServerError, found: &Found<'_>) -> Diagnosis {
    let mut diagnosis = judged(error, found);
    // The server speaks of itself without a name; a person has many.
    if !diagnosis.title.contains(found.endpoint.owner.as_str()) {
        diagnosis.title = format!("{}: {}", found.endpoint.owner, diagnosis.title);
    }
    diagnosis
}

fn judged(error: &ServerError, found: &Found<'_>) -> Diagnosis {
    let message = error.message.to_ascii_lowercase();
    let iam = matches!(found.auth, Auth::Iam);
    if let Some(login) = &found.endpoint.proxy
        && let Some(diagnosis) = proxy::refused(error, found, login)
    {
        return diagnosis;
    }
    match error.code.as_str() {
        _ if iam && proxy::refused_a_token(&message) => token::refused(error, found),
        _ if message.contains("pam authentication failed") && iam => token::refused(error, found),
        _ if message.contains("pam authentication failed") => token::no_password(error, found),
        "28P01" if iam => token::password_wanted(error, found),
        "28P01" => server(error, Kind::PasswordRefused)
            .advise(again(found.auth))
            .advise_paste(
                "If the role has rds_iam, also by inheritance, only a token lets it in: log in with IAM",
                "--auth iam",
            )
            .by(Act::ChooseLogin),
        "3D000" => server(error, Kind::NoSuchDatabase)
            .because(format!("{} has no database {}", found.endpoint.owner, found.database))
            .advise_paste("See which there are: connect to postgres", "select datname from pg_database order by 1")
            .advise("Database names are case-sensitive"),
        // The role's own limit, not the server's (PostgreSQL, InitializeSessionUserId).
        "53300" if message.contains("for role") => server(error, Kind::ServerBusy)
            .because(format!(
                "{} has as many connections as its own limit allows; with a limit of 0 it may have none at all",
                found.user
            ))
            .advise_paste("As an administrator, let it have a number that fits", limit(found.user, SOME))
            .advise_paste("Or see its limit, and who holds its connections", holders(found.user)),
        "53300" => server(error, Kind::ServerBusy)
            .advise("Wait until others disconnect, or ask who holds connections idle")
            .advise_paste(
                "From a session that still stands",
                "select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc",
            ),
        "57P03" if message.contains("not accepting connections") => server(error, Kind::ServerBusy)
            .because("it recovers, or is a standby that takes no sessions (hot_standby off)")
            .advise("Connect to the writer's endpoint, or wait until it has recovered"),
        "57P03" => server(error, Kind::ServerBusy).advise(if message.contains("shutting down") {
            "Wait until the restart or failover is over, then try again"
        } else {
            "It starts up or recovers: try again in a minute"
        }),
        "57P01" | "57P02" | "57P05" => {
            server(error, Kind::ServerBusy).advise("The server ended the session: try again in a minute")
        }
        "28000" if message.contains("pg_hba.conf") || message.contains("no encryption") => {
            server(error, Kind::LoginRefused).advise("See whether the database lets this user in to this database at all")
        }
        "28000" if message.contains("not permitted to log in") => server(error, Kind::LoginRefused)
            .advise_paste("As an administrator", format!("ALTER ROLE {} LOGIN;", identifier(found.user))),
        "28000" | "42704" if message.contains("does not exist") => token::let_in(
            server(error, Kind::LoginRefused).because("user names are case-sensitive"),
            "As an administrator",
            found,
        ),
        "42501" => server(error, Kind::LoginRefused).advise_paste(
            "As an administrator",
            format!("GRANT CONNECT ON DATABASE {} TO {};", identifier(found.database), identifier(found.user)),
        ),
        "25006" => server(error, Kind::ServerBusy).advise("Connect to the writer's endpoint"),
        _ => server(error, Kind::LoginRefused),
    }
}

/// Nobody was named who could log in.
pub(in crate::access) fn nobody(endpoint: &Endpoint) -> Diagnosis {
    Diagnosis::new(Kind::Usage, format!("Which database user, on {}?", endpoint.owner))
        .because("none was named, none was used before with it, and the setting `user` is not set")
        .advise_paste("Name one", "--user USER")
        .by(Act::NameUser)
}

/// An engine that gatepost has no login for: what is left is a port for a client of its own.
pub(in crate::access) fn foreign(endpoint: &Endpoint, user: Option<&str>) -> Diagnosis {
    let Endpoint { owner, engine, place, .. } = endpoint;
    let (name, flags) = (shell(owner), options(place));
    let title = format!("gatepost cannot log in to {owner}: it speaks PostgreSQL, not {engine}");
    let diagnosis = Diagnosis::new(Kind::LoginRefused, title)
        .advise_paste("Forward a port to it, for a client of its own", format!("gatepost tunnel {name}{flags}"))
        .by(Act::Tunnel);
    if !(engine.has_iam_auth() && endpoint.iam.accepts_tokens()) {
        return diagnosis;
    }
    let token = format!("gatepost token {name} --user {}{flags}", shell(user.unwrap_or("USER")));
    diagnosis.advise_paste("And have that client log in with a token", token)
}

/// A role that has both `rds_iam` and `rds_ad`, each by way of those roles (RDS User Guide, "Kerberos authentication":
/// a role must not have both, directly or nested).
pub(in crate::access) fn both_kinds(user: &str, iam: &str, ad: &str) -> Diagnosis {
    // The user's own memberships, never a role that others are in: they may need what this one must not have.
    let taken = match ad {
        "direct" => "rds_ad".to_owned(),
        through => through.split(", ").map(identifier).collect::<Vec<_>>().join(", "),
    };
    Diagnosis::new(Kind::LoginRefused, format!("{user} has both rds_iam and rds_ad"))
        .because(format!("rds_iam: {iam}; rds_ad: {ad}"))
        .because("RDS allows one of them to a role, directly or nested: with both, either login may be refused")
        .advise_paste(
            "As an administrator, if Kerberos is not what it uses: take it, and whatever comes with it, from this user alone",
            format!("REVOKE {taken} FROM {};", identifier(user)),
        )
}

/// A role that came in with a password although it has `rds_iam`: something between let it in.
pub(in crate::access) fn password_of_token_role(user: &str, how: &str) -> Diagnosis {
    Diagnosis::new(Kind::LoginRefused, format!("{user} can only come in with a token"))
        .because(format!("{user} has {how}, and on RDS that rules over its password"))
        .advise_paste("Log in with IAM", "--auth iam")
        .by(Act::ChooseLogin)
}

/// No connection is left to the role, which has so many, by its own limit.
pub(in crate::access) fn at_its_limit(user: &str, most: i64) -> Diagnosis {
    let title = match most {
        0 => format!("{user} may have no connections at all: its limit is 0"),
        _ => format!("{user} has all of its {most} connections"),
    };
    Diagnosis::new(Kind::ServerBusy, title)
        .because("the next login of this role will be refused")
        .advise_paste("As an administrator, let it have a number that fits", limit(user, SOME.max(2 * most)))
        .advise_paste("Or see who holds its connections", holders(user))
}

/// Enough for a person or a small pool, where nothing says how many are wanted.
const SOME: i64 = 10;

/// A limit of a number: none at all (`-1`) would leave the role to take every connection there is.
fn limit(user: &str, most: i64) -> String {
    format!("ALTER ROLE {} CONNECTION LIMIT {most};", identifier(user))
}

fn holders(user: &str) -> String {
    let name = literal(user);
    format!(
        "select rolname, rolconnlimit, pid, application_name, client_addr, state, state_change from pg_roles left join \
         pg_stat_activity on usename = rolname where rolname = {name} order by state_change"
    )
}

/// What to do about a password that was refused, by where it is from.
pub(super) fn again(auth: &Auth) -> &'static str {
    match auth {
        Auth::Passfile => "Look at its line in the passfile: user names and passwords are case-sensitive",
        Auth::Command => "Run the password command by itself: what it prints is not the role's password",
        Auth::SecretsManager(_) => {
            "Look at the secret's rotation: the password in its current version is not the role's, fetched twice"
        }
        _ => "Type the password again, or mend PGPASSWORD where it is set: user names and passwords are case-sensitive",
    }
}

/// The server asked for something that the settings do not allow.
pub(in crate::access) fn not_allowed(asked: Authentication, allowed: &str, found: &Found<'_>) -> Diagnosis {
    let owner = &found.endpoint.owner;
    let diagnosis = Diagnosis::new(Kind::LoginRefused, format!("{owner} asks for {asked}, which is not allowed"))
        .because(format!("the setting password_auth allows {allowed}; the password was not shown"));
    match asked {
        Authentication::Md5 => diagnosis.advise_paste(
            "As an administrator, set the password anew with password_encryption = scram-sha-256",
            format!("SET password_encryption = 'scram-sha-256'; \\password {}", identifier(found.user)),
        ),
        _ => diagnosis,
    }
    .advise("Or allow it in the setting password_auth")
}

/// SCRAM's signature was missing or wrong.
pub(in crate::access) fn unproven(why: &str, found: &Found<'_>) -> Diagnosis {
    Diagnosis::new(
        Kind::LoginRefused,
        format!("{} did not prove that it knows the password of {}", found.endpoint.owner, found.user),
    )
    .because(why)
    .because("its certificate is good, so something behind it that is not the database answers in its place")
    .advise("Do not log in with that password until it is known what answers there")
}
