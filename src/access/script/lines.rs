//! Lines of a script or of data, as they come: from a text, a file, stdin. A file is never held whole. It must not know
//! what stands in the lines.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tokio::sync::mpsc;

/// Read at once.
const CHUNK: usize = 64 << 10;
/// Chunks read ahead.
const AHEAD: usize = 4;

/// Gives lines.
#[derive(Debug)]
pub(super) struct Lines {
    /// What was read and not given; a text is here from the beginning.
    buffer: Vec<u8>,
    at: usize,
    /// As far as `buffer` was looked through for the end of a line.
    looked: usize,
    more: Option<mpsc::Receiver<io::Result<Vec<u8>>>>,
}

impl Lines {
    /// Of a text.
    pub(super) fn of(text: String) -> Lines {
        Lines { buffer: text.into_bytes(), at: 0, looked: 0, more: None }
    }

    /// Of a file. It is read on a thread of its own: a pipe among the files may say nothing for long.
    pub(super) fn file(path: &Path) -> io::Result<Lines> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        Ok(Lines::from(file))
    }

    /// Of the process's stdin.
    pub(super) fn stdin() -> Lines {
        Lines::from(io::stdin())
    }

    fn from(mut source: impl Read + Send + 'static) -> Lines {
        let (sender, receiver) = mpsc::channel(AHEAD);
        std::thread::spawn(move || {
            loop {
                let mut chunk = vec![0; CHUNK];
                let read = source.read(&mut chunk);
                let is_last = !matches!(&read, Ok(bytes) if *bytes > 0);
                let given = match read {
                    Ok(0) => break,
                    Ok(bytes) => {
                        chunk.truncate(bytes);
                        Ok(chunk)
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                if sender.blocking_send(given).is_err() || is_last {
                    break;
                }
            }
        });
        Lines { buffer: Vec::new(), at: 0, looked: 0, more: Some(receiver) }
    }

    /// The next line with its end; `None` at the end. Cancel-safe.
    pub(super) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.buffer[self.looked..].iter().position(|byte| *byte == b'\n') {
                let end = self.looked + end + 1;
                let line = self.buffer[self.at..end].to_vec();
                (self.at, self.looked) = (end, end);
                return Ok(Some(line));
            }
            self.looked = self.buffer.len();
            let read = match &mut self.more {
                Some(more) => more.recv().await,
                None => None,
            };
            match read {
                Some(Ok(chunk)) => {
                    self.buffer.drain(..self.at);
                    self.looked -= self.at;
                    self.at = 0;
                    self.buffer.extend_from_slice(&chunk);
                }
                Some(Err(error)) => {
                    self.more = None;
                    return Err(error);
                }
                None => {
                    self.more = None;
                    let line = self.buffer[self.at..].to_vec();
                    self.at = self.buffer.len();
                    return Ok((!line.is_empty()).then_some(line));
                }
            }
        }
    }

    /// The next bytes, wherever lines end; `None` at the end. Cancel-safe.
    pub(super) async fn bytes(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if self.at < self.buffer.len() {
                let end = self.buffer.len().min(self.at + CHUNK);
                let bytes = self.buffer[self.at..end].to_vec();
                (self.at, self.looked) = (end, end);
                return Ok(Some(bytes));
            }
            let Some(more) = &mut self.more else { return Ok(None) };
            match more.recv().await {
                Some(chunk) => {
                    self.buffer = chunk?;
                    (self.at, self.looked) = (0, 0);
                }
                None => self.more = None,
            }
        }
    }
}
