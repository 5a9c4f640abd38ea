//! The live routes, shared: a second session, or a cancel, rides the tunnel that is there. It must not know what rides.

use super::LineReport;
use super::line::{Inner, Line};
use crate::model::Diagnosis;
use crate::ssm::Pool;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::task::JoinSet;

/// How long the end of the program waits for AWS to hear of each session's end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What makes two lines the same: where it was listed, `host:port`, and the bastion's id (`None`: from here).
pub(super) type Key = (crate::model::Place, String, Option<String>);

/// The live routes.
#[derive(Default)]
pub(super) struct Lines {
    /// One slot a key; whoever holds its lock opens the line, and the others wait for it.
    slots: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
    live: Mutex<HashMap<Key, Weak<Inner>>>,
    closing: Closing,
}

/// What the end of the program waits for: tunnels whose last holder has left, sessions that AWS is starting.
#[derive(Clone, Default)]
pub(super) struct Closing(Arc<Mutex<JoinSet<()>>>);

impl Closing {
    /// Ends `pool` in the background.
    pub(super) fn finish(&self, pool: Pool) {
        self.keep(async move { pool.close().await });
    }

    /// Does `work` in the background, whoever leaves.
    pub(super) fn keep(&self, work: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime nothing can be sent any more; AWS ends the session at its idle time.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            while set.try_join_next().is_some() {}
            set.spawn_on(work, &runtime);
        }
    }

    /// Waits for all of it, and for what it leads to.
    async fn done(&self) {
        loop {
            let mut ending = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
            if ending.is_empty() {
                return;
            }
            while ending.join_next().await.is_some() {}
        }
    }
}

impl Lines {
    /// The live line of that key, or the one that `open` makes. True with it when it was there already.
    pub(super) async fn get_or_open(
        &self,
        key: Key,
        open: impl Future<Output = Result<Line, Diagnosis>>,
    ) -> Result<(Line, bool), Diagnosis> {
        let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default().clone();
        let _turn = slot.lock().await;
        if let Some(line) = self.get(&key) {
            return Ok((line, true));
        }
        let line = open.await?;
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(key, line.weak());
        Ok((line, false))
    }

    fn get(&self, key: &Key) -> Option<Line> {
        let inner = self.live.lock().unwrap_or_else(PoisonError::into_inner).get(key)?.upgrade()?;
        Some(Line::from_inner(inner)).filter(Line::is_alive)
    }

    /// For whom makes a line.
    pub(super) fn closing(&self) -> Closing {
        self.closing.clone()
    }

    fn all(&self) -> Vec<Line> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|_, line| line.strong_count() > 0);
        live.values().filter_map(Weak::upgrade).map(Line::from_inner).collect()
    }

    pub(super) fn reports(&self) -> Vec<LineReport> {
        let mut reports: Vec<LineReport> = self.all().iter().map(Line::report).collect();
        reports.sort_by(|a, b| (&a.address, &a.route).cmp(&(&b.address, &b.route)));
        reports
    }

    /// Ends them all, and waits for those that are ending.
    pub(super) async fn close(&self) {
        for line in self.all() {
            self.closing.keep(async move { line.close().await });
        }
        // What does not end in time is aborted with its set.
        let _ = tokio::time::timeout(PATIENCE, self.closing.done()).await;
    }
}
