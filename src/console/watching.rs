//! Opens and closes the look at what a session's server is doing, and carries keys and answers between it and the rest. It
//! must not know what the look shows.

use super::event::{Command, Id, TabId};
use super::panes::activity::{self, Pane, Wanted};
use super::state::{Focus, State};
use super::update::{show_tab, tell};
use crate::access::activity::News;
use crate::model::Secret;
use crossterm::event::{KeyEvent, MouseEvent};

/// Shows what the server of the session in sight is doing; from there, back to the session.
pub fn toggle(state: &mut State) {
    if state.focus == Focus::Activity {
        return leave(state);
    }
    let Some(tab) = state.tabs.get(state.tab) else {
        return tell(state, "no session yet: Enter connects".to_owned());
    };
    let mut wish = tab.wish.clone();
    wish.database = Some(tab.pane.database().to_owned());
    let subject = activity::Subject {
        tab: tab.id,
        name: tab.name.clone(),
        user: wish.user.clone(),
        database: tab.pane.database().to_owned(),
        production: tab.production,
    };
    let id = state.asks.ask(Command::Activity(Box::new(wish), activity::PACE));
    state.activity = Some(Pane::new(id, subject, state.now));
    state.focus = Focus::Activity;
}

/// Ends the look, and with it its session; back to the tab it was opened from.
fn leave(state: &mut State) {
    let Some(pane) = state.activity.take() else { return };
    state.asks.ask(Command::Stop(pane.id));
    match state.tabs.iter().position(|tab| tab.id == pane.subject.tab) {
        Some(at) => show_tab(state, at),
        None => state.focus = Focus::Fleet,
    }
}

/// A tab was closed: what was opened from it goes with it.
pub fn closed(state: &mut State, tab: TabId) {
    if state.activity.as_ref().is_some_and(|pane| pane.subject.tab == tab) {
        leave(state);
    }
}

/// A key.
pub fn press(state: &mut State, key: &KeyEvent) {
    let size = state.size;
    let Some(pane) = &mut state.activity else { return };
    let wanted = activity::press(pane, key, size);
    follow(state, wanted);
}

/// A palette entry.
pub fn act(state: &mut State, action: activity::Action) {
    let height = activity::height(state.size);
    let Some(pane) = &mut state.activity else { return };
    let wanted = activity::act(pane, action, height);
    follow(state, wanted);
}

/// What is pasted is typed into the filter.
pub fn paste(state: &mut State, text: &str) {
    if let Some(pane) = state.activity.as_mut().filter(|pane| pane.filtering) {
        pane.filter.paste(text);
    }
}

/// The mouse.
pub fn mouse(state: &mut State, mouse: &MouseEvent) {
    let height = activity::height(state.size);
    if let Some(pane) = &mut state.activity {
        activity::mouse(pane, mouse, height);
    }
}

/// What it tells; nobody waits for that of one that was left.
pub fn hear(state: &mut State, id: Id, news: News) {
    let height = activity::height(state.size);
    if let Some(pane) = state.activity.as_mut().filter(|pane| pane.id == id) {
        pane.hear(news, state.now, height);
    }
}

fn follow(state: &mut State, wanted: Vec<Wanted>) {
    for wanted in wanted {
        match wanted {
            Wanted::Back => leave(state),
            Wanted::Ask(ask) => {
                if let Some(pane) = &state.activity {
                    let id = pane.id;
                    state.asks.ask(Command::Watch(id, ask));
                }
            }
            Wanted::Copy(text) => {
                state.asks.ask(Command::Copy(Secret::new(text)));
                tell(state, "copied the statement".to_owned());
            }
        }
    }
}
