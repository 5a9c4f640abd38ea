//! Which sessions are listed, in which order, and how deep in the tree. It must not know how they are drawn.

use super::Pane;
use crate::model::activity::{Backend, chains};
use std::time::Duration;

/// An open transaction of this age is worth a look; one in which nothing runs much sooner.
const LONG: Duration = Duration::from_secs(300);
const IDLE: Duration = Duration::from_secs(60);

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Who blocks whom, then by the age of transactions.
    Tree,
    /// The oldest transaction first.
    Transaction,
    /// The oldest statement first.
    Statement,
    /// By state, the busy ones first.
    State,
    /// By role and process id.
    User,
    /// By process id.
    Pid,
}

impl Sort {
    /// The order after this one.
    pub fn next(self) -> Sort {
        match self {
            Sort::Tree => Sort::Transaction,
            Sort::Transaction => Sort::Statement,
            Sort::Statement => Sort::State,
            Sort::State => Sort::User,
            Sort::User => Sort::Pid,
            Sort::Pid => Sort::Tree,
        }
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Tree => "tree",
            Sort::Transaction => "by transaction age",
            Sort::Statement => "by statement age",
            Sort::State => "by state",
            Sort::User => "by role",
            Sort::Pid => "by pid",
        }
    }
}

impl Pane {
    /// Places among the latest sessions and depths in the tree, in the order in which they are listed.
    pub fn rows(&self) -> Vec<(usize, usize)> {
        let Some((snapshot, _)) = &self.latest else { return Vec::new() };
        let mut order: Vec<usize> = (0..snapshot.backends.len()).collect();
        let backend = |at: &usize| &snapshot.backends[*at];
        let age = |age: Option<Duration>| std::cmp::Reverse(age);
        match self.sort {
            Sort::Tree | Sort::Transaction => order.sort_by_key(|at| (age(backend(at).transaction), backend(at).pid)),
            Sort::Statement => {
                let running = |at: &usize| backend(at).statement.filter(|_| backend(at).is_active());
                order.sort_by_key(|at| (age(running(at)), backend(at).pid));
            }
            Sort::State => order.sort_by_key(|at| (rank(backend(at)), backend(at).pid)),
            Sort::User => order.sort_by(|a, b| (&backend(a).user, a).cmp(&(&backend(b).user, b))),
            Sort::Pid => {}
        }
        let kept: Vec<usize> = order.into_iter().filter(|at| self.keeps(backend(at))).collect();
        if self.sort != Sort::Tree {
            return kept.into_iter().map(|at| (at, 0)).collect();
        }
        // Whoever blocks one that is listed is listed too: a tree without its root says nothing.
        let mut listed = kept;
        let mut looked = 0;
        while looked < listed.len() {
            for pid in &backend(&listed[looked]).blocked_by {
                if let Some(at) = snapshot.backends.iter().position(|one| one.pid == *pid)
                    && !listed.contains(&at)
                {
                    listed.push(at);
                }
            }
            looked += 1;
        }
        let sessions: Vec<Backend> = listed.iter().map(|at| backend(at).clone()).collect();
        chains(&sessions).into_iter().map(|(at, depth)| (listed[at], depth)).collect()
    }

    fn keeps(&self, backend: &Backend) -> bool {
        let words = self.filter.text().to_lowercase();
        let busy = backend.is_active() || backend.is_idle_in_transaction() || !backend.blocked_by.is_empty();
        (self.own || !backend.own)
            && (self.server || backend.is_client())
            && (!self.active || busy)
            && (words.is_empty()
                || [
                    &backend.pid.to_string(),
                    &backend.user,
                    &backend.database,
                    &backend.application,
                    &backend.client,
                    &backend.kind,
                    &backend.state,
                    &backend.wait,
                    &backend.query,
                ]
                .iter()
                .any(|text| text.to_lowercase().contains(&words)))
    }
}

fn rank(backend: &Backend) -> u8 {
    match backend.state.as_str() {
        _ if !backend.blocked_by.is_empty() => 0,
        "active" => 1,
        "idle in transaction (aborted)" => 2,
        "idle in transaction" => 3,
        "idle" => 5,
        _ => 4,
    }
}

/// Whether a transaction is open for so long that it is worth a look.
pub(super) fn is_long(backend: &Backend) -> bool {
    backend.transaction.is_some_and(|age| age >= if backend.is_idle_in_transaction() { IDLE } else { LONG })
}
