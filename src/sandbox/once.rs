//! Faults that strike once: each open thing that listens is struck, and the fault is off again. Where nothing is open yet
//! the fault stays on until something is. It must not know what a stroke does.

use super::faults::{Fault, Faults};
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// One such fault.
#[derive(Clone, Debug)]
pub struct Once {
    fault: Fault,
    faults: Faults,
    strokes: watch::Sender<u64>,
    listening: Arc<Notify>,
}

/// The ear of one open thing.
#[derive(Debug)]
pub struct Ear(watch::Receiver<u64>);

impl Once {
    /// For one fault. [`Once::watch`] has to run for it to strike.
    pub fn new(fault: Fault, faults: &Faults) -> Once {
        Once { fault, faults: faults.clone(), strokes: watch::Sender::new(0), listening: Arc::default() }
    }

    /// Listens from now on.
    pub fn listen(&self) -> Ear {
        let ear = Ear(self.strokes.subscribe());
        self.listening.notify_one();
        ear
    }

    /// Strikes whenever the fault is on and something listens. Never returns.
    pub async fn watch(self) {
        let mut changes = self.faults.changed();
        loop {
            if self.faults.is_on(&self.fault) && self.strokes.receiver_count() > 0 {
                self.faults.clear(&self.fault);
                self.strokes.send_modify(|count| *count += 1);
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = self.listening.notified() => {}
            }
        }
    }
}

impl Ear {
    /// Resolves when struck; never if the fault's watch has ended.
    pub async fn struck(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn strikes_each_that_is_open_once_and_waits_for_the_first() {
        let faults = Faults::default();
        let once = Once::new(Fault::SocketCut, &faults);
        let watch = tokio::spawn(once.clone().watch());
        faults.set(Fault::SocketCut);
        let mut first = once.listen();
        first.struck().await;
        assert!(!faults.is_on(&Fault::SocketCut));
        let mut second = once.listen();
        faults.set(Fault::SocketCut);
        first.struck().await;
        second.struck().await;
        watch.abort();
    }
}
