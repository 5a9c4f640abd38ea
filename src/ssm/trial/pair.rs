//! The client's machine against the model agent on a simulated clock, under loss, doubling, reordering, delay, cuts,
//! resumes, pauses and stalled readers: every byte arrives once and in order, a refused dial is told, nothing wedges.
//! `GATEPOST_SEEDS` runs more schedules than the usual two thousand.

use super::agent::{Agent, Habits};
use crate::ssm::channel::Frame;
use crate::ssm::message::{Message, MessageType, PayloadType};
use crate::ssm::mux::{Read, Write};
use crate::ssm::open::{ChannelClosed, OpenDataChannel};
use crate::ssm::session::{Failure, Session};
use crate::ssm::{Ended, smux};
use bytes::Bytes;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::task::Waker;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What the network does.
#[derive(Clone, Debug)]
struct Weather {
    /// Of a hundred frames.
    lost: u32,
    doubled: u32,
    /// Milliseconds.
    delay: u64,
    jitter: u64,
    /// The web socket is cut about this often (milliseconds), and is away for up to so long.
    cuts: Option<(u64, u64)>,
    /// The service announces the other side's absence.
    announces: bool,
    /// Frames longer than this are dropped silently,
    most: usize,
    /// or answered by closing the web socket.
    closes: bool,
}

const FAIR: Weather =
    Weather { lost: 0, doubled: 0, delay: 5, jitter: 0, cuts: None, announces: false, most: usize::MAX, closes: false };

/// What a user does with one stream.
struct User {
    id: Option<u32>,
    begins: u64,
    total: usize,
    written: usize,
    read: usize,
    /// Reads nothing before this (milliseconds).
    stalls: u64,
    refused: bool,
    done: bool,
}

struct World {
    start: Instant,
    now: u64,
    random: StdRng,
    weather: Weather,
    session: Session,
    agent: Agent,
    /// When, a number that keeps order, to the agent or to the client, what.
    wire: Vec<(u64, u64, bool, Bytes)>,
    sent: u64,
    connected: bool,
    next_cut: Option<u64>,
    reconnect: u64,
    users: Vec<User>,
    opens: Vec<OpenDataChannel>,
}

fn byte(stream: u64, at: usize) -> u8 {
    (at as u64).wrapping_mul(31).wrapping_add(stream * 17).wrapping_add(at as u64 >> 8) as u8
}

impl World {
    fn new(seed: u64, weather: Weather, habits: Habits, payload: usize, users: Vec<User>) -> Self {
        let start = Instant::now();
        let mut random = StdRng::seed_from_u64(seed);
        let next_cut = weather.cuts.map(|(often, _)| random.random_range(0..often * 2));
        Self {
            start,
            now: 0,
            session: Session::new(start, 1_700_000_000_000, random.random(), payload, None),
            agent: Agent::new(habits, start),
            random,
            weather,
            wire: Vec::new(),
            sent: 0,
            connected: false,
            next_cut,
            reconnect: 0,
            users,
            opens: Vec::new(),
        }
    }

    fn clock(&self) -> Instant {
        self.start + Duration::from_millis(self.now)
    }

    fn put(&mut self, to_agent: bool, frame: Bytes) {
        if frame.len() > self.weather.most {
            if self.weather.closes {
                self.next_cut = Some(self.now);
            }
            return;
        }
        let copies = 1 + u32::from(self.random.random_range(0..100) < self.weather.doubled);
        for _ in 0..copies {
            if self.random.random_range(0..100) < self.weather.lost {
                continue;
            }
            let jitter = if self.weather.jitter > 0 { self.random.random_range(0..self.weather.jitter) } else { 0 };
            self.sent += 1;
            self.wire.push((self.now + self.weather.delay + jitter, self.sent, to_agent, frame.clone()));
        }
    }

    fn publication(&mut self, kind: MessageType) {
        let frame = Message::unsequenced(kind, Uuid::nil(), 1, Bytes::new()).encode();
        self.session.receive(&frame, self.clock());
    }

    /// One round at the present moment.
    fn act(&mut self) {
        let now = self.clock();
        if self.connected && self.next_cut.is_some_and(|at| at <= self.now) {
            let away = self.weather.cuts.map_or(50, |(_, away)| away);
            self.session.disconnected();
            self.connected = false;
            self.wire.clear();
            self.reconnect = self.now + self.random.random_range(0..=away);
            let cuts = self.weather.cuts;
            self.next_cut = cuts.map(|(often, _)| self.reconnect + self.random.random_range(0..often * 2));
            if self.weather.announces {
                self.agent.pause();
            }
        }
        if !self.connected && self.reconnect <= self.now {
            self.connected = true;
            self.session.connected("a token", now);
            self.agent.unpause();
            if self.weather.announces && self.random.random() {
                self.publication(MessageType::PausePublication);
                if self.random.random() {
                    self.publication(MessageType::StartPublication);
                }
            }
        }
        self.wire.sort_unstable_by_key(|(at, order, ..)| (*at, *order));
        let due = self.wire.partition_point(|(at, ..)| *at <= self.now);
        for (_, _, to_agent, frame) in self.wire.drain(..due).collect::<Vec<_>>() {
            if to_agent {
                self.agent.receive(&frame, now);
            } else {
                self.session.receive(&frame, now);
            }
        }
        self.session.tick(now);
        self.agent.tick(now);
        if self.session.opened().is_some() {
            for index in 0..self.users.len() {
                self.user(index);
            }
        }
        while let Some(frame) = self.session.transmit(now) {
            match frame {
                Frame::Text(text) => self.opens.push(serde_json::from_str(&text).expect("an open message")),
                Frame::Binary(frame) => self.put(true, frame),
            }
        }
        while let Some(frame) = self.agent.transmit() {
            if self.connected {
                self.put(false, frame);
            }
        }
    }

    fn user(&mut self, index: usize) {
        let user = &mut self.users[index];
        if user.done || user.begins > self.now {
            return;
        }
        let id = *user.id.get_or_insert_with(|| self.session.open_stream().expect("a number"));
        let waker = Waker::noop();
        while user.written < user.total {
            let most = (user.total - user.written).min(1 + (index + 1) * 777 % 4000);
            let part: Vec<u8> = (user.written..user.written + most).map(|at| byte(index as u64, at)).collect();
            match self.session.write(id, &part, waker) {
                Write::Taken(count) => user.written += count,
                Write::Pending | Write::Closed | Write::Refused => break,
            }
        }
        if user.stalls > self.now {
            return;
        }
        loop {
            match self.session.read(id, 5000, waker) {
                Read::Data(data) => {
                    for got in data {
                        assert_eq!(got, byte(index as u64, user.read), "stream {id}, byte {}", user.read);
                        user.read += 1;
                    }
                }
                Read::Pending => break,
                Read::Refused => {
                    user.refused = true;
                    user.done = true;
                    self.session.drop_stream(id);
                    break;
                }
                other => panic!("stream {id} after {} bytes: {other:?}", user.read),
            }
        }
        if !user.done && user.read == user.total {
            user.done = true;
            self.session.drop_stream(id);
        }
    }

    /// Goes on until `end`, or fails when that does not come within so many simulated seconds.
    fn run(&mut self, seconds: u64, end: impl Fn(&Self) -> bool) {
        loop {
            self.act();
            assert_eq!(self.agent.complaint, None);
            if end(self) {
                return;
            }
            let ticks = [self.session.next_tick(), self.agent.next_tick()];
            let ticks = ticks.into_iter().flatten().map(|at| {
                let since = at.saturating_duration_since(self.start);
                u64::try_from(since.as_micros().div_ceil(1000)).expect("a simulated time")
            });
            let wire = self.wire.iter().map(|(at, ..)| *at).min();
            let reconnect = (!self.connected).then_some(self.reconnect);
            let cut = self.next_cut.filter(|_| self.connected);
            let users = self.users.iter().filter(|user| !user.done);
            let users = users.flat_map(|user| [user.begins, user.stalls]).filter(|at| *at > self.now).min();
            let next = ticks.chain([wire, reconnect, cut, users].into_iter().flatten()).min();
            let next = next.unwrap_or_else(|| panic!("nothing is left to happen at {} ms", self.now));
            self.now = next.max(self.now + 1);
            assert!(self.now < seconds * 1000, "not done in time: {:?}", self.session);
        }
    }
}

fn user(begins: u64, total: usize, stalls: u64) -> User {
    User { id: None, begins, total, written: 0, read: 0, stalls, refused: false, done: false }
}

fn all_done(world: &World) -> bool {
    world.users.iter().all(|user| user.done) && world.agent.streams() == 0
}

/// One random schedule.
fn schedule(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed ^ 0x5eed);
    let weather = Weather {
        lost: [0, 0, 1, 5, 20][random.random_range(0..5)],
        doubled: [0, 1, 10][random.random_range(0..3)],
        delay: random.random_range(0..60),
        jitter: [0, 3, 80][random.random_range(0..3)],
        cuts: [None, Some((400, 50)), Some((150, 700))][random.random_range(0..3)],
        announces: random.random(),
        most: [usize::MAX, usize::MAX, 1500][random.random_range(0..3)],
        closes: random.random(),
    };
    let habits = Habits {
        race: Duration::from_millis(random.random_range(0..8)),
        setup: Duration::from_millis(random.random_range(0..200)),
        blind: [i64::MAX, 7][random.random_range(0..2)],
        refuses: [None, Some(3)][random.random_range(0..2)],
        version: ["3.3.987.0", "3.1.1374.0"][random.random_range(0..2)].to_owned(),
        ..Habits::default()
    };
    let users = (0..random.random_range(1..6))
        .map(|_| {
            let begins = random.random_range(0..1500);
            let total = [0, 1, 500, 3000, 30_000][random.random_range(0..5)] + random.random_range(0..100);
            user(begins, total + 1, random.random_range(0..2) * random.random_range(0..20_000))
        })
        .collect();
    let payload = [1024, 1024, 4096, 16_384][random.random_range(0..4)];
    let refuses = habits.refuses;
    let mut world = World::new(seed, weather, habits, payload, users);
    world.run(1800, all_done);
    for user in &world.users {
        let id = user.id.expect("it was opened");
        let refused = refuses.is_some_and(|every| (id / 2).is_multiple_of(every));
        assert_eq!(user.refused, refused, "seed {seed}, stream {id}");
        assert!(refused || user.read == user.total);
    }
    assert!(world.opens.iter().all(|open| open.client_id == world.opens[0].client_id), "one client id");
    assert_eq!(world.opens[0].client_version, "1.2.835.0");
}

#[test]
fn every_byte_arrives_once_and_in_order_whatever_the_weather() {
    let seeds = std::env::var("GATEPOST_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2000);
    for seed in 0..seeds {
        if let Err(panic) = std::panic::catch_unwind(|| schedule(seed)) {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn in_fair_weather_ready_comes_soon_and_nothing_is_sent_twice() {
    let mut world = World::new(1, FAIR, Habits::default(), 8192, vec![user(0, 200_000, 0)]);
    world.run(60, |world| world.session.opened().is_some());
    assert!(world.now < 120, "handshake, setup of the smux server and the barrier: {} ms", world.now);
    world.run(60, all_done);
    // The agent's pace: one slice of 1,024 a millisecond.
    assert!(world.now < 500, "{} ms", world.now);
}

#[test]
fn what_is_written_at_once_is_not_lost_in_the_agents_own_race() {
    for race in 0..9 {
        let race = Duration::from_millis(race);
        let weather = Weather { delay: 0, ..FAIR };
        let mut world = World::new(8, weather, Habits { race, ..Habits::default() }, 8192, vec![user(0, 3000, 0)]);
        world.run(60, all_done);
    }
}

#[test]
fn receipts_that_a_cut_has_swallowed_are_sent_again() {
    // The agent is told of nothing for a while before the cut: all that it sent then it takes for lost.
    let mut world = World::new(9, FAIR, Habits::default(), 1024, vec![user(0, 600_000, 0)]);
    world.run(60, |world| world.users[0].read > 200_000);
    let (cut, before) = (world.now + 200, world.users[0].read);
    while world.now < cut {
        world.now += 1;
        // Only what goes to the agent is lost.
        world.act();
        world.wire.retain(|(_, _, to_agent, _)| !to_agent);
    }
    assert!(world.users[0].read > before + 100_000 && world.agent.booked() > 100);
    world.session.disconnected();
    world.connected = false;
    world.wire.clear();
    let back = world.now;
    world.run(60, |world| world.connected && world.agent.booked() < 50);
    assert!(world.now < back + 100, "not one at each of its scans: {} ms", world.now - back);
    world.run(60, all_done);
}

#[test]
fn a_service_that_closes_over_a_large_payload_gets_small_ones_from_then_on() {
    for closes in [false, true] {
        let weather = Weather { most: 1500, closes, ..FAIR };
        let mut world = World::new(14, weather, Habits::default(), 8192, vec![user(0, 100_000, 0)]);
        world.run(60, all_done);
        assert_eq!(world.opens.len(), if closes { 2 } else { 1 }, "one lesson is enough");
    }
}

#[test]
fn the_answer_to_the_handshake_is_the_same_frame_again_on_the_next_web_socket() {
    let mut world = World::new(15, FAIR, Habits::default(), 8192, vec![user(0, 3000, 0)]);
    let mut answers: Vec<Bytes> = Vec::new();
    for _ in 0..3 {
        // Whatever goes to the agent is lost with each web socket; what it has asked for came on the first one.
        world.run(60, |world| world.wire.iter().any(|(_, _, to_agent, frame)| *to_agent && is_answer(frame)));
        answers.extend(world.wire.drain(..).map(|(.., frame)| frame).filter(is_answer));
        world.session.disconnected();
        world.connected = false;
        world.reconnect = world.now + 300;
    }
    assert!(answers.len() >= 3 && answers.iter().all(|answer| *answer == answers[0]), "{}", answers.len());
    // The agent complains of a second one.
    world.run(60, all_done);
}

fn is_answer(frame: &Bytes) -> bool {
    Message::decode(frame).is_ok_and(|message| message.payload_type == PayloadType::HandshakeResponse)
}

#[test]
fn while_the_agent_is_away_nothing_goes_out_but_a_knock_now_and_then() {
    let mut world = World::new(16, FAIR, Habits::default(), 1024, vec![user(0, 10, 0)]);
    world.run(60, all_done);
    // Only its name is filled in, as the service may send it.
    let publication = |name: &str| -> Bytes { [&[0; 4], name.as_bytes(), &[0; 100]].concat().into() };
    let now = world.clock();
    world.session.receive(&publication("pause_publication"), now);
    assert!(!world.session.hears_agent());
    let id = world.session.open_stream().expect("a number");
    assert!(matches!(world.session.write(id, &[7; 5000], Waker::noop()), Write::Taken(5000)));
    // The numbers of what goes out now; receipts may.
    let out = |world: &mut World| -> Vec<i64> {
        let now = world.clock();
        world.session.tick(now);
        let frames = std::iter::from_fn(|| world.session.transmit(now)).map(|frame| match frame {
            Frame::Binary(frame) => Message::decode(&frame).expect("our own frame"),
            Frame::Text(_) => panic!("the web socket stands"),
        });
        let data = frames.filter(|message| message.kind == MessageType::InputStreamData);
        data.map(|message| message.sequence).collect()
    };
    let mut frames = Vec::new();
    let until = world.now + 60_000;
    while world.now < until {
        frames.extend(out(&mut world));
        let next = world.session.next_tick().expect("it knocks").saturating_duration_since(world.start);
        world.now = u64::try_from(next.as_micros().div_ceil(1000)).expect("a simulated time").max(world.now + 1);
    }
    assert!((11..=14).contains(&frames.len()), "{} in a minute", frames.len());
    assert!(frames.iter().all(|frame| *frame == frames[0]), "the oldest one, and no other");
    assert!(world.session.failure().is_none(), "five minutes are given to it");
    let now = world.clock();
    world.session.receive(&publication("start_publication"), now);
    assert!(world.session.hears_agent());
    let all = out(&mut world);
    assert!(all.len() >= 5 && all[0] == frames[0], "everything at once: {}", all.len());
}

#[test]
fn a_terminate_flag_reaches_the_agent() {
    let mut world = World::new(2, FAIR, Habits::default(), 1024, vec![]);
    world.run(60, |world| world.session.opened().is_some());
    let now = world.clock();
    world.session.terminate(now);
    assert!(world.session.is_terminating());
    world.run(60, |world| !world.session.is_terminating());
    assert!(world.agent.terminated);
}

#[test]
fn an_agent_that_needs_nops_gets_them_and_a_new_one_gets_one_probe() {
    let version = "3.1.1374.0".to_owned();
    let mut world = World::new(3, FAIR, Habits { version, ..Habits::default() }, 1024, vec![]);
    world.run(200, |world| world.now > 65_000);
    assert!(world.agent.nops >= 6, "{}", world.agent.nops);

    let mut world = World::new(3, FAIR, Habits::default(), 1024, vec![user(0, 10, 0)]);
    world.run(60, |world| world.session.opened().is_some());
    let before = world.agent.nops;
    let user_done = |world: &World| all_done(world) && world.now > 1000;
    world.users.push(user(1500, 10, 0));
    world.run(60, user_done);
    // A far user keeps the world turning.
    world.users.push(user(3_000_000, 1, 0));
    world.run(4000, |world| world.now > 2_900_000);
    assert_eq!(world.agent.nops - before, 1, "an idle session may run into the account's idle timeout");
}

#[test]
fn an_old_agent_and_encryption_are_refused_in_words() {
    let version = "3.0.161.0".to_owned();
    let mut world = World::new(4, FAIR, Habits { version, ..Habits::default() }, 1024, vec![]);
    world.run(60, |world| world.session.failure().is_some());
    let Some(Failure::Unsupported(sentence)) = world.session.failure() else { panic!("{:?}", world.session) };
    assert!(sentence.contains("3.0.161.0") && sentence.contains("update"), "{sentence}");

    let mut world = World::new(4, FAIR, Habits { encryption: true, ..Habits::default() }, 1024, vec![]);
    world.run(60, |world| world.session.failure().is_some() && world.agent.cancelled);
    let Some(Failure::Unsupported(sentence)) = world.session.failure() else { panic!("{:?}", world.session) };
    assert!(sentence.contains("KMS"), "{sentence}");
}

#[test]
fn channel_closed_is_the_end_with_its_reason() {
    let mut world = World::new(5, FAIR, Habits::default(), 1024, vec![]);
    world.run(60, |world| world.session.opened().is_some());
    let closed = ChannelClosed { output: "idle".to_owned(), ..ChannelClosed::default() }.encode();
    let frame = Message::unsequenced(MessageType::ChannelClosed, Uuid::nil(), 1, closed.into()).encode();
    let now = world.clock();
    world.session.receive(&frame, now);
    assert!(matches!(world.session.failure(), Some(Failure::Ended(Ended::ByService(reason))) if reason == "idle"));
}

#[test]
fn an_agent_that_is_gone_is_noticed() {
    let mut world = World::new(6, FAIR, Habits::default(), 1024, vec![user(0, 10, 0)]);
    world.run(60, all_done);
    world.weather.lost = 100;
    let gone = world.now;
    world.users.push(user(0, 10, 0));
    world.run(600, |world| world.session.failure().is_some());
    assert!(matches!(world.session.failure(), Some(Failure::Ended(Ended::AgentSilent(_)))));
    assert!((29_000..32_000).contains(&(world.now - gone)), "{} ms", world.now - gone);
}

#[test]
fn bytes_survive_fifty_cuts_of_up_to_half_a_minute() {
    // An agent that is not told goes on sending to nobody, and repairs ten messages a second afterwards: hours for these.
    let weather = Weather { cuts: Some((150, 30_000)), announces: true, ..FAIR };
    let users = (0..4).map(|_| user(0, 2_500_000, 0)).collect();
    let mut world = World::new(10, weather, Habits::default(), 8192, users);
    world.run(3600, all_done);
    assert!(world.opens.len() > 50, "{} web sockets", world.opens.len());
    assert!(world.now > 50 * 10_000, "{} ms, most of them without one", world.now);
}

#[test]
fn a_lid_that_was_closed_for_an_hour_ends_nothing() {
    for (minutes, is_cut) in [(10, false), (60, false), (10, true), (60, true)] {
        let mut world = World::new(11, FAIR, Habits::default(), 8192, vec![user(0, 600_000, 0)]);
        world.run(60, |world| world.users[0].read > 200_000);
        assert!(!world.wire.is_empty());
        // What was on its way is lost, and nothing happens here until the lid is opened.
        world.wire.clear();
        world.now += minutes * 60_000;
        if is_cut {
            world.session.disconnected();
            world.connected = false;
            world.reconnect = world.now + 20_000;
        }
        world.run(4000, all_done);
        assert!(world.session.failure().is_none() && world.users[0].read == 600_000);
    }
}

#[test]
fn an_agent_that_left_while_the_lid_was_closed_is_given_its_time_and_then_up() {
    let mut world = World::new(12, FAIR, Habits::default(), 8192, vec![user(0, 600_000, 0)]);
    world.run(60, |world| world.users[0].read > 200_000);
    world.wire.clear();
    world.weather.lost = 100;
    world.now += 3_600_000;
    let opened = world.now;
    world.run(4000, |world| world.session.failure().is_some());
    assert!(matches!(world.session.failure(), Some(Failure::Ended(Ended::AgentSilent(_)))));
    // Bulk was on its way in neither direction but the echo's: whatever is due to it, it is not given up at once.
    assert!((29_000..620_000).contains(&(world.now - opened)), "{} ms", world.now - opened);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whole messages of any content, and any bytes, in any order, at any stage.
    #[test]
    fn no_frames_panic(
        frames in proptest::collection::vec(
            (0usize..8, -2i64..12, 0u32..14, proptest::collection::vec(any::<u8>(), 0..60), any::<bool>()), 0..60),
        ready in any::<bool>(),
    ) {
        let mut world = World::new(7, FAIR, Habits::default(), 4096, vec![user(0, 3000, 0)]);
        if ready {
            world.run(60, |world| world.session.opened().is_some() && world.now > 100);
        } else {
            world.act();
        }
        for (kind, sequence, payload_type, payload, raw) in frames {
            world.now += 50;
            let now = world.clock();
            let kinds = [
                MessageType::InputStreamData, MessageType::OutputStreamData, MessageType::OutputStreamData,
                MessageType::Acknowledge, MessageType::StartPublication, MessageType::PausePublication,
                MessageType::AgentSessionState, MessageType::ChannelClosed,
            ];
            let payload = match kind {
                3 => format!(r#"{{"AcknowledgedMessageSequenceNumber":{sequence}}}"#).into(),
                1 => [smux::open(3), smux::close(3), payload.clone().into()].concat().into(),
                _ => Bytes::from(payload),
            };
            let frame = if raw { payload.clone() } else {
                let payload_type = PayloadType::numbered(payload_type);
                Message::stream_data(kinds[kind].clone(), Uuid::nil(), 1, sequence, payload_type, payload).encode()
            };
            world.session.receive(&frame, now);
            world.session.tick(now);
            while world.session.transmit(now).is_some() {}
        }
    }
}
