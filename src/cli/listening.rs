//! A listener opened for a verb, with what its clients are handed; and the wait until it is to end. It must not know which
//! verb it is for.

use super::login::LoginArgs;
use super::{Interrupt, Terminal, failure};
use crate::access::handoff::Lead;
use crate::access::listener::{Papers, read_only_of_production};
use crate::access::{Access, Door, Found, Listener, ListenerReport, ListenerWish};
use crate::model::{Auth, Database, Diagnosis, Endpoint, ListenerSettings, RouteChoice, Secret, visible};
use tokio::sync::mpsc::UnboundedReceiver;

/// Flags of every verb that listens.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct WritesArgs {
    /// The server refuses every write: each transaction is read-only whatever the client sets. Texts of several statements
    /// that go on behind a COMMIT are refused, as are DO and CALL of the extended protocol outside of a transaction. It is
    /// so on production where --write is not given
    #[arg(long)]
    pub read_only: bool,
    /// Let clients write, also on production
    #[arg(long, conflicts_with = "read_only")]
    pub write: bool,
}

impl WritesArgs {
    /// Whether clients only read, if that was said: here, or where it is kept.
    pub(super) fn read_only(self, kept: Option<bool>) -> Option<bool> {
        match (self.read_only, self.write) {
            (false, false) => kept,
            (read_only, _) => Some(read_only),
        }
    }
}

/// Why a listener is read-only though nobody said so, and what lets its clients write.
pub(super) fn unasked(report: &ListenerReport, asked: Option<bool>) -> Option<String> {
    let so = asked.is_none() && report.read_only;
    so.then(|| format!("note: read-only: {} (--write)", read_only_of_production(&report.name)))
}

/// A listener, and how clients get in.
pub(super) struct Open {
    pub(super) listener: Listener,
    pub(super) lead: Lead,
    /// What was said of writes.
    read_only: Option<bool>,
    /// What AWS's list says beforehand of logins there.
    beforehand: Vec<String>,
}

impl Open {
    /// What is where, as whom.
    pub(super) fn words(&self) -> String {
        let report = self.listener.report();
        let route = report.route.as_ref().map(|route| format!(", {route}")).unwrap_or_default();
        let access = report.access();
        format!("{} is {} ({}){route}, as {}, {access}", report.address, report.name, report.database, report.users)
    }

    /// What is to be known about that.
    pub(super) fn notes(&self) -> Vec<String> {
        unasked(&self.listener.report(), self.read_only).into_iter().chain(self.beforehand.iter().cloned()).collect()
    }
}

/// As whom the clients of a listener that begins with the plan's first user come in, and how.
pub(super) async fn who(
    access: &Access,
    login: &LoginArgs,
    plan: &ListenerSettings,
    endpoint: &Endpoint,
    database: Option<&str>,
) -> Result<(String, Auth), Diagnosis> {
    let first = plan.users.first().map(String::as_str);
    let (user, auth) = match (login.way()?, &plan.auth) {
        // A secret may say whose it is.
        (None, Some(auth @ Auth::SecretsManager(_))) => (first.unwrap_or_default().to_owned(), auth.clone()),
        (None, Some(auth)) => (super::user(access, endpoint, first, auth)?, auth.clone()),
        _ => login.settle(access, endpoint, first, database).await?,
    };
    let user = match user.is_empty() {
        false => user,
        true => access.secret_user(endpoint, &auth).await?,
    };
    Ok((user, auth))
}

/// What AWS's list says of logins there.
pub(super) fn beforehand(access: &Access, listed: &Database, endpoint: &Endpoint, auth: &Auth) -> Vec<String> {
    let state = access.unavailable(listed).map(|state| format!("note: {}: logins there will fail", state.title));
    let tokens = if matches!(auth, Auth::Iam) { super::no_tokens(endpoint) } else { None };
    state.into_iter().chain(tokens).collect()
}

/// Opens it; the way to the database is not yet walked. `secret` is what clients of a port have to show. `database` is what
/// they are told to name; those that may be named are the plan's.
pub(super) async fn listen(
    access: &Access,
    login: &LoginArgs,
    (plan, door): &(ListenerSettings, Door),
    database: Option<&str>,
    papers: &Papers,
    secret: Option<&Secret>,
) -> Result<Open, Diagnosis> {
    let Found { database: listed, endpoint } = access.find(&plan.target).await?;
    let named = database.or(plan.databases.first().map(String::as_str));
    let (user, auth) = who(access, login, plan, &endpoint, named).await?;
    let beforehand = beforehand(access, &listed, &endpoint, &auth);
    let wish = ListenerWish {
        name: plan.name.clone(),
        endpoint,
        route: plan.via.as_deref().map(RouteChoice::parse).unwrap_or_default(),
        door: door.clone(),
        users: if plan.users.len() > 1 { plan.users.clone() } else { vec![user] },
        databases: plan.databases.clone(),
        database_told: false,
        auth,
        read_only: plan.read_only,
        // A socket looks at whose process it is instead.
        secret: secret.filter(|_| matches!(door, Door::Port(_)) && !plan.no_secret).cloned(),
        tls: plan.tls,
    };
    let (listener, lead) = access.hand(wish, database, papers).await?;
    Ok(Open { listener, lead, read_only: plan.read_only, beforehand })
}

/// Tells why clients are turned away until a signal comes.
pub(super) async fn until_interrupted(
    told: &mut UnboundedReceiver<Diagnosis>,
    interrupt: &mut Interrupt,
    terminal: &Terminal,
) {
    let mut last = None;
    loop {
        tokio::select! {
            signal = interrupt.wait() => { let _ = signal; return }
            Some(diagnosis) = told.recv() => {
                // A pool that tries again and again is told once.
                if last.as_ref() != Some(&diagnosis.title) {
                    failure::tell(&diagnosis, terminal.color_on_stderr());
                    last = Some(diagnosis.title);
                }
            }
        }
    }
}

/// What it has done, in a line.
pub(super) fn summary(report: &ListenerReport) -> String {
    let words = format!(
        "{}: {} logins, {} turned away, {} bytes in, {} out",
        report.address, report.logins, report.refused, report.received, report.sent
    );
    visible(&words).into_owned()
}
