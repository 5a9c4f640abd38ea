//! What passes over the wires of a line, counted as it passes. It must not know where they lead.

use crate::db::Transport;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// What has passed.
#[derive(Default)]
pub(super) struct Counters {
    /// The agent could not connect: the host may have moved since it looked up its address, once a session.
    pub(super) refused: AtomicBool,
    pub(super) streams: AtomicUsize,
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
}

/// A stream that is counted, and tells when its first byte has come.
pub(super) struct Counted<S> {
    stream: S,
    counters: Arc<Counters>,
    heard: Option<watch::Sender<bool>>,
}

impl<S> Counted<S> {
    pub(super) fn new(stream: S, counters: Arc<Counters>) -> (Counted<S>, watch::Receiver<bool>) {
        let (heard, hears) = watch::channel(false);
        counters.streams.fetch_add(1, Ordering::Relaxed);
        (Counted { stream, counters, heard: Some(heard) }, hears)
    }
}

impl Counters {
    /// Streams, bytes from the database, bytes to it.
    pub(super) fn so_far(&self) -> (usize, u64, u64) {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (self.streams.load(Ordering::Relaxed), of(&self.received), of(&self.sent))
    }
}

/// Counts a stream for whoever opened it, too.
pub(super) fn counted(stream: Box<dyn Transport>, counters: Arc<Counters>) -> Box<dyn Transport> {
    counters.streams.fetch_add(1, Ordering::Relaxed);
    Box::new(Counted { stream, counters, heard: None })
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Poll::Ready(Err(error)) = &polled
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            self.counters.refused.store(true, Ordering::Relaxed);
        }
        let read = buffer.filled().len() - before;
        if read > 0 {
            self.counters.received.fetch_add(read as u64, Ordering::Relaxed);
            if let Some(heard) = self.heard.take() {
                heard.send_replace(true);
            }
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.counters.sent.fetch_add(written as u64, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S> Drop for Counted<S> {
    fn drop(&mut self) {
        self.counters.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
