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
/// The longest line of a script: the server takes no longer statement (PostgreSQL's `MaxAllocSize`), and a file without any
/// line's end would be held whole otherwise.
const LONGEST: usize = 1 << 30;
/// Of a longer line of data so much is given at once; data may be one line of any length.
const PART: usize = 1 << 20;

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
    ///
    /// # Errors
    /// Reading fails, or a line is longer than the server would take.
    pub(super) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.next_within(LONGEST).await
    }

    async fn next_within(&mut self, longest: usize) -> io::Result<Option<Vec<u8>>> {
        let line = self.up_to(longest).await?;
        if line.as_ref().is_some_and(|line| line.len() >= longest && !line.ends_with(b"\n")) {
            let words = format!("a line is longer than {} MB, which no server takes", longest >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        Ok(line)
    }

    /// The next line with its end, or the next part of one that is long; `None` at the end. Cancel-safe.
    pub(super) async fn part(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.up_to(PART).await
    }

    /// A line with its end, or the beginning of one of which so much is here and no end.
    async fn up_to(&mut self, most: usize) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.buffer[self.looked..].iter().position(|byte| *byte == b'\n') {
                let end = self.looked + end + 1;
                let line = self.buffer[self.at..end].to_vec();
                (self.at, self.looked) = (end, end);
                return Ok(Some(line));
            }
            self.looked = self.buffer.len();
            if self.looked - self.at >= most {
                let part = self.buffer[self.at..].to_vec();
                self.at = self.looked;
                return Ok(Some(part));
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A line without end, counted as it is read.
    struct Endless(std::sync::Arc<std::sync::atomic::AtomicUsize>);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(b'x');
            self.0.fetch_add(buffer.len(), std::sync::atomic::Ordering::Relaxed);
            Ok(buffer.len())
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_never_held_whole() {
        let read = std::sync::Arc::default();
        let mut lines = Lines::from(Endless(std::sync::Arc::clone(&read)));
        for _ in 0..8 {
            let part = lines.part().await.expect("read").expect("more");
            assert!((PART..PART + CHUNK).contains(&part.len()), "{}", part.len());
            assert!(lines.buffer.capacity() <= 3 * PART, "{}", lines.buffer.capacity());
        }
        let error = lines.next_within(4 << 20).await.expect_err("no statement is so long");
        assert_eq!(error.to_string(), "a line is longer than 4 MB, which no server takes");
        let most = 12 * (PART + CHUNK) + (AHEAD + 2) * CHUNK;
        assert!(read.load(std::sync::atomic::Ordering::Relaxed) <= most, "no further than asked for");
    }

    #[tokio::test]
    async fn lines_and_parts_are_what_was_read() {
        let long = "y".repeat(3 * PART / 2);
        let text = format!("one\n{long}\n\nlast");
        let mut lines = Lines::from(io::Cursor::new(text.clone()));
        let mut got = Vec::new();
        let mut lengths = Vec::new();
        while let Some(part) = lines.part().await.expect("read") {
            lengths.push(part.len());
            got.extend_from_slice(&part);
        }
        assert_eq!(got, text.as_bytes());
        assert_eq!((lengths[0], lengths.len()), (4, 5), "{lengths:?}");
        let mut lines = Lines::from(io::Cursor::new(text));
        assert_eq!(lines.next().await.expect("read").expect("a line"), b"one\n");
        assert_eq!(lines.next().await.expect("read").expect("a line").len(), long.len() + 1);
        assert_eq!(lines.next().await.expect("read").expect("a line"), b"\n");
        assert_eq!(lines.next().await.expect("read").expect("a line"), b"last");
        assert_eq!(lines.next().await.expect("read"), None);
    }
}
