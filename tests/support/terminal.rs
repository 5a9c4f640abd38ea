//! A pseudo-terminal for the real binary, read by a terminal emulator. It must not know what the screens say.

#![allow(dead_code, reason = "each test program uses a part")]

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub const ROWS: NonZero<u16> = NonZero::new(24).expect("not zero");
pub const COLUMNS: NonZero<u16> = NonZero::new(80).expect("not zero");

/// The first and the last words of a frame.
const FRAME: (&[u8], &[u8]) = (b"\x1b[?2026h", b"\x1b[?2026l");

/// How much of it a terminal shows: of a frame that has begun nothing before its end (synchronized updates), so that no test
/// sees a half of one.
fn shown(bytes: &[u8]) -> usize {
    let (begin, end) = FRAME;
    let begins = bytes.windows(begin.len()).rposition(|words| words == begin);
    let within = begins.filter(|at| !bytes[*at..].windows(end.len()).any(|words| words == end));
    // The first words may be cut in two as well.
    let cut = (1..begin.len()).rev().find(|length| bytes.ends_with(&begin[..*length]));
    within.unwrap_or(bytes.len() - cut.unwrap_or(0))
}

/// A program in a pseudo-terminal.
pub struct Terminal {
    pub child: Box<dyn Child + Send + Sync>,
    pub screen: Arc<Mutex<vt100::Parser>>,
    keys: Box<dyn Write + Send>,
    reader: std::thread::JoinHandle<()>,
    pub _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    pub fn run(command: CommandBuilder) -> Terminal {
        Terminal::sized(command, COLUMNS, ROWS)
    }

    /// The same on a screen of another size.
    pub fn sized(command: CommandBuilder, columns: NonZero<u16>, rows: NonZero<u16>) -> Terminal {
        let pty = native_pty_system()
            .openpty(PtySize { rows: rows.get(), cols: columns.get(), pixel_width: 0, pixel_height: 0 })
            .expect("a pseudo-terminal");
        let child = pty.slave.spawn_command(command).expect("it starts");
        drop(pty.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let mut output = pty.master.try_clone_reader().expect("a reader");
        let fed = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let (mut chunk, mut held) = ([0; 8192], Vec::new());
            // The end of a pseudo-terminal is an error on Linux.
            while let Ok(n @ 1..) = output.read(&mut chunk) {
                held.extend_from_slice(&chunk[..n]);
                let ready: Vec<u8> = held.drain(..shown(&held)).collect();
                fed.lock().expect("the emulator did not panic").process(&ready);
            }
            fed.lock().expect("the emulator did not panic").process(&held);
        });
        let keys = pty.master.take_writer().expect("a writer");
        Terminal { child, screen, keys, reader, _master: pty.master }
    }

    pub fn press(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).expect("the terminal takes keys");
    }

    /// What is on the screen.
    pub fn contents(&self) -> String {
        self.screen.lock().expect("the emulator did not panic").screen().contents()
    }

    pub fn wait_for(&self, what: &str) {
        self.wait_until(what, |text| text.contains(what));
    }

    pub fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            let text = self.screen.lock().expect("the emulator did not panic").screen().contents();
            if is_so(&text) {
                return;
            }
            assert!(Instant::now() < deadline, "{what:?} did not come up on:\n{text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn wait_for_not(&self, what: &str) {
        let deadline = Instant::now() + Duration::from_secs(90);
        while self.screen.lock().expect("the emulator did not panic").screen().contents().contains(what) {
            assert!(Instant::now() < deadline, "{what:?} stays");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it shows what is typed.
    pub fn echoes(&self) -> bool {
        let flags = format!("{:?}", self._master.get_termios().expect("a terminal has modes").local_flags);
        flags.split(|c: char| !c.is_ascii_alphanumeric()).any(|flag| flag == "ECHO")
    }

    /// Its exit status, and the screen it left behind.
    pub fn end(mut self) -> (u32, vt100::Parser) {
        let deadline = Instant::now() + Duration::from_secs(90);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                break status.exit_code();
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let text = self.screen.lock().expect("the emulator did not panic").screen().contents();
                panic!("it does not end; on screen:\n{text}");
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        self.reader.join().expect("all it wrote was read");
        let screen = Arc::into_inner(self.screen).expect("nobody reads any more");
        (status, screen.into_inner().expect("the emulator did not panic"))
    }
}
