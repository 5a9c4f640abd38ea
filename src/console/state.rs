//! The state of the console: every pane a named field, and where one is. Plans and answers only, never a live thing, so
//! that it can be cloned, printed and compared. It must not know how it is drawn.

use super::event::{Asks, TabId};
use super::keys::{self, Binding};
use super::names::Shelf;
use super::panes::{
    activity, connect, consent, diagnosis, doctor, document, enable_iam, fleet, help, lines, listen, menu, palette,
    picker, prompt,
};
use super::query;
use super::theme::Theme;
use super::widgets::spinner;
use crate::access::Wish;
use crate::model::{IamPlan, Settings, Wanted};
use ratatui::layout::Size;
use std::time::{Duration, SystemTime};

/// Where one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The fleet.
    #[default]
    Fleet,
    /// The form, or the way.
    Connect,
    /// A query tab.
    Query,
    /// Forwarded ports and live routes.
    Lines,
    /// What a server is doing.
    Activity,
    /// Every link of the way to a database.
    Doctor,
}

/// What lies over it.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// The keys.
    Help(help::Pane),
    /// The command palette.
    Palette(palette::Pane),
    /// What can be copied.
    Menu(menu::Pane),
    /// Regions or profiles.
    Picker(picker::Pane),
    /// The form for a listener.
    Listen(Box<listen::Pane>),
    /// Whether clients of a listener may write to production.
    Consent(Box<consent::Pane>),
    /// Whether IAM authentication is to be switched on.
    EnableIam(Box<enable_iam::Pane>),
    /// A user's name is asked for.
    Prompt(prompt::Pane),
    /// Text to read.
    Document(document::Pane),
    /// A failure.
    Diagnosis(diagnosis::Pane),
    /// Whether to leave, though something would be lost.
    Leave(Vec<String>),
}

/// What a key means everywhere but where one types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    /// The keys of where one is.
    Help,
    /// The command palette.
    Palette,
    /// The query tab before.
    PreviousTab,
    /// The query tab after.
    NextTab,
    /// Another session at the target of the tab shown last.
    NewTab,
    /// The query tab of a number.
    NumberedTab,
    /// Stop what runs; twice: leave.
    Interrupt,
    /// What the server of a session is doing.
    Activity,
    /// Back to the shell, until `fg`.
    Suspend,
    /// Draw everything anew.
    Redraw,
}

/// The keys that work everywhere but where one types.
pub const GLOBAL_KEYS: &[Binding<Global>] = &[
    Binding { keys: &[":"], action: Global::Palette, label: "command", help: "Every command by name, with completion" },
    Binding { keys: &["?", "F1"], action: Global::Help, label: "help", help: "The keys of where you are" },
    Binding { keys: &["F3"], action: Global::PreviousTab, label: "", help: "The session before" },
    Binding { keys: &["F4"], action: Global::NextTab, label: "", help: "The session after" },
    Binding { keys: &["C-t"], action: Global::NewTab, label: "", help: "Another session at the same target" },
    Binding {
        keys: &["M-1", "M-2", "M-3", "M-4", "M-5", "M-6", "M-7", "M-8", "M-9"],
        action: Global::NumberedTab,
        label: "",
        help: "The session of that number",
    },
    Binding {
        keys: &["F10", "M-s"],
        action: Global::Activity,
        label: "",
        help: "What the session's server is doing: sessions, waits, who blocks whom; back",
    },
    Binding { keys: &["C-c"], action: Global::Interrupt, label: "", help: "Stop what runs; twice leaves gatepost" },
    Binding { keys: &["C-z"], action: Global::Suspend, label: "", help: "Back to the shell; fg returns" },
    Binding { keys: &["C-l", "F12"], action: Global::Redraw, label: "", help: "Draw the screen anew" },
];

/// An action of any pane, for the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Of everywhere.
    Global(Global),
    /// Of the fleet.
    Fleet(fleet::Action),
    /// Of the form.
    Connect(connect::Action),
    /// Of the lines.
    Lines(lines::Action),
    /// Of the activity.
    Activity(activity::Action),
    /// Of the doctor.
    Doctor(doctor::Action),
}

/// What a pane's update may see and use.
pub struct Desk<'a> {
    /// The time.
    pub now: SystemTime,
    /// The screen.
    pub size: Size,
    /// The settings.
    pub settings: &'a Settings,
    /// To have something done.
    pub asks: &'a mut Asks,
}

/// A query tab.
#[derive(Clone, Debug)]
pub struct Tab {
    /// Its name.
    pub id: TabId,
    /// The pane.
    pub pane: query::Pane,
    /// The target's name.
    pub name: String,
    /// Whether it is production.
    pub production: bool,
    /// What was wished for.
    pub wish: Wish,
}

/// A way walked to the end.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The form with its way.
    pub pane: connect::Pane,
    /// How long it took.
    pub took: Duration,
    /// Until when it is shown.
    pub until: SystemTime,
}

/// A word in the last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub text: String,
    /// Until when.
    pub until: SystemTime,
}

/// Everything.
#[derive(Clone, Debug)]
pub struct State {
    /// The settings.
    pub settings: Settings,
    /// The time of this round.
    pub now: SystemTime,
    /// The screen.
    pub size: Size,
    /// Where one is.
    pub focus: Focus,
    /// What lies over it.
    pub overlay: Option<Overlay>,
    /// The form that a help lies over.
    pub beneath: Option<Box<Overlay>>,
    /// Screen 1.
    pub fleet: fleet::Pane,
    /// Screen 2, once something was chosen.
    pub connect: Option<connect::Pane>,
    /// The way just walked to the end: it stays on screen for a moment, or until a key, though the session stands.
    pub arrival: Option<Arrival>,
    /// Screen 4.
    pub lines: lines::Pane,
    /// The doctor, while it is asked.
    pub doctor: Option<doctor::Pane>,
    /// What a server is doing, while that is looked at.
    pub activity: Option<activity::Pane>,
    /// Screen 3, once for each session.
    pub tabs: Vec<Tab>,
    /// Which of them is shown.
    pub tab: usize,
    /// A word in the last row.
    pub notice: Option<Notice>,
    /// A policy or token asked for, and what for.
    pub wanted: Option<(super::event::Id, prompt::Pane)>,
    /// Files being written for a client, and what is copied once they are there.
    pub handing: Option<(super::event::Id, String)>,
    /// Changes at AWS that are under way.
    pub changes: Vec<(super::event::Id, IamPlan)>,
    /// A target to connect to as soon as it is on the list.
    pub target: Option<Wanted>,
    /// When Ctrl-C was pressed with nothing to stop.
    pub interrupted: Option<SystemTime>,
    /// Whether the end has come.
    pub quitting: bool,
    /// Names of databases, for completion.
    pub names: Shelf,
    /// Hands out ids and collects commands.
    pub asks: Asks,
}

impl State {
    /// Before anything was asked.
    pub fn new(settings: Settings, size: Size, now: SystemTime) -> State {
        State {
            now,
            size,
            focus: Focus::Fleet,
            overlay: None,
            beneath: None,
            fleet: fleet::Pane::default(),
            connect: None,
            arrival: None,
            lines: lines::Pane::new(&settings.listeners),
            doctor: None,
            activity: None,
            tabs: Vec::new(),
            tab: 0,
            notice: None,
            wanted: None,
            handing: None,
            changes: Vec::new(),
            target: None,
            interrupted: None,
            quitting: false,
            names: Shelf::default(),
            asks: Asks::default(),
            settings,
        }
    }

    /// Tones to styles.
    pub fn theme(&self) -> Theme {
        Theme { color: self.settings.color }
    }

    /// The query tab that is shown.
    pub fn shown_tab(&self) -> Option<&Tab> {
        self.tabs.get(self.tab).filter(|_| self.focus == Focus::Query)
    }

    /// Whether plain characters are typed into something now, so that `?` and `:` are no keys.
    pub fn types(&self) -> bool {
        match (&self.overlay, self.focus) {
            (
                Some(
                    Overlay::Palette(_)
                    | Overlay::Picker(_)
                    | Overlay::Prompt(_)
                    | Overlay::Listen(_)
                    | Overlay::Consent(_)
                    | Overlay::EnableIam(_),
                ),
                _,
            ) => true,
            (Some(_), _) => false,
            (None, Focus::Fleet) => self.fleet.filtering,
            (None, Focus::Query) => true,
            (None, Focus::Connect) => self.connect.as_ref().is_some_and(|pane| {
                pane.attempt.is_none()
                    && !matches!(
                        pane.field,
                        connect::Field::Endpoint
                            | connect::Field::Route
                            | connect::Field::Login
                            | connect::Field::Access
                    )
            }),
            (None, Focus::Lines | Focus::Doctor) => false,
            (None, Focus::Activity) => self.activity.as_ref().is_some_and(|pane| pane.filtering),
        }
    }

    /// When something on screen changes by time alone; `None` while nothing does.
    pub fn next_tick(&self) -> Option<SystemTime> {
        let spins = match self.focus {
            Focus::Fleet => self.fleet.waits(),
            Focus::Connect => self.connect.as_ref().is_some_and(connect::Pane::waits),
            Focus::Lines => self.lines.waits(),
            Focus::Activity => self.activity.as_ref().is_some_and(activity::Pane::waits),
            Focus::Doctor => self.doctor.as_ref().is_some_and(doctor::Pane::looks),
            Focus::Query => false,
        } || self.wanted.is_some();
        let mut next = spins.then(|| self.now + spinner::PACE);
        let mut soonest = |time: Option<SystemTime>| {
            next = match (next, time) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        };
        soonest(self.arrival.as_ref().map(|arrival| arrival.until));
        soonest(self.notice.as_ref().map(|notice| notice.until));
        match self.focus {
            Focus::Fleet => soonest(self.fleet.listed_at().map(|at| {
                // The age is shown in seconds, later in minutes.
                let age = self.now.duration_since(at).unwrap_or_default();
                self.now + Duration::from_secs(if age.as_secs() < 60 { 1 } else { 60 - age.as_secs() % 60 })
            })),
            Focus::Query => soonest(self.shown_tab().and_then(|tab| tab.pane.next_tick())),
            Focus::Lines => soonest(Some(self.now + Duration::from_secs(1))),
            Focus::Activity => soonest(self.activity.as_ref().and_then(|pane| pane.next_tick(self.now))),
            Focus::Connect | Focus::Doctor => {}
        }
        next
    }

    /// Every action of where one is, for the palette.
    pub fn actions(&self) -> Vec<(keys::Hint, Action)> {
        let mut actions: Vec<(keys::Hint, Action)> = Vec::new();
        match self.focus {
            Focus::Fleet => actions.extend(pair(fleet::KEYS, Action::Fleet)),
            Focus::Connect => actions.extend(pair(connect::KEYS, Action::Connect)),
            Focus::Lines => actions.extend(pair(lines::KEYS, Action::Lines)),
            Focus::Activity => actions.extend(pair(activity::KEYS, Action::Activity)),
            Focus::Doctor => actions.extend(pair(doctor::KEYS, Action::Doctor)),
            Focus::Query => {}
        }
        actions.extend(pair(GLOBAL_KEYS, Action::Global));
        actions
    }
}

fn pair<A: Copy>(
    table: &'static [Binding<A>],
    wrap: impl Fn(A) -> Action + 'static,
) -> impl Iterator<Item = (keys::Hint, Action)> {
    keys::hints(table).zip(table).map(move |(hint, row)| (hint, wrap(row.action)))
}
