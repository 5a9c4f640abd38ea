//! TLS towards clients on this machine, with a certificate that lives as long as the run. It must not know what is said
//! over it, nor anything of the TLS towards databases.

use super::{Error, Transport};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use sha2::{Digest, Sha256};
use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

/// A clock that was set back must not make it invalid.
const BEFORE: Duration = Duration::from_secs(86_400);
/// What clients take at most (Apple's limit for servers, 825 days, with room).
const AFTER: Duration = Duration::from_secs(365 * 86_400);

/// IANA's name for the protocol ("TLS Application-Layer Protocol Negotiation (ALPN) Protocol IDs").
const PROTOCOL: &[u8] = b"postgresql";

/// A certificate for `localhost`, `127.0.0.1` and `::1`, its authority, and what ends TLS with it. Both keys were made
/// here; that of the authority is gone already.
pub struct LocalTls {
    acceptor: TlsAcceptor,
    authority: String,
    end_point: Vec<u8>,
}

impl LocalTls {
    /// Makes them.
    pub fn new() -> Result<LocalTls, Error> {
        let made = |error: rcgen::Error| Error::Tls(error.to_string());
        let key = KeyPair::generate().map_err(made)?;
        let mut parameters = dated(CertificateParams::new(Vec::<String>::new()).map_err(made)?);
        parameters.distinguished_name.push(DnType::CommonName, "gatepost, this run");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = parameters.self_signed(&key).map_err(made)?.pem();
        let issuer = Issuer::new(parameters, key);

        let key = KeyPair::generate().map_err(made)?;
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut parameters = dated(CertificateParams::new(names).map_err(made)?);
        parameters.distinguished_name.push(DnType::CommonName, "localhost");
        let certificate = parameters.signed_by(&key, &issuer).map_err(made)?;
        let chain = vec![certificate.der().clone()];
        // RFC 5929: the digest of the signature's algorithm, which is SHA-256 here.
        let end_point = Sha256::digest(certificate.der()).to_vec();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| Error::Tls(error.to_string()))?;
        // Whoever names protocols has to name this one, as with PostgreSQL; who names none asked by SSLRequest.
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(LocalTls { acceptor: TlsAcceptor::from(Arc::new(config)), authority, end_point })
    }

    /// The authority's certificate, PEM: what `sslrootcert` of a client has to hold.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// `tls-server-end-point` of RFC 5929, which channel binding binds.
    pub fn end_point(&self) -> &[u8] {
        &self.end_point
    }

    /// The server's side of a handshake, after SSLRequest was answered with `S`.
    pub async fn accept(&self, wire: Box<dyn Transport>) -> Result<Box<dyn Transport>, Error> {
        Ok(Box::new(self.acceptor.accept(wire).await.map_err(Error::Wire)?))
    }

    /// The same without SSLRequest, after the client's first byte was read: such a client has to name the protocol, so that
    /// what another one says to its own server cannot be said to this (PostgreSQL 17, Protocol Flow).
    pub async fn accept_direct(&self, wire: Box<dyn Transport>, first: u8) -> Result<Box<dyn Transport>, Error> {
        let (from, to) = tokio::io::split(wire);
        let whole = tokio::io::join(Cursor::new([first]).chain(from), to);
        let stream = self.acceptor.accept(whole).await.map_err(Error::Wire)?;
        match stream.get_ref().1.alpn_protocol() {
            Some(PROTOCOL) => Ok(Box::new(stream)),
            _ => Err(Error::Tls("the client began TLS directly and named no protocol".to_owned())),
        }
    }
}

fn dated(mut parameters: CertificateParams) -> CertificateParams {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (parameters.not_before, parameters.not_after) = (epoch + now.saturating_sub(BEFORE), epoch + (now + AFTER));
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters
}
