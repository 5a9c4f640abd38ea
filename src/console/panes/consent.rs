//! A listener whose clients could write to production: the database's name has to be typed first. It must not know how a
//! listener is opened.

use crate::console::keys::{Binding, matches};
use crate::console::layout;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::input::Input;
use crate::console::widgets::paint::{self, run};
use crate::console::widgets::text;
use crate::model::{Auth, Endpoint, ListenerSettings};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;

/// Beside a name that is not the one.
pub const WRONG: &str = "  ◂ not its name, exactly";

/// The question.
#[derive(Clone, Debug)]
pub struct Pane {
    /// What is to be opened.
    pub plan: ListenerSettings,
    /// For which database.
    pub endpoint: Box<Endpoint>,
    /// With what to log in.
    pub auth: Auth,
    /// The name, as far as it was typed.
    pub input: Input,
    /// It was sent off before it was the name.
    pub wrong: bool,
}

/// What a key came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more.
    Stay,
    /// Nothing is opened.
    Close,
    /// It is opened as it was asked for.
    Open,
    /// It is opened for reading only.
    ReadOnly,
}

/// What a key means here; all others are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open it, once the name is typed.
    Open,
    /// Open it for reading only.
    ReadOnly,
    /// Leave it.
    Close,
}

/// The keys of the question.
pub const KEYS: &[Binding<Action>] = &[
    Binding {
        keys: &["Enter"],
        action: Action::Open,
        label: "let clients write",
        help: "Open it, once the name is typed",
    },
    Binding {
        keys: &["Tab"],
        action: Action::ReadOnly,
        label: "read-only instead",
        help: "Open it for reading only: the server refuses writes",
    },
    Binding { keys: &["Esc"], action: Action::Close, label: "leave it", help: "Back, and nothing is opened" },
];

impl Pane {
    /// Asks.
    pub fn new(plan: ListenerSettings, endpoint: Box<Endpoint>, auth: Auth) -> Pane {
        Pane { plan, endpoint, auth, input: Input::default(), wrong: false }
    }

    /// Takes a key.
    pub fn press(&mut self, key: &KeyEvent) -> Outcome {
        let row = KEYS.iter().find(|row| row.keys.iter().any(|name| matches(name, key)));
        match row.map(|row| row.action) {
            Some(Action::Close) => return Outcome::Close,
            Some(Action::ReadOnly) => return Outcome::ReadOnly,
            Some(Action::Open) if self.is_typed() => return Outcome::Open,
            Some(Action::Open) => self.wrong = true,
            None => {
                self.wrong = false;
                self.input.key(key);
            }
        }
        Outcome::Stay
    }

    fn is_typed(&self) -> bool {
        self.input.text().trim() == self.endpoint.owner
    }
}

/// Draws it in a box over `area`.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let name = &pane.endpoint.owner;
    let width = 76.min(area.width);
    let columns = usize::from(width).saturating_sub(6);
    let who = if pane.plan.users.is_empty() { String::new() } else { format!(" as {}", pane.plan.users.join(", ")) };
    let mut sentences = vec![
        format!("{name} is marked production."),
        format!("Any client of this listener could write to it{who}, without being asked again."),
    ];
    if pane.plan.no_secret {
        sentences.push("It asks for no secret: whoever is on this machine could.".to_owned());
    }
    let lines: Vec<String> = sentences
        .iter()
        .flat_map(|sentence| {
            let wrapped = text::wrap(sentence, columns).into_iter().enumerate();
            wrapped.map(|(at, line)| format!("{}{line}", if at == 0 { "· " } else { "  " })).collect::<Vec<_>>()
        })
        .collect();
    let outer = layout::middle(area, width, lines.len() as u16 + 4);
    let inner = paint::frame(frame, outer, "a listener that writes to production", theme);
    for (at, line) in lines.into_iter().enumerate() {
        paint::runs(frame, layout::below(inner, inner.y + at as u16, 1), &[run(line, Tone::Text)], theme, None);
    }
    let label = format!("type {name} to go on: ");
    let row = layout::below(inner, inner.bottom().saturating_sub(1), 1);
    let x = inner.x + (text::width(&label) as u16).min(inner.width);
    let field = Rect { x, width: inner.right().saturating_sub(x), ..row };
    let (shown, cursor) = pane.input.shown(field.width.into());
    let tone = if pane.is_typed() { Tone::Good } else { Tone::Text };
    let wrong = run(if pane.wrong { WRONG } else { "" }, Tone::Bad);
    paint::runs(frame, row, &[run(label, Tone::Dim), run(shown, tone), wrong], theme, None);
    paint::cursor(frame, field, cursor);
}
