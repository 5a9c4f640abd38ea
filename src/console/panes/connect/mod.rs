//! The second screen: which endpoint, which way, as whom, to which database, how to log in, read-only or not; then the way
//! there. Whatever can be known is filled in, so that Enter alone connects. It must not know how a connection is made.

mod form;
mod keys;
mod view;

pub use form::{Attempt, Connected, Field, Pane, Subject};
pub use keys::{Action, FAILED_KEYS, KEYS, OnWay, WALKING_KEYS};
pub use view::{draw_header, view};

use crate::access::doctor;
use crate::console::event::{Command, Load};
use crate::console::layout;
use crate::console::request::Request;
use crate::console::state::Desk;
use crate::console::widgets::list::Move;
use crate::model::{Diagnosis, Kind, Secret};
use crossterm::event::KeyEvent;

/// Takes a key into the line one stands in; false when the key is none of a line's.
pub fn typed(pane: &mut Pane, key: &KeyEvent) -> bool {
    let typed = pane.line().is_some_and(|line| line.key(key));
    if typed {
        pane.touched = true;
        pane.missing = None;
    }
    typed
}

/// Takes a paste into the line one stands in.
pub fn pasted(pane: &mut Pane, text: &str) {
    if let Some(line) = pane.line() {
        line.paste(text);
        pane.touched = true;
        pane.missing = None;
    }
}

/// Does what a key means in the form.
pub fn update(pane: &mut Pane, action: Action, desk: &mut Desk<'_>) -> Option<Request> {
    pane.missing = None;
    match action {
        Action::Back => {
            pane.leave(desk.asks);
            return Some(Request::Back);
        }
        Action::Connect => {
            pane.connect(desk.now, desk.asks);
            if let Some(missing) = pane.missing {
                return Some(Request::Tell(format!("Not connected yet: {missing}")));
            }
        }
        Action::Refresh => {
            if !pane.bastions.waits() {
                let endpoint = Box::new(pane.endpoint().clone());
                pane.bastions = Load::Asked(desk.asks.ask(Command::Bastions(endpoint)), desk.now);
            }
        }
        Action::Go(how) => {
            let fields = pane.fields();
            let here = fields.iter().position(|field| *field == pane.field).unwrap_or(0);
            let there = match how {
                Move::By(rows) => (here as isize + rows).rem_euclid(fields.len() as isize) as usize,
                Move::First => 0,
                Move::HalfPages(_) | Move::Last => fields.len() - 1,
            };
            pane.field = fields[there];
            pane.touched = true;
        }
        Action::Choose(by) => choose(pane, by),
    }
    None
}

fn choose(pane: &mut Pane, by: isize) {
    pane.touched = true;
    let next = |at: usize, len: usize| (at as isize + by).rem_euclid(len as isize) as usize;
    match pane.field {
        Field::Endpoint => {
            pane.subject.chosen = next(pane.subject.chosen, pane.subject.endpoints.len());
        }
        Field::Route => {
            let routes = pane.routes();
            let here = routes.iter().position(|route| *route == pane.route).unwrap_or(0);
            pane.route = routes[next(here, routes.len())].clone();
        }
        Field::Login => {
            pane.login = pane.login.step(by);
        }
        Field::Access => {
            pane.read_only = !pane.read_only;
            pane.confirm.clear();
        }
        Field::User | Field::Database | Field::Password | Field::Secret | Field::Confirm => {}
    }
}

/// Does what a key means on the way.
pub fn on_way(pane: &mut Pane, action: OnWay, desk: &mut Desk<'_>) -> Option<Request> {
    let attempt = pane.attempt.as_mut()?;
    match action {
        OnWay::Leave => {
            if attempt.way.walks() {
                desk.asks.ask(Command::Stop(attempt.id));
            }
            let refused = attempt.way.failed.as_ref().map(|failed| failed.diagnosis.kind);
            pane.attempt = None;
            pane.touched = true;
            // Where the failure would be mended.
            match refused {
                Some(Kind::PasswordRefused) => pane.field = Field::Password,
                Some(Kind::TokenRefused | Kind::LoginRefused) => pane.field = Field::User,
                Some(Kind::NoSuchDatabase) => pane.field = Field::Database,
                Some(Kind::BastionUnusable | Kind::NoBastion | Kind::UnreachableFromHere) => pane.field = Field::Route,
                Some(Kind::UnreachableFromBastion | Kind::CertificateName) => pane.field = Field::Endpoint,
                _ => {}
            }
            if !pane.fields().contains(&pane.field) {
                pane.field = Field::Login;
            }
        }
        OnWay::Doctor => {
            let wish = &attempt.wish;
            return Some(Request::Doctor(Box::new(doctor::Wish {
                subject: doctor::Subject::Endpoint(Box::new(wish.endpoint.clone())),
                user: Some(wish.user.clone()).filter(|user| !user.is_empty()),
                database: wish.database.clone(),
                route: wish.route.clone(),
                auth: wish.auth.clone(),
            })));
        }
        OnWay::Retry => pane.connect(desk.now, desk.asks),
        OnWay::Copy(n) => {
            let failed = attempt.way.failed.as_ref()?;
            return match failed.pasteable(n) {
                Some(text) => {
                    desk.asks.ask(Command::Copy(Secret::new(text)));
                    Some(Request::Tell("copied what to paste".to_owned()))
                }
                None => Some(Request::Tell("there is nothing to paste".to_owned())),
            };
        }
        OnWay::Scroll(how) => {
            let area = attempt.way.diagnosis_area(view::way_area(layout::areas(desk.size).body));
            attempt.way.failed.as_mut()?.scroll(how, area);
        }
    }
    None
}

/// Fails when nothing can be connected to.
pub fn check(subject: &Subject) -> Result<(), Diagnosis> {
    match subject.endpoints.is_empty() {
        true => Err(Diagnosis::new(Kind::NotAvailable, format!("{} has no endpoint yet", subject.name))),
        false => Ok(()),
    }
}
