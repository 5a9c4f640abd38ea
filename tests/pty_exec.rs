//! `gatepost exec` in a real terminal: the keys that send signals, and signals that others send. It must not know what the
//! client does with its way to the database.

#[allow(dead_code)]
#[path = "transcripts/neighbour.rs"]
mod neighbour;
#[path = "support/terminal.rs"]
mod terminal;

use neighbour::shared;
use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};
use terminal::Terminal;

/// A client that counts its SIGINTs until a SIGHUP comes.
const COUNTS: &str = "trap 'n=$((n+1)); echo \"heard $n\"' INT; trap 'echo \"heard $n in all\"; exit 5' HUP; n=0; \
                      echo \"at its work\"; while :; do sleep 0.05; done";

/// A shell in a terminal; `$GATEPOST` with `$COUNTS` is the command to run in it.
fn shell(script: &str) -> Terminal {
    let like_ours = shared().command(&[]);
    let mut command = CommandBuilder::new("/bin/sh");
    command.args(["-c", script]);
    command.env_clear();
    for (name, value) in like_ours.get_envs() {
        command.env(name, value.expect("set"));
    }
    command.env("TERM", "xterm-256color");
    command.env("COUNTS", COUNTS);
    command.env("GATEPOST", format!("{} exec orders-prod --user oncall --", env!("CARGO_BIN_EXE_gatepost")));
    Terminal::run(command)
}

/// The script of a client often is its standard input: the key reaches it all the same, and reaches it once.
#[test]
fn a_key_reaches_the_client_once_whatever_its_standard_input_is() {
    for stdin in ["", "< /dev/null"] {
        let mut terminal = shell(&format!("exec $GATEPOST sh -c \"$COUNTS\" {stdin}"));
        terminal.wait_for("at its work");
        terminal.press("\x03");
        terminal.wait_for("heard 1");
        let id = terminal.child.process_id().expect("it runs");
        let gatepost = Pid::from_raw(id.try_into().expect("a process id")).expect("not zero");
        kill_process(gatepost, Signal::HUP).expect("it lives");
        terminal.wait_for("in all");
        let (status, screen) = terminal.end();
        assert!(screen.screen().contents().contains("heard 1 in all"), "{stdin:?}: {}", screen.screen().contents());
        assert_eq!(status, 5);
    }
}

/// In the background nothing comes by key, though standard input is a terminal.
#[test]
fn a_signal_that_somebody_sends_is_passed_on() {
    let terminal = shell("set -m; $GATEPOST sh -c \"$COUNTS\" & echo \"job=$!=\"; wait $!; echo \"ended with $?\"");
    terminal.wait_for("at its work");
    let text = terminal.screen.lock().expect("the emulator did not panic").screen().contents();
    let id = text.split('=').nth(1).and_then(|id| id.parse().ok()).expect("a process id");
    let gatepost = Pid::from_raw(id).expect("not zero");
    kill_process(gatepost, Signal::INT).expect("it lives");
    terminal.wait_for("heard 1");
    kill_process(gatepost, Signal::HUP).expect("it lives");
    terminal.wait_for("ended with 5");
    let (_, screen) = terminal.end();
    assert!(screen.screen().contents().contains("heard 1 in all"), "{}", screen.screen().contents());
}
