//! AWS over HTTP on loopback: every request's signature is checked, then RDS, SSM, EC2, IAM or STS answers from the cast in
//! its own protocol and words. It must not know the data channel, the gate or PostgreSQL: sessions go through
//! [`session_door`].

mod answer;
mod control;
mod ec2;
mod iam;
mod page;
mod rds;
mod request;
mod secrets;
mod server;
pub mod session_door;
pub mod sigv4;
mod ssm;
mod sts;
mod xml;

pub use server::{Server, serve, serve_with};

use self::answer::{Answer, Dialect, Failure};
use self::request::Request;
use self::session_door::SessionDoor;
use self::sigv4::{Refusal, Scope, Verified};
use super::changes::Changes;
use super::clock::Clock;
use super::faults::{Fault, Faults};
use super::keys::CALLER_ARN;
use super::policies::{Decision, judge, user_id};
use super::secrets::Secrets;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The part behind the socket: from a request to an answer.
#[derive(Clone, Debug)]
struct Aws {
    clock: Clock,
    faults: Faults,
    door: SessionDoor,
    secrets: Secrets,
    changes: Changes,
    calls: Calls,
}

/// How often each action was answered, as `SERVICE:ACTION`. Clones share it.
#[derive(Clone, Debug, Default)]
struct Calls(Arc<Mutex<BTreeMap<String, usize>>>);

impl Calls {
    fn count(&self, action: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(action.to_owned()).or_default() += 1;
    }

    fn of(&self, beginning: &str) -> usize {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().filter(|(action, _)| action.starts_with(beginning)).map(|(_, count)| count).sum()
    }
}

impl Aws {
    fn answer(&self, request: &Request, request_id: &str) -> Answer {
        if self.faults.is_on(&Fault::ProxyInTheWay) {
            // Whoever stands between has read nothing of the request.
            let page = "<html><head><title>407 Proxy Authentication Required</title></head></html>\n";
            return Answer { status: 407, content_type: "text/html", body: page.to_owned() };
        }
        let dialect = dialect_of(request);
        self.outcome(request, dialect, request_id).unwrap_or_else(|failure| failure.answer(dialect, request_id))
    }

    fn outcome(&self, request: &Request, dialect: Dialect, request_id: &str) -> Result<Answer, Failure> {
        let verified = self.verify(request).map_err(|refusal| Failure::refused(dialect, &refusal))?;
        let region = verified.region.as_str();
        if self.faults.is_on(&Fault::RegionRefused(region.to_owned())) {
            return Err(Failure::refused(dialect, &Refusal::UnknownKey));
        }
        if self.faults.is_on(&Fault::ExpiredLogin) {
            return Err(Failure::refused(dialect, &Refusal::ExpiredToken));
        }
        if self.faults.is_on(&Fault::Throttled) {
            return Err(Failure::throttled(dialect));
        }
        let parameters = request.parameters();
        let action = match dialect {
            // `AmazonSSM.StartSession`, `secretsmanager.GetSecretValue`.
            Dialect::Json => request.header("x-amz-target").and_then(|target| target.split_once('.')).map(|(_, it)| it),
            Dialect::Query | Dialect::Ec2 => parameters.get("Action"),
        }
        .unwrap_or_default();
        let ssm = ssm::Ssm { region, clock: &self.clock, faults: &self.faults, door: &self.door };
        let full = format!("{}:{action}", verified.service);
        self.calls.count(&full);
        let resource = match verified.service.as_str() {
            "rds" => rds::resource(action, region, &parameters),
            "ssm" => ssm.resource(action, &request.body),
            "secretsmanager" => secrets::resource(region, &request.body),
            "iam" => iam::resource(action, &parameters),
            _ => "*".to_owned(),
        };
        // Who one is may be asked without any permission.
        let free = verified.service == "sts" && !self.faults.is_on(&Fault::Denied(full.clone()));
        if !free && judge(&self.faults, &full, &resource, &user_id()).decision != Decision::Allowed {
            return Err(Failure::denied(dialect, CALLER_ARN, &full, &resource));
        }
        let body = match verified.service.as_str() {
            "rds" => rds::answer(action, region, &parameters, request_id, &self.changes),
            "ec2" => ec2::answer(action, region, &parameters, request_id),
            "iam" => iam::answer(action, &parameters, &self.faults, request_id),
            "sts" => sts::answer(action, request_id),
            "ssm" => ssm.answer(action, &request.body),
            "secretsmanager" => secrets::answer(action, region, &request.body, &self.secrets),
            _ => Err(unknown_action(action, parameters.get("Version").unwrap_or("NO_VERSION_SPECIFIED"))),
        }?;
        Ok(Answer { status: 200, content_type: dialect.content_type(), body })
    }

    /// The service that is checked for is the one that the request says it is signed for: all of AWS is behind this one
    /// address, so that there is no host name to tell them apart.
    fn verify(&self, request: &Request) -> Result<Verified, Refusal> {
        if let Some(scope) = Scope::claimed(&request.headers) {
            return sigv4::verify_header(
                &request.method,
                &request.path,
                &request.query,
                &request.headers,
                &sigv4::sha256_hex(&request.body),
                &scope.service,
                &self.clock,
            );
        }
        if request.header("authorization").is_none() && request.query.contains("X-Amz-Signature=") {
            // What the signature does not cover must not be read.
            if !request.body.is_empty() {
                return Err(Refusal::Mismatch);
            }
            let service = presigned_service(&request.query).unwrap_or_default();
            let host = request.header("host").unwrap_or_default();
            let now = self.clock.now();
            return sigv4::verify_presigned(&request.method, host, &request.path, &request.query, &service, now);
        }
        match request.header("authorization") {
            Some(_) => Err(Refusal::Incomplete("Authorization header is not that of Signature Version 4.".to_owned())),
            None => Err(Refusal::Unsigned),
        }
    }
}

/// Before anything is verified: only to know in which words to answer.
fn dialect_of(request: &Request) -> Dialect {
    if request.header("x-amz-target").is_some() {
        return Dialect::Json;
    }
    let service =
        Scope::claimed(&request.headers).map(|scope| scope.service).or_else(|| presigned_service(&request.query));
    match service.as_deref() {
        Some("ssm" | "secretsmanager") => Dialect::Json,
        Some("ec2") => Dialect::Ec2,
        _ => Dialect::Query,
    }
}

fn presigned_service(query: &str) -> Option<String> {
    let credential = query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Credential="))?;
    credential.replace("%2F", "/").split('/').nth(3).map(str::to_owned)
}

fn unknown_action(action: &str, version: &str) -> Failure {
    Failure::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}"))
}
