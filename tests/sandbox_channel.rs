//! The sandbox's data channel, seen by a client that is nothing but codecs and a web socket: what the recordings in
//! tests/wire show of the service and the agent, and their habits.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use gatepost::sandbox::aws::session_door::{Begun, StartSession};
use gatepost::sandbox::{Fault, Options, Sandbox, keys};
use gatepost::ssm::ack::Acknowledgement;
use gatepost::ssm::handshake::{HandshakeRequest, HandshakeResponse};
use gatepost::ssm::message::{Flag, Message, MessageType, PayloadType};
use gatepost::ssm::open::{ChannelClosed, OpenDataChannel};
use gatepost::ssm::smux::{self, Decoder, Piece};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};
use uuid::Uuid;

const BASTION: &str = "i-0b2f61a54d1c9e083";
const WRITER: &str = "orders-prod.cluster-c9akciq32xyz.eu-west-1.rds.amazonaws.com";
const FORWARD: &str = "AWS-StartPortForwardingSessionToRemoteHost";

async fn sandbox() -> Sandbox {
    Sandbox::start(Options { events: false, ..Options::default() }).await.expect("a sandbox")
}

fn begin(sandbox: &Sandbox, host: &str) -> Begun {
    let one = |text: &str| vec![text.to_owned()];
    let parameters = BTreeMap::from([
        ("host".to_owned(), one(host)),
        ("portNumber".to_owned(), one("5432")),
        ("localPortNumber".to_owned(), one("0")),
    ]);
    let asked = StartSession {
        region: keys::REGION.to_owned(),
        target: BASTION.to_owned(),
        document: FORWARD.to_owned(),
        parameters,
        reason: None,
    };
    sandbox.sessions().start(asked).expect("a session")
}

fn upgrade(url: &str, region: &str, service: &str) -> Request {
    let mut request = url.into_client_request().expect("a URL");
    let identity =
        Credentials::new(keys::ACCESS_KEY_ID, keys::SECRET_ACCESS_KEY, Some(keys::SESSION_TOKEN.into()), None, "test")
            .into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .expect("all is given");
    let signable = SignableRequest::new("GET", url, std::iter::empty(), SignableBody::Bytes(&[])).expect("a request");
    let (instructions, _) = sign(signable, &parameters.into()).expect("signed").into_parts();
    for (name, value) in instructions.headers() {
        let name: tokio_tungstenite::tungstenite::http::HeaderName = name.parse().expect("a name");
        request.headers_mut().insert(name, value.parse().expect("a value"));
    }
    request
}

async fn dial(request: Request) -> Result<WebSocketStream<TcpStream>, Error> {
    let authority = request.uri().authority().expect("a host").to_string();
    let tcp = TcpStream::connect(authority).await.expect("the service listens");
    tcp.set_nodelay(true).expect("a TCP option");
    tokio_tungstenite::client_async(request, tcp).await.map(|(socket, _)| socket)
}

/// A client that acknowledges what it is told to and nothing else.
struct Client {
    socket: WebSocketStream<TcpStream>,
    id: Uuid,
    next: i64,
    /// The agent's next number: what comes again, because its acknowledgement was late, is no news.
    heard: i64,
}

impl Client {
    async fn open(begun: &Begun) -> Client {
        let socket = dial(upgrade(&begun.stream_url, keys::REGION, "ssmmessages")).await.expect("upgraded");
        let mut client = Client { socket, id: Uuid::new_v4(), next: 0, heard: 0 };
        client.say(&begun.token).await;
        client
    }

    async fn say(&mut self, token: &str) {
        let open = OpenDataChannel::new(token, self.id, Uuid::new_v4()).encode();
        self.socket.send(Frame::Text(open.into())).await.expect("sent");
    }

    /// The same session over another web socket.
    async fn reopen(&mut self, begun: &Begun) {
        self.socket = dial(upgrade(&begun.stream_url, keys::REGION, "ssmmessages")).await.expect("upgraded");
        self.say(&begun.token).await;
    }

    /// The next message, as it is.
    async fn raw(&mut self) -> Message {
        loop {
            let frame = tokio::time::timeout(Duration::from_secs(60), self.socket.next()).await;
            match frame.expect("something comes").expect("the socket is open").expect("a frame") {
                Frame::Binary(frame) => return Message::decode(&frame).expect("a message"),
                Frame::Ping(_) | Frame::Pong(_) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// The next message that `wanted` wants; stream data is acknowledged on the way.
    async fn until(&mut self, wanted: impl Fn(&Message) -> bool) -> Message {
        loop {
            let message = self.raw().await;
            if message.kind == MessageType::OutputStreamData {
                self.acknowledge(&message).await;
                if message.sequence < self.heard {
                    continue;
                }
                self.heard = message.sequence + 1;
            }
            if wanted(&message) {
                return message;
            }
        }
    }

    async fn acknowledge(&mut self, message: &Message) {
        let receipt = Acknowledgement::of(message).message(Uuid::new_v4(), 1);
        self.socket.send(Frame::Binary(receipt.encode())).await.expect("sent");
    }

    /// Sends stream data with the next number; gives the number.
    async fn send(&mut self, payload_type: PayloadType, payload: impl Into<Bytes>) -> i64 {
        let sequence = self.next;
        self.next += 1;
        self.send_as(sequence, payload_type, payload.into()).await;
        sequence
    }

    async fn send_as(&mut self, sequence: i64, payload_type: PayloadType, payload: Bytes) {
        let kind = MessageType::InputStreamData;
        let message = Message::stream_data(kind, Uuid::new_v4(), 1, sequence, payload_type, payload);
        self.socket.send(Frame::Binary(message.encode())).await.expect("sent");
    }

    async fn until_acknowledged(&mut self, sequence: i64) {
        self.until(|message| acknowledges(message, sequence)).await;
    }

    /// Handshake and readiness barrier.
    async fn ready(&mut self) -> HandshakeRequest {
        let request = self.until(|message| message.payload_type == PayloadType::HandshakeRequest).await;
        let request: HandshakeRequest = serde_json::from_slice(&request.payload).expect("JSON");
        let (response, _) = HandshakeResponse::to(&request);
        let response = serde_json::to_vec(&response).expect("JSON");
        self.send(PayloadType::HandshakeResponse, response).await;
        self.until(|message| message.payload_type == PayloadType::HandshakeComplete).await;
        // The first may be acknowledged and lost, the second is refused until the smux server stands: it is resent.
        for _ in 0..2 {
            let sequence = self.send(PayloadType::Output, smux::nop()).await;
            'resend: loop {
                let wait = tokio::time::sleep(Duration::from_millis(20));
                tokio::pin!(wait);
                loop {
                    tokio::select! {
                        () = &mut wait => break,
                        message = self.raw() => {
                            if message.kind == MessageType::OutputStreamData {
                                self.acknowledge(&message).await;
                            }
                            if acknowledges(&message, sequence) {
                                break 'resend;
                            }
                        }
                    }
                }
                self.send_as(sequence, PayloadType::Output, smux::nop()).await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        request
    }

    async fn open_stream(&mut self, stream: u32) {
        self.send(PayloadType::Output, smux::open(stream)).await;
        // SSLRequest: the gate answers it with one byte.
        let mut frames = BytesMut::new();
        smux::push(stream, &[0, 0, 0, 8, 4, 210, 22, 47], &mut frames);
        self.send(PayloadType::Output, frames.freeze()).await;
    }

    async fn closed(&mut self) -> ChannelClosed {
        let message = self.until(|message| message.kind == MessageType::ChannelClosed).await;
        ChannelClosed::decode(&message.payload)
    }
}

fn acknowledges(message: &Message, sequence: i64) -> bool {
    message.kind == MessageType::Acknowledge
        && Acknowledgement::decode(&message.payload).expect("JSON").sequence == sequence
}

fn is_output(message: &Message) -> bool {
    message.payload_type == PayloadType::Output && message.kind == MessageType::OutputStreamData
}

fn pieces(message: &Message) -> Vec<Piece> {
    let mut input = message.payload.clone();
    let mut decoder = Decoder::new();
    let mut pieces = Vec::new();
    while let Some(piece) = decoder.next(&mut input).expect("smux") {
        pieces.push(piece);
    }
    pieces
}

/// The messages of one side of a recording.
fn recorded(name: &str, from: &str) -> Vec<Message> {
    let path = format!("{}/tests/wire/{name}", env!("CARGO_MANIFEST_DIR"));
    let lines = std::fs::read_to_string(path).expect("the recording");
    let mut messages = Vec::new();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        if let (Some(hex), true) = (line["hex"].as_str(), line["from"] == from) {
            let bytes: Vec<u8> = (0..hex.len() / 2)
                .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).expect("hex digits"))
                .collect();
            messages.push(Message::decode(&bytes.into()).expect("a recorded message"));
        }
    }
    messages
}

#[tokio::test]
async fn only_a_signed_upgrade_with_its_token_opens_a_channel() {
    let sandbox = sandbox().await;
    let begun = begin(&sandbox, WRITER);
    let status = |result: Result<_, Error>| match result {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("not refused: {:?}", other.map(|_: WebSocketStream<TcpStream>| ())),
    };
    let url = &begun.stream_url;
    assert_eq!(status(dial(url.as_str().into_client_request().expect("a URL")).await), 403, "unsigned");
    assert_eq!(status(dial(upgrade(url, keys::REGION, "ssm")).await), 403, "another service");
    assert_eq!(status(dial(upgrade(url, keys::OTHER_REGION, "ssmmessages")).await), 403, "another region");
    let other = url.replace(&begun.session_id, "oncall-00000000000000000");
    assert_eq!(status(dial(upgrade(&other, keys::REGION, "ssmmessages")).await), 404, "no such session");
    sandbox.faults().set(Fault::SocketRefused);
    assert_eq!(status(dial(upgrade(url, keys::REGION, "ssmmessages")).await), 503, "refused on purpose");
    sandbox.faults().clear(&Fault::SocketRefused);

    let mut socket = dial(upgrade(url, keys::REGION, "ssmmessages")).await.expect("upgraded");
    let open = OpenDataChannel::new("AAEAAnot-the-token", Uuid::new_v4(), Uuid::new_v4()).encode();
    socket.send(Frame::Text(open.into())).await.expect("sent");
    assert!(matches!(socket.next().await, Some(Ok(Frame::Close(_)))), "a wrong token closes the socket");

    let mut client = Client::open(&begun).await;
    client.ready().await;
    let mut again = dial(upgrade(url, keys::REGION, "ssmmessages")).await.expect("upgraded");
    let open = OpenDataChannel::new(&begun.token, Uuid::new_v4(), Uuid::new_v4()).encode();
    again.send(Frame::Text(open.into())).await.expect("sent");
    assert!(matches!(again.next().await, Some(Ok(Frame::Close(_)))), "a token opens one socket");
    sandbox.stop().await;
}

#[tokio::test]
async fn it_begins_as_the_recordings_do_and_forwards() {
    let sandbox = sandbox().await;
    let begun = begin(&sandbox, WRITER);
    assert!(begun.stream_url.ends_with("?role=publish_subscribe&cell-number=AAEAAsandboxCell0+/="));
    let mut client = Client::open(&begun).await;
    let theirs = recorded("session.jsonl", "agent");
    for recorded in &theirs[..2] {
        let ours = client.raw().await;
        assert_eq!((&ours.kind, ours.sequence, ours.flags), (&recorded.kind, recorded.sequence, recorded.flags));
        assert_eq!((ours.schema_version, ours.payload_type), (recorded.schema_version, recorded.payload_type));
        if ours.payload_type == PayloadType::HandshakeRequest {
            let json =
                |message: &Message| -> HandshakeRequest { serde_json::from_slice(&message.payload).expect("JSON") };
            let (ours, theirs) = (json(&ours), json(recorded));
            assert_eq!((ours.session_type(), ours.property("type")), (theirs.session_type(), theirs.property("type")));
            assert_eq!((ours.property("host"), ours.property("portNumber")), (Some(WRITER), Some("5432")));
            assert_eq!(ours.agent_version, theirs.agent_version);
        }
    }
    client.ready().await;
    client.open_stream(3).await;
    let answer = client.until(is_output).await;
    assert_eq!(pieces(&answer), [Piece::Data(3, Bytes::from_static(b"S"))]);
    client.send(PayloadType::Output, smux::close(3)).await;
    let end = client.until(is_output).await;
    assert_eq!(pieces(&end), [Piece::Close(3)], "the agent answers FIN with FIN, as recorded");
    client.send(PayloadType::Flag, Flag::TerminateSession.encode()).await;
    assert_eq!(client.closed().await.output, "");
    assert!(matches!(client.socket.next().await, Some(Ok(Frame::Close(_)))));
    assert!(sandbox.sessions().resume(&begun.session_id).is_none(), "it is over");
    sandbox.stop().await;
}

#[tokio::test]
async fn the_agent_keeps_its_bad_habits() {
    let sandbox = sandbox().await;
    let mut client = Client::open(&begin(&sandbox, WRITER)).await;
    assert_eq!(client.raw().await.kind, MessageType::StartPublication);
    let first = client.raw().await;
    for _ in 0..3 {
        assert_eq!(client.raw().await, first, "what is not acknowledged comes again, the same to the last byte");
    }
    // Bytes before the handshake: acknowledged and thrown away.
    let early = client.send(PayloadType::Output, smux::open(3)).await;
    client.until_acknowledged(early).await;
    // Out of order: acknowledged and kept.
    let request: HandshakeRequest = serde_json::from_slice(&first.payload).expect("JSON");
    client.ready_from(&request).await;
    let later = client.next + 1;
    client.send_as(later, PayloadType::Output, smux::nop()).await;
    client.until_acknowledged(later).await;
    client.send(PayloadType::Output, smux::nop()).await;
    client.next += 1;
    // An old one again: acknowledged again.
    client.send_as(later, PayloadType::Output, smux::nop()).await;
    client.until_acknowledged(later).await;
    client.send_as(0, PayloadType::Output, smux::nop()).await;
    client.until_acknowledged(0).await;
    sandbox.stop().await;
}

impl Client {
    /// Handshake and barrier when the request has been read already.
    async fn ready_from(&mut self, request: &HandshakeRequest) {
        let (response, _) = HandshakeResponse::to(request);
        let response = serde_json::to_vec(&response).expect("JSON");
        let sequence = self.send(PayloadType::HandshakeResponse, response).await;
        self.until_acknowledged(sequence).await;
        loop {
            // Refused without a word until the smux server stands.
            self.send_as(self.next, PayloadType::Output, smux::nop()).await;
            let acknowledged = tokio::time::timeout(Duration::from_millis(50), self.until_acknowledged(self.next));
            if acknowledged.await.is_ok() {
                self.next += 1;
                return;
            }
        }
    }
}

#[tokio::test]
async fn what_the_database_says_is_sliced() {
    let sandbox = sandbox().await;
    let mut client = Client::open(&begin(&sandbox, WRITER)).await;
    client.ready().await;
    // A startup packet without TLS: one refusal of more than a slice, because the user's name is in it.
    let user = "u".repeat(3000);
    let mut packet = 196_608_u32.to_be_bytes().to_vec();
    packet.extend_from_slice(format!("user\0{user}\0\0").as_bytes());
    let mut bytes = u32::try_from(packet.len() + 4).expect("short").to_be_bytes().to_vec();
    bytes.append(&mut packet);
    let mut frames = BytesMut::from(&smux::open(3)[..]);
    smux::push(3, &bytes, &mut frames);
    client.send(PayloadType::Output, frames.freeze()).await;
    let (mut lengths, mut said, mut decoder) = (Vec::new(), Vec::new(), Decoder::new());
    'all: loop {
        let message = client.until(is_output).await;
        lengths.push(message.payload.len());
        let mut input = message.payload.clone();
        while let Some(piece) = decoder.next(&mut input).expect("smux") {
            match piece {
                Piece::Data(3, data) => said.extend_from_slice(&data),
                Piece::Close(3) => break 'all,
                other => panic!("unexpected {other:?}"),
            }
        }
    }
    assert!(lengths[..lengths.len() - 1].iter().all(|length| *length == 1024), "{lengths:?}");
    assert!(String::from_utf8_lossy(&said).contains("no encryption"), "the gate's refusal");
    sandbox.stop().await;
}

#[tokio::test]
async fn refusals_look_as_recorded() {
    let sandbox = sandbox().await;
    sandbox.faults().set(Fault::PortClosed);
    let mut client = Client::open(&begin(&sandbox, WRITER)).await;
    client.ready().await;
    client.open_stream(3).await;
    let flag = client.until(|message| message.kind == MessageType::OutputStreamData).await;
    assert_eq!((flag.payload_type, Flag::decode(&flag.payload)), (PayloadType::Flag, Some(Flag::ConnectToPortError)));
    assert_eq!(pieces(&client.until(is_output).await), [Piece::Close(3)]);
    sandbox.faults().clear(&Fault::PortClosed);

    for (host, words) in [
        ("nobody.example.com", "lookup nobody.example.com on 10.0.0.2:53: no such host"),
        ("169.254.169.254", "Forwarding to IP address 169.254.169.254 is forbidden."),
    ] {
        let mut client = Client::open(&begin(&sandbox, host)).await;
        let request = client.until(|message| message.payload_type == PayloadType::HandshakeRequest).await;
        let request: HandshakeRequest = serde_json::from_slice(&request.payload).expect("JSON");
        let response = serde_json::to_vec(&HandshakeResponse::to(&request).0).expect("JSON");
        client.send(PayloadType::HandshakeResponse, response).await;
        let closed = client.closed().await;
        assert_eq!((closed.output.as_str(), closed.destination_id.as_str()), (words, BASTION));
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_session_outlives_its_web_sockets() {
    let sandbox = sandbox().await;
    let begun = begin(&sandbox, WRITER);
    let mut client = Client::open(&begun).await;
    client.ready().await;
    client.open_stream(3).await;
    client.until(is_output).await;
    sandbox.faults().set(Fault::SocketCut);
    let close = loop {
        match client.socket.next().await.expect("a close frame").expect("a close frame") {
            Frame::Close(frame) => break frame.expect("with a reason"),
            _ => continue,
        }
    };
    assert_eq!((u16::from(close.code), close.reason.as_str()), (1000, "Bye"));
    let again = sandbox.sessions().resume(&begun.session_id).expect("it lives");
    client.reopen(&again).await;
    assert_eq!(client.raw().await.kind, MessageType::StartPublication);
    client.open_stream(5).await;
    let answer = client.until(|message| is_output(message) && pieces(message) != [Piece::Nop]).await;
    assert_eq!(pieces(&answer), [Piece::Data(5, Bytes::from_static(b"S"))], "no new handshake, the same streams");

    sandbox.faults().set(Fault::SocketReset);
    while let Some(Ok(_)) = client.socket.next().await {}
    let again = sandbox.sessions().resume(&begun.session_id).expect("it lives");
    client.reopen(&again).await;
    assert_eq!(client.raw().await.kind, MessageType::StartPublication);
    sandbox.faults().set(Fault::SessionEnded);
    assert_eq!(client.closed().await.output, "Session was terminated due to inactivity");
    sandbox.stop().await;
}

/// Amazon's own plugin (of 1.2.764 or newer) forwards a port, and psql logs in through it.
#[tokio::test]
#[ignore = "needs Amazon's session-manager-plugin: name it in SESSION_MANAGER_PLUGIN"]
async fn amazons_own_plugin_forwards_a_port() {
    let plugin = std::env::var_os("SESSION_MANAGER_PLUGIN").expect("SESSION_MANAGER_PLUGIN names the plugin");
    let sandbox = sandbox().await;
    let begun = begin(&sandbox, WRITER);
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    // The plugin takes its local port from the handshake's properties, so the session has to know it.
    drop(begun);
    let one = |text: &str| vec![text.to_owned()];
    let parameters = BTreeMap::from([
        ("host".to_owned(), one(WRITER)),
        ("portNumber".to_owned(), one("5432")),
        ("localPortNumber".to_owned(), one(&port.to_string())),
    ]);
    let begun = sandbox
        .sessions()
        .start(StartSession {
            region: keys::REGION.to_owned(),
            target: BASTION.to_owned(),
            document: FORWARD.to_owned(),
            parameters,
            reason: None,
        })
        .expect("a session");
    let response = serde_json::json!({
        "SessionId": begun.session_id, "TokenValue": begun.token, "StreamUrl": begun.stream_url,
    });
    let request = serde_json::json!({ "Target": BASTION, "DocumentName": FORWARD });
    let mut plugin = tokio::process::Command::new(plugin)
        .arg(response.to_string())
        .args([keys::REGION, "StartSession", ""])
        .arg(request.to_string())
        .arg("http://127.0.0.1:1")
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nonexistent")
        .env("AWS_ACCESS_KEY_ID", keys::ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", keys::SECRET_ACCESS_KEY)
        .env("AWS_SESSION_TOKEN", keys::SESSION_TOKEN)
        .env("AWS_REGION", keys::REGION)
        .kill_on_drop(true)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the plugin runs");
    use tokio::io::AsyncBufReadExt;
    let mut lines = tokio::io::BufReader::new(plugin.stdout.take().expect("piped")).lines();
    loop {
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.expect("the plugin speaks");
        let line = line.expect("text").expect("the plugin runs on");
        println!("plugin: {line}");
        if line.contains("Waiting for connections") {
            break;
        }
    }
    for round in 0..3 {
        let output = tokio::process::Command::new("psql")
            .args(["-XAtwc", "select count(*), sum(length(note)) from orders", "-c", "select repeat('x', 200000)"])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("PGHOST", WRITER)
            .env("PGHOSTADDR", "127.0.0.1")
            .env("PGPORT", port.to_string())
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", sandbox.ca_bundle())
            .env("PGUSER", "app")
            .env("PGPASSWORD", "shop-app-password")
            .env("PGDATABASE", "shop")
            .output()
            .await
            .expect("psql runs");
        assert!(output.status.success(), "round {round}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.starts_with("24000|"), "{text:.40}");
        assert_eq!(text.lines().nth(1).map(str::len), Some(200_000));
    }
    plugin.kill().await.expect("ended");
    sandbox.stop().await;
}
