//! A tunnel over which nothing comes any more: whether AWS is out of reach or the bastion's agent is gone is told apart, in
//! words. It must not know how that is found out.

#[path = "support/world.rs"]
mod world;

use gatepost::access::ForwardNews;
use gatepost::model::{Diagnosis, Kind, RouteChoice};
use gatepost::sandbox::Fault;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use world::World;

/// SSLRequest (PostgreSQL, "Message Formats"); the answer is one byte.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What is said when these come upon a port with one connection, whose client goes on to ask.
async fn told(faults: &[Fault]) -> Diagnosis {
    let world = World::with(|settings| settings.ssm_patience = Duration::from_secs(2)).await;
    let endpoint = world.endpoint("orders-prod").await;
    let mut forward = world.access.forward(&endpoint, &RouteChoice::Auto, 0, None).await.expect("forwarded");
    let (news, mut told) = tokio::sync::mpsc::unbounded_channel();
    forward.tell(news);
    let port = forward.port();
    let client = async {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.expect("accepted");
        socket.write_all(&SSL_REQUEST).await.expect("written");
        assert_eq!(socket.read_u8().await.expect("an answer"), b'S');
        faults.iter().for_each(|fault| world.sandbox.faults().set(fault.clone()));
        socket.write_all(b"?").await.expect("written");
        match told.recv().await {
            Some(ForwardNews::Trouble(loss)) => loss,
            other => panic!("no loss but {other:?}"),
        }
    };
    let loss = tokio::select! {
        last = forward.serve() => panic!("{last}"),
        loss = tokio::time::timeout(Duration::from_secs(300), client) => loss.expect("it is noticed"),
    };
    for fault in faults {
        world.sandbox.faults().clear(fault);
    }
    forward.close().await;
    world.access.close().await;
    assert_eq!(loss.kind, Kind::TunnelLost, "{loss}");
    assert!(loss.because.iter().any(|because| because.contains("the connection on it is lost")), "{loss}");
    loss
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_gone_and_a_service_out_of_reach_are_told_apart() {
    let (agent, service) = tokio::join!(
        // The service goes on to answer pings: only what the agent owes tells. Half a minute by the clock.
        told(&[Fault::AgentSilent]),
        told(&[Fault::SocketRefused, Fault::SocketReset]),
    );
    assert!(agent.title.contains("Nothing was heard from the agent on "), "{agent}");
    assert!(agent.because.iter().any(|because| because.contains("the service answers")), "{agent}");
    assert!(service.title.contains("AWS could not be reached"), "{service}");
    assert!(!service.to_string().contains("the service answers"), "{service}");
}
