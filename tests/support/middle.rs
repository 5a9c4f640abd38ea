//! What may stand between a program and AWS: an HTTP proxy that asks for a password, a server that ends TLS, a relay that
//! keeps the heads of what passes. Real sockets on loopback; each ends with its owner. It must not know what passes.

#![allow(dead_code, reason = "no test uses all of it")]

use base64::Engine;
use native_tls::Identity;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Something that listens.
pub struct Middle {
    pub address: SocketAddr,
    /// Of a proxy what was asked for, of a relay the heads of requests; in order.
    noted: Arc<Mutex<Vec<String>>>,
    _accepting: JoinSet<()>,
}

impl Middle {
    pub fn noted(&self) -> Vec<String> {
        self.noted.lock().expect("nobody panics with it").clone()
    }

    async fn open<F, W>(listener: TcpListener, serve: F) -> Middle
    where
        F: Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().expect("it listens");
        let noted: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&noted);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut serving = JoinSet::new();
            loop {
                tokio::select! {
                    Ok((tcp, _)) = listener.accept() => { serving.spawn(serve(tcp, Arc::clone(&kept))); }
                    Some(_) = serving.join_next() => {}
                }
            }
        });
        Middle { address, noted, _accepting: accepting }
    }

    /// An HTTP proxy for CONNECT. It alone knows where the names (`host:port`) lead.
    pub async fn proxy(names: &[(&str, SocketAddr)], password: Option<&str>, tls: Option<Identity>) -> Middle {
        let names: HashMap<String, SocketAddr> = names.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect();
        let wanted = password.map(|password| {
            format!("basic {}", base64::engine::general_purpose::STANDARD.encode(password)).to_ascii_lowercase()
        });
        let names = Arc::new(names);
        Middle::open(loopback().await, move |tcp, noted| {
            let (names, wanted, tls) = (Arc::clone(&names), wanted.clone(), tls.clone());
            async move {
                let Some(mut wire) = ended(tcp, tls).await else { return };
                let Some(head) = head(&mut wire).await else { return };
                let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
                noted.lock().expect("nobody panics with it").push(target.clone());
                let given = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("proxy-authorization").then(|| value.trim().to_ascii_lowercase())
                });
                let answer = match (wanted.is_some() && given != wanted, names.get(&target)) {
                    (true, _) => "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"middle\"",
                    (false, None) => "502 Bad Gateway",
                    (false, Some(address)) => {
                        let Ok(mut far) = TcpStream::connect(address).await else { return };
                        if wire.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.is_ok() {
                            let _whoever_ends = copy_bidirectional(&mut wire, &mut far).await;
                        }
                        return;
                    }
                };
                let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _it_may_be_gone = wire.write_all(answer.as_bytes()).await;
            }
        })
        .await
    }

    /// Ends TLS and passes on what was in it.
    pub async fn front(tls: Identity, to: SocketAddr) -> Middle {
        Middle::open(loopback().await, move |tcp, _| {
            let tls = tls.clone();
            async move {
                let Some(mut wire) = ended(tcp, Some(tls)).await else { return };
                let Ok(mut far) = TcpStream::connect(to).await else { return };
                let _whoever_ends = copy_bidirectional(&mut wire, &mut far).await;
            }
        })
        .await
    }

    /// Passes everything on and notes the head of each connection's first request.
    pub async fn relay(listener: TcpListener, to: SocketAddr) -> Middle {
        Middle::open(listener, move |mut tcp, noted| async move {
            let Some(head) = head(&mut tcp).await else { return };
            noted.lock().expect("nobody panics with it").push(head.clone());
            let Ok(mut far) = TcpStream::connect(to).await else { return };
            if far.write_all(head.as_bytes()).await.is_ok() {
                let _whoever_ends = copy_bidirectional(&mut tcp, &mut far).await;
            }
        })
        .await
    }
}

pub async fn loopback() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a loopback port")
}

/// An address at which nobody listens: the port was ours a moment ago.
pub async fn nobody() -> SocketAddr {
    loopback().await.local_addr().expect("it listened")
}

async fn ended(tcp: TcpStream, tls: Option<Identity>) -> Option<Box<dyn Wire>> {
    tcp.set_nodelay(true).ok()?;
    let Some(identity) = tls else { return Some(Box::new(tcp)) };
    let acceptor = native_tls::TlsAcceptor::new(identity).expect("a certificate and its key");
    let wire = tokio_native_tls::TlsAcceptor::from(acceptor).accept(tcp).await.ok()?;
    Some(Box::new(wire))
}

/// A request's head, with the empty line; nothing beyond it is taken.
async fn head(wire: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(wire.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
