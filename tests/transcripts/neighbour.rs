//! A sandbox for tests, and the binary run in its environment. It must not know what is tried.

use gatepost::sandbox::{Options, Sandbox};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Longer than anything takes, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(90);

/// A sandbox with the runtime that it lives on.
pub struct Neighbour {
    /// The sandbox.
    pub sandbox: Sandbox,
    environment: Vec<(String, String)>,
    _home: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

/// One for all tests that leave its dial alone.
pub fn shared() -> &'static Neighbour {
    static SHARED: OnceLock<Neighbour> = OnceLock::new();
    SHARED.get_or_init(Neighbour::start)
}

/// What a command said.
pub struct Said {
    /// Standard output, as it was.
    pub stdout: String,
    /// Standard error, as it was.
    pub stderr: String,
    /// Exit status; 128 and the number for a signal.
    pub status: i32,
}

impl Neighbour {
    /// Starts one.
    pub fn start() -> Neighbour {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let sandbox = runtime
            .block_on(Sandbox::start(Options { events: false, ..Options::default() }))
            .expect("the sandbox starts");
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut environment: Vec<(String, String)> =
            sandbox.environment().into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        environment.push(("PATH".to_owned(), std::env::var("PATH").expect("a PATH")));
        environment.push(("HOME".to_owned(), home.path().display().to_string()));
        environment.push(("TZ".to_owned(), "UTC".to_owned()));
        Neighbour { sandbox, environment, _home: home, runtime }
    }

    /// Restarts its PostgreSQL; returns when it answers again.
    #[allow(dead_code, reason = "not every test pulls the server away")]
    pub fn restart_database(&self) {
        self.runtime.block_on(self.sandbox.restart_database()).expect("it comes back");
    }

    /// A variable of the environment.
    pub fn variable(&self, name: &str) -> &str {
        &self.environment.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name} is not set")).1
    }

    /// The binary with these words, in the environment and nothing else.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
        command.args(words).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, words: &[&str]) -> Said {
        finish(self.command(words).spawn().expect("gatepost runs"))
    }

    /// Runs it with something on stdin.
    pub fn feed(&self, words: &[&str], input: &str) -> Said {
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().expect("gatepost runs");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
        finish(child)
    }

    /// Runs it and tells what it said, without what differs from run to run.
    pub fn transcript(&self, words: &[&str]) -> String {
        self.told(words, &self.run(words))
    }

    /// The same of what was said before.
    pub fn told(&self, words: &[&str], said: &Said) -> String {
        let words: Vec<String> = words
            .iter()
            .map(|word| if word.contains(' ') { format!("{word:?}") } else { (*word).to_owned() })
            .collect();
        let text = format!(
            "$ gatepost {}\n{}--- stderr\n{}--- exit status {}\n",
            words.join(" "),
            said.stdout,
            said.stderr,
            said.status
        );
        self.tidy(&text)
    }

    /// A text without what differs from run to run.
    #[allow(dead_code, reason = "not every test program has screens")]
    pub fn tidied(&self, text: &str) -> String {
        self.tidy(text)
    }

    fn tidy(&self, text: &str) -> String {
        let text = text.replace(self.variable("GATEPOST_STATE_DIR"), "STATE");
        let folder = Path::new(self.variable("GATEPOST_CONFIG")).parent().expect("in the sandbox's folder");
        let text = text.replace(&folder.display().to_string(), "SANDBOX").replace(self.variable("HOME"), "HOME");
        let text = numbers_after(&text, "127.0.0.1:", "PORT");
        let text = numbers_after(&text, "port=", "PORT");
        text.lines()
            .map(|line| match line.strip_prefix("ends ") {
                Some(_) => "ends TIME".to_owned(),
                None if line.contains("X-Amz-Signature=") => "TOKEN".to_owned(),
                None => times(&dates(line)),
            })
            .fold(String::new(), |text, line| text + &line + "\n")
    }
}

/// Waits for its end, and for all it says; one that hangs is ended, and the test with it.
pub fn finish(mut child: Child) -> Said {
    let (stdout, stderr) = (gather(child.stdout.take()), gather(child.stderr.take()));
    let status = wait(&mut child);
    Said { stdout: stdout.join().expect("stdout was read"), stderr: stderr.join().expect("stderr was read"), status }
}

/// Its exit status.
pub fn wait(child: &mut Child) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            return status.code().or_else(|| status.signal().map(|signal| 128 + signal)).expect("a status");
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("gatepost did not end within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn gather(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).expect("the pipe can be read");
        }
        String::from_utf8(bytes).expect("text")
    })
}

fn numbers_after(text: &str, before: &str, word: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(before) {
        let (head, tail) = rest.split_at(at + before.len());
        let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        out.push_str(head);
        out.push_str(if digits > 0 { word } else { "" });
        rest = &tail[digits..];
    }
    out + rest
}

/// `2026-11-23 03:28:49` becomes `DATE`.
fn dates(line: &str) -> String {
    const SHAPE: &str = "dddd-dd-dd dd:dd:dd";
    let fits = |text: &str| {
        let wanted = |(c, shape): (char, char)| if shape == 'd' { c.is_ascii_digit() } else { c == shape };
        text.chars().count() >= SHAPE.len() && text.chars().zip(SHAPE.chars()).all(wanted)
    };
    let mut out = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let length = if fits(rest) { SHAPE.len() } else { c.len_utf8() };
        out.push_str(if fits(rest) { "DATE" } else { &rest[..length] });
        rest = &rest[length..];
    }
    out
}

/// `12 ms` and `1.2 s` become `N ms`.
fn times(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let is_number = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let mut out: Vec<&str> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let unit = words.get(at + 1).is_some_and(|next| next.starts_with("ms") || *next == "s");
        let after_number = at > 0 && is_number(words[at - 1]);
        out.push(match *word {
            word if unit && is_number(word) => "N",
            "s" if after_number => "ms",
            word => word,
        });
    }
    out.join(" ")
}
