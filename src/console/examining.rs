//! Opens and leaves the doctor, and carries keys and answers between it and the rest. It must not know what it shows.

use super::event::{Answer, Id};
use super::keys;
use super::panes::doctor::{self, Action, Pane};
use super::request::{Request, perform};
use super::state::{Desk, Focus, State};
use super::widgets::list::Move;
use crate::access::doctor::{Subject, Wish};
use crate::model::{Auth, Endpoint, RouteChoice};
use crossterm::event::{KeyEvent, MouseEvent, MouseEventKind};

/// What the doctor is asked of an endpoint that nothing was tried with yet.
pub fn wish(endpoint: &Endpoint, user: &str) -> Wish {
    Wish {
        subject: Subject::Endpoint(Box::new(endpoint.clone())),
        user: Some(user.to_owned()).filter(|user| !user.is_empty()),
        database: None,
        route: RouteChoice::Auto,
        auth: Auth::Iam,
    }
}

/// Opens it; from there, back to where one is now.
pub fn open(state: &mut State, wish: Wish) {
    let name = match &wish.subject {
        Subject::Named(name) => name.clone(),
        Subject::Endpoint(endpoint) => endpoint.owner.clone(),
    };
    let back = state.focus;
    let desk = &mut Desk { now: state.now, size: state.size, settings: &state.settings, asks: &mut state.asks };
    state.doctor = Some(Pane::new(wish, name, back, desk));
    state.focus = Focus::Doctor;
}

/// Back to where one came from.
pub fn leave(state: &mut State) {
    state.focus = state.doctor.take().map_or(Focus::Fleet, |pane| pane.back);
}

/// A key.
pub fn press(state: &mut State, key: &KeyEvent) {
    if let Some(action) = keys::find(doctor::KEYS, key) {
        act(state, action);
    }
}

/// What a key or a palette entry means.
pub fn act(state: &mut State, action: Action) {
    let Some(pane) = &mut state.doctor else { return };
    let desk = &mut Desk { now: state.now, size: state.size, settings: &state.settings, asks: &mut state.asks };
    if let Some(request) = doctor::update(pane, action, desk) {
        match request {
            Request::Back => leave(state),
            other => perform(state, other),
        }
    }
}

/// The wheel.
pub fn mouse(state: &mut State, mouse: &MouseEvent) {
    match mouse.kind {
        MouseEventKind::ScrollDown => act(state, Action::Scroll(Move::By(3))),
        MouseEventKind::ScrollUp => act(state, Action::Scroll(Move::By(-3))),
        _ => {}
    }
}

/// Takes an answer; false when it is not the doctor's.
pub fn answer(state: &mut State, id: Id, answer: &Answer) -> bool {
    let now = state.now;
    state.doctor.as_mut().is_some_and(|pane| pane.answer(id, answer, now))
}
