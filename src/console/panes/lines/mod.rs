//! What is open: ports forwarded for other tools, listeners that log clients in, those of the settings that could be opened,
//! and every live route. It must not know how they are held open.

mod keys;
mod view;

pub use keys::{Action, KEYS};
pub use view::view;

use super::way::{self, Way};
use crate::access::handoff::Lead;
use crate::access::{ForwardNews, ForwardReport, LineReport, ListenerReport};
use crate::console::event::{Answer, Asks, Command, Id, Load};
use crate::console::request::Request;
use crate::console::state::Desk;
use crate::console::widgets::list::Cursor;
use crate::model::{Auth, Diagnosis, Endpoint, Kind, ListenerSettings, RouteChoice, StepKind};
use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

/// How often live routes are looked at while they are on screen.
const PACE: Duration = Duration::from_secs(1);

/// Why a key has nothing to be about.
const NOTHING: &str = "nothing is open: n listens, t in the fleet forwards a port";

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

/// A listener that is open, or on its way to be.
#[derive(Clone, Debug)]
pub struct Listening {
    /// The question that holds it open.
    pub id: Id,
    /// What was asked for.
    pub plan: ListenerSettings,
    /// The way there.
    pub way: Way,
    /// What clients are handed, and since when.
    pub lead: Option<(Lead, SystemTime)>,
    /// Why the last client was turned away.
    pub trouble: Option<Diagnosis>,
}

impl Listening {
    /// The users it logs in as.
    fn who(&self) -> String {
        match (&self.lead, self.plan.users.len()) {
            (Some((lead, _)), 0 | 1) => lead.user.clone(),
            (None, 0) => "…".to_owned(),
            _ => self.plan.users.join(", "),
        }
    }

    /// As reports name it.
    fn address(&self) -> Option<String> {
        let (lead, _) = self.lead.as_ref()?;
        Some(match lead.host.starts_with('/') {
            true => format!("{}/.s.PGSQL.{}", lead.host, lead.port),
            false => format!("{}:{}", lead.host, lead.port),
        })
    }

    /// Why it ended, or why the last client was turned away; `report`: what it has done.
    fn why(&self, report: Option<&ListenerReport>) -> Option<Diagnosis> {
        if let Some(failed) = &self.way.failed {
            return Some(failed.diagnosis.clone());
        }
        let last = report.and_then(|report| report.last_error.as_ref().map(|error| (error, report)));
        let trouble = self.trouble.as_ref();
        match last {
            // What the database said is known better; what a client was told by the listener itself only in words.
            Some((error, report)) if !trouble.is_some_and(|trouble| error.contains(&trouble.title)) => {
                Some(turned_away(error, report))
            }
            _ => trouble.cloned(),
        }
    }
}

/// A client that the listener turned away by itself.
fn turned_away(error: &str, report: &ListenerReport) -> Diagnosis {
    let clients = if report.refused == 1 { "client was" } else { "clients were" };
    let mut because = format!("{} {clients} turned away since it was opened", report.refused);
    if let Some((_, logins @ 1..)) = report.since_error {
        because.push_str(&format!("; {logins} came in after the last of them"));
    }
    let diagnosis = Diagnosis::new(Kind::LoginRefused, error).because(because);
    match error.contains("password") {
        true => diagnosis.advise(
            "y hands over what a client needs: it logs in to the listener with the password of the listener's own run, \
             never with the database's",
        ),
        false => diagnosis,
    }
}

/// A row of the table.
pub(super) enum Row<'a> {
    /// A forwarded port.
    Forward(&'a Forwarding),
    /// A listener.
    Listener(&'a Listening),
    /// One of the settings that is not open.
    Kept(&'a ListenerSettings),
}

/// What is open.
#[derive(Clone, Debug, Default)]
pub struct Pane {
    /// Forwarded ports.
    pub forwards: Vec<Forwarding>,
    /// Listeners.
    pub listeners: Vec<Listening>,
    /// Those of the settings.
    pub kept: Vec<ListenerSettings>,
    /// Live routes, as last told.
    pub reports: Vec<LineReport>,
    /// What listeners have done, as last told.
    pub listening: Vec<ListenerReport>,
    /// What has gone through forwarded ports, as last told.
    pub forwarding: Vec<ForwardReport>,
    /// The question about them.
    pub asked: Load<()>,
    /// When they were last told.
    pub told: Option<SystemTime>,
    /// Which row is selected.
    pub cursor: Cursor,
    /// What was asked to be closed though somebody is on it: the same key once more does it.
    pub closing: Option<Id>,
}

impl Pane {
    /// With the listeners of the settings.
    pub fn new(kept: &[ListenerSettings]) -> Pane {
        Pane { kept: kept.to_vec(), ..Pane::default() }
    }

    /// Opens a port to `endpoint`.
    pub fn open(&mut self, endpoint: Endpoint, route: RouteChoice, now: SystemTime, asks: &mut Asks) {
        let id = asks.ask(Command::Forward(Box::new(endpoint.clone()), route));
        let way = Way::new(StepKind::Database, now);
        self.forwards.push(Forwarding { id, endpoint, way, port: None, news: VecDeque::new() });
        self.cursor.selected = self.forwards.len() - 1;
    }

    /// Opens a listener. Its endpoint is looked for by its target where it is not given; the way to log in is not kept here.
    pub fn listen(
        &mut self,
        plan: ListenerSettings,
        (endpoint, auth): (Option<Box<Endpoint>>, Auth),
        now: SystemTime,
        asks: &mut Asks,
    ) {
        let id = asks.ask(Command::Listen(Box::new(plan.clone()), endpoint, auth));
        let way = Way::new(StepKind::Database, now);
        self.listeners.push(Listening { id, plan, way, lead: None, trouble: None });
        self.cursor.selected = self.forwards.len() + self.listeners.len() - 1;
    }

    /// The plan of a listener that was not opened, which is no row any more.
    pub fn take_back(&mut self, id: Id) -> Option<ListenerSettings> {
        let at = self.listeners.iter().position(|listener| listener.id == id)?;
        Some(self.listeners.remove(at).plan)
    }

    /// Whether a key means something for the row that is selected.
    pub fn answers(&self, action: Action) -> bool {
        let rows = self.rows();
        let Some(row) = rows.get(self.cursor.selected) else {
            return !matches!(action, Action::Copy | Action::Open | Action::Close);
        };
        match (action, row) {
            (Action::Copy, Row::Forward(forward)) => forward.port.is_some(),
            (Action::Copy, Row::Listener(listener)) => listener.lead.is_some(),
            (Action::Copy | Action::Close, Row::Kept(_)) => false,
            (Action::Open, Row::Forward(forward)) => forward.trouble().is_some(),
            (Action::Open, Row::Listener(listener)) => listener.why(view::report_of(self, listener)).is_some(),
            _ => true,
        }
    }

    /// Who is cut off when that row's listener is closed: which, its name, how many.
    fn occupied(&self, row: usize) -> Option<(Id, String, usize)> {
        let Row::Listener(listener) = self.rows().into_iter().nth(row)? else { return None };
        let streams = view::report_of(self, listener)?.streams;
        (streams > 0).then(|| (listener.id, listener.plan.name.clone(), streams))
    }

    /// All rows of the table, in order.
    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let is_open = |kept: &ListenerSettings| self.listeners.iter().any(|open| open.plan == *kept);
        let forwards = self.forwards.iter().map(Row::Forward);
        let listeners = self.listeners.iter().map(Row::Listener);
        forwards.chain(listeners).chain(self.kept.iter().filter(|kept| !is_open(kept)).map(Row::Kept)).collect()
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
            if let Answer::Lines(reports, listening, forwarding) = answer {
                self.reports.clone_from(reports);
                self.forwarding.clone_from(forwarding);
                self.listening.clone_from(listening);
            }
            self.asked = Load::Idle;
            self.told = Some(now);
            return true;
        }
        if let Some(listener) = self.listeners.iter_mut().find(|listener| listener.id == id) {
            match answer {
                Answer::Step(step) => listener.way.step(step, now),
                Answer::Listening(lead) => listener.lead = Some(((**lead).clone(), now)),
                Answer::TurnedAway(diagnosis) => listener.trouble = Some(diagnosis.clone()),
                Answer::Failed(diagnosis) => {
                    listener.way.fail(diagnosis.clone(), now);
                    listener.lead = None;
                }
                _ => {}
            }
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
        if let Some(listener) = self.listeners.iter().find(|listener| listener.id == id) {
            let name = &listener.plan.name;
            return match answer {
                Answer::Listening(_) => {
                    Some(format!("listening for {name} on {} · y hands it over", listener.address()?))
                }
                Answer::TurnedAway(diagnosis) => Some(format!("listener {name}: {} · L shows more", diagnosis.title)),
                Answer::Failed(diagnosis) => {
                    Some(format!("the listener {name} is closed: {} · L shows more", diagnosis.title))
                }
                _ => None,
            };
        }
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

    /// Ports and listeners that are open or being opened.
    pub fn live(&self) -> usize {
        let forwards = self.forwards.iter().filter(|forward| forward.way.walks()).count();
        forwards + self.listeners.iter().filter(|listener| listener.way.walks()).count()
    }

    /// Whether something here moves.
    pub fn waits(&self) -> bool {
        self.forwards.iter().any(|forward| forward.port.is_none() && forward.way.walks())
            || self.listeners.iter().any(|listener| listener.lead.is_none() && listener.way.walks())
    }
}

/// Does what a key means.
pub fn update(pane: &mut Pane, action: Action, desk: &mut Desk<'_>) -> Option<Request> {
    let selected = pane.cursor.selected;
    let height = usize::from(desk.size.height);
    let sure = pane.closing.take();
    match action {
        Action::Back => return Some(Request::Back),
        Action::New => return Some(Request::Listen(None)),
        Action::Go(how) => {
            let len = pane.rows().len();
            pane.cursor.go(how, len, height);
        }
        Action::Copy => {
            return match pane.rows().get(selected) {
                None => Some(Request::Tell(NOTHING.to_owned())),
                Some(row) => match row {
                    Row::Forward(Forwarding { port: None, .. }) | Row::Listener(Listening { lead: None, .. }) => {
                        Some(Request::Tell("it is not open: there is nothing to hand over".to_owned()))
                    }
                    Row::Forward(forward) => {
                        let (port, _) = forward.port?;
                        Some(Request::CopyPort(Box::new(forward.endpoint.clone()), port))
                    }
                    Row::Listener(listener) => Some(Request::CopyLead(Box::new(listener.lead.clone()?.0))),
                    Row::Kept(_) => Some(Request::Tell("not open yet: Enter opens it".to_owned())),
                },
            };
        }
        Action::Close => {
            if let Some((id, name, clients)) = pane.occupied(selected).filter(|(id, ..)| sure != Some(*id)) {
                pane.closing = Some(id);
                let are = if clients == 1 { "a client is".to_owned() } else { format!("{clients} clients are") };
                return Some(Request::Tell(format!("{are} on {name}: x once more closes it, and cuts them off")));
            }
            let forwards = pane.forwards.len();
            let (id, words) = if selected < forwards {
                let forward = pane.forwards.remove(selected);
                (forward.id, format!("closed the port to {}", forward.endpoint.owner))
            } else if selected - forwards < pane.listeners.len() {
                let listener = pane.listeners.remove(selected - forwards);
                (listener.id, format!("closed the listener {}", listener.plan.name))
            } else {
                let words = if pane.rows().is_empty() { NOTHING } else { "it is not open: Enter opens it" };
                return Some(Request::Tell(words.to_owned()));
            };
            desk.asks.ask(Command::Stop(id));
            let len = pane.rows().len();
            pane.cursor.follow(len, height);
            return Some(Request::Tell(words));
        }
        Action::Open => {
            let fine = || Request::Tell("nothing went wrong with it".to_owned());
            let plan = match pane.rows().get(selected) {
                None => return Some(Request::Tell(NOTHING.to_owned())),
                Some(Row::Forward(forward)) => {
                    return Some(forward.trouble().cloned().map_or_else(fine, Request::Diagnose));
                }
                Some(Row::Listener(listener)) => {
                    let why = listener.why(view::report_of(pane, listener));
                    return Some(why.map_or_else(fine, Request::Diagnose));
                }
                Some(Row::Kept(listener)) => (*listener).clone(),
            };
            let auth = plan.auth.clone().unwrap_or(Auth::Iam);
            pane.listen(plan, (None, auth), desk.now, desk.asks);
        }
    }
    None
}
