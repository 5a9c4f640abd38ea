//! The doctor: looks at every link of the chain from settings to a server that answers, says of each how it stands, and
//! stops where going on makes no sense. It changes nothing: what it opens it ends, it writes no row, remembers nothing.
//!
//! The links are those that [`Access::connect`] walks, by the same steps and with the same words; what a connect takes on
//! trust (policies, clocks, roots, the role's memberships) is looked at besides. It must not have sentences of its own for
//! what went wrong: `access::diagnose` has them.

mod account;
mod bastion;
mod chart;
mod database;
mod login;
mod policy;
mod port;
mod tls;

use super::audit::{Event, Subject as Whose};
use super::{Access, Found, refusal};
use crate::model::{Auth, DoctorNews, DoctorReport, Endpoint, Identity, Place, Route, RouteChoice, Target};
use chart::{Broken, Chart};
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// Who or what is to be looked at.
#[derive(Clone, Debug)]
pub enum Subject {
    /// What a NAME means, over all places.
    Named(String),
    /// This endpoint, in its place.
    Endpoint(Box<Endpoint>),
}

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The database.
    pub subject: Subject,
    /// The role; `None` is the one used last, else the setting.
    pub user: Option<String>,
    /// The database's name; `None` as for a connect.
    pub database: Option<String>,
    /// The way there.
    pub route: RouteChoice,
    /// How to log in.
    pub auth: Auth,
}

/// What is known on the way, for the audit and for later links.
#[derive(Default)]
struct Visit {
    identity: Option<Identity>,
    target: Option<Target>,
    ssm_session: Option<String>,
}

impl Access {
    /// Looks at everything; each link is told when it is begun and when it was looked at. Dropped, it stops, and the session
    /// it may have opened ends.
    pub async fn doctor(&self, wish: &Wish, news: Option<UnboundedSender<DoctorNews>>) -> DoctorReport {
        let begun = Instant::now();
        let target = match &wish.subject {
            Subject::Named(name) => name.clone(),
            Subject::Endpoint(endpoint) => endpoint.owner.clone(),
        };
        let mut chart = Chart::new(target, wish.user.clone().unwrap_or_default(), news);
        let mut visit = Visit::default();
        // That it broke somewhere is in the chart.
        let _ = Box::pin(self.examine(wish, &mut chart, &mut visit)).await;
        let report = chart.finish();
        if let Some(target) = &visit.target {
            let whose = Whose::new(target, visit.identity.as_ref(), visit.ssm_session.as_deref());
            let broken = report.broken().and_then(|check| check.diagnosis.as_deref());
            let outcome = broken.map_or_else(|| "ok".to_owned(), refusal::outcome);
            self.inner.audit.note(&whose, &Event::Doctor, &outcome, Some(begun.elapsed()));
        }
        report
    }

    async fn examine(&self, wish: &Wish, chart: &mut Chart, visit: &mut Visit) -> Result<(), Broken> {
        let places = account::settings(self, &wish.subject, chart).await?;
        let identities = account::credentials(self, &places, chart).await;
        // A refusal tells the time, too, and a wrong clock can be why it is one.
        account::clock(self, chart);
        let identities = identities?;
        let Found { database, endpoint } = database::find(self, wish, &places, chart).await?;
        visit.identity =
            identities.into_iter().find(|(place, _)| place.profile == endpoint.place.profile).map(|(_, who)| who);
        let user = match wish.user.clone() {
            Some(user) => Some(user),
            // A secret says whose it is; that it cannot be had is told where it is used.
            None => match self.user_of_secret(&endpoint, &wish.auth).await {
                Ok(Some(user)) => Some(user),
                _ => self.default_user(&endpoint, &wish.auth),
            },
        };
        chart.named(user.as_deref().unwrap_or_default());
        let mut target = Target {
            endpoint: endpoint.clone(),
            route: Route::Direct,
            database: super::session::database_of(&endpoint, wish.database.as_deref()),
            user: user.clone().unwrap_or_default(),
            auth: wish.auth.clone(),
            // The server's own default is to be seen; only catalogues are read.
            read_only: false,
        };
        visit.target = Some(target.clone());
        let policies = policy::Policies::new(self, &endpoint, visit.identity.as_ref()).await;
        policies.connect(user.as_deref(), &wish.auth, chart).await;
        let route = bastion::choose(self, &endpoint, &wish.route, chart).await?;
        target.route = route.clone();
        visit.target = Some(target.clone());
        policies.sessions(&route, chart).await;
        let opened = port::open(self, &target, visit, chart).await;
        let Ok(line) = opened else { return Err(Broken) };
        let looked = async {
            if !endpoint.engine.is_postgres() {
                return Err(login::foreign(&endpoint, user.as_deref(), chart));
            }
            tls::look(self, &line, &database, chart).await?;
            let Some(_) = user else { return Err(login::nobody(&endpoint, chart)) };
            login::look(self, &target, &line, chart).await
        };
        let looked = Box::pin(looked).await;
        // What it opened ends with it, before it says that it is done.
        line.close().await;
        looked
    }
}

/// The places where one question each is enough: one of every profile.
fn one_of_each_profile(places: &[Place]) -> Vec<Place> {
    let mut chosen: Vec<Place> = Vec::new();
    for place in places {
        if !chosen.iter().any(|other| other.profile == place.profile) {
            chosen.push(place.clone());
        }
    }
    chosen
}
