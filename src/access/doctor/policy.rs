//! What IAM's policies likely allow: the login, and the three things that a session needs. It must not take a simulation
//! for proof: whatever it says, the way is walked.

use super::chart::Chart;
use crate::access::Access;
use crate::access::diagnose::{aws, simulation as words};
use crate::access::simulation::{Simulation, Wanted};
use crate::aws::Principal;
use crate::model::{Auth, Bastion, Check, CheckKind, Endpoint, Identity, Route, Verdict, in_policy};

/// The caller, as far as policies go.
pub(super) struct Policies<'a> {
    access: &'a Access,
    endpoint: &'a Endpoint,
    caller: Option<(&'a Identity, Result<Principal, String>)>,
}

/// A session's id that could be: what comes behind the name is AWS's.
const ANY_SESSION: &str = "0123456789abcdef0";

impl<'a> Policies<'a> {
    /// Looks the caller's role up.
    pub(super) async fn new(access: &'a Access, endpoint: &'a Endpoint, who: Option<&'a Identity>) -> Policies<'a> {
        let caller = match who {
            Some(identity) => Some((identity, access.principal(&endpoint.place, identity).await)),
            None => None,
        };
        Policies { access, endpoint, caller }
    }

    /// `rds-db:connect` for the user.
    pub(super) async fn connect(&self, user: Option<&str>, auth: &Auth, chart: &mut Chart) {
        let kind = CheckKind::ConnectPolicy;
        if !matches!(auth, Auth::Iam) {
            return chart.skip(&[kind], "no token is used");
        }
        if !self.endpoint.engine.has_iam_auth() {
            return chart.skip(&[kind], &format!("{} has no IAM authentication", self.endpoint.engine));
        }
        let Some(user) = user else {
            return chart.put(Check::new(kind, Verdict::CouldNotLook, "no database user is named"));
        };
        let resources = vec![self.endpoint.connect_resource(user)];
        self.look(kind, &Wanted { action: "rds-db:connect", resources, any: false }, chart).await;
    }

    /// What a session on the bastion needs.
    pub(super) async fn sessions(&self, route: &Route, chart: &mut Chart) {
        let bastion = match route {
            Route::Direct => {
                let all = [CheckKind::StartPolicy, CheckKind::ResumePolicy, CheckKind::TerminatePolicy];
                return chart.skip(&all, "a direct line has no session");
            }
            Route::Through(bastion) => bastion,
        };
        let document = &self.access.settings().ssm_document;
        let resources = aws::session_resources(bastion, self.endpoint, document).to_vec();
        let start = Wanted { action: "ssm:StartSession", resources, any: false };
        self.look(CheckKind::StartPolicy, &start, chart).await;
        for (kind, action) in
            [(CheckKind::ResumePolicy, "ssm:ResumeSession"), (CheckKind::TerminatePolicy, "ssm:TerminateSession")]
        {
            // Policies name one's own sessions by the user id or by the session's name.
            self.look(kind, &Wanted { action, resources: self.own_sessions(bastion), any: true }, chart).await;
        }
    }

    fn own_sessions(&self, bastion: &Bastion) -> Vec<String> {
        let Some((identity, _)) = &self.caller else { return Vec::new() };
        let Endpoint { partition, account, .. } = self.endpoint;
        let region = &bastion.place.region;
        let name = identity.arn.rsplit('/').next().unwrap_or_default();
        let named = |who: &str| format!("arn:{partition}:ssm:{region}:{account}:session/{who}-{ANY_SESSION}");
        let mut sessions = vec![named(name)];
        if !identity.user_id.is_empty() && identity.user_id != name {
            sessions.push(named(&identity.user_id));
        }
        sessions
    }

    async fn look(&self, kind: CheckKind, wanted: &Wanted<'_>, chart: &mut Chart) {
        chart.begin(kind, wanted.action);
        let Some((identity, principal)) = &self.caller else {
            let why = format!("{}: AWS did not say who we are", wanted.action);
            return chart.put(Check::new(kind, Verdict::CouldNotLook, why));
        };
        let simulation = self.access.simulate(&self.endpoint.place, identity, principal, wanted).await;
        let verdict = match &simulation {
            Simulation::Allowed { .. } | Simulation::Root => Verdict::Likely,
            Simulation::NotAllowed { .. } => Verdict::Doubtful,
            Simulation::Unknown(_) => Verdict::CouldNotLook,
        };
        let mut check = Check::new(kind, verdict, words::words(&simulation, wanted.action));
        check.details = wanted.resources.iter().map(|resource| format!("on {resource}")).collect();
        check.diagnosis = words::not_allowed(&simulation, wanted.action, &self.statement(kind, wanted)).map(Box::new);
        chart.end(check);
    }

    /// The resources for a statement: what was simulated, or for sessions what AWS's own examples name.
    fn statement(&self, kind: CheckKind, wanted: &Wanted<'_>) -> Vec<String> {
        match kind {
            CheckKind::ResumePolicy | CheckKind::TerminatePolicy => {
                vec![format!("arn:{}:ssm:*:*:session/${{aws:userid}}-*", self.endpoint.partition)]
            }
            // As a policy has to write them.
            _ => wanted.resources.iter().map(|resource| in_policy(resource)).collect(),
        }
    }
}
