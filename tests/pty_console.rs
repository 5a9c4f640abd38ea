//! The console in a real terminal: it starts, and gives the terminal back on quit, on SIGTERM, and on a panic. A
//! pseudo-terminal runs the real binary, a terminal emulator reads it. It must not know what the screens look like beyond
//! a word or two.

#[allow(dead_code)]
#[path = "transcripts/neighbour.rs"]
mod neighbour;
#[path = "support/terminal.rs"]
mod terminal;

use neighbour::{Neighbour, shared};
use portable_pty::CommandBuilder;
use std::time::{Duration, Instant};
use terminal::Terminal;

/// Longer than anything takes, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(90);

/// gatepost in the neighbour's environment and no other.
fn ours() -> CommandBuilder {
    ours_beside(shared())
}

fn ours_beside(neighbour: &Neighbour) -> CommandBuilder {
    let like_ours = neighbour.command(&[]);
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_gatepost"));
    command.env_clear();
    for (name, value) in like_ours.get_envs() {
        command.env(name, value.expect("set"));
    }
    command.env("TERM", "xterm-256color");
    command
}

fn console() -> Terminal {
    let terminal = Terminal::run(ours());
    terminal.wait_for("62 databases");
    terminal.wait_for("billing-replica");
    assert!(terminal.screen.lock().expect("the emulator did not panic").screen().alternate_screen());
    terminal
}

/// The text is edited in a program of one's own, which gets the terminal, and all keys, and gives both back.
#[test]
fn an_editor_of_ones_own_gets_the_terminal_and_gives_it_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let editor = folder.path().join("editor");
    let script = "#!/bin/sh\ncat \"$1\"\necho \"own editor, $(wc -l < \"$1\") lines\"\nread line\necho \"$line\" >> \"$1\"\nexit ${line##*status }\n";
    std::fs::write(&editor, script).expect("written");
    let mut command = ours();
    command.env("EDITOR", format!("/bin/sh {}", editor.display()));
    let mut terminal = Terminal::run(command);
    terminal.wait_for("62 databases");
    terminal.press("/");
    terminal.press("billing !replica\r");
    terminal.wait_for("1 of 62");
    terminal.press("\r");
    terminal.wait_for("log in with");
    terminal.press("\r");
    terminal.wait_for("idle · autocommit");
    terminal.press("\x1b[200~select 1;\nselect 2;\x1b[201~");
    terminal.wait_for("select 2;");
    terminal.press("\x1be");
    terminal.wait_for("own editor, 2 lines");
    assert_given_back(terminal.screen.lock().expect("the emulator did not panic").screen());
    assert!(terminal.echoes(), "the terminal is as a shell leaves it");
    // A whole line at once: were anybody else reading, some of it would be missing.
    terminal.press("select 4711 -- status 0\r");
    terminal.wait_for("taken back");
    terminal.wait_for("select 4711 -- status 0");
    assert!(terminal.screen.lock().expect("the emulator did not panic").screen().alternate_screen());
    assert!(!terminal.echoes(), "the terminal is ours again");
    // It fails: that is said, and the text is as it was. Keys are heard after it.
    terminal.press("\x1be");
    terminal.wait_for("own editor, 3 lines");
    terminal.press("lost -- status 3\r");
    terminal.wait_for("ended with status 3");
    terminal.wait_for("select 4711");
    terminal.press("\x1a");
    terminal.wait_for_not("4711");
    terminal.wait_for("select 2;");
    terminal.press("\x11");
    // None of it has run: it is not lost without a question.
    terminal.wait_for("text that was not run");
    terminal.press("y");
    terminal.wait_for("62 databases");
    terminal.press("q");
    let (status, screen) = terminal.end();
    assert_eq!(status, 0);
    assert_given_back(screen.screen());
}

fn assert_given_back(screen: &vt100::Screen) {
    assert!(!screen.alternate_screen(), "the alternate screen is left");
    assert!(!screen.hide_cursor(), "the cursor is shown");
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is let go");
    assert!(!screen.bracketed_paste(), "pastes are plain again");
}

#[test]
fn it_starts_and_quits() {
    let mut terminal = console();
    terminal.press("q");
    let (status, screen) = terminal.end();
    assert_eq!(status, 0);
    assert_given_back(screen.screen());
}

/// From a name on the command line to a prompt, without a key.
#[test]
fn connect_goes_straight_to_the_prompt() {
    let mut command = ours();
    command.args(["connect", "billing", "--user", "oncall"]);
    let mut terminal = Terminal::run(command);
    terminal.wait_for("idle · autocommit");
    terminal.press("select 4000 + 711 as sum;\r");
    terminal.wait_for("4711");
    terminal.press("\x11");
    terminal.wait_for("62 databases");
    terminal.press("q");
    assert_eq!(terminal.end().0, 0);
}

/// Where its results go elsewhere, a script's progress stands on the terminal's last line, and nothing is written behind it.
#[test]
fn a_script_tells_how_far_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let slow = "do $$ begin perform pg_sleep(0.3); end $$;\nselect 1;\n";
    std::fs::write(folder.path().join("slow.sql"), format!("{slow}{slow}\nselect pg_sleep(600);\n")).expect("written");
    let like_ours = ours();
    let mut command = CommandBuilder::new("sh");
    command.env_clear();
    for (name, value) in like_ours.iter_full_env_as_str() {
        command.env(name, value);
    }
    command.cwd(folder.path());
    let gatepost = env!("CARGO_BIN_EXE_gatepost");
    command.args(["-c", &format!("exec '{gatepost}' query orders-prod --user oncall -f slow.sql > rows")]);
    let mut terminal = Terminal::run(command);
    terminal.wait_for("slow.sql:6 · 4 done");
    let lines = terminal.contents();
    assert_eq!(lines.matches("DO\n").count(), 2, "{lines}");
    assert!(!lines.contains("doneDO"), "{lines}");
    terminal.press("\u{3}");
    assert_eq!(terminal.end().0, 130);
    let rows = std::fs::read_to_string(folder.path().join("rows")).expect("written");
    assert_eq!(rows.matches("(1 row)").count(), 2, "{rows}");
}

#[test]
fn sigterm_gives_the_terminal_back() {
    let terminal = console();
    let id = terminal.child.process_id().expect("it runs");
    let process = rustix::process::Pid::from_raw(id.try_into().expect("a process id")).expect("not zero");
    rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it lives");
    let (status, screen) = terminal.end();
    assert_eq!(status, 143);
    assert_given_back(screen.screen());
}

/// A forwarded port is open; whatever ends the console, AWS hears of the session's end. One that AWS does not want to hear
/// of is told where the shell is again.
#[test]
fn no_session_outlives_the_console() {
    use gatepost::sandbox::Fault;
    let neighbour = Neighbour::start();
    let live = || neighbour.sandbox.sessions().live().len();
    for signal in [None, Some(rustix::process::Signal::TERM), Some(rustix::process::Signal::HUP)] {
        let mut terminal = Terminal::run(ours_beside(&neighbour));
        terminal.wait_for("62 databases");
        terminal.press("/orders-prod\r");
        terminal.wait_for("orders-prod");
        terminal.press("t");
        terminal.wait_for("127.0.0.1:");
        terminal.wait_for("AWS ends it at the account's limit");
        assert_eq!(live(), 1);
        match signal {
            None => {
                neighbour.sandbox.faults().set(Fault::SessionEnded);
                terminal.wait_for("terminated due to inactivity");
                assert_eq!(live(), 0);
                terminal.press("q");
                let denied = Fault::Denied("ssm:TerminateSession".to_owned());
                neighbour.sandbox.faults().set(denied.clone());
                terminal.press("t");
                let deadline = Instant::now() + PATIENCE;
                while live() == 0 {
                    assert!(Instant::now() < deadline, "a second port opens");
                    std::thread::sleep(Duration::from_millis(10));
                }
                // Its row is the second; the first port is there still.
                terminal.wait_until("two ports", |text| text.matches("✓ 127.0.0.1:").count() == 2);
                terminal.press("\x03");
                terminal.press("\x03");
                let (status, screen) = terminal.end();
                let words = screen.screen().contents();
                assert!(words.contains("may still be open at AWS"), "{words}");
                assert_eq!(status, 0);
                // The flag has reached the agent, which ends the session when all is acknowledged.
                let deadline = Instant::now() + PATIENCE;
                while live() > 0 {
                    assert!(Instant::now() < deadline, "the agent ends it all the same");
                    std::thread::sleep(Duration::from_millis(10));
                }
                neighbour.sandbox.faults().clear(&denied);
            }
            Some(signal) => {
                let id = terminal.child.process_id().expect("it runs");
                let process = rustix::process::Pid::from_raw(id.try_into().expect("a process id")).expect("not zero");
                rustix::process::kill_process(process, signal).expect("it lives");
                let (status, screen) = terminal.end();
                assert_given_back(screen.screen());
                assert_eq!((status, live()), (128 + signal.as_raw() as u32, 0), "{signal:?}");
            }
        }
    }
}

/// There is no key that makes the console panic; so this very program takes the terminal as the console does, and panics.
#[test]
fn a_panic_gives_the_terminal_back_and_is_seen() {
    let mut command = CommandBuilder::new(std::env::current_exe().expect("this program"));
    command.args(["--ignored", "--exact", "panics_on_the_screen", "--nocapture", "--test-threads=1"]);
    command.env("TERM", "xterm-256color");
    // A back trace would push the words off so small a screen.
    command.env("RUST_BACKTRACE", "0");
    let terminal = Terminal::run(command);
    let (status, screen) = terminal.end();
    assert_ne!(status, 0);
    assert_given_back(screen.screen());
    assert!(screen.screen().contents().contains("a panic on purpose"), "{}", screen.screen().contents());
}

#[test]
#[ignore = "run by a_panic_gives_the_terminal_back_and_is_seen, in a terminal of its own"]
fn panics_on_the_screen() {
    let mut screen = gatepost::console::terminal::Screen::take().expect("a terminal");
    screen.draw(|_| {}).expect("a frame");
    panic!("a panic on purpose");
}

/// A prompt for a password that a signal ends: what is typed in the shell afterwards must be seen again.
#[test]
fn a_password_prompt_gives_the_terminal_back() {
    for signal in ["INT", "TERM"] {
        let mut command = ours();
        command.args(["query", "legacy-crm", "--user", "app", "--auth", "password", "-c", "select 1"]);
        let mut terminal = Terminal::run(command);
        terminal.wait_for("Password of app");
        let deadline = Instant::now() + PATIENCE;
        while terminal.echoes() {
            assert!(Instant::now() < deadline, "the password would be seen");
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = match signal {
            "INT" => {
                terminal.press("\x03");
                130
            }
            _ => {
                let id = terminal.child.process_id().expect("it runs");
                let sent = std::process::Command::new("kill").args(["-TERM", &id.to_string()]).status();
                assert!(sent.expect("kill runs").success());
                143
            }
        };
        let deadline = Instant::now() + PATIENCE;
        while !terminal.echoes() {
            assert!(Instant::now() < deadline, "left dark by SIG{signal}");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(terminal.end().0, status, "SIG{signal}");
    }
}
