//! One connection of a forwarded port: bytes both ways until both sides have had their say. It must not look at them.
//!
//! An agent knows no half-close: told that our side is done, it drops the answer that may still come. So the last byte of
//! a local client closes nothing by itself; what does is the client's going away, which the kernel tells (`sockets`), or,
//! where it does not, ten minutes without an answer.

use super::sockets;
use crate::db::Transport;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, copy_buf};
use tokio::net::TcpStream;

/// Bytes of each direction's buffer: what one smux frame takes.
const BUFFER: usize = 32 << 10;
/// How soon after its last byte a client is looked after first; the wait doubles.
const FIRST_LOOK: Duration = Duration::from_millis(250);
/// And grows to at most this.
const LAST_LOOK: Duration = Duration::from_secs(10);
/// Where the system does not tell, a client that has said its last is taken for gone after this.
const FORGOTTEN: Duration = Duration::from_secs(600);
/// So long what a client still sends is read and thrown away when the far side has ended: closing a socket with unread
/// bytes resets it, and the client would lose the last answer.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Copies until the far side has ended or the local client has gone.
pub(super) async fn relay(mut socket: TcpStream, wire: Box<dyn Transport>) -> io::Result<()> {
    // Without it, each small message of a database waits for an acknowledgement: 40 ms a round trip.
    socket.set_nodelay(true)?;
    let (theirs, ours) = (socket.peer_addr()?, socket.local_addr()?);
    let (mut from_client, mut to_client) = socket.split();
    let (mut from_far, mut to_far) = tokio::io::split(wire);
    {
        let mut up = pin!(copy(&mut from_client, &mut to_far));
        let mut down = pin!(copy(&mut from_far, &mut to_client));
        tokio::select! {
            ended = &mut down => ended?,
            said = &mut up => {
                said?;
                tokio::select! {
                    ended = &mut down => ended?,
                    () = gone(theirs, ours) => return Ok(()),
                }
            }
        }
    }
    to_client.shutdown().await?;
    let (mut rest, mut nowhere) = (BufReader::new(from_client), tokio::io::sink());
    let _all_or_enough = tokio::time::timeout(LAST_WORDS, copy_buf(&mut rest, &mut nowhere)).await;
    Ok(())
}

async fn copy(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    copy_buf(&mut BufReader::with_capacity(BUFFER, from), to).await.map(drop)
}

/// Resolves when nobody holds the other end any more.
pub(super) async fn gone(theirs: SocketAddr, ours: SocketAddr) {
    let (mut look, mut waited) = (FIRST_LOOK, Duration::ZERO);
    loop {
        // Others look too: what one of them has seen meanwhile is as good.
        let since = Instant::now();
        tokio::time::sleep(look).await;
        waited += look;
        look = (look * 2).min(LAST_LOOK);
        match sockets::is_held(theirs, ours, since).await {
            Some(true) => {}
            Some(false) => return,
            None if waited >= FORGOTTEN => return,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.expect("connected"), accepted.expect("accepted").0)
    }

    #[tokio::test]
    async fn an_answer_comes_after_the_last_question() {
        let (mut client, accepted) = pair().await;
        let (mut far, wire) = tokio::io::duplex(64);
        let relaying = tokio::spawn(relay(accepted, Box::new(wire)));
        client.write_all(b"question").await.expect("written");
        client.shutdown().await.expect("half closed");
        let mut question = [0; 8];
        far.read_exact(&mut question).await.expect("it came");
        // Longer than the first looks.
        tokio::time::sleep(FIRST_LOOK * 4).await;
        far.write_all(b"answer").await.expect("nobody has closed it");
        drop(far);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("the answer");
        assert_eq!(answer, "answer");
        drop(client);
        relaying.await.expect("no panic").expect("a good end");
    }

    #[tokio::test]
    async fn a_client_that_has_gone_closes_the_far_side() {
        if !std::path::Path::new("/proc/net/tcp").exists() {
            return;
        }
        let (client, accepted) = pair().await;
        let (mut far, wire) = tokio::io::duplex(64);
        let relaying = tokio::spawn(relay(accepted, Box::new(wire)));
        drop(client);
        assert_eq!(far.read(&mut [0; 8]).await.expect("an end"), 0);
        relaying.await.expect("no panic").expect("a good end");
    }
}
