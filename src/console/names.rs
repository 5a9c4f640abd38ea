//! Names of databases for completion, kept once for all tabs of the same target, role and database: asked for when the
//! first of these tabs is up, again after something has changed them, and let go with the last. It must not know what
//! they are used for, nor how they are loaded.

use super::event::{Answer, Command, Id};
use super::query::{self, Input, Names};
use super::state::State;
use crate::model::catalogue::Catalogue;
use std::sync::Arc;

/// Whose names they are: endpoint, role, database.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Of {
    address: String,
    user: String,
    database: String,
}

/// Names of one database.
#[derive(Clone, Debug)]
struct Kept {
    of: Of,
    /// The question that is open.
    asked: Option<Id>,
    /// They have changed since it was asked.
    again: bool,
    names: Option<Arc<Catalogue>>,
}

/// All that is kept.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    kept: Vec<Kept>,
}

fn of(state: &State, tab: usize) -> Option<Of> {
    let tab = state.tabs.get(tab)?;
    let address = tab.wish.endpoint.address();
    Some(Of { address, user: tab.wish.user.clone(), database: tab.pane.database().to_owned() })
}

/// A tab's session is up: it gets the names there are, or has them loaded.
pub fn up(state: &mut State, tab: usize) {
    let Some(of) = of(state, tab) else { return };
    match state.names.kept.iter().find(|kept| kept.of == of) {
        None => {
            let asked = ask(state, tab, &of);
            state.names.kept.push(Kept { of, asked, again: false, names: None });
        }
        Some(kept) => {
            if let (Some(names), false) = (kept.names.clone(), state.tabs[tab].pane.has_names()) {
                give(state, tab, Names::Ready(names));
            }
        }
    }
}

/// What a tab did has changed names, or somebody asks: they are loaded again.
pub fn again(state: &mut State, tab: usize) {
    let Some(of) = of(state, tab) else { return };
    let Some(at) = state.names.kept.iter().position(|kept| kept.of == of) else { return up(state, tab) };
    if state.names.kept[at].asked.is_some() {
        state.names.kept[at].again = true;
    } else {
        state.names.kept[at].asked = ask(state, tab, &of);
    }
}

fn ask(state: &mut State, tab: usize, of: &Of) -> Option<Id> {
    let mut wish = state.tabs.get(tab)?.wish.clone();
    wish.database = Some(of.database.clone());
    Some(state.asks.ask(Command::Names(Box::new(wish))))
}

/// Takes the answer to a question of ours; whether it was one.
pub fn answer(state: &mut State, id: Id, answer: &Answer) -> bool {
    let Some(at) = state.names.kept.iter().position(|kept| kept.asked == Some(id)) else { return false };
    let kept = &mut state.names.kept[at];
    kept.asked = None;
    let again = std::mem::take(&mut kept.again);
    let names = match answer {
        Answer::Names(names) => {
            kept.names = Some(Arc::clone(names));
            Names::Ready(Arc::clone(names))
        }
        Answer::Failed(diagnosis) => Names::Failed(diagnosis.title.clone()),
        _ => return true,
    };
    let whose = kept.of.clone();
    let tabs: Vec<usize> = (0..state.tabs.len()).filter(|tab| of(state, *tab).as_ref() == Some(&whose)).collect();
    for tab in &tabs {
        give(state, *tab, names.clone());
    }
    match tabs.first() {
        Some(tab) if again => self::again(state, *tab),
        Some(_) => {}
        None => closed(state),
    }
    true
}

/// A tab was closed: names that no tab uses any more are let go, and a question about them is dropped.
pub fn closed(state: &mut State) {
    let used: Vec<Of> = (0..state.tabs.len()).filter_map(|tab| of(state, tab)).collect();
    let (kept, gone) = std::mem::take(&mut state.names.kept).into_iter().partition(|kept| used.contains(&kept.of));
    state.names.kept = kept;
    let gone: Vec<Kept> = gone;
    for asked in gone.into_iter().filter_map(|kept| kept.asked) {
        state.asks.ask(Command::Stop(asked));
    }
}

fn give(state: &mut State, tab: usize, names: Names) {
    // Names change nothing that would have to be done.
    drop(query::update(&mut state.tabs[tab].pane, Input::Names(names)));
}
