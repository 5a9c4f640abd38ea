//! The database's side of a listener: a line that is opened again when it was lost, tokens, logins. It must not know
//! clients.
//!
//! The line outlives no session of AWS: when that ended (idle, its longest duration, a bastion that is gone), or the
//! database has moved, the next login opens a new one, perhaps through another bastion. Not before: the account's idle
//! time is there to end what nobody uses.

use super::terms::Admitted;
use crate::access::audit::Subject;
use crate::access::connect::{Entered, needs_aws};
use crate::access::kept::Kept;
use crate::access::line::{self, Line};
use crate::access::walk::Walk;
use crate::access::{Access, LineReport, Steps, route};
use crate::db::LoggedIn;
use crate::model::{Auth, Diagnosis, Endpoint, Identity, Kind, Route, RouteChoice, StepKind, Target, visible};
use std::sync::{Mutex, PoisonError, Weak};
use std::time::SystemTime;
use tokio::time::Instant;

/// Where a listener leads.
pub(super) struct Upstream {
    pub(super) access: Access,
    pub(super) endpoint: Endpoint,
    pub(super) choice: RouteChoice,
    pub(super) auth: Auth,
    pub(super) read_only: bool,
    kept: Kept,
    way: tokio::sync::Mutex<Way>,
    /// The route in words, for a table.
    told: Mutex<Option<String>>,
    /// The line, for its figures; not held by that.
    seen: Mutex<Weak<line::Inner>>,
}

#[derive(Default)]
struct Way {
    reached: Option<Reached>,
    /// When the last attempt ended that came to nothing, and why: whoever waited for it takes its answer.
    failed: Option<(Instant, Diagnosis)>,
}

/// A line, and how it was come by.
#[derive(Clone)]
pub(super) struct Reached {
    pub(super) line: Line,
    route: Route,
    identity: Option<Identity>,
}

/// A login that succeeded.
pub(super) struct In {
    pub(super) logged_in: LoggedIn,
    /// To the server that it is at.
    pub(super) line: Line,
}

impl Upstream {
    pub(super) fn new(
        access: &Access,
        endpoint: Endpoint,
        choice: RouteChoice,
        auth: Auth,
        read_only: bool,
    ) -> Upstream {
        Upstream {
            access: access.clone(),
            endpoint,
            choice,
            auth,
            read_only,
            kept: Kept::default(),
            way: tokio::sync::Mutex::default(),
            told: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// The route in words, once there was one.
    pub(super) fn route(&self) -> Option<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the line is doing, while there is one.
    pub(super) fn line_report(&self) -> Option<LineReport> {
        let inner = self.seen.lock().unwrap_or_else(PoisonError::into_inner).upgrade()?;
        Some(Line::from_inner(inner).report())
    }

    /// The line that is there, or a new one.
    pub(super) async fn reach(&self, steps: Steps) -> Result<Reached, Diagnosis> {
        let asked = Instant::now();
        let mut way = self.way.lock().await;
        if let Some(reached) = way.reached.as_ref().filter(|reached| reached.line.is_alive()) {
            return Ok(reached.clone());
        }
        if let Some((_, diagnosis)) = way.failed.as_ref().filter(|(ended, _)| *ended >= asked) {
            return Err(diagnosis.clone());
        }
        // What was lost is not held any longer, whatever comes of this.
        way.reached = None;
        match Box::pin(self.open(steps)).await {
            Ok(reached) => {
                *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some(reached.route.to_string());
                *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = reached.line.weak();
                way.reached = Some(reached.clone());
                Ok(reached)
            }
            Err(diagnosis) => {
                way.failed = Some((Instant::now(), diagnosis.clone()));
                Err(diagnosis)
            }
        }
    }

    async fn open(&self, steps: Steps) -> Result<Reached, Diagnosis> {
        let (access, endpoint) = (&self.access, &self.endpoint);
        let walk = Walk::new(steps, access.settings().connect_timeout);
        // A password on a direct line asks nothing of AWS; whether the line is direct may need it to be asked.
        let certain = matches!(self.choice, RouteChoice::Direct) || access.resolved(endpoint).is_some();
        let likely = if certain { Route::Direct } else { Route::Through(route::unlisted("", endpoint)) };
        let mut identity = None;
        if needs_aws(&self.auth, &likely) {
            let found = access.credentials(&endpoint.place);
            identity = walk.step(StepKind::Credentials, endpoint.place.to_string(), found).await?;
        }
        let settled = async {
            let (route, why) = access.choose_route(endpoint, &self.choice).await?;
            Ok((route, visible(&why).into_owned()))
        };
        let route = walk.step(StepKind::Route, endpoint.address(), settled).await?;
        let line = Box::pin(access.line(endpoint, &route, &walk)).await?;
        Ok(Reached { line, route, identity })
    }

    /// A login of its own for one client. What another attempt can mend is attempted once more: a token that was kept and
    /// is refused, a line that has ended on the way.
    pub(super) async fn log_in(&self, admitted: &Admitted) -> (Result<In, Diagnosis>, Subject) {
        let mut target = self.target(admitted);
        let mut again = true;
        loop {
            let reached = match self.reach(None).await {
                Ok(reached) => reached,
                Err(diagnosis) => return (Err(diagnosis), Subject::new(&target, None, None)),
            };
            target.route = reached.route.clone();
            let line = reached.line;
            let subject = Subject::new(&target, reached.identity.as_ref(), line.ssm_session());
            let begun = SystemTime::now();
            let walk = Walk::new(None, self.access.settings().connect_timeout);
            let entering = self.access.enter_with(&target, &line, &admitted.startup, &walk, Some(&self.kept));
            let refused = match Box::pin(entering).await {
                Ok(Entered { logged_in, line, .. }) => return (Ok(In { logged_in, line }), subject),
                Err(refused) => refused,
            };
            let was_kept = matches!(refused.kind, Kind::TokenRefused | Kind::LoginRefused | Kind::LoginEnded)
                && self.kept.tokens.forget(&self.endpoint, &target.user, begun);
            let mends = was_kept || !line.is_alive();
            if !(again && mends) {
                return (Err(refused), subject);
            }
            again = false;
        }
    }

    /// As the audit names it.
    pub(super) fn target(&self, admitted: &Admitted) -> Target {
        Target {
            endpoint: self.endpoint.clone(),
            route: Route::Direct,
            database: admitted.database.clone(),
            user: admitted.user.clone(),
            auth: self.auth.clone(),
            read_only: self.read_only,
        }
    }
}
