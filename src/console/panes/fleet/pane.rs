//! The fleet's state: places and what they answered, the rows made of it, filter, order, where one stands. It must not know
//! a key.

use super::rows::{self, Row, Sort};
use crate::console::event::{Answer, Asks, Command, Id, Load};
use crate::console::layout;
use crate::console::panes::connect::Subject;
use crate::console::state::Desk;
use crate::console::widgets::input::Input;
use crate::console::widgets::list::Cursor;
use crate::model::{Database, DatabaseKind, Diagnosis, Endpoint, Identity, Inventory, Kind, Place};
use ratatui::layout::Size;
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
    pub(super) chosen: Option<String>,
    /// ARN of the row that was selected before the filter was typed, until the filter has led to another.
    pub(super) before: Option<String>,
}

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

    /// Lists everything anew; what is there stays meanwhile.
    pub fn refresh(&mut self, desk: &mut Desk<'_>) {
        self.ask(desk, true);
    }

    /// Asks what is not known yet; `anew`: everything.
    pub(super) fn ask(&mut self, desk: &mut Desk<'_>, anew: bool) {
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
        self.follow(desk.size);
    }

    /// Brings the selected row on screen.
    pub fn follow(&mut self, size: Size) {
        let height = self.areas(size).rows.height.into();
        self.cursor.follow(self.rows.len(), height);
    }

    pub(super) fn areas(&self, size: Size) -> layout::Fleet {
        layout::fleet(layout::areas(size).body, self.problem_lines(), self.filter_shown())
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
    pub(super) fn endpoint<'a>(&self, database: &'a Database) -> Result<&'a Endpoint, Diagnosis> {
        database.endpoints.first().ok_or_else(|| no_endpoint(database))
    }

    /// Why no row is selected.
    pub fn none(&self) -> &'static str {
        match (self.filter.is_empty(), self.lists()) {
            (false, _) => "nothing fits the filter: Esc drops it",
            (true, true) => "nothing is listed yet",
            (true, false) => "there is no database here: R chooses regions, P profiles",
        }
    }

    /// When something here changes by time alone.
    pub fn waits(&self) -> bool {
        self.places.waits() || self.listings.iter().any(|listing| listing.load.waits() || listing.identity.waits())
    }

    /// Whether a list is still to come.
    pub fn lists(&self) -> bool {
        self.places.waits() || self.listings.iter().any(|listing| listing.load.waits())
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

pub(super) fn no_endpoint(database: &Database) -> Diagnosis {
    let title = format!("{} has no endpoint yet", database.identifier);
    let diagnosis = Diagnosis::new(Kind::NotAvailable, title).because(format!("its status is {}", database.status));
    diagnosis.advise("Wait until it is available; r asks AWS again")
}
