//! Short looks at whether something answers, before a way is chosen or a port is offered. They send nothing that a
//! server would count as a failed login.

use crate::db::Transport;
use crate::model::Endpoint;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Whether the endpoint's name resolves, and an address of it that this machine could be near takes a TCP connection.
///
/// For a private database only private addresses count: a captive portal or a search domain may answer for any name.
pub(super) async fn answers(endpoint: &Endpoint, within: Duration) -> bool {
    let looked = async {
        let addresses = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port)).await.ok()?;
        let mut dials: FuturesUnordered<_> = addresses
            .filter(|address| endpoint.public || is_private(address.ip()))
            .map(|address| async move { TcpStream::connect(address).await.is_ok() })
            .collect();
        while let Some(answered) = dials.next().await {
            if answered {
                return Some(());
            }
        }
        None
    };
    matches!(tokio::time::timeout(within, looked).await, Ok(Some(())))
}

/// Addresses of private networks: RFC 1918, RFC 6598, RFC 4193.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            address.is_private() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

/// PostgreSQL, Message Formats: SSLRequest.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Asks a PostgreSQL whether it does TLS, and hears the one byte of its answer. What the failure means is for the caller.
pub(super) async fn postgres(mut wire: Box<dyn Transport>) -> io::Result<()> {
    wire.write_all(&SSL_REQUEST).await?;
    wire.flush().await?;
    wire.read_u8().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ranking::tests::endpoint;

    #[test]
    fn private_networks_are_known() {
        for (address, private) in [
            ("10.0.0.1", true),
            ("172.31.9.9", true),
            ("172.32.0.1", false),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("8.8.8.8", false),
            ("127.0.0.1", false),
            ("fd00::1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_private(address.parse().expect("address")), private, "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_answers_on_this_machine_is_no_sign_for_a_private_database() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
        let port = listener.local_addr().expect("bound").port();
        let here = Endpoint { host: "localhost".to_owned(), port, ..endpoint() };
        assert!(!answers(&here, Duration::from_secs(5)).await);
        assert!(answers(&Endpoint { public: true, ..here.clone() }, Duration::from_secs(5)).await);
        drop(listener);
        assert!(!answers(&Endpoint { public: true, ..here }, Duration::from_secs(5)).await);
    }
}
