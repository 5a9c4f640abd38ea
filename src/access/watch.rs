//! How the line under a session is doing, told as it changes. It must not know how a tunnel mends itself, nor keep one
//! alive: a session that ends ends its tunnel whoever watches.

use super::diagnose::tunnel;
use super::line::Line;
use super::session::Live;
use crate::model::{Bastion, Diagnosis, Endpoint, visible};
use crate::ssm::{Health, Tunnel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

/// How a line is doing. One that is dialled from here is always up: its end is an error of the statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LineHealth {
    /// Data flows.
    #[default]
    Up,
    /// The tunnel was lost and is being dialled again.
    Lost {
        /// When it was lost.
        since: SystemTime,
        /// Dials since then.
        attempts: u32,
        /// Why the last one failed; harmless to show.
        reason: String,
    },
    /// For good, and why.
    Ended(Box<Diagnosis>),
}

/// Watches the line under a session, also the one that takes its place.
pub struct Watch {
    live: Weak<Mutex<Live>>,
    tunnel: Option<Watched>,
}

/// A handle of our own: what it has been told is not taken from others that watch the same tunnel.
struct Watched {
    tunnel: Tunnel,
    bastion: Bastion,
    endpoint: Endpoint,
}

impl Watched {
    fn of(line: &Line) -> Option<Watched> {
        let (tunnel, bastion) = (line.tunnel()?.clone(), line.bastion()?.clone());
        Some(Watched { tunnel, bastion, endpoint: line.endpoint().clone() })
    }

    fn words(&self, health: Health) -> LineHealth {
        match health {
            Health::Up => LineHealth::Up,
            Health::Reconnecting { since, attempts, reason } => {
                LineHealth::Lost { since, attempts, reason: visible(&reason).into_owned() }
            }
            Health::Closed(ended) => LineHealth::Ended(Box::new(tunnel::ended(&ended, &self.bastion, &self.endpoint))),
        }
    }
}

impl Watch {
    pub(super) fn new(live: &Arc<Mutex<Live>>) -> Watch {
        let mut watch = Watch { live: Arc::downgrade(live), tunnel: None };
        watch.follow();
        watch
    }

    /// Turns to the line that the session has now.
    pub fn follow(&mut self) {
        let live = self.live.upgrade();
        self.tunnel = live.and_then(|live| Watched::of(&live.lock().unwrap_or_else(PoisonError::into_inner).line));
    }

    /// How it is doing now.
    pub fn health(&self) -> LineHealth {
        self.tunnel.as_ref().map_or(LineHealth::Up, |watched| watched.words(watched.tunnel.health()))
    }

    /// Resolves when that has changed; never where it cannot. Cancel-safe.
    pub async fn changed(&self) -> LineHealth {
        match &self.tunnel {
            Some(watched) => watched.words(watched.tunnel.changed().await),
            None => std::future::pending().await,
        }
    }
}
