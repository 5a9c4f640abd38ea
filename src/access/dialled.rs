//! A socket that is dialled straight to a database, and how soon it is noticed that nobody is at its other end any more. It
//! must not know what is spoken over it.
//!
//! TCP_USER_TIMEOUT is left as it is, though it would bound what waits to be acknowledged, too (the system gives up after some
//! 15 minutes: tcp(7), `tcp_retries2`): Linux counts it while the other end acknowledges every probe but has no room, and a
//! COPY whose backend waits for a lock would be cut by it (seen with Linux 6.18: a limit of 3 s ends such a socket after 3.5 s).

use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::time::Duration;
use tokio::net::{TcpStream, ToSocketAddrs};

/// Silent for so long, the other end is asked whether it is there,
const IDLE: Duration = Duration::from_secs(30);
/// again and again,
const INTERVAL: Duration = Duration::from_secs(10);
/// so many times: after a minute a database that has vanished is lost.
const PROBES: u32 = 3;

/// Dials, the first address that answers.
pub(super) async fn dial(to: impl ToSocketAddrs) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to).await?;
    // Without it, each small message waits for an acknowledgement: 40 ms a round trip.
    stream.set_nodelay(true)?;
    let keep_alive = TcpKeepalive::new().with_time(IDLE).with_interval(INTERVAL).with_retries(PROBES);
    SockRef::from(&stream).set_tcp_keepalive(&keep_alive)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_database_that_vanishes_is_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let stream = dial(listener.local_addr().expect("its address")).await.expect("dialled");
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().expect("told") && socket.tcp_nodelay().expect("told"));
        assert_eq!(socket.tcp_keepalive_time().expect("told"), IDLE);
        assert_eq!(socket.tcp_keepalive_interval().expect("told"), INTERVAL);
        assert_eq!(socket.tcp_keepalive_retries().expect("told"), PROBES);
    }
}
