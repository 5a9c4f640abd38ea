//! A byte stream through a tunnel, as tokio sees one.

use super::mux::{Read, Write};
use super::session::Session;
use super::shared::Shared;
use super::{Ended, Error};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A byte stream through the tunnel: one TCP connection from the bastion to host:port. `AsyncRead + AsyncWrite + Unpin + Send`.
///
/// Writes wait while the channel's window is full; reads of a stream that nobody reads are kept (in a file beyond 4 MiB)
/// and harm no other stream. Shutting down the write half sends nothing: the agent knows no half-close and would drop the
/// answer. Dropping the stream closes it behind its last byte. When the tunnel ends, reads and writes fail with kind
/// `ConnectionAborted` and an [`Error::Ended`] inside.
pub struct Stream {
    shared: Arc<Shared>,
    id: u32,
}

impl Stream {
    /// Of an open tunnel.
    pub(super) fn new(shared: Arc<Shared>, id: u32) -> Self {
        Self { shared, id }
    }

    /// The session that it is on.
    pub fn session_id(&self) -> &str {
        &self.shared.session_id
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("session_id", &self.shared.session_id).field("id", &self.id).finish()
    }
}

/// The error of a stream whose tunnel is over; `None` while it is not.
fn over(session: &Session) -> Option<io::Error> {
    let failure = session.failure()?;
    Some(io::Error::new(io::ErrorKind::ConnectionAborted, Error::Ended(Ended::from(failure))))
}

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, Error::Refused)
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        // Reading makes no work for the driver: there is no window to open.
        let mut state = self.shared.lock();
        let before = buffer.filled().len();
        while buffer.remaining() > 0 {
            let read = state.session.read(self.id, buffer.remaining(), context.waker());
            let some = buffer.filled().len() > before;
            match read {
                Read::Data(data) => buffer.put_slice(&data),
                _ if some => break,
                Read::End => break,
                Read::Refused => return Poll::Ready(Err(refused())),
                Read::Failed(error) => return Poll::Ready(Err(error)),
                Read::Fetching => return Poll::Pending,
                Read::Pending => return over(&state.session).map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.shared.with(|session| {
            if let Some(error) = over(session) {
                return Poll::Ready(Err(error));
            }
            match session.write(self.id, data, context.waker()) {
                Write::Taken(count) => Poll::Ready(Ok(count)),
                Write::Pending => Poll::Pending,
                Write::Closed => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                // Whoever writes late hears the same as who reads.
                Write::Refused => Poll::Ready(Err(refused())),
            }
        })
    }

    /// Bytes leave by themselves.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.with(|session| session.finish(self.id));
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.shared.with(|session| session.drop_stream(self.id));
    }
}
