//! Results that go to a file (`\o`, `\g FILE`, `\copy … to`): bytes handed to a thread of their own, where a slow disk or a pipe
//! that nobody reads holds nothing up. It must not know what the bytes say.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, oneshot};

/// Bytes that may wait for the disk before no more rows are read.
const WAITING: usize = 4 << 20;

/// A file that is being written. Cheap to clone; it is closed with the last clone.
#[derive(Clone, Debug)]
pub(super) struct Outlet {
    path: PathBuf,
    sender: Sender<Vec<u8>>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes handed over and not written.
    waiting: AtomicUsize,
    /// Some were written.
    written: Notify,
    /// Bytes in the file.
    bytes: AtomicU64,
    trouble: Mutex<Option<String>>,
    /// There is trouble.
    broken: AtomicBool,
}

impl Outlet {
    /// Makes the file, or empties it. As with psql, who may read it is for the umask to say. The error is in words.
    pub(super) async fn open(path: PathBuf) -> Result<Outlet, String> {
        let state = Arc::new(State::default());
        let (sender, receiver) = channel::<Vec<u8>>();
        let (opened, opening) = oneshot::channel();
        let (theirs, name) = (Arc::clone(&state), path.clone());
        // No task of the runtime's: the program must be able to end while a pipe has no reader.
        std::thread::spawn(move || {
            let mut file = match File::create(&name) {
                Ok(file) => file,
                Err(error) => return drop(opened.send(Err(error))),
            };
            if opened.send(Ok(())).is_err() {
                return;
            }
            for bytes in receiver {
                let mut trouble = theirs.trouble.lock().unwrap_or_else(PoisonError::into_inner);
                if trouble.is_none() {
                    drop(trouble);
                    let written = file.write_all(&bytes);
                    trouble = theirs.trouble.lock().unwrap_or_else(PoisonError::into_inner);
                    match written {
                        Ok(()) => drop(theirs.bytes.fetch_add(bytes.len() as u64, Ordering::AcqRel)),
                        Err(error) => {
                            *trouble = Some(error.to_string());
                            theirs.broken.store(true, Ordering::Release);
                        }
                    }
                }
                drop(trouble);
                theirs.waiting.fetch_sub(bytes.len(), Ordering::AcqRel);
                theirs.written.notify_waiters();
            }
        });
        let words = |error: String| format!("{}: {error}", path.display());
        match opening.await {
            Ok(Ok(())) => Ok(Outlet { path, sender, state }),
            Ok(Err(error)) => Err(words(error.to_string())),
            Err(_) => Err(words("the thread that writes has ended".to_owned())),
        }
    }

    /// Which file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Hands bytes over. [`Outlet::is_full`] says when to wait.
    pub(super) fn put(&self, bytes: Vec<u8>) {
        let size = bytes.len();
        self.state.waiting.fetch_add(size, Ordering::AcqRel);
        if self.sender.send(bytes).is_err() {
            self.state.waiting.fetch_sub(size, Ordering::AcqRel);
        }
    }

    /// Whether more should not be handed over before [`Outlet::has_room`].
    pub(super) fn is_full(&self) -> bool {
        self.state.waiting.load(Ordering::Acquire) > WAITING
    }

    /// Bytes that are in the file.
    pub(super) fn bytes(&self) -> u64 {
        self.state.bytes.load(Ordering::Acquire)
    }

    /// Whether nothing more can be written; [`Outlet::settled`] says why.
    pub(super) fn is_broken(&self) -> bool {
        self.state.broken.load(Ordering::Acquire)
    }

    /// Waits until more may be handed over. Cancel-safe.
    pub(super) async fn has_room(&self) {
        self.falls_to(WAITING).await;
    }

    /// Waits until all is written; what went wrong, in words. Cancel-safe.
    pub(super) async fn settled(&self) -> Result<(), String> {
        self.falls_to(0).await;
        match &*self.state.trouble.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(trouble) => Err(format!("{}: {trouble}; the file is not whole", self.path.display())),
            None => Ok(()),
        }
    }

    async fn falls_to(&self, most: usize) {
        loop {
            // Heard from here on: what is written between the look and the wait is not missed.
            let written = self.state.written.notified();
            if self.state.waiting.load(Ordering::Acquire) <= most {
                return;
            }
            written.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_handed_over_is_there_once_it_is_settled() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out");
        let outlet = Outlet::open(path.clone()).await.expect("it opens");
        for _ in 0..3 {
            outlet.put(vec![b'x'; WAITING]);
            outlet.has_room().await;
        }
        outlet.settled().await.expect("written");
        assert_eq!((outlet.bytes(), outlet.is_broken()), (3 * WAITING as u64, false));
        assert_eq!(std::fs::read(&path).expect("it is there").len(), 3 * WAITING);
        let refused = Outlet::open(folder.path().to_owned()).await.expect_err("a folder is no file");
        assert!(refused.contains("directory"), "{refused}");
    }

    #[tokio::test]
    async fn a_full_disk_is_told() {
        let full = PathBuf::from("/dev/full");
        if !full.exists() {
            return;
        }
        let outlet = Outlet::open(full).await.expect("it opens");
        outlet.put(b"x".to_vec());
        assert!(outlet.settled().await.expect_err("nothing fits").contains("not whole"));
        assert_eq!((outlet.bytes(), outlet.is_broken()), (0, true));
    }
}
