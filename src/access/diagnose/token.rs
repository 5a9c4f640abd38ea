//! Tokens that do not open: `PAM authentication failed` is all that RDS says to any of a dozen causes; here the likely ones are
//! told apart by what was found by looking. It must not know other ways to log in.

use super::aws::options;
use super::login::Found;
use super::simulation::{self as simulated, CONNECT};
use super::sql::server;
use super::{moment, proxy, shell, span};
use crate::access::policy::{ask_for_tokens, identifier, statement};
use crate::access::simulation::Simulation;
use crate::db::ServerError;
use crate::model::{
    Act, Auth, Authentication, Database, DatabaseKind, Diagnosis, Endpoint, IamAuth, Kind, ProxyScheme, Token,
};
use std::time::SystemTime;

/// The database asked for a password where a token was shown: the role is not one that comes in with tokens.
pub(super) fn password_wanted(error: &ServerError, found: &Found<'_>) -> Diagnosis {
    let mut diagnosis = server(error, Kind::TokenRefused);
    diagnosis.because.insert(0, std::mem::replace(&mut diagnosis.title, title(found)));
    not_a_token_role(diagnosis, found)
}

fn not_a_token_role(diagnosis: Diagnosis, found: &Found<'_>) -> Diagnosis {
    let user = identifier(found.user);
    let mut diagnosis = diagnosis;
    if found.owner == DatabaseKind::Proxy && is_off(found) {
        // What switches it over binds all who come through it.
        diagnosis = by_login(diagnosis, "Log in with its password", "--auth password");
    }
    let diagnosis = iam_flag(diagnosis, found);
    if let Some(master) = found.master.filter(|master| master.user == found.user) {
        let mut diagnosis =
            diagnosis.because(format!("{} is the master user, which comes in with its password", found.user));
        // Before what switches IAM on: that alone lets no master user in.
        let later = std::mem::take(&mut diagnosis.advice);
        if master.managed {
            diagnosis = by_login(diagnosis, "Log in with the password that AWS keeps for it", "--auth secret");
        } else {
            diagnosis = by_login(diagnosis, "Log in with its password", "--auth password");
        }
        diagnosis.advice.extend(later);
        return diagnosis
            .advise("Or make another role for tokens: GRANT rds_iam to the master user would end its password logins");
    }
    if is_off(found) {
        return match found.owner {
            DatabaseKind::Proxy => diagnosis,
            _ => by_login(diagnosis, "Or log in with its password", "--auth password"),
        };
    }
    let diagnosis = case(diagnosis, found.user);
    let diagnosis = match &found.endpoint.proxy {
        Some(login) => {
            let diagnosis =
                proxy::needs(diagnosis.because(proxy::unasked(found.user, &found.endpoint.place, login)), found, login);
            // Without a secret of the user there is no password that this one takes.
            if login.scheme == ProxyScheme::EndToEnd {
                return diagnosis;
            }
            diagnosis
        }
        None => diagnosis
            .because(lack(found))
            .advise_paste("As an administrator, let it come in with tokens", format!("GRANT rds_iam TO {user};")),
    };
    by_login(diagnosis, "Or log in with its password", "--auth password")
}

/// Another way to log in: on the command line a flag.
fn by_login(diagnosis: Diagnosis, say: &str, flag: &str) -> Diagnosis {
    diagnosis.advise_paste(say, flag).by(Act::ChooseLogin)
}

/// The server asked for a password's hash where a token was to be shown, so nothing was: the role is not one that comes
/// in with tokens (RDS puts PAM, and so cleartext, before roles with rds_iam, and md5 or SCRAM before all others).
pub(in crate::access) fn not_asked(asked: Authentication, found: &Found<'_>) -> Diagnosis {
    let because = format!("it asked for a password by {asked}; the token was not shown");
    not_a_token_role(Diagnosis::new(Kind::TokenRefused, title(found)).because(because), found)
}

fn title(found: &Found<'_>) -> String {
    format!("{} does not take a token from {}", found.endpoint.owner, found.user)
}

/// PAM, and a password was shown.
pub(super) fn no_password(error: &ServerError, found: &Found<'_>) -> Diagnosis {
    let mut diagnosis = server(error, Kind::LoginRefused);
    diagnosis
        .because
        .insert(0, std::mem::replace(&mut diagnosis.title, format!("{} can only come in with a token", found.user)));
    let diagnosis =
        diagnosis.because("the role has rds_iam, itself or by inheritance, and that rules over its password");
    let diagnosis = iam_flag(diagnosis, found);
    if is_off(found) {
        // Neither way is open: with a token it is no better.
        return diagnosis.advise("Or log in as another user, one without rds_iam").advise_paste(
            "Or, as an administrator, give it its password back",
            format!("REVOKE rds_iam FROM {};", identifier(found.user)),
        );
    }
    by_login(diagnosis, "Log in with IAM", "--auth iam").advise_paste(
        "Or see where it has it from",
        format!("select pg_has_role({}, 'rds_iam', 'member')", crate::access::policy::literal(found.user)),
    )
}

/// PAM, and a token was shown: find the likely cause by looking, then name the rest.
pub(super) fn refused(error: &ServerError, found: &Found<'_>) -> Diagnosis {
    let Found { endpoint, user, .. } = found;
    let mut diagnosis = server(error, Kind::TokenRefused);
    diagnosis
        .because
        .insert(0, std::mem::replace(&mut diagnosis.title, format!("{} refused the token for {user}", endpoint.owner)));
    diagnosis = iam_flag(diagnosis, found);
    let mut seen = is_off(found);
    if let Some(ended) = found.login_ended {
        // What it was signed with opens nothing any more, wherever it is shown.
        seen = true;
        diagnosis.kind = Kind::LoginEnded;
        diagnosis = diagnosis.because(format!(
            "the credentials that signed the token hold no more: {}",
            ended.because.first().unwrap_or(&ended.title)
        ));
        diagnosis.because.extend(ended.because.iter().skip(1).cloned());
        diagnosis.advice.extend(ended.advice.iter().cloned());
    }
    if let Some(skew) = found.skew.filter(|skew| skew.unsigned_abs() > 120) {
        // Its own time is what counts, and that is put right as soon as AWS has answered anything.
        if found.token.is_some_and(|token| is_mistimed(token, found.now, skew)) {
            seen = true;
            diagnosis = set_clock(diagnosis.because(clock(skew)));
        } else {
            diagnosis = diagnosis.because(format!("{}, which the token allows for", clock(skew)));
        }
    }
    if let Some(token) = found.token
        && token.ends <= found.now
    {
        seen = true;
        diagnosis = diagnosis
            .because(format!("the credentials that signed the token ended at {}", moment(token.ends)))
            .advise("Renew the AWS login: a token lives no longer than the credentials that sign it");
    }
    if seen {
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
        return read_log(simulated::advise(diagnosis.because(likely), refused, CONNECT, &resources), found);
    }
    if let Some(simulation @ (Simulation::Allowed { .. } | Simulation::Root)) = found.simulated {
        diagnosis = diagnosis
            .because(format!("likely not IAM's policies: {}", simulated::words(simulation, CONNECT)))
            .because(lack(found));
        return read_log(let_in(diagnosis, "As an administrator of the database", found), found)
            .advise(format!(
                "See whether an organization's policy or a session policy denies {CONNECT} on {arn}: no simulation has those"
            ));
    }
    let who = found.identity.map(|arn| format!(" for {arn}")).unwrap_or_default();
    diagnosis = diagnosis
        .because(format!("likely: no IAM policy allows rds-db:connect{who} on {arn}"))
        .because(lack(found))
        .advise_paste("Have this statement added to your IAM policy", statement(&["rds-db:connect"], &[arn]))
        .by(Act::Policy);
    read_log(let_in(diagnosis, "As an administrator of the database", found), found)
}

/// What the role likely lacks.
fn lack(found: &Found<'_>) -> String {
    match &found.endpoint.proxy {
        Some(login) => proxy::lack(found.user, &found.endpoint.place, login),
        None => format!("likely: the role {} does not exist, or lacks rds_iam", found.user),
    }
}

/// What lets the role in: SQL, or behind a proxy all that the proxy needs.
pub(super) fn let_in(diagnosis: Diagnosis, say: &str, found: &Found<'_>) -> Diagnosis {
    match &found.endpoint.proxy {
        Some(login) => proxy::needs(diagnosis, found, login),
        None => diagnosis.advise_paste(say, create_user(found)),
    }
}

/// Where who refused it says why.
fn read_log(diagnosis: Diagnosis, found: &Found<'_>) -> Diagnosis {
    let (say, suffix) = match found.owner {
        DatabaseKind::Proxy => ("Read the proxy's own reason, where its enhanced logging is on", ""),
        _ => ("Read the database's own reason, where its iam-db-auth-error log is exported", "/iam-db-auth-error"),
    };
    let (kind, name) = (found.owner.name(), shell(found.owner_name));
    let here = options(&found.endpoint.place);
    diagnosis.advise_paste(say, format!("aws logs tail /aws/rds/{kind}/{name}{suffix} --since 10m{here}"))
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

/// Whether the time in a token's signature is one that AWS takes no more, or not yet, at this machine's `now`; `skew` is how
/// many seconds AWS's clock is ahead. Signatures may come from five minutes ahead.
fn is_mistimed(token: &Token, now: SystemTime, skew: i64) -> bool {
    let seconds = |time: SystemTime| match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(_) => 0,
    };
    let age = seconds(now).saturating_add(skew).saturating_sub(seconds(token.signed));
    !(-300..=aws_life()).contains(&age)
}

fn aws_life() -> i64 {
    i64::try_from(crate::aws::TOKEN_LIFE.as_secs()).unwrap_or(i64::MAX)
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

/// Whether no token is taken as of now. What will be switched off is on until then.
fn is_off(found: &Found<'_>) -> bool {
    !found.iam_now.unwrap_or(found.endpoint.iam).accepts_tokens()
}

fn iam_flag(diagnosis: Diagnosis, found: &Found<'_>) -> Diagnosis {
    let owner = found.owner_name;
    match found.iam_now.unwrap_or(found.endpoint.iam) {
        IamAuth::Enabled => diagnosis,
        IamAuth::Pending { to: true } => {
            let because = format!("IAM authentication is being switched on for {owner}: it is not on yet");
            let diagnosis = diagnosis.because(because).advise("Wait for the change, or have it applied now");
            enable(diagnosis, "Apply it now; what else waits to be changed is said first", found)
        }
        IamAuth::Pending { to: false } => {
            diagnosis.because(format!("IAM authentication will be switched off for {owner}, and is on until then"))
        }
        IamAuth::Disabled => {
            let diagnosis = diagnosis.because(format!("IAM authentication is off on {owner}"));
            enable(diagnosis, "Switch it on; what that means is said first", found)
        }
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
        master: None,
        identity: None,
        simulated: None,
        login_ended: None,
        now: SystemTime::UNIX_EPOCH,
    };
    let title = match database.iam {
        IamAuth::Pending { to: false } => format!("{} soon takes no tokens", database.identifier),
        _ => format!("{} takes no tokens", database.identifier),
    };
    Some(iam_flag(Diagnosis::new(Kind::TokenRefused, title), &found))
}

/// How it is switched on: by gatepost, which asks first and follows it, or by the AWS CLI. A proxy's is a setting of its own.
fn enable(diagnosis: Diagnosis, say: &str, found: &Found<'_>) -> Diagnosis {
    let owner = shell(found.owner_name);
    let place = options(&found.endpoint.place);
    let by_cli = |verb: &str| {
        format!(
            "aws rds modify-{verb} --{verb}-identifier {owner} --enable-iam-database-authentication --apply-immediately{place}"
        )
    };
    let verb = match found.owner {
        DatabaseKind::Cluster => "db-cluster",
        DatabaseKind::Instance => "db-instance",
        // End to end it asks for nothing but tokens, always.
        DatabaseKind::Proxy => {
            let Some(login) = &found.endpoint.proxy else { return diagnosis };
            let say = "Or have it ask every user that it has a secret of for tokens, applications too, and for passwords no more";
            return diagnosis.advise_paste(say, ask_for_tokens(found.endpoint, login));
        }
    };
    diagnosis
        .advise_paste(say, format!("gatepost enable-iam {owner}{}", options(&found.endpoint.place)))
        .by(Act::EnableIam)
        .advise_paste("Or by the AWS CLI", by_cli(verb))
}

fn create_user(found: &Found<'_>) -> String {
    let user = identifier(found.user);
    match found.auth {
        Auth::Iam => format!("CREATE USER {user};  -- if there is none\nGRANT rds_iam TO {user};"),
        _ => format!("CREATE USER {user};  -- and give it a password"),
    }
}
