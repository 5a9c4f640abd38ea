//! Bytes both ways between a client and the database of a read-only listener, message by message. It must not know what
//! messages mean.

use super::super::complaint::{Complaint, VIOLATION};
use super::super::door::Presence;
use super::super::figures::Figures;
use super::super::greet::say;
use super::{Keeper, Said};
use crate::db::{Stream, Transport};
use bytes::{Buf, BytesMut};
use std::io;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

/// Bytes of a read.
const BUFFER: usize = 64 << 10;
/// The longest message that is taken from a client: a text is held whole while it is looked at.
const LONGEST: usize = 64 << 20;
/// So long what a client still sends is read when the database has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What both directions know.
struct Shared<'a> {
    keeper: Mutex<Keeper>,
    /// The server has become ready.
    ready: Notify,
    presence: &'a Presence,
    figures: &'a Figures,
}

impl Shared<'_> {
    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Copies until the database has ended, or the client is gone. `early` was read of the client before, `parameters` is
/// what the server has reported.
pub(in super::super) async fn splice(
    client: Box<dyn Transport>,
    early: &[u8],
    database: Stream,
    parameters: &[(String, String)],
    (presence, figures): (&Presence, &Figures),
) -> io::Result<()> {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_database, mut to_database) = tokio::io::split(database);
    let shared = Shared { keeper: Mutex::new(Keeper::new(parameters)), ready: Notify::new(), presence, figures };
    let ended = {
        let mut up = pin!(up(&shared, early, &mut from_client, &mut to_database));
        let mut down = pin!(down(&shared, &mut from_database, &mut to_client));
        tokio::select! {
            ended = &mut down => ended,
            ended = &mut up => match ended {
                Err(Broken::Words(why)) => Err(Broken::Words(why)),
                _ => tokio::select! {
                    ended = &mut down => ended,
                    () = presence.gone() => return Ok(()),
                },
            },
        }
    };
    let ended = match ended {
        Ok(()) => Ok(()),
        Err(Broken::Writing) => return Ok(()),
        Err(Broken::Reading(error)) => Err(error),
        Err(Broken::Words(why)) => {
            let complaint = Complaint::new(VIOLATION, format!("gatepost: {why}")).hint("This listener is read-only.");
            let mut wire: Box<dyn Transport> = Box::new(from_client.unsplit(to_client));
            let said = complaint.encode();
            let _told_or_not = tokio::time::timeout(LAST_WORDS, say(&mut wire, &said)).await;
            let _ = wire.shutdown().await;
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
    };
    let _ = to_client.shutdown().await;
    if ended.is_ok() {
        let mut rest = [0; 4096];
        let reading = async { while from_client.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
        let _all_or_enough = tokio::time::timeout(LAST_WORDS, reading).await;
    }
    ended
}

enum Broken {
    Reading(io::Error),
    Writing,
    /// Somebody does not keep to the protocol.
    Words(&'static str),
}

async fn up(
    shared: &Shared<'_>,
    early: &[u8],
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<(), Broken> {
    let mut read = BytesMut::from(early);
    let mut out = Vec::new();
    loop {
        while let Some(length) = whole(&read)? {
            // Made before it is asked, so that no news is missed between.
            let ready = shared.ready.notified();
            let said = shared.keeper().say(&read[..length], &mut out);
            match said {
                Said::Sent => read.advance(length),
                Said::Broken(why) => return Err(Broken::Words(why)),
                Said::Wait => {
                    send(shared, &mut out, to).await?;
                    tokio::select! {
                        () = ready => {}
                        () = shared.presence.gone() => return Ok(()),
                    }
                }
            }
            if out.len() > BUFFER {
                send(shared, &mut out, to).await?;
            }
        }
        send(shared, &mut out, to).await?;
        read.reserve(BUFFER);
        if from.read_buf(&mut read).await.map_err(Broken::Reading)? == 0 {
            return to.shutdown().await.map_err(|_| Broken::Writing);
        }
    }
}

async fn down(
    shared: &Shared<'_>,
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<(), Broken> {
    let mut read = BytesMut::new();
    let mut out = Vec::new();
    loop {
        read.reserve(BUFFER);
        if from.read_buf(&mut read).await.map_err(Broken::Reading)? == 0 {
            return to.shutdown().await.map_err(|_| Broken::Writing);
        }
        let heard = {
            let mut keeper = shared.keeper();
            let heard = keeper.hear(&mut read, &mut out);
            if !keeper.replies.is_waiting() {
                shared.ready.notify_waiters();
            }
            heard
        };
        to.write_all(&out).await.map_err(|_| Broken::Writing)?;
        to.flush().await.map_err(|_| Broken::Writing)?;
        shared.figures.received.fetch_add(out.len() as u64, Ordering::Relaxed);
        out.clear();
        heard.map_err(Broken::Words)?;
    }
}

async fn send(shared: &Shared<'_>, out: &mut Vec<u8>, to: &mut (impl AsyncWrite + Unpin)) -> Result<(), Broken> {
    if out.is_empty() {
        return Ok(());
    }
    to.write_all(out).await.map_err(|_| Broken::Writing)?;
    to.flush().await.map_err(|_| Broken::Writing)?;
    shared.figures.sent.fetch_add(out.len() as u64, Ordering::Relaxed);
    out.clear();
    Ok(())
}

/// The length of the first message, once it is whole.
fn whole(read: &[u8]) -> Result<Option<usize>, Broken> {
    let Some(length) = read.get(1..5) else { return Ok(None) };
    let length = (&mut &length[..]).get_u32() as usize;
    if !(4..LONGEST).contains(&length) {
        return Err(Broken::Words("a message whose length cannot be"));
    }
    Ok((read.len() > length).then_some(length + 1))
}
