//! Session Manager's sessions: started, resumed and terminated by the AWS side, joined by web sockets. It must not know
//! HTTP, nor what an agent does in a session.

use super::activity::Activity;
use super::agent::{Agent, Network, Purpose, Word};
use super::aws::session_door::{Begun, SessionDoor, StartRefused, StartSession};
use super::cast::cast;
use super::clock::Clock;
use super::faults::Faults;
use super::gate::Gate;
use super::keys::CALLER_ARN;
use super::once::Once;
use rand::RngExt;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How long a token may wait for its web socket.
const TOKEN_LIFE: Duration = Duration::from_secs(60);
/// `cell-number`, with the characters that must not be encoded again.
const CELL: &str = "AAEAAsandboxCell0+/=";
/// Words on their way to an agent; a full queue holds the web socket back.
const WORDS: usize = 64;

/// All sessions. Clones share them; with the last one they end.
#[derive(Clone, Debug)]
pub struct Sessions {
    shared: Arc<Shared>,
}

/// What sessions depend on and is not theirs.
#[derive(Clone, Debug)]
pub struct Outside {
    /// What goes wrong.
    pub faults: Faults,
    /// [`super::Fault::SessionEnded`].
    pub session_ended: Once,
    /// [`super::Fault::SessionAtLimit`].
    pub session_at_limit: Once,
    /// The time by which a session is idle.
    pub clock: Clock,
}

#[derive(Debug)]
struct Shared {
    gates: Arc<Vec<Gate>>,
    outside: Outside,
    /// Where web sockets are accepted.
    address: SocketAddr,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    live: HashMap<String, Session>,
    sockets: u64,
    agents: JoinSet<()>,
}

#[derive(Debug)]
struct Session {
    region: String,
    /// What opens one web socket, until it has.
    token: Option<(String, Instant)>,
    words: mpsc::Sender<Word>,
    activity: Activity,
}

impl Sessions {
    /// None yet. `address` is where [`super::data_channel`] listens.
    pub fn new(gates: Arc<Vec<Gate>>, outside: Outside, address: SocketAddr) -> Sessions {
        Sessions { shared: Arc::new(Shared { gates, outside, address, state: Mutex::default() }) }
    }

    /// Where their web sockets are accepted.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// For the HTTP side.
    pub fn door(&self) -> SessionDoor {
        let (start, resume, terminate) = (self.clone(), self.clone(), self.clone());
        SessionDoor {
            start: Arc::new(move |asked| start.start(asked)),
            resume: Arc::new(move |id| resume.resume(id)),
            terminate: Arc::new(move |id| terminate.terminate(id)),
        }
    }

    /// Starts a session: its agent begins its handshake at once, whether a client comes or not.
    pub fn start(&self, asked: StartSession) -> Result<Begun, StartRefused> {
        let node = cast().nodes.iter().find(|node| node.id == asked.target && node.region == asked.region);
        let Some(node) = node else {
            let message = format!("{} is not connected.", asked.target);
            return Err(StartRefused { code: "TargetNotConnected", message });
        };
        let first = |name: &str| asked.parameters.get(name).and_then(|values| values.first()).cloned();
        let remote = asked.document == "AWS-StartPortForwardingSessionToRemoteHost";
        if !remote && asked.document != "AWS-StartPortForwardingSession" {
            let message =
                format!("Document with name {} is not one that the sandbox's agents can run.", asked.document);
            return Err(StartRefused { code: "InvalidDocument", message });
        }
        let host = if remote { first("host") } else { Some(String::new()) };
        let Some(host) = host.filter(|host| !remote || !host.is_empty()) else {
            let message = "Parameter \"host\" requires a value.".to_owned();
            return Err(StartRefused { code: "InvalidParameters", message });
        };
        let port = first("portNumber").unwrap_or_else(|| "80".to_owned());
        let Ok(number) = port.parse() else {
            let message = format!("Parameter \"portNumber\" has value \"{port}\" not matching a port.");
            return Err(StartRefused { code: "InvalidParameters", message });
        };
        let mut properties = BTreeMap::from([
            ("portNumber".to_owned(), port),
            ("localPortNumber".to_owned(), first("localPortNumber").unwrap_or_else(|| "0".to_owned())),
            ("type".to_owned(), "LocalPortForwarding".to_owned()),
        ]);
        if remote {
            properties.insert("host".to_owned(), host.clone());
        }
        let session_id = session_id();
        let purpose = Purpose {
            session_id: session_id.clone(),
            instance_id: asked.target.clone(),
            host,
            port: number,
            properties,
        };
        let shared = &self.shared;
        let outside = &shared.outside;
        let network = Network::new(Arc::clone(&shared.gates), outside.faults.clone(), node);
        let activity = Activity::new(outside.clock.clone());
        let mut agent = Agent::new(purpose, network, outside.clone(), activity.clone());
        let (words, heard) = mpsc::channel(WORDS);
        let begun = self.begun(&session_id);
        let token = Some((begun.token.clone(), Instant::now()));
        let mut state = self.state();
        state.live.insert(session_id.clone(), Session { region: asked.region, token, words, activity });
        let weak = Arc::downgrade(&self.shared);
        state.agents.spawn(async move {
            let why = agent.run(heard).await;
            if let Some(shared) = weak.upgrade() {
                shared.state.lock().unwrap_or_else(PoisonError::into_inner).live.remove(&session_id);
            }
            agent.close(&why).await;
        });
        while state.agents.try_join_next().is_some() {}
        Ok(begun)
    }

    /// A new token for a session that has not ended.
    pub fn resume(&self, session_id: &str) -> Option<Begun> {
        let begun = self.begun(session_id);
        let mut state = self.state();
        state.live.get_mut(session_id)?.token = Some((begun.token.clone(), Instant::now()));
        Some(begun)
    }

    /// Ends a session; whether there was one.
    pub fn terminate(&self, session_id: &str) -> bool {
        let ended = self.state().live.remove(session_id);
        let there = ended.is_some();
        if let Some(session) = ended {
            // The agent may be busy; the word must reach it all the same.
            tokio::spawn(async move { session.words.send(Word::Terminate).await });
        }
        there
    }

    /// The region of a session, for the signature of its web socket; `None` for one that is not.
    pub fn region(&self, session_id: &str) -> Option<String> {
        self.state().live.get(session_id).map(|session| session.region.clone())
    }

    /// Takes a token, once: the way to the session's agent, and a number for the web socket.
    pub fn admit(&self, session_id: &str, token: &str) -> Option<(mpsc::Sender<Word>, u64)> {
        let mut state = self.state();
        state.sockets += 1;
        let socket = state.sockets;
        let session = state.live.get_mut(session_id)?;
        let (_, issued) = session.token.as_ref().filter(|(right, _)| right == token)?;
        let fresh = issued.elapsed() < TOKEN_LIFE;
        session.token = None;
        fresh.then(|| (session.words.clone(), socket))
    }

    /// Ids of all that have not ended.
    pub fn live(&self) -> Vec<String> {
        self.state().live.keys().cloned().collect()
    }

    /// How long no stream data went over a session, by the sandbox's clock; `None` for one that is not.
    pub fn idle(&self, session_id: &str) -> Option<Duration> {
        self.state().live.get(session_id).map(|session| session.activity.idle())
    }

    /// Ends all at once, without a word.
    pub fn abort(&self) {
        let mut state = self.state();
        state.live.clear();
        state.agents.abort_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begun(&self, session_id: &str) -> Begun {
        let stream_url = format!(
            "ws://{}/v1/data-channel/{session_id}?role=publish_subscribe&cell-number={CELL}",
            self.shared.address
        );
        Begun { session_id: session_id.to_owned(), token: token(), stream_url }
    }
}

/// The name of the caller's role session and 17 hex digits, as AWS makes them.
fn session_id() -> String {
    let caller = CALLER_ARN.rsplit('/').next().unwrap_or("sandbox");
    let digits: String = hex(9).chars().take(17).collect();
    format!("{caller}-{digits}")
}

fn token() -> String {
    format!("AAEAA{}", hex(80))
}

fn hex(bytes: usize) -> String {
    let mut rng = rand::rng();
    (0..bytes).map(|_| format!("{:02x}", rng.random::<u8>())).collect()
}
