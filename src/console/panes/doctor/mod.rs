//! The doctor on screen: every link of the chain as it is looked at, then what is broken and what to do first. It must not
//! know how a link is looked at, nor what the advice is for.

mod keys;
mod view;

pub use keys::{Action, KEYS};
pub use view::{draw_header, view};

use crate::access::doctor::Wish;
use crate::console::event::{Answer, Command, Id};
use crate::console::layout;
use crate::console::panes::diagnosis;
use crate::console::request::Request;
use crate::console::state::{Desk, Focus};
use crate::console::widgets::list::Move;
use crate::model::{Check, CheckKind, Diagnosis, DoctorNews, DoctorReport, Secret};
use ratatui::layout::{Rect, Size};
use std::time::SystemTime;

/// What was found so far.
#[derive(Clone, Debug)]
pub struct Pane {
    /// The question.
    pub id: Id,
    /// What is looked at, for looking once more.
    pub wish: Wish,
    /// The database's name.
    pub name: String,
    /// As whom.
    pub user: String,
    /// Since when.
    pub since: SystemTime,
    /// Links looked at, in the order in which they were.
    pub checks: Vec<Check>,
    /// The link under way, what it is about, since when.
    pub under_way: Option<(CheckKind, String, SystemTime)>,
    /// All of it, and when it was there.
    pub report: Option<(DoctorReport, SystemTime)>,
    /// Why there is no report, which only a fault of ours can bring about.
    pub failed: Option<Diagnosis>,
    /// Whether everything is shown.
    pub all: bool,
    /// Lines above the screen.
    pub scroll: usize,
    /// Where one came from.
    pub back: Focus,
}

impl Pane {
    /// Begins to look.
    pub fn new(wish: Wish, name: String, back: Focus, desk: &mut Desk<'_>) -> Pane {
        let id = desk.asks.ask(Command::Doctor(Box::new(wish.clone())));
        let user = wish.user.clone().unwrap_or_default();
        Pane {
            id,
            wish,
            name,
            user,
            since: desk.now,
            checks: Vec::new(),
            under_way: None,
            report: None,
            failed: None,
            all: false,
            scroll: 0,
            back,
        }
    }

    /// Whether it still looks.
    pub fn looks(&self) -> bool {
        self.report.is_none() && self.failed.is_none()
    }

    /// Takes an answer; false when it is not the doctor's.
    pub fn answer(&mut self, id: Id, answer: &Answer, now: SystemTime) -> bool {
        if id != self.id {
            return false;
        }
        match answer {
            Answer::Doctor(DoctorNews::Begun(kind, about)) => self.under_way = Some((*kind, about.clone(), now)),
            Answer::Doctor(DoctorNews::Done(check)) => {
                self.under_way = None;
                self.checks.push(check.clone());
            }
            Answer::Examined(report) => {
                self.under_way = None;
                self.checks.clone_from(&report.checks);
                self.report = Some(((**report).clone(), now));
            }
            Answer::Failed(diagnosis) => {
                self.under_way = None;
                self.failed = Some(diagnosis.clone());
            }
            _ => {}
        }
        true
    }

    /// The diagnosis that is shown below the links.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        let report = self.report.as_ref().and_then(|(report, _)| report.first());
        report.and_then(|(check, _)| check.diagnosis.as_deref()).or(self.failed.as_ref())
    }

    /// The n-th thing that can be pasted.
    pub fn pasteable(&self, n: usize) -> Option<&str> {
        diagnosis::pasteable(self.diagnosis()?, n)
    }
}

/// Where the links are drawn in the body.
pub fn area(size: Size) -> Rect {
    let body = layout::areas(size).body;
    layout::below(body, body.y + 1, body.height)
}

/// Does what a key means.
pub fn update(pane: &mut Pane, action: Action, desk: &mut Desk<'_>) -> Option<Request> {
    match action {
        Action::Leave => {
            if pane.looks() {
                desk.asks.ask(Command::Stop(pane.id));
            }
            return Some(Request::Back);
        }
        Action::Again => {
            if pane.looks() {
                desk.asks.ask(Command::Stop(pane.id));
            }
            let all = pane.all;
            *pane = Pane { all, ..Pane::new(pane.wish.clone(), pane.name.clone(), pane.back, desk) };
        }
        Action::All => {
            pane.all = !pane.all;
            pane.scroll = 0;
        }
        Action::Copy(n) => {
            return Some(Request::Tell(match pane.pasteable(n) {
                Some(text) => {
                    desk.asks.ask(Command::Copy(Secret::new(text)));
                    "copied what to paste".to_owned()
                }
                None => "there is nothing to paste".to_owned(),
            }));
        }
        Action::Scroll(how) => {
            let area = area(desk.size);
            let most = view::lines(pane, area, desk.now).len().saturating_sub(area.height.into());
            pane.scroll = match how {
                Move::By(rows) => pane.scroll.saturating_add_signed(rows),
                Move::HalfPages(pages) => pane.scroll.saturating_add_signed(pages * (area.height as isize / 2).max(1)),
                Move::First => 0,
                Move::Last => most,
            }
            .min(most);
        }
    }
    None
}
