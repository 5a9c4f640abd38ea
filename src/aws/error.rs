//! What AWS, or the way to it, refused: one typed error for every operation. It must not know what to advise.

use super::credentials::Origin;
use crate::model::Place;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use std::error::Error as StdError;
use std::fmt;

/// An operation that failed, with its source kept.
#[derive(thiserror::Error)]
#[error("{operation} in {place}: {message}")]
pub struct Error {
    /// As IAM writes it, e.g. `rds:DescribeDBClusters`.
    pub operation: &'static str,
    /// AWS's error code, where AWS answered.
    pub code: Option<String>,
    /// AWS's message, or what the network said.
    pub message: String,
    /// Which class of failure.
    pub kind: Kind,
    /// Where it was asked.
    pub place: Place,
    /// How often it was sent before giving up; 0 when it never left.
    pub attempts: u32,
    /// What lies below.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The source in its messages only: an SDK's error has the whole answer in its `Debug`, and one to StartSession holds the
/// session's token.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.source.as_deref().map(|source| chain(source).join(": "));
        f.debug_struct("Error")
            .field("operation", &self.operation)
            .field("code", &self.code)
            .field("message", &self.message)
            .field("kind", &self.kind)
            .field("place", &self.place)
            .field("attempts", &self.attempts)
            .field("source", &source)
            .finish()
    }
}

/// The class of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There are no credentials, or they could not be loaded.
    NoCredentials(Origin),
    /// The credentials have ended.
    Expired(Origin),
    /// This identity may not do this.
    AccessDenied {
        /// The ARN AWS names, where it names one.
        resource: Option<String>,
        /// The principal AWS names.
        principal: Option<String>,
    },
    /// Asked too often.
    Throttled,
    /// The region does not know these keys: it is not enabled for the account, or the keys are wrong.
    RegionRefused,
    /// The signature was refused: wrong secret key, or a clock that is off.
    SignatureRefused,
    /// The endpoint did not answer.
    Unreachable,
    /// A proxy stood in the way and refused.
    ProxyRefused,
    /// What was asked about does not exist.
    NotFound,
    /// The node is not connected to Session Manager; also said of a wrong account or region.
    TargetNotConnected,
    /// The SSM document does not exist, or its parameters are wrong.
    InvalidDocument,
    /// A setting of the AWS configuration is wrong (profile, endpoint, bundle).
    Configuration,
    /// Anything else.
    Other,
}

impl Error {
    /// A wrong setting.
    pub fn configuration(place: &Place, message: impl Into<String>) -> Error {
        Error {
            operation: "configuration",
            code: None,
            message: message.into(),
            kind: Kind::Configuration,
            place: place.clone(),
            attempts: 0,
            source: None,
        }
    }

    /// From an SDK's error.
    pub(super) fn from_sdk<E>(
        operation: &'static str,
        place: &Place,
        attempts: u32,
        origin: Origin,
        error: SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let code = error.code().map(str::to_owned);
        let said = error.message().map(str::to_owned);
        let (kind, message) = match (&error, &code) {
            (SdkError::ServiceError(_), Some(code)) => {
                let message = said.unwrap_or_else(|| code.clone());
                (Kind::of_code(code, &message, &origin), message)
            }
            (SdkError::ServiceError(_) | SdkError::ResponseError(_), _) if error.raw_response().is_some() => {
                let status = context_status(&error).unwrap_or_default();
                (kind_of_status(status), format!("HTTP {status} without an AWS error in it: a proxy or a portal?"))
            }
            _ => {
                let chain = chain(&error);
                let text = chain.join(": ");
                match credentials_error(&error) {
                    Some(credentials) => {
                        let words = self::chain(credentials).join(": ");
                        (kind_of_credentials(credentials, &words, &origin), words)
                    }
                    None => (kind_of_transport(&text), text),
                }
            }
        };
        Error { operation, code, message, kind, place: place.clone(), attempts, source: Some(Box::new(error)) }
    }

    /// From a code and message read from an answer (EC2's XML).
    pub(super) fn from_answer(
        operation: &'static str,
        place: &Place,
        attempts: u32,
        origin: Origin,
        code: String,
        message: String,
    ) -> Error {
        let kind = Kind::of_code(&code, &message, &origin);
        Error { operation, code: Some(code), message, kind, place: place.clone(), attempts, source: None }
    }

    /// From a failure below HTTP.
    pub(super) fn from_transport(
        operation: &'static str,
        place: &Place,
        attempts: u32,
        error: Box<dyn StdError + Send + Sync>,
    ) -> Error {
        let text = chain(error.as_ref()).join(": ");
        Error {
            operation,
            code: None,
            kind: kind_of_transport(&text),
            message: text,
            place: place.clone(),
            attempts,
            source: Some(error),
        }
    }

    /// From a failure to load credentials.
    pub(super) fn from_credentials(
        operation: &'static str,
        place: &Place,
        origin: Origin,
        error: CredentialsError,
    ) -> Error {
        let message = chain(&error).join(": ");
        Error {
            operation,
            code: None,
            kind: kind_of_credentials(&error, &message, &origin),
            message,
            place: place.clone(),
            attempts: 0,
            source: Some(Box::new(error)),
        }
    }

    /// Whether asking again later, unchanged, can help: throttling, the network, or a login that the user may renew.
    pub fn may_pass(&self) -> bool {
        matches!(
            self.kind,
            Kind::NoCredentials(_)
                | Kind::Expired(_)
                | Kind::Throttled
                | Kind::Unreachable
                | Kind::ProxyRefused
                | Kind::SignatureRefused
        ) || self.code.as_deref().is_some_and(|code| code.contains("Internal") || code.contains("Unavailable"))
    }
}

impl Kind {
    /// From AWS's error code (Query protocol and JSON protocol spell them differently).
    pub(super) fn of_code(code: &str, message: &str, origin: &Origin) -> Kind {
        let bare = code.trim_end_matches("Fault").trim_end_matches("Exception");
        match bare {
            "ExpiredToken" | "RequestExpired" | "TokenRefreshRequired" | "Expired" => Kind::Expired(origin.clone()),
            "AccessDenied"
            | "UnauthorizedOperation"
            | "UnauthorizedAccess"
            | "Unauthorized"
            | "NotAuthorized"
            | "Client.UnauthorizedOperation" => {
                Kind::AccessDenied { resource: after(message, "on resource: "), principal: after(message, "User: ") }
            }
            "InvalidClientTokenId"
            | "UnrecognizedClient"
            | "OptInRequired"
            | "AuthFailure"
            | "InvalidAccessKeyId"
            | "SubscriptionRequired" => Kind::RegionRefused,
            "SignatureDoesNotMatch" | "InvalidSignature" | "RequestTimeTooSkewed" | "IncompleteSignature" => {
                // An expired signature of good keys is a clock; an expired session token says so itself.
                Kind::SignatureRefused
            }
            "TargetNotConnected" => Kind::TargetNotConnected,
            "InvalidDocument" | "InvalidDocumentVersion" | "InvalidParameters" => Kind::InvalidDocument,
            "MissingAuthenticationToken" => Kind::NoCredentials(origin.clone()),
            "InternalServerError" | "InternalFailure" | "InternalError" | "ServiceUnavailable" | "Unavailable" => {
                Kind::Other
            }
            _ if bare.contains("Throttl")
                || bare.contains("RequestLimitExceeded")
                || bare.contains("TooManyRequests")
                || bare == "SlowDown"
                || bare == "BandwidthLimitExceeded" =>
            {
                Kind::Throttled
            }
            _ if bare.contains("NotFound") || bare.contains("DoesNotExist") || bare == "NoSuchEntity" => Kind::NotFound,
            _ => Kind::Other,
        }
    }
}

/// The word after `mark` in one of AWS's messages ("User: ARN is not authorized to perform: … on resource: ARN because …").
fn after(message: &str, mark: &str) -> Option<String> {
    let rest = &message[message.find(mark)? + mark.len()..];
    let word: String = rest.chars().take_while(|c| !c.is_whitespace() && *c != ',').collect();
    let word = word.trim_matches(['"', '\'', '.']).to_owned();
    (!word.is_empty()).then_some(word)
}

fn context_status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

fn kind_of_status(status: u16) -> Kind {
    match status {
        407 => Kind::ProxyRefused,
        429 => Kind::Throttled,
        502..=504 => Kind::Unreachable,
        _ => Kind::Other,
    }
}

fn kind_of_transport(text: &str) -> Kind {
    let lower = text.to_ascii_lowercase();
    if lower.contains("proxy") || lower.contains("tunnel") {
        Kind::ProxyRefused
    } else if lower.contains("endpoint") && lower.contains("invalid") && !lower.contains("certificate") {
        Kind::Configuration
    } else {
        Kind::Unreachable
    }
}

fn kind_of_credentials(error: &CredentialsError, words: &str, origin: &Origin) -> Kind {
    let lower = words.to_ascii_lowercase();
    let ended = ["expired", "has ended", "invalid_grant", "unauthorized", "token is invalid", "refresh"];
    if ended.iter().any(|word| lower.contains(word)) {
        return Kind::Expired(origin.clone());
    }
    match error {
        CredentialsError::ProviderTimedOut(_) => Kind::Unreachable,
        CredentialsError::InvalidConfiguration(_) => Kind::Configuration,
        CredentialsError::ProviderError(_) if lower.contains("dispatch failure") || lower.contains("connect") => {
            Kind::Unreachable
        }
        _ => Kind::NoCredentials(origin.clone()),
    }
}

fn credentials_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a CredentialsError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<CredentialsError>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The messages from `error` down, without those that only repeat what is below them.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = match error.downcast_ref::<ErrorMetadata>() {
            Some(said) => [said.code(), said.message()].into_iter().flatten().collect::<Vec<_>>().join(": "),
            // The SDK's word for an error that its model does not know ends on Rust's own spelling of it.
            None => error.to_string().split(": Error { ").next().unwrap_or_default().to_owned(),
        };
        if !text.is_empty() && words.last().is_none_or(|last| !last.contains(&text)) {
            words.push(text);
        }
        next = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_protocols_are_told_apart() {
        let origin = Origin::Keys;
        let kind = |code| Kind::of_code(code, "", &origin);
        for code in ["ExpiredToken", "ExpiredTokenException", "RequestExpired"] {
            assert_eq!(kind(code), Kind::Expired(Origin::Keys), "{code}");
        }
        for code in ["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"] {
            assert_eq!(kind(code), Kind::Throttled, "{code}");
        }
        for code in ["InvalidClientTokenId", "UnrecognizedClientException", "OptInRequired", "AuthFailure"] {
            assert_eq!(kind(code), Kind::RegionRefused, "{code}");
        }
        for code in ["DBClusterNotFoundFault", "DoesNotExistException", "DBInstanceNotFound"] {
            assert_eq!(kind(code), Kind::NotFound, "{code}");
        }
        assert_eq!(kind("TargetNotConnected"), Kind::TargetNotConnected);
        assert_eq!(kind("InvalidDocument"), Kind::InvalidDocument);
        assert_eq!(kind("SignatureDoesNotMatch"), Kind::SignatureRefused);
        assert_eq!(kind("KMSKeyNotAccessibleFault"), Kind::Other);
    }

    #[test]
    fn a_refused_role_is_told_in_words() {
        let said = ErrorMetadata::builder().code("AccessDenied").message("User: me may not sts:AssumeRole").build();
        let error = aws_sdk_sts::operation::assume_role::AssumeRoleError::generic(said);
        assert_eq!(chain(&error), ["unhandled error (AccessDenied)", "AccessDenied: User: me may not sts:AssumeRole"]);
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_not_shown() {
        use aws_sdk_ssm::operation::start_session::StartSessionError;
        let body = r#"{"SessionId":"me-0a1","TokenValue":"AAEAA-the-token","StreamUrl":7}"#;
        let status = 200_u16.try_into().expect("a status");
        let raw = HttpResponse::new(status, aws_smithy_types::body::SdkBody::from(body));
        let sdk = SdkError::<StartSessionError, _>::response_error("expected a string at StreamUrl", raw);
        assert!(format!("{sdk:?}").contains("the-token"), "what is to be kept away is there");
        let place = Place { profile: None, region: "eu-west-1".to_owned() };
        let error = Error::from_sdk("ssm:StartSession", &place, 1, Origin::Keys, sdk);
        for shown in [format!("{error:?}"), format!("{error:#?}"), error.to_string()] {
            assert!(!shown.contains("the-token"), "{shown}");
            assert!(shown.contains("ssm:StartSession"), "{shown}");
        }
    }

    #[test]
    fn a_denial_names_who_and_what() {
        let message = "User: arn:aws:sts::123456789012:assumed-role/dev/me is not authorized to perform: \
                       ssm:StartSession on resource: arn:aws:ec2:eu-west-1:123456789012:instance/i-0b2 because no \
                       identity-based policy allows the ssm:StartSession action";
        assert_eq!(
            Kind::of_code("AccessDeniedException", message, &Origin::Keys),
            Kind::AccessDenied {
                resource: Some("arn:aws:ec2:eu-west-1:123456789012:instance/i-0b2".to_owned()),
                principal: Some("arn:aws:sts::123456789012:assumed-role/dev/me".to_owned()),
            }
        );
        assert_eq!(
            Kind::of_code("UnauthorizedOperation", "You are not authorized.", &Origin::Keys),
            Kind::AccessDenied { resource: None, principal: None }
        );
    }
}
