//! The socket: HTTP/1.1 on loopback. It must not know what AWS says.

use super::answer::Answer;
use super::control;
use super::request::Request;
use super::session_door::SessionDoor;
use super::{Aws, Calls};
use crate::sandbox::changes::Changes;
use crate::sandbox::clock::Clock;
use crate::sandbox::faults::Faults;
use crate::sandbox::secrets::Secrets;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, DATE};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// The longest body read, in bytes; AWS's own describe calls stay far below.
const LONGEST_BODY: usize = 1 << 20;

/// AWS on loopback, until dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    calls: Calls,
    task: JoinHandle<()>,
}

impl Server {
    /// How many requests there were for actions that begin so: `rds:DescribeDB`.
    pub fn calls(&self, beginning: &str) -> usize {
        self.calls.of(beginning)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The task owns the open connections, so they end with it.
        self.task.abort();
    }
}

/// Listens on a free port of 127.0.0.1.
pub async fn serve(clock: Clock, faults: Faults, door: SessionDoor) -> io::Result<Server> {
    let changes = Changes::new(clock.clone());
    serve_with(clock, faults, door, Secrets::default(), changes).await
}

/// The same, with secrets that can be rotated, and changes that others see, too.
pub async fn serve_with(
    clock: Clock,
    faults: Faults,
    door: SessionDoor,
    secrets: Secrets,
    changes: Changes,
) -> io::Result<Server> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let calls = Calls::default();
    let aws = Aws { clock, faults, door, secrets, changes, calls: calls.clone() };
    let task = tokio::spawn(accept(listener, aws));
    Ok(Server { address, calls, task })
}

async fn accept(listener: TcpListener, aws: Aws) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    let aws = aws.clone();
                    connections.spawn(async move {
                        let service = service_fn(move |request| {
                            let aws = aws.clone();
                            async move { Ok::<_, Infallible>(respond(&aws, request).await) }
                        });
                        let served = hyper::server::conn::http1::Builder::new()
                            .timer(TokioTimer::new())
                            .serve_connection(TokioIo::new(socket), service)
                            .await;
                        if let Err(error) = served {
                            tracing::debug!(%error, "a connection to the sandbox's AWS ended early");
                        }
                    });
                }
                // Out of file descriptors, or the peer was gone before it was accepted: neither is a reason to stop, but
                // the first would spin.
                Err(error) => {
                    tracing::warn!(%error, "the sandbox's AWS could not accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn respond(aws: &Aws, request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
    let request_id = uuid::Uuid::new_v4().to_string();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let answer = if parts.method == hyper::Method::POST && path == control::ROTATE {
        control::rotate(&aws.secrets).await
    } else if let Some(path) = path.strip_prefix(control::PREFIX) {
        control::answer(parts.method.as_str(), path, &aws.clock, &aws.faults)
    } else {
        match Limited::new(body, LONGEST_BODY).collect().await {
            Ok(body) => {
                let headers = parts.headers.iter().map(|(name, value)| {
                    (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                });
                let request = Request {
                    method: parts.method.as_str().to_owned(),
                    query: parts.uri.query().unwrap_or_default().to_owned(),
                    headers: headers.collect(),
                    body: body.to_bytes().to_vec(),
                    path,
                };
                aws.answer(&request, &request_id)
            }
            Err(error) => Answer { status: 413, content_type: "text/plain", body: format!("{error}\n") },
        }
    };
    response(answer, &request_id, &aws.clock)
}

fn response(answer: Answer, request_id: &str, clock: &Clock) -> Response<Full<Bytes>> {
    let mut builder = Response::builder()
        .status(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header(CONTENT_TYPE, answer.content_type)
        .header("x-amzn-RequestId", request_id);
    // The date that clients measure their clock's error by is the sandbox's, not the machine's.
    if let Ok(now) = Timestamp::try_from(clock.now()) {
        builder = builder.header(DATE, now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    }
    builder
        .body(Full::new(Bytes::from(answer.body)))
        .expect("status, content type, date and a UUID are valid in a response")
}
