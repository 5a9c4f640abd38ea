//! Which check of the server's certificate failed, in words. There is no advice that would weaken a check.

use super::{because_lines, moment};
use crate::model::{Diagnosis, Endpoint, EndpointRole, Kind, TlsFacts};

/// The server does not offer TLS.
pub(in crate::access) fn not_offered(endpoint: &Endpoint) -> Diagnosis {
    Diagnosis::new(Kind::TlsRefused, format!("{} does not offer TLS", endpoint.address()))
        .because("gatepost sends nothing over a connection that is not encrypted and verified")
        .advise("See whether something else listens there: a pooler, another port, a stale --resolve")
        .advise("Set rds.force_ssl = 1 in the database's parameter group")
}

/// TLS failed for a reason that is not the certificate.
pub(in crate::access) fn failed(endpoint: &Endpoint, reason: &str) -> Diagnosis {
    because_lines(Diagnosis::new(Kind::TlsRefused, format!("TLS with {} failed", endpoint.address())), reason)
        .advise("See whether a proxy or firewall on the way breaks TLS")
}

/// Nobody known has signed it.
pub(in crate::access) fn unknown_issuer(endpoint: &Endpoint, facts: &TlsFacts) -> Diagnosis {
    shown(
        Diagnosis::new(
            Kind::CertificateUnknown,
            format!("The certificate of {} is signed by an authority that is not known here", endpoint.host),
        )
        .because(format!("issuer: {}", or_unknown(&facts.issuer))),
        facts,
    )
    .advise_paste("If the region is new: get Amazon's newest bundle", bundle(endpoint))
    .advise_paste("And give it to gatepost", "--ca-bundle global-bundle.pem")
    .advise(
        "If the issuer is your own company's: give its certificate with --ca-bundle. If it is nobody's: do not go on",
    )
}

/// Each partition has its own (RDS User Guide, "Using SSL/TLS to encrypt a connection").
fn bundle(endpoint: &Endpoint) -> String {
    let host = match endpoint.partition.as_str() {
        "aws-us-gov" => "truststore.pki.us-gov-west-1.rds.amazonaws.com",
        "aws-cn" => "rds-truststore.s3.cn-north-1.amazonaws.com.cn",
        _ => "truststore.pki.rds.amazonaws.com",
    };
    format!("curl -O https://{host}/global/global-bundle.pem")
}

/// It is for other names. `members` are instances of the same cluster, whose own names it may have.
pub(in crate::access) fn wrong_name(endpoint: &Endpoint, facts: &TlsFacts, members: &[Endpoint]) -> Diagnosis {
    let names = if facts.names.is_empty() { "none".to_owned() } else { facts.names.join(", ") };
    let mut diagnosis = shown(
        Diagnosis::new(Kind::CertificateName, format!("The certificate is not for {}", endpoint.host))
            .because(format!("names in it: {names}")),
        facts,
    );
    let covered = |host: &str| facts.names.iter().any(|name| covers(name, host));
    let mut better: Vec<&Endpoint> = members.iter().filter(|member| covered(&member.host)).collect();
    if better.is_empty() && endpoint.role == EndpointRole::Custom {
        better = members.iter().collect();
    }
    for member in better.iter().take(3) {
        diagnosis = diagnosis
            .advise_paste(format!("Connect by the instance's own name, {}", member.owner), member.host.clone());
    }
    if better.is_empty() {
        diagnosis = diagnosis.advise("Connect by one of the names in the certificate, if one is the database's");
    }
    diagnosis.advise("If none of the names is yours, something else answers there: do not go on")
}

/// It has ended, or not begun.
pub(in crate::access) fn wrong_dates(endpoint: &Endpoint, facts: &TlsFacts, now: std::time::SystemTime) -> Diagnosis {
    let title = match (facts.begins, facts.ends) {
        (_, Some(ends)) if ends < now => format!("The certificate of {} ended on {}", endpoint.host, moment(ends)),
        (Some(begins), _) if begins > now => {
            format!("The certificate of {} begins only on {}", endpoint.host, moment(begins))
        }
        _ => format!("The certificate of {} is not valid now", endpoint.host),
    };
    let ended = facts.ends.is_some_and(|ends| ends < now);
    let diagnosis = shown(
        Diagnosis::new(Kind::CertificateDates, title).because(format!("this machine's clock says {}", moment(now))),
        facts,
    )
    .advise_paste("See whether the clock is right", "date -u");
    if !ended {
        return diagnosis;
    }
    // RDS renews them by itself before they end, or waits for a restart to do so (RDS User Guide, "Rotating your SSL/TLS
    // certificate"). Which authority is the instance's own is not ours to change.
    let here = super::aws::options(&endpoint.place);
    diagnosis
        .advise_paste(
            "See what waits for a maintenance window, a certificate among it",
            format!("aws rds describe-pending-maintenance-actions{here}"),
        )
        .advise(
            "Then have the certificate rotated in the RDS console: many engine versions restart for it, and clients are cut off",
        )
}

fn shown(mut diagnosis: Diagnosis, facts: &TlsFacts) -> Diagnosis {
    if !facts.subject.is_empty() {
        diagnosis = diagnosis.because(format!("subject: {}, issuer: {}", facts.subject, or_unknown(&facts.issuer)));
    }
    if let (Some(begins), Some(ends)) = (facts.begins, facts.ends) {
        diagnosis = diagnosis.because(format!("valid from {} to {}", moment(begins), moment(ends)));
    }
    diagnosis
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "not named" } else { text }
}

/// Whether a certificate's name covers a host: equal, or a wildcard for its first label (RFC 6125 §6.4.3).
fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(rest) => host.split_once('.').is_some_and(|(_, tail)| tail.eq_ignore_ascii_case(rest)),
        None => name.eq_ignore_ascii_case(host),
    }
}
