//! A walk told step by step: begun, done with what was found, or failed; each with its time and none without a limit.

use super::Steps;
use crate::model::{Diagnosis, Kind, Step, StepKind, StepState};
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;

/// What a failed step may take beyond its limit to find out why.
const GRACE: Duration = Duration::from_secs(6);

/// Tells steps.
#[derive(Clone)]
pub(super) struct Walk {
    steps: Steps,
    limit: Duration,
    /// The SSM session that was started on the way, also where it then led nowhere: the audit names it.
    ssm_session: Arc<OnceLock<String>>,
}

impl Walk {
    /// `limit` is what each step's own work may take; callers hold to it where they can tell more than that it is over.
    pub(super) fn new(steps: Steps, limit: Duration) -> Walk {
        Walk { steps, limit, ssm_session: Arc::default() }
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// That session, once there is one.
    pub(super) fn ssm_session(&self) -> Option<&str> {
        self.ssm_session.get().map(String::as_str)
    }

    /// Keeps that session's id.
    pub(super) fn through(&self, ssm_session: &str) {
        // A walk has one session; a second word is about the same.
        let _ = self.ssm_session.set(ssm_session.to_owned());
    }

    pub(super) fn tell(&self, kind: StepKind, state: StepState) {
        if let Some(steps) = &self.steps {
            // Whoever listened may have stopped.
            let _ = steps.send(Step { kind, state });
        }
    }

    /// Awaits one step: what it gives, and what was found, in words.
    pub(super) async fn step<T>(
        &self,
        kind: StepKind,
        about: impl Into<String>,
        work: impl Future<Output = Result<(T, String), Diagnosis>>,
    ) -> Result<T, Diagnosis> {
        let about = about.into();
        let begun = Instant::now();
        self.tell(kind, StepState::Begun(about.clone()));
        let answer = tokio::time::timeout(self.limit + GRACE, Box::pin(work))
            .await
            .unwrap_or_else(|_| Err(self.too_late(kind, &about)));
        let took = begun.elapsed();
        match answer {
            Ok((value, found)) => {
                self.tell(kind, StepState::Done(found, took));
                Ok(value)
            }
            Err(diagnosis) => {
                self.tell(kind, StepState::Failed(Box::new(diagnosis.clone()), took));
                Err(diagnosis)
            }
        }
    }

    fn too_late(&self, kind: StepKind, about: &str) -> Diagnosis {
        let seconds = self.limit.as_secs();
        let (class, title) = match kind {
            StepKind::Credentials => (Kind::LoginEnded, format!("No AWS credentials within {seconds} s")),
            StepKind::Route => (Kind::AwsUnreachable, format!("The route was not settled within {seconds} s")),
            StepKind::Session => (Kind::AwsUnreachable, format!("AWS did not start the session within {seconds} s")),
            StepKind::Handshake => (Kind::BastionUnusable, format!("The agent did not answer within {seconds} s")),
            StepKind::Database => (Kind::UnreachableFromHere, format!("{about} did not answer within {seconds} s")),
            StepKind::Tls => (Kind::TlsRefused, format!("TLS was not settled within {seconds} s")),
            StepKind::Login => (Kind::ServerBusy, format!("The login was not answered within {seconds} s")),
        };
        Diagnosis::new(class, title)
            .because(format!("step: {} ({about})", kind.name()))
            .advise("Try again; on a slow network, with a longer connect_timeout in the settings")
    }
}
