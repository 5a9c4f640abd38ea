//! What is open: ports forwarded for other tools, and every live route. It must not know how they are held open.

use super::way::{self, Way};
use crate::access::{ForwardNews, LineReport};
use crate::console::event::{Answer, Asks, Command, Id, Load};
use crate::console::keys::Binding;
use crate::console::layout;
use crate::console::request::Request;
use crate::console::state::Desk;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::list::{Cursor, Move};
use crate::console::widgets::paint::{self, run};
use crate::console::widgets::{spinner, text};
use crate::model::{Diagnosis, Endpoint, RouteChoice, Secret, StepKind};
use ratatui::Frame;
use ratatui::layout::Rect;
use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

/// How often live routes are looked at while they are on screen.
const PACE: Duration = Duration::from_secs(1);

/// So many messages of a port are kept; the selected one shows them.
const NEWS: usize = 4;

/// A port forwarded, or on its way to be.
#[derive(Clone, Debug)]
pub struct Forwarding {
    /// The question that holds it open.
    pub id: Id,
    /// Where it leads.
    pub endpoint: Endpoint,
    /// The way there.
    pub way: Way,
    /// The port on 127.0.0.1, and since when.
    pub port: Option<(u16, SystemTime)>,
    /// What happened to its session, the latest last.
    pub news: VecDeque<ForwardNews>,
}

impl Forwarding {
    /// Why it ended, or what its session was lost to last.
    fn trouble(&self) -> Option<&Diagnosis> {
        let lost = || {
            self.news.iter().rev().find_map(|news| match news {
                ForwardNews::Trouble(diagnosis) => Some(diagnosis),
                ForwardNews::Mended(_) => None,
            })
        };
        self.way.failed.as_ref().map(|failed| &failed.diagnosis).or_else(lost)
    }
}

/// What is open.
#[derive(Clone, Debug, Default)]
pub struct Pane {
    /// Forwarded ports.
    pub forwards: Vec<Forwarding>,
    /// Live routes, as last told.
    pub reports: Vec<LineReport>,
    /// The question about them.
    pub asked: Load<()>,
    /// When they were last told.
    pub told: Option<SystemTime>,
    /// Which forwarded port is selected.
    pub cursor: Cursor,
}

/// What a key means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Copy the address.
    Copy,
    /// Close it.
    Close,
    /// Why it ended, or lost its session.
    Why,
    /// Move.
    Go(Move),
    /// Back to the fleet.
    Back,
}

/// The keys of this pane.
pub const KEYS: &[Binding<Action>] = &[
    Binding {
        keys: &["y"],
        action: Action::Copy,
        label: "copy address",
        help: "Copy 127.0.0.1:PORT of the selected port",
    },
    Binding {
        keys: &["x", "Delete"],
        action: Action::Close,
        label: "close",
        help: "Close the selected port and its session",
    },
    Binding {
        keys: &["Enter", "e"],
        action: Action::Why,
        label: "",
        help: "Why the selected one ended or lost its session, and what to try",
    },
    Binding { keys: &["Esc", "q", "L"], action: Action::Back, label: "fleet", help: "Back to the fleet" },
    Binding { keys: &["Down", "j"], action: Action::Go(Move::By(1)), label: "", help: "Next" },
    Binding { keys: &["Up", "k"], action: Action::Go(Move::By(-1)), label: "", help: "Previous" },
    Binding { keys: &["g", "Home"], action: Action::Go(Move::First), label: "", help: "First" },
    Binding { keys: &["G", "End"], action: Action::Go(Move::Last), label: "", help: "Last" },
];

impl Pane {
    /// Opens a port to `endpoint`.
    pub fn open(&mut self, endpoint: Endpoint, route: RouteChoice, now: SystemTime, asks: &mut Asks) {
        let id = asks.ask(Command::Forward(Box::new(endpoint.clone()), route));
        let way = Way::new(StepKind::Database, now);
        self.forwards.push(Forwarding { id, endpoint, way, port: None, news: VecDeque::new() });
        self.cursor.selected = self.forwards.len() - 1;
    }

    /// Asks how the live routes are doing, when it is time to. `shown`: whether they are on screen.
    pub fn tick(&mut self, shown: bool, now: SystemTime, asks: &mut Asks) {
        let due = self.told.is_none_or(|told| now.duration_since(told).unwrap_or(PACE) >= PACE);
        if shown && due && !self.asked.waits() {
            self.asked = Load::Asked(asks.ask(Command::Lines), now);
        }
    }

    /// Takes an answer; false when it is none of this pane's.
    pub fn answer(&mut self, id: Id, answer: &Answer, now: SystemTime) -> bool {
        if self.asked.waits_for(id) {
            if let Answer::Lines(reports) = answer {
                self.reports.clone_from(reports);
            }
            self.asked = Load::Idle;
            self.told = Some(now);
            return true;
        }
        let Some(forward) = self.forwards.iter_mut().find(|forward| forward.id == id) else { return false };
        match answer {
            Answer::Step(step) => forward.way.step(step, now),
            Answer::Forwarded(port) => forward.port = Some((*port, now)),
            Answer::ForwardNews(news) => {
                if forward.news.len() == NEWS {
                    forward.news.pop_front();
                }
                forward.news.push_back(news.clone());
            }
            Answer::Failed(diagnosis) => {
                forward.way.fail(diagnosis.clone(), now);
                forward.port = None;
            }
            _ => {}
        }
        true
    }

    /// What somebody who looks elsewhere is to be told of an answer.
    pub fn note(&self, id: Id, answer: &Answer) -> Option<String> {
        let forward = self.forwards.iter().find(|forward| forward.id == id)?;
        let owner = &forward.endpoint.owner;
        match answer {
            Answer::ForwardNews(ForwardNews::Trouble(diagnosis)) => {
                Some(format!("port to {owner}: {} · L shows more", diagnosis.title))
            }
            Answer::ForwardNews(ForwardNews::Mended(how)) => Some(format!("port to {owner}: {how}")),
            Answer::Failed(diagnosis) => {
                Some(format!("the port to {owner} is closed: {} · L shows more", diagnosis.title))
            }
            _ => None,
        }
    }

    /// Ports that are open or being opened.
    pub fn live(&self) -> usize {
        self.forwards.iter().filter(|forward| forward.way.walks()).count()
    }

    /// Whether something here moves.
    pub fn waits(&self) -> bool {
        self.forwards.iter().any(|forward| forward.port.is_none() && forward.way.walks())
    }
}

/// Does what a key means.
pub fn update(pane: &mut Pane, action: Action, desk: &mut Desk<'_>) -> Option<Request> {
    let selected = pane.cursor.selected;
    match action {
        Action::Back => return Some(Request::Back),
        Action::Go(how) => pane.cursor.go(how, pane.forwards.len(), usize::from(desk.size.height)),
        Action::Copy => {
            let (port, _) = pane.forwards.get(selected)?.port?;
            let address = format!("127.0.0.1:{port}");
            desk.asks.ask(Command::Copy(Secret::new(address.clone())));
            return Some(Request::Tell(format!("copied {address}")));
        }
        Action::Close => {
            if selected < pane.forwards.len() {
                let forward = pane.forwards.remove(selected);
                desk.asks.ask(Command::Stop(forward.id));
                pane.cursor.follow(pane.forwards.len(), usize::from(desk.size.height));
                return Some(Request::Tell(format!("closed the port to {}", forward.endpoint.owner)));
            }
        }
        Action::Why => {
            return Some(Request::Diagnose(pane.forwards.get(selected)?.trouble()?.clone()));
        }
    }
    None
}

/// Draws all below the header.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, body: Rect, theme: Theme, now: SystemTime) {
    let mut y = body.y;
    let row = |y: &mut u16| {
        *y += 1;
        layout::below(body, *y - 1, 1)
    };
    paint::rule(frame, row(&mut y), theme);
    paint::runs(frame, row(&mut y), &[run("   FORWARDED PORTS", Tone::Dim)], theme, None);
    if pane.forwards.is_empty() {
        paint::runs(
            frame,
            row(&mut y),
            &[run("   none; t on a database of the fleet opens one", Tone::Dim)],
            theme,
            None,
        );
    }
    for (at, forward) in pane.forwards.iter().enumerate() {
        let chosen = at == pane.cursor.selected;
        let under = chosen.then(|| theme.style(Tone::Selected));
        let bar = if chosen { run("▌ ", Tone::Accent) } else { run("  ", Tone::Text) };
        let (mark, tone, local) = match (&forward.way.failed, forward.port) {
            (Some(_), _) => ("✗", Tone::Bad, "ended · e why".to_owned()),
            (None, Some((port, _))) => ("✓", Tone::Good, format!("127.0.0.1:{port}")),
            (None, None) => {
                let elapsed = now.duration_since(forward.way.since).unwrap_or_default();
                (
                    spinner::frame(elapsed),
                    Tone::Accent,
                    format!("opening {}.{} s", elapsed.as_secs(), elapsed.subsec_millis() / 100),
                )
            }
        };
        let to =
            text::truncate_middle(&forward.endpoint.address(), usize::from(body.width).saturating_sub(40)).into_owned();
        let line = [
            bar,
            run(format!("{mark} "), tone),
            run(format!("{local:<18}"), Tone::Strong),
            run("→ ", Tone::Dim),
            run(to, Tone::Text),
        ];
        paint::runs(frame, row(&mut y), &line, theme, under);
        if chosen && forward.port.is_none() {
            let area = layout::below(body, y, body.height);
            way::view(&forward.way, frame, area, theme, now);
            if forward.way.failed.is_some() {
                return;
            }
            y += forward.way.height();
        }
        if chosen && let Some((port, _)) = forward.port {
            let host = &forward.endpoint.host;
            let words = match forward.endpoint.engine.is_postgres() {
                true => format!("psql \"host={host} hostaddr=127.0.0.1 port={port} sslmode=verify-full …\""),
                false => format!("log in to 127.0.0.1:{port}; its certificate is for {host}"),
            };
            paint::runs(frame, row(&mut y), &[run(format!("      {words}"), Tone::Dim)], theme, None);
        }
        // What the last word is; the selected one tells all it has.
        let first = if chosen { 0 } else { forward.news.len().saturating_sub(1) };
        for news in forward.news.iter().skip(first) {
            paint::runs(frame, row(&mut y), &told(news), theme, None);
        }
    }
    row(&mut y);
    paint::runs(frame, row(&mut y), &[run("   LIVE ROUTES", Tone::Dim)], theme, None);
    if pane.reports.is_empty() {
        paint::runs(frame, row(&mut y), &[run("   none", Tone::Dim)], theme, None);
    }
    for report in &pane.reports {
        let health = if report.health.is_empty() { "up" } else { &report.health };
        let trip = report.round_trip.map(|trip| format!(" · {}", text::took(trip))).unwrap_or_default();
        let resumes = if report.resumes > 0 {
            format!(" · {}", counted(report.resumes as usize, "resume"))
        } else {
            String::new()
        };
        let counts = format!(
            "{} · {} · ↓ {} ↑ {}{trip}{resumes}",
            health,
            counted(report.streams, "stream"),
            text::bytes(report.received),
            text::bytes(report.sent)
        );
        let room = usize::from(body.width).saturating_sub(text::width(&report.route) + 6);
        let address = text::truncate_middle(&report.address, room).into_owned();
        let about = [run("   ", Tone::Text), run(address, Tone::Text), run(format!("  {}", report.route), Tone::Dim)];
        paint::runs(frame, row(&mut y), &about, theme, None);
        paint::runs(frame, row(&mut y), &[run(format!("      {counts}"), Tone::Dim)], theme, None);
    }
}

/// One message of a port.
fn told(news: &ForwardNews) -> [paint::Run; 2] {
    match news {
        ForwardNews::Trouble(diagnosis) => {
            let lost = diagnosis.because.last().map(|because| format!(": {because}")).unwrap_or_default();
            [run("      ! ", Tone::Warn), run(format!("{}{lost} · e why", diagnosis.title), Tone::Text)]
        }
        ForwardNews::Mended(how) => [run("      ✓ ", Tone::Good), run(how.clone(), Tone::Text)],
    }
}

/// `1 stream`, `2 streams`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
