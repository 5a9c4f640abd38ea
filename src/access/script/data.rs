//! The data of a `COPY … FROM STDIN`: the script's own lines up to `\.`, a file, or the process's standard input. It must not
//! know who sends them.

use super::Script;
use super::level::source;
use super::lines::Lines;
use crate::model::CopyPiece;

/// COPY data given at once, near enough.
const DATA: usize = 64 << 10;

/// How the script's lines are read as data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Inline {
    #[default]
    No,
    /// `\.` has not come.
    Open,
    /// It has.
    Over,
}

impl Script {
    /// Whether COPY's data come from standard input, beside a text that was typed.
    pub(super) fn feeds_from_stdin(&self) -> bool {
        self.data_from_stdin && self.levels.iter().all(|level| level.file.is_none())
    }

    /// Data for the `COPY … FROM STDIN` that runs. Cancel-safe: what was not given is given the next time.
    pub async fn copy_piece(&mut self) -> CopyPiece {
        self.asked = true;
        if let Some(lines) = &mut self.copy {
            return match lines.bytes().await {
                Ok(Some(bytes)) => CopyPiece::Data(bytes),
                Ok(None) => {
                    self.copy = None;
                    CopyPiece::Done
                }
                Err(error) => CopyPiece::Fail(format!("the data cannot be read: {error}")),
            };
        }
        if !self.from_stdin && self.feeds_from_stdin() {
            self.copy = Some(Lines::stdin());
            return CopyPiece::Data(Vec::new());
        }
        if self.inline == Inline::Over {
            (self.inline, self.from_stdin) = (Inline::No, false);
            return CopyPiece::Done;
        }
        self.inline = Inline::Open;
        let mut data = Vec::new();
        while let Some(level) = source(&mut self.levels, self.from_stdin) {
            // Only what is here already is gathered: nothing is held while a pipe is silent, and nothing is lost.
            let line = if data.is_empty() {
                level.lines.part().await
            } else {
                use futures_util::FutureExt;
                match level.lines.part().now_or_never() {
                    Some(line) => line,
                    None => return CopyPiece::Data(data),
                }
            };
            match line {
                Ok(Some(line)) => {
                    if level.ends_data(&line) {
                        self.inline = Inline::Over;
                        break;
                    }
                    data.extend_from_slice(&line);
                    if data.len() >= DATA {
                        return CopyPiece::Data(data);
                    }
                }
                Ok(None) => {
                    self.inline = Inline::Over;
                    break;
                }
                Err(error) => return CopyPiece::Fail(format!("the data cannot be read: {error}")),
            }
        }
        if self.levels.is_empty() {
            self.inline = Inline::Over;
        }
        if data.is_empty() {
            (self.inline, self.from_stdin) = (Inline::No, false);
            return CopyPiece::Done;
        }
        CopyPiece::Data(data)
    }

    /// Leaves out the data of a COPY that failed: up to `\.`. Cancel-safe.
    pub async fn skip_data(&mut self) {
        while self.inline == Inline::Open {
            let Some(level) = source(&mut self.levels, self.from_stdin) else { break };
            match level.lines.part().await {
                Ok(Some(line)) if level.ends_data(&line) => break,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        (self.inline, self.from_stdin) = (Inline::No, false);
    }
}
