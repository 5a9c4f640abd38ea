//! A thread that writes and reads the temporary files of stalled streams, so that no disk is ever waited for under a
//! tunnel's lock: neither its neighbours nor a screen stand still for one. It must not know what the bytes are.
//!
//! One thread a tunnel, from the first stalled stream on, first come, first served: what was written can be read.

use super::SpoolFolder;
use bytes::Bytes;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// After so many bytes of a file it is looked how much the file system still has.
const LOOK: u64 = 16 << 20;

/// The way to the thread; it ends with the last one.
#[derive(Debug, Default)]
pub struct Spool {
    folder: SpoolFolder,
    jobs: Option<Sender<Job>>,
    /// Bytes on their way to files.
    under_way: Arc<AtomicUsize>,
}

/// One temporary file, unlinked from the beginning.
#[derive(Debug)]
pub struct Spooled {
    jobs: Sender<Job>,
    under_way: Arc<AtomicUsize>,
    state: Arc<Mutex<State>>,
}

/// What the thread has come to with a file.
#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    /// The first thing that went wrong; nothing is read after it.
    failed: Option<(io::ErrorKind, String)>,
    fetching: bool,
    /// The stream is gone: nobody will read what is not written yet.
    forgotten: bool,
    fetched: Option<Bytes>,
    reader: Option<Waker>,
}

/// Something to do with a file. One that nobody does any more, because the thread is gone, fails its file: whoever reads
/// it would wait for ever.
#[derive(Debug)]
struct Job {
    state: Arc<Mutex<State>>,
    /// Taken by whoever does it.
    what: Option<What>,
    /// What it counts for among those on their way.
    bytes: usize,
    under_way: Arc<AtomicUsize>,
    done: bool,
}

impl Drop for Job {
    fn drop(&mut self) {
        self.under_way.fetch_sub(self.bytes, Ordering::Relaxed);
        let mut shared = lock(&self.state);
        if !self.done {
            let gone = (io::ErrorKind::Other, "the thread for temporary files is gone".to_owned());
            shared.failed.get_or_insert(gone);
        }
        // A reader that waits for what can never come must learn of it too.
        let reader = if shared.fetched.is_some() || shared.failed.is_some() { shared.reader.take() } else { None };
        drop(shared);
        reader.into_iter().for_each(Waker::wake);
    }
}

#[derive(Debug)]
enum What {
    Write {
        at: u64,
        bytes: Bytes,
    },
    Read {
        at: u64,
        length: usize,
    },
    /// The thread ends, as if it had died.
    #[cfg(test)]
    Die,
}

/// What [`Spooled::fetch`] came to.
#[derive(Debug)]
pub enum Fetched {
    /// The bytes that were asked for.
    Bytes(Bytes),
    /// On their way; the waker is kept.
    Pending,
    /// The file failed.
    Failed(io::Error),
}

impl Spool {
    /// One whose files are made there.
    pub fn in_folder(folder: SpoolFolder) -> Spool {
        Spool { folder, ..Spool::default() }
    }

    /// A file for one stream.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn file(&mut self) -> io::Result<Spooled> {
        let jobs = match &self.jobs {
            Some(jobs) => jobs.clone(),
            None => {
                let (jobs, work) = channel();
                let folder = self.folder.clone();
                std::thread::Builder::new().name("ssm spool".to_owned()).spawn(move || run(&work, &folder))?;
                self.jobs.insert(jobs).clone()
            }
        };
        Ok(Spooled { jobs, under_way: Arc::clone(&self.under_way), state: Arc::default() })
    }

    /// Makes the disk hang until what is given is dropped.
    #[cfg(test)]
    pub fn hang(&mut self) -> Sender<()> {
        let file = self.file().expect("a thread");
        let (release, released) = channel();
        let (tell, hangs) = channel();
        std::thread::spawn(move || {
            let state = Arc::clone(&file.state);
            {
                // The thread cannot get past the file that somebody else holds.
                let _hanging = lock(&state);
                file.hand_over(What::Write { at: 0, bytes: Bytes::new() }).expect("a thread");
                tell.send(()).expect("it is waited for");
                let _dropped = released.recv();
            }
            drop(file);
        });
        hangs.recv().expect("it hangs");
        release
    }

    /// Bytes on their way to files: memory that a slow disk holds.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }
}

impl Spooled {
    /// Hands bytes over that belong at this place of the file.
    ///
    /// # Errors
    /// An earlier write failed, or the thread is gone.
    pub fn write(&self, at: u64, bytes: Bytes) -> io::Result<()> {
        if let Some((kind, words)) = &lock(&self.state).failed {
            return Err(io::Error::new(*kind, words.clone()));
        }
        self.hand_over(What::Write { at, bytes })
    }

    /// So many bytes from this place. To be called again, with the same, when the waker rings.
    pub fn fetch(&self, at: u64, length: usize, waker: &Waker) -> Fetched {
        let mut state = lock(&self.state);
        if let Some((kind, words)) = &state.failed {
            return Fetched::Failed(io::Error::new(*kind, words.clone()));
        }
        if let Some(bytes) = state.fetched.take() {
            return Fetched::Bytes(bytes);
        }
        state.reader = Some(waker.clone());
        if std::mem::replace(&mut state.fetching, true) {
            return Fetched::Pending;
        }
        drop(state);
        match self.hand_over(What::Read { at, length }) {
            Ok(()) => Fetched::Pending,
            Err(error) => Fetched::Failed(error),
        }
    }

    fn hand_over(&self, what: What) -> io::Result<()> {
        let bytes = if let What::Write { bytes, .. } = &what { bytes.len() } else { 0 };
        self.under_way.fetch_add(bytes, Ordering::Relaxed);
        let (state, under_way) = (Arc::clone(&self.state), Arc::clone(&self.under_way));
        let job = Job { state, what: Some(what), bytes, under_way, done: false };
        self.jobs.send(job).map_err(|_| io::Error::other("the thread for temporary files is gone"))
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        lock(&self.state).forgotten = true;
    }
}

fn run(work: &Receiver<Job>, folder: &SpoolFolder) {
    while let Ok(mut job) = work.recv() {
        let Some(what) = job.what.take() else { continue };
        let mut shared = lock(&job.state);
        let wanted = !shared.forgotten && shared.failed.is_none();
        let mut file = shared.file.take();
        drop(shared);
        let result = match what {
            What::Write { at, bytes } if wanted => write(&mut file, at, &bytes, folder).map(|()| None),
            What::Read { at, length } if wanted => read(&mut file, at, length).map(Some),
            What::Write { .. } | What::Read { .. } => Ok(None),
            #[cfg(test)]
            What::Die => return,
        };
        let mut shared = lock(&job.state);
        shared.file = file;
        match result {
            Ok(None) => {}
            Ok(Some(bytes)) => (shared.fetching, shared.fetched) = (false, Some(bytes)),
            Err(error) => shared.failed = Some((error.kind(), error.to_string())),
        }
        drop(shared);
        job.done = true;
    }
}

fn write(file: &mut Option<File>, at: u64, bytes: &[u8], folder: &SpoolFolder) -> io::Result<()> {
    let file = match file {
        Some(file) => file,
        none => none.insert(tempfile::tempfile_in(&folder.path)?),
    };
    if at / LOOK != (at + bytes.len() as u64) / LOOK || at == 0 {
        leave(file, folder)?;
    }
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

/// What others need of the file system is not taken.
fn leave(file: &File, folder: &SpoolFolder) -> io::Result<()> {
    let figures = rustix::fs::fstatvfs(file)?;
    // Some file systems of the network and of user space tell nothing.
    let free = figures.f_bavail.saturating_mul(figures.f_frsize);
    if figures.f_blocks == 0 || free > folder.leave {
        return Ok(());
    }
    let path = folder.path.display();
    let words = format!("no room in {path} for what a stalled reader leaves: {} MiB are free", free >> 20);
    Err(io::Error::new(io::ErrorKind::StorageFull, words))
}

fn read(file: &mut Option<File>, at: u64, length: usize) -> io::Result<Bytes> {
    let Some(file) = file else { return Err(io::ErrorKind::UnexpectedEof.into()) };
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

/// Nothing in here panics while it holds the lock; and if it did, the reader should still be able to learn of it.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    /// Asks until the thread has come to it.
    fn fetch(file: &Spooled, at: u64, length: usize) -> io::Result<Bytes> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            match file.fetch(at, length, Waker::noop()) {
                Fetched::Bytes(bytes) => return Ok(bytes),
                Fetched::Failed(error) => return Err(error),
                Fetched::Pending => assert!(Instant::now() < deadline, "the thread is stuck"),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn nobody_waits_for_a_disk_that_hangs() {
        let mut spool = Spool::default();
        let (slow, other) = (spool.file().expect("a thread"), spool.file().expect("a thread"));
        let disk = Arc::clone(&slow.state);
        let hanging = lock(&disk);
        // The thread cannot get past the first of these; whoever hands over does not notice.
        slow.hand_over(What::Write { at: 0, bytes: Bytes::new() }).expect("a thread");
        for at in 0..100 {
            other.write(at * 1000, Bytes::from_static(&[1; 1000])).expect("it is only handed over");
        }
        assert_eq!(spool.under_way(), 100_000, "and it is known how much memory that holds");
        assert!(matches!(other.fetch(0, 1000, Waker::noop()), Fetched::Pending));
        drop(hanging);
        assert_eq!(fetch(&other, 0, 1000).expect("its file").as_ref(), [1; 1000]);
        assert_eq!(fetch(&other, 99_000, 1000).expect("its file").as_ref(), [1; 1000]);
        assert_eq!(spool.under_way(), 0);
    }

    #[test]
    fn a_file_that_fails_fails_its_own_stream_and_says_why() {
        let mut spool = Spool::default();
        let (bad, good) = (spool.file().expect("a thread"), spool.file().expect("a thread"));
        good.write(0, Bytes::from_static(b"good")).expect("handed over");
        let error = fetch(&bad, 0, 4).expect_err("nothing was written");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(bad.write(0, Bytes::from_static(b"late")).expect_err("it has failed").kind(), error.kind());
        assert_eq!(fetch(&good, 0, 4).expect("its own file").as_ref(), b"good");
    }

    #[test]
    fn what_others_need_of_the_disk_is_left_to_them() {
        let place = tempfile::tempdir().expect("a folder");
        let mut greedy = Spool::in_folder(SpoolFolder { path: place.path().to_owned(), leave: u64::MAX });
        let file = greedy.file().expect("a thread");
        file.write(0, Bytes::from_static(b"too much")).expect("handed over");
        let error = fetch(&file, 0, 8).expect_err("it was not written");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let words = error.to_string();
        assert!(words.contains(&place.path().display().to_string()) && words.contains("MiB are free"), "{words}");

        let mut modest = Spool::in_folder(SpoolFolder { path: place.path().to_owned(), leave: 0 });
        let file = modest.file().expect("a thread");
        file.write(0, Bytes::from_static(b"a little")).expect("handed over");
        assert_eq!(fetch(&file, 0, 8).expect("it was written").as_ref(), b"a little");
        assert!(std::fs::read_dir(place.path()).expect("a folder").next().is_none(), "it has no name");
    }

    #[test]
    fn a_thread_that_is_gone_fails_what_waits_for_it() {
        let mut spool = Spool::default();
        let (one, other) = (spool.file().expect("a thread"), spool.file().expect("a thread"));
        let hanging = lock(&other.state);
        // Behind these the thread dies, before it comes to what was handed over then.
        other.hand_over(What::Write { at: 0, bytes: Bytes::new() }).expect("a thread");
        other.hand_over(What::Die).expect("a thread");
        one.write(0, Bytes::from_static(b"lost")).expect("handed over");
        assert!(matches!(one.fetch(0, 4, Waker::noop()), Fetched::Pending));
        drop(hanging);
        assert!(fetch(&one, 0, 4).expect_err("nobody reads it").to_string().contains("is gone"));
        assert!(fetch(&one, 0, 4).is_err(), "and at every later time");
        assert!(fetch(&other, 0, 4).is_err());
        assert!(other.write(0, Bytes::from_static(b"late")).is_err());
        assert_eq!(spool.under_way(), 0, "the tunnel waits for nothing of it");
    }

    #[test]
    fn what_nobody_will_read_is_not_written() {
        let mut spool = Spool::default();
        let (gone, last) = (spool.file().expect("a thread"), spool.file().expect("a thread"));
        let state = Arc::clone(&gone.state);
        let hanging = lock(&last.state);
        last.hand_over(What::Write { at: 0, bytes: Bytes::new() }).expect("a thread");
        gone.write(0, Bytes::from_static(b"gone")).expect("handed over");
        drop(gone);
        drop(hanging);
        last.write(0, Bytes::from_static(b"last")).expect("handed over");
        assert_eq!(fetch(&last, 0, 4).expect("its file").as_ref(), b"last");
        assert!(lock(&state).file.is_none());
    }
}
