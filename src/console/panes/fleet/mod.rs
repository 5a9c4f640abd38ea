//! The first screen: what there is. Rows appear as each region and account answers; a region that fails is a line, not a
//! failed screen; a refresh keeps the old list until the new one is there. It must not know how AWS is asked.

mod detail;
mod keys;
mod pane;
pub mod rows;
mod view;

pub use detail::{Line, describe};
pub use keys::{Action, KEYS, TYPING_KEYS, Typing};
pub use pane::{Listing, Pane, Problem};
pub use view::{draw_header, view};

use crate::access::enable_iam::impossible;
use crate::console::event::Command;
use crate::console::request::Request;
use crate::console::state::Desk;
use crate::console::widgets::list::{Cursor, Move};
use crate::model::{Database, Diagnosis, Kind, RouteChoice, Secret};
use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use pane::no_endpoint;
use ratatui::layout::Position;
use rows::{Fold, Sort};

/// Takes a key while the filter is typed; `true` when it was one of the line's.
pub fn typed(pane: &mut Pane, key: &KeyEvent, desk: &mut Desk<'_>) -> bool {
    if !pane.filter.key(key) {
        return false;
    }
    pane.chosen = None;
    pane.cursor = Cursor::default();
    pane.rearrange(desk);
    true
}

/// Takes a paste into the filter.
pub fn pasted(pane: &mut Pane, text: &str, desk: &mut Desk<'_>) {
    if pane.filtering {
        pane.filter.paste(text);
        pane.rearrange(desk);
    }
}

/// Does what a key means while the filter is typed.
pub fn typing(pane: &mut Pane, action: Typing, desk: &mut Desk<'_>) {
    // Who was found that way is stayed with, when the filter is dropped later as well.
    let here = pane.selected().map(|database| database.arn.clone());
    match action {
        Typing::Keep => {
            // Where nothing fits, nobody was found.
            pane.before.take_if(|_| here.is_some());
            (pane.filtering, pane.chosen) = (false, here);
        }
        // Who looked in vain is where the look began.
        Typing::Drop => {
            (pane.filtering, pane.chosen) = (false, pane.before.take().or(here));
            pane.filter.clear();
        }
        Typing::Go(how) => go(pane, how, desk),
    }
    pane.rearrange(desk);
}

fn go(pane: &mut Pane, how: Move, desk: &Desk<'_>) {
    let height = pane.areas(desk.size).rows.height.into();
    pane.cursor.go(how, pane.rows.len(), height);
    pane.chosen = pane.selected().map(|database| database.arn.clone());
    pane.before.take_if(|_| pane.chosen.is_some());
}

/// Does what a key means.
pub fn update(pane: &mut Pane, action: Action, desk: &mut Desk<'_>) -> Option<Request> {
    match action {
        Action::Go(how) => go(pane, how, desk),
        Action::Quit => return Some(Request::Quit),
        Action::Lines => return Some(Request::Lines),
        Action::Sessions => return Some(Request::Sessions),
        Action::Filter => {
            pane.filtering = true;
            let here = pane.selected().map(|database| database.arn.clone());
            pane.before = here.or(pane.before.take());
        }
        Action::Clear => {
            pane.filter.clear();
            pane.chosen = pane.before.take().or(pane.chosen.take());
            pane.rearrange(desk);
        }
        Action::Sort => {
            pane.sort = Sort { by: pane.sort.by.next(), descending: false };
            pane.rearrange(desk);
            return Some(Request::Tell(format!("sorted by {}", pane.sort.by.name())));
        }
        Action::Reverse => {
            pane.sort.descending = !pane.sort.descending;
            pane.rearrange(desk);
        }
        Action::Refresh => {
            if pane.listings.is_empty() {
                if !pane.places.waits() {
                    pane.start(desk.now, desk.asks);
                }
            } else {
                pane.ask(desk, true);
            }
        }
        Action::Regions => return Some(Request::PickRegions),
        Action::Profiles => return Some(Request::PickProfiles),
        Action::Failures => {
            let failures = pane.problems().into_iter().find_map(|(_, problem)| match problem {
                Problem::Failed(diagnosis) => Some(diagnosis.clone()),
                Problem::Gap(_) => None,
            });
            let gaps = pane.problems().into_iter().find_map(|(place, problem)| match problem {
                Problem::Gap(gap) => Some(
                    Diagnosis::new(Kind::AwsRefused, format!("{place} was listed, but not completely")).because(gap),
                ),
                Problem::Failed(_) => None,
            });
            return Some(match pane.failure().cloned().or(failures).or(gaps) {
                Some(diagnosis) => Request::Diagnose(diagnosis),
                None => Request::Tell("nothing has failed".to_owned()),
            });
        }
        Action::Fold => {
            let row = pane.rows.get(pane.cursor.selected)?;
            if row.member {
                out(pane, desk);
            } else if row.fold != Fold::None {
                let arn = pane.database(row).arn.clone();
                if !pane.folded.remove(&arn) {
                    pane.folded.insert(arn);
                }
                pane.rearrange(desk);
            }
        }
        Action::Out => out(pane, desk),
        Action::Into => {
            let row = pane.rows.get(pane.cursor.selected)?;
            match row.fold {
                Fold::Closed => {
                    let arn = pane.database(row).arn.clone();
                    pane.folded.remove(&arn);
                    pane.rearrange(desk);
                }
                Fold::Open => go(pane, Move::By(1), desk),
                Fold::None => {}
            }
        }
        Action::Copy if pane.shows_failure() => {
            let advice = pane.advice()?;
            desk.asks.ask(Command::Copy(Secret::new(advice)));
            return Some(Request::Tell("copied what to paste".to_owned()));
        }
        Action::Connect
        | Action::Tunnel
        | Action::Listen
        | Action::Doctor
        | Action::Policy
        | Action::EnableIam
        | Action::Copy
        | Action::Details => {
            return Some(match pane.selected() {
                Some(database) => with_database(pane, database, action),
                None => Request::Tell(pane.none().to_owned()),
            });
        }
    }
    None
}

fn out(pane: &mut Pane, desk: &mut Desk<'_>) {
    let Some(row) = pane.rows.get(pane.cursor.selected) else { return };
    if row.member {
        let back = pane.rows[..pane.cursor.selected].iter().rev().position(|row| !row.member).unwrap_or(0);
        go(pane, Move::By(-1 - back as isize), desk);
    } else if row.fold == Fold::Open {
        let arn = pane.database(row).arn.clone();
        pane.folded.insert(arn);
        pane.rearrange(desk);
    }
}

/// What a key that is about one database asks for.
fn with_database(pane: &Pane, database: &Database, action: Action) -> Request {
    let policies = if action == Action::Policy { impossible(database) } else { None };
    if let Some(refused) = policies {
        return Request::Diagnose(refused);
    }
    match action {
        Action::Connect if !database.engine.is_postgres() => Request::Diagnose(foreign(database)),
        Action::Connect if database.endpoints.is_empty() => Request::Diagnose(no_endpoint(database)),
        Action::Connect => Request::Connect(Box::new(pane.subject(database))),
        Action::EnableIam => Request::EnableIam(Box::new(database.clone())),
        Action::Listen if !database.engine.is_postgres() => Request::Diagnose(foreign(database)),
        Action::Details => Request::Read(format!("{} · details", database.identifier), describe(database, true)),
        Action::Copy => Request::CopyMenu(Box::new(database.clone())),
        _ => match pane.endpoint(database) {
            Err(diagnosis) => Request::Diagnose(diagnosis),
            Ok(endpoint) if action == Action::Listen => Request::Listen(Some(Box::new(endpoint.clone()))),
            Ok(endpoint) if action == Action::Tunnel => Request::Tunnel(Box::new(endpoint.clone()), RouteChoice::Auto),
            Ok(endpoint) if action == Action::Doctor => Request::Examine(Box::new(endpoint.clone())),
            Ok(endpoint) => Request::Policy(Box::new(endpoint.clone())),
        },
    }
}

fn foreign(database: &Database) -> Diagnosis {
    let engine = &database.engine;
    let title = format!("The query pane speaks PostgreSQL; {} is {engine}", database.identifier);
    let diagnosis = Diagnosis::new(Kind::NotAvailable, title);
    match database.endpoints.first() {
        Some(endpoint) if engine.has_iam_auth() => diagnosis
            .advise("t forwards a local port to it, for a client of its own")
            .advise_paste("Log in there with a token", format!("gatepost token {} --user USER", endpoint.host)),
        _ => diagnosis.advise("t forwards a local port to it, for a client of its own"),
    }
}

/// Takes the mouse: a click selects, a click on what is selected opens it, the wheel moves.
pub fn mouse(pane: &mut Pane, event: &MouseEvent, desk: &mut Desk<'_>) -> Option<Request> {
    match event.kind {
        MouseEventKind::ScrollDown => go(pane, Move::By(3), desk),
        MouseEventKind::ScrollUp => go(pane, Move::By(-3), desk),
        MouseEventKind::Down(MouseButton::Left) => {
            let area = pane.areas(desk.size).rows;
            if !area.contains(Position::new(event.column, event.row)) {
                return None;
            }
            let at = pane.cursor.offset + usize::from(event.row - area.y);
            if at >= pane.rows.len() {
                return None;
            }
            let again = at == pane.cursor.selected && pane.chosen.is_some();
            pane.filtering = false;
            go(pane, Move::By(at as isize - pane.cursor.selected as isize), desk);
            if again {
                return update(pane, Action::Connect, desk);
            }
        }
        _ => {}
    }
    None
}
