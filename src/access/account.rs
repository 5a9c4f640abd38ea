//! The AWS side of a data channel: fresh credentials for each signature, each resume, and the end. It must not know the
//! channel.

use super::diagnose;
use super::unended::Unended;
use crate::aws::{Cloud, Error, Kind, Started, upgrade_headers};
use crate::model::Place;
use crate::ssm::{Account, Answer, Grant, Headers, Refusal, Retry};
use std::sync::{Mutex, PoisonError};

/// One session's account.
pub(super) struct SessionAccount {
    cloud: Cloud,
    place: Place,
    /// ResumeSession may leave the URL out; then the last one serves.
    stream_url: Mutex<String>,
    unended: Unended,
}

impl SessionAccount {
    pub(super) fn new(cloud: Cloud, place: Place, stream_url: String, unended: Unended) -> SessionAccount {
        SessionAccount { cloud, place, stream_url: Mutex::new(stream_url), unended }
    }
}

/// What StartSession gave, in the channel's words.
pub(super) fn grant(started: &Started) -> Grant {
    Grant {
        session_id: started.session_id.clone(),
        stream_url: started.stream_url.clone(),
        token: started.token.reveal().to_owned().into(),
    }
}

/// A login that has ended is asked for in words that a screen can show: the session waits for it.
fn refusal(error: &Error) -> Refusal {
    match error.kind {
        Kind::Expired(_) | Kind::NoCredentials(_) => {
            let diagnosis = diagnose::aws::of(error);
            let mut reason = diagnosis.title;
            if let Some(advice) = diagnosis.advice.first() {
                reason.push_str(". ");
                reason.push_str(&advice.say);
                if let Some(paste) = &advice.paste {
                    reason.push_str(": ");
                    reason.push_str(paste);
                }
            }
            Refusal { reason, retry: Retry::AfterLogin }
        }
        _ => Refusal { reason: error.to_string(), retry: if error.may_pass() { Retry::Later } else { Retry::Never } },
    }
}

impl Account for SessionAccount {
    fn resume<'a>(&'a self, session_id: &'a str) -> Answer<'a, Grant> {
        Box::pin(async move {
            let started = self.cloud.resume_session(&self.place, session_id).await;
            let mut grant = grant(&started.map_err(|error| refusal(&error))?);
            let mut last = self.stream_url.lock().unwrap_or_else(PoisonError::into_inner);
            if grant.stream_url.is_empty() {
                grant.stream_url.clone_from(&last);
            } else {
                last.clone_from(&grant.stream_url);
            }
            Ok(grant)
        })
    }

    fn sign<'a>(&'a self, url: &'a str) -> Answer<'a, Headers> {
        Box::pin(async move {
            let keys = self.cloud.keys(&self.place).await.map_err(|error| refusal(&error))?;
            upgrade_headers(url, &self.place.region, &keys, self.cloud.now())
                .map_err(|error| Refusal { reason: error.to_string(), retry: Retry::Never })
        })
    }

    fn terminate<'a>(&'a self, session_id: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            self.unended.asked(session_id);
            let answer = self.cloud.terminate_session(&self.place, session_id).await;
            self.unended.answered(session_id, &answer);
            answer.map_err(|error| refusal(&error))
        })
    }
}
