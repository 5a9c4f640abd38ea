//! What a pane wants of the rest of the console, and the doing of it: panes do not know one another.

use super::changing;
use super::event::Command;
use super::examining;
use super::panes::way::{LinkState, Way};
use super::panes::{connect, consent, diagnosis, document, fleet, listen, menu, picker, prompt};
use super::query;
use super::state::{Arrival, Desk, Focus, Overlay, State, Tab};
use super::update::{show_tab, tell};
use crate::access::doctor;
use crate::access::handoff::Lead;
use crate::model::{Auth, Database, Diagnosis, Endpoint, ListenerSettings, Place, RouteChoice, Settings};
use std::time::Duration;

/// How long a way walked to the end stays to be seen; whoever types does not wait for it.
const ARRIVAL: Duration = Duration::from_millis(700);

/// What a pane wants of the rest.
#[derive(Clone, Debug)]
pub enum Request {
    /// Leave gatepost.
    Quit,
    /// Back to the fleet.
    Back,
    /// Show the lines.
    Lines,
    /// Show the query tabs.
    Sessions,
    /// Connect to one of these endpoints.
    Connect(Box<connect::Subject>),
    /// A session stands.
    Connected(Box<connect::Connected>),
    /// The form for a listener, for that endpoint or one yet to be named.
    Listen(Option<Box<Endpoint>>),
    /// Offer what a client of a listener is handed.
    CopyLead(Box<Lead>),
    /// Offer what a client of a forwarded port is handed.
    CopyPort(Box<Endpoint>, u16),
    /// What switching IAM authentication on means, and whether to.
    EnableIam(Box<Database>),
    /// Forward a port.
    Tunnel(Box<Endpoint>, RouteChoice),
    /// Read the policy for a user yet to be named.
    Policy(Box<Endpoint>),
    /// Have the doctor look, for a user yet to be named.
    Examine(Box<Endpoint>),
    /// Have the doctor look.
    Doctor(Box<doctor::Wish>),
    /// Offer what can be copied.
    CopyMenu(Box<Database>),
    /// Read labels and values.
    Read(String, Vec<fleet::Line>),
    /// Show a failure.
    Diagnose(Diagnosis),
    /// Choose regions.
    PickRegions,
    /// Choose profiles.
    PickProfiles,
    /// Say so, in the last row, for a moment.
    Tell(String),
}

/// Does what a pane wants of the rest.
pub fn perform(state: &mut State, request: Request) {
    match request {
        Request::Quit => leave(state),
        Request::Back => back(state),
        Request::Lines => {
            state.focus = Focus::Lines;
            state.lines.tick(true, state.now, &mut state.asks);
        }
        Request::Sessions if state.tabs.is_empty() => tell(state, "no session yet: Enter connects".to_owned()),
        Request::Sessions => show_tab(state, state.tab.min(state.tabs.len() - 1)),
        Request::Connect(subject) => match connect::check(&subject) {
            Err(diagnosis) => state.overlay = Some(Overlay::Diagnosis(diagnosis::Pane::new(diagnosis))),
            Ok(()) => {
                state.connect = Some(connect::Pane::new(*subject, &state.settings, state.now, &mut state.asks));
                state.focus = Focus::Connect;
            }
        },
        Request::Connected(connected) => connected_to(state, *connected),
        Request::Tunnel(endpoint, route) => {
            state.lines.open(*endpoint, route, state.now, &mut state.asks);
            state.focus = Focus::Lines;
            state.lines.tick(true, state.now, &mut state.asks);
        }
        Request::Listen(endpoint) => {
            let pane = listen::Pane::new(endpoint, &state.settings, state.now, &mut state.asks);
            state.overlay = Some(Overlay::Listen(Box::new(pane)));
        }
        Request::CopyLead(lead) => state.overlay = Some(Overlay::Menu(menu::Pane::of_listener(&lead))),
        Request::CopyPort(endpoint, port) => {
            state.overlay = Some(Overlay::Menu(menu::Pane::of_port(&endpoint, port)));
        }
        Request::EnableIam(database) => changing::ask(state, &database),
        Request::Policy(endpoint) => {
            let prompt = prompt::Pane::new(menu::What::Policy(endpoint), true, &state.settings, &mut state.asks);
            state.overlay = Some(Overlay::Prompt(prompt));
        }
        Request::Examine(endpoint) => {
            let prompt = prompt::Pane::new(menu::What::Doctor(endpoint), true, &state.settings, &mut state.asks);
            state.overlay = Some(Overlay::Prompt(prompt));
        }
        Request::Doctor(wish) => examining::open(state, *wish),
        Request::CopyMenu(database) => state.overlay = Some(Overlay::Menu(menu::Pane::new(&database))),
        Request::Read(title, lines) => state.overlay = Some(Overlay::Document(document::Pane::fields(title, lines))),
        Request::Diagnose(diagnosis) => state.overlay = Some(Overlay::Diagnosis(diagnosis::Pane::new(diagnosis))),
        Request::PickRegions => {
            let mut chosen: Vec<String> = Vec::new();
            for listing in &state.fleet.listings {
                if !chosen.contains(&listing.place.region) {
                    chosen.push(listing.place.region.clone());
                }
            }
            let options: Vec<String> = picker::REGIONS.iter().map(|region| (*region).to_owned()).collect();
            state.overlay = Some(Overlay::Picker(picker::Pane::new(picker::Subject::Regions, chosen, &options)));
        }
        Request::PickProfiles => {
            let chosen = profiles(state);
            let options = state.settings.aws.profiles.clone();
            // The AWS configuration files are on a disk: what they add comes when it comes.
            state.asks.ask(Command::Profiles);
            state.overlay = Some(Overlay::Picker(picker::Pane::new(picker::Subject::Profiles, chosen, &options)));
        }
        Request::Tell(text) => tell(state, text),
    }
}

/// The profiles listed with now; the default chain has no name and is none of them.
pub fn profiles(state: &State) -> Vec<String> {
    let mut chosen: Vec<String> = Vec::new();
    for profile in state.fleet.listings.iter().filter_map(|listing| listing.place.profile.as_ref()) {
        if !chosen.contains(profile) {
            chosen.push(profile.clone());
        }
    }
    chosen
}

/// Lists these regions and profiles from now on.
pub fn choose_places(state: &mut State, regions: &[String], profiles: &[Option<String>]) {
    let places = profiles
        .iter()
        .flat_map(|profile| regions.iter().map(|region| Place { profile: profile.clone(), region: region.clone() }))
        .collect();
    let desk = &mut Desk { now: state.now, size: state.size, settings: &state.settings, asks: &mut state.asks };
    state.fleet.choose(places, desk);
}

fn back(state: &mut State) {
    if state.focus == Focus::Connect {
        state.connect = None;
    }
    state.focus = Focus::Fleet;
}

/// Leaves, unless something would be lost: then it asks, once for all tabs.
pub fn leave(state: &mut State) {
    let losses = state.tabs.iter().enumerate();
    let mut reasons: Vec<String> = losses
        .filter_map(|(at, tab)| tab.pane.would_lose().map(|loss| format!("{} {}: {loss}", at + 1, tab.name)))
        .collect();
    match state.lines.live() {
        0 => {}
        1 => reasons.push("A port is open for other programs; leaving closes it.".to_owned()),
        n => reasons.push(format!("{n} ports are open for other programs; leaving closes them.")),
    }
    if reasons.is_empty() {
        return quit(state);
    }
    state.overlay = Some(Overlay::Leave(reasons));
}

/// Leaves, whatever is lost.
pub fn quit(state: &mut State) {
    state.quitting = true;
    state.asks.ask(Command::Quit);
}

fn connected_to(state: &mut State, connected: connect::Connected) {
    let way = state.connect.as_ref().and_then(|pane| pane.attempt.as_ref()).map(|attempt| walked(&attempt.way));
    let setup = query::Setup {
        name: connected.name.clone(),
        host: connected.wish.endpoint.host.clone(),
        port: connected.wish.endpoint.port,
        user: connected.wish.user.clone(),
        database: connected.database,
        production: connected.production,
        facts: connected.facts,
        way: way.unwrap_or_default(),
        now: state.now,
    };
    let mut pane = query::Pane::new(setup).with_keys(state.settings.editor_keys);
    pane.complete_as_you_type(state.settings.complete_as_you_type);
    pane.autocommit(state.settings.autocommit);
    pane.timeouts(state.settings.statement_timeout, state.settings.lock_timeout);
    state.tabs.push(Tab {
        id: connected.tab,
        pane,
        name: connected.name,
        production: connected.production,
        wish: connected.wish,
    });
    // Whoever named the target on the command line waits for the prompt; the way stands on its first page.
    if let Some(pane) = state.connect.take().filter(|pane| !pane.straight) {
        let since = pane.attempt.as_ref().map_or(state.now, |attempt| attempt.way.since);
        let took = state.now.duration_since(since).unwrap_or_default();
        state.arrival = Some(Arrival { pane, took, until: state.now + ARRIVAL });
    }
    show_tab(state, state.tabs.len() - 1);
}

/// The steps of a way walked to its end.
fn walked(way: &Way) -> Vec<query::Walked> {
    let done = way.links.iter().filter_map(|link| match link.state {
        LinkState::Done(took) => Some(query::Walked { kind: link.kind, found: link.about.clone(), took }),
        LinkState::Begun(_) | LinkState::Failed(_) => None,
    });
    done.collect()
}

/// Another session at the same endpoint: the way is shown, and a new tab when it stands.
pub fn another_session(state: &mut State, database: Option<String>, user: Option<String>) {
    let Some(tab) = state.tabs.get(state.tab) else { return };
    let mut wish = tab.wish.clone();
    let other_user = user.as_ref().is_some_and(|user| *user != wish.user);
    wish.database = database.or(wish.database);
    wish.user = user.unwrap_or(wish.user);
    let subject = connect::Subject {
        name: tab.name.clone(),
        engine: wish.endpoint.engine.to_string(),
        place: wish.endpoint.place.clone(),
        tags: wish.endpoint.tags.clone(),
        endpoints: vec![(wish.endpoint.owner.clone(), wish.endpoint.clone())],
        chosen: 0,
    };
    let mut pane = connect::Pane::new(subject, &state.settings, state.now, &mut state.asks);
    pane.again(wish, other_user, state.now, &mut state.asks);
    state.connect = Some(pane);
    state.focus = Focus::Connect;
}

/// Opens the listener that the form was filled in for; one that would let clients write to production is asked about, by
/// what is returned.
pub fn listen(
    state: &mut State,
    plan: ListenerSettings,
    endpoint: Option<Box<Endpoint>>,
    auth: Auth,
) -> Option<Overlay> {
    match endpoint {
        Some(endpoint) if writes_to_production(&state.settings, &plan, &endpoint) => {
            Some(Overlay::Consent(Box::new(consent::Pane::new(plan, endpoint, auth))))
        }
        endpoint => {
            listen_to(state, plan, endpoint, auth);
            None
        }
    }
}

/// Whether clients of such a listener could write to production.
pub fn writes_to_production(settings: &Settings, plan: &ListenerSettings, endpoint: &Endpoint) -> bool {
    plan.read_only == Some(false) && settings.is_production_at(endpoint)
}

/// Opens a listener, and shows it on its way.
pub fn listen_to(state: &mut State, plan: ListenerSettings, endpoint: Option<Box<Endpoint>>, auth: Auth) {
    state.lines.listen(plan, (endpoint, auth), state.now, &mut state.asks);
    state.focus = Focus::Lines;
    state.lines.tick(true, state.now, &mut state.asks);
}
