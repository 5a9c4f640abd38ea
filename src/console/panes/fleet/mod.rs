//! The first screen: what there is. Rows appear as each region and account answers; a region that fails is a line, not a
//! failed screen; a refresh keeps the old list until the new one is there. It must not know how AWS is asked.

mod detail;
pub mod rows;
mod view;

pub use detail::{Line, describe};
pub use view::{draw_header, view};

use super::super::event::{Answer, Asks, Command, Id, Load};
use super::super::keys::Binding;
use super::super::layout;
use super::super::state::{Desk, Request};
use super::super::widgets::input::Input;
use super::super::widgets::list::{Cursor, Move};
use super::connect::Subject;
use crate::model::{
    Database, DatabaseKind, Diagnosis, Endpoint, Identity, Inventory, Kind, Place, RouteChoice, Secret,
};
use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;
use rows::{Column, Fold, Row, Sort};
use std::collections::BTreeSet;
use std::time::SystemTime;

/// One place and what it answered.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Where.
    pub place: Place,
    /// Who we are there; asked once a profile.
    pub identity: Load<Identity>,
    /// The latest list; stays while a newer one is asked for, and when that fails.
    pub latest: Option<Inventory>,
    /// The question under way.
    pub load: Load<()>,
}

/// The fleet.
#[derive(Clone, Debug, Default)]
pub struct Pane {
    /// Which places there are.
    pub places: Load<()>,
    /// Each place.
    pub listings: Vec<Listing>,
    /// What is on the list, in order.
    pub rows: Vec<Row>,
    /// Where one stands in it.
    pub cursor: Cursor,
    /// The filter.
    pub filter: Input,
    /// Whether the filter is being typed.
    pub filtering: bool,
    /// The order.
    pub sort: Sort,
    /// ARNs of clusters whose members are hidden.
    pub folded: BTreeSet<String>,
    /// ARN of the row chosen by hand: it stays selected when rows come and go.
    chosen: Option<String>,
}

/// What a key means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Connect.
    Connect,
    /// Forward a port.
    Tunnel,
    /// The IAM policy and the SQL.
    Policy,
    /// What can be copied.
    Copy,
    /// Type a filter.
    Filter,
    /// All that is known of the row.
    Details,
    /// Ask AWS anew.
    Refresh,
    /// Choose regions.
    Regions,
    /// Choose profiles.
    Profiles,
    /// Why places failed.
    Failures,
    /// Sort by the next column.
    Sort,
    /// Sort the other way round.
    Reverse,
    /// Hide or show members.
    Fold,
    /// Hide members, or go to the cluster.
    Out,
    /// Show members, or go to the first.
    Into,
    /// Live routes and forwarded ports.
    Lines,
    /// The open sessions.
    Sessions,
    /// Move.
    Go(Move),
    /// Drop the filter.
    Clear,
    /// Leave.
    Quit,
}

/// The keys of the fleet.
pub const KEYS: &[Binding<Action>] = &[
    Binding { keys: &["Enter"], action: Action::Connect, label: "connect", help: "Connect to the selected database" },
    Binding {
        keys: &["/"],
        action: Action::Filter,
        label: "filter",
        help: "Filter: fuzzy on the name, words on the rest, !word leaves out",
    },
    Binding {
        keys: &["y"],
        action: Action::Copy,
        label: "copy",
        help: "Copy host, ARN, policy, token, … (OSC 52, also over ssh)",
    },
    Binding {
        keys: &["t"],
        action: Action::Tunnel,
        label: "tunnel",
        help: "Forward a local port to it, for other tools",
    },
    Binding {
        keys: &["i"],
        action: Action::Policy,
        label: "IAM policy",
        help: "The IAM policy and the SQL that let one user in",
    },
    Binding {
        keys: &["r"],
        action: Action::Refresh,
        label: "refresh",
        help: "Ask AWS again; the list stays meanwhile",
    },
    Binding {
        keys: &["v"],
        action: Action::Details,
        label: "details",
        help: "All that is known of the selected database",
    },
    Binding { keys: &["s"], action: Action::Sort, label: "sort", help: "Sort by the next column" },
    Binding { keys: &["S"], action: Action::Reverse, label: "", help: "Sort the other way round" },
    Binding { keys: &["R"], action: Action::Regions, label: "regions", help: "Choose the regions to list" },
    Binding { keys: &["P"], action: Action::Profiles, label: "profiles", help: "Choose the AWS profiles to list with" },
    Binding {
        keys: &["e"],
        action: Action::Failures,
        label: "",
        help: "Why a region could not be listed, and what to try",
    },
    Binding { keys: &["L"], action: Action::Lines, label: "lines", help: "Live routes and forwarded ports" },
    Binding { keys: &["Tab"], action: Action::Sessions, label: "", help: "Go to the open sessions" },
    Binding { keys: &["Space"], action: Action::Fold, label: "", help: "Hide or show the members of a cluster" },
    Binding { keys: &["Left", "h"], action: Action::Out, label: "", help: "Hide the members, or go to their cluster" },
    Binding { keys: &["Right", "l"], action: Action::Into, label: "", help: "Show the members, or go to the first" },
    Binding { keys: &["Down", "j"], action: Action::Go(Move::By(1)), label: "", help: "Next row" },
    Binding { keys: &["Up", "k"], action: Action::Go(Move::By(-1)), label: "", help: "Previous row" },
    Binding { keys: &["C-d"], action: Action::Go(Move::HalfPages(1)), label: "", help: "Half a screen down" },
    Binding { keys: &["C-u"], action: Action::Go(Move::HalfPages(-1)), label: "", help: "Half a screen up" },
    Binding { keys: &["PageDown", "C-f"], action: Action::Go(Move::HalfPages(2)), label: "", help: "A screen down" },
    Binding { keys: &["PageUp", "C-b"], action: Action::Go(Move::HalfPages(-2)), label: "", help: "A screen up" },
    Binding { keys: &["g", "Home"], action: Action::Go(Move::First), label: "", help: "First row" },
    Binding { keys: &["G", "End"], action: Action::Go(Move::Last), label: "", help: "Last row" },
    Binding { keys: &["Esc"], action: Action::Clear, label: "", help: "Drop the filter" },
    Binding { keys: &["q"], action: Action::Quit, label: "quit", help: "Leave gatepost" },
];

/// What Enter, Esc and the arrows mean while the filter is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Keep it and go on in the list.
    Keep,
    /// Drop it.
    Drop,
    /// Move in the list.
    Go(Move),
}

/// The keys while the filter is typed; all others are typed.
pub const TYPING_KEYS: &[Binding<Typing>] = &[
    Binding {
        keys: &["Enter", "Tab"],
        action: Typing::Keep,
        label: "keep the filter",
        help: "Keep the filter and go on in the list",
    },
    Binding { keys: &["Esc"], action: Typing::Drop, label: "drop it", help: "Drop the filter" },
    Binding { keys: &["Down", "C-n"], action: Typing::Go(Move::By(1)), label: "next", help: "Next row" },
    Binding { keys: &["Up", "C-p"], action: Typing::Go(Move::By(-1)), label: "previous", help: "Previous row" },
];

impl Pane {
    /// Asks which places there are.
    pub fn start(&mut self, now: SystemTime, asks: &mut Asks) {
        self.places = Load::Asked(asks.ask(Command::Places), now);
    }

    /// Lists those places from now on; what is known of one stays.
    pub fn choose(&mut self, places: Vec<Place>, desk: &mut Desk<'_>) {
        let mut before = std::mem::take(&mut self.listings);
        for listing in &before {
            if !places.contains(&listing.place) {
                forget(&listing.load, desk);
                forget_identity(&listing.identity, desk);
            }
        }
        for place in places {
            match before.iter().position(|listing| listing.place == place) {
                Some(at) => self.listings.push(before.swap_remove(at)),
                None => self.listings.push(Listing { place, identity: Load::Idle, latest: None, load: Load::Idle }),
            }
        }
        self.places = Load::Ready(());
        self.ask(desk, false);
        self.rearrange(desk);
    }

    /// Asks what is not known yet; `anew`: everything.
    fn ask(&mut self, desk: &mut Desk<'_>, anew: bool) {
        for at in 0..self.listings.len() {
            let first = !self.listings[..at].iter().any(|other| other.place.profile == self.listings[at].place.profile);
            let listing = &mut self.listings[at];
            if first && !listing.identity.waits() && (anew || listing.identity.ready().is_none()) {
                listing.identity = Load::Asked(desk.asks.ask(Command::Identity(listing.place.clone())), desk.now);
            }
            if !listing.load.waits() && (anew || listing.latest.is_none()) {
                listing.load = Load::Asked(desk.asks.ask(Command::Inventory(listing.place.clone())), desk.now);
            }
        }
    }

    /// Takes an answer; false when it is not one of the fleet's.
    pub fn answer(&mut self, id: Id, answer: &Answer, desk: &mut Desk<'_>) -> bool {
        if self.places.waits_for(id) {
            match answer {
                Answer::Places(places) => self.choose(places.clone(), desk),
                Answer::Failed(diagnosis) => self.places = Load::Failed(diagnosis.clone()),
                _ => {}
            }
            return true;
        }
        for listing in &mut self.listings {
            if listing.identity.waits_for(id) {
                match answer {
                    Answer::Identity(identity) => listing.identity = Load::Ready(identity.clone()),
                    Answer::Failed(diagnosis) => listing.identity = Load::Failed(diagnosis.clone()),
                    _ => {}
                }
                return true;
            }
            if listing.load.waits_for(id) {
                match answer {
                    Answer::Inventory(inventory) => {
                        listing.load = Load::Ready(());
                        listing.latest = Some(inventory.clone());
                    }
                    Answer::Failed(diagnosis) => listing.load = Load::Failed(diagnosis.clone()),
                    _ => {}
                }
                self.rearrange(desk);
                return true;
            }
        }
        false
    }

    /// Makes the rows anew after anything they are made of has changed.
    pub fn rearrange(&mut self, desk: &Desk<'_>) {
        self.rows = rows::arrange(&self.listings, self.filter.text(), self.sort, &self.folded);
        if let Some(chosen) = &self.chosen
            && let Some(at) = self.rows.iter().position(|row| &self.database(row).arn == chosen)
        {
            self.cursor.selected = at;
        }
        self.follow(desk);
    }

    /// Brings the selected row on screen.
    pub fn follow(&mut self, desk: &Desk<'_>) {
        let height = self.areas(desk).rows.height.into();
        self.cursor.follow(self.rows.len(), height);
    }

    fn areas(&self, desk: &Desk<'_>) -> layout::Fleet {
        layout::fleet(layout::areas(desk.size).body, self.problem_lines(), self.filter_shown())
    }

    /// Whether the filter has a line.
    pub fn filter_shown(&self) -> bool {
        self.filtering || !self.filter.is_empty()
    }

    /// Lines that problems take.
    pub fn problem_lines(&self) -> u16 {
        if self.shows_failure() { 0 } else { self.problems().len().min(3) as u16 }
    }

    /// Whether a failure takes the place of the list: nothing was listed and nothing is under way.
    pub fn shows_failure(&self) -> bool {
        self.failure().is_some() && !self.listings.iter().any(|l| l.latest.is_some() || l.load.waits())
    }

    /// The first failure.
    pub fn failure(&self) -> Option<&Diagnosis> {
        if let Load::Failed(diagnosis) = &self.places {
            return Some(diagnosis);
        }
        self.listings.iter().find_map(|listing| match &listing.load {
            Load::Failed(diagnosis) => Some(diagnosis),
            _ => None,
        })
    }

    /// What can be pasted to mend the first failure.
    pub fn advice(&self) -> Option<&str> {
        self.failure()?.advice.iter().find_map(|advice| advice.paste.as_deref())
    }

    /// What went wrong where: failed listings, and what a listing could not look up.
    pub fn problems(&self) -> Vec<(&Place, Problem<'_>)> {
        let mut problems = Vec::new();
        for listing in &self.listings {
            if let Load::Failed(diagnosis) = &listing.load {
                problems.push((&listing.place, Problem::Failed(diagnosis)));
            }
        }
        for listing in &self.listings {
            for gap in listing.latest.iter().flat_map(|inventory| &inventory.gaps) {
                problems.push((&listing.place, Problem::Gap(gap)));
            }
        }
        problems
    }

    /// The database of a row.
    pub fn database(&self, row: &Row) -> &Database {
        let latest = self.listings[row.listing].latest.as_ref();
        &latest.expect("rows are made of listings that have a list").databases[row.database]
    }

    /// The selected row's database.
    pub fn selected(&self) -> Option<&Database> {
        self.rows.get(self.cursor.selected).map(|row| self.database(row))
    }

    /// The cluster a member belongs to, and all members of a cluster.
    fn relatives<'a>(&'a self, database: &'a Database) -> Vec<&'a Database> {
        let inventory = self
            .listings
            .iter()
            .filter(|listing| listing.place == database.place)
            .filter_map(|listing| listing.latest.as_ref())
            .next();
        let name = match database.kind {
            DatabaseKind::Cluster => Some(database.identifier.as_str()),
            _ => database.cluster.as_deref(),
        };
        let (Some(inventory), Some(name)) = (inventory, name) else { return vec![database] };
        inventory
            .databases
            .iter()
            .filter(|other| match other.kind {
                DatabaseKind::Cluster => other.identifier == name,
                _ => other.cluster.as_deref() == Some(name),
            })
            .collect()
    }

    /// All endpoints that lead to the same data as `database`, and which of them is meant when it is selected.
    pub fn subject(&self, database: &Database) -> Subject {
        let relatives = self.relatives(database);
        let head = relatives.iter().find(|other| other.kind == DatabaseKind::Cluster).copied().unwrap_or(database);
        let endpoints: Vec<(String, Endpoint)> = relatives
            .iter()
            .flat_map(|other| other.endpoints.iter().map(|endpoint| (other.identifier.clone(), endpoint.clone())))
            .collect();
        let meant = database.endpoints.first();
        Subject {
            name: head.identifier.clone(),
            engine: format!("{} {}", head.engine.name(), head.engine_version).trim_end().to_owned(),
            place: head.place.clone(),
            tags: head.tags.clone(),
            chosen: endpoints.iter().position(|(_, endpoint)| Some(endpoint) == meant).unwrap_or(0),
            endpoints,
        }
    }

    /// The endpoint to use for `database` where one must be chosen.
    fn endpoint<'a>(&self, database: &'a Database) -> Result<&'a Endpoint, Diagnosis> {
        database.endpoints.first().ok_or_else(|| no_endpoint(database))
    }

    /// When something here changes by time alone.
    pub fn waits(&self) -> bool {
        self.places.waits() || self.listings.iter().any(|listing| listing.load.waits() || listing.identity.waits())
    }

    /// When the oldest list was complete.
    pub fn listed_at(&self) -> Option<SystemTime> {
        self.listings.iter().filter_map(|listing| listing.latest.as_ref()).map(|inventory| inventory.listed_at).min()
    }
}

/// What went wrong in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem<'a> {
    /// It could not be listed.
    Failed(&'a Diagnosis),
    /// It was listed, but for this.
    Gap(&'a str),
}

fn forget(load: &Load<()>, desk: &mut Desk<'_>) {
    if let Load::Asked(id, _) = load {
        desk.asks.ask(Command::Stop(*id));
    }
}

fn forget_identity(load: &Load<Identity>, desk: &mut Desk<'_>) {
    if let Load::Asked(id, _) = load {
        desk.asks.ask(Command::Stop(*id));
    }
}

fn no_endpoint(database: &Database) -> Diagnosis {
    let title = format!("{} has no endpoint yet", database.identifier);
    let diagnosis = Diagnosis::new(Kind::NotAvailable, title).because(format!("its status is {}", database.status));
    diagnosis.advise("Wait until it is available; r asks AWS again")
}

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
    match action {
        Typing::Keep => pane.filtering = false,
        Typing::Drop => {
            let here = pane.selected().map(|database| database.arn.clone());
            pane.chosen = here;
            pane.filtering = false;
            pane.filter.clear();
        }
        Typing::Go(how) => go(pane, how, desk),
    }
    pane.rearrange(desk);
}

fn go(pane: &mut Pane, how: Move, desk: &Desk<'_>) {
    let height = pane.areas(desk).rows.height.into();
    pane.cursor.go(how, pane.rows.len(), height);
    pane.chosen = pane.selected().map(|database| database.arn.clone());
}

/// Does what a key means.
pub fn update(pane: &mut Pane, action: Action, desk: &mut Desk<'_>) -> Option<Request> {
    match action {
        Action::Go(how) => go(pane, how, desk),
        Action::Quit => return Some(Request::Quit),
        Action::Lines => return Some(Request::Lines),
        Action::Sessions => return Some(Request::Sessions),
        Action::Filter => pane.filtering = true,
        Action::Clear => {
            pane.filter.clear();
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
        Action::Connect | Action::Tunnel | Action::Policy | Action::Copy | Action::Details => {
            let database = pane.selected()?;
            return Some(with_database(pane, database, action));
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
    match action {
        Action::Connect if !database.engine.is_postgres() => Request::Diagnose(foreign(database)),
        Action::Connect if database.endpoints.is_empty() => Request::Diagnose(no_endpoint(database)),
        Action::Connect => Request::Connect(Box::new(pane.subject(database))),
        Action::Details => Request::Read(format!("{} · details", database.identifier), describe(database, true)),
        Action::Copy => Request::CopyMenu(Box::new(database.clone())),
        _ => match pane.endpoint(database) {
            Err(diagnosis) => Request::Diagnose(diagnosis),
            Ok(endpoint) if action == Action::Tunnel => Request::Tunnel(Box::new(endpoint.clone()), RouteChoice::Auto),
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
            let area = pane.areas(desk).rows;
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

/// The columns one can sort by, for the titles.
pub const SORTABLE: [Column; 5] = [Column::Name, Column::Engine, Column::Status, Column::Iam, Column::Region];
