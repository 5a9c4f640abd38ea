//! Bytes both ways between a client and the database, from the end of the login to the end. It must not look at them.

use super::door::Presence;
use super::figures::Figures;
use crate::db::{Stream, Transport};
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Bytes of each direction's buffer: four records of TLS.
const BUFFER: usize = 64 << 10;
/// Longest record of TLS (RFC 8446, 5.1), and from which length on more is likely to have come behind one.
const RECORD: usize = 16 << 10;
const LONG: usize = 4 << 10;
/// So long what a client still sends is read and thrown away when the database has ended: closing a socket with unread
/// bytes resets it, and the client would lose the server's last words.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Copies until the database has ended, or the client is gone.
pub(super) async fn splice(
    client: Box<dyn Transport>,
    database: Stream,
    presence: &Presence,
    figures: &Figures,
) -> io::Result<()> {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_database, mut to_database) = tokio::io::split(database);
    let ended = {
        let mut up = pin!(copy(&mut from_client, &mut to_database, &figures.sent));
        let mut down = pin!(copy(&mut from_database, &mut to_client, &figures.received));
        tokio::select! {
            ended = &mut down => ended,
            // Also where the database takes nothing more: it may have said why before.
            _ = &mut up => tokio::select! {
                ended = &mut down => ended,
                // What is left upstream is dropped: the server sees a client that is gone.
                () = presence.gone() => return Ok(()),
            },
        }
    };
    match ended {
        Ok(()) => {}
        // Of the client's side.
        Err(Broken::Writing) => return Ok(()),
        Err(Broken::Reading(error)) => {
            // In the middle of a message nothing can be said any more.
            let _ = to_client.shutdown().await;
            return Err(error);
        }
    }
    // A client that is gone already needs no farewell.
    let _ = to_client.shutdown().await;
    let mut rest = [0; 4096];
    let reading = async { while from_client.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
    let _all_or_enough = tokio::time::timeout(LAST_WORDS, reading).await;
    Ok(())
}

enum Broken {
    Reading(io::Error),
    Writing,
}

/// Until `from` ends, which is passed on.
async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    counter: &AtomicU64,
) -> Result<(), Broken> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let (read, ended) = gather(from, &mut buffer).await;
        if read > 0 {
            to.write_all(&buffer[..read]).await.map_err(|_| Broken::Writing)?;
            // TLS may keep what its wire did not take at once.
            to.flush().await.map_err(|_| Broken::Writing)?;
            counter.fetch_add(read as u64, Ordering::Relaxed);
        }
        match ended {
            None => {}
            Some(Ok(())) => return to.shutdown().await.map_err(|_| Broken::Writing),
            Some(Err(error)) => return Err(Broken::Reading(error)),
        }
    }
}

/// Waits for something to read, and takes what has come behind it. TLS gives a record at a time, of which PostgreSQL fills
/// 8 KiB: one call of the system hands on several. Behind a short message nothing is looked for.
async fn gather(from: &mut (impl AsyncRead + Unpin), buffer: &mut [u8]) -> (usize, Option<io::Result<()>>) {
    let mut space = ReadBuf::new(buffer);
    let mut before = 0;
    let ended = poll_fn(|context| {
        loop {
            match Pin::new(&mut *from).poll_read(context, &mut space) {
                Poll::Pending if space.filled().is_empty() => return Poll::Pending,
                Poll::Pending => return Poll::Ready(None),
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Ok(())) if space.filled().len() == before => return Poll::Ready(Some(Ok(()))),
                Poll::Ready(Ok(())) => {}
            }
            let read = space.filled().len() - before;
            if read < LONG || space.remaining() < RECORD {
                return Poll::Ready(None);
            }
            before = space.filled().len();
        }
    })
    .await;
    (space.filled().len(), ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::task::Context;

    /// A wire that gives a piece at a time, as TLS does, then ends.
    struct Pieces(VecDeque<io::Result<Vec<u8>>>);

    impl AsyncRead for Pieces {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(match self.0.pop_front() {
                Some(piece) => piece.map(|bytes| buf.put_slice(&bytes)),
                None => Ok(()),
            })
        }
    }

    async fn gathered(pieces: impl IntoIterator<Item = io::Result<Vec<u8>>>) -> Vec<(usize, Option<bool>)> {
        let (mut from, mut buffer) = (Pieces(pieces.into_iter().collect()), vec![0; BUFFER]);
        let mut all = Vec::new();
        loop {
            let (read, ended) = gather(&mut from, &mut buffer).await;
            all.push((read, ended.map(|ended| ended.is_ok())));
            if all.last().is_some_and(|(_, ended)| ended.is_some()) {
                return all;
            }
        }
    }

    #[tokio::test]
    async fn long_pieces_go_on_together_and_short_ones_at_once() {
        let sizes = [5, 8 << 10, 8 << 10, 4, 6, 16 << 10, 16 << 10, 16 << 10, 16 << 10, 3];
        let found = gathered(sizes.map(|size| Ok(vec![7; size]))).await;
        let whole = [5, (16 << 10) + 4, 6, 64 << 10, 3].map(|read| (read, None));
        assert_eq!(found[..5], whole);
        assert_eq!(found[5..], [(0, Some(true))]);
    }

    #[tokio::test]
    async fn what_came_before_an_end_is_handed_on() {
        assert_eq!(gathered([Ok(vec![7; 8 << 10])]).await, [(8 << 10, Some(true))]);
        let broken = Err(io::Error::from(io::ErrorKind::ConnectionReset));
        assert_eq!(gathered([Ok(vec![7; 8 << 10]), broken]).await, [(8 << 10, Some(false))]);
    }
}
