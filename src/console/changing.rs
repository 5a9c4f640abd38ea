//! Changes at AWS that were asked for here, followed until they are done; the list is asked for anew at each step. It must
//! not know how they are made.

use super::event::{Answer, Command, Id};
use super::panes::{diagnosis, enable_iam};
use super::state::{Desk, Overlay, State};
use super::update::tell;
use crate::access::enable_iam::plan;
use crate::model::{Database, IamAuth, IamPlan};

/// Shows what switching IAM authentication on means for `database`, and asks; or says why it cannot be.
pub fn ask(state: &mut State, database: &Database) {
    let listings = state.fleet.listings.iter().filter_map(|listing| listing.latest.as_ref());
    let all: Vec<Database> = listings.flat_map(|inventory| inventory.databases.iter().cloned()).collect();
    state.overlay = Some(match plan(database, &all) {
        Ok(plan) => Overlay::EnableIam(Box::new(enable_iam::Pane::new(plan, state.now, &mut state.asks))),
        Err(refused) => Overlay::Diagnosis(diagnosis::Pane::new(refused)),
    });
}

/// It is to be done.
pub fn begin(state: &mut State, pane: &enable_iam::Pane) {
    let id = state.asks.ask(Command::EnableIam(Box::new(pane.plan.clone()), pane.when));
    state.changes.push((id, pane.plan.clone()));
    tell(state, format!("telling AWS to switch IAM authentication on for {}", pane.plan.identifier));
}

/// Takes an answer to one of the changes; whether it was one.
pub fn answer(state: &mut State, id: Id, answer: &Answer) -> bool {
    let Some(at) = state.changes.iter().position(|(change, _)| *change == id) else { return false };
    let IamPlan { identifier, .. } = &state.changes[at].1;
    let name = identifier.clone();
    match answer {
        Answer::IamProgress(progress) => tell(state, format!("{name}: {}", progress.words())),
        Answer::IamEnded(progress) => {
            state.changes.remove(at);
            let words = match progress.iam {
                IamAuth::Pending { .. } => {
                    let window = progress.window.as_deref().unwrap_or("that AWS chose");
                    format!("{name} takes tokens after the maintenance window {window} (UTC)")
                }
                _ => format!("{name} takes tokens now; i shows what a user needs beside that"),
            };
            tell(state, words);
        }
        Answer::Failed(failure) => {
            state.changes.remove(at);
            // It is not being told any more.
            state.notice = None;
            state.overlay = Some(Overlay::Diagnosis(diagnosis::Pane::new(failure.clone())));
        }
        _ => {}
    }
    let desk = &mut Desk { now: state.now, size: state.size, settings: &state.settings, asks: &mut state.asks };
    state.fleet.refresh(desk);
    true
}
