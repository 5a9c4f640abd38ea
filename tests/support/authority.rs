//! Certificates made on the spot: an authority, and leaves of it for any names and dates. It must not know servers.

use native_tls::Identity;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};

/// A certificate authority that lives as long as a test.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate chain and key, as PEM.
pub struct Leaf {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).expect("an authority signs itself").pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    /// What goes into a file of roots.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for `names`, valid from year to year.
    pub fn leaf(&self, names: &[&str], years: (i32, i32)) -> Leaf {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names.clone()).expect("names of hosts");
        params.distinguished_name.push(DnType::CommonName, names.first().map_or("nobody", String::as_str));
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority signs").pem();
        Leaf { certificate, key: key.serialize_pem() }
    }
}

impl Leaf {
    #[allow(dead_code, reason = "not every test that includes this file ends TLS itself")]
    pub fn identity(&self) -> Identity {
        Identity::from_pkcs8(self.certificate.as_bytes(), self.key.as_bytes())
            .expect("certificate and key belong together")
    }
}
