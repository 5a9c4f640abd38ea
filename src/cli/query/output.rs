//! Stdout, written by a thread of its own: a reader that stalls (a pager, a full pipe) must not keep signals from being
//! heard. It must not know what is written.

use std::io::{self, Write};
use tokio::sync::{mpsc, oneshot};

/// What is gathered before it is handed over.
const CHUNK: usize = 64 << 10;
/// Chunks on the way: with `CHUNK` the bound of what waits for a slow reader.
const WAITING: usize = 4;

/// Gathers bytes and hands them to the thread.
pub struct Output {
    chunk: Vec<u8>,
    sender: Option<mpsc::Sender<Vec<u8>>>,
    /// How writing ended; taken once.
    ended: Option<oneshot::Receiver<io::Result<()>>>,
}

impl Output {
    /// Starts the thread on stdout.
    pub fn start() -> Output {
        Output::to(io::stdout())
    }

    fn to(mut out: impl Write + Send + 'static) -> Output {
        let (sender, mut receiver) = mpsc::channel::<Vec<u8>>(WAITING);
        let (end, ended) = oneshot::channel();
        std::thread::spawn(move || {
            let mut result = Ok(());
            while let Some(chunk) = receiver.blocking_recv() {
                result = out.write_all(&chunk).and_then(|()| out.flush());
                if result.is_err() {
                    break;
                }
            }
            // Nobody listens after a signal; then nobody needs to know.
            let _ = end.send(result);
        });
        Output { chunk: Vec::new(), sender: Some(sender), ended: Some(ended) }
    }

    /// Where to put bytes.
    pub fn chunk(&mut self) -> &mut Vec<u8> {
        &mut self.chunk
    }

    /// Hands over what has gathered. The error is that of writing: a closed pipe, a full disk.
    pub async fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        let Some(sender) = &self.sender else { return Ok(()) };
        match sender.send(chunk).await {
            Ok(()) => Ok(()),
            Err(_) => self.end().await,
        }
    }

    /// Hands over the rest and waits until all is written.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.end().await
    }

    async fn end(&mut self) -> io::Result<()> {
        self.sender = None;
        match self.ended.take() {
            Some(ended) => ended.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())),
            None => Ok(()),
        }
    }
}
