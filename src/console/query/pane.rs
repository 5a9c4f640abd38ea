//! The state of one tab.

use crate::model::SessionFacts;
use std::time::SystemTime;

/// What a pane is made from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The name people know the target by (cluster or instance identifier).
    pub name: String,
    /// Endpoint host, for sentences that must leave no doubt.
    pub host: String,
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
    /// Whether the target is marked production.
    pub production: bool,
    /// What is known of the session.
    pub facts: SessionFacts,
    /// The time now.
    pub now: SystemTime,
}

/// What a tab is doing, for the tab's title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing ran yet.
    Fresh,
    /// A statement runs.
    Running,
    /// The last run was completed.
    Done,
    /// The last run failed.
    Failed,
    /// The session has ended.
    Closed,
}

/// For the tab bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title {
    /// `orders-prod`.
    pub name: String,
    /// What it is doing.
    pub work: Work,
}

/// One line of the help screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelpRow {
    /// Names of the keys, as in `console::keys`.
    pub keys: &'static [&'static str],
    /// What it does.
    pub help: &'static str,
}

/// One tab: editor, results, messages, facts, what runs.
#[derive(Clone, Debug)]
pub struct Pane {
    pub(super) setup: Setup,
}

impl Pane {
    /// A fresh tab.
    pub fn new(setup: Setup) -> Pane {
        Pane { setup }
    }

    /// For the tab bar.
    pub fn title(&self) -> Title {
        Title { name: self.setup.name.clone(), work: Work::Fresh }
    }

    /// When something on screen changes by time alone; `None` while nothing does.
    pub fn next_tick(&self) -> Option<SystemTime> {
        None
    }

    /// The keys that work where the pane is now, under headings.
    pub fn help(&self) -> Vec<(&'static str, Vec<HelpRow>)> {
        Vec::new()
    }

    /// Whether leaving now would lose something: a sentence to ask with (statement runs, transaction open).
    pub fn would_lose(&self) -> Option<String> {
        None
    }
}
