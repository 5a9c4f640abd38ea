//! A live session that knows its way: it comes back when its wire was lost while nothing ran, and writes the audit. It
//! must never send a statement twice.

use super::audit::{Event, Subject};
use super::connect::{Arrived, needs_aws};
use super::line::Line;
use super::traces::{is_plain_read, leaves_no_trace};
use super::walk::Walk;
use super::watch::Watch;
use super::{Access, Canceller, Remembered, Running, Steps, Wish, refusal};
use crate::db;
use crate::model::{
    Auth, Diagnosis, Endpoint, Happening, Identity, Kind, Notice, Route, RouteChoice, SessionFacts, StepKind, Target,
    Transaction,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A round trip that takes longer is not waited for.
const ROUND_TRIP: Duration = Duration::from_secs(2);

/// A live database session that knows its way: it comes back with a fresh token when its wire was lost, never resends a
/// statement, writes the audit.
pub struct Session {
    /// Before `context`, for its wire must go before its line.
    pub(super) session: db::Session,
    pub(super) context: Context,
}

/// Everything about a session but the wire it speaks on.
pub(super) struct Context {
    pub(super) access: Access,
    pub(super) target: Target,
    pub(super) identity: Option<Identity>,
    pub(super) facts: SessionFacts,
    pub(super) line: Line,
    /// What a cancel needs, as it is now; cancellers share it.
    pub(super) live: Arc<Mutex<Live>>,
    /// The loss of the wire has been told with a statement: the next one may open a new session. Set before the wire's
    /// own task has noticed, too.
    pub(super) loss_told: bool,
    /// Nothing that was run on this wire left anything in the session that would be lost with it.
    pub(super) clean: bool,
    /// The wire was cut by us.
    pub(super) cut: bool,
    /// Statements open a transaction that a COMMIT of its own ends.
    pub(super) manual: bool,
}

/// What a cancel needs.
pub(super) struct Live {
    pub(super) line: Line,
    pub(super) key: db::CancelKey,
}

impl Context {
    pub(super) fn subject(&self) -> Subject {
        Subject::new(&self.target, self.identity.as_ref(), self.line.ssm_session())
    }

    pub(super) fn audit(&self, event: &Event<'_>, outcome: &str, since: Option<Instant>) {
        let took = since.map(|since| since.elapsed());
        self.access.inner.audit.note(&self.subject(), event, outcome, took);
    }

    /// Takes the new line, facts and key of a session that came back.
    pub(super) fn took(&mut self, line: Line, facts: SessionFacts, key: db::CancelKey) {
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Live { line: line.clone(), key };
        self.line = line;
        self.facts = facts;
        self.loss_told = false;
        self.clean = true;
        self.cut = false;
    }

    /// What is about to be run may leave something in the session.
    pub(super) fn runs(&mut self, statement: &str) {
        self.clean &= leaves_no_trace(statement);
    }
}

impl Session {
    pub(super) async fn connect(access: &Access, wish: &Wish, steps: Steps) -> Result<Session, Diagnosis> {
        let begun = Instant::now();
        let endpoint = &wish.endpoint;
        let walk = Walk::new(steps, access.settings().connect_timeout);
        // The target as far as it is known, for the audit line of a way that led nowhere.
        let mut target = Target {
            endpoint: endpoint.clone(),
            route: Route::Direct,
            database: database_of(endpoint, wish.database.as_deref()),
            user: wish.user.clone(),
            auth: wish.auth.clone(),
            read_only: wish.read_only,
        };
        let mut identity = None;
        match Box::pin(Session::walk(access, wish, &walk, &mut target, &mut identity)).await {
            Ok(Arrived { session, line, facts }) => {
                access.inner.memory.put(endpoint, used(&target, &wish.route));
                let live = Arc::new(Mutex::new(Live { line: line.clone(), key: session.cancel_key() }));
                let context = Context {
                    access: access.clone(),
                    target,
                    identity,
                    facts,
                    line,
                    live,
                    loss_told: false,
                    clean: true,
                    cut: false,
                    manual: false,
                };
                context.audit(&Event::Connect, "ok", Some(begun));
                Ok(Session { session, context })
            }
            Err(diagnosis) => {
                let subject = Subject::new(&target, identity.as_ref(), walk.ssm_session());
                let outcome = refusal::outcome(&diagnosis);
                access.inner.audit.note(&subject, &Event::Connect, &outcome, Some(begun.elapsed()));
                Err(diagnosis)
            }
        }
    }

    async fn walk(
        access: &Access,
        wish: &Wish,
        walk: &Walk,
        target: &mut Target,
        identity: &mut Option<Identity>,
    ) -> Result<Arrived, Diagnosis> {
        let endpoint = &wish.endpoint;
        // A password on a direct line asks nothing of AWS; whether the line is direct may need it to be asked.
        let certain = matches!(wish.route, RouteChoice::Direct) || access.resolved(endpoint).is_some();
        let route = if certain { Route::Direct } else { Route::Through(super::route::unlisted("", endpoint)) };
        if needs_aws(&wish.auth, &route) {
            let found = access.credentials(&endpoint.place);
            *identity = walk.step(StepKind::Credentials, endpoint.place.to_string(), found).await?;
        }
        if target.user.is_empty() {
            // A secret says whose it is.
            let whose = access.user_of_secret(endpoint, &wish.auth).await?;
            target.user =
                whose.ok_or_else(|| Diagnosis::new(Kind::Usage, "No database user is named").advise("Name one"))?;
        }
        let settled = async {
            let (route, why) = access.choose_route(endpoint, &wish.route).await?;
            Ok((route, crate::model::visible(&why).into_owned()))
        };
        target.route = walk.step(StepKind::Route, endpoint.address(), settled).await?;
        Box::pin(access.arrive(target, walk)).await
    }

    /// What is known of it now.
    pub fn facts(&self) -> SessionFacts {
        let mut facts = self.context.facts.clone();
        // A failover or a promotion changes it under a living session.
        if let Some(standby) = self.session.parameter("in_hot_standby") {
            facts.hot_standby = standby == "on";
        }
        facts
    }

    /// The settled target.
    pub fn target(&self) -> &Target {
        &self.context.target
    }

    /// As of the last ReadyForQuery.
    pub fn transaction(&self) -> Transaction {
        self.session.transaction()
    }

    /// Runs one statement. A lost wire is reopened first ([`crate::model::Happening::Reconnected`]), unless a transaction
    /// was open.
    pub fn run(&mut self, statement: &str) -> Running<'_> {
        Running::new(self, statement)
    }

    /// Whether the next statement has to log in anew first.
    pub fn is_away(&self) -> bool {
        self.context.loss_told || self.session.is_closed()
    }

    /// Whether cutting the wire under `statement`, run now, would lose nothing: it only reads, no transaction is open,
    /// and nothing before it left anything in the session, as far as words tell.
    pub fn loses_nothing(&self, statement: &str) -> bool {
        let fresh = self.is_away() || (self.context.clean && self.transaction() == Transaction::Idle);
        fresh && is_plain_read(statement)
    }

    /// Ends the wire at once, whatever runs on it; the next statement logs in anew. A cancel that is under way goes on
    /// over the old line and cannot touch what comes after.
    pub fn cut(&mut self) {
        self.session.cut();
        self.context.loss_told = true;
        self.context.cut = true;
        let live = Live { line: self.context.line.clone(), key: self.session.cancel_key() };
        self.context.live = Arc::new(Mutex::new(live));
    }

    /// With `false`, a statement outside of a transaction opens one, which stays open until COMMIT or ROLLBACK; not those
    /// that begin or end one themselves, or that the server runs outside of transactions alone. It is on at first.
    pub fn set_autocommit(&mut self, on: bool) {
        self.context.manual = !on;
    }

    /// As set.
    pub fn autocommit(&self) -> bool {
        !self.context.manual
    }

    /// Measures the round trip to the server and back by an empty query, and gives the notices that came meanwhile. Only
    /// where nothing can come of it: no transaction is open and the wire is there.
    pub async fn round_trip(&mut self) -> (Option<Duration>, Vec<Notice>) {
        let mut notices = Vec::new();
        if self.is_away() || self.transaction() != Transaction::Idle {
            return (None, notices);
        }
        let begun = Instant::now();
        let mut running = self.session.run(";");
        let measured = tokio::time::timeout(ROUND_TRIP, async {
            loop {
                match running.next().await {
                    None => return Some(begun.elapsed()),
                    Some(Ok(Happening::Notice(notice))) => notices.push(notice),
                    Some(Ok(_)) => {}
                    Some(Err(_)) => return None,
                }
            }
        });
        (measured.await.ok().flatten(), notices)
    }

    /// How its line is doing.
    pub fn watch(&self) -> Watch {
        Watch::new(&self.context.live)
    }

    /// For cancelling what runs.
    pub fn canceller(&self) -> Canceller {
        let Context { access, live, target, .. } = &self.context;
        Canceller::new(access.clone(), live.clone(), target.clone(), self.context.subject())
    }

    /// Notices while nothing runs; `None` when the wire was lost. Cancel-safe.
    pub async fn idle(&mut self) -> Option<Notice> {
        if self.context.loss_told {
            return None;
        }
        self.session.idle().await
    }

    /// Ends it politely: the database is told, then, if nobody else rides its tunnel, AWS.
    pub async fn close(self) {
        let Session { session, context } = self;
        session.close().await;
        context.audit(&Event::Disconnect, "ok", None);
        let Context { line, live, .. } = context;
        // Cancellers that still stand find nothing to cancel, and keep no tunnel alive.
        drop(live);
        if line.is_last() {
            line.close().await;
        }
    }
}

/// The database that is meant where none is named: the one it was created with, else `postgres`.
pub(super) fn database_of(endpoint: &Endpoint, named: Option<&str>) -> String {
    named.or(endpoint.database_name.as_deref()).unwrap_or("postgres").to_owned()
}

fn used(target: &Target, choice: &RouteChoice) -> Remembered {
    let route = match (&target.route, choice) {
        // What was chosen by itself is chosen by itself again; what a person chose is remembered.
        (Route::Direct, RouteChoice::Direct) => Some("direct".to_owned()),
        (Route::Direct, _) => None,
        (Route::Through(bastion), _) => Some(bastion.id.clone()),
    };
    let auth = match &target.auth {
        Auth::SecretsManager(Some(named)) => format!("secret:{named}"),
        other => other.name().to_owned(),
    };
    let (user, database) = (Some(target.user.clone()), Some(target.database.clone()));
    let token_user = user.clone().filter(|_| target.auth == Auth::Iam);
    Remembered { user, token_user, database, route, auth: Some(auth), at: None }
}
