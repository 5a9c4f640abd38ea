//! A wire under TLS that sends what TLS writes in one burst together. A record of TLS holds 16 KiB, and TLS writes each by
//! itself: a call of the system, and a wake-up at the other end, for each. It must not know TLS, nor when a burst ends:
//! whoever writes through TLS says so, because not every TLS flushes its wire (Security.framework never does).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A burst is no longer: four records of TLS, and what TLS adds to them.
const LONGEST: usize = 66 << 10;

/// That wire. Outside of a burst it passes everything on at once.
pub(super) struct Joined<S> {
    wire: S,
    /// Written by TLS, not yet by us; so many bytes of it are sent.
    held: Vec<u8>,
    sent: usize,
    holding: bool,
}

impl<S> Joined<S> {
    pub(super) fn new(wire: S) -> Joined<S> {
        Joined { wire, held: Vec::new(), sent: 0, holding: false }
    }

    pub(super) fn wire(&mut self) -> &mut S {
        &mut self.wire
    }

    /// From now on what is written is kept, until there is a burst of it.
    pub(super) fn hold(&mut self) {
        self.holding = true;
        self.held.reserve_exact(LONGEST.saturating_sub(self.held.len()));
    }

    /// What is written from now on goes out at once, behind what was kept; that goes out with the next flush or write.
    pub(super) fn release(&mut self) {
        self.holding = false;
    }
}

impl<S: AsyncWrite + Unpin> Joined<S> {
    /// Sends what is kept.
    pub(super) fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.held.len() {
            match ready!(Pin::new(&mut self.wire).poll_write(context, &self.held[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        self.held.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    /// Gives the memory of the last burst back, once it is sent: most of a connection's life is short messages.
    pub(super) fn forget(&mut self) {
        if self.held.is_empty() && self.held.capacity() > 0 {
            self.held = Vec::new();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Joined<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Joined<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.holding && self.held.len() + bytes.len() <= LONGEST {
            self.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        if !self.held.is_empty() {
            ready!(self.poll_drain(context))?;
        }
        if self.holding && bytes.len() <= LONGEST {
            self.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.wire).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(context))?;
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(context))?;
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncWriteExt;

    /// Takes so many bytes at a time, every other call nothing; keeps each call's.
    struct Slow {
        takes: usize,
        calls: Vec<Vec<u8>>,
        refuses: bool,
    }

    impl AsyncWrite for Slow {
        fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.refuses = !self.refuses;
            if self.refuses {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let taken = bytes.len().min(self.takes);
            self.calls.push(bytes[..taken].to_vec());
            Poll::Ready(Ok(taken))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn joined(takes: usize) -> Joined<Slow> {
        Joined::new(Slow { takes, calls: Vec::new(), refuses: false })
    }

    #[tokio::test]
    async fn a_burst_goes_out_together_and_the_rest_at_once() {
        let mut wire = joined(usize::MAX);
        wire.write_all(b"one").await.expect("written");
        assert_eq!(wire.wire.calls, [b"one"], "no burst was begun");
        wire.hold();
        for record in [b"two".repeat(5_000), b"six".repeat(5_000)] {
            wire.write_all(&record).await.expect("kept");
        }
        wire.release();
        assert_eq!(wire.wire.calls.len(), 1);
        wire.flush().await.expect("sent");
        assert_eq!(wire.wire.calls[1], [b"two".repeat(5_000), b"six".repeat(5_000)].concat());
        wire.forget();
        assert_eq!((wire.wire.calls.len(), wire.held.capacity()), (2, 0));
    }

    #[tokio::test]
    async fn the_order_is_kept_on_a_wire_that_takes_little() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
        for takes in [1_000, 16_384, 70_000] {
            let mut wire = joined(takes);
            for burst in bytes.chunks(100_000) {
                wire.hold();
                let (kept, behind) = burst.split_at(90_000);
                // More than a burst may hold: some of it goes out meanwhile.
                for record in kept.chunks(16_400) {
                    wire.write_all(record).await.expect("kept or sent");
                }
                wire.release();
                let _unfinished = poll_fn(|context| Poll::Ready(wire.poll_drain(context))).await;
                // Nothing overtakes what is still kept.
                wire.write_all(behind).await.expect("sent");
            }
            wire.shutdown().await.expect("sent");
            assert!(wire.wire.calls.concat() == bytes, "{takes}");
        }
    }
}
