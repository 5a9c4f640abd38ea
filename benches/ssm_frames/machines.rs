//! Frames through the pure machines alone. What the peer says is made beforehand, so that only the client is measured.

use bytes::{Bytes, BytesMut};
use gatepost::ssm::ack::Acknowledgement;
use gatepost::ssm::message::{Message, MessageType, PayloadType};
use gatepost::ssm::session::{Read, Session, Write};
use gatepost::ssm::smux;
use std::task::Waker;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The agent's pace.
const PACE: Duration = Duration::from_millis(1);
/// Bytes of a smux frame, as the agent cuts them.
const PUSH: usize = 32 << 10;
/// Bytes of one of the agent's messages.
const SLICE: usize = 1024;
/// Bytes that a database says or takes at a time.
const PART: usize = 8 << 10;
/// Messages of a client before its first data: the handshake's answer and two NOPs.
const BEFORE: i64 = 3;
/// Frames that are on their way while a receipt is: a window is never empty.
const UNDER_WAY: usize = 16;

/// A session that is ready, with one stream.
struct Ready {
    session: Session,
    stream: u32,
    now: Instant,
}

/// What the agent says of its own accord, and its receipts.
pub struct Script {
    frames: Vec<Bytes>,
    receipts: Vec<Bytes>,
    payload: usize,
}

fn stream_data(sequence: i64, payload_type: PayloadType, payload: Bytes) -> Bytes {
    Message::stream_data(MessageType::OutputStreamData, Uuid::from_u128(1), 1, sequence, payload_type, payload).encode()
}

fn receipts(count: usize) -> Vec<Bytes> {
    let receipt = |sequence| -> Bytes {
        let id = Uuid::from_u128(2);
        let kind = MessageType::InputStreamData;
        let message = Message::stream_data(kind, id, 1, sequence, PayloadType::Output, Bytes::new());
        Acknowledgement::of(&message).message(id, 1).encode()
    };
    let mut wire = BytesMut::new();
    let lengths: Vec<usize> = (0..count as i64 + BEFORE)
        .map(|sequence| {
            let frame = receipt(sequence);
            wire.extend_from_slice(&frame);
            frame.len()
        })
        .collect();
    lengths.into_iter().map(|length| wire.split_to(length).freeze()).collect()
}

/// So many messages of a download.
pub fn download(count: usize) -> Script {
    let mut stream = BytesMut::new();
    while stream.len() < count * SLICE {
        smux::push(smux::FIRST_CLIENT_STREAM, &[7; PUSH], &mut stream);
    }
    // As a web socket gives them: parts of a buffer.
    let mut wire = BytesMut::new();
    for (sequence, slice) in (2..).zip(stream.chunks(SLICE).take(count)) {
        wire.extend_from_slice(&stream_data(sequence, PayloadType::Output, Bytes::copy_from_slice(slice)));
    }
    let length = wire.len() / count.max(1);
    let frames = (0..count).map(|_| wire.split_to(length).freeze()).collect();
    Script { frames, receipts: receipts(0), payload: PART }
}

/// An upload of so many messages of such a payload.
pub fn upload(count: usize, payload: usize) -> Script {
    Script { frames: Vec::new(), receipts: receipts(count), payload }
}

impl Script {
    fn ready(&self) -> Ready {
        let mut now = Instant::now();
        let mut session = Session::new(now, 1, [7; 32], self.payload, None);
        session.connected("token", now);
        let request = br#"{"AgentVersion":"3.3.987.0","RequestedClientActions":[{"ActionType":"SessionType","ActionParameters":{"SessionType":"Port","Properties":{"type":"LocalPortForwarding"}}}]}"#;
        let complete = br#"{"HandshakeTimeToComplete":1,"CustomerMessage":""}"#;
        let said = [
            Some(stream_data(0, PayloadType::HandshakeRequest, Bytes::from_static(request))),
            Some(stream_data(1, PayloadType::HandshakeComplete, Bytes::from_static(complete))),
            None,
        ];
        for (said, receipt) in said.iter().zip(&self.receipts) {
            said.iter().for_each(|frame| session.receive(frame, now));
            while session.transmit(now).is_some() {}
            session.receive(receipt, now);
            now += Duration::from_millis(20);
            session.tick(now);
        }
        assert!(session.opened().is_some(), "the agent's script is wrong: {session:?}");
        let stream = session.open_stream().expect("a number");
        Ready { session, stream, now }
    }

    /// Plays a download; gives what it took and how many bytes came.
    pub fn play_download(&self) -> (Duration, usize) {
        let Ready { mut session, stream, mut now } = self.ready();
        let (mut got, mut buffer) = (0, vec![0; PART]);
        let begun = Instant::now();
        for frame in &self.frames {
            session.receive(frame, now);
            while let Read::Data(data) = session.read(stream, PART, Waker::noop()) {
                buffer[..data.len()].copy_from_slice(&data);
                got += data.len();
            }
            session.tick(now);
            while session.transmit(now).is_some() {}
            now += PACE;
        }
        (begun.elapsed(), got)
    }

    /// Plays an upload; gives what it took and how many bytes went.
    pub fn play_upload(&self) -> (Duration, usize) {
        let Ready { mut session, stream, mut now } = self.ready();
        let (part, mut put) = (vec![7; PART], 0);
        let mut receipts = self.receipts.iter().skip(BEFORE as usize);
        let mut under_way = 0;
        let begun = Instant::now();
        'all: loop {
            put += match session.write(stream, &part, Waker::noop()) {
                Write::Taken(count) => count,
                _ => 0,
            };
            while session.transmit(now).is_some() {
                now += PACE / 10;
                under_way += 1;
                if under_way < UNDER_WAY {
                    continue;
                }
                let Some(receipt) = receipts.next() else { break 'all };
                session.receive(receipt, now);
            }
            session.tick(now);
        }
        (begun.elapsed(), put)
    }
}
