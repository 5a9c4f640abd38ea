//! What a diagnosis must tell apart (product.md, section 5), row by row: a table of faults on the way, and one of what goes
//! wrong once one is in; for each the doctor's transcript, what `query` says with its exit status, and the console's screen,
//! all with the same words. It must not know how a fault is played, nor how a word is found.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "transcripts/neighbour.rs"]
mod neighbour;
#[path = "diagnoses/rows.rs"]
mod rows;
#[path = "support/terminal.rs"]
mod terminal;
#[path = "diagnoses/under_way.rs"]
mod under_way;

use gatepost::sandbox::Fault;
use insta::assert_snapshot;
use neighbour::Neighbour;
use portable_pty::CommandBuilder;
use rows::{CONFIG, Row, SSO_CACHE, rows};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZero;
use std::time::Duration;
use terminal::Terminal;

/// A screen on which nothing has to be left out.
const WIDE: NonZero<u16> = NonZero::new(160).expect("not zero");
const TALL: NonZero<u16> = NonZero::new(60).expect("not zero");

/// A text on one line, so that where it was broken does not matter.
fn flat(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || "│▏✗".contains(c)).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// The same without any blank: a long word is broken anywhere on a screen.
fn squeezed(text: &str) -> String {
    flat(text).replace(' ', "")
}

/// Says it, wherever its lines end.
fn says(row: &Row, who: &str, text: &str) {
    for words in std::iter::once(&row.title).chain(row.says) {
        assert!(squeezed(text).contains(&squeezed(words)), "{}: {who} does not say {words:?}:\n{text}", row.name);
    }
    for words in row.unsaid {
        assert!(!squeezed(text).contains(&squeezed(words)), "{}: {who} says {words:?}:\n{text}", row.name);
    }
}

/// Which mark each link has, from the doctor's transcript.
fn mark(transcript: &str, link: &str) -> char {
    let has = |line: &&str| line.contains(&format!("  {link} ")) && line.chars().nth(1).is_some_and(|c| c != ' ');
    let line = transcript.lines().find(has).unwrap_or_else(|| panic!("no link {link} in:\n{transcript}"));
    line.chars().nth(1).expect("a mark")
}

/// An address that neither takes nor refuses a connection: a listener whose queue is full, which Linux answers with silence.
struct Silence {
    address: SocketAddr,
    _listener: std::net::TcpListener,
    _queued: Vec<TcpStream>,
}

impl Silence {
    fn new() -> Silence {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        let _entered = runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let listener = socket.listen(1).and_then(tokio::net::TcpListener::into_std).expect("it listens");
        let address = listener.local_addr().expect("bound");
        let dial = || TcpStream::connect_timeout(&address, Duration::from_millis(500));
        let queued: Vec<TcpStream> = std::iter::from_fn(|| dial().ok()).take(64).collect();
        assert!(queued.len() < 64, "the queue has an end");
        Silence { address, _listener: listener, _queued: queued }
    }
}

/// Where rows are played.
struct Ground {
    neighbour: Neighbour,
    silence: Silence,
}

impl Ground {
    fn new() -> Ground {
        let neighbour = Neighbour::start();
        let folder = format!("{}/.aws", neighbour.variable("HOME"));
        std::fs::create_dir_all(format!("{folder}/sso/cache")).expect("a new folder");
        std::fs::write(format!("{folder}/config"), CONFIG).expect("written");
        std::fs::write(format!("{folder}/sso/cache/{}", SSO_CACHE.0), SSO_CACHE.1).expect("written");
        Ground { neighbour, silence: Silence::new() }
    }

    fn words(&self, verb: &str, row: &Row, more: &[&str]) -> Vec<String> {
        let words = std::iter::once(verb).chain(row.words.iter().copied()).chain(more.iter().copied());
        words.map(|word| word.replace("SILENT", &self.silence.address.to_string())).collect()
    }

    fn command(&self, row: &Row, verb: &str, more: &[&str]) -> std::process::Command {
        let words = self.words(verb, row, more);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = self.neighbour.command(&words);
        command.env("GATEPOST_CONNECT_TIMEOUT", "8s");
        for (name, value) in row.environment {
            match value {
                Some(value) => command.env(name, value.replace("HOME", self.neighbour.variable("HOME"))),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// The same in a terminal.
    fn terminal(&self, row: &Row, verb: &str, more: &[&str]) -> Terminal {
        let built = self.command(row, verb, more);
        let mut command = CommandBuilder::new(built.get_program());
        command.args(built.get_args());
        command.env_clear();
        for (name, value) in built.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.env("TERM", "xterm-256color");
        command.env("NO_COLOR", "1");
        Terminal::sized(command, WIDE, TALL)
    }

    fn told(&self, row: &Row, verb: &str, more: &[&str]) -> (String, i32) {
        let said = neighbour::finish(self.command(row, verb, more).spawn().expect("gatepost runs"));
        let words = self.words(verb, row, more);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        (self.neighbour.told(&words, &said), said.status)
    }
}

/// Ends it as a closed window does.
fn close(terminal: Terminal) {
    terminate(terminal.child.process_id().expect("it runs"));
    terminal.end();
}

fn terminate(id: u32) {
    let process = rustix::process::Pid::from_raw(id.try_into().expect("a process id")).expect("not zero");
    rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it lives");
}

/// The calls of a region go out at once; whichever fails first is named. Session ids are made anew each time.
fn steady(text: &str) -> String {
    let mut text = text.to_owned();
    for call in [
        "DescribeDBClusterEndpoints",
        "DescribeDBClusters",
        "DescribeDBInstances",
        "DescribeDBProxies",
        "DescribeDBSubnetGroups",
    ] {
        if !text.contains("rds:Describe*") {
            text =
                text.replace(&format!("rds:{call} in"), "rds:CALL in").replace(&format!("(rds:{call})"), "(rds:CALL)");
        }
    }
    let mut out = String::new();
    for line in text.lines() {
        // How long the server is up, and how many are in it just then.
        let end = [", up ", "connections: "].iter().filter_map(|words| line.find(words)).min();
        let line = version_left_out(line[..end.unwrap_or(line.len())].trim_end());
        let mut rest = line.as_str();
        while let Some(at) = rest.find("oncall-") {
            let (head, tail) = rest.split_at(at + "oncall-".len());
            let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
            out.push_str(head);
            out.push_str(if digits > 8 { "SESSION" } else { &tail[..digits] });
            rest = &tail[digits..];
        }
        out.push_str(rest);
        out.push('\n');
    }
    times(&out)
}

/// Which PostgreSQL is on this machine is nobody's business.
fn version_left_out(line: &str) -> String {
    match line.split_once("PostgreSQL ") {
        Some((head, tail)) if tail.starts_with(|c: char| c.is_ascii_digit()) => {
            let rest = tail.find(", ").map_or("", |at| &tail[at..]);
            format!("{head}PostgreSQL VERSION{rest}")
        }
        _ => line.to_owned(),
    }
}

/// The doctor's times stand before the names, so wide that they line up.
fn times(text: &str) -> String {
    let line = |line: &str| match line.split_once("N ms  ") {
        Some((head, tail)) if head.starts_with(' ') && head.chars().count() < 14 => {
            let mark: String = head.chars().take(2).collect();
            format!("{mark}      N ms  {tail}")
        }
        _ => line.to_owned(),
    };
    text.lines().map(line).fold(String::new(), |text, line| text + &line + "\n")
}

/// Blanks in rows are as many as the times leave.
fn narrow(text: &str) -> String {
    let line =
        |line: &str| line.split("   ").filter(|part| !part.is_empty()).map(str::trim).collect::<Vec<_>>().join("   ");
    text.lines().map(line).fold(String::new(), |text, line| text + line.trim_end() + "\n").trim_end().to_owned() + "\n"
}

/// The console's screen once the title is on it, and the doctor's once it has looked.
fn screens(ground: &Ground, row: &Row) -> (String, String) {
    let mut terminal = ground.terminal(row, "connect", &[]);
    // A screen is written in pieces: what is waited for is all that must be on it, down to its last row.
    let said: Vec<String> = std::iter::once(&row.title).chain(row.says).map(|words| squeezed(words)).collect();
    let is_whole = |text: &str, last: &[&str]| {
        let end = text.trim_end().lines().last().is_some_and(|line| last.iter().any(|word| line.contains(word)));
        let text = squeezed(text);
        end && said.iter().all(|words| text.contains(words))
    };
    terminal.wait_until(row.title, |text| is_whole(text, &["? help", "change something"]));
    let shown = terminal.contents();
    // Where nothing could be listed there is no way, and nothing to ask the doctor about.
    let on_way = shown.contains("change something");
    let mut doctor = String::new();
    if on_way {
        play(ground, row);
        terminal.press("d");
        terminal.wait_until("the doctor's end", |text| text.contains("broken  ") && is_whole(text, &["details"]));
        doctor = terminal.contents();
    }
    close(terminal);
    (shown, doctor)
}

/// Rows that are played: all, or the one that is named in the environment.
fn is_asked_for(name: &str) -> bool {
    std::env::var("GATEPOST_ROW").ok().is_none_or(|only| only == name)
}

#[test]
fn every_row_is_told_apart_and_with_the_same_words_everywhere() {
    let ground = Ground::new();
    let sandbox = &ground.neighbour.sandbox;
    let mut wrong = Vec::new();
    for row in rows().into_iter().filter(|row| is_asked_for(row.name)) {
        sandbox.clock().advance(row.ahead);
        // All rows are looked at, whatever is wrong with one.
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| look(&ground, &row)));
        wrong.extend(looked.is_err().then_some(row.name));
        sandbox.clock().advance(-row.ahead);
        for fault in sandbox.faults().all() {
            sandbox.faults().clear(&fault);
        }
        if sandbox.sessions().live() != Vec::<String>::new() {
            println!("{}: a session was left", row.name);
            wrong.push(row.name);
        }
    }
    assert!(wrong.is_empty(), "not told apart, or not in the same words: {wrong:?}");
}

/// The row's faults, and no other: one may have brought another about.
fn play(ground: &Ground, row: &Row) {
    let faults = ground.neighbour.sandbox.faults();
    for fault in faults.all() {
        faults.clear(&fault);
    }
    row.faults.iter().for_each(|name| faults.set(Fault::parse(name).expect("a fault")));
}

fn look(ground: &Ground, row: &Row) {
    play(ground, row);
    let (doctor, status) = ground.told(row, "doctor", &[]);
    assert_eq!(status, row.status, "{}: the doctor's exit status\n{doctor}", row.name);
    assert_eq!(mark(&doctor, row.link), '✗', "{}: {} is not what is broken\n{doctor}", row.name, row.link);
    assert!(doctor.contains("Do this first: "), "{}: nothing to do first\n{doctor}", row.name);
    says(row, "the doctor", &doctor);
    assert_snapshot!(format!("{}_doctor", row.name), steady(&doctor));

    play(ground, row);
    let (query, status) = ground.told(row, "query", &["-c", "select 1"]);
    assert_eq!(status, row.status, "{}: query's exit status\n{query}", row.name);
    says(row, "query", &query);
    assert_snapshot!(format!("{}_query", row.name), steady(&query));

    play(ground, row);
    let (console, doctor) = screens(ground, row);
    says(row, "the console", &console);
    if !doctor.is_empty() {
        // From where connecting failed, d has the doctor say the same.
        says(row, "the console's doctor", &doctor);
    }
    // The first row says who we are as soon as that is known, which may be a moment later; the last one may be half drawn.
    let rows: Vec<&str> = console.trim_end().lines().skip(1).collect();
    let body = rows[..rows.len().saturating_sub(1)].join("\n");
    assert_snapshot!(format!("{}_console", row.name), narrow(&steady(&ground.neighbour.tidied(&body))));
}
