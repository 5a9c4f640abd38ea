//! The form's state: what is to be connected to, what is filled in, and the attempt when it was sent off. It must not know a
//! key.

use crate::access::{Remembered, Wish};
use crate::console::event::{Answer, Asks, Command, Id, Load, TabId};
use crate::console::panes::login::Login;
use crate::console::panes::way::Way;
use crate::console::request::Request;
use crate::console::state::Desk;
use crate::console::widgets::input::Input;
use crate::model::{Auth, Endpoint, Kind, Place, Ranked, RouteChoice, SessionFacts, Settings, StepKind, Wanted};
use std::time::SystemTime;

/// What is to be connected to: all endpoints that lead to the same data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The cluster's or instance's identifier.
    pub name: String,
    /// Engine and version.
    pub engine: String,
    /// Where it is.
    pub place: Place,
    /// Its tags, which may mark it as production.
    pub tags: Vec<(String, String)>,
    /// Each endpoint with the identifier of the database it belongs to; never empty.
    pub endpoints: Vec<(String, Endpoint)>,
    /// Which of them is meant.
    pub chosen: usize,
}

/// What is filled in, from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Which endpoint.
    Endpoint,
    /// Which way.
    Route,
    /// As whom.
    User,
    /// To which database.
    Database,
    /// With a token, or with a password from where.
    Login,
    /// Which secret of AWS Secrets Manager.
    Secret,
    /// The password.
    Password,
    /// Read-only or not.
    Access,
    /// The target's name, typed, before production becomes writable.
    Confirm,
}

/// A connection being made.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The question.
    pub id: Id,
    /// The tab that will hold the session.
    pub tab: TabId,
    /// What was wished for.
    pub wish: Wish,
    /// The way so far.
    pub way: Way,
}

/// The form, and the way when it was sent off.
#[derive(Clone, Debug)]
pub struct Pane {
    /// What is to be connected to.
    pub subject: Subject,
    /// Whether it is marked production.
    pub production: bool,
    /// Where one stands.
    pub field: Field,
    /// Bastions, best first.
    pub bastions: Load<Vec<Ranked>>,
    /// What was used last.
    pub recalled: Load<Remembered>,
    /// The way chosen.
    pub route: RouteChoice,
    /// As whom.
    pub user: Input,
    /// To which database; empty is the one it was created with, else `postgres`.
    pub database: Input,
    /// With what to log in.
    pub login: Login,
    /// The password.
    pub password: Input,
    /// A secret's ARN or name; empty is the settings' for the target, else the master user's.
    pub secret: Input,
    /// Refuse writes.
    pub read_only: bool,
    /// The name typed so that production becomes writable.
    pub confirm: Input,
    /// What is missing, said after Enter.
    pub missing: Option<&'static str>,
    /// Whether the user has chosen where to stand; before, what is remembered decides.
    pub(super) touched: bool,
    /// A connection being made, or that failed.
    pub attempt: Option<Box<Attempt>>,
    /// What was asked for on the command line: sent off as soon as it is known what was used last.
    pub(super) wanted: Option<Wanted>,
    /// Whether it was sent off so, by nobody's key here.
    pub straight: bool,
}

impl Pane {
    /// A form filled with what the settings say; asks for what was used last and for the bastions.
    pub fn new(subject: Subject, settings: &Settings, now: SystemTime, asks: &mut Asks) -> Pane {
        let endpoint = &subject.endpoints[subject.chosen].1;
        let production = settings.is_production(&subject.name, &subject.tags) || settings.is_production_at(endpoint);
        let recalled = Load::Asked(asks.ask(Command::Recall(Box::new(endpoint.clone()))), now);
        let bastions = match endpoint.internet_gateway {
            true => Load::Ready(Vec::new()),
            false => Load::Asked(asks.ask(Command::Bastions(Box::new(endpoint.clone()))), now),
        };
        Pane {
            production,
            field: Field::Endpoint,
            bastions,
            recalled,
            route: RouteChoice::Auto,
            user: Input::new(settings.user.clone().unwrap_or_default()),
            database: Input::default(),
            login: Login::usual(endpoint.iam),
            password: Input::masked(),
            secret: Input::default(),
            // Production begins read-only whatever the settings say.
            read_only: settings.read_only || production,
            confirm: Input::default(),
            missing: None,
            touched: false,
            attempt: None,
            wanted: None,
            straight: false,
            subject,
        }
    }

    /// The endpoint chosen.
    pub fn endpoint(&self) -> &Endpoint {
        &self.subject.endpoints[self.subject.chosen].1
    }

    /// The fields there are now, from top to bottom.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = vec![Field::Endpoint, Field::Route, Field::User, Field::Database, Field::Login];
        match self.login {
            Login::Password => fields.push(Field::Password),
            Login::Secret => fields.push(Field::Secret),
            Login::Token | Login::Passfile | Login::Command => {}
        }
        fields.push(Field::Access);
        if self.production && !self.read_only {
            fields.push(Field::Confirm);
        }
        fields
    }

    /// The line of the field one stands in, if it is one to type in.
    pub fn line(&mut self) -> Option<&mut Input> {
        match self.field {
            Field::User => Some(&mut self.user),
            Field::Database => Some(&mut self.database),
            Field::Password => Some(&mut self.password),
            Field::Secret => Some(&mut self.secret),
            Field::Confirm => Some(&mut self.confirm),
            Field::Endpoint | Field::Route | Field::Login | Field::Access => None,
        }
    }

    /// The ways one can choose.
    pub fn routes(&self) -> Vec<RouteChoice> {
        let mut routes = vec![RouteChoice::Auto, RouteChoice::Direct];
        let bastions = self.bastions.ready().into_iter().flatten();
        routes
            .extend(bastions.filter(|ranked| ranked.usable).map(|ranked| RouteChoice::Via(ranked.bastion.id.clone())));
        // What was remembered stands there before the list does.
        if !routes.contains(&self.route) {
            routes.push(self.route.clone());
        }
        routes
    }

    /// The database that will be connected to.
    pub fn database_name(&self) -> &str {
        match self.database.text().trim() {
            "" => self.endpoint().database_name.as_deref().unwrap_or("postgres"),
            typed => typed,
        }
    }

    /// Takes an answer; false when it is none of this pane's.
    pub fn answer(&mut self, id: Id, answer: &Answer, desk: &mut Desk<'_>) -> Option<Option<Request>> {
        if self.recalled.waits_for(id) {
            if let Answer::Recalled(remembered, user) = answer {
                self.recall(remembered, user.as_deref());
            } else {
                self.recalled = Load::Ready(Remembered::default());
            }
            if let Some(wanted) = self.wanted.take() {
                self.go_straight(wanted, desk);
            }
            return Some(None);
        }
        if self.bastions.waits_for(id) {
            match answer {
                Answer::Bastions(ranked) => {
                    self.bastions = Load::Ready(ranked.clone());
                    self.drop_unusable_route(ranked);
                }
                Answer::Failed(diagnosis) => self.bastions = Load::Failed(diagnosis.clone()),
                _ => {}
            }
            return Some(None);
        }
        let attempt = self.attempt.as_mut().filter(|attempt| attempt.id == id && attempt.way.walks())?;
        match answer {
            Answer::Step(step) => attempt.way.step(step, desk.now),
            Answer::Connected(database, facts) => return Some(Some(self.connected(database.clone(), facts.clone()))),
            Answer::Failed(diagnosis) => {
                attempt.way.fail(diagnosis.clone(), desk.now);
                if matches!(diagnosis.kind, Kind::PasswordRefused) {
                    self.password.clear();
                }
            }
            _ => {}
        }
        Some(None)
    }

    /// Has the form filled in as the command line says and sent off.
    pub fn want(&mut self, wanted: Wanted) {
        self.wanted = Some(wanted);
    }

    /// What was given rules, what was used last fills the rest. What is still missing is asked for in the form.
    fn go_straight(&mut self, wanted: Wanted, desk: &mut Desk<'_>) {
        if self.touched {
            return;
        }
        if let Some(user) = &wanted.user {
            self.user.set(user);
        }
        if let Some(database) = &wanted.database {
            self.database.set(database);
        }
        if let Some(route) = wanted.route {
            self.route = route;
        }
        if let Some(auth) = wanted.auth {
            self.log_in_with(auth);
        }
        if wanted.write {
            self.read_only = false;
        }
        self.straight = true;
        self.connect(desk.now, desk.asks);
    }

    fn connected(&mut self, database: String, facts: Box<SessionFacts>) -> Request {
        let attempt = self.attempt.as_ref().expect("an answer to it has just come");
        Request::Connected(Box::new(Connected {
            tab: attempt.tab,
            name: self.subject.name.clone(),
            production: self.production,
            wish: attempt.wish.clone(),
            database,
            facts: *facts,
        }))
    }

    /// A remembered bastion that can certainly not serve now gives way to the best there is.
    fn drop_unusable_route(&mut self, ranked: &[Ranked]) {
        let RouteChoice::Via(name) = &self.route else { return };
        let serves =
            ranked.iter().any(|r| r.usable && (&r.bastion.id == name || r.bastion.name.as_ref() == Some(name)));
        if !serves {
            self.route = RouteChoice::Auto;
        }
    }

    fn recall(&mut self, remembered: &Remembered, user: Option<&str>) {
        self.recalled = Load::Ready(remembered.clone());
        if self.user.is_empty() {
            self.user.set(user.unwrap_or_default());
        }
        if self.database.is_empty() {
            self.database.set(remembered.database.as_deref().unwrap_or_default());
        }
        if let (RouteChoice::Auto, Some(route), false) = (&self.route, &remembered.route, self.touched) {
            self.route = RouteChoice::parse(route);
            if let Load::Ready(ranked) = &self.bastions {
                self.drop_unusable_route(&ranked.clone());
            }
        }
        if !self.touched {
            self.recall_login(remembered.auth.as_deref());
        }
        if !self.touched && self.user.is_empty() && self.login != Login::Secret {
            self.field = Field::User;
        }
    }

    /// The way to log in that was used last; a password that was typed is typed again.
    fn recall_login(&mut self, auth: Option<&str>) {
        let iam = self.endpoint().iam;
        let Some((login, named)) = auth.and_then(|word| Login::remembered(word, iam)) else { return };
        self.login = login;
        if let Some(named) = named {
            self.secret.set(named);
        }
    }

    /// What Enter cannot do without, and where it belongs.
    fn lacks(&self) -> Option<(Field, &'static str)> {
        // A secret says whose it is.
        if self.user.text().trim().is_empty() && self.login != Login::Secret {
            return Some((Field::User, "type the name of a database user first"));
        }
        if self.login == Login::Password && self.password.is_empty() {
            return Some((Field::Password, "type the password first"));
        }
        if self.production && !self.read_only && self.confirm.text() != self.subject.name {
            return Some((Field::Confirm, "type the target's name, exactly, to write to production"));
        }
        None
    }

    fn wish(&self) -> Wish {
        Wish {
            endpoint: self.endpoint().clone(),
            route: self.route.clone(),
            database: Some(self.database.text().trim()).filter(|name| !name.is_empty()).map(str::to_owned),
            user: self.user.text().trim().to_owned(),
            auth: self.login.auth(&self.password, &self.secret),
            read_only: self.read_only,
        }
    }

    pub(super) fn connect(&mut self, now: SystemTime, asks: &mut Asks) {
        if let Some((field, missing)) = self.lacks() {
            self.field = field;
            self.missing = Some(missing);
            // Trying again after a refused password begins with typing it.
            self.attempt = None;
            return;
        }
        let wish = self.wish();
        let tab = asks.new_tab();
        let id = asks.ask(Command::Connect(tab, Box::new(wish.clone())));
        self.attempt = Some(Box::new(Attempt { id, tab, wish, way: Way::new(StepKind::Login, now) }));
    }

    /// The same wish once more, at once; with a password it must be typed anew for another user.
    pub fn again(&mut self, wish: Wish, other_user: bool, now: SystemTime, asks: &mut Asks) {
        self.touched = true;
        self.route = wish.route;
        self.user.set(&wish.user);
        self.database.set(wish.database.as_deref().unwrap_or_default());
        self.read_only = wish.read_only;
        self.log_in_with(wish.auth);
        if other_user {
            match self.login {
                // Whose password it is, it says itself.
                Login::Secret => self.login = Login::Password,
                Login::Password => self.password.clear(),
                Login::Token | Login::Passfile | Login::Command => {}
            }
        }
        if self.production && !self.read_only {
            // The name was typed for the session that this one is made from.
            self.confirm.set(&self.subject.name.clone());
        }
        self.connect(now, asks);
    }

    fn log_in_with(&mut self, auth: Auth) {
        match auth {
            // The form does not offer Kerberos.
            Auth::Iam | Auth::Kerberos => self.login = Login::Token,
            Auth::Passfile => self.login = Login::Passfile,
            Auth::Command => self.login = Login::Command,
            Auth::SecretsManager(named) => {
                self.login = Login::Secret;
                self.secret.set(named.as_deref().unwrap_or_default());
            }
            Auth::Password(secret) => {
                self.login = Login::Password;
                self.password.set(secret.reveal());
            }
        }
    }

    /// Whether something here moves.
    pub fn waits(&self) -> bool {
        self.bastions.waits() || self.attempt.as_ref().is_some_and(|attempt| attempt.way.walks())
    }

    /// Leaves whatever is waited for.
    pub fn leave(&mut self, asks: &mut Asks) {
        for id in [
            if let Load::Asked(id, _) = self.bastions { Some(id) } else { None },
            self.attempt.as_ref().filter(|attempt| attempt.way.walks()).map(|attempt| attempt.id),
        ]
        .into_iter()
        .flatten()
        {
            asks.ask(Command::Stop(id));
        }
    }
}

/// A session that stands.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The tab that holds it.
    pub tab: TabId,
    /// The cluster's or instance's identifier.
    pub name: String,
    /// Whether the target is production.
    pub production: bool,
    /// What was wished for, for further sessions like it.
    pub wish: Wish,
    /// The database connected to.
    pub database: String,
    /// What is known of the session.
    pub facts: SessionFacts,
}
