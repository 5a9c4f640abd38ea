//! Certificates read, not judged: names, issuer, dates. It must not know connections.

use crate::model::TlsFacts;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate, X509Name};
use x509_parser::time::ASN1Time;

/// What a DER certificate says; what it does not say stays empty.
pub(super) fn facts(der: &[u8], version: &str) -> TlsFacts {
    let mut facts = TlsFacts { version: version.to_owned(), ..TlsFacts::default() };
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return facts };
    facts.subject = common_name(certificate.subject());
    facts.issuer = common_name(certificate.issuer());
    facts.names = names(&certificate);
    facts.begins = moment(certificate.validity().not_before);
    facts.ends = moment(certificate.validity().not_after);
    facts
}

/// The common name, else the whole name in words.
pub(super) fn common_name(name: &X509Name<'_>) -> String {
    match name.iter_common_name().find_map(|attribute| attribute.as_str().ok()) {
        Some(common) => common.to_owned(),
        None => name.to_string(),
    }
}

/// The names it is valid for: DNS names and addresses of the subjectAltName extension.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternatives = certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(alternatives) => Some(alternatives),
        _ => None,
    });
    let Some(alternatives) = alternatives else { return Vec::new() };
    alternatives
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
                Ok(four) => Some(Ipv4Addr::from(four).to_string()),
                Err(_) => <[u8; 16]>::try_from(*bytes).ok().map(|sixteen| Ipv6Addr::from(sixteen).to_string()),
            },
            _ => None,
        })
        .collect()
}

pub(super) fn moment(time: ASN1Time) -> Option<SystemTime> {
    let seconds = Duration::from_secs(time.timestamp().unsigned_abs());
    if time.timestamp() < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(seconds)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(seconds)
    }
}
