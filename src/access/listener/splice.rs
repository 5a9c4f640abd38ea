//! Bytes both ways between a client and the database, from the end of the login to the end. It must not look at them.

use super::door::Presence;
use super::figures::Figures;
use crate::db::{Stream, Transport};
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of each direction's buffer: four records of TLS.
const BUFFER: usize = 64 << 10;
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
        let read = from.read(&mut buffer).await.map_err(Broken::Reading)?;
        if read == 0 {
            return to.shutdown().await.map_err(|_| Broken::Writing);
        }
        to.write_all(&buffer[..read]).await.map_err(|_| Broken::Writing)?;
        // TLS may keep what its wire did not take at once.
        to.flush().await.map_err(|_| Broken::Writing)?;
        counter.fetch_add(read as u64, Ordering::Relaxed);
    }
}
