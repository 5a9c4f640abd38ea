//! A question in a box: one line to type, or yes or no. It must not know what the answer is for.

use super::menu::What;
use crate::console::event::{Asks, Command, Id};
use crate::console::layout;
use crate::console::theme::{Theme, Tone};
use crate::console::widgets::input::Input;
use crate::console::widgets::paint::{self, run};
use crate::console::widgets::text;
use crate::model::Settings;
use ratatui::Frame;
use ratatui::layout::Rect;

/// For which user?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    /// What is wanted for that user.
    pub what: What,
    /// Whether it is shown to be read, rather than copied.
    pub read: bool,
    /// The user's name.
    pub input: Input,
    /// The question who was used last, to be offered while nothing is typed.
    pub recall: Option<Id>,
}

impl Pane {
    /// Asks for a user, and who was used last.
    pub fn new(what: What, read: bool, settings: &Settings, asks: &mut Asks) -> Pane {
        let recall = what.endpoint().map(|endpoint| asks.ask(Command::Recall(Box::new(endpoint.clone()))));
        Pane { what, read, input: Input::new(settings.user.clone().unwrap_or_default()), recall }
    }
}

/// Draws the line in a box over `area`.
pub fn view(pane: &Pane, frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let what = match &pane.what {
        What::Policy(_) => "IAM policy",
        What::ConnectArn(_) => "connect ARN",
        What::Token(_) => "token",
        What::Doctor(_) => "doctor",
        What::Raw(..) => "psql command",
        What::Text(_) | What::HandOff(_) => "text",
    };
    let owner = pane.what.endpoint().map(|endpoint| endpoint.owner.clone()).unwrap_or_default();
    let outer = layout::middle(area, 56, 3);
    let inner = paint::frame(frame, outer, &format!("{what} for {owner}"), theme);
    let label = "database user  ";
    let field = Rect { x: inner.x + (label.len() as u16).min(inner.width), ..inner };
    let field = Rect { width: inner.right() - field.x, ..field };
    let (shown, at) = pane.input.shown(field.width.into());
    paint::runs(frame, inner, &[run(label, Tone::Dim), run(shown, Tone::Text)], theme, None);
    paint::cursor(frame, field, at);
}

/// Draws a yes-or-no question in a box over `area`.
pub fn question(lines: &[String], frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let width = 64.min(area.width);
    let wrapped: Vec<String> =
        lines.iter().flat_map(|line| text::wrap(line, usize::from(width).saturating_sub(4))).collect();
    let outer = layout::middle(area, width, wrapped.len() as u16 + 2);
    let inner = paint::frame(frame, outer, "leave?", theme);
    for (at, line) in wrapped.into_iter().enumerate() {
        paint::runs(frame, layout::below(inner, inner.y + at as u16, 1), &[run(line, Tone::Text)], theme, None);
    }
}
