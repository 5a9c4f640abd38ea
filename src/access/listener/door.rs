//! Where clients knock: a loopback port, or a Unix socket named as libpq names it. It must not know what they say.

use crate::access::relay;
use crate::db::Transport;
use crate::model::{Diagnosis, Kind, visible};
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// That port of 127.0.0.1; 0 is any free one.
    Port(u16),
    /// The socket `.s.PGSQL.PORT` in that folder, which is made (0700) where it is not there.
    Socket {
        /// What `psql -h` is given.
        folder: PathBuf,
        /// The number in the socket's name.
        port: u16,
    },
}

/// A door that is open.
pub(super) enum Opened {
    Port(TcpListener, u16, Localhost),
    Socket(UnixListener, Socket),
}

/// Whether `localhost` leads here. Where it is `::1` first, a stranger who listens there on our port would be shown what is
/// meant for us.
pub(super) enum Localhost {
    /// Nobody else has the port of `::1`. It is bound and not listened on, so that who tries it is refused at once and goes
    /// on to 127.0.0.1; without SO_REUSEADDR, or another could bind it as well.
    Held { _guard: Option<TcpSocket> },
    /// Somebody else has it.
    Elsewhere,
}

/// Ports that are tried, where any will do.
const ATTEMPTS: usize = 16;

/// A socket's file; gone with it, unless another one stands there by then.
pub(super) struct Socket {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
    folder: PathBuf,
    port: u16,
}

/// Whether a client that has said its last is still there to be answered.
pub(super) enum Presence {
    Tcp(SocketAddr, SocketAddr),
    /// The same socket once more.
    Unix(UnixStream),
}

/// A client at the door.
pub(super) struct Knock {
    pub(super) wire: Box<dyn Transport>,
    pub(super) presence: Presence,
    /// On a Unix socket, the user whose process it is.
    pub(super) uid: Option<u32>,
}

impl Opened {
    pub(super) async fn open(door: &Door) -> Result<Opened, Diagnosis> {
        match door {
            Door::Port(port) => {
                let taken = |error: io::Error| crate::access::forward::taken(*port, &error);
                let mut left = ATTEMPTS;
                loop {
                    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).await.map_err(taken)?;
                    let found = listener.local_addr().map_err(taken)?.port();
                    let localhost = hold(found);
                    left -= 1;
                    if *port > 0 || left == 0 || matches!(localhost, Localhost::Held { .. }) {
                        return Ok(Opened::Port(listener, found, localhost));
                    }
                }
            }
            Door::Socket { folder, port } => {
                let path = folder.join(format!(".s.PGSQL.{port}"));
                let refused = |error: io::Error| {
                    Diagnosis::new(Kind::Local, format!("The socket {} cannot be opened", path.display()))
                        .because(error.to_string())
                        .advise("Name a folder of yours, with a path of less than 90 characters")
                };
                DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refused)?;
                clear(&path).await?;
                let listener = UnixListener::bind(&path).map_err(refused)?;
                // Whoever gets in before this is asked who they are all the same.
                std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(refused)?;
                let file = inode(&path).map_err(refused)?;
                Ok(Opened::Socket(listener, Socket { path, file, folder: folder.clone(), port: *port }))
            }
        }
    }

    /// What a client is given as host, and the port.
    pub(super) fn address(&self) -> (String, u16) {
        match self {
            Opened::Port(_, port, _) => (Ipv4Addr::LOCALHOST.to_string(), *port),
            Opened::Socket(_, socket) => (socket.folder.display().to_string(), socket.port),
        }
    }

    /// Whether a client that says `localhost` comes here.
    pub(super) fn is_localhost(&self) -> bool {
        matches!(self, Opened::Port(_, _, Localhost::Held { .. }))
    }

    /// The next client. Cancel-safe.
    pub(super) async fn accept(&self) -> io::Result<Knock> {
        match self {
            Opened::Port(listener, ..) => {
                let (stream, theirs) = listener.accept().await?;
                // Without it, each small message waits for an acknowledgement: 40 ms a round trip.
                stream.set_nodelay(true)?;
                let ours = stream.local_addr()?;
                Ok(Knock { presence: Presence::Tcp(theirs, ours), uid: None, wire: boxed(stream) })
            }
            Opened::Socket(listener, _) => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred()?.uid();
                let (stream, presence) = doubled(stream)?;
                Ok(Knock { presence, uid: Some(uid), wire: Box::new(stream) })
            }
        }
    }
}

fn hold(port: u16) -> Localhost {
    // Where there is no IPv6, there is no `::1` that anybody could listen on.
    let Ok(socket) = TcpSocket::new_v6() else { return Localhost::Held { _guard: None } };
    match socket.bind((Ipv6Addr::LOCALHOST, port).into()) {
        Ok(()) => Localhost::Held { _guard: Some(socket) },
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Localhost::Held { _guard: None },
        Err(_) => Localhost::Elsewhere,
    }
}

fn boxed(stream: TcpStream) -> Box<dyn Transport> {
    Box::new(stream)
}

/// The stream, and a second handle on it that can be asked whether the other end is held. Shutting one down shuts both.
fn doubled(stream: UnixStream) -> io::Result<(UnixStream, Presence)> {
    let stream = stream.into_std()?;
    let second = stream.try_clone()?;
    Ok((UnixStream::from_std(stream)?, Presence::Unix(UnixStream::from_std(second)?)))
}

impl Presence {
    /// Resolves when nobody holds the other end any more.
    pub(super) async fn gone(&self) {
        match self {
            Presence::Tcp(theirs, ours) => relay::gone(*theirs, *ours).await,
            Presence::Unix(stream) => {
                let mut look = Duration::from_millis(20);
                // What is writable now is so at once, so the hang-up has to be looked for.
                while !stream.ready(tokio::io::Interest::WRITABLE).await.is_ok_and(|ready| ready.is_write_closed()) {
                    tokio::time::sleep(look).await;
                    look = (look * 2).min(Duration::from_secs(2));
                }
            }
        }
    }
}

/// Removes a socket that nobody listens on any more; refuses where somebody does, or where something else is.
async fn clear(path: &Path) -> Result<(), Diagnosis> {
    let name = path.display().to_string();
    let there = match std::fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(Diagnosis::new(Kind::Local, format!("{name} cannot be looked at")).because(error.to_string()));
        }
    };
    let occupied = |why: String| {
        Diagnosis::new(Kind::Local, format!("The socket {} is taken", visible(&name)))
            .because(why)
            .advise("Name another number, or another folder")
    };
    if !there.file_type().is_socket() {
        return Err(occupied("something that is no socket has that name".to_owned()));
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)
            .map_err(|error| occupied(format!("nobody listens on it, but it cannot be removed: {error}"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(occupied(error.to_string())),
        Ok(_) => Err(occupied("somebody listens on it".to_owned())),
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

impl Drop for Socket {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|file| file == self.file) {
            // Where it cannot be removed, the next listener finds that nobody listens on it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn nobody_else_listens_where_localhost_leads() {
        if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_err() {
            eprintln!("skipped: there is no ::1 here");
            return;
        }
        let opened = Opened::open(&Door::Port(0)).await.expect("opens");
        let (_, port) = opened.address();
        assert!(opened.is_localhost());
        let other = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.map(drop);
        assert_eq!(other.expect_err("it is held").kind(), io::ErrorKind::AddrInUse);
        // Who tries it goes on to 127.0.0.1.
        let tried = TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.map(drop);
        assert_eq!(tried.expect_err("nobody listens").kind(), io::ErrorKind::ConnectionRefused);
        drop(opened);

        let stranger = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.expect("bound");
        let port = stranger.local_addr().expect("bound").port();
        match Opened::open(&Door::Port(port)).await {
            Ok(opened) => assert!(!opened.is_localhost()),
            // The port of 127.0.0.1 may be anybody's.
            Err(taken) => assert_eq!(taken.kind, Kind::Local),
        }
    }

    #[tokio::test]
    async fn a_socket_is_private_and_goes_with_its_door() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let door = Door::Socket { folder: folder.path().join("run"), port: 5432 };
        let path = folder.path().join("run/.s.PGSQL.5432");
        let opened = Opened::open(&door).await.expect("opens");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder.path().join("run"))), (0o600, 0o700));
        let taken = Opened::open(&door).await.map(|_| ()).expect_err("somebody listens");
        assert_eq!(taken.kind, Kind::Local);
        drop(opened);
        assert!(!path.exists());

        // Left behind by one that was killed.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
        assert!(path.exists());
        let opened = Opened::open(&door).await.expect("the stale one is removed");
        let mut client = UnixStream::connect(&path).await.expect("it listens");
        let knock = opened.accept().await.expect("accepted");
        assert_eq!(knock.uid, Some(rustix::process::geteuid().as_raw()));
        client.shutdown().await.expect("half closed");
        let still = tokio::time::timeout(Duration::from_millis(200), knock.presence.gone()).await;
        assert!(still.is_err(), "it may still read an answer");
        drop(client);
        tokio::time::timeout(Duration::from_secs(30), knock.presence.gone()).await.expect("it is gone");
        drop(opened);

        std::fs::write(&path, "mine").expect("written");
        assert!(Opened::open(&door).await.is_err());
        assert_eq!(std::fs::read(&path).expect("untouched"), b"mine");
    }
}
