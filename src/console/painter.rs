//! Frames to bytes: only what differs from the frame before is written, all of it in one piece that the terminal shows at
//! once, and a frame that differs in nothing writes nothing. It must not know what is drawn, nor whose terminal it is.

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of the frame that is being drawn; a flush does not send them.
#[derive(Clone, Debug, Default)]
struct Held(Arc<Mutex<Vec<u8>>>);

impl Held {
    fn bytes(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A backend for [`ratatui::Terminal`] that holds back what it writes until [`Painter::send`].
#[derive(Debug)]
pub struct Painter {
    inner: CrosstermBackend<Held>,
    held: Held,
    /// Whether the cursor can be seen, once that is known.
    shown: Option<bool>,
    /// Where it is, while that is known.
    at: Option<Position>,
}

impl Default for Painter {
    fn default() -> Painter {
        let held = Held::default();
        Painter { inner: CrosstermBackend::new(held.clone()), held, shown: None, at: None }
    }
}

impl Painter {
    /// Writes what was drawn since the last time, in one piece, as a synchronized update; nothing where nothing was.
    pub fn send(&mut self, to: &mut impl Write) -> io::Result<()> {
        let mut drawn = self.held.bytes();
        if drawn.is_empty() {
            return Ok(());
        }
        let mut frame = Vec::with_capacity(drawn.len() + 16);
        queue!(frame, BeginSynchronizedUpdate)?;
        frame.append(&mut drawn);
        queue!(frame, EndSynchronizedUpdate)?;
        to.write_all(&frame)?;
        to.flush()
    }
}

impl Backend for Painter {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        // Without a cell there would still be colours to set back.
        if content.peek().is_none() {
            return Ok(());
        }
        self.at = None;
        self.inner.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.shown.replace(false) == Some(false) {
            return Ok(());
        }
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.shown.replace(true) == Some(true) {
            return Ok(());
        }
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.at.replace(position) == Some(position) {
            return Ok(());
        }
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::{Terminal, TerminalOptions, Viewport};

    #[test]
    fn a_frame_writes_what_differs_in_one_piece_and_nothing_where_nothing_does() {
        let viewport = Viewport::Fixed(Rect::new(0, 0, 40, 3));
        let mut terminal =
            Terminal::with_options(Painter::default(), TerminalOptions { viewport }).expect("it asks no terminal");
        let mut frame = |words: &'static str, cursor: Option<(u16, u16)>| {
            let drawn = terminal.draw(|frame| {
                frame.render_widget(words, frame.area());
                cursor.into_iter().for_each(|at| frame.set_cursor_position(at));
            });
            drawn.expect("drawn");
            let mut bytes = Vec::new();
            terminal.backend_mut().send(&mut bytes).expect("a vector takes it");
            String::from_utf8(bytes).expect("text")
        };
        let first = frame("17 sessions", Some((2, 0)));
        assert!(first.starts_with("\u{1b}[?2026h") && first.ends_with("\u{1b}[?2026l"), "{first:?}");
        assert!(first.contains("sessions") && first.contains("\u{1b}[?25h"), "{first:?}");
        assert_eq!(frame("17 sessions", Some((2, 0))), "", "the same");
        let one = frame("18 sessions", Some((2, 0)));
        assert!(one.contains('8') && !one.contains("sessions"), "{one:?}");
        // The cursor was elsewhere meanwhile, and is put back.
        assert!(one.contains("\u{1b}[1;3H"), "{one:?}");
        assert_eq!(frame("18 sessions", Some((3, 0))), "\u{1b}[?2026h\u{1b}[1;4H\u{1b}[?2026l", "only the cursor");
        assert!(frame("18 sessions", None).contains("\u{1b}[?25l"), "the cursor goes");
        assert_eq!(frame("18 sessions", None), "");
    }
}
