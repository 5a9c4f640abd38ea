//! What goes back: a success, or a failure in the dialect of the service that was asked. It must not know why.

use super::sigv4::Refusal;
use super::xml::Xml;
use serde_json::json;

/// How a service writes its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// AWS Query: RDS, STS, IAM.
    Query,
    /// EC2's older form of it.
    Ec2,
    /// AWS JSON 1.1: SSM.
    Json,
}

impl Dialect {
    /// `Content-Type` of its answers.
    pub fn content_type(self) -> &'static str {
        match self {
            Dialect::Query => "text/xml",
            Dialect::Ec2 => "text/xml;charset=UTF-8",
            Dialect::Json => "application/x-amz-json-1.1",
        }
    }
}

/// An answer ready to be sent.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
}

/// A call that failed, in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// AWS's code.
    pub code: String,
    /// AWS's sentence.
    pub message: String,
}

impl Failure {
    /// A failure.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Failure {
        Failure { status, code: code.to_owned(), message: message.into() }
    }

    /// The code and status with which each dialect refuses a signature.
    pub fn refused(dialect: Dialect, refusal: &Refusal) -> Failure {
        let (query, json, ec2) = match refusal {
            Refusal::Unsigned => {
                ((403, "MissingAuthenticationToken"), "MissingAuthenticationTokenException", (401, "AuthFailure"))
            }
            Refusal::Incomplete(_) => {
                ((400, "IncompleteSignature"), "IncompleteSignatureException", (400, "IncompleteSignature"))
            }
            Refusal::UnknownKey => ((403, "InvalidClientTokenId"), "UnrecognizedClientException", (401, "AuthFailure")),
            Refusal::ExpiredToken => ((403, "ExpiredToken"), "ExpiredTokenException", (400, "RequestExpired")),
            Refusal::Stale { .. } | Refusal::NotYet { .. } | Refusal::Ended { .. } => {
                ((403, "SignatureDoesNotMatch"), "InvalidSignatureException", (400, "RequestExpired"))
            }
            Refusal::WrongService { .. } | Refusal::TooLong { .. } | Refusal::Mismatch => {
                ((403, "SignatureDoesNotMatch"), "InvalidSignatureException", (401, "AuthFailure"))
            }
        };
        let ((status, code), message) = match dialect {
            Dialect::Query => (query, refusal.to_string()),
            Dialect::Json => ((400, json), refusal.to_string()),
            Dialect::Ec2 if ec2.1 == "AuthFailure" => {
                (ec2, "AWS was not able to validate the provided access credentials".to_owned())
            }
            Dialect::Ec2 if ec2.1 == "RequestExpired" => (ec2, "Request has expired.".to_owned()),
            Dialect::Ec2 => (ec2, refusal.to_string()),
        };
        Failure::new(status, code, message)
    }

    /// The quota of calls is used up.
    pub fn throttled(dialect: Dialect) -> Failure {
        match dialect {
            Dialect::Query => Failure::new(400, "Throttling", "Rate exceeded"),
            Dialect::Json => Failure::new(400, "ThrottlingException", "Rate exceeded"),
            Dialect::Ec2 => Failure::new(503, "RequestLimitExceeded", "Request limit exceeded."),
        }
    }

    /// No policy allows `action` (`rds:DescribeDBClusters`) on `resource`.
    pub fn denied(dialect: Dialect, caller: &str, action: &str, resource: &str) -> Failure {
        let because = format!("because no identity-based policy allows the {action} action");
        let sentence =
            format!("User: {caller} is not authorized to perform: {action} on resource: {resource} {because}");
        match dialect {
            Dialect::Query => Failure::new(403, "AccessDenied", sentence),
            Dialect::Json => Failure::new(400, "AccessDeniedException", sentence),
            Dialect::Ec2 => Failure::new(
                403,
                "UnauthorizedOperation",
                format!(
                    "You are not authorized to perform this operation. User: {caller} is not authorized to perform: \
                     {action} {because}"
                ),
            ),
        }
    }

    /// As it goes over the wire.
    pub fn answer(&self, dialect: Dialect, request_id: &str) -> Answer {
        let body = match dialect {
            Dialect::Json => json!({ "__type": self.code, "message": self.message }).to_string(),
            Dialect::Query => {
                let mut xml = Xml::default();
                xml.root("ErrorResponse", "http://webservices.amazon.com/AWSFault/2005-15-09", |xml| {
                    xml.element("Error", |xml| {
                        xml.text("Type", if self.status < 500 { "Sender" } else { "Receiver" });
                        xml.text("Code", &self.code);
                        xml.text("Message", &self.message);
                    });
                    xml.text("RequestId", request_id);
                });
                xml.finish()
            }
            Dialect::Ec2 => {
                let mut xml = Xml::default();
                xml.element("Response", |xml| {
                    xml.list("Errors", "Error", [self], |xml, failure| {
                        xml.text("Code", &failure.code);
                        xml.text("Message", &failure.message);
                    });
                    xml.text("RequestID", request_id);
                });
                xml.finish()
            }
        };
        Answer { status: self.status, content_type: dialect.content_type(), body }
    }
}
