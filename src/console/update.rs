//! What happens next: an event changes the state and asks for things to be done. It does no I/O, reads no clock, makes no
//! random number: time comes in `Tick`, ids from the state.

use super::changing;
use super::event::{Answer, Command, Event, Id, TabId};
use super::examining;
use super::keys;
use super::layout;
use super::names;
use super::overlay;
use super::panes::{activity, connect, consent, doctor, fleet, help, lines, palette, picker};
use super::query::{self, Input as QueryInput, Order};
use super::request::{Request, another_session, leave, perform, quit};
use super::state::{Action, Desk, Focus, GLOBAL_KEYS, Global, Notice, Overlay, State};
use super::view;
use super::watching;
use crate::access::choose;
use crate::model::{Kind, Secret, Wanted, visible};
use crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use std::time::{Duration, SystemTime};

/// How long a word stays in the last row.
const NOTICE: Duration = Duration::from_secs(4);
/// What ran so long out of sight is told when it ends.
const LONG: Duration = Duration::from_secs(5);
/// Within this time a second Ctrl-C leaves.
const TWICE: Duration = Duration::from_secs(2);

/// A desk made of fields, so that a pane's own field can be lent beside it.
macro_rules! desk {
    ($state:ident) => {
        &mut Desk { now: $state.now, size: $state.size, settings: &$state.settings, asks: &mut $state.asks }
    };
}

/// What is to be asked first of all.
pub fn start(state: &mut State, target: Option<Wanted>) -> Vec<(Id, Command)> {
    state.target = target;
    state.fleet.start(state.now, &mut state.asks);
    state.asks.take()
}

/// Takes an event; gives what is to be done.
pub fn update(state: &mut State, event: Event) -> Vec<(Id, Command)> {
    match event {
        Event::Tick(now) => {
            state.now = now;
            if state.notice.as_ref().is_some_and(|notice| notice.until <= now) {
                state.notice = None;
            }
            if state.arrival.as_ref().is_some_and(|arrival| arrival.until <= now) {
                state.arrival = None;
            }
            state.lines.tick(state.focus == Focus::Lines, now, &mut state.asks);
            if state.focus == Focus::Query {
                to_tab(state, QueryInput::Tick(now));
            }
        }
        Event::Resize(size) => {
            state.size = size;
            state.fleet.follow(state.size);
            tell_area(state);
        }
        Event::Key(key) if key.kind != KeyEventKind::Release => press(state, &key),
        Event::Key(_) => {}
        Event::Paste(text) => paste(state, text),
        Event::Mouse(_) if state.arrival.take().is_some() => {}
        Event::Mouse(mouse) => mouse_moved(state, &mouse),
        Event::Answer(id, answer) => answered(state, id, answer),
        Event::Query(id, news) => {
            if let Some(at) = state.tabs.iter().position(|tab| tab.id == id) {
                to_tab_at(state, at, QueryInput::Tick(state.now));
                let is_up = matches!(news, query::News::State { .. });
                if let query::News::Moved { user, database } = &news {
                    let wish = &mut state.tabs[at].wish;
                    (wish.user, wish.database) = (user.clone(), Some(database.clone()));
                }
                let since = state.tabs[at].pane.busy_since();
                to_tab_at(state, at, QueryInput::News(news));
                if let Some(since) = since {
                    note_end(state, at, since);
                }
                if is_up {
                    names::up(state, at);
                }
            }
        }
        Event::Composed(id, composed) => {
            if let Some(at) = state.tabs.iter().position(|tab| tab.id == id) {
                to_tab_at(state, at, QueryInput::Composed(composed));
            }
        }
        Event::Shelved(id, shelved) => {
            if let Some(at) = state.tabs.iter().position(|tab| tab.id == id) {
                to_tab_at(state, at, QueryInput::Shelved(shelved));
            }
        }
        Event::Explored(id, question, found) => {
            if let Some(at) = state.tabs.iter().position(|tab| tab.id == id) {
                to_tab_at(state, at, QueryInput::Explored(question, found));
            }
        }
        Event::Terminate => quit(state),
    }
    state.asks.take()
}

/// Says that what ran long in a tab out of sight has ended.
fn note_end(state: &mut State, at: usize, since: SystemTime) {
    let Some(tab) = state.tabs.get(at).filter(|tab| tab.pane.busy_since().is_none()) else { return };
    let took = state.now.duration_since(since).unwrap_or_default();
    if took < LONG || state.shown_tab().is_some_and(|shown| shown.id == tab.id) {
        return;
    }
    let how = match tab.pane.title().work {
        query::Work::Failed => "failed",
        query::Work::Cancelled => "cancelled",
        query::Work::Closed => "ended",
        query::Work::Fresh | query::Work::Running | query::Work::Done => "done",
    };
    let took = super::widgets::text::took(took);
    let words = format!("session {} {}: {how} after {took}", at + 1, visible(&tab.name));
    tell(state, words);
}

fn press(state: &mut State, key: &KeyEvent) {
    state.notice = None;
    state.arrival = None;
    if keys::find(GLOBAL_KEYS, key) != Some(Global::Interrupt) {
        state.interrupted = None;
    }
    if state.overlay.is_some() {
        let global = keys::find(GLOBAL_KEYS, key);
        match global {
            Some(Global::Interrupt) => (state.overlay, state.beneath) = (None, None),
            Some(action @ (Global::Suspend | Global::Redraw)) => act_global(state, action),
            _ => overlay::press(state, key),
        }
        return;
    }
    if let Some(at) = numbered(key) {
        match at < state.tabs.len() {
            true => show_tab(state, at),
            false => tell(state, format!("there is no session {}", at + 1)),
        }
        return;
    }
    if state.focus == Focus::Query {
        return press_in_tab(state, key);
    }
    let global = keys::find(GLOBAL_KEYS, key);
    match global {
        // Where one types, `?` and `:` are characters; F1 and Ctrl-keys are not.
        Some(action) if !((state.types() && is_character(key)) || belongs_to_way(state, action)) => {
            return act_global(state, action);
        }
        _ => {}
    }
    let request = match state.focus {
        Focus::Fleet => press_in_fleet(state, key),
        Focus::Connect => press_in_connect(state, key),
        Focus::Lines => {
            keys::find(lines::KEYS, key).and_then(|action| lines::update(&mut state.lines, action, desk!(state)))
        }
        Focus::Activity => return watching::press(state, key),
        Focus::Doctor => return examining::press(state, key),
        Focus::Query => None,
    };
    if let Some(request) = request {
        perform(state, request);
    }
}

/// Which tab a key names.
fn numbered(key: &KeyEvent) -> Option<usize> {
    let row = GLOBAL_KEYS.iter().find(|row| row.action == Global::NumberedTab)?;
    row.keys.iter().position(|name| keys::matches(name, key))
}

fn is_character(key: &KeyEvent) -> bool {
    use crossterm::event::{KeyCode, KeyModifiers};
    matches!(key.code, KeyCode::Char(_)) && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
}

/// Ctrl-C on the way leaves the way, and while the doctor looks the doctor.
fn belongs_to_way(state: &State, action: Global) -> bool {
    let on_way = state.connect.as_ref().is_some_and(|pane| pane.attempt.is_some());
    let looks = state.doctor.as_ref().is_some_and(doctor::Pane::looks);
    action == Global::Interrupt
        && match state.focus {
            Focus::Connect => on_way,
            Focus::Doctor => looks,
            _ => false,
        }
}

fn press_in_fleet(state: &mut State, key: &KeyEvent) -> Option<Request> {
    if state.fleet.filtering {
        match keys::find(fleet::TYPING_KEYS, key) {
            Some(action) => fleet::typing(&mut state.fleet, action, desk!(state)),
            None => {
                fleet::typed(&mut state.fleet, key, desk!(state));
            }
        }
        return None;
    }
    fleet::update(&mut state.fleet, keys::find(fleet::KEYS, key)?, desk!(state))
}

fn press_in_connect(state: &mut State, key: &KeyEvent) -> Option<Request> {
    let pane = state.connect.as_mut()?;
    if let Some(attempt) = &pane.attempt {
        let table = if attempt.way.walks() { connect::WALKING_KEYS } else { connect::FAILED_KEYS };
        return connect::on_way(pane, keys::find(table, key)?, desk!(state));
    }
    if connect::typed(pane, key) {
        return None;
    }
    connect::update(pane, keys::find(connect::KEYS, key)?, desk!(state))
}

fn press_in_tab(state: &mut State, key: &KeyEvent) {
    if let Some(
        action @ (Global::PreviousTab
        | Global::NextTab
        | Global::NewTab
        | Global::Activity
        | Global::Suspend
        | Global::Redraw),
    ) = keys::find(GLOBAL_KEYS, key)
    {
        // Ctrl-Z is undo in editors; where one types SQL it belongs to the pane.
        if action != Global::Suspend {
            return act_global(state, action);
        }
    }
    to_tab(state, QueryInput::Tick(state.now));
    to_tab(state, QueryInput::Key(*key));
}

fn paste(state: &mut State, text: String) {
    match &mut state.overlay {
        Some(Overlay::Palette(pane)) => pane.input.paste(&text),
        Some(Overlay::Picker(pane)) => pane.input.paste(&text),
        Some(Overlay::Prompt(pane)) => pane.input.paste(&text),
        Some(Overlay::Consent(pane)) => pane.input.paste(&text),
        Some(Overlay::EnableIam(pane)) => pane.input.paste(&text),
        Some(Overlay::Listen(pane)) => {
            if let Some(line) = pane.line() {
                line.paste(&text);
            }
        }
        Some(_) => {}
        None => match state.focus {
            Focus::Fleet => fleet::pasted(&mut state.fleet, &text, desk!(state)),
            Focus::Connect => {
                if let Some(pane) = state.connect.as_mut().filter(|pane| pane.attempt.is_none()) {
                    connect::pasted(pane, &text);
                }
            }
            Focus::Query => to_tab(state, QueryInput::Paste(text)),
            Focus::Activity => watching::paste(state, &text),
            Focus::Lines | Focus::Doctor => {}
        },
    }
}

fn mouse_moved(state: &mut State, mouse: &MouseEvent) {
    if state.overlay.is_some() {
        return overlay::mouse(state, mouse);
    }
    match state.focus {
        Focus::Fleet => {
            if let Some(request) = fleet::mouse(&mut state.fleet, mouse, desk!(state)) {
                perform(state, request);
            }
        }
        Focus::Query => {
            let bar = state.tabs.len() > 1 && mouse.row == 0;
            match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) if bar => {
                    if let Some(id) = view::tab_at(state, mouse.column)
                        && let Some(at) = state.tabs.iter().position(|tab| tab.id == id)
                    {
                        show_tab(state, at);
                    }
                }
                _ if bar => {}
                _ => to_tab(state, QueryInput::Mouse(*mouse)),
            }
        }
        Focus::Connect => connect_mouse(state, mouse),
        Focus::Activity => watching::mouse(state, mouse),
        Focus::Doctor => examining::mouse(state, mouse),
        Focus::Lines => {}
    }
}

/// The wheel moves through the fields, or through the diagnosis.
fn connect_mouse(state: &mut State, mouse: &MouseEvent) {
    use super::widgets::list::Move;
    let by = match mouse.kind {
        MouseEventKind::ScrollDown => 1,
        MouseEventKind::ScrollUp => -1,
        _ => return,
    };
    let Some(pane) = state.connect.as_mut() else { return };
    let request = match pane.attempt.is_some() {
        true => connect::on_way(pane, connect::OnWay::Scroll(Move::By(by * 3)), desk!(state)),
        false => connect::update(pane, connect::Action::Go(Move::By(by)), desk!(state)),
    };
    if let Some(request) = request {
        perform(state, request);
    }
}

fn answered(state: &mut State, id: Id, answer: Answer) {
    if state.fleet.answer(id, &answer, desk!(state)) {
        return connect_to_target(state);
    }
    if let Answer::Unconsented(endpoint, auth) = answer {
        // A listener that is no more waited for needs no consent.
        let Some(plan) = state.lines.take_back(id) else { return };
        // Nobody who types elsewhere by now is interrupted.
        if state.focus == Focus::Lines && state.overlay.is_none() {
            state.overlay = Some(Overlay::Consent(Box::new(consent::Pane::new(plan, endpoint, auth))));
        } else {
            let name = visible(&plan.name).into_owned();
            tell(state, format!("{name} was not opened: it would let clients write to production · L, Enter asks"));
        }
        return;
    }
    if state.lines.answer(id, &answer, state.now) {
        if let Some(words) = state.lines.note(id, &answer) {
            tell(state, words);
        }
        return;
    }
    if names::answer(state, id, &answer)
        || changing::answer(state, id, &answer)
        || examining::answer(state, id, &answer)
    {
        return;
    }
    let taken = match &mut state.overlay {
        Some(Overlay::Listen(pane)) => pane.answer(id, &answer),
        Some(Overlay::EnableIam(pane)) => pane.answer(id, &answer),
        _ => false,
    };
    if taken {
        return;
    }
    if state.handing.as_ref().is_some_and(|(handing, _)| *handing == id)
        && let Some((_, what)) = state.handing.take()
    {
        return overlay::handed(state, &what, answer);
    }
    if let Answer::Activity(news) = answer {
        return watching::hear(state, id, news);
    }
    if let Some(pane) = state.connect.as_mut()
        && let Some(request) = pane.answer(id, &answer, desk!(state))
    {
        if let Some(request) = request {
            perform(state, request);
        }
        return;
    }
    if let Some(Overlay::Prompt(prompt)) = &mut state.overlay
        && prompt.recall == Some(id)
    {
        if let (Answer::Recalled(_, Some(user)), true) = (&answer, prompt.input.is_empty()) {
            prompt.input.set(user);
        }
        return;
    }
    if state.wanted.as_ref().is_some_and(|(wanted, _)| *wanted == id)
        && let Some((_, wanted)) = state.wanted.take()
    {
        return overlay::wanted(state, wanted, answer);
    }
    if let (Answer::Profiles(profiles), Some(Overlay::Picker(picker))) = (&answer, &mut state.overlay) {
        return picker.offer(picker::Subject::Profiles, profiles);
    }
    // An answer that nobody waits for any more: a session that stands all the same must not stay open.
    if let Answer::Connected(..) | Answer::Forwarded(_) | Answer::Listening(_) = answer {
        state.asks.ask(Command::Stop(id));
    }
}

/// Opens the form of the target given at the start and sends it off, as soon as it is clear which one is meant.
fn connect_to_target(state: &mut State) {
    let Some(wanted) = &state.target else { return };
    let listings = state.fleet.listings.iter().filter_map(|listing| listing.latest.as_ref());
    let databases: Vec<_> = listings.flat_map(|inventory| inventory.databases.iter().cloned()).collect();
    let found = match choose(&wanted.name, &databases) {
        // Another region may know a database of the same name; no two have the same host, resource id or ARN.
        Ok(found) if found.database.identifier.eq_ignore_ascii_case(wanted.name.trim()) && state.fleet.lists() => {
            return;
        }
        Err(diagnosis) if diagnosis.kind == Kind::NotFound && state.fleet.lists() => return,
        Ok(found) => Ok(found),
        Err(diagnosis) => Err(diagnosis),
    };
    let Some(wanted) = state.target.take() else { return };
    // Whoever has gone elsewhere meanwhile is not dragged back.
    if state.focus != Focus::Fleet || state.overlay.is_some() {
        return tell(state, format!("{} is listed now: Enter on it connects", visible(&wanted.name)));
    }
    match found {
        Ok(found) => {
            let mut subject = state.fleet.subject(&found.database);
            let host = &found.endpoint.host;
            if let Some(at) = subject.endpoints.iter().position(|(_, endpoint)| &endpoint.host == host) {
                subject.chosen = at;
            }
            perform(state, Request::Connect(Box::new(subject)));
            if let Some(pane) = state.connect.as_mut() {
                pane.want(wanted);
            }
        }
        // Where nothing at all was listed, the fleet shows why; what one region did not tell may be what was meant.
        Err(diagnosis) if diagnosis.kind == Kind::NotFound && state.fleet.shows_failure() => {}
        Err(diagnosis) if diagnosis.kind == Kind::NotFound => {
            let why = state.fleet.failure().cloned().unwrap_or(diagnosis);
            perform(state, Request::Diagnose(why));
        }
        Err(diagnosis) => perform(state, Request::Diagnose(diagnosis)),
    }
}

/// Does what a palette entry or a key means.
pub fn act(state: &mut State, action: Action) {
    let request = match action {
        Action::Global(action) => return act_global(state, action),
        Action::Fleet(action) => fleet::update(&mut state.fleet, action, desk!(state)),
        Action::Activity(action) => return watching::act(state, action),
        Action::Doctor(action) => return examining::act(state, action),
        Action::Lines(action) => lines::update(&mut state.lines, action, desk!(state)),
        Action::Connect(action) => match state.connect.as_mut() {
            Some(pane) => connect::update(pane, action, desk!(state)),
            None => None,
        },
    };
    if let Some(request) = request {
        perform(state, request);
    }
}

fn act_global(state: &mut State, action: Global) {
    match action {
        Global::Help => state.overlay = Some(Overlay::Help(help_of(state))),
        Global::Palette => state.overlay = Some(Overlay::Palette(palette::Pane::new(state.actions()))),
        Global::PreviousTab | Global::NextTab if state.tabs.is_empty() => tell(state, "no session yet".to_owned()),
        Global::PreviousTab | Global::NextTab => {
            let count = state.tabs.len();
            let step = if action == Global::NextTab { 1 } else { count - 1 };
            let at = if state.focus == Focus::Query { (state.tab + step) % count } else { state.tab };
            show_tab(state, at);
        }
        Global::NewTab if state.tabs.is_empty() => tell(state, "no session yet".to_owned()),
        Global::NewTab => another_session(state, None, None),
        Global::NumberedTab => tell(state, "Alt and a digit show the session of that number".to_owned()),
        Global::Activity => watching::toggle(state),
        Global::Suspend => {
            state.asks.ask(Command::Suspend);
        }
        Global::Redraw => {
            state.asks.ask(Command::Redraw);
        }
        Global::Interrupt => {
            let again =
                state.interrupted.and_then(|at| state.now.duration_since(at).ok()).is_some_and(|ago| ago < TWICE);
            if again {
                return quit(state);
            }
            state.interrupted = Some(state.now);
            tell(state, "Ctrl-C once more leaves gatepost".to_owned());
        }
    }
}

fn help_of(state: &State) -> help::Pane {
    fn rows<A>(table: &'static [keys::Binding<A>]) -> Vec<help::Row> {
        keys::hints(table).map(|hint| help::Row { keys: hint.keys, help: hint.help }).collect()
    }
    let mut sections: Vec<help::Section> = Vec::new();
    match state.focus {
        Focus::Fleet => sections.push(("Fleet", rows(fleet::KEYS))),
        Focus::Connect => {
            sections.push(("Connect", rows(connect::KEYS)));
            sections.push(("When it failed", rows(connect::FAILED_KEYS)));
        }
        Focus::Lines => sections.push(("Lines", rows(lines::KEYS))),
        Focus::Activity => sections.push(("Activity", rows(activity::KEYS))),
        Focus::Doctor => sections.push(("Doctor", rows(doctor::KEYS))),
        Focus::Query => {
            if let Some(tab) = state.shown_tab() {
                for (heading, of_query) in tab.pane.help() {
                    let of_query = of_query.into_iter().map(|row| help::Row { keys: row.keys, help: row.help });
                    sections.push((heading, of_query.collect()));
                }
            }
        }
    }
    sections.push(("Everywhere", rows(GLOBAL_KEYS)));
    help::Pane { sections, scroll: 0 }
}

/// Says so in the last row, for a moment.
pub fn tell(state: &mut State, text: String) {
    state.notice = Some(Notice { text, until: state.now + NOTICE });
}

/// Shows the query tab of that index.
pub fn show_tab(state: &mut State, at: usize) {
    state.tab = at;
    state.focus = Focus::Query;
    tell_area(state);
}

/// Query panes are told where they are drawn, for they know no layout but their own.
fn tell_area(state: &mut State) {
    let area = view::query_area(state.size, state.tabs.len());
    for at in 0..state.tabs.len() {
        to_tab_at(state, at, QueryInput::Area(area));
    }
}

fn to_tab(state: &mut State, input: QueryInput) {
    to_tab_at(state, state.tab, input);
}

fn to_tab_at(state: &mut State, at: usize, input: QueryInput) {
    let Some(tab) = state.tabs.get_mut(at) else { return };
    let id = tab.id;
    for order in query::update(&mut tab.pane, input) {
        ordered(state, id, order);
    }
}

fn ordered(state: &mut State, id: TabId, order: Order) {
    match order {
        Order::Ask(ask) => {
            state.asks.ask(Command::Query(id, ask));
        }
        Order::Copy(text) => {
            state.asks.ask(Command::Copy(Secret::new(text)));
        }
        Order::Compose(text) => {
            state.asks.ask(Command::Compose(id, Secret::new(text)));
        }
        Order::Names => {
            if let Some(at) = state.tabs.iter().position(|tab| tab.id == id) {
                names::again(state, at);
            }
        }
        Order::Shelf(shelving) => {
            if let Some(tab) = state.tabs.iter().find(|tab| tab.id == id) {
                state.asks.ask(Command::Shelf(id, Box::new(tab.wish.endpoint.clone()), shelving));
            }
        }
        Order::Explore(question) => {
            if let Some(tab) = state.tabs.iter().find(|tab| tab.id == id) {
                let mut wish = tab.wish.clone();
                wish.database = Some(tab.pane.database().to_owned());
                state.asks.ask(Command::Explore(id, Box::new(wish), question));
            }
        }
        Order::Help => state.overlay = Some(Overlay::Help(help_of(state))),
        Order::Palette(words) => {
            act_global(state, Global::Palette);
            if let Some(Overlay::Palette(pane)) = &mut state.overlay {
                pane.input.set(&words);
            }
        }
        Order::Back => state.focus = Focus::Fleet,
        Order::Close => {
            state.asks.ask(Command::Query(id, query::Ask::Close));
            state.tabs.retain(|tab| tab.id != id);
            watching::closed(state, id);
            names::closed(state);
            if state.tabs.is_empty() {
                state.tab = 0;
                state.focus = Focus::Fleet;
            } else {
                state.tab = state.tab.min(state.tabs.len() - 1);
            }
            tell_area(state);
        }
        Order::Quit => leave(state),
        Order::Connect { database, user } => another_session(state, database, user),
    }
}

/// The size of the body, for overlays that scroll.
pub fn reading_height(state: &State) -> usize {
    usize::from(layout::areas(state.size).body.height).saturating_sub(2)
}
