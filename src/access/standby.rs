//! A wire kept ready beside a statement that runs: connected, TLS done, nothing said on it. A cancel is then one message
//! away from the server, where opening a wire takes two round trips more. It must not decide what is cancelled.
//!
//! The server gives such a wire `authentication_timeout` (60 s unless it is set: PostgreSQL, Connections and
//! Authentication) and says nothing of one that is closed unused, so it is replaced before that. One that the server has
//! closed all the same is seen before it is used, and then a new one is opened.

use super::canceller::Canceller;
use super::line::Peer;
use crate::db::Secured;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// A statement that is done before is cancelled by nobody.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long a wire is kept: well below the server's default patience.
const KEPT: Duration = Duration::from_secs(40);

/// Where the wire is laid ready; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Standby(Arc<Mutex<Option<Laid>>>);

/// A wire, and the server that it was opened to.
pub(super) type Laid = (Secured, Option<Peer>);

impl Standby {
    fn lay(&self, wire: Option<Laid>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = wire;
    }

    pub(super) fn is_laid(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The wire, if there is one to that server, which has not closed it. A session that came back may be at another one.
    pub(super) fn take(&self, to: Option<&Peer>) -> Option<Secured> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.filter(|(_, peer)| peer.as_ref() == to).and_then(|(wire, _)| wire.unless_closed())
    }
}

/// Lays nothing ready any more, however the keeping ends.
struct Kept(Standby);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.lay(None);
    }
}

impl Canceller {
    /// Keeps a wire ready until this is dropped. That none can be had is no trouble of the user's: a cancel opens its own
    /// then, and tells what is wrong.
    pub async fn stand_by(self) {
        sleep(PATIENCE).await;
        let kept = Kept(self.standby().clone());
        loop {
            kept.0.lay(self.wire().await);
            sleep(KEPT).await;
        }
    }
}
