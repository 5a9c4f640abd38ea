//! The sandbox's certificate authority, made at each start: one that the settings name to clients, and one that nobody
//! knows. It must not know what a gate does with a certificate.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// By rcgen.
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    /// By TLS.
    #[error("a certificate could not be used: {0}")]
    Use(#[from] rustls::Error),
}

/// What may be wrong with a leaf on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is for another name.
    WrongName,
    /// It ended yesterday.
    Expired,
    /// Its issuer is the one that nobody knows.
    UnknownIssuer,
}

/// The two authorities.
pub struct Authority {
    known: CertifiedIssuer<'static, KeyPair>,
    unknown: CertifiedIssuer<'static, KeyPair>,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Authority {
    /// Makes both.
    pub fn new() -> Result<Authority, Error> {
        Ok(Authority {
            known: issuer("gatepost sandbox CA (made at this start)")?,
            unknown: issuer("an authority nobody knows")?,
        })
    }

    /// The known one, PEM: what goes into `--ca-bundle`.
    pub fn pem(&self) -> String {
        self.known.pem()
    }

    /// A server's TLS with a certificate for `hosts`. TLS 1.2 and 1.3, as RDS offers them; rustls, because native-tls
    /// builds servers on OpenSSL that stop at 1.2.
    pub fn leaf(&self, hosts: &[String], flaw: Option<Flaw>) -> Result<Arc<ServerConfig>, Error> {
        let names = match flaw {
            Some(Flaw::WrongName) => vec!["another-database.sandbox.example.com".to_owned()],
            _ => hosts.to_vec(),
        };
        let issuer = match flaw {
            Some(Flaw::UnknownIssuer) => &self.unknown,
            _ => &self.known,
        };
        let now = since_epoch();
        let mut parameters = CertificateParams::new(names.clone())?;
        // A year at most: macOS refuses server certificates of more than 825 days.
        let (begins, ends) = match flaw {
            Some(Flaw::Expired) => (now - 400 * DAY, now - 2 * DAY),
            _ => (now - 2 * DAY, now + 365 * DAY),
        };
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        (parameters.not_before, parameters.not_after) = (epoch + begins, epoch + ends);
        if let Some(name) = names.first().filter(|name| name.len() <= 64) {
            parameters.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        parameters.distinguished_name.push(DnType::OrganizationName, "gatepost sandbox");
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let leaf = parameters.signed_by(&key, issuer)?;
        let chain = vec![leaf.der().clone(), issuer.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Arc::new(server))
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn issuer(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, Error> {
    let mut parameters = CertificateParams::new(Vec::<String>::new())?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.distinguished_name.push(DnType::OrganizationName, "gatepost sandbox");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let now = rcgen::date_time_ymd(1970, 1, 1) + since_epoch();
    (parameters.not_before, parameters.not_after) = (now - 401 * DAY, now + 3650 * DAY);
    Ok(CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?)
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
