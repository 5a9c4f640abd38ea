//! What is looked up after something failed, so that the diagnosis can name the cause: other bastions, the certificate's
//! names, the cluster's members, the IAM flag as it is now. Each look is short, and none of them can fail the diagnosis.

use super::Access;
use super::connect::now;
use super::diagnose::{self, database as state, login, reach, sql, tls, token as refused, tunnel};
use super::line::{Line, Unopened};
use super::simulation::{Simulation, Wanted};
use crate::db;
use crate::model::{
    Auth, Bastion, Database, DatabaseKind, Diagnosis, Endpoint, EndpointRole, Identity, Kind, Ranked, Target, TlsFacts,
    Token,
};
use crate::ssm;
use std::future::Future;
use std::io;
use std::time::Duration;

/// How long looking for causes may take.
const LOOK: Duration = Duration::from_secs(4);

async fn look<T>(what: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::time::timeout(LOOK, Box::pin(what)).await.ok().flatten()
}

/// A line could not be opened.
pub(super) async fn of_open(access: &Access, unopened: Unopened, line: &Line, after: Duration) -> Diagnosis {
    match unopened {
        Unopened::Dial(error) => of_wire(access, error, line, after).await,
        Unopened::Tunnel(error) => match line.bastion() {
            Some(bastion) => of_channel(access, &error, bastion, line.endpoint()).await,
            None => Diagnosis::new(Kind::TunnelLost, error.to_string()),
        },
    }
}

/// A session's data channel could not be opened, or gives no stream.
pub(super) async fn of_channel(
    access: &Access,
    error: &ssm::Error,
    bastion: &Bastion,
    endpoint: &Endpoint,
) -> Diagnosis {
    let others = if tunnel::is_the_bastions(error) { others(access, endpoint).await } else { Vec::new() };
    tunnel::of(error, bastion, endpoint, &others)
}

/// The wire broke before the database had said anything.
pub(super) async fn of_wire(access: &Access, error: io::Error, line: &Line, after: Duration) -> Diagnosis {
    if let Some(ended) = line.ended() {
        return ended;
    }
    let endpoint = line.endpoint();
    let (ranked, owner) = tokio::join!(others(access, endpoint), owner(access, endpoint));
    let Some(bastion) = line.bastion() else {
        let diagnosis = reach::unreachable_from_here(endpoint, &error, after, &ranked);
        let refused = error.kind() == io::ErrorKind::ConnectionRefused;
        let diagnosis = if refused { state::see(diagnosis, endpoint, owner.as_ref(), false) } else { diagnosis };
        return state::in_its_state(diagnosis, owner.as_ref());
    };
    let let_in = ranked.iter().find(|one| one.bastion.id == bastion.id).and_then(|one| one.let_in);
    let diagnosis = reach::unreachable_from(bastion, endpoint, error.kind(), after, let_in);
    // Where the security group is not what is in the way, the database itself is the likeliest.
    let diagnosis = state::see(diagnosis, endpoint, owner.as_ref(), let_in == Some(true));
    state::in_its_state(diagnosis, owner.as_ref())
}

/// Nothing came back in time.
pub(super) async fn silent(access: &Access, line: &Line, after: Duration) -> Diagnosis {
    of_wire(access, io::ErrorKind::TimedOut.into(), line, after).await
}

async fn others(access: &Access, endpoint: &Endpoint) -> Vec<Ranked> {
    if endpoint.internet_gateway {
        return Vec::new();
    }
    look(async { access.rank(endpoint).await.ok() }).await.unwrap_or_default()
}

/// The database an endpoint belongs to, as AWS lists it now: a member with its cluster's master user.
async fn owner(access: &Access, endpoint: &Endpoint) -> Option<Database> {
    look(async {
        let inventory = access.cloud().inventory(&endpoint.place).await.ok()?;
        let listed = |database: &&Database| {
            database.identifier == endpoint.owner
                && database.endpoints.iter().any(|its| its.host == endpoint.host && its.port == endpoint.port)
        };
        let mut owner = inventory.databases.iter().find(listed).cloned()?;
        if let Some(cluster) =
            inventory.databases.iter().find(|other| Some(&other.identifier) == owner.cluster.as_ref())
        {
            owner.master_user = owner.master_user.or_else(|| cluster.master_user.clone());
            owner.master_secret = owner.master_secret.or_else(|| cluster.master_secret.clone());
        }
        Some(owner)
    })
    .await
}

/// TLS failed.
pub(super) async fn of_tls(access: &Access, error: db::Error, line: &Line) -> Diagnosis {
    let endpoint = line.endpoint();
    match error {
        db::Error::TlsNotOffered => tls::not_offered(endpoint),
        db::Error::UnknownIssuer(facts) => tls::unknown_issuer(endpoint, &shown(line, *facts).await),
        db::Error::WrongDates(facts) => tls::wrong_dates(endpoint, &shown(line, *facts).await, now()),
        db::Error::WrongName(facts) => {
            let (facts, members) = tokio::join!(shown(line, *facts), members(access, endpoint));
            tls::wrong_name(endpoint, &facts, &members)
        }
        db::Error::Wire(error) => match line.ended() {
            Some(ended) => ended,
            None => tls::failed(endpoint, &sql::words(&error)),
        },
        db::Error::Server(error) => sql::server(&error, Kind::ServerBusy),
        other => tls::failed(endpoint, &sql::words(&other)),
    }
}

/// What the server shows, seen over a wire of its own where the refusal itself did not tell.
async fn shown(line: &Line, known: TlsFacts) -> TlsFacts {
    let seen = look(async {
        let (wire, _) = line.open(LOOK).await.ok()?;
        db::inspect(wire, &line.endpoint().host).await.ok()
    });
    seen.await.unwrap_or(known)
}

/// Endpoints of the instances in the cluster an endpoint belongs to.
async fn members(access: &Access, endpoint: &Endpoint) -> Vec<Endpoint> {
    let listed = look(async { access.cloud().inventory(&endpoint.place).await.ok() }).await;
    let Some(inventory) = listed else { return Vec::new() };
    inventory
        .databases
        .into_iter()
        .filter(|database| database.cluster.as_deref() == Some(&endpoint.owner))
        .flat_map(|member| member.endpoints)
        .filter(|member| member.host != endpoint.host)
        .collect()
}

/// The login failed.
pub(super) async fn of_login(
    access: &Access,
    error: db::Error,
    target: &Target,
    token: Option<&Token>,
    line: &Line,
) -> Diagnosis {
    let endpoint = &target.endpoint;
    match &error {
        db::Error::Server(_)
        | db::Error::TokenNotAsked(_)
        | db::Error::NotAllowed { .. }
        | db::Error::ServerUnproven(_) => {}
        db::Error::Unsupported(words) => return Diagnosis::new(Kind::LoginRefused, words.clone()),
        other => {
            if let Some(ended) = line.ended() {
                return ended;
            }
            return Diagnosis::new(
                Kind::ServerBusy,
                format!("{} ended the connection during the login", endpoint.owner),
            )
            .because(sql::words(other))
            .advise("Try again: it may be restarting or failing over");
        }
    }
    // Looking is for what the server leaves open only.
    let opaque = match &error {
        db::Error::Server(error) => error.code.starts_with("28"),
        db::Error::TokenNotAsked(_) => true,
        _ => false,
    };
    let listed = if opaque { owner(access, endpoint).await } else { None };
    let identity = if opaque { access.known_identity(&endpoint.place).await } else { None };
    let simulated = match (&identity, &error) {
        (Some(identity), db::Error::Server(error)) if asks_policies(error, target) => {
            look(simulate(access, identity, target)).await
        }
        _ => None,
    };
    let login_ended = match &error {
        db::Error::Server(error) if asks_policies(error, target) => look(login_ended(access, endpoint)).await,
        _ => None,
    };
    let (owner, owner_name) = switched_on(listed.as_ref(), endpoint);
    let found = login::Found {
        endpoint,
        user: &target.user,
        database: &target.database,
        auth: &target.auth,
        token,
        skew: access.cloud().clock_skew(),
        iam_now: listed.as_ref().map(|owner| owner.iam),
        owner,
        owner_name: &owner_name,
        master: listed.as_ref().and_then(|owner| {
            let user = owner.master_user.as_deref()?;
            Some(login::Master { user, managed: owner.master_secret.is_some() })
        }),
        identity: identity.as_ref().map(|identity| identity.arn.as_str()),
        simulated: simulated.as_ref(),
        login_ended: login_ended.as_ref(),
        now: now(),
    };
    match &error {
        db::Error::Server(error) => login::refused(error, &found),
        db::Error::TokenNotAsked(asked) => refused::not_asked(*asked, &found),
        db::Error::NotAllowed { asked, allowed } => login::not_allowed(*asked, allowed, &found),
        other => login::unproven(&sql::words(other), &found),
    }
}

/// Whether AWS has ended the login that a token was signed with: it may since the token was made.
async fn login_ended(access: &Access, endpoint: &Endpoint) -> Option<Diagnosis> {
    let asked = access.cloud().identity(&endpoint.place).await;
    asked.err().map(|error| diagnose::aws::of(&error)).filter(|diagnosis| diagnosis.kind == Kind::LoginEnded)
}

/// Whether IAM's policies could be the reason: a token was shown, and PAM or a proxy refused it.
fn asks_policies(error: &db::ServerError, target: &Target) -> bool {
    let refused = error.message.to_ascii_lowercase().contains("pam authentication failed")
        || diagnose::proxy::refused_a_token(&error.message);
    matches!(target.auth, Auth::Iam) && refused
}

/// What they likely say of `rds-db:connect`.
async fn simulate(access: &Access, identity: &Identity, target: &Target) -> Option<Simulation> {
    let place = &target.endpoint.place;
    let principal = access.principal(place, identity).await;
    let resources = vec![target.endpoint.connect_resource(&target.user)];
    let wanted = Wanted { action: "rds-db:connect", resources, any: false };
    Some(access.simulate(place, identity, &principal, &wanted).await)
}

/// Where IAM authentication is switched and its log is: a member's on its cluster. An endpoint that could not be listed just
/// now tells what it is by the id it logs in to; a member tells its cluster's id, and not its name, which is left to be
/// filled in.
fn switched_on(listed: Option<&Database>, endpoint: &Endpoint) -> (DatabaseKind, String) {
    let own = endpoint.owner.clone();
    match listed {
        Some(Database { cluster: Some(cluster), .. }) => (DatabaseKind::Cluster, cluster.clone()),
        Some(alone) => (alone.kind, own),
        None => match endpoint.resource_id.split('-').next() {
            Some("cluster") if endpoint.role == EndpointRole::Instance => {
                (DatabaseKind::Cluster, format!("CLUSTER_OF_{own}"))
            }
            Some("cluster") => (DatabaseKind::Cluster, own),
            Some("prx") => (DatabaseKind::Proxy, own),
            _ => (DatabaseKind::Instance, own),
        },
    }
}

/// A statement failed, or what it ran on.
pub(super) fn of_statement(
    error: &db::Error,
    target: &Target,
    standby: bool,
    in_transaction: bool,
    ends_transaction: bool,
    line: &Line,
) -> Diagnosis {
    let tunnel = line.ended();
    match error {
        db::Error::Server(error) if ends_session(error) => {
            sql::session_ended(error, in_transaction && !ends_transaction)
        }
        db::Error::Server(error) => sql::statement(error, &target.endpoint, target.read_only, standby),
        db::Error::Unsupported(words) => Diagnosis::new(Kind::Sql, words.clone()),
        // A COMMIT that was under way may have arrived.
        _ if in_transaction && !ends_transaction => sql::transaction_lost(Some(error), tunnel.as_ref()),
        _ => sql::outcome_unknown(error, tunnel.as_ref()),
    }
}

/// Whether the server ends the session with this error: an administrator's command, a crash, a timeout of the session, its
/// database dropped (PostgreSQL, Message Severity Levels).
pub(super) fn ends_session(error: &db::ServerError) -> bool {
    matches!(error.severity.as_str(), "FATAL" | "PANIC")
}

/// For the few places that have only a diagnosis: how a failure is noted in the audit.
pub(super) fn outcome(diagnosis: &Diagnosis) -> String {
    match &diagnosis.code {
        Some(code) => format!("{code}: {}", diagnosis.title),
        None => diagnosis.title.clone(),
    }
}

/// How an error of a cancel reads.
pub(super) async fn of_cancel(access: &Access, error: db::Error, line: &Line) -> Diagnosis {
    match error {
        db::Error::Wire(error) => of_wire(access, error, line, access.settings().connect_timeout).await,
        other => of_tls(access, other, line).await,
    }
}

/// A session that could not be opened again after its wire was lost.
pub(super) fn not_back(diagnosis: Diagnosis) -> Diagnosis {
    let mut diagnosis = diagnosis;
    diagnosis.because.insert(
        0,
        "the connection was lost while idle, and a new one could not be opened; nothing was sent".to_owned(),
    );
    diagnosis
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::{database, endpoint};

    #[test]
    fn a_member_that_could_not_be_listed_is_not_taken_for_its_cluster() {
        let member = Endpoint { role: EndpointRole::Instance, owner: "orders-prod-1".to_owned(), ..endpoint() };
        let listed = Database {
            kind: DatabaseKind::Instance,
            cluster: Some("orders-prod".to_owned()),
            ..database("orders-prod-1")
        };
        let told = |listed: Option<&Database>, endpoint: &Endpoint| {
            let (kind, name) = switched_on(listed, endpoint);
            format!("{} {name}", kind.name())
        };
        assert_eq!(told(Some(&listed), &member), "cluster orders-prod");
        assert_eq!(told(None, &member), "cluster CLUSTER_OF_orders-prod-1");
        assert_eq!(told(None, &endpoint()), "cluster orders");
        let with_id = |id: &str| Endpoint { resource_id: id.to_owned(), ..member.clone() };
        assert_eq!(told(None, &with_id("db-7Q")), "instance orders-prod-1");
        assert_eq!(told(None, &with_id("prx-7Q")), "proxy orders-prod-1");
    }
}
