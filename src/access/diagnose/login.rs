//! Why a login was refused: the server's answer, and what was found by looking. `PAM authentication failed` is all that
//! RDS says to any of a dozen causes; here the likely ones are told apart.

use super::aws::options;
use super::simulation as simulated;
use super::sql::server;
use super::{moment, shell, span};
use crate::access::policy::{identifier, statement};
use crate::access::simulation::Simulation;
use crate::db::ServerError;
use crate::model::{Auth, Authentication, Database, DatabaseKind, Diagnosis, Endpoint, IamAuth, Kind, Token};
use std::time::SystemTime;

/// The one action of a login.
const CONNECT: &str = "rds-db:connect";

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
    /// AWS identity's ARN.
    pub(in crate::access) identity: Option<&'a str>,
    /// What IAM's policies likely say of `rds-db:connect`, where that was asked.
    pub(in crate::access) simulated: Option<&'a Simulation>,
    pub(in crate::access) now: SystemTime,
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
    match error.code.as_str() {
        _ if message.contains("pam authentication failed") && iam => token_refused(error, found),
        _ if message.contains("pam authentication failed") => token_only(error, found),
        "28P01" if iam => wants_password(error, found),
        "28P01" => server(error, Kind::PasswordRefused)
            .advise(again(found.auth))
            .advise("If the role has rds_iam, also by inheritance, only a token lets it in: log in with IAM"),
        "3D000" => server(error, Kind::NoSuchDatabase)
            .because(format!("{} has no database {}", found.endpoint.owner, found.database))
            .advise_paste("See which there are: connect to postgres", "select datname from pg_database order by 1")
            .advise("Database names are case-sensitive"),
        // The role's own limit, not the server's (PostgreSQL, InitializeSessionUserId).
        "53300" if message.contains("for role") => server(error, Kind::ServerBusy)
            .because(format!("{} may have no more connections than it has", found.user))
            .advise_paste(
                "As an administrator",
                format!("ALTER ROLE {} CONNECTION LIMIT -1;", identifier(found.user)),
            ),
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
        "28000" | "42704" if message.contains("does not exist") => server(error, Kind::LoginRefused)
            .because("user names are case-sensitive")
            .advise_paste("As an administrator", create_user(found)),
        "42501" => server(error, Kind::LoginRefused).advise_paste(
            "As an administrator",
            format!("GRANT CONNECT ON DATABASE {} TO {};", identifier(found.database), identifier(found.user)),
        ),
        "25006" => server(error, Kind::ServerBusy).advise("Connect to the writer's endpoint"),
        _ => server(error, Kind::LoginRefused),
    }
}

/// The database asked for a password where a token was shown: the role is not one that comes in with tokens.
fn wants_password(error: &ServerError, found: &Found<'_>) -> Diagnosis {
    let mut diagnosis = server(error, Kind::TokenRefused);
    diagnosis.because.insert(0, std::mem::replace(&mut diagnosis.title, token_title(found)));
    not_a_token_role(diagnosis, found)
}

fn not_a_token_role(diagnosis: Diagnosis, found: &Found<'_>) -> Diagnosis {
    let user = identifier(found.user);
    let before = diagnosis.because.len();
    let diagnosis = iam_flag(diagnosis, found);
    if diagnosis.because.len() > before {
        return diagnosis.advise("Or log in with its password");
    }
    case(diagnosis, found.user)
        .because(format!("likely: the role {} does not exist, or lacks rds_iam", found.user))
        .advise_paste("As an administrator, let it come in with tokens", format!("GRANT rds_iam TO {user};"))
        .advise("Or log in with its password")
}

/// Nobody was named who could log in.
pub(in crate::access) fn nobody(endpoint: &Endpoint) -> Diagnosis {
    Diagnosis::new(Kind::Usage, format!("Which database user, on {}?", endpoint.owner))
        .because("none was named, none was used before with it, and the setting `user` is not set")
        .advise("Name one with --user USER")
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
        .advise("Log in with IAM")
}

/// No connection is left to the role.
pub(in crate::access) fn at_its_limit(user: &str, limit: &str) -> Diagnosis {
    Diagnosis::new(Kind::ServerBusy, format!("{user} has all of its {limit} connections"))
        .because("the next login of this role will be refused")
        .advise_paste("As an administrator", format!("ALTER ROLE {} CONNECTION LIMIT -1;", identifier(user)))
}

/// What to do about a password that was refused, by where it is from.
fn again(auth: &Auth) -> &'static str {
    match auth {
        Auth::Passfile => "Look at its line in the passfile: user names and passwords are case-sensitive",
        Auth::Command => "Run the password command by itself: what it prints is not the role's password",
        Auth::SecretsManager(_) => {
            "Look at the secret's rotation: the password in its current version is not the role's, fetched twice"
        }
        _ => "Type the password again: user names and passwords are case-sensitive",
    }
}

/// The server asked for a password's hash where a token was to be shown, so nothing was: the role is not one that comes
/// in with tokens (RDS puts PAM, and so cleartext, before roles with rds_iam, and md5 or SCRAM before all others).
pub(in crate::access) fn token_not_asked(asked: Authentication, found: &Found<'_>) -> Diagnosis {
    let because = format!("it asked for a password by {asked}; the token was not shown");
    not_a_token_role(Diagnosis::new(Kind::TokenRefused, token_title(found)).because(because), found)
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

fn token_title(found: &Found<'_>) -> String {
    format!("{} does not take a token from {}", found.endpoint.owner, found.user)
}

/// PAM, and a password was shown.
fn token_only(error: &ServerError, found: &Found<'_>) -> Diagnosis {
    let mut diagnosis = server(error, Kind::LoginRefused);
    diagnosis
        .because
        .insert(0, std::mem::replace(&mut diagnosis.title, format!("{} can only come in with a token", found.user)));
    diagnosis
        .because("the role has rds_iam, itself or by inheritance, and that rules over its password")
        .advise("Log in with IAM")
        .advise_paste(
            "Or see where it has it from",
            format!("select pg_has_role({}, 'rds_iam', 'member')", crate::access::policy::literal(found.user)),
        )
}

/// PAM, and a token was shown: find the likely cause by looking, then name the rest.
fn token_refused(error: &ServerError, found: &Found<'_>) -> Diagnosis {
    let Found { endpoint, user, .. } = found;
    let mut diagnosis = server(error, Kind::TokenRefused);
    diagnosis
        .because
        .insert(0, std::mem::replace(&mut diagnosis.title, format!("{} refused the token for {user}", endpoint.owner)));
    let before = diagnosis.because.len();
    diagnosis = iam_flag(diagnosis, found);
    if let Some(skew) = found.skew.filter(|skew| skew.unsigned_abs() > 120) {
        diagnosis = set_clock(diagnosis.because(clock(skew)));
    }
    if let Some(token) = found.token
        && token.ends <= found.now
    {
        diagnosis = diagnosis
            .because(format!("the credentials that signed the token ended at {}", moment(token.ends)))
            .advise("Renew the AWS login: a token lives no longer than the credentials that sign it");
    }
    // A clock that is off by less than what signatures allow (5 minutes) is odd, but not the cause.
    let bearable = usize::from(found.skew.is_some_and(|skew| (121..=300).contains(&skew.unsigned_abs())));
    if diagnosis.because.len() > before + bearable {
        // A cause that was seen: guesses beside it, and advice against what was not seen, lead astray at 3 a.m.
        return diagnosis;
    }
    if let Some(token) = found.token.filter(|token| token.ends < token.minted + crate::aws::TOKEN_LIFE) {
        diagnosis = diagnosis.because(format!("the AWS credentials end soon, at {}", moment(token.ends)));
    }
    diagnosis = case(diagnosis, user);
    let arn = endpoint.connect_arn(user);
    if let Some(simulation @ Simulation::NotAllowed { refused, .. }) = found.simulated {
        // The likeliest cause, though a simulation is no proof: what else it could be comes behind it.
        let resources = [arn];
        let likely = format!("likely: {}", simulated::words(simulation, CONNECT));
        return simulated::advise(diagnosis.because(likely), refused, CONNECT, &resources).advise_paste(
            "Read the database's own reason, where its iam-db-auth-error log is exported",
            log_command(found),
        );
    }
    if let Some(simulation @ (Simulation::Allowed { .. } | Simulation::Root)) = found.simulated {
        return diagnosis
            .because(format!("likely not IAM's policies: {}", simulated::words(simulation, CONNECT)))
            .because(format!("likely: the role {user} does not exist, or lacks rds_iam"))
            .advise_paste("As an administrator of the database", create_user(found))
            .advise_paste(
                "Read the database's own reason, where its iam-db-auth-error log is exported",
                log_command(found),
            )
            .advise(format!(
                "See whether an organization's policy or a session policy denies {CONNECT} on {arn}: no simulation has those"
            ));
    }
    let who = found.identity.map(|arn| format!(" for {arn}")).unwrap_or_default();
    diagnosis
        .because(format!("likely: no IAM policy allows rds-db:connect{who} on {arn}"))
        .because(format!("likely: the role {user} does not exist, or lacks rds_iam"))
        .advise_paste("Have this statement added to your IAM policy", statement(&["rds-db:connect"], &[arn]))
        .advise_paste("As an administrator of the database", create_user(found))
        .advise_paste("Read the database's own reason, where its iam-db-auth-error log is exported", log_command(found))
}

/// Roles are made in lower case unless they were quoted, and a token names them letter by letter.
fn case(diagnosis: Diagnosis, user: &str) -> Diagnosis {
    if !user.chars().any(char::is_uppercase) {
        return diagnosis;
    }
    diagnosis.because(format!(
        "user names are case-sensitive: {user} in the policy and the token must be the role's name, letter by letter"
    ))
}

/// How far this machine's clock is off; `skew` is how many seconds AWS's is ahead.
pub(in crate::access) fn clock(skew: i64) -> String {
    let direction = if skew > 0 { "behind" } else { "ahead of" };
    format!("this machine's clock is {} {direction} AWS's", span(skew.unsigned_abs()))
}

/// What to do about it.
pub(in crate::access) fn set_clock(diagnosis: Diagnosis) -> Diagnosis {
    diagnosis.advise_paste("Set the clock: a token is signed with the time", "sudo timedatectl set-ntp true")
}

fn iam_flag(diagnosis: Diagnosis, found: &Found<'_>) -> Diagnosis {
    let owner = found.owner_name;
    match found.iam_now.unwrap_or(found.endpoint.iam) {
        IamAuth::Enabled => diagnosis,
        IamAuth::Pending { to: true } => diagnosis
            .because(format!("IAM authentication is being switched on for {owner}: it is not on yet"))
            .advise("Wait for the change, or have it applied now")
            .advise_paste("Apply it now", enable(found)),
        IamAuth::Pending { to: false } => {
            diagnosis.because(format!("IAM authentication is being switched off for {owner}"))
        }
        IamAuth::Disabled => diagnosis
            .because(format!("IAM authentication is off on {owner}"))
            .advise_paste("Switch it on", enable(found)),
    }
}

/// What AWS's own flag says beforehand of who comes with a token; `None` while tokens are taken.
pub(in crate::access) fn no_tokens(endpoint: &Endpoint, database: &Database) -> Option<Diagnosis> {
    if database.iam == IamAuth::Enabled {
        return None;
    }
    let found = Found {
        endpoint,
        user: "",
        database: "",
        auth: &Auth::Iam,
        token: None,
        skew: None,
        iam_now: Some(database.iam),
        owner: if database.cluster.is_some() { DatabaseKind::Cluster } else { database.kind },
        owner_name: database.cluster.as_deref().unwrap_or(&database.identifier),
        identity: None,
        simulated: None,
        now: SystemTime::UNIX_EPOCH,
    };
    let title = match database.iam {
        IamAuth::Pending { to: false } => format!("{} soon takes no tokens", database.identifier),
        _ => format!("{} takes no tokens", database.identifier),
    };
    Some(iam_flag(Diagnosis::new(Kind::TokenRefused, title), &found))
}

fn enable(found: &Found<'_>) -> String {
    let owner = shell(found.owner_name);
    let place = options(&found.endpoint.place);
    match found.owner {
        DatabaseKind::Cluster => format!(
            "aws rds modify-db-cluster --db-cluster-identifier {owner} --enable-iam-database-authentication --apply-immediately{place}"
        ),
        DatabaseKind::Instance => format!(
            "aws rds modify-db-instance --db-instance-identifier {owner} --enable-iam-database-authentication --apply-immediately{place}"
        ),
        DatabaseKind::Proxy => {
            format!("aws rds modify-db-proxy --db-proxy-name {owner} --default-auth-scheme IAM_AUTH{place}")
        }
    }
}

fn create_user(found: &Found<'_>) -> String {
    let user = identifier(found.user);
    match found.auth {
        Auth::Iam => format!("CREATE USER {user};  -- if there is none\nGRANT rds_iam TO {user};"),
        _ => format!("CREATE USER {user};  -- and give it a password"),
    }
}

fn log_command(found: &Found<'_>) -> String {
    let kind = found.owner.name();
    format!(
        "aws logs tail /aws/rds/{kind}/{}/iam-db-auth-error --since 10m{}",
        shell(found.owner_name),
        options(&found.endpoint.place)
    )
}
