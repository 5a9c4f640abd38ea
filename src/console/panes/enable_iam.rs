//! Switching IAM authentication on: what it means, when, and the name of what is changed, to be typed. It must not know how
//! AWS is told.

use crate::access::enable_iam::consequences_of;
use crate::console::event::{Answer, Asks, Command, Id, Load};
use crate::console::keys::{Binding, matches};
use crate::console::layout;
use crate::console::panes::consent::WRONG;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::input::Input;
use crate::console::widgets::paint::{self, run};
use crate::console::widgets::text;
use crate::model::{IamPlan, IamProgress, When};
use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;
use std::time::SystemTime;

/// The question.
#[derive(Clone, Debug)]
pub struct Pane {
    /// What would be changed.
    pub plan: IamPlan,
    /// How it stands: other changes that wait are done with it.
    pub standing: Load<IamProgress>,
    /// When.
    pub when: When,
    /// The name, as far as it was typed.
    pub input: Input,
    /// Why it was not done when it was sent off.
    pub wrong: Option<&'static str>,
}

/// What a key came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more.
    Stay,
    /// Nothing is changed.
    Close,
    /// It is to be done.
    Do,
}

/// What a key means here; all others are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Do it, once the name is typed.
    Do,
    /// At once, or in the window.
    When,
    /// Leave it.
    Close,
}

/// The keys of the question.
pub const KEYS: &[Binding<Action>] = &[
    Binding { keys: &["Enter"], action: Action::Do, label: "switch it on", help: "Do it, once the name is typed" },
    Binding { keys: &["Tab"], action: Action::When, label: "now or in the window", help: "At once, or in the window" },
    Binding { keys: &["Esc"], action: Action::Close, label: "leave it", help: "Back, and nothing is changed" },
];

impl Pane {
    /// Asks how it stands, and then the person.
    pub fn new(plan: IamPlan, now: SystemTime, asks: &mut Asks) -> Pane {
        let standing = Load::Asked(asks.ask(Command::IamProgress(Box::new(plan.clone()))), now);
        Pane { plan, standing, when: When::Now, input: Input::new(String::new()), wrong: None }
    }

    /// Takes a key.
    pub fn press(&mut self, key: &KeyEvent) -> Outcome {
        let row = KEYS.iter().find(|row| row.keys.iter().any(|name| matches(name, key)));
        match row.map(|row| row.action) {
            Some(Action::Close) => return Outcome::Close,
            Some(Action::When) => self.when = if self.when == When::Now { When::Window } else { When::Now },
            // Not before what waits is known and was said.
            Some(Action::Do) => match (self.is_typed(), &self.standing) {
                (true, Load::Ready(_)) => return Outcome::Do,
                (true, Load::Failed(_)) => {
                    self.wrong = Some("  ◂ not before it is known how it stands: leave, ask again")
                }
                (true, _) => self.wrong = Some("  ◂ not before AWS has answered"),
                (false, _) => self.wrong = Some(WRONG),
            },
            None => {
                self.wrong = None;
                self.input.key(key);
            }
        }
        Outcome::Stay
    }

    fn is_typed(&self) -> bool {
        self.input.text().trim() == self.plan.identifier
    }

    /// Takes an answer; false when it is none of this question's.
    pub fn answer(&mut self, id: Id, answer: &Answer) -> bool {
        if !self.standing.waits_for(id) {
            return false;
        }
        self.wrong = None;
        match answer {
            Answer::IamProgress(standing) => self.standing = Load::Ready(standing.clone()),
            Answer::Failed(diagnosis) => self.standing = Load::Failed(diagnosis.clone()),
            _ => {}
        }
        true
    }

    fn sentences(&self) -> Vec<String> {
        let mut sentences = self.plan.consequences.clone();
        match &self.standing {
            Load::Ready(standing) => sentences.extend(consequences_of(self.when, standing)),
            Load::Failed(diagnosis) => sentences.push(format!("How it stands could not be asked: {}", diagnosis.title)),
            Load::Idle | Load::Asked(..) => sentences.push("Asking AWS what else waits to be changed …".to_owned()),
        }
        sentences
    }
}

/// Draws it in a box over `area`.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let width = 76.min(area.width);
    let columns = usize::from(width).saturating_sub(6);
    let mut lines: Vec<String> = Vec::new();
    for sentence in pane.sentences() {
        for (at, line) in text::wrap(&sentence, columns).into_iter().enumerate() {
            lines.push(format!("{}{line}", if at == 0 { "· " } else { "  " }));
        }
    }
    let outer = layout::middle(area, width, lines.len() as u16 + 5);
    let title = format!("IAM authentication on, for the {} {}", pane.plan.kind.name(), pane.plan.identifier);
    let inner = paint::frame(frame, outer, &title, theme);
    // Where there is no room for all, the question itself stays.
    let room = usize::from(inner.height).saturating_sub(3);
    for (at, line) in lines.into_iter().take(room).enumerate() {
        paint::runs(frame, layout::below(inner, inner.y + at as u16, 1), &[run(line, Tone::Text)], theme, None);
    }
    let y = inner.bottom().saturating_sub(2);
    let (now, window) = match pane.when {
        When::Now => (Tone::Strong, Tone::Dim),
        When::Window => (Tone::Dim, Tone::Strong),
    };
    let mark = |when: When| if pane.when == when { "● " } else { "○ " };
    let choice = [
        run(format!("{}at once   ", mark(When::Now)), now),
        run(format!("{}in the maintenance window", mark(When::Window)), window),
    ];
    paint::runs(frame, layout::below(inner, y, 1), &choice, theme, None);
    let label = format!("type {} to go on: ", pane.plan.identifier);
    let x = inner.x + (text::width(&label) as u16).min(inner.width);
    let field = Rect { x, width: inner.right().saturating_sub(x), ..layout::below(inner, y + 1, 1) };
    let (shown, cursor) = pane.input.shown(field.width.into());
    let tone = if pane.is_typed() { Tone::Good } else { Tone::Text };
    let wrong = run(pane.wrong.unwrap_or_default(), Tone::Bad);
    paint::runs(frame, layout::below(inner, y + 1, 1), &[run(label, Tone::Dim), run(shown, tone), wrong], theme, None);
    paint::cursor(frame, field, cursor);
}
