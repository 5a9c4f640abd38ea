//! Fuzzing of what reads a peer's bytes: the message codec, smux, and the whole client machine. Inputs are made from the
//! recorded frames (`tests/wire`) by changing bytes, lengths, numbers and order, or from nothing; each from a seed of its own,
//! which a failure prints. `GATEPOST_FUZZ_ITERATIONS` runs more of them, `GATEPOST_FUZZ_SEED` begins elsewhere.

use bytes::{Bytes, BytesMut};
use gatepost::ssm::ack::Acknowledgement;
use gatepost::ssm::handshake::{Gates, HandshakeComplete, HandshakeRequest, HandshakeResponse};
use gatepost::ssm::message::{Flag, Message, MessageType, PayloadType};
use gatepost::ssm::open::{ChannelClosed, OpenDataChannel};
use gatepost::ssm::session::Session;
use gatepost::ssm::smux::{self, Broken, Decoder, Piece};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Inputs of the codecs, unless the environment says otherwise; of the machine, a tenth.
const ITERATIONS: u64 = 20_000;
/// Frames that a machine may give at once: what its window holds in the smallest pieces is far less.
const AT_ONCE: usize = 20_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Runs it with one seed after the other, and tells the one that fails.
fn fuzz(share: u64, one: impl Fn(&mut StdRng) + std::panic::RefUnwindSafe) {
    let first = number("GATEPOST_FUZZ_SEED").unwrap_or(0);
    let count = number("GATEPOST_FUZZ_ITERATIONS").unwrap_or(ITERATIONS) / share;
    for seed in first..first + count {
        let run = || one(&mut StdRng::seed_from_u64(seed));
        if let Err(panic) = std::panic::catch_unwind(run) {
            eprintln!("GATEPOST_FUZZ_SEED={seed} GATEPOST_FUZZ_ITERATIONS={share} repeats it");
            std::panic::resume_unwind(panic);
        }
    }
}

/// The recorded frames of either side, in their order.
fn recorded(side: Option<&str>) -> Vec<Bytes> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the recordings").flatten().map(|file| file.path()).collect();
    files.sort();
    let mut frames = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "jsonl")) {
        for line in std::fs::read_to_string(file).expect("a recording").lines() {
            let value: Value = serde_json::from_str(line).expect("a line of JSON");
            let wanted = side.is_none_or(|side| value["from"] == side);
            if let Some(text) = value["hex"].as_str().filter(|_| wanted) {
                let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits");
                frames.push((0..text.len()).step_by(2).map(byte).collect());
            }
        }
    }
    assert!(frames.len() > 80, "{}", frames.len());
    frames
}

fn any<'a, T>(random: &mut StdRng, among: &'a [T]) -> &'a T {
    &among[random.random_range(0..among.len())]
}

fn noise(random: &mut StdRng, most: usize) -> Bytes {
    let mut bytes = vec![0; random.random_range(0..=most)];
    random.fill_bytes(&mut bytes);
    bytes.into()
}

/// A number as bugs like them.
fn odd(random: &mut StdRng) -> u64 {
    let near = random.random_range(0..40);
    let edges = [0, 1 << 31, 1 << 32, 1 << 63, u64::MAX, 116, 120];
    any(random, &edges).wrapping_add(near).wrapping_sub(20)
}

/// Changes bytes without knowing what they mean.
fn mangled(random: &mut StdRng, bytes: &[u8]) -> Bytes {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..5) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = random.random(),
            2 => bytes.truncate(at),
            3 => bytes.extend_from_slice(&noise(random, 40)),
            // A field of a header becomes an odd number.
            4 if bytes.len() >= 120 => {
                let field = *any(random, &[0, 36, 48, 112, 116]);
                let number = odd(random).to_be_bytes();
                bytes[field..field + 4].copy_from_slice(&number[4..]);
            }
            5 if bytes.len() >= 120 => {
                let field = *any(random, &[40, 48, 56, 64, 72]);
                bytes[field..field + 8].copy_from_slice(&odd(random).to_be_bytes());
            }
            _ => {
                let part = bytes[at..].to_vec();
                bytes.splice(at..at, part.into_iter().take(64));
            }
        }
    }
    bytes.into()
}

const KINDS: [MessageType; 7] = [
    MessageType::InputStreamData,
    MessageType::OutputStreamData,
    MessageType::Acknowledge,
    MessageType::ChannelClosed,
    MessageType::StartPublication,
    MessageType::PausePublication,
    MessageType::AgentSessionState,
];

/// Changes what a frame means, so that it passes the checks of its form.
fn altered(random: &mut StdRng, frame: &Bytes) -> Bytes {
    let Ok(mut message) = Message::decode(frame) else { return mangled(random, frame) };
    match random.random_range(0..6) {
        0 => message.kind = any(random, &KINDS).clone(),
        1 => message.sequence = odd(random).cast_signed(),
        2 => message.sequence += random.random_range(-3..4),
        3 => message.payload_type = PayloadType::numbered(random.random_range(0..16)),
        4 => message.payload = mangled(random, &message.payload),
        _ => message.flags = odd(random),
    }
    message.encode()
}

#[test]
fn no_bytes_trouble_the_codecs() {
    let frames = recorded(None);
    fuzz(1, |random| {
        let frame: &Bytes = any(random, &frames);
        let frame = match random.random_range(0..4) {
            0 => noise(random, 400),
            1 => altered(random, frame),
            _ => mangled(random, frame),
        };
        // Text frames reach the same decoder; so do the parts of each payload.
        let payload = match Message::decode(&frame) {
            Ok(message) => {
                assert!(message.payload.len() <= frame.len());
                let again = message.encode();
                assert_eq!(Message::decode(&again).expect("our own frame"), message);
                assert_eq!(Message::decode(&again).expect("our own frame").encode(), again);
                let _ = Acknowledgement::of(&message).message(Uuid::nil(), 1).encode();
                message.payload
            }
            Err(error) => {
                assert!(error.to_string().len() < 300, "a sentence, not the frame: {error}");
                frame
            }
        };
        let _ = (Acknowledgement::decode(&payload), Flag::decode(&payload), ChannelClosed::decode(&payload));
        let _ = serde_json::from_slice::<OpenDataChannel>(&payload);
        let _ = serde_json::from_slice::<HandshakeComplete>(&payload);
        let _ = serde_json::from_slice::<HandshakeResponse>(&payload);
        if let Ok(request) = serde_json::from_slice::<HandshakeRequest>(&payload) {
            let (response, _) = HandshakeResponse::to(&request);
            assert_eq!(response.processed_client_actions.len(), request.requested_client_actions.len());
        }
        let _ = Gates::of(&String::from_utf8_lossy(&payload));
    });
}

/// Takes bytes apart that come in such parts; data of one stream that comes in a row is put together.
fn pieces(parts: Vec<Bytes>) -> (Vec<Piece>, Option<Broken>) {
    let mut decoder = Decoder::new();
    let mut all: Vec<Piece> = Vec::new();
    for mut part in parts {
        loop {
            match decoder.next(&mut part) {
                Ok(Some(Piece::Data(id, data))) => match all.last_mut() {
                    Some(Piece::Data(last, had)) if *last == id => {
                        *had = [had.as_ref(), data.as_ref()].concat().into();
                    }
                    _ => all.push(Piece::Data(id, data)),
                },
                Ok(Some(piece)) => all.push(piece),
                Ok(None) => break,
                Err(broken) => return (all, Some(broken)),
            }
        }
        assert!(part.is_empty(), "all of it is used up");
    }
    (all, None)
}

/// smux frames, and what is none.
fn smux_bytes(random: &mut StdRng) -> Bytes {
    let mut out = BytesMut::new();
    for _ in 0..random.random_range(0..6) {
        let id = random.random_range(0..14);
        match random.random_range(0..12) {
            0 => out.extend_from_slice(&smux::open(id)),
            1 | 2 => out.extend_from_slice(&smux::close(id)),
            3 => out.extend_from_slice(&smux::nop()),
            4 if random.random_range(0..8) == 0 => out.extend_from_slice(&noise(random, 20)),
            _ => smux::push(id, &noise(random, 300), &mut out),
        }
    }
    out.freeze()
}

#[test]
fn smux_says_the_same_however_its_bytes_are_cut() {
    fuzz(1, |random| {
        let mut bytes = smux_bytes(random);
        if random.random() {
            bytes = mangled(random, &bytes);
        }
        let whole = pieces(vec![bytes.clone()]);
        let data: usize =
            whole.0.iter().map(|piece| if let Piece::Data(_, data) = piece { data.len() } else { 0 }).sum();
        assert!(data <= bytes.len(), "nothing is made up");
        let mut parts = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let next = random.random_range(1..=rest.len().min(30));
            parts.push(rest.split_to(next));
        }
        assert_eq!(pieces(parts), whole);
    });
}

/// A peer that knows the protocol and keeps to nothing.
struct Peer<'a> {
    frames: &'a [Bytes],
    /// Where in the recordings it is.
    at: usize,
    /// Its sequence number.
    next: i64,
}

impl Peer<'_> {
    fn frame(&mut self, random: &mut StdRng) -> Bytes {
        let mut frame = match random.random_range(0..20) {
            // As it was recorded, so that most schedules come past the handshake.
            0..8 => {
                self.at += 1;
                let frame = self.frames[(self.at - 1) % self.frames.len()].clone();
                if let Ok(message) = Message::decode(&frame)
                    && message.kind == MessageType::OutputStreamData
                {
                    self.next = message.sequence + 1;
                }
                frame
            }
            8..13 => {
                let payload = smux_bytes(random);
                self.stream_data(PayloadType::Output, payload)
            }
            13 => {
                let flag = any(random, &[Flag::ConnectToPortError, Flag::TerminateSession, Flag::DisconnectToPort]);
                self.stream_data(PayloadType::Flag, flag.encode())
            }
            14..18 => acknowledgement(random.random_range(0..12)),
            18 => {
                let kind = any(random, &[MessageType::PausePublication, MessageType::StartPublication]).clone();
                Message::unsequenced(kind, Uuid::nil(), 1, Bytes::new()).encode()
            }
            _ => any(random, self.frames).clone(),
        };
        if random.random_range(0..12) == 0 {
            frame = altered(random, &frame);
        }
        if random.random_range(0..12) == 0 {
            frame = mangled(random, &frame);
        }
        frame
    }

    fn stream_data(&mut self, payload_type: PayloadType, payload: Bytes) -> Bytes {
        self.next += 1;
        let (kind, id) = (MessageType::OutputStreamData, Uuid::nil());
        Message::stream_data(kind, id, 1, self.next - 1, payload_type, payload).encode()
    }
}

/// Of the client's message with this number.
fn acknowledgement(sequence: i64) -> Bytes {
    let kind = MessageType::InputStreamData;
    let message = Message::stream_data(kind, Uuid::nil(), 1, sequence, PayloadType::Output, Bytes::new());
    Acknowledgement::of(&message).message(Uuid::nil(), 1).encode()
}

/// As every session begins where both sides keep to the protocol.
fn open(session: &mut Session, peer: &mut Peer<'_>, request: Bytes, now: &mut Instant) {
    let request = peer.stream_data(PayloadType::HandshakeRequest, request);
    let complete = br#"{"HandshakeTimeToComplete":1,"CustomerMessage":""}"#;
    let complete = peer.stream_data(PayloadType::HandshakeComplete, Bytes::from_static(complete));
    for (sequence, frame) in [(0, Some(request)), (1, Some(complete)), (2, None)] {
        frame.iter().for_each(|frame| session.receive(frame, *now));
        drain(session, *now);
        session.receive(&acknowledgement(sequence), *now);
        *now += Duration::from_millis(15);
        tick(session, *now);
    }
}

/// Takes all that the machine wants to send now; there must be an end to it.
fn drain(session: &mut Session, now: Instant) {
    let frames = std::iter::from_fn(|| session.transmit(now)).take(AT_ONCE).count();
    assert!(frames < AT_ONCE, "it never has enough: {session:?}");
}

/// Does what is due; then nothing may be due any more, or the driver would spin.
fn tick(session: &mut Session, now: Instant) {
    session.tick(now);
    drain(session, now);
    if session.failure().is_none() {
        assert!(session.next_tick().is_none_or(|at| at > now), "it spins: {session:?}");
    }
}

#[test]
fn no_peer_troubles_the_machine() {
    let frames = recorded(Some("agent"));
    // Where a recording begins.
    let beginnings: Vec<usize> = (0..frames.len())
        .filter(|at| {
            Message::decode(&frames[*at]).is_ok_and(|message| message.payload_type == PayloadType::HandshakeRequest)
        })
        .collect();
    assert!(beginnings.len() > 3);
    let requests: Vec<Bytes> = beginnings.iter().map(|at| frames[*at].clone()).collect();
    let (all, ready) = (AtomicU64::new(0), AtomicU64::new(0));
    fuzz(10, |random| {
        let mut now = Instant::now();
        let keep_alive = random.random::<bool>().then_some(Duration::from_secs(60));
        let payload = *any(random, &[1024, 8192, 1 << 20]);
        let mut session = Session::new(now, 1, random.random(), payload, keep_alive);
        let mut peer = Peer { frames: &frames, at: *any(random, &beginnings), next: 0 };
        let mut streams: Vec<u32> = Vec::new();
        let mut given = 0u64;
        session.connected("token", now);
        if random.random_range(0..4) > 0 {
            let request = Message::decode(any(random, &requests)).expect("a recorded frame").payload;
            open(&mut session, &mut peer, request, &mut now);
        }
        for _ in 0..random.random_range(10..120) {
            match random.random_range(0..24) {
                0..12 => {
                    let frame = peer.frame(random);
                    given += frame.len() as u64;
                    session.receive(&frame, now);
                }
                12..15 => {
                    now += Duration::from_millis(*any(random, &[1, 30, 200, 2500, 31_000]));
                    tick(&mut session, now);
                }
                15 => {
                    session.disconnected();
                    assert!(session.transmit(now).is_none(), "there is nothing to send it over");
                    session.connected("token", now);
                }
                16 | 17 => streams.extend(session.open_stream()),
                18..21 if !streams.is_empty() => {
                    let (id, data) = (*any(random, &streams), noise(random, 9000));
                    let _ = session.write(id, &data, Waker::noop());
                }
                21 if !streams.is_empty() => {
                    let id = *any(random, &streams);
                    let _ = session.read(id, random.random_range(1..5000), Waker::noop());
                }
                22 if !streams.is_empty() => {
                    let id = streams.swap_remove(random.random_range(0..streams.len()));
                    session.finish(id);
                    session.drop_stream(id);
                }
                23 if random.random_range(0..20) == 0 => session.terminate(now),
                _ => {}
            }
            drain(&mut session, now);
            let figures = session.figures();
            assert!(figures.streams <= streams.len(), "no stream but ours");
            assert!(figures.received <= given, "nothing is made up");
        }
        all.fetch_add(1, Ordering::Relaxed);
        ready.fetch_add(u64::from(session.opened().is_some()), Ordering::Relaxed);

        // Whatever was said: from here on the peer is silent, and that comes to an end. Either nothing is owed to anybody,
        // or the session is over; and it does not take thousands of steps to find out.
        for step in 0.. {
            assert!(step < 5_000, "it goes on for ever: {session:?}");
            // Whoever opens a tunnel gives the way to "ready" a time of its own.
            if session.failure().is_some() || session.opened().is_none() {
                break;
            }
            match session.next_tick() {
                Some(at) if at <= now + Duration::from_secs(3600) => now = at.max(now),
                _ => break,
            }
            tick(&mut session, now);
        }
        // And the service's last word is heard at any time.
        let closed = ChannelClosed { output: "over".to_owned(), ..ChannelClosed::default() };
        let closed = Message::unsequenced(MessageType::ChannelClosed, Uuid::nil(), 1, closed.encode().into());
        session.receive(&closed.encode(), now);
        assert!(session.failure().is_some());
        drain(&mut session, now);
        streams.iter().for_each(|id| session.drop_stream(*id));
        assert_eq!(session.figures().streams, 0);
    });
    let (all, ready) = (all.into_inner(), ready.into_inner());
    eprintln!("{ready} of {all} schedules came past the handshake");
    assert!(all < 100 || ready * 3 > all, "the peer is too wild to find anything: {ready} of {all}");
}
