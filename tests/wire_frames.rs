//! The codecs agree with every frame that Amazon's own client and agent exchanged (`tests/wire`, recorded): what is
//! decoded and encoded again is the same bytes, acknowledgements and handshake payloads included.

use bytes::Bytes;
use gatepost::ssm::ack::Acknowledgement;
use gatepost::ssm::handshake::{self, Gates, HandshakeComplete, HandshakeRequest, HandshakeResponse};
use gatepost::ssm::message::{Flag, Message, MessageType, PayloadType};
use gatepost::ssm::open::{ChannelClosed, OpenDataChannel};
use gatepost::ssm::smux::{self, Decoder, Piece};
use serde_json::Value;
use std::collections::HashMap;

/// One line of a recording.
struct Line {
    file: String,
    from: String,
    value: Value,
}

impl Line {
    fn frame(&self) -> Option<Bytes> {
        let text = self.value.get("hex")?.as_str().expect("hex is text");
        let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits");
        Some((0..text.len()).step_by(2).map(byte).collect::<Vec<u8>>().into())
    }

    fn message(&self) -> Option<Message> {
        self.frame().map(|frame| Message::decode(&frame).expect("a recorded frame"))
    }
}

fn lines() -> Vec<Line> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire");
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the recordings") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        for text in std::fs::read_to_string(&path).expect("a recording").lines() {
            let value: Value = serde_json::from_str(text).expect("a line of JSON");
            let from = value["from"].as_str().expect("a side").to_owned();
            lines.push(Line { file: file.clone(), from, value });
        }
    }
    assert!(lines.len() > 200, "the recordings are there");
    lines
}

#[test]
fn every_frame_is_the_same_bytes_again() {
    let mut frames = 0;
    for line in lines() {
        let Some(frame) = line.frame() else { continue };
        let message = Message::decode(&frame).unwrap_or_else(|error| panic!("{}: {error}: {}", line.file, line.value));
        assert_eq!(message.encode(), frame, "{}: {message:?}", line.file);
        frames += 1;
    }
    assert!(frames > 200, "{frames}");
}

#[test]
fn every_acknowledgement_is_what_we_would_have_sent() {
    let mut seen: HashMap<(String, String, i64), Message> = HashMap::new();
    let mut acknowledgements = 0;
    for line in lines() {
        let Some(message) = line.message() else { continue };
        match message.kind {
            MessageType::InputStreamData | MessageType::OutputStreamData => {
                seen.entry((line.file, message.kind.name().to_owned(), message.sequence)).or_insert(message);
            }
            MessageType::Acknowledge => {
                let ack = Acknowledgement::decode(&message.payload).expect("an acknowledgement");
                let original = &seen[&(line.file.clone(), ack.message_type.clone(), ack.sequence)];
                let ours = Acknowledgement::of(original).message(message.id, message.created);
                assert_eq!(ours.encode(), message.encode(), "{}", line.file);
                acknowledgements += 1;
            }
            _ => {}
        }
    }
    assert!(acknowledgements >= 70, "{acknowledgements}");
}

#[test]
fn every_handshake_payload_is_the_same_bytes_again_and_our_answer_is_amazons() {
    let (mut requests, mut responses, mut completes) = (HashMap::new(), 0, 0);
    for line in lines() {
        let Some(message) = line.message() else { continue };
        match message.payload_type {
            PayloadType::HandshakeRequest => {
                let request: HandshakeRequest = serde_json::from_slice(&message.payload).expect("a request");
                assert_eq!(serde_json::to_vec(&request).expect("JSON"), message.payload);
                assert_eq!(request.session_type(), Some("Port"));
                assert_eq!(request.property("type"), Some("LocalPortForwarding"));
                assert_eq!(Gates::of(&request.agent_version).smux, !line.file.starts_with("basic"), "{}", line.file);
                requests.insert(line.file, request);
            }
            PayloadType::HandshakeResponse => {
                let response: HandshakeResponse = serde_json::from_slice(&message.payload).expect("a response");
                assert_eq!(serde_json::to_vec(&response).expect("JSON"), message.payload);
                let (mut ours, trouble) = HandshakeResponse::to(&requests[&line.file]);
                assert_eq!(trouble, None);
                assert_eq!(ours.client_version, handshake::CLIENT_VERSION);
                ours.client_version = response.client_version.clone();
                assert_eq!(serde_json::to_vec(&ours).expect("JSON"), message.payload);
                responses += 1;
            }
            PayloadType::HandshakeComplete => {
                let complete: HandshakeComplete = serde_json::from_slice(&message.payload).expect("a completion");
                assert_eq!(serde_json::to_vec(&complete).expect("JSON"), message.payload);
                assert!(complete.handshake_time_to_complete > 1_000_000, "nanoseconds");
                completes += 1;
            }
            _ => {}
        }
    }
    assert!(requests.len() >= 7 && responses >= 7 && completes >= 7);
}

#[test]
fn the_open_message_has_the_recorded_shape() {
    let mut opened = 0;
    for line in lines() {
        let Some(text) = line.value.get("text").and_then(Value::as_str) else { continue };
        let recorded: OpenDataChannel = serde_json::from_str(text).expect("an open message");
        assert_eq!(recorded.encode(), text);
        let ours = OpenDataChannel::new(
            &recorded.token_value,
            recorded.client_id.parse().expect("a UUID"),
            recorded.request_id.parse().expect("a UUID"),
        );
        assert_eq!(OpenDataChannel { client_version: recorded.client_version.clone(), ..ours }, recorded);
        opened += 1;
    }
    assert!(opened >= 8, "seven sessions and one resume: {opened}");
}

#[test]
fn channel_closed_is_the_same_bytes_again() {
    let mut reasons = Vec::new();
    for line in lines() {
        let Some(message) = line.message().filter(|message| message.kind == MessageType::ChannelClosed) else {
            continue;
        };
        let closed = ChannelClosed::decode(&message.payload);
        assert_eq!(closed.encode(), message.payload);
        reasons.push(closed.output);
    }
    assert!(
        reasons.iter().any(|reason| reason == "Forwarding to IP address 169.254.169.254 is forbidden."),
        "{reasons:?}"
    );
}

/// Takes both byte streams of every smux session apart and makes them again.
#[test]
fn every_smux_stream_is_read_to_its_end() {
    let mut streams: HashMap<(String, String), (i64, Decoder, Vec<Piece>)> = HashMap::new();
    for line in lines().into_iter().filter(|line| !line.file.starts_with("basic")) {
        let Some(message) = line.message() else { continue };
        if !matches!(message.kind, MessageType::InputStreamData | MessageType::OutputStreamData) {
            continue;
        }
        let (expected, decoder, pieces) =
            streams.entry((line.file.clone(), line.from.clone())).or_insert_with(|| (0, Decoder::new(), Vec::new()));
        if message.sequence != *expected {
            continue; // sent again
        }
        *expected += 1;
        if message.payload_type == PayloadType::Flag {
            assert!(Flag::decode(&message.payload).is_some());
        }
        if message.payload_type == PayloadType::Output {
            let mut payload = message.payload.clone();
            while let Some(piece) = decoder.next(&mut payload).expect("smux") {
                let again = match &piece {
                    Piece::Open(stream) => Some(smux::open(*stream)),
                    Piece::Close(stream) => Some(smux::close(*stream)),
                    Piece::Nop => Some(smux::nop()),
                    Piece::Data(..) => None,
                };
                if let Some(again) = again.filter(|_| payload.is_empty()) {
                    assert!(message.payload.ends_with(&again));
                }
                pieces.push(piece);
            }
        }
    }
    let client = &streams[&("session.jsonl".to_owned(), "client".to_owned())].2;
    assert_eq!(client[0], Piece::Open(smux::FIRST_CLIENT_STREAM));
    assert!(client.contains(&Piece::Open(5)) && client.contains(&Piece::Close(5)));
    let agent = &streams[&("session.jsonl".to_owned(), "agent".to_owned())].2;
    let fifth = agent.iter().map(|piece| if let Piece::Data(5, part) = piece { part.len() } else { 0 }).sum::<usize>();
    assert!(fifth > 3000, "the 3,000 byte value, cut at 1,024: {fifth}");
    let old = &streams[&("keepalive-agent-3.1.jsonl".to_owned(), "agent".to_owned())].2;
    assert!(old.contains(&Piece::Nop));
}
