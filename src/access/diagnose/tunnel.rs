//! What went wrong on a tunnel, in words: data channels, agents, sessions that ended. It must not know TLS, nor why a bastion
//! was chosen.

use super::aws::granted;
use super::bastion::{RESTART_AGENT, instead, update_agent};
use super::{because_lines, database, reach, shell, span};
use crate::access::policy::statement;
use crate::aws::usual_endpoint;
use crate::model::{Bastion, Diagnosis, Endpoint, Kind, Ranked};
use crate::ssm::{Ended, Error};
use std::io;
use std::time::Duration;

/// Whether it may be otherwise through another bastion.
pub(in crate::access) fn is_the_bastions(error: &Error) -> bool {
    match error {
        Error::HandshakeTimeout(_) => true,
        Error::Unsupported(reason) => !reason.contains("KMS"),
        Error::Ended(Ended::ByService(text)) => is_too_old(text) || is_stuck(text),
        _ => false,
    }
}

fn is_too_old(text: &str) -> bool {
    text.to_ascii_lowercase().contains("not supported by this version")
}

fn is_stuck(text: &str) -> bool {
    text.to_ascii_lowercase().contains("handshake timed out")
}

/// A tunnel or one of its streams could not be opened. `others`: the bastions there are, where they matter
/// ([`is_the_bastions`]).
pub(in crate::access) fn of(error: &Error, bastion: &Bastion, endpoint: &Endpoint, others: &[Ranked]) -> Diagnosis {
    match error {
        Error::Dial(reason) => undialled(reason, bastion),
        Error::Upgrade { status: status @ (401 | 403), body } => because_lines(
            Diagnosis::new(
                Kind::AccessDenied,
                format!("AWS refused the data channel of the session on {} (HTTP {status})", bastion.label()),
            ),
            body,
        )
        .advise_paste(
            "Have this statement added to your IAM policy",
            statement(
                &["ssmmessages:OpenDataChannel"],
                &[format!("arn:{}:ssm:*:*:session/${{aws:userid}}-*", endpoint.partition)],
            ),
        ),
        Error::Upgrade { status, body } => because_lines(
            Diagnosis::new(
                Kind::AwsUnreachable,
                format!("The data channel of the session on {} was refused: HTTP {status}", bastion.label()),
            ),
            body,
        )
        .advise("See whether a proxy on the way refuses web sockets"),
        Error::Account(reason) => {
            because_lines(Diagnosis::new(Kind::AwsRefused, "AWS refused a step of the session"), reason)
        }
        Error::Ended(Ended::ByService(text)) => ended_by_service(text, bastion, endpoint, others),
        Error::Ended(ended) => self::ended(ended, bastion, endpoint),
        Error::Refused => {
            let refused = io::ErrorKind::ConnectionRefused;
            database::see(reach::unreachable_from(bastion, endpoint, refused, Duration::ZERO, None), endpoint, None, false)
        }
        Error::HandshakeTimeout(after) => stuck(
            Diagnosis::new(
                Kind::BastionUnusable,
                format!("The agent on {} did not answer within {}", bastion.label(), seconds(*after)),
            ),
            bastion,
            others,
        ),
        Error::Unsupported(reason) if reason.contains("KMS") => because_lines(
            Diagnosis::new(
                Kind::BastionUnusable,
                format!("The session on {} cannot be opened: it asks for encryption with a KMS key", bastion.label()),
            ),
            reason,
        )
        .advise("Take another SSM document (setting ssm_document), or have the key taken out of the account's Session Manager preferences"),
        Error::Unsupported(reason) => too_old(
            because_lines(
                Diagnosis::new(
                    Kind::BastionUnusable,
                    format!("{} cannot forward to {}", bastion.label(), endpoint.address()),
                ),
                reason,
            ),
            bastion,
            others,
        ),
    }
}

/// Its agent is there, and does not answer.
fn stuck(diagnosis: Diagnosis, bastion: &Bastion, others: &[Ranked]) -> Diagnosis {
    let restart = RESTART_AGENT.to_owned();
    instead(diagnosis.because(agent_words(bastion)), bastion, others, "Restart its agent there", restart)
}

/// Its agent is of a version that cannot do it.
fn too_old(diagnosis: Diagnosis, bastion: &Bastion, others: &[Ranked]) -> Diagnosis {
    let update = "Update its agent to 3.1.1374 or newer, through SSM";
    instead(diagnosis.because(agent_words(bastion)), bastion, others, update, update_agent(bastion))
}

/// There is no web socket. `reason` is `ssm::dial`'s.
fn undialled(reason: &str, bastion: &Bastion) -> Diagnosis {
    let title = format!("The data channel of the session on {} could not be opened", bastion.label());
    let diagnosis = because_lines(Diagnosis::new(Kind::AwsUnreachable, title), reason);
    if reason.contains("the proxy ") {
        return diagnosis
            .advise_paste("Look at the proxy settings", "env | grep -i _proxy")
            .advise("Give the proxy's user and password in HTTPS_PROXY, or name the host in NO_PROXY");
    }
    if reason.contains("certificate") {
        return diagnosis.advise_paste(
            "Where a proxy inspects TLS: give its authority's certificate, as PEM",
            "export AWS_CA_BUNDLE=/path/to/authority.pem",
        );
    }
    let endpoint = usual_endpoint("ssmmessages", &bastion.place.region);
    let host = endpoint.trim_start_matches("https://");
    diagnosis
        .advise(format!("Let this machine reach {host}, port 443, web sockets included"))
        .advise_paste("Or name the proxy that leads there", "export HTTPS_PROXY=http://proxy.example.com:3128")
}

/// A tunnel ended for good.
pub(in crate::access) fn ended(ended: &Ended, bastion: &Bastion, endpoint: &Endpoint) -> Diagnosis {
    let lost = |title: String| Diagnosis::new(Kind::TunnelLost, title);
    let name = bastion.label();
    match ended {
        Ended::ByUs => lost(format!("The session on {name} was closed from here")),
        Ended::ByService(text) => ended_by_service(text, bastion, endpoint, &[]),
        Ended::Gone(reason) if reason.contains("not authorized to perform: ssm:ResumeSession") => granted(
            because_lines(
                lost(format!("The tunnel through {name} broke, and you may not do ssm:ResumeSession to mend it")),
                reason,
            ),
            reason,
            "ssm:ResumeSession",
            &[format!("arn:{}:ssm:*:*:session/${{aws:userid}}-*", endpoint.partition)],
        )
        .advise("Connect again"),
        Ended::Gone(reason) => {
            because_lines(lost(format!("The session on {name} has ended and cannot be resumed")), reason)
                .because("a session ends after the account's idle time (20 minutes unless set) or longest duration")
                .advise("Connect again")
        }
        Ended::AgentSilent(after) => {
            lost(format!("Nothing was heard from the agent on {name} for {}", seconds(*after)))
                .because("the service answers, so the bastion was stopped, replaced, or lost its network")
                .advise("Connect again, through another bastion if there is one")
        }
        Ended::ServiceUnreachable(after, reason) => because_lines(
            lost(format!("The session on {name} was lost: AWS could not be reached for {}", seconds(*after))),
            reason,
        )
        .advise("Connect again when this machine is back on the network"),
        Ended::LoggedOut(after, reason) => because_lines(
            lost(format!(
                "The session on {name} was lost: your AWS login had ended, and nobody renewed it for {}",
                seconds(*after)
            )),
            reason,
        )
        .advise("Log in to AWS again, then connect again"),
        Ended::Protocol(reason) => {
            because_lines(lost(format!("The session on {name} broke the protocol")), reason).advise("Connect again")
        }
    }
}

/// Whether a session ended because of what its agent found when it looked the name up: nothing, or what it never dials.
pub(in crate::access) fn is_about_the_name(text: &str) -> bool {
    is_unresolved(text) || is_forbidden(text)
}

fn is_forbidden(text: &str) -> bool {
    text.to_ascii_lowercase().contains("forbidden")
}

/// Whether a session ended because its agent could not look a name up (Go's net package, and the agent's own words).
fn is_unresolved(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["no such host", "lookup ", "could not resolve"].iter().any(|words| lower.contains(words))
}

fn ended_by_service(text: &str, bastion: &Bastion, endpoint: &Endpoint, others: &[Ranked]) -> Diagnosis {
    let lower = text.to_ascii_lowercase();
    let name = bastion.label();
    // amazon-ssm-agent's own words arrive as the text of channel_closed.
    if is_unresolved(text) {
        because_lines(
            Diagnosis::new(Kind::UnreachableFromBastion, format!("{name} cannot resolve {}", endpoint.host)),
            text,
        )
        .advise_paste("See what it resolves there", format!("getent hosts {}", shell(&endpoint.host)))
        .advise("Switch on DNS resolution and DNS host names in the bastion's VPC")
    } else if is_forbidden(text) {
        because_lines(
            Diagnosis::new(
                Kind::UnreachableFromBastion,
                format!("The agent on {name} refuses to forward to {}", endpoint.host),
            ),
            text,
        )
        .because("it denies loopback, metadata, DNS and the VPC's own addresses (amazon-ssm-agent's list), and the name leads to one")
        .advise_paste("See what it leads to there", format!("getent hosts {}", shell(&endpoint.host)))
        .advise("Where the bastion's own port is meant: take the SSM document AWS-StartPortForwardingSession (setting ssm_document)")
    } else if is_too_old(text) {
        let old = Diagnosis::new(Kind::BastionUnusable, format!("The agent on {name} is too old"));
        too_old(because_lines(old, text), bastion, others)
    } else if is_stuck(text) {
        let stuck = Diagnosis::new(Kind::BastionUnusable, format!("The agent on {name} did not finish the handshake"));
        self::stuck(because_lines(stuck, text), bastion, others)
    } else if lower.contains("inactivity") || lower.contains("idle") {
        because_lines(Diagnosis::new(Kind::TunnelLost, format!("AWS ended the session on {name}")), text)
            .because("nothing went through it for the account's idle time (Session Manager's preferences; 20 minutes unless set)")
            .advise("Connect again")
            .advise_paste("Where the account's rules allow it: have it kept alive, in the settings file", "keep_alive = \"5m\"")
    } else if lower.contains("duration") {
        because_lines(Diagnosis::new(Kind::TunnelLost, format!("AWS ended the session on {name}")), text)
            .because("it was open for as long as the account lets sessions last (Session Manager's preferences: maximum session duration)")
            .advise("Connect again: a new session has all of that time again")
    } else if text.trim().is_empty() {
        Diagnosis::new(Kind::TunnelLost, format!("AWS ended the session on {name}"))
            .because("without a reason: it was terminated, or reached the account's idle time or longest duration")
            .advise("Connect again")
    } else {
        because_lines(Diagnosis::new(Kind::TunnelLost, format!("AWS ended the session on {name}")), text)
            .advise("Connect again")
    }
}

fn agent_words(bastion: &Bastion) -> String {
    match bastion.agent.version.as_str() {
        "" => "its agent's version is not known".to_owned(),
        version => format!("its agent is {version}"),
    }
}

pub(super) fn seconds(duration: Duration) -> String {
    if duration.as_secs() == 0 { format!("{} ms", duration.as_millis()) } else { span(duration.as_secs()) }
}
