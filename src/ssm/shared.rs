//! What a tunnel's handles, its streams and its driver hold together: the session behind a lock, and the bells.

use super::session::{Failure, Session};
use super::{Ended, Error, Figures, Health, Opened};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{Notify, oneshot, watch};

/// One tunnel's common part.
#[derive(Debug)]
pub struct Shared {
    /// `SessionId`.
    pub session_id: String,
    /// Rings the driver: there may be something to send.
    pub work: Notify,
    /// For screens.
    pub health: watch::Sender<Health>,
    /// See [`Session::bulk`].
    pub bulk: watch::Sender<u64>,
    /// True: somebody wants the tunnel closed.
    pub close: watch::Sender<bool>,
    /// True: the driver has finished, the session is terminated.
    pub done: watch::Sender<bool>,
    state: Mutex<State>,
}

/// What is behind the lock.
#[derive(Debug)]
pub struct State {
    /// The machine.
    pub session: Session,
    /// Web sockets after the first.
    pub resumes: u32,
    /// Waits for the way to "ready".
    pub opener: Option<oneshot::Sender<Result<Opened, Error>>>,
}

impl Shared {
    /// Around a session.
    pub fn new(session_id: String, session: Session, opener: oneshot::Sender<Result<Opened, Error>>) -> Self {
        Self {
            session_id,
            work: Notify::new(),
            health: watch::Sender::new(Health::Up),
            bulk: watch::Sender::new(0),
            close: watch::Sender::new(false),
            done: watch::Sender::new(false),
            state: Mutex::new(State { session, resumes: 0, opener: Some(opener) }),
        }
    }

    /// Locks the state; never held over an await.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        // The machine does not panic; and if it did, its streams should still be able to report an end.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the session and rings the driver if that left it work.
    pub fn with<T>(&self, act: impl FnOnce(&mut Session) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state.session);
        let wants = state.session.wants_transmit(Instant::now());
        drop(state);
        if wants {
            self.work.notify_one();
        }
        result
    }

    /// Counters.
    pub fn figures(&self) -> Figures {
        let state = self.lock();
        Figures { resumes: state.resumes, ..state.session.figures() }
    }

    /// Tells whoever waits for the opening, if it is still awaited.
    pub fn tell_opener(&self, result: Result<Opened, Error>) {
        if let Some(opener) = self.lock().opener.take() {
            // Nobody waits any more: then the handle's end closes the tunnel.
            let _ = opener.send(result);
        }
    }
}

/// The last handle: its end closes the tunnel.
#[derive(Debug)]
pub struct Handle(pub std::sync::Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close.send_replace(true);
    }
}

impl From<&Failure> for Ended {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Ended(ended) => ended.clone(),
            Failure::Unsupported(sentence) => Self::Protocol(sentence.clone()),
        }
    }
}
