//! The form for a listener: which database, as whom and with what, by which way, behind which door, reading only or not; what
//! `gatepost proxy` has on its command line. It must not know how it is opened.

mod view;

pub use view::view;

use super::login::Login;
use crate::console::event::{Answer, Asks, Command, Id, Load};
use crate::console::keys::{Binding, matches};
use crate::console::widgets::input::Input;
use crate::model::{Auth, Endpoint, IamAuth, ListenerSettings, Ranked, RouteChoice, Settings};
use crossterm::event::KeyEvent;
use std::path::PathBuf;
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
    /// With a token, or with a password from where.
    Login,
    /// The password.
    Password,
    /// Which secret of AWS Secrets Manager.
    Secret,
    /// The way there.
    Route,
    /// A port or a socket.
    Door,
    /// The port, or the number in the socket's name.
    Port,
    /// The socket's folder.
    Folder,
    /// TLS for clients, or not.
    Tls,
    /// What clients have to show.
    Proof,
    /// Reading only, or not.
    Access,
}

/// Where clients come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A port of the loopback interface.
    Port,
    /// A Unix socket.
    Socket,
}

impl Door {
    fn words(self) -> &'static str {
        match self {
            Door::Port => "a port of this machine",
            Door::Socket => "a Unix socket, for your own processes alone",
        }
    }
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
    /// With what to log in.
    pub login: Login,
    /// The password.
    pub password: Input,
    /// A secret's ARN or name; empty is the settings' for the target, else the master user's.
    pub secret: Input,
    /// Port or socket.
    pub door: Door,
    /// Port; empty is any that is free, or 5432 in a socket's name.
    pub port: Input,
    /// Folder of a socket; empty is one of its own.
    pub folder: Input,
    /// Clients of a port are offered TLS.
    pub tls: bool,
    /// Clients of a port show nothing.
    pub open_to_all: bool,
    /// The server refuses writes.
    pub read_only: bool,
    /// Whether what was selected is production.
    pub production: bool,
    /// Whether the way to log in was chosen; before, what is remembered decides.
    chosen: bool,
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
    /// It is to be opened: the listener, its endpoint where it is known, and with what to log in.
    Open(Box<ListenerSettings>, Option<Box<Endpoint>>, Auth),
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
        help: "Another way to log in, way there, door; TLS, the secret, writes or not",
    },
    Binding { keys: &["Left"], action: Action::Change(-1), label: "", help: "The one before" },
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
        let production = endpoint.as_ref().is_some_and(|endpoint| settings.is_production_at(endpoint));
        Pane {
            login: endpoint.as_ref().map_or(Login::Token, |endpoint| Login::usual(endpoint.iam)),
            password: Input::masked(),
            secret: Input::default(),
            target: Input::new(endpoint.as_ref().map(|endpoint| endpoint.owner.clone()).unwrap_or_default()),
            endpoint,
            user: Input::new(settings.user.clone().unwrap_or_default()),
            database: Input::new(String::new()),
            route: RouteChoice::Auto,
            door: Door::Port,
            port: Input::new(String::new()),
            folder: Input::default(),
            tls: false,
            open_to_all: false,
            // As `gatepost proxy` has it: the setting of that name is for sessions.
            read_only: production,
            production,
            chosen: false,
            field,
            wrong: None,
            recalled,
            bastions,
        }
    }

    /// The fields there are now, from top to bottom.
    fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        fields.extend(self.endpoint.is_none().then_some(Field::Target));
        fields.extend([Field::User, Field::Database, Field::Login]);
        match self.login {
            Login::Password => fields.push(Field::Password),
            Login::Secret => fields.push(Field::Secret),
            Login::Token | Login::Passfile | Login::Command => {}
        }
        fields.extend([Field::Route, Field::Door, Field::Port]);
        match self.door {
            Door::Port => fields.extend([Field::Tls, Field::Proof]),
            Door::Socket => fields.push(Field::Folder),
        }
        fields.push(Field::Access);
        fields
    }

    /// The line of the field one stands in, if it is one to type in.
    pub fn line(&mut self) -> Option<&mut Input> {
        match self.field {
            Field::Target => Some(&mut self.target),
            Field::User => Some(&mut self.user),
            Field::Database => Some(&mut self.database),
            Field::Password => Some(&mut self.password),
            Field::Secret => Some(&mut self.secret),
            Field::Port => Some(&mut self.port),
            Field::Folder => Some(&mut self.folder),
            Field::Login | Field::Route | Field::Door | Field::Tls | Field::Proof | Field::Access => None,
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
        match self.field {
            Field::Login => (self.login, self.chosen) = (self.login.step(by), true),
            Field::Door => self.door = if self.door == Door::Port { Door::Socket } else { Door::Port },
            Field::Tls => self.tls = !self.tls,
            Field::Proof => self.open_to_all = !self.open_to_all,
            Field::Access => self.read_only = !self.read_only,
            _ => self.change_route(by),
        }
    }

    fn change_route(&mut self, by: isize) {
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
        } else if user.is_empty() && self.endpoint.is_some() && self.login != Login::Secret {
            Some(("which user?", Field::User))
        } else if self.login == Login::Password && self.password.is_empty() {
            Some(("which password? It is kept by this listener alone", Field::Password))
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
        let is_port = self.door == Door::Port;
        let listener = ListenerSettings {
            name: target.clone(),
            target,
            users: if user.is_empty() { Vec::new() } else { vec![user] },
            databases: if database.is_empty() { Vec::new() } else { vec![database] },
            port: port.unwrap_or(None),
            socket: (!is_port).then(|| PathBuf::from(self.folder.text().trim())),
            via,
            // A password goes with the question alone: what was asked for stays on the screen.
            auth: None,
            read_only: Some(self.read_only),
            tls: is_port && self.tls,
            no_secret: is_port && self.open_to_all,
        };
        let auth = self.login.auth(&self.password, &self.secret);
        Outcome::Open(Box::new(listener), self.endpoint.clone(), auth)
    }

    /// Takes an answer; false when it is none of this form's.
    pub fn answer(&mut self, id: Id, answer: &Answer) -> bool {
        if self.recalled == Some(id) {
            self.recalled = None;
            let Answer::Recalled(remembered, user) = answer else { return true };
            if let (Some(user), true) = (user, self.user.is_empty()) {
                self.user.set(user);
            }
            let iam = self.iam();
            let used = remembered.auth.as_deref().and_then(|word| Login::remembered(word, iam));
            if let (Some((login, named)), false) = (used, self.chosen) {
                self.login = login;
                self.secret.set(named.unwrap_or_default());
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

    /// Whether it takes tokens; of one that is named yet it is not known, and not doubted.
    fn iam(&self) -> IamAuth {
        self.endpoint.as_ref().map_or(IamAuth::Enabled, |endpoint| endpoint.iam)
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
