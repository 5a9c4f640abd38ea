//! What comes in and what goes out of the state: `Event`, `Command`, `Answer`, each question with its `Id`. Plain data;
//! it must not know who carries it.

use super::query;
use crate::access::explore::{Finding, Question};
use crate::access::handoff::Lead;
use crate::access::{ForwardNews, ForwardReport, LineReport, ListenerReport, Remembered, Wish, activity, doctor};
use crate::model::catalogue::Catalogue;
use crate::model::{
    Auth, Diagnosis, DoctorNews, DoctorReport, Endpoint, IamPlan, IamProgress, Identity, Inventory, ListenerSettings,
    Place, Policy, Ranked, RouteChoice, Secret, SessionFacts, Step, When,
};
use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Size;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Names a question; every [`Command`] has its own and every [`Answer`] carries it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u64);

/// Names a query tab for as long as the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId(pub u64);

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A key.
    Key(KeyEvent),
    /// A bracketed paste.
    Paste(String),
    /// The mouse.
    Mouse(MouseEvent),
    /// The screen's size.
    Resize(Size),
    /// The time now. One comes before the other events of each round.
    Tick(SystemTime),
    /// What came of a question.
    Answer(Id, Answer),
    /// A query tab's session tells.
    Query(TabId, query::News),
    /// What came back from the editor that a tab's text was given to, or why nothing did, in words.
    Composed(TabId, Result<String, String>),
    /// What a tab asked of the catalogue, and what came of it.
    Explored(TabId, Question, Result<Finding, Diagnosis>),
    /// What a tab asked of history and saved queries, and what came of it.
    Shelved(TabId, Result<query::Shelved, Diagnosis>),
    /// The system asks the program to end (SIGTERM, SIGHUP, SIGINT).
    Terminate,
}

/// What to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Which regions and profiles are to be listed?
    Places,
    /// Which profiles are there to be chosen?
    Profiles,
    /// Who are we there?
    Identity(Place),
    /// What is there?
    Inventory(Place),
    /// Which bastions could serve?
    Bastions(Box<Endpoint>),
    /// What was used last?
    Recall(Box<Endpoint>),
    /// The policy for a user.
    Policy(Box<Endpoint>, String),
    /// A token for a user.
    Token(Box<Endpoint>, String),
    /// Walk the way and hand the session to a tab's worker.
    Connect(TabId, Box<Wish>),
    /// Look at every link of the way to a database, and say what is broken.
    Doctor(Box<doctor::Wish>),
    /// Forward a loopback port until stopped.
    Forward(Box<Endpoint>, RouteChoice),
    /// Open a listener, for as long as it is not stopped; its endpoint is looked for where it is not given.
    Listen(Box<ListenerSettings>, Option<Box<Endpoint>>, Auth),
    /// Write the files that a client is handed, then put the text on the clipboard.
    HandOver(Vec<(PathBuf, Secret)>, String),
    /// One command that goes through a forwarded port, for a user.
    Raw(Box<Endpoint>, u16, String),
    /// How does it stand with what would be changed?
    IamProgress(Box<IamPlan>),
    /// Switch IAM authentication on, and tell how far it is until it is done.
    EnableIam(Box<IamPlan>, When),
    /// How are the live routes and the listeners doing?
    Lines,
    /// Load the names of a database, for completion.
    Names(Box<Wish>),
    /// Look into the catalogue for a tab; [`Event::Explored`] follows.
    Explore(TabId, Box<Wish>, Question),
    /// History and saved queries of a database, for a tab; [`Event::Shelved`] follows.
    Shelf(TabId, Box<Endpoint>, query::Shelving),
    /// Look at what a server is doing, again and again, until stopped.
    Activity(Box<Wish>, Duration),
    /// For the one that looks, named by its question.
    Watch(Id, activity::Ask),
    /// For a tab's worker.
    Query(TabId, query::Ask),
    /// Forget that question; what it has opened is closed.
    Stop(Id),
    /// Put this on the clipboard (OSC 52).
    Copy(Secret),
    /// Have a tab's text edited in the editor of the settings, which gets the terminal; [`Event::Composed`] follows.
    Compose(TabId, Secret),
    /// Give the terminal back and stop until continued (Ctrl-Z).
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// End.
    Quit,
}

/// What came of a [`Command`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of [`Command::Places`].
    Places(Vec<Place>),
    /// Of [`Command::Profiles`].
    Profiles(Vec<String>),
    /// Of [`Command::Identity`].
    Identity(Identity),
    /// Of [`Command::Inventory`].
    Inventory(Inventory),
    /// Of [`Command::Bastions`].
    Bastions(Vec<Ranked>),
    /// Of [`Command::Recall`]: what was used last, and the user to offer.
    Recalled(Remembered, Option<String>),
    /// Of [`Command::Policy`].
    Policy(Policy),
    /// Of [`Command::Token`].
    Token(Secret),
    /// A step of [`Command::Connect`] or [`Command::Forward`].
    Step(Step),
    /// Of [`Command::Connect`]: the database's name as it was settled, and what is known of the session.
    Connected(String, Box<SessionFacts>),
    /// Of [`Command::Forward`]: the port on 127.0.0.1. [`Answer::Failed`] follows when it has ended.
    Forwarded(u16),
    /// What happens to a forwarded port's session; the port stays.
    ForwardNews(ForwardNews),
    /// Of [`Command::Lines`].
    Lines(Vec<LineReport>, Vec<ListenerReport>, Vec<ForwardReport>),
    /// Of [`Command::Listen`]: what clients are handed. [`Answer::Failed`] follows when it could not be opened.
    Listening(Box<Lead>),
    /// Of [`Command::Listen`], where the endpoint was not given: its clients could write to that database, which is
    /// production, so nothing was opened.
    Unconsented(Box<Endpoint>, Auth),
    /// A listener turned a client away.
    TurnedAway(Diagnosis),
    /// Of [`Command::HandOver`]: the files are there.
    HandedOver(String),
    /// Of [`Command::Raw`].
    Words(String),
    /// Of [`Command::IamProgress`]; of [`Command::EnableIam`], each step.
    IamProgress(IamProgress),
    /// Of [`Command::EnableIam`]: it is done, or waits for its window.
    IamEnded(IamProgress),
    /// Of [`Command::Names`].
    Names(Arc<Catalogue>),
    /// Of [`Command::Activity`].
    Activity(activity::News),
    /// Of [`Command::Doctor`]: news of a link. [`Answer::Examined`] follows.
    Doctor(DoctorNews),
    /// Of [`Command::Doctor`]: all of it.
    Examined(Box<DoctorReport>),
    /// It failed.
    Failed(Diagnosis),
}

/// Hands out ids and collects what is to be done.
#[derive(Clone, Debug, Default)]
pub struct Asks {
    next: u64,
    waiting: Vec<(Id, Command)>,
}

impl Asks {
    /// Has `command` done; what comes of it carries the id.
    pub fn ask(&mut self, command: Command) -> Id {
        self.next += 1;
        let id = Id(self.next);
        self.waiting.push((id, command));
        id
    }

    /// A number no other tab has.
    pub fn new_tab(&mut self) -> TabId {
        self.next += 1;
        TabId(self.next)
    }

    /// What was asked since the last time.
    pub fn take(&mut self) -> Vec<(Id, Command)> {
        std::mem::take(&mut self.waiting)
    }
}

/// Something that is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Load<T> {
    /// Not asked for.
    #[default]
    Idle,
    /// Asked for, since when.
    Asked(Id, SystemTime),
    /// There.
    Ready(T),
    /// It failed.
    Failed(Diagnosis),
}

impl<T> Load<T> {
    /// Whether this waits for the answer to `id`.
    pub fn waits_for(&self, id: Id) -> bool {
        matches!(self, Load::Asked(asked, _) if *asked == id)
    }

    /// Whether this waits.
    pub fn waits(&self) -> bool {
        matches!(self, Load::Asked(..))
    }

    /// The thing, once it is there.
    pub fn ready(&self) -> Option<&T> {
        match self {
            Load::Ready(thing) => Some(thing),
            _ => None,
        }
    }
}
