//! `gatepost tunnel` as a program: what it leaves behind at AWS whatever ends it, what it says and logs, how many it serves,
//! how long it lives without traffic. It must not know how sessions are held.

#[allow(dead_code)]
#[path = "transcripts/neighbour.rs"]
mod neighbour;

use gatepost::sandbox::{Fault, keys};
use neighbour::{Neighbour, Said, finish};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// SSLRequest (PostgreSQL, "Message Formats"); the answer is one byte.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const PATIENCE: Duration = Duration::from_secs(60);
const TUNNEL: [&str; 4] = ["tunnel", "orders-prod", "--user", "oncall"];

/// A tunnel that stands.
struct Tunnel {
    child: Child,
    port: u16,
    /// What it said first.
    said: String,
}

impl Tunnel {
    fn start(mut command: Command) -> Tunnel {
        let mut child = command.spawn().expect("gatepost runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut said = String::new();
        for _ in 0..2 {
            stdout.read_line(&mut said).expect("it says its port");
        }
        let port = said.split([':', ' ']).nth(1).and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("no port in {said:?}"));
        Tunnel { child, port, said }
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.child.id().try_into().expect("a process id")).expect("not zero");
        kill_process(id, signal).expect("it lives");
    }

    fn end(self, signal: Signal) -> Said {
        self.signal(signal);
        finish(self.child)
    }
}

/// A connection on which the database's side has answered.
fn greeted(port: u16) -> TcpStream {
    try_greeted(port).expect("an answer")
}

/// The same, where the port's session may just be ending.
fn try_greeted(port: u16) -> std::io::Result<TcpStream> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("the port is open");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time");
    socket.write_all(&SSL_REQUEST)?;
    let mut answer = [0];
    socket.read_exact(&mut answer)?;
    assert_eq!(answer, *b"S");
    Ok(socket)
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn whatever_ends_it_nothing_is_left_at_aws() {
    let neighbour = Neighbour::start();
    let live = || neighbour.sandbox.sessions().live();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let tunnel = Tunnel::start(neighbour.command(&TUNNEL));
        let _open = greeted(tunnel.port);
        assert_eq!(live().len(), 1);
        let said = tunnel.end(signal);
        assert_eq!((said.status, live()), (0, Vec::<String>::new()), "{signal:?}: {}", said.stderr);
    }

    // While it is being opened: the agent does not answer.
    neighbour.sandbox.faults().set(Fault::AgentSilent);
    let child = neighbour.command(&TUNNEL).spawn().expect("gatepost runs");
    until("AWS has granted a session", || !live().is_empty());
    let opening = Tunnel { child, port: 0, said: String::new() };
    let said = opening.end(Signal::TERM);
    assert_eq!((said.status, live()), (143, Vec::<String>::new()), "{}", said.stderr);
    neighbour.sandbox.faults().clear(&Fault::AgentSilent);

    // An error.
    neighbour.sandbox.faults().set(Fault::PortClosed);
    let said = neighbour.run(&TUNNEL);
    assert_eq!(live(), Vec::<String>::new(), "{}", said.stderr);
    assert_ne!(said.status, 0, "{}", said.stderr);
    neighbour.sandbox.faults().clear(&Fault::PortClosed);

    // AWS says no to the end.
    let tunnel = Tunnel::start(neighbour.command(&TUNNEL));
    let id = live().pop().expect("a session");
    neighbour.sandbox.faults().set(Fault::Denied("ssm:TerminateSession".to_owned()));
    let said = tunnel.end(Signal::TERM);
    assert!(said.stderr.contains(&format!("warning: The session {id} may still be open at AWS")), "{}", said.stderr);
    assert!(said.stderr.contains("ssm:TerminateSession"), "{}", said.stderr);
    assert_eq!(said.status, 0);
}

/// How many connected TCP sockets a process has, and those that wait for delayed acknowledgements.
fn undelayed(child: &Child) -> rustix::io::Result<(usize, Vec<String>)> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
    let id = Pid::from_raw(child.id().try_into().expect("a process id")).expect("not zero");
    let process = pidfd_open(id, PidfdFlags::empty())?;
    let (mut sockets, mut delayed) = (0, Vec::new());
    for entry in std::fs::read_dir(format!("/proc/{}/fd", child.id())).expect("it lives").flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok()).expect("a number");
        let is_socket = std::fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
        if !is_socket {
            continue;
        }
        let socket = TcpStream::from(pidfd_getfd(&process, number, PidfdGetfdFlags::empty())?);
        // A socket of another kind, or one that listens, is connected to nobody over TCP.
        let (Ok(ours), Ok(theirs)) = (socket.local_addr(), socket.peer_addr()) else { continue };
        sockets += 1;
        if !socket.nodelay().expect("an option of TCP") {
            delayed.push(format!("{ours} to {theirs}"));
        }
    }
    Ok((sockets, delayed))
}

#[test]
fn two_hundred_clients_at_once_and_every_socket_sends_at_once() {
    let neighbour = Neighbour::start();
    let tunnel = Tunnel::start(neighbour.command(&TUNNEL));
    let port = tunnel.port;
    let clients: Vec<_> = (0..200).map(|_| std::thread::spawn(move || greeted(port))).collect();
    let clients: Vec<TcpStream> = clients.into_iter().map(|client| client.join().expect("served")).collect();
    assert_eq!(clients.len(), 200);
    match undelayed(&tunnel.child) {
        Ok((sockets, delayed)) => {
            // The clients, the data channel, and what talks to the API.
            assert!(sockets > 200, "{sockets} sockets");
            assert_eq!(delayed, Vec::<String>::new(), "TCP_NODELAY is on every socket");
        }
        Err(refused) => eprintln!("skipped: the system does not let us look at its sockets: {refused}"),
    }

    // Taken again by another: who holds it is said.
    let said = neighbour.run(&["tunnel", "orders-prod", "--port", &port.to_string()]);
    let holder = format!("process {} ", tunnel.child.id());
    assert!(said.status != 0 && said.stderr.contains(&holder), "{}", said.stderr);

    drop(clients);
    let said = tunnel.end(Signal::TERM);
    assert_eq!((said.status, neighbour.sandbox.sessions().live().len()), (0, 0), "{}", said.stderr);
}

/// The account's 20 minutes pass on the sandbox's clock; only stream data counts for it.
#[test]
fn the_idle_time_is_the_accounts_unless_a_line_is_kept_alive() {
    let neighbour = Neighbour::start();
    let sessions = neighbour.sandbox.sessions();
    let minute = Duration::from_secs(60);
    let mut command = neighbour.command(&TUNNEL);
    command.env("GATEPOST_KEEP_ALIVE", "50ms");
    let kept = Tunnel::start(command);
    let id = sessions.live().pop().expect("a session");
    for _ in 0..3 {
        neighbour.sandbox.clock().advance(15 * 60);
        until("a byte went through", || sessions.idle(&id).is_none_or(|idle| idle < minute));
        assert_eq!(sessions.live(), std::slice::from_ref(&id), "it is kept alive");
    }
    assert!(kept.said.contains("kept alive every 50ms"), "{}", kept.said);
    assert_eq!(kept.end(Signal::TERM).status, 0);
    neighbour.sandbox.clock().advance(-45 * 60);

    let left = Tunnel::start(neighbour.command(&TUNNEL));
    assert!(left.said.contains("AWS ends it at the account's limit"), "{}", left.said);
    let _idle = greeted(left.port);
    neighbour.sandbox.clock().advance(21 * 60);
    until("the account's idle time ends it", || sessions.live().is_empty());
    neighbour.sandbox.clock().advance(-21 * 60);
    // The port stays, and whoever comes next has a new session, once the end of the old one is heard of.
    until("the next one gets in", || try_greeted(left.port).is_ok());
    assert_eq!(sessions.live().len(), 1);
    let said = left.end(Signal::TERM);
    assert!(said.stderr.contains("terminated due to inactivity"), "{}", said.stderr);
    assert!(said.stderr.contains("A new session carries the port, via bastion-a"), "{}", said.stderr);
}

/// One session can be followed frame by frame, and nothing in the log opens a door.
#[test]
fn the_log_has_every_frame_and_no_secret() {
    let neighbour = Neighbour::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("gatepost.log");
    let with_log = |words: &[&str]| {
        let mut command = neighbour.command(words);
        command.env("GATEPOST_LOG_FILE", &path).env("PGPASSWORD", "shop-app-password");
        command
    };
    let tunnel = Tunnel::start(with_log(&TUNNEL));
    assert!(tunnel.said.contains("gatepost token orders-prod"), "{}", tunnel.said);
    drop(greeted(tunnel.port));
    neighbour.sandbox.faults().set(Fault::SocketCut);
    until("it was cut", || !neighbour.sandbox.faults().is_on(&Fault::SocketCut));
    // What comes now comes over the second web socket, which a second token opened.
    drop(greeted(tunnel.port));
    let said = tunnel.end(Signal::TERM);
    assert_eq!(said.status, 0, "{}", said.stderr);
    for words in [
        &["query", "orders-prod", "--user", "oncall", "-c", "select 6 * 7"][..],
        &["query", "legacy-crm", "--user", "app", "--auth", "password", "-c", "select 6 * 7"],
        &["token", "orders-prod", "--user", "oncall"],
    ] {
        let said = finish(with_log(words).spawn().expect("gatepost runs"));
        assert_eq!(said.status, 0, "{words:?}: {}", said.stderr);
    }

    let log = std::fs::read_to_string(&path).expect("there is a log");
    let mode = std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "for its owner only");
    for line in
        ["sent OpenDataChannel", "sends", "sent sequence=", "received", "was acknowledged", "the web socket is lost"]
    {
        assert!(log.contains(line), "no {line:?} in the log:\n{log}");
    }
    let sessions: std::collections::BTreeSet<&str> =
        log.lines().filter_map(|line| line.split_once("tunnel{session=")?.1.split('}').next()).collect();
    assert_eq!(sessions.len(), 3, "each frame names its session: {sessions:?}");
    // TokenValue begins so in the sandbox as at AWS; the others are what the signer and the logins used.
    for secret in
        ["AAEAA", "X-Amz-Signature", "Signature=", keys::SECRET_ACCESS_KEY, keys::SESSION_TOKEN, "shop-app-password"]
    {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    // Off unless asked for.
    let before = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(neighbour.run(&["token", "orders-prod", "--user", "oncall"]).status, 0);
    assert_eq!((before, log.len() as u64), (1, std::fs::metadata(&path).expect("it is there").len()));
}
