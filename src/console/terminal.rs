//! The terminal: taken at the start, given back on quit, error, panic and signals, lent to the shell on Ctrl-Z. It must
//! not know what is drawn.

use super::painter::Painter;
use crate::model::{Diagnosis, Kind, Secret};
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, KeyboardEnhancementFlags,
    PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{
    Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::layout::Size;
use ratatui::{Frame, Terminal};
use std::io::{self, IsTerminal, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal is ours now.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether a panic gave it back: nothing may be drawn after that.
static PANICKED: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal, ours until dropped.
pub struct Screen {
    terminal: Terminal<Painter>,
}

impl Screen {
    /// Takes the terminal.
    pub fn take() -> Result<Screen, Diagnosis> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(Diagnosis::new(Kind::Usage, "The console needs a terminal")
                .because("standard input or standard output is none")
                .advise_paste("Use a command instead, for scripts and pipes", "gatepost list\ngatepost --help"));
        }
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                if TAKEN.load(Ordering::SeqCst) {
                    PANICKED.store(true, Ordering::SeqCst);
                    give_back();
                }
                before(panic);
            }));
        });
        take().map_err(refused)?;
        match on_stdout() {
            Ok(terminal) => Ok(Screen { terminal }),
            Err(error) => {
                give_back();
                Err(refused(error))
            }
        }
    }

    /// Its size now.
    pub fn size(&self) -> Result<Size, Diagnosis> {
        self.terminal.size().map_err(refused)
    }

    /// Draws one frame, shown at once where the terminal can (synchronized update); one like the last writes nothing.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> Result<(), Diagnosis> {
        if PANICKED.load(Ordering::SeqCst) {
            return Ok(());
        }
        let drawn = self.terminal.draw(view).map(drop);
        drawn.and_then(|()| self.terminal.backend_mut().send(&mut io::stdout())).map_err(refused)
    }

    /// Forgets what is on screen, so that the next frame draws all of it. `Terminal::clear` would ask the terminal where
    /// its cursor is, and wait for an answer that the event stream takes away.
    pub fn forget(&mut self) -> Result<(), Diagnosis> {
        execute!(io::stdout(), Clear(ClearType::All)).map_err(refused)?;
        self.terminal = on_stdout().map_err(refused)?;
        Ok(())
    }

    /// Puts text on the clipboard of the terminal's owner (OSC 52), also over ssh.
    pub fn copy(&mut self, text: &Secret) -> Result<(), Diagnosis> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text.reveal())).map_err(refused)
    }

    /// Gives the terminal back and stops this process group, as Ctrl-Z does; takes it again when continued.
    pub fn suspend(&mut self) -> Result<(), Diagnosis> {
        self.lend();
        // Without unsafe code, `kill` is the way to send a signal; 0 is the process group, which is what the terminal's
        // own Ctrl-Z stops. It is stopped along with us, and waited for afterwards.
        let stopped = std::process::Command::new("kill").args(["-TSTP", "0"]).status();
        self.regain()?;
        stopped.map(drop).map_err(refused)
    }

    /// Gives the terminal to whoever comes next (the shell, another program), as it was before [`Screen::take`].
    pub fn lend(&mut self) {
        give_back();
    }

    /// Takes it again; the next frame draws everything.
    pub fn regain(&mut self) -> Result<(), Diagnosis> {
        if PANICKED.load(Ordering::SeqCst) {
            return Ok(());
        }
        take().map_err(refused)?;
        self.forget()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn on_stdout() -> io::Result<Terminal<Painter>> {
    Terminal::new(Painter::default())
}

/// Whether a panic anywhere has given the terminal back.
pub fn panicked() -> bool {
    PANICKED.load(Ordering::SeqCst)
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let taken = execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableMouseCapture,
        EnableBracketedPaste,
        // Not asked for first: asking costs seconds where no answer comes, and who does not know it ignores it.
        PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES),
        cursor::Hide,
    );
    if taken.is_err() {
        give_back();
    }
    taken
}

/// Gives the terminal back; once, whoever calls first. Errors are passed over: on the way out there is nobody to tell, and
/// after SIGHUP there may be no terminal.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(
        out,
        EndSynchronizedUpdate,
        PopKeyboardEnhancementFlags,
        DisableBracketedPaste,
        DisableMouseCapture,
        LeaveAlternateScreen,
        cursor::Show,
    );
    let _ = disable_raw_mode();
    let _ = out.flush();
}

fn refused(error: io::Error) -> Diagnosis {
    Diagnosis::new(Kind::Local, "The terminal cannot be used").because(error.to_string())
}
