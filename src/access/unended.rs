//! Sessions that AWS was asked to end and has not said to have ended: so that nobody believes that nothing is left open
//! when something is. It must not ask AWS.

use super::diagnose;
use crate::aws::{Error, Kind as Refused};
use crate::model::{Diagnosis, Kind};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// By session id; `None` while the answer is waited for. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Unended(Arc<Mutex<BTreeMap<String, Option<Diagnosis>>>>);

impl Unended {
    fn state(&self) -> MutexGuard<'_, BTreeMap<String, Option<Diagnosis>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// AWS is being asked.
    pub(super) fn asked(&self, session_id: &str) {
        self.state().insert(session_id.to_owned(), None);
    }

    /// AWS has answered. A session that is not there any more has ended.
    pub(super) fn answered(&self, session_id: &str, answer: &Result<(), Error>) {
        let mut state = self.state();
        match answer {
            Ok(()) => drop(state.remove(session_id)),
            Err(Error { kind: Refused::NotFound, .. }) => drop(state.remove(session_id)),
            Err(error) => {
                let mut diagnosis = diagnose::aws::of(error);
                diagnosis.title = format!("The session {session_id} may still be open at AWS: {}", diagnosis.title);
                state.insert(session_id.to_owned(), Some(diagnosis.because(IDLE)));
            }
        }
    }

    /// What is to be told at the end, once.
    pub(super) fn take(&self) -> Vec<Diagnosis> {
        let silent = |id: String| {
            Diagnosis::new(Kind::AwsUnreachable, format!("The session {id} may still be open at AWS"))
                .because("AWS did not answer ssm:TerminateSession in time")
                .because(IDLE)
        };
        std::mem::take(&mut *self.state()).into_iter().map(|(id, told)| told.unwrap_or_else(|| silent(id))).collect()
    }
}

const IDLE: &str = "it ends by itself at the account's idle time, 20 minutes unless set";
