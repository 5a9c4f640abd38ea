//! SSM sessions: starting, resuming, ending, and whether a node is connected. It must not know the data channel.

use super::cloud::Cloud;
use super::error::{Error, Kind};
use crate::model::{Place, Secret};
use aws_smithy_types::timeout::TimeoutConfig;

/// What StartSession is asked for.
#[derive(Clone, Debug)]
pub struct StartRequest<'a> {
    /// The node's id.
    pub node: &'a str,
    /// The document's name.
    pub document: &'a str,
    /// The document's parameters.
    pub parameters: &'a [(String, String)],
    /// Shown in CloudTrail; 1 to 256 characters.
    pub reason: &'a str,
}

/// A session that AWS has granted: where its data channel is, and the secret that opens it once.
#[derive(Clone, Debug)]
pub struct Started {
    /// `SessionId`.
    pub session_id: String,
    /// `StreamUrl`, to be used as it is.
    pub stream_url: String,
    /// `TokenValue`.
    pub token: Secret,
}

const START: &str = "ssm:StartSession";
const RESUME: &str = "ssm:ResumeSession";
const TERMINATE: &str = "ssm:TerminateSession";
const STATUS: &str = "ssm:GetConnectionStatus";

impl Cloud {
    /// `ssm:StartSession`. The token that comes back is short-lived: the web socket is to be opened at once.
    pub async fn start_session(&self, place: &Place, wanted: &StartRequest<'_>) -> Result<Started, Error> {
        let clients = self.clients(place).await;
        let reason: String = wanted.reason.chars().take(256).collect();
        let mut call = clients.ssm.start_session().target(wanted.node).document_name(wanted.document);
        if !reason.is_empty() {
            call = call.reason(reason);
        }
        for (name, value) in wanted.parameters {
            call = call.parameters(name, vec![value.clone()]);
        }
        // It is not idempotent: asked again after a slow answer, it would leave a session whose id nobody knows. What was
        // refused (throttling) is still asked again.
        let patient = TimeoutConfig::builder().disable_operation_attempt_timeout().build();
        let once = aws_sdk_ssm::config::Config::builder().timeout_config(patient);
        let answer = self.ask(START, place, &clients, call.customize().config_override(once).send()).await?;
        granted(START, place, answer.session_id, answer.stream_url, answer.token_value)
    }

    /// `ssm:ResumeSession`. A session that has ended answers without a token: [`Kind::NotFound`].
    pub async fn resume_session(&self, place: &Place, session_id: &str) -> Result<Started, Error> {
        let clients = self.clients(place).await;
        let call = clients.ssm.resume_session().session_id(session_id).send();
        let answer = self.ask(RESUME, place, &clients, call).await?;
        let id = answer.session_id.or_else(|| Some(session_id.to_owned()));
        granted(RESUME, place, id, answer.stream_url, answer.token_value)
    }

    /// `ssm:TerminateSession`.
    pub async fn terminate_session(&self, place: &Place, session_id: &str) -> Result<(), Error> {
        let clients = self.clients(place).await;
        let call = clients.ssm.terminate_session().session_id(session_id).send();
        self.ask(TERMINATE, place, &clients, call).await.map(|_| ())
    }

    /// `ssm:GetConnectionStatus`: whether the node is connected to Session Manager now.
    pub async fn is_connected(&self, place: &Place, node: &str) -> Result<bool, Error> {
        let clients = self.clients(place).await;
        let call = clients.ssm.get_connection_status().target(node).send();
        let answer = self.ask(STATUS, place, &clients, call).await?;
        Ok(answer.status() == Some(&aws_sdk_ssm::types::ConnectionStatus::Connected))
    }
}

fn granted(
    operation: &'static str,
    place: &Place,
    session_id: Option<String>,
    stream_url: Option<String>,
    token: Option<String>,
) -> Result<Started, Error> {
    match (session_id, stream_url, token.filter(|token| !token.is_empty())) {
        (Some(session_id), stream_url, Some(token)) => {
            Ok(Started { session_id, stream_url: stream_url.unwrap_or_default(), token: Secret::new(token) })
        }
        _ => Err(Error {
            operation,
            code: None,
            message: "the answer has no token: the session has ended".to_owned(),
            kind: Kind::NotFound,
            place: place.clone(),
            attempts: 1,
            source: None,
        }),
    }
}
