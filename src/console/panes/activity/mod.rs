//! What a server is doing: sessions as a tree of who blocks whom or as a sorted list, one of them in detail, and the
//! question before one is signalled. It must not know how the server is asked, nor the rest of the console.

mod keys;
mod rows;
mod view;

pub use keys::{Action, DETAIL_KEYS, InDetail, KEYS, REPLY_KEYS, Reply, TYPING_KEYS, Typing};
pub use rows::Sort;
pub use view::{height, view};

use crate::access::activity::{Ask, News};
use crate::console::event::{Id, TabId};
use crate::console::keys::find;
use crate::console::theme::Tone;
use crate::console::widgets::input::Input;
use crate::console::widgets::list::{Cursor, Move};
use crate::model::Diagnosis;
use crate::model::activity::{Backend, Detail, Signal, Snapshot};
use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Size;
use std::time::{Duration, SystemTime};

/// How often the server is looked at, at first.
pub const PACE: Duration = Duration::from_secs(2);
/// A look that comes so much later than it should makes what is shown old.
const LATE: Duration = Duration::from_secs(2);
/// From this age on minutes are told.
const MINUTES: Duration = Duration::from_secs(120);
/// Paces to choose from.
const PACES: [u64; 6] = [1, 2, 5, 10, 30, 60];

/// Whose server it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The tab it was opened from.
    pub tab: TabId,
    /// The target's name.
    pub name: String,
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
    /// Whether it is production.
    pub production: bool,
}

/// A session, named for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Process id.
    pub pid: i32,
    /// See [`Backend::began`].
    pub began: String,
}

/// Whether a session is to be signalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which.
    pub who: Who,
    /// How.
    pub signal: Signal,
    /// What would happen, and to whom.
    pub lines: Vec<String>,
}

/// A session looked at closely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which.
    pub who: Who,
    /// What is known of it; `None` until it was told.
    pub detail: Option<Detail>,
    /// It has ended; what was known last stays.
    pub ended: bool,
    /// The first line in sight.
    pub scroll: usize,
}

/// What is wanted of the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Back to the session.
    Back,
    /// Ask the one that looks.
    Ask(Ask),
    /// To the clipboard.
    Copy(String),
}

/// What a server is doing.
#[derive(Clone, Debug)]
pub struct Pane {
    /// The question that keeps looking.
    pub id: Id,
    /// Whose server.
    pub subject: Subject,
    /// Since when it is looked at.
    pub since: SystemTime,
    /// The latest moment, and when it came.
    pub latest: Option<(Snapshot, SystemTime)>,
    /// Why there is no later one, and after how long it is tried again.
    pub trouble: Option<(Diagnosis, Duration)>,
    /// How often it is looked.
    pub pace: Duration,
    /// It is looked at only when asked.
    pub paused: bool,
    /// In which order.
    pub sort: Sort,
    /// Only those that run a statement or keep a transaction open.
    pub active: bool,
    /// gatepost's own sessions too.
    pub own: bool,
    /// The server's own processes too.
    pub server: bool,
    /// Only those with this text.
    pub filter: Input,
    /// It is being typed.
    pub filtering: bool,
    /// Who is selected, wherever the row has moved to.
    pub selected: Option<Who>,
    /// Where that is.
    pub cursor: Cursor,
    /// Whether one is to be signalled.
    pub question: Option<Question>,
    /// One of them closely.
    pub detail: Option<Reading>,
    /// What was said last; until the next key.
    pub said: Option<(Tone, String)>,
}

impl Pane {
    /// Before the first look.
    pub fn new(id: Id, subject: Subject, now: SystemTime) -> Pane {
        Pane {
            id,
            subject,
            since: now,
            latest: None,
            trouble: None,
            pace: PACE,
            paused: false,
            sort: Sort::Tree,
            active: false,
            own: false,
            server: false,
            filter: Input::default(),
            filtering: false,
            selected: None,
            cursor: Cursor::default(),
            question: None,
            detail: None,
            said: None,
        }
    }

    /// Whether something moves: nothing but the wait for the first look.
    pub fn waits(&self) -> bool {
        self.latest.is_none() && self.trouble.is_none()
    }

    /// How old what is shown is, where it should be newer or is not looked at by itself; none while looks come in time.
    pub fn stale(&self, now: SystemTime) -> Option<Duration> {
        let (_, at) = self.latest.as_ref()?;
        let age = now.duration_since(*at).unwrap_or_default();
        (self.paused || self.trouble.is_some() || age >= self.pace + LATE).then_some(age)
    }

    /// When that changes by time alone.
    pub fn next_tick(&self, now: SystemTime) -> Option<SystemTime> {
        let (_, at) = self.latest.as_ref()?;
        Some(match self.stale(now) {
            None => *at + self.pace + LATE,
            // In seconds at first, then in minutes.
            Some(age) if age < MINUTES => now + Duration::from_secs(1),
            Some(age) => now + Duration::from_secs(60 - age.as_secs() % 60),
        })
    }

    /// The session that is selected.
    pub fn chosen(&self) -> Option<&Backend> {
        let (snapshot, _) = self.latest.as_ref()?;
        let who = self.selected.as_ref()?;
        snapshot.backends.iter().find(|backend| backend.pid == who.pid && backend.began == who.began)
    }

    /// Takes what is told. `height`: rows of the list.
    pub fn hear(&mut self, news: News, now: SystemTime, height: usize) {
        match news {
            News::Looked(snapshot) => {
                self.trouble = None;
                self.latest = Some((snapshot, now));
                self.settle(height);
            }
            News::Detail(pid, told) => {
                if let Some(reading) = self.detail.as_mut().filter(|reading| reading.who.pid == pid) {
                    match told {
                        Some(detail) => reading.detail = Some(*detail),
                        None => reading.ended = true,
                    }
                }
            }
            News::Signalled(_, Ok(words)) => self.said = Some((Tone::Good, words)),
            News::Signalled(_, Err(diagnosis)) => {
                let mut words = diagnosis.title;
                if let Some(advice) = diagnosis.advice.iter().find_map(|advice| advice.paste.as_deref()) {
                    words.push_str(&format!(" · {}", advice.trim_end_matches(';')));
                }
                self.said = Some((Tone::Bad, words));
            }
            News::Lost(diagnosis, again) => self.trouble = Some((diagnosis, again)),
        }
    }

    /// The cursor goes where the selected session is now; where it has ended, it stays where it was.
    fn settle(&mut self, height: usize) {
        let rows = self.rows();
        let Some((snapshot, _)) = &self.latest else { return };
        let place = self.selected.as_ref().and_then(|who| {
            rows.iter().position(|(at, _)| {
                let backend = &snapshot.backends[*at];
                backend.pid == who.pid && backend.began == who.began
            })
        });
        if let Some(place) = place {
            self.cursor.selected = place;
        }
        self.cursor.follow(rows.len(), height);
        self.select(&rows);
    }

    fn select(&mut self, rows: &[(usize, usize)]) {
        let chosen = rows.get(self.cursor.selected).and_then(|(at, _)| {
            let backend = self.latest.as_ref()?.0.backends.get(*at)?;
            Some(Who { pid: backend.pid, began: backend.began.clone() })
        });
        self.selected = chosen;
    }

    fn go(&mut self, how: Move, height: usize) {
        let rows = self.rows();
        self.cursor.go(how, rows.len(), height);
        self.select(&rows);
    }
}

/// Takes a key.
pub fn press(pane: &mut Pane, key: &KeyEvent, size: Size) -> Vec<Wanted> {
    let height = height(size);
    if let Some(question) = &pane.question {
        let (who, signal) = (question.who.clone(), question.signal);
        return match find(REPLY_KEYS, key) {
            Some(Reply::Yes) => {
                pane.question = None;
                pane.said = Some((Tone::Dim, format!("asking the server to {} session {} …", signal.verb(), who.pid)));
                let ask = Ask::Signal { pid: who.pid, began: who.began, signal };
                vec![Wanted::Ask(ask), Wanted::Ask(Ask::Look)]
            }
            Some(Reply::No) => {
                pane.question = None;
                pane.said = Some((Tone::Dim, "left alone".to_owned()));
                Vec::new()
            }
            None => Vec::new(),
        };
    }
    if pane.filtering {
        match find(TYPING_KEYS, key) {
            Some(Typing::Take) => pane.filtering = false,
            Some(Typing::Drop) => {
                pane.filtering = false;
                pane.filter = Input::default();
            }
            Some(Typing::Go(how)) => pane.go(how, height),
            None => {
                pane.filter.key(key);
            }
        }
        pane.settle(height);
        return Vec::new();
    }
    if pane.detail.is_some() {
        return match find(DETAIL_KEYS, key) {
            Some(action) => {
                let wanted = in_detail(pane, action);
                if let Some(reading) = &mut pane.detail {
                    reading.scroll = reading.scroll.min(view::furthest(reading, size));
                }
                wanted
            }
            None => Vec::new(),
        };
    }
    match find(KEYS, key) {
        Some(action) => act(pane, action, height),
        None => Vec::new(),
    }
}

/// Does what a key or a palette entry means.
pub fn act(pane: &mut Pane, action: Action, height: usize) -> Vec<Wanted> {
    pane.said = None;
    let mut wanted = Vec::new();
    match action {
        Action::Back if !pane.filter.is_empty() => pane.filter = Input::default(),
        Action::Back => wanted.push(Wanted::Back),
        Action::Go(how) => pane.go(how, height),
        Action::Detail => {
            if let Some(who) = pane.selected.clone() {
                wanted.push(Wanted::Ask(Ask::Detail { pid: who.pid, began: who.began.clone() }));
                pane.detail = Some(Reading { who, detail: None, ended: false, scroll: 0 });
            }
        }
        Action::Signal(signal) => ask(pane, signal),
        Action::Copy => {
            if let Some(backend) = pane.chosen().filter(|backend| !backend.query.is_empty()) {
                wanted.push(Wanted::Copy(backend.query.clone()));
            }
        }
        Action::Tree => pane.sort = if pane.sort == Sort::Tree { Sort::Transaction } else { Sort::Tree },
        Action::Sort => pane.sort = pane.sort.next(),
        Action::Active => pane.active = !pane.active,
        Action::Own => pane.own = !pane.own,
        Action::Server => pane.server = !pane.server,
        Action::Filter => pane.filtering = true,
        Action::Look => wanted.push(Wanted::Ask(Ask::Look)),
        Action::Pause => {
            pane.paused = !pane.paused;
            wanted.push(Wanted::Ask(Ask::Pace((!pane.paused).then_some(pane.pace))));
        }
        Action::Slower | Action::Faster => {
            let at = PACES.iter().position(|pace| *pace >= pane.pace.as_secs()).unwrap_or(0);
            let at = if action == Action::Slower { (at + 1).min(PACES.len() - 1) } else { at.saturating_sub(1) };
            (pane.pace, pane.paused) = (Duration::from_secs(PACES[at]), false);
            wanted.push(Wanted::Ask(Ask::Pace(Some(pane.pace))));
        }
    }
    pane.settle(height);
    wanted
}

fn in_detail(pane: &mut Pane, action: InDetail) -> Vec<Wanted> {
    pane.said = None;
    let Some(reading) = &mut pane.detail else { return Vec::new() };
    match action {
        InDetail::Back => pane.detail = None,
        InDetail::Go(Move::By(lines)) => reading.scroll = reading.scroll.saturating_add_signed(lines),
        InDetail::Go(Move::HalfPages(pages)) => reading.scroll = reading.scroll.saturating_add_signed(pages * 10),
        InDetail::Go(Move::First) => reading.scroll = 0,
        InDetail::Go(Move::Last) => reading.scroll = usize::MAX,
        InDetail::Look => {
            return vec![Wanted::Ask(Ask::Detail { pid: reading.who.pid, began: reading.who.began.clone() })];
        }
        InDetail::Copy => {
            return reading.detail.iter().map(|detail| Wanted::Copy(detail.query.clone())).collect();
        }
        InDetail::Signal(signal) => ask(pane, signal),
    }
    Vec::new()
}

/// Asks whether the session is to be signalled, naming it.
fn ask(pane: &mut Pane, signal: Signal) {
    let Some(backend) = pane.chosen() else {
        pane.said = Some((Tone::Dim, "no session is selected".to_owned()));
        return;
    };
    if backend.own {
        pane.said = Some((Tone::Dim, "this is the session that looks; leaving ends it".to_owned()));
        return;
    }
    if signal == Signal::Cancel && !backend.is_active() && !backend.hidden {
        pane.said = Some((Tone::Dim, format!("session {} runs no statement; T ends the session", backend.pid)));
        return;
    }
    let production = if pane.subject.production { " (PRODUCTION)" } else { "" };
    let what = match signal {
        Signal::Cancel => "Cancel the statement of",
        Signal::Terminate => "Terminate",
    };
    let who =
        if backend.user.is_empty() { backend.kind.clone() } else { format!("{}@{}", backend.user, backend.database) };
    let mut lines = vec![
        format!("{what} session {} on {}{production}?", backend.pid, pane.subject.name),
        format!(
            "{who} · {} · {}",
            backend.application,
            if backend.client.is_empty() { "local" } else { &backend.client }
        ),
    ];
    let waiting = pane.latest.as_ref().map_or(0, |(snapshot, _)| {
        snapshot.backends.iter().filter(|other| other.blocked_by.contains(&backend.pid)).count()
    });
    if waiting > 0 {
        lines.push(format!("{waiting} wait for it"));
    }
    if backend.transaction.is_some() && signal == Signal::Terminate {
        lines.push("its open transaction is rolled back".to_owned());
    }
    lines.push(backend.query.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned());
    let who = Who { pid: backend.pid, began: backend.began.clone() };
    pane.question = Some(Question { who, signal, lines });
}

/// The wheel and clicks.
pub fn mouse(pane: &mut Pane, mouse: &MouseEvent, height: usize) {
    let by = match mouse.kind {
        MouseEventKind::ScrollDown => 3,
        MouseEventKind::ScrollUp => -3,
        MouseEventKind::Down(MouseButton::Left) if pane.question.is_none() && pane.detail.is_none() => {
            let line = usize::from(mouse.row).saturating_sub(view::ABOVE + 1);
            if usize::from(mouse.row) > view::ABOVE && line < height {
                let rows = pane.rows();
                pane.cursor.selected = (pane.cursor.offset + line).min(rows.len().saturating_sub(1));
                pane.select(&rows);
            }
            return;
        }
        _ => return,
    };
    if pane.question.is_some() {
        return;
    }
    match &mut pane.detail {
        Some(reading) => reading.scroll = reading.scroll.saturating_add_signed(by),
        None => pane.go(Move::By(by), height),
    }
}
