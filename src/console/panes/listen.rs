//! The form for a listener: which database, as whom, by which way, on which port, reading only or not. It must not know how
//! it is opened.

use crate::console::event::{Answer, Asks, Command, Id, Load};
use crate::console::keys::{Binding, matches};
use crate::console::layout;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::input::Input;
use crate::console::widgets::paint::{self, run};
use crate::console::widgets::text;
use crate::model::{Endpoint, ListenerSettings, Ranked, RouteChoice, Settings};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::time::SystemTime;

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The database's name, where none was selected.
    Target,
    /// The user.
    User,
    /// The database clients are told to name.
    Database,
    /// The way there.
    Route,
    /// The port.
    Port,
    /// Reading only, or not.
    Access,
}

/// The form.
#[derive(Clone, Debug)]
pub struct Pane {
    /// What was selected; `None`: its name is typed.
    pub endpoint: Option<Box<Endpoint>>,
    /// The name of what is reached.
    pub target: Input,
    /// User.
    pub user: Input,
    /// Database.
    pub database: Input,
    /// Way.
    pub route: RouteChoice,
    /// Port; empty is any that is free.
    pub port: Input,
    /// Sessions begin read-only.
    pub read_only: bool,
    /// Where one stands.
    pub field: Field,
    /// What is wrong with what was typed.
    pub wrong: Option<String>,
    recalled: Option<Id>,
    bastions: Load<Vec<Ranked>>,
}

/// What a key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more.
    Stay,
    /// The form goes.
    Close,
    /// It is to be opened: the listener, and its endpoint where it is known.
    Open(Box<ListenerSettings>, Option<Box<Endpoint>>),
}

/// What a key means here; all others are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open it.
    Open,
    /// Away with it.
    Close,
    /// The next field.
    Next,
    /// The one before.
    Previous,
    /// Another value.
    Change(isize),
}

/// The keys of the form.
pub const KEYS: &[Binding<Action>] = &[
    Binding { keys: &["Enter"], action: Action::Open, label: "open", help: "Open the listener" },
    Binding { keys: &["Tab", "Down"], action: Action::Next, label: "next", help: "The next field" },
    Binding { keys: &["BackTab", "Up"], action: Action::Previous, label: "", help: "The field before" },
    Binding {
        keys: &["Right", "Space"],
        action: Action::Change(1),
        label: "change",
        help: "The next way there; read-only or not",
    },
    Binding { keys: &["Left"], action: Action::Change(-1), label: "", help: "The way before" },
    Binding { keys: &["Esc"], action: Action::Close, label: "back", help: "Back, and nothing is opened" },
];

impl Pane {
    /// For what was selected, or for a name yet to be typed.
    pub fn new(endpoint: Option<Box<Endpoint>>, settings: &Settings, now: SystemTime, asks: &mut Asks) -> Pane {
        let recalled = endpoint.clone().map(|endpoint| asks.ask(Command::Recall(endpoint)));
        let bastions = match endpoint.clone() {
            Some(endpoint) => Load::Asked(asks.ask(Command::Bastions(endpoint)), now),
            None => Load::Idle,
        };
        let field = if endpoint.is_some() { Field::User } else { Field::Target };
        Pane {
            target: Input::new(endpoint.as_ref().map(|endpoint| endpoint.owner.clone()).unwrap_or_default()),
            endpoint,
            user: Input::new(settings.user.clone().unwrap_or_default()),
            database: Input::new(String::new()),
            route: RouteChoice::Auto,
            port: Input::new(String::new()),
            read_only: settings.read_only,
            field,
            wrong: None,
            recalled,
            bastions,
        }
    }

    fn fields(&self) -> Vec<Field> {
        let all = [Field::Target, Field::User, Field::Database, Field::Route, Field::Port, Field::Access];
        all.into_iter().filter(|field| *field != Field::Target || self.endpoint.is_none()).collect()
    }

    /// The line of the field one stands in, if it is one to type in.
    pub fn line(&mut self) -> Option<&mut Input> {
        match self.field {
            Field::Target => Some(&mut self.target),
            Field::User => Some(&mut self.user),
            Field::Database => Some(&mut self.database),
            Field::Port => Some(&mut self.port),
            Field::Route | Field::Access => None,
        }
    }

    /// Takes a key.
    pub fn press(&mut self, key: &KeyEvent) -> Outcome {
        let typed = self.line().is_some();
        let row = KEYS.iter().find(|row| row.keys.iter().any(|name| matches(name, key)));
        match row.map(|row| row.action) {
            Some(Action::Open) => return self.open(),
            Some(Action::Close) => return Outcome::Close,
            Some(Action::Next) => self.go(1),
            Some(Action::Previous) => self.go(-1),
            Some(Action::Change(by)) if !typed => self.change(by),
            _ => {
                self.wrong = None;
                if let Some(line) = self.line() {
                    line.key(key);
                }
            }
        }
        Outcome::Stay
    }

    fn go(&mut self, by: isize) {
        let fields = self.fields();
        let here = fields.iter().position(|field| *field == self.field).unwrap_or(0);
        self.field = fields[(here as isize + by).rem_euclid(fields.len() as isize) as usize];
    }

    fn change(&mut self, by: isize) {
        if self.field == Field::Access {
            self.read_only = !self.read_only;
            return;
        }
        let bastions = self.bastions.ready().into_iter().flatten().filter(|ranked| ranked.usable);
        let mut routes = vec![RouteChoice::Auto, RouteChoice::Direct];
        routes.extend(bastions.map(|ranked| RouteChoice::Via(ranked.bastion.id.clone())));
        let here = routes.iter().position(|route| *route == self.route).unwrap_or(0);
        self.route = routes[(here as isize + by).rem_euclid(routes.len() as isize) as usize].clone();
    }

    /// What is to be opened, or what is missing for it.
    fn open(&mut self) -> Outcome {
        let target = self.target.text().trim().to_owned();
        let user = self.user.text().trim().to_owned();
        let port = self.port.text().trim();
        let port = match port {
            "" => Ok(None),
            typed => typed.parse::<u16>().ok().filter(|port| *port > 0).map(Some).ok_or(()),
        };
        let missing = if target.is_empty() {
            Some(("which database?", Field::Target))
        } else if user.is_empty() && self.endpoint.is_some() {
            Some(("which user?", Field::User))
        } else if port.is_err() {
            Some(("a port is a number from 1 to 65535", Field::Port))
        } else {
            None
        };
        if let Some((words, field)) = missing {
            self.wrong = Some(words.to_owned());
            self.field = field;
            return Outcome::Stay;
        }
        let database = self.database.text().trim().to_owned();
        let via = match &self.route {
            RouteChoice::Auto => None,
            RouteChoice::Direct => Some("direct".to_owned()),
            RouteChoice::Via(bastion) => Some(bastion.clone()),
        };
        let listener = ListenerSettings {
            name: target.clone(),
            target,
            users: if user.is_empty() { Vec::new() } else { vec![user] },
            databases: if database.is_empty() { Vec::new() } else { vec![database] },
            port: port.unwrap_or(None),
            via,
            read_only: self.read_only,
            ..ListenerSettings::default()
        };
        Outcome::Open(Box::new(listener), self.endpoint.clone())
    }

    /// Takes an answer; false when it is none of this form's.
    pub fn answer(&mut self, id: Id, answer: &Answer) -> bool {
        if self.recalled == Some(id) {
            self.recalled = None;
            if let (Answer::Recalled(_, Some(user)), true) = (answer, self.user.is_empty()) {
                self.user.set(user);
            }
            return true;
        }
        if self.bastions.waits_for(id) {
            match answer {
                Answer::Bastions(ranked) => self.bastions = Load::Ready(ranked.clone()),
                Answer::Failed(diagnosis) => self.bastions = Load::Failed(diagnosis.clone()),
                _ => {}
            }
            return true;
        }
        false
    }

    fn route_words(&self) -> String {
        match &self.route {
            RouteChoice::Auto => "by itself: direct, else the best bastion".to_owned(),
            RouteChoice::Direct => "direct, from here".to_owned(),
            RouteChoice::Via(id) => {
                let known = self.bastions.ready().into_iter().flatten().find(|ranked| ranked.bastion.id == *id);
                known.map_or_else(|| format!("via {id}"), |ranked| format!("via {}", ranked.bastion.label()))
            }
        }
    }
}

/// Draws it in a box over `area`.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let fields = pane.fields();
    let outer = layout::middle(area, 72, fields.len() as u16 + 4);
    let title = match &pane.endpoint {
        Some(endpoint) => format!("listener for {}", endpoint.owner),
        None => "listener".to_owned(),
    };
    let inner = paint::frame(frame, outer, &title, theme);
    for (at, field) in fields.into_iter().enumerate() {
        let row = layout::below(inner, inner.y + at as u16, 1);
        let here = field == pane.field;
        let (label, value): (&str, Result<&Input, String>) = match field {
            Field::Target => ("database at AWS", Ok(&pane.target)),
            Field::User => ("user", Ok(&pane.user)),
            Field::Database => ("database", Ok(&pane.database)),
            Field::Route => ("route", Err(pane.route_words())),
            Field::Port => ("port", Ok(&pane.port)),
            Field::Access => (
                "access",
                Err(if pane.read_only { "read-only: the server refuses writes" } else { "read and write" }.to_owned()),
            ),
        };
        let bar = if here { run("▌", Tone::Accent) } else { run(" ", Tone::Text) };
        let label = text::fit(label, 16);
        let area = Rect { x: inner.x + 18.min(inner.width), ..row };
        let area = Rect { width: inner.right().saturating_sub(area.x), ..area };
        let (words, cursor) = match value {
            Ok(input) if input.is_empty() && !here => (usual(field, pane), None),
            Ok(input) => {
                let (shown, cursor) = input.shown(area.width.into());
                (shown, Some(cursor))
            }
            Err(words) => (words, None),
        };
        let tone = if cursor.is_none() && matches!(field, Field::Database | Field::Port | Field::User) {
            Tone::Dim
        } else {
            Tone::Text
        };
        paint::runs(frame, row, &[bar, run(format!("{label} "), Tone::Dim), run(words, tone)], theme, None);
        if let (true, Some(cursor)) = (here, cursor) {
            paint::cursor(frame, area, cursor);
        }
    }
    let words = match &pane.wrong {
        Some(wrong) => run(format!(" {wrong}"), Tone::Bad),
        None => run(" Clients show a secret: y on the Lines screen hands it over.", Tone::Dim),
    };
    paint::runs(frame, layout::below(inner, inner.bottom().saturating_sub(1), 1), &[words], theme, None);
}

/// What counts where nothing is typed.
fn usual(field: Field, pane: &Pane) -> String {
    match field {
        Field::Port => "any that is free".to_owned(),
        Field::Database => match pane.endpoint.as_ref().and_then(|endpoint| endpoint.database_name.clone()) {
            Some(name) => format!("{name}, or whichever a client names"),
            None => "whichever a client names".to_owned(),
        },
        Field::User => "the one used last".to_owned(),
        _ => String::new(),
    }
}
