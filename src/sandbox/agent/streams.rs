//! The agent's smux server and what it copies to and from (ssm-data-channel.md §8): streams are dialled one after another,
//! the end of either side closes the whole stream, one budget of bytes for all. It must not know messages or
//! acknowledgements: bytes in, bytes out.

use super::network::{Destination, Dial, Network};
use crate::ssm::smux::{self, Broken, Decoder, Piece};
use bytes::{Bytes, BytesMut};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

/// smux's `MaxReceiveBuffer`: what streams may hold together before nothing more is taken in.
const BUDGET: usize = 4 << 20;
/// Pieces on their way to the client: about what the real agent's unix socket holds.
const PIECES: usize = 8;
/// What Go's `io.Copy` reads at a time.
const COPY: usize = 32 << 10;
/// How long Linux tries a connection that nobody answers (`tcp_syn_retries` 6).
const KERNEL_TIMEOUT: Duration = Duration::from_secs(127);

/// What comes out of the streams.
#[derive(Debug, PartialEq, Eq)]
pub enum Out {
    /// Bytes for the client.
    Bytes(Bytes),
    /// A dial failed: the flag to send, outside the byte stream, before the stream's FIN comes.
    DialFailed,
}

/// All streams of one session. Dropping it closes them.
#[derive(Debug)]
pub struct Streams {
    decoder: Decoder,
    open: HashMap<u32, mpsc::UnboundedSender<Bytes>>,
    accepted: mpsc::UnboundedSender<(u32, mpsc::UnboundedReceiver<Bytes>)>,
    budget: Arc<Budget>,
    heard: bool,
    _tasks: JoinSet<()>,
}

/// Bytes taken in and not yet written to a database.
#[derive(Debug, Default)]
pub struct Budget {
    held: AtomicUsize,
    freed: Notify,
}

impl Budget {
    /// Resolves when something was written.
    pub async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Whether more may be taken in.
    pub fn has_room(&self) -> bool {
        self.held.load(Ordering::Relaxed) < BUDGET
    }

    fn take(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    fn free(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        self.freed.notify_one();
    }
}

impl Streams {
    /// A server whose streams all go to one destination. The receiver gives what is for the client; it is read no faster
    /// than the client takes it.
    pub fn new(network: Network, destination: Destination, port: u16) -> (Streams, mpsc::Receiver<Out>) {
        let (out, outgoing) = mpsc::channel(PIECES);
        let (accepted, queue) = mpsc::unbounded_channel();
        let budget = Arc::new(Budget::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(queue, network, destination, port, Arc::clone(&budget), out));
        let streams =
            Streams { decoder: Decoder::new(), open: HashMap::new(), accepted, budget, heard: false, _tasks: tasks };
        (streams, outgoing)
    }

    /// The budget that all streams share.
    pub fn budget(&self) -> Arc<Budget> {
        Arc::clone(&self.budget)
    }

    /// Whether anything came since this was last asked.
    pub fn heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }

    /// Takes bytes of the client. After an error the session is of no use.
    pub fn feed(&mut self, mut bytes: Bytes) -> Result<(), Broken> {
        self.heard = true;
        while let Some(piece) = self.decoder.next(&mut bytes)? {
            match piece {
                Piece::Open(stream) => {
                    let (sender, receiver) = mpsc::unbounded_channel();
                    self.open.insert(stream, sender);
                    let _acceptor_lives_as_long_as_we = self.accepted.send((stream, receiver));
                }
                Piece::Data(stream, data) => {
                    let length = data.len();
                    if let Some(sender) = self.open.get(&stream) {
                        self.budget.take(length);
                        if sender.send(data).is_err() {
                            // Closed from this side: smux throws away what still comes.
                            self.budget.free(length);
                            self.open.remove(&stream);
                        }
                    }
                }
                Piece::Close(stream) => {
                    self.open.remove(&stream);
                }
                Piece::Nop => {}
            }
        }
        Ok(())
    }
}

/// Dials for one stream after another: while one dial hangs, all later ones wait.
async fn accept(
    mut queue: mpsc::UnboundedReceiver<(u32, mpsc::UnboundedReceiver<Bytes>)>,
    network: Network,
    destination: Destination,
    port: u16,
    budget: Arc<Budget>,
    out: mpsc::Sender<Out>,
) {
    let mut copies = JoinSet::new();
    while let Some((stream, input)) = queue.recv().await {
        while copies.try_join_next().is_some() {}
        let input = Input { queue: input, budget: Arc::clone(&budget) };
        let dialled = match network.dial(&destination, port) {
            Dial::There(address) => TcpStream::connect(address).await,
            Dial::Refused => Err(io::ErrorKind::ConnectionRefused.into()),
            Dial::Silent => {
                tokio::time::sleep(KERNEL_TIMEOUT).await;
                Err(io::ErrorKind::TimedOut.into())
            }
        };
        match dialled {
            Ok(tcp) => {
                copies.spawn(copy(stream, tcp, input, out.clone()));
            }
            Err(_) => {
                let _client_may_be_gone = out.send(Out::DialFailed).await;
                let _client_may_be_gone = out.send(Out::Bytes(smux::close(stream))).await;
            }
        }
    }
}

/// What the client sent on one stream and the database has not taken; what is left when it ends is given back.
struct Input {
    queue: mpsc::UnboundedReceiver<Bytes>,
    budget: Arc<Budget>,
}

impl Drop for Input {
    fn drop(&mut self) {
        self.queue.close();
        while let Ok(data) = self.queue.try_recv() {
            self.budget.free(data.len());
        }
    }
}

/// Both directions of one stream, until either ends; then the other is cut and FIN is sent.
async fn copy(stream: u32, tcp: TcpStream, mut input: Input, out: mpsc::Sender<Out>) {
    let _only_slower_without = tcp.set_nodelay(true);
    let (mut reader, mut writer) = tcp.into_split();
    let to_client = async {
        let mut buffer = vec![0; COPY];
        loop {
            match reader.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(length) => {
                    let mut frames = BytesMut::new();
                    smux::push(stream, &buffer[..length], &mut frames);
                    if out.send(Out::Bytes(frames.freeze())).await.is_err() {
                        return;
                    }
                }
            }
        }
    };
    let to_database = async {
        while let Some(data) = input.queue.recv().await {
            input.budget.free(data.len());
            if writer.write_all(&data).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = to_client => {}
        () = to_database => {}
    }
    let _client_may_be_gone = out.send(Out::Bytes(smux::close(stream))).await;
}
