//! The way from a settled target to a logged-in session: line, TLS, login, each told as a step. It must not decide the
//! route, nor what is done when the session is lost.

use super::diagnose;
use super::line::{Line, Peer};
use super::start::Start;
use super::walk::Walk;
use super::{Access, refusal};
use crate::db::{self, Secured};
use crate::model::{
    Auth, Bastion, Diagnosis, Endpoint, Identity, Kind, Place, Route, SessionFacts, StepKind, StepState, Target, Token,
};
use crate::ssm;
use std::ops::Range;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A wire that is logged in.
pub(super) struct Entered {
    pub(super) logged_in: db::LoggedIn,
    /// Where it was one.
    pub(super) token: Option<Token>,
    /// To the server that it is at.
    pub(super) line: Line,
    /// From before the dial to after the login: in between the backend began.
    pub(super) born: Range<SystemTime>,
}

/// Where a walk has arrived.
pub(super) struct Arrived {
    pub(super) session: db::Session,
    /// To the server that it is at.
    pub(super) line: Line,
    pub(super) facts: SessionFacts,
    /// When its backend began, within a login's time.
    pub(super) born: Range<SystemTime>,
}

impl Access {
    /// Credentials are had, and who they are; for a step's words.
    pub(super) async fn credentials(&self, place: &Place) -> Result<(Option<Identity>, String), Diagnosis> {
        let keys = self.cloud().keys(place).await.map_err(|error| diagnose::aws::of(&error))?;
        let ends = match keys.ends() {
            Some(ends) => format!(", end {}", diagnose::moment(ends)),
            None => String::new(),
        };
        // Keys can be had and be worthless: asking who they are tells. That STS cannot be reached (a private network
        // without an endpoint for it) is no reason to stop.
        match self.identity(place).await {
            Ok(identity) => {
                let words = format!("{} in {}{ends}", identity.short(), identity.account);
                Ok((Some(identity), words))
            }
            Err(diagnosis) if matches!(diagnosis.kind, Kind::LoginEnded | Kind::RegionRefused) => Err(diagnosis),
            Err(diagnosis) => Ok((None, format!("credentials found{ends}; {}", diagnosis.title))),
        }
    }

    /// The live line of that route, or a new one: for a bastion, the steps Session and Handshake.
    pub(super) async fn line(&self, endpoint: &Endpoint, route: &Route, walk: &Walk) -> Result<Line, Diagnosis> {
        let lines = &self.inner.lines;
        let bastion = match route {
            Route::Direct => {
                let key = (endpoint.place.clone(), endpoint.address(), None);
                let open = async { Ok(Line::direct(endpoint.clone(), self.resolved(endpoint), lines.closing())) };
                return lines.get_or_open(key, open).await.map(|(line, _)| line);
            }
            Route::Through(bastion) => bastion,
        };
        let key = (endpoint.place.clone(), endpoint.address(), Some(bastion.id.clone()));
        let (line, shared) = lines.get_or_open(key, Box::pin(self.tunnel(endpoint, bastion, walk))).await?;
        line.ssm_session().into_iter().for_each(|session| walk.through(session));
        if shared {
            let words = format!("{}, shared with what is open already", line.ssm_session().unwrap_or_default());
            for kind in [StepKind::Session, StepKind::Handshake] {
                walk.tell(kind, StepState::Begun(bastion.label().to_owned()));
                walk.tell(kind, StepState::Done(words.clone(), Duration::ZERO));
            }
        }
        Ok(line)
    }

    /// A new line through that bastion, shared with nobody: the steps Session and Handshake.
    pub(super) async fn tunnel(&self, endpoint: &Endpoint, bastion: &Bastion, walk: &Walk) -> Result<Line, Diagnosis> {
        let start = Start { access: self.clone(), endpoint: endpoint.clone(), bastion: bastion.clone() };
        let granted = walk
            .step(StepKind::Session, bastion.label(), async {
                match start.granted().await {
                    Some(Ok(granted)) => {
                        walk.through(granted.session_id());
                        let words = format!("{} ({}), {}", bastion.label(), bastion.id, granted.session_id());
                        Ok((granted, words))
                    }
                    Some(Err(error)) => {
                        let document = &self.settings().ssm_document;
                        Err(diagnose::aws::of_start(&error, bastion, endpoint, document))
                    }
                    None => Err(Diagnosis::new(Kind::TunnelLost, "No session was started: gatepost is ending")),
                }
            })
            .await?;
        let opened = walk.step(StepKind::Handshake, bastion.label(), async {
            let (tunnel, opened) = match granted.channel(walk.limit()).await {
                Ok(opened) => opened,
                Err(error) => return Err(refusal::of_channel(self, &error, bastion, endpoint).await),
            };
            let mut words = format!("agent {}", opened.agent_version);
            if !opened.customer_message.is_empty() {
                words.push_str(": ");
                words.push_str(&crate::model::visible(&opened.customer_message));
            }
            // A document of one's own may lead elsewhere than it was asked to: what it says is the truth.
            if let Some(destination) = opened.destination.filter(|there| *there != endpoint.address()) {
                let document = &self.settings().ssm_document;
                let there = crate::model::visible(&destination);
                words.push_str(&format!("; {document} leads to {there}"));
            }
            Ok((tunnel, words))
        });
        let tunnel = opened.await?;
        let pool = ssm::Pool::new(tunnel, self.settings().ssm_sessions, start);
        Ok(Line::through(endpoint.clone(), pool, bastion.clone(), self.inner.lines.closing()))
    }

    /// Line, database, TLS, login.
    pub(super) async fn arrive(&self, target: &Target, walk: &Walk) -> Result<Arrived, Diagnosis> {
        let line = Box::pin(self.line(&target.endpoint, &target.route, walk)).await?;
        self.arrive_over(target, line, walk).await
    }

    /// Database, TLS, login over a line that there is.
    pub(super) async fn arrive_over(&self, target: &Target, line: Line, walk: &Walk) -> Result<Arrived, Diagnosis> {
        let endpoint = &target.endpoint;
        let settings = self.settings();
        let login = db::Login {
            host: endpoint.host.clone(),
            user: target.user.clone(),
            database: target.database.clone(),
            read_only: target.read_only,
            statement_timeout: settings.statement_timeout,
            lock_timeout: settings.lock_timeout,
            application_name: format!("gatepost ({})", settings.os_user),
        };
        let entered = Box::pin(self.enter(target, &line, &login.startup(), walk)).await?;
        let Entered { logged_in, token, line, born } = entered;
        let tls = logged_in.facts.clone();
        let made = tokio::time::timeout(walk.limit(), db::Session::over(logged_in, &login)).await;
        let session = match made.unwrap_or_else(|_| Err(db::Error::Timeout(walk.limit()))) {
            Ok(session) => session,
            Err(error) => return Err(refusal::of_login(self, error, target, token.as_ref(), &line).await),
        };
        let facts = SessionFacts {
            server_version: session.parameter("server_version").unwrap_or_default(),
            pid: session.pid(),
            tls,
            token_minted: token.as_ref().map(|token| token.minted),
            token_ends: token.as_ref().map(|token| token.ends),
            route: target.route.to_string(),
            ssm_session: line.ssm_session().map(str::to_owned),
            read_only: target.read_only,
            hot_standby: session.parameter("in_hot_standby").as_deref() == Some("on"),
        };
        Ok(Arrived { session, line, facts, born })
    }

    /// The steps Database and TLS. They are one call below, told apart by the first byte that comes back. With where the
    /// wire leads.
    pub(super) async fn secure(&self, line: &Line, walk: &Walk) -> Result<(Secured, Peer), Diagnosis> {
        let endpoint = line.endpoint();
        let begun = Instant::now();
        walk.tell(StepKind::Database, StepState::Begun(endpoint.address()));
        let fail = |diagnosis: Diagnosis| {
            walk.tell(StepKind::Database, StepState::Failed(Box::new(diagnosis.clone()), begun.elapsed()));
            diagnosis
        };
        let (wire, mut heard, peer) = match line.open_as(ssm::Wish::Quick, walk.limit()).await {
            Ok(opened) => opened,
            Err(unopened) => return Err(fail(refusal::of_open(self, unopened, line, begun.elapsed()).await)),
        };
        let mut securing = Box::pin(db::secure(wire, &endpoint.host, &self.inner.roots));
        let left = walk.limit().saturating_sub(begun.elapsed());
        let early = tokio::time::timeout(left, async {
            tokio::select! {
                biased;
                // An error of the channel means that the wire is gone: the other branch tells.
                Ok(_) = heard.wait_for(|heard| *heard) => None,
                done = &mut securing => Some(done),
            }
        })
        .await;
        let early = match early {
            Err(_) => return Err(fail(refusal::silent(self, line, begun.elapsed()).await)),
            Ok(Some(Err(db::Error::Wire(error)))) => {
                return Err(fail(refusal::of_wire(self, error, line, begun.elapsed()).await));
            }
            Ok(early) => early,
        };
        walk.tell(StepKind::Database, StepState::Done(endpoint.address(), begun.elapsed()));
        walk.step(StepKind::Tls, endpoint.host.clone(), async {
            let done = match early {
                Some(done) => done,
                None => tokio::time::timeout(walk.limit(), securing)
                    .await
                    .unwrap_or_else(|_| Err(db::Error::Timeout(walk.limit()))),
            };
            match done {
                Ok(secured) => {
                    let facts = secured.facts();
                    let words = format!("TLS {}, {}, issued by {}", facts.version, facts.subject, facts.issuer);
                    Ok(((secured, peer), crate::model::visible(&words).into_owned()))
                }
                Err(error) => Err(refusal::of_tls(self, error, line).await),
            }
        })
        .await
    }
}

/// Whether AWS is asked at all on this way: not for a password on a direct line.
pub(super) fn needs_aws(auth: &Auth, route: &Route) -> bool {
    matches!(auth, Auth::Iam | Auth::SecretsManager(_)) || matches!(route, Route::Through(_))
}

/// Now, for diagnoses.
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}
