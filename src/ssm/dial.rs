//! Opens the data channel's web socket: TCP (or a CONNECT proxy), TLS, the signed upgrade. Knows nothing of what is
//! spoken on it.
//!
//! The URL is used as it was given: `cell-number` in its query holds base64 with `+`, `/` and `=`, which must arrive
//! unescaped and as they were signed.

use super::{Account, Error, Network, Refusal, Retry};
use base64::Engine;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Request, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, handshake::client::Request as Upgrade};

/// What the web socket runs over.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// An open web socket.
pub type Socket = WebSocketStream<Box<dyn Wire>>;

/// The next address is tried beside the first after this long (RFC 8305, section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// Used where [`Network::timeout`] is zero.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The most of a proxy's answer that is read.
const PROXY_HEAD: usize = 16 << 10;
/// The most of a refusal's body that is told.
const BODY: usize = 400;

/// Opens a web socket to `url`, signed afresh.
///
/// # Errors
/// Every step's own, in words; [`Error::Upgrade`] when there was an HTTP answer.
pub async fn dial(url: &str, account: &dyn Account, network: &Network) -> Result<Socket, Undialled> {
    let timeout = if network.timeout.is_zero() { TIMEOUT } else { network.timeout };
    match tokio::time::timeout(timeout, open(url, account, network)).await {
        Ok(result) => result,
        Err(_) => Err(Error::Dial(format!("no answer within {timeout:?}")).into()),
    }
}

/// Why there is no web socket.
#[derive(Debug)]
pub struct Undialled {
    /// What happened.
    pub error: Error,
    /// Whether another dial may do better.
    pub retry: Retry,
}

impl From<Error> for Undialled {
    /// The network's faults pass.
    fn from(error: Error) -> Self {
        Self { error, retry: Retry::Later }
    }
}

impl From<Refusal> for Undialled {
    fn from(refusal: Refusal) -> Self {
        Self { error: Error::Account(refusal.reason), retry: refusal.retry }
    }
}

async fn open(url: &str, account: &dyn Account, network: &Network) -> Result<Socket, Undialled> {
    let (request, place) = request(url)?;
    let headers = account.sign(url).await?;
    let request = signed(request, &headers)?;
    let tcp: Box<dyn Wire> = match &network.proxy {
        Some(proxy) => through_proxy(proxy, &place, network).await?,
        None => Box::new(connect(&place.host, place.port).await?),
    };
    let wire = if place.tls { encrypt(tcp, &place.host, network).await? } else { tcp };
    // Frames are small and there are two per 1,024 bytes of payload; larger buffers only hold more memory per slice
    // that a slow reader keeps.
    let config = WebSocketConfig::default().read_buffer_size(64 << 10).max_frame_size(Some(16 << 20));
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, wire, Some(config)).await.map_err(
        |error| match error {
            tungstenite::Error::Http(response) => {
                let body = response.body().as_deref().unwrap_or_default();
                let body = String::from_utf8_lossy(&body[..body.len().min(BODY)]).trim().to_owned();
                Error::Upgrade { status: response.status().as_u16(), body }
            }
            other => Error::Dial(format!("the upgrade failed: {other}")),
        },
    )?;
    Ok(socket)
}

/// Where to connect.
struct Place {
    tls: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
}

fn request(url: &str) -> Result<(Upgrade, Place), Error> {
    let odd = |reason: &str| Error::Dial(format!("the stream URL cannot be used: {reason}"));
    let uri: Uri = url.parse().map_err(|error| odd(&format!("{error}")))?;
    let tls = match uri.scheme_str() {
        Some("wss") => true,
        Some("ws") => false,
        _ => return Err(odd("it is neither wss nor ws")),
    };
    let host = uri.host().ok_or_else(|| odd("it names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let request = uri.into_client_request().map_err(|error| odd(&error.to_string()))?;
    Ok((request, Place { tls, host, port }))
}

fn signed(request: Upgrade, headers: &[(String, String)]) -> Result<Upgrade, Error> {
    let odd = |name: &str| Error::Dial(format!("the signed header {name} cannot be sent"));
    let (mut parts, ()) = request.into_parts();
    for (name, value) in headers {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| odd(name))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| odd(name))?;
        value.set_sensitive(true);
        parts.headers.insert(header, value);
    }
    Ok(Request::from_parts(parts, ()))
}

/// Connects to the first address that answers, both families, without waiting for dead ones.
async fn connect(host: &str, port: u16) -> Result<TcpStream, Error> {
    let failed = |reason: String| Error::Dial(format!("{host}:{port}: {reason}"));
    let found = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(|error| failed(error.to_string()))?.collect();
    first_of(interleaved(addresses)).await.map_err(failed)
}

/// The first that answers, each given a moment before the next is tried beside it; the last one's refusal where none does.
async fn first_of(addresses: Vec<SocketAddr>) -> Result<TcpStream, String> {
    let mut waiting = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut reason = "the name has no address".to_owned();
    let tcp = loop {
        if let Some(address) = waiting.next() {
            attempts.push(TcpStream::connect(address));
        } else if attempts.is_empty() {
            return Err(reason);
        }
        tokio::select! {
            Some(result) = attempts.next() => match result {
                Ok(tcp) => break tcp,
                Err(error) => reason = error.to_string(),
            },
            () = tokio::time::sleep(NEXT_ADDRESS), if waiting.len() > 0 => {}
        }
    };
    // Without it every small frame waits for the delayed acknowledgement of the one before: 40 ms a round trip.
    tcp.set_nodelay(true).map_err(|error| error.to_string())?;
    Ok(tcp)
}

/// The resolver's order, families in turn.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_six = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|one| one.is_ipv6() == first_is_six);
    let mut second = second.into_iter();
    let mut order = Vec::new();
    for address in first {
        order.push(address);
        order.extend(second.next());
    }
    order.extend(second);
    order
}

async fn through_proxy(proxy: &str, place: &Place, network: &Network) -> Result<Box<dyn Wire>, Error> {
    let odd = |reason: &str| Error::Dial(format!("the proxy cannot be used: {reason}"));
    let (scheme, rest) = proxy.split_once("://").unwrap_or(("http", proxy));
    let encrypted = scheme.eq_ignore_ascii_case("https");
    if !encrypted && !scheme.eq_ignore_ascii_case("http") {
        return Err(odd(&format!("its URL begins with {scheme}://, only http:// and https:// are understood")));
    }
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (credentials, authority) = match rest.rsplit_once('@') {
        Some((credentials, authority)) => (Some(credentials), authority),
        None => (None, rest),
    };
    let authority: tungstenite::http::uri::Authority =
        authority.parse().map_err(|_| odd("its URL has no host that can be read"))?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let tcp = connect(host, authority.port_u16().unwrap_or(if encrypted { 443 } else { 80 })).await?;
    let mut wire: Box<dyn Wire> = Box::new(tcp);
    if encrypted {
        wire = encrypt(wire, host, network).await?;
    }

    let target = if place.host.contains(':') {
        format!("[{}]:{}", place.host, place.port)
    } else {
        format!("{}:{}", place.host, place.port)
    };
    let mut ask = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(credentials) = credentials {
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let plain: Vec<u8> = percent_encoding::percent_decode_str(user)
            .chain(std::iter::once(b':'))
            .chain(percent_encoding::percent_decode_str(password))
            .collect();
        ask += &format!("Proxy-Authorization: Basic {}\r\n", base64::engine::general_purpose::STANDARD.encode(plain));
    }
    ask += "\r\n";
    let broken = |error: std::io::Error| Error::Dial(format!("the proxy {authority} failed: {error}"));
    wire.write_all(ask.as_bytes()).await.map_err(broken)?;
    // Byte by byte, so that nothing of what follows the head is taken; it is a few hundred bytes, once.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > PROXY_HEAD {
            return Err(odd("its answer has no end"));
        }
        head.push(wire.read_u8().await.map_err(broken)?);
    }
    let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    let status: Option<u16> = line.split_ascii_whitespace().nth(1).and_then(|word| word.parse().ok());
    match status {
        Some(200..=299) => Ok(wire),
        _ => Err(Error::Dial(format!("the proxy {authority} does not connect to {target}: {line}"))),
    }
}

async fn encrypt(wire: Box<dyn Wire>, host: &str, network: &Network) -> Result<Box<dyn Wire>, Error> {
    let failed = |error: native_tls::Error| Error::Dial(format!("TLS with {host}: {error}"));
    let mut builder = native_tls::TlsConnector::builder();
    builder.min_protocol_version(Some(native_tls::Protocol::Tlsv12));
    for pem in &network.extra_roots {
        for root in native_tls::Certificate::stack_from_pem(pem).map_err(failed)? {
            builder.add_root_certificate(root);
        }
    }
    let connector = tokio_native_tls::TlsConnector::from(builder.build().map_err(failed)?);
    Ok(Box::new(connector.connect(host, wire).await.map_err(failed)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str =
        "wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/S-1?role=publish_subscribe&cell-number=AAE+x/y0+/=";

    #[test]
    fn the_url_goes_on_the_wire_as_it_came() {
        let (request, place) = request(URL).expect("a URL");
        let (bytes, _) = tungstenite::handshake::client::generate_request(request).expect("a request");
        let text = String::from_utf8(bytes).expect("a head");
        assert!(
            text.starts_with("GET /v1/data-channel/S-1?role=publish_subscribe&cell-number=AAE+x/y0+/= HTTP/1.1\r\n"),
            "{text}"
        );
        assert!(text.contains("Host: ssmmessages.eu-west-1.amazonaws.com\r\n"), "{text}");
        assert_eq!((place.tls, place.port), (true, 443));
    }

    #[test]
    fn addresses_of_version_six_lose_their_brackets() {
        let place = request("ws://[::1]:8080/x").expect("a URL").1;
        assert_eq!((place.tls, place.host.as_str(), place.port), (false, "::1", 8080));
        assert!(request("https://example.com/").is_err());
    }

    #[test]
    fn families_take_turns() {
        let all = ["[::1]:1", "[::2]:1", "1.1.1.1:1", "[::3]:1"].map(|text| text.parse().expect("an address"));
        let order: Vec<String> = interleaved(all.to_vec()).iter().map(ToString::to_string).collect();
        assert_eq!(order, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
    }

    #[tokio::test]
    async fn dead_addresses_hold_nobody_up() {
        let alive = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let alive_at = alive.local_addr().expect("an address");
        // Bound and not listened on: nobody else can have the port meanwhile.
        let bound = tokio::net::TcpSocket::new_v4().expect("a socket");
        bound.bind("127.0.0.1:0".parse().expect("an address")).expect("bound");
        let gone = bound.local_addr().expect("an address");
        // A listener whose queue is full answers nobody, as a firewall that drops packets does.
        let full = tokio::net::TcpSocket::new_v4().expect("a socket");
        full.bind("127.0.0.1:0".parse().expect("an address")).expect("bound");
        let full = full.listen(1).expect("listens");
        let full_at = full.local_addr().expect("an address");
        let mut queue = Vec::new();
        while let Ok(taken) = tokio::time::timeout(NEXT_ADDRESS, TcpStream::connect(full_at)).await {
            queue.push(taken.expect("it listens"));
        }
        for dead in [gone, full_at] {
            let tcp = first_of(vec![dead, alive_at]).await.expect("the second address answers");
            assert_eq!(tcp.peer_addr().expect("connected"), alive_at);
            assert!(tcp.nodelay().expect("an option"), "no round trip waits for a delayed acknowledgement");
        }
        let refused = first_of(vec![gone]).await.expect_err("nobody is there");
        assert!(refused.contains("refused"), "{refused}");
    }

    #[tokio::test]
    async fn a_proxy_is_asked_with_its_credentials_and_its_refusal_is_told() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = format!("http://us%40er:p%3Aw@{}/", listener.local_addr().expect("an address"));
        let server = async {
            let mut asked = Vec::new();
            for answer in ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello"]
            {
                let (mut tcp, _) = listener.accept().await.expect("a client");
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(tcp.read_u8().await.expect("a head"));
                }
                asked.push(String::from_utf8(head).expect("text"));
                tcp.write_all(answer.as_bytes()).await.expect("an answer");
            }
            asked
        };
        let (place, network) = (Place { tls: true, host: "db.example".into(), port: 443 }, Network::default());
        let client = async {
            let refused = through_proxy(&proxy, &place, &network).await.err().expect("407");
            assert!(refused.to_string().contains("407 Proxy Authentication Required"), "{refused}");
            assert!(!refused.to_string().contains("p%3Aw"), "no password: {refused}");
            let mut tcp = through_proxy(&proxy, &place, &network).await.unwrap_or_else(|error| panic!("200: {error}"));
            let mut rest = [0; 5];
            tcp.read_exact(&mut rest).await.expect("what follows the head");
            assert_eq!(&rest, b"hello");
        };
        let (asked, ()) = tokio::join!(server, client);
        // user "us@er", password "p:w"
        let expected = base64::engine::general_purpose::STANDARD.encode("us@er:p:w");
        for head in asked {
            assert!(head.starts_with("CONNECT db.example:443 HTTP/1.1\r\nHost: db.example:443\r\n"), "{head}");
            assert!(head.contains(&format!("Proxy-Authorization: Basic {expected}\r\n")), "{head}");
        }
    }
}
