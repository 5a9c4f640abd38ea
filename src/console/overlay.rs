//! Keys and mouse for what lies over a pane: help, palette, copy menu, picker, prompt, text, diagnosis, question. It must
//! not know the panes beneath.

use super::changing;
use super::event::{Answer, Command};
use super::examining;
use super::keys::{self, Binding, matches};
use super::panes::{consent, diagnosis, document, enable_iam, help, listen, menu, picker, prompt};
use super::request;
use super::state::{Overlay, State};
use super::update::{self, tell};
use super::view;
use super::widgets::list::{Cursor, Move};
use crate::model::{Endpoint, Scope, Secret};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// What keys mean in lists and texts that lie over a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Take the selected one.
    Take,
    /// Away with it.
    Close,
    /// Copy.
    Copy,
    /// Move, or scroll.
    Go(Move),
}

/// The keys of lists and texts that lie over a pane.
pub const KEYS: &[Binding<Action>] = &[
    Binding { keys: &["Enter"], action: Action::Take, label: "take", help: "Take the selected one" },
    Binding { keys: &["Esc", "q", "?", "F1"], action: Action::Close, label: "back", help: "Back" },
    Binding { keys: &["y"], action: Action::Copy, label: "copy", help: "Copy" },
    Binding { keys: &["Down", "j"], action: Action::Go(Move::By(1)), label: "", help: "Down" },
    Binding { keys: &["Up", "k"], action: Action::Go(Move::By(-1)), label: "", help: "Up" },
    Binding {
        keys: &["C-d", "PageDown", "Space"],
        action: Action::Go(Move::HalfPages(1)),
        label: "",
        help: "Half a screen down",
    },
    Binding { keys: &["C-u", "PageUp"], action: Action::Go(Move::HalfPages(-1)), label: "", help: "Half a screen up" },
    Binding { keys: &["g", "Home"], action: Action::Go(Move::First), label: "", help: "First" },
    Binding { keys: &["G", "End"], action: Action::Go(Move::Last), label: "", help: "Last" },
];

/// Takes a key.
pub fn press(state: &mut State, key: &KeyEvent) {
    let Some(mut overlay) = state.overlay.take() else { return };
    let height = update::reading_height(state);
    let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    let typed = if let (KeyCode::Char(c), true) = (key.code, plain) { Some(c) } else { None };
    let action = keys::find(KEYS, key);
    if let (true, Some(help)) = (matches("F1", key), help_of(&overlay)) {
        // Over the form, which comes back as it was.
        state.beneath = Some(Box::new(overlay));
        state.overlay = Some(Overlay::Help(help));
        return;
    }
    let keep = match &mut overlay {
        Overlay::Help(pane) => {
            let width = view::reading_area(state.size).width.saturating_sub(4);
            {
                let len = pane.lines(width).len();
                scroll(&mut pane.scroll, action, len, height)
            }
        }
        Overlay::Document(pane) => {
            let part = typed.and_then(|c| c.to_digit(10)).map(|digit| (digit as usize + 9) % 10);
            let width = view::reading_area(state.size).width.saturating_sub(4);
            let copies = if action == Some(Action::Copy) { Some(pane.shown(width, height)) } else { part };
            match copies.and_then(|n| pane.part(n)) {
                Some((text, what)) => {
                    copy(state, text, &what);
                    true
                }
                None => {
                    let len = pane.lines(width).len();
                    scroll(&mut pane.scroll, action, len, height)
                }
            }
        }
        Overlay::Diagnosis(pane) => press_in_diagnosis(state, pane, key),
        Overlay::Leave(_) => match typed {
            Some('y' | 'Y') => {
                request::quit(state);
                false
            }
            _ => !(action == Some(Action::Close) || matches!(typed, Some('n' | 'N'))),
        },
        Overlay::Menu(pane) => press_in_menu(state, pane, action, typed),
        Overlay::Palette(pane) => {
            let rows = pane.height(view::overlay_area(state.size));
            let down = matches("Down", key) || matches("C-n", key);
            let up = matches("Up", key) || matches("C-p", key);
            if down || up {
                pane.cursor.go(Move::By(if down { 1 } else { -1 }), pane.fitting().len(), rows);
                true
            } else if matches("Tab", key) {
                pane.complete();
                true
            } else if matches("Enter", key) {
                let chosen = pane.fitting().get(pane.cursor.selected).map(|(_, action)| *action);
                if let Some(action) = chosen {
                    // What it does may lay something else over the pane.
                    return update::act(state, action);
                }
                true
            } else if matches("Esc", key) {
                false
            } else {
                if pane.input.key(key) {
                    pane.cursor = Cursor::default();
                }
                true
            }
        }
        Overlay::Picker(pane) => press_in_picker(state, pane, key),
        Overlay::Listen(pane) => match pane.press(key) {
            listen::Outcome::Stay => true,
            listen::Outcome::Close => false,
            listen::Outcome::Open(plan, endpoint, auth) => {
                if let Some(consent) = request::listen(state, *plan, endpoint, auth) {
                    state.overlay = Some(consent);
                }
                false
            }
        },
        Overlay::Consent(pane) => match pane.press(key) {
            consent::Outcome::Stay => true,
            consent::Outcome::Close => false,
            outcome => {
                let read_only = outcome == consent::Outcome::ReadOnly;
                let mut plan = pane.plan.clone();
                if read_only {
                    plan.read_only = Some(true);
                }
                request::listen_to(state, plan, Some(pane.endpoint.clone()), pane.auth.clone());
                false
            }
        },
        Overlay::EnableIam(pane) => match pane.press(key) {
            enable_iam::Outcome::Stay => true,
            enable_iam::Outcome::Close => false,
            enable_iam::Outcome::Do => {
                changing::begin(state, pane);
                false
            }
        },
        Overlay::Prompt(pane) => {
            if matches("Enter", key) {
                let ready = !pane.input.text().trim().is_empty();
                if ready {
                    ask(state, pane.clone());
                }
                !ready
            } else if matches("Esc", key) {
                false
            } else {
                pane.input.key(key);
                true
            }
        }
    };
    if keep {
        state.overlay = Some(overlay);
    } else if let Overlay::Help(_) = overlay {
        state.overlay = state.beneath.take().map(|beneath| *beneath);
    }
}

/// The keys of a form, where `?` is typed and F1 asks for them.
fn help_of(overlay: &Overlay) -> Option<help::Pane> {
    fn section<A>(name: &'static str, keys: &[Binding<A>]) -> Option<help::Pane> {
        let rows = keys.iter().map(|row| help::Row { keys: row.keys, help: row.help }).collect();
        Some(help::Pane { sections: vec![(name, rows)], scroll: 0 })
    }
    match overlay {
        Overlay::Listen(_) => section("A listener", listen::KEYS),
        Overlay::Consent(_) => section("A listener that writes to production", consent::KEYS),
        Overlay::EnableIam(_) => section("IAM authentication", enable_iam::KEYS),
        _ => None,
    }
}

/// Scrolls a text; false when it is closed.
fn scroll(at: &mut usize, action: Option<Action>, len: usize, height: usize) -> bool {
    let most = len.saturating_sub(height);
    match action {
        Some(Action::Close | Action::Take) => return false,
        Some(Action::Go(Move::By(rows))) => *at = at.saturating_add_signed(rows).min(most),
        Some(Action::Go(Move::HalfPages(pages))) => {
            *at = at.saturating_add_signed(pages * (height as isize / 2).max(1)).min(most);
        }
        Some(Action::Go(Move::First)) => *at = 0,
        Some(Action::Go(Move::Last)) => *at = most,
        Some(Action::Copy) | None => {}
    }
    true
}

fn press_in_diagnosis(state: &mut State, pane: &mut diagnosis::Pane, key: &KeyEvent) -> bool {
    match keys::find(diagnosis::KEYS, key) {
        Some(diagnosis::Action::Close) => return false,
        Some(diagnosis::Action::Copy(n)) => match pane.pasteable(n) {
            Some(text) => copy(state, text.to_owned(), "what to paste"),
            None => tell(state, "there is nothing to paste".to_owned()),
        },
        Some(diagnosis::Action::Scroll(how)) => {
            let area = view::diagnosis_area(pane, view::reading_area(state.size));
            let inner = ratatui::layout::Rect {
                width: area.width.saturating_sub(4),
                height: area.height.saturating_sub(2),
                ..area
            };
            pane.scroll(how, inner);
        }
        None => {}
    }
    true
}

fn press_in_menu(state: &mut State, pane: &mut menu::Pane, action: Option<Action>, typed: Option<char>) -> bool {
    // Letters first: they are shown beside the entries.
    if let Some(at) = typed.and_then(|c| pane.entries.iter().position(|entry| entry.key == c)) {
        take(state, &pane.entries[at]);
        return false;
    }
    let rows = usize::from(pane.area(view::overlay_area(state.size)).height).saturating_sub(2);
    match action {
        Some(Action::Take | Action::Copy) => {
            if let Some(entry) = pane.entries.get(pane.cursor.selected) {
                take(state, entry);
            }
            return false;
        }
        Some(Action::Close) => return false,
        Some(Action::Go(how)) => pane.cursor.go(how, pane.entries.len(), rows),
        None => {}
    }
    true
}

/// Copies an entry, or asks for which user first.
fn take(state: &mut State, entry: &menu::Entry) {
    match &entry.what {
        menu::What::Text(text) => copy(state, text.clone(), &entry.name),
        menu::What::HandOff(handoff) => {
            let text = handoff.lines.join("\n");
            let id = state.asks.ask(Command::HandOver(handoff.files.clone(), text));
            state.handing = Some((id, entry.name.clone()));
        }
        what => {
            let prompt = prompt::Pane::new(what.clone(), false, &state.settings, &mut state.asks);
            state.overlay = Some(Overlay::Prompt(prompt));
        }
    }
}

fn press_in_picker(state: &mut State, pane: &mut picker::Pane, key: &KeyEvent) -> bool {
    let rows = pane.height(view::overlay_area(state.size));
    match keys::find(picker::KEYS, key) {
        Some(picker::Action::Close) => return false,
        Some(picker::Action::Toggle) => pane.toggle(),
        Some(picker::Action::Go(how)) => {
            let len = pane.shown().len();
            pane.cursor.go(how, len, rows);
        }
        Some(picker::Action::Done) => {
            return !pick(state, pane);
        }
        None => {
            if pane.input.key(key) {
                pane.cursor = Cursor::default();
            }
        }
    }
    true
}

/// Lists what was chosen from now on; false where nothing was.
fn pick(state: &mut State, pane: &picker::Pane) -> bool {
    let mut regions: Vec<String> = Vec::new();
    let mut profiles: Vec<Option<String>> = Vec::new();
    for listing in &state.fleet.listings {
        if !regions.contains(&listing.place.region) {
            regions.push(listing.place.region.clone());
        }
        if !profiles.contains(&listing.place.profile) {
            profiles.push(listing.place.profile.clone());
        }
    }
    match pane.subject {
        picker::Subject::Regions => {
            let chosen = pane.result(&regions);
            if chosen.is_empty() {
                tell(state, "no region is ticked: Space ticks the selected one".to_owned());
                return false;
            }
            if profiles.is_empty() {
                profiles.push(None);
            }
            request::choose_places(state, &chosen, &profiles);
        }
        picker::Subject::Profiles => {
            let before = request::profiles(state);
            let mut chosen: Vec<Option<String>> = pane.result(&before).into_iter().map(Some).collect();
            if regions.is_empty() {
                tell(state, "choose regions first: R".to_owned());
                return true;
            }
            if chosen.is_empty() {
                if before.is_empty() {
                    tell(state, "no profile is ticked: Space ticks the selected one".to_owned());
                    return false;
                }
                tell(state, "no profile is ticked: the default is listed with again".to_owned());
                chosen.push(None);
            }
            request::choose_places(state, &regions, &chosen);
        }
    }
    true
}

/// Has a policy or token made for the user just named.
fn ask(state: &mut State, pane: prompt::Pane) {
    let user = pane.input.text().trim().to_owned();
    let command = match &pane.what {
        menu::What::Text(_) | menu::What::HandOff(_) => return,
        menu::What::Raw(endpoint, port) => Command::Raw(endpoint.clone(), *port, user),
        menu::What::ConnectArn(endpoint) => return copy(state, connect_arn(endpoint, &user), "the connect ARN"),
        menu::What::Policy(endpoint) => Command::Policy(endpoint.clone(), user),
        menu::What::Token(endpoint) => Command::Token(endpoint.clone(), user),
        menu::What::Doctor(endpoint) => return examining::open(state, examining::wish(endpoint, &user)),
    };
    let id = state.asks.ask(command);
    state.wanted = Some((id, pane));
}

fn connect_arn(endpoint: &Endpoint, user: &str) -> String {
    endpoint.connect_arn(user)
}

/// The policy or token that was asked for is here.
pub fn wanted(state: &mut State, wanted: prompt::Pane, answer: Answer) {
    let user = wanted.input.text().trim().to_owned();
    match answer {
        Answer::Policy(policy) if wanted.read => {
            state.overlay = Some(Overlay::Document(document::Pane::policy(&user, &policy)));
        }
        Answer::Policy(policy) => copy(state, policy.of(Scope::User).document.clone(), "the IAM policy"),
        Answer::Words(words) => copy(state, words, "the command"),
        Answer::Token(token) => {
            state.asks.ask(Command::Copy(token));
            tell(state, format!("copied a token for {user}, good for 15 minutes"));
        }
        Answer::Failed(failure) => state.overlay = Some(Overlay::Diagnosis(diagnosis::Pane::new(failure))),
        _ => {}
    }
}

/// The files for a client are there, or could not be written.
pub fn handed(state: &mut State, what: &str, answer: Answer) {
    match answer {
        Answer::HandedOver(text) => copy(state, text, what),
        Answer::Failed(failure) => state.overlay = Some(Overlay::Diagnosis(diagnosis::Pane::new(failure))),
        _ => {}
    }
}

fn copy(state: &mut State, text: String, what: &str) {
    state.asks.ask(Command::Copy(Secret::new(text)));
    tell(state, format!("copied {what}"));
}

/// The wheel scrolls, a click in the copy menu takes.
pub fn mouse(state: &mut State, mouse: &MouseEvent) {
    let code = match mouse.kind {
        MouseEventKind::ScrollDown => KeyCode::Down,
        MouseEventKind::ScrollUp => KeyCode::Up,
        MouseEventKind::Down(MouseButton::Left) => {
            let Some(Overlay::Menu(pane)) = &mut state.overlay else { return };
            let area = pane.area(view::overlay_area(state.size));
            if !area.contains(Position::new(mouse.column, mouse.row)) || mouse.row == area.y {
                return;
            }
            let at = pane.cursor.offset + usize::from(mouse.row - area.y - 1);
            if at >= pane.entries.len() {
                return;
            }
            pane.cursor.selected = at;
            KeyCode::Enter
        }
        _ => return,
    };
    press(state, &KeyEvent::new(code, KeyModifiers::NONE));
}
