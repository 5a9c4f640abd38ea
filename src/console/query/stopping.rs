//! A statement being stopped: cancel requests until one is heard, and the moments at which patience ends. It must not know
//! what the statement gave.

use super::order::News;
use super::worker::Tell;
use crate::access::{Canceller, Means};
use crate::model::{Diagnosis, Kind};
use futures_util::FutureExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// How long an ended run waits for a request that is on its way: one that arrives later would hit the statement after. The
/// server closes the wire once it has taken it, so that this is a round trip where the line is well.
const CANCEL_WAIT: Duration = Duration::from_secs(10);
/// A cancel that reaches the server before the statement does is forgotten there, so it is sent again while the statement
/// goes on: after this long, then twice as long, up to [`AGAIN_MOST`].
const AGAIN: Duration = Duration::from_millis(200);
/// The longest pause between two cancel requests.
const AGAIN_MOST: Duration = Duration::from_secs(15);
/// A stream that goes on for so long after it was asked to stop is bulk that was under way …
const LATE: Duration = Duration::from_millis(900);
/// … or so long after the server heard of it.
const LATE_HEARD: Duration = Duration::from_millis(300);

/// A server that goes on for so long after it has heard of the cancel, and sends nothing, will not stop by it.
const UNMOVED: Duration = Duration::from_secs(3);

/// What there is to tell at a moment of [`Stop::wakes`].
pub(super) enum Woken {
    /// The server could not be reached to cancel.
    Unreached(Diagnosis),
    /// The server has heard of it and goes on.
    Unmoved,
}

/// How it stands with the statement that is being stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Runs,
    /// Its wire is gone: what is on its way goes on, nothing is begun anew.
    Detached,
    /// It has ended, and the next one may come on the same wire: what is not sent yet must not be.
    Over,
}

/// Comes when the statement has ended on a wire that lives on, and never otherwise.
async fn over(mut stage: watch::Receiver<Stage>) {
    if stage.wait_for(|stage| *stage == Stage::Over).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Comes when there is nothing to stop any more.
async fn ended(mut stage: watch::Receiver<Stage>) {
    // Nobody holds the other end any more: that is an end, too.
    let _ = stage.wait_for(|stage| *stage != Stage::Runs).await;
}

/// A cancel under way.
pub(super) struct Stop {
    /// Asked by the user, when.
    asked: Option<Instant>,
    /// Bytes that came after that, which nobody wants any more.
    pub thrown: u64,
    /// The server has heard of it, since when.
    heard: Arc<OnceLock<Instant>>,
    /// The user is told of what comes of it.
    tells: Arc<AtomicBool>,
    /// That it cannot be delivered was told.
    told_failure: Arc<AtomicBool>,
    /// Rings when one of those has changed: [`Stop::wakes`] has another answer then.
    bell: Arc<Notify>,
    late_seen: bool,
    unmoved_told: bool,
    /// The backend is being signalled from a second session.
    pressing: Option<JoinHandle<()>>,
    task: JoinHandle<()>,
    stage: watch::Sender<Stage>,
}

impl Stop {
    /// Asks the server to cancel, from a task of its own, and again until the statement has ended.
    pub fn begin(canceller: Canceller, tell: Tell, by_user: bool) -> Stop {
        let (stage, standing) = watch::channel(Stage::Runs);
        let heard = Arc::new(OnceLock::new());
        let tells = Arc::new(AtomicBool::new(by_user));
        let told_failure = Arc::new(AtomicBool::new(false));
        let bell = Arc::new(Notify::new());
        let (heard_here, tells_here, failure) = (Arc::clone(&heard), Arc::clone(&tells), Arc::clone(&told_failure));
        let rings = Arc::clone(&bell);
        let task = tokio::spawn(async move {
            let mut pause = AGAIN;
            let mut told = false;
            loop {
                let done = canceller.cancel_unless(over(standing.clone())).await.map(drop);
                if ended(standing.clone()).now_or_never().is_some() {
                    return;
                }
                let delivered = done.is_ok();
                if delivered {
                    heard_here.get_or_init(Instant::now);
                }
                // Of a server that has heard once, later ones that do not reach it are no news.
                let unheard = heard_here.get().is_none();
                let news = if delivered { !told } else { unheard && !failure.swap(true, Ordering::Relaxed) };
                if news && tells_here.load(Ordering::Relaxed) {
                    told |= delivered;
                    tell(News::Cancelled(done));
                }
                rings.notify_one();
                if timeout(pause, ended(standing.clone())).await.is_ok() {
                    return;
                }
                pause = (pause * 2).min(AGAIN_MOST);
            }
        });
        let asked = by_user.then(Instant::now);
        Stop {
            asked,
            thrown: 0,
            heard,
            tells,
            told_failure,
            bell,
            late_seen: false,
            unmoved_told: false,
            pressing: None,
            task,
            stage,
        }
    }

    /// Signals the backend from a second session, once more than the server was asked.
    pub fn press(&mut self, canceller: Canceller, tell: Tell, means: Means) {
        if self.pressing.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        self.unmoved_told = true;
        let standing = self.stage.subscribe();
        self.pressing = Some(tokio::spawn(async move {
            let pid = canceller.pid().unwrap_or_default();
            if let Some(seen) = canceller.press_unless(means, over(standing)).await.transpose() {
                tell(News::Pressed { means, pid, seen });
            }
        }));
    }

    /// The user asks too for what was asked by itself.
    pub fn by_user(&mut self) {
        self.asked.get_or_insert_with(Instant::now);
        self.tells.store(true, Ordering::Relaxed);
    }

    /// Whether the user has asked.
    pub fn is_wanted(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether what still comes was under way long after it should have stopped.
    pub fn is_late(&self) -> bool {
        let heard = self.heard.get().is_some_and(|heard| heard.elapsed() >= LATE_HEARD);
        self.thrown > 0 && self.asked.is_some_and(|asked| heard || asked.elapsed() >= LATE)
    }

    /// When [`Stop::wake`] has something to do.
    pub fn wakes(&self, patience: Duration) -> Option<Instant> {
        let asked = self.asked?;
        if !self.late_seen {
            return Some(asked + LATE);
        }
        match self.heard.get() {
            Some(heard) => (!self.unmoved_told && self.thrown == 0).then_some(*heard + UNMOVED),
            None => (!self.told_failure.load(Ordering::Relaxed)).then_some(asked + patience),
        }
    }

    /// Rings when [`Stop::wakes`] is to be asked anew.
    pub fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    /// A moment of [`Stop::wakes`] has come: what there is to tell.
    pub fn wake(&mut self, patience: Duration) -> Option<Woken> {
        self.late_seen = true;
        if let Some(heard) = self.heard.get() {
            let unmoved = heard.elapsed() >= UNMOVED && self.thrown == 0;
            return (unmoved && !std::mem::replace(&mut self.unmoved_told, true)).then_some(Woken::Unmoved);
        }
        let over = self.asked.is_some_and(|asked| asked.elapsed() >= patience);
        if !over || self.told_failure.swap(true, Ordering::Relaxed) {
            return None;
        }
        let title = format!("The server could not be reached within {} s to cancel", patience.as_secs());
        let diagnosis = Diagnosis::new(Kind::OutcomeUnknown, title);
        Some(Woken::Unreached(diagnosis.because("the statement may still be running there")))
    }

    /// The statement has ended on a wire that lives on: what is not sent yet is given up, and what is on its way must not
    /// hit the next statement, so it is waited for. One that takes too long is given up, too.
    pub async fn over(self) {
        self.stage.send_replace(Stage::Over);
        let until = Instant::now() + CANCEL_WAIT;
        for mut task in [Some(self.task), self.pressing].into_iter().flatten() {
            if timeout_at(until, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    /// The wire is gone: a request on its way goes on by itself, and can hit nothing else.
    pub fn detached(self) {
        self.stage.send_replace(Stage::Detached);
    }
}
