//! How HTTP reaches AWS: certificate authorities (the platform's and `AWS_CA_BUNDLE`'s) and the proxy. It must not know
//! services.
//!
//! The SDK's default client uses no proxy and knows no bundle (aws-smithy-http-client 1.5: `ProxyConfig::disabled()`
//! unless one is set), so both are set here.

use crate::model::AwsSettings;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Never asked through a proxy: this machine (as with Go's `ProxyFromEnvironment`, and so with session-manager-plugin),
/// and the addresses that give credentials to EC2 and ECS.
const NEVER_PROXIED: &str = "localhost,127.0.0.0/8,::1,169.254.169.254,169.254.170.2,fd00:ec2::254";

/// For connecting and for reading.
type Timeouts = (Option<Duration>, Option<Duration>);

/// For TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The one HTTP client for all places and services.
#[derive(Clone, Debug)]
pub struct Network {
    pub(super) client: SharedHttpClient,
    /// For the calls that no SDK client makes.
    pub(super) connector: SharedHttpConnector,
    own: Made,
    /// Whether AWS's services are asked in the clear.
    in_the_clear: bool,
    bundle: Option<Vec<u8>>,
}

impl Network {
    /// Reads the bundle. What is wrong with it is said in words.
    pub fn new(settings: &AwsSettings) -> Result<Network, String> {
        let bundle = match &settings.ca_bundle {
            None => None,
            Some(path) => {
                let pem = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
                Some(certificates(&pem).map_err(|reason| format!("{}: {reason}", path.display()))?)
            }
        };
        let mut trust = TrustStore::default();
        if let Some(bundle) = &bundle {
            trust.add_pem_certificate(bundle.clone());
        }
        let tls = TlsContext::builder().with_trust_store(trust).build().map_err(|error| error.to_string())?;
        let proxy = proxy(settings)?;
        // One connector, so one pool and one parse of the roots, for each pair of timeouts: the metadata service asks
        // for shorter ones than the services.
        let plain = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let own = Made::of(plain, tls.clone(), proxy.clone());
        let made: Mutex<HashMap<Timeouts, SharedHttpConnector>> = Mutex::default();
        let client = http_client_fn(move |wanted: &HttpConnectorSettings, _| {
            let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
            made.entry((wanted.connect_timeout(), wanted.read_timeout()))
                .or_insert_with(|| SharedHttpConnector::new(Made::of(wanted.clone(), tls.clone(), proxy.clone())))
                .clone()
        });
        let in_the_clear = settings.endpoint_url.as_ref().is_some_and(|url| url.starts_with("http://"));
        Ok(Network { client, connector: SharedHttpConnector::new(own.clone()), own, in_the_clear, bundle })
    }

    /// Has the platform's authorities read while there is something else to do, if AWS is asked by https. Within a tokio
    /// runtime.
    pub fn prepare(&self) {
        if self.own.clear.is_some() && self.in_the_clear {
            return;
        }
        let own = self.own.clone();
        tokio::spawn(async move { drop(own.ready().await) });
    }

    /// The bundle's certificates, PEM, for the web socket's TLS.
    pub fn bundle(&self) -> Option<&[u8]> {
        self.bundle.as_deref()
    }
}

/// A connector that is made when it is first called for https, off the runtime: the TLS library reads some 300 files of
/// authorities for it (Debian 12), which no frame and no other task waits for. What asks in the clear (the metadata
/// services, a stand-in on this machine) has one that knows no authorities.
#[derive(Clone)]
struct Made {
    make: Arc<dyn Fn() -> Connector + Send + Sync>,
    connector: Arc<OnceCell<SharedHttpConnector>>,
    /// None where there is a proxy, which may itself be asked by https.
    clear: Option<SharedHttpConnector>,
}

impl Made {
    fn of(wanted: HttpConnectorSettings, tls: TlsContext, proxy: ProxyConfig) -> Made {
        let nobody = TlsContext::builder().with_trust_store(TrustStore::empty()).build().ok();
        let clear = nobody
            .filter(|_| proxy.is_disabled())
            .map(|nobody| SharedHttpConnector::new(connector(&wanted, &nobody, &proxy)));
        Made { make: Arc::new(move || connector(&wanted, &tls, &proxy)), connector: Arc::default(), clear }
    }

    async fn ready(&self) -> Result<SharedHttpConnector, ConnectorError> {
        let make = async || {
            let make = Arc::clone(&self.make);
            tokio::task::spawn_blocking(move || SharedHttpConnector::new(make())).await
        };
        let made = self.connector.get_or_try_init(make).await;
        made.cloned().map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made").field("ready", &self.connector.initialized()).finish_non_exhaustive()
    }
}

impl HttpConnector for Made {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let clear = self.clear.as_ref().filter(|_| request.uri().starts_with("http://"));
        if let Some(connector) = clear.or(self.connector.get()) {
            return connector.call(request);
        }
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.ready().await?.call(request).await })
    }
}

fn connector(wanted: &HttpConnectorSettings, tls: &TlsContext, proxy: &ProxyConfig) -> Connector {
    Connector::builder()
        .connector_settings(wanted.clone())
        .enable_tcp_nodelay(true)
        .proxy_config(proxy.clone())
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls.clone())
        .build()
}

/// The certificates of a PEM text, and only them: the TLS library panics on what it cannot parse, so it is tried here.
fn certificates(pem: &[u8]) -> Result<Vec<u8>, String> {
    let mut kept = Vec::new();
    let mut count = 0;
    for block in x509_parser::pem::Pem::iter_from_buffer(pem) {
        let block = block.map_err(|error| format!("not PEM: {error}"))?;
        if block.label != "CERTIFICATE" {
            continue;
        }
        block.parse_x509().map_err(|error| format!("certificate {}: {error}", count + 1))?;
        count += 1;
        kept.extend_from_slice(b"-----BEGIN CERTIFICATE-----\n");
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(&block.contents);
        for line in text.as_bytes().chunks(64) {
            kept.extend_from_slice(line);
            kept.push(b'\n');
        }
        kept.extend_from_slice(b"-----END CERTIFICATE-----\n");
    }
    if count == 0 { Err("there is no certificate in it".to_owned()) } else { Ok(kept) }
}

fn proxy(settings: &AwsSettings) -> Result<ProxyConfig, String> {
    let https = settings.https_proxy.as_ref().map(|proxy| with_scheme(proxy.reveal()));
    let http = settings.http_proxy.as_ref().map(|proxy| with_scheme(proxy.reveal()));
    // The client takes one proxy. AWS's endpoints are https, so where two differ, https rules and plain http (a local
    // stand-in, the metadata services) goes direct. The URL may hold a password, so an error does not show it.
    let made = match (https, http) {
        (Some(https), Some(http)) if https == http => ProxyConfig::all(https),
        (Some(https), _) => ProxyConfig::https(https),
        (None, Some(http)) => ProxyConfig::http(http),
        (None, None) => return Ok(ProxyConfig::disabled()),
    };
    let made = made.map_err(|_| "the proxy setting is not a URL such as http://proxy.example.com:3128".to_owned())?;
    Ok(made.no_proxy(match &settings.no_proxy {
        Some(rules) => format!("{rules},{NEVER_PROXIED}"),
        None => NEVER_PROXIED.to_owned(),
    }))
}

fn with_scheme(proxy: &str) -> String {
    if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") }
}

/// The proxy for one URL (`wss`, `https`: the https one; `ws`, `http`: the http one), or `None` where `NO_PROXY` or the
/// settings say direct.
pub fn proxy_for(settings: &AwsSettings, url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let chosen = match scheme {
        "wss" | "https" => settings.https_proxy.as_ref(),
        _ => settings.http_proxy.as_ref(),
    }?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    let rules = settings.no_proxy.as_deref().unwrap_or_default().split(',').chain(NEVER_PROXIED.split(','));
    if rules.map(str::trim).any(|rule| exempts(rule, host)) {
        return None;
    }
    Some(with_scheme(chosen.reveal()))
}

/// Whether one `NO_PROXY` rule names `host`: `*`, a name (and what is under it), a leading dot or `*.`, an address, a
/// CIDR block.
fn exempts(rule: &str, host: &str) -> bool {
    if rule.is_empty() {
        return false;
    }
    if rule == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return match rule.split_once('/') {
            None => rule.parse::<IpAddr>().is_ok_and(|exact| exact == address),
            Some((network, bits)) => match (network.parse::<IpAddr>(), bits.parse::<u32>()) {
                (Ok(network), Ok(bits)) => contains(network, bits, address),
                _ => false,
            },
        };
    }
    let rule = rule.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    !rule.is_empty() && (host == rule || host.strip_suffix(&rule).is_some_and(|head| head.ends_with('.')))
}

/// Whether the block `network/bits` contains `address`.
pub(super) fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    let (network, address, width) = match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    if bits > width {
        return false;
    }
    let host_bits = width - bits;
    host_bits >= 128 || network >> host_bits == address >> host_bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn no_proxy_is_understood_as_curl_and_botocore_do() {
        let settings = AwsSettings {
            https_proxy: Some(Secret::new("proxy.example.com:3128")),
            no_proxy: Some(
                ".internal.example.com, 10.0.0.0/8,vpce-1.ssmmessages.eu-west-1.vpce.amazonaws.com".to_owned(),
            ),
            ..AwsSettings::default()
        };
        let through = Some("http://proxy.example.com:3128".to_owned());
        for (url, proxied) in [
            ("wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/x?role=publish_subscribe", true),
            ("wss://vpce-1.ssmmessages.eu-west-1.vpce.amazonaws.com/v1", false),
            ("https://a.internal.example.com", false),
            ("https://internal.example.com:8443/x", false),
            ("https://notinternal.example.com", true),
            ("https://10.1.2.3:443", false),
            ("https://11.1.2.3", true),
            ("wss://127.0.0.1:4000/x", false),
            ("wss://[::1]:4000/x", false),
            ("ws://ssmmessages.example.com/x", false), // no http proxy was given
        ] {
            assert_eq!(proxy_for(&settings, url), if proxied { through.clone() } else { None }, "{url}");
        }
    }

    #[test]
    fn a_bundle_that_is_none_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("bundle.pem");
        std::fs::write(&path, "hello").expect("written");
        let settings = AwsSettings { ca_bundle: Some(path.clone()), ..AwsSettings::default() };
        let reason = Network::new(&settings).map(|_| ()).expect_err("no certificate");
        assert!(reason.contains("bundle.pem") && reason.contains("no certificate"), "{reason}");

        let key = rcgen::KeyPair::generate().expect("key");
        let certificate = rcgen::CertificateParams::new(vec!["ca.example.com".to_owned()])
            .expect("name")
            .self_signed(&key)
            .expect("certificate");
        std::fs::write(&path, format!("# ours\n{}{}", certificate.pem(), key.serialize_pem())).expect("written");
        let network = Network::new(&settings).expect("a good bundle");
        let kept = String::from_utf8(network.bundle().expect("kept").to_vec()).expect("PEM");
        assert_eq!(kept.matches("BEGIN").count(), 1, "the key is not kept");
    }
}
