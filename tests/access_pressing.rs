//! Stopping a backend from a second session, where the number that the server gave leads to somebody else's: with a pooler
//! in between, or on another server. Nobody else's is touched.

#[path = "support/authority.rs"]
mod authority;
#[path = "support/world.rs"]
mod world;

use authority::Authority;
use gatepost::access::{Means, Pressed};
use native_tls::{Certificate, Identity, TlsConnector};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use world::{World, value, wish};

/// What stands between: it ends TLS as the database and speaks TLS to it, and tells clients this process id where it is not 0.
struct Pooler {
    tells: Arc<AtomicI32>,
    address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl Pooler {
    async fn open(host: String, identity: Identity, behind: SocketAddr, root: Certificate) -> Pooler {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let tells: Arc<AtomicI32> = Arc::default();
        let told = Arc::clone(&tells);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut serving = JoinSet::new();
            while let Ok((wire, _)) = listener.accept().await {
                let (identity, root) = (identity.clone(), root.clone());
                // A client that leaves ends it.
                serving.spawn(serve(wire, host.clone(), identity, behind, root, Arc::clone(&told)));
            }
        });
        Pooler { tells, address, _accepting: accepting }
    }
}

async fn serve(
    mut wire: TcpStream,
    host: String,
    identity: Identity,
    behind: SocketAddr,
    root: Certificate,
    tells: Arc<AtomicI32>,
) -> io::Result<()> {
    let acceptor = native_tls::TlsAcceptor::new(identity).map_err(io::Error::other)?;
    let connector = TlsConnector::builder().add_root_certificate(root).build().map_err(io::Error::other)?;
    let mut request = [0; 8];
    wire.read_exact(&mut request).await?;
    wire.write_all(b"S").await?;
    let acceptor = tokio_native_tls::TlsAcceptor::from(acceptor);
    let mut client = acceptor.accept(wire).await.map_err(io::Error::other)?;
    let mut wire = TcpStream::connect(behind).await?;
    wire.write_all(&request).await?;
    assert_eq!(wire.read_u8().await?, b'S');
    let connector = tokio_native_tls::TlsConnector::from(connector);
    let mut server = connector.connect(&host, wire).await.map_err(io::Error::other)?;
    // The StartupMessage, the request for a password and its answer, the greeting.
    let length = client.read_u32().await?;
    let mut startup = vec![0; length as usize - 4];
    client.read_exact(&mut startup).await?;
    server.write_all(&[&length.to_be_bytes()[..], &startup].concat()).await?;
    loop {
        let kind = server.read_u8().await?;
        let length = server.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        server.read_exact(&mut body).await?;
        let pid = tells.load(Ordering::Relaxed);
        if kind == b'K' && pid != 0 {
            body[..4].copy_from_slice(&pid.to_be_bytes());
        }
        client.write_all(&[&[kind][..], &length.to_be_bytes(), &body].concat()).await?;
        client.flush().await?;
        if kind == b'R' && body[..4] == [0, 0, 0, 3] {
            let (kind, length) = (client.read_u8().await?, client.read_u32().await?);
            let mut password = vec![0; length as usize - 4];
            client.read_exact(&mut password).await?;
            server.write_all(&[&[kind][..], &length.to_be_bytes(), &password].concat()).await?;
            server.flush().await?;
        }
        if kind == b'Z' {
            break;
        }
    }
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_backend_is_ended() {
    let world = World::new().await;
    let endpoint = world.endpoint("reports").await;
    let authority = Authority::new("the pooler's");
    let identity = authority.leaf(&[&endpoint.host], (2020, 2100)).identity();
    let pem = std::fs::read(world.sandbox.ca_bundle()).expect("there");
    let root = Certificate::from_pem(&pem).expect("a root");
    let gate = world.sandbox.gate_address(&endpoint.host).expect("a gate");
    let pooler = Pooler::open(endpoint.host.clone(), identity, gate, root).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let roots = folder.path().join("pooler.pem");
    std::fs::write(&roots, authority.pem()).expect("written");
    let mut resolve = world.resolve(&endpoint);
    resolve.address = pooler.address.to_string();
    let access = world.door(|settings| {
        settings.resolve = vec![resolve];
        settings.ca_bundles.push(roots);
    });
    let press = async |session: &gatepost::access::Session, means| {
        let pressing = session.canceller();
        let pressed = pressing.press_unless(means, std::future::pending());
        let pressed = tokio::time::timeout(Duration::from_secs(120), pressed).await.expect("in time");
        pressed.expect("asked").expect("it was not over")
    };

    // The same role's, with the number that the other one is told, and older.
    let mut innocent = access.connect(&wish(&endpoint, "oncall"), None).await.expect("in");
    let older = "select clock_timestamp() - backend_start > '5 s' from pg_stat_activity where pid = pg_backend_pid()";
    while value(&mut innocent, older).await != "t" {}
    pooler.tells.store(innocent.facts().pid, Ordering::Relaxed);
    let mut mistaken = access.connect(&wish(&endpoint, "oncall"), None).await.expect("in");
    assert_eq!(mistaken.facts().pid, innocent.facts().pid);
    for means in [Means::Cancel, Means::Terminate] {
        assert_eq!(press(&mistaken, means).await, Pressed::Unknown);
    }
    for session in [&mut innocent, &mut mistaken] {
        let (_, reconnected) = world::rows(session, "select 1").await.expect("it lives");
        assert!(!reconnected);
    }

    // Its own is ended.
    pooler.tells.store(0, Ordering::Relaxed);
    let own = access.connect(&wish(&endpoint, "oncall"), None).await.expect("in");
    assert_eq!(press(&own, Means::Terminate).await, Pressed::Gone);
    for session in [innocent, mistaken, own] {
        session.close().await;
    }
    access.close().await;
}
