//! The database's side of a listener: a line that is opened again when it was lost, tokens, logins. It must not know
//! clients.
//!
//! The line outlives no session of AWS: when that ended (idle, its longest duration, a bastion that is gone), or the
//! database has moved, the next login opens a new one, perhaps through another bastion. Not before: the account's idle
//! time is there to end what nobody uses. It is opened on a task of the listener's own, for which clients wait as long as
//! they like: a pool that gives up after three seconds would else end each session that takes four to start, and start the
//! next one in vain.

use super::terms::Admitted;
use crate::access::audit::Subject;
use crate::access::connect::{Entered, needs_aws};
use crate::access::kept::Kept;
use crate::access::line::{self, Line};
use crate::access::walk::Walk;
use crate::access::{Access, LineReport, Steps, route};
use crate::db::LoggedIn;
use crate::model::{Auth, Diagnosis, Endpoint, Identity, Kind, Route, RouteChoice, StepKind, Target, visible};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Where a listener leads.
pub(super) struct Upstream {
    pub(super) access: Access,
    pub(super) endpoint: Endpoint,
    pub(super) choice: RouteChoice,
    pub(super) auth: Auth,
    pub(super) read_only: bool,
    kept: Kept,
    way: Mutex<Way>,
    seen: Arc<Mutex<Seen>>,
}

/// For a table: of the last line that there was.
#[derive(Default)]
struct Seen {
    /// Its route in words.
    route: Option<String>,
    /// Itself, for its figures; not held by that.
    line: Weak<line::Inner>,
}

/// What came of opening a line; `None` while it is under way.
type Answer = Option<Result<Reached, Diagnosis>>;

#[derive(Default)]
struct Way {
    /// The last opening's; it holds the line. Whoever waits for it takes it, a refusal too.
    answer: Option<watch::Receiver<Answer>>,
    /// Does it, at most one at a time.
    opening: JoinSet<()>,
    /// Nothing is opened any more.
    closed: bool,
}

/// What an opening needs.
struct Opening {
    access: Access,
    endpoint: Endpoint,
    choice: RouteChoice,
    auth: Auth,
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
            way: Mutex::default(),
            seen: Arc::default(),
        }
    }

    /// The route in words, once there was one.
    pub(super) fn route(&self) -> Option<String> {
        lock(&self.seen).route.clone()
    }

    /// How the line is doing, while there is one.
    pub(super) fn line_report(&self) -> Option<LineReport> {
        let inner = lock(&self.seen).line.upgrade()?;
        Some(Line::from_inner(inner).report())
    }

    /// The line that is there, or a new one. Whoever leaves while it is opened leaves it to the next one.
    pub(super) async fn reach(&self, steps: Steps) -> Result<Reached, Diagnosis> {
        let mut answer = self.answer(steps);
        let opened = answer.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
        opened.unwrap_or_else(|| Err(Diagnosis::new(Kind::TunnelLost, "No line is opened: the listener closes")))
    }

    /// That of the line that is there or is being opened, or of a new opening.
    fn answer(&self, steps: Steps) -> watch::Receiver<Answer> {
        let mut way = lock(&self.way);
        let stands = |answer: &watch::Receiver<Answer>| match &*answer.borrow() {
            Some(Ok(reached)) => reached.line.is_alive(),
            Some(Err(_)) => false,
            // Without a sender nobody opens it any more.
            None => answer.has_changed().is_ok(),
        };
        if let Some(answer) = way.answer.as_ref().filter(|answer| stands(answer)) {
            return answer.clone();
        }
        let (tell, answer) = watch::channel(None);
        // What was lost is not held any longer, whatever comes of this.
        way.answer = Some(answer.clone());
        if !way.closed {
            let opening = Opening {
                access: self.access.clone(),
                endpoint: self.endpoint.clone(),
                choice: self.choice.clone(),
                auth: self.auth.clone(),
            };
            let seen = self.seen.clone();
            while way.opening.try_join_next().is_some() {}
            way.opening.spawn(async move {
                let opened = Box::pin(opening.open(steps)).await;
                if let Ok(reached) = &opened {
                    *lock(&seen) = Seen { route: Some(reached.route.to_string()), line: reached.line.weak() };
                }
                tell.send_replace(Some(opened));
            });
        }
        answer
    }

    /// Ends what is being opened, and lets nothing be opened any more. The end of the program waits for it, and so for the
    /// end of a session that was just being started.
    pub(super) fn close(&self) {
        let mut way = lock(&self.way);
        way.closed = true;
        let mut opening = std::mem::take(&mut way.opening);
        if !opening.is_empty() {
            opening.abort_all();
            self.access.inner.lines.closing().keep(async move { opening.shutdown().await });
        }
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

impl Opening {
    async fn open(&self, steps: Steps) -> Result<Reached, Diagnosis> {
        let Opening { access, endpoint, choice, auth } = self;
        let walk = Walk::new(steps, access.settings().connect_timeout);
        // A password on a direct line asks nothing of AWS; whether the line is direct may need it to be asked.
        let certain = matches!(choice, RouteChoice::Direct) || access.resolved(endpoint).is_some();
        let likely = if certain { Route::Direct } else { Route::Through(route::unlisted("", endpoint)) };
        let mut identity = None;
        if needs_aws(auth, &likely) {
            let found = access.credentials(&endpoint.place);
            identity = walk.step(StepKind::Credentials, endpoint.place.to_string(), found).await?;
        }
        let settled = async {
            let (route, why) = access.choose_route(endpoint, choice).await?;
            Ok((route, visible(&why).into_owned()))
        };
        let route = walk.step(StepKind::Route, endpoint.address(), settled).await?;
        let line = Box::pin(access.line(endpoint, &route, &walk)).await?;
        Ok(Reached { line, route, identity })
    }
}

/// Nobody panics while it is held; and if somebody did, the others could still go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
